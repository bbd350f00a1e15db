//! Solving where values flow, beside everything else.

use std::sync::mpsc::Sender;
use std::time::Duration;

use graph::Analysis;

use crate::background;
use crate::mailbox::{Event, WeakMailbox};

/// While somebody types, a solution would be out of date before it is there.
const QUIET: Duration = Duration::from_millis(60);

/// Starts the thread that solves the newest of the states it is sent, and reports to the writer.
///
/// # Errors
/// When no thread can be started.
pub(crate) fn start(mailbox: WeakMailbox) -> std::io::Result<Sender<Analysis>> {
    background::start("flow", QUIET, move |analysis: Analysis, _| {
        mailbox.send(Event::FlowSolved(analysis.solve_flow()))
    })
}

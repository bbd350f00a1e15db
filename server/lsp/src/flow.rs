//! Solving the flow of values beside everything else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use graph::Analysis;

use crate::mailbox::{Event, WeakMailbox};
use crate::priority;

/// While somebody types, a solution would be out of date before it is there.
const QUIET: Duration = Duration::from_millis(60);

/// Starts the thread that solves what it is sent, the newest first, and reports to the writer.
///
/// # Errors
/// When no thread can be started.
pub(crate) fn start(mailbox: WeakMailbox) -> std::io::Result<Sender<Analysis>> {
    let (sender, receiver) = channel::<Analysis>();
    std::thread::Builder::new().name("settling".to_owned()).spawn(move || {
        priority::lower();
        while let Some(analysis) = newest(&receiver) {
            match catch_unwind(AssertUnwindSafe(|| analysis.solve_flow())) {
                Ok(flow) => mailbox.send(Event::Settled(flow)),
                // A defect of ours. What linking found stands.
                Err(_) => tracing::error!("the flow of values could not be solved"),
            }
        }
    })?;
    Ok(sender)
}

/// The last of the states that arrive in a row; `None` when there will be no more.
fn newest(receiver: &Receiver<Analysis>) -> Option<Analysis> {
    let mut newest = receiver.recv().ok()?;
    loop {
        match receiver.recv_timeout(QUIET) {
            Ok(analysis) => newest = analysis,
            Err(RecvTimeoutError::Timeout) => return Some(newest),
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_of_a_row_is_solved() {
        let (sender, receiver) = channel();
        let mut host = graph::AnalysisHost::new(Vec::new());
        for text in ["x = 1", "x = 2", "x = 3"] {
            let mut change = graph::Change::default();
            change.set("/a.py", text);
            host.apply(change);
            sender.send(host.analysis()).unwrap();
        }
        assert_eq!(newest(&receiver).unwrap().revision(), host.analysis().revision());
        drop(sender);
        assert!(newest(&receiver).is_none());
    }
}

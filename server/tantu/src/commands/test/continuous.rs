//! `tantu test --watch`: affected tests, again and again.
//!
//! Each round is a process of its own, with the same arguments: it begins with what is on disk, and can be ended at any moment with
//! all that it has started.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use graph::Analysis;
use workspace::mailbox::{Event, Mailbox};
use workspace::progress::Progress;
use workspace::writer::Writer;

use super::Arguments;
use crate::Status;
use crate::output::warn;
use crate::workspace::root_of;

/// How often is looked whether something has changed, or a round has ended.
const LOOK: Duration = Duration::from_millis(50);
/// Whoever saves one file often saves the next.
const SETTLE: Duration = Duration::from_millis(200);

/// Runs until it is interrupted.
///
/// # Errors
/// When the workspace cannot be watched, or no process can be started.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let root = root_of(Path::new("."))?;
    let (mailbox, events) = Mailbox::new();
    let latest =
        Writer::start(mailbox.downgrade(), events, None, Arc::new(())).context("cannot watch the workspace")?;
    mailbox.send(Event::Initialize { roots: vec![root.clone()], watch: true });
    mailbox.send(Event::Index(Box::new(Nobody)));
    while latest.borrow().indexing || latest.borrow().generation == 0 {
        std::thread::sleep(LOOK);
    }
    let mut known = State::of(&latest.borrow().analysis);
    loop {
        let mut round = start(arguments)?;
        let mut changed: Option<Instant> = None;
        let mut is_over = false;
        while changed.is_none_or(|it| it.elapsed() < SETTLE) {
            std::thread::sleep(LOOK);
            if !is_over && round.try_wait()?.is_some() {
                is_over = true;
                warn(format!("waiting for changes in {} (Ctrl-C ends)", root.display()));
            }
            if known.is_changed(&latest.borrow().analysis) {
                changed = Some(Instant::now());
            }
        }
        if !is_over {
            warn("stopped: something has changed");
        }
        stop(round);
    }
}

/// The texts of a workspace. A revision is new also where more has become known of the same texts.
struct State {
    revision: u64,
    texts: u64,
}

impl State {
    fn of(analysis: &Analysis) -> Self {
        let mut hasher = DefaultHasher::new();
        for file in analysis.files() {
            (analysis.path(file), analysis.source(file).text()).hash(&mut hasher);
        }
        State { revision: analysis.revision(), texts: hasher.finish() }
    }

    fn is_changed(&mut self, analysis: &Analysis) -> bool {
        if analysis.revision() == self.revision {
            return false;
        }
        let before = std::mem::replace(self, State::of(analysis));
        before.texts != self.texts
    }
}

/// One round: what was asked for, once, and of all tests those that are affected.
fn start(arguments: &Arguments) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1).filter(|it| it != "--watch"));
    if !arguments.affected && arguments.paths.is_empty() {
        command.arg("--affected");
    }
    command.spawn().context("cannot start a run")
}

/// Its workers end when they hear nothing more of it.
fn stop(mut round: Child) {
    // It may have ended by itself.
    let _ = round.kill();
    let _ = round.wait();
}

struct Nobody;

impl Progress for Nobody {
    fn say(&self, _: &str) {}

    fn advance(&self, _: usize, _: usize) {}
}

//! Writes what the server has learned, on a thread that nobody waits for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use graph::{Analysis, FileId};

use super::Persistence;
use crate::documents;
use crate::observer::Observer;

/// Whoever saves often is not written after each time; and what an editor asks first goes first.
const SETTLE: Duration = Duration::from_millis(500);
/// What never settles is written all the same.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the thread is told.
pub enum Persist {
    /// From now on the graph is that of another workspace; it may have no database.
    Workspace(Option<Arc<Persistence>>),
    /// What the graph says of what is on disk, and of unsaved buffers for the time being.
    Graph(Analysis),
}

/// Starts the thread; it ends when all senders are gone.
///
/// # Errors
/// When no thread can be started.
pub fn start(observer: Arc<dyn Observer>) -> std::io::Result<Sender<Persist>> {
    let (sender, works) = channel();
    std::thread::Builder::new().name("persistence".to_owned()).spawn(move || {
        crate::priority::lower();
        State { observer, persistence: None, latest: None, written: None }.run(&works);
    })?;
    Ok(sender)
}

struct State {
    observer: Arc<dyn Observer>,
    persistence: Option<Arc<Persistence>>,
    /// To be written.
    latest: Option<Analysis>,
    /// Has been written.
    written: Option<Analysis>,
}

impl State {
    fn run(mut self, works: &Receiver<Persist>) {
        while let Ok(first) = works.recv() {
            self.take(first);
            let start = Instant::now();
            while start.elapsed() < PATIENCE
                && let Ok(next) = works.recv_timeout(SETTLE)
            {
                self.take(next);
            }
            self.write();
        }
    }

    fn take(&mut self, keep: Persist) {
        match keep {
            Persist::Workspace(persistence) => {
                self.observer.opened(persistence.clone());
                (self.persistence, self.latest, self.written) = (persistence, None, None);
            }
            Persist::Graph(analysis) => self.latest = Some(analysis),
        }
    }

    fn write(&mut self) {
        let (Some(persistence), Some(latest)) = (&self.persistence, self.latest.take()) else { return };
        let files: Vec<FileId> = match &self.written {
            Some(written) => latest.changed_since(written),
            None => latest.files().collect(),
        };
        let is_first = self.written.is_none();
        let write = || {
            persistence.keep_summaries(&latest, &files)?;
            persistence.keep_rows(&latest, &files)?;
            persistence.keep_documents(&latest, &documents::discover(latest.roots()))?;
            if is_first { persistence.prune() } else { Ok(()) }
        };
        match catch_unwind(AssertUnwindSafe(write)) {
            Ok(Ok(())) => self.written = Some(latest),
            // The next time is for these files too.
            Ok(Err(store::Error::Busy | store::Error::Replaced)) => {}
            Ok(Err(error)) => {
                tracing::warn!("the graph is not kept any more: {error}");
                self.persistence = None;
            }
            // A defect of ours, which has been reported; nothing depends on it.
            Err(_) => self.persistence = None,
        }
    }
}

//! The way to the writer: everything the editor says goes through one queue, in the order in which it was said.

use std::path::PathBuf;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use graph::{AnalysisHost, Change, Flow};
use syntax::{ContentChange, Encoding};
use tokio::sync::{mpsc, oneshot};

use crate::diagnostics::WorkspaceDiagnostics;
use crate::persistence::Persistence;
use crate::progress::Progress;
use crate::results::{Ended, Run};
use crate::reviews::Update;
use crate::settings::{ConfigFile, Layer};
use crate::snapshot::Snapshot;

/// What the writer is told.
pub enum Event {
    Initialize {
        roots: Vec<PathBuf>,
        /// Whether changes on disk are to be noticed here, because nobody reports them.
        watch: bool,
    },
    /// Index the workspace.
    Index(Box<dyn Progress>),
    /// The workspace consists of other folders now; index it anew.
    Folders {
        added: Vec<PathBuf>,
        removed: Vec<PathBuf>,
        progress: Box<dyn Progress>,
    },
    Open {
        path: PathBuf,
        text: String,
        version: i32,
    },
    Change {
        path: PathBuf,
        changes: Vec<ContentChange>,
        /// Of the positions in `changes`.
        encoding: Encoding,
        version: i32,
    },
    /// The editor has written a document to disk.
    Saved {
        path: PathBuf,
    },
    Close {
        path: PathBuf,
    },
    /// Something happened on disk.
    Touched(Vec<PathBuf>),
    /// What the loader found on disk.
    Loaded {
        change: Change,
        /// Questions wait for it.
        is_awaited: bool,
    },
    /// What the loader knows of the workspace; all of it, if complete.
    Indexed {
        index_id: u64,
        host: AnalysisHost,
        /// Where its past is kept.
        database: Option<Arc<Persistence>>,
        complete: bool,
    },
    /// Where values flow.
    FlowSolved(Flow),
    /// What was found in the whole workspace, of which index.
    Diagnosed(u64, Arc<WorkspaceDiagnostics>),
    /// What the editor's settings say.
    EditorSettings(Layer),
    /// What the workspace's settings say.
    WorkspaceSettings(Layer, Vec<ConfigFile>),
    RunStarted {
        run: Run,
        run_id: u64,
    },
    /// Without a result when it was cancelled.
    RunEnded {
        run: Run,
        run_id: u64,
        ended: Option<Ended>,
    },
    /// What a model found.
    Reviewed(Update),
    /// A model's finding that nobody wants to see: the name of the definition, and the message.
    Dismissed {
        symbol: String,
        message: String,
    },
    Snapshot(oneshot::Sender<Snapshot>),
}

/// The sending end. Sending never waits, and what is sent first is handled first.
#[derive(Clone)]
pub struct Mailbox(mpsc::UnboundedSender<Event>);

impl Mailbox {
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Mailbox(sender), receiver)
    }

    /// A sender that does not keep the writer running.
    pub fn downgrade(&self) -> WeakMailbox {
        WeakMailbox(self.0.downgrade())
    }

    pub fn send(&self, event: Event) {
        if self.0.send(event).is_err() {
            tracing::error!("the writer has stopped; an event is lost");
        }
    }

    /// Asks for a snapshot that holds everything that was sent so far. The question is on its way when this returns.
    pub fn snapshot(&self) -> oneshot::Receiver<Snapshot> {
        let (sender, receiver) = oneshot::channel();
        self.send(Event::Snapshot(sender));
        receiver
    }
}

/// The next event, if it comes within `limit`; `None` as well when there will be none. For a thread without a runtime, whose
/// timers would be too coarse.
pub fn receive_within(events: &mut mpsc::UnboundedReceiver<Event>, limit: Duration) -> Option<Event> {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let start = Instant::now();
    loop {
        if let Poll::Ready(event) = events.poll_recv(&mut context) {
            return event;
        }
        // Woken too early, it looks again and waits for the rest.
        thread::park_timeout(limit.checked_sub(start.elapsed())?);
    }
}

/// For those whom the writer itself keeps.
#[derive(Clone)]
pub struct WeakMailbox(mpsc::WeakUnboundedSender<Event>);

impl WeakMailbox {
    /// As [`Mailbox::snapshot`]; `None` when the session is over.
    pub fn snapshot(&self) -> Option<oneshot::Receiver<Snapshot>> {
        self.0.upgrade().map(|sender| Mailbox(sender).snapshot())
    }

    /// Sends unless the session is over.
    pub fn send(&self, event: Event) {
        if let Some(sender) = self.0.upgrade() {
            Mailbox(sender).send(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_comes_in_time_is_received() {
        let (mailbox, mut events) = Mailbox::new();
        let received = |events: &mut _, limit| match receive_within(events, limit) {
            Some(Event::Saved { path }) => Some(path),
            _ => None,
        };
        assert_eq!(received(&mut events, Duration::ZERO), None);
        mailbox.send(Event::Saved { path: "/a.py".into() });
        assert_eq!(received(&mut events, Duration::ZERO), Some("/a.py".into()));
        // However slow the machine is.
        let long = Duration::from_secs(600);
        let sender = mailbox.clone();
        let thread = thread::spawn(move || sender.send(Event::Saved { path: "/b.py".into() }));
        assert_eq!(received(&mut events, long), Some("/b.py".into()));
        thread.join().unwrap();
        drop(mailbox);
        assert_eq!(received(&mut events, long), None);
    }
}

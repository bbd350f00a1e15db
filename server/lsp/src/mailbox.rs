//! The way to the writer: everything the editor says goes through one queue, in the order in which it was said.

use std::path::PathBuf;
use std::sync::Arc;

use syntax::ContentChange;
use tokio::sync::{mpsc, oneshot};
use tower_lsp_server::ls_types as lsp;

use crate::capabilities::Editor;
use crate::snapshot::Snapshot;

/// What the writer is told.
pub(crate) enum Event {
    Initialize { editor: Arc<Editor> },
    Open { path: PathBuf, uri: lsp::Uri, text: String, version: i32 },
    Change { path: PathBuf, changes: Vec<ContentChange>, version: i32 },
    Close { path: PathBuf },
    Snapshot(oneshot::Sender<Snapshot>),
}

/// The sending end. Sending never waits: a handler sends before its first `await`, because the transport polls handlers
/// in the order of arrival only up to there.
#[derive(Clone)]
pub(crate) struct Mailbox(mpsc::UnboundedSender<Event>);

impl Mailbox {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Mailbox(sender), receiver)
    }

    pub(crate) fn send(&self, event: Event) {
        if self.0.send(event).is_err() {
            tracing::error!("the writer has stopped; an event is lost");
        }
    }

    /// Asks for a snapshot that holds everything that was sent so far. The question is on its way when this returns.
    pub(crate) fn snapshot(&self) -> oneshot::Receiver<Snapshot> {
        let (sender, receiver) = oneshot::channel();
        self.send(Event::Snapshot(sender));
        receiver
    }
}

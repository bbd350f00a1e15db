//! The one place where state changes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use syntax::{Document, Source};
use tokio::sync::{mpsc, watch};
use tower_lsp_server::ls_types as lsp;

use crate::mailbox::Event;
use crate::snapshot::{OpenDocument, Snapshot};

/// Owns the documents; a thread of its own, so that neither disk nor network can keep it waiting.
pub(crate) struct Writer {
    documents: HashMap<PathBuf, EditedDocument>,
    /// The state as readers see it, behind by what is marked stale.
    current: Snapshot,
    stale: bool,
    latest: watch::Sender<Snapshot>,
}

struct EditedDocument {
    uri: lsp::Uri,
    document: Document,
    stale: bool,
}

impl Writer {
    /// Starts the writer; it ends when all senders of `events` are gone. The receiver sees every state it publishes.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn start(mut events: mpsc::UnboundedReceiver<Event>) -> std::io::Result<watch::Receiver<Snapshot>> {
        let (latest, receiver) = watch::channel(Snapshot::default());
        let mut writer = Writer { documents: HashMap::new(), current: Snapshot::default(), stale: false, latest };
        std::thread::Builder::new().name("writer".to_owned()).spawn(move || {
            loop {
                // Edits that arrive in a row are analysed together, when somebody asks or nothing else is to be done.
                let event = events.try_recv().ok().or_else(|| {
                    writer.publish();
                    events.blocking_recv()
                });
                match event {
                    Some(event) => writer.handle(event),
                    None => break,
                }
            }
        })?;
        Ok(receiver)
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Initialize { editor } => {
                self.current.editor = editor;
                self.stale = true;
            }
            Event::Open { path, uri, text, version } => {
                let document = EditedDocument { uri, document: Document::new(&text, version), stale: true };
                self.documents.insert(path, document);
                self.stale = true;
            }
            Event::Change { path, changes, version } => {
                let Some(open) = self.documents.get_mut(&path) else {
                    tracing::debug!("a change of {}, which is not open", path.display());
                    return;
                };
                open.document.apply(&changes, version, self.current.editor.encoding);
                open.stale = true;
                self.stale = true;
            }
            Event::Close { path } => {
                self.documents.remove(&path);
                Arc::make_mut(&mut self.current.documents).remove(&path);
                self.stale = true;
            }
            Event::Snapshot(reply) => {
                self.publish();
                // The one who asked may have been cancelled meanwhile.
                let _ = reply.send(self.current.clone());
            }
        }
    }

    /// Brings the readers' state up to date.
    fn publish(&mut self) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        let documents = Arc::make_mut(&mut self.current.documents);
        for (path, open) in self.documents.iter_mut().filter(|(_, open)| open.stale) {
            open.stale = false;
            let source = Source::new(open.document.text());
            let document = OpenDocument { uri: open.uri.clone(), version: open.document.version(), source };
            documents.insert(path.clone(), document);
        }
        self.current.revision += 1;
        self.latest.send_replace(self.current.clone());
    }
}

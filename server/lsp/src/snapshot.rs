//! What a request reads: one snapshot of the workspace, in the terms of the editor that asks.

use std::collections::HashMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::task::{Context, Poll};

use graph::FileId;
use syntax::{TextRange, TextSize};
use tokio::sync::oneshot::error::RecvError;
use tokio::sync::{oneshot, watch};
use tower_lsp_server::ls_types as lsp;
use workspace::mailbox::{Event, Mailbox, WeakMailbox};
use workspace::snapshot::Snapshot as State;

use crate::capabilities::Editor;
use crate::configured::Configured;
use crate::{from_proto, to_proto};

/// What the other side has told of itself. It knows nothing of the workspace, and the workspace nothing of it.
#[derive(Default)]
pub(crate) struct Peer {
    /// Known from `initialize` on.
    editor: OnceLock<Arc<Editor>>,
    /// How the editor spells the files that it has open.
    uris: RwLock<HashMap<PathBuf, lsp::Uri>>,
    models: Configured,
}

impl Peer {
    pub(crate) fn new(models: Configured) -> Self {
        Peer { models, ..Peer::default() }
    }

    pub(crate) fn introduce(&self, editor: Editor) -> Arc<Editor> {
        // The transport lets no second `initialize` through.
        self.editor.get_or_init(|| Arc::new(editor)).clone()
    }

    pub(crate) fn editor(&self) -> Arc<Editor> {
        self.editor.get().cloned().unwrap_or_default()
    }

    /// Whether a model is configured, so that there can be proposals.
    pub(crate) fn proposes(&self) -> bool {
        self.models.has_model()
    }

    pub(crate) fn opened(&self, path: PathBuf, uri: lsp::Uri) {
        self.uris.write().unwrap_or_else(PoisonError::into_inner).insert(path, uri);
    }

    pub(crate) fn closed(&self, path: &Path) {
        self.uris.write().unwrap_or_else(PoisonError::into_inner).remove(path);
    }

    /// The URI of a file, as the editor spells it where it has the file open.
    fn uri(&self, path: &Path) -> Option<lsp::Uri> {
        let open = self.uris.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        open.or_else(|| to_proto::uri(path))
    }
}

/// Immutable and cheap to clone. Open documents have the text that the editor shows.
#[derive(Clone)]
pub(crate) struct Snapshot {
    state: State,
    pub(crate) editor: Arc<Editor>,
    peer: Arc<Peer>,
}

impl Deref for Snapshot {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl Snapshot {
    fn new(state: State, peer: &Arc<Peer>) -> Self {
        Snapshot { state, editor: peer.editor(), peer: peer.clone() }
    }

    /// A model is configured, so that there can be proposals.
    pub(crate) fn proposes(&self) -> bool {
        self.peer.proposes()
    }

    pub(crate) fn file(&self, uri: &lsp::Uri) -> Option<FileId> {
        self.analysis.file(&from_proto::path(uri))
    }

    /// The place that `position` means; `None` in a file that is not known.
    pub(crate) fn place(&self, position: &lsp::TextDocumentPositionParams) -> Option<(FileId, TextSize)> {
        let file = self.file(&position.text_document.uri)?;
        let source = self.analysis.source(file);
        Some((file, from_proto::offset(source, position.position, self.editor.encoding)))
    }

    /// The file's URI, as the editor spells it where it has the file open.
    pub(crate) fn uri(&self, file: FileId) -> Option<lsp::Uri> {
        self.uri_of(self.analysis.path(file))
    }

    /// The same for a path.
    pub(crate) fn uri_of(&self, path: &Path) -> Option<lsp::Uri> {
        self.peer.uri(path)
    }

    pub(crate) fn range(&self, file: FileId, range: TextRange) -> lsp::Range {
        to_proto::range(self.analysis.source(file), range, self.editor.encoding)
    }

    pub(crate) fn location(&self, file: FileId, range: TextRange) -> Option<lsp::Location> {
        Some(lsp::Location { uri: self.uri(file)?, range: self.range(file, range) })
    }
}

/// The way to the workspace for one editor. A handler sends before its first `await`, because only up to there handlers run in
/// the [order of arrival](crate::arrival).
#[derive(Clone)]
pub(crate) struct Channel {
    mailbox: Mailbox,
    pub(crate) peer: Arc<Peer>,
}

impl Channel {
    pub(crate) fn new(mailbox: Mailbox, peer: Arc<Peer>) -> Self {
        Channel { mailbox, peer }
    }

    pub(crate) fn send(&self, event: Event) {
        self.mailbox.send(event);
    }

    /// The way for others than the editor.
    pub(crate) fn downgrade(&self) -> WeakMailbox {
        self.mailbox.downgrade()
    }

    /// Asks for a snapshot that holds everything that was sent so far. The question is on its way when this returns.
    pub(crate) fn snapshot(&self) -> Pending {
        Pending { asked: self.mailbox.snapshot(), peer: self.peer.clone() }
    }
}

/// A snapshot that was asked for.
pub(crate) struct Pending {
    asked: oneshot::Receiver<State>,
    peer: Arc<Peer>,
}

impl Future for Pending {
    type Output = Result<Snapshot, RecvError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let state = Pin::new(&mut self.asked).poll(context);
        state.map_ok(|state| Snapshot::new(state, &self.peer))
    }
}

/// The state that was published last.
#[derive(Clone)]
pub(crate) struct Latest {
    states: watch::Receiver<State>,
    peer: Arc<Peer>,
}

impl Latest {
    pub(crate) fn new(states: watch::Receiver<State>, peer: Arc<Peer>) -> Self {
        Latest { states, peer }
    }

    pub(crate) fn get(&self) -> Snapshot {
        Snapshot::new(self.states.borrow().clone(), &self.peer)
    }

    /// The same, which then has been seen.
    pub(crate) fn see(&mut self) -> Snapshot {
        let state = self.states.borrow_and_update().clone();
        Snapshot::new(state, &self.peer)
    }

    /// The version of an open document.
    pub(crate) fn version(&self, path: &Path) -> Option<i32> {
        self.states.borrow().version(path)
    }

    /// As [`watch::Receiver::mark_changed`].
    pub(crate) fn mark_changed(&mut self) {
        self.states.mark_changed();
    }

    /// Whether there is a state that was not seen.
    pub(crate) fn has_changed(&self) -> bool {
        self.states.has_changed().unwrap_or(false)
    }

    /// Waits for the next state.
    ///
    /// # Errors
    /// When there will be no more.
    pub(crate) async fn changed(&mut self) -> Result<(), watch::error::RecvError> {
        self.states.changed().await
    }

    /// Waits for a state that is as `is_right` says; `None` when there will be none.
    pub(crate) async fn wait_for(&mut self, is_right: impl FnMut(&State) -> bool) -> Option<Snapshot> {
        let state = self.states.wait_for(is_right).await.ok()?.clone();
        Some(Snapshot::new(state, &self.peer))
    }
}

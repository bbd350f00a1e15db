//! One editor's session: the table of everything it can ask.

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower_lsp_server::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp_server::ls_types::*;
use tower_lsp_server::{Client, LanguageServer};

use crate::capabilities::{Editor, server_capabilities};
use crate::lifetime::Lifetime;
use crate::mailbox::{Event, Mailbox};
use crate::snapshot::Snapshot;
use crate::writer::Writer;
use crate::{announce, from_proto, handlers};

/// How often an answer about a document is computed again because the document has changed.
const MAX_RECOMPUTATIONS: usize = 4;

pub(crate) struct Session {
    client: Client,
    lifetime: Lifetime,
    mailbox: Mailbox,
    latest: watch::Receiver<Snapshot>,
}

/// What a read-only handler works on.
pub(crate) struct Query {
    pub(crate) snapshot: Snapshot,
    cancelled: CancellationToken,
}

impl Query {
    /// To be asked between the parts of long work.
    ///
    /// # Errors
    /// When nobody waits for the answer any more.
    pub(crate) fn check(&self) -> Result<()> {
        if self.cancelled.is_cancelled() { Err(Error::request_cancelled()) } else { Ok(()) }
    }
}

impl Session {
    pub(crate) fn new(client: Client, mailbox: Mailbox, latest: watch::Receiver<Snapshot>, lifetime: Lifetime) -> Self {
        Session { client, lifetime, mailbox, latest }
    }

    /// Answers from a snapshot that holds every edit sent before the request. An edit that follows does not make the
    /// answer wrong for the text it was asked about.
    fn read<T, F>(&self, compute: F) -> impl Future<Output = Result<T>> + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&Query) -> Result<T> + Send + 'static,
    {
        let snapshot = self.mailbox.snapshot();
        async move { in_background(snapshot.await.map_err(|_| Error::internal_error())?, compute).await }
    }

    /// As [`Self::read`], for answers about a whole document: when the document changes meanwhile, the answer is
    /// computed again, or the editor told to ask again where it declared that it will.
    async fn read_document<T, F>(&self, method: &str, document: &Uri, compute: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Query, &Path) -> Result<T> + Clone + Send + 'static,
    {
        let path = from_proto::path(document);
        for _ in 0..MAX_RECOMPUTATIONS {
            let snapshot = self.mailbox.snapshot().await.map_err(|_| Error::internal_error())?;
            let version = snapshot.version(&path);
            let (compute, target) = (compute.clone(), path.clone());
            let answer = in_background(snapshot, move |query| compute(query, &target)).await;
            let latest = self.latest.borrow();
            if latest.version(&path) == version {
                return answer;
            }
            if latest.editor.retries(method) {
                break;
            }
        }
        Err(Error::new(ErrorCode::ContentModified))
    }
}

/// Runs `compute` where it can take its time. Dropping the future cancels it; a panic fails this one request.
async fn in_background<T, F>(snapshot: Snapshot, compute: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce(&Query) -> Result<T> + Send + 'static,
{
    let query = Query { snapshot, cancelled: CancellationToken::new() };
    let _cancel_when_dropped = query.cancelled.clone().drop_guard();
    let task = tokio::task::spawn_blocking(move || {
        query.check()?;
        std::panic::catch_unwind(AssertUnwindSafe(|| compute(&query))).unwrap_or_else(|_| {
            tracing::error!("a feature panicked; see above");
            Err(Error::internal_error())
        })
    });
    task.await.unwrap_or_else(|_| Err(Error::request_cancelled()))
}

impl LanguageServer for Session {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let editor = Arc::new(Editor::new(&params.capabilities));
        self.mailbox.send(Event::Initialize { editor: editor.clone() });
        if let Some(pid) = params.process_id {
            self.lifetime.watch_parent(pid);
        }
        Ok(InitializeResult {
            capabilities: server_capabilities(&editor),
            server_info: Some(ServerInfo {
                name: "tantu".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
            offset_encoding: None,
        })
    }

    async fn initialized(&self, _: InitializedParams) {
        tokio::spawn(announce::run(self.client.clone(), self.latest.clone(), self.lifetime.clone()));
    }

    async fn shutdown(&self) -> Result<()> {
        self.lifetime.note_shutdown();
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let TextDocumentItem { uri, language_id, version, text } = params.text_document;
        let path = from_proto::path(&uri);
        if from_proto::is_python(&path, &language_id) {
            self.mailbox.send(Event::Open { path, uri, text, version });
        }
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let VersionedTextDocumentIdentifier { uri, version } = params.text_document;
        let changes = from_proto::content_changes(params.content_changes);
        self.mailbox.send(Event::Change { path: from_proto::path(&uri), changes, version });
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.mailbox.send(Event::Close { path: from_proto::path(&params.text_document.uri) });
    }

    async fn diagnostic(&self, params: DocumentDiagnosticParams) -> Result<DocumentDiagnosticReportResult> {
        let uri = &params.text_document.uri;
        self.read_document("textDocument/diagnostic", uri, handlers::diagnostics::pull).await
    }
}

//! One editor's session: the table of everything it can say and ask.

mod execute;
mod install;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tokio::sync::Mutex;
use tower_lsp_server::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp_server::ls_types::*;
use tower_lsp_server::{Client, LanguageServer};

use crate::capabilities::{Editor, server_capabilities};
use crate::commands::Command;
use crate::lifetime::Lifetime;
use crate::preview::Preview;
use crate::progress::{Job, Jobs, Kind};
use crate::query::{self, Query};
use crate::questions::Questions;
use crate::snapshot::Channel;
use crate::snapshot::Latest;
use crate::{Services, announce, from_proto, handlers, resume, running, setup, status, trace};
use assistant::contexts::Contexts;
use runs::environments::Environments;
use workspace::mailbox::Event;
use workspace::settings::Layer;

/// How often an answer about a document is computed again because the document has changed.
const MAX_RECOMPUTATIONS: usize = 4;

pub(crate) struct Session {
    client: Client,
    questions: Questions,
    lifetime: Lifetime,
    mailbox: Channel,
    latest: Latest,
    services: Services,
    contexts: Arc<Contexts>,
    jobs: Jobs,
    environments: Arc<Environments>,
    /// Tells runs of the same thing apart.
    next_run_id: AtomicU64,
    /// Notebooks are passed over, which is said once.
    told_of_notebooks: AtomicBool,
    /// Documents that the editor was asked to open.
    shown: Arc<Mutex<Preview>>,
    /// What lets agents ask.
    agents: OnceLock<Box<dyn Send + Sync>>,
}

impl Session {
    pub(crate) fn new(
        client: Client,
        mailbox: Channel,
        latest: Latest,
        services: Services,
        contexts: Arc<Contexts>,
        lifetime: Lifetime,
    ) -> Self {
        let jobs = Jobs::new(client.clone(), lifetime.token().clone());
        let (next_run_id, told_of_notebooks) = (AtomicU64::new(0), AtomicBool::new(false));
        let environments = Arc::default();
        let shown = Arc::default();
        Session {
            questions: Questions::new(client.clone()),
            client,
            lifetime,
            mailbox,
            latest,
            services,
            contexts,
            jobs,
            environments,
            next_run_id,
            told_of_notebooks,
            shown,
            agents: OnceLock::new(),
        }
    }

    /// Starts a piece of work that takes its time.
    fn job(&self, title: &str, kind: Kind) -> Job {
        self.jobs.start(title, self.editor().progress, kind)
    }

    fn editor(&self) -> Arc<Editor> {
        self.mailbox.peer.editor()
    }

    fn configure(&self, settings: &LSPAny) {
        let (layer, problems) = Layer::of_editor(settings);
        self.mailbox.send(Event::EditorSettings(layer));
        problems.iter().for_each(|problem| tracing::warn!("the editor's settings: {problem}"));
    }

    /// The user pressed the button beside some progress.
    pub(crate) async fn cancel_progress(&self, params: WorkDoneProgressCancelParams) {
        if let ProgressToken::String(token) = params.token {
            self.jobs.cancel(&token);
        }
    }

    /// Answers from a snapshot that holds every edit sent before the request. An edit that follows does not make the
    /// answer wrong for the text it was asked about.
    fn read<T, F>(&self, compute: F) -> impl Future<Output = Result<T>> + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&Query) -> Result<T> + Send + 'static,
    {
        let (snapshot, asked) = (self.mailbox.snapshot(), Instant::now());
        async move {
            let snapshot = snapshot.await.map_err(|_| Error::internal_error())?;
            trace::waited(asked, &snapshot);
            query::answer(snapshot, compute).await
        }
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
            let asked = Instant::now();
            let snapshot = self.mailbox.snapshot().await.map_err(|_| Error::internal_error())?;
            trace::waited(asked, &snapshot);
            let version = snapshot.version(&path);
            let (compute, target) = (compute.clone(), path.clone());
            let answer = query::answer(snapshot, move |query| compute(query, &target)).await;
            if self.latest.version(&path) == version {
                return answer;
            }
            if self.editor().retries(method) {
                break;
            }
        }
        Err(Error::new(ErrorCode::ContentModified))
    }
}

impl LanguageServer for Session {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let mut editor = Editor::new(&params.capabilities);
        // It lets watchers be registered, and reports nothing but what it writes itself.
        editor.watches_files &= params.client_info.as_ref().is_none_or(|it| it.name != "helix");
        let editor = self.mailbox.peer.introduce(editor);
        if self.mailbox.peer.proposes() {
            self.contexts.expect_questions();
        }
        let roots = from_proto::roots(&params);
        self.mailbox.send(Event::Initialize { roots: roots.clone(), watch: !editor.watches_files });
        if let Some(agents) = &self.services.agents {
            // The transport lets no second `initialize` through.
            let _ = self.agents.set(agents(self.mailbox.downgrade(), &roots));
        }
        if let Some(options) = &params.initialization_options {
            // Some editors have one table of settings, which they send whole.
            self.configure(options.get("tantu").unwrap_or(options));
        }
        if let Some(pid) = params.process_id {
            self.lifetime.watch_parent(pid);
        }
        let capabilities = server_capabilities(&editor);
        let version = Some(env!("CARGO_PKG_VERSION").to_owned());
        let server_info = Some(ServerInfo { name: "tantu".to_owned(), version });
        Ok(InitializeResult { capabilities, server_info, offset_encoding: None })
    }

    async fn initialized(&self, _: InitializedParams) {
        self.mailbox.send(Event::Index(Box::new(self.job("Indexing", Kind::Counted))));
        tokio::spawn(announce::run(self.client.clone(), self.latest.clone(), self.lifetime.clone()));
        if self.editor().shows_status {
            let (client, services) = (self.client.clone(), self.services.clone());
            let (mailbox, latest, jobs) = (self.mailbox.clone(), self.latest.clone(), self.jobs.running());
            tokio::spawn(status::run(client, services, mailbox, latest, jobs, self.lifetime.clone()));
        }
        if self.editor().lists_tests {
            tokio::spawn(running::list_tests(self.client.clone(), self.latest.clone(), self.lifetime.clone()));
        }
        tokio::spawn(setup::run(self.client.clone(), self.editor(), self.mailbox.clone()));
        tokio::spawn(setup::warn(self.client.clone(), self.services.settings.clone()));
        if self.mailbox.peer.proposes() {
            tokio::spawn(resume::run(self.questions.clone(), self.latest.clone(), self.proposal_sessions()));
        }
    }

    async fn shutdown(&self) -> Result<()> {
        self.lifetime.note_shutdown();
        Ok(())
    }

    // What the editor tells.

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let TextDocumentItem { uri, language_id, version, text } = params.text_document;
        let path = from_proto::path(&uri);
        if from_proto::is_notebook(&path) {
            if !self.told_of_notebooks.swap(true, Ordering::Relaxed) {
                let message = "tantu: notebooks are not looked into; only Python files are";
                self.client.log_message(MessageType::INFO, message).await;
            }
        } else if from_proto::is_python(&path, &language_id) {
            self.mailbox.peer.opened(path.clone(), uri);
            self.mailbox.send(Event::Open { path, text, version });
        }
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let VersionedTextDocumentIdentifier { uri, version } = params.text_document;
        let changes = from_proto::content_changes(params.content_changes);
        let encoding = self.editor().encoding;
        self.mailbox.send(Event::Change { path: from_proto::path(&uri), changes, encoding, version });
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        self.mailbox.send(Event::Saved { path: from_proto::path(&params.text_document.uri) });
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        let path = from_proto::path(&params.text_document.uri);
        self.mailbox.peer.closed(&path);
        self.mailbox.send(Event::Close { path });
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        let paths = params.changes.iter().map(|change| from_proto::path(&change.uri));
        self.mailbox.send(Event::Touched(paths.collect()));
    }

    async fn did_rename_files(&self, params: RenameFilesParams) {
        let paths = handlers::rename::moves(&params).into_iter().flat_map(|(old, new)| [old, new]);
        self.mailbox.send(Event::Touched(paths.collect()));
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        let added = from_proto::folders(&params.event.added);
        let removed = from_proto::folders(&params.event.removed);
        self.mailbox.send(Event::Folders { added, removed, progress: Box::new(self.job("Indexing", Kind::Counted)) });
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        match params.settings.get("tantu") {
            Some(settings) => self.configure(settings),
            // Only a notice that something has changed.
            None => drop(tokio::spawn(setup::configuration(self.client.clone(), self.editor(), self.mailbox.clone()))),
        }
    }

    // What it asks.

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        self.read(move |query| handlers::hover::hover(query, &params)).await
    }

    async fn goto_definition(&self, params: GotoDefinitionParams) -> Result<Option<GotoDefinitionResponse>> {
        self.read(move |query| handlers::navigation::definition(query, &params)).await
    }

    async fn goto_declaration(
        &self,
        params: request::GotoDeclarationParams,
    ) -> Result<Option<request::GotoDeclarationResponse>> {
        self.read(move |query| handlers::navigation::declaration(query, &params)).await
    }

    async fn goto_type_definition(
        &self,
        params: request::GotoTypeDefinitionParams,
    ) -> Result<Option<request::GotoTypeDefinitionResponse>> {
        self.read(move |query| handlers::navigation::type_definition(query, &params)).await
    }

    async fn signature_help(&self, params: SignatureHelpParams) -> Result<Option<SignatureHelp>> {
        self.read(move |query| handlers::signature_help::signature_help(query, &params)).await
    }

    async fn references(&self, params: ReferenceParams) -> Result<Option<Vec<Location>>> {
        self.read(move |query| handlers::navigation::references(query, &params)).await
    }

    async fn goto_implementation(
        &self,
        params: request::GotoImplementationParams,
    ) -> Result<Option<request::GotoImplementationResponse>> {
        self.read(move |query| handlers::navigation::implementation(query, &params)).await
    }

    async fn document_highlight(&self, params: DocumentHighlightParams) -> Result<Option<Vec<DocumentHighlight>>> {
        self.read(move |query| handlers::navigation::highlight(query, &params)).await
    }

    async fn prepare_rename(&self, params: TextDocumentPositionParams) -> Result<Option<PrepareRenameResponse>> {
        self.read(move |query| handlers::rename::prepare(query, &params)).await
    }

    async fn rename(&self, params: RenameParams) -> Result<Option<WorkspaceEdit>> {
        self.read(move |query| handlers::rename::rename(query, &params)).await
    }

    async fn will_rename_files(&self, params: RenameFilesParams) -> Result<Option<WorkspaceEdit>> {
        self.read(move |query| handlers::rename::will_rename_files(query, &params)).await
    }

    async fn symbol(&self, params: WorkspaceSymbolParams) -> Result<Option<WorkspaceSymbolResponse>> {
        self.read(move |query| handlers::symbols::workspace_symbols(query, &params)).await
    }

    async fn prepare_type_hierarchy(
        &self,
        params: TypeHierarchyPrepareParams,
    ) -> Result<Option<Vec<TypeHierarchyItem>>> {
        self.read(move |query| handlers::type_hierarchy::prepare(query, &params)).await
    }

    async fn supertypes(&self, params: TypeHierarchySupertypesParams) -> Result<Option<Vec<TypeHierarchyItem>>> {
        self.read(move |query| handlers::type_hierarchy::related(query, &params.item, ide::supertypes)).await
    }

    async fn subtypes(&self, params: TypeHierarchySubtypesParams) -> Result<Option<Vec<TypeHierarchyItem>>> {
        self.read(move |query| handlers::type_hierarchy::related(query, &params.item, ide::subtypes)).await
    }

    async fn prepare_call_hierarchy(
        &self,
        params: CallHierarchyPrepareParams,
    ) -> Result<Option<Vec<CallHierarchyItem>>> {
        self.read(move |query| handlers::call_hierarchy::prepare(query, &params)).await
    }

    async fn incoming_calls(
        &self,
        params: CallHierarchyIncomingCallsParams,
    ) -> Result<Option<Vec<CallHierarchyIncomingCall>>> {
        self.read(move |query| handlers::call_hierarchy::incoming(query, &params)).await
    }

    async fn outgoing_calls(
        &self,
        params: CallHierarchyOutgoingCallsParams,
    ) -> Result<Option<Vec<CallHierarchyOutgoingCall>>> {
        self.read(move |query| handlers::call_hierarchy::outgoing(query, &params)).await
    }

    async fn document_symbol(&self, params: DocumentSymbolParams) -> Result<Option<DocumentSymbolResponse>> {
        let uri = &params.text_document.uri;
        self.read_document("textDocument/documentSymbol", uri, handlers::symbols::document_symbols).await
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        let is_about_all = params.context.only.is_none();
        let found = self.read(move |query| handlers::code_action::code_actions(query, &params)).await?;
        let answers = if is_about_all { self.questions.actions() } else { Vec::new() };
        let all: Vec<_> =
            answers.into_iter().map(CodeActionOrCommand::from).chain(found.into_iter().flatten()).collect();
        Ok((!all.is_empty()).then_some(all))
    }

    async fn code_action_resolve(&self, action: CodeAction) -> Result<CodeAction> {
        self.read(move |query| handlers::code_action::resolve(query, action)).await
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        let uri = &params.text_document.uri;
        self.read_document("textDocument/codeLens", uri, handlers::code_lens::lenses).await
    }

    async fn code_lens_resolve(&self, lens: CodeLens) -> Result<CodeLens> {
        self.read(move |query| handlers::code_lens::resolve(query, lens)).await
    }

    async fn diagnostic(&self, params: DocumentDiagnosticParams) -> Result<DocumentDiagnosticReportResult> {
        let uri = &params.text_document.uri;
        let known = params.previous_result_id;
        let pull = move |query: &Query, path: &Path| handlers::diagnostics::pull(query, path, known.as_deref());
        self.read_document("textDocument/diagnostic", uri, pull).await
    }

    async fn workspace_diagnostic(&self, params: WorkspaceDiagnosticParams) -> Result<WorkspaceDiagnosticReportResult> {
        self.read(move |query| handlers::diagnostics::pull_all(query, &params)).await
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<LSPAny>> {
        self.execute(Command::parse(params)?).await
    }
}

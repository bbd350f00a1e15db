//! One editor's session: the table of everything it can say and ask.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{Mutex, watch};
use tower_lsp_server::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp_server::ls_types::*;
use tower_lsp_server::{Client, LanguageServer};

use crate::capabilities::{Editor, server_capabilities};
use crate::commands::{
    Command, Graph, Propose, ResetCells, Run, RunAffectedTests, RunHere, RunKind, ShowContext, ShowEvidence,
    SnippetAction, Snippets,
};
use crate::consult::Consultation;
use crate::contexts::Contexts;
use crate::lifetime::Lifetime;
use crate::mailbox::{Event, Mailbox};
use crate::preview::Preview;
use crate::progress::{Job, Jobs, Kind};
use crate::proposals::{self, Desk};
use crate::query::{self, Query};
use crate::questions::Questions;
use crate::runs::{Environments, Perform};
use crate::settings::Layer;
use crate::snapshot::Snapshot;
use crate::snippets::Done;
use crate::{
    Services, announce, consult, evidence, from_proto, handlers, input, resume, runs, setup, snippets, status, to_proto,
};

/// How often an answer about a document is computed again because the document has changed.
const MAX_RECOMPUTATIONS: usize = 4;

pub(crate) struct Session {
    client: Client,
    questions: Questions,
    lifetime: Lifetime,
    mailbox: Mailbox,
    latest: watch::Receiver<Snapshot>,
    services: Services,
    contexts: Arc<Contexts>,
    jobs: Jobs,
    environments: Arc<Environments>,
    /// Tells runs of the same thing apart.
    tickets: AtomicU64,
    /// Notebooks are passed over, which is said once.
    told_of_notebooks: AtomicBool,
    /// Documents that the editor was asked to open.
    shown: Arc<Mutex<Preview>>,
    /// Known from `initialize` on.
    editor: OnceLock<Arc<Editor>>,
}

impl Session {
    pub(crate) fn new(
        client: Client,
        mailbox: Mailbox,
        latest: watch::Receiver<Snapshot>,
        services: Services,
        contexts: Arc<Contexts>,
        lifetime: Lifetime,
    ) -> Self {
        let jobs = Jobs::new(client.clone(), lifetime.token().clone());
        let (tickets, told_of_notebooks) = (AtomicU64::new(0), AtomicBool::new(false));
        let environments = Arc::default();
        let (shown, editor) = (Arc::default(), OnceLock::new());
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
            tickets,
            told_of_notebooks,
            shown,
            editor,
        }
    }

    /// Starts a piece of work that takes its time.
    fn job(&self, title: &str, kind: Kind) -> Job {
        self.jobs.start(title, self.editor().progress, kind)
    }

    fn editor(&self) -> Arc<Editor> {
        self.editor.get().cloned().unwrap_or_default()
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

    /// Runs something in the sandbox, in the background.
    fn run(&self, run: Run) {
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        self.mailbox.send(Event::RunStarted { run: run.clone(), ticket });
        let snapshot = self.mailbox.snapshot();
        let job = self.job("Running", Kind::Cancellable);
        let (runner, mailbox, client) = (self.services.runner.clone(), self.mailbox.clone(), self.client.clone());
        let environments = self.environments.clone();
        let editor = self.editor();
        let perform = Perform {
            run: run.clone(),
            ticket,
            runner,
            environments,
            job,
            mailbox: mailbox.clone(),
            client: client.clone(),
        };
        tokio::spawn(async move {
            let Ok(snapshot) = snapshot.await else { return };
            perform.work(snapshot).await;
            let Ok(snapshot) = mailbox.snapshot().await else { return };
            // What came of it is in the lens, or the list of tests, for whoever has one.
            if editor.lists_tests || editor.shows_lenses && snapshot.settings.code_lens {
                return;
            }
            if let Some(title) = snapshot.runs.title(&run, &snapshot.analysis) {
                let what = run.target.map_or(String::new(), |target| format!("{target}: "));
                client.show_message(MessageType::INFO, format!("{what}{title}")).await;
            }
        });
    }

    /// What is meant where a person calls a command by its name.
    async fn or_folder(&self, uri: Option<Uri>) -> Result<Uri> {
        let first = |query: &Query| query.snapshot.analysis.roots().first().and_then(|root| to_proto::uri(root));
        let folder = match uri {
            Some(uri) => Some(uri),
            None => self.read(move |query| Ok(first(query))).await?,
        };
        folder.ok_or_else(|| Error::invalid_params("no folder is open: say which one is meant"))
    }

    /// Runs what is selected or what the cursor is in.
    async fn run_here(&self, place: RunHere) -> Result<Option<LSPAny>> {
        match self.read(move |query| handlers::code_action::run_here(query, &place)).await? {
            Some(run) => self.run(run),
            None => {
                let message = "tantu: there is nothing to run at the cursor";
                self.client.show_message(MessageType::INFO, message).await;
            }
        }
        Ok(None)
    }

    /// Has a model write something, in the background. That it makes sense is known before this returns.
    async fn propose(&self, params: Propose) -> Result<Option<LSPAny>> {
        let task = self.read(move |query| proposals::task(&query.snapshot, params)).await?;
        tokio::spawn(self.desks()(task.assist.title()).begin(task));
        Ok(None)
    }

    /// Makes what a proposal is worked on with, by the title of the work.
    fn desks(&self) -> impl Fn(&str) -> Desk + Send + Sync + use<> {
        let (client, mailbox, latest) = (self.client.clone(), self.mailbox.clone(), self.latest.clone());
        let (services, contexts, jobs) = (self.services.clone(), self.contexts.clone(), self.jobs.clone());
        let (questions, shows) = (self.questions.clone(), self.editor().progress);
        move |title| Desk {
            client: client.clone(),
            mailbox: mailbox.clone(),
            latest: latest.clone(),
            runner: services.runner.clone(),
            settings: services.settings.clone(),
            contexts: contexts.clone(),
            job: jobs.start(title, shows, Kind::Cancellable),
            questions: questions.clone(),
        }
    }

    /// Keeps, lists, inserts or deletes a snippet.
    async fn snippets(&self, mut params: Snippets) -> Result<Option<LSPAny>> {
        if params.name.is_none() && params.action != SnippetAction::List && self.editor().asks_for_text {
            params.name = input::ask(&self.client, "The name of the snippet".to_owned()).await;
            if params.name.is_none() {
                return Ok(None);
            }
        }
        match self.read(move |query| snippets::perform(query, &params)).await? {
            Done::Answer(answer) => Ok(Some(answer)),
            Done::Edit(edit) => self.apply(*edit).await,
        }
    }

    /// Says what was checked of a proposal, and has the editor open that if it is wanted.
    async fn show_evidence(&self, params: ShowEvidence) -> Result<Option<LSPAny>> {
        let roots = self.read(|query| Ok(query.snapshot.analysis.roots().to_vec())).await?;
        let card = tokio::task::spawn_blocking(move || evidence::card(&roots, params.id)).await;
        let Some(card) = card.map_err(|_| Error::internal_error())? else { return Ok(None) };
        if params.show {
            let remedy = format!("`tantu evidence {}` prints the same", card.id);
            self.open(&format!("proposal-{}.md", card.id), &card.markdown, false, &remedy).await?;
        }
        Ok(serde_json::to_value(card).ok())
    }

    /// Something to ask a model, in the background.
    fn consultation(&self, title: &str) -> Consultation {
        Consultation {
            client: self.client.clone(),
            mailbox: self.mailbox.clone(),
            editor: self.editor(),
            settings: self.services.settings.clone(),
            contexts: self.contexts.clone(),
            shown: self.shown.clone(),
            job: self.job(title, Kind::Cancellable),
            questions: self.questions.clone(),
        }
    }

    /// Draws, and has the editor open the picture if that is wanted.
    async fn draw(&self, params: Graph) -> Result<Option<LSPAny>> {
        let show = params.show;
        let Some(drawing) = self.read(move |query| handlers::graph::draw(query, &params)).await? else {
            return Ok(None);
        };
        if show {
            let remedy = "`tantu graph --around` writes the picture to a file";
            self.open(&format!("{}.svg", drawing.symbol), &drawing.svg, true, remedy).await?;
        }
        Ok(serde_json::to_value(drawing).ok())
    }

    /// Says what a model would be shown, and has the editor open that if it is wanted.
    async fn explain_context(&self, params: ShowContext) -> Result<Option<LSPAny>> {
        let (show, contexts) = (params.show, self.contexts.clone());
        let explain = move |query: &Query| handlers::context::explain(query, &contexts, &params);
        let Some(explanation) = self.read(explain).await? else { return Ok(None) };
        if show {
            let remedy = "`tantu context --explain` prints the same";
            self.open(&format!("{}.context.md", explanation.symbol), &explanation.markdown, false, remedy).await?;
        }
        Ok(serde_json::to_value(explanation).ok())
    }

    /// Has the editor open a document that nobody edits; `external`: in another program.
    async fn open(&self, name: &str, text: &str, external: bool, remedy: &str) -> Result<()> {
        let unable = |reason: &str| Err(handlers::code_action::refused(reason.to_owned()));
        if !self.editor().shows_documents {
            return unable(&format!("this editor opens nothing for servers; {remedy}"));
        }
        let Some(uri) = self.shown.lock().await.write(name, text) else {
            return unable("it cannot be written to the user's cache; the log says why");
        };
        let params = ShowDocumentParams { uri, external: Some(external), take_focus: Some(true), selection: None };
        if !self.client.show_document(params).await? {
            return unable("the editor did not open it");
        }
        Ok(())
    }

    /// Has the editor apply `edit`, which is pinned to the versions that it was made for.
    async fn apply(&self, edit: WorkspaceEdit) -> Result<Option<LSPAny>> {
        if !self.editor().applies_edits {
            return Err(handlers::code_action::refused("this editor does not let servers edit".to_owned()));
        }
        let response = self.client.apply_edit(edit).await?;
        match response.applied {
            true => Ok(None),
            false => {
                let reason = response.failure_reason.unwrap_or_else(|| "the editor did not apply the edit".to_owned());
                Err(handlers::code_action::refused(reason))
            }
        }
    }

    /// Answers from a snapshot that holds every edit sent before the request. An edit that follows does not make the
    /// answer wrong for the text it was asked about.
    fn read<T, F>(&self, compute: F) -> impl Future<Output = Result<T>> + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&Query) -> Result<T> + Send + 'static,
    {
        let snapshot = self.mailbox.snapshot();
        async move { query::answer(snapshot.await.map_err(|_| Error::internal_error())?, compute).await }
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
            let answer = query::answer(snapshot, move |query| compute(query, &target)).await;
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

impl LanguageServer for Session {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let mut editor = Editor::new(&params.capabilities);
        // It lets watchers be registered, and reports nothing but what it writes itself.
        editor.watches_files &= params.client_info.as_ref().is_none_or(|it| it.name != "helix");
        let editor = Arc::new(editor);
        let (roots, proposes) = (from_proto::roots(&params), self.services.proposes());
        self.mailbox.send(Event::Initialize { editor: editor.clone(), roots, proposes });
        if let Some(options) = &params.initialization_options {
            // Some editors have one table of settings, which they send whole.
            self.configure(options.get("tantu").unwrap_or(options));
        }
        if let Some(pid) = params.process_id {
            self.lifetime.watch_parent(pid);
        }
        let capabilities = server_capabilities(&editor);
        // The transport lets no second `initialize` through.
        let _ = self.editor.set(editor);
        let version = Some(env!("CARGO_PKG_VERSION").to_owned());
        let server_info = Some(ServerInfo { name: "tantu".to_owned(), version });
        Ok(InitializeResult { capabilities, server_info, offset_encoding: None })
    }

    async fn initialized(&self, _: InitializedParams) {
        self.mailbox.send(Event::Index(self.job("Indexing", Kind::Counted)));
        tokio::spawn(announce::run(self.client.clone(), self.latest.clone(), self.lifetime.clone()));
        if self.editor().shows_status {
            let (client, services) = (self.client.clone(), self.services.clone());
            let (mailbox, latest, jobs) = (self.mailbox.clone(), self.latest.clone(), self.jobs.running());
            tokio::spawn(status::run(client, services, mailbox, latest, jobs, self.lifetime.clone()));
        }
        if self.editor().lists_tests {
            tokio::spawn(runs::list_tests(self.client.clone(), self.latest.clone(), self.lifetime.clone()));
        }
        tokio::spawn(setup::run(self.client.clone(), self.editor(), self.mailbox.clone()));
        tokio::spawn(setup::warn(self.client.clone(), self.services.settings.clone()));
        if self.services.proposes() {
            tokio::spawn(resume::run(self.questions.clone(), self.latest.clone(), self.desks()));
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
            self.mailbox.send(Event::Open { path, uri, text, version });
        }
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let VersionedTextDocumentIdentifier { uri, version } = params.text_document;
        let changes = from_proto::content_changes(params.content_changes);
        self.mailbox.send(Event::Change { path: from_proto::path(&uri), changes, version });
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        self.mailbox.send(Event::Saved { path: from_proto::path(&params.text_document.uri) });
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.mailbox.send(Event::Close { path: from_proto::path(&params.text_document.uri) });
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
        self.mailbox.send(Event::Folders { added, removed, job: self.job("Indexing", Kind::Counted) });
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
        match Command::parse(params)? {
            Command::Run(run) => {
                self.run(run);
                Ok(None)
            }
            Command::RunHere(place) => self.run_here(place).await,
            Command::RunAffectedTests(RunAffectedTests { uri }) => {
                let uri = self.or_folder(uri).await?;
                self.run(Run { uri, kind: RunKind::Affected, target: None, range: None });
                Ok(None)
            }
            Command::ResetCells(ResetCells { uri }) => {
                let session = self.read(move |query| Ok(runs::session_of(&query.snapshot, &uri))).await?;
                let reset = self.services.runner.reset(session).await;
                reset.map_err(|error| handlers::code_action::refused(error.to_string()))?;
                Ok(None)
            }
            Command::Propose(params) => self.propose(params).await,
            Command::ShowCallers(place) => {
                self.read(move |query| handlers::call_hierarchy::callers(query, &place)).await
            }
            Command::ChangeSignature(params) => {
                let edit = self.read(move |query| handlers::code_action::change_signature(query, &params)).await?;
                self.apply(edit).await
            }
            Command::Graph(params) => self.draw(params).await,
            Command::Context(params) => self.explain_context(params).await,
            Command::Evidence(params) => self.show_evidence(params).await,
            Command::Snippets(params) => self.snippets(params).await,
            Command::Review(params) => {
                let consult = |title: &str| self.consultation(title);
                consult::review(self.mailbox.snapshot(), consult, params).await
            }
            Command::DismissFinding(params) => consult::dismiss(&self.mailbox, params),
            Command::Explain(params) => {
                let consult = |title: &str| self.consultation(title);
                consult::explain(self.mailbox.snapshot(), consult, params).await
            }
            Command::Answer(answer) => {
                self.questions.answer(answer)?;
                Ok(None)
            }
            Command::CommitMessage(params) => {
                let uri = self.or_folder(params.uri).await?;
                let consultation = self.consultation("Writing a commit message");
                tokio::spawn(consultation.commit_message(from_proto::path(&uri)));
                Ok(None)
            }
            Command::Silence(mut params) => {
                if params.reason.is_none() && self.editor().asks_for_text {
                    let prompt = "Why is this finding silenced? May be empty.".to_owned();
                    let Some(reason) = input::ask_any(&self.client, prompt).await else { return Ok(None) };
                    params.reason = Some(reason);
                }
                let edit = self.read(move |query| handlers::code_action::silence(query, &params)).await?;
                self.apply(edit).await
            }
        }
    }
}

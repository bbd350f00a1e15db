//! What each command does.

use std::sync::atomic::Ordering;
use workspace::results::RunKind;

use tower_lsp_server::jsonrpc::{Error, Result};
use tower_lsp_server::ls_types::*;

use super::Session;
use crate::commands::{
    Command, Graph, ResetCells, Run, RunAffectedTests, RunHere, ShowContext, ShowEvidence, SnippetAction, Snippets,
};
use crate::consult::ModelQuery;
use crate::progress::Kind;
use crate::proposals::{self, ProposalSession};
use crate::query::Query;
use crate::running::Perform;
use crate::snippets::Done;
use crate::{consult, from_proto, handlers, input, snippets, to_proto};
use assistant::{evidence, traceback};
use propose::Task;
use runs::plan;
use workspace::mailbox::Event;

impl Session {
    /// The answer to `workspace/executeCommand`. What takes its time goes on in the background.
    pub(super) async fn execute(&self, command: Command) -> Result<Option<LSPAny>> {
        match command {
            Command::Run(run) => {
                self.run(run);
                Ok(None)
            }
            Command::RunHere(place) => self.run_here(place).await,
            Command::RunAffectedTests(RunAffectedTests { uri }) => {
                let uri = self.or_folder(uri).await?;
                self.run(Run { uri, kind: RunKind::Affected, target: None, range: None, coverage: false });
                Ok(None)
            }
            Command::ResetCells(ResetCells { uri }) => {
                let session =
                    self.read(move |query| Ok(plan::session_of(&query.snapshot, &from_proto::path(&uri)))).await?;
                let reset = self.services.runner.reset(session).await;
                reset.map_err(|error| handlers::code_action::refused(error.to_string()))?;
                Ok(None)
            }
            Command::Propose(params) => {
                let task = self.read(move |query| proposals::task(&query.snapshot, params)).await?;
                Ok(self.propose(task))
            }
            Command::FixTraceback(params) => {
                let task = self.read(move |query| {
                    traceback::task(&query.snapshot.analysis, &params.text).map_err(handlers::code_action::refused)
                });
                Ok(self.propose(task.await?))
            }
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
            Command::Install(params) => self.install(params).await,
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

    /// Runs something in the sandbox, in the background.
    fn run(&self, run: Run) {
        let run_id = self.next_run_id.fetch_add(1, Ordering::Relaxed);
        self.mailbox.send(Event::RunStarted { run: run.plain(), run_id });
        let snapshot = self.mailbox.snapshot();
        let job = self.job("Running", Kind::Cancellable);
        let (runner, mailbox, client) = (self.services.runner.clone(), self.mailbox.clone(), self.client.clone());
        let environments = self.environments.clone();
        let editor = self.editor();
        let perform = Perform {
            run: run.clone(),
            run_id,
            runner,
            confined: self.services.confined.clone(),
            permission: self.services.permission(),
            environments,
            job,
            mailbox: mailbox.clone(),
            client: client.clone(),
            questions: self.questions.clone(),
        };
        tokio::spawn(async move {
            let Ok(snapshot) = snapshot.await else { return };
            perform.work(snapshot).await;
            let Ok(snapshot) = mailbox.snapshot().await else { return };
            // What came of it is in the lens, or the list of tests, for whoever has one.
            if editor.lists_tests || editor.shows_lenses && snapshot.settings.code_lens {
                return;
            }
            if let Some(title) = snapshot.results.title(&run.plain(), &snapshot.analysis) {
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

    /// Has a model write something, in the background.
    fn propose(&self, task: Task) -> Option<LSPAny> {
        tokio::spawn(self.proposal_sessions()(task.assist.title()).begin(task));
        None
    }

    /// Makes what a proposal is worked on with, by the title of the work.
    pub(super) fn proposal_sessions(&self) -> impl Fn(&str) -> ProposalSession + Send + Sync + use<> {
        let (client, mailbox, latest) = (self.client.clone(), self.mailbox.clone(), self.latest.clone());
        let (services, contexts, jobs) = (self.services.clone(), self.contexts.clone(), self.jobs.clone());
        let (questions, shows) = (self.questions.clone(), self.editor().progress);
        move |title| ProposalSession {
            client: client.clone(),
            mailbox: mailbox.clone(),
            latest: latest.clone(),
            runner: services.runner_of_proposals(),
            types: services.types.clone(),
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
    fn consultation(&self, title: &str) -> ModelQuery {
        ModelQuery {
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
}

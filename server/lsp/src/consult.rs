//! What an editor has asked a model that is to say something and to edit nothing: reviews, explanations, commit messages.
//! All of it is done in the background and can be cancelled.

use std::path::PathBuf;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use assists::explain::{self, Facts};
use assists::review;
use graph::SymbolId;
use tokio::sync::Mutex;
use tower_lsp_server::Client;
use tower_lsp_server::jsonrpc::{Error, Result};
use tower_lsp_server::ls_types as lsp;

use crate::capabilities::Editor;
use crate::commands::{self, DismissFinding, Explain, Review};
use crate::consent;
use crate::handlers::code_action::refused;
use crate::preview::Preview;
use crate::progress::Job;
use crate::questions::Questions;
use crate::snapshot::Channel;
use crate::snapshot::{Pending, Snapshot};
use assistant::client::{ModelClient, growing_lines};
use assistant::commit_message::{self, staged};
use assistant::contexts::Contexts;
use assistant::review::{Reviewed, dismiss as keep_dismissal, news, summary};
use workspace::mailbox::Event;

/// How often a document is written anew while a model is speaking. Editors need a moment to read it.
const REFRESH: Duration = Duration::from_millis(500);

/// What a consultation needs of the session.
pub(crate) struct ModelQuery {
    pub(crate) client: Client,
    pub(crate) mailbox: Channel,
    pub(crate) editor: Arc<Editor>,
    /// The user's settings.
    pub(crate) settings: Option<PathBuf>,
    pub(crate) contexts: Arc<Contexts>,
    pub(crate) shown: Arc<Mutex<Preview>>,
    pub(crate) job: Job,
    pub(crate) questions: Questions,
}

/// `tantu.review`. That there is something to review is known before this returns.
pub(crate) async fn review(
    snapshot: Pending,
    consult: impl Fn(&str) -> ModelQuery,
    params: Review,
) -> Result<Option<lsp::LSPAny>> {
    let snapshot = snapshot.await.map_err(|_| Error::internal_error())?;
    let nothing = || Error::invalid_params("there is no function or class here");
    let file = snapshot.file(&params.uri).ok_or_else(nothing)?;
    let (analysis, encoding) = (&snapshot.analysis, snapshot.editor.encoding);
    let (targets, title) = match params.position {
        Some(position) => {
            let offset = crate::from_proto::offset(analysis.source(file), position, encoding);
            let target = review::target(analysis, file, offset).ok_or_else(nothing)?;
            (vec![target], format!("Review `{}`", analysis.symbol(target).name))
        }
        None => (review::parts(analysis, file), format!("Review `{}`", analysis.module_name(file))),
    };
    tokio::spawn(consult(&title).review(snapshot, targets));
    Ok(None)
}

/// `tantu.explain`. The facts are the answer; what a model says follows in the document.
pub(crate) async fn explain(
    snapshot: Pending,
    consult: impl Fn(&str) -> ModelQuery,
    params: Explain,
) -> Result<Option<lsp::LSPAny>> {
    let snapshot = snapshot.await.map_err(|_| Error::internal_error())?;
    let Some((file, offset)) = snapshot.place(&params.place) else { return Ok(None) };
    let target = explain::target(&snapshot.analysis, file, offset);
    let analysis = snapshot.analysis.clone();
    let facts = tokio::task::spawn_blocking(move || explain::facts(&analysis, target));
    let facts = facts.await.map_err(|_| Error::internal_error())?;
    if params.show {
        let title = format!("Explain `{}`", snapshot.analysis.symbol(target).name);
        tokio::spawn(consult(&title).explain(snapshot, target, facts.clone()));
    }
    Ok(serde_json::to_value(commands::Facts { symbol: facts.symbol, markdown: facts.markdown }).ok())
}

/// `tantu.dismissFinding`
pub(crate) fn dismiss(mailbox: &Channel, params: DismissFinding) -> Result<Option<lsp::LSPAny>> {
    let DismissFinding { symbol, message } = params;
    let kept = keep_dismissal(&symbol, &message);
    mailbox.send(Event::Dismissed { symbol, message });
    kept.map(|()| None).map_err(|problem| refused(format!("it is gone for this session only: {problem}")))
}

impl ModelQuery {
    /// The models; says what is wrong where there are none.
    async fn model_client(&self) -> Option<Arc<ModelClient>> {
        let problem = match ModelClient::configured(self.settings.as_deref()) {
            Ok(Some(client)) => return Some(self.consenting(client)),
            Ok(None) => ModelClient::none(self.settings.as_deref()),
            Err(problem) => problem,
        };
        self.say(lsp::MessageType::ERROR, problem).await;
        None
    }

    fn consenting(&self, client: ModelClient) -> Arc<ModelClient> {
        Arc::new(client.with_consent(consent::of_editor(self.questions.clone())))
    }

    async fn say(&self, severity: lsp::MessageType, message: String) {
        self.client.show_message(severity, format!("tantu: {message}")).await;
    }

    /// What `work` gives, or nothing when the user has enough of it.
    async fn until_cancelled<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.job.cancelled().cancelled() => None,
        }
    }

    async fn review(self, snapshot: Snapshot, targets: Vec<SymbolId>) {
        let Some(client) = self.model_client().await else { return };
        let analysis = snapshot.analysis.clone();
        let of = Reviewed {
            analysis: analysis.clone(),
            contexts: self.contexts.clone(),
            lints: snapshot.lints.clone(),
            project: snapshot.settings.project.clone(),
        };
        let say = |what: String| self.job.say(what);
        let number = targets.len();
        for (index, target) in targets.into_iter().enumerate() {
            if number > 1 {
                self.job.say(format!("{} of {number}", index + 1));
            }
            let name = analysis.symbol(target).qualified_name();
            let asked = assistant::review::review(&client, of.clone(), target, &say);
            match self.until_cancelled(asked).await {
                None => return,
                Some(Err(problem)) => {
                    let message = format!("`{name}` is not reviewed: {problem}");
                    return self.say(lsp::MessageType::ERROR, message).await;
                }
                Some(Ok(outcome)) => {
                    self.mailbox.send(Event::Reviewed(news(&analysis, target, &outcome)));
                    let cut = if outcome.complete { "" } else { "; its answer was cut off" };
                    let message = format!("{} on `{name}`: {}{cut}", outcome.model, summary(&outcome.review));
                    self.say(lsp::MessageType::INFO, message).await;
                }
            }
        }
    }

    async fn explain(self, snapshot: Snapshot, target: SymbolId, facts: Facts) {
        let name = format!("{}.explanation.md", facts.symbol);
        let beginning = facts.markdown.clone();
        let client = match ModelClient::configured(self.settings.as_deref()) {
            Ok(Some(client)) => self.consenting(client),
            Ok(None) => {
                let reason = ModelClient::none(self.settings.as_deref());
                let text = beginning + &assistant::explain::without_model(&reason);
                return self.open(&name, &text).await;
            }
            Err(problem) => {
                let text = beginning + &assistant::explain::without_model(&problem);
                return self.open(&name, &text).await;
            }
        };
        self.open(&name, &beginning).await;
        let heard = SyncMutex::new(String::new());
        let mut lines = growing_lines();
        let say = |what: String| self.job.say(what);
        let explained = assistant::explain::explain(
            &client,
            snapshot.analysis.clone(),
            &self.contexts,
            (target, facts),
            &say,
            |text| {
                self.job.say(format!("answering, {} lines so far", lines(text)));
                text.clone_into(&mut heard.lock().unwrap_or_else(PoisonError::into_inner));
            },
        );
        let told = async {
            let mut shown = 0;
            loop {
                tokio::time::sleep(REFRESH).await;
                let text = heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if text.len() != shown {
                    shown = text.len();
                    let text = format!("{beginning}{}{text}\n", assistant::explain::introduction("a model"));
                    self.shown.lock().await.write(&name, &text);
                }
            }
        };
        let both = async {
            tokio::select! {
                explained = explained => explained,
                () = told => Err("the session is over".to_owned()),
            }
        };
        match self.until_cancelled(both).await {
            None => {}
            Some(Ok(answer)) => {
                let cut = if answer.complete { "" } else { "\n\n*The answer was cut off here.*" };
                let words = answer.text.trim();
                let introduction = assistant::explain::introduction(&answer.model);
                self.open(&name, &format!("{beginning}{introduction}{words}{cut}\n")).await;
            }
            Some(Err(problem)) => {
                self.say(lsp::MessageType::ERROR, format!("there is no explanation in words: {problem}")).await;
            }
        }
    }

    pub(crate) async fn commit_message(self, path: PathBuf) {
        let Some(client) = self.model_client().await else { return };
        let Ok(snapshot) = self.mailbox.snapshot().await else { return };
        let folder = if path.is_dir() { path } else { path.parent().map(PathBuf::from).unwrap_or_default() };
        let looked = {
            let (analysis, client) = (snapshot.analysis.clone(), client.clone());
            let look = move || staged(&folder, |path| client.check_allowed(&analysis, path).is_ok());
            tokio::task::spawn_blocking(look).await
        };
        let staged = match looked.map_err(anyhow::Error::from).and_then(|staged| staged) {
            Ok(staged) => staged,
            Err(error) => return self.say(lsp::MessageType::ERROR, format!("{error:#}")).await,
        };
        let say = |what: String| self.job.say(what);
        let written = commit_message::write(&client, staged, snapshot.host.clone(), &say);
        match self.until_cancelled(written).await {
            None => {}
            Some(Err(problem)) => {
                self.say(lsp::MessageType::ERROR, format!("there is no commit message: {problem}")).await;
            }
            Some(Ok(message)) => {
                if !message.problems.is_empty() {
                    let problems = message.problems.join("; ");
                    self.say(lsp::MessageType::WARNING, format!("the commit message is not right: {problems}")).await;
                }
                self.open("commit-message.txt", &format!("{}\n", message.text)).await;
            }
        }
    }

    /// Has the editor show a document that nobody edits, or else a message.
    async fn open(&self, name: &str, text: &str) {
        let uri = self.shown.lock().await.write(name, text);
        if let Some(uri) = uri.filter(|_| self.editor.shows_documents) {
            let params =
                lsp::ShowDocumentParams { uri, external: Some(false), take_focus: Some(true), selection: None };
            if self.client.show_document(params).await.unwrap_or(false) {
                return;
            }
        }
        let message = self.shown.lock().await.say(name, text);
        self.client.show_message(lsp::MessageType::INFO, message).await;
    }
}

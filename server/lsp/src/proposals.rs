//! A proposal's conversation with the person: progress, the question, the edit.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use disk::Obstacle;
use propose::{Event, Proposal, Severity, Task};
use sandbox::Runner;
use syntax::{SourceChange, apply_edits};
use tower_lsp_server::Client;
use tower_lsp_server::jsonrpc::{Error, Result};
use tower_lsp_server::ls_types as lsp;
use validate::{CheckResult, Evidence, TypeChecker, Validated};

use crate::commands::Propose;
use crate::comparison;
use crate::consent;
use crate::input;
use crate::preview::Preview;
use crate::progress::Job;
use crate::questions::Questions;
use crate::snapshot::Channel;
use crate::snapshot::{Latest, Snapshot};
use crate::to_proto;
use assistant::client::ModelClient;
use assistant::contexts::Contexts;
use assistant::edits;
use assistant::executor::{Executor, State};
use assistant::runner::{ProposalHost, ProposalRunner};

const APPLY: &str = "Apply";
const APPLY_CONFIDENT: &str = "Apply confident parts";
const CHOOSE: &str = "Choose parts";
const KEEP: &str = "Keep";
const LEAVE_OUT: &str = "Leave out";
const SHOW_DIFF: &str = "Show diff";
const WHY: &str = "Why";
const ADJUST: &str = "Adjust";
const DISCARD: &str = "Discard";
const HOW: &str = "How to add a model";
/// What [`HOW`] leads to.
const ADD_A_MODEL: &str = include_str!("../../../docs/add-a-model.md");

/// How long an editor may take to tell what it has applied.
const ECHO: Duration = Duration::from_secs(3);

/// What a proposal needs of the session.
pub(crate) struct ProposalSession {
    pub(crate) client: Client,
    pub(crate) mailbox: Channel,
    pub(crate) latest: Latest,
    pub(crate) runner: Arc<dyn Runner>,
    pub(crate) types: Arc<dyn TypeChecker>,
    /// The user's settings.
    pub(crate) settings: Option<PathBuf>,
    pub(crate) contexts: Arc<Contexts>,
    pub(crate) job: Job,
    pub(crate) questions: Questions,
}

/// What is asked for at the place of `params`.
///
/// # Errors
/// "Invalid params" when the assist makes no sense there.
pub(crate) fn task(snapshot: &Snapshot, params: Propose) -> Result<Task> {
    let senseless = || Error::invalid_params(format!("{} makes no sense here", params.assist));
    let place = lsp::TextDocumentPositionParams {
        text_document: lsp::TextDocumentIdentifier { uri: params.uri.clone() },
        position: params.position,
    };
    let (file, offset) = snapshot.place(&place).ok_or_else(senseless)?;
    let analysis = &snapshot.analysis;
    let offers = assists::offered(analysis, file, syntax::TextRange::empty(offset));
    let offer = offers.into_iter().find(|offer| offer.id == params.assist).ok_or_else(senseless)?;
    Ok(Task {
        assist: params.assist,
        path: analysis.path(file).to_path_buf(),
        symbol: analysis.symbol(offer.symbol).qualified_name(),
        instruction: params.instruction,
        fixes_code: params.fixes_code,
    })
}

impl ProposalSession {
    /// Works on `task` until it is applied, discarded, cancelled or given up. Leaves nothing behind but what was applied.
    pub(crate) async fn begin(self, mut task: Task) {
        let asks_for_text = self.latest.get().editor.asks_for_text;
        if let Some(prompt) = task.assist.prompt()
            && task.instruction.is_none()
            && asks_for_text
        {
            task.instruction = input::ask(&self.client, prompt.to_owned()).await;
            if task.instruction.is_none() {
                return;
            }
        }
        if let Some(executor) = self.executor().await {
            ProposalRunner::new(Proposal::new(task, executor.limits())).drive(&executor, &self).await;
        }
    }

    /// Goes on with what was interrupted.
    pub(crate) async fn resume(self, id: i64, proposal: Proposal) {
        if let Some(executor) = self.executor().await {
            ProposalRunner::resume(id, proposal).drive(&executor, &self).await;
        }
    }

    async fn executor(&self) -> Option<Executor> {
        match ModelClient::required(self.settings.as_deref()) {
            Ok(client) => {
                let client = client.with_consent(consent::of_editor(self.questions.clone()));
                Some(Executor::new(client, self.runner.clone(), self.types.clone()))
            }
            Err(message) => {
                self.explain(&message).await;
                None
            }
        }
    }

    /// Says why no model can be asked, and leads to the page that says what to do.
    async fn explain(&self, message: &str) {
        if self.questions.offer(lsp::MessageType::WARNING, format!("tantu: {message}"), HOW).await {
            let page = &mut Preview::default();
            if !self.opens(page, "add-a-model.md", ADD_A_MODEL).await {
                self.client.show_message(lsp::MessageType::INFO, ADD_A_MODEL).await;
            }
        }
    }

    async fn show(&self, severity: lsp::MessageType, message: String) {
        self.client.show_message(severity, format!("tantu: {message}")).await;
    }

    /// Asks until there is a yes or a no. An editor that closes the question says no.
    async fn ask(&self, evidence: &Evidence) -> Event {
        let mut preview = Preview::default();
        loop {
            let adjust = self.latest.get().editor.asks_for_text.then_some(ADJUST);
            let confident: Vec<String> =
                evidence.parts.iter().filter(|it| it.is_confident).map(|it| it.name.clone()).collect();
            let has_parts = evidence.parts.len() > 1;
            let some = (has_parts && (1..evidence.parts.len()).contains(&confident.len())).then_some(APPLY_CONFIDENT);
            let choose = has_parts.then_some(CHOOSE);
            let answers = [APPLY].into_iter().chain(some).chain(choose).chain([SHOW_DIFF, WHY]);
            let answers = answers.chain(adjust).chain([DISCARD]);
            let answer = self.questions.ask(lsp::MessageType::INFO, question(evidence), answers).await;
            match answer.as_deref() {
                Some(APPLY) => return Event::Approved,
                Some(APPLY_CONFIDENT) => return Event::Selected(confident),
                // Who wants all of them, or cannot decide, is asked again.
                Some(CHOOSE) => {
                    if let Some(parts) = self.choose(evidence).await {
                        return Event::Selected(parts);
                    }
                }
                Some(SHOW_DIFF) => {
                    let snapshot = self.mailbox.snapshot().await;
                    let is_shown = match snapshot {
                        Ok(snapshot) => comparison::show(&self.client, &snapshot, evidence).await,
                        Err(_) => false,
                    };
                    if !is_shown {
                        self.preview(&mut preview, "proposal.diff", &evidence.diff).await;
                    }
                }
                // Who has nothing to say after all is asked again.
                Some(ADJUST) => {
                    let prompt = format!("{}: what should be different?", evidence.title);
                    if let Some(adjustment) = input::ask(&self.client, prompt).await {
                        return Event::Adjusted(adjustment);
                    }
                }
                Some(WHY) => self.preview(&mut preview, "evidence.md", &evidence.markdown()).await,
                _ => return Event::Discarded,
            }
        }
    }

    /// The parts that the person wants, some but not all.
    async fn choose(&self, evidence: &Evidence) -> Option<Vec<String>> {
        let mut wanted = Vec::new();
        for part in &evidence.parts {
            let remark = if part.is_confident { "nothing was found there" } else { "something was found there" };
            let text = format!("{}: {} ({remark})", evidence.title, part.name);
            if self.questions.ask(lsp::MessageType::INFO, text, [KEEP, LEAVE_OUT]).await? == KEEP {
                wanted.push(part.name.clone());
            }
        }
        (1..evidence.parts.len()).contains(&wanted.len()).then_some(wanted)
    }

    /// Shows `text` as a document, where the editor can, or else as a message.
    async fn preview(&self, preview: &mut Preview, name: &str, text: &str) {
        if !self.opens(preview, name, text).await {
            self.client.show_message(lsp::MessageType::INFO, preview.say(name, text)).await;
        }
    }

    async fn opens(&self, preview: &mut Preview, name: &str, text: &str) -> bool {
        let shows_documents = self.latest.get().editor.shows_documents;
        let Some(uri) = preview.write(name, text).filter(|_| shows_documents) else { return false };
        let params = lsp::ShowDocumentParams { uri, external: Some(false), take_focus: Some(true), selection: None };
        self.client.show_document(params).await.unwrap_or(false)
    }

    /// Applies the change, if the texts are still those that were checked. `None` when the session is over.
    async fn put(&self, validated: &Validated) -> Option<Event> {
        let snapshot = self.mailbox.snapshot().await.ok()?;
        let change = match validated.change(|path| snapshot.text(path)) {
            Ok(change) => change,
            Err(moved) => return Some(Event::Moved(moved)),
        };
        if !snapshot.editor.applies_edits {
            return Some(Event::NotApplied("it does not let servers edit".to_owned()));
        }
        // Links may have changed since the proposal was checked; editors follow them.
        let (wanted, analysis) = (change.clone(), snapshot.analysis.clone());
        let obstacle = tokio::task::spawn_blocking(move || edits::obstacle(&wanted, &analysis)).await.ok().flatten();
        if let Some(Obstacle::Exists(reason) | Obstacle::Unwritable(reason)) = obstacle {
            return Some(Event::NotApplied(reason));
        }
        let edit = match to_proto::proposed(&snapshot, change) {
            Ok(edit) => edit,
            Err(reason) => return Some(Event::NotApplied(reason)),
        };
        let expected = expected(&snapshot, change);
        drop(snapshot);
        let reason = match self.client.apply_edit(edit).await {
            Ok(response) if response.applied => {
                self.verify(&expected).await;
                return Some(Event::Applied);
            }
            Ok(response) => response.failure_reason.unwrap_or_else(|| "it gives no reason".to_owned()),
            Err(error) => error.message.into_owned(),
        };
        // Most often somebody typed in the last moment, which is easier to understand than what editors say of it.
        let snapshot = self.mailbox.snapshot().await.ok()?;
        let moved = validated.change(|path| snapshot.text(path)).err();
        Some(moved.map_or(Event::NotApplied(reason), Event::Moved))
    }

    /// Makes sure that the editor's text is the one that was approved. Some apply an edit to the wrong place.
    async fn verify(&self, expected: &[(PathBuf, String)]) {
        let mut latest = self.latest.clone();
        let is_right = |snapshot: &workspace::snapshot::Snapshot| {
            expected.iter().all(|(path, text)| {
                // Of a file that is not open we hear later, from the disk.
                let now = snapshot.text(path).filter(|_| snapshot.version(path).is_some());
                now.is_none_or(|now| same_lines(&now, text))
            })
        };
        if tokio::time::timeout(ECHO, latest.wait_for(is_right)).await.is_err() {
            let message = "the text in the editor is not the one that was approved; look at it, or undo";
            self.show(lsp::MessageType::WARNING, message.to_owned()).await;
        }
    }
}

impl ProposalHost for ProposalSession {
    /// The newest state; `None` when the session is over.
    async fn state(&self) -> Option<State> {
        let snapshot = self.mailbox.snapshot().await.ok()?;
        let open = snapshot.documents.keys().filter_map(|path| Some((path.clone(), snapshot.text(path)?)));
        let lints = snapshot.lints.clone();
        let contexts = self.contexts.clone();
        let limits = snapshot.settings.limits;
        let project = snapshot.settings.project.clone();
        Some(State { unsaved: open.collect(), host: snapshot.host.clone(), lints, contexts, project, limits })
    }

    fn say(&self, what: String) {
        self.job.say(what);
    }

    async fn review(&self, evidence: &Evidence) -> Option<Event> {
        Some(self.ask(evidence).await)
    }

    async fn apply(&self, validated: &Validated) -> Option<Event> {
        self.put(validated).await
    }

    async fn report(&self, severity: Severity, message: String) {
        let severity = match severity {
            Severity::Error => lsp::MessageType::ERROR,
            Severity::Warning => lsp::MessageType::WARNING,
        };
        self.show(severity, message).await;
    }

    async fn cancelled(&self) {
        self.job.cancelled().cancelled().await;
    }
}

/// The open texts after `change`.
fn expected(snapshot: &Snapshot, change: &SourceChange) -> Vec<(PathBuf, String)> {
    let files = change.files.iter().filter_map(|file| {
        let before = snapshot.text(&file.path)?;
        Some((file.path.clone(), apply_edits(&before, &file.edits).ok()?))
    });
    files.collect()
}

/// Editors may write line ends of their own.
fn same_lines(a: &str, b: &str) -> bool {
    a.lines().eq(b.lines())
}

/// What is asked, in a few lines: what could not be checked belongs there as much as what passed.
fn question(evidence: &Evidence) -> String {
    let confidence = match evidence.confidence.score {
        Some(score) => format!("confidence {score:.2} ({})", evidence.confidence.level()),
        None => "confidence unknown".to_owned(),
    };
    let passed = evidence.checks.iter().filter(|(_, result)| **result == CheckResult::Passed);
    let passed: Vec<String> = passed.map(|(stage, _)| stage.to_string()).collect();
    let mut text = format!("{}: {confidence}. Passed: {}.", evidence.title, passed.join(", "));
    if !evidence.created.is_empty() {
        text.push_str(&format!(" Makes {}.", evidence.created.join(", ")));
    }
    for (stage, result) in &evidence.checks {
        match result {
            CheckResult::NotRun(why) => text.push_str(&format!(" Not run: {stage} ({why}).")),
            CheckResult::Asked(count) => text.push_str(&format!(" Asked: {stage} ({count}).")),
            CheckResult::Passed | CheckResult::Failed => {}
        }
    }
    if !evidence.warnings.is_empty() {
        text.push_str(&format!(" Warnings: {}.", evidence.warnings.len()));
    }
    if !evidence.unchecked.is_empty() {
        text.push_str(&format!(" Not checked: {}.", evidence.unchecked.join("; ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_do_not_matter_and_lines_do() {
        assert!(same_lines("a\r\nb\r\n", "a\nb\n"));
        assert!(!same_lines("a\nb\n", "a\n b\n"));
    }
}

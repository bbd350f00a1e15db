//! Telling the editor of runs: when they begin, what they write, and what has come of every test.
//!
//! An editor that lists tests ([`listing`](super::listing)) is sent the notification `tantu/run`, whoever wanted the run:
//!
//! - `{ "token": "…", "state": "began", "uri": "…", "kind": "pytest", "target": null }`, as `tantu.run` was told. The token is
//!   also that of the run's progress, so `window/workDoneProgress/cancel` with it ends the run.
//! - `{ "token": "…", "state": "wrote", "text": "…" }`, as it writes; escape sequences are shown as text, in messages too.
//! - `{ "token": "…", "state": "ended", "tests": [{ "uri", "kind", "target", "outcome": "passed|failed|errored|skipped", "millis",
//!   "messages": [{ "message", "location" }] }] }`. The variants of a parametrized test are one. What is not about a single
//!   test, such as a file that cannot be imported, is said of what was run. What has failed has a message, in which the lines
//!   that led there follow. There are no tests when the run was cancelled.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use sandbox::{Outcome, Status};
use serde::{Deserialize, Serialize};
use tower_lsp_server::Client;
use tower_lsp_server::ls_types as lsp;
use tower_lsp_server::ls_types::notification::Notification;

use runs::wording;
use workspace::results::{self, Ended, RunKind, Tally, TestFailure, name_of};

use crate::commands::Run;
use crate::handlers::diagnostics::code_of_line;
use crate::snapshot::Snapshot;

enum RunNotification {}

impl Notification for RunNotification {
    type Params = OfRun;
    const METHOD: &'static str = "tantu/run";
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct OfRun {
    token: String,
    #[serde(flatten)]
    news: Update,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub(super) enum Update {
    Began(Run),
    Wrote { text: String },
    Ended { tests: Vec<Test> },
}

/// What has come of a test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Test {
    uri: lsp::Uri,
    kind: RunKind,
    target: Option<String>,
    outcome: Verdict,
    millis: u64,
    messages: Vec<Message>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Verdict {
    Passed,
    Failed,
    /// It says nothing about the code: it was stopped, or could not begin.
    Errored,
    /// It was skipped, or cannot be run here.
    Skipped,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Message {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<lsp::Location>,
}

/// The file of a test, and its name inside the module.
type Name = (PathBuf, String);

/// Tells of one run, if the editor wants to know.
#[derive(Clone)]
pub(super) struct Reporter {
    client: Client,
    token: Option<String>,
}

impl Reporter {
    pub(super) fn new(client: &Client, token: String, snapshot: &Snapshot) -> Self {
        Reporter { client: client.clone(), token: snapshot.editor.lists_tests.then_some(token) }
    }

    pub(super) async fn tell(&self, news: Update) {
        if let Some(token) = self.token.clone() {
            self.client.send_notification::<RunNotification>(OfRun { token, news }).await;
        }
    }
}

/// What has come of the tests of `run`, whose texts are those of `snapshot`.
pub(super) fn tests(snapshot: &Snapshot, run: &Run, outcome: &Outcome, ended: &Ended) -> Vec<Test> {
    let mut messages: BTreeMap<Option<Name>, Vec<Message>> = BTreeMap::new();
    for failed in &ended.failures {
        messages.entry(owner(failed, outcome, ended)).or_default().push(message(snapshot, failed));
    }
    let mut reasons: HashMap<Name, Vec<Message>> = HashMap::new();
    let mut names = Vec::new();
    for test in &outcome.tests {
        let name = (ended.root.join(&test.path), name_of(test));
        let known = reasons.entry(name.clone()).or_insert_with(|| {
            names.push(name);
            Vec::new()
        });
        known.extend(test.message.clone().map(Message::nowhere));
    }
    let mut found = Vec::new();
    for name in names {
        let Some(tally) = ended.tests.get(&name).copied() else { continue };
        let Some(uri) = snapshot.analysis.file(&name.0).and_then(|file| snapshot.uri(file)) else { continue };
        let outcome = of_tally(tally);
        let messages = match (messages.remove(&Some(name.clone())), reasons.remove(&name)) {
            (Some(messages), _) => messages,
            (None, _) if outcome == Verdict::Passed => Vec::new(),
            (None, Some(reasons)) if !reasons.is_empty() => reasons,
            (None, _) => vec![Message::nowhere(without_sign(&results::tally(tally)))],
        };
        let (kind, target) = (RunKind::Pytest, Some(name.1));
        found.push(Test { uri, kind, target, outcome, millis: tally.millis, messages });
    }
    let mut rest: Vec<Message> = messages.into_values().flatten().collect();
    let is_told = found.iter().any(|it| it.uri == run.uri && it.target == run.target);
    let verdict = of_status(outcome.outcome);
    let is_about_tests = matches!(verdict, Verdict::Passed | Verdict::Failed) && rest.is_empty();
    if found.is_empty() || !is_told && !is_about_tests {
        if rest.is_empty() && verdict != Verdict::Passed {
            rest.push(Message::nowhere(without_sign(&results::title(outcome))));
        }
        let Run { uri, kind, target, .. } = run.clone();
        found.push(Test { uri, kind, target, outcome: verdict, millis: outcome.millis, messages: rest });
    }
    found
}

/// A title that goes without saying how it ended: `1 failed` of `✗ 1 failed`.
fn without_sign(title: &str) -> String {
    title.split_once(' ').map_or(title, |(_, rest)| rest).to_owned()
}

/// The test that a failure belongs to: the one around its line, else the only one that failed with its words.
fn owner(failed: &TestFailure, outcome: &Outcome, ended: &Ended) -> Option<Name> {
    if let Some(test) = &failed.test {
        return Some((failed.path.clone(), test.clone()));
    }
    let same = |message: &str| message == failed.failure.message;
    let mut alike = outcome.tests.iter().filter(|it| it.message.as_deref().is_some_and(same));
    match (alike.next(), alike.next()) {
        (Some(test), None) => Some((ended.root.join(&test.path), name_of(test))),
        _ => None,
    }
}

fn message(snapshot: &Snapshot, failed: &TestFailure) -> Message {
    let place = snapshot.analysis.file(&failed.path).and_then(|file| {
        let range = code_of_line(snapshot, file, failed.failure.line.saturating_sub(1));
        Some(lsp::Location { uri: snapshot.uri(file)?, range })
    });
    Message { location: place, ..Message::nowhere(wording::failure(&failed.failure)) }
}

impl Message {
    fn nowhere(message: String) -> Self {
        Message { message: terminal::escaped(&message).into_owned(), location: None }
    }
}

fn of_tally(tally: Tally) -> Verdict {
    match tally {
        Tally { failed: 1.., .. } => Verdict::Failed,
        Tally { passed: 1.., .. } => Verdict::Passed,
        _ => Verdict::Skipped,
    }
}

fn of_status(status: Status) -> Verdict {
    match status {
        Status::Passed => Verdict::Passed,
        Status::Failed => Verdict::Failed,
        Status::Error | Status::Timeout | Status::Memory | Status::Output => Verdict::Errored,
        Status::Refused | Status::NotRunnable => Verdict::Skipped,
    }
}

//! `check`: a verdict on a change.

use std::path::Path;
use std::time::Duration;

use gate::{Behaviour, Checkers, Options, State, Verdict, judge};
use validate::Finding;
use workspace::snapshot::Snapshot;

use crate::changes::{Form, changes, unsaved};
use crate::tools::{Answer, CheckInput, CheckOutput, Problem};

/// How many of each the structured part lists.
const MOST_PROBLEMS: usize = 20;
const MOST_OTHERS: usize = 8;

/// The longest time that may be asked for.
const LONGEST: u32 = 600;

/// Judges a change.
///
/// # Errors
/// When it is no change; with a sentence for the agent.
pub(crate) async fn check(
    snapshot: Snapshot,
    root: &Path,
    checkers: &Checkers,
    input: CheckInput,
    say: &(dyn Fn(String) + Send + Sync),
) -> Result<Answer, String> {
    let (state, options) = (state(&snapshot, root), options(&input));
    let (folder, wanted) = (root.to_path_buf(), input.card.unwrap_or(false));
    let read = tokio::task::spawn_blocking(move || {
        let form = Form { patch: input.patch.as_deref(), files: input.files.as_deref(), since: input.since.as_deref() };
        changes(&snapshot, &folder, &form)
    });
    let verdict = match read.await.map_err(|error| error.to_string())? {
        Ok(changes) => judge(state, changes, checkers, &options, say).await,
        Err(reason) => Verdict::malformed(&reason),
    };
    answer(&verdict, wanted)
}

fn options(input: &CheckInput) -> Options {
    Options {
        tests: input.run_tests.unwrap_or(true),
        behaviour: if input.refactoring == Some(true) { Behaviour::Preserve } else { Behaviour::Unknown },
        limit: Duration::from_secs(u64::from(input.limit_seconds.unwrap_or(60).clamp(1, LONGEST))),
        asked: input.asked.clone().unwrap_or_default(),
    }
}

/// The workspace as the gate takes it.
pub(crate) fn state(snapshot: &Snapshot, root: &Path) -> State {
    State {
        root: root.to_path_buf(),
        host: snapshot.host.clone(),
        unsaved: unsaved(snapshot),
        lints: snapshot.lints.clone(),
        project: snapshot.settings.project.clone(),
    }
}

fn answer(verdict: &Verdict, wants_card: bool) -> Result<Answer, String> {
    let problem = |it: &Finding| Problem {
        path: it.path.clone(),
        line: it.line,
        code: format!("{}/{}", it.stage, it.code),
        message: it.message.chars().take(400).collect(),
    };
    let mut problems: Vec<Problem> = verdict
        .obstacles
        .iter()
        .map(|it| Problem {
            path: it.path.clone(),
            line: 0,
            code: "patch/not-applicable".to_owned(),
            message: it.reason.clone(),
        })
        .collect();
    problems.extend(verdict.findings.iter().map(problem));
    let problem_count = problems.len();
    problems.truncate(MOST_PROBLEMS);
    let card = verdict.evidence.as_ref().map(validate::Evidence::markdown);
    let outcome = serde_json::to_value(verdict.outcome).map_err(|error| error.to_string())?;
    let output = CheckOutput {
        outcome: outcome.as_str().unwrap_or_default().to_owned(),
        problems,
        problem_count,
        warnings: verdict.warnings.iter().take(MOST_OTHERS).map(problem).collect(),
        not_checked: verdict.not_checked.iter().take(MOST_OTHERS).map(|it| it.chars().take(400).collect()).collect(),
        tests_passed: verdict.tests.passed,
        tests_failed: verdict.tests.failed,
        revision: verdict.revision,
        card: None,
    };
    let mut text = verdict.text();
    if let Some(card) = card.as_ref().filter(|_| wants_card) {
        text = format!("{text}\n{card}");
    }
    Ok(Answer { text, structured: serde_json::to_value(output).map_err(|error| error.to_string())?, card })
}

//! What came of tests, for people and for programs.

use std::collections::HashMap;
use std::fmt::Write as _;

use graph::{FileId, SymbolId};
use ide::{AffectedTest, Step, node_id};
use runs::coverage::FileCoverage;
use sandbox::{Outcome, Verdict};
use serde::Serialize;
use terminal::{Shown, Style};

use super::selection::Selection;
use crate::output::{counted, for_stdout};
use crate::workspace::Workspace;

/// A file whose tests need what the sandbox does not have.
#[derive(Serialize)]
pub(super) struct NotRunnable {
    pub(super) path: String,
    pub(super) reason: String,
    #[serde(skip)]
    pub(super) file: FileId,
}

/// A test that a change affects.
#[derive(Serialize)]
struct Test {
    id: String,
    path: String,
    line: u32,
    /// From the test to what changed.
    via: Vec<String>,
    /// How far one had to go to find it: calls, name, imports, module, package, all.
    step: &'static str,
    #[serde(skip)]
    label: Option<&'static str>,
    failed_before: bool,
    /// Whether its file can be run in the sandbox.
    runnable: bool,
    /// Whether it executed what changed when it last ran; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    executed: Option<bool>,
}

pub(super) struct Report {
    targets: Vec<String>,
    tests: Option<Vec<Test>>,
    changed: Vec<String>,
    /// What changed and no test is known to reach.
    unreached: Vec<String>,
    complete: bool,
    since: String,
    pub(super) not_runnable: Vec<NotRunnable>,
    pub(super) outcome: Option<Outcome>,
    /// Of the files that are no tests, where that was asked for.
    pub(super) coverage: Option<Vec<FileCoverage>>,
}

impl Report {
    pub(super) fn new(workspace: &Workspace, selection: &Selection, not_runnable: Vec<NotRunnable>) -> Self {
        let analysis = &workspace.analysis;
        let name = |id: SymbolId| match analysis.symbol(id).local_name() {
            name if name.is_empty() => analysis.module_name(id.file).to_owned(),
            name => name,
        };
        let test = |it: &AffectedTest| Test {
            id: node_id(analysis, &workspace.root, it.test),
            path: workspace.shown(it.test.file),
            line: analysis.source(it.test.file).line_number(analysis.symbol(it.test).name_range.start()),
            via: it.via.iter().map(|&id| name(id)).collect(),
            step: it.step.as_str(),
            label: it.step.label(),
            failed_before: it.record.failed,
            runnable: !not_runnable.iter().any(|other| other.file == it.test.file),
            executed: it.record.executed,
        };
        let affected = selection.affected.as_ref();
        Report {
            targets: selection.targets.clone(),
            tests: affected.map(|it| it.tests.iter().map(test).collect()),
            changed: affected.map(|it| it.changed.iter().map(|&id| name(id)).collect()).unwrap_or_default(),
            unreached: affected.map(|it| it.unreached.iter().map(|&id| name(id)).collect()).unwrap_or_default(),
            complete: affected.is_none_or(|it| it.is_complete()),
            since: selection.since.clone(),
            not_runnable,
            outcome: None,
            coverage: None,
        }
    }

    /// What is said before anything runs.
    pub(super) fn announcement(&self, is_list: bool) -> Shown {
        let mut text = for_stdout();
        // Writing to text cannot fail.
        match &self.tests {
            Some(tests) => {
                let at_least = if self.complete { "" } else { "at least " };
                let what = match self.changed.len() {
                    0 => "no definition has changed".to_owned(),
                    _ => format!("{} changed", some_of(&self.changed)),
                };
                text.push(at_least);
                text.push_styled(Style::Bold, &counted(tests.len(), "test"));
                let _ = writeln!(text, " affected: {what} {}", self.since);
                if let Some(said) = self.unreached_in_words(tests) {
                    let _ = writeln!(text, "{said}");
                }
            }
            None if !self.since.is_empty() => {
                let _ = writeln!(text, "{}", self.since);
            }
            None => {}
        }
        for NotRunnable { path, reason, .. } in &self.not_runnable {
            text.push_styled(Style::Yellow, "not runnable here");
            let _ = writeln!(text, ": {path} {reason}");
        }
        if is_list {
            for test in self.tests.iter().flatten() {
                let before = if test.failed_before { "failed before: " } else { "" };
                let step = test.label.map(|label| format!("{label}: ")).unwrap_or_default();
                let here = if test.runnable { "" } else { "not runnable here: " };
                let _ = writeln!(text, "{}:{} {here}{before}{step}{}", test.path, test.line, test.via.join(" → "));
            }
            if self.tests.is_none() {
                self.targets.iter().for_each(|target| text.push(&format!("{target}\n")));
            }
        }
        text
    }

    /// What no test is known to reach, and what is run for it.
    fn unreached_in_words(&self, tests: &[Test]) -> Option<String> {
        if self.unreached.is_empty() {
            return None;
        }
        let instead: Vec<String> = [Step::Module, Step::Package, Step::All]
            .into_iter()
            .filter_map(|step| {
                let count = tests.iter().filter(|test| test.step == step.as_str()).count();
                let which = match step {
                    Step::Module => "that load the module",
                    Step::Package => "that load its package",
                    _ => "of the workspace",
                };
                (count > 0).then(|| format!("{} {which}", counted(count, "test")))
            })
            .collect();
        let instead = match &instead[..] {
            [] if tests.is_empty() => "there are no tests".to_owned(),
            [] => "those above load its module".to_owned(),
            _ => format!("{} for that", instead.join(", ")),
        };
        Some(format!("no test is known to reach {}: {instead}", some_of(&self.unreached)))
    }

    /// What is said in the end.
    pub(super) fn conclusion(&self, is_list: bool) -> Shown {
        let Some(outcome) = &self.outcome else {
            let nothing = if self.not_runnable.is_empty() { "no test to run\n" } else { "no test could be run\n" };
            return if is_list { Shown::default() } else { nothing.into() };
        };
        let mut text = for_stdout();
        let mut counts: HashMap<(&str, u32, &str), usize> = HashMap::new();
        for failure in &outcome.failures {
            *counts.entry((&failure.path, failure.line, &failure.message)).or_default() += 1;
        }
        for failure in &outcome.failures {
            // What stops hundreds of parametrized tests is said once.
            let Some(count) = counts.remove(&(&*failure.path, failure.line, &*failure.message)) else { continue };
            let times = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
            text.push_styled(Style::Bold, &format!("{}:{}", failure.path, failure.line));
            let _ = writeln!(text, ": {}{times}", failure.message);
            if !failure.output.is_empty() {
                let _ = writeln!(text, "{}", indented(&failure.output));
            }
        }
        // pytest's own words, where there is no test to blame, and why a run was stopped.
        let is_blamed = !outcome.failures.is_empty() || outcome.outcome == sandbox::Status::Passed;
        text.push(if is_blamed { "" } else { &outcome.stdout });
        let is_told = matches!(outcome.outcome, sandbox::Status::Passed | sandbox::Status::Failed);
        text.push(if is_told && is_blamed { "" } else { &outcome.stderr });
        let style = if outcome.outcome == sandbox::Status::Passed { Style::Green } else { Style::Red };
        let of = |verdict| outcome.tests.iter().filter(|test| test.verdict == verdict).count();
        let counts = [
            (outcome.passed as usize, "passed"),
            (outcome.failed as usize, "failed"),
            (of(Verdict::Skipped), "skipped"),
            (of(Verdict::NotRunnable), "not runnable here"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        let mut parts: Vec<String> = counts.collect();
        if !self.not_runnable.is_empty() {
            parts.push(format!("{} not runnable here", counted(self.not_runnable.len(), "file")));
        }
        if outcome.confined > 0 {
            parts.push(format!("{} confined", outcome.confined));
        }
        parts.push(format!("{} ms", outcome.millis));
        text.push_styled(style, &outcome.outcome.to_string());
        let _ = writeln!(text, ": {}", parts.join(", "));
        text
    }

    /// The fields of `tantu run --format json`, where something ran, and what was chosen.
    pub(super) fn json(&self) -> impl Serialize + '_ {
        Json {
            outcome: self.outcome.as_ref(),
            not_runnable: &self.not_runnable,
            targets: &self.targets,
            affected: self.tests.as_deref(),
            changed: self.tests.is_some().then_some(&self.changed),
            unreached: self.tests.is_some().then_some(&self.unreached),
            complete: self.tests.is_some().then_some(self.complete),
            since: (!self.since.is_empty()).then_some(&self.since),
            coverage: self.coverage.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct Json<'a> {
    #[serde(flatten)]
    outcome: Option<&'a Outcome>,
    not_runnable: &'a [NotRunnable],
    targets: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    affected: Option<&'a [Test]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<&'a Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreached: Option<&'a Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    complete: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<&'a [FileCoverage]>,
}

/// Five names at most.
fn some_of(names: &[String]) -> String {
    match names.len() {
        0..=5 => names.join(", "),
        many => format!("{many} definitions"),
    }
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text.trim_end().lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}

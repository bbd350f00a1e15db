//! What is said of a change, in the same words everywhere.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use validate::{Callers, CheckResult, Evidence, Finding, Stage};

use crate::Obstacle;

/// Findings, warnings and open ends that the short form lists at most: together they fit on a screen.
const MOST_FINDINGS: usize = 20;
const MOST_WARNINGS: usize = 8;
const MOST_OPEN: usize = 8;

/// Characters of a message in the short form.
const MOST_CHARACTERS: usize = 400;

/// What becomes of a change that is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It is said, and nothing else happens.
    Warn,
    #[default]
    Block,
}

/// How the judgement ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing that was looked at is worse than before.
    Passed,
    /// Nothing is sure to be worse, and a person has a question to answer.
    Asked,
    /// Something is worse.
    Refused,
    /// There was no more time; nothing is known to be worse.
    NotFinished,
    /// It is no change that could be judged.
    Unusable,
}

/// What is known of a change.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    pub outcome: Outcome,
    /// In the order of weight.
    pub findings: Vec<Finding>,
    /// What may be meant, and what only a person can answer.
    pub warnings: Vec<Finding>,
    /// Files that could not be judged.
    pub obstacles: Vec<Obstacle>,
    /// What was not looked at, each with the reason.
    pub not_checked: Vec<String>,
    pub checks: BTreeMap<Stage, CheckResult>,
    pub callers: Callers,
    pub tests: Tests,
    /// How many files the change touches.
    pub files: usize,
    /// Of the graph that it was judged by.
    pub revision: u64,
    pub millis: u64,
    /// All that is known, where the checks were made.
    #[serde(skip)]
    pub evidence: Option<Evidence>,
}

/// What came of the tests that reach the change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tests {
    pub passed: u32,
    pub failed: u32,
    /// Each by itself, as far as they were run one by one.
    pub results: Vec<TestResult>,
}

/// One test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestResult {
    /// As pytest names it.
    pub id: String,
    /// `passed`, `failed`, `skipped`, or `not-runnable` where the sandbox denies what it needs.
    pub outcome: &'static str,
    /// Why it failed or was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    pub millis: u64,
}

impl Verdict {
    /// A verdict on what could not be looked at.
    pub(crate) fn without_checks(outcome: Outcome, obstacles: Vec<Obstacle>, not_checked: Vec<String>) -> Self {
        Verdict {
            outcome,
            findings: Vec::new(),
            warnings: Vec::new(),
            obstacles,
            not_checked,
            checks: BTreeMap::new(),
            callers: Callers::default(),
            tests: Tests::default(),
            files: 0,
            revision: 0,
            millis: 0,
            evidence: None,
        }
    }

    /// A verdict on a text that is no patch.
    pub fn malformed(reason: &str) -> Self {
        let obstacle = Obstacle { path: "the patch".to_owned(), reason: reason.to_owned() };
        Self::without_checks(Outcome::Unusable, vec![obstacle], Vec::new())
    }

    /// One line: the outcome and how much there is.
    pub fn headline(&self) -> String {
        let files = counted(self.files, "file");
        match self.outcome {
            Outcome::Passed if self.files == 0 => "passed: there is nothing to judge".to_owned(),
            Outcome::Passed => format!("passed: nothing that was checked is worse, {files}"),
            Outcome::Asked => {
                format!(
                    "passed, with {} for whoever reviews, {files}",
                    counted(self.warnings.len(), "question or warning")
                )
            }
            Outcome::Refused => format!("refused: {}, {files}", counted(self.findings.len(), "problem")),
            Outcome::NotFinished => {
                format!("not finished: the time limit came first; nothing is known to be worse, {files}")
            }
            Outcome::Unusable => "not judged: this change cannot be applied here".to_owned(),
        }
    }

    /// The verdict in a few lines, at most a screen.
    pub fn text(&self) -> String {
        let mut text = self.headline() + "\n";
        let mut list = |mark: &str, items: Vec<String>, most: usize, rest: &str| {
            let all = items.len();
            for item in items.into_iter().take(most) {
                // Writing to text cannot fail.
                let _ = writeln!(text, "{mark}{}", cut(&item));
            }
            if all > most {
                let _ = writeln!(text, "{mark}and {} more{rest}", all - most);
            }
        };
        let obstacles = self.obstacles.iter().map(|it| format!("{}: {}", it.path, it.reason)).collect();
        list("", obstacles, MOST_FINDINGS, "");
        list("", self.findings.iter().map(ToString::to_string).collect(), MOST_FINDINGS, "");
        list("warning: ", self.warnings.iter().map(ToString::to_string).collect(), MOST_WARNINGS, "");
        if self.callers.exact + self.callers.inferred + self.callers.possible > 0 {
            let all = self.callers.exact + self.callers.inferred + self.callers.possible;
            list(
                "",
                vec![format!("callers: {} of {all} known call sites still fit", all - self.callers.broken.min(all))],
                1,
                "",
            );
        }
        if self.tests.passed + self.tests.failed > 0 {
            list("", vec![format!("tests: {} passed, {} failed", self.tests.passed, self.tests.failed)], 1, "");
        }
        list("not checked: ", self.not_checked.clone(), MOST_OPEN, "");
        text
    }
}

/// `1 file`, `2 files`.
fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// One line, and not endless.
fn cut(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST_CHARACTERS) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// How much a finding weighs: the lower, the sooner it is told.
pub(crate) fn weight(stage: Stage) -> u8 {
    match stage {
        Stage::Syntax => 0,
        Stage::Security => 1,
        Stage::Graph => 2,
        Stage::Tests => 3,
        Stage::Types => 4,
        Stage::Lint => 5,
        Stage::Reply | Stage::Scope | Stage::Memory => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_at_most_a_screen() {
        let finding = |number: u32| Finding {
            stage: Stage::Graph,
            code: "undefined-name".to_owned(),
            message: "`x` is not defined ".repeat(100),
            path: "a.py".to_owned(),
            line: number,
        };
        let mut verdict = Verdict::without_checks(Outcome::Refused, Vec::new(), vec!["open".to_owned(); 50]);
        verdict.findings = (1..100).map(finding).collect();
        verdict.warnings = verdict.findings.clone();
        let text = verdict.text();
        assert!(text.lines().count() <= 40 && text.lines().all(|line| line.chars().count() < 420), "{text}");
        assert!(text.contains("and 79 more") && text.starts_with("refused: 99 problems"), "{text}");
    }
}

//! What the interpreter says about a run, line by line, and how much of it is kept. Nothing it says is trusted further than an
//! interpreter can be: see `docs/security.md`.

use std::collections::HashMap;

use sandbox::{Coverage, Covered, Failure, Function, Lines, TestResult, Verdict};
use serde::Deserialize;

/// As the sandbox has it.
const MAX_TESTS: usize = 20_000;
const MAX_FINDINGS: usize = 1000;
const MAX_FUNCTIONS: usize = 100_000;
const MAX_EXECUTED: usize = 2_000_000;
const MAX_LINES: usize = 1_000_000;
const MAX_TEXT: usize = 16 << 10;
const MAX_SHORT: usize = 2 << 10;

/// One line.
#[derive(Debug, Deserialize)]
struct Line {
    nonce: String,
    #[serde(flatten)]
    event: Event,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Event {
    Collected { count: u64 },
    Test { result: TestResult, executed: Option<Vec<u32>> },
    Finding { kind: Kind, finding: Failure },
    Function { path: String, name: String },
    Loaded { executed: Vec<u32> },
    Lines { path: String, executed: Vec<u32>, possible: Vec<u32> },
    End { status: i32, collected: Option<u64> },
}

/// What a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Failed,
    Error,
    Memory,
    Refused,
    NotRunnable,
}

/// All that was said.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) collected: Option<u64>,
    pub(crate) tests: Vec<TestResult>,
    places: HashMap<String, usize>,
    /// Ends of tests, also of those that ended before.
    pub(crate) ended: u64,
    pub(crate) findings: Vec<(Kind, Failure)>,
    pub(crate) coverage: Coverage,
    executed: usize,
    pub(crate) lines: Vec<Lines>,
    watched: usize,
    /// The status that pytest, or the script, ended with.
    pub(crate) end: Option<i32>,
    /// Something was written by who does not know the number, or what makes no sense.
    pub(crate) is_disturbed: bool,
}

impl Said {
    /// Takes one line; a test that has ended is returned.
    pub(crate) fn take(&mut self, line: &[u8], nonce: &str) -> Option<TestResult> {
        let event = match serde_json::from_slice::<Line>(line) {
            // Nothing is said after the end.
            Ok(line) if line.nonce == nonce && self.end.is_none() => line.event,
            _ => {
                self.is_disturbed = true;
                return None;
            }
        };
        match event {
            Event::Collected { count } => {
                self.is_disturbed |= self.collected.is_some();
                self.collected = Some(count);
            }
            Event::Test { result, executed } => return self.test(result, executed),
            Event::Finding { kind, finding } => {
                if self.findings.len() < MAX_FINDINGS {
                    self.findings.push((kind, bounded(finding)));
                }
            }
            Event::Function { path, name } => {
                if self.coverage.functions.len() < MAX_FUNCTIONS {
                    self.coverage.functions.push(Function { path: short(path), name: short(name) });
                }
            }
            Event::Loaded { executed } => {
                let known = self.coverage.functions.len();
                self.coverage.loaded = executed.into_iter().filter(|&it| (it as usize) < known).collect();
            }
            Event::Lines { path, executed, possible } => {
                self.watched += executed.len() + possible.len();
                if self.watched <= MAX_LINES {
                    self.lines.push(Lines { path: short(path), executed, possible });
                }
            }
            Event::End { status, collected } => {
                self.is_disturbed |= collected != self.collected;
                self.end = Some(status);
            }
        }
        None
    }

    fn test(&mut self, result: TestResult, executed: Option<Vec<u32>>) -> Option<TestResult> {
        self.ended += 1;
        let result =
            TestResult { id: short(result.id), path: short(result.path), message: result.message.map(short), ..result };
        if let Some(&place) = self.places.get(&result.id) {
            // Run again by a plugin, or said by somebody else: the worst holds.
            let before = &mut self.tests[place];
            if rank(result.verdict) < rank(before.verdict) {
                *before = result;
            }
            return None;
        }
        if self.tests.len() >= MAX_TESTS {
            return None;
        }
        if let Some(executed) = executed {
            let known = self.coverage.functions.len();
            self.executed += executed.len();
            // Half of what a test has executed would be worse than nothing.
            if self.executed <= MAX_EXECUTED && executed.iter().all(|&it| (it as usize) < known) {
                self.coverage.tests.push(Covered { test: result.id.clone(), functions: executed });
            }
        }
        self.places.insert(result.id.clone(), self.tests.len());
        self.tests.push(result.clone());
        Some(result)
    }

    pub(crate) fn count(&self, verdict: Verdict) -> u32 {
        self.tests.iter().filter(|it| it.verdict == verdict).count() as u32
    }
}

fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Failed => 0,
        Verdict::NotRunnable => 1,
        Verdict::Skipped => 2,
        Verdict::Passed => 3,
    }
}

fn bounded(mut finding: Failure) -> Failure {
    finding.related.truncate(30);
    for place in &mut finding.related {
        place.path = short(std::mem::take(&mut place.path));
        place.text = short(std::mem::take(&mut place.text));
    }
    Failure {
        path: short(finding.path),
        message: cut(finding.message, MAX_TEXT),
        output: cut(finding.output, MAX_TEXT),
        ..finding
    }
}

fn short(text: String) -> String {
    cut(text, MAX_SHORT)
}

fn cut(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(id: &str, verdict: &str) -> String {
        format!(
            r#"{{"nonce":"n","event":"test","executed":null,"result":{{"id":"{id}","path":"a.py","line":1,"verdict":"{verdict}","returned":false,"millis":1,"message":null}}}}"#
        )
    }

    #[test]
    fn the_worst_verdict_on_a_test_holds() {
        let mut said = Said::default();
        assert!(said.take(test("a.py::t", "failed").as_bytes(), "n").is_some());
        assert!(said.take(test("a.py::t", "passed").as_bytes(), "n").is_none());
        assert_eq!((said.count(Verdict::Failed), said.count(Verdict::Passed), said.ended), (1, 0, 2));
        assert!(!said.is_disturbed);
    }

    #[test]
    fn whoever_does_not_know_the_number_is_noticed() {
        let mut said = Said::default();
        assert!(said.take(test("a.py::t", "passed").as_bytes(), "other").is_none());
        assert!(said.is_disturbed && said.tests.is_empty());
        let mut said = Said::default();
        said.take(b"nonsense\n", "n");
        assert!(said.is_disturbed);
    }

    #[test]
    fn nothing_is_said_after_the_end_and_counts_agree() {
        let mut said = Said::default();
        said.take(br#"{"nonce":"n","event":"collected","count":2}"#, "n");
        said.take(br#"{"nonce":"n","event":"end","status":0,"collected":2}"#, "n");
        assert!(!said.is_disturbed);
        said.take(test("a.py::t", "passed").as_bytes(), "n");
        assert!(said.is_disturbed);
        let mut said = Said::default();
        said.take(br#"{"nonce":"n","event":"end","status":0,"collected":2}"#, "n");
        assert!(said.is_disturbed);
    }
}

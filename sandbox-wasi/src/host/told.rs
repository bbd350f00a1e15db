//! What the guest tells while it runs: its word is taken for the content, not for the amount.

use std::collections::BTreeSet;
use std::sync::mpsc;
use std::time::Duration;

use sandbox::{Compared, Coverage, Covered, Failure, Function, Law, Lines, Place, Raised, TestResult, Verdict, Weight};

use super::instance::State;
use super::instance::bindings::{self, TestVerdict};

/// Findings that are kept of one run.
const MAX_FINDINGS: usize = 200;
/// Results of tests that are kept of one run.
const MAX_TESTS: usize = 20_000;
/// Functions that tests have executed: all of them, of one test, and of all tests together.
const MAX_FUNCTIONS: usize = 50_000;
const MAX_FUNCTIONS_OF_TEST: usize = 5_000;
const MAX_EXECUTED: usize = 1_000_000;
/// Numbers of lines of watched files.
const MAX_LINES: usize = 1_000_000;
/// Names of missing packages, or types of exceptions, that are kept of one run.
const MAX_NAMES: usize = 50;
/// Lines of a traceback.
const MAX_FRAMES: usize = 30;
/// Bytes in a message, or in what a test has written.
const MAX_TEXT: usize = 16 << 10;
/// Bytes in a name, a path, a line, or the message of one test among many.
const MAX_SHORT_TEXT: usize = 2 << 10;

#[derive(Default)]
pub(super) struct Told {
    pub(super) passed: u32,
    pub(super) failed: u32,
    pub(super) findings: Vec<Failure>,
    pub(super) tests: Vec<TestResult>,
    pub(super) coverage: Coverage,
    /// How many functions the tests have executed together.
    pub(super) executed: usize,
    pub(super) raised: Vec<Raised>,
    pub(super) laws: Vec<Law>,
    pub(super) compared: Option<Compared>,
    pub(super) lines: Vec<Lines>,
    /// How many numbers of lines these hold.
    pub(super) watched: usize,
    /// Packages that were asked for in vain.
    pub(super) missing: BTreeSet<String>,
    /// Where the test that is running stands.
    pub(super) place: Option<(String, u32)>,
    /// Who has to know of the time that was spent on copying packages.
    pub(super) staging: Option<mpsc::Sender<Duration>>,
    /// Who wants to hear of each test at once.
    pub(super) listener: Option<mpsc::Sender<TestResult>>,
}

impl bindings::GuestImports for State {
    fn begin(&mut self, path: String, line: u32) {
        self.told.place = Some((short(path), line));
    }

    fn passed(&mut self) {
        self.told.passed = self.told.passed.saturating_add(1);
    }

    fn failed(&mut self) {
        self.told.failed = self.told.failed.saturating_add(1);
    }

    fn missing(&mut self, name: String) {
        if self.told.missing.len() < MAX_NAMES {
            self.told.missing.insert(short(name));
        }
    }

    fn provide(&mut self, name: String) -> bool {
        self.stage_package(short(name))
    }

    fn finding(&mut self, problem: bindings::Problem) {
        if self.told.findings.len() >= MAX_FINDINGS {
            return;
        }
        let related = problem.related.into_iter().take(MAX_FRAMES);
        self.told.findings.push(Failure {
            path: short(problem.path),
            line: problem.line,
            message: cut(problem.message, MAX_TEXT),
            error: None,
            related: related.map(|it| Place { path: short(it.path), line: it.line, text: short(it.text) }).collect(),
            output: cut(problem.output, MAX_TEXT),
        });
    }

    fn function(&mut self, path: String, name: String) {
        if self.told.coverage.functions.len() < MAX_FUNCTIONS {
            self.told.coverage.functions.push(Function { path: short(path), name: short(name) });
        }
    }

    fn tested(&mut self, test: bindings::TestResult, executed: Vec<u32>) {
        if self.told.tests.len() >= MAX_TESTS {
            return;
        }
        let result = TestResult {
            id: short(test.id),
            path: short(test.path),
            line: test.line,
            verdict: match test.verdict {
                TestVerdict::Passed => Verdict::Passed,
                TestVerdict::Failed => Verdict::Failed,
                TestVerdict::Skipped => Verdict::Skipped,
                TestVerdict::NotRunnable => Verdict::NotRunnable,
            },
            returned: test.returned,
            millis: test.millis,
            message: test.message.map(short),
        };
        if let Some(listener) = &self.told.listener {
            // Nobody listens any more when the run has been stopped.
            let _ = listener.send(result.clone());
        }
        let known = self.told.coverage.functions.len();
        let is_known = executed.iter().all(|&number| (number as usize) < known);
        // Half of what a test has executed would be worse than nothing.
        if is_known && executed.len() <= MAX_FUNCTIONS_OF_TEST && self.told.executed + executed.len() <= MAX_EXECUTED {
            self.told.executed += executed.len();
            self.told.coverage.tests.push(Covered { test: result.id.clone(), functions: executed });
        }
        self.told.tests.push(result);
    }

    fn loaded(&mut self, executed: Vec<u32>) {
        let known = self.told.coverage.functions.len();
        self.told.coverage.loaded = executed.into_iter().filter(|&number| (number as usize) < known).collect();
    }

    fn lines(&mut self, path: String, executed: Vec<u32>, possible: Vec<u32>) {
        let count = executed.len() + possible.len();
        if self.told.watched + count <= MAX_LINES {
            self.told.watched += count;
            self.told.lines.push(Lines { path: short(path), executed, possible });
        }
    }

    fn compared(&mut self, inputs: bindings::Comparison) {
        let bindings::Comparison { generated, recorded, returned, results } = inputs;
        self.told.compared = Some(Compared { generated, recorded, returned, results });
    }

    fn keeps(&mut self, law: bindings::Law) {
        if self.told.laws.len() < MAX_NAMES {
            let weight = match law.weight {
                bindings::Weight::Sure => Weight::Sure,
                bindings::Weight::Likely => Weight::Likely,
                bindings::Weight::Extra => Weight::Extra,
            };
            let (sentence, example) = (short(law.sentence), law.example.map(short));
            self.told.laws.push(Law { sentence, weight, held: law.held, broken: law.broken, example });
        }
    }

    fn raised(&mut self, group: bindings::RaisedGroup) {
        if self.told.raised.len() < MAX_NAMES {
            self.told.raised.push(Raised {
                exception: short(group.exception),
                count: group.count,
                call: short(group.call),
                message: short(group.message),
                expected: group.expected,
            });
        }
    }
}

fn short(text: String) -> String {
    cut(text, MAX_SHORT_TEXT)
}

fn cut(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(short("short".into()), "short");
        let long = short("€".repeat(MAX_SHORT_TEXT));
        assert!(long.len() <= MAX_SHORT_TEXT && long.ends_with('€'));
    }
}

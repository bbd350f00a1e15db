//! What came of a run.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Coverage, Lines};

/// What came of a run. Its JSON is the documented output of `tantu run --format json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub outcome: Status,
    /// Tests, examples of a doctest, or generated inputs.
    pub passed: u32,
    /// Those that ran and failed. What could not be run here is in neither count.
    pub failed: u32,
    /// The exit status that the run would have had as a process; absent when it was stopped.
    pub exit: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// Failures, and what could not be run and why, in the order in which they were met.
    pub failures: Vec<Failure>,
    /// Time from the start of the interpreter.
    pub millis: u64,
    /// pytest's tests, one by one, in the order in which they ended; at most 20,000.
    #[serde(default)]
    pub tests: Vec<TestResult>,
    /// What these have executed; bounded.
    #[serde(default, skip_serializing_if = "Coverage::is_empty")]
    pub coverage: Coverage,
    /// What was executed of the files that [`Request::watched`](crate::Request::watched) names, as far as they were imported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Lines>,
    /// Of a cell: what this run has meant for the state that cells share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// Of generated inputs: what the function raised. The counts say on how many inputs it ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub raised: Vec<Raised>,
    /// Of two versions side by side: how many inputs both were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
    /// Of generated inputs, without an older text: what has to hold whatever the function is for, as far as it was tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub laws: Vec<Law>,
    /// How many of the tests were run in the project's own interpreter, confined, because the sandbox could not run them or
    /// said that they fail. These verdicts replace the sandbox's.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub confined: u32,
}

/// Whether a count need not be written.
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Inputs that two versions of a function were given. The counts of the outcome say on how many they differed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// Made from type hints and the doctest.
    pub generated: u32,
    /// What tests have called the function with.
    pub recorded: u32,
    /// On how many of all these the older version came to an answer: where it raises, little is compared.
    #[serde(default)]
    pub returned: u32,
    /// How many different answers that were, and states that it left behind; up to 100.
    #[serde(default)]
    pub results: u32,
}

impl Compared {
    /// All inputs.
    pub fn inputs(&self) -> u32 {
        self.generated + self.recorded
    }

    /// Whether so few of them came to an answer, or to so few different ones, that a difference would hardly be seen.
    pub fn says_little(&self) -> bool {
        self.returned * 10 < self.inputs() || self.results < 2
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs = if self.inputs() == 1 { "input" } else { "inputs" };
        match (self.generated, self.recorded) {
            (0, 0) => f.write_str("no input"),
            (generated, 0) => write!(f, "{generated} generated {inputs}"),
            (0, recorded) => write!(f, "{recorded} recorded {inputs}"),
            (generated, recorded) => write!(f, "{generated} generated and {recorded} recorded {inputs}"),
        }
    }
}

impl Outcome {
    /// An outcome of a run that never began, or was lost: nothing counted, `reason` on standard error.
    #[must_use]
    pub fn without_run(outcome: Status, reason: impl fmt::Display) -> Self {
        Self {
            outcome,
            passed: 0,
            failed: 0,
            exit: None,
            stdout: String::new(),
            stderr: format!("{reason}\n"),
            failures: Vec::new(),
            millis: 0,
            tests: Vec::new(),
            coverage: Coverage::default(),
            lines: Vec::new(),
            session: None,
            raised: Vec::new(),
            compared: None,
            laws: Vec::new(),
            confined: 0,
        }
    }

    /// With the class of each failure's exception beside its message.
    #[must_use]
    pub fn with_errors_named(mut self) -> Self {
        for failure in &mut self.failures {
            failure.error = error_class(&failure.message).map(str::to_owned);
        }
        self
    }

    /// This and `next`, as if they had been one run.
    #[must_use]
    pub fn followed_by(mut self, next: Outcome) -> Self {
        // What stopped the second comes first, then what is worst for the code.
        const WORST_FIRST: [Status; 8] = [
            Status::Timeout,
            Status::Output,
            Status::Memory,
            Status::Failed,
            Status::Error,
            Status::Refused,
            Status::NotRunnable,
            Status::Passed,
        ];
        let rank = |status| WORST_FIRST.iter().position(|&it| it == status);
        if rank(next.outcome) <= rank(self.outcome) {
            (self.outcome, self.exit) = (next.outcome, next.exit);
        }
        self.passed += next.passed;
        self.failed += next.failed;
        self.stdout.push_str(&next.stdout);
        self.stderr.push_str(&next.stderr);
        self.failures.extend(next.failures);
        self.millis += next.millis;
        self.tests.extend(next.tests);
        self.coverage.extend(next.coverage);
        self.lines.extend(next.lines);
        self.lines = Lines::united(self.lines);
        self.raised.extend(next.raised);
        self.compared = self.compared.or(next.compared);
        self.laws.extend(next.laws);
        self.confined += next.confined;
        self
    }
}

/// The verdict on a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Every test passed; a script ended with status 0.
    Passed,
    /// A test failed; a script raised or ended with another status.
    Failed,
    /// It could not be run: a syntax error, a failing import, no such test, an interpreter that broke down.
    Error,
    /// Stopped at [`Limits::wall`](crate::Limits::wall).
    Timeout,
    /// Stopped at [`Limits::memory`](crate::Limits::memory).
    Memory,
    /// Stopped at [`Limits::output`](crate::Limits::output), or having filled `/tmp`.
    Output,
    /// It needs what the sandbox denies (network, processes, threads, files outside the workspace, writing in it), or
    /// the request itself does. Says nothing about the code's correctness.
    Refused,
    /// It needs a package that is not installed, or that is compiled; or inputs that cannot be generated. Says nothing
    /// about the code's correctness.
    NotRunnable,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Memory => "memory",
            Self::Output => "output",
            Self::Refused => "refused",
            Self::NotRunnable => "not-runnable",
        })
    }
}

/// Something to show at a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Relative to the workspace, with forward slashes.
    pub path: String,
    /// 1-based.
    pub line: u32,
    /// With pytest's explanation of a failed assertion.
    pub message: String,
    /// The class of the exception, as the message names it: `ZeroDivisionError`, `json.JSONDecodeError`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The lines of the workspace that were being executed, the innermost last; the failure's own is among them.
    #[serde(default)]
    pub related: Vec<Place>,
    /// What the test wrote, standard error after standard output; at most 16 KiB of it.
    #[serde(default)]
    pub output: String,
}

impl Failure {
    /// A message at a line, with nothing beside it.
    pub fn new(path: impl Into<String>, line: u32, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, message: message.into(), ..Self::default() }
    }
}

/// The class of the exception that a message describes: what comes before its first colon, or all of it.
fn error_class(message: &str) -> Option<&str> {
    let line = message.lines().next()?;
    if line.starts_with("assert ") {
        return Some("AssertionError");
    }
    let class = line.split_once(": ").map_or(line, |(class, _)| class);
    let is_name = |part: &str| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    let last = class.rsplit('.').next()?;
    (class.split('.').all(is_name) && last.starts_with(char::is_uppercase)).then_some(class)
}

/// A line of a traceback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Relative to the workspace, with forward slashes.
    pub path: String,
    /// 1-based.
    pub line: u32,
    /// The line's text without indentation; empty when it is not known.
    pub text: String,
}

/// What came of one test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// pytest's node id (`tests/test_a.py::TestB::test_c[1-x]`), relative to the workspace.
    pub id: String,
    /// Relative to the workspace, with forward slashes.
    pub path: String,
    /// 1-based line of the test's definition, decorators included.
    pub line: u32,
    pub verdict: Verdict,
    /// The interpreter says that the function which the test file defines under this name has run to its end. A test that
    /// passed without was expected to fail, is made in another way than by a `def` of that name, or somebody has tampered
    /// with it.
    #[serde(default)]
    pub returned: bool,
    /// With its fixtures.
    pub millis: u64,
    /// Why it failed, was skipped, or cannot be run; that it was expected to fail.
    pub message: Option<String>,
}

/// The verdict on one test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Also when it was expected to fail, and did.
    Passed,
    Failed,
    Skipped,
    /// It needs what the sandbox denies, or a package that is not there or compiled.
    NotRunnable,
}

/// What a run has meant for the state of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Session {
    /// The cell began a session: nothing of earlier cells was there.
    New,
    /// The cell saw what earlier cells had left.
    Continued,
    /// The cell was stopped, or broke the interpreter, and the state is gone.
    Lost,
}

/// What a function raised on generated inputs, grouped by the exception's type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raised {
    /// The type's qualified name, of built-in ones without a module.
    pub exception: String,
    /// On how many inputs.
    pub count: u32,
    /// The smallest of them, as a call: `parse('', limit=0)`.
    pub call: String,
    pub message: String,
    /// Whether it is no failure: documented, or the function's way to reject its input.
    pub expected: bool,
}

/// Something that has to hold of a function because its class, its name or the language says so: an empty mapping's `popitem`
/// raises `KeyError`, `from_hex` reads what `as_hex` makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Law {
    pub sentence: String,
    pub weight: Weight,
    /// On how many inputs the function was executed, and the law held.
    pub held: u32,
    pub broken: u32,
    /// The smallest input that breaks it, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
}

/// How much it says that a law is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// It has to hold: the class or the language has promised it.
    Sure,
    /// It holds as a rule.
    Likely,
    /// It may or may not hold; that it does says something.
    Extra,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcome_has_the_documented_json() {
        let failure = Failure {
            related: vec![Place { path: "a.py".into(), line: 7, text: "import numpy".into() }],
            output: "printed".into(),
            ..Failure::new("tests/test_a.py", 3, "needs numpy")
        };
        let test = TestResult {
            id: "tests/test_a.py::test_b".into(),
            path: "tests/test_a.py".into(),
            line: 3,
            verdict: Verdict::NotRunnable,
            returned: false,
            millis: 2,
            message: Some("needs numpy".into()),
        };
        let outcome = Outcome {
            outcome: Status::NotRunnable,
            passed: 4,
            failed: 1,
            exit: Some(1),
            stdout: "out".into(),
            stderr: "err".into(),
            failures: vec![failure],
            millis: 12,
            tests: vec![test],
            coverage: Coverage::default(),
            session: None,
            raised: Vec::new(),
            compared: None,
            laws: Vec::new(),
            confined: 0,
            lines: Vec::new(),
        };
        assert_eq!(
            serde_json::to_string(&outcome).unwrap(),
            concat!(
                r#"{"outcome":"not-runnable","passed":4,"failed":1,"exit":1,"stdout":"out","stderr":"err","#,
                r#""failures":[{"path":"tests/test_a.py","line":3,"message":"needs numpy","#,
                r#""related":[{"path":"a.py","line":7,"text":"import numpy"}],"output":"printed"}],"millis":12,"#,
                r#""tests":[{"id":"tests/test_a.py::test_b","path":"tests/test_a.py","line":3,"#,
                r#""verdict":"not-runnable","returned":false,"millis":2,"message":"needs numpy"}]}"#
            )
        );
    }

    #[test]
    fn a_cell_tells_what_has_become_of_the_state() {
        let outcome = Outcome { session: Some(Session::Lost), ..Outcome::without_run(Status::Timeout, "late") };
        assert_eq!(serde_json::to_value(&outcome).unwrap()["session"], "lost");
    }

    #[test]
    fn a_status_is_written_as_in_json() {
        for status in [
            Status::Passed,
            Status::Failed,
            Status::Error,
            Status::Timeout,
            Status::Memory,
            Status::Output,
            Status::Refused,
            Status::NotRunnable,
        ] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.to_string());
        }
    }

    #[test]
    fn exceptions_are_named() {
        for (message, class) in [
            ("ZeroDivisionError: division by zero", Some("ZeroDivisionError")),
            ("json.decoder.JSONDecodeError: Expecting value: line 1", Some("json.decoder.JSONDecodeError")),
            ("KeyboardInterrupt", Some("KeyboardInterrupt")),
            ("assert 1 == 2\n +  where 1 = f()", Some("AssertionError")),
            ("Expected:\n    3\nGot:\n    4", None),
            ("needs numpy: it is compiled", None),
            ("", None),
        ] {
            assert_eq!(error_class(message), class, "{message}");
        }
    }
}

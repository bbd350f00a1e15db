//! What a check found.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The checks, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The reply holds what was asked for.
    Reply,
    /// Every edited file parses.
    Syntax,
    /// The edits stay inside what was asked for.
    Scope,
    /// Names, imports, members and calls resolve, here and at the callers.
    Graph,
    /// A type checker finds no new error in the edited files and in those that use them.
    Types,
    /// Linters find nothing new that is sure to fail.
    Lint,
    /// No insecure construct, no secret and no way for data from outside into a dangerous call is new.
    Security,
    /// Nothing that somebody has complained of before is done again.
    Memory,
    /// Doctests and tests that reach the edit pass.
    Tests,
}

impl Stage {
    /// What the stage looked at, for people.
    pub fn title(self) -> &'static str {
        match self {
            Stage::Reply => "The reply holds the function",
            Stage::Syntax => "It parses",
            Stage::Scope => "It changes only what was asked for",
            Stage::Graph => "Names, imports and calls resolve, callers still fit",
            Stage::Types => "A type checker finds no new error, the standard library and installed packages included",
            Stage::Lint => "Linters find no new error",
            Stage::Security => "No insecure construct is new",
            Stage::Memory => "It repeats no mistake that can be searched for",
            Stage::Tests => "Tests and doctests pass",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Reply => "reply",
            Stage::Syntax => "syntax",
            Stage::Scope => "scope",
            Stage::Graph => "graph",
            Stage::Types => "types",
            Stage::Lint => "lint",
            Stage::Security => "security",
            Stage::Memory => "memory",
            Stage::Tests => "tests",
        })
    }
}

/// One reason why a candidate is not good enough. The message is fit to be shown to people and to be sent to a model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Finding {
    pub stage: Stage,
    /// In kebab case, such as `undefined-name`; those of ruff as they are, such as `S307`.
    pub code: String,
    pub message: String,
    /// Relative to the workspace folder, with forward slashes.
    pub path: String,
    /// 1-based, in the text with the edit; 0 where no line is to blame.
    pub line: u32,
}

impl Finding {
    /// Whether both say the same, wherever in the file: from one attempt to the next, lines move.
    pub fn repeats(&self, other: &Finding) -> bool {
        (self.stage, &self.code, &self.message, &self.path) == (other.stage, &other.code, &other.message, &other.path)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { stage, code, message, path, line } = self;
        match line {
            0 => write!(f, "{path}: {message} [{stage}: {code}]"),
            _ => write!(f, "{path}:{line}: {message} [{stage}: {code}]"),
        }
    }
}

/// How a check ended. Written as `passed`, `failed`, `asked: how much` or `not-run: why`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum CheckResult {
    Passed,
    Failed,
    /// Nothing was refused, and whoever reviews has questions to answer.
    Asked(String),
    NotRun(String),
}

impl fmt::Display for CheckResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckResult::Passed => f.write_str("passed"),
            CheckResult::Failed => f.write_str("failed"),
            CheckResult::Asked(count) => write!(f, "asked: {count}"),
            CheckResult::NotRun(why) => write!(f, "not-run: {why}"),
        }
    }
}

impl From<CheckResult> for String {
    fn from(result: CheckResult) -> String {
        result.to_string()
    }
}

impl From<String> for CheckResult {
    fn from(text: String) -> CheckResult {
        match text.as_str() {
            "passed" => CheckResult::Passed,
            "failed" => CheckResult::Failed,
            _ => match text.strip_prefix("asked: ") {
                Some(count) => CheckResult::Asked(count.to_owned()),
                None => CheckResult::NotRun(text.strip_prefix("not-run: ").unwrap_or(&text).to_owned()),
            },
        }
    }
}

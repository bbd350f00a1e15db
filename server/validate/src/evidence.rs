//! The evidence card: what was checked, what was not, and how sure that makes us.

mod markdown;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use sandbox::Compared;
use serde::{Deserialize, Serialize};
use similar::TextDiff;

use crate::candidate::{Edited, display_path, text_of};
use crate::check::Comparison;
use crate::{CheckResult, Confidence, Finding, Part, Stage};

/// Everything that is known about a candidate. Its JSON is part of the interface.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub title: String,
    pub confidence: Confidence,
    /// What could not be checked. Shown first: it is what a reviewer must look at.
    pub unchecked: Vec<String>,
    pub findings: Vec<Finding>,
    /// Why parts of the answer were left out: what was wrong with them. Empty where all of it is here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<Finding>,
    /// The files that it makes; paths are relative to the workspace folder.
    #[serde(default)]
    pub created: Vec<String>,
    /// What is new and may be meant: findings of linters, and other answers where they may change. It keeps nothing back.
    #[serde(default)]
    pub warnings: Vec<Finding>,
    pub checks: BTreeMap<Stage, CheckResult>,
    /// What can be taken or left by itself.
    #[serde(default)]
    pub parts: Vec<Part>,
    pub callers: Callers,
    pub tests: Vec<TestRun>,
    #[serde(default)]
    pub examined: Examined,
    /// Unified; paths are relative to the workspace folder.
    pub diff: String,
    /// What the diff is between; not part of the interface, and not kept.
    #[serde(skip)]
    pub texts: Vec<Texts>,
    /// Absent when the candidate does not come from a model.
    pub origin: Option<Origin>,
}

/// A file before and after the edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    /// Absolute.
    pub path: PathBuf,
    /// Empty for a new file.
    pub before: Arc<str>,
    pub after: Arc<str>,
}

/// Call sites of what was edited, by how sure it is that they call it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callers {
    /// Functions that hold the call sites.
    pub functions: u32,
    pub exact: u32,
    pub inferred: u32,
    pub possible: u32,
    /// Of all of these, the call sites that do not fit any longer.
    pub broken: u32,
}

/// One run in the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRun {
    pub name: String,
    /// The sandbox's word for it, such as `passed` or `not-runnable`; `not run` without a sandbox.
    pub outcome: String,
    pub passed: u32,
    pub failed: u32,
    pub millis: u64,
    /// Of an old and a new version side by side: on how many inputs, of which `failed` made a difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
    /// Of what passed, the tests, examples and inputs that say anything: tests that executed the edit, inputs of which
    /// enough came to a result.
    #[serde(default)]
    pub telling: u32,
}

/// How closely the checks have looked at what was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examined {
    /// Lines of functions that the edit wrote, in files that a run has imported; 0 where nothing was run.
    pub lines: u32,
    /// Those of them that a run has executed.
    pub executed: u32,
    /// Versions with one mistake made on purpose that what passed was run with.
    pub mutants: u32,
    /// Those of them that it noticed.
    pub noticed: u32,
}

/// How a model came to write the candidate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    pub model: String,
    pub attempts: u32,
    /// Tokens, as the provider counted them; 0 where it does not count.
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// In US dollars, where the price is known.
    pub cost: Option<f64>,
    /// What the model was shown and what was left out, one line each.
    pub context: Vec<String>,
}

/// The files that are not there before the edit.
pub(crate) fn created(comparison: &Comparison) -> Vec<String> {
    let new = comparison.files.iter().filter(|edited| comparison.before.file(&edited.path).is_none());
    new.map(|edited| display_path(&comparison.after, &edited.path)).collect()
}

pub(crate) fn compared(comparison: &Comparison) -> Vec<Texts> {
    let texts = |edited: &Edited| Texts {
        path: edited.path.clone(),
        before: edited.before.clone(),
        after: edited.after.clone(),
    };
    comparison.files.iter().map(texts).collect()
}

pub(crate) fn unified_diff(comparison: &Comparison) -> String {
    let mut diff = String::new();
    for edited in &comparison.files {
        let path = display_path(&comparison.after, &edited.path);
        let lines = TextDiff::from_lines(&*edited.before, &*edited.after);
        let header = (format!("a/{path}"), format!("b/{path}"));
        diff.push_str(&lines.unified_diff().header(&header.0, &header.1).to_string());
    }
    for path in &comparison.removed {
        let before = text_of(&comparison.before, path).unwrap_or_default();
        let header = format!("a/{}", display_path(&comparison.before, path));
        let lines = TextDiff::from_lines(&*before, "");
        diff.push_str(&lines.unified_diff().header(&header, "/dev/null").to_string());
    }
    diff
}

//! What every linter reports.

use std::borrow::Cow;

pub use credential::Confidence;
use syntax::{TextEdit, TextRange};

/// Something that a rule found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Byte offsets in the text.
    pub range: TextRange,
    /// The rule's stable code: `F401`, `S608`, `secret`.
    pub code: Cow<'static, str>,
    /// The rule's name in kebab case, `unused-import`; the code again where a rule has no other name.
    pub name: Cow<'static, str>,
    /// One sentence or two for a person; never holds a secret's value.
    pub message: String,
    pub severity: Severity,
    /// How likely a security finding is a real one; `None` for what is not about security.
    pub confidence: Option<Confidence>,
    pub tag: Option<Tag>,
    /// The rule's own way to mend it.
    pub fix: Option<Fix>,
    /// Where the rule is explained.
    pub url: Option<Cow<'static, str>>,
}

/// How grave a finding is, in the words of the editor protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Error,
    Warning,
    Information,
    Hint,
}

/// How an editor shows the marked text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tag {
    Unnecessary,
    Deprecated,
}

/// Edits that mend a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, in the imperative: `Remove unused import: os`.
    pub title: String,
    pub applicability: Applicability,
    /// In the order of the text, without overlaps.
    pub edits: Vec<TextEdit>,
}

/// Whether a fix keeps what the program does (ruff's scale).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Applicability {
    /// May be incomplete or wrong; for a person to read.
    Display,
    /// May change behaviour or lose comments.
    Unsafe,
    /// Keeps behaviour.
    Safe,
}

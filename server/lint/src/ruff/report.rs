//! Ruff's diagnostics → findings.

use std::borrow::Cow;

use ruff_db::diagnostic::{Diagnostic, DiagnosticTag};
use ruff_text_size::Ranged;
use syntax::TextEdit;

use super::rating;
use crate::{Applicability, Finding, Fix, Severity, Tag};

/// `None` for syntax errors, and for what is about no place in the text.
pub(crate) fn finding(diagnostic: &Diagnostic) -> Option<Finding> {
    let code = diagnostic.secondary_code()?.as_str();
    let message = diagnostic.concise_message().to_str().into_owned();
    let (severity, confidence) = match rating(code, &message) {
        Some((severity, confidence)) => (severity, Some(confidence)),
        None => (severity(code), None),
    };
    Some(Finding {
        range: diagnostic.range()?,
        code: Cow::Owned(code.to_owned()),
        name: Cow::Borrowed(diagnostic.name()),
        message,
        severity,
        confidence,
        tag: tag(diagnostic, code),
        fix: fix(diagnostic),
        url: diagnostic.documentation_url().map(|url| Cow::Owned(url.to_owned())),
    })
}

/// Undefined names and what stops the file from being read fail when they are reached; the rest may be meant.
pub(crate) fn severity(code: &str) -> Severity {
    match code {
        "F821" | "F822" | "F823" => Severity::Error,
        _ if code.starts_with("E9") => Severity::Error,
        _ => Severity::Warning,
    }
}

/// Rules about code that does nothing, to which ruff itself gives no tag or not always.
pub(crate) fn is_about_unnecessary_code(code: &str) -> bool {
    let is_unused_argument =
        code.strip_prefix("ARG").is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()));
    is_unused_argument || matches!(code, "F401" | "F811" | "F841" | "ERA001" | "RUF059" | "RUF100" | "B007")
}

fn tag(diagnostic: &Diagnostic, code: &str) -> Option<Tag> {
    let tagged = diagnostic.primary_tags().and_then(|tags| tags.first()).map(|tag| match tag {
        DiagnosticTag::Unnecessary => Tag::Unnecessary,
        DiagnosticTag::Deprecated => Tag::Deprecated,
    });
    tagged.or_else(|| is_about_unnecessary_code(code).then_some(Tag::Unnecessary))
}

fn fix(diagnostic: &Diagnostic) -> Option<Fix> {
    let fix = diagnostic.fix()?;
    let title = diagnostic.first_help_text().unwrap_or_else(|| diagnostic.name()).to_owned();
    let edits = fix.edits().iter().map(|edit| TextEdit::replace(edit.range(), edit.content().unwrap_or_default()));
    Some(Fix { title, applicability: applicability(fix.applicability()), edits: edits.collect() })
}

fn applicability(of: ruff_diagnostics::Applicability) -> Applicability {
    match of {
        ruff_diagnostics::Applicability::DisplayOnly => Applicability::Display,
        ruff_diagnostics::Applicability::Unsafe => Applicability::Unsafe,
        ruff_diagnostics::Applicability::Safe => Applicability::Safe,
    }
}

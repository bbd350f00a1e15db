//! Ruff's diagnostics → findings.

use std::borrow::Cow;

use ruff_db::diagnostic::{Diagnostic, DiagnosticTag};
use ruff_text_size::Ranged;
use syntax::TextEdit;

use super::rating;
use crate::{Applicability, Finding, Fix, Severity, Tag};

/// The code of syntax errors that only a linter finds: what parses, but is an error to the compiler, or to the Python that
/// the project is for.
pub const INVALID_SYNTAX: &str = "invalid-syntax";

/// `None` for what is about no place in the text.
pub(crate) fn finding(diagnostic: &Diagnostic) -> Option<Finding> {
    let code = match diagnostic.secondary_code() {
        Some(code) => code.as_str(),
        None if diagnostic.is_invalid_syntax() => INVALID_SYNTAX,
        None => return None,
    };
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

/// Undefined names fail when they are reached, and what stops the file from being read before; the rest may be meant.
pub(crate) fn severity(code: &str) -> Severity {
    match code {
        "F821" | "F822" | "F823" | INVALID_SYNTAX => Severity::Error,
        _ if code.starts_with("E9") => Severity::Error,
        _ => Severity::Warning,
    }
}

/// How to show what the rule `code` marks, where ruff itself does not say.
pub(crate) fn usual_tag(code: &str) -> Option<Tag> {
    let is_digit = |c: char| c.is_ascii_digit();
    let is_unused_argument = code.strip_prefix("ARG").is_some_and(|number| number.starts_with(is_digit));
    match code {
        "F401" | "F811" | "F841" | "ERA001" | "RUF059" | "RUF100" | "B007" => Some(Tag::Unnecessary),
        "UP005" | "UP019" | "UP021" | "UP023" | "UP026" | "UP035" | "NPY001" | "NPY003" | "PYI057" => {
            Some(Tag::Deprecated)
        }
        _ => is_unused_argument.then_some(Tag::Unnecessary),
    }
}

fn tag(diagnostic: &Diagnostic, code: &str) -> Option<Tag> {
    let tagged = diagnostic.primary_tags().and_then(|tags| tags.first()).map(|tag| match tag {
        DiagnosticTag::Unnecessary => Tag::Unnecessary,
        DiagnosticTag::Deprecated => Tag::Deprecated,
    });
    tagged.or_else(|| usual_tag(code))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_code_is_faded() {
        for (code, tag) in [
            ("F401", Some(Tag::Unnecessary)),
            ("ARG001", Some(Tag::Unnecessary)),
            ("UP035", Some(Tag::Deprecated)),
            ("F821", None),
            ("S101", None),
        ] {
            assert_eq!(usual_tag(code), tag, "{code}");
        }
    }

    #[test]
    fn what_fails_when_it_is_reached_is_an_error() {
        for (code, expected) in [
            ("F821", Severity::Error),
            ("F822", Severity::Error),
            ("F823", Severity::Error),
            ("E902", Severity::Error),
            ("E711", Severity::Warning),
            ("F401", Severity::Warning),
            ("invalid-syntax", Severity::Error),
        ] {
            assert_eq!(severity(code), expected, "{code}");
        }
    }
}

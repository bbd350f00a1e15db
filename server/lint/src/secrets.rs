//! Secrets written into a Python text: tokens that are known by their form, passwords and keys that are known by the name
//! they are given to, credentials in URLs.
//!
//! A finding that is wrong teaches people to overlook the next one, so what is not sure is left out: placeholders, templates,
//! digests, paths, words. Tests and documentation are full of invented passwords; there only tokens of a form that nothing
//! else has are reported. No message repeats a value.

mod literals;

use std::borrow::Cow;
use std::path::{Component, Path};

use credential::names::Kind;
use credential::{formats, names, values};
use syntax::ast::token::TokenKind;
use syntax::{Parsed, Ranged, TextRange, TextSize};

use crate::consent::retain_unconsented;
use crate::stack::on_deep_stack;
use crate::{Confidence, Document, Finding, Linter, Severity};
use literals::{Literal, literals};

/// The code of every finding here.
pub const CODE: &str = "secret";

/// What a secret is, and how sure that is.
struct Verdict {
    /// Kebab case: `github-token`.
    name: &'static str,
    /// With its article: `a GitHub token`.
    title: Cow<'static, str>,
    confidence: Confidence,
    /// Characters of the secret itself, which may be a part of a literal.
    length: usize,
}

/// [`secrets`] as a linter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Secrets;

impl Linter for Secrets {
    fn lint(&self, document: &Document<'_>) -> Vec<Finding> {
        secrets(document.path, document.text, document.parsed)
    }
}

/// The secrets in `text`, in its order. The range of a finding is the content of a literal, without its quotes, or the part
/// of a comment that is the secret. `path` only tells tests and documentation from other code.
pub fn secrets(path: &Path, text: &str, parsed: &Parsed) -> Vec<Finding> {
    let mut found = unconsented(path, text, parsed);
    retain_unconsented(text, parsed, &["s105", "s106", "s107", CODE], &mut found);
    found
}

/// The same whatever comments say.
pub(crate) fn unconsented(path: &Path, text: &str, parsed: &Parsed) -> Vec<Finding> {
    // Without a thread there are no findings.
    on_deep_stack(|| find(text, parsed, is_test_or_documentation(path))).unwrap_or_default()
}

/// The first token of a known form in a text that is no Python.
pub fn secret_in_prose(text: &str) -> Option<Finding> {
    let (verdict, within) = known_form(text, true)?;
    Some(finding(TextRange::at(TextSize::new(within.start as u32), TextSize::new(within.len() as u32)), &verdict))
}

fn find(text: &str, parsed: &Parsed, is_lenient: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    for literal in literals(parsed) {
        if let Some(verdict) = judge(&literal, is_lenient) {
            found.push(finding(literal.content, &verdict));
        }
    }
    for token in parsed.tokens().iter().filter(|token| token.kind() == TokenKind::Comment) {
        if let Some((verdict, within)) = known_form(&text[token.range()], is_lenient) {
            let start = token.start() + TextSize::new(within.start as u32);
            found.push(finding(TextRange::at(start, TextSize::new(within.len() as u32)), &verdict));
        }
    }
    found.sort_by_key(|finding| finding.range.start());
    found
}

fn finding(range: TextRange, verdict: &Verdict) -> Finding {
    let Verdict { name, title, confidence, length } = verdict;
    let plural = if *length == 1 { "" } else { "s" };
    Finding {
        range,
        code: Cow::Borrowed(CODE),
        name: Cow::Borrowed(name),
        message: format!(
            "This looks like {title} ({length} character{plural}). Whoever reads the source can use it; keep it outside."
        ),
        severity: if *confidence == Confidence::High { Severity::Error } else { Severity::Warning },
        confidence: Some(*confidence),
        tag: None,
        fix: None,
        url: None,
    }
}

fn judge(literal: &Literal, is_lenient: bool) -> Option<Verdict> {
    if let Some((verdict, _)) = known_form(&literal.value, is_lenient) {
        return Some(verdict);
    }
    if is_lenient || literal.is_docstring {
        return None;
    }
    let value: &str = &literal.value;
    if let Some(password) = credential::url_password(value) {
        let title = Cow::Borrowed("a URL with a password");
        return Some(Verdict {
            name: "url-password",
            title,
            confidence: Confidence::Medium,
            length: password.chars().count(),
        });
    }
    if let Some(password) = credential::connection_password(value) {
        let title = Cow::Borrowed("a connection string with a password");
        return Some(Verdict {
            name: "connection-password",
            title,
            confidence: Confidence::Medium,
            length: password.chars().count(),
        });
    }
    if let Some(credentials) = credential::header_credentials(value) {
        let title = Cow::Borrowed("the credentials of an HTTP header");
        return Some(Verdict {
            name: "credentials",
            title,
            confidence: Confidence::Medium,
            length: credentials.chars().count(),
        });
    }
    let given = literal.name.as_deref()?;
    let (name, title, confidence) = match names::kind(given)? {
        Kind::Password => ("password", "a password", values::password(value, given, literal.beside_user)?),
        Kind::Key => ("secret-key", "a secret key or token", values::key(value, given)?),
        Kind::Hint => ("high-entropy", "a key drawn at random", values::random(value, given)?),
    };
    Some(Verdict { name, title: Cow::Borrowed(title), confidence, length: value.chars().count() })
}

/// A token of a known form, and where in `value` it is.
fn known_form(value: &str, is_lenient: bool) -> Option<(Verdict, std::ops::Range<usize>)> {
    let (format, within) = formats::find(value, |format, secret| {
        !values::is_dummy(secret)
            && (!is_lenient
                || format.confidence == Confidence::High && values::entropy(secret) >= values::ENTROPY_IN_TESTS)
    })?;
    let length = value[within.clone()].chars().count();
    let verdict =
        Verdict { name: format.kind, title: Cow::Borrowed(format.title), confidence: format.confidence, length };
    Some((verdict, within))
}

/// By the name of the file and those of the folders next to it: a workspace may lie in a folder called `test` itself.
pub(crate) fn is_test_or_documentation(path: &Path) -> bool {
    const FOLDERS: &[&str] = &["tests", "test", "testing", "testdata", "fixtures", "docs", "doc", "documentation"];
    const NEXT: usize = 4;
    let is_folder = |component: Component| match component {
        Component::Normal(name) => FOLDERS.iter().any(|folder| name.eq_ignore_ascii_case(folder)),
        _ => false,
    };
    let file = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    path.parent().is_some_and(|parent| parent.components().rev().take(NEXT).any(is_folder))
        || matches!(file, "conftest" | "tests")
        || file.starts_with("test_")
        || file.ends_with("_test")
        || file.ends_with("_tests")
}

#[cfg(test)]
mod tests;

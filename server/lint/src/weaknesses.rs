//! Weaknesses of programs for the web that ruff's rules do not know: tokens that nobody verifies, XML that reads files, forms
//! that any site can send, templates that escape nothing.
//!
//! Each topic is one file: what it finds at a node of the tree. How it is mended is among the other fixes (`security`). Only what
//! is written out counts, a flag that is `False` or a decorator; tests and documentation may do as they like.

mod csrf;
pub(crate) mod jwt;
mod templates;
pub(crate) mod xml;

use std::borrow::Cow;

use ruff_python_ast::AnyNodeRef;
use ruff_python_ast::visitor::source_order::{SourceOrderVisitor, TraversalSignal, walk_body};
use syntax::TextRange;
use syntax::ast::{Expr, ExprCall};

use crate::consent::retain_unconsented;
use crate::secrets::is_test_or_documentation;
use crate::security::Imports;
use crate::stack::on_deep_stack;
use crate::{Confidence, Document, Finding, Linter, Severity};

/// What is found at one place.
struct Weakness {
    range: TextRange,
    code: &'static str,
    message: &'static str,
    severity: Severity,
    confidence: Confidence,
}

/// What a topic finds at a node.
type Topic = fn(AnyNodeRef<'_>, &Imports<'_>) -> Option<Weakness>;

/// With words one of which is in every text that has such a weakness: texts without it are not walked through.
const TOPICS: &[(&[&str], Topic)] = &[
    (&["jwt"], jwt::find),
    (&["lxml"], xml::find),
    (&["csrf", "CSRF"], csrf::find),
    (&["autoescape"], templates::find),
];

/// Every code that a topic gives.
const CODES: &[&str] = &[jwt::CODE, xml::CODE, csrf::CODE, templates::CODE];

/// The topics as a linter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weaknesses;

impl Linter for Weaknesses {
    fn lint(&self, document: &Document<'_>) -> Vec<Finding> {
        let is_of_text = |words: &[&str]| words.iter().any(|word| document.text.contains(word));
        let topics: Vec<Topic> =
            TOPICS.iter().filter(|(words, _)| is_of_text(words)).map(|(_, topic)| *topic).collect();
        if topics.is_empty() || is_test_or_documentation(document.path) {
            return Vec::new();
        }
        let look = || {
            let mut visitor = Collector { topics, imports: Imports::of(*document), found: Vec::new() };
            walk_body(&mut visitor, document.parsed.statements());
            visitor.found
        };
        // Without a thread there are no findings.
        let mut found = on_deep_stack(look).unwrap_or_default();
        retain_unconsented(document.text, document.parsed, CODES, &mut found);
        found
    }
}

struct Collector<'a> {
    topics: Vec<Topic>,
    imports: Imports<'a>,
    found: Vec<Finding>,
}

impl<'a> SourceOrderVisitor<'a> for Collector<'a> {
    fn enter_node(&mut self, node: AnyNodeRef<'a>) -> TraversalSignal {
        // A docstring may well speak of what it warns of.
        if matches!(node, AnyNodeRef::StmtExpr(statement) if statement.value.is_string_literal_expr()) {
            return TraversalSignal::Skip;
        }
        for topic in &self.topics {
            self.found.extend(topic(node, &self.imports).map(finding));
        }
        TraversalSignal::Traverse
    }
}

fn finding(weakness: Weakness) -> Finding {
    let Weakness { range, code, message, severity, confidence } = weakness;
    Finding {
        range,
        code: Cow::Borrowed(code),
        name: Cow::Borrowed(code),
        message: message.to_owned(),
        severity,
        confidence: Some(confidence),
        tag: None,
        fix: None,
        url: None,
    }
}

/// A call at a node whose callee stands for one of the names that `is_meant` takes.
fn call_of<'a>(node: AnyNodeRef<'a>, imports: &Imports<'_>, is_meant: impl Fn(&str) -> bool) -> Option<&'a ExprCall> {
    let AnyNodeRef::ExprCall(call) = node else { return None };
    imports.full_name(&call.func).is_some_and(|name| is_meant(&name)).then_some(call)
}

/// Whether an expression is the literal `True` or `False`.
fn is_flag(expr: &Expr, value: bool) -> bool {
    expr.as_boolean_literal_expr().is_some_and(|literal| literal.value == value)
}

/// Whether an expression is this text, written out.
fn is_text(expr: &Expr, text: &str) -> bool {
    expr.as_string_literal_expr().is_some_and(|literal| literal.value.to_str() == text)
}

#[cfg(test)]
mod testing {
    use std::path::Path;

    use super::*;

    /// Each finding as the text that it marks, its code and severity.
    pub(super) fn found_in(path: &str, text: &str) -> Vec<String> {
        let parsed = syntax::parse(text);
        assert!(!parsed.has_errors(), "{text}");
        let found = Weaknesses.lint(&Document { path: Path::new(path), text, parsed: &parsed });
        found.iter().map(|it| format!("{:?} {} {}", it.severity, it.code, &text[it.range])).collect()
    }

    #[track_caller]
    pub(super) fn check(text: &str, expected: &[&str]) {
        assert_eq!(found_in("shop/web.py", text), expected, "{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{check, found_in};

    #[test]
    fn comments_consent_and_tests_may() {
        let text = "import jwt\njwt.decode(t, verify=False)\n";
        check(text, &["Error unverified-jwt verify=False"]);
        for comment in ["# nosec", "# noqa", "# noqa: unverified-jwt", "# noqa: S1, unverified-jwt"] {
            check(&text.replace(")\n", &format!(")  {comment}\n")), &[]);
        }
        check(&text.replace(")\n", ")  # noqa: F401\n"), &["Error unverified-jwt verify=False"]);
        assert_eq!(found_in("tests/test_web.py", text), [""; 0]);
    }
}

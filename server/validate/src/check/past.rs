//! Mistakes of earlier answers: whether a candidate repeats one.

use std::collections::BTreeSet;

use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{Expr, Stmt};
use syntax::{Ranged, TextRange, parse};

use super::Comparison;
use crate::candidate::{Edited, display_path};
use crate::{Finding, Stage};

/// What was wrong with an earlier answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PastMistake {
    /// In words.
    pub text: String,
    /// The lines that were wrong; may be empty.
    pub snippet: String,
    /// The name whose use is this mistake, such as `os.system`.
    pub forbidden: Option<String>,
}

/// Uses of names that somebody does not want used.
pub(super) fn findings(comparison: &Comparison, past: &[PastMistake]) -> Vec<Finding> {
    let mut found = Vec::new();
    for edited in &comparison.files {
        if !past.iter().any(|mistake| mistake.forbidden.is_some()) {
            break;
        }
        let parsed = parse(&edited.after);
        let mut used = Used::default();
        used.visit_body(parsed.statements());
        for mistake in past {
            let Some(forbidden) = mistake.forbidden.as_deref() else { continue };
            let is_it = |name: &str| {
                name == forbidden || name.strip_suffix(forbidden).is_some_and(|before| before.ends_with('.'))
            };
            let mut uses = used.names.iter().filter(|(name, range)| is_it(name) && edited.wrote(*range));
            let Some((_, range)) = uses.next() else { continue };
            found.push(Finding {
                stage: Stage::Memory,
                code: "repeated-mistake".to_owned(),
                message: format!("`{forbidden}` is not wanted here: {}", mistake.text),
                path: display_path(&comparison.after, &edited.path),
                line: edited.after[..range.start().to_usize()].matches('\n').count() as u32 + 1,
            });
        }
    }
    found
}

/// How much of an earlier mistake is in what was written, from 0 to 1, of the most alike: the share of its runs of three
/// words. `None` when there is nothing to compare with.
pub(super) fn likeness(comparison: &Comparison, past: &[PastMistake]) -> Option<f64> {
    let written: String = comparison.files.iter().map(written).collect();
    let runs = runs(&written);
    let shares = past.iter().filter_map(|mistake| {
        let wrong = self::runs(&mistake.snippet);
        (!wrong.is_empty()).then(|| wrong.intersection(&runs).count() as f64 / wrong.len() as f64)
    });
    shares.max_by(f64::total_cmp)
}

fn written(edited: &Edited) -> String {
    edited
        .written()
        .map(|range| format!("{}\n", &edited.after[range.start().to_usize()..range.end().to_usize()]))
        .collect()
}

fn runs(text: &str) -> BTreeSet<[&str; 3]> {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
    words.windows(3).map(|run| [run[0], run[1], run[2]]).collect()
}

/// Dotted names that are used or imported.
#[derive(Default)]
struct Used {
    names: Vec<(String, TextRange)>,
}

impl<'a> Visitor<'a> for Used {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Import(import) => {
                self.names.extend(import.names.iter().map(|alias| (alias.name.to_string(), alias.range())));
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map_or(String::new(), |module| format!("{module}."));
                for alias in &import.names {
                    self.names.push((format!("{module}{}", alias.name), alias.range()));
                }
                self.names.push((module.trim_end_matches('.').to_owned(), import.range()));
            }
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Some(name) = dotted(expr) {
            self.names.push((name, expr.range()));
        }
        walk_expr(self, expr);
    }
}

fn dotted(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Name(name) => Some(name.id.to_string()),
        Expr::Attribute(attribute) => {
            let value = dotted(&attribute.value).unwrap_or_default();
            Some(format!("{value}.{}", attribute.attr))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use syntax::TextEdit;

    use super::super::tests::{candidate, load};
    use super::super::{Inspection, check};
    use super::*;

    fn checked(new: &str, past: &[PastMistake]) -> super::super::Checked {
        let (host, path, range) = load("#- /a.py\nimport os\n\ndef old(): os.system('x')\n\ndef f(a):\n    $1...$1\n");
        let inspection = Inspection { past, ..Inspection::default() };
        check(&host, candidate(&path, range, vec![TextEdit::replace(range, new)]), &inspection)
    }

    fn forbidden(name: &str) -> PastMistake {
        PastMistake { text: "no shells".to_owned(), snippet: String::new(), forbidden: Some(name.to_owned()) }
    }

    #[test]
    fn a_name_that_is_not_wanted_is_found_where_it_is_new() {
        let messages = |new: &str, name: &str| -> Vec<String> {
            let checked = checked(new, &[forbidden(name)]);
            checked.findings().iter().filter(|it| it.stage == Stage::Memory).map(ToString::to_string).collect()
        };
        assert_eq!(
            messages("os.system(a)", "os.system"),
            ["a.py:6: `os.system` is not wanted here: no shells [memory: repeated-mistake]"]
        );
        assert_eq!(messages("print(a)", "print").len(), 1);
        assert_eq!(messages("a.b.print(a)", "print").len(), 1, "a member of that name");
        assert_eq!(messages("import subprocess", "subprocess").len(), 1);
        assert_eq!(messages("from os import system", "os.system").len(), 1);
        assert!(messages("return a", "os.system").is_empty(), "what was there before is nobody's mistake now");
        assert!(messages("fingerprint(a)", "print").is_empty());
        assert!(messages("return 'print'", "print").is_empty());
    }

    #[test]
    fn likeness_is_the_share_of_the_mistake_that_comes_back() {
        let past = |snippet: &str| PastMistake { snippet: snippet.to_owned(), ..PastMistake::default() };
        let of = |new: &str, past: &[PastMistake]| checked(new, past).likeness();
        assert_eq!(of("return a", &[]), None);
        assert_eq!(of("return a", &[past("x")]), None, "too short to be told apart");
        assert_eq!(of("return total(a, b)", &[past("return total(a, b)")]), Some(1.0));
        assert_eq!(of("return total(a, b)", &[past("return total(a, c)"), past("raise it at once")]), Some(0.5));
    }
}

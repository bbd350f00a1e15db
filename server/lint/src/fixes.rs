//! Fixing a whole text.

use std::collections::{BTreeSet, HashSet};

use ruff_db::diagnostic::Diagnostic;
use ruff_diagnostics::{Edit, Fix, IsolationLevel};
use ruff_linter::registry::Rule;
use ruff_linter::settings::LinterSettings;
use ruff_linter::settings::flags::Noqa;
use ruff_linter::settings::rule_table::RuleTable;
use ruff_text_size::{Ranged, TextSize};
use syntax::TextEdit;

use crate::difference::difference;
use crate::{Applicability, Document, Ruff};

/// Where ruff gives up too: two rules undo each other's fixes.
const MAX_ROUNDS: usize = 100;

impl Ruff {
    /// The edits that apply all fixes which are at least as `applicable` as asked for, of all rules or `only_rule` (a code
    /// such as `F401`). A fix can make room for the next: this goes on until nothing is left to fix. In the order of the
    /// text, without overlaps; none when the text does not parse, or would no longer parse. Fixes that are only for
    /// display are never applied.
    pub fn fix_all(
        &self,
        document: &Document<'_>,
        applicable: Applicability,
        only_rule: Option<&str>,
    ) -> Vec<TextEdit> {
        let Some(settings) = self.settings(document) else { return Vec::new() };
        self.fixed(document, &settings.linter, applicable, only_rule)
    }

    /// The edits that sort the imports as the project's settings for isort want it, whether or not rule `I001` is on.
    pub fn organize_imports(&self, document: &Document<'_>) -> Vec<TextEdit> {
        let Some(settings) = self.settings(document) else { return Vec::new() };
        let only_imports =
            LinterSettings { rules: RuleTable::from_iter([Rule::UnsortedImports]), ..settings.linter.clone() };
        self.fixed(document, &only_imports, Applicability::Safe, None)
    }

    fn fixed(
        &self,
        document: &Document<'_>,
        settings: &LinterSettings,
        applicable: Applicability,
        only_rule: Option<&str>,
    ) -> Vec<TextEdit> {
        let required = match applicable {
            Applicability::Safe => ruff_diagnostics::Applicability::Safe,
            Applicability::Unsafe | Applicability::Display => ruff_diagnostics::Applicability::Unsafe,
        };
        let mut text = document.text.to_owned();
        for _ in 0..MAX_ROUNDS {
            let Some(checked) = self.check(document, &text, settings, Noqa::Enabled) else { return Vec::new() };
            if !checked.has_valid_syntax {
                return Vec::new();
            }
            let wanted = checked.diagnostics.iter().filter(|diagnostic| {
                only_rule.is_none_or(|rule| diagnostic.secondary_code().is_some_and(|code| code.as_str() == rule))
            });
            let fixes = wanted.filter_map(|diagnostic| Some((diagnostic, diagnostic.fix()?)));
            let fixes = fixes.filter(|(_, fix)| fix.applies(required)).collect();
            match apply(fixes, &text) {
                Some(fixed) => text = fixed,
                None => return difference(document.text, &text),
            }
        }
        difference(document.text, &text)
    }
}

/// The text after as many of `fixes` as go together; `None` when that is none. After ruff's own `apply_fixes` (MIT), which
/// is private.
fn apply(mut fixes: Vec<(&Diagnostic, &Fix)>, text: &str) -> Option<String> {
    fixes.sort_by(|one, other| order(one).cmp(&order(other)).then_with(|| tie(one.0.name(), other.0.name())));
    let mut out = String::with_capacity(text.len());
    let mut done: Option<TextSize> = None;
    let mut applied: BTreeSet<&Edit> = BTreeSet::new();
    let mut isolated = HashSet::new();
    for (_, fix) in fixes {
        let edits: Vec<&Edit> = fix.edits().iter().filter(|edit| !applied.contains(edit)).collect();
        let Some(first) = edits.first() else { continue };
        if let IsolationLevel::Group(group) = fix.isolation()
            && !isolated.insert(group)
        {
            continue;
        }
        if done.is_some_and(|done| done >= first.start()) {
            continue;
        }
        for edit in edits {
            out.push_str(&text[done.unwrap_or_default().to_usize()..edit.start().to_usize()]);
            out.push_str(edit.content().unwrap_or_default());
            done = Some(edit.end());
            applied.insert(edit);
        }
    }
    out.push_str(&text[done?.to_usize()..]);
    Some(out)
}

/// Redefinitions first: removing an import can fix one, and not the other way round. Then by place.
fn order(&(diagnostic, fix): &(&Diagnostic, &Fix)) -> (bool, Option<TextSize>) {
    (diagnostic.name() != Rule::RedefinedWhileUnused.name().as_str(), fix.min_start())
}

/// Two pairs of rules whose fixes overlap have an order.
fn tie(one: &str, other: &str) -> std::cmp::Ordering {
    let pairs = [
        (Rule::MissingTrailingPeriod, Rule::NewLineAfterLastParagraph),
        (Rule::IfElseBlockInsteadOfDictGet, Rule::IfElseBlockInsteadOfIfExp),
    ];
    for (first, second) in pairs {
        let (first, second) = (first.name().as_str(), second.name().as_str());
        if (one, other) == (first, second) {
            return std::cmp::Ordering::Less;
        }
        if (one, other) == (second, first) {
            return std::cmp::Ordering::Greater;
        }
    }
    std::cmp::Ordering::Equal
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use syntax::{apply_edits, parse};

    use super::*;

    fn with<T>(text: &str, settings: &str, look: impl FnOnce(&Ruff, &Document<'_>) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ruff.toml"), settings).unwrap();
        let path = folder.path().join("a.py");
        look(&Ruff::with_user_settings(None), &Document { path: Path::new(&path), text, parsed: &parse(text) })
    }

    fn check_all(text: &str, applicable: Applicability, only_rule: Option<&str>, expected: &str) {
        let select = "lint.select = [\"F\", \"E7\", \"UP\", \"I\", \"B905\"]\n";
        let edits = with(text, select, |ruff, document| ruff.fix_all(document, applicable, only_rule));
        assert_eq!(apply_edits(text, &edits).as_deref(), Ok(expected));
    }

    #[test]
    fn fixes_make_room_for_fixes() {
        let text = "from typing import List\nimport os\n\n\ndef f(x: List[int]):\n    y = x == None\n";
        check_all(text, Applicability::Safe, None, "\n\ndef f(x: list[int]):\n    y = x == None\n");
        check_all(text, Applicability::Unsafe, None, "\n\ndef f(x: list[int]):\n    pass\n");
        check_all(
            text,
            Applicability::Safe,
            Some("F401"),
            "from typing import List\n\n\ndef f(x: List[int]):\n    y = x == None\n",
        );
        check_all(text, Applicability::Safe, Some("E711"), text);
    }

    #[test]
    fn what_does_not_parse_is_left_alone() {
        let text = "import os\nx = (\n";
        check_all(text, Applicability::Unsafe, None, text);
        let text = "import os\nx = \"\"\"open\n\ndef f(): ...\n";
        check_all(text, Applicability::Unsafe, None, text);
    }

    #[test]
    fn only_what_changes_is_edited() {
        let text = "import os\r\nimport sys\r\n\r\nprint(sys)\r\n";
        let edits = with(text, "", |ruff, document| ruff.fix_all(document, Applicability::Safe, None));
        assert_eq!(edits, [TextEdit::replace(syntax::TextRange::new(0.into(), 11.into()), "")]);
    }

    #[test]
    fn imports_are_organized_without_the_rule() {
        let text = "import sys, os\nimport mine\nimport unused_but_kept\n\nprint(sys, os, mine)\n";
        let settings = "lint.select = [\"F\"]\nlint.isort.known-first-party = [\"mine\"]\n";
        let edits = with(text, settings, |ruff, document| ruff.organize_imports(document));
        let expected = "import os\nimport sys\n\nimport unused_but_kept\n\nimport mine\n\nprint(sys, os, mine)\n";
        assert_eq!(apply_edits(text, &edits).as_deref(), Ok(expected));
        let excluded = format!("{settings}exclude = [\"a.py\"]\n");
        let excluded = excluded.replace("lint.select", "lint.ignore").lines().rev().collect::<Vec<_>>().join("\n");
        assert_eq!(with(text, &excluded, |ruff, document| ruff.organize_imports(document)), []);
    }
}

//! The parts of a change that can be taken or left by themselves.

use std::collections::BTreeMap;

use graph::{Analysis, SymbolKind, is_test_file};
use serde::{Deserialize, Serialize};
use syntax::{FileEdit, TextEdit};

use crate::candidate::{Edited, display_path};
use crate::check::Comparison;
use crate::{Candidate, Finding};

/// What a change does to one function, or to the rest of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// `shop/cart.py: Cart.total`, or the path alone.
    pub name: String,
    /// Nothing was found in its lines, not even a warning.
    pub is_confident: bool,
    /// It lies in a file of tests: without it, what it tests has not been tested.
    #[serde(default)]
    pub is_test: bool,
}

impl Candidate {
    /// Leaves out the parts whose names are not in `keep`. What is outside functions stays as long as any part of its
    /// file does: it is mostly imports that the functions need.
    pub fn restrict(&mut self, before: &Analysis, keep: &[String]) {
        for file in &mut self.change.files {
            let whole = display_path(before, &file.path);
            let prefix = format!("{whole}: ");
            let any = keep.iter().any(|name| *name == whole || name.starts_with(&prefix));
            let names: Vec<String> = file.edits.iter().map(|edit| name(before, file, edit)).collect();
            let mut names = names.into_iter();
            file.edits.retain(|_| names.next().is_some_and(|name| keep.contains(&name) || any && name == whole));
        }
        self.change.files.retain(|file| !file.edits.is_empty());
    }
}

/// The parts of a change, in its order.
pub(crate) fn parts(comparison: &Comparison, findings: &[Finding], warnings: &[Finding]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for edited in &comparison.files {
        let file = FileEdit { path: edited.path.clone(), edits: edited.edits.clone() };
        let path = display_path(&comparison.before, &edited.path);
        let of_file = |finding: &&Finding| finding.path == path;
        let found: Vec<&Finding> = findings.iter().chain(warnings).filter(of_file).collect();
        let mut lines: BTreeMap<String, Vec<(u32, u32)>> = BTreeMap::new();
        let mut order = Vec::new();
        for (edit, written) in edited.edits.iter().zip(edited.written()) {
            let name = name(&comparison.before, &file, edit);
            if !order.contains(&name) {
                order.push(name.clone());
            }
            lines.entry(name).or_default().push((line(edited, written.start()), line(edited, written.end())));
        }
        // What is outside functions goes along with them.
        if order.len() > 1 {
            order.retain(|name| *name != path);
        }
        parts.extend(order.into_iter().map(|name| {
            let touches = |finding: &&Finding| {
                let lines = lines.get(&name).map(Vec::as_slice).unwrap_or_default();
                finding.line == 0 || lines.iter().any(|&(first, last)| (first..=last).contains(&finding.line))
            };
            Part { is_confident: !found.iter().any(touches), name, is_test: is_test_file(&edited.path) }
        }));
    }
    let is_blamed = |finding: &&Finding| {
        comparison.files.iter().all(|it| display_path(&comparison.before, &it.path) != finding.path)
    };
    if findings.iter().any(|finding| is_blamed(&finding)) {
        // Which part breaks a file that is not part of the change, nobody knows.
        parts.iter_mut().for_each(|part| part.is_confident = false);
    }
    parts
}

/// The part that an edit belongs to: the outermost function around it.
fn name(before: &Analysis, file: &FileEdit, edit: &TextEdit) -> String {
    let path = display_path(before, &file.path);
    let Some(id) = before.file(&file.path) else { return path };
    let end = edit.range.end();
    let mut found = None;
    let mut symbol = Some(before.enclosing(id, edit.range.start()));
    while let Some(here) = symbol {
        let it = before.symbol(here);
        if matches!(it.kind, SymbolKind::Function | SymbolKind::Method) && it.range.end() >= end {
            found = Some(here);
        }
        symbol = it.parent;
    }
    let Some(found) = found else { return path };
    let qualified = before.symbol(found).qualified_name();
    let module = before.module_name(id);
    let inside = qualified.strip_prefix(module).and_then(|rest| rest.strip_prefix('.')).unwrap_or(&qualified);
    format!("{path}: {inside}")
}

/// 1-based.
fn line(edited: &Edited, offset: syntax::TextSize) -> u32 {
    edited.after[..offset.to_usize()].matches('\n').count() as u32 + 1
}

#[cfg(test)]
mod tests {
    use graph::{AnalysisHost, Change};
    use syntax::{SourceChange, TextRange, TextSize};

    use super::*;
    use crate::{Behaviour, Inspection, Scope, check};

    const TEXT: &str = "def one():\n    return 1\n\ndef two():\n    return 2\n";

    /// Replaces `1` and `2`, and puts an import on top.
    fn checked(one: &str, two: &str, keep: Option<&[&str]>) -> crate::Evidence {
        let mut host = AnalysisHost::new(vec!["/".into()]);
        let mut change = Change::default();
        change.set("/a.py", TEXT);
        host.apply(change);
        let at = |needle: &str| {
            let start = TEXT.find(needle).expect("it is there") + "return ".len();
            TextRange::at(TextSize::new(start as u32), TextSize::new(1))
        };
        let edits = vec![
            TextEdit::insert(TextSize::new(0), "import os\n"),
            TextEdit::replace(at("return 1"), one),
            TextEdit::replace(at("return 2"), two),
        ];
        let whole = TextRange::new(TextSize::new(0), TextSize::of(TEXT));
        let mut candidate = Candidate {
            title: "Edit".to_owned(),
            change: SourceChange { files: vec![FileEdit { path: "/a.py".into(), edits }] },
            scope: Scope { places: vec![("/a.py".into(), whole)], folder: None, imports: true },
            fixes_code: None,
            behaviour: Behaviour::Any,
            tested: None,
            removed: Vec::new(),
        };
        if let Some(keep) = keep {
            candidate.restrict(&host.analysis(), &keep.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        }
        check(&host, candidate, &Inspection::default()).finish(None, None).evidence
    }

    fn draw(evidence: &crate::Evidence) -> Vec<(&str, bool)> {
        evidence.parts.iter().map(|part| (part.name.as_str(), part.is_confident)).collect()
    }

    #[test]
    fn a_part_is_a_function_and_findings_are_blamed_on_one() {
        assert_eq!(draw(&checked("os.name", "3", None)), [("a.py: one", true), ("a.py: two", true)]);
        assert_eq!(draw(&checked("os.name", "unknown", None)), [("a.py: one", true), ("a.py: two", false)]);
    }

    #[test]
    fn what_is_left_out_is_not_part_of_the_change() {
        let evidence = checked("os.name", "unknown", Some(&["a.py: one"]));
        assert_eq!(draw(&evidence), [("a.py: one", true)]);
        assert!(evidence.findings.is_empty() && evidence.diff.contains("+import os"), "{}", evidence.diff);
        assert!(!evidence.diff.contains("unknown"), "{}", evidence.diff);
        assert_eq!(draw(&checked("1", "2", Some(&["b.py"]))), []);
    }
}

//! Import cycles that an edit closes.

use std::collections::VecDeque;
use std::collections::btree_map::{BTreeMap, Entry};

use graph::{Analysis, FileId, ImportKind};
use syntax::TextRange;

use super::Comparison;
use crate::{Finding, Stage};

pub(super) fn findings(comparison: &Comparison) -> Vec<Finding> {
    let mut found = Vec::new();
    for edited in &comparison.files {
        let Some(file) = comparison.after.file(&edited.path) else { continue };
        let old = comparison.before.file(&edited.path).map(|file| imports_at_start(&comparison.before, file));
        for (to, range) in imports_at_start(&comparison.after, file) {
            if old.as_ref().is_some_and(|old| old.contains_key(&to)) {
                continue;
            }
            if let Some(path) = path(&comparison.after, to, file) {
                let names: Vec<&str> = path.iter().map(|&file| comparison.after.module_name(file)).collect();
                let chain = format!("{} → {}", comparison.after.module_name(file), names.join(" → "));
                let message = format!("this import closes a cycle: {chain}");
                found.push(comparison.finding(Stage::Graph, "import-cycle", message, file, range));
            }
        }
    }
    found
}

/// The modules that `file` imports when it is imported itself, with the first place. Its own packages are not counted:
/// they are being imported already.
fn imports_at_start(analysis: &Analysis, file: FileId) -> BTreeMap<FileId, TextRange> {
    let own = analysis.module_name(file);
    let mut found = BTreeMap::new();
    for import in analysis.imports(file) {
        let ImportKind::Module(to) = import.kind else { continue };
        let is_own = to == file || own.strip_prefix(analysis.module_name(to)).is_some_and(|rest| rest.starts_with('.'));
        if !is_own && !import.is_type_checking && !is_in_function(analysis, file, import.range) {
            found.entry(to).or_insert(import.range);
        }
    }
    found
}

fn is_in_function(analysis: &Analysis, file: FileId, range: TextRange) -> bool {
    let innermost = analysis.enclosing(file, range.start());
    let mut around = std::iter::successors(Some(innermost), |&symbol| analysis.symbol(symbol).parent);
    around.any(|symbol| analysis.symbol(symbol).kind.is_function())
}

/// A shortest chain of imports from one module to another, both included.
fn path(analysis: &Analysis, from: FileId, to: FileId) -> Option<Vec<FileId>> {
    let mut reached_from = BTreeMap::from([(from, from)]);
    let mut queue = VecDeque::from([from]);
    while let Some(at) = queue.pop_front() {
        if at == to {
            let mut path = vec![at];
            let mut step = at;
            while reached_from[&step] != step {
                step = reached_from[&step];
                path.push(step);
            }
            path.reverse();
            return Some(path);
        }
        for next in imports_at_start(analysis, at).into_keys() {
            if let Entry::Vacant(entry) = reached_from.entry(next) {
                entry.insert(at);
                queue.push_back(next);
            }
        }
    }
    None
}

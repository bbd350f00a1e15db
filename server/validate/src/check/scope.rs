//! The edits stay inside what was asked for.

use std::collections::BTreeSet;

use graph::{Analysis, FileId, SymbolKind};
use syntax::ast::Stmt;
use syntax::{TextEdit, TextRange, parse};

use super::Comparison;
use crate::candidate::{Edited, display_path};
use crate::{Finding, Scope, Stage};

pub(super) fn findings(comparison: &Comparison, scope: &Scope) -> Vec<Finding> {
    let mut found = Vec::new();
    for edited in &comparison.files {
        let path = display_path(&comparison.after, &edited.path);
        let mut add = |code: &str, message: String, line| {
            let (code, path) = (code.to_owned(), path.clone());
            found.push(Finding { stage: Stage::Scope, code, message, path, line });
        };
        let is_new = comparison.before.file(&edited.path).is_none();
        if is_new && scope.creates(&edited.path) {
            continue;
        }
        if scope.ranges_in(&edited.path).next().is_none() {
            add("other-file", "this file was not to be edited".to_owned(), 0);
            continue;
        }
        for (edit, written) in edited.edits.iter().zip(edited.written()) {
            let allowed = scope.ranges_in(&edited.path).any(|range| range.contains_range(edit.range))
                || scope.imports && is_import(edit, edited, written);
            if !allowed {
                let line = edited.after[..written.start().to_usize()].matches('\n').count() as u32 + 1;
                add("outside-edit", "this place was not to be edited".to_owned(), line);
            }
        }
        for (code, message) in stray_definitions(comparison, scope, edited) {
            add(code, message, 0);
        }
    }
    found
}

/// Definitions that came or went outside the functions, or whatever it was, that were to be edited. An edit may well
/// begin inside its range and, indented less, go on outside.
fn stray_definitions(comparison: &Comparison, scope: &Scope, edited: &Edited) -> Vec<(&'static str, String)> {
    let (before, after) = (&comparison.before, &comparison.after);
    let (Some(old_file), Some(file)) = (before.file(&edited.path), after.file(&edited.path)) else { return Vec::new() };
    let remaining = after.symbols(file);
    let (mut inside_old, mut inside_new) = (Vec::new(), Vec::new());
    for range in scope.ranges_in(&edited.path) {
        let target = before.enclosing(old_file, range.start());
        if matches!(before.symbol(target).kind, SymbolKind::Module | SymbolKind::Class) {
            // Not all of a module or class was to be edited, but this place in it.
            inside_old.push(range);
            let edits = edited.edits.iter().zip(edited.written());
            inside_new.extend(edits.filter(|(edit, _)| range.contains_range(edit.range)).map(|(_, written)| written));
        } else if remaining.contains(&target) {
            inside_old.push(before.symbol(target).range);
            inside_new.push(after.symbol(target).range);
        }
    }
    let (old, all_old) = (definitions(before, old_file, &inside_old), definitions(before, old_file, &[]));
    let (new, all_new) = (definitions(after, file, &inside_new), definitions(after, file, &[]));
    let lost = old.difference(&all_new).map(|name| ("lost-definition", format!("`{name}` is gone")));
    let added =
        new.difference(&all_old).map(|name| ("new-definition", format!("`{name}` is new, and was not asked for")));
    lost.chain(added).collect()
}

/// Whether an edit only adds import statements, on lines of their own.
fn is_import(edit: &TextEdit, edited: &Edited, written: TextRange) -> bool {
    let on_own_lines = {
        let before = &edited.after[..written.start().to_usize()];
        let after = &edited.after[written.end().to_usize()..];
        let is_end = |c: char| matches!(c, '\n' | '\r');
        let opens = before.is_empty() || before.ends_with(['\n', '\r', '\u{feff}']) || edit.text.starts_with(is_end);
        let closes = after.is_empty() || after.starts_with(is_end) || edit.text.ends_with(is_end);
        opens && closes
    };
    let parsed = parse(&edit.text);
    // What a star brings in is not seen here, and may hide what the file has.
    let only_imports = parsed.statements().iter().all(|stmt| match stmt {
        Stmt::ImportFrom(import) => import.names.iter().all(|alias| alias.name.as_str() != "*"),
        _ => stmt.is_import_stmt(),
    });
    edit.range.is_empty() && on_own_lines && !parsed.has_errors() && only_imports
}

/// The names of the classes, functions and variables that do not lie in one of the ranges.
fn definitions(analysis: &Analysis, file: FileId, without: &[TextRange]) -> BTreeSet<String> {
    let symbols = analysis.symbols(file).into_iter().map(|symbol| analysis.symbol(symbol));
    let named = symbols.filter(|symbol| !matches!(symbol.kind, SymbolKind::Module | SymbolKind::Lambda));
    let outside = named.filter(|symbol| !without.iter().any(|range| range.contains_range(symbol.range)));
    outside.map(|symbol| symbol.local_name()).collect()
}

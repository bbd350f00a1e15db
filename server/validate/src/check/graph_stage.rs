//! What the candidate breaks in the dependency graph, in its own files and in those that depend on them.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::Path;

use graph::{Analysis, FileId, Import, ImportKind, SymbolId, SymbolKind};
use similar::TextDiff;
use syntax::TextRange;

use super::{Comparison, cycles, stdlib};
use crate::{Finding, Stage};

/// Names of members that a message lists at most.
const MEMBERS_LISTED: usize = 8;

/// Something wrong at a place of one snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Problem {
    range: TextRange,
    code: &'static str,
    message: String,
}

pub(super) fn findings(comparison: &Comparison) -> Vec<Finding> {
    let (before, after) = (&comparison.before, &comparison.after);
    let known_before = external_packages(before);
    let mut found = Vec::new();
    for file in affected(comparison) {
        let path = after.path(file);
        let new = problems(after, file, &known_before);
        if new.is_empty() {
            continue;
        }
        let old = before.file(path).map(|file| problems(before, file, &known_before)).unwrap_or_default();
        let old = moved(comparison, path, old);
        let is_new = |problem: &Problem| !old.iter().any(|old| (old.range, old.code) == (problem.range, problem.code));
        found.extend(
            new.into_iter()
                .filter(is_new)
                .map(|problem| comparison.finding(Stage::Graph, problem.code, problem.message, file, problem.range)),
        );
    }
    found.extend(cycles::findings(comparison));
    found
}

/// The problems of an old text, where they are in the new one; those that an edit touched are the candidate's.
fn moved(comparison: &Comparison, path: &Path, old: Vec<Problem>) -> Vec<Problem> {
    let Some(edited) = comparison.edited(path) else { return old };
    let moved = old.into_iter().filter_map(|problem| Some(Problem { range: edited.shift(problem.range)?, ..problem }));
    moved.collect()
}

/// The edited files and all that import them, directly or through others: nothing else can have been broken.
fn affected(comparison: &Comparison) -> BTreeSet<FileId> {
    let after = &comparison.after;
    let edited = comparison.files.iter().filter_map(|edited| after.file(&edited.path));
    let mut affected: BTreeSet<FileId> = edited.collect();
    let mut queue: Vec<FileId> = affected.iter().copied().collect();
    while let Some(file) = queue.pop() {
        // What was imported before and is not any longer is just as affected.
        let mut importers = after.importers(file);
        let then = comparison.before.file(after.path(file)).map(|file| comparison.before.importers(file));
        importers.extend(then.unwrap_or_default());
        queue.extend(importers.into_iter().filter(|importer| affected.insert(*importer)));
    }
    affected
}

fn problems(analysis: &Analysis, file: FileId, known: &BTreeSet<String>) -> Vec<Problem> {
    if !analysis.syntax_errors(file).is_empty() {
        // Names are not judged where the text does not parse.
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut add = |range, code, message| found.push(Problem { range, code, message });
    for (range, name) in analysis.undefined_names(file) {
        add(range, "undefined-name", format!("`{name}` is not defined"));
    }
    for missing in analysis.missing_members(file) {
        add(missing.range, "missing-member", missing_member(analysis, missing.receiver, &missing.name));
    }
    for misfit in analysis.misfit_calls(file) {
        let callee = analysis.symbol(misfit.callee);
        let signature = format!("`{}` is `{}`", callee.qualified_name(), callee.signature());
        add(misfit.range, "misfit-call", format!("{}; {signature}", misfit.message));
    }
    for import in analysis.imports(file).iter().filter(|import| !import.is_optional) {
        match &import.kind {
            ImportKind::Unresolved { .. } => {
                add(import.range, "unresolved-import", format!("`{}` finds nothing", import.text));
            }
            ImportKind::External if !stdlib::contains(package(import)) && !known.contains(package(import)) => {
                let message = format!(
                    "`{}`: `{}` is not in the standard library and not used anywhere else in this workspace",
                    import.text,
                    package(import)
                );
                add(import.range, "unknown-module", message);
            }
            _ => {}
        }
    }
    found
}

/// The first part of the module that an import names.
fn package(import: &Import) -> &str {
    let module = import.text.split_whitespace().nth(1).unwrap_or_default();
    module.split('.').next().unwrap_or(module)
}

fn missing_member(analysis: &Analysis, receiver: SymbolId, name: &str) -> String {
    let owner = analysis.symbol(receiver);
    let members = match owner.kind {
        SymbolKind::Class => analysis.members(receiver),
        _ => analysis.children(receiver),
    };
    let mut members: Vec<&str> = members.into_iter().map(|member| analysis.symbol(member).name).collect();
    members.retain(|member| !member.starts_with("__") && !member.starts_with('<'));
    members.sort_unstable();
    members.dedup();
    let owner = owner.name;
    if members.is_empty() {
        return format!("`{owner}` has no member `{name}`");
    }
    // The likeliest ones first: the name that was meant is often among them.
    members.sort_by_cached_key(|member| Reverse((TextDiff::from_chars(*member, name).ratio() * 1000.0) as u32));
    let more = members.len().saturating_sub(MEMBERS_LISTED);
    let listed: Vec<String> = members.iter().take(MEMBERS_LISTED).map(|member| format!("`{member}`")).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("`{owner}` has no member `{name}`; it has {}{more}", listed.join(", "))
}

/// The packages from outside that the workspace imports anywhere: they are installed, or meant to be.
fn external_packages(analysis: &Analysis) -> BTreeSet<String> {
    let imports = analysis.files().flat_map(|file| analysis.imports(file));
    let external = imports.filter(|import| import.kind == ImportKind::External);
    external.map(|import| package(&import).to_owned()).collect()
}

/// What this stage has to leave open.
pub(super) fn unchecked(comparison: &Comparison) -> Vec<String> {
    let after = &comparison.after;
    let mut open = Vec::new();
    let mut unknown_calls = 0;
    let mut possible = 0;
    for symbol in comparison.edited_functions() {
        let file = comparison.edited(after.path(symbol.file));
        let calls = after.unresolved_calls(symbol);
        unknown_calls += calls.iter().filter(|(range, _)| file.is_some_and(|file| file.wrote(*range))).count();
        let callers = after.callers(symbol);
        possible += callers.iter().filter(|call| call.confidence == graph::Confidence::Possible).count();
    }
    if unknown_calls > 0 {
        open.push(format!("{} in the new code whose target is not known", count(unknown_calls, "call")));
    }
    if possible > 0 {
        open.push(format!("{} that may or may not call what was edited", count(possible, "function")));
    }
    let unreadable = affected(comparison).into_iter().filter(|&file| !after.syntax_errors(file).is_empty()).count();
    if unreadable > 0 {
        open.push(format!("{} that may depend on the edit and could not be parsed", count(unreadable, "file")));
    }
    open
}

pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

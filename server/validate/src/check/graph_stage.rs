//! What the candidate breaks in the dependency graph, in its own files and in those that depend on them.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};
use std::mem::discriminant;
use std::path::Path;

use graph::{Analysis, Confidence, FileId, Import, ImportKind, SymbolId, SymbolKind};
use ide::Project;
use similar::TextDiff;
use syntax::TextRange;

use super::{Comparison, cycles};
use crate::{Finding, Stage};

/// Names of members that a message lists at most.
const MEMBERS_LISTED: usize = 8;

/// Something that does not resolve. Definitions have the same identity before and after an edit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Problem {
    UndefinedName(String),
    /// The class or module, and the name.
    MissingMember(SymbolId, String),
    /// The callee, and why the call does not fit it.
    IncompatibleCall(SymbolId, String),
    /// The statement.
    UnresolvedImport(String),
    /// The statement and the package.
    UnknownPackage(String, String),
    /// The code and a sentence.
    Library(&'static str, String),
}

pub(super) fn findings(comparison: &Comparison, project: &Project) -> Vec<Finding> {
    let after = &comparison.after;
    let mut packages = external_packages(&comparison.before);
    let imported =
        comparison.files.iter().filter_map(|edited| after.file(&edited.path)).flat_map(|it| after.imports(it));
    let imported = imported.map(|import| package(&import).to_owned());
    packages.extend(imported.filter(|package| ide::is_available(project, package)));
    let mut found = Vec::new();
    for file in affected(comparison) {
        let new = problems(after, file, &packages);
        if !new.is_empty() {
            let old = old_problems(comparison, after.path(file), &packages);
            let was_there = |at: TextRange, problem: &Problem| {
                old.iter().any(|(range, old)| *range == at && discriminant(old) == discriminant(problem))
            };
            let new = new.into_iter().filter(|(range, problem)| !was_there(*range, problem));
            found.extend(new.map(|(range, problem)| (file, range, problem)));
        }
    }
    if !found.is_empty() {
        let habits = habits(comparison, &packages);
        found.retain(|(_, _, problem)| !habits.contains(problem));
    }
    found.extend(of_libraries(comparison, project));
    let mut findings = cycles::findings(comparison);
    findings.extend(found.into_iter().map(|(file, range, problem)| {
        comparison.finding(Stage::Graph, problem.code(), problem.message(after), file, range)
    }));
    findings
}

/// What the edited files ask of libraries that they do not offer, and did not ask before.
fn of_libraries(comparison: &Comparison, project: &Project) -> Vec<(FileId, TextRange, Problem)> {
    let (before, after) = (&comparison.before, &comparison.after);
    let mut found = Vec::new();
    for edited in &comparison.files {
        let Some(file) = after.file(&edited.path) else { continue };
        let new = ide::library_mistakes(after, project, file);
        if new.is_empty() {
            continue;
        }
        let old = before.file(&edited.path).map(|file| ide::library_mistakes(before, project, file));
        let old: HashSet<String> = old.into_iter().flatten().map(|old| old.message).collect();
        let new = new.into_iter().filter(|new| !old.contains(&new.message));
        found.extend(new.map(|new| (file, new.range, Problem::Library(new.code.as_str(), new.message))));
    }
    found
}

/// What this workspace does at places that nobody edited. It is there and it works, so it is the graph that does not
/// understand it: members that come into being at run time, say. A candidate may do the same.
fn habits(comparison: &Comparison, packages: &BTreeSet<String>) -> HashSet<Problem> {
    let before = &comparison.before;
    let paths = before.files().map(|file| before.path(file));
    let problems = paths.flat_map(|path| old_problems(comparison, path, packages)).map(|(_, problem)| problem);
    problems.filter(|problem| matches!(problem, Problem::MissingMember(..) | Problem::IncompatibleCall(..))).collect()
}

/// The problems of the text before the edit, where they are in the text after it. Those that an edit touched are left out:
/// what is there now is the candidate's.
fn old_problems(comparison: &Comparison, path: &Path, packages: &BTreeSet<String>) -> Vec<(TextRange, Problem)> {
    let Some(file) = comparison.before.file(path) else { return Vec::new() };
    let problems = problems(&comparison.before, file, packages);
    match comparison.edited(path) {
        None => problems,
        Some(edited) => {
            problems.into_iter().filter_map(|(range, problem)| Some((edited.shift(range)?, problem))).collect()
        }
    }
}

/// The edited files and all that import them, directly or through others: nothing else can have been broken.
fn affected(comparison: &Comparison) -> BTreeSet<FileId> {
    let after = &comparison.after;
    let edited = comparison.files.iter().filter_map(|edited| after.file(&edited.path));
    let mut affected: BTreeSet<FileId> = edited.collect();
    let of_removed = comparison.removed.iter().filter_map(|path| comparison.before.file(path));
    let then = of_removed.flat_map(|file| comparison.before.importers(file));
    affected.extend(then.filter_map(|importer| after.file(comparison.before.path(importer))));
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

/// What is wrong in a file. `packages` are those from outside that may be imported.
fn problems(analysis: &Analysis, file: FileId, packages: &BTreeSet<String>) -> Vec<(TextRange, Problem)> {
    if !analysis.syntax_errors(file).is_empty() {
        // Names are not judged where the text does not parse.
        return Vec::new();
    }
    let mut found = Vec::new();
    for import in analysis.imports(file).into_iter().filter(|import| !import.is_optional) {
        let package = package(&import).to_owned();
        match import.kind {
            ImportKind::Unresolved { .. } => found.push((import.range, Problem::UnresolvedImport(import.text))),
            ImportKind::External if !graph::is_standard(&package) && !packages.contains(&package) => {
                found.push((import.range, Problem::UnknownPackage(import.text, package)));
            }
            _ => {}
        }
    }
    let names = analysis.undefined_names(file).into_iter();
    found.extend(names.map(|(range, name)| (range, Problem::UndefinedName(name))));
    let members = analysis.missing_members(file).into_iter();
    found.extend(members.map(|it| (it.range, Problem::MissingMember(it.receiver, it.name))));
    let calls = analysis.incompatible_calls(file).into_iter();
    found.extend(calls.map(|it| (it.range, Problem::IncompatibleCall(it.callee, it.message))));
    found
}

impl Problem {
    fn code(&self) -> &'static str {
        match self {
            Problem::UndefinedName(_) => "undefined-name",
            Problem::MissingMember(..) => "missing-member",
            Problem::IncompatibleCall(..) => "incompatible-call",
            Problem::UnresolvedImport(_) => "unresolved-import",
            Problem::UnknownPackage(..) => "unknown-module",
            Problem::Library(code, _) => code,
        }
    }

    fn message(&self, analysis: &Analysis) -> String {
        match self {
            Problem::UndefinedName(name) => format!("`{name}` is not defined"),
            Problem::MissingMember(owner, name) => missing_member(analysis, *owner, name),
            Problem::IncompatibleCall(callee, why) => {
                let callee = analysis.symbol(*callee);
                format!("{why}; `{}` is `{}`", callee.qualified_name(), callee.signature())
            }
            Problem::UnresolvedImport(text) => format!("`{text}` finds nothing"),
            Problem::UnknownPackage(text, package) => format!(
                "`{text}`: `{package}` is not in the standard library, not installed or declared for this project, and not used \
                 anywhere else in it"
            ),
            Problem::Library(_, message) => message.clone(),
        }
    }
}

fn missing_member(analysis: &Analysis, owner: SymbolId, name: &str) -> String {
    let view = analysis.symbol(owner);
    let members = match view.kind {
        SymbolKind::Class => analysis.members(owner),
        _ => analysis.children(owner),
    };
    let mut members: Vec<&str> = members.into_iter().map(|member| analysis.symbol(member).name).collect();
    members.retain(|member| !member.starts_with(['_', '<']));
    members.sort_unstable();
    members.dedup();
    let owner = view.name;
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
pub(super) fn external_packages(analysis: &Analysis) -> BTreeSet<String> {
    let imports = analysis.files().flat_map(|file| analysis.imports(file));
    let external = imports.filter(|import| import.kind == ImportKind::External);
    external.map(|import| package(&import).to_owned()).collect()
}

/// The first part of the module that an import names.
pub(super) fn package(import: &Import) -> &str {
    let module = import.text.split_whitespace().nth(1).unwrap_or_default();
    module.split('.').next().unwrap_or(module)
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
        possible += callers.iter().filter(|call| call.confidence == Confidence::Possible).count();
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

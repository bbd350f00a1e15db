//! What to run where no test is known to reach what has changed: that nobody sees a way does not say that there is none.

use std::path::Path;

use graph::{Analysis, FileId, SymbolId, SymbolKind};
use rustc_hash::FxHashSet;

use super::{Affected, AffectedTest, Loaded, Step, TestRecord};
use crate::collection::{is_test_function, may_hold_tests};
use crate::impact::{Effort, reaching};

/// So many definitions are looked at one by one; where more have changed, the rest counts as reached by none.
const MAX_LOOKED_AT: usize = 64;

/// What the names of a module that nothing else depends on say of it.
const METADATA: [&str; 8] =
    ["__all__", "__author__", "__copyright__", "__credits__", "__email__", "__license__", "__slots__", "__version__"];

/// Those of `changed` that are on no way from one of `tests`.
pub(super) fn unreached(
    analysis: &Analysis,
    tests: &[AffectedTest],
    changed: Vec<SymbolId>,
    effort: Effort,
) -> Vec<SymbolId> {
    let mut on_ways: FxHashSet<SymbolId> = FxHashSet::default();
    for test in tests {
        for &id in &test.via {
            // Whoever reaches what is inside reaches what is around it.
            let outwards = std::iter::successors(Some(id), |&id| analysis.symbol(id).parent);
            for id in outwards {
                if !on_ways.insert(id) {
                    break;
                }
            }
        }
    }
    let is_class = |id: SymbolId| analysis.symbol(id).kind == SymbolKind::Class;
    let mut looked_at = 0;
    let mut is_reached = |id: SymbolId| {
        let symbol = analysis.symbol(id);
        // An attribute belongs to its class: who makes one has it.
        let class = symbol.parent.filter(|_| matches!(symbol.kind, SymbolKind::Attribute | SymbolKind::Variable));
        let is_on_way = on_ways.contains(&id) || class.is_some_and(|class| on_ways.contains(&class) && is_class(class));
        if is_on_way || is_test_function(analysis, &symbol) || METADATA.contains(&symbol.name) {
            return true;
        }
        // Its own way may be longer than that of something else that has changed.
        looked_at += 1;
        if looked_at > MAX_LOOKED_AT {
            return false;
        }
        let reach = reaching(analysis, &[id], effort);
        reach.reached().any(|user| on_ways.contains(&user) && analysis.symbol(user).kind != SymbolKind::Module)
    };
    changed.into_iter().filter(|&id| !is_reached(id)).collect()
}

/// Adds tests for what none is known to reach: those that load its module; where there is none, those that load a module of its
/// package; where there is none either, those that speak of the file or its folders, as of data. All tests only where there would
/// be none. They come last.
pub fn widen(analysis: &Analysis, affected: &mut Affected, record: impl Fn(SymbolId) -> TestRecord) {
    let mut seen: FxHashSet<SymbolId> = affected.tests.iter().map(|it| it.test).collect();
    let mut found: Vec<AffectedTest> = Vec::new();
    let mut files: Vec<FileId> = affected.unreached.iter().map(|id| id.file).collect();
    files.sort_unstable();
    files.dedup();
    let mut add = |step: Step, modules: &[FileId]| {
        let mut is_any = false;
        for via in Loaded::by(analysis, modules).tests(analysis) {
            is_any = true;
            let test = via[0];
            if seen.insert(test) {
                found.push(AffectedTest { test, via, step, record: record(test) });
            }
        }
        is_any
    };
    for &file in &files {
        if !add(Step::Module, &[file]) && !add(Step::Package, &siblings(analysis, file)) {
            add(Step::Data, &speaking_of(analysis, analysis.path(file)));
        }
    }
    if !files.is_empty() && affected.tests.is_empty() && found.is_empty() {
        let everything: Vec<FileId> = analysis.files().collect();
        let loaded = Loaded::by(analysis, &everything);
        found.extend(loaded.tests(analysis).map(|via| AffectedTest {
            test: via[0],
            record: record(via[0]),
            via,
            step: Step::All,
        }));
    }
    let place = |it: &AffectedTest| (analysis.path(it.test.file).to_path_buf(), analysis.symbol(it.test).range.start());
    found.sort_by_cached_key(|it| (it.step, it.via.len(), place(it)));
    affected.tests.extend(found);
}

/// Names of folders that say nothing.
const GENERIC: [&str; 5] = ["lib", "python", "src", "test", "tests"];

/// Shorter names stand for too much.
const MIN_NAME: usize = 3;

/// The test files, and those that prepare tests, in which the name of a file or of a folder around it stands in quotes.
fn speaking_of(analysis: &Analysis, path: &Path) -> Vec<FileId> {
    let inside = analysis.root_of(path).and_then(|root| path.strip_prefix(root).ok()).unwrap_or(path);
    let folders = path.ancestors().skip(1).take(inside.iter().count().saturating_sub(1));
    // Everybody speaks of packages.
    let folders = folders.filter(|folder| analysis.file(&folder.join("__init__.py")).is_none());
    let folders = folders.filter_map(Path::file_name);
    let names = [inside.file_name(), inside.file_stem()].into_iter().flatten().chain(folders);
    let names: Vec<&str> = names
        .filter_map(|name| name.to_str())
        .filter(|name| name.len() >= MIN_NAME && !GENERIC.contains(name))
        .collect();
    let is_boundary = |c: Option<char>| c.is_some_and(|c| matches!(c, '"' | '\'' | '/'));
    let speaks = |text: &str| {
        names.iter().any(|name| {
            let mut places = text.match_indices(name);
            places.any(|(at, _)| {
                is_boundary(text[..at].chars().next_back()) && is_boundary(text[at + name.len()..].chars().next())
            })
        })
    };
    let prepares = |file: FileId| {
        let path = analysis.path(file);
        may_hold_tests(analysis, file) || path.ends_with("conftest.py")
    };
    analysis.files().filter(|&file| prepares(file) && speaks(analysis.source(file).text())).collect()
}

/// The modules of the folder that a module is in, and below it.
fn siblings(analysis: &Analysis, file: FileId) -> Vec<FileId> {
    let Some(folder) = analysis.path(file).parent() else { return vec![file] };
    analysis.files().filter(|&other| analysis.path(other).starts_with(folder)).collect()
}

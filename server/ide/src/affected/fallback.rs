//! What to run where no test is known to reach what has changed: that nobody sees a way does not say that there is none.

use graph::{Analysis, FileId, SymbolId, SymbolKind};
use rustc_hash::FxHashSet;

use super::{Affected, AffectedTest, Loaded, Step, TestRecord};
use crate::collection::is_test_function;
use crate::impact::reaching;

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
    limit: usize,
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
        let reach = reaching(analysis, &[id], limit);
        reach.reached().any(|user| on_ways.contains(&user) && analysis.symbol(user).kind != SymbolKind::Module)
    };
    changed.into_iter().filter(|&id| !is_reached(id)).collect()
}

/// Adds tests for what none is known to reach: those that load its module; where there is none, those that load a module of its
/// package; where there is none either, all. They come last.
pub fn widen(analysis: &Analysis, affected: &mut Affected, record: impl Fn(SymbolId) -> TestRecord) {
    let mut seen: FxHashSet<SymbolId> = affected.tests.iter().map(|it| it.test).collect();
    let mut found: Vec<AffectedTest> = Vec::new();
    let mut files: Vec<FileId> = affected.unreached.iter().map(|id| id.file).collect();
    files.sort_unstable();
    files.dedup();
    for file in files {
        let package: Vec<FileId> = siblings(analysis, file);
        let steps = [(Step::Module, vec![file]), (Step::Package, package), (Step::All, analysis.files().collect())];
        for (step, modules) in steps {
            let mut is_any = false;
            for via in Loaded::by(analysis, &modules).tests(analysis) {
                is_any = true;
                let test = via[0];
                if seen.insert(test) {
                    found.push(AffectedTest { test, via, step, record: record(test) });
                }
            }
            if is_any {
                break;
            }
        }
    }
    let place = |it: &AffectedTest| (analysis.path(it.test.file).to_path_buf(), analysis.symbol(it.test).range.start());
    found.sort_by_cached_key(|it| (it.step, it.via.len(), place(it)));
    affected.tests.extend(found);
}

/// The modules of the folder that a module is in, and below it.
fn siblings(analysis: &Analysis, file: FileId) -> Vec<FileId> {
    let Some(folder) = analysis.path(file).parent() else { return vec![file] };
    analysis.files().filter(|&other| analysis.path(other).starts_with(folder)).collect()
}

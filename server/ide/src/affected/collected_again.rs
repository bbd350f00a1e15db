//! Tests that pytest collects once more: by classes that inherit them, and by files that import the class or function of a test.

use graph::{Analysis, ImportKind, SymbolId, SymbolKind};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{AffectedTest, TestRecord, collected_subclasses};
use crate::collection::may_hold_tests;

/// Adds them to what was `found`, each behind the test that it runs again.
pub(super) fn add(
    analysis: &Analysis,
    found: &mut Vec<(usize, AffectedTest)>,
    seen: &mut FxHashSet<SymbolId>,
    record: &impl Fn(SymbolId) -> TestRecord,
) {
    let mut again: FxHashMap<SymbolId, Vec<SymbolId>> = FxHashMap::default();
    for index in 0..found.len() {
        let test = analysis.symbol(found[index].1.test);
        let holder = match (test.kind, test.parent) {
            (SymbolKind::Method, Some(class)) => class,
            (SymbolKind::Class | SymbolKind::Function, _) => test.id,
            _ => continue,
        };
        let places = again.entry(holder).or_insert_with(|| places(analysis, holder));
        for &place in places.iter().filter(|&&place| seen.insert(place)) {
            let (distance, it) = &found[index];
            let via = std::iter::once(place).chain(it.via.iter().copied()).collect();
            let again = AffectedTest { test: place, via, step: it.step, record: record(place) };
            found.push((distance + 1, again));
        }
    }
}

/// Where pytest collects the tests of a class, or a function, besides where they are written.
fn places(analysis: &Analysis, holder: SymbolId) -> Vec<SymbolId> {
    let is_class = analysis.symbol(holder).kind == SymbolKind::Class;
    let mut places = if is_class { collected_subclasses(analysis, holder) } else { Vec::new() };
    let holders: Vec<SymbolId> = std::iter::once(holder).chain(places.iter().copied()).collect();
    for holder in holders {
        let suffix = format!(" import {}", analysis.symbol(holder).name);
        for file in analysis.importers(holder.file) {
            let mut imports = analysis.imports(file).into_iter();
            let takes_it = |import: &graph::Import| {
                import.kind == ImportKind::Module(holder.file)
                    && (import.text.ends_with(&suffix) || import.text.ends_with(" import *"))
            };
            if may_hold_tests(analysis, file) && imports.any(|import| takes_it(&import)) {
                places.push(analysis.module(file));
            }
        }
    }
    places
}

//! Uses of what says of itself that it is to be used no longer.

use rustc_hash::FxHashMap;
use syntax::TextRange;

use super::super::Analysis;
use crate::{Confidence, FileId, SymbolId};

impl Analysis {
    /// Calls in a file, and classes there that derive from one, of definitions in other files that are `@deprecated`, where there is
    /// no doubt; in source order. The file that defines something may go on using it.
    pub fn deprecated_uses(&self, file: FileId) -> Vec<(TextRange, SymbolId)> {
        let Some(facts) = self.facts(file) else { return Vec::new() };
        // Few files have any: most calls need no second look.
        let mut has_any: FxHashMap<FileId, bool> = FxHashMap::default();
        let mut is_deprecated = |target: SymbolId| {
            let has_any = *has_any.entry(target.file).or_insert_with(|| {
                let facts = self.facts(target.file);
                facts.is_some_and(|facts| facts.summary.symbols.iter().any(|symbol| symbol.flags.is_deprecated))
            });
            has_any && target.file != file && self.symbol(target).flags.is_deprecated
        };
        let mut found = Vec::new();
        self.calls_from(file, |_, site, target, _| {
            if site.confidence == Confidence::Exact && is_deprecated(target) {
                found.push((site.range, target));
            }
        });
        for &(class, base) in &self.snapshot.links[file.index()].bases {
            if is_deprecated(base) {
                found.push((facts.summary.symbol(class).name_range, base));
            }
        }
        found.sort_by_key(|(range, _)| range.start());
        found.dedup_by_key(|(range, _)| *range);
        found
    }
}

//! What functions and files use, read once from the whole graph.

use graph::{FileId, SymbolId, SymbolKind};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use syntax::TextRange;

use crate::index::{File, Function, Index, Link, Profile};
use crate::words::{Word, identifiers};

impl Index {
    pub(crate) fn read_imports(&self, number: usize, id: FileId) -> File {
        let mut imports = Vec::new();
        for import in self.analysis.imports(id) {
            let mut link = Link { units: Vec::new(), modules: Vec::new() };
            if let graph::ImportKind::Module(module) = import.kind {
                link.modules.extend(self.file_of(module).filter(|&module| module != number));
            }
            for symbol in self.resolved_names[&id].targets(import.range.start()) {
                link.units.extend(self.unit_of(symbol));
                // A package may only pass a name on: where it comes from is as near.
                link.modules.extend(self.file_of(symbol.file).filter(|&module| module != number));
            }
            imports.push(link);
        }
        File { id, imports, users: FxHashMap::default(), mentions: self.mentions_in(id), functions: 0 }
    }

    fn mentions_in(&self, id: FileId) -> FxHashMap<Word, u32> {
        let mut mentions = FxHashMap::default();
        for (_, name) in identifiers(self.analysis.source(id).text()) {
            if let Some(word) = self.word(name).filter(|&word| !self.bearing(word).is_empty()) {
                *mentions.entry(word).or_default() += 1;
            }
        }
        mentions
    }

    pub(crate) fn add_functions(&mut self) {
        let profiles: Vec<Option<Profile>> =
            (0..self.units.len()).into_par_iter().map(|unit| self.profile_of(unit)).collect();
        for (unit, (mut uses, profile)) in self.find_uses().into_iter().zip(profiles).enumerate() {
            let Some(profile) = profile else { continue };
            uses.sort_unstable();
            uses.dedup();
            let file = &mut self.files[self.units[unit].file];
            file.functions += 1;
            for &used in &uses {
                *file.users.entry(used).or_default() += 1;
                self.units[used].users += 1;
            }
            self.functions.push(Function { unit, profile, uses, norm: 0.0 });
        }
        for &unit in self.files.iter().flat_map(|file| file.users.keys()) {
            self.units[unit].files_using += 1;
        }
        self.measure_functions();
    }

    /// `None` for what is no function with a body of its own.
    fn profile_of(&self, unit: usize) -> Option<Profile> {
        let symbols = &self.units[unit].symbols;
        let is_stub = |&symbol: &SymbolId| self.analysis.symbol(symbol).flags.is_stub;
        // The last definition of an overloaded function is the one with the body.
        let &last = symbols.last().filter(|_| self.is_function(unit) && !symbols.iter().all(is_stub))?;
        Some(self.profile(last))
    }

    /// What the body of each unit uses; what the top level of a file uses is noted there.
    fn find_uses(&mut self) -> Vec<Vec<usize>> {
        let bodies = self.bodies();
        let found: Vec<_> =
            bodies.into_par_iter().enumerate().map(|(number, bodies)| self.uses_in(number, &bodies)).collect();
        let mut uses: Vec<Vec<usize>> = vec![Vec::new(); self.units.len()];
        for (file, (inside, outside)) in self.files.iter_mut().zip(found) {
            inside.into_iter().for_each(|(user, used)| uses[user].push(used));
            file.users = outside.into_iter().map(|unit| (unit, 1)).collect();
        }
        uses
    }

    /// What the `bodies` of a file use, as pairs of user and used, and what its top level does.
    fn uses_in(&self, number: usize, bodies: &[(TextRange, usize)]) -> (Vec<(usize, usize)>, FxHashSet<usize>) {
        let (analysis, id) = (&self.analysis, self.files[number].id);
        let imports: Vec<TextRange> = analysis.imports(id).into_iter().map(|import| import.range).collect();
        let (mut inside, mut outside) = (Vec::new(), FxHashSet::default());
        for &(offset, symbol) in self.resolved_names[&id].all() {
            let Some(used) = self.unit_of(symbol) else { continue };
            let is_definition = symbol.file == id && analysis.symbol(symbol).name_range.start() == offset;
            if is_definition || imports.iter().any(|import| import.contains(offset)) {
                continue;
            }
            let body = bodies.partition_point(|(body, _)| body.end() <= offset);
            match bodies.get(body).filter(|(body, _)| body.contains(offset)) {
                Some(&(_, user)) if user != used => inside.push((user, used)),
                Some(_) => {}
                None => _ = outside.insert(used),
            }
        }
        (inside, outside)
    }

    /// For each file the bodies of its functions in source order. What nested functions and lambdas use, the function
    /// around them uses.
    fn bodies(&self) -> Vec<Vec<(TextRange, usize)>> {
        let mut bodies = vec![Vec::new(); self.files.len()];
        for (number, unit) in self.units.iter().enumerate().filter(|(number, _)| self.is_function(*number)) {
            let ranges = unit.symbols.iter().filter_map(|&symbol| self.analysis.symbol(symbol).body);
            bodies[unit.file].extend(ranges.map(|body| (body, number)));
        }
        bodies.iter_mut().for_each(|bodies| bodies.sort_by_key(|(body, _)| body.start()));
        bodies
    }

    fn is_function(&self, unit: usize) -> bool {
        matches!(self.units[unit].kind, SymbolKind::Function | SymbolKind::Method)
    }
}

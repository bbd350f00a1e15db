//! What the modules of symbols have to do with a target.

use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};

use super::Gathering;
use crate::features::Feature;
use crate::words::parts;

impl Gathering<'_> {
    /// What is known about a symbol's module and what else is in it.
    pub(super) fn modules(&mut self) {
        let Gathering { index, focus, .. } = *self;
        let is_imported = self.imported();
        let mut used: FxHashMap<usize, f32> = FxHashMap::default();
        for (&unit, &users) in &index.files[focus.file].users {
            if users as usize > usize::from(focus.hidden.uses(unit)) {
                *used.entry(index.units[unit].file).or_default() += 1.0;
            }
        }
        let mut similar = vec![0.0f32; index.files.len()];
        for (unit, row) in index.units.iter().zip(&self.rows) {
            similar[unit.file] = similar[unit.file].max(row.values[Feature::Similar as usize]);
        }
        let wanted = self.wanted();
        let share = |name: &str| {
            let words = parts(name);
            words.iter().filter(|word| wanted.contains(*word)).count() as f32 / words.len().max(1) as f32
        };
        let words: Vec<f32> =
            index.files.iter().map(|file| share(&module_name(index.analysis.path(file.id)))).collect();
        for (unit, row) in index.units.iter().zip(&mut self.rows) {
            let is_orphan = !is_imported[unit.file] && unit.file != focus.file;
            row.raise(Feature::OrphanModule, f32::from(is_orphan), None);
            let itself = f32::from(row.values[Feature::InFile as usize] > 0.0);
            let others = used.get(&unit.file).map_or(0.0, |used| used - itself);
            row.raise(Feature::ModuleInFile, (1.0 + others.max(0.0)).ln(), None);
            row.raise(Feature::ModuleSimilar, similar[unit.file], None);
            row.raise(Feature::ModuleWords, words[unit.file], None);
        }
    }

    /// For each file whether another imports it.
    fn imported(&self) -> Vec<bool> {
        let mut imported = vec![false; self.index.files.len()];
        for (number, file) in self.index.files.iter().enumerate() {
            let is_written = |link: &&crate::index::Link| number != self.focus.file || !self.focus.hidden.hides(link);
            let modules = file.imports.iter().filter(is_written).flat_map(|link| &link.modules);
            modules.for_each(|&module| imported[module] = true);
        }
        imported
    }

    /// The words of the target's name, class and docstring.
    fn wanted(&self) -> FxHashSet<String> {
        let Gathering { index, focus, .. } = *self;
        let view = index.analysis.symbol(focus.symbol);
        let class = focus.class.map_or("", |class| index.analysis.symbol(index.units[class].symbols[0]).name);
        parts(&format!("{} {class} {}", view.name, view.docstring.unwrap_or_default())).into_iter().collect()
    }
}

/// The last part of a module's name.
fn module_name(path: &Path) -> String {
    let stem = path.file_stem().filter(|stem| *stem != "__init__").or_else(|| path.parent()?.file_name());
    stem.map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

//! Gathers the evidence for one target.
//!
//! Nothing here reads the target's body except [`Feature::BodyUse`]: the body of a function to be written is not there.

use graph::{SymbolId, SymbolKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::features::{Feature, Row};
use crate::index::{Index, Profile};
use crate::words::identifiers;

/// How many similar functions are asked.
const NEIGHBOURS: usize = 25;
/// Parameters of the random walk: the chance to start again, and the number of steps.
const RESTART: f32 = 0.25;
const STEPS: usize = 8;
/// Added to the number of functions with a type, so that few of them prove little.
const DOUBT: f32 = 3.0;

/// What the context is for.
pub(crate) struct Focus {
    /// The module, class or function that holds the target; a lambda counts as part of what is around it.
    pub symbol: SymbolId,
    pub file: usize,
    unit: Option<usize>,
    /// Its class, or itself if it is one.
    class: Option<usize>,
    profile: Profile,
}

impl Focus {
    /// `None` when the target's file is not part of the index.
    pub(crate) fn new(index: &Index, target: SymbolId) -> Option<Self> {
        let file = index.file_of(target.file)?;
        let mut symbol = target;
        while index.analysis.symbol(symbol).kind == SymbolKind::Lambda
            && let Some(parent) = index.analysis.symbol(symbol).parent
        {
            symbol = parent;
        }
        let view = index.analysis.symbol(symbol);
        let class = if view.kind == SymbolKind::Class { Some(symbol) } else { view.parent };
        let class =
            class.and_then(|class| index.unit_of(class)).filter(|&unit| index.units[unit].kind == SymbolKind::Class);
        Some(Focus { symbol, file, unit: index.unit_of(symbol), class, profile: index.profile(symbol) })
    }
}

/// The evidence for every unit of the index.
pub(crate) fn gather(index: &Index, focus: &Focus) -> Vec<Row> {
    let mut gathering = Gathering { index, focus, rows: vec![Row::EMPTY; index.units.len()] };
    gathering.text();
    gathering.types();
    gathering.imports();
    gathering.neighbours();
    gathering.walk();
    gathering.kinds();
    gathering.rows
}

struct Gathering<'a> {
    index: &'a Index,
    focus: &'a Focus,
    rows: Vec<Row>,
}

impl Gathering<'_> {
    /// What the target's own text says: signature, decorators, docstring, and the body if it is there.
    fn text(&mut self) {
        let Gathering { index, focus, .. } = *self;
        let view = index.analysis.symbol(focus.symbol);
        if view.kind != SymbolKind::Module {
            for range in view.decorators.iter().copied().chain([view.header]) {
                for unit in index.names_in(focus.symbol.file, range) {
                    self.rows[unit].raise(Feature::Signature, 1.0, None);
                }
            }
            for (unit, share) in index.word_overlap(view.name) {
                self.rows[unit].raise(Feature::NameWords, share, None);
            }
        }
        if let Some(docstring) = view.docstring {
            for (unit, share) in index.word_overlap(docstring) {
                self.rows[unit].raise(Feature::DocWords, share, None);
            }
            for (_, name) in identifiers(docstring) {
                for &unit in index.named(name) {
                    self.rows[unit].raise(Feature::DocMention, 1.0, None);
                }
            }
        }
        for function in &index.functions {
            // What its methods use, a class uses.
            let is_target = Some(function.unit) == focus.unit;
            if is_target || focus.unit.is_some() && index.units[function.unit].owner == focus.unit {
                for &unit in &function.uses {
                    self.rows[unit].raise(Feature::BodyUse, 1.0, None);
                }
            }
        }
        if view.kind == SymbolKind::Module {
            for &unit in &index.files[focus.file].uses {
                self.rows[unit].raise(Feature::BodyUse, 1.0, None);
            }
        }
    }

    /// What the classes at hand offer: the target's own, those of its annotations, those of their attributes.
    fn types(&mut self) {
        let Gathering { index, focus, .. } = *self;
        if let Some(class) = focus.class {
            for base in index.lineage(class).into_iter().skip(1) {
                self.rows[base].raise(Feature::OwnBase, 1.0, None);
            }
            self.members(class, Feature::OwnMember, 1.0);
        }
        for overridden in index.analysis.overridden(focus.symbol) {
            if let Some(unit) = index.unit_of(overridden) {
                self.rows[unit].raise(Feature::Overridden, 1.0, None);
            }
        }
        let mut attribute_types: Vec<usize> = Vec::new();
        for &class in &focus.profile.types {
            if Some(class) != focus.class {
                self.members(class, Feature::TypeMember, 1.0);
            }
            for member in index.members(class) {
                if index.units[member].kind != SymbolKind::Class {
                    attribute_types.extend(index.value_types(member));
                }
            }
        }
        attribute_types.sort_unstable();
        attribute_types.dedup();
        for class in attribute_types {
            self.rows[class].raise(Feature::AttributeMember, 1.0, None);
            self.members(class, Feature::AttributeMember, 1.0);
        }
    }

    /// Notes the members of `class`; inherited ones count half.
    fn members(&mut self, class: usize, feature: Feature, value: f32) {
        for member in self.index.members(class) {
            let own = self.index.units[member].owner == Some(class);
            self.rows[member].raise(feature, if own { value } else { value / 2.0 }, Some(class));
        }
    }

    fn imports(&mut self) {
        let Gathering { index, focus, .. } = *self;
        let file = &index.files[focus.file];
        for &name in &file.names {
            self.rows[name].raise(Feature::Imported, 1.0, None);
            if !file.uses.contains(&name) {
                self.rows[name].raise(Feature::UnusedImport, 1.0, None);
            }
        }
        let nearness = self.module_nearness();
        for (unit, row) in index.units.iter().zip(&mut self.rows) {
            let near = nearness[unit.file];
            row.raise(Feature::ModuleNear, near, None);
            if near == 0.5 {
                row.raise(Feature::ModuleImported, 1.0, None);
            }
            if near == 1.0 {
                row.raise(Feature::Sibling, 1.0, None);
            }
        }
    }

    /// 1 for the target's file, 1/2 for what it imports, 1/3 for what those import, …; 0 out of reach.
    fn module_nearness(&self) -> Vec<f32> {
        let mut distance = vec![usize::MAX; self.index.files.len()];
        distance[self.focus.file] = 0;
        let mut reached = vec![self.focus.file];
        let mut next = 0;
        while let Some(&file) = reached.get(next) {
            for &module in &self.index.files[file].modules {
                if distance[module] == usize::MAX {
                    distance[module] = distance[file] + 1;
                    reached.push(module);
                }
            }
            next += 1;
        }
        let nearness = |distance: usize| if distance == usize::MAX { 0.0 } else { 1.0 / (1.0 + distance as f32) };
        distance.into_iter().map(nearness).collect()
    }

    /// What other functions use: those that resemble the target, have its name, or have a type in common.
    fn neighbours(&mut self) {
        let Gathering { index, focus, .. } = *self;
        let neighbours = index.neighbours(&focus.profile, focus.unit, NEIGHBOURS);
        let total: f32 = neighbours.iter().map(|(_, likeness)| likeness * likeness).sum();
        for (function, likeness) in neighbours {
            let function = &index.functions[function];
            for &used in &function.uses {
                self.rows[used].add(Feature::Similar, likeness * likeness / total, function.unit);
            }
        }

        let others = index.functions.iter().filter(|function| Some(function.unit) != focus.unit);
        let view = index.analysis.symbol(focus.symbol);
        let same_name: FxHashSet<usize> = index.named(view.name).iter().copied().collect();
        let same_name: Vec<_> = others.clone().filter(|function| same_name.contains(&function.unit)).collect();
        for function in &same_name {
            for &used in &function.uses {
                self.rows[used].add(Feature::SameName, 1.0 / (same_name.len() as f32 + 0.5), function.unit);
            }
        }

        let mut having = FxHashMap::<usize, f32>::default();
        let mut uses = FxHashMap::<(usize, usize), f32>::default();
        for function in others {
            for class in
                focus.profile.lineage.iter().filter(|class| function.profile.lineage.binary_search(class).is_ok())
            {
                *having.entry(*class).or_default() += 1.0;
                for &used in &function.uses {
                    *uses.entry((used, *class)).or_default() += 1.0;
                }
            }
        }
        // Sorted, because of two classes with the same rate the first is named as the reason.
        let mut rates: Vec<_> = uses.into_iter().collect();
        rates.sort_unstable_by_key(|&(pair, _)| pair);
        for ((used, class), count) in rates {
            self.rows[used].raise(Feature::WithType, count / (having[&class] + DOUBT), Some(class));
        }
        if let Some(target) = focus.unit {
            for caller in index.analysis.callers(index.units[target].symbols[0]) {
                if let Some(caller) = index.unit_of(caller.other) {
                    self.rows[caller].raise(Feature::Caller, 1.0, None);
                }
            }
        }
    }

    /// Personalised PageRank: a random walk over the graph that keeps coming back to the target, its file, its class and
    /// the types of its signature.
    fn walk(&mut self) {
        let Gathering { index, focus, .. } = *self;
        let mut start = vec![0.0f32; index.edges.len()];
        start[index.node_of_file(focus.file)] = 0.25;
        for &seed in focus.unit.iter().chain(&focus.profile.types) {
            start[seed] += 0.3;
        }
        let total: f32 = start.iter().sum();
        start.iter_mut().for_each(|mass| *mass /= total);
        let mut mass = start.clone();
        for _ in 0..STEPS {
            let mut next: Vec<f32> = start.iter().map(|mass| RESTART * mass).collect();
            for (edges, (&mass, &degree)) in index.edges.iter().zip(mass.iter().zip(&index.degrees)) {
                if mass > 0.0 {
                    for &(to, weight) in edges {
                        next[to as usize] += (1.0 - RESTART) * mass * weight / degree;
                    }
                }
            }
            mass = next;
        }
        for (row, mass) in self.rows.iter_mut().zip(mass) {
            // On a logarithmic scale, and zero where the walk hardly ever comes.
            row.raise(Feature::Connected, (1.0 + 1e6 * mass).ln(), None);
        }
    }

    /// What the symbols are, whatever the target.
    fn kinds(&mut self) {
        for (unit, row) in self.index.units.iter().zip(&mut self.rows) {
            let name = self.index.analysis.symbol(unit.symbols[0]).name;
            let special = name.starts_with("__") && name.ends_with("__");
            row.raise(Feature::SpecialMethod, f32::from(special), None);
            row.raise(Feature::Private, f32::from(name.starts_with('_') && !special), None);
            row.raise(Feature::Popular, (1.0 + unit.files_using as f32).ln(), None);
        }
    }
}

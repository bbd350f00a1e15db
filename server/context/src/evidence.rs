//! Gathers the evidence for one target.
//!
//! Nothing here reads the target's body except [`Feature::BodyUse`]: the body of a function to be written is not there.

mod modules;
mod walk;

use graph::{SymbolId, SymbolKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::features::{Feature, Row};
use crate::index::{Function, Index, Link, Profile};
use crate::words::identifiers;

/// How many similar functions are asked.
const NEIGHBOURS: usize = 25;
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
    /// What is pretended not to be written yet.
    hidden: Hidden,
}

/// How much of the target is taken for unwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unwritten {
    /// Its body.
    Body,
    /// Its body, and the imports that only its body needs.
    Imports,
}

/// What a target uses, to be disregarded.
#[derive(Default)]
pub(crate) struct Hidden {
    /// Sorted.
    uses: Vec<usize>,
    /// Those of `uses` whose import is disregarded too.
    imports: FxHashSet<usize>,
}

impl Hidden {
    fn new(index: &Index, file: usize, uses: &[usize], unwritten: Unwritten) -> Self {
        let file = &index.files[file];
        let only_here = |unit: &&usize| file.users.get(unit).is_none_or(|&users| users <= 1);
        match unwritten {
            Unwritten::Body => Hidden { uses: uses.to_vec(), imports: FxHashSet::default() },
            Unwritten::Imports => {
                Hidden { uses: uses.to_vec(), imports: uses.iter().filter(only_here).copied().collect() }
            }
        }
    }

    fn uses(&self, unit: usize) -> bool {
        self.uses.binary_search(&unit).is_ok()
    }

    /// Whether an import would not be there.
    fn hides(&self, link: &Link) -> bool {
        !link.units.is_empty() && link.units.iter().all(|unit| self.imports.contains(unit))
    }
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
        let hidden = Hidden::default();
        Some(Focus { symbol, file, unit: index.unit_of(symbol), class, profile: index.profile(symbol), hidden })
    }

    /// A function whose body is known, as if it were not.
    pub(crate) fn unwritten(index: &Index, function: &Function, unwritten: Unwritten) -> Option<Self> {
        let symbols = &index.units[function.unit].symbols;
        let mut focus = Focus::new(index, *symbols.last()?)?;
        focus.hidden = Hidden::new(index, focus.file, &function.uses, unwritten);
        Some(focus)
    }
}

/// The evidence for every unit of the index.
pub(crate) fn gather(index: &Index, focus: &Focus) -> Vec<Row> {
    let mut gathering = Gathering { index, focus, rows: vec![Row::EMPTY; index.units.len()] };
    gathering.text();
    gathering.types();
    gathering.imports();
    gathering.mentions();
    gathering.neighbours();
    gathering.file_mates();
    gathering.walk();
    gathering.kinds();
    gathering.owners();
    gathering.modules();
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
            let parameters: Vec<&str> = view.params.iter().map(|parameter| parameter.name.as_str()).collect();
            for (unit, share) in index.word_overlap(&parameters.join(" ")) {
                self.rows[unit].raise(Feature::ParameterWords, share, None);
            }
            for (unit, share) in index.doc_overlap(&format!("{} {}", view.name, view.docstring.unwrap_or_default())) {
                self.rows[unit].raise(Feature::Described, share, None);
            }
        }
        if let Some(class) = focus.class {
            for (unit, share) in index.word_overlap(index.analysis.symbol(index.units[class].symbols[0]).name) {
                self.rows[unit].raise(Feature::ClassWords, share, None);
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
        if !focus.hidden.uses.is_empty() {
            return;
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
            for &unit in index.files[focus.file].users.keys() {
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
            self.rows[class].raise(Feature::AttributeType, 1.0, None);
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
        let mut types: Vec<usize> = Vec::new();
        for link in file.imports.iter().filter(|link| !focus.hidden.hides(link)) {
            for &name in &link.units {
                self.rows[name].raise(Feature::Imported, 1.0, None);
                let users = file.users.get(&name).map_or(0, |&users| users as usize);
                if users <= usize::from(focus.hidden.uses(name)) {
                    self.rows[name].raise(Feature::UnusedImport, 1.0, None);
                }
                types.extend(index.value_types(name));
            }
        }
        for (number, unit) in index.units.iter().enumerate() {
            if unit.file == focus.file && unit.owner.is_none() && unit.kind == SymbolKind::Variable {
                types.extend(index.value_types(number));
            }
        }
        types.sort_unstable();
        types.dedup();
        for class in types {
            self.members(class, Feature::ImportMember, 1.0);
        }
        let is_named = |link: &&Link| link.units.is_empty() && !focus.hidden.hides(link);
        let whole: FxHashSet<usize> =
            file.imports.iter().filter(is_named).flat_map(|link| link.modules.iter().copied()).collect();
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
            if unit.owner.is_none() && whole.contains(&unit.file) {
                row.raise(Feature::ModuleTop, 1.0, None);
            }
        }
        if let Some(target) = focus.unit {
            for (number, row) in self.rows.iter_mut().enumerate() {
                if index.units[number].file == focus.file {
                    row.raise(Feature::Nearby, 1.0 / (1.0 + number.abs_diff(target) as f32 / 4.0), None);
                }
            }
        }
    }

    /// Names that the rest of the target's file has, whatever they refer to there.
    fn mentions(&mut self) {
        let Gathering { index, focus, .. } = *self;
        let view = index.analysis.symbol(focus.symbol);
        let mut own: FxHashMap<u32, u32> = FxHashMap::default();
        if view.kind != SymbolKind::Module {
            for (_, name) in identifiers(index.analysis.source(focus.symbol.file).slice(view.range)) {
                if let Some(word) = index.word(name) {
                    *own.entry(word).or_default() += 1;
                }
            }
        }
        for (&word, &count) in &index.files[focus.file].mentions {
            let mut count = count.saturating_sub(own.get(&word).copied().unwrap_or(0));
            let hidden = |link: &&Link| focus.hidden.hides(link);
            let is_hidden = |link: &Link| link.units.iter().any(|&unit| index.units[unit].name == word);
            count = count.saturating_sub(
                index.files[focus.file].imports.iter().filter(hidden).filter(|link| is_hidden(link)).count() as u32,
            );
            if count > 0 {
                for &unit in index.bearing(word) {
                    // Its definition is no mention.
                    let defined = index.units[unit].file == focus.file;
                    let value = (1.0 + count.saturating_sub(u32::from(defined)) as f32).ln();
                    self.rows[unit].raise(Feature::Mentioned, value, None);
                }
            }
        }
    }

    /// What other functions of the file and of the class use.
    fn file_mates(&mut self) {
        let Gathering { index, focus, .. } = *self;
        let file = &index.files[focus.file];
        let others = file.functions.saturating_sub(1).max(1) as f32;
        for (&used, &users) in &file.users {
            let users = (users as usize).saturating_sub(usize::from(focus.hidden.uses(used))) as f32;
            self.rows[used].raise(Feature::InFile, (1.0 + users).ln(), None);
            self.rows[used].raise(Feature::InFileRate, (users / others).min(1.0), None);
        }
        let Some(class) = focus.class else { return };
        let is_mate =
            |function: &&Function| index.units[function.unit].owner == Some(class) && Some(function.unit) != focus.unit;
        let mates: Vec<&Function> = index.functions.iter().filter(is_mate).collect();
        for function in &mates {
            for &used in &function.uses {
                self.rows[used].add(Feature::InClass, 1.0 / mates.len() as f32, class);
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
            for link in &self.index.files[file].imports {
                if file == self.focus.file && self.focus.hidden.hides(link) {
                    continue;
                }
                for &module in &link.modules {
                    if distance[module] == usize::MAX {
                        distance[module] = distance[file] + 1;
                        reached.push(module);
                    }
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
        for row in &mut self.rows {
            // One of many similar functions tells nearly as much as two.
            row.values[Feature::Similar as usize] = row.values[Feature::Similar as usize].sqrt();
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

    /// What the symbols are, whatever the target.
    fn kinds(&mut self) {
        let Gathering { index, focus, .. } = *self;
        let mut of_class: FxHashMap<usize, usize> = FxHashMap::default();
        for (number, unit) in index.units.iter().enumerate() {
            if let Some(class) = unit.owner {
                *of_class.entry(class).or_default() += unit.users - usize::from(focus.hidden.uses(number));
            }
        }
        let file = &index.files[focus.file];
        for (number, (unit, row)) in index.units.iter().zip(&mut self.rows).enumerate() {
            let special = unit.is_special;
            let hidden = usize::from(focus.hidden.uses(number));
            let is_only_use = hidden == 1 && file.users.get(&number).is_none_or(|&users| users <= 1);
            row.raise(Feature::SpecialMethod, f32::from(special), None);
            row.raise(Feature::Private, f32::from(unit.is_private), None);
            let files = unit.files_using.saturating_sub(usize::from(is_only_use));
            row.raise(Feature::Popular, (1.0 + files as f32).ln(), None);
            if let Some(uses) = unit.owner.and_then(|class| of_class.get(&class)) {
                row.raise(Feature::ClassPopular, (1.0 + *uses as f32).ln(), None);
                let users = (unit.users - hidden) as f32;
                row.raise(Feature::ClassShare, users / (1.0 + *uses as f32), unit.owner);
            }
            row.raise(Feature::Users, (1.0 + (unit.users - hidden) as f32).ln(), None);
            row.raise(Feature::Unused, f32::from(unit.users == hidden), None);
            let kind = match unit.kind {
                SymbolKind::Class => Feature::IsClass,
                SymbolKind::Function => Feature::IsFunction,
                SymbolKind::Attribute => Feature::IsAttribute,
                SymbolKind::Variable => Feature::IsVariable,
                _ => continue,
            };
            row.raise(kind, 1.0, None);
        }
    }

    /// What is known about a member's class and its other members.
    fn owners(&mut self) {
        let Gathering { index, .. } = *self;
        let value = |row: &Row, feature: Feature| row.values[feature as usize];
        let mut mates: FxHashMap<usize, (f32, f32)> = FxHashMap::default();
        for (unit, row) in index.units.iter().zip(&self.rows) {
            if let Some(class) = unit.owner {
                let (in_file, akin) = mates.entry(class).or_default();
                *in_file += value(row, Feature::InFile).exp() - 1.0;
                *akin = akin.max(value(row, Feature::Similar));
            }
        }
        for (number, unit) in index.units.iter().enumerate() {
            let Some(class) = unit.owner else { continue };
            let owner = &self.rows[class];
            let words = value(owner, Feature::NameWords).max(value(owner, Feature::DocWords));
            let (in_file, akin) = mates[&class];
            let evidence = [
                (Feature::OwnerInFile, value(owner, Feature::InFile)),
                (Feature::MatesInFile, (1.0 + in_file).ln()),
                (Feature::OwnerSimilar, value(owner, Feature::Similar)),
                (Feature::MatesSimilar, akin),
                (Feature::OwnerWords, words),
                (Feature::OwnerImported, value(owner, Feature::Imported)),
            ];
            for (feature, value) in evidence {
                self.rows[number].raise(feature, value, Some(class));
            }
        }
    }
}

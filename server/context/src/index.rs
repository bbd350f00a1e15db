//! What ranking needs to know about one snapshot: who uses what, who resembles whom.

use graph::{Analysis, FileId, SymbolId, SymbolKind, Target};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use syntax::{TextRange, TextSize};

use crate::fit::Models;
use crate::resolved_names::{ResolvedNames, from_bytes, read, to_bytes};
use crate::tokens::Counter;
use crate::words::{Word, Words, identifiers, parts};

/// The tables behind [`Index::context`], for one snapshot. Building them reads the whole graph once; asking is then a
/// matter of milliseconds, so a server keeps the index of its newest snapshot.
pub struct Index {
    pub(crate) analysis: Analysis,
    /// By path, so that nothing depends on the order in which files were found.
    pub(crate) files: Vec<File>,
    /// By file, then by place.
    pub(crate) units: Vec<Unit>,
    /// Functions and methods with a body of their own.
    pub(crate) functions: Vec<Function>,
    /// Use, membership, inheritance, annotation and import edges in both directions, with weights. The nodes are the
    /// units followed by the files.
    pub(crate) edges: Vec<Vec<(u32, f32)>>,
    /// The sum of each node's edge weights.
    pub(crate) degrees: Vec<f32>,
    pub(crate) models: Models,
    pub(crate) counter: Counter,
    pub(crate) resolved_names: ResolvedNames,
    words: Words,
    /// How much a shared word says: rare ones say more.
    word_weights: Vec<f32>,
    /// The same for the words of docstrings.
    doc_weights: Vec<f32>,
    /// By word the units that have it, in order; and those whose docstring has it.
    with_word: Vec<Vec<usize>>,
    with_doc_word: Vec<Vec<usize>>,
    traits: FxHashMap<Trait, Vec<u32>>,
    unit_of: FxHashMap<SymbolId, usize>,
    file_of: FxHashMap<FileId, usize>,
    by_name: FxHashMap<Word, Vec<usize>>,
}

/// What can be shown as one thing: all definitions of one qualified name in a file, such as overloads or the setter
/// beside its property. Definitions inside functions are no units: nobody else can use them.
pub(crate) struct Unit {
    /// In source order; never empty. Where a name is both defined and assigned, as a property is, the definitions.
    pub symbols: Vec<SymbolId>,
    pub file: usize,
    /// The class a member belongs to.
    pub owner: Option<usize>,
    pub kind: SymbolKind,
    pub name: Word,
    pub words: Vec<Word>,
    /// Those of its docstring's beginning.
    pub doc_words: Vec<Word>,
    /// Named as `__init__` is.
    pub is_special: bool,
    /// Named with an underscore before, but not so.
    pub is_private: bool,
    /// How many files use it.
    pub files_using: usize,
    /// How many functions use it.
    pub users: usize,
}

impl Unit {
    pub(crate) fn is_assigned(&self) -> bool {
        matches!(self.kind, SymbolKind::Variable | SymbolKind::Attribute)
    }
}

pub(crate) struct File {
    pub id: FileId,
    /// In source order.
    pub imports: Vec<Link>,
    /// Units it uses, with the number of its functions that do; its top level counts as one more. Import statements do
    /// not count.
    pub users: FxHashMap<usize, u32>,
    /// How often each name that is also a symbol's occurs.
    pub mentions: FxHashMap<Word, u32>,
    /// Of its functions, how many are in [`Index::functions`].
    pub functions: usize,
}

/// Where one imported name leads.
pub(crate) struct Link {
    pub units: Vec<usize>,
    /// Never the importing file itself.
    pub modules: Vec<usize>,
}

/// A function whose uses are known.
pub(crate) struct Function {
    pub unit: usize,
    pub profile: Profile,
    /// Units its body uses; sorted.
    pub uses: Vec<usize>,
    pub norm: f32,
}

/// What is known about a function before its body is written.
#[derive(Default)]
pub(crate) struct Profile {
    traits: Vec<Trait>,
    /// Its class and the classes in its annotations.
    pub types: Vec<usize>,
    /// `types` and all their bases; sorted.
    pub lineage: Vec<usize>,
}

/// Something two functions can have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Trait {
    File(usize),
    Name(Word),
    NameWord(Word),
    Parameter(Word),
    Type(usize),
    Class(usize),
    Base(usize),
    ClassWord(Word),
}

impl Trait {
    fn weight(self, functions: usize, having: usize) -> f32 {
        let rarity = (1.0 + functions as f32 / having.max(1) as f32).ln();
        // Words and parameters come in numbers; one of them says less than a shared type.
        if matches!(self, Trait::NameWord(_) | Trait::Parameter(_)) { 0.6 * rarity } else { rarity }
    }
}

/// The longest chain of base classes that is followed.
const MAX_LINEAGE: usize = 64;
/// How much of a docstring is looked at.
const DOC_BYTES: usize = 400;

impl Index {
    pub fn new(analysis: &Analysis) -> Self {
        Self::build(analysis, Counter::default(), read(analysis, None))
    }

    /// As [`Self::new`], where [`Self::resolved_names`] of the same texts are known from before. `None` where these are not.
    pub fn restored(analysis: &Analysis, resolved_names: &[u8]) -> Option<Self> {
        Some(Self::build(analysis, Counter::default(), from_bytes(analysis, resolved_names)?))
    }

    /// What every name refers to, for [`Self::restored`]; `None` while a text is broken.
    pub fn resolved_names(&self) -> Option<Vec<u8>> {
        to_bytes(&self.analysis, &self.resolved_names)
    }

    /// The index of `analysis`, which is another snapshot of the same workspace; equal to a new one, but what an edit did
    /// not concern is not looked at again.
    #[must_use]
    pub fn renewed(&self, analysis: &Analysis) -> Self {
        Self::build(analysis, self.counter.clone(), read(analysis, Some((&self.analysis, &self.resolved_names))))
    }

    fn build(analysis: &Analysis, counter: Counter, resolved_names: ResolvedNames) -> Self {
        let mut ids: Vec<FileId> = analysis.files().collect();
        ids.sort_by(|&a, &b| analysis.path(a).cmp(analysis.path(b)));
        let mut index = Index {
            analysis: analysis.clone(),
            file_of: ids.iter().enumerate().map(|(number, &id)| (id, number)).collect(),
            files: Vec::new(),
            units: Vec::new(),
            functions: Vec::new(),
            edges: Vec::new(),
            degrees: Vec::new(),
            models: Models::default(),
            counter,
            resolved_names,
            words: Words::default(),
            word_weights: Vec::new(),
            doc_weights: Vec::new(),
            with_word: Vec::new(),
            with_doc_word: Vec::new(),
            traits: FxHashMap::default(),
            unit_of: FxHashMap::default(),
            by_name: FxHashMap::default(),
        };
        for (number, &id) in ids.iter().enumerate() {
            index.add_units(number, id);
        }
        index.weigh_words();
        index.files = ids.par_iter().enumerate().map(|(number, &id)| index.read_imports(number, id)).collect();
        index.add_functions();
        index.add_edges();
        index
    }

    /// The unit that `symbol` is, or is a definition of.
    pub(crate) fn unit_of(&self, symbol: SymbolId) -> Option<usize> {
        self.unit_of.get(&symbol).copied()
    }

    pub(crate) fn file_of(&self, file: FileId) -> Option<usize> {
        self.file_of.get(&file).copied()
    }

    pub(crate) fn node_of_file(&self, file: usize) -> usize {
        self.units.len() + file
    }

    /// The units that bear exactly `name`.
    pub(crate) fn named(&self, name: &str) -> &[usize] {
        self.words.get(name).and_then(|word| self.by_name.get(&word)).map_or(&[], Vec::as_slice)
    }

    /// A class and its bases, nearest first.
    pub(crate) fn lineage(&self, class: usize) -> Vec<usize> {
        let mut found = vec![class];
        let mut next = 0;
        while let Some(&class) = found.get(next)
            && found.len() < MAX_LINEAGE
        {
            for base in self.analysis.bases(self.units[class].symbols[0]) {
                if let Some(base) = self.unit_of(base)
                    && !found.contains(&base)
                {
                    found.push(base);
                }
            }
            next += 1;
        }
        found
    }

    /// The members of a class, inherited ones included.
    pub(crate) fn members(&self, class: usize) -> Vec<usize> {
        let members = self.analysis.members(self.units[class].symbols[0]);
        members.into_iter().filter_map(|member| self.unit_of(member)).collect()
    }

    /// The classes that a value of `unit` may have: a class stands for its instances.
    pub(crate) fn value_types(&self, unit: usize) -> Vec<usize> {
        let symbol = self.units[unit].symbols[0];
        let types = match self.units[unit].kind {
            SymbolKind::Class => vec![symbol],
            SymbolKind::Function | SymbolKind::Method => self.analysis.returned_types(symbol),
            _ => {
                let at = self.analysis.symbol(symbol).name_range.start();
                let (own, held) = self.analysis.types_at(symbol.file, at);
                own.into_iter().chain(held).collect()
            }
        };
        types.into_iter().filter_map(|class| self.unit_of(class)).collect()
    }

    /// The units that the names within `range` refer to, each once, in order.
    pub(crate) fn names_in(&self, file: FileId, range: TextRange) -> Vec<usize> {
        let text = self.analysis.source(file).slice(range);
        let mut found = Vec::new();
        for (offset, _) in identifiers(text) {
            let offset = range.start() + TextSize::new(offset as u32);
            for target in self.analysis.targets(file, offset) {
                if let Target::Symbol(symbol, _) = target
                    && let Some(unit) = self.unit_of(symbol)
                    && !found.contains(&unit)
                {
                    found.push(unit);
                }
            }
        }
        found
    }

    /// The share of each unit's name that `text` has words in common with; units that share nothing are left out.
    pub(crate) fn word_overlap(&self, text: &str) -> Vec<(usize, f32)> {
        let weight = |word: &Word| self.word_weights[*word as usize];
        let shared = self.shared(text, &self.with_word, |unit| &unit.words, weight);
        let share = |(unit, shared): (usize, f32)| {
            (unit, shared / (0.5 + self.units[unit].words.iter().map(weight).sum::<f32>()))
        };
        shared.into_iter().map(share).collect()
    }

    /// How much the docstring of each unit has in common with `text`; units that share nothing are left out.
    pub(crate) fn doc_overlap(&self, text: &str) -> Vec<(usize, f32)> {
        let weight = |word: &Word| self.doc_weights[*word as usize];
        let shared = self.shared(text, &self.with_doc_word, |unit| &unit.doc_words, weight);
        shared.into_iter().map(|(unit, shared)| (unit, shared / 10.0)).collect()
    }

    /// The weight of the words that `text` and each unit have in common.
    fn shared(
        &self,
        text: &str,
        having: &[Vec<usize>],
        words: impl Fn(&Unit) -> &Vec<Word>,
        weight: impl Fn(&Word) -> f32,
    ) -> Vec<(usize, f32)> {
        let wanted: FxHashSet<Word> = parts(text).iter().filter_map(|word| self.words.get(word)).collect();
        let mut units: Vec<usize> = wanted.iter().flat_map(|&word| &having[word as usize]).copied().collect();
        units.sort_unstable();
        units.dedup();
        let shared =
            |unit: usize| words(&self.units[unit]).iter().filter(|word| wanted.contains(word)).map(&weight).sum();
        units.into_iter().map(|unit| (unit, shared(unit))).collect()
    }

    /// The number of a word that some symbol has.
    pub(crate) fn word(&self, text: &str) -> Option<Word> {
        self.words.get(text)
    }

    /// The units that bear exactly the name with this number.
    pub(crate) fn bearing(&self, name: Word) -> &[usize] {
        self.by_name.get(&name).map_or(&[], Vec::as_slice)
    }

    /// The functions that most resemble `profile`, best first, with their likeness; `target` is not its own neighbour.
    pub(crate) fn neighbours(&self, profile: &Profile, target: Option<usize>, count: usize) -> Vec<(usize, f32)> {
        let mut likeness = vec![0.0f32; self.functions.len()];
        for shared in &profile.traits {
            let Some(having) = self.traits.get(shared) else { continue };
            let weight = shared.weight(self.functions.len(), having.len());
            for &function in having {
                likeness[function as usize] += weight * weight;
            }
        }
        let all = likeness.iter().zip(&self.functions).map(|(likeness, function)| likeness / function.norm).enumerate();
        let mut found: Vec<(usize, f32)> = all
            .filter(|&(function, likeness)| likeness > 0.0 && Some(self.functions[function].unit) != target)
            .collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        found.truncate(count);
        found
    }

    /// What is known about a function without looking at its body.
    pub(crate) fn profile(&self, symbol: SymbolId) -> Profile {
        let view = self.analysis.symbol(symbol);
        let word = |text: &str| self.words.get(text);
        let mut profile = Profile::default();
        profile.traits.extend(self.file_of(symbol.file).map(Trait::File));
        profile.traits.extend(word(view.name).map(Trait::Name));
        profile.traits.extend(parts(view.name).iter().filter_map(|part| word(part)).map(Trait::NameWord));
        let parameters = view.params.iter().map(|parameter| parameter.name.as_str());
        let parameters = parameters.filter(|name| !matches!(*name, "self" | "cls"));
        profile.traits.extend(parameters.filter_map(word).map(Trait::Parameter));

        let class = if view.kind == SymbolKind::Class { Some(symbol) } else { view.parent };
        let class =
            class.and_then(|class| self.unit_of(class)).filter(|&unit| self.units[unit].kind == SymbolKind::Class);
        if let Some(class) = class {
            profile.types.push(class);
            profile.traits.push(Trait::Class(class));
            profile.traits.extend(self.lineage(class).into_iter().skip(1).map(Trait::Base));
            profile.traits.extend(self.units[class].words.iter().map(|&word| Trait::ClassWord(word)));
        }
        for annotated in self.analysis.annotated_types(symbol) {
            if let Some(annotated) = self.unit_of(annotated)
                && !profile.types.contains(&annotated)
            {
                profile.types.push(annotated);
            }
        }
        profile.traits.extend(profile.types.iter().map(|&class| Trait::Type(class)));
        profile.lineage = profile.types.iter().flat_map(|&class| self.lineage(class)).collect();
        profile.lineage.sort_unstable();
        profile.lineage.dedup();
        profile
    }

    fn add_units(&mut self, file: usize, id: FileId) {
        let analysis = self.analysis.clone();
        let mut by_name: FxHashMap<String, usize> = FxHashMap::default();
        for symbol in analysis.symbols(id) {
            let view = analysis.symbol(symbol);
            if matches!(view.kind, SymbolKind::Module | SymbolKind::Lambda) {
                continue;
            }
            let parent = view.parent.map(|parent| (parent, analysis.symbol(parent).kind));
            let owner = match parent {
                Some((parent, SymbolKind::Class)) => match self.unit_of(parent) {
                    Some(class) => Some(class),
                    None => continue, // a member of a class that is local to a function
                },
                Some((_, SymbolKind::Module)) | None => None,
                Some(_) => continue,
            };
            let is_assigned = matches!(view.kind, SymbolKind::Variable | SymbolKind::Attribute);
            let unit = *by_name.entry(view.local_name()).or_insert_with(|| {
                let name = self.words.intern(view.name);
                let documentation = view.docstring.map(|text| &text[..text.floor_char_boundary(DOC_BYTES)]);
                let is_special = view.name.starts_with("__") && view.name.ends_with("__");
                let mut intern = |text: &str| parts(text).iter().map(|part| self.words.intern(part)).collect();
                self.units.push(Unit {
                    symbols: Vec::new(),
                    file,
                    owner,
                    kind: view.kind,
                    name,
                    words: intern(view.name),
                    doc_words: documentation.map_or_else(Vec::new, &mut intern),
                    is_special,
                    is_private: view.name.starts_with('_') && !is_special,
                    files_using: 0,
                    users: 0,
                });
                self.by_name.entry(name).or_default().push(self.units.len() - 1);
                self.units.len() - 1
            });
            self.unit_of.insert(symbol, unit);
            let unit = &mut self.units[unit];
            match (unit.is_assigned(), is_assigned) {
                (false, true) => {}
                (true, false) => (unit.kind, unit.symbols) = (view.kind, vec![symbol]),
                _ => unit.symbols.push(symbol),
            }
            for parameter in view.params {
                self.words.intern(parameter.name.as_str());
            }
        }
    }

    fn weigh_words(&mut self) {
        self.word_weights = self.rarity(|unit| &unit.words);
        self.doc_weights = self.rarity(|unit| &unit.doc_words);
        self.with_word = self.having(|unit| &unit.words);
        self.with_doc_word = self.having(|unit| &unit.doc_words);
    }

    fn having(&self, words: impl Fn(&Unit) -> &Vec<Word>) -> Vec<Vec<usize>> {
        let mut having = vec![Vec::new(); self.words.len()];
        for (number, unit) in self.units.iter().enumerate() {
            words(unit).iter().for_each(|&word| having[word as usize].push(number));
        }
        having
    }

    /// For each word how rare it is among the words of units.
    fn rarity(&self, words: impl Fn(&Unit) -> &Vec<Word>) -> Vec<f32> {
        let mut counts = vec![0usize; self.words.len()];
        for &word in self.units.iter().flat_map(words) {
            counts[word as usize] += 1;
        }
        let units = self.units.len() as f32;
        counts.into_iter().map(|count| (1.0 + units / count.max(1) as f32).ln()).collect()
    }

    pub(crate) fn measure_functions(&mut self) {
        for (number, function) in self.functions.iter().enumerate() {
            for &shared in &function.profile.traits {
                self.traits.entry(shared).or_default().push(number as u32);
            }
        }
        let count = self.functions.len();
        for function in &mut self.functions {
            let traits = function.profile.traits.iter();
            let weights = traits.map(|shared| shared.weight(count, self.traits[shared].len()));
            function.norm = weights.map(|weight| weight * weight).sum::<f32>().sqrt();
        }
    }

    fn add_edges(&mut self) {
        let mut edges = vec![Vec::new(); self.units.len() + self.files.len()];
        let mut join = |a: usize, b: usize, weight: f32| {
            edges[a].push((b as u32, weight));
            edges[b].push((a as u32, weight));
        };
        for (number, unit) in self.units.iter().enumerate() {
            match unit.owner {
                Some(class) => join(number, class, 0.5),
                None => join(number, self.node_of_file(unit.file), 0.3),
            }
            if unit.kind == SymbolKind::Class {
                for base in self.analysis.bases(unit.symbols[0]) {
                    if let Some(base) = self.unit_of(base) {
                        join(number, base, 1.0);
                    }
                }
            }
        }
        for function in &self.functions {
            for &class in &function.profile.types {
                join(function.unit, class, 0.7);
            }
            for &used in &function.uses {
                join(function.unit, used, 1.0);
            }
        }
        for (number, file) in self.files.iter().enumerate() {
            let mut names: Vec<usize> = file.imports.iter().flat_map(|link| link.units.iter().copied()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                join(self.node_of_file(number), name, 0.7);
            }
        }
        self.degrees = edges.iter().map(|edges| edges.iter().map(|(_, weight)| weight).sum()).collect();
        self.edges = edges;
    }
}

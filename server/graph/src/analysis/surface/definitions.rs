//! Where libraries define what the workspace names.

use std::path::Path;

use rustc_hash::FxHashSet;
use syntax::{TextRange, TextSize};

use super::{Answer, Libraries, MAX_ROUNDS, Surface, is_none, read_path};
use crate::analysis::outside::{OutsidePath, OutsideUse, OutsideUseKind, Step};
use crate::analysis::{Analysis, Symbol};
use crate::eval::{Referent, is_builtin};
use crate::summary::SymbolIndex;
use crate::types::{Def, Unit, Value};
use crate::{AnalysisHost, Change, FileId, Name, SymbolId, SymbolKind, Target};

/// A definition in a library.
#[derive(Clone, Debug)]
pub struct LibraryDefinition {
    /// Of the library, not of the workspace: what the symbols belong to.
    pub analysis: Analysis,
    /// More than one where there are overloads, in their order. Never empty.
    pub symbols: Vec<SymbolId>,
}

/// The way from an import to a name of a library.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LibraryPath(OutsidePath);

impl LibraryPath {
    /// The module that is imported, dotted.
    pub fn module(&self) -> &'static str {
        self.0.module.as_str()
    }

    /// The name at its end; nothing for a module.
    pub fn name(&self) -> Option<&'static str> {
        match self.0.steps.last() {
            Some(Step::Member(name)) => Some(name.as_str()),
            _ => None,
        }
    }

    /// The names that a module offers to others, in the order of its text. Reads the module.
    pub fn all_of(module: &str, libraries: &dyn Libraries) -> Vec<LibraryPath> {
        read_path(libraries, module);
        let analysis = libraries.analysis();
        let Some(file) = analysis.module_file(module) else { return Vec::new() };
        let names = analysis.exports(file).unwrap_or_else(|| {
            let own = analysis.children(analysis.module(file)).into_iter().map(|id| analysis.symbol(id).name);
            let imports = analysis.facts(file).into_iter().flat_map(|facts| &facts.summary.imports);
            let again = imports.filter(|import| import.level > 0).filter_map(|import| Some(import.name?.as_str()));
            own.chain(again).collect()
        });
        let public = names.into_iter().filter(|name| !name.starts_with('_') && *name != "*");
        let path = |name| OutsidePath { module: Name::new(module), steps: vec![Step::Member(Name::new(name))] };
        public.map(|name| LibraryPath(path(name))).collect()
    }

    /// What is at its end. Reads the modules that it has to know.
    pub fn definition(&self, libraries: &dyn Libraries) -> Option<LibraryDefinition> {
        definition(self.0.clone(), libraries)
    }
}

/// A place where a file names something of a library.
#[derive(Clone, Debug)]
pub struct LibraryUse {
    pub range: TextRange,
    pub path: LibraryPath,
    /// `from module import name`
    pub is_import: bool,
}

impl Analysis {
    /// The names of libraries that a file uses: what it imports from modules, attributes that it reads, and what it calls.
    pub fn library_paths(&self, file: FileId) -> Vec<LibraryUse> {
        let uses = self.outside_uses(file).into_iter();
        let named = uses.filter(|(_, used)| !matches!(used.kind, OutsideUseKind::Module));
        let mut found: Vec<LibraryUse> = named
            .map(|(range, OutsideUse { path, kind })| {
                let is_import = matches!(kind, OutsideUseKind::Import);
                LibraryUse { range, path: LibraryPath(path), is_import }
            })
            .collect();
        // A call of an attribute is one use of it.
        found.sort_by_key(|used| (used.range.start(), used.range.end()));
        found.dedup_by(|a, b| a.range == b.range && a.path == b.path);
        found
    }
}

impl LibraryDefinition {
    /// The dotted name of the module.
    pub fn module(&self) -> &str {
        self.symbols.first().map_or("", |symbol| self.analysis.module_name(symbol.file))
    }

    pub fn is_in_stub(&self) -> bool {
        self.symbols.first().is_some_and(|symbol| is_stub(self.analysis.path(symbol.file)))
    }

    /// What a class is made with; nothing where that is what every object is made with. Reads the modules that it has to know.
    pub fn constructor(&self, libraries: &dyn Libraries) -> Option<LibraryDefinition> {
        let id = *self.symbols.first()?;
        if self.analysis.symbol(id).kind != SymbolKind::Class {
            return None;
        }
        settle(libraries, |surface| {
            let Some(class) = surface.analysis.snapshot.def(id) else { return Vec::new() };
            let found = ["__init__", "__new__"].map(|name| surface.definitions_in_class(class, Name::new(name)));
            let found = found.into_iter().find(|found| !found.is_empty()).unwrap_or_default();
            let owner = found.first().and_then(|def| Some(Def { symbol: surface.symbol(*def).parent?, ..*def }));
            let is_of_object = owner.is_some_and(|owner| surface.symbol(owner).name.as_str() == "object");
            if is_of_object { Vec::new() } else { found }
        })
    }

    /// The same in the source that the stub describes, where there is one that has it under the same name.
    pub fn in_source(&self, libraries: &dyn Libraries) -> Option<LibraryDefinition> {
        let (path, text) = libraries.source(self.module()).filter(|_| self.is_in_stub())?;
        let folder = path.parent()?.to_path_buf();
        let mut host = AnalysisHost::new(vec![folder]);
        let mut change = Change::default();
        change.set(path.clone(), text);
        host.apply(change);
        let analysis = host.analysis();
        let file = analysis.file(&path)?;
        let wanted = self.analysis.symbol(*self.symbols.first()?);
        let found = last_of_name(&analysis, file, &wanted)?;
        Some(LibraryDefinition { analysis, symbols: vec![found] })
    }

    /// What runs, of a definition in a source: not the overloads before it.
    pub fn implementation(&self) -> Option<SymbolId> {
        let first = *self.symbols.first()?;
        if self.is_in_stub() || !self.analysis.symbol(first).flags.is_overload {
            return Some(first);
        }
        last_of_name(&self.analysis, first.file, &self.analysis.symbol(first))
    }
}

/// The last definition of a file with the name of `wanted`, if there is one of the same kind such a one.
fn last_of_name(analysis: &Analysis, file: FileId, wanted: &Symbol<'_>) -> Option<SymbolId> {
    let name = wanted.local_name();
    let found = analysis.symbols(file).into_iter().filter(|&id| {
        let symbol = analysis.symbol(id);
        symbol.local_name() == name && (symbol.kind == SymbolKind::Module) == (wanted.kind == SymbolKind::Module)
    });
    found.max_by_key(|&id| {
        let symbol = analysis.symbol(id);
        (symbol.kind == wanted.kind, symbol.range.start())
    })
}

fn is_stub(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "pyi")
}

impl Analysis {
    /// What defines the name at a place, where that is a library. Reads the modules that it has to know.
    pub fn library_definition(
        &self,
        file: FileId,
        offset: TextSize,
        libraries: &dyn Libraries,
    ) -> Option<LibraryDefinition> {
        // What the text tells for certain, then what the evaluation found.
        let certain = self.outside_path(file, offset);
        let found = certain.and_then(|path| definition(path, libraries));
        found.or_else(|| {
            let external = self.targets(file, offset).into_iter().find_map(|target| match target {
                Target::External(name) => path_of(&name),
                _ => None,
            });
            definition(external?, libraries)
        })
    }
}

impl Analysis {
    /// The class of a library that the value at a place is an instance of, or is. Reads the modules that it has to know.
    pub fn library_type(&self, file: FileId, offset: TextSize, libraries: &dyn Libraries) -> Option<LibraryDefinition> {
        let path = self.outside_path(file, offset)?;
        settle(libraries, |surface| {
            let Answer::Found(types) = surface.follow(&path) else { return Vec::new() };
            let class = |surface: &mut Surface, value: &Value| match value {
                Value::Class(class) | Value::Instance(class) => Some(*class),
                Value::Builtin(name) => surface.built_in(*name),
                _ => None,
            };
            types
                .iter()
                .filter(|typed| !is_none(&typed.value))
                .find_map(|typed| class(surface, &typed.value))
                .into_iter()
                .collect()
        })
    }
}

fn definition(path: OutsidePath, libraries: &dyn Libraries) -> Option<LibraryDefinition> {
    settle(libraries, |surface| {
        let symbols = surface.definitions(&path);
        if !symbols.is_empty() || !surface.needs.is_empty() {
            return symbols;
        }
        surface.of_instance(&path).map(|path| surface.definitions(&path)).unwrap_or_default()
    })
}

/// What `ask` finds once all modules are read that it needs for that: the same whatever was read before.
fn settle(libraries: &dyn Libraries, ask: impl Fn(&mut Surface) -> Vec<Def>) -> Option<LibraryDefinition> {
    let mut asked: FxHashSet<Name> = FxHashSet::default();
    let mut found = None;
    for _ in 0..MAX_ROUNDS {
        let analysis = libraries.analysis();
        let mut surface = Surface::new(&analysis, libraries);
        let symbols: Vec<SymbolId> = ask(&mut surface).into_iter().map(|def| analysis.id(def)).collect();
        let needs: Vec<Name> = surface.needs.into_iter().filter(|path| asked.insert(*path)).collect();
        found = (!symbols.is_empty()).then_some(LibraryDefinition { analysis, symbols });
        if needs.is_empty() {
            break;
        }
        needs.iter().for_each(|path| read_path(libraries, path));
    }
    found
}

/// The way that a name such as `re.compile().match` stands for, as [`Target::External`] has it: dotted, `()` behind what was
/// called.
fn path_of(name: &str) -> Option<OutsidePath> {
    let mut parts = name.split('.');
    let first = parts.next()?;
    let (first, is_called) = first.strip_suffix("()").map_or((first, false), |first| (first, true));
    let mut steps = Vec::new();
    let module = if is_builtin(&Name::new(first)) || is_called {
        steps.push(Step::Member(Name::new(first)));
        steps.extend(is_called.then_some(Step::Call));
        "builtins"
    } else {
        first
    };
    for part in parts {
        let (part, is_called) = part.strip_suffix("()").map_or((part, false), |part| (part, true));
        if part.is_empty() || !part.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return None;
        }
        steps.push(Step::Member(Name::new(part)));
        steps.extend(is_called.then_some(Step::Call));
    }
    Some(OutsidePath { module: Name::new(module), steps })
}

impl Surface<'_> {
    /// The way with an instance in place of the last class before other members: evaluation does not tell them apart.
    fn of_instance(&mut self, path: &OutsidePath) -> Option<OutsidePath> {
        let at = (1..path.steps.len()).rev().find(|&at| {
            let before = OutsidePath { module: path.module, steps: path.steps[..at].to_vec() };
            match self.follow(&before) {
                Answer::Found(types) => types.iter().all(|typed| matches!(typed.value, Value::Class(_))),
                Answer::Lacks(..) | Answer::Unknown => false,
            }
        })?;
        let mut path = path.clone();
        path.steps.insert(at, Step::Instance);
        Some(path)
    }

    /// What the last name of a way is defined by.
    pub(super) fn definitions(&mut self, path: &OutsidePath) -> Vec<Def> {
        let Some((&last, rest)) = path.steps.split_last() else {
            return match self.module(path.module) {
                Answer::Found(types) => types.iter().filter_map(|typed| module_of(&typed.value)).collect(),
                Answer::Lacks(..) | Answer::Unknown => Vec::new(),
            };
        };
        let Step::Member(name) = last else { return Vec::new() };
        let Answer::Found(owners) = self.follow(&OutsidePath { module: path.module, steps: rest.to_vec() }) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for typed in owners.iter() {
            found = match &typed.value {
                Value::Module(file) => self.definitions_in_module(*file, name),
                Value::Class(class) | Value::Instance(class) => self.definitions_in_class(*class, name),
                Value::Builtin(class) => match self.built_in(*class) {
                    Some(class) => self.definitions_in_class(class, name),
                    None => Vec::new(),
                },
                Value::Namespace(package) => match self.submodule(*package, name) {
                    Some(Answer::Found(types)) => types.iter().filter_map(|typed| module_of(&typed.value)).collect(),
                    _ => Vec::new(),
                },
                _ => Vec::new(),
            };
            if !found.is_empty() {
                break;
            }
        }
        found
    }

    fn definitions_in_module(&mut self, file: FileId, name: Name) -> Vec<Def> {
        // Notes what has to be read.
        let answer = self.member_of_module(file, name);
        if !self.needs.is_empty() {
            return Vec::new();
        }
        let referents = self.evaluator.definitions_of_member(file, name).into_iter();
        let mut found: Vec<Def> = referents
            .filter_map(|(referent, _)| match referent {
                Referent::Definition(def) => Some(def),
                Referent::Local(unit, binding) => {
                    let summary = self.analysis.snapshot.world().summary(unit);
                    let range = summary.binding(binding).range;
                    let position = summary.symbols.iter().position(|symbol| symbol.name_range == range)?;
                    Some(Def { unit, symbol: SymbolIndex(position as u32) })
                }
                Referent::External(_) => None,
            })
            .collect();
        if let (true, Answer::Found(types)) = (found.is_empty(), answer) {
            found = types.iter().filter_map(|typed| module_of(&typed.value)).collect();
        }
        match found[..] {
            [first, ..] if self.symbol(first).function.is_some() => self.overloads(first),
            _ => found,
        }
    }

    fn definitions_in_class(&mut self, class: Def, name: Name) -> Vec<Def> {
        for owner in self.lineage(class).classes {
            let summary = self.analysis.snapshot.world().summary(owner.unit);
            let is_it = |it: &crate::summary::SymbolFacts| it.parent == Some(owner.symbol) && it.name == name;
            if let Some(position) = summary.symbols.iter().position(is_it) {
                let def = Def { unit: owner.unit, symbol: SymbolIndex(position as u32) };
                return if self.symbol(def).function.is_some() { self.overloads(def) } else { vec![def] };
            }
        }
        Vec::new()
    }
}

fn module_of(value: &Value) -> Option<Def> {
    match value {
        Value::Module(file) => Some(Def { unit: Unit::live(*file), symbol: SymbolIndex::MODULE }),
        _ => None,
    }
}

//! Phase two: the edges of one file.

mod body;

use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use smallvec::SmallVec;
use syntax::TextRange;

use body::Rest;
pub(crate) use body::{EditedBody, link_body};

use crate::eval::{Evaluator, files_of_keys};
use crate::modules::ModuleRef;
use crate::snapshot::Snapshot;
use crate::summary::{CallFacts, CallKind, Expr, Few, ImportFacts, ImportIndex, Lengths, Summary, SymbolIndex, Table};
use crate::types::{Def, Types, Unit, Value};
use crate::{Confidence, EdgeKind, FileId, Name, SymbolId, Unresolved};

/// Where one call site goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallLink {
    Edges(Few<Edge>),
    /// Out of the workspace.
    External(Name),
    Unresolved(Unresolved),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub target: SymbolId,
    pub confidence: Confidence,
    /// Not what is written but what it sets off: the `__init__` of a class that is called.
    pub implied: bool,
    pub kind: EdgeKind,
}

/// An edge that starts elsewhere than at a written call's callee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FurtherLink {
    /// The definition in whose code the edge starts.
    pub caller: SymbolIndex,
    pub range: TextRange,
    pub target: SymbolId,
    pub kind: EdgeKind,
    pub confidence: Confidence,
}

/// Where one import goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ImportLink {
    Module(FileId),
    Namespace(Name),
    External,
    /// The module, or the name in it, does not exist; what was looked for.
    Missing(Box<[Name]>),
}

/// The edges of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Links {
    /// One for each of [`Summary::calls`].
    pub calls: Vec<CallLink>,
    /// What else is called, as far as the flow of values tells.
    pub further: Vec<FurtherLink>,
    /// One for each of [`Summary::imports`].
    pub imports: Vec<ImportLink>,
    /// Classes of the file and their base classes.
    pub bases: Vec<(SymbolIndex, SymbolId)>,
    /// Keys of all that was looked up, in any file, sorted.
    pub dependencies: Box<[u64]>,
    /// The files in which, sorted.
    pub looked_into: Box<[FileId]>,
    /// Of a file in which the body of one function is edited: what the rest rests on.
    rest: Option<Arc<Rest>>,
    /// The other files that the edges point into, sorted.
    pub targets: Box<[FileId]>,
    /// What is called and where: an index into `calls`, or, beyond those, into `further`. Sorted.
    called: Box<[(SymbolId, u32)]>,
}

impl Links {
    fn depend_on(&mut self, dependencies: Vec<u64>) {
        self.looked_into = files_of_keys(&dependencies).into_iter().flatten().collect();
        self.dependencies = dependencies.into();
    }

    /// Brings up to date what is known of the targets.
    pub fn index(&mut self, file: FileId) {
        self.targets = targets(self, file);
        let calls = self.calls.iter().enumerate().flat_map(|(index, call)| {
            let edges = if let CallLink::Edges(edges) = call { &edges[..] } else { &[] };
            edges.iter().map(move |edge| (edge.target, index as u32))
        });
        let first = self.calls.len();
        let further = self.further.iter().enumerate().map(|(index, link)| (link.target, (first + index) as u32));
        let mut called: Vec<(SymbolId, u32)> = calls.chain(further).collect();
        called.sort_unstable();
        called.dedup();
        self.called = called.into();
    }

    /// Where `target` is called, by call and by further link.
    pub fn calls_of(&self, target: SymbolId) -> (impl Iterator<Item = usize>, impl Iterator<Item = &FurtherLink>) {
        let from = self.called.partition_point(|(other, _)| *other < target);
        let sites = self.called[from..].iter().take_while(move |(other, _)| *other == target);
        let sites = sites.map(|(_, site)| *site as usize);
        let first = self.calls.len();
        let further = sites.clone().filter(move |&site| site >= first).map(move |site| &self.further[site - first]);
        (sites.filter(move |&site| site < first), further)
    }

    /// What of `file` is called, each once and sorted.
    pub fn called_in(&self, file: FileId) -> impl Iterator<Item = SymbolId> {
        let from = self.called.partition_point(|(target, _)| target.file < file);
        let calls = self.called[from..].iter().take_while(move |(target, _)| target.file == file);
        let mut last = None;
        calls.map(|(target, _)| *target).filter(move |&target| last.replace(target) != Some(target))
    }
}

/// Links `file` against `snapshot`, whose own links are not looked at.
pub(crate) fn link(snapshot: &Snapshot, evaluator: &mut Evaluator<'_>, file: FileId) -> Links {
    let Some(facts) = snapshot.facts(file) else { return Links::default() };
    let mut links =
        Linker::new(snapshot, evaluator, file, &facts.summary).stretch(Lengths::default()..facts.summary.lengths());
    links.depend_on(evaluator.take_dependencies());
    links.index(file);
    links
}

/// The other files that a file's edges point into, sorted.
fn targets(links: &Links, file: FileId) -> Box<[FileId]> {
    let mut files = FxHashSet::default();
    for call in &links.calls {
        if let CallLink::Edges(edges) = call {
            files.extend(edges.iter().map(|edge| edge.target.file));
        }
    }
    files.extend(links.further.iter().map(|link| link.target.file));
    files.extend(links.bases.iter().map(|(_, base)| base.file));
    files.extend(links.imports.iter().filter_map(|import| match import {
        ImportLink::Module(file) => Some(*file),
        _ => None,
    }));
    files.remove(&file);
    let mut files: Vec<FileId> = files.into_iter().collect();
    files.sort_unstable();
    files.into()
}

/// What every module has without binding it.
fn is_module_attribute(name: &str) -> bool {
    name.starts_with("__") && name.ends_with("__") && crate::eval::is_builtin(name)
}

/// `None` is not called, and neither is an attribute of it.
fn is_none(name: &str) -> bool {
    name == "None" || name.starts_with("None.")
}

/// An abstract method without code, or one of a protocol.
pub(crate) fn is_bodiless(summary: &Summary, symbol: SymbolIndex) -> bool {
    let flags = summary.symbol(symbol).flags;
    let in_protocol = || {
        let class = summary.enclosing_class(symbol).and_then(|class| summary.symbol(class).class.as_ref());
        class.is_some_and(|class| class.is_protocol)
    };
    flags.is_stub && (flags.is_abstract || in_protocol())
}

struct Linker<'a, 'b, 'c> {
    snapshot: &'a Snapshot,
    evaluator: &'b mut Evaluator<'c>,
    unit: Unit,
    summary: &'a Summary,
}

impl<'a, 'b, 'c> Linker<'a, 'b, 'c> {
    fn new(snapshot: &'a Snapshot, evaluator: &'b mut Evaluator<'c>, file: FileId, summary: &'a Summary) -> Self {
        Linker { snapshot, evaluator, unit: Unit::live(file), summary }
    }

    /// The links of what the tables hold between two lengths.
    fn stretch(&mut self, of: Range<Lengths>) -> Links {
        let between = |table| of.start.get(table) as usize..of.end.get(table) as usize;
        let calls = self.summary.calls[between(Table::Calls)].iter().map(|call| self.call(call)).collect();
        let imports = between(Table::Imports).map(|index| self.import(ImportIndex(index as u32))).collect();
        let bases = self.bases(between(Table::Symbols));
        Links { calls, imports, bases, ..Links::default() }
    }
}

impl Linker<'_, '_, '_> {
    fn call(&mut self, call: &CallFacts) -> CallLink {
        let callees = self.evaluator.eval(self.unit, call.callee);
        let mut callees = self.evaluator.bounded(callees);
        if call.kind == CallKind::Raise {
            // An exception that exists already is not called.
            callees = callees.iter().filter(|typed| matches!(typed.value, Value::Class(_))).cloned().collect();
            if callees.is_empty() {
                return CallLink::Edges(Few::None);
            }
        }
        let mut explicit: Vec<(Def, bool)> = Vec::new();
        let mut implied: Vec<Def> = Vec::new();
        let mut external = None;
        for typed in callees.iter() {
            let mut add = |def: Def| {
                if !explicit.iter().any(|(other, _)| *other == def) {
                    explicit.push((def, typed.inferred));
                }
            };
            match &typed.value {
                Value::Function(function) | Value::Method { function, .. } => add(*function),
                Value::Class(class) => {
                    add(*class);
                    implied.extend(self.special_methods(*class, &["__init__", "__new__"]));
                }
                Value::Instance(class) => {
                    for method in self.special_methods(*class, &["__call__"]) {
                        add(method);
                    }
                }
                Value::Builtin(name) | Value::External(name) => external = external.or(Some(*name)),
                Value::Returns(_) | Value::Sequence(_) | Value::Mapping(_) | Value::Tuple(_) => {
                    external = external.or(Some(Name::new("builtins")));
                }
                Value::Module(_) | Value::Namespace(_) | Value::Super(_) | Value::TypeVariable(..) => {}
            }
        }
        if explicit.is_empty() {
            return match external.filter(|_| !self.evaluator.is_literal(self.unit, call.callee)) {
                Some(name) => CallLink::External(name),
                None => CallLink::Unresolved(self.reason(call, &callees)),
            };
        }
        self.leave_out_bodiless(&mut explicit);
        let alternatives = explicit.len() > 1 || external.is_some_and(|name| !is_none(&name));
        let confidence = |inferred: bool| match (alternatives, inferred) {
            (true, _) => Confidence::Possible,
            (false, true) => Confidence::Inferred,
            (false, false) => Confidence::Exact,
        };
        let mut edges: SmallVec<[Edge; 4]> = SmallVec::new();
        for (def, inferred) in &explicit {
            if let Some(target) = self.snapshot.symbol_id(*def) {
                let kind = match call.kind {
                    CallKind::Call if self.evaluator.world.summary(def.unit).symbol(def.symbol).class.is_some() => {
                        EdgeKind::Constructor
                    }
                    CallKind::Call => EdgeKind::Call,
                    CallKind::Decorator => EdgeKind::Decorator,
                    CallKind::Raise => EdgeKind::Raise,
                };
                edges.push(Edge { target, confidence: confidence(*inferred), implied: false, kind });
            }
        }
        for def in implied {
            if let Some(target) = self.snapshot.symbol_id(def)
                && !edges.iter().any(|edge| edge.target == target)
            {
                let kind = EdgeKind::Constructor;
                edges.push(Edge { target, confidence: confidence(true), implied: true, kind });
            }
        }
        CallLink::Edges(edges[..].into())
    }

    /// Where there are others, what runs is not a method that only says what others must have.
    fn leave_out_bodiless(&self, targets: &mut Vec<(Def, bool)>) {
        let has_code = |def: &Def| !is_bodiless(self.evaluator.world.summary(def.unit), def.symbol);
        if targets.len() > 1 && targets.iter().any(|(def, _)| has_code(def)) {
            targets.retain(|(def, _)| has_code(def));
        }
    }

    /// The functions that Python calls on its own.
    fn special_methods(&mut self, class: Def, names: &[&str]) -> Vec<Def> {
        let mut methods = Vec::new();
        for name in names {
            let found = self.evaluator.instance_member(class, Name::new(name));
            methods.extend(found.iter().filter_map(|typed| match &typed.value {
                Value::Method { function, .. } | Value::Function(function) => Some(*function),
                _ => None,
            }));
        }
        methods
    }

    fn reason(&mut self, call: &CallFacts, callees: &Types) -> Unresolved {
        if !callees.is_empty() {
            return Unresolved::NotCallable;
        }
        match self.summary.expr(call.callee) {
            Expr::Local(_) => Unresolved::UnknownValue,
            Expr::Free { scope, name } => {
                let is_bound = self.summary.visible_from(*scope).any(|scope| scope.names.contains_key(name));
                if is_bound { Unresolved::UnknownValue } else { Unresolved::UnknownName }
            }
            Expr::Attribute { value, .. } => {
                let receivers = self.evaluator.eval(self.unit, *value);
                if self.evaluator.bounded(receivers).is_empty() {
                    Unresolved::UnknownReceiver
                } else {
                    Unresolved::UnknownMember
                }
            }
            _ if call.kind == CallKind::Decorator => Unresolved::UnknownDecorator,
            _ => Unresolved::UnknownValue,
        }
    }

    fn bases(&mut self, symbols: Range<usize>) -> Vec<(SymbolIndex, SymbolId)> {
        let mut bases = Vec::new();
        for index in symbols.map(|index| SymbolIndex(index as u32)) {
            if self.summary.symbol(index).class.is_none() {
                continue;
            }
            let types = self.evaluator.bases(Def { unit: self.unit, symbol: index });
            for typed in types.iter() {
                if let Value::Class(base) = typed.value
                    && let Some(base) = self.snapshot.symbol_id(base)
                {
                    bases.push((index, base));
                }
            }
        }
        bases
    }

    fn import(&mut self, index: ImportIndex) -> ImportLink {
        let import = self.summary.import(index);
        match self.evaluator.import_candidates(self.unit, index) {
            Some(ModuleRef::File(module)) => self.imported_name(import, module),
            Some(ModuleRef::Namespace(package)) => match import.name {
                Some(name) if !import.is_star() => {
                    let full = Name::new(&format!("{package}.{name}"));
                    match self.evaluator.module(self.unit.file, full, 0) {
                        Some(ModuleRef::File(module)) => ImportLink::Module(module),
                        _ => ImportLink::Namespace(package),
                    }
                }
                _ => ImportLink::Namespace(package),
            },
            Some(ModuleRef::Missing) if self.is_made_at_run_time(import) => ImportLink::External,
            Some(ModuleRef::Missing) => ImportLink::Missing(self.looked_for(import)),
            // A relative import cannot leave the workspace, but it can leave the folder that was opened.
            Some(ModuleRef::External) | None => ImportLink::External,
        }
    }

    /// Below a module that builds its namespace at run time anything may be imported.
    fn is_made_at_run_time(&mut self, import: &ImportFacts) -> bool {
        let modules = self.evaluator.world.modules;
        let candidates = modules.candidates(self.unit.file, import.module, import.level);
        let mut parent = candidates.first().and_then(|name| name.as_str().rsplit_once('.'));
        while let Some((package, _)) = parent {
            // What nobody has named is no module; asking costs little even where thousands of dots were written.
            if let Some(ModuleRef::File(file)) = Name::existing(package).map(|package| modules.get(package)) {
                return self.evaluator.may_hide_names(file);
            }
            parent = package.rsplit_once('.');
        }
        false
    }

    fn looked_for(&self, import: &ImportFacts) -> Box<[Name]> {
        self.evaluator.world.modules.candidates(self.unit.file, import.module, import.level).into()
    }

    /// `from module import name`: the module, or the submodule called `name`.
    fn imported_name(&mut self, import: &ImportFacts, module: FileId) -> ImportLink {
        let Some(name) = import.name.filter(|_| !import.is_star()) else { return ImportLink::Module(module) };
        let defined = self.evaluator.binds(module, name) || is_module_attribute(&name);
        let types = self.evaluator.member(module, name);
        if let Some(Value::Module(submodule)) = types.iter().map(|typed| &typed.value).next()
            && *self.evaluator.world.modules.name(*submodule)
                == *format!("{}.{name}", self.evaluator.world.modules.name(module))
        {
            return ImportLink::Module(*submodule);
        }
        if defined || !types.is_empty() || self.evaluator.may_hide_names(module) {
            return ImportLink::Module(module);
        }
        let full = format!("{}.{name}", self.evaluator.world.modules.name(module));
        ImportLink::Missing([Name::new(&full)].into())
    }
}

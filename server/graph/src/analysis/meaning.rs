//! What a name that is written somewhere stands for.

use syntax::TextRange;

use super::Analysis;
use super::variables::{Variable, scopes_from};
use crate::eval::{Evaluator, is_builtin};
use crate::link::CallLink;
use crate::modules::ModuleRef;
use crate::summary::{
    BindingValue, CallIndex, Expr, ExprIndex, ImportIndex, Occurrence, Occurs, ScopeIndex, ScopeKind, Summary,
};
use crate::types::{Def, Unit, Value};
use crate::{FileId, Name, SymbolId};

/// Star imports of star imports deeper than this are a cycle.
const MAX_HOPS: u32 = 40;

/// What a name that is written somewhere stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// One of these; more than one where several values may be there.
    Variables(Vec<Variable>),
    Module(FileId),
    /// Outside the workspace, by its dotted name.
    External(String),
    /// An attribute of something that is not known, or the argument of such a call.
    Unknown,
    /// Nothing in the workspace, as far as is known: an attribute that none of these classes has.
    Missing(Vec<SymbolId>),
}

impl Analysis {
    /// What an occurrence stands for.
    pub(super) fn meaning(&self, evaluator: &mut Evaluator<'_>, file: FileId, occurrence: Occurrence) -> Meaning {
        let unit = Unit::live(file);
        let summary = self.snapshot.world().summary(unit);
        let one = |scope, name| Meaning::Variables(vec![Variable { file, scope, name }]);
        match occurrence.what() {
            Occurs::Definition(symbol) => {
                let value = BindingValue::Definition(symbol);
                match summary.bindings.iter().find(|binding| binding.value == value) {
                    Some(binding) => one(binding.scope, binding.name),
                    None => Meaning::Unknown,
                }
            }
            Occurs::Store(binding) => one(summary.binding(binding).scope, summary.binding(binding).name),
            Occurs::Import(import) => {
                let facts = summary.import(import);
                if facts.renamed && occurrence.range != facts.range {
                    return self.bound_by(file, import).map_or(Meaning::Unknown, |it| Meaning::Variables(vec![it]));
                }
                self.imported(evaluator, file, import)
            }
            Occurs::ImportedModule(import) => module(evaluator.import_candidates(unit, import)),
            Occurs::Load(expr) | Occurs::StoreAttribute(expr) | Occurs::Mention(expr) => match *summary.expr(expr) {
                Expr::Local(ref bindings) => {
                    let leaf = bindings.first().and_then(|&binding| summary.joined(binding).first().copied());
                    leaf.map_or(Meaning::Unknown, |leaf| one(summary.binding(leaf).scope, summary.binding(leaf).name))
                }
                Expr::Free { scope, name } => match self.lookup(summary, scope, name, occurrence.range) {
                    Some(scope) => one(scope, name),
                    None => self.global(evaluator, file, name),
                },
                Expr::Attribute { value, name } => self.attribute(evaluator, file, value, name, occurrence.range),
                _ => Meaning::Unknown,
            },
            Occurs::Keyword(keyword) => {
                let keyword = summary.keyword(keyword);
                self.argument(evaluator, file, keyword.call, keyword.name)
            }
        }
    }

    /// The function or class scope in which a name that is used in `scope` is found.
    pub(super) fn lookup(&self, summary: &Summary, scope: ScopeIndex, name: Name, at: TextRange) -> Option<ScopeIndex> {
        scopes_from(summary, scope).find(|&index| {
            let facts = summary.scope(index);
            facts.kind != ScopeKind::Module
                && facts.names.contains_key(&name)
                // In a class body, a name that is bound further down is that of the module.
                && (facts.kind != ScopeKind::Class
                    || summary.bindings.iter().any(|binding| {
                        binding.scope == index && binding.name == name && binding.range.start() <= at.start()
                    }))
        })
    }

    fn global(&self, evaluator: &mut Evaluator<'_>, file: FileId, name: Name) -> Meaning {
        match self.member(evaluator, file, name, MAX_HOPS) {
            Meaning::Missing(_) if is_builtin(&name) => Meaning::External(format!("builtins.{name}")),
            found => found,
        }
    }

    /// What `name` is as a member of a module, seen from outside.
    fn member(&self, evaluator: &mut Evaluator<'_>, file: FileId, name: Name, hops: u32) -> Meaning {
        let Some(facts) = self.facts(file) else { return Meaning::Unknown };
        if facts.summary.scope(ScopeIndex::MODULE).names.contains_key(&name) {
            return Meaning::Variables(vec![Variable { file, scope: ScopeIndex::MODULE, name }]);
        }
        if facts.retained_member("", name, file).is_some() {
            return Meaning::Unknown;
        }
        let (stars, _) = evaluator.stars(file, name);
        for (star, _) in stars.into_iter().filter(|_| hops > 0) {
            match self.member(evaluator, star, name, hops - 1) {
                Meaning::Missing(_) => {}
                found => return found,
            }
        }
        let full = format!("{}.{name}", self.module_name(file));
        module(Name::existing(&full).map(|full| self.snapshot.modules.get(full)))
    }

    /// What an import asks for, whatever it calls it.
    pub(super) fn imported(&self, evaluator: &mut Evaluator<'_>, file: FileId, import: ImportIndex) -> Meaning {
        let unit = Unit::live(file);
        let facts = self.snapshot.world().summary(unit).import(import);
        let found = evaluator.import_candidates(unit, import);
        let Some(name) = facts.name else {
            return match (found, module(found)) {
                (None | Some(ModuleRef::External), _) => Meaning::External(facts.module.to_string()),
                (_, meaning) => meaning,
            };
        };
        match found {
            // A package binds its modules by importing them from itself.
            Some(ModuleRef::File(package)) if package == file => {
                let full = format!("{}.{name}", self.module_name(package));
                match self.module_file(&full) {
                    Some(module) => Meaning::Module(module),
                    None => self.member(evaluator, package, name, MAX_HOPS),
                }
            }
            Some(ModuleRef::File(module)) => self.member(evaluator, module, name, MAX_HOPS),
            Some(ModuleRef::Namespace(package)) => {
                let full = Name::existing(&format!("{package}.{name}"));
                module(full.map(|full| self.snapshot.modules.get(full)))
            }
            Some(ModuleRef::Missing) => Meaning::Unknown,
            Some(ModuleRef::External) | None => Meaning::External(format!("{}.{name}", facts.module)),
        }
    }

    /// The variable that an import binds.
    pub(super) fn bound_by(&self, file: FileId, import: ImportIndex) -> Option<Variable> {
        let summary = &self.facts(file)?.summary;
        let binding = summary.bindings.iter().find(|binding| binding.value == BindingValue::Import(import))?;
        Some(Variable { file, scope: binding.scope, name: binding.name })
    }

    fn attribute(
        &self,
        evaluator: &mut Evaluator<'_>,
        file: FileId,
        value: ExprIndex,
        name: Name,
        range: TextRange,
    ) -> Meaning {
        let receivers = evaluator.eval(Unit::live(file), value);
        let mut meanings = Meanings::default();
        for typed in receivers.iter() {
            meanings.add(match &typed.value {
                Value::Module(module) => self.member(evaluator, *module, name, MAX_HOPS),
                Value::Namespace(package) => {
                    let full = Name::existing(&format!("{package}.{name}"));
                    module(full.map(|full| self.snapshot.modules.get(full)))
                }
                Value::Instance(class) | Value::Class(class) => self.class_variable(evaluator, *class, 0, name),
                Value::Super(class) => self.class_variable(evaluator, *class, 1, name),
                Value::TypeVariable(..) => Meaning::Unknown,
                Value::Builtin(owner) if owner.as_str() == "None" => continue,
                Value::Builtin(owner) | Value::External(owner) => Meaning::External(format!("{owner}.{name}")),
                Value::Sequence(_) | Value::Mapping(_) | Value::Tuple(_) | Value::Returns(_) => {
                    Meaning::External(name.to_string())
                }
                Value::Function(_) | Value::Method { .. } => Meaning::External(name.to_string()),
            });
        }
        if receivers.is_empty() {
            meanings.add(self.called(file, name, range));
        }
        meanings.finish()
    }

    /// What the flow of values says of a method whose receiver is not known otherwise.
    fn called(&self, file: FileId, name: Name, range: TextRange) -> Meaning {
        let Some(facts) = self.facts(file) else { return Meaning::Unknown };
        let calls = facts.summary.calls.iter().zip(&self.snapshot.links[file.index()].calls);
        let mut found = Vec::new();
        for (_, link) in calls.filter(|(call, _)| call.range == range) {
            let CallLink::Edges(edges) = link else { continue };
            for edge in edges.iter().filter(|edge| !edge.implied) {
                let Some(def) = self.snapshot.def(edge.target) else { continue };
                let symbol = self.symbol_facts(def);
                let owner = symbol.parent.map(|parent| Def { unit: def.unit, symbol: parent });
                let scope = owner.and_then(|owner| self.symbol_facts(owner).scope);
                match scope {
                    Some(scope) if symbol.name == name => {
                        found.push(Variable { file: def.unit.file, scope, name });
                    }
                    // What is called was bound to the attribute under another name.
                    _ => return Meaning::Unknown,
                }
            }
        }
        if found.is_empty() { Meaning::Unknown } else { Meaning::Variables(found) }
    }

    /// What takes the argument `name` of a call.
    fn argument(&self, evaluator: &mut Evaluator<'_>, file: FileId, call: CallIndex, name: Name) -> Meaning {
        let Some(facts) = self.facts(file) else { return Meaning::Unknown };
        match self.snapshot.links[file.index()].calls.get(call.index()) {
            Some(CallLink::Edges(edges)) => {
                let mut meanings = Meanings::default();
                for edge in edges.iter() {
                    if let Some(def) = self.snapshot.def(edge.target) {
                        meanings.add(self.taken_by(evaluator, def, name));
                    }
                }
                meanings.finish()
            }
            Some(CallLink::External(callee)) => {
                let first = facts.summary.call(call).arguments.positional.first();
                let values = first.map(|&first| evaluator.eval(Unit::live(file), first)).unwrap_or_default();
                let mut meanings = Meanings::default();
                for typed in values.iter() {
                    meanings.add(match (callee.as_str(), &typed.value) {
                        ("functools.partial", Value::Function(def) | Value::Method { function: def, .. }) => {
                            self.taken_by(evaluator, *def, name)
                        }
                        ("dataclasses.replace" | "copy.replace", Value::Instance(class)) => {
                            self.class_variable(evaluator, *class, 0, name)
                        }
                        _ => continue,
                    });
                }
                match meanings.finish() {
                    Meaning::Variables(found) => Meaning::Variables(found),
                    _ => Meaning::External(callee.to_string()),
                }
            }
            Some(CallLink::Unresolved(_)) | None => Meaning::Unknown,
        }
    }

    /// The parameter of a function, or the field of a class.
    fn taken_by(&self, evaluator: &mut Evaluator<'_>, def: Def, name: Name) -> Meaning {
        if let Some(parameter) = self.parameter(self.id(def), name) {
            return Meaning::Variables(vec![parameter]);
        }
        match &self.symbol_facts(def).class {
            Some(class) if class.has_fields => self.class_variable(evaluator, def, 0, name),
            _ => Meaning::Missing(Vec::new()),
        }
    }
}

/// Joins what each of several values says.
#[derive(Default)]
struct Meanings {
    variables: Vec<Variable>,
    module: Option<FileId>,
    external: Option<String>,
    missing: Vec<SymbolId>,
    unknown: bool,
}

impl Meanings {
    fn add(&mut self, meaning: Meaning) {
        match meaning {
            Meaning::Variables(found) => {
                for variable in found {
                    if !self.variables.contains(&variable) {
                        self.variables.push(variable);
                    }
                }
            }
            Meaning::Module(file) => self.module = Some(file),
            Meaning::External(name) => self.external = Some(name),
            Meaning::Missing(classes) => self.missing.extend(classes),
            Meaning::Unknown => self.unknown = true,
        }
    }

    fn finish(self) -> Meaning {
        if !self.variables.is_empty() {
            return Meaning::Variables(self.variables);
        }
        match (self.module, self.unknown, self.external) {
            (Some(file), ..) => Meaning::Module(file),
            (None, true, _) => Meaning::Unknown,
            (None, false, Some(name)) if self.missing.is_empty() => Meaning::External(name),
            (None, false, _) => Meaning::Missing(self.missing),
        }
    }
}

pub(super) fn module(found: Option<ModuleRef>) -> Meaning {
    match found {
        Some(ModuleRef::File(file)) => Meaning::Module(file),
        Some(ModuleRef::Namespace(name)) => Meaning::External(name.to_string()),
        Some(ModuleRef::External | ModuleRef::Missing) | None => Meaning::Missing(Vec::new()),
    }
}

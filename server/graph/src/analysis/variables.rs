//! Variables: names in scopes. What a rename is about, which a definition is not: one variable may have several
//! definitions, and an import gives another module a variable of its own.

use rustc_hash::FxHashSet;
use syntax::TextRange;

use super::Analysis;
use crate::eval::{Evaluator, is_builtin};
use crate::link::CallLink;
use crate::modules::ModuleRef;
use crate::summary::{
    BindingValue, CallIndex, Expr, ExprIndex, ImportIndex, Occurrence, Occurs, Param, ParamKind, ScopeIndex, ScopeKind,
    Summary,
};
use crate::types::{Def, Unit, Value};
use crate::{FileId, Name, SymbolId};

/// Star imports of star imports, and imports of imports, deeper than this are a cycle.
const MAX_HOPS: u32 = 40;

/// A name in a scope: of a module, of a class (attributes of its instances included), of a function or of a comprehension.
/// Valid for one [`Analysis`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Variable {
    pub file: FileId,
    pub(super) scope: ScopeIndex,
    pub name: Name,
}

/// What a variable belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Module,
    /// A member of the class or of its instances.
    Class(SymbolId),
    /// Not a parameter of it.
    Function,
    Parameter {
        function: SymbolId,
        /// May be given by name; nobody does so with the receiver of a method.
        by_name: bool,
    },
}

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
    /// What the name at a place stands for. A name that an import gives as it is stands for what is imported.
    pub fn meaning_at(&self, file: FileId, offset: syntax::TextSize) -> Option<Meaning> {
        let occurrence = self.occurrence(file, offset)?;
        Some(self.origin_of(&mut self.evaluator(), file, occurrence))
    }

    /// What an occurrence stands for, behind imports that give no other name.
    pub(super) fn origin_of(&self, evaluator: &mut Evaluator<'_>, file: FileId, occurrence: Occurrence) -> Meaning {
        let meaning = self.meaning(evaluator, file, occurrence);
        let Meaning::Variables(variables) = meaning else { return meaning };
        let mut origins = Vec::new();
        for variable in variables {
            match self.origin(evaluator, variable, MAX_HOPS) {
                Meaning::Variables(found) => origins.extend(found),
                other => return other,
            }
        }
        origins.sort_unstable();
        origins.dedup();
        Meaning::Variables(origins)
    }

    /// The module that the imported name at a place is, where the package does not bind the name itself.
    pub fn imported_module_at(&self, file: FileId, offset: syntax::TextSize) -> Option<FileId> {
        let occurrence = self.occurrence(file, offset)?;
        let Occurs::Import(import) = occurrence.what else { return None };
        match self.imported(&mut self.evaluator(), file, import) {
            Meaning::Module(module) => Some(module),
            _ => None,
        }
    }

    /// The variable that the imported name at a place, or what it is called there, binds.
    pub fn variable_bound_at(&self, file: FileId, offset: syntax::TextSize) -> Option<Variable> {
        let occurrence = self.occurrence(file, offset)?;
        let Occurs::Import(import) = occurrence.what else { return None };
        self.bound_by(file, import)
    }

    /// The variable whose value a definition is.
    pub fn variable_of(&self, symbol: SymbolId) -> Option<Variable> {
        let def = self.snapshot.def(symbol).filter(|def| !def.unit.retained)?;
        let facts = self.symbol_facts(def);
        let parent = self.symbol_facts(Def { unit: def.unit, symbol: facts.parent? });
        Some(Variable { file: symbol.file, scope: parent.scope?, name: facts.name })
    }

    /// What a variable belongs to.
    pub fn owner(&self, variable: Variable) -> Owner {
        let unit = Unit::live(variable.file);
        let summary = self.snapshot.world().summary(unit);
        let scope = summary.scope(variable.scope);
        match scope.kind {
            ScopeKind::Module => Owner::Module,
            ScopeKind::Class => Owner::Class(self.id(Def { unit, symbol: scope.symbol })),
            ScopeKind::Comprehension => Owner::Function,
            ScopeKind::Function => {
                let function = summary.symbol(scope.symbol);
                let position = function.params.iter().position(|param| param.name == variable.name);
                let Some(position) = position else { return Owner::Function };
                let is_receiver =
                    position == 0 && summary.enclosing_class(scope.symbol).is_some() && !function.flags.is_staticmethod;
                Owner::Parameter {
                    function: self.id(Def { unit, symbol: scope.symbol }),
                    by_name: may_be_named(&function.params[position]) && !is_receiver,
                }
            }
        }
    }

    /// The parameter `name` of a function, if it has one that may be given by name.
    pub fn parameter(&self, function: SymbolId, name: Name) -> Option<Variable> {
        let def = self.snapshot.def(function).filter(|def| !def.unit.retained)?;
        let facts = self.symbol_facts(def);
        let is_there = facts.params.iter().any(|param| param.name == name && may_be_named(param));
        is_there.then_some(Variable { file: def.unit.file, scope: facts.scope?, name })
    }

    /// The first place that binds a variable.
    pub fn bound_at(&self, variable: Variable) -> Option<TextRange> {
        let summary = &self.facts(variable.file)?.summary;
        let bindings = summary.bindings.iter().filter(|binding| {
            binding.scope == variable.scope && binding.name == variable.name && !binding.range.is_empty()
        });
        let bound = bindings.map(|binding| binding.range).min_by_key(|range| range.start());
        let class = summary.symbol(summary.scope(variable.scope).symbol).class.as_ref();
        let attribute = class.filter(|_| summary.scope(variable.scope).kind == ScopeKind::Class);
        let attribute = attribute.and_then(|class| class.attributes.get(&variable.name));
        bound.or_else(|| attribute.map(|attribute| summary.symbol(attribute.symbol).name_range))
    }

    /// The members that are one with those given: a method and what it overrides or is overridden by, and what a common
    /// subclass would find in their place. With the classes that have any of them, and a base class outside the workspace.
    pub fn family(&self, members: &[Variable]) -> Family {
        let mut evaluator = self.evaluator();
        let mut family = Family::default();
        let mut pending: Vec<Variable> = members.to_vec();
        while let Some(member) = pending.pop() {
            if family.members.contains(&member) {
                continue;
            }
            family.members.push(member);
            let Owner::Class(class) = self.owner(member) else { continue };
            let mut heirs = vec![class];
            while let Some(heir) = heirs.pop() {
                if !family.classes.insert(heir) {
                    continue;
                }
                heirs.extend(self.subclasses(heir));
                let Some(def) = self.snapshot.def(heir) else { continue };
                let mro = evaluator.mro(def);
                pending.extend(mro.classes.iter().filter_map(|&class| self.own_variable(class, member.name)));
            }
            if let Some(def) = self.snapshot.def(class) {
                let mro = evaluator.mro(def);
                family.external_base = family.external_base.or(mro.external.map(Name::as_str));
            }
        }
        family.members.sort_unstable();
        family
    }

    /// The member of the class itself.
    pub(super) fn own_variable(&self, class: Def, name: Name) -> Option<Variable> {
        let summary = self.snapshot.world().summary(class.unit);
        let symbol = summary.symbol(class.symbol);
        let scope = symbol.scope.filter(|_| !class.unit.retained)?;
        let is_bound = summary.scope(scope).names.contains_key(&name);
        let is_set = symbol.class.as_ref().is_some_and(|class| class.attributes.contains_key(&name));
        (is_bound || is_set).then_some(Variable { file: class.unit.file, scope, name })
    }

    /// What `name` would be on an instance of a class.
    pub(super) fn class_variable(&self, evaluator: &mut Evaluator<'_>, class: Def, skip: usize, name: Name) -> Meaning {
        let mro = evaluator.mro(class);
        if let Some(found) = mro.classes.iter().skip(skip).find_map(|&class| self.own_variable(class, name)) {
            return Meaning::Variables(vec![found]);
        }
        if mro.classes.iter().any(|class| class.unit.retained) {
            return Meaning::Unknown;
        }
        Meaning::Missing(vec![self.id(class)])
    }

    /// Follows imports that give no other name.
    fn origin(&self, evaluator: &mut Evaluator<'_>, variable: Variable, hops: u32) -> Meaning {
        let unit = Unit::live(variable.file);
        let summary = self.snapshot.world().summary(unit);
        let mut bindings = summary
            .bindings
            .iter()
            .filter(|binding| {
                binding.scope == variable.scope && binding.name == variable.name && is_written(&binding.value)
            })
            .map(|binding| match binding.value {
                BindingValue::Import(import) if !summary.import(import).renamed => Some(import),
                _ => None,
            });
        let Some(Some(import)) = bindings.next() else { return Meaning::Variables(vec![variable]) };
        if hops == 0 || bindings.any(|other| other.is_none()) {
            return Meaning::Variables(vec![variable]);
        }
        let facts = summary.import(import);
        if facts.name.is_none()
            && let Some((package, _)) = facts.module.split_once('.')
        {
            // `import a.b` binds `a`.
            return module(evaluator.module(variable.file, Name::new(package), 0));
        }
        match self.imported(evaluator, variable.file, import) {
            Meaning::Variables(found) => match found.first() {
                Some(&next) => self.origin(evaluator, next, hops - 1),
                None => Meaning::Unknown,
            },
            other => other,
        }
    }

    /// What an occurrence stands for.
    pub(super) fn meaning(&self, evaluator: &mut Evaluator<'_>, file: FileId, occurrence: Occurrence) -> Meaning {
        let unit = Unit::live(file);
        let summary = self.snapshot.world().summary(unit);
        let one = |scope, name| Meaning::Variables(vec![Variable { file, scope, name }]);
        match occurrence.what {
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
                for edge in edges {
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

/// Members that are renamed together.
#[derive(Clone, Debug, Default)]
pub struct Family {
    pub members: Vec<Variable>,
    /// All classes that have one of the members, inherited or not.
    pub classes: FxHashSet<SymbolId>,
    /// The dotted name of a class outside the workspace that is a base class of an owner.
    pub external_base: Option<&'static str>,
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

/// The scopes that code in `scope` sees, innermost first.
pub(super) fn scopes_from(summary: &Summary, scope: ScopeIndex) -> impl Iterator<Item = ScopeIndex> {
    let around = std::iter::successors(Some(scope), |&index| summary.scope(index).parent);
    around.filter(move |&index| index == scope || summary.scope(index).kind != ScopeKind::Class)
}

fn module(found: Option<ModuleRef>) -> Meaning {
    match found {
        Some(ModuleRef::File(file)) => Meaning::Module(file),
        Some(ModuleRef::Namespace(name)) => Meaning::External(name.to_string()),
        Some(ModuleRef::External | ModuleRef::Missing) | None => Meaning::Missing(Vec::new()),
    }
}

/// A place in the text binds it; the others are made where control flow joins.
fn is_written(value: &BindingValue) -> bool {
    !matches!(value, BindingValue::Join(_) | BindingValue::Narrowed { .. })
}

fn may_be_named(param: &Param) -> bool {
    matches!(param.kind, ParamKind::Positional | ParamKind::KeywordOnly)
}

//! Variables: names in scopes. What a rename is about, which a definition is not: one variable may have several
//! definitions, and an import gives another module a variable of its own.

use rustc_hash::FxHashSet;
use syntax::TextRange;

use super::Analysis;
use super::meaning::{Meaning, module};
use crate::eval::Evaluator;
use crate::summary::{BindingValue, Occurrence, Occurs, Param, ParamKind, ScopeIndex, ScopeKind, Summary};
use crate::types::{Def, Unit};
use crate::{FileId, Name, SymbolId};

/// Imports of imports deeper than this are a cycle.
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
        let Occurs::Import(import) = occurrence.what() else { return None };
        match self.imported(&mut self.evaluator(), file, import) {
            Meaning::Module(module) => Some(module),
            _ => None,
        }
    }

    /// The variable that the imported name at a place, or what it is called there, binds.
    pub fn variable_bound_at(&self, file: FileId, offset: syntax::TextSize) -> Option<Variable> {
        let occurrence = self.occurrence(file, offset)?;
        let Occurs::Import(import) = occurrence.what() else { return None };
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
            let mut below = vec![class];
            while let Some(subclass) = below.pop() {
                if !family.classes.insert(subclass) {
                    continue;
                }
                below.extend(self.subclasses(subclass));
                let Some(def) = self.snapshot.def(subclass) else { continue };
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

/// The scopes that code in `scope` sees, innermost first.
pub(super) fn scopes_from(summary: &Summary, scope: ScopeIndex) -> impl Iterator<Item = ScopeIndex> {
    let around = std::iter::successors(Some(scope), |&index| summary.scope(index).parent);
    around.filter(move |&index| index == scope || summary.scope(index).kind != ScopeKind::Class)
}

/// A place in the text binds it; the others are made where control flow joins.
fn is_written(value: &BindingValue) -> bool {
    !matches!(value, BindingValue::Join(_) | BindingValue::Narrowed { .. })
}

fn may_be_named(param: &Param) -> bool {
    matches!(param.kind, ParamKind::Positional | ParamKind::KeywordOnly)
}

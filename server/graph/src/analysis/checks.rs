//! What is certainly wrong in a file, as far as names and calls go.

use rustc_hash::FxHashSet;
use syntax::TextRange;

use super::{Analysis, Symbol};
use crate::eval::is_builtin;
use crate::link::CallLink;
use crate::summary::{ArgumentShape, CallKind, Expr, Occurs, Param, ParamKind, ScopeIndex, ScopeKind, Summary};
use crate::types::{Def, Unit, Value};
use crate::{Confidence, FileId, Name, SymbolId, SymbolKind};

/// A member that a class certainly does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingMember {
    pub range: TextRange,
    pub name: String,
    /// The class or module.
    pub receiver: SymbolId,
}

/// A call whose arguments its only callee does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MisfitCall {
    pub range: TextRange,
    pub callee: SymbolId,
    /// Such as "missing argument `rate`".
    pub message: String,
}

/// Methods through which a class may have members that no text shows.
const DYNAMIC_MEMBERS: &[&str] = &["__getattr__", "__getattribute__", "__slots__"];

impl Analysis {
    /// Names that are read but bound nowhere. Empty where names may come from what is not seen.
    pub fn undefined_names(&self, file: FileId) -> Vec<(TextRange, String)> {
        let Some(facts) = self.facts(file) else { return Vec::new() };
        let summary = &facts.summary;
        let mut evaluator = self.evaluator();
        if !summary.errors.is_empty() && facts.retained.is_some() || self.hides_names(file) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for occurrence in &summary.occurrences {
            let Occurs::Load(expr) = occurrence.what else { continue };
            let Expr::Free { scope, name } = *summary.expr(expr) else { continue };
            if !is_bound(summary, scope, name)
                && !is_builtin(&name)
                && evaluator.definitions_of_member(file, name).is_empty()
                && evaluator.member(file, name).is_empty()
            {
                found.push((occurrence.range, name.to_string()));
            }
        }
        found
    }

    /// Star imports from outside, or names made at run time.
    fn hides_names(&self, file: FileId) -> bool {
        let Some(facts) = self.facts(file) else { return true };
        if facts.summary.dynamic {
            return true;
        }
        let mut evaluator = self.evaluator();
        let unit = Unit::live(file);
        let stars = facts.summary.scopes.iter().flat_map(|scope| &scope.stars);
        let hidden = |star| match evaluator.import_candidates(unit, star) {
            Some(crate::modules::ModuleRef::File(other)) => other != file && evaluator.may_hide_names(other),
            _ => true,
        };
        stars.copied().any(hidden)
    }

    /// Attributes that are read of a module or of an instance whose classes are all known, and that none of them has.
    pub fn missing_members(&self, file: FileId) -> Vec<MissingMember> {
        let Some(facts) = self.facts(file) else { return Vec::new() };
        let summary = &facts.summary;
        let mut evaluator = self.evaluator();
        let unit = Unit::live(file);
        let mut found = Vec::new();
        for occurrence in &summary.occurrences {
            let Occurs::Load(expr) = occurrence.what else { continue };
            let Expr::Attribute { value, name } = *summary.expr(expr) else { continue };
            if name.is_empty() || name.starts_with("__") {
                continue;
            }
            let receivers = evaluator.eval(unit, value);
            let mut missing = None;
            let all_lack_it = !receivers.is_empty()
                && receivers.iter().all(|typed| match &typed.value {
                    Value::Instance(class) | Value::Class(class) => {
                        missing = Some(self.id(*class));
                        self.certainly_lacks(&mut evaluator, *class, name)
                    }
                    Value::Module(module) => {
                        missing = Some(self.module(*module));
                        *module != file
                            && evaluator.definitions_of_member(*module, name).is_empty()
                            && evaluator.member(*module, name).is_empty()
                            && !evaluator.may_hide_names(*module)
                    }
                    _ => false,
                });
            if let (true, Some(receiver)) = (all_lack_it, missing) {
                found.push(MissingMember { range: occurrence.range, name: name.to_string(), receiver });
            }
        }
        found
    }

    fn certainly_lacks(&self, evaluator: &mut crate::eval::Evaluator<'_>, class: Def, name: Name) -> bool {
        let mro = evaluator.mro(class);
        let is_open = mro.classes.iter().any(|&class| {
            let symbol = self.symbol_facts(class);
            let is_broken = self.facts(class.unit.file).is_none_or(|facts| !facts.summary.errors.is_empty());
            symbol.class.as_ref().is_some_and(|facts| facts.is_transformed && !self.is_dataclass(class)) || is_broken
        });
        let is_dynamic = DYNAMIC_MEMBERS.iter().any(|name| evaluator.has_member(class, Name::new(name)));
        mro.complete
            && !is_open
            && !is_dynamic
            && !evaluator.has_member(class, name)
            // A mixin uses what the classes it is mixed into have.
            && self.subclasses(self.id(class)).iter().all(|&subclass| {
                self.snapshot.def(subclass).is_some_and(|subclass| !evaluator.has_member(subclass, name))
            })
    }

    /// Decorated, but only in a way that adds no members a person would call.
    fn is_dataclass(&self, class: Def) -> bool {
        let symbol = self.symbol_facts(class);
        let source = self.source(class.unit.file);
        !symbol.decorators.is_empty()
            && symbol.decorators.iter().all(|range| {
                let text = source.slice(*range);
                ["dataclass", "total_ordering", "final", "runtime_checkable"].iter().any(|name| text.contains(name))
            })
    }

    /// Calls with one certain callee in the workspace that does not take their arguments.
    pub fn misfit_calls(&self, file: FileId) -> Vec<MisfitCall> {
        let Some(facts) = self.facts(file) else { return Vec::new() };
        let links = &self.snapshot.links[file.index()].calls;
        let mut found = Vec::new();
        for (call, link) in facts.summary.calls.iter().zip(links) {
            let CallLink::Edges(edges) = link else { continue };
            let mut explicit = edges.iter().filter(|edge| !edge.implied);
            let (Some(edge), None) = (explicit.next(), explicit.next()) else { continue };
            if edge.confidence == Confidence::Possible || call.kind == CallKind::Decorator || call.shape.unpacks {
                continue;
            }
            let implied: Vec<SymbolId> = edges.iter().filter(|edge| edge.implied).map(|edge| edge.target).collect();
            let is_attribute = matches!(facts.summary.expr(call.callee), Expr::Attribute { .. });
            if let Some((callee, message)) = self.misfit(edge.target, &implied, &call.shape, is_attribute) {
                found.push(MisfitCall { range: call.range, callee, message });
            }
        }
        found
    }

    fn misfit(
        &self,
        target: SymbolId,
        implied: &[SymbolId],
        shape: &ArgumentShape,
        is_attribute: bool,
    ) -> Option<(SymbolId, String)> {
        let symbol = self.symbol(target);
        match symbol.kind {
            SymbolKind::Class => {
                // Only where nothing but `__init__` sees the arguments: no metaclass, no `__new__`, no base outside.
                let [init] = implied else { return None };
                let is_plain = self.ancestors(target).iter().all(|&class| {
                    let def = self.snapshot.def(class);
                    def.is_some_and(|def| self.symbol_facts(def).class.as_ref().is_some_and(|it| !it.is_transformed))
                });
                let mro = self.evaluator().mro(self.snapshot.def(target)?);
                let init = self.symbol(*init);
                if !is_plain || !mro.complete || init.name != "__init__" || !is_checkable(&init) {
                    return None;
                }
                Some((init.id, misfit(init.params.get(1..)?, shape)?))
            }
            SymbolKind::Method if !is_checkable(&symbol) => None,
            SymbolKind::Method if symbol.flags.is_staticmethod => Some((target, misfit(symbol.params, shape)?)),
            // `Class.method(instance)` and methods passed around are not looked at.
            SymbolKind::Method if !is_attribute || !self.is_bound_call(&symbol) => None,
            SymbolKind::Method => Some((target, misfit(symbol.params.get(1..)?, shape)?)),
            SymbolKind::Function | SymbolKind::Lambda if is_checkable(&symbol) => {
                Some((target, misfit(symbol.params, shape)?))
            }
            _ => None,
        }
    }

    fn is_bound_call(&self, method: &Symbol<'_>) -> bool {
        method.params.first().is_some_and(|param| matches!(param.name.as_str(), "self" | "cls"))
    }
}

/// What stands in the text is what is called.
fn is_checkable(symbol: &Symbol<'_>) -> bool {
    let flags = symbol.flags;
    !flags.is_decorated && !flags.is_overload && !flags.is_property && !symbol.is_retained()
}

/// Whether a scope around `scope` binds `name` at all.
fn is_bound(summary: &Summary, scope: ScopeIndex, name: Name) -> bool {
    let mut current = Some(scope);
    while let Some(index) = current {
        let facts = summary.scope(index);
        if (facts.kind != ScopeKind::Class || index == scope) && facts.names.contains_key(&name) {
            return true;
        }
        current = facts.parent;
    }
    false
}

/// Why `shape` does not fit `params`, as Python would say it.
fn misfit(params: &[Param], shape: &ArgumentShape) -> Option<String> {
    let takes = |kinds: &[ParamKind]| params.iter().filter(|param| kinds.contains(&param.kind)).collect::<Vec<_>>();
    let positional = takes(&[ParamKind::PositionalOnly, ParamKind::Positional]);
    let has_args = !takes(&[ParamKind::VarArgs]).is_empty();
    let has_kwargs = !takes(&[ParamKind::KwArgs]).is_empty();
    let given = shape.positional as usize;
    if given > positional.len() && !has_args {
        return Some(format!("too many arguments: {given} given, at most {} taken", positional.len()));
    }
    let by_position: FxHashSet<Name> = positional.iter().take(given).map(|param| param.name).collect();
    for &keyword in &shape.keywords {
        let param = params.iter().find(|param| {
            param.name == keyword && matches!(param.kind, ParamKind::Positional | ParamKind::KeywordOnly)
        });
        match param {
            None if !has_kwargs => return Some(format!("unknown argument `{keyword}`")),
            Some(param) if by_position.contains(&param.name) => {
                return Some(format!("argument `{keyword}` is given twice"));
            }
            _ => {}
        }
    }
    let required = params.iter().filter(|param| {
        let by_name = matches!(param.kind, ParamKind::PositionalOnly | ParamKind::Positional | ParamKind::KeywordOnly);
        by_name && !param.has_default
    });
    let missing: Vec<&str> = required
        .filter(|param| !by_position.contains(&param.name) && !shape.keywords.contains(&param.name))
        .map(|param| param.name.as_str())
        .collect();
    match missing[..] {
        [] => None,
        [one] => Some(format!("missing argument `{one}`")),
        _ => Some(format!("missing arguments `{}`", missing.join("`, `"))),
    }
}

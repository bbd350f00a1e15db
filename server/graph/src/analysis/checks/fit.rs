//! Calls whose arguments their callee does not take.
//!
//! A call is judged when every function that it may reach is known and none of them takes what it is given. Whatever may
//! put another function in between ends the judgement: decorators, metaclasses, overrides in subclasses, assignments to
//! attributes of that name.

use rustc_hash::{FxHashMap, FxHashSet};
use syntax::TextRange;

use super::super::{Analysis, Symbol};
use crate::eval::Evaluator;
use crate::link::{CallLink, Edge};
use crate::snapshot::FileFacts;
use crate::summary::{
    Arguments, BindingValue, CallFacts, CallKind, Expr, ExprIndex, Occurs, Param, ParamKind, ScopeKind, Summary,
    SymbolIndex,
};
use crate::types::{Def, Typed, Types, Unit, Value};
use crate::{FileId, Name, SymbolId};

/// A call whose arguments none of its callees takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncompatibleCall {
    /// The callee's name.
    pub range: TextRange,
    /// The first of its callees.
    pub callee: SymbolId,
    /// Such as "missing argument `rate`".
    pub message: String,
}

/// Who calls a definition, and whose calls do not fit it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IncompatibleCallers {
    pub broken: usize,
    pub all: usize,
}

/// Whether somebody assigns to an attribute of a class or of whatever; asked once for each.
type Assigned = FxHashMap<(Option<Def>, Name), bool>;

impl Analysis {
    /// The calls of `file` that do not fit what they call, in source order.
    pub fn incompatible_calls(&self, file: FileId) -> Vec<IncompatibleCall> {
        let mut found = Vec::new();
        self.visit_incompatible(file, |_| true, |_, incompatibility| found.push(incompatibility));
        found
    }

    /// Of those who call `id`, how many have calls that do not fit it. Calling a class counts as calling its `__init__`.
    pub fn incompatible_callers(&self, id: SymbolId) -> IncompatibleCallers {
        let callers = self.callers(id);
        let mut broken = FxHashSet::default();
        let files: FxHashSet<FileId> = callers.iter().map(|call| call.other.file).collect();
        for file in files {
            let leads_there = |edges: &[Edge]| edges.iter().any(|edge| edge.target == id);
            self.visit_incompatible(file, leads_there, |caller, _| {
                broken.insert(caller);
            });
        }
        IncompatibleCallers { broken: broken.len(), all: callers.len() }
    }

    fn visit_incompatible(
        &self,
        file: FileId,
        is_wanted: impl Fn(&[Edge]) -> bool,
        mut visit: impl FnMut(SymbolId, IncompatibleCall),
    ) {
        let Some(facts) = self.facts(file) else { return };
        let links = &self.snapshot.links[file.index()].calls;
        let mut evaluator = self.evaluator();
        let mut assigned = Assigned::default();
        for (call, link) in facts.summary.calls.iter().zip(links) {
            let CallLink::Edges(edges) = link else { continue };
            if call.kind != CallKind::Call || call.arguments.unpacks() || !is_wanted(edges) {
                continue;
            }
            if let Some(incompatibility) =
                self.incompatible_call(&mut evaluator, &mut assigned, facts, file, call, edges)
            {
                visit(self.id(Def { unit: Unit::live(file), symbol: call.caller }), incompatibility);
            }
        }
    }

    fn incompatible_call(
        &self,
        evaluator: &mut Evaluator<'_>,
        assigned: &mut Assigned,
        facts: &FileFacts,
        file: FileId,
        call: &CallFacts,
        edges: &[Edge],
    ) -> Option<IncompatibleCall> {
        let mut explicit = edges.iter().filter(|edge| !edge.implied);
        if explicit.all(|edge| self.certainly_fits(edge, edges, &facts.summary, call)) {
            return None;
        }
        let callees = evaluator.eval(Unit::live(file), call.callee);
        let mut found = None;
        for typed in callees.iter() {
            let (callee, bound) = self.callee(evaluator, typed, edges)?;
            let message = self.incompatibility(callee, bound, &call.arguments)?;
            found.get_or_insert((callee, message));
        }
        let (callee, message) = found?;
        let evaluated = |target: SymbolId| {
            callees.iter().any(|typed| match typed.value {
                Value::Function(def) | Value::Class(def) | Value::Method { function: def, .. } => {
                    self.id(def) == target
                }
                _ => false,
            })
        };
        // Where values flow may know more than linking does.
        let agrees = edges.iter().filter(|edge| !edge.implied).all(|edge| evaluated(edge.target));
        let receiver = attribute_of(&facts.summary, call.callee);
        let is_open = receiver.is_some_and(|(value, name)| {
            self.may_be_another(evaluator, file, value, name, &callees, &call.arguments)
                || callees.iter().any(|typed| {
                    let owner = self.owning_class(&typed.value);
                    *assigned.entry((owner, name)).or_insert_with(|| self.is_assigned(evaluator, owner, name))
                })
        }) || receiver.is_none() && self.is_rebound(callee);
        (agrees && !is_open).then(|| IncompatibleCall { range: call.range, callee: self.id(callee), message })
    }

    /// Whether a call fits the callee of `edge` whatever it is called on. Told without evaluating anything: that is enough
    /// for most calls.
    fn certainly_fits(&self, edge: &Edge, edges: &[Edge], summary: &Summary, call: &CallFacts) -> bool {
        let Some(def) = self.snapshot.def(edge.target) else { return true };
        let facts = self.symbol_facts(def);
        let fits = |params: &[Param]| incompatibility(params, &call.arguments).is_none();
        let fits_bound = |params: &[Param]| unbound(params, 1).is_none_or(fits);
        if facts.class.is_some() {
            let constructor = edges.iter().find(|edge| edge.implied).and_then(|edge| self.snapshot.def(edge.target));
            return constructor.is_none_or(|constructor| fits_bound(&self.symbol_facts(constructor).params));
        }
        let is_method = self.snapshot.world().summary(def.unit).enclosing_class(def.symbol).is_some();
        if !is_method || facts.flags.is_staticmethod {
            return fits(&facts.params);
        }
        let on_instance = attribute_of(summary, call.callee).is_some_and(|(value, _)| {
            matches!(summary.expr(value), Expr::Super(_)) || summary.is_receiver(call.caller, value)
        });
        fits_bound(&facts.params) && (on_instance || facts.flags.is_classmethod || fits(&facts.params))
    }

    /// The function that sees the arguments, and how many of its parameters are filled already. `None` when that is not
    /// known.
    fn callee(&self, evaluator: &mut Evaluator<'_>, typed: &Typed, edges: &[Edge]) -> Option<(Def, usize)> {
        match typed.value {
            Value::Function(function) => Some((function, 0)),
            Value::Method { function, .. } => Some((function, 1)),
            // `cls(…)` makes an instance of a subclass as well, which may have a constructor of its own.
            Value::Class(class) if typed.inferred && !self.descendants(class).is_empty() => None,
            Value::Class(class) => Some((self.only_constructor(evaluator, class, edges)?, 1)),
            _ => None,
        }
    }

    /// Why the arguments do not fit; `None` where they do, or where the text of `callee` is not what is called.
    fn incompatibility(&self, callee: Def, bound: usize, arguments: &Arguments) -> Option<String> {
        let symbol = self.symbol(self.id(callee));
        incompatibility(unbound(symbol.params, bound)?, arguments).filter(|_| is_checkable(&symbol))
    }

    /// The `__init__` that alone sees a class's arguments: there is no metaclass, no `__new__` and no base outside, but for
    /// exceptions, whose `__new__` takes anything.
    fn only_constructor(&self, evaluator: &mut Evaluator<'_>, class: Def, edges: &[Edge]) -> Option<Def> {
        let mut implied = edges.iter().filter(|edge| edge.implied);
        let (Some(edge), None) = (implied.next(), implied.next()) else { return None };
        let mro = evaluator.mro(class);
        let is_known = mro.complete || is_exception(evaluator, class);
        let is_plain = is_known && !mro.classes.iter().any(|&class| self.is_transformed(class));
        let constructor = self.snapshot.def(edge.target)?;
        (is_plain && self.symbol_facts(constructor).name.as_str() == "__init__").then_some(constructor)
    }

    /// Whether `value.name(…)` may reach a function that takes the arguments: one of a subclass, or one of a base class that
    /// is not known.
    fn may_be_another(
        &self,
        evaluator: &mut Evaluator<'_>,
        file: FileId,
        value: ExprIndex,
        name: Name,
        callees: &Types,
        arguments: &Arguments,
    ) -> bool {
        let receivers = evaluator.eval(Unit::live(file), value);
        if receivers.is_empty() {
            return true;
        }
        let takes_it = |function: Option<&Value>| match function {
            Some(Value::Method { function, .. }) => self.incompatibility(*function, 1, arguments).is_none(),
            Some(Value::Function(function)) => self.incompatibility(*function, 0, arguments).is_none(),
            _ => true,
        };
        receivers.iter().any(|typed| match typed.value {
            Value::Module(_) => false,
            // A class that is named is that class.
            Value::Class(class) if !typed.inferred => self.is_inherited_blindly(evaluator, class, callees),
            Value::Instance(class) | Value::Class(class) => {
                let is_instance = matches!(typed.value, Value::Instance(_));
                self.is_inherited_blindly(evaluator, class, callees)
                    || self.descendants(class).into_iter().any(|descendant| {
                        let member = match is_instance {
                            true => evaluator.instance_member(descendant, name),
                            false => evaluator.class_member(descendant, name),
                        };
                        member.is_empty() || member.iter().any(|typed| takes_it(Some(&typed.value)))
                    })
            }
            // What comes next in the order of a subclass is not what comes next here.
            Value::Super(class) => {
                let mro = evaluator.mro(class);
                let next = definer(evaluator, &mro.classes[1..], name);
                let is_alone = next.is_some_and(|next| is_only_ancestor(evaluator, class, next));
                !mro.complete && !is_alone
                    || self.descendants(class).into_iter().any(|descendant| {
                        let mro = evaluator.mro(descendant);
                        let after = mro.classes.iter().position(|&it| it == class).map_or(0, |at| at + 1);
                        !mro.complete && !is_alone || definer(evaluator, &mro.classes[after..], name) != next
                    })
            }
            _ => true,
        })
    }

    /// Whether the method comes from a base class, and there are others that are not known.
    fn is_inherited_blindly(&self, evaluator: &mut Evaluator<'_>, class: Def, callees: &Types) -> bool {
        let mro = evaluator.mro(class);
        let is_replaced = mro.classes.iter().any(|&class| self.is_transformed(class));
        let mut is_near = |typed: &Typed| {
            self.owning_class(&typed.value).is_some_and(|owner| is_only_ancestor(evaluator, class, owner))
        };
        is_replaced || !mro.complete && !callees.iter().all(&mut is_near)
    }

    /// The class of a method.
    fn owning_class(&self, value: &Value) -> Option<Def> {
        let (Value::Function(function) | Value::Method { function, .. }) = *value else { return None };
        let class = self.snapshot.world().summary(function.unit).enclosing_class(function.symbol)?;
        Some(Def { unit: function.unit, symbol: class })
    }

    /// Whether somebody assigns to the attribute `name` of something that may be an `owner`, a subclass or a base of it.
    fn is_assigned(&self, evaluator: &mut Evaluator<'_>, owner: Option<Def>, name: Name) -> bool {
        let Some(owner) = owner else { return self.is_assigned_to_something(name) };
        let bases = evaluator.mro(owner);
        self.files().any(|file| {
            let Some(facts) = self.facts(file).filter(|facts| facts.summary.mentions(name)) else { return false };
            let summary = &facts.summary;
            summary.occurrences.iter().any(|occurrence| {
                let Occurs::StoreAttribute(expr) = occurrence.what() else { return false };
                let Expr::Attribute { value, name: stored } = *summary.expr(expr) else { return false };
                if stored != name {
                    return false;
                }
                let receivers = evaluator.eval(Unit::live(file), value);
                receivers.is_empty()
                    || receivers.iter().any(|typed| match typed.value {
                        Value::Instance(class) | Value::Class(class) => {
                            bases.classes.contains(&class) || evaluator.mro(class).classes.contains(&owner)
                        }
                        Value::Module(_) | Value::Namespace(_) | Value::Builtin(_) => false,
                        // What something foreign returns may be one of ours; something foreign itself is not.
                        Value::External(name) => name.contains("()"),
                        _ => true,
                    })
            })
        })
    }

    /// Subclasses at any depth.
    pub(in crate::analysis) fn descendants(&self, class: Def) -> Vec<Def> {
        let mut seen = FxHashSet::from_iter([self.id(class)]);
        let mut pending = vec![self.id(class)];
        let mut found = Vec::new();
        while let Some(class) = pending.pop() {
            for subclass in self.subclasses(class) {
                if seen.insert(subclass) {
                    found.extend(self.snapshot.def(subclass));
                    pending.push(subclass);
                }
            }
        }
        found
    }

    /// Whether a function of a module is bound a second time somewhere, as tests and `global` do.
    fn is_rebound(&self, function: Def) -> bool {
        let summary = self.snapshot.world().summary(function.unit);
        let facts = summary.symbol(function.symbol);
        let name = facts.name;
        let bindings = summary.bindings.iter().filter(|binding| binding.name == name);
        let is_at_home = |scope: ScopeKind| matches!(scope, ScopeKind::Module | ScopeKind::Class);
        facts.parent == Some(SymbolIndex::MODULE)
            && bindings
                .filter(|binding| is_at_home(summary.scope(binding.scope).kind))
                .any(|binding| matches!(binding.value, BindingValue::Value(_)))
    }
}

/// The first of `classes` that has a member of its own called `name`.
fn definer(evaluator: &mut Evaluator<'_>, classes: &[Def], name: Name) -> Option<Def> {
    classes.iter().copied().find(|&class| !evaluator.own_referents(class, name).is_empty())
}

/// Whether nothing can come between a class and its ancestor: each has one base only.
fn is_only_ancestor(evaluator: &mut Evaluator<'_>, class: Def, ancestor: Def) -> bool {
    let mut at = class;
    // No real hierarchy is so deep.
    for _ in 0..64 {
        if at == ancestor {
            return true;
        }
        let written = evaluator.world.summary(at.unit).symbol(at.symbol).class.as_ref().map_or(0, |it| it.bases.len());
        let bases = evaluator.bases(at);
        let mut bases = bases.iter().map(|typed| &typed.value);
        match (bases.next(), bases.next(), written) {
            (Some(&Value::Class(base)), None, 1) => at = base,
            _ => return false,
        }
    }
    false
}

/// Whether the class and each of its bases has one base only, up to a built-in exception.
fn is_exception(evaluator: &mut Evaluator<'_>, class: Def) -> bool {
    let mro = evaluator.mro(class);
    let Some(&last) = mro.classes.last() else { return false };
    let written = evaluator.world.summary(last.unit).symbol(last.symbol).class.as_ref().map_or(0, |it| it.bases.len());
    let ends = |name: &str| ["Exception", "Error", "Warning"].iter().any(|suffix| name.ends_with(suffix));
    let bases = evaluator.bases(last);
    let is_built_in = bases.iter().all(|typed| matches!(&typed.value, Value::Builtin(name) if ends(name)));
    written == 1 && !bases.is_empty() && is_built_in && is_only_ancestor(evaluator, class, last)
}

/// `value` and `name` of `value.name`.
fn attribute_of(summary: &Summary, callee: ExprIndex) -> Option<(ExprIndex, Name)> {
    match *summary.expr(callee) {
        Expr::Attribute { value, name } => Some((value, name)),
        Expr::Recent { place, .. } => attribute_of(summary, place),
        _ => None,
    }
}
/// What stands in the text is what is called.
fn is_checkable(symbol: &Symbol<'_>) -> bool {
    let flags = symbol.flags;
    let is_plain = !flags.is_decorated && !flags.is_overload && !flags.is_property;
    // `__new__` is given its class by hand where it is called by name.
    is_plain && !symbol.is_retained() && symbol.name != "__new__"
}

/// What is left of `params` when the first `bound` of them are filled; `*args` are never full.
pub(in crate::analysis) fn unbound(params: &[Param], bound: usize) -> Option<&[Param]> {
    match params.first() {
        Some(first) if first.kind == ParamKind::VarArgs => Some(params),
        _ => params.get(bound..),
    }
}

/// Why `arguments` do not fit `params`, as Python would say it.
pub(in crate::analysis) fn incompatibility(params: &[Param], arguments: &Arguments) -> Option<String> {
    let takes = |kinds: &[ParamKind]| params.iter().filter(|param| kinds.contains(&param.kind)).collect::<Vec<_>>();
    let positional = takes(&[ParamKind::PositionalOnly, ParamKind::Positional]);
    let has_args = !takes(&[ParamKind::VarArgs]).is_empty();
    let has_kwargs = !takes(&[ParamKind::KwArgs]).is_empty();
    let given = arguments.positional.len();
    if given > positional.len() && !has_args {
        return Some(format!("too many arguments: {given} given, at most {} taken", positional.len()));
    }
    let by_position: FxHashSet<Name> = positional.iter().take(given).map(|param| param.name).collect();
    for &(keyword, _) in arguments.keywords() {
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
        .filter(|param| {
            !by_position.contains(&param.name) && !arguments.keywords().iter().any(|(name, _)| *name == param.name)
        })
        .map(|param| param.name.as_str())
        .collect();
    match missing[..] {
        [] => None,
        [one] => Some(format!("missing argument `{one}`")),
        _ => Some(format!("missing arguments `{}`", missing.join("`, `"))),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::testing::host;

    /// The ranges marked `$1…$1` are the calls of `/main.py` that do not fit.
    #[track_caller]
    fn check_incompatible(text: &str) {
        let analysis = host(text).analysis();
        let file = analysis.file(Path::new("/main.py")).unwrap();
        let found: Vec<_> = analysis.incompatible_calls(file).into_iter().map(|it| (file, it.range)).collect();
        assert_eq!(found, crate::testing::marked(text, &analysis));
    }

    #[test]
    fn incompatible_calls() {
        check_incompatible(
            "def f(a, b=1, *, c): ...\nf(1, c=2)\n$1f$1(1)\n$1f$1(1, 2, 3, c=4)\n$1f$1(1, c=1, d=2)\nf(*x)\n",
        );
        check_incompatible(
            "class C:\n    def __init__(self, a): ...\n    def m(self, b): ...\n$1C$1()\nC(1).$1m$1()\nC(1).m(2)\n",
        );
        check_incompatible(
            "class C:\n    @staticmethod\n    def s(a): ...\n    @classmethod\n    def k(cls, a): ...\nC.s(1)\nC.k(1)\nC.$1s$1()\n",
        );
        check_incompatible(
            "class A:\n    def m(self, x): ...\nclass B(A):\n    def m(self, x):\n        A.m(self, x)\n        A.$1m$1(x)\n",
        );
        check_incompatible(
            "def make(n):\n    def g(self, model): ...\n    return g\nclass R:\n    read = make('r')\nR().read(1)\n",
        );
        check_incompatible(
            "class M(type):\n    def __new__(cls, a, b, c): ...\nclass N(M):\n    def __new__(cls, a, b, c):\n        return super().__new__(cls, a, b, c)\n",
        );
        check_incompatible("class C:\n    def m(*args): ...\n    def n(*args, k): ...\nC().m(1, 2)\nC().$1n$1(1)\n");
        // What a class body binds further down is not meant.
        check_incompatible(
            "class Queues:\n    def __init__(self): ...\nclass A:\n    queues = Queues\n    def make(self): self.queues()\n    def Queues(self, a, b): ...\n",
        );
        check_incompatible("def deco(f): ...\n@deco\ndef f(a): ...\nf()\n");
        check_incompatible("from dataclasses import dataclass\n@dataclass\nclass C:\n    a: int\nC(1)\n");
    }

    #[test]
    fn what_may_be_another_function() {
        check_incompatible(
            "class A:\n    def m(self): ...\nclass B(A):\n    def m(self, x): ...\ndef f(a: A): a.m(1)\n",
        );
        check_incompatible("class A:\n    def m(self): ...\nclass B(A): ...\ndef f(a: A): a.$1m$1(1)\n");
        check_incompatible(
            "class A:\n    def m(self): ...\n    def n(self): self.m(1)\nclass B:\n    def m(self, x): ...\nclass C(B, A): ...\n",
        );
        check_incompatible("class A:\n    def m(self): ...\n    def n(self): self.m(1)\ndef f(a): a.m = print\n");
        check_incompatible(
            "from x import X\nclass A:\n    def m(self): ...\nclass B(X, A):\n    def n(self): self.m(1)\n",
        );
        check_incompatible(
            "class A:\n    def __init__(self): ...\n    @classmethod\n    def make(cls): return cls(1)\nclass B(A):\n    def __init__(self, x): ...\n",
        );
        check_incompatible(
            "class A:\n    def m(self): ...\nclass B(A):\n    def m(self): super().m(1)\nclass C(A):\n    def m(self, x): ...\nclass D(B, C): ...\n",
        );
        check_incompatible("class A:\n    def m(self): ...\nclass B(A):\n    def m(self): super().$1m$1(1)\n");
        check_incompatible(
            "class A(Exception):\n    def __init__(self): ...\nclass B(A):\n    def __init__(self): super().$1__init__$1(1)\n",
        );
        check_incompatible("from x import X\nclass A(X):\n    def m(self): ...\nclass B(A): ...\nB().$1m$1(1)\n");
        check_incompatible(
            "class A(ValueError):\n    def __init__(self, x): ...\nclass B(A): ...\n$1B$1()\nraise B(1)\n",
        );
        check_incompatible(
            "import x\nx.C.__init__ = 1\nclass A:\n    def __init__(self, x): ...\nclass B(A):\n    def __init__(self):\n        super().$1__init__$1()\n",
        );
        check_incompatible(
            "class A:\n    def m(self): ...\nclass B:\n    def __init__(self): self.m = 1\nA().$1m$1(1)\n",
        );
        check_incompatible(
            "class A:\n    def m(self): ...\nclass B(A):\n    def __init__(self): self.m = 1\nA().m(1)\n",
        );
        check_incompatible("try:\n    from x import f\nexcept ImportError:\n    def f(a): ...\nf()\n");
        check_incompatible("if x:\n    def f(a): ...\nelse:\n    def f(a, b): ...\nf(1, 2)\n$1f$1()\n");
        check_incompatible("def f(a): ...\ndef g():\n    global f\n    f = print\nf()\n");
    }
}

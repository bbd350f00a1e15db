//! What is certainly wrong in a file, as far as names and calls go.

use rustc_hash::FxHashSet;
use syntax::TextRange;

use super::{Analysis, Symbol};
use crate::eval::is_builtin;
use crate::link::CallLink;
use crate::summary::{Arguments, CallKind, Expr, ExprIndex, Occurs, Param, ParamKind};
use crate::types::{Def, Unit, Value};
use crate::{Confidence, FileId, Name, SymbolId};

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
            if !summary.visible_from(scope).any(|facts| facts.names.contains_key(&name))
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
            if name.is_empty() || name.starts_with("__") || self.may_be_replaced(&mut evaluator, unit, value) {
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
            if let (true, Some(receiver)) = (all_lack_it, missing)
                && !self.may_be_set(name, &[file, receiver.file])
            {
                found.push(MissingMember { range: occurrence.range, name: name.to_string(), receiver });
            }
        }
        found
    }

    /// Whether the value is an attribute of a class whose metaclass or decorator may have replaced what its body says.
    fn may_be_replaced(&self, evaluator: &mut crate::eval::Evaluator<'_>, unit: Unit, value: ExprIndex) -> bool {
        let Expr::Attribute { value: owner, .. } = *self.snapshot.world().summary(unit).expr(value) else {
            return false;
        };
        let owners = evaluator.eval(unit, owner);
        owners.iter().any(|typed| match typed.value {
            Value::Instance(class) | Value::Class(class) => {
                let mro = evaluator.mro(class);
                !mro.complete || mro.classes.iter().any(|&class| self.is_transformed(class))
            }
            _ => false,
        })
    }

    fn is_transformed(&self, class: Def) -> bool {
        self.symbol_facts(class).class.as_ref().is_some_and(|facts| facts.is_transformed)
    }

    /// Whether `name` is assigned to anything anywhere, or named in a string of `files` as `setattr` and `hasattr` do.
    fn may_be_set(&self, name: Name, files: &[FileId]) -> bool {
        let quoted = [format!("'{name}'"), format!("\"{name}\"")];
        files.iter().any(|&file| quoted.iter().any(|quoted| self.source(file).text().contains(quoted)))
            || self.snapshot.files.iter().flatten().filter(|facts| facts.summary.mentions(name)).any(|facts| {
                let summary = &facts.summary;
                summary.occurrences.iter().any(|occurrence| {
                    matches!(occurrence.what, Occurs::StoreAttribute(_))
                        && summary.occurring_name(occurrence.what) == Some(name)
                })
            })
    }

    fn certainly_lacks(&self, evaluator: &mut crate::eval::Evaluator<'_>, class: Def, name: Name) -> bool {
        let mro = evaluator.mro(class);
        let is_open = mro.classes.iter().any(|&class| {
            let symbol = self.symbol_facts(class);
            let is_broken = self.facts(class.unit.file).is_none_or(|facts| !facts.summary.errors.is_empty());
            self.is_transformed(class) && !self.is_dataclass(class) || is_broken || symbol.class.is_none()
        });
        let is_dynamic = DYNAMIC_MEMBERS.iter().any(|name| evaluator.has_member(class, Name::new(name)));
        mro.complete
            && !is_open
            && !is_dynamic
            && !self.symbol_facts(class).name.contains("Mixin")
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
        let mut evaluator = self.evaluator();
        let mut found = Vec::new();
        for (call, link) in facts.summary.calls.iter().zip(links) {
            let CallLink::Edges(edges) = link else { continue };
            let mut explicit = edges.iter().filter(|edge| !edge.implied);
            let (Some(edge), None) = (explicit.next(), explicit.next()) else { continue };
            if edge.confidence == Confidence::Possible || call.kind != CallKind::Call || call.arguments.unpacks() {
                continue;
            }
            // Whether the first parameter is already bound is not in the edge.
            let callees = evaluator.eval(Unit::live(file), call.callee);
            let Some(typed) = callees.iter().next() else { continue };
            let (callee, bound) = match typed.value {
                Value::Function(_) => (edge.target, 0),
                Value::Method { .. } => (edge.target, 1),
                Value::Class(class) => match self.only_constructor(&mut evaluator, class, edges) {
                    Some(constructor) => (constructor, 1),
                    None => continue,
                },
                _ => continue,
            };
            let symbol = self.symbol(callee);
            if is_checkable(&symbol)
                && let Some(params) = symbol.params.get(bound..)
                && let Some(message) = misfit(params, &call.arguments)
            {
                found.push(MisfitCall { range: call.range, callee, message });
            }
        }
        found
    }

    /// The `__init__` that alone sees a class's arguments: there is no metaclass, no `__new__` and no base outside.
    fn only_constructor(
        &self,
        evaluator: &mut crate::eval::Evaluator<'_>,
        class: Def,
        edges: &[crate::link::Edge],
    ) -> Option<SymbolId> {
        let mut implied = edges.iter().filter(|edge| edge.implied);
        let (Some(edge), None) = (implied.next(), implied.next()) else { return None };
        let mro = evaluator.mro(class);
        let is_plain = mro.complete && !mro.classes.iter().any(|&class| self.is_transformed(class));
        (is_plain && self.symbol(edge.target).name == "__init__").then_some(edge.target)
    }
}

/// What stands in the text is what is called.
fn is_checkable(symbol: &Symbol<'_>) -> bool {
    let flags = symbol.flags;
    let is_plain = !flags.is_decorated && !flags.is_overload && !flags.is_property;
    // `__new__` is given its class by hand where it is called by name.
    is_plain && !symbol.is_retained() && symbol.name != "__new__"
}

/// Why `arguments` do not fit `params`, as Python would say it.
fn misfit(params: &[Param], arguments: &Arguments) -> Option<String> {
    let takes = |kinds: &[ParamKind]| params.iter().filter(|param| kinds.contains(&param.kind)).collect::<Vec<_>>();
    let positional = takes(&[ParamKind::PositionalOnly, ParamKind::Positional]);
    let has_args = !takes(&[ParamKind::VarArgs]).is_empty();
    let has_kwargs = !takes(&[ParamKind::KwArgs]).is_empty();
    let given = arguments.positional.len();
    if given > positional.len() && !has_args {
        return Some(format!("too many arguments: {given} given, at most {} taken", positional.len()));
    }
    let by_position: FxHashSet<Name> = positional.iter().take(given).map(|param| param.name).collect();
    for &(keyword, _) in &arguments.keywords {
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
            !by_position.contains(&param.name) && !arguments.keywords.iter().any(|(name, _)| *name == param.name)
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

    use super::*;
    use crate::testing::host;

    /// The ranges marked `$1…$1` are what the check finds in `/main.py`.
    #[track_caller]
    fn check(text: &str, find: impl Fn(&Analysis, FileId) -> Vec<TextRange>) {
        let analysis = host(text).analysis();
        let file = analysis.file(Path::new("/main.py")).unwrap();
        let mut found: Vec<_> = find(&analysis, file).into_iter().map(|range| (file, range)).collect();
        found.sort_by_key(|(_, range)| range.start());
        assert_eq!(found, crate::testing::marked(text, &analysis));
    }

    #[track_caller]
    fn check_undefined(text: &str) {
        check(text, |analysis, file| analysis.undefined_names(file).into_iter().map(|(range, _)| range).collect());
    }

    #[track_caller]
    fn check_missing(text: &str) {
        check(text, |analysis, file| analysis.missing_members(file).into_iter().map(|it| it.range).collect());
    }

    #[track_caller]
    fn check_misfits(text: &str) {
        check(text, |analysis, file| analysis.misfit_calls(file).into_iter().map(|it| it.range).collect());
    }

    #[test]
    fn undefined_names() {
        check_undefined("print($1nope$1, __file__, len)\ndef f(a):\n    return a + later + $1b$1\nlater = 1\n");
        check_undefined("from somewhere import *\nprint(nope)\n");
        check_undefined("class C:\n    x = 1\n    def m(self):\n        return $1x$1, __class__\n");
        check_undefined("def f[T](x: T) -> T: ...\ntype A[K] = dict[K, int]\n");
        check_undefined(
            "try:\n    pass\nexcept ValueError as e:\n    print(e)\nmatch 1:\n    case {'a': a, **rest}: print(a, rest)\n",
        );
        check_undefined("[y for x in [] if (y := x)]\nprint(y)\n[z for z in []]\nprint($1z$1)\n");
        check_undefined("def f():\n    global made\n    made = 1\nprint(made)\n");
        check_undefined("x: '$1Nope$1' = 1\n");
        check_undefined("x = memoryview(b'ab').cast('B', (1, 2))\n");
        check_undefined("from typing import cast as c\nimport typing as t\nc('$1A$1', 1)\nt.cast('$1B$1', 1)\n");
        check_undefined(
            "def f():\n    def g():\n        nonlocal n\n        n = 1\n    g()\n    print(n)\n    del n\n",
        );
    }

    #[test]
    fn unresolved_imports() {
        let check_imports = |text: &str| {
            check(text, |analysis, file| {
                let imports = analysis.imports(file).into_iter();
                imports
                    .filter(|import| matches!(import.kind, crate::ImportKind::Unresolved { .. }))
                    .map(|import| import.range)
                    .collect()
            });
        };
        check_imports(
            "#- /pkg/__init__.py\nx = 1\n#- /main.py\nfrom pkg import x, $1y$1, __file__\nimport pkg.__init__\nimport $1pkg.z$1\n",
        );
        check_imports(
            "#- /pkg/__init__.py\n#- /pkg/m.py\nfrom pkg.gone import thing\n#- /main.py\nfrom pkg.m import thing\n",
        );
        check_imports(
            "#- /pkg/__init__.py\n#- /pkg/magic.py\nimport sys\nsys.modules['pkg.magic.sub'] = 1\n#- /main.py\nfrom pkg.magic.sub import x\n",
        );
        check_imports("#- /pkg/__init__.py\ndef __getattr__(name): ...\n#- /main.py\nfrom pkg import anything\n");
        check_imports("import numpy\nfrom os import nothing\n");
    }

    #[test]
    fn missing_members() {
        check_missing("class C:\n    def m(self): ...\ndef f(c: C):\n    c.m()\n    c.$1nope$1()\n");
        check_missing("#- /a.py\ndef f(): ...\n#- /main.py\nimport a\na.f()\na.$1g$1()\n");
        check_missing("class C:\n    def __getattr__(self, name): ...\nC().anything\n");
        check_missing("class C:\n    def m(self):\n        setattr(self, 'x', 1)\n        return self.x\n");
        check_missing("class D:\n    def __get__(self, a, b): return 1\nclass C:\n    d = D()\nC().d.real\n");
        check_missing("#- /m.py\n#- /main.py\nimport m\nm.outbox = []\nm.outbox\n");
        check_missing("class C: ...\ndef f(c: C):\n    if hasattr(c, 'x'):\n        return c.x\n");
        check_missing(
            "class Meta(type): ...\nclass F: ...\nclass Model(metaclass=Meta):\n    f = F()\nModel().f.anything\n",
        );
        check_missing("from somewhere import Base\nclass C(Base): ...\nC().anything\n");
        check_missing("class Mixin:\n    def m(self): return self.other\nclass D(Mixin):\n    other = 1\n");
        check_missing("import enum\nclass Color(enum.Enum):\n    RED = 1\nColor.RED.value\n");
        check_missing("import typing\nclass P(typing.NamedTuple):\n    x: int\nP(1)._replace(x=2)\n");
    }

    #[test]
    fn misfit_calls() {
        check_misfits(
            "def f(a, b=1, *, c): ...\nf(1, c=2)\n$1f$1(1)\n$1f$1(1, 2, 3, c=4)\n$1f$1(1, c=1, d=2)\nf(*x)\n",
        );
        check_misfits(
            "class C:\n    def __init__(self, a): ...\n    def m(self, b): ...\n$1C$1()\nC(1).$1m$1()\nC(1).m(2)\n",
        );
        check_misfits(
            "class C:\n    @staticmethod\n    def s(a): ...\n    @classmethod\n    def k(cls, a): ...\nC.s(1)\nC.k(1)\nC.$1s$1()\n",
        );
        check_misfits(
            "class A:\n    def m(self, x): ...\nclass B(A):\n    def m(self, x):\n        A.m(self, x)\n        A.$1m$1(x)\n",
        );
        check_misfits(
            "def make(n):\n    def g(self, model): ...\n    return g\nclass R:\n    read = make('r')\nR().read(1)\n",
        );
        check_misfits(
            "class M(type):\n    def __new__(cls, a, b, c): ...\nclass N(M):\n    def __new__(cls, a, b, c):\n        return super().__new__(cls, a, b, c)\n",
        );
        check_misfits("def deco(f): ...\n@deco\ndef f(a): ...\nf()\n");
        check_misfits("from dataclasses import dataclass\n@dataclass\nclass C:\n    a: int\nC(1)\n");
    }
}

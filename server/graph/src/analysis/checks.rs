//! What is certainly wrong in a file, as far as names and calls go.

mod deprecated;
mod fit;
mod gone;
mod overrides;
mod usage;

use syntax::TextRange;

use super::Analysis;
use crate::eval::{Evaluator, is_builtin};
use crate::summary::{BindingValue, Expr, ExprIndex, Occurs};
use crate::types::{Def, Typed, Unit, Value};
use crate::{FileId, Name, SymbolId, SymbolKind};

pub use fit::{IncompatibleCall, IncompatibleCallers};
pub(super) use fit::{incompatibility, unbound};
pub use overrides::IncompatibleOverride;
pub use usage::Usage;

/// A member that a class certainly does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingMember {
    pub range: TextRange,
    pub name: String,
    /// The class or module.
    pub receiver: SymbolId,
    /// All that the receiver may be is in the text, and nothing is seen that fills it at run time. Otherwise a program that
    /// runs may well do this; one that nobody has run yet hardly.
    pub is_certain: bool,
}

/// From what a value was assigned from: further ways are those of generated code.
const MAX_STEPS: u32 = 16;

/// Methods through which a class may have members that no text shows.
const DYNAMIC_MEMBERS: &[&str] = &["__getattr__", "__getattribute__"];

/// Whether a text begins with a collection of literal strings, or one, and nothing is added to it in its line.
fn is_written_out(text: &str) -> bool {
    let (inside, rest) = match text.chars().next() {
        Some(open @ ('(' | '[' | '{')) => {
            let close = ['(', '[', '{'].iter().position(|it| *it == open).map_or(')', |at| [')', ']', '}'][at]);
            text[1..].split_once(close).unwrap_or((text, "?"))
        }
        Some(quote @ ('\'' | '"')) => ("", text[1..].split_once(quote).map_or("?", |(_, rest)| rest)),
        _ => return false,
    };
    let is_plain =
        inside.split([',', '\n']).map(|item| item.split('#').next().unwrap_or_default().trim()).all(|item| {
            let quotes = ['\'', '"'];
            item.is_empty()
                || item.len() > 1 && item.starts_with(quotes) && item.ends_with(quotes) && !item.contains(" for ")
        });
    let rest = rest.lines().next().unwrap_or_default().trim();
    is_plain && (rest.is_empty() || rest.starts_with('#'))
}

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
            let Occurs::Load(expr) = occurrence.what() else { continue };
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
    pub(super) fn hides_names(&self, file: FileId) -> bool {
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

    /// Whether some file does without a package from outside: it imports it under a `try` with a handler, or in a function.
    pub fn is_optional_package(&self, package: &str) -> bool {
        self.files().any(|file| {
            let imports = self.facts(file).into_iter().flat_map(|facts| &facts.summary.imports);
            let mut of_package = imports.filter(|import| {
                import.level == 0 && import.module.split('.').next().is_some_and(|first| first == package)
            });
            of_package.any(|import| import.is_optional || self.is_in_function(file, import.range))
        })
    }

    /// Whether the code at a place runs when a function is called, not when the module is imported.
    pub fn is_in_function(&self, file: FileId, range: TextRange) -> bool {
        let innermost = self.enclosing(file, range.start());
        let mut around = std::iter::successors(Some(innermost), |&symbol| self.symbol(symbol).parent);
        around.any(|symbol| self.symbol(symbol).kind.is_function())
    }

    /// Attributes that are read of a module or of an instance whose classes are all known, and that none of them has.
    pub fn missing_members(&self, file: FileId) -> Vec<MissingMember> {
        let Some(facts) = self.facts(file) else { return Vec::new() };
        let summary = &facts.summary;
        let mut evaluator = self.evaluator();
        let unit = Unit::live(file);
        let mut found = Vec::new();
        for occurrence in &summary.occurrences {
            let Occurs::Load(expr) = occurrence.what() else { continue };
            let Expr::Attribute { value, name } = *summary.expr(expr) else { continue };
            if name.is_empty() || name.starts_with("__") || self.may_be_replaced(&mut evaluator, unit, value) {
                continue;
            }
            let receivers = evaluator.eval(unit, value);
            let is_plain = |typed: &Typed| matches!(typed.value, Value::Module(_) | Value::Class(_)) && !typed.inferred;
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
                let is_known = receivers.iter().all(is_plain) || self.is_known(&mut evaluator, unit, value, MAX_STEPS);
                let is_certain = is_known
                    && receivers.iter().all(|typed| match typed.value {
                        Value::Instance(class) | Value::Class(class) => !self.is_filled_later(&mut evaluator, class),
                        _ => true,
                    });
                found.push(MissingMember { range: occurrence.range, name: name.to_string(), receiver, is_certain });
            }
        }
        found
    }

    /// Whether evaluation sees all that an expression may be: made on the spot, annotated, or `self`.
    fn is_known(&self, evaluator: &mut Evaluator<'_>, unit: Unit, expr: ExprIndex, steps: u32) -> bool {
        let summary = self.snapshot.world().summary(unit);
        let Some(steps) = steps.checked_sub(1) else { return false };
        match summary.expr(expr) {
            Expr::Local(bindings) => {
                let mut leaves = bindings.iter().flat_map(|&binding| summary.joined(binding));
                leaves.all(|binding| match summary.binding(binding).value {
                    BindingValue::Value(value) => self.is_known(evaluator, unit, value, steps),
                    BindingValue::Parameter { position, annotation, .. } => {
                        let function = summary.symbol(summary.scope(summary.binding(binding).scope).symbol);
                        let is_receiver =
                            position == 0 && function.kind == SymbolKind::Method && !function.flags.is_staticmethod;
                        is_receiver || annotation.is_some()
                    }
                    BindingValue::Definition(_) | BindingValue::Import(_) => true,
                    BindingValue::Join(_) | BindingValue::Narrowed { .. } => false,
                })
            }
            Expr::Call(call) => {
                let callees = evaluator.eval(unit, summary.call(*call).callee);
                let is_declared = |def: Def| {
                    let function = self.symbol_facts(def).function.as_ref();
                    function.is_some_and(|function| function.return_annotation.is_some())
                };
                !callees.is_empty()
                    && callees.iter().all(|typed| match typed.value {
                        Value::Class(_) => !typed.inferred,
                        Value::Function(def) | Value::Method { function: def, .. } => is_declared(def),
                        _ => false,
                    })
            }
            Expr::Attribute { value, name } => {
                let receivers = evaluator.eval(unit, *value);
                !receivers.is_empty()
                    && self.is_known(evaluator, unit, *value, steps)
                    && receivers.iter().all(|typed| match typed.value {
                        Value::Instance(class) => self.is_known_attribute(evaluator, class, *name, steps),
                        _ => false,
                    })
            }
            Expr::Recent { value, .. } => self.is_known(evaluator, unit, *value, steps),
            Expr::InstanceOf(_) | Expr::SelfInstance(_) => true,
            _ => false,
        }
    }

    /// Whether all that methods assign to an attribute is known, and nobody else assigns to it.
    fn is_known_attribute(&self, evaluator: &mut Evaluator<'_>, class: Def, name: Name, steps: u32) -> bool {
        let mro = evaluator.mro(class);
        let owner = mro.classes.iter().find_map(|&class| {
            let facts = self.symbol_facts(class).class.as_ref()?;
            Some((class, facts.attributes.get(&name)?))
        });
        let bound_in_class = mro.classes.iter().any(|&class| {
            let scope = self.symbol_facts(class).scope;
            let scope = scope.map(|scope| self.snapshot.world().summary(class.unit).scope(scope));
            scope.is_some_and(|scope| scope.names.contains_key(&name))
        });
        mro.complete
            && !bound_in_class
            && owner.is_some_and(|(class, attribute)| {
                let mut values = attribute.values.iter();
                values.all(|&value| self.is_known(evaluator, class.unit, value, steps))
            })
    }

    /// Whether the value is an attribute of a class whose metaclass or decorator may have replaced what its body says.
    fn may_be_replaced(&self, evaluator: &mut Evaluator<'_>, unit: Unit, value: ExprIndex) -> bool {
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
    pub(super) fn may_be_set(&self, name: Name, files: &[FileId]) -> bool {
        let quoted = [format!("'{name}'"), format!("\"{name}\"")];
        files.iter().any(|&file| quoted.iter().any(|quoted| self.source(file).text().contains(quoted)))
            || self.is_assigned_to_something(name)
    }

    pub(super) fn is_assigned_to_something(&self, name: Name) -> bool {
        self.is_assigned_outside_of(name, None)
    }

    /// The same in other files than `file`.
    pub(super) fn is_assigned_outside_of(&self, name: Name, file: Option<FileId>) -> bool {
        let files =
            self.snapshot.files.iter().enumerate().filter(|(index, _)| file.is_none_or(|it| it.index() != *index));
        let facts = files.filter_map(|(_, facts)| facts.as_ref()).filter(|facts| facts.summary.mentions(name));
        facts.into_iter().any(|facts| facts.summary.assigned_attributes().any(|assigned| assigned == name))
    }

    /// Whether the `__slots__` of a class, which give its instances attributes, hold the name, or are not written out.
    fn may_have_slot(&self, class: Def, name: Name) -> bool {
        let range = self.symbol_facts(class).range;
        let text = self.source(class.unit.file).slice(range);
        let is_quoted = || [format!("'{name}'"), format!("\"{name}\"")].iter().any(|it| text.contains(&**it));
        text.match_indices("__slots__").any(|(at, word)| {
            let value = text[at + word.len()..].split_once('=').map_or("", |(_, value)| value.trim_start());
            !is_written_out(value) || is_quoted()
        })
    }

    fn certainly_lacks(&self, evaluator: &mut Evaluator<'_>, class: Def, name: Name) -> bool {
        // Nearly every member is there, and what follows reads texts.
        if evaluator.has_member(class, name) {
            return false;
        }
        let mro = evaluator.mro(class);
        let is_open = mro.classes.iter().any(|&class| {
            let symbol = self.symbol_facts(class);
            let is_broken = self.facts(class.unit.file).is_none_or(|facts| !facts.summary.errors.is_empty());
            self.is_transformed(class) && !self.is_dataclass(class) || is_broken || symbol.class.is_none()
        });
        let is_dynamic = DYNAMIC_MEMBERS.iter().any(|name| evaluator.has_member(class, Name::new(name)))
            || mro.classes.iter().any(|&class| self.may_have_slot(class, name));
        mro.complete
            && !is_open
            && !is_dynamic
            && !self.symbol_facts(class).name.contains("Mixin")
            // A mixin uses what the classes it is mixed into have.
            && self.descendants(class).into_iter().all(|subclass| !evaluator.has_member(subclass, name))
    }

    /// Whether attributes are put into instances of a class by their names, as far as the text beside it shows.
    fn is_filled_later(&self, evaluator: &mut Evaluator<'_>, class: Def) -> bool {
        let mro = evaluator.mro(class);
        // What has nothing of its own gets it later: `class Style: pass`.
        let is_empty = mro.classes.iter().all(|&class| {
            let scope = self.symbol_facts(class).scope;
            let scope = scope.map(|scope| self.snapshot.world().summary(class.unit).scope(scope));
            scope.is_none_or(|scope| scope.names.keys().next().is_none())
        });
        let is_filled = |class: &Def| {
            let text = self.source(class.unit.file).text();
            ["setattr(", "__dict__", "vars(self)"].iter().any(|way| text.contains(way))
        };
        is_empty || mro.classes.iter().any(is_filled)
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
        check(text, |analysis, file| {
            analysis.missing_members(file).into_iter().filter(|it| it.is_certain).map(|it| it.range).collect()
        });
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
        check_missing("class C:\n    def m(self): ...\ndef make(): return C()\nmake().nope\nC().$1nope$1\n");
        check_missing("class Bag: ...\ndef f(b: Bag): return b.x\n");
        check_missing(
            "class C:\n    def m(self): ...\nclass D:\n    def __init__(self, x):\n        self.c, self.x = C(), x\n        self.d = C()\n    def n(self):\n        self.d.$1nope$1\n        self.x.nope\n",
        );
        check_missing("#- /a.py\ndef f(): ...\n#- /main.py\nimport a\na.f()\na.$1g$1()\n");
        check_missing("class C:\n    def __getattr__(self, name): ...\nC().anything\n");
        check_missing("class C:\n    def m(self):\n        setattr(self, 'x', 1)\n        return self.x\n");
        let slots = |value: &str, read: &str| {
            let head = format!("class C:\n    {value}\n    def __init__(self): self.a = 1\n");
            check_missing(&format!("{head}    def m(self): return self.a, self.{read}\n"));
        };
        for value in [
            "__slots__ = ('a', 'b')",
            "__slots__ = 'a'",
            "__slots__: list[str] = [\n        'a',  # it\n        'b',\n    ]",
        ] {
            slots(value, "$1nope$1");
        }
        slots("__slots__ = ('a', 'b')", "b");
        for value in [
            "__slots__ = names()",
            "__slots__ = ('a',) + more",
            "__slots__ = [name for name in names]",
            "__slots__ = (*more, 'a')",
        ] {
            slots(value, "nope");
        }
        check_missing("class D:\n    def __get__(self, a, b): return 1\nclass C:\n    d = D()\nC().d.real\n");
        check_missing("#- /m.py\n#- /main.py\nimport m\nm.outbox = []\nm.outbox\n");
        check_missing("class C: ...\ndef f(c: C):\n    if hasattr(c, 'x'):\n        return c.x\n");
        check_missing(
            "class Meta(type): ...\nclass F: ...\nclass Model(metaclass=Meta):\n    f = F()\nModel().f.anything\n",
        );
        check_missing("from somewhere import Base\nclass C(Base): ...\nC().anything\n");
        check_missing("class Mixin:\n    def m(self): return self.other\nclass D(Mixin):\n    other = 1\n");
        check_missing("import enum\nclass Color(enum.Enum):\n    RED = 1\nColor.RED.value\n");
        // A base from outside is known by where it comes from, not by what it is called.
        check_missing("from twisted.internet.protocol import Protocol\nclass C(Protocol): ...\nC().transport\n");
        check_missing(
            "from typing import Protocol\nclass C(Protocol):\n    def m(self): ...\ndef f(c: C):\n    c.$1n$1\n",
        );
        check_missing("import typing\nclass P(typing.NamedTuple):\n    x: int\nP(1)._replace(x=2)\n");
    }
}

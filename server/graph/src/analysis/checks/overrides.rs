//! Methods that cannot stand in for what they override.

use syntax::TextRange;

use super::super::{Analysis, Symbol};
use super::fit::unbound;
use crate::eval::{Evaluator, Referent};
use crate::summary::{Param, ParamKind, SymbolIndex};
use crate::types::{Def, Unit};
use crate::{FileId, SymbolId, SymbolKind};

/// A method that a call of the overridden one does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncompatibleOverride {
    /// The method's name.
    pub range: TextRange,
    pub method: SymbolId,
    pub overridden: SymbolId,
    /// Such as "requires `rate`, which the overridden method does not take".
    pub message: String,
}

impl Analysis {
    /// The methods of `file` that the callers of what they override cannot call, in source order.
    pub fn incompatible_overrides(&self, file: FileId) -> Vec<IncompatibleOverride> {
        let Some(facts) = self.facts(file) else { return Vec::new() };
        let summary = &facts.summary;
        let mut evaluator = self.evaluator();
        let mut found = Vec::new();
        for (index, symbol) in summary.symbols.iter().enumerate() {
            let def = Def { unit: Unit::live(file), symbol: SymbolIndex(index as u32) };
            let Some(class) = summary.enclosing_class(def.symbol) else { continue };
            if symbol.kind != SymbolKind::Method || is_private(&symbol.name) {
                continue;
            }
            let method = self.symbol(self.id(def));
            if !is_plain(&method) || summary.symbols.iter().filter(|it| is_same(it, symbol)).count() > 1 {
                continue;
            }
            let Some(base) = self.nearest_overridden(&mut evaluator, Def { symbol: class, ..def }, def) else {
                continue;
            };
            let overridden = self.symbol(self.id(base));
            let same_kind = method.flags.is_staticmethod == overridden.flags.is_staticmethod
                && method.flags.is_classmethod == overridden.flags.is_classmethod;
            if !is_plain(&overridden) || !same_kind {
                continue;
            }
            let bound = usize::from(!method.flags.is_staticmethod);
            if let (Some(own), Some(theirs)) = (unbound(method.params, bound), unbound(overridden.params, bound))
                && let Some(message) = incompatibility(own, theirs)
            {
                let (range, method, overridden) = (symbol.name_range, method.id, overridden.id);
                found.push(IncompatibleOverride { range, method, overridden, message });
            }
        }
        found.sort_by_key(|it| it.range.start());
        found
    }

    fn nearest_overridden(&self, evaluator: &mut Evaluator<'_>, class: Def, method: Def) -> Option<Def> {
        let mro = evaluator.mro(class);
        let name = self.symbol_facts(method).name;
        let mut defining = mro.classes.iter().skip(1).map(|&base| evaluator.own_referents(base, name));
        match defining.find(|referents| !referents.is_empty())?[..] {
            [Referent::Definition(def)] if self.symbol_facts(def).kind == SymbolKind::Method => Some(def),
            _ => None,
        }
    }
}

fn is_same(one: &crate::summary::SymbolFacts, other: &crate::summary::SymbolFacts) -> bool {
    one.parent == other.parent && one.name == other.name
}

/// Nobody calls these on an instance whose class they do not know: constructors have their own parameters, and a name that
/// begins with two underscores is another one in each class.
fn is_private(name: &str) -> bool {
    name.starts_with("__")
        && (!name.ends_with("__") || matches!(name, "__init__" | "__new__" | "__post_init__" | "__init_subclass__"))
}

fn is_plain(method: &Symbol<'_>) -> bool {
    let flags = method.flags;
    !flags.is_decorated && !flags.is_overload && !flags.is_property && !method.is_retained()
}

/// Why a call that fits `theirs` may not fit `own`. Names of parameters that are given by position may differ. What callers
/// of the overridden method may leave out is not asked of every override: those who have an instance of the subclass know.
fn incompatibility(own: &[Param], theirs: &[Param]) -> Option<String> {
    let by_position = |params: &[Param]| {
        params.iter().filter(|it| matches!(it.kind, ParamKind::PositionalOnly | ParamKind::Positional)).count()
    };
    let has = |params: &[Param], kind: ParamKind| params.iter().any(|param| param.kind == kind);
    let takes_anything = has(theirs, ParamKind::VarArgs) || has(theirs, ParamKind::KwArgs);
    let (own_count, their_count) = (by_position(own), by_position(theirs));
    let needed = theirs.iter().take(their_count).filter(|param| !param.has_default).count();
    let takes_more = has(own, ParamKind::VarArgs) || has(own, ParamKind::KwArgs);
    if own_count < needed && !takes_more {
        let counted = |number: usize| format!("{number} argument{}", if number == 1 { "" } else { "s" });
        return Some(format!("takes {}, the overridden method is given {}", counted(own_count), counted(needed)));
    }
    let has_name = |params: &[Param], name| params.iter().any(|param| param.name == name);
    let required = |param: &&Param| !param.has_default && !matches!(param.kind, ParamKind::VarArgs | ParamKind::KwArgs);
    let positional = own.iter().filter(|it| matches!(it.kind, ParamKind::PositionalOnly | ParamKind::Positional));
    let beyond = positional.skip(their_count).chain(own.iter().filter(|it| it.kind == ParamKind::KeywordOnly));
    if !takes_anything && let Some(param) = beyond.filter(required).find(|param| !has_name(theirs, param.name)) {
        return Some(format!("requires `{}`, which the overridden method does not take", param.name));
    }
    let mut keywords = theirs.iter().filter(|param| param.kind == ParamKind::KeywordOnly && !param.has_default);
    let missing = keywords.find(|param| !has_name(own, param.name));
    missing
        .filter(|_| !has(own, ParamKind::KwArgs))
        .map(|param| format!("does not take `{}`, which the overridden method takes", param.name))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::testing::host;

    /// The ranges marked `$1…$1` are the overrides of `/main.py` that do not fit.
    #[track_caller]
    fn check(text: &str) {
        let analysis = host(text).analysis();
        let file = analysis.file(Path::new("/main.py")).unwrap();
        let found: Vec<_> = analysis.incompatible_overrides(file).into_iter().map(|it| (file, it.range)).collect();
        assert_eq!(found, crate::testing::marked(text, &analysis));
    }

    #[test]
    fn fewer_or_more_parameters() {
        check(
            "class A:\n    def m(self, x): ...\nclass B(A):\n    def $1m$1(self): ...\nclass C(A):\n    def m(self, y): ...\n",
        );
        check("class A:\n    def m(self, x): ...\nclass B(A):\n    def $1m$1(self, x, y): ...\n");
        check("class A:\n    def m(self, x): ...\nclass B(A):\n    def m(self, x, y=1, *, z=2): ...\n");
        check("class A:\n    def m(self, x): ...\nclass B(A):\n    def m(self, *args, **kwargs): ...\n");
        check("class A:\n    def m(self, *, k): ...\nclass B(A):\n    def $1m$1(self): ...\n");
    }

    #[test]
    fn overrides_that_are_not_judged() {
        check("class A:\n    def __init__(self, x): ...\nclass B(A):\n    def __init__(self): ...\n");
        check("class A:\n    def m(self, x, y=1, *, k=2): ...\nclass B(A):\n    def m(self, x): ...\n");
        check("class A:\n    def m(self, x): ...\nclass B(A):\n    def m(*args): ...\n");
        check("class A:\n    def m(self, *args): ...\nclass B(A):\n    def m(self, x, y): ...\n");
        check("class A:\n    @deco\n    def m(self, x): ...\nclass B(A):\n    def m(self): ...\n");
        check("class A:\n    @staticmethod\n    def m(x): ...\nclass B(A):\n    def m(self): ...\n");
        check("class A:\n    def m(self, x): ...\nclass B(A):\n    m = None\nclass C(B):\n    def m(self): ...\n");
    }
}

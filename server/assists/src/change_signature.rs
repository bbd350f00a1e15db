//! Change signature: a parameter is added, removed, renamed, moved, with all calls.
//!
//! ```python
//! def price(net, unused, rate=0.2):      # ← offered on the parameters
//!     return net * (1 + rate)
//! price(100, None)                       # ← rewritten with it
//! ```
//!
//! What overrides the function, or is overridden by it, changes with it. Calls whose receiver is not known are not found;
//! whatever is found and cannot be rewritten stops the whole change.

use graph::{Analysis, FileId, Param, ParamKind, SymbolId, SymbolKind};
use syntax::ast::StmtFunctionDef;
use syntax::{Ranged, TextEdit, TextSize};

use super::action::{ActionKind, AssistContext, Change, Offers, Outcome, Rewrite, checked};
use super::arguments::SignatureChange;
use super::call_sites::{Trees, calls, doubt, find_call, find_function, place, receiver};
use super::names::Names;
use super::signature::{Signature, SignatureStep};
use super::{Edit, action};
use ide::tree::with_tree;

pub(super) const REWRITE: Rewrite = Rewrite { id: "change-signature", tolerant: false, offer };

/// What stops a change is listed up to here.
const MAX_REASONS: usize = 5;

/// The change of `function` and all its calls that `steps` mean.
///
/// # Errors
/// When it cannot be done so that the program means the same; the message is for a person.
pub fn change_signature(analysis: &Analysis, function: SymbolId, steps: &[SignatureStep]) -> action::Outcome {
    // Trees of other files are walked as well: the stack of this thread has room for that.
    let changed = with_tree("", |_| match checked(analysis, change(analysis, function, steps)) {
        Edit::Ready(change) => Ok(change),
        Edit::Refused(reason) => Err(reason),
        Edit::Later => Err("nothing was made".to_owned()),
    });
    changed.unwrap_or_else(|| Err("the system gives no thread to work with".to_owned()))
}

/// The function whose name, or one of whose parameters, is at a place.
pub fn function_at(analysis: &Analysis, file: FileId, offset: TextSize) -> Option<SymbolId> {
    let symbols = analysis.symbols(file).into_iter();
    let mut functions = symbols.filter(|symbol| {
        let kind = analysis.symbol(*symbol).kind;
        matches!(kind, SymbolKind::Function | SymbolKind::Method)
    });
    functions.find(|symbol| {
        let view = analysis.symbol(*symbol);
        view.name_range.contains_inclusive(offset)
            || view.params.iter().any(|param| param.range.contains_inclusive(offset))
    })
}

fn offer<'a>(context: &'a AssistContext<'a>, offers: &mut Offers<'a>) {
    let analysis = context.analysis;
    let Some((function, at)) = parameter_at(context) else { return };
    let view = analysis.symbol(function);
    let receiver = receiver(analysis, function);
    if at < receiver || view.flags.is_test || view.is_retained() {
        return;
    }
    let param = &view.params[at];
    let name = param.name.to_string();
    let family = family(analysis, function);
    let count = calls(analysis, &family).len();
    let update = match count {
        0 => String::new(),
        1 => ", update 1 call".to_owned(),
        _ => format!(", update {count} calls"),
    };
    let mut step = |title: String, step: SignatureStep| {
        let steps = [step];
        offers.later(ActionKind::Rewrite, format!("{title}{update}"), move || change(analysis, function, &steps));
    };
    if is_unused(analysis, &family, at) {
        step(format!("Remove unused parameter `{name}`"), SignatureStep::Remove { name: name.clone() });
    }
    let positional: Vec<&Param> = view.params.iter().skip(receiver).take_while(|it| is_positional(it)).collect();
    if let Some(nth) = positional.iter().position(|it| it.name == param.name) {
        let swapped = |one: usize, other: usize| {
            let mut order: Vec<String> = positional.iter().map(|it| it.name.to_string()).collect();
            order.swap(one, other);
            SignatureStep::Reorder { order }
        };
        let fits = |one: usize, other: usize| positional[one].has_default == positional[other].has_default;
        if nth > 0 && fits(nth - 1, nth) {
            step(format!("Move parameter `{name}` left"), swapped(nth - 1, nth));
        }
        if nth + 1 < positional.len() && fits(nth, nth + 1) {
            step(format!("Move parameter `{name}` right"), swapped(nth, nth + 1));
        }
        step(format!("Make parameter `{name}` keyword-only"), SignatureStep::KeywordOnly { name });
    }
}

fn is_positional(param: &Param) -> bool {
    matches!(param.kind, ParamKind::PositionalOnly | ParamKind::Positional)
}

/// The function and which of its parameters the cursor is on.
fn parameter_at(context: &AssistContext<'_>) -> Option<(SymbolId, usize)> {
    let at = context.range;
    let symbols = context.analysis.symbols(context.file).into_iter();
    symbols
        .filter(|symbol| matches!(context.analysis.symbol(*symbol).kind, SymbolKind::Function | SymbolKind::Method))
        .find_map(|symbol| {
            let params = context.analysis.symbol(symbol).params;
            params.iter().position(|param| param.range.contains_range(at)).map(|nth| (symbol, nth))
        })
}

/// The function with what it overrides and what overrides it.
pub(super) fn family(analysis: &Analysis, function: SymbolId) -> Vec<SymbolId> {
    let mut family = vec![function];
    let name = analysis.symbol(function).name;
    if analysis.symbol(function).kind != SymbolKind::Method || matches!(name, "__init__" | "__new__") {
        return family;
    }
    let mut next = 0;
    while let Some(&member) = family.get(next) {
        next += 1;
        let related = analysis.overridden(member).into_iter().chain(analysis.overriding(member));
        for other in related.collect::<Vec<_>>() {
            if !family.contains(&other) {
                family.push(other);
            }
        }
    }
    family
}

/// Whether no method of the family reads its parameter number `at`.
fn is_unused(analysis: &Analysis, family: &[SymbolId], at: usize) -> bool {
    let unused = |&member: &SymbolId| {
        let view = analysis.symbol(member);
        let param = view.params.get(at).filter(|param| is_named(param));
        param.is_some_and(|param| analysis.local_references(member.file, param.range.start()).len() == 1)
            && !mentions_locals(analysis, member)
    };
    // Where there is no code yet, nothing is used, and that says nothing.
    let any_code = family.iter().any(|&member| !analysis.symbol(member).flags.is_stub);
    any_code && family.iter().all(unused)
}

fn is_named(param: &Param) -> bool {
    !matches!(param.kind, ParamKind::VarArgs | ParamKind::KwArgs)
}

fn mentions_locals(analysis: &Analysis, function: SymbolId) -> bool {
    let body = analysis.symbol(function).body.map_or("", |body| analysis.source(function.file).slice(body));
    ["locals(", "vars(", "eval(", "exec("].iter().any(|call| body.contains(call))
}

fn change(analysis: &Analysis, function: SymbolId, steps: &[SignatureStep]) -> Outcome {
    let family = family(analysis, function);
    let only_renames = steps.iter().all(|step| matches!(step, SignatureStep::Rename { .. }));
    if let Some(reason) = family.iter().find_map(|&member| fixed(analysis, member)) {
        return Err(reason);
    }
    let mut trees = Trees::default();
    let mut change = Change::default();
    let mut signatures: Vec<(SymbolId, Signature, Signature)> = Vec::new();
    let mut reasons: Vec<String> = Vec::new();
    let mut lists: Vec<Vec<String>> = Vec::new();
    for &member in &family {
        let parsed = trees.get(analysis, member.file);
        let text = analysis.source(member.file).text();
        let Some(node) = find_function(analysis, member, parsed) else {
            return Err(format!("`{}` is not a plain function", analysis.symbol(member).qualified_name()));
        };
        let old = Signature::of(node, text, receiver(analysis, member));
        lists.push(old.params.iter().skip(old.receiver).map(|param| param.name.clone()).collect());
        if lists.last() != lists.first() {
            let at = place(analysis, member.file, node.name.range);
            return Err(format!("{at}: `{}` has other parameters", analysis.symbol(member).qualified_name()));
        }
        let new = old.after(steps)?;
        let mut edits = new.write(node, parsed, text);
        match renamed_uses(analysis, member, node, text, &old, &new) {
            Ok(more) => {
                // What is written anew has its new name already.
                let written = |edit: &TextEdit| edits.iter().any(|other| other.range.contains_range(edit.range));
                let more: Vec<TextEdit> = more.into_iter().filter(|edit| !written(edit)).collect();
                edits.extend(more);
            }
            Err(reason) => reasons.push(format!("{}: {reason}", place(analysis, member.file, node.name.range))),
        }
        change.add(analysis.path(member.file), edits);
        signatures.push((member, old, new));
    }

    let found = calls(analysis, &family);
    for called in &found {
        let site = called.site;
        let at = || place(analysis, site.file, site.range);
        if let Some(reason) = doubt(analysis, called, &family) {
            if !only_renames || matches!(site.kind, graph::EdgeKind::Call | graph::EdgeKind::Constructor) {
                reasons.push(format!("{}: {reason}", at()));
            }
            continue;
        }
        let Some((_, old, new)) = signatures.iter().find(|(member, ..)| *member == called.callee) else { continue };
        let bound = analysis.bound_parameters(site.file, site.range, called.callee);
        let parsed = trees.get(analysis, site.file);
        let text = analysis.source(site.file).text();
        let call = find_call(parsed, site.range);
        let (Some(bound), Some(call)) = (bound, call) else {
            reasons.push(format!("{}: it is not clear what is given there", at()));
            continue;
        };
        let to_new = SignatureChange { old, new, bound, value: &|param| param.name.clone() };
        match to_new.rewrite_call(call, parsed, text) {
            Ok(edits) => change.add(analysis.path(site.file), edits.into_iter().flatten()),
            Err(reason) => reasons.push(format!("{}: {reason}", at())),
        }
    }
    if !only_renames || !reasons.is_empty() {
        reasons.extend(passed_on(analysis, &family, &found));
    }
    change.edits.files.retain(|file| !file.edits.is_empty());
    if has_nested(&change) {
        reasons.push("calls stand inside arguments of other calls that change as well".to_owned());
    }
    match reasons.len() {
        0 => Ok(change),
        count => {
            reasons.truncate(MAX_REASONS);
            let more = if count > MAX_REASONS { format!("; and {} more", count - MAX_REASONS) } else { String::new() };
            Err(format!("{}{more}", reasons.join("; ")))
        }
    }
}

/// Whether two edits of a file touch.
pub(super) fn has_nested(change: &Change) -> bool {
    change.edits.files.iter().any(|file| {
        let mut ranges: Vec<_> = file.edits.iter().map(|edit| edit.range).collect();
        ranges.sort_by_key(|range| (range.start(), range.end()));
        ranges.windows(2).any(|pair| pair[1].start() < pair[0].end())
    })
}

/// Why the signature of `function` is not ours to change.
fn fixed(analysis: &Analysis, function: SymbolId) -> Option<String> {
    let view = analysis.symbol(function);
    let name = view.qualified_name();
    let is_special = view.name.starts_with("__") && view.name.ends_with("__");
    let reason = match () {
        () if view.is_retained() => "its text is half-typed",
        () if view.flags.is_property => "it is a property",
        () if view.flags.is_overload => "it has overloads",
        () if view.flags.is_test => "it is called by the tests' runner",
        () if view.flags.is_decorated => "a decorator may call it or change its parameters",
        () if is_special && !matches!(view.name, "__init__" | "__call__") => "Python itself calls it",
        () if view.kind == SymbolKind::Method && view.name != "__init__" && analysis.has_outer_bases(function) => {
            "it may override what a class outside the workspace has"
        }
        () => return None,
    };
    Some(format!("`{name}`: {reason}"))
}

/// New names for the uses of renamed parameters in the function's body. A removed one must have no uses.
fn renamed_uses(
    analysis: &Analysis,
    function: SymbolId,
    node: &StmtFunctionDef,
    text: &str,
    old: &Signature,
    new: &Signature,
) -> Result<Vec<TextEdit>, String> {
    let view = analysis.symbol(function);
    let names = Names::of_function(node);
    let mut edits = Vec::new();
    for (at, before) in old.params.iter().enumerate() {
        let uses = || {
            let param = view.params.iter().find(|param| param.name.as_str() == before.name);
            param.map_or_else(Vec::new, |param| analysis.local_references(function.file, param.range.start()))
        };
        match new.params.iter().find(|param| param.origin == Some(at)) {
            None if uses().len() > 1 => return Err(format!("`{}` is used", before.name)),
            Some(after) if after.name != before.name => {
                let kept = old.params.iter().any(|other| other.name == after.name);
                if !kept && names.events.iter().any(|event| event.name == after.name) {
                    return Err(format!("`{}` is the name of something else there", after.name));
                }
                edits.extend(uses().into_iter().map(|range| TextEdit::replace(range, after.name.clone())));
            }
            _ => {}
        }
    }
    for added in new.params.iter().filter(|param| param.origin.is_none()) {
        if names.events.iter().any(|event| event.name == added.name) {
            return Err(format!("`{}` is the name of something else there", added.name));
        }
    }
    let in_file = TextSize::of(text);
    edits.retain(|edit| edit.range.end() <= in_file && edit.range.end() <= node.end());
    Ok(edits)
}

/// Where a function is handed on without being called, by whom it is then called nobody sees.
fn passed_on(analysis: &Analysis, family: &[SymbolId], calls: &[super::call_sites::Called]) -> Vec<String> {
    let mut reasons = Vec::new();
    for &member in family {
        if analysis.symbol(member).name == "__init__" {
            continue;
        }
        let imports = |file| analysis.imports(file);
        for site in analysis.references(member) {
            let is_call = calls.iter().any(|called| called.site.file == site.file && called.site.range == site.range);
            let is_import = || {
                let range = site.range;
                let line = analysis.source(site.file);
                imports(site.file).iter().any(|import| {
                    import.range == range
                        || line.line_number(import.range.start()) == line.line_number(range.start())
                            && line
                                .slice(syntax::TextRange::new(import.range.end().min(range.start()), range.start()))
                                .trim()
                                == "as"
                })
            };
            if !is_call && !is_import() {
                reasons.push(format!("{}: it is passed on there", place(analysis, site.file, site.range)));
            }
        }
    }
    reasons.sort();
    reasons.dedup();
    reasons
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::super::action::testing::{check_titled, check_titles, shown};
    use super::*;
    use fixture::Workspace;

    fn check_steps(text: &str, function: &str, steps: &[SignatureStep], expected: Expect) {
        let workspace = Workspace::new(text);
        let outcome = change_signature(&workspace.analysis, workspace.symbol(function), steps);
        let edit = match outcome {
            Ok(change) => Edit::Ready(change),
            Err(reason) => Edit::Refused(reason),
        };
        expected.assert_eq(&shown(&workspace, &edit));
    }

    const SHOP: &str = "\
#- /shop.py
class Base:
    def price(self, net, unused, rate=0.2):
        raise NotImplementedError
class Cart(Base):
    def price(self, net, unused, rate=0.2):
        return net * rate
#- /main.py
from shop import Base, Cart
def f(base: Base):
    base.price(1, 2)
    Cart().price(net=1, unused=2, rate=3)
    Cart.price(Cart(), 1, 2, 3)
";

    #[test]
    fn a_parameter_goes_from_the_whole_family() {
        let text = SHOP.replace("net, unused, rate=0.2):\n        return", "net, un$0used, rate=0.2):\n        return");
        check_titles(
            &REWRITE,
            &text,
            expect![[r#"
                Remove unused parameter `unused`, update 3 calls
                Move parameter `unused` left, update 3 calls
                Make parameter `unused` keyword-only, update 3 calls
            "#]],
        );
        check_titled(
            &REWRITE,
            "Remove",
            &text,
            expect![[r#"
                #- /main.py
                from shop import Base, Cart
                def f(base: Base):
                    base.price(1)
                    Cart().price(net=1, rate=3)
                    Cart.price(Cart(), 1, 3)
                #- /shop.py
                class Base:
                    def price(self, net, rate=0.2):
                        raise NotImplementedError
                class Cart(Base):
                    def price(self, net, rate=0.2):
                        return net * rate
            "#]],
        );
        check_titled(
            &REWRITE,
            "Make",
            &text,
            expect![[r#"
                #- /main.py
                from shop import Base, Cart
                def f(base: Base):
                    base.price(1, unused=2)
                    Cart().price(net=1, unused=2, rate=3)
                    Cart.price(Cart(), 1, 3, unused=2)
                #- /shop.py
                class Base:
                    def price(self, net, rate=0.2, *, unused):
                        raise NotImplementedError
                class Cart(Base):
                    def price(self, net, rate=0.2, *, unused):
                        return net * rate
            "#]],
        );
    }

    #[test]
    fn steps_of_a_request() {
        let rename = SignatureStep::Rename { name: "net".into(), to: "amount".into() };
        let add = SignatureStep::Add {
            name: "currency".into(),
            annotation: Some("str".into()),
            default: None,
            value: Some("'EUR'".into()),
            position: Some(0),
            keyword_only: false,
        };
        check_steps(
            SHOP,
            "shop.Cart.price",
            &[rename, add],
            expect![[r#"
                #- /main.py
                from shop import Base, Cart
                def f(base: Base):
                    base.price('EUR', 1, 2)
                    Cart().price('EUR', amount=1, unused=2, rate=3)
                    Cart.price(Cart(), 'EUR', 1, 2, 3)
                #- /shop.py
                class Base:
                    def price(self, currency: str, amount, unused, rate=0.2):
                        raise NotImplementedError
                class Cart(Base):
                    def price(self, currency: str, amount, unused, rate=0.2):
                        return amount * rate
            "#]],
        );
        check_steps(
            "class C:\n    def __init__(self, a, b): self.a = a; self.b = b\nC(1, b=2)\nclass D(C):\n    def __init__(self):\n        super().__init__(1, 2)\n",
            "main.C.__init__",
            &[
                SignatureStep::Rename { name: "b".into(), to: "c".into() },
                SignatureStep::Reorder { order: vec!["c".into(), "a".into()] },
            ],
            expect![[r#"
                class C:
                    def __init__(self, c, a): self.a = a; self.b = c
                C(a=1, c=2)
                class D(C):
                    def __init__(self):
                        super().__init__(2, 1)
            "#]],
        );
    }

    #[test]
    fn what_cannot_be_rewritten_stops_all() {
        let remove = [SignatureStep::Remove { name: "b".into() }];
        check_steps(
            "def f(a, b): ...\nf(*x)\nmap(f, y)\nf(1, g())\n",
            "main.f",
            &remove,
            expect![[r#"
            refused: main.py:2: it unpacks arguments; main.py:4: leaving out `g()` may change what happens; main.py:3: it is passed on there
        "#]],
        );
        check_steps(
            "def f(a, b):\n    return b\n",
            "main.f",
            &remove,
            expect![[r#"
            refused: main.py:1: `b` is used
        "#]],
        );
        check_steps(
            "@route('/')\ndef f(a, b): ...\n",
            "main.f",
            &remove,
            expect![[r#"
            refused: `main.f`: a decorator may call it or change its parameters
        "#]],
        );
        check_steps(
            "import json\nclass E(json.JSONEncoder):\n    def default(self, b): ...\n",
            "main.E.default",
            &remove,
            expect![[r#"
            refused: `main.E.default`: it may override what a class outside the workspace has
        "#]],
        );
        check_steps(
            "class A:\n    def f(self, a, b): ...\nclass B(A):\n    def f(self, b): ...\n",
            "main.A.f",
            &remove,
            expect![[r#"
            refused: main.py:4: `main.B.f` has other parameters
        "#]],
        );
        check_steps(
            "def f(a, b): ...\nf(1, f(2, 3))\n",
            "main.f",
            &remove,
            expect![[r#"
            refused: main.py:2: leaving out `f(2, 3)` may change what happens
        "#]],
        );
    }

    #[test]
    fn receivers_and_tests_stay() {
        check_titles(&REWRITE, "class C:\n    def m(se$0lf): ...\n", expect![""]);
        check_titles(&REWRITE, "#- /test_a.py\ndef test_a(fix$0ture):\n    pass\n", expect![""]);
    }
}

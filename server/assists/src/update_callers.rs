//! Update callers: a signature was edited, the calls follow.
//!
//! ```python
//! def area(width, height):       # was `def area(w, h=1):` when the file was saved; ← offered here
//!     return width * height
//! area(w=2)                      # becomes `area(width=2, height=...)`
//! ```

use graph::{Confidence, SymbolKind};
use syntax::ast::Stmt;
use syntax::{Parsed, Ranged, TextRange, parse};

use super::action::{ActionKind, AssistContext, Change, Offers, Rewrite};
use super::arguments::SignatureChange;
use super::call_sites::{Trees, calls, doubt, find_call, find_function, receiver};
use super::change_signature::has_nested;
use super::names::Names;
use super::place::steps;
use super::reply::functions;
use super::signature::{Parameter, Signature};
use ide::renamed_from;

pub(super) const REWRITE: Rewrite = Rewrite { id: "update-callers", tolerant: false, offer };

fn offer<'a>(context: &'a AssistContext<'a>, offers: &mut Offers<'a>) {
    let analysis = context.analysis;
    let Some(before) = context.before else { return };
    let function = analysis.enclosing(context.file, context.range.start());
    let view = analysis.symbol(function);
    let on_header = view.header.contains_range(context.range);
    if !matches!(view.kind, SymbolKind::Function | SymbolKind::Method) || !on_header || view.is_retained() {
        return;
    }
    let receiver = receiver(analysis, function);
    let Some(node) = find_function(analysis, function, context.parsed) else { return };
    let parsed_before = parse(before);
    // What was renamed before it was saved is compared with what it was.
    let name = view.local_name();
    let name_before = match renamed_from(analysis, function, before) {
        Some(last) => name.rsplit_once('.').map_or(last.clone(), |(owner, _)| format!("{owner}.{last}")),
        None => name.to_owned(),
    };
    let same_name = |path: &[&str]| path.join(".") == name_before;
    let all_before = functions(parsed_before.statements());
    let mut nodes_before = all_before.iter().filter(|it| same_name(&it.path));
    let (Some(node_before), None) = (nodes_before.next(), nodes_before.next()) else { return };
    let old = Signature::of(node_before.node, before, receiver);
    let mut new = Signature::of(node, context.text, receiver);
    follow(&old, &mut new);
    if old.params == new.params {
        return;
    }

    let mut trees = Trees::default();
    let mut change = Change::default();
    let (mut updated, mut left) = (0, 0);
    for called in calls(analysis, &[function]) {
        let site = called.site;
        let source = analysis.source(site.file).text();
        let parsed = trees.get(analysis, site.file);
        let bound = analysis.bound_parameters(site.file, site.range, function);
        let plain = site.confidence != Confidence::Possible && doubt(analysis, &called, &[function]).is_none();
        let (Some(bound), Some(call), true) = (bound, find_call(parsed, site.range), plain) else {
            left += 1;
            continue;
        };
        let value = |param: &Parameter| match is_visible(parsed, site.range, &param.name) {
            true => param.name.clone(),
            false => "...".to_owned(),
        };
        match (SignatureChange { old: &old, new: &new, bound, value: &value }).rewrite_call(call, parsed, source) {
            Ok(Some(edits)) => {
                updated += 1;
                change.add(analysis.path(site.file), edits);
            }
            Ok(None) => {}
            Err(_) => left += 1,
        }
    }
    if updated == 0 {
        return;
    }
    let callers = if updated + left == 1 { "caller" } else { "callers" };
    let count = if left == 0 { updated.to_string() } else { format!("{updated} of {}", updated + left) };
    let outcome = match has_nested(&change) {
        true => Err("calls stand inside arguments of other calls that change as well".to_owned()),
        false => Ok(change),
    };
    offers.made(ActionKind::QuickFix, format!("Update {count} {callers} of `{}`", view.name), outcome);
    offers.prefer();
}

/// Finds out which parameter of `old` each one of `new` is: the one of the same name, or one that is gone and stood in the
/// same place between those that are left.
fn follow(old: &Signature, new: &mut Signature) {
    for param in &mut new.params {
        param.origin = old.params.iter().position(|before| before.name == param.name);
    }
    let kept: Vec<Option<usize>> = new.params.iter().map(|param| param.origin).collect();
    // The nearest one before that is left.
    let before_old = |at: usize| (0..at).rev().find(|before| kept.contains(&Some(*before)));
    let before_new = |at: usize| kept[..at].iter().rev().find_map(|origin| *origin);
    for at in (0..old.params.len()).filter(|at| !kept.contains(&Some(*at))) {
        let fits = |(nth, param): &(usize, &mut Parameter)| {
            param.origin.is_none() && param.kind == old.params[at].kind && before_new(*nth) == before_old(at)
        };
        if let Some((_, param)) = new.params.iter_mut().enumerate().find(fits) {
            param.origin = Some(at);
        }
    }
}

/// Whether a variable called `name` can be read at `range`.
fn is_visible(parsed: &Parsed, range: TextRange, name: &str) -> bool {
    let binds = |stmt: &Stmt| match stmt {
        Stmt::FunctionDef(it) => it.range().contains_range(range) && Names::of_function(it).bound().contains(name),
        _ => false,
    };
    let around = steps(parsed.statements(), range);
    around.iter().any(|step| binds(step.stmt())) || Names::of(parsed.statements()).bound().contains(name)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::super::action::testing::check_after;
    use super::*;

    fn check(before: &str, text: &str, expected: Expect) {
        check_after(&REWRITE, "", Some(before), text, expected);
    }

    #[test]
    fn calls_follow_the_signature() {
        check(
            "def area(w, h=1, depth=2): ...\n",
            "#- /shop.py\ndef area(width, h$0eight): ...\n#- /main.py\nfrom shop import area\ndef f(height):\n    area(w=2)\n    area(1, 2, 3)\n    area(1, 2)\narea(1)\n",
            expect![[r#"
                from shop import area
                def f(height):
                    area(width=2, height=1)
                    area(1, 2)
                    area(1, 2)
                area(1, 1)
            "#]],
        );
        check(
            "def area(w, h=1): ...\n",
            "#- /shop.py\ndef area(width, h$0eight): ...\n#- /main.py\nfrom shop import area\ndef f(height):\n    area(w=2)\n    area(1, 2)\n    area(1, h=2)\n",
            expect![[r#"
                from shop import area
                def f(height):
                    area(width=2, height=1)
                    area(1, 2)
                    area(1, height=2)
            "#]],
        );
    }

    #[test]
    fn what_is_new_is_a_variable_of_that_name_or_dots() {
        check(
            "def area(width): ...\n",
            "def area(width, hei$0ght): ...\ndef f(height):\n    area(1)\ndef g():\n    area(\n        1,\n    )\n    area(width=1)\n    area(*x)\n",
            expect![[r#"
                def area(width, height): ...
                def f(height):
                    area(1, height)
                def g():
                    area(
                        1, ...,
                    )
                    area(width=1, height=...)
                    area(*x, height=...)
            "#]],
        );
    }

    #[test]
    fn what_is_gone_is_dropped_and_what_moved_moves() {
        check(
            "class C:\n    def m(self, a, b, c): ...\n",
            "class C:\n    def m(self, $0c, a): ...\nC().m(1, 2, 3)\n",
            expect![[r#"
                class C:
                    def m(self, c, a): ...
                C().m(3, 1)
            "#]],
        );
        check(
            "class C:\n    def m(self, a): ...\n",
            "class C:\n    def renamed(self, $0b): ...\nC().renamed(a=1)\n",
            expect![[r#"
                class C:
                    def renamed(self, b): ...
                C().renamed(b=1)
            "#]],
        );
        check("def f(a): ...\n", "def f($0a): ...\nf(1)\n", expect!["nothing\n"]);
        check("def f(a): ...\n", "def f($0a, b=1): ...\nf(1)\n", expect!["nothing\n"]);
    }
}

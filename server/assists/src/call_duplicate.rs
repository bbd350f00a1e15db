//! Call the other one: a function that does the same as another one of the workspace is made to call it.
//!
//! ```python
//! def price(amount):      # ← `money.round_up` does the same under other names
//!     return math.ceil(amount * 100) / 100
//! ```
//!
//! Its name, parameters and docstring stay, so nobody who calls it notices. The names that both use have to mean the same.

use graph::{Analysis, SymbolId, SymbolKind, Target};
use syntax::ast::helpers::{any_over_body, is_docstring_stmt};
use syntax::ast::visitor::{Visitor, walk_expr};
use syntax::ast::{Expr, ExprContext, Parameters, Stmt, StmtFunctionDef};
use syntax::{Parsed, Ranged, TextEdit, TextRange, TextSize};

use super::action::{ActionKind, AssistContext, Offers, Outcome, Rewrite};
use super::import_block::{NewImport, add, has, parse_file};
use super::moved_imports::no_cycle;
use super::place::{free_name, span, stands_alone};

pub(super) const REWRITE: Rewrite = Rewrite { id: "call-duplicate", tolerant: false, offer };

fn offer<'a>(context: &'a AssistContext<'a>, offers: &mut Offers<'a>) {
    let analysis = context.analysis;
    let Some(function) = named(context.parsed, context.range).filter(|it| is_plain(it)) else { return };
    let is_this = |range: TextRange| range.contains_range(function.name.range());
    let is_function = |other: SymbolId| {
        let view = analysis.symbol(other);
        let parent = view.parent.map(|parent| analysis.symbol(parent).kind);
        view.kind == SymbolKind::Function && parent == Some(SymbolKind::Module) && !view.flags.is_decorated
    };
    let found = ide::known_already(analysis, context.file, is_this, is_function);
    let Some(other) = found.first().map(|it| it.other) else { return };
    let title = format!("Call `{}` instead", analysis.symbol(other).qualified_name());
    offers.later(ActionKind::Rewrite, title, move || call(context, function, other));
}

/// Whether calling another function is all that has to be done in its place.
fn is_plain(function: &StmtFunctionDef) -> bool {
    let suspends = |expr: &Expr| matches!(expr, Expr::Yield(_) | Expr::YieldFrom(_) | Expr::Await(_));
    function.decorator_list.is_empty() && !function.is_async && !any_over_body(&function.body, &suspends)
}

fn call(context: &AssistContext<'_>, function: &StmtFunctionDef, other: SymbolId) -> Outcome {
    let (analysis, file, text, parsed) = (context.analysis, context.file, context.text, context.parsed);
    let there = if other.file == file { None } else { Some(parse_file(analysis, other.file)) };
    let of_other = definition(analysis, other, there.as_ref().unwrap_or(parsed)).ok_or("it is not there any longer")?;
    if let Some(name) = other_meaning(analysis, (file, function), (other.file, of_other)) {
        return Err(format!("`{name}` means something else there"));
    }
    let documented = usize::from(function.body.first().is_some_and(is_docstring_stmt));
    let body = span(&function.body[documented..]).ok_or("there is nothing in it")?;
    let name = of_other.name.as_str();
    if !stands_alone(text, body) {
        return Err("its first statement shares a line".to_owned());
    }
    let mut edits = Vec::new();
    let called = if other.file == file {
        name.to_owned()
    } else {
        no_cycle(analysis, file, &[], &[(Some(file), Some(other.file))], "")?;
        let module = analysis.module_name(other.file);
        let import = NewImport::from(module, name);
        let is_there = has(parsed.statements(), &import);
        let free = free_name(parsed, text, name, true);
        // Its own name, or one of a parameter, would be called instead.
        let alias = (!is_there && free != name).then_some(free);
        let called = alias.clone().unwrap_or_else(|| name.to_owned());
        if !is_there {
            edits.push(add(analysis, file, parsed, &NewImport { alias, ..import }));
        }
        called
    };
    let arguments = arguments(&function.parameters, &of_other.parameters);
    edits.push(TextEdit::replace(body, format!("return {called}({arguments})")));
    edits.sort_by_key(|edit| edit.range.start());
    Ok(context.change(edits))
}

fn definition<'a>(analysis: &Analysis, symbol: SymbolId, parsed: &'a Parsed) -> Option<&'a StmtFunctionDef> {
    named(parsed, analysis.symbol(symbol).name_range)
}

/// The function of the module whose name is at `range`.
fn named(parsed: &Parsed, range: TextRange) -> Option<&StmtFunctionDef> {
    let functions = parsed.statements().iter().filter_map(Stmt::as_function_def_stmt);
    functions.into_iter().find(|function| function.name.range().contains_range(range))
}

/// The parameters of one function handed on to another that has as many of each kind.
fn arguments(own: &Parameters, other: &Parameters) -> String {
    let positional = own.posonlyargs.iter().chain(&own.args).map(|it| it.parameter.name.to_string());
    let rest = own.vararg.iter().map(|it| format!("*{}", it.name));
    let named = own.kwonlyargs.iter().zip(&other.kwonlyargs);
    let named = named.map(|(own, other)| format!("{}={}", other.parameter.name, own.parameter.name));
    let others = own.kwarg.iter().map(|it| format!("**{}", it.name));
    positional.chain(rest).chain(named).chain(others).collect::<Vec<_>>().join(", ")
}

/// A name that both functions use and that is not the same thing in their modules. Their variables are their own.
fn other_meaning(
    analysis: &Analysis,
    (file, own): (graph::FileId, &StmtFunctionDef),
    (other_file, other): (graph::FileId, &StmtFunctionDef),
) -> Option<String> {
    let mut resolvers = (analysis.resolver(file), analysis.resolver(other_file));
    let is_local = |targets: &[Target]| targets.iter().any(|it| matches!(it, Target::Local { .. }));
    let names = read(&own.body).into_iter().zip(read(&other.body));
    names.into_iter().find_map(|((name, at), (other_name, other_at))| {
        let (here, there) = (resolvers.0.targets(at), resolvers.1.targets(other_at));
        let is_same = is_local(&here) && is_local(&there) || here == there && name == other_name;
        (!is_same).then(|| name.to_owned())
    })
}

/// The names that are read, in order, with their places.
fn read(body: &[Stmt]) -> Vec<(&str, TextSize)> {
    struct Names<'a>(Vec<(&'a str, TextSize)>);
    impl<'a> Visitor<'a> for Names<'a> {
        fn visit_expr(&mut self, expr: &'a Expr) {
            match expr {
                Expr::Name(name) if name.ctx == ExprContext::Load => self.0.push((&name.id, name.start())),
                _ => walk_expr(self, expr),
            }
        }
        fn visit_annotation(&mut self, _: &'a Expr) {}
    }
    let mut names = Names(Vec::new());
    names.visit_body(body);
    names.0
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::action::testing::{check, check_titles, refusal};
    use super::*;

    const MONEY: &str = "#- /money.py\nimport math\n\n\ndef round_up(value, *, digits=2):\n    factor = 10**digits\n    return math.ceil(value * factor) / factor\n";

    #[test]
    fn a_copy_calls_what_it_is_a_copy_of() {
        check(
            &REWRITE,
            &format!(
                "{MONEY}#- /cart.py\nimport math\n\n\ndef pri$0ce(amount: float, *, places: int = 2) -> float:\n    \"\"\"What it costs.\"\"\"\n    f = 10**places\n    return math.ceil(amount * f) / f\n"
            ),
            expect![[r#"
                import math

                from money import round_up


                def price(amount: float, *, places: int = 2) -> float:
                    """What it costs."""
                    return round_up(amount, digits=places)
            "#]],
        );
    }

    #[test]
    fn its_own_name_is_not_in_the_way() {
        check(
            &REWRITE,
            &format!(
                "{MONEY}#- /cart.py\nimport math\ndef round$0_up(a, *, b=2):\n    f = 10**b\n    return math.ceil(a * f) / f\n"
            ),
            expect![[r#"
                import math

                from money import round_up as round_up2
                def round_up(a, *, b=2):
                    return round_up2(a, digits=b)
            "#]],
        );
    }

    #[test]
    fn what_is_no_copy_or_no_function_is_left() {
        for cart in [
            "def pri$0ce(a, *, b=2):\n    f = 10**b\n    return math.floor(a * f) / f\n",
            "@cache\ndef pri$0ce(a, *, b=2):\n    f = 10**b\n    return math.ceil(a * f) / f\n",
            "class A:\n    def pri$0ce(a, *, b=2):\n        f = 10**b\n        return math.ceil(a * f) / f\n",
        ] {
            check_titles(&REWRITE, &format!("{MONEY}#- /cart.py\nimport math\n{cart}"), expect![""]);
        }
        let same = "def pri$0ce(a, *, b=2):\n    f = 10**b\n    return math.ceil(a * f) / f\n";
        assert_eq!(
            refusal(
                &REWRITE,
                &format!("{MONEY}#- /cart.py\nimport mine as math\n{same}#- /mine.py\ndef ceil(x): ...\n")
            ),
            Some("`math` means something else there".to_owned())
        );
        assert_eq!(
            refusal(
                &REWRITE,
                &format!("{}#- /cart.py\nimport math\n{same}", MONEY.replace("import math", "import math, cart"))
            ),
            Some("`cart` would import `money`, which already needs `cart`".to_owned())
        );
    }
}

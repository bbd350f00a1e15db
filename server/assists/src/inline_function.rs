//! Inline call: a function that only returns a value is replaced by it.
//!
//! ```python
//! def area(width, height):
//!     return width * height
//! print(area(2, x + 1))      # ← offered on the call; becomes `print(2 * (x + 1))`
//! ```

use graph::{Analysis, Confidence, ParamKind, SymbolId, Target};
use rustc_hash::FxHashMap;
use syntax::ast::helpers::{any_over_expr, body_without_leading_docstring};
use syntax::ast::visitor::{Visitor, walk_expr};
use syntax::ast::{Expr, ExprCall, Stmt};
use syntax::{Ranged, TextEdit, TextRange, TextSize, apply_edits};

use super::action::{ActionKind, AssistContext, Offers, Outcome, Rewrite};
use super::call_sites::{find_call, find_function};
use super::inline_variable::replacement;
use super::names::{Names, Use};
use super::place::{acts, function_around, is_constant};

pub(super) const REWRITE: Rewrite = Rewrite { id: "inline-function", tolerant: false, offer };

fn offer<'a>(context: &'a AssistContext<'a>, offers: &mut Offers<'a>) {
    let analysis = context.analysis;
    let at = context.range.start();
    let Some(range) = analysis.name_at(context.file, at).filter(|it| it.contains_range(context.range)) else { return };
    let Some(call) = find_call(context.parsed, range).filter(|call| call.func.is_name_expr()) else { return };
    let [Target::Symbol(function, confidence)] = analysis.targets(context.file, at)[..] else { return };
    if confidence != Confidence::Exact || function.file != context.file || !is_function(analysis, function) {
        return;
    }
    let Some(node) = find_function(analysis, function, context.parsed) else { return };
    // Longer bodies have no place inside an expression.
    let [Stmt::Return(it)] = body_without_leading_docstring(&node.body) else { return };
    let Some(value) = &it.value else { return };
    let title = format!("Inline call of `{}`", node.name);
    offers.made(ActionKind::Inline, title, inline(context, function, value, call));
}

fn is_function(analysis: &Analysis, function: SymbolId) -> bool {
    let view = analysis.symbol(function);
    let flags = view.flags;
    view.kind == graph::SymbolKind::Function && view.decorators.is_empty() && !flags.is_overload && !flags.is_generator
}

fn inline(context: &AssistContext<'_>, function: SymbolId, value: &Expr, call: &ExprCall) -> Outcome {
    let (analysis, parsed, text) = (context.analysis, context.parsed, context.text);
    let view = analysis.symbol(function);
    if view.range.contains_range(call.range()) {
        return Err("it calls itself".to_owned());
    }
    if view.flags.is_async {
        return Err("it is `async`".to_owned());
    }
    let inner = |expr: &Expr| {
        matches!(
            expr,
            Expr::Lambda(_)
                | Expr::ListComp(_)
                | Expr::SetComp(_)
                | Expr::DictComp(_)
                | Expr::Generator(_)
                | Expr::Named(_)
                | Expr::FString(_)
                | Expr::TString(_)
        )
    };
    if any_over_expr(value, |part| inner(part)) {
        return Err("its value has names of its own, or parts of a string".to_owned());
    }
    let given = arguments(analysis, function, call)?;
    let uses = Uses::of(value);
    // Names of the module have to mean the same where the call is.
    let local = function_around(parsed.statements(), call.range()).map(|(it, _)| Names::of_function(it).bound());
    for used in &uses.0 {
        let is_param = given.contains_key(used.0);
        if !is_param && local.as_ref().is_some_and(|local| local.contains(used.0)) {
            return Err(format!("`{}` means something else where it is called", used.0));
        }
    }
    let outer = function_around(parsed.statements(), view.name_range);
    if outer.is_some_and(|(outer, _)| Names::of_function(outer).events.iter().any(|it| it.what == Use::CapturedStore)) {
        return Err("it shares variables with the function around it".to_owned());
    }
    // Each argument has to be computed once, in the same order.
    let params: Vec<&str> = view.params.iter().map(|param| param.name.as_str()).collect();
    let mut order: Vec<usize> = Vec::new();
    for (name, _) in &uses.0 {
        order.extend(params.iter().position(|param| param == name));
    }
    for (at, param) in params.iter().enumerate() {
        let argument = given[*param];
        let count = order.iter().filter(|used| **used == at).count();
        let is_simple = is_constant(argument) || argument.is_name_expr();
        if count != 1 && !is_simple && (acts(argument) || count > 1) {
            return Err(format!("`{}` would be computed {count} times", &text[argument.range()]));
        }
    }
    let acting: Vec<usize> = order.iter().copied().filter(|at| acts(given[params[*at]])).collect();
    let is_early = |at: &usize| uses.acts_before(params[*at]);
    let conditional = any_over_expr(value, |part| matches!(part, Expr::BoolOp(_) | Expr::If(_)))
        || any_over_expr(value, |part| matches!(part, Expr::Compare(it) if it.comparators.len() > 1));
    if !acting.is_sorted() || acting.iter().any(is_early) || conditional && !acting.is_empty() {
        return Err("arguments would be evaluated in another order".to_owned());
    }

    let range = value.range();
    let mut edits = Vec::new();
    for (name, used) in &uses.0 {
        if let Some(argument) = given.get(name) {
            let written = replacement(parsed, text, argument, *used)?;
            edits.push(TextEdit::replace(TextRange::at(used.start() - range.start(), used.len()), written));
        }
    }
    let body = apply_edits(&text[range], &edits).map_err(|_| "its value cannot be taken apart".to_owned())?;
    let code = format!("({body})");
    let body_parsed = syntax::parse(&code);
    let [Stmt::Expr(inlined)] = body_parsed.statements() else {
        return Err("its value is not an expression".to_owned());
    };
    // As the value stands in the call's place, parentheses are those that its own kind needs.
    let bare = replacement_kind(context, call, &inlined.value, &body)?;
    let mut all = vec![TextEdit::replace(call.range(), bare)];
    all.retain(|edit| edit.range.end() <= TextSize::of(text));
    Ok(context.change(all))
}

/// `body` in the place of `call`, in parentheses where its kind needs them there.
fn replacement_kind(context: &AssistContext<'_>, call: &ExprCall, value: &Expr, body: &str) -> Result<String, String> {
    use syntax::ast::OperatorPrecedence;
    let parent = super::place::nodes(context.parsed, call.range());
    let parent = parent.iter().rev().find(|node| node.range() != call.range()).copied();
    let is_tuple = value.is_tuple_expr() && !body.trim_start().starts_with('(');
    let is_tight =
        OperatorPrecedence::from_expr(value) >= OperatorPrecedence::CallAttribute && !value.is_number_literal_expr();
    let fits = is_tight || super::inline_variable::is_loose(parent, call.range());
    Ok(if fits && !is_tuple && !body.contains('\n') { body.to_owned() } else { format!("({body})") })
}

/// What each parameter is given.
fn arguments<'a>(
    analysis: &Analysis,
    function: SymbolId,
    call: &'a ExprCall,
) -> Result<FxHashMap<&'static str, &'a Expr>, String> {
    let view = analysis.symbol(function);
    let mut given: FxHashMap<&'static str, &Expr> = FxHashMap::default();
    let named =
        |kind: ParamKind| matches!(kind, ParamKind::PositionalOnly | ParamKind::Positional | ParamKind::KeywordOnly);
    if view.params.iter().any(|param| !named(param.kind)) {
        return Err("it collects arguments".to_owned());
    }
    let unpacks = call.arguments.args.iter().any(|it| it.is_starred_expr())
        || call.arguments.keywords.iter().any(|it| it.arg.is_none());
    if unpacks {
        return Err("the call unpacks arguments".to_owned());
    }
    let positional = view.params.iter().filter(|param| param.kind != ParamKind::KeywordOnly);
    for (param, argument) in positional.zip(&call.arguments.args) {
        given.insert(param.name.as_str(), argument);
    }
    for keyword in &call.arguments.keywords {
        let param =
            view.params.iter().find(|param| keyword.arg.as_ref().is_some_and(|name| name.as_str() == &*param.name));
        given.insert(param.ok_or("an argument has no parameter")?.name.as_str(), &keyword.value);
    }
    let all = given.len() == view.params.len() && call.arguments.len() == given.len();
    // Keywords may come in another order than they are used in; that is looked at where it matters.
    all.then_some(given).ok_or_else(|| "the call relies on a default, or does not fit".to_owned())
}

/// The names in an expression, in the order in which they are evaluated.
struct Uses<'a>(Vec<(&'a str, TextRange)>, Vec<(usize, TextRange)>);

impl<'a> Uses<'a> {
    fn of(expr: &'a Expr) -> Self {
        struct Search<'a>(Uses<'a>);
        impl<'a> Visitor<'a> for Search<'a> {
            fn visit_expr(&mut self, expr: &'a Expr) {
                walk_expr(self, expr);
                match expr {
                    Expr::Name(name) => self.0.0.push((name.id.as_str(), name.range)),
                    // When it is done, so many names have been read.
                    Expr::Call(_) | Expr::Await(_) => self.0.1.push((self.0.0.len(), expr.range())),
                    _ => {}
                }
            }
        }
        let mut search = Search(Uses(Vec::new(), Vec::new()));
        search.visit_expr(expr);
        search.0
    }

    /// Whether a call in the expression is over before `name` is read.
    fn acts_before(&self, name: &str) -> bool {
        let first = self.0.iter().position(|(other, _)| *other == name);
        first.is_some_and(|first| self.1.iter().any(|(read, _)| *read <= first))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::action::testing::{check, check_titles, refusal};
    use super::*;

    #[test]
    fn a_value_takes_the_place_of_the_call() {
        check(
            &REWRITE,
            "def area(width, height):\n    \"\"\"Doc.\"\"\"\n    return width * height\nprint(ar$0ea(2, x + 1) - 1)\n",
            expect![[r#"
                def area(width, height):
                    """Doc."""
                    return width * height
                print((2 * (x + 1)) - 1)
            "#]],
        );
        check(
            &REWRITE,
            "def f(a, b):\n    return g(b, a)\nx = f$0(b=1, a=y)\n",
            expect![[r#"
            def f(a, b):
                return g(b, a)
            x = g(1, y)
        "#]],
        );
    }

    #[test]
    fn what_would_change_is_refused() {
        for (text, reason) in [
            ("def f(a):\n    return a + a\nf$0(g())\n", "`g()` would be computed 2 times"),
            ("def f(a, b):\n    return b - a\nf$0(g(), h())\n", "arguments would be evaluated in another order"),
            ("def f(a):\n    return k() + a\nf$0(g())\n", "arguments would be evaluated in another order"),
            ("def f(a):\n    return x and a\nf$0(g())\n", "arguments would be evaluated in another order"),
            ("def f(a, b=1):\n    return b - a\nf$0(1)\n", "the call relies on a default, or does not fit"),
            ("def f(*a):\n    return a\nf$0(1)\n", "it collects arguments"),
            (
                "x = 1\ndef f(a):\n    return x\ndef g(x):\n    return f$0(x)\n",
                "`x` means something else where it is called",
            ),
            ("def f(a):\n    return [a for b in c]\nf$0(1)\n", "its value has names of its own, or parts of a string"),
        ] {
            assert_eq!(refusal(&REWRITE, text).as_deref(), Some(reason), "{text}");
        }
        check_titles(&REWRITE, "def f(a):\n    x = a\n    return x\nf$0(1)\n", expect![""]);
        check_titles(&REWRITE, "@cache\ndef f(a):\n    return a\nf$0(1)\n", expect![""]);
    }
}

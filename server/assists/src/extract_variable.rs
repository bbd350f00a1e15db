//! Extract variable.
//!
//! ```python
//! print(order.net() * 1.2)      # ← select `order.net() * 1.2`
//! ```

use syntax::ast::{Expr, ExprContext, Stmt};
use syntax::{Ranged, TextEdit, TextRange, TextSize};

use super::action::{ActionKind, AssistContext, Offers, Outcome, Rewrite};
use super::layout::{indent_at, line_start, newline, own_line_indent};
use super::place::{evaluated_first, expression_at, expressions, free_name, function_around, steps, with_parentheses};

pub(super) const REWRITE: Rewrite = Rewrite { id: "extract-variable", tolerant: false, offer };

fn offer<'a>(context: &'a AssistContext<'a>, offers: &mut Offers<'a>) {
    if context.range.is_empty() {
        return;
    }
    let Some(expr) = expression_at(context.parsed, context.text, context.range) else { return };
    if !is_value(context, expr) {
        return;
    }
    let name = free_name(context.parsed, context.text, &suggested(expr), false);
    offers.made(ActionKind::Extract, format!("Extract variable `{name}`"), extract(context, expr, &name));
}

/// Whether `expr` is a value that could have a name, and has none.
pub(super) fn is_value(context: &AssistContext<'_>, expr: &Expr) -> bool {
    let stored = match expr {
        Expr::Name(_) | Expr::Starred(_) | Expr::Slice(_) | Expr::Named(_) | Expr::Yield(_) | Expr::YieldFrom(_) => {
            true
        }
        Expr::Attribute(it) => it.ctx != ExprContext::Load,
        Expr::Subscript(it) => it.ctx != ExprContext::Load,
        Expr::Tuple(it) => it.ctx != ExprContext::Load,
        Expr::List(it) => it.ctx != ExprContext::Load,
        _ => false,
    };
    // The parts of an f-string are no expressions, and `{x=}` shows its own text.
    let inside = expressions(context.parsed, expr.range());
    let in_string = inside.iter().any(|around| match around {
        Expr::FString(it) => {
            let parts = it.value.elements();
            parts.into_iter().any(|part| match part {
                syntax::ast::InterpolatedStringElement::Interpolation(part) => {
                    part.range.contains_range(expr.range()) && part.debug_text.is_some()
                }
                syntax::ast::InterpolatedStringElement::Literal(part) => part.range.contains_range(expr.range()),
            })
        }
        Expr::TString(_) => true,
        _ => false,
    });
    // A docstring is one because it stands where it does.
    let is_statement = expr.is_string_literal_expr()
        && steps(context.parsed.statements(), expr.range())
            .last()
            .is_some_and(|step| matches!(step.stmt(), Stmt::Expr(it) if it.value.range() == expr.range()));
    !stored && !in_string && !is_statement
}

fn suggested(expr: &Expr) -> String {
    let last = match expr {
        Expr::Call(call) => match &*call.func {
            Expr::Name(name) => Some(name.id.as_str()),
            Expr::Attribute(attribute) => Some(attribute.attr.as_str()),
            _ => None,
        },
        Expr::Attribute(attribute) => Some(attribute.attr.as_str()),
        _ => None,
    };
    let last = last.map(|name| name.trim_start_matches("get_").trim_matches('_')).unwrap_or_default();
    // A class's name is not that of its instance.
    let mut snake = String::new();
    for (at, c) in last.char_indices() {
        if c.is_uppercase() && at > 0 && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    if snake.is_empty() || snake.starts_with(|c: char| c.is_numeric()) { "value".to_owned() } else { snake }
}

fn extract(context: &AssistContext<'_>, expr: &Expr, name: &str) -> Outcome {
    let (parsed, text) = (context.parsed, context.text);
    let steps = steps(parsed.statements(), expr.range());
    let stmt = steps.last().map(|step| step.stmt()).ok_or("there is no statement around it")?;
    let in_class = steps.iter().rev().nth(1).is_some_and(|around| around.stmt().is_class_def_stmt());
    if in_class && function_around(parsed.statements(), expr.range()).is_none() {
        return Err("it would become an attribute of the class".to_owned());
    }
    if own_line_indent(text, stmt.start()).is_none() {
        return Err("something else stands on the same line before it".to_owned());
    }
    let names = super::names::Names::of_expr(expr);
    if names.events.iter().any(|event| event.what == super::names::Use::Store) {
        return Err("it binds a name".to_owned());
    }
    evaluated_first(parsed, stmt, expr)?;
    let value = value_text(text, expr);
    if let Stmt::Expr(only) = stmt
        && only.value.range() == expr.range()
    {
        let at = with_parentheses(parsed, expr).start();
        return Ok(context.change([TextEdit::insert(at, format!("{name} = "))]));
    }
    let start = line_start(text, stmt.start());
    let line = format!("{}{name} = {value}{}", indent_at(text, stmt.start()), newline(text));
    let mut range = expr.range();
    // An unparenthesized generator shares its parentheses with the call.
    let around = with_parentheses(parsed, expr);
    let bare_generator = matches!(expr, Expr::Generator(it) if !it.parenthesized);
    if around != range && !bare_generator {
        range = around;
    }
    Ok(context.change([TextEdit::insert(start, line), TextEdit::replace(range, spaced(text, range, name))]))
}

/// The expression as it can stand on a line of its own.
pub(super) fn value_text(text: &str, expr: &Expr) -> String {
    let value = &text[expr.range()];
    let alone = format!("_ = {value}\n");
    let parsed = syntax::parse(&alone);
    let whole = match parsed.statements() {
        [Stmt::Assign(it)] => it.value.range() == TextRange::at(TextSize::new(4), TextSize::of(value)),
        _ => false,
    };
    if whole && !parsed.has_errors() { value.to_owned() } else { format!("({value})") }
}

/// `name` where parentheses stood, which need no space around them: `return(x)`.
fn spaced(text: &str, range: TextRange, name: &str) -> String {
    let touches = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let before = if touches(text[..range.start().to_usize()].chars().next_back()) { " " } else { "" };
    let after = if touches(text[range.end().to_usize()..].chars().next()) { " " } else { "" };
    format!("{before}{name}{after}")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::action::testing::{check, check_titles, refusal};
    use super::*;

    #[test]
    fn before_the_statement() {
        check(
            &REWRITE,
            "def f(order):\n\tif order:\n\t\treturn g($1order.net() * 1.2$1)  # why\n",
            expect![[r#"
                def f(order):
                →if order:
                →→value = order.net() * 1.2
                →→return g(value)  # why
            "#]],
        );
        check(
            &REWRITE,
            "x = 1\r\nprint($1get_user(x)$1.name, x)\r\n",
            expect![[r#"
            x = 1␍
            user = get_user(x)␍
            print(user.name, x)␍
        "#]],
        );
        check(
            &REWRITE,
            "$1Path('a')$1\n",
            expect![[r#"
            path = Path('a')
        "#]],
        );
        check(
            &REWRITE,
            "value = value2 = 0\nassert(\n    $1a +\n    b$1 > c)\n",
            expect![[r#"
            value = value2 = 0
            value3 = (a +
                b)
            assert(
                value3 > c)
        "#]],
        );
        check(
            &REWRITE,
            "return_ = 0\ndef f(a):\n    return($1(a)$1 + 1)\n",
            expect![[r#"
            nothing
        "#]],
        );
        check(
            &REWRITE,
            "any($1x for x in y$1)\n",
            expect![[r#"
            value = (x for x in y)
            any(value)
        "#]],
        );
        check(
            &REWRITE,
            "print(f'{$1a.b$1}')\n",
            expect![[r#"
            b = a.b
            print(f'{b}')
        "#]],
        );
        check(
            &REWRITE,
            "def f(a):\n    return(-$1(a + 1)$1)\n",
            expect![[r#"
            def f(a):
                value = a + 1
                return(-value)
        "#]],
        );
    }

    #[test]
    fn what_is_evaluated_elsewhen_stays() {
        for (text, reason) in [
            ("a and $1b.c$1\n", "it is not evaluated every time"),
            ("x = [$1a.b$1 for a in c]\n", "it may be evaluated at another time, or again"),
            ("while $1a.b$1: pass\n", "it may be evaluated at another time, or again"),
            ("if a: pass\nelif $1b.c$1: pass\n", "it is not evaluated every time"),
            ("f(g(), $1a.b$1)\n", "something else is evaluated before it"),
            ("f(a.b, $1g()$1)\n", "something else is evaluated before it"),
            ("def f(a: $1b.c$1): ...\n", "it is part of an annotation"),
            ("class C:\n    x = $1a.b$1\n", "it would become an attribute of the class"),
            ("if x: y = $1a.b$1\n", "something else stands on the same line before it"),
        ] {
            assert_eq!(refusal(&REWRITE, text).as_deref(), Some(reason), "{text}");
        }
        check_titles(&REWRITE, "$1x$1 = 1\n", expect![""]);
        check_titles(&REWRITE, "$1x.y$1 = 1\n", expect![""]);
    }

    #[test]
    fn what_is_evaluated_first_goes() {
        for text in [
            "z = [x for x in $1y.a()$1]\n",
            "a.b = $1c()$1\n",
            "w[h()] = $1c()$1\n",
            "x = a if $1c()$1 else d()\n",
            "with $1a()$1 as b: pass\n",
            "for x in $1y()$1: pass\n",
            "a.b.c($1d()$1)\n",
        ] {
            assert_eq!(refusal(&REWRITE, text), None, "{text}");
        }
    }
}

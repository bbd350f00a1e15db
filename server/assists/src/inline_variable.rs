//! Inline variable.
//!
//! ```python
//! def f(order):
//!     net = order.net()      # ← offered on `net`, here and below
//!     return net * 1.2
//! ```

use graph::Target;
use rustc_hash::FxHashSet;
use syntax::ast::token::TokenKind;
use syntax::ast::{AnyNodeRef, Expr, OperatorPrecedence, Stmt, StmtAssign};
use syntax::{Parsed, Ranged, TextEdit, TextRange};

use super::action::{ActionKind, AssistContext, Offers, Outcome, Rewrite};
use super::import_block::remove_statement;
use super::names::{Names, Use};
use super::place::{
    acts, evaluated_first, expressions, function_around, is_constant, nodes, span, steps, with_parentheses,
};

pub(super) const REWRITE: Rewrite = Rewrite { id: "inline-variable", tolerant: false, offer };

fn offer<'a>(context: &'a AssistContext<'a>, offers: &mut Offers<'a>) {
    let analysis = context.analysis;
    let at = context.range.start();
    let Some(name) = analysis.name_at(context.file, at).filter(|name| name.contains_range(context.range)) else {
        return;
    };
    let targets = analysis.targets(context.file, at);
    let [Target::Local { parameter: false, .. }] = targets[..] else { return };
    let title = format!("Inline variable `{}`", &context.text[name]);
    let occurrences = analysis.local_references(context.file, at);
    offers.made(ActionKind::Inline, title, inline(context, &context.text[name], &occurrences));
}

fn inline(context: &AssistContext<'_>, name: &str, occurrences: &[TextRange]) -> Outcome {
    let (parsed, text) = (context.parsed, context.text);
    let (assignment, value, uses) = binding(parsed, occurrences)?;
    if uses.is_empty() {
        return Err(format!("`{name}` is not used"));
    }
    let stmt = Stmt::Assign(assignment.clone());
    let function = function_around(parsed.statements(), assignment.range);
    let Some((function, _)) = function else { return Err("others may use it".to_owned()) };
    let all = Names::of_function(function);
    if all.declared.contains(name) {
        return Err(format!("`{name}` is `global` or `nonlocal`"));
    }
    let around = steps(parsed.statements(), assignment.range);
    let step = around.last().ok_or("it is not bound by a statement")?;
    let rest = span(&step.body[step.index + 1..]);
    if !uses.iter().all(|range| rest.is_some_and(|rest| rest.contains_range(*range))) {
        return Err(format!("`{name}` is used where it need not be bound"));
    }
    let is_captured = |range: &&TextRange| {
        function_around(parsed.statements(), **range).is_none_or(|it| it.0.range() != function.range())
    };
    let in_lambda = |range: &&TextRange| expressions(parsed, **range).iter().any(|expr| expr.is_lambda_expr());
    if uses.iter().any(|range| is_captured(&range) || in_lambda(&range)) && !is_constant(value) {
        return Err(format!("a nested function uses `{name}`"));
    }
    if acts(value) || !is_stable(value) {
        let [only] = uses[..] else {
            return Err("its value would be computed several times".to_owned());
        };
        let next = step.body.get(step.index + 1).filter(|next| next.range().contains_range(only));
        let next = next.ok_or("something else happens before it is used")?;
        let used = expressions(parsed, only).pop().ok_or("it is not used by an expression")?;
        evaluated_first(parsed, next, used).map_err(|_| "something else may happen before it is used".to_owned())?;
        // As a name it comes first; as a call it may not.
        if !is_first(parsed, next, used, value) {
            return Err("something else may happen before it is used".to_owned());
        }
    } else {
        unchanged(parsed, value, &all, assignment.range, &uses)?;
    }

    let mut edits: Vec<TextEdit> = Vec::new();
    for &range in &uses {
        edits.push(TextEdit::replace(range, replacement(parsed, text, value, range)?));
    }
    let kept = trailing_comment(text, assignment.range);
    edits.push(match kept {
        Some(comment) => TextEdit::replace(TextRange::new(assignment.range.start(), comment.start()), ""),
        None => remove_statement(text, parsed, &stmt),
    });
    Ok(context.change(edits))
}

/// The only assignment of a variable, its value, and where it is read.
fn binding<'a>(
    parsed: &'a Parsed,
    occurrences: &[TextRange],
) -> Result<(&'a StmtAssign, &'a Expr, Vec<TextRange>), String> {
    let mut uses = Vec::new();
    let mut assignment = None;
    for &range in occurrences {
        let expr = expressions(parsed, range).pop().filter(|expr| expr.range() == range);
        match expr {
            Some(Expr::Name(name)) if name.ctx.is_load() => uses.push(range),
            Some(Expr::Name(_)) if assignment.is_none() => {
                let around = steps(parsed.statements(), range);
                let assign = around.last().and_then(|step| step.stmt().as_assign_stmt());
                let plain = assign.filter(|it| it.targets.len() == 1 && it.targets[0].range() == range);
                assignment = Some(plain.ok_or("it is not bound by a plain assignment")?);
            }
            _ => return Err("it is bound more than once".to_owned()),
        }
    }
    let assignment = assignment.ok_or("it is not bound by a plain assignment")?;
    Ok((assignment, &assignment.value, uses))
}

/// Whether computing `expr` again gives the same thing, as long as the names in it mean the same.
fn is_stable(expr: &Expr) -> bool {
    !syntax::ast::helpers::any_over_expr(expr, |part| {
        !matches!(
            part,
            Expr::Name(_)
                | Expr::NumberLiteral(_)
                | Expr::StringLiteral(_)
                | Expr::BytesLiteral(_)
                | Expr::BooleanLiteral(_)
                | Expr::NoneLiteral(_)
                | Expr::EllipsisLiteral(_)
                | Expr::BinOp(_)
                | Expr::UnaryOp(_)
                | Expr::Compare(_)
                | Expr::BoolOp(_)
                | Expr::If(_)
                | Expr::Tuple(_)
        )
    })
}

/// Whether in `stmt` nothing that `value` could depend on, or change, is evaluated before `target`.
fn is_first(parsed: &Parsed, stmt: &Stmt, target: &Expr, value: &Expr) -> bool {
    if !acts(value) {
        return !reads_after_action(parsed, stmt, target);
    }
    // Attributes and items that are read before a call that may change them.
    let before = parsed.tokens().iter().filter(|token| {
        token.start() >= stmt.start() && token.end() <= target.start() && stmt.is_assign_stmt()
            || token.start() >= stmt.start() && token.end() <= target.start()
    });
    let value_start = match stmt {
        Stmt::Assign(it) => it.value.start(),
        Stmt::AnnAssign(it) => it.value.as_ref().map_or(stmt.start(), |value| value.start()),
        _ => stmt.start(),
    };
    !before.into_iter().any(|token| {
        token.start() >= value_start
            && matches!(token.kind(), TokenKind::Dot | TokenKind::Lsqb)
            && !is_callee(parsed, token.range(), target)
    }) && !reads_after_action(parsed, stmt, target)
}

/// Whether `at` is part of the callee of a call that has `target` among its arguments.
fn is_callee(parsed: &Parsed, at: TextRange, target: &Expr) -> bool {
    expressions(parsed, target.range()).iter().any(|expr| match expr {
        Expr::Call(call) => call.func.range().contains_range(at) && call.arguments.range.contains_range(target.range()),
        _ => false,
    })
}

/// Whether a call is finished before `target` is evaluated.
fn reads_after_action(parsed: &Parsed, stmt: &Stmt, target: &Expr) -> bool {
    let value_start = match stmt {
        Stmt::Assign(it) => it.value.start(),
        _ => stmt.start(),
    };
    let mut tokens = parsed.tokens().iter();
    tokens.any(|token| {
        token.kind() == TokenKind::Rpar
            && token.start() >= value_start
            && token.end() <= target.start()
            && expressions(parsed, TextRange::empty(token.start()))
                .iter()
                .any(|expr| expr.is_call_expr() && expr.end() <= target.start())
    })
}

/// That the names of `value` mean at each use what they mean at the assignment.
fn unchanged(
    parsed: &Parsed,
    value: &Expr,
    all: &Names<'_>,
    assignment: TextRange,
    uses: &[TextRange],
) -> Result<(), String> {
    let read: FxHashSet<&str> = Names::of_expr(value).events.iter().map(|event| event.name).collect();
    let changed = all.events.iter().find(|event| {
        read.contains(event.name)
            && (matches!(event.what, Use::Store | Use::Delete) && event.range.start() > assignment.start()
                || event.what == Use::CapturedStore)
    });
    if let Some(changed) = changed {
        return Err(format!("`{}` changes before it is used", changed.name));
    }
    // A global may be changed by whatever is called.
    let bound = all.bound();
    if read.iter().any(|name| !bound.contains(name) && is_rebound(parsed, name)) {
        return Err("it depends on a variable that may change".to_owned());
    }
    for &range in uses {
        for expr in expressions(parsed, range) {
            let generators = match expr {
                Expr::ListComp(it) => &it.generators[..],
                Expr::SetComp(it) => &it.generators[..],
                Expr::DictComp(it) => &it.generators[..],
                Expr::Generator(it) => &it.generators[..],
                _ => continue,
            };
            let targets: FxHashSet<&str> =
                generators.iter().flat_map(|it| Names::of_expr(&it.target).bound()).collect();
            if let Some(name) = read.iter().find(|name| targets.contains(**name)) {
                return Err(format!("`{name}` means something else where it is used"));
            }
        }
    }
    Ok(())
}

/// Whether a name of the module is bound more than once, or by a function.
fn is_rebound(parsed: &Parsed, name: &str) -> bool {
    let names = Names::of(parsed.statements());
    let stores = names.events.iter().filter(|event| event.name == name);
    stores.clone().filter(|event| event.what == Use::Store).count() > 1
        || stores.clone().any(|event| event.what == Use::CapturedStore)
}

/// `value` as it stands in place of the name at `range`.
pub(super) fn replacement(parsed: &Parsed, text: &str, value: &Expr, range: TextRange) -> Result<String, String> {
    let written = &text[with_parentheses(parsed, value)];
    let bare = &text[value.range()];
    let around = nodes(parsed, range);
    let in_string = around.iter().any(|node| matches!(node, AnyNodeRef::InterpolatedElement(_)));
    if in_string {
        let shows =
            around.iter().any(|node| matches!(node, AnyNodeRef::InterpolatedElement(it) if it.debug_text.is_some()));
        if shows || bare.contains(['"', '\'', '\\', '\n', '{', '}', ':', '!', '#']) {
            return Err("it would not fit into an f-string".to_owned());
        }
    }
    let parent = around.iter().rev().find(|node| node.range() != range).copied();
    if written != bare && (!is_loose(parent, range) || bare.contains('\n')) {
        return Ok(written.to_owned());
    }
    let precedence = OperatorPrecedence::from_expr(value);
    let is_tuple = matches!(value, Expr::Tuple(it) if !it.parenthesized);
    let is_bare_generator = matches!(value, Expr::Generator(it) if !it.parenthesized);
    let is_odd = is_tuple || is_bare_generator || matches!(value, Expr::Named(_) | Expr::Yield(_) | Expr::YieldFrom(_));
    let is_tight = precedence >= OperatorPrecedence::CallAttribute
        && !matches!(value, Expr::NumberLiteral(_) if matches!(parent, Some(AnyNodeRef::ExprAttribute(_))))
        && !(matches!(value, Expr::StringLiteral(_) | Expr::FString(_) | Expr::BytesLiteral(_)) && bare.contains('\n'));
    let fits = is_tight || is_loose(parent, range) && !bare.contains('\n');
    Ok(if fits && !is_odd { bare.to_owned() } else { format!("({bare})") })
}

/// Whether any expression can stand there without parentheses.
pub(super) fn is_loose(parent: Option<AnyNodeRef<'_>>, range: TextRange) -> bool {
    match parent {
        Some(AnyNodeRef::StmtAssign(it)) => it.value.range() == range,
        Some(AnyNodeRef::StmtAugAssign(it)) => it.value.range() == range,
        Some(AnyNodeRef::StmtFor(it)) => it.iter.range() == range,
        Some(AnyNodeRef::ExprSubscript(it)) => it.slice.range() == range,
        Some(
            AnyNodeRef::StmtReturn(_)
            | AnyNodeRef::StmtExpr(_)
            | AnyNodeRef::StmtIf(_)
            | AnyNodeRef::ElifElseClause(_)
            | AnyNodeRef::StmtWhile(_)
            | AnyNodeRef::StmtAssert(_)
            | AnyNodeRef::StmtRaise(_)
            | AnyNodeRef::Arguments(_)
            | AnyNodeRef::Keyword(_)
            | AnyNodeRef::ExprList(_)
            | AnyNodeRef::ExprSet(_)
            | AnyNodeRef::ExprTuple(_),
        ) => true,
        _ => false,
    }
}

/// The comment behind a statement that has its line for itself.
fn trailing_comment(text: &str, range: TextRange) -> Option<TextRange> {
    let end = super::layout::after_comment(text, range.end());
    let behind = &text[TextRange::new(range.end(), end)];
    let at = behind.find('#')?;
    super::layout::own_line_indent(text, range.start())?;
    Some(TextRange::new(range.end() + syntax::TextSize::new(at as u32), end))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::action::testing::{check, check_titles, refusal};
    use super::*;

    #[test]
    fn a_value_takes_the_place_of_its_name() {
        check(
            &REWRITE,
            "def f(order):\n    net$0 = order.net()  # without tax\n    return net * 1.2\n",
            expect![[r#"
                def f(order):
                    # without tax
                    return order.net() * 1.2
            "#]],
        );
        check(
            &REWRITE,
            "def f(a, b):\n\tc = a + b\n\tfor x in y:\n\t\tprint(c, c$0 * 2, -c, f'{c}', [c for z in y], c.d)\n",
            expect![[r#"
                def f(a, b):
                →for x in y:
                →→print(a + b, (a + b) * 2, -(a + b), f'{(a + b)}', [(a + b) for z in y], (a + b).d)
            "#]],
        );
        check(
            &REWRITE,
            "def f(a):\r\n    b$0 = (a\r\n        .c())\r\n    return b\r\n",
            expect![[r#"
                def f(a):␍
                    return (a␍
                        .c())␍
            "#]],
        );
        check(
            &REWRITE,
            "def f():\n    a$0 = 1, 2\n    g(a)\n",
            expect![[r#"
            def f():
                g((1, 2))
        "#]],
        );
        check(
            &REWRITE,
            "def f(x):\n    a$0 = 1; b = a.real\n",
            expect![[r#"
            def f(x):
                b = (1).real
        "#]],
        );
    }

    #[test]
    fn what_would_change_is_refused() {
        for (text, reason) in [
            ("def f():\n    a$0 = 1\n    a = 2\n    return a\n", "it is bound more than once"),
            ("def f():\n    a$0 = g()\n    h()\n    return a\n", "something else happens before it is used"),
            ("def f():\n    a$0 = g()\n    return h() + a\n", "something else may happen before it is used"),
            ("def f(b):\n    a$0 = g()\n    return b.c + a\n", "something else may happen before it is used"),
            ("def f():\n    a$0 = g()\n    return a + a\n", "its value would be computed several times"),
            ("def f():\n    a$0 = []\n    return a, a\n", "its value would be computed several times"),
            ("def f(b):\n    a$0 = b\n    b = 2\n    return a\n", "`b` changes before it is used"),
            ("def f(b):\n    a$0 = b\n    return [a for b in c]\n", "`b` means something else where it is used"),
            ("def f(b):\n    a$0 = b\n    return lambda: a\n", "a nested function uses `a`"),
            ("def f(b):\n    if b:\n        a$0 = 1\n    return a\n", "`a` is used where it need not be bound"),
            ("def f(b):\n    a$0, c = b\n    return a\n", "it is not bound by a plain assignment"),
            (
                "def f(b):\n    a$0 = g()\n    for x in b:\n        print(a)\n",
                "something else may happen before it is used",
            ),
            ("def f(b):\n    a$0 = 'x'\n    return f'{a}'\n", "it would not fit into an f-string"),
            ("def f(b):\n    a$0 = b\n", "`a` is not used"),
        ] {
            assert_eq!(refusal(&REWRITE, text).as_deref(), Some(reason), "{text}");
        }
        check_titles(&REWRITE, "a$0 = 1\nprint(a)\n", expect![""]);
        check_titles(&REWRITE, "def f(a$0):\n    print(a)\n", expect![""]);
    }
}

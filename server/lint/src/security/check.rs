//! `assert` is no check: Python leaves it out with `-O`.

use ruff_python_ast::AnyNodeRef;
use syntax::ast::{CmpOp, Expr, UnaryOp};
use syntax::{Ranged, TextEdit, TextRange};

use super::site::{Site, fix};
use crate::{Applicability, Fix};

/// `assert x, message` → `if not x: raise AssertionError(message)`; not in tests, where `assert` is what one writes.
pub(super) fn raise_instead_of_assert(site: &Site) -> Option<Fix> {
    if crate::secrets::is_test_or_documentation(site.document.path) {
        return None;
    }
    let ancestors = site.ancestors();
    let statement = ancestors.iter().find_map(|node| match node {
        AnyNodeRef::StmtAssert(statement) => Some(*statement),
        _ => None,
    })?;
    let line = site.line_start(statement.start());
    let indent = site.text(TextRange::new(line, statement.start()));
    let rest = &site.document.text[statement.end().to_usize()..];
    let after = rest.lines().next().unwrap_or_default().trim_start();
    // Alone on its line, and every comment in a part that stays.
    if !indent.chars().all(|c| c == ' ' || c == '\t') || !(after.is_empty() || after.starts_with('#')) {
        return None;
    }
    let comments = |range| site.tokens(range).iter().filter(|token| token.kind().is_comment()).count();
    let kept = comments(statement.test.range()) + statement.msg.as_ref().map_or(0, |msg| comments(msg.range()));
    if comments(statement.range()) != kept {
        return None;
    }
    let step = if indent.contains('\t') { "\t" } else { "    " };
    let message = statement.msg.as_ref().map(|msg| format!("({})", site.text(msg.range()))).unwrap_or_default();
    let condition = negated(site, &statement.test);
    let newline = site.newline();
    let text = format!("if {condition}:{newline}{indent}{step}raise AssertionError{message}");
    let edit = TextEdit::replace(statement.range(), text);
    fix("Raise where the condition does not hold", Applicability::Unsafe, vec![edit])
}

fn negated(site: &Site, test: &Expr) -> String {
    let text = |expr: &Expr| {
        let text = site.text(expr.range());
        // The parentheses that held the lines together are no part of an expression.
        if text.contains(['\n', '\r']) { format!("({text})") } else { text.to_owned() }
    };
    match test {
        Expr::UnaryOp(operation) if operation.op == UnaryOp::Not => text(&operation.operand),
        Expr::Compare(compare) if let ([op], [right]) = (&*compare.ops, &*compare.comparators) => {
            let other = match op {
                CmpOp::Is => "is not",
                CmpOp::IsNot => "is",
                CmpOp::In => "not in",
                CmpOp::NotIn => "in",
                _ => return format!("not {}", text(test)),
            };
            let between = TextRange::new(compare.left.end(), right.start());
            let is_bare = site.text(between).split_whitespace().collect::<Vec<_>>().join(" ") == op.as_str();
            if is_bare && !site.text(test.range()).contains(['\n', '\r']) {
                format!("{} {other} {}", text(&compare.left), text(right))
            } else {
                format!("not ({})", site.text(test.range()))
            }
        }
        Expr::BoolOp(_) | Expr::If(_) | Expr::Lambda(_) | Expr::Named(_) | Expr::Generator(_) => {
            format!("not ({})", site.text(test.range()))
        }
        _ => format!("not {}", text(test)),
    }
}

#[cfg(test)]
mod tests {
    use crate::security::testing::{check, refused, refused_in};

    #[test]
    fn conditions_are_negated() {
        for (before, after) in [
            ("x", "not x"),
            ("not x", "x"),
            ("x is None", "x is not None"),
            ("x not in y", "x in y"),
            ("x == y", "not x == y"),
            ("a and b", "not (a and b)"),
            ("f(\n    x\n)", "not (f(\n    x\n))"),
            ("(\n    x\n    is y\n)", "not (x\n    is y)"),
        ] {
            check("S101", &format!("$0assert$0 {before}\n"), &format!("if {after}:\n    raise AssertionError\n"));
        }
    }

    #[test]
    fn messages_comments_and_line_ends_stay() {
        check(
            "S101",
            "def f(x):\r\n\t$0assert$0 x, f'bad {x}'  # really\r\n",
            "def f(x):\r\n\tif not x:\r\n\t\traise AssertionError(f'bad {x}')  # really\r\n",
        );
    }

    #[test]
    fn what_shares_a_line_is_left() {
        refused("S101", "if y: $0assert$0 x\n");
        refused("S101", "$0assert$0 x; y()\n");
        refused("S101", "$0assert$0 (  # why\n    x\n)\n");
        refused_in("tests/test_x.py", "S101", "$0assert$0 x\n");
    }
}

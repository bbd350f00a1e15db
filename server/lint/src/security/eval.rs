//! `eval` of data: `ast.literal_eval` reads literals and runs nothing.

use syntax::{Ranged, ast::Expr};

use super::site::{Site, fix};
use crate::{Applicability, Fix};

pub(super) fn literal_eval(site: &Site) -> Option<Fix> {
    let (call, _) = site.call_of(|name| matches!(name, "eval" | "builtins.eval"))?;
    let [argument] = &*call.arguments.args else { return None };
    if !call.arguments.keywords.is_empty() || argument.is_starred_expr() {
        return None;
    }
    // A text that is built here is an expression; one that comes from elsewhere may be data.
    let may_be_data = match argument {
        Expr::StringLiteral(literal) => is_literal(literal.value.to_str()),
        Expr::FString(_) | Expr::BinOp(_) => false,
        _ => true,
    };
    if !may_be_data {
        return None;
    }
    let edits = site.with_import("ast", call.func.range(), |module| format!("{module}.literal_eval"))?;
    fix("Use `ast.literal_eval`", Applicability::Unsafe, edits)
}

/// Whether `ast.literal_eval` reads it, as far as numbers, strings, constants and containers go.
fn is_literal(text: &str) -> bool {
    fn is_constant(expr: &Expr) -> bool {
        match expr {
            Expr::Tuple(tuple) => tuple.elts.iter().all(is_constant),
            Expr::List(list) => list.elts.iter().all(is_constant),
            Expr::Set(set) => set.elts.iter().all(is_constant),
            Expr::Dict(dict) => {
                dict.items.iter().all(|item| item.key.as_ref().is_some_and(is_constant) && is_constant(&item.value))
            }
            Expr::UnaryOp(operation) => operation.operand.is_number_literal_expr() && operation.op.is_u_sub(),
            expr => expr.is_literal_expr() && !expr.is_ellipsis_literal_expr(),
        }
    }
    let parsed = syntax::parse(text);
    match parsed.statements() {
        [syntax::ast::Stmt::Expr(statement)] if !parsed.has_errors() => is_constant(&statement.value),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::security::testing::{check, refused};

    #[test]
    fn data_is_read() {
        check(
            "S307",
            "import ast\nx = $0eval(\"{'a': [1, -2]}\")$0\n",
            "import ast\nx = ast.literal_eval(\"{'a': [1, -2]}\")\n",
        );
        check("S307", "import ast\nx = $0eval(line)$0  # data\n", "import ast\nx = ast.literal_eval(line)  # data\n");
    }

    #[test]
    fn expressions_are_left() {
        refused("S307", "x = $0eval('a + b')$0\n");
        refused("S307", "x = $0eval(f'{a} + 1')$0\n");
        refused("S307", "x = $0eval(text, scope)$0\n");
        refused("S307", "x = model.$0eval(text)$0\n");
    }
}

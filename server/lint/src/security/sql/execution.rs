//! Where a built statement is executed.

use ruff_python_ast::AnyNodeRef;
use syntax::ast::token::TokenKind;
use syntax::ast::visitor::{Visitor, walk_expr};
use syntax::ast::{Expr, ExprCall, Stmt};
use syntax::{Ranged, TextRange};

use crate::security::site::Site;

/// `cursor.execute(f"…")`.
pub(super) fn of_text<'a>(site: &Site<'a>) -> Option<(&'a Expr, &'a ExprCall)> {
    let call = site.calls().find(|call| is_execution(call))?;
    let [query] = &*call.arguments.args else { return None };
    Some((query, call))
}

/// `query = f"…"` and `cursor.execute(query)` in the next statement, so that the values are still the same. The variable must
/// have no other use.
pub(super) fn of_variable<'a>(site: &Site<'a>) -> Option<(&'a Expr, &'a ExprCall)> {
    let ancestors = site.ancestors();
    let assign = ancestors.iter().find_map(|node| match node {
        AnyNodeRef::StmtAssign(assign) => Some(*assign),
        _ => None,
    })?;
    let [Expr::Name(target)] = assign.targets.as_slice() else { return None };
    let scope = ancestors.iter().find(|node| node.is_stmt_function_def() || node.is_mod_module())?.range();
    let is_use = |range: TextRange| site.text(range) == target.id.as_str();
    let names = site.tokens(scope).iter().filter(|token| token.kind() == TokenKind::Name && is_use(token.range()));
    if names.count() != 2 {
        return None;
    }
    let lists = ancestors.iter().flat_map(|node| bodies(*node));
    let mut rest = lists.filter_map(|list| {
        let index = list.iter().position(|statement| statement.range() == assign.range())?;
        list.get(index + 1)
    });
    let mut next = rest.next()?;
    // `with connection.cursor() as cursor:` stands between the two more often than not.
    while let Stmt::With(with) = next {
        next = with.body.first()?;
    }
    if !matches!(next, Stmt::Expr(_) | Stmt::Assign(_) | Stmt::AnnAssign(_) | Stmt::Return(_)) {
        return None;
    }
    let mut search = Search { name: target.id.as_str(), found: None };
    search.visit_stmt(next);
    Some((&assign.value, search.found?))
}

fn is_execution(call: &ExprCall) -> bool {
    call.func.as_attribute_expr().is_some_and(|function| matches!(function.attr.as_str(), "execute" | "raw"))
}

struct Search<'a> {
    name: &'a str,
    found: Option<&'a ExprCall>,
}

impl<'a> Visitor<'a> for Search<'a> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr
            && is_execution(call)
            && let [Expr::Name(name)] = &*call.arguments.args
            && name.id.as_str() == self.name
        {
            self.found = Some(call);
        }
        walk_expr(self, expr);
    }
}

/// The lists of statements right under a node.
fn bodies(node: AnyNodeRef<'_>) -> Vec<&[Stmt]> {
    match node {
        AnyNodeRef::ModModule(module) => vec![&module.body],
        AnyNodeRef::StmtFunctionDef(function) => vec![&function.body],
        AnyNodeRef::StmtClassDef(class) => vec![&class.body],
        AnyNodeRef::StmtIf(statement) => vec![&statement.body],
        AnyNodeRef::ElifElseClause(clause) => vec![&clause.body],
        AnyNodeRef::StmtFor(statement) => vec![&statement.body, &statement.orelse],
        AnyNodeRef::StmtWhile(statement) => vec![&statement.body, &statement.orelse],
        AnyNodeRef::StmtWith(statement) => vec![&statement.body],
        AnyNodeRef::StmtTry(statement) => vec![&statement.body, &statement.orelse, &statement.finalbody],
        AnyNodeRef::ExceptHandlerExceptHandler(handler) => vec![&handler.body],
        AnyNodeRef::MatchCase(case) => vec![&case.body],
        _ => Vec::new(),
    }
}

//! A secret belongs in the environment.

use ruff_python_ast::AnyNodeRef;
use syntax::ast::{Expr, ExprRef};
use syntax::{Ranged, TextRange};

use super::site::{Site, fix};
use crate::{Applicability, Fix};

/// `api_key = "…"` → `api_key = os.environ["API_KEY"]`. The name comes from what the secret is given to.
pub(super) fn from_environment(site: &Site) -> Option<Fix> {
    let ancestors = site.ancestors();
    let (literal, is_bytes) = literal(site, &ancestors)?;
    let name = ancestors.iter().find_map(|node| name(*node, literal))?;
    let variable = variable(&name)?;
    let edits = site.with_import("os", literal, |os| {
        let decoded = if is_bytes { ".encode()" } else { "" };
        format!("{os}.environ[\"{variable}\"]{decoded}")
    })?;
    fix(format!("Read `{variable}` from the environment"), Applicability::Unsafe, edits)
}

/// The literal around the finding, or the one that is the value of the argument or parameter there; and whether it is bytes.
fn literal(site: &Site, ancestors: &[AnyNodeRef]) -> Option<(TextRange, bool)> {
    let of_expr = |expr: &Expr| match expr {
        Expr::StringLiteral(literal) => Some((literal.range(), false)),
        Expr::BytesLiteral(literal) => Some((literal.range(), true)),
        _ => None,
    };
    let (range, is_bytes) = ancestors.iter().take_while(|node| !node.is_statement()).find_map(|node| match node {
        AnyNodeRef::ExprStringLiteral(literal) => Some((literal.range(), false)),
        AnyNodeRef::ExprBytesLiteral(literal) => Some((literal.range(), true)),
        AnyNodeRef::Keyword(keyword) => of_expr(&keyword.value),
        AnyNodeRef::ParameterWithDefault(parameter) => parameter.default.as_deref().and_then(of_expr),
        _ => None,
    })?;
    let is_in_fstring = ancestors.iter().any(|node| node.is_expr_f_string());
    (!is_in_fstring && !site.has_comment(range)).then_some((range, is_bytes))
}

/// What the literal at `literal` is given to by `node`.
fn name(node: AnyNodeRef, literal: TextRange) -> Option<String> {
    let is_it = |expr: &Expr| expr.range() == literal;
    match node {
        AnyNodeRef::StmtAssign(assign) if is_it(&assign.value) => target(assign.targets.last()?),
        AnyNodeRef::StmtAnnAssign(assign) if assign.value.as_deref().is_some_and(is_it) => target(&assign.target),
        AnyNodeRef::ExprNamed(named) if is_it(&named.value) => target(&named.target),
        AnyNodeRef::Keyword(keyword) if is_it(&keyword.value) => keyword.arg.as_ref().map(ToString::to_string),
        AnyNodeRef::ParameterWithDefault(parameter) if parameter.default.as_deref().is_some_and(is_it) => {
            Some(parameter.parameter.name.to_string())
        }
        AnyNodeRef::ExprDict(dict) => {
            let item = dict.items.iter().find(|item| is_it(&item.value))?;
            item.key.as_ref().and_then(|key| match key {
                Expr::StringLiteral(literal) => Some(literal.value.to_str().to_owned()),
                key => target(key),
            })
        }
        AnyNodeRef::ExprCompare(compare) => match (&*compare.left, &*compare.comparators) {
            (left, [right]) if is_it(right) => target(left),
            (left, [right]) if is_it(left) => target(right),
            _ => None,
        },
        _ => None,
    }
}

fn target(expr: &Expr) -> Option<String> {
    match ExprRef::from(expr) {
        ExprRef::Name(name) => Some(name.id.to_string()),
        ExprRef::Attribute(attribute) => Some(attribute.attr.to_string()),
        ExprRef::Subscript(subscript) => {
            subscript.slice.as_string_literal_expr().map(|literal| literal.value.to_str().to_owned())
        }
        _ => None,
    }
}

/// The usual spelling of an environment variable: `apiKey` → `API_KEY`.
fn variable(name: &str) -> Option<String> {
    let words = credential::names::words(name);
    let variable = words.join("_").to_ascii_uppercase();
    let is_name = variable.starts_with(|c: char| c.is_ascii_alphabetic())
        && variable.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some(variable)
}

#[cfg(test)]
mod tests {
    use crate::security::testing::{check, refused};

    #[test]
    fn names_come_from_the_target() {
        for (before, after) in [
            ("api_key = '$0hunter2$0'", "api_key = os.environ[\"API_KEY\"]"),
            ("self.dbPassword = '$0hunter2$0'  # old", "self.dbPassword = os.environ[\"DB_PASSWORD\"]  # old"),
            ("c['X-Api-Key'] = '$0hunter2$0'", "c['X-Api-Key'] = os.environ[\"X_API_KEY\"]"),
            ("password: str = '$0hunter2$0'", "password: str = os.environ[\"PASSWORD\"]"),
            ("connect($0password='hunter2'$0)", "connect(password=os.environ[\"PASSWORD\"])"),
            ("x = {'token': '$0hunter2$0'}", "x = {'token': os.environ[\"TOKEN\"]}"),
            ("ok = password == $0'hunter2'$0", "ok = password == os.environ[\"PASSWORD\"]"),
            ("def f(password=$0'hunter2'$0): ...", "def f(password=os.environ[\"PASSWORD\"]): ..."),
            ("key = b'$0hunter2$0'", "key = os.environ[\"KEY\"].encode()"),
        ] {
            check("secret", &format!("import os\n{before}\n"), &format!("import os\n{after}\n"));
        }
        check("S105", "password = $0'hunter2'$0\n", "import os\npassword = os.environ[\"PASSWORD\"]\n");
    }

    #[test]
    fn secret_without_a_name_has_no_fix() {
        refused("secret", "login('$0hunter2$0')\n");
        refused("secret", "password = f'$0hunter2$0'\n");
        refused("secret", "os = 1\npassword = '$0hunter2$0'\n");
        refused("secret", "'''$0hunter2$0'''\n");
    }
}

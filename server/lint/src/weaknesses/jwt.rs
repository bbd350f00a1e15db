//! JSON Web Tokens that are read without a look at their signature: anybody can write one.

use ruff_python_ast::AnyNodeRef;
use syntax::Ranged;
use syntax::ast::{Expr, ExprCall};

use super::{Weakness, call_of, is_flag, is_text};
use crate::security::Imports;
use crate::{Confidence, Severity};

pub(super) const CODE: &str = "unverified-jwt";

/// PyJWT's functions and python-jose's.
pub(crate) fn is_decode(name: &str) -> bool {
    let names = ["jwt.decode", "jwt.decode_complete", "jwt.api_jwt.decode", "jose.jwt.decode"];
    names.contains(&name)
}

/// The value under a name in what is given as `options`.
pub(crate) fn option<'a>(call: &'a ExprCall, name: &str) -> Option<&'a Expr> {
    let options = call.arguments.find_keyword("options")?.value.as_dict_expr()?;
    let mut items = options.items.iter();
    items.find(|item| item.key.as_ref().is_some_and(|key| is_text(key, name))).map(|item| &item.value)
}

/// The algorithms that are accepted, where they are written out.
pub(crate) fn algorithms(call: &ExprCall) -> &[Expr] {
    match call.arguments.find_argument_value("algorithms", 2) {
        Some(Expr::List(list)) => &list.elts,
        Some(Expr::Tuple(tuple)) => &tuple.elts,
        Some(Expr::Set(set)) => &set.elts,
        _ => &[],
    }
}

/// `none` is an algorithm that signs nothing.
pub(crate) fn is_none(algorithm: &Expr) -> bool {
    let literal = algorithm.as_string_literal_expr();
    literal.is_some_and(|literal| literal.value.to_str().eq_ignore_ascii_case("none"))
}

pub(super) fn find(node: AnyNodeRef<'_>, imports: &Imports<'_>) -> Option<Weakness> {
    let call = call_of(node, imports, is_decode)?;
    let verify = call.arguments.find_keyword("verify").filter(|verify| is_flag(&verify.value, false));
    let option = option(call, "verify_signature").filter(|option| is_flag(option, false));
    let none = algorithms(call).iter().find(|algorithm| is_none(algorithm));
    let range = verify.map(Ranged::range).or(option.map(Ranged::range)).or(none.map(Ranged::range))?;
    let message = "The token's signature is not verified: anybody can write such a token";
    Some(Weakness { range, code: CODE, message, severity: Severity::Error, confidence: Confidence::High })
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;

    #[test]
    fn signatures_that_nobody_looks_at() {
        for (call, marked) in [
            ("jwt.decode(t, options={'verify_signature': False})", "False"),
            ("jwt.decode(t, key, verify=False)", "verify=False"),
            ("jwt.decode(t, key, algorithms=['HS256', 'none'])", "'none'"),
            ("jwt.decode(t, key, ['None'])", "'None'"),
        ] {
            check(&format!("import jwt\n{call}\n"), &[&format!("Error unverified-jwt {marked}")]);
        }
        let jose = "from jose.jwt import decode as read\nread(t, k, options={\"verify_signature\": False})\n";
        check(jose, &["Error unverified-jwt False"]);
    }

    #[test]
    fn signatures_that_are_verified() {
        for call in [
            "jwt.decode(t, key, algorithms=['HS256'])",
            "jwt.decode(t, key, options={'verify_signature': True, 'verify_exp': False})",
            "jwt.decode(t, options={'verify_signature': flag})",
            "jwt.get_unverified_header(t)",
            "other.decode(t, verify=False)",
        ] {
            check(&format!("import jwt\n{call}\n"), &[]);
        }
    }
}

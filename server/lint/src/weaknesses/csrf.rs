//! Forms that any other site can send in the name of who is logged in.

use ruff_python_ast::AnyNodeRef;
use syntax::Ranged;
use syntax::ast::{Expr, ExprRef};

use super::{Weakness, is_flag, is_text};
use crate::security::Imports;
use crate::{Confidence, Severity};

pub(super) const CODE: &str = "exempt-from-csrf";

/// Settings of Flask-WTF that switch the protection off.
const SETTINGS: &[&str] = &["WTF_CSRF_ENABLED", "WTF_CSRF_CHECK_DEFAULT"];

pub(super) fn find(node: AnyNodeRef<'_>, imports: &Imports<'_>) -> Option<Weakness> {
    let (range, message, confidence) = match node {
        AnyNodeRef::Decorator(decorator) if exempts(&decorator.expression, imports) => {
            let message = "Any other site can send this form in the name of who is logged in";
            (decorator.expression.range(), message, Confidence::Medium)
        }
        _ => (switch(node)?.range(), "No form is protected from other sites with this setting", Confidence::High),
    };
    Some(Weakness { range, code: CODE, message, severity: Severity::Warning, confidence })
}

/// `@csrf_exempt`, `@method_decorator(csrf_exempt, name="dispatch")` and Flask-WTF's `@csrf.exempt`.
fn exempts(decorator: &Expr, imports: &Imports<'_>) -> bool {
    match decorator {
        Expr::Call(call) => call.arguments.args.iter().any(|argument| exempts(argument, imports)),
        Expr::Attribute(attribute) if attribute.attr.as_str() == "exempt" => {
            imports.uses("flask_wtf") && attribute.value.as_name_expr().is_some_and(|name| name.id.contains("csrf"))
        }
        other => imports.full_name(other).is_some_and(|name| name == "django.views.decorators.csrf.csrf_exempt"),
    }
}

/// The `False` that a setting is given: by an assignment, a keyword, or in a dictionary.
fn switch(node: AnyNodeRef<'_>) -> Option<&Expr> {
    let value = match node {
        AnyNodeRef::StmtAssign(assign) if assign.targets.iter().any(is_setting) => &*assign.value,
        AnyNodeRef::StmtAnnAssign(assign) if is_setting(&assign.target) => assign.value.as_deref()?,
        AnyNodeRef::Keyword(keyword) => {
            keyword.arg.as_ref().filter(|name| SETTINGS.contains(&name.as_str()))?;
            &keyword.value
        }
        AnyNodeRef::ExprDict(dict) => {
            let is_key = |key: &Expr| SETTINGS.iter().any(|setting| is_text(key, setting));
            &dict.items.iter().find(|item| item.key.as_ref().is_some_and(is_key))?.value
        }
        _ => return None,
    };
    is_flag(value, false).then_some(value)
}

fn is_setting(target: &Expr) -> bool {
    match ExprRef::from(target) {
        ExprRef::Name(name) => SETTINGS.contains(&name.id.as_str()),
        ExprRef::Attribute(attribute) => SETTINGS.contains(&attribute.attr.as_str()),
        ExprRef::Subscript(subscript) => SETTINGS.iter().any(|setting| is_text(&subscript.slice, setting)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;

    #[test]
    fn views_that_are_exempt() {
        let django = "from django.views.decorators.csrf import csrf_exempt, csrf_protect\n";
        check(&format!("{django}@csrf_exempt\ndef f(r): ...\n"), &["Warning exempt-from-csrf csrf_exempt"]);
        check(
            &format!("{django}@method_decorator(csrf_exempt, name='dispatch')\nclass A: ...\n"),
            &["Warning exempt-from-csrf method_decorator(csrf_exempt, name='dispatch')"],
        );
        check(&format!("{django}@csrf_protect\ndef f(r): ...\n"), &[]);
        check(
            "from flask_wtf import CSRFProtect\n@csrf.exempt\ndef f(): ...\n",
            &["Warning exempt-from-csrf csrf.exempt"],
        );
        check("@csrf.exempt\ndef f(): ...\n", &[]);
    }

    #[test]
    fn settings() {
        for text in [
            "app.config['WTF_CSRF_ENABLED'] = False",
            "app.config.update(WTF_CSRF_ENABLED=False)",
            "class C:\n    WTF_CSRF_ENABLED = False",
            "app.config.from_mapping({'WTF_CSRF_CHECK_DEFAULT': False})",
        ] {
            check(&format!("{text}\n"), &["Warning exempt-from-csrf False"]);
            check(&format!("{}\n", text.replace("False", "True")), &[]);
        }
    }
}

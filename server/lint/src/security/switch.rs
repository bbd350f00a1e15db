//! What is switched on, off or open and should not be.

use ruff_python_ast::AnyNodeRef;
use syntax::ast::{Expr, Number};
use syntax::{Ranged, TextEdit, TextRange};

use super::site::{Site, fix, keyword};
use crate::{Applicability, Fix};

/// `os.chmod(path, 0o777)` → `os.chmod(path, 0o700)`.
pub(super) fn owner_only(site: &Site) -> Option<Fix> {
    const OWNER: u64 = 0o700;
    let (call, _) = site.call_of(|name| matches!(name, "os.chmod" | "os.lchmod" | "os.fchmod"))?;
    let mode = call.arguments.find_argument_value("mode", 1)?;
    let Expr::NumberLiteral(number) = mode else { return None };
    let Number::Int(value) = &number.value else { return None };
    let edit = TextEdit::replace(mode.range(), format!("{:#o}", value.as_u64()? & OWNER));
    fix("Let only the owner in", Applicability::Unsafe, vec![edit])
}

/// `app.run(debug=True)` → `app.run()`.
pub(super) fn without_debugger(site: &Site) -> Option<Fix> {
    let call = site.calls().find(|call| keyword(call, "debug").is_some())?;
    let debug = call.arguments.find_keyword("debug").filter(|debug| is_true(&debug.value))?;
    let edit = site.remove_argument(&call.arguments, debug.range())?;
    fix("Run without the debugger", Applicability::Unsafe, vec![edit])
}

/// `autoescape=False` → `autoescape=True`, `{% autoescape off %}` → `{% autoescape on %}`.
pub(super) fn autoescape(site: &Site) -> Option<Fix> {
    let edit = match site.text(site.range) {
        "off" => TextEdit::replace(site.range, "on"),
        "false" => TextEdit::replace(site.range, "true"),
        "False" => TextEdit::replace(site.range, "True"),
        _ => return None,
    };
    fix("Escape what templates insert", Applicability::Unsafe, vec![edit])
}

/// The `False` of a setting at the finding becomes `True`.
pub(super) fn on(site: &Site, title: &str) -> Option<Fix> {
    let node = site.ancestors().into_iter().next()?;
    let AnyNodeRef::ExprBooleanLiteral(literal) = node else { return None };
    let range: TextRange = literal.range();
    (!literal.value).then(|| fix(title, Applicability::Unsafe, vec![TextEdit::replace(range, "True")]))?
}

fn is_true(expr: &Expr) -> bool {
    expr.as_boolean_literal_expr().is_some_and(|literal| literal.value)
}

#[cfg(test)]
mod tests {
    use crate::security::testing::{check, refused};

    #[test]
    fn permissions() {
        check("S103", "import os\nos.chmod(p, $00o777$0)\n", "import os\nos.chmod(p, 0o700)\n");
        check(
            "S103",
            "from os import chmod\nchmod(p, $0mode=0o666$0)\n",
            "from os import chmod\nchmod(p, mode=0o600)\n",
        );
        refused("S103", "import os\nos.chmod(p, $0stat.S_IRWXO$0)\n");
        refused("S103", "p.chmod($00o777$0)\n");
    }

    #[test]
    fn debugger() {
        check("S201", "app.run(port=1, $0debug=True$0)\n", "app.run(port=1)\n");
        check("S201", "app.run($0debug=True$0)\n", "app.run()\n");
        refused("S201", "app.run($0debug=flag$0)\n");
    }

    #[test]
    fn escaping() {
        check("autoescape-off", "env.autoescape = $0False$0\n", "env.autoescape = True\n");
        check("autoescape-off", "t = '{% autoescape $0off$0 %}'\n", "t = '{% autoescape on %}'\n");
        refused("autoescape-off", "Loader(autoescape=$0None$0)\n");
    }
}

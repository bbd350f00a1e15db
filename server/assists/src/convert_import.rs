//! Convert between relative and absolute import.
//!
//! `from ..tax import rate` and `from shop.tax import rate` mean the same in `shop/cart/total.py`.

use syntax::ast::{Stmt, StmtImportFrom};
use syntax::{Ranged, TextEdit, TextRange, TextSize};

use super::action::{ActionKind, AssistContext, Offers, Rewrite};
use super::module_path::{absolute, relative};
use super::place::steps;

pub(super) const REWRITE: Rewrite = Rewrite { id: "convert-import", tolerant: false, offer };

fn offer<'a>(context: &'a AssistContext<'a>, offers: &mut Offers<'a>) {
    let steps = steps(context.parsed.statements(), context.range);
    let Some(Stmt::ImportFrom(stmt)) = steps.last().map(|step| step.stmt()) else { return };
    let written = stmt.module.as_ref().map_or("", |module| module.as_str());
    let Some(dotted) = absolute(context.analysis, context.file, stmt.level, written) else { return };
    let (title, module) = if stmt.level > 0 {
        (format!("Convert to absolute import of `{dotted}`"), dotted)
    } else {
        let Some(module) = relative(context.analysis, context.file, &dotted) else { return };
        (format!("Convert to relative import of `{module}`"), module)
    };
    let Some(range) = module_range(context.text, stmt) else { return };
    offers.made(ActionKind::Rewrite, title, Ok(context.change([TextEdit::replace(range, format!("{module} "))])));
}

/// What stands between `from` and `import`, the space before `import` included.
fn module_range(text: &str, stmt: &StmtImportFrom) -> Option<TextRange> {
    let first = stmt.names.first()?;
    let head = TextRange::new(stmt.start(), first.start());
    let import = text[head].rfind("import")?;
    let after_from = text[head].strip_prefix("from")?;
    let space = after_from.len() - after_from.trim_start_matches([' ', '\t']).len();
    if space == 0 && !after_from.starts_with('.') {
        return None;
    }
    let end = stmt.start() + TextSize::new(import as u32);
    let start = stmt.start() + TextSize::new(("from".len() + space) as u32);
    Some(TextRange::new(start, end))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::action::testing::{check, check_titles};
    use super::*;

    #[test]
    fn absolute_and_relative_imports_are_converted() {
        let files = "#- /shop/__init__.py\n#- /shop/tax.py\n#- /shop/cart/__init__.py\n#- /shop/cart/total.py\n";
        check(
            &REWRITE,
            &format!("{files}from ..tax$0 import (  # rates\n    rate,\n)\n"),
            expect![[r#"
            from shop.tax import (  # rates
                rate,
            )
        "#]],
        );
        check(
            &REWRITE,
            &format!("{files}def f():\n    from shop.tax$0 import rate as r\n"),
            expect![[r#"
            def f():
                from ..tax import rate as r
        "#]],
        );
        check(
            &REWRITE,
            &format!("{files}from . import$0 x\n"),
            expect![[r#"
            from shop.cart import x
        "#]],
        );
    }

    #[test]
    fn imports_from_other_packages_stay_absolute() {
        check_titles(&REWRITE, "from os$0 import path\n", expect![""]);
        check_titles(&REWRITE, "#- /a.py\n#- /main.py\nfrom a$0 import x\n", expect![""]);
        check_titles(&REWRITE, "#- /pkg/__init__.py\n#- /pkg/a.py\nfrom ...$0 import x\n", expect![""]);
    }
}

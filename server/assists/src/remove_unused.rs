//! Remove unused definition: a function, class, method or variable of a module that nothing in the workspace mentions.

use graph::{Analysis, SymbolId, SymbolKind};
use syntax::ast::Stmt;
use syntax::{Ranged, TextEdit, TextRange};

use super::action::{ActionKind, AssistContext, Offers, Outcome, Rewrite};
use super::import_block::remove_statement;
use super::place::{acts, comments_above, stands_alone, steps, whole_lines};

pub(super) const REWRITE: Rewrite = Rewrite { id: "remove-unused", tolerant: false, offer };

fn offer<'a>(context: &'a AssistContext<'a>, offers: &mut Offers<'a>) {
    let analysis = context.analysis;
    let symbol = analysis.symbols(context.file).into_iter().skip(1).find(|symbol| {
        let view = analysis.symbol(*symbol);
        let is_kind =
            matches!(view.kind, SymbolKind::Function | SymbolKind::Class | SymbolKind::Method | SymbolKind::Variable);
        is_kind && view.name_range.contains_range(context.range) && !view.is_retained()
    });
    let Some(symbol) = symbol.filter(|symbol| is_unused(analysis, *symbol)) else { return };
    let title = format!("Remove unused `{}`", analysis.symbol(symbol).local_name());
    offers.later(ActionKind::Rewrite, title, move || remove(context, symbol));
}

/// As far as the graph knows; strings and receivers that are not known are looked at when it comes to removing.
fn is_unused(analysis: &Analysis, symbol: SymbolId) -> bool {
    let view = analysis.symbol(symbol);
    let flags = view.flags;
    let is_special = view.name.starts_with("__") && view.name.ends_with("__") || view.name == "main";
    let is_called_elsewhere = flags.is_test || flags.is_decorated || flags.is_overload || flags.is_property;
    if is_special || is_called_elsewhere || analysis.exports(symbol.file).is_some_and(|all| all.contains(&view.name)) {
        return false;
    }
    let outside = |file, range: TextRange| file != symbol.file || !view.range.contains_range(range);
    let is_called =
        analysis.callers(symbol).iter().flat_map(|call| &call.sites).any(|site| outside(site.file, site.range));
    let family = view.kind == SymbolKind::Method
        && (!analysis.overridden(symbol).is_empty()
            || !analysis.overriding(symbol).is_empty()
            || analysis.has_outer_bases(symbol));
    !is_called && !family && !analysis.references(symbol).iter().any(|site| outside(site.file, site.range))
}

fn remove(context: &AssistContext<'_>, symbol: SymbolId) -> Outcome {
    let (analysis, text, parsed) = (context.analysis, context.text, context.parsed);
    let view = analysis.symbol(symbol);
    if let Some(file) = analysis.files().find(|file| {
        let own = (*file == symbol.file).then_some(view.range);
        mentions(analysis.source(*file).text(), view.name, own, view.kind == SymbolKind::Method)
    }) {
        return Err(format!("`{}` is mentioned in {}", view.name, analysis.path(file).display()));
    }
    let steps = steps(parsed.statements(), view.name_range);
    let step = steps.last().ok_or("it is not there any longer")?;
    let stmt = step.stmt();
    let value = match stmt {
        Stmt::FunctionDef(_) | Stmt::ClassDef(_) => None,
        Stmt::Assign(it) if it.targets.len() == 1 && it.targets[0].is_name_expr() => Some(&*it.value),
        Stmt::AnnAssign(it) => it.value.as_deref(),
        _ => return Err("it is not bound by one definition".to_owned()),
    };
    if value.is_some_and(acts) {
        return Err("computing its value may do something".to_owned());
    }
    if step.body.len() == 1 || !stands_alone(text, stmt.range()) {
        return Ok(context.change([remove_statement(text, parsed, stmt)]));
    }
    let start = comments_above(text, stmt.start());
    let end = whole_lines(text, stmt.range()).end();
    let rest = &text[end.to_usize()..];
    let blank: usize = rest.split_inclusive('\n').take_while(|line| line.trim().is_empty()).map(str::len).sum();
    let is_last = step.index + 1 == step.body.len();
    // The empty lines on one side go with it.
    let range = match is_last {
        true => {
            let before = text[..start.to_usize()].trim_end();
            let line = text[before.len()..].find('\n').map_or(start.to_usize(), |at| before.len() + at + 1);
            TextRange::new((line as u32).into(), end)
        }
        false => TextRange::new(start, end + syntax::TextSize::new(blank as u32)),
    };
    Ok(context.change([TextEdit::replace(range, "")]))
}

/// Whether `name` occurs in a string of `text`, or as an attribute if it is a method's, outside of `own`.
fn mentions(text: &str, name: &str, own: Option<TextRange>, is_method: bool) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + name.len()..].chars().next());
        let inside = own.is_some_and(|own| own.start().to_usize() <= at && at < own.end().to_usize());
        let quoted = matches!(before, Some('"' | '\'' | '.')) && matches!(after, Some('"' | '\''));
        let attribute = is_method && before == Some('.');
        !inside && !is_part(before) && !is_part(after) && (quoted || attribute)
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::action::testing::{check, check_titles, refusal};
    use super::*;

    #[test]
    fn unused_definition_goes_with_its_comments_and_lines() {
        check(
            &REWRITE,
            "x = 1\n\n\n# Adds.\n# More.\ndef f$0(a):\n    return f(a)\n\n\ny = 2\n",
            expect![[r#"
            x = 1


            y = 2
        "#]],
        );
        check(
            &REWRITE,
            "class C:\n    def m$0(self): ...\n",
            expect![[r#"
            class C:
                pass
        "#]],
        );
        check(
            &REWRITE,
            "class C:\n    x = 1\n\n    def m$0(self):\n        pass\n\n\nc = C()\n",
            expect![[r#"
            class C:
                x = 1


            c = C()
        "#]],
        );
        check(
            &REWRITE,
            "x$0 = 1\ny = 2\n",
            expect![[r#"
            y = 2
        "#]],
        );
    }

    #[test]
    fn what_may_be_used_stays() {
        for text in [
            "def f$0(): ...\nf()\n",
            "__all__ = ['f']\ndef f$0(): ...\n",
            "@route\ndef f$0(): ...\n",
            "class A:\n    def m$0(self): ...\nclass B(A):\n    def m(self): ...\n",
            "import json\nclass A(json.X):\n    def m$0(self): ...\n",
            "#- /a.py\ndef f$0(): ...\n#- /b.py\nfrom a import f\n",
            "class A:\n    def __len__$0(self): ...\n",
            "def main$0(): ...\n",
        ] {
            check_titles(&REWRITE, text, expect![""]);
        }
        assert_eq!(refusal(&REWRITE, "x$0 = f()\n").as_deref(), Some("computing its value may do something"));
        let dynamic = "class A:\n    def m$0(self): ...\ndef g(a):\n    a.m()\n";
        assert_eq!(refusal(&REWRITE, dynamic).as_deref(), Some("`m` is mentioned in /main.py"));
        let by_name = "def f$0(): ...\ngetattr(x, 'f')\n";
        assert_eq!(refusal(&REWRITE, by_name).as_deref(), Some("`f` is mentioned in /main.py"));
    }
}

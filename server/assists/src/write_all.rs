//! Organise to `__all__`: what a module offers, in one sorted list.
//!
//! A module without one gets its public definitions, a package also what it imports from its own modules. An existing
//! list is sorted, and loses what there is not and what is there twice.

use graph::{ImportKind, SymbolKind};
use syntax::ast::{Expr, Stmt};
use syntax::{Ranged, TextEdit, TextRange};

use super::action::{ActionKind, AssistContext, Offers, Outcome, Rewrite};
use super::imports::{insertion, line_end};
use super::layout::{indent_at, newline, unit};
use super::module_path::{absolute, is_package};
use super::names::{Names, Use};

pub(super) const REWRITE: Rewrite = Rewrite { id: "organise-all", tolerant: false, offer };

/// Columns; longer lists get a line for each name.
const MAX_WIDTH: usize = 88;

fn offer<'a>(context: &'a AssistContext<'a>, offers: &mut Offers<'a>) {
    let on_import_or_list = |stmt: &Stmt| {
        matches!(stmt, Stmt::Import(_) | Stmt::ImportFrom(_)) || list(stmt).is_some() || stmt.is_expr_stmt()
    };
    let first_line = context.range.start() <= line_end(context.text, 0.into());
    let at = context.parsed.statements().iter().find(|stmt| stmt.range().contains_range(context.range));
    if !first_line && !at.is_some_and(on_import_or_list) {
        return;
    }
    match context.parsed.statements().iter().find_map(list) {
        Some(existing) => {
            let Some(parts) = names(existing) else { return };
            let known = Names::of(context.parsed.statements());
            let has_star =
                context.analysis.imports(context.file).iter().any(|import| import.text.ends_with("import *"));
            let is_known = |name: &&str| {
                has_star
                    || known.events.iter().any(|event| event.name == *name && event.what == Use::Store)
                    || context
                        .analysis
                        .module_file(&format!("{}.{name}", context.analysis.module_name(context.file)))
                        .is_some()
            };
            let mut sorted: Vec<&str> = parts.iter().copied().filter(is_known).collect();
            sorted.sort_unstable();
            sorted.dedup();
            if sorted != parts {
                let outcome = replace(context, existing, &sorted);
                offers.made(ActionKind::Source, "Sort `__all__`", outcome);
            }
        }
        None => {
            let names = public(context);
            if !names.is_empty() {
                offers.made(ActionKind::Source, "Add `__all__`", add(context, &names));
            }
        }
    }
}

/// The value of `__all__ = […]`.
fn list(stmt: &Stmt) -> Option<&Expr> {
    let (target, value) = match stmt {
        Stmt::Assign(it) => (it.targets.first()?, &*it.value),
        Stmt::AnnAssign(it) => (&*it.target, it.value.as_deref()?),
        _ => return None,
    };
    target.as_name_expr().is_some_and(|name| name.id.as_str() == "__all__").then_some(value)
}

fn names(list: &Expr) -> Option<Vec<&str>> {
    let elements = match list {
        Expr::List(it) => &it.elts,
        Expr::Tuple(it) => &it.elts,
        _ => return None,
    };
    elements.iter().map(|element| Some(element.as_string_literal_expr()?.value.to_str())).collect()
}

fn public<'a>(context: &AssistContext<'a>) -> Vec<&'a str> {
    let analysis = context.analysis;
    let module = analysis.module(context.file);
    let mut names: Vec<&str> = Vec::new();
    for child in analysis.children(module) {
        let view = analysis.symbol(child);
        if !view.name.starts_with('_') && view.kind != SymbolKind::Lambda {
            names.push(view.name);
        }
    }
    if is_package(context.path()) {
        let own = analysis.module_name(context.file);
        for stmt in context.parsed.statements() {
            let Stmt::ImportFrom(it) = stmt else { continue };
            let written = it.module.as_ref().map_or("", |module| module.as_str());
            let dotted = absolute(analysis, context.file, it.level, written).unwrap_or_default();
            if dotted == own || dotted.strip_prefix(own).is_some_and(|rest| rest.starts_with('.')) {
                let bound = it.names.iter().map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).as_str());
                names.extend(bound.filter(|name| !name.starts_with('_') && *name != "*"));
            }
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

fn add(context: &AssistContext<'_>, names: &[&str]) -> Outcome {
    let AssistContext { analysis, file, parsed, text, .. } = *context;
    // `import *` brings only what is listed, from then on.
    let known = Names::of(parsed.statements());
    for user in analysis.importers(file) {
        let imports = analysis.imports(user);
        let is_star = imports.iter().any(|it| it.text.ends_with("import *") && it.kind == ImportKind::Module(file));
        let others = known.events.iter().filter(|it| it.what == Use::Store && !it.name.starts_with('_'));
        let mut lost = others.map(|it| it.name).filter(|name| !names.contains(name));
        let used = Names::of(super::import_block::parse_file(analysis, user).statements())
            .events
            .iter()
            .map(|event| event.name.to_owned())
            .collect::<Vec<_>>();
        if let Some(lost) = lost.find(|name| is_star && used.iter().any(|used| used == name)) {
            return Err(format!("`{}` gets `{lost}` by `import *`", analysis.module_name(user)));
        }
    }
    let newline = newline(text);
    let written = format!("__all__ = {}", render(names, ("", unit(parsed, text)), newline, "__all__ = ".len()));
    let mut edit = insertion(text, parsed, &[written]);
    // Set apart from imports and docstrings.
    if edit.text.starts_with(['\r', '\n']) {
        let plain = edit.text.trim_start_matches(['\r', '\n']).to_owned();
        edit.text = format!("{newline}{newline}{plain}");
    }
    Ok(context.change([edit]))
}

fn replace(context: &AssistContext<'_>, list: &Expr, names: &[&str]) -> Outcome {
    let text = context.text;
    if text[list.range()].contains('#') {
        return Err("there are comments between its names".to_owned());
    }
    let indent = (indent_at(text, list.start()), unit(context.parsed, text));
    let column = list.start().to_usize() - super::layout::line_start(text, list.start()).to_usize();
    let mut written = match text[list.range()].contains('\n') {
        true => lines(names, indent, newline(text)),
        false => render(names, indent, newline(text), column),
    };
    if let Expr::Tuple(it) = list {
        let comma = if names.len() == 1 { "," } else { "" };
        let inner = written[1..written.len() - 1].to_owned();
        let comma = if inner.trim_end().ends_with(',') { "" } else { comma };
        written = format!("({inner}{comma})");
        if !it.parenthesized && names.is_empty() {
            written = "()".to_owned();
        }
    }
    let quote = text[list.range()].find(['"', '\'']).map(|at| &text[list.range()][at..=at]);
    let written = if quote == Some("'") { written.replace('"', "'") } else { written };
    Ok(context.change([TextEdit::replace(TextRange::new(list.start(), list.end()), written)]))
}

/// A list on one line if it fits, else a line for each name. `indent` is that of the line, and one more level.
fn render(names: &[&str], indent: (&str, &str), newline: &str, column: usize) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    let one = format!("[{}]", quoted.join(", "));
    if column + one.len() <= MAX_WIDTH { one } else { lines(names, indent, newline) }
}

fn lines(names: &[&str], (indent, unit): (&str, &str), newline: &str) -> String {
    let lines: String = names.iter().map(|name| format!("{indent}{unit}\"{name}\",{newline}")).collect();
    format!("[{newline}{lines}{indent}]")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::action::testing::{check, check_titles, refusal};
    use super::*;

    #[test]
    fn dunder_all_is_written() {
        check(
            &REWRITE,
            "#- /pkg/__init__.py\n\"\"\"Doc.$0\"\"\"\nimport os\nfrom .a import b, _c\nfrom os import path\n\n\ndef f(): ...\ndef _g(): ...\nX = 1\n#- /pkg/a.py\n",
            expect![[r#"
                """Doc."""
                import os
                from .a import b, _c
                from os import path

                __all__ = ["X", "b", "f"]


                def f(): ...
                def _g(): ...
                X = 1
            "#]],
        );
    }

    #[test]
    fn dunder_all_is_sorted() {
        check(
            &REWRITE,
            "__all__ = ['f',$0 'gone', 'C', 'f']\ndef f(): ...\nclass C: ...\n",
            expect![[r#"
            __all__ = ['C', 'f']
            def f(): ...
            class C: ...
        "#]],
        );
        check(
            &REWRITE,
            "__all__ = (\n    \"f\",$0\n    \"C\",\n)\ndef f(): ...\nclass C: ...\n",
            expect![[r#"
            __all__ = (
                "C",
                "f",
            )
            def f(): ...
            class C: ...
        "#]],
        );
        check_titles(&REWRITE, "__all__ = ['C',$0 'f']\ndef f(): ...\nclass C: ...\n", expect![""]);
        check_titles(&REWRITE, "__all__ = names()$0\ndef f(): ...\n", expect![""]);
    }

    #[test]
    fn what_others_get_by_a_star_stays() {
        let text = "#- /a.py\nimport os$0\ndef f(): ...\n#- /b.py\nfrom a import *\nos.getcwd()\n";
        assert_eq!(refusal(&REWRITE, text).as_deref(), Some("`b` gets `os` by `import *`"));
    }
}

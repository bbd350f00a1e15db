//! Break an import cycle: an import goes into the functions that use it, or under `TYPE_CHECKING` when only annotations do.
//!
//! Offered on an import of a module that imports this one in turn.

use graph::{Analysis, FileId, ImportKind};
use rustc_hash::FxHashSet;
use syntax::ast::helpers::is_docstring_stmt;
use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{Alias, Expr, Stmt, StmtFunctionDef};
use syntax::{Parsed, Ranged, TextEdit, TextRange};

use super::action::{ActionKind, AssistContext, Offers, Outcome, Rewrite};
use super::import_block::{NewImport, add_all, has, remove_aliases, written};
use super::imports::line_end;
use super::layout::{Layout, newline, own_line_indent};
use super::place::{span, stands_alone, steps};

pub(super) const REWRITE: Rewrite = Rewrite { id: "break-cycle", tolerant: false, offer };

fn offer<'a>(context: &'a AssistContext<'a>, offers: &mut Offers<'a>) {
    let around = steps(context.parsed.statements(), context.range);
    let [step] = around[..] else { return };
    let stmt = step.stmt();
    if !matches!(stmt, Stmt::Import(_) | Stmt::ImportFrom(_)) || !closes_cycle(context, stmt) {
        return;
    }
    let names = bound(stmt);
    let uses = uses(context.parsed, &names);
    let annotations = uses.iter().filter(|used| used.is_annotation).count();
    if annotations > 0 && annotations == uses.len() {
        let title = "Import only for type checking, to break the cycle";
        offers.made(ActionKind::Rewrite, title, type_checking(context, stmt));
        offers.prefer();
    }
    let functions: FxHashSet<TextRange> = uses.iter().filter_map(|used| used.function).collect();
    if !uses.is_empty() {
        let title = match functions.len() {
            1 => "Move import into the function that uses it, to break the cycle",
            _ => "Move import into the functions that use it, to break the cycle",
        };
        offers.made(ActionKind::Rewrite, title, into_functions(context, stmt, &uses));
    }
}

/// Whether what `stmt` imports needs this file in turn, when both are loaded.
fn closes_cycle(context: &AssistContext<'_>, stmt: &Stmt) -> bool {
    let analysis = context.analysis;
    let imports = analysis.imports(context.file);
    let own = imports.iter().filter(|import| stmt.range().contains_range(import.range));
    own.filter(|import| !import.is_type_checking).any(|import| match import.kind {
        ImportKind::Module(module) => reaches(analysis, module, context.file),
        _ => false,
    })
}

fn reaches(analysis: &Analysis, from: FileId, to: FileId) -> bool {
    let mut seen = FxHashSet::default();
    let mut pending = vec![from];
    while let Some(file) = pending.pop() {
        if file == to {
            return true;
        }
        if seen.insert(file) {
            let at_once = analysis.imports(file).into_iter().filter(|import| {
                !import.is_type_checking
                    && !analysis.symbol(analysis.enclosing(file, import.range.start())).kind.is_function()
            });
            pending.extend(at_once.filter_map(|import| match import.kind {
                ImportKind::Module(module) => Some(module),
                _ => None,
            }));
        }
    }
    false
}

fn names_of(stmt: &Stmt) -> &[Alias] {
    match stmt {
        Stmt::Import(it) => &it.names,
        Stmt::ImportFrom(it) => &it.names,
        _ => &[],
    }
}

fn bound(stmt: &Stmt) -> Vec<&str> {
    let name = |alias: &'_ Alias| -> usize { alias.name.as_str().find('.').unwrap_or(alias.name.as_str().len()) };
    names_of(stmt)
        .iter()
        .map(|alias| match &alias.asname {
            Some(asname) => asname.as_str(),
            None if stmt.is_import_stmt() => &alias.name.as_str()[..name(alias)],
            None => alias.name.as_str(),
        })
        .collect()
}

/// A use of an imported name.
struct Used {
    name: String,
    is_annotation: bool,
    /// The outermost function whose body it is in; `None` for what runs when the module is loaded.
    function: Option<TextRange>,
}

fn uses(parsed: &Parsed, names: &[&str]) -> Vec<Used> {
    struct Search<'n> {
        names: &'n [&'n str],
        annotation: bool,
        function: Option<TextRange>,
        found: Vec<Used>,
    }
    impl<'a> Visitor<'a> for Search<'_> {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            let Stmt::FunctionDef(it) = stmt else { return walk_stmt(self, stmt) };
            it.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
            self.visit_parameters(&it.parameters);
            it.returns.iter().for_each(|returns| self.visit_annotation(returns));
            let outside = self.function;
            self.function = outside.or(Some(it.range));
            self.visit_body(&it.body);
            self.function = outside;
        }
        fn visit_annotation(&mut self, expr: &'a Expr) {
            let before = std::mem::replace(&mut self.annotation, true);
            self.visit_expr(expr);
            self.annotation = before;
        }
        fn visit_expr(&mut self, expr: &'a Expr) {
            if let Expr::Name(name) = expr
                && self.names.contains(&name.id.as_str())
            {
                let (is_annotation, function) = (self.annotation, self.function);
                self.found.push(Used { name: name.id.to_string(), is_annotation, function });
            }
            if let Expr::StringLiteral(literal) = expr
                && self.annotation
                && let Some(name) = self.names.iter().find(|name| literal.value.to_str().contains(**name))
            {
                self.found.push(Used { name: (*name).to_owned(), is_annotation: true, function: self.function });
            }
            walk_expr(self, expr);
        }
    }
    let mut search = Search { names, annotation: false, function: None, found: Vec::new() };
    search.visit_body(parsed.statements());
    search.found
}

/// Who imports one of the names from here.
fn passed_on(context: &AssistContext<'_>, stmt: &Stmt) -> Option<String> {
    let analysis = context.analysis;
    let names = bound(stmt);
    if let Some(name) =
        analysis.exports(context.file).and_then(|all| names.iter().find(|it| all.contains(*it)).copied())
    {
        return Some(format!("`__all__` lists `{name}`"));
    }
    let own = analysis.module_name(context.file).rsplit('.').next().unwrap_or_default();
    analysis.importers(context.file).into_iter().find_map(|user| {
        let takes = |text: &str| {
            let from = text.split(' ').nth(1).unwrap_or_default();
            let last = text.rsplit(' ').next().unwrap_or_default();
            from.rsplit('.').next() == Some(own) && (names.contains(&last) || last == "*")
        };
        let taken = analysis.imports(user).iter().any(|import| takes(&import.text));
        taken.then(|| format!("`{}` imports it from here", analysis.module_name(user)))
    })
}

fn removal(context: &AssistContext<'_>, stmt: &Stmt) -> TextEdit {
    let all: Vec<usize> = (0..names_of(stmt).len()).collect();
    remove_aliases(context.text, context.parsed, stmt, &all)
}

fn statement(text: &str, stmt: &Stmt) -> String {
    let parts: Vec<&str> = names_of(stmt).iter().map(|alias| &text[alias.range]).collect();
    match stmt {
        Stmt::ImportFrom(it) => format!("from {} import {}", written(it), parts.join(", ")),
        _ => format!("import {}", parts.join(", ")),
    }
}

fn type_checking(context: &AssistContext<'_>, stmt: &Stmt) -> Outcome {
    let AssistContext { analysis, file, parsed, text, .. } = *context;
    if let Some(reason) = passed_on(context, stmt) {
        return Err(reason);
    }
    let newline = newline(text);
    let line = statement(text, stmt);
    let future = NewImport::from("__future__", "annotations");
    let typing = NewImport::from("typing", "TYPE_CHECKING");
    let guard = parsed.statements().iter().find_map(|stmt| {
        let it = stmt.as_if_stmt()?;
        let is_guard = matches!(&*it.test, Expr::Name(name) if name.id.as_str() == "TYPE_CHECKING")
            || matches!(&*it.test, Expr::Attribute(it) if it.attr.as_str() == "TYPE_CHECKING");
        let first = it.body.first().filter(|_| is_guard)?;
        Some((it, own_line_indent(text, first.start())?))
    });
    // Without it annotations are evaluated.
    let mut edits = add_all(analysis, file, parsed, &[future]);
    match guard {
        Some((guard, indent)) => {
            let last = guard.body.last().map_or(guard.end(), Ranged::end);
            edits.push(TextEdit::insert(line_end(text, last), format!("{newline}{indent}{line}")));
            edits.push(removal(context, stmt));
        }
        None => {
            let lines = parsed.statements();
            let last = lines.iter().take_while(|it| !matches!(it, Stmt::FunctionDef(_) | Stmt::ClassDef(_)));
            let last = last.filter(|it| matches!(it, Stmt::Import(_) | Stmt::ImportFrom(_))).last().unwrap_or(stmt);
            let block = format!("if TYPE_CHECKING:{newline}    {line}");
            if !has(lines, &typing) {
                edits.extend(add_all(analysis, file, parsed, &[typing]));
            }
            if last.range() == stmt.range() {
                // It gives its place.
                if !stands_alone(text, stmt.range()) {
                    return Err("it shares its line with other code".to_owned());
                }
                edits.push(TextEdit::replace(stmt.range(), format!("{newline}{block}")));
            } else {
                edits.push(TextEdit::insert(line_end(text, last.end()), format!("{newline}{newline}{block}")));
                edits.push(removal(context, stmt));
            }
        }
    }
    Ok(context.change(apart(edits)))
}

/// Insertions at the beginning of what is replaced become part of the replacement.
fn apart(edits: Vec<TextEdit>) -> Vec<TextEdit> {
    let (insertions, mut others): (Vec<_>, Vec<_>) = edits.into_iter().partition(|edit| edit.range.is_empty());
    let mut kept = Vec::new();
    // From the last to the first, so that they keep their order.
    for edit in insertions.into_iter().rev() {
        match others.iter_mut().find(|other| other.range.start() == edit.range.start()) {
            Some(other) => other.text.insert_str(0, &edit.text),
            None => kept.push(edit),
        }
    }
    kept.extend(others);
    kept
}

fn into_functions(context: &AssistContext<'_>, stmt: &Stmt, uses: &[Used]) -> Outcome {
    let (parsed, text) = (context.parsed, context.text);
    if let Some(reason) = passed_on(context, stmt) {
        return Err(reason);
    }
    if let Some(used) = uses.iter().find(|used| used.function.is_none()) {
        let when = if used.is_annotation { "an annotation" } else { "what runs when the module is loaded" };
        return Err(format!("{when} uses `{}`", used.name));
    }
    let newline = newline(text);
    let mut edits = vec![removal(context, stmt)];
    let functions: FxHashSet<TextRange> = uses.iter().filter_map(|used| used.function).collect();
    let mut functions: Vec<TextRange> = functions.into_iter().collect();
    functions.sort_by_key(|range| range.start());
    for range in functions {
        let Some(function) = function_at(parsed, range) else { return Err("a function is not found".to_owned()) };
        let layout = Layout::of(function, parsed, text);
        // Each function takes what it uses.
        let taken = |name: &str| uses.iter().any(|used| used.function == Some(range) && used.name == name);
        let names = bound(stmt);
        let parts: Vec<&str> = names_of(stmt)
            .iter()
            .zip(&names)
            .filter(|(_, name)| taken(name))
            .map(|(alias, _)| &text[alias.range])
            .collect();
        let line = match stmt {
            Stmt::ImportFrom(it) => format!("from {} import {}", written(it), parts.join(", ")),
            _ => format!("import {}", parts.join(", ")),
        };
        let first = function.body.first().ok_or("a function has no body")?;
        if own_line_indent(text, first.start()).is_none() {
            return Err(format!("`{}` stands on one line", function.name));
        }
        edits.push(match is_docstring_stmt(first) {
            true => TextEdit::insert(line_end(text, first.end()), format!("{newline}{}{line}", layout.base)),
            false => TextEdit::insert(first.start(), format!("{line}{newline}{}", layout.base)),
        });
    }
    Ok(context.change(edits))
}

fn function_at(parsed: &Parsed, range: TextRange) -> Option<&StmtFunctionDef> {
    let around = steps(parsed.statements(), range);
    let functions = around.iter().filter_map(|step| step.stmt().as_function_def_stmt());
    functions.into_iter().find(|it| it.range == range && span(&it.body).is_some())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::action::testing::{check_titled, check_titles, refusal};
    use super::*;

    #[test]
    fn into_the_functions() {
        check_titled(
            &REWRITE,
            "Move import",
            "#- /a.py\nimport os\nfrom b import x,$0 y\n\n\ndef f():\n    \"\"\"Doc.\"\"\"\n    return x\n\n\nclass C:\n    def m(self):\n        return y + x\n#- /b.py\nimport a\nx = y = C = 1\n",
            expect![[r#"
                import os


                def f():
                    """Doc."""
                    from b import x
                    return x


                class C:
                    def m(self):
                        from b import x, y
                        return y + x
            "#]],
        );
    }

    #[test]
    fn for_type_checking_where_nothing_else_is_imported() {
        check_titled(
            &REWRITE,
            "Import only",
            "#- /a.py\nfrom b import C$0\n\n\ndef f(c: C): ...\n#- /b.py\nimport a\nx = y = C = 1\n",
            expect![[r#"
                from __future__ import annotations

                from typing import TYPE_CHECKING


                if TYPE_CHECKING:
                    from b import C


                def f(c: C): ...
            "#]],
        );
    }

    #[test]
    fn import_for_annotations_goes_under_type_checking() {
        check_titled(
            &REWRITE,
            "Import only",
            "#- /a.py\nimport os\n\nfrom b import C$0\n\n\ndef f(c: C) -> 'list[C]': ...\n#- /b.py\nimport a\nx = y = C = 1\n",
            expect![[r#"
                from __future__ import annotations

                import os
                from typing import TYPE_CHECKING


                if TYPE_CHECKING:
                    from b import C


                def f(c: C) -> 'list[C]': ...
            "#]],
        );
        check_titled(
            &REWRITE,
            "Import only",
            "#- /a.py\nfrom __future__ import annotations\nfrom typing import TYPE_CHECKING\nfrom b import C$0\nif TYPE_CHECKING:\n    import os  # x\n\ndef f(c: C): ...\n#- /b.py\nimport a\nx = y = C = 1\n",
            expect![[r#"
                from __future__ import annotations
                from typing import TYPE_CHECKING
                if TYPE_CHECKING:
                    import os  # x
                    from b import C

                def f(c: C): ...
            "#]],
        );
    }

    #[test]
    fn import_that_is_needed_at_once_stays() {
        let at_once = "#- /a.py\nfrom b import x$0\nx()\n#- /b.py\nimport a\nx = y = C = 1\n";
        assert_eq!(refusal(&REWRITE, at_once).as_deref(), Some("what runs when the module is loaded uses `x`"));
        let passed =
            "#- /a.py\nfrom b import x$0\ndef f(): return x\n#- /b.py\nimport a\nx = 1\n#- /c.py\nfrom a import x\n";
        assert_eq!(refusal(&REWRITE, passed).as_deref(), Some("`c` imports it from here"));
        check_titles(&REWRITE, "#- /a.py\nfrom b import x$0\nx()\n#- /b.py\nimport os\nx = 1\n", expect![""]);
        check_titles(
            &REWRITE,
            "#- /a.py\nfrom b import x$0\nx()\n#- /b.py\nx = 1\ndef f():\n    import a\n",
            expect![""],
        );
    }
}

//! Imports that come with a function.

use graph::{Analysis, FileId};
use rustc_hash::{FxHashMap, FxHashSet};
use syntax::ast::visitor::{Visitor, walk_except_handler, walk_expr, walk_parameter, walk_pattern, walk_stmt};
use syntax::ast::{Alias, ExceptHandler, Expr, Parameter, Pattern, Stmt, StmtImportFrom};
use syntax::{Parsed, Ranged, TextEdit, TextRange, TextSize};

use super::layout::{after_comment, line_start, newline};
use super::module_path::package;
use super::stdlib;

/// The import statements of a reply that its function needs and the file does not have.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Missing {
    /// For the head of the file.
    pub global: Vec<String>,
    /// For the function itself, because the file uses the name for something else.
    pub local: Vec<String>,
}

/// The file that a reply is for.
pub(super) struct Destination<'a> {
    pub statements: &'a [Stmt],
    /// The dotted name of the package that relative imports start from.
    pub package: &'a str,
    /// What the module defines itself.
    pub defines: FxHashSet<&'a str>,
}

impl<'a> Destination<'a> {
    pub fn of(analysis: &'a Analysis, file: FileId, parsed: &'a Parsed) -> Destination<'a> {
        let children = analysis.children(analysis.module(file)).into_iter();
        let defines = children.map(|child| analysis.symbol(child).name).collect();
        Destination { statements: parsed.statements(), package: package(analysis, file), defines }
    }
}

/// Which of `imports`, the import statements of a reply, the statements of `body` need in `file`.
pub(super) fn missing(imports: &[&Stmt], body: &[Stmt], file: &Destination<'_>) -> Missing {
    let used = names_used(body);
    // What a name of the file's head stands for.
    let mut present: FxHashMap<&str, FxHashSet<String>> = FxHashMap::default();
    for stmt in file.statements {
        for alias in aliases(stmt) {
            present.entry(bound_name(stmt, alias)).or_default().insert(meaning(stmt, alias, file.package));
        }
    }
    let mut missing = Missing::default();
    for stmt in imports {
        let mut global = Vec::new();
        let mut local = Vec::new();
        for alias in aliases(stmt) {
            let name = bound_name(stmt, alias);
            let meaning = meaning(stmt, alias, file.package);
            if !used.contains(name) || meaning.starts_with("__future__") {
                continue;
            }
            match present.get(name) {
                Some(meanings) if meanings.contains(&meaning) => {}
                // `import a` and `import a.b` both bind `a` to the same thing.
                Some(meanings) if stmt.is_import_stmt() && meanings.iter().all(|it| top(it) == top(&meaning)) => {
                    global.push(alias);
                }
                None if !file.defines.contains(name) => global.push(alias),
                _ => local.push(alias),
            }
        }
        missing.global.extend(render(stmt, &global));
        missing.local.extend(render(stmt, &local));
    }
    missing
}

/// Imports of the standard library that the statements of `body` use and nobody has written: of names that nothing in the file, in
/// `imports` or in the body binds, and that can mean only one thing.
pub(super) fn forgotten(imports: &[&Stmt], body: &[Stmt], file: &Destination<'_>) -> Vec<String> {
    let mut bound = Bound::default();
    bound.visit_body(file.statements);
    bound.visit_body(body);
    imports.iter().for_each(|stmt| bound.visit_stmt(stmt));
    if bound.has_star {
        return Vec::new();
    }
    let mut used: Vec<&str> = names_used(body).into_iter().collect();
    used.sort_unstable();
    used.retain(|name| !bound.names.contains(name) && !file.defines.contains(name) && !Analysis::is_builtin(name));
    let has_members = Bases::of(body);
    let import = |name: &str| {
        let homes: Vec<&str> = stdlib::homes(name).collect();
        match homes.as_slice() {
            [] if stdlib::is_stdlib(name) && has_members.0.contains(name) => Some(format!("import {name}")),
            [home] if !stdlib::is_stdlib(name) => Some(format!("from {home} import {name}")),
            _ => None,
        }
    };
    used.into_iter().filter_map(import).collect()
}

/// The names of which members are used.
struct Bases<'a>(FxHashSet<&'a str>);

impl<'a> Bases<'a> {
    fn of(body: &'a [Stmt]) -> Self {
        let mut bases = Bases(FxHashSet::default());
        bases.visit_body(body);
        bases
    }
}

impl<'a> Visitor<'a> for Bases<'a> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Attribute(attribute) = expr
            && let Expr::Name(name) = &*attribute.value
        {
            self.0.insert(name.id.as_str());
        }
        walk_expr(self, expr);
    }
}

/// The names that are bound anywhere in some statements, whatever the scope.
#[derive(Default)]
struct Bound<'a> {
    names: FxHashSet<&'a str>,
    has_star: bool,
}

impl<'a> Visitor<'a> for Bound<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(it) => drop(self.names.insert(it.name.as_str())),
            Stmt::ClassDef(it) => drop(self.names.insert(it.name.as_str())),
            Stmt::Global(it) => self.names.extend(it.names.iter().map(|name| name.as_str())),
            _ => {}
        }
        for alias in aliases(stmt) {
            self.has_star |= alias.name.as_str() == "*";
            self.names.insert(bound_name(stmt, alias));
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Name(name) = expr
            && !name.ctx.is_load()
        {
            self.names.insert(name.id.as_str());
        }
        walk_expr(self, expr);
    }

    fn visit_parameter(&mut self, parameter: &'a Parameter) {
        self.names.insert(parameter.name.as_str());
        walk_parameter(self, parameter);
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(it) = handler;
        self.names.extend(it.name.iter().map(|name| name.as_str()));
        walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let name = match pattern {
            Pattern::MatchAs(it) => it.name.as_ref(),
            Pattern::MatchStar(it) => it.name.as_ref(),
            Pattern::MatchMapping(it) => it.rest.as_ref(),
            _ => None,
        };
        self.names.extend(name.map(|name| name.as_str()));
        walk_pattern(self, pattern);
    }
}

/// Adds `lines` where the file's imports end, or where they would begin.
pub(super) fn insertion(text: &str, parsed: &Parsed, lines: &[String]) -> TextEdit {
    let newline = newline(text);
    let lines = lines.join(newline);
    let is_import = |stmt: &&Stmt| matches!(stmt, Stmt::Import(_) | Stmt::ImportFrom(_));
    let head = parsed.statements().iter().take_while(|stmt| !matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_)));
    if let Some(last) = head.filter(is_import).last() {
        return TextEdit::insert(line_end(text, last.end()), format!("{newline}{lines}"));
    }
    let first = parsed.statements().first();
    if let Some(docstring) = first.filter(|stmt| syntax::ast::helpers::is_docstring_stmt(stmt)) {
        return TextEdit::insert(line_end(text, docstring.end()), format!("{newline}{newline}{lines}"));
    }
    let space = match first {
        Some(Stmt::FunctionDef(_) | Stmt::ClassDef(_)) => newline.repeat(3),
        _ => newline.repeat(2),
    };
    TextEdit::insert(after_file_comment(text, first.map(Ranged::range)), format!("{lines}{space}"))
}

/// The end of the line that a statement ends on, which another statement or a comment may share.
pub(super) fn line_end(text: &str, offset: TextSize) -> TextSize {
    let rest = &text[offset.to_usize()..];
    let end = offset + TextSize::of(&rest[..rest.find(['\r', '\n']).unwrap_or(rest.len())]);
    end.max(after_comment(text, offset))
}

/// Behind a first comment that an empty line sets apart from the code: a licence, an interpreter line.
fn after_file_comment(text: &str, first: Option<TextRange>) -> TextSize {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let end = first.map_or(text.len(), |first| line_start(text, first.start()).to_usize()).max(start);
    let comment = &text[start..end];
    let mut offset = start;
    let mut after = start;
    for line in comment.split_inclusive('\n') {
        offset += line.len();
        if line.trim().is_empty() || line.starts_with("#!") || line.contains("coding") {
            after = offset;
        }
    }
    TextSize::new(after as u32)
}

fn aliases(stmt: &Stmt) -> &[Alias] {
    match stmt {
        Stmt::Import(stmt) => &stmt.names,
        Stmt::ImportFrom(stmt) => &stmt.names,
        _ => &[],
    }
}

fn bound_name<'a>(stmt: &Stmt, alias: &'a Alias) -> &'a str {
    match &alias.asname {
        Some(name) => name.as_str(),
        None if stmt.is_import_stmt() => top(&alias.name),
        None => alias.name.as_str(),
    }
}

/// The absolute dotted name of what an import brings.
fn meaning(stmt: &Stmt, alias: &Alias, package: &str) -> String {
    let Stmt::ImportFrom(from) = stmt else { return alias.name.to_string() };
    let module = from.module.as_ref().map_or("", |module| module.as_str());
    let mut around: Vec<&str> = Vec::new();
    if from.level > 0 {
        let parents: Vec<&str> = package.split('.').collect();
        around.extend(&parents[..parents.len().saturating_sub(from.level as usize - 1)]);
    }
    around.extend([module, alias.name.as_str()]);
    around.retain(|part| !part.is_empty());
    around.join(".")
}

fn top(dotted: &str) -> &str {
    dotted.split('.').next().unwrap_or(dotted)
}

fn render(stmt: &Stmt, aliases: &[&Alias]) -> Option<String> {
    if aliases.is_empty() {
        return None;
    }
    let names: Vec<String> = aliases
        .iter()
        .map(|alias| match &alias.asname {
            Some(name) => format!("{} as {name}", alias.name),
            None => alias.name.to_string(),
        })
        .collect();
    let names = names.join(", ");
    Some(match stmt {
        Stmt::ImportFrom(StmtImportFrom { module, level, .. }) => {
            let dots = ".".repeat(*level as usize);
            let module = module.as_ref().map_or("", |module| module.as_str());
            format!("from {dots}{module} import {names}")
        }
        _ => format!("import {names}"),
    })
}

fn names_used(body: &[Stmt]) -> FxHashSet<&str> {
    struct Names<'a>(FxHashSet<&'a str>);
    impl<'a> Visitor<'a> for Names<'a> {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            walk_stmt(self, stmt);
        }
        fn visit_expr(&mut self, expr: &'a Expr) {
            if let Expr::Name(name) = expr {
                self.0.insert(name.id.as_str());
            }
            walk_expr(self, expr);
        }
    }
    let mut names = Names(FxHashSet::default());
    body.iter().for_each(|stmt| names.visit_stmt(stmt));
    names.0
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expected: Expect) {
        let edit = insertion(text, &syntax::parse(text), &["import heapq".to_owned()]);
        let edited = syntax::apply_edits(text, &[edit]).expect("an insertion applies");
        assert!(!syntax::parse(&edited).has_errors());
        expected.assert_eq(&edited.replace('\r', "␍"));
    }

    #[test]
    fn where_imports_go() {
        check(
            "\"\"\"Doc.\"\"\"\nimport os  # system\nx = 1\nimport sys; y = 2\n\ndef f(): ...\nimport late\n",
            expect![[r#"
                """Doc."""
                import os  # system
                x = 1
                import sys; y = 2
                import heapq

                def f(): ...
                import late
            "#]],
        );
        check(
            "#!/usr/bin/python\n\"\"\"Doc.\"\"\"\n\ndef f(): ...\n",
            expect![[r##"
            #!/usr/bin/python
            """Doc."""

            import heapq

            def f(): ...
        "##]],
        );
        check(
            "# Licence.\n\n# f is good.\ndef f(): ...\n",
            expect![[r#"
            # Licence.

            import heapq


            # f is good.
            def f(): ...
        "#]],
        );
        check(
            "# f is good.\r\ndef f(): ...\r\n",
            expect![[r#"
            import heapq␍
            ␍
            ␍
            # f is good.␍
            def f(): ...␍
        "#]],
        );
        check(
            "\u{feff}x = 1",
            expect![[r#"
            ﻿import heapq

            x = 1"#]],
        );
    }
}

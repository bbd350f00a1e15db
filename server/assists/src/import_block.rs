//! Where a new import goes among those of a file.

use graph::{Analysis, FileId};
use syntax::ast::{Alias, Stmt, StmtImportFrom};
use syntax::{Parsed, Ranged, TextEdit, TextRange, TextSize, parse};

use super::imports::{insertion, line_end};
use super::layout::{indent_at, newline};
use super::module_path::{Group, group};
use super::place::stands_alone;

/// An import statement for one name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct NewImport {
    /// As it is written, leading dots included.
    pub module: String,
    /// What is imported from the module.
    pub member: Option<String>,
    pub alias: Option<String>,
}

impl NewImport {
    pub fn from(module: impl Into<String>, member: impl Into<String>) -> Self {
        NewImport { module: module.into(), member: Some(member.into()), alias: None }
    }

    /// The statement.
    pub fn text(&self) -> String {
        match &self.member {
            Some(_) => format!("from {} import {}", self.module, self.part()),
            None => format!("import {}", self.part()),
        }
    }

    /// What stands behind `import`.
    fn part(&self) -> String {
        let name = self.member.as_ref().unwrap_or(&self.module);
        match &self.alias {
            Some(alias) => format!("{name} as {alias}"),
            None => name.clone(),
        }
    }
}

/// Adds `import` to the head of `file`: to a statement that imports from the same module, or in its group.
pub(super) fn add(analysis: &Analysis, file: FileId, parsed: &Parsed, import: &NewImport) -> TextEdit {
    let text = analysis.source(file).text();
    let head: Vec<&Stmt> = head(parsed.statements()).collect();
    let same = head.iter().find_map(|stmt| extended(stmt, import));
    if let Some((statement, _)) = same.zip(import.member.as_ref()) {
        return add_alias(text, statement, &import.part());
    }
    // One that shares its line with others says nothing about where lines go.
    let lines: Vec<(&Stmt, (Group, bool, String))> = head
        .iter()
        .filter(|stmt| stands_alone(text, stmt.range()))
        .map(|stmt| (*stmt, sort_key(analysis, stmt)))
        .collect();
    let key = (group(analysis, &import.module), import.member.is_some(), import.module.clone());
    let newline = newline(text);
    let line = import.text();
    let after = |stmt: &Stmt, space: &str| TextEdit::insert(line_end(text, stmt.end()), format!("{space}{line}"));
    let peers: Vec<_> = lines.iter().filter(|(_, other)| other.0 == key.0).collect();
    if let Some(first) = peers.first() {
        // By the way in which the group is sorted: by kind and then by module, or by module alone.
        let by_module = |other: &(Group, bool, String)| other.2.to_lowercase();
        let before = peers.iter().rev().find(|(_, other)| match mixes(&peers) {
            true => by_module(other) <= key.2.to_lowercase(),
            false => (other.1, by_module(other)) <= (key.1, key.2.to_lowercase()),
        });
        return match before {
            Some((stmt, _)) => after(stmt, newline),
            None => TextEdit::insert(first.0.start(), format!("{line}{newline}")),
        };
    }
    let blank = newline.repeat(2);
    if let Some((stmt, _)) = lines.iter().rev().find(|(_, other)| other.0 < key.0) {
        return after(stmt, &blank);
    }
    match lines.first() {
        Some((stmt, _)) => TextEdit::insert(stmt.start(), format!("{line}{blank}")),
        None => insertion(text, parsed, &[line]),
    }
}

/// All of `imports` that the file does not have already, as edits that go together.
pub(super) fn add_all(analysis: &Analysis, file: FileId, parsed: &Parsed, imports: &[NewImport]) -> Vec<TextEdit> {
    let mut missing: Vec<&NewImport> = Vec::new();
    for import in imports {
        if !missing.contains(&import) && !has(parsed.statements(), import) {
            missing.push(import);
        }
    }
    missing.sort_by_key(|import| (group(analysis, &import.module), import.member.is_some(), import.module.clone()));
    // Several of one place are one insertion, so that their order does not depend on the editor.
    let mut edits: Vec<TextEdit> = Vec::new();
    for import in missing {
        let edit = add(analysis, file, parsed, import);
        match edits.iter_mut().find(|other| other.range == edit.range) {
            Some(other) if edit.text.starts_with(", ") => other.text.push_str(&edit.text),
            Some(other) => other.text = joined(analysis.source(file).text(), &other.text, &edit.text),
            None => edits.push(edit),
        }
    }
    edits
}

/// Two insertions of lines at one place.
fn joined(text: &str, one: &str, other: &str) -> String {
    let newline = newline(text);
    match one.starts_with(['\r', '\n']) {
        true => format!("{one}{newline}{}", other.trim_start_matches(['\r', '\n'])),
        false => {
            let space = &one[one.trim_end_matches(['\r', '\n']).len()..];
            format!("{}{newline}{}{space}", one.trim_end_matches(['\r', '\n']), other.trim_end_matches(['\r', '\n']))
        }
    }
}

/// Whether `body` has this very import.
pub(super) fn has(body: &[Stmt], import: &NewImport) -> bool {
    head(body).any(|stmt| match (stmt, &import.member) {
        (Stmt::ImportFrom(it), Some(member)) => {
            written(it) == import.module && it.names.iter().any(|alias| is(alias, member, import.alias.as_deref()))
        }
        (Stmt::Import(it), None) => it.names.iter().any(|alias| is(alias, &import.module, import.alias.as_deref())),
        _ => false,
    })
}

fn is(alias: &Alias, name: &str, asname: Option<&str>) -> bool {
    alias.name.as_str() == name && alias.asname.as_ref().map(|it| it.as_str()) == asname
}

/// The import statements before the first definition.
fn head(body: &[Stmt]) -> impl Iterator<Item = &Stmt> {
    let head = body.iter().take_while(|stmt| !matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_)));
    head.filter(|stmt| matches!(stmt, Stmt::Import(_) | Stmt::ImportFrom(_)))
}

/// What stands between `from` and `import`, without spaces.
pub(super) fn written(stmt: &StmtImportFrom) -> String {
    let module = stmt.module.as_ref().map_or("", |module| module.as_str());
    format!("{}{module}", ".".repeat(stmt.level as usize))
}

fn extended<'a>(stmt: &'a Stmt, import: &NewImport) -> Option<&'a StmtImportFrom> {
    let from = stmt.as_import_from_stmt()?;
    let is_star = from.names.iter().any(|alias| alias.name.as_str() == "*");
    (written(from) == import.module && !is_star).then_some(from)
}

fn sort_key(analysis: &Analysis, stmt: &Stmt) -> (Group, bool, String) {
    let module = match stmt {
        Stmt::ImportFrom(it) => written(it),
        Stmt::Import(it) => it.names.first().map_or_else(String::new, |alias| alias.name.to_string()),
        _ => String::new(),
    };
    (group(analysis, &module), stmt.is_import_from_stmt(), module)
}

/// Whether `import` and `from` stand among each other.
fn mixes(peers: &[&(&Stmt, (Group, bool, String))]) -> bool {
    peers.windows(2).any(|pair| pair[0].1.1 && !pair[1].1.1)
}

/// Adds `part` to the names of `stmt`, in order if they are.
fn add_alias(text: &str, stmt: &StmtImportFrom, part: &str) -> TextEdit {
    let names: Vec<&str> = stmt.names.iter().map(|alias| alias.name.as_str()).collect();
    let key = |name: &str| name.to_lowercase();
    let sorted = names.is_sorted_by_key(|name| key(name));
    let name = part.split(' ').next().unwrap_or(part);
    let after = match sorted {
        true => names.iter().filter(|other| key(other) <= key(name)).count(),
        false => names.len(),
    };
    // Where each name has its own line, the new one gets one too.
    let lines = stmt.names.len() > 1
        && stmt.names.windows(2).all(|pair| text[TextRange::new(pair[0].end(), pair[1].start())].contains('\n'))
        || stmt.names.len() == 1 && {
            let one = &stmt.names[0];
            !indent_at(text, one.start()).is_empty() && text[stmt.range].contains('\n')
        };
    match after.checked_sub(1).and_then(|before| stmt.names.get(before)) {
        Some(before) => {
            let space = match lines {
                true => format!("{}{}", newline(text), indent_at(text, before.start())),
                false => " ".to_owned(),
            };
            TextEdit::insert(before.end(), format!(",{space}{part}"))
        }
        None => {
            let first = stmt.names.first().map_or(stmt.end(), Ranged::start);
            let space = match lines {
                true => format!("{}{}", newline(text), indent_at(text, first)),
                false => " ".to_owned(),
            };
            TextEdit::insert(first, format!("{part},{space}"))
        }
    }
}

/// Takes the names at the places `aliases` of an import statement away; the whole statement with its line when none is
/// left. A block that would be empty gets a `pass`.
pub(super) fn remove_aliases(text: &str, parsed: &Parsed, stmt: &Stmt, aliases: &[usize]) -> TextEdit {
    let names: &[Alias] = match stmt {
        Stmt::Import(it) => &it.names,
        Stmt::ImportFrom(it) => &it.names,
        _ => &[],
    };
    let left: Vec<&Alias> =
        names.iter().enumerate().filter(|(at, _)| !aliases.contains(at)).map(|(_, alias)| alias).collect();
    if left.is_empty() {
        return remove_statement(text, parsed, stmt);
    }
    if let [at] = aliases {
        let range = match (names.get(*at), names.get(*at + 1)) {
            (Some(this), Some(next)) => TextRange::new(this.start(), next.start()),
            _ => TextRange::new(names[*at - 1].end(), names[*at].end()),
        };
        // A comment in between belongs to a name; then all are written anew.
        if !text[range].contains('#') {
            return TextEdit::replace(range, "");
        }
    }
    let (first, last) = (names[0].start(), names[names.len() - 1].end());
    let parts: Vec<&str> = left.iter().map(|alias| &text[alias.range()]).collect();
    TextEdit::replace(TextRange::new(first, last), parts.join(", "))
}

/// Takes a statement away, with its lines where it has them for itself.
pub(super) fn remove_statement(text: &str, parsed: &Parsed, stmt: &Stmt) -> TextEdit {
    let range = stmt.range();
    let steps = super::place::steps(parsed.statements(), range);
    let is_last = steps.iter().rev().find(|step| step.stmt().range() == range).is_some_and(|step| step.body.len() == 1);
    let in_block = steps.iter().rposition(|step| step.stmt().range() == range).is_some_and(|depth| depth > 0);
    if is_last && in_block {
        return TextEdit::replace(range, "pass");
    }
    if super::layout::own_line_indent(text, range.start()).is_some() {
        let rest = text[range.end().to_usize()..].trim_start_matches([' ', '\t']);
        if rest.is_empty() || rest.starts_with(['\r', '\n']) || rest.starts_with('#') {
            return TextEdit::replace(super::place::whole_lines(text, range), "");
        }
        if let Some(next) = rest.strip_prefix(';') {
            let next = next.trim_start_matches([' ', '\t']);
            let end = TextSize::new((text.len() - next.len()) as u32);
            return TextEdit::replace(TextRange::new(range.start(), end), "");
        }
    }
    // Behind another one on the same line.
    let before = text[..range.start().to_usize()].trim_end_matches([' ', '\t']);
    let start = before.strip_suffix(';').map_or(range.start().to_usize(), str::len);
    TextEdit::replace(TextRange::new(TextSize::new(start as u32), range.end()), "")
}

/// The tree of another file.
pub(super) fn parse_file(analysis: &Analysis, file: FileId) -> Parsed {
    parse(analysis.source(file).text())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use fixture::Workspace;

    fn check(text: &str, imports: &[NewImport], expected: Expect) {
        let workspace = Workspace::new(text);
        let file = workspace.first_file();
        let parsed = parse_file(&workspace.analysis, file);
        let edits = add_all(&workspace.analysis, file, &parsed, imports);
        let after = syntax::apply_edits(workspace.analysis.source(file).text(), &edits).unwrap();
        assert!(!parse(&after).has_errors(), "{after}");
        expected.assert_eq(&after);
    }

    fn module(name: &str) -> NewImport {
        NewImport { module: name.to_owned(), member: None, alias: None }
    }

    #[test]
    fn imports_go_to_their_groups() {
        let text = "\
#- /main.py
\"\"\"Doc.\"\"\"
from __future__ import annotations

import os  # system
from pathlib import Path

import numpy

from shop import cart
x = 1
#- /shop/__init__.py
#- /shop/cart.py
#- /lib.py
";
        let imports = [
            module("abc"),
            module("sys"),
            NewImport::from("typing", "Any"),
            NewImport::from("lib", "f"),
            NewImport::from("shop", "basket"),
            NewImport::from("pathlib", "Path"),
        ];
        check(
            text,
            &imports,
            expect![[r#"
                """Doc."""
                from __future__ import annotations

                import abc
                import os  # system
                import sys
                from pathlib import Path
                from typing import Any

                import numpy

                from lib import f
                from shop import basket, cart
                x = 1
            "#]],
        );
    }

    #[test]
    fn a_group_of_its_own() {
        check(
            "import numpy\n",
            &[module("os"), NewImport::from(".a", "b")],
            expect![[r#"
                import os

                import numpy

                from .a import b
            "#]],
        );
        check(
            "from __future__ import annotations\nx = 1\n",
            &[module("os"), module("sys")],
            expect![[r#"
                from __future__ import annotations

                import os
                import sys
                x = 1
            "#]],
        );
        check(
            "def f(): ...\n",
            &[module("os"), module("sys")],
            expect![[r#"
            import os
            import sys


            def f(): ...
        "#]],
        );
    }

    #[test]
    fn names_join_their_statement() {
        check(
            "from a import (\n    b,\n    d,\n)\nfrom m import x\n",
            &[NewImport::from("a", "c"), NewImport::from("a", "e"), NewImport::from("m", "w")],
            expect![[r#"
                from a import (
                    b,
                    c,
                    d,
                    e,
                )
                from m import w, x
            "#]],
        );
    }
}

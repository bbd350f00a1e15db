//! The edits stay inside what was asked for.

use std::collections::BTreeSet;
use std::path::Path;

use graph::{Analysis, FileId, SymbolKind};
use syntax::ast::Stmt;
use syntax::{TextEdit, TextRange, parse};

use super::Comparison;
use crate::candidate::{Edited, display_path};
use crate::{Finding, Scope, Stage};

/// Files that say how tests are found, run and reported: with them, an answer chooses what is told of it.
pub const TEST_CONFIGURATION: [&str; 8] = [
    ".pytest.ini",
    ".pytest.toml",
    "conftest.py",
    "pyproject.toml",
    "pytest.ini",
    "pytest.toml",
    "setup.cfg",
    "tox.ini",
];

/// `asked` is what the person said.
pub(super) fn findings(comparison: &Comparison, scope: &Scope, asked: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for edited in &comparison.files {
        let path = display_path(&comparison.after, &edited.path);
        let mut add = |code: &str, message: String, line| {
            let (code, path) = (code.to_owned(), path.clone());
            found.push(Finding { stage: Stage::Scope, code, message, path, line });
        };
        let is_new = comparison.before.file(&edited.path).is_none();
        if is_new && scope.creates(&edited.path) {
            if let Some(name) = test_configuration(&edited.path).filter(|name| !asked.to_lowercase().contains(name)) {
                let message = format!("`{name}` decides how tests are run, and was not asked for; leave it out");
                add("test-configuration", message, 0);
            }
            continue;
        }
        if scope.ranges_in(&edited.path).next().is_none() {
            add("other-file", "this file was not to be edited".to_owned(), 0);
            continue;
        }
        for (edit, written) in edited.edits.iter().zip(edited.written()) {
            let allowed = scope.ranges_in(&edited.path).any(|range| range.contains_range(edit.range))
                || scope.imports && is_import(edit, edited, written);
            if !allowed {
                let line = edited.after[..written.start().to_usize()].matches('\n').count() as u32 + 1;
                add("outside-edit", "this place was not to be edited".to_owned(), line);
            }
        }
        for (code, message) in stray_definitions(comparison, scope, edited) {
            add(code, message, 0);
        }
    }
    found
}

/// The name of a file that decides how tests are run, in small letters.
fn test_configuration(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?.to_lowercase();
    (TEST_CONFIGURATION.contains(&&*name) || name.ends_with(".pth")).then_some(name)
}

/// Functions whose docstring has lost its examples, which are tests, without anybody having asked for that.
pub(super) fn lost_examples(comparison: &Comparison, asked: &str) -> Vec<Finding> {
    let after = &comparison.after;
    if ["doctest", "example"].iter().any(|word| asked.to_lowercase().contains(word)) {
        return Vec::new();
    }
    let lost = comparison.edited_functions().filter(|&symbol| {
        let had = comparison.earlier(symbol).is_some_and(|it| comparison.before.symbol(it).flags.has_doctest);
        had && !after.symbol(symbol).flags.has_doctest
    });
    lost.map(|symbol| {
        let view = after.symbol(symbol);
        let message = format!("the examples in the docstring of `{}` are gone; keep them", view.local_name());
        comparison.finding(Stage::Scope, "lost-examples", message, symbol.file, view.header)
    })
    .collect()
}

/// Definitions that came or went outside the functions, or whatever it was, that were to be edited. An edit may well
/// begin inside its range and, indented less, go on outside.
fn stray_definitions(comparison: &Comparison, scope: &Scope, edited: &Edited) -> Vec<(&'static str, String)> {
    let (before, after) = (&comparison.before, &comparison.after);
    let (Some(old_file), Some(file)) = (before.file(&edited.path), after.file(&edited.path)) else { return Vec::new() };
    let remaining = after.symbols(file);
    let (mut inside_old, mut inside_new) = (Vec::new(), Vec::new());
    for range in scope.ranges_in(&edited.path) {
        let mut target = before.enclosing(old_file, range.start());
        // What is inserted where a definition begins stands before it.
        while let Some(parent) = before.symbol(target).parent
            && range.is_empty()
            && before.symbol(target).range.start() == range.start()
        {
            target = parent;
        }
        if matches!(before.symbol(target).kind, SymbolKind::Module | SymbolKind::Class) {
            // Not all of a module or class was to be edited, but this place in it.
            inside_old.push(range);
            let edits = edited.edits.iter().zip(edited.written());
            inside_new.extend(edits.filter(|(edit, _)| range.contains_range(edit.range)).map(|(_, written)| written));
        } else if remaining.contains(&target) {
            inside_old.push(before.symbol(target).range);
            inside_new.push(after.symbol(target).range);
        }
    }
    let (old, all_old) = (definitions(before, old_file, &inside_old), definitions(before, old_file, &[]));
    let (new, all_new) = (definitions(after, file, &inside_new), definitions(after, file, &[]));
    let lost = old.difference(&all_new).map(|name| ("lost-definition", format!("`{name}` is gone")));
    let added =
        new.difference(&all_old).map(|name| ("new-definition", format!("`{name}` is new, and was not asked for")));
    lost.chain(added).collect()
}

/// Whether an edit only adds import statements, on lines of their own.
fn is_import(edit: &TextEdit, edited: &Edited, written: TextRange) -> bool {
    let on_own_lines = {
        let before = &edited.after[..written.start().to_usize()];
        let after = &edited.after[written.end().to_usize()..];
        let is_end = |c: char| matches!(c, '\n' | '\r');
        let opens = before.is_empty() || before.ends_with(['\n', '\r', '\u{feff}']) || edit.text.starts_with(is_end);
        let closes = after.is_empty() || after.starts_with(is_end) || edit.text.ends_with(is_end);
        opens && closes
    };
    let parsed = parse(&edit.text);
    // What a star brings in is not seen here, and may hide what the file has.
    let only_imports = parsed.statements().iter().all(|stmt| match stmt {
        Stmt::ImportFrom(import) => import.names.iter().all(|alias| alias.name.as_str() != "*"),
        _ => stmt.is_import_stmt(),
    });
    edit.range.is_empty() && on_own_lines && !parsed.has_errors() && only_imports
}

/// The names of the classes, functions and variables that do not lie in one of the ranges.
fn definitions(analysis: &Analysis, file: FileId, without: &[TextRange]) -> BTreeSet<String> {
    let symbols = analysis.symbols(file).into_iter().map(|symbol| analysis.symbol(symbol));
    let named = symbols.filter(|symbol| !matches!(symbol.kind, SymbolKind::Module | SymbolKind::Lambda));
    let outside = named.filter(|symbol| !without.iter().any(|range| range.contains_range(symbol.range)));
    outside.map(|symbol| symbol.local_name()).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use expect_test::expect;
    use syntax::{FileEdit, SourceChange, TextSize};

    use super::super::tests::{candidate, draw, judge, load};
    use super::*;
    use crate::{Candidate, Inspection, check};

    #[test]
    fn places_in_several_files_and_new_files() {
        let (host, path, range) =
            load("#- /a.py\n$1def f():\n    pass$1\ndef g(): pass\n#- /b.py\nimport a\nx = a.f()\n");
        let one = |path: &str, range: TextRange, text: &str| FileEdit {
            path: PathBuf::from(path),
            edits: vec![TextEdit::replace(range, text)],
        };
        let whole = TextRange::new(TextSize::new(9), TextSize::new(18));
        let at = |offset| TextRange::empty(TextSize::new(offset));
        let drawn = |files: Vec<FileEdit>, scope: Scope| {
            let change = SourceChange { files };
            draw(&judge(&host, Candidate { change, scope, ..candidate(&path, range, Vec::new()) }))
        };
        let places = vec![(path.clone(), range), (PathBuf::from("/b.py"), whole), (PathBuf::from("/test_c.py"), at(0))];
        let places = Scope { places, folder: None, imports: true };
        let test = "import b\ndef test_x():\n    assert b.x\n";
        expect![[r#"
            run Pytest { targets: ["test_c.py::test_x"] }
        "#]]
        .assert_eq(&drawn(
            vec![
                one("/a.py", range, "def f(y):\n    return y"),
                one("/b.py", whole, "x = a.f(1)"),
                one("/test_c.py", at(0), test),
            ],
            places.clone(),
        ));
        // A place at the very beginning is for what comes before; nothing else may be new or go.
        let before = Scope { places: vec![(path.clone(), at(0))], folder: None, imports: false };
        expect![[r#"
            tests not-run: no test or doctest reaches the edit
            open: behaviour: no test or doctest reaches the edit
        "#]]
        .assert_eq(&drawn(vec![one("/a.py", at(0), "def h():\n    pass\n\n\n")], before.clone()));
        expect![[r#"
            a.py:3: this place was not to be edited [scope: outside-edit]
            a.py: `g` is gone [scope: lost-definition]
            c.py: this file was not to be edited [scope: other-file]
            scope failed
            tests not-run: an earlier check failed
        "#]]
        .assert_eq(&drawn(
            vec![
                one("/a.py", TextRange::new(TextSize::new(18), TextSize::new(31)), "\n"),
                one("/c.py", at(0), "x = 1\n"),
            ],
            before,
        ));
        // What decides how tests are run must have been asked for.
        let configuration = |asked: &str| {
            let folder = Scope { folder: Some(PathBuf::from("/new")), ..Scope::default() };
            let names = ["conftest.py", "sub/Setup.cfg", "pytest.toml", "tox.ini", "a.pth", "pyproject.toml", "b.cfg"];
            let files = names.iter().map(|name| one(&format!("/new/{name}"), at(0), "x = 1\n")).collect();
            let change = SourceChange { files };
            let candidate = Candidate { change, scope: folder, ..candidate(&path, range, Vec::new()) };
            let checked = check(&host, candidate, &Inspection { asked, ..Inspection::default() });
            let found = checked.findings().iter().filter(|it| it.code == "test-configuration");
            found.map(|it| it.path.clone()).collect::<Vec<_>>()
        };
        let all = [
            "new/conftest.py",
            "new/sub/Setup.cfg",
            "new/pytest.toml",
            "new/tox.ini",
            "new/a.pth",
            "new/pyproject.toml",
        ];
        assert_eq!(configuration("a package"), all);
        assert_eq!(configuration("a package with a pyproject.toml and a conftest.py"), all[1..5]);
        // In a folder, files may be made and not changed, and there is no way out of it.
        let folder = Scope { folder: Some(PathBuf::from("/new")), ..Scope::default() };
        expect![[r#"
            tests not-run: no test or doctest reaches the edit
            open: /new/README.md: it is no Python
            open: behaviour: no test or doctest reaches the edit
        "#]]
        .assert_eq(
            &drawn(vec![one("/new/c.py", at(0), "x = 1\n"), one("/new/README.md", at(0), "# New\n")], folder.clone())
                .replace("open: new", "open: /new"),
        );
        expect![[r#"
            a.py: this file was not to be edited [scope: other-file]
            new/../c.py: this file was not to be edited [scope: other-file]
            scope failed
            tests not-run: an earlier check failed
        "#]]
        .assert_eq(&drawn(vec![one("/a.py", at(0), "\n"), one("/new/../c.py", at(0), "x = 1\n")], folder));
    }
}

//! What linters find in a file, beside what the graph says of it.

use std::collections::HashSet;
use std::path::Path;

use graph::{Analysis, FileId, SharedTree};
use lint::{Document, Finding, INVALID_SYNTAX, Linter, Ruff};
use syntax::{FileEdit, LineIndex, SourceChange, TextRange, on_deep_stack};

use crate::diagnostics::{Code, Diagnostic, Suppressions};
use crate::tree::with_tree_of;

/// A linter that many threads use at a time.
pub type SharedLinter = dyn Linter + Send + Sync;

/// What `linters` find in a file, in source order. `# tantu: ignore` and `# tantu: ignore[code, …]` at the end of a line
/// silence what starts on it, syntax errors excepted; linters have comments of their own besides.
pub fn lint_findings(analysis: &Analysis, linters: &[&SharedLinter], file: FileId) -> Vec<Finding> {
    let path = analysis.path(file);
    let (text, lines) = (analysis.source(file).text(), analysis.source(file).lines());
    if linters.is_empty() || !lint::is_lintable(path) {
        return Vec::new();
    }
    with_tree_of(analysis, file, |parsed| found(&Document { path, text, parsed }, lines, linters)).unwrap_or_default()
}

/// The same for a text that the graph does not know yet.
pub fn lint_ahead(path: &Path, tree: &SharedTree, linters: &[&SharedLinter]) -> Vec<Finding> {
    if linters.is_empty() || !lint::is_lintable(path) {
        return Vec::new();
    }
    let text = tree.text();
    let lines = LineIndex::new(text);
    on_deep_stack(|| found(&Document { path, text, parsed: &tree.get() }, &lines, linters)).unwrap_or_default()
}

fn found(document: &Document<'_>, lines: &LineIndex, linters: &[&SharedLinter]) -> Vec<Finding> {
    let mut found: Vec<Finding> = linters.iter().flat_map(|linter| linter.lint(document)).collect();
    let suppressions = Suppressions::of(document.text, document.parsed.tokens(), lines);
    let is_silent = |it: &Finding| suppressions.silence(lines.line(it.range.start()), &it.code);
    found.retain(|it| it.code == INVALID_SYNTAX || !is_silent(it) && !lint::is_false_alarm(document, it));
    found.sort_by(|a, b| (a.range.start(), &a.code).cmp(&(b.range.start(), &b.code)));
    found
}

/// Says of a linter's finding whether it is among what the graph `found`, in other words: those of the graph know the
/// workspace.
pub fn known_among(found: &[Diagnostic]) -> impl Fn(&Finding) -> bool + use<> {
    let undefined = found.iter().filter(|it| it.code == Code::UndefinedName);
    let undefined: HashSet<TextRange> = undefined.map(|it| it.range).collect();
    move |finding| finding.code == "F821" && undefined.contains(&finding.range)
}

/// The comment that silences the `finding` in a file, with the reason for it. `None` when a comment cannot.
pub fn silence(
    analysis: &Analysis,
    file: FileId,
    ruff: &Ruff,
    finding: &Finding,
    reason: &str,
) -> Option<SourceChange> {
    let (path, text) = (analysis.path(file), analysis.source(file).text());
    let edits =
        with_tree_of(analysis, file, |parsed| ruff.noqa(&Document { path, text, parsed }, finding, Some(reason)));
    let edits = edits.filter(|edits| !edits.is_empty())?;
    Some(SourceChange { files: vec![FileEdit { path: path.to_path_buf(), edits }] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use fixture::Workspace;

    fn check(text: &str, expected: Expect) {
        let workspace = Workspace::new(text);
        let (analysis, file) = (&workspace.analysis, workspace.first_file());
        let ruff = Ruff::with_user_settings(None);
        let known = crate::diagnostics(analysis, &crate::Project::default(), file);
        let mut found = lint_findings(analysis, &[&ruff], file);
        let is_known = known_among(&known);
        found.retain(|it| !is_known(it));
        let source = analysis.source(file);
        let shown =
            found.iter().map(|it| format!("{}: {} {}\n", source.line_number(it.range.start()), it.code, it.message));
        expected.assert_eq(&shown.collect::<String>());
    }

    #[test]
    fn beside_what_the_graph_says() {
        check(
            "import os\nprint(missing)\nassert 1\nassert 2  # tantu: ignore[S101]\nassert 3  # noqa\n",
            expect![[r#"
                1: F401 `os` imported but unused
                3: S101 Use of `assert` detected
            "#]],
        );
    }

    #[test]
    fn what_parses_and_is_no_python_cannot_be_silenced() {
        check(
            "def f(a, a):  # tantu: ignore\n    nonlocal a  # noqa\n",
            expect![[r#"
                1: invalid-syntax Duplicate parameter "a"
                2: invalid-syntax name `a` cannot refer to a parameter and a nonlocal variable
            "#]],
        );
        check("def f(a, a:\n    pass\n", expect![[r#""#]]);
    }
}

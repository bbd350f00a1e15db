//! Code that somebody keeps by name: what to keep of a selection or a proposal, and how it is put into a text.

use assists::Answer;
use graph::{Analysis, FileId};
use syntax::TextRange;

use crate::evidence::proposal;
use crate::memory;

/// The lines without the indentation that all of them have.
pub fn dedented(lines: &[&str]) -> String {
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let common = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    lines.iter().map(|line| format!("{}\n", line.get(common..).unwrap_or_default())).collect()
}

/// The lines with this indentation before them.
pub fn indented(code: &str, indent: &str) -> String {
    code.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{indent}{line}\n") }).collect()
}

/// Code that can be kept.
pub struct Piece {
    pub code: String,
    /// Where it is from: `shop/cart.py:12`, `proposal 3`.
    pub origin: String,
    /// The tests that belong to it.
    pub tests: String,
}

/// Lines of a file, with the tests that reach them.
pub fn of_range(analysis: &Analysis, file: FileId, range: TextRange) -> Piece {
    let (source, path) = (analysis.source(file), analysis.path(file));
    let workspace = memory::workspace(analysis, path);
    let path = path.strip_prefix(workspace).unwrap_or(path);
    let lines: Vec<&str> = source.slice(range).lines().collect();
    Piece {
        code: dedented(&lines),
        origin: format!("{}:{}", path.display(), source.line_number(range.start())),
        tests: ide::nearest_tests(analysis, file, range),
    }
}

/// The answer to a proposal, with the tests that reach what it is for; `None` if there is no such proposal, or no answer.
pub fn of_proposal(analysis: &Analysis, id: i64) -> Option<Piece> {
    let proposal = proposal(id)?;
    let task = proposal.task();
    let code = match task.assist.answer() {
        Answer::Python => dedented(&proposal.code()?.lines().collect::<Vec<_>>()),
        Answer::Json => added(&proposal.evidence()?.diff),
    };
    let tests = analysis.file(&task.path).and_then(|file| {
        let target = analysis.find(&task.symbol).into_iter().find(|it| it.file == file)?;
        Some(ide::nearest_tests(analysis, file, analysis.symbol(target).range))
    });
    Some(Piece { code, origin: format!("proposal {id}"), tests: tests.unwrap_or_default() })
}

/// What a diff adds, with the name of each file above it.
fn added(diff: &str) -> String {
    let line = |line: &str| match line.strip_prefix("+++ b/") {
        Some(path) => Some(format!("# {path}\n")),
        None => line.strip_prefix('+').map(|line| format!("{line}\n")),
    };
    diff.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indentation_is_taken_away_and_put_back() {
        let code = dedented(&["    if a:", "", "        b"]);
        assert_eq!(code, "if a:\n\n    b\n");
        assert_eq!(indented(&code, "\t"), "\tif a:\n\n\t    b\n");
        assert_eq!(dedented(&[]), "");
    }

    #[test]
    fn what_a_diff_adds_is_told_apart_by_files() {
        let diff =
            "--- /dev/null\n+++ b/a.py\n@@ -0,0 +1,2 @@\n+x = 1\n+\n--- a/b.py\n+++ b/b.py\n@@ -1 +1 @@\n-y\n+z\n";
        assert_eq!(added(diff), "# a.py\nx = 1\n\n# b.py\nz\n");
    }
}

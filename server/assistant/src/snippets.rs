//! Code that somebody keeps by name: what to keep of a selection or a proposal, and how it is put into a text.

use std::sync::Arc;

use assists::Answer;
use graph::{Analysis, FileId, SymbolKind};
use store::Journal;
pub use store::Snippet;
use syntax::{TextRange, TextSize};

use crate::client::models;
use crate::evidence::proposal;
use crate::memory;

/// The snippets of one workspace, by name.
pub struct Snippets {
    journal: Arc<Journal>,
    workspace: String,
}

impl Snippets {
    /// Those of `workspace`, the path of its folder.
    ///
    /// # Errors
    /// When there is nowhere to keep them; the message is for the user, as are those of all others here.
    pub fn of(workspace: String) -> Result<Self, String> {
        let journal = models().journal().cloned().ok_or("there is no journal to keep snippets in; the log says why")?;
        Ok(Snippets { journal, workspace })
    }

    /// Those that have `word` somewhere.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn list(&self, word: &str) -> Result<Vec<Snippet>, String> {
        self.journal.snippets(&self.workspace, word).map_err(|error| error.to_string())
    }

    /// # Errors
    /// When there is none of this name, or the journal cannot be read.
    pub fn find(&self, name: &str) -> Result<Snippet, String> {
        let found = self.journal.snippet(&self.workspace, name).map_err(|error| error.to_string())?;
        found.ok_or_else(|| missing(name))
    }

    /// Keeps `piece`; says whether it took the place of another of that name.
    ///
    /// # Errors
    /// When there is nothing in it, or the journal cannot be written.
    pub fn keep(&self, name: &str, piece: Option<Piece>) -> Result<bool, String> {
        let piece = piece.filter(|it| !it.code.trim().is_empty());
        let Piece { code, origin, tests } = piece.ok_or("there is nothing to keep: the lines are empty")?;
        let snippet = Snippet { name: name.to_owned(), at: 0, origin, code, tests };
        self.journal.keep_snippet(&self.workspace, &snippet).map_err(|error| error.to_string())
    }

    /// # Errors
    /// When there is none of this name, or the journal cannot be written.
    pub fn delete(&self, name: &str) -> Result<(), String> {
        match self.journal.remove_snippet(&self.workspace, name).map_err(|error| error.to_string())? {
            true => Ok(()),
            false => Err(missing(name)),
        }
    }
}

fn missing(name: &str) -> String {
    format!("there is no snippet `{name}`; `tantu snippets list` lists them")
}

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

/// What is meant by a range of a file, with the tests that reach it: the whole lines of a selection; of a cursor the function or
/// class around it, else its line.
pub fn of_range(analysis: &Analysis, file: FileId, range: TextRange) -> Piece {
    let (source, path) = (analysis.source(file), analysis.path(file));
    let range = whole(analysis, file, range);
    let workspace = memory::workspace(analysis, path);
    let path = path.strip_prefix(workspace).unwrap_or(path);
    let lines: Vec<&str> = source.slice(range).lines().collect();
    Piece {
        code: dedented(&lines),
        origin: format!("{}:{}", path.display(), source.line_number(range.start())),
        tests: ide::nearest_tests(analysis, file, range),
    }
}

fn whole(analysis: &Analysis, file: FileId, range: TextRange) -> TextRange {
    let source = analysis.source(file);
    let around = analysis.symbol(analysis.enclosing(file, range.start()));
    let range = match around.kind {
        SymbolKind::Module => range,
        _ if range.is_empty() => around.range,
        _ => range,
    };
    // A selection that ends before a line's first character has not reached it.
    let last = if range.is_empty() { range.end() } else { range.end() - TextSize::new(1) };
    let line = |at| source.lines().line_range(source.lines().line(at), source.text());
    line(range.start()).cover(line(source.text().floor_char_boundary(last.to_usize()).try_into().unwrap_or(last)))
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
    use fixture::Workspace;

    use super::*;

    /// What is kept of `$0` or `$1…$1`.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let workspace = Workspace::new(text);
        let (file, range) = workspace.selection();
        assert_eq!(of_range(&workspace.analysis, file, range).code, expected);
    }

    #[test]
    fn all_of_what_is_meant_is_kept() {
        let function = "@cache\ndef f(x):\n    y = x\n    return y\n";
        check("import a\n@cache\ndef f(x):\n    y = $0x\n    return y\nz = 1\n", function);
        check("import a\n@cache\ndef $0f(x):\n    y = x\n    return y\nz = 1\n", function);
        check("class A:\n    def f(self):\n        return$0 1\n", "def f(self):\n    return 1\n");
        check("def f(x):\n    y = $1x\n    return$1 y\n", "y = x\nreturn y\n");
        check("def f(x):\n$1    y = x\n$1    return y\n", "y = x\n");
        check("import a\nz =$0 'é'\n", "z = 'é'\n");
    }

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

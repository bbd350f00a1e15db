//! Which statements of the workspace tests have executed.
//!
//! The interpreter tells lines; statements may have many. As coverage.py has it, a statement counts once, at its first line, and
//! was executed if any line of it was, of compound ones any line of the header. Docstrings, constants, `global` and declarations
//! without a value are no code, and what `# pragma: no cover` is written behind is left out with its body.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::path::Path;

use graph::{Analysis, FileId};
use sandbox::Lines;
use serde::Serialize;
use syntax::ast::visitor::{Visitor, walk_except_handler, walk_match_case, walk_stmt};
use syntax::ast::{ExceptHandler, Expr, MatchCase, Stmt};
use syntax::{Ranged, Source, TextRange, TextSize, parse};

const LEFT_OUT: &str = "pragma: no cover";

/// The statements of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileCoverage {
    /// Relative to the folder, with forward slashes.
    pub path: String,
    /// First lines of statements, 1-based and ascending.
    pub statements: Vec<u32>,
    /// Those of them that were not executed.
    pub missed: Vec<u32>,
}

impl FileCoverage {
    pub fn executed(&self) -> usize {
        self.statements.len() - self.missed.len()
    }

    /// What was missed, in few words: `3-5, 9`. Lines without a statement in between do not part them.
    pub fn missed_in_words(&self) -> String {
        let missed: BTreeSet<u32> = self.missed.iter().copied().collect();
        let mut parts: Vec<(u32, u32)> = Vec::new();
        let mut is_going_on = false;
        for &line in &self.statements {
            match parts.last_mut().filter(|_| is_going_on) {
                _ if !missed.contains(&line) => is_going_on = false,
                Some((_, last)) => *last = line,
                None => {
                    parts.push((line, line));
                    is_going_on = true;
                }
            }
        }
        let written = parts.into_iter().map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        });
        written.collect::<Vec<_>>().join(", ")
    }
}

/// The files of `root` that are no tests, sorted by path: what is measured.
pub fn measured(analysis: &Analysis, root: &Path) -> Vec<(FileId, String)> {
    let of = |file: FileId| {
        let path = analysis.path(file);
        let is_code = path.extension().is_some_and(|it| it == "py") && !graph::is_test_file(path);
        let inside = path.strip_prefix(root).ok().filter(|_| is_code)?;
        let is_settings = path.file_name().is_some_and(|it| it == "conftest.py" || it == "setup.py");
        (!is_settings).then(|| (file, crate::plan::slashed(inside)))
    };
    let mut files: Vec<(FileId, String)> = analysis.files().filter_map(of).collect();
    files.sort_by(|(_, one), (_, other)| one.cmp(other));
    files
}

/// What was executed of `measured` files, as the runs tell; of those that nothing has imported, nothing was.
pub fn of(analysis: &Analysis, measured: &[(FileId, String)], lines: &[Lines]) -> Vec<FileCoverage> {
    let told: HashMap<&str, BTreeSet<u32>> =
        lines.iter().map(|it| (it.path.as_str(), it.executed.iter().copied().collect())).collect();
    let nothing = BTreeSet::new();
    let of = |(file, path): &(FileId, String)| {
        let executed = told.get(path.as_str()).unwrap_or(&nothing);
        let found = statements(analysis.source(*file));
        let missed = found.iter().filter(|range| executed.range((*range).clone()).next().is_none());
        FileCoverage {
            path: path.clone(),
            missed: missed.map(|it| *it.start()).collect(),
            statements: found.iter().map(|it| *it.start()).collect(),
        }
    };
    measured.iter().map(of).collect()
}

/// The lines of each statement, of compound ones those of the header; sorted, and one for each first line.
fn statements(source: &Source) -> Vec<RangeInclusive<u32>> {
    let parsed = parse(source.text());
    let mut search = Search { source, found: Vec::new(), in_function: false };
    search.body(parsed.statements(), true);
    let mut found = search.found;
    found.sort_by_key(|it| (*it.start(), *it.end()));
    found.dedup_by_key(|it| *it.start());
    found
}

struct Search<'a> {
    source: &'a Source,
    found: Vec<RangeInclusive<u32>>,
    in_function: bool,
}

impl Search<'_> {
    fn line(&self, at: TextSize) -> u32 {
        self.source.line_number(at)
    }

    fn body(&mut self, body: &[Stmt], may_begin_with_docstring: bool) {
        let is_docstring = |it: &&Stmt| matches!(it, Stmt::Expr(it) if it.value.is_string_literal_expr());
        let docstring = body.first().filter(|it| may_begin_with_docstring && is_docstring(it)).is_some();
        body[usize::from(docstring)..].iter().for_each(|it| self.visit_stmt(it));
    }

    /// Notes what goes from `range`'s beginning to `body`, or to its end. Returns whether it is left out.
    fn note(&mut self, range: TextRange, body: Option<&[Stmt]>) -> bool {
        let first = self.line(range.start());
        let last = match body.and_then(|body| body.first()) {
            Some(inner) => self.line(start(inner)).saturating_sub(1).max(first),
            None => self.line(range.end()),
        };
        let lines = self.source.lines();
        let is_left_out = (first..=last)
            .any(|line| self.source.slice(lines.line_range(line - 1, self.source.text())).contains(LEFT_OUT));
        if !is_left_out {
            self.found.push(first..=last);
        }
        is_left_out
    }
}

/// Where a statement begins, decorators included.
fn start(stmt: &Stmt) -> TextSize {
    let decorators = match stmt {
        Stmt::FunctionDef(it) => &it.decorator_list,
        Stmt::ClassDef(it) => &it.decorator_list,
        _ => return stmt.start(),
    };
    decorators.first().map_or(stmt.start(), |it| it.start().min(stmt.start()))
}

impl<'a> Visitor<'a> for Search<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let range = TextRange::new(start(stmt), stmt.end());
        match stmt {
            Stmt::Global(_) | Stmt::Nonlocal(_) => {}
            Stmt::Expr(it) if it.value.is_literal_expr() => {}
            Stmt::AnnAssign(it) if it.value.is_none() && self.in_function => {}
            Stmt::FunctionDef(it) => {
                if !self.note(range, Some(&it.body)) {
                    let around = std::mem::replace(&mut self.in_function, true);
                    self.body(&it.body, true);
                    self.in_function = around;
                }
            }
            Stmt::ClassDef(it) => {
                if !self.note(range, Some(&it.body)) {
                    let around = std::mem::replace(&mut self.in_function, false);
                    self.body(&it.body, true);
                    self.in_function = around;
                }
            }
            Stmt::If(it) => {
                if !self.note(range, Some(&it.body)) {
                    self.body(&it.body, false);
                }
                for clause in &it.elif_else_clauses {
                    // `else` is no statement: nothing is executed there.
                    if clause.test.is_none() || !self.note(clause.range(), Some(&clause.body)) {
                        self.body(&clause.body, false);
                    }
                }
            }
            Stmt::For(_) | Stmt::While(_) | Stmt::With(_) | Stmt::Try(_) | Stmt::Match(_) => {
                let header = match stmt {
                    Stmt::For(it) => Some(&it.body[..]),
                    Stmt::While(it) => Some(&it.body[..]),
                    Stmt::With(it) => Some(&it.body[..]),
                    Stmt::Try(it) => Some(&it.body[..]),
                    _ => None,
                };
                let is_left_out = match (header, stmt) {
                    (None, Stmt::Match(it)) => self.note(it.subject.range().cover_offset(range.start()), None),
                    (header, _) => self.note(range, header),
                };
                if !is_left_out {
                    walk_stmt(self, stmt);
                }
            }
            _ => {
                self.note(range, None);
            }
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(it) = handler;
        if !self.note(it.range(), Some(&it.body)) {
            walk_except_handler(self, handler);
        }
    }

    fn visit_match_case(&mut self, case: &'a MatchCase) {
        if !self.note(case.range(), Some(&case.body)) {
            walk_match_case(self, case);
        }
    }

    fn visit_expr(&mut self, _: &'a Expr) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let source = Source::new(text);
        let written = |it: &RangeInclusive<u32>| match it.start() == it.end() {
            true => it.start().to_string(),
            false => format!("{}-{}", it.start(), it.end()),
        };
        statements(&source).iter().map(written).collect()
    }

    #[test]
    fn statements_are_found_as_coverage_py_finds_them() {
        let text = "\
\"\"\"A docstring.\"\"\"
import os
@decorator
@other(
    1)
def f(
    a,
):
    \"\"\"Another.\"\"\"
    global b
    x: int
    y = g(
        1,
    )
    if a:
        return 1
    elif y:
        pass
    else:
        ...
    try:
        f()
    except ValueError:
        raise
    finally:
        done()
class C:
    x: int
    'no code'
    def g(self): return 1
match a:
    case 1:
        f()
while a and (
    b
): b()
";
        let expected = [
            "2", "3-8", "12-14", "15", "16", "17", "18", "21", "22", "23", "24", "26", "27", "28", "30", "31", "32",
            "33", "34-35",
        ];
        let found = found(text);
        assert_eq!(found[..18], expected[..18]);
        assert_eq!(found[18..], ["34-35", "36"]);
    }

    #[test]
    fn what_nobody_wants_to_see_is_left_out_with_its_body() {
        let text = "def f():  # pragma: no cover\n    a()\nif b:\n    c()\nelif d:  # pragma: no cover\n    e()\ng()  # pragma: no cover\n";
        assert_eq!(found(text), ["3", "4"]);
    }

    #[test]
    fn what_was_missed_is_said_in_few_words() {
        let coverage =
            FileCoverage { path: "a.py".to_owned(), statements: vec![1, 2, 5, 6, 9, 10], missed: vec![2, 5, 9] };
        assert_eq!((coverage.executed(), coverage.missed_in_words().as_str()), (3, "2-5, 9"));
    }
}

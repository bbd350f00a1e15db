//! What can be run: tests, doctests, `__main__` blocks and cells.

use graph::{Analysis, FileId, SymbolKind};
use syntax::ast::{CmpOp, Expr, Stmt, StmtIf};
use syntax::{Ranged, TextRange, TextSize};

use crate::cells::{Cell, cells};
use crate::collection::is_collected;
use crate::tree::with_tree_of;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunnableKind {
    Pytest,
    Doctest,
    /// The file as a script.
    Main,
    /// A part of the file that a comment such as `# %%` begins; see [`cells`].
    Cell,
}

impl RunnableKind {
    /// What a lens says.
    pub fn title(self) -> &'static str {
        match self {
            RunnableKind::Pytest => "▶ run",
            RunnableKind::Doctest => "▶ doctest",
            RunnableKind::Main => "▶ main",
            RunnableKind::Cell => "▶ cell",
        }
    }
}

/// Something that can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runnable {
    /// Where the cursor means this: the definition, the module's docstring, the `if`; all of the file for all its tests.
    pub range: TextRange,
    /// Where a lens belongs; inside `range`.
    pub name_range: TextRange,
    pub kind: RunnableKind,
    /// The name inside the module, such as `TestCart.test_total`; of a cell its number; `None` for the whole module.
    pub target: Option<String>,
}

/// What can be run in `file`, in source order.
pub fn runnables(analysis: &Analysis, file: FileId) -> Vec<Runnable> {
    let mut found = tests(analysis, file);
    found.extend(main_block(analysis, file));
    found.extend(cells(analysis, file).into_iter().map(cell_runnable));
    found.sort_by_key(in_source);
    found
}

/// The tests and doctests of `file`, in source order.
pub fn tests(analysis: &Analysis, file: FileId) -> Vec<Runnable> {
    let mut found = Vec::new();
    let mut has_tests = false;
    for symbol in analysis.symbols(file) {
        let view = analysis.symbol(symbol);
        let runnable = |kind| {
            let target = Some(view.local_name());
            Runnable { range: view.range, name_range: view.name_range, kind, target }
        };
        match view.kind {
            SymbolKind::Module if view.flags.has_doctest => {
                let range = view.docstring_range.unwrap_or(view.name_range);
                found.push(Runnable { range, name_range: range, kind: RunnableKind::Doctest, target: None });
            }
            SymbolKind::Class | SymbolKind::Function | SymbolKind::Method => {
                if is_collected(analysis, &view) {
                    has_tests = true;
                    found.push(runnable(RunnableKind::Pytest));
                }
                if view.flags.has_doctest {
                    found.push(runnable(RunnableKind::Doctest));
                }
            }
            _ => {}
        }
    }
    let text = analysis.source(file).text();
    if has_tests {
        let range = TextRange::up_to(TextSize::of(&**text));
        let name_range = TextRange::empty(TextSize::new(0));
        found.push(Runnable { range, name_range, kind: RunnableKind::Pytest, target: None });
    }
    found.sort_by_key(in_source);
    found
}

fn in_source(runnable: &Runnable) -> (TextSize, TextSize, RunnableKind) {
    (runnable.range.start(), runnable.name_range.start(), runnable.kind)
}

/// The innermost thing to run at `offset`; a test before its own doctest.
pub fn runnable_at(analysis: &Analysis, file: FileId, offset: TextSize) -> Option<Runnable> {
    let around = runnables(analysis, file).into_iter().filter(|runnable| runnable.range.contains_inclusive(offset));
    around.min_by_key(|runnable| (runnable.range.len(), runnable.kind))
}

/// Where a module does its work as a script: `if __name__ == "__main__":` among its statements, else a bare call of `main`.
pub(crate) fn main_block(analysis: &Analysis, file: FileId) -> Option<Runnable> {
    // Parsing again costs more than all the rest of this file, and most modules have no such block.
    let text = analysis.source(file).text();
    if !text.contains("__main__") && !text.contains("main()") {
        return None;
    }
    with_tree_of(analysis, file, |parsed| {
        let statements = parsed.statements();
        let blocks = statements.iter().filter_map(Stmt::as_if_stmt);
        let block = blocks.filter(|block| asks_for_main(&block.test)).map(main_runnable).next();
        block.or_else(|| statements.iter().find_map(bare_call))
    })?
}

/// `main()`, also in `sys.exit(main())`, `asyncio.run(main())` and `raise SystemExit(main())`.
fn bare_call(statement: &Stmt) -> Option<Runnable> {
    fn calls_main(expr: &Expr) -> bool {
        let Expr::Call(call) = expr else { return false };
        matches!(&*call.func, Expr::Name(name) if name.id == "main") || call.arguments.args.iter().any(calls_main)
    }
    let expr = match statement {
        Stmt::Expr(statement) => &statement.value,
        Stmt::Raise(raise) => raise.exc.as_ref()?,
        _ => return None,
    };
    let range = statement.range();
    calls_main(expr).then_some(Runnable { range, name_range: range, kind: RunnableKind::Main, target: None })
}

fn main_runnable(block: &StmtIf) -> Runnable {
    let name_range = TextRange::new(block.start(), block.test.end());
    Runnable { range: block.range(), name_range, kind: RunnableKind::Main, target: None }
}

fn cell_runnable(cell: Cell) -> Runnable {
    let target = Some(cell.number.to_string());
    Runnable { range: cell.range, name_range: cell.marker, kind: RunnableKind::Cell, target }
}

fn asks_for_main(test: &Expr) -> bool {
    let Expr::Compare(compare) = test else { return false };
    let ([CmpOp::Eq], [right]) = (&*compare.ops, &*compare.comparators) else { return false };
    let is_name = |side: &Expr| matches!(side, Expr::Name(name) if name.id == "__name__");
    let is_main = |side: &Expr| matches!(side, Expr::StringLiteral(text) if text.value.to_str() == "__main__");
    (is_name(&compare.left) && is_main(right)) || (is_main(&compare.left) && is_name(right))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use fixture::Workspace;

    fn describe(workspace: &Workspace, file: FileId, runnable: &Runnable) -> String {
        assert!(runnable.range.contains_range(runnable.name_range));
        let lines = workspace.analysis.source(file);
        let (from, to) = (lines.line_number(runnable.range.start()), lines.line_number(runnable.range.end()));
        format!("{:?} {} lines {from}-{to}\n", runnable.kind, runnable.target.as_deref().unwrap_or("."))
    }

    fn check(text: &str, expected: Expect) {
        let workspace = Workspace::new(text);
        let file = workspace.first_file();
        let found = runnables(&workspace.analysis, file);
        expected.assert_eq(&found.iter().map(|runnable| describe(&workspace, file, runnable)).collect::<String>());
    }

    fn check_at(text: &str, expected: Expect) {
        let workspace = Workspace::new(text);
        let (file, offset) = workspace.cursor();
        let found = runnable_at(&workspace.analysis, file, offset);
        expected.assert_eq(&found.map(|runnable| describe(&workspace, file, &runnable)).unwrap_or_default());
    }

    const TESTS: &str = "\
import unittest

def test_one(): pass

def helper(): pass

class TestCart:
    def test_total(self):
        assert 1

    def total(self): pass

class CartCase(unittest.TestCase):
    def test_it(self): pass

class Other:
    def test_not_collected(self): pass
";

    #[test]
    fn tests_by_the_rules_of_pytest() {
        check(
            &format!("#- /tests/test_cart.py\n{TESTS}"),
            expect![[r#"
            Pytest . lines 1-18
            Pytest test_one lines 3-3
            Pytest TestCart lines 7-11
            Pytest TestCart.test_total lines 8-9
            Pytest CartCase lines 13-14
            Pytest CartCase.test_it lines 14-14
        "#]],
        );
    }

    #[test]
    fn other_files_have_no_tests() {
        check(&format!("#- /tests/cart.py\n{TESTS}"), expect![[""]]);
    }

    #[test]
    fn doctests_and_main() {
        let text = "\
'''Money.

>>> 1
1
'''

class Money:
    '''Amounts.'''
    def half(self):
        '''>>> Money().half()'''

def plain():
    'no >> doctest'

if '__main__' == __name__:
    plain()
";
        check(
            text,
            expect![[r#"
            Doctest . lines 1-5
            Doctest Money.half lines 9-10
            Main . lines 15-16
        "#]],
        );
    }

    #[test]
    fn a_comparison_that_is_not_about_main() {
        check("if __name__ != '__main__':\n    pass\nif name == '__main__':\n    pass\n", expect![[""]]);
    }

    #[test]
    fn cells_are_run_where_nothing_smaller_is() {
        let text = "import m\n# %% one\nx = 1\n# %%\ndef f():\n    '''>>> f()'''\nf()\n";
        check(
            text,
            expect![[r#"
                Cell 1 lines 1-2
                Cell 2 lines 2-4
                Cell 3 lines 4-8
                Doctest f lines 5-6
            "#]],
        );
        check_at(
            &text.replace("x = 1", "x$0 = 1"),
            expect![[r#"
            Cell 2 lines 2-4
        "#]],
        );
        check_at(
            &text.replace("def f", "def f$0"),
            expect![[r#"
            Doctest f lines 5-6
        "#]],
        );
        check_at(
            &text.replace("\nf()", "\nf$0()"),
            expect![[r#"
            Cell 3 lines 4-8
        "#]],
        );
    }

    #[test]
    fn what_unittest_and_pytest_run() {
        check(
            "\
#- /test_kinds.py
import pytest, unittest
@pytest.fixture
def cart(): pass
@pytest.mark.parametrize('n', [1, 2])
def test_many(n, cart): pass
async def test_async(): pass
class Base(unittest.TestCase): pass
class More(Base):
    def setUp(self): pass
    async def test_later(self): pass
class TestOuter:
    class TestInner:
        def test_deep(self): pass
",
            expect![[r#"
                Pytest . lines 1-14
                Pytest test_many lines 4-5
                Pytest test_async lines 6-6
                Pytest Base lines 7-7
                Pytest More lines 8-10
                Pytest More.test_later lines 10-10
                Pytest TestOuter lines 11-13
                Pytest TestOuter.TestInner lines 12-13
                Pytest TestOuter.TestInner.test_deep lines 13-13
            "#]],
        );
    }

    #[test]
    fn the_innermost_is_run() {
        check_at(
            "#- /test_a.py\nclass TestA:\n    def test_b(self):\n        pass$0\n",
            expect![[r#"
            Pytest TestA.test_b lines 2-3
        "#]],
        );
        check_at(
            "#- /test_a.py\nclass TestA:\n    x = $01\n    def test_b(self):\n        pass\n",
            expect![[r#"
            Pytest TestA lines 1-4
        "#]],
        );
        check_at(
            "#- /test_a.py\nimport$0 os\ndef test_b():\n    pass\n",
            expect![[r#"
            Pytest . lines 1-4
        "#]],
        );
        check_at("def f():\n    pass$0\n", expect![[""]]);
    }

    #[test]
    fn a_bare_call_of_main_is_the_script() {
        for call in ["main()", "sys.exit(main())", "raise SystemExit(main())", "asyncio.run(main())"] {
            let workspace = Workspace::new(&format!("def main(): ...\n\n\n$0{call}\n"));
            let (file, range) = workspace.selection();
            let found = runnable_at(&workspace.analysis, file, range.start()).map(|it| it.kind);
            assert_eq!(found, Some(RunnableKind::Main), "{call}");
        }
        check("def main(): ...\nif x:\n    main()\nmain\nother()\n", expect![[""]]);
        check(
            "def main(): ...\nif __name__ == '__main__':\n    main()\nmain()\n",
            expect![[r#"
            Main . lines 2-3
        "#]],
        );
    }
}

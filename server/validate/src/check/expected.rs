//! What a run has to tell of, as far as the texts say: whatever the code under test does to the run.

use graph::{Analysis, SymbolId};
use sandbox::{Outcome, TestResult};
use syntax::ast::{Decorator, Expr, Stmt};
use syntax::parse;

use super::Comparison;

/// Of one request.
#[derive(Debug, Default)]
pub(super) struct Expected {
    pub tests: Vec<Test>,
    /// Of a doctest.
    pub examples: u32,
}

/// A test function or method.
#[derive(Debug)]
pub(super) struct Test {
    /// pytest's node id, without parameters.
    pub id: String,
    /// How many results there are at least: one, or the product of the values that are written into its `parametrize`.
    pub least: usize,
    /// The candidate wrote all of it.
    pub is_written: bool,
    /// Its file speaks of tests that are skipped, or expected to fail.
    pub has_excuse: bool,
}

impl Test {
    pub fn new(comparison: &Comparison, symbol: SymbolId, id: String) -> Self {
        let after = &comparison.after;
        let (path, view) = (after.path(symbol.file), after.symbol(symbol));
        let edited = comparison.edited(path);
        let is_written =
            edited.is_some_and(|edited| edited.written().any(|written| written.contains_range(view.range)));
        let text = after.source(symbol.file).text();
        let has_excuse = ["skip", "xfail", "expectedFailure"].iter().any(|word| text.contains(word));
        let name = view.local_name();
        let least = cases(parse(text).statements(), &name.split('.').collect::<Vec<_>>());
        Test { id, least, is_written, has_excuse }
    }

    /// Relative to the workspace folder.
    pub fn path(&self) -> &str {
        self.id.split("::").next().unwrap_or_default()
    }

    /// What a run has told of it, in the order in which it ran.
    pub fn results<'a>(&self, outcome: &'a Outcome) -> Vec<&'a TestResult> {
        let is_it = |id: &str| id.strip_prefix(&*self.id).is_some_and(|rest| rest.is_empty() || rest.starts_with('['));
        outcome.tests.iter().filter(|result| is_it(&result.id)).collect()
    }
}

/// The examples in a function's docstring that run.
pub(super) fn examples(analysis: &Analysis, symbol: SymbolId) -> u32 {
    let text = analysis.source(symbol.file).slice(analysis.symbol(symbol).range);
    let is_example = |line: &&str| line.trim_start().starts_with(">>> ") && !line.contains("+SKIP");
    text.lines().filter(is_example).count() as u32
}

/// With how many values the test of this name is run, by its own decorators and those of the classes around it.
fn cases(body: &[Stmt], names: &[&str]) -> usize {
    let Some((name, rest)) = names.split_first() else { return 1 };
    let product = |decorators: &[Decorator]| decorators.iter().map(values).product::<usize>();
    let of = |stmt: &Stmt| match stmt {
        Stmt::FunctionDef(it) if it.name.as_str() == *name && rest.is_empty() => Some(product(&it.decorator_list)),
        Stmt::ClassDef(it) if it.name.as_str() == *name => Some(product(&it.decorator_list) * cases(&it.body, rest)),
        _ => None,
    };
    // The last of its name is the one that is there.
    body.iter().rev().find_map(of).unwrap_or(1)
}

/// The values of `@pytest.mark.parametrize("a, b", […])`.
fn values(decorator: &Decorator) -> usize {
    let Expr::Call(call) = &decorator.expression else { return 1 };
    let is_it = matches!(&*call.func, Expr::Attribute(it) if it.attr.as_str() == "parametrize");
    let values = call.arguments.find_argument_value("argvalues", 1).filter(|_| is_it);
    let elements = match values {
        Some(Expr::List(it)) => &it.elts,
        Some(Expr::Tuple(it)) => &it.elts,
        _ => return 1,
    };
    if elements.iter().any(Expr::is_starred_expr) { 1 } else { elements.len().max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_written_out_are_counted() {
        let count = |text: &str, name: &str| cases(parse(text).statements(), &name.split('.').collect::<Vec<_>>());
        let three = "@pytest.mark.parametrize('a', [1, pytest.param(2), 3])\n";
        assert_eq!(count("def test_a(): ...\n", "test_a"), 1);
        assert_eq!(
            count(&format!("{three}@mark.parametrize('b', argvalues=(1, 2))\ndef test_a(a, b): ...\n"), "test_a"),
            6
        );
        assert_eq!(count(&format!("{three}class TestA:\n    def test_a(self, a): ...\n"), "TestA.test_a"), 3);
        assert_eq!(count("@mark.parametrize('a', [*more, 1, 2])\ndef test_a(a): ...\n", "test_a"), 1);
        assert_eq!(count("@mark.parametrize('a', make())\n@mark.slow(1, [1, 2])\ndef test_a(a): ...\n", "test_a"), 1);
        assert_eq!(count(&format!("{three}def test_a(a): ...\ndef test_a(): ...\n"), "test_a"), 1);
    }
}

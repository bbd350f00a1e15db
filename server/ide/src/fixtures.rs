//! pytest's fixtures. A test names a fixture as a parameter, and pytest calls it: no call stands in the text.

use graph::{Analysis, FileId, Symbol, SymbolId, SymbolKind};
use rustc_hash::FxHashMap;
use syntax::ast::{Expr, ExprCall, Stmt};
use syntax::parse;

use crate::collection::is_collected;

/// Longer decorators, in bytes, are not looked into: parsing them could exhaust the stack.
const MAX_DECORATOR: usize = 1000;

/// How a function is declared to be a fixture.
struct Declaration {
    name: String,
    autouse: bool,
}

/// Which functions ask for which fixtures, in the whole workspace.
pub(crate) struct Requests {
    by_name: FxHashMap<String, Vec<SymbolId>>,
    tests: Vec<SymbolId>,
}

/// Whether `symbol` is a fixture.
pub(crate) fn is_fixture(analysis: &Analysis, symbol: &Symbol<'_>) -> bool {
    declaration(analysis, symbol).is_some()
}

fn declaration(analysis: &Analysis, symbol: &Symbol<'_>) -> Option<Declaration> {
    let source = analysis.source(symbol.id.file);
    let decorators = symbol.decorators.iter().map(|range| source.slice(*range));
    let text = decorators.filter(|text| text.len() <= MAX_DECORATOR).find(|text| text.contains("fixture"))?;
    let parsed = parse(text.trim_start_matches('@'));
    let Some(Stmt::Expr(statement)) = parsed.statements().first() else { return None };
    let (function, call) = match &*statement.value {
        Expr::Call(call) => (&*call.func, Some(call)),
        function => (function, None),
    };
    let is_fixture = match function {
        Expr::Name(name) => name.id == "fixture",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "fixture",
        _ => false,
    };
    is_fixture.then(|| Declaration {
        name: call.and_then(renamed).unwrap_or_else(|| symbol.name.to_owned()),
        autouse: call
            .is_some_and(|call| matches!(keyword(call, "autouse"), Some(Expr::BooleanLiteral(it)) if it.value)),
    })
}

fn keyword<'a>(call: &'a ExprCall, name: &str) -> Option<&'a Expr> {
    call.arguments.find_keyword(name).map(|keyword| &keyword.value)
}

fn renamed(call: &ExprCall) -> Option<String> {
    match keyword(call, "name")? {
        Expr::StringLiteral(name) => Some(name.value.to_str().to_owned()),
        _ => None,
    }
}

impl Requests {
    pub fn of(analysis: &Analysis) -> Self {
        let mut requests = Requests { by_name: FxHashMap::default(), tests: Vec::new() };
        for file in analysis.files() {
            for id in analysis.symbols(file) {
                requests.add(analysis, &analysis.symbol(id));
            }
        }
        requests
    }

    fn add(&mut self, analysis: &Analysis, symbol: &Symbol<'_>) {
        if !matches!(symbol.kind, SymbolKind::Function | SymbolKind::Method) {
            return;
        }
        if is_collected(analysis, symbol) {
            self.tests.push(symbol.id);
        } else if !is_fixture(analysis, symbol) {
            return;
        }
        for param in symbol.params {
            self.by_name.entry(param.name.to_string()).or_default().push(symbol.id);
        }
    }

    /// The tests and fixtures that pytest calls `symbol` for; nothing when it is no fixture. Which of two fixtures of one
    /// name is nearer is not decided: both are reached.
    pub fn of_fixture(&self, analysis: &Analysis, symbol: SymbolId) -> Vec<SymbolId> {
        let Some(fixture) = declaration(analysis, &analysis.symbol(symbol)) else { return Vec::new() };
        let users = if fixture.autouse { Some(&self.tests) } else { self.by_name.get(&fixture.name) };
        let users = users.into_iter().flatten().copied().filter(|user| *user != symbol);
        users.filter(|user| sees(analysis, user.file, symbol.file)).collect()
    }
}

/// Whether the tests of `file` see the fixtures of `home`: those of their own file, of a `conftest.py` in a folder above,
/// and what one of these imports.
fn sees(analysis: &Analysis, file: FileId, home: FileId) -> bool {
    let is_visible = |home: FileId| {
        let path = analysis.path(home);
        let is_above = || path.parent().is_some_and(|folder| analysis.path(file).starts_with(folder));
        home == file || (path.ends_with("conftest.py") && is_above())
    };
    is_visible(home) || analysis.importers(home).into_iter().any(is_visible)
}
#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use fixture::Workspace;

    fn check(text: &str, fixture: &str, expected: Expect) {
        let workspace = Workspace::new(text);
        let analysis = &workspace.analysis;
        let users = Requests::of(analysis).of_fixture(analysis, workspace.symbol(fixture));
        let names: Vec<_> = users.iter().map(|&user| analysis.symbol(user).qualified_name()).collect();
        expected.assert_eq(&names.join("\n"));
    }

    const TESTS: &str = "\
#- /shop/conftest.py
import pytest
@pytest.fixture(scope='module')
def cart(): pass
@pytest.fixture(name='money')
def make_money(cart): pass
@pytest.fixture(autouse=True)
def clean(): pass
def plain(cart): pass
#- /shop/test_cart.py
import pytest
@pytest.fixture
async def full(cart): pass
class TestCart:
    def test_full(self, full, money): pass
def test_cart(cart): pass
def test_name(make_money): pass
def helper(cart): pass
#- /other/test_other.py
def test_other(cart): pass
";

    #[test]
    fn tests_and_fixtures_below_the_conftest() {
        check(
            TESTS,
            "shop.conftest.cart",
            expect![[r#"
            shop.conftest.make_money
            shop.test_cart.full
            shop.test_cart.test_cart"#]],
        );
        check(TESTS, "shop.test_cart.full", expect!["shop.test_cart.TestCart.test_full"]);
    }

    #[test]
    fn another_name() {
        check(TESTS, "shop.conftest.make_money", expect!["shop.test_cart.TestCart.test_full"]);
    }

    #[test]
    fn autouse_fixtures() {
        check(
            TESTS,
            "shop.conftest.clean",
            expect![[r#"
            shop.test_cart.TestCart.test_full
            shop.test_cart.test_cart
            shop.test_cart.test_name"#]],
        );
    }

    #[test]
    fn function_that_is_no_fixture() {
        check(TESTS, "shop.conftest.plain", expect![[""]]);
    }

    #[test]
    fn fixtures_that_a_conftest_imports() {
        let text = "\
#- /support.py
from pytest import fixture
@fixture()
def cart(): pass
#- /tests/conftest.py
from support import cart
#- /tests/test_a.py
def test_a(cart): pass
#- /test_b.py
def test_b(cart): pass
";
        check(text, "support.cart", expect!["tests.test_a.test_a"]);
    }
}

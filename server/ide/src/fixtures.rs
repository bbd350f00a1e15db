//! pytest's fixtures. A test names a fixture as a parameter, and pytest calls it: no call stands in the text.

use graph::{Analysis, FileId, Symbol, SymbolId, SymbolKind};
use rustc_hash::FxHashMap;
use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{Expr, ExprCall, Stmt};
use syntax::{Ranged, TextRange, TextSize, on_deep_stack, parse};

use crate::collection::{is_collected, is_test_function};
use crate::impact::with_descendants;

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
            let text = analysis.source(file).text();
            if ["usefixtures", "getfixturevalue"].iter().any(|way| text.contains(way)) {
                // Without a thread to look with, nothing is found.
                let named = on_deep_stack(|| named_in(text)).unwrap_or_default();
                for (fixture, by) in named {
                    let users = requests.by_name.entry(fixture).or_default();
                    users.extend(askers(analysis, file, by));
                }
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

/// Who asks for a fixture by its name in a text.
#[derive(Clone, Copy)]
enum Asks {
    /// The tests of the class, or the test, whose name is there.
    Definition(TextRange),
    /// All tests of the file: `pytestmark`
    File,
    /// What is around the place: `request.getfixturevalue("name")`
    Around(TextSize),
}

fn askers(analysis: &Analysis, file: FileId, by: Asks) -> Vec<SymbolId> {
    let is_test = |id: &SymbolId| is_test_function(analysis, &analysis.symbol(*id));
    match by {
        Asks::Around(at) => vec![analysis.enclosing(file, at)],
        Asks::File => analysis.symbols(file).into_iter().filter(is_test).collect(),
        Asks::Definition(name) => {
            let definition = analysis.symbols(file).into_iter().find(|&id| analysis.symbol(id).name_range == name);
            let inside = definition.into_iter().flat_map(|id| with_descendants(analysis, id));
            inside.filter(is_test).collect()
        }
    }
}

/// The fixtures that a text names, `usefixtures("name")` above all, each with who asks for it.
fn named_in(text: &str) -> Vec<(String, Asks)> {
    let parsed = parse(text);
    let mut names = Named { found: Vec::new(), by: Asks::File };
    names.visit_body(parsed.statements());
    names.found
}

struct Named {
    found: Vec<(String, Asks)>,
    by: Asks,
}

impl<'a> Visitor<'a> for Named {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        let (name, decorators) = match statement {
            Stmt::FunctionDef(it) => (it.name.range(), &it.decorator_list),
            Stmt::ClassDef(it) => (it.name.range(), &it.decorator_list),
            statement => return walk_stmt(self, statement),
        };
        let around = std::mem::replace(&mut self.by, Asks::Definition(name));
        decorators.iter().for_each(|decorator| self.visit_decorator(decorator));
        match statement {
            Stmt::FunctionDef(it) => self.visit_body(&it.body),
            Stmt::ClassDef(it) => self.visit_body(&it.body),
            _ => {}
        }
        self.by = around;
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Call(call) = expression
            && let Expr::Attribute(of) = &*call.func
        {
            let by = match of.attr.as_str() {
                "usefixtures" => Some(self.by),
                "getfixturevalue" => Some(Asks::Around(call.start())),
                _ => None,
            };
            let names = call.arguments.args.iter().filter_map(Expr::as_string_literal_expr);
            self.found.extend(by.into_iter().flat_map(|by| names.clone().map(move |it| (it.value.to_string(), by))));
        }
        walk_expr(self, expression);
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
    fn fixtures_that_are_named_in_texts() {
        let text = "\
#- /conftest.py
from pytest import fixture
@fixture
def cart(): pass
@fixture
def shop(): pass
#- /test_a.py
import pytest
pytestmark = [pytest.mark.usefixtures('shop')]
@pytest.mark.usefixtures('other', 'cart')
def test_marked(): pass
@pytest.mark.usefixtures('cart')
class TestCart:
    def test_in_class(self): pass
    def helper(self): pass
def test_asks(request): request.getfixturevalue('cart')
def test_plain(): pass
";
        check(
            text,
            "conftest.cart",
            expect![[r#"
                test_a.test_marked
                test_a.TestCart.test_in_class
                test_a.test_asks"#]],
        );
        check(
            text,
            "conftest.shop",
            expect![[r#"
                test_a.test_marked
                test_a.TestCart.test_in_class
                test_a.test_asks
                test_a.test_plain"#]],
        );
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

//! Which functions tests are seen to execute, and what is collected to find them.

use std::fmt::Write;

use sandbox::Outcome;

use super::{check, pytest};
use crate::support::Workspace;

/// A line for each test: its name, and the functions it has executed.
fn executed(outcome: &Outcome) -> String {
    let mut text = String::new();
    for test in &outcome.coverage.tests {
        let functions = test.functions.iter().map(|&number| {
            let function = &outcome.coverage.functions[number as usize];
            format!("{}:{}", function.path, function.name)
        });
        let mut functions: Vec<String> = functions.collect();
        functions.sort();
        writeln!(text, "{}: {}", test.test, functions.join(" ")).unwrap();
    }
    text
}

#[test]
fn a_test_executes_its_functions_and_those_of_its_fixtures() {
    let shop = "\
class Cart:
    def __init__(self): self.items = [price(n) for n in (lambda: [1, 2])()]
    def total(self):
        def add(a, b): return a + b
        return add(*self.items)
def price(n): return n
def once():
    yield Cart()
";
    let tests = "\
import pytest, shop
@pytest.fixture(scope='module')
def cart(): return shop.Cart()
@pytest.fixture
def one(): return shop.price(1)
class TestCart:
    def test_total(self, cart): assert cart.total() == 3
    def test_nothing(self, cart): pass
def test_price(one): assert one == 1
def test_price_again(one): assert shop.price(2) == 2
def test_generator(): next(shop.once())
def test_none(): pass
";
    let ws = Workspace::new([("shop.py", shop), ("test_shop.py", tests)]);
    let outcome = ws.run(pytest(&["test_shop.py"]));
    check(&outcome, "passed 6 0");
    let expected = "\
test_shop.py::TestCart::test_total: shop.py:Cart.__init__ shop.py:Cart.total shop.py:Cart.total.add shop.py:price \
test_shop.py:TestCart.test_total test_shop.py:cart
test_shop.py::TestCart::test_nothing: shop.py:Cart.__init__ shop.py:price test_shop.py:TestCart.test_nothing test_shop.py:cart
test_shop.py::test_price: shop.py:price test_shop.py:one test_shop.py:test_price
test_shop.py::test_price_again: shop.py:price test_shop.py:one test_shop.py:test_price_again
test_shop.py::test_generator: shop.py:Cart.__init__ shop.py:once shop.py:price test_shop.py:test_generator
test_shop.py::test_none: test_shop.py:test_none
";
    assert_eq!(executed(&outcome), expected);
}

#[test]
fn a_test_that_takes_the_place_of_the_recorder_is_still_a_test() {
    let tests = "\
import sys
def test_free(): sys.monitoring.free_tool_id(sys.monitoring.COVERAGE_ID)
def test_use(): sys.monitoring.use_tool_id(sys.monitoring.COVERAGE_ID, 'mine')
def test_later(): pass
";
    let outcome = Workspace::new([("test_a.py", tests)]).run(pytest(&["test_a.py"]));
    check(&outcome, "passed 3 0");
}

#[test]
fn what_was_not_asked_for_is_not_collected() {
    let tests = "\
import pytest
def parameters():
    raise RuntimeError('collected')
def pytest_generate_tests(metafunc):
    if 'n' in metafunc.fixturenames: parameters()
def test_many(n): pass
@pytest.mark.parametrize('m', [1, 2])
def test_two(m): pass
class TestA:
    def test_b(self): pass
    def test_c(self, n): pass
    class TestD:
        def test_e(self): pass
class TestF(TestA): pass
";
    let ws = Workspace::new([("test_a.py", tests)]);
    let run = |targets: &[&str]| ws.run(pytest(targets));
    check(&run(&["test_a.py::test_two"]), "passed 2 0");
    check(&run(&["test_a.py::test_two[2]", "test_a.py::TestA::test_b"]), "passed 2 0");
    check(&run(&["test_a.py::TestA::TestD", "test_a.py::TestF::test_b"]), "passed 2 0");
    let outcome = run(&["test_a.py::TestA"]);
    assert!(outcome.stdout.contains("RuntimeError: collected"), "{outcome:#?}");
    let outcome = run(&["test_a.py::test_two", "test_a.py"]);
    assert!(outcome.stdout.contains("RuntimeError: collected"), "{outcome:#?}");
    let outcome = run(&["test_a.py::test_nowhere"]);
    assert!(
        outcome.stdout.contains("test_nowhere") || outcome.failures[0].message.contains("test_nowhere"),
        "{outcome:#?}"
    );
}

#[test]
fn a_test_that_its_class_inherits_from_another_file_is_seen_to_return() {
    let base = "\
class Base:
    def test_shared(self): pass
    def test_stopped(self): raise ValueError
";
    let tests = "\
import unittest, pytest
from . import Base
class TestA(unittest.TestCase, Base): pass
class TestB(Base):
    @pytest.mark.xfail
    def test_stopped(self): super().test_stopped()
";
    let ws = Workspace::new([("tests/__init__.py", base), ("tests/test_a.py", tests)]);
    let outcome = ws.run(pytest(&["tests/test_a.py"]));
    let told = outcome.tests.iter().map(|it| (it.id.trim_start_matches("tests/test_a.py::"), it.returned));
    let expected = [
        ("TestA::test_shared", true),
        ("TestA::test_stopped", false),
        ("TestB::test_shared", true),
        ("TestB::test_stopped", false),
    ];
    let mut told: Vec<_> = told.collect();
    told.sort_unstable();
    assert_eq!(told, expected);
}

use expect_test::{Expect, expect};

use super::*;
use fixture::Workspace;

fn check(text: &str, symbol: &str, limit: usize, expected: Expect) {
    let workspace = Workspace::new(text);
    let analysis = &workspace.analysis;
    let reach = tests_reaching(analysis, workspace.symbol(symbol), Effort::thorough(limit));
    let mut out = format!("functions {} modules {} complete {}\n", reach.functions, reach.modules, reach.complete);
    for &test in &reach.tests {
        let path = reach.path(test);
        let names: Vec<_> = path.iter().map(|&step| analysis.symbol(step).qualified_name()).collect();
        out.push_str(&format!("{}\n", names.join(" -> ")));
    }
    expected.assert_eq(&out);
}

const SHOP: &str = "\
#- /shop/money.py
def total(parts): return sum(parts)
#- /shop/cart.py
from shop.money import total
class Cart:
    def subtotal(self): return total([])
    def with_tax(self): return self.subtotal()
#- /shop/cli.py
from shop.cart import Cart
def main(): print(Cart().with_tax())
if __name__ == '__main__':
    main()
#- /tests/test_cart.py
from shop.cart import Cart
from shop.money import total
class TestCart:
    def test_subtotal(self): assert Cart().subtotal() == 0
def test_total(): assert total([1]) == 1
def helper(): return Cart()
";

#[test]
fn tests_come_with_the_way_they_reach_the_symbol() {
    check(
        SHOP,
        "shop.money.total",
        100,
        expect![[r#"
                functions 3 modules 2 complete true
                tests.test_cart.test_total -> shop.money.total
                tests.test_cart.TestCart.test_subtotal -> shop.cart.Cart.subtotal -> shop.money.total
            "#]],
    );
}

#[test]
fn a_class_is_reached_through_its_methods() {
    check(
        SHOP,
        "shop.cart.Cart",
        100,
        expect![[r#"
            functions 2 modules 2 complete true
            tests.test_cart.TestCart.test_subtotal -> shop.cart.Cart
        "#]],
    );
}

#[test]
fn a_variable_is_reached_through_its_uses() {
    let text = "\
#- /m.py
LIMIT = 3
def f(): return LIMIT
#- /test_m.py
import m
def test_f(): m.f()
def test_limit(): assert m.LIMIT == 3
";
    check(
        text,
        "m.LIMIT",
        100,
        expect![[r#"
            functions 1 modules 1 complete true
            test_m.test_limit -> m.LIMIT
            test_m.test_f -> m.f -> m.LIMIT
        "#]],
    );
}

#[test]
fn a_walk_that_is_cut_says_so() {
    check(
        SHOP,
        "shop.money.total",
        2,
        expect![[r#"
            functions 2 modules 1 complete false
            tests.test_cart.test_total -> shop.money.total
            tests.test_cart.TestCart.test_subtotal -> shop.cart.Cart.subtotal -> shop.money.total
        "#]],
    );
}

#[test]
fn recursion_ends() {
    check(
        "def even(n): return odd(n - 1)\ndef odd(n): return even(n - 1)\n",
        "main.even",
        100,
        expect![[r#"
            functions 1 modules 1 complete true
        "#]],
    );
}

#[test]
fn a_lambda_is_reached_from_where_it_is_written() {
    let text = "\
#- /m.py
def f(): pass
#- /test_m.py
import m
def test_f(): register(lambda: m.f())
";
    check(
        text,
        "m.f",
        100,
        expect![[r#"
            functions 0 modules 0 complete true
            test_m.test_f -> test_m.test_f.<lambda1> -> m.f
        "#]],
    );
}

#[test]
fn an_implementation_is_reached_through_what_it_implements() {
    let text = "\
#- /m.py
class Rule:
    def apply(self): raise NotImplementedError
class Half(Rule):
    def apply(self): return 1
class Other(Rule):
    def apply(self): return 2
def total(rule: Rule): return rule.apply()
#- /test_m.py
import m
def test_total(): m.total(m.Half())
";
    check(
        text,
        "m.Half.apply",
        100,
        expect![[r#"
                functions 1 modules 1 complete true
                test_m.test_total -> m.total -> m.Half.apply
            "#]],
    );
}

#[test]
fn a_property_is_run_by_reading_it() {
    let text = "\
#- /m.py
class Line:
    def __init__(self): self.n = 1
    @property
    def price(self): return rate()
def rate(): return 2
#- /test_m.py
import m
def test_price(): assert m.Line().price == 2
";
    check(
        text,
        "m.rate",
        100,
        expect![[r#"
            functions 1 modules 1 complete true
            test_m.test_price -> m.Line.price -> m.rate
        "#]],
    );
}

#[test]
fn a_function_that_is_handed_over_is_reached_from_there() {
    let text = "\
#- /m.py
def key(x): return -x
#- /test_m.py
from m import key
def test_sorted(): assert sorted([1, 2], key=key) == [2, 1]
def test_other(): pass
";
    check(
        text,
        "m.key",
        100,
        expect![[r#"
            functions 0 modules 0 complete true
            test_m.test_sorted -> m.key
        "#]],
    );
}

#[test]
fn tests_of_a_file_whose_statements_are_reached() {
    let text = "\
#- /m.py
def cases(): return [1]
#- /test_m.py
import pytest, m
@pytest.mark.parametrize('case', m.cases())
def test_case(case): pass
";
    check(
        text,
        "m.cases",
        100,
        expect![[r#"
            functions 0 modules 0 complete true
            test_m.test_case -> m.cases
        "#]],
    );
}

#[test]
fn what_operators_run_is_a_lower_bound() {
    let text = "\
#- /m.py
class Money:
    def __add__(self, other): return carry()
def carry(): pass
#- /test_m.py
import m
def test_add(): m.Money() + m.Money()
";
    check(
        text,
        "m.carry",
        100,
        expect![[r#"
            functions 1 modules 1 complete false
        "#]],
    );
}

#[test]
fn a_changed_test_reaches_itself() {
    check(
        SHOP,
        "tests.test_cart.TestCart",
        100,
        expect![[r#"
            functions 0 modules 0 complete true
            tests.test_cart.TestCart.test_subtotal
        "#]],
    );
}

#[test]
fn a_fixture_is_reached_by_the_tests_that_name_it() {
    let text = "\
#- /m.py
def make(): pass
#- /conftest.py
import pytest, m
@pytest.fixture
def made(): return m.make()
#- /test_m.py
def test_made(made): pass
def test_other(): pass
";
    check(
        text,
        "m.make",
        100,
        expect![[r#"
            functions 1 modules 1 complete true
            test_m.test_made -> conftest.made -> m.make
        "#]],
    );
}

#[test]
fn values_that_a_setter_keeps_are_run_for_who_sets_them() {
    let text = "\
#- /chain.py
class Chain:
    def __init__(self, model):
        self.model = model
    @property
    def model(self): return self._model
    @model.setter
    def model(self, model):
        if model == 'a': self._model = self.a
        else: self._model = self.b
    def a(self): return 1
    def b(self): return 2
    def run(self): return self.model()
#- /test_chain.py
from chain import Chain
def test_run(): assert Chain('a').run() == 1
";
    check(
        text,
        "chain.Chain.a",
        100,
        expect![[r#"
            functions 3 modules 1 complete true
            test_chain.test_run -> chain.Chain.__init__ -> chain.Chain.model -> chain.Chain.a
        "#]],
    );
}

#[test]
fn a_quick_walk_that_would_have_to_search_on_says_so() {
    let text = "def start(): ...\n".to_owned()
        + &(0..40)
            .map(|n| {
                format!("def g{n}(): return {}\n", if n == 0 { "start()".to_owned() } else { format!("g{}()", n - 1) })
            })
            .collect::<String>()
        + "def test(): g39()\n";
    let workspace = Workspace::new(&format!("#- /test_a.py\n{text}"));
    let reach = |effort| tests_reaching(&workspace.analysis, workspace.symbol("test_a.start"), effort);
    let (quick, thorough) = (reach(Effort::quick(1000)), reach(Effort::thorough(1000)));
    assert_eq!((quick.tests.len(), quick.complete), (1, false));
    assert_eq!((thorough.tests.len(), thorough.complete), (1, true));
}

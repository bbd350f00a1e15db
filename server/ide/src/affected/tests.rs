mod indirect;

use expect_test::{Expect, expect};

use super::*;
use fixture::Workspace;

/// What the change from the texts `before`, by path, to the fixture `now` affects. `test_failing` failed before.
fn check(now: &str, before: &[(&str, Option<&str>)], expected: Expect) {
    let workspace = Workspace::new(now);
    let analysis = &workspace.analysis;
    let before: Vec<Earlier> = before.iter().map(|(path, text)| (path.into(), text.map(Into::into))).collect();
    let name = |id: SymbolId| match analysis.symbol(id).local_name() {
        name if name.is_empty() => analysis.module_name(id.file).to_owned(),
        name => name,
    };
    let record = |test: SymbolId| TestRecord {
        failed: analysis.symbol(test).name == "test_failing",
        executed: match analysis.symbol(test).name {
            "test_executing" => Some(true),
            "test_elsewhere" => Some(false),
            _ => None,
        },
    };
    let mut found = affected(analysis, &before, |_| record, crate::Effort::thorough(1000));
    widen(analysis, &mut found, record);
    let changed: Vec<String> = found.changed.iter().map(|&id| name(id)).collect();
    let mut out = format!("changed: {}\n", changed.join(", "));
    for test in &found.tests {
        let via: Vec<String> = test.via.iter().map(|&id| name(id)).collect();
        let before = if test.record.failed { "failed before: " } else { "" };
        let step = test.step.label().map(|label| format!("{label}: ")).unwrap_or_default();
        out.push_str(&format!("{before}{step}{}\n", via.join(" → ")));
    }
    let unreached: Vec<String> = found.unreached.iter().map(|&id| name(id)).collect();
    assert_eq!(found.is_complete(), unreached.is_empty());
    if !unreached.is_empty() {
        out.push_str(&format!("no test is known to reach: {}\n", unreached.join(", ")));
    }
    expected.assert_eq(&out);
}

/// As [`check`], for the first file of the fixture, in which `to` was `from` before.
fn check_edit(now: &str, to: &str, from: &str, expected: Expect) {
    let workspace = Workspace::new(now);
    let file = workspace.first_file();
    let text = workspace.analysis.source(file).text();
    assert!(text.contains(to), "{to}");
    let path = workspace.analysis.path(file).to_str().unwrap().to_owned();
    check(now, &[(&path, Some(&text.replacen(to, from, 1)))], expected);
}

const SHOP: &str = "\
#- /shop.py
'''A shop.'''
import math
from decimal import Decimal

RATE = 2

def price(n):
    # Rounded.
    return math.floor(n) * RATE

def label(n): return str(n)

class Cart:
    limit = 3
    def total(self): return price(1)
    def size(self): return 0
#- /test_shop.py
from shop import Cart, label, price

def test_failing(): assert Cart().total() == price(3)
def test_cart(): assert Cart().total() == 2
def test_checkout():
    cart = Cart()
    label(cart.size())
    assert cart.total() == 2
def test_price(): assert price(1) == 2
def test_label(): assert label(1) == '1'
def test_size(): assert Cart().size() == 0
";

#[test]
fn the_likeliest_to_fail_comes_first() {
    check_edit(
        SHOP,
        "math.floor",
        "math.ceil",
        expect![[r#"
            changed: price
            failed before: test_failing → price
            test_price → price
            test_cart → Cart.total → price
            test_checkout → Cart.total → price
        "#]],
    );
}

#[test]
fn what_executed_the_change_comes_before_what_did_not() {
    check_edit(
        "\
#- /a.py
def f(): return 1
def g(): return f()
#- /test_a.py
from a import f, g
def test_elsewhere(): f()
def test_unknown(): f()
def test_executing(): g()
",
        "return 1",
        "return 2",
        expect![[r#"
            changed: f
            test_executing → g → f
            test_unknown → f
            test_elsewhere → f
        "#]],
    );
}

#[test]
fn what_is_only_written_differently_affects_nothing() {
    check_edit(
        SHOP,
        "# Rounded.",
        "# Rounded down.\n\n",
        expect![[r#"
            changed: 
        "#]],
    );
    check_edit(
        SHOP,
        "return str(n)",
        "\n    return (str(\n  n))",
        expect![[r#"
            changed: 
        "#]],
    );
    check_edit(
        SHOP,
        "'''A shop.'''",
        "'''Shops.'''",
        expect![[r#"
            changed: 
        "#]],
    );
}

#[test]
fn variables_and_imports_affect_who_uses_them() {
    check_edit(
        SHOP,
        "RATE = 2",
        "RATE = 3",
        expect![[r#"
            changed: RATE
            failed before: test_failing → price → RATE
            test_price → price → RATE
            test_cart → Cart.total → price → RATE
            test_checkout → Cart.total → price → RATE
        "#]],
    );
    check_edit(
        SHOP,
        "import math",
        "import numeric as math",
        expect![[r#"
            changed: price
            failed before: test_failing → price
            test_price → price
            test_cart → Cart.total → price
            test_checkout → Cart.total → price
        "#]],
    );
    check_edit(
        SHOP,
        "limit = 3",
        "limit = 4",
        expect![[r#"
            changed: Cart, Cart.limit
            failed before: test_failing → Cart
            test_size → Cart
            test_cart → Cart
            test_checkout → Cart
        "#]],
    );
}

#[test]
fn other_statements_of_a_module_affect_all_that_load_it() {
    check_edit(
        "#- /shop.py\nregister('shop')\ndef price(): pass\n#- /cart.py\nimport shop\n#- /test_cart.py\nimport cart\ndef test_cart(): pass\n#- /test_other.py\ndef test_other(): pass\n",
        "register('shop')",
        "register('cart')",
        expect![[r#"
            changed: shop
            by import: test_cart → test_cart → cart → shop
        "#]],
    );
}

#[test]
fn what_runs_when_a_module_is_imported() {
    let text = "#- /tools.py\ndef register(f): return f\ndef main(): pass\n#- /shop.py\nfrom tools import register, main\n@register\ndef price(): pass\nif __name__ == '__main__':\n    main()\n#- /test_shop.py\nimport shop\ndef test_shop(): shop.other\n";
    check_edit(
        text,
        "return f",
        "return None",
        expect![[r#"
            changed: register
            loads the module: test_shop → test_shop → shop → tools
            no test is known to reach: register
        "#]],
    );
    check_edit(
        text,
        "main(): pass",
        "main(): return 1",
        expect![[r#"
            changed: main
            loads the module: test_shop → test_shop → shop → tools
            no test is known to reach: main
        "#]],
    );
}

#[test]
fn fixtures_and_what_prepares_tests() {
    let text = "\
#- /conftest.py
import pytest
@pytest.fixture
def cart(): return 1
#- /test_a.py
import unittest, pytest
def test_cart(cart): pass
def test_other(): pass
class TestCase(unittest.TestCase):
    def setUp(self): self.x = 1
    def test_x(self): pass
@pytest.mark.parametrize('n', [1, 2])
def test_n(n, cart): pass
";
    check_edit(
        text,
        "return 1",
        "return 2",
        expect![[r#"
            changed: cart
            test_cart → cart
            test_n → cart
        "#]],
    );
    let test = text.split("#- /test_a.py\n").nth(1).unwrap();
    check(
        text,
        &[("/test_a.py", Some(&test.replace("self.x = 1", "self.x = 2")))],
        expect![[r#"
            changed: TestCase.setUp
            TestCase.test_x → TestCase.setUp
        "#]],
    );
    check(
        text,
        &[("/test_a.py", Some(&test.replace("[1, 2]", "[1]")))],
        expect![[r#"
            changed: test_n
            test_n
        "#]],
    );
    check(
        text,
        &[("/conftest.py", Some("import pytest\npytest_plugins = []\nprint()\n"))],
        expect![[r#"
            changed: conftest, cart
            test_cart → cart
            test_n → cart
            by import: test_other → test_a → conftest
            by import: TestCase.test_x → test_a → conftest
        "#]],
    );
}

#[test]
fn values_that_only_pytest_hands_over() {
    let text = "\
#- /shop.py
class Cart:
    def total(self): return 1
    def get(self): return 1
def checkout(cart): return cart.total()
#- /test_shop.py
import pytest, shop
@pytest.fixture
def cart(): return shop.Cart()
def test_direct(): shop.Cart().total()
def test_checkout(cart): shop.checkout(cart)
def test_total(cart): cart.total()
def test_get(cart): cart.get()
#- /test_other.py
def test_elsewhere(cart): cart.total()
";
    check_edit(
        text,
        "return 1",
        "return 2",
        expect![[r#"
            changed: Cart.total
            test_direct → Cart.total
            by name: test_total → Cart.total
            by name: test_checkout → checkout → Cart.total
        "#]],
    );
}

#[test]
fn what_is_gone_affects_who_still_uses_it() {
    check_edit(
        SHOP,
        "def label(n): return str(n)\n",
        "def label(n): return str(n)\ndef tax(): pass\n",
        expect![[r#"
                changed: shop
            "#]],
    );
    let text = "#- /shop.py\nclass Base:\n    def total(self): return 1\nclass Cart(Base): pass\n#- /test_shop.py\nimport shop\ndef test_total(): shop.Cart().total()\ndef test_tax(): shop.tax()\n";
    let before = "def tax(): pass\nclass Base:\n    def total(self): return 1\nclass Cart(Base):\n    def total(self): return 2\n";
    check(
        text,
        &[("/shop.py", Some(before))],
        expect![[r#"
            changed: shop, Cart
            test_tax
            test_total → Base.total
        "#]],
    );
}

#[test]
fn files_that_come_and_go() {
    let text = "#- /shop/__init__.py\n#- /shop/cart.py\ndef total(): pass\n#- /test_new.py\nfrom shop import cart\ndef test_total(): cart.total()\n#- /test_gone.py\nfrom shop import price\ndef test_price(): price.price()\n";
    check(
        text,
        &[("/test_new.py", None)],
        expect![[r#"
            changed: test_new
            test_total
        "#]],
    );
    check(
        text,
        &[("/shop/cart.py", None)],
        expect![[r#"
            changed: shop.cart
            test_total → total
        "#]],
    );
    check(
        text,
        &[("/shop/price.py", Some("def price(): pass\n"))],
        expect![[r#"
            changed: test_gone
            test_price
        "#]],
    );
}

#[test]
fn tests_that_a_class_inherits() {
    let text = "\
#- /shop.py
def price(): return 1
#- /checks.py
import shop
class PriceChecks:
    def test_price(self): shop.price()
#- /test_shop.py
import unittest
from checks import PriceChecks
class TestPrices(PriceChecks): pass
class Other(PriceChecks, unittest.TestCase): pass
class Helper(PriceChecks): pass
";
    check_edit(
        text,
        "return 1",
        "return 2",
        expect![[r#"
            changed: price
            TestPrices → PriceChecks.test_price → price
            Other → PriceChecks.test_price → price
        "#]],
    );
}

#[test]
fn what_no_test_is_known_to_reach_falls_back() {
    // To what loads its module,
    check_edit(
        "\
#- /shop/price.py
def price(): return 1
def other(): return 1
#- /shop/__init__.py
#- /shop/label.py
def label(): return 1
#- /tests/test_price.py
from shop.price import other
def test_other(): assert other() == 1
#- /tests/test_label.py
from shop.label import label
def test_label(): assert label() == 1
",
        "price(): return 1",
        "price(): return 2",
        expect![[r#"
            changed: price
            loads the module: test_other → tests.test_price → shop.price
            no test is known to reach: price
        "#]],
    );
    // to what loads its package,
    check_edit(
        "\
#- /shop/price.py
def price(): return 1
#- /shop/__init__.py
#- /shop/label.py
def label(): return 1
#- /tests/test_label.py
from shop.label import label
def test_label(): assert label() == 1
#- /tests/test_elsewhere.py
def test_elsewhere(): pass
",
        "price(): return 1",
        "price(): return 2",
        expect![[r#"
            changed: price
            loads the package: test_label → tests.test_label → shop.label
            no test is known to reach: price
        "#]],
    );
    // to every test there is.
    check_edit(
        "\
#- /tool/price.py
def price(): return 1
#- /tests/test_elsewhere.py
def test_elsewhere(): pass
",
        "price(): return 1",
        "price(): return 2",
        expect![[r#"
            changed: price
            any test: test_elsewhere → tests.test_elsewhere
            no test is known to reach: price
        "#]],
    );
}

#[test]
fn tests_are_collected_again_where_they_are_inherited_or_imported() {
    check_edit(
        "\
#- /price.py
def price(): return 1
#- /test_price.py
from price import price
class TestPrice:
    def test_price(self): assert price() == 1
#- /test_more.py
from test_price import TestPrice
class TestMore(TestPrice):
    def test_more(self): pass
#- /test_other.py
import test_price
def test_other(): pass
",
        "return 1",
        "return 2",
        expect![[r#"
            changed: price
            TestPrice.test_price → price
            test_more → TestPrice.test_price → price
            TestMore → TestPrice.test_price → price
        "#]],
    );
}

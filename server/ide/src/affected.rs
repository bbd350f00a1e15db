//! The tests that a change may break, the likeliest first.

use std::cmp::Reverse;
use std::collections::VecDeque;

use graph::{Analysis, FileId, SymbolId, SymbolKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::changes::{Changes, Earlier, changes};
use crate::collection::{is_collected, is_test_function};
use crate::impact::{Reach, reaching};
use crate::runnables::main_block;

/// How many definitions are counted that one test reaches. Beyond it tests are taken to be equally wide.
const MAX_WIDTH: usize = 64;

/// What a change affects; see [`affected`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affected {
    pub tests: Vec<AffectedTest>,
    /// The definitions and modules that differ, by file and place.
    pub changed: Vec<SymbolId>,
    /// Whether every way was followed to its end; otherwise there may be more tests.
    pub complete: bool,
}

/// A test that reaches what changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AffectedTest {
    /// A function or method; a class where it inherits the tests that are meant.
    pub test: SymbolId,
    /// Why: from the test to what changed, each the one that uses the next. Only the test where it has changed itself.
    pub via: Vec<SymbolId>,
    pub failed_before: bool,
}

/// The tests that reach what differs from `before`, looking at no more than `limit` definitions. First those of which
/// `failed` says that they did the last time; then those that are fewest calls away from the change; of these, those that
/// reach the least besides; then by file and place. A module whose statements have changed affects what imports it, and a
/// `conftest.py` the tests below its folder. What was only written differently affects nothing.
pub fn affected(analysis: &Analysis, before: &[Earlier], failed: impl Fn(SymbolId) -> bool, limit: usize) -> Affected {
    let Changes { symbols, gone, modules } = changes(analysis, before);
    let mut starts = symbols.clone();
    starts.extend(modules.iter().map(|&file| analysis.module(file)));
    for (owner, name) in &gone {
        starts.extend(analysis.users_of_gone(*owner, name));
        starts.extend(inherited(analysis, *owner, name));
    }
    let reach = reaching(analysis, &starts, limit);
    let mut found: Vec<(usize, AffectedTest)> = Vec::new();
    let mut seen: FxHashSet<SymbolId> = FxHashSet::default();
    let mut add = |test: SymbolId, via: Vec<SymbolId>| {
        if seen.insert(test) {
            found.push((via.len(), AffectedTest { test, via, failed_before: failed(test) }));
        }
    };
    for &test in &reach.tests {
        add(test, reach.path(test));
    }
    for &test in &reach.inherited {
        for class in heirs(analysis, test) {
            add(class, [class].into_iter().chain(reach.path(test)).collect());
        }
    }
    // What nobody knows the receiver of may be one of the methods: less likely than what is known to call them.
    let far = found.iter().map(|(distance, _)| *distance).max().unwrap_or_default();
    let by_name = called_by_name(analysis, &starts, &reach);
    let users: Vec<SymbolId> = by_name.iter().map(|(user, _)| *user).collect();
    let users_reach = reaching(analysis, &users, limit);
    for &test in &users_reach.tests {
        let mut via = users_reach.path(test);
        let method = by_name.iter().find(|(user, _)| via.last() == Some(user)).map(|(_, method)| *method);
        via.extend(method.into_iter().flat_map(|method| reach.path(method)));
        if seen.insert(test) {
            found.push((far + via.len(), AffectedTest { test, via, failed_before: failed(test) }));
        }
    }
    // What is imported is at work in everything that follows: these come last.
    let far = found.iter().map(|(distance, _)| *distance).max().unwrap_or_default();
    let loaders = reach.loaders.iter().filter(|&&module| runs_when_imported(analysis, &reach, module));
    let loaded: Vec<FileId> = modules.iter().copied().chain(loaders.map(|module| module.file)).collect();
    let loaded = Loaded::by(analysis, &loaded);
    for file in analysis.files() {
        let Some(chain) = loaded.chain(file) else { continue };
        for test in tests_of(analysis, file) {
            if seen.insert(test) {
                let mut via = vec![test];
                via.extend(chain.iter().map(|&file| analysis.module(file)));
                // Why the module at the end is another one.
                via.extend(
                    chain.last().into_iter().flat_map(|&file| reach.path(analysis.module(file)).into_iter().skip(1)),
                );
                let test = AffectedTest { test, via, failed_before: failed(test) };
                found.push((far + chain.len(), test));
            }
        }
    }
    let place = |id: SymbolId| (analysis.path(id.file), analysis.symbol(id).range.start());
    found.sort_by_cached_key(|(distance, it)| {
        (
            Reverse(it.failed_before),
            *distance,
            width(analysis, it.test),
            analysis.path(it.test.file).to_path_buf(),
            place(it.test).1,
        )
    });
    let mut changed = symbols;
    changed.extend(modules.iter().map(|&file| analysis.module(file)));
    changed.extend(gone.iter().map(|(owner, _)| *owner));
    changed.sort_by_key(|&id| place(id));
    changed.dedup();
    let tests = found.into_iter().map(|(_, test)| test).collect();
    Affected { tests, changed, complete: reach.complete }
}

/// Methods of Python's own types: where the receiver is not known, it mostly is one of these.
const COMMON: [&str; 24] = [
    "add", "append", "clear", "close", "copy", "count", "decode", "encode", "extend", "format", "get", "index",
    "insert", "items", "join", "keys", "pop", "read", "remove", "replace", "split", "update", "values", "write",
];

/// Who calls something by the name of a method that was reached, on what is not known: fixtures above all, whose values no
/// text hands over. Only where the method's module is loaded. With the method, the nearest of that name.
fn called_by_name(analysis: &Analysis, starts: &[SymbolId], reach: &Reach) -> Vec<(SymbolId, SymbolId)> {
    let is_named = |id: &SymbolId| {
        let symbol = analysis.symbol(*id);
        symbol.kind == SymbolKind::Method && !symbol.name.starts_with("__") && !COMMON.contains(&symbol.name)
    };
    let place = |id: SymbolId| (analysis.path(id.file), analysis.symbol(id).range.start());
    let mut methods: Vec<SymbolId> = starts.iter().copied().chain(reach.reached()).filter(is_named).collect();
    methods.sort_by_cached_key(|&id| (reach.path(id).len(), analysis.path(id.file).to_path_buf(), place(id).1));
    let mut by_name: FxHashMap<&str, SymbolId> = FxHashMap::default();
    for &method in &methods {
        by_name.entry(analysis.symbol(method).name).or_insert(method);
    }
    if by_name.is_empty() {
        return Vec::new();
    }
    let homes: Vec<FileId> = methods.iter().map(|method| method.file).collect();
    let loaded = Loaded::by(analysis, &homes);
    let mut found = Vec::new();
    for file in analysis.files().filter(|&file| loaded.chain(file).is_some()) {
        for (range, _) in analysis.open_calls(file).into_iter().filter(|(_, outside)| outside.is_none()) {
            if let Some(&method) = by_name.get(analysis.source(file).slice(range)) {
                found.push((analysis.enclosing(file, range.start()), method));
            }
        }
    }
    found
}

/// Whether `module` reaches what changed when it is imported, and not only as a script.
fn runs_when_imported(analysis: &Analysis, reach: &Reach, module: SymbolId) -> bool {
    let Some(main) = main_block(analysis, module.file) else { return true };
    let Some(&next) = reach.path(module).get(1) else { return true };
    let calls = analysis.callers(next).into_iter().find(|call| call.other == module);
    calls.is_none_or(|call| call.sites.iter().any(|site| !main.range.contains_range(site.range)))
}

/// What is called instead of the method `name` that the class `owner` has no longer.
fn inherited(analysis: &Analysis, owner: SymbolId, name: &str) -> Vec<SymbolId> {
    let ancestors = analysis.ancestors(owner).into_iter();
    let members = ancestors.flat_map(|ancestor| analysis.children(ancestor));
    members.filter(|&member| analysis.symbol(member).name == name).collect()
}

/// The collected classes that inherit the test method of a class which is not.
fn heirs(analysis: &Analysis, method: SymbolId) -> Vec<SymbolId> {
    let mut pending: Vec<SymbolId> = analysis.symbol(method).parent.into_iter().collect();
    let mut seen: FxHashSet<SymbolId> = FxHashSet::default();
    let mut found = Vec::new();
    while let Some(class) = pending.pop() {
        for heir in analysis.subclasses(class).into_iter().filter(|&heir| seen.insert(heir)) {
            if is_collected(analysis, &analysis.symbol(heir)) {
                found.push(heir);
            }
            pending.push(heir);
        }
    }
    found
}

fn tests_of(analysis: &Analysis, file: FileId) -> Vec<SymbolId> {
    analysis.symbols(file).into_iter().filter(|&id| is_test_function(analysis, &analysis.symbol(id))).collect()
}

/// How many definitions the test reaches.
fn width(analysis: &Analysis, test: SymbolId) -> usize {
    let mut seen = FxHashSet::from_iter([test]);
    let mut pending = vec![test];
    while let Some(at) = pending.pop() {
        for call in analysis.callees(at) {
            if seen.len() == MAX_WIDTH {
                return MAX_WIDTH;
            }
            if seen.insert(call.other) {
                pending.push(call.other);
            }
        }
    }
    seen.len()
}

/// The files that load some modules when they are imported, or run by pytest.
struct Loaded {
    /// For each file the next one on a shortest way to one of the modules; for these themselves.
    towards: FxHashMap<FileId, FileId>,
}

impl Loaded {
    fn by(analysis: &Analysis, modules: &[FileId]) -> Self {
        let mut towards: FxHashMap<FileId, FileId> = modules.iter().map(|&file| (file, file)).collect();
        let mut pending: VecDeque<FileId> = modules.iter().copied().collect();
        while let Some(file) = pending.pop_front() {
            let path = analysis.path(file);
            let mut users = analysis.importers(file);
            // pytest loads these, and Python the packages around what it imports.
            let is_around = path.ends_with("conftest.py") || path.ends_with("__init__.py");
            if let Some(folder) = path.parent().filter(|_| is_around) {
                users.extend(analysis.files().filter(|&other| analysis.path(other).starts_with(folder)));
            }
            for user in users {
                towards.entry(user).or_insert_with(|| {
                    pending.push_back(user);
                    file
                });
            }
        }
        Loaded { towards }
    }

    /// From the file to the module that it loads; nothing for one that loads none of them.
    fn chain(&self, file: FileId) -> Option<Vec<FileId>> {
        let mut chain = vec![file];
        loop {
            let last = *chain.last()?;
            let next = *self.towards.get(&last)?;
            if next == last {
                return Some(chain);
            }
            chain.push(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::testing::Workspace;

    /// What the change from the texts `before`, by path, to the fixture `now` affects. `test_failing` failed before.
    fn check(now: &str, before: &[(&str, Option<&str>)], expected: Expect) {
        let workspace = Workspace::new(now);
        let analysis = &workspace.analysis;
        let before: Vec<Earlier> = before.iter().map(|(path, text)| (path.into(), text.map(Into::into))).collect();
        let name = |id: SymbolId| match analysis.symbol(id).local_name() {
            name if name.is_empty() => analysis.module_name(id.file).to_owned(),
            name => name,
        };
        let failed = |test: SymbolId| analysis.symbol(test).name == "test_failing";
        let found = affected(analysis, &before, failed, 1000);
        let changed: Vec<String> = found.changed.iter().map(|&id| name(id)).collect();
        let mut out = format!("changed: {}\n", changed.join(", "));
        for test in &found.tests {
            let via: Vec<String> = test.via.iter().map(|&id| name(id)).collect();
            out.push_str(&format!("{}{}\n", if test.failed_before { "failed before: " } else { "" }, via.join(" → ")));
        }
        assert!(found.complete);
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
                test_cart → test_cart → cart → shop
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
            test_shop → test_shop → shop → register
        "#]],
        );
        check_edit(
            text,
            "main(): pass",
            "main(): return 1",
            expect![[r#"
            changed: main
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
            test_other → test_a → conftest
            TestCase.test_x → test_a → conftest
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
            test_total → Cart.total
            test_checkout → checkout → Cart.total
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
}

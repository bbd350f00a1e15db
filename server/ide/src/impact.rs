//! What a change of a symbol would touch, and which tests would notice.
//!
//! A breadth-first walk against the direction of the calls. It follows every confidence, `possible` included: a test too
//! many costs a second, a test too few costs the trust in the answer.

use std::collections::VecDeque;

use graph::{Analysis, SymbolId, SymbolKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::fixtures::{Requests, is_fixture};

/// What can run a symbol, directly or through others. The symbol and what is defined inside it are not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Test functions and methods, nearest first.
    pub tests: Vec<SymbolId>,
    /// How many functions and methods that are not tests.
    pub functions: usize,
    /// How many modules those functions are in; modules whose own statements reach the symbol count too.
    pub modules: usize,
    /// Whether the walk ended by itself. Otherwise every number here is a lower bound.
    pub complete: bool,
    /// For each definition that was reached, the next one on a shortest way to the symbol.
    towards: FxHashMap<SymbolId, SymbolId>,
}

impl Reach {
    /// Why `from` is reached: a shortest chain of callers, from `from` to the changed symbol or what is defined inside it.
    pub fn path(&self, from: SymbolId) -> Vec<SymbolId> {
        std::iter::successors(Some(from), |at| self.towards.get(at).copied()).collect()
    }

    /// "14" or "at least 14".
    pub(crate) fn at_least(&self) -> &'static str {
        if self.complete { "" } else { "at least " }
    }
}

/// Everything that reaches `symbol` through calls, looking at no more than `limit` definitions.
///
/// For a class or a module, what reaches any function defined inside it; for a variable, what reaches its uses.
pub fn tests_reaching(analysis: &Analysis, symbol: SymbolId, limit: usize) -> Reach {
    let mut reach = Reach { complete: true, ..Reach::default() };
    let inside = with_descendants(analysis, symbol);
    let mut seen: FxHashSet<SymbolId> = inside.iter().copied().collect();
    let is_code = |&id: &SymbolId| id == symbol || !is_variable(analysis, id);
    let mut queue: VecDeque<SymbolId> = inside.into_iter().filter(is_code).collect();
    let mut modules = FxHashSet::default();
    let mut looked_at = 0;
    let mut requests = None;
    while let Some(at) = queue.pop_front() {
        if looked_at == limit {
            reach.complete = false;
            break;
        }
        looked_at += 1;
        let mut users = users(analysis, at);
        if is_fixture(analysis, &analysis.symbol(at)) {
            let requests = requests.get_or_insert_with(|| Requests::of(analysis));
            users.extend(requests.of_fixture(analysis, at));
        }
        for user in users {
            if seen.insert(user) {
                reach.towards.insert(user, at);
                queue.push_back(user);
                let symbol = analysis.symbol(user);
                match symbol.kind {
                    SymbolKind::Function | SymbolKind::Method if symbol.flags.is_test => reach.tests.push(user),
                    SymbolKind::Function | SymbolKind::Method => {
                        reach.functions += 1;
                        modules.insert(user.file);
                    }
                    SymbolKind::Module => {
                        modules.insert(user.file);
                    }
                    _ => {}
                }
            }
        }
    }
    reach.modules = modules.len();
    reach
}

fn is_variable(analysis: &Analysis, id: SymbolId) -> bool {
    matches!(analysis.symbol(id).kind, SymbolKind::Variable | SymbolKind::Attribute)
}

/// Who uses a variable, or runs a function. Beyond its callers these are:
/// - the definition around a nested function or a lambda: it is run by a value that travels, and there the way begins;
/// - the callers of an abstract method that it implements: they mean one of the implementations.
fn users(analysis: &Analysis, symbol: SymbolId) -> Vec<SymbolId> {
    if is_variable(analysis, symbol) {
        return analysis.references(symbol).into_iter().map(|site| site.within).collect();
    }
    let callers = |symbol| analysis.callers(symbol).into_iter().map(|call| call.other);
    let mut users: Vec<SymbolId> = callers(symbol).collect();
    let view = analysis.symbol(symbol);
    if view.kind.is_function()
        && let Some(parent) = view.parent
        && analysis.symbol(parent).kind.is_function()
    {
        users.push(parent);
    }
    if view.kind == SymbolKind::Method {
        for implemented in analysis.overridden(symbol) {
            let flags = analysis.symbol(implemented).flags;
            if flags.is_abstract || flags.is_stub {
                users.extend(callers(implemented));
            }
        }
    }
    users
}

/// `symbol` and everything defined inside it, outermost first.
pub(crate) fn with_descendants(analysis: &Analysis, symbol: SymbolId) -> Vec<SymbolId> {
    let mut inside = vec![symbol];
    let mut seen = FxHashSet::from_iter([symbol]);
    for candidate in analysis.symbols(symbol.file) {
        let parent = analysis.symbol(candidate).parent;
        if parent.is_some_and(|parent| seen.contains(&parent)) && seen.insert(candidate) {
            inside.push(candidate);
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::testing::Workspace;

    fn check(text: &str, symbol: &str, limit: usize, expected: Expect) {
        let workspace = Workspace::new(text);
        let analysis = &workspace.analysis;
        let reach = tests_reaching(analysis, workspace.symbol(symbol), limit);
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
}

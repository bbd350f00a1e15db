use context::{Options, context};
use expect_test::{Expect, expect};
use syntax::apply_edits;

use super::*;
use fixture::Workspace;

const SHOP: &str = "\
#- /shop/__init__.py
#- /shop/cart.py
class Cart:
    def total(self, items):
        \"\"\"The sum.\"\"\"
        return sum(items)$0
";

const TESTS: &str = "\
#- /tests/test_cart.py
import pytest
from shop.cart import Cart


def test_empty():
    assert Cart().total([]) == 0
";

#[track_caller]
fn check(text: &str, reply: &str, expected: Expect) {
    let (workspace, target) = Workspace::with_target(text, offered);
    let (analysis, target) = (&workspace.analysis, target.expect("it is offered"));
    expected.assert_eq(&match accept(analysis, target, reply) {
        Err(refusal) => format!("{}: {refusal}\n", refusal.code()),
        Ok(change) => {
            let [file] = change.files.as_slice() else { panic!("one file: {change:?}") };
            let (path, range) = &scope(analysis, target).expect("it is offered").places[0];
            assert_eq!(*path, file.path);
            assert!(file.edits.iter().any(|edit| range.contains_range(edit.range)));
            let before = analysis.file(path).map(|id| analysis.source(id).text().clone()).unwrap_or_default();
            let after = apply_edits(&before, &file.edits).expect("they fit");
            assert!(!parse(&after).has_errors(), "{after}");
            format!("#- {}\n{after}", path.display())
        }
    });
}

#[test]
fn offered_for_what_can_be_tested() {
    let is_offered = |text: &str| Workspace::with_target(text, offered).1.is_some();
    assert!(is_offered(SHOP));
    assert!(is_offered("class C$0:\n    a = 1\n"));
    assert!(is_offered("def f():\n    def g(): return 1$0\n    return g\n"));
    assert!(!is_offered("def f(): ...$0\n"));
    assert!(!is_offered("class C:\n    a = 1$0\n"));
    assert!(!is_offered("x = 1$0\n"));
    assert!(!is_offered("#- /test_a.py\ndef f(): return 1$0\n"));
}

#[test]
fn tests_go_to_a_new_file() {
    check(
        SHOP,
        "from shop.cart import Cart\n\ndef test_total():\n    assert Cart().total([1, 2]) == 3\n\n",
        expect![[r#"
            #- /tests/test_cart.py
            from shop.cart import Cart

            def test_total():
                assert Cart().total([1, 2]) == 3
        "#]],
    );
}

#[test]
fn more_tests_in_a_file() {
    check(
        &format!("{SHOP}{TESTS}"),
        "\"\"\"Tests.\"\"\"\nimport math\nfrom shop.cart import Cart\n\nCART = Cart()\n\n# Both.\ndef test_total():\n    assert CART.total([1, 2]) == math.floor(3)\n",
        expect![[r#"
            #- /tests/test_cart.py
            import pytest
            from shop.cart import Cart
            import math


            def test_empty():
                assert Cart().total([]) == 0


            CART = Cart()


            # Both.
            def test_total():
                assert CART.total([1, 2]) == math.floor(3)
        "#]],
    );
}

#[test]
fn what_is_no_test_is_refused() {
    let text = format!("{SHOP}{TESTS}");
    let refused = |reply: &str, expected: Expect| check(&text, reply, expected);
    refused(
        "def check(): assert Cart().total([]) == 0\n",
        expect![[r#"
        no-tests: the code has no function whose name begins with `test_`
    "#]],
    );
    refused(
        "def test_a():\n    Cart().total([])\n",
        expect![[r#"
        no-assertion: `test_a` asserts nothing
    "#]],
    );
    refused(
        "@pytest.mark.xfail\ndef test_a():\n    assert Cart().total([]) == 1\n",
        expect![[r#"
        skipped-test: `pytest.mark.xfail` keeps tests from being run, or from failing
    "#]],
    );
    refused(
        "def test_a():\n    pytest.skip('later')\n    assert Cart().total([]) == 1\n",
        expect![[r#"
        skipped-test: `pytest.skip` keeps tests from being run, or from failing
    "#]],
    );
    refused(
        "def test_a():\n    assert Cart()\n",
        expect![[r#"
        off-target: no test uses `total`
    "#]],
    );
    refused(
        "def test_empty():\n    assert Cart().total([]) == 0\n",
        expect![[r#"
        name-taken: `test_empty` is in the test file already; leave it out, or give what is new another name
    "#]],
    );
}

#[test]
fn the_prompt_shows_the_code_and_the_tests() {
    let (workspace, target) = Workspace::with_target(&format!("{SHOP}{TESTS}"), offered);
    let target = target.unwrap();
    let seen = context(&workspace.analysis, target, 1000, &Options::default());
    let asked = ask(&workspace.analysis, target, &seen, None).unwrap();
    assert_eq!(asked.title, "Write tests for `shop.cart.Cart.total`");
    assert!(asked.user.contains("return sum(items)") && asked.user.contains("def test_empty"), "{}", asked.user);
    assert!(asked.user.contains("`from shop.cart import Cart`"), "{}", asked.user);
    assert_eq!(asked.quotes, [std::path::PathBuf::from("/tests/test_cart.py")]);
}

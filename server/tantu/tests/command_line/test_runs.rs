//! `tantu test`

use serde_json::Value;

use crate::Project;

const SHOP: &[(&str, &str)] = &[
    ("shop/__init__.py", ""),
    (
        "shop/cart.py",
        "def price(n):\n    return n * 2\n\n\nclass Cart:\n    def total(self):\n        return price(1)\n\n\ndef label(n):\n    return str(n)\n",
    ),
    (
        "tests/test_cart.py",
        "\
import pytest
from shop.cart import Cart, label, price


def test_checkout():
    assert Cart().total() == 2


@pytest.mark.parametrize('n', [1, 2])
def test_price(n):
    assert price(n) == 2 * n


def test_label():
    assert label(1) == '1'
",
    ),
    (
        "tests/test_other.py",
        "import unittest\n\n\nclass Case(unittest.TestCase):\n    def test_it(self):\n        pass\n",
    ),
];

#[test]
fn test_command_runs_all_tests_or_those_named() {
    let project = Project::new(SHOP);
    project.says(&["test"], "passed: 5 passed, N ms\n", 0);
    project.says(&["test", "tests/test_other.py"], "passed: 1 passed, N ms\n", 0);
    project.says(&["test", "tests/test_cart.py::test_price"], "passed: 2 passed, N ms\n", 0);
    project.says(&["test", "--list"], "tests/test_cart.py\ntests/test_other.py\n", 0);
    let (status, _, stderr) = project.tantu(&["test", "shop/cart.py"]);
    assert!(stderr.contains("shop/cart.py has no tests"), "{stderr}");
    assert_eq!(status, 2);
    // Beside others that have some it stops none of them.
    let (status, stdout, stderr) = project.tantu(&["test", "shop/cart.py", "tests/test_other.py"]);
    assert!(stdout.starts_with("passed: 1 passed") && stderr.contains("shop/cart.py has no tests"), "{stdout}{stderr}");
    assert_eq!(status, 0);
}

#[test]
fn a_failure_is_shown_where_it_is() {
    let project = Project::new(SHOP);
    project.write("shop/cart.py", &SHOP[1].1.replace("str(n)", "repr(n) * 2"));
    let (status, stdout, stderr) = project.tantu(&["test"]);
    assert!(stdout.starts_with("tests/test_cart.py:15: "), "{stdout}");
    assert!(stdout.contains("'11' == '1'"), "{stdout}");
    assert!(stdout.ends_with("failed: 4 passed, 1 failed, N ms\n"), "{stdout}");
    assert_eq!((status, &*stderr), (1, ""));
    let (status, stdout, _) = project.tantu(&["test", "--format", "json"]);
    let value: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&value["outcome"], &value["passed"], &value["failed"]), (&"failed".into(), &4.into(), &1.into()));
    assert_eq!(value["failures"][0]["line"], 15);
    assert_eq!(status, 1);
}

#[test]
fn tests_that_a_plugin_collects_run_with_their_folder() {
    let project = Project::new(SHOP);
    project.write("tests/test_suite.py", "class PriceSuite:\n    def test_it(self):\n        pass\n");
    let hook = "import pytest\ndef pytest_pycollect_makeitem(collector, name, obj):\n    if name.endswith('Suite'):\n        return pytest.Class.from_parent(collector, name=name, obj=obj)\n";
    project.write("tests/conftest.py", hook);
    project.says(&["test", "tests"], "passed: 6 passed, N ms\n", 0);
}

#[test]
fn what_cannot_run_here_is_named_and_the_rest_runs() {
    let project = Project::new(SHOP);
    project.write("tests/test_curses.py", "import curses\ndef test_a(): pass\n");
    project.says(
        &["test"],
        "not runnable here: tests/test_curses.py needs curses (not in the sandbox), imported by tests/test_curses.py:1\n\
         passed: 5 passed, 1 file not runnable here, N ms\n",
        1,
    );
}

#[test]
fn tests_that_a_change_affects() {
    let project = Project::new(SHOP);
    project.says(
        &["test", "--affected", "--list"],
        "outside of git nothing says what has changed: all tests\ntests/test_cart.py\ntests/test_other.py\n",
        0,
    );
    project.commit();
    let price = |body: &str| project.write("shop/cart.py", &SHOP[1].1.replace("return n * 2", body));
    price("return n * 2  # doubled");
    project.says(
        &["test", "--affected"],
        "0 tests affected: no definition has changed since the last commit\nno test to run\n",
        0,
    );
    price("return 2 * n");
    let list = "\
2 tests affected: price changed since the last commit
tests/test_cart.py:10 test_price → price
tests/test_cart.py:5 test_checkout → Cart.total → price
";
    project.says(&["test", "--affected", "--list"], list, 0);
    project.says(
        &["test", "--affected"],
        "2 tests affected: price changed since the last commit\npassed: 3 passed, N ms\n",
        0,
    );
    // Now this is the state in which all passed.
    project.says(
        &["test", "--affected"],
        "0 tests affected: no definition has changed since all tests passed\nno test to run\n",
        0,
    );
    project.says(&["test", "--affected", "--since", "HEAD", "--list"], &list.replace("the last commit", "HEAD"), 0);
}

#[test]
fn what_no_test_is_known_to_reach_is_named_and_what_loads_it_runs() {
    let project = Project::new(&[
        ("shop/cart.py", "def price(): return 1\ndef other(): return 1\n"),
        ("tests/test_cart.py", "from shop.cart import other\ndef test_other(): assert other() == 1\n"),
        ("tests/test_curses.py", "import curses\nfrom shop.cart import price\ndef test_price(): assert price() == 2\n"),
    ]);
    project.commit();
    project.write("shop/cart.py", "def price(): return 1\ndef other(): return 1\nTAX = 2\n");
    let list = "\
at least 2 tests affected: TAX changed since the last commit
no test is known to reach TAX: 2 tests that load the module for that
not runnable here: tests/test_curses.py needs curses (not in the sandbox), imported by tests/test_curses.py:1
tests/test_cart.py:2 loads the module: test_other → tests.test_cart → shop.cart
tests/test_curses.py:3 not runnable here: loads the module: test_price → tests.test_curses → shop.cart
";
    project.says(&["test", "--affected", "--list"], list, 0);
    let (_, stdout, _) = project.tantu(&["test", "--affected", "--list", "--format", "json"]);
    let value: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&value["complete"], &value["unreached"]), (&false.into(), &serde_json::json!(["TAX"])));
    let shown = |test: &Value| format!("{} {} {}", test["id"], test["step"], test["runnable"]);
    assert_eq!(
        value["affected"].as_array().unwrap().iter().map(shown).collect::<Vec<_>>(),
        [r#""tests/test_cart.py::test_other" "module" true"#, r#""tests/test_curses.py::test_price" "module" false"#,]
    );
}

#[test]
fn what_failed_before_comes_first() {
    let project = Project::new(SHOP);
    project.commit();
    project.write("shop/cart.py", &SHOP[1].1.replace("price(1)", "price(2)").replace("n * 2", "2 * n"));
    let (status, stdout, _) = project.tantu(&["test", "--affected"]);
    assert!(stdout.starts_with("2 tests affected: price, Cart.total changed since the last commit\n"), "{stdout}");
    assert!(stdout.ends_with("failed: 2 passed, 1 failed, N ms\n"), "{stdout}");
    assert_eq!(status, 1);
    let (_, stdout, _) = project.tantu(&["test", "--affected", "--list", "--format", "json"]);
    let value: Value = serde_json::from_str(&stdout).unwrap();
    let affected = value["affected"].as_array().unwrap();
    let shown = |test: &Value| format!("{} {} {}", test["id"], test["via"], test["failed_before"]);
    assert_eq!(
        affected.iter().map(shown).collect::<Vec<_>>(),
        [
            r#""tests/test_cart.py::test_checkout" ["test_checkout","Cart.total"] true"#,
            r#""tests/test_cart.py::test_price" ["test_price","price"] false"#,
        ]
    );
}

#[test]
fn what_executed_the_change_comes_first() {
    let project = Project::new(&[
        ("a.py", "def f(flag):\n    return g() if flag else 1\ndef g():\n    return 1\n"),
        (
            "test_a.py",
            "from a import f\ndef test_without(): assert f(False) == 1\ndef test_with(): assert f(True) == 1\n",
        ),
    ]);
    project.commit();
    let affected = || {
        let (_, stdout, _) = project.tantu(&["test", "--affected", "--since", "HEAD", "--list", "--format", "json"]);
        let value: Value = serde_json::from_str(&stdout).unwrap();
        let shown = |test: &Value| format!("{} {}", test["id"].as_str().unwrap(), test["executed"]);
        value["affected"].as_array().unwrap().iter().map(shown).collect::<Vec<_>>()
    };
    let change = || project.write("a.py", "def f(flag):\n    return g() if flag else 1\ndef g():\n    return 2\n");
    change();
    assert_eq!(affected(), ["test_a.py::test_without null", "test_a.py::test_with null"]);
    project.write("a.py", "def f(flag):\n    return g() if flag else 1\ndef g():\n    return 1\n");
    project.says(&["test"], "passed: 2 passed, N ms\n", 0);
    change();
    assert_eq!(affected(), ["test_a.py::test_with true", "test_a.py::test_without false"]);
}

#[test]
fn mutants_that_no_test_notices_are_listed() {
    let project = Project::new(SHOP);
    project.says(&["mutate", "shop.cart:price"], "5 of 5 mutants killed by 2 tests of shop.cart.price\n", 0);
    let weak = "from shop.cart import label, price\n\n\ndef test_price():\n    assert price(0) == 0\n\n\ndef test_wrong():\n    assert price(1) == 3\n";
    project.write("tests/test_cart.py", weak);
    let (status, stdout, _) = project.tantu(&["mutate", "shop/cart.py:1"]);
    assert!(stdout.starts_with("shop/cart.py:2: no test notices that "), "{stdout}");
    assert!(stdout.contains("tests/test_cart.py::test_wrong: left aside, it does not pass as it is\n"), "{stdout}");
    assert!(stdout.contains(" killed by 1 test of shop.cart.price\n"), "{stdout}");
    assert_eq!(status, 1);
    let (status, _, stderr) = project.tantu(&["mutate", "shop.cart:label"]);
    assert!(stderr.contains("no test is known to reach shop.cart.label"), "{stderr}");
    assert_eq!(status, 2);
}

#[test]
fn coverage_is_told_and_written() {
    let project = Project::new(SHOP);
    project.write("shop/unused.py", "import os\n\n\ndef f():\n    return os.name\n");
    let args = ["test", "tests/test_cart.py::test_price", "--coverage", "--lcov", "lcov.info", "--cobertura", "c.xml"];
    let expected = "\
file            statements  missed        lines
shop/cart.py             7       2  71 %  7, 11
shop/unused.py           3       3   0 %  1-5
50 % of 10 statements in 3 files executed
passed: 2 passed, N ms
";
    project.says(&args, expected, 0);
    let read = |name: &str| project.read(name);
    assert!(
        read("lcov.info").contains("SF:shop/cart.py\nDA:1,1\nDA:2,1\nDA:5,1\nDA:6,1\nDA:7,0\n"),
        "{}",
        read("lcov.info")
    );
    assert!(read("c.xml").contains("<class name=\"shop/unused.py\" filename=\"shop/unused.py\" line-rate=\"0.0000\""));
    let (_, stdout, _) = project.tantu(&["test", "tests/test_cart.py", "--coverage", "--format", "json"]);
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["coverage"][1]["missed"], serde_json::json!([]), "{report}");
}

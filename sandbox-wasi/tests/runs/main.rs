//! What ordinary code does in the sandbox. Needs the guest: `cargo xtask guest`.

#[path = "../support/sandbox.rs"]
mod support;

mod cells;
mod compared;
mod coverage;
mod generated;
mod laws;
mod refusals;
mod results;
mod shapes;
mod writable;

use std::fs;
use std::path::PathBuf;

use sandbox::{Action, Outcome, Request, Status};
use support::{Workspace, run, script};

fn pytest(targets: &[&str]) -> Action {
    Action::Pytest { targets: targets.iter().map(|&target| target.into()).collect() }
}

fn doctest(path: &str, name: Option<&str>) -> Action {
    Action::Doctest { path: path.into(), name: name.map(str::to_owned) }
}

fn code(text: &str, first_line: u32) -> Action {
    Action::Code { text: text.into(), filename: "notebook.py".into(), first_line }
}

/// Outcome, counts, and `path:line: first line of the message` of each failure.
fn summary(outcome: &Outcome) -> String {
    let mut summary = format!("{} {} {}", outcome.outcome, outcome.passed, outcome.failed);
    for failure in &outcome.failures {
        let message = failure.message.lines().next().unwrap_or_default();
        summary += &format!("\n{}:{}: {message}", failure.path, failure.line);
    }
    summary
}

#[track_caller]
fn check(outcome: &Outcome, expected: &str) {
    assert_eq!(summary(outcome), expected, "{outcome:#?}");
}

#[test]
fn a_script_that_ends_has_passed() {
    let ws = Workspace::new([
        ("app.py", "import sys, lib.sums\nprint(lib.sums.add(1, 1), file=sys.stderr)\nprint(__name__, sys.argv)\n"),
        ("lib/sums.py", "def add(a, b): return a + b\n"),
    ]);
    let outcome = ws.run(script("app.py"));
    check(&outcome, "passed 0 0");
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("__main__ ['app.py']\n", "2\n"));
    assert_eq!(outcome.exit, Some(0));
}

#[test]
fn a_script_that_raises_fails_at_the_innermost_line_of_the_workspace() {
    let ws = Workspace::new([
        ("main.py", "import parse\n\nparse.number('x')\n"),
        ("parse.py", "import json\ndef number(text):\n    return json.loads(text)\n"),
    ]);
    let outcome = ws.run(script("main.py"));
    check(&outcome, "failed 0 0\nparse.py:3: json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)");
    assert!(
        outcome.stderr.starts_with("Traceback (most recent call last):\n  File \"main.py\", line 3, in <module>\n"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.exit, Some(1));
}

#[test]
fn the_exit_status_is_passed_on() {
    let ws = Workspace::new([
        ("three.py", "import sys\nsys.exit(3)\n"),
        ("zero.py", "raise SystemExit\n"),
        ("text.py", "exit('bad')\n"),
    ]);
    let three = ws.run(script("three.py"));
    check(&three, "failed 0 0\nthree.py:2: exited with status 3");
    assert_eq!(three.exit, Some(3));
    check(&ws.run(script("zero.py")), "passed 0 0");
    let text = ws.run(script("text.py"));
    check(&text, "failed 0 0\ntext.py:1: exited with status 1");
    assert_eq!(text.stderr, "bad\ntantu: text.py:1: exited with status 1\n");
}

#[test]
fn a_syntax_error_is_no_failure() {
    let ws = Workspace::new([("broken.py", "x = 1\ndef f(:\n")]);
    check(&ws.run(script("broken.py")), "error 0 0\nbroken.py:2: SyntaxError: invalid syntax");
}

#[test]
fn a_module_of_a_package_runs_with_relative_imports() {
    let ws = Workspace::new([
        ("src/shop/__init__.py", ""),
        ("src/shop/prices.py", "VAT = 0.2\n"),
        ("src/shop/cli.py", "from .prices import VAT\nfrom shop import prices\nimport prices as sibling\nprint(VAT)\n"),
    ]);
    check(&ws.run(script("src/shop/cli.py")), "passed 0 0");
}

#[test]
fn modules_of_the_workspace_hide_those_of_the_library() {
    let ws = Workspace::new([
        ("main.py", "import queue, statistics, json, app\nprint(queue.MINE, statistics.MINE, json.dumps(app.MINE))\n"),
        ("queue.py", "MINE = 1\n"),
        ("statistics/__init__.py", "MINE = 2\n"),
        ("app.py", "MINE = 3\n"),
    ]);
    let outcome = ws.run(script("main.py"));
    check(&outcome, "passed 0 0");
    assert_eq!(outcome.stdout, "1 2 3\n");
}

#[test]
fn code_runs_at_its_lines_and_shows_its_value() {
    let ws = Workspace::new([("notebook.py", "# a stale version\n")]);
    let outcome = ws.run(code("x = 20\nx + 1\n", 7));
    check(&outcome, "passed 0 0");
    assert_eq!(outcome.stdout, "21\n");

    let outcome = ws.run(code("x = 20\nx / 0\n", 7));
    check(&outcome, "failed 0 0\nnotebook.py:8: ZeroDivisionError: division by zero");
    assert!(outcome.stderr.contains("  File \"notebook.py\", line 8, in <module>\n    x / 0\n"), "{}", outcome.stderr);
}

#[test]
fn an_indented_selection_runs() {
    let ws = Workspace::new([]);
    let outcome = ws.run(code("    total = sum(range(4))\n    for _ in range(2):\n        total += 1\n    total\n", 3));
    check(&outcome, "passed 0 0");
    assert_eq!(outcome.stdout, "8\n");
    check(
        &ws.run(code("    a = 1\n    b = a / 0\n", 3)),
        "failed 0 0\nnotebook.py:4: ZeroDivisionError: division by zero",
    );
}

#[test]
fn unsaved_text_lies_in_front_of_the_disk_for_one_run() {
    let ws = Workspace::new([("main.py", "import lib\nprint(lib.VALUE)\n"), ("lib.py", "VALUE = 'disk'\n")]);
    let overlay = |text: &str| vec![(PathBuf::from("lib.py"), text.to_owned())];
    let request = |overlay| Request { overlay, ..ws.request(script("main.py")) };
    assert_eq!(run(&request(overlay("VALUE = 'unsaved'\n"))).stdout, "unsaved\n");
    // The same length and the same moment: neither may be mistaken for the other.
    assert_eq!(run(&request(overlay("VALUE = 'edited!'\n"))).stdout, "edited!\n");
    assert_eq!(run(&request(vec![])).stdout, "disk\n");
    fs::write(ws.path().join("lib.py"), "VALUE = 'newer'\n").unwrap();
    assert_eq!(run(&request(vec![])).stdout, "newer\n");
}

#[test]
fn an_overlay_may_add_files() {
    let ws = Workspace::new([("a.py", "VALUE = 1\n")]);
    let overlay = vec![("tests/unit/test_new.py".into(), "import a\ndef test_it(): assert a.VALUE == 1\n".into())];
    let request = Request { overlay, ..ws.request(pytest(&["tests/unit/test_new.py"])) };
    check(&run(&request), "passed 1 0");
    let outcome = ws.run(pytest(&["tests/unit/test_new.py"]));
    assert_eq!(outcome.outcome, Status::Refused, "{outcome:?}");
    assert_eq!(outcome.stderr, "tantu: there is no tests/unit/test_new.py in the workspace that the sandbox sees\n");
}

const STACK: &str = r#""""A stack.

>>> Stack().push(1)
1
"""

import functools


def traced(f):
    @functools.wraps(f)
    def wrapper(*arguments):
        return f(*arguments)
    return wrapper


class Stack:
    """
    >>> Stack().pop()
    Traceback (most recent call last):
    IndexError: pop from empty list
    """

    def __init__(self):
        self.items = []

    @traced
    def push(self, item):
        """
        >>> stack = Stack()
        >>> stack.push(2)
        3
        """
        self.items.append(item)
        return item

    def pop(self):
        return self.items.pop()


def broken():
    """
    >>> broken()
    """
    return 1 / 0
"#;

#[test]
fn doctests_fail_at_the_line_of_their_example() {
    let ws = Workspace::new([("stack.py", STACK)]);
    check(
        &ws.run(doctest("stack.py", None)),
        "failed 3 2\nstack.py:31: Expected:\nstack.py:43: ZeroDivisionError: division by zero",
    );
}

#[test]
fn one_doctest_is_picked_by_qualified_name() {
    let ws = Workspace::new([("stack.py", STACK)]);
    check(&ws.run(doctest("stack.py", Some("Stack.push"))), "failed 1 1\nstack.py:31: Expected:");
    check(&ws.run(doctest("stack.py", Some("Stack"))), "failed 2 1\nstack.py:31: Expected:");
    check(
        &ws.run(doctest("stack.py", Some("Stack.pop"))),
        "error 0 0\nstack.py:1: there is no doctest in Stack.pop in stack.py",
    );
}

#[test]
fn doctests_of_packages_and_text_files_run() {
    let ws = Workspace::new([
        ("pkg/__init__.py", ""),
        ("pkg/base.py", "ONE = 1\n"),
        (
            "pkg/sums.py",
            "from .base import ONE\n\ndef more(n):\n    '''\n    >>> more(1)\n    2\n    '''\n    return n + ONE\n",
        ),
        ("docs/guide.md", "# Guide\n\n>>> from pkg.sums import more\n>>> more(2)\n4\n"),
    ]);
    check(&ws.run(doctest("pkg/sums.py", Some("more"))), "passed 1 0");
    check(&ws.run(doctest("docs/guide.md", None)), "failed 1 1\ndocs/guide.md:4: Expected:");
}

#[test]
fn examples_of_the_package_by_its_name_have_it() {
    let text = |examples: &str| format!("def more(n):\n    '''\n{examples}    '''\n    return n + 1\n");
    let run = |examples: &str| {
        let ws = Workspace::new([
            ("pkg/__init__.py", "from .sums import more as plus\n"),
            ("pkg/sums.py", &*text(examples)),
            ("data/table.csv", ""),
        ]);
        ws.run(doctest("pkg/sums.py", Some("more")))
    };
    check(&run("    >>> pkg.sums.more(1)\n    2\n    >>> plus(1)\n    2\n"), "passed 2 0");
    check(&run("    >>> pkg = 3\n    >>> pkg\n    3\n"), "passed 2 0");
    check(&run("    >>> data\n"), "failed 0 1\npkg/sums.py:3: NameError: name 'data' is not defined");
}

#[test]
fn examples_that_are_skipped_for_their_order_are_compared_by_value() {
    let text = |example: &str| format!("def f(*keys):\n    '''\n{example}    '''\n    return dict.fromkeys(keys, 1)\n");
    let run = |example: &str| Workspace::new([("a.py", &*text(example))]).run(doctest("a.py", Some("f")));
    check(&run("    >>> f('b', 'a')  # doctest: +SKIP\n    {'a': 1, 'b': 1}\n"), "passed 1 0");
    check(&run("    >>> f('b')  # doctest: +SKIP\n    {'a': 1}\n"), "failed 0 1\na.py:3: Expected:");
    // Others are skipped for reasons that nobody knows, or go on from what was skipped.
    check(&run("    >>> f('b')  # doctest: +SKIP\n    {'a': now}\n    >>> 1\n    1\n"), "passed 1 0");
    check(&run("    >>> f(1)  # doctest: +SKIP\n    '1'\n    >>> 1\n    1\n"), "passed 1 0");
    check(&run("    >>> f(b)  # doctest: +SKIP\n    {'a': 1}\n    >>> 1\n    1\n"), "passed 1 0");
}

#[test]
fn a_module_named_like_one_of_the_library_has_its_own_doctests() {
    let ws = Workspace::new([("queue.py", "'''\n>>> MINE\n1\n'''\nMINE = 1\n")]);
    check(&ws.run(doctest("queue.py", None)), "passed 1 0");
}

const FIVE: &str = r#"
import asyncio
import pytest
import calc


@pytest.fixture
def numbers():
    return [1, 2, 3]


def test_total(numbers):
    assert calc.total(numbers) == 6


def test_wrong(numbers):
    expected = {"a": 1}
    assert {"a": calc.total(numbers)} == expected


@pytest.mark.parametrize("n", [0, 1])
def test_raises(n):
    with pytest.raises(TypeError):
        calc.total(n)


def test_async():
    async def later():
        await asyncio.sleep(0.01)
        return 5
    assert asyncio.run(later()) == 5
"#;

#[test]
fn pytest_runs_with_rewritten_assertions() {
    let ws =
        Workspace::new([("calc.py", "def total(numbers):\n    return sum(numbers)\n"), ("tests/test_calc.py", FIVE)]);
    let outcome = ws.run(pytest(&["tests/test_calc.py"]));
    check(&outcome, "failed 4 1\ntests/test_calc.py:18: assert {'a': 6} == {'a': 1}");
    assert!(outcome.failures[0].message.contains("Differing items:"), "{}", outcome.failures[0].message);
    assert!(outcome.stdout.contains("1 failed, 4 passed"), "{}", outcome.stdout);
    assert_eq!(outcome.exit, Some(1));
}

#[test]
fn pytest_runs_single_tests() {
    let ws =
        Workspace::new([("calc.py", "def total(numbers):\n    return sum(numbers)\n"), ("tests/test_calc.py", FIVE)]);
    check(&ws.run(pytest(&["tests/test_calc.py::test_total", "tests/test_calc.py::test_raises[1]"])), "passed 2 0");
    check(
        &ws.run(pytest(&["tests/test_calc.py::test_gone"])),
        "error 0 0\ntests/test_calc.py:1: not found: tests/test_calc.py::test_gone",
    );
}

#[test]
fn a_failure_in_the_code_is_shown_in_the_test() {
    let ws = Workspace::new([
        ("calc.py", "def half(n):\n    return n / 0\n"),
        ("test_calc.py", "from calc import half\n\ndef test_half():\n    value = 4\n    assert half(value) == 2\n"),
    ]);
    check(&ws.run(pytest(&["test_calc.py"])), "failed 0 1\ntest_calc.py:5: ZeroDivisionError: division by zero");
}

#[test]
fn fixtures_of_pytest_and_of_conftest_work() {
    let ws = Workspace::new([
        ("conftest.py", "import pytest\n\n@pytest.fixture(scope='session')\ndef answer(): return 42\n"),
        ("tests/conftest.py", "import pytest\n\n@pytest.fixture\ndef double(answer): return 2 * answer\n"),
        (
            "tests/test_fixtures.py",
            r"
import logging, os, sys, warnings

def test_conftest(double): assert double == 84

def test_tmp_path(tmp_path, tmp_path_factory):
    (tmp_path / 'a.txt').write_text('é')
    assert (tmp_path / 'a.txt').read_text() == 'é'
    assert tmp_path_factory.mktemp('more').is_dir()

def test_capsys(capsys):
    print('hello')
    assert capsys.readouterr().out == 'hello\n'

def test_monkeypatch(monkeypatch):
    monkeypatch.setenv('KEY', 'value')
    monkeypatch.setattr(sys, 'platform', 'linux')
    assert os.environ['KEY'] == 'value' and sys.platform == 'linux'

def test_caplog(caplog):
    logging.getLogger('x').warning('careful')
    assert 'careful' in caplog.text

def test_recwarn(recwarn):
    warnings.warn('old', DeprecationWarning)
    assert len(recwarn) == 1

def test_devnull():
    with open(os.devnull, 'w') as sink: sink.write('x')
",
        ),
    ]);
    check(&ws.run(pytest(&["tests"])), "passed 7 0");
}

#[test]
fn unittest_cases_run() {
    let ws = Workspace::new([(
        "test_unit.py",
        r"
import unittest

class Sums(unittest.TestCase):
    def setUp(self): self.one = 1

    def test_right(self): self.assertEqual(self.one + 1, 2)

    def test_wrong(self):
        self.assertEqual(self.one + 1, 3)

    @unittest.skip('later')
    def test_skipped(self): pass

    @unittest.expectedFailure
    def test_expected(self): self.fail()

    def test_parts(self):
        for n in range(3):
            with self.subTest(n=n): self.assertNotEqual(n, 1)

class Async(unittest.IsolatedAsyncioTestCase):
    async def test_async(self): self.assertTrue(True)
",
    )]);
    check(
        &ws.run(pytest(&["test_unit.py"])),
        "failed 3 2\ntest_unit.py:20: AssertionError: 1 == 1\ntest_unit.py:10: AssertionError: 2 != 3",
    );
}

#[test]
fn doctests_that_the_project_asks_of_pytest_fail_at_their_lines() {
    let ws = Workspace::new([
        ("pytest.ini", "[pytest]\naddopts = --doctest-modules\n"),
        (
            "sums.py",
            "def add(a, b):\n    '''\n    >>> add(1, 1)\n    2\n    >>> add(1, 2)\n    4\n    '''\n    return a + b\n",
        ),
    ]);
    let outcome = ws.run(pytest(&["sums.py"]));
    check(&outcome, "failed 0 1\nsums.py:5: Expected:");
    // A whole workspace is its own root.
    check(&ws.run(pytest(&[])), "failed 0 1\nsums.py:5: Expected:");
}

#[test]
fn options_of_absent_plugins_are_set_aside() {
    let ws = Workspace::new([
        (
            "pyproject.toml",
            "[tool.pytest.ini_options]\naddopts = '--cov=shop -n auto'\nrequired_plugins = ['pytest-cov']\npythonpath = ['lib']\nasyncio_mode = 'auto'\n",
        ),
        ("lib/shop.py", "PRICE = 1\n"),
        ("test_shop.py", "from shop import PRICE\ndef test_price(): assert PRICE == 1\n"),
    ]);
    let outcome = ws.run(pytest(&["test_shop.py"]));
    check(&outcome, "passed 1 0");
    let said = "tantu: without pytest's options --cov=shop -n auto\n\
                tantu: without pytest's setting: Unknown config option: asyncio_mode\n";
    assert_eq!(outcome.stderr.trim_end(), said.trim_end());
}

#[test]
fn what_needs_a_package_is_not_runnable() {
    let ws = Workspace::new([
        ("script.py", "\nimport numpy as np\n"),
        ("numbers_.py", "import numpy\n\ndef f():\n    '''\n    >>> 1\n    1\n    '''\n"),
        ("test_a.py", "import numbers_\n\ndef test_it(): pass\n"),
        ("test_b.py", "def test_fine(): pass\ndef test_late():\n    import pandas\ndef test_plugin(mocker): pass\n"),
        ("test_c.py", "import pytest\nnumpy = pytest.importorskip('numpy')\ndef test_it(): pass\n"),
        ("test_d.py", "import curses\ndef test_it(): pass\n"),
        ("test_e.py", "async def test_it(): pass\n"),
        ("deep/conftest.py", "import redis.asyncio\n"),
        ("deep/test_f.py", "def test_it(): pass\n"),
        ("fast/__init__.py", "from . import _speed\n"),
        ("fast/_speed.c", "int x;\n"),
        ("test_g.py", "import fast\ndef test_it(): pass\n"),
    ]);
    let outcome = ws.run(script("script.py"));
    check(&outcome, "not-runnable 0 0\nscript.py:2: needs numpy");
    assert!(outcome.stderr.contains("needs numpy"), "{}", outcome.stderr);
    check(&ws.run(doctest("numbers_.py", None)), "not-runnable 0 0\nnumbers_.py:1: needs numpy");
    check(&ws.run(pytest(&["test_a.py"])), "not-runnable 0 0\ntest_a.py:1: needs numpy");
    check(
        &ws.run(pytest(&["test_b.py"])),
        "not-runnable 1 0\ntest_b.py:3: needs pandas\ntest_b.py:4: needs pytest-mock",
    );
    check(
        &ws.run(pytest(&["test_c.py"])),
        "not-runnable 0 0\ntest_c.py:2: every test was skipped: Skipped: could not import 'numpy': No module named 'numpy'",
    );
    check(&ws.run(pytest(&["test_d.py"])), "not-runnable 0 0\ntest_d.py:1: needs curses");
    check(&ws.run(pytest(&["test_e.py"])), "not-runnable 0 0\ntest_e.py:1: needs a pytest plugin for async tests");
    check(&ws.run(pytest(&["deep"])), "not-runnable 0 0\ndeep/conftest.py:1: needs redis");
    check(&ws.run(pytest(&["test_g.py"])), "not-runnable 0 0\ntest_g.py:1: needs fast._speed, which must be compiled");
}

#[test]
fn packages_of_the_environment_are_used_if_they_need_no_compiler() {
    let site = |path: &str| format!(".venv/lib/python3.14/site-packages/{path}");
    let files = [
        (
            site("web/__init__.py"),
            "import importlib.metadata, six_\nfrom .app import run\nversion = importlib.metadata.version('Web-Kit')\n",
        ),
        (site("web/app.py"), "import queue\ndef run(): return queue.Queue().qsize()\n"),
        (site("web/types.py"), ""),
        (site("web_kit-1.5.dist-info/METADATA"), "Metadata-Version: 2.1\nName: web-kit\nVersion: 1.5\n"),
        (site("six_.py"), ""),
        (site("queue.py"), "raise AssertionError('hides the library')\n"),
        (
            site("fast/__init__.py"),
            "try:\n    from . import _core\nexcept ImportError as error:\n    raise ImportError('badly installed') from error\n",
        ),
        (site("fast/_core.cpython-314-x86_64-linux-gnu.so"), "ELF"),
        ("main.py".into(), "import web\nprint(web.run(), web.version)\n"),
        ("test_web.py".into(), "import web\ndef test_it(): assert web.run() == 0\n"),
        ("test_fast.py".into(), "import fast\ndef test_it(): pass\n"),
        ("test_gone.py".into(), "import web.gone\ndef test_it(): pass\n"),
    ];
    let ws = Workspace::new(files.iter().map(|(path, text)| (path.as_str(), *text)));
    let outcome = ws.run(script("main.py"));
    check(&outcome, "passed 0 0");
    assert_eq!(outcome.stdout, "0 1.5\n");
    check(&ws.run(pytest(&["test_web.py"])), "passed 1 0");
    check(&ws.run(pytest(&["test_fast.py"])), "not-runnable 0 0\ntest_fast.py:1: needs fast, which must be compiled");
    check(&ws.run(pytest(&["test_gone.py"])), "not-runnable 0 0\ntest_gone.py:1: needs web");
}

#[test]
fn a_module_missing_from_the_workspace_is_the_codes_own_mistake() {
    let ws = Workspace::new([
        ("shop/__init__.py", ""),
        ("shop/prices.json", "{}"),
        ("test_a.py", "import shop.prices\ndef test_it(): pass\n"),
        ("test_b.py", "from json import nothing\ndef test_it(): pass\n"),
        ("test_c.py", "import pkg_that_handles\ndef test_it(): assert pkg_that_handles.np is None, 'fine'\n"),
        ("pkg_that_handles.py", "try:\n    import numpy as np\nexcept ImportError:\n    np = None\n"),
    ]);
    check(
        &ws.run(pytest(&["test_a.py"])),
        "error 0 0\ntest_a.py:1: ModuleNotFoundError: No module named 'shop.prices'",
    );
    assert_eq!(ws.run(pytest(&["test_b.py"])).outcome, Status::Error);
    check(&ws.run(pytest(&["test_c.py"])), "passed 1 0");
}

#[test]
fn tests_that_do_not_parse_and_files_without_tests_are_errors() {
    let ws = Workspace::new([("test_a.py", "def test_it():\n    assert (\n"), ("test_b.py", "x = 1\n")]);
    let outcome = ws.run(pytest(&["test_a.py"]));
    assert_eq!((outcome.outcome, outcome.failures[0].line), (Status::Error, 2), "{outcome:#?}");
    check(&ws.run(pytest(&["test_b.py"])), "error 0 0\ntest_b.py:1: there is no test here");
}

#[test]
fn the_library_is_there() {
    let ws = Workspace::new([(
        "main.py",
        r"
import asyncio, dataclasses, decimal, hashlib, sqlite3, tempfile, tomllib, uuid, zlib, zoneinfo
import xml.dom.minidom, email.mime.text, logging.handlers, concurrent.futures, json.tool, wsgiref.util

assert sqlite3.connect(':memory:').execute('select 1+1').fetchone() == (2,)
assert zlib.decompress(zlib.compress(b'x')) == b'x'

async def main():
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        tasks = [group.create_task(asyncio.sleep(0.01, n)) for n in range(3)]
    return [task.result() for task in tasks]

assert asyncio.run(main()) == [0, 1, 2]
with tempfile.TemporaryDirectory() as folder:
    open(folder + '/a', 'w').write('x')
print(dataclasses.make_dataclass('P', ['x'])(uuid.uuid4() != uuid.uuid4()))
",
    )]);
    let outcome = ws.run(script("main.py"));
    check(&outcome, "passed 0 0");
    assert_eq!(outcome.stdout, "P(x=True)\n");
}

#[test]
fn each_run_has_a_fresh_interpreter_and_other_random_numbers() {
    let ws = Workspace::new([(
        "main.py",
        "import os, random, sys\nassert not hasattr(sys, 'mark') and not os.listdir('/tmp')\nsys.mark = 1\nopen('/tmp/mark', 'w').close()\nprint(random.random())\n",
    )]);
    let (first, second) = (ws.run(script("main.py")), ws.run(script("main.py")));
    check(&first, "passed 0 0");
    check(&second, "passed 0 0");
    assert_ne!(first.stdout, second.stdout);
}

//! What is told of single tests, while they run and in the end.

use std::sync::Mutex;

use sandbox::{Event, Request, Status, Stream, Verdict};

use crate::support::{Workspace, host, run, script};
use crate::{check, pytest};

const SUITE: &str = r#"
import sys
import pytest
from lib import half


@pytest.mark.parametrize("n", [2, "x"])
def test_half(n):
    print("halving", n)
    print("careful", file=sys.stderr)
    assert half(n) == 1


@pytest.mark.skip(reason="later")
def test_skipped(): pass


@pytest.mark.xfail(reason="known")
def test_known(): assert False


class TestMore:
    def test_net(self):
        import socket
        socket.create_connection(("localhost", 80))

    def test_package(self):
        import numpy

    @pytest.fixture
    def broken(self):
        raise KeyError("fixture")

    def test_fixture(self, broken): pass
"#;

fn suite() -> Workspace {
    Workspace::new([("lib.py", "def half(n):\n    return n / 2\n"), ("tests/test_half.py", SUITE)])
}

#[test]
fn each_test_has_its_verdict() {
    let ws = suite();
    let outcome = ws.run(pytest(&["tests"]));
    assert_eq!((outcome.outcome, outcome.passed, outcome.failed), (Status::Failed, 2, 2), "{outcome:#?}");
    let tests: Vec<_> = outcome
        .tests
        .iter()
        .map(|it| {
            let id = it.id.strip_prefix("tests/test_half.py::").unwrap();
            assert_eq!(it.path, "tests/test_half.py");
            let message = it.message.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
            format!("{id}:{} {} {message}", it.line, serde_json::to_string(&it.verdict).unwrap())
        })
        .collect();
    assert_eq!(
        tests,
        [
            r#"test_half[2]:7 "passed" "#,
            r#"test_half[x]:7 "failed" TypeError: unsupported operand type(s) for /: 'str' and 'int'"#,
            r#"test_skipped:14 "skipped" later"#,
            r#"test_known:18 "passed" expected to fail: known"#,
            r#"TestMore::test_net:23 "not-runnable" not allowed in the sandbox: socket.gaierror: [Errno -4] Non-recoverable error"#,
            r#"TestMore::test_package:27 "not-runnable" needs numpy"#,
            r#"TestMore::test_fixture:34 "failed" KeyError: 'fixture'"#,
        ]
    );
}

#[test]
fn a_failure_has_the_lines_that_led_to_it_and_what_the_test_wrote() {
    let ws = suite();
    let outcome = ws.run(pytest(&["tests/test_half.py::test_half"]));
    check(&outcome, "failed 1 1\ntests/test_half.py:11: TypeError: unsupported operand type(s) for /: 'str' and 'int'");
    let failure = &outcome.failures[0];
    let related: Vec<_> = failure.related.iter().map(|it| format!("{}:{}: {}", it.path, it.line, it.text)).collect();
    assert_eq!(related, ["tests/test_half.py:11: assert half(n) == 1", "lib.py:2: return n / 2"]);
    assert_eq!(failure.output, "halving x\ncareful\n");
}

#[test]
fn explanations_and_lines_of_assertions_are_those_of_pytest() {
    let ws = Workspace::new([(
        "test_a.py",
        "def test_a():\n    found = [1, 2, 3]\n    assert sum(\n        found\n    ) == 7\n",
    )]);
    let outcome = ws.run(pytest(&["test_a.py"]));
    check(&outcome, "failed 0 1\ntest_a.py:3: assert 6 == 7");
    assert!(outcome.failures[0].message.contains("+  where 6 = sum([1, 2, 3])"), "{outcome:#?}");
    assert_eq!(outcome.tests[0].message.as_ref(), Some(&outcome.failures[0].message));
}

#[test]
fn files_that_cannot_run_here_do_not_keep_others_from_running() {
    let ws = Workspace::new([
        ("tests/test_a.py", "import curses\ndef test_it(): pass\n"),
        ("tests/test_b.py", "def test_it(): pass\n"),
    ]);
    check(&ws.run(pytest(&["tests"])), "not-runnable 1 0\ntests/test_a.py:1: needs curses");
}

#[test]
fn a_file_that_exits_while_it_is_imported_ends_alone() {
    let ws = Workspace::new([
        ("tests/test_a.py", "import sys\nsys.exit('no numpy')\ndef test_it(): pass\n"),
        ("tests/test_b.py", "def test_it(): pass\n"),
    ]);
    let outcome = ws.run(pytest(&["tests"]));
    assert_eq!((outcome.outcome, outcome.passed), (Status::Error, 1), "{outcome:#?}");
    assert_eq!(outcome.failures[0].path, "tests/test_a.py", "{outcome:#?}");
}

#[test]
fn markers_and_settings_of_absent_plugins_are_known_under_strict_settings() {
    let ws = Workspace::new([
        (
            "pyproject.toml",
            "[tool.pytest.ini_options]\naddopts = '--strict-markers --strict-config'\nasyncio_default_fixture_loop_scope = 'function'\n",
        ),
        ("test_a.py", "import pytest\n@pytest.mark.anyio\ndef test_it(): pass\n"),
        ("test_b.py", "import pytest\n@pytest.mark.slwo\ndef test_it(): pass\n"),
    ]);
    check(&ws.run(pytest(&["test_a.py"])), "passed 1 0");
    assert_eq!(ws.run(pytest(&["test_b.py"])).outcome, Status::Error);
}

#[test]
fn modules_that_pytest_itself_uses_are_the_workspaces_own() {
    let ws = Workspace::new([
        ("packaging/__init__.py", "MINE = 1\n"),
        ("pluggy.py", "MINE = 2\n"),
        ("test_a.py", "import packaging, pluggy\ndef test_it(): assert (packaging.MINE, pluggy.MINE) == (1, 2)\n"),
    ]);
    check(&ws.run(pytest(&["test_a.py"])), "passed 1 0");
}

#[test]
fn a_long_output_is_kept_from_its_end() {
    let ws =
        Workspace::new([("test_a.py", "def test_a():\n    print('x' * 50_000)\n    print('last')\n    assert 0\n")]);
    let output = &ws.run(pytest(&["test_a.py"])).failures[0].output;
    assert!(output.len() <= 16 << 10 && output.ends_with("x\nlast\n"), "{}", output.len());
}

#[test]
fn a_script_has_the_lines_that_led_to_its_end() {
    let ws = Workspace::new([("main.py", "def f():\n    g()\ndef g():\n    raise KeyError\nf()\n")]);
    let outcome = ws.run(script("main.py"));
    let lines: Vec<_> = outcome.failures[0].related.iter().map(|it| it.line).collect();
    assert_eq!(lines, [5, 2, 4]);
}

#[test]
fn output_and_tests_are_told_while_they_come() {
    let ws = Workspace::new([(
        "test_slow.py",
        "import time\ndef test_a(): time.sleep(0.3)\ndef test_b():\n    time.sleep(0.3)\n    assert 0\n",
    )]);
    let events = Mutex::new(Vec::new());
    let request = ws.request(pytest(&["test_slow.py"]));
    let outcome = host().run(&request, &|event| events.lock().unwrap().push(event)).unwrap();
    let events = events.into_inner().unwrap();
    assert_eq!(events[0], Event::Running);
    let position = |id: &str| {
        events.iter().position(|event| matches!(event, Event::Test(result) if result.id.ends_with(id))).unwrap()
    };
    let tests: Vec<_> =
        events.iter().filter_map(|it| if let Event::Test(it) = it { Some(it.clone()) } else { None }).collect();
    assert_eq!(tests, outcome.tests);
    // Something was told between the two.
    let between = &events[position("test_a")..position("test_b")];
    assert!(between.iter().any(|event| matches!(event, Event::Output { stream: Stream::Stdout, .. })), "{events:#?}");
    let written: String = events
        .iter()
        .filter_map(
            |it| if let Event::Output { stream: Stream::Stdout, text } = it { Some(text.as_str()) } else { None },
        )
        .collect();
    assert_eq!(written, outcome.stdout);
}

#[test]
fn output_of_an_endless_run_is_told() {
    let ws =
        Workspace::new([("main.py", "import sys, time\nsys.stdout.write('é')\nsys.stdout.flush()\ntime.sleep(60)\n")]);
    let mut request = ws.request(script("main.py"));
    request.limits.wall = std::time::Duration::from_millis(500);
    let texts = Mutex::new(String::new());
    let outcome = host().run(&request, &|event| {
        if let Event::Output { text, .. } = event {
            texts.lock().unwrap().push_str(&text);
        }
    });
    let outcome = outcome.unwrap();
    assert_eq!((outcome.outcome, texts.into_inner().unwrap().as_str()), (Status::Timeout, "é"));
}

#[test]
fn packages_come_from_where_the_caller_says() {
    let ws = Workspace::new([
        (
            "main.py",
            "import chosen, importlib.metadata\nprint(chosen.VALUE, importlib.metadata.version('dist-name'))\n",
        ),
        (
            "test_main.py",
            "import chosen\nimport importlib.metadata as m\ndef test_it(): assert m.version('dist-name') == '2.0'\n",
        ),
    ]);
    let environment = Workspace::new([
        ("site-packages/chosen/__init__.py", "import base\nVALUE = base.VALUE\n"),
        (
            "site-packages/dist_name-2.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: dist-name\nVersion: 2.0\nRequires-Dist: base\n",
        ),
        ("site-packages/base.py", "VALUE = 'from outside'\n"),
        ("site-packages/fast/__init__.py", "from fast import core\n"),
        ("site-packages/fast/core.cpython-314-x86_64-linux-gnu.so", "ELF"),
        ("site-packages/unused.py", "1 / 0\n"),
    ]);
    let site = vec![environment.path().join("site-packages")];
    for packages in [vec![], vec!["chosen".to_owned(), "dist-name".to_owned()]] {
        let request = Request { site: site.clone(), packages, ..ws.request(script("main.py")) };
        let outcome = run(&request);
        check(&outcome, "passed 0 0");
        assert_eq!(outcome.stdout, "from outside 2.0\n");
        let tests = Request { action: pytest(&["test_main.py"]), ..request };
        assert_eq!(run(&tests).tests[0].verdict, Verdict::Passed);
    }
    check(&ws.run(script("main.py")), "not-runnable 0 0\nmain.py:1: needs chosen");
    let compiled = Workspace::new([("main.py", "try:\n    import absent\nexcept ImportError:\n    import fast\n")]);
    let request = Request { site, packages: vec!["fast".into()], ..compiled.request(script("main.py")) };
    check(&run(&request), "not-runnable 0 0\nmain.py:4: needs fast, which must be compiled");
}

#[test]
fn tests_of_a_file_that_cannot_be_imported_stop_no_others() {
    let ws = Workspace::new([
        ("test_bad.py", "import curses\ndef test_a(): pass\n"),
        ("test_skipped.py", "import pytest\npytest.skip('not now', allow_module_level=True)\ndef test_b(): pass\n"),
        ("conftest.py", "import pytest\n@pytest.fixture\ndef given(): return 1\n"),
        ("test_good.py", "def test_c(given): assert given\n"),
    ]);
    let outcome = ws.run(pytest(&["test_bad.py::test_a", "test_skipped.py::test_b", "test_good.py::test_c"]));
    assert_eq!((outcome.passed, outcome.failed), (1, 0), "{outcome:#?}");
    assert!(outcome.failures.iter().any(|failure| failure.message.contains("needs curses")), "{outcome:#?}");
    // Another name that is not there is still a mistake.
    let outcome = ws.run(pytest(&["test_good.py::test_d", "test_good.py::test_c"]));
    assert_eq!((outcome.outcome, outcome.passed), (Status::Error, 0), "{outcome:#?}");
}

#[test]
fn what_cannot_be_captured_harms_no_other_test() {
    let tests = "\
def test_file_descriptors(capfd): print('out')
def test_plain(): pass
def test_streams(capsys):
    print('out')
    assert capsys.readouterr().out == 'out\\n'
";
    let outcome = Workspace::new([("test_a.py", tests)]).run(pytest(&["test_a.py"]));
    let verdicts: Vec<Verdict> = outcome.tests.iter().map(|it| it.verdict).collect();
    assert_eq!(verdicts, [Verdict::NotRunnable, Verdict::Passed, Verdict::Passed], "{outcome:#?}");
}

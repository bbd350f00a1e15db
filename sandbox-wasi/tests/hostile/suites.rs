//! Tests that mean harm to the one who runs them: what is reported of them, and of the tests beside them.

use std::time::Duration;

use sandbox::{Action, Limits, Outcome, Status, Verdict};

use crate::support::Workspace;
use crate::{attack_in, check, limits, workspace};

fn pytest(target: &str) -> Action {
    Action::Pytest { targets: vec![target.into()] }
}

fn verdicts(outcome: &Outcome) -> Vec<Verdict> {
    outcome.tests.iter().map(|test| test.verdict).collect()
}

#[test]
fn replaced_builtins_and_modules_fool_nobody() {
    use Verdict::{Failed, Passed};
    let outcome = attack_in(&workspace(), pytest("test_vandal.py"), limits());
    assert_eq!(outcome.outcome, Status::Failed, "{outcome:#?}");
    assert_eq!(verdicts(&outcome), [Failed, Failed, Passed, Failed], "{outcome:#?}");
    let failures: Vec<_> = outcome.failures.iter().map(|it| (it.line, it.message.lines().next().unwrap())).collect();
    // The explanation of the first one is made with its own builtins.
    assert_eq!(failures[0].0, 12);
    assert_eq!(failures[1..], [(18, "assert 3 == 4"), (26, "assert 5 == 6")]);
}

#[test]
fn breaking_everything_is_no_way_to_pass() {
    let outcome = attack_in(&workspace(), pytest("test_vandal_exceptions.py"), limits());
    assert_ne!(outcome.outcome, Status::Passed, "{outcome:#?}");
    assert!(!verdicts(&outcome).contains(&Verdict::Passed), "{outcome:#?}");
}

#[test]
fn an_assertion_whose_explanation_does_not_end_is_stopped() {
    let limits = Limits { wall: Duration::from_secs(3), ..limits() };
    let outcome = attack_in(&workspace(), pytest("test_endless_repr.py"), limits);
    check(&outcome, Status::Timeout, "stopped after 3 s");
    assert_eq!((verdicts(&outcome), outcome.failures[0].line), (vec![Verdict::Passed], 11), "{outcome:#?}");
}

#[test]
fn output_that_pytest_catches_counts_as_memory() {
    let outcome = attack_in(&workspace(), pytest("test_flood.py"), limits());
    assert_eq!(outcome.outcome, Status::Memory, "{outcome:#?}");
    assert_eq!(outcome.passed, 1, "{outcome:#?}");
}

#[test]
fn huge_names_and_messages_are_cut() {
    let outcome = attack_in(&workspace(), pytest("test_long_names.py"), limits());
    assert!([Status::Failed, Status::Output].contains(&outcome.outcome), "{:?}", outcome.outcome);
    let longest = outcome.tests.iter().map(|it| it.id.len().max(it.message.as_ref().map_or(0, String::len)));
    assert!(longest.max().unwrap() <= 2048);
    assert!(outcome.failures.iter().all(|it| it.message.len() <= 16 << 10));
}

#[test]
fn a_flood_of_failures_is_counted_and_a_part_of_it_told() {
    let limits = Limits { wall: Duration::from_secs(300), output: 16 << 20, memory: 512 << 20, ..limits() };
    let outcome = attack_in(&workspace(), pytest("test_many.py"), limits);
    assert_eq!((outcome.outcome, outcome.passed, outcome.failed), (Status::Failed, 300, 300));
    assert_eq!((outcome.tests.len(), outcome.failures.len()), (600, 200));
}

#[test]
fn a_conftest_that_raises_or_leaves_is_an_error() {
    for (conftest, status, message) in [
        ("raise RuntimeError('no tests today')\n", Status::Error, "RuntimeError: no tests today"),
        ("import os\nos._exit(0)\n", Status::Error, "ended the interpreter in the middle of the tests"),
        ("def pytest_runtest_call(item): raise SystemExit(0)\n", Status::Error, ""),
        ("import pytest\npytest.exit('enough', 0)\n", Status::Error, ""),
    ] {
        let ws = Workspace::new([
            ("harmless.py", "print('well')\n"),
            ("conftest.py", conftest),
            ("test_a.py", "def test_it(): assert False\n"),
        ]);
        let outcome = attack_in(&ws, pytest("test_a.py"), limits());
        assert_ne!(outcome.outcome, Status::Passed, "{conftest}: {outcome:#?}");
        if !message.is_empty() {
            assert_eq!(outcome.outcome, status, "{conftest}: {outcome:#?}");
            assert!(outcome.failures[0].message.contains(message), "{conftest}: {outcome:#?}");
        }
    }
}

/// The sections of `fixtures/hostile/evasions.md`: what each does, and its module.
fn evasions() -> Vec<(String, String)> {
    let text = include_str!("../../../fixtures/hostile/evasions.md");
    let sections = text.split("\n## ").skip(1).map(|section| {
        let (title, rest) = section.split_once('\n').unwrap();
        let code = rest.split_once("```python\n").unwrap().1.split_once("```").unwrap().0;
        (title.to_owned(), code.to_owned())
    });
    sections.collect()
}

const TESTS: &str = "\
import subject
import pytest
@pytest.mark.parametrize('extra', [0, 1])
def test_parameters(extra):
    assert subject.answer() + extra == 42 + extra
def test_plain():
    assert subject.answer() == 42
class TestClass:
    def test_method(self):
        assert subject.answer() == 42
";

#[test]
fn no_test_is_told_as_run_to_its_end_that_was_kept_from_failing() {
    let ended = |subject: &str| {
        let ws = Workspace::new([("subject.py", subject), ("test_subject.py", TESTS)]);
        let targets = ["test_parameters", "test_plain", "TestClass::test_method"];
        let targets = targets.iter().map(|name| format!("test_subject.py::{name}")).collect();
        let outcome = ws.run(Action::Pytest { targets });
        outcome.tests.iter().filter(|test| test.verdict == Verdict::Passed && test.returned).count()
    };
    assert_eq!(ended("def answer(): return 42\n"), 4);
    assert_eq!(ended("def answer(): return 0\n"), 0);
    let all = evasions();
    assert!(all.len() > 20);
    for (title, subject) in all {
        assert_eq!(ended(&subject), 0, "{title}");
    }
}

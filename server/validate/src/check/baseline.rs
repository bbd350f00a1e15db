//! A run with the edit never ends better than the run without it.
//!
//! What code under test does to the run is the code's own doing: a test that it makes skip, be expected to fail, end early or
//! vanish has failed, and so has one that needs with the edit what the sandbox does not give and did not need it before. Which
//! tests there are to be, the texts say ([`Expected`]), and what could be run, the texts before the edit: they are run as
//! well wherever a run with the edit is no plain success.

use std::collections::BTreeSet;

use sandbox::{Action, Failure, Outcome, Request, Status, TestResult, Verdict};

use super::Comparison;
use super::expected::{Expected, Test};
use super::graph_stage::external_packages;
use super::outcomes::{LIMITATIONS, finding, is_own, one_line};
use crate::Finding;

/// Whether what came of a run with the edit can be judged by itself. What fails may fail without the edit as well.
pub(super) fn is_conclusive(request: &Request, expected: &Expected, outcome: &Outcome) -> bool {
    match (outcome.outcome, &request.action) {
        // It says nothing but what it says of laws.
        (_, Action::Generated { against: None, .. }) => true,
        (Status::Timeout | Status::Memory | Status::Output, _) => true,
        (Status::Failed, Action::Pytest { .. } | Action::Doctest { .. }) => outcome.failures.is_empty(),
        (Status::Passed, Action::Pytest { .. }) => expected.tests.iter().all(|test| {
            let results = test.results(outcome);
            results.len() >= test.least && results.into_iter().all(has_passed)
        }),
        (Status::Passed, Action::Doctest { .. }) => outcome.passed >= expected.examples,
        (Status::Error | Status::Refused, _) => false,
        (Status::NotRunnable, action) => matches!(action, Action::Generated { .. }),
        (Status::Passed | Status::Failed, _) => true,
    }
}

/// The outcome of one test, as far as it matters which of two is better.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// It has run to a verdict of its own.
    Passed,
    Failed,
    /// It counts as passed, and its function has not run to the end: it was expected to fail, as a rule.
    Excused,
    Skipped,
    NotRunnable,
}

impl Ending {
    fn of(result: &TestResult) -> Self {
        match result.verdict {
            Verdict::Passed if result.returned => Ending::Passed,
            Verdict::Passed => Ending::Excused,
            Verdict::Failed => Ending::Failed,
            Verdict::Skipped => Ending::Skipped,
            Verdict::NotRunnable => Ending::NotRunnable,
        }
    }

    /// Whether this, with the edit, says less than what was there without it. Failures are told by themselves.
    fn evades(self, before: Ending) -> bool {
        match self {
            Ending::Passed | Ending::Failed => false,
            Ending::Excused => matches!(before, Ending::Passed | Ending::Failed),
            Ending::Skipped | Ending::NotRunnable => !matches!(before, Ending::Skipped | Ending::NotRunnable),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Ending::Passed => "passes",
            Ending::Failed => "fails",
            Ending::Excused => "passes without having run to its end",
            Ending::Skipped => "is skipped",
            Ending::NotRunnable => "cannot be run",
        }
    }
}

fn has_passed(result: &TestResult) -> bool {
    Ending::of(result) == Ending::Passed
}

/// What a run with the edit leaves untold that the run `before` it has told, or that is the candidate's own to tell.
pub(super) fn evaded(
    comparison: &Comparison,
    request: &Request,
    expected: &Expected,
    after: &Outcome,
    before: &Outcome,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |path: String, line: u32, message: String| found.push(finding("test-evaded", message, path, line));
    let last_words = || {
        let failure = after.failures.last().map(|failure| failure.message.clone());
        let words = failure.or_else(|| after.stderr.lines().next_back().map(str::to_owned));
        words.map(|words| format!(": {}", one_line(&words))).unwrap_or_default()
    };
    match &request.action {
        Action::Pytest { .. } => {
            let world = World::new(comparison, request, after, before);
            for test in &expected.tests {
                let evasion = match test.results(before).as_slice() {
                    [] => world.evaded_by_itself(test),
                    then => lost(then, &test.results(after)),
                };
                if let Some((result, why)) = evasion {
                    let (path, line) = result.map_or((test.path().to_owned(), 0), |it| (it.path.clone(), it.line));
                    let why = if why == GONE { format!("{why}{}", last_words()) } else { why };
                    add(path, line, format!("`{}` {why}", test.id));
                }
            }
        }
        action => {
            let is_doctest = matches!(action, Action::Doctest { .. });
            let has_run = |outcome: &Outcome| matches!(outcome.outcome, Status::Passed | Status::Failed);
            let told = |outcome: &Outcome| outcome.passed + outcome.failed;
            let is_silent = match after.outcome {
                Status::Error | Status::Refused => true,
                // Other hints may well be those of which no inputs can be made.
                Status::NotRunnable => is_doctest,
                _ => is_doctest && told(after) < told(before),
            };
            if has_run(before) && told(before) > 0 && is_silent {
                let why = format!("{} without the edit, {} with it{}", told(before), told(after), last_words());
                let path = super::outcomes::target_path(action);
                add(path, 0, format!("{}: what has run is {why}", super::outcomes::describe(action)));
            }
        }
    }
    if found.is_empty() && ended_early(after) && !ended_early(before) {
        let path = super::outcomes::target_path(&request.action);
        let name = super::outcomes::describe(&request.action);
        found.push(finding("test-evaded", format!("{name} ended early with the edit{}", last_words()), path, 0));
    }
    found
}

const GONE: &str = "is to run, and does not with the edit";

/// Whether the interpreter ended before the run did.
fn ended_early(outcome: &Outcome) -> bool {
    outcome.outcome == Status::Error && outcome.exit.is_none()
}

/// The first result of a test that says less with the edit than without it, and how; without one where it is missing.
fn lost<'a>(then: &[&TestResult], now: &[&'a TestResult]) -> Option<(Option<&'a TestResult>, String)> {
    for (number, then) in then.iter().enumerate() {
        // What stands in brackets need not be the same each time; the order is.
        let Some(now) = now.iter().find(|it| it.id == then.id).or_else(|| now.get(number)).copied() else {
            return Some((None, GONE.to_owned()));
        };
        let (ending, before) = (Ending::of(now), Ending::of(then));
        if ending.evades(before) {
            let why = now.message.as_deref().map(|why| format!(" ({})", one_line(why))).unwrap_or_default();
            return Some((
                Some(now),
                format!("{} without the edit, and {} with it{why}", before.word(), ending.word()),
            ));
        }
    }
    None
}

/// What is known about the run with the edit where the run without it does not know the test.
struct World<'a> {
    comparison: &'a Comparison,
    request: &'a Request,
    after: &'a Outcome,
    before: &'a Outcome,
    /// What the workspace imports from outside, before the edit.
    packages: BTreeSet<String>,
}

impl<'a> World<'a> {
    fn new(comparison: &'a Comparison, request: &'a Request, after: &'a Outcome, before: &'a Outcome) -> Self {
        World { comparison, request, after, before, packages: external_packages(&comparison.before) }
    }

    /// What is wrong with a test that was not told of without the edit: because it is new, or because its file could not be
    /// imported then.
    fn evaded_by_itself(&self, test: &Test) -> Option<(Option<&'a TestResult>, String)> {
        let messages = |outcome: &'a Outcome| outcome.failures.iter().map(|failure| &failure.message);
        let is_as_before = messages(self.after).eq(messages(self.before)) && self.after.outcome == self.before.outcome;
        let could_not_run = matches!(self.before.outcome, Status::NotRunnable | Status::Refused);
        if !test.is_written && (could_not_run || is_as_before) {
            return None;
        }
        let results = test.results(self.after);
        if results.is_empty() {
            let is_excused = self.after.failures.iter().any(|failure| {
                let is_conftest = is_conftest_of(&failure.path, test.path());
                (is_conftest || failure.path == test.path()) && self.is_of_the_world(failure)
                    || is_conftest && self.was_there(failure)
            });
            return (!is_excused).then(|| (None, GONE.to_owned()));
        }
        let is_evasion = |result: &&&TestResult| match Ending::of(result) {
            Ending::Passed | Ending::Failed => false,
            Ending::Excused | Ending::Skipped => test.is_written || !test.has_excuse,
            Ending::NotRunnable => {
                let told = |failure: &&Failure| {
                    result.message.as_ref().is_some_and(|it| failure.message.starts_with(it.as_str()))
                };
                !self.after.failures.iter().filter(told).any(|failure| self.is_of_the_world(failure))
            }
        };
        let result = *results.iter().find(is_evasion)?;
        let why = result.message.as_deref().map(|why| format!(": {}", one_line(why))).unwrap_or_default();
        Some((Some(result), format!("is to run, and {}{why}", Ending::of(result).word())))
    }

    /// Whether something fails in the same way without the edit.
    fn was_there(&self, failure: &Failure) -> bool {
        let is_it = |it: &Failure| (&it.path, &it.message) == (&failure.path, &failure.message);
        self.before.failures.iter().any(is_it) && !is_own(self.comparison, self.request, failure)
    }

    /// Whether something could not be run for a reason that is not the candidate's: it lacks what the workspace has used
    /// before, or what the candidate has not written asks for it.
    fn is_of_the_world(&self, failure: &Failure) -> bool {
        let need = failure.message.strip_prefix("needs ").and_then(|need| need.split([' ', ',', '.']).next());
        let is_limitation = LIMITATIONS.iter().any(|start| failure.message.starts_with(start));
        need.is_some_and(|need| self.packages.contains(need))
            || is_limitation && !is_own(self.comparison, self.request, failure)
    }
}

/// Whether pytest loads `path` before the file of tests.
fn is_conftest_of(path: &str, tests: &str) -> bool {
    path.strip_suffix("conftest.py")
        .is_some_and(|folder| (folder.is_empty() || folder.ends_with('/')) && tests.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use syntax::{TextEdit, TextRange};

    use super::super::tests::{candidate, judge, load, without_edit};
    use super::*;
    use crate::{Behaviour, Candidate, CheckResult, Checked, Stage};

    const SHOP: &str = "\
#- /shop.py
import numpy
def price():
    $1...$1
#- /test_shop.py
import pytest, shop
def test_one(): assert shop.price() == 1
@pytest.mark.parametrize('n', [1, 2])
def test_two(n): assert shop.price() == n
";

    fn result(id: &str, verdict: Verdict, returned: bool) -> TestResult {
        let message = (verdict != Verdict::Passed).then(|| format!("{verdict:?}"));
        TestResult {
            id: format!("test_shop.py::{id}"),
            path: "test_shop.py".into(),
            line: 2,
            verdict,
            returned,
            millis: 1,
            message,
        }
    }

    /// `+` passed, `-` failed, `x` passed without returning, `s` skipped, `?` not runnable; a letter for each test, ` ` for none.
    fn told(endings: &str) -> Vec<TestResult> {
        let ids = ["test_one", "test_two[1]", "test_two[2]"];
        let result = |(ending, id): (char, &str)| {
            Some(match ending {
                '+' => result(id, Verdict::Passed, true),
                '-' => result(id, Verdict::Failed, false),
                'x' => result(id, Verdict::Passed, false),
                's' => result(id, Verdict::Skipped, false),
                '?' => result(id, Verdict::NotRunnable, false),
                _ => return None,
            })
        };
        endings.chars().zip(ids).filter_map(result).collect()
    }

    fn run(status: Status, endings: &str, failures: &[(&str, u32, &str)]) -> Result<Outcome, String> {
        let tests = told(endings);
        let count = |verdict| tests.iter().filter(|it| it.verdict == verdict).count() as u32;
        let failures = failures.iter().map(|&(path, line, message)| Failure::new(path, line, message)).collect();
        let (passed, failed) = (count(Verdict::Passed), count(Verdict::Failed));
        Ok(Outcome { passed, failed, tests, failures, exit: Some(0), ..Outcome::without_run(status, "last words") })
    }

    fn stub() -> Checked {
        let (host, path, range) = load(SHOP);
        judge(&host, candidate(&path, range, vec![TextEdit::replace(range, "return 1")]))
    }

    /// The findings after a run with the edit and, if it is asked for, one without; with `(not again)` if it was not.
    fn judged(after: Result<Outcome, String>, before: Result<Outcome, String>) -> (CheckResult, Vec<String>) {
        let mut checked = stub();
        let [Request { action: Action::Pytest { .. }, .. }] = checked.tests() else { panic!("one run") };
        checked.record_outcomes(vec![after]);
        let mut found = Vec::new();
        match &without_edit(&checked)[..] {
            [] => found.push("(not again)".to_owned()),
            [again] => {
                assert!(again.overlay[0].1.contains("..."), "{again:?}");
                checked.record_outcomes(vec![before]);
                assert!(without_edit(&checked).is_empty());
            }
            more => panic!("{more:?}"),
        }
        found.extend(checked.findings().iter().map(|finding| format!("{}: {}", finding.code, finding.message)));
        (checked.finish(None, None).evidence.checks[&Stage::Tests].clone(), found)
    }

    #[test]
    fn what_ran_without_the_edit_has_to_run_with_it() {
        let stub_fails = || run(Status::Failed, "---", &[("test_shop.py", 2, "NotImplementedError")]);
        // Endings with the edit, without it, and what is said: nothing where it may be so.
        for (status, after, before, said) in [
            (Status::Passed, "+++", "---", "(not again)"),
            (
                Status::Passed,
                "s++",
                "---",
                "`test_shop.py::test_one` fails without the edit, and is skipped with it (Skipped)",
            ),
            (
                Status::Passed,
                "x++",
                "---",
                "`test_shop.py::test_one` fails without the edit, and passes without having run to its end with it",
            ),
            (Status::Passed, "++", "---", "`test_shop.py::test_two` is to run, and does not with the edit: last words"),
            (
                Status::NotRunnable,
                "?++",
                "---",
                "`test_shop.py::test_one` fails without the edit, and cannot be run with it (NotRunnable)",
            ),
            (
                Status::NotRunnable,
                "++s",
                "-++",
                "`test_shop.py::test_two` passes without the edit, and is skipped with it (Skipped)",
            ),
            (Status::Error, "", "---", "`test_shop.py::test_one` is to run, and does not with the edit: last words"),
            // As it was without the edit.
            (Status::Passed, "s++", "s--", ""),
            (Status::Passed, "x++", "x--", ""),
            (Status::Passed, "+++", "?--", "(not again)"),
            (Status::NotRunnable, "?++", "s--", ""),
            (Status::NotRunnable, "???", "???", ""),
            (Status::Passed, "++", "--", ""),
            (
                Status::Passed,
                "xs+",
                "---",
                "`test_shop.py::test_one` fails without the edit, and passes without having run to its end with it",
            ),
        ] {
            let before = if before == "---" { stub_fails() } else { run(Status::Failed, before, &[]) };
            let (result, found) = judged(run(status, after, &[]), before);
            let found: Vec<&str> = found.iter().map(|it| it.strip_prefix("test-evaded: ").unwrap_or(it)).collect();
            assert_eq!(found.first().copied().unwrap_or_default(), said, "{after} {found:?}");
            assert_eq!(result == CheckResult::Failed, !said.is_empty() && said != "(not again)", "{after}");
        }
    }

    #[test]
    fn an_early_end_is_a_failure_unless_it_came_before_too() {
        let early = || {
            run(Status::Error, "+++", &[("test_shop.py", 2, "the code ended the interpreter")])
                .map(|outcome| Outcome { exit: None, ..outcome })
        };
        let (result, found) = judged(early(), run(Status::Passed, "+++", &[]));
        assert_eq!((result, found.len()), (CheckResult::Failed, 1));
        assert!(found[0].contains("3 tests") || found[0].contains("ended early with the edit"), "{found:?}");
        assert!(!matches!(judged(early(), early()).0, CheckResult::Failed));
    }

    #[test]
    fn what_nobody_could_run_is_not_held_against_it() {
        let lacks = |line| run(Status::NotRunnable, "", &[("test_shop.py", line, "needs numpy")]);
        assert_eq!(judged(lacks(1), lacks(1)).1, [] as [&str; 0]);
        assert_eq!(judged(lacks(1), Err("no sandbox".into())).1, [] as [&str; 0]);
        let refused = run(Status::Error, "", &[("test_shop.py", 0, "ERROR: not found: test_shop.py::test_one")]);
        assert_eq!(judged(refused.clone(), refused).1, [] as [&str; 0]);
    }

    #[test]
    fn tests_that_the_candidate_writes_have_to_run() {
        let (host, ..) = load("#- /shop.py\nimport numpy\ndef price(): return 1\n#- /b.py\n$1$1");
        let text = "import shop\ndef test_one(): assert shop.price() == 1\ndef test_two(n): assert shop.price() == n\n";
        let edits = vec![TextEdit::insert(0.into(), text)];
        let edit = candidate(Path::new("/test_shop.py"), TextRange::empty(0.into()), edits);
        let found = |status, endings, failures: &[(&str, u32, &str)]| {
            let mut checked = judge(&host, Candidate { behaviour: Behaviour::Any, ..edit.clone() });
            checked.record_outcomes(vec![run(status, endings, failures)]);
            checked.record_outcomes(vec![run(Status::Error, "", &[("test_shop.py", 0, "not found")])]);
            checked.findings().iter().map(|finding| finding.message.clone()).collect::<Vec<_>>()
        };
        assert_eq!(found(Status::Passed, "++", &[]), [] as [&str; 0]);
        assert_eq!(found(Status::Passed, "s+", &[]), ["`test_shop.py::test_one` is to run, and is skipped: Skipped"]);
        assert_eq!(found(Status::Passed, "+x", &[]).len(), 1);
        assert_eq!(found(Status::Passed, "+", &[]).len(), 1);
        // What the workspace has used before may be missing here; what only the new test asks for must not.
        let lacking = |message: &str, line| found(Status::NotRunnable, "", &[("test_shop.py", line, message)]);
        assert_eq!(lacking("needs numpy", 1), [] as [&str; 0]);
        assert_eq!(lacking("needs scipy", 1).len(), 2);
        let of_the_world = [("shop.py", 2, "not allowed in the sandbox: OSError")];
        assert_eq!(found(Status::Refused, "", &of_the_world).len(), 2);
    }

    #[test]
    fn a_definition_that_the_edit_begins_with_hides_no_test() {
        let (host, path, range) = load(SHOP);
        let nested = "class Price:\n        def value(self): return 2\n    return Price().value()";
        let checked = judge(&host, candidate(&path, range, vec![TextEdit::replace(range, nested)]));
        let [Request { action: Action::Pytest { targets }, .. }] = checked.tests() else {
            panic!("{:?}", checked.tests())
        };
        assert_eq!(targets, &["test_shop.py::test_one", "test_shop.py::test_two"]);
    }

    #[test]
    fn an_edit_does_not_choose_its_tests() {
        // The walk from the new text no longer leads to the test: the name is bound to something else.
        let (host, path, range) = load(
            "#- /a.py\ndef f(): return 1\n$1def g(): return f()$1\n#- /test_a.py\nimport a\ndef test_g(): assert a.g() == 1\n",
        );
        let edits = vec![TextEdit::replace(range, "def g(): return 2\ng = globals()['g']")];
        let checked = judge(&host, candidate(&path, range, edits));
        let targets = checked.tests().iter().find_map(|it| match &it.action {
            Action::Pytest { targets } => Some(targets.clone()),
            _ => None,
        });
        assert_eq!(targets.as_deref(), Some(&["test_a.py::test_g".to_owned()][..]), "{:?}", checked.findings());
    }

    #[test]
    fn a_comparison_or_a_doctest_does_not_end_early() {
        let text =
            "#- /a.py\ndef f(n: int):\n    '''\n    >>> f(1)\n    1\n    >>> f(2)\n    2\n    '''\n    $1return n$1\n";
        let (host, path, range) = load(text);
        let edit = Candidate {
            behaviour: Behaviour::Preserve,
            ..candidate(&path, range, vec![TextEdit::replace(range, "return int(n)")])
        };
        let of = |status, passed| Ok(Outcome { passed, ..Outcome::without_run(status, "words") });
        let found = |after: [Result<Outcome, String>; 2], before: [Result<Outcome, String>; 2]| {
            let mut checked = judge(&host, edit.clone());
            let order: Vec<bool> =
                checked.tests().iter().map(|it| matches!(it.action, Action::Doctest { .. })).collect();
            assert_eq!(order, [true, false]);
            let open: Vec<bool> = [&after[0], &after[1]]
                .map(|it| it.as_ref().unwrap().outcome != Status::Passed || it.as_ref().unwrap().passed < 2)
                .to_vec();
            checked.record_outcomes(after.to_vec());
            let before =
                before.into_iter().zip(open).filter(|(_, open)| *open).map(|(before, _)| before).collect::<Vec<_>>();
            assert_eq!(without_edit(&checked).len(), before.len());
            if !before.is_empty() {
                checked.record_outcomes(before);
            }
            checked.findings().iter().map(|finding| finding.code.clone()).collect::<Vec<_>>()
        };
        let fine = || of(Status::Passed, 2);
        assert_eq!(found([fine(), fine()], [fine(), fine()]), [] as [&str; 0]);
        // Fewer examples, an interpreter that ends, and something that only the new code asks for.
        assert_eq!(found([of(Status::Passed, 1), fine()], [fine(), fine()]), ["test-evaded"]);
        assert_eq!(found([of(Status::Error, 0), fine()], [fine(), fine()]), ["test-evaded"]);
        assert_eq!(found([of(Status::NotRunnable, 0), fine()], [fine(), fine()]), ["test-evaded"]);
        assert_eq!(found([fine(), of(Status::Error, 0)], [fine(), fine()]), ["test-evaded"]);
        assert_eq!(found([fine(), of(Status::Refused, 0)], [fine(), fine()]), ["test-evaded"]);
        assert_eq!(found([fine(), of(Status::Refused, 0)], [fine(), of(Status::Refused, 0)]), [] as [&str; 0]);
    }
}

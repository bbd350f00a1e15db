//! What a run in the sandbox leaves open, and one outcome of two.
//!
//! Open is everything the sandbox could not run, and everything that fails in it: a failure may be the sandbox's, and one that
//! is not will be seen again.

use std::collections::BTreeSet;

use sandbox::{Failure, Lines, Outcome, Status, TestResult, Verdict};

/// So many single tests of one target are named; for more, the target itself is run again.
const MAX_SINGLE: usize = 50;

/// Which of the `targets`, or of their tests, `sandboxed` says too little about.
pub(super) fn left_open(targets: &[String], sandboxed: &Outcome) -> Vec<String> {
    let is_cut_short = is_cut_short(sandboxed.outcome);
    let mut found = Vec::new();
    for target in targets {
        let of_target: Vec<&TestResult> = sandboxed.tests.iter().filter(|test| is_of(&test.id, target)).collect();
        let open: Vec<&str> = of_target.iter().filter(|it| is_open(it.verdict)).map(|it| it.id.as_str()).collect();
        // A file that could not be imported has tests that nobody has named.
        let path = target.split("::").next().unwrap_or_default();
        let is_blamed = sandboxed.failures.iter().any(|it| it.path == path) && open.is_empty();
        if is_cut_short || of_target.is_empty() || is_blamed || open.len() > MAX_SINGLE {
            found.push(target.clone());
        } else {
            found.extend(open.into_iter().map(str::to_owned));
        }
    }
    found
}

/// The verdicts of both: what was run again has the verdict that it then had.
pub(super) fn joined(sandboxed: Outcome, again: &[String], confined: Outcome) -> Outcome {
    if again.is_empty() {
        return sandboxed;
    }
    if confined.tests.is_empty() && confined.outcome == Status::NotRunnable {
        // Nothing runs confined here; the sandbox's verdicts are all there is.
        let outcome = if sandboxed.outcome == Status::Passed { Status::NotRunnable } else { sandboxed.outcome };
        let mut both = Outcome { outcome, ..sandboxed };
        both.stderr.push_str(&confined.stderr);
        both.failures.extend(confined.failures);
        return both;
    }
    let told: BTreeSet<&str> = confined.tests.iter().map(|test| test.id.as_str()).collect();
    let is_again = |id: &str| told.contains(id) || again.iter().any(|target| is_of(id, target));
    // What such a run has not come to is as it was before.
    let is_short = is_cut_short(confined.outcome);
    let stays =
        |test: &TestResult| is_short && test.verdict == Verdict::NotRunnable && !told.contains(test.id.as_str());
    let is_kept = |test: &TestResult| stays(test) || !is_again(&test.id);
    let mut tests: Vec<TestResult> = sandboxed.tests.into_iter().filter(is_kept).collect();
    let mut coverage = sandboxed.coverage;
    coverage.tests.retain(|it| !is_again(&it.test));
    let kept = tests.iter().filter(|test| test.verdict == Verdict::Passed).count();
    let count = confined.tests.len() as u32;
    tests.extend(confined.tests);
    coverage.extend(confined.coverage);
    let of = |verdict| tests.iter().filter(|test| test.verdict == verdict).count() as u32;
    // All that the sandbox has not passed was run again, so what is left of it has passed or was skipped.
    let only_skips = of(Verdict::NotRunnable) == 0 && of(Verdict::Failed) == 0;
    let is_skip = |it: &Failure| it.message.starts_with("every test was skipped");
    let outcome = match confined.outcome {
        Status::NotRunnable if only_skips && confined.failures.iter().all(is_skip) && kept > 0 => Status::Passed,
        outcome => outcome,
    };
    let failures = confined.failures.into_iter().filter(|it| outcome != Status::Passed || !is_skip(it)).collect();
    Outcome {
        outcome,
        passed: of(Verdict::Passed),
        failed: of(Verdict::Failed),
        exit: confined.exit,
        stdout: sandboxed.stdout + &confined.stdout,
        stderr: confined.stderr,
        failures,
        millis: sandboxed.millis + confined.millis,
        confined: count,
        lines: Lines::united([sandboxed.lines, confined.lines].concat()),
        coverage,
        tests,
        ..Outcome::without_run(outcome, "")
    }
}

/// Not every test may have been heard of.
fn is_cut_short(outcome: Status) -> bool {
    !matches!(outcome, Status::Passed | Status::Failed | Status::Refused | Status::NotRunnable)
}

/// What is skipped may be skipped for what the sandbox lacks.
fn is_open(verdict: Verdict) -> bool {
    verdict != Verdict::Passed
}

/// Whether the test with this id is the target, or one of it.
pub(super) fn is_of(id: &str, target: &str) -> bool {
    target == "."
        || id
            .strip_prefix(target)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::") || rest.starts_with(['[', '/']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(outcome: Status, tests: &[(&str, Verdict)]) -> Outcome {
        let test = |(id, verdict): &(&str, Verdict)| TestResult {
            id: (*id).to_owned(),
            path: id.split("::").next().unwrap().to_owned(),
            line: 1,
            verdict: *verdict,
            returned: true,
            millis: 1,
            message: None,
        };
        let count = |wanted| tests.iter().filter(|it| it.1 == wanted).count() as u32;
        Outcome {
            passed: count(Verdict::Passed),
            failed: count(Verdict::Failed),
            tests: tests.iter().map(test).collect(),
            ..Outcome::without_run(outcome, "")
        }
    }

    fn targets(targets: &[&str]) -> Vec<String> {
        targets.iter().map(|&it| it.to_owned()).collect()
    }

    const A: [(&str, Verdict); 3] =
        [("a.py::p", Verdict::Passed), ("a.py::f[1]", Verdict::Failed), ("a.py::n", Verdict::NotRunnable)];

    #[test]
    fn what_failed_or_was_not_run_is_left_open() {
        let all = targets(&["a.py", "ab.py"]);
        assert_eq!(left_open(&all, &outcome(Status::Failed, &A)), ["a.py::f[1]", "a.py::n", "ab.py"]);
        assert_eq!(left_open(&all, &outcome(Status::Timeout, &A)), ["a.py", "ab.py"]);
        let one = targets(&["a.py::f"]);
        assert_eq!(left_open(&one, &outcome(Status::Failed, &A)), ["a.py::f[1]"]);
        assert_eq!(left_open(&targets(&["a.py"]), &outcome(Status::Passed, &A[..1])), [] as [&str; 0]);
        let blamed = Outcome { failures: vec![Failure::new("a.py", 1, "m")], ..outcome(Status::NotRunnable, &A[..1]) };
        assert_eq!(left_open(&targets(&["a.py"]), &blamed), ["a.py"]);
    }

    #[test]
    fn the_second_verdict_holds() {
        let again = targets(&["a.py::f[1]", "a.py::n"]);
        let confined = outcome(Status::Passed, &[("a.py::f[1]", Verdict::Passed), ("a.py::n", Verdict::Passed)]);
        let both = joined(outcome(Status::Failed, &A), &again, confined);
        assert_eq!((both.outcome, both.passed, both.failed, both.confined), (Status::Passed, 3, 0, 2));
        let confined = outcome(Status::Failed, &[("a.py::f[1]", Verdict::Failed)]);
        let both = joined(outcome(Status::Failed, &A), &again, confined);
        // What was run again and not told of is not told of by the sandbox either.
        assert_eq!((both.outcome, both.passed, both.failed, both.tests.len()), (Status::Failed, 1, 1, 2));
        // What is skipped in both is no reason to say that something could not be run.
        let skipped = [("a.py::p", Verdict::Passed), ("a.py::s", Verdict::Skipped)];
        let said = Failure::new("a.py", 1, "every test was skipped: not now");
        let confined = Outcome { failures: vec![said], ..outcome(Status::NotRunnable, &skipped[1..]) };
        let both = joined(outcome(Status::Passed, &skipped), &targets(&["a.py::s"]), confined);
        assert_eq!((both.outcome, both.passed, both.failures.len()), (Status::Passed, 1, 0));
        // Where nothing runs confined, the sandbox's verdicts are all there is.
        let none = joined(outcome(Status::Failed, &A), &again, outcome(Status::NotRunnable, &[]));
        assert_eq!((none.outcome, none.passed, none.failed, none.confined), (Status::Failed, 1, 1, 0));
        let nothing = joined(outcome(Status::Passed, &A[..1]), &[], outcome(Status::Error, &[]));
        assert_eq!((nothing.outcome, nothing.confined), (Status::Passed, 0));
    }

    #[test]
    fn what_a_run_that_was_stopped_has_not_come_to_stays_as_it_was() {
        let sandboxed = outcome(
            Status::NotRunnable,
            &[("test_a.py::one", Verdict::NotRunnable), ("test_a.py::two", Verdict::NotRunnable)],
        );
        let confined = outcome(Status::Timeout, &[("test_a.py::one", Verdict::Passed)]);
        let both = joined(sandboxed, &targets(&["test_a.py::one", "test_a.py::two"]), confined);
        let told: Vec<_> = both.tests.iter().map(|it| (it.id.as_str(), it.verdict)).collect();
        assert_eq!(told, [("test_a.py::two", Verdict::NotRunnable), ("test_a.py::one", Verdict::Passed)]);
        assert_eq!(both.outcome, Status::Timeout);
    }
}

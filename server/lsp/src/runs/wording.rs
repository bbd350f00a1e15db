//! What people read of a run.

use std::fmt::Write as _;

use sandbox::{Failure, Outcome, Session, Status, TestResult, Verdict};

use super::Tally;

/// What a lens says.
pub(super) fn title(outcome: &Outcome) -> String {
    let Outcome { passed, failed, exit, millis, .. } = outcome;
    match outcome.outcome {
        Status::Passed if *passed == 0 => format!("✓ done · {millis} ms"),
        Status::Passed => format!("✓ {passed} passed · {millis} ms"),
        Status::Failed if *failed > 0 => match passed {
            0 => format!("✗ {failed} failed"),
            _ => format!("✗ {failed} failed, {passed} passed"),
        },
        Status::Failed => format!("✗ exit {}", exit.unwrap_or_default()),
        Status::Error => "✗ cannot be run".to_owned(),
        Status::Timeout => format!("✗ stopped after {millis} ms"),
        Status::Memory => "✗ out of memory".to_owned(),
        Status::Output => "✗ too much output".to_owned(),
        Status::Refused => "○ not allowed in the sandbox".to_owned(),
        Status::NotRunnable => "○ not runnable here".to_owned(),
    }
}

/// What a lens says of a test that was run among others.
pub(super) fn tally(tally: Tally) -> String {
    let Tally { passed, failed, skipped, not_runnable, millis } = tally;
    match (passed, failed) {
        (0, 0) if not_runnable > 0 => "○ not runnable here".to_owned(),
        (0, 0) if skipped > 0 => "○ skipped".to_owned(),
        (_, 0) => format!("✓ {passed} passed · {millis} ms"),
        (0, _) => format!("✗ {failed} failed"),
        (_, _) => format!("✗ {failed} failed, {passed} passed"),
    }
}

/// What has come so far of a run of tests.
pub(super) fn progress(done: &[Verdict], test: &TestResult) -> String {
    let count = |wanted: Verdict| done.iter().filter(|verdict| **verdict == wanted).count();
    let failed = match count(Verdict::Failed) {
        0 => String::new(),
        failed => format!(", {failed} failed"),
    };
    format!("{} passed{failed} · {}", count(Verdict::Passed), test.id)
}

/// The end of the story, for the editor's log; what was written is there already.
pub(super) fn report(what: &str, outcome: &Outcome) -> String {
    let mut text = format!("{what}: {}\n", title(outcome));
    if let Some(Session::Lost) = outcome.session {
        text.push_str("what earlier cells have left is gone\n");
    }
    for it in &outcome.failures {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}:{}: {}", it.path, it.line, failure(it));
    }
    text
}

/// What went wrong, the lines that led there, and what was written before, without a line's end.
pub(super) fn failure(failure: &Failure) -> String {
    let mut text = failure.message.clone();
    for place in failure.related.iter().filter(|place| (&place.path, place.line) != (&failure.path, failure.line)) {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n    {}:{}: {}", place.path, place.line, place.text);
    }
    if !failure.output.is_empty() {
        let _ = write!(text, "\n  --- it wrote\n{}", failure.output.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_of_single_tests() {
        let none = Tally::default();
        assert_eq!(tally(Tally { passed: 5, millis: 91, ..none }), "✓ 5 passed · 91 ms");
        assert_eq!(tally(Tally { passed: 1, failed: 1, ..none }), "✗ 1 failed, 1 passed");
        assert_eq!(tally(Tally { skipped: 2, ..none }), "○ skipped");
        assert_eq!(tally(Tally { not_runnable: 1, ..none }), "○ not runnable here");
    }

    #[test]
    fn a_report_tells_where_and_what() {
        let failure = Failure { output: "so far\n".to_owned(), ..Failure::new("test_a.py", 3, "assert 1 == 2") };
        let outcome = Outcome { failures: vec![failure], failed: 1, ..Outcome::without_run(Status::Failed, "") };
        let expected = "test_a.py: ✗ 1 failed\ntest_a.py:3: assert 1 == 2\n  --- it wrote\nso far\n";
        assert_eq!(report("test_a.py", &outcome), expected);
    }
}

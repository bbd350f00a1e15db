//! What people read of a run.

use std::fmt::Write as _;

use sandbox::{Failure, Outcome, Session, TestResult, Verdict};

use workspace::results::title;

/// What has come so far of a run of tests.
pub fn progress(done: &[Verdict], test: &TestResult) -> String {
    let count = |wanted: Verdict| done.iter().filter(|verdict| **verdict == wanted).count();
    let failed = match count(Verdict::Failed) {
        0 => String::new(),
        failed => format!(", {failed} failed"),
    };
    format!("{} passed{failed} · {}", count(Verdict::Passed), test.id)
}

/// The end of the story, for the editor's log; what was written is there already.
pub fn report(what: &str, outcome: &Outcome) -> String {
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

/// `1 affected test`, `2 affected tests`.
pub fn tests(count: usize, kind: &str) -> String {
    format!("{count} {kind}test{}", if count == 1 { "" } else { "s" })
}

/// What went wrong, the lines that led there, and what was written before, without a line's end.
pub fn failure(failure: &Failure) -> String {
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
    use sandbox::Status;

    use super::*;

    #[test]
    fn a_report_tells_where_and_what() {
        let failure = Failure { output: "so far\n".to_owned(), ..Failure::new("test_a.py", 3, "assert 1 == 2") };
        let outcome = Outcome { failures: vec![failure], failed: 1, ..Outcome::without_run(Status::Failed, "") };
        let expected = "test_a.py: ✗ 1 failed\ntest_a.py:3: assert 1 == 2\n  --- it wrote\nso far\n";
        assert_eq!(report("test_a.py", &outcome), expected);
    }
}

//! What a lens says.

use sandbox::{Outcome, Status};

use super::Tally;

/// What a lens says of what was run.
pub fn title(outcome: &Outcome) -> String {
    let Outcome { passed, failed, exit, millis, confined, .. } = outcome;
    // Where some of it was run, if not in the sandbox.
    let confined = match (*confined as usize, outcome.tests.len()) {
        (0, _) => String::new(),
        (some, all) if some < all => format!(", {some} confined"),
        _ => ", confined".to_owned(),
    };
    match outcome.outcome {
        Status::Passed if *passed == 0 => format!("✓ done{confined} · {millis} ms"),
        Status::Passed => format!("✓ {passed} passed{confined} · {millis} ms"),
        Status::Failed if *failed > 0 => match passed {
            0 => format!("✗ {failed} failed{confined}"),
            _ => format!("✗ {failed} failed, {passed} passed{confined}"),
        },
        Status::Failed => format!("✗ exit {}{confined}", exit.unwrap_or_default()),
        Status::Error => "✗ cannot be run".to_owned(),
        Status::Timeout => format!("✗ stopped after {millis} ms"),
        Status::Memory => "✗ out of memory".to_owned(),
        Status::Output => "✗ too much output".to_owned(),
        Status::Refused => "○ not allowed in the sandbox".to_owned(),
        Status::NotRunnable => "○ not runnable here".to_owned(),
    }
}

/// What a title says besides where files of tests were left out.
pub fn left_out(files: usize) -> String {
    format!(", {files} file{} of tests not runnable here", if files == 1 { "" } else { "s" })
}

/// What a lens says of a test that was run among others.
pub fn tally(tally: Tally) -> String {
    let Tally { passed, failed, skipped, not_runnable, millis } = tally;
    match (passed, failed) {
        (0, 0) if not_runnable > 0 => "○ not runnable here".to_owned(),
        (0, 0) if skipped > 0 => "○ skipped".to_owned(),
        (_, 0) => format!("✓ {passed} passed · {millis} ms"),
        (0, _) => format!("✗ {failed} failed"),
        (_, _) => format!("✗ {failed} failed, {passed} passed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_says_what_was_run_confined() {
        let ran = |confined| Outcome { passed: 12, confined, ..Outcome::without_run(Status::Passed, "") };
        assert_eq!(title(&ran(0)), "✓ 12 passed · 0 ms");
        assert_eq!(title(&ran(12)), "✓ 12 passed, confined · 0 ms");
        let failed = Outcome { passed: 0, failed: 1, ..ran(1) };
        assert_eq!(title(&Outcome { outcome: Status::Failed, ..failed }), "✗ 1 failed, confined");
    }

    #[test]
    fn titles_of_single_tests() {
        let none = Tally::default();
        assert_eq!(tally(Tally { passed: 5, millis: 91, ..none }), "✓ 5 passed · 91 ms");
        assert_eq!(tally(Tally { passed: 1, failed: 1, ..none }), "✗ 1 failed, 1 passed");
        assert_eq!(tally(Tally { skipped: 2, ..none }), "○ skipped");
        assert_eq!(tally(Tally { not_runnable: 1, ..none }), "○ not runnable here");
    }
}

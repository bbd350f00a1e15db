//! What a lens says.

use sandbox::{Outcome, Status};

use super::Tally;

/// What a lens says of what was run.
pub fn title(outcome: &Outcome) -> String {
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
    fn titles_of_single_tests() {
        let none = Tally::default();
        assert_eq!(tally(Tally { passed: 5, millis: 91, ..none }), "✓ 5 passed · 91 ms");
        assert_eq!(tally(Tally { passed: 1, failed: 1, ..none }), "✗ 1 failed, 1 passed");
        assert_eq!(tally(Tally { skipped: 2, ..none }), "○ skipped");
        assert_eq!(tally(Tally { not_runnable: 1, ..none }), "○ not runnable here");
    }
}

//! Tests that end, as it is seen on a terminal.

use indicatif::ProgressBar;
use sandbox::{Event, TestResult, Verdict};
use terminal::{Shown, Style};

use crate::output::{for_stderr, preparing, progress};

/// A bar with a line above it for each test that has ended; nothing where there is no terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(tests: usize) -> Self {
        Progress(progress(tests as u64, "running"))
    }

    pub(super) fn note(&self, event: Event) {
        match event {
            Event::Preparing { done, total } => self.0.set_message(preparing(done, total)),
            Event::Running => {
                self.0.set_position(0);
                self.0.set_message("running");
            }
            Event::Output { .. } => {}
            Event::Test(result) => {
                self.0.inc(1);
                // Parametrized tests are more than were counted.
                if self.0.length().is_some_and(|length| self.0.position() > length) {
                    self.0.inc_length(1);
                }
                self.0.println(line(&result).as_str());
            }
        }
    }

    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// `✓ tests/test_cart.py::test_total 3 ms`
fn line(result: &TestResult) -> Shown {
    let TestResult { id, millis, .. } = result;
    let (style, sign, rest) = match result.verdict {
        Verdict::Passed => (Style::Green, "✓", format!("{millis} ms")),
        Verdict::Failed => (Style::Red, "✗", format!("{millis} ms")),
        Verdict::Skipped => (Style::Yellow, "-", "skipped".to_owned()),
        Verdict::NotRunnable => (Style::Yellow, "○", "not runnable here".to_owned()),
    };
    let mut line = for_stderr();
    line.push_styled(style, sign);
    line.push(&format!(" {id} {rest}"));
    line
}

//! Runs tests, and gives up on those that never end.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use runs::confined::Both;
use sandbox::{Event, Outcome, Request, Runner, Status, TestResult, Verdict, run_likeliest_first};
use tokio::time::timeout;

use super::progress::Progress;
use super::selection::Selection;
use crate::sandboxed::{confined_worker, worker};

/// How long to wait for the next test to end. The limit of the whole run is as long as many tests may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `request`, which is that of the `selection`. When none has ended for a minute, the run is stopped, and what is known of the others
/// is kept. With `confined`, what the sandbox leaves open is run again, and tests of these files only there.
///
/// # Errors
/// When the sandbox does not work.
pub(super) fn perform(
    request: Request,
    selection: &Selection,
    confined: Option<Vec<String>>,
) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (progress, seen) = (Progress::new(selection.tests), Mutex::new(Seen::default()));
    // Never poisoned: nothing panics while it is held.
    let seen = || seen.lock().unwrap_or_else(PoisonError::into_inner);
    let on_event = |event| {
        seen().note(&event);
        progress.note(event);
    };
    let sandbox = Arc::new(worker()?);
    let runner: Arc<dyn Runner> = match confined {
        Some(files) => {
            let both = Both::new(sandbox, Arc::new(confined_worker()?), || true);
            Arc::new(both.with_only_confined(files))
        }
        None => sandbox,
    };
    let outcome = runtime.block_on(async {
        let run = run_likeliest_first(&*runner, request, selection.likeliest, &on_event);
        let mut run = pin!(run);
        loop {
            match timeout(Duration::from_secs(1), &mut run).await {
                Ok(outcome) => return outcome,
                Err(_) if seen().last.elapsed() > PATIENCE => return Ok(seen().stopped(PATIENCE)),
                Err(_) => {}
            }
        }
    });
    progress.finish();
    Ok(outcome?)
}

/// What was told so far.
struct Seen {
    start: Instant,
    last: Instant,
    tests: Vec<TestResult>,
}

impl Default for Seen {
    fn default() -> Self {
        Seen { start: Instant::now(), last: Instant::now(), tests: Vec::new() }
    }
}

impl Seen {
    fn note(&mut self, event: &Event) {
        // What a test writes does not bring it nearer to its end.
        if !matches!(event, Event::Output { .. }) {
            self.last = Instant::now();
        }
        match event {
            // What was told before does not count.
            Event::Running => {
                self.start = self.last;
                self.tests.clear();
            }
            Event::Test(result) => self.tests.push(result.clone()),
            Event::Preparing { .. } | Event::Output { .. } => {}
        }
    }

    fn stopped(&self, patience: Duration) -> Outcome {
        let after = match self.tests.last() {
            Some(test) => format!("the last that did was {}", test.id),
            None => "none has".to_owned(),
        };
        let reason = format!("stopped: no test has ended for {} s; {after}", patience.as_secs());
        let count = |verdict| self.tests.iter().filter(|test| test.verdict == verdict).count() as u32;
        Outcome {
            passed: count(Verdict::Passed),
            failed: count(Verdict::Failed),
            failures: self.tests.iter().filter(|test| test.verdict == Verdict::Failed).map(failure).collect(),
            millis: self.start.elapsed().as_millis() as u64,
            tests: self.tests.clone(),
            ..Outcome::without_run(Status::Timeout, reason)
        }
    }
}

fn failure(test: &TestResult) -> sandbox::Failure {
    sandbox::Failure::new(&test.path, test.line, test.message.clone().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watch_keeps_known_results() {
        let test = |id: &str, verdict| TestResult {
            id: id.to_owned(),
            path: "test_a.py".to_owned(),
            line: 3,
            verdict,
            returned: true,
            millis: 1,
            message: (verdict == Verdict::Failed).then(|| "no".to_owned()),
        };
        let mut seen = Seen::default();
        seen.note(&Event::Test(test("before", Verdict::Passed)));
        seen.note(&Event::Running);
        seen.note(&Event::Test(test("a", Verdict::Failed)));
        seen.note(&Event::Test(test("b", Verdict::Passed)));
        let outcome = seen.stopped(Duration::from_secs(7));
        assert_eq!((outcome.outcome, outcome.passed, outcome.failed), (Status::Timeout, 1, 1));
        assert_eq!(outcome.failures, [sandbox::Failure::new("test_a.py", 3, "no")]);
        assert_eq!(outcome.stderr, "stopped: no test has ended for 7 s; the last that did was b\n");
        assert!(Seen::default().stopped(PATIENCE).stderr.ends_with("none has\n"));
    }
}

//! Many tests, the likeliest to fail first.

use std::sync::{Mutex, PoisonError};

use crate::{Action, Error, Event, OnEvent, Outcome, Request, Runner, Status};

/// As [`Runner::run`]. Of tests, the first `likeliest` are run by themselves, and the others after them: pytest collects all
/// that it is given before it runs any of it, which takes seconds where tests of many files are named. What it tells, and
/// the outcome, are as if it were one run. What stops the first ones stops all.
///
/// # Errors
/// As [`Runner::run`].
pub async fn run_likeliest_first(
    runner: &dyn Runner,
    request: Request,
    likeliest: usize,
    on_event: OnEvent<'_>,
) -> Result<Outcome, Error> {
    let targets = match &request.action {
        Action::Pytest { targets } if (1..targets.len()).contains(&likeliest) => targets,
        _ => return runner.run(request, on_event).await,
    };
    let (first, rest) = targets.split_at(likeliest);
    let of = |targets: &[String]| Request { action: Action::Pytest { targets: targets.to_vec() }, ..request.clone() };
    let first = runner.run(of(first), on_event).await?;
    if !matches!(first.outcome, Status::Passed | Status::Failed | Status::Refused | Status::NotRunnable) {
        return Ok(first);
    }
    let starts = Mutex::new(0);
    let on_event = |event| {
        if event != Event::Running {
            return on_event(event);
        }
        // Never poisoned: nothing panics while it is held.
        let mut starts = starts.lock().unwrap_or_else(PoisonError::into_inner);
        *starts += 1;
        // From whoever listens the start of the second batch is hidden. Should it start again, which makes them forget
        // what they were told, they are told of the first batch again.
        if *starts > 1 {
            on_event(Event::Running);
            first.tests.iter().cloned().map(Event::Test).for_each(on_event);
        }
    };
    let second = runner.run(of(rest), &on_event).await?;
    Ok(first.followed_by(second))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BoxFuture, TestResult, Verdict};

    /// Each test passes, but those that are called `fails`; it starts `starts` times.
    struct Fake {
        starts: usize,
        stopped: bool,
    }

    fn result(target: &str) -> TestResult {
        let verdict = if target.ends_with("fails") { Verdict::Failed } else { Verdict::Passed };
        TestResult { id: target.into(), path: "a".into(), line: 1, verdict, returned: true, millis: 1, message: None }
    }

    impl Runner for Fake {
        fn prepare<'a>(&'a self, _: OnEvent<'a>) -> BoxFuture<'a, Result<(), Error>> {
            Box::pin(async { Ok(()) })
        }

        fn run<'a>(&'a self, request: Request, on_event: OnEvent<'a>) -> BoxFuture<'a, Result<Outcome, Error>> {
            Box::pin(async move {
                let Action::Pytest { targets } = request.action else { unreachable!() };
                let tests: Vec<TestResult> = targets.iter().map(|target| result(target)).collect();
                for _ in 0..self.starts {
                    on_event(Event::Running);
                    tests.iter().cloned().map(Event::Test).for_each(on_event);
                }
                let failed = tests.iter().filter(|it| it.verdict == Verdict::Failed).count() as u32;
                let status = if self.stopped {
                    Status::Timeout
                } else if failed > 0 {
                    Status::Failed
                } else {
                    Status::Passed
                };
                let passed = tests.len() as u32 - failed;
                Ok(Outcome { passed, failed, tests, millis: 5, ..Outcome::without_run(status, "") })
            })
        }

        fn reset<'a>(&'a self, _: String) -> BoxFuture<'a, Result<(), Error>> {
            Box::pin(async { Ok(()) })
        }
    }

    /// The events, `^` for a start, and the outcome.
    fn check(fake: &Fake, targets: &[&str], likeliest: usize) -> String {
        let told = Mutex::new(String::new());
        let on_event = |event| match event {
            Event::Running => told.lock().unwrap().push('^'),
            Event::Test(test) => told.lock().unwrap().push_str(&test.id),
            _ => {}
        };
        let targets = targets.iter().map(ToString::to_string).collect();
        let request = Request::new("/ws", Action::Pytest { targets });
        let run = run_likeliest_first(fake, request, likeliest, &on_event);
        let outcome = ready(run).unwrap();
        let tests: Vec<&str> = outcome.tests.iter().map(|it| it.id.as_str()).collect();
        let Outcome { outcome: status, passed, failed, millis, .. } = &outcome;
        format!("{} / {status} {passed} {failed} {millis} {}", told.lock().unwrap(), tests.join(""))
    }

    /// None of these futures ever waits.
    fn ready<T>(future: impl Future<Output = T>) -> T {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::pin!(future).poll(&mut context) {
            std::task::Poll::Ready(value) => value,
            std::task::Poll::Pending => unreachable!(),
        }
    }

    #[test]
    fn two_batches_are_told_as_one_run() {
        let fake = Fake { starts: 1, stopped: false };
        assert_eq!(check(&fake, &["a", "b", "c"], 1), "^abc / passed 3 0 10 abc");
        assert_eq!(check(&fake, &["a", "fails", "c"], 2), "^afailsc / failed 2 1 10 afailsc");
        assert_eq!(check(&fake, &["a", "b"], 0), "^ab / passed 2 0 5 ab");
        assert_eq!(check(&fake, &["a", "b"], 2), "^ab / passed 2 0 5 ab");
    }

    #[test]
    fn what_starts_again_tells_all_again() {
        let fake = Fake { starts: 2, stopped: false };
        assert_eq!(check(&fake, &["a", "b"], 1), "^a^ab^ab / passed 2 0 10 ab");
    }

    #[test]
    fn what_stops_the_first_batch_stops_all() {
        assert_eq!(check(&Fake { starts: 1, stopped: true }, &["a", "b"], 1), "^a / timeout 1 0 5 a");
    }
}

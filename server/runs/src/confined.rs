//! What the sandbox leaves open is run once more in the project's own interpreter, confined (crate `confined`), where the user's
//! settings allow it.

mod join;

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sandbox::{
    Action, BoxFuture, Error, Event, Failure, OnEvent, Outcome, Request, Runner, Status, TestResult, Verdict,
};
use tokio::time::timeout;

use self::join::{is_of, joined, left_open};

/// How long to wait in the sandbox for the next test to end before all of them are run confined: what waits for a thread or a
/// connection there waits for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long to wait confined: what has ended until then still counts.
const PATIENCE_CONFINED: Duration = Duration::from_secs(45);

/// So many tests that cannot run there, and more than can, and the others are not tried: a fixture of most of them needs what the
/// sandbox has not.
const MAX_IN_VAIN: usize = 40;

/// The least time for what is run confined. To import compiled packages takes seconds, for the first time and on a busy machine many.
const LEAST_WALL: Duration = Duration::from_secs(30);

/// A sandbox, and behind it the project's own interpreter.
pub struct Both {
    sandbox: Arc<dyn Runner>,
    confined: Arc<dyn Runner>,
    is_allowed: Box<dyn Fn() -> bool + Send + Sync>,
    /// Files that need what the sandbox has not.
    only_confined: BTreeSet<String>,
    patience: Duration,
    patience_confined: Duration,
}

impl Both {
    /// `is_allowed` is asked before anything is run confined.
    pub fn new(
        sandbox: Arc<dyn Runner>,
        confined: Arc<dyn Runner>,
        is_allowed: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        Both {
            sandbox,
            confined,
            is_allowed: Box::new(is_allowed),
            only_confined: BTreeSet::new(),
            patience: PATIENCE,
            patience_confined: PATIENCE_CONFINED,
        }
    }

    /// Does not try tests of these files in the sandbox.
    #[must_use]
    pub fn with_only_confined(self, files: impl IntoIterator<Item = String>) -> Self {
        Both { only_confined: files.into_iter().collect(), ..self }
    }

    async fn tests(&self, request: Request, on_event: OnEvent<'_>) -> Result<Outcome, Error> {
        let Action::Pytest { targets } = &request.action else { return self.sandbox.run(request, on_event).await };
        // Without a target all tests of the workspace are meant.
        let all = [".".to_owned()];
        let targets = if targets.is_empty() { &all[..] } else { targets };
        let is_known = |target: &&String| self.only_confined.contains(target.split("::").next().unwrap_or_default());
        let (mut again, first): (Vec<String>, Vec<String>) = targets.iter().cloned().partition(|it| is_known(&it));
        let of =
            |targets: &[String]| Request { action: Action::Pytest { targets: targets.to_vec() }, ..request.clone() };
        let sandboxed = match first.is_empty() {
            true => Outcome::without_run(Status::NotRunnable, ""),
            // What writes into the workspace rather runs in the project's own interpreter, where its tests have their usual names.
            false => self.patiently(Request { writable: false, ..of(&first) }, on_event).await?,
        };
        again.extend(left_open(&first, &sandboxed));
        if again.is_empty() {
            return Ok(sandboxed);
        }
        // What was told of the tests that need no second look still counts.
        let on_event = |event| {
            if event != Event::Running {
                on_event(event);
            }
        };
        let mut confined = match self.confined(of(&again), &on_event).await {
            Ok(outcome) => outcome,
            Err(error) => return Ok(not_confined(sandboxed, &error)),
        };
        // A test may need what others before it have imported or made, as in an ordinary run of all of them; and it may have
        // another name than in the sandbox, where a plugin that adds parameters cannot be loaded.
        let is_failed = confined.tests.iter().any(|test| test.verdict == Verdict::Failed);
        let is_unheard_of = |target: &String| !confined.tests.iter().any(|test| is_of(&test.id, target));
        if again != targets
            && (is_failed || again.iter().any(is_unheard_of))
            && let Ok(whole) = self.confined(of(targets), &on_event).await
            && matches!(whole.outcome, Status::Passed | Status::Failed | Status::Refused | Status::NotRunnable)
        {
            confined = Outcome { millis: confined.millis + whole.millis, ..whole };
            again = targets.to_vec();
        }
        Ok(joined(sandboxed, &again, confined))
    }

    /// What is asked of the confined runner.
    fn second(&self, mut request: Request) -> Request {
        request.limits.wall = request.limits.wall.max(LEAST_WALL);
        request
    }

    /// What came of a run in the sandbox, unless its tests cease to end or to be of use.
    async fn patiently(&self, request: Request, on_event: OnEvent<'_>) -> Result<Outcome, Error> {
        let give_up = |seen: &Seen| match seen.is_stuck(self.patience) {
            true => Some(Outcome::without_run(Status::Timeout, "no test ends in the sandbox any more")),
            false if seen.in_vain > MAX_IN_VAIN && seen.in_vain * 2 > seen.tests.len() => {
                Some(Outcome::without_run(Status::Timeout, "most tests cannot be run in the sandbox"))
            }
            false => None,
        };
        followed(&*self.sandbox, request, on_event, self.patience, give_up).await
    }

    /// What came of tests confined, or of those that ended before one that does not.
    async fn confined(&self, request: Request, on_event: OnEvent<'_>) -> Result<Outcome, Error> {
        let patience = self.patience_confined;
        let give_up = |seen: &Seen| seen.is_stuck(patience).then(|| seen.stopped(patience));
        followed(&*self.confined, self.second(request), on_event, patience, give_up).await
    }

    /// Programs, examples and inputs have no parts that could be run apart.
    async fn whole(&self, request: Request, on_event: OnEvent<'_>) -> Result<Outcome, Error> {
        let sandboxed = self.sandbox.run(request.clone(), on_event).await?;
        if !matches!(sandboxed.outcome, Status::NotRunnable | Status::Refused) {
            return Ok(sandboxed);
        }
        match self.confined.run(self.second(request), on_event).await {
            // It says no more than the sandbox.
            Ok(outcome) if outcome.outcome == Status::NotRunnable => Ok(sandboxed),
            Ok(outcome) => Ok(Outcome { confined: (outcome.passed + outcome.failed).max(1), ..outcome }),
            Err(error) => Ok(not_confined(sandboxed, &error)),
        }
    }
}

/// Runs the request, unless what is seen of it meanwhile makes us `give_up`, with an outcome.
async fn followed(
    runner: &dyn Runner,
    request: Request,
    on_event: OnEvent<'_>,
    patience: Duration,
    give_up: impl Fn(&Seen) -> Option<Outcome>,
) -> Result<Outcome, Error> {
    let seen = Mutex::new(Seen::default());
    // Never poisoned: nothing panics while it is held.
    let seen = || seen.lock().unwrap_or_else(PoisonError::into_inner);
    let note = |event| {
        seen().note(&event);
        on_event(event);
    };
    let mut run = pin!(runner.run(request, &note));
    loop {
        if let Ok(outcome) = timeout(patience / 20, &mut run).await {
            return outcome;
        }
        if let Some(outcome) = give_up(&seen()) {
            return Ok(outcome);
        }
    }
}

/// What was told of a run.
#[derive(Default)]
struct Seen {
    tests: Vec<TestResult>,
    /// When a test has ended, or the first has begun.
    last: Option<Instant>,
    /// Tests that could not be run.
    in_vain: usize,
}

impl Seen {
    fn is_stuck(&self, patience: Duration) -> bool {
        self.last.is_some_and(|it| it.elapsed() > patience)
    }

    /// The outcome of tests of which one does not end.
    fn stopped(&self, patience: Duration) -> Outcome {
        let after =
            self.tests.last().map_or("none has".to_owned(), |test| format!("the last that did was {}", test.id));
        let reason = format!("stopped: no test has ended for {} s; {after}", patience.as_secs());
        let of = |verdict| self.tests.iter().filter(move |it| it.verdict == verdict);
        let failure = |it: &TestResult| Failure::new(&it.path, it.line, it.message.clone().unwrap_or_default());
        Outcome {
            passed: of(Verdict::Passed).count() as u32,
            failed: of(Verdict::Failed).count() as u32,
            failures: of(Verdict::Failed).map(failure).collect(),
            tests: self.tests.clone(),
            ..Outcome::without_run(Status::Timeout, reason)
        }
    }

    fn note(&mut self, event: &Event) {
        match event {
            // Preparing it takes as long as it takes, and is done once.
            Event::Preparing { .. } => *self = Seen::default(),
            Event::Running => *self = Seen { last: Some(Instant::now()), ..Seen::default() },
            Event::Test(test) => {
                self.last = Some(Instant::now());
                self.in_vain += usize::from(test.verdict == Verdict::NotRunnable);
                self.tests.push(test.clone());
            }
            Event::Output { .. } => {}
        }
    }
}

/// The sandbox's word is all there is.
fn not_confined(mut sandboxed: Outcome, error: &Error) -> Outcome {
    sandboxed.stderr.push_str(&format!("not run confined: {error}\n"));
    sandboxed
}

impl Runner for Both {
    fn prepare<'a>(&'a self, on_event: OnEvent<'a>) -> BoxFuture<'a, Result<(), Error>> {
        self.sandbox.prepare(on_event)
    }

    fn run<'a>(&'a self, request: Request, on_event: OnEvent<'a>) -> BoxFuture<'a, Result<Outcome, Error>> {
        if !(self.is_allowed)() {
            return self.sandbox.run(request, on_event);
        }
        match request.action {
            Action::Pytest { .. } => Box::pin(self.tests(request, on_event)),
            Action::Script { .. } | Action::Doctest { .. } | Action::Generated { .. } => {
                Box::pin(self.whole(request, on_event))
            }
            Action::Code { .. } | Action::Cell { .. } => self.sandbox.run(request, on_event),
        }
    }

    fn reset<'a>(&'a self, session: String) -> BoxFuture<'a, Result<(), Error>> {
        self.sandbox.reset(session)
    }
}

#[cfg(test)]
mod tests {
    use sandbox::fake::Fake;

    use super::*;

    /// Each target is a test, whose verdict `judge` says.
    fn fake(judge: impl Fn(&str, usize) -> Verdict + Send + Sync + 'static) -> Arc<Fake> {
        Arc::new(Fake::new(move |request| {
            let Action::Pytest { targets } = &request.action else {
                return Ok(Outcome { passed: 1, ..Outcome::without_run(Status::Passed, "") });
            };
            let tests: Vec<TestResult> = targets.iter().map(|id| test(id, judge(id, targets.len()))).collect();
            let count = |wanted| tests.iter().filter(|it| it.verdict == wanted).count() as u32;
            let (passed, failed) = (count(Verdict::Passed), count(Verdict::Failed));
            let status = match (failed, count(Verdict::NotRunnable)) {
                (0, 0) => Status::Passed,
                (0, _) => Status::NotRunnable,
                _ => Status::Failed,
            };
            Ok(Outcome { passed, failed, tests, ..Outcome::without_run(status, "") })
        }))
    }

    fn test(id: &str, verdict: Verdict) -> TestResult {
        let path = id.split("::").next().unwrap_or_default().to_owned();
        TestResult { id: id.to_owned(), path, line: 1, verdict, returned: true, millis: 1, message: None }
    }

    fn request(targets: &[&str]) -> Request {
        Request::new("/ws", Action::Pytest { targets: targets.iter().map(|&it| it.to_owned()).collect() })
    }

    fn asked(fake: &Fake) -> Vec<Vec<String>> {
        let targets = |it: Request| match it.action {
            Action::Pytest { targets } => targets,
            _ => Vec::new(),
        };
        fake.requests().into_iter().map(targets).collect()
    }

    /// How many tests passed, how many failed, and how many were run confined.
    async fn run(both: &Both, targets: &[&str]) -> (u32, u32, u32) {
        let outcome = both.run(request(targets), &|_| {}).await.unwrap();
        (outcome.passed, outcome.failed, outcome.confined)
    }

    #[tokio::test]
    async fn what_the_sandbox_leaves_open_is_run_confined() {
        let sandbox = fake(|id, _| if id.contains("net") { Verdict::NotRunnable } else { Verdict::Passed });
        let confined = fake(|_, _| Verdict::Passed);
        let both = Both::new(sandbox.clone(), confined.clone(), || true).with_only_confined(["c.py".to_owned()]);
        assert_eq!(run(&both, &["a.py::one", "a.py::net", "c.py::two"]).await, (3, 0, 2));
        assert_eq!(asked(&sandbox), [["a.py::one", "a.py::net"]]);
        assert_eq!(asked(&confined), [["c.py::two", "a.py::net"]]);
        assert_eq!(run(&both, &["a.py::one"]).await, (1, 0, 0));
        assert_eq!(asked(&confined).len(), 1);
    }

    #[tokio::test]
    async fn nothing_runs_confined_that_is_not_allowed() {
        let (sandbox, confined) = (fake(|_, _| Verdict::NotRunnable), fake(|_, _| Verdict::Passed));
        let both = Both::new(sandbox, confined.clone(), || false);
        assert_eq!(run(&both, &["a.py::one"]).await, (0, 0, 0));
        assert!(asked(&confined).is_empty());
    }

    #[tokio::test]
    async fn what_fails_by_itself_is_run_with_its_neighbours() {
        let sandbox = fake(|id, _| if id.ends_with("second") { Verdict::Failed } else { Verdict::Passed });
        let confined = fake(|_, targets| if targets == 1 { Verdict::Failed } else { Verdict::Passed });
        let both = Both::new(sandbox, confined.clone(), || true);
        assert_eq!(run(&both, &["a.py::first", "a.py::second"]).await, (2, 0, 2));
        assert_eq!(asked(&confined), [vec!["a.py::second"], vec!["a.py::first", "a.py::second"]]);
    }

    #[tokio::test]
    async fn a_test_of_another_name_is_found_among_all() {
        let sandbox = fake(|_, _| Verdict::NotRunnable);
        let confined = Arc::new(Fake::new(|request| {
            let Action::Pytest { targets } = &request.action else { panic!("{request:?}") };
            let known = targets.iter().filter(|it| *it == "a.py");
            let tests: Vec<TestResult> = known.map(|_| test("a.py::one[asyncio]", Verdict::Passed)).collect();
            let status = if tests.is_empty() { Status::Error } else { Status::Passed };
            Ok(Outcome { passed: tests.len() as u32, tests, ..Outcome::without_run(status, "") })
        }));
        let sandbox = Both::new(sandbox, confined, || true);
        // The fake sandbox tells of a test by the target's name.
        assert_eq!(run(&sandbox, &["a.py"]).await, (1, 0, 1));
    }

    #[tokio::test]
    async fn the_sandbox_is_not_waited_for_without_end() {
        struct Endless;
        impl Runner for Endless {
            fn prepare<'a>(&'a self, _: OnEvent<'a>) -> BoxFuture<'a, Result<(), Error>> {
                Box::pin(async { Ok(()) })
            }
            fn run<'a>(&'a self, _: Request, on_event: OnEvent<'a>) -> BoxFuture<'a, Result<Outcome, Error>> {
                on_event(Event::Running);
                Box::pin(std::future::pending())
            }
            fn reset<'a>(&'a self, _: String) -> BoxFuture<'a, Result<(), Error>> {
                Box::pin(async { Ok(()) })
            }
        }
        let confined = fake(|_, _| Verdict::Passed);
        let patience = Duration::from_millis(20);
        let both = Both { patience, ..Both::new(Arc::new(Endless), confined, || true) };
        assert_eq!(run(&both, &["a.py::one"]).await, (1, 0, 1));
        // What has ended before counts, and what the sandbox said of the others does not.
        let sandbox = fake(|_, _| Verdict::Failed);
        let both = Both { patience_confined: patience, ..Both::new(sandbox, Arc::new(Endless), || true) };
        let outcome = both.run(request(&["a.py::one"]), &|_| {}).await.unwrap();
        assert_eq!((outcome.outcome, outcome.failed, outcome.tests.len()), (Status::Timeout, 0, 0));
    }

    #[tokio::test]
    async fn what_no_test_can_do_in_the_sandbox_is_not_tried_again_and_again() {
        struct InVain;
        impl Runner for InVain {
            fn prepare<'a>(&'a self, _: OnEvent<'a>) -> BoxFuture<'a, Result<(), Error>> {
                Box::pin(async { Ok(()) })
            }
            fn run<'a>(&'a self, _: Request, on_event: OnEvent<'a>) -> BoxFuture<'a, Result<Outcome, Error>> {
                on_event(Event::Running);
                for _ in 0..=MAX_IN_VAIN {
                    on_event(Event::Test(test("a.py::t", Verdict::NotRunnable)));
                }
                Box::pin(std::future::pending())
            }
            fn reset<'a>(&'a self, _: String) -> BoxFuture<'a, Result<(), Error>> {
                Box::pin(async { Ok(()) })
            }
        }
        let both = Both::new(Arc::new(InVain), fake(|_, _| Verdict::Passed), || true);
        assert_eq!(run(&both, &["a.py::one"]).await, (1, 0, 1));
    }

    #[tokio::test]
    async fn a_program_runs_where_it_can() {
        let sandbox = Arc::new(Fake::new(|_| Ok(Outcome::without_run(Status::NotRunnable, "needs numpy"))));
        let both = Both::new(sandbox, fake(|_, _| Verdict::Passed), || true);
        let script = Request::new("/ws", Action::Script { path: "a.py".into() });
        let outcome = both.run(script, &|_| {}).await.unwrap();
        assert_eq!((outcome.outcome, outcome.confined), (Status::Passed, 1));
        let text = ("1".to_owned(), "a.py".to_owned());
        let code = Request::new("/ws", Action::Code { text: text.0, filename: text.1, first_line: 1 });
        assert_eq!(both.run(code, &|_| {}).await.unwrap().outcome, Status::NotRunnable);
    }
}

//! A sandbox that runs nothing, for tests of what uses one.

use std::sync::{Mutex, PoisonError};

use crate::{Action, BoxFuture, Error, Event, OnEvent, Outcome, Request, Runner, Status, TestResult, Verdict};

type Answer = dyn Fn(&Request) -> Result<Outcome, Error> + Send + Sync;

/// Answers every request with a function, and remembers the requests and which sessions were reset.
pub struct Fake {
    /// Without one nothing ends but by being cancelled.
    answer: Option<Box<Answer>>,
    requests: Mutex<Vec<Request>>,
    resets: Mutex<Vec<String>>,
}

impl Fake {
    pub fn new(answer: impl Fn(&Request) -> Result<Outcome, Error> + Send + Sync + 'static) -> Self {
        Self { answer: Some(Box::new(answer)), requests: Mutex::default(), resets: Mutex::default() }
    }

    /// One whose runs never end.
    pub fn endless() -> Self {
        Self { answer: None, requests: Mutex::default(), resets: Mutex::default() }
    }

    /// The requests so far, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The sessions that were reset so far, oldest first.
    pub fn resets(&self) -> Vec<String> {
        self.resets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Every test that is asked for has passed, and two more examples or inputs where none is.
pub fn passing(request: &Request) -> Outcome {
    let targets = match &request.action {
        Action::Pytest { targets } => targets.as_slice(),
        _ => &[],
    };
    let result = |id: &String| TestResult {
        id: id.clone(),
        path: id.split("::").next().unwrap_or_default().to_owned(),
        line: 1,
        verdict: Verdict::Passed,
        returned: true,
        millis: 1,
        message: None,
    };
    let tests: Vec<TestResult> = targets.iter().map(result).collect();
    let passed = if tests.is_empty() { 2 } else { tests.len() as u32 };
    Outcome { passed, tests, ..Outcome::without_run(Status::Passed, "") }
}

impl Runner for Fake {
    fn prepare<'a>(&'a self, on_event: OnEvent<'a>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            on_event(Event::Preparing { done: 0, total: 1 });
            Ok(())
        })
    }

    fn run<'a>(&'a self, request: Request, on_event: OnEvent<'a>) -> BoxFuture<'a, Result<Outcome, Error>> {
        Box::pin(async move {
            on_event(Event::Running);
            let Some(answer) = &self.answer else { return std::future::pending().await };
            let answer = answer(&request);
            self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
            answer
        })
    }

    fn reset<'a>(&'a self, session: String) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.resets.lock().unwrap_or_else(PoisonError::into_inner).push(session);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_and_remembers() {
        let fake = Fake::new(|request| match &request.action {
            Action::Pytest { .. } => Ok(Outcome::without_run(Status::NotRunnable, "needs numpy")),
            _ => Err(Error::Unavailable("nothing else is scripted".into())),
        });
        let request = |action| Request::new("/ws", action);
        let pytest = request(Action::Pytest { targets: vec!["tests".into()] });
        let script = request(Action::Script { path: "a.py".into() });
        assert_eq!(fake.run(pytest.clone(), &|_| {}).await.unwrap().outcome, Status::NotRunnable);
        assert!(fake.run(script.clone(), &|_| {}).await.is_err());
        fake.reset("notebook.py".into()).await.unwrap();
        assert_eq!(fake.requests(), [pytest, script]);
        assert_eq!(fake.resets(), ["notebook.py"]);
    }
}

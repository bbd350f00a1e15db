//! A server that failed three times in a row is left alone for a minute; then one question tries whether it works again.
//! The pattern is the circuit breaker of M. Nygard, "Release It!".

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::StreamExt;
use store::{FailingServer, Journal};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{lock, now};
use crate::{Deltas, Error, LanguageModel, Request};

/// Failures in a row.
const FAILURES: u32 = 3;
const COOLDOWN: Duration = Duration::from_secs(60);

/// What is known of one server.
pub(crate) struct Breaker {
    server: String,
    journal: Option<Arc<Journal>>,
    state: Mutex<Known>,
    /// Grows with every change.
    changes: Option<watch::Sender<u64>>,
}

/// A server that failed when it was last asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerState {
    /// `https://api.example.com`
    pub server: String,
    /// In a row.
    pub failures: u32,
    /// The last one.
    pub error: String,
    pub health: Health,
}

/// Whether a server that failed is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It is.
    Failing,
    /// It is left alone for so long.
    CircuitOpen { retry_in: Duration },
    /// The next question, or one that is on its way, tries whether it works again.
    Probing,
}

#[derive(Default)]
struct Known {
    failures: u32,
    open_until: Option<Instant>,
    /// One question is out to try whether the server works again.
    probing: bool,
    error: String,
}

impl Breaker {
    /// With what other processes found out lately.
    pub(crate) fn new(server: &str, journal: Option<Arc<Journal>>) -> Breaker {
        let failing = journal.as_ref().and_then(|journal| journal.failing().ok()).unwrap_or_default();
        let known = failing.into_iter().find(|failing| failing.server == server).map(|failing| {
            let left = failing.open_until.map(|until| until.saturating_sub(now()).clamp(0, COOLDOWN.as_secs() as i64));
            Known {
                failures: failing.failures,
                open_until: left.map(|left| Instant::now() + Duration::from_secs(left.cast_unsigned())),
                probing: false,
                error: failing.error,
            }
        });
        Breaker { server: server.to_owned(), journal, state: Mutex::new(known.unwrap_or_default()), changes: None }
    }

    /// With somebody who is told of changes.
    pub(crate) fn telling(self, changes: watch::Sender<u64>) -> Breaker {
        Breaker { changes: Some(changes), ..self }
    }

    /// `None` for a server that works.
    pub(crate) fn state(&self) -> Option<ServerState> {
        let known = lock(&self.state);
        let left = known.open_until.map(|until| until.saturating_duration_since(Instant::now()));
        let health = match left {
            None => Health::Failing,
            Some(left) if left.is_zero() || known.probing => Health::Probing,
            Some(retry_in) => Health::CircuitOpen { retry_in },
        };
        let (server, error) = (self.server.clone(), known.error.clone());
        (known.failures > 0).then_some(ServerState { server, failures: known.failures, error, health })
    }

    fn tell(&self) {
        if let Some(changes) = &self.changes {
            changes.send_modify(|number| *number += 1);
        }
    }

    fn check_allowed(self: &Arc<Self>) -> Result<Attempt, Error> {
        let mut known = lock(&self.state);
        let Some(until) = known.open_until else { return Ok(Attempt { breaker: self.clone(), probes: false }) };
        let retry_in = until.saturating_duration_since(Instant::now());
        if retry_in.is_zero() && !known.probing {
            known.probing = true;
            return Ok(Attempt { breaker: self.clone(), probes: true });
        }
        Err(Error::Unavailable { server: self.server.clone(), error: known.error.clone(), retry_in })
    }

    fn failed(&self, error: &Error) {
        let mut known = lock(&self.state);
        known.failures += 1;
        known.error = error.to_string();
        let opens = known.failures >= FAILURES;
        known.open_until = opens.then(|| Instant::now() + COOLDOWN);
        let failing = FailingServer {
            server: self.server.clone(),
            failures: known.failures,
            open_until: opens.then(|| now().saturating_add_unsigned(COOLDOWN.as_secs())),
            error: known.error.clone(),
            at: now(),
        };
        drop(known);
        self.tell();
        self.note(|journal| journal.note_failing(&failing));
    }

    fn worked(&self) {
        let mut known = lock(&self.state);
        let was_failing = known.failures > 0;
        *known = Known::default();
        drop(known);
        if was_failing {
            self.tell();
            self.note(|journal| journal.note_working(&self.server));
        }
    }

    fn note(&self, write: impl FnOnce(&Journal) -> Result<(), store::Error>) {
        if let Some(Err(error)) = self.journal.as_deref().map(write) {
            tracing::warn!(%error, "the state of {} is not kept", self.server);
        }
    }
}

/// A question on its way. One that is dropped before anything is known of it says nothing about the server.
struct Attempt {
    breaker: Arc<Breaker>,
    probes: bool,
}

impl Attempt {
    fn judge(&self, outcome: Result<(), &Error>) {
        match outcome {
            Err(error) if is_outage(error) => self.breaker.failed(error),
            // A server that says no is there.
            _ => self.breaker.worked(),
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.probes {
            lock(&self.breaker.state).probing = false;
        }
    }
}

/// Whether the next question would probably fail as well, whatever it is.
fn is_outage(error: &Error) -> bool {
    match error {
        Error::Status { code, .. } => matches!(code, 408 | 500..=599),
        Error::Connect { .. } | Error::Timeout { .. } | Error::Interrupted { .. } | Error::Malformed { .. } => true,
        _ => false,
    }
}

/// A model behind the breaker of its server.
pub(crate) struct Guarded<M> {
    model: M,
    breaker: Arc<Breaker>,
}

impl<M: LanguageModel> Guarded<M> {
    pub(crate) fn new(model: M, breaker: Arc<Breaker>) -> Guarded<M> {
        Guarded { model, breaker }
    }
}

impl<M: LanguageModel> LanguageModel for Guarded<M> {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Deltas, Error>> {
        Box::pin(async move {
            let attempt = self.breaker.check_allowed()?;
            let deltas = self.model.generate(request).await.inspect_err(|error| attempt.judge(Err(error)))?;
            let mut judged = false;
            let watched = deltas.inspect(move |delta| match delta {
                Err(error) => attempt.judge(Err(error)),
                Ok(_) if !judged => {
                    judged = true;
                    attempt.judge(Ok(()));
                }
                Ok(_) => {}
            });
            Ok(watched.boxed())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scripted, fails, refused, request, says, status};
    use super::*;
    use crate::collect;

    fn guarded(scripts: Vec<Vec<Result<crate::Delta, Error>>>) -> Guarded<Scripted> {
        Guarded::new(Scripted::new("m", scripts), Arc::new(Breaker::new("http://a", None)))
    }

    async fn ask(model: &dyn LanguageModel) -> Result<String, Error> {
        collect(model, request("x"), |_| {}).await.map(|reply| reply.text)
    }

    #[tokio::test(start_paused = true)]
    async fn opens_after_three_failures_and_lets_one_probe_through() {
        let model =
            guarded(vec![fails(refused()), fails(status(500)), fails(refused()), fails(status(503)), says("back")]);
        for _ in 0..3 {
            assert!(ask(&model).await.is_err());
        }
        let unavailable = ask(&model).await.unwrap_err();
        assert!(
            matches!(&unavailable, Error::Unavailable { retry_in, .. } if retry_in.as_secs() == 60),
            "{unavailable:?}"
        );
        assert_eq!(model.model.asked(), 3);
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(matches!(ask(&model).await, Err(Error::Unavailable { .. })));
        tokio::time::advance(Duration::from_secs(1)).await;
        // The probe fails, and the next minute begins.
        assert_eq!(ask(&model).await, Err(status(503)));
        assert!(matches!(ask(&model).await, Err(Error::Unavailable { .. })));
        tokio::time::advance(COOLDOWN).await;
        assert_eq!(ask(&model).await.unwrap(), "back");
        assert_eq!(lock(&model.breaker.state).failures, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn its_state_is_known_and_changes_are_told() {
        let (sender, receiver) = watch::channel(0);
        let breaker = Arc::new(Breaker::new("http://a", None).telling(sender));
        let scripts = (0..3).map(|_| fails(refused())).chain([says("back")]);
        let model = Guarded::new(Scripted::new("m", scripts), breaker.clone());
        assert_eq!(breaker.state(), None);
        let health = || breaker.state().map(|state| (state.failures, state.health));
        assert!(ask(&model).await.is_err());
        assert_eq!(health(), Some((1, Health::Failing)));
        assert!(ask(&model).await.is_err() && ask(&model).await.is_err());
        assert_eq!(health(), Some((3, Health::CircuitOpen { retry_in: COOLDOWN })));
        assert!(breaker.state().unwrap().error.contains("refused"));
        tokio::time::advance(COOLDOWN).await;
        assert_eq!(health(), Some((3, Health::Probing)));
        assert_eq!(ask(&model).await.unwrap(), "back");
        assert_eq!((health(), *receiver.borrow()), (None, 4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_question_does_not_probe_and_a_dropped_probe_is_none() {
        let model = guarded((0..3).map(|_| fails(refused())).chain([says("never heard"), says("back")]).collect());
        for _ in 0..3 {
            assert!(ask(&model).await.is_err());
        }
        tokio::time::advance(COOLDOWN).await;
        let probe = model.generate(request("x")).await.unwrap();
        assert!(matches!(ask(&model).await, Err(Error::Unavailable { .. })));
        drop(probe);
        assert_eq!(ask(&model).await.unwrap(), "back");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_no_outage_and_success_starts_anew() {
        let twice = || [fails(refused()), fails(refused())];
        let model =
            guarded(twice().into_iter().chain([fails(status(401))]).chain(twice()).chain([says("x")]).collect());
        for _ in 0..5 {
            assert!(!matches!(ask(&model).await, Err(Error::Unavailable { .. })));
        }
        assert_eq!(ask(&model).await.unwrap(), "x");
    }

    #[tokio::test]
    async fn other_processes_know() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Arc::new(Journal::open(&folder.path().join("models.sqlite")).unwrap());
        let breaker = |server| Arc::new(Breaker::new(server, Some(journal.clone())));
        let model = Guarded::new(Scripted::new("m", []), breaker("http://a"));
        for _ in 0..3 {
            assert!(ask(&model).await.is_err());
        }
        let failing = journal.failing().unwrap();
        assert_eq!((failing[0].failures, failing[0].open_until.is_some()), (3, true));
        assert!(failing[0].error.contains("refused"));
        let other = Guarded::new(Scripted::new("m", [says("x")]), breaker("http://a"));
        assert!(matches!(ask(&other).await, Err(Error::Unavailable { .. })));
        let elsewhere = Guarded::new(Scripted::new("m", [says("x")]), breaker("http://b"));
        assert_eq!(ask(&elsewhere).await.unwrap(), "x");
        journal.note_failing(&FailingServer { open_until: Some(0), ..failing[0].clone() }).unwrap();
        let later = Guarded::new(Scripted::new("m", [says("x")]), breaker("http://a"));
        assert_eq!(ask(&later).await.unwrap(), "x");
        assert_eq!(journal.failing().unwrap(), []);
    }
}

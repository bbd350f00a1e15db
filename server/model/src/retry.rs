//! Asking again when a server was briefly unable to answer.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use futures::future::{BoxFuture, ready};
use futures::stream::{StreamExt, once};

use crate::{Deltas, Error, LanguageModel, Request};

/// When to ask again, and when to give up.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// How often a request is repeated.
    pub retries: u32,
    /// The pause before the first repetition. It doubles with each one, and half of it is left to chance.
    pub pause: Duration,
    /// The most that all pauses together may last. A server that asks for more patience than that is not asked again.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff { retries: 2, pause: Duration::from_millis(500), longest: Duration::from_secs(30) }
    }
}

/// A model that repeats a request whose failure [is transient](Error::is_transient) and of whose answer nothing has been
/// seen yet. `Retry-After` is honoured.
pub struct Retry<M> {
    model: M,
    backoff: Backoff,
}

impl<M: LanguageModel> Retry<M> {
    pub fn new(model: M, backoff: Backoff) -> Retry<M> {
        Retry { model, backoff }
    }

    /// Succeeds once the first delta is there: a server that is overloaded often says so in its stream.
    async fn attempt(&self, request: Request) -> Result<Deltas, Error> {
        let mut deltas = self.model.generate(request).await?;
        match deltas.next().await {
            Some(Err(error)) => Err(error),
            Some(first) => Ok(once(ready(first)).chain(deltas).boxed()),
            None => Ok(deltas),
        }
    }

    /// How long to wait after failure number `failures`, of `waited` so far; `None` to give up.
    fn pause(&self, failures: u32, error: &Error, waited: Duration) -> Option<Duration> {
        if failures > self.backoff.retries || !error.is_transient() {
            return None;
        }
        let full = self.backoff.pause * 2u32.saturating_pow(failures - 1);
        let jittered = full.mul_f64(1.0 - chance() / 2.0);
        let asked = match error {
            Error::Status { retry_after, .. } => retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        let pause = jittered.max(asked);
        (waited.saturating_add(pause) <= self.backoff.longest).then_some(pause)
    }
}

impl<M: LanguageModel> LanguageModel for Retry<M> {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Deltas, Error>> {
        Box::pin(async move {
            let mut waited = Duration::ZERO;
            let mut failures = 0;
            loop {
                let error = match self.attempt(request.clone()).await {
                    Ok(deltas) => return Ok(deltas),
                    Err(error) => error,
                };
                failures += 1;
                let Some(pause) = self.pause(failures, &error, waited) else {
                    return Err(error);
                };
                tracing::info!(model = self.name(), %error, ?pause, "asking the model again");
                tokio::time::sleep(pause).await;
                waited += pause;
            }
        })
    }
}

/// A number in [0, 1), good enough to keep clients apart: each `RandomState` of the standard library has its own keys.
fn chance() -> f64 {
    RandomState::new().hash_one(0) as f64 / (u64::MAX as f64 + 1.0)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::stream::iter;
    use tokio::time::Instant;

    use super::*;
    use crate::{Delta, Prompt, Reply, Stage, StopReason, collect};

    /// Fails as scripted, from the last to the first, and then answers.
    struct Failing {
        /// Each error, and whether it comes only after this much text.
        errors: Mutex<Vec<(Option<&'static str>, Error)>>,
    }

    impl LanguageModel for Failing {
        fn name(&self) -> &str {
            "failing"
        }

        fn generate(&self, _: Request) -> BoxFuture<'_, Result<Deltas, Error>> {
            let deltas = match self.errors.lock().unwrap().pop() {
                Some((None, error)) => return Box::pin(ready(Err(error))),
                Some((Some(""), error)) => vec![Err(error)],
                Some((Some(text), error)) => vec![Ok(Delta::Text(text.into())), Err(error)],
                None => vec![Ok(Delta::Text("fine".into())), Ok(Delta::Stop { reason: StopReason::End, usage: None })],
            };
            Box::pin(ready(Ok(iter(deltas).boxed())))
        }
    }

    async fn ask(mut errors: Vec<(Option<&'static str>, Error)>) -> (Result<Reply, Error>, Duration) {
        errors.reverse();
        let model = Retry::new(Failing { errors: Mutex::new(errors) }, Backoff::default());
        let started = Instant::now();
        let (request, _) = Request::redacted(Prompt::default());
        let reply = collect(&model, request, |_| {}).await;
        (reply, started.elapsed())
    }

    fn status(code: u16, retry_after: Option<u64>) -> Error {
        Error::Status { code, message: String::new(), retry_after: retry_after.map(Duration::from_secs) }
    }

    #[tokio::test(start_paused = true)]
    async fn transient_failures_are_repeated_twice_with_growing_pauses() {
        let refused = || Error::Connect { server: String::new(), cause: String::new() };
        let (reply, took) = ask(vec![(None, status(500, None)), (Some(""), refused())]).await;
        assert_eq!(reply.unwrap().text, "fine");
        // Half a second, then a whole one, each between its half and its whole (the clock counts milliseconds).
        assert!((748..=1502).contains(&took.as_millis()), "{took:?}");

        let three = || (None, refused());
        let (reply, _) = ask(vec![three(), three(), three()]).await;
        assert_eq!(reply, Err(refused()));
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_is_honoured_within_bounds() {
        let (reply, took) = ask(vec![(None, status(429, Some(7)))]).await;
        assert_eq!(reply.unwrap().text, "fine");
        assert!((7000..7010).contains(&took.as_millis()), "{took:?}");

        let (reply, took) = ask(vec![(None, status(429, Some(31)))]).await;
        assert_eq!(reply, Err(status(429, Some(31))));
        assert!(took.is_zero());

        let (reply, took) = ask(vec![(None, status(429, Some(20))), (None, status(429, Some(20)))]).await;
        assert_eq!(reply, Err(status(429, Some(20))));
        assert!((20_000..20_010).contains(&took.as_millis()), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_repeating_cannot_mend_is_not_repeated() {
        let slow = Error::Timeout { stage: Stage::FirstToken, limit: Duration::ZERO };
        for error in [status(401, None), status(400, Some(1)), slow] {
            let (reply, took) = ask(vec![(None, error.clone())]).await;
            assert_eq!(reply, Err(error));
            assert!(took.is_zero());
        }
        // Text has been shown.
        let (reply, _) = ask(vec![(Some("par"), status(503, None))]).await;
        assert_eq!(reply, Err(status(503, None)));
    }

    #[test]
    fn chance_is_spread() {
        let drawn: Vec<f64> = (0..200).map(|_| chance()).collect();
        assert!(drawn.iter().all(|x| (0.0..1.0).contains(x)));
        let mean = drawn.iter().sum::<f64>() / 200.0;
        assert!((0.35..0.65).contains(&mean), "{mean}");
    }
}

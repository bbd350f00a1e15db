//! A model that does what a test says.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::{BoxFuture, ready};
use futures::stream::{StreamExt, iter};

use crate::{Delta, Deltas, Error, LanguageModel, Prompt, Request, StopReason, Usage};

/// Gives each script once, then fails as if nobody listened.
pub(crate) struct Scripted {
    name: String,
    scripts: Mutex<VecDeque<Vec<Result<Delta, Error>>>>,
    pub(crate) asked: AtomicUsize,
    /// How long each delta takes.
    pause: Duration,
}

impl Scripted {
    pub(crate) fn new(name: &str, scripts: impl IntoIterator<Item = Vec<Result<Delta, Error>>>) -> Scripted {
        let scripts = Mutex::new(scripts.into_iter().collect());
        Scripted { name: name.into(), scripts, asked: AtomicUsize::new(0), pause: Duration::ZERO }
    }

    pub(crate) fn slow(mut self, pause: Duration) -> Scripted {
        self.pause = pause;
        self
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl LanguageModel for Scripted {
    fn name(&self) -> &str {
        &self.name
    }

    fn generate(&self, _: Request) -> BoxFuture<'_, Result<Deltas, Error>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let script = self.scripts.lock().unwrap().pop_front();
        let script = script.unwrap_or_else(|| vec![Err(refused())]);
        let pause = self.pause;
        let paced = iter(script).then(move |delta| async move {
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            delta
        });
        Box::pin(ready(Ok(paced.boxed())))
    }
}

pub(crate) fn says(text: &str) -> Vec<Result<Delta, Error>> {
    let usage = Some(Usage { input: 100, output: 10 });
    vec![Ok(Delta::Text(text.into())), Ok(Delta::Stop { reason: StopReason::End, usage })]
}

pub(crate) fn fails(error: Error) -> Vec<Result<Delta, Error>> {
    vec![Err(error)]
}

pub(crate) fn refused() -> Error {
    Error::Connect { server: "http://a".into(), cause: "refused".into() }
}

pub(crate) fn status(code: u16) -> Error {
    Error::Status { code, message: "no".into(), retry_after: None }
}

pub(crate) fn request(user: &str) -> Request {
    Request::redacted(Prompt { system: String::new(), user: user.into() }).0.for_purpose("review")
}

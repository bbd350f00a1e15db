//! The same question within a day gets the answer that was paid for, and is told so.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{BoxFuture, ready};
use futures::stream::iter;
use store::{Answer, Call, Journal};

use super::now;
use crate::{Delta, Deltas, Error, LanguageModel, Request, StopReason, Usage};

pub(crate) struct Remembered {
    model: Arc<dyn LanguageModel>,
    journal: Arc<Journal>,
    /// Tells questions to these models from the same ones to others.
    scope: [u8; 32],
    /// How long an answer is good.
    age: Duration,
}

impl Remembered {
    pub(crate) fn new(model: Arc<dyn LanguageModel>, journal: Arc<Journal>, scope: [u8; 32], age: Duration) -> Self {
        Remembered { model, journal, scope, age }
    }

    fn since(&self) -> i64 {
        now().saturating_sub_unsigned(self.age.as_secs())
    }

    /// An answer that cannot be read has to be paid for again.
    fn known(&self, key: &[u8; 32]) -> Option<Answer> {
        let known = self.journal.answer(key, self.since());
        known.inspect_err(|error| tracing::warn!(%error, "answers are not remembered")).ok()?
    }

    fn repeat(&self, answer: Answer, request: &Request) -> Deltas {
        let call = Call {
            at: now(),
            model: answer.model.clone(),
            provider: "cache".into(),
            server_model: String::new(),
            assist: request.purpose().into(),
            input: 0,
            output: 0,
            estimated: false,
            cost: Some(0),
            millis: 0,
            outcome: "cached".into(),
            prompt_hash: request.hash(),
            prompt: None,
        };
        if let Err(error) = self.journal.record(&call) {
            tracing::warn!(%error, "a cached answer is not in the journal");
        }
        let age = Duration::from_secs(now().saturating_sub(answer.at).max(0).cast_unsigned());
        let begin = Delta::Begin { model: answer.model.into(), cached: Some(age) };
        // Nothing was used up.
        let stop = Delta::Stop { reason: StopReason::End, usage: None };
        iter([begin, Delta::Text(answer.text), stop].map(Ok)).boxed()
    }

    fn remember(&self, key: [u8; 32], prompt_hash: String, deltas: Deltas) -> Deltas {
        let (journal, since, mut model, mut text) =
            (self.journal.clone(), self.since(), self.name().to_owned(), String::new());
        let watched = deltas.inspect(move |delta| match delta {
            Ok(Delta::Begin { model: name, .. }) => {
                model = name.to_string();
                text.clear();
            }
            Ok(Delta::Text(piece)) => text.push_str(piece),
            Ok(Delta::Stop { reason: StopReason::End, usage }) if !text.is_empty() => {
                let tokens = usage.map(|Usage { input, output }| (input, output));
                let answer = Answer {
                    at: now(),
                    model: model.clone(),
                    text: text.clone(),
                    tokens,
                    prompt_hash: prompt_hash.clone(),
                };
                if let Err(error) = journal.keep_answer(&key, &answer, since) {
                    tracing::warn!(%error, "an answer is not remembered");
                }
            }
            _ => {}
        });
        watched.boxed()
    }
}

impl LanguageModel for Remembered {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Deltas, Error>> {
        let key = request.key(&self.scope);
        if let Some(answer) = self.known(&key) {
            return Box::pin(ready(Ok(self.repeat(answer, &request))));
        }
        Box::pin(async move { Ok(self.remember(key, request.hash(), self.model.generate(request).await?)) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scripted, fails, request, says, status};
    use super::*;
    use crate::{Progress, collect};

    #[tokio::test]
    async fn the_same_question_is_paid_for_once_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Arc::new(Journal::open(&folder.path().join("models.sqlite")).unwrap());
        let cut = vec![Ok(Delta::Text("cut".into())), Ok(Delta::Stop { reason: StopReason::Length, usage: None })];
        let inner = Arc::new(Scripted::new("m", [fails(status(500)), cut, says("fine"), says("other")]));
        let day = Duration::from_secs(86_400);
        let model = Remembered::new(inner.clone(), journal.clone(), [0; 32], day);
        let ask = async |model: &Remembered| {
            let mut cached = false;
            let reply = collect(model, request("x"), |progress| {
                cached |= matches!(progress, Progress::Begin { cached: Some(age), .. } if age < day);
            });
            (reply.await.map(|reply| reply.text), cached)
        };
        // Failures and halves are not worth keeping.
        assert_eq!(ask(&model).await, (Err(status(500)), false));
        assert_eq!(ask(&model).await, (Ok("cut".into()), false));
        assert_eq!(ask(&model).await, (Ok("fine".into()), false));
        assert_eq!(ask(&model).await, (Ok("fine".into()), true));
        assert_eq!(journal.calls(0, 9).unwrap()[0].outcome, "cached");
        // Another model's answer is another answer.
        let elsewhere = Remembered::new(inner.clone(), journal, [1; 32], day);
        assert_eq!(ask(&elsewhere).await, (Ok("other".into()), false));
        assert_eq!(inner.asked(), 4);
    }
}

//! Asks the next model when one does not answer, also when it breaks off in the middle: what it had said is void then.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::StreamExt;
use futures::future::{BoxFuture, ready};
use futures::stream::unfold;

use crate::{Delta, Deltas, Error, LanguageModel, Request};

/// Models in the order in which they are asked.
pub(crate) struct Failover {
    models: Arc<[Arc<dyn LanguageModel>]>,
    /// Why these, in this order; said before the first is asked.
    reason: Option<String>,
}

impl Failover {
    /// `models` has at least one.
    pub(crate) fn new(models: Vec<Arc<dyn LanguageModel>>, reason: Option<String>) -> Failover {
        Failover { models: models.into(), reason }
    }
}

struct Asking {
    models: Arc<[Arc<dyn LanguageModel>]>,
    request: Request,
    /// The model whose turn it is.
    index: usize,
    deltas: Option<Deltas>,
    ready: VecDeque<Delta>,
    over: bool,
}

impl Asking {
    async fn next(mut self) -> Option<(Result<Delta, Error>, Asking)> {
        loop {
            if let Some(delta) = self.ready.pop_front() {
                return Some((Ok(delta), self));
            }
            if self.over {
                return None;
            }
            let error = match &mut self.deltas {
                Some(deltas) => match deltas.next().await {
                    Some(Ok(delta)) => {
                        self.over = matches!(delta, Delta::Stop { .. });
                        return Some((Ok(delta), self));
                    }
                    Some(Err(error)) => error,
                    None => Error::Interrupted { cause: "the answer has no end".into() },
                },
                None => match self.models[self.index].generate(self.request.clone()).await {
                    Ok(deltas) => {
                        self.deltas = Some(deltas);
                        continue;
                    }
                    Err(error) => error,
                },
            };
            let name = self.models[self.index].name().to_owned();
            tracing::info!(model = name, %error, "no answer");
            self.deltas = None;
            self.index += 1;
            let Some(next) = self.models.get(self.index) else {
                self.over = true;
                return Some((Err(error), self));
            };
            self.ready.push_back(Delta::Note(format!("{name} gave no answer: {error}")));
            self.ready.push_back(Delta::Begin { model: next.name().into(), cached: None });
        }
    }
}

impl LanguageModel for Failover {
    fn name(&self) -> &str {
        self.models.first().map_or("no model", |model| model.name())
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Deltas, Error>> {
        let reason = self.reason.clone().map(Delta::Note);
        let begin = Delta::Begin { model: self.name().into(), cached: None };
        let asking = Asking {
            models: self.models.clone(),
            request,
            index: 0,
            deltas: None,
            ready: reason.into_iter().chain([begin]).collect(),
            over: self.models.is_empty(),
        };
        Box::pin(ready(Ok(unfold(asking, Asking::next).boxed())))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scripted, fails, refused, request, says, status};
    use super::*;
    use crate::{Progress, collect};

    fn failover(models: Vec<(&str, Vec<Result<Delta, Error>>)>) -> Failover {
        let models = models.into_iter().map(|(name, script)| Arc::new(Scripted::new(name, [script])) as _);
        Failover::new(models.collect(), None)
    }

    async fn heard(model: &Failover) -> (Result<String, Error>, Vec<String>) {
        let mut seen = Vec::new();
        let reply = collect(model, request("x"), |progress| {
            seen.push(match progress {
                Progress::Begin { model, .. } => format!("[{model}]"),
                Progress::Note(note) => note.to_owned(),
                Progress::Text(text) => text.to_owned(),
            });
        });
        (reply.await.map(|reply| reply.text), seen)
    }

    #[tokio::test]
    async fn the_next_is_asked_and_what_the_first_had_said_is_void() {
        let half = vec![Ok(Delta::Text("half".into())), Err(status(500))];
        let model = failover(vec![("a", half), ("b", fails(refused())), ("c", says("whole"))]);
        let (reply, seen) = heard(&model).await;
        assert_eq!(reply.unwrap(), "whole");
        assert_eq!(seen[..2], ["[a]", "half"]);
        assert!(seen[2].starts_with("a gave no answer: the server answered 500"), "{seen:?}");
        assert_eq!([&seen[3], &seen[5], &seen[6]], ["[b]", "[c]", "whole"]);
    }

    #[tokio::test]
    async fn the_last_error_is_the_answer_when_nobody_has_one() {
        let model = failover(vec![("a", fails(refused())), ("b", fails(status(401)))]);
        assert_eq!(heard(&model).await.0, Err(status(401)));
        let endless = vec![Ok(Delta::Text("half".into()))];
        assert!(matches!(heard(&failover(vec![("a", endless)])).await.0, Err(Error::Interrupted { .. })));
    }
}

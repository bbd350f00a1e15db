//! Asks the next model when one does not answer, also when it breaks off in the middle: what it had said is void then.
//!
//! Where a model is not asked because of what it costs, the next one is the most expensive of those that cost less.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::StreamExt;
use futures::future::{BoxFuture, ready};
use futures::stream::unfold;

use crate::{Delta, Deltas, Error, LanguageModel, Price, Request};

/// A model and what it costs, where that is known.
pub(crate) type Priced = (Arc<dyn LanguageModel>, Option<Price>);

/// Models in the order in which they are asked.
pub(crate) struct Failover {
    models: Arc<[Priced]>,
    /// Why these, in this order; said before the first is asked.
    reason: Option<String>,
}

impl Failover {
    /// `models` has at least one.
    pub(crate) fn new(models: Vec<Priced>, reason: Option<String>) -> Failover {
        Failover { models: models.into(), reason }
    }
}

struct Asking {
    models: Arc<[Priced]>,
    request: Request,
    /// The model whose turn it is.
    index: usize,
    /// Those that were not asked yet, in order.
    left: Vec<usize>,
    deltas: Option<Deltas>,
    ready: VecDeque<Delta>,
    over: bool,
}

impl Asking {
    /// Whose turn it is after `error`.
    fn advance(&mut self, error: &Error) -> Option<usize> {
        let weight = |index: usize| self.models[index].1.map_or(f64::INFINITY, Price::weight);
        let at = match error {
            Error::OverBudget { .. } => {
                let cheaper = |at: &usize| weight(self.left[*at]) < weight(self.index);
                let all = (0..self.left.len()).filter(cheaper);
                // Of equals the first.
                all.rev().max_by(|a, b| weight(self.left[*a]).total_cmp(&weight(self.left[*b])))?
            }
            _ if self.left.is_empty() => return None,
            _ => 0,
        };
        self.index = self.left.remove(at);
        Some(self.index)
    }

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
                None => match self.models[self.index].0.generate(self.request.clone()).await {
                    Ok(deltas) => {
                        self.deltas = Some(deltas);
                        continue;
                    }
                    Err(error) => error,
                },
            };
            let name = self.models[self.index].0.name().to_owned();
            tracing::info!(model = name, %error, "no answer");
            self.deltas = None;
            let Some(next) = self.advance(&error) else {
                self.over = true;
                return Some((Err(error), self));
            };
            let next = self.models[next].0.clone();
            self.ready.push_back(Delta::Note(format!("{name} gave no answer: {error}")));
            self.ready.push_back(Delta::Begin { model: next.name().into(), cached: None });
        }
    }
}

impl LanguageModel for Failover {
    fn name(&self) -> &str {
        self.models.first().map_or("no model", |(model, _)| model.name())
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Deltas, Error>> {
        let reason = self.reason.clone().map(Delta::Note);
        let begin = Delta::Begin { model: self.name().into(), cached: None };
        let asking = Asking {
            models: self.models.clone(),
            request,
            index: 0,
            left: (1..self.models.len()).collect(),
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
        let models = models.into_iter().map(|(name, script)| (Arc::new(Scripted::new(name, [script])) as _, None));
        Failover::new(models.collect(), None)
    }

    #[tokio::test]
    async fn a_cap_falls_to_the_next_cheaper_model() {
        let over = || vec![Err(Error::OverBudget { model: "m".into(), what: "much, and less".into() })];
        let price = |input: f64| Some(Price { input, output: input });
        let models = |free: Vec<Result<Delta, Error>>| {
            let all = [
                ("strong", price(3.0), over()),
                ("expensive", price(9.0), says("expensive")),
                ("free", price(0.0), free),
                ("cheap", price(1.0), over()),
                ("unknown", None, says("unknown")),
            ];
            let all = all.map(|(name, price, script)| (Arc::new(Scripted::new(name, [script])) as _, price));
            Failover::new(all.into(), None)
        };
        let (reply, seen) = heard(&models(says("at last"))).await;
        let asked: Vec<&str> = seen.iter().filter(|it| it.starts_with('[')).map(String::as_str).collect();
        assert_eq!((reply.unwrap().as_str(), asked), ("at last", vec!["[strong]", "[cheap]", "[free]"]));
        // Where nobody is cheaper, that is the answer. A failure of another kind goes by the order of the list.
        assert!(matches!(heard(&models(over())).await.0, Err(Error::OverBudget { .. })));
        assert_eq!(heard(&models(fails(refused()))).await.0.unwrap(), "expensive");
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

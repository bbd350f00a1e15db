//! Whoever asks what is being asked already hears the same answer: two editors, or a person who clicks twice, pay once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use futures::StreamExt;
use futures::future::{BoxFuture, ready};
use futures::stream::unfold;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::{State, lock};
use crate::{Delta, Deltas, Error, LanguageModel, Request};

/// The answers that are coming in, by what was asked.
pub(crate) type Running = Mutex<HashMap<[u8; 32], Weak<Incoming>>>;

/// An answer that is coming in. When nobody listens any longer, it is abandoned.
pub(crate) struct Incoming {
    heard: Arc<Mutex<Vec<Result<Delta, Error>>>>,
    /// How many deltas were heard; closed when there are no more.
    count: watch::Receiver<usize>,
    reader: AbortHandle,
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Incoming {
    fn start(model: Arc<dyn LanguageModel>, request: Request) -> Incoming {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (sender, count) = watch::channel(0);
        let reader = tokio::spawn({
            let heard = heard.clone();
            async move {
                let hear = |delta| {
                    lock(&heard).push(delta);
                    sender.send_modify(|count| *count += 1);
                };
                match model.generate(request).await {
                    Err(error) => hear(Err(error)),
                    Ok(mut deltas) => {
                        while let Some(delta) = deltas.next().await {
                            hear(delta);
                        }
                    }
                }
            }
        });
        Incoming { heard, count, reader: reader.abort_handle() }
    }

    /// All deltas, those that were heard before included.
    fn listen(self: Arc<Self>) -> Deltas {
        let count = self.count.clone();
        unfold((self, count, 0), |(incoming, mut count, next)| async move {
            // An error says that no more will come.
            let _ = count.wait_for(|count| *count > next).await;
            let delta = lock(&incoming.heard).get(next).cloned()?;
            Some((delta, (incoming, count, next + 1)))
        })
        .boxed()
    }
}

pub(crate) struct Joined {
    model: Arc<dyn LanguageModel>,
    state: Arc<State>,
    /// Tells questions to these models from the same ones to others.
    scope: [u8; 32],
}

impl Joined {
    pub(crate) fn new(model: Arc<dyn LanguageModel>, state: Arc<State>, scope: [u8; 32]) -> Joined {
        Joined { model, state, scope }
    }
}

impl LanguageModel for Joined {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Deltas, Error>> {
        let key = request.key(&self.scope);
        let mut running = lock(&self.state.running);
        running.retain(|_, incoming| incoming.strong_count() > 0);
        let known = running.get(&key).and_then(Weak::upgrade);
        let incoming = known.unwrap_or_else(|| {
            let incoming = Arc::new(Incoming::start(self.model.clone(), request));
            running.insert(key, Arc::downgrade(&incoming));
            incoming
        });
        Box::pin(ready(Ok(incoming.listen())))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::{Scripted, request, says};
    use super::*;
    use crate::testing::Server;
    use crate::testing::Step::Hang;
    use crate::{Timeouts, collect};

    fn joined(model: Arc<dyn LanguageModel>) -> Joined {
        Joined::new(model, State::new(None), [0; 32])
    }

    #[tokio::test]
    async fn the_same_question_is_asked_once() {
        let inner = Arc::new(Scripted::new("m", [says("a"), says("b")]).slow(Duration::from_millis(20)));
        let model = joined(inner.clone());
        let ask = async |user: &str| collect(&model, request(user), |_| {}).await.unwrap().text;
        let late = async {
            tokio::time::sleep(Duration::from_millis(25)).await;
            ask("same").await
        };
        let (first, second) = tokio::join!(ask("same"), late);
        assert_eq!((first.as_str(), second.as_str(), inner.asked()), ("a", "a", 1));
        // What is over is not remembered here.
        assert_eq!((ask("same").await.as_str(), inner.asked()), ("b", 2));
    }

    #[tokio::test]
    async fn one_listener_may_leave_and_the_last_takes_the_connection_along() {
        let mut server = Server::start(vec![vec![Hang]]).await;
        let endpoint = crate::http::Endpoint::new(server.url.parse().unwrap(), None, Timeouts::default()).unwrap();
        let model = joined(Arc::new(crate::provider::anthropic::Anthropic::new("m", endpoint, "x".into(), None)));
        let first = tokio::spawn(collect_owned(model.generate(request("x")).await.unwrap()));
        let second = tokio::spawn(collect_owned(model.generate(request("x")).await.unwrap()));
        server.request().await;
        first.abort();
        assert!(tokio::time::timeout(Duration::from_millis(100), server.hang_up()).await.is_err());
        let left = tokio::time::Instant::now();
        second.abort();
        let closed = server.hang_up().await;
        assert!(closed - left < Duration::from_millis(100), "{:?}", closed - left);
    }

    async fn collect_owned(mut deltas: Deltas) {
        while deltas.next().await.is_some() {}
    }
}

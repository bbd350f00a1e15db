//! No more questions in a minute than the user allows. One that comes a little too soon waits; a flood is refused.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;

use super::lock;
use crate::{Deltas, Error, LanguageModel, Request};

const MINUTE: Duration = Duration::from_secs(60);

/// A person would rather hear why than wait longer.
const LONGEST: Duration = Duration::from_secs(15);

/// When a server was, and will be, asked.
pub(crate) struct Pace {
    per_minute: usize,
    times: Mutex<VecDeque<Instant>>,
}

impl Pace {
    pub(crate) fn new(per_minute: u32) -> Pace {
        Pace { per_minute: per_minute.max(1) as usize, times: Mutex::default() }
    }

    /// When the next question may be asked; that place is taken.
    fn reserve(&self) -> Result<Instant, Error> {
        let mut times = lock(&self.times);
        let now = Instant::now();
        while times.front().is_some_and(|time| *time + MINUTE <= now) {
            times.pop_front();
        }
        let at = match times.len().checked_sub(self.per_minute) {
            None => now,
            Some(index) => times[index] + MINUTE,
        };
        let wait = at - now;
        if wait > LONGEST {
            return Err(Error::TooManyRequests { per_minute: self.per_minute, retry_in: wait });
        }
        times.push_back(at);
        Ok(at)
    }
}

pub(crate) struct Paced<M> {
    model: M,
    pace: Arc<Pace>,
}

impl<M: LanguageModel> Paced<M> {
    pub(crate) fn new(model: M, pace: Arc<Pace>) -> Paced<M> {
        Paced { model, pace }
    }
}

impl<M: LanguageModel> LanguageModel for Paced<M> {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Deltas, Error>> {
        Box::pin(async move {
            tokio::time::sleep_until(self.pace.reserve()?).await;
            self.model.generate(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scripted, request, says};
    use super::*;
    use crate::collect;

    #[tokio::test(start_paused = true)]
    async fn a_question_too_many_waits_a_little_or_is_refused() {
        let model = Paced::new(Scripted::new("m", (0..9).map(|_| says("x"))), Arc::new(Pace::new(2)));
        let start = Instant::now();
        let ask = async || collect(&model, request("x"), |_| {}).await.map(|reply| reply.text);
        assert!(ask().await.is_ok() && ask().await.is_ok());
        assert!(matches!(ask().await, Err(Error::TooManyRequests { per_minute: 2, .. })));
        tokio::time::advance(Duration::from_secs(50)).await;
        assert!(ask().await.is_ok());
        // To the millisecond, which is what the clock counts in.
        assert!((start.elapsed() - MINUTE).as_millis() <= 2, "{:?}", start.elapsed());
        assert_eq!(model.model.asked(), 3);
    }
}

//! What stands between a provider and whoever asks: each layer is a [`crate::LanguageModel`] around another.
//!
//! From the outside in: [`cache`], [`in_flight`], [`failover`], and for each model [`account`], [`pace`], [`breaker`] and
//! [`crate::Retry`]. What has to outlive one question is in [`State`], of which a process has one.

pub(crate) mod account;
pub(crate) mod breaker;
pub(crate) mod cache;
pub(crate) mod failover;
pub(crate) mod in_flight;
pub(crate) mod pace;
pub(crate) mod template;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use store::Journal;
use tokio::sync::watch;

use self::breaker::{Breaker, ServerState};
use self::in_flight::Running;
use self::pace::Pace;
use crate::config::{ModelConfig, Provider, built};
use crate::{Error, LanguageModel};

/// A model, and the server that it asks.
type Built = (Arc<dyn LanguageModel>, Option<String>);

/// What is known from earlier questions: which servers fail, how often they were asked, what is being asked right now.
#[derive(Default)]
pub struct State {
    /// Where costs, calls and answers are kept; without one, nothing is, and caps cannot be held.
    pub(crate) journal: Option<Arc<Journal>>,
    /// Models by what the settings say of them: what they have learnt of their servers is worth keeping.
    built: Mutex<HashMap<String, Built>>,
    breakers: Mutex<HashMap<String, Arc<Breaker>>>,
    /// Grows when a server begins to fail, is left alone, or works again.
    changes: watch::Sender<u64>,
    paces: Mutex<HashMap<(String, u32), Arc<Pace>>>,
    pub(crate) running: Running,
    /// Millionths of a dollar and tokens that questions without an answer yet may cost.
    pub(crate) pending: Mutex<store::Spent>,
}

impl State {
    pub fn new(journal: Option<Arc<Journal>>) -> Arc<State> {
        Arc::new(State { journal, ..State::default() })
    }

    pub fn journal(&self) -> Option<&Arc<Journal>> {
        self.journal.as_ref()
    }

    /// Forgets the answers to a request: they were of no use, and the next question deserves another one.
    pub fn forget(&self, prompt_hash: &str) {
        if let Some(Err(error)) = self.journal.as_ref().map(|journal| journal.forget_answers(prompt_hash)) {
            tracing::warn!(%error, "an answer of no use is not forgotten");
        }
    }

    /// The model that the settings describe, the one of an earlier question where that is possible.
    pub(crate) fn built(&self, name: &str, config: &ModelConfig) -> Result<Built, Error> {
        // Recorded replies begin anew with every proposal, and what is in a keyring may have been replaced.
        if config.keyring || config.provider == Provider::Recorded {
            return built(name, config);
        }
        let key = format!("{name} {config:?}");
        if let Some(known) = lock(&self.built).get(&key) {
            return Ok(known.clone());
        }
        let made = built(name, config)?;
        lock(&self.built).insert(key, made.clone());
        Ok(made)
    }

    /// The breaker of the server at `server`, with what the journal knows of it from other processes.
    pub(crate) fn breaker(&self, server: &str) -> Arc<Breaker> {
        let make = || Breaker::new(server, self.journal.clone()).telling(self.changes.clone());
        entry(&self.breakers, server.to_owned(), make)
    }

    /// The servers that failed when this process last asked them, by name.
    pub fn failing(&self) -> Vec<ServerState> {
        let mut failing: Vec<ServerState> = lock(&self.breakers).values().filter_map(|it| it.state()).collect();
        failing.sort_by(|a, b| a.server.cmp(&b.server));
        failing
    }

    /// Sees a change whenever [`Self::failing`] would say something else, but for the time that passes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) fn pace(&self, server: &str, per_minute: u32) -> Arc<Pace> {
        entry(&self.paces, (server.to_owned(), per_minute), || Pace::new(per_minute))
    }
}

fn entry<K: Hash + Eq, V>(map: &Mutex<HashMap<K, Arc<V>>>, key: K, make: impl FnOnce() -> V) -> Arc<V> {
    lock(map).entry(key).or_insert_with(|| Arc::new(make())).clone()
}

/// What is behind these locks is changed in one step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

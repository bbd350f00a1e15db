//! Asking a person before a question to a model that may cost more than `ask-above` in the user's settings.

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::client::models;

/// Says whether what may cost so much, in millionths of a US dollar, is wanted.
pub type Consent = Arc<dyn Fn(u64) -> BoxFuture<'static, bool> + Send + Sync>;

/// The question, with what is spent today, where that is known.
pub fn question(cost: u64) -> String {
    let day = 24 * 60 * 60;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let midnight = i64::try_from(now / day * day).unwrap_or_default();
    let spent = models().journal().and_then(|journal| journal.spent(midnight).ok());
    let spent = spent.map_or(String::new(), |spent| format!(" {} are spent today.", model::dollars(spent.cost)));
    format!("tantu: this question to a model may cost {}.{spent} Ask it?", model::dollars(cost))
}

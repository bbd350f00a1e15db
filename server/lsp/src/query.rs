//! Computing an answer from a snapshot, away from the threads that keep the editor served.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use tokio_util::sync::CancellationToken;
use tower_lsp_server::jsonrpc::{Error, Result};

use crate::snapshot::Snapshot;
use crate::trace;

/// What a read-only handler works on.
pub(crate) struct Query {
    pub(crate) snapshot: Snapshot,
    cancelled: CancellationToken,
}

impl Query {
    /// To be asked between the parts of long work.
    ///
    /// # Errors
    /// When nobody waits for the answer any more.
    pub(crate) fn check(&self) -> Result<()> {
        if self.cancelled.is_cancelled() { Err(Error::request_cancelled()) } else { Ok(()) }
    }
}

/// Runs `compute` where it can take its time. Dropping the future cancels it; a panic fails this one request.
pub(crate) async fn answer<T, F>(snapshot: Snapshot, compute: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce(&Query) -> Result<T> + Send + 'static,
{
    let query = Query { snapshot, cancelled: CancellationToken::new() };
    let _cancel_when_dropped = query.cancelled.clone().drop_guard();
    let task = tokio::task::spawn_blocking(move || {
        query.check()?;
        let begun = Instant::now();
        let answer = catch_unwind(AssertUnwindSafe(|| compute(&query))).unwrap_or_else(|_| {
            tracing::error!("a feature panicked, see above; the others are none the worse for it");
            Err(Error::internal_error())
        })?;
        Ok((answer, begun.elapsed()))
    });
    // Only a runtime that is being shut down drops a task.
    let (answer, took) = task.await.unwrap_or_else(|_| Err(Error::request_cancelled()))?;
    trace::queried(took);
    Ok(answer)
}

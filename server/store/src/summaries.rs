//! Blobs by the hash of what they were computed from.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{OptionalExtension, TransactionBehavior};

use crate::{Error, Store};

/// Names all that a blob depends on.
pub type Hash = [u8; 32];

/// A time of use is renewed at most this often, so that an ordinary start writes nothing. In seconds.
const RENEWED_AFTER: i64 = 24 * 60 * 60;

impl Store {
    /// The blob of `hash`. What cannot be read is not there; that is logged, and nothing is read any more.
    pub fn summary(&self, hash: &Hash) -> Option<Vec<u8>> {
        if self.unreadable.load(Ordering::Relaxed) {
            return None;
        }
        let found = self.with(|connection| {
            let mut select = connection.prepare_cached("SELECT data, used FROM summaries WHERE hash = ?")?;
            select.query_row([hash], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        });
        let (data, used): (Vec<u8>, i64) = match found {
            Ok(found) => found?,
            // Said already.
            Err(Error::Replaced) => return None,
            Err(error) => {
                if !self.unreadable.swap(true, Ordering::Relaxed) {
                    tracing::warn!("{}: {error}", self.path().display());
                }
                return None;
            }
        };
        if used + RENEWED_AFTER < now() {
            self.worn.lock().unwrap_or_else(PoisonError::into_inner).push(*hash);
        }
        Some(data)
    }

    /// Keeps `summaries`, all or none; what is already there is replaced.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn insert_summaries(&self, summaries: impl IntoIterator<Item = (Hash, Vec<u8>)>) -> Result<(), Error> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut insert = transaction.prepare_cached("INSERT OR REPLACE INTO summaries VALUES (?, ?, ?)")?;
            let now = now();
            for (hash, data) in summaries {
                insert.execute((hash, data, now))?;
            }
            drop(insert);
            transaction.commit()
        })
    }

    /// Notes what was read lately, and removes what was used longest ago until all blobs together have at most
    /// `max_bytes`.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn prune(&self, max_bytes: u64) -> Result<(), Error> {
        let worn = std::mem::take(&mut *self.worn.lock().unwrap_or_else(PoisonError::into_inner));
        if !worn.is_empty() {
            self.with(|connection| {
                let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let mut update = transaction.prepare_cached("UPDATE summaries SET used = ? WHERE hash = ?")?;
                for hash in &worn {
                    update.execute((now(), hash))?;
                }
                drop(update);
                transaction.commit()
            })?;
        }
        self.with(|connection| {
            let total: i64 =
                connection.query_row("SELECT coalesce(sum(length(data)), 0) FROM summaries", [], |row| row.get(0))?;
            let max_bytes = i64::try_from(max_bytes).unwrap_or(i64::MAX);
            if total <= max_bytes {
                return Ok(());
            }
            connection.execute(
                "DELETE FROM summaries WHERE rowid IN (
                    SELECT id FROM (
                        SELECT rowid AS id, sum(length(data)) OVER (ORDER BY used DESC, rowid DESC) AS size
                        FROM summaries
                    ) WHERE size > ?
                )",
                [max_bytes],
            )?;
            // Gives the space back to the system; the statement does one page with each step.
            let mut vacuum = connection.prepare("PRAGMA incremental_vacuum")?;
            let mut pages = vacuum.query([])?;
            while pages.next()?.is_some() {}
            Ok(())
        })
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

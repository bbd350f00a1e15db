//! What somebody does not want to hear again of a model's findings.

use rusqlite::params;

use crate::{Error, Journal};

/// Made where it is missing, whatever else the file has: it depends on no other table.
pub(crate) const TABLE: &str = "
    -- Findings of a model that were dismissed. `key` tells the definition and the words of the message from others.
    CREATE TABLE IF NOT EXISTS dismissals (
        key BLOB PRIMARY KEY, symbol TEXT NOT NULL, message TEXT NOT NULL, at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS dismissals_by_symbol ON dismissals (symbol, at);
";

/// A finding that somebody does not want to hear again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dismissal {
    /// The same for findings that count as the same.
    pub key: [u8; 32],
    /// The qualified name of the definition that it is about.
    pub symbol: String,
    pub message: String,
    /// Seconds since 1970.
    pub at: i64,
}

impl Journal {
    /// Notes a dismissal. One that is known already gets the later time.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn dismiss(&self, dismissal: &Dismissal) -> Result<(), Error> {
        let Dismissal { key, symbol, message, at } = dismissal;
        self.connection()
            .prepare_cached("INSERT OR REPLACE INTO dismissals (key, symbol, message, at) VALUES (?, ?, ?, ?)")?
            .execute(params![key, symbol, message, at])?;
        Ok(())
    }

    /// Whether `key` was dismissed.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn is_dismissed(&self, key: &[u8; 32]) -> Result<bool, Error> {
        let connection = self.connection();
        let mut select = connection.prepare_cached("SELECT 1 FROM dismissals WHERE key = ?")?;
        Ok(select.exists([key])?)
    }

    /// The messages about `symbol` that were dismissed, the latest first, `limit` at most.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn dismissed(&self, symbol: &str, limit: u32) -> Result<Vec<String>, Error> {
        let connection = self.connection();
        let mut select =
            connection.prepare_cached("SELECT message FROM dismissals WHERE symbol = ? ORDER BY at DESC LIMIT ?")?;
        Ok(select.query_map((symbol, limit), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_dismissed_is_known_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("models.sqlite");
        let dismissal = |key: u8, symbol: &str, at| Dismissal {
            key: [key; 32],
            symbol: symbol.to_owned(),
            message: format!("message {key}"),
            at,
        };
        let journal = Journal::open(&path).unwrap();
        for it in [dismissal(1, "shop.f", 10), dismissal(2, "shop.f", 20), dismissal(3, "shop.g", 30)] {
            journal.dismiss(&it).unwrap();
        }
        journal.dismiss(&dismissal(1, "shop.f", 40)).unwrap();
        drop(journal);
        let journal = Journal::open(&path).unwrap();
        assert!(journal.is_dismissed(&[1; 32]).unwrap() && !journal.is_dismissed(&[9; 32]).unwrap());
        assert_eq!(journal.dismissed("shop.f", 9).unwrap(), ["message 1", "message 2"]);
        assert_eq!(journal.dismissed("shop.f", 1).unwrap(), ["message 1"]);
    }
}

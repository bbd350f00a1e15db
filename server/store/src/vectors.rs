//! What texts mean, as vectors that a model made of them.

use std::collections::{HashMap, HashSet};

use rusqlite::TransactionBehavior;

use crate::summaries::Hash;
use crate::{Error, Store};

/// A direction among meanings.
pub type Vector = Vec<f32>;

impl Store {
    /// The vectors that are known, by key.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn vectors(&self) -> Result<HashMap<Hash, Vector>, Error> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached("SELECT key, vector FROM vectors")?;
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, from_bytes(row.get_ref(1)?.as_blob()?)));
            statement.query_map([], row)?.collect()
        })
    }

    /// Keeps `vectors` beside those that are known.
    ///
    /// # Errors
    /// When they cannot be written; then none of them are.
    pub fn keep_vectors<'a>(&self, vectors: impl IntoIterator<Item = (Hash, &'a Vector)>) -> Result<(), Error> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for (key, vector) in vectors {
                let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
                transaction.prepare_cached("INSERT OR REPLACE INTO vectors VALUES (?, ?)")?.execute((key, bytes))?;
            }
            transaction.commit()
        })
    }

    /// Forgets all vectors but those with these keys.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn retain_vectors(&self, keys: &HashSet<Hash>) -> Result<(), Error> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let known: Vec<Hash> = transaction
                .prepare_cached("SELECT key FROM vectors")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            for key in known.iter().filter(|key| !keys.contains(*key)) {
                transaction.prepare_cached("DELETE FROM vectors WHERE key = ?")?.execute([key])?;
            }
            transaction.commit()
        })
    }
}

fn from_bytes(bytes: &[u8]) -> Vector {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_kept_by_key() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.sqlite")).unwrap();
        let (one, two) = (vec![0.5, -1.0], vec![1e-9]);
        store.keep_vectors([([1; 32], &one), ([2; 32], &two)]).unwrap();
        store.keep_vectors([([2; 32], &one)]).unwrap();
        assert_eq!(store.vectors().unwrap(), HashMap::from([([1; 32], one.clone()), ([2; 32], one.clone())]));
        store.retain_vectors(&HashSet::from([[2; 32], [3; 32]])).unwrap();
        assert_eq!(store.vectors().unwrap(), HashMap::from([([2; 32], one)]));
    }
}

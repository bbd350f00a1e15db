//! What is remembered of the last run of tests: which failed, and what the workspace was like when all had passed.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension, TransactionBehavior};

use crate::{Error, Store};

/// A state of the workspace in which no test failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Green {
    /// The commit that was checked out.
    pub commit: String,
    /// The files that differed from it, by path relative to the workspace; without a text where they were gone.
    pub files: BTreeMap<String, Option<String>>,
}

const COMMIT: &str = "green-commit";

impl Store {
    /// The names of the tests that failed when they were last run.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn failed_tests(&self) -> Result<BTreeSet<String>, Error> {
        self.with(|connection| {
            let mut select = connection.prepare_cached("SELECT id FROM failed_tests")?;
            select.query_map([], |row| row.get(0))?.collect()
        })
    }

    /// Notes what came of tests: those that `passed` no longer count as failed.
    ///
    /// # Errors
    /// When that cannot be written; then nothing is.
    pub fn note_tests(&self, passed: &BTreeSet<String>, failed: &BTreeSet<String>) -> Result<(), Error> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for id in passed {
                transaction.prepare_cached("DELETE FROM failed_tests WHERE id = ?")?.execute([id])?;
            }
            for id in failed {
                transaction.prepare_cached("INSERT OR REPLACE INTO failed_tests VALUES (?)")?.execute([id])?;
            }
            transaction.commit()
        })
    }

    /// The last state in which no test failed.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn green(&self) -> Result<Option<Green>, Error> {
        self.with(|connection| {
            let mut select = connection.prepare_cached("SELECT value FROM meta WHERE key = ?")?;
            let Some(commit) = select.query_row([COMMIT], |row| row.get(0)).optional()? else { return Ok(None) };
            let mut select = connection.prepare_cached("SELECT path, text FROM green_files")?;
            let files = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
            Ok(Some(Green { commit, files }))
        })
    }

    /// Notes a state in which no test failed, instead of the one before.
    ///
    /// # Errors
    /// When that cannot be written; then nothing is.
    pub fn note_green(&self, green: &Green) -> Result<(), Error> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (COMMIT, &green.commit))?;
            transaction.execute("DELETE FROM green_files", [])?;
            let mut insert = transaction.prepare_cached("INSERT INTO green_files VALUES (?, ?)")?;
            for file in &green.files {
                insert.execute(file)?;
            }
            drop(insert);
            transaction.commit()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn failures_are_remembered_until_they_pass() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite");
        let store = Store::open(&path).unwrap();
        assert_eq!(store.failed_tests().unwrap(), names(&[]));
        store.note_tests(&names(&["a"]), &names(&["b", "c"])).unwrap();
        store.note_tests(&names(&["b"]), &names(&["d", "c"])).unwrap();
        drop(store);
        assert_eq!(Store::open(&path).unwrap().failed_tests().unwrap(), names(&["c", "d"]));
    }

    #[test]
    fn the_last_green_state_replaces_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.sqlite")).unwrap();
        assert_eq!(store.green().unwrap(), None);
        let green = |commit: &str, files: &[(&str, Option<&str>)]| Green {
            commit: commit.to_owned(),
            files: files.iter().map(|(path, text)| (path.to_string(), text.map(str::to_owned))).collect(),
        };
        let first = green("1", &[("a.py", Some("x = 1\n")), ("b.py", None)]);
        store.note_green(&first).unwrap();
        assert_eq!(store.green().unwrap(), Some(first));
        let second = green("2", &[("c.py", Some(""))]);
        store.note_green(&second).unwrap();
        assert_eq!(store.green().unwrap(), Some(second));
    }
}

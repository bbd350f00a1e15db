//! Which functions tests executed when they were last run.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior};

use crate::{Error, Store};

impl Store {
    /// Notes the functions that each of `tests` has executed, instead of what was noted of these tests before.
    ///
    /// # Errors
    /// When that cannot be written; then nothing is.
    pub fn note_coverage(&self, tests: &BTreeMap<String, BTreeSet<String>>) -> Result<(), Error> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut known: HashMap<&str, i64> = HashMap::new();
            for (test, functions) in tests {
                let test = id(&transaction, &mut known, test)?;
                transaction.prepare_cached("DELETE FROM coverage WHERE test = ?")?.execute([test])?;
                for function in functions {
                    let function = id(&transaction, &mut known, function)?;
                    transaction.prepare_cached("INSERT INTO coverage VALUES (?, ?)")?.execute([function, test])?;
                }
            }
            transaction.commit()
        })
    }

    /// The tests that are known to have executed one of `functions`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn tests_covering(&self, functions: &[String]) -> Result<BTreeSet<String>, Error> {
        self.with(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT DISTINCT test.name FROM covered_names AS function
                 JOIN coverage ON coverage.function = function.id
                 JOIN covered_names AS test ON test.id = coverage.test
                 WHERE function.name = ?",
            )?;
            let mut found = BTreeSet::new();
            for function in functions {
                for test in select.query_map([function], |row| row.get(0))? {
                    found.insert(test?);
                }
            }
            Ok(found)
        })
    }

    /// The tests of which it is known what they executed.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn covered_tests(&self) -> Result<BTreeSet<String>, Error> {
        self.with(|connection| {
            let mut select = connection
                .prepare_cached("SELECT name FROM covered_names WHERE id IN (SELECT DISTINCT test FROM coverage)")?;
            select.query_map([], |row| row.get(0))?.collect()
        })
    }
}

fn id<'a>(transaction: &Transaction<'_>, known: &mut HashMap<&'a str, i64>, name: &'a str) -> rusqlite::Result<i64> {
    if let Some(&id) = known.get(name) {
        return Ok(id);
    }
    let mut select = transaction.prepare_cached("SELECT id FROM covered_names WHERE name = ?")?;
    let id = match select.query_row([name], |row| row.get(0)).optional()? {
        Some(id) => id,
        None => {
            let mut insert = transaction.prepare_cached("INSERT INTO covered_names VALUES (?, ?)")?;
            insert.insert((Value::Null, name))?
        }
    };
    known.insert(name, id);
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_newest_run_of_a_test_counts() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.sqlite")).unwrap();
        let note = |tests: &[(&str, &[&str])]| {
            let tests = tests.iter().map(|(test, functions)| (test.to_string(), names(functions)));
            store.note_coverage(&tests.collect()).unwrap();
        };
        let covering = |functions: &[&str]| {
            let functions: Vec<String> = functions.iter().map(ToString::to_string).collect();
            store.tests_covering(&functions).unwrap()
        };
        assert_eq!(covering(&["f"]), names(&[]));
        note(&[("a", &["f", "g"]), ("b", &["g"])]);
        assert_eq!((covering(&["f"]), covering(&["f", "g", "h"])), (names(&["a"]), names(&["a", "b"])));
        note(&[("a", &["h"])]);
        assert_eq!((covering(&["f"]), covering(&["g"]), covering(&["h"])), (names(&[]), names(&["b"]), names(&["a"])));
        assert_eq!(store.covered_tests().unwrap(), names(&["a", "b"]));
    }
}

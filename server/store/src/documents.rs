//! Passages of prose, found by their words (SQLite's FTS5, ranked by BM25).

use std::collections::{HashMap, HashSet};

use rusqlite::{OptionalExtension, Row, Transaction, TransactionBehavior};

use crate::{Error, Store};

/// A text that is searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub path: String,
    /// Changes when the text does.
    pub stamp: i64,
    pub passages: Vec<Passage>,
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    pub heading: String,
    pub text: String,
    /// Counted from 1, inclusive.
    pub start_line: u32,
    pub end_line: u32,
}

impl Store {
    /// The stamp of each document that is searched.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn document_stamps(&self) -> Result<HashMap<String, i64>, Error> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached("SELECT path, stamp FROM documents")?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
    }

    /// Replaces what is known of `documents`, each of which comes once.
    ///
    /// # Errors
    /// When they cannot be written; then none of them are.
    pub fn update_documents(&self, documents: impl IntoIterator<Item = Document>) -> Result<(), Error> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Looked up once: no index leads to it.
            let mut last: i64 =
                transaction.query_row("SELECT coalesce(max(last), 0) FROM documents", [], |row| row.get(0))?;
            for document in documents {
                remove(&transaction, &document.path)?;
                last = insert(&transaction, &document, last)?;
            }
            transaction.commit()
        })
    }

    /// Forgets all documents but those at `paths`.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn retain_documents(&self, paths: &HashSet<String>) -> Result<(), Error> {
        let known = self.document_stamps()?;
        let gone: Vec<String> = known.into_keys().filter(|path| !paths.contains(path)).collect();
        if gone.is_empty() {
            return Ok(());
        }
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            gone.iter().try_for_each(|path| remove(&transaction, path))?;
            transaction.commit()
        })
    }

    /// At most `count` passages with their documents' paths, by path and line.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn passages(&self, count: usize) -> Result<Vec<(String, Passage)>, Error> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT path, heading, text, start_line, end_line FROM passages ORDER BY path, start_line LIMIT ?",
            )?;
            statement.query_map([count as i64], passage)?.collect()
        })
    }

    /// At most `count` passages that have any of `words`, with their documents' paths; the best first, and of equals the
    /// one that comes first by path and line. Words are compared without their endings.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn search_documents(&self, words: &[String], count: usize) -> Result<Vec<(String, Passage)>, Error> {
        // Between quotes nothing is an operator.
        let quoted: Vec<String> = words.iter().map(|word| format!("\"{}\"", word.replace('"', ""))).collect();
        if quoted.is_empty() {
            return Ok(Vec::new());
        }
        self.with(|connection| {
            // A word in a heading counts as much as three in the text.
            let mut statement = connection.prepare_cached(
                "SELECT path, heading, text, start_line, end_line FROM passages WHERE passages MATCH ?
                 ORDER BY bm25(passages, 3.0, 1.0), path, start_line LIMIT ?",
            )?;
            statement.query_map((quoted.join(" OR "), count as i64), passage)?.collect()
        })
    }
}

fn passage(row: &Row<'_>) -> rusqlite::Result<(String, Passage)> {
    let (heading, text) = (row.get(1)?, row.get(2)?);
    Ok((row.get(0)?, Passage { heading, text, start_line: row.get(3)?, end_line: row.get(4)? }))
}

fn remove(transaction: &Transaction<'_>, path: &str) -> rusqlite::Result<()> {
    let rows: Option<(i64, i64)> = transaction
        .prepare_cached("SELECT first, last FROM documents WHERE path = ?")?
        .query_row([path], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some(rows) = rows {
        transaction.prepare_cached("DELETE FROM passages WHERE rowid BETWEEN ? AND ?")?.execute(rows)?;
        transaction.prepare_cached("DELETE FROM documents WHERE path = ?")?.execute([path])?;
    }
    Ok(())
}

/// Gives the passages the rows after `before`, and says which is the last.
fn insert(transaction: &Transaction<'_>, document: &Document, before: i64) -> rusqlite::Result<i64> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO passages (rowid, heading, text, path, start_line, end_line) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    for (row, passage) in (before + 1..).zip(&document.passages) {
        let Passage { heading, text, start_line, end_line } = passage;
        statement.execute((row, heading, text, &document.path, start_line, end_line))?;
    }
    let last = before + document.passages.len() as i64;
    let rows = (&document.path, document.stamp, before + 1, last);
    transaction.prepare_cached("INSERT INTO documents VALUES (?, ?, ?, ?)")?.execute(rows)?;
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(path: &str, stamp: i64, passages: &[(&str, &str)]) -> Document {
        let passage = |(number, (heading, text)): (usize, &(&str, &str))| Passage {
            heading: (*heading).to_owned(),
            text: (*text).to_owned(),
            start_line: 10 * number as u32 + 1,
            end_line: 10 * number as u32 + 5,
        };
        Document { path: path.to_owned(), stamp, passages: passages.iter().enumerate().map(passage).collect() }
    }

    #[test]
    fn passages_are_found_by_their_words() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.sqlite")).unwrap();
        let money = [("Rounding", "Amounts are rounded half up."), ("Currencies", "Of two currencies none is better.")];
        let api = [("Routes", "GET /amounts gives amounts.")];
        store.update_documents([document("docs/money.md", 1, &money), document("docs/api.md", 1, &api)]).unwrap();
        let found = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            let found = store.search_documents(&words, 5).unwrap();
            found.into_iter().map(|(path, passage)| format!("{path}:{}", passage.start_line)).collect::<Vec<_>>()
        };
        assert_eq!(found(&["round"]), ["docs/money.md:1"]);
        assert_eq!(found(&["currency", "round"]).len(), 2);
        assert_eq!(found(&["nothing"]), [""; 0]);
        assert_eq!(found(&[]), [""; 0]);
        assert_eq!(found(&["\" OR NEAR(", "*", "amounts"]).len(), 2, "what looks like an operator is none");

        store.update_documents([document("docs/money.md", 2, &money[..1])]).unwrap();
        assert_eq!(found(&["currency"]), [""; 0]);
        assert_eq!(store.document_stamps().unwrap()["docs/money.md"], 2);
        store.retain_documents(&HashSet::from(["docs/api.md".to_owned()])).unwrap();
        assert_eq!(found(&["round", "amounts"]), ["docs/api.md:1"]);
        assert_eq!(store.document_stamps().unwrap().len(), 1);
    }
}

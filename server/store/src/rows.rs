//! Nodes and edges, for whoever asks with SQL. Nothing is ever read from them here.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use rusqlite::{Transaction, TransactionBehavior};

use crate::{Error, Store};

/// A definition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// The same in every process.
    pub id: i64,
    pub qualified_name: String,
    pub kind: &'static str,
    /// Counted from 1.
    pub line: u32,
}

/// What one definition does with another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Edge {
    pub source: i64,
    pub target: i64,
    pub kind: &'static str,
    pub confidence: &'static str,
    /// Where it is written, counted from 1.
    pub line: u32,
}

/// All nodes and edges of one file; the sources of its edges are among its nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileRows {
    pub path: String,
    pub module: String,
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
}

impl FileRows {
    /// A number that tells these rows from others of the same file.
    fn fingerprint(&self) -> i64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish().cast_signed()
    }
}

impl Store {
    /// Brings the nodes and edges of `files`, each of which comes once, up to date. Those that already are so are not written.
    ///
    /// # Errors
    /// When they cannot be written; then none of them are.
    pub fn update_rows(&self, files: impl IntoIterator<Item = FileRows>) -> Result<(), Error> {
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let known: HashMap<String, i64> = transaction
                .prepare_cached("SELECT path, rows FROM files")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let files = files.into_iter().map(|file| (file.fingerprint(), file));
            for (rows, file) in files.filter(|(rows, file)| known.get(&file.path) != Some(rows)) {
                remove(&transaction, &file.path)?;
                insert(&transaction, &file, rows)?;
            }
            transaction.commit()
        })
    }

    /// Removes the nodes and edges of all files but those at `paths`.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn retain_rows(&self, paths: &HashSet<String>) -> Result<(), Error> {
        self.with(|connection| {
            let mut gone: Vec<String> = connection
                .prepare_cached("SELECT path FROM files")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            gone.retain(|path| !paths.contains(path));
            if gone.is_empty() {
                return Ok(());
            }
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            gone.iter().try_for_each(|path| remove(&transaction, path))?;
            transaction.commit()
        })
    }
}

fn remove(transaction: &Transaction<'_>, path: &str) -> rusqlite::Result<()> {
    for statement in [
        "DELETE FROM edges WHERE source IN (SELECT id FROM nodes WHERE path = ?)",
        "DELETE FROM nodes WHERE path = ?",
        "DELETE FROM files WHERE path = ?",
    ] {
        transaction.prepare_cached(statement)?.execute([path])?;
    }
    Ok(())
}

fn insert(transaction: &Transaction<'_>, file: &FileRows, rows: i64) -> rusqlite::Result<()> {
    transaction.prepare_cached("INSERT INTO files VALUES (?, ?)")?.execute((&file.path, rows))?;
    let mut insert = transaction.prepare_cached("INSERT OR REPLACE INTO nodes VALUES (?, ?, ?, ?, ?, ?)")?;
    for node in &file.nodes {
        insert.execute((node.id, &file.path, &file.module, &node.qualified_name, node.kind, node.line))?;
    }
    let mut insert = transaction.prepare_cached("INSERT INTO edges VALUES (?, ?, ?, ?, ?, ?)")?;
    for edge in &file.edges {
        insert.execute((edge.source, edge.target, edge.kind, edge.confidence, &file.path, edge.line))?;
    }
    Ok(())
}

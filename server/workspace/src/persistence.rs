//! Between the graph and the database: what was computed once is kept for the next start. Deleting the database changes
//! how long answers take, never what they are.

mod background;
mod resolved_names;
mod rows;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use graph::{Analysis, Change, FileId};
use store::Store;

pub use background::{Persist, start};

/// How much the summaries of one workspace may take, in bytes: those of Django take 8 MB.
const MAX_BYTES: u64 = 256 << 20;

/// Another process gets its turn to write after so many files.
const BATCH: usize = 256;

/// The user's folder for databases, which need not exist.
pub fn default_directory() -> Option<PathBuf> {
    Some(crate::cache::directory()?.join("graph"))
}

/// The database of one workspace.
#[derive(Debug)]
pub struct Persistence {
    store: Store,
    /// The summaries that this process wrote.
    kept: Mutex<HashSet<store::Hash>>,
}

impl Persistence {
    /// Opens the database of the workspace folders `roots` in `directory`. Where there can be none (no space, no
    /// permission) the log says so, and everything works without.
    pub fn open(directory: &Path, roots: &[PathBuf]) -> Option<Self> {
        let mut roots: Vec<&[u8]> = roots.iter().map(|root| root.as_os_str().as_encoded_bytes()).collect();
        roots.sort_unstable();
        let name = blake3::hash(&roots.join(&0)).to_hex();
        let store = Store::open(&directory.join(format!("{}.sqlite", &name[..16])));
        let store = store.inspect_err(|error| tracing::warn!("the graph is not kept: {error}")).ok()?;
        Some(Persistence { store, kept: Mutex::default() })
    }

    pub fn path(&self) -> &Path {
        self.store.path()
    }

    /// Finds the texts of `change` that need not be parsed, and returns how many they are.
    pub fn restore(&self, change: &mut Change) -> usize {
        change.restore(|digest| self.store.summary(digest.as_bytes()))
    }

    /// Keeps the summaries of `files` that were computed in this process.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn keep_summaries(&self, analysis: &Analysis, files: &[FileId]) -> Result<(), store::Error> {
        let mut fresh: Vec<_> = files
            .iter()
            .filter(|&&file| !analysis.is_restored(file))
            .filter_map(|&file| Some((file, *analysis.digest(file)?.as_bytes())))
            .collect();
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        fresh.retain(|(_, hash)| !kept().contains(hash));
        for batch in fresh.chunks(BATCH) {
            let summaries = batch.iter().filter_map(|&(file, hash)| Some((hash, analysis.archive(file)?)));
            self.store.insert_summaries(summaries)?;
            kept().extend(batch.iter().map(|(_, hash)| hash));
        }
        Ok(())
    }

    /// Brings the nodes and edges of `files`, which changed, up to date, and forgets those of files that are gone.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn keep_rows(&self, analysis: &Analysis, files: &[FileId]) -> Result<(), store::Error> {
        for batch in files.chunks(BATCH) {
            self.store.update_rows(batch.iter().map(|&file| rows::of(analysis, file)))?;
        }
        self.store.retain_rows(&analysis.files().map(|file| rows::path(analysis, file)).collect())
    }

    /// The database itself, for what is not of the graph.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Sees to it that the database does not grow for ever.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn prune(&self) -> Result<(), store::Error> {
        self.store.prune(MAX_BYTES)
    }
}

#[cfg(test)]
mod tests;

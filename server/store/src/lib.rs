//! This crate keeps on disk what costs time to compute: blobs by the hash of what they were computed from, and rows for
//! whoever asks with SQL.
//!
//! One file serves any number of threads and processes at once. Everything in a [`Store`] can be computed again, so a file
//! that is damaged, or that another program or version wrote, is replaced by an empty one. What models were asked, and what
//! became of their answers, cannot, and is in a [`Journal`] of its own. Deliberately absent: what the blobs mean, and the
//! graph's types.

mod answers;
mod connection;
mod coverage;
mod dismissals;
mod documents;
mod journal;
mod mistakes;
mod model_calls;
mod proposals;
mod rows;
mod snippets;
mod summaries;
mod test_runs;
mod vectors;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

pub use answers::{Answer, FailingServer};
pub use dismissals::Dismissal;
pub use documents::{Document, Passage};
pub use journal::Journal;
pub use mistakes::{KnownMistake, Mistake};
pub use model_calls::{Call, Spent, Sum};
pub use proposals::{Kept, Owner, Step};
pub use rows::{Edge, FileRows, Node};
pub use snippets::Snippet;
pub use summaries::Hash;
pub use test_runs::Green;
pub use vectors::Vector;

/// Why something could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process writes for longer than we wait; the next attempt may succeed.
    #[error("another process is writing")]
    Busy,
    /// The file was damaged; now there is an empty one.
    #[error("the database is built anew")]
    Replaced,
    /// A later version of the program wrote the file.
    #[error("{}: a later version of tantu wrote it", path.display())]
    Newer { path: PathBuf },
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: std::io::Error },
    #[error(transparent)]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy,
            _ => Error::Sqlite(error),
        }
    }
}

/// A database; see the crate's description. Shared by threads as it is.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    connections: Mutex<Connections>,
    /// Blobs that were read, and whose time of use has to be renewed.
    worn: Mutex<Vec<Hash>>,
    /// Reading failed for good.
    unreadable: AtomicBool,
}

#[derive(Debug)]
struct Connections {
    /// Grows when the file is replaced; what is connected to an earlier one is of no use.
    generation: u64,
    idle: Vec<Connection>,
}

/// How long is waited for another process.
const PATIENCE: Duration = Duration::from_secs(2);

impl Store {
    /// Opens the database at `path`; creates it, and the folder for it, where there is none.
    ///
    /// # Errors
    /// When the file cannot be created or written: no permission, no space. That a file is of no use is no error.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let idle = vec![connection::open(path)?];
        let connections = Mutex::new(Connections { generation: 0, idle });
        Ok(Store { path: path.to_path_buf(), connections, worn: Mutex::default(), unreadable: AtomicBool::new(false) })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Does `work` on a connection that nobody else uses. When that shows the file to be damaged, it is replaced.
    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        let (generation, idle) = {
            let mut connections = self.connections();
            (connections.generation, connections.idle.pop())
        };
        let mut connection = match idle {
            Some(connection) => connection,
            None => connection::open(&self.path)?,
        };
        let result = work(&mut connection);
        let damaged = result.as_ref().err().is_some_and(connection::is_damage);
        let mut connections = self.connections();
        if !damaged {
            if connections.generation == generation {
                connections.idle.push(connection);
            }
        } else if connections.generation == generation {
            drop(connection);
            connections.idle.clear();
            connections.generation += 1;
            connections.idle.push(connection::reopen(&self.path)?);
        }
        match result {
            // The new file has nothing to say.
            Err(_) if damaged => Err(Error::Replaced),
            result => Ok(result?),
        }
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        // A list is never half-changed.
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

//! What models were asked, what that cost, what they answered, and what became of it.
//!
//! Unlike the rest of this crate it cannot be computed again. So a file that is of no use is set aside and not removed, and
//! one that a later version wrote is left alone.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OpenFlags};

use crate::{Error, PATIENCE, connection};

/// Grows with every change of the tables; what an earlier version wrote is then brought up to date in [`connect`].
const VERSION: i32 = 2;

/// "tntj": tells our files from those of other programs.
const APPLICATION: i32 = 0x746e_746a;

const TABLES: &str = "
    -- Every question to a model. `at` is in seconds since 1970, `cost` in millionths of a US dollar, null where no price is
    -- known. `prompt` is there only if the user asked for it.
    CREATE TABLE calls (
        id INTEGER PRIMARY KEY, at INTEGER NOT NULL, model TEXT NOT NULL, provider TEXT NOT NULL, server_model TEXT NOT NULL,
        assist TEXT NOT NULL, input INTEGER NOT NULL, output INTEGER NOT NULL, estimated INTEGER NOT NULL, cost INTEGER,
        millis INTEGER NOT NULL, outcome TEXT NOT NULL, prompt_hash TEXT NOT NULL, prompt TEXT
    );
    CREATE INDEX calls_by_time ON calls (at);
    -- Answers by what was asked.
    CREATE TABLE answers (
        key BLOB PRIMARY KEY, at INTEGER NOT NULL, model TEXT NOT NULL, text TEXT NOT NULL, input INTEGER, output INTEGER,
        prompt_hash TEXT NOT NULL
    );
    CREATE INDEX answers_by_time ON answers (at);
    -- Servers that failed lately. `open_until`: they are not asked before, in seconds since 1970.
    CREATE TABLE servers (
        server TEXT PRIMARY KEY, failures INTEGER NOT NULL, open_until INTEGER, error TEXT NOT NULL, at INTEGER NOT NULL
    );
";

/// What version 2 added.
const TABLES_2: &str = "
    -- Requests for a change. `owner` is the session that works on it, `body` is for whoever wrote it to read.
    CREATE TABLE proposals (
        id INTEGER PRIMARY KEY, workspace TEXT NOT NULL, at INTEGER NOT NULL, title TEXT NOT NULL, state TEXT NOT NULL,
        is_over INTEGER NOT NULL, owner TEXT NOT NULL, body TEXT NOT NULL
    );
    CREATE INDEX proposals_by_workspace ON proposals (workspace, at);
    -- What models did wrong, each kind once for a workspace. `forbidden` is a name whose use is that mistake.
    CREATE TABLE mistakes (
        id INTEGER PRIMARY KEY, workspace TEXT NOT NULL, category TEXT NOT NULL, text TEXT NOT NULL, snippet TEXT NOT NULL,
        model TEXT NOT NULL, severity TEXT NOT NULL, forbidden TEXT, frequency INTEGER NOT NULL, hits INTEGER NOT NULL,
        first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, is_archived INTEGER NOT NULL
    );
    CREATE INDEX mistakes_by_workspace ON mistakes (workspace, category);
    -- By the row numbers of `mistakes`.
    CREATE VIRTUAL TABLE mistake_words USING fts5(text, snippet);
    -- Code that somebody wants to keep.
    CREATE TABLE snippets (
        workspace TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, origin TEXT NOT NULL, code TEXT NOT NULL,
        tests TEXT NOT NULL, PRIMARY KEY (workspace, name)
    );
";

/// A journal of models; see the module's description. Shared by threads as it is, and by processes.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Journal {
    /// Opens the journal at `path`; creates it, and the folder for it, where there is none.
    ///
    /// # Errors
    /// When the file cannot be created or written, and [`Error::Newer`].
    pub fn open(path: &Path) -> Result<Journal, Error> {
        let _lock = connection::prepare(path)?;
        let connection = match connect(path) {
            Err(Error::Sqlite(error)) if connection::is_damage(&error) => {
                set_aside(path)?;
                connect(path)?
            }
            result => result?,
        };
        Ok(Journal { path: path.to_path_buf(), connection: Mutex::new(connection) })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn connection(&self) -> MutexGuard<'_, Connection> {
        // A statement is done or not, whatever happens to the thread.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    match (number("application_id")?, number("user_version")?) {
        (APPLICATION, VERSION) => {}
        (0, 0) => {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            let transaction = connection.transaction()?;
            transaction.execute_batch(TABLES)?;
            transaction.execute_batch(TABLES_2)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.commit()?;
        }
        (APPLICATION, 1) => {
            let transaction = connection.transaction()?;
            transaction.execute_batch(TABLES_2)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.commit()?;
        }
        (APPLICATION, _) => return Err(Error::Newer { path: path.to_path_buf() }),
        _ => {
            drop(connection);
            set_aside(path)?;
            return connect(path);
        }
    }
    connection.execute_batch(crate::dismissals::TABLE)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

/// Keeps what somebody may want to rescue.
fn set_aside(path: &Path) -> Result<(), Error> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".damaged-{}", crate::summaries::now()));
    tracing::warn!("{}: it is damaged or another program's, and was set aside", path.display());
    std::fs::rename(path, &aside).map_err(|error| Error::Io { path: path.to_path_buf(), error })?;
    for suffix in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        // It belongs to the file that is gone; mostly there is none.
        let _ = std::fs::remove_file(&beside);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model_calls::tests::call;

    #[test]
    fn what_was_written_is_there_for_others_and_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/models.sqlite");
        let first = Journal::open(&path).unwrap();
        let second = Journal::open(&path).unwrap();
        first.record(&call(1000, "local", "review")).unwrap();
        assert_eq!(second.calls(0, 10).unwrap().len(), 1);
        drop((first, second));
        assert_eq!(Journal::open(&path).unwrap().calls(0, 10).unwrap().len(), 1);
    }

    #[test]
    fn a_file_of_no_use_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("models.sqlite");
        std::fs::write(&path, "this is no database, although it is long enough to be taken for one").unwrap();
        assert_eq!(Journal::open(&path).unwrap().calls(0, 10).unwrap(), []);
        let kept = std::fs::read_dir(folder.path()).unwrap().filter_map(Result::ok);
        assert!(kept.into_iter().any(|entry| entry.file_name().to_string_lossy().contains(".damaged-")));
    }

    #[test]
    fn a_file_of_version_1_is_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("models.sqlite");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(TABLES).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        old.pragma_update(None, "application_id", APPLICATION).unwrap();
        drop(old);
        let journal = Journal::open(&path).unwrap();
        journal.record(&call(1000, "local", "review")).unwrap();
        assert_eq!(journal.snippets("/w", "").unwrap(), []);
    }

    #[test]
    fn a_later_versions_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("models.sqlite");
        Journal::open(&path).unwrap().connection().pragma_update(None, "user_version", VERSION + 1).unwrap();
        assert!(matches!(Journal::open(&path), Err(Error::Newer { .. })));
    }
}

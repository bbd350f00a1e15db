//! Requests for a change, kept at each step: for whoever asks later what was checked, and to go on after a crash.
//!
//! Who works on one holds a lock on a file beside the journal as long as the process lives, however it ends. So a
//! request that is not over and whose owner's lock is free was abandoned.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{OptionalExtension, Row, params};

use crate::summaries::now;
use crate::{Error, Journal, connection};

/// Requests that are over and kept for one workspace; older ones are forgotten.
const MAX_KEPT: u32 = 200;

/// A session that works on requests; it ends when this is dropped, or with the process.
#[derive(Debug)]
pub struct Owner {
    name: String,
    path: PathBuf,
    _lock: File,
}

impl Drop for Owner {
    fn drop(&mut self) {
        // What stays behind is free, and means the same as what is gone.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A request for a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub id: i64,
    /// When it was last worked on, in seconds since 1970.
    pub at: i64,
    pub title: String,
    /// In kebab case, such as `reviewing`.
    pub state: String,
    pub is_over: bool,
    pub body: String,
}

/// What is to be kept of a request.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    pub title: &'a str,
    pub state: &'a str,
    pub is_over: bool,
    pub body: &'a str,
}

impl Journal {
    /// A new session.
    ///
    /// # Errors
    /// When its file cannot be made.
    pub fn own(&self) -> Result<Owner, Error> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let folder = self.sessions();
        let io = |error| Error::Io { path: folder.clone(), error };
        // Nobody else looks at a file that is made and not locked yet.
        let _alone = connection::prepare(self.path())?;
        std::fs::create_dir_all(&folder).map_err(io)?;
        for left in std::fs::read_dir(&folder).map_err(io)?.filter_map(Result::ok) {
            if self.is_gone(&left.file_name().to_string_lossy()) {
                // What stays although it could go is looked at the next time.
                let _ = std::fs::remove_file(left.path());
            }
        }
        loop {
            let (pid, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let name = format!("{pid}-{}-{count}", now());
            let path = folder.join(&name);
            let lock = match File::create_new(&path) {
                Ok(lock) => lock,
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(io(error)),
            };
            lock.lock().map_err(io)?;
            return Ok(Owner { name, path, _lock: lock });
        }
    }

    fn sessions(&self) -> PathBuf {
        self.path().with_extension("sessions")
    }

    /// Keeps a new request for `workspace`; the answer is its number.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin_proposal(&self, owner: &Owner, workspace: &Path, step: Step<'_>) -> Result<i64, Error> {
        let workspace = workspace.to_string_lossy();
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute(
            "DELETE FROM proposals WHERE workspace = ?1 AND is_over AND id NOT IN
             (SELECT id FROM proposals WHERE workspace = ?1 AND is_over ORDER BY id DESC LIMIT ?2)",
            params![workspace, MAX_KEPT - 1],
        )?;
        let Step { title, state, is_over, body } = step;
        transaction.execute(
            "INSERT INTO proposals (workspace, at, title, state, is_over, owner, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![workspace, now(), title, state, is_over, owner.name, body],
        )?;
        let id = transaction.last_insert_rowid();
        transaction.commit()?;
        Ok(id)
    }

    /// Keeps the next state of a request.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn continue_proposal(&self, id: i64, step: Step<'_>) -> Result<(), Error> {
        let Step { title, state, is_over, body } = step;
        self.connection()
            .prepare_cached("UPDATE proposals SET at = ?, title = ?, state = ?, is_over = ?, body = ? WHERE id = ?")?
            .execute(params![now(), title, state, is_over, body, id])?;
        Ok(())
    }

    /// The request with this number, of any workspace.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn proposal(&self, id: i64) -> Result<Option<Kept>, Error> {
        let connection = self.connection();
        let mut select =
            connection.prepare_cached("SELECT id, at, title, state, is_over, body FROM proposals WHERE id = ?")?;
        Ok(select.query_row([id], kept).optional()?)
    }

    /// The latest requests for `workspace`, the latest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn proposals(&self, workspace: &Path, limit: u32) -> Result<Vec<Kept>, Error> {
        let connection = self.connection();
        let mut select = connection.prepare_cached(
            "SELECT id, at, title, state, is_over, body FROM proposals WHERE workspace = ? ORDER BY id DESC LIMIT ?",
        )?;
        let rows = select.query_map(params![workspace.to_string_lossy(), limit], kept)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Takes over the requests for `workspace` that nobody works on although they are not over, the latest first.
    ///
    /// # Errors
    /// When they cannot be read or written.
    pub fn adopt_proposals(&self, owner: &Owner, workspace: &Path) -> Result<Vec<Kept>, Error> {
        let mut connection = self.connection();
        // Of two sessions that begin at once, one gets it.
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let open: Vec<(Kept, String)> = transaction
            .prepare_cached(
                "SELECT id, at, title, state, is_over, body, owner FROM proposals WHERE workspace = ? AND NOT is_over
                 ORDER BY id DESC",
            )?
            .query_map([workspace.to_string_lossy()], |row| Ok((kept(row)?, row.get(6)?)))?
            .collect::<Result<_, _>>()?;
        let mut adopted = Vec::new();
        for (proposal, before) in open {
            if before != owner.name && self.is_gone(&before) {
                transaction
                    .prepare_cached("UPDATE proposals SET owner = ? WHERE id = ?")?
                    .execute(params![owner.name, proposal.id])?;
                adopted.push(proposal);
            }
        }
        transaction.commit()?;
        Ok(adopted)
    }

    fn is_gone(&self, owner: &str) -> bool {
        match File::open(self.sessions().join(owner)) {
            Ok(file) => !matches!(file.try_lock(), Err(TryLockError::WouldBlock)),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        }
    }
}

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    Ok(Kept {
        id: row.get(0)?,
        at: row.get(1)?,
        title: row.get(2)?,
        state: row.get(3)?,
        is_over: row.get(4)?,
        body: row.get(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> (tempfile::TempDir, Journal) {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("models.sqlite")).unwrap();
        (folder, journal)
    }

    fn step<'a>(state: &'a str, is_over: bool) -> Step<'a> {
        Step { title: "Implement `f`", state, is_over, body: "{}" }
    }

    #[test]
    fn what_was_begun_is_found_again() {
        let (_folder, journal) = journal();
        let owner = journal.own().unwrap();
        let (here, there) = (Path::new("/here"), Path::new("/there"));
        let id = journal.begin_proposal(&owner, here, step("generating", false)).unwrap();
        journal.begin_proposal(&owner, there, step("generating", false)).unwrap();
        journal.continue_proposal(id, step("applied", true)).unwrap();
        let kept = journal.proposal(id).unwrap().unwrap();
        assert_eq!((kept.state.as_str(), kept.is_over), ("applied", true));
        assert_eq!(journal.proposals(here, 9).unwrap(), [kept]);
        assert_eq!(journal.proposal(99).unwrap(), None);
    }

    #[test]
    fn what_a_living_session_works_on_is_not_taken_from_it() {
        let (_folder, journal) = journal();
        let workspace = Path::new("/w");
        let (first, second) = (journal.own().unwrap(), journal.own().unwrap());
        let id = journal.begin_proposal(&first, workspace, step("checking", false)).unwrap();
        let over = journal.begin_proposal(&first, workspace, step("applied", true)).unwrap();
        assert_eq!(journal.adopt_proposals(&second, workspace).unwrap(), []);
        drop(first);
        let adopted = journal.adopt_proposals(&second, workspace).unwrap();
        assert_eq!(adopted.iter().map(|it| it.id).collect::<Vec<_>>(), [id]);
        assert_ne!(id, over);
        let third = journal.own().unwrap();
        assert_eq!(journal.adopt_proposals(&third, workspace).unwrap(), [], "it has an owner again");
    }

    #[test]
    fn what_processes_leave_behind_is_removed_by_the_next_one() {
        let (folder, journal) = journal();
        let files = || std::fs::read_dir(folder.path().join("models.sessions")).unwrap().count();
        let first = journal.own().unwrap();
        std::fs::write(folder.path().join("models.sessions/1-1-1"), "").unwrap();
        let second = journal.own().unwrap();
        assert_eq!(files(), 2, "whoever lives keeps the file");
        drop((first, second));
        assert_eq!(files(), 0);
    }

    #[test]
    fn only_the_latest_are_kept() {
        let (_folder, journal) = journal();
        let owner = journal.own().unwrap();
        let open = journal.begin_proposal(&owner, Path::new("/w"), step("checking", false)).unwrap();
        for _ in 0..MAX_KEPT + 5 {
            journal.begin_proposal(&owner, Path::new("/w"), step("applied", true)).unwrap();
        }
        assert_eq!(journal.proposals(Path::new("/w"), 1000).unwrap().len() as u32, MAX_KEPT + 1);
        assert!(journal.proposal(open).unwrap().is_some(), "what is not over is not forgotten");
    }
}

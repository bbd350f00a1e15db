//! Opening the file, and replacing one that is of no use.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{Error, PATIENCE};

/// Grows with every change of the tables; a file with another number is replaced.
const VERSION: i32 = 5;

/// "tntu": tells our files from those of other programs.
const APPLICATION: i32 = 0x746e_7475;

const TABLES: &str = "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    -- What the program computed from one text. `used` is in seconds since 1970.
    CREATE TABLE summaries (hash BLOB PRIMARY KEY, data BLOB NOT NULL, used INTEGER NOT NULL);
    -- `rows` tells whether the nodes and edges of a file are what they should be.
    CREATE TABLE files (path TEXT PRIMARY KEY, rows INTEGER NOT NULL);
    -- Definitions. Lines are counted from 1.
    CREATE TABLE nodes (
        id INTEGER PRIMARY KEY, path TEXT NOT NULL, module TEXT NOT NULL, qualified_name TEXT NOT NULL,
        kind TEXT NOT NULL, line INTEGER NOT NULL
    );
    CREATE INDEX nodes_by_path ON nodes (path);
    CREATE INDEX nodes_by_name ON nodes (qualified_name);
    -- What the definition `source` calls, imports or inherits, and where that is written.
    CREATE TABLE edges (
        source INTEGER NOT NULL, target INTEGER NOT NULL, kind TEXT NOT NULL, confidence TEXT NOT NULL,
        path TEXT NOT NULL, line INTEGER NOT NULL
    );
    CREATE INDEX edges_by_source ON edges (source);
    CREATE INDEX edges_by_target ON edges (target);
    -- Tests that failed when they were last run.
    CREATE TABLE failed_tests (id TEXT PRIMARY KEY) WITHOUT ROWID;
    -- When all tests last passed: the commit is in `meta`, here are the files that differed from it. Without a text: gone.
    CREATE TABLE green_files (path TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID;
    -- The functions that tests executed when they were last run; the names of both are in one table.
    CREATE TABLE covered_names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE coverage (function INTEGER NOT NULL, test INTEGER NOT NULL, PRIMARY KEY (function, test)) WITHOUT ROWID;
    CREATE INDEX coverage_by_test ON coverage (test);
    -- Prose of the workspace. The passages of a document are those from the row `first` to the row `last`.
    CREATE TABLE documents (path TEXT PRIMARY KEY, stamp INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);
    CREATE VIRTUAL TABLE passages USING fts5(
        heading, text, path UNINDEXED, start_line UNINDEXED, end_line UNINDEXED, tokenize = 'porter unicode61'
    );
    -- What passages mean, by a hash of the text and of the model that says so: numbers of four bytes.
    CREATE TABLE vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
";

/// A connection to the database at `path`, which is created or replaced where necessary.
pub(crate) fn open(path: &Path) -> Result<Connection, Error> {
    let _lock = prepare(path)?;
    let reason = match connect(path) {
        Ok(Some(connection)) => return Ok(connection),
        Ok(None) => "it is of another version or program".to_owned(),
        Err(error) if is_damage(&error) => error.to_string(),
        Err(error) => return Err(error.into()),
    };
    replace(path, &reason)
}

/// As [`open`], after the file was found to be damaged somewhere inside.
pub(crate) fn reopen(path: &Path) -> Result<Connection, Error> {
    let _lock = prepare(path)?;
    let reason = match connect(path) {
        // Somebody else may have replaced it meanwhile.
        Ok(Some(connection)) if is_sound(&connection) => return Ok(connection),
        Ok(_) => "it is damaged".to_owned(),
        Err(error) => error.to_string(),
    };
    replace(path, &reason)
}

/// Whether the error says that the file itself is of no use.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Makes the folder, and keeps other processes from opening or replacing the file until the lock is dropped: whoever
/// opens a file while it is replaced could get the old database with the new one's journal.
pub(crate) fn prepare(path: &Path) -> Result<File, Error> {
    let io = |path: &Path| {
        let path = path.to_path_buf();
        move |error| Error::Io { path, error }
    };
    if let Some(folder) = path.parent() {
        create_private(folder).map_err(io(folder))?;
    }
    let lock_path = beside(path, ".lock");
    let lock = File::create(&lock_path).map_err(io(&lock_path))?;
    let start = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => {
                std::thread::sleep(PATIENCE / 200);
            }
            Err(TryLockError::WouldBlock) => return Err(Error::Busy),
            Err(TryLockError::Error(error)) => return Err(io(&lock_path)(error)),
        }
    }
}

/// What is stored is drawn from the user's texts, and nobody else's to read.
fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn replace(path: &Path, reason: &str) -> Result<Connection, Error> {
    tracing::warn!("{}: {reason}; it is built anew", path.display());
    for path in ["", "-wal", "-shm", "-journal"].map(|suffix| beside(path, suffix)) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::Io { path, error }),
            _ => {}
        }
    }
    match connect(path)? {
        Some(connection) => Ok(connection),
        // A file that somebody puts there again and again.
        None => Err(Error::Busy),
    }
}

/// A connection to our database; `None` when it is not ours.
fn connect(path: &Path) -> rusqlite::Result<Option<Connection>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    match (number("application_id")?, number("user_version")?) {
        (APPLICATION, VERSION) => {}
        (0, 0) if is_empty(&connection)? => create(&mut connection)?,
        _ => return Ok(None),
    }
    // What a power failure could lose can be computed again; it only must not damage the file, and does not.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "journal_size_limit", 16 << 20)?;
    Ok(Some(connection))
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

fn is_sound(connection: &Connection) -> bool {
    connection.pragma_query_value(None, "quick_check", |row| row.get::<_, String>(0)).is_ok_and(|said| said == "ok")
}

fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "page_size", 8192)?;
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    let version = VERSION.to_string();
    let meta = [("schema", version.as_str()), ("written-by", concat!("tantu ", env!("CARGO_PKG_VERSION")))];
    for (key, value) in meta {
        transaction.execute("INSERT INTO meta VALUES (?, ?)", (key, value))?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.commit()
}

//! What may happen to a file in a cache directory.

use std::collections::HashSet;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::process::Command;

use super::*;

fn hash(number: u32) -> Hash {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&number.to_le_bytes());
    hash
}

fn blob(number: u32) -> Vec<u8> {
    (0..5_000u32).map(|index| (index ^ number) as u8).collect()
}

fn fill(store: &Store, numbers: std::ops::Range<u32>) {
    store.insert_summaries(numbers.map(|number| (hash(number), blob(number)))).unwrap();
}

/// A database in a folder that does not exist yet, with some blobs, closed.
fn filled() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/store.sqlite");
    fill(&Store::open(&path).unwrap(), 0..200);
    (folder, path)
}

/// That the file at `path`, whatever it is, is replaced by an empty database that works.
fn is_replaced(path: &Path) {
    let store = Store::open(path).unwrap();
    assert_eq!(store.summary(&hash(7)), None);
    fill(&store, 0..10);
    drop(store);
    assert_eq!(Store::open(path).unwrap().summary(&hash(7)), Some(blob(7)));
}

fn rows(path: &str, names: &[&str]) -> FileRows {
    let id = |name: &str| i64::from(name.as_bytes()[0]) * 1000 + path.len() as i64;
    let node = |name: &&str| Node { id: id(name), qualified_name: (*name).to_owned(), kind: "function", line: 1 };
    let edge = |name: &&str| Edge { source: id(name), target: 1, kind: "calls", confidence: "exact", line: 2 };
    FileRows {
        path: path.to_owned(),
        module: "m".to_owned(),
        nodes: names.iter().map(node).collect(),
        edges: names.iter().map(edge).collect(),
    }
}

fn count(path: &Path, what: &str) -> i64 {
    let connection = Connection::open(path).unwrap();
    connection.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn what_was_kept_is_found_again() {
    let (_folder, path) = filled();
    let store = Store::open(&path).unwrap();
    assert_eq!(store.summary(&hash(7)), Some(blob(7)));
    assert_eq!(store.summary(&hash(700)), None);
    let journal = store.with(|it| it.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0)));
    assert_eq!(journal.unwrap(), "wal", "who reads waits for nobody");
    store.insert_summaries([(hash(7), b"better".to_vec())]).unwrap();
    assert_eq!(store.summary(&hash(7)), Some(b"better".to_vec()));
}

#[test]
fn what_is_not_a_database_is_replaced() {
    for content in [&b"import os\n"[..], &[0; 4096], &[0xff; 100_000], b"SQLite format 3\0 and nonsense"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        fs::write(&path, content).unwrap();
        is_replaced(&path);
    }
}

#[test]
fn a_truncated_file_is_replaced() {
    for part in [3, 50, 90] {
        let (_folder, path) = filled();
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(file.metadata().unwrap().len() * part / 100).unwrap();
        is_replaced(&path);
    }
}

#[test]
fn another_version_or_program_is_replaced() {
    for change in ["PRAGMA user_version = 99", "PRAGMA application_id = 5"] {
        let (_folder, path) = filled();
        Connection::open(&path).unwrap().execute_batch(change).unwrap();
        is_replaced(&path);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)").unwrap();
    is_replaced(&path);
}

#[test]
fn damage_inside_is_noticed_when_it_is_read() {
    let (_folder, path) = filled();
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    let length = file.metadata().unwrap().len();
    // The first page is whole: nothing is noticed before.
    file.seek(SeekFrom::Start(8192)).unwrap();
    file.write_all(&vec![0xa5; length as usize - 8192]).unwrap();
    let store = Store::open(&path).unwrap();
    // Several threads stumble over it at once; the file is replaced once.
    std::thread::scope(|scope| {
        for number in 0..8 {
            let store = &store;
            scope.spawn(move || assert_eq!(store.summary(&hash(number)), None));
        }
    });
    fill(&store, 0..10);
    assert_eq!(store.summary(&hash(7)), Some(blob(7)));
    assert_eq!(Store::open(&path).unwrap().summary(&hash(7)), Some(blob(7)));
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(Store::open(&file.join("store.sqlite")), Err(Error::Io { .. })));
    // A folder in place of the file.
    assert!(Store::open(folder.path()).is_err());
    // Not even root may write here.
    #[cfg(target_os = "linux")]
    assert!(Store::open(Path::new("/proc/tantu/store.sqlite")).is_err());
}

#[cfg(unix)]
#[test]
fn a_folder_that_must_not_be_written_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
    // Permissions do not hold root back.
    if fs::write(folder.path().join("probe"), "").is_err() {
        assert!(Store::open(&folder.path().join("store.sqlite")).is_err());
    }
    let private = folder.path().join("private/store.sqlite");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    Store::open(&private).unwrap();
    assert_eq!(fs::metadata(private.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_full_disk_loses_nothing_that_was_there() {
    let (_folder, path) = filled();
    let store = Store::open(&path).unwrap();
    store
        .with(|connection| {
            let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
            connection.pragma_query_value(None, "max_page_count", |_| Ok(()))?;
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
        })
        .unwrap();
    let result = store.insert_summaries((200..2_000).map(|number| (hash(number), blob(number))));
    assert!(matches!(result, Err(Error::Sqlite(_))), "{result:?}");
    assert_eq!(store.summary(&hash(7)), Some(blob(7)));
    assert_eq!(store.summary(&hash(201)), None);
}

#[test]
fn the_size_is_bounded_and_what_was_used_last_stays() {
    let (_folder, path) = filled();
    let connection = Connection::open(&path).unwrap();
    connection.execute("UPDATE summaries SET used = used - 1000000", []).unwrap();
    let store = Store::open(&path).unwrap();
    assert!(store.summary(&hash(7)).is_some());
    store.prune(u64::MAX).unwrap();
    let (before, _) = (fs::metadata(&path).unwrap().len(), fill(&store, 200..205));
    store.prune(6 * 5_000).unwrap();
    let kept: Vec<u32> = (0..300).filter(|&number| store.summary(&hash(number)).is_some()).collect();
    assert_eq!(kept, [7, 200, 201, 202, 203, 204]);
    connection.pragma_query_value(None, "wal_checkpoint", |_| Ok(())).unwrap();
    assert!(fs::metadata(&path).unwrap().len() < before / 2);
}

#[test]
fn rows_follow_their_files() {
    let (_folder, path) = filled();
    let store = Store::open(&path).unwrap();
    store.update_rows([rows("a.py", &["f", "g"]), rows("pkg/b.py", &["h"])]).unwrap();
    assert_eq!((count(&path, "nodes"), count(&path, "edges")), (3, 3));
    store.update_rows([rows("a.py", &["f"])]).unwrap();
    assert_eq!((count(&path, "nodes"), count(&path, "edges")), (2, 2));
    store.retain_rows(&HashSet::from(["a.py".to_owned()])).unwrap();
    assert_eq!(count(&path, "nodes WHERE path = 'a.py' AND qualified_name = 'f'"), 1);
    assert_eq!((count(&path, "nodes"), count(&path, "edges")), (1, 1));
}

#[test]
fn rows_that_are_right_are_not_written() {
    let (_folder, path) = filled();
    let store = Store::open(&path).unwrap();
    store.update_rows([rows("a.py", &["f", "g"])]).unwrap();
    let version = || store.with(|it| it.pragma_query_value(None, "data_version", |row| row.get::<_, i64>(0))).unwrap();
    let changes = || store.with(|it| Ok(it.total_changes())).unwrap();
    let before = (version(), changes());
    store.update_rows([rows("a.py", &["f", "g"])]).unwrap();
    assert_eq!((version(), changes()), before);
    store.update_rows([rows("a.py", &["f"])]).unwrap();
    assert_ne!((version(), changes()), before);
}

/// On a slow machine the others may write for longer than is waited for them.
fn patiently<T>(mut work: impl FnMut() -> Result<T, Error>) -> T {
    loop {
        match work() {
            Err(Error::Busy) => {}
            result => return result.unwrap(),
        }
    }
}

const CHILD: &str = "STORE_TEST_CHILD";

/// Started as a process of its own by the test below.
#[test]
#[ignore = "does nothing by itself"]
fn writes_as_another_process() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let store = patiently(|| Store::open(Path::new(&path)));
    for round in 0..20 {
        let summaries = || (round * 50..(round + 1) * 50).map(|number| (hash(number), blob(number)));
        patiently(|| store.insert_summaries(summaries()));
        patiently(|| store.update_rows([rows("a.py", &["f", "g"]), rows("b.py", &["h"])]));
        patiently(|| store.update_rows([rows("a.py", &["f"])]));
    }
}

#[test]
fn processes_write_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    // What they find is to be replaced first, by one of them.
    fs::write(&path, "no database").unwrap();
    let start = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "tests::writes_as_another_process", "--ignored"]).env(CHILD, &path);
        command.stdout(std::process::Stdio::null()).spawn().unwrap()
    };
    let children = [start(), start(), start()];
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let store = Store::open(&path).unwrap();
    assert!((0..1_000).all(|number| store.summary(&hash(number)) == Some(blob(number))));
    assert_eq!((count(&path, "nodes"), count(&path, "files")), (2, 2));
    assert_eq!(count(&path, "pragma_quick_check WHERE quick_check = 'ok'"), 1);
}

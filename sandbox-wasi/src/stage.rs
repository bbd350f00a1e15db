//! What the guest sees of a workspace: a copy that holds regular files only, kept in the cache directory and brought up
//! to date before each run.
//!
//! It is a copy, and not the workspace itself, because opening a FIFO or a device blocks the host for good, because a
//! link may lead anywhere, and because unsaved texts must lie in front of what is on disk.

mod packages;
mod scratch;
mod walk;

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::cache;
use crate::error::{Error, IoContext};
use crate::remove::{clear_away, remove};

pub(crate) use packages::Packages;
pub(crate) use scratch::Scratch;
use walk::{Source, Tree};

/// A staged workspace that nothing has used for so long is removed.
const KEPT: Duration = Duration::from_secs(14 * 24 * 3600);

/// How many processes can run code of one workspace at a time.
const SLOTS: u32 = 8;

/// A file that was changed so short a time ago may change again without a new time stamp.
const SETTLED: Duration = Duration::from_secs(2);

/// The staged copy of one workspace, and the guest's other directories. Ours alone until it is dropped.
pub(crate) struct Stage {
    root: PathBuf,
    cache: PathBuf,
    dir: PathBuf,
    _lock: File,
}

impl Stage {
    /// Takes the first copy of the workspace in the directory `cache` that no other process is using.
    pub(crate) fn open(cache: &Path, root: &Path) -> Result<Self, Error> {
        let refused = |error| Error::Refused(format!("the workspace {} cannot be read: {error}", root.display()));
        let root = root.canonicalize().map_err(refused)?;
        if !root.is_dir() {
            return Err(Error::Refused(format!("the workspace {} is not a folder", root.display())));
        }
        cache::create_private(cache)?;
        cache::tag(cache)?;
        let key = blake3::hash(root.as_os_str().as_encoded_bytes()).to_hex();
        for slot in 0..SLOTS {
            let dir = stages(cache).join(format!("{}-{slot}", &key[..16]));
            cache::create_private(&dir)?;
            if let Some(lock) = try_lock(&dir).while_("lock", &dir)? {
                fs::write(lock_file(&dir), root.as_os_str().as_encoded_bytes()).while_("write", &dir)?;
                // Of a process that was killed.
                clear_away(&scratches(&dir), cache).while_("clean", &dir)?;
                remove_where(cache, is_forgotten).while_("tidy", cache)?;
                return Ok(Self { root, cache: cache.to_owned(), dir, _lock: lock });
            }
        }
        Err(Error::Refused(format!("{SLOTS} processes already run code of {}", root.display())))
    }

    pub(crate) fn is_of(&self, root: &Path) -> bool {
        root.canonicalize().is_ok_and(|root| root == self.root)
    }

    /// The copy. The guest may read it.
    pub(crate) fn workspace(&self) -> PathBuf {
        self.dir.join("ws")
    }

    /// Folders in which an instance may write, empty and of its own.
    pub(crate) fn scratch(&self) -> Result<Scratch, Error> {
        Scratch::create(&scratches(&self.dir), &self.cache)
    }

    /// Packages of the project's environment. The guest may read them.
    pub(crate) fn site(&self) -> PathBuf {
        self.dir.join("site")
    }

    /// The packages in these `site-packages` folders.
    pub(crate) fn packages(&self, site: &[PathBuf]) -> Result<Packages, Error> {
        let to = self.site();
        Packages::open(site, to.clone()).while_("stage packages in", &to)
    }

    /// Brings the copy up to date with the disk and puts `overlay` in front. Returns the files that were left out
    /// because they are too large.
    pub(crate) fn sync(&self, overlay: &[(PathBuf, String)]) -> Result<Vec<PathBuf>, Error> {
        let workspace = self.workspace();
        fs::create_dir_all(&workspace).while_("create", &workspace)?;
        self.lift_overlay().while_("clean", &workspace)?;

        let tree = Tree::read(&self.root)?;
        let staged = remove_surplus(&workspace, &tree).while_("clean", &workspace)?;
        for (path, source) in &tree.files {
            if staged.get(path) != Some(&(source.bytes, source.modified)) {
                let to = workspace.join(path);
                match copy(source, &to) {
                    // Gone, or no longer readable, since it was listed: it is as if it had never been there.
                    Err(error)
                        if [io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied].contains(&error.kind()) => {}
                    result => result.while_("copy", &source.path)?,
                }
            }
        }
        self.lay_overlay(overlay)?;
        Ok(tree.too_large)
    }

    fn overlay_list(&self) -> PathBuf {
        self.dir.join("overlay")
    }

    /// Writes the overlay's texts, having noted their paths for [`Self::lift_overlay`] of this process or a later one.
    fn lay_overlay(&self, overlay: &[(PathBuf, String)]) -> Result<(), Error> {
        if overlay.is_empty() {
            return Ok(());
        }
        let mut list = String::new();
        for (path, text) in overlay {
            let inside = inside(path)?;
            let name = inside.to_str().filter(|name| !name.contains('\n'));
            let name = name.ok_or_else(|| Error::Refused(format!("the unsaved file {inside:?} has an odd name")))?;
            if text.len() as u64 > walk::MAX_FILE {
                return Err(Error::Refused(format!(
                    "the unsaved file {name} is larger than {} MiB",
                    walk::MAX_FILE >> 20
                )));
            }
            list.push_str(name);
            list.push('\n');
        }
        let list_path = self.overlay_list();
        fs::write(&list_path, list).while_("write", &list_path)?;
        for (path, text) in overlay {
            let to = self.workspace().join(path);
            let write = || {
                fs::create_dir_all(to.parent().unwrap_or(&to))?;
                fs::write(&to, text)
            };
            write().map_err(|error| {
                Error::Refused(format!("cannot put the unsaved {} in place: {error}", path.display()))
            })?;
        }
        Ok(())
    }

    /// Removes the files of the last overlay, so that what is on disk is copied again.
    fn lift_overlay(&self) -> io::Result<()> {
        let list = match fs::read_to_string(self.overlay_list()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            list => list?,
        };
        for path in list.lines() {
            // It may be missing, or a folder by now, when the last run was cut short.
            let _ = fs::remove_file(self.workspace().join(path));
        }
        fs::remove_file(self.overlay_list())
    }
}

/// The path, if it stays inside the directory that it is relative to.
pub(crate) fn inside(path: &Path) -> Result<&Path, Error> {
    let stays = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let stays = stays && path.file_name().is_some();
    stays
        .then_some(path)
        .ok_or_else(|| Error::Refused(format!("{} is not a path inside the workspace", path.display())))
}

/// Removes what is staged and not in the tree. Returns size and time stamp of the files that stay, by relative path.
fn remove_surplus(workspace: &Path, tree: &Tree) -> io::Result<HashMap<PathBuf, (u64, SystemTime)>> {
    let mut staged = HashMap::new();
    let mut pending = vec![PathBuf::new()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(workspace.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let metadata = entry.metadata()?;
            if metadata.is_dir() && tree.folders.contains(&path) {
                pending.push(path);
            } else if metadata.is_dir() {
                remove(&entry.path())?;
            } else if metadata.is_file() && tree.files.contains_key(&path) {
                staged.insert(path, (metadata.len(), metadata.modified()?));
            } else {
                fs::remove_file(entry.path())?;
            }
        }
    }
    for folder in &tree.folders {
        fs::create_dir_all(workspace.join(folder))?;
    }
    Ok(staged)
}

/// Copies the content, and the time stamp if it can be trusted to tell the next change.
fn copy(source: &Source, to: &Path) -> io::Result<()> {
    // What was listed may be a FIFO by now, or grow while it is copied.
    let (from, _) = disk::open_file(&source.path).map_err(|error| match error {
        disk::ReadError::Io(error) => error,
        // As if it had gone.
        other => io::Error::new(io::ErrorKind::NotFound, other),
    })?;
    let mut copy = File::create(to)?;
    io::copy(&mut from.take(walk::MAX_FILE), &mut copy)?;
    if source.modified.elapsed().is_ok_and(|age| age > SETTLED) {
        copy.set_modified(source.modified)?;
    }
    Ok(())
}

fn scratches(dir: &Path) -> PathBuf {
    dir.join("scratch")
}

fn stages(cache: &Path) -> PathBuf {
    cache.join("workspaces")
}

/// The number of staged workspaces.
pub(crate) fn count(cache: &Path) -> io::Result<usize> {
    match fs::read_dir(stages(cache)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        entries => Ok(entries?.count()),
    }
}

/// Removes all staged workspaces that no process is using.
pub(crate) fn clear(cache: &Path) -> io::Result<()> {
    remove_where(cache, |_| true)
}

fn remove_where(cache: &Path, condition: impl Fn(&Path) -> bool) -> io::Result<()> {
    let entries = match fs::read_dir(stages(cache)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let dir = entry?.path();
        if !condition(&dir) {
            continue;
        }
        match try_lock(&dir) {
            Ok(Some(_lock)) => clear_away(&dir, cache)?,
            // Somebody uses it after all, or has removed it.
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether the workspace is gone, or has not been used for long.
fn is_forgotten(dir: &Path) -> bool {
    let lock = lock_file(dir);
    // The name is empty for a moment while somebody takes the directory.
    let is_gone = fs::read_to_string(&lock).is_ok_and(|root| !root.is_empty() && !Path::new(&root).exists());
    let used = fs::metadata(&lock).and_then(|metadata| metadata.modified());
    is_gone || used.ok().and_then(|used| used.elapsed().ok()).is_some_and(|age| age > KEPT)
}

/// Locked while the workspace is in use; says which one it is, and by its time stamp when that was last.
fn lock_file(dir: &Path) -> PathBuf {
    dir.join("lock")
}

/// Locks a staged workspace until the file is dropped; `None` when another process has done so.
fn try_lock(dir: &Path) -> io::Result<Option<File>> {
    let file = File::options().create(true).append(true).open(lock_file(dir))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// A workspace and a cache directory for it.
    struct Fixture {
        root: TempDir,
        cache: TempDir,
    }

    impl Fixture {
        fn new(files: &[&str]) -> Self {
            let fixture = Self { root: tempfile::tempdir().unwrap(), cache: tempfile::tempdir().unwrap() };
            for file in files {
                fixture.write(file, file);
            }
            fixture
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn stage(&self) -> Stage {
            Stage::open(self.cache.path(), self.root.path()).unwrap()
        }
    }

    /// `path=content` of the staged files, sorted.
    fn staged(stage: &Stage) -> Vec<String> {
        fn list(dir: &Path, prefix: &str, found: &mut Vec<String>) {
            for entry in fs::read_dir(dir).unwrap() {
                let entry = entry.unwrap();
                let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
                assert!(!entry.file_type().unwrap().is_symlink());
                if entry.file_type().unwrap().is_dir() {
                    list(&entry.path(), &format!("{name}/"), found);
                } else {
                    found.push(format!("{name}={}", fs::read_to_string(entry.path()).unwrap()));
                }
            }
        }
        let mut found = Vec::new();
        list(&stage.workspace(), "", &mut found);
        found.sort();
        found
    }

    fn age(path: &Path, by: Duration) {
        File::options().append(true).open(path).unwrap().set_modified(SystemTime::now() - by).unwrap();
    }

    #[test]
    fn caches_environments_and_secrets_are_left_out() {
        let fixture = Fixture::new(&[
            "a.py",
            "pkg/b.py",
            "pkg/__pycache__/b.pyc",
            ".git/config",
            "env/pyvenv.cfg",
            "env/lib/c.py",
            "web/node_modules/x.js",
            "target/CACHEDIR.TAG",
            "target/d.py",
            ".env",
            ".env.local",
            ".env.example",
            "old.pyc",
        ]);
        // The mark of a cache says nothing about a workspace that somebody has opened.
        fixture.write("CACHEDIR.TAG", "");
        let stage = fixture.stage();
        stage.sync(&[]).unwrap();
        assert_eq!(staged(&stage), [".env.example=.env.example", "CACHEDIR.TAG=", "a.py=a.py", "pkg/b.py=pkg/b.py"]);
    }

    #[test]
    fn the_copy_follows_the_disk() {
        let fixture = Fixture::new(&["a.py", "b.py", "pkg/c.py", "was_file", "was_dir/d.py"]);
        let stage = fixture.stage();
        stage.sync(&[]).unwrap();
        fixture.write("a.py", "A.PY");
        fs::remove_file(fixture.root.path().join("b.py")).unwrap();
        fs::remove_file(fixture.root.path().join("was_file")).unwrap();
        fs::remove_dir_all(fixture.root.path().join("was_dir")).unwrap();
        fixture.write("was_file/e.py", "e");
        fixture.write("was_dir", "f");
        stage.sync(&[]).unwrap();
        assert_eq!(staged(&stage), ["a.py=A.PY", "pkg/c.py=pkg/c.py", "was_dir=f", "was_file/e.py=e"]);
    }

    #[test]
    fn only_what_has_changed_is_copied_again() {
        let fixture = Fixture::new(&["old.py", "new.py"]);
        age(&fixture.root.path().join("old.py"), 2 * SETTLED);
        let stage = fixture.stage();
        stage.sync(&[]).unwrap();
        // Traces that a copy would wipe out.
        for name in ["old.py", "new.py"] {
            let copy = stage.workspace().join(name);
            let modified = fs::metadata(&copy).unwrap().modified().unwrap();
            fs::write(&copy, "******").unwrap();
            File::options().append(true).open(&copy).unwrap().set_modified(modified).unwrap();
        }
        stage.sync(&[]).unwrap();
        assert_eq!(staged(&stage), ["new.py=new.py", "old.py=******"]);
        fixture.write("old.py", "edited");
        stage.sync(&[]).unwrap();
        assert_eq!(staged(&stage), ["new.py=new.py", "old.py=edited"]);
    }

    #[test]
    fn an_overlay_lasts_for_one_run_even_if_that_is_the_last_of_its_process() {
        let fixture = Fixture::new(&["a.py"]);
        age(&fixture.root.path().join("a.py"), 2 * SETTLED);
        let stage = fixture.stage();
        let overlay = [("a.py".into(), "A.PY".into()), ("new/b.py".into(), "b".into())];
        stage.sync(&overlay).unwrap();
        assert_eq!(staged(&stage), ["a.py=A.PY", "new/b.py=b"]);
        drop(stage);
        let stage = fixture.stage();
        stage.sync(&[]).unwrap();
        assert_eq!(staged(&stage), ["a.py=a.py"]);
    }

    #[test]
    fn an_overlay_that_does_not_fit_is_refused() {
        let fixture = Fixture::new(&["a.py"]);
        let stage = fixture.stage();
        for path in ["a.py/b.py", "../c.py", "/d.py"] {
            let error = stage.sync(&[(path.into(), String::new())]).unwrap_err();
            assert!(matches!(error, Error::Refused(_)), "{error}");
        }
        stage.sync(&[]).unwrap();
        assert_eq!(staged(&stage), ["a.py=a.py"]);
    }

    #[test]
    fn what_a_killed_process_has_left_is_removed() {
        let fixture = Fixture::new(&[]);
        let stage = fixture.stage();
        let scratch = stage.scratch().unwrap();
        fs::write(scratch.tmp().join("file"), "x").unwrap();
        let tmp = scratch.tmp();
        std::mem::forget(scratch);
        drop(stage);
        assert!(tmp.exists());
        fixture.stage();
        assert!(!tmp.exists());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_inside_the_workspace_only() {
        use std::os::unix::fs::symlink;
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret.py"), "secret").unwrap();
        let fixture = Fixture::new(&["pkg/a.py", ".env", ".git/config"]);
        let link = |to: &Path, name: &str| symlink(to, fixture.root.path().join(name)).unwrap();
        link(Path::new("pkg/a.py"), "file.py");
        link(Path::new("pkg"), "folder");
        link(&outside.path().join("secret.py"), "out.py");
        link(outside.path(), "out");
        link(Path::new(".env"), "env");
        link(Path::new(".git"), "git");
        link(Path::new(".."), "pkg/up");
        link(Path::new("nowhere"), "dangling");
        let stage = fixture.stage();
        stage.sync(&[]).unwrap();
        assert_eq!(staged(&stage), ["file.py=pkg/a.py", "folder/a.py=pkg/a.py", "pkg/a.py=pkg/a.py"]);
    }

    #[test]
    fn large_files_are_left_out_and_large_workspaces_refused() {
        let fixture = Fixture::new(&["a.py"]);
        let sparse = |name: String, bytes| {
            File::create(fixture.root.path().join(name)).unwrap().set_len(bytes).unwrap();
        };
        sparse("large.bin".into(), walk::MAX_FILE + 1);
        let stage = fixture.stage();
        assert_eq!(stage.sync(&[]).unwrap(), [PathBuf::from("large.bin")]);
        assert_eq!(staged(&stage), ["a.py=a.py"]);
        for number in 0..=walk::MAX_BYTES / walk::MAX_FILE {
            sparse(format!("{number}.bin"), walk::MAX_FILE);
        }
        let error = stage.sync(&[]).unwrap_err().to_string();
        assert!(error.contains("is too large for the sandbox") && error.contains("smaller folder"), "{error}");
    }

    #[test]
    fn two_users_of_a_workspace_have_a_copy_each() {
        let fixture = Fixture::new(&["a.py"]);
        let (first, second) = (fixture.stage(), fixture.stage());
        assert_ne!(first.workspace(), second.workspace());
        let place = first.workspace();
        drop(first);
        assert_eq!(fixture.stage().workspace(), place);
        assert_eq!(count(fixture.cache.path()).unwrap(), 2);
    }

    #[test]
    fn copies_without_a_workspace_or_without_use_are_removed_unless_locked() {
        let fixture = Fixture::new(&[]);
        let open = |root: &TempDir| Stage::open(fixture.cache.path(), root.path()).unwrap();
        let [gone, unused, in_use, other] = [(); 4].map(|()| tempfile::tempdir().unwrap());
        drop(open(&gone));
        gone.close().unwrap();
        let dir = open(&unused).dir.clone();
        age(&lock_file(&dir), 2 * KEPT);
        let locked = open(&in_use);
        age(&lock_file(&locked.dir), 2 * KEPT);
        let _other = open(&other);
        assert_eq!(count(fixture.cache.path()).unwrap(), 2);
        clear(fixture.cache.path()).unwrap();
        assert!(locked.dir.exists());
    }

    #[cfg(unix)]
    #[test]
    fn what_an_earlier_run_has_left_is_in_nobodys_way() {
        let fixture = Fixture::new(&["a.py"]);
        let dir = fixture.stage().dir.clone();
        crate::remove::nest(&scratches(&dir).join("0/tmp"));
        assert!(cache::size(fixture.cache.path()) > 0);
        let stage = fixture.stage();
        assert_eq!(stage.dir, dir);
        assert!(!scratches(&dir).exists());
        let scratch = stage.scratch().unwrap();
        crate::remove::nest(&scratch.tmp().join("deep"));
        drop(scratch);
        assert_eq!(fs::read_dir(scratches(&dir)).unwrap().count(), 0);
        crate::remove::nest(&scratches(&dir).join("1"));
        drop(stage);
        clear(fixture.cache.path()).unwrap();
        assert_eq!(count(fixture.cache.path()).unwrap(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn folders_that_are_too_deep_are_left_out() {
        let fixture = Fixture::new(&["a.py"]);
        crate::remove::nest(&fixture.root.path().join("deep"));
        let stage = fixture.stage();
        stage.sync(&[]).unwrap();
        assert_eq!(staged(&stage), ["a.py=a.py"]);
        remove(fixture.root.path()).unwrap();
        fs::create_dir(fixture.root.path()).unwrap();
    }

    #[test]
    fn a_workspace_must_be_a_folder() {
        let fixture = Fixture::new(&["a.py"]);
        for path in ["a.py", "nowhere"] {
            let error = Stage::open(fixture.cache.path(), &fixture.root.path().join(path)).err().unwrap();
            assert!(matches!(error, Error::Refused(_)), "{error}");
        }
    }
}

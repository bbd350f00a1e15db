//! The private copy of a workspace: regular files only, with unsaved texts in front of what is on disk. Kept from one run to the
//! next of the same warden, and brought up to date before each.
//!
//! Where the file system can, a file of the copy shares its blocks with the original until one of them is written.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use credential::files::{Secrecy, is_home_of_secrets, secrecy};

use crate::Error;
use crate::remove::remove;

/// Files, bytes of all, bytes of one, folders inside of each other.
const MAX_FILES: usize = 100_000;
const MAX_BYTES: u64 = 2 << 30;
const MAX_FILE: u64 = 256 << 20;
const MAX_DEPTH: usize = 100;
/// Paths that are named of those which were left out.
const MAX_LEFT_OUT: usize = 1000;

/// Version control, other languages' packages, and caches that bear no mark.
const SKIPPED: [&str; 10] =
    [".eggs", ".git", ".hg", ".jj", ".nox", ".svn", ".tantu", ".tox", "__pycache__", "node_modules"];
/// A folder that holds one of these is a cache or an environment.
const MARKS: [&str; 3] = ["CACHEDIR.TAG", "conda-meta", "pyvenv.cfg"];

/// What a file was when it was copied: where it is, its size and its times.
type Stamp = (u64, u64, u64, i64, i64, i64, i64);

/// A copy, in a folder of our own.
pub(crate) struct Stage {
    root: PathBuf,
    copy: PathBuf,
    /// Of files that are as on disk; those of unsaved texts have none.
    files: BTreeMap<PathBuf, Option<Stamp>>,
    /// Of these files in the copy.
    copies: BTreeMap<PathBuf, Stamp>,
    /// Code may have written into the copy.
    is_touched: bool,
    /// Of all files of the copy.
    bytes: u64,
    /// Relative paths of what is in the workspace and not in the copy.
    pub(crate) left_out: Vec<PathBuf>,
    /// Those of them that hold secrets by their names. They are there, empty, and cannot be opened: code that asks whether they
    /// are there would go another way, and its tests fail for no reason that anybody sees.
    hidden: Vec<PathBuf>,
}

impl Stage {
    /// An empty copy of the canonical `root` in the empty folder `copy`.
    pub(crate) fn new(root: PathBuf, copy: PathBuf) -> Self {
        Stage {
            root,
            copy,
            files: BTreeMap::new(),
            copies: BTreeMap::new(),
            is_touched: false,
            bytes: 0,
            left_out: Vec::new(),
            hidden: Vec::new(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Code is about to be run that may write into the copy.
    pub(crate) fn touch(&mut self) {
        self.is_touched = true;
    }

    /// Bytes and entries of the copy; folders are counted with the files in them.
    pub(crate) fn size(&self) -> (u64, usize) {
        (self.bytes, self.files.len() * 2)
    }

    /// Removes what code has changed in the copy. The kernel's own stamps tell: code can set a file's times, but not the time
    /// of that.
    fn restore(&mut self) -> io::Result<()> {
        let mut kept = BTreeMap::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let real = self.copy.join(&folder);
            fs::set_permissions(&real, Permissions::from_mode(0o700))?;
            for entry in fs::read_dir(&real)? {
                let path = folder.join(entry?.file_name());
                let real = self.copy.join(&path);
                let metadata = fs::symlink_metadata(&real)?;
                let is_above = |it: &PathBuf| it.starts_with(&path);
                if metadata.is_dir() && self.copies.range(path.clone()..).next().is_some_and(|(it, _)| is_above(it)) {
                    folders.push(path);
                } else if metadata.is_file() && self.copies.get(&path) == Some(&stamp(&metadata)) {
                    kept.insert(path.clone(), self.files.get(&path).copied().flatten());
                } else if metadata.is_dir() {
                    remove(&real)?;
                } else {
                    // Links are not followed.
                    fs::remove_file(&real)?;
                }
            }
        }
        self.copies.retain(|path, _| kept.contains_key(path));
        self.files = kept;
        Ok(())
    }

    /// Makes the copy what the workspace is now, with `overlay` in front.
    ///
    /// # Errors
    /// When the workspace is too large or the copy cannot be written.
    pub(crate) fn sync(&mut self, overlay: &[(PathBuf, String)]) -> Result<(), Error> {
        self.left_out.clear();
        self.hidden.clear();
        if std::mem::take(&mut self.is_touched) && self.restore().is_err() {
            empty(&self.copy).map_err(Error::io("make the copy of the workspace anew"))?;
            self.files.clear();
            self.copies.clear();
        }
        let mut found = BTreeMap::new();
        let mut bytes = 0;
        self.walk(&self.root.clone(), Path::new(""), &mut Vec::new(), &mut found, &mut bytes)?;
        for (path, _) in overlay {
            found.remove(inside(path)?);
        }
        let gone: Vec<PathBuf> = self.files.keys().filter(|it| !found.contains_key(*it)).cloned().collect();
        self.bytes = bytes;
        for path in gone {
            self.files.remove(&path);
            self.copies.remove(&path);
            let _ = fs::remove_file(self.copy.join(&path));
        }
        for (path, (from, stamp)) in found {
            if self.files.get(&path) == Some(&Some(stamp)) {
                continue;
            }
            let to = self.fresh(&path)?;
            match copy(&from, &to) {
                Ok(()) => {
                    if let Ok(metadata) = fs::symlink_metadata(&to) {
                        self.copies.insert(path.clone(), self::stamp(&metadata));
                    }
                    self.files.insert(path, Some(stamp));
                }
                // It has vanished, may not be read, or is something else by now.
                Err(_) => self.leave_out(&path),
            }
        }
        for path in self.hidden.clone() {
            let to = self.fresh(&path)?;
            let made = File::create(&to).and_then(|it| it.set_permissions(Permissions::from_mode(0o000)));
            made.map_err(Error::io("write the copy of the workspace"))?;
            self.files.insert(path, None);
        }
        for (path, text) in overlay {
            let path = inside(path)?;
            fs::write(self.fresh(path)?, text).map_err(Error::io("write the copy of the workspace"))?;
            self.files.insert(path.to_owned(), None);
        }
        Ok(())
    }

    /// Where a file of the copy is to be, with all that is above it, and nothing in its place.
    fn fresh(&self, path: &Path) -> Result<PathBuf, Error> {
        let to = self.copy.join(path);
        if let Some(folder) = to.parent() {
            // A folder may be where a file was.
            for above in folder.ancestors().take_while(|it| it.starts_with(&self.copy)) {
                if above.symlink_metadata().is_ok_and(|it| !it.is_dir()) {
                    let _ = fs::remove_file(above);
                }
            }
            fs::create_dir_all(folder).map_err(Error::io("make the copy of the workspace"))?;
        }
        if to.is_dir() {
            let _ = fs::remove_dir_all(&to);
        } else {
            let _ = fs::remove_file(&to);
        }
        Ok(to)
    }

    fn walk(
        &mut self,
        real: &Path,
        seen: &Path,
        open: &mut Vec<PathBuf>,
        found: &mut BTreeMap<PathBuf, (PathBuf, Stamp)>,
        bytes: &mut u64,
    ) -> Result<(), Error> {
        let Ok(entries) = fs::read_dir(real) else { return Ok(()) };
        let entries: Vec<_> = entries.flatten().collect();
        let is_top = seen.as_os_str().is_empty();
        let is_marked = entries.iter().any(|entry| MARKS.iter().any(|mark| entry.file_name() == *mark));
        if open.len() >= MAX_DEPTH || (is_marked && !is_top) {
            self.leave_out(seen);
            return Ok(());
        }
        open.push(real.to_owned());
        for entry in entries {
            let name = entry.file_name();
            let here = seen.join(&name);
            let mut path = entry.path();
            let Ok(mut metadata) = fs::symlink_metadata(&path) else { continue };
            if metadata.is_symlink() {
                let target = path.canonicalize().ok().filter(|it| self.is_copied(it) && !open.contains(it));
                let Some((target, of)) = target.and_then(|it| Some((it.clone(), fs::symlink_metadata(&it).ok()?)))
                else {
                    self.leave_out(&here);
                    continue;
                };
                (path, metadata) = (target, of);
            }
            if is_skipped(&name) || (metadata.is_file() && is_left_out(&name)) {
                self.leave_out(&here);
                if metadata.is_file() && self.hidden.len() < MAX_LEFT_OUT && here.extension() != Some("pyc".as_ref()) {
                    self.hidden.push(here);
                }
            } else if metadata.is_dir() {
                self.walk(&path, &here, open, found, bytes)?;
            } else if metadata.is_file() && metadata.len() <= MAX_FILE {
                *bytes += metadata.len();
                found.insert(here, (path, stamp(&metadata)));
                if *bytes > MAX_BYTES || found.len() > MAX_FILES {
                    return Err(Error::Refused(format!(
                        "the workspace {} is too large to be copied: more than {MAX_FILES} files or {} MiB; open a smaller \
                         folder, or put a CACHEDIR.TAG into folders that the code does not need",
                        self.root.display(),
                        MAX_BYTES >> 20
                    )));
                }
            } else {
                self.leave_out(&here);
            }
        }
        open.pop();
        Ok(())
    }

    /// Whether what a link leads to is copied itself.
    fn is_copied(&self, target: &Path) -> bool {
        let inside = target.strip_prefix(&self.root);
        inside.is_ok_and(|it| !it.iter().any(|part| is_skipped(part) || is_left_out(part)))
    }

    fn leave_out(&mut self, path: &Path) {
        if self.left_out.len() < MAX_LEFT_OUT {
            self.left_out.push(path.to_owned());
        }
    }
}

/// Removes what is in the folder, and not the folder, which what waits for the next run may read.
fn empty(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => remove(&entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

/// A path that leads nowhere but into the workspace.
pub(crate) fn inside(path: &Path) -> Result<&Path, Error> {
    let is_inside = path.components().all(|it| matches!(it, Component::Normal(_) | Component::CurDir));
    if is_inside { Ok(path) } else { Err(Error::Refused(format!("{} is not in the workspace", path.display()))) }
}

fn is_skipped(name: &OsStr) -> bool {
    SKIPPED.iter().any(|it| name == *it) || is_home_of_secrets(&name.to_string_lossy())
}

/// What the code prints may become part of a prompt. Keys and certificates that packages and tests bring along are copied.
fn is_left_out(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    secrecy(&name) == Some(Secrecy::Personal) || name.ends_with(".pyc")
}

fn stamp(metadata: &fs::Metadata) -> Stamp {
    let it = metadata;
    (it.dev(), it.ino(), it.len(), it.mtime(), it.mtime_nsec(), it.ctime(), it.ctime_nsec())
}

/// Copies one regular file. What has become a link or a pipe since it was looked at is not copied.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{Mode, OFlags, ioctl_ficlone, open};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut source = File::from(open(from, flags, Mode::empty())?);
    let metadata = source.metadata()?;
    if !metadata.is_file() || metadata.len() > MAX_FILE {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut target = File::create_new(to)?;
    if ioctl_ficlone(&target, &source).is_err() {
        io::copy(&mut io::Read::take(&mut source, MAX_FILE), &mut target)?;
    }
    // Programs that tests start have to be executable; and who compares times finds the same.
    target.set_permissions(metadata.permissions())?;
    target.set_modified(metadata.modified()?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn staged(stage: &Stage) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![stage.copy.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    assert!(entry.file_type().unwrap().is_file());
                    found.push(entry.path().strip_prefix(&stage.copy).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        found.sort();
        found
    }

    #[test]
    fn a_copy_has_regular_files_of_the_workspace_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (root, copy) = (folder.path().join("ws"), folder.path().join("copy"));
        for it in ["ws/pkg", "ws/.git", "ws/.venv", "copy", "outside"] {
            fs::create_dir_all(folder.path().join(it)).unwrap();
        }
        fs::write(root.join("pkg/a.py"), "a").unwrap();
        fs::write(root.join(".git/config"), "").unwrap();
        fs::write(root.join(".env"), "TOKEN=1").unwrap();
        fs::write(root.join(".venv/pyvenv.cfg"), "").unwrap();
        fs::write(folder.path().join("outside/secret"), "secret").unwrap();
        symlink(folder.path().join("outside/secret"), root.join("secret")).unwrap();
        symlink(folder.path().join("outside"), root.join("outside")).unwrap();
        symlink(root.join("pkg/a.py"), root.join("linked.py")).unwrap();
        symlink(&root, root.join("pkg/again")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, root.join("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let mut stage = Stage::new(root.canonicalize().unwrap(), copy);
        stage.sync(&[("pkg/b.py".into(), "new".into()), ("pkg/a.py".into(), "unsaved".into())]).unwrap();
        assert_eq!(staged(&stage), [".env", "linked.py", "pkg/a.py", "pkg/b.py"]);
        let hidden = fs::metadata(stage.copy.join(".env")).unwrap();
        assert_eq!((hidden.len(), hidden.mode() & 0o777), (0, 0));
        assert_eq!(fs::read_to_string(stage.copy.join("pkg/a.py")).unwrap(), "unsaved");
        assert!(stage.left_out.contains(&PathBuf::from(".env")), "{:?}", stage.left_out);
        // The next time without what was unsaved, and with a folder in a file's place.
        fs::remove_file(root.join("linked.py")).unwrap();
        fs::create_dir(root.join("linked.py")).unwrap();
        fs::write(root.join("linked.py/c.py"), "c").unwrap();
        stage.sync(&[]).unwrap();
        assert_eq!(staged(&stage), [".env", "linked.py/c.py", "pkg/a.py"]);
        assert_eq!(fs::read_to_string(stage.copy.join("pkg/a.py")).unwrap(), "a");
        assert!(stage.sync(&[("../x".into(), String::new())]).is_err());
    }

    #[test]
    fn what_code_has_written_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (root, copy) = (folder.path().join("ws"), folder.path().join("copy"));
        let outside = folder.path().join("outside");
        for path in [&root.join("pkg/sub"), &copy, &outside] {
            fs::create_dir_all(path).unwrap();
        }
        for path in ["a.py", "b.py", "pkg/c.py", "pkg/sub/d.py"] {
            fs::write(root.join(path), "old").unwrap();
        }
        fs::write(outside.join("c.py"), "of the user").unwrap();
        let mut stage = Stage::new(root.canonicalize().unwrap(), copy.clone());
        stage.sync(&[("b.py".into(), "unsaved".into())]).unwrap();
        stage.touch();
        let before = fs::metadata(copy.join("a.py")).unwrap().modified().unwrap();
        let (folder_before, mode_before) = (fs::metadata(&copy).unwrap().ino(), fs::metadata(&outside).unwrap().mode());
        fs::write(copy.join("a.py"), "new").unwrap();
        File::options().write(true).open(copy.join("a.py")).unwrap().set_modified(before).unwrap();
        fs::remove_file(copy.join("b.py")).unwrap();
        fs::remove_dir_all(copy.join("pkg")).unwrap();
        symlink(&outside, copy.join("pkg")).unwrap();
        fs::create_dir_all(copy.join("made/deep")).unwrap();
        fs::write(copy.join("made/deep/e.py"), "").unwrap();
        stage.sync(&[]).unwrap();
        assert_eq!(staged(&stage), ["a.py", "b.py", "pkg/c.py", "pkg/sub/d.py"]);
        for path in ["a.py", "b.py", "pkg/c.py", "pkg/sub/d.py"] {
            assert_eq!(fs::read_to_string(copy.join(path)).unwrap(), "old", "{path}");
        }
        assert!(!copy.join("made").exists());
        assert_eq!(fs::read_to_string(outside.join("c.py")).unwrap(), "of the user");
        assert!(!outside.join("sub").exists());
        assert_eq!(fs::metadata(&outside).unwrap().mode(), mode_before);
        // What waits for the next run may read this very folder.
        assert_eq!(fs::metadata(&copy).unwrap().ino(), folder_before);
    }

    #[test]
    fn what_became_a_link_meanwhile_is_not_copied() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        symlink(folder.path().join("secret"), folder.path().join("file")).unwrap();
        assert!(copy(&folder.path().join("file"), &folder.path().join("copy")).is_err());
        assert!(!folder.path().join("copy").exists());
    }
}

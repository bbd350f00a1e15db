//! Removes what runs have left behind, however deep it is, and sets aside what cannot be removed: one run must not be in the
//! way of the next.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io, process};

/// Removes a file or a folder with all that is in it. It need not be there; links are not followed.
///
/// # Errors
/// When something cannot be removed. What could be is gone.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    // Whoever removes the same at the same time takes things away that were just seen.
    const ATTEMPTS: usize = 100;
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let removed = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
            Ok(metadata) if metadata.is_dir() => remove_folder(path),
            Ok(_) => fs::remove_file(path),
        };
        match removed {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => {
                last = Some(error);
            }
            removed => return removed,
        }
    }
    last.map_or(Ok(()), Err)
}

/// As [`remove`]. What cannot be removed is moved to the folder [`aside`] of `cache`, which lies on the same disk.
///
/// # Errors
/// When it cannot be moved either.
pub(crate) fn clear_away(path: &Path, cache: &Path) -> io::Result<()> {
    remove(path).or_else(|error| set_aside(path, cache, &error))
}

fn set_aside(path: &Path, cache: &Path, why: &io::Error) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let aside = aside(cache);
    fs::create_dir_all(&aside)?;
    let place = loop {
        let place = aside.join(format!("{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        if !place.exists() {
            break place;
        }
    };
    match fs::rename(path, &place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        renamed => renamed?,
    }
    tracing::warn!("cannot remove {}: {why}; it is set aside as {}", path.display(), place.display());
    Ok(())
}

/// Where what cannot be removed waits for [`retry`].
fn aside(cache: &Path) -> PathBuf {
    cache.join("set-aside")
}

/// Tries again to remove what was set aside. Returns what is left.
pub(crate) fn retry(cache: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(aside(cache)).into_iter().flatten().flatten();
    let left: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| remove(path).is_err()).collect();
    if left.is_empty() {
        // It holds nothing, or has never been.
        let _ = fs::remove_dir(aside(cache));
    }
    left
}

/// Code can make folders inside each other until no path reaches the innermost, and nobody can hold all of them open. So
/// they are removed by way of descriptors, two at a time: what is not empty is first moved up to the outermost folder.
#[cfg(unix)]
fn remove_folder(path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, renameat, unlinkat};
    use rustix::io::Errno;

    let top = by_descriptor::open(CWD, path)?;
    let mut moved: u64 = 0;
    loop {
        let entries = by_descriptor::entries(&top)?;
        if entries.is_empty() {
            break;
        }
        for outer in entries {
            if by_descriptor::unlink(&top, &outer)? {
                continue;
            }
            let folder = by_descriptor::open(&top, &*outer.name)?;
            for inner in by_descriptor::entries(&folder)? {
                if by_descriptor::unlink(&folder, &inner)? {
                    continue;
                }
                loop {
                    moved += 1;
                    match renameat(&folder, &*inner.name, &top, format!("moved-{moved}")) {
                        Ok(()) => break,
                        // The name is taken.
                        Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            unlinkat(&top, &*outer.name, AtFlags::REMOVEDIR)?;
        }
    }
    drop(top);
    fs::remove_dir(path)
}

#[cfg(not(unix))]
fn remove_folder(path: &Path) -> io::Result<()> {
    fs::remove_dir_all(path)
}

#[cfg(unix)]
mod by_descriptor {
    use std::ffi::CString;
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};

    use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, chmodat, fchmod, openat, statat, unlinkat};
    use rustix::io::Errno;
    use rustix::path::Arg;

    pub(super) struct Entry {
        pub(super) name: CString,
        is_folder: bool,
    }

    /// Opens a folder, no link to one, and makes it one whose entries can be removed.
    pub(super) fn open(at: impl AsFd, path: impl Arg + Copy) -> io::Result<OwnedFd> {
        const FLAGS: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::RDONLY);
        let folder = match openat(&at, path, FLAGS, Mode::empty()) {
            Err(Errno::ACCESS) => {
                chmodat(&at, path, Mode::RWXU, AtFlags::empty())?;
                openat(&at, path, FLAGS, Mode::empty())?
            }
            folder => folder?,
        };
        // It may be somebody else's, and writable all the same.
        let _ = fchmod(&folder, Mode::RWXU);
        Ok(folder)
    }

    pub(super) fn entries(folder: &OwnedFd) -> io::Result<Vec<Entry>> {
        let mut found = Vec::new();
        for entry in Dir::read_from(folder)? {
            let entry = entry?;
            if matches!(entry.file_name().to_bytes(), b"." | b"..") {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    FileType::from_raw_mode(statat(folder, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?.st_mode)
                }
                kind => kind,
            };
            found.push(Entry { name: entry.file_name().to_owned(), is_folder: kind == FileType::Directory });
        }
        Ok(found)
    }

    /// Removes what is no folder, or an empty one. Returns whether it was.
    pub(super) fn unlink(folder: &OwnedFd, entry: &Entry) -> io::Result<bool> {
        let flags = if entry.is_folder { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        match unlinkat(folder, &*entry.name, flags) {
            Ok(()) | Err(Errno::NOENT) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST) if entry.is_folder => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Folders inside each other, deeper than any path reaches.
#[cfg(test)]
#[cfg(unix)]
pub(crate) fn nest(top: &Path) {
    use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
    fs::create_dir_all(top).unwrap();
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut folder = openat(CWD, top, flags, Mode::empty()).unwrap();
    for _ in 0..5000 {
        for name in ["folder", "empty"] {
            mkdirat(&folder, name, Mode::RWXU).unwrap();
        }
        folder = openat(&folder, "folder", flags, Mode::empty()).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn folders_inside_each_other_are_removed_however_many() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().join("top");
        nest(&top);
        fs::write(top.join("moved-1"), "").unwrap();
        remove(&top).unwrap();
        assert!(!top.exists());
        remove(&top).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn many_may_remove_the_same_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().join("top");
        for number in 0..200 {
            fs::create_dir_all(top.join(format!("{number}/a/b/c"))).unwrap();
        }
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| remove(&top))).collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
        });
        assert!(!top.exists());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed_and_permissions_are_no_hindrance() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("top/closed/inner")).unwrap();
        fs::create_dir(dir.path().join("kept")).unwrap();
        fs::write(dir.path().join("kept/file"), "").unwrap();
        symlink(dir.path().join("kept"), dir.path().join("top/closed/link")).unwrap();
        symlink(dir.path().join("kept"), dir.path().join("link")).unwrap();
        fs::set_permissions(dir.path().join("top/closed"), fs::Permissions::from_mode(0o0)).unwrap();
        remove(&dir.path().join("top")).unwrap();
        remove(&dir.path().join("link")).unwrap();
        assert!(!dir.path().join("top").exists() && dir.path().join("kept/file").exists());
    }

    #[test]
    fn what_cannot_be_removed_is_out_of_the_way_and_tried_again() {
        let cache = tempfile::tempdir().unwrap();
        let stuck = cache.path().join("workspaces/scratch");
        for _ in 0..2 {
            fs::create_dir_all(stuck.join("folder")).unwrap();
            set_aside(&stuck, cache.path(), &io::Error::other("busy")).unwrap();
            assert!(!stuck.exists());
        }
        assert_eq!(fs::read_dir(aside(cache.path())).unwrap().count(), 2);
        assert_eq!(retry(cache.path()), [] as [PathBuf; 0]);
        assert!(!aside(cache.path()).exists());
        assert_eq!(retry(cache.path()), [] as [PathBuf; 0]);
    }
}

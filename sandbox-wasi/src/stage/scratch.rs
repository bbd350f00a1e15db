//! Where an instance of the guest may write.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::cache;
use crate::error::{Error, IoContext};
use crate::remove::clear_away;

/// As in `guest/tantu_guest/absent.py`.
const USER: &str = "user";

/// An instance's own folders, removed when it is dropped.
pub(crate) struct Scratch {
    dir: PathBuf,
    cache: PathBuf,
}

impl Scratch {
    /// Makes new ones in the folder `scratches`, which belongs to this process.
    pub(super) fn create(scratches: &Path, cache: &Path) -> Result<Self, Error> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let dir = scratches.join(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
        let scratch = Self { dir, cache: cache.to_owned() };
        for dir in [scratch.tmp(), scratch.dev(), scratch.home().join(USER)] {
            cache::create_private(&dir)?;
        }
        fs::write(scratch.dev().join("null"), "").while_("create", &scratch.dev())?;
        Ok(scratch)
    }

    /// The guest's `/tmp`.
    pub(crate) fn tmp(&self) -> PathBuf {
        self.dir.join("tmp")
    }

    /// The guest's `/home`, with the empty folder of the only user.
    pub(crate) fn home(&self) -> PathBuf {
        self.dir.join("home")
    }

    /// A copy of the folder `workspace`, which holds regular files only.
    pub(crate) fn copy_of(&self, workspace: &Path) -> Result<PathBuf, Error> {
        let to = self.dir.join("ws");
        cache::create_private(&to)?;
        copy(workspace, &to).while_("copy", workspace)?;
        Ok(to)
    }

    /// Holds `null`, an ordinary file: the guest has no devices.
    pub(crate) fn dev(&self) -> PathBuf {
        self.dir.join("dev")
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut pending = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = pending.pop() {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let to = to.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                fs::create_dir(&to)?;
                pending.push((entry.path(), to));
            } else {
                fs::copy(entry.path(), &to)?;
            }
        }
    }
    Ok(())
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = clear_away(&self.dir, &self.cache) {
            tracing::warn!("cannot remove {}: {error}", self.dir.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_an_empty_one_for_a_while() {
        let dir = tempfile::tempdir().unwrap();
        let [first, second] = [(); 2].map(|()| Scratch::create(dir.path(), dir.path()).unwrap());
        fs::create_dir(first.tmp().join("folder")).unwrap();
        fs::write(first.tmp().join("folder/file"), "x").unwrap();
        assert_eq!(cache::size(&second.tmp()), 0);
        assert_eq!(fs::read_to_string(second.dev().join("null")).unwrap(), "");
        let place = first.tmp();
        drop(first);
        assert!(!place.exists() && second.tmp().exists());
    }
}

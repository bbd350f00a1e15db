//! Which files of a workspace are staged.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use credential::files::{Secrecy, is_home_of_secrets, secrecy};

use crate::error::Error;

/// Files and folders in a workspace.
pub(crate) const MAX_ENTRIES: usize = 50_000;
/// Bytes in a workspace.
pub(crate) const MAX_BYTES: u64 = 512 << 20;
/// Bytes in a file. Larger ones, such as data sets, are left out.
pub(crate) const MAX_FILE: u64 = 32 << 20;
/// Folders inside each other. What is deeper is left out: the copy must have a path as well.
const MAX_DEPTH: usize = 100;

/// Version control, other languages' packages, and caches that bear no mark.
const SKIPPED_FOLDERS: [&str; 10] =
    [".eggs", ".git", ".hg", ".jj", ".nox", ".svn", ".tantu", ".tox", "__pycache__", "node_modules"];

/// A folder that holds one of these is a cache or an environment.
const MARKS: [&str; 3] = ["CACHEDIR.TAG", "conda-meta", "pyvenv.cfg"];

/// A file to stage.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) modified: SystemTime,
}

/// The part of a workspace that is staged, by relative path.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<PathBuf, Source>,
    pub(crate) folders: BTreeSet<PathBuf>,
    pub(crate) too_large: Vec<PathBuf>,
    bytes: u64,
}

impl Tree {
    /// Reads the workspace at the canonical path `root`. Folders that cannot be read count as empty.
    ///
    /// # Errors
    /// [`Error::Refused`] when the workspace is too large.
    pub(crate) fn read(root: &Path) -> Result<Self, Error> {
        let mut tree = Self::default();
        let mut walk = Walk { root, open: Vec::new(), tree: &mut tree };
        walk.folder(root, Path::new(""))?;
        Ok(tree)
    }
}

struct Walk<'a> {
    root: &'a Path,
    /// The real folders that the walk is inside of; a link back to one of them is not followed.
    open: Vec<PathBuf>,
    tree: &'a mut Tree,
}

impl Walk<'_> {
    /// Adds what is in the real folder `real`, which is seen at `seen` in the workspace.
    fn folder(&mut self, real: &Path, seen: &Path) -> Result<(), Error> {
        if self.open.len() >= MAX_DEPTH {
            return Ok(());
        }
        let Ok(entries) = fs::read_dir(real) else { return Ok(()) };
        let entries: Vec<_> = entries.flatten().collect();
        let is_marked = entries.iter().any(|entry| MARKS.iter().any(|mark| entry.file_name() == *mark));
        if is_marked && !seen.as_os_str().is_empty() {
            return Ok(());
        }
        if !seen.as_os_str().is_empty() {
            self.tree.folders.insert(seen.to_owned());
        }
        self.open.push(real.to_owned());
        for entry in entries {
            let name = entry.file_name();
            // Whatever vanishes meanwhile is not there.
            let Ok(kind) = entry.file_type() else { continue };
            let mut path = entry.path();
            if kind.is_symlink() {
                match self.target(&path) {
                    Some(target) => path = target,
                    None => continue,
                }
            }
            // Follows no link: what is one after `target` has changed under our feet.
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            let seen = seen.join(&name);
            if metadata.is_dir() && !is_skipped(&name) {
                self.folder(&path, &seen)?;
            } else if metadata.is_file() && !is_left_out(&name) {
                self.file(path, seen, &metadata)?;
            }
        }
        self.open.pop();
        Ok(())
    }

    fn file(&mut self, path: PathBuf, seen: PathBuf, metadata: &fs::Metadata) -> Result<(), Error> {
        let bytes = metadata.len();
        let Ok(modified) = metadata.modified() else { return Ok(()) };
        if bytes > MAX_FILE {
            self.tree.too_large.push(seen);
            return Ok(());
        }
        self.tree.bytes += bytes;
        self.tree.files.insert(seen, Source { path, bytes, modified });
        let entries = self.tree.files.len() + self.tree.folders.len();
        if self.tree.bytes > MAX_BYTES || entries > MAX_ENTRIES {
            return Err(Error::Refused(format!(
                "the workspace {} is too large for the sandbox, which takes {MAX_ENTRIES} files and {} MiB: open a \
                 smaller folder, or put a CACHEDIR.TAG into folders that the code does not need",
                self.root.display(),
                MAX_BYTES >> 20
            )));
        }
        Ok(())
    }

    /// Where a link leads, if that is a place in the workspace which is staged itself and does not contain the link.
    fn target(&self, link: &Path) -> Option<PathBuf> {
        let target = link.canonicalize().ok()?;
        let inside = target.strip_prefix(self.root).ok()?;
        let is_staged = !inside.iter().any(|part| is_skipped(part) || is_left_out(part));
        (is_staged && !self.open.contains(&target)).then_some(target)
    }
}

pub(super) fn is_skipped(folder: &OsStr) -> bool {
    SKIPPED_FOLDERS.iter().any(|name| folder == *name) || is_home_of_secrets(&folder.to_string_lossy())
}

/// What the code prints may become part of a prompt. Keys and certificates that packages and tests bring along are staged.
fn is_left_out(file: &OsStr) -> bool {
    let name = file.to_string_lossy();
    secrecy(&name) == Some(Secrecy::Personal) || name.ends_with(".pyc")
}

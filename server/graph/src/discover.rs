//! Finds and reads the files of a workspace. The only module of this crate that touches the disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ignore::{WalkBuilder, WalkState};
use rayon::prelude::*;

use crate::Change;

/// A file or folder that is not analysed, and why, in words that follow its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    pub path: PathBuf,
    pub reason: String,
}

/// The Python files of a folder.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    /// Sorted.
    pub files: Vec<PathBuf>,
    pub skipped: Vec<Skipped>,
}

/// Folders that hold other people's code or nobody's, even where no `.gitignore` says so.
const IGNORED_FOLDERS: &[&str] = &[
    "__pycache__",
    "node_modules",
    "site-packages",
    ".git",
    ".hg",
    ".svn",
    ".tox",
    ".nox",
    ".mypy_cache",
    ".ruff_cache",
];

/// The Python files below `root` by the rules of `.gitignore`; virtual environments are skipped. Symbolic links are not
/// followed, so that no loop can be entered.
pub fn discover(root: &Path) -> Discovery {
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut walk = WalkBuilder::new(root);
    walk.hidden(true).require_git(false).follow_links(false).filter_entry(|entry| {
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        !is_folder || !is_ignored_folder(entry.path())
    });
    walk.build_parallel().run(|| {
        let sender = sender.clone();
        Box::new(move |entry| {
            let found = match entry {
                Ok(entry) if is_python(entry.path()) && entry.file_type().is_some_and(|kind| kind.is_file()) => {
                    Ok(entry.into_path())
                }
                Ok(_) => return WalkState::Continue,
                Err(error) => Err(skipped(root, &error)),
            };
            // The receiver outlives the walk.
            let _ = sender.send(found);
            WalkState::Continue
        })
    });
    drop(sender);
    let mut discovery = Discovery::default();
    for found in receiver {
        match found {
            Ok(path) => discovery.files.push(path),
            Err(skipped) => discovery.skipped.push(skipped),
        }
    }
    discovery.files.sort_unstable();
    discovery.skipped.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    discovery
}

fn skipped(root: &Path, error: &ignore::Error) -> Skipped {
    let mut path = root.to_path_buf();
    let mut inner = error;
    loop {
        match inner {
            ignore::Error::WithPath { path: at, err } => {
                path.clone_from(at);
                inner = err;
            }
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => inner = err,
            _ => break,
        }
    }
    Skipped { path, reason: format!("cannot be read: {inner}") }
}

/// Whether the path is one of a Python file.
pub fn is_python(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "py" || extension == "pyi")
}

fn is_ignored_folder(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| IGNORED_FOLDERS.contains(&name))
        || path.join("pyvenv.cfg").is_file()
}

/// Reads `paths` in parallel. `progress` is told how many are done, from any thread. What cannot be read, or is no
/// Python source, is left out with its reason; a file that was deleted meanwhile is left out without one.
pub fn load(paths: &[PathBuf], progress: &(dyn Fn(usize) + Sync)) -> (Change, Vec<Skipped>) {
    let done = AtomicUsize::new(0);
    let read: Vec<_> = paths
        .par_iter()
        .map(|path| {
            // Made shared at once: all texts twice would be the most that is ever held.
            let text: Result<Arc<str>, _> = syntax::read_source(path).map(Arc::from);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            (path, text)
        })
        .collect();
    let mut change = Change::default();
    let mut skipped = Vec::new();
    for (path, text) in read {
        match text {
            Ok(text) => change.set(path, text),
            Err(syntax::DecodeError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => skipped.push(Skipped { path: path.clone(), reason: error.to_string() }),
        }
    }
    (change, skipped)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn ignores_what_is_not_the_workspaces_own() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for (path, text) in [
            ("a.py", "x = 1"),
            ("pkg/b.pyi", ""),
            ("venv/pyvenv.cfg", ""),
            ("venv/lib/c.py", ""),
            ("node_modules/d.py", ""),
            (".gitignore", "generated/\n"),
            ("generated/e.py", ""),
            ("notes.txt", ""),
            ("latin.py", ""),
        ] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), text).unwrap();
        }
        fs::write(root.join("latin.py"), b"x = '\xe9'").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(root, root.join("pkg/loop")).unwrap();
        let discovery = discover(root);
        let names: Vec<_> =
            discovery.files.iter().map(|path| path.strip_prefix(root).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.py", "latin.py", "pkg/b.pyi"]);
        let mut files = discovery.files;
        files.push(root.join("deleted.py"));
        let (change, skipped) = load(&files, &|_| ());
        assert_eq!(change.files.len(), 2);
        assert_eq!(skipped.len(), 1);
        assert!(skipped[0].reason.starts_with("is not UTF-8"), "{}", skipped[0].reason);
    }

    #[test]
    fn a_missing_folder_is_said() {
        let discovery = discover(Path::new("/nowhere/at/all"));
        assert!(discovery.files.is_empty());
        assert_eq!(discovery.skipped.len(), 1);
    }
}

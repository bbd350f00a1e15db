//! Finds and reads the files of a workspace. The only module of this crate that touches the disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use disk::IgnoreRules;
use ignore::overrides::OverrideBuilder;
use ignore::{WalkBuilder, WalkState};
use rayon::prelude::*;

use crate::Change;

/// A file or folder that is not analysed, and why, in words that follow its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    pub path: PathBuf,
    pub reason: String,
}

/// The Python files of a folder, and what is written about them.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    /// Sorted.
    pub files: Vec<PathBuf>,
    /// Prose about the code; sorted. See [`is_document`].
    pub documents: Vec<PathBuf>,
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
    let rules = Arc::new(IgnoreRules::default());
    walk(root, &rules).build_parallel().run(|| {
        let sender = sender.clone();
        Box::new(move |entry| {
            let found = match entry {
                Ok(entry)
                    if (is_python(entry.path()) || is_document(root, entry.path()))
                        && entry.file_type().is_some_and(|kind| kind.is_file()) =>
                {
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
            Ok(path) if is_python(&path) => discovery.files.push(path),
            Ok(path) => discovery.documents.push(path),
            Err(skipped) => discovery.skipped.push(skipped),
        }
    }
    // The walk is over, and with it every other use.
    let problems = Arc::into_inner(rules).map(IgnoreRules::problems).unwrap_or_default();
    let unread = |(path, error): (PathBuf, disk::ReadError)| Skipped { path, reason: error.to_string() };
    discovery.skipped.extend(problems.into_iter().map(unread));
    discovery.files.sort_unstable();
    discovery.documents.sort_unstable();
    discovery.skipped.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    discovery
}

/// Goes through everything below `root` that the workspace does not leave out.
fn walk(root: &Path, rules: &Arc<IgnoreRules>) -> WalkBuilder {
    let rules = Arc::clone(rules);
    let mut walk = WalkBuilder::new(root);
    // What the files of patterns say is asked of `rules`, which reads them with limits.
    walk.standard_filters(false).hidden(true).follow_links(false).filter_entry(move |entry| {
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        let is_left_out = is_folder && is_ignored_folder(entry.path()) || rules.leaves_out(entry.path(), is_folder);
        !is_left_out
    });
    walk
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

/// Whether the file at `path` below `root` is prose about the code: a readme anywhere, or a text in a folder for
/// documentation or decisions.
pub fn is_document(root: &Path, path: &Path) -> bool {
    let part = |part: &std::ffi::OsStr| part.to_str().map(str::to_lowercase).unwrap_or_default();
    let extension = path.extension().map_or(String::new(), part);
    let is_text = ["md", "markdown", "rst", "txt"].contains(&extension.as_str());
    if path.file_stem().is_some_and(|stem| part(stem) == "readme") && (is_text || extension.is_empty()) {
        return true;
    }
    let folder = path.strip_prefix(root).ok().and_then(Path::parent);
    let is_for_prose = |name: String| ["doc", "docs", "adr", "adrs", "decisions"].contains(&name.as_str());
    is_text && folder.is_some_and(|folder| folder.iter().any(|name| is_for_prose(part(name))))
}

fn is_ignored_folder(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| IGNORED_FOLDERS.contains(&name))
        || path.join("pyvenv.cfg").is_file()
}

/// The files below `root` that any of `globs` names, written as in `.gitignore`, unless the workspace ignores them; sorted.
/// Globs that make no sense name nothing: see [`check_glob`].
pub fn matching(root: &Path, globs: &[String]) -> Vec<PathBuf> {
    let mut wanted = OverrideBuilder::new("/");
    // Nothing is wanted but what is named.
    let named = globs.iter().filter(|glob| wanted.add(glob).is_ok()).count();
    let Ok(wanted) = wanted.build() else { return Vec::new() };
    if named == 0 {
        return Vec::new();
    }
    let walk = walk(root, &Arc::default());
    // Whoever reads says that a FIFO is no file; a link is nothing that was asked for.
    let is_entry =
        |entry: &ignore::DirEntry| entry.file_type().is_some_and(|kind| !kind.is_dir() && !kind.is_symlink());
    let paths = walk.build().filter_map(Result::ok).filter(is_entry).map(ignore::DirEntry::into_path);
    let is_wanted = |path: &PathBuf| {
        path.strip_prefix(root).is_ok_and(|path| wanted.matched(Path::new("/").join(path), false).is_whitelist())
    };
    let mut found: Vec<PathBuf> = paths.filter(is_wanted).collect();
    found.sort_unstable();
    found
}

/// Whether a glob makes sense.
///
/// # Errors
/// Why not, in words.
pub fn check_glob(glob: &str) -> Result<(), String> {
    OverrideBuilder::new("/").add(glob).map(|_| ()).map_err(|error| error.to_string())
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
            Err(syntax::DecodeError::Unread(error)) if error.is_missing() => {}
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
    fn prose_is_a_readme_or_in_a_folder_for_it() {
        let is = |path: &str| is_document(Path::new("/docs/w"), &Path::new("/docs/w").join(path));
        let prose = ["README.md", "sub/readme", "docs/a/b.RST", "Doc/c.txt", "design/adr/0001-x.md"];
        assert!(prose.iter().all(|path| is(path)), "{prose:?}");
        let other = ["notes.md", "README.py", "docs/conf.py", "docs/a.png", "readme/x.md", "src/docs.md"];
        assert!(!other.iter().any(|path| is(path)), "{other:?}");
    }

    #[test]
    fn a_missing_folder_is_said() {
        let discovery = discover(Path::new("/nowhere/at/all"));
        assert!(discovery.files.is_empty());
        assert_eq!(discovery.skipped.len(), 1);
    }
}

//! What the `.gitignore` and `.ignore` files of a workspace leave out.
//!
//! The patterns are those of the crate `ignore`. The files are found and read here, because that crate would wait for a
//! FIFO and read a device until memory ends. Precedence is the same: `.ignore` before `.gitignore` before
//! `.git/info/exclude` before the user's own file, and of each kind the one that is nearest to a path decides; what lies
//! above a repository says nothing about what is in it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder, gitconfig_excludes_path};

use crate::ReadError;
use crate::read::read_bytes;

/// Larger files of patterns are not read: compiling them would take long.
const MAX_BYTES: u64 = 512 << 10;

/// The rules for the files below a folder, read as they are asked for.
#[derive(Debug)]
pub struct IgnoreRules {
    of_user: Gitignore,
    folders: Mutex<HashMap<PathBuf, Arc<Folder>>>,
    problems: Mutex<Vec<(PathBuf, ReadError)>>,
}

#[derive(Debug)]
struct Folder {
    ignore: Gitignore,
    gitignore: Gitignore,
    exclude: Gitignore,
    has_git: bool,
    parent: Option<Arc<Folder>>,
}

impl Default for IgnoreRules {
    fn default() -> Self {
        let mut rules =
            IgnoreRules { of_user: Gitignore::empty(), folders: Mutex::default(), problems: Mutex::default() };
        if let Some(path) = gitconfig_excludes_path() {
            rules.of_user = rules.read(Path::new(""), &path);
        }
        rules
    }
}

impl IgnoreRules {
    /// Whether the file or folder at the absolute `path` is left out by itself. One in a folder that is left out need not be.
    pub fn leaves_out(&self, path: &Path, is_folder: bool) -> bool {
        let Some(nearest) = path.parent().map(|parent| self.folder(parent)) else { return false };
        let chain = || std::iter::successors(Some(&*nearest), |folder| folder.parent.as_deref());
        let in_repository = || {
            let mut is_outermost = false;
            chain().take_while(move |folder| !std::mem::replace(&mut is_outermost, folder.has_git))
        };
        let by = |patterns: &Gitignore| match patterns.matched(path, is_folder) {
            Match::None => None,
            decision => Some(decision.is_ignore()),
        };
        chain()
            .find_map(|folder| by(&folder.ignore))
            .or_else(|| in_repository().find_map(|folder| by(&folder.gitignore)))
            .or_else(|| in_repository().find_map(|folder| by(&folder.exclude)))
            .or_else(|| by(&self.of_user))
            .unwrap_or(false)
    }

    /// Whether the file at `path` is left out, or a folder between `root` and the file.
    pub fn leaves_out_below(&self, root: &Path, path: &Path) -> bool {
        let mut folders = path.ancestors().skip(1).take_while(|folder| *folder != root && folder.starts_with(root));
        self.leaves_out(path, false) || folders.any(|folder| self.leaves_out(folder, true))
    }

    /// Files of patterns that were not read, and why.
    pub fn problems(self) -> Vec<(PathBuf, ReadError)> {
        self.problems.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn folder(&self, path: &Path) -> Arc<Folder> {
        let known = || self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = known().get(path) {
            return Arc::clone(folder);
        }
        let parent = path.parent().map(|parent| self.folder(parent));
        let has_git = path.join(".git").symlink_metadata().is_ok();
        let folder = Arc::new(Folder {
            ignore: self.read(path, &path.join(".ignore")),
            gitignore: self.read(path, &path.join(".gitignore")),
            exclude: if has_git { self.read(path, &path.join(".git/info/exclude")) } else { Gitignore::empty() },
            has_git,
            parent,
        });
        Arc::clone(known().entry(path.to_owned()).or_insert(folder))
    }

    /// The patterns in `file`, for what is below `folder`.
    fn read(&self, folder: &Path, file: &Path) -> Gitignore {
        let bytes = match read_bytes(file, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) => {
                if !error.is_missing() {
                    self.problem(file, error);
                }
                return Gitignore::empty();
            }
        };
        let text = String::from_utf8_lossy(&bytes);
        let mut builder = GitignoreBuilder::new(folder);
        for line in text.strip_prefix('\u{feff}').unwrap_or(&text).lines() {
            // Git overlooks what is no pattern, too.
            let _ = builder.add_line(Some(file.to_owned()), line);
        }
        builder.build().unwrap_or_else(|error| {
            self.problem(file, ReadError::Io(std::io::Error::other(error.to_string())));
            Gitignore::empty()
        })
    }

    fn problem(&self, file: &Path, error: ReadError) {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).push((file.to_owned(), error));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new(files: &[(&str, &str)]) -> Self {
            let tree = Tree(tempfile::tempdir().unwrap());
            for (name, text) in files {
                let path = tree.0.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            tree
        }

        fn leaves_out(&self, name: &str) -> bool {
            let root = self.0.path();
            IgnoreRules::default().leaves_out_below(root, &root.join(name))
        }
    }

    #[test]
    fn the_nearest_file_decides_and_some_kinds_come_first() {
        let tree = Tree::new(&[
            (".gitignore", "\u{feff}*.log\nbuild/\n/only_here.py\n[broken\n"),
            (".git/info/exclude", "excluded.py\nkept.log\n"),
            (".ignore", "hidden.py\n!seen.log\n"),
            ("sub/.gitignore", "!kept.log\n"),
            ("nested/.git/HEAD", ""),
        ]);
        for name in ["a.log", "sub/a.log", "build/x.py", "only_here.py", "excluded.py", "kept.log", "nested/hidden.py"]
        {
            assert!(tree.leaves_out(name), "{name}");
        }
        for name in ["a.py", "sub/kept.log", "sub/only_here.py", "seen.log", "nested/a.log", "nested/excluded.py"] {
            assert!(!tree.leaves_out(name), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_of_patterns_is_named_and_overlooked() {
        let tree = Tree::new(&[("sub/a.py", ""), ("sub/.ignore", "*.log\n"), ("large/a.py", "")]);
        let at = |name: &str| tree.0.path().join(name);
        assert!(std::process::Command::new("mkfifo").arg(at(".gitignore")).status().unwrap().success());
        std::os::unix::fs::symlink("/dev/zero", at("sub/.gitignore")).unwrap();
        fs::write(at("large/.gitignore"), "x\n".repeat(300_000)).unwrap();
        let rules = IgnoreRules::default();
        assert!(!rules.leaves_out(&at("sub/a.py"), false) && rules.leaves_out(&at("sub/a.log"), false));
        assert!(!rules.leaves_out(&at("large/x"), false));
        let problems: Vec<_> = rules.problems().into_iter().map(|(path, reason)| (path, reason.to_string())).collect();
        assert_eq!(problems[0], (at(".gitignore"), "is not a regular file".to_owned()));
        assert_eq!(problems[1].0, at("sub/.gitignore"));
        assert!(problems[2].1.contains("more than the limit"), "{problems:?}");
    }
}

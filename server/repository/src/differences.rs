//! Which files on disk differ from what they were at a commit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};
use gix::index::entry::{Flags, Mode, Stat, stat};
use gix::index::fs::Metadata;

use crate::open::{Commit, Repository, unreadable};
use crate::{Error, MAX_CONTENT_BYTES};

/// A file by its absolute path, with what it held before; `None` for one that was not there, or was too large to be read.
pub type Earlier = (PathBuf, Option<Vec<u8>>);

impl Repository {
    /// The files in `folder` that differ from what they were at `commit`, sorted by path: those that changed or went, and of
    /// `on_disk` those that came. Files that `is_wanted` refuses are not looked at, nor are links and submodules. Texts that
    /// differ in nothing but their line ends do not differ.
    ///
    /// # Errors
    /// When the folder is not in the repository, or the commit or the index cannot be read.
    pub fn differences(
        &self,
        commit: &Commit,
        folder: &Path,
        on_disk: &[PathBuf],
        is_wanted: &dyn Fn(&Path) -> bool,
    ) -> Result<Vec<Earlier>, Error> {
        let index = Index::read(self)?;
        let before = self.files(commit, folder)?;
        let mut found: BTreeMap<PathBuf, Option<Vec<u8>>> = BTreeMap::new();
        for (name, &id) in &before {
            let Some(path) = self.absolute(name).filter(|path| is_wanted(path)) else { continue };
            if !index.says_it_is(name, id, &path) && !self.is_on_disk(id, &path) {
                found.insert(path, self.blob(id));
            }
        }
        let in_index = index.names_in(&self.relative(folder)?);
        let in_index = in_index.iter().filter_map(|name| self.absolute(name));
        let came = on_disk.iter().cloned().chain(in_index.filter(|path| path.is_file()));
        for path in came.filter(|path| is_wanted(path) && path.starts_with(folder)) {
            if !before.contains_key(&self.relative(&path)?) {
                found.insert(path, None);
            }
        }
        Ok(found.into_iter().collect())
    }

    /// The regular files in `folder` at `commit`, by their names in the repository.
    fn files(&self, commit: &Commit, folder: &Path) -> Result<BTreeMap<BString, ObjectId>, Error> {
        let prefix = self.relative(folder)?;
        let mut tree = self.tree(commit)?;
        if !prefix.is_empty() {
            let path = gix::path::from_bstr(prefix.as_bstr()).map_err(|error| unreadable(folder, error))?;
            let entry = tree.lookup_entry_by_path(path).map_err(|error| unreadable(folder, error))?;
            let Some(entry) = entry.filter(|entry| entry.mode().is_tree()) else { return Ok(BTreeMap::new()) };
            tree = self.git.find_tree(entry.object_id()).map_err(|error| unreadable(folder, error))?;
        }
        let entries = tree.traverse().breadthfirst.files().map_err(|error| unreadable(folder, error))?;
        let blobs = entries.into_iter().filter(|entry| entry.mode.is_blob());
        let below = |name: BString| match prefix.as_slice() {
            [] => name,
            _ => [prefix.as_slice(), b"/", name.as_slice()].concat().into(),
        };
        Ok(blobs.map(|entry| (below(entry.filepath), entry.oid)).collect())
    }

    fn absolute(&self, name: &BString) -> Option<PathBuf> {
        Some(self.root().join(gix::path::from_bstr(name.as_bstr()).ok()?))
    }

    /// Whether the file at `path` holds what the object does.
    fn is_on_disk(&self, id: ObjectId, path: &Path) -> bool {
        let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        let now = disk::read_bytes(path, MAX_CONTENT_BYTES).ok().filter(|_| !is_link);
        match (now, self.blob(id)) {
            (Some(now), Some(before)) => now == before || without_returns(&now).eq(without_returns(&before)),
            _ => false,
        }
    }
}

/// The bytes of a text whose lines end with a line feed alone, as git keeps what it converts.
fn without_returns(text: &[u8]) -> impl Iterator<Item = &u8> {
    let is_followed = |at: usize| text.get(at + 1) == Some(&b'\n');
    text.iter().enumerate().filter(move |&(at, &byte)| byte != b'\r' || !is_followed(at)).map(|(_, byte)| byte)
}

/// What git noted about the files when it last looked at them.
pub(crate) struct Index(pub gix::worktree::Index);

impl Index {
    pub fn read(repository: &Repository) -> Result<Self, Error> {
        let index = repository.git.index_or_empty();
        index.map(Index).map_err(|error| unreadable(&repository.git.index_path(), error))
    }

    /// Whether the file at `path` is known to hold the object without being read: git saw that it did, and it was not touched
    /// since. Files that are left out of a sparse work tree are as they were, too.
    fn says_it_is(&self, name: &BString, id: ObjectId, path: &Path) -> bool {
        let Some(entry) = self.0.entry_by_path(name.as_bstr()).filter(|entry| entry.id == id) else { return false };
        let Ok(metadata) = Metadata::from_path_no_follow(path) else {
            return entry.flags.contains(Flags::SKIP_WORKTREE);
        };
        let options = stat::Options { use_nsec: true, ..stat::Options::default() };
        Stat::from_fs(&metadata).is_ok_and(|now| {
            // What was written while git looked may have changed without a trace.
            metadata.is_file() && entry.stat.matches(&now, options) && !now.is_racy(self.0.timestamp(), options)
        })
    }

    fn names_in(&self, folder: &BString) -> Vec<BString> {
        let all =
            self.0.entries().iter().filter(|entry| entry.mode == Mode::FILE || entry.mode == Mode::FILE_EXECUTABLE);
        let prefix = if folder.is_empty() { BString::default() } else { [folder.as_slice(), b"/"].concat().into() };
        let names = all.map(|entry| entry.path(&self.0)).filter(move |name| name.starts_with(&prefix));
        names.map(|name| name.to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Repository;

    fn differing(repository: &Repository, folder: &str, on_disk: &[&str]) -> Vec<(String, Option<String>)> {
        let root = repository.root().to_owned();
        let folder = root.join(folder).components().collect::<PathBuf>();
        let on_disk: Vec<PathBuf> = on_disk.iter().map(|name| root.join(name)).collect();
        let found = crate::read(&folder.clone(), move |repository| {
            let is_python = |path: &Path| path.extension().is_some_and(|extension| extension == "py");
            repository.differences(&repository.commit("HEAD")?, &folder, &on_disk, &is_python)
        });
        let shown = |path: PathBuf| path.strip_prefix(&root).unwrap().display().to_string();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        found.unwrap().into_iter().map(|(path, before)| (shown(path), before.map(text))).collect()
    }

    fn some(name: &str, text: &str) -> (String, Option<String>) {
        (name.to_owned(), Some(text.to_owned()))
    }

    #[test]
    fn changed_removed_and_added_files_are_told() {
        let repository = Repository::new();
        for name in ["a.py", "b.py", "sub/c.py", "sub/d.py", "notes.txt"] {
            repository.write(name, "first\n");
        }
        repository.commit("first");
        assert_eq!(differing(&repository, "", &[]), []);
        repository.write("a.py", "second\n");
        repository.write("notes.txt", "second\n");
        repository.remove("sub/c.py");
        repository.write("sub/new.py", "");
        repository.write("staged.py", "");
        repository.git(&["add", "staged.py"]);
        let new = |name: &str| (name.to_owned(), None);
        let sub = [some("sub/c.py", "first\n"), new("sub/new.py")];
        let all = [some("a.py", "first\n"), new("staged.py"), sub[0].clone(), sub[1].clone()];
        assert_eq!(differing(&repository, "", &["sub/new.py", "a.py"]), all);
        assert_eq!(differing(&repository, "sub", &["sub/new.py"]), sub);
        // A folder that no commit knows.
        repository.write("fresh/e.py", "");
        assert_eq!(differing(&repository, "fresh", &["fresh/e.py"]), [new("fresh/e.py")]);
    }

    #[test]
    fn line_ends_that_git_converts_are_no_difference() {
        let repository = Repository::new();
        repository.write("a.py", "one\ntwo\n");
        repository.write("b.py", "one\rtwo\n");
        repository.commit("first");
        repository.write("a.py", "one\r\ntwo\r\n");
        repository.write("b.py", "onetwo\n");
        assert_eq!(differing(&repository, "", &[]), [some("b.py", "one\rtwo\n")]);
    }

    #[test]
    fn the_same_size_within_the_same_second_is_seen() {
        let repository = Repository::new();
        repository.write("a.py", "1111\n");
        repository.commit("first");
        repository.write("a.py", "2222\n");
        assert_eq!(differing(&repository, "", &[]), [some("a.py", "1111\n")]);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_became_something_else_went() {
        let repository = Repository::new();
        repository.write("a.py", "one\n");
        repository.write("b.py", "one\n");
        repository.write("c.py", "one\n");
        repository.commit("first");
        let at = |name: &str| repository.root().join(name);
        repository.remove("a.py");
        std::os::unix::fs::symlink("c.py", at("a.py")).unwrap();
        repository.remove("b.py");
        assert!(std::process::Command::new("mkfifo").arg(at("b.py")).status().unwrap().success());
        assert_eq!(differing(&repository, "", &[]), [some("a.py", "one\n"), some("b.py", "one\n")]);
    }
}

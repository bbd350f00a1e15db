//! Finds a repository, makes sure that it consists of ordinary files, and reads what its commits hold.

use std::fs;
use std::path::{Path, PathBuf};

use gix::bstr::{BStr, BString, ByteSlice};
use gix::{ObjectId, ThreadSafeRepository};

use crate::Error;

/// Files of a repository's folder that are larger than this are not read; the index of a million files has 100 MB.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// What is larger is not unpacked and not compared.
pub const MAX_CONTENT_BYTES: u64 = 10 << 20;

/// Folders in a repository's folder that are read, and how deep.
const FOLDERS: &[(&str, usize)] = &[("objects", 2), ("refs", 16), ("info", 1), ("reftable", 1)];

/// A repository with a work tree.
pub struct Repository {
    pub(crate) git: gix::Repository,
    /// The folder that holds `.git`. What the repository's configuration says of it does not count.
    root: PathBuf,
}

/// A commit that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit(pub(crate) ObjectId);

impl std::fmt::Display for Commit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Repository {
    /// The repository with the nearest `.git` at or above `folder`. Folders that only look like a repository, as a bare one
    /// that somebody has committed would, are not one.
    pub(crate) fn discover(folder: &Path) -> Result<Self, Error> {
        let folder = folder.canonicalize().map_err(|error| unreadable(folder, error))?;
        let Some(root) = folder.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok()) else {
            return Err(Error::NoRepository(folder));
        };
        let place = root.join(".git");
        let metadata = fs::metadata(&place).map_err(|error| unreadable(&place, error))?;
        let folder = if metadata.is_dir() { place.clone() } else { linked_folder(&place)? };
        let common = common_folder(&folder)?;
        check(&folder)?;
        if common != folder {
            check(&common)?;
        }
        // Nothing but the repository's own configuration is read, and nothing that it includes.
        let options = gix::open::Options::isolated().open_path_as_is(true).strict_config(false);
        let opened = ThreadSafeRepository::open_opts(&place, options).map_err(|error| unreadable(&place, error))?;
        Ok(Repository { git: opened.to_thread_local(), root: root.to_owned() })
    }

    /// The folder that everything in the repository lies in.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The commit that `revision` names, as git would: a branch, a tag, a hash, `HEAD~3`, `main@{1}`.
    ///
    /// # Errors
    /// When there is no such commit.
    pub fn commit(&self, revision: &str) -> Result<Commit, Error> {
        let missing =
            |reason: String| Error::NoRevision { revision: revision.to_owned(), root: self.root.clone(), reason };
        let wanted = format!("{revision}^{{commit}}");
        let id = self.git.rev_parse_single(BStr::new(&wanted)).map_err(|error| missing(error.to_string()))?;
        Ok(Commit(id.detach()))
    }

    /// What the file at `path` held at `commit`; `None` when it was not there, was no regular file, or was larger than
    /// [`MAX_CONTENT_BYTES`].
    ///
    /// # Errors
    /// When the path is not in the repository, or its commit cannot be read.
    pub fn content(&self, commit: &Commit, path: &Path) -> Result<Option<Vec<u8>>, Error> {
        let inside = self.relative(path)?;
        let tree = self.tree(commit)?;
        let entry = tree.lookup_entry_by_path(
            gix::path::from_bstr(inside.as_bstr())
                .map_err(|error| Error::Unreadable { path: path.to_owned(), reason: error.to_string() })?,
        );
        let entry = entry.map_err(|error| unreadable(path, error))?;
        Ok(entry.filter(|entry| entry.mode().is_blob()).and_then(|entry| self.blob(entry.object_id())))
    }

    /// The first lines of the messages of the newest commits, newest first; none before the first commit.
    pub fn subjects(&self, at_most: usize) -> Vec<String> {
        use gix::revision::walk::Sorting;
        use gix::traverse::commit::simple::CommitTimeOrder;

        let Ok(head) = self.git.head_id() else { return Vec::new() };
        let newest = Sorting::ByCommitTime(CommitTimeOrder::NewestFirst);
        let Ok(walk) = head.ancestors().sorting(newest).all() else { return Vec::new() };
        let commits = walk.take(at_most).filter_map(|info| info.ok()?.object().ok());
        commits
            .map(|commit| commit.message_raw_sloppy().lines().next().unwrap_or_default().to_str_lossy().into())
            .collect()
    }

    pub(crate) fn tree(&self, commit: &Commit) -> Result<gix::Tree<'_>, Error> {
        let unread = |error: &dyn std::fmt::Display| unreadable(&self.root, format!("commit {commit}: {error}"));
        let commit = self.git.find_commit(commit.0).map_err(|error| unread(&error))?;
        commit.tree().map_err(|error| unread(&error))
    }

    /// What the object holds; `None` when it is not there or too large.
    pub(crate) fn blob(&self, id: ObjectId) -> Option<Vec<u8>> {
        // Objects are compressed: the size is asked for before anything is unpacked.
        let header = self.git.find_header(id).ok()?;
        if header.size() > MAX_CONTENT_BYTES {
            return None;
        }
        Some(self.git.find_blob(id).ok()?.take_data())
    }

    /// The path below the repository's folder, as git writes it.
    pub(crate) fn relative(&self, path: &Path) -> Result<BString, Error> {
        let outside = || Error::Outside { path: path.to_owned(), root: self.root.clone() };
        let inside = path.strip_prefix(&self.root).map_err(|_| outside())?;
        let bytes = gix::path::into_bstr(inside).map_err(|_| outside())?;
        Ok(gix::path::to_unix_separators_on_windows(bytes).into_owned())
    }
}

pub(crate) fn unreadable(path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::Unreadable { path: path.to_owned(), reason: reason.to_string() }
}

/// The folder that a `.git` file of a submodule or of another work tree names.
fn linked_folder(file: &Path) -> Result<PathBuf, Error> {
    let text = disk::read_configuration(file).map_err(|error| unreadable(file, error))?;
    let Some(named) = text.strip_prefix("gitdir:") else {
        return Err(unreadable(file, "does not begin with `gitdir:`"));
    };
    let folder = file.parent().unwrap_or(file).join(named.trim());
    folder.canonicalize().map_err(|error| unreadable(&folder, error))
}

/// Where objects and refs are: work trees share those of their repository.
fn common_folder(folder: &Path) -> Result<PathBuf, Error> {
    let file = folder.join("commondir");
    if !file.exists() {
        return Ok(folder.to_owned());
    }
    let text = disk::read_configuration(&file).map_err(|error| unreadable(&file, error))?;
    let common = folder.join(text.trim());
    common.canonicalize().map_err(|error| unreadable(&common, error))
}

/// Makes sure that reading what is in a repository's folder ends: it holds no FIFO, no device, and no file without measure.
fn check(folder: &Path) -> Result<(), Error> {
    check_files(folder, 0)?;
    for (name, depth) in FOLDERS {
        let inside = folder.join(name);
        if inside.is_dir() {
            check_files(&inside, *depth)?;
        }
    }
    Ok(())
}

fn check_files(folder: &Path, depth: usize) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let entry = entry.map_err(|error| unreadable(folder, error))?;
        let kind = entry.file_type().map_err(|error| unreadable(&entry.path(), error))?;
        if kind.is_dir() && depth > 0 {
            check_files(&entry.path(), depth - 1)?;
        }
        // Of the many objects the kind is known without asking. Those who share objects by links have few of them.
        let is_object = kind.is_file() && depth == 1;
        if !kind.is_dir() && !is_object && fs::metadata(entry.path()).is_ok_and(|metadata| is_endless(&metadata)) {
            return Err(unreadable(
                &entry.path(),
                "is no regular file of at most 1 GiB, so the repository is not read",
            ));
        }
    }
    Ok(())
}

fn is_endless(metadata: &fs::Metadata) -> bool {
    #[cfg(unix)]
    let waits = {
        use std::os::unix::fs::FileTypeExt;
        let kind = metadata.file_type();
        kind.is_fifo() || kind.is_char_device() || kind.is_block_device()
    };
    #[cfg(not(unix))]
    let waits = false;
    waits || metadata.is_file() && metadata.len() > MAX_FILE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, children_waited_for};

    fn commit(folder: &Path, revision: &'static str) -> Result<Commit, Error> {
        crate::read(folder, move |repository| repository.commit(revision))
    }

    #[test]
    fn revisions_are_those_of_git() {
        let repository = testing::Repository::new();
        for text in ["1\n", "2\n", "3\n"] {
            repository.write("a.py", text);
            repository.commit(text.trim());
        }
        repository.git(&["tag", "--annotate", "--message", "x", "v1", "HEAD~2"]);
        repository.git(&["branch", "side", "HEAD~1"]);
        let first = repository.git(&["rev-parse", "HEAD~2"]);
        for revision in ["v1", "HEAD~2", "side~1", "HEAD^^", "refs/tags/v1"] {
            assert_eq!(commit(repository.root(), revision).unwrap().to_string(), first, "{revision}");
        }
        for revision in ["", "nowhere", "HEAD~9", "--output=x", "HEAD:a.py", "HEAD..side", "^HEAD", ":/x", "@{-9}"] {
            let error = crate::read(repository.root(), move |repository| repository.commit(revision));
            assert!(matches!(error, Err(Error::NoRevision { .. })), "{revision}: {error:?}");
        }
        let path = repository.root().join("a.py");
        let (content, subjects) = crate::read(repository.root(), move |repository| {
            Ok((repository.content(&repository.commit("v1")?, &path)?, repository.subjects(2)))
        })
        .unwrap();
        assert_eq!(content, Some(b"1\n".to_vec()));
        assert_eq!(subjects, ["3", "2"]);
    }

    #[test]
    fn packed_linked_and_nested_repositories_are_read() {
        let repository = testing::Repository::new();
        repository.write("a.py", "1\n");
        repository.commit("first");
        repository.git(&["gc", "--quiet", "--aggressive"]);
        assert!(commit(repository.root(), "HEAD").is_ok());
        repository.git(&["worktree", "add", "--quiet", "-b", "other", "tree"]);
        let tree = repository.root().join("tree");
        assert_eq!(commit(&tree, "other").unwrap(), commit(repository.root(), "HEAD").unwrap());
        let root = crate::read(&tree, |repository| Ok(repository.root().to_owned())).unwrap();
        assert_eq!(root, tree);
    }

    #[test]
    fn what_only_looks_like_a_repository_is_none() {
        let outer = testing::Repository::new();
        outer.write("a.py", "1\n");
        outer.commit("first");
        // What `git init --bare` makes, as somebody could commit it.
        outer.git(&["init", "--quiet", "--bare", "data"]);
        outer.write("data/config", "[core]\nbare = false\nworktree = /\nfsmonitor = touch /tmp/never\n");
        let root = crate::read(&outer.root().join("data"), |repository| Ok(repository.root().to_owned())).unwrap();
        assert_eq!(root, outer.root());
        let alone = tempfile::tempdir().unwrap();
        assert!(matches!(commit(alone.path(), "HEAD"), Err(Error::NoRepository(_))));
    }

    #[cfg(unix)]
    #[test]
    fn special_files_are_refused_and_named() {
        for name in ["HEAD", "config", "index", "packed-refs", "refs/heads/fifo", "objects/info/alternates"] {
            let repository = testing::Repository::new();
            repository.write("a.py", "1\n");
            repository.commit("first");
            let path = repository.root().join(".git").join(name);
            let _ = fs::remove_file(&path);
            assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
            let error = commit(repository.root(), "HEAD").unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("no regular file"), "{name}: {error}");
            fs::remove_file(&path).unwrap();
            std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
            let error = commit(repository.root(), "HEAD").unwrap_err().to_string();
            assert!(error.contains("no regular file"), "{name}: {error}");
        }
    }

    /// Every program that git can be told to run. Each would leave a file.
    #[cfg(unix)]
    #[test]
    fn no_program_is_run() {
        let repository = testing::Repository::new();
        repository.write(".gitattributes", "*.py filter=evil diff=evil merge=evil text working-tree-encoding=UTF-8\n");
        repository.write("a.py", "1\n");
        repository.write("sub/b.py", "1\n");
        repository.commit("first");
        repository.write("a.py", "2\n");
        repository.git(&["add", "a.py"]);
        repository.write("sub/b.py", "2\n");
        let mark = repository.root().join("mark");
        let program = format!("touch {}", mark.display());
        let keys = [
            "core.fsmonitor",
            "core.sshCommand",
            "core.pager",
            "core.editor",
            "core.askPass",
            "core.gitProxy",
            "core.alternateRefsCommand",
            "credential.helper",
            "diff.external",
            "diff.evil.command",
            "diff.evil.textconv",
            "filter.evil.clean",
            "filter.evil.smudge",
            "filter.evil.process",
            "gpg.program",
            "gpg.ssh.program",
            "merge.evil.driver",
            "pager.log",
            "remote.origin.uploadpack",
            "remote.origin.proxy",
            "uploadpack.packObjectsHook",
        ];
        for key in keys {
            repository.git(&["config", key, &program]);
        }
        let settings = [
            ("filter.evil.required", "true"),
            ("extensions.partialClone", "origin"),
            ("remote.origin.promisor", "true"),
            ("remote.origin.url", "ext::touch mark"),
            ("protocol.ext.allow", "always"),
            ("log.showSignature", "true"),
            ("core.hooksPath", "hooks"),
        ];
        for (key, value) in settings {
            repository.git(&["config", key, value]);
        }
        // What is missing is fetched from a promisor by git.
        let missing = repository.git(&["rev-parse", "HEAD:sub/b.py"]);
        fs::remove_file(repository.root().join(".git/objects").join(&missing[..2]).join(&missing[2..])).unwrap();
        for pipe in ["excludes", "attributes", "order", "included"] {
            let path = repository.root().join(pipe);
            assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        }
        let at = |name: &str| repository.root().join(name).display().to_string();
        let config = repository.root().join(".git/config");
        let mut text = fs::read_to_string(&config).unwrap();
        text.push_str(&format!("[core]\nexcludesFile = {}\nattributesFile = {}\n", at("excludes"), at("attributes")));
        text.push_str(&format!("[diff]\norderFile = {}\n[include]\npath = {}\n", at("order"), at("included")));
        fs::write(&config, text).unwrap();

        let before = children_waited_for();
        let root = repository.root().to_owned();
        let (differing, staged) = crate::read(repository.root(), move |repository| {
            let commit = repository.commit("HEAD")?;
            let differing = repository.differences(&commit, &root, &[], &|_| true)?;
            assert_eq!(repository.subjects(5), ["first"]);
            assert_eq!(repository.content(&commit, &root.join("sub/b.py"))?, None);
            Ok((differing.len(), repository.staged()?.len()))
        })
        .unwrap();
        assert_eq!((differing, staged), (2, 1));
        assert!(!mark.exists(), "a program was run");
        assert_eq!(children_waited_for(), before, "a process was started");
    }
}

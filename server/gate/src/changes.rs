//! Changes of files as texts before and after, wherever they come from.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use similar::{DiffOp, TextDiff};
use syntax::{TextEdit, TextRange, TextSize};

use crate::patch::{FilePatch, Kind, Line, apply};

/// Files that one change may touch; the rest is named and not looked at.
const MAX_FILES: usize = 2_000;

/// How long the lines of one file are compared; after it, the difference is right and not the shortest.
const DIFF_LIMIT: Duration = Duration::from_secs(2);

/// Two files are one that moved from this share of common lines on.
const ALIKE: f32 = 0.6;

/// Files that came and went are compared with each other up to this many pairs.
const MAX_PAIRS: usize = 400;

/// What a change does to the files of a workspace.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub files: Vec<Changed>,
    /// What keeps the change from being judged.
    pub obstacles: Vec<Obstacle>,
    /// What is no reason to refuse it and was not looked at, each with the reason.
    pub left_out: Vec<String>,
}

/// A file before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Absolute.
    pub path: PathBuf,
    /// `None` for a file that comes.
    pub before: Option<Arc<str>>,
    /// `None` for a file that goes.
    pub after: Option<Arc<str>>,
    /// Absolute: what the file was called.
    pub renamed_from: Option<PathBuf>,
}

/// Why a file of a change cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Obstacle {
    /// As the change names it.
    pub path: String,
    pub reason: String,
}

/// A file as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeFile {
    pub path: PathBuf,
    /// `None` where it is to go.
    pub text: Option<String>,
}

/// Gives the text of a file at an absolute path as it is now; `None` where there is none.
pub type TextNow<'a> = &'a dyn Fn(&Path) -> Result<Option<Arc<str>>, String>;

impl Changes {
    /// Of a patch. `folders` are those that its names may be relative to, the workspace's folder first; nothing outside of that one
    /// is judged.
    pub fn of_patch(patch: &[FilePatch], folders: &[PathBuf], now: TextNow<'_>) -> Self {
        let mut changes = Draft::new(folders, now);
        patch.iter().for_each(|file| changes.add_patch(file));
        changes.finish()
    }

    /// Of whole files.
    pub fn of_files(files: Vec<WholeFile>, folders: &[PathBuf], now: TextNow<'_>) -> Self {
        let mut changes = Draft::new(folders, now);
        for file in files {
            changes.add_whole(file);
        }
        changes.finish()
    }

    /// What is on disk, or `unsaved` in an editor, beside what was there at `revision`.
    ///
    /// # Errors
    /// When the folder `root` is in no repository of git, or has no such revision; of a shallow clone, that is said.
    pub fn since(root: &Path, revision: &str, unsaved: &[(PathBuf, Arc<str>)]) -> anyhow::Result<Self> {
        let real = root.canonicalize().with_context(|| format!("{} cannot be read", root.display()))?;
        let (named, folder) = (revision.to_owned(), real.clone());
        let read = repository::read(&real, move |repository| {
            let commit = repository.commit(&named)?;
            let on_disk = graph::discover(&folder).files;
            repository.differences(&commit, &folder, &on_disk, &|_| true)
        });
        let earlier = read.map_err(|error| of_shallow(&real, error.into()))?;
        let mut changes = Changes::default();
        for (path, before) in earlier {
            let as_named = path.strip_prefix(&real).map_or(path.clone(), |inside| root.join(inside));
            let is_unsaved = unsaved.iter().any(|(other, _)| *other == as_named);
            let after = if is_unsaved { None } else { disk::read_bytes(&path, repository::MAX_CONTENT_BYTES).ok() };
            changes.add_bytes(root, as_named, before, after);
        }
        for (path, text) in unsaved {
            changes.files.retain(|file| file.path != *path);
            let before = match workspace::revision::text_at(root, revision, path) {
                Ok(before) => before,
                // Outside of this folder.
                Err(_) => continue,
            };
            let after = Some(text.clone());
            if before != after {
                changes.files.push(Changed { path: path.clone(), before, after, renamed_from: None });
            }
        }
        changes.find_renames();
        changes.cut(root);
        Ok(changes)
    }

    /// What is staged in git, beside the last commit.
    ///
    /// # Errors
    /// When the folder `root` is in no repository of git, or it cannot be read.
    pub fn staged(root: &Path) -> anyhow::Result<Self> {
        let real = root.canonicalize().with_context(|| format!("{} cannot be read", root.display()))?;
        let staged = repository::read(&real, repository::Repository::staged)?;
        let mut changes = Changes::default();
        for file in staged {
            if file.is_in_conflict {
                let reason = "neither side of the merge was chosen yet; `git add` it when it is".to_owned();
                changes.obstacles.push(Obstacle { path: file.name, reason });
                continue;
            }
            let Ok(inside) = file.path.strip_prefix(&real) else { continue };
            let path = root.join(inside);
            if file.now.is_some() && disk::read_bytes(&file.path, repository::MAX_CONTENT_BYTES).ok() != file.now {
                changes.left_out.push(format!("{}: on disk it is not what is staged, which was judged", file.name));
            }
            let from = file.renamed_from.as_ref().and_then(|name| {
                let repository_root = file.path.ancestors().nth(Path::new(&file.name).components().count())?;
                Some(root.join(repository_root.join(name).strip_prefix(&real).ok()?))
            });
            let known = changes.files.len();
            changes.add_bytes(root, path, file.before, file.now);
            if let (Some(added), Some(from)) = (changes.files.get_mut(known), from) {
                added.renamed_from = Some(from);
            }
        }
        changes.find_renames();
        changes.cut(root);
        Ok(changes)
    }

    fn add_bytes(&mut self, root: &Path, path: PathBuf, before: Option<Vec<u8>>, after: Option<Vec<u8>>) {
        let name = shown(root, &path);
        let text = |bytes: Option<Vec<u8>>| bytes.map(syntax::decode).transpose();
        match (text(before), text(after)) {
            (Ok(None), Ok(None)) => self.left_out.push(format!("{name}: it is no regular file, or too large")),
            (Ok(before), Ok(after)) => self.files.push(Changed {
                path,
                before: before.map(Arc::from),
                after: after.map(Arc::from),
                renamed_from: None,
            }),
            (Err(error), _) | (_, Err(error)) => self.left_out.push(format!("{name}: {error}")),
        }
    }

    /// Joins files that went with files that came and are much the same.
    fn find_renames(&mut self) {
        let is_python = |file: &&Changed| graph::is_python(&file.path);
        let gone: Vec<Changed> = self.files.iter().filter(is_python).filter(|it| it.after.is_none()).cloned().collect();
        let came = self.files.iter().filter(is_python).filter(|it| it.before.is_none() && it.renamed_from.is_none());
        if gone.is_empty() || gone.len() * came.count() > MAX_PAIRS {
            return;
        }
        for gone in gone {
            let before = gone.before.clone().unwrap_or_default();
            let likeness = |file: &Changed| {
                let is_new = file.before.is_none() && graph::is_python(&file.path);
                let after = file.after.as_ref().filter(|_| is_new && !before.is_empty())?;
                let diff = TextDiff::configure().timeout(DIFF_LIMIT).diff_lines(&*before, &**after);
                Some(diff.ratio()).filter(|ratio| *ratio >= ALIKE)
            };
            let scored = self.files.iter().enumerate().filter_map(|(index, file)| Some((likeness(file)?, index)));
            let Some((_, index)) = scored.max_by(|a, b| a.0.total_cmp(&b.0)) else { continue };
            self.files[index].before = gone.before.clone();
            self.files[index].renamed_from = Some(gone.path.clone());
            self.files.retain(|file| file.path != gone.path);
        }
    }

    /// Leaves out what is too much.
    fn cut(&mut self, root: &Path) {
        if self.files.len() > MAX_FILES {
            // Python first.
            self.files.sort_by_key(|file| !graph::is_python(&file.path));
            let rest = self.files.split_off(MAX_FILES);
            let first = shown(root, &rest[0].path);
            self.left_out.push(format!("{} files beyond the first {MAX_FILES}, such as {first}", rest.len()));
        }
    }

    /// Whether there is nothing to judge.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.obstacles.is_empty()
    }
}

/// Says of a clone that has not the whole history how to get what is missing.
fn of_shallow(root: &Path, error: anyhow::Error) -> anyhow::Error {
    let is_shallow = root.ancestors().any(|folder| folder.join(".git/shallow").is_file());
    match is_shallow {
        true => error.context(
            "this clone is shallow and lacks that revision: fetch it, as `git fetch --depth=1 origin REV` does, or clone with all of the history (`fetch-depth: 0`)",
        ),
        false => error,
    }
}

/// The path inside of the folder, with forward slashes.
pub(crate) fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// Changes while they are collected: one file may come up several times.
struct Draft<'a> {
    folders: &'a [PathBuf],
    now: TextNow<'a>,
    files: BTreeMap<PathBuf, Changed>,
    obstacles: Vec<Obstacle>,
    left_out: Vec<String>,
}

impl<'a> Draft<'a> {
    fn new(folders: &'a [PathBuf], now: TextNow<'a>) -> Self {
        Draft { folders, now, files: BTreeMap::new(), obstacles: Vec::new(), left_out: Vec::new() }
    }

    fn finish(self) -> Changes {
        let files = self.files.into_values().filter(|file| file.before != file.after || file.renamed_from.is_some());
        let mut changes = Changes { files: files.collect(), obstacles: self.obstacles, left_out: self.left_out };
        changes.cut(self.folders.first().map_or(Path::new(""), |root| root));
        changes
    }

    /// The text as the files so far have left it.
    fn text(&self, path: &Path) -> Result<Option<Arc<str>>, String> {
        match self.files.get(path) {
            Some(file) => Ok(file.after.clone()),
            None => (self.now)(path),
        }
    }

    fn refuse(&mut self, name: &str, reason: impl Into<String>) {
        self.obstacles.push(Obstacle { path: name.to_owned(), reason: reason.into() });
    }

    fn add_patch(&mut self, file: &FilePatch) {
        let name = file.new.as_deref().or(file.old.as_deref()).unwrap_or_default().to_owned();
        let hunks = match &file.kind {
            Kind::Text(hunks) => hunks,
            other => {
                let what = match other {
                    Kind::Binary => "it is binary",
                    Kind::Submodule => "it is a submodule; judge the change in its own repository",
                    _ => "it is a symbolic link",
                };
                self.left_out.push(format!("{name}: {what}"));
                return;
            }
        };
        let place = |name: &Option<String>| name.as_deref().map(|name| self.place(Path::new(name))).transpose();
        let (old, new) = match (place(&file.old), place(&file.new)) {
            (Ok(old), Ok(new)) => (old, new),
            (Err(reason), _) | (_, Err(reason)) => return self.refuse(&name, reason),
        };
        let of_file = |path: &Option<PathBuf>| path.as_deref().map_or(Ok(None), |path| self.text(path));
        let (before, there) = match (of_file(&old), of_file(&new)) {
            (Ok(before), Ok(there)) => (before, there),
            (Err(reason), _) | (_, Err(reason)) => return self.refuse(&name, reason),
        };
        // What some tools write for a file that comes: hunks of added lines alone.
        let adds_only = hunks.iter().all(|hunk| hunk.lines.iter().all(|line| matches!(line, Line::Added(_))));
        if old.is_some() && before.is_none() && (hunks.is_empty() || !adds_only) {
            return self.refuse(&name, "it is not there: the patch changes a file that the workspace does not have");
        }
        if old.is_none() && there.as_deref().is_some_and(|text| !text.is_empty()) {
            return self.refuse(&name, "it is there already, and the patch makes it anew");
        }
        let after = match apply(before.as_deref().unwrap_or_default(), hunks) {
            Ok(after) => after,
            Err(reason) => return self.refuse(&name, reason),
        };
        match (old, new) {
            (Some(old), None) => self.set(old, None, None),
            (None, Some(new)) => self.set(new, Some(after.into()), None),
            (Some(old), Some(new)) if old == new => self.set(new, Some(after.into()), None),
            (Some(old), Some(new)) => {
                if there.is_some() {
                    return self.refuse(&name, "it is there already, and the patch gives another file its name");
                }
                self.set(old.clone(), None, None);
                self.set(new, Some(after.into()), Some(old));
            }
            (None, None) => self.refuse(&name, "the patch names no file"),
        }
    }

    fn add_whole(&mut self, file: WholeFile) {
        let name = file.path.display().to_string();
        let placed = self.place(&file.path).and_then(|path| Ok((self.text(&path)?, path)));
        match placed {
            Ok((None, _)) if file.text.is_none() => self.refuse(&name, "it is not there, and cannot go"),
            Ok((_, path)) => self.set(path, file.text.map(Arc::from), None),
            Err(reason) => self.refuse(&name, reason),
        }
    }

    fn set(&mut self, path: PathBuf, after: Option<Arc<str>>, from: Option<PathBuf>) {
        if let Some(file) = self.files.get_mut(&path) {
            file.after = after;
            return;
        }
        // Of what moved, the text before is that of the old name, which goes with it.
        let moved = from.and_then(|from| self.files.remove(&from));
        let (before, renamed_from) = match moved {
            Some(moved) => (moved.before, moved.renamed_from.or(Some(moved.path))),
            None => ((self.now)(&path).ok().flatten(), None),
        };
        self.files.insert(path.clone(), Changed { path, before, after, renamed_from });
    }

    /// The absolute path of what the change calls `name`: in the workspace's folder, by no way that leads out of it.
    fn place(&self, name: &Path) -> Result<PathBuf, String> {
        let root = self.folders.first().ok_or("there is no workspace")?;
        let is_plain = name.components().all(|part| {
            matches!(part, Component::Normal(_) | Component::RootDir | Component::Prefix(_) | Component::CurDir)
        });
        if !is_plain || name.as_os_str().is_empty() {
            return Err(format!("it leads out of the workspace {}", root.display()));
        }
        let clean = |path: PathBuf| path.components().collect::<PathBuf>();
        let candidates: Vec<PathBuf> = self.folders.iter().map(|folder| clean(folder.join(name))).collect();
        let is_there = |path: &&PathBuf| path.symlink_metadata().is_ok() || self.files.contains_key(*path);
        let has_folder = |path: &&PathBuf| path.parent().is_some_and(Path::is_dir);
        let chosen = candidates.iter().find(is_there).or_else(|| candidates.iter().find(has_folder));
        let path = chosen.or(candidates.first()).ok_or("there is no workspace")?;
        if !path.starts_with(root) {
            return Err(format!("it is outside of the workspace {}", root.display()));
        }
        let real_root = root.canonicalize().map_err(|error| format!("{} cannot be read: {error}", root.display()))?;
        let existing = path.ancestors().find(|it| it.symlink_metadata().is_ok()).unwrap_or(root);
        match existing.canonicalize() {
            Ok(real) if real.starts_with(&real_root) => Ok(path.clone()),
            _ => Err(format!("a symbolic link on its way leads out of the workspace {}", root.display())),
        }
    }
}

/// The edits that make `after` of `before`, by lines.
pub(crate) fn edits(before: &str, after: &str) -> Vec<TextEdit> {
    let diff = TextDiff::configure().timeout(DIFF_LIMIT).diff_lines(before, after);
    let ends = |lines: &[&str]| {
        let mut ends = vec![0u32];
        for line in lines {
            ends.push(ends[ends.len() - 1] + line.len() as u32);
        }
        ends
    };
    let (old, new) = (ends(diff.old_slices()), ends(diff.new_slices()));
    let changed = diff.ops().iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    changed
        .map(|op| {
            let (was, is) = (op.old_range(), op.new_range());
            let range = TextRange::new(TextSize::new(old[was.start]), TextSize::new(old[was.end]));
            TextEdit::replace(range, &after[new[is.start] as usize..new[is.end] as usize])
        })
        .collect()
}

/// The lines of `after` that `before` does not have, in their places; the others are empty.
pub(crate) fn added_lines(before: &str, after: &str) -> String {
    let diff = TextDiff::configure().timeout(DIFF_LIMIT).diff_lines(before, after);
    let mut text = String::new();
    for op in diff.ops() {
        let is_new = !matches!(op, DiffOp::Equal { .. });
        for line in &diff.new_slices()[op.new_range()] {
            text.push_str(if is_new { line } else { "\n" });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::parse;

    /// What becomes of files on disk with a patch: `path: before → after`, obstacles, what is left out.
    fn changed(files: &[(&str, &str)], patch: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for (name, text) in files {
            std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            std::fs::write(root.join(name), text).unwrap();
        }
        let now = |path: &Path| match path.is_file() {
            true => syntax::read_source(path).map(|text| Some(Arc::from(text))).map_err(|error| error.to_string()),
            false => Ok(None),
        };
        let folders = [root.clone()];
        let changes = Changes::of_patch(&parse(patch).unwrap(), &folders, &now);
        let root_text = root.display().to_string();
        let text = |text: &Option<Arc<str>>| format!("{:?}", text.as_deref());
        let files = changes.files.iter().map(|file| {
            let from = file.renamed_from.as_ref().map_or(String::new(), |from| format!(" from {}", shown(&root, from)));
            format!("{}{from}: {} → {}", shown(&root, &file.path), text(&file.before), text(&file.after))
        });
        let obstacles =
            changes.obstacles.iter().map(|it| format!("! {}: {}", it.path, it.reason.replace(&root_text, "ROOT")));
        files.chain(obstacles).chain(changes.left_out.iter().map(|it| format!("- {it}"))).collect()
    }

    #[test]
    fn a_patch_of_several_files() {
        let patch = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x\n+y\ndiff --git a/b.py b/b.py\ndeleted file mode 100644\n--- a/b.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\ndiff --git a/c.py b/d.py\nsimilarity index 50%\nrename from c.py\nrename to d.py\n--- a/c.py\n+++ b/d.py\n@@ -1,2 +1,2 @@\n 1\n-2\n+3\ndiff --git a/e.py b/e.py\nnew file mode 100644\n--- /dev/null\n+++ b/e.py\n@@ -0,0 +1 @@\n+e\n";
        assert_eq!(
            changed(&[("a.py", "x\n"), ("b.py", "b\n"), ("c.py", "1\n2\n")], patch),
            [
                r#"a.py: Some("x\n") → Some("y\n")"#,
                r#"b.py: Some("b\n") → None"#,
                r#"d.py from c.py: Some("1\n2\n") → Some("1\n3\n")"#,
                r#"e.py: None → Some("e\n")"#,
            ]
        );
    }

    #[test]
    fn a_file_may_come_up_twice() {
        let patch = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x\n+y\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-y\n+z\n";
        assert_eq!(changed(&[("a.py", "x\n")], patch), [r#"a.py: Some("x\n") → Some("z\n")"#]);
    }

    #[test]
    fn each_obstacle_has_a_reason() {
        let patch = |name: &str| format!("--- {name}\n+++ {name}\n@@ -1 +1 @@\n-x\n+y\n");
        assert_eq!(changed(&[], &patch("../a.py")), ["! ../a.py: it leads out of the workspace ROOT"]);
        assert_eq!(changed(&[], &patch("/etc/passwd")), ["! /etc/passwd: it is outside of the workspace ROOT"]);
        let missing = changed(&[], &patch("a.py"));
        assert_eq!(missing, ["! a.py: it is not there: the patch changes a file that the workspace does not have"]);
        let other = changed(&[("a.py", "z\n")], &patch("a.py"));
        assert!(
            other[0].starts_with("! a.py: hunk 1 does not apply: the patch has `x` at line 1 and the file has `z`"),
            "{other:?}"
        );
        let again = "--- /dev/null\n+++ b/a.py\n@@ -0,0 +1 @@\n+x\n";
        assert_eq!(changed(&[("a.py", "z\n")], again), ["! a.py: it is there already, and the patch makes it anew"]);
    }

    #[cfg(unix)]
    #[test]
    fn no_link_leads_out() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("inside");
        std::fs::create_dir(&root).unwrap();
        std::os::unix::fs::symlink(folder.path(), root.join("out")).unwrap();
        let folders = [root];
        let draft = Draft::new(&folders, &|_| Ok(None));
        let error = draft.place(Path::new("out/a.py")).unwrap_err();
        assert!(error.starts_with("a symbolic link on its way leads out"), "{error}");
        assert!(draft.place(Path::new("new/a.py")).is_ok());
    }

    #[test]
    fn edits_are_those_of_lines() {
        let (before, after) = ("a\nb\nc\n", "a\nB\nc\nd\n");
        assert_eq!(syntax::apply_edits(before, &edits(before, after)).unwrap(), after);
        assert_eq!(edits(before, after).len(), 2);
        assert_eq!(added_lines(before, after), "\nB\n\nd\n");
    }
}

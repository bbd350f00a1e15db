//! What is staged: how the index differs from the last commit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};
use gix::index::entry::{Flags, Stage};
use similar::TextDiff;

use crate::Error;
use crate::differences::Index;
use crate::open::{Repository, unreadable};

/// A file that is staged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// Below the repository's folder, with `/` between folders.
    pub name: String,
    pub path: PathBuf,
    /// What the last commit and what the index hold; `None` where it is not there, or too large to be read.
    pub before: Option<Vec<u8>>,
    pub now: Option<Vec<u8>>,
    /// The file in the last commit that holds the same and is no more.
    pub renamed_from: Option<String>,
    /// Neither side of a merge has been chosen yet.
    pub is_in_conflict: bool,
}

impl Repository {
    /// The files whose index entries differ from the last commit, sorted by name.
    ///
    /// # Errors
    /// When the index or the last commit cannot be read.
    pub fn staged(&self) -> Result<Vec<Staged>, Error> {
        let index = Index::read(self)?.0;
        let before = self.last_commit()?;
        let mut now: BTreeMap<BString, ObjectId> = BTreeMap::new();
        let mut in_conflict: BTreeSet<BString> = BTreeSet::new();
        for entry in index.entries().iter().filter(|entry| !entry.flags.contains(Flags::INTENT_TO_ADD)) {
            let name = entry.path(&index).to_owned();
            if entry.stage() == Stage::Unconflicted {
                now.insert(name, entry.id);
            } else {
                in_conflict.insert(name);
            }
        }
        let names: BTreeSet<&BString> = before.keys().chain(now.keys()).chain(&in_conflict).collect();
        let differs = |name: &&&BString| before.get(**name) != now.get(**name);
        let changed: Vec<&BString> = names.iter().filter(differs).copied().collect();
        let mut gone: BTreeMap<ObjectId, &BString> = BTreeMap::new();
        for name in changed.iter().filter(|name| !now.contains_key(**name)) {
            gone.extend(before.get(*name).map(|id| (*id, *name)));
        }
        let mut staged = Vec::new();
        let mut moved: BTreeSet<&BString> = BTreeSet::new();
        for &name in &changed {
            let from = now.get(name).filter(|_| !before.contains_key(name)).and_then(|id| gone.remove(id));
            moved.extend(from);
            let path = gix::path::from_bstr(name.as_bstr()).map_err(|error| unreadable(self.root(), error))?;
            staged.push(Staged {
                name: name.to_str_lossy().into_owned(),
                path: self.root().join(path),
                before: from.or(Some(name)).and_then(|name| before.get(name)).and_then(|id| self.blob(*id)),
                now: now.get(name).and_then(|id| self.blob(*id)),
                renamed_from: from.map(|name| name.to_str_lossy().into_owned()),
                is_in_conflict: in_conflict.contains(name),
            });
        }
        staged.retain(|file| !moved.iter().any(|name| name.to_str_lossy() == file.name));
        Ok(staged)
    }

    /// The files of the last commit; none before the first one.
    fn last_commit(&self) -> Result<BTreeMap<BString, ObjectId>, Error> {
        let unread = |error: &dyn std::fmt::Display| unreadable(self.root(), error);
        let id = self.git.head_tree_id_or_empty().map_err(|error| unread(&error))?.detach();
        if id.is_empty_tree() {
            return Ok(BTreeMap::new());
        }
        let tree = self.git.find_tree(id).map_err(|error| unread(&error))?;
        let entries = tree.traverse().breadthfirst.files().map_err(|error| unread(&error))?;
        Ok(entries.into_iter().filter(|entry| !entry.mode.is_tree()).map(|entry| (entry.filepath, entry.oid)).collect())
    }
}

impl Staged {
    /// The change as a unified diff, in the form that `git diff` gives it.
    pub fn diff(&self) -> String {
        let from = self.renamed_from.as_ref().unwrap_or(&self.name);
        let head = format!("diff --git a/{from} b/{}\n", self.name);
        if self.is_in_conflict {
            return format!("{head}* Unmerged path {}\n", self.name);
        }
        if self.renamed_from.is_some() {
            return format!("{head}rename from {from}\nrename to {}\n", self.name);
        }
        let kind = match (&self.before, &self.now) {
            (None, Some(_)) => "new file\n",
            (Some(_), None) => "deleted file\n",
            _ => "",
        };
        let (Some(before), Some(now)) = (text(self.before.as_deref()), text(self.now.as_deref())) else {
            return format!("{head}{kind}Binary files a/{from} and b/{} differ\n", self.name);
        };
        let side = |is_there: bool, side: &str| if is_there { side.to_owned() } else { "/dev/null".to_owned() };
        let old = side(self.before.is_some(), &format!("a/{from}"));
        let new = side(self.now.is_some(), &format!("b/{}", self.name));
        let diff = TextDiff::from_lines(&before, &now);
        format!("{head}{kind}{}", diff.unified_diff().header(&old, &new))
    }
}

/// The text in `bytes`, if it is one.
fn text(bytes: Option<&[u8]>) -> Option<String> {
    let bytes = bytes.unwrap_or_default();
    (!bytes.contains(&0)).then(|| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::testing::Repository;

    fn diff(repository: &Repository) -> String {
        let staged = crate::read(repository.root(), |repository| repository.staged()).unwrap();
        staged.iter().map(super::Staged::diff).collect()
    }

    #[test]
    fn what_is_staged_is_told_as_git_would() {
        let repository = Repository::new();
        let long: String = (1..=30).map(|line| format!("line {line}\n")).collect();
        for (name, text) in [("a.py", "one\ntwo\n"), ("b.py", "gone\n"), ("c.py", &long), ("d.bin", "\0")] {
            repository.write(name, text);
        }
        repository.git(&["add", "--all"]);
        assert!(diff(&repository).contains("+++ b/a.py"), "before the first commit everything is new");
        repository.commit("first");
        assert_eq!(diff(&repository), "");
        repository.write("a.py", "one\n2\n");
        repository.write("d.bin", "\0\0");
        repository.write("new/e.py", "new");
        repository.git(&["rm", "--quiet", "b.py"]);
        repository.git(&["mv", "c.py", "moved.py"]);
        repository.git(&["add", "--all"]);
        repository.write("a.py", "not staged\n");
        expect![[r"
            diff --git a/a.py b/a.py
            --- a/a.py
            +++ b/a.py
            @@ -1,2 +1,2 @@
             one
            -two
            +2
            diff --git a/b.py b/b.py
            deleted file
            --- a/b.py
            +++ /dev/null
            @@ -1 +0,0 @@
            -gone
            diff --git a/d.bin b/d.bin
            Binary files a/d.bin and b/d.bin differ
            diff --git a/c.py b/moved.py
            rename from c.py
            rename to moved.py
            diff --git a/new/e.py b/new/e.py
            new file
            --- /dev/null
            +++ b/new/e.py
            @@ -0,0 +1 @@
            +new
            \ No newline at end of file
        "]]
        .assert_eq(&diff(&repository));
    }

    #[test]
    fn conflicts_are_named() {
        let repository = Repository::new();
        repository.write("a.py", "one\n");
        repository.commit("first");
        repository.git(&["checkout", "--quiet", "-b", "other"]);
        repository.write("a.py", "theirs\n");
        repository.commit("theirs");
        repository.git(&["checkout", "--quiet", "-"]);
        repository.write("a.py", "ours\n");
        repository.commit("ours");
        repository.try_git(&["merge", "--quiet", "other"]);
        expect![[r"
            diff --git a/a.py b/a.py
            * Unmerged path a.py
        "]]
        .assert_eq(&diff(&repository));
    }
}

//! What a workspace was like at a revision of git, or when its tests last passed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use graph::Analysis;
use ide::Earlier;
use store::Green;

/// The hash of the commit that `revision` names in the repository around the folder `root`.
///
/// # Errors
/// When there is no such revision or no repository, or it cannot be read.
pub fn commit(root: &Path, revision: &str) -> anyhow::Result<String> {
    let revision = revision.to_owned();
    Ok(repository::read(root, move |repository| Ok(repository.commit(&revision)?.to_string()))?)
}

/// The Python files below the folder `root` that differ on disk from what they were at `revision`, with their texts then, by
/// path. Files that git ignores are left out.
///
/// # Errors
/// As [`commit`].
pub fn earlier(root: &Path, revision: &str) -> anyhow::Result<Vec<Earlier>> {
    earlier_with(root, revision, &[])
}

/// As [`earlier`], with the files that are `unsaved` in an editor: they may differ although they do not on disk.
///
/// # Errors
/// As [`commit`].
pub fn earlier_with(root: &Path, revision: &str, unsaved: &[PathBuf]) -> anyhow::Result<Vec<Earlier>> {
    let real = root.canonicalize().with_context(|| format!("{} cannot be read", root.display()))?;
    let unsaved: Vec<PathBuf> =
        unsaved.iter().filter_map(|path| Some(real.join(path.strip_prefix(root).ok()?))).collect();
    let (revision, folder) = (revision.to_owned(), real.clone());
    let mut earlier = repository::read(root, move |repository| {
        let commit = repository.commit(&revision)?;
        let on_disk = graph::discover(&folder).files;
        let mut found = repository.differences(&commit, &folder, &on_disk, &graph::is_python)?;
        for path in unsaved {
            if graph::is_python(&path) && !found.iter().any(|(differing, _)| *differing == path) {
                let content = repository.content(&commit, &path)?;
                found.push((path, content));
            }
        }
        Ok(found)
    })?;
    earlier.sort();
    let as_named = |path: PathBuf| path.strip_prefix(&real).map(|inside| root.join(inside)).unwrap_or(path);
    Ok(earlier.into_iter().map(|(path, content)| (as_named(path), text(content))).collect())
}

/// The state of `analysis`, as one in which all tests of the folder `root` pass.
///
/// # Errors
/// When there is no repository with a commit around `root`, or it cannot be read.
pub fn green(root: &Path, analysis: &Analysis, unsaved: &[PathBuf]) -> anyhow::Result<Green> {
    let commit = commit(root, "HEAD")?;
    let differing = earlier_with(root, &commit, unsaved)?.into_iter().map(|(path, _)| {
        let text = analysis.file(&path).map(|file| analysis.source(file).text().to_string());
        (path.strip_prefix(root).unwrap_or(&path).display().to_string(), text)
    });
    Ok(Green { commit, files: differing.collect() })
}

/// As [`earlier`], for the state in which all tests last passed.
///
/// # Errors
/// When its commit is no more, besides those of [`earlier`].
pub fn since_green(root: &Path, green: &Green, unsaved: &[PathBuf]) -> anyhow::Result<Vec<Earlier>> {
    let mut earlier = earlier_with(root, &green.commit, unsaved)?;
    earlier.retain(|(path, _)| !green.files.keys().any(|name| *path == root.join(name)));
    let others = green.files.iter().map(|(name, text)| (root.join(name), text.as_deref().map(Arc::from)));
    earlier.extend(others.filter(|(path, text)| text.is_some() || path.exists()));
    earlier.sort();
    Ok(earlier)
}

/// The text that the file at `path` had at `revision`; `None` when it was not there.
///
/// # Errors
/// As [`commit`], and when the file lies outside of the folder `root`.
pub fn text_at(root: &Path, revision: &str, path: &Path) -> anyhow::Result<Option<Arc<str>>> {
    let inside = path.strip_prefix(root).with_context(|| format!("{} is not in {}", path.display(), root.display()))?;
    let path = root.canonicalize().with_context(|| format!("{} cannot be read", root.display()))?.join(inside);
    let revision = revision.to_owned();
    let read = move |repository: &repository::Repository| repository.content(&repository.commit(&revision)?, &path);
    Ok(text(repository::read(root, read)?))
}

/// What a file held as a text; `None` when it is none.
fn text(content: Option<Vec<u8>>) -> Option<Arc<str>> {
    syntax::decode(content?).ok().map(Arc::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revision_tells_changed_files_and_their_texts() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let write = |name: &str, text: &str| std::fs::write(root.join(name), text).unwrap();
        let run = |arguments: &[&str]| {
            let author = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-C"];
            let status = std::process::Command::new("git").args(author).arg(&root).args(arguments).status().unwrap();
            assert!(status.success());
        };
        assert!(commit(&root, "HEAD").is_err());
        run(&["init", "--quiet"]);
        for name in ["a.py", "b.py", "c.py", "notes.txt"] {
            write(name, "first\n");
        }
        run(&["add", "--all"]);
        run(&["commit", "--quiet", "--message", "first"]);
        assert_eq!(earlier(&root, "HEAD").unwrap(), []);
        write("a.py", "second\n");
        std::fs::remove_file(root.join("b.py")).unwrap();
        write("d.py", "new\n");
        write("notes.txt", "second\n");
        let first = || Some(Arc::from("first\n"));
        let expected = [(root.join("a.py"), first()), (root.join("b.py"), first()), (root.join("d.py"), None)];
        assert_eq!(earlier(&root, "HEAD").unwrap(), expected);
        let unsaved = [root.join("c.py")];
        assert_eq!(earlier_with(&root, "HEAD", &unsaved).unwrap().len(), 4);
        // All tests pass. Then two files change, one of them back to what was committed, and another one goes.
        let green = Green {
            commit: commit(&root, "HEAD").unwrap(),
            files: [("a.py", Some("second\n")), ("b.py", None), ("d.py", Some("new\n"))]
                .map(|(name, text)| (name.to_owned(), text.map(str::to_owned)))
                .into(),
        };
        write("a.py", "first\n");
        write("c.py", "third\n");
        std::fs::remove_file(root.join("d.py")).unwrap();
        let text = |text: &str| Some(Arc::from(text));
        let since = since_green(&root, &green, &[]).unwrap();
        let expected = [("a.py", text("second\n")), ("c.py", text("first\n")), ("d.py", text("new\n"))];
        assert_eq!(since, expected.map(|(name, text)| (root.join(name), text)));
        write("d.py", "new\n");
        assert_eq!(text_at(&root, "HEAD", &root.join("a.py")).unwrap(), first());
        assert_eq!(text_at(&root, "HEAD", &root.join("d.py")).unwrap(), None);
        assert!(commit(&root, "elsewhere").is_err());
    }
}

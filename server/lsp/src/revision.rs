//! What a workspace was like at a revision of git, or when its tests last passed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, bail};
use graph::Analysis;
use ide::Earlier;
use store::Green;

/// The hash of the commit that `revision` names in the repository around the folder `root`.
///
/// # Errors
/// When there is no such revision, no repository, or no git.
pub fn commit(root: &Path, revision: &str) -> anyhow::Result<String> {
    if revision.starts_with('-') {
        bail!("`{revision}` is no revision");
    }
    let commit = git(root, &["rev-parse", "--verify", &format!("{revision}^{{commit}}")])
        .with_context(|| format!("`{revision}` is no revision of the repository around {}", root.display()))?;
    Ok(String::from_utf8_lossy(&commit).trim().to_owned())
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
    let commit = commit(root, revision)?;
    let listed = git(root, &["diff", "--name-only", "--no-renames", "--relative", "-z", &commit, "--", "."])?;
    let untracked = git(root, &["ls-files", "--others", "--exclude-standard", "-z", "--", "."])?;
    let names = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect::<Vec<_>>()
    };
    let mut names = [names(&listed), names(&untracked)].concat();
    names.extend(unsaved.iter().filter_map(|path| path.strip_prefix(root).ok()).map(Path::to_path_buf));
    names.retain(|name| graph::is_python(name));
    names.sort();
    names.dedup();
    Ok(names.into_iter().map(|name| (root.join(&name), text_of(root, &commit, &name))).collect())
}

/// The state of `analysis`, as one in which all tests of the folder `root` pass.
///
/// # Errors
/// When there is no repository with a commit around `root`, or no git.
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
    let commit = commit(root, revision)?;
    let inside = path.strip_prefix(root).with_context(|| format!("{} is not in {}", path.display(), root.display()))?;
    Ok(text_of(root, &commit, inside))
}

fn text_of(root: &Path, commit: &str, name: &Path) -> Option<Arc<str>> {
    let bytes = git(root, &["show", &format!("{commit}:./{}", name.display())]).ok()?;
    syntax::decode(bytes).ok().map(Arc::from)
}

pub(crate) fn git(root: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let mut git = Command::new("git");
    // Nothing is written, and no program that the repository's settings name is asked.
    git.args(["--no-optional-locks", "-c", "core.fsmonitor=false", "-C"]).arg(root).args(arguments);
    let output = git.output().context("git cannot be run")?;
    if !output.status.success() {
        bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_and_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let write = |name: &str, text: &str| std::fs::write(root.join(name), text).unwrap();
        let run = |arguments: &[&str]| git(&root, arguments).unwrap();
        assert!(commit(&root, "HEAD").is_err());
        run(&["init", "--quiet"]);
        for name in ["a.py", "b.py", "c.py", "notes.txt"] {
            write(name, "first\n");
        }
        run(&["add", "--all"]);
        run(&["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "--message", "first"]);
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

    #[test]
    fn a_revision_is_no_option() {
        assert!(earlier(Path::new("."), "--output=x").unwrap_err().to_string().contains("no revision"));
    }
}

//! What git says of an earlier state of a workspace folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, bail};

/// The Python files of the folder `root` that differ from `revision`, with the text that they had there; `None` for those that
/// were not there, git's ignored files aside.
///
/// # Errors
/// When git cannot be run, the folder is in no repository, or there is no such revision.
pub fn earlier(root: &Path, revision: &str) -> anyhow::Result<Vec<(PathBuf, Option<Arc<str>>)>> {
    if revision.starts_with('-') {
        bail!("`{revision}` is no revision");
    }
    let commit = git(root, &["rev-parse", "--verify", &format!("{revision}^{{commit}}")])
        .with_context(|| format!("`{revision}` is no revision of the repository around {}", root.display()))?;
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    let changed = git(root, &["diff", "--name-only", "--no-renames", "--relative", "-z", &commit, "--", "."])?;
    let untracked = git(root, &["ls-files", "--others", "--exclude-standard", "-z", "--", "."])?;
    let text_of = |name: &Path| {
        let shown = git(root, &["show", &format!("{commit}:./{}", name.display())]).ok()?;
        syntax::decode(shown).ok().map(Arc::from)
    };
    let changed = names(&changed).into_iter().map(|name| (root.join(&name), text_of(&name)));
    let untracked = names(&untracked).into_iter().map(|name| (root.join(name), None));
    Ok(changed.chain(untracked).collect())
}

fn names(listed: &[u8]) -> Vec<PathBuf> {
    let text = String::from_utf8_lossy(listed).into_owned();
    let names = text.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
    names.filter(|name| graph::is_python(name)).collect()
}

fn git(root: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    // A repository may name a program that watches its files; nothing of the workspace's own is run.
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(["-c", "core.fsmonitor=false"]).args(arguments);
    let output = command.output().context("git cannot be run")?;
    if !output.status.success() {
        bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_at_a_revision() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert!(earlier(root, "HEAD").is_err());
        git(root, &["init", "--quiet"]).unwrap();
        for name in ["same.py", "changed.py", "gone.py", "notes.txt"] {
            std::fs::write(root.join(name), "x = 1\n").unwrap();
        }
        git(root, &["add", "--all"]).unwrap();
        let author = ["-c", "user.name=a", "-c", "user.email=a@b.c"];
        git(root, &[&author[..], &["commit", "--quiet", "--message", "first"]].concat()).unwrap();
        assert_eq!(earlier(root, "HEAD").unwrap(), []);
        std::fs::write(root.join("changed.py"), "x = 2\n").unwrap();
        std::fs::write(root.join("notes.txt"), "x = 2\n").unwrap();
        std::fs::remove_file(root.join("gone.py")).unwrap();
        std::fs::write(root.join("new.py"), "y = 1\n").unwrap();
        let mut found = earlier(root, "HEAD").unwrap();
        found.sort();
        let before = Some(Arc::from("x = 1\n"));
        let expected = [("changed.py", before.clone()), ("gone.py", before), ("new.py", None)];
        assert_eq!(found, expected.map(|(name, text)| (root.join(name), text)));
    }

    #[test]
    fn a_revision_is_no_option() {
        assert!(earlier(Path::new("."), "--output=x").unwrap_err().to_string().contains("no revision"));
    }
}

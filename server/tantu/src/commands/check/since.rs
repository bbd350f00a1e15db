//! What a change introduced: findings that the state before it does not have.
//!
//! Findings are compared by file, definition, code and message, never by line: code that only moved has nothing new.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use graph::{Change, FileId};
use lint::Identity;

use super::Finding;
use crate::workspace::Workspace;

/// Leaves out of `findings` what the workspace had at `revision` already. `find` looks for findings.
pub(super) fn introduced(
    workspace: &mut Workspace,
    files: &[FileId],
    revision: &str,
    find: impl Fn(&Workspace, &[FileId]) -> Vec<Finding>,
) -> anyhow::Result<Vec<Finding>> {
    let now = find(workspace, files);
    let now: Vec<(Identity, Finding)> = now.into_iter().map(|it| (identity(workspace, &it), it)).collect();
    let before = before(&workspace.root, revision)?;
    workspace.host.apply(before);
    workspace.analysis = workspace.host.analysis();
    workspace.settle();
    let all: Vec<FileId> = workspace.analysis.files().collect();
    let known: Vec<Identity> = find(workspace, &all).iter().map(|it| identity(workspace, it)).collect();
    Ok(lint::introduced(known, now))
}

fn identity(workspace: &Workspace, finding: &Finding) -> Identity {
    let analysis = &workspace.analysis;
    let path = std::path::absolute(&finding.path).unwrap_or_default();
    let symbol = analysis.file(&path).map(|file| {
        let offset = analysis.source(file).offset(
            syntax::Position { line: finding.range.start.line, column: finding.range.start.character },
            syntax::Encoding::Utf16,
        );
        analysis.symbol(analysis.enclosing(file, offset)).qualified_name()
    });
    Identity::new(&finding.path, symbol, &finding.code, &finding.message)
}

/// What brings the Python files of the folder `root` back to what they were at `revision`. Files that git does not know are
/// gone.
fn before(root: &Path, revision: &str) -> anyhow::Result<Change> {
    if revision.starts_with('-') {
        bail!("`{revision}` is no revision");
    }
    let commit = git(root, &["rev-parse", "--verify", &format!("{revision}^{{commit}}")])
        .with_context(|| format!("`{revision}` is no revision of the repository around {}", root.display()))?;
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    let listed = git(root, &["diff", "--name-only", "--no-renames", "--relative", "-z", &commit, "--", "."])?;
    let untracked = git(root, &["ls-files", "--others", "--exclude-standard", "-z", "--", "."])?;
    let names = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect::<Vec<_>>()
    };
    let mut change = Change::default();
    for name in names(&listed).into_iter().filter(|name| graph::is_python(name)) {
        // What was not there at the revision is removed.
        match git(root, &["show", &format!("{commit}:./{}", name.display())]).map(syntax::decode) {
            Ok(Ok(text)) => change.set(root.join(name), text),
            _ => change.remove(root.join(name)),
        }
    }
    names(&untracked).into_iter().filter(|name| graph::is_python(name)).for_each(|it| change.remove(root.join(it)));
    Ok(change)
}

fn git(root: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output().context("git cannot be run")?;
    if !output.status.success() {
        bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes of what is new in a repository with one commit.
    fn new_codes(committed: &[(&str, &str)], now: &[(&str, Option<&str>)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let run = |arguments: &[&str]| git(&root, arguments).unwrap();
        run(&["init", "--quiet"]);
        committed.iter().for_each(|(name, text)| std::fs::write(root.join(name), text).unwrap());
        run(&["add", "--all"]);
        run(&["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "--message", "first"]);
        for (name, text) in now {
            match text {
                Some(text) => std::fs::write(root.join(name), text).unwrap(),
                None => std::fs::remove_file(root.join(name)).unwrap(),
            }
        }
        let mut workspace = Workspace::read(&root).unwrap();
        workspace.settle();
        let files: Vec<FileId> = workspace.analysis.files().collect();
        let found = introduced(&mut workspace, &files, "HEAD", super::super::findings).unwrap();
        let name = |path: &str| Path::new(path).file_name().unwrap().display().to_string();
        found.into_iter().map(|it| format!("{} {}", name(&it.path), it.code)).collect()
    }

    const MODULE: &str = "import os\n\n\ndef f(a):\n    return eval(a)\n";

    #[test]
    fn what_moved_is_not_new() {
        let moved = format!("# A comment.\n\n{MODULE}\n\ndef g(a):\n    return eval(a)\n");
        let expected = ["a.py unused", "a.py S307"];
        assert_eq!(new_codes(&[("a.py", MODULE)], &[("a.py", Some(&moved))]), expected);
        assert_eq!(new_codes(&[("a.py", MODULE)], &[]), [""; 0]);
    }

    #[test]
    fn what_a_change_breaks_elsewhere_is_new() {
        let caller = "from a import f\n\nprint(f(1))\n";
        let changed = MODULE.replace("f(a)", "f(a, b)");
        let found = new_codes(&[("a.py", MODULE), ("b.py", caller)], &[("a.py", Some(&changed))]);
        assert_eq!(found, ["b.py misfit-call"]);
        let found = new_codes(&[("a.py", MODULE), ("b.py", caller)], &[("a.py", Some("print(1)\n"))]);
        assert_eq!(found, ["b.py unresolved-import"]);
    }

    #[test]
    fn a_file_that_is_gone_has_nothing_new() {
        assert_eq!(new_codes(&[("a.py", MODULE), ("b.py", "x = 1\n")], &[("a.py", None)]), [""; 0]);
    }

    #[test]
    fn a_file_that_git_does_not_know_is_new() {
        assert_eq!(new_codes(&[("a.py", MODULE)], &[("b.py", Some("import re\n"))]), ["b.py F401"]);
    }

    #[test]
    fn a_revision_is_no_option() {
        assert!(before(Path::new("."), "--output=x").unwrap_err().to_string().contains("no revision"));
    }
}

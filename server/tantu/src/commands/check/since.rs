//! What a change introduced: findings that the state before it does not have.
//!
//! Findings are compared by file, definition, code and message, never by line: code that only moved has nothing new.

use ::workspace::revision;
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
    let mut before = Change::default();
    for (path, text) in revision::earlier(&workspace.root, revision)? {
        // What was not there at the revision is removed.
        match text {
            Some(text) => before.set(path, text),
            None => before.remove(path),
        }
    }
    workspace.host.apply(before);
    workspace.analysis = workspace.host.analysis();
    workspace.apply_flow();
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    /// The codes of what is new in a repository with one commit.
    fn new_codes(committed: &[(&str, &str)], now: &[(&str, Option<&str>)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let run = |arguments: &[&str]| {
            let status = Command::new("git").arg("-C").arg(&root).args(arguments).status().unwrap();
            assert!(status.success());
        };
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
        assert_eq!(found, ["b.py incompatible-call"]);
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
}

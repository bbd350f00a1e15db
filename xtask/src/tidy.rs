//! The rules of the house that no compiler checks. Each broken one is a line `path:line: what, remedy`.

use std::fmt;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::process;

mod arrows;
mod links;
mod sources;
mod words;

/// One broken rule.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    /// Relative to the repository's root, with forward slashes.
    path: String,
    /// Counted from 1.
    line: usize,
    what: String,
    remedy: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}, {}", self.path, self.line, self.what, self.remedy)
    }
}

/// Checks all files that git tracks or would track.
///
/// # Errors
/// When a rule is broken (each place is printed first), and when git, cargo or a file cannot be read.
pub fn run() -> Result<()> {
    let mut violations = arrows::check(&process::metadata()?, read)?;
    let files = files()?;
    let known = files.iter().map(String::as_str).collect();
    for path in &files {
        let bytes = fs::read(process::root().join(path)).with_context(|| format!("cannot read {path}"))?;
        // Rules about text say nothing about images, nor about the fixtures that are deliberately not UTF-8.
        let Ok(text) = String::from_utf8(bytes) else { continue };
        violations.extend(sources::check(path, &text));
        violations.extend(words::check(path, &text));
        violations.extend(links::check(path, &text, &known, |other| read(other).ok()));
    }
    violations.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => {
            println!("tidy: {} files, nothing to mend", files.len());
            Ok(())
        }
        count => bail!("tidy: {count} to mend, listed above"),
    }
}

/// Paths relative to the root: new files count before they are added, deleted ones no longer.
fn files() -> Result<Vec<String>> {
    let listed = process::output(process::program("git").args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--deduplicate",
    ]))
    .context("tidy reads the list of files from git")?;
    let paths = listed.split('\0').filter(|path| !path.is_empty());
    Ok(paths.filter(|path| process::root().join(path).is_file()).map(str::to_owned).collect())
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(process::root().join(path)).with_context(|| format!("cannot read {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_is_one_line() {
        let violation = Violation {
            path: "server/graph/Cargo.toml".into(),
            line: 12,
            what: "graph must not depend on lsp".into(),
            remedy: "turn the arrow round".into(),
        };
        assert_eq!(
            violation.to_string(),
            "server/graph/Cargo.toml:12: graph must not depend on lsp, turn the arrow round"
        );
    }

    #[test]
    fn sees_files_before_they_are_added() {
        assert!(files().unwrap().contains(&"xtask/src/tidy.rs".to_owned()));
    }
}

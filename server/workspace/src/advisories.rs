//! Known vulnerabilities of what a workspace pins, from a folder of advisories that the user keeps.

use std::path::{Path, PathBuf};

use lint::Advisories;

use crate::config_findings::FoundIn;

/// Files in a workspace's folder that pin versions.
pub const PIN_FILES: [&str; 7] = [
    "requirements.txt",
    "requirements-dev.txt",
    "pyproject.toml",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "Pipfile.lock",
];

/// Files of requirements can name others; nobody has more.
const MAX_FILES: usize = 64;

/// What `advisories` say of the versions that the folder `root` pins. Files that a requirement file names are followed as
/// long as they are in the folder.
pub fn vulnerable(root: &Path, advisories: &Advisories) -> Vec<FoundIn> {
    let mut found = Vec::new();
    let mut pending: Vec<PathBuf> = PIN_FILES.iter().rev().map(|name| root.join(name)).collect();
    let mut seen: Vec<PathBuf> = Vec::new();
    while let Some(path) = pending.pop() {
        let Ok(path) = path.canonicalize() else { continue };
        if seen.contains(&path) || seen.len() == MAX_FILES {
            continue;
        }
        seen.push(path.clone());
        let Ok(text) = syntax::read_source(&path) else { continue };
        if path.extension().is_some_and(|it| it == "txt") {
            let folder = path.parent().unwrap_or(root);
            let named = lint::includes(&text).into_iter().map(|it| folder.join(it.path));
            pending.extend(named.filter(|path| is_inside(path, root)));
        }
        let findings = advisories.findings(&lint::pins(&path.to_string_lossy(), &text));
        if !findings.is_empty() {
            found.push(FoundIn { path, text, findings });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn is_inside(path: &Path, root: &Path) -> bool {
    let (Ok(path), Ok(root)) = (path.canonicalize(), root.canonicalize()) else { return false };
    path.starts_with(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADVISORY: &str = r#"{
        "id": "PYSEC-1-1", "summary": "A hole.",
        "affected": [{
            "package": { "ecosystem": "PyPI", "name": "holey" },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "2.0" }] }]
        }]
    }"#;

    #[test]
    fn files_that_are_named_are_followed_within_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("project");
        std::fs::create_dir_all(root.join("requirements")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(root.join(name), text).unwrap();
        write("requirements.txt", "-r requirements/base.txt\n-r ../outside.txt\n-r requirements.txt\nsound==1.0\n");
        write("requirements/base.txt", "holey==1.5\n");
        write("../outside.txt", "holey==1.0\n");
        let mut advisories = Advisories::default();
        advisories.add(ADVISORY).unwrap();
        let found = vulnerable(&root, &advisories);
        let shown: Vec<_> = found.iter().map(|it| (it.path.file_name().unwrap(), it.findings.len())).collect();
        assert_eq!(shown, [("base.txt".as_ref(), 1)]);
        assert!(found[0].findings[0].message.contains("PYSEC-1-1"), "{}", found[0].findings[0].message);
    }
}

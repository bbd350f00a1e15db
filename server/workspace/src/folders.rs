//! Which folder is the workspace where no editor says so. Nobody else decides.

use std::path::{Path, PathBuf};

/// What marks the folder of a project.
const MARKERS: [&str; 5] = ["pyproject.toml", "tantu.toml", "setup.py", "setup.cfg", ".git"];

/// A folder that was taken for the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    pub folder: PathBuf,
    /// Nothing says that it is one: it is what lies around the package.
    pub is_guess: bool,
}

/// The workspace around the absolute `path` where no editor says what is open: the nearest folder at or above it with a file
/// that marks a project; else the folder around the topmost package that `path` lies in.
pub fn around(path: &Path) -> Root {
    let own = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let is_marked = |folder: &&Path| MARKERS.iter().any(|name| folder.join(name).exists());
    if let Some(folder) = own.ancestors().find(is_marked) {
        return Root { folder: folder.to_path_buf(), is_guess: false };
    }
    // A folder of a package may have no `__init__.py` of its own.
    let is_inside = |folder: &&Path| is_package(folder) || folder.parent().is_some_and(is_package);
    let package = own.ancestors().take_while(is_inside).filter(|folder| is_package(folder)).last();
    let folder = package.and_then(Path::parent).unwrap_or(own);
    Root { folder: folder.to_path_buf(), is_guess: true }
}

fn is_package(folder: &Path) -> bool {
    folder.join("__init__.py").exists() || folder.join("__init__.pyi").exists()
}

/// The innermost folder that holds the workspaces around all of `paths`; the last resort is the folder of the first.
pub fn around_all(paths: &[PathBuf]) -> Option<Root> {
    let mut all = paths.iter().map(|path| around(path));
    let first = all.next()?;
    Some(all.fold(first, |one, other| {
        // The file system's root is above everything.
        let common = one.folder.ancestors().find(|above| other.folder.starts_with(above)).unwrap_or(&one.folder);
        Root { folder: common.to_path_buf(), is_guess: one.is_guess || other.is_guess }
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_nearest_marker_decides_and_else_the_package() {
        let temporary = tempfile::tempdir().unwrap();
        let top = temporary.path().canonicalize().unwrap();
        for path in [
            "a/shop/deep/__init__.py",
            "a/shop/deep/er/__init__.py",
            "a/shop/deep/er/x.py",
            "a/shop/deep/bare/y.py",
            "b/one.py",
        ] {
            fs::create_dir_all(top.join(path).parent().unwrap()).unwrap();
            fs::write(top.join(path), "").unwrap();
        }
        let guess = |folder: &str| Root { folder: top.join(folder), is_guess: true };
        assert_eq!(around(&top.join("a/shop/deep/er/x.py")), guess("a/shop"));
        assert_eq!(around(&top.join("a/shop/deep")), guess("a/shop"));
        assert_eq!(around(&top.join("a/shop/deep/bare/y.py")), guess("a/shop"));
        assert_eq!(around(&top.join("b/one.py")), guess("b"));
        fs::write(top.join("a/setup.cfg"), "").unwrap();
        let marked = Root { folder: top.join("a"), is_guess: false };
        assert_eq!(around(&top.join("a/shop/deep/er/x.py")), marked);
        let all = around_all(&[top.join("a/shop/deep"), top.join("b/one.py")]).unwrap();
        assert_eq!(all, guess(""));
        assert_eq!(around_all(&[]), None);
    }
}

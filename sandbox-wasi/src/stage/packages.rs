//! Third-party packages: those of the workspace's own virtual environment that the code turns out to need.
//!
//! Environments are large and most of what is in them is never imported. So the guest says what it misses, that is
//! copied, and the run begins again. What is compiled cannot run in the guest; it is staged as an empty file, by which
//! the guest can tell it from what is absent.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::walk::Tree;
use super::{copy, remove_dir};

const COMPILED: [&str; 3] = ["dylib", "pyd", "so"];

/// The staged packages of one workspace.
pub(super) struct Packages {
    /// The environment's `site-packages`, if the workspace has one.
    from: Option<PathBuf>,
    to: PathBuf,
}

impl Packages {
    /// Those of the environment in the folder `root`, staged in the directory `to`. Forgets what was staged of another
    /// environment, or before something was installed in this one.
    pub(super) fn open(root: &Path, to: PathBuf) -> io::Result<Self> {
        let from = site_packages(root);
        let state = match &from {
            Some(from) => format!("{} {:?}", from.display(), fs::metadata(from)?.modified()?),
            None => String::new(),
        };
        let state_file = to.with_extension("state");
        if !to.is_dir() || fs::read_to_string(&state_file).ok().as_ref() != Some(&state) {
            remove_dir(&to)?;
            fs::create_dir_all(&to)?;
            fs::write(state_file, state)?;
        }
        Ok(Self { from, to })
    }

    /// Stages the packages with these names, of modules or distributions. Returns whether there was any.
    pub(super) fn add(&self, names: &BTreeSet<String>) -> io::Result<bool> {
        let Some(from) = &self.from else { return Ok(false) };
        let mut is_any = false;
        for entry in fs::read_dir(from)? {
            let entry = entry?.file_name();
            let Some(entry) = entry.to_str() else { continue };
            let to = self.to.join(entry);
            if names.iter().any(|name| belongs(entry, name)) && !to.exists() {
                is_any |= stage(&from.join(entry), &to, &self.to.with_extension("partial"))?;
            }
        }
        Ok(is_any)
    }
}

/// Copies a module or a package, unless it is too large, by way of `partial`. Returns whether it did.
fn stage(from: &Path, to: &Path, partial: &Path) -> io::Result<bool> {
    if from.is_file() {
        fs::copy(from, partial)?;
        fs::rename(partial, to)?;
        return Ok(true);
    }
    let Ok(tree) = Tree::read(&from.canonicalize()?) else { return Ok(false) };
    remove_dir(partial)?;
    fs::create_dir_all(partial)?;
    for folder in &tree.folders {
        fs::create_dir_all(partial.join(folder))?;
    }
    for (path, source) in &tree.files {
        let is_compiled = path.extension().is_some_and(|suffix| COMPILED.iter().any(|it| suffix == *it));
        if is_compiled {
            File::create(partial.join(path))?;
        } else {
            copy(source, &partial.join(path))?;
        }
    }
    fs::rename(partial, to)?;
    Ok(true)
}

/// Whether an entry of `site-packages` is the module, the package or the metadata of the distribution `name`.
fn belongs(entry: &str, name: &str) -> bool {
    let normal = |name: &str| name.to_lowercase().replace(['-', '.'], "_");
    match entry.strip_suffix(".dist-info") {
        Some(distribution) => {
            distribution.split_once('-').is_some_and(|(distribution, _)| normal(distribution) == normal(name))
        }
        None => entry == name || entry.strip_suffix(".py") == Some(name),
    }
}

/// Of the first virtual environment, by name, that lies in the folder.
fn site_packages(root: &Path) -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(root).ok()?.flatten().map(|entry| entry.path()).collect();
    folders.retain(|folder| folder.join("pyvenv.cfg").is_file());
    folders.sort();
    let libraries = folders.iter().flat_map(|folder| {
        let versions = fs::read_dir(folder.join("lib")).into_iter().flatten().flatten().map(|entry| entry.path());
        versions.chain([folder.join("Lib")]).collect::<Vec<_>>()
    });
    libraries.map(|library| library.join("site-packages")).find(|path| path.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    /// A workspace with an environment.
    fn workspace(files: &[&str]) -> (TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let site = root.path().join(".venv/lib/python3.14/site-packages");
        for file in files {
            let path = site.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        fs::write(root.path().join(".venv/pyvenv.cfg"), "").unwrap();
        (root, site)
    }

    fn staged(packages: &Packages) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&packages.to)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_needed_is_staged_with_its_metadata() {
        let (root, _) = workspace(&[
            "flask/__init__.py",
            "flask/sub/app.py",
            "flask/_speed.cpython-314.so",
            "Flask-3.0.dist-info/METADATA",
            "flask_login/__init__.py",
            "six.py",
            "typing_extensions.py",
            "typing_extensions-4.0.dist-info/METADATA",
        ]);
        let cache = tempfile::tempdir().unwrap();
        let packages = Packages::open(root.path(), cache.path().join("site")).unwrap();
        assert!(packages.add(&names(&["flask", "absent"])).unwrap());
        assert_eq!(staged(&packages), ["Flask-3.0.dist-info", "flask"]);
        assert_eq!(fs::read_to_string(packages.to.join("flask/sub/app.py")).unwrap(), "flask/sub/app.py");
        assert_eq!(fs::metadata(packages.to.join("flask/_speed.cpython-314.so")).unwrap().len(), 0);
        assert!(!packages.add(&names(&["flask", "absent", "..", "", "flask/sub"])).unwrap());
        assert!(packages.add(&names(&["six", "typing-extensions"])).unwrap());
        let all = ["Flask-3.0.dist-info", "flask", "six.py", "typing_extensions-4.0.dist-info"];
        assert_eq!(staged(&packages), all);
        assert_eq!(staged(&Packages::open(root.path(), packages.to).unwrap()), all);
    }

    #[test]
    fn an_installation_is_noticed() {
        let (root, site) = workspace(&["six.py"]);
        let cache = tempfile::tempdir().unwrap();
        let open = || Packages::open(root.path(), cache.path().join("site")).unwrap();
        assert!(open().add(&names(&["six"])).unwrap());
        // What `pip install --upgrade` does.
        fs::remove_file(site.join("six.py")).unwrap();
        fs::write(site.join("six.py"), "newer").unwrap();
        let packages = open();
        assert_eq!(staged(&packages), [""; 0]);
        packages.add(&names(&["six"])).unwrap();
        assert_eq!(fs::read_to_string(packages.to.join("six.py")).unwrap(), "newer");
    }

    #[test]
    fn a_workspace_without_an_environment_has_no_packages() {
        let root = tempfile::tempdir().unwrap();
        let cache = tempfile::tempdir().unwrap();
        let packages = Packages::open(root.path(), cache.path().join("site")).unwrap();
        assert!(!packages.add(&names(&["six"])).unwrap());
        assert_eq!(staged(&packages), [""; 0]);
    }
}

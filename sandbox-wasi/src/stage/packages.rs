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

const DIST_INFO: &str = ".dist-info";
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

    /// Stages the packages with these names, of modules or distributions, and what pure Python they require. Returns
    /// whether there was any.
    pub(super) fn add(&self, names: &BTreeSet<String>) -> io::Result<bool> {
        let Some(from) = self.from.as_ref().filter(|_| !names.is_empty()) else { return Ok(false) };
        let entries: Vec<String> =
            fs::read_dir(from)?.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        let mut pending: Vec<(String, Kind)> = names.iter().map(|name| (normal(name), Kind::Any)).collect();
        let mut seen = BTreeSet::new();
        let mut is_any = false;
        while let Some((name, kind)) = pending.pop() {
            for entry in entries.iter().filter(|entry| belongs(entry, &name)) {
                let (from, to) = (from.join(entry), self.to.join(entry));
                if entry.ends_with(DIST_INFO) && seen.insert(name.clone()) {
                    pending.extend(requirements(&from).into_iter().map(|name| (name, Kind::Pure)));
                }
                if !to.exists() {
                    is_any |= stage(&from, kind, &to, &self.to.with_extension("partial"))?;
                }
            }
        }
        Ok(is_any)
    }
}

/// Which packages to stage. Most of a compiled one is of no use, so it must have been asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Any,
    Pure,
}

/// Copies a module or a package, unless it is too large or of the wrong kind, by way of `partial`. Returns whether it did.
fn stage(from: &Path, kind: Kind, to: &Path, partial: &Path) -> io::Result<bool> {
    if from.is_file() {
        fs::copy(from, partial)?;
        fs::rename(partial, to)?;
        return Ok(true);
    }
    let Ok(tree) = Tree::read(&from.canonicalize()?) else { return Ok(false) };
    if kind == Kind::Pure && tree.files.keys().any(|path| is_compiled(path)) {
        return Ok(false);
    }
    remove_dir(partial)?;
    fs::create_dir_all(partial)?;
    for folder in &tree.folders {
        fs::create_dir_all(partial.join(folder))?;
    }
    for (path, source) in &tree.files {
        if is_compiled(path) {
            File::create(partial.join(path))?;
        } else {
            copy(source, &partial.join(path))?;
        }
    }
    fs::rename(partial, to)?;
    Ok(true)
}

fn is_compiled(path: &Path) -> bool {
    path.extension().is_some_and(|suffix| COMPILED.iter().any(|it| suffix == *it))
}

/// Whether an entry of `site-packages` is the module, the package or the metadata of the distribution `name`.
fn belongs(entry: &str, name: &str) -> bool {
    let stem = match entry.strip_suffix(DIST_INFO) {
        Some(distribution) => distribution.split_once('-').map_or(distribution, |(name, _)| name),
        None => entry.strip_suffix(".py").unwrap_or(entry),
    };
    normal(stem) == name
}

/// Distributions and, by convention, the packages in them go by the same name in different spellings.
fn normal(name: &str) -> String {
    name.to_lowercase().replace(['-', '.'], "_")
}

/// The distributions that another one requires without its optional extras.
fn requirements(dist_info: &Path) -> Vec<String> {
    let metadata = fs::read_to_string(dist_info.join("METADATA")).unwrap_or_default();
    let lines = metadata.lines().filter_map(|line| line.strip_prefix("Requires-Dist: "));
    let is_part = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let required = lines.filter(|line| !line.contains("extra =="));
    required.map(|line| normal(line.split(|c| !is_part(c)).next().unwrap_or_default())).collect()
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
        let all = ["Flask-3.0.dist-info", "flask", "six.py", "typing_extensions-4.0.dist-info", "typing_extensions.py"];
        assert_eq!(staged(&packages), all);
        assert_eq!(staged(&Packages::open(root.path(), packages.to).unwrap()), all);
    }

    #[test]
    fn pure_requirements_come_along() {
        let (root, site) =
            workspace(&["app/__init__.py", "jinja2/__init__.py", "markup/a.py", "markup/b.so", "docs/c.py"]);
        let metadata = |name: &str, lines: &str| {
            let path = site.join(format!("{name}-1.0.dist-info/METADATA"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, lines).unwrap();
        };
        metadata(
            "app",
            "Name: app\nRequires-Dist: Jinja2>=3.0 ; python_version > '3'\nRequires-Dist: docs ; extra == 'docs'\n",
        );
        metadata("jinja2", "Name: Jinja2\nRequires-Dist: markup\nRequires-Dist: app\n");
        metadata("markup", "Name: markup\n");
        let cache = tempfile::tempdir().unwrap();
        let packages = Packages::open(root.path(), cache.path().join("site")).unwrap();
        assert!(packages.add(&names(&["app"])).unwrap());
        let infos = ["app-1.0.dist-info", "jinja2-1.0.dist-info", "markup-1.0.dist-info"];
        assert_eq!(staged(&packages), ["app", infos[0], "jinja2", infos[1], infos[2]]);
        assert!(packages.add(&names(&["markup"])).unwrap());
        assert!(!packages.add(&names(&["app", "markup"])).unwrap());
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

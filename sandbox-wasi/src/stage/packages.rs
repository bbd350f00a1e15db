//! Third-party packages: those of the project's environment that the code needs.
//!
//! Environments are large and most of what is in them is never imported. So what the caller knows to be needed is copied
//! before a run, and the rest when the guest imports it. What is compiled cannot run in the guest; it is staged as an empty file, by which
//! the guest can tell it from what is absent.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::copy;
use super::walk::{self, Source, Tree};
use crate::remove::remove;

const DIST_INFO: &str = ".dist-info";
const COMPILED: [&str; 3] = ["dylib", "pyd", "so"];
/// What folders with packages are called.
const SITES: [&str; 2] = ["dist-packages", "site-packages"];
/// The most that is read of a distribution's metadata.
const MAX_METADATA: u64 = 1 << 20;

/// The packages of one environment, and which of them are staged.
pub(crate) struct Packages {
    /// The `site-packages` folders, in the order in which an interpreter looks into them.
    from: Vec<PathBuf>,
    /// What is in them: folder and name. Read when it is needed.
    entries: OnceCell<Vec<(PathBuf, String)>>,
    to: PathBuf,
}

impl Packages {
    /// Those in the folders `site`, staged in the directory `to`. Forgets what was staged of another environment, or before
    /// something was installed in this one.
    pub(super) fn open(site: &[PathBuf], to: PathBuf) -> io::Result<Self> {
        // What is not there has no packages, and what a link makes of a home is none of it.
        let is_site = |folder: &PathBuf| {
            folder.file_name().is_some_and(|name| SITES.iter().any(|site| name == *site))
                && !folder.iter().any(walk::is_skipped)
        };
        let from: Vec<PathBuf> = site.iter().filter_map(|folder| folder.canonicalize().ok()).filter(is_site).collect();
        let mut state = String::new();
        for folder in &from {
            // Writing to a string cannot fail.
            let _ = writeln!(state, "{} {:?}", folder.display(), fs::metadata(folder)?.modified()?);
        }
        let state_file = to.with_extension("state");
        fs::create_dir_all(&to)?;
        if fs::read_to_string(&state_file).ok().as_ref() != Some(&state) {
            // Not the directory itself, which an instance may have open.
            for entry in fs::read_dir(&to)? {
                remove(&entry?.path())?;
            }
            remove(&to.with_extension("plugins"))?;
            fs::write(state_file, state)?;
        }
        Ok(Self { from, entries: OnceCell::new(), to })
    }

    fn entries(&self) -> &[(PathBuf, String)] {
        self.entries.get_or_init(|| {
            let list = |folder: &PathBuf| {
                let entries = fs::read_dir(folder).into_iter().flatten().flatten();
                let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
                names.map(|name| (folder.clone(), name)).collect::<Vec<_>>()
            };
            self.from.iter().flat_map(list).collect()
        })
    }

    /// The distributions that extend pytest, and pytest: what a run of tests loads without importing it by a name. They are
    /// looked for once.
    pub(crate) fn plugins(&self) -> io::Result<BTreeSet<String>> {
        let list = self.to.with_extension("plugins");
        if let Ok(known) = fs::read_to_string(&list) {
            return Ok(known.lines().map(str::to_owned).collect());
        }
        let mut found = BTreeSet::new();
        for (folder, entry) in self.entries() {
            let Some(name) = entry.strip_suffix(DIST_INFO).and_then(|it| it.split('-').next()) else { continue };
            if normal(name) == "pytest" {
                found.extend(["pytest", "_pytest", "iniconfig", "pluggy"].map(str::to_owned));
            } else if metadata(&folder.join(entry), "entry_points.txt").lines().any(|it| it.trim() == "[pytest11]") {
                found.insert(normal(name));
            }
        }
        fs::write(list, found.iter().map(|name| format!("{name}\n")).collect::<String>())?;
        Ok(found)
    }

    /// Stages the packages with these names, of modules or distributions, and what pure Python they require. Returns
    /// whether there was any.
    pub(crate) fn add(&self, names: &BTreeSet<String>) -> io::Result<bool> {
        let mut pending: Vec<(String, Kind)> = names.iter().map(|name| (normal(name), Kind::Any)).collect();
        let mut seen = BTreeSet::new();
        let mut is_any = false;
        while let Some((name, kind)) = pending.pop() {
            for (folder, entry) in self.entries().iter().filter(|(_, entry)| belongs(entry, &name)) {
                let (from, to) = (folder.join(entry), self.to.join(entry));
                // A link may lead anywhere; what it leads to may be no file.
                let Some(from) = from.canonicalize().ok().filter(|from| from.starts_with(folder)) else { continue };
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
        let is_module = from.extension().is_some_and(|suffix| suffix == "py") || is_compiled(from);
        let metadata = from.metadata()?;
        if !is_module || metadata.len() > walk::MAX_FILE {
            return Ok(false);
        }
        copy(&Source { path: from.to_owned(), bytes: metadata.len(), modified: metadata.modified()? }, partial)?;
        fs::rename(partial, to)?;
        return Ok(true);
    }
    if !from.is_dir() || from.file_name().is_none_or(walk::is_skipped) {
        return Ok(false); // a FIFO, say
    }
    let Ok(tree) = Tree::read(from) else { return Ok(false) };
    if kind == Kind::Pure && tree.files.keys().any(|path| is_compiled(path)) {
        return Ok(false);
    }
    remove(partial)?;
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

/// The beginning of a file of a distribution's metadata; what is no text is empty.
fn metadata(dist_info: &Path, name: &str) -> String {
    let path = dist_info.join(name);
    // A link may lead anywhere.
    let is_file = path.symlink_metadata().is_ok_and(|it| it.is_file());
    let bytes = if is_file { disk::read_beginning(&path, MAX_METADATA).unwrap_or_default() } else { Vec::new() };
    String::from_utf8(bytes).unwrap_or_default()
}

/// The distributions that another one requires without its optional extras.
fn requirements(dist_info: &Path) -> Vec<String> {
    let metadata = metadata(dist_info, "METADATA");
    let lines = metadata.lines().filter_map(|line| line.strip_prefix("Requires-Dist: "));
    let is_part = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let required = lines.filter(|line| !line.contains("extra =="));
    required.map(|line| normal(line.split(|c| !is_part(c)).next().unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    /// An environment, in a folder that is removed with the first value.
    fn workspace(files: &[&str]) -> (TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let site = root.path().join(".venv/lib/python3.14/site-packages");
        for file in files {
            let path = site.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
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
        let (_root, site) = workspace(&[
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
        let packages = Packages::open(std::slice::from_ref(&site), cache.path().join("site")).unwrap();
        assert!(packages.add(&names(&["flask", "absent"])).unwrap());
        assert_eq!(staged(&packages), ["Flask-3.0.dist-info", "flask"]);
        assert_eq!(fs::read_to_string(packages.to.join("flask/sub/app.py")).unwrap(), "flask/sub/app.py");
        assert_eq!(fs::metadata(packages.to.join("flask/_speed.cpython-314.so")).unwrap().len(), 0);
        assert!(!packages.add(&names(&["flask", "absent", "..", "", "flask/sub"])).unwrap());
        assert!(packages.add(&names(&["six", "typing-extensions"])).unwrap());
        let all = ["Flask-3.0.dist-info", "flask", "six.py", "typing_extensions-4.0.dist-info", "typing_extensions.py"];
        assert_eq!(staged(&packages), all);
        assert_eq!(staged(&Packages::open(std::slice::from_ref(&site), packages.to).unwrap()), all);
    }

    #[test]
    fn pure_requirements_come_along() {
        let (_root, site) =
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
        let packages = Packages::open(std::slice::from_ref(&site), cache.path().join("site")).unwrap();
        assert!(packages.add(&names(&["app"])).unwrap());
        let infos = ["app-1.0.dist-info", "jinja2-1.0.dist-info", "markup-1.0.dist-info"];
        assert_eq!(staged(&packages), ["app", infos[0], "jinja2", infos[1], infos[2]]);
        assert!(packages.add(&names(&["markup"])).unwrap());
        assert!(!packages.add(&names(&["app", "markup"])).unwrap());
    }

    #[test]
    fn what_extends_pytest_is_known_without_being_imported() {
        let (_root, site) =
            workspace(&["pytest/__init__.py", "pytest-9.0.dist-info/METADATA", "plain-1.dist-info/METADATA"]);
        let plugin = site.join("pytest_shop-1.0.dist-info");
        fs::create_dir(&plugin).unwrap();
        fs::write(plugin.join("entry_points.txt"), "[console_scripts]\na = b\n[pytest11]\nshop = pytest_shop\n")
            .unwrap();
        let cache = tempfile::tempdir().unwrap();
        let open = || Packages::open(std::slice::from_ref(&site), cache.path().join("site")).unwrap();
        let all = ["_pytest", "iniconfig", "pluggy", "pytest", "pytest_shop"];
        assert_eq!(open().plugins().unwrap(), names(&all));
        fs::remove_dir_all(&plugin).unwrap();
        assert_eq!(open().plugins().unwrap(), names(&all[..4]));
    }

    #[test]
    fn an_installation_is_noticed() {
        let (_root, site) = workspace(&["six.py"]);
        let cache = tempfile::tempdir().unwrap();
        let open = || Packages::open(std::slice::from_ref(&site), cache.path().join("site")).unwrap();
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
    fn another_environment_replaces_what_was_staged() {
        let (_one, first) = workspace(&["six.py", "attr.py"]);
        let (other, second) = workspace(&["six.py"]);
        fs::write(second.join("six.py"), "chosen").unwrap();
        let cache = tempfile::tempdir().unwrap();
        let to = cache.path().join("site");
        let packages = Packages::open(&[first], to.clone()).unwrap();
        assert!(packages.add(&names(&["six", "attr"])).unwrap());
        assert_eq!(staged(&packages), ["attr.py", "six.py"]);
        let packages = Packages::open(&[other.path().join("gone"), second], to.clone()).unwrap();
        assert_eq!(staged(&packages), [""; 0]);
        assert!(packages.add(&names(&["six", "attr"])).unwrap());
        assert_eq!(fs::read_to_string(to.join("six.py")).unwrap(), "chosen");
        assert_eq!(staged(&packages), ["six.py"]);
        assert_eq!(staged(&Packages::open(&[], to).unwrap()), [""; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn links_out_of_the_environment_are_not_followed() {
        let (root, site) = workspace(&["real.py"]);
        fs::write(root.path().join("secret.py"), "secret").unwrap();
        for (to, name) in [("../../../../secret.py", "one.py"), ("../../../../", "two"), ("real.py", "three.py")] {
            std::os::unix::fs::symlink(to, site.join(name)).unwrap();
        }
        let fifo = site.join("four.py");
        assert!(std::process::Command::new("mkfifo").arg(fifo).status().unwrap().success());
        let cache = tempfile::tempdir().unwrap();
        let packages = Packages::open(std::slice::from_ref(&site), cache.path().join("site")).unwrap();
        assert!(packages.add(&names(&["one", "two", "three", "four"])).unwrap());
        assert_eq!(staged(&packages), ["three.py"]);
    }

    #[cfg(unix)]
    #[test]
    fn secrets_are_no_packages() {
        let (root, site) = workspace(&["real/__init__.py", "real/.ssh/id_rsa", "real/id_rsa", ".ssh/id_rsa", "id_rsa"]);
        fs::write(site.join("real/data.pem"), "").unwrap();
        let cache = tempfile::tempdir().unwrap();
        let open = |site: &Path| Packages::open(&[site.to_owned()], cache.path().join("site")).unwrap();
        let packages = open(&site);
        assert!(packages.add(&names(&["real", ".ssh", "_ssh", "id_rsa", "id-rsa"])).unwrap());
        assert_eq!(staged(&packages), ["real"]);
        let mut inside: Vec<_> =
            fs::read_dir(packages.to.join("real")).unwrap().map(|it| it.unwrap().file_name()).collect();
        inside.sort();
        assert_eq!(inside, ["__init__.py", "data.pem"]);
        // A home by the name of an environment's folder.
        let home = root.path().join("home");
        fs::create_dir(&home).unwrap();
        fs::write(home.join("token.py"), "secret").unwrap();
        fs::remove_dir_all(&site).unwrap();
        std::os::unix::fs::symlink(&home, &site).unwrap();
        for site in [&site, &home] {
            let packages = open(site);
            assert!(!packages.add(&names(&["token"])).unwrap());
            assert_eq!(staged(&packages), [""; 0]);
        }
    }

    #[cfg(unix)]
    #[test]
    fn metadata_without_an_end_is_not_read() {
        let (_root, site) = workspace(&["a/__init__.py", "a-1.0.dist-info/RECORD"]);
        std::os::unix::fs::symlink("/dev/zero", site.join("a-1.0.dist-info/METADATA")).unwrap();
        let cache = tempfile::tempdir().unwrap();
        let packages = Packages::open(std::slice::from_ref(&site), cache.path().join("site")).unwrap();
        assert!(packages.add(&names(&["a"])).unwrap());
    }

    #[test]
    fn without_an_environment_there_are_no_packages() {
        let cache = tempfile::tempdir().unwrap();
        let packages = Packages::open(&[], cache.path().join("site")).unwrap();
        assert!(!packages.add(&names(&["six"])).unwrap());
        assert_eq!(staged(&packages), [""; 0]);
    }
}

//! The Python environment of a project: where its packages lie, and which of them a sandbox without compiled code can import.
//!
//! Everything is only read, and nothing is run: what an environment is, its folders say.

mod elsewhere;
mod imports;
mod place;
mod search;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use toml::Table;

/// Where a project's packages come from. Without an environment there is nothing to import.
#[derive(Debug, Default)]
pub struct Environment {
    /// The folder of the environment or of the installation; `None` when there is none.
    pub folder: Option<PathBuf>,
    /// Its `site-packages`, in the order in which they are looked at.
    pub sites: Vec<PathBuf>,
    /// It sees packages besides those in its own folder, perhaps not all of them in [`Self::sites`].
    pub sees_more: bool,
    standard_library: Option<PathBuf>,
    version: Option<String>,
    /// When each of the sites was last changed.
    stamps: Vec<Option<SystemTime>>,
    names: OnceLock<BTreeSet<String>>,
    judged: Mutex<HashMap<String, Availability>>,
}

/// Whether a module from outside of the workspace can be imported where nothing compiled can be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Yes, as far as can be seen: with all that it imports in turn, by their top-level names.
    Importable {
        packages: BTreeSet<String>,
    },
    /// Importing it loads a compiled module of this package, itself or one that it needs.
    Compiled {
        package: String,
    },
    /// Importing it needs this module of the standard library, which needs an operating system.
    NeedsSystem {
        module: String,
    },
    NotInstalled,
}

/// What the sandbox brings along: pytest and what it needs.
const PROVIDED: [&str; 6] = ["_pytest", "iniconfig", "packaging", "pluggy", "pygments", "pytest"];

/// Modules of the standard library that Python for WebAssembly lacks. A test of `tantu` compares them with what it has.
const ABSENT: [&str; 10] =
    ["curses", "ensurepip", "msvcrt", "nt", "pydoc_data", "tkinter", "turtle", "venv", "winreg", "winsound"];

impl Environment {
    /// That of the workspace folder `root`. In this order: `chosen`, the path of an interpreter or an environment; `python`
    /// in the workspace's `tantu.toml` or in `[tool.tantu]`; the environment that is switched on (`VIRTUAL_ENV`, `CONDA_PREFIX`);
    /// `.venv` or `venv` in the folder, or another environment that lies there; those that uv, pixi, poetry and pipenv keep
    /// elsewhere for it. What was chosen and is none is passed over, and what
    /// lies outside of an environment is none of its packages, whatever links say.
    pub fn find(root: &Path, chosen: Option<&Path>) -> Self {
        Self::find_with(root, chosen, elsewhere::active())
    }

    fn find_with(root: &Path, chosen: Option<&Path>, active: Option<PathBuf>) -> Self {
        let chosen = chosen.map(Path::to_path_buf).or_else(|| configured(root)).map(|path| root.join(path));
        let mut local = vec![root.join(".venv"), root.join("venv")];
        let mut others = entries(root);
        others.sort();
        local.extend(others);
        local.extend(elsewhere::of_project(root));
        let own = active.into_iter().chain(local).filter(|folder| place::is_of_one_project(folder));
        chosen
            .and_then(|path| Self::at(&path))
            .or_else(|| own.into_iter().find_map(|it| Self::at(&it)))
            .unwrap_or_default()
    }

    /// The environment in a folder, or that of an interpreter.
    fn at(path: &Path) -> Option<Self> {
        let folder = if path.is_file() { prefix_of(path)? } else { path.to_path_buf() };
        let (real, configuration) = place::real(&folder)?;
        let is_virtual = configuration.is_some();
        let configuration = configuration.unwrap_or_default();
        let value = |wanted: &str| {
            let lines = configuration.lines().filter_map(|line| line.split_once('='));
            lines.filter(|(key, _)| key.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim()).next()
        };
        let program = path.is_file().then(|| path.canonicalize().ok()).flatten();
        let version = program.as_deref().map(file_name).filter(|name| !is_virtual && name.contains('.'));
        let mut sites = place::sites(&real, version);
        let sees_more = value("include-system-site-packages").is_some_and(|it| it.eq_ignore_ascii_case("true"));
        let base = value("home").and_then(|home| Path::new(home).parent()).and_then(place::real);
        let base_version = value("version").or_else(|| value("version_info")).map(|it| {
            let parts: Vec<&str> = it.split('.').take(2).collect();
            format!("python{}", parts.join("."))
        });
        let standard_library = match &base {
            Some((base, None)) => place::standard_library(base, base_version.as_deref()),
            _ if is_virtual => None,
            _ => place::standard_library(&real, version),
        };
        if sees_more && let Some((base, None)) = base {
            sites.extend(place::sites(&base, base_version.as_deref()));
        }
        if sites.is_empty() {
            return None;
        }
        let stamps = sites.iter().map(|site| changed(site)).collect();
        let base_version = base_version.and_then(|name| Some(name.strip_prefix("python")?.to_owned()));
        // An installation without an environment of its own is shared, and has folders that depend on who made it.
        Some(Environment {
            folder: Some(folder),
            version: version_of(&sites).or(base_version),
            sites,
            sees_more: sees_more || !(is_virtual || place::is_of_one_project(&real)),
            standard_library,
            stamps,
            ..Environment::default()
        })
    }

    /// The folder with the sources of its standard library. Without an environment, those of the interpreter that is found
    /// first (`PATH`), as they are much the same.
    pub fn standard_library(&self) -> Option<PathBuf> {
        self.standard_library.clone().or_else(|| {
            let folders = std::env::var_os("PATH")?;
            std::env::split_paths(&folders).find_map(|folder| {
                let program = folder.join("python3").canonicalize().ok()?;
                let version = Some(file_name(&program)).filter(|name| name.contains('.'));
                place::standard_library(program.parent()?.parent()?, version)
            })
        })
    }

    /// The program that runs Python with its packages.
    pub fn interpreter(&self) -> Option<PathBuf> {
        let folder = self.folder.as_ref()?;
        let places = ["bin/python", "bin/python3", "Scripts/python.exe", "python.exe"].map(|it| folder.join(it));
        places.into_iter().find(|path| path.is_file())
    }

    /// Which Python its packages are for, such as `3.12`.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Where modules are looked for: [`Self::sites`], and what `.pth` files there add, such as projects that are installed as
    /// they are being edited.
    pub fn search_path(&self) -> Vec<PathBuf> {
        let added = self.sites.iter().flat_map(|site| added(site)).filter(|folder| folder.is_dir());
        self.sites.iter().cloned().chain(added).collect()
    }

    /// Whether nothing was installed or removed since this was found.
    pub fn is_current(&self) -> bool {
        self.sites.iter().zip(&self.stamps).all(|(site, stamp)| changed(site) == *stamp)
    }

    /// Whether two are the same environment with the same packages, as far as the times of its folders tell.
    pub fn is_same(&self, other: &Environment) -> bool {
        (&self.folder, &self.sites, &self.stamps) == (&other.folder, &other.sites, &other.stamps)
    }

    /// The names that can be imported.
    pub fn names(&self) -> &BTreeSet<String> {
        self.names.get_or_init(|| self.sites.iter().flat_map(|site| names_in(site)).collect())
    }

    /// Whether the module with the dotted name `module`, which is not the workspace's own, can be imported in the sandbox. Its
    /// last part may be a name in the module before it. What is imported only under a condition is taken to be dispensable.
    /// The answer is kept.
    pub fn availability(&self, module: &str) -> Availability {
        let judged = || self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = judged().get(module) {
            return known.clone();
        }
        let found = self.judge(module);
        judged().insert(module.to_owned(), found.clone());
        found
    }

    fn judge(&self, module: &str) -> Availability {
        let package = module.split('.').next().unwrap_or_default();
        if PROVIDED.contains(&package) {
            return Availability::Importable { packages: BTreeSet::new() };
        }
        if ABSENT.contains(&package) {
            return Availability::NeedsSystem { module: package.to_owned() };
        }
        search::judge(&self.sites, module).unwrap_or_else(|| {
            // A hook may know how to import what has left only its name.
            if self.sees_more || self.names().contains(package) {
                Availability::Importable { packages: BTreeSet::new() }
            } else {
                Availability::NotInstalled
            }
        })
    }
}

/// `python` in the workspace's own settings.
fn configured(root: &Path) -> Option<PathBuf> {
    let read = |name: &str| syntax::read_source(&root.join(name)).ok()?.parse::<Table>().ok();
    let own = read("tantu.toml").and_then(|table| table.get("python").cloned());
    let shared = || read("pyproject.toml")?.get("tool")?.get("tantu")?.get("python").cloned();
    own.or_else(shared)?.as_str().map(PathBuf::from)
}

/// The environment or installation that an interpreter belongs to.
fn prefix_of(interpreter: &Path) -> Option<PathBuf> {
    let prefix = |path: &Path| Some(path.parent()?.parent()?.to_path_buf());
    let direct = prefix(interpreter)?;
    // The interpreter of an environment is a link to another one, which knows nothing of the environment.
    if direct.join("pyvenv.cfg").is_file() { Some(direct) } else { prefix(&interpreter.canonicalize().ok()?) }
}

/// As the folder above `site-packages` says it.
fn version_of(sites: &[PathBuf]) -> Option<String> {
    sites.iter().find_map(|site| {
        let version = file_name(site.parent()?).strip_prefix("python")?;
        version.contains('.').then(|| version.to_owned())
    })
}

fn changed(folder: &Path) -> Option<SystemTime> {
    fs::metadata(folder).and_then(|metadata| metadata.modified()).ok()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect()
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// What can be imported from a folder.
fn names_in(site: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for path in entries(site) {
        let name = file_name(&path);
        if name.ends_with(".dist-info") || name.ends_with(".egg-info") {
            names.extend(top_level(&path));
        } else if !name.ends_with(".pth") {
            names.extend(importable(&path));
        }
    }
    for folder in added(site) {
        names.extend(entries(&folder).iter().filter_map(|path| importable(path)));
    }
    names
}

/// The folders that `.pth` files in `site` add to the search path.
fn added(site: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for path in entries(site).iter().filter(|path| file_name(path).ends_with(".pth")) {
        let text = place::read(path);
        let is_path = |line: &&str| !line.is_empty() && !line.starts_with('#') && !line.starts_with("import");
        folders.extend(text.lines().map(str::trim).filter(is_path).map(|line| site.join(line)));
    }
    folders
}

/// What a distribution gives to import: what it says, and its own name, for those that say nothing and are found by a hook.
fn top_level(distribution: &Path) -> Vec<String> {
    let listed = place::read(&distribution.join("top_level.txt"));
    let own = file_name(distribution).split('-').next().unwrap_or_default().replace('-', "_");
    listed.lines().map(|line| line.trim().to_owned()).chain([own]).collect()
}

/// `name` of `name/`, `name.py` and `name.cpython-314-x86_64-linux-gnu.so`.
fn importable(path: &Path) -> Option<String> {
    let name = file_name(path);
    let (stem, extension) = match name.split_once('.') {
        Some((stem, _)) => (stem, name.rsplit('.').next().unwrap_or_default()),
        None => (name, ""),
    };
    let is_module = matches!(extension, "py" | "pyi" | "pyc" | "so" | "pyd" | "") || path.is_dir();
    let is_name = !stem.is_empty() && stem.chars().all(|c| c.is_alphanumeric() || c == '_');
    (is_module && is_name).then(|| stem.to_owned())
}

#[cfg(test)]
mod tests;

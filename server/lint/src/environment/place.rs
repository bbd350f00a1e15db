//! Which folders are environments and installations of Python, and where their packages really lie.
//!
//! A workspace can name any folder and hold any link, and what is served from an environment can be read by code that nobody
//! has read. So a folder has to prove that it is one, and its packages have to lie inside it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{entries, file_name};

/// The most that is read of a file that says something about an environment.
const MAX_BYTES: u64 = 1 << 20;

/// The text of a regular file, empty if there is none. Whatever else goes by its name would have no end.
pub(super) fn read(path: &Path) -> String {
    let bytes = disk::read_beginning(path, MAX_BYTES).unwrap_or_default();
    // What is no text is of no use, in part either.
    String::from_utf8(bytes).unwrap_or_default()
}

/// The folder as it really is, and what `pyvenv.cfg` says, if this is a virtual environment or an installation.
pub(super) fn real(folder: &Path) -> Option<(PathBuf, Option<String>)> {
    let folder = folder.canonicalize().ok()?;
    let configuration = folder.join("pyvenv.cfg");
    // A link may stand for anybody's.
    let is_virtual = configuration.symlink_metadata().is_ok_and(|it| it.is_file());
    if is_virtual {
        let text = read(&configuration);
        return Some((folder, Some(text)));
    }
    has_interpreter(&folder).then_some((folder, None))
}

/// Whether a folder is an environment and not an installation that others share: a virtual one, or one of conda's.
pub(super) fn is_of_one_project(folder: &Path) -> bool {
    folder.join("pyvenv.cfg").is_file() || folder.join("conda-meta").is_dir() && !folder.join("condabin").is_dir()
}

/// Whether a folder holds an interpreter where installations have theirs.
fn has_interpreter(folder: &Path) -> bool {
    let is_name = |path: &PathBuf| {
        let name = file_name(path).trim_end_matches(".exe");
        name.strip_prefix("python").is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
    };
    let places = entries(&folder.join("bin")).into_iter().chain(entries(folder));
    places.filter(is_name).any(|path| path.is_file())
}

/// The folders with packages of the environment or the installation at the real path `prefix`, as they really are: those of
/// all versions unless one is named as in `python3.14`.
pub(super) fn sites(prefix: &Path, version: Option<&str>) -> Vec<PathBuf> {
    let libraries = [prefix.join("lib"), prefix.join("lib64"), prefix.join("local/lib")];
    let mut versions: Vec<PathBuf> = libraries.iter().flat_map(|library| entries(library)).collect();
    versions.sort();
    versions.retain(|path| file_name(path).starts_with("python"));
    // Debian's packages are for all versions of Python 3.
    versions.retain(|path| version.is_none_or(|version| [version, "python3"].contains(&file_name(path))));
    let folders = versions.iter().flat_map(|path| [path.join("site-packages"), path.join("dist-packages")]);
    let mut seen = BTreeSet::new();
    let real = folders.chain([prefix.join("Lib/site-packages")]).filter_map(|path| path.canonicalize().ok());
    real.filter(|path| path.is_dir() && belongs(path, prefix) && seen.insert(path.clone())).collect()
}

/// The folder with the modules of the standard library of the installation at `prefix`; that of the only version if none is
/// named as in `python3.14`.
pub(super) fn standard_library(prefix: &Path, version: Option<&str>) -> Option<PathBuf> {
    let is_it = |path: &Path| path.join("os.py").is_file();
    let libraries = [prefix.join("lib"), prefix.join("lib64")];
    let versions = libraries.iter().flat_map(|library| entries(library)).filter(|path| {
        let name = file_name(path);
        version.map_or(name.starts_with("python"), |version| name == version)
    });
    let mut found: Vec<PathBuf> = versions.chain([prefix.join("Lib")]).filter(|path| is_it(path)).collect();
    found.dedup_by_key(|path| path.file_name().map(ToOwned::to_owned));
    match &found[..] {
        [only] => Some(only.clone()),
        _ => None,
    }
}

/// Whether packages that really lie at `site` are those of the environment at the real path `prefix`.
fn belongs(site: &Path, prefix: &Path) -> bool {
    let is_named = matches!(file_name(site), "site-packages" | "dist-packages");
    // No environment lies where people and programs keep secrets.
    let is_secret = site.iter().any(|part| credential::files::is_home_of_secrets(&part.to_string_lossy()));
    is_named && !is_secret && site.starts_with(prefix)
}

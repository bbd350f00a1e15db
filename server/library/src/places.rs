//! Where the text of a module is.

use std::path::{Path, PathBuf};

use graph::LibraryOrigin;
use ruff_db::vendored::VendoredPath;

use crate::{Installation, Version};

/// The folder in which the standard library's stubs are said to be: they are on no disk.
const STANDARD: &str = "/typeshed/stdlib";

/// The folder in which the stubs of `NAME-stubs` are said to be, so that their modules have the names of what they describe.
const STUBS: &str = "/typeshed/stubs";

/// The most that is read of a list of names.
const MAX_LIST: u64 = 1 << 16;

/// The ends of files with machine code that can be imported.
const COMPILED: [&str; 3] = ["so", "pyd", "dylib"];

#[derive(Debug)]
pub(crate) struct Places {
    sites: Vec<PathBuf>,
    /// Where the sources of the standard library are.
    standard: Option<PathBuf>,
    version: Option<Version>,
    cache: Option<PathBuf>,
}

/// A module.
pub(crate) enum Found {
    /// Its path in the graph, and its text.
    Text(PathBuf, String),
    /// Without a text that could be read.
    Opaque,
}

impl Places {
    pub(crate) fn new(Installation { sites, standard, version, cache }: Installation) -> Self {
        Places { sites, standard, version, cache }
    }

    /// What the paths of modules are below.
    pub(crate) fn roots(&self) -> Vec<PathBuf> {
        [STANDARD, STUBS].iter().map(PathBuf::from).chain(self.sites.iter().cloned()).collect()
    }

    /// The module with a dotted name.
    pub(crate) fn find(&self, module: &str) -> Option<Found> {
        let is_name = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
        if !module.split('.').all(is_name) {
            return None;
        }
        let relative = module.replace('.', "/");
        let found = if self.is_standard(module) { standard(&relative) } else { None };
        let found = found.or_else(|| self.sites.iter().find_map(|site| in_site(site, &relative)))?;
        Some(match (found, self.version) {
            (Found::Text(path, text), Some(version)) if path.extension().is_some_and(|end| end == "pyi") => {
                Found::Text(path, version.of_stub(text))
            }
            (found, _) => found,
        })
    }

    /// Unless this version of Python has not got it yet, or no longer.
    fn is_standard(&self, module: &str) -> bool {
        self.version.is_none_or(|version| version.has(module))
    }

    /// What runs when a module is imported: the file and its text.
    pub(crate) fn source(&self, module: &str) -> Option<(PathBuf, String)> {
        let relative = module.replace('.', "/");
        let folders = self.standard.iter().chain(&self.sites);
        let mut candidates = folders.flat_map(|folder| {
            let base = folder.join(&relative);
            [base.join("__init__.py"), with_end(&base, "py")]
        });
        candidates.find_map(|candidate| Some((candidate.clone(), text(&candidate)?)))
    }

    /// Which distribution brings a module: that of its top-level name, or the one that lists this name.
    pub(crate) fn origin(&self, module: &str) -> LibraryOrigin {
        if self.is_standard(module) && standard(&module.replace('.', "/")).is_some() {
            return LibraryOrigin::Standard;
        }
        let package = module.split('.').next().unwrap_or_default();
        let entries =
            |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut listed = LibraryOrigin::Unknown;
        for path in self.sites.iter().flat_map(|site| entries(site)) {
            let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".dist-info"));
            let Some((name, version)) = name.and_then(|name| name.rsplit_once('-')) else { continue };
            let found = || LibraryOrigin::Package { name: name.to_owned(), version: version.to_owned() };
            if name.replace('-', "_").eq_ignore_ascii_case(package) {
                return found();
            }
            let names = disk::read_beginning(&path.join("top_level.txt"), MAX_LIST).unwrap_or_default();
            if names.split(|&byte| byte == b'\n').any(|line| line.trim_ascii() == package.as_bytes()) {
                listed = found();
            }
        }
        listed
    }

    /// The file on disk of a path in the graph.
    pub(crate) fn file(&self, path: &Path) -> Option<PathBuf> {
        if let Ok(inside) = path.strip_prefix(STUBS) {
            let mut parts = inside.components();
            let first = parts.next()?.as_os_str().to_str()?;
            let inside = Path::new(&format!("{first}-stubs")).join(parts.as_path());
            return self.sites.iter().map(|site| site.join(&inside)).find(|path| path.is_file());
        }
        let Ok(inside) = path.strip_prefix(STANDARD) else { return Some(path.to_path_buf()) };
        let Some(Found::Text(_, text)) = standard_file(inside.to_str()?) else { return None };
        let folder = self.cache.as_ref()?.join("typeshed").join(ty_vendored::SOURCE_COMMIT).join("stdlib");
        let written = folder.join(inside);
        if std::fs::read_to_string(&written).is_ok_and(|there| there == text) {
            return Some(written);
        }
        write(&written, text.as_bytes()).ok()?;
        Some(written)
    }
}

fn standard(relative: &str) -> Option<Found> {
    let candidates = [format!("{relative}/__init__.pyi"), format!("{relative}.pyi")];
    candidates.iter().find_map(|candidate| standard_file(candidate))
}

/// Writes below the user's own cache: whoever reads it meanwhile sees all of the text or none.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(path.parent().unwrap_or(path))?;
    let new = path.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&new, bytes)?;
    std::fs::rename(&new, path)
}

/// A file of typeshed's folder `stdlib`.
fn standard_file(relative: &str) -> Option<Found> {
    let text = ty_vendored::file_system().read_to_string(VendoredPath::new(&format!("stdlib/{relative}"))).ok()?;
    Some(Found::Text(Path::new(STANDARD).join(relative), text))
}

/// Stubs of their own package first, then stubs beside the source, then the source, as PEP 561 says.
fn in_site(site: &Path, relative: &str) -> Option<Found> {
    let (package, rest) = relative.split_once('/').map_or((relative, None), |(package, rest)| (package, Some(rest)));
    let stubs = site.join(format!("{package}-stubs"));
    let in_stubs = rest.map_or(stubs.clone(), |rest| stubs.join(rest));
    for (from, named) in [(in_stubs.join("__init__.pyi"), "/__init__.pyi"), (with_end(&in_stubs, "pyi"), ".pyi")] {
        // A package of stubs has a folder: beside it `NAME-stubs.pyi` is something else.
        if rest.is_none() && named == ".pyi" {
            continue;
        }
        if let Some(text) = text(&from) {
            return Some(Found::Text(PathBuf::from(format!("{STUBS}/{relative}{named}")), text));
        }
    }
    let base = site.join(relative);
    let candidates =
        [base.join("__init__.pyi"), base.join("__init__.py"), with_end(&base, "pyi"), with_end(&base, "py")];
    for candidate in candidates {
        if let Some(text) = text(&candidate) {
            return Some(Found::Text(candidate, text));
        }
    }
    let is_there = base.is_dir() || is_compiled(&base);
    is_there.then_some(Found::Opaque)
}

fn with_end(base: &Path, end: &str) -> PathBuf {
    let mut path = base.as_os_str().to_owned();
    path.push(format!(".{end}"));
    path.into()
}

/// The text of a Python file, if it is one.
fn text(path: &Path) -> Option<String> {
    syntax::read_source(path).ok()
}

/// Whether there is a file such as `fast.cpython-312-x86_64-linux-gnu.so`.
fn is_compiled(base: &Path) -> bool {
    let (Some(folder), Some(name)) = (base.parent(), base.file_name().and_then(|name| name.to_str())) else {
        return false;
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| {
        let of_module = path
            .file_name()
            .and_then(|it| it.to_str())
            .is_some_and(|it| it.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')));
        of_module && path.extension().and_then(|it| it.to_str()).is_some_and(|end| COMPILED.contains(&end))
    })
}

//! Follows the imports of installed packages until one of them needs compiled code.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};

use syntax::{on_deep_stack, parse};

use super::imports::{Import, required};
use super::{ABSENT, Availability, entries, file_name};

/// How many modules are read for one package. What a larger one needs beyond that shows when it runs.
const MAX_MODULES: usize = 1500;

const COMPILED: [&str; 3] = ["dylib", "pyd", "so"];

/// What importing `module` from the folders `sites` needs; `None` when its package is in none of them.
pub(super) fn judge(sites: &[PathBuf], module: &str) -> Option<Availability> {
    // Where the system gives no thread to look with, it shows when it runs.
    let unknown = || Some(Availability::Importable { packages: BTreeSet::from([top_level(module).to_owned()]) });
    on_deep_stack(|| follow(sites, module)).unwrap_or_else(unknown)
}

fn top_level(module: &str) -> &str {
    module.split('.').next().unwrap_or_default()
}

fn follow(sites: &[PathBuf], module: &str) -> Option<Availability> {
    let mut search = Search { sites, folders: HashMap::new() };
    search.find(top_level(module))?;
    let mut packages = BTreeSet::new();
    let mut pending: VecDeque<String> = prefixes(&module.split('.').collect::<Vec<_>>()).into();
    let mut seen: HashSet<String> = pending.iter().cloned().collect();
    while let Some(module) = pending.pop_front() {
        let top = top_level(&module);
        // Names of the standard library come first, and are in none of the sites.
        let (file, is_package) = match search.find(&module) {
            Some(Found::Compiled) => return Some(Availability::Compiled { package: top.to_owned() }),
            Some(Found::Source { file, is_package }) => (Some(file), is_package),
            Some(Found::Namespace) => (None, true),
            None if ABSENT.contains(&module.as_str()) => return Some(Availability::NeedsSystem { module }),
            None => continue,
        };
        packages.insert(top.to_owned());
        let Some(file) = file.filter(|_| seen.len() <= MAX_MODULES) else { continue };
        for import in imports_of(&file) {
            for name in names(&module, is_package, &import) {
                if seen.insert(name.clone()) {
                    pending.push_back(name);
                }
            }
        }
    }
    Some(Availability::Importable { packages })
}

fn imports_of(file: &Path) -> Vec<Import> {
    syntax::read_source(file).map(|text| required(parse(&text).statements())).unwrap_or_default()
}

/// The modules that an import in `module` loads, outermost first. The last may be a mere name in the one before it.
fn names(module: &str, is_package: bool, import: &Import) -> Vec<String> {
    let mut base: Vec<&str> = Vec::new();
    if import.level > 0 {
        base.extend(module.split('.'));
        let up = import.level as usize - usize::from(is_package);
        base.truncate(base.len().saturating_sub(up));
    }
    base.extend(import.module.split('.').filter(|part| !part.is_empty()));
    base.extend(import.name.as_deref());
    prefixes(&base)
}

/// `a`, `a.b` and `a.b.c` of the parts of `a.b.c`.
fn prefixes(parts: &[&str]) -> Vec<String> {
    (1..=parts.len()).map(|length| parts[..length].join(".")).collect()
}

/// What a dotted name is in the sites.
enum Found {
    Source {
        file: PathBuf,
        is_package: bool,
    },
    /// A folder without `__init__.py`.
    Namespace,
    Compiled,
}

struct Search<'a> {
    sites: &'a [PathBuf],
    /// The entries of folders that were read.
    folders: HashMap<PathBuf, Vec<PathBuf>>,
}

impl Search<'_> {
    /// Source comes before what it was compiled to: a sandbox that cannot load the one takes the other.
    fn find(&mut self, module: &str) -> Option<Found> {
        let (parent, name) = module.rsplit_once('.').unwrap_or(("", module));
        let mut namespace = None;
        for site in self.sites {
            let folder = parent.split('.').filter(|part| !part.is_empty()).fold(site.clone(), |at, part| at.join(part));
            let path = folder.join(name);
            let (init, file) = (path.join("__init__.py"), folder.join(format!("{name}.py")));
            if init.is_file() {
                return Some(Found::Source { file: init, is_package: true });
            }
            if file.is_file() {
                return Some(Found::Source { file, is_package: false });
            }
            let is_it = |path: &PathBuf| {
                let file = file_name(path);
                let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
                file.split('.').next() == Some(name) && COMPILED.contains(&extension)
            };
            let all = self.folders.entry(folder).or_insert_with_key(|folder| entries(folder));
            if all.iter().any(is_it) {
                return Some(Found::Compiled);
            }
            if path.is_dir() {
                namespace = Some(Found::Namespace);
            }
        }
        namespace
    }
}

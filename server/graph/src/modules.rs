//! Which file is which module.

use std::path::{Path, PathBuf};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{FileId, Name};

/// What a dotted name leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModuleRef {
    File(FileId),
    /// A directory without `__init__.py`.
    Namespace(Name),
    /// Not in the workspace.
    External,
    /// Belongs to a package of the workspace that has no such module.
    Missing,
}

/// Bytes. No system has paths that long, so that no such module exists, and all its packages need not be looked for.
const MAX_NAME: usize = 4096;

/// Names of all modules of the workspace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Modules {
    by_name: FxHashMap<Name, FileId>,
    namespaces: FxHashSet<Name>,
    /// The prefix of modules beside a file that is in no package, as a script imports its neighbours, and of those beside the
    /// outermost package around a file, as tests do that pytest runs.
    script_prefix: FxHashMap<FileId, Name>,
    packages: FxHashSet<FileId>,
    names: FxHashMap<FileId, Name>,
    /// The stubs beside sources, and the other way round.
    stubs: FxHashMap<FileId, FileId>,
    sources: FxHashMap<FileId, FileId>,
}

impl Modules {
    /// Names `files` below `roots`; the order of the files does not matter.
    pub fn new<'a>(roots: &[PathBuf], files: impl Iterator<Item = (FileId, &'a Path)>) -> Self {
        let mut files: Vec<(FileId, &Path)> = files.collect();
        // Where two files claim one name, a package beats a module, source beats a stub, and then the path decides.
        let is_package = |path: &Path| path.file_stem().is_some_and(|stem| stem == "__init__");
        let is_stub = |path: &Path| path.extension().is_some_and(|extension| extension == "pyi");
        files.sort_by_cached_key(|&(_, path)| (is_stub(path), !is_package(path), path));
        let packages: FxHashSet<&Path> =
            files.iter().filter(|(_, path)| is_package(path)).filter_map(|(_, path)| path.parent()).collect();
        let mut modules = Modules::default();
        let mut sources: FxHashSet<FileId> = FxHashSet::default();
        for &(file, path) in &files {
            let Some(directory) = path.parent() else { continue };
            let root = source_root(directory, roots, &packages);
            let mut parts: Vec<&str> = directory
                .strip_prefix(root)
                .map(|relative| relative.iter().filter_map(|part| part.to_str()).collect())
                .unwrap_or_default();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let depth = parts.len();
            if is_package(path) {
                modules.packages.insert(file);
            }
            if !is_package(path) || parts.is_empty() {
                parts.push(stem);
            }
            let name = Name::new(&parts.join("."));
            modules.names.insert(file, name);
            let source = *modules.by_name.entry(name).or_insert(file);
            if !is_stub(path) {
                sources.insert(file);
            } else if sources.contains(&source) && !modules.stubs.contains_key(&source) {
                modules.stubs.insert(source, file);
                modules.sources.insert(file, source);
            }
            for end in 1..=depth {
                modules.namespaces.insert(Name::new(&parts[..end].join(".")));
            }
            // The folder that Python would put on its path: that of a script, or the one around a package, as pytest does.
            let package = directory.ancestors().filter(|ancestor| packages.contains(ancestor)).last();
            let on_path = package.map_or(Some(directory), Path::parent);
            let above = on_path.and_then(|folder| folder.strip_prefix(root).ok()).map_or(0, |it| it.iter().count());
            if above > 0 {
                modules.script_prefix.insert(file, Name::new(&parts[..above].join(".")));
            }
        }
        modules.namespaces.retain(|name| !modules.by_name.contains_key(name));
        modules
    }

    /// The dotted name of a file's module.
    pub fn name(&self, file: FileId) -> Name {
        self.names.get(&file).copied().unwrap_or_else(|| Name::new(""))
    }

    /// The stub that stands beside a source and says what the source does not.
    pub fn stub(&self, source: FileId) -> Option<FileId> {
        self.stubs.get(&source).copied()
    }

    /// The source beside which a stub stands.
    pub fn source(&self, stub: FileId) -> Option<FileId> {
        self.sources.get(&stub).copied()
    }

    pub fn is_package(&self, file: FileId) -> bool {
        self.packages.contains(&file)
    }

    /// Every dotted name that means something else than in `other`, or nothing in one of them, or has another stub.
    pub fn difference(&self, other: &Modules) -> FxHashSet<Name> {
        let mut names: FxHashSet<Name> = self.namespaces.symmetric_difference(&other.namespaces).copied().collect();
        let changed = |a: &Modules, b: &Modules| {
            let entries = a.by_name.iter();
            entries.filter(|(name, file)| b.by_name.get(name) != Some(file)).map(|(name, _)| *name).collect::<Vec<_>>()
        };
        names.extend(changed(self, other));
        names.extend(changed(other, self));
        let other_stub = |a: &Modules, b: &Modules| {
            let stubs = a.stubs.iter().filter(|(source, stub)| b.stubs.get(source) != Some(stub));
            stubs.map(|(source, _)| a.name(*source)).collect::<Vec<_>>()
        };
        names.extend(other_stub(self, other));
        names.extend(other_stub(other, self));
        names
    }

    /// The files whose own name, or way of importing, differs from `other`.
    pub fn renamed(&self, other: &Modules) -> Vec<FileId> {
        let files = self.names.keys().copied();
        files
            .filter(|file| {
                self.names.get(file) != other.names.get(file)
                    || self.packages.contains(file) != other.packages.contains(file)
                    || self.script_prefix.get(file) != other.script_prefix.get(file)
            })
            .collect()
    }

    /// The module called `name`, absolutely.
    pub fn get(&self, name: Name) -> ModuleRef {
        if let Some(&file) = self.by_name.get(&name) {
            return ModuleRef::File(file);
        }
        if self.namespaces.contains(&name) {
            return ModuleRef::Namespace(name);
        }
        if let Some(package) = name.strip_suffix(".__init__") {
            return self.get(Name::new(package));
        }
        let mut parent = name.as_str();
        while let Some((package, _)) = parent.rsplit_once('.') {
            if Name::existing(package).is_some_and(|package| self.by_name.contains_key(&package)) {
                return ModuleRef::Missing;
            }
            parent = package;
        }
        ModuleRef::External
    }

    /// The candidates for `import module` or `from ..module import` in `file`, best first.
    pub fn candidates(&self, file: FileId, module: Name, level: u32) -> Vec<Name> {
        if module.len() > MAX_NAME {
            return Vec::new();
        }
        if level == 0 {
            let mut candidates = vec![module];
            if let Some(prefix) = self.script_prefix.get(&file) {
                candidates.push(Name::new(&format!("{prefix}.{module}")));
            }
            return candidates;
        }
        let own = self.name(file);
        let mut parts: Vec<&str> = own.as_str().split('.').collect();
        let up = if self.is_package(file) { level - 1 } else { level };
        let Some(keep) = parts.len().checked_sub(up as usize) else { return Vec::new() };
        parts.truncate(keep);
        if !module.is_empty() {
            parts.push(module.as_str());
        }
        vec![Name::new(&parts.join("."))]
    }
}

/// The folder from which the modules in `directory` are imported.
fn source_root<'a>(directory: &'a Path, roots: &'a [PathBuf], packages: &FxHashSet<&Path>) -> &'a Path {
    let root = roots.iter().filter(|root| directory.starts_with(root)).max_by_key(|root| root.components().count());
    let Some(root) = root else {
        // A file outside the workspace: its package's folder, or its own.
        let mut root = directory;
        while packages.contains(root)
            && let Some(parent) = root.parent()
        {
            root = parent;
        }
        return root;
    };
    let below = directory.ancestors().take_while(|ancestor| ancestor.starts_with(root));
    below
        .filter(|ancestor| *ancestor != root)
        .find(|ancestor| ancestor.file_name().is_some_and(|name| name == "src") && !packages.contains(ancestor))
        .unwrap_or(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(paths: &[&str]) -> Modules {
        let files = paths.iter().enumerate().map(|(index, path)| (FileId(index as u32), Path::new(*path)));
        Modules::new(&[PathBuf::from("/w")], files)
    }

    #[test]
    fn names_follow_packages_and_src_layouts() {
        let modules = modules(&["/w/pkg/__init__.py", "/w/pkg/a.py", "/w/src/lib/b.py", "/w/main.py", "/x/c.py"]);
        let names: Vec<_> = (0..5).map(|file| modules.name(FileId(file)).as_str()).collect();
        assert_eq!(names, ["pkg", "pkg.a", "lib.b", "main", "c"]);
        assert_eq!(modules.get(Name::new("lib")), ModuleRef::Namespace(Name::new("lib")));
        assert_eq!(modules.get(Name::new("pkg.nope")), ModuleRef::Missing);
        assert_eq!(modules.get(Name::new("lib.nope")), ModuleRef::External);
        assert_eq!(modules.get(Name::new("requests")), ModuleRef::External);
    }

    #[test]
    fn neighbours_of_scripts_and_of_packages_below_a_folder() {
        let modules =
            modules(&["/w/tests/unit/__init__.py", "/w/tests/unit/a.py", "/w/tools/b.py", "/w/pkg/__init__.py"]);
        let at = |file| modules.candidates(FileId(file), Name::new("unit.a"), 0);
        assert_eq!(at(1), [Name::new("unit.a"), Name::new("tests.unit.a")]);
        assert_eq!(at(2), [Name::new("unit.a"), Name::new("tools.unit.a")]);
        assert_eq!(at(3), [Name::new("unit.a")]);
    }

    #[test]
    fn relative_imports_climb_from_packages_and_modules() {
        let modules = modules(&["/w/pkg/__init__.py", "/w/pkg/sub/__init__.py", "/w/pkg/sub/a.py"]);
        let at = |file, module, level| modules.candidates(FileId(file), Name::new(module), level);
        assert_eq!(at(2, "b", 1), [Name::new("pkg.sub.b")]);
        assert_eq!(at(2, "", 2), [Name::new("pkg")]);
        assert_eq!(at(1, "b", 1), [Name::new("pkg.sub.b")]);
        assert_eq!(at(2, "b", 9), [] as [Name; 0]);
    }

    #[test]
    fn a_package_beats_a_module_and_source_beats_a_stub() {
        let modules = modules(&["/w/a.pyi", "/w/a.py", "/w/b.py", "/w/b/__init__.py"]);
        assert_eq!(modules.get(Name::new("a")), ModuleRef::File(FileId(1)));
        assert_eq!(modules.get(Name::new("b")), ModuleRef::File(FileId(3)));
        assert_eq!((modules.stub(FileId(1)), modules.source(FileId(0))), (Some(FileId(0)), Some(FileId(1))));
        assert_eq!(modules.stub(FileId(3)), None);
    }
}

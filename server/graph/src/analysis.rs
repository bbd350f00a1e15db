//! Questions to a snapshot of the graph.

mod calls;
mod checks;
mod classes;
mod edges;
mod folders;
mod importable;
mod meaning;
mod navigate;
mod outside;
mod spelling;
mod stats;
mod surface;
mod symbol;
mod variables;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use syntax::{Source, SyntaxError, TextRange, TextSize};

use crate::eval::Evaluator;
use crate::link::ImportLink;
use crate::modules::{ModuleRef, Modules};
use crate::snapshot::{FileFacts, Snapshot};
use crate::summary::{SymbolFacts, SymbolIndex};
use crate::types::{Def, Unit};
use crate::{ExternalUses, Externals, FileId, Flow, Name, SymbolId, SymbolKind, TestNames, Tree};

pub use calls::{Call, CallSite};
pub use checks::{IncompatibleCall, IncompatibleCallers, IncompatibleOverride, MissingMember, Usage};
pub use edges::{Edge, Relation};
pub use importable::Importable;
pub use meaning::Meaning;
pub use navigate::{Resolver, Site, Target};
pub use spelling::{Collision, CollisionKind, Doubt, Spelled, Spelling};
pub use stats::Stats;
pub use surface::{
    Libraries, LibraryDefinition, LibraryMistake, LibraryMistakeKind, LibraryModule, LibraryOrigin, LibraryPath,
    LibraryUse, Verdicts,
};
pub use symbol::Symbol;
pub use variables::{Family, Owner, Variable};

/// An immutable snapshot of the graph. Cheap to clone, free to be read by any number of threads.
#[derive(Clone, Debug)]
pub struct Analysis {
    pub(crate) snapshot: Arc<Snapshot>,
}

/// An import as it is written, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The imported name's token, or the module's in `import module`.
    pub range: TextRange,
    /// As in `from ..module import name`.
    pub text: String,
    pub kind: ImportKind,
    /// Under `try` with a handler, or a guard that makes its failure expected.
    pub is_optional: bool,
    pub is_type_checking: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportKind {
    Module(FileId),
    /// A folder without `__init__.py`, by its dotted name.
    Namespace(String),
    External,
    /// Belongs to the workspace, but is not there. The dotted names that were looked for.
    Unresolved {
        looked_for: Vec<String>,
    },
}

impl Analysis {
    pub(crate) fn new(snapshot: Arc<Snapshot>) -> Self {
        Analysis { snapshot }
    }

    /// Grows with every change.
    pub fn revision(&self) -> u64 {
        self.snapshot.revision
    }

    /// Whether both are the same snapshot of the same graph.
    pub fn is_same(&self, other: &Analysis) -> bool {
        Arc::ptr_eq(&self.snapshot, &other.snapshot)
    }

    /// Solves the flow of values of this snapshot; see [`AnalysisHost::apply_flow`](crate::AnalysisHost::apply_flow). Takes a while:
    /// not for a thread that someone waits for.
    pub fn solve_flow(&self) -> Flow {
        Flow::new(&self.snapshot)
    }

    /// How names outside the workspace are used, wherever they flow; of `files` also where they are only mentioned. Solves the
    /// flow of values anew: takes a while.
    pub fn external_uses(&self, externals: &Externals, files: &[FileId]) -> ExternalUses {
        crate::flow::external_uses(&self.snapshot, externals, files)
    }

    /// Whether texts have changed since the flow of values was last solved: edges that only it knows may be missing where
    /// they have, or out of date elsewhere.
    pub fn is_flow_outdated(&self) -> bool {
        self.snapshot.flow.basis != self.snapshot.flow_basis()
    }

    /// Whether following values was given up before its end, because it takes too long here: edges that only it knows may be
    /// missing.
    pub fn is_flow_cut(&self) -> bool {
        self.snapshot.flow.is_cut
    }

    /// The workspace folders.
    pub fn roots(&self) -> &[PathBuf] {
        &self.snapshot.roots
    }

    /// What is a test by the project's settings, beside what is one anyway.
    pub fn test_names(&self) -> &TestNames {
        &self.snapshot.test_names
    }

    /// Every file, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = FileId> {
        let mut files: Vec<(&Path, FileId)> = (0..self.snapshot.files.len())
            .map(|index| FileId(index as u32))
            .filter_map(|file| Some((&*self.snapshot.facts(file)?.path, file)))
            .collect();
        files.sort_unstable();
        files.into_iter().map(|(_, file)| file)
    }

    /// The file at an absolute path.
    pub fn file(&self, path: &Path) -> Option<FileId> {
        let file = *self.snapshot.ids.get(path)?;
        self.snapshot.facts(file).map(|_| file)
    }

    pub fn path(&self, file: FileId) -> &Path {
        &self.snapshot.paths[file.index()]
    }

    /// The text that this snapshot speaks of; empty for a file that is gone.
    pub fn source(&self, file: FileId) -> &Source {
        static EMPTY: std::sync::LazyLock<Source> = std::sync::LazyLock::new(|| Source::new(""));
        self.snapshot.facts(file).map_or(&EMPTY, |facts| &facts.source)
    }

    /// The tree of a file whose text is being edited ([`Change::edit`](crate::Change::edit)); others have to be parsed again.
    pub fn tree(&self, file: FileId) -> Option<Arc<Tree>> {
        self.facts(file)?.tree.as_ref().map(crate::SharedTree::get)
    }

    /// The dotted name of a file's module.
    pub fn module_name(&self, file: FileId) -> &'static str {
        self.snapshot.modules.name(file).as_str()
    }

    pub fn syntax_errors(&self, file: FileId) -> &[SyntaxError] {
        self.snapshot.facts(file).map_or(&[], |facts| &facts.summary.errors)
    }

    /// The module node of a file.
    pub fn module(&self, file: FileId) -> SymbolId {
        self.id(Def { unit: Unit::live(file), symbol: SymbolIndex::MODULE })
    }

    /// All definitions in a file's text in source order, the module first.
    pub fn symbols(&self, file: FileId) -> Vec<SymbolId> {
        let Some(facts) = self.snapshot.facts(file) else { return Vec::new() };
        let mut symbols: Vec<SymbolIndex> =
            (0..facts.summary.symbols.len()).map(|index| SymbolIndex(index as u32)).collect();
        symbols[1..].sort_by_key(|&symbol| facts.summary.symbol(symbol).name_range.start());
        symbols.into_iter().map(|symbol| self.id(Def { unit: Unit::live(file), symbol })).collect()
    }

    /// Whether the definition still exists in this snapshot.
    pub fn contains(&self, id: SymbolId) -> bool {
        self.snapshot.def(id).is_some()
    }

    /// A view of a definition; of the file's module when the definition is gone.
    pub fn symbol(&self, id: SymbolId) -> Symbol<'_> {
        let def = self.snapshot.def(id);
        let def = def.unwrap_or(Def { unit: Unit::live(id.file), symbol: SymbolIndex::MODULE });
        Symbol::new(self, def)
    }

    /// The definitions directly in a definition, in source order.
    pub fn children(&self, id: SymbolId) -> Vec<SymbolId> {
        let Some(def) = self.snapshot.def(id) else { return Vec::new() };
        let summary = self.snapshot.world().summary(def.unit);
        let children = summary.symbols.iter().enumerate();
        let mut children: Vec<(TextSize, SymbolIndex)> = children
            .filter(|(_, symbol)| symbol.parent == Some(def.symbol))
            .map(|(index, symbol)| (symbol.name_range.start(), SymbolIndex(index as u32)))
            .collect();
        children.sort_unstable();
        children.into_iter().map(|(_, symbol)| self.id(Def { unit: def.unit, symbol })).collect()
    }

    /// The innermost module, class or function around a place.
    pub fn enclosing(&self, file: FileId, offset: TextSize) -> SymbolId {
        let symbol = self.snapshot.facts(file).map_or(SymbolIndex::MODULE, |facts| {
            let symbols = facts.summary.symbols.iter().enumerate();
            let around = symbols.filter(|(_, symbol)| {
                (symbol.kind.is_function() || symbol.kind == SymbolKind::Class)
                    && symbol.range.contains_inclusive(offset)
            });
            let innermost = around.min_by_key(|(_, symbol)| symbol.range.len());
            innermost.map_or(SymbolIndex::MODULE, |(index, _)| SymbolIndex(index as u32))
        });
        self.id(Def { unit: Unit::live(file), symbol })
    }

    /// Definitions by qualified name: `package.module.Class.method`, or with a colon after the module.
    pub fn find(&self, qualified: &str) -> Vec<SymbolId> {
        let mut found = Vec::new();
        for file in self.files() {
            let module = self.module_name(file);
            let Some(rest) = qualified.strip_prefix(module) else { continue };
            if rest.is_empty() {
                found.push(self.module(file));
                continue;
            }
            let Some(local) = rest.strip_prefix(['.', ':']) else { continue };
            let symbols = self.symbols(file).into_iter().skip(1);
            found.extend(symbols.filter(|&symbol| self.symbol(symbol).local_name() == local));
        }
        found
    }

    /// Every definition in the texts of the workspace, with its kind and name; a module's name is its last part. In no
    /// order.
    pub fn each_symbol(&self, mut visit: impl FnMut(SymbolId, SymbolKind, &'static str)) {
        for index in 0..self.snapshot.files.len() {
            let file = FileId(index as u32);
            let Some(facts) = self.snapshot.facts(file) else { continue };
            for (index, symbol) in facts.summary.symbols.iter().enumerate() {
                let id = self.id(Def { unit: Unit::live(file), symbol: SymbolIndex(index as u32) });
                let module = || self.module_name(file).rsplit('.').next().unwrap_or_default();
                let name = if symbol.kind == SymbolKind::Module { module() } else { symbol.name.as_str() };
                visit(id, symbol.kind, name);
            }
        }
    }

    /// The module or namespace package that `module`, after `level` dots, means in an import in `file`: its dotted name, and
    /// its file if it has one. `None` outside the workspace.
    pub fn import_target(&self, file: FileId, module: &str, level: u32) -> Option<(String, Option<FileId>)> {
        match self.evaluator().module(file, Name::new(module), level)? {
            ModuleRef::File(found) => Some((self.module_name(found).to_owned(), Some(found))),
            ModuleRef::Namespace(name) => Some((name.to_string(), None)),
            ModuleRef::External | ModuleRef::Missing => None,
        }
    }

    /// The file of the module with a dotted name.
    pub fn module_file(&self, name: &str) -> Option<FileId> {
        match self.snapshot.modules.get(Name::existing(name)?) {
            ModuleRef::File(file) => Some(file),
            _ => None,
        }
    }

    /// The dotted name of every module if files were elsewhere.
    pub fn module_names_at<'a>(
        &'a self,
        place: impl Fn(&'a Path) -> std::borrow::Cow<'a, Path>,
    ) -> FxHashMap<FileId, Name> {
        let files: Vec<(FileId, std::borrow::Cow<'a, Path>)> =
            self.files().map(|file| (file, place(self.path(file)))).collect();
        let modules = Modules::new(self.roots(), files.iter().map(|(file, path)| (*file, &**path)));
        files.iter().map(|(file, _)| (*file, modules.name(*file))).collect()
    }

    /// The imports of a file in source order.
    pub fn imports(&self, file: FileId) -> Vec<Import> {
        let Some(facts) = self.snapshot.facts(file) else { return Vec::new() };
        let links = &self.snapshot.links[file.index()].imports;
        let imports = facts.summary.imports.iter().zip(links).map(|(import, link)| Import {
            range: import.range,
            text: match import.name {
                None => format!("import {}", import.module),
                Some(name) => {
                    format!("from {}{} import {name}", ".".repeat(import.level as usize), import.module)
                }
            },
            kind: match link {
                ImportLink::Module(file) => ImportKind::Module(*file),
                ImportLink::Namespace(name) => ImportKind::Namespace(name.to_string()),
                ImportLink::External => ImportKind::External,
                ImportLink::Missing(names) => {
                    ImportKind::Unresolved { looked_for: names.iter().map(ToString::to_string).collect() }
                }
            },
            is_optional: import.is_optional,
            is_type_checking: import.is_type_checking,
        });
        imports.collect()
    }

    /// The files that import a file's module, sorted by path.
    pub fn importers(&self, file: FileId) -> Vec<FileId> {
        let imports = |source: &FileId| {
            let links = &self.snapshot.links[source.index()];
            links.imports.contains(&ImportLink::Module(file))
        };
        self.sources(file).filter(imports).filter(|source| *source != file).collect()
    }

    /// The files whose edges may point into `file`, in the order of their paths: itself and those that link to it.
    fn sources(&self, file: FileId) -> impl Iterator<Item = FileId> + '_ {
        let inbound = self.snapshot.inbound.get(file.index()).map_or(&[][..], |files| files);
        let rank = |file| self.snapshot.rank_of(file);
        let (before, after) = inbound.split_at(inbound.partition_point(|&other| rank(other) < rank(file)));
        before.iter().copied().chain([file]).chain(after.iter().copied())
    }

    fn evaluator(&self) -> Evaluator<'_> {
        Evaluator::new(self.snapshot.world())
    }

    pub(crate) fn facts(&self, file: FileId) -> Option<&Arc<FileFacts>> {
        self.snapshot.facts(file)
    }

    fn symbol_facts(&self, def: Def) -> &SymbolFacts {
        self.snapshot.world().summary(def.unit).symbol(def.symbol)
    }

    /// Every definition of a summary has a slot; the module's is the first.
    fn id(&self, def: Def) -> SymbolId {
        self.snapshot.symbol_id(def).unwrap_or(SymbolId { file: def.unit.file, slot: 0 })
    }
}

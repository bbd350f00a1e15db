//! One consistent snapshot of the workspace: immutable, shared, without locks.

use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use rustc_hash::{FxHashMap, FxHashSet};
use syntax::Source;

use crate::eval::World;
use crate::flow::Outcome;
use crate::link::Links;
use crate::modules::Modules;
use crate::summary::{Body, SlotKey, Summary, SymbolIndex, SymbolKind};
use crate::test_names::TestNames;
use crate::tree::SharedTree;
use crate::types::{Def, Unit};
use crate::{FileId, Name, SymbolId};

/// What one file says, independent of all others.
#[derive(Clone, Debug)]
pub(crate) struct FileFacts {
    pub path: PathBuf,
    pub source: Source,
    /// Kept while the text is being edited.
    pub tree: Option<SharedTree>,
    pub summary: Arc<Summary>,
    /// The same; what comes from which body.
    pub bodies: Arc<[Body]>,
    /// The summary comes from an archive.
    pub restored: bool,
    /// While the text does not parse: its facts from when it did.
    pub last_good: Option<Arc<Summary>>,
    /// While the text does not parse: the definitions that it has lost.
    pub retained: Option<Arc<Retained>>,
    pub slots: Arc<Slots>,
    /// See [`fingerprint`](crate::flow::fingerprint).
    pub fingerprint: u64,
}

/// Definitions that stand in for what a half-typed text has lost.
#[derive(Debug)]
pub(crate) struct Retained {
    pub summary: Arc<Summary>,
    /// By the local name of the module (empty) or class around them.
    members: FxHashMap<(String, Name), SymbolIndex>,
}

impl Retained {
    /// What `current` has lost of `good`; `None` when that is nothing.
    pub fn new(good: &Arc<Summary>, current: &Summary) -> Option<Self> {
        let present: FxHashSet<u64> = current.symbols.iter().map(|symbol| symbol.path).collect();
        let mut members = FxHashMap::default();
        for (index, symbol) in good.symbols.iter().enumerate() {
            let Some(parent) = symbol.parent else { continue };
            let in_reach = matches!(good.symbol(parent).kind, SymbolKind::Module | SymbolKind::Class);
            let is_definition = matches!(symbol.kind, SymbolKind::Class | SymbolKind::Function | SymbolKind::Method);
            if in_reach && is_definition && !present.contains(&symbol.path) {
                members.insert((good.local_name(parent), symbol.name), SymbolIndex(index as u32));
            }
        }
        (!members.is_empty()).then(|| Retained { summary: good.clone(), members })
    }

    fn symbols(&self) -> impl Iterator<Item = SymbolIndex> {
        self.members.values().copied()
    }
}

impl PartialEq for Retained {
    /// The same definitions of the same text.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.summary, &other.summary) && self.members == other.members
    }
}

impl FileFacts {
    /// A definition that the text has lost, by the local name of what it was in.
    pub fn retained_member(&self, owner: &str, name: Name, file: FileId) -> Option<Def> {
        let retained = self.retained.as_ref()?;
        let symbol = *retained.members.get(&(owner.to_owned(), name))?;
        Some(Def { unit: Unit { file, retained: true }, symbol })
    }
}

/// The slots of a file's symbols: numbers that a symbol keeps while its path lives, so that other files' edges to it stay
/// right when the file is edited.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    by_path: FxHashMap<u64, u32>,
    /// What a slot holds now.
    holders: Vec<Option<SlotKey>>,
    /// The slots of the live symbols.
    live: Vec<u32>,
    retained: FxHashMap<SymbolIndex, u32>,
}

impl Slots {
    /// The slots for the current facts; paths known before keep theirs.
    pub fn next(before: Option<&Slots>, summary: &Summary, retained: Option<&Retained>) -> Self {
        let mut slots =
            Slots { by_path: before.map(|slots| slots.by_path.clone()).unwrap_or_default(), ..Slots::default() };
        slots.holders = vec![None; slots.by_path.len()];
        for (index, symbol) in summary.symbols.iter().enumerate() {
            let index = SymbolIndex(index as u32);
            let slot = slots.take(symbol.path, SlotKey { symbol: index, retained: false });
            slots.live.push(slot);
        }
        if let Some(retained) = retained {
            for index in retained.symbols() {
                let path = retained.summary.symbol(index).path;
                let slot = slots.take(path, SlotKey { symbol: index, retained: true });
                slots.retained.insert(index, slot);
            }
        }
        slots
    }

    fn take(&mut self, path: u64, holder: SlotKey) -> u32 {
        let next = self.by_path.len() as u32;
        let slot = *self.by_path.entry(path).or_insert(next);
        if slot as usize >= self.holders.len() {
            self.holders.resize(slot as usize + 1, None);
        }
        self.holders[slot as usize] = Some(holder);
        slot
    }

    pub fn holder(&self, slot: u32) -> Option<SlotKey> {
        self.holders.get(slot as usize).copied().flatten()
    }

    /// The slot of a live definition.
    pub fn of_path(&self, path: u64) -> Option<u32> {
        self.by_path.get(&path).copied().filter(|&slot| self.holder(slot).is_some())
    }

    pub fn slot(&self, def: Def) -> Option<u32> {
        match def.unit.retained {
            false => self.live.get(def.symbol.index()).copied(),
            true => self.retained.get(&def.symbol).copied(),
        }
    }
}

/// The state of everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub revision: u64,
    pub roots: Arc<[PathBuf]>,
    pub test_names: Arc<TestNames>,
    pub ids: Arc<FxHashMap<PathBuf, FileId>>,
    /// The path of every file that there is or was.
    pub paths: Vec<Arc<Path>>,
    /// For each file, the place of its path among all paths in their order.
    pub ranks: Arc<[u32]>,
    pub files: Vec<Option<Arc<FileFacts>>>,
    /// What linking says.
    pub structure: Vec<Arc<Links>>,
    /// The same, joined with what the flow of values adds.
    pub links: Vec<Arc<Links>>,
    /// The flow of values as it was last solved.
    pub flow: Arc<Outcome>,
    /// For each file, the others whose edges point into it, in the order of their paths.
    pub inbound: Vec<Arc<[FileId]>>,
    /// For each file, those that have looked something up in it, in the order of their paths.
    pub lookers: Vec<Arc<[FileId]>>,
    pub modules: Arc<Modules>,
}

impl Snapshot {
    pub fn world(&self) -> World<'_> {
        World { files: &self.files, modules: &self.modules }
    }

    pub fn facts(&self, file: FileId) -> Option<&Arc<FileFacts>> {
        self.files.get(file.index())?.as_ref()
    }

    /// Brings the ranks up to date with the paths.
    pub fn rank(&mut self) {
        let mut files: Vec<u32> = (0..self.paths.len() as u32).collect();
        // A folder is read in order: the sort finds little to do.
        files.sort_by(|one, other| self.paths[*one as usize].cmp(&self.paths[*other as usize]));
        let mut ranks = vec![0; files.len()];
        for (rank, file) in files.into_iter().enumerate() {
            ranks[file as usize] = rank as u32;
        }
        self.ranks = ranks.into();
    }

    /// The place of a file's path among all paths in their order.
    pub fn rank_of(&self, file: FileId) -> u32 {
        self.ranks[file.index()]
    }

    /// A hash of what the flow of values depends on, to be compared within one host.
    pub fn flow_basis(&self) -> u64 {
        let mut hasher = crate::name::hasher();
        for (index, facts) in self.files.iter().enumerate() {
            if let Some(facts) = facts {
                // What modules are called decides what imports mean.
                let name = self.modules.name(FileId(index as u32));
                (index, facts.fingerprint, name).hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// The stable identity of a definition.
    pub fn symbol_id(&self, def: Def) -> Option<SymbolId> {
        let slot = self.facts(def.unit.file)?.slots.slot(def)?;
        Some(SymbolId { file: def.unit.file, slot })
    }

    /// The definition that a symbol is now.
    pub fn def(&self, id: SymbolId) -> Option<Def> {
        let holder = self.facts(id.file)?.slots.holder(id.slot)?;
        Some(Def { unit: Unit { file: id.file, retained: holder.retained }, symbol: holder.symbol })
    }
}

/// The facts of nothing.
pub(crate) fn empty_summary() -> &'static Summary {
    static EMPTY: LazyLock<Summary> = LazyLock::new(|| crate::summary::summarize("", &syntax::parse(""), false));
    &EMPTY
}

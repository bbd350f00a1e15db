//! What libraries offer, and what is asked of them in vain.
//!
//! Libraries are a graph of their own, of stubs and sources that are read when they are first asked for: nothing of them is
//! diagnosed, counted or shown among the files of a workspace. Only what is certain is said: a base class that is not known, a
//! decorator, a metaclass, a module that makes its names at run time, a result without a plain annotation end the judgement.

mod calls;
mod classes;
mod definitions;
mod modules;

use std::fmt;
use std::path::{Path, PathBuf};

use dashmap::DashMap;
use rustc_hash::{FxHashMap, FxHashSet};
use syntax::TextRange;

use super::Analysis;
use super::outside::{Offers, OutsidePath, OutsideUse, OutsideUseKind, Step};
use crate::eval::Evaluator;
use crate::modules::ModuleRef;
use crate::summary::SymbolFacts;
use crate::types::{Def, Types, Value};
use crate::{FileId, Name};

pub use definitions::{LibraryDefinition, LibraryPath, LibraryUse};

/// Where libraries come from.
pub trait Libraries: fmt::Debug + Send + Sync {
    /// The graph of what has been read so far.
    fn analysis(&self) -> Analysis;

    /// Reads modules by their dotted names, those that were not read before; says of each what it is.
    fn read(&self, modules: &[&str]) -> Vec<LibraryModule>;

    /// Whether what runs may have a name that the stub of `module` leaves out: its source mentions it, or there is none to look
    /// into and the name is private.
    fn may_leave_out(&self, module: &str, name: &str) -> bool;

    /// What a module belongs to.
    fn origin(&self, module: &str) -> LibraryOrigin;

    /// The file of what runs when a module is imported, and its text.
    fn source(&self, module: &str) -> Option<(PathBuf, String)>;

    /// The file on disk with the text that the graph has at `path`. It is made where there is none.
    fn file(&self, path: &Path) -> Option<PathBuf>;

    /// Where answers are kept as long as the libraries are the same.
    fn verdicts(&self) -> &Verdicts;
}

/// What a dotted name is outside of the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LibraryModule {
    /// Its text is part of the graph.
    Read,
    /// It is there, and no text says what is in it: an extension module, a folder without `__init__.py`.
    Opaque,
    Absent,
}

/// What installed a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LibraryOrigin {
    Standard,
    /// A distribution.
    Package {
        name: String,
        version: String,
    },
    Unknown,
}

/// Something that a library does not offer, or not for long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibraryMistake {
    pub range: TextRange,
    /// The dotted name of the module through which the library was reached.
    pub module: &'static str,
    pub kind: LibraryMistakeKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LibraryMistakeKind {
    /// A module that its package, which is known, does not have.
    MissingModule { module: String },
    /// `from owner import name`
    MissingName { owner: String, name: String },
    /// `owner.name`, where the owner is a module or a class.
    MissingMember { owner: String, name: String },
    /// Such as "unknown argument `rate`"; `callee` with its class.
    IncompatibleCall { callee: String, message: String },
    /// It is there, and its library says that it is to be used no longer.
    Deprecated { name: String, reason: String },
}

/// How often what is missing is read and the question put again: each time one import further away.
const MAX_ROUNDS: usize = 24;

impl Analysis {
    /// What a file asks of libraries that they do not offer, in source order. Reads the libraries that it has to know.
    pub fn library_mistakes(&self, file: FileId, libraries: &dyn Libraries) -> Vec<LibraryMistake> {
        let uses = self.outside_uses(file);
        let new = uses.iter().map(|(_, used)| used).filter(|used| !libraries.verdicts().knows(used));
        judge(libraries, new.collect());
        let mut offers = None;
        let mistakes = uses.into_iter().filter_map(|(range, used)| {
            let kind = libraries.verdicts().mistake(&used)?;
            let offers = offers.get_or_insert_with(|| Offers::of(self, file));
            (!offers.may_be_offered(&used)).then_some(LibraryMistake { range, module: used.path.module.as_str(), kind })
        });
        let mut found: Vec<LibraryMistake> = mistakes.collect();
        found.sort_by_key(|mistake| mistake.range.start());
        // A call of what is not there is one mistake.
        found.dedup_by_key(|mistake| mistake.range);
        found
    }
}

/// What is wrong with uses of libraries, which does not change while the libraries are the same: with an edit, only what is new
/// is judged.
#[derive(Debug, Default)]
pub struct Verdicts(DashMap<OutsideUse, Option<LibraryMistakeKind>>);

/// Who asks more forgets what was: a workspace that is edited for long asks for what is no longer there.
const MAX_VERDICTS: usize = 200_000;

impl Verdicts {
    fn knows(&self, used: &OutsideUse) -> bool {
        self.0.contains_key(used)
    }

    fn mistake(&self, used: &OutsideUse) -> Option<LibraryMistakeKind> {
        self.0.get(used)?.clone()
    }

    fn remember(&self, used: &OutsideUse, mistake: Option<LibraryMistakeKind>) {
        if self.0.len() >= MAX_VERDICTS {
            self.0.clear();
        }
        self.0.insert(used.clone(), mistake);
    }
}

/// Judges uses of libraries, and reads what has to be known for that.
fn judge(libraries: &dyn Libraries, mut pending: FxHashSet<&OutsideUse>) {
    let mut asked: FxHashSet<Name> = FxHashSet::default();
    for _ in 0..MAX_ROUNDS {
        if pending.is_empty() {
            return;
        }
        let analysis = libraries.analysis();
        let mut surface = Surface::new(&analysis, libraries);
        let mut needs: FxHashSet<Name> = FxHashSet::default();
        let mut open = FxHashSet::default();
        for used in pending {
            surface.needs.clear();
            let mistake = surface.judge(used);
            if surface.needs.iter().all(|path| asked.contains(path)) {
                // What is still not known cannot be.
                libraries.verdicts().remember(used, mistake.filter(|_| surface.needs.is_empty()));
            } else {
                needs.extend(surface.needs.drain(..));
                open.insert(used);
            }
        }
        for path in needs {
            if asked.insert(path) {
                read_path(libraries, &path);
            }
        }
        pending = open;
    }
    pending.into_iter().for_each(|used| libraries.verdicts().remember(used, None));
}

/// Reads the modules among the beginnings of a dotted path.
fn read_path(libraries: &dyn Libraries, path: &str) {
    let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
    for end in ends {
        if read(libraries, &path[..end]) == LibraryModule::Absent {
            return;
        }
    }
}

fn read(libraries: &dyn Libraries, module: &str) -> LibraryModule {
    libraries.read(&[module]).first().copied().unwrap_or(LibraryModule::Absent)
}

/// What is at the end of a way.
#[derive(Clone, Debug)]
enum Answer {
    Found(Types),
    /// The last name of the way is not there.
    Lacks(String, Name),
    Unknown,
}

struct Surface<'a> {
    analysis: &'a Analysis,
    libraries: &'a dyn Libraries,
    evaluator: Evaluator<'a>,
    known: FxHashMap<OutsidePath, Answer>,
    /// Modules without which the present question has no answer.
    needs: Vec<Name>,
}

impl<'a> Surface<'a> {
    fn new(analysis: &'a Analysis, libraries: &'a dyn Libraries) -> Self {
        Surface { analysis, libraries, evaluator: analysis.evaluator(), known: FxHashMap::default(), needs: Vec::new() }
    }

    fn judge(&mut self, used: &OutsideUse) -> Option<LibraryMistakeKind> {
        if let OutsideUseKind::Module = used.kind {
            return self.lacks_module(used.path.module);
        }
        let answer = self.follow(&used.path);
        match (&used.kind, answer) {
            (OutsideUseKind::Import, Answer::Lacks(owner, name)) => {
                Some(LibraryMistakeKind::MissingName { owner, name: name.to_string() })
            }
            (OutsideUseKind::Member, Answer::Lacks(owner, name)) => {
                Some(LibraryMistakeKind::MissingMember { owner, name: name.to_string() })
            }
            (OutsideUseKind::Call(arguments), Answer::Found(callees)) => {
                self.misfit(&callees, arguments).or_else(|| self.deprecation(&used.path))
            }
            (OutsideUseKind::Import | OutsideUseKind::Member, Answer::Found(_)) => self.deprecation(&used.path),
            _ => None,
        }
    }

    /// Where every definition of the name is deprecated: each overload, each that some version of Python has.
    fn deprecation(&mut self, path: &OutsidePath) -> Option<LibraryMistakeKind> {
        let def = *self.definitions(path).first()?;
        let symbol = self.symbol(def);
        if !symbol.flags.is_deprecated {
            return None;
        }
        let symbols = &self.analysis.snapshot.world().summary(def.unit).symbols;
        let mut others = symbols.iter().filter(|other| (other.parent, other.name) == (symbol.parent, symbol.name));
        if !others.all(|other| other.flags.is_deprecated) {
            return None;
        }
        let symbol = self.analysis.symbol(self.analysis.id(def));
        Some(LibraryMistakeKind::Deprecated { name: symbol.local_name(), reason: symbol.deprecation()? })
    }

    fn lacks_module(&mut self, module: Name) -> Option<LibraryMistakeKind> {
        let (package, _) = module.rsplit_once('.')?;
        let is_known = read(self.libraries, package) == LibraryModule::Read;
        if !is_known || read(self.libraries, &module) != LibraryModule::Absent {
            return None;
        }
        let ModuleRef::File(file) = self.analysis.snapshot.modules.get(Name::new(package)) else {
            // Read just now.
            self.needs.push(Name::new(package));
            return None;
        };
        let text = self.analysis.source(file).text();
        // Some packages make modules while they are imported, or look for them elsewhere.
        let is_made = ["modules", "__path__", "meta_path", "__getattr__"].iter().any(|way| text.contains(way));
        (!is_made || self.is_stub(file)).then(|| LibraryMistakeKind::MissingModule { module: module.to_string() })
    }

    /// What the way leads to.
    fn follow(&mut self, path: &OutsidePath) -> Answer {
        if let Some(known) = self.known.get(path) {
            return known.clone();
        }
        let answer = match path.steps.split_last() {
            None => self.module(path.module),
            Some((&last, rest)) => {
                match self.follow(&OutsidePath { module: path.module, steps: rest.to_vec() }) {
                    Answer::Found(types) => self.step(&types, last),
                    // Said where it stands.
                    Answer::Lacks(..) | Answer::Unknown => Answer::Unknown,
                }
            }
        };
        if self.needs.is_empty() {
            self.known.insert(path.clone(), answer.clone());
        }
        answer
    }

    /// The step from each of the values: what is not there is there for none of them.
    fn step(&mut self, values: &Types, step: Step) -> Answer {
        let (mut found, mut lacks, mut is_unknown) = (Types::none(), None, false);
        for typed in values.iter().filter(|typed| !is_none(&typed.value)) {
            let answer = match step {
                Step::Member(name) => self.member(&typed.value, name),
                Step::Call => self.called(&typed.value),
                Step::Instance => self.instance(&typed.value),
            };
            match answer {
                Answer::Found(types) if !types.is_empty() => found.extend(types),
                Answer::Found(_) | Answer::Unknown => is_unknown = true,
                Answer::Lacks(owner, name) => _ = lacks.get_or_insert((owner, name)),
            }
        }
        match lacks {
            _ if is_unknown => Answer::Unknown,
            Some((owner, name)) if found.is_empty() => Answer::Lacks(owner, name),
            _ if found.is_empty() => Answer::Unknown,
            _ => Answer::Found(found),
        }
    }

    fn member(&mut self, value: &Value, name: Name) -> Answer {
        match value {
            Value::Module(file) => self.member_of_module(*file, name),
            Value::Namespace(package) => self.submodule(*package, name).unwrap_or(Answer::Unknown),
            Value::Class(class) => self.member_of_class(*class, name, false),
            Value::Instance(class) => self.member_of_class(*class, name, true),
            Value::Builtin(class) => match self.built_in(*class) {
                Some(class) => self.member_of_built_in(class, name),
                None => Answer::Unknown,
            },
            Value::External(path) => self.unread(*path),
            _ => Answer::Unknown,
        }
    }

    fn symbol(&self, def: Def) -> &'a SymbolFacts {
        self.analysis.snapshot.world().summary(def.unit).symbol(def.symbol)
    }
}

fn is_none(value: &Value) -> bool {
    matches!(value, Value::Builtin(name) if name.as_str() == "None")
}

fn external(value: &Value) -> Option<Name> {
    match value {
        Value::External(path) => Some(*path),
        _ => None,
    }
}

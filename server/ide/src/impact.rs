//! What a change of a symbol would touch, and which tests would notice.
//!
//! A breadth-first walk against the direction of the calls. It follows every confidence, `possible` included: a test too
//! many costs a second, a test too few costs the trust in the answer. Where something runs without a call in the text, the
//! walk looks further; where it cannot, it says that its answer is a lower bound.

mod import_time;
mod values;

use std::collections::VecDeque;

use graph::{Analysis, Call, CallSite, EdgeKind, FileId, Site, Symbol, SymbolId, SymbolKind};
use rustc_hash::{FxHashMap, FxHashSet};
use syntax::TextRange;

use crate::collection::is_test_function;
use crate::fixtures::{Requests, is_fixture};
use import_time::ImportTime;
pub(crate) use import_time::kept;
use values::Values;

/// How much a walk looks at. Where that is not enough, its answer is a lower bound.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Definitions that are reached.
    pub definitions: usize,
    /// Searches by name, each in every file that mentions the name: for those who hand a function on as a value.
    pub searches: usize,
}

impl Effort {
    /// Where an answer is to be complete.
    pub const fn thorough(definitions: usize) -> Self {
        Effort { definitions, searches: 512 }
    }

    /// Where somebody waits for it: in a hover or a lens.
    pub const fn quick(definitions: usize) -> Self {
        Effort { definitions, searches: 24 }
    }
}

/// Decorators of one function that are looked through.
const MAX_WRAPPERS: usize = 3;

/// What can run a symbol, directly or through others. Of what is defined inside the symbol only tests are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Test functions and methods, nearest first.
    pub tests: Vec<SymbolId>,
    /// How many functions and methods that are not tests.
    pub functions: usize,
    /// How many modules those functions are in; modules whose own statements reach the symbol count too.
    pub modules: usize,
    /// Whether the walk ended by itself. Otherwise every number here is a lower bound.
    pub complete: bool,
    /// Methods that are called like tests, of classes that are not collected: classes that inherit from them may be.
    pub(crate) inherited: Vec<SymbolId>,
    /// The modules whose own statements reach the symbol.
    pub(crate) loaders: Vec<SymbolId>,
    /// For each definition that was reached, the next one on a shortest way to the symbol.
    towards: FxHashMap<SymbolId, SymbolId>,
}

impl Reach {
    /// Why `from` is reached: a shortest chain of callers, from `from` to the changed symbol or what is defined inside it.
    pub fn path(&self, from: SymbolId) -> Vec<SymbolId> {
        std::iter::successors(Some(from), |at| self.towards.get(at).copied()).collect()
    }

    /// All definitions that were reached, in no order.
    pub(crate) fn reached(&self) -> impl Iterator<Item = SymbolId> + '_ {
        self.towards.keys().copied()
    }

    /// What stands before a number that may be too small.
    pub(crate) fn at_least(&self) -> &'static str {
        if self.complete { "" } else { "at least " }
    }
}

/// Everything that reaches `symbol` through calls, as far as the effort goes.
///
/// For a class or a module, what reaches any function defined inside it; for a variable, what reaches its uses.
pub fn tests_reaching(analysis: &Analysis, symbol: SymbolId, effort: Effort) -> Reach {
    reaching(analysis, &[symbol], effort)
}

/// Everything that reaches one of `symbols`, as [`tests_reaching`] has it.
pub(crate) fn reaching(analysis: &Analysis, symbols: &[SymbolId], effort: Effort) -> Reach {
    let starts: FxHashSet<SymbolId> = symbols.iter().copied().collect();
    let mut seen: FxHashSet<SymbolId> = FxHashSet::default();
    let inside = symbols.iter().flat_map(|&symbol| with_descendants(analysis, symbol));
    let inside: Vec<SymbolId> = inside.filter(|&id| seen.insert(id)).collect();
    let mut reach = Reach::default();
    for &id in &inside {
        let view = analysis.symbol(id);
        if is_test_function(analysis, &view) {
            reach.tests.push(id);
        } else if is_inheritable_test(&view) {
            reach.inherited.push(id);
        }
    }
    let is_code = |id: &SymbolId| starts.contains(id) || !is_variable(&analysis.symbol(*id));
    let mut walk = Walk::new(analysis, &starts, effort.searches);
    let mut queue: VecDeque<SymbolId> = inside.into_iter().filter(is_code).collect();
    let mut modules = FxHashSet::default();
    let mut looked_at = 0;
    while let Some(at) = queue.pop_front() {
        if looked_at == effort.definitions {
            walk.complete = false;
            break;
        }
        looked_at += 1;
        for user in walk.users(at) {
            if !seen.insert(user) {
                continue;
            }
            reach.towards.insert(user, at);
            queue.push_back(user);
            let view = analysis.symbol(user);
            if is_test_function(analysis, &view) {
                reach.tests.push(user);
            } else if matches!(view.kind, SymbolKind::Function | SymbolKind::Method) {
                reach.functions += 1;
                modules.insert(user.file);
                if is_inheritable_test(&view) {
                    reach.inherited.push(user);
                }
            } else if view.kind == SymbolKind::Module {
                modules.insert(user.file);
                reach.loaders.push(user);
            }
        }
    }
    reach.modules = modules.len();
    reach.complete = walk.complete;
    reach
}

/// The definitions that mention `symbol`, but in an import.
pub(crate) fn mentions(analysis: &Analysis, symbol: SymbolId) -> Vec<SymbolId> {
    Walk::new(analysis, &FxHashSet::default(), 1).who_names(symbol)
}

/// A method that Python calls for an operator or a protocol, where no call stands in the text: `__add__`, `__iter__`.
pub(crate) fn runs_unseen(symbol: &Symbol<'_>) -> bool {
    let is_special = symbol.name.starts_with("__") && symbol.name.ends_with("__");
    symbol.kind == SymbolKind::Method && is_special && !matches!(symbol.name, "__init__" | "__new__" | "__call__")
}

fn is_inheritable_test(symbol: &Symbol<'_>) -> bool {
    symbol.kind == SymbolKind::Method && symbol.name.starts_with("test")
}

/// A method or function that pytest or unittest runs around tests, by its name.
fn is_set_up(symbol: &Symbol<'_>) -> bool {
    match symbol.kind {
        SymbolKind::Method => {
            let unittest = ["setUp", "tearDown", "setUpClass", "tearDownClass", "asyncSetUp", "asyncTearDown"];
            let pytest = ["setup_method", "teardown_method", "setup_class", "teardown_class"];
            unittest.contains(&symbol.name) || pytest.contains(&symbol.name)
        }
        SymbolKind::Function => {
            let unittest = ["setUpModule", "tearDownModule"];
            let pytest = ["setup_module", "teardown_module", "setup_function", "teardown_function"];
            unittest.contains(&symbol.name) || pytest.contains(&symbol.name)
        }
        _ => false,
    }
}

fn is_variable(symbol: &Symbol<'_>) -> bool {
    matches!(symbol.kind, SymbolKind::Variable | SymbolKind::Attribute)
}

/// Whether what is called at a place got there as a value: under another name than its own.
fn is_by_value(analysis: &Analysis, symbol: &Symbol<'_>, site: &CallSite) -> bool {
    let is_special = symbol.name.starts_with("__") && symbol.name.ends_with("__");
    symbol.kind.is_function()
        && !is_special
        && matches!(site.kind, EdgeKind::Call | EdgeKind::Callback)
        && analysis.source(site.file).slice(site.range) != symbol.name
}

struct Walk<'a> {
    analysis: &'a Analysis,
    starts: &'a FxHashSet<SymbolId>,
    /// How many more there may be.
    searches: usize,
    /// By file, as [`Analysis::calling_files`] has them.
    calling: FxHashMap<FileId, FxHashMap<SymbolId, Vec<FileId>>>,
    requests: Option<Requests>,
    import_time: ImportTime,
    values: Values,
    complete: bool,
}

impl<'a> Walk<'a> {
    fn new(analysis: &'a Analysis, starts: &'a FxHashSet<SymbolId>, searches: usize) -> Self {
        Walk {
            analysis,
            starts,
            searches,
            calling: FxHashMap::default(),
            requests: None,
            import_time: ImportTime::default(),
            values: Values::default(),
            complete: true,
        }
    }

    /// Who uses a variable, or runs a function. Beyond its callers these are:
    /// - the definition around a nested function or a lambda: it is run by a value that travels, and there the way begins;
    ///   for the same reason who names a symbol that the walk started with, without calling it;
    /// - who reads a property;
    /// - the callers of an abstract method that it implements: they mean one of the implementations;
    /// - the tests and fixtures that pytest calls a fixture for, and the tests of a file whose statements are reached;
    /// - the tests that a method such as `setUp` prepares, those of subclasses too.
    fn users(&mut self, id: SymbolId) -> Vec<SymbolId> {
        let analysis = self.analysis;
        let symbol = analysis.symbol(id);
        let mut users: Vec<SymbolId> = self.callers(id);
        if is_variable(&symbol) || symbol.flags.is_property || (self.starts.contains(&id) && symbol.kind.is_function())
        {
            users.extend(self.who_names(id));
        }
        users.extend(self.handed_on(id, &symbol));
        if symbol.kind.is_function()
            && let Some(parent) = symbol.parent
            && analysis.symbol(parent).kind.is_function()
        {
            users.push(parent);
        }
        if symbol.kind == SymbolKind::Method {
            // Whoever runs an operator of a class that the walk started with has made an instance of it, or got one from
            // somebody who did.
            self.complete &= !runs_unseen(&symbol) || symbol.parent.is_some_and(|class| self.starts.contains(&class));
            for implemented in analysis.overridden(id) {
                let flags = analysis.symbol(implemented).flags;
                if flags.is_abstract || flags.is_stub {
                    users.extend(self.callers(implemented));
                }
            }
        }
        if is_fixture(analysis, &symbol) {
            let requests = self.requests.get_or_insert_with(|| Requests::of(analysis));
            users.extend(requests.of_fixture(analysis, id));
        }
        if let Some(around) = symbol.parent.filter(|_| is_set_up(&symbol)) {
            let mut classes = vec![around];
            while let Some(class) = classes.pop() {
                users.extend(
                    analysis.children(class).into_iter().filter(|&id| is_test_function(analysis, &analysis.symbol(id))),
                );
                classes.extend(analysis.subclasses(class));
            }
        }
        if symbol.kind == SymbolKind::Module {
            users.extend(
                analysis.symbols(id.file).into_iter().filter(|&id| is_test_function(analysis, &analysis.symbol(id))),
            );
        }
        users
    }

    /// Who hands on a function, or the class that a constructor belongs to, as a value: it may be called by whoever gets it.
    fn handed_on(&mut self, id: SymbolId, symbol: &Symbol<'_>) -> Vec<SymbolId> {
        let is_special = symbol.name.starts_with("__") && symbol.name.ends_with("__");
        let value = match symbol.kind {
            SymbolKind::Method if matches!(symbol.name, "__init__" | "__new__") => symbol.parent,
            SymbolKind::Function | SymbolKind::Method if !is_special => Some(id),
            _ => None,
        };
        let Some(value) = value.filter(|_| !is_test_function(self.analysis, symbol)) else { return Vec::new() };
        self.sites_of(value, Analysis::references_where_handed_on, |values, analysis, site| {
            values.contain(analysis, site)
        })
    }

    /// The definitions that mention `id`, but in an import.
    fn who_names(&mut self, id: SymbolId) -> Vec<SymbolId> {
        self.sites_of(id, Analysis::references, |_, _, _| true)
    }

    fn sites_of(
        &mut self,
        id: SymbolId,
        uses: fn(&Analysis, SymbolId) -> Vec<Site>,
        is_wanted: impl Fn(&mut Values, &Analysis, &Site) -> bool,
    ) -> Vec<SymbolId> {
        let Some(searches) = self.searches.checked_sub(1) else {
            self.complete = false;
            return Vec::new();
        };
        self.searches = searches;
        let mut imports: FxHashMap<FileId, FxHashSet<TextRange>> = FxHashMap::default();
        let analysis = self.analysis;
        let mut is_import = |site: &Site| {
            let ranges = || analysis.imports(site.file).into_iter().map(|import| import.range).collect();
            imports.entry(site.file).or_insert_with(ranges).contains(&site.range)
        };
        let mut sites = uses(analysis, id);
        sites.retain(|site| !is_import(site) && is_wanted(&mut self.values, analysis, site));
        let keepers = |site: &Site| self.import_time.keepers(analysis, site.file, site.range, site.within);
        // A variable is named where it is assigned.
        sites.iter().flat_map(keepers).filter(|&user| user != id).collect()
    }

    /// Who calls `id`: where that is done while a module is imported, who keeps what comes of it. Where it got to its caller as a
    /// value, as a wrapped function or a callback does, who names it: others that come to the caller bring values of their own.
    fn callers(&mut self, id: SymbolId) -> Vec<SymbolId> {
        let mut users = Vec::new();
        let symbol = self.analysis.symbol(id);
        let mut named: Option<Vec<SymbolId>> = None;
        for call in self.calls_of(id) {
            for site in &call.sites {
                if is_by_value(self.analysis, &symbol, site) {
                    let named = named.get_or_insert_with(|| self.who_names(id));
                    let in_its_name = self.callers_by(call.other, symbol.name, MAX_WRAPPERS);
                    if !named.is_empty() || !in_its_name.is_empty() {
                        users.extend(named.iter().copied().chain(in_its_name));
                        continue;
                    }
                }
                users.extend(self.import_time.keepers(self.analysis, site.file, site.range, call.other));
            }
        }
        users
    }

    fn calls_of(&mut self, id: SymbolId) -> Vec<Call> {
        let calling = self.calling.entry(id.file).or_insert_with(|| self.analysis.calling_files(id.file));
        let files = calling.get(&id).into_iter().flatten().copied();
        self.analysis.callers_from(id, files)
    }

    /// Who calls `wrapper`, or what wraps that again, by the name of what is wrapped.
    fn callers_by(&mut self, wrapper: SymbolId, name: &str, depth: usize) -> Vec<SymbolId> {
        let mut users = Vec::new();
        for call in self.calls_of(wrapper) {
            for site in &call.sites {
                if self.analysis.source(site.file).slice(site.range) == name {
                    users.extend(self.import_time.keepers(self.analysis, site.file, site.range, call.other));
                } else if depth > 0 && call.other != wrapper {
                    users.extend(self.callers_by(call.other, name, depth - 1));
                }
            }
        }
        users
    }
}

/// `symbol` and everything defined inside it, outermost first.
pub fn with_descendants(analysis: &Analysis, symbol: SymbolId) -> Vec<SymbolId> {
    let mut inside = vec![symbol];
    let mut seen = FxHashSet::from_iter([symbol]);
    for candidate in analysis.symbols(symbol.file) {
        let parent = analysis.symbol(candidate).parent;
        if parent.is_some_and(|parent| seen.contains(&parent)) && seen.insert(candidate) {
            inside.push(candidate);
        }
    }
    inside
}

#[cfg(test)]
mod tests;

//! The tests that a change may break, the likeliest first.

mod by_name;
mod collected_again;
mod computed;
mod fallback;

use std::cmp::Reverse;
use std::collections::VecDeque;

use graph::{Analysis, FileId, SymbolId, SymbolKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::changes::{Changes, Earlier, changes};
use crate::collection::{is_collected, is_test_function};
use crate::impact::{Effort, Reach, reaching, with_descendants};
use crate::runnables::main_block;

pub use fallback::widen;

/// How many definitions are counted that one test reaches. Beyond it tests are taken to be equally wide.
const MAX_WIDTH: usize = 64;

/// What a change affects; see [`affected`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affected {
    pub tests: Vec<AffectedTest>,
    /// The definitions and modules that differ, by file and place.
    pub changed: Vec<SymbolId>,
    /// Changed definitions that no test is known to reach, in the same order: none calls them, none loads a module for what its
    /// statements do. That nobody sees a way does not say that there is none.
    pub unreached: Vec<SymbolId>,
    /// Whether every way was followed to its end.
    pub is_followed: bool,
}

impl Affected {
    /// Whether every way was followed to its end, and a test reaches everything that changed. Otherwise there may be more tests.
    pub fn is_complete(&self) -> bool {
        self.is_followed && self.unreached.is_empty()
    }
}

/// A test that reaches what changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AffectedTest {
    /// A function or method; a class where it inherits the tests that are meant.
    pub test: SymbolId,
    /// Why: from the test to what changed, each the one that uses the next. Only the test where it has changed itself.
    pub via: Vec<SymbolId>,
    pub step: Step,
    pub record: TestRecord,
}

/// How far one had to go to find a test: the surest ways first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// It runs what has changed, by calls that are known.
    Calls,
    /// It runs something that calls by the name of what has changed, on a value that nobody knows or by a name that is computed.
    Name,
    /// It loads a module whose statements have changed or run what has changed.
    Imports,
    /// No test is known to reach some of what has changed; this one loads its module.
    Module,
    /// As `Module`, where none loads it either; this one loads a module of the same package.
    Package,
    /// As `Package`, where none does that; this one speaks of the file or its folder: `FOLDER / "data"`.
    Data,
    /// As `Package`, and no test is affected otherwise.
    All,
}

impl Step {
    /// In a few words, for a list of tests; nothing where the way itself says enough.
    pub fn label(self) -> Option<&'static str> {
        match self {
            Step::Calls => None,
            Step::Name => Some("by name"),
            Step::Imports => Some("by import"),
            Step::Data => Some("by file name"),
            Step::Module => Some("loads the module"),
            Step::Package => Some("loads the package"),
            Step::All => Some("any test"),
        }
    }

    /// In one word, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Step::Calls => "calls",
            Step::Name => "name",
            Step::Imports => "imports",
            Step::Data => "data",
            Step::Module => "module",
            Step::Package => "package",
            Step::All => "all",
        }
    }
}

/// What earlier runs say about a test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TestRecord {
    /// It failed when it was last run.
    pub failed: bool,
    /// Whether it executed any of what has changed when it was last run; `None` if that is not known.
    pub executed: Option<bool>,
}

/// The tests that reach what differs from `before`, as far as the effort goes. First those that failed the
/// last time, according to the records that `history` has once it is told what has changed; then those that executed what
/// has changed, and last of all those that did not: what a test executes may change, so that they are not left out. Of
/// each kind first those that are fewest calls away from the change; of these, those that reach the least besides; then by
/// file and place. A module whose statements have changed affects what imports it, and a
/// `conftest.py` the tests below its folder. What was only written differently affects nothing.
pub fn affected<R: Fn(SymbolId) -> TestRecord>(
    analysis: &Analysis,
    before: &[Earlier],
    history: impl FnOnce(&[SymbolId]) -> R,
    effort: Effort,
) -> Affected {
    let Changes { symbols, gone, modules } = changes(analysis, before);
    let record = history(&symbols);
    let mut starts = symbols.clone();
    starts.extend(symbols.iter().flat_map(|&symbol| overloads(analysis, symbol)));
    starts.extend(modules.iter().map(|&file| analysis.module(file)));
    for (owner, name) in &gone {
        starts.extend(analysis.users_of_gone(*owner, name));
        starts.extend(inherited(analysis, *owner, name));
    }
    let reach = reaching(analysis, &starts, effort);
    let mut found: Vec<(usize, AffectedTest)> = Vec::new();
    let mut seen: FxHashSet<SymbolId> = FxHashSet::default();
    let mut add = |test: SymbolId, via: Vec<SymbolId>| {
        if seen.insert(test) {
            found.push((via.len(), AffectedTest { test, via, step: Step::Calls, record: record(test) }));
        }
    };
    for &test in &reach.tests {
        add(test, reach.path(test));
    }
    for &test in &reach.inherited {
        for class in collected_subclasses(analysis, test) {
            add(class, [class].into_iter().chain(reach.path(test)).collect());
        }
    }
    // What nobody knows the receiver of may be one of the methods: less likely than what is known to call them.
    let far = found.iter().map(|(distance, _)| *distance).max().unwrap_or_default();
    let reached = nearest_first(analysis, &starts, &reach);
    let by_name = by_name::tests(analysis, &reached, effort);
    for (test, way) in by_name.tests {
        if seen.insert(test) {
            let method = way.last().copied();
            let via: Vec<SymbolId> =
                way.into_iter().chain(method.iter().flat_map(|&it| reach.path(it)).skip(1)).collect();
            found.push((far + via.len(), AffectedTest { test, via, step: Step::Name, record: record(test) }));
        }
    }
    // What is imported is at work in everything that follows: these come last.
    let far = found.iter().map(|(distance, _)| *distance).max().unwrap_or_default();
    let loaders = reach.loaders.iter().filter(|&&module| runs_when_imported(analysis, &reach, module));
    let loaded: Vec<FileId> = modules.iter().copied().chain(loaders.map(|module| module.file)).collect();
    for mut via in Loaded::by(analysis, &loaded).tests(analysis) {
        let (test, distance) = (via[0], via.len() - 1);
        if seen.insert(test) {
            // Why the module at the end is another one.
            let why = via.last().map(|&module| reach.path(module)).unwrap_or_default();
            via.extend(why.into_iter().skip(1));
            found.push((far + distance, AffectedTest { test, via, step: Step::Imports, record: record(test) }));
        }
    }
    let place = |id: SymbolId| (analysis.path(id.file), analysis.symbol(id).range.start());
    collected_again::add(analysis, &mut found, &mut seen, &record);
    found.sort_by_cached_key(|(distance, it)| {
        (
            Reverse(it.record.failed),
            match it.record.executed {
                Some(true) => 0,
                None => 1,
                Some(false) => 2,
            },
            *distance,
            width(analysis, it.test),
            analysis.path(it.test.file).to_path_buf(),
            place(it.test).1,
        )
    });
    let mut changed = symbols.clone();
    changed.extend(modules.iter().map(|&file| analysis.module(file)));
    changed.extend(gone.iter().map(|(owner, _)| *owner));
    changed.sort_by_key(|&id| place(id));
    changed.dedup();
    let tests: Vec<AffectedTest> = found.into_iter().map(|(_, test)| test).collect();
    let changed_now = symbols.into_iter().chain(modules.iter().map(|&file| analysis.module(file)));
    let mut unreached = fallback::unreached(analysis, &tests, changed_now.collect(), effort);
    unreached.sort_by_key(|&id| (place(id), id));
    unreached.dedup();
    Affected { tests, changed, unreached, is_followed: reach.complete && by_name.is_followed }
}

/// The tests of files that load one of `modules` when they are imported, or that pytest imports with it: the nearest first. They
/// may run what these define in ways that nobody can follow.
pub fn tests_loading(analysis: &Analysis, modules: &[FileId]) -> Vec<SymbolId> {
    let mut ways: Vec<Vec<SymbolId>> = Loaded::by(analysis, modules).tests(analysis).collect();
    // Those of a file stay in their order.
    ways.sort_by_cached_key(|way| (way.len(), analysis.path(way[0].file).to_path_buf()));
    ways.into_iter().map(|way| way[0]).collect()
}

/// What has changed and all that was reached: the nearest first, of the same distance by file and place.
fn nearest_first(analysis: &Analysis, starts: &[SymbolId], reach: &Reach) -> Vec<SymbolId> {
    let place = |id: SymbolId| (analysis.path(id.file).to_path_buf(), analysis.symbol(id).range.start());
    let changed = starts.iter().flat_map(|&start| with_descendants(analysis, start));
    let mut all: Vec<SymbolId> = changed.chain(reach.reached()).collect();
    all.sort_unstable();
    all.dedup();
    all.sort_by_cached_key(|&id| (reach.path(id).len(), place(id)));
    all
}

/// Whether `module` reaches what changed when it is imported, and not only as a script.
fn runs_when_imported(analysis: &Analysis, reach: &Reach, module: SymbolId) -> bool {
    let Some(main) = main_block(analysis, module.file) else { return true };
    let Some(&next) = reach.path(module).get(1) else { return true };
    let calls = analysis.callers(next).into_iter().find(|call| call.other == module);
    calls.is_none_or(|call| call.sites.iter().any(|site| !main.range.contains_range(site.range)))
}

/// What stands for a function where it is called: its overloads, which have no code of their own.
fn overloads(analysis: &Analysis, function: SymbolId) -> Vec<SymbolId> {
    let symbol = analysis.symbol(function);
    let Some(parent) = symbol.parent.filter(|_| symbol.kind.is_function()) else { return Vec::new() };
    let is_overload = |id: &SymbolId| {
        let other = analysis.symbol(*id);
        other.name == symbol.name && other.flags.is_overload && *id != function
    };
    analysis.children(parent).into_iter().filter(is_overload).collect()
}

/// What is called instead of the method `name` that the class `owner` has no longer.
fn inherited(analysis: &Analysis, owner: SymbolId, name: &str) -> Vec<SymbolId> {
    let ancestors = analysis.ancestors(owner).into_iter();
    let members = ancestors.flat_map(|ancestor| analysis.children(ancestor));
    members.filter(|&member| analysis.symbol(member).name == name).collect()
}

/// The collected classes that inherit a test method, or what a class has.
fn collected_subclasses(analysis: &Analysis, of: SymbolId) -> Vec<SymbolId> {
    let symbol = analysis.symbol(of);
    let mut pending: Vec<SymbolId> =
        if symbol.kind == SymbolKind::Class { vec![of] } else { symbol.parent.into_iter().collect() };
    let mut seen: FxHashSet<SymbolId> = FxHashSet::default();
    let mut found = Vec::new();
    while let Some(class) = pending.pop() {
        for subclass in analysis.subclasses(class).into_iter().filter(|&subclass| seen.insert(subclass)) {
            if is_collected(analysis, &analysis.symbol(subclass)) {
                found.push(subclass);
            }
            pending.push(subclass);
        }
    }
    found
}

fn tests_of(analysis: &Analysis, file: FileId) -> Vec<SymbolId> {
    analysis.symbols(file).into_iter().filter(|&id| is_test_function(analysis, &analysis.symbol(id))).collect()
}

/// How many definitions the test reaches.
fn width(analysis: &Analysis, test: SymbolId) -> usize {
    let mut seen = FxHashSet::from_iter([test]);
    let mut pending = vec![test];
    while let Some(at) = pending.pop() {
        for call in analysis.callees(at) {
            if seen.len() == MAX_WIDTH {
                return MAX_WIDTH;
            }
            if seen.insert(call.other) {
                pending.push(call.other);
            }
        }
    }
    seen.len()
}

/// The files that load some modules when they are imported, or run by pytest.
struct Loaded {
    /// For each file the next one on a shortest way to one of the modules; for these themselves.
    towards: FxHashMap<FileId, FileId>,
}

impl Loaded {
    fn by(analysis: &Analysis, modules: &[FileId]) -> Self {
        let mut towards: FxHashMap<FileId, FileId> = modules.iter().map(|&file| (file, file)).collect();
        let mut pending: VecDeque<FileId> = modules.iter().copied().collect();
        while let Some(file) = pending.pop_front() {
            let path = analysis.path(file);
            let mut users = analysis.importers(file);
            // pytest loads these, and Python the packages around what it imports.
            let is_around = path.ends_with("conftest.py") || path.ends_with("__init__.py");
            if let Some(folder) = path.parent().filter(|_| is_around) {
                users.extend(analysis.files().filter(|&other| analysis.path(other).starts_with(folder)));
            }
            for user in users {
                towards.entry(user).or_insert_with(|| {
                    pending.push_back(user);
                    file
                });
            }
        }
        Loaded { towards }
    }

    /// The tests of all files that load one of the modules, each with the modules on the way from its file to that one.
    fn tests(&self, analysis: &Analysis) -> impl Iterator<Item = Vec<SymbolId>> {
        let files = analysis.files().filter_map(|file| Some((file, self.chain(file)?)));
        files.flat_map(move |(file, chain)| {
            let modules: Vec<SymbolId> = chain.into_iter().map(|file| analysis.module(file)).collect();
            let tests = tests_of(analysis, file).into_iter();
            tests.map(move |test| [&[test], &modules[..]].concat())
        })
    }

    /// From the file to the module that it loads; nothing for one that loads none of them.
    fn chain(&self, file: FileId) -> Option<Vec<FileId>> {
        let mut chain = vec![file];
        loop {
            let last = *chain.last()?;
            let next = *self.towards.get(&last)?;
            if next == last {
                return Some(chain);
            }
            chain.push(next);
        }
    }
}

#[cfg(test)]
mod tests;

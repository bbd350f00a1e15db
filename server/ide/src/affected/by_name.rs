//! Tests that run what was reached by its name alone: on a value that nobody knows, or by a name that is put together.
//!
//! A method runs only on an object of its class. A test that has not come by anything which makes one, or hands the class on,
//! calls another method of the name, of a library's as a rule. The idea is that of rapid type analysis (Bacon and Sweeney, 1996),
//! for each test instead of the whole program, and with every mention of the class for its instances.

use std::collections::BTreeMap;

use graph::{Analysis, FileId, SymbolId, SymbolKind};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Loaded, computed, tests_of};
use crate::collection::is_test_function;
use crate::impact::{Effort, Reach, mentions, reaching};

/// Methods of Python's own types: where the receiver is not known, it mostly is one of these.
const COMMON: [&str; 24] = [
    "add", "append", "clear", "close", "copy", "count", "decode", "encode", "extend", "format", "get", "index",
    "insert", "items", "join", "keys", "pop", "read", "remove", "replace", "split", "update", "values", "write",
];

/// Classes of one name's methods, beyond which nobody looks where they are mentioned.
const MAX_CLASSES: usize = 64;

/// Groups of classes that are looked at one by one; what is called by the names of others is taken as it is.
const MAX_GROUPS: usize = 48;

#[derive(Debug, Default)]
pub(super) struct ByName {
    /// Each with its way: from the test to what has the name.
    pub tests: Vec<(SymbolId, Vec<SymbolId>)>,
    /// Whether every way was followed to its end.
    pub is_followed: bool,
}

/// A definition that calls something by a name, and what of `reached` may be meant: the nearest first.
struct Caller {
    user: SymbolId,
    targets: Vec<SymbolId>,
}

/// The tests that come to something that calls one of `reached`, the nearest first, by its name.
pub(super) fn tests(analysis: &Analysis, reached: &[SymbolId], effort: Effort) -> ByName {
    // Nobody calls a test but who runs tests.
    let is_called = |id: &SymbolId| !is_test_function(analysis, &analysis.symbol(*id));
    let reached: Vec<SymbolId> = reached.iter().copied().filter(is_called).collect();
    let mut groups: BTreeMap<Option<Vec<SymbolId>>, Vec<Caller>> = BTreeMap::new();
    for caller in callers(analysis, &reached) {
        let classes = classes(analysis, &caller.targets);
        let is_single = groups.len() < MAX_GROUPS || groups.contains_key(&classes);
        groups.entry(classes.filter(|_| is_single)).or_default().push(caller);
    }
    groups.entry(None).or_default().extend(called_back(analysis, &reached));
    let mut found = ByName { tests: Vec::new(), is_followed: true };
    let mut seen: FxHashSet<SymbolId> = FxHashSet::default();
    for (classes, callers) in &groups {
        let users: Vec<SymbolId> = callers.iter().map(|caller| caller.user).collect();
        let reach = reaching(analysis, &users, effort);
        found.is_followed &= reach.complete;
        let holders = classes.as_ref().map(|classes| Holders::of(analysis, classes, effort));
        for &test in &reach.tests {
            if holders.as_ref().is_none_or(|holders| holders.contain(test)) && seen.insert(test) {
                let mut way = reach.path(test);
                let caller = callers.iter().find(|caller| way.last() == Some(&caller.user));
                way.extend(caller.and_then(|caller| caller.targets.first()));
                found.tests.push((test, way));
            }
        }
    }
    found
}

/// Whose bases call nothing back that could not be seen.
const HARMLESS: [&str; 6] = ["abc.", "builtins.", "collections.abc.", "enum.", "typing.", "typing_extensions."];

/// Who has an object of a class that a library's class calls back, as `argparse.Action` does with `__call__`: of what nobody in the
/// workspace calls.
fn called_back(analysis: &Analysis, reached: &[SymbolId]) -> Vec<Caller> {
    let mut found: Vec<Caller> = Vec::new();
    let mut users: FxHashMap<SymbolId, Vec<SymbolId>> = FxHashMap::default();
    for &method in reached {
        let symbol = analysis.symbol(method);
        let Some(class) = symbol.parent.filter(|_| symbol.kind == SymbolKind::Method) else { continue };
        let is_foreign = |base: &str| base.contains('.') && !HARMLESS.iter().any(|it| base.starts_with(it));
        if !analysis.external_base(class).is_some_and(is_foreign) || !analysis.callers(method).is_empty() {
            continue;
        }
        if users.len() == MAX_CLASSES && !users.contains_key(&class) {
            break;
        }
        let users = users.entry(class).or_insert_with(|| {
            let mut users = mentions(analysis, class);
            users.retain(|&user| {
                !std::iter::successors(Some(user), |&id| analysis.symbol(id).parent).any(|id| id == class)
            });
            users
        });
        found.extend(users.iter().map(|&user| Caller { user, targets: vec![method] }));
    }
    found
}

/// The classes whose methods are meant, and those that inherit from them; nothing where functions are meant as well, or where
/// there are too many.
fn classes(analysis: &Analysis, targets: &[SymbolId]) -> Option<Vec<SymbolId>> {
    let mut classes: FxHashSet<SymbolId> = FxHashSet::default();
    let mut pending: Vec<SymbolId> = Vec::new();
    for &target in targets {
        let symbol = analysis.symbol(target);
        let class = symbol.parent.filter(|&parent| analysis.symbol(parent).kind == SymbolKind::Class)?;
        pending.push(class);
    }
    while let Some(class) = pending.pop() {
        if classes.insert(class) {
            pending.extend(analysis.subclasses(class));
        }
        if classes.len() > MAX_CLASSES {
            return None;
        }
    }
    let mut classes: Vec<SymbolId> = classes.into_iter().collect();
    classes.sort_unstable();
    Some(classes)
}

/// The tests that come by a mention of some classes: they may have an object of one.
struct Holders {
    tests: FxHashSet<SymbolId>,
    is_followed: bool,
}

impl Holders {
    fn of(analysis: &Analysis, classes: &[SymbolId], effort: Effort) -> Self {
        let is_inside = |id: &SymbolId| {
            std::iter::successors(Some(*id), |&id| analysis.symbol(id).parent).any(|id| classes.contains(&id))
        };
        let mut users: Vec<SymbolId> = classes.iter().flat_map(|&class| mentions(analysis, class)).collect();
        // `getattr(shapes, name)` is a mention too.
        users.extend(computed::users(analysis, classes).into_iter().map(|(user, _)| user));
        users.retain(|user| !is_inside(user));
        // The classes themselves may be tests.
        users.extend(classes.iter().copied().filter(|&class| analysis.symbol(class).flags.is_test));
        users.sort_unstable();
        users.dedup();
        let reach = reaching(analysis, &users, effort);
        let mut holders = Holders { tests: reach.tests.iter().copied().collect(), is_followed: reach.complete };
        holders.add_loaders(analysis, &reach, &users);
        // Whoever makes one may be called by name as well: `register` of a plugin.
        let made_in: Vec<SymbolId> = users.iter().copied().chain(reach.reached()).filter(|id| !is_inside(id)).collect();
        let by_name = callers(analysis, &made_in);
        let further: Vec<SymbolId> = by_name.into_iter().map(|caller| caller.user).collect();
        let further_reach = reaching(analysis, &further, effort);
        holders.tests.extend(&further_reach.tests);
        holders.is_followed &= further_reach.complete;
        holders.add_loaders(analysis, &further_reach, &further);
        holders
    }

    /// What a module makes when it is imported, all have that load it.
    fn add_loaders(&mut self, analysis: &Analysis, reach: &Reach, users: &[SymbolId]) {
        let is_module = |id: &SymbolId| analysis.symbol(*id).kind == SymbolKind::Module;
        let modules = users.iter().copied().filter(is_module).chain(reach.loaders.iter().copied());
        let files: Vec<FileId> = modules.map(|module| module.file).collect();
        if files.is_empty() {
            return;
        }
        let loaded = Loaded::by(analysis, &files);
        for file in analysis.files().filter(|&file| loaded.chain(file).is_some()) {
            self.tests.extend(tests_of(analysis, file));
        }
    }

    fn contain(&self, test: SymbolId) -> bool {
        !self.is_followed || self.tests.contains(&test)
    }
}

/// Words by which one knows who deals with modules as values: `importlib.import_module(name).register(app)`.
const OF_MODULES: [&str; 4] = ["entry_point", "import", "module", "plugin"];

/// Who calls one of `reached`, the nearest first, by its name: a method on what is not known, where a module that has one of the
/// name is loaded; a function on what may be a module; and both by names that are put together.
fn callers(analysis: &Analysis, reached: &[SymbolId]) -> Vec<Caller> {
    let mut methods: FxHashMap<&str, Vec<SymbolId>> = FxHashMap::default();
    let mut functions: FxHashMap<&str, Vec<SymbolId>> = FxHashMap::default();
    for &id in reached {
        let symbol = analysis.symbol(id);
        if symbol.name.starts_with("__") || COMMON.contains(&symbol.name) {
            continue;
        }
        match symbol.kind {
            SymbolKind::Method => methods.entry(symbol.name).or_default().push(id),
            SymbolKind::Function => functions.entry(symbol.name).or_default().push(id),
            _ => {}
        }
    }
    let computed = computed::users(analysis, reached);
    let mut found: Vec<Caller> = computed.into_iter().map(|(user, targets)| Caller { user, targets }).collect();
    let homes: Vec<FileId> = methods.values().flatten().map(|id| id.file).collect();
    let loaded = Loaded::by(analysis, &homes);
    let mut seen: FxHashSet<(SymbolId, &str)> = FxHashSet::default();
    for file in analysis.files() {
        let is_loading = loaded.chain(file).is_some();
        let source = analysis.source(file);
        for (range, outside) in analysis.open_calls(file) {
            let name = source.slice(range);
            let methods = methods.get_key_value(name).filter(|_| is_loading && outside.is_none());
            let functions = functions.get_key_value(name);
            let Some((&name, _)) = methods.or(functions) else { continue };
            let user = analysis.enclosing(file, range.start());
            if !seen.insert((user, name)) {
                continue;
            }
            found.extend(methods.map(|(_, targets)| Caller { user, targets: targets.clone() }));
            let text = || source.slice(analysis.symbol(user).range);
            let functions = functions.filter(|_| OF_MODULES.iter().any(|word| text().contains(word)));
            found.extend(functions.map(|(_, targets)| Caller { user, targets: targets.clone() }));
        }
    }
    found
}

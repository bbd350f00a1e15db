//! Which definitions differ between two states of the workspace, by what their code says: comments, blank lines and places
//! make no difference.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use graph::{Analysis, FileId, ImportKind, SymbolId};
use rustc_hash::{FxHashMap, FxHashSet};
use syntax::ast::comparable::{ComparableArguments, ComparableDecorator, ComparableExpr, ComparableStmt};
use syntax::ast::visitor::{Visitor, walk_expr};
use syntax::ast::{Expr, Stmt, StmtClassDef, StmtFunctionDef};
use syntax::{Parsed, Ranged, TextRange, on_deep_stack, parse};

/// A file whose text differs now, and the text that it had; `None` for one that was not there.
pub type Earlier = (PathBuf, Option<Arc<str>>);

/// What differs.
#[derive(Debug, Default)]
pub struct Changes {
    /// Functions, methods, classes and variables that are new or whose code differs.
    pub symbols: Vec<SymbolId>,
    /// Names that are gone, with the module or class that had them.
    pub gone: Vec<(SymbolId, String)>,
    /// Modules of which statements outside of definitions differ.
    pub modules: Vec<FileId>,
}

/// The differences between `before` and now.
pub fn changes(analysis: &Analysis, before: &[Earlier]) -> Changes {
    let mut changes = Changes::default();
    for (path, before) in before {
        match (analysis.file(path), before) {
            (Some(file), Some(before)) => {
                let now = analysis.source(file).text();
                if now != before {
                    // Without a thread to look with, all of the file counts as changed.
                    let found = on_deep_stack(|| Comparison::new(analysis, file, before).changes());
                    changes.add(found.unwrap_or_else(|| Changes { modules: vec![file], ..Changes::default() }));
                }
            }
            (Some(file), None) => changes.modules.push(file),
            (None, _) => changes.modules.extend(importers_of_removed(analysis, path)),
        }
    }
    changes
}

impl Changes {
    fn add(&mut self, other: Changes) {
        self.symbols.extend(other.symbols);
        self.gone.extend(other.gone);
        self.modules.extend(other.modules);
    }
}

/// The files that still import the module which was at `path`.
fn importers_of_removed(analysis: &Analysis, path: &Path) -> Vec<FileId> {
    let roots = analysis.roots().iter().filter_map(|root| path.strip_prefix(root).ok());
    let names: Vec<String> = roots
        .map(|inside| {
            let inside = if inside.ends_with("__init__.py") { inside.parent() } else { Some(inside) };
            let parts: Vec<_> =
                inside.into_iter().flat_map(|it| it.iter()).map(|part| part.to_string_lossy()).collect();
            parts.join(".").trim_end_matches(".py").to_owned()
        })
        .collect();
    let is_gone = |wanted: &String| {
        // Below `src`, the name is shorter.
        names.iter().any(|name| name == wanted || name.ends_with(&format!(".{wanted}")))
            || names.iter().any(|name| wanted.rsplit_once('.').is_some_and(|(module, _)| module == name))
    };
    let imports_it = |file: &FileId| {
        analysis.imports(*file).iter().any(|import| match &import.kind {
            ImportKind::Unresolved { looked_for } => looked_for.iter().any(is_gone),
            _ => false,
        })
    };
    analysis.files().filter(imports_it).collect()
}

/// The parts of one text that are compared with those of another. Definitions have names: their path, and how many there were
/// of the same before.
#[derive(Default)]
struct Parts<'a> {
    functions: Vec<(Key, &'a Stmt, &'a StmtFunctionDef)>,
    classes: Vec<(Key, &'a StmtClassDef)>,
    /// What stands in a module or class outside of its definitions, by the path of the class.
    statements: FxHashMap<String, Vec<Part<'a>>>,
    seen: FxHashMap<String, usize>,
}

type Key = (String, usize);

/// A statement, or what stands around definitions.
#[derive(Clone, Copy)]
enum Part<'a> {
    Statement(&'a Stmt),
    Condition(&'a Expr),
}

impl Part<'_> {
    fn is_like(self, other: Part<'_>) -> bool {
        match (self, other) {
            (Part::Statement(one), Part::Statement(other)) => ComparableStmt::from(one) == ComparableStmt::from(other),
            (Part::Condition(one), Part::Condition(other)) => ComparableExpr::from(one) == ComparableExpr::from(other),
            _ => false,
        }
    }
}

impl<'a> Parts<'a> {
    fn of(parsed: &'a Parsed) -> Self {
        let mut parts = Parts::default();
        let body = parsed.statements();
        // What a module says of itself is no code.
        let has_docstring =
            body.first().and_then(Stmt::as_expr_stmt).is_some_and(|it| it.value.is_string_literal_expr());
        parts.collect(&body[usize::from(has_docstring)..], "");
        parts
    }

    fn collect(&mut self, body: &'a [Stmt], owner: &str) {
        for statement in body {
            match statement {
                Stmt::FunctionDef(it) => {
                    let key = self.key(owner, &it.name);
                    self.functions.push((key, statement, it));
                }
                Stmt::ClassDef(it) => {
                    let key = self.key(owner, &it.name);
                    let path = key.0.clone();
                    self.classes.push((key, it));
                    self.collect(&it.body, &path);
                }
                Stmt::If(it) if has_definitions(statement) => {
                    self.condition(owner, &it.test);
                    self.collect(&it.body, owner);
                    for clause in &it.elif_else_clauses {
                        clause.test.iter().for_each(|test| self.condition(owner, test));
                        self.collect(&clause.body, owner);
                    }
                }
                Stmt::Try(it) if has_definitions(statement) => {
                    self.collect(&it.body, owner);
                    for handler in it.handlers.iter().filter_map(|handler| handler.as_except_handler()) {
                        handler.type_.iter().for_each(|caught| self.condition(owner, caught));
                        self.collect(&handler.body, owner);
                    }
                    self.collect(&it.orelse, owner);
                    self.collect(&it.finalbody, owner);
                }
                Stmt::With(it) if has_definitions(statement) => {
                    it.items.iter().for_each(|item| self.condition(owner, &item.context_expr));
                    self.collect(&it.body, owner);
                }
                Stmt::Pass(_) => {}
                _ => self.statements.entry(owner.to_owned()).or_default().push(Part::Statement(statement)),
            }
        }
    }

    fn condition(&mut self, owner: &str, expression: &'a Expr) {
        self.statements.entry(owner.to_owned()).or_default().push(Part::Condition(expression));
    }

    fn key(&mut self, owner: &str, name: &str) -> Key {
        let path = if owner.is_empty() { name.to_owned() } else { format!("{owner}.{name}") };
        let count = self.seen.entry(path.clone()).or_default();
        *count += 1;
        (path, *count)
    }
}

/// Whether there is a definition among the statements inside.
fn has_definitions(statement: &Stmt) -> bool {
    let any = |body: &[Stmt]| {
        body.iter().any(|it| it.is_function_def_stmt() || it.is_class_def_stmt() || has_definitions(it))
    };
    match statement {
        Stmt::If(it) => any(&it.body) || it.elif_else_clauses.iter().any(|clause| any(&clause.body)),
        Stmt::Try(it) => {
            let handlers = it.handlers.iter().filter_map(|handler| handler.as_except_handler());
            any(&it.body) || any(&it.orelse) || any(&it.finalbody) || handlers.into_iter().any(|it| any(&it.body))
        }
        Stmt::With(it) => any(&it.body),
        _ => false,
    }
}

struct Comparison<'a> {
    analysis: &'a Analysis,
    file: FileId,
    before: Parsed,
    now: Parsed,
}

impl<'a> Comparison<'a> {
    fn new(analysis: &'a Analysis, file: FileId, before: &str) -> Self {
        Comparison { analysis, file, before: parse(before), now: parse(analysis.source(file).text()) }
    }

    fn changes(&self) -> Changes {
        let (before, now) = (Parts::of(&self.before), Parts::of(&self.now));
        let symbols: FxHashMap<TextRange, SymbolId> =
            self.analysis.symbols(self.file).into_iter().map(|id| (self.analysis.symbol(id).name_range, id)).collect();
        let mut changes = Changes::default();
        let old: FxHashMap<&Key, &Stmt> = before.functions.iter().map(|(key, it, _)| (key, *it)).collect();
        for (key, statement, function) in &now.functions {
            let is_same = |old: &&Stmt| ComparableStmt::from(*old) == ComparableStmt::from(*statement);
            if !old.get(key).is_some_and(is_same) {
                changes.symbols.extend(symbols.get(&function.name.range()));
            }
        }
        let old: FxHashMap<&Key, &StmtClassDef> = before.classes.iter().map(|(key, it)| (key, *it)).collect();
        for (key, class) in &now.classes {
            let statements = |parts: &Parts<'_>| parts.statements.get(&key.0).map_or(0, Vec::len);
            let is_same = |old: &&StmtClassDef| {
                same_header(old, class)
                    && statements(&before) == statements(&now)
                    && differing(before.statements.get(&key.0), now.statements.get(&key.0)).is_empty()
            };
            if old.get(key).is_some_and(is_same) {
                continue;
            }
            changes.symbols.extend(symbols.get(&class.name.range()));
            let parts = differing(before.statements.get(&key.0), now.statements.get(&key.0));
            for name in parts.into_iter().filter_map(assigned).flatten() {
                changes.symbols.extend(self.named(&format!("{}.{name}", key.0)));
            }
        }
        changes.gone = self.gone(&before, &now);
        self.compare_module(before.statements.get(""), now.statements.get(""), &mut changes);
        changes
    }

    /// What is defined no longer, outermost definitions only.
    fn gone(&self, before: &Parts<'_>, now: &Parts<'_>) -> Vec<(SymbolId, String)> {
        let paths = |parts: &Parts<'_>| parts.seen.keys().cloned().collect::<FxHashSet<String>>();
        let (before, now) = (paths(before), paths(now));
        let gone = before.difference(&now).filter_map(|path| {
            let (owner, name) = path.rsplit_once('.').unwrap_or(("", path));
            let owner = if owner.is_empty() { Some(self.analysis.module(self.file)) } else { self.named(owner) };
            Some((owner?, name.to_owned()))
        });
        let mut gone: Vec<_> = gone.collect();
        gone.sort();
        gone
    }

    /// The definition with this path in the module.
    fn named(&self, path: &str) -> Option<SymbolId> {
        self.analysis.symbols(self.file).into_iter().skip(1).find(|&id| self.analysis.symbol(id).local_name() == path)
    }

    /// Statements of the module: those who use what they bind, where that is all they do; else the module.
    fn compare_module(&self, before: Option<&Vec<Part<'_>>>, now: Option<&Vec<Part<'_>>>, changes: &mut Changes) {
        let parts = differing(before, now);
        let is_moved = parts.is_empty() && !in_order(before, now);
        let mut is_module_changed = is_moved;
        for part in parts {
            if let Some(names) = assigned(part) {
                for name in names {
                    match self.named(name) {
                        Some(variable) => changes.symbols.push(variable),
                        None => changes.gone.push((self.analysis.module(self.file), name.to_owned())),
                    }
                }
            } else if let Some(names) = imported(part) {
                for name in names {
                    let users = self.users_of(name);
                    let others = self.importers_of(name);
                    is_module_changed |= users.is_empty() && others.is_empty();
                    changes.symbols.extend(users);
                    changes.modules.extend(others);
                }
            } else {
                is_module_changed = true;
            }
        }
        if is_module_changed {
            changes.modules.push(self.file);
        }
    }

    /// The outermost definitions of the module whose code mentions `name`.
    fn users_of(&self, name: &str) -> Vec<SymbolId> {
        let parts = Parts::of(&self.now);
        let functions = parts.functions.iter().filter(|(_, _, it)| {
            let mut mentions = Mentions { name, found: false };
            it.decorator_list.iter().for_each(|decorator| mentions.visit_decorator(decorator));
            mentions.visit_parameters(&it.parameters);
            it.returns.iter().for_each(|returns| mentions.visit_expr(returns));
            mentions.visit_body(&it.body);
            mentions.found
        });
        let functions = functions.map(|(key, ..)| key.0.clone());
        let classes = parts.classes.iter().filter(|(_, it)| {
            let mut mentions = Mentions { name, found: false };
            it.decorator_list.iter().for_each(|decorator| mentions.visit_decorator(decorator));
            it.arguments.iter().for_each(|arguments| mentions.visit_arguments(arguments));
            mentions.found
        });
        let paths = functions.chain(classes.map(|(key, _)| key.0.clone()));
        paths.filter_map(|path| self.named(&path)).collect()
    }

    /// The files that import `name` from this module.
    fn importers_of(&self, name: &str) -> Vec<FileId> {
        let suffix = format!(" import {name}");
        let imports = |file: &FileId| {
            let mut imports = self.analysis.imports(*file).into_iter();
            imports.any(|import| {
                import.kind == ImportKind::Module(self.file)
                    && import.text.starts_with("from ")
                    && import.text.ends_with(&suffix)
            })
        };
        self.analysis.importers(self.file).into_iter().filter(imports).collect()
    }
}

struct Mentions<'a> {
    name: &'a str,
    found: bool,
}

impl<'a> Visitor<'a> for Mentions<'_> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        self.found |= matches!(expression, Expr::Name(it) if it.id.as_str() == self.name);
        walk_expr(self, expression);
    }
}

fn same_header(one: &StmtClassDef, other: &StmtClassDef) -> bool {
    let decorators = |it: &'_ StmtClassDef| it.decorator_list.len();
    let same_decorators = || {
        let mut pairs = one.decorator_list.iter().zip(&other.decorator_list);
        pairs.all(|(one, other)| ComparableDecorator::from(one) == ComparableDecorator::from(other))
    };
    let same_bases = match (&one.arguments, &other.arguments) {
        (Some(one), Some(other)) => ComparableArguments::from(one) == ComparableArguments::from(other),
        (one, other) => one.is_some() == other.is_some(),
    };
    decorators(one) == decorators(other) && same_bases && same_decorators()
}

/// What is in one of the lists and not in the other, as often as it is.
fn differing<'a>(before: Option<&Vec<Part<'a>>>, now: Option<&Vec<Part<'a>>>) -> Vec<Part<'a>> {
    let list = |parts: Option<&Vec<Part<'a>>>| parts.cloned().unwrap_or_default();
    let (before, mut now) = (list(before), list(now));
    let mut differing = Vec::new();
    for part in before {
        match now.iter().position(|other| other.is_like(part)) {
            Some(index) => drop(now.remove(index)),
            None => differing.push(part),
        }
    }
    differing.extend(now);
    differing
}

fn in_order(before: Option<&Vec<Part<'_>>>, now: Option<&Vec<Part<'_>>>) -> bool {
    let (before, now) = (before.into_iter().flatten(), now.into_iter().flatten());
    before.zip(now).all(|(one, other)| one.is_like(*other))
}

/// The names that an assignment binds, where that is all it does.
fn assigned(part: Part<'_>) -> Option<Vec<&str>> {
    let Part::Statement(statement) = part else { return None };
    fn name(target: &Expr) -> Option<&str> {
        target.as_name_expr().map(|name| name.id.as_str())
    }
    match statement {
        Stmt::Assign(it) => it.targets.iter().map(name).collect(),
        Stmt::AnnAssign(it) => Some(vec![name(&it.target)?]),
        Stmt::AugAssign(it) => Some(vec![name(&it.target)?]),
        Stmt::TypeAlias(it) => Some(vec![name(&it.name)?]),
        _ => None,
    }
}

/// The names that an import binds.
fn imported(part: Part<'_>) -> Option<Vec<&str>> {
    let names = match part {
        Part::Statement(Stmt::Import(it)) => &it.names,
        Part::Statement(Stmt::ImportFrom(it)) if it.names.iter().all(|alias| alias.name.as_str() != "*") => &it.names,
        _ => return None,
    };
    let bound = names.iter().map(|alias| match &alias.asname {
        Some(name) => name.as_str(),
        None => alias.name.split('.').next().unwrap_or_default(),
    });
    Some(bound.collect())
}

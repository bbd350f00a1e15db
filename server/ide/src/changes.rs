//! Which definitions differ between two states of the workspace, by what their code says: comments, blank lines and places
//! make no difference.

mod mentions;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use graph::{Analysis, FileId, ImportKind, SymbolId};
use rustc_hash::{FxHashMap, FxHashSet};
use syntax::ast::comparable::{
    ComparableArguments, ComparableDecorator, ComparableExpr, ComparableParameters, ComparableStmt,
    ComparableTypeParams,
};
use syntax::ast::{Alias, Expr, Stmt, StmtClassDef, StmtFunctionDef};
use syntax::{Parsed, Ranged, TextRange, on_deep_stack, parse};

use crate::impact::kept;
use mentions::Users;

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
    functions: Vec<(Key, &'a StmtFunctionDef)>,
    classes: Vec<(Key, &'a StmtClassDef)>,
    /// What stands in a module or class outside of its definitions, by the path of the class.
    statements: FxHashMap<String, Vec<Part<'a>>>,
    seen: FxHashMap<String, usize>,
    docstrings_are_read: bool,
}

type Key = (String, usize);

/// A statement, or what stands around definitions.
#[derive(Clone, Copy)]
enum Part<'a> {
    Statement(&'a Stmt),
    Condition(&'a Expr),
    /// A name that is imported, and from where: how many folders up, and the module.
    Import(Option<(u32, Option<&'a str>)>, &'a Alias),
}

impl Part<'_> {
    fn is_like(self, other: Part<'_>) -> bool {
        match (self, other) {
            (Part::Statement(one), Part::Statement(other)) => ComparableStmt::from(one) == ComparableStmt::from(other),
            (Part::Condition(one), Part::Condition(other)) => ComparableExpr::from(one) == ComparableExpr::from(other),
            (Part::Import(from, one), Part::Import(other_from, other)) => {
                from == other_from && one.name.id == other.name.id && bound(one) == bound(other)
            }
            _ => false,
        }
    }
}

impl<'a> Parts<'a> {
    fn of(parsed: &'a Parsed, docstrings_are_read: bool) -> Self {
        let mut parts = Parts { docstrings_are_read, ..Parts::default() };
        parts.collect(parsed.statements(), "", false);
        parts
    }

    /// `is_read`: something may read what a class says of itself.
    fn collect(&mut self, body: &'a [Stmt], owner: &str, is_read: bool) {
        for statement in body {
            match statement {
                Stmt::FunctionDef(it) => {
                    let key = self.key(owner, &it.name);
                    self.functions.push((key, it));
                }
                Stmt::ClassDef(it) => {
                    let key = self.key(owner, &it.name);
                    let path = key.0.clone();
                    self.classes.push((key, it));
                    let is_read = self.docstrings_are_read || !it.decorator_list.is_empty() || it.arguments.is_some();
                    self.collect(&it.body, &path, is_read);
                }
                Stmt::If(it) if is_around(statement) => {
                    self.condition(owner, &it.test);
                    self.collect(&it.body, owner, is_read);
                    for clause in &it.elif_else_clauses {
                        clause.test.iter().for_each(|test| self.condition(owner, test));
                        self.collect(&clause.body, owner, is_read);
                    }
                }
                Stmt::Try(it) if is_around(statement) => {
                    self.collect(&it.body, owner, is_read);
                    for handler in it.handlers.iter().filter_map(|handler| handler.as_except_handler()) {
                        handler.type_.iter().for_each(|caught| self.condition(owner, caught));
                        self.collect(&handler.body, owner, is_read);
                    }
                    self.collect(&it.orelse, owner, is_read);
                    self.collect(&it.finalbody, owner, is_read);
                }
                Stmt::With(it) if is_around(statement) => {
                    it.items.iter().for_each(|item| self.condition(owner, &item.context_expr));
                    self.collect(&it.body, owner, is_read);
                }
                Stmt::Import(it) => it.names.iter().for_each(|alias| self.part(owner, Part::Import(None, alias))),
                Stmt::ImportFrom(it) => {
                    let from = Some((it.level, it.module.as_ref().map(|module| module.as_str())));
                    it.names.iter().for_each(|alias| self.part(owner, Part::Import(from, alias)));
                }
                Stmt::Pass(_) => {}
                // What a module or class says of itself is no code.
                Stmt::Expr(it) if it.value.is_literal_expr() && !is_read => {}
                _ => self.part(owner, Part::Statement(statement)),
            }
        }
    }

    fn part(&mut self, owner: &str, part: Part<'a>) {
        self.statements.entry(owner.to_owned()).or_default().push(part);
    }

    fn condition(&mut self, owner: &str, expression: &'a Expr) {
        self.part(owner, Part::Condition(expression));
    }

    fn key(&mut self, owner: &str, name: &str) -> Key {
        let path = if owner.is_empty() { name.to_owned() } else { format!("{owner}.{name}") };
        let count = self.seen.entry(path.clone()).or_default();
        *count += 1;
        (path, *count)
    }
}

/// Whether what is inside a statement is compared part by part: there are definitions or imports in it.
fn is_around(statement: &Stmt) -> bool {
    let any = |body: &[Stmt]| {
        let is_part = |it: &Stmt| {
            matches!(it, Stmt::FunctionDef(_) | Stmt::ClassDef(_) | Stmt::Import(_) | Stmt::ImportFrom(_))
                || is_around(it)
        };
        body.iter().any(is_part)
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
    /// The file speaks of `__doc__`.
    docstrings_are_read: bool,
}

impl<'a> Comparison<'a> {
    fn new(analysis: &'a Analysis, file: FileId, before: &str) -> Self {
        let now = analysis.source(file).text();
        let docstrings_are_read = before.contains("__doc__") || now.contains("__doc__");
        Comparison { analysis, file, before: parse(before), now: parse(now), docstrings_are_read }
    }

    fn changes(&self) -> Changes {
        let parts = |parsed| Parts::of(parsed, self.docstrings_are_read);
        let (before, now) = (parts(&self.before), parts(&self.now));
        let symbols: FxHashMap<TextRange, SymbolId> =
            self.analysis.symbols(self.file).into_iter().map(|id| (self.analysis.symbol(id).name_range, id)).collect();
        let mut changes = Changes::default();
        let old: FxHashMap<&Key, &StmtFunctionDef> = before.functions.iter().map(|(key, it)| (key, *it)).collect();
        for (key, function) in &now.functions {
            let is_same = |old: &&StmtFunctionDef| same_function(old, function, self.docstrings_are_read);
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
        let mut is_module_changed = parts.is_empty() && !in_order(before, now);
        for part in parts {
            is_module_changed |= match part {
                Part::Import(from, alias) => self.compare_import(from.is_some(), alias, changes),
                Part::Condition(_) => true,
                Part::Statement(statement) if is_docstring_assigned(statement) => false,
                Part::Statement(statement) => match (assigned(part), kept(statement)) {
                    (Some(names), _) => {
                        for name in names {
                            match self.named(&name) {
                                Some(symbol) => changes.symbols.push(symbol),
                                None => changes.gone.push((self.analysis.module(self.file), name)),
                            }
                        }
                        false
                    }
                    // `table["a"] = f`
                    (None, Some(names)) => {
                        let holders: Option<Vec<SymbolId>> = names.iter().map(|name| self.named(name)).collect();
                        changes.symbols.extend(holders.iter().flatten());
                        holders.is_none()
                    }
                    (None, None) => true,
                },
            };
        }
        if is_module_changed {
            changes.modules.push(self.file);
        }
    }

    /// A name that is imported, and was not, or the other way round: it affects who uses it, here and where it is imported from
    /// here. Whether the module itself has changed: another module may do something when it is loaded, or be missing.
    fn compare_import(&self, is_from: bool, alias: &Alias, changes: &mut Changes) -> bool {
        let name = bound(alias);
        if alias.name.as_str() == "*" {
            return true;
        }
        let users = Users::of(&self.now, name);
        changes.symbols.extend(users.symbols(self.analysis, self.file));
        let importers = self.importers_of(name);
        for (file, name) in &importers {
            let users = Users::in_file(self.analysis, *file, name);
            changes.symbols.extend(users.symbols(self.analysis, *file));
            if users.others {
                changes.modules.push(*file);
            }
        }
        let imports = self.analysis.imports(self.file);
        let import = imports.iter().find(|import| import.range == alias.name.range() || import.range == alias.range());
        let is_missing = import.is_some_and(|it| matches!(it.kind, ImportKind::Unresolved { .. }) && !it.is_optional);
        users.others || is_missing || !is_from && users.is_empty() && importers.is_empty()
    }

    /// The files that import `name` from this module, and the names under which they do.
    fn importers_of(&self, name: &str) -> Vec<(FileId, String)> {
        let mut found = Vec::new();
        for file in self.analysis.importers(self.file) {
            let imports = self.analysis.imports(file);
            let mut imports = imports.iter().filter(|import| {
                import.kind == ImportKind::Module(self.file)
                    && import.text.starts_with("from ")
                    && import.text.rsplit_once(" import ").is_some_and(|(_, it)| it == name)
            });
            if let Some(import) = imports.next() {
                let text = self.analysis.source(file).text();
                let rest = text[usize::from(import.range.end())..].trim_start();
                let renamed = rest.strip_prefix("as ").map(str::trim_start);
                let is_part = |c: char| c.is_alphanumeric() || c == '_';
                let renamed = renamed.map(|it| it[..it.find(|c| !is_part(c)).unwrap_or(it.len())].to_owned());
                found.push((file, renamed.unwrap_or_else(|| name.to_owned())));
            }
        }
        found
    }
}

/// `f.__doc__ = …`
fn is_docstring_assigned(statement: &Stmt) -> bool {
    let is_docstring = |it: &Expr| matches!(it, Expr::Attribute(it) if it.attr.as_str() == "__doc__");
    match statement {
        Stmt::Assign(it) => it.targets.iter().all(is_docstring),
        Stmt::AugAssign(it) => is_docstring(&it.target),
        _ => false,
    }
}

/// Whether two functions do the same. What a docstring says is no code, unless there are examples in it, or something that may
/// read it: its file, or a decorator, as of a command whose help it is.
fn same_function(one: &StmtFunctionDef, other: &StmtFunctionDef, docstrings_are_read: bool) -> bool {
    let has_examples = |it| docstring(it).is_some_and(|text| text.contains(">>>"));
    let is_read = docstrings_are_read || !other.decorator_list.is_empty() || has_examples(one) || has_examples(other);
    fn body(it: &StmtFunctionDef, is_read: bool) -> Vec<ComparableStmt<'_>> {
        let skipped = usize::from(!is_read && docstring(it).is_some());
        it.body[skipped..].iter().map(Into::into).collect()
    }
    same_signature(one, other) && body(one, is_read) == body(other, is_read)
}

fn docstring(function: &StmtFunctionDef) -> Option<&str> {
    let first = function.body.first().and_then(Stmt::as_expr_stmt);
    first.and_then(|it| it.value.as_string_literal_expr()).map(|literal| literal.value.to_str())
}

fn same_signature(one: &StmtFunctionDef, other: &StmtFunctionDef) -> bool {
    fn parts(
        it: &StmtFunctionDef,
    ) -> (
        bool,
        Vec<ComparableDecorator<'_>>,
        ComparableParameters<'_>,
        Option<ComparableExpr<'_>>,
        Option<ComparableTypeParams<'_>>,
    ) {
        (
            it.is_async,
            it.decorator_list.iter().map(Into::into).collect(),
            (&*it.parameters).into(),
            it.returns.as_deref().map(Into::into),
            it.type_params.as_deref().map(Into::into),
        )
    }
    parts(one) == parts(other)
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

/// Whether the statements of both stand in the same order; that of imports makes no difference.
fn in_order(before: Option<&Vec<Part<'_>>>, now: Option<&Vec<Part<'_>>>) -> bool {
    let is_statement = |part: &&Part<'_>| !matches!(part, Part::Import(..));
    let (before, now) = (before.into_iter().flatten(), now.into_iter().flatten());
    before.filter(is_statement).zip(now.filter(is_statement)).all(|(one, other)| one.is_like(*other))
}

/// The names that an assignment binds, where that is all it does.
fn assigned(part: Part<'_>) -> Option<Vec<String>> {
    let Part::Statement(statement) = part else { return None };
    fn name(target: &Expr) -> Option<String> {
        target.as_name_expr().map(|name| name.id.to_string())
    }
    match statement {
        Stmt::Assign(it) => it.targets.iter().map(name).collect(),
        Stmt::AnnAssign(it) => Some(vec![name(&it.target)?]),
        Stmt::AugAssign(it) => Some(vec![name(&it.target)?]),
        Stmt::TypeAlias(it) => Some(vec![name(&it.name)?]),
        _ => None,
    }
}

/// The name that an import binds.
fn bound(alias: &Alias) -> &str {
    match &alias.asname {
        Some(name) => name.as_str(),
        None => alias.name.split('.').next().unwrap_or_default(),
    }
}

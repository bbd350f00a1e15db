//! Whom it concerns what a statement runs while its module is imported.
//!
//! `TABLE = {"a": f}`, `@f def g()` and `def g(x=f())` run or name `f` when the module is loaded, and so for everybody who imports
//! it; but what comes of it is in `TABLE` and `g`, and those who use neither see nothing of it.

use graph::{Analysis, FileId, SymbolId, SymbolKind};
use rustc_hash::FxHashMap;
use syntax::ast::{Expr, Stmt};
use syntax::{Ranged, TextRange};

use crate::tree::with_tree_of;

/// Knows the statements of the files that were asked about.
#[derive(Default)]
pub(super) struct ImportTime {
    files: FxHashMap<FileId, Vec<Part>>,
}

/// A piece of a module that runs when it is imported, and what keeps the outcome.
struct Part {
    range: TextRange,
    keepers: Vec<SymbolId>,
}

impl ImportTime {
    /// Who keeps the outcome of what stands at a place outside of functions; `within`, the module or class around it, where that
    /// is not known.
    pub fn keepers(&mut self, analysis: &Analysis, file: FileId, at: TextRange, within: SymbolId) -> Vec<SymbolId> {
        let around = analysis.symbol(within).kind;
        if !matches!(around, SymbolKind::Module | SymbolKind::Class) {
            return vec![within];
        }
        let parts = self.files.entry(file).or_insert_with(|| parts(analysis, file));
        let parts = parts.iter().filter(|part| part.range.contains_range(at));
        let innermost = parts.min_by_key(|part| part.range.len());
        innermost.map_or_else(|| vec![within], |part| part.keepers.clone())
    }
}

fn parts(analysis: &Analysis, file: FileId) -> Vec<Part> {
    let collected = with_tree_of(analysis, file, |parsed| {
        let mut found = Vec::new();
        of_body(parsed.statements(), true, &mut found);
        found
    });
    let symbols = analysis.symbols(file);
    let at: FxHashMap<TextRange, SymbolId> = symbols.iter().map(|&id| (analysis.symbol(id).name_range, id)).collect();
    let module = analysis.module(file);
    let named = |name: &str| {
        symbols.iter().copied().find(|&id| {
            let symbol = analysis.symbol(id);
            symbol.name == name && symbol.parent == Some(module)
        })
    };
    let parts = collected.unwrap_or_default().into_iter().filter_map(|(range, keeper)| {
        let keepers: Option<Vec<SymbolId>> = match keeper {
            Keeper::Definition(name) => at.get(&name).map(|&id| vec![id]),
            Keeper::Names(names) => names.iter().map(|name| named(name)).collect(),
            Keeper::Body(inside) => {
                let definitions = inside.definitions.iter().map(|name| at.get(name).copied());
                definitions.chain(inside.names.iter().map(|name| named(name))).collect()
            }
        };
        Some(Part { range, keepers: keepers? })
    });
    parts.collect()
}

enum Keeper {
    /// The one whose name stands there.
    Definition(TextRange),
    /// Variables of the module.
    Names(Vec<String>),
    /// What is bound where a condition holds, and where it does not.
    Body(Inside),
}

#[derive(Default)]
struct Inside {
    definitions: Vec<TextRange>,
    names: Vec<String>,
}

impl Inside {
    /// Nothing where something else is done.
    fn of(bodies: &[&[Stmt]]) -> Option<Self> {
        let mut inside = Inside::default();
        for statement in bodies.iter().copied().flatten() {
            match statement {
                Stmt::FunctionDef(it) => inside.definitions.push(it.name.range()),
                Stmt::ClassDef(it) => inside.definitions.push(it.name.range()),
                Stmt::Pass(_) => {}
                statement => inside.names.extend(kept(statement)?),
            }
        }
        Some(inside)
    }
}

fn of_body(body: &[Stmt], is_module: bool, found: &mut Vec<(TextRange, Keeper)>) {
    for statement in body {
        let header =
            |body: &[Stmt]| TextRange::new(statement.start(), body.first().map_or(statement.end(), |it| it.start()));
        match statement {
            Stmt::FunctionDef(it) => found.push((header(&it.body), Keeper::Definition(it.name.range()))),
            Stmt::ClassDef(it) => {
                found.push((header(&it.body), Keeper::Definition(it.name.range())));
                of_body(&it.body, false, found);
            }
            Stmt::If(it) => {
                let bodies: Vec<&[Stmt]> =
                    std::iter::once(&*it.body).chain(it.elif_else_clauses.iter().map(|clause| &*clause.body)).collect();
                if let Some(inside) = Inside::of(&bodies).filter(|_| is_module) {
                    found.push((statement.range(), Keeper::Body(inside)));
                }
                of_body(&it.body, is_module, found);
                it.elif_else_clauses.iter().for_each(|clause| of_body(&clause.body, is_module, found));
            }
            Stmt::Try(it) => {
                let handlers = it.handlers.iter().filter_map(|handler| handler.as_except_handler());
                handlers.for_each(|handler| of_body(&handler.body, is_module, found));
                [&it.body, &it.orelse, &it.finalbody].into_iter().for_each(|body| of_body(body, is_module, found));
            }
            Stmt::With(it) => of_body(&it.body, is_module, found),
            // What is assigned in a class is an attribute, and read from values of which nobody knows the class.
            _ if !is_module => {}
            statement => {
                if let Some(names) = kept(statement) {
                    found.push((statement.range(), Keeper::Names(names)));
                }
            }
        }
    }
}

/// The variables that hold what a statement of a module runs.
pub(crate) fn kept(statement: &Stmt) -> Option<Vec<String>> {
    match statement {
        Stmt::Assign(it) => it.targets.iter().map(held).collect::<Option<Vec<_>>>().map(|names| names.concat()),
        Stmt::AnnAssign(it) => held(&it.target),
        Stmt::AugAssign(it) => held(&it.target),
        // `table.update(a=f)`; but `f()` by itself may do anything.
        Stmt::Expr(it) => match &*it.value {
            Expr::Call(call) => match &*call.func {
                Expr::Attribute(method) => held(&method.value),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// `x` for `x`, `x[0]` and `x.y`.
fn held(target: &Expr) -> Option<Vec<String>> {
    match target {
        Expr::Name(name) => Some(vec![name.id.to_string()]),
        Expr::Attribute(it) => held(&it.value),
        Expr::Subscript(it) => held(&it.value),
        Expr::Starred(it) => held(&it.value),
        Expr::Tuple(it) => it.elts.iter().map(held).collect::<Option<Vec<_>>>().map(|names| names.concat()),
        Expr::List(it) => it.elts.iter().map(held).collect::<Option<Vec<_>>>().map(|names| names.concat()),
        _ => None,
    }
}

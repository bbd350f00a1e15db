//! Who speaks of a name that a module imports.

use graph::{Analysis, FileId, SymbolId};
use syntax::ast::visitor::{Visitor, walk_expr};
use syntax::ast::{Expr, Stmt};
use syntax::{Parsed, Ranged, TextRange};

use crate::tree::with_tree_of;

/// The outermost definitions and the statements of a module that mention a name.
#[derive(Debug, Default)]
pub(super) struct Users {
    /// Where their names stand.
    pub definitions: Vec<TextRange>,
    /// Variables that are assigned by statements that mention it.
    pub variables: Vec<String>,
    /// Other statements mention it.
    pub others: bool,
}

impl Users {
    pub fn of(parsed: &Parsed, name: &str) -> Self {
        let mut users = Users::default();
        users.collect(parsed.statements(), name);
        users
    }

    /// In a file that imports the name.
    pub fn in_file(analysis: &Analysis, file: FileId, name: &str) -> Self {
        with_tree_of(analysis, file, |parsed| Users::of(parsed, name)).unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        self.definitions.is_empty() && self.variables.is_empty() && !self.others
    }

    pub fn symbols(&self, analysis: &Analysis, file: FileId) -> Vec<SymbolId> {
        let module = analysis.module(file);
        let is_it = |id: &SymbolId| {
            let symbol = analysis.symbol(*id);
            self.definitions.contains(&symbol.name_range)
                || symbol.parent == Some(module) && self.variables.iter().any(|name| name == symbol.name)
        };
        analysis.symbols(file).into_iter().skip(1).filter(is_it).collect()
    }

    fn collect(&mut self, body: &[Stmt], name: &str) {
        for statement in body {
            let mentions = || {
                let mut mentions = Mentions { name, found: false };
                mentions.visit_stmt(statement);
                mentions.found
            };
            match statement {
                Stmt::FunctionDef(it) if mentions() => self.definitions.push(it.name.range()),
                Stmt::ClassDef(it) if mentions() => {
                    let definitions = self.definitions.len();
                    let mut inside = Users::default();
                    inside.collect(&it.body, name);
                    self.definitions.extend(inside.definitions);
                    // Its bases and attributes.
                    if self.definitions.len() == definitions || !inside.variables.is_empty() || inside.others {
                        self.definitions.push(it.name.range());
                    }
                }
                Stmt::If(it) => {
                    self.collect(&it.body, name);
                    it.elif_else_clauses.iter().for_each(|clause| self.collect(&clause.body, name));
                }
                Stmt::Try(it) => {
                    let handlers = it.handlers.iter().filter_map(|handler| handler.as_except_handler());
                    handlers.for_each(|handler| self.collect(&handler.body, name));
                    [&it.body, &it.orelse, &it.finalbody].into_iter().for_each(|body| self.collect(body, name));
                }
                Stmt::Import(_) | Stmt::ImportFrom(_) | Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
                statement if mentions() => match super::kept(statement) {
                    Some(names) => self.variables.extend(names),
                    None => self.others = true,
                },
                _ => {}
            }
        }
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

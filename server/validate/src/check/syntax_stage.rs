//! Every edited file parses, or is no worse than before.

use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{Expr, Stmt};
use syntax::{Parsed, Ranged, TextRange, parse};

use super::Comparison;
use crate::{Finding, Stage};

pub(super) fn findings(comparison: &Comparison) -> Vec<Finding> {
    let mut found = Vec::new();
    for edited in &comparison.files {
        let Some(file) = comparison.after.file(&edited.path) else { continue };
        let mut old = errors(&parse(&edited.before));
        for (message, range) in errors(&parse(&edited.after)) {
            // An error that was there before is not the candidate's, wherever it has moved.
            if !edited.wrote(range)
                && let Some(known) = old.iter().position(|(known, _)| *known == message)
            {
                old.swap_remove(known);
                continue;
            }
            found.push(comparison.finding(Stage::Syntax, "syntax-error", message, file, range));
        }
    }
    found
}

fn errors(parsed: &Parsed) -> Vec<(String, TextRange)> {
    let mut found: Vec<_> = parsed.errors().into_iter().map(|error| (error.message, error.range)).collect();
    let mut misplaced = Misplaced { within: Within::Module, found: Vec::new() };
    misplaced.visit_body(&parsed.module().body);
    found.extend(misplaced.found.into_iter().map(|(message, range)| (message.to_owned(), range)));
    found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Module,
    Class,
    Function,
    AsyncFunction,
}

/// What the parser accepts and the compiler does not: statements and expressions that need a function around them.
struct Misplaced {
    within: Within,
    found: Vec<(&'static str, TextRange)>,
}

impl Misplaced {
    fn needs(&mut self, allowed: &[Within], message: &'static str, range: TextRange) {
        if !allowed.contains(&self.within) {
            self.found.push((message, range));
        }
    }

    fn inside<'a>(&mut self, within: Within, body: &'a [Stmt])
    where
        Self: Visitor<'a>,
    {
        let around = std::mem::replace(&mut self.within, within);
        self.visit_body(body);
        self.within = around;
    }
}

const FUNCTIONS: &[Within] = &[Within::Function, Within::AsyncFunction];

impl<'a> Visitor<'a> for Misplaced {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(function) => {
                let within = if function.is_async { Within::AsyncFunction } else { Within::Function };
                return self.inside(within, &function.body);
            }
            Stmt::ClassDef(class) => return self.inside(Within::Class, &class.body),
            Stmt::Return(_) => self.needs(FUNCTIONS, "`return` outside function", stmt.range()),
            Stmt::For(stmt) if stmt.is_async => {
                self.needs(&[Within::AsyncFunction], "`async for` outside async function", stmt.range);
            }
            Stmt::With(stmt) if stmt.is_async => {
                self.needs(&[Within::AsyncFunction], "`async with` outside async function", stmt.range);
            }
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            // A lambda's body is a function of its own, in which `yield` is allowed and `await` is not.
            Expr::Lambda(lambda) => {
                let around = std::mem::replace(&mut self.within, Within::Function);
                self.visit_expr(&lambda.body);
                self.within = around;
                return;
            }
            Expr::Await(_) => self.needs(&[Within::AsyncFunction], "`await` outside async function", expr.range()),
            Expr::Yield(_) | Expr::YieldFrom(_) => self.needs(FUNCTIONS, "`yield` outside function", expr.range()),
            _ => {}
        }
        walk_expr(self, expr);
    }
}

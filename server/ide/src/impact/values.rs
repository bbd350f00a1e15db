//! Where functions and classes are handed on as values: they may be called by who gets them, wherever that is.

use graph::{Analysis, FileId, Site};
use rustc_hash::{FxHashMap, FxHashSet};
use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{Expr, ExprCall, Stmt, StmtClassDef};
use syntax::{Ranged, TextRange};

use crate::tree::with_tree_of;

/// Knows the files that were asked about.
#[derive(Default)]
pub(super) struct Values {
    files: FxHashMap<FileId, FxHashSet<TextRange>>,
}

impl Values {
    /// Whether the name at a place is read as a value, and not called, inherited from, caught, asked for or written as a type.
    pub fn contain(&mut self, analysis: &Analysis, site: &Site) -> bool {
        let of_file = self.files.entry(site.file).or_insert_with(|| {
            let collected = with_tree_of(analysis, site.file, |parsed| {
                let mut names = Names::default();
                names.visit_body(parsed.statements());
                names.found
            });
            collected.unwrap_or_default()
        });
        of_file.contains(&site.range)
    }
}

#[derive(Default)]
struct Names {
    found: FxHashSet<TextRange>,
}

impl Names {
    /// What is called, but not the call itself.
    fn visit_callee(&mut self, callee: &Expr) {
        match callee {
            Expr::Name(_) => {}
            Expr::Attribute(it) => self.visit_expr(&it.value),
            callee => self.visit_expr(callee),
        }
    }

    fn visit_call(&mut self, call: &ExprCall) {
        self.visit_callee(&call.func);
        let asks = matches!(&*call.func, Expr::Name(name) if matches!(name.id.as_str(), "isinstance" | "issubclass" | "cast" | "super"));
        if !asks {
            self.visit_arguments(&call.arguments);
        }
    }

    fn visit_class(&mut self, class: &StmtClassDef) {
        class.decorator_list.iter().for_each(|it| self.visit_callee_of_decorator(&it.expression));
        self.visit_body(&class.body);
    }

    /// A decorator is called.
    fn visit_callee_of_decorator(&mut self, decorator: &Expr) {
        match decorator {
            Expr::Call(call) => self.visit_call(call),
            decorator => self.visit_callee(decorator),
        }
    }
}

impl<'a> Visitor<'a> for Names {
    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_decorator(&mut self, decorator: &'a syntax::ast::Decorator) {
        self.visit_callee_of_decorator(&decorator.expression);
    }

    fn visit_except_handler(&mut self, handler: &'a syntax::ast::ExceptHandler) {
        if let Some(it) = handler.as_except_handler() {
            self.visit_body(&it.body);
        }
    }

    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::ClassDef(class) => self.visit_class(class),
            Stmt::Import(_) | Stmt::ImportFrom(_) | Stmt::Raise(_) => {}
            statement => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) if name.ctx.is_load() => {
                self.found.insert(name.range());
            }
            Expr::Attribute(it) => {
                self.found.insert(it.attr.range());
                // `module.f` and `f.name`: what stands before the dot is asked for something.
                if !it.value.is_name_expr() {
                    self.visit_expr(&it.value);
                }
            }
            Expr::Call(call) => self.visit_call(call),
            expression => walk_expr(self, expression),
        }
    }
}

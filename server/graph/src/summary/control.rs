//! Branches, loops and exceptions: where control flow parts and joins.

use rustc_hash::FxHashSet;
use syntax::ast::{self, Expr as Ast, Stmt};
use syntax::{Ranged, TextRange};

use super::build::{Builder, Loop};
use super::flow::{Flow, Reaching};
use super::narrowing::{self, Narrowed};
use super::{BindingFacts, BindingIndex, BindingValue, Caught, Expr, ExprIndex, ImpliedKind, Occurs, text};
use crate::Name;

impl Builder<'_> {
    pub fn if_statement(&mut self, statement: &ast::StmtIf) {
        let outer = self.type_checking;
        let first: (Option<&Ast>, &[Stmt]) = (Some(&statement.test), &statement.body);
        let branches = std::iter::once(first)
            .chain(statement.elif_else_clauses.iter().map(|clause| (clause.test.as_ref(), &clause.body[..])));
        let mut ends: Vec<(Flow, Vec<Narrowed>)> = Vec::new();
        let mut ruled_out = Vec::new();
        for (test, body) in branches {
            let Some(test) = test else {
                self.statements(body);
                break;
            };
            self.complexity();
            let condition = self.condition(test);
            self.type_checking |= text::decorator_name(test) == "TYPE_CHECKING";
            let mut narrowed = Vec::new();
            let branch = self.branch(|builder| {
                narrowed = builder.narrow(&condition.when_true);
                builder.statements(body);
            });
            self.type_checking = outer;
            ends.push((branch, narrowed));
            ruled_out.extend(self.narrow(&condition.when_false));
        }
        ends.push((std::mem::take(&mut self.flow), ruled_out));
        self.flow = narrowing::join(ends);
    }

    /// Walks a loop, which only `break` leaves when it is endless. The body may run after itself: every name it binds is a join of what was before and what it leaves behind.
    pub fn in_loop(
        &mut self,
        body: &[Stmt],
        orelse: &[Stmt],
        is_endless: bool,
        head: impl FnOnce(&mut Self) -> Vec<Narrowed>,
    ) {
        let mut names = Vec::new();
        bound_names(body, &mut names);
        let mut joins = Vec::new();
        for name in names {
            let Some(before) = self.reaching(name).filter(|before| !before.is_empty()) else { continue };
            let join = self.push_binding(BindingFacts {
                name,
                scope: self.scope,
                range: TextRange::default(),
                value: BindingValue::Join(before.as_slice().into()),
                symbol: None,
            });
            self.flow.bind(name, join);
            joins.push((name, join));
        }
        // The body may change them.
        self.flow.forget_places();
        self.loops.push(Loop::default());
        let before = self.flow.clone();
        let narrowed = head(self);
        self.statements(body);
        self.widen(&narrowed);
        let exits = self.loops.pop().unwrap_or_default();
        self.flow.join(&exits.continued);
        for (name, join) in joins {
            let after = self.reaching(name).unwrap_or_default();
            if let BindingValue::Join(inputs) = &mut self.summary.bindings[join.index()].value {
                let more = after.into_iter().filter(|binding| *binding != join);
                *inputs = inputs.iter().copied().chain(more).collect::<Reaching>().as_slice().into();
            }
        }
        // The body may not have run at all.
        self.flow.join(&before);
        if is_endless {
            self.flow.end();
        }
        self.statements(orelse);
        self.flow.join(&exits.broken);
    }

    pub fn with_statement(&mut self, statement: &ast::StmtWith) {
        let mut may_swallow = false;
        for item in &statement.items {
            let context = self.expr(&item.context_expr);
            may_swallow |= matches!(&item.context_expr, Ast::Call(call) if text::swallows(&call.func));
            let value = self.push(Expr::Entered(context));
            self.implied(value, item.context_expr.range(), ImpliedKind::With);
            if let Some(target) = &item.optional_vars {
                self.assign(target, value);
            }
        }
        let before = self.flow.clone();
        let first = self.next_binding();
        self.statements(&statement.body);
        if may_swallow {
            let left = self.left_anywhere(before, first);
            self.flow.join(&left);
        }
    }

    /// What is known where a body was left at any point: what was before, and all that the body has bound.
    fn left_anywhere(&mut self, before: Flow, first: BindingIndex) -> Flow {
        let mut flow = before;
        flow.forget_places();
        for (index, binding) in self.summary.bindings.iter().enumerate().skip(first.index()) {
            // Those without a place in the text only say more of others.
            if binding.scope == self.scope && !binding.range.is_empty() {
                flow.add(binding.name, BindingIndex(index as u32));
            }
        }
        flow
    }

    pub fn try_statement(&mut self, statement: &ast::StmtTry) {
        let outer = self.optional_import;
        self.optional_import |= !statement.handlers.is_empty();
        let (before, first) = (self.flow.clone(), self.next_binding());
        self.statements(&statement.body);
        // A handler may be entered from any point of the body.
        let at_handler = self.left_anywhere(before, first);
        self.statements(&statement.orelse);
        let mut out = std::mem::take(&mut self.flow);
        let mut caught_before = Vec::new();
        for handler in &statement.handlers {
            let ast::ExceptHandler::ExceptHandler(handler) = handler;
            self.complexity();
            self.flow = at_handler.clone();
            let caught = handler.type_.as_ref().map(|class| self.expr(class));
            if let Some(name) = &handler.name {
                let exception = match caught {
                    Some(class) => self.caught(class, &caught_before),
                    None => self.unknown(),
                };
                let value = if statement.is_star { self.builtin("ExceptionGroup") } else { exception };
                let binding = self.bind_local(Name::new(name), name.range(), BindingValue::Value(value));
                if statement.is_star {
                    self.groups.insert(binding, exception);
                }
                self.occurs(name.range(), Occurs::Store(binding));
            }
            caught_before.extend(caught);
            self.statements(&handler.body);
            if let Some(name) = &handler.name {
                self.flow.unbind(Name::new(name));
            }
            out.join(&self.flow);
        }
        self.optional_import = outer;
        let ended = out.has_ended();
        self.flow = if ended { at_handler } else { out };
        self.statements(&statement.finalbody);
        if ended {
            self.flow.end();
        }
    }

    /// `group.exceptions` of a group that `except*` has bound.
    pub fn exceptions_of(&mut self, group: ExprIndex) -> Option<ExprIndex> {
        let Expr::Local(bindings) = self.summary.expr(group) else { return None };
        let [binding] = bindings[..] else { return None };
        let exception = *self.groups.get(&binding)?;
        Some(self.push(Expr::Sequence(exception)))
    }

    fn caught(&mut self, class: ExprIndex, before: &[ExprIndex]) -> ExprIndex {
        let parts = match self.summary.expr(class) {
            Expr::Tuple(parts) => parts.to_vec(),
            _ => vec![class],
        };
        let caught = |class| self.push(Expr::Caught(Box::new(Caught { class, not: before.into() })));
        let instances = parts.into_iter().map(caught).collect();
        self.union(instances)
    }
}

/// The names that `body` binds in its own scope.
fn bound_names(body: &[Stmt], out: &mut Vec<Name>) {
    struct Binders<'a>(&'a mut Vec<Name>, FxHashSet<Name>);

    impl Binders<'_> {
        fn add(&mut self, name: &str) {
            let name = Name::new(name);
            if self.1.insert(name) {
                self.0.push(name);
            }
        }
    }

    impl<'a> ast::visitor::Visitor<'a> for Binders<'_> {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            match statement {
                Stmt::FunctionDef(function) => self.add(&function.name),
                Stmt::ClassDef(class) => self.add(&class.name),
                statement => ast::visitor::walk_stmt(self, statement),
            }
        }

        fn visit_expr(&mut self, expression: &'a Ast) {
            match expression {
                Ast::Name(name) if !name.ctx.is_load() => self.add(&name.id),
                Ast::Lambda(_) => {}
                expression => ast::visitor::walk_expr(self, expression),
            }
        }
    }

    let mut binders = Binders(out, FxHashSet::default());
    for statement in body {
        ast::visitor::Visitor::visit_stmt(&mut binders, statement);
    }
}

//! Statements, and the bindings that they make.

use smallvec::SmallVec;
use syntax::ast::{self, Expr as Ast, Stmt};
use syntax::{Ranged, TextRange};

use super::build::Builder;
use super::{
    Arguments, BindingFacts, BindingValue, CallKind, Expr, ImpliedKind, Occurs, Place, ScopeIndex, ScopeKind, text,
};
use crate::Name;

impl Builder<'_> {
    pub fn statements(&mut self, body: &[Stmt]) {
        for statement in body {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        if self.too_deep() {
            return;
        }
        self.depth += 1;
        let outer = std::mem::replace(&mut self.statement, statement.range());
        self.called_before = self.called;
        self.statement_inner(statement);
        self.gather();
        self.statement = outer;
        self.depth -= 1;
    }

    /// Has one binding stand for those of a name of which too many reach this point.
    fn gather(&mut self) {
        for (name, bindings) in self.flow.take_crowded() {
            let join = self.push_binding(BindingFacts {
                name,
                scope: self.scope,
                range: TextRange::default(),
                value: BindingValue::Join(bindings.as_slice().into()),
                symbol: None,
            });
            self.flow.refine(name, SmallVec::from_slice(&[join]));
        }
    }

    fn statement_inner(&mut self, statement: &Stmt) {
        match statement {
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::Import(import) => self.import_statement(import),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::Assign(assignment) => {
                let value = match text::is_type_alias(&assignment.value) {
                    true => self.annotation(&assignment.value),
                    false => self.expr(&assignment.value),
                };
                for target in &assignment.targets {
                    self.assign(target, value);
                }
                self.note_exports(&assignment.targets, &assignment.value);
            }
            Stmt::AnnAssign(assignment) => self.annotated_assignment(assignment),
            Stmt::AugAssign(assignment) => self.augmented_assignment(assignment),
            Stmt::Return(statement) => {
                if let Some(value) = &statement.value {
                    let value = self.expr(value);
                    self.returns(value);
                }
                self.flow.end();
            }
            Stmt::Raise(statement) => {
                if let Some(exception) = &statement.exc {
                    let value = self.expr(exception);
                    if let Ast::Name(_) | Ast::Attribute(_) = **exception {
                        let range = text::callee_range(exception);
                        self.call(value, range, CallKind::Raise, Arguments::default());
                    }
                }
                statement.cause.iter().for_each(|cause| self.visit(cause));
                self.flow.end();
            }
            Stmt::Expr(statement) => {
                self.visit(&statement.value);
                self.note_changed_exports(&statement.value);
            }
            Stmt::If(statement) => self.if_statement(statement),
            Stmt::While(statement) => {
                self.complexity();
                let is_endless = text::is_always_true(&statement.test);
                self.in_loop(&statement.body, &statement.orelse, is_endless, |builder| {
                    let condition = builder.condition(&statement.test);
                    builder.narrow(&condition.when_true)
                });
            }
            Stmt::For(statement) => {
                self.complexity();
                let iterable = self.expr(&statement.iter);
                self.in_loop(&statement.body, &statement.orelse, false, |builder| {
                    let element = builder.push(Expr::Element(iterable));
                    builder.implied(element, statement.iter.range(), ImpliedKind::Iteration);
                    builder.assign(&statement.target, element);
                    Vec::new()
                });
            }
            Stmt::With(statement) => self.with_statement(statement),
            Stmt::Try(statement) => self.try_statement(statement),
            Stmt::Match(statement) => self.match_statement(statement),
            Stmt::Assert(statement) => {
                let condition = self.condition(&statement.test);
                self.narrowed(&condition.when_false, |builder| {
                    statement.msg.iter().for_each(|message| builder.visit(message));
                });
                self.narrow(&condition.when_true);
            }
            Stmt::Delete(statement) => {
                for target in &statement.targets {
                    match target {
                        Ast::Subscript(subscript) => {
                            let object = self.expr(&subscript.value);
                            let key = self.key(&subscript.slice);
                            self.store(object, Place::Item(key), None, subscript.slice.range());
                        }
                        Ast::Attribute(attribute) => {
                            let value = self.expr(target);
                            if let Expr::Attribute { value: object, name } = *self.summary.expr(value) {
                                self.store(object, Place::Attribute(name), None, attribute.attr.range());
                            }
                        }
                        other => self.visit(other),
                    }
                    if let Ast::Name(name) = target {
                        let name = Name::new(&name.id);
                        self.flow.unbind(name);
                        // For Python a deleted name is one of this scope, wherever it was bound.
                        self.names[self.scope.index()].entry(name).or_default();
                    }
                }
            }
            Stmt::Global(statement) => {
                self.bodies.reaches_out = true;
                for name in &statement.names {
                    self.elsewhere.insert((self.scope, Name::new(name)), ScopeIndex::MODULE);
                    self.mention(ScopeIndex::MODULE, Name::new(name), name.range());
                }
            }
            Stmt::Nonlocal(statement) => {
                for written in &statement.names {
                    let name = Name::new(written);
                    if let Some(scope) = self.enclosing_binder(name) {
                        self.elsewhere.insert((self.scope, name), scope);
                        self.mention(scope, name, written.range());
                    }
                }
            }
            Stmt::TypeAlias(alias) => {
                let (value, _) =
                    self.with_type_params(alias.type_params.as_deref(), |builder| builder.annotation(&alias.value));
                self.assign(&alias.name, value);
            }
            Stmt::Break(_) | Stmt::Continue(_) => {
                let flow = self.flow.clone();
                if let Some(exits) = self.loops.last_mut() {
                    let exit = if statement.is_break_stmt() { &mut exits.broken } else { &mut exits.continued };
                    exit.join(&flow);
                }
                self.flow.end();
            }
            Stmt::Pass(_) | Stmt::IpyEscapeCommand(_) => {}
        }
    }

    pub fn complexity(&mut self) {
        self.summary.symbols[self.symbol.index()].complexity += 1;
    }

    /// The nearest function around the current one that binds `name`; where none has done so yet, the nearest one.
    fn enclosing_binder(&self, name: Name) -> Option<ScopeIndex> {
        let mut scope = self.summary.scope(self.scope).parent;
        let mut nearest = None;
        while let Some(index) = scope {
            let facts = self.summary.scope(index);
            if facts.kind == ScopeKind::Function {
                if self.names[index.index()].contains_key(&name) {
                    return Some(index);
                }
                nearest = nearest.or(Some(index));
            }
            scope = facts.parent;
        }
        nearest
    }

    /// A name that is mentioned without being read or bound.
    pub fn mention(&mut self, scope: ScopeIndex, name: Name, range: TextRange) {
        let expr = self.push(Expr::Free { scope, name });
        self.occurs(range, Occurs::Mention(expr));
    }

    // ---- assignments

    fn annotated_assignment(&mut self, assignment: &ast::StmtAnnAssign) {
        let annotation = self.annotation(&assignment.annotation);
        let value = match &assignment.value {
            Some(value) if text::decorator_name(&assignment.annotation) == "TypeAlias" => self.annotation(value),
            Some(value) => {
                let value = self.expr(value);
                self.push(Expr::OrElse(annotation, value))
            }
            None => annotation,
        };
        self.assign(&assignment.target, value);
        if let Some(value) = &assignment.value {
            self.note_exports(std::slice::from_ref(&assignment.target), value);
        }
    }

    fn augmented_assignment(&mut self, assignment: &ast::StmtAugAssign) {
        // What stands in the target is evaluated once, and then both read and assigned.
        let (before, place) = match &*assignment.target {
            Ast::Name(name) => (self.resolve(Name::new(&name.id)), None),
            target => match self.place(target) {
                Some((object, place)) => (self.read(target, object, place), Some((object, place))),
                None => (self.expr(target), None),
            },
        };
        let value = self.expr(&assignment.value);
        let method = text::operator_method(assignment.op).replacen("__", "__i", 1);
        let changed = self.push(Expr::Binary { method: Name::new(&method), left: before, right: value });
        let range = TextRange::new(assignment.target.end(), assignment.value.start());
        self.implied(changed, range, ImpliedKind::Operator);
        if let Ast::Name(name) = &*assignment.target
            && name.id.as_str() == "__all__"
            && self.scope == ScopeIndex::MODULE
        {
            self.extend_exports(&assignment.value);
        }
        match place {
            Some((object, place)) => self.assign_place(&assignment.target, object, place, changed),
            None => self.assign(&assignment.target, changed),
        }
    }
}

//! Comprehensions: a scope of their own, out of which a walrus binds.

use syntax::Ranged;
use syntax::ast::{self, Expr as Ast};

use super::build::Builder;
use super::flow::Flow;
use super::{Expr, ExprIndex, ImpliedKind, ScopeIndex, ScopeKind};
use crate::Name;

impl Builder<'_> {
    /// A walrus in a comprehension binds in the scope around it.
    pub fn assign_walrus(&mut self, target: &Ast, value: ExprIndex) {
        let inner = self.scope;
        let mut scope = inner;
        while self.summary.scope(scope).kind == ScopeKind::Comprehension {
            scope = self.summary.scope(scope).parent.unwrap_or(ScopeIndex::MODULE);
        }
        self.scope = scope;
        self.assign(target, value);
        if let (Ast::Name(name), true) = (target, scope != inner) {
            let name = Name::new(&name.id);
            let bindings = self.reaching(name).unwrap_or_default();
            self.walruses.extend(bindings.into_iter().map(|binding| (name, binding)));
        }
        self.scope = inner;
    }

    pub fn comprehension(
        &mut self,
        generators: &[ast::Comprehension],
        element: impl FnOnce(&mut Self) -> ExprIndex,
    ) -> ExprIndex {
        let (outer, flow) = (self.scope, self.flow.clone());
        let scope = self.open_scope(ScopeKind::Comprehension, self.symbol);
        for generator in generators {
            // The first iterable belongs to the scope around.
            let iterable = self.expr(&generator.iter);
            if self.scope == outer && self.summary.scope(outer).kind == ScopeKind::Class {
                // The names of a class are not seen in here.
                self.flow = Flow::default();
            }
            self.scope = scope;
            let value = self.push(Expr::Element(iterable));
            self.implied(value, generator.iter.range(), ImpliedKind::Iteration);
            self.assign(&generator.target, value);
            for condition in &generator.ifs {
                let condition = self.condition(condition);
                self.narrow(&condition.when_true);
            }
        }
        let element = element(self);
        self.scope = outer;
        self.flow = flow;
        self.forget_recent();
        for &(name, binding) in &self.walruses {
            self.flow.add(name, binding);
        }
        if self.summary.scope(outer).kind != ScopeKind::Comprehension {
            self.walruses.clear();
        }
        element
    }
}

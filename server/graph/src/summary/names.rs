//! Names: what they mean at a point of the control flow.

use syntax::Ranged;
use syntax::ast;

use super::build::Builder;
use super::{BindingIndex, BindingValue, Expr, ExprIndex, Occurs, ScopeIndex, ScopeKind};
use crate::Name;

impl Builder<'_> {
    pub fn name(&mut self, name: &ast::ExprName) -> ExprIndex {
        let index = self.resolve(Name::new(&name.id));
        self.occurs(name.range(), Occurs::Load(index));
        index
    }

    /// What `name` means at this point of the flow.
    pub fn resolve(&mut self, name: Name) -> ExprIndex {
        let elsewhere = self.elsewhere.get(&(self.scope, name)).copied();
        match self.reaching(name) {
            Some(bindings) if elsewhere.is_none() => {
                self.note_effects(&bindings);
                // It was deleted.
                if bindings.is_empty() { self.unknown() } else { self.push(Expr::Local(bindings.as_slice().into())) }
            }
            _ => {
                self.note_use(name);
                self.push(Expr::Free { scope: elsewhere.unwrap_or_else(|| self.scope_of_unbound_name()), name })
            }
        }
    }

    /// Where a name is looked up that nothing in this scope has bound so far. A class body runs once, from top to bottom: what it
    /// binds later is not meant. Functions see what is bound around them later, too.
    fn scope_of_unbound_name(&self) -> ScopeIndex {
        let scope = self.summary.scope(self.scope);
        scope.parent.filter(|_| scope.kind == ScopeKind::Class).unwrap_or(self.scope)
    }

    /// Functions that are named may be called from here on: what they bind in this scope may be bound.
    fn note_effects(&mut self, bindings: &[BindingIndex]) {
        for &binding in bindings {
            let BindingValue::Definition(function) = self.summary.binding(binding).value else { continue };
            for effect in self.effects.get(&function).into_iter().flatten().filter(|it| it.scope == self.scope) {
                self.flow.add(effect.name, effect.binding);
            }
        }
    }

    /// A function is called here and now: what it certainly binds in this scope replaces what was.
    pub fn take_effect(&mut self, callee: ExprIndex) {
        let Expr::Local(bindings) = self.summary.expr(callee) else { return };
        let [binding] = bindings[..] else { return };
        let BindingValue::Definition(function) = self.summary.binding(binding).value else { return };
        let effects = self.effects.get(&function).into_iter().flatten();
        for effect in effects.filter(|effect| effect.is_certain && effect.scope == self.scope) {
            self.flow.bind(effect.name, effect.binding);
        }
    }
}

//! What assignments bind and store.

use syntax::ast::{self, Expr as Ast};
use syntax::{Ranged, TextRange};

use super::build::Builder;
use super::{
    AttributeFacts, BindingValue, Expr, ExprIndex, ImpliedFacts, ImpliedKind, Key, Occurs, Place, Store, SymbolIndex,
    SymbolKind,
};
use crate::Name;

impl Builder<'_> {
    /// Binds what `target` names to `value`.
    pub fn assign(&mut self, target: &Ast, value: ExprIndex) {
        match target {
            Ast::Name(name) => {
                let binding = self.bind(Name::new(&name.id), name.range(), BindingValue::Value(value));
                self.occurs(name.range(), Occurs::Store(binding));
            }
            Ast::Attribute(_) | Ast::Subscript(_) => {
                if let Some((object, place)) = self.place(target) {
                    self.assign_place(target, object, place, value);
                }
            }
            Ast::Tuple(ast::ExprTuple { elts, .. }) | Ast::List(ast::ExprList { elts, .. }) => {
                self.unpack(elts, value, target.range());
            }
            // A starred target alone is no Python, but it is something a person types on the way.
            Ast::Starred(starred) => {
                let rest = self.push(Expr::Rest { value, before: 0, after: 0 });
                self.assign(&starred.value, rest);
            }
            other => self.visit(other),
        }
    }

    /// Walks what an attribute or item is of, and says which one it is.
    pub fn place(&mut self, target: &Ast) -> Option<(ExprIndex, Place)> {
        match target {
            Ast::Attribute(attribute) => {
                let object = self.expr(&attribute.value);
                Some((object, Place::Attribute(Name::new(&attribute.attr))))
            }
            Ast::Subscript(subscript) => {
                let object = self.expr(&subscript.value);
                Some((object, Place::Item(self.key(&subscript.slice))))
            }
            _ => None,
        }
    }

    /// What an attribute or item is before it is assigned.
    pub fn read(&mut self, target: &Ast, object: ExprIndex, place: Place) -> ExprIndex {
        let value = match place {
            Place::Attribute(name) => self.push(Expr::Attribute { value: object, name }),
            Place::Item(key) => {
                let slice = target.as_subscript_expr().map_or(target, |subscript| &subscript.slice);
                let item = self.item(slice, object, key);
                self.implied(item, slice.range(), ImpliedKind::Operator);
                item
            }
        };
        self.known_place(target).unwrap_or_else(|| self.recently(target, value))
    }

    /// `target`, which is `place` of `object`, is assigned.
    pub fn assign_place(&mut self, target: &Ast, object: ExprIndex, place: Place, value: ExprIndex) {
        match target {
            Ast::Attribute(attribute) => {
                self.assign_attribute(attribute, object, value);
                self.remember(target, value);
            }
            Ast::Subscript(subscript) => {
                // `sys.modules[…] = …` makes modules that no file shows.
                if let Ast::Attribute(attribute) = &*subscript.value {
                    self.summary.dynamic |= attribute.attr.as_str() == "modules";
                }
                let value = match &*subscript.slice {
                    // All that the value has takes the places of the slice.
                    Ast::Slice(_) => self.push(Expr::Element(value)),
                    _ => value,
                };
                self.store(object, place, Some(value), subscript.slice.range());
                self.flow.forget_items();
                self.remember(target, value);
            }
            _ => {}
        }
    }

    fn unpack(&mut self, targets: &[Ast], value: ExprIndex, range: TextRange) {
        let starred = targets.iter().position(Ast::is_starred_expr);
        for (position, target) in targets.iter().enumerate() {
            let (index, from_end) = (position as i32, position as i32 - targets.len() as i32);
            let part = match starred {
                Some(star) if star == position => {
                    let after = (targets.len() - position - 1) as u32;
                    self.push(Expr::Rest { value, before: position as u32, after })
                }
                Some(star) if star < position => self.push(Expr::Unpacked { value, index: from_end }),
                _ => self.push(Expr::Unpacked { value, index }),
            };
            if position == 0 {
                self.implied(part, range, ImpliedKind::Iteration);
            }
            match target {
                Ast::Starred(starred) => self.assign(&starred.value, part),
                target => self.assign(target, part),
            }
        }
    }

    pub fn store(&mut self, object: ExprIndex, place: Place, value: Option<ExprIndex>, range: TextRange) {
        self.forget_place(place);
        self.summary.stores.push(Store { caller: self.symbol, object, place, value, range });
    }

    pub fn implied(&mut self, expr: ExprIndex, range: TextRange, kind: ImpliedKind) {
        if kind == ImpliedKind::With {
            self.forget_recent();
        }
        self.summary.implied.push(ImpliedFacts { caller: self.symbol, expr, range, kind });
    }

    /// A subscript as a key.
    pub fn key(&mut self, slice: &Ast) -> Key {
        let index = self.expr(slice);
        match (slice, self.summary.expr(index)) {
            (Ast::Slice(_), _) => Key::Any,
            (_, Expr::Constant(key)) => *key,
            _ => Key::Of(index),
        }
    }

    fn assign_attribute(&mut self, attribute: &ast::ExprAttribute, object: ExprIndex, value: ExprIndex) {
        let name = Name::new(&attribute.attr);
        let target = self.push(Expr::Attribute { value: object, name });
        self.occurs(attribute.attr.range(), Occurs::StoreAttribute(target));
        self.store(object, Place::Attribute(name), Some(value), attribute.attr.range());
        self.flow.forget_attribute(name);
        let Ast::Name(receiver) = &*attribute.value else { return };
        let Some(class) = self.receiver_class(&receiver.id) else { return };
        self.note_attribute(class, name);
        let symbol = self.variable_symbol(class, name, SymbolKind::Attribute, attribute.attr.range());
        if let Some(facts) = &mut self.summary.symbols[class.index()].class {
            let attribute = facts.attributes.entry(name).or_insert(AttributeFacts { symbol, values: Vec::new() });
            attribute.values.push(value);
        }
    }

    /// The class whose instance `name` is: the first parameter of a method.
    fn receiver_class(&self, name: &str) -> Option<SymbolIndex> {
        let class = self.summary.enclosing_class(self.symbol)?;
        let method = self.summary.symbol(self.symbol);
        let first = method.params.first()?;
        (!method.flags.is_staticmethod && first.name.as_str() == name).then_some(class)
    }
}

#[cfg(test)]
mod tests {
    use crate::summary::summarize;

    #[test]
    fn what_is_changed_in_place_is_evaluated_once() {
        for (text, calls) in [("f().x += g()", 2), ("f()[g()] -= 1", 2), ("f()[g():h()] *= k()", 4), ("x += f()", 1)] {
            let summary = summarize(text, &syntax::parse(text), false);
            assert_eq!(summary.calls.len(), calls, "{text}");
        }
    }
}

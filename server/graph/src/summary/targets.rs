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
            Ast::Attribute(attribute) => {
                self.assign_attribute(attribute, value);
                self.remember(target, value);
            }
            Ast::Tuple(ast::ExprTuple { elts, .. }) | Ast::List(ast::ExprList { elts, .. }) => {
                self.unpack(elts, value, target.range());
            }
            // A starred target alone is no Python, but it is something a person types on the way.
            Ast::Starred(starred) => {
                let rest = self.push(Expr::Rest { value, before: 0, after: 0 });
                self.assign(&starred.value, rest);
            }
            Ast::Subscript(subscript) => {
                // `sys.modules[…] = …` makes modules that no file shows.
                if let Ast::Attribute(attribute) = &*subscript.value {
                    self.summary.dynamic |= attribute.attr.as_str() == "modules";
                }
                let object = self.expr(&subscript.value);
                let key = self.key(&subscript.slice);
                let value = match &*subscript.slice {
                    // All that the value has takes the places of the slice.
                    Ast::Slice(_) => self.push(Expr::Element(value)),
                    _ => value,
                };
                self.store(object, Place::Item(key), Some(value), subscript.slice.range());
                self.flow.forget_items();
                self.remember(target, value);
            }
            other => self.visit(other),
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

    fn assign_attribute(&mut self, attribute: &ast::ExprAttribute, value: ExprIndex) {
        let object = self.expr(&attribute.value);
        let name = Name::new(&attribute.attr);
        let target = self.push(Expr::Attribute { value: object, name });
        self.occurs(attribute.attr.range(), Occurs::StoreAttribute(target));
        self.store(object, Place::Attribute(name), Some(value), attribute.attr.range());
        self.flow.forget_attribute(name);
        let Ast::Name(receiver) = &*attribute.value else { return };
        let Some(class) = self.receiver_class(&receiver.id) else { return };
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

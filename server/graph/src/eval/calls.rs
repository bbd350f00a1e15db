//! Calls, and what they return.

use super::{Evaluator, Query};
use crate::Name;
use crate::summary::{CallIndex, Expr, Item};
use crate::types::{Def, Types, Unit, Value};

impl Evaluator<'_> {
    /// What a call of any of `callees` gives; at `site`, whose arguments tell what type variables stand for.
    pub fn call(&mut self, callees: &Types, site: Option<(Unit, CallIndex)>) -> Types {
        let mut types = Types::none();
        for typed in callees.iter() {
            let result = match &typed.value {
                Value::Class(class) => Types::one(Value::Instance(*class)),
                Value::Function(function) => {
                    let types = self.returned(*function, None);
                    self.filled_in(types, *function, None, site)
                }
                Value::Method { function, receiver } => {
                    let types = self.returned(*function, Some(*receiver));
                    self.filled_in(types, *function, Some(*receiver), site)
                }
                Value::Instance(class) => {
                    let methods = self.instance_member(*class, Name::new("__call__"));
                    self.call_methods(&methods)
                }
                Value::Returns(types) => types.clone(),
                Value::Builtin(name) => Types::one(Value::Builtin(*name)),
                Value::External(name) => Types::one(Value::External(called(*name))),
                _ => continue,
            };
            types.extend(if typed.inferred { result.inferred() } else { result });
        }
        types
    }

    /// Calls only methods, so that an instance whose class has an instance as `__call__` does not recur for ever.
    pub(super) fn call_methods(&mut self, methods: &Types) -> Types {
        let mut types = Types::none();
        for typed in methods.iter() {
            if let Value::Method { function, receiver } = typed.value {
                types.extend(self.returned(function, Some(receiver)));
            }
        }
        types
    }

    pub(super) fn returned(&mut self, function: Def, receiver: Option<Def>) -> Types {
        self.ask(Query::Return(function, receiver)).inferred()
    }

    pub(super) fn compute_return(&mut self, function: Def, receiver: Option<Def>) -> Types {
        let unit = function.unit;
        let summary = self.world.summary(unit);
        let symbol = summary.symbol(function.symbol);
        self.looked_up(unit.file, Item::Definition { path: symbol.path });
        let Some(facts) = &symbol.function else { return Types::none() };
        if let Some(annotation) = facts.return_annotation {
            let types = self.eval(unit, annotation);
            if !types.is_empty() {
                return match (summary.expr(annotation), receiver) {
                    (Expr::SelfInstance(_), Some(receiver)) => Types::one(Value::Instance(receiver)),
                    _ => types,
                };
            }
        }
        if symbol.flags.is_generator {
            let mut elements = Types::none();
            for &value in &facts.yields {
                elements.extend(self.eval(unit, value));
            }
            return Types::one(Value::Sequence(elements.nested()));
        }
        let mut types = Types::none();
        for &value in &facts.returns {
            // `return self` gives the receiver's own class, `return cls()` an instance of it.
            let is_receiver =
                || summary.is_receiver(function.symbol, value) || summary.makes_receiver(function.symbol, value);
            types.extend(match receiver {
                Some(receiver) if is_receiver() => Types::one(Value::Instance(receiver)),
                _ => self.eval(unit, value),
            });
        }
        types
    }
}

/// The dotted name of what calling `name` gives. Long chains keep their beginning: that is what tells a package.
fn called(name: Name) -> Name {
    if name.len() > 80 || name.ends_with(')') { name } else { Name::new(&format!("{name}()")) }
}

//! Calls, and what they return.

use super::{Evaluator, Query};
use crate::Name;
use crate::summary::{BindingValue, CallIndex, Expr, ExprIndex, Item};
use crate::types::{Def, Types, Unit, Value};

impl Evaluator<'_> {
    /// What a call of any of `callees` gives; at `site`, whose arguments tell what type variables stand for.
    pub fn call(&mut self, callees: &Types, site: Option<(Unit, CallIndex)>) -> Types {
        let mut types = Types::none();
        for typed in callees.iter() {
            let result = match &typed.value {
                Value::Class(class) => Types::one(Value::Instance(*class)),
                Value::Function(function) => self.result(*function, None, site),
                Value::Method { function, receiver } => self.result(*function, Some(*receiver), site),
                Value::Instance(class) => {
                    let methods = self.instance_member(*class, Name::new("__call__"));
                    self.call_methods(&methods)
                }
                Value::Returns(types) => types.clone(),
                Value::Builtin(name) if gives_anything(name) => continue,
                Value::Builtin(name) => Types::one(Value::Builtin(*name)),
                Value::External(name) => Types::one(Value::External(called(*name))),
                _ => continue,
            };
            types.extend(if typed.inferred { result.inferred() } else { result });
        }
        types
    }

    /// Whether a number or text, as it is written out, is all that `value` can be.
    pub fn is_literal(&self, unit: Unit, value: ExprIndex) -> bool {
        let summary = self.world.summary(unit);
        let is_literal = |value: ExprIndex| match summary.expr(value) {
            Expr::Constant(_) | Expr::Format { .. } => true,
            Expr::Builtin(name) => matches!(name.as_str(), "bool" | "bytes" | "int" | "str"),
            _ => false,
        };
        let Expr::Local(bindings) = summary.expr(value) else { return is_literal(value) };
        let mut values = bindings.iter().map(|&binding| &summary.binding(binding).value);
        !bindings.is_empty() && values.all(|value| matches!(value, BindingValue::Value(value) if is_literal(*value)))
    }

    /// What one call of a function gives.
    fn result(&mut self, function: Def, receiver: Option<Def>, site: Option<(Unit, CallIndex)>) -> Types {
        if let Some(site) = site {
            let types = self.overloaded(function, receiver, site);
            if !types.is_empty() {
                return types;
            }
        }
        let types = self.returned(function, receiver);
        self.filled_in(types, function, receiver, site)
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

    pub(crate) fn returned(&mut self, function: Def, receiver: Option<Def>) -> Types {
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
        let declared = self.returned_by_stub(function, receiver);
        if !declared.is_empty() {
            return declared;
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

/// Built-in functions whose result is one of the program's own values.
fn gives_anything(name: &str) -> bool {
    matches!(name, "__import__" | "eval" | "getattr" | "max" | "min" | "next" | "sum")
}

/// The dotted name of what calling `name` gives. Long chains keep their beginning: that is what tells a package.
fn called(name: Name) -> Name {
    if name.len() > 80 || name.ends_with(')') { name } else { Name::new(&format!("{name}()")) }
}

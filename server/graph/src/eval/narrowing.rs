//! What conditions leave of the possible values.

use super::Evaluator;
use crate::Name;
use crate::summary::{ExprIndex, Narrowing};
use crate::types::{Def, Typed, Types, Unit, Value};

impl Evaluator<'_> {
    pub(super) fn narrowed(&mut self, unit: Unit, values: Types, by: Narrowing) -> Types {
        let is_none = |typed: &&Typed| matches!(&typed.value, Value::Builtin(name) if name.as_str() == "None");
        match by {
            Narrowing::NotNone => values.iter().filter(|typed| !is_none(typed)).cloned().collect(),
            Narrowing::None => values.iter().filter(is_none).cloned().collect(),
            Narrowing::Is(classes) => self.instances_of(unit, &values, classes),
            Narrowing::IsNot(classes) => {
                let classes = self.classes(unit, classes);
                let mut left = Types::none();
                for typed in values.iter() {
                    if !classes.iter().any(|class| self.is_instance(&typed.value, class)) {
                        left.add(typed.clone());
                    }
                }
                left
            }
        }
    }

    /// Those of `values` that are instances of one of the classes. Where none is known to be, the condition itself says
    /// what the value is.
    fn instances_of(&mut self, unit: Unit, values: &Types, classes: ExprIndex) -> Types {
        let classes = self.classes(unit, classes);
        let mut found = Types::none();
        for typed in values.iter() {
            if classes.iter().any(|class| self.is_instance(&typed.value, class)) {
                found.add(typed.clone());
            }
        }
        if !found.is_empty() {
            return found;
        }
        let instance = |class: Value| match class {
            Value::Class(class) => Value::Instance(class),
            other => other,
        };
        classes.into_iter().map(|class| Typed { value: instance(class), inferred: true }).collect()
    }

    /// The second argument of `isinstance`: a class, or a tuple of them, nested or not.
    pub fn classes(&mut self, unit: Unit, classes: ExprIndex) -> Vec<Value> {
        let mut found = Vec::new();
        let mut pending = vec![self.eval(unit, classes)];
        while let Some(types) = pending.pop() {
            for typed in types.iter() {
                match &typed.value {
                    Value::Tuple(parts) => pending.extend(parts.iter().cloned()),
                    Value::Sequence(element) => pending.push(element.clone()),
                    Value::Class(_) | Value::Builtin(_) | Value::External(_) => found.push(typed.value.clone()),
                    _ => {}
                }
            }
        }
        found
    }

    fn is_instance(&mut self, value: &Value, class: &Value) -> bool {
        let builtin = |name: &str| matches!(class, Value::Builtin(class) if class.as_str() == name);
        match (value, class) {
            (Value::Instance(instance), Value::Class(class)) => self.is_subclass(*instance, *class),
            // A base class outside the workspace may be any other one there.
            (Value::Instance(instance), Value::External(_)) => self.mro(*instance).external.is_some(),
            (Value::Instance(instance), Value::Builtin(name)) => {
                self.mro(*instance).external.is_some_and(|base| base == *name)
            }
            (Value::Builtin(value), Value::Builtin(class)) => value == class,
            (Value::Sequence(_), _) => builtin("list") || builtin("set"),
            (Value::Tuple(_), _) => builtin("tuple"),
            (Value::Mapping(_), _) => builtin("dict"),
            (Value::Class(_), _) => builtin("type"),
            (Value::External(_), Value::External(_) | Value::Builtin(_)) => true,
            _ => false,
        }
    }

    fn is_subclass(&mut self, class: Def, base: Def) -> bool {
        self.mro(class).classes.contains(&base)
    }

    /// What a unary operator's special method gives.
    pub(super) fn operated(&mut self, values: &Types, method: Name) -> Types {
        let mut types = Types::none();
        for typed in values.iter() {
            match &typed.value {
                Value::Instance(class) => types.extend(self.special(*class, &method)),
                Value::Builtin(_) => types.add(typed.clone()),
                _ => {}
            }
        }
        types
    }

    /// A binary operator: the left operand's method decides, then the right one's reflected method. In-place operators fall
    /// back on the plain ones.
    pub(super) fn binary(&mut self, unit: Unit, method: Name, left: ExprIndex, right: ExprIndex) -> Types {
        let left = self.eval(unit, left);
        let plain = plain_method(&method);
        let mut types = Types::none();
        for typed in left.iter() {
            match &typed.value {
                Value::Instance(class) => {
                    let mut found = self.special(*class, &method);
                    if found.is_empty() && plain != method.as_str() {
                        found = self.special(*class, &plain);
                    }
                    types.extend(found);
                }
                Value::Sequence(_) | Value::Mapping(_) | Value::Tuple(_) | Value::Builtin(_) => {
                    types.add(typed.clone());
                }
                _ => {}
            }
        }
        if types.is_empty() || !left.iter().any(|typed| matches!(typed.value, Value::Instance(_))) {
            let right = self.eval(unit, right);
            let reflected = plain.replacen("__", "__r", 1);
            for typed in right.iter() {
                if let Value::Instance(class) = typed.value {
                    types.extend(self.special(class, &reflected));
                }
            }
        }
        types
    }
}

/// `__add__` for `__iadd__`.
pub(crate) fn plain_method(method: &str) -> String {
    match method.strip_prefix("__i") {
        Some(rest) if !matches!(method, "__invert__") => format!("__{rest}"),
        _ => method.to_owned(),
    }
}

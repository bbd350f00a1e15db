//! What conditions leave of the possible values.

use super::Evaluator;
use crate::Name;
use crate::summary::{BindingIndex, BindingValue, ClassTest, ExprIndex, Narrowing};
use crate::types::{Def, Typed, Types, Unit, Value};

/// Conditions on one value that are looked at together.
const MAX_CONDITIONS: usize = 16;

impl Evaluator<'_> {
    pub(super) fn narrowed(&mut self, unit: Unit, values: Types, inputs: &[BindingIndex], by: Narrowing) -> Types {
        let is_none = |typed: &&Typed| matches!(&typed.value, Value::Builtin(name) if name.as_str() == "None");
        let (test, classes, holds) = match by {
            Narrowing::NotNone => return values.iter().filter(|typed| !is_none(typed)).cloned().collect(),
            Narrowing::None => return values.iter().filter(is_none).cloned().collect(),
            Narrowing::Class { test, classes, holds } => (test, self.classes(unit, classes), holds),
        };
        let mut found = Types::none();
        for typed in values.iter() {
            let is_left = match holds {
                true => classes.iter().any(|class| self.passes(test, &typed.value, class)),
                false => !classes.iter().any(|class| self.certainly_passes(test, &typed.value, class)),
            };
            if is_left {
                found.add(typed.clone());
            }
        }
        if !holds || !found.is_empty() {
            return found;
        }
        // Where no value is known to pass, the condition itself says what it is, as far as others have not ruled it out.
        let ruled_out = self.ruled_out(unit, inputs);
        for class in classes {
            let value = match class {
                Value::Class(class) if test != ClassTest::Subclass => Value::Instance(class),
                other => other,
            };
            if !ruled_out.iter().any(|(test, class)| self.certainly_passes(*test, &value, class)) {
                found.add(Typed { value, inferred: true });
            }
        }
        found
    }

    /// The classes that earlier conditions on the same value have excluded.
    pub fn ruled_out(&mut self, unit: Unit, inputs: &[BindingIndex]) -> Vec<(ClassTest, Value)> {
        let summary = self.world.summary(unit);
        let mut found = Vec::new();
        let mut inputs = inputs;
        for _ in 0..MAX_CONDITIONS {
            let [input] = inputs else { break };
            let BindingValue::Narrowed { inputs: further, by } = &summary.binding(*input).value else { break };
            if let &Narrowing::Class { test, classes, holds: false } = by {
                found.extend(self.classes(unit, classes).into_iter().map(|class| (test, class)));
            }
            inputs = further;
        }
        found
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

    /// Two classes from outside the workspace may be anything to each other, so that only the same one is sure to pass.
    fn certainly_passes(&mut self, test: ClassTest, value: &Value, class: &Value) -> bool {
        match (value, class) {
            (Value::External(value), Value::External(class) | Value::Builtin(class)) => value == class,
            (Value::Instance(_) | Value::Class(_), Value::External(_)) => false,
            _ => self.passes(test, value, class),
        }
    }

    fn passes(&mut self, test: ClassTest, value: &Value, class: &Value) -> bool {
        match (test, value, class) {
            (ClassTest::Instance, ..) => self.is_instance(value, class),
            (ClassTest::Exactly, Value::Instance(own), Value::Class(class)) => own == class,
            (ClassTest::Exactly, ..) => self.is_instance(value, class),
            (ClassTest::Subclass, Value::Class(own), Value::Class(class)) => self.is_subclass(*own, *class),
            (ClassTest::Subclass, Value::Class(own), Value::External(_)) => self.mro(*own).external.is_some(),
            (ClassTest::Subclass, Value::External(_) | Value::Builtin(_), Value::External(_) | Value::Builtin(_)) => {
                true
            }
            (ClassTest::Subclass, ..) => false,
        }
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

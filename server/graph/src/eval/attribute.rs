//! Attributes, elements and items of values.

use super::Evaluator;
use crate::Name;
use crate::summary::Key;
use crate::types::{Def, Typed, Types, Value};

impl Evaluator<'_> {
    /// `value.name` for each of `values`.
    pub fn attribute(&mut self, values: &Types, name: Name) -> Types {
        let mut types = Types::none();
        for typed in values.iter() {
            let found = self.attribute_of(&typed.value, name);
            types.extend(if typed.inferred { found.inferred() } else { found });
        }
        types
    }

    fn attribute_of(&mut self, value: &Value, name: Name) -> Types {
        match value {
            Value::Module(_) | Value::Namespace(_) => self.module_attribute(value, name),
            Value::Instance(class) => {
                let types = self.instance_member(*class, name);
                self.or_external(types, *class, name)
            }
            Value::Class(class) => {
                let types = self.class_member(*class, name);
                self.or_external(types, *class, name)
            }
            Value::Super(class) => {
                let mro = self.mro(*class);
                let types = self.member_in(&mro.classes[1..], *class, name, true);
                match mro.external {
                    Some(base) if types.is_empty() => external_attribute(base, name),
                    _ => types,
                }
            }
            Value::Mapping(value) => match name.as_str() {
                "get" | "pop" | "setdefault" => Types::one(Value::Returns(value.clone())),
                "values" => Types::one(Value::Returns(Types::one(Value::Sequence(value.clone())))),
                "items" => {
                    let pair = Types::one(Value::Tuple([Types::none(), value.clone()].into()));
                    Types::one(Value::Returns(Types::one(Value::Sequence(pair.nested()))))
                }
                "copy" => Types::one(Value::Returns(Types::one(Value::Mapping(value.clone())))),
                _ => external_attribute(Name::new("dict"), name),
            },
            Value::Sequence(element) => match name.as_str() {
                "pop" | "popleft" | "__next__" => Types::one(Value::Returns(element.clone())),
                "copy" => Types::one(Value::Returns(Types::one(Value::Sequence(element.clone())))),
                _ => external_attribute(Name::new("list"), name),
            },
            Value::Tuple(_) => external_attribute(Name::new("tuple"), name),
            Value::Builtin(owner) | Value::External(owner) => external_attribute(*owner, name),
            Value::TypeVariable(..) => {
                let bound = self.bounded(Types::one(value.clone()));
                self.attribute(&bound, name)
            }
            Value::Function(_) | Value::Method { .. } | Value::Returns(_) => Types::none(),
        }
    }

    /// What is not found on a class may come from a base class outside the workspace.
    fn or_external(&mut self, types: Types, class: Def, name: Name) -> Types {
        if !types.is_empty() || self.has_member(class, name) {
            return types;
        }
        match self.mro(class).external {
            Some(base) => external_attribute(base, name),
            None => types,
        }
    }

    /// Whether a class of the workspace gives `name` a meaning, known or not.
    pub fn has_member(&mut self, class: Def, name: Name) -> bool {
        let mro = self.mro(class);
        mro.classes.iter().any(|class| {
            let summary = self.world.summary(class.unit);
            let symbol = summary.symbol(class.symbol);
            symbol.scope.is_some_and(|scope| summary.scope(scope).names.contains_key(&name))
                || symbol.class.as_ref().is_some_and(|facts| facts.attributes.contains_key(&name))
        })
    }

    /// What iterating over any of `values` gives.
    pub(super) fn element(&mut self, values: &Types) -> Types {
        let mut types = Types::none();
        for typed in values.iter() {
            match &typed.value {
                Value::Sequence(element) => types.extend(element.clone()),
                Value::Tuple(parts) => parts.iter().for_each(|part| types.extend(part.clone())),
                Value::Instance(class) => {
                    let iterators = self.special(*class, "__iter__");
                    for iterator in iterators.iter() {
                        match &iterator.value {
                            Value::Sequence(element) => types.extend(element.clone()),
                            Value::Instance(iterator) => {
                                let next = self.special(*iterator, "__next__");
                                types.extend(next);
                            }
                            _ => {}
                        }
                    }
                    if iterators.is_empty() {
                        types.extend(self.special(*class, "__getitem__"));
                    }
                }
                Value::Builtin(_) | Value::External(_) => types.add(typed.clone()),
                _ => {}
            }
        }
        types
    }

    /// `next(value)`
    pub(super) fn next(&mut self, values: &Types) -> Types {
        let mut types = Types::none();
        for typed in values.iter() {
            match &typed.value {
                Value::Instance(class) => types.extend(self.special(*class, "__next__")),
                _ => types.extend(self.element(&[typed.clone()].into_iter().collect())),
            }
        }
        types
    }

    /// `value[key]`
    pub(super) fn item(&mut self, values: &Types, key: Key) -> Types {
        let mut types = Types::none();
        for typed in values.iter() {
            match &typed.value {
                Value::Tuple(parts) => types.extend(
                    part(
                        parts,
                        match key {
                            Key::Index(index) => Some(index),
                            _ => None,
                        },
                    )
                    .inferred(),
                ),
                Value::Sequence(element) | Value::Mapping(element) => types.extend(element.clone().inferred()),
                Value::Instance(class) => types.extend(self.special(*class, "__getitem__")),
                // `Alias = Class[int]`
                Value::Class(_) | Value::Builtin(_) | Value::External(_) => types.add(typed.clone()),
                _ => {}
            }
        }
        types
    }

    /// `value[from:to]`
    pub(super) fn slice(&mut self, values: &Types) -> Types {
        let mut types = Types::none();
        for typed in values.iter() {
            match &typed.value {
                Value::Tuple(parts) => {
                    types.add(Typed { value: Value::Sequence(part(parts, None).nested()), inferred: typed.inferred })
                }
                Value::Instance(class) => types.extend(self.special(*class, "__getitem__")),
                Value::Sequence(_) | Value::Builtin(_) | Value::External(_) => types.add(typed.clone()),
                _ => {}
            }
        }
        types
    }

    /// One of the names in `a, b = value`.
    pub(super) fn unpacked(&mut self, values: &Types, index: i32) -> Types {
        let mut types = Types::none();
        for typed in values.iter() {
            match &typed.value {
                Value::Tuple(parts) => types.extend(part(parts, Some(index))),
                _ => types.extend(self.element(&[typed.clone()].into_iter().collect())),
            }
        }
        types
    }

    /// What `with value as target` binds.
    pub(super) fn entered(&mut self, values: &Types) -> Types {
        let mut types = Types::none();
        for typed in values.iter() {
            match &typed.value {
                Value::Instance(class) => {
                    types.extend(self.special(*class, "__enter__"));
                    types.extend(self.special(*class, "__aenter__"));
                }
                // The result of a generator function under `@contextmanager`.
                Value::Sequence(element) => types.extend(element.clone()),
                Value::Builtin(_) | Value::External(_) => {
                    types.add(Typed { value: typed.value.clone(), inferred: true });
                }
                _ => {}
            }
        }
        types
    }

    /// What a special method of an instance returns.
    pub(super) fn special(&mut self, class: Def, name: &str) -> Types {
        let methods = self.instance_member(class, Name::new(name));
        self.call_methods(&methods)
    }
}

/// A part of a tuple; any of them when the index is not known.
fn part(parts: &[Types], index: Option<i32>) -> Types {
    let position = index.and_then(|index| {
        let from_end = if index < 0 { parts.len() as i64 } else { 0 };
        usize::try_from(i64::from(index) + from_end).ok()
    });
    match position.and_then(|position| parts.get(position)) {
        Some(part) => part.clone(),
        None => {
            let mut types = Types::none();
            parts.iter().for_each(|part| types.extend(part.clone()));
            types
        }
    }
}

fn external_attribute(owner: Name, name: Name) -> Types {
    // Chains end somewhere: what hangs so deep below something foreign is foreign too.
    let full = if owner.len() > 80 { owner } else { Name::new(&format!("{owner}.{name}")) };
    Types::one(Value::External(full))
}

//! What an expression may be at run time.

use std::rc::Rc;

use smallvec::{SmallVec, smallvec};

use crate::summary::{ExprIndex, SymbolIndex};
use crate::{FileId, Name};

/// The facts of one file: those of its text or, for what a broken text has lost, those of its last good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Unit {
    pub file: FileId,
    pub retained: bool,
}

impl Unit {
    pub fn live(file: FileId) -> Self {
        Unit { file, retained: false }
    }
}

/// A definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Def {
    pub unit: Unit,
    pub symbol: SymbolIndex,
}

/// One possible value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    Module(FileId),
    Namespace(Name),
    Class(Def),
    Instance(Def),
    Function(Def),
    /// A function bound to an instance of `receiver`, or to the class itself.
    Method {
        function: Def,
        receiver: Def,
    },
    /// `super()` in a method of the class.
    Super(Def),
    /// A list, set, iterator …
    Sequence(Types),
    Mapping(Types),
    Tuple(Rc<[Types]>),
    /// Something that can be called and returns these.
    Returns(Types),
    /// A type variable, where it is made.
    TypeVariable(Unit, ExprIndex),
    /// A built-in function, class or an instance of the class; telling them apart is not needed.
    Builtin(Name),
    /// Something outside the workspace, by its dotted name.
    External(Name),
}

/// A value, and whether it was found through types, returned values or the flow of data.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Typed {
    pub value: Value,
    pub inferred: bool,
}

/// Beyond this many possible values more of them say nothing.
const MAX_VALUES: usize = 12;

/// Beyond this nesting, types of containers are cut: `x = [x]` in a loop has no end.
const MAX_NESTING: u32 = 4;

/// The possible values of an expression, in the order in which they were found; empty when nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Types(Option<Rc<SmallVec<[Typed; 1]>>>);

impl Types {
    pub fn none() -> Self {
        Types(None)
    }

    pub fn one(value: Value) -> Self {
        Types(Some(Rc::new(smallvec![Typed { value, inferred: false }])))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether there may have been more values than are kept.
    pub fn is_full(&self) -> bool {
        self.iter().count() >= MAX_VALUES
    }

    pub fn iter(&self) -> impl Iterator<Item = &Typed> {
        self.0.iter().flat_map(|values| values.iter())
    }

    /// The same values, marked as inferred.
    pub fn inferred(self) -> Self {
        if self.iter().all(|typed| typed.inferred) {
            return self;
        }
        self.iter().map(|typed| Typed { value: typed.value.clone(), inferred: true }).collect()
    }

    pub fn add(&mut self, typed: Typed) {
        let values = Rc::make_mut(self.0.get_or_insert_default());
        let is_full = values.len() >= MAX_VALUES;
        match values.iter_mut().find(|other| other.value == typed.value) {
            // Both ways lead there; the surer one counts.
            Some(other) => other.inferred &= typed.inferred,
            None if !is_full => values.push(typed),
            None => {}
        }
    }

    pub fn extend(&mut self, other: Types) {
        if self.is_empty() {
            *self = other;
        } else {
            other.iter().for_each(|typed| self.add(typed.clone()));
        }
    }

    fn nesting(&self) -> u32 {
        let depth = |typed: &Typed| match &typed.value {
            Value::Sequence(inner) | Value::Mapping(inner) | Value::Returns(inner) => 1 + inner.nesting(),
            Value::Tuple(parts) => 1 + parts.iter().map(Types::nesting).max().unwrap_or(0),
            _ => 0,
        };
        self.iter().map(depth).max().unwrap_or(0)
    }

    /// These types, for use inside a container.
    pub fn nested(self) -> Self {
        if self.nesting() >= MAX_NESTING { Types::none() } else { self }
    }
}

impl FromIterator<Typed> for Types {
    fn from_iter<I: IntoIterator<Item = Typed>>(values: I) -> Self {
        let mut types = Types::none();
        values.into_iter().for_each(|typed| types.add(typed));
        types
    }
}

//! Symbolic expressions: what will have to be evaluated to know a value.

use super::{BindingIndex, CallIndex, ExprIndex, Few, ScopeIndex, SymbolIndex, Thin};
use crate::Name;

/// What is known after a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) enum Narrowing {
    /// `isinstance(value, classes)` and the like.
    Class {
        test: ClassTest,
        classes: ExprIndex,
        /// Whether the test succeeded.
        holds: bool,
    },
    /// `value is not None`, or the value is true.
    NotNone,
    /// `value is None`
    None,
}

/// How a value is compared with classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) enum ClassTest {
    /// `isinstance(value, class)`
    Instance,
    /// `issubclass(value, class)`
    Subclass,
    /// `type(value) is class`
    Exactly,
}

/// A subscript, as far as the text tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(crate) enum Key {
    /// Negative from the end.
    Index(i32),
    Text(Name),
    /// The value of an expression.
    Of(ExprIndex),
    /// Some key, not known which.
    Any,
}

/// A symbolic expression: what will have to be evaluated to know the value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) enum Expr {
    /// A name, with the bindings of its own scope that reach it.
    Local(Few<BindingIndex>),
    /// A name that is looked up in `scope` and the scopes around it.
    Free {
        scope: ScopeIndex,
        name: Name,
    },
    Attribute {
        value: ExprIndex,
        name: Name,
    },
    Call(CallIndex),
    /// `super()` in a method of the class.
    Super(SymbolIndex),
    /// `super(class, object)`
    SuperOf {
        class: ExprIndex,
        object: ExprIndex,
    },
    /// The class of `value`: `type(x)`, `x.__class__`.
    ClassOf(ExprIndex),
    /// An instance of the class that the annotation names.
    InstanceOf(ExprIndex),
    /// What `except class as name` binds.
    Caught(Box<Caught>),
    /// What a class pattern takes for its nth sub-pattern.
    MatchArgument {
        value: ExprIndex,
        class: ExprIndex,
        position: u32,
    },
    /// `TypeVar(…)`, with its bound, or a type parameter.
    TypeVariable(Option<ExprIndex>),
    /// Something that can be called of which only the result is known: `Callable[…, C]`, `NewType("N", C)`.
    Returning(ExprIndex),
    /// `typing.Self` in a method of the class.
    SelfInstance(SymbolIndex),
    /// What iterating over the value gives.
    Element(ExprIndex),
    /// What `next(value)` gives.
    Next(ExprIndex),
    /// `value[key]`
    Item {
        value: ExprIndex,
        key: Key,
    },
    /// `value[from:to]`; with the ends where they are constants from the start.
    Slice {
        value: ExprIndex,
        ends: Option<(u16, Option<u16>)>,
    },
    /// `place`, an attribute or item to which `value` was assigned on every way here, and nothing that might change it came
    /// between.
    Recent {
        place: ExprIndex,
        value: ExprIndex,
    },
    /// One name of a tuple target; negative from the end, after a starred one.
    Unpacked {
        value: ExprIndex,
        index: i32,
    },
    /// The starred name of a tuple target: all but `before` at the start and `after` at the end.
    Rest {
        value: ExprIndex,
        before: u32,
        after: u32,
    },
    Awaited(ExprIndex),
    /// What a generator returns in the end: `yield from value`.
    Final(ExprIndex),
    /// What is sent into the generator function: `yield`.
    Sent(SymbolIndex),
    Entered(ExprIndex),
    /// A unary operator's special method on the value.
    Unary {
        method: Name,
        value: ExprIndex,
    },
    /// A binary operator's special method: of the left operand or, reflected, of the right one.
    Binary {
        method: Name,
        left: ExprIndex,
        right: ExprIndex,
    },
    Union(Thin<ExprIndex>),
    /// The first alternative that is known.
    OrElse(ExprIndex, ExprIndex),
    List(Thin<ExprIndex>),
    /// A set, iterator, or list of unknown length, of the element.
    Sequence(ExprIndex),
    Tuple(Thin<ExprIndex>),
    Dict(Thin<(Key, ExprIndex)>),
    /// A mapping to the value.
    Mapping(ExprIndex),
    /// A definition of this file: a function, lambda or class before its decorators.
    Definition(SymbolIndex),
    /// A short text or number that may serve as a key or a name.
    Constant(Key),
    /// A text of which the beginning and the end are known.
    Format {
        prefix: Name,
        suffix: Name,
    },
    /// A literal of a built-in type.
    Builtin(Name),
    Unknown,
}

/// An exception that a handler catches.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) struct Caught {
    pub class: ExprIndex,
    /// The classes that handlers before this one catch.
    pub not: Box<[ExprIndex]>,
}

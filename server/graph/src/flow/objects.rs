//! What may flow: abstract objects, one for each place that makes a value.

use rustc_hash::FxHashMap;

use super::nodes::{ArgumentsId, NodeId, Weight};
use crate::summary::Key;
use crate::types::Def;
use crate::{FileId, Name};

/// An interned [`Object`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ObjectId(pub u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Object {
    /// Something of which nothing is known.
    Unknown,
    /// A number, text or other value of a built-in type that carries nothing.
    Plain,
    /// A constant that may serve as a key or an attribute's name.
    Constant(Key),
    /// A text with a known beginning and end.
    Format {
        prefix: Name,
        suffix: Name,
    },
    Function(Def),
    /// A function with its first argument already given.
    Bound {
        function: Def,
        receiver: ObjectId,
    },
    Class(Def),
    Instance(Def),
    Module(FileId),
    Namespace(Name),
    /// `super()` in a method of `class`, for this receiver.
    Super {
        class: Def,
        receiver: ObjectId,
    },
    /// A list, tuple, set, dictionary or generator, by the place that makes it.
    Container(ContainerId),
    /// A method of a container that is not called where it is taken.
    ContainerMethod {
        container: ContainerId,
        name: Name,
    },
    /// `functools.partial(function, …)`
    Partial {
        function: NodeId,
        arguments: ArgumentsId,
    },
    /// `function.register` of a `functools.singledispatch` function.
    Register(Def),
    /// A decorator that gives back what it is given: `functools.wraps(f)`.
    Identity,
    /// A built-in function or class, or one of the standard library whose effect on functions is known.
    Modelled(Name),
}

impl Object {
    pub fn weight(self) -> Weight {
        match self {
            Object::Constant(_) | Object::Format { .. } => Weight::Constant,
            Object::Container(_) | Object::ContainerMethod { .. } | Object::Partial { .. } => Weight::Container,
            _ => Weight::Other,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ContainerId(pub u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ContainerKind {
    Sequence,
    Tuple,
    Dict,
    Generator,
}

/// The place that makes a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    /// An expression, by its node.
    Expr(NodeId),
    /// `*args` of a function.
    Star(Def),
    /// `**kwargs` of a function.
    DoubleStar(Def),
    /// What a generator function returns.
    Yields(Def),
    /// `mapping.items()`, and its pairs.
    Items(ContainerId),
    Pair(ContainerId, Key),
    /// `mapping.values()`
    Values(ContainerId),
}

#[derive(Debug)]
pub(super) struct Container {
    pub kind: ContainerKind,
    /// How many elements a literal has.
    pub length: Option<u32>,
    /// The keys that something was stored under.
    pub keys: Vec<Key>,
    /// What to do for each key.
    pub watches: Vec<super::nodes::KeyWatch>,
}

/// The objects that exist, and the containers among them.
#[derive(Debug, Default)]
pub(super) struct Objects {
    objects: Vec<Object>,
    ids: FxHashMap<Object, ObjectId>,
    pub containers: Vec<Container>,
    origins: FxHashMap<Origin, ContainerId>,
}

impl Objects {
    pub fn intern(&mut self, object: Object) -> ObjectId {
        *self.ids.entry(object).or_insert_with(|| {
            self.objects.push(object);
            ObjectId(self.objects.len() as u32 - 1)
        })
    }

    pub fn get(&self, id: ObjectId) -> Object {
        self.objects[id.0 as usize]
    }

    pub fn container(&mut self, origin: Origin, kind: ContainerKind, length: Option<u32>) -> ContainerId {
        *self.origins.entry(origin).or_insert_with(|| {
            self.containers.push(Container { kind, length, keys: Vec::new(), watches: Vec::new() });
            ContainerId(self.containers.len() as u32 - 1)
        })
    }

    pub fn len(&self) -> usize {
        self.objects.len()
    }
}

//! What may flow: abstract objects, one for each place that makes a value.

use rustc_hash::FxHashMap;

use super::distinct::Distinct;
use super::external::Externals;
use super::nodes::{ArgumentsId, NodeId, Weight};
use crate::summary::Key;
use crate::types::Def;
use crate::{FileId, Name};

/// An interned [`Object`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ObjectId(pub u32);

impl ObjectId {
    /// [`Object::Unknown`]
    pub const UNKNOWN: ObjectId = ObjectId(0);
    /// [`Object::Plain`]
    pub const PLAIN: ObjectId = ObjectId(1);
}

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
    /// `property(getter, setter)` as a call.
    Property {
        getter: NodeId,
        setter: NodeId,
    },
    /// `staticmethod(function)` or `classmethod(function)` as a call.
    Wrapped {
        function: ObjectId,
        is_class: bool,
    },
    /// `operator.attrgetter(…)`: names with dots between.
    AttributeGetter(Name),
    MethodCaller {
        name: Name,
        arguments: ArgumentsId,
    },
    ItemGetter(Key),
    /// What `namedtuple` makes.
    TupleClass(RecordId),
    /// `type.__call__` of the class.
    Constructor(Def),
    /// What a parser of arguments has read: its defaults are attributes.
    Parsed(ContainerId),
    /// `vars(object)`, `object.__dict__`, `globals()`.
    Vars(ObjectId),
    /// A thread or process: `start()` calls the function.
    Thread {
        function: NodeId,
        arguments: ArgumentsId,
    },
    /// `result()` gives the value.
    Future(NodeId),
    /// A function that returns the value.
    Returning(NodeId),
    /// `with` gives the value.
    Context {
        value: NodeId,
        closes: bool,
    },
    /// What a `ContextDecorator` makes of a function: it enters the manager around each call.
    Entering {
        function: NodeId,
        manager: ObjectId,
    },
    /// An instance of a class of the standard library whose methods are known.
    Made(Name),
    /// A built-in function or class, or one of the standard library whose effect on functions is known.
    Modelled(Name),
    /// Something outside the workspace that is followed by its dotted name; see [`super::external`].
    External(Name),
}

impl Object {
    fn weight(self, externals: Option<&Externals>) -> Weight {
        match self {
            Object::External(name) | Object::Modelled(name) if externals.is_some_and(|it| it.is_kept(&name)) => {
                Weight::Followed
            }
            Object::Constant(_) | Object::Format { .. } => Weight::Constant,
            Object::Container(_)
            | Object::ContainerMethod { .. }
            | Object::Partial { .. }
            | Object::MethodCaller { .. }
            | Object::Thread { .. }
            | Object::Future(_)
            | Object::Returning(_)
            | Object::Entering { .. }
            | Object::Context { .. } => Weight::Container,
            _ => Weight::Other,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ContainerId(pub u32);

/// Index into the fields of named tuples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RecordId(pub u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ContainerKind {
    Sequence,
    Tuple,
    Dict,
    Generator,
    /// The defaults of an `argparse` parser and its subparsers, by name.
    Parser,
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
    /// The names of a named tuple's places.
    pub record: Option<RecordId>,
    /// The keys that something was stored under.
    pub keys: Distinct<Key>,
    /// What to do for each key.
    pub watches: Distinct<super::watches::KeyWatch>,
}

/// The objects that exist, and the containers among them.
#[derive(Debug, Default)]
pub(super) struct Objects<'a> {
    objects: Vec<Object>,
    weights: Vec<Weight>,
    ids: FxHashMap<Object, ObjectId>,
    pub containers: Vec<Container>,
    origins: FxHashMap<Origin, ContainerId>,
    records: Vec<std::rc::Rc<[Name]>>,
    /// What comes from outside and is followed by name.
    externals: Option<&'a Externals>,
}

impl<'a> Objects<'a> {
    pub fn new(externals: Option<&'a Externals>) -> Self {
        let mut objects = Objects { externals, ..Objects::default() };
        for (object, id) in [(Object::Unknown, ObjectId::UNKNOWN), (Object::Plain, ObjectId::PLAIN)] {
            let made = objects.intern(object);
            debug_assert_eq!(made, id);
        }
        objects
    }

    pub fn intern(&mut self, object: Object) -> ObjectId {
        *self.ids.entry(object).or_insert_with(|| {
            self.objects.push(object);
            self.weights.push(object.weight(self.externals));
            ObjectId(self.objects.len() as u32 - 1)
        })
    }

    pub fn get(&self, id: ObjectId) -> Object {
        self.objects[id.0 as usize]
    }

    /// The same as that of the object itself, without looking at it.
    pub fn weight(&self, id: ObjectId) -> Weight {
        self.weights[id.0 as usize]
    }

    pub fn container(&mut self, origin: Origin, kind: ContainerKind, length: Option<u32>) -> ContainerId {
        *self.origins.entry(origin).or_insert_with(|| {
            self.containers.push(Container {
                kind,
                length,
                record: None,
                keys: Distinct::default(),
                watches: Distinct::default(),
            });
            ContainerId(self.containers.len() as u32 - 1)
        })
    }

    /// The names of a named tuple's fields, by number.
    pub fn record(&mut self, names: &[Name]) -> RecordId {
        let known = self.records.iter().position(|other| **other == *names);
        let index = known.unwrap_or_else(|| {
            self.records.push(names.into());
            self.records.len() - 1
        });
        RecordId(index as u32)
    }

    pub fn names(&self, record: RecordId) -> std::rc::Rc<[Name]> {
        self.records[record.0 as usize].clone()
    }
}

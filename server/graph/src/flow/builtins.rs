//! What built-in functions and those of the standard library do with functions and containers they are given.

use super::computed::ByName;
use super::nodes::{NodeId, Place, SiteId};
use super::objects::{ContainerKind, Object, Origin as Made};
use super::solver::Solver;
use super::watches::{ArgumentNodes, Invocation, Watch};
use crate::summary::Key;
use crate::{EdgeKind, Name};

/// Modules of the standard library that hold modelled functions, and those functions, sorted.
const MODELLED: &[&str] = &[
    "abc",
    "abc.abstractmethod",
    "atexit",
    "atexit.register",
    "collections",
    "collections.Counter",
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.deque",
    "collections.namedtuple",
    "contextlib",
    "contextlib.asynccontextmanager",
    "contextlib.contextmanager",
    "copy",
    "copy.copy",
    "copy.deepcopy",
    "dataclasses",
    "dataclasses.dataclass",
    "dataclasses.replace",
    "enum",
    "enum.unique",
    "functools",
    "functools.cache",
    "functools.cached_property",
    "functools.lru_cache",
    "functools.partial",
    "functools.partialmethod",
    "functools.reduce",
    "functools.singledispatch",
    "functools.singledispatchmethod",
    "functools.total_ordering",
    "functools.update_wrapper",
    "functools.wraps",
    "itertools",
    "itertools.accumulate",
    "itertools.chain",
    "itertools.chain.from_iterable",
    "itertools.cycle",
    "itertools.dropwhile",
    "itertools.filterfalse",
    "itertools.groupby",
    "itertools.islice",
    "itertools.starmap",
    "itertools.takewhile",
    "itertools.zip_longest",
    "typing",
    "typing.cast",
    "typing.final",
    "typing.no_type_check",
    "typing.overload",
    "typing.runtime_checkable",
];

/// Whether the solver knows what a function of the standard library does, or the module holds such functions.
pub(super) fn is_modelled(name: &str) -> bool {
    MODELLED.binary_search(&name).is_ok() || super::library::is_listed(name)
}

/// How many times in a row elements and results are made of what was made itself.
const MAX_DERIVED: u8 = 8;

impl Solver<'_> {
    /// A modelled function is called.
    pub fn builtin(&mut self, name: Name, call: Invocation) {
        let Invocation { arguments, dest, site, kind } = call;
        if self.library_call(name, arguments, dest, site) {
            return;
        }
        let given = self.all_given(arguments);
        let first = given.positional.first().copied();
        let second = given.positional.get(1).copied();
        let keyword = |name: &str| given.keywords.iter().find(|(key, _)| key.as_str() == name).map(|(_, node)| *node);
        let nothing = self.nothing;
        match (name.as_str(), first) {
            ("map", Some(function)) => {
                let elements: Vec<NodeId> =
                    given.positional[1..].iter().map(|&iterable| self.elements(iterable, site)).collect();
                let result = self.made(dest);
                self.call_back(function, &elements, result, site);
            }
            ("filter" | "itertools.takewhile" | "itertools.dropwhile" | "itertools.filterfalse", Some(function)) => {
                let Some(iterable) = second else { return };
                let elements = self.elements(iterable, site);
                self.call_back(function, &[elements], nothing, site);
                let result = self.made(dest);
                self.copy(elements, result);
            }
            ("sorted", Some(iterable)) => {
                let elements = self.elements(iterable, site);
                match keyword("key") {
                    Some(key) => self.call_back(key, &[elements], nothing, site),
                    None => {
                        let (name, arguments) = (Name::new("__lt__"), self.given(&[elements]));
                        let kind = EdgeKind::Operator;
                        self.watch(
                            elements,
                            Watch::Special { name, call: Invocation { arguments, dest: nothing, site, kind } },
                        );
                    }
                }
            }
            ("min" | "max", Some(iterable)) => {
                let elements = match second {
                    None => self.elements(iterable, site),
                    Some(_) => {
                        let any = self.nodes.new_node();
                        given.positional.iter().for_each(|&value| self.copy(value, any));
                        any
                    }
                };
                if let Some(key) = keyword("key") {
                    self.call_back(key, &[elements], nothing, site);
                }
                self.copy(elements, dest);
            }
            ("functools.reduce", Some(function)) => {
                let Some(iterable) = second else { return };
                let elements = self.elements(iterable, site);
                let sum = self.place(Place::Accumulated(dest));
                self.copy(elements, sum);
                given.positional.get(2).into_iter().for_each(|&start| self.copy(start, sum));
                self.call_back(function, &[sum, elements], sum, site);
                self.copy(sum, dest);
            }
            ("functools.partial" | "functools.partialmethod", Some(function)) => {
                let mut rest = ArgumentNodes::clone(&given);
                rest.positional.remove(0);
                let arguments = self.arguments(rest);
                self.add_object(dest, Object::Partial { function, arguments });
            }
            ("functools.wraps", _) => self.add_object(dest, Object::Identity),
            (
                "functools.lru_cache"
                | "functools.cache"
                | "functools.singledispatch"
                | "functools.singledispatchmethod"
                | "functools.total_ordering"
                | "functools.cached_property"
                | "contextlib.contextmanager"
                | "contextlib.asynccontextmanager"
                | "dataclasses.dataclass"
                | "abc.abstractmethod"
                | "enum.unique"
                | "typing.final"
                | "typing.overload"
                | "typing.no_type_check"
                | "typing.runtime_checkable"
                | "atexit.register"
                | "functools.update_wrapper"
                | "dataclasses.replace",
                Some(value),
            ) => {
                self.copy(value, dest);
                // `@lru_cache(maxsize=…)`
                if kind != EdgeKind::Decorator && name.as_str() == "functools.lru_cache" {
                    self.add_object(dest, Object::Identity);
                }
            }
            ("functools.lru_cache" | "dataclasses.dataclass" | "functools.total_ordering", None) => {
                self.add_object(dest, Object::Identity);
            }
            ("property", getter) if kind != EdgeKind::Decorator => {
                let getter = getter.or(keyword("fget")).unwrap_or(nothing);
                let setter = second.or(keyword("fset")).unwrap_or(nothing);
                self.add_object(dest, Object::Property { getter, setter });
            }
            ("staticmethod" | "classmethod", Some(value)) if kind != EdgeKind::Decorator => {
                self.watch(value, Watch::Wrap { is_class: name.as_str() == "classmethod", dest });
            }
            ("property" | "staticmethod" | "classmethod", Some(value)) => self.copy(value, dest),
            ("collections.namedtuple", _) => {
                if let Some(names) = second.and_then(|fields| self.constant_names(fields)) {
                    let record = self.objects.record(&names);
                    self.add_object(dest, Object::TupleClass(record));
                }
            }
            ("object.__new__", Some(class)) => self.watch(class, Watch::InstanceOf { dest }),
            ("type.__new__", Some(metaclass)) => self.watch(metaclass, Watch::MadeBy { dest }),
            ("vars", Some(value)) => self.watch(value, Watch::Vars { dest }),
            ("vars" | "locals", None) if self.following.is_none() => self.add(dest, self.unknown),
            ("globals", _) | ("vars" | "locals", None) => {
                if let Some(&(file, _)) = self.sites.get(site.0 as usize) {
                    let module = self.intern(Object::Module(file));
                    self.add_object(dest, Object::Vars(module));
                }
            }
            ("iter", Some(function)) if second.is_some() => {
                let result = self.made(dest);
                self.call_back(function, &[], result, site);
            }
            ("reversed", Some(value)) => self.watch(value, Watch::Reversed { dest, site: SiteId::NONE }),
            ("typing.cast", _) => second.into_iter().for_each(|value| self.copy(value, dest)),
            ("dict" | "collections.OrderedDict" | "collections.Counter", _) => {
                let container = self.container(Made::Expr(dest), ContainerKind::Dict);
                self.add_object(dest, Object::Container(container));
                first.into_iter().for_each(|other| self.watch(other, Watch::Update { container }));
                for &(key, value) in &given.keywords {
                    self.store_element(container, Key::Text(key), value);
                }
            }
            ("collections.defaultdict", _) => {
                let container = self.container(Made::Expr(dest), ContainerKind::Dict);
                self.add_object(dest, Object::Container(container));
                if let Some(factory) = first {
                    let value = self.element(container, Key::Any);
                    self.store_element(container, Key::Any, value);
                    self.call_back(factory, &[], value, site);
                }
            }
            ("list" | "set", None) => {
                self.made(dest);
            }
            (
                "collections.deque"
                | "itertools.chain"
                | "itertools.islice"
                | "itertools.cycle"
                | "itertools.accumulate",
                _,
            ) => {
                let result = self.made(dest);
                for &iterable in &given.positional {
                    let elements = self.elements(iterable, site);
                    self.copy(elements, result);
                }
            }
            ("itertools.groupby", Some(iterable)) => {
                let elements = self.elements(iterable, site);
                let result = self.made(dest);
                let pair = self.container(Made::Expr(elements), ContainerKind::Tuple);
                self.add_object(result, Object::Container(pair));
                let keys = self.nodes.new_node();
                match second.or(keyword("key")) {
                    Some(key) => self.call_back(key, &[elements], keys, site),
                    None => self.copy(elements, keys),
                }
                self.store_element(pair, Key::Index(0), keys);
                let group = self.nodes.new_node();
                let members = self.made(group);
                self.copy(elements, members);
                self.store_element(pair, Key::Index(1), group);
            }
            ("itertools.chain.from_iterable", Some(iterables)) => {
                let inner = self.elements(iterables, site);
                let elements = self.elements(inner, site);
                let result = self.made(dest);
                self.copy(elements, result);
            }
            ("itertools.starmap", Some(function)) => {
                let Some(iterable) = second else { return };
                let elements = self.elements(iterable, site);
                let arguments = ArgumentNodes { star: Some(elements), ..Default::default() };
                let arguments = self.arguments(arguments);
                let result = self.made(dest);
                self.watch(
                    function,
                    Watch::Call(Invocation { arguments, dest: result, site, kind: EdgeKind::Callback }),
                );
            }
            ("itertools.zip_longest", _) => {
                let result = self.made(dest);
                for &iterable in &given.positional {
                    let elements = self.elements(iterable, site);
                    let pair = self.container(Made::Expr(elements), ContainerKind::Tuple);
                    self.store_element(pair, Key::Any, elements);
                    self.add_object(result, Object::Container(pair));
                }
            }
            ("getattr", Some(object)) => {
                if let Some(names) = second {
                    self.by_name.push(ByName { names, object, target: Ok(dest), site });
                    self.watch(names, Watch::GetAttribute { object, dest });
                }
                given.positional.get(2).into_iter().for_each(|&default| self.copy(default, dest));
            }
            ("setattr", Some(object)) => {
                if let (Some(names), Some(&source)) = (second, given.positional.get(2)) {
                    self.by_name.push(ByName { names, object, target: Err(source), site });
                }
            }
            ("iter", Some(value)) => {
                let arguments = self.given(&[]);
                for name in [self.words.iter, Name::new("__aiter__")] {
                    let kind = EdgeKind::Iteration;
                    self.watch(
                        value,
                        Watch::Special { name, call: Invocation { arguments, dest: nothing, site, kind } },
                    );
                }
            }
            ("str" | "print" | "format" | "repr" | "ascii", _) => {
                let watch = match name.as_str() {
                    "format" => Watch::Format { site },
                    "repr" | "ascii" => Watch::Represent { site },
                    _ => Watch::AsText { site },
                };
                given.positional.iter().for_each(|&value| self.watch(value, watch));
                self.add(dest, self.plain);
            }
            ("bool", Some(value)) => {
                self.watch(value, Watch::Truth { site });
                self.add(dest, self.plain);
            }
            ("len" | "hash" | "abs" | "int" | "float" | "bytes" | "round" | "complex", Some(value)) => {
                let special = Name::new(&format!("__{name}__"));
                let arguments = self.given(&[]);
                let kind = EdgeKind::Operator;
                let result = if name.as_str() == "abs" { dest } else { nothing };
                self.watch(
                    value,
                    Watch::Special { name: special, call: Invocation { arguments, dest: result, site, kind } },
                );
                self.add(dest, self.plain);
            }
            ("sum", Some(iterable)) => {
                let elements = self.elements(iterable, site);
                let (name, arguments) = (Name::new("__radd__"), self.given(&[self.plain_node]));
                self.watch(
                    elements,
                    Watch::Special { name, call: Invocation { arguments, dest, site, kind: EdgeKind::Operator } },
                );
                self.add(dest, self.plain);
            }
            ("any" | "all", Some(iterable)) => {
                self.elements(iterable, site);
                self.add(dest, self.plain);
            }
            ("isinstance" | "issubclass" | "callable" | "hasattr" | "id" | "ord" | "chr" | "input" | "range", _) => {
                self.add(dest, self.plain);
            }
            _ => {
                self.note_opaque(site, arguments);
                self.add(dest, self.unknown);
            }
        }
    }

    /// The constants of a literal tuple or list.
    fn constant_names(&self, fields: NodeId) -> Option<Vec<Name>> {
        let Object::Container(container) = self.objects.get(*self.nodes.objects(fields).first()?) else { return None };
        let length = self.objects.containers[container.0 as usize].length?;
        let name = |index: u32| {
            let element = self.nodes.known_place(Place::Element(container, Key::Index(index as i32)))?;
            match self.objects.get(*self.nodes.objects(element).first()?) {
                Object::Constant(Key::Text(name)) => Some(name),
                _ => None,
            }
        };
        (0..length).map(name).collect()
    }

    /// What iterating over a node's objects gives.
    pub fn elements(&mut self, iterable: NodeId, site: SiteId) -> NodeId {
        let elements = self.nodes.new_node();
        if !self.derive(elements, iterable) {
            return self.unknown_node;
        }
        self.watch(iterable, Watch::Element { dest: elements, site });
        elements
    }

    /// The elements of the sequence that a call makes.
    pub fn made(&mut self, dest: NodeId) -> NodeId {
        let container = self.container(Made::Expr(dest), ContainerKind::Sequence);
        let element = self.element(container, Key::Any);
        if !self.derive(element, dest) {
            return self.nothing;
        }
        self.add_object(dest, Object::Container(container));
        self.store_element(container, Key::Any, element);
        element
    }

    /// Notes that `node` was made for `from`; `false` when that was made for another, and so on, too often. A function that
    /// calls itself back, as in `f = partial(map, f)`, would have no end of them.
    fn derive(&mut self, node: NodeId, from: NodeId) -> bool {
        let depth = self.derived.get(&from).map_or(1, |depth| depth + 1);
        self.derived.insert(node, depth);
        depth <= MAX_DERIVED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modelled_names_are_sorted() {
        assert!(MODELLED.is_sorted());
        assert!(is_modelled("functools.partial") && !is_modelled("numpy"));
    }
}

//! What built-in functions and those of the standard library do with functions and containers they are given.

use std::rc::Rc;

use super::computed::ByName;
use super::library;
use super::nodes::{NodeId, Place, SiteId};
use super::objects::{ContainerKind, Object, ObjectId, Origin as Made};
use super::solver::Solver;
use super::watches::{ArgumentNodes, Invocation, Watch};
use crate::summary::Key;
use crate::{EdgeKind, Name};

/// A call of a modelled function.
struct BuiltinCall {
    name: Name,
    given: Rc<ArgumentNodes>,
    invocation: Invocation,
}

impl BuiltinCall {
    /// The argument at a position.
    fn at(&self, position: usize) -> Option<NodeId> {
        self.given.positional.get(position).copied()
    }

    fn first(&self) -> Option<NodeId> {
        self.at(0)
    }

    fn keyword(&self, name: &str) -> Option<NodeId> {
        self.given.keywords.iter().find(|(key, _)| key.as_str() == name).map(|(_, node)| *node)
    }

    fn is_decorator(&self) -> bool {
        self.invocation.kind == EdgeKind::Decorator
    }
}

/// What a call does. `None` if it is not called in the way that is modelled: then nothing is known of what it does.
type Effect = fn(&mut Solver, &BuiltinCall) -> Option<()>;

/// Built-in functions, sorted by name.
const BUILTINS: &[(&str, Effect)] = &[
    ("abs", abs),
    ("all", any_or_all),
    ("any", any_or_all),
    ("ascii", |solver, call| text_of(solver, call, Watch::Represent { site: call.invocation.site })),
    ("bool", truth),
    ("bytes", own_method),
    ("callable", plain),
    ("chr", plain),
    ("classmethod", |solver, call| method_of_class(solver, call, true)),
    ("complex", own_method),
    ("dict", dict),
    ("filter", filter),
    ("float", own_method),
    ("format", |solver, call| text_of(solver, call, Watch::Format { site: call.invocation.site })),
    ("getattr", get_attribute),
    ("globals", globals),
    ("hasattr", plain),
    ("hash", own_method),
    ("id", plain),
    ("input", plain),
    ("int", own_method),
    ("isinstance", plain),
    ("issubclass", plain),
    ("iter", iter),
    ("len", own_method),
    ("list", empty_sequence),
    ("locals", locals),
    ("map", map),
    ("max", min_or_max),
    ("min", min_or_max),
    ("object.__new__", new_instance),
    ("ord", plain),
    ("print", |solver, call| text_of(solver, call, Watch::AsText { site: call.invocation.site })),
    ("property", property),
    ("range", plain),
    ("repr", |solver, call| text_of(solver, call, Watch::Represent { site: call.invocation.site })),
    ("reversed", reversed),
    ("round", own_method),
    ("set", empty_sequence),
    ("setattr", set_attribute),
    ("sorted", sorted),
    ("staticmethod", |solver, call| method_of_class(solver, call, false)),
    ("str", |solver, call| text_of(solver, call, Watch::AsText { site: call.invocation.site })),
    ("sum", sum),
    ("type.__new__", new_class),
    ("vars", vars),
];

/// Functions and classes of the standard library, sorted by name; more are in [`library`].
const STANDARD: &[(&str, Effect)] = &[
    ("abc.abstractmethod", first_argument),
    ("atexit.register", first_argument),
    ("collections.Counter", dict),
    ("collections.OrderedDict", dict),
    ("collections.defaultdict", defaultdict),
    ("collections.deque", chain),
    ("collections.namedtuple", namedtuple),
    ("contextlib.asynccontextmanager", first_argument),
    ("contextlib.contextmanager", first_argument),
    ("dataclasses.dataclass", with_or_without_options),
    ("dataclasses.replace", first_argument),
    ("enum.unique", first_argument),
    ("functools.cache", first_argument),
    ("functools.cached_property", first_argument),
    ("functools.lru_cache", lru_cache),
    ("functools.partial", partial),
    ("functools.partialmethod", partial),
    ("functools.reduce", reduce),
    ("functools.singledispatch", first_argument),
    ("functools.singledispatchmethod", first_argument),
    ("functools.total_ordering", with_or_without_options),
    ("functools.update_wrapper", first_argument),
    ("functools.wraps", identity),
    ("itertools.accumulate", chain),
    ("itertools.chain", chain),
    ("itertools.chain.from_iterable", chain_from_iterable),
    ("itertools.cycle", chain),
    ("itertools.dropwhile", filter),
    ("itertools.filterfalse", filter),
    ("itertools.groupby", groupby),
    ("itertools.islice", chain),
    ("itertools.starmap", starmap),
    ("itertools.takewhile", filter),
    ("itertools.zip_longest", zip_longest),
    ("typing.cast", cast),
    ("typing.final", first_argument),
    ("typing.no_type_check", first_argument),
    ("typing.overload", first_argument),
    ("typing.runtime_checkable", first_argument),
];

/// Whether the solver knows what a function of the standard library does, or the module holds such functions.
pub(super) fn is_modelled(name: &str) -> bool {
    library::has(STANDARD, name) || library::is_listed(name)
}

/// How many times in a row elements and results are made of what was made itself.
const MAX_DERIVED: u8 = 8;

impl Solver<'_> {
    /// A modelled function is called.
    pub fn builtin(&mut self, name: Name, invocation: Invocation) {
        let Invocation { arguments, dest, site, .. } = invocation;
        let is_understood = match library::find(BUILTINS, &name).or_else(|| library::find(STANDARD, &name)) {
            Some(effect) => {
                let given = self.all_given(arguments);
                effect(self, &BuiltinCall { name, given, invocation }).is_some()
            }
            None => self.library_call(name, arguments, dest, site),
        };
        if !is_understood {
            self.note_opaque(site, arguments);
            self.add(dest, ObjectId::UNKNOWN);
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
            return NodeId::UNKNOWN;
        }
        self.watch(iterable, Watch::Element { dest: elements, site });
        elements
    }

    /// The elements of the sequence that a call makes.
    pub fn made(&mut self, dest: NodeId) -> NodeId {
        let container = self.container(Made::Expr(dest), ContainerKind::Sequence);
        let element = self.element(container, Key::Any);
        if !self.derive(element, dest) {
            return NodeId::NOTHING;
        }
        self.add_object(dest, Object::Container(container));
        self.store_element(container, Key::Any, element);
        element
    }

    /// Notes that `node` was made for `from`; `false` when that was made for another, and so on, too often. A function that
    /// calls itself back, as in `f = partial(map, f)`, would have no end of them.
    fn derive(&mut self, node: NodeId, from: NodeId) -> bool {
        let depth = self.bounds.derived.get(&from).map_or(1, |depth| depth + 1);
        self.bounds.derived.insert(node, depth);
        depth <= MAX_DERIVED
    }
}

fn map(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let Invocation { dest, site, .. } = call.invocation;
    let (&function, iterables) = call.given.positional.split_first()?;
    let elements: Vec<NodeId> = iterables.iter().map(|&iterable| solver.elements(iterable, site)).collect();
    let result = solver.made(dest);
    solver.call_back(function, &elements, result, site);
    Some(())
}

fn filter(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let Invocation { dest, site, .. } = call.invocation;
    let function = call.first()?;
    let Some(iterable) = call.at(1) else { return Some(()) };
    let elements = solver.elements(iterable, site);
    solver.call_back(function, &[elements], NodeId::NOTHING, site);
    let result = solver.made(dest);
    solver.copy(elements, result);
    Some(())
}

fn sorted(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let site = call.invocation.site;
    let elements = solver.elements(call.first()?, site);
    match call.keyword("key") {
        Some(key) => solver.call_back(key, &[elements], NodeId::NOTHING, site),
        None => {
            let arguments = solver.given(&[elements]);
            let call = Invocation { arguments, dest: NodeId::NOTHING, site, kind: EdgeKind::Operator };
            solver.watch(elements, Watch::Special { name: Name::new("__lt__"), call });
        }
    }
    Some(())
}

fn min_or_max(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let Invocation { dest, site, .. } = call.invocation;
    let iterable = call.first()?;
    let elements = match call.at(1) {
        None => solver.elements(iterable, site),
        Some(_) => {
            let any = solver.nodes.new_node();
            call.given.positional.iter().for_each(|&value| solver.copy(value, any));
            any
        }
    };
    if let Some(key) = call.keyword("key") {
        solver.call_back(key, &[elements], NodeId::NOTHING, site);
    }
    solver.copy(elements, dest);
    Some(())
}

fn sum(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let Invocation { dest, site, .. } = call.invocation;
    let elements = solver.elements(call.first()?, site);
    let arguments = solver.given(&[NodeId::PLAIN]);
    let call = Invocation { arguments, dest, site, kind: EdgeKind::Operator };
    solver.watch(elements, Watch::Special { name: Name::new("__radd__"), call });
    solver.add(dest, ObjectId::PLAIN);
    Some(())
}

fn any_or_all(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    solver.elements(call.first()?, call.invocation.site);
    plain(solver, call)
}

fn reduce(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let Invocation { dest, site, .. } = call.invocation;
    let function = call.first()?;
    let Some(iterable) = call.at(1) else { return Some(()) };
    let elements = solver.elements(iterable, site);
    let sum = solver.place(Place::Accumulated(dest));
    solver.copy(elements, sum);
    call.at(2).into_iter().for_each(|start| solver.copy(start, sum));
    solver.call_back(function, &[sum, elements], sum, site);
    solver.copy(sum, dest);
    Some(())
}

fn partial(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let function = call.first()?;
    let mut rest = ArgumentNodes::clone(&call.given);
    rest.positional.remove(0);
    let arguments = solver.arguments(rest);
    solver.add_object(call.invocation.dest, Object::Partial { function, arguments });
    Some(())
}

/// A function that gives back what it is given.
fn identity(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    solver.add_object(call.invocation.dest, Object::Identity);
    Some(())
}

fn first_argument(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    solver.copy(call.first()?, call.invocation.dest);
    Some(())
}

/// `@dataclass` or `@dataclass(frozen=True)`
fn with_or_without_options(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    first_argument(solver, call).or_else(|| identity(solver, call))
}

/// Also `@lru_cache(128)`: what is given may be an option.
fn lru_cache(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let is_given = first_argument(solver, call).is_some();
    if !is_given || !call.is_decorator() {
        identity(solver, call)?;
    }
    Some(())
}

fn property(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    if call.is_decorator() {
        return first_argument(solver, call);
    }
    let getter = call.first().or(call.keyword("fget")).unwrap_or(NodeId::NOTHING);
    let setter = call.at(1).or(call.keyword("fset")).unwrap_or(NodeId::NOTHING);
    solver.add_object(call.invocation.dest, Object::Property { getter, setter });
    Some(())
}

/// `staticmethod` and `classmethod`
fn method_of_class(solver: &mut Solver, call: &BuiltinCall, is_class: bool) -> Option<()> {
    if call.is_decorator() {
        return first_argument(solver, call);
    }
    solver.watch(call.first()?, Watch::Wrap { is_class, dest: call.invocation.dest });
    Some(())
}

fn namedtuple(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    if let Some(names) = call.at(1).and_then(|fields| solver.constant_names(fields)) {
        let record = solver.objects.record(&names);
        solver.add_object(call.invocation.dest, Object::TupleClass(record));
    }
    Some(())
}

fn new_instance(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    solver.watch(call.first()?, Watch::InstanceOf { dest: call.invocation.dest });
    Some(())
}

fn new_class(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    solver.watch(call.first()?, Watch::MadeBy { dest: call.invocation.dest });
    Some(())
}

fn vars(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    match call.first() {
        Some(value) => {
            solver.watch(value, Watch::Vars { dest: call.invocation.dest });
            Some(())
        }
        None => locals(solver, call),
    }
}

fn locals(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    if call.first().is_some() {
        return None;
    }
    if solver.following.is_some() {
        return globals(solver, call);
    }
    solver.add(call.invocation.dest, ObjectId::UNKNOWN);
    Some(())
}

fn globals(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let Invocation { dest, site, .. } = call.invocation;
    if let Some(&(file, _)) = solver.found.sites.get(site.0 as usize) {
        let module = solver.intern(Object::Module(file));
        solver.add_object(dest, Object::Vars(module));
    }
    Some(())
}

fn get_attribute(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let Invocation { dest, site, .. } = call.invocation;
    let object = call.first()?;
    if let Some(names) = call.at(1) {
        solver.computed_names.lookups.push(ByName { names, object, target: Ok(dest), site });
        solver.watch(names, Watch::GetAttribute { object, dest });
    }
    call.at(2).into_iter().for_each(|default| solver.copy(default, dest));
    Some(())
}

fn set_attribute(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let object = call.first()?;
    if let (Some(names), Some(source)) = (call.at(1), call.at(2)) {
        solver.computed_names.lookups.push(ByName { names, object, target: Err(source), site: call.invocation.site });
    }
    Some(())
}

/// `iter(value)`, or `iter(function, sentinel)`
fn iter(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let Invocation { dest, site, .. } = call.invocation;
    let value = call.first()?;
    if call.at(1).is_some() {
        let result = solver.made(dest);
        solver.call_back(value, &[], result, site);
        return Some(());
    }
    let arguments = solver.given(&[]);
    for name in [solver.dunders.iter, Name::new("__aiter__")] {
        let call = Invocation { arguments, dest: NodeId::NOTHING, site, kind: EdgeKind::Iteration };
        solver.watch(value, Watch::Special { name, call });
    }
    Some(())
}

fn reversed(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    solver.watch(call.first()?, Watch::Reversed { dest: call.invocation.dest, site: SiteId::NONE });
    Some(())
}

fn dict(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let dest = call.invocation.dest;
    let container = solver.container(Made::Expr(dest), ContainerKind::Dict);
    solver.add_object(dest, Object::Container(container));
    call.first().into_iter().for_each(|other| solver.watch(other, Watch::Update { container }));
    for &(key, value) in &call.given.keywords {
        solver.store_element(container, Key::Text(key), value);
    }
    Some(())
}

fn defaultdict(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let Invocation { dest, site, .. } = call.invocation;
    let container = solver.container(Made::Expr(dest), ContainerKind::Dict);
    solver.add_object(dest, Object::Container(container));
    if let Some(factory) = call.first() {
        let value = solver.element(container, Key::Any);
        solver.store_element(container, Key::Any, value);
        solver.call_back(factory, &[], value, site);
    }
    Some(())
}

/// What `list` and `set` make of something is known from the expression.
fn empty_sequence(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    if call.first().is_some() {
        return None;
    }
    solver.made(call.invocation.dest);
    Some(())
}

/// A sequence of what all arguments hold.
fn chain(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let Invocation { dest, site, .. } = call.invocation;
    let result = solver.made(dest);
    for &iterable in &call.given.positional {
        let elements = solver.elements(iterable, site);
        solver.copy(elements, result);
    }
    Some(())
}

fn chain_from_iterable(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let Invocation { dest, site, .. } = call.invocation;
    let inner = solver.elements(call.first()?, site);
    let elements = solver.elements(inner, site);
    let result = solver.made(dest);
    solver.copy(elements, result);
    Some(())
}

fn groupby(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let Invocation { dest, site, .. } = call.invocation;
    let elements = solver.elements(call.first()?, site);
    let result = solver.made(dest);
    let pair = solver.container(Made::Expr(elements), ContainerKind::Tuple);
    solver.add_object(result, Object::Container(pair));
    let keys = solver.nodes.new_node();
    match call.at(1).or(call.keyword("key")) {
        Some(key) => solver.call_back(key, &[elements], keys, site),
        None => solver.copy(elements, keys),
    }
    solver.store_element(pair, Key::Index(0), keys);
    let group = solver.nodes.new_node();
    let members = solver.made(group);
    solver.copy(elements, members);
    solver.store_element(pair, Key::Index(1), group);
    Some(())
}

fn starmap(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let Invocation { dest, site, .. } = call.invocation;
    let function = call.first()?;
    let Some(iterable) = call.at(1) else { return Some(()) };
    let elements = solver.elements(iterable, site);
    let arguments = solver.arguments(ArgumentNodes { star: Some(elements), ..Default::default() });
    let result = solver.made(dest);
    let call = Invocation { arguments, dest: result, site, kind: EdgeKind::Callback };
    solver.watch(function, Watch::Call(call));
    Some(())
}

fn zip_longest(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    let Invocation { dest, site, .. } = call.invocation;
    let result = solver.made(dest);
    for &iterable in &call.given.positional {
        let elements = solver.elements(iterable, site);
        let pair = solver.container(Made::Expr(elements), ContainerKind::Tuple);
        solver.store_element(pair, Key::Any, elements);
        solver.add_object(result, Object::Container(pair));
    }
    Some(())
}

fn cast(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    call.at(1).into_iter().for_each(|value| solver.copy(value, call.invocation.dest));
    Some(())
}

/// Makes text of each argument.
fn text_of(solver: &mut Solver, call: &BuiltinCall, watch: Watch) -> Option<()> {
    call.given.positional.iter().for_each(|&value| solver.watch(value, watch));
    plain(solver, call)
}

fn truth(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    solver.watch(call.first()?, Watch::Truth { site: call.invocation.site });
    plain(solver, call)
}

/// `len(value)` calls `value.__len__()`, whose result is a plain value.
fn own_method(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    own_method_into(solver, call, NodeId::NOTHING)
}

/// `abs(value)` calls `value.__abs__()`, whose result may be anything.
fn abs(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    own_method_into(solver, call, call.invocation.dest)
}

fn own_method_into(solver: &mut Solver, call: &BuiltinCall, dest: NodeId) -> Option<()> {
    let value = call.first()?;
    let (name, arguments) = (Name::new(&format!("__{}__", call.name)), solver.given(&[]));
    let (site, kind) = (call.invocation.site, EdgeKind::Operator);
    solver.watch(value, Watch::Special { name, call: Invocation { arguments, dest, site, kind } });
    plain(solver, call)
}

/// A value that nothing is known of but that it holds nothing of interest.
fn plain(solver: &mut Solver, call: &BuiltinCall) -> Option<()> {
    solver.add(call.invocation.dest, ObjectId::PLAIN);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modelled_functions_are_sorted_and_listed_once() {
        for table in [BUILTINS, STANDARD] {
            assert!(table.is_sorted_by(|(one, _), (next, _)| one < next));
            assert_eq!(table.iter().find(|(name, _)| library::is_listed(name)).map(|(name, _)| name), None);
        }
    }

    #[test]
    fn modules_are_modelled_that_hold_modelled_functions() {
        for name in ["functools", "functools.partial", "itertools.chain", "copy", "copy.copy"] {
            assert!(is_modelled(name), "{name}");
        }
        // A module may have the name of a built-in function.
        for name in ["numpy", "map", "object", "functools.unheard_of"] {
            assert!(!is_modelled(name), "{name}");
        }
    }
}

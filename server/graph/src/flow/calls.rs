//! Calls: what is called, what its parameters get, what comes back.

use super::functions::{FunctionNodes, Guarded};
use super::narrowing::Classes;
use super::nodes::{ArgumentsId, NodeId, Origin, Place, SiteId};
use super::objects::{ContainerKind, Object, ObjectId, Origin as Made};
use super::solver::Solver;
use super::watches::{ArgumentNodes, ClassAccess, Invocation, KeyWatch, Watch};
use crate::summary::{CallIndex, ClassTest, Key, SymbolFacts};
use crate::types::{Def, Typed, Unit, Value};
use crate::{EdgeKind, Name};

/// Arguments that `functools.partial` may pile up.
const MAX_PARTIAL: usize = 16;

/// From this position on, the elements of `*args` are not told apart: a function that calls itself with one more argument
/// than it was given would have no end of them.
const MAX_SPREAD: usize = 64;

impl Solver<'_> {
    /// One object is called.
    pub fn apply(&mut self, object: ObjectId, value: Object, call: Invocation) {
        if !self.bounds.applied.insert((object, call)) {
            return;
        }
        let Invocation { arguments, dest, site, kind } = call;
        match value {
            // An exception that exists already is not called.
            Object::Class(class) => self.construct(object, class, call),
            _ if kind == EdgeKind::Raise => {}
            Object::External(name) => {
                self.note_call(value, call);
                let made = self.outside(Name::new(&format!("{name}()")));
                self.add_object(dest, made);
                self.give_back(call);
            }
            Object::Function(function) => {
                self.enter(function, None, call);
                self.dispatch(function, call);
            }
            Object::Bound { function, receiver } => {
                self.enter(function, Some(receiver), call);
                self.dispatch_method(function, receiver, call);
            }
            Object::Instance(class) => {
                let name = self.dunders.call;
                if self.defines(class, name) {
                    self.special(class, name, call);
                } else if self.nature(class).decorates
                    && let Some(function) = self.first_given(arguments)
                {
                    self.add_object(dest, Object::Entering { function, manager: object });
                }
            }
            Object::Entering { function, manager } => {
                self.watch(function, Watch::Call(call));
                let value = self.objects.get(manager);
                self.enter_context(value, NodeId::NOTHING, site);
            }
            Object::Partial { function, arguments: first } => {
                let given = self.join_arguments(first, arguments);
                if let Some(arguments) = given {
                    self.watch(function, Watch::Call(Invocation { arguments, ..call }));
                }
            }
            Object::Wrapped { function, is_class: false } => {
                let value = self.objects.get(function);
                self.apply(function, value, call);
            }
            Object::Constructor(class) => {
                let object = self.intern(Object::Class(class));
                self.make_instance(object, class, call);
            }
            Object::TupleClass(record) => self.make_record(record, arguments, dest),
            Object::AttributeGetter(_) | Object::MethodCaller { .. } | Object::ItemGetter(_) => {
                if let Some(given) = self.first_given(arguments) {
                    self.apply_getter(value, given, dest, site);
                }
            }
            Object::Returning(value) => self.copy(value, dest),
            Object::Register(function) => {
                if let Some(&implementation) = self.all_given(arguments).positional.last() {
                    self.watch(implementation, Watch::Register { function });
                    self.copy(implementation, dest);
                }
                // `@f.register(int)` gives a decorator.
                self.add(dest, object);
            }
            Object::Identity => {
                if let Some(given) = self.first_given(arguments) {
                    self.copy(given, dest);
                }
            }
            Object::Modelled(name) => {
                self.note_call(value, call);
                self.builtin(name, call);
            }
            Object::ContainerMethod { container, name } => {
                self.container_method(container, name, arguments, dest, site);
            }
            Object::Unknown => {
                self.note_call(value, call);
                self.add(dest, ObjectId::UNKNOWN);
                self.give_back(call);
            }
            _ => {}
        }
    }

    /// A decorator of which nothing is known may give back what it decorates.
    fn give_back(&mut self, call: Invocation) {
        if call.kind == EdgeKind::Decorator
            && let Some(given) = self.first_given(call.arguments)
        {
            self.copy(given, call.dest);
        }
    }

    /// Implementations that are registered for a `singledispatch` function are called in its place.
    fn dispatch(&mut self, function: Def, call: Invocation) {
        let is_dispatcher = self.summary(function.unit.file).symbol(function.symbol).decorated.is_some();
        if is_dispatcher {
            let registered = self.place(Place::Registered(function));
            self.watch(registered, Watch::Call(call));
        }
    }

    fn dispatch_method(&mut self, function: Def, receiver: ObjectId, call: Invocation) {
        let symbol = self.summary(function.unit.file).symbol(function.symbol);
        let (Some(_), Object::Instance(class)) = (symbol.decorated, self.objects.get(receiver)) else { return };
        let registered = self.place(Place::Registered(function));
        let methods = self.nodes.new_node();
        self.watch(registered, Watch::Bind(ClassAccess { class, receiver, name: symbol.name, dest: methods }));
        self.watch(methods, Watch::Call(call));
    }

    fn join_arguments(&mut self, first: ArgumentsId, then: ArgumentsId) -> Option<ArgumentsId> {
        let mut joined = ArgumentNodes::clone(&self.all_given(first));
        let then = self.all_given(then);
        joined.positional.extend_from_slice(&then.positional);
        joined.keywords.extend_from_slice(&then.keywords);
        joined.star = joined.star.or(then.star);
        joined.double_star = joined.double_star.or(then.double_star);
        let count = joined.positional.len() + joined.keywords.len();
        (count <= MAX_PARTIAL).then(|| self.arguments(joined))
    }

    pub fn edge(&mut self, site: SiteId, target: Def, kind: EdgeKind) {
        if site != SiteId::NONE {
            self.found.edges.insert((site, target, kind));
        }
    }

    /// A function is entered: its parameters get the arguments.
    pub fn enter(&mut self, function: Def, receiver: Option<ObjectId>, call: Invocation) {
        let Invocation { arguments, dest, site, kind } = call;
        self.edge(site, function, kind);
        let nodes = self.function(function);
        let given = self.all_given(arguments);
        let bound = usize::from(receiver.is_some());
        if let Some(receiver) = receiver {
            match (nodes.positional.first(), nodes.star) {
                (Some(&(_, first)), _) => self.add(first, receiver),
                (None, Some(star)) => {
                    let receiver = self.holding(receiver);
                    self.store_element(star, Key::Index(0), receiver);
                }
                _ => {}
            }
        }
        for (index, &argument) in given.positional.iter().enumerate() {
            self.give(&nodes, index + bound, argument);
        }
        for &(name, argument) in &given.keywords {
            self.give_by_name(&nodes, name, argument);
        }
        if let Some(star) = given.star {
            self.watch(star, Watch::Spread { function, from: (given.positional.len() + bound) as u32 });
        }
        if let Some(double_star) = given.double_star {
            self.watch(double_star, Watch::SpreadKeywords { function });
        }
        let dest = self.decided(function, receiver, dest, site);
        if nodes.passes.is_empty() {
            self.copy(nodes.returns, dest);
        } else {
            self.pass_through(&nodes.passes, function, receiver, arguments, dest);
        }
        for &(_, Guarded { guard, value, pass }) in &nodes.guarded {
            if self.may_hold(function, guard, &given, bound, kind) {
                match pass {
                    Some(pass) => self.pass_through(&[pass], function, receiver, arguments, dest),
                    None => self.copy(value, dest),
                }
            }
        }
    }

    /// Where the result of a call goes: where overloads tell more of it than the function's code, only what fits them goes on.
    fn decided(&mut self, function: Def, receiver: Option<ObjectId>, dest: NodeId, site: SiteId) -> NodeId {
        let SymbolFacts { ordinal, flags, .. } = *self.summary(function.unit.file).symbol(function.symbol);
        let Some(&(file, Origin::Call(call))) = self.found.sites.get(site.0 as usize) else { return dest };
        if ordinal == 0 && !flags.is_overload {
            return dest;
        }
        let receiver = match receiver.map(|receiver| self.objects.get(receiver)) {
            None => None,
            Some(Object::Instance(class) | Object::Class(class)) => Some(class),
            Some(_) => return dest,
        };
        let types = self.evaluator.decided(function, receiver, (Unit::live(file), CallIndex(call)));
        let class = |typed: &Typed| match typed.value {
            Value::Instance(class) if !class.unit.retained => Some(class),
            _ => None,
        };
        let classes = types.iter().map(class).collect::<Option<Vec<_>>>();
        let Some(classes) = classes.filter(|classes| !classes.is_empty()) else { return dest };
        let (ruled_out, test) = (Vec::new(), ClassTest::Instance);
        self.narrowings.push(Classes { classes, ruled_out, open: false, test, is: true });
        let narrowing = self.narrowings.len() as u32 - 1;
        let all = self.nodes.new_node();
        self.watch(all, Watch::Narrow { narrowing, dest });
        all
    }

    fn give(&mut self, nodes: &FunctionNodes, position: usize, argument: NodeId) {
        match (nodes.positional.get(position), nodes.star) {
            (Some(&(_, parameter)), _) => self.copy(argument, parameter),
            (None, Some(star)) => {
                let index = (position - nodes.positional.len()) as i32;
                self.store_element(star, Key::Index(index), argument);
            }
            (None, None) => {}
        }
    }

    fn give_by_name(&mut self, nodes: &FunctionNodes, name: Name, argument: NodeId) {
        let parameter = nodes.positional.iter().chain(&nodes.keyword_only).find(|(parameter, _)| *parameter == name);
        match (parameter, nodes.double_star) {
            (Some(&(_, parameter)), _) => self.copy(argument, parameter),
            (None, Some(double_star)) => self.store_element(double_star, Key::Text(name), argument),
            (None, None) => {}
        }
    }

    /// An element of `*value` is given, from the position `from` on.
    pub fn spread(&mut self, function: Def, from: u32, key: Key, element: NodeId) {
        let nodes = self.function(function);
        match key {
            Key::Index(index) if index >= 0 && from as usize + (index as usize) < MAX_SPREAD => {
                self.give(&nodes, from as usize + index as usize, element);
            }
            _ => {
                for &(_, parameter) in nodes.positional.iter().skip(from as usize) {
                    self.copy(element, parameter);
                }
                if let Some(star) = nodes.star {
                    self.store_element(star, Key::Any, element);
                }
            }
        }
    }

    /// An element of `**value` is given.
    pub fn spread_keyword(&mut self, function: Def, key: Key, element: NodeId) {
        let nodes = self.function(function);
        match key {
            Key::Text(name) => self.give_by_name(&nodes, name, element),
            _ => {
                for &(_, parameter) in nodes.positional.iter().chain(&nodes.keyword_only) {
                    self.copy(element, parameter);
                }
                if let Some(double_star) = nodes.double_star {
                    self.store_element(double_star, Key::Any, element);
                }
            }
        }
    }

    /// Calls a special method of an instance, where its class has one.
    pub fn special(&mut self, class: Def, name: Name, call: Invocation) {
        if self.defines(class, name) {
            let method = self.special_read(class, name);
            self.watch(method, Watch::Call(call));
        }
    }

    /// Calls what `callee` holds on behalf of a built-in.
    pub fn call_back(&mut self, callee: NodeId, given: &[NodeId], dest: NodeId, site: SiteId) {
        let arguments = self.given(given);
        self.watch(callee, Watch::Call(Invocation { arguments, dest, site, kind: EdgeKind::Callback }));
    }

    /// The receiver of a method is an instance of its class, or of one that inherits it.
    pub fn seed_receiver(&mut self, function: Def, first: NodeId) {
        let summary = self.summary(function.unit.file);
        let Some(class) = summary.enclosing_class(function.symbol) else { return };
        let flags = summary.symbol(function.symbol).flags;
        if flags.is_staticmethod {
            return;
        }
        let class = Def { unit: function.unit, symbol: class };
        let object = if flags.is_classmethod { Object::Class(class) } else { Object::Instance(class) };
        self.add_object(first, object);
        let name = summary.symbol(function.symbol).name;
        for subclass in self.subclasses_of(class) {
            if self.first_definer(subclass, name) == Some(class) {
                let is_class = flags.is_classmethod;
                self.add_object(first, if is_class { Object::Class(subclass) } else { Object::Instance(subclass) });
            }
        }
    }

    pub fn on_key(&mut self, container: super::objects::ContainerId, watch: KeyWatch, key: Key) {
        let element = self.element(container, key);
        match watch {
            KeyWatch::CopyTo(dest) => self.copy(element, dest),
            KeyWatch::InstancesTo(dest) => self.watch(element, Watch::InstanceOf { dest }),
            KeyWatch::KeysTo(dest) => match key {
                Key::Any => {
                    let keys = self.place(Place::Keys(container));
                    self.copy(keys, dest);
                }
                key => self.add_object(dest, Object::Constant(key)),
            },
            KeyWatch::Merge(other) => self.store_element(other, key, element),
            KeyWatch::Pour(other) => self.store_element(other, Key::Any, element),
            KeyWatch::Slice { container: part, from, to } => match key {
                Key::Index(index) if index >= 0 => {
                    if index as u32 >= from && to.is_none_or(|to| (index as u32) < to) {
                        self.store_element(part, Key::Index(index - from as i32), element);
                    }
                }
                _ => self.store_element(part, Key::Any, element),
            },
            KeyWatch::Spread { function, from } => self.spread(function, from, key, element),
            KeyWatch::SpreadKeywords(function) => self.spread_keyword(function, key, element),
            KeyWatch::Rest { container: rest, length, before, after } => {
                let key = match key {
                    Key::Index(index) if index >= 0 => {
                        let is_last = length.is_some_and(|length| index as u32 + after >= length);
                        if (index as u32) < before || is_last {
                            return;
                        }
                        Key::Index(index - before as i32)
                    }
                    key => key,
                };
                self.store_element(rest, key, element);
            }
            KeyWatch::Pairs(items) => {
                let pair = self.container(Made::Pair(container, key), ContainerKind::Tuple);
                let pair_node = {
                    let object = self.intern(Object::Container(pair));
                    self.holding(object)
                };
                self.store_element(items, Key::Any, pair_node);
                self.store_element(pair, Key::Index(1), element);
                let key_node = match key {
                    Key::Any => self.place(Place::Keys(container)),
                    key => {
                        let object = self.intern(Object::Constant(key));
                        self.holding(object)
                    }
                };
                self.store_element(pair, Key::Index(0), key_node);
            }
        }
    }
}

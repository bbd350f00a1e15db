//! Lists, tuples, sets, dictionaries and generators: what they hold, by key.

use super::nodes::{ArgumentsId, NodeId, Place, SiteId};
use super::objects::{ContainerId, ContainerKind, Object, ObjectId, Origin as Made};
use super::solver::Solver;
use super::watches::{Invocation, KeyWatch, Watch};
use crate::summary::Key;
use crate::types::Def;
use crate::{EdgeKind, Name};

impl Solver<'_> {
    pub fn element(&mut self, container: ContainerId, key: Key) -> NodeId {
        self.place(Place::Element(container, key))
    }

    pub fn kind(&self, container: ContainerId) -> ContainerKind {
        self.objects.containers[container.0 as usize].kind
    }

    pub fn store_element(&mut self, container: ContainerId, key: Key, source: NodeId) {
        // A computed key may be any.
        let key = match key {
            Key::Of(_) => Key::Any,
            key => key,
        };
        let element = self.element(container, key);
        self.copy(source, element);
        let facts = &mut self.objects.containers[container.0 as usize];
        if facts.keys.push(key) {
            for watch in facts.watches.to_vec() {
                self.on_key(container, watch, key);
            }
        }
    }

    /// Does something for each key that is there or will be.
    pub fn each_key(&mut self, container: ContainerId, watch: KeyWatch) {
        let facts = &mut self.objects.containers[container.0 as usize];
        if !facts.watches.push(watch) {
            return;
        }
        for key in facts.keys.to_vec() {
            self.on_key(container, watch, key);
        }
    }

    pub fn load_element(&mut self, container: ContainerId, key: Key, dest: NodeId) {
        let facts = &self.objects.containers[container.0 as usize];
        let key = match (key, facts.length) {
            (Key::Index(index), Some(length)) if index < 0 => Key::Index(index + length as i32),
            (Key::Index(index), None) if index < 0 && facts.kind != ContainerKind::Dict => Key::Any,
            (key, _) => key,
        };
        match key {
            Key::Any | Key::Of(_) => self.each_key(container, KeyWatch::CopyTo(dest)),
            key => {
                for key in [key, Key::Any] {
                    let element = self.element(container, key);
                    self.copy(element, dest);
                }
            }
        }
    }

    pub fn load_item(&mut self, value: Object, key: Key, key_node: NodeId, dest: NodeId, site: SiteId) {
        match value {
            Object::Container(container) => match key {
                Key::Of(_) => self.watch(key_node, Watch::LoadKey { container, dest }),
                key => self.load_element(container, key, dest),
            },
            Object::Instance(class) => {
                if let Key::Index(index) = key
                    && let Some(name) = self.field_at(class, index)
                {
                    return self.load(value, name, dest, false);
                }
                let arguments = self.given(&[key_node]);
                let name = self.dunders.get_item;
                self.special(class, name, Invocation { arguments, dest, site, kind: EdgeKind::Operator });
            }
            Object::Class(class) => self.load_item_of_class(class, key_node, dest, site),
            Object::Vars(owner) if self.following.is_some() => self.load_by_key(owner, key, key_node, dest, site),
            Object::Vars(owner) => self.load_var(owner, key, key_node, dest),
            Object::External(_) => {
                let object = self.intern(value);
                self.load_by_key(object, key, key_node, dest, site);
            }
            Object::Unknown => self.add(dest, ObjectId::UNKNOWN),
            _ => {}
        }
    }

    pub fn store_item(&mut self, value: Object, key: Key, key_node: NodeId, source: NodeId, site: SiteId) {
        match value {
            Object::Container(container) => self.store_by_key(container, key, key_node, source),
            Object::Instance(class) => {
                let arguments = self.given(&[key_node, source]);
                let name = self.dunders.set_item;
                self.special(
                    class,
                    name,
                    Invocation { arguments, dest: NodeId::NOTHING, site, kind: EdgeKind::Operator },
                );
            }
            _ => {}
        }
    }

    pub fn store_by_key(&mut self, container: ContainerId, key: Key, key_node: NodeId, source: NodeId) {
        match key {
            Key::Of(_) => {
                self.watch(key_node, Watch::StoreKey { container, source });
                if self.kind(container) == ContainerKind::Dict {
                    let keys = self.place(Place::Keys(container));
                    self.copy(key_node, keys);
                }
            }
            key => self.store_element(container, key, source),
        }
    }

    pub fn slice(
        &mut self,
        object: ObjectId,
        value: Object,
        ends: Option<(u16, Option<u16>)>,
        dest: NodeId,
        site: SiteId,
    ) {
        match value {
            Object::Container(container) => {
                let part = self.container(Made::Expr(dest), ContainerKind::Sequence);
                let watch = match ends {
                    Some((from, to)) => KeyWatch::Slice { container: part, from: from.into(), to: to.map(u32::from) },
                    // Places shift; the elements stay.
                    None => KeyWatch::Pour(part),
                };
                self.each_key(container, watch);
                self.add_object(dest, Object::Container(part));
            }
            Object::Instance(class) => {
                let arguments = self.given(&[NodeId::PLAIN]);
                let name = self.dunders.get_item;
                self.special(class, name, Invocation { arguments, dest, site, kind: EdgeKind::Operator });
            }
            _ => self.add(dest, object),
        }
    }

    /// `for dest in value`
    pub fn iterate(&mut self, value: Object, dest: NodeId, site: SiteId) {
        match value {
            Object::Container(container) if self.kind(container) == ContainerKind::Dict => {
                self.each_key(container, KeyWatch::KeysTo(dest));
            }
            Object::Container(container) => self.load_element(container, Key::Any, dest),
            Object::Class(class) => {
                if self.nature(class).is_enum {
                    return self.add_object(dest, Object::Instance(class));
                }
                let none = self.given(&[]);
                let iterator = self.place(Place::ClassIterator(class));
                let iter = self.dunders.iter;
                if self.special_of_class(
                    class,
                    iter,
                    Invocation { arguments: none, dest: iterator, site, kind: EdgeKind::Iteration },
                ) {
                    // A class may be its own iterator.
                    self.watch_once(iterator, Watch::Next { dest, site });
                }
            }
            Object::Instance(class) if self.nature(class).places.is_some() => {
                for &name in self.nature(class).places.clone().iter().flat_map(|places| places.iter()) {
                    self.load(value, name, dest, false);
                }
            }
            Object::Instance(class) => {
                let (iter, get_item) = (self.dunders.iter, self.dunders.get_item);
                let none = self.given(&[]);
                if self.defines(class, iter) {
                    let iterator = self.place(Place::Iterator(class));
                    self.special(
                        class,
                        iter,
                        Invocation { arguments: none, dest: iterator, site, kind: EdgeKind::Iteration },
                    );
                    self.watch(iterator, Watch::Next { dest, site });
                // A base outside the workspace, such as `dict`, brings an `__iter__`.
                } else if self.defines(class, get_item) && self.mro(class).external.is_none() {
                    let arguments = self.given(&[NodeId::PLAIN]);
                    self.special(class, get_item, Invocation { arguments, dest, site, kind: EdgeKind::Iteration });
                }
                let iter = self.dunders.aiter;
                if self.defines(class, iter) {
                    let iterator = self.place(Place::Iterated(class));
                    self.special(
                        class,
                        iter,
                        Invocation { arguments: none, dest: iterator, site, kind: EdgeKind::Iteration },
                    );
                    self.watch(iterator, Watch::Next { dest, site });
                }
            }
            Object::Vars(_) | Object::External(_) => {
                let (arguments, name) = (self.given(&[]), Name::new("values"));
                self.namespace_method(value, name, arguments, dest, site);
                if matches!(value, Object::External(_)) {
                    self.add(dest, ObjectId::UNKNOWN);
                }
            }
            Object::Unknown => self.add(dest, ObjectId::UNKNOWN),
            _ => {}
        }
    }

    /// `next(value)`
    pub fn next(&mut self, value: Object, dest: NodeId, site: SiteId) {
        let Object::Instance(class) = value else { return self.iterate(value, dest, site) };
        let none = self.given(&[]);
        let next = self.dunders.next;
        self.special(class, next, Invocation { arguments: none, dest, site, kind: EdgeKind::Iteration });
        self.special(class, self.dunders.anext, Invocation { arguments: none, dest, site, kind: EdgeKind::Iteration });
    }

    /// One of the names in `a, b = value`.
    pub fn unpack(&mut self, value: Object, index: i32, dest: NodeId, site: SiteId) {
        match value {
            Object::Container(container)
                if matches!(self.kind(container), ContainerKind::Tuple | ContainerKind::Sequence) =>
            {
                self.load_element(container, Key::Index(index), dest);
            }
            Object::Instance(class) if self.nature(class).places.is_some() => {
                if let Some(name) = self.field_at(class, index) {
                    self.load(value, name, dest, false);
                }
            }
            value => self.iterate(value, dest, site),
        }
    }

    /// The starred name in `a, *rest = value`.
    pub fn rest(&mut self, value: Object, before: u32, after: u32, rest: ContainerId, site: SiteId) {
        match value {
            Object::Container(container)
                if matches!(self.kind(container), ContainerKind::Tuple | ContainerKind::Sequence) =>
            {
                let length = self.objects.containers[container.0 as usize].length;
                self.each_key(container, KeyWatch::Rest { container: rest, length, before, after });
            }
            value => {
                let element = self.element(rest, Key::Any);
                self.store_element(rest, Key::Any, element);
                self.iterate(value, element, site);
            }
        }
    }

    /// `with value as dest`
    pub fn enter_context(&mut self, value: Object, dest: NodeId, site: SiteId) {
        match value {
            Object::Instance(class) => {
                let none = self.given(&[]);
                let exit = self.given(&[NodeId::PLAIN, NodeId::PLAIN, NodeId::PLAIN]);
                for name in ["__enter__", "__aenter__"] {
                    self.special(
                        class,
                        Name::new(name),
                        Invocation { arguments: none, dest, site, kind: EdgeKind::With },
                    );
                }
                for name in ["__exit__", "__aexit__"] {
                    self.special(
                        class,
                        Name::new(name),
                        Invocation { arguments: exit, dest: NodeId::NOTHING, site, kind: EdgeKind::With },
                    );
                }
            }
            Object::Context { value, closes } => {
                self.copy(value, dest);
                if closes {
                    let method = self.nodes.new_node();
                    self.watch(value, Watch::Load { name: Name::new("close"), dest: method, called: true });
                    let arguments = self.given(&[]);
                    let kind = EdgeKind::With;
                    self.watch(method, Watch::Call(Invocation { arguments, dest: NodeId::NOTHING, site, kind }));
                }
            }
            Object::Made(_) | Object::External(_) => self.add_object(dest, value),
            // The result of a generator function under `@contextmanager`.
            Object::Container(container) => self.load_element(container, Key::Any, dest),
            Object::Unknown => self.add(dest, ObjectId::UNKNOWN),
            _ => {}
        }
    }

    /// All elements of `value`, when it is iterated over, are stored in the container.
    pub fn extend(&mut self, container: ContainerId, value: Object, site: SiteId) {
        match value {
            Object::Container(other) if self.kind(other) != ContainerKind::Dict => {
                self.each_key(other, KeyWatch::Pour(container));
            }
            value => {
                let element = self.element(container, Key::Any);
                self.store_element(container, Key::Any, element);
                self.iterate(value, element, site);
            }
        }
    }

    /// A method of a built-in container is called.
    pub fn container_method(
        &mut self,
        container: ContainerId,
        name: Name,
        arguments: ArgumentsId,
        dest: NodeId,
        site: SiteId,
    ) {
        let given = self.all_given(arguments);
        let first = given.positional.first().copied();
        let second = given.positional.get(1).copied();
        if self.kind(container) == ContainerKind::Parser {
            return self.parser_method(container, &name, &given, dest);
        }
        let object = Object::Container(container);
        let is_dict = self.kind(container) == ContainerKind::Dict;
        match (name.as_str(), first) {
            ("append" | "add" | "appendleft" | "put" | "put_nowait", Some(value)) => {
                self.store_element(container, Key::Any, value)
            }
            ("insert", _) => {
                if let Some(value) = second {
                    self.store_element(container, Key::Any, value);
                }
            }
            ("update", first) if is_dict => {
                if let Some(other) = first {
                    self.watch(other, Watch::Update { container });
                }
                for &(name, value) in &given.keywords {
                    self.store_element(container, Key::Text(name), value);
                }
            }
            ("extend" | "extendleft" | "update" | "union", Some(other)) => {
                self.watch(other, Watch::Extend { container, site });
                self.add_object(dest, object);
            }
            ("get" | "pop" | "setdefault" | "__getitem__", Some(key)) if is_dict => {
                self.watch(key, Watch::LoadKey { container, dest });
                if let Some(default) = second {
                    self.copy(default, dest);
                    if name.as_str() == "setdefault" {
                        self.watch(key, Watch::StoreKey { container, source: default });
                    }
                }
            }
            ("__getitem__", Some(key)) => self.watch(key, Watch::LoadKey { container, dest }),
            ("send", Some(value)) => {
                let sent = self.place(Place::Sent(container));
                self.copy(value, sent);
                self.load_element(container, Key::Any, dest);
            }
            ("pop" | "popleft" | "get" | "get_nowait" | "__next__" | "send", _) => {
                self.load_element(container, Key::Any, dest)
            }
            ("popitem", _) => {
                let items = self.items(container);
                self.load_element(items, Key::Any, dest);
            }
            ("values", _) if is_dict => {
                let values = self.container(Made::Values(container), ContainerKind::Sequence);
                self.each_key(container, KeyWatch::Pour(values));
                self.add_object(dest, Object::Container(values));
            }
            ("items", _) if is_dict => {
                let items = self.items(container);
                self.add_object(dest, Object::Container(items));
            }
            ("keys" | "copy" | "__iter__" | "__aiter__" | "difference" | "intersection" | "most_common", _) => {
                self.add_object(dest, object);
            }
            ("sort", _) => {
                if let Some((_, key)) = given.keywords.iter().find(|(name, _)| name.as_str() == "key") {
                    let elements = self.nodes.new_node();
                    self.load_element(container, Key::Any, elements);
                    self.call_back(*key, &[elements], NodeId::NOTHING, site);
                }
            }
            _ => {}
        }
    }

    /// What `await value` gives.
    pub fn await_value(&mut self, object: ObjectId, value: Object, dest: NodeId, site: SiteId) {
        let name = self.dunders.awaits;
        match value {
            Object::Instance(class) if self.defines(class, name) => {
                let (none, kind) = (self.given(&[]), EdgeKind::Iteration);
                let steps = self.place(Place::Awaited(class));
                self.special(class, name, Invocation { arguments: none, dest: steps, site, kind });
                self.watch_once(steps, Watch::Await { dest, site: SiteId::NONE });
            }
            // The generator that `__await__` is.
            Object::Container(container)
                if site == SiteId::NONE && self.kind(container) == ContainerKind::Generator =>
            {
                let end = self.place(Place::Final(container));
                self.copy(end, dest);
            }
            _ => self.add(dest, object),
        }
    }

    /// A mapping's entries, or those of pairs, become the container's.
    pub fn update(&mut self, container: ContainerId, other: ContainerId) {
        if self.kind(other) == ContainerKind::Dict {
            return self.each_key(other, KeyWatch::Merge(container));
        }
        let pairs = self.nodes.new_node();
        self.load_element(other, Key::Any, pairs);
        self.watch(pairs, Watch::StorePair { container });
    }

    pub fn store_pair(&mut self, container: ContainerId, pair: Object) {
        let Object::Container(pair) = pair else { return };
        let (key, value) = (self.nodes.new_node(), self.nodes.new_node());
        self.load_element(pair, Key::Index(0), key);
        self.load_element(pair, Key::Index(1), value);
        self.watch(key, Watch::StoreKey { container, source: value });
    }

    pub fn reversed(&mut self, value: Object, dest: NodeId, site: SiteId) {
        let name = Name::new("__reversed__");
        if let Object::Instance(class) = value
            && self.defines(class, name)
        {
            let none = self.given(&[]);
            self.special(class, name, Invocation { arguments: none, dest, site, kind: EdgeKind::Iteration });
        }
    }

    /// `Class[key]`
    fn load_item_of_class(&mut self, class: Def, key_node: NodeId, dest: NodeId, site: SiteId) {
        let object = Object::Class(class);
        if self.nature(class).is_enum {
            return self.add_object(dest, Object::Instance(class));
        }
        let (arguments, kind) = (self.given(&[key_node]), EdgeKind::Operator);
        let get_item = self.dunders.get_item;
        if self.special_of_class(class, get_item, Invocation { arguments, dest, site, kind }) {
            return;
        }
        let hook = Name::new("__class_getitem__");
        match self.find_method(class, hook) {
            Some(function) => {
                let receiver = self.intern(object);
                self.enter(function, Some(receiver), Invocation { arguments, dest, site, kind });
            }
            // `Alias = Class[int]`
            None => self.add_object(dest, object),
        }
    }

    /// `vars(owner)[key]`
    fn load_var(&mut self, owner: ObjectId, key: Key, key_node: NodeId, dest: NodeId) {
        let key = match (key, self.nodes.objects(key_node)) {
            (Key::Of(_), &[one]) => match self.objects.get(one) {
                Object::Constant(key) => key,
                _ => key,
            },
            _ => key,
        };
        let Key::Text(name) = key else { return self.add(dest, ObjectId::UNKNOWN) };
        match self.objects.get(owner) {
            Object::Class(class) => {
                if self.has_own(class, name)
                    && let Some(scope) = self.summary(class.unit.file).symbol(class.symbol).scope
                {
                    let attribute = self.variable(class.unit.file, scope, name);
                    self.copy(attribute, dest);
                }
            }
            Object::Module(file) => {
                let member = self.member(file, name);
                self.copy(member, dest);
            }
            Object::Instance(class) => {
                let field = self.place(Place::Field(class, name));
                self.copy(field, dest);
            }
            _ => {}
        }
    }

    fn items(&mut self, container: ContainerId) -> ContainerId {
        let items = self.container(Made::Items(container), ContainerKind::Sequence);
        self.each_key(container, KeyWatch::Pairs(items));
        items
    }
}

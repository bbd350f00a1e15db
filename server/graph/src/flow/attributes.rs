//! Attributes: of instances, classes, modules and functions.

use super::nodes::{NodeId, Place, SiteId};
use super::objects::{Object, ObjectId};
use super::solver::Solver;
use super::watches::{Invocation, Watch};
use crate::summary::Key;
use crate::types::{Def, Value};
use crate::{EdgeKind, Name};

/// Subclasses whose instances a method's receiver is taken to be besides its own. A base with more heirs is a framework's:
/// what its methods call on themselves is then found by name in the class hierarchy only.
const MAX_HEIRS: usize = 64;

impl Solver<'_> {
    pub fn load(&mut self, value: Object, name: Name, dest: NodeId, called: bool) {
        match value {
            Object::Instance(class) => {
                let read = self.instance_read(class, name);
                self.copy(read, dest);
                if name.as_str() == "__dict__" {
                    let object = self.intern(value);
                    self.add_object(dest, Object::Vars(object));
                }
            }
            Object::Class(class) if name.as_str() == "__dict__" => {
                let object = self.intern(Object::Class(class));
                self.add_object(dest, Object::Vars(object));
            }
            Object::Class(class) => {
                let read = self.class_read(class, name);
                self.copy(read, dest);
            }
            Object::Super { class, receiver } => {
                let read = self.super_read(class, receiver, name);
                self.copy(read, dest);
            }
            Object::Module(_) if name.as_str() == "__dict__" && self.following.is_some() => {
                let object = self.intern(value);
                self.add_object(dest, Object::Vars(object));
            }
            Object::Module(file) => {
                let member = self.member(file, name);
                self.copy(member, dest);
            }
            Object::Namespace(package) => {
                let submodule = self.submodule(package, name);
                self.copy(submodule, dest);
            }
            Object::Function(function) | Object::Bound { function, .. } => {
                let attribute = self.place(Place::FunctionAttribute(function, name));
                self.copy(attribute, dest);
                match (name.as_str(), value) {
                    ("register", _) => self.add_object(dest, Object::Register(function)),
                    ("__func__" | "__wrapped__", _) => self.add_object(dest, Object::Function(function)),
                    ("__self__", Object::Bound { receiver, .. }) => self.add(dest, receiver),
                    ("__globals__", _) if self.following.is_some() => {
                        let module = self.intern(Object::Module(function.unit.file));
                        self.add_object(dest, Object::Vars(module));
                    }
                    _ => {}
                }
            }
            Object::Modelled(owner) if name == self.words.new => {
                let new = self.built_in_new(owner.as_str() == "type");
                self.add_object(dest, new);
            }
            Object::Modelled(owner) => {
                self.load_outside(value, owner, name, dest);
            }
            Object::External(owner) => self.load_outside(value, owner, name, dest),
            Object::Container(container) if self.record_place(container, name).is_some() => {
                let key = self.record_place(container, name).unwrap_or(Key::Any);
                self.load_element(container, key, dest);
            }
            Object::Parsed(parser) => self.load_element(parser, Key::Text(name), dest),
            Object::Container(container) if !called => {
                self.add_object(dest, Object::ContainerMethod { container, name });
            }
            Object::Unknown => self.add(dest, self.unknown),
            Object::Partial { function, .. } if name.as_str() == "func" => self.copy(function, dest),
            Object::Made(kind) => {
                let member = self.outside(Name::new(&format!("{kind}.{name}")));
                self.add_object(dest, member);
            }
            Object::Thread { function, arguments } if matches!(name.as_str(), "start" | "run") => {
                self.add_object(dest, Object::Partial { function, arguments });
            }
            Object::Future(value) => match name.as_str() {
                "result" => self.add_object(dest, Object::Returning(value)),
                _ => self.add(dest, self.unknown),
            },
            _ => {}
        }
    }

    /// The first class in the order that gives `name` a meaning of its own.
    pub fn first_definer(&mut self, class: Def, name: Name) -> Option<Def> {
        if let Some(&definer) = self.definers.get(&(class, name)) {
            return definer;
        }
        let definer = self.mro(class).classes.iter().copied().find(|class| self.has_own(*class, name));
        self.definers.insert((class, name), definer);
        definer
    }

    pub fn defines(&mut self, class: Def, name: Name) -> bool {
        self.first_definer(class, name).is_some()
    }

    pub fn has_own(&self, class: Def, name: Name) -> bool {
        let summary = self.summary(class.unit.file);
        summary.symbol(class.symbol).scope.is_some_and(|scope| summary.scope(scope).names.contains_key(&name))
    }

    fn assigns(&self, class: Def, name: Name) -> bool {
        let facts = &self.summary(class.unit.file).symbol(class.symbol).class;
        facts.as_ref().is_some_and(|facts| facts.attributes.contains_key(&name))
    }

    /// The function that a class or one of its bases defines under this name.
    pub fn find_method(&mut self, class: Def, name: Name) -> Option<Def> {
        let definer = self.first_definer(class, name)?;
        let summary = self.summary(definer.unit.file);
        let scope = summary.symbol(definer.symbol).scope?;
        let binding = *summary.scope(scope).names.get(&name)?.last()?;
        let symbol = summary.binding(binding).symbol?;
        summary.symbol(symbol).function.is_some().then_some(Def { unit: definer.unit, symbol })
    }

    /// What takes the new value of a property.
    pub fn setter(&mut self, class: Def, name: Name) -> Option<Def> {
        let definer = self.first_definer(class, name)?;
        let summary = self.summary(definer.unit.file);
        let scope = summary.symbol(definer.symbol).scope?;
        let bindings = summary.scope(scope).names.get(&name)?;
        let symbols = bindings.iter().filter_map(|&binding| summary.binding(binding).symbol);
        let mut setters = symbols.filter(|&symbol| summary.symbol(symbol).flags.is_setter);
        setters.next().map(|symbol| Def { unit: definer.unit, symbol })
    }

    pub fn metaclass(&mut self, class: Def) -> Option<Def> {
        if let Some(&metaclass) = self.metaclasses.get(&class) {
            return metaclass;
        }
        let metaclass = self.find_metaclass(class);
        self.metaclasses.insert(class, metaclass);
        metaclass
    }

    fn find_metaclass(&mut self, class: Def) -> Option<Def> {
        let classes = self.mro(class).classes.clone();
        for class in classes {
            let facts = &self.summary(class.unit.file).symbol(class.symbol).class;
            let Some(metaclass) = facts.as_ref().and_then(|facts| facts.metaclass) else { continue };
            let types = self.evaluator.eval(class.unit, metaclass);
            return types.iter().find_map(|typed| match typed.value {
                Value::Class(metaclass) if !metaclass.unit.retained => Some(metaclass),
                _ => None,
            });
        }
        None
    }

    /// The classes below a class; none when there are too many.
    pub fn heirs_of(&self, class: Def) -> Vec<Def> {
        let heirs = self.heirs.get(&class);
        heirs.filter(|heirs| heirs.len() <= MAX_HEIRS).cloned().unwrap_or_default()
    }

    pub fn instance_read(&mut self, class: Def, name: Name) -> NodeId {
        let (node, is_new) = self.nodes.place(Place::InstanceRead(class, name));
        if !is_new {
            return node;
        }
        let receiver = self.intern(Object::Instance(class));
        let mro = self.mro(class);
        if self.stored.contains(&name) {
            for &class in &mro.classes {
                let field = self.place(Place::Field(class, name));
                self.copy(field, node);
            }
        }
        if self.defines_get_attribute
            && !name.starts_with("__")
            && let Some(function) = self.find_method(class, self.words.get_attribute)
        {
            self.note_getter(node, name, function);
        }
        let nature = self.nature(class);
        match name.as_str() {
            "value" if nature.is_enum => self.enum_values(class, node),
            "start" if nature.is_thread => {
                let run = self.instance_read(class, Name::new("run"));
                self.copy(run, node);
            }
            "_replace" if nature.places.is_some() => {
                let itself = self.holding(receiver);
                self.add_object(node, Object::Returning(itself));
            }
            _ => {}
        }
        if !self.read_classes(&mro.classes, receiver, name, node) {
            let is_assigned = mro.classes.iter().any(|&class| self.assigns(class, name));
            let hook = self.words.get_attr;
            let is_special = name.starts_with("__") && name.ends_with("__");
            if !is_assigned && !is_special && self.defines(class, hook) {
                let given = Object::Constant(Key::Text(name));
                let given = self.intern(given);
                let given = self.holding(given);
                let arguments = self.given(&[given]);
                self.special(
                    class,
                    hook,
                    Invocation { arguments, dest: node, site: SiteId::NONE, kind: EdgeKind::Property },
                );
                if let Some(function) = self.find_method(class, hook) {
                    self.note_getter(node, name, function);
                }
            } else if name == self.words.new {
                let new = self.built_in_new(false);
                self.add_object(node, new);
            } else if mro.external.is_some() || !mro.complete {
                self.add(node, self.unknown);
            }
        }
        node
    }

    /// A special method as Python looks it up: in the class, not in the instance.
    pub fn special_read(&mut self, class: Def, name: Name) -> NodeId {
        let (node, is_new) = self.nodes.place(Place::SpecialRead(class, name));
        if is_new {
            let receiver = self.intern(Object::Instance(class));
            let mro = self.mro(class);
            self.read_classes(&mro.classes, receiver, name, node);
        }
        node
    }

    /// Reads a name from the first of `classes` that has it; from others, what is assigned to them from outside.
    fn read_classes(&mut self, classes: &[Def], receiver: ObjectId, name: Name, dest: NodeId) -> bool {
        for &class in classes {
            let has_own = self.has_own(class, name);
            if has_own || self.stored.contains(&name) {
                let scope = self.summary(class.unit.file).symbol(class.symbol).scope;
                let Some(scope) = scope else { continue };
                let attribute = self.variable(class.unit.file, scope, name);
                self.watch(attribute, Watch::Bind { class, receiver, name, dest });
            }
            if has_own {
                return true;
            }
        }
        false
    }

    pub fn class_read(&mut self, class: Def, name: Name) -> NodeId {
        let (node, is_new) = self.nodes.place(Place::ClassRead(class, name));
        if !is_new {
            return node;
        }
        let receiver = self.intern(Object::Class(class));
        let mro = self.mro(class);
        if let Some(definer) = self.first_definer(class, name)
            && let Some(member) = self.enum_member(class, definer, name)
        {
            self.add(node, member);
            return node;
        }
        if !self.read_classes(&mro.classes, receiver, name, node) {
            match self.metaclass(class) {
                Some(metaclass) if self.defines(metaclass, name) => {
                    let metaclasses = self.mro(metaclass);
                    self.read_classes(&metaclasses.classes, receiver, name, node);
                }
                _ if name == self.words.new => {
                    let new = self.built_in_new(false);
                    self.add_object(node, new);
                }
                _ if mro.external.is_some() || !mro.complete => self.add(node, self.unknown),
                _ => {}
            }
        }
        node
    }

    fn super_read(&mut self, class: Def, receiver: ObjectId, name: Name) -> NodeId {
        let (node, is_new) = self.nodes.place(Place::SuperRead(class, receiver, name));
        if !is_new {
            return node;
        }
        let (Object::Instance(own) | Object::Class(own)) = self.objects.get(receiver) else { return node };
        let mut mro = self.mro(own);
        if !mro.classes.contains(&class)
            && let Some(metaclass) = self.metaclass(own)
        {
            mro = self.mro(metaclass);
            let found =
                mro.classes.iter().skip_while(|other| **other != class).skip(1).any(|&it| self.has_own(it, name));
            // `type.__call__`
            if !found && name == self.words.call {
                self.add_object(node, Object::Constructor(own));
                return node;
            }
        }
        let after = mro.classes.iter().position(|other| *other == class).map_or(mro.classes.len(), |at| at + 1);
        if self.read_classes(&mro.classes[after..], receiver, name, node) {
            return node;
        }
        if name == self.words.new {
            let new = self.built_in_new(mro.external.is_some_and(|name| name.as_str() == "type"));
            self.add_object(node, new);
        } else if mro.external.is_some() {
            self.add(node, self.unknown);
        }
        node
    }

    pub fn super_of(&mut self, class: Def, object: ObjectId, value: Object, dest: NodeId) {
        let (Object::Instance(own) | Object::Class(own)) = value else { return };
        let is_above = |solver: &mut Self, own: Def| solver.mro(own).classes.contains(&class);
        let is_meta = |solver: &mut Self| {
            matches!(value, Object::Class(_)) && solver.metaclass(own).is_some_and(|meta| is_above(solver, meta))
        };
        if is_above(self, own) || is_meta(self) {
            self.add_object(dest, Object::Super { class, receiver: object });
        }
    }

    /// What stands in a class becomes what `receiver` sees: methods are bound, properties run.
    pub fn bind(&mut self, object: ObjectId, value: Object, class: Def, receiver: ObjectId, name: Name, dest: NodeId) {
        let seen_by = self.objects.get(receiver);
        let through_instance = matches!(seen_by, Object::Instance(_));
        match value {
            Object::Function(function) => {
                let flags = self.summary(function.unit.file).symbol(function.symbol).flags;
                if flags.is_staticmethod {
                    self.add(dest, object);
                } else if flags.is_classmethod {
                    let class = match seen_by {
                        Object::Instance(class) => self.intern(Object::Class(class)),
                        _ => receiver,
                    };
                    self.add_object(dest, Object::Bound { function, receiver: class });
                } else if flags.is_property {
                    let is_meta = match seen_by {
                        Object::Class(own) => !self.mro(own).classes.contains(&class),
                        _ => false,
                    };
                    if (through_instance || is_meta) && !flags.is_setter {
                        let nodes = self.function(function);
                        if let Some(&(_, first)) = nodes.positional.first() {
                            self.add(first, receiver);
                        }
                        self.copy(nodes.returns, dest);
                        self.note_getter(dest, name, function);
                    } else if !through_instance {
                        self.add(dest, object);
                    }
                } else if through_instance {
                    self.add_object(dest, Object::Bound { function, receiver });
                } else {
                    // A metaclass's methods see the class as their instance.
                    let is_meta = match seen_by {
                        Object::Class(own) => !self.mro(own).classes.contains(&class),
                        _ => false,
                    };
                    match is_meta {
                        true => self.add_object(dest, Object::Bound { function, receiver }),
                        false => self.add(dest, object),
                    }
                }
            }
            Object::Property { getter, .. } if through_instance => {
                let instance = self.holding(receiver);
                let arguments = self.given(&[instance]);
                let (site, kind) = (SiteId::NONE, EdgeKind::Property);
                self.watch(getter, Watch::Call(Invocation { arguments, dest, site, kind }));
                self.getter_names.insert(name);
                let getters = self.getter_nodes.entry(dest).or_default();
                if !getters.contains(&getter) {
                    getters.push(getter);
                }
            }
            Object::Wrapped { function, is_class: false } => self.add(dest, function),
            Object::Entering { function, manager } => {
                let (bound, _) = self.nodes.place(Place::BoundIn(function, receiver));
                self.watch(function, Watch::Bind { class, receiver, name, dest: bound });
                self.add_object(dest, Object::Entering { function: bound, manager });
            }
            Object::Wrapped { function, is_class: true } => {
                let class = match seen_by {
                    Object::Instance(class) => self.intern(Object::Class(class)),
                    _ => receiver,
                };
                match self.objects.get(function) {
                    Object::Function(function) => self.add_object(dest, Object::Bound { function, receiver: class }),
                    _ => self.add(dest, function),
                }
            }
            Object::Instance(descriptor) if self.defines(descriptor, self.words.get) => {
                let owner = match seen_by {
                    Object::Instance(class) => self.intern(Object::Class(class)),
                    _ => receiver,
                };
                let instance = if through_instance { self.holding(receiver) } else { self.plain_node };
                let owner = self.holding(owner);
                let arguments = self.given(&[instance, owner]);
                let get = self.words.get;
                self.special(
                    descriptor,
                    get,
                    Invocation { arguments, dest, site: SiteId::NONE, kind: EdgeKind::Property },
                );
                if let Some(function) = self.find_method(descriptor, get) {
                    self.note_getter(dest, name, function);
                }
            }
            _ => self.add(dest, object),
        }
    }

    /// `read` is the place through which the attribute is seen.
    pub fn note_getter(&mut self, read: NodeId, name: Name, function: Def) {
        self.getter_names.insert(name);
        let getters = self.getters.entry(read).or_default();
        if !getters.contains(&function) {
            getters.push(function);
        }
    }

    /// What was assigned just before, where nothing but the object itself decides what is read.
    pub fn recent(&mut self, value: Object, attribute: Option<Name>, normal: NodeId, source: NodeId, dest: NodeId) {
        let is_kept = match (value, attribute) {
            (Object::Container(_), None) => true,
            (Object::Instance(class), Some(name)) => {
                let set_attr = self.words.set_attr;
                self.first_definer(class, name).is_none() && !self.defines(class, set_attr)
            }
            _ => false,
        };
        self.copy(if is_kept { source } else { normal }, dest);
    }
}

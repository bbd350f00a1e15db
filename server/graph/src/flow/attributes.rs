//! Attributes: of instances, classes, modules and functions.

use rustc_hash::{FxHashMap, FxHashSet};

use super::nodes::{NodeId, Place, SiteId};
use super::objects::{Object, ObjectId};
use super::solver::Solver;
use super::watches::{ClassAccess, Invocation, Watch};
use crate::summary::Key;
use crate::types::Def;
use crate::{EdgeKind, Name};

/// What runs when attributes are read, by the place through which they are seen.
#[derive(Default)]
pub(super) struct GetterReads {
    functions: FxHashMap<NodeId, Vec<Def>>,
    /// The getters of properties that are made by a call, as nodes.
    made: FxHashMap<NodeId, Vec<NodeId>>,
    names: FxHashSet<Name>,
}

impl GetterReads {
    fn note(&mut self, read: NodeId, name: Name, function: Def) {
        self.names.insert(name);
        let getters = self.functions.entry(read).or_default();
        if !getters.contains(&function) {
            getters.push(function);
        }
    }

    fn note_made(&mut self, read: NodeId, name: Name, getter: NodeId) {
        self.names.insert(name);
        let getters = self.made.entry(read).or_default();
        if !getters.contains(&getter) {
            getters.push(getter);
        }
    }

    /// Getters and descriptors that run where the attribute is seen.
    pub fn functions(&self, read: NodeId) -> &[Def] {
        self.functions.get(&read).map_or(&[], Vec::as_slice)
    }

    /// Nodes of what runs there as well.
    pub fn made(&self, read: NodeId) -> &[NodeId] {
        self.made.get(&read).map_or(&[], Vec::as_slice)
    }

    /// Whether anything runs where an attribute of this name is read of something.
    pub fn has(&self, name: Name) -> bool {
        self.names.contains(&name)
    }
}

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
            Object::Modelled(owner) if name == self.dunders.new => {
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
            Object::Unknown => self.add(dest, ObjectId::UNKNOWN),
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
                _ => self.add(dest, ObjectId::UNKNOWN),
            },
            _ => {}
        }
    }

    pub fn instance_read(&mut self, class: Def, name: Name) -> NodeId {
        let (node, is_new) = self.nodes.place(Place::InstanceRead(class, name));
        if !is_new {
            return node;
        }
        let receiver = self.intern(Object::Instance(class));
        let mro = self.mro(class);
        if self.declared.stored.contains(&name) {
            for &class in &mro.classes {
                let field = self.place(Place::Field(class, name));
                self.copy(field, node);
            }
        }
        if self.declared.get_attribute
            && !name.starts_with("__")
            && let Some(function) = self.find_method(class, self.dunders.get_attribute)
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
            let hook = self.dunders.get_attr;
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
            } else if name == self.dunders.new {
                let new = self.built_in_new(false);
                self.add_object(node, new);
            } else if mro.external.is_some() || !mro.complete {
                self.add(node, ObjectId::UNKNOWN);
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
            if has_own || self.declared.stored.contains(&name) {
                let scope = self.summary(class.unit.file).symbol(class.symbol).scope;
                let Some(scope) = scope else { continue };
                let attribute = self.variable(class.unit.file, scope, name);
                self.watch(attribute, Watch::Bind(ClassAccess { class, receiver, name, dest }));
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
                _ if name == self.dunders.new => {
                    let new = self.built_in_new(false);
                    self.add_object(node, new);
                }
                _ if mro.external.is_some() || !mro.complete => self.add(node, ObjectId::UNKNOWN),
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
            if !found && name == self.dunders.call {
                self.add_object(node, Object::Constructor(own));
                return node;
            }
        }
        let after = mro.classes.iter().position(|other| *other == class).map_or(mro.classes.len(), |at| at + 1);
        if self.read_classes(&mro.classes[after..], receiver, name, node) {
            return node;
        }
        if name == self.dunders.new {
            let new = self.built_in_new(mro.external.is_some_and(|name| name.as_str() == "type"));
            self.add_object(node, new);
        } else if mro.external.is_some() {
            self.add(node, ObjectId::UNKNOWN);
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

    /// What stands in a class becomes what the receiver sees: methods are bound, properties run.
    pub fn bind(&mut self, object: ObjectId, value: Object, access: ClassAccess) {
        let ClassAccess { receiver, dest, .. } = access;
        let through_instance = matches!(self.objects.get(receiver), Object::Instance(_));
        match value {
            Object::Function(function) => self.bind_function(object, function, access),
            Object::Property { getter, .. } if through_instance => self.bind_property(getter, access),
            Object::Wrapped { function, is_class: false } => self.add(dest, function),
            Object::Wrapped { function, is_class: true } => match self.objects.get(function) {
                Object::Function(function) => {
                    let receiver = self.class_seen_by(receiver);
                    self.add_object(dest, Object::Bound { function, receiver });
                }
                _ => self.add(dest, function),
            },
            Object::Entering { function, manager } => {
                let bound = self.place(Place::BoundIn(function, receiver));
                self.watch(function, Watch::Bind(ClassAccess { dest: bound, ..access }));
                self.add_object(dest, Object::Entering { function: bound, manager });
            }
            Object::Instance(descriptor) if self.defines(descriptor, self.dunders.get) => {
                self.bind_descriptor(descriptor, access);
            }
            _ => self.add(dest, object),
        }
    }

    fn bind_function(&mut self, object: ObjectId, function: Def, access: ClassAccess) {
        let ClassAccess { class, receiver, name, dest } = access;
        let flags = self.summary(function.unit.file).symbol(function.symbol).flags;
        if flags.is_staticmethod {
            return self.add(dest, object);
        }
        if flags.is_classmethod {
            let receiver = self.class_seen_by(receiver);
            return self.add_object(dest, Object::Bound { function, receiver });
        }
        let (through_instance, is_meta) = match self.objects.get(receiver) {
            Object::Instance(_) => (true, false),
            // A metaclass's methods see the class as their instance.
            Object::Class(own) => (false, !self.mro(own).classes.contains(&class)),
            _ => (false, false),
        };
        if !through_instance && !is_meta {
            return self.add(dest, object);
        }
        if !flags.is_property {
            return self.add_object(dest, Object::Bound { function, receiver });
        }
        if !flags.is_setter {
            let nodes = self.function(function);
            if let Some(&(_, first)) = nodes.positional.first() {
                self.add(first, receiver);
            }
            self.copy(nodes.returns, dest);
            self.note_getter(dest, name, function);
        } else if is_meta {
            self.add(dest, object);
        }
    }

    /// A property that is made by a call of `property`.
    fn bind_property(&mut self, getter: NodeId, access: ClassAccess) {
        let ClassAccess { receiver, name, dest, .. } = access;
        let instance = self.holding(receiver);
        let arguments = self.given(&[instance]);
        let (site, kind) = (SiteId::NONE, EdgeKind::Property);
        self.watch(getter, Watch::Call(Invocation { arguments, dest, site, kind }));
        self.getters.note_made(dest, name, getter);
    }

    fn bind_descriptor(&mut self, descriptor: Def, access: ClassAccess) {
        let ClassAccess { receiver, name, dest, .. } = access;
        let through_instance = matches!(self.objects.get(receiver), Object::Instance(_));
        let owner = self.class_seen_by(receiver);
        let instance = if through_instance { self.holding(receiver) } else { NodeId::PLAIN };
        let owner = self.holding(owner);
        let arguments = self.given(&[instance, owner]);
        let (get, site, kind) = (self.dunders.get, SiteId::NONE, EdgeKind::Property);
        self.special(descriptor, get, Invocation { arguments, dest, site, kind });
        if let Some(function) = self.find_method(descriptor, get) {
            self.note_getter(dest, name, function);
        }
    }

    /// The class by which something is seen, also through an instance.
    fn class_seen_by(&mut self, receiver: ObjectId) -> ObjectId {
        match self.objects.get(receiver) {
            Object::Instance(class) => self.intern(Object::Class(class)),
            _ => receiver,
        }
    }

    /// `read` is the place through which the attribute is seen.
    pub fn note_getter(&mut self, read: NodeId, name: Name, function: Def) {
        self.getters.note(read, name, function);
    }

    /// What was assigned just before, where nothing but the object itself decides what is read.
    pub fn recent(&mut self, value: Object, attribute: Option<Name>, normal: NodeId, source: NodeId, dest: NodeId) {
        let is_kept = match (value, attribute) {
            (Object::Container(_), None) => true,
            (Object::Instance(class), Some(name)) => {
                let set_attr = self.dunders.set_attr;
                self.first_definer(class, name).is_none() && !self.defines(class, set_attr)
            }
            _ => false,
        };
        self.copy(if is_kept { source } else { normal }, dest);
    }
}

//! Attributes: of instances, classes, modules and functions.

use super::nodes::{NodeId, Place, SiteId, Watch};
use super::objects::{Object, ObjectId};
use super::solver::{ByName, Solver};
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
            }
            Object::Class(class) => {
                let read = self.class_read(class, name);
                self.copy(read, dest);
            }
            Object::Super { class, receiver } => {
                let read = self.super_read(class, receiver, name);
                self.copy(read, dest);
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
                    _ => {}
                }
            }
            Object::Modelled(owner) => {
                let full = Name::new(&format!("{owner}.{name}"));
                match super::builtins::is_modelled(&full) {
                    true => self.add_object(dest, Object::Modelled(full)),
                    false => self.add(dest, self.unknown),
                }
            }
            Object::Container(container) if !called => {
                self.add_object(dest, Object::ContainerMethod { container, name });
            }
            Object::Unknown => self.add(dest, self.unknown),
            Object::Partial { function, .. } if name.as_str() == "func" => self.copy(function, dest),
            _ => {}
        }
    }

    /// The first class in the order that gives `name` a meaning of its own.
    pub fn first_definer(&mut self, class: Def, name: Name) -> Option<Def> {
        self.mro(class).classes.iter().copied().find(|class| self.has_own(*class, name))
    }

    pub fn defines(&mut self, class: Def, name: Name) -> bool {
        self.first_definer(class, name).is_some()
    }

    fn has_own(&self, class: Def, name: Name) -> bool {
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
    fn setter(&mut self, class: Def, name: Name) -> Option<Def> {
        let definer = self.first_definer(class, name)?;
        let summary = self.summary(definer.unit.file);
        let scope = summary.symbol(definer.symbol).scope?;
        let bindings = summary.scope(scope).names.get(&name)?;
        let symbols = bindings.iter().filter_map(|&binding| summary.binding(binding).symbol);
        let mut setters = symbols.filter(|&symbol| summary.symbol(symbol).flags.is_setter);
        setters.next().map(|symbol| Def { unit: definer.unit, symbol })
    }

    pub fn metaclass(&mut self, class: Def) -> Option<Def> {
        let classes = self.mro(class).classes.clone();
        for class in classes {
            let facts = &self.summary(class.unit.file).symbol(class.symbol).class;
            let Some(metaclass) = facts.as_ref().and_then(|facts| facts.metaclass) else { continue };
            let types = self.evaluator.eval(class.unit, metaclass);
            return types.iter().find_map(|typed| match typed.value {
                Value::Class(metaclass) => Some(metaclass),
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
        if !self.read_classes(&mro.classes, receiver, name, node) {
            let is_assigned = mro.classes.iter().any(|&class| self.assigns(class, name));
            let hook = self.words.get_attr;
            let is_special = name.starts_with("__") && name.ends_with("__");
            if !is_assigned && !is_special && self.defines(class, hook) {
                let given = Object::Constant(Key::Text(name));
                let given = self.intern(given);
                let given = self.holding(given);
                let arguments = self.given(&[given]);
                self.special(class, hook, arguments, node, SiteId::NONE, EdgeKind::Property);
                if let Some(function) = self.find_method(class, hook) {
                    self.note_getter(node, name, function);
                }
            } else if mro.external.is_some() || !mro.complete {
                self.add(node, self.unknown);
            }
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
        if !self.read_classes(&mro.classes, receiver, name, node) {
            match self.metaclass(class) {
                Some(metaclass) if self.defines(metaclass, name) => {
                    let metaclasses = self.mro(metaclass);
                    self.read_classes(&metaclasses.classes, receiver, name, node);
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
        let mro = self.mro(own);
        let after = mro.classes.iter().position(|other| *other == class).map_or(mro.classes.len(), |at| at + 1);
        if !self.read_classes(&mro.classes[after..], receiver, name, node) && mro.external.is_some() {
            self.add(node, self.unknown);
        }
        node
    }

    pub fn super_of(&mut self, class: Def, object: ObjectId, value: Object, dest: NodeId) {
        if let Object::Instance(own) | Object::Class(own) = value
            && self.mro(own).classes.contains(&class)
        {
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
                    if through_instance && !flags.is_setter {
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
            Object::Instance(descriptor) if self.defines(descriptor, self.words.get) => {
                let owner = match seen_by {
                    Object::Instance(class) => self.intern(Object::Class(class)),
                    _ => receiver,
                };
                let instance = if through_instance { self.holding(receiver) } else { self.plain_node };
                let owner = self.holding(owner);
                let arguments = self.given(&[instance, owner]);
                let get = self.words.get;
                self.special(descriptor, get, arguments, dest, SiteId::NONE, EdgeKind::Property);
                if let Some(function) = self.find_method(descriptor, get) {
                    self.note_getter(dest, name, function);
                }
            }
            _ => self.add(dest, object),
        }
    }

    /// `read` is the place through which the attribute is seen.
    fn note_getter(&mut self, read: NodeId, name: Name, function: Def) {
        self.getter_names.insert(name);
        let getters = self.getters.entry(read).or_default();
        if !getters.contains(&function) {
            getters.push(function);
        }
    }

    pub fn store(&mut self, value: Object, object: ObjectId, name: Name, source: NodeId, site: SiteId) {
        match value {
            Object::Instance(class) => {
                if let Some(setter) = self.setter(class, name) {
                    let arguments = self.given(&[source]);
                    let nothing = self.nothing;
                    self.enter(setter, Some(object), arguments, nothing, site, EdgeKind::Property);
                    return;
                }
                let hook = self.words.set_attr;
                if self.defines(class, hook) {
                    let given = self.intern(Object::Constant(Key::Text(name)));
                    let given = self.holding(given);
                    let arguments = self.given(&[given, source]);
                    let nothing = self.nothing;
                    self.special(class, hook, arguments, nothing, site, EdgeKind::Property);
                }
                let field = self.place(Place::Field(class, name));
                self.copy(source, field);
                self.store_in_descriptor(class, object, name, source, site);
            }
            Object::Class(class) => {
                if let Some(scope) = self.summary(class.unit.file).symbol(class.symbol).scope {
                    let attribute = self.variable(class.unit.file, scope, name);
                    self.copy(source, attribute);
                }
            }
            Object::Module(file) => {
                let member = self.member(file, name);
                self.copy(source, member);
            }
            Object::Function(function) | Object::Bound { function, .. } => {
                let attribute = self.place(Place::FunctionAttribute(function, name));
                self.copy(source, attribute);
            }
            _ => {}
        }
    }

    /// `instance.name = value` where the class holds a descriptor under the name.
    fn store_in_descriptor(&mut self, class: Def, object: ObjectId, name: Name, source: NodeId, site: SiteId) {
        let Some(definer) = self.first_definer(class, name) else { return };
        let Some(scope) = self.summary(definer.unit.file).symbol(definer.symbol).scope else { return };
        let attribute = self.variable(definer.unit.file, scope, name);
        let instance = self.holding(object);
        let (arguments, dest) = (self.given(&[instance, source]), self.nothing);
        let kind = EdgeKind::Property;
        self.watch(attribute, Watch::Special { name: self.words.set, arguments, dest, site, kind });
    }

    // ---- computed names

    /// `getattr(value, names)` with a name whose beginning or end is known.
    pub fn load_by_pattern(&mut self, name: Object, object: NodeId, dest: NodeId) {
        let Object::Format { prefix, suffix } = name else { return };
        let fits = |name: &Name| {
            name.len() >= prefix.len() + suffix.len()
                && name.starts_with(prefix.as_str())
                && name.ends_with(suffix.as_str())
        };
        for receiver in self.nodes.objects(object).to_vec() {
            let value = self.objects.get(receiver);
            let mut names: Vec<Name> = Vec::new();
            match value {
                Object::Instance(class) | Object::Class(class) => {
                    for &class in &self.mro(class).classes {
                        let summary = self.summary(class.unit.file);
                        let scope = summary.symbol(class.symbol).scope.map(|scope| summary.scope(scope));
                        names.extend(scope.into_iter().flat_map(|scope| scope.names.keys()).filter(|name| fits(name)));
                    }
                }
                Object::Module(file) => {
                    let module = self.summary(file).scope(crate::summary::ScopeIndex::MODULE);
                    names.extend(module.names.keys().filter(|name| fits(name)));
                }
                _ => {}
            }
            names.sort_unstable();
            names.dedup();
            for name in names {
                self.load(value, name, dest, false);
            }
        }
    }

    /// Looks up the names that `getattr` and `setattr` are given; says whether there were new ones.
    pub fn look_up_names(&mut self) -> bool {
        let mut found = Vec::new();
        for (index, by_name) in self.by_name.iter().enumerate() {
            let names = self.nodes.objects(by_name.names);
            // Any name may be meant.
            if names.contains(&self.unknown) {
                continue;
            }
            for &name in names {
                if self.looked_up.insert((index, name)) {
                    found.push((index, name));
                }
            }
        }
        for &(index, name) in &found {
            let ByName { object, target, site, .. } = self.by_name[index];
            match (self.objects.get(name), target) {
                (Object::Constant(Key::Text(name)), Ok(dest)) => {
                    self.watch(object, Watch::Load { name, dest, called: false });
                }
                (Object::Constant(Key::Text(name)), Err(source)) if self.stored.contains(&name) => {
                    self.watch(object, Watch::Store { name, source, site });
                }
                (value @ Object::Format { .. }, Ok(dest)) => self.load_by_pattern(value, object, dest),
                _ => {}
            }
        }
        !found.is_empty()
    }
}

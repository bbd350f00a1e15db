//! Assigning and deleting attributes.

use super::nodes::{NodeId, Place, SiteId};
use super::objects::{Object, ObjectId};
use super::solver::Solver;
use super::watches::{Invocation, Watch};
use crate::summary::Key;
use crate::types::Def;
use crate::{EdgeKind, Name};

impl Solver<'_> {
    pub fn store(&mut self, value: Object, object: ObjectId, name: Name, source: NodeId, site: SiteId) {
        match value {
            Object::Instance(class) => {
                if let Some(setter) = self.setter(class, name) {
                    let arguments = self.given(&[source]);
                    self.enter(
                        setter,
                        Some(object),
                        Invocation { arguments, dest: NodeId::NOTHING, site, kind: EdgeKind::Property },
                    );
                    return;
                }
                let hook = self.dunders.set_attr;
                if self.defines(class, hook) {
                    let given = self.intern(Object::Constant(Key::Text(name)));
                    let given = self.holding(given);
                    let arguments = self.given(&[given, source]);
                    self.special(
                        class,
                        hook,
                        Invocation { arguments, dest: NodeId::NOTHING, site, kind: EdgeKind::Property },
                    );
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
        if let Some(attribute) = self.class_attribute(class, name) {
            self.watch(attribute, Watch::Assign { receiver: object, source, site });
        }
    }

    /// What stands in the class under the name.
    fn class_attribute(&mut self, class: Def, name: Name) -> Option<NodeId> {
        let definer = self.first_definer(class, name)?;
        let scope = self.summary(definer.unit.file).symbol(definer.symbol).scope?;
        Some(self.variable(definer.unit.file, scope, name))
    }

    /// A value is assigned to what is a property or descriptor in the class.
    pub fn assign_through(&mut self, value: Object, receiver: ObjectId, source: NodeId, site: SiteId) {
        let (instance, kind) = (self.holding(receiver), EdgeKind::Property);
        let arguments = self.given(&[instance, source]);
        match value {
            Object::Instance(descriptor) => {
                let set = self.dunders.set;
                self.special(descriptor, set, Invocation { arguments, dest: NodeId::NOTHING, site, kind });
            }
            Object::Property { setter, .. } => {
                self.watch(setter, Watch::Call(Invocation { arguments, dest: NodeId::NOTHING, site, kind }));
            }
            _ => {}
        }
    }

    /// `del object.name`
    pub fn delete(&mut self, object: ObjectId, value: Object, name: Name, site: SiteId) {
        let Object::Instance(class) = value else { return };
        let kind = EdgeKind::Property;
        let given = self.intern(Object::Constant(Key::Text(name)));
        let given = self.holding(given);
        let arguments = self.given(&[given]);
        let hook = self.dunders.del_attr;
        self.special(class, hook, Invocation { arguments, dest: NodeId::NOTHING, site, kind });
        if let Some(deleter) = self.setter(class, name) {
            let none = self.given(&[]);
            self.enter(deleter, Some(object), Invocation { arguments: none, dest: NodeId::NOTHING, site, kind });
        } else if let Some(attribute) = self.class_attribute(class, name) {
            let instance = self.holding(object);
            let arguments = self.given(&[instance]);
            let name = Name::new("__delete__");
            self.watch(
                attribute,
                Watch::Special { name, call: Invocation { arguments, dest: NodeId::NOTHING, site, kind } },
            );
        }
    }
}

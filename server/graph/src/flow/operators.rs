//! Operators, and what makes a text of a value.

use super::nodes::{NodeId, SiteId};
use super::objects::{ContainerId, ContainerKind, Object, ObjectId, Origin as Made};
use super::solver::Solver;
use super::watches::{Invocation, KeyWatch, Watch};
use crate::{EdgeKind, Name};

impl Solver<'_> {
    pub fn operate(
        &mut self,
        object: ObjectId,
        value: Object,
        method: Name,
        other: NodeId,
        dest: NodeId,
        site: SiteId,
    ) {
        let name = method.as_str();
        match value {
            Object::Instance(class) => {
                let arguments = self.given(&[other]);
                if self.defines(class, method) {
                    self.special(class, method, Invocation { arguments, dest, site, kind: EdgeKind::Operator });
                } else if name == "__contains__" {
                    let element = self.nodes.new_node();
                    self.iterate(value, element, site);
                } else {
                    let plain = match name {
                        // `!=` asks `__eq__` where there is no `__ne__`.
                        "__ne__" => self.dunders.eq,
                        name => Name::new(&crate::eval::plain_method(name)),
                    };
                    self.special(class, plain, Invocation { arguments, dest, site, kind: EdgeKind::Operator });
                }
            }
            Object::Container(container) => match name {
                "__iadd__" | "__ior__" => {
                    let is_dict = self.kind(container) == ContainerKind::Dict;
                    let watch = if is_dict { Watch::Update { container } } else { Watch::Extend { container, site } };
                    self.watch(other, watch);
                    self.add(dest, object);
                }
                "__add__" | "__or__" => self.concatenate(container, dest),
                "__mul__" => self.concatenate(container, dest),
                _ => {}
            },
            Object::Unknown => self.add(dest, object),
            Object::Class(class) => {
                let (arguments, kind) = (self.given(&[other]), EdgeKind::Operator);
                self.special_of_class(class, method, Invocation { arguments, dest, site, kind });
            }
            // `"%s" % value` makes a text of it.
            Object::Plain | Object::Constant(_) | Object::Format { .. } => {
                if name == "__mod__" {
                    self.watch(other, Watch::Format { site });
                }
                self.add(dest, ObjectId::PLAIN);
            }
            _ => {}
        }
    }

    fn concatenate(&mut self, container: ContainerId, dest: NodeId) {
        let kind = self.kind(container);
        let sum = self.container(Made::Expr(dest), kind);
        self.add_object(dest, Object::Container(sum));
        let watch = if kind == ContainerKind::Dict { KeyWatch::Merge(sum) } else { KeyWatch::Pour(sum) };
        self.each_key(container, watch);
    }

    pub fn reflect(&mut self, value: Object, method: Name, other: NodeId, dest: NodeId, site: SiteId) {
        match value {
            Object::Instance(class) => {
                let plain = crate::eval::plain_method(&method);
                let name = match plain.as_str() {
                    "__lt__" => "__gt__".to_owned(),
                    "__gt__" => "__lt__".to_owned(),
                    "__le__" => "__ge__".to_owned(),
                    "__ge__" => "__le__".to_owned(),
                    "__eq__" | "__ne__" => plain,
                    "__contains__" => return,
                    plain => plain.replacen("__", "__r", 1),
                };
                let name = Name::new(&name);
                let Some(function) = self.find_method(class, name) else { return };
                let arguments = self.given(&[other]);
                self.special(class, name, Invocation { arguments, dest, site: SiteId::NONE, kind: EdgeKind::Operator });
                self.found.reflected.push((site, function, other, method));
            }
            Object::Container(container) if matches!(method.as_str(), "__add__" | "__or__") => {
                self.concatenate(container, dest);
            }
            _ => {}
        }
    }

    /// A value is made a text.
    pub fn format(&mut self, value: Object, site: SiteId) {
        if let Object::Instance(class) = value {
            let format = self.dunders.format;
            let names = [format, self.dunders.text, self.dunders.repr];
            let Some(name) = names.into_iter().find(|&name| self.defines(class, name)) else { return };
            let none = self.given(&[NodeId::PLAIN]);
            self.special(
                class,
                name,
                Invocation { arguments: none, dest: NodeId::NOTHING, site, kind: EdgeKind::Operator },
            );
        }
    }

    /// A value decides a condition: `__bool__` is asked, and `__len__` where there is none.
    pub fn truth(&mut self, value: Object, site: SiteId) {
        if let Object::Instance(class) = value {
            let name = if self.defines(class, self.dunders.bool) { self.dunders.bool } else { self.dunders.len };
            let none = self.given(&[]);
            self.special(
                class,
                name,
                Invocation { arguments: none, dest: NodeId::NOTHING, site, kind: EdgeKind::Operator },
            );
        }
    }

    /// `str(value)`, `print(value)`
    pub fn as_text(&mut self, value: Object, site: SiteId) {
        if let Object::Instance(class) = value {
            let name = if self.defines(class, self.dunders.text) { self.dunders.text } else { self.dunders.repr };
            let none = self.given(&[]);
            self.special(
                class,
                name,
                Invocation { arguments: none, dest: NodeId::NOTHING, site, kind: EdgeKind::Operator },
            );
        }
    }

    /// `repr(value)`
    pub fn represent(&mut self, value: Object, site: SiteId) {
        if let Object::Instance(class) = value {
            let (name, none) = (self.dunders.repr, self.given(&[]));
            self.special(
                class,
                name,
                Invocation { arguments: none, dest: NodeId::NOTHING, site, kind: EdgeKind::Operator },
            );
        }
    }
}

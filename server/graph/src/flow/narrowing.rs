//! Values that are told from others by their class: conditions, handlers of exceptions, annotations.

use super::nodes::{NodeId, Place};
use super::objects::{Object, ObjectId};
use super::solver::Solver;
use super::watches::KeyWatch;
use crate::FileId;
use crate::summary::{ClassTest, ExprIndex};
use crate::types::{Def, Unit, Value};

/// The classes of an `isinstance`.
#[derive(Clone, Debug)]
pub(super) struct Classes {
    pub classes: Vec<Def>,
    /// What cannot be any more.
    pub ruled_out: Vec<Def>,
    /// There are others, outside the workspace or unknown.
    pub open: bool,
    pub test: ClassTest,
    pub is: bool,
}

impl Solver<'_> {
    pub fn instance_of(&mut self, value: Object, dest: NodeId) {
        match value {
            Object::Class(class) => self.add_object(dest, Object::Instance(class)),
            // `except (A, B) as error`
            Object::Container(container) => {
                // One place for all who ask: a container may hold itself.
                let (instances, is_new) = self.nodes.place(Place::InstancesIn(container));
                if is_new {
                    self.each_key(container, KeyWatch::InstancesTo(instances));
                }
                self.copy(instances, dest);
            }
            Object::Unknown => self.add(dest, ObjectId::UNKNOWN),
            _ => {}
        }
    }

    /// The classes of an `isinstance`, as the structural layer knows them.
    pub fn classes(
        &mut self,
        file: FileId,
        test: ClassTest,
        classes: ExprIndex,
        is: bool,
        ruled_out: &[(ClassTest, Value)],
    ) -> u32 {
        let found = self.evaluator.classes(Unit::live(file), classes);
        let known = |value: &Value| match value {
            Value::Class(class) if !class.unit.retained => Some(*class),
            _ => None,
        };
        let classes: Vec<Def> = found.iter().filter_map(known).collect();
        let ruled_out = ruled_out.iter().filter_map(|(_, value)| known(value)).collect();
        let open = classes.len() < found.len() || found.is_empty();
        self.narrowings.push(Classes { classes, ruled_out, open, test, is });
        self.narrowings.len() as u32 - 1
    }

    pub fn narrow(&mut self, object: ObjectId, value: Object, narrowing: u32, dest: NodeId) {
        let Classes { classes, ruled_out, open, test, is } = self.narrowings[narrowing as usize].clone();
        let of_class = |class: Def| match test {
            ClassTest::Subclass => Object::Class(class),
            ClassTest::Instance | ClassTest::Exactly => Object::Instance(class),
        };
        match (value, test) {
            (Object::Instance(own), ClassTest::Instance | ClassTest::Exactly)
            | (Object::Class(own), ClassTest::Subclass) => {
                let mro = self.mro(own);
                let matches = match test {
                    ClassTest::Exactly => classes.contains(&own),
                    _ => classes.iter().any(|class| mro.classes.contains(class)),
                };
                if matches == is || open && !matches {
                    self.add(dest, object);
                } else if is {
                    // A subclass that is asked for.
                    for class in classes {
                        if self.mro(class).classes.contains(&own) {
                            self.add_object(dest, of_class(class));
                        }
                    }
                }
            }
            (Object::Unknown, _) if is => {
                for class in classes {
                    if !self.is_ruled_out(class, &ruled_out) {
                        self.add_object(dest, of_class(class));
                    }
                }
                if open {
                    self.add(dest, object);
                }
            }
            _ if is && !open => {}
            _ => self.add(dest, object),
        }
    }

    fn is_ruled_out(&mut self, class: Def, ruled_out: &[Def]) -> bool {
        let mro = self.mro(class);
        ruled_out.iter().any(|class| mro.classes.contains(class))
    }

    /// An exception that is caught is an instance of the class or of one below it, if no earlier handler took that.
    pub fn caught(&mut self, value: Object, narrowing: u32, dest: NodeId) {
        let Object::Class(class) = value else { return self.instance_of(value, dest) };
        let ruled_out = self.narrowings[narrowing as usize].ruled_out.clone();
        self.add_object(dest, Object::Instance(class));
        for subclass in self.subclasses_of(class) {
            if !self.is_ruled_out(subclass, &ruled_out) {
                self.add_object(dest, Object::Instance(subclass));
            }
        }
    }
}

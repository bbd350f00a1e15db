//! What `isinstance` leaves of a value.

use super::nodes::NodeId;
use super::objects::{Object, ObjectId};
use super::solver::Solver;
use crate::FileId;
use crate::summary::ExprIndex;
use crate::types::{Def, Unit, Value};

/// The classes of an `isinstance`.
#[derive(Clone, Debug)]
pub(super) struct Classes {
    pub classes: Vec<Def>,
    /// There are others, outside the workspace or unknown.
    pub open: bool,
    pub is: bool,
}

impl Solver<'_> {
    /// The classes of an `isinstance`, as the structural layer knows them.
    pub fn classes(&mut self, file: FileId, classes: ExprIndex, is: bool) -> u32 {
        let found = self.evaluator.classes(Unit::live(file), classes);
        let known: Vec<Def> = found
            .iter()
            .filter_map(|value| match value {
                Value::Class(class) => Some(*class),
                _ => None,
            })
            .collect();
        let open = known.len() < found.len() || found.is_empty();
        self.narrowings.push(Classes { classes: known, open, is });
        self.narrowings.len() as u32 - 1
    }

    pub fn narrow(&mut self, object: ObjectId, value: Object, narrowing: u32, dest: NodeId) {
        let Classes { classes, open, is } = self.narrowings[narrowing as usize].clone();
        match value {
            Object::Instance(own) => {
                let mro = self.mro(own);
                let matches = classes.iter().any(|class| mro.classes.contains(class));
                if matches == is || (open && (is || !matches)) {
                    self.add(dest, object);
                } else if is {
                    // A subclass that is asked for.
                    for class in classes {
                        if self.mro(class).classes.contains(&own) {
                            self.add_object(dest, Object::Instance(class));
                        }
                    }
                }
            }
            Object::Unknown if is => {
                for class in classes {
                    self.add_object(dest, Object::Instance(class));
                }
                if open {
                    self.add(dest, object);
                }
            }
            _ if is && !open => {}
            _ => self.add(dest, object),
        }
    }
}

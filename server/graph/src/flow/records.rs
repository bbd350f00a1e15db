//! Named tuples without a class of their own.

use super::nodes::{ArgumentsId, NodeId};
use super::objects::{ContainerId, ContainerKind, Object, Origin as Made, RecordId};
use super::solver::Solver;
use crate::Name;
use crate::summary::Key;

impl Solver<'_> {
    pub fn make_record(&mut self, record: RecordId, arguments: ArgumentsId, dest: NodeId) {
        let names = self.objects.names(record);
        let container = self.objects.container(Made::Expr(dest), ContainerKind::Tuple, Some(names.len() as u32));
        self.objects.containers[container.0 as usize].record = Some(record);
        self.add_object(dest, Object::Container(container));
        let given = self.all_given(arguments);
        for (index, &value) in given.positional.iter().enumerate() {
            self.store_element(container, Key::Index(index as i32), value);
        }
        for &(name, value) in &given.keywords {
            if let Some(index) = names.iter().position(|other| *other == name) {
                self.store_element(container, Key::Index(index as i32), value);
            }
        }
    }

    /// The place of a named tuple's field.
    pub fn record_place(&self, container: ContainerId, name: Name) -> Option<Key> {
        let record = self.objects.containers[container.0 as usize].record?;
        let index = self.objects.names(record).iter().position(|other| *other == name)?;
        Some(Key::Index(index as i32))
    }
}

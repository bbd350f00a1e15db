//! Attributes by computed names: `getattr`, `setattr`.

use rustc_hash::FxHashSet;

use super::nodes::{NodeId, SiteId};
use super::objects::{Object, ObjectId};
use super::solver::Solver;
use super::watches::Watch;
use crate::Name;
use crate::summary::Key;

/// A look-up of an attribute by a computed name.
pub(super) struct ByName {
    pub names: NodeId,
    pub object: NodeId,
    /// `Ok`: where the value goes; `Err`: what is stored.
    pub target: Result<NodeId, NodeId>,
    pub site: SiteId,
}

/// All look-ups by computed names.
#[derive(Default)]
pub(super) struct ComputedNames {
    pub lookups: Vec<ByName>,
    /// The names that were looked up, with the places of the look-ups above.
    done: FxHashSet<(usize, ObjectId)>,
}

impl Solver<'_> {
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
                        names.extend(scope.into_iter().flat_map(|scope| scope.names.keys()).filter(fits));
                    }
                }
                Object::Module(file) => {
                    let module = self.summary(file).scope(crate::summary::ScopeIndex::MODULE);
                    names.extend(module.names.keys().filter(fits));
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
        for (index, by_name) in self.computed_names.lookups.iter().enumerate() {
            let names = self.nodes.objects(by_name.names);
            // Any name may be meant.
            if names.contains(&ObjectId::UNKNOWN) {
                continue;
            }
            for &name in names {
                if self.computed_names.done.insert((index, name)) {
                    found.push((index, name));
                }
            }
        }
        for &(index, name) in &found {
            let ByName { object, target, site, .. } = self.computed_names.lookups[index];
            match (self.objects.get(name), target) {
                (Object::Constant(Key::Text(name)), Ok(dest)) => {
                    self.watch(object, Watch::Load { name, dest, called: false });
                }
                (Object::Constant(Key::Text(name)), Err(source)) if self.declared.stored.contains(&name) => {
                    self.watch(object, Watch::Store { name, source, site });
                }
                (value @ Object::Format { .. }, Ok(dest)) => self.load_by_pattern(value, object, dest),
                _ => {}
            }
        }
        !found.is_empty()
    }
}

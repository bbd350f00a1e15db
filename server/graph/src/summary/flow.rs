//! Which bindings of a scope reach a place in it.

use std::rc::Rc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::BindingIndex;
use super::recent::Recent;
use crate::Name;

pub(super) type Reaching = SmallVec<[BindingIndex; 2]>;

/// The bindings that are alive at one point of the control flow; shared until one side of a branch changes it.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow {
    names: Rc<FxHashMap<Name, Reaching>>,
    pub recent: Recent,
    /// After `return`, `raise`, `break` or `continue`.
    ended: bool,
}

impl Flow {
    pub fn get(&self, name: Name) -> Option<&Reaching> {
        self.names.get(&name)
    }

    pub fn bind(&mut self, name: Name, binding: BindingIndex) {
        self.recent.forget_base(name);
        Rc::make_mut(&mut self.names).insert(name, SmallVec::from_slice(&[binding]));
    }

    pub fn bind_all(&mut self, name: Name, bindings: Reaching) {
        Rc::make_mut(&mut self.names).insert(name, bindings);
    }

    pub fn unbind(&mut self, name: Name) {
        self.recent.forget_base(name);
        if self.names.contains_key(&name) {
            Rc::make_mut(&mut self.names).remove(&name);
        }
    }

    /// Nothing after this point runs.
    pub fn end(&mut self) {
        self.ended = true;
    }

    pub fn has_ended(&self) -> bool {
        self.ended
    }

    pub fn names(&self) -> impl Iterator<Item = (Name, &Reaching)> {
        self.names.iter().map(|(name, bindings)| (*name, bindings))
    }

    /// Joins another path into this one. A path that has ended contributes nothing.
    pub fn join(&mut self, other: &Flow) {
        if other.ended {
            return;
        }
        if self.ended {
            *self = other.clone();
            return;
        }
        self.recent.join(&other.recent);
        if Rc::ptr_eq(&self.names, &other.names) {
            return;
        }
        for (name, bindings) in other.names.iter() {
            let mine = self.names.get(name);
            if mine.is_some_and(|mine| bindings.iter().all(|binding| mine.contains(binding))) {
                continue;
            }
            let mine = Rc::make_mut(&mut self.names).entry(*name).or_default();
            for binding in bindings {
                if !mine.contains(binding) {
                    mine.push(*binding);
                }
            }
            // The order in which branches were joined must not matter.
            mine.sort_unstable();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_join_and_ended_ones_do_not() {
        let name = Name::new("x");
        let mut left = Flow::default();
        left.bind(name, BindingIndex(2));
        let mut right = Flow::default();
        right.bind(name, BindingIndex(1));
        let mut ended = Flow::default();
        ended.bind(name, BindingIndex(3));
        ended.end();
        left.join(&right);
        left.join(&ended);
        assert_eq!(left.get(name).unwrap().as_slice(), [BindingIndex(1), BindingIndex(2)]);
    }
}

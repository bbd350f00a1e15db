//! Which bindings of a scope reach a place in it.

use std::cell::Cell;
use std::rc::Rc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::BindingIndex;
use super::name_map::NameMap;
use super::recent::Recent;
use crate::Name;

pub(super) type Reaching = SmallVec<[BindingIndex; 2]>;

/// With more bindings that reach a place, they become one that stands for them: each place that reads the name would list them
/// all.
pub(super) const MAX_REACHING: usize = 64;

/// The bindings that are alive at one point of the control flow; shared until one side of a branch changes it.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow {
    /// Deleted names reach nowhere, but are there.
    names: NameMap<Reaching>,
    /// What was assigned to attributes and items.
    pub recent: Recent,
    /// What conditions tell of attributes and items, by their text (`self.x`). It holds only where it is known on every
    /// path, and until something may have changed it.
    places: Rc<FxHashMap<Name, Reaching>>,
    /// After `return`, `raise`, `break` or `continue`.
    ended: bool,
    /// More than [`MAX_REACHING`] bindings of some name reach it.
    is_crowded: bool,
}

impl Flow {
    pub fn get(&self, name: Name) -> Option<&Reaching> {
        self.names.get(name)
    }

    pub fn bind(&mut self, name: Name, binding: BindingIndex) {
        self.bind_all(name, SmallVec::from_slice(&[binding]));
    }

    pub fn bind_all(&mut self, name: Name, bindings: Reaching) {
        self.forget_inside(name);
        *self.names.entry(name) = bindings;
    }

    /// More is known of the same value.
    pub fn refine(&mut self, name: Name, bindings: Reaching) {
        *self.names.entry(name) = bindings;
    }

    /// A binding that may have been made meanwhile.
    pub fn add(&mut self, name: Name, binding: BindingIndex) {
        if self.names.get(name).is_some_and(|bindings| bindings.contains(&binding)) {
            return;
        }
        self.forget_inside(name);
        let bindings = self.names.entry(name);
        bindings.push(binding);
        bindings.sort_unstable();
        self.is_crowded |= bindings.len() > MAX_REACHING;
    }

    pub fn unbind(&mut self, name: Name) {
        if self.names.get(name).is_some() {
            self.bind_all(name, Reaching::new());
        }
    }

    pub fn place(&self, place: Name) -> Option<&Reaching> {
        self.places.get(&place)
    }

    pub fn knows_places(&self) -> bool {
        !self.places.is_empty()
    }

    pub fn bind_place(&mut self, place: Name, bindings: Reaching) {
        Rc::make_mut(&mut self.places).insert(place, bindings);
    }

    /// What hangs on `name` may be something else now.
    pub fn forget_inside(&mut self, name: Name) {
        self.recent.forget_base(name);
        self.forget(|place| place.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(['.', '['])));
    }

    /// An attribute of this name was assigned, of whatever object.
    pub fn forget_attribute(&mut self, attribute: Name) {
        self.forget(|place| place.split(['.', '[']).skip(1).any(|part| part == attribute.as_str()));
    }

    pub fn forget_items(&mut self) {
        self.forget(|place| place.contains('['));
    }

    pub fn forget_places(&mut self) {
        self.recent.forget_all();
        self.forget(|_| true);
    }

    fn forget(&mut self, is_stale: impl Fn(&str) -> bool) {
        if self.places.keys().any(|place| is_stale(place)) {
            Rc::make_mut(&mut self.places).retain(|place, _| !is_stale(place));
        }
    }

    /// Nothing after this point runs.
    pub fn end(&mut self) {
        self.ended = true;
    }

    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// A flow that no path leads to yet.
    pub fn unreached() -> Flow {
        Flow { ended: true, ..Flow::default() }
    }

    /// The names of which too many bindings reach this point, with them, in the order of their bindings; once.
    pub fn take_crowded(&mut self) -> Vec<(Name, Reaching)> {
        let mut crowded = Vec::new();
        if std::mem::take(&mut self.is_crowded) {
            self.each_name(|name, bindings| {
                if bindings.len() > MAX_REACHING {
                    crowded.push((name, bindings.clone()));
                }
            });
            crowded.sort_unstable_by_key(|(_, bindings)| bindings[0]);
        }
        crowded
    }

    pub fn each_name(&self, mut visit: impl FnMut(Name, &Reaching)) {
        self.names.each(&mut visit);
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
        let is_crowded = Cell::new(self.is_crowded || other.is_crowded);
        self.names.join(&other.names, &|bindings: &mut Reaching, others: &Reaching| {
            merge(bindings, others);
            is_crowded.set(is_crowded.get() || bindings.len() > MAX_REACHING);
        });
        self.is_crowded = is_crowded.get();
        if !Rc::ptr_eq(&self.places, &other.places) && !self.places.is_empty() {
            let places = Rc::make_mut(&mut self.places);
            places.retain(|place, _| other.places.contains_key(place));
            for (place, bindings) in places {
                merge(bindings, &other.places[place]);
            }
        }
    }
}

fn merge(bindings: &mut Reaching, others: &Reaching) {
    let before = bindings.len();
    for binding in others {
        if !bindings[..before].contains(binding) {
            bindings.push(*binding);
        }
    }
    // The order in which branches were joined must not matter.
    if bindings.len() > before {
        bindings.sort_unstable();
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

    #[test]
    fn what_is_known_of_attributes_ends_with_their_owner() {
        let known = |place: &str| {
            let mut flow = Flow::default();
            flow.bind_place(Name::new(place), Reaching::new());
            flow
        };
        let mut flow = known("self.pet.owner");
        flow.bind(Name::new("selfish"), BindingIndex(1));
        assert!(flow.knows_places());
        flow.bind(Name::new("self"), BindingIndex(2));
        assert!(!flow.knows_places());
        let mut flow = known("self.pet.owner");
        flow.forget_attribute(Name::new("pet"));
        assert!(!flow.knows_places());
        let mut flow = known("self.pet");
        flow.join(&Flow::default());
        assert!(!flow.knows_places());
    }
}

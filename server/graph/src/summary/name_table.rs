//! What the names of a scope mean.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize, Serializer};
use smallvec::SmallVec;

use super::BindingIndex;
use super::shift::{Shift, Shifted};
use crate::Name;

/// The bindings of a name: mostly one; none where it was deleted.
pub(crate) type Bound = SmallVec<[BindingIndex; 1]>;

/// The names of a scope with their bindings. Most scopes have a handful: a sorted list takes a quarter of a hash map's
/// memory, and is as quick.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(from = "Vec<(Name, Bound)>")]
pub(crate) struct NameTable {
    /// Sorted by [`Name::number`]; with each, where its bindings end.
    names: Box<[(Name, u32)]>,
    bindings: Box<[BindingIndex]>,
}

impl NameTable {
    pub fn get(&self, name: &Name) -> Option<&[BindingIndex]> {
        let place = self.names.binary_search_by_key(&name.number(), |(name, _)| name.number()).ok()?;
        Some(self.bindings_at(place))
    }

    pub fn contains_key(&self, name: &Name) -> bool {
        self.get(name).is_some()
    }

    pub fn keys(&self) -> impl Iterator<Item = Name> {
        self.names.iter().map(|(name, _)| *name)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Name, &[BindingIndex])> {
        self.names.iter().enumerate().map(|(place, (name, _))| (*name, self.bindings_at(place)))
    }

    fn bindings_at(&self, place: usize) -> &[BindingIndex] {
        let start = place.checked_sub(1).map_or(0, |before| self.names[before].1);
        &self.bindings[start as usize..self.names[place].1 as usize]
    }
}

impl Shifted for NameTable {
    fn shift(&mut self, by: &Shift) {
        self.bindings.shift(by);
    }
}

impl From<Vec<(Name, Bound)>> for NameTable {
    fn from(mut names: Vec<(Name, Bound)>) -> Self {
        // The order of numbers is this process's.
        names.sort_unstable_by_key(|(name, _)| name.number());
        let bindings: Box<[BindingIndex]> = names.iter().flat_map(|(_, bindings)| bindings).copied().collect();
        let mut end = 0;
        let with_end = |(name, bindings): (Name, Bound)| {
            end += bindings.len() as u32;
            (name, end)
        };
        NameTable { names: names.into_iter().map(with_end).collect(), bindings }
    }
}

impl From<FxHashMap<Name, Bound>> for NameTable {
    fn from(names: FxHashMap<Name, Bound>) -> Self {
        names.into_iter().collect::<Vec<_>>().into()
    }
}

impl Serialize for NameTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_with_their_bindings() {
        let given: FxHashMap<Name, Bound> = (0..50)
            .map(|name| (Name::new(&format!("name_table_{name}")), (0..name % 3).map(BindingIndex).collect()))
            .collect();
        let table = NameTable::from(given.clone());
        assert_eq!(table.keys().count(), given.len());
        for (name, bindings) in &given {
            assert_eq!(table.get(name), Some(&bindings[..]));
        }
        assert_eq!(table.get(&Name::new("name_table_other")), None);
        assert_eq!(NameTable::default().get(&Name::new("name_table_1")), None);
    }
}

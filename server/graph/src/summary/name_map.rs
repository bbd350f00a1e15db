//! A map from names that is cheap to copy and to join with its copies.
//!
//! A hash array mapped trie (Bagwell, "Ideal Hash Trees", 2001): copies share their nodes, a change copies only those on
//! the way to it, and a join walks only where two maps differ. Each branch of the code has a map of its own, and there may be
//! thousands of them.

use std::rc::Rc;

use crate::Name;

/// Bits of the hash that each level looks at.
const BITS: u32 = 5;

#[derive(Clone, Debug)]
pub(super) struct NameMap<V>(Option<Rc<Node<V>>>);

#[derive(Clone, Debug)]
struct Node<V> {
    /// A bit for each of the entries, which are in the order of the bits.
    present: u32,
    entries: Vec<Entry<V>>,
}

#[derive(Clone, Debug)]
enum Entry<V> {
    Value(Name, V),
    Node(Rc<Node<V>>),
}

/// The bits of a name's hash that count at a level. Names differ in their numbers, and multiplying by an odd number keeps
/// all different: two names part after 13 levels at the latest.
fn bit(name: Name, level: u32) -> u32 {
    let hash = u64::from(name.number()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    1 << (hash.rotate_left((level + 1) * BITS) & ((1 << BITS) - 1))
}

impl<V> Default for NameMap<V> {
    fn default() -> Self {
        NameMap(None)
    }
}

impl<V: Clone + Default> NameMap<V> {
    pub fn get(&self, name: Name) -> Option<&V> {
        let mut node = self.0.as_deref()?;
        let mut level = 0;
        loop {
            let bit = bit(name, level);
            if node.present & bit == 0 {
                return None;
            }
            match &node.entries[node.place(bit)] {
                Entry::Value(own, value) => return (*own == name).then_some(value),
                Entry::Node(inner) => node = inner,
            }
            level += 1;
        }
    }

    /// The value of a name, the default where it has none.
    pub fn entry(&mut self, name: Name) -> &mut V {
        let root = self.0.get_or_insert_with(|| Rc::new(Node { present: 0, entries: Vec::new() }));
        Rc::make_mut(root).entry(name, 0)
    }

    pub fn each(&self, visit: &mut impl FnMut(Name, &V)) {
        self.0.iter().for_each(|root| root.each(visit));
    }

    /// Takes over what `other` has, joining values with `merge`; the default has to be neutral to it.
    pub fn join(&mut self, other: &NameMap<V>, merge: &impl Fn(&mut V, &V)) {
        match (&mut self.0, &other.0) {
            (_, None) => {}
            (None, Some(_)) => self.0.clone_from(&other.0),
            (Some(own), Some(other)) => Node::join(own, other, 0, merge),
        }
    }
}

impl<V: Clone + Default> Node<V> {
    fn place(&self, bit: u32) -> usize {
        (self.present & (bit - 1)).count_ones() as usize
    }

    fn entry(&mut self, name: Name, level: u32) -> &mut V {
        let bit = bit(name, level);
        let place = self.place(bit);
        if self.present & bit == 0 {
            self.present |= bit;
            self.entries.insert(place, Entry::Value(name, V::default()));
        }
        let entry = &mut self.entries[place];
        if let Entry::Value(own, value) = entry
            && *own != name
        {
            let value = std::mem::take(value);
            *entry = Entry::Node(Rc::new(Node::of(*own, value, level + 1)));
        }
        match entry {
            Entry::Value(_, value) => value,
            Entry::Node(inner) => Rc::make_mut(inner).entry(name, level + 1),
        }
    }

    fn of(name: Name, value: V, level: u32) -> Node<V> {
        Node { present: bit(name, level), entries: vec![Entry::Value(name, value)] }
    }

    fn each(&self, visit: &mut impl FnMut(Name, &V)) {
        for entry in &self.entries {
            match entry {
                Entry::Value(name, value) => visit(*name, value),
                Entry::Node(inner) => inner.each(visit),
            }
        }
    }

    fn join(own: &mut Rc<Node<V>>, other: &Rc<Node<V>>, level: u32, merge: &impl Fn(&mut V, &V)) {
        if Rc::ptr_eq(own, other) {
            return;
        }
        let own = Rc::make_mut(own);
        let mut bits = other.present;
        for entry in &other.entries {
            let bit = 1 << bits.trailing_zeros();
            bits &= bits - 1;
            let place = own.place(bit);
            if own.present & bit == 0 {
                own.present |= bit;
                own.entries.insert(place, entry.clone());
                continue;
            }
            match (&mut own.entries[place], entry) {
                (Entry::Node(own), Entry::Node(other)) => Node::join(own, other, level + 1, merge),
                (_, Entry::Value(name, value)) => merge(own.entry(*name, level), value),
                (entry @ Entry::Value(..), Entry::Node(other)) => {
                    if let Entry::Value(name, value) = std::mem::replace(entry, Entry::Node(other.clone())) {
                        merge(own.entry(name, level), &value);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn map(names: impl IntoIterator<Item = (u32, u32)>) -> NameMap<u32> {
        let mut map = NameMap::default();
        for (name, value) in names {
            *map.entry(Name::new(&format!("name_map_{name}"))) = value;
        }
        map
    }

    fn content(map: &NameMap<u32>) -> BTreeMap<&'static str, u32> {
        let mut content = BTreeMap::new();
        map.each(&mut |name, value| assert_eq!(content.insert(name.as_str(), *value), None));
        assert!(content.iter().all(|(name, value)| map.get(Name::new(name)) == Some(value)));
        content
    }

    #[test]
    fn copies_are_independent() {
        let before = map((0..1000).map(|name| (name, name)));
        let mut after = before.clone();
        *after.entry(Name::new("name_map_7")) = 8;
        *after.entry(Name::new("name_map_new")) = 9;
        assert_eq!(before.get(Name::new("name_map_7")), Some(&7));
        assert_eq!(before.get(Name::new("name_map_new")), None);
        assert_eq!((content(&before).len(), content(&after).len()), (1000, 1001));
    }

    #[test]
    fn joins_have_all_of_both() {
        let larger = |own: &mut u32, other: &u32| *own = (*own).max(*other);
        let base = map((0..300).map(|name| (name, 1)));
        // Alone, and as copies that share nodes with what they are joined with.
        for shared in [NameMap::default(), base] {
            for (left, right) in [(0..0, 0..9), (0..9, 0..0), (0..1, 1..2), (0..500, 250..700), (250..700, 0..500)] {
                let changed = |names: std::ops::Range<u32>, value| {
                    let mut map = shared.clone();
                    for name in names {
                        *map.entry(Name::new(&format!("name_map_{name}"))) = value + name % 2;
                    }
                    map
                };
                let (mut own, other) = (changed(left.clone(), 2), changed(right.clone(), 3));
                let mut expected = content(&own);
                for (name, value) in content(&other) {
                    let own = expected.entry(name).or_default();
                    *own = value.max(*own);
                }
                own.join(&other, &larger);
                assert_eq!(content(&own), expected, "{left:?} and {right:?}");
            }
        }
    }
}

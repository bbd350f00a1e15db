//! Lists without repetition, in the order in which things came.

use std::hash::Hash;

use rustc_hash::FxHashSet;

/// Up to so many it is faster to look at all.
const SCANNED: usize = 24;

/// Most of these are short; one may be a table that somebody generated.
#[derive(Clone, Debug)]
pub(super) struct Distinct<T> {
    list: Vec<T>,
    /// The same, once there are more than [`SCANNED`].
    known: FxHashSet<T>,
}

impl<T> Default for Distinct<T> {
    fn default() -> Self {
        Distinct { list: Vec::new(), known: FxHashSet::default() }
    }
}

impl<T: Copy + Eq + Hash> Distinct<T> {
    /// `false` when it was there already.
    pub fn push(&mut self, value: T) -> bool {
        let is_known = if self.list.len() < SCANNED {
            self.list.contains(&value)
        } else {
            if self.list.len() == SCANNED {
                self.known.extend(self.list.iter().copied());
            }
            !self.known.insert(value)
        };
        if !is_known {
            self.list.push(value);
        }
        !is_known
    }

    pub fn to_vec(&self) -> Vec<T> {
        self.list.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_items_are_kept_once_in_order() {
        let mut distinct = Distinct::default();
        let pushed = (0..100).chain(0..100).filter(|number| distinct.push(*number)).count();
        assert_eq!(pushed, 100);
        assert_eq!(distinct.to_vec(), (0..100).collect::<Vec<_>>());
    }
}

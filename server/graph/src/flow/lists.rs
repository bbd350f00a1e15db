//! Hundreds of thousands of lists, nearly all with no value or one, in little memory.

/// A list of a [`Lists`]: eight bytes, instead of the 24 of a `Vec` or `SmallVec`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum List<T> {
    #[default]
    Empty,
    One(T),
    /// Index of a longer one.
    Long(u32),
}

/// What those hold that have more than one value.
#[derive(Debug)]
pub(super) struct Lists<T> {
    long: Vec<Vec<T>>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Lists { long: Vec::new() }
    }
}

impl<T: Copy> Lists<T> {
    pub fn get<'a>(&'a self, list: &'a List<T>) -> &'a [T] {
        match list {
            List::Empty => &[],
            List::One(value) => std::slice::from_ref(value),
            List::Long(index) => &self.long[*index as usize],
        }
    }

    pub fn push(&mut self, list: &mut List<T>, value: T) {
        match *list {
            List::Empty => *list = List::One(value),
            List::One(first) => {
                *list = List::Long(self.long.len() as u32);
                self.long.push(vec![first, value]);
            }
            List::Long(index) => self.long[index as usize].push(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_in_the_order_in_which_they_came() {
        let mut lists = Lists::default();
        let (mut one, mut other) = (List::default(), List::default());
        assert!(lists.get(&one).is_empty());
        for value in 0..5 {
            lists.push(&mut one, value);
            lists.push(&mut other, 10 * value);
        }
        assert_eq!(lists.get(&one), [0, 1, 2, 3, 4]);
        assert_eq!(lists.get(&other), [0, 10, 20, 30, 40]);
        assert_eq!(size_of::<List<u32>>(), 8);
    }
}

//! Lists of mostly one element.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::Thin;

/// A list of mostly one element, such as the bindings that a name may mean at a place. There are more of these than of
/// anything else in a graph; two words each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Few<T> {
    #[default]
    None,
    One(T),
    Several(Thin<T>),
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Few::None => &[],
            Few::One(one) => std::slice::from_ref(one),
            Few::Several(several) => several,
        }
    }
}

impl<T: Clone> From<&[T]> for Few<T> {
    fn from(list: &[T]) -> Self {
        match list {
            [] => Few::None,
            [one] => Few::One(one.clone()),
            several => Few::Several(several.into()),
        }
    }
}

impl<T> From<T> for Few<T> {
    fn from(one: T) -> Self {
        Few::One(one)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BindingFacts, BindingIndex, CallFacts, Expr, Occurrence};
    use super::*;

    #[test]
    fn lists_are_what_they_were_made_of() {
        for list in [&[] as &[u32], &[1], &[1, 2, 3]] {
            assert_eq!(Few::<u32>::from(list)[..], *list);
        }
    }

    #[test]
    fn what_there_is_most_of_is_small() {
        assert_eq!(size_of::<Few<BindingIndex>>(), 16);
        assert!(size_of::<Expr>() <= 16, "{}", size_of::<Expr>());
        assert!(size_of::<Occurrence>() <= 12, "{}", size_of::<Occurrence>());
        assert!(size_of::<CallFacts>() <= 48, "{}", size_of::<CallFacts>());
        assert!(size_of::<BindingFacts>() <= 48, "{}", size_of::<BindingFacts>());
    }
}

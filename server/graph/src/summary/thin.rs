//! Lists that take one word.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};

/// A list that takes one word where it stands, for types of which most values have no list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Thin<T>(Box<Box<[T]>>);

impl<T> Deref for Thin<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> DerefMut for Thin<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T> From<Box<[T]>> for Thin<T> {
    fn from(list: Box<[T]>) -> Self {
        Thin(Box::new(list))
    }
}

impl<T> From<Vec<T>> for Thin<T> {
    fn from(list: Vec<T>) -> Self {
        Box::<[T]>::from(list).into()
    }
}

impl<T: Clone> From<&[T]> for Thin<T> {
    fn from(list: &[T]) -> Self {
        Box::<[T]>::from(list).into()
    }
}

impl<T, const N: usize> From<[T; N]> for Thin<T> {
    fn from(list: [T; N]) -> Self {
        Box::<[T]>::from(list).into()
    }
}

//! Short lists of bindings.

use std::ops::Deref;

use super::{BindingIndex, Thin};

/// The bindings that a name may mean at a place: mostly one. There are more of these lists than of anything else in a
/// graph; two words each.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) enum Bindings {
    One(BindingIndex),
    Several(Thin<BindingIndex>),
}

impl Deref for Bindings {
    type Target = [BindingIndex];

    fn deref(&self) -> &[BindingIndex] {
        match self {
            Bindings::One(binding) => std::slice::from_ref(binding),
            Bindings::Several(bindings) => bindings,
        }
    }
}

impl From<&[BindingIndex]> for Bindings {
    fn from(bindings: &[BindingIndex]) -> Self {
        match bindings {
            [one] => Bindings::One(*one),
            several => Bindings::Several(several.into()),
        }
    }
}

impl From<BindingIndex> for Bindings {
    fn from(binding: BindingIndex) -> Self {
        Bindings::One(binding)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BindingFacts, Expr};
    use super::*;

    #[test]
    fn what_there_is_most_of_is_small() {
        assert_eq!(size_of::<Bindings>(), 16);
        assert!(size_of::<Expr>() <= 16, "{}", size_of::<Expr>());
        assert!(size_of::<BindingFacts>() <= 56, "{}", size_of::<BindingFacts>());
    }
}

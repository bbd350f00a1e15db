//! What is given in a call.

use serde::{Deserialize, Serialize};

use super::shift::{Shift, Shifted};
use super::{ExprIndex, Few};
use crate::Name;

/// What is given in a call. Most calls give nothing by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Arguments {
    /// Those before the first starred one.
    pub positional: Few<ExprIndex>,
    further: Option<Box<Further>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Further {
    star: Option<ExprIndex>,
    keywords: Box<[(Name, ExprIndex)]>,
    double_star: Option<ExprIndex>,
}

impl Arguments {
    pub fn new(
        positional: &[ExprIndex],
        star: Option<ExprIndex>,
        keywords: Vec<(Name, ExprIndex)>,
        double_star: Option<ExprIndex>,
    ) -> Self {
        let is_plain = star.is_none() && keywords.is_empty() && double_star.is_none();
        let further = (!is_plain).then(|| Box::new(Further { star, keywords: keywords.into(), double_star }));
        Arguments { positional: positional.into(), further }
    }

    /// How many values are given, and under which names: what decides whether a call fits, without the values.
    pub fn shape(&self) -> Self {
        let nothing = ExprIndex(0);
        let keywords = self.keywords().iter().map(|(name, _)| (*name, nothing)).collect();
        Arguments::new(&vec![nothing; self.positional.len()], None, keywords, None)
    }

    /// The value of `*args`.
    pub fn star(&self) -> Option<ExprIndex> {
        self.further.as_ref()?.star
    }

    pub fn keywords(&self) -> &[(Name, ExprIndex)] {
        self.further.as_ref().map_or(&[], |further| &further.keywords)
    }

    /// The value of `**kwargs`.
    pub fn double_star(&self) -> Option<ExprIndex> {
        self.further.as_ref()?.double_star
    }

    /// `*args` or `**kwargs`: the count is not known.
    pub fn unpacks(&self) -> bool {
        self.star().is_some() || self.double_star().is_some()
    }
}

impl Shifted for Arguments {
    fn shift(&mut self, by: &Shift) {
        self.positional.shift(by);
        if let Some(further) = &mut self.further {
            further.star.shift(by);
            further.keywords.iter_mut().for_each(|(_, value)| value.shift(by));
            further.double_star.shift(by);
        }
    }
}

//! Identifiers in the text.

use serde::{Deserialize, Serialize};
use syntax::TextRange;

use super::shift::{Shift, Shifted};
use super::{BindingIndex, ExprIndex, ImportIndex, KeywordIndex, SymbolIndex};

/// An identifier in the text.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Occurrence {
    pub range: TextRange,
    /// The kind of [`Occurs`] in the lowest [`KIND_BITS`], above them its index: no text is so large that a bit of it is lost.
    what: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occurs {
    /// A name or attribute that is read.
    Load(ExprIndex),
    /// A name that is bound.
    Store(BindingIndex),
    /// An attribute that is assigned or deleted.
    StoreAttribute(ExprIndex),
    /// The name in `def` or `class`.
    Definition(SymbolIndex),
    /// The name that an import binds, or the imported name of `from … import name`.
    Import(ImportIndex),
    /// The module of `from module import …`.
    ImportedModule(ImportIndex),
    /// A name in `global`, `nonlocal` or `__all__`: an [`Expr::Free`](super::Expr).
    Mention(ExprIndex),
    /// The name of an argument in a call.
    Keyword(KeywordIndex),
}

const KIND_BITS: u32 = 3;

impl Occurrence {
    pub fn new(range: TextRange, what: Occurs) -> Self {
        let (kind, index) = match what {
            Occurs::Load(expr) => (0, expr.0),
            Occurs::Store(binding) => (1, binding.0),
            Occurs::StoreAttribute(expr) => (2, expr.0),
            Occurs::Definition(symbol) => (3, symbol.0),
            Occurs::Import(import) => (4, import.0),
            Occurs::ImportedModule(import) => (5, import.0),
            Occurs::Mention(expr) => (6, expr.0),
            Occurs::Keyword(keyword) => (7, keyword.0),
        };
        Occurrence { range, what: index << KIND_BITS | kind }
    }

    pub fn what(&self) -> Occurs {
        let index = self.what >> KIND_BITS;
        match self.what & ((1 << KIND_BITS) - 1) {
            0 => Occurs::Load(ExprIndex(index)),
            1 => Occurs::Store(BindingIndex(index)),
            2 => Occurs::StoreAttribute(ExprIndex(index)),
            3 => Occurs::Definition(SymbolIndex(index)),
            4 => Occurs::Import(ImportIndex(index)),
            5 => Occurs::ImportedModule(ImportIndex(index)),
            6 => Occurs::Mention(ExprIndex(index)),
            _ => Occurs::Keyword(KeywordIndex(index)),
        }
    }
}

impl Shifted for Occurrence {
    fn shift(&mut self, by: &Shift) {
        let mut what = self.what();
        match &mut what {
            Occurs::Load(expr) | Occurs::StoreAttribute(expr) | Occurs::Mention(expr) => expr.shift(by),
            Occurs::Store(binding) => binding.shift(by),
            Occurs::Definition(symbol) => symbol.shift(by),
            Occurs::Import(import) | Occurs::ImportedModule(import) => import.shift(by),
            Occurs::Keyword(keyword) => keyword.shift(by),
        }
        let mut range = self.range;
        range.shift(by);
        *self = Occurrence::new(range, what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_occurs_is_read_back() {
        for index in [0, 1, syntax::MAX_FILE_BYTES as u32] {
            for what in [
                Occurs::Load(ExprIndex(index)),
                Occurs::Store(BindingIndex(index)),
                Occurs::StoreAttribute(ExprIndex(index)),
                Occurs::Definition(SymbolIndex(index)),
                Occurs::Import(ImportIndex(index)),
                Occurs::ImportedModule(ImportIndex(index)),
                Occurs::Mention(ExprIndex(index)),
                Occurs::Keyword(KeywordIndex(index)),
            ] {
                assert_eq!(Occurrence::new(TextRange::default(), what).what(), what);
            }
        }
    }
}

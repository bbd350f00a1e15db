//! How a symbol is named in what the editor keeps and sends back later.

use graph::{Analysis, SymbolId};
use serde::{Deserialize, Serialize};

/// Holds across edits and across a rebuilt graph, which offsets and [`SymbolId`] do not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SymbolKey {
    /// Such as `pkg.mod.Class.f`.
    name: String,
    /// Which of those that share the name.
    ordinal: usize,
}

impl SymbolKey {
    pub(crate) fn new(analysis: &Analysis, symbol: SymbolId) -> Self {
        let name = analysis.symbol(symbol).qualified_name();
        let ordinal = analysis.find(&name).iter().position(|&it| it == symbol).unwrap_or(0);
        SymbolKey { name, ordinal }
    }

    /// The symbol, if it still exists.
    pub(crate) fn find(&self, analysis: &Analysis) -> Option<SymbolId> {
        analysis.find(&self.name).get(self.ordinal).copied()
    }
}

//! What models have found in reviews. Each finding is shown as long as the definition that it is about has the text that was
//! reviewed.

use std::sync::Arc;

use graph::{Analysis, SymbolId};
use lint::Severity;
use syntax::TextRange;

use crate::symbol_key::SymbolKey;

/// A finding, as it was made.
pub struct Found {
    pub symbol: SymbolId,
    /// In the file of the symbol.
    pub range: TextRange,
    pub severity: Severity,
    pub message: String,
    /// What a model is told that is to mend it.
    pub instruction: String,
}

/// The findings of a session.
#[derive(Clone, Default)]
pub struct Reviews(Vec<Arc<Noted>>);

/// A finding that outlives its snapshot.
pub struct Noted {
    symbol: SymbolKey,
    /// Of the symbol.
    text: Arc<str>,
    /// Within that text.
    range: TextRange,
    pub severity: Severity,
    pub message: String,
    /// What a model is told that is to mend it.
    pub instruction: String,
    /// The qualified name of the symbol.
    pub name: String,
    pub model: String,
}

impl Noted {
    /// `range` is that in the file; `instruction` is what a model is told that is to mend it.
    pub fn new(analysis: &Analysis, found: Found, model: &str) -> Self {
        let view = analysis.symbol(found.symbol);
        Noted {
            symbol: SymbolKey::new(analysis, found.symbol),
            text: analysis.source(found.symbol.file).slice(view.range).into(),
            range: found.range - view.range.start(),
            severity: found.severity,
            message: found.message,
            instruction: found.instruction,
            name: view.qualified_name(),
            model: model.to_owned(),
        }
    }

    /// Where it is now; `None` when the code is another.
    fn place(&self, analysis: &Analysis) -> Option<(SymbolId, TextRange)> {
        let symbol = self.symbol.find(analysis)?;
        let range = analysis.symbol(symbol).range;
        let is_same = analysis.source(symbol.file).slice(range) == &*self.text;
        is_same.then(|| (symbol, self.range + range.start()))
    }
}

/// What a review says, in place of what earlier ones said of the same definitions.
pub struct Update {
    pub reviewed: Vec<SymbolKey>,
    pub found: Vec<Noted>,
}

impl Reviews {
    pub fn add(&mut self, analysis: &Analysis, news: Update) {
        self.0.retain(|noted| !news.reviewed.contains(&noted.symbol) && noted.place(analysis).is_some());
        self.0.extend(news.found.into_iter().map(Arc::new));
    }

    pub fn dismiss(&mut self, symbol: &str, message: &str) {
        self.0.retain(|noted| noted.name != symbol || noted.message != message);
    }

    /// What is said of a file, and where.
    pub fn of_file(&self, analysis: &Analysis, file: graph::FileId) -> Vec<(TextRange, &Arc<Noted>)> {
        let path = analysis.path(file);
        let of_file = self.0.iter().filter(|noted| noted.symbol.path() == path);
        let mut found: Vec<_> = of_file.filter_map(|noted| Some((noted.place(analysis)?.1, noted))).collect();
        found.sort_by_key(|(range, _)| range.start());
        found
    }
}

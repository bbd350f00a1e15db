//! How a symbol is named in what the editor keeps and sends back later.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use graph::{Analysis, FileId, SymbolId};
use serde::{Deserialize, Serialize};

/// Holds across edits and across a rebuilt graph, which offsets and [`SymbolId`] do not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymbolKey {
    path: PathBuf,
    /// Such as `Class.f`; empty for the module.
    name: String,
    /// Which of those in the file that share the name.
    ordinal: usize,
}

impl SymbolKey {
    pub fn new(analysis: &Analysis, symbol: SymbolId) -> Self {
        let name = analysis.symbol(symbol).local_name();
        let ordinal = named(analysis, symbol.file, &name).position(|it| it == symbol).unwrap_or(0);
        SymbolKey { path: analysis.path(symbol.file).to_path_buf(), name, ordinal }
    }

    /// The keys of all symbols of a file. Asking for them one by one takes the square of the time.
    pub fn of_file(analysis: &Analysis, file: FileId) -> HashMap<SymbolId, SymbolKey> {
        let mut seen: HashMap<String, usize> = HashMap::new();
        let symbols = analysis.symbols(file).into_iter();
        let keyed = symbols.map(|symbol| {
            let name = analysis.symbol(symbol).local_name();
            let count = seen.entry(name.clone()).or_default();
            let ordinal = std::mem::replace(count, *count + 1);
            (symbol, SymbolKey { path: analysis.path(file).to_path_buf(), name, ordinal })
        });
        keyed.collect()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The symbol, if it still exists.
    pub fn find(&self, analysis: &Analysis) -> Option<SymbolId> {
        named(analysis, analysis.file(&self.path)?, &self.name).nth(self.ordinal)
    }
}

/// The symbols of a file that are called `name`, in source order.
fn named<'a>(analysis: &'a Analysis, file: FileId, name: &'a str) -> impl Iterator<Item = SymbolId> {
    let last = name.rsplit('.').next().unwrap_or_default();
    analysis.symbols(file).into_iter().filter(move |&symbol| {
        let view = analysis.symbol(symbol);
        // The cheap test first: a whole name is put together.
        (name.is_empty() || view.name == last) && view.local_name() == name
    })
}

#[cfg(test)]
mod tests {
    use graph::{AnalysisHost, Change};

    use super::*;

    fn analysis(text: &str) -> (Analysis, FileId) {
        let mut host = AnalysisHost::new(vec!["/".into()]);
        let mut change = Change::default();
        change.set("/a.py", text);
        host.apply(change);
        let analysis = host.analysis();
        let file = analysis.file("/a.py".as_ref()).unwrap();
        (analysis, file)
    }

    #[test]
    fn a_key_finds_its_symbol_in_another_text() {
        let (before, file) = analysis("class A:\n    def f(self): ...\ndef f(): ...\ndef f(x): ...\n");
        let (after, file_after) =
            analysis("import os\ndef f(): ...\nx = 1\ndef f(x): ...\nclass A:\n    def f(self): ...\n");
        let keys = SymbolKey::of_file(&before, file);
        assert_eq!(keys.len(), before.symbols(file).len());
        for symbol in before.symbols(file) {
            let key = SymbolKey::new(&before, symbol);
            assert_eq!(keys[&symbol], key);
            assert_eq!(key.find(&before), Some(symbol));
            let found = after.symbol(key.find(&after).unwrap());
            let view = before.symbol(symbol);
            assert_eq!((found.local_name(), found.params.len()), (view.local_name(), view.params.len()));
        }
        let (gone, _) = analysis("def f(): ...\n");
        let left = before.symbols(file).into_iter().filter(|symbol| keys[symbol].find(&gone).is_some());
        assert_eq!(left.count(), 2);
        assert_eq!(after.module(file_after), SymbolKey::new(&before, before.module(file)).find(&after).unwrap());
    }
}

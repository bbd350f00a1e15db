//! `textDocument/codeLens` and `codeLens/resolve`
//!
//! Counting callers is left to resolving, which editors do for what is on the screen only.

use std::path::Path;

use tower_lsp_server::jsonrpc::Result;
use tower_lsp_server::ls_types as lsp;

use crate::commands::{Command, Run};
use crate::query::Query;
use crate::snapshot::Snapshot;
use workspace::symbol_key::SymbolKey;

pub(crate) fn lenses(query: &Query, path: &Path) -> Result<Option<Vec<lsp::CodeLens>>> {
    let snapshot = &query.snapshot;
    let Some(file) = snapshot.analysis.file(path).filter(|_| snapshot.settings.code_lens) else { return Ok(None) };
    let Some(uri) = snapshot.uri(file) else { return Ok(None) };
    let mut keys = SymbolKey::of_file(&snapshot.analysis, file);
    let mut lenses = Vec::new();
    for lens in ide::code_lenses(&snapshot.analysis, file) {
        query.check()?;
        let range = snapshot.range(file, lens.range);
        lenses.push(match lens.kind {
            ide::LensKind::Callers(symbol) => {
                let data = keys.remove(&symbol).and_then(|key| serde_json::to_value(key).ok());
                lsp::CodeLens { range, command: None, data }
            }
            ide::LensKind::Run(runnable) => {
                let run = Run::of(&runnable, uri.clone());
                let title = snapshot
                    .results
                    .title(&run.plain(), &snapshot.analysis)
                    .unwrap_or_else(|| runnable.kind.title().to_owned());
                lsp::CodeLens { range, command: Some(Command::Run(run).titled(title)), data: None }
            }
        });
    }
    Ok(Some(lenses))
}

/// Fills in how many callers there are. A symbol that is gone has none; the editor is about to ask for new lenses.
pub(crate) fn resolve(query: &Query, mut lens: lsp::CodeLens) -> Result<lsp::CodeLens> {
    if let Some(data) = &lens.data
        && let Ok(key) = serde_json::from_value::<SymbolKey>(data.clone())
    {
        lens.command = callers(&query.snapshot, &key);
    }
    Ok(lens)
}

fn callers(snapshot: &Snapshot, key: &SymbolKey) -> Option<lsp::Command> {
    let symbol = key.find(&snapshot.analysis)?;
    // What others were written against is what was saved last.
    let path = snapshot.analysis.path(symbol.file);
    let saved = snapshot.documents.get(path).map(|document| &*document.saved);
    let mut title = ide::callers_title(&snapshot.analysis, symbol, saved);
    if snapshot.indexing {
        title.push_str(" so far");
    }
    let position = snapshot.range(symbol.file, snapshot.analysis.symbol(symbol).name_range).start;
    let text_document = lsp::TextDocumentIdentifier { uri: snapshot.uri(symbol.file)? };
    let place = lsp::TextDocumentPositionParams { text_document, position };
    Some(Command::ShowCallers(place).titled(title))
}

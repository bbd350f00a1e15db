//! `textDocument/documentSymbol` and `workspace/symbol`

use std::path::Path;

use graph::FileId;
use tower_lsp_server::jsonrpc::Result;
use tower_lsp_server::ls_types as lsp;

use crate::query::Query;
use crate::snapshot::Snapshot;
use crate::to_proto;

pub(crate) fn document_symbols(query: &Query, path: &Path) -> Result<Option<lsp::DocumentSymbolResponse>> {
    let snapshot = &query.snapshot;
    let Some(file) = snapshot.analysis.file(path).filter(|_| snapshot.settings.navigation) else { return Ok(None) };
    let symbols = ide::document_symbols(&snapshot.analysis, file);
    if snapshot.editor.nested_symbols {
        let symbols = symbols.into_iter().map(|symbol| nested(snapshot, file, symbol));
        return Ok(Some(lsp::DocumentSymbolResponse::Nested(symbols.collect())));
    }
    let mut flat = Vec::new();
    flatten(snapshot, file, symbols, None, &mut flat);
    Ok(Some(lsp::DocumentSymbolResponse::Flat(flat)))
}

#[expect(deprecated, reason = "the protocol's type has a deprecated field that must be filled")]
fn nested(snapshot: &Snapshot, file: FileId, symbol: ide::DocumentSymbol) -> lsp::DocumentSymbol {
    let children: Vec<_> = symbol.children.into_iter().map(|child| nested(snapshot, file, child)).collect();
    lsp::DocumentSymbol {
        // Editors refuse an outline with a symbol without a name, as half-typed code has.
        name: if symbol.name.is_empty() { "…".to_owned() } else { symbol.name },
        detail: Some(symbol.detail).filter(|detail| !detail.is_empty()),
        kind: to_proto::symbol_kind(symbol.kind),
        tags: None,
        deprecated: None,
        range: snapshot.range(file, symbol.range),
        selection_range: snapshot.range(file, symbol.name_range),
        children: Some(children).filter(|children| !children.is_empty()),
    }
}

#[expect(deprecated, reason = "the protocol's type has a deprecated field that must be filled")]
fn flatten(
    snapshot: &Snapshot,
    file: FileId,
    symbols: Vec<ide::DocumentSymbol>,
    container: Option<&str>,
    flat: &mut Vec<lsp::SymbolInformation>,
) {
    for symbol in symbols {
        let Some(location) = snapshot.location(file, symbol.range) else { continue };
        flat.push(lsp::SymbolInformation {
            name: symbol.name.clone(),
            kind: to_proto::symbol_kind(symbol.kind),
            tags: None,
            deprecated: None,
            location,
            container_name: container.map(str::to_owned),
        });
        flatten(snapshot, file, symbol.children, Some(&symbol.name), flat);
    }
}

#[expect(deprecated, reason = "the protocol's type has a deprecated field that must be filled")]
pub(crate) fn workspace_symbols(
    query: &Query,
    params: &lsp::WorkspaceSymbolParams,
) -> Result<Option<lsp::WorkspaceSymbolResponse>> {
    let snapshot = &query.snapshot;
    if !snapshot.settings.navigation {
        return Ok(None);
    }
    let mut symbols = Vec::new();
    for symbol in ide::workspace_symbols(&snapshot.analysis, &params.query) {
        query.check()?;
        let view = snapshot.analysis.symbol(symbol);
        let qualified = view.qualified_name();
        let Some(location) = snapshot.location(symbol.file, view.name_range) else { continue };
        symbols.push(lsp::SymbolInformation {
            name: view.name.to_owned(),
            kind: to_proto::symbol_kind(view.kind),
            tags: None,
            deprecated: None,
            location,
            container_name: qualified.rsplit_once('.').map(|(container, _)| container.to_owned()),
        });
    }
    Ok(Some(lsp::WorkspaceSymbolResponse::Flat(symbols)))
}

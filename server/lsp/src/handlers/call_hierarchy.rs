//! `textDocument/prepareCallHierarchy`, `callHierarchy/incomingCalls` and `callHierarchy/outgoingCalls`

use graph::{Confidence, SymbolId};
use tower_lsp_server::jsonrpc::Result;
use tower_lsp_server::ls_types as lsp;

use crate::query::Query;
use crate::snapshot::Snapshot;
use crate::to_proto;
use workspace::symbol_key::SymbolKey;

pub(crate) fn prepare(
    query: &Query,
    params: &lsp::CallHierarchyPrepareParams,
) -> Result<Option<Vec<lsp::CallHierarchyItem>>> {
    let snapshot = &query.snapshot;
    let Some((file, offset)) = snapshot.place(&params.text_document_position_params) else { return Ok(None) };
    let symbols = ide::prepare_call_hierarchy(&snapshot.analysis, file, offset);
    let items: Vec<_> = symbols.into_iter().filter_map(|symbol| item(snapshot, symbol, Confidence::Exact)).collect();
    Ok((!items.is_empty()).then_some(items))
}

pub(crate) fn incoming(
    query: &Query,
    params: &lsp::CallHierarchyIncomingCallsParams,
) -> Result<Option<Vec<lsp::CallHierarchyIncomingCall>>> {
    let snapshot = &query.snapshot;
    let Some(symbol) = find(snapshot, &params.item) else { return Ok(None) };
    let mut calls = Vec::new();
    for call in ide::incoming_calls(&snapshot.analysis, symbol) {
        query.check()?;
        let ranges = call.ranges.iter().map(|&range| snapshot.range(call.symbol.file, range));
        let Some(from) = item(snapshot, call.symbol, call.confidence) else { continue };
        calls.push(lsp::CallHierarchyIncomingCall { from, from_ranges: ranges.collect() });
    }
    Ok(Some(calls))
}

pub(crate) fn outgoing(
    query: &Query,
    params: &lsp::CallHierarchyOutgoingCallsParams,
) -> Result<Option<Vec<lsp::CallHierarchyOutgoingCall>>> {
    let snapshot = &query.snapshot;
    let Some(symbol) = find(snapshot, &params.item) else { return Ok(None) };
    let mut calls = Vec::new();
    for call in ide::outgoing_calls(&snapshot.analysis, symbol) {
        query.check()?;
        let ranges = call.ranges.iter().map(|&range| snapshot.range(symbol.file, range));
        let Some(to) = item(snapshot, call.symbol, call.confidence) else { continue };
        calls.push(lsp::CallHierarchyOutgoingCall { to, from_ranges: ranges.collect() });
    }
    Ok(Some(calls))
}

/// Where the function at `place` is called, as JSON: the answer to the command of a lens.
pub(crate) fn callers(query: &Query, place: &lsp::TextDocumentPositionParams) -> Result<Option<lsp::LSPAny>> {
    let snapshot = &query.snapshot;
    let Some((file, offset)) = snapshot.place(place) else { return Ok(None) };
    let mut locations = Vec::new();
    for symbol in ide::prepare_call_hierarchy(&snapshot.analysis, file, offset) {
        for call in ide::incoming_calls(&snapshot.analysis, symbol) {
            query.check()?;
            locations.extend(call.ranges.iter().filter_map(|&range| snapshot.location(call.symbol.file, range)));
        }
    }
    Ok(serde_json::to_value(locations).ok())
}

fn item(snapshot: &Snapshot, symbol: SymbolId, confidence: Confidence) -> Option<lsp::CallHierarchyItem> {
    let analysis = &snapshot.analysis;
    let view = analysis.symbol(symbol);
    let qualified = view.qualified_name();
    let container = qualified.rsplit_once('.').map_or("", |(container, _)| container);
    let detail = match confidence {
        Confidence::Exact => container.to_owned(),
        Confidence::Inferred => format!("{container} (inferred)"),
        Confidence::Possible => format!("{container} (possible)"),
    };
    Some(lsp::CallHierarchyItem {
        name: view.name.to_owned(),
        kind: to_proto::symbol_kind(view.kind),
        tags: None,
        detail: Some(detail),
        uri: snapshot.uri(symbol.file)?,
        range: snapshot.range(symbol.file, view.range),
        selection_range: snapshot.range(symbol.file, view.name_range),
        data: serde_json::to_value(SymbolKey::new(analysis, symbol)).ok(),
    })
}

/// The symbol of an item; by its name, because the text may have moved since the item was made.
fn find(snapshot: &Snapshot, item: &lsp::CallHierarchyItem) -> Option<SymbolId> {
    let key: SymbolKey = serde_json::from_value(item.data.clone()?).ok()?;
    key.find(&snapshot.analysis)
}

//! `textDocument/prepareTypeHierarchy`, `typeHierarchy/supertypes` and `typeHierarchy/subtypes`

use graph::{Analysis, SymbolId};
use tower_lsp_server::jsonrpc::Result;
use tower_lsp_server::ls_types as lsp;

use crate::query::Query;
use crate::snapshot::Snapshot;
use crate::to_proto;
use workspace::symbol_key::SymbolKey;

pub(crate) fn prepare(
    query: &Query,
    params: &lsp::TypeHierarchyPrepareParams,
) -> Result<Option<Vec<lsp::TypeHierarchyItem>>> {
    let snapshot = &query.snapshot;
    let Some((file, offset)) = snapshot.place(&params.text_document_position_params) else { return Ok(None) };
    let classes = ide::prepare_type_hierarchy(&snapshot.analysis, file, offset);
    let items: Vec<_> = classes.into_iter().filter_map(|class| item(snapshot, class)).collect();
    Ok((!items.is_empty()).then_some(items))
}

/// The classes that `related` gives for the class of an item.
pub(crate) fn related(
    query: &Query,
    from: &lsp::TypeHierarchyItem,
    related: fn(&Analysis, SymbolId) -> Vec<SymbolId>,
) -> Result<Option<Vec<lsp::TypeHierarchyItem>>> {
    let snapshot = &query.snapshot;
    let key = from.data.clone().and_then(|data| serde_json::from_value::<SymbolKey>(data).ok());
    let Some(class) = key.and_then(|key| key.find(&snapshot.analysis)) else { return Ok(None) };
    query.check()?;
    let classes = related(&snapshot.analysis, class);
    Ok(Some(classes.into_iter().filter_map(|class| item(snapshot, class)).collect()))
}

fn item(snapshot: &Snapshot, class: SymbolId) -> Option<lsp::TypeHierarchyItem> {
    let view = snapshot.analysis.symbol(class);
    let qualified = view.qualified_name();
    Some(lsp::TypeHierarchyItem {
        name: view.name.to_owned(),
        kind: to_proto::symbol_kind(view.kind),
        tags: None,
        detail: qualified.rsplit_once('.').map(|(container, _)| container.to_owned()),
        uri: snapshot.uri(class.file)?,
        range: snapshot.range(class.file, view.range),
        selection_range: snapshot.range(class.file, view.name_range),
        data: serde_json::to_value(SymbolKey::new(&snapshot.analysis, class)).ok(),
    })
}

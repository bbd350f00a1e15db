//! `textDocument/definition`, `textDocument/implementation`, `textDocument/references` and `textDocument/documentHighlight`

use tower_lsp_server::jsonrpc::Result;
use tower_lsp_server::ls_types as lsp;

use crate::query::Query;

pub(crate) fn definition(
    query: &Query,
    params: &lsp::GotoDefinitionParams,
) -> Result<Option<lsp::GotoDefinitionResponse>> {
    let snapshot = &query.snapshot;
    let place = snapshot.place(&params.text_document_position_params);
    let Some((file, offset)) = place.filter(|_| snapshot.settings.navigation) else { return Ok(None) };
    let Some(found) = ide::definition(&snapshot.analysis, file, offset) else { return Ok(None) };
    if !snapshot.editor.definition_links {
        let locations = found.places.iter().filter_map(|place| snapshot.location(place.file, place.name_range));
        return Ok(Some(lsp::GotoDefinitionResponse::Array(locations.collect())));
    }
    let origin = snapshot.range(file, found.origin);
    let link = |place: &ide::Place| {
        Some(lsp::LocationLink {
            origin_selection_range: Some(origin),
            target_uri: snapshot.uri(place.file)?,
            target_range: snapshot.range(place.file, place.range),
            target_selection_range: snapshot.range(place.file, place.name_range),
        })
    };
    Ok(Some(lsp::GotoDefinitionResponse::Link(found.places.iter().filter_map(link).collect())))
}

pub(crate) fn references(query: &Query, params: &lsp::ReferenceParams) -> Result<Option<Vec<lsp::Location>>> {
    let snapshot = &query.snapshot;
    let place = snapshot.place(&params.text_document_position);
    let Some((file, offset)) = place.filter(|_| snapshot.settings.navigation) else { return Ok(None) };
    let found = ide::references(&snapshot.analysis, file, offset, params.context.include_declaration);
    let mut locations = Vec::with_capacity(found.len());
    for reference in found {
        query.check()?;
        locations.extend(snapshot.location(reference.file, reference.range));
    }
    Ok(Some(locations))
}

pub(crate) fn implementation(
    query: &Query,
    params: &lsp::request::GotoImplementationParams,
) -> Result<Option<lsp::GotoDefinitionResponse>> {
    let snapshot = &query.snapshot;
    let place = snapshot.place(&params.text_document_position_params);
    let Some((file, offset)) = place.filter(|_| snapshot.settings.navigation) else { return Ok(None) };
    let found = ide::implementations(&snapshot.analysis, file, offset);
    let locations: Vec<_> = found.iter().filter_map(|place| snapshot.location(place.file, place.name_range)).collect();
    Ok((!locations.is_empty()).then_some(lsp::GotoDefinitionResponse::Array(locations)))
}

pub(crate) fn highlight(
    query: &Query,
    params: &lsp::DocumentHighlightParams,
) -> Result<Option<Vec<lsp::DocumentHighlight>>> {
    let snapshot = &query.snapshot;
    let place = snapshot.place(&params.text_document_position_params);
    let Some((file, offset)) = place.filter(|_| snapshot.settings.navigation) else { return Ok(None) };
    let found = ide::document_highlights(&snapshot.analysis, file, offset).into_iter();
    let highlights: Vec<_> = found
        .map(|it| lsp::DocumentHighlight {
            range: snapshot.range(file, it.range),
            kind: Some(if it.write { lsp::DocumentHighlightKind::WRITE } else { lsp::DocumentHighlightKind::READ }),
        })
        .collect();
    Ok((!highlights.is_empty()).then_some(highlights))
}

//! `textDocument/definition`, `…/declaration`, `…/typeDefinition`, `textDocument/implementation`, `textDocument/references` and `textDocument/documentHighlight`

use graph::FileId;
use syntax::{TextRange, TextSize};
use tower_lsp_server::jsonrpc::Result;
use tower_lsp_server::ls_types as lsp;

use crate::query::Query;
use crate::to_proto;

pub(crate) fn definition(
    query: &Query,
    params: &lsp::GotoDefinitionParams,
) -> Result<Option<lsp::GotoDefinitionResponse>> {
    let snapshot = &query.snapshot;
    let place = snapshot.place(&params.text_document_position_params);
    let Some((file, offset)) = place.filter(|_| snapshot.settings.navigation) else { return Ok(None) };
    Ok(match ide::definition(&snapshot.analysis, file, offset) {
        Some(found) => Some(in_workspace(query, file, &found)),
        None => in_library(query, file, offset, ide::Text::Source),
    })
}

/// The class of what is there.
pub(crate) fn type_definition(
    query: &Query,
    params: &lsp::request::GotoTypeDefinitionParams,
) -> Result<Option<lsp::GotoDefinitionResponse>> {
    let snapshot = &query.snapshot;
    let place = snapshot.place(&params.text_document_position_params);
    let Some((file, offset)) = place.filter(|_| snapshot.settings.navigation) else { return Ok(None) };
    if let Some(found) = ide::type_definition(&snapshot.analysis, file, offset) {
        return Ok(Some(in_workspace(query, file, &found)));
    }
    let found = ide::library_type(&snapshot.analysis, &snapshot.settings.project, file, offset);
    Ok(found.and_then(|(origin, place)| at_library(query, file, origin, &place)))
}

fn in_workspace(query: &Query, file: FileId, found: &ide::Definition) -> lsp::GotoDefinitionResponse {
    let snapshot = &query.snapshot;
    if !snapshot.editor.definition_links {
        let locations = found.places.iter().filter_map(|place| snapshot.location(place.file, place.name_range));
        return lsp::GotoDefinitionResponse::Array(locations.collect());
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
    lsp::GotoDefinitionResponse::Link(found.places.iter().filter_map(link).collect())
}

/// Of the workspace's own names the definition; of a library's, what its stub says.
pub(crate) fn declaration(
    query: &Query,
    params: &lsp::request::GotoDeclarationParams,
) -> Result<Option<lsp::GotoDefinitionResponse>> {
    let snapshot = &query.snapshot;
    let place = snapshot.place(&params.text_document_position_params);
    let Some((file, offset)) = place.filter(|_| snapshot.settings.navigation) else { return Ok(None) };
    match in_library(query, file, offset, ide::Text::Stub) {
        Some(found) => Ok(Some(found)),
        None => definition(query, params),
    }
}

fn in_library(query: &Query, file: FileId, offset: TextSize, text: ide::Text) -> Option<lsp::GotoDefinitionResponse> {
    let snapshot = &query.snapshot;
    let (origin, place) = ide::library_place(&snapshot.analysis, &snapshot.settings.project, file, offset, text)?;
    at_library(query, file, origin, &place)
}

fn at_library(
    query: &Query,
    file: FileId,
    origin: TextRange,
    place: &ide::LibraryPlace,
) -> Option<lsp::GotoDefinitionResponse> {
    let snapshot = &query.snapshot;
    let target_uri = snapshot.uri_of(&place.path)?;
    let source = place.analysis.source(place.file);
    let range = |range| to_proto::range(source, range, snapshot.editor.encoding);
    let target_selection_range = range(place.name_range);
    if !snapshot.editor.definition_links {
        let location = lsp::Location { uri: target_uri, range: target_selection_range };
        return Some(lsp::GotoDefinitionResponse::Array(vec![location]));
    }
    let link = lsp::LocationLink {
        origin_selection_range: Some(snapshot.range(file, origin)),
        target_uri,
        target_range: range(place.range),
        target_selection_range,
    };
    Some(lsp::GotoDefinitionResponse::Link(vec![link]))
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

//! `textDocument/prepareRename`, `textDocument/rename` and `workspace/willRenameFiles`

use std::path::PathBuf;
use std::str::FromStr;

use tower_lsp_server::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp_server::ls_types as lsp;

use crate::query::Query;
use crate::{from_proto, to_proto};

/// The protocol's code for a request that is fine but cannot be fulfilled, with a reason for the user.
const REQUEST_FAILED: ErrorCode = ErrorCode::ServerError(-32803);

pub(crate) fn prepare(
    query: &Query,
    params: &lsp::TextDocumentPositionParams,
) -> Result<Option<lsp::PrepareRenameResponse>> {
    let snapshot = &query.snapshot;
    let place = snapshot.place(params);
    let Some((file, offset)) = place.filter(|_| snapshot.settings.navigation) else { return Ok(None) };
    let start = ide::prepare_rename(&snapshot.analysis, file, offset).map_err(refusal)?;
    Ok(start.map(|start| lsp::PrepareRenameResponse::RangeWithPlaceholder {
        range: snapshot.range(file, start.range),
        placeholder: start.name,
    }))
}

pub(crate) fn rename(query: &Query, params: &lsp::RenameParams) -> Result<Option<lsp::WorkspaceEdit>> {
    let snapshot = &query.snapshot;
    let place = snapshot.place(&params.text_document_position);
    let Some((file, offset)) = place.filter(|_| snapshot.settings.navigation) else { return Ok(None) };
    let asks = snapshot.editor.confirms_edits;
    let renamed = ide::rename(&snapshot.analysis, file, offset, &params.new_name, asks).map_err(refusal)?;
    if renamed.moved.is_some() && !snapshot.editor.renames_files {
        return Err(refusal("the module's file has to be renamed, which the editor cannot do for us".to_owned()));
    }
    query.check()?;
    Ok(to_proto::rename(snapshot, &renamed))
}

/// The imports that have to change because of files and folders that are about to be renamed.
pub(crate) fn will_rename_files(query: &Query, params: &lsp::RenameFilesParams) -> Result<Option<lsp::WorkspaceEdit>> {
    let snapshot = &query.snapshot;
    if !snapshot.settings.navigation {
        return Ok(None);
    }
    let edits = ide::import_edits(&snapshot.analysis, &moves(params));
    let edits = edits.into_iter().map(|(file, edit)| ide::RenameEdit { file, edit, doubt: None });
    let renamed = ide::Rename { edits: edits.collect(), moved: None };
    Ok(if renamed.edits.is_empty() { None } else { to_proto::rename(snapshot, &renamed) })
}

/// What is on disk, by its old and its new path.
pub(crate) fn moves(params: &lsp::RenameFilesParams) -> Vec<(PathBuf, PathBuf)> {
    let path = |uri: &str| lsp::Uri::from_str(uri).ok().map(|uri| from_proto::path(&uri));
    let moves = params.files.iter().filter_map(|it| Some((path(&it.old_uri)?, path(&it.new_uri)?)));
    moves.filter(|(old, new)| old.is_absolute() && new.is_absolute()).collect()
}

fn refusal(reason: String) -> Error {
    Error { code: REQUEST_FAILED, message: reason.into(), data: None }
}

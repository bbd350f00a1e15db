//! `textDocument/signatureHelp`

use tower_lsp_server::jsonrpc::Result;
use tower_lsp_server::ls_types as lsp;

use crate::capabilities::Editor;
use crate::query::Query;

/// Silent, as all navigation, where another server speaks.
pub(crate) fn signature_help(query: &Query, params: &lsp::SignatureHelpParams) -> Result<Option<lsp::SignatureHelp>> {
    let snapshot = &query.snapshot;
    let place = snapshot.place(&params.text_document_position_params);
    let Some((file, offset)) = place.filter(|_| snapshot.settings.navigation) else { return Ok(None) };
    let found = ide::signature_help(&snapshot.analysis, &snapshot.settings.project, file, offset);
    Ok(found.map(|found| lsp::SignatureHelp {
        active_signature: u32::try_from(found.active).ok(),
        active_parameter: None,
        signatures: found.signatures.into_iter().map(|it| signature(&snapshot.editor, it)).collect(),
    }))
}

fn signature(editor: &Editor, signature: ide::Signature) -> lsp::SignatureInformation {
    let label = &signature.label;
    // Places are counted in UTF-16, whatever was agreed on for documents.
    let units = |end: usize| u32::try_from(label[..end].encode_utf16().count()).unwrap_or(u32::MAX);
    let parameters = signature.parameters.iter().map(|range| lsp::ParameterInformation {
        label: match editor.label_offsets {
            true => lsp::ParameterLabel::LabelOffsets([units(range.start), units(range.end)]),
            false => lsp::ParameterLabel::Simple(label[range.clone()].to_owned()),
        },
        documentation: None,
    });
    let parameters = parameters.collect();
    lsp::SignatureInformation {
        // Without a parameter at the cursor none is marked: editors mark the first where nothing is said.
        active_parameter: signature.active.or(Some(signature.parameters.len())).and_then(|it| u32::try_from(it).ok()),
        label: signature.label,
        documentation: signature.documentation.map(lsp::Documentation::String),
        parameters: Some(parameters),
    }
}

//! `textDocument/hover`

use tower_lsp_server::jsonrpc::Result;
use tower_lsp_server::ls_types as lsp;

use crate::query::Query;

pub(crate) fn hover(query: &Query, params: &lsp::HoverParams) -> Result<Option<lsp::Hover>> {
    let snapshot = &query.snapshot;
    let Some((file, offset)) = snapshot.place(&params.text_document_position_params) else { return Ok(None) };
    let known = ide::Project::default();
    // Where another server speaks of libraries, they are not spoken of twice.
    let project = if snapshot.settings.navigation { &*snapshot.settings.project } else { &known };
    let Some(hover) = ide::hover(&snapshot.analysis, project, file, offset) else { return Ok(None) };
    let (kind, mut value) = if snapshot.editor.markdown {
        (lsp::MarkupKind::Markdown, hover.markdown)
    } else {
        (lsp::MarkupKind::PlainText, hover.plain)
    };
    if snapshot.indexing {
        value.push_str("\nThe workspace is still being read; callers and callees may be missing.\n");
    } else if snapshot.analysis.is_flow_outdated() {
        value.push_str("\nWhere values flow is still being followed; some callers and callees may be missing.\n");
    } else if snapshot.analysis.is_flow_cut() {
        value.push_str(
            "\nValues were followed in part only, the rest takes too long here; callers and callees may be missing.\n",
        );
    }
    let contents = lsp::HoverContents::Markup(lsp::MarkupContent { kind, value });
    Ok(Some(lsp::Hover { contents, range: Some(snapshot.range(file, hover.range)) }))
}

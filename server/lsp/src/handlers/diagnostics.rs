//! Findings in one document, pushed by [`crate::announce`] or pulled by the editor.

use std::path::Path;

use tower_lsp_server::jsonrpc::Result;
use tower_lsp_server::ls_types as lsp;

use crate::session::Query;
use crate::snapshot::Snapshot;
use crate::to_proto;

/// `textDocument/diagnostic`
pub(crate) fn pull(query: &Query, path: &Path) -> Result<lsp::DocumentDiagnosticReportResult> {
    let items = document(&query.snapshot, path);
    let report = lsp::FullDocumentDiagnosticReport { items, ..Default::default() };
    let report =
        lsp::RelatedFullDocumentDiagnosticReport { full_document_diagnostic_report: report, ..Default::default() };
    Ok(lsp::DocumentDiagnosticReport::from(report).into())
}

/// What there is to say about the document at `path`; nothing when it is not open.
pub(crate) fn document(snapshot: &Snapshot, path: &Path) -> Vec<lsp::Diagnostic> {
    let Some(document) = snapshot.documents.get(path) else { return Vec::new() };
    let encoding = snapshot.editor.encoding;
    let errors = syntax::parse(document.source.text()).errors();
    let diagnostic = |error: syntax::SyntaxError| lsp::Diagnostic {
        range: to_proto::range(&document.source, error.range, encoding),
        severity: Some(lsp::DiagnosticSeverity::ERROR),
        code: Some(lsp::NumberOrString::String("syntax-error".to_owned())),
        source: Some("tantu".to_owned()),
        message: error.message,
        ..Default::default()
    };
    errors.into_iter().map(diagnostic).collect()
}

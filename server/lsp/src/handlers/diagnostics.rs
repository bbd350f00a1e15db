//! Findings in one document, pushed by [`crate::announce`] or pulled by the editor.

use std::path::Path;

use graph::FileId;
use syntax::{Source, TextRange, TextSize};
use tower_lsp_server::jsonrpc::Result;
use tower_lsp_server::ls_types as lsp;

use crate::query::Query;
use crate::runs::TestFailure;
use crate::settings::{ConfigFile, Problem};
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
    let open = snapshot.documents.contains_key(path) && snapshot.settings.diagnostics;
    let Some(file) = snapshot.analysis.file(path).filter(|_| open) else { return Vec::new() };
    let findings = ide::diagnostics(&snapshot.analysis, file).into_iter().map(|it| finding(snapshot, file, it));
    let failures = snapshot.runs.failures(path).map(|failure| test_failure(snapshot, file, failure));
    findings.chain(failures).collect()
}

fn finding(snapshot: &Snapshot, file: FileId, finding: ide::Diagnostic) -> lsp::Diagnostic {
    let related = |it: &ide::Related| {
        let location = snapshot.location(it.file, it.range)?;
        Some(lsp::DiagnosticRelatedInformation { location, message: it.message.clone() })
    };
    let related: Vec<_> = finding.related.iter().filter_map(related).collect();
    let shown = snapshot.editor.related_information && !related.is_empty();
    lsp::Diagnostic {
        severity: Some(to_proto::severity(finding.severity)),
        related_information: shown.then_some(related),
        ..diagnostic(snapshot.range(file, finding.range), finding.code.as_str(), finding.message)
    }
}

fn test_failure(snapshot: &Snapshot, file: FileId, failure: &TestFailure) -> lsp::Diagnostic {
    let source = snapshot.analysis.source(file);
    let line = source.lines().line_range(failure.line.saturating_sub(1), source.text());
    let text = source.slice(line);
    let indent = text.len() - text.trim_start().len();
    // A line is no longer than a text, whose offsets fit.
    let range = TextRange::new(line.start() + TextSize::new(indent as u32), line.end());
    let severity =
        if failure.not_runnable { lsp::DiagnosticSeverity::INFORMATION } else { lsp::DiagnosticSeverity::ERROR };
    lsp::Diagnostic {
        severity: Some(severity),
        ..diagnostic(snapshot.range(file, range), "test-failed", failure.message.clone())
    }
}

/// What is wrong in a configuration file.
pub(crate) fn config_file(snapshot: &Snapshot, file: &ConfigFile) -> Vec<lsp::Diagnostic> {
    let source = Source::new(file.text.as_str());
    let one = |problem: &Problem| {
        let at = |offset: usize| TextSize::new(u32::try_from(offset).unwrap_or(u32::MAX));
        let range = TextRange::new(at(problem.range.start), at(problem.range.end));
        let range = to_proto::range(&source, range, snapshot.editor.encoding);
        lsp::Diagnostic {
            severity: Some(lsp::DiagnosticSeverity::WARNING),
            ..diagnostic(range, "unknown-setting", problem.message.clone())
        }
    };
    file.problems.iter().map(one).collect()
}

fn diagnostic(range: lsp::Range, code: &str, message: String) -> lsp::Diagnostic {
    lsp::Diagnostic {
        range,
        code: Some(lsp::NumberOrString::String(code.to_owned())),
        // What editors show beside a message to say whose it is.
        source: Some("tantu".to_owned()),
        message,
        ..Default::default()
    }
}

//! Findings in documents and in the workspace, pushed by [`crate::announce`] or pulled by the editor.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use workspace::reviews::Noted;

use graph::{Analysis, FileId};
use lint::{Finding, Tag};
use syntax::{Source, TextRange, TextSize};
use tower_lsp_server::jsonrpc::Result;
use tower_lsp_server::ls_types as lsp;

use crate::query::Query;
use crate::snapshot::Snapshot;
use crate::to_proto;
use assistant::review::{CODE, SOURCE};
use workspace::config_findings;
use workspace::diagnostics::FileFindings;
use workspace::results::TestFailure;
use workspace::settings::Diagnostics;

/// `textDocument/diagnostic`; what the editor knows already is not sent again.
pub(crate) fn pull(query: &Query, path: &Path, known: Option<&str>) -> Result<lsp::DocumentDiagnosticReportResult> {
    let items = document(&query.snapshot, path);
    let id = result_id(&items);
    let report = if known == Some(&*id) {
        let report = lsp::UnchangedDocumentDiagnosticReport { result_id: id };
        lsp::DocumentDiagnosticReport::Unchanged(lsp::RelatedUnchangedDocumentDiagnosticReport {
            unchanged_document_diagnostic_report: report,
            related_documents: None,
        })
    } else {
        let report = lsp::FullDocumentDiagnosticReport { result_id: Some(id), items };
        lsp::DocumentDiagnosticReport::Full(lsp::RelatedFullDocumentDiagnosticReport {
            full_document_diagnostic_report: report,
            ..Default::default()
        })
    };
    Ok(report.into())
}

/// `workspace/diagnostic`: nothing is computed but what open documents say; the rest is what the last look at the whole
/// workspace found. The editor asks again when it is told that there was another.
pub(crate) fn pull_all(
    query: &Query,
    params: &lsp::WorkspaceDiagnosticParams,
) -> Result<lsp::WorkspaceDiagnosticReportResult> {
    let snapshot = &query.snapshot;
    let mut known: Vec<(PathBuf, &lsp::PreviousResultId)> =
        params.previous_result_ids.iter().map(|it| (crate::from_proto::path(&it.uri), it)).collect();
    let mut items = Vec::new();
    for (path, found) in workspace(snapshot) {
        query.check()?;
        let version = snapshot.version(&path).map(i64::from);
        let id = result_id(&found);
        let before = known.iter().position(|(known, _)| *known == path).map(|at| known.swap_remove(at).1);
        let uri = match before {
            Some(before) => before.uri.clone(),
            None => match snapshot.analysis.file(&path).and_then(|file| snapshot.uri(file)) {
                Some(uri) => uri,
                None => continue,
            },
        };
        items.push(if before.is_some_and(|before| before.value == id) {
            let report = lsp::UnchangedDocumentDiagnosticReport { result_id: id };
            lsp::WorkspaceDocumentDiagnosticReport::Unchanged(lsp::WorkspaceUnchangedDocumentDiagnosticReport {
                uri,
                version,
                unchanged_document_diagnostic_report: report,
            })
        } else {
            full(uri, version, Some(id), found)
        });
    }
    // What the editor still shows of files that have nothing to say any longer.
    let nothing = result_id(&[]);
    let gone = known.into_iter().filter(|(_, before)| before.value != nothing);
    items.extend(gone.map(|(_, before)| full(before.uri.clone(), None, Some(nothing.clone()), Vec::new())));
    Ok(lsp::WorkspaceDiagnosticReport { items }.into())
}

fn full(
    uri: lsp::Uri,
    version: Option<i64>,
    result_id: Option<String>,
    items: Vec<lsp::Diagnostic>,
) -> lsp::WorkspaceDocumentDiagnosticReport {
    lsp::WorkspaceDocumentDiagnosticReport::Full(lsp::WorkspaceFullDocumentDiagnosticReport {
        uri,
        version,
        full_document_diagnostic_report: lsp::FullDocumentDiagnosticReport { result_id, items },
    })
}

/// The same for the same findings, also in another session.
fn result_id(items: &[lsp::Diagnostic]) -> String {
    let mut hasher = DefaultHasher::new();
    // Strings and numbers always have a text.
    serde_json::to_string(items).unwrap_or_default().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// What there is to say about the document at `path`; nothing when it is not open.
pub(crate) fn document(snapshot: &Snapshot, path: &Path) -> Vec<lsp::Diagnostic> {
    let (analysis, settings) = (&snapshot.analysis, &snapshot.settings);
    let open = snapshot.documents.contains_key(path) && settings.diagnostics != Diagnostics::Off;
    let Some(file) = analysis.file(path).filter(|_| open) else { return Vec::new() };
    let mut found = FileFindings::of_document(analysis, &settings.project, &snapshot.lints, file);
    found.graph.extend(snapshot.workspace_diagnostics.findings.diagnostics(analysis, file));
    let findings = found.graph.into_iter().map(|it| finding(snapshot, analysis, file, it));
    let findings = findings.chain(found.lint.iter().map(|it| lint_finding(snapshot, analysis.source(file), it)));
    let failures = snapshot.results.failures(path, analysis.source(file).text(), analysis);
    let failures =
        failures.into_iter().map(|(line, failure, outdated)| test_failure(snapshot, file, line, failure, outdated));
    let reviews = snapshot.reviews.of_file(analysis, file).into_iter();
    findings.chain(failures).chain(reviews.map(|(range, it)| review(snapshot, file, range, it))).collect()
}

/// What a model says, which nobody has checked: never an error.
fn review(snapshot: &Snapshot, file: FileId, range: TextRange, noted: &Noted) -> lsp::Diagnostic {
    let severity = match noted.severity {
        ide::Severity::Error => ide::Severity::Warning,
        milder => milder,
    };
    lsp::Diagnostic {
        severity: Some(to_proto::severity(severity)),
        source: Some(SOURCE.to_owned()),
        ..diagnostic(snapshot.range(file, range), CODE, format!("{} ({}, not verified)", noted.message, noted.model))
    }
}

/// What there is to say about every file with something to say, by path; nothing unless that is wanted.
pub(crate) fn workspace(snapshot: &Snapshot) -> BTreeMap<PathBuf, Vec<lsp::Diagnostic>> {
    if snapshot.settings.diagnostics != Diagnostics::Workspace {
        return BTreeMap::new();
    }
    let elsewhere = &snapshot.workspace_diagnostics;
    let is_closed = |file: &FileId| !snapshot.documents.contains_key(elsewhere.analysis.path(*file));
    let closed = elsewhere.analysis.files().filter(is_closed).map(|file| {
        let found = elsewhere.of_file(file);
        let graph = found.graph.into_iter().map(|it| finding(snapshot, &elsewhere.analysis, file, it));
        let lint = found.lint.iter().map(|it| lint_finding(snapshot, elsewhere.analysis.source(file), it));
        (elsewhere.analysis.path(file).to_path_buf(), graph.chain(lint).collect())
    });
    let open = snapshot.documents.keys().map(|path| (path.clone(), document(snapshot, path)));
    closed.chain(open).filter(|(_, found): &(_, Vec<_>)| !found.is_empty()).collect()
}

/// A finding of `analysis` as the editor sees it.
fn finding(snapshot: &Snapshot, analysis: &Analysis, file: FileId, finding: ide::Diagnostic) -> lsp::Diagnostic {
    let range = |file, range| to_proto::range(analysis.source(file), range, snapshot.editor.encoding);
    let related = |it: &ide::Related| {
        let location = lsp::Location { uri: snapshot.uri(it.file)?, range: range(it.file, it.range) };
        Some(lsp::DiagnosticRelatedInformation { location, message: it.message.clone() })
    };
    let related: Vec<_> = finding.related.iter().filter_map(related).collect();
    let shown = snapshot.editor.related_information && !related.is_empty();
    let tag = match finding.code {
        code if code.is_unnecessary() => Some(lsp::DiagnosticTag::UNNECESSARY),
        code if code.is_deprecated() => Some(lsp::DiagnosticTag::DEPRECATED),
        _ => None,
    };
    lsp::Diagnostic {
        severity: Some(to_proto::severity(finding.severity)),
        related_information: shown.then_some(related),
        tags: tag.filter(|_| snapshot.editor.diagnostic_tags).map(|tag| vec![tag]),
        code_description: manual(finding.code),
        ..diagnostic(range(file, finding.range), finding.code.as_str(), finding.message)
    }
}

/// A linter's finding as the editor sees it.
fn lint_finding(snapshot: &Snapshot, source: &Source, finding: &Finding) -> lsp::Diagnostic {
    let range = to_proto::range(source, finding.range, snapshot.editor.encoding);
    let tag = finding.tag.filter(|_| snapshot.editor.diagnostic_tags).map(|tag| match tag {
        Tag::Unnecessary => lsp::DiagnosticTag::UNNECESSARY,
        Tag::Deprecated => lsp::DiagnosticTag::DEPRECATED,
    });
    let href = finding.url.as_deref().and_then(|url| lsp::Uri::from_str(url).ok());
    let message = match finding.confidence {
        Some(confidence) => format!("{} ({confidence} confidence)", finding.message),
        None => finding.message.clone(),
    };
    lsp::Diagnostic {
        severity: Some(to_proto::severity(finding.severity)),
        tags: tag.map(|tag| vec![tag]),
        code_description: href.map(|href| lsp::CodeDescription { href }),
        ..diagnostic(range, &finding.code, message)
    }
}

/// Where the manual explains a code, when the package says where it is published.
fn manual(code: ide::Code) -> Option<lsp::CodeDescription> {
    let repository = Some(env!("CARGO_PKG_REPOSITORY")).filter(|url| url.starts_with("https://"))?;
    let page = format!("{repository}/blob/main/docs/diagnostics/{}.md", code.as_str());
    Some(lsp::CodeDescription { href: lsp::Uri::from_str(&page).ok()? })
}

/// What failed at `line` (counted from 0), with the lines that led there and what the test wrote.
fn test_failure(snapshot: &Snapshot, file: FileId, line: u32, failed: &TestFailure, outdated: bool) -> lsp::Diagnostic {
    let TestFailure { failure, root, not_runnable, .. } = failed;
    let range = code_of_line(snapshot, file, line);
    let mut related = Vec::new();
    for place in failure.related.iter().filter(|it| (&it.path, it.line) != (&failure.path, failure.line)) {
        if let Some(other) = snapshot.analysis.file(&root.join(&place.path))
            && let Some(uri) = snapshot.uri(other)
        {
            let range = code_of_line(snapshot, other, place.line.saturating_sub(1));
            let location = lsp::Location { uri, range };
            related.push(lsp::DiagnosticRelatedInformation { location, message: place.text.clone() });
        }
    }
    if !failure.output.is_empty()
        && let Some(uri) = snapshot.uri(file)
    {
        let message = format!("it wrote: {}", failure.output.trim_end());
        related.push(lsp::DiagnosticRelatedInformation { location: lsp::Location { uri, range }, message });
    }
    let shown = snapshot.editor.related_information && !related.is_empty();
    let severity = match (not_runnable, outdated) {
        (true, _) => lsp::DiagnosticSeverity::INFORMATION,
        (false, true) => lsp::DiagnosticSeverity::WARNING,
        (false, false) => lsp::DiagnosticSeverity::ERROR,
    };
    let code = if *not_runnable { "not-runnable" } else { "test-failed" };
    let outdated = if outdated { " (before the last edit; run it again)" } else { "" };
    lsp::Diagnostic {
        severity: Some(severity),
        related_information: shown.then_some(related),
        ..diagnostic(range, code, format!("{}{outdated}", failure.message))
    }
}

/// The line (counted from 0) without its indentation.
pub(crate) fn code_of_line(snapshot: &Snapshot, file: FileId, line: u32) -> lsp::Range {
    let source = snapshot.analysis.source(file);
    let line = source.lines().line_range(line, source.text());
    let text = source.slice(line);
    let indent = text.len() - text.trim_start().len();
    // A line is no longer than a text, whose offsets fit.
    snapshot.range(file, TextRange::new(line.start() + TextSize::new(indent as u32), line.end()))
}

/// What is wrong in configuration files, by path: settings of ours and those of the linter for the open documents.
pub(crate) fn config_files(snapshot: &Snapshot) -> BTreeMap<PathBuf, Vec<lsp::Diagnostic>> {
    let mut found: BTreeMap<PathBuf, Vec<lsp::Diagnostic>> = BTreeMap::new();
    let open = snapshot.documents.keys().map(PathBuf::as_path);
    let configured = config_findings::of(&snapshot.config_files, snapshot.lints.problems(open));
    for file in configured.into_iter().chain(snapshot.lints.vulnerable(snapshot.analysis.roots())) {
        let source = Source::new(file.text.as_str());
        let shown = file.findings.iter().map(|it| lint_finding(snapshot, &source, it));
        found.entry(file.path).or_default().extend(shown);
    }
    found
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

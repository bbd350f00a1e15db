//! `textDocument/codeAction`, `codeAction/resolve`
//!
//! What a model is to write takes its time and needs a person's yes, so those actions carry only a command. All others
//! carry their edit, or what it takes to make it when the editor asks for it.

use std::sync::Arc;
use workspace::results::RunKind;
use workspace::reviews::Noted;

use assists::{Action, ActionKind, AssistId, Edit, Lint, Occasion, Request, Wanted};
use lint::Finding;
use serde::{Deserialize, Serialize};
use tower_lsp_server::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp_server::ls_types as lsp;

use crate::commands::{ChangeSignature, Command, DismissFinding, Explain, Propose, Review, Run, RunHere, Silence};
use crate::handlers::install;
use crate::query::Query;
use crate::snapshot::Snapshot;
use crate::{from_proto, to_proto};
use assistant::review::SOURCE;

/// The kinds of all actions.
pub(crate) const KINDS: [lsp::CodeActionKind; 8] = [
    lsp::CodeActionKind::QUICKFIX,
    lsp::CodeActionKind::REFACTOR_EXTRACT,
    lsp::CodeActionKind::REFACTOR_INLINE,
    lsp::CodeActionKind::REFACTOR_REWRITE,
    MOVE,
    lsp::CodeActionKind::SOURCE,
    FIX_ALL,
    ORGANIZE_IMPORTS,
];

/// The kinds have our name, so that a person can choose whose they want on saving.
const FIX_ALL: lsp::CodeActionKind = lsp::CodeActionKind::new("source.fixAll.tantu");
const ORGANIZE_IMPORTS: lsp::CodeActionKind = lsp::CodeActionKind::new("source.organizeImports.tantu");
const RUN: lsp::CodeActionKind = lsp::CodeActionKind::new("tantu.run");
const REVIEW: lsp::CodeActionKind = lsp::CodeActionKind::new("tantu.review");
const EXPLAIN: lsp::CodeActionKind = lsp::CodeActionKind::new("tantu.explain");
const MOVE: lsp::CodeActionKind = lsp::CodeActionKind::new("refactor.move");

/// What an action without its edit is resolved by.
#[derive(Serialize, Deserialize)]
struct Unresolved {
    id: String,
    uri: lsp::Uri,
    range: lsp::Range,
    /// Of the document; none for one that is not open.
    version: Option<i32>,
}

pub(crate) fn code_actions(query: &Query, params: &lsp::CodeActionParams) -> Result<Option<lsp::CodeActionResponse>> {
    let snapshot = &query.snapshot;
    let uri = &params.text_document.uri;
    let Some(file) = snapshot.file(uri) else { return Ok(None) };
    let wanted = |kind: &lsp::CodeActionKind| match &params.context.only {
        Some(kinds) => kinds.iter().any(|asked| is_within(kind, asked)),
        None => true,
    };
    let mut found = Vec::new();
    if KINDS.iter().any(wanted) {
        let wanted = if snapshot.editor.resolves_edits { Wanted::Offers } else { Wanted::All };
        let findings = lint_findings(snapshot, file);
        for place in broken_places(params).into_iter().chain([params.range]) {
            let there = lsp::CodeActionParams { range: place, ..params.clone() };
            let request = request(snapshot, uri, file, place, wanted, &findings);
            let mut actions = assists::actions(&snapshot.analysis, &request);
            actions.retain(|it| place == params.range || it.kind == ActionKind::QuickFix);
            actions.retain(|it| found.iter().all(|known: &lsp::CodeAction| known.title != it.title));
            found.extend(actions.into_iter().filter_map(|action| offered(snapshot, &there, action)));
            query.check()?;
        }
    }
    if snapshot.proposes() {
        let range = from_proto::range(snapshot.analysis.source(file), params.range, snapshot.editor.encoding);
        for offer in assists::offered(&snapshot.analysis, file, range) {
            let (uri, position) = (uri.clone(), params.range.start);
            let is_told = offer.instruction.is_some();
            let propose = Propose { assist: offer.id, uri, position, instruction: offer.instruction, fixes_code: None };
            match offer.id.occasion() {
                Occasion::Place => {}
                Occasion::FailingTest => continue,
                Occasion::Finding => {
                    let unmended = unmended(params, &found);
                    let fix = |finding| fix_by_model(snapshot, file, propose.clone(), finding);
                    found.extend(unmended.into_iter().map(fix));
                    continue;
                }
            }
            if offer.id.prompt().is_some() && !is_told && !snapshot.editor.asks_for_text {
                continue;
            }
            found.push(lsp::CodeAction {
                title: offer.title.to_owned(),
                kind: Some(lsp::CodeActionKind::REFACTOR_REWRITE),
                command: Some(Command::Propose(propose).titled(offer.title.to_owned())),
                ..Default::default()
            });
        }
    }
    if snapshot.proposes() {
        found.extend(failing_tests(snapshot, params, file));
    }
    found.extend(install::actions(snapshot, params, file));
    found.extend(dismissals(snapshot, params, file));
    found.extend(questions(snapshot, params, file));
    if wanted(&RUN) {
        found.extend(runs(snapshot, uri, file, params.range));
    }
    // What fixes or sorts a whole file is for who asks for it, as editors do when a file is saved.
    let on_request = is_on_request(params);
    found.retain(|action| action.kind.as_ref().is_some_and(|it| wanted(it) && (on_request || !is_of_file(it))));
    let found: lsp::CodeActionResponse = found.into_iter().map(lsp::CodeActionOrCommand::CodeAction).collect();
    Ok((!found.is_empty()).then_some(found))
}

/// Findings that a changed function does not mend, or that have ways of their own.
const NOT_TO_MEND: [&str; 4] = ["not-runnable", "test-failed", "syntax-error", "unused"];

/// The findings at the place that no other quick fix fixes: silencing them with a comment is none.
fn unmended(params: &lsp::CodeActionParams, offered: &[lsp::CodeAction]) -> Vec<lsp::Diagnostic> {
    let is_mended = |finding: &lsp::Diagnostic| {
        let mending = offered.iter().filter(|action| !assists::silences(&action.title));
        mending.flat_map(|action| action.diagnostics.iter().flatten()).any(|mended| mended == finding)
    };
    let is_ours = |finding: &lsp::Diagnostic| {
        let code = match &finding.code {
            Some(lsp::NumberOrString::String(code)) => code.as_str(),
            _ => "",
        };
        matches!(finding.source.as_deref(), Some("tantu" | SOURCE)) && !NOT_TO_MEND.contains(&code)
    };
    fixed(params, None).into_iter().filter(|finding| is_ours(finding) && !is_mended(finding)).collect()
}

/// What a model has said that the editor shows as `finding`.
fn noted<'a>(snapshot: &'a Snapshot, file: graph::FileId, finding: &lsp::Diagnostic) -> Option<&'a Noted> {
    let all = snapshot.reviews.of_file(&snapshot.analysis, file).into_iter();
    let is_meant = |(range, noted): &(syntax::TextRange, &'a Arc<Noted>)| {
        snapshot.range(file, *range) == finding.range && finding.message.starts_with(&noted.message)
    };
    all.filter(|_| finding.source.as_deref() == Some(SOURCE)).find(is_meant).map(|(_, noted)| &**noted)
}

/// Findings of a model's are opinions, and a person may have another.
fn dismissals(snapshot: &Snapshot, params: &lsp::CodeActionParams, file: graph::FileId) -> Vec<lsp::CodeAction> {
    let all = fixed(params, None).into_iter();
    let action = |finding: lsp::Diagnostic| {
        let noted = noted(snapshot, file, &finding)?;
        let dismissal = DismissFinding { symbol: noted.name.clone(), message: noted.message.clone() };
        let title = "Dismiss this finding".to_owned();
        Some(lsp::CodeAction {
            title: title.clone(),
            kind: Some(lsp::CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![finding]),
            command: Some(Command::DismissFinding(dismissal).titled(title)),
            ..Default::default()
        })
    };
    all.filter_map(action).collect()
}

/// What can be asked about the function or class at the place.
fn questions(snapshot: &Snapshot, params: &lsp::CodeActionParams, file: graph::FileId) -> Vec<lsp::CodeAction> {
    let (analysis, position) = (&snapshot.analysis, params.range.start);
    let offset = from_proto::offset(analysis.source(file), position, snapshot.editor.encoding);
    let Some(target) = assists::review::target(analysis, file, offset) else { return Vec::new() };
    let (name, text_document) = (analysis.symbol(target).name, params.text_document.clone());
    let review = Review { uri: text_document.uri.clone(), position: Some(position) };
    let explain = Explain { place: lsp::TextDocumentPositionParams { text_document, position }, show: true };
    let review = (REVIEW, format!("Review `{name}` (preview)"), Command::Review(review));
    let explain = (EXPLAIN, format!("Explain `{name}`"), Command::Explain(explain));
    let all = snapshot.proposes().then_some(review).into_iter().chain([explain]);
    let action = |(kind, title, command): (lsp::CodeActionKind, String, Command)| lsp::CodeAction {
        title: title.clone(),
        kind: Some(kind),
        command: Some(command.titled(title)),
        ..Default::default()
    };
    all.map(action).collect()
}

/// Has a model rewrite the function around a finding.
fn fix_by_model(
    snapshot: &Snapshot,
    file: graph::FileId,
    propose: Propose,
    finding: lsp::Diagnostic,
) -> lsp::CodeAction {
    let code = match &finding.code {
        Some(lsp::NumberOrString::String(code)) => code.clone(),
        _ => String::new(),
    };
    let line = finding.range.start.line + 1;
    let title = format!("Fix {code} with a model (preview)");
    let propose = Propose {
        position: finding.range.start,
        instruction: Some(match noted(snapshot, file, &finding) {
            Some(noted) => noted.instruction.clone(),
            None => format!("{code}, line {line} of the file: {}", finding.message),
        }),
        fixes_code: Some(code),
        ..propose
    };
    lsp::CodeAction {
        title: title.clone(),
        kind: Some(lsp::CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![finding]),
        command: Some(Command::Propose(propose).titled(title)),
        ..Default::default()
    }
}

/// Has a model rewrite what a failing test tests.
fn failing_tests(snapshot: &Snapshot, params: &lsp::CodeActionParams, file: graph::FileId) -> Vec<lsp::CodeAction> {
    let (analysis, encoding) = (&snapshot.analysis, snapshot.editor.encoding);
    let is_failure =
        |finding: &lsp::Diagnostic| finding.code == Some(lsp::NumberOrString::String("test-failed".to_owned()));
    let action = |finding: lsp::Diagnostic| {
        let related = finding.related_information.iter().flatten();
        let frames = related.filter_map(|it| {
            let file = snapshot.file(&it.location.uri)?;
            Some((file, from_proto::offset(analysis.source(file), it.location.range.start, encoding)))
        });
        let frames: Vec<_> = frames.collect();
        let line = from_proto::range(analysis.source(file), finding.range, encoding);
        let target = assists::code_under_test(analysis, file, line, &frames)?;
        let symbol = analysis.symbol(target);
        let test = analysis.symbol(analysis.enclosing(file, line.start()));
        let propose = Propose {
            assist: AssistId::FixFailingTest,
            uri: snapshot.uri(target.file)?,
            position: snapshot.range(target.file, symbol.name_range).start,
            instruction: Some(format!("`{}` fails: {}", test.qualified_name(), finding.message)),
            fixes_code: None,
        };
        let title = format!("Fix `{}` with a model (preview)", symbol.local_name());
        Some(lsp::CodeAction {
            title: title.clone(),
            kind: Some(lsp::CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![finding]),
            command: Some(Command::Propose(propose).titled(title)),
            ..Default::default()
        })
    };
    fixed(params, None).into_iter().filter(is_failure).filter_map(action).collect()
}

/// What the sandbox can run here, as actions.
fn runs(snapshot: &Snapshot, uri: &lsp::Uri, file: graph::FileId, range: lsp::Range) -> Vec<lsp::CodeAction> {
    let action = |(title, run): (String, Run)| lsp::CodeAction {
        title: title.clone(),
        kind: Some(RUN),
        command: Some(Command::Run(run).titled(title)),
        ..Default::default()
    };
    runs_here(snapshot, uri, file, range).into_iter().map(action).collect()
}

/// `tantu.runHere`: what is to be run there.
pub(crate) fn run_here(query: &Query, place: &RunHere) -> Result<Option<Run>> {
    let snapshot = &query.snapshot;
    let file = snapshot.file(&place.uri);
    let found = file.map(|file| runs_here(snapshot, &place.uri, file, place.range)).unwrap_or_default();
    Ok(found.into_iter().next().map(|(_, run)| run))
}

/// The selected lines, then what the cursor is in; with what to call it.
fn runs_here(snapshot: &Snapshot, uri: &lsp::Uri, file: graph::FileId, range: lsp::Range) -> Vec<(String, Run)> {
    let place = from_proto::range(snapshot.analysis.source(file), range, snapshot.editor.encoding);
    let mut found = Vec::new();
    // In editors in which the cursor is a character, that is no selection.
    if snapshot.analysis.source(file).slice(place).trim().chars().nth(1).is_some() {
        let run = Run { uri: uri.clone(), kind: RunKind::Selection, target: None, range: Some(range), coverage: false };
        found.push(("Run the selection in the sandbox".to_owned(), run));
    }
    if let Some(runnable) = ide::runnable_at(&snapshot.analysis, file, place.start()) {
        let what = match (&runnable.kind, &runnable.target) {
            (ide::RunnableKind::Cell, _) => "this cell".to_owned(),
            (ide::RunnableKind::Main, _) => "this file".to_owned(),
            (ide::RunnableKind::Pytest, None) => "the tests of this file".to_owned(),
            (ide::RunnableKind::Doctest, None) => "the doctest of this module".to_owned(),
            (ide::RunnableKind::Doctest, Some(name)) => format!("the doctest of `{name}`"),
            (ide::RunnableKind::Pytest, Some(name)) => format!("`{name}`"),
        };
        found.push((format!("Run {what} in the sandbox"), Run::of(&runnable, uri.clone())));
    }
    found
}

/// Whether it is about a whole file, so that editors may do it on saving.
fn is_of_file(kind: &lsp::CodeActionKind) -> bool {
    [FIX_ALL, ORGANIZE_IMPORTS].contains(kind)
}

/// Makes the edit of an action that was offered without it.
pub(crate) fn resolve(query: &Query, mut action: lsp::CodeAction) -> Result<lsp::CodeAction> {
    let snapshot = &query.snapshot;
    // Some editors ask although nothing is missing.
    let Some(data) = action.data.clone().filter(|_| action.edit.is_none()) else { return Ok(action) };
    let data: Unresolved = serde_json::from_value(data)
        .map_err(|error| Error::invalid_params(format!("this is no action of ours: {error}")))?;
    let moved = || Error::new(ErrorCode::ContentModified);
    let file = snapshot.file(&data.uri).ok_or_else(moved)?;
    if snapshot.version(&from_proto::path(&data.uri)) != data.version {
        return Err(moved());
    }
    let wanted = Wanted::Only { id: &data.id, title: &action.title };
    let findings = lint_findings(snapshot, file);
    let request = request(snapshot, &data.uri, file, data.range, wanted, &findings);
    let made = assists::actions(&snapshot.analysis, &request).into_iter().next().ok_or_else(moved)?;
    let edit = match made.edit {
        Edit::Ready(change) => to_proto::change(snapshot, &change),
        // Editors ask on every save, and then nobody wants to hear that there is nothing to do.
        Edit::Refused(_) if action.kind.as_ref().is_some_and(is_of_file) => Ok(lsp::WorkspaceEdit::default()),
        Edit::Refused(reason) => Err(reason),
        // All was asked for.
        Edit::Later => Err("it cannot be made".to_owned()),
    };
    action.edit = Some(edit.map_err(refused)?);
    Ok(action)
}

/// The edit of `tantu.changeSignature`.
pub(crate) fn change_signature(query: &Query, params: &ChangeSignature) -> Result<lsp::WorkspaceEdit> {
    let snapshot = &query.snapshot;
    let place = lsp::TextDocumentPositionParams {
        text_document: lsp::TextDocumentIdentifier { uri: params.uri.clone() },
        position: params.position,
    };
    let nowhere = || Error::invalid_params("there is no function at this place");
    let (file, offset) = snapshot.place(&place).ok_or_else(nowhere)?;
    let function = assists::function_at(&snapshot.analysis, file, offset).ok_or_else(nowhere)?;
    let change = assists::change_signature(&snapshot.analysis, function, &params.steps).map_err(refused)?;
    to_proto::change(snapshot, &change).map_err(refused)
}

/// The edit of `tantu.silence`.
pub(crate) fn silence(query: &Query, params: &Silence) -> Result<lsp::WorkspaceEdit> {
    let snapshot = &query.snapshot;
    let nothing = || refused("no linter finds anything here that a comment silences".to_owned());
    let (file, offset) = snapshot.place(&params.place).ok_or_else(nothing)?;
    let findings = lint_findings(snapshot, file);
    let line = |offset| snapshot.analysis.source(file).lines().line(offset);
    let is_meant = |it: &&Finding| match &params.code {
        Some(code) => it.code == *code && line(it.range.start()) == line(offset),
        None => it.range.contains_inclusive(offset),
    };
    let finding = findings.iter().find(is_meant).ok_or_else(nothing)?;
    let ruff = snapshot.lints.ruff().ok_or_else(nothing)?;
    let reason = params.reason.as_deref().unwrap_or_default();
    let change = ide::silence(&snapshot.analysis, file, ruff, finding, reason).ok_or_else(nothing)?;
    to_proto::workspace_edit(snapshot, &change).ok_or_else(nothing)
}

/// An action that turned out not to be possible.
pub(crate) fn refused(reason: String) -> Error {
    const REQUEST_FAILED: i64 = -32803;
    Error { code: ErrorCode::ServerError(REQUEST_FAILED), message: reason.into(), data: None }
}

/// What linters found in an open document, whether or not it is shown.
fn lint_findings(snapshot: &Snapshot, file: graph::FileId) -> Arc<Vec<Finding>> {
    let is_open = snapshot.documents.contains_key(snapshot.analysis.path(file));
    if is_open { snapshot.lints.of_document(&snapshot.analysis, file) } else { Arc::default() }
}

fn request<'a>(
    snapshot: &'a Snapshot,
    uri: &lsp::Uri,
    file: graph::FileId,
    range: lsp::Range,
    wanted: Wanted<'a>,
    findings: &'a [Finding],
) -> Request<'a> {
    let source = snapshot.analysis.source(file);
    let range = from_proto::range(source, range, snapshot.editor.encoding);
    let saved = snapshot.documents.get(&from_proto::path(uri)).map(|document| document.saved.clone());
    let lint = Lint { findings, ruff: snapshot.lints.ruff() };
    Request {
        file,
        range,
        before: saved.filter(|saved| saved != source.text()),
        lint,
        project: &snapshot.settings.project,
        wanted,
    }
}

/// Whether certain kinds are asked for. Some editors name all kinds in every question, and with them the empty one, which
/// stands for all.
fn is_on_request(params: &lsp::CodeActionParams) -> bool {
    params.context.only.as_ref().is_some_and(|kinds| !kinds.contains(&lsp::CodeActionKind::EMPTY))
}

/// What the editor knows to be wrong within one line, if it asks about more than that: some always ask about the line of
/// the cursor, or the rest of it, and mean what is marked there.
fn broken_places(params: &lsp::CodeActionParams) -> Vec<lsp::Range> {
    let asked = params.range;
    let holds = |it: &lsp::Range| it.start <= asked.start && asked.end <= it.end;
    let mut places: Vec<_> = fixed(params, None).into_iter().map(|it| it.range).filter(|it| !holds(it)).collect();
    places.retain(|it| asked.start.line == asked.end.line && it.start.line == asked.start.line);
    places.dedup();
    places
}

/// `None` for what is not possible, unless somebody asked for this very kind and can be told why.
fn offered(snapshot: &Snapshot, params: &lsp::CodeActionParams, action: Action) -> Option<lsp::CodeAction> {
    let kind = kind(action.kind);
    let diagnostics = (action.kind == ActionKind::QuickFix).then(|| fixed(params, action.fixes_code.as_deref()));
    let mut shown = lsp::CodeAction {
        title: action.title,
        kind: Some(kind),
        diagnostics: diagnostics.filter(|fixed| !fixed.is_empty()),
        is_preferred: action.preferred.then_some(true),
        ..Default::default()
    };
    let edit = match action.edit {
        Edit::Ready(change) => to_proto::change(snapshot, &change),
        Edit::Refused(reason) => Err(reason),
        Edit::Later => {
            let uri = params.text_document.uri.clone();
            let version = snapshot.version(&from_proto::path(&uri));
            let data = Unresolved { id: action.id.to_owned(), uri, range: params.range, version };
            shown.data = serde_json::to_value(data).ok();
            return Some(shown);
        }
    };
    match edit {
        Ok(edit) => shown.edit = Some(edit),
        Err(reason) if snapshot.editor.disabled_actions && is_on_request(params) => {
            shown.disabled = Some(lsp::CodeActionDisabled { reason });
        }
        Err(_) => return None,
    }
    Some(shown)
}

/// The diagnostics at the place that was asked about, those with the code `only` if there is one.
fn fixed(params: &lsp::CodeActionParams, only: Option<&str>) -> Vec<lsp::Diagnostic> {
    let touches = |it: &&lsp::Diagnostic| it.range.start <= params.range.end && params.range.start <= it.range.end;
    let is_meant = |it: &&lsp::Diagnostic| {
        only.is_none_or(|only| matches!(&it.code, Some(lsp::NumberOrString::String(code)) if code == only))
    };
    params.context.diagnostics.iter().filter(touches).filter(is_meant).cloned().collect()
}

fn kind(kind: ActionKind) -> lsp::CodeActionKind {
    match kind {
        ActionKind::QuickFix => lsp::CodeActionKind::QUICKFIX,
        ActionKind::FixAll => FIX_ALL,
        ActionKind::OrganizeImports => ORGANIZE_IMPORTS,
        ActionKind::Extract => lsp::CodeActionKind::REFACTOR_EXTRACT,
        ActionKind::Inline => lsp::CodeActionKind::REFACTOR_INLINE,
        ActionKind::Rewrite => lsp::CodeActionKind::REFACTOR_REWRITE,
        ActionKind::Move => MOVE,
        ActionKind::Source => lsp::CodeActionKind::SOURCE,
    }
}

/// Whether an editor that asks for `asked` means `kind` too: kinds are a hierarchy.
fn is_within(kind: &lsp::CodeActionKind, asked: &lsp::CodeActionKind) -> bool {
    let below = kind.as_str().strip_prefix(asked.as_str());
    asked.as_str().is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_a_hierarchy() {
        for (asked, wanted) in
            [("", true), ("refactor", true), ("refactor.rewrite", true), ("refactor.re", false), ("quickfix", false)]
        {
            let asked = lsp::CodeActionKind::from(asked.to_owned());
            assert_eq!(is_within(&lsp::CodeActionKind::REFACTOR_REWRITE, &asked), wanted, "{asked:?}");
        }
    }
}

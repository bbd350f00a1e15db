//! The body of a function, written anew by a model: where it stands, and what a reply makes of it.
//!
//! Decorators, signature and docstring stay as they are, whatever the reply says.

use graph::{Analysis, FileId, SymbolId, SymbolKind};
use syntax::ast::StmtFunctionDef;
use syntax::{FileEdit, Parsed, Ranged, SourceChange, TextEdit, TextRange, TextSize, parse};

use super::imports::{self, Destination};
use super::layout::{Layout, after_comment, own_line_indent, reindent};
use super::reply::{Function, Parts, Reply, functions};
use super::{Refusal, Scope};

/// Finds the function that is meant in a tree, if it is there and still what the assist is for.
pub(super) type Find = for<'a> fn(&Analysis, SymbolId, &'a Parsed) -> Option<Function<'a>>;

/// The function around `range`, decorators included, whose code a model may write; none in a stub file.
pub(super) fn around(analysis: &Analysis, file: FileId, range: TextRange) -> Option<SymbolId> {
    let mut symbol = analysis.enclosing(file, range.start());
    while analysis.symbol(symbol).kind == SymbolKind::Lambda {
        symbol = analysis.symbol(symbol).parent?;
    }
    let view = analysis.symbol(symbol);
    let is_function = matches!(view.kind, SymbolKind::Function | SymbolKind::Method);
    let is_stub_file = analysis.path(file).extension().is_some_and(|extension| extension == "pyi");
    (is_function && !is_stub_file && view.range.contains_range(range)).then_some(symbol)
}

/// The function in the tree that the graph calls `symbol`.
pub(super) fn find<'a>(analysis: &Analysis, symbol: SymbolId, parsed: &'a Parsed) -> Option<Function<'a>> {
    let name = analysis.symbol(symbol).name_range;
    functions(parsed.statements()).into_iter().find(|function| function.node.name.range == name)
}

/// The body of the function.
pub(super) fn scope(analysis: &Analysis, target: SymbolId, find: Find) -> Option<Scope> {
    let text = analysis.source(target.file).text();
    let parsed = parse(text);
    let function = find(analysis, target, &parsed)?;
    let range = body_range(text, function.node, &parsed);
    Some(Scope::of(analysis, target.file, range))
}

/// From the colon to the end of the body, a comment behind it included.
fn body_range(text: &str, function: &StmtFunctionDef, parsed: &Parsed) -> TextRange {
    let colon = Parts::of(function, parsed).colon;
    TextRange::new(colon, after_comment(text, function.end().max(colon)))
}

/// The edit that the code of a reply means.
///
/// # Errors
/// When it has no such function, or one that cannot take the place of this one.
pub(super) fn accept(analysis: &Analysis, target: SymbolId, code: &str, find: Find) -> Result<SourceChange, Refusal> {
    written(analysis, target, code, find, false)
}

/// The same; `becomes_async` says whether the reply's function may be `async` where this one is not.
pub(super) fn written(
    analysis: &Analysis,
    target: SymbolId,
    code: &str,
    find: Find,
    becomes_async: bool,
) -> Result<SourceChange, Refusal> {
    let source = analysis.source(target.file);
    let parsed = parse(source.text());
    let function = find(analysis, target, &parsed).ok_or(Refusal::NoTarget)?;
    let reply = Reply::parse(code)?;
    let body = reply.body_for(&function, becomes_async)?;

    let layout = Layout::of(function.node, &parsed, source.text());
    let file = Destination::of(analysis, target.file, &parsed);
    let mut missing = imports::missing(&body.imports, body.statements, &file);
    missing.global.extend(imports::forgotten(&body.imports, body.statements, &file));

    let mut lines: Vec<String> = missing.local.iter().map(|line| format!("{}{line}", layout.base)).collect();
    let moved = reindent(reply.text(), reply.parsed().tokens(), body.range, &layout);
    lines.push(moved.trim_start_matches(['\r', '\n']).trim_end().to_owned());
    let body = lines.join(layout.newline);

    let mut edits = vec![replace_body(source.text(), function.node, &parsed, &layout, &body)];
    if !missing.global.is_empty() {
        edits.push(imports::insertion(source.text(), &parsed, &missing.global));
    }
    edits.sort_by_key(|edit| edit.range.start());
    let path = analysis.path(target.file).to_owned();
    Ok(SourceChange { files: vec![FileEdit { path, edits }] })
}

/// Puts `body`, whose lines are indented, behind the docstring.
fn replace_body(text: &str, function: &StmtFunctionDef, parsed: &Parsed, layout: &Layout, body: &str) -> TextEdit {
    let parts = Parts::of(function, parsed);
    let end = body_range(text, function, parsed).end();
    let newline = layout.newline;
    let on_own_line = |offset: TextSize| own_line_indent(text, offset).is_some();
    match (parts.docstring, parts.rest.first()) {
        // Comments between the docstring and the first statement stay.
        (_, Some(first)) if on_own_line(first.start()) => {
            let body = body.strip_prefix(layout.base.as_str()).unwrap_or(body);
            TextEdit::replace(TextRange::new(first.start(), end), body)
        }
        (Some(docstring), None) if on_own_line(docstring.start()) => TextEdit::insert(end, format!("{newline}{body}")),
        (Some(docstring), _) if on_own_line(docstring.start()) => {
            TextEdit::replace(TextRange::new(docstring.end(), end), format!("{newline}{body}"))
        }
        (Some(docstring), _) => {
            let docstring = &text[docstring];
            let base = &layout.base;
            let text = format!("{newline}{base}{docstring}{newline}{body}");
            TextEdit::replace(TextRange::new(parts.colon, end), text)
        }
        (None, _) => TextEdit::replace(TextRange::new(parts.colon, end), format!("{newline}{body}")),
    }
}

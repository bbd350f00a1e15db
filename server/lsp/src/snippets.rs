//! `tantu.snippets`: code that somebody keeps by name.

use assistant::memory;
use assistant::snippets::{self, Snippet, indented, of_proposal, of_range};
use serde::Serialize;
use serde_json::Value;
use syntax::{FileEdit, SourceChange, TextEdit, TextRange, TextSize};
use tower_lsp_server::jsonrpc::Result;
use tower_lsp_server::ls_types as lsp;

use crate::commands::{SnippetAction, Snippets};
use crate::handlers::code_action::refused;
use crate::query::Query;
use crate::{from_proto, to_proto};

/// What an editor is told of a snippet.
#[derive(Serialize)]
struct Listed {
    name: String,
    origin: String,
    lines: usize,
    code: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    tests: String,
}

/// What came of a command.
pub(crate) enum Done {
    Answer(Value),
    Edit(Box<lsp::WorkspaceEdit>),
}

/// # Errors
/// When there is no such snippet or place, or the journal cannot be used; the message is for the user.
pub(crate) fn perform(query: &Query, params: &Snippets) -> Result<Done> {
    let snapshot = &query.snapshot;
    let uri = &params.uri;
    let path = from_proto::path(uri);
    let workspace = memory::workspace(&snapshot.analysis, &path);
    let all = snippets::Snippets::of(workspace).map_err(refused)?;
    let name = || {
        params
            .name
            .clone()
            .filter(|name| !name.trim().is_empty())
            .ok_or_else(|| refused("which snippet? It needs a name".to_owned()))
    };
    match params.action {
        SnippetAction::List => {
            let found = all.list(params.name.as_deref().unwrap_or_default()).map_err(refused)?;
            let listed = found.into_iter().map(|it| Listed {
                lines: it.code.lines().count(),
                name: it.name,
                origin: it.origin,
                code: it.code,
                tests: it.tests,
            });
            Ok(Done::Answer(serde_json::to_value(listed.collect::<Vec<_>>()).unwrap_or_default()))
        }
        SnippetAction::Keep => {
            let kept = match params.proposal {
                Some(id) => of_proposal(&snapshot.analysis, id),
                None => {
                    let file = snapshot.file(uri).ok_or_else(|| refused("this file is not known".to_owned()))?;
                    let source = snapshot.analysis.source(file);
                    let range = params.range.map_or(TextRange::up_to(TextSize::of(&**source.text())), |range| {
                        from_proto::range(source, range, snapshot.editor.encoding)
                    });
                    Some(of_range(&snapshot.analysis, file, range))
                }
            };
            all.keep(&name()?, kept).map_err(refused)?;
            Ok(Done::Answer(Value::Null))
        }
        SnippetAction::Delete => {
            all.delete(&name()?).map_err(refused)?;
            Ok(Done::Answer(Value::Null))
        }
        SnippetAction::Insert => insert(query, params, &all.find(&name()?).map_err(refused)?),
    }
}

fn insert(query: &Query, params: &Snippets, snippet: &Snippet) -> Result<Done> {
    let snapshot = &query.snapshot;
    let place = || refused("where? It needs a place in a Python file".to_owned());
    let file = snapshot.file(&params.uri).ok_or_else(place)?;
    let source = snapshot.analysis.source(file);
    let at = from_proto::range(source, params.range.ok_or_else(place)?, snapshot.editor.encoding).start();
    let line = source.lines().line_range(source.lines().line(at), source.text());
    let text = source.slice(line);
    let indent = &text[..text.len() - text.trim_start().len()];
    let edit = TextEdit::insert(line.start(), indented(&snippet.code, indent.trim_end_matches(['\r', '\n'])));
    let path = snapshot.analysis.path(file).to_path_buf();
    let change = SourceChange { files: vec![FileEdit { path, edits: vec![edit] }] };
    let edit = to_proto::workspace_edit(snapshot, &change).ok_or_else(place)?;
    Ok(Done::Edit(Box::new(edit)))
}

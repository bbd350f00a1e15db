//! `textDocument/codeAction`
//!
//! What a model is to write takes its time and needs a person's yes, so these actions carry only a command.

use tower_lsp_server::jsonrpc::Result;
use tower_lsp_server::ls_types as lsp;

use crate::commands::{Command, Propose};
use crate::from_proto;
use crate::query::Query;

pub(crate) fn code_actions(query: &Query, params: &lsp::CodeActionParams) -> Result<Option<lsp::CodeActionResponse>> {
    let snapshot = &query.snapshot;
    let uri = &params.text_document.uri;
    let wanted = params.context.only.as_ref();
    let offers = snapshot.proposes && wanted.is_none_or(|kinds| kinds.iter().any(is_wanted));
    let Some(file) = snapshot.file(uri).filter(|_| offers) else { return Ok(None) };
    let range = from_proto::range(snapshot.analysis.source(file), params.range, snapshot.editor.encoding);
    let offers = ide::assists::offered(&snapshot.analysis, file, range).into_iter();
    let actions = offers.map(|offer| {
        let propose = Propose { assist: offer.id, uri: uri.clone(), position: params.range.start, instruction: None };
        lsp::CodeActionOrCommand::CodeAction(lsp::CodeAction {
            title: offer.title.to_owned(),
            kind: Some(lsp::CodeActionKind::REFACTOR_REWRITE),
            command: Some(Command::Propose(propose).titled(offer.title.to_owned())),
            ..Default::default()
        })
    });
    Ok(Some(actions.collect()))
}

/// Whether an editor that asks for `kind` means our actions too: kinds are a hierarchy.
fn is_wanted(kind: &lsp::CodeActionKind) -> bool {
    let ours = lsp::CodeActionKind::REFACTOR_REWRITE;
    let below = ours.as_str().strip_prefix(kind.as_str());
    kind.as_str().is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_a_hierarchy() {
        for (kind, wanted) in
            [("", true), ("refactor", true), ("refactor.rewrite", true), ("refactor.re", false), ("quickfix", false)]
        {
            assert_eq!(is_wanted(&lsp::CodeActionKind::from(kind.to_owned())), wanted, "{kind}");
        }
    }
}

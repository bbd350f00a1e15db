//! `tantu.context`

use tower_lsp_server::jsonrpc::Result;

use crate::commands::{Explanation, ShowContext};
use crate::query::Query;
use assistant::contexts::Contexts;

/// What a model would be shown to write or change the definition around a place.
pub(crate) fn explain(query: &Query, contexts: &Contexts, params: &ShowContext) -> Result<Option<Explanation>> {
    let snapshot = &query.snapshot;
    let analysis = &snapshot.analysis;
    let Some((file, offset)) = snapshot.place(&params.place) else { return Ok(None) };
    let target = analysis.enclosing(file, offset);
    let context = contexts.shown(analysis, target, Some(offset), params.budget);
    let markdown = context.to_markdown(params.budget);
    Ok(Some(Explanation { symbol: context.target, tokens: context.tokens, markdown }))
}

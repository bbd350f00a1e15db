//! `tantu.context`

use context::Options;
use tower_lsp_server::jsonrpc::Result;

use crate::commands::{Explanation, ShowContext};
use crate::contexts::Contexts;
use crate::query::Query;

/// What a model would be shown to write or change the definition around a place.
pub(crate) fn explain(query: &Query, contexts: &Contexts, params: &ShowContext) -> Result<Option<Explanation>> {
    let snapshot = &query.snapshot;
    let analysis = &snapshot.analysis;
    let Some((file, offset)) = snapshot.place(&params.place) else { return Ok(None) };
    let target = analysis.enclosing(file, offset);
    let (budget, options) = (params.budget, Options::default());
    let context = contexts.context(analysis, target, Some(offset), budget, &options, None);
    let markdown = context.to_markdown(params.budget);
    Ok(Some(Explanation { symbol: context.target, tokens: context.tokens, markdown }))
}

//! `tantu.graph`

use tower_lsp_server::jsonrpc::Result;

use crate::commands::{Drawing, Graph};
use crate::query::Query;

/// Definitions in each direction; more of them make a picture in which nothing can be found.
const MOST: usize = 100;

pub(crate) fn draw(query: &Query, params: &Graph) -> Result<Option<Drawing>> {
    let snapshot = &query.snapshot;
    let analysis = &snapshot.analysis;
    let Some((file, offset)) = snapshot.place(&params.place) else { return Ok(None) };
    let symbols = ide::prepare_call_hierarchy(analysis, file, offset);
    let Some(&symbol) = symbols.first() else { return Ok(None) };
    let svg = ide::diagram_around(analysis, symbol, params.depth, MOST).to_svg();
    Ok(Some(Drawing { symbol: analysis.symbol(symbol).qualified_name(), svg }))
}

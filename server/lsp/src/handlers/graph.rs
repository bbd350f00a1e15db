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
    let name = analysis.symbol(symbol).qualified_name();
    let href = |name: &str| {
        let symbol = *analysis.find(name).first()?;
        let line = analysis.source(symbol.file).line_number(analysis.symbol(symbol).name_range.start());
        // As browsers and editors count.
        Some(format!("{}#L{line}", snapshot.uri(symbol.file)?.as_str()))
    };
    let svg = ide::diagram_around(analysis, symbol, params.depth, MOST).to_linked_svg(&name, &href);
    Ok(Some(Drawing { symbol: name, svg }))
}

//! Nodes and edges as rows.

use graph::{Analysis, Confidence, FileId, Relation, SymbolId, SymbolKind};
use store::{Edge, FileRows, Node};

/// The rows of one file.
pub(super) fn of(analysis: &Analysis, file: FileId) -> FileRows {
    let source = analysis.source(file);
    let id = |symbol: SymbolId| analysis.stable_id(symbol).cast_signed();
    let nodes = analysis.symbols(file).into_iter().map(|symbol| {
        let view = analysis.symbol(symbol);
        let line = source.line_number(view.name_range.start());
        Node { id: id(symbol), qualified_name: view.qualified_name(), kind: kind(view.kind), line }
    });
    let edges = analysis.edges(file).into_iter().map(|edge| Edge {
        source: id(edge.source),
        target: id(edge.target),
        kind: match edge.relation {
            Relation::Calls(kind) => kind.as_str(),
            Relation::Imports => "import",
            Relation::Inherits => "inherits",
        },
        confidence: match edge.confidence {
            Confidence::Exact => "exact",
            Confidence::Inferred => "inferred",
            Confidence::Possible => "possible",
        },
        line: source.line_number(edge.range.start()),
    });
    FileRows {
        path: path(analysis, file),
        module: analysis.module_name(file).to_owned(),
        nodes: nodes.collect(),
        edges: edges.collect(),
    }
}

pub(super) fn path(analysis: &Analysis, file: FileId) -> String {
    analysis.path(file).to_string_lossy().into_owned()
}

fn kind(kind: SymbolKind) -> &'static str {
    match kind {
        SymbolKind::Module => "module",
        SymbolKind::Class => "class",
        SymbolKind::Function => "function",
        SymbolKind::Method => "method",
        SymbolKind::Lambda => "lambda",
        SymbolKind::Variable => "variable",
        SymbolKind::Attribute => "attribute",
    }
}

//! The outline of a file.

use graph::{Analysis, FileId, SymbolId, SymbolKind};
use rustc_hash::FxHashMap;
use syntax::TextRange;

/// A definition and what is defined inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentSymbol {
    pub symbol: SymbolId,
    pub name: String,
    /// What follows the name in its signature, such as `(self, n: int) -> str`; empty for variables.
    pub detail: String,
    pub kind: SymbolKind,
    /// The whole definition, decorators included.
    pub range: TextRange,
    /// The name, inside `range`.
    pub name_range: TextRange,
    /// In source order.
    pub children: Vec<DocumentSymbol>,
}

/// The definitions of `file` in source order. Lambdas are left out: an outline shows what a reader
/// looks for.
pub fn document_symbols(analysis: &Analysis, file: FileId) -> Vec<DocumentSymbol> {
    let mut children: FxHashMap<SymbolId, Vec<SymbolId>> = FxHashMap::default();
    for symbol in analysis.symbols(file) {
        if let Some(parent) = analysis.symbol(symbol).parent {
            children.entry(parent).or_default().push(symbol);
        }
    }
    outline(analysis, analysis.module(file), &children)
}

fn outline(
    analysis: &Analysis,
    parent: SymbolId,
    children: &FxHashMap<SymbolId, Vec<SymbolId>>,
) -> Vec<DocumentSymbol> {
    let mut symbols = Vec::new();
    for &symbol in children.get(&parent).into_iter().flatten() {
        let view = analysis.symbol(symbol);
        if view.kind != SymbolKind::Lambda {
            symbols.push(DocumentSymbol {
                symbol,
                name: view.name.to_owned(),
                detail: detail(&view),
                kind: view.kind,
                range: view.range,
                name_range: view.name_range,
                children: outline(analysis, symbol, children),
            });
        }
    }
    symbols
}

fn detail(view: &graph::Symbol<'_>) -> String {
    if matches!(view.kind, SymbolKind::Variable | SymbolKind::Attribute | SymbolKind::Module) {
        return String::new();
    }
    let signature = view.signature();
    let rest = signature.split_once(view.name).map(|(_, rest)| rest);
    rest.unwrap_or_default().trim_end_matches(':').to_owned()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use fixture::Workspace;

    fn check(text: &str, expected: Expect) {
        let workspace = Workspace::new(text);
        let mut out = String::new();
        draw(&document_symbols(&workspace.analysis, workspace.first_file()), 0, &mut out);
        expected.assert_eq(&out);
    }

    fn draw(symbols: &[DocumentSymbol], depth: usize, out: &mut String) {
        for symbol in symbols {
            assert!(symbol.range.contains_range(symbol.name_range));
            let indent = "  ".repeat(depth);
            out.push_str(&format!("{indent}{:?} {}{}\n", symbol.kind, symbol.name, symbol.detail));
            draw(&symbol.children, depth + 1, out);
        }
    }

    #[test]
    fn nested_definitions() {
        let text = "\
LIMIT = 3

@decorated
class Cart(Base):
    size: int = 0

    def __init__(self, owner):
        self.owner = owner

    async def add(self, n: int = 1) -> None:
        local = 1
        def inner(): pass
        return sorted(self, key=lambda x: x)

def f(f): return f
";
        check(
            text,
            expect![[r#"
            Variable LIMIT
            Class Cart(Base)
              Attribute size
              Method __init__(self, owner)
              Attribute owner
              Method add(self, n: int = 1) -> None
                Function inner()
            Function f f(f)
        "#]],
        );
    }

    #[test]
    fn redefinitions_stay_apart() {
        check(
            "if x:\n    def f(a): pass\nelse:\n    def f(b): pass\n",
            expect![[r#"
            Function f f(a)
            Function f f(b)
        "#]],
        );
    }

    #[test]
    fn an_empty_file() {
        check("", expect![[""]]);
    }
}

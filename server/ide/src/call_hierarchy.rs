//! Who calls a function and what it calls, with every call site.

use graph::{Analysis, Call, Confidence, FileId, SymbolId, SymbolKind, Target};
use syntax::{TextRange, TextSize};

/// The definition at the other end, and the sites of the calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HierarchyCall {
    /// The caller of an incoming call, the callee of an outgoing one.
    pub symbol: SymbolId,
    /// The callee's name at each call, in the file of the caller.
    pub ranges: Vec<TextRange>,
    /// The best of the sites.
    pub confidence: Confidence,
}

/// The functions and classes the hierarchy of `offset` starts from: what the name there refers to, or, on the first lines
/// of a definition, that definition.
pub fn prepare_call_hierarchy(analysis: &Analysis, file: FileId, offset: TextSize) -> Vec<SymbolId> {
    let mut symbols: Vec<SymbolId> = Vec::new();
    for target in analysis.targets(file, offset) {
        if let Target::Symbol(symbol, _) = target
            && can_be_called(analysis, symbol)
            && !symbols.contains(&symbol)
        {
            symbols.push(symbol);
        }
    }
    if symbols.is_empty() {
        let around = analysis.enclosing(file, offset);
        if can_be_called(analysis, around) && analysis.symbol(around).header.contains_inclusive(offset) {
            symbols.push(around);
        }
    }
    symbols
}

fn can_be_called(analysis: &Analysis, symbol: SymbolId) -> bool {
    match analysis.symbol(symbol).kind {
        SymbolKind::Class | SymbolKind::Function | SymbolKind::Method | SymbolKind::Lambda => true,
        SymbolKind::Module | SymbolKind::Variable | SymbolKind::Attribute => false,
    }
}

/// Who calls `symbol`. The statements of a module are a caller too: the module.
pub fn incoming_calls(analysis: &Analysis, symbol: SymbolId) -> Vec<HierarchyCall> {
    analysis.callers(symbol).into_iter().map(hierarchy_call).collect()
}

/// What `symbol` calls inside the workspace.
pub fn outgoing_calls(analysis: &Analysis, symbol: SymbolId) -> Vec<HierarchyCall> {
    analysis.callees(symbol).into_iter().map(hierarchy_call).collect()
}

fn hierarchy_call(call: Call) -> HierarchyCall {
    let ranges = call.sites.iter().map(|site| site.range).collect();
    HierarchyCall { symbol: call.other, ranges, confidence: call.confidence }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use fixture::Workspace;

    fn check(text: &str, expected: Expect) {
        let workspace = Workspace::new(text);
        let analysis = &workspace.analysis;
        let (file, offset) = workspace.cursor();
        let name = |symbol| analysis.symbol(symbol).qualified_name();
        let mut out = String::new();
        for item in prepare_call_hierarchy(analysis, file, offset) {
            out.push_str(&format!("{}\n", name(item)));
            for (title, calls) in [("from", incoming_calls(analysis, item)), ("to", outgoing_calls(analysis, item))] {
                for call in calls {
                    out.push_str(&format!("{title} {} ({:?})\n", name(call.symbol), call.confidence));
                    let caller = if title == "from" { call.symbol } else { item };
                    for range in call.ranges {
                        out.push_str(&workspace.draw(caller.file, range));
                    }
                }
            }
        }
        expected.assert_eq(&out);
    }

    #[test]
    fn every_site_in_files_that_nobody_opened() {
        let text = "\
#- /a.py
def f$0():
    return g(g(1))

def g(x): return x
#- /b.py
from a import f as renamed
renamed()
def twice(): return renamed() + renamed()
";
        check(
            text,
            expect![[r#"
            a.f
            from b (Exact)
            /b.py:2
                renamed()
                ^^^^^^^
            from b.twice (Exact)
            /b.py:3
                def twice(): return renamed() + renamed()
                                    ^^^^^^^
            /b.py:3
                def twice(): return renamed() + renamed()
                                                ^^^^^^^
            to a.g (Exact)
            /a.py:2
                    return g(g(1))
                           ^
            /a.py:2
                    return g(g(1))
                             ^
        "#]],
        );
    }

    #[test]
    fn call_hierarchy_from_a_call_site() {
        check(
            "class A:\n    def f(self): pass\n\ndef g(a: A):\n    a.f$0()\n",
            expect![[r#"
            main.A.f
            from main.g (Inferred)
            /main.py:5
                    a.f()
                      ^
        "#]],
        );
    }

    #[test]
    fn call_hierarchy_on_the_keyword_of_a_definition() {
        check(
            "de$0f f():\n    pass\nf()\n",
            expect![[r#"
            main.f
            from main (Exact)
            /main.py:3
                f()
                ^
        "#]],
        );
    }

    #[test]
    fn a_class_is_called_where_it_is_constructed() {
        check(
            "class A$0:\n    pass\n\ndef make():\n    return A()\n",
            expect![[r#"
            main.A
            from main.make (Exact)
            /main.py:5
                    return A()
                           ^
        "#]],
        );
    }

    #[test]
    fn variables_and_bodies_have_no_hierarchy() {
        check("x$0 = 1\n", expect![[""]]);
        check("def f():\n    ret$0urn 1\n", expect![[""]]);
    }
}

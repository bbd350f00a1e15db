//! Drawings of who calls whom and of which module imports which.

mod adjacency;
mod dot;
mod layout;
mod svg;

use std::collections::HashSet;

use graph::{Analysis, FileId, ImportKind, SymbolId, SymbolKind};

pub use adjacency::Diagram;

/// The modules of `files`, and the modules of the workspace that each imports: `from package import submodule` counts as an
/// import of the submodule, any other as one of the module that is named.
pub fn import_diagram(analysis: &Analysis, files: &[FileId]) -> Diagram {
    let mut diagram = Diagram::default();
    for &file in files {
        let module = analysis.module_name(file);
        diagram.node(module);
        for import in analysis.imports(file) {
            if let ImportKind::Module(imported) = import.kind {
                let imported = analysis.module_name(imported);
                if imported != module {
                    diagram.edge(module, imported);
                }
            }
        }
    }
    diagram
}

/// The definitions of `files` that call or are called, by qualified name.
pub fn call_diagram(analysis: &Analysis, files: &[FileId]) -> Diagram {
    let mut diagram = Diagram::default();
    for symbol in files.iter().flat_map(|&file| analysis.symbols(file)) {
        let view = analysis.symbol(symbol);
        if !matches!(view.kind, SymbolKind::Variable | SymbolKind::Attribute) {
            for call in analysis.callees(symbol) {
                diagram.edge(&view.qualified_name(), &analysis.symbol(call.other).qualified_name());
            }
        }
    }
    diagram
}

/// The calls that lead to `symbol` and those that lead on from it, no more than `depth` of them in a row. Each of the two
/// directions stops after the definition with which there are `most` of them; the nearest come first.
pub fn diagram_around(analysis: &Analysis, symbol: SymbolId, depth: usize, most: usize) -> Diagram {
    let name = |id| analysis.symbol(id).qualified_name();
    let mut diagram = Diagram::default();
    diagram.node(&name(symbol));
    for upwards in [true, false] {
        let mut seen = HashSet::from([symbol]);
        let mut level = vec![symbol];
        for _ in 0..depth {
            let mut next = Vec::new();
            for at in level {
                if seen.len() >= most {
                    break;
                }
                let calls = if upwards { analysis.callers(at) } else { analysis.callees(at) };
                for other in calls.into_iter().map(|call| call.other) {
                    let (from, to) = if upwards { (other, at) } else { (at, other) };
                    diagram.edge(&name(from), &name(to));
                    next.extend(seen.insert(other).then_some(other));
                }
            }
            level = next;
        }
    }
    diagram
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use std::path::PathBuf;

    use graph::{AnalysisHost, Change};

    use super::*;

    fn check(draw: fn(&Analysis, &[FileId]) -> Diagram, text: &str, expected: Expect) {
        let mut change = Change::default();
        fixture::Fixture::parse(text).files.into_iter().for_each(|file| change.set(file.path, file.text));
        let mut host = AnalysisHost::new(vec![PathBuf::from("/w")]);
        host.apply(change);
        let analysis = host.analysis();
        let files: Vec<FileId> = analysis.files().collect();
        let diagram = draw(&analysis, &files);
        expected.assert_eq(&format!("{:?}", diagram.adjacency()));
    }

    #[test]
    fn imports_lead_to_modules_of_the_workspace() {
        check(
            import_diagram,
            "\
#- /w/pkg/__init__.py
from .a import f
import os, pkg
#- /w/pkg/a.py
def f(): import pkg.b
#- /w/pkg/b.py
from . import a
",
            expect![[r#"{"pkg": {"pkg.a"}, "pkg.a": {"pkg.b"}, "pkg.b": {"pkg.a"}}"#]],
        );
    }

    #[test]
    fn calls_lead_to_definitions() {
        check(
            call_diagram,
            "#- /w/a.py\nimport b\ndef f(): return b.C().m()\ndef alone(): ...\n#- /w/b.py\nclass C:\n    def m(self): self.m()\n",
            expect![[r#"{"a.f": {"b.C", "b.C.m"}, "b.C": {}, "b.C.m": {"b.C.m"}}"#]],
        );
    }

    #[test]
    fn around_a_definition() {
        let text = "#- /w/a.py\ndef f(): g()\ndef g(): h()\ndef h(): i()\ndef i(): ...\ndef other(): i()\n";
        let draw = |analysis: &Analysis, _: &[FileId]| diagram_around(analysis, analysis.find("a.g")[0], 1, usize::MAX);
        check(draw, text, expect![[r#"{"a.f": {"a.g"}, "a.g": {"a.h"}, "a.h": {}}"#]]);
    }
}

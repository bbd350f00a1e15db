//! `tantu graph [PATHS]`

mod diagram;
mod dot;
mod layout;
mod svg;

use std::collections::HashSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use graph::{Analysis, FileId, ImportKind, SymbolId, SymbolKind};

use self::diagram::Diagram;
use crate::Status;
use crate::commands::impact;
use crate::output::{print, print_json};
use crate::workspace::Workspace;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Files and folders whose edges are drawn; the current folder if there are none. All of the workspace around them is
    /// read
    paths: Vec<PathBuf>,
    /// Which module imports which, instead of who calls whom
    #[arg(long)]
    imports: bool,
    /// Only what calls or is called by a definition, directly or through others: shop.cart:Cart.add or shop/cart.py:12
    #[arg(long, value_name = "SYMBOL|FILE:LINE", conflicts_with_all = ["imports", "paths"])]
    around: Option<String>,
    /// How many calls away from the definition
    #[arg(long, default_value_t = 2, requires = "around")]
    depth: usize,
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// `{"from": ["to"]}`, sorted; stable
    Json,
    /// For Graphviz; what is part of a cycle is red
    Dot,
    /// A drawing; what is part of a cycle is red and dashed
    Svg,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let diagram = match &arguments.around {
        Some(symbol) => {
            let (workspace, symbol) = impact::target(symbol)?;
            around(&workspace.analysis, symbol, arguments.depth)
        }
        None => {
            let (workspace, files) = Workspace::around(&arguments.paths)?;
            let analysis = &workspace.analysis;
            if arguments.imports { imports(analysis, &files) } else { calls(analysis, &files) }
        }
    };
    match arguments.format {
        Format::Json => print_json(&diagram.adjacency())?,
        Format::Dot => print(&dot::write(&diagram))?,
        Format::Svg => print(&svg::write(&diagram))?,
    }
    Ok(Status::Fine)
}

/// The modules of `files`, and the modules of the workspace that each imports: `from package import submodule` counts as an
/// import of the submodule, any other as one of the module that is named.
fn imports(analysis: &Analysis, files: &[FileId]) -> Diagram {
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
fn calls(analysis: &Analysis, files: &[FileId]) -> Diagram {
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

/// The calls that lead to `symbol` and those that lead on from it, no more than `depth` of them in a row.
fn around(analysis: &Analysis, symbol: SymbolId, depth: usize) -> Diagram {
    let name = |id| analysis.symbol(id).qualified_name();
    let mut diagram = Diagram::default();
    diagram.node(&name(symbol));
    for upwards in [true, false] {
        let mut seen = HashSet::from([symbol]);
        let mut level = vec![symbol];
        for _ in 0..depth {
            let mut next = Vec::new();
            for at in level {
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
        expected.assert_eq(&serde_json::to_string(&diagram.adjacency()).unwrap());
    }

    #[test]
    fn imports_lead_to_modules_of_the_workspace() {
        check(
            imports,
            "\
#- /w/pkg/__init__.py
from .a import f
import os, pkg
#- /w/pkg/a.py
def f(): import pkg.b
#- /w/pkg/b.py
from . import a
",
            expect![[r#"{"pkg":["pkg.a"],"pkg.a":["pkg.b"],"pkg.b":["pkg.a"]}"#]],
        );
    }

    #[test]
    fn calls_lead_to_definitions() {
        check(
            calls,
            "#- /w/a.py\nimport b\ndef f(): return b.C().m()\ndef alone(): ...\n#- /w/b.py\nclass C:\n    def m(self): self.m()\n",
            expect![[r#"{"a.f":["b.C","b.C.m"],"b.C":[],"b.C.m":["b.C.m"]}"#]],
        );
    }

    #[test]
    fn around_a_definition() {
        let text = "#- /w/a.py\ndef f(): g()\ndef g(): h()\ndef h(): i()\ndef i(): ...\ndef other(): i()\n";
        let draw = |analysis: &Analysis, _: &[FileId]| around(analysis, analysis.find("a.g")[0], 1);
        check(draw, text, expect![[r#"{"a.f":["a.g"],"a.g":["a.h"],"a.h":[]}"#]]);
    }
}

//! `tantu callgraph DIR`

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use graph::{Analysis, SymbolId, SymbolKind};

use crate::Status;
use crate::output::{Format, print, print_json};
use crate::workspace::Workspace;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder to read; names are relative to it
    dir: PathBuf,
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
}

/// Names as `package.module.Class.function`.
type CallGraph = BTreeMap<String, BTreeSet<String>>;

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let workspace = Workspace::read(&arguments.dir)?;
    let graph = call_graph(&workspace.analysis, &workspace.root);
    match arguments.format {
        Format::Json => print_json(&graph)?,
        Format::Human => {
            let lines = graph.iter().flat_map(|(from, to)| to.iter().map(move |to| format!("{from} → {to}\n")));
            print(lines.collect::<String>())?;
        }
    }
    Ok(Status::Fine)
}

/// Who calls whom inside the workspace. To construct an object is to call its `__init__`, if the workspace has one.
fn call_graph(analysis: &Analysis, root: &Path) -> CallGraph {
    let mut graph = CallGraph::new();
    for file in analysis.files() {
        for symbol in analysis.symbols(file) {
            let is_caller = !matches!(analysis.symbol(symbol).kind, SymbolKind::Variable | SymbolKind::Attribute);
            if is_caller {
                let callees = analysis.callees(symbol).into_iter().filter_map(|call| callee(analysis, call.other));
                let names = callees.map(|callee| name(analysis, root, callee));
                graph.entry(name(analysis, root, symbol)).or_default().extend(names);
            }
        }
    }
    graph
}

fn callee(analysis: &Analysis, symbol: SymbolId) -> Option<SymbolId> {
    match analysis.symbol(symbol).kind {
        SymbolKind::Function | SymbolKind::Method | SymbolKind::Lambda => Some(symbol),
        SymbolKind::Class => {
            let members = analysis.members(symbol).into_iter();
            members.into_iter().find(|&member| {
                let view = analysis.symbol(member);
                view.name == "__init__" && view.kind == SymbolKind::Method
            })
        }
        SymbolKind::Module | SymbolKind::Variable | SymbolKind::Attribute => None,
    }
}

fn name(analysis: &Analysis, root: &Path, symbol: SymbolId) -> String {
    let path = analysis.path(symbol.file);
    let stem = path.strip_prefix(root).unwrap_or(path).with_extension("");
    let mut parts: Vec<String> = stem.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.len() > 1 {
        parts.pop_if(|last| last == "__init__");
    }
    let view = analysis.symbol(symbol);
    if view.kind != SymbolKind::Module {
        parts.push(view.local_name());
    }
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use graph::{AnalysisHost, Change};

    use super::*;

    #[test]
    fn modules_lambdas_and_constructors() {
        let mut change = Change::default();
        for file in fixture::Fixture::parse(
            "\
#- /w/main.py
from pkg import Shop, Plain
key = lambda item: Shop(item).price()
key(1)
Plain()
#- /w/pkg/__init__.py
class Plain: pass
class Base:
    def __init__(self, item): pass
class Shop(Base):
    def price(self): return price(self)
def price(shop): return shop.price()
",
        )
        .files
        {
            change.set(file.path, file.text);
        }
        let mut host = AnalysisHost::new(vec![PathBuf::from("/w")]);
        host.apply(change);
        let graph = call_graph(&host.analysis(), Path::new("/w"));
        expect![[r#"
            {
              "main": [
                "main.<lambda1>"
              ],
              "main.<lambda1>": [
                "pkg.Base.__init__",
                "pkg.Shop.price"
              ],
              "pkg": [],
              "pkg.Base": [],
              "pkg.Base.__init__": [],
              "pkg.Plain": [],
              "pkg.Shop": [],
              "pkg.Shop.price": [
                "pkg.price"
              ],
              "pkg.price": []
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&graph).unwrap());
    }
}

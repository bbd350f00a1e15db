//! The graph as plain nodes and edges, for whoever keeps or draws it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use syntax::TextRange;

use super::Analysis;
use crate::link::ImportLink;
use crate::types::{Def, Unit};
use crate::{Confidence, EdgeKind, FileId, SymbolId};

/// What a definition does with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    pub source: SymbolId,
    pub target: SymbolId,
    pub relation: Relation,
    pub confidence: Confidence,
    /// Where it is written in the source's file: the callee's name, the imported name, the name of the class.
    pub range: TextRange,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// Calling a class is also calling its `__init__`.
    Calls(EdgeKind),
    /// From module to module.
    Imports,
    Inherits,
}

impl Analysis {
    /// Every edge that begins in `file`.
    pub fn edges(&self, file: FileId) -> Vec<Edge> {
        let Some(facts) = self.facts(file) else { return Vec::new() };
        let links = &self.snapshot.links[file.index()];
        let mut edges = Vec::new();
        self.calls_from(file, |source, site, target, _| {
            let (confidence, range) = (site.confidence, site.range);
            edges.push(Edge { source, target, relation: Relation::Calls(site.kind), confidence, range });
        });
        for (import, link) in facts.summary.imports.iter().zip(&links.imports) {
            if let ImportLink::Module(module) = link {
                let (source, target) = (self.module(file), self.module(*module));
                let (relation, confidence) = (Relation::Imports, Confidence::Exact);
                edges.push(Edge { source, target, relation, confidence, range: import.range });
            }
        }
        for (class, base) in &links.bases {
            let source = self.id(Def { unit: Unit::live(file), symbol: *class });
            let range = facts.summary.symbol(*class).name_range;
            let (relation, confidence) = (Relation::Inherits, Confidence::Exact);
            edges.push(Edge { source, target: *base, relation, confidence, range });
        }
        edges
    }

    /// A number for a definition that is the same in every process of this program, as long as the definition's file,
    /// qualified name and place among redefinitions are.
    pub fn stable_id(&self, id: SymbolId) -> u64 {
        let path = self.snapshot.def(id).map(|def| self.symbol_facts(def).path);
        let mut hasher = DefaultHasher::new();
        (self.path(id.file), path).hash(&mut hasher);
        hasher.finish()
    }

    /// The files whose text or edges are not those of `before`. Another host's snapshot may be given; then they all are.
    pub fn changed_since(&self, before: &Analysis) -> Vec<FileId> {
        let same = |file: &FileId| {
            let (now, then) = (&*self.snapshot, &*before.snapshot);
            let facts = then.facts(*file).zip(now.facts(*file));
            facts.is_some_and(|(then, now)| Arc::ptr_eq(then, now))
                && Arc::ptr_eq(&then.links[file.index()], &now.links[file.index()])
        };
        self.files().filter(|file| !same(file)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::Change;
    use crate::testing::host;

    const SHOP: &str = "\
#- /shop.py
class Base: ...
class Shop(Base):
    def __init__(self): ...
#- /main.py
from shop import Shop
def main():
    Shop()
#- /other.py
x = 1
";

    fn shown(analysis: &Analysis, path: &str) -> Vec<String> {
        let name = |id| analysis.symbol(id).qualified_name();
        let edges = analysis.edges(analysis.file(Path::new(path)).unwrap());
        edges.iter().map(|edge| format!("{} {:?} {}", name(edge.source), edge.relation, name(edge.target))).collect()
    }

    #[test]
    fn edges_of_every_kind() {
        let analysis = host(SHOP).analysis();
        assert_eq!(
            shown(&analysis, "/main.py"),
            [
                "main.main Calls(Constructor) shop.Shop",
                "main.main Calls(Constructor) shop.Shop.__init__",
                "main Imports shop"
            ]
        );
        assert_eq!(shown(&analysis, "/shop.py"), ["shop.Shop Inherits shop.Base"]);
    }

    #[test]
    fn what_changes_are_texts_and_edges() {
        let mut host = host(SHOP);
        let before = host.analysis();
        let names = |now: &Analysis, before: &Analysis| {
            let files = now.changed_since(before);
            files.iter().map(|&file| now.path(file).display().to_string()).collect::<Vec<_>>()
        };
        let mut change = Change::default();
        change.set("/shop.py", "class Base: ...\n");
        host.apply(change);
        assert_eq!(names(&host.analysis(), &before), ["/main.py", "/shop.py"]);
        assert_eq!(names(&host.analysis(), &host.analysis()), [] as [&str; 0]);
        assert_eq!(names(&before, &crate::testing::host(SHOP).analysis()), ["/main.py", "/other.py", "/shop.py"]);
    }

    #[test]
    fn identities_are_those_of_another_host() {
        let (one, mut other) = (host(SHOP), host("#- /before.py\n"));
        let mut change = Change::default();
        change.set("/shop.py", "# moved\nclass Other: ...\nclass Base: ...\n");
        other.apply(change);
        let id = |analysis: &Analysis, name: &str| analysis.stable_id(analysis.find(name)[0]);
        assert_eq!(id(&one.analysis(), "shop.Base"), id(&other.analysis(), "shop.Base"));
        assert_ne!(id(&one.analysis(), "shop.Base"), id(&one.analysis(), "shop.Shop"));
    }
}

//! Numbers about the whole graph.

use serde::Serialize;

use super::Analysis;
use crate::Confidence;
use crate::link::{CallLink, ImportLink};

/// How much there is of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Stats {
    pub files: usize,
    pub lines: usize,
    pub symbols: usize,
    pub call_sites: usize,
    /// Call edges by confidence.
    pub exact_edges: usize,
    pub inferred_edges: usize,
    pub possible_edges: usize,
    /// Call sites that lead out of the workspace.
    pub external_calls: usize,
    /// Call sites whose target is not known.
    pub unresolved_calls: usize,
    pub inherits_edges: usize,
    /// Pairs of modules of which one imports the other.
    pub import_edges: usize,
    pub unresolved_imports: usize,
    pub files_with_syntax_errors: usize,
}

impl Analysis {
    pub fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        for file in self.files() {
            let Some(facts) = self.facts(file) else { continue };
            let links = &self.snapshot.links[file.index()];
            stats.files += 1;
            stats.lines += facts.summary.lines as usize;
            stats.symbols += facts.summary.symbols.len();
            stats.call_sites += links.calls.len();
            stats.files_with_syntax_errors += usize::from(!facts.summary.errors.is_empty());
            for call in &links.calls {
                match call {
                    CallLink::External(_) => stats.external_calls += 1,
                    CallLink::Unresolved(_) => stats.unresolved_calls += 1,
                    CallLink::Edges(edges) => {
                        for edge in edges.iter() {
                            match edge.confidence {
                                Confidence::Exact => stats.exact_edges += 1,
                                Confidence::Inferred => stats.inferred_edges += 1,
                                Confidence::Possible => stats.possible_edges += 1,
                            }
                        }
                    }
                }
            }
            stats.inherits_edges += links.bases.len();
            let mut imported: Vec<_> = links
                .imports
                .iter()
                .filter_map(|import| match import {
                    ImportLink::Module(module) => Some(*module),
                    _ => None,
                })
                .collect();
            imported.sort_unstable();
            imported.dedup();
            stats.import_edges += imported.len();
            let missing = |import: &&ImportLink| matches!(import, ImportLink::Missing(_));
            stats.unresolved_imports += links.imports.iter().filter(missing).count();
        }
        stats
    }
}

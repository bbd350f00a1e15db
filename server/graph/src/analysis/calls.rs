//! Call edges.

use rustc_hash::FxHashMap;
use syntax::{TextRange, TextSize};

use super::Analysis;
use crate::link::{CallLink, Edge, FurtherLink};
use crate::summary::SymbolIndex;
use crate::types::{Def, Unit};
use crate::{Confidence, EdgeKind, FileId, SymbolId, Unresolved};

/// All calls between two definitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The definition at the other end.
    pub other: SymbolId,
    /// In source order.
    pub sites: Vec<CallSite>,
    /// The best of the sites'.
    pub confidence: Confidence,
}

/// One place that calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallSite {
    pub file: FileId,
    /// The callee's name token: `bar` in `foo.bar(1)`.
    pub range: TextRange,
    pub confidence: Confidence,
    pub kind: EdgeKind,
}

impl CallSite {
    fn of_edge(file: FileId, range: TextRange, edge: &Edge) -> Self {
        CallSite { file, range, confidence: edge.confidence, kind: edge.kind }
    }

    fn of_link(file: FileId, link: &FurtherLink) -> Self {
        CallSite { file, range: link.range, confidence: link.confidence, kind: link.kind }
    }
}

impl Analysis {
    /// Who calls `id`, sorted by path and offset. Calling a class counts as calling its `__init__` too.
    pub fn callers(&self, id: SymbolId) -> Vec<Call> {
        self.callers_from(id, self.sources(id.file))
    }

    /// For what is defined in `file` and called: the files that do. For [`Analysis::callers_from`], where many definitions of a
    /// file are asked about that hundreds of files use.
    pub fn calling_files(&self, file: FileId) -> FxHashMap<SymbolId, Vec<FileId>> {
        let mut calling: FxHashMap<SymbolId, Vec<FileId>> = FxHashMap::default();
        for source in self.sources(file) {
            for target in self.snapshot.links[source.index()].called_in(file) {
                calling.entry(target).or_default().push(source);
            }
        }
        calling
    }

    /// Who calls `id` in some files, as [`Analysis::callers`] has them.
    pub fn callers_from(&self, id: SymbolId, files: impl IntoIterator<Item = FileId>) -> Vec<Call> {
        let mut calls = Vec::new();
        for file in files {
            let mut of_file = Vec::new();
            self.calls_to(id, file, |caller, site| add(&mut of_file, caller, site));
            of_file.sort_by_key(|call: &Call| call.sites[0].range.start());
            calls.append(&mut of_file);
        }
        calls
    }

    /// For every definition of `file` that is called: by how many others. One pass, for code lenses.
    pub fn caller_counts(&self, file: FileId) -> Vec<(SymbolId, usize)> {
        let mut pairs = std::collections::BTreeSet::new();
        for source in self.sources(file) {
            self.calls_from(source, |caller, _, target, _| {
                if target.file == file {
                    pairs.insert((target, caller));
                }
            });
        }
        let mut counts: Vec<(SymbolId, usize)> = Vec::new();
        for (target, _) in pairs {
            match counts.last_mut() {
                Some((last, count)) if *last == target => *count += 1,
                _ => counts.push((target, 1)),
            }
        }
        counts
    }

    /// What a reader of the code of `id` itself sees called, in source order; nested functions and lambdas have their own
    /// calls.
    pub fn callees(&self, id: SymbolId) -> Vec<Call> {
        self.callees_where(id, |site, implied| !implied && site.kind.is_explicit())
    }

    /// What Python calls in the code of `id` without its being written: constructors' methods, properties, operators,
    /// context managers.
    pub fn implied_callees(&self, id: SymbolId) -> Vec<Call> {
        self.callees_where(id, |site, implied| implied || !site.kind.is_explicit())
    }

    fn callees_where(&self, id: SymbolId, wanted: impl Fn(&CallSite, bool) -> bool) -> Vec<Call> {
        let mut calls = Vec::new();
        self.calls_from(id.file, |caller, site, target, implied| {
            if caller == id && wanted(&site, implied) {
                add(&mut calls, target, site);
            }
        });
        for call in &mut calls {
            call.sites.sort_by_key(|site| site.range.start());
        }
        calls.sort_by_key(|call: &Call| call.sites[0].range.start());
        calls
    }

    /// What is called where the callee's name is at `offset`; empty where no call is written, and where nothing in the
    /// workspace is called.
    pub fn called_at(&self, file: FileId, offset: TextSize) -> Vec<(SymbolId, Confidence)> {
        let Some(facts) = self.facts(file) else { return Vec::new() };
        let calls = facts.summary.calls.iter().zip(&self.snapshot.links[file.index()].calls);
        let mut called = Vec::new();
        for (_, link) in calls.filter(|(call, _)| call.range.contains_inclusive(offset)) {
            let CallLink::Edges(edges) = link else { continue };
            called.extend(edges.iter().filter(|edge| !edge.implied).map(|edge| (edge.target, edge.confidence)));
        }
        called
    }

    /// The calls in the code of `id` that leave the workspace, with the dotted name of what is called.
    pub fn external_calls(&self, id: SymbolId) -> Vec<(TextRange, String)> {
        self.other_calls(id, |link| match link {
            CallLink::External(name) => Some(name.to_string()),
            _ => None,
        })
    }

    /// The calls in the code of `id` whose target is not known, and why.
    pub fn unresolved_calls(&self, id: SymbolId) -> Vec<(TextRange, Unresolved)> {
        self.other_calls(id, |link| match link {
            CallLink::Unresolved(reason) => Some(*reason),
            _ => None,
        })
    }

    /// The calls written in a file that lead to nothing in the workspace, in source order: the callee's name token and,
    /// where it is known, the dotted name of what is called outside. One pass.
    pub fn open_calls(&self, file: FileId) -> Vec<(TextRange, Option<&'static str>)> {
        let Some(facts) = self.facts(file) else { return Vec::new() };
        let calls = facts.summary.calls.iter().zip(&self.snapshot.links[file.index()].calls);
        calls
            .filter_map(|(call, link)| match link {
                CallLink::External(name) => Some((call.range, Some(name.as_str()))),
                CallLink::Unresolved(_) => Some((call.range, None)),
                CallLink::Edges(_) => None,
            })
            .collect()
    }

    fn other_calls<T>(&self, id: SymbolId, pick: impl Fn(&CallLink) -> Option<T>) -> Vec<(TextRange, T)> {
        let Some(def) = self.snapshot.def(id).filter(|def| !def.unit.retained) else { return Vec::new() };
        let Some(facts) = self.facts(id.file) else { return Vec::new() };
        let calls = facts.summary.calls.iter().zip(&self.snapshot.links[id.file.index()].calls);
        calls
            .filter(|(call, _)| call.caller == def.symbol)
            .filter_map(|(call, link)| Some((call.range, pick(link)?)))
            .collect()
    }

    /// Visits the call edges of `file` that lead to `id`: caller, site.
    fn calls_to(&self, id: SymbolId, file: FileId, mut visit: impl FnMut(SymbolId, CallSite)) {
        let Some(facts) = self.facts(file) else { return };
        let links = &self.snapshot.links[file.index()];
        let (calls, further) = links.calls_of(id);
        for index in calls {
            let (call, CallLink::Edges(edges)) = (&facts.summary.calls[index], &links.calls[index]) else { continue };
            for edge in edges.iter().filter(|edge| edge.target == id) {
                visit(self.caller(file, call.caller), CallSite::of_edge(file, call.range, edge));
            }
        }
        for link in further {
            visit(self.caller(file, link.caller), CallSite::of_link(file, link));
        }
    }

    /// Visits the call edges of a file: caller, site, target, whether it is implied.
    pub(super) fn calls_from(&self, file: FileId, mut visit: impl FnMut(SymbolId, CallSite, SymbolId, bool)) {
        let Some(facts) = self.facts(file) else { return };
        for (call, link) in facts.summary.calls.iter().zip(&self.snapshot.links[file.index()].calls) {
            let CallLink::Edges(edges) = link else { continue };
            for edge in edges.iter() {
                let site = CallSite::of_edge(file, call.range, edge);
                visit(self.caller(file, call.caller), site, edge.target, edge.implied);
            }
        }
        for link in &self.snapshot.links[file.index()].further {
            visit(self.caller(file, link.caller), CallSite::of_link(file, link), link.target, false);
        }
    }

    fn caller(&self, file: FileId, symbol: SymbolIndex) -> SymbolId {
        self.id(Def { unit: Unit::live(file), symbol })
    }
}

fn add(calls: &mut Vec<Call>, other: SymbolId, site: CallSite) {
    match calls.iter_mut().find(|call| call.other == other) {
        Some(call) => {
            call.confidence = call.confidence.min(site.confidence);
            call.sites.push(site);
        }
        None => calls.push(Call { other, sites: vec![site], confidence: site.confidence }),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::testing::host;

    #[test]
    fn calls_that_lead_out_of_the_workspace_or_nowhere() {
        let text = "import os\ndef f(x):\n    x.run()\n    os.system(x)\nf(eval('1'))\n";
        let analysis = host(text).analysis();
        let file = analysis.file(Path::new("/main.py")).unwrap();
        let calls = analysis.open_calls(file).into_iter();
        let calls: Vec<_> = calls.map(|(range, name)| (analysis.source(file).slice(range), name)).collect();
        assert_eq!(calls, [("run", None), ("system", Some("os.system")), ("eval", Some("eval"))]);
    }

    #[test]
    fn the_files_that_call_have_all_callers() {
        let text = "#- /a.py\ndef f(): ...\ndef g(): f()\nclass C:\n    def __init__(self): g()\n#- /b.py\nimport a\na.f()\na.C()\n#- /c.py\n\
                    from a import f, g\nf(); f()\n[g][0]()\n";
        let analysis = host(text).analysis();
        let file = analysis.file(Path::new("/a.py")).unwrap();
        let calling = analysis.calling_files(file);
        for id in analysis.symbols(file) {
            let files = calling.get(&id).cloned().unwrap_or_default();
            assert_eq!(analysis.callers_from(id, files), analysis.callers(id));
        }
        assert!(calling.len() >= 3, "{calling:?}");
    }
}

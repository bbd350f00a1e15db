//! Joining the flow of values with what linking says.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::FileId;
use crate::flow::merge;
use crate::host::for_each;
use crate::link::Links;
use crate::snapshot::Snapshot;

/// A solution of the flow of values, to be handed to [`AnalysisHost::apply_flow`](crate::AnalysisHost::apply_flow).
#[derive(Clone, Debug)]
pub struct Flow {
    /// What was solved, with the solution.
    solved: Arc<Snapshot>,
    /// For each file of it: its links, joined with the solution. Done beforehand, because the writer has no time for it.
    links: Vec<Arc<Links>>,
}

impl Flow {
    /// Solves the flow of values of `snapshot`.
    pub(crate) fn new(snapshot: &Snapshot) -> Self {
        let outcome = crate::flow::solve(snapshot);
        let solved = Snapshot { flow: Arc::new(outcome), ..snapshot.clone() };
        let files = (0..solved.files.len()).map(|index| FileId(index as u32));
        let links = join_all(&solved, files.collect()).into_iter().map(|(_, links)| links).collect();
        Flow { solved: Arc::new(solved), links }
    }

    /// Gives `next` the solution, and says which files' links are different with it.
    pub(crate) fn join(self, next: &mut Snapshot) -> Vec<(FileId, Arc<Links>)> {
        next.flow = self.solved.flow.clone();
        let changed = self.changed_until(next);
        let leads_to_changed = |file: FileId| changed.contains(&file) || next.flow.leads_into(file, &changed);
        let files = (0..next.files.len()).map(|index| FileId(index as u32));
        let (again, same): (Vec<_>, Vec<_>) = files.partition(|&file| !changed.is_empty() && leads_to_changed(file));
        let mut joined = join_all(next, again);
        joined.extend(same.into_iter().map(|file| (file, self.links[file.index()].clone())));
        joined.retain(|(file, links)| next.links[file.index()] != *links);
        joined
    }

    /// The files whose text or structure is no longer what was solved.
    fn changed_until(&self, next: &Snapshot) -> FxHashSet<FileId> {
        let is_same = |file: &FileId| {
            let then = self.solved.files.get(file.index()).zip(self.solved.structure.get(file.index()));
            let is_same = |(facts, links): (&Option<Arc<_>>, &Arc<Links>)| {
                let now = &next.files[file.index()];
                facts.as_ref().map(Arc::as_ptr) == now.as_ref().map(Arc::as_ptr)
                    && Arc::ptr_eq(links, &next.structure[file.index()])
            };
            then.is_some_and(is_same)
        };
        (0..next.files.len()).map(|index| FileId(index as u32)).filter(|file| !is_same(file)).collect()
    }
}

/// What linking says of `files`, joined with the flow of values where that is known.
pub(crate) fn join_all(snapshot: &Snapshot, files: Vec<FileId>) -> Vec<(FileId, Arc<Links>)> {
    let join = |file: FileId| {
        let structure = &snapshot.structure[file.index()];
        let joined = merge(snapshot, file, structure).map(Arc::new);
        (file, joined.unwrap_or_else(|| structure.clone()))
    };
    for_each(files, join)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::Change;
    use crate::testing::host;

    #[test]
    fn what_modules_are_called_is_part_of_what_was_solved() {
        let mut host = host("#- /lib/a.py\nimport b\nb.f()\n#- /lib/b.py\ndef f(): ...\n");
        let apply_flow = |host: &mut crate::AnalysisHost| {
            let flow = host.analysis().solve_flow();
            host.apply_flow(flow);
            assert!(!host.analysis().is_flow_outdated());
        };
        apply_flow(&mut host);
        host.set_roots(vec![PathBuf::from("/lib")]);
        assert!(host.analysis().is_flow_outdated());
        apply_flow(&mut host);
        let mut change = Change::default();
        change.set("/lib/b.py", "# moved\ndef f(): ...\n");
        host.apply(change);
        assert!(!host.analysis().is_flow_outdated(), "places do not count");
    }

    #[test]
    fn files_edited_since_the_flow_was_solved_are_joined_anew() {
        let mut host = host("#- /a.py\ndef run(f): f()\n#- /b.py\nfrom a import run\ndef g(): ...\nrun(g)\n");
        let flow = host.analysis().solve_flow();
        let mut change = Change::default();
        change.set("/b.py", "# moved\nfrom a import run\ndef new(): ...\ndef g(): ...\nrun(g)\n");
        host.apply(change);
        host.apply_flow(flow);
        let analysis = host.analysis();
        let callers = |name: &str| {
            let calls = analysis.callers(analysis.find(name)[0]);
            calls.iter().map(|call| analysis.symbol(call.other).qualified_name()).collect::<Vec<_>>()
        };
        assert_eq!(callers("b.g"), ["a.run"]);
        assert!(callers("b.new").is_empty());
    }
}

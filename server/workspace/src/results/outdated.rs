//! What edits have superseded: results of tests that reach what was edited since.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use graph::{Analysis, FileId};

use super::{Done, EFFORT, Edits, Results, Run, RunKind, State};

/// What edits have superseded.
#[derive(Debug, Default)]
pub(super) struct Outdated {
    /// Runs by their ids, with the tests and files that the edits since affect.
    by_run_id: HashMap<u64, Arc<Superseded>>,
}

#[derive(Debug, Default)]
struct Superseded {
    tests: HashSet<(PathBuf, String)>,
    files: HashSet<PathBuf>,
}

impl Results {
    /// The single tests, by file, kind and name inside the module, whose latest results edits have superseded.
    pub fn superseded(&self, analysis: &Analysis) -> HashSet<(PathBuf, RunKind, Option<String>)> {
        let mut newest: HashMap<&(PathBuf, String), &Done> = HashMap::new();
        for done in self.done() {
            for test in done.ended.tests.keys() {
                let known = newest.entry(test).or_insert(done);
                *known = if known.run_id < done.run_id { done } else { known };
            }
        }
        newest.retain(|_, done| !done.edits.is_empty());
        let doctests = self.states.iter().filter_map(|(run, state)| match state {
            State::Done(done) if run.kind == RunKind::Doctest && !done.edits.is_empty() => Some((run, done.run_id)),
            _ => None,
        });
        let doctests: Vec<(&Run, u64)> = doctests.collect();
        if newest.is_empty() && doctests.is_empty() {
            return HashSet::new();
        }
        let outdated = self.outdated(analysis);
        let tests = newest.into_iter().filter(|(test, done)| {
            outdated.by_run_id.get(&done.run_id).is_some_and(|superseded| superseded.tests.contains(*test))
        });
        let tests = tests.map(|((path, name), _)| (path.clone(), RunKind::Pytest, Some(name.clone())));
        let doctests = doctests.into_iter().filter(|(run, run_id)| outdated.supersedes(*run_id, run));
        let doctests = doctests.map(|(run, _)| (run.path.clone(), run.kind, run.target.clone()));
        tests.chain(doctests).collect()
    }

    pub(super) fn outdated(&self, analysis: &Analysis) -> Arc<Outdated> {
        // Nothing can be left half changed.
        let mut known = self.outdated.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((revision, outdated)) if *revision == analysis.revision() => outdated.clone(),
            _ => {
                let outdated = Arc::new(Outdated::new(self, analysis));
                *known = Some((analysis.revision(), outdated.clone()));
                outdated
            }
        }
    }
}

impl Outdated {
    fn new(runs: &Results, analysis: &Analysis) -> Self {
        let mut known: Vec<(&Edits, Arc<Superseded>)> = Vec::new();
        let mut by_run_id = HashMap::new();
        for done in runs.done().filter(|done| !done.edits.is_empty()) {
            let same = known.iter().find(|(edits, _)| *edits == &done.edits).map(|(_, it)| it.clone());
            let superseded = same.unwrap_or_else(|| {
                let superseded = Arc::new(Superseded::by(&done.edits, analysis));
                known.push((&done.edits, superseded.clone()));
                superseded
            });
            by_run_id.insert(done.run_id, superseded);
        }
        Outdated { by_run_id }
    }

    pub(super) fn supersedes(&self, run_id: u64, run: &Run) -> bool {
        let Some(superseded) = self.by_run_id.get(&run_id) else { return false };
        let is_meant = |name: &str| match &run.target {
            Some(target) => name.strip_prefix(target.as_str()).is_some_and(|it| it.is_empty() || it.starts_with('.')),
            None => true,
        };
        match run.kind {
            RunKind::Pytest => superseded.tests.iter().any(|(file, name)| *file == run.path && is_meant(name)),
            RunKind::Affected => !superseded.tests.is_empty(),
            RunKind::Doctest | RunKind::Main | RunKind::Cell | RunKind::Selection => {
                superseded.files.contains(&run.path)
            }
        }
    }

    pub(super) fn is_superseded(&self, done: &Done) -> bool {
        self.by_run_id.get(&done.run_id).is_some_and(|superseded| {
            done.ended.files.iter().any(|file| superseded.files.contains(file))
                && (done.ended.tests.is_empty() || done.ended.tests.keys().any(|test| superseded.tests.contains(test)))
        })
    }
}

impl Superseded {
    fn by(edits: &Edits, analysis: &Analysis) -> Self {
        let before: Vec<_> = edits.iter().map(|(path, text)| (path.clone(), text.clone())).collect();
        let affected = ide::affected(analysis, &before, |_| |_| ide::TestRecord::default(), EFFORT);
        let name = |test: &ide::AffectedTest| {
            (analysis.path(test.test.file).to_path_buf(), analysis.symbol(test.test).local_name())
        };
        let changed = affected.changed.iter().map(|symbol| symbol.file).collect();
        Superseded { tests: affected.tests.iter().map(name).collect(), files: importers(analysis, changed) }
    }
}

/// The files that import one of `files`, however far away, and these themselves.
fn importers(analysis: &Analysis, files: Vec<FileId>) -> HashSet<PathBuf> {
    let mut seen: HashSet<FileId> = files.iter().copied().collect();
    let mut pending = files;
    while let Some(file) = pending.pop() {
        pending.extend(analysis.importers(file).into_iter().filter(|&importer| seen.insert(importer)));
    }
    seen.into_iter().map(|file| analysis.path(file).to_path_buf()).collect()
}

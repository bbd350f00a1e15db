//! Findings about the whole workspace, computed beside everything else while nobody types.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use graph::{Analysis, FileId};
use ide::{KnownForms, Project, WorkspaceFindings};
use lint::Finding;

use crate::background;
use crate::lints::Lints;
use crate::mailbox::{Event, WeakMailbox};

/// Nobody waits for these findings; they must not compete with what somebody does wait for.
const QUIET: Duration = Duration::from_millis(300);

/// More files than this with findings help nobody; the rest is left out, and the log says so.
const MAX_FILES: usize = 2_000;

/// What to look at.
pub struct Task {
    /// Which index the analysis belongs to: identities of files hold within one.
    pub index_id: u64,
    pub analysis: Analysis,
    pub project: Arc<Project>,
    pub lints: Arc<Lints>,
    /// Also look into each file, as for an open document.
    pub every_file: bool,
}

/// What was found.
pub struct WorkspaceDiagnostics {
    /// What it speaks of.
    pub analysis: Analysis,
    pub findings: WorkspaceFindings,
    /// What each file alone and what it uses tell, for files with something to tell; empty unless every file was looked
    /// into.
    pub files: BTreeMap<PathBuf, FileFindings>,
    project: Arc<Project>,
    lints: Arc<Lints>,
    every_file: bool,
}

/// What the graph says of a file, and what linters find in it beside that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileFindings {
    pub graph: Vec<ide::Diagnostic>,
    pub lint: Vec<Finding>,
}

impl FileFindings {
    /// What there is to find in a file by itself, each thing once.
    pub fn of(analysis: &Analysis, project: &Project, lints: &Lints, file: FileId) -> Self {
        Self::beside(ide::diagnostics(analysis, project, file), lints.find(analysis, file))
    }

    /// The same for an open document, into which linters look once for each text, while the graph is asked.
    pub fn of_document(analysis: &Analysis, project: &Project, lints: &Lints, file: FileId) -> Self {
        let graph = ide::diagnostics(analysis, project, file);
        Self::beside(graph, lints.of_document(analysis, file).to_vec())
    }

    /// What the graph says, and what it does not say of what linters find.
    fn beside(graph: Vec<ide::Diagnostic>, mut lint: Vec<Finding>) -> Self {
        let is_known = ide::known_among(&graph);
        lint.retain(|it| !is_known(it));
        FileFindings { graph, lint }
    }

    fn is_empty(&self) -> bool {
        self.graph.is_empty() && self.lint.is_empty()
    }
}

impl WorkspaceDiagnostics {
    /// What there is to say about a file, in the analysis that this speaks of.
    pub fn of_file(&self, file: FileId) -> FileFindings {
        let mut found = self.files.get(self.analysis.path(file)).cloned().unwrap_or_default();
        found.graph.extend(self.findings.diagnostics(&self.analysis, file));
        found
    }

    /// Whether an editor would show the same.
    pub fn says_the_same(&self, other: &WorkspaceDiagnostics) -> bool {
        self.findings == other.findings && self.files == other.files
    }
}

impl Default for WorkspaceDiagnostics {
    fn default() -> Self {
        WorkspaceDiagnostics {
            analysis: graph::AnalysisHost::new(Vec::new()).analysis(),
            findings: WorkspaceFindings::default(),
            files: BTreeMap::new(),
            project: Arc::default(),
            lints: Arc::default(),
            every_file: false,
        }
    }
}

/// Starts the thread that looks at the newest of what it is sent, and reports to the writer.
///
/// # Errors
/// When no thread can be started.
pub(crate) fn start(mailbox: WeakMailbox) -> std::io::Result<Sender<Task>> {
    let mut last: Option<(u64, Arc<WorkspaceDiagnostics>)> = None;
    let forms = KnownForms::default();
    background::start("diagnostics", QUIET, move |task: Task, is_superseded| {
        let before = last.as_ref().filter(|(index_id, _)| *index_id == task.index_id).map(|(_, found)| &**found);
        if let Some(found) = look(&task, before, &forms, is_superseded) {
            let found = Arc::new(found);
            last = Some((task.index_id, found.clone()));
            mailbox.send(Event::Diagnosed(task.index_id, found));
        }
    })
}

/// `None` when there is something newer to look at.
fn look(
    task: &Task,
    before: Option<&WorkspaceDiagnostics>,
    forms: &KnownForms,
    mut is_superseded: impl FnMut() -> bool,
) -> Option<WorkspaceDiagnostics> {
    let (analysis, project, lints) = (task.analysis.clone(), task.project.clone(), task.lints.clone());
    let mut files = BTreeMap::new();
    if task.every_file {
        let before = before
            .filter(|before| before.every_file && before.project == project && Arc::ptr_eq(&before.lints, &lints));
        let concerned = before.map(|before| concerned(before, &analysis));
        for file in analysis.files() {
            if is_superseded() {
                return None;
            }
            let path = analysis.path(file);
            let known = match (before, &concerned) {
                (Some(before), Some(concerned)) if concerned.binary_search(&file).is_err() => {
                    before.files.get(path).cloned()
                }
                _ => Some(FileFindings::of(&analysis, &project, &lints, file)),
            };
            if let Some(found) = known.filter(|found| !found.is_empty()) {
                files.insert(path.to_path_buf(), found);
            }
            if files.len() > MAX_FILES {
                tracing::warn!("more than {MAX_FILES} files have findings; the others are not looked into");
                break;
            }
        }
    }
    if is_superseded() {
        return None;
    }
    let findings = WorkspaceFindings::of(&analysis, &project, forms);
    Some(WorkspaceDiagnostics { analysis, findings, files, project, lints, every_file: task.every_file })
}

/// The files that changed, and those that import them, directly or through others: for no other can anything be different.
/// Sorted.
fn concerned(before: &WorkspaceDiagnostics, analysis: &Analysis) -> Vec<FileId> {
    let mut concerned = std::collections::BTreeSet::from_iter(analysis.changed_since(&before.analysis));
    let mut pending: Vec<FileId> = concerned.iter().copied().collect();
    while let Some(file) = pending.pop() {
        let importers = analysis.importers(file).into_iter().chain(before.analysis.importers(file));
        pending.extend(importers.filter(|importer| concerned.insert(*importer)));
    }
    concerned.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use graph::{AnalysisHost, Change};

    use super::*;

    fn task(host: &AnalysisHost) -> Task {
        Task {
            index_id: 1,
            analysis: host.analysis(),
            project: Arc::default(),
            lints: Arc::default(),
            every_file: true,
        }
    }

    fn set(host: &mut AnalysisHost, path: &str, text: &str) {
        let mut change = Change::default();
        change.set(path, text);
        host.apply(change);
    }

    #[test]
    fn a_survey_after_an_edit_is_what_a_first_one_would_be() {
        let mut host = AnalysisHost::new(vec!["/".into()]);
        set(&mut host, "/a.py", "def f(x): ...\n");
        set(&mut host, "/b.py", "from a import f\nf()\n");
        set(&mut host, "/c.py", "import b\nnope\n");
        let first = look(&task(&host), None, &KnownForms::default(), || false).unwrap();
        assert_eq!(first.files.len(), 2);
        set(&mut host, "/a.py", "def f(): ...\n");
        let next = look(&task(&host), Some(&first), &KnownForms::default(), || false).unwrap();
        assert_eq!(next.files.keys().map(|path| path.to_str().unwrap()).collect::<Vec<_>>(), ["/c.py"]);
        assert!(next.says_the_same(&look(&task(&host), None, &KnownForms::default(), || false).unwrap()));
        assert!(!next.says_the_same(&first));
    }

    #[test]
    fn what_is_superseded_is_left() {
        let mut host = AnalysisHost::new(vec!["/".into()]);
        set(&mut host, "/a.py", "nope\n");
        assert!(look(&task(&host), None, &KnownForms::default(), || true).is_none());
    }
}

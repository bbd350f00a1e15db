//! Findings about the whole workspace, computed beside everything else while nobody types.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use graph::{Analysis, FileId};
use ide::{Project, WorkspaceFindings};
use lint::Finding;

use crate::lints::Lints;
use crate::mailbox::{Event, WeakMailbox};

/// Nobody waits for these findings; they must not compete with what somebody does wait for.
const QUIET: Duration = Duration::from_millis(300);

/// More files than this with findings help nobody; the rest is left out, and the log says so.
const MAX_FILES: usize = 2_000;

/// What to look at.
pub(crate) struct Task {
    /// Which index the analysis belongs to: identities of files hold within one.
    pub(crate) ticket: u64,
    pub(crate) analysis: Analysis,
    pub(crate) project: Arc<Project>,
    pub(crate) lints: Arc<Lints>,
    /// Also look into each file, as for an open document.
    pub(crate) every_file: bool,
}

/// What was found.
pub(crate) struct Survey {
    /// What it speaks of.
    pub(crate) analysis: Analysis,
    pub(crate) findings: WorkspaceFindings,
    /// What each file alone and what it uses tell, for files with something to tell; empty unless every file was looked
    /// into.
    pub(crate) files: BTreeMap<PathBuf, FileFindings>,
    project: Arc<Project>,
    lints: Arc<Lints>,
    every_file: bool,
}

/// What the graph says of a file, and what linters find in it beside that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileFindings {
    pub(crate) graph: Vec<ide::Diagnostic>,
    pub(crate) lint: Vec<Finding>,
}

impl FileFindings {
    fn of(analysis: &Analysis, project: &Project, lints: &Lints, file: FileId) -> Self {
        let graph = ide::diagnostics(analysis, project, file);
        let mut lint = lints.find(analysis, file);
        let is_known = ide::known_among(&graph);
        lint.retain(|it| !is_known(it));
        FileFindings { graph, lint }
    }

    fn is_empty(&self) -> bool {
        self.graph.is_empty() && self.lint.is_empty()
    }
}

impl Survey {
    /// What there is to say about a file, in the analysis that the survey speaks of.
    pub(crate) fn of_file(&self, file: FileId) -> FileFindings {
        let mut found = self.files.get(self.analysis.path(file)).cloned().unwrap_or_default();
        found.graph.extend(self.findings.diagnostics(&self.analysis, file));
        found
    }

    /// Whether an editor would show the same.
    pub(crate) fn says_the_same(&self, other: &Survey) -> bool {
        self.findings == other.findings && self.files == other.files
    }
}

impl Default for Survey {
    fn default() -> Self {
        Survey {
            analysis: graph::AnalysisHost::new(Vec::new()).analysis(),
            findings: WorkspaceFindings::default(),
            files: BTreeMap::new(),
            project: Arc::default(),
            lints: Arc::default(),
            every_file: false,
        }
    }
}

/// Starts the thread that looks at what it is sent, the newest first, and reports to the writer.
///
/// # Errors
/// When no thread can be started.
pub(crate) fn start(mailbox: WeakMailbox) -> std::io::Result<Sender<Task>> {
    let (sender, receiver) = channel::<Task>();
    std::thread::Builder::new().name("survey".to_owned()).spawn(move || {
        crate::priority::lower();
        let mut last: Option<(u64, Arc<Survey>)> = None;
        let mut waiting = None;
        while let Some(task) = newest(&receiver, waiting.take()) {
            let before = last.as_ref().filter(|(ticket, _)| *ticket == task.ticket).map(|(_, survey)| &**survey);
            let mut newer = None;
            let is_overtaken = || {
                newer = receiver.try_recv().ok();
                newer.is_some()
            };
            match catch_unwind(AssertUnwindSafe(|| look(&task, before, is_overtaken))) {
                Ok(Some(survey)) => {
                    let survey = Arc::new(survey);
                    last = Some((task.ticket, survey.clone()));
                    mailbox.send(Event::Surveyed(task.ticket, survey));
                }
                Ok(None) => waiting = newer,
                // A defect of ours. What is known of single files is none the worse for it.
                Err(_) => tracing::error!("the workspace could not be surveyed"),
            }
        }
    })?;
    Ok(sender)
}

/// The last of the tasks that arrive in a row; `None` when there will be no more.
fn newest(receiver: &Receiver<Task>, waiting: Option<Task>) -> Option<Task> {
    let mut newest = match waiting {
        Some(task) => task,
        None => receiver.recv().ok()?,
    };
    loop {
        match receiver.recv_timeout(QUIET) {
            Ok(task) => newest = task,
            Err(RecvTimeoutError::Timeout) => return Some(newest),
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

/// `None` when there is something newer to look at.
fn look(task: &Task, before: Option<&Survey>, mut is_overtaken: impl FnMut() -> bool) -> Option<Survey> {
    let (analysis, project, lints) = (task.analysis.clone(), task.project.clone(), task.lints.clone());
    let mut files = BTreeMap::new();
    if task.every_file {
        let before = before
            .filter(|before| before.every_file && before.project == project && Arc::ptr_eq(&before.lints, &lints));
        let concerned = before.map(|before| concerned(before, &analysis));
        for file in analysis.files() {
            if is_overtaken() {
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
    if is_overtaken() {
        return None;
    }
    let findings = WorkspaceFindings::of(&analysis, &project);
    Some(Survey { analysis, findings, files, project, lints, every_file: task.every_file })
}

/// The files that changed, and those that import them, directly or through others: for no other can anything be different.
/// Sorted.
fn concerned(before: &Survey, analysis: &Analysis) -> Vec<FileId> {
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
        Task { ticket: 1, analysis: host.analysis(), project: Arc::default(), lints: Arc::default(), every_file: true }
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
        let first = look(&task(&host), None, || false).unwrap();
        assert_eq!(first.files.len(), 2);
        set(&mut host, "/a.py", "def f(): ...\n");
        let next = look(&task(&host), Some(&first), || false).unwrap();
        assert_eq!(next.files.keys().map(|path| path.to_str().unwrap()).collect::<Vec<_>>(), ["/c.py"]);
        assert!(next.says_the_same(&look(&task(&host), None, || false).unwrap()));
        assert!(!next.says_the_same(&first));
    }

    #[test]
    fn what_is_overtaken_is_left() {
        let mut host = AnalysisHost::new(vec!["/".into()]);
        set(&mut host, "/a.py", "nope\n");
        assert!(look(&task(&host), None, || true).is_none());
    }
}

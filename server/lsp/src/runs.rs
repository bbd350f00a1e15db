//! Running tests, doctests and scripts in the sandbox: a background job, and results that live as long as they are true.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sandbox::{Action, Failure, Outcome, Request, Runner, Status};
use tower_lsp_server::Client;
use tower_lsp_server::ls_types as lsp;

use crate::commands::{Run, RunKind};
use crate::from_proto;
use crate::mailbox::{Event, Mailbox};
use crate::progress::Job;
use crate::snapshot::Snapshot;

/// What is known about each thing that was run.
#[derive(Clone, Default)]
pub(crate) struct Runs(HashMap<Run, State>);

#[derive(Clone)]
enum State {
    Running {
        ticket: u64,
        /// Files that were edited since the start.
        edited: Vec<PathBuf>,
    },
    Done {
        title: String,
        failures: Vec<TestFailure>,
    },
}

/// A failure at a line of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TestFailure {
    pub(crate) path: PathBuf,
    /// 1-based.
    pub(crate) line: u32,
    pub(crate) message: String,
    /// It says nothing about the code, only that it could not be run here.
    pub(crate) not_runnable: bool,
}

/// What came of a run.
pub(crate) struct Ended {
    title: String,
    failures: Vec<TestFailure>,
}

impl Runs {
    /// Notes that `run` has begun; a later beginning makes an earlier one irrelevant.
    pub(crate) fn start(&mut self, run: Run, ticket: u64) {
        self.0.insert(run, State::Running { ticket, edited: Vec::new() });
    }

    /// Notes the end of the run that began with `ticket`; without a result if it was cancelled.
    pub(crate) fn end(&mut self, run: Run, ticket: u64, ended: Option<Ended>) {
        let edited = match self.0.get(&run) {
            Some(State::Running { ticket: current, edited }) if *current == ticket => edited.clone(),
            _ => return,
        };
        self.0.remove(&run);
        if let Some(Ended { title, failures }) = ended {
            self.0.insert(run, State::Done { title, failures });
            edited.iter().for_each(|path| self.forget(path));
        }
    }

    /// The text of `path` has changed. What was run in it is unknown again; what else was run is out of date.
    pub(crate) fn forget(&mut self, path: &Path) {
        self.0.retain(|run, state| match state {
            State::Running { edited, .. } => {
                if !edited.iter().any(|known| known == path) {
                    edited.push(path.to_path_buf());
                }
                true
            }
            State::Done { title, failures } => {
                if !title.ends_with(OUTDATED) {
                    title.push_str(OUTDATED);
                }
                failures.retain(|failure| failure.path != path);
                from_proto::path(&run.uri) != path
            }
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a lens says about `run`, if it was run.
    pub(crate) fn title(&self, run: &Run) -> Option<String> {
        Some(match self.0.get(run)? {
            State::Running { .. } => "… running".to_owned(),
            State::Done { title, .. } => title.clone(),
        })
    }

    /// What failed in `path`.
    pub(crate) fn failures<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = &'a TestFailure> {
        let failures = self.0.values().flat_map(|state| match state {
            State::Running { .. } => &[],
            State::Done { failures, .. } => failures.as_slice(),
        });
        failures.filter(move |failure| failure.path == path)
    }
}

const OUTDATED: &str = " · before the last edit";

/// Runs `run` on what `snapshot` holds, and tells the writer and the user what came of it.
pub(crate) async fn perform(
    run: Run,
    ticket: u64,
    snapshot: Snapshot,
    runner: Arc<dyn Runner>,
    job: Job,
    mailbox: Mailbox,
    client: Client,
) {
    let path = from_proto::path(&run.uri);
    let (root, relative) = split(&snapshot, &path);
    let request = request(&run, &snapshot, &root, &relative);
    // No snapshot is held while something slow goes on.
    drop(snapshot);
    job.say(relative.display().to_string());
    let progress = |event| match event {
        sandbox::Event::Preparing { .. } => job.say("preparing the Python sandbox, once on this machine"),
        sandbox::Event::Running => job.say(relative.display().to_string()),
        sandbox::Event::Output { .. } | sandbox::Event::Test(_) => {}
    };
    let result = tokio::select! {
        result = runner.run(request, &progress) => Some(result),
        () = job.cancelled().cancelled() => None,
    };
    let outcome = match result {
        Some(Ok(outcome)) => Some(outcome),
        Some(Err(error)) => {
            client.show_message(lsp::MessageType::ERROR, format!("tantu: {error}")).await;
            Some(Outcome::without_run(Status::Error, error))
        }
        None => None,
    };
    if let Some(outcome) = &outcome {
        client.log_message(lsp::MessageType::INFO, report(&run, &relative, outcome)).await;
    }
    let ended = outcome.map(|outcome| Ended { title: title(&outcome), failures: failures(&outcome, &root) });
    mailbox.send(Event::RunEnded { run, ticket, ended });
}

/// The workspace folder of `path`, or for a file outside of them its own, and the path inside it.
fn split(snapshot: &Snapshot, path: &Path) -> (PathBuf, PathBuf) {
    let roots = snapshot.analysis.roots().iter().filter(|root| path.starts_with(root));
    let root = roots.max_by_key(|root| root.as_os_str().len()).map(PathBuf::as_path).or(path.parent());
    let root = root.unwrap_or(Path::new("/"));
    (root.to_path_buf(), path.strip_prefix(root).unwrap_or(path).to_path_buf())
}

fn request(run: &Run, snapshot: &Snapshot, root: &Path, relative: &Path) -> Request {
    let open = snapshot.documents.keys().filter_map(|path| {
        let inside = path.strip_prefix(root).ok()?;
        Some((inside.to_path_buf(), snapshot.text(path)?.to_string()))
    });
    let path = relative.to_path_buf();
    let action = match run.kind {
        RunKind::Main => Action::Script { path },
        RunKind::Cell => cell(run, snapshot, root, relative),
        RunKind::Doctest => Action::Doctest { path, name: run.target.clone() },
        RunKind::Pytest => {
            let names = run.target.iter().flat_map(|target| target.split('.'));
            let id = names.fold(slashed(relative), |id, name| format!("{id}::{name}"));
            Action::Pytest { targets: vec![id] }
        }
    };
    Request { overlay: open.collect(), ..Request::new(root, action) }
}

/// The cell alone; nothing where it is gone.
fn cell(run: &Run, snapshot: &Snapshot, root: &Path, relative: &Path) -> Action {
    let analysis = &snapshot.analysis;
    let number = run.target.as_deref().and_then(|target| target.parse::<usize>().ok());
    let found = analysis.file(&root.join(relative)).and_then(|file| {
        let cell = ide::cells(analysis, file).into_iter().find(|cell| Some(cell.number) == number)?;
        let source = analysis.source(file);
        Some((source.slice(cell.range).to_owned(), source.line_number(cell.range.start())))
    });
    let (text, first_line) = found.unwrap_or((String::new(), 1));
    Action::Code { text, filename: slashed(relative), first_line }
}

fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

fn failures(outcome: &Outcome, root: &Path) -> Vec<TestFailure> {
    let not_runnable = matches!(outcome.outcome, Status::NotRunnable | Status::Refused);
    let failure = |failure: &Failure| TestFailure {
        path: root.join(&failure.path),
        line: failure.line,
        message: failure.message.clone(),
        not_runnable,
    };
    outcome.failures.iter().map(failure).collect()
}

fn title(outcome: &Outcome) -> String {
    let Outcome { passed, failed, exit, millis, .. } = outcome;
    match outcome.outcome {
        Status::Passed if *passed == 0 => format!("✓ done · {millis} ms"),
        Status::Passed => format!("✓ {passed} passed · {millis} ms"),
        Status::Failed if *failed > 0 => format!("✗ {failed} failed"),
        Status::Failed => format!("✗ exit {}", exit.unwrap_or_default()),
        Status::Error => "✗ cannot be run".to_owned(),
        Status::Timeout => format!("✗ stopped after {millis} ms"),
        Status::Memory => "✗ out of memory".to_owned(),
        Status::Output => "✗ too much output".to_owned(),
        Status::Refused => "○ not allowed in the sandbox".to_owned(),
        Status::NotRunnable => "○ not runnable here".to_owned(),
    }
}

/// The whole story, for the editor's log.
fn report(run: &Run, relative: &Path, outcome: &Outcome) -> String {
    let target = run.target.as_deref().map_or(String::new(), |target| format!(" {target}"));
    let mut text = format!("{}{target}: {}\n", relative.display(), title(outcome));
    for failure in &outcome.failures {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}:{}: {}", failure.path, failure.line, failure.message);
    }
    for (name, stream) in [("standard output", &outcome.stdout), ("standard error", &outcome.stderr)] {
        if !stream.is_empty() {
            let _ = writeln!(text, "--- {name}\n{}", stream.trim_end());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn run(path: &str) -> Run {
        Run { uri: lsp::Uri::from_str(&format!("file://{path}")).unwrap(), kind: RunKind::Pytest, target: None }
    }

    fn failed_at(path: &str) -> Option<Ended> {
        let failure = TestFailure { path: PathBuf::from(path), line: 3, message: "no".to_owned(), not_runnable: false };
        Some(Ended { title: "✗ 1 failed".to_owned(), failures: vec![failure] })
    }

    #[test]
    fn a_result_goes_with_the_text_it_is_about() {
        let (test, code) = (Path::new("/test_a.py"), Path::new("/a.py"));
        let mut runs = Runs::default();
        runs.start(run("/test_a.py"), 1);
        assert_eq!(runs.title(&run("/test_a.py")).unwrap(), "… running");
        runs.end(run("/test_a.py"), 1, failed_at("/test_a.py"));
        assert_eq!(runs.failures(test).count(), 1);
        // Another file: the lines still fit, but who knows whether it still fails?
        runs.forget(code);
        assert_eq!(runs.title(&run("/test_a.py")).unwrap(), "✗ 1 failed · before the last edit");
        assert_eq!(runs.failures(test).count(), 1);
        runs.forget(test);
        assert_eq!(runs.title(&run("/test_a.py")), None);
        assert_eq!(runs.failures(test).count(), 0);
    }

    #[test]
    fn a_run_that_was_overtaken_by_an_edit_has_no_result() {
        let mut runs = Runs::default();
        runs.start(run("/test_a.py"), 1);
        runs.forget(Path::new("/test_a.py"));
        runs.end(run("/test_a.py"), 1, failed_at("/test_a.py"));
        assert!(runs.is_empty());
    }

    #[test]
    fn of_two_runs_the_later_one_counts() {
        let mut runs = Runs::default();
        runs.start(run("/test_a.py"), 1);
        runs.start(run("/test_a.py"), 2);
        runs.end(run("/test_a.py"), 1, failed_at("/test_a.py"));
        assert_eq!(runs.title(&run("/test_a.py")).unwrap(), "… running");
        runs.end(run("/test_a.py"), 2, failed_at("/test_a.py"));
        assert_eq!(runs.title(&run("/test_a.py")).unwrap(), "✗ 1 failed");
    }

    #[test]
    fn a_cancelled_run_leaves_nothing_behind() {
        let mut runs = Runs::default();
        runs.start(run("/test_a.py"), 1);
        runs.end(run("/test_a.py"), 1, None);
        assert!(runs.is_empty());
    }
}

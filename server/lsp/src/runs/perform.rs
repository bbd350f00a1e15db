//! One run, in the background.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use graph::FileId;
use ide::Earlier;
use sandbox::{Action, Failure, Outcome, Request, Runner, Status, Verdict, run_likeliest_first};
use store::Store;
use tower_lsp_server::Client;
use tower_lsp_server::ls_types as lsp;

use super::native::Native;
use super::report::{self, News, Reporter};
use super::{Environments, wording};
use workspace::results::RunKind;

use crate::commands::Run;
use crate::progress::Job;
use crate::questions::Questions;
use crate::snapshot::Channel;
use crate::snapshot::Snapshot;
use crate::{from_proto, test_history};
use workspace::mailbox::Event;
use workspace::results::Ended;
use workspace::revision;

/// What a run needs besides what it is told.
pub(crate) struct Perform {
    pub(crate) run: Run,
    pub(crate) ticket: u64,
    pub(crate) runner: Arc<dyn Runner>,
    pub(crate) environments: Arc<Environments>,
    pub(crate) job: Job,
    pub(crate) mailbox: Channel,
    pub(crate) client: Client,
    pub(crate) questions: Questions,
}

/// What is known before anything runs.
struct Plan {
    request: Request,
    /// For people.
    what: String,
    /// The files that are run.
    files: Vec<PathBuf>,
    /// Why it cannot be run here, with the place that needs what is not there.
    obstacle: Option<Failure>,
    /// How many of many tests to run before the others.
    likeliest: usize,
    /// How the user's own interpreter would run it, if the user allows that at all.
    native: Option<Native>,
}

impl Perform {
    /// Runs what `snapshot` holds, and tells the writer and the user what came of it.
    pub(crate) async fn work(self, snapshot: Snapshot) {
        let reporter = Reporter::new(&self.client, self.job.token(), &snapshot);
        reporter.tell(News::Began(self.run.clone())).await;
        let (run, environments, planned) = (self.run.clone(), self.environments.clone(), snapshot.clone());
        let planned = tokio::task::spawn_blocking(move || plan(&run, &planned, &environments)).await;
        let done = match planned {
            Ok(Ok(plan)) => self.follow(&plan, &reporter).await.map(|outcome| (plan, outcome)),
            Ok(Err(reason)) => {
                self.client.show_message(lsp::MessageType::INFO, reason).await;
                None
            }
            // A defect of ours, which has been reported on standard error.
            Err(_) => None,
        };
        let mut tests = Vec::new();
        let ended = done.map(|(plan, outcome)| {
            let root = plan.request.root;
            let ended = Ended::new(&self.run.plain(), &outcome, &root, plan.files);
            tests = report::tests(&snapshot, &self.run, &outcome, &ended);
            let is_green = ended.is_green;
            // Nobody waits for it.
            tokio::task::spawn_blocking(move || remember(&snapshot, &root, &outcome, is_green));
            ended
        });
        self.mailbox.send(Event::RunEnded { run: self.run.plain(), ticket: self.ticket, ended });
        reporter.tell(News::Ended { tests }).await;
    }

    /// Nothing when the user has cancelled.
    async fn follow(&self, plan: &Plan, reporter: &Reporter) -> Option<Outcome> {
        self.job.say(plan.what.clone());
        let outcome = match &plan.obstacle {
            Some(obstacle) => Outcome {
                failures: vec![obstacle.clone()],
                ..Outcome::without_run(Status::NotRunnable, &obstacle.message)
            },
            None => self.in_sandbox(plan, reporter).await?,
        };
        self.log(wording::report(&plan.what, &outcome), reporter).await;
        let wants_more = matches!(outcome.outcome, Status::NotRunnable | Status::Refused);
        let Some(native) = plan.native.as_ref().filter(|_| wants_more) else { return Some(outcome) };
        let reason = outcome.failures.first().map_or("it cannot be run in the sandbox", |it| it.message.as_str());
        if !native.is_allowed(&self.questions, &plan.what, reason).await {
            return Some(outcome);
        }
        self.job.say(format!("{} (outside of the sandbox)", plan.what));
        let outcome = native.run(self.job.cancelled()).await?;
        self.log(format!("{}{}", outcome.stdout, wording::report(&plan.what, &outcome)), reporter).await;
        Some(outcome)
    }

    async fn in_sandbox(&self, plan: &Plan, reporter: &Reporter) -> Option<Outcome> {
        // What is written goes to the editor's log while it is written.
        let (lines, mut written) = tokio::sync::mpsc::unbounded_channel::<String>();
        let (client, reporter) = (self.client.clone(), reporter.clone());
        let log = tokio::spawn(async move {
            let mut line = String::new();
            while let Some(text) = written.recv().await {
                // Editors show it on terminals of their own.
                let text = terminal::escaped(&text).into_owned();
                line.push_str(&text);
                reporter.tell(News::Wrote { text }).await;
                // Logs consist of lines.
                if let Some(end) = line.rfind('\n') {
                    let rest = line.split_off(end + 1);
                    let lines = std::mem::replace(&mut line, rest);
                    client.log_message(lsp::MessageType::LOG, lines).await;
                }
            }
            if !line.is_empty() {
                client.log_message(lsp::MessageType::LOG, line).await;
            }
        });
        let verdicts: Mutex<Vec<Verdict>> = Mutex::default();
        let on_event = |event| match event {
            sandbox::Event::Preparing { .. } => self.job.say("preparing the Python sandbox, once on this machine"),
            sandbox::Event::Running => {
                // What was told before the start does not count.
                verdicts.lock().unwrap_or_else(PoisonError::into_inner).clear();
                self.job.say(plan.what.clone());
            }
            sandbox::Event::Test(test) => {
                let mut done = verdicts.lock().unwrap_or_else(PoisonError::into_inner);
                done.push(test.verdict);
                self.job.say(wording::progress(&done, &test));
            }
            // The task lives as long as there is something to log.
            sandbox::Event::Output { text, .. } => _ = lines.send(text),
        };
        let run = run_likeliest_first(&*self.runner, plan.request.clone(), plan.likeliest, &on_event);
        let result = tokio::select! {
            result = run => result,
            () = self.job.cancelled().cancelled() => return None,
        };
        drop(lines);
        let _ = log.await;
        Some(match result {
            Ok(outcome) => outcome,
            Err(error) => {
                self.client.show_message(lsp::MessageType::ERROR, format!("tantu: {error}")).await;
                Outcome::without_run(Status::Error, error)
            }
        })
    }

    async fn log(&self, text: String, reporter: &Reporter) {
        let text = terminal::escaped(&text).into_owned();
        reporter.tell(News::Wrote { text: text.clone() }).await;
        self.client.log_message(lsp::MessageType::INFO, text).await;
    }
}

/// Keeps what came of tests of `snapshot`, for the next run and the next session.
fn remember(snapshot: &Snapshot, root: &Path, outcome: &Outcome, is_green: bool) {
    let Some(database) = snapshot.database.as_ref().filter(|_| !outcome.tests.is_empty()) else { return };
    let noted = test_history::note(database.store(), outcome);
    let unsaved: Vec<PathBuf> = snapshot.documents.keys().cloned().collect();
    let green = is_green.then(|| revision::green(root, &snapshot.analysis, &unsaved).ok()).flatten();
    let noted = noted.and_then(|()| green.map_or(Ok(()), |green| database.store().note_green(&green)));
    if let Err(error) = noted {
        tracing::warn!("what came of the tests is not kept: {error}");
    }
}

/// # Errors
/// When there is nothing to run; in words for the user.
fn plan(run: &Run, snapshot: &Snapshot, environments: &Environments) -> Result<Plan, String> {
    let path = from_proto::path(&run.uri);
    let root = root_of(snapshot, &path);
    let mut likeliest = 0;
    let (action, files, what) = match run.kind {
        RunKind::Affected => {
            let (targets, files, first) = affected_tests(snapshot, &root)?;
            likeliest = first;
            let what = match targets.len() {
                1 => "1 affected test".to_owned(),
                count => format!("{count} affected tests"),
            };
            (Action::Pytest { targets }, files, what)
        }
        RunKind::Pytest | RunKind::Doctest | RunKind::Main | RunKind::Cell | RunKind::Selection => {
            let relative = path.strip_prefix(&root).unwrap_or(&path);
            let action = action(run, snapshot, &path, relative)?;
            let target = run.target.as_deref().map_or(String::new(), |target| format!(" {target}"));
            let files = snapshot.analysis.file(&path).into_iter().collect();
            (action, files, format!("{}{target}", relative.display()))
        }
    };
    let environment = environments.of(&root);
    // While the workspace is being read, its own modules look as if they came from elsewhere.
    let needs = match snapshot.indexing {
        true => ide::Needs::default(),
        false => ide::needs(&snapshot.analysis, &files, |package| environment.availability(package)),
    };
    let obstacle = needs.message(&snapshot.analysis).zip(needs.obstacles.first()).map(|(message, first)| {
        let line = snapshot.analysis.source(first.file).line_number(first.range.start());
        let place = slashed(inside(&root, snapshot.analysis.path(first.file)));
        Failure::new(place, line, format!("not runnable here: {message}"))
    });
    let native = snapshot.settings.native.then(|| Native::new(&environment, &root, &action)).flatten();
    // All that is open, for an editor may open what it had never saved.
    let open = snapshot
        .documents
        .keys()
        .filter_map(|path| Some((path.strip_prefix(&root).ok()?.to_path_buf(), snapshot.text(path)?.to_string())));
    let request = Request {
        site: environment.sites.clone(),
        packages: needs.packages.iter().cloned().collect(),
        overlay: open.collect(),
        limits: snapshot.settings.limits,
        ..Request::new(root, action)
    };
    let paths = files.iter().map(|&file| snapshot.analysis.path(file).to_path_buf()).collect();
    Ok(Plan { request, what, files: paths, obstacle, likeliest, native })
}

/// What the session of a file's cells is called.
pub(crate) fn session_of(snapshot: &Snapshot, uri: &lsp::Uri) -> String {
    let path = from_proto::path(uri);
    slashed(inside(&root_of(snapshot, &path), &path))
}

/// The workspace folder of `path`, or for a file outside of them its own.
fn root_of(snapshot: &Snapshot, path: &Path) -> PathBuf {
    let root = snapshot.analysis.root_of(path).or(path.parent());
    root.unwrap_or(Path::new("/")).to_path_buf()
}

fn inside<'a>(root: &Path, path: &'a Path) -> &'a Path {
    path.strip_prefix(root).unwrap_or(path)
}

fn action(run: &Run, snapshot: &Snapshot, path: &Path, relative: &Path) -> Result<Action, String> {
    let analysis = &snapshot.analysis;
    let unknown = || format!("{} is not known to tantu", relative.display());
    let part = |range: syntax::TextRange, file: FileId| {
        let source = analysis.source(file);
        let (text, first_line) = (source.slice(range).to_owned(), source.line_number(range.start()));
        (text, slashed(relative), first_line)
    };
    Ok(match run.kind {
        RunKind::Main => Action::Script { path: relative.to_path_buf() },
        RunKind::Doctest => Action::Doctest { path: relative.to_path_buf(), name: run.target.clone() },
        RunKind::Pytest | RunKind::Affected => {
            Action::Pytest { targets: vec![node_id(relative, run.target.as_deref())] }
        }
        RunKind::Cell => {
            let file = analysis.file(path).ok_or_else(unknown)?;
            let number = run.target.as_deref().and_then(|target| target.parse::<usize>().ok());
            let cell = ide::cells(analysis, file).into_iter().find(|cell| Some(cell.number) == number);
            let cell = cell.ok_or_else(|| format!("{} has no such cell any more", relative.display()))?;
            let (text, filename, first_line) = part(cell.range, file);
            Action::Cell { session: filename.clone(), text, filename, first_line }
        }
        RunKind::Selection => {
            let file = analysis.file(path).ok_or_else(unknown)?;
            let range = run.range.ok_or("a selection has a range")?;
            let source = analysis.source(file);
            let offset = |position| from_proto::offset(source, position, snapshot.editor.encoding);
            let (start, end) = (offset(range.start), offset(range.end));
            // Whole lines, so that a selection from the middle of an indentation is what it looks like.
            let lines = source.lines();
            let start = lines.line_range(lines.line(start), source.text()).start();
            let range = syntax::TextRange::new(start, end.max(start));
            let (text, filename, first_line) = part(range, file);
            Action::Code { text, filename, first_line }
        }
    })
}

/// The tests that what has changed affects, by node id and in the order in which they are worth running, their files, and how
/// many of them to run first. Changed since all of these passed for the last time, else since the last commit.
///
/// # Errors
/// When there is none, or nothing to compare with; in words for the user.
fn affected_tests(snapshot: &Snapshot, root: &Path) -> Result<(Vec<String>, Vec<FileId>, usize), String> {
    let analysis = &snapshot.analysis;
    let store = snapshot.database.as_ref().map(|it| it.store());
    let (before, since) = before(snapshot, store, root)?;
    let mut affected =
        ide::affected(analysis, &before, test_history::records(store, root, analysis), workspace::results::LIMIT);
    affected.tests.retain(|it| analysis.path(it.test.file).starts_with(root));
    if affected.tests.is_empty() {
        return Err(format!("no test reaches what has changed since {since}"));
    }
    let mut files: Vec<FileId> = affected.tests.iter().map(|it| it.test.file).collect();
    files.sort_unstable();
    files.dedup();
    let likeliest = test_history::likeliest(&mut affected);
    let ids = affected.tests.iter().map(|it| ide::node_id(analysis, root, it.test));
    Ok((ids.collect(), files, likeliest))
}

/// The texts to compare with, and when these were.
///
/// # Errors
/// When there are none; in words for the user.
fn before(snapshot: &Snapshot, store: Option<&Store>, root: &Path) -> Result<(Vec<Earlier>, &'static str), String> {
    if let Some(edits) = snapshot.results.since_green() {
        let before = edits.iter().map(|(path, text)| (path.clone(), text.clone()));
        return Ok((before.collect(), "the last green run"));
    }
    let unsaved: Vec<PathBuf> = snapshot.documents.keys().cloned().collect();
    let green = store.and_then(|store| store.green().ok().flatten());
    // A commit that was rewritten since may be gone.
    if let Some(before) = green.and_then(|green| revision::since_green(root, &green, &unsaved).ok()) {
        return Ok((before, "the last green run"));
    }
    match revision::earlier_with(root, "HEAD", &unsaved) {
        Ok(before) => Ok((before, "the last commit")),
        Err(error) => Err(format!("tantu cannot tell what has changed: {error:#}")),
    }
}

/// As pytest spells it.
fn node_id(path: &Path, name: Option<&str>) -> String {
    let names = name.into_iter().flat_map(|name| name.split('.'));
    names.fold(slashed(path), |id, name| format!("{id}::{name}"))
}

fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

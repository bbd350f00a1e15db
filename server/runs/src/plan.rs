//! What is run of a snapshot, and what it needs.

use std::path::{Path, PathBuf};

use graph::{Analysis, FileId};
use sandbox::{Action, Failure, Request};
use syntax::Encoding;
use workspace::results::{Run, RunKind};
use workspace::snapshot::Snapshot;

use crate::affected::{self, Chosen, State};
use crate::environments::Environments;
use crate::native::Native;
use crate::selection::{Runnability, files_with_tests, runnability, tests_in, told_apart};
use crate::wording;

/// What is known before anything runs.
pub struct Plan {
    pub request: Request,
    /// For people.
    pub what: String,
    /// The files that are run.
    pub files: Vec<PathBuf>,
    /// Why it cannot be run here, with the place that needs what is not there.
    pub obstacle: Option<Failure>,
    /// Of several files of tests, those that cannot be run here: with the place that needs what is not there.
    pub left_out: Vec<Failure>,
    /// Files of tests that are run confined, without a try in the sandbox, which lacks what they need.
    pub only_confined: Vec<String>,
    /// How many of many tests to run before the others.
    pub likeliest: usize,
    /// How the user's own interpreter would run it, if the user allows that at all.
    pub native: Option<Native>,
}

/// How `run` is run. Positions in it are in the `encoding`. What `may_confine` says of its folder: whether what the sandbox cannot run
/// may run confined, so that nothing is left out.
///
/// # Errors
/// When there is nothing to run; in words for the user.
pub fn plan(
    run: &Run,
    encoding: Encoding,
    snapshot: &Snapshot,
    environments: &Environments,
    may_confine: impl FnOnce(&Path) -> bool,
) -> Result<Plan, String> {
    let path = run.path.clone();
    let root = root_of(snapshot, &path);
    let environment = environments.of(&root);
    let needs = |files: &[FileId]| match snapshot.indexing {
        // While the workspace is being read, its own modules look as if they came from elsewhere.
        true => ide::Needs::default(),
        false => ide::needs(&snapshot.analysis, files, |package| environment.availability(package)),
    };
    let obstacle = |needs: &ide::Needs| -> Option<Failure> {
        let (message, first) = needs.message(&snapshot.analysis).zip(needs.obstacles.first())?;
        let line = snapshot.analysis.source(first.file).line_number(first.range.start());
        let place = slashed(inside(&root, snapshot.analysis.path(first.file)));
        Some(Failure::new(place, line, format!("not runnable here: {message}")))
    };
    let mut likeliest = 0;
    let mut left_out = Vec::new();
    let mut only_confined = Vec::new();
    let may_confine = may_confine(&root);
    let (action, files, what) = match run.kind {
        RunKind::Affected => {
            let mut tests = affected_tests(snapshot, &root)?;
            let Runnability { runnable, left_out: others } = runnability(&tests.files, needs);
            if may_confine {
                only_confined.extend(others.iter().map(|(file, _)| file_id(&snapshot.analysis, &root, *file)));
            } else if !runnable.is_empty() {
                left_out.extend(others.iter().filter_map(|(_, needs)| obstacle(needs)));
                tests.keep(&snapshot.analysis, &root, &runnable);
            }
            likeliest = tests.likeliest;
            (Action::Pytest { targets: tests.targets }, tests.files, tests.what)
        }
        RunKind::Pytest | RunKind::Doctest | RunKind::Main | RunKind::Cell | RunKind::Selection => {
            let relative = path.strip_prefix(&root).unwrap_or(&path);
            let action = action(run, encoding, snapshot, &path, relative)?;
            let target = run.target.as_deref().map_or(String::new(), |target| format!(" {target}"));
            let files = snapshot.analysis.file(&path).into_iter().collect();
            (action, files, format!("{}{target}", relative.display()))
        }
    };
    if may_confine && !snapshot.indexing {
        let differing = told_apart(&snapshot.analysis, &files, |module| environment.availability(module));
        only_confined.extend(differing.into_iter().map(|file| file_id(&snapshot.analysis, &root, file)));
    }
    let needs = needs(&files);
    let obstacle = obstacle(&needs);
    let obstacle = match &action {
        Action::Code { .. } | Action::Cell { .. } => obstacle,
        // The sandbox, or who comes after it, says what came of it.
        _ => obstacle.filter(|_| !may_confine),
    };
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
        writable: true,
        ..Request::new(root, action)
    };
    let paths = files.iter().map(|&file| snapshot.analysis.path(file).to_path_buf()).collect();
    Ok(Plan { request, what, files: paths, obstacle, left_out, only_confined, likeliest, native })
}

/// What the session of a file's cells is called.
pub fn session_of(snapshot: &Snapshot, path: &Path) -> String {
    slashed(inside(&root_of(snapshot, path), path))
}

/// The workspace folder of `path`, or for a file outside of them its own.
fn root_of(snapshot: &Snapshot, path: &Path) -> PathBuf {
    let root = snapshot.analysis.root_of(path).or(path.parent());
    root.unwrap_or(Path::new("/")).to_path_buf()
}

fn inside<'a>(root: &Path, path: &'a Path) -> &'a Path {
    path.strip_prefix(root).unwrap_or(path)
}

fn action(run: &Run, encoding: Encoding, snapshot: &Snapshot, path: &Path, relative: &Path) -> Result<Action, String> {
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
            let (start, end) = run.range.ok_or("a selection has a range")?;
            let source = analysis.source(file);
            let (start, end) = (source.offset(start, encoding), source.offset(end, encoding));
            // Whole lines, so that a selection from the middle of an indentation is what it looks like.
            let lines = source.lines();
            let start = lines.line_range(lines.line(start), source.text()).start();
            let range = syntax::TextRange::new(start, end.max(start));
            let (text, filename, first_line) = part(range, file);
            Action::Code { text, filename, first_line }
        }
    })
}

/// Tests that are to be run together.
struct Tests {
    /// By node id, in the order in which they are worth running.
    targets: Vec<String>,
    files: Vec<FileId>,
    /// How many of them to run first.
    likeliest: usize,
    /// For people.
    what: String,
}

impl Tests {
    /// Leaves out all that are not in `files`.
    fn keep(&mut self, analysis: &Analysis, root: &Path, files: &[FileId]) {
        let kept: Vec<String> = files.iter().map(|&file| file_id(analysis, root, file)).collect();
        let is_kept = |target: &String| kept.iter().any(|file| target.split("::").next() == Some(file));
        self.likeliest = self.targets.iter().take(self.likeliest).filter(|it| is_kept(it)).count();
        self.targets.retain(is_kept);
        self.files = files.to_vec();
    }
}

/// A file of tests as pytest names it.
fn file_id(analysis: &Analysis, root: &Path, file: FileId) -> String {
    ide::node_id(analysis, root, analysis.module(file))
}

/// The tests that what has changed affects. Where nothing says what has changed, all tests of the folder.
///
/// # Errors
/// When there is none, or the repository cannot be read; in words for the user.
fn affected_tests(snapshot: &Snapshot, root: &Path) -> Result<Tests, String> {
    let analysis = &snapshot.analysis;
    let unsaved: Vec<PathBuf> = snapshot.documents.keys().cloned().collect();
    let chosen = affected::choose(&state(snapshot, root, &unsaved), None)
        .map_err(|error| format!("tantu cannot tell what has changed: {error:#}"))?;
    let Some(Chosen { affected, likeliest, since }) = chosen else {
        let files = files_with_tests(analysis, root);
        let count = files.iter().map(|&file| tests_in(analysis, file)).sum();
        if count == 0 {
            return Err(format!("{} has no tests", root.display()));
        }
        let targets = files.iter().map(|&file| file_id(analysis, root, file)).collect();
        let what = format!("{}, for outside of git nothing says what has changed", wording::tests(count, ""));
        return Ok(Tests { targets, files, likeliest: 0, what });
    };
    if affected.tests.is_empty() {
        return Err(match affected.changed.is_empty() {
            true => format!("no definition has changed since {since}"),
            false => format!(
                "what has changed since {since} can be reached by no test: there is none that pytest would collect"
            ),
        });
    }
    let mut files: Vec<FileId> = affected.tests.iter().map(|it| it.test.file).collect();
    files.sort_unstable();
    files.dedup();
    let targets: Vec<String> = affected.tests.iter().map(|it| ide::node_id(analysis, root, it.test)).collect();
    let what = wording::tests(targets.len(), "affected ");
    Ok(Tests { targets, files, likeliest, what })
}

/// What tests of the folder `root` are chosen by, and remembered with.
pub fn state<'a>(snapshot: &'a Snapshot, root: &'a Path, unsaved: &'a [PathBuf]) -> State<'a> {
    State {
        analysis: &snapshot.analysis,
        root,
        store: snapshot.database.as_ref().map(|it| it.store()),
        unsaved,
        edited: snapshot.results.since_green(),
    }
}

/// As pytest spells what is called `name` in the module at `path`, which is relative.
pub fn node_id(path: &Path, name: Option<&str>) -> String {
    let names = name.into_iter().flat_map(|name| name.split('.'));
    names.fold(slashed(path), |id, name| format!("{id}::{name}"))
}

/// With forward slashes.
pub fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

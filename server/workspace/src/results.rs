//! What runs of tests, doctests, cells and scripts have said, as long as it is true: results move with their lines, and are
//! outdated by edits that reach them.

mod outdated;
mod shift;
mod wording;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use graph::Analysis;
use sandbox::{Failure, Outcome, Status, TestResult, Verdict};
use serde::{Deserialize, Serialize};

use outdated::Outdated;
pub use wording::{tally, title};

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    pub path: PathBuf,
    pub kind: RunKind,
    /// The name inside the module, such as `TestCart.test_total`, or of a cell its number; all of the module if there is
    /// none.
    pub target: Option<String>,
    /// Of a selection, in the encoding of whoever selected.
    pub range: Option<(syntax::Position, syntax::Position)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    Pytest,
    Doctest,
    Main,
    Cell,
    Selection,
    /// The tests that a change affects, in the workspace folder around the file.
    Affected,
}

impl From<ide::RunnableKind> for RunKind {
    fn from(kind: ide::RunnableKind) -> Self {
        match kind {
            ide::RunnableKind::Pytest => RunKind::Pytest,
            ide::RunnableKind::Doctest => RunKind::Doctest,
            ide::RunnableKind::Main => RunKind::Main,
            ide::RunnableKind::Cell => RunKind::Cell,
        }
    }
}

/// How many definitions are looked at for what an edit affects. Lenses wait for it.
pub const EFFORT: ide::Effort = ide::Effort::thorough(20_000);

/// What is known about each thing that was run.
#[derive(Clone, Default)]
pub struct Results {
    states: HashMap<Run, State>,
    /// What was edited since all affected tests passed for the last time.
    green: Option<Edits>,
    outdated: Arc<Mutex<Option<Known>>>,
}

/// What edits have superseded at a revision of the graph.
type Known = (u64, Arc<Outdated>);

/// The text that each file had, for those that were edited since; `None` where there was no file.
pub type Edits = BTreeMap<PathBuf, Option<Arc<str>>>;

#[derive(Clone)]
enum State {
    Running { run_id: u64, edits: Edits },
    Done(Done),
}

#[derive(Clone)]
struct Done {
    run_id: u64,
    ended: Arc<Ended>,
    edits: Edits,
}

/// A failure at a line of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestFailure {
    pub path: PathBuf,
    pub failure: Failure,
    /// The name inside the module of the test that it is about, if it is about one.
    pub test: Option<String>,
    /// Whose paths in the failure are relative to.
    pub root: Arc<Path>,
    /// It says nothing about the code, only that it could not be run here.
    pub not_runnable: bool,
}

/// What came of a run.
pub struct Ended {
    /// What paths in the outcome are relative to.
    pub root: Arc<Path>,
    title: String,
    pub failures: Vec<TestFailure>,
    /// Single tests by file and name inside the module.
    pub tests: HashMap<(PathBuf, String), Tally>,
    /// The files that were run.
    files: Vec<PathBuf>,
    /// Whether every affected test has passed.
    pub is_green: bool,
}

/// What came of the variants of one test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    pub not_runnable: usize,
    pub millis: u64,
}

impl Ended {
    pub fn new(run: &Run, outcome: &Outcome, root: &Path, files: Vec<PathBuf>) -> Self {
        let not_runnable = matches!(outcome.outcome, Status::NotRunnable | Status::Refused);
        let shared: Arc<Path> = root.into();
        // The test around a line is the last one that begins above it.
        let test = |failure: &Failure| {
            let above = outcome.tests.iter().filter(|it| it.path == failure.path && it.line <= failure.line);
            above.max_by_key(|it| it.line).filter(|it| it.verdict != Verdict::Passed).map(name_of)
        };
        let failure = |failure: &Failure| TestFailure {
            path: root.join(&failure.path),
            failure: failure.clone(),
            test: test(failure),
            root: shared.clone(),
            not_runnable,
        };
        let mut tests: HashMap<(PathBuf, String), Tally> = HashMap::new();
        for test in &outcome.tests {
            tests.entry((root.join(&test.path), name_of(test))).or_default().add(test);
        }
        Ended {
            root: shared.clone(),
            title: wording::title(outcome),
            failures: outcome.failures.iter().map(failure).collect(),
            tests,
            files,
            is_green: run.kind == RunKind::Affected && outcome.outcome == Status::Passed,
        }
    }
}

impl Ended {
    /// Says of files of tests that they were left out, each with what it needs: not all that is affected has passed then.
    pub fn leave_out(&mut self, files: &[Failure]) {
        if files.is_empty() {
            return;
        }
        self.is_green = false;
        self.title.push_str(&wording::left_out(files.len()));
        let failure = |failure: &Failure| TestFailure {
            path: self.root.join(&failure.path),
            failure: failure.clone(),
            test: None,
            root: self.root.clone(),
            not_runnable: true,
        };
        self.failures.extend(files.iter().map(failure));
    }
}

/// The name inside the module of what a node id names: `TestB.test_c` of `tests/test_a.py::TestB::test_c[1-x]`.
pub fn name_of(test: &TestResult) -> String {
    let names = test.id.split_once("::").map_or("", |(_, names)| names);
    names.split('[').next().unwrap_or(names).replace("::", ".")
}

impl Tally {
    fn add(&mut self, test: &TestResult) {
        match test.verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed => self.failed += 1,
            Verdict::Skipped => self.skipped += 1,
            Verdict::NotRunnable => self.not_runnable += 1,
        }
        self.millis += test.millis;
    }

    fn join(self, other: Tally) -> Tally {
        Tally {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
            not_runnable: self.not_runnable + other.not_runnable,
            millis: self.millis + other.millis,
        }
    }
}

impl Results {
    /// Notes that `run` has begun; a later beginning makes an earlier one irrelevant.
    pub fn start(&mut self, run: Run, run_id: u64) {
        self.states.insert(run, State::Running { run_id, edits: Edits::new() });
    }

    /// Notes the end of the run that began with `run_id`; without a result if it was cancelled.
    pub fn end(&mut self, run: Run, run_id: u64, ended: Option<Ended>) {
        let edits = match self.states.get(&run) {
            Some(State::Running { run_id: current, edits }) if *current == run_id => edits.clone(),
            _ => return,
        };
        self.states.remove(&run);
        self.outdated = Arc::default();
        if let Some(ended) = ended {
            if ended.is_green {
                self.green = Some(edits.clone());
            }
            self.states.insert(run, State::Done(Done { run_id, ended: Arc::new(ended), edits }));
        }
    }

    /// The text of `path`, which was `before`, is about to change.
    pub fn edited(&mut self, path: &Path, before: Option<&Arc<str>>) {
        let all = self.states.values_mut().map(|state| match state {
            State::Running { edits, .. } | State::Done(Done { edits, .. }) => edits,
        });
        for edits in all.chain(&mut self.green) {
            if !edits.contains_key(path) {
                edits.insert(path.to_path_buf(), before.cloned());
            }
        }
    }

    /// Whether edits need not be told.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty() && self.green.is_none()
    }

    /// The number of the newest run that has ended.
    pub fn last_ended(&self) -> Option<u64> {
        self.done().map(|done| done.run_id).max()
    }

    /// What was edited since all affected tests passed; `None` while they never did.
    pub fn since_green(&self) -> Option<&Edits> {
        self.green.as_ref()
    }

    /// What a lens says about `run`, if it was run, by itself or among others.
    pub fn title(&self, run: &Run, analysis: &Analysis) -> Option<String> {
        let path = &run.path;
        let own = match self.states.get(run) {
            Some(State::Running { .. }) => return Some("… running".to_owned()),
            Some(State::Done(done)) => Some((done, done.ended.title.clone())),
            None => None,
        };
        let among = run.target.as_deref().filter(|_| run.kind == RunKind::Pytest);
        let among = among.and_then(|name| self.tally(path, name));
        let among = among.map(|(done, tally)| (done, wording::tally(tally)));
        let (done, mut title) = own.into_iter().chain(among).max_by_key(|(done, _)| done.run_id)?;
        if !done.edits.is_empty() && self.outdated(analysis).supersedes(done.run_id, run) {
            title.push_str(OUTDATED);
        }
        Some(title)
    }

    /// What came of a test, or of those of a class, when it was last run.
    fn tally(&self, path: &Path, name: &str) -> Option<(&Done, Tally)> {
        let inside = |test: &str| test.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let tally = |done: &Done| {
            let tests = done.ended.tests.iter().filter(|((file, test), _)| file == path && inside(test));
            tests.map(|(_, tally)| *tally).reduce(Tally::join)
        };
        let found = self.done().filter_map(|done| Some((done, tally(done)?)));
        found.max_by_key(|(done, _)| done.run_id)
    }

    fn done(&self) -> impl Iterator<Item = &Done> {
        self.states.values().filter_map(|state| match state {
            State::Running { .. } => None,
            State::Done(done) => Some(done),
        })
    }

    /// What failed in `path`, whose text is `now`, each with its line there (counted from 0), and whether an edit since may
    /// have mended it. A failure goes with the line that it is at, and with a newer run of its test.
    pub fn failures(&self, path: &Path, now: &str, analysis: &Analysis) -> Vec<(u32, &TestFailure, bool)> {
        let mut found = Vec::new();
        for done in self.done() {
            for failure in done.ended.failures.iter().filter(|failure| failure.path == path) {
                let line = failure.failure.line.saturating_sub(1);
                let line = match done.edits.get(path) {
                    Some(before) => shift::line(before.as_deref().unwrap_or_default(), now, line),
                    None => Some(line),
                };
                // A newer run of the same test knows better.
                let newest = failure.test.as_deref().and_then(|test| self.tally(path, test));
                let is_newest = newest.is_none_or(|(newest, _)| newest.run_id <= done.run_id);
                if let Some(line) = line.filter(|_| is_newest) {
                    let outdated = !done.edits.is_empty() && self.outdated(analysis).is_superseded(done);
                    found.push((done.run_id, line, failure, outdated));
                }
            }
        }
        // The same failure of a test and of its file is one; the newest run knows best.
        found.sort_by_key(|(run_id, line, ..)| (*line, std::cmp::Reverse(*run_id)));
        found.dedup_by(|(_, line, failure, _), (_, kept, newer, _)| {
            line == kept && failure.failure.message == newer.failure.message
        });
        found.into_iter().map(|(_, line, failure, outdated)| (line, failure, outdated)).collect()
    }
}

const OUTDATED: &str = " · outdated";

#[cfg(test)]
mod tests {
    use graph::{AnalysisHost, Change};

    use super::*;

    const CODE: &str = "def price(): return 1\ndef other(): return 2\n";
    const TESTS: &str = "from a import price\ndef test_price():\n    assert price() == 2\ndef test_nothing(): pass\n";

    /// A workspace of which the tests were run: one has failed, one passed.
    struct World {
        host: AnalysisHost,
        runs: Results,
    }

    impl World {
        fn new() -> Self {
            let mut world = World { host: AnalysisHost::new(vec![PathBuf::from("/w")]), runs: Results::default() };
            world.edit("/w/a.py", CODE);
            world.edit("/w/test_a.py", TESTS);
            world.runs.start(run(None), 1);
            let ended = world.ended(&[("test_price", Verdict::Failed), ("test_nothing", Verdict::Passed)]);
            world.runs.end(run(None), 1, Some(ended));
            world
        }

        fn ended(&self, tests: &[(&str, Verdict)]) -> Ended {
            let result = |(name, verdict): &(&str, Verdict)| TestResult {
                id: format!("test_a.py::{name}"),
                path: "test_a.py".to_owned(),
                line: if *name == "test_price" { 2 } else { 4 },
                verdict: *verdict,
                returned: true,
                millis: 2,
                message: None,
            };
            let failed = tests.iter().filter(|(_, verdict)| *verdict == Verdict::Failed).count() as u32;
            let failure = Failure::new("test_a.py", 3, "assert 1 == 2");
            let outcome = Outcome {
                failed,
                passed: tests.len() as u32 - failed,
                tests: tests.iter().map(result).collect(),
                failures: std::iter::repeat_n(failure, failed as usize).collect(),
                ..Outcome::without_run(if failed > 0 { Status::Failed } else { Status::Passed }, "")
            };
            Ended::new(&run(None), &outcome, Path::new("/w"), vec![PathBuf::from("/w/test_a.py")])
        }

        fn edit(&mut self, path: &str, text: &str) {
            let analysis = self.host.analysis();
            let before = analysis.file(Path::new(path)).map(|file| analysis.source(file).text().clone());
            self.runs.edited(Path::new(path), before.as_ref());
            let mut change = Change::default();
            change.set(path, text);
            self.host.apply(change);
        }

        fn title(&self, target: Option<&str>) -> String {
            self.runs.title(&run(target), &self.host.analysis()).unwrap_or_default()
        }

        /// Line (counted from 0) and whether it may be mended.
        fn failures(&self) -> Vec<(u32, bool)> {
            let (analysis, path) = (self.host.analysis(), Path::new("/w/test_a.py"));
            let now = analysis.source(analysis.file(path).unwrap()).text().clone();
            self.runs.failures(path, &now, &analysis).into_iter().map(|(line, _, outdated)| (line, outdated)).collect()
        }
    }

    fn run(target: Option<&str>) -> Run {
        Run {
            path: PathBuf::from("/w/test_a.py"),
            kind: RunKind::Pytest,
            target: target.map(str::to_owned),
            range: None,
        }
    }

    #[test]
    fn each_test_of_a_file_has_its_own_result() {
        let world = World::new();
        assert_eq!(world.title(None), "✗ 1 failed, 1 passed");
        assert_eq!(world.title(Some("test_price")), "✗ 1 failed");
        assert_eq!(world.title(Some("test_nothing")), "✓ 1 passed · 2 ms");
        assert_eq!(world.title(Some("test_new")), "");
        assert_eq!(world.failures(), [(2, false)]);
    }

    #[test]
    fn only_what_reaches_an_edit_is_outdated() {
        let mut world = World::new();
        world.edit("/w/a.py", &CODE.replace("return 2", "return 3"));
        assert_eq!(world.title(Some("test_price")), "✗ 1 failed");
        world.edit("/w/a.py", &CODE.replace("return 1", "return 3"));
        assert_eq!(world.title(None), "✗ 1 failed, 1 passed · outdated");
        assert_eq!(world.title(Some("test_price")), "✗ 1 failed · outdated");
        assert_eq!(world.title(Some("test_nothing")), "✓ 1 passed · 2 ms");
        assert_eq!(world.failures(), [(2, true)]);
        world.edit("/w/a.py", &format!("# As it was.\n{CODE}"));
        assert_eq!(world.title(Some("test_price")), "✗ 1 failed");
    }

    #[test]
    fn a_failure_goes_where_its_line_goes() {
        let mut world = World::new();
        world.edit("/w/test_a.py", &format!("# One\n# Two\n{TESTS}"));
        assert_eq!(world.failures(), [(4, false)]);
        world.edit("/w/test_a.py", &TESTS.replace("== 2", "== 1"));
        assert_eq!(world.failures(), []);
    }

    #[test]
    fn the_newest_run_of_a_test_counts() {
        let mut world = World::new();
        world.runs.start(run(Some("test_price")), 2);
        assert_eq!(world.title(Some("test_price")), "… running");
        world.runs.end(run(Some("test_price")), 2, Some(world.ended(&[("test_price", Verdict::Passed)])));
        assert_eq!(world.title(Some("test_price")), "✓ 1 passed · 2 ms");
        assert_eq!(world.failures(), [], "the older failure is mended");
    }

    #[test]
    fn of_two_runs_the_later_one_counts_and_a_cancelled_one_leaves_nothing() {
        let mut world = World::new();
        world.runs.start(run(None), 2);
        world.runs.start(run(None), 3);
        world.runs.end(run(None), 2, Some(world.ended(&[])));
        assert_eq!(world.title(None), "… running");
        world.runs.end(run(None), 3, None);
        assert_eq!(world.title(None), "");
        assert!(world.runs.is_empty());
    }

    #[test]
    fn what_is_edited_after_a_green_run_is_remembered() {
        let mut world = World::new();
        assert!(world.runs.since_green().is_none());
        let affected = Run { kind: RunKind::Affected, ..run(None) };
        let green = Outcome { passed: 1, ..Outcome::without_run(Status::Passed, "") };
        world.runs.start(affected.clone(), 2);
        world.edit("/w/a.py", "def price(): return 2\n");
        world.runs.end(affected.clone(), 2, Some(Ended::new(&affected, &green, Path::new("/w"), Vec::new())));
        world.edit("/w/a.py", "def price(): return 3\n");
        world.edit("/w/test_a.py", "");
        let since = world.runs.since_green().unwrap();
        let paths: Vec<&str> = since.keys().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(paths, ["/w/a.py", "/w/test_a.py"]);
        assert_eq!(since[Path::new("/w/a.py")].as_deref(), Some(CODE), "as it was when the run began");
    }
}

//! Whether tests that a candidate writes can fail: each has to for at least one mutant of what it tests.

use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sandbox::{Action, Failure, Limits, Outcome, Request, TestResult, Verdict};
use syntax::apply_edits;

use super::Comparison;
use super::graph_stage::count;
use super::outcomes::{ASSERTED, finding};
use super::tests_stage::Plan;
use crate::evidence::TestRun;
use crate::mutants::{Mutant, mutants};
use crate::{Candidate, Finding};

/// Mutants of one candidate, and how many of them are run before it is seen whether more are needed.
const MOST: usize = 30;
const AT_ONCE: usize = 6;

/// A mutant may well never end.
const WALL: Duration = Duration::from_secs(3);

/// Tests that are run with mutants.
pub(super) struct Trial {
    /// As it was run with the candidate.
    request: Request,
    /// The file of what is tested, relative to the request's folder, and its text.
    path: PathBuf,
    text: String,
    /// What is tested.
    name: String,
    mutants: Vec<Mutant>,
    /// Those that are being run.
    batch: Range<usize>,
    /// Tests that no mutant has made fail so far.
    undecided: Vec<Test>,
    all: u32,
    /// Mutants that the tests have met.
    met: usize,
    millis: u64,
}

/// A test that the candidate wrote, and where it is.
struct Test {
    id: String,
    path: String,
    line: u32,
}

/// What a trial says.
#[derive(Default)]
pub(super) struct Said {
    pub findings: Vec<Finding>,
    pub unchecked: Option<String>,
    pub run: Option<TestRun>,
}

impl Trial {
    /// Of the tests that `candidate` wrote and that passed. None if it is not asked to write tests, or there is nothing to try.
    pub fn new(
        comparison: &Comparison,
        candidate: &Candidate,
        plan: &Plan,
        outcomes: &[Result<Outcome, String>],
    ) -> Option<Trial> {
        let (path, range) = candidate.tested.as_ref()?;
        let after = &comparison.after;
        let file = after.file(path)?;
        let range = comparison.edited(path).map_or(Some(*range), |edited| edited.shift(*range))?;
        let text = after.source(file).text().to_string();
        let runs = plan.requests.iter().zip(&plan.expected).zip(outcomes);
        let found = runs.filter_map(|((request, expected), outcome)| {
            let outcome = outcome.as_ref().ok()?;
            let path = path.strip_prefix(&request.root).ok()?.to_owned();
            let written = expected.tests.iter().filter(|test| test.is_written);
            let tests: Vec<Test> = written
                .filter_map(|test| {
                    let results = test.results(outcome);
                    let first = results.first().filter(|_| results.iter().all(|it| it.verdict == Verdict::Passed))?;
                    Some(Test { id: test.id.clone(), path: test.path().to_owned(), line: first.line })
                })
                .collect();
            (!tests.is_empty()).then_some((request, path, tests))
        });
        let (request, path, undecided) = { found }.next()?;
        Some(
            Trial {
                request: request.clone(),
                path,
                mutants: mutants(&text, range, MOST),
                name: after.symbol(after.enclosing(file, range.start())).local_name(),
                text,
                batch: 0..0,
                all: undecided.len() as u32,
                undecided,
                met: 0,
                millis: 0,
            }
            .next(),
        )
    }

    fn next(mut self) -> Self {
        self.batch = self.batch.end..self.mutants.len().min(self.batch.end + AT_ONCE);
        self
    }

    /// The tests that have not failed yet, with each of the next mutants.
    pub fn requests(&self) -> Vec<Request> {
        let targets: Vec<String> = self.undecided.iter().map(|test| test.id.clone()).collect();
        let request = Request { action: Action::Pytest { targets }, ..self.request.clone() };
        let batch = self.mutants[self.batch.clone()].iter();
        batch.filter_map(|mutant| with_mutant(&request, &self.path, &self.text, mutant)).collect()
    }

    /// Takes what came of [`Trial::requests`]. Goes on with further mutants, or says what there is to say.
    pub fn record_outcomes(mut self, outcomes: &[Result<Outcome, String>]) -> ControlFlow<Said, Trial> {
        for outcome in outcomes.iter().flatten() {
            self.met += usize::from(outcome.tests.iter().any(|it| it.verdict != Verdict::NotRunnable));
            self.millis += outcome.millis;
            self.undecided.retain(|test| !notices(test, outcome, &self.path));
        }
        let is_over = self.undecided.is_empty() || self.batch.end == self.mutants.len();
        if !is_over && outcomes.iter().any(Result::is_ok) {
            return ControlFlow::Continue(self.next());
        }
        ControlFlow::Break(self.said(outcomes))
    }

    fn said(&self, outcomes: &[Result<Outcome, String>]) -> Said {
        let Trial { name, met, .. } = self;
        if *met == 0 {
            let why = match outcomes.iter().find_map(|outcome| outcome.as_ref().err()) {
                Some(why) => format!("mutants of `{name}` were not run: {why}"),
                None if self.mutants.is_empty() => format!("there is nothing in `{name}` to make mutants of"),
                None => format!("mutants of `{name}` were not run"),
            };
            return Said { unchecked: Some(format!("whether the new tests can fail: {why}")), ..Said::default() };
        }
        let mutants = count(*met, "mutant");
        let such_as = self.mutants.first().map(|it| format!(", such as line {}: {}", it.line, it.what));
        let of = |test: &Test| {
            let such_as = such_as.as_deref().unwrap_or_default();
            let message = format!(
                "`{}` cannot fail: it passes with each of {mutants} of `{name}`{such_as}; assert what `{name}` is to do",
                test.id.split("::").skip(1).collect::<Vec<_>>().join(".")
            );
            finding("vacuous-test", message, test.path.clone(), test.line)
        };
        let failed = self.undecided.len() as u32;
        let run = TestRun {
            name: format!("new tests that fail for one of {mutants} of {name}"),
            outcome: if failed == 0 { "passed" } else { "failed" }.to_owned(),
            passed: self.all - failed,
            failed,
            millis: self.millis,
            compared: None,
            telling: self.all - failed,
        };
        Said { findings: self.undecided.iter().map(of).collect(), unchecked: None, run: Some(run) }
    }
}

/// The request with a mutant of the file at `path`, whose text is `text`.
pub(super) fn with_mutant(request: &Request, path: &Path, text: &str, mutant: &Mutant) -> Option<Request> {
    let text = apply_edits(text, std::slice::from_ref(&mutant.edit)).ok()?;
    let mut overlay = request.overlay.clone();
    overlay.retain(|(known, _)| known != path);
    overlay.push((path.to_owned(), text));
    Some(Request { overlay, limits: Limits { wall: WALL, ..Limits::default() }, ..request.clone() })
}

/// Whether a test fails in its own lines, or at an assertion anywhere but in the file `tested`. What is raised in the code
/// that is tested fails tests that look at nothing, too.
fn notices(test: &Test, outcome: &Outcome, tested: &Path) -> bool {
    let is_it =
        |it: &&TestResult| it.id.strip_prefix(&*test.id).is_some_and(|rest| rest.is_empty() || rest.starts_with('['));
    let failed = outcome.tests.iter().filter(|it| it.verdict == Verdict::Failed).filter(is_it);
    let mut messages = failed.filter_map(|result| result.message.as_deref());
    messages.any(|message| {
        outcome.failures.iter().any(|failure| {
            let innermost = failure.related.last().map_or(&failure.path, |place| &place.path);
            let is_assertion =
                ASSERTED.iter().any(|start| message.starts_with(start)) && Path::new(innermost) != tested;
            let is_noticed = *innermost == test.path || is_assertion;
            is_noticed && failure.message.starts_with(message) && is_of(test, failure, outcome)
        })
    })
}

/// Whether a failure is that of a test, and not of one further down in its file: they may well say the same.
fn is_of(test: &Test, failure: &Failure, outcome: &Outcome) -> bool {
    let places = failure.related.iter().map(|place| (&place.path, place.line));
    let mut places = places.chain([(&failure.path, failure.line)]).filter(|(path, _)| **path == test.path);
    let Some((_, line)) = places.next() else { return false };
    let begun = outcome.tests.iter().filter(|it| it.path == test.path && it.line <= line).map(|it| it.line);
    begun.max() == Some(test.line)
}

#[cfg(test)]
mod tests {
    use sandbox::{Place, Status};
    use syntax::{TextEdit, TextRange, TextSize};

    use super::super::tests::{candidate, judge, load};
    use super::*;
    use crate::{CheckResult, Checked, Stage};

    const TEXT: &str = "def f(n):\n    return n + 1\n";

    /// Of two tests that a candidate writes for `f`.
    fn written() -> Checked {
        let (host, ..) = load(&format!("#- /a.py\n{TEXT}#- /b.py\n$1$1"));
        let tests = "import a\ndef test_good(): assert a.f(1) == 2\ndef test_idle(): x = a.f(1); assert x == x\n";
        let edits = vec![TextEdit::insert(TextSize::new(0), tests)];
        let candidate = Candidate {
            tested: Some(("/a.py".into(), TextRange::up_to(TextSize::of(TEXT)))),
            removed: Vec::new(),
            ..candidate(Path::new("/test_a.py"), TextRange::empty(TextSize::new(0)), edits)
        };
        judge(&host, candidate)
    }

    fn ran(request: &Request, verdict: impl Fn(&str) -> (Verdict, &'static str)) -> Result<Outcome, String> {
        let Action::Pytest { targets } = &request.action else { panic!("{request:?}") };
        let mut outcome = Outcome::without_run(Status::Passed, "");
        for target in targets {
            let (verdict, raised_in) = verdict(target);
            let is_failed = verdict == Verdict::Failed;
            let message = is_failed.then(|| "assert 1 == 2".to_owned());
            let (id, path) = (target.clone(), "test_a.py".to_owned());
            let line = if target.ends_with("good") { 2 } else { 3 };
            outcome.tests.push(TestResult { id, path, line, verdict, returned: !is_failed, millis: 1, message });
            outcome.passed += u32::from(!is_failed);
            if is_failed {
                (outcome.outcome, outcome.failed) = (Status::Failed, outcome.failed + 1);
                let place = |path: &str, line| Place { path: path.to_owned(), line, text: String::new() };
                let related = vec![place("test_a.py", line), place(raised_in, line)];
                let failure = Failure::new("test_a.py", line, "assert 1 == 2");
                outcome.failures.push(Failure { related, ..failure });
            }
        }
        Ok(outcome)
    }

    #[test]
    fn a_test_that_no_mutant_makes_fail_is_refused() {
        let mut checked = written();
        let first = checked.tests()[0].clone();
        checked.record_outcomes(vec![ran(&first, |_| (Verdict::Passed, ""))]);
        let mut rounds = Vec::new();
        loop {
            let requests = checked.more_tests();
            let Some(request) = requests.first() else { break };
            let Action::Pytest { targets } = &request.action else { unreachable!() };
            rounds.push((requests.len(), targets.len()));
            assert!(request.limits.wall < Limits::default().wall);
            let mutated =
                |it: &Request| it.overlay.iter().any(|(path, text)| path == Path::new("a.py") && text != TEXT);
            assert!(requests.iter().all(mutated), "{requests:?}");
            // The idle one fails only where the mutant itself does.
            let failing = |target: &str| match target.ends_with("good") {
                true => (Verdict::Failed, "test_a.py"),
                false => (Verdict::Failed, "a.py"),
            };
            checked.record_outcomes(requests.iter().map(|request| ran(request, failing)).collect());
        }
        assert_eq!(rounds, [(5, 2)]);
        let findings: Vec<String> = checked.findings().iter().map(ToString::to_string).collect();
        let message = "test_a.py:3: `test_idle` cannot fail: it passes with each of 5 mutants of `f`, such as line 2: `f` does \
                       nothing; assert what `f` is to do [tests: vacuous-test]";
        assert_eq!(findings, [message]);
        let evidence = checked.finish(None, None).evidence;
        assert_eq!(evidence.checks[&Stage::Tests], CheckResult::Failed);
        assert_eq!((evidence.tests[1].passed, evidence.tests[1].failed), (1, 1));
    }

    #[test]
    fn where_no_mutant_ran_that_is_said() {
        let open = |first: Result<Outcome, String>, second: Option<&str>| {
            let mut checked = written();
            checked.record_outcomes(vec![first]);
            if let Some(why) = second {
                let count = checked.more_tests().len();
                checked.record_outcomes(vec![Err(why.to_owned()); count]);
            }
            let evidence = checked.finish(None, None).evidence;
            assert_eq!(evidence.findings, []);
            evidence.unchecked.join("\n")
        };
        let said = "whether the new tests can fail: mutants of `f` were not run";
        let passed = || ran(&written().tests()[0].clone(), |_| (Verdict::Passed, ""));
        assert!(
            open(Err("there is no sandbox".into()), None)
                .ends_with("whether the new tests can fail: mutants were not run")
        );
        assert_eq!(open(passed(), Some("it is gone")), format!("{said}: it is gone"));
        assert_eq!(open(passed(), None), said);
    }
}

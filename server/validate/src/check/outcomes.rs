//! What test runs say about a candidate. A run that could not happen says nothing, and that is said.

use std::collections::BTreeMap;

use sandbox::{Action, Failure, Outcome, Request, Status, TestResult, Verdict};

use syntax::{TextRange, TextSize};

use super::Comparison;
use super::executed::Executed;
use super::graph_stage::count;
use super::laws;
use crate::candidate::display_path;
use crate::evidence::TestRun;
use crate::{Behaviour, CheckResult, Finding, Stage};

/// Failures of one run that are told. The first ones are worth reading.
const MAX_FAILURES: usize = 20;

/// Bytes of a message: a model needs the end of a traceback, not all of it.
const MAX_MESSAGE: usize = 600;

/// How the sandbox begins a message about what it cannot or will not run.
pub(super) const LIMITATIONS: [&str; 6] = [
    "needs ",
    "not allowed in the sandbox",
    "not allowed where it is confined",
    "not runnable here",
    "every test was skipped",
    FAILED_BEFORE,
];

/// How a message begins about what failed without the edit as well.
const FAILED_BEFORE: &str = "failed without the edit too: ";

#[derive(Default)]
pub(super) struct Recorded {
    pub findings: Vec<Finding>,
    /// Answers that are other than before, where that may be.
    pub warnings: Vec<Finding>,
    /// Laws that hold as a rule, and not here.
    pub questions: Vec<Finding>,
    /// How many laws held that say something by holding, and how many did not.
    pub laws: [u32; 2],
    pub unchecked: Vec<String>,
    pub runs: Vec<TestRun>,
}

impl Recorded {
    /// Notes which laws held on generated inputs. They are no tests: where there are none, none were run.
    fn take_laws(&mut self, request: &Request, name: String, outcome: Result<Outcome, String>) {
        let (kept, millis) = match outcome {
            Ok(outcome) => (laws::judge(&request.action, &outcome), outcome.millis),
            Err(_) => (laws::Kept::default(), 0),
        };
        (self.laws[0], self.laws[1]) = (self.laws[0] + kept.telling[0], self.laws[1] + kept.telling[1]);
        let status = match (kept.held, kept.broken) {
            (0, 0) => "not run".to_owned(),
            (_, 0) => Status::Passed.to_string(),
            _ => Status::Failed.to_string(),
        };
        let run = TestRun {
            name: format!("what has to hold of {name}"),
            outcome: status,
            passed: kept.held,
            failed: kept.broken,
            millis,
            compared: None,
            telling: 0,
        };
        self.findings.extend(kept.findings);
        self.questions.extend(kept.questions);
        self.runs.push(run);
    }

    /// Notes a run, and how much of what passed says anything.
    fn add(&mut self, mut run: TestRun, comparison: &Comparison, request: &Request, outcome: Option<&Outcome>) {
        if let (Some(outcome), Action::Pytest { .. }) = (outcome, &request.action) {
            run.telling = Executed::of(comparison, request, outcome).by_passed(outcome, run.passed);
            if run.telling < run.passed {
                let (name, silent, passed) = (&run.name, run.passed - run.telling, run.passed);
                let said = format!("{name}: {silent} of the {passed} that passed execute nothing of the edit");
                self.unchecked.push(said);
            }
        }
        if let Some(inputs) = run.compared.filter(|inputs| inputs.says_little() && run.failed == 0) {
            run.telling = 0;
            let (name, all) = (&run.name, inputs.inputs());
            let why = match inputs.returned {
                0..=1 => format!("{} of {all} inputs came to a result", inputs.returned),
                few if few * 10 < all => format!("only {few} of {all} inputs came to a result"),
                _ => format!("the same answer for each of {all} inputs"),
            };
            self.unchecked.push(format!("{name}: behaviour not compared: {why}"));
        }
        self.runs.push(run);
    }
}

/// Takes the outcomes of `requests`, in their order. An error says why the sandbox could not run one.
///
/// `evaded`: what was found beside the runs without the edit, by the index of the request. `tolerant`: functions may answer
/// otherwise than before.
pub(super) fn record_outcomes(
    comparison: &Comparison,
    requests: &[Request],
    outcomes: Vec<Result<Outcome, String>>,
    mut evaded: BTreeMap<usize, Vec<Finding>>,
    tolerant: bool,
) -> (CheckResult, Recorded) {
    let mut recorded = Recorded::default();
    let mut outcomes = outcomes.into_iter();
    let mut why_not: Option<String> = None;
    for (index, request) in requests.iter().enumerate() {
        let name = describe(&request.action);
        let outcome = outcomes.next().unwrap_or_else(|| Err("was not run".to_owned()));
        if laws::is_of_laws(&request.action) {
            recorded.take_laws(request, name, outcome);
            continue;
        }
        let mut judged = outcome.as_ref().map_or_else(
            |why| Judged { findings: Vec::new(), limitations: vec![why.clone()] },
            |outcome| judge(request, outcome, &name),
        );
        if tolerant && matches!(request.action, Action::Generated { .. }) {
            recorded.warnings.append(&mut judged.findings);
        }
        // Where something is wrong with the run, that is why it did not go on.
        if let Some(evaded) = evaded.remove(&index).filter(|_| judged.findings.is_empty()) {
            judged.findings.extend(evaded);
        }
        let (status, passed, failed, millis) = match &outcome {
            Err(_) => ("not run".to_owned(), 0, 0, 0),
            // What the sandbox refused to run counts there, and is nobody's failure.
            Ok(run) if judged.findings.is_empty() => (in_words(run), run.passed, 0, run.millis),
            // A run that was stopped, or never began, has counted no test.
            Ok(run) => (in_words(run), run.passed, run.failed.max(1), run.millis),
        };
        recorded.findings.extend(judged.findings);
        for why in judged.limitations {
            let why = one_line(&why);
            recorded.unchecked.push(format!("{name}: {why}"));
            why_not.get_or_insert(why);
        }
        let compared = outcome.as_ref().ok().and_then(|run| run.compared);
        let run = TestRun { name, outcome: status, passed, failed, millis, compared, telling: passed };
        recorded.add(run, comparison, request, outcome.as_ref().ok());
    }
    if requests.iter().all(|request| laws::is_of_laws(&request.action)) {
        recorded.unchecked.push(format!("behaviour: {NO_TESTS}"));
    }
    let result = if !recorded.findings.is_empty() {
        CheckResult::Failed
    } else if recorded.runs.iter().any(|run| run.telling > 0) {
        CheckResult::Passed
    } else {
        CheckResult::NotRun(why_not.unwrap_or_else(|| NO_TESTS.to_owned()))
    };
    (result, recorded)
}

/// The runner's word for it, and which one it was if not the sandbox.
fn in_words(run: &Outcome) -> String {
    let confined = if run.confined > 0 { ", confined" } else { "" };
    format!("{}{confined}", run.outcome)
}

/// Takes out of the outcome `after` an edit what came `before` it too, and is no fault of what the candidate wrote: where
/// nothing is to change, what nothing written raises; elsewhere, where a stub fails as well as a wrong answer, only what
/// fails before it comes to the edit, as a file of tests does that cannot be imported.
pub(super) fn ignore_preexisting(
    comparison: &Comparison,
    request: &Request,
    behaviour: Behaviour,
    after: &mut Result<Outcome, String>,
    before: &Result<Outcome, String>,
) {
    let (Ok(after), Ok(before)) = (after, before) else { return };
    let executed = Executed::of(comparison, request, after);
    let comes_to_the_edit = |outcome: &Outcome, failure: &Failure| match request.action {
        Action::Pytest { .. } => {
            let is_its = |test: &&TestResult| {
                test.verdict == Verdict::Failed
                    && test.message.as_ref().is_some_and(|message| failure.message.starts_with(message.as_str()))
            };
            outcome.tests.iter().filter(is_its).any(|test| executed.by(&test.id))
        }
        // What an example raises it raises before there is an answer; a stub's answer is `None`.
        _ => outcome.outcome != Status::Error && !is_about_names(&failure.message),
    };
    let is_preexisting = |failure: &Failure| {
        before.failures.iter().any(|it| (&it.path, &it.message) == (&failure.path, &failure.message))
            && !is_own(comparison, request, failure)
            && (behaviour != Behaviour::Any || !comes_to_the_edit(after, failure))
    };
    let preexisting: Vec<bool> = after.failures.iter().map(is_preexisting).collect();
    let is_blamed = preexisting.contains(&false);
    for (failure, _) in after.failures.iter_mut().zip(preexisting).filter(|(_, is_preexisting)| *is_preexisting) {
        failure.message.insert_str(0, FAILED_BEFORE);
    }
    if !is_blamed {
        // What is left says nothing of the edit.
        after.outcome = Status::NotRunnable;
    }
}

/// Whether a failure was raised by what the candidate wrote.
pub(super) fn is_own(comparison: &Comparison, request: &Request, failure: &Failure) -> bool {
    let (path, line) = failure.related.last().map_or((&failure.path, failure.line), |it| (&it.path, it.line));
    let edited = comparison.files.iter().find(|it| it.path == request.root.join(path));
    let Some((edited, line)) = edited.zip(line.checked_sub(1)) else { return false };
    let start: usize = edited.after.split_inclusive('\n').take(line as usize).map(str::len).sum();
    let length = edited.after[start..].lines().next().unwrap_or_default().len();
    edited.wrote(TextRange::at(TextSize::new(start as u32), TextSize::new(length as u32)))
}

const NO_TESTS: &str = "no test or doctest reaches the edit";

/// What a run was of, for people.
pub(super) fn describe(action: &Action) -> String {
    match action {
        Action::Doctest { path, name: Some(name) } => format!("doctest of {name} in {}", path.display()),
        Action::Doctest { path, name: None } => format!("doctests of {}", path.display()),
        Action::Pytest { targets } => match targets.as_slice() {
            [only] => only.clone(),
            _ => count(targets.len(), "test"),
        },
        Action::Script { path } => path.display().to_string(),
        Action::Code { filename, .. } | Action::Cell { filename, .. } => filename.clone(),
        Action::Generated { path, function, against: None, .. } => format!("{function} in {}", path.display()),
        Action::Generated { path, function, .. } => format!("old and new {function} in {}", path.display()),
    }
}

/// What one run says.
struct Judged {
    /// The candidate's fault.
    findings: Vec<Finding>,
    /// Why it, or a part of it, says nothing.
    limitations: Vec<String>,
}

fn judge(request: &Request, outcome: &Outcome, name: &str) -> Judged {
    let code = match request.action {
        Action::Doctest { .. } => "doctest-failed",
        Action::Generated { .. } => "other-behaviour",
        _ => "test-failed",
    };
    let limitation = |why: String| Judged { findings: Vec::new(), limitations: vec![why] };
    let stopped = |code: &str, why: &str| Judged {
        findings: vec![finding(code, format!("{name} {why}"), target_path(&request.action), 0)],
        limitations: Vec::new(),
    };
    match outcome.outcome {
        Status::Passed if outcome.passed == 0 => limitation("ran no test".to_owned()),
        Status::Passed => Judged { findings: Vec::new(), limitations: Vec::new() },
        Status::Timeout => stopped("timeout", &format!("did not end within {:?}", request.limits.wall)),
        Status::Memory => stopped("memory", "needed more memory than the sandbox gives"),
        Status::Output => stopped("output", "printed more than the sandbox allows"),
        Status::Failed if outcome.failures.is_empty() => {
            stopped(code, &format!("failed: {}", shortened(&outcome.stderr)))
        }
        Status::Refused | Status::NotRunnable | Status::Error if outcome.failures.is_empty() => {
            let last = outcome.stderr.lines().rev().find(|line| !line.trim().is_empty());
            limitation(last.map_or_else(|| outcome.outcome.to_string(), str::to_owned))
        }
        status => {
            let is_blamed = |failure: &&Failure| match status {
                Status::Failed => !LIMITATIONS.iter().any(|start| failure.message.starts_with(start)),
                // Of runs that could not begin, those are the candidate's fault in which Python raised something: its
                // module cannot be imported. The others miss an option, a plugin, or the test.
                Status::Error => names_exception(&failure.message),
                _ => false,
            };
            let (mut blamed, mut others): (Vec<&Failure>, Vec<&Failure>) =
                outcome.failures.iter().take(MAX_FAILURES).partition(is_blamed);
            let is_explained = others.iter().any(|failure| failure.message.starts_with(FAILED_BEFORE));
            if status == Status::Failed && blamed.is_empty() && !is_explained {
                // A failed test may well use the sandbox's words.
                std::mem::swap(&mut blamed, &mut others);
            }
            let place = |it: &&Failure| format!("{}:{}: {}", it.path, it.line, it.message);
            let of = |it: &&Failure| finding(code, shortened(&it.message), it.path.clone(), it.line);
            Judged { findings: blamed.iter().map(of).collect(), limitations: others.iter().map(place).collect() }
        }
    }
}

pub(super) fn finding(code: &str, message: String, path: String, line: u32) -> Finding {
    Finding { stage: Stage::Tests, code: code.to_owned(), message, path, line }
}

/// How pytest begins to say that something does not hold.
pub(super) const ASSERTED: [&str; 4] = ["assert", "AssertionError", "Failed: DID NOT RAISE", "DID NOT RAISE"];

/// A failed assertion of a test that the candidate wrote is as likely to be right as the code that it tests: what is wrong is for
/// a person to say.
pub(super) fn suspected(comparison: &Comparison, finding: Finding) -> Finding {
    let says_so = finding.code == "test-failed" && ASSERTED.iter().any(|start| finding.message.starts_with(start));
    let Some(test) = written_test(comparison, &finding).filter(|_| says_so) else { return finding };
    let message = format!("`{test}`: {}; the test is wrong, or it has found a bug", finding.message);
    Finding { code: "suspected-bug".to_owned(), message, ..finding }
}

/// The name of the test at a finding's place, if the candidate wrote it.
fn written_test(comparison: &Comparison, finding: &Finding) -> Option<String> {
    let after = &comparison.after;
    let edited = comparison.files.iter().find(|it| display_path(after, &it.path) == finding.path)?;
    let file = after.file(&edited.path)?;
    let line = finding.line.checked_sub(1)?;
    let source = after.source(file);
    let offset = source.lines().line_range(line, source.text()).end();
    let symbol = after.symbol(after.enclosing(file, offset));
    let is_written = edited.written().any(|written| written.contains_range(symbol.range));
    (symbol.name.starts_with("test") && symbol.kind.is_function() && is_written).then(|| symbol.local_name())
}

/// The file that a run was of, or the first of them.
pub(super) fn target_path(action: &Action) -> String {
    match action {
        Action::Doctest { path, .. } | Action::Script { path } | Action::Generated { path, .. } => {
            path.to_string_lossy().replace('\\', "/")
        }
        Action::Code { filename, .. } | Action::Cell { filename, .. } => filename.clone(),
        Action::Pytest { targets } => {
            targets.first().and_then(|target| target.split("::").next()).unwrap_or_default().to_owned()
        }
    }
}

/// Whether something is raised because a name, a module or a member of one is not there.
fn is_about_names(message: &str) -> bool {
    ["NameError: ", "ImportError: ", "ModuleNotFoundError: ", "AttributeError: module "]
        .iter()
        .any(|start| message.starts_with(start))
}

/// Whether a message begins as Python's do: `ImportError: …`.
fn names_exception(message: &str) -> bool {
    let name = message.split(':').next().unwrap_or_default();
    let is_name = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    is_name && (name.ends_with("Error") || name.ends_with("Exception"))
}

/// The end of a long message: that is where a traceback says what happened.
fn shortened(message: &str) -> String {
    let message = message.trim();
    if message.len() <= MAX_MESSAGE {
        return message.to_owned();
    }
    let start = message.ceil_char_boundary(message.len() - MAX_MESSAGE);
    format!("… {}", &message[start..])
}

pub(super) fn one_line(message: &str) -> String {
    shortened(&message.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use syntax::{TextEdit, TextRange, TextSize};

    use super::super::tests::{candidate, judge, load, outcome, without_edit};
    use super::*;
    use crate::{Behaviour, Candidate};

    /// Of an edit that no test of these reaches.
    fn comparison() -> Comparison {
        let (host, path, range) = load("#- /a.py\nLIMIT = $11$1\n");
        judge(&host, candidate(&path, range, vec![TextEdit::replace(range, "2")])).comparison
    }

    fn run(status: Status, passed: u32, failures: &[&str]) -> (CheckResult, Recorded) {
        let action = Action::Pytest { targets: vec!["tests/test_a.py::test_b".to_owned()] };
        let request = Request::new("/ws", action);
        let failures: Vec<Failure> =
            failures.iter().map(|&message| Failure::new("tests/test_a.py", 3, message)).collect();
        let failed = failures.len() as u32;
        let outcome = Outcome { passed, failed, failures, ..Outcome::without_run(status, "first line\nlast words\n") };
        record_outcomes(&comparison(), &[request], vec![Ok(outcome)], BTreeMap::new(), false)
    }

    fn messages((_, recorded): &(CheckResult, Recorded)) -> Vec<&str> {
        recorded.findings.iter().map(|finding| finding.message.as_str()).collect()
    }

    #[test]
    fn failures_are_findings_and_limitations_are_not() {
        let mixed = run(Status::Failed, 1, &["assert 1 == 2", "needs numpy", "not allowed in the sandbox: socket"]);
        assert_eq!(mixed.0, CheckResult::Failed);
        assert_eq!(messages(&mixed), ["assert 1 == 2"]);
        assert_eq!(mixed.1.unchecked.len(), 2);

        let own_words = run(Status::Failed, 0, &["needs more cheese"]);
        assert_eq!(messages(&own_words), ["needs more cheese"]);
        let silent = run(Status::Failed, 0, &[]);
        assert!(messages(&silent)[0].ends_with("last words"), "{:?}", messages(&silent));
    }

    #[test]
    fn some_tests_that_passed_count_though_others_could_not_run() {
        for status in [Status::NotRunnable, Status::Refused] {
            let (result, recorded) = run(status, 4, &["needs numpy"]);
            assert_eq!(result, CheckResult::Passed);
            assert_eq!(recorded.unchecked, ["tests/test_a.py::test_b: tests/test_a.py:3: needs numpy"]);
            assert_eq!((recorded.runs[0].passed, recorded.runs[0].failed), (4, 0));
            let (result, _) = run(status, 0, &["needs numpy"]);
            assert_eq!(result, CheckResult::NotRun("tests/test_a.py:3: needs numpy".to_owned()));
        }
    }

    #[test]
    fn a_run_that_cannot_begin_is_blamed_on_exceptions_only() {
        let import = run(Status::Error, 0, &["ImportError: cannot import name 'nope' from 'json'"]);
        assert_eq!(import.0, CheckResult::Failed);
        for message in ["ERROR: not found: tests/test_a.py::test_b", "unrecognized arguments: --cov", "no test here"] {
            let (result, recorded) = run(Status::Error, 0, &[message]);
            assert!(matches!(result, CheckResult::NotRun(_)) && recorded.findings.is_empty(), "{message}");
        }
        assert_eq!(run(Status::Error, 0, &[]).0, CheckResult::NotRun("last words".to_owned()));
        assert_eq!(run(Status::Passed, 0, &[]).0, CheckResult::NotRun("ran no test".to_owned()));
    }

    #[test]
    fn what_was_stopped_failed() {
        for (status, code) in [(Status::Timeout, "timeout"), (Status::Memory, "memory"), (Status::Output, "output")] {
            let (result, recorded) = run(status, 1, &[]);
            assert_eq!((result, recorded.findings[0].code.as_str()), (CheckResult::Failed, code));
            assert_eq!(recorded.runs[0].failed, 1);
        }
        assert_eq!(messages(&run(Status::Timeout, 0, &[])), ["tests/test_a.py::test_b did not end within 10s"]);
    }

    #[test]
    fn messages_are_kept_short_at_their_end() {
        let long = format!("{}\nAssertionError: é", "x".repeat(5000));
        let found = run(Status::Failed, 0, &[&long]);
        let message = messages(&found)[0];
        assert!(message.len() < 700 && message.ends_with("AssertionError: é"), "{message}");
        assert_eq!(messages(&run(Status::Failed, 0, &["a"; 100])).len(), MAX_FAILURES);
    }

    #[test]
    fn another_answer_is_told_or_held_against_it() {
        let path = "a.py".into();
        let against = Some(String::new());
        let action = Action::Generated {
            path,
            function: "f".to_owned(),
            inputs: 1,
            seed: 0,
            against,
            tests: Vec::new(),
            calls: Vec::new(),
        };
        let failures = vec![Failure::new("a.py", 1, "f(1) answers 2, was 1")];
        let outcome = Outcome { failed: 1, failures, ..Outcome::without_run(Status::Failed, "") };
        let of = |tolerant| {
            record_outcomes(
                &comparison(),
                &[Request::new("/ws", action.clone())],
                vec![Ok(outcome.clone())],
                BTreeMap::new(),
                tolerant,
            )
        };
        let (result, recorded) = of(false);
        assert_eq!((result, recorded.warnings.len()), (CheckResult::Failed, 0));
        assert_eq!(recorded.findings[0].code, "other-behaviour");
        let (result, recorded) = of(true);
        assert!(result != CheckResult::Failed && recorded.findings.is_empty());
        assert_eq!(recorded.warnings[0].code, "other-behaviour");
    }

    #[test]
    fn an_assertion_that_a_candidate_wrote_is_a_suspected_bug() {
        let (host, _, _) = load("#- /a.py\ndef f():\n    return 1\n#- /b.py\n$1$1");
        let test = "from a import f\ndef test_f():\n    assert f() == 2\n";
        let edits = vec![TextEdit::insert(TextSize::new(0), test)];
        let range = TextRange::empty(TextSize::new(0));
        let suspected = |message: &str| {
            let mut checked = judge(&host, candidate(Path::new("/test_a.py"), range, edits.clone()));
            checked.record_outcomes(vec![outcome(Status::Failed, 0, 1, &[("test_a.py", 3, message)])]);
            // There is nothing of it without the edit.
            checked.record_outcomes(vec![outcome(Status::Error, 0, 0, &[("test_a.py", 1, "not found")])]);
            let finding = &checked.findings()[0];
            (finding.code.clone(), finding.message.clone())
        };
        let (code, message) = suspected("assert 1 == 2");
        assert_eq!(code, "suspected-bug");
        assert_eq!(message, "`test_f`: assert 1 == 2; the test is wrong, or it has found a bug");
        assert_eq!(suspected("NameError: g").0, "test-failed");
    }

    #[test]
    fn what_failed_before_the_edit_is_not_held_against_it() {
        let text =
            "#- /a.py\ndef g(): return later\ndef f():\n    $1...$1\n#- /test_a.py\nimport a\ndef test_f(): a.f()\n";
        let (host, path, range) = load(text);
        let edit = |behaviour| Candidate {
            behaviour,
            ..candidate(&path, range, vec![TextEdit::replace(range, "return g()")])
        };
        let same = || outcome(Status::Passed, 200, 0, &[]);
        let failed = |places: &[(&str, u32, &str)]| outcome(Status::Failed, 1, places.len() as u32, places);
        let (old, own) = (("a.py", 1, "NameError: later"), ("a.py", 3, "NameError: later"));
        // What was run with the edit, what without it, and what is left.
        let cases: [(&[_], &[_], &[&str]); 4] = [
            (&[old], &[old], &[]),
            (&[old, ("test_a.py", 2, "assert 1 == 2")], &[old], &["test_a.py:2: assert 1 == 2 [tests: test-failed]"]),
            (&[old], &[], &["a.py:1: NameError: later [tests: test-failed]"]),
            (&[own], &[own], &["a.py:3: NameError: later [tests: test-failed]"]),
        ];
        for (after, before, left) in cases {
            let mut checked = judge(&host, edit(Behaviour::Preserve));
            checked.record_outcomes(vec![same(), failed(after)]);
            let [again] = &without_edit(&checked)[..] else { panic!("what failed is run again") };
            assert!(again.overlay[0].1.contains("...") && !again.overlay[0].1.contains("g()\n    return"));
            checked.record_outcomes(vec![failed(before)]);
            assert!(without_edit(&checked).is_empty());
            let findings: Vec<String> = checked.findings().iter().map(ToString::to_string).collect();
            assert_eq!(findings, left);
            let verdict = checked.finish(None, None);
            let is_told = verdict.evidence.unchecked.iter().any(|open| open.contains(FAILED_BEFORE));
            assert_eq!(is_told, before == [old], "{:?}", verdict.evidence.unchecked);
        }
    }

    #[test]
    fn a_wrong_answer_is_blamed_for_what_the_stub_fails_too_and_not_for_files_that_cannot_be_imported() {
        let text = "#- /a.py\ndef f():\n    $1...$1\n#- /test_a.py\nimport a\ndef test_f(): assert a.f() == 1\n";
        let (host, path, range) = load(text);
        let run = |failure: (&str, u32, &str), executes: Option<bool>| {
            let message = Some(failure.2.to_owned());
            let test = |id: &str| TestResult {
                id: id.to_owned(),
                path: "test_a.py".into(),
                line: 2,
                verdict: Verdict::Failed,
                returned: false,
                millis: 0,
                message: message.clone(),
            };
            let function = sandbox::Function { path: "a.py".into(), name: "f".into() };
            let functions = executes.map(|executes| if executes { vec![0] } else { Vec::new() });
            let tests = functions.iter().map(|_| test("test_a.py::test_f")).collect();
            let covered =
                functions.into_iter().map(|it| sandbox::Covered { test: "test_a.py::test_f".into(), functions: it });
            let coverage =
                sandbox::Coverage { functions: vec![function], tests: covered.collect(), loaded: Vec::new() };
            let status = if executes.is_some() { Status::Failed } else { Status::Error };
            outcome(status, 0, 1, &[failure]).map(|it| Outcome { tests, coverage, ..it })
        };
        let found = |after: Result<Outcome, String>, before: Result<Outcome, String>| {
            let mut checked = judge(&host, candidate(&path, range, vec![TextEdit::replace(range, "return None")]));
            checked.record_outcomes(vec![after]);
            assert_eq!(without_edit(&checked).len(), 1);
            checked.record_outcomes(vec![before]);
            let evidence = checked.finish(None, None).evidence;
            (evidence.findings.len(), evidence.checks[&Stage::Tests].clone())
        };
        let same_assertion = ("test_a.py", 2, "assert None == 1");
        assert_eq!(found(run(same_assertion, Some(true)), run(same_assertion, Some(true))), (1, CheckResult::Failed));
        let broken = ("test_a.py", 1, "AttributeError: module 'pkgutil' has no attribute 'ImpImporter'");
        let told = CheckResult::NotRun(format!("test_a.py:1: {FAILED_BEFORE}{}", broken.2));
        assert_eq!(found(run(broken, None), run(broken, None)), (0, told.clone()));
        assert_eq!(found(run(broken, Some(false)), run(broken, Some(false))), (0, told));
        let other = ("test_a.py", 1, "ImportError: cannot import name 'f' from 'a'");
        assert_eq!(found(run(other, None), run(broken, None)), (1, CheckResult::Failed));
    }
}

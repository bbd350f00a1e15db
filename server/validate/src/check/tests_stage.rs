//! Doctests of what was edited, and the tests that reach it.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::time::Duration;

use graph::{Analysis, SymbolId, SymbolKind};
use sandbox::{Action, Limits, Outcome, Request, Status};

use super::Comparison;
use super::graph_stage::count;
use crate::candidate::root_of;
use crate::evidence::TestRun;
use crate::{CheckResult, Finding, Stage};

/// Tests that are run for one candidate. The nearest come first; a suite belongs to CI.
const MAX_TESTS: usize = 20;

/// Functions with doctests that are run for one candidate.
const MAX_DOCTESTS: usize = 10;

/// Definitions that are looked at on the way from the edit to tests.
const MAX_VISITED: usize = 5_000;

/// Failures of one run that are told. The first ones are worth reading.
const MAX_FAILURES: usize = 20;

/// Characters of a message: a model needs the end of a traceback, not all of it.
const MAX_MESSAGE: usize = 600;

const WALL: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(super) struct Plan {
    pub requests: Vec<Request>,
    /// What there was no room for.
    pub left_out: Option<String>,
}

pub(super) fn plan(comparison: &Comparison) -> Plan {
    let after = &comparison.after;
    let mut plan = Plan::default();
    let roots: BTreeSet<&Path> = after.roots().iter().map(PathBuf::as_path).collect();
    let (tests, mut complete) = tests_reaching(after, comparison.edited_functions());
    let with_doctest = |&symbol: &SymbolId| after.symbol(symbol).flags.has_doctest;
    let doctests: Vec<SymbolId> = comparison.edited_functions().filter(with_doctest).collect();
    for root in roots {
        let relative = |symbol: &SymbolId| {
            let path = after.path(symbol.file);
            (root_of(after, path) == Some(root)).then(|| path.strip_prefix(root).ok()).flatten()
        };
        let overlay = comparison.files.iter().filter_map(|edited| {
            let path = edited.path.strip_prefix(root).ok()?;
            Some((path.to_owned(), edited.after.to_string()))
        });
        let overlay: Vec<(PathBuf, String)> = overlay.collect();
        let request = |action| {
            let limits = Limits { wall: WALL, ..Limits::default() };
            Request { root: root.to_owned(), overlay: overlay.clone(), action, limits }
        };
        let here = doctests.iter().filter_map(|symbol| Some((symbol, relative(symbol)?)));
        plan.requests.extend(here.take(MAX_DOCTESTS).map(|(&symbol, path)| {
            request(Action::Doctest { path: path.to_owned(), name: Some(after.symbol(symbol).local_name()) })
        }));
        let targets: Vec<String> =
            tests.iter().filter_map(|test| Some(node_id(relative(test)?, &after.symbol(*test).local_name()))).collect();
        complete &= targets.len() <= MAX_TESTS;
        if !targets.is_empty() {
            plan.requests.push(request(Action::Pytest { targets: targets.into_iter().take(MAX_TESTS).collect() }));
        }
    }
    if doctests.len() > MAX_DOCTESTS || !complete {
        plan.left_out = Some(format!("more tests than the nearest {MAX_TESTS} that reach the edit"));
    }
    plan
}

/// How pytest names a test.
fn node_id(path: &Path, local_name: &str) -> String {
    let path = path.to_string_lossy().replace('\\', "/");
    format!("{path}::{}", local_name.replace('.', "::"))
}

/// Test functions and methods that reach one of `symbols` through calls, nearest first, and whether that is all.
fn tests_reaching(analysis: &Analysis, symbols: impl Iterator<Item = SymbolId>) -> (Vec<SymbolId>, bool) {
    let mut tests = Vec::new();
    let mut queue: VecDeque<SymbolId> = symbols.collect();
    let mut seen: BTreeSet<SymbolId> = queue.iter().copied().collect();
    while let Some(at) = queue.pop_front() {
        if seen.len() > MAX_VISITED {
            return (tests, false);
        }
        let symbol = analysis.symbol(at);
        let is_test = symbol.flags.is_test && matches!(symbol.kind, SymbolKind::Function | SymbolKind::Method);
        if is_test {
            tests.push(at);
        }
        let mut users: Vec<SymbolId> = analysis.callers(at).into_iter().map(|call| call.other).collect();
        // A function inside another, a lambda above all, is called through a value that starts its way out there.
        let is_function = |symbol: &SymbolId| analysis.symbol(*symbol).kind.is_function();
        users.extend(symbol.parent.filter(|parent| symbol.kind.is_function() && is_function(parent)));
        queue.extend(users.into_iter().filter(|user| seen.insert(*user)));
    }
    (tests, true)
}

pub(super) struct Absorbed {
    pub result: CheckResult,
    pub findings: Vec<Finding>,
    pub unchecked: Vec<String>,
    pub runs: Vec<TestRun>,
}

pub(super) fn absorb(requests: &[Request], outcomes: Vec<Result<Outcome, String>>) -> Absorbed {
    let mut absorbed =
        Absorbed { result: CheckResult::Passed, findings: Vec::new(), unchecked: Vec::new(), runs: Vec::new() };
    let mut outcomes = outcomes.into_iter();
    let mut why_not: Option<String> = None;
    for request in requests {
        let name = describe(&request.action);
        let outcome = outcomes.next().unwrap_or_else(|| Err("was not run".to_owned()));
        let (status, why) = match &outcome {
            Ok(outcome) => (outcome.outcome.to_string(), reason_not_run(outcome)),
            Err(why) => ("not run".to_owned(), Some(why.clone())),
        };
        if let Ok(outcome) = &outcome {
            absorbed.findings.extend(failures(outcome, &name, &request.action));
            if outcome.outcome == Status::Passed {
                // Of several tests, some may need what is not here.
                let skipped = outcome.failures.iter().take(MAX_FAILURES);
                absorbed
                    .unchecked
                    .extend(skipped.map(|it| format!("{}:{}: {}", it.path, it.line, one_line(&it.message))));
            }
        }
        if let Some(why) = why {
            let why = one_line(&why);
            absorbed.unchecked.push(format!("{name}: {why}"));
            why_not.get_or_insert(why);
        }
        let counts = outcome.as_ref().map_or((0, 0, 0), |outcome| (outcome.passed, outcome.failed, outcome.millis));
        absorbed.runs.push(TestRun { name, outcome: status, passed: counts.0, failed: counts.1, millis: counts.2 });
    }
    absorbed.result = if !absorbed.findings.is_empty() {
        CheckResult::Failed
    } else if absorbed.runs.iter().any(|run| run.passed > 0) {
        CheckResult::Passed
    } else {
        let why = why_not.unwrap_or_else(|| "no test or doctest reaches the edit".to_owned());
        if requests.is_empty() {
            absorbed.unchecked.push(format!("behaviour: {why}"));
        }
        CheckResult::NotRun(why)
    };
    absorbed
}

fn describe(action: &Action) -> String {
    match action {
        Action::Doctest { path, name: Some(name) } => format!("doctest of {name} in {}", path.display()),
        Action::Doctest { path, name: None } => format!("doctests of {}", path.display()),
        Action::Pytest { targets } => match targets.as_slice() {
            [only] => only.clone(),
            _ => count(targets.len(), "test"),
        },
        Action::Script { path } => path.display().to_string(),
        Action::Code { filename, .. } => filename.clone(),
    }
}

/// Why a run says nothing about the candidate.
fn reason_not_run(outcome: &Outcome) -> Option<String> {
    let said = || {
        let first = outcome.failures.first().map(|failure| failure.message.clone());
        let last_line = || outcome.stderr.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned);
        first.or_else(last_line).unwrap_or_else(|| outcome.outcome.to_string())
    };
    match outcome.outcome {
        Status::Refused => Some(format!("not runnable here: {}", said())),
        Status::NotRunnable if outcome.failed == 0 => Some(format!("not runnable here: {}", said())),
        // Nothing was blamed, so the run itself could not begin: a plugin or an option that the sandbox lacks.
        Status::Error if outcome.failures.is_empty() => Some(format!("could not be run: {}", said())),
        Status::Passed if outcome.passed == 0 => Some("ran no test".to_owned()),
        _ => None,
    }
}

fn failures(outcome: &Outcome, name: &str, action: &Action) -> Vec<Finding> {
    let code = match action {
        Action::Doctest { .. } => "doctest-failed",
        _ => "test-failed",
    };
    let whole = |code: &str, message: String| {
        let path = match action {
            Action::Doctest { path, .. } | Action::Script { path } => path.to_string_lossy().replace('\\', "/"),
            Action::Pytest { targets } => {
                targets.first().and_then(|target| target.split("::").next()).unwrap_or_default().to_owned()
            }
            Action::Code { filename, .. } => filename.clone(),
        };
        vec![Finding { stage: Stage::Tests, code: code.to_owned(), message, path, line: 0 }]
    };
    match outcome.outcome {
        Status::Failed | Status::Error | Status::NotRunnable if !outcome.failures.is_empty() => {
            if outcome.outcome == Status::NotRunnable && outcome.failed == 0 {
                return Vec::new();
            }
            let findings = outcome.failures.iter().take(MAX_FAILURES).map(|failure| Finding {
                stage: Stage::Tests,
                code: code.to_owned(),
                message: shortened(&failure.message),
                path: failure.path.clone(),
                line: failure.line,
            });
            findings.collect()
        }
        Status::Failed => whole(code, format!("{name} failed: {}", shortened(outcome.stderr.trim()))),
        Status::Timeout => whole("timeout", format!("{name} did not end within {} s", WALL.as_secs())),
        Status::Memory => whole("memory", format!("{name} needed more memory than the sandbox gives")),
        Status::Output => whole("output", format!("{name} printed more than the sandbox allows")),
        Status::Passed | Status::Error | Status::Refused | Status::NotRunnable => Vec::new(),
    }
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

fn one_line(message: &str) -> String {
    shortened(&message.split_whitespace().collect::<Vec<_>>().join(" "))
}

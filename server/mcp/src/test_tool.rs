//! `tests`: which tests a change reaches, and what comes of them.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gate::Checkers;
use graph::{Analysis, Change, FileId};
use ide::{AffectedTest, node_id};
use lint::Environment;
use runs::affected::{Chosen, State, of_earlier};
use runs::selection::runnability;
use sandbox::{Action, Limits, Outcome, Request, Verdict};
use workspace::snapshot::Snapshot;

use crate::changes::{Form, changes, unsaved};
use crate::tools::{Answer, TestOutput, TestsInput, TestsOutput};

/// Tests that are listed or run where nothing else is asked for, and at most.
const MOST: u32 = 50;
const LARGEST: u32 = 500;

/// Seconds, where nothing else is asked for, and at most.
const LIMIT: u32 = 120;
const LONGEST: u32 = 600;

/// Characters of a failure's message.
const MESSAGE: usize = 600;

/// What there is to run.
struct Selected {
    root: PathBuf,
    analysis: Analysis,
    chosen: Chosen,
    /// The texts of the change, relative to the root, and what else is not on disk.
    overlay: Vec<(PathBuf, String)>,
    obstacles: Vec<String>,
}

/// Chooses the tests of a change, and runs them if that is wanted.
///
/// # Errors
/// When it is no change, or the sandbox does not work; with a sentence for the agent.
pub(crate) async fn tests(
    snapshot: Snapshot,
    root: &Path,
    checkers: &Checkers,
    input: TestsInput,
    say: &(dyn Fn(String) + Send + Sync),
) -> Result<Answer, String> {
    let most = input.most.unwrap_or(MOST).clamp(1, LARGEST) as usize;
    let limit = Duration::from_secs(u64::from(input.limit_seconds.unwrap_or(LIMIT).clamp(1, LONGEST)));
    let (folder, run) = (root.to_path_buf(), input.run.unwrap_or(false));
    let work = tokio::task::spawn_blocking(move || select(&snapshot, &folder, &input));
    let selected = work.await.map_err(|error| error.to_string())??;
    let mut output = listed(&selected, most);
    if run && !output.tests.is_empty() {
        perform(&selected, &mut output, checkers, limit, say).await?;
    }
    let text = text(&output, &selected.chosen.since, run);
    Ok(Answer { text, structured: serde_json::to_value(&output).map_err(|error| error.to_string())?, card: None })
}

fn select(snapshot: &Snapshot, root: &Path, input: &TestsInput) -> Result<Selected, String> {
    let form = Form { patch: input.patch.as_deref(), files: input.files.as_deref(), since: input.since.as_deref() };
    let is_since = form.patch.is_none() && form.files.is_none();
    let changed = changes(snapshot, root, &form)?;
    let obstacles: Vec<String> = changed.obstacles.iter().map(|it| format!("{}: {}", it.path, it.reason)).collect();
    if let Some(first) = obstacles.first().filter(|_| changed.files.is_empty()) {
        return Err(format!("this change cannot be applied here: {first}"));
    }
    let (mut change, mut before, mut overlay) = (Change::default(), Vec::new(), BTreeMap::new());
    for (path, text) in unsaved(snapshot) {
        if let Ok(inside) = path.strip_prefix(root) {
            overlay.insert(inside.to_path_buf(), text.to_string());
        }
    }
    for file in changed.files.iter().filter(|file| graph::is_python(&file.path)) {
        match &file.after {
            Some(after) => {
                change.set(file.path.clone(), after.clone());
                if let Ok(inside) = file.path.strip_prefix(root) {
                    overlay.insert(inside.to_path_buf(), after.to_string());
                }
            }
            None => change.remove(file.path.clone()),
        }
        match &file.renamed_from {
            Some(from) => {
                change.remove(from.clone());
                before.push((from.clone(), file.before.clone()));
                before.push((file.path.clone(), None));
            }
            None => before.push((file.path.clone(), file.before.clone())),
        }
    }
    let analysis = match is_since {
        // The graph has it already.
        true => snapshot.analysis.clone(),
        false => {
            let mut host = snapshot.host.clone();
            host.apply(change);
            host.analysis()
        }
    };
    let store = snapshot.database.as_ref().map(|it| it.store());
    let since = if is_since { form.since.unwrap_or("HEAD").to_owned() } else { "the files as they are".to_owned() };
    let chosen = {
        let state = State { analysis: &analysis, root, store, unsaved: &[], edited: None };
        of_earlier(&state, &before, since)
    };
    Ok(Selected { root: root.to_path_buf(), analysis, chosen, overlay: overlay.into_iter().collect(), obstacles })
}

fn listed(selected: &Selected, most: usize) -> TestsOutput {
    let Selected { root, analysis, chosen, obstacles, .. } = selected;
    let name = |id: graph::SymbolId| analysis.symbol(id).qualified_name();
    let why = |it: &AffectedTest| {
        let short = |step: graph::SymbolId| match analysis.symbol(step).local_name() {
            name if name.is_empty() => analysis.module_name(step.file).to_owned(),
            name => name,
        };
        let way: Vec<String> = it.via.iter().map(|&step| short(step)).collect();
        let label = it.step.label().map_or(String::new(), |label| format!(" ({label})"));
        format!("{}{label}", way.join(" → "))
    };
    let test =
        |it: &AffectedTest| TestOutput { id: node_id(analysis, root, it.test), why: why(it), ..TestOutput::default() };
    let affected = &chosen.affected;
    TestsOutput {
        tests: affected.tests.iter().take(most).map(test).collect(),
        count: affected.tests.len(),
        complete: affected.is_complete(),
        unreached: affected.unreached.iter().take(20).map(|&id| name(id)).collect(),
        not_run: obstacles.clone(),
        revision: analysis.revision(),
        ..TestsOutput::default()
    }
}

/// Runs what is listed, and notes what came of each.
async fn perform(
    selected: &Selected,
    output: &mut TestsOutput,
    checkers: &Checkers,
    limit: Duration,
    say: &(dyn Fn(String) + Send + Sync),
) -> Result<(), String> {
    let (root, analysis) = (&selected.root, &selected.analysis);
    let environment = Environment::find(root, None);
    let tests = selected.chosen.affected.tests.iter().take(output.tests.len());
    let mut files: Vec<FileId> = tests.clone().map(|it| it.test.file).collect();
    files.sort();
    files.dedup();
    let needs = |files: &[FileId]| ide::needs(analysis, files, |package| environment.availability(package));
    let found = runnability(&files, needs);
    for (file, needs) in &found.left_out {
        let path = analysis.inside_root(analysis.path(*file)).display();
        output.not_run.push(format!("{path}: {}", needs.message(analysis).unwrap_or_default()));
    }
    let is_runnable = |it: &&AffectedTest| found.runnable.contains(&it.test.file);
    let targets: Vec<String> = tests.filter(is_runnable).map(|it| node_id(analysis, root, it.test)).collect();
    if targets.is_empty() {
        return Ok(());
    }
    say(format!("running {} tests", targets.len()));
    let request = Request {
        site: environment.sites.clone(),
        packages: needs(&found.runnable).packages.into_iter().collect(),
        limits: Limits { wall: limit, ..Limits::default() }.clamped(),
        overlay: selected.overlay.clone(),
        ..Request::new(root, Action::Pytest { targets: targets.clone() })
    };
    let seen = std::sync::Mutex::new(0usize);
    let total = targets.len();
    let on_event = |event| match event {
        sandbox::Event::Test(_) => {
            // Never poisoned: nothing panics while it is held.
            let mut seen = seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *seen += 1;
            say(format!("{seen} of {total} tests"));
        }
        sandbox::Event::Preparing { .. } => say("preparing the Python sandbox, once on this machine".to_owned()),
        _ => {}
    };
    let run = checkers.runner.run(request, &on_event);
    match tokio::time::timeout(limit + Duration::from_secs(5), run).await {
        Ok(Ok(outcome)) => note(output, &outcome),
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => output.not_run.push(format!("the tests were not finished within {} s", limit.as_secs())),
    }
    Ok(())
}

/// Notes the results. A test with parameters has several, of which one that failed counts.
fn note(output: &mut TestsOutput, outcome: &Outcome) {
    let mut results: HashMap<&str, Vec<&sandbox::TestResult>> = HashMap::new();
    for result in &outcome.tests {
        results.entry(result.id.split('[').next().unwrap_or(&result.id)).or_default().push(result);
    }
    (output.passed, output.failed) = (outcome.passed, outcome.failed);
    for test in &mut output.tests {
        let Some(results) = results.get(test.id.as_str()) else { continue };
        let of = |verdict: Verdict| results.iter().find(|it| it.verdict == verdict);
        let (verdict, result) = match (of(Verdict::Failed), of(Verdict::NotRunnable), of(Verdict::Passed)) {
            (Some(failed), ..) => ("failed", failed),
            (_, Some(result), _) => ("not-runnable", result),
            (_, _, Some(result)) => ("passed", result),
            _ => ("skipped", &results[0]),
        };
        test.outcome = Some(verdict.to_owned());
        if verdict != "passed" {
            let place = outcome.failures.iter().find(|it| {
                result
                    .message
                    .as_ref()
                    .is_some_and(|message| it.message.starts_with(message.as_str()) || message.starts_with(&it.message))
            });
            let place =
                place.map_or(format!("{}:{}", result.path, result.line), |it| format!("{}:{}", it.path, it.line));
            let message = result.message.as_deref().unwrap_or_default();
            let message: String = message.chars().take(MESSAGE).collect();
            test.message = Some(format!("{place}: {message}"));
        }
    }
    if outcome.tests.is_empty() || outcome.outcome == sandbox::Status::Timeout {
        let said: String = outcome.stderr.chars().take(MESSAGE).collect();
        output.not_run.push(format!("{}: {}", outcome.outcome, said.trim()));
    }
}

fn text(output: &TestsOutput, since: &str, run: bool) -> String {
    let mut text = match (run, output.count) {
        (_, 0) => format!("No test is known to reach what differs from {since}.\n"),
        (true, _) => format!(
            "{} passed, {} failed; {} tests reach what differs from {since}.\n",
            output.passed, output.failed, output.count
        ),
        (false, count) => format!("{count} tests reach what differs from {since}, the likeliest to fail first.\n"),
    };
    let bad = output.tests.iter().filter(|it| run && it.outcome.as_deref().is_some_and(|it| it != "passed"));
    let listed: Vec<&TestOutput> = if run { bad.collect() } else { output.tests.iter().collect() };
    for test in listed {
        let outcome = test.outcome.as_deref().map_or(String::new(), |it| format!("{it}: "));
        // Writing to text cannot fail.
        let _ = writeln!(text, "- {outcome}{} because {}", test.id, test.why);
        if let Some(message) = &test.message {
            let _ = writeln!(text, "  quoted: {}", message.replace('\n', "\n  "));
        }
    }
    if output.count > output.tests.len() {
        let _ = writeln!(text, "and {} more: ask with a larger `most`", output.count - output.tests.len());
    }
    for why in &output.not_run {
        let _ = writeln!(text, "not run: {why}");
    }
    if !output.unreached.is_empty() {
        let _ = writeln!(text, "no test is known to reach: {}", output.unreached.join(", "));
    }
    if !output.complete {
        text.push_str("More tests may reach the change: not every way could be followed.\n");
    }
    text
}

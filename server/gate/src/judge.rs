//! From a change to a verdict.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use graph::{AnalysisHost, Change};
use lint::Environment;
use sandbox::{Limits, Runner};
use syntax::{FileEdit, SourceChange, TextEdit, TextRange, TextSize};
use tokio::time::{Instant, timeout_at};
use validate::{Behaviour, Candidate, CheckResult, Checked, Finding, Inspection, Scope, Stage, TypeChecker, Typing};
use workspace::lints::Lints;

use crate::changes::{Changed, Changes, added_lines, edits, shown};
use crate::runs;
use crate::verdict::{Outcome, TestResult, Tests, Verdict, weight};

/// A workspace at one moment, unsaved texts included.
#[derive(Clone)]
pub struct State {
    /// The workspace's folder.
    pub root: PathBuf,
    pub host: AnalysisHost,
    /// What is not on disk.
    pub unsaved: Vec<(PathBuf, Arc<str>)>,
    pub lints: Arc<Lints>,
    /// What the workspace says of itself.
    pub project: Arc<ide::Project>,
}

/// What looks at a change, besides the graph and the linters.
#[derive(Clone)]
pub struct Checkers {
    pub runner: Arc<dyn Runner>,
    pub types: Arc<dyn TypeChecker>,
}

/// How a change is judged.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether the tests that reach the change are run.
    pub tests: bool,
    /// What it may do to the answers of functions. Where that is not unknown, they are run beside what they were, on generated inputs.
    pub behaviour: Behaviour,
    /// When to stop, and to say so.
    pub limit: Duration,
    /// What the change is for, in words: what they speak of is no surprise.
    pub asked: String,
}

impl Default for Options {
    fn default() -> Self {
        Options { tests: true, behaviour: Behaviour::Unknown, limit: Duration::from_secs(60), asked: String::new() }
    }
}

/// Judges `changes` against the workspace. Nothing on disk changes. `say` is told what is being done.
pub async fn judge(
    state: State,
    changes: Changes,
    checkers: &Checkers,
    options: &Options,
    say: &(dyn Fn(String) + Send + Sync),
) -> Verdict {
    let start = Instant::now();
    let deadline = start + options.limit;
    let revision = state.host.analysis().revision();
    let done = |mut verdict: Verdict, files: usize| {
        (verdict.files, verdict.revision) = (files, revision);
        verdict.millis = start.elapsed().as_millis() as u64;
        verdict
    };
    let Changes { files, obstacles, left_out } = changes;
    let count = files.len();
    if !obstacles.is_empty() {
        // Half of a change is not the change.
        return done(Verdict::without_checks(Outcome::Unusable, obstacles, left_out), count);
    }
    if files.is_empty() {
        return done(Verdict::without_checks(Outcome::Passed, Vec::new(), left_out), count);
    }
    say(format!("checking {count} files"));
    let (unsaved, root) = (state.unsaved.clone(), state.root.clone());
    let unsaved: Vec<_> = unsaved.into_iter().filter(|(path, _)| files.iter().all(|it| it.path != *path)).collect();
    let (types, asked, texts) = (checkers.types.clone(), options.asked.clone(), unsaved.clone());
    let removed = files.iter().any(|file| file.after.is_none() || file.renamed_from.is_some());
    let behaviour = options.behaviour;
    let checking = tokio::task::spawn_blocking(move || check(&state, &files, behaviour, &*types, &asked, &texts));
    let (mut checked, moved) = match timeout_at(deadline, checking).await {
        Ok(Ok(checked)) => checked,
        Ok(Err(error)) => {
            let mut verdict = Verdict::without_checks(Outcome::NotFinished, Vec::new(), left_out);
            verdict
                .not_checked
                .insert(0, format!("everything: the checks ended early, which is a defect here ({error})"));
            return done(verdict, count);
        }
        Err(_) => {
            let mut verdict = Verdict::without_checks(Outcome::NotFinished, Vec::new(), left_out);
            let limit = options.limit.as_secs_f32();
            verdict.not_checked.insert(0, format!("everything: the checks were not finished within {limit} s"));
            return done(verdict, count);
        }
    };
    let mut results = Vec::new();
    let mut is_cut = false;
    if moved.is_empty() {
        let mut requests = if options.tests { checked.tests().to_vec() } else { Vec::new() };
        let mut is_first = true;
        while !requests.is_empty() {
            let outcomes =
                runs::perform(&*checkers.runner, requests, &unsaved, Limits::default(), Some(deadline), say).await;
            is_cut |= is_first && outcomes.iter().any(|it| matches!(it, Err(why) if why == runs::NOT_FINISHED));
            if is_first {
                results = outcomes.iter().filter_map(|it| it.as_ref().ok()).flat_map(test_results).collect();
            }
            is_first = false;
            checked.record_outcomes(outcomes);
            requests = checked.more_tests();
        }
    }
    let evidence = checked.finish(None, None).evidence;
    let mut findings: Vec<Finding> = evidence.findings.iter().cloned().chain(moved).collect();
    findings.sort_by(|a, b| (weight(a.stage), &a.path, a.line).cmp(&(weight(b.stage), &b.path, b.line)));
    let mut seen = BTreeSet::new();
    findings.retain(|it| seen.insert((it.path.clone(), it.line, it.code.clone(), it.message.clone())));
    let mut not_checked = left_out;
    if !options.tests {
        not_checked.push("tests: they were not to be run".to_owned());
    }
    if removed {
        not_checked.push("types and tests: to them, the files that went are still there".to_owned());
    }
    // What a run without tests says of them was not wanted.
    let open = evidence.unchecked.iter().filter(|it| options.tests || !it.ends_with("was not run"));
    not_checked.extend(open.cloned());
    let tests = Tests {
        passed: evidence.tests.iter().map(|run| run.passed).sum(),
        failed: evidence.tests.iter().map(|run| run.failed).sum(),
        results: Vec::new(),
    };
    let results = results.into_iter().map(|it| beside_before(it, &evidence)).collect();
    let tests = Tests { results, ..tests };
    let mut warnings = evidence.warnings.clone();
    warnings.extend(test_configuration(&root, &evidence));
    let is_asked = evidence.checks.values().any(|it| matches!(it, CheckResult::Asked(_)));
    let outcome = match findings.is_empty() {
        false => Outcome::Refused,
        true if is_cut => Outcome::NotFinished,
        true if is_asked => Outcome::Asked,
        true => Outcome::Passed,
    };
    let verdict = Verdict {
        outcome,
        findings,
        warnings,
        obstacles: Vec::new(),
        not_checked,
        checks: evidence.checks.clone(),
        callers: evidence.callers,
        tests,
        files: count,
        revision,
        millis: 0,
        evidence: Some(evidence),
    };
    done(verdict, count)
}

/// What came of each test of a run.
pub fn test_results(outcome: &sandbox::Outcome) -> impl Iterator<Item = TestResult> {
    outcome.tests.iter().map(|test| TestResult {
        id: test.id.clone(),
        outcome: verdict_name(test.verdict),
        message: test.message.clone(),
        millis: test.millis,
    })
}

/// A test that fails without the change as well says nothing of it.
fn beside_before(mut result: TestResult, evidence: &validate::Evidence) -> TestResult {
    const BEFORE: &str = "failed without the edit too: ";
    let first = result.message.as_deref().and_then(|it| it.lines().next()).unwrap_or_default();
    let is_told = |it: &Finding| it.stage == Stage::Tests && it.message.starts_with(first);
    let was_so = evidence.unchecked.iter().any(|it| it.contains(BEFORE) && it.contains(first));
    if result.outcome == "failed" && was_so && !evidence.findings.iter().any(is_told) {
        result.message = Some(format!("{BEFORE}{first}"));
        result.outcome = "skipped";
    }
    result
}

fn verdict_name(verdict: sandbox::Verdict) -> &'static str {
    match verdict {
        sandbox::Verdict::Passed => "passed",
        sandbox::Verdict::Failed => "failed",
        sandbox::Verdict::Skipped => "skipped",
        sandbox::Verdict::NotRunnable => "not-runnable",
    }
}

/// Checks against the texts before the change. The second list is what is wrong around files that were given another name, which is no
/// part of the first: there, such a file is compared with what it was.
fn check(
    state: &State,
    files: &[Changed],
    behaviour: Behaviour,
    types: &dyn TypeChecker,
    asked: &str,
    unsaved: &[(PathBuf, Arc<str>)],
) -> (Checked, Vec<Finding>) {
    let before = before(state, files);
    let environment = Environment::find(&state.root, None);
    let (mut linters, gate) = (state.lints.linters(), state.lints.gate());
    linters.push(&gate);
    let asked = format!("{asked}\n{}", configuration_names(files));
    let inspection = Inspection {
        linters: &linters,
        tainted: Some(&ide::tainted_calls),
        types: Some(Typing { checker: types, command: &[], environment: &environment, unsaved }),
        project: Some(&state.project),
        past: &[],
        asked: &asked,
    };
    let renamed: Vec<&Changed> = files.iter().filter(|file| file.renamed_from.is_some()).collect();
    if renamed.is_empty() {
        return (validate::check(&before, candidate(state, files, behaviour, false), &inspection), Vec::new());
    }
    let is_renamed = |path: &str| renamed.iter().any(|file| shown(&state.root, &file.path) == path);
    let graph_alone = Inspection { types: None, ..inspection };
    let whole = validate::check(&before, candidate(state, files, behaviour, false), &graph_alone);
    let around = whole.findings().iter().filter(|it| it.stage == Stage::Graph && !is_renamed(&it.path)).cloned();
    let around: Vec<Finding> = around.collect();
    let mut moved = before;
    let mut change = Change::default();
    for file in renamed.iter().filter(|file| graph::is_python(&file.path)) {
        file.renamed_from.iter().for_each(|from| change.remove(from.clone()));
        change.set(file.path.clone(), file.before.clone().unwrap_or_default());
    }
    moved.apply(change);
    (validate::check(&moved, candidate(state, files, behaviour, true), &inspection), around)
}

/// The workspace with the texts before the change.
pub(crate) fn before(state: &State, files: &[Changed]) -> AnalysisHost {
    let analysis = state.host.analysis();
    let mut change = Change::default();
    let mut set = |path: &Path, before: Option<&Arc<str>>| {
        let now = analysis.file(path).map(|file| analysis.source(file).text().clone());
        match before {
            Some(before) if now.as_ref() != Some(before) => change.set(path.to_owned(), before.clone()),
            None if now.is_some() => change.remove(path.to_owned()),
            _ => {}
        }
    };
    for file in files.iter().filter(|file| graph::is_python(&file.path)) {
        match &file.renamed_from {
            Some(from) => {
                set(from, file.before.as_ref());
                set(&file.path, None);
            }
            None => set(&file.path, file.before.as_ref()),
        }
    }
    let mut host = state.host.clone();
    host.apply(change);
    host
}

/// The change as an edit; files that have another name have it `already`, or come with the edit.
fn candidate(state: &State, files: &[Changed], behaviour: Behaviour, already: bool) -> Candidate {
    let (mut change, mut places, mut removed) = (SourceChange::default(), Vec::new(), Vec::new());
    for file in files {
        let Some(after) = &file.after else {
            removed.push(file.path.clone());
            continue;
        };
        let is_python = graph::is_python(&file.path);
        if let Some(from) = file.renamed_from.as_ref().filter(|_| !already && is_python) {
            removed.push(from.clone());
        }
        let before = file.before.as_deref().filter(|_| already || file.renamed_from.is_none());
        let edits = match before {
            // What prose had before is nobody's fault.
            before if !is_python => {
                vec![TextEdit::insert(TextSize::new(0), added_lines(before.unwrap_or_default(), after))]
            }
            Some(before) => edits(before, after),
            None => vec![TextEdit::insert(TextSize::new(0), &**after)],
        };
        if let Some(before) = before.filter(|_| is_python) {
            places.push((file.path.clone(), TextRange::up_to(TextSize::of(before))));
        } else {
            places.push((file.path.clone(), TextRange::empty(TextSize::new(0))));
        }
        change.files.push(FileEdit { path: file.path.clone(), edits });
    }
    let count = files.len();
    Candidate {
        title: format!("A change of {count} file{}", if count == 1 { "" } else { "s" }),
        change,
        scope: Scope { places, folder: Some(state.root.clone()), imports: true },
        fixes_code: None,
        behaviour,
        tested: None,
        removed,
    }
}

/// The names of the files that come: whoever hands in a patch wants what is in it, and is told of these.
fn configuration_names(files: &[Changed]) -> String {
    let names = files.iter().filter_map(|file| file.path.file_name()?.to_str()).map(str::to_lowercase);
    names.filter(|name| validate::TEST_CONFIGURATION.contains(&name.as_str())).collect::<Vec<_>>().join(" ")
}

/// A warning for each file that decides how tests are run: what their results are worth depends on it.
fn test_configuration(root: &Path, evidence: &validate::Evidence) -> Vec<Finding> {
    let name = |path: &Path| path.file_name().and_then(|it| it.to_str()).map(str::to_lowercase);
    let decides = evidence.texts.iter().filter(|it| {
        name(&it.path)
            .is_some_and(|name| validate::TEST_CONFIGURATION.contains(&name.as_str()) && name != "pyproject.toml")
    });
    decides
        .map(|it| Finding {
            stage: Stage::Tests,
            code: "test-configuration".to_owned(),
            message: "this file decides how tests are run: look at what it changes".to_owned(),
            path: shown(root, &it.path),
            line: 0,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use sandbox::fake::Fake;
    use validate::{FakeTypeChecker, TypeAnswer, TypeQuestion};
    use workspace::lints::RuffChoice;

    use super::*;
    use crate::parse;

    const FILES: [(&str, &str); 3] = [
        ("shop/__init__.py", ""),
        ("shop/cart.py", "import os\n\n\ndef total(a):\n    return eval(a)\n"),
        ("shop/main.py", "from shop.cart import total\n\nprint(total(1))\n"),
    ];

    /// The verdict on a patch of a workspace with `FILES`.
    fn verdict(patch: &str) -> Verdict {
        let root = PathBuf::from("/w");
        let mut host = AnalysisHost::new(vec![root.clone()]);
        let mut change = Change::default();
        FILES.iter().for_each(|(name, text)| change.set(root.join(name), *text));
        host.apply(change);
        let now = |path: &Path| {
            let name = path.strip_prefix("/w").unwrap().to_str().unwrap();
            Ok(FILES.iter().find(|it| it.0 == name).map(|it| Arc::from(it.1)))
        };
        // The workspace is not on disk; what is below the root is in it.
        let below = |path: &Path| root.join(path.strip_prefix("/").unwrap());
        let mut changes = Changes::of_patch(&parse(patch).unwrap(), &["/".into()], &|path| now(&below(path)));
        for file in &mut changes.files {
            file.path = below(&file.path);
            file.renamed_from = file.renamed_from.as_deref().map(below);
        }
        let lints = Arc::new(Lints::new(RuffChoice::Bundled, std::slice::from_ref(&root)));
        let state = State { root, host, unsaved: Vec::new(), lints, project: Arc::default() };
        let types = FakeTypeChecker(|_: &TypeQuestion| Ok(TypeAnswer::default()));
        let checkers = Checkers { runner: Arc::new(Fake::endless()), types: Arc::new(types) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(judge(state, changes, &checkers, &Options::default(), &|_| {}))
    }

    #[track_caller]
    fn verify(patch: &str, expected: Expect) {
        expected.assert_eq(&verdict(patch).text());
    }

    #[test]
    fn what_was_there_before_is_nobodys_fault() {
        verify(
            "--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -4,2 +4,3 @@\n def total(a):\n+    print(a)\n     return eval(a)\n",
            expect![[r#"
                passed: nothing that was checked is worse, 1 file
                callers: 1 of 1 known call sites still fit
                not checked: behaviour: no test or doctest reaches the edit
            "#]],
        );
    }

    #[test]
    fn callers_elsewhere_have_to_fit() {
        verify(
            "--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -4 +4 @@\n-def total(a):\n+def total(a, b):\n",
            expect![[r#"
                refused: 1 problem, 1 file
                shop/main.py:3: missing argument `b`; `shop.cart.total` is `def total(a, b)` [graph: incompatible-call]
                callers: 0 of 1 known call sites still fit
            "#]],
        );
    }

    #[test]
    fn what_goes_is_missed() {
        verify(
            "diff --git a/shop/cart.py b/shop/cart.py\ndeleted file mode 100644\n--- a/shop/cart.py\n+++ /dev/null\n@@ -1,5 +0,0 @@\n-import os\n-\n-\n-def total(a):\n-    return eval(a)\n",
            expect![[r#"
                refused: 1 problem, 1 file
                shop/main.py:1: `from shop.cart import total` finds nothing [graph: unresolved-import]
                not checked: types and tests: to them, the files that went are still there
            "#]],
        );
    }

    #[test]
    fn a_file_with_another_name_is_compared_with_what_it_was() {
        let rename = "diff --git a/shop/cart.py b/shop/basket.py\nsimilarity index 100%\nrename from shop/cart.py\nrename to shop/basket.py\n";
        verify(
            rename,
            expect![[r#"
                refused: 1 problem, 1 file
                shop/main.py:1: `from shop.cart import total` finds nothing [graph: unresolved-import]
                not checked: types and tests: to them, the files that went are still there
                not checked: behaviour: no test or doctest reaches the edit
            "#]],
        );
        let followed = format!(
            "{rename}diff --git a/shop/main.py b/shop/main.py\n--- a/shop/main.py\n+++ b/shop/main.py\n@@ -1 +1 @@\n-from shop.cart import total\n+from shop.basket import total\n"
        );
        verify(
            &followed,
            expect![[r#"
                passed: nothing that was checked is worse, 2 files
                not checked: types and tests: to them, the files that went are still there
                not checked: behaviour: no test or doctest reaches the edit
            "#]],
        );
    }

    #[test]
    fn prose_is_searched_for_secrets_that_are_new() {
        let key = ["gh", "p_q7Rk2VxZp9LmT4wYb8NcD3fGh6JsA1eKu5Xt"].concat();
        let patch = format!("--- /dev/null\n+++ b/notes.md\n@@ -0,0 +1,2 @@\n+# Notes\n+token: {key}\n");
        verify(
            &patch,
            expect![[r#"
                refused: 1 problem, 1 file
                notes.md:2: This looks like a GitHub token (40 characters). Whoever reads the source can use it; keep it outside. [security: secret]
                not checked: notes.md: it is no Python
            "#]],
        );
    }

    #[test]
    fn what_is_not_finished_says_so() {
        let options = Options { limit: Duration::ZERO, ..Options::default() };
        let root = PathBuf::from("/w");
        let lints = Arc::new(Lints::new(RuffChoice::Off, &[]));
        let host = AnalysisHost::new(vec![root.clone()]);
        let state = State { root, host, unsaved: Vec::new(), lints, project: Arc::default() };
        let slow = FakeTypeChecker(|_: &TypeQuestion| {
            std::thread::sleep(Duration::from_millis(200));
            Ok(TypeAnswer::default())
        });
        let checkers = Checkers { runner: Arc::new(Fake::endless()), types: Arc::new(slow) };
        let after = Some(Arc::from("x = 1\n"));
        let changes = Changes {
            files: vec![Changed { path: "/w/a.py".into(), before: None, after, renamed_from: None }],
            ..Changes::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let verdict = runtime.block_on(judge(state, changes, &checkers, &options, &|_| {}));
        assert_eq!(verdict.outcome, Outcome::NotFinished);
        assert!(verdict.text().contains("not finished within 0 s"), "{}", verdict.text());
    }
}

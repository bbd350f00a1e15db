//! How many of the tests of real packages that pass in an ordinary interpreter have the same verdict in tantu, in the sandbox alone
//! and with the confined runner behind it:
//!
//! ```console
//! cargo run -p sandbox-wasi --example packages -- TANTU PYTHON [--keep FOLDER] FOLDER[=TESTS]...
//! ```
//!
//! TANTU is the program. Each folder is an unpacked source distribution, with its tests in `tests` or where TESTS says. PYTHON is
//! one of an environment with pytest, the packages, and what their tests need; a `{}` in it stands for the folder's name. Tests
//! are compared one by one, by their ids. What came of them in the ordinary interpreter is kept in the folder after
//! `--keep` and not asked for again; a suite that does not end in 15 minutes there is stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sandbox::{Outcome, TestResult, Verdict};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Writes id and outcome of each test, as pytest itself sees them.
const PLUGIN: &str = r#"
import os
failed, passed = set(), []
def pytest_runtest_logreport(report):
    if report.failed:
        failed.add(report.nodeid)
    elif report.when == "call" and (report.passed or hasattr(report, "wasxfail")):
        passed.append(report.nodeid)
def pytest_sessionfinish():
    with open(os.environ["TANTU_NATIVE"], "w") as out:
        for id in passed:
            if id not in failed:
                print("passed", id, file=out)
        for id in failed:
            print("failed", id, file=out)
"#;

/// How long a suite may take.
const PATIENCE: Duration = Duration::from_secs(900);

/// Ids of tests by what came of them.
#[derive(Default)]
struct Natively {
    passed: BTreeSet<String>,
    failed: BTreeSet<String>,
}

/// What came of those that pass natively.
#[derive(Clone, Copy, Default)]
struct Counts {
    natively: usize,
    passed: usize,
    failed: usize,
    /// Not runnable, or skipped.
    not_run: usize,
    untold: usize,
    /// Fail natively, and pass here.
    false_passes: usize,
}

fn main() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let keep = match arguments.iter().position(|it| it == "--keep") {
        Some(at) if at + 1 < arguments.len() => arguments.drain(at..at + 2).nth(1).map(PathBuf::from),
        _ => None,
    };
    let [tantu, python, folders @ ..] = arguments.as_slice() else {
        eprintln!("usage: packages TANTU PYTHON [--keep FOLDER] FOLDER[=TESTS]...");
        std::process::exit(2);
    };
    println!("| package | runner | natively | passed | failed | not run | not told of | false passes | seconds |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut all = [Counts::default(); 2];
    for folder in folders {
        let (folder, tests) = folder.split_once('=').unwrap_or((folder, "tests"));
        let root = std::fs::canonicalize(folder)?;
        let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let python = python.replace("{}", &name);
        let natively = natively(&python, &root, tests, keep.as_deref().map(|it| it.join(&name)))?;
        for (at, runner) in ["sandboxed", "both"].into_iter().enumerate() {
            let started = Instant::now();
            let counts = match run(tantu, &python, &root, tests, at == 1) {
                Ok(outcome) => compare(&natively, &outcome),
                Err(error) => {
                    eprintln!("  {name}, {runner}: {error}");
                    Counts { natively: natively.passed.len(), untold: natively.passed.len(), ..Counts::default() }
                }
            };
            row(&name, runner, counts, started.elapsed());
            all[at].add(counts);
        }
    }
    row("all", "sandboxed", all[0], Duration::ZERO);
    row("all", "both", all[1], Duration::ZERO);
    Ok(())
}

impl Counts {
    fn add(&mut self, other: Counts) {
        self.natively += other.natively;
        self.passed += other.passed;
        self.failed += other.failed;
        self.not_run += other.not_run;
        self.untold += other.untold;
        self.false_passes += other.false_passes;
    }
}

fn row(name: &str, runner: &str, counts: Counts, took: Duration) {
    let Counts { natively, passed, failed, not_run, untold, false_passes } = counts;
    let seconds = took.as_secs_f64();
    println!(
        "| {name} | {runner} | {natively} | {passed} | {failed} | {not_run} | {untold} | {false_passes} | {seconds:.0} |"
    );
}

/// Counts, and says what did not pass that passes natively, by the first line of the reason.
fn compare(natively: &Natively, outcome: &Outcome) -> Counts {
    let of: BTreeMap<&str, &TestResult> = outcome.tests.iter().map(|test| (test.id.as_str(), test)).collect();
    let mut counts = Counts { natively: natively.passed.len(), ..Counts::default() };
    let mut reasons: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for id in &natively.passed {
        let (count, verdict) = match of.get(id.as_str()).map(|it| it.verdict) {
            Some(Verdict::Passed) => {
                counts.passed += 1;
                continue;
            }
            Some(Verdict::Failed) => (&mut counts.failed, "failed"),
            Some(Verdict::NotRunnable) => (&mut counts.not_run, "not runnable"),
            Some(Verdict::Skipped) => (&mut counts.not_run, "skipped"),
            None => (&mut counts.untold, "not told of"),
        };
        *count += 1;
        let message = of.get(id.as_str()).and_then(|it| it.message.as_deref()).unwrap_or_default();
        reasons.entry((verdict, message.lines().next().unwrap_or_default())).or_default().push(id);
    }
    let is_false = |test: &&TestResult| test.verdict == Verdict::Passed && natively.failed.contains(&test.id);
    for test in outcome.tests.iter().filter(is_false) {
        counts.false_passes += 1;
        eprintln!("  passed, and fails natively: {}", test.id);
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, tests)| std::cmp::Reverse(tests.len()));
    for ((verdict, message), tests) in reasons.into_iter().take(40) {
        eprintln!("  {verdict} {} × {message} ({})", tests.len(), tests[0]);
    }
    if outcome.tests.is_empty() {
        eprintln!("{}{}", outcome.stdout, outcome.stderr);
    }
    counts
}

/// What comes of the tests in the project's own interpreter.
fn natively(python: &str, root: &Path, tests: &str, kept: Option<PathBuf>) -> Result<Natively> {
    let folder = tempfile::tempdir()?;
    let list = kept.unwrap_or_else(|| folder.path().join("list"));
    if !list.exists() {
        std::fs::write(folder.path().join("tantu_native.py"), PLUGIN)?;
        if let Some(parent) = list.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut command = Command::new(python);
        command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tantu_native"]);
        command.args(["--continue-on-collection-errors", tests]).current_dir(root);
        command.env("PYTHONPATH", folder.path()).env("PYTHONDONTWRITEBYTECODE", "1").env("TANTU_NATIVE", &list);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let until = Instant::now() + PATIENCE;
        while child.try_wait()?.is_none() {
            std::thread::sleep(Duration::from_millis(200));
            if Instant::now() > until {
                child.kill()?;
            }
        }
    }
    let mut natively = Natively::default();
    for line in std::fs::read_to_string(list).unwrap_or_default().lines() {
        match line.split_once(' ') {
            Some(("passed", id)) => natively.passed.insert(id.to_owned()),
            Some((_, id)) => natively.failed.insert(id.to_owned()),
            None => false,
        };
    }
    Ok(natively)
}

/// What comes of them in tantu.
fn run(tantu: &str, python: &str, root: &Path, tests: &str, confined: bool) -> Result<Outcome> {
    let environment = Path::new(python).parent().and_then(Path::parent).ok_or("PYTHON is in no environment")?;
    let mut command = Command::new(tantu);
    command.args(["test", "--format", "json"]).args(confined.then_some("--confined")).arg(tests).current_dir(root);
    // The user's settings must not allow what is to be compared.
    let settings = tempfile::tempdir()?;
    let output = command.env("VIRTUAL_ENV", environment).env("XDG_CONFIG_HOME", settings.path()).output()?;
    Ok(serde_json::from_slice(&output.stdout).map_err(|error| {
        format!("{error}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    })?)
}

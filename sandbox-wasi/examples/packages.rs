//! How many of the tests of real packages that pass in an ordinary interpreter pass in the sandbox, and with the confined
//! runner beside it:
//!
//! ```console
//! cargo run -p sandbox-wasi --example packages -- [--tantu PROGRAM] PYTHON FOLDER[=TESTS]...
//! ```
//!
//! Each folder is an unpacked source distribution, with its tests in `tests` or where TESTS says. PYTHON is one of an
//! environment with pytest, the packages, and what their tests need; a `{}` in it stands for the folder's name. With
//! `--tantu`, that program runs them as well, as `tantu test --confined` does. Tests are compared one by one, by their ids.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sandbox::{Action, Limits, Outcome, Request, TestResult, Verdict};
use sandbox_wasi::Host;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Writes id and outcome of each test, as pytest itself sees them.
const PLUGIN: &str = r#"
import os
out = open(os.environ["TANTU_NATIVE"], "w")
failed, passed = set(), []
def pytest_runtest_logreport(report):
    if report.failed:
        failed.add(report.nodeid)
    elif report.when == "call" and (report.passed or hasattr(report, "wasxfail")):
        passed.append(report.nodeid)
def pytest_sessionfinish():
    for id in passed:
        if id not in failed:
            print("passed", id, file=out)
    for id in failed:
        print("failed", id, file=out)
    out.close()
"#;

/// Ids of tests by what came of them.
#[derive(Default)]
struct Natively {
    passed: BTreeSet<String>,
    failed: BTreeSet<String>,
}

fn main() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let tantu = match arguments.first().is_some_and(|it| it == "--tantu") {
        true => arguments.drain(..2).nth(1),
        false => None,
    };
    let [python, folders @ ..] = arguments.as_slice() else {
        eprintln!("usage: packages [--tantu PROGRAM] PYTHON FOLDER[=TESTS]...");
        std::process::exit(2);
    };
    let mut host = Host::load(&|_| {})?;
    println!(
        "| package | runner | passed natively | passed | failed | not runnable or skipped | not told of | seconds |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for folder in folders {
        let (folder, tests) = folder.split_once('=').unwrap_or((folder, "tests"));
        let root = std::fs::canonicalize(folder)?;
        let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let python = python.replace("{}", &name);
        let natively = natively(&python, &root, tests)?;
        let limits = Limits { wall: Duration::from_secs(600), memory: 1 << 30, output: 16 << 20, ..Limits::default() };
        let action = Action::Pytest { targets: vec![tests.into()] };
        let request = Request { site: vec![site_packages(&python)?], limits, ..Request::new(&root, action) };
        let started = Instant::now();
        let outcome = host.run(&request, &|_| {})?;
        row(&name, "sandboxed", &natively, &outcome, started.elapsed());
        reasons(&natively, &outcome);
        if let Some(tantu) = &tantu {
            let started = Instant::now();
            let outcome = confined(tantu, &python, &root, tests)?;
            row(&name, "both", &natively, &outcome, started.elapsed());
            reasons(&natively, &outcome);
        }
    }
    Ok(())
}

fn row(name: &str, runner: &str, natively: &Natively, outcome: &Outcome, took: Duration) {
    let of: BTreeMap<&str, &TestResult> = outcome.tests.iter().map(|test| (test.id.as_str(), test)).collect();
    let count = |wanted: &[Verdict]| {
        natively.passed.iter().filter(|id| of.get(id.as_str()).is_some_and(|it| wanted.contains(&it.verdict))).count()
    };
    let told = count(&[Verdict::Passed, Verdict::Failed, Verdict::NotRunnable, Verdict::Skipped]);
    println!(
        "| {name} | {runner}: {} | {} | {} | {} | {} | {} | {:.0} |",
        outcome.outcome,
        natively.passed.len(),
        count(&[Verdict::Passed]),
        count(&[Verdict::Failed]),
        count(&[Verdict::NotRunnable, Verdict::Skipped]),
        natively.passed.len() - told,
        took.as_secs_f64(),
    );
    let is_false = |test: &&TestResult| test.verdict == Verdict::Passed && natively.failed.contains(&test.id);
    for test in outcome.tests.iter().filter(is_false) {
        println!("  passed, and fails natively: {}", test.id);
    }
}

/// What did not pass that passes natively, by the first line of the reason.
fn reasons(natively: &Natively, outcome: &Outcome) {
    let mut reasons: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    for test in outcome.tests.iter().filter(|test| test.verdict != Verdict::Passed) {
        if !natively.passed.contains(&test.id) {
            continue;
        }
        let message = test.message.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
        reasons.entry((format!("{:?}", test.verdict), message.to_owned())).or_default().push(&test.id);
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, tests)| std::cmp::Reverse(tests.len()));
    for ((verdict, message), tests) in reasons.into_iter().take(40) {
        eprintln!("  {verdict} {} × {message} ({})", tests.len(), tests[0]);
    }
    let tested: Vec<&str> = outcome.tests.iter().map(|test| test.path.as_str()).collect();
    for failure in outcome.failures.iter().filter(|it| !tested.contains(&it.path.as_str())).take(40) {
        eprintln!("  {}:{}: {}", failure.path, failure.line, failure.message.lines().next().unwrap_or_default());
    }
    if outcome.tests.is_empty() {
        eprintln!("{}{}", outcome.stdout, outcome.stderr);
    }
}

/// What comes of the tests in the project's own interpreter.
fn natively(python: &str, root: &Path, tests: &str) -> Result<Natively> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("tantu_native.py"), PLUGIN)?;
    let list = folder.path().join("list");
    let mut command = Command::new(python);
    command.args([
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "tantu_native",
        "--continue-on-collection-errors",
    ]);
    command.arg(tests).current_dir(root).env("PYTHONPATH", folder.path()).env("TANTU_NATIVE", &list);
    command.env("PYTHONDONTWRITEBYTECODE", "1").output()?;
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

/// What comes of them in tantu, with the confined runner.
fn confined(tantu: &str, python: &str, root: &Path, tests: &str) -> Result<Outcome> {
    let environment = Path::new(python).parent().and_then(Path::parent).ok_or("PYTHON is in no environment")?;
    let mut command = Command::new(tantu);
    command.args(["test", "--confined", "--format", "json", tests]).current_dir(root);
    let output = command.env("VIRTUAL_ENV", environment).output()?;
    Ok(serde_json::from_slice(&output.stdout).map_err(|error| {
        format!("{error}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    })?)
}

/// Where the interpreter's packages lie.
fn site_packages(python: &str) -> Result<PathBuf> {
    let code = "import sysconfig; print(sysconfig.get_path('purelib'))";
    let output = Command::new(python).args(["-c", code]).output()?;
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

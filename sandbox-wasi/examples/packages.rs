//! How many tests of real packages run in the sandbox, beside the same tests in an ordinary interpreter:
//!
//! ```console
//! cargo run -p sandbox-wasi --example packages -- PYTHON FOLDER[=TESTS]...
//! ```
//!
//! Each folder is an unpacked source distribution, with its tests in `tests` or where TESTS says. PYTHON is one of an
//! environment with pytest, the packages, and what their tests need.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sandbox::{Action, Limits, Outcome, Request, Verdict};
use sandbox_wasi::Host;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [python, folders @ ..] = arguments.as_slice() else {
        eprintln!("usage: packages PYTHON FOLDER[=TESTS]...");
        std::process::exit(2);
    };
    let site = site_packages(python)?;
    let mut host = Host::load(&|_| {})?;
    println!("| package | natively | here | passed | failed | skipped | not runnable |\n|---|---|---|---|---|---|---|");
    for folder in folders {
        let (folder, tests) = folder.split_once('=').unwrap_or((folder, "tests"));
        let root = std::fs::canonicalize(folder)?;
        let native = natively(python, &root, tests)?;
        let limits = Limits { wall: Duration::from_secs(600), memory: 1 << 30, output: 16 << 20, ..Limits::default() };
        let action = Action::Pytest { targets: vec![tests.into()] };
        let request = Request { site: vec![site.clone()], limits, ..Request::new(&root, action) };
        let started = Instant::now();
        let outcome = host.run(&request, &|_| {})?;
        let count = |verdict| outcome.tests.iter().filter(|test| test.verdict == verdict).count();
        println!(
            "| {} | {native} | {}, {:.1} s | {} | {} | {} | {} |",
            root.file_name().unwrap_or_default().to_string_lossy(),
            outcome.outcome,
            started.elapsed().as_secs_f64(),
            outcome.passed,
            outcome.failed,
            count(Verdict::Skipped),
            count(Verdict::NotRunnable),
        );
        reasons(&outcome);
    }
    Ok(())
}

/// What did not pass, by the first line of the reason.
fn reasons(outcome: &Outcome) {
    let mut reasons: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    for test in outcome.tests.iter().filter(|test| test.verdict != Verdict::Passed) {
        let message = test.message.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
        reasons.entry((format!("{:?}", test.verdict), message.to_owned())).or_default().push(&test.id);
    }
    for ((verdict, message), tests) in reasons {
        eprintln!("  {verdict} {} × {message} ({})", tests.len(), tests[0]);
    }
    let tested: Vec<&str> = outcome.tests.iter().map(|test| test.path.as_str()).collect();
    for failure in outcome.failures.iter().filter(|it| !tested.contains(&it.path.as_str())) {
        eprintln!("  {}:{}: {}", failure.path, failure.line, failure.message);
    }
    if outcome.tests.is_empty() {
        eprintln!("{}{}", outcome.stdout, outcome.stderr);
    }
}

/// The last line that pytest prints.
fn natively(python: &str, root: &Path, tests: &str) -> Result<String> {
    let mut command = Command::new(python);
    command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider", tests]).current_dir(root);
    let output = command.env("PYTHONDONTWRITEBYTECODE", "1").output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().last().unwrap_or_default().trim_matches(['=', ' ']).to_owned())
}

fn site_packages(python: &str) -> Result<PathBuf> {
    let script = "import sysconfig; print(sysconfig.get_path('purelib'))";
    let output = Command::new(python).args(["-c", script]).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().into())
}

//! What continuous integration checks, in the order in which a mistake is cheapest to find.

use std::time::Instant;

use anyhow::{Context, Result};

use crate::{code_server, demo, emacs, guest, neovim, process, sdks, test, tidy, vscode};

type Step = (&'static str, fn() -> Result<()>);

/// Tests come last, so that the runner's own summary ends the log.
const STEPS: &[Step] = &[
    ("format", format),
    ("tidy", tidy::run),
    ("clippy", clippy),
    ("vscode", vscode::ensure),
    ("setup", setup),
    ("doctests", doctests),
    ("demo", demo::run),
    ("tests", test::run_all),
];

/// Runs all steps and stops at the first that fails, which the error names.
pub fn run() -> Result<()> {
    run_steps(STEPS)
}

fn run_steps(steps: &[Step]) -> Result<()> {
    for (index, (name, step)) in steps.iter().enumerate() {
        println!("== {name} ({} of {})", index + 1, steps.len());
        let start = Instant::now();
        step().with_context(|| format!("ci failed at step {name} after {:.1} s", start.elapsed().as_secs_f64()))?;
        if index + 1 < steps.len() {
            println!("== {name}: {:.1} s", start.elapsed().as_secs_f64());
        }
    }
    Ok(())
}

fn format() -> Result<()> {
    process::run(&mut process::cargo(&["fmt", "--all", "--check"]))
}

fn clippy() -> Result<()> {
    process::run(&mut process::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn setup() -> Result<()> {
    guest::ensure()?;
    neovim::ensure()?;
    emacs::ensure()?;
    sdks::ensure()?;
    code_server::ensure()
}

fn doctests() -> Result<()> {
    if !test::has_nextest() {
        println!("run with the tests, as cargo does without nextest");
        return Ok(());
    }
    process::run(&mut process::cargo(&["test", "--workspace", "--doc"]))
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn stops_at_the_first_failure_and_names_it() {
        fn fine() -> Result<()> {
            Ok(())
        }
        fn wrong() -> Result<()> {
            bail!("two files are not formatted")
        }
        fn never() -> Result<()> {
            panic!("ran after a failure")
        }
        let error = run_steps(&[("one", fine), ("two", wrong), ("three", never)]).unwrap_err();
        let message = format!("{error:#}");
        assert!(message.starts_with("ci failed at step two after 0."), "{message}");
        assert!(message.ends_with(" s: two files are not formatted"), "{message}");
    }

    #[test]
    fn tests_come_last() {
        assert_eq!(STEPS.last().unwrap().0, "tests");
    }
}

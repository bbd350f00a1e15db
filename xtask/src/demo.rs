//! The sample shop as a new user would open it, with a recorded model beside it: no key and no network are needed.

use anyhow::Result;

use crate::{guest, process};

/// Builds what the demo needs and runs it; see `tests/src/bin/demo.rs`.
pub fn run() -> Result<()> {
    guest::ensure()?;
    process::run(&mut process::cargo(&["build", "--quiet", "--package", "tantu", "--package", "tests", "--bins"]))?;
    process::run(&mut process::cargo(&["run", "--quiet", "--package", "tests", "--bin", "demo"]))
}

//! The Python side of the sandbox: a WebAssembly component that the guest's own build script makes and keeps in the
//! user's cache directory, under a name that depends on its sources.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::process;

const SCRIPT: &str = "sandbox-wasi/guest/build.py";

#[derive(clap::Args)]
pub struct Args {
    /// Build it even if it is there
    #[arg(long)]
    force: bool,
}

pub fn run(args: &Args) -> Result<()> {
    build(args.force).map(drop)
}

/// Builds the guest of the present sources unless it is there, and returns where it is.
///
/// # Errors
/// When the build script fails; what it needs is part of the message.
pub fn ensure() -> Result<PathBuf> {
    build(false)
}

fn build(force: bool) -> Result<PathBuf> {
    let mut script = process::program("python3");
    script.arg(SCRIPT).args(force.then_some("--force"));
    let path = process::output(&mut script).context(
        "cannot build the sandbox's guest (needs python3 3.10 or newer with venv and pip, and a package index)",
    )?;
    println!("guest: {}", path.trim_end());
    Ok(PathBuf::from(path.trim_end()))
}

//! Builds graphs of mutated files, as many as wanted, and says which cases fail.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::process;

/// Cases of one process: names that it has seen stay in its memory.
const BATCH: u64 = 80_000;

#[derive(clap::Args)]
pub struct Args {
    /// How many cases to run
    #[arg(long, default_value_t = 100_000)]
    cases: u64,
    /// The first case; the same seed and corpus make the same cases
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folders of Python files to mutate, besides Python's own library
    corpus: Vec<PathBuf>,
}

pub fn run(args: &Args) -> Result<()> {
    process::run(&mut process::cargo(&["build", "--profile", "fuzz", "--package", "graph", "--example", "fuzz"]))?;
    let target = process::target_directory(&process::metadata()?)?;
    let program = target.join("fuzz/examples").join(format!("fuzz{}", std::env::consts::EXE_SUFFIX));
    let folder = target.join("fuzz-findings");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let library = ["-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"];
    let library = process::output(process::program("python3").args(library))?;
    let corpus: Vec<PathBuf> =
        args.corpus.iter().map(fs::canonicalize).collect::<std::io::Result<_>>().context("no corpus")?;
    let end = args.seed.saturating_add(args.cases);
    let mut failed = 0;
    let mut seed = args.seed;
    while seed < end {
        let cases = BATCH.min(end - seed);
        let mut command = process::program(&program);
        command.args([cases.to_string(), seed.to_string()]).arg(&folder).arg(library.trim()).args(&corpus);
        if let Err(error) = process::run(&mut command) {
            eprintln!("xtask: {error:#}; if it died, files `running-*` in {} name the cases", folder.display());
            failed += 1;
        }
        seed += cases;
    }
    if failed > 0 {
        bail!("{failed} batches of {BATCH} cases failed; what failed is in {}", folder.display());
    }
    Ok(())
}

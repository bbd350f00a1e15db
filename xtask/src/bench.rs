//! Measures, and prints what it measured. Nothing here passes or fails: a timed assertion is not a test.

mod client;
mod editing;

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process;

/// Runs after the cold one; their median is printed.
const WARM_RUNS: usize = 5;

#[derive(clap::Args)]
pub struct Args {
    /// A folder of Python files: also measure `tantu index` on it, once without a cache and then with one
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    #[command(flatten)]
    editing: editing::Editing,
}

pub fn run(args: &Args) -> Result<()> {
    let metadata = process::metadata()?;
    if let (Some(corpus), Some(file)) = (&args.corpus, &args.editing.edit) {
        let corpus = fs::canonicalize(corpus).with_context(|| format!("no folder {}", corpus.display()))?;
        return editing::measure(&built(&metadata)?, &corpus, file, args.editing.peers.as_deref());
    }
    let packages = packages_with_benches(&metadata);
    if packages.is_empty() {
        println!("benches: no crate has any");
    }
    for package in packages {
        process::run(&mut process::cargo(&["bench", "--package", package, "--benches"]))?;
    }
    match &args.corpus {
        Some(corpus) => index_times(corpus, &metadata),
        None => Ok(()),
    }
}

fn packages_with_benches(metadata: &Value) -> Vec<&str> {
    let is_bench = |target: &Value| target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|k| k == "bench"));
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages
        .filter(|package| package["targets"].as_array().is_some_and(|targets| targets.iter().any(is_bench)))
        .filter_map(|package| package["name"].as_str())
        .collect()
}

/// The release binary, up to date.
fn built(metadata: &Value) -> Result<PathBuf> {
    process::run(&mut process::cargo(&["build", "--release", "--workspace", "--bins"]))?;
    let name = format!("tantu{}", std::env::consts::EXE_SUFFIX);
    Ok(process::target_directory(metadata)?.join("release").join(name))
}

/// Measures from spawn to exit, with a cache directory of its own so that the first run is truly cold.
fn index_times(corpus: &PathBuf, metadata: &Value) -> Result<()> {
    let corpus = fs::canonicalize(corpus).with_context(|| format!("no folder {}", corpus.display()))?;
    if !corpus.is_dir() {
        bail!("{} is not a folder", corpus.display());
    }
    let binary = built(metadata)?;
    let cache = process::target_directory(metadata)?.join("xtask-bench-cache");
    if cache.exists() {
        fs::remove_dir_all(&cache).with_context(|| format!("cannot remove {}", cache.display()))?;
    }

    let measure = || -> Result<Duration> {
        let start = Instant::now();
        process::run(
            process::program(&binary)
                .args(["index", "--format", "json"])
                .arg(&corpus)
                .env("XDG_CACHE_HOME", &cache)
                .stdout(Stdio::null()),
        )?;
        Ok(start.elapsed())
    };
    let cold = measure()?;
    let mut warm = (0..WARM_RUNS).map(|_| measure()).collect::<Result<Vec<_>>>()?;
    warm.sort();
    println!("index {}: cold {:.3} s", corpus.display(), cold.as_secs_f64());
    println!("index {}: again {:.3} s (median of {WARM_RUNS})", corpus.display(), warm[WARM_RUNS / 2].as_secs_f64());
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_packages_with_benches() {
        let metadata = json!({ "packages": [
            { "name": "plain", "targets": [{ "kind": ["lib"] }] },
            { "name": "measured", "targets": [{ "kind": ["lib"] }, { "kind": ["bench"] }] },
        ]});
        assert_eq!(packages_with_benches(&metadata), ["measured"]);
    }
}

//! How long the context of a folder's functions takes: `cargo run --release -p context --example speed -- FOLDER BUDGET`
//!
//! Milliseconds of processor time, of all threads: tables made anew, after no edit, and of what was kept; the first
//! question; the median and the slowest twentieth of 200 functions spread over the folder.

use std::path::{Path, PathBuf};

use context::{Index, Options};
use graph::{AnalysisHost, SymbolKind};

const FUNCTIONS: usize = 200;

fn main() -> Result<(), &'static str> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    let budget = std::env::args().nth(2).and_then(|budget| budget.parse().ok()).unwrap_or(16_384);
    let discovery = graph::discover(Path::new(&folder));
    let (change, _) = graph::load(&discovery.files, &|_| ());
    let mut host = AnalysisHost::new(vec![PathBuf::from(&folder)]);
    host.apply(change);
    let analysis = host.analysis();

    let (index, took) = timed(|| Index::new(&analysis));
    println!("tables     {took:8.1}");
    let (_, took) = timed(|| index.renewed(&analysis));
    println!("renewed    {took:8.1}");
    if let Some(resolved_names) = index.resolved_names() {
        let (_, took) = timed(|| Index::restored(&analysis, &resolved_names));
        println!("restored   {took:8.1} from {} KB", resolved_names.len() >> 10);
    }
    let functions: Vec<_> = analysis
        .files()
        .flat_map(|file| analysis.symbols(file))
        .filter(|&symbol| matches!(analysis.symbol(symbol).kind, SymbolKind::Function | SymbolKind::Method))
        .collect();
    let options = Options { reserve: 0 };
    let ask = |&function: &graph::SymbolId| timed(|| index.context(function, budget, &options)).1;
    let mut times: Vec<f64> = functions.iter().step_by(functions.len().div_ceil(FUNCTIONS).max(1)).map(ask).collect();
    println!("first      {:8.1}", times[0]);
    times.sort_by(f64::total_cmp);
    println!("median     {:8.1}", times[times.len() / 2]);
    println!("p95        {:8.1}", times[times.len() * 95 / 100]);
    Ok(())
}

/// Milliseconds of processor time, which other programs disturb least.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = processor_time();
    let result = work();
    (result, (processor_time() - start) as f64 / 1e6)
}

/// Nanoseconds of all threads, which live as long as the program (Linux).
fn processor_time() -> u64 {
    // Where nobody tells there is nothing to measure.
    let threads = std::fs::read_dir("/proc/self/task").expect("only Linux tells");
    let time = |thread: std::io::Result<std::fs::DirEntry>| {
        let stat = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        // As the kernel's documentation has it, the time comes first.
        stat.split(' ').next()?.parse::<u64>().ok()
    };
    threads.filter_map(time).sum()
}

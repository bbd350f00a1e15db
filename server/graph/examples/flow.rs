//! What the flow of values costs: `flow FOLDER [EDITS [DUMP]]` indexes a folder, solves, then edits random lines, and prints
//! how long each step takes. DUMP is a file to which every edge is written, to compare two versions of the solver.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use graph::{Analysis, AnalysisHost, Change};

#[path = "../tests/shared/dump.rs"]
mod dump;
#[path = "shared/random.rs"]
mod random;

use random::Random;

const COLD: usize = 5;

/// What a person does to a text; `None` where it cannot be done.
fn edit(kind: usize, random: &mut Random, text: &str) -> Option<String> {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_code = |line: &&str| line.starts_with("    ") && !line.trim().is_empty() && !line.trim().starts_with('#');
    let code: Vec<usize> = (0..lines.len()).filter(|&line| is_code(&lines[line])).collect();
    let &at = random.pick_of(&code)?;
    let indent = &lines[at][..lines[at].len() - lines[at].trim_start().len()];
    let inserted = match kind {
        0 => format!("{indent}# a remark\n"),
        1 => format!("{indent}amount = 1 + 2\n"),
        2 => lines[at].to_owned(),
        3 => {
            lines.remove(at);
            return Some(lines.concat());
        }
        _ => format!("{indent}self.changed(self)\n"),
    };
    lines.insert(at, &inserted);
    Some(lines.concat())
}

const KINDS: [&str; 5] = ["remark", "local", "line again", "line gone", "call"];

fn apply_flow(host: &mut AnalysisHost) -> (Duration, Duration) {
    let start = Instant::now();
    let flow = host.analysis().solve_flow();
    let solved = start.elapsed();
    host.apply_flow(flow);
    (solved, start.elapsed() - solved)
}

/// What all threads have computed since the start, to hundredths of a second: other work on the machine has no part in it.
fn computed() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let times = stat.rsplit(')').next()?.split_whitespace().skip(11).take(2);
    let ticks: u64 = times.map(|ticks| ticks.parse::<u64>().unwrap_or(0)).sum();
    Some(Duration::from_millis(ticks * 10))
}

fn parses(analysis: &Analysis, path: &Path) -> bool {
    analysis.file(path).is_some_and(|file| analysis.syntax_errors(file).is_empty())
}

fn percentile(times: &mut [Duration], share: usize) -> f64 {
    times.sort_unstable();
    times.get((times.len() * share / 100).min(times.len().saturating_sub(1))).map_or(0.0, |time| milliseconds(*time))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(root) = arguments.first().and_then(|root| std::fs::canonicalize(root).ok()) else {
        eprintln!("usage: flow FOLDER [EDITS [DUMP]]");
        return ExitCode::from(2);
    };
    let edits: usize = arguments.get(1).and_then(|edits| edits.parse().ok()).unwrap_or(0);
    let (change, _) = graph::load(&graph::discover(&root).files, &|_| ());
    let files: Vec<(PathBuf, Arc<str>)> =
        change.files.iter().filter_map(|(path, text)| Some((path.clone(), text.clone()?))).collect();
    let mut host = AnalysisHost::new(vec![root]);
    let start = Instant::now();
    host.apply(change);
    println!("indexed {} files in {:.0?}", files.len(), start.elapsed());
    let before = computed().unwrap_or_default();
    for _ in 0..COLD {
        let (solved, settled) = apply_flow(&mut host);
        println!("solved in {:.0} ms, joined in {:.0} ms", milliseconds(solved), milliseconds(settled));
    }
    let spent = computed().unwrap_or_default() - before;
    println!("each of them took {:.0} ms of a processor", milliseconds(spent) / COLD as f64);
    if let Some(path) = arguments.get(2)
        && let Err(error) = std::fs::write(path, dump::dump(&host.analysis()))
    {
        eprintln!("cannot write {path}: {error}");
        return ExitCode::FAILURE;
    }
    let mut random = Random(1);
    for (kind, name) in KINDS.iter().enumerate().filter(|_| edits > 0) {
        let (mut applied, mut totals, mut same) = (Vec::new(), Vec::new(), 0);
        while totals.len() < edits {
            let (path, text) = random.pick(&files);
            let Some(edited) = edit(kind, &mut random, text) else { continue };
            let mut change = Change::default();
            change.set(path.clone(), edited);
            let start = Instant::now();
            host.apply(change);
            let linked = start.elapsed();
            if parses(&host.analysis(), path) {
                if host.analysis().is_flow_outdated() {
                    apply_flow(&mut host);
                } else {
                    same += 1;
                }
                applied.push(linked);
                totals.push(start.elapsed());
            }
            let mut change = Change::default();
            change.set(path.clone(), text.clone());
            host.apply(change);
        }
        println!(
            "{name}: linked p50 {:.0} ms; settled p50 {:.0} ms, p95 {:.0} ms; {same} of {edits} change no value",
            percentile(&mut applied, 50),
            percentile(&mut totals, 50),
            percentile(&mut totals, 95),
        );
    }
    if edits > 0 {
        let mut fresh = AnalysisHost::new(host.analysis().roots().to_vec());
        fresh.apply(files.into_iter().map(|(path, text)| (path, Some(text))).collect());
        apply_flow(&mut fresh);
        apply_flow(&mut host);
        if let Some(difference) = dump::difference(&host, &fresh) {
            eprintln!("edited back, the graph is not what it was: {difference}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

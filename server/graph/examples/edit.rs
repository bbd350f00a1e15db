//! What a keystroke costs: `edit FOLDER FILE EDITS` indexes a folder, lets values flow, then types a name in the middle function of one
//! of its files, character by character, and prints how long each stage takes. Three of the graphs are compared with fresh ones.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use graph::{AnalysisHost, Change};

#[path = "../tests/shared/dump.rs"]
mod dump;

/// The middle one of the lines after which the body of a function begins, and how deep that is indented.
fn middle(text: &str) -> Option<(usize, usize)> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let begins = |at: &usize| {
        let line = lines[*at].trim_start();
        line.starts_with("def ") && line.ends_with(":\n") && indent(lines[at + 1]) > indent(lines[*at])
    };
    let all: Vec<usize> = (0..lines.len().saturating_sub(1)).filter(begins).collect();
    let at = *all.get(all.len() / 2)?;
    Some((lines[..=at].iter().map(|line| line.len()).sum(), indent(lines[at + 1])))
}

fn print(stage: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    println!("{stage:<10} p50 {:.2} ms, p95 {:.2} ms", at(50), at(95));
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, file, edits] = &arguments[..] else {
        eprintln!("usage: edit FOLDER FILE EDITS");
        return ExitCode::from(2);
    };
    let (Ok(root), Ok(edits)) = (std::fs::canonicalize(folder), edits.parse::<usize>()) else {
        return ExitCode::from(2);
    };
    let (change, _) = graph::load(&graph::discover(&root).files, &|_| ());
    let mut files: Vec<(PathBuf, Arc<str>)> =
        change.files.iter().filter_map(|(path, text)| Some((path.clone(), text.clone()?))).collect();
    let path = root.join(file);
    let Some(at) = files.iter().position(|(other, _)| *other == path) else {
        eprintln!("{} is not there", path.display());
        return ExitCode::from(2);
    };
    let Some((start, indent)) = middle(&files[at].1) else { return ExitCode::from(2) };
    let mut host = AnalysisHost::new(vec![root.clone()]);
    host.apply(change);
    let flow = host.analysis().solve_flow();
    host.apply_flow(flow);
    let original = files[at].1.to_string();
    let names = ["parse", "summarise", "compare", "link", "all"];
    let mut times: [Vec<Duration>; 5] = Default::default();
    for edit in 0..edits.max(1) {
        let typed = format!("{0:1$}def edited{edit}(): return self\n{0:1$}edited()\n", "", indent);
        let text: Arc<str> = format!("{}{typed}{}", &original[..start], &original[start..]).into();
        files[at].1 = text.clone();
        let mut change = Change::default();
        change.edit(&path, text);
        let begun = Instant::now();
        let taken = host.apply(change);
        let all = begun.elapsed();
        for (times, time) in times.iter_mut().zip([taken.parse, taken.summarise, taken.compare, taken.link, all]) {
            times.push(time);
        }
        if (edit + 1) % edits.div_ceil(3).max(1) == 0 {
            let mut fresh = AnalysisHost::new(vec![root.clone()]);
            fresh.apply(files.iter().map(|(path, text)| (path.clone(), Some(text.clone()))).collect());
            let flow = fresh.analysis().solve_flow();
            fresh.apply_flow(flow);
            let mut settled = host.clone();
            let flow = settled.analysis().solve_flow();
            settled.apply_flow(flow);
            if let Some(difference) = dump::difference(&settled, &fresh) {
                eprintln!("after edit {edit} the graph is not a fresh one: {difference}");
                return ExitCode::FAILURE;
            }
        }
    }
    for (name, times) in names.iter().zip(&mut times) {
        print(name, times);
    }
    ExitCode::SUCCESS
}

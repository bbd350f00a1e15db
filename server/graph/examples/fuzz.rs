//! Mutates real files and keeps graphs of them: nothing may panic, hang or take all memory, and what a graph is after edits
//! and once values have flowed is what it is when it is built from scratch. `cargo xtask fuzz` calls it.
//!
//! `fuzz CASES SEED FOLDER CORPUS…`: [`CHAIN`] cases are edits of the same two files, one after the other; the chain is a
//! function of the number of its first case (cases count from SEED) and of the corpus. The texts of a chain that fails are
//! written to FOLDER, where `running-N` also names the chain that each thread is at, should the process die.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use graph::{AnalysisHost, Change};
use syntax::TextSize;

#[path = "../tests/shared/dump.rs"]
mod dump;
#[path = "shared/random.rs"]
mod random;

use random::Random;

/// Bytes of one file, at most.
const LENGTH: usize = 3000;

/// Cases, each an edit, that one pair of files serves for.
const CHAIN: u64 = 16;

/// Parts that are tried until one parses.
const ATTEMPTS: usize = 8;

/// After so many edits values flow, and the graph is compared with a new one.
const SETTLING: u64 = 4;

/// Places of each file that are asked about after an edit.
const QUESTIONS: usize = 2;

/// Real chains take milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Resident bytes of the process. Interned names stay, some for each case, so that a process has a limited number of cases.
const MEMORY: u64 = 4 << 30;

/// Words and signs whose place matters to a parser.
const TOKENS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    ".",
    "=",
    "\n",
    "\n    ",
    "\t",
    "\"",
    "'''",
    "f\"{",
    "\\",
    "\r",
    "*",
    "**",
    "@",
    "lambda ",
    "async ",
    "await ",
    "yield ",
    "del ",
    "global x\n",
    "nonlocal x\n",
    "class C(C):\n",
    "def f(self):\n",
    "import a\n",
    "from a import *\n",
    "from . import ",
    "match x:\n",
    "case ",
    "try:\n",
    "except ",
    "with ",
    "for ",
    "in ",
    "return ",
    ":=",
    "->",
    "type X = ",
    "\u{feff}",
    "é",
    "😀",
    "\0",
    "__all__ = ",
    "super().",
    "self.",
    "[T]",
];

/// A random part of a file: whole statements, where there are any short enough.
fn fragment(random: &mut Random, text: &str) -> String {
    if text.len() <= LENGTH {
        return text.to_owned();
    }
    let at = random.below(text.len() - LENGTH);
    let statements = |from: usize| {
        let lines = text.as_bytes()[from..].windows(2).enumerate().map(move |(at, pair)| (from + at, pair));
        let starts = lines.filter(|(_, pair)| pair[0] == b'\n' && (pair[1].is_ascii_alphabetic() || pair[1] == b'@'));
        starts.map(|(at, _)| at + 1)
    };
    let start = statements(at).next().unwrap_or(0);
    let mut end =
        statements(start).take_while(|end| end - start <= LENGTH).last().unwrap_or((start + LENGTH).min(text.len()));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[start..end].to_owned()
}

/// Where words, spaces and signs begin.
fn boundaries(text: &str) -> Vec<usize> {
    let kind = |c: char| {
        if c.is_alphanumeric() || c == '_' {
            0
        } else if c == ' ' {
            1
        } else {
            c as u32
        }
    };
    let mut last = None;
    let mut starts: Vec<usize> =
        text.char_indices().filter(|&(_, c)| last.replace(kind(c)) != Some(kind(c))).map(|(at, _)| at).collect();
    starts.push(text.len());
    starts
}

/// Puts one of a text's names in the place of another.
fn exchange_name(random: &mut Random, text: &str) -> String {
    const KEYWORDS: &[&str] = &["and", "as", "class", "def", "else", "for", "from", "if", "import", "in", "is", "not"];
    let starts = boundaries(text);
    let token = |n: usize| &text[starts[n]..starts[n + 1]];
    let is_name = |n: &usize| token(*n).starts_with(|c: char| c.is_alphabetic() || c == '_');
    let names: Vec<usize> = (0..starts.len() - 1).filter(is_name).filter(|&n| !KEYWORDS.contains(&token(n))).collect();
    let (Some(&from), Some(&to)) = (random.pick_of(&names), random.pick_of(&names)) else { return text.to_owned() };
    format!("{}{}{}", &text[..starts[to]], token(from), &text[starts[to + 1]..])
}

/// Deletes, moves or repeats a line; it comes to stand before one that is as far to the right.
fn move_line(random: &mut Random, text: &str) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let from = random.below(lines.len());
    let line = lines[from];
    let indent = |line: &str| line.len() - line.trim_start().len();
    let fitting: Vec<usize> = (0..lines.len()).filter(|&to| indent(lines[to]) == indent(line)).collect();
    let to = *random.pick(&fitting);
    match random.below(3) {
        0 => {
            lines.remove(from);
        }
        1 => lines.insert(to, line),
        _ => {
            lines.remove(from);
            lines.insert(to.min(lines.len()), line);
        }
    }
    lines.concat()
}

fn mutate(random: &mut Random, text: String, corpus: &[String]) -> String {
    if text.is_empty() {
        return text;
    }
    match random.below(16) {
        // The text stays as good as it was; what flows where does not.
        8..=11 => exchange_name(random, &text),
        12..=15 => move_line(random, &text),
        0 => {
            let mut bytes = text.into_bytes();
            for _ in 0..=random.below(4) {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(7);
            }
            String::from_utf8_lossy(&bytes).into_owned()
        }
        kind @ 1..=3 => {
            let starts = boundaries(&text);
            let token = |n: usize| &text[starts[n]..starts[n + 1]];
            let (a, b) = (random.below(starts.len() - 1), random.below(starts.len() - 1));
            let (a, b) = (a.min(b), a.max(b));
            let (before, after) = (&text[..starts[a]], &text[starts[a + 1]..]);
            match kind {
                1 => format!("{before}{after}"),
                2 => format!("{before}{}{after}", token(a).repeat(1 + random.below(4))),
                _ if a == b => text.clone(),
                _ => {
                    let between = &text[starts[a + 1]..starts[b]];
                    format!("{before}{}{between}{}{}", token(b), token(a), &text[starts[b + 1]..])
                }
            }
        }
        4 => {
            let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
            for _ in 0..=random.below(5) {
                let (a, b) = (random.below(lines.len()), random.below(lines.len()));
                lines.swap(a, b);
            }
            lines.concat()
        }
        5 => {
            let other = random.pick(corpus);
            let other = fragment(random, other);
            let cut = |random: &mut Random, text: &str| *random.pick(&boundaries(text));
            let (end, start) = (cut(random, &text), cut(random, &other));
            format!("{}{}", &text[..end], &other[start..])
        }
        6 => {
            let end = *random.pick(&boundaries(&text));
            text[..end].to_owned()
        }
        _ => {
            let at = *random.pick(&boundaries(&text));
            format!("{}{}{}", &text[..at], random.pick(TOKENS), &text[at..])
        }
    }
}

/// The state of a chain: the two files, what they were at first, and every text so far.
struct Chain<'a> {
    corpus: &'a [String],
    random: Random,
    host: AnalysisHost,
    texts: [String; 2],
    originals: [String; 2],
    /// The texts as they were when they last parsed.
    good: [String; 2],
    history: Vec<(usize, String)>,
}

const ROOT: &str = "/w";
const NAMES: [&str; 2] = ["a.py", "b.py"];

impl<'a> Chain<'a> {
    fn new(seed: u64, corpus: &'a [String]) -> Self {
        let mut random = Random(seed);
        let text = random.pick(corpus);
        // A part may begin or end in the middle of something.
        let mut whole = |text: &str| {
            let mut parts = (0..ATTEMPTS).map(|_| fragment(&mut random, text));
            parts.find(|part| !syntax::parse(part).has_errors()).unwrap_or_default()
        };
        // Parts of one file have names in common.
        let (first, other) = (whole(text), whole(text));
        let originals = [first, format!("from a import *\nimport a\n{other}")];
        let host = AnalysisHost::new(vec![PathBuf::from(ROOT)]);
        let (texts, good) = (originals.clone(), originals.clone());
        Chain { corpus, random, host, texts, originals, good, history: Vec::new() }
    }

    fn set(&mut self, file: usize, text: String) {
        let mut change = Change::default();
        change.edit(Path::new(ROOT).join(NAMES[file]), text.as_str());
        self.history.push((file, text.clone()));
        self.texts[file] = text;
        self.host.apply(change);
        if !has_errors(&self.host, file) {
            self.good[file].clone_from(&self.texts[file]);
        }
    }

    fn run(&mut self) -> Result<(), String> {
        for (file, text) in self.originals.clone().into_iter().enumerate() {
            self.set(file, text);
        }
        for step in 1..=CHAIN {
            let file = usize::from(self.random.below(4) == 0);
            let mut text = match self.random.below(6) {
                0 => self.originals[file].clone(),
                1 | 2 => self.good[file].clone(),
                _ => self.texts[file].clone(),
            };
            // Parts of others come in again and again.
            if text.len() > 3 * LENGTH {
                text.clone_from(&self.originals[file]);
            }
            for _ in 0..=self.random.below(3) {
                text = mutate(&mut self.random, text, self.corpus);
            }
            self.set(file, text);
            ask(&self.host, &mut self.random);
            if step % SETTLING == 0 {
                self.apply_flow()?;
            }
        }
        Ok(())
    }

    /// Values flow through whatever there is; then what does not parse is mended, and the graph must be like a new one.
    fn apply_flow(&mut self) -> Result<(), String> {
        if self.random.below(2) == 0 {
            self.host.apply_flow(self.host.analysis().solve_flow());
        }
        for file in 0..NAMES.len() {
            if has_errors(&self.host, file) {
                self.set(file, self.good[file].clone());
            }
        }
        let mut fresh = AnalysisHost::new(vec![PathBuf::from(ROOT)]);
        let mut change = Change::default();
        for (name, text) in NAMES.iter().zip(&self.texts) {
            change.set(Path::new(ROOT).join(name), text.as_str());
        }
        fresh.apply(change);
        for host in [&mut self.host, &mut fresh] {
            host.apply_flow(host.analysis().solve_flow());
        }
        dump::difference(&self.host, &fresh).map_or(Ok(()), Err)
    }
}

fn has_errors(host: &AnalysisHost, file: usize) -> bool {
    let analysis = host.analysis();
    let file = analysis.file(&Path::new(ROOT).join(NAMES[file]));
    file.is_some_and(|file| !analysis.syntax_errors(file).is_empty())
}

/// What hovering and diagnostics ask.
fn ask(host: &AnalysisHost, random: &mut Random) {
    let analysis = host.analysis();
    for file in analysis.files() {
        let length = analysis.source(file).text().len();
        for _ in 0..QUESTIONS {
            let offset = TextSize::new(random.below(length + 1) as u32);
            analysis.targets(file, offset);
            analysis.types_at(file, offset);
            let symbol = analysis.enclosing(file, offset);
            analysis.symbol(symbol).signature();
            analysis.callers(symbol);
            analysis.callees(symbol);
        }
        analysis.undefined_names(file);
        analysis.missing_members(file);
        analysis.incompatible_calls(file);
        analysis.imports(file);
    }
}

fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// A thread at work: its chain, and when that began in milliseconds after the start.
#[derive(Default)]
struct Worker {
    chain: AtomicU64,
    since: AtomicU64,
}

fn write(folder: &Path, seed: u64, history: &[(usize, String)]) {
    for (step, (file, text)) in history.iter().enumerate() {
        let path = folder.join(format!("{seed}-{step}-{}", NAMES[*file]));
        if let Err(error) = fs::write(&path, text) {
            eprintln!("cannot write {}: {error}", path.display());
        }
    }
    eprintln!("the chain of case {seed} is in {}", folder.display());
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [cases, seed, folder, roots @ ..] = &arguments[..] else {
        eprintln!("usage: fuzz CASES SEED FOLDER CORPUS…");
        return ExitCode::from(2);
    };
    let (Ok(cases), Ok(seed)) = (cases.parse::<u64>(), seed.parse::<u64>()) else {
        eprintln!("CASES and SEED are numbers");
        return ExitCode::from(2);
    };
    let folder = Path::new(folder);
    let paths: Vec<PathBuf> = roots.iter().flat_map(|root| graph::discover(Path::new(root)).files).collect();
    let (change, _) = graph::load(&paths, &|_| ());
    let corpus: Vec<String> = change.files.into_iter().filter_map(|(_, text)| Some(text?.to_string())).collect();
    if corpus.is_empty() {
        eprintln!("the corpus is empty");
        return ExitCode::from(2);
    }
    let start = Instant::now();
    let (next, failures) = (AtomicU64::new(0), AtomicU64::new(0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let workers: Vec<Worker> = (0..threads).map(|_| Worker::default()).collect();
    std::thread::scope(|scope| {
        for (number, worker) in workers.iter().enumerate() {
            let (next, failures, corpus) = (&next, &failures, &corpus);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(CHAIN, Ordering::Relaxed);
                    if index >= cases {
                        worker.since.store(u64::MAX, Ordering::Relaxed);
                        return;
                    }
                    let seed = seed.wrapping_add(index);
                    worker.chain.store(seed, Ordering::Relaxed);
                    worker.since.store(start.elapsed().as_millis() as u64, Ordering::Relaxed);
                    // Best effort: only read after the process died.
                    let _ = fs::write(folder.join(format!("running-{number}")), seed.to_string());
                    let mut chain = Chain::new(seed, corpus);
                    match catch_unwind(AssertUnwindSafe(|| chain.run())) {
                        Ok(Ok(())) => continue,
                        Ok(Err(difference)) => eprintln!("{difference}"),
                        Err(_) => {}
                    }
                    failures.fetch_add(1, Ordering::Relaxed);
                    write(folder, seed, &chain.history);
                }
            });
        }
        scope.spawn(|| {
            let is_done = |worker: &Worker| worker.since.load(Ordering::Relaxed) == u64::MAX;
            while !workers.iter().all(is_done) {
                std::thread::sleep(Duration::from_millis(100));
                let now = start.elapsed().as_millis() as u64;
                let is_late = |worker: &&Worker| {
                    let since = worker.since.load(Ordering::Relaxed);
                    now.saturating_sub(since) > PATIENCE.as_millis() as u64
                };
                let late = workers.iter().find(is_late);
                let is_large = resident().unwrap_or(0) > MEMORY;
                if late.is_some() || is_large {
                    eprintln!("{}", if is_large { "too much memory" } else { "too slow" });
                    for worker in late.map_or_else(|| workers.iter().collect(), |late| vec![late]) {
                        eprintln!("in the chain of case {}", worker.chain.load(Ordering::Relaxed));
                    }
                    std::process::exit(1);
                }
            }
        });
    });
    let (failures, seconds) = (failures.into_inner(), start.elapsed().as_secs_f64());
    println!("{cases} cases from seed {seed}: {failures} chains fail, {:.0} cases/s", cases as f64 / seconds);
    ExitCode::from(u8::from(failures > 0))
}

//! Mutates real files and builds graphs of them: nothing may panic, hang or take all memory. `cargo xtask fuzz` calls it.
//!
//! `fuzz CASES SEED FOLDER CORPUS…`: case n is a function of SEED + n and of the corpus. What fails is written to FOLDER,
//! where `running-N` also names the case that each thread is at, should the process die.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use graph::{AnalysisHost, Change};
use syntax::TextSize;

/// Bytes of one file of a case.
const LENGTH: usize = 6000;

/// Real cases take milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

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

/// SplitMix64 ("Fast splittable pseudorandom number generators", 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// A random part of a random file, whole lines.
fn fragment(random: &mut Random, corpus: &[String]) -> String {
    let text = random.pick(corpus);
    if text.len() <= LENGTH {
        return text.clone();
    }
    let at = random.below(text.len() - LENGTH);
    let start = text.as_bytes()[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |line| line + 1);
    let mut end = (start + LENGTH).min(text.len());
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

fn mutate(random: &mut Random, text: String, corpus: &[String]) -> String {
    if text.is_empty() {
        return text;
    }
    match random.below(8) {
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
            let other = fragment(random, corpus);
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

/// The two files of a case, and what the first was before it was mutated.
fn case(seed: u64, corpus: &[String]) -> [String; 3] {
    let mut random = Random(seed);
    let original = fragment(&mut random, corpus);
    let mut mutated = original.clone();
    for _ in 0..=random.below(5) {
        mutated = mutate(&mut random, mutated, corpus);
    }
    let other = format!("from a import *\nimport a\n{}", fragment(&mut random, corpus));
    [mutated, other, original]
}

fn run([mutated, other, original]: &[String; 3]) {
    let mut host = AnalysisHost::new(vec![PathBuf::from("/w")]);
    let mut change = Change::default();
    change.set("/w/a.py", mutated.as_str());
    change.set("/w/b.py", other.as_str());
    host.apply(change);
    ask(&host);
    // Typed, then mended: what stood in for lost definitions must go.
    for text in [original, mutated] {
        let mut change = Change::default();
        change.set("/w/a.py", text.as_str());
        host.apply(change);
    }
    ask(&host);
}

/// What hovering and diagnostics ask.
fn ask(host: &AnalysisHost) {
    let analysis = host.analysis();
    for file in analysis.files() {
        let length = analysis.source(file).text().len();
        for offset in (0..=length).step_by(length / 8 + 1) {
            let offset = TextSize::new(offset as u32);
            analysis.targets(file, offset);
            analysis.types_at(file, offset);
            let symbol = analysis.enclosing(file, offset);
            analysis.symbol(symbol).signature();
            analysis.callers(symbol);
            analysis.callees(symbol);
        }
        analysis.undefined_names(file);
        analysis.missing_members(file);
        analysis.misfit_calls(file);
        analysis.imports(file);
    }
}

fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// A thread at work: its case, and when that began in milliseconds after the start.
#[derive(Default)]
struct Worker {
    case: AtomicU64,
    since: AtomicU64,
}

fn write(folder: &Path, seed: u64, files: &[String; 3]) {
    for (name, text) in ["a", "b", "original"].iter().zip(files) {
        let path = folder.join(format!("{seed}-{name}.py"));
        if let Err(error) = fs::write(&path, text) {
            eprintln!("cannot write {}: {error}", path.display());
        }
    }
    eprintln!("case {seed} is in {}", folder.display());
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
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= cases {
                        worker.since.store(u64::MAX, Ordering::Relaxed);
                        return;
                    }
                    let seed = seed.wrapping_add(index);
                    let files = case(seed, corpus);
                    worker.case.store(seed, Ordering::Relaxed);
                    worker.since.store(start.elapsed().as_millis() as u64, Ordering::Relaxed);
                    // Best effort: only read after the process died.
                    let _ = fs::write(folder.join(format!("running-{number}")), seed.to_string());
                    if catch_unwind(AssertUnwindSafe(|| run(&files))).is_err() {
                        failures.fetch_add(1, Ordering::Relaxed);
                        write(folder, seed, &files);
                    }
                }
            });
        }
        scope.spawn(|| {
            while next.load(Ordering::Relaxed) < cases + workers.len() as u64 {
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
                        let seed = worker.case.load(Ordering::Relaxed);
                        write(folder, seed, &case(seed, &corpus));
                    }
                    std::process::exit(1);
                }
            }
        });
    });
    let (failures, seconds) = (failures.into_inner(), start.elapsed().as_secs_f64());
    println!("{cases} cases from seed {seed}: {failures} failures, {:.0} cases/s", cases as f64 / seconds);
    ExitCode::from(u8::from(failures > 0))
}

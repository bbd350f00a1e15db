//! How many of the forms of secrets in `fixtures/redaction` are hidden, by format, and how many lines of real files are
//! touched that hold none: `cargo run -p model --example redaction [FOLDER…]`. With `-v` it prints what is sent and touched.

#[path = "../tests/redaction/forms.rs"]
mod forms;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use model::{Prompt, Request};

#[derive(Default)]
struct Count {
    forms: std::collections::BTreeSet<usize>,
    missed_forms: std::collections::BTreeSet<usize>,
    cases: usize,
    missed: usize,
    /// Where nothing but the text itself tells what it is.
    missed_unnamed: usize,
}

fn sent(text: &str) -> String {
    Request::redacted(Prompt { system: String::new(), user: text.to_owned() }).0.user().to_owned()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_verbose = arguments.iter().any(|argument| argument == "-v");
    recall(is_verbose);
    for folder in arguments.iter().filter(|argument| *argument != "-v") {
        precision(Path::new(folder), is_verbose);
    }
}

fn recall(is_verbose: bool) {
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for case in forms::cases() {
        let count = counts.entry(case.format.clone()).or_default();
        let shown = sent(&case.quoted());
        count.cases += 1;
        count.forms.insert(case.number);
        let bare = sent(&case.text);
        if case.secrets.iter().any(|secret| bare.contains(secret)) {
            count.missed_unnamed += 1;
            if is_verbose {
                println!("--- {} {} without a name: {}\n{bare}", case.format, case.number, case.secrets[0]);
            }
        }
        if case.secrets.iter().any(|secret| shown.contains(secret)) {
            count.missed += 1;
            if count.missed_forms.insert(case.number) && is_verbose {
                println!("--- {} {}: {}\n{shown}", case.format, case.number, case.secrets[0]);
            }
        }
    }
    println!(
        "{:<10} {:>6} {:>10} {:>6} {:>6} {:>20}",
        "format", "forms", "forms sent", "cases", "sent", "sent without a name"
    );
    for (format, count) in &counts {
        let Count { forms, missed_forms, cases, missed, missed_unnamed } = count;
        println!(
            "{format:<10} {:>6} {:>10} {cases:>6} {missed:>6} {missed_unnamed:>20}",
            forms.len(),
            missed_forms.len()
        );
    }
}

/// The kinds of files that are counted apart.
fn kind(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension {
        "py" | "pyi" => Some("Python"),
        "yml" | "yaml" => Some("YAML"),
        "toml" => Some("TOML"),
        "cfg" | "ini" | "conf" | "properties" => Some("INI"),
        "json" => Some("JSON"),
        "xml" | "html" => Some("XML"),
        "csv" => Some("CSV"),
        "sh" | "env" | "bat" => Some("shell"),
        "md" | "rst" | "txt" => Some("text"),
        _ => matches!(name, "Dockerfile" | "Makefile" | ".coveragerc" | ".editorconfig" | ".flake8").then_some("INI"),
    }
}

fn precision(folder: &Path, is_verbose: bool) {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    let mut counts: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    let (mut spent, mut bytes) = (Duration::ZERO, 0);
    for path in files {
        let (Some(kind), Ok(text)) = (kind(&path), std::fs::read_to_string(&path)) else { continue };
        let lines = text.lines().count();
        let start = Instant::now();
        let quoted = format!("<data-00>\n{}\n{text}\n</data-00>\n", path.display());
        let (request, _) = Request::redacted(Prompt { system: String::new(), user: quoted });
        spent += start.elapsed();
        bytes += text.len();
        let (named, unnamed) = (touched(request.user()), touched(&sent(&text)));
        if is_verbose {
            request
                .user()
                .lines()
                .filter(|line| line.contains("<redacted:"))
                .for_each(|line| println!("{}: {}", path.display(), line.trim()));
        }
        let count = counts.entry(kind).or_default();
        *count = [count[0] + 1, count[1] + lines, count[2] + named, count[3] + unnamed];
    }
    println!("{}: {bytes} bytes in {} ms", folder.display(), spent.as_millis());
    for (kind, [files, lines, named, unnamed]) in counts {
        let share = |touched: usize| 100.0 * touched as f64 / lines.max(1) as f64;
        println!(
            "  {kind:<8} {files:>5} files {lines:>7} lines {named:>5} touched, {:.2} %, without a name {unnamed:>5}, {:.2} %",
            share(named),
            share(unnamed)
        );
    }
}

fn touched(text: &str) -> usize {
    text.lines().filter(|line| line.contains("<redacted:")).count()
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if let Ok(entries) = path.read_dir() {
        entries.flatten().for_each(|entry| collect(&entry.path(), files));
    } else {
        files.push(path.to_owned());
    }
}

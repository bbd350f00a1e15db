//! Lints the Python files below a folder and prints `path:row:column code` in order, to be compared with what
//! `ruff check --output-format concise` of the same release prints. With `--with RUFF` that executable lints each file
//! instead. With `--fix` writes the files below the folder as `ruff check --fix --unsafe-fixes` would. With `--time N` lints
//! one file N times.
//!
//! ```console
//! $ cargo run --release -p lint --example parity -- FOLDER
//! $ cargo run --release -p lint --example parity -- --with RUFF FOLDER
//! $ cargo run --release -p lint --example parity -- --fix FOLDER
//! $ cargo run --release -p lint --example parity -- --time 100 FILE
//! ```

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use lint::{Applicability, Document, Linter, ProjectRuff, Ruff, is_lintable};
use ruff_source_file::LineIndex;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--time", rounds, file] => time(Path::new(file), rounds.parse().unwrap_or(100)),
        ["--with", executable, folder] => {
            let ruff = ProjectRuff::new(*executable, *folder, Duration::from_secs(10));
            match ruff.version() {
                Ok(version) => eprintln!("ruff {version}"),
                Err(error) => eprintln!("{error}"),
            }
            print(Path::new(folder), &ruff);
        }
        ["--fix", folder] => fix(Path::new(folder)),
        [folder] => {
            let ruff = Ruff::new();
            print(Path::new(folder), &ruff);
            for problem in ruff.problems() {
                eprintln!("{}:{}: {}", problem.path.display(), problem.line, problem.message);
            }
        }
        _ => {
            eprintln!("usage: parity [--with RUFF | --fix] FOLDER, or parity --time N FILE");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn print(folder: &Path, linter: &dyn Linter) {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mut lines = Vec::new();
    let (mut files, mut bytes) = (0, 0);
    let start = Instant::now();
    for path in python_files(&folder) {
        let Ok(text) = syntax::read_source(&path) else { continue };
        let parsed = syntax::parse(&text);
        let index = LineIndex::from_source_text(&text);
        let name = path.strip_prefix(&folder).unwrap_or(&path).display().to_string();
        for finding in linter.lint(&Document { path: &path, text: &text, parsed: &parsed }) {
            let place = index.line_column(finding.range.start(), &text);
            lines.push(format!("{name}:{}:{} {}", place.line, place.column, finding.code));
        }
        files += 1;
        bytes += text.len();
    }
    eprintln!("{files} files, {bytes} bytes, {} findings in {:?}", lines.len(), start.elapsed());
    lines.sort();
    lines.iter().for_each(|line| println!("{line}"));
}

fn fix(folder: &Path) {
    let ruff = Ruff::new();
    for path in python_files(&folder.canonicalize().unwrap_or_else(|_| folder.to_owned())) {
        let Ok(text) = syntax::read_source(&path) else { continue };
        let document = Document { path: &path, text: &text, parsed: &syntax::parse(&text) };
        let edits = ruff.fix_all(&document, Applicability::Unsafe, None);
        let written = match syntax::apply_edits(&text, &edits) {
            Ok(fixed) if fixed == text => Ok(()),
            Ok(fixed) => std::fs::write(&path, fixed).map_err(|error| error.to_string()),
            Err(error) => Err(format!("{error:?}")),
        };
        if let Err(error) = written {
            eprintln!("{}: {error}", path.display());
        }
    }
}

fn time(path: &Path, rounds: usize) {
    let ruff = Ruff::new();
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let text = match syntax::read_source(&path) {
        Ok(text) => text,
        Err(error) => return eprintln!("{} {error}", path.display()),
    };
    let parsed = syntax::parse(&text);
    let document = Document { path: &path, text: &text, parsed: &parsed };
    let start = Instant::now();
    let findings = ruff.lint(&document).len();
    let first = start.elapsed();
    let mut times: Vec<_> = (0..rounds.max(1))
        .map(|_| {
            let start = Instant::now();
            ruff.lint(&document);
            start.elapsed()
        })
        .collect();
    times.sort();
    let (median, most) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("{} lines, {findings} findings: first {first:?}, median {median:?}, p99 {most:?}", text.lines().count());
}

fn python_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(python_files(&path)),
            Ok(kind) if kind.is_file() => {
                let is_python = path.extension().is_some_and(|ending| ending == "py" || ending == "pyi");
                found.extend((is_python && is_lintable(&path)).then_some(path));
            }
            _ => {}
        }
    }
    found.sort();
    found
}

//! Looks for secrets in folders of Python files, to see how rare false alarms are: `secrets FOLDER…`.
//!
//! Prints what stands at each finding; meant for public packages, whose secrets are none.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn main() {
    let mut files = Vec::new();
    for folder in std::env::args_os().skip(1) {
        collect(Path::new(&folder), &mut files);
    }
    files.sort();
    let (mut lines, mut found, mut spent) = (0, 0, Duration::ZERO);
    for path in &files {
        let Ok(source) = syntax::read_source(path) else { continue };
        let parsed = syntax::parse(&source);
        let index = syntax::LineIndex::new(&source);
        lines += source.lines().count();
        let start = Instant::now();
        let findings = lint::secrets(path, &source, &parsed);
        spent += start.elapsed();
        for finding in findings {
            found += 1;
            let line = index.line(finding.range.start());
            let text = &source[index.line_range(line, &source)];
            let confidence = finding.confidence;
            println!("{}:{}: {} {confidence:?}: {}", path.display(), line + 1, finding.name, text.trim());
        }
    }
    println!("{} files, {lines} lines, {found} findings, {} ms", files.len(), spent.as_millis());
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if let Ok(entries) = path.read_dir() {
        for entry in entries.flatten() {
            collect(&entry.path(), files);
        }
    } else if path.extension().is_some_and(|extension| extension == "py") {
        files.push(path.to_owned());
    }
}

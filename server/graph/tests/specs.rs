//! Runs the Markdown specifications of `fixtures/specs`.
//!
//! Every `## heading` is a case: its Python blocks are files (the first comment line of a block may name its path as
//! `# file: pkg/mod.py`; `main.py` otherwise). A path from the root, `/shared/mod.py`, lies in a workspace folder of its
//! own, `/shared`. A trailing comment states what the graph must say of that line, in parts separated by `;`:
//!
//! - `# calls: pkg.mod.f, …` all that the line's calls, decorators and `raise` call, and what a builtin calls on their
//!   behalf (`map(f, xs)`); `-` for none in the workspace
//! - `# implies: pkg.mod.C.__add__, …` what Python calls there though no call is written: operators, properties,
//!   protocols, the constructor of a called class
//! - `# kind: operator` the kinds of the edges of `implies`
//! - `# confidence: exact` the confidence of the edges of `calls`
//! - `# unresolved: …` the reason why a call of the line has no target; `-` for none that is unresolved
//! - `# imports: pkg.mod` where the line's imports lead; `-` for nowhere
//!
//! `calls?: …` and so on state what Python does and the graph does not know yet: the gap must still be there.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use graph::{Analysis, AnalysisHost, Change, EdgeKind, ImportKind};

#[test]
fn specifications_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/specs");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    assert!(!paths.is_empty(), "no specifications in {}", folder.display());
    let (mut failures, mut checks) = (String::new(), 0);
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        for case in cases(&text) {
            checks += case.check(&path, &mut failures);
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(checks > 40, "only {checks} expectations were found");
}

struct Case {
    heading: String,
    files: Vec<File>,
}

struct File {
    path: String,
    text: String,
    /// The line of the Markdown file on which the text starts.
    line: usize,
}

fn cases(markdown: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut lines = markdown.lines().enumerate();
    while let Some((_, line)) = lines.next() {
        if let Some(heading) = line.strip_prefix("## ") {
            cases.push(Case { heading: heading.to_owned(), files: Vec::new() });
        } else if line.starts_with("```py") {
            let mut text = String::new();
            let mut start = None;
            for (number, line) in lines.by_ref() {
                if line.starts_with("```") {
                    break;
                }
                start.get_or_insert(number);
                text.push_str(line);
                text.push('\n');
            }
            let first = text.lines().next().unwrap_or_default();
            let path = first.strip_prefix("# file: ").unwrap_or("main.py").trim().to_owned();
            let case = cases.last_mut().expect("a block of Python before the first heading");
            case.files.push(File { path, text, line: start.unwrap_or_default() });
        }
    }
    cases
}

impl Case {
    /// `/w`, and the first folder of each path that begins at the root.
    fn roots(&self) -> Vec<PathBuf> {
        let others = self.files.iter().filter_map(|file| file.path.strip_prefix('/')?.split('/').next());
        let others: BTreeSet<PathBuf> = others.map(|folder| Path::new("/").join(folder)).collect();
        std::iter::once(PathBuf::from("/w")).chain(others).collect()
    }

    fn check(&self, spec: &Path, failures: &mut String) -> usize {
        let mut host = AnalysisHost::new(self.roots());
        let mut change = Change::default();
        for file in &self.files {
            change.set(absolute(&file.path), file.text.as_str());
        }
        host.apply(change);
        host.apply_flow(host.analysis().solve_flow());
        let analysis = host.analysis();
        let mut checks = 0;
        for file in &self.files {
            for (index, line) in file.text.lines().enumerate() {
                for (key, expected, is_gap) in expectations(line) {
                    checks += 1;
                    let actual = actual(&analysis, &file.path, index as u32, key);
                    // A reason is a sentence, with commas of its own.
                    let names = expected.split(|c| c == ',' && key != "unresolved");
                    let expected: BTreeSet<String> =
                        names.map(|name| name.trim().to_owned()).filter(|name| name != "-").collect();
                    // A gap that is closed has to be stated as understood.
                    if (actual != expected) != is_gap {
                        let name = spec.file_name().unwrap_or_default().to_string_lossy();
                        let place = file.line + index + 1;
                        writeln!(
                            failures,
                            "{name}:{place} ({}): {key}: expected {expected:?}, the graph says {actual:?}\n    {line}",
                            self.heading
                        )
                        .unwrap();
                    }
                }
            }
        }
        checks
    }
}

/// What a line's comment states: the key, what is expected, and whether it is known not to be so yet.
fn expectations(line: &str) -> Vec<(&str, &str, bool)> {
    let Some((_, comment)) = line.split_once("# ") else { return Vec::new() };
    let parts = comment.split(';').filter_map(|part| part.split_once(": "));
    parts
        .map(|(key, expected)| (key.trim(), expected.trim()))
        .map(|(key, expected)| (key.trim_end_matches('?'), expected, key.ends_with('?')))
        .filter(|(key, ..)| matches!(*key, "calls" | "implies" | "kind" | "confidence" | "imports" | "unresolved"))
        .collect()
}

fn absolute(path: &str) -> PathBuf {
    Path::new("/w").join(path)
}

fn actual(analysis: &Analysis, path: &str, line: u32, key: &str) -> BTreeSet<String> {
    let file = analysis.file(&absolute(path)).unwrap();
    let source = analysis.source(file);
    let on_line = |range: syntax::TextRange| source.lines().line(range.start()) == line;
    match key {
        "imports" => {
            let imports = analysis.imports(file).into_iter().filter(|import| on_line(import.range));
            imports
                .filter_map(|import| match import.kind {
                    ImportKind::Module(module) => Some(analysis.module_name(module).to_owned()),
                    ImportKind::Namespace(name) => Some(name),
                    ImportKind::External | ImportKind::Unresolved { .. } => None,
                })
                .collect()
        }
        "unresolved" => {
            let unresolved = analysis.symbols(file).into_iter().flat_map(|caller| analysis.unresolved_calls(caller));
            unresolved.filter(|(range, _)| on_line(*range)).map(|(_, reason)| reason.to_string()).collect()
        }
        _ => {
            let mut found = BTreeSet::new();
            for caller in analysis.symbols(file) {
                let implied = analysis.implied_callees(caller).into_iter().map(|call| (call, true));
                let written = analysis.callees(caller).into_iter().map(|call| (call, false));
                for (call, implied) in written.chain(implied) {
                    for site in call.sites.iter().filter(|site| on_line(site.range)) {
                        // What iterates is seen in the text, but no call is written.
                        let is_written = !implied && site.kind != EdgeKind::Iteration;
                        match key {
                            "calls" if is_written => found.insert(analysis.symbol(call.other).qualified_name()),
                            "implies" if !is_written => found.insert(analysis.symbol(call.other).qualified_name()),
                            "kind" if !is_written => found.insert(site.kind.as_str().to_owned()),
                            "confidence" if is_written => found.insert(format!("{:?}", site.confidence).to_lowercase()),
                            _ => false,
                        };
                    }
                }
            }
            found
        }
    }
}

//! A rename leaves the graph as it was, but for the name.
//!
//! The packages are those of Python's own library, which nobody wrote with this in mind.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use graph::{Analysis, AnalysisHost, Change, SymbolKind};
use syntax::{TextEdit, apply_edits};

const PACKAGES: &[&str] = &["json", "email", "unittest", "logging", "concurrent"];

/// One in so many definitions is renamed, and its last parameter.
const STEP: usize = 131;

/// A name that nothing has.
const NEW: &str = "renamed_for_the_test";

fn library() -> AnalysisHost {
    let output = Command::new("python3").args(["-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"]).output();
    let output = output.expect("python3 is needed for its library, which serves as a corpus");
    let root = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    let mut host = AnalysisHost::new(vec![root.clone()]);
    for package in PACKAGES {
        let (change, _) = graph::load(&graph::discover(&root.join(package)).files, &|_| ());
        host.apply(change);
    }
    host
}

/// What depends on what, without places.
fn shape(analysis: &Analysis) -> String {
    let mut out = String::new();
    let name = |id| analysis.symbol(id).qualified_name();
    for file in analysis.files() {
        writeln!(out, "{} {:?}", analysis.module_name(file), analysis.syntax_errors(file)).unwrap();
        for (_, undefined) in analysis.undefined_names(file) {
            writeln!(out, "  undefined {undefined}").unwrap();
        }
        for member in analysis.missing_members(file) {
            writeln!(out, "  missing {} of {}", member.name, name(member.receiver)).unwrap();
        }
        for call in analysis.incompatible_calls(file) {
            writeln!(out, "  incompatibility {} {}", name(call.callee), call.message).unwrap();
        }
        for import in analysis.imports(file) {
            writeln!(out, "  {:?}", std::mem::discriminant(&import.kind)).unwrap();
        }
        for id in analysis.symbols(file) {
            writeln!(out, "  {:?} {}", analysis.symbol(id).kind, name(id)).unwrap();
            let bases = analysis.bases(id).into_iter().map(|base| format!("inherits {}", name(base)));
            let callees = analysis.callees(id).into_iter().chain(analysis.implied_callees(id));
            let callees =
                callees.map(|call| format!("{:?} {} × {}", call.confidence, name(call.other), call.sites.len()));
            let external = analysis.external_calls(id).into_iter().map(|(_, callee)| format!("leaves to {callee}"));
            let unresolved = analysis.unresolved_calls(id).into_iter();
            let unresolved = unresolved.map(|(_, reason)| format!("unresolved: {reason}"));
            for line in bases.chain(callees).chain(external).chain(unresolved) {
                writeln!(out, "    {line}").unwrap();
            }
        }
    }
    out
}

#[test]
fn a_rename_leaves_the_graph_as_it_was() {
    let host = library();
    let analysis = host.analysis();
    let before = shape(&analysis);
    let symbols: Vec<_> = analysis.files().flat_map(|file| analysis.symbols(file)).collect();
    let (mut renamed, mut refused) = (0, 0);
    let sampled = symbols.iter().step_by(STEP).filter(|&&symbol| {
        let view = analysis.symbol(symbol);
        !matches!(view.kind, SymbolKind::Module | SymbolKind::Lambda) && !view.name.starts_with("__")
    });
    let places = sampled.flat_map(|&symbol| {
        let view = analysis.symbol(symbol);
        let param = view.params.last().map(|param| (symbol.file, param.range, param.name.as_str()));
        [Some((symbol.file, view.name_range, view.name)), param].into_iter().flatten()
    });
    for (file, range, old) in places {
        let place = format!("{old} in {}", analysis.path(file).display());
        let rename = match ide::rename(&analysis, file, range.start(), NEW, false) {
            Ok(rename) => rename,
            Err(reason) => {
                println!("{place}: {reason}");
                refused += 1;
                continue;
            }
        };
        renamed += 1;
        let mut texts = Change::default();
        for file in analysis.files() {
            let edits = rename.edits.iter().filter(|edit| edit.file == file).map(|edit| edit.edit.clone());
            let edits: Vec<TextEdit> = edits.collect();
            if !edits.is_empty() {
                let text = apply_edits(analysis.source(file).text(), &edits).expect("no edits overlap");
                texts.set(Path::new(analysis.path(file)), text.as_str());
            }
        }
        let mut after = host.clone();
        after.apply(texts);
        let shape = shape(&after.analysis()).replace(NEW, old);
        if let Some((was, is)) = before.lines().zip(shape.lines()).find(|(was, is)| was != is) {
            panic!("after renaming {place}:\n  it was {was}\n  it is  {is}");
        }
    }
    println!("{renamed} were renamed, {refused} were not");
    assert!(renamed > refused / 4, "{renamed} were renamed, {refused} were not");
}

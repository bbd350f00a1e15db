//! What holds for every action at every place: real code, all kinds of selections.

mod layouts;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use graph::{Analysis, AnalysisHost, Change};
use syntax::ast::comparable::ComparableStmt;
use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{Expr, Stmt};
use syntax::{Ranged, TextRange, TextSize, apply_edits, parse};

use super::place::child_bodies;
use super::{Action, Edit, Lint, REWRITES, Request, Wanted, action};

/// The files of a workspace that people look at, and some with odd layouts.
pub(super) fn files() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/workspaces/shop");
    let mut files = Vec::new();
    let mut pending = vec![root.clone()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|it| it == "py") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((Path::new("/").join(path.strip_prefix(&root).unwrap()), text));
            }
        }
    }
    files.sort();
    let odd = "async def f(a, *b, c=1, **d):\r\n\tasync with a as x, b[0] as y:\r\n\t\tawait x(y); z = [i async for i in x if (w := i)]\r\n\t\treturn (yield_ := lambda q, *r: (q, r, z, w)) if c else f'{a!r:>{c}}'\r\n\tmatch a:\r\n\t\tcase [1, *rest] if rest: pass\r\n\t\tcase {'k': v, **more}: print(v, more)\r\n\ttry: x = 1; y = 2\r\n\texcept* E as e: raise\r\n\telse: del x\r\n\tfinally: c += 1\r\n\treturn x";
    files.push(("/odd.py".into(), odd.to_owned()));
    files
}

pub(super) fn analysis(files: &[(PathBuf, String)]) -> Analysis {
    host(files).analysis()
}

fn host(files: &[(PathBuf, String)]) -> AnalysisHost {
    let mut change = Change::default();
    for (path, text) in files {
        change.set(path.clone(), Arc::from(text.as_str()));
    }
    let mut host = AnalysisHost::new(vec![PathBuf::from("/")]);
    host.apply(change);
    host
}

/// Expressions, and runs of up to three statements.
fn selections(text: &str) -> Vec<TextRange> {
    struct All(Vec<TextRange>);
    impl<'a> Visitor<'a> for All {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            child_bodies(stmt).into_iter().for_each(|body| self.runs(body));
            walk_stmt(self, stmt);
        }
        fn visit_expr(&mut self, expr: &'a Expr) {
            self.0.push(expr.range());
            walk_expr(self, expr);
        }
    }
    impl All {
        fn runs(&mut self, body: &[Stmt]) {
            for count in 1..=3 {
                self.0.extend(body.windows(count).map(|run| TextRange::new(run[0].start(), run[count - 1].end())));
            }
        }
    }
    let parsed = parse(text);
    let mut all = All(Vec::new());
    all.runs(parsed.statements());
    all.visit_body(parsed.statements());
    all.0
}

fn actions(analysis: &Analysis, path: &Path, range: TextRange, before: Option<&str>) -> Vec<Action> {
    let file = analysis.file(path).unwrap();
    let (lint, project) = (Lint::default(), ide::Project::default());
    let request = Request { file, range, before: before.map(Arc::from), lint, project: &project, wanted: Wanted::All };
    action::run(REWRITES, analysis, &request)
}

/// Whatever is offered can be applied, and leaves Python behind.
#[track_caller]
fn check(analysis: &Analysis, path: &Path, range: TextRange, before: Option<&str>) -> usize {
    let mut ready = 0;
    for action in actions(analysis, path, range, before) {
        match &action.edit {
            Edit::Refused(reason) => {
                assert!(!reason.contains("would not be Python"), "{}: {reason} at {range:?}", action.title);
            }
            Edit::Later => panic!("all was asked for"),
            Edit::Ready(change) => {
                ready += 1;
                for file in &change.created {
                    assert!(!parse(&file.text).has_errors(), "{}: {}", action.title, file.text);
                }
            }
        }
    }
    ready
}

#[test]
fn nothing_breaks_a_file() {
    let files = files();
    let analysis = analysis(&files);
    let mut ready = 0;
    for (path, text) in &files {
        let parsed = parse(text);
        for token in parsed.tokens().iter().step_by(5) {
            ready += check(&analysis, path, TextRange::empty(token.start()), None);
        }
        for range in selections(text).into_iter().step_by(4) {
            ready += check(&analysis, path, range, None);
        }
    }
    assert!(ready > 500, "only {ready} edits were made");
}

#[test]
fn no_selection_is_too_odd() {
    let files = files();
    let analysis = analysis(&files);
    for (path, text) in &files {
        let boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).step_by(97).collect();
        for pair in boundaries.windows(3).step_by(3) {
            let range = TextRange::new(TextSize::new(pair[0] as u32), TextSize::new(pair[2] as u32));
            check(&analysis, path, range, Some(&text[..pair[1]]));
        }
    }
}

#[test]
fn a_variable_that_is_extracted_and_inlined_leaves_no_trace() {
    let tree = |text: &str| {
        let parsed = parse(text);
        format!("{:?}", parsed.statements().iter().map(ComparableStmt::from).collect::<Vec<_>>())
    };
    let (mut there, mut back) = (0, 0);
    for (path, text) in files() {
        let alone = analysis(&[(path.clone(), text.clone())]);
        for range in selections(&text).into_iter().step_by(6) {
            let edits = |analysis: &Analysis, range, id: &str| {
                let found = actions(analysis, &path, range, None).into_iter().find(|action| action.id == id)?;
                let Edit::Ready(change) = found.edit else { return None };
                let name = found.title.split('`').nth(1)?.to_owned();
                Some((name, change.edits.files[0].edits.clone()))
            };
            let Some((name, extracted)) = edits(&alone, range, "extract-variable") else { continue };
            there += 1;
            let after = apply_edits(&text, &extracted).unwrap();
            let at = after.find(&format!("{name} = ")).unwrap();
            let now = analysis(&[(path.clone(), after.clone())]);
            let cursor = TextRange::empty(TextSize::new(at as u32));
            // At a module's level, or where order matters, it stays.
            let Some((_, inlined)) = edits(&now, cursor, "inline-variable") else { continue };
            back += 1;
            let again = apply_edits(&after, &inlined).unwrap();
            assert_eq!(tree(&again), tree(&text), "{}\n{after}\n{again}", path.display());
        }
    }
    assert!(there > 100 && back > 30, "{there} there and {back} back");
}

#[test]
fn nothing_is_found_wrong_that_was_not_before() {
    let files = files();
    let host = host(&files);
    let wrong = |analysis: &Analysis| {
        let project = ide::Project::default();
        let found = analysis.files().flat_map(|file| ide::diagnostics(analysis, &project, file));
        let found = found.filter(|it| it.severity <= ide::Severity::Warning);
        found.map(|it| format!("{}: {}", it.code.as_str(), it.message)).collect::<Vec<_>>()
    };
    let before = host.analysis();
    let wrong_before = wrong(&before);
    let mut tried = 0;
    for (path, text) in &files {
        let parsed = parse(text);
        let places = parsed.tokens().iter().map(|token| TextRange::empty(token.start())).step_by(43);
        for range in places.chain(selections(text).into_iter().step_by(13)) {
            for action in actions(&before, path, range, None) {
                let Edit::Ready(edit) = action.edit else { continue };
                let mut change = Change::default();
                for file in &edit.edits.files {
                    let text = before.source(before.file(&file.path).unwrap()).text();
                    change.set(file.path.clone(), Arc::from(apply_edits(text, &file.edits).unwrap()));
                }
                for file in &edit.created {
                    change.set(file.path.clone(), Arc::from(file.text.as_str()));
                }
                let mut other = host.clone();
                other.apply(change);
                tried += 1;
                let mut left = wrong_before.clone();
                let added: Vec<String> = wrong(&other.analysis())
                    .into_iter()
                    .filter(|it| match left.iter().position(|known| known == it) {
                        Some(at) => {
                            left.swap_remove(at);
                            false
                        }
                        None => true,
                    })
                    .collect();
                assert!(added.is_empty(), "{} of {:?} in {}: {added:?}", action.title, &text[range], path.display());
            }
        }
    }
    assert!(tried > 100, "only {tried} edits were made");
}

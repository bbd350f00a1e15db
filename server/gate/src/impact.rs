//! What a change touches, beside what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use graph::{Analysis, Change, FileId, ImportKind};
use ide::Earlier;
use serde::Serialize;
use toml::{Table, Value};

use crate::changes::{Changed, Changes, added_lines, shown};
use crate::judge::{State, before};

/// Definitions that are looked at on the way to tests.
const EFFORT: ide::Effort = ide::Effort::thorough(5_000);

/// What a change touches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Impact {
    /// The definitions that differ, those that most depends on first.
    pub touched: Vec<Touched>,
    /// Calls and imports that did not fit before and do now.
    pub fixed: Vec<Fixed>,
    /// What the project needs that it did not need before, each with the file that says so.
    pub dependencies: Vec<String>,
}

/// A definition that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Touched {
    pub symbol: String,
    pub path: String,
    /// Counted from 1.
    pub line: u32,
    pub callers: usize,
    pub tests: usize,
    /// Otherwise the numbers are lower bounds.
    pub complete: bool,
}

/// Something that fits again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fixed {
    pub path: String,
    /// In the text before the change, counted from 1.
    pub line: u32,
    pub message: String,
}

/// Looks at what `changes` touch. Takes as long as analysing the changed files, before and after.
pub fn impact(state: &State, changes: &Changes) -> Impact {
    let python: Vec<Changed> = changes.files.iter().filter(|file| graph::is_python(&file.path)).cloned().collect();
    let host = before(state, &python);
    let then = host.analysis();
    let mut change = Change::default();
    let mut earlier: Vec<Earlier> = Vec::new();
    for file in &python {
        match &file.after {
            Some(after) => change.set(file.path.clone(), after.clone()),
            None => change.remove(file.path.clone()),
        }
        if let Some(from) = &file.renamed_from {
            change.remove(from.clone());
        }
        earlier.push((file.path.clone(), file.before.clone()));
    }
    let mut host = host;
    host.apply(change);
    let now = host.analysis();
    let mut touched: Vec<Touched> = ide::changes(&now, &earlier)
        .symbols
        .into_iter()
        .map(|symbol| {
            let (view, reach) = (now.symbol(symbol), ide::tests_reaching(&now, symbol, EFFORT));
            Touched {
                symbol: view.qualified_name(),
                path: shown(&state.root, now.path(symbol.file)),
                line: now.source(symbol.file).line_number(view.name_range.start()),
                callers: now.callers(symbol).len(),
                tests: reach.tests.len(),
                complete: reach.complete,
            }
        })
        .collect();
    touched.sort_by(|a, b| (b.callers, b.tests, &a.path, a.line).cmp(&(a.callers, a.tests, &b.path, b.line)));
    Impact { touched, fixed: fixed(state, &python, &then, &now), dependencies: dependencies(state, changes) }
}

/// What was wrong in the changed files and in those that import them, and is no more.
fn fixed(state: &State, files: &[Changed], then: &Analysis, now: &Analysis) -> Vec<Fixed> {
    let mut looked_at: BTreeSet<FileId> = BTreeSet::new();
    for file in files.iter().filter_map(|file| then.file(&file.path)) {
        looked_at.insert(file);
        looked_at.extend(then.importers(file));
    }
    for file in files.iter().filter_map(|file| now.file(&file.path)) {
        let importers = now.importers(file).into_iter();
        looked_at.extend(importers.filter_map(|importer| then.file(now.path(importer))));
    }
    let mut fixed = Vec::new();
    for file in looked_at {
        // What is gone with its file fits nowhere.
        let Some(later) = now.file(then.path(file)) else { continue };
        let mut left: BTreeMap<String, usize> = BTreeMap::new();
        for (_, message) in problems(now, later) {
            *left.entry(message).or_default() += 1;
        }
        for (line, message) in problems(then, file) {
            match left.get_mut(&message).filter(|count| **count > 0) {
                Some(count) => *count -= 1,
                None => fixed.push(Fixed { path: shown(&state.root, then.path(file)), line, message }),
            }
        }
    }
    fixed.sort();
    fixed
}

fn problems(analysis: &Analysis, file: FileId) -> Vec<(u32, String)> {
    let line = |range: syntax::TextRange| analysis.source(file).line_number(range.start());
    let calls = analysis.incompatible_calls(file).into_iter().map(|it| (line(it.range), it.message));
    let names = analysis.undefined_names(file).into_iter();
    let names = names.map(|(range, name)| (line(range), format!("`{name}` is not defined")));
    let imports = analysis.imports(file).into_iter().filter(|it| matches!(it.kind, ImportKind::Unresolved { .. }));
    let imports = imports.map(|it| (line(it.range), format!("`{}` finds nothing", it.text)));
    calls.chain(names).chain(imports).collect()
}

/// Requirements that are new in files that list them.
fn dependencies(state: &State, changes: &Changes) -> Vec<String> {
    let mut found = Vec::new();
    for file in &changes.files {
        let path = shown(&state.root, &file.path);
        let (before, after) = (text(file.before.as_ref()), text(file.after.as_ref()));
        let name = file.path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
        let new: Vec<String> = match name {
            "pyproject.toml" => {
                let known = listed(before);
                listed(after).into_iter().filter(|it| !known.contains(it)).collect()
            }
            _ if name.contains("requirements")
                && Path::new(name).extension().is_some_and(|it| it == "txt" || it == "in") =>
            {
                let added = added_lines(before, after);
                let is_requirement = |line: &&str| !line.is_empty() && !line.starts_with(['#', '-']);
                added.lines().map(str::trim).filter(is_requirement).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        found.extend(new.into_iter().map(|it| format!("{it} ({path})")));
    }
    found
}

fn text(text: Option<&Arc<str>>) -> &str {
    text.map_or("", |text| text)
}

/// The requirements that a pyproject.toml lists, wherever it does.
fn listed(text: &str) -> BTreeSet<String> {
    let Ok(table) = text.parse::<Table>() else { return BTreeSet::new() };
    let mut found = BTreeSet::new();
    let strings = |value: Option<&Value>| -> Vec<String> {
        let items = value.and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let project = table.get("project").and_then(Value::as_table);
    found.extend(strings(project.and_then(|it| it.get("dependencies"))));
    let groups = [project.and_then(|it| it.get("optional-dependencies")), table.get("dependency-groups")];
    for group in groups.into_iter().flatten().filter_map(Value::as_table) {
        group.values().for_each(|value| found.extend(strings(Some(value))));
    }
    let poetry = table.get("tool").and_then(|it| it.get("poetry")).and_then(|it| it.get("dependencies"));
    if let Some(poetry) = poetry.and_then(Value::as_table) {
        found.extend(poetry.keys().filter(|name| *name != "python").cloned());
    }
    found
}

#[cfg(test)]
mod tests {
    use graph::AnalysisHost;
    use workspace::lints::{Lints, RuffChoice};

    use super::*;

    #[test]
    fn what_is_touched_fixed_and_needed() {
        let root = std::path::PathBuf::from("/w");
        let (old, new) = ("def f(a, b): ...\n", "def f(a): ...\n");
        let mut host = AnalysisHost::new(vec![root.clone()]);
        let mut change = Change::default();
        change.set("/w/a.py", new);
        change.set("/w/b.py", "from a import f\n\ndef g():\n    f(1)\n");
        host.apply(change);
        let lints = Arc::new(Lints::new(RuffChoice::Off, &[]));
        let state = State { root, host, unsaved: Vec::new(), lints, project: Arc::default() };
        let file = |path: &str, before: &str, after: &str| Changed {
            path: path.into(),
            before: Some(Arc::from(before)),
            after: Some(Arc::from(after)),
            renamed_from: None,
        };
        let files = vec![
            file("/w/a.py", old, new),
            file(
                "/w/pyproject.toml",
                "[project]\ndependencies = [\"x\"]\n",
                "[project]\ndependencies = [\"x\", \"y>1\"]\n",
            ),
            file("/w/requirements.txt", "a\n", "a\n# no\nb==1\n"),
        ];
        let impact = impact(&state, &Changes { files, ..Changes::default() });
        assert_eq!(impact.touched.iter().map(|it| (it.symbol.as_str(), it.callers)).collect::<Vec<_>>(), [("a.f", 1)]);
        assert_eq!(impact.fixed.iter().map(|it| (it.path.as_str(), it.line)).collect::<Vec<_>>(), [("b.py", 4)]);
        assert_eq!(impact.dependencies, ["y>1 (pyproject.toml)", "b==1 (requirements.txt)"]);
    }
}

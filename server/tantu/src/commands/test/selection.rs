//! Which tests to run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use graph::{Analysis, FileId};
use ide::{Affected, AffectedTest, node_id};
use runs::affected::{Chosen, choose};
use runs::selection::{may_have_tests, tests_in};

use super::Arguments;
use crate::output::warn;
use crate::workspace::{Workspace, existing};

/// What to run, and why.
pub(super) struct Selection {
    /// As pytest names them, in the order in which they are to run.
    pub(super) targets: Vec<String>,
    /// The files of the targets.
    pub(super) files: Vec<FileId>,
    /// About how many tests these are; parametrized ones count as one.
    pub(super) tests: usize,
    /// How many of these to run before the others.
    pub(super) likeliest: usize,
    pub(super) affected: Option<Affected>,
    /// What the change is a change from, as it is reported.
    pub(super) since: String,
    /// If they all pass, all tests of the workspace do.
    pub(super) is_decisive: bool,
}

impl Selection {
    /// Leaves out all targets that are not of `files`.
    pub(super) fn keep(&mut self, analysis: &Analysis, root: &Path, files: &[FileId]) {
        let paths: BTreeSet<String> =
            files.iter().map(|&file| node_id(analysis, root, analysis.module(file))).collect();
        self.targets.retain(|target| paths.contains(target.split("::").next().unwrap_or_default()));
        self.files.retain(|file| files.contains(file));
    }
}

/// Reads the workspace and chooses.
///
/// # Errors
/// When a path does not exist, when no path has tests, and when git does not know the revision.
pub(super) fn of(arguments: &Arguments) -> anyhow::Result<(Workspace, Selection)> {
    let named: Vec<(PathBuf, Vec<&str>)> = arguments.paths.iter().map(|path| named(path)).collect();
    let paths: Vec<PathBuf> = named.iter().map(|(path, _)| path.clone()).collect();
    let (mut workspace, files) = Workspace::around_links(&paths)?;
    let selection = match arguments.affected {
        true => affected(&mut workspace, &files, arguments.since.as_deref(), arguments.paths.is_empty())?,
        false => all(&workspace, &files, &named)?,
    };
    Ok((workspace, selection))
}

/// `tests/test_a.py::TestB::test_c` is a path and the names in the file.
fn named(target: &str) -> (PathBuf, Vec<&str>) {
    let mut parts = target.split("::");
    (parts.next().unwrap_or_default().into(), parts.collect())
}

fn all(workspace: &Workspace, files: &[FileId], named: &[(PathBuf, Vec<&str>)]) -> anyhow::Result<Selection> {
    let analysis = &workspace.analysis;
    let id = |file: FileId| node_id(analysis, &workspace.root, analysis.module(file));
    let mut selection = Selection {
        targets: Vec::new(),
        files: Vec::new(),
        tests: 0,
        likeliest: 0,
        affected: None,
        since: String::new(),
        is_decisive: false,
    };
    let mut partly: BTreeSet<FileId> = BTreeSet::new();
    let mut without: Vec<String> = Vec::new();
    for (path, names) in named.iter().filter(|(_, names)| !names.is_empty()) {
        let file = workspace.file(path)?;
        partly.insert(file);
        selection.targets.push(names.iter().fold(id(file), |id, name| format!("{id}::{name}")));
        selection.files.push(file);
        selection.tests += 1;
    }
    let whole = named.iter().filter(|(_, names)| names.is_empty()).map(|(path, _)| existing(path));
    let whole: Vec<PathBuf> = whole.collect::<anyhow::Result<_>>()?;
    let is_whole = |file: FileId| named.is_empty() || whole.iter().any(|path| analysis.path(file).starts_with(path));
    for &file in files.iter().filter(|&&file| is_whole(file)) {
        let tests = tests_in(analysis, file);
        if tests > 0 || may_have_tests(analysis, file) {
            selection.targets.push(id(file));
            selection.files.push(file);
            selection.tests += tests;
        } else if whole.iter().any(|path| path == analysis.path(file)) {
            without.push(workspace.shown(file));
        }
    }
    // Others that are named with it have some.
    match selection.targets.is_empty() {
        true if !without.is_empty() => anyhow::bail!("{} has no tests", without.join(", ")),
        _ => without.iter().for_each(|file| warn(format!("{file} has no tests"))),
    }
    let all = analysis.files().filter(|&file| tests_in(analysis, file) > 0);
    selection.is_decisive = partly.is_empty() && all.into_iter().all(|file| selection.files.contains(&file));
    Ok(selection)
}

fn affected(
    workspace: &mut Workspace,
    files: &[FileId],
    revision: Option<&str>,
    is_everywhere: bool,
) -> anyhow::Result<Selection> {
    workspace.apply_flow();
    let Some(Chosen { mut affected, likeliest, since }) = choose(&workspace.state(), revision)? else {
        let mut selection = all(workspace, files, &[])?;
        selection.since = "outside of git nothing says what has changed: all tests".to_owned();
        return Ok(selection);
    };
    let (analysis, root) = (&workspace.analysis, &workspace.root);
    affected.tests.retain(|AffectedTest { test, .. }| files.contains(&test.file));
    let likeliest = likeliest.min(affected.tests.len());
    let mut found: Vec<FileId> = Vec::new();
    for it in &affected.tests {
        if !found.contains(&it.test.file) {
            found.push(it.test.file);
        }
    }
    Ok(Selection {
        targets: affected.tests.iter().map(|it| node_id(analysis, root, it.test)).collect(),
        files: found,
        tests: affected.tests.len(),
        likeliest,
        affected: Some(affected),
        since: format!("since {since}"),
        is_decisive: is_everywhere && revision.is_none(),
    })
}

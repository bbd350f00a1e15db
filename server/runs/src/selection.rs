//! Which files have tests, and which of them cannot be run in the sandbox.

use std::path::Path;

use graph::{Analysis, FileId};
use ide::{Needs, Runnable, RunnableKind};
use lint::Availability;

/// The tests that pytest would collect in a file, functions only.
pub fn tests_in(analysis: &Analysis, file: FileId) -> usize {
    let is_test = |it: &&Runnable| it.kind == RunnableKind::Pytest && it.target.is_some();
    let runnables = ide::runnables(analysis, file);
    let names: Vec<&str> = runnables.iter().filter(is_test).filter_map(|it| it.target.as_deref()).collect();
    // A class is counted with its methods.
    let is_inner =
        |name: &&&str| !names.iter().any(|other| other.strip_prefix(**name).is_some_and(|it| it.starts_with('.')));
    names.iter().filter(is_inner).count()
}

/// Whether a plugin may find tests in a file in which pytest alone would find none: a method of some class is called as tests are.
pub fn may_have_tests(analysis: &Analysis, file: FileId) -> bool {
    let is_test = |line: &str| {
        let line = line.trim_start();
        line.strip_prefix("async ").unwrap_or(line).starts_with("def test")
    };
    graph::is_test_file(analysis.path(file)) && analysis.source(file).text().lines().any(is_test)
}

/// The files of the folder that have tests, in the order of their paths.
pub fn files_with_tests(analysis: &Analysis, root: &Path) -> Vec<FileId> {
    let has_tests = |file: &FileId| analysis.path(*file).starts_with(root) && tests_in(analysis, *file) > 0;
    let mut files: Vec<FileId> = analysis.files().filter(has_tests).collect();
    files.sort_by_key(|file| analysis.path(*file));
    files
}

/// Files that can be run here, and those that cannot, with what they need.
pub struct Runnability {
    pub runnable: Vec<FileId>,
    pub left_out: Vec<(FileId, Needs)>,
}

/// The files whose tests are others in the sandbox than elsewhere, for what they try to import is not there.
pub fn told_apart(analysis: &Analysis, files: &[FileId], availability: impl Fn(&str) -> Availability) -> Vec<FileId> {
    let differs = |file: &FileId| ide::tries_in_vain(analysis, &[*file], &availability);
    files.iter().copied().filter(differs).collect()
}

/// Sorts `files` by whether what each of them `needs` is there.
pub fn runnability(files: &[FileId], needs: impl Fn(&[FileId]) -> Needs) -> Runnability {
    let mut found = Runnability { runnable: Vec::new(), left_out: Vec::new() };
    // Looked for file by file only where there is something to be found.
    if needs(files).obstacles.is_empty() {
        found.runnable = files.to_vec();
        return found;
    }
    for &file in files {
        let of_file = needs(&[file]);
        match of_file.obstacles.is_empty() {
            true => found.runnable.push(file),
            false => found.left_out.push((file, of_file)),
        }
    }
    found
}

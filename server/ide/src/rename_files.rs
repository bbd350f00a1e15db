//! Imports, when files and folders get other names or places.
//!
//! Every import that leads to a moved module, and every relative import in a moved file, is written anew for where things
//! are afterwards; names by which the code uses a module follow. What a package re-exports keeps its name.

mod statements;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use graph::{Analysis, FileId, Name};
use rustc_hash::FxHashMap;
use syntax::{TextEdit, TextSize};

use crate::tree::with_tree;

/// The edits that keep imports working when files or folders are moved: pairs of an old and a new absolute path. They are
/// for the texts as they are now, in the files' old places; sorted by path and offset.
pub fn import_edits(analysis: &Analysis, moves: &[(PathBuf, PathBuf)]) -> Vec<(FileId, TextEdit)> {
    let moved = Moved::new(analysis, moves);
    let mut found = Vec::new();
    if moved.files.is_empty() {
        return found;
    }
    for file in analysis.files() {
        if !moved.concerns(file) {
            continue;
        }
        let text = analysis.source(file).text();
        let edits = with_tree(text, |parsed| statements::edits(&moved, file, parsed)).unwrap_or_default();
        let mut edits: Vec<TextEdit> = edits;
        edits.sort_by_key(|edit| (edit.range.start(), Reverse(edit.range.end())));
        // `a` inside of `a.b`, which is written anew as a whole.
        let mut done = TextSize::new(0);
        edits.retain(|edit| {
            let is_outside = edit.range.start() >= done;
            done = done.max(edit.range.end());
            is_outside
        });
        found.extend(edits.into_iter().map(|edit| (file, edit)));
    }
    found
}

/// Where modules are before and after.
struct Moved<'a> {
    analysis: &'a Analysis,
    /// The dotted names of all modules afterwards.
    after: FxHashMap<FileId, Name>,
    /// Files with another name, and files in moved folders.
    files: Vec<FileId>,
}

impl<'a> Moved<'a> {
    fn new(analysis: &'a Analysis, moves: &[(PathBuf, PathBuf)]) -> Self {
        let place = |path: &'a Path| -> Cow<'a, Path> {
            let by = moves.iter().find_map(|(old, new)| Some((path.strip_prefix(old).ok()?, new)));
            match by {
                Some((rest, new)) if rest.as_os_str().is_empty() => Cow::Owned(new.clone()),
                Some((rest, new)) => Cow::Owned(new.join(rest)),
                None => Cow::Borrowed(path),
            }
        };
        let after = analysis.module_names_at(place);
        let is_moved = |file: &FileId| after.get(file).is_some_and(|name| name.as_str() != analysis.module_name(*file));
        let files = analysis.files().filter(is_moved).collect();
        Moved { analysis, after, files }
    }

    /// Whether a file has anything to do with what is moved.
    fn concerns(&self, file: FileId) -> bool {
        self.files.contains(&file)
            || self.analysis.imports(file).iter().any(|import| {
                let parts = import.text.split(|c: char| !c.is_alphanumeric() && c != '_');
                let mut last = parts.filter(|part| !part.is_empty());
                // Names are cheap to compare; what they mean is looked at later.
                last.any(|part| self.files.iter().any(|&moved| self.mentions(moved, part)))
            })
    }

    fn mentions(&self, file: FileId, part: &str) -> bool {
        self.analysis.module_name(file).split('.').any(|other| other == part)
    }

    /// The dotted name of a module afterwards.
    fn file_after(&self, file: FileId) -> &'static str {
        self.after.get(&file).map_or("", |name| name.as_str())
    }

    /// The dotted name that a module, package or namespace package of this name has afterwards.
    fn name_after(&self, name: &str, file: Option<FileId>) -> String {
        if let Some(file) = file {
            return self.file_after(file).to_owned();
        }
        // A folder without a module is where what is in it is.
        for &moved in &self.files {
            let before = self.analysis.module_name(moved);
            if let Some(inside) = before.strip_prefix(name).filter(|inside| inside.starts_with('.'))
                && let Some(folder) = self.file_after(moved).strip_suffix(inside)
            {
                return folder.to_owned();
            }
        }
        name.to_owned()
    }
}

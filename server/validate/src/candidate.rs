//! An edit that has not been checked yet, and its place in the texts before and after.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use graph::Analysis;
use syntax::{FileEdit, SourceChange, TextEdit, TextRange, TextSize, apply_edits};

/// An edit that somebody proposes, and what it was asked to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What it is for, in a few words: "Implement function `shop.cart.total`".
    pub title: String,
    pub change: SourceChange,
    pub scope: Scope,
    /// The code of the linter's finding that it is to mend.
    pub fixes_code: Option<String>,
    pub behaviour: Behaviour,
    /// What the tests that it writes are of: an absolute path, and a range in the text before the edit. Each of them has to
    /// fail for a mutant of it.
    pub tested: Option<(PathBuf, TextRange)>,
    /// Absolute paths of the files that it takes away.
    pub removed: Vec<PathBuf>,
}

/// What an edit may do to the answers of the functions that it edits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// Whatever is asked for.
    #[default]
    Any,
    /// Nobody has said what it is for. As any; but tests that failed in the same way before are no fault of it.
    Unknown,
    /// It may change, and where it does is told.
    ReportChanges,
    /// It must stay as it is.
    Preserve,
}

/// Where a candidate may edit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Absolute paths, and byte ranges in the texts before the edit. A file that is to be made has the empty range at 0.
    pub places: Vec<(PathBuf, TextRange)>,
    /// Absolute: where files may be made, whatever they are called.
    pub folder: Option<PathBuf>,
    /// Whether import statements may be added in the same files outside the places too.
    pub imports: bool,
}

impl Behaviour {
    /// Whether functions are run beside what they were.
    pub(crate) fn is_compared(self) -> bool {
        matches!(self, Behaviour::ReportChanges | Behaviour::Preserve)
    }
}

impl Scope {
    /// The places in one file.
    pub fn ranges_in<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = TextRange> + 'a {
        self.places.iter().filter(move |(file, _)| file == path).map(|(_, range)| *range)
    }

    /// Whether a file of this name may be made.
    pub(crate) fn creates(&self, path: &Path) -> bool {
        let is_plain = path.components().all(|part| !matches!(part, Component::ParentDir | Component::CurDir));
        is_plain && self.folder.as_ref().is_some_and(|folder| path.starts_with(folder))
    }
}

/// A file before and after the edit.
#[derive(Clone, Debug)]
pub(crate) struct Edited {
    pub path: PathBuf,
    /// Empty for a new file.
    pub before: Arc<str>,
    pub after: Arc<str>,
    /// In order.
    pub edits: Vec<TextEdit>,
}

impl Edited {
    /// Applies the edits of one file.
    ///
    /// # Errors
    /// When edits overlap or lie outside the text; with the reason.
    pub fn new(edit: &FileEdit, analysis: &Analysis) -> Result<Edited, String> {
        let before = text_of(analysis, &edit.path).unwrap_or_default();
        let after = apply_edits(&before, &edit.edits);
        let after = after.map_err(|error| format!("the edits do not fit the text at byte {}", u32::from(error.at)))?;
        let mut edits = edit.edits.clone();
        edits.sort_by_key(|edit| edit.range.start());
        Ok(Edited { path: edit.path.clone(), before, after: after.into(), edits })
    }

    /// Where `range` of the old text is in the new one; nowhere if an edit touched it.
    pub fn shift(&self, range: TextRange) -> Option<TextRange> {
        let mut start = u32::from(range.start());
        for edit in &self.edits {
            if edit.range.end() <= range.start() {
                start = start - u32::from(edit.range.len()) + edit.text.len() as u32;
            } else if edit.range.start() < range.end() {
                return None;
            }
        }
        Some(TextRange::at(TextSize::new(start), range.len()))
    }

    /// The ranges of the new text that the edits wrote.
    pub fn written(&self) -> impl Iterator<Item = TextRange> {
        let mut delta = 0i64;
        self.edits.iter().map(move |edit| {
            let length = edit.text.len() as i64;
            let start = i64::from(u32::from(edit.range.start())) + delta;
            delta += length - i64::from(u32::from(edit.range.len()));
            // Edits are in order and do not overlap, so a start is never before the text's.
            TextRange::at(TextSize::new(start as u32), TextSize::new(length as u32))
        })
    }

    /// Whether the edits wrote any of `range` of the new text.
    pub fn wrote(&self, range: TextRange) -> bool {
        self.written().any(|written| written.intersect(range).is_some_and(|common| !common.is_empty()))
    }
}

pub(crate) fn text_of(analysis: &Analysis, path: &Path) -> Option<Arc<str>> {
    analysis.file(path).map(|file| analysis.source(file).text().clone())
}

/// `path` as findings name it: relative to its workspace folder, with forward slashes.
pub(crate) fn display_path(analysis: &Analysis, path: &Path) -> String {
    analysis.inside_root(path).to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u32, end: u32) -> TextRange {
        TextRange::new(TextSize::new(start), TextSize::new(end))
    }

    #[test]
    fn ranges_move_with_the_edits_before_them() {
        let edits = vec![TextEdit::insert(TextSize::new(0), "__"), TextEdit::replace(range(2, 4), "X")];
        let edited = Edited { path: "/a.py".into(), before: "abCDef".into(), after: "__abXef".into(), edits };
        assert_eq!(edited.shift(range(0, 2)), Some(range(2, 4)));
        assert_eq!(edited.shift(range(4, 6)), Some(range(5, 7)));
        assert_eq!(edited.shift(range(3, 5)), None);
        assert_eq!(edited.written().collect::<Vec<_>>(), [range(0, 2), range(4, 5)]);
        assert!(edited.wrote(range(3, 5)) && !edited.wrote(range(2, 4)) && !edited.wrote(range(5, 7)));
    }
}

//! Edits as plain data.

use std::path::PathBuf;

use ruff_text_size::{TextRange, TextSize};

/// Replaces the bytes of `range` by `text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextEdit {
    pub range: TextRange,
    pub text: String,
}

impl TextEdit {
    pub fn replace(range: TextRange, text: impl Into<String>) -> Self {
        TextEdit { range, text: text.into() }
    }

    pub fn insert(offset: TextSize, text: impl Into<String>) -> Self {
        TextEdit { range: TextRange::empty(offset), text: text.into() }
    }
}

/// The edits of one file, in any order, ranges in the text before all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEdit {
    /// Absolute path.
    pub path: PathBuf,
    pub edits: Vec<TextEdit>,
}

/// A change of one or more files that belongs together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceChange {
    pub files: Vec<FileEdit>,
}

/// Two edits touch the same bytes, or an edit lies outside the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverlappingEdits {
    pub at: TextSize,
}

/// The text after `edits`.
///
/// # Errors
/// When edits overlap, lie outside the text or split a character. Insertions at one place are applied in their order.
pub fn apply_edits(text: &str, edits: &[TextEdit]) -> Result<String, OverlappingEdits> {
    let mut order: Vec<&TextEdit> = edits.iter().collect();
    order.sort_by_key(|edit| edit.range.start());
    let mut out = String::with_capacity(text.len());
    let mut done = TextSize::new(0);
    for edit in order {
        let error = OverlappingEdits { at: edit.range.start() };
        if edit.range.start() < done {
            return Err(error);
        }
        let before = done.to_usize()..edit.range.start().to_usize();
        out.push_str(text.get(before).ok_or(error)?);
        out.push_str(&edit.text);
        done = edit.range.end();
    }
    let rest = text.get(done.to_usize()..).ok_or(OverlappingEdits { at: done })?;
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u32, end: u32) -> TextRange {
        TextRange::new(TextSize::new(start), TextSize::new(end))
    }

    #[test]
    fn edits_apply_in_any_order() {
        let edits = [TextEdit::replace(range(4, 5), "C"), TextEdit::replace(range(0, 1), "A")];
        assert_eq!(apply_edits("a b c", &edits), Ok("A b C".to_owned()));
    }

    #[test]
    fn overlap_and_split_characters_are_refused() {
        let overlap = [TextEdit::replace(range(0, 2), ""), TextEdit::replace(range(1, 3), "")];
        assert!(apply_edits("abc", &overlap).is_err());
        assert!(apply_edits("é", &[TextEdit::replace(range(1, 2), "")]).is_err());
        assert!(apply_edits("a", &[TextEdit::replace(range(5, 6), "")]).is_err());
    }
}

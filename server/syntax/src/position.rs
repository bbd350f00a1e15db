//! Offsets and positions.
//!
//! Inside tantu a place in a text is a byte offset ([`TextSize`]). Editors speak of lines and columns, and count columns
//! in UTF-8 bytes, UTF-16 code units or Unicode scalar values. This module is the only place that converts.

use std::sync::Arc;

use ruff_text_size::{TextRange, TextSize};

/// The unit in which an editor counts columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    Utf8,
    /// What an editor means that says nothing.
    #[default]
    Utf16,
    Utf32,
}

impl Encoding {
    /// How many units of this encoding `c` takes.
    pub fn width(self, c: char) -> u32 {
        match self {
            Encoding::Utf8 => c.len_utf8() as u32,
            Encoding::Utf16 => c.len_utf16() as u32,
            Encoding::Utf32 => 1,
        }
    }
}

/// A zero-based line and a zero-based column in the units of some [`Encoding`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

/// Where the lines of a text begin. A line ends at `\n`, `\r\n` or a lone `\r`, as both Python and LSP define it; form
/// feeds and Unicode separators do not end a line.
#[derive(Clone, Debug)]
pub struct LineIndex(ruff_source_file::LineIndex);

impl LineIndex {
    pub fn new(text: &str) -> Self {
        LineIndex(ruff_source_file::LineIndex::from_source_text(text))
    }

    /// The number of lines; a text that ends with a line break has an empty last line.
    pub fn line_count(&self) -> u32 {
        self.0.line_count() as u32
    }

    /// The zero-based line that holds `offset`.
    pub fn line(&self, offset: TextSize) -> u32 {
        self.0.line_index(offset).to_zero_indexed() as u32
    }

    /// The byte range of a line without its line break; the end of the text for lines beyond it.
    pub fn line_range(&self, line: u32, text: &str) -> TextRange {
        let starts = self.0.line_starts();
        let Some(&start) = starts.get(line as usize) else {
            return TextRange::empty(TextSize::of(text));
        };
        let end = starts.get(line as usize + 1).copied().unwrap_or_else(|| TextSize::of(text));
        let content = text[TextRange::new(start, end)].trim_end_matches(['\r', '\n']);
        TextRange::at(start, TextSize::of(content))
    }

    /// The byte offset of `position`. A column past the end of its line means the line's end, a column inside a
    /// character means the character's start.
    pub fn offset(&self, position: Position, text: &str, encoding: Encoding) -> TextSize {
        let range = self.line_range(position.line, text);
        let mut units = 0;
        let mut bytes = 0;
        for c in text[range].chars() {
            units += encoding.width(c);
            if units > position.column {
                break;
            }
            bytes += c.len_utf8();
        }
        range.start() + TextSize::new(bytes as u32)
    }

    /// The position of the byte `offset`, which is clamped to the text.
    pub fn position(&self, offset: TextSize, text: &str, encoding: Encoding) -> Position {
        let mut offset = offset.min(TextSize::of(text));
        while !text.is_char_boundary(offset.to_usize()) {
            offset -= TextSize::new(1);
        }
        let line = self.line(offset);
        let start = self.0.line_starts()[line as usize];
        let before = &text[TextRange::new(start, offset)];
        let column = if encoding == Encoding::Utf8 || before.is_ascii() {
            before.len() as u32
        } else {
            before.chars().map(|c| encoding.width(c)).sum()
        };
        Position { line, column }
    }
}

/// An immutable text with its line index; cheap to clone.
#[derive(Clone, Debug)]
pub struct Source {
    text: Arc<str>,
    lines: Arc<LineIndex>,
}

impl Source {
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let lines = Arc::new(LineIndex::new(&text));
        Source { text, lines }
    }

    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    pub fn lines(&self) -> &LineIndex {
        &self.lines
    }

    /// The one-based line number of `offset`, as people and tracebacks count.
    pub fn line_number(&self, offset: TextSize) -> u32 {
        self.lines.line(offset) + 1
    }

    pub fn position(&self, offset: TextSize, encoding: Encoding) -> Position {
        self.lines.position(offset, &self.text, encoding)
    }

    pub fn offset(&self, position: Position, encoding: Encoding) -> TextSize {
        self.lines.offset(position, &self.text, encoding)
    }

    /// The text of `range`, clamped to the text and to character boundaries.
    pub fn slice(&self, range: TextRange) -> &str {
        self.text.get(range.start().to_usize()..range.end().to_usize()).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENCODINGS: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];

    #[test]
    fn columns_past_the_end_mean_the_end_of_the_line() {
        let source = Source::new("ab\r\nc");
        for encoding in ENCODINGS {
            let end = source.offset(Position { line: 0, column: 99 }, encoding);
            assert_eq!(end, TextSize::new(2));
            let beyond = source.offset(Position { line: 9, column: 0 }, encoding);
            assert_eq!(beyond, TextSize::new(5));
        }
    }

    #[test]
    fn a_column_inside_a_surrogate_pair_is_the_start_of_the_character() {
        let source = Source::new("😀x");
        let inside = Position { line: 0, column: 1 };
        assert_eq!(source.offset(inside, Encoding::Utf16), TextSize::new(0));
        let after = Position { line: 0, column: 2 };
        assert_eq!(source.offset(after, Encoding::Utf16), TextSize::new(4));
    }

    proptest! {
        #[test]
        fn positions_round_trip(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "a", "é", "e\u{301}", "😀", "\t", "\u{feff}", "\u{c}", "\u{2028}", "\r\n", "\n", "\r", "def ",
                ]),
                0..40,
            )
        ) {
            let source = Source::new(parts.concat());
            for (offset, _) in source.text().char_indices() {
                let offset = TextSize::new(offset as u32);
                for encoding in ENCODINGS {
                    let position = source.position(offset, encoding);
                    let line = source.lines().line_range(position.line, source.text());
                    // The second half of a `\r\n` has a position of its own, but editors never send it.
                    if offset <= line.end() {
                        prop_assert_eq!(source.offset(position, encoding), offset);
                    }
                }
            }
        }
    }
}

//! A text that an editor is changing.

use std::sync::Arc;

use ropey::Rope;

use crate::{Encoding, Position};

/// One step of an edit: replaces `range` (all of the text when absent) by `text`.
#[derive(Clone, Debug)]
pub struct ContentChange {
    /// Start and end, in the encoding that was agreed with the editor.
    pub range: Option<(Position, Position)>,
    pub text: String,
}

/// An open document. A rope makes a keystroke in a large file cost the same as in a small one.
#[derive(Clone, Debug)]
pub struct Document {
    rope: Rope,
    version: i32,
}

impl Document {
    pub fn new(text: &str, version: i32) -> Self {
        Document { rope: Rope::from_str(text), version }
    }

    /// The editor's version number of the text.
    pub fn version(&self) -> i32 {
        self.version
    }

    /// The whole text, contiguous as the parser needs it.
    pub fn text(&self) -> Arc<str> {
        String::from(&self.rope).into()
    }

    /// Applies `changes` in order; each one's range speaks of the text that the one before left behind.
    pub fn apply(&mut self, changes: &[ContentChange], version: i32, encoding: Encoding) {
        for change in changes {
            match change.range {
                None => self.rope = Rope::from_str(&change.text),
                Some((start, end)) => {
                    let start = self.char_index(start, encoding);
                    // An end before its start is an editor's mistake; an empty range does the least harm.
                    let end = self.char_index(end, encoding).max(start);
                    self.rope.remove(start..end);
                    self.rope.insert(start, &change.text);
                }
            }
        }
        self.version = version;
    }

    fn char_index(&self, position: Position, encoding: Encoding) -> usize {
        let line = position.line as usize;
        if line >= self.rope.len_lines() {
            return self.rope.len_chars();
        }
        let mut units = 0;
        let mut index = self.rope.line_to_char(line);
        for c in self.rope.line(line).chars() {
            units += encoding.width(c);
            if units > position.column || matches!(c, '\n' | '\r') {
                break;
            }
            index += 1;
        }
        index
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Source;

    fn change(start: Position, end: Position, text: &str) -> ContentChange {
        ContentChange { range: Some((start, end)), text: text.to_owned() }
    }

    #[test]
    fn several_changes_apply_in_order() {
        let at = |line, column| Position { line, column };
        let mut document = Document::new("a😀b\nc", 1);
        let changes = [change(at(0, 3), at(0, 4), "X"), change(at(1, 0), at(1, 1), "Y\nZ")];
        document.apply(&changes, 2, Encoding::Utf16);
        assert_eq!(&*document.text(), "a😀X\nY\nZ");
        assert_eq!(document.version(), 2);
    }

    #[test]
    fn a_reversed_or_distant_range_loses_nothing() {
        let mut document = Document::new("one\n", 1);
        let far = Position { line: 40, column: 7 };
        document.apply(&[change(far, Position::default(), "two")], 2, Encoding::Utf8);
        assert_eq!(&*document.text(), "one\ntwo");
    }

    proptest! {
        /// The rope and the line index must agree on where every position lies, or edits land in the wrong place.
        #[test]
        fn rope_and_line_index_agree(
            parts in prop::collection::vec(
                prop::sample::select(vec!["a", "é", "😀", "\t", "\u{c}", "\u{2028}", "\u{85}", "\r\n", "\n", "\r"]),
                0..30,
            ),
            line in 0u32..12,
            column in 0u32..12,
        ) {
            let text = parts.concat();
            let source = Source::new(text.as_str());
            for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
                let position = Position { line, column };
                let mut document = Document::new(&text, 0);
                document.apply(&[change(position, position, "<>")], 1, encoding);
                let mut expected = text.clone();
                expected.insert_str(source.offset(position, encoding).to_usize(), "<>");
                prop_assert_eq!(&*document.text(), expected.as_str());
            }
        }
    }
}

//! What an editor holds of a document: its text and version, and positions in the encoding that was negotiated.
//!
//! Written apart from the server's own line index on purpose: two implementations that agree are a test.

use serde_json::{Value, json};

/// The unit in which `Position.character` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes of UTF-8.
    Utf8,
    /// UTF-16 code units.
    Utf16,
    /// Code points.
    Utf32,
}

impl Encoding {
    /// The protocol's name.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "utf-8",
            Encoding::Utf16 => "utf-16",
            Encoding::Utf32 => "utf-32",
        }
    }

    /// The encoding that a server answered with; absent means UTF-16.
    pub fn negotiated(capabilities: &Value) -> Encoding {
        match capabilities["positionEncoding"].as_str() {
            Some("utf-8") => Encoding::Utf8,
            Some("utf-32") => Encoding::Utf32,
            Some("utf-16") | None => Encoding::Utf16,
            Some(other) => panic!("the server chose an encoding that nobody offered: {other}"),
        }
    }

    fn width(self, character: char) -> usize {
        match self {
            Encoding::Utf8 => character.len_utf8(),
            Encoding::Utf16 => character.len_utf16(),
            Encoding::Utf32 => 1,
        }
    }
}

/// An open document.
#[derive(Clone, Debug)]
pub struct Buffer {
    pub text: String,
    pub version: i64,
    encoding: Encoding,
}

impl Buffer {
    /// A document as it was opened, at version 1.
    pub fn new(text: &str, encoding: Encoding) -> Buffer {
        Buffer { text: text.to_owned(), version: 1, encoding }
    }

    /// The place that `pattern` points at: its text must occur once, and `$0` in it marks the place (else its start).
    ///
    /// # Panics
    /// When the text is absent or ambiguous.
    #[track_caller]
    pub fn find(&self, pattern: &str) -> usize {
        let (needle, cursor) = match pattern.split_once("$0") {
            Some((before, after)) => (format!("{before}{after}"), before.len()),
            None => (pattern.to_owned(), 0),
        };
        let mut found = self.text.match_indices(&needle);
        let first = found.next().map(|(at, _)| at + cursor);
        let first = first.unwrap_or_else(|| panic!("{needle:?} is not in:\n{}", self.text));
        assert!(found.next().is_none(), "{needle:?} occurs more than once in:\n{}", self.text);
        first
    }

    /// A byte offset as a protocol position.
    pub fn position(&self, offset: usize) -> Value {
        let (mut line, mut start) = (0, 0);
        for next in line_starts(&self.text).skip(1).take_while(|&start| start <= offset) {
            line += 1;
            start = next;
        }
        let character: usize = self.text[start..offset].chars().map(|c| self.encoding.width(c)).sum();
        json!({ "line": line, "character": character })
    }

    /// A range of byte offsets as a protocol range.
    pub fn range(&self, range: std::ops::Range<usize>) -> Value {
        json!({ "start": self.position(range.start), "end": self.position(range.end) })
    }

    /// A protocol position as a byte offset. A character behind the end of its line means that end.
    ///
    /// # Errors
    /// A line that does not exist, or a character inside a code point: an editor would write in the wrong place.
    pub fn offset(&self, position: &Value) -> Result<usize, String> {
        let coordinate = |name| position[name].as_u64().map(|n| n as usize);
        let (Some(line), Some(character)) = (coordinate("line"), coordinate("character")) else {
            return Err(format!("not a position: {position}"));
        };
        let start = line_starts(&self.text).nth(line).ok_or_else(|| format!("no line {line}"))?;
        let (mut offset, mut seen) = (start, 0);
        for c in self.text[start..].chars().take_while(|c| !matches!(c, '\n' | '\r')) {
            if seen >= character {
                break;
            }
            seen += self.encoding.width(c);
            offset += c.len_utf8();
        }
        match seen > character {
            true => Err(format!("{position} is inside a character")),
            false => Ok(offset),
        }
    }

    /// Applies the edits of one change at once, as the protocol defines it: all ranges refer to the text before.
    ///
    /// # Errors
    /// Ranges that do not exist, are inside a character or overlap; the text is then unchanged.
    pub fn apply(&mut self, edits: &[Value]) -> Result<(), String> {
        let mut spans = Vec::new();
        for edit in edits {
            let (start, end) = (self.offset(&edit["range"]["start"])?, self.offset(&edit["range"]["end"])?);
            let text = edit["newText"].as_str().ok_or_else(|| format!("no newText: {edit}"))?;
            if end < start {
                return Err(format!("the range ends before it starts: {edit}"));
            }
            spans.push((start, end, text));
        }
        // Stable: insertions at one place keep their order.
        spans.sort_by_key(|&(start, end, _)| (start, end));
        let overlapping = spans.windows(2).any(|pair| pair[1].0 < pair[0].1);
        if overlapping {
            return Err("edits overlap".to_owned());
        }
        let mut text = String::with_capacity(self.text.len());
        let mut done = 0;
        for (start, end, new) in spans {
            text.push_str(&self.text[done..start]);
            text.push_str(new);
            done = end;
        }
        text.push_str(&self.text[done..]);
        self.text = text;
        Ok(())
    }
}

/// Byte offsets of line starts; `\n`, `\r\n` and a lone `\r` end a line.
fn line_starts(text: &str) -> impl Iterator<Item = usize> {
    let ends = text.match_indices(['\n', '\r']).filter_map(|(at, end)| match end {
        "\r" if text[at + 1..].starts_with('\n') => None,
        _ => Some(at + 1),
    });
    std::iter::once(0).chain(ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(line: u32, start: u32, end: u32, new: &str) -> Value {
        let at = |character| json!({ "line": line, "character": character });
        json!({ "range": { "start": at(start), "end": at(end) }, "newText": new })
    }

    #[test]
    fn positions_count_in_the_negotiated_unit() {
        let text = "a = 1\r\ns = 'é🧵' + x\rend\n";
        for (encoding, character) in [(Encoding::Utf8, 15), (Encoding::Utf16, 12), (Encoding::Utf32, 11)] {
            let buffer = Buffer::new(text, encoding);
            let position = buffer.position(buffer.find("+ $0x"));
            assert_eq!(position, json!({ "line": 1, "character": character }), "{encoding:?}");
            assert_eq!(buffer.offset(&position), Ok(buffer.find("+ $0x")));
        }
    }

    #[test]
    fn a_character_behind_the_end_means_the_end_and_half_a_character_is_refused() {
        let buffer = Buffer::new("🧵\nnext", Encoding::Utf16);
        assert_eq!(buffer.offset(&json!({ "line": 0, "character": 99 })), Ok(4));
        assert!(buffer.offset(&json!({ "line": 0, "character": 1 })).is_err());
        assert!(buffer.offset(&json!({ "line": 2, "character": 0 })).is_err());
    }

    #[test]
    fn edits_refer_to_the_text_before() {
        let mut buffer = Buffer::new("one two\n", Encoding::Utf16);
        buffer.apply(&[edit(0, 4, 7, "2"), edit(0, 0, 3, "1"), edit(0, 7, 7, "!"), edit(0, 7, 7, "?")]).unwrap();
        assert_eq!(buffer.text, "1 2!?\n");
    }

    #[test]
    fn overlapping_edits_change_nothing() {
        let mut buffer = Buffer::new("one two\n", Encoding::Utf16);
        assert!(buffer.apply(&[edit(0, 0, 5, "x"), edit(0, 4, 7, "y")]).is_err());
        assert_eq!(buffer.text, "one two\n");
    }

    #[test]
    #[should_panic(expected = "more than once")]
    fn an_ambiguous_place_is_refused() {
        Buffer::new("x = x", Encoding::Utf8).find("x");
    }
}

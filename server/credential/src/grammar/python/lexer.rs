//! Python's tokens, as far as strings and names need them. It never fails: what is not closed ends with its line, or with the
//! text where it has three quotation marks.

use std::ops::Range;

use crate::values::HOLE;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Name,
    Number,
    String(Literal),
    Comment,
    /// Of a logical line; with the indentation of the next one.
    Newline(usize),
    /// One byte, or two that belong together: `==`, `!=`, `+=`, `:=`, `->`, `**`, `//`, `>=`, `<=`.
    Sign,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Literal {
    /// Between the quotation marks.
    pub content: Range<usize>,
    /// With interpolated expressions in it.
    pub is_format: bool,
}

impl Literal {
    /// The parts of the content between interpolated expressions.
    pub fn pieces(&self, text: &str) -> Vec<Range<usize>> {
        let mut pieces = Vec::new();
        if !self.is_format {
            return vec![self.content.clone()];
        }
        let (mut start, mut depth) = (self.content.start, 0usize);
        let bytes = &text.as_bytes()[..self.content.end];
        let mut at = start;
        while at < self.content.end {
            match bytes[at] {
                b'{' if depth == 0 && bytes.get(at + 1) == Some(&b'{') => at += 1,
                b'{' => {
                    if depth == 0 {
                        pieces.push(start..at);
                    }
                    depth += 1;
                }
                b'}' if depth > 0 => {
                    depth -= 1;
                    start = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        if depth == 0 {
            pieces.push(start..self.content.end);
        }
        pieces
    }

    /// The content with [`HOLE`] for each interpolated expression.
    pub fn value(&self, text: &str) -> String {
        let pieces: Vec<&str> = self.pieces(text).into_iter().map(|piece| &text[piece]).collect();
        let mut value = pieces.join(HOLE.encode_utf8(&mut [0; 4]));
        if self.is_format && pieces.len() == 1 && pieces[0].len() < self.content.len() {
            value.push(HOLE);
        }
        value
    }
}

/// The tokens of a part of `text` with their places.
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    end: usize,
    /// Brackets that are open: inside of them lines do not end.
    depth: usize,
    is_in_line: bool,
}

impl<'t> Lexer<'t> {
    pub fn new(text: &'t str, range: Range<usize>) -> Lexer<'t> {
        Lexer { text, at: range.start, end: range.end, depth: 0, is_in_line: false }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied().filter(|_| at < self.end)
    }

    fn while_byte(&self, at: usize, is_more: impl Fn(u8) -> bool) -> usize {
        let mut at = at;
        while self.byte(at).is_some_and(&is_more) {
            at += 1;
        }
        at
    }

    fn newline(&mut self) -> Option<(Token, Range<usize>)> {
        let start = self.at;
        self.at += 1;
        // A text that was cut may never close a bracket; what begins a statement in the first column is in none.
        let rest = &self.text[self.at..self.end];
        if self.depth > 0
            && ["def ", "class ", "import ", "from ", "async ", "@"].iter().any(|start| rest.starts_with(start))
        {
            self.depth = 0;
        }
        if self.depth > 0 || !self.is_in_line {
            return None;
        }
        self.is_in_line = false;
        // Blank lines and lines of comments have no indentation.
        let mut line = self.at;
        loop {
            let first = self.while_byte(line, |byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\x0c'));
            match self.byte(first) {
                Some(b'\n') => line = first + 1,
                _ => return Some((Token::Newline(first - line), start..self.at)),
            }
        }
    }

    /// A string whose prefix ends at `open`, where its first quotation mark is.
    fn string(&mut self, start: usize, open: usize) -> (Token, Range<usize>) {
        let prefix = &self.text[start..open];
        let is_format = prefix.contains(['f', 'F', 't', 'T']);
        let quote = self.text.as_bytes()[open];
        let bytes = &self.text.as_bytes()[..self.end];
        let is_long = bytes[open..].starts_with(&[quote; 3]);
        let content = open + if is_long { 3 } else { 1 };
        let mut at = content;
        loop {
            match bytes.get(at) {
                None => break,
                Some(b'\\') => at += 2,
                Some(b'\n') if !is_long => break,
                Some(&byte) if byte == quote && (!is_long || bytes[at..].starts_with(&[quote; 3])) => break,
                Some(_) => at += 1,
            }
        }
        let end = at.min(self.end);
        let is_closed = bytes.get(end).is_some_and(|byte| *byte == quote);
        self.at = end + if is_closed { content - open } else { 0 };
        (Token::String(Literal { content: content.min(end)..end, is_format }), start..self.at)
    }
}

impl Iterator for Lexer<'_> {
    type Item = (Token, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.at;
            let byte = self.byte(start)?;
            match byte {
                b'\n' => match self.newline() {
                    Some(token) => return Some(token),
                    None => continue,
                },
                b' ' | b'\t' | b'\r' | b'\x0c' => {
                    self.at += 1;
                    continue;
                }
                b'\\' => {
                    // A line that goes on.
                    self.at += if self.byte(start + 1) == Some(b'\n') { 2 } else { 1 };
                    continue;
                }
                b'#' => {
                    self.at = self.while_byte(start, |byte| byte != b'\n');
                    return Some((Token::Comment, start..self.at));
                }
                _ => {}
            }
            self.is_in_line = true;
            if matches!(byte, b'"' | b'\'') {
                return Some(self.string(start, start));
            }
            if byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80 {
                let end = self.while_byte(start, |byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80);
                let is_prefix =
                    end - start <= 2 && self.text[start..end].bytes().all(|byte| b"rbuftRBUFT".contains(&byte));
                if is_prefix && matches!(self.byte(end), Some(b'"' | b'\'')) {
                    return Some(self.string(start, end));
                }
                self.at = end;
                return Some((Token::Name, start..end));
            }
            if byte.is_ascii_digit() {
                self.at = self.while_byte(start, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
                return Some((Token::Number, start..self.at));
            }
            match byte {
                b'(' | b'[' | b'{' => self.depth += 1,
                b')' | b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            let is_double = matches!(
                (byte, self.byte(start + 1)),
                (b'=' | b'!' | b'+' | b'-' | b':' | b'<' | b'>' | b'|' | b'%', Some(b'='))
                    | (b'-', Some(b'>'))
                    | (b'*', Some(b'*'))
                    | (b'/', Some(b'/'))
            );
            self.at = start + 1 + usize::from(is_double);
            return Some((Token::Sign, start..self.at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let tokens: Vec<&str> = Lexer::new(text, 0..text.len()).map(|(_, range)| &text[range]).collect();
        assert_eq!(tokens, expected, "{text}");
    }

    #[test]
    fn tokens() {
        check("x = rb'a' \"\"\"b\n\"\"\"\n", &["x", "=", "rb'a'", "\"\"\"b\n\"\"\"", "\n"]);
        check("f(\n  'a', # c\n)\n", &["f", "(", "'a'", ",", "# c", ")", "\n"]);
        check("x == 'un\ny += 1.5", &["x", "==", "'un", "\n", "y", "+=", "1.5"]);
        check("'a\\'b' \\\n 'c'", &["'a\\'b'", "'c'"]);
        check("'''never closed\\", &["'''never closed\\"]);
        check("é = 'ü'", &["é", "=", "'ü'"]);
    }

    #[test]
    fn what_is_interpolated_is_no_part_of_a_value() {
        let text = "f'a{x}b{{c'";
        let Some((Token::String(literal), _)) = Lexer::new(text, 0..text.len()).next() else { panic!() };
        assert_eq!(literal.value(text), format!("a{HOLE}b{{{{c"));
        assert_eq!(literal.pieces(text), [2..3, 6..10]);
    }
}

//! The words that PDF files are made of: numbers, strings, names, lists, and operators.

/// Lists in lists are not followed further.
const MAX_DEPTH: usize = 24;
/// Elements of one list.
const MAX_ELEMENTS: usize = 200_000;

/// A value, or an operator that stands between values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Object {
    Null,
    Number(f64),
    String(Vec<u8>),
    Name(String),
    Array(Vec<Object>),
    Dictionary(Vec<(String, Object)>),
    Reference(u32),
    /// Anything else, such as `obj`, `true` or `Tj`.
    Word(Vec<u8>),
}

impl Object {
    /// The value of a dictionary's key.
    pub(crate) fn get(&self, key: &str) -> Option<&Object> {
        let Object::Dictionary(entries) = self else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// How many entries there are to look through.
    pub(crate) fn size(&self) -> usize {
        match self {
            Object::Dictionary(entries) => entries.len(),
            Object::Array(elements) => elements.len(),
            _ => 0,
        }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        if let Object::Number(number) = self { Some(*number) } else { None }
    }

    pub(crate) fn name(&self) -> Option<&str> {
        if let Object::Name(name) = self { Some(name) } else { None }
    }

    pub(crate) fn reference(&self) -> Option<u32> {
        if let Object::Reference(number) = self { Some(*number) } else { None }
    }

    pub(crate) fn elements(&self) -> &[Object] {
        if let Object::Array(elements) = self { elements } else { &[] }
    }

    pub(crate) fn is_word(&self, text: &[u8]) -> bool {
        matches!(self, Object::Word(word) if word == text)
    }

    pub(crate) fn is_type(&self, name: &str) -> bool {
        self.get("Type").and_then(Object::name) == Some(name)
    }
}

/// Reads one object after the other.
pub(crate) struct Lexer<'a> {
    pub bytes: &'a [u8],
    /// Never beyond the end.
    pub at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Lexer { bytes, at: at.min(bytes.len()) }
    }

    /// `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Object> {
        self.nested(0)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(crate) fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'%' => self.skip_while(|byte| !matches!(byte, b'\r' | b'\n')),
                byte if is_space(byte) => self.at += 1,
                _ => break,
            }
        }
    }

    fn skip_while(&mut self, holds: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&holds) {
            self.at += 1;
        }
    }

    fn nested(&mut self, depth: usize) -> Option<Object> {
        self.skip_space();
        let rest = &self.bytes[self.at..];
        match *rest.first()? {
            b'(' => Some(Object::String(self.string())),
            b'/' => Some(Object::Name(self.name())),
            b'<' if rest.starts_with(b"<<") => {
                self.at += 2;
                Some(self.dictionary(depth))
            }
            b'<' => Some(Object::String(self.hexadecimal())),
            b'[' => {
                self.at += 1;
                Some(Object::Array(self.list(depth, b"]")))
            }
            b'>' if rest.starts_with(b">>") => {
                self.at += 2;
                Some(Object::Word(b">>".to_vec()))
            }
            byte @ (b']' | b')' | b'>' | b'{' | b'}') => {
                self.at += 1;
                Some(Object::Word(vec![byte]))
            }
            _ => Some(self.word()),
        }
    }

    /// The elements up to `end`, or to the end of the file.
    fn list(&mut self, depth: usize, end: &[u8]) -> Vec<Object> {
        let mut elements = Vec::new();
        if depth > MAX_DEPTH {
            return elements;
        }
        while let Some(element) = self.nested(depth + 1) {
            if element.is_word(end) || elements.len() >= MAX_ELEMENTS {
                break;
            }
            // Two numbers before an R are one reference.
            if element.is_word(b"R")
                && let [.., Object::Number(number), Object::Number(_)] = elements.as_slice()
            {
                let reference = Object::Reference(*number as u32);
                elements.truncate(elements.len() - 2);
                elements.push(reference);
            } else {
                elements.push(element);
            }
        }
        elements
    }

    fn dictionary(&mut self, depth: usize) -> Object {
        let mut elements = self.list(depth, b">>").into_iter();
        let mut entries = Vec::new();
        while let (Some(key), Some(value)) = (elements.next(), elements.next()) {
            if let Object::Name(key) = key {
                entries.push((key, value));
            }
        }
        Object::Dictionary(entries)
    }

    fn name(&mut self) -> String {
        self.at += 1;
        let start = self.at;
        self.skip_while(is_regular);
        let raw = &self.bytes[start..self.at];
        let mut name = Vec::with_capacity(raw.len());
        let mut at = 0;
        while at < raw.len() {
            let escaped = (raw[at] == b'#').then(|| Some((digit(*raw.get(at + 1)?)?, digit(*raw.get(at + 2)?)?)));
            match escaped.flatten() {
                Some((high, low)) => {
                    name.push(16 * high + low);
                    at += 3;
                }
                None => {
                    name.push(raw[at]);
                    at += 1;
                }
            }
        }
        String::from_utf8_lossy(&name).into_owned()
    }

    fn string(&mut self) -> Vec<u8> {
        self.at += 1;
        let (mut text, mut open) = (Vec::new(), 0);
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'(' => open += 1,
                b')' if open == 0 => break,
                b')' => open -= 1,
                b'\\' => {
                    text.extend(self.escaped());
                    continue;
                }
                _ => {}
            }
            text.push(byte);
        }
        text
    }

    /// What follows a backslash.
    fn escaped(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b'n' => Some(b'\n'),
            b'r' => Some(b'\r'),
            b't' => Some(b'\t'),
            b'b' | b'f' => Some(b' '),
            b'\r' => {
                self.at += usize::from(self.peek() == Some(b'\n'));
                None
            }
            b'\n' => None,
            b'0'..=b'7' => {
                let mut value = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(next) = self.peek().filter(|next| (b'0'..=b'7').contains(next)) else { break };
                    value = 8 * value + u32::from(next - b'0');
                    self.at += 1;
                }
                Some(value as u8)
            }
            other => Some(other),
        }
    }

    fn hexadecimal(&mut self) -> Vec<u8> {
        self.at += 1;
        let start = self.at;
        self.skip_while(|byte| byte != b'>');
        let mut digits: Vec<u8> = self.bytes[start..self.at].iter().filter_map(|&byte| digit(byte)).collect();
        self.at = (self.at + 1).min(self.bytes.len());
        if digits.len() % 2 == 1 {
            digits.push(0);
        }
        digits.chunks_exact(2).map(|pair| 16 * pair[0] + pair[1]).collect()
    }

    fn word(&mut self) -> Object {
        let start = self.at;
        self.skip_while(is_regular);
        // Never stays where it is.
        self.at = self.at.max(start + 1).min(self.bytes.len());
        let word = &self.bytes[start..self.at];
        let is_numeric = word.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.'));
        let number = std::str::from_utf8(word).ok().filter(|_| is_numeric).and_then(|word| word.parse().ok());
        match (number, word) {
            (Some(number), _) => Object::Number(number),
            (None, b"null") => Object::Null,
            _ => Object::Word(word.to_vec()),
        }
    }
}

pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

pub(crate) fn digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

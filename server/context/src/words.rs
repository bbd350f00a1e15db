//! The words inside identifiers and prose, as small numbers.

use rustc_hash::FxHashMap;

/// A word or a whole name, interned.
pub(crate) type Word = u32;

/// Numbers for words, in order of first appearance.
#[derive(Default)]
pub(crate) struct Words {
    numbers: FxHashMap<String, Word>,
}

impl Words {
    pub(crate) fn intern(&mut self, text: &str) -> Word {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.numbers.len() as Word;
        self.numbers.insert(text.to_owned(), number);
        number
    }

    pub(crate) fn get(&self, text: &str) -> Option<Word> {
        self.numbers.get(text).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }
}

/// The lower-cased parts of the identifiers in `text`, each once, in order: `HTTPServer.get_url` → http, server, get, url.
pub(crate) fn parts(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars().peekable();
    let mut previous = ' ';
    while let Some(c) = chars.next() {
        let next_is_lower = chars.peek().is_some_and(|next| next.is_lowercase());
        // A capital opens a word after a small letter or digit, and where a run of capitals turns into one: HTTP|Server.
        if !c.is_alphanumeric() || c.is_uppercase() && (!previous.is_uppercase() || next_is_lower) {
            keep(&mut found, &mut word);
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        previous = c;
    }
    keep(&mut found, &mut word);
    found
}

fn keep(found: &mut Vec<String>, word: &mut String) {
    let word = std::mem::take(word);
    if !word.is_empty() && !found.contains(&word) {
        found.push(word);
    }
}

/// The identifiers in `text` with their byte offsets, in order. Quoted annotations count: quotes only separate.
pub(crate) fn identifiers(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c == '_' || c.is_alphanumeric();
    let mut offset = 0;
    std::iter::from_fn(move || {
        let start = offset + text[offset..].find(is_part)?;
        let end = text[start..].find(|c| !is_part(c)).map_or(text.len(), |length| start + length);
        offset = end;
        Some((start, &text[start..end]))
    })
    .filter(|(_, word)| !word.starts_with(|c: char| c.is_numeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_fall_into_words() {
        assert_eq!(parts("HTTPServer.get_url2"), ["http", "server", "get", "url2"]);
        assert_eq!(parts("__init__"), ["init"]);
        assert_eq!(parts("ÄnderungsListe été"), ["änderungs", "liste", "été"]);
        assert_eq!(parts("a A aB"), ["a", "b"]);
        assert!(parts("… 😀").is_empty());
    }

    #[test]
    fn identifiers_have_offsets() {
        let found: Vec<_> = identifiers("def f(x: \"A.B\" = 12) -> é:").collect();
        assert_eq!(found, [(0, "def"), (4, "f"), (6, "x"), (10, "A"), (12, "B"), (24, "é")]);
        assert_eq!(identifiers("").count(), 0);
    }
}

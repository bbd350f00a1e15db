//! Values behind names that promise a secret, in the syntax that a text is written in.
//!
//! One file for each grammar. None of them is a parser: each reads on past whatever is wrong, in one pass and in memory and
//! time that grow with the text, and tells no more than which value stands behind which name. All give the same data,
//! [`Promised`]. What a value has to look like is decided in one place, [`judge`].

mod command_line;
mod csv;
mod diff;
mod hcl;
mod http;
mod ini;
mod json;
mod judge;
mod line;
mod markup;
mod netrc;
mod python;
mod sql;
mod syntax;
mod toml;
mod url;
mod xml;
mod yaml;

use std::ops::Range;

pub use judge::Writing;
pub use syntax::Syntax;

use crate::Confidence;
use crate::promises::{Promise, promise};

/// What the password in a URL is called.
pub const URL: &str = "password in a URL";
/// What follows the scheme in a header is called.
pub const AUTHORIZATION: &str = "Authorization";

/// A value that is likely a secret because of what it is given to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promised {
    /// Bytes of the text, without quotes.
    pub value: Range<usize>,
    /// As it is written; of a value that a program or a protocol takes by its place, what that place is called.
    pub name: String,
    pub promise: Promise,
    pub confidence: Confidence,
}

/// The values in `text` behind names that promise a secret, in its order; some may be parts of others.
pub fn promised(text: &str, syntax: Syntax) -> Vec<Promised> {
    scan(text, &[(0..text.len(), syntax)]).found
}

/// The same for a text of which each part has its own syntax.
pub fn promised_in(text: &str, parts: &[(Range<usize>, Syntax)]) -> Vec<Promised> {
    scan(text, parts).found
}

fn scan<'t>(text: &'t str, parts: &[(Range<usize>, Syntax)]) -> Scan<'t> {
    let mut scan = Scan { text, found: Vec::new(), work: 0, depth: 0 };
    for (range, syntax) in parts {
        scan.part(range.clone(), *syntax);
    }
    scan.found.sort_by_key(|found| (found.value.start, found.value.end));
    scan.found.dedup_by(|later, first| later.value == first.value);
    scan
}

/// Texts within texts: a command in a string in a code block. What is deeper is read as lines.
const MAX_DEPTH: usize = 4;

/// What the grammars write to.
struct Scan<'t> {
    text: &'t str,
    found: Vec<Promised>,
    /// Bytes that were read, as often as they were. Tests hold it to a multiple of the text.
    work: usize,
    depth: usize,
}

impl<'t> Scan<'t> {
    /// Reads a part of the text by the grammar of `syntax`, and by those of what can stand in any text.
    fn part(&mut self, range: Range<usize>, syntax: Syntax) {
        self.work += range.len();
        let known = syntax;
        let syntax = if known == Syntax::Unknown { syntax::guess(&self.text[range.clone()]) } else { known };
        if self.depth >= MAX_DEPTH {
            return line::scan(self, range, Writing::Prose);
        }
        self.depth += 1;
        match syntax {
            Syntax::Python => python::scan(self, range.clone()),
            Syntax::Yaml => yaml::scan(self, range.clone()),
            Syntax::Toml => toml::scan(self, range.clone()),
            Syntax::Ini | Syntax::Shell | Syntax::Dockerfile => ini::scan(self, range.clone(), syntax),
            Syntax::Json => json::scan(self, range.clone()),
            Syntax::Xml => xml::scan(self, range.clone()),
            Syntax::Csv => csv::scan(self, range.clone()),
            Syntax::Netrc => netrc::scan(self, range.clone()),
            Syntax::Hcl => hcl::scan(self, range.clone()),
            Syntax::Markup | Syntax::Unknown => markup::scan(self, range.clone()),
        }
        // Of a line or two nobody can tell; what is no code has no strings that are given to names.
        if known == Syntax::Unknown && syntax != Syntax::Python && self.depth == 1 {
            python::scan(self, range.clone());
        }
        self.depth -= 1;
        // Python's own strings and comments were read one by one; its code is none of the lines that these know.
        if syntax != Syntax::Python {
            let writing = if syntax.is_configuration() { Writing::Bare } else { Writing::Prose };
            line::scan(self, range.clone(), writing);
        }
        // What has a form of its own in any text.
        if self.depth == 0 {
            url::scan(self, range.clone());
            http::scan(self, range.clone());
            sql::scan(self, range.clone());
            command_line::scan(self, range);
        }
    }

    /// Takes `value` if it may be what `name` promises.
    fn offer(&mut self, name: &str, value: Range<usize>, writing: Writing) -> bool {
        let Some(promise) = promise(name) else { return false };
        match self.behind_user(promise, name, &value) {
            Some(password) => self.offer_as(Promise::Password, name, password, writing),
            None => self.offer_as(promise, name, value, writing),
        }
    }

    /// Of `auth: bob:…` only what is behind the user.
    fn behind_user(&self, promise: Promise, name: &str, value: &Range<usize>) -> Option<Range<usize>> {
        let (user, password) =
            self.text[value.clone()].split_once(':').filter(|_| promise >= Promise::Token && line::is_of_pair(name))?;
        let is_user = !user.is_empty()
            && !user.contains([' ', '/', '{'])
            && password.trim().len() >= 3
            && !password.starts_with('/');
        is_user.then_some(value.end - password.len()..value.end)
    }

    /// The same where it is not the name that promises but a place, such as the one behind `--user`.
    fn offer_as(&mut self, promise: Promise, name: &str, value: Range<usize>, writing: Writing) -> bool {
        let (value, text) = self.trimmed(value);
        match judge::confidence(promise, name, text, writing) {
            Some(confidence) => {
                self.found.push(Promised { value, name: name.to_owned(), promise, confidence });
                true
            }
            None => false,
        }
    }

    /// The same for a value in pieces, such as the halves of a literal: together they are judged, each of them is taken.
    fn offer_pieces(&mut self, promise: Promise, name: &str, value: &str, pieces: &[Range<usize>]) -> bool {
        let bare = value.trim();
        let scheme = http::scheme(bare);
        let Some(confidence) = judge::confidence(promise, name, &bare[scheme..], Writing::Literal) else {
            return false;
        };
        for (number, piece) in pieces.iter().enumerate() {
            let (piece, text) =
                if number == 0 { self.trimmed(piece.clone()) } else { (piece.clone(), &self.text[piece.clone()]) };
            if !text.trim().is_empty() {
                self.found.push(Promised { value: piece, name: name.to_owned(), promise, confidence });
            }
        }
        true
    }

    /// Without white space around it, and without the scheme of a header.
    fn trimmed(&self, range: Range<usize>) -> (Range<usize>, &'t str) {
        let text = &self.text[range.clone()];
        let start = range.start + (text.len() - text.trim_start().len());
        let text = text.trim();
        // `${PASSWORD:-…}`
        if let Some((_, given)) = text.strip_prefix("${").and_then(|text| text.split_once(":-"))
            && let Some(given) = given.strip_suffix('}')
        {
            let start = start + text.len() - 1 - given.len();
            return (start..start + given.len(), given);
        }
        let scheme = http::scheme(text);
        (start + scheme..start + text.len(), &text[scheme..])
    }
}

/// The lines of a part of `text`, without their ends.
fn lines(text: &str, range: Range<usize>) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = range.start;
    text[range].split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        start..start + line.trim_end_matches(['\n', '\r']).len()
    })
}

/// The width of the white space that a line begins with.
fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// Where a string ends that begins at `at` with a quotation mark, and the range of its content. What is not closed ends with
/// the line, or where `end` is.
fn quoted(text: &str, at: usize, end: usize) -> Option<(Range<usize>, usize)> {
    let bytes = &text.as_bytes()[..end];
    let quote = *bytes.get(at).filter(|byte| matches!(byte, b'"' | b'\'' | b'`'))?;
    let mut next = at + 1;
    while let Some(&byte) = bytes.get(next) {
        match byte {
            b'\\' => next += 1,
            b'\n' => return Some((at + 1..next, next)),
            _ if byte == quote => return Some((at + 1..next, next + 1)),
            _ => {}
        }
        next += 1;
    }
    // A backslash may have been the last byte, or stand before a character of several.
    Some((at + 1..end, end))
}

#[cfg(test)]
mod tests;

//! Names and values on a line of any text: `password = "…"`, `--password …`, `?api_key=…`, `password is …`.
//!
//! It begins with the names: whatever stands around one that promises nothing is not looked at. What only the lines around
//! it tell (blocks, columns, the rest of a line as one value) is for the grammars of the formats.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::judge::Writing;
use super::{Scan, http, quoted};
use crate::names::WRAPPERS;
use crate::promises::{Promise, STEMS, promise};
use crate::values;

/// Passwords are called so only where a sign follows.
const PASS: &[&str] = &["pass", "Pass", "passes", "pw"];

/// Looks at the lines of `range`; `writing` is what values without quotation marks are.
pub(super) fn scan(scan: &mut Scan, range: Range<usize>, writing: Writing) {
    static STEM: LazyLock<Regex> = LazyLock::new(|| {
        // A constant that the tests compile.
        Regex::new(STEMS).expect("a valid pattern")
    });
    scan.work += range.len();
    let text = scan.text;
    let mut at = range.start;
    let mut line_end = range.start;
    while let Some(hit) = STEM.find_at(&text[..range.end], at) {
        let name = name_around(text, hit.range(), at.max(range.start)..range.end);
        at = name.end.max(hit.end());
        let Some((name, promise)) = in_words(text, range.start, name) else { continue };
        if line_end < name.end {
            line_end = text[name.end..range.end].find(['\n', '\r']).map_or(range.end, |length| name.end + length);
        }
        let end = text.floor_char_boundary(line_end.min(name.end + MAX_QUOTED));
        let line = Line { text, start: range.start, end };
        if let Some((value, writing)) = line.value(&name, promise, writing) {
            scan.work += value.end - name.end;
            let (promise, value) = line.part_of_pair(&name, promise, value);
            if scan.offer_as(promise, &text[name], value.clone(), writing) {
                at = at.max(value.end);
            }
        }
    }
}

/// Longer values are cut. Only an opening quotation mark makes them so long, and what it encloses is read once.
const MAX_QUOTED: usize = 64 << 10;
const MAX_BARE: usize = 4 << 10;

/// The whole name that `hit` is a part of.
fn name_around(text: &str, hit: Range<usize>, within: Range<usize>) -> Range<usize> {
    let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let before = text[within.start..hit.start].trim_end_matches(is_of_name).len() + within.start;
    let behind = &text[hit.end..within.end];
    let end = hit.end + (behind.len() - behind.trim_start_matches(is_of_name).len());
    // A sentence may end with the name.
    let name = text[before..end].trim_end_matches(['.', '-']);
    before..before + name.len()
}

/// What a name promises. Of `API key` in a sentence the word before is a part.
fn in_words(text: &str, start: usize, name: Range<usize>) -> Option<(Range<usize>, Promise)> {
    let alone = promise(&text[name.clone()]);
    if matches!(alone, None | Some(Promise::Hint))
        && let Some(before) = text[start..name.start].strip_suffix(' ')
    {
        let word = before.len() - before.trim_end_matches(|c: char| c.is_alphanumeric() || c == '-').len();
        let whole = name.start - 1 - word..name.end;
        if let Some(promise) = promise(&text[whole.clone()]).filter(|_| word > 0) {
            return Some((whole, promise));
        }
    }
    Some((name, alone?))
}

struct Line<'t> {
    text: &'t str,
    /// Of the part that is read.
    start: usize,
    /// Of the line.
    end: usize,
}

impl Line<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied().filter(|_| at < self.end)
    }

    fn skip(&self, at: usize, skipped: impl Fn(u8) -> bool) -> usize {
        (at..self.end).find(|&at| self.byte(at).is_none_or(|byte| !skipped(byte))).unwrap_or(self.end)
    }

    fn blanks(&self, at: usize) -> usize {
        self.skip(at, |byte| matches!(byte, b' ' | b'\t'))
    }

    /// The value behind the name, and how it is written.
    fn value(&self, name: &Range<usize>, promise: Promise, writing: Writing) -> Option<(Range<usize>, Writing)> {
        let before = &self.text.as_bytes()[self.start..name.start];
        let is_option = self.text[name.clone()].starts_with('-');
        // `"x"`, `['x']`, `**x**`, `\"x\"`, but not `x.y` or `x(y)`.
        let closed =
            self.skip(name.end, |byte| matches!(byte, b'"' | b'\'' | b'`' | b']' | b'*' | b'\\')).min(name.end + 4);
        let at = self.blanks(closed);
        let rest = &self.text.as_bytes()[at..self.end];
        let is_given =
            matches!(rest.first(), Some(b'=' | b':' | b'(' | b'!' | b'?' | b'+')) || rest.starts_with(b"is ");
        let is_element = before.last() == Some(&b'<') || before.ends_with(b"</");
        let (at, writing) = match rest {
            [b'=', b'=' | b'>', ..]
            | [b'!', b'=', ..]
            | [b':', b'=' | b'-', ..]
            | [b'-', b'>', ..]
            | [b'?', b'=', ..]
            | [b'+', b'=', ..] => (at + 2, writing),
            // LDIF has two before what is encoded.
            [b':', b':', b' ', ..] => (at + 2, writing),
            [b':', b':', ..] => return None,
            // `PASSWORD  :role:`…``
            [b':', next, ..] if at > closed && !next.is_ascii_whitespace() => return None,
            // In a sentence `:` introduces something, also between names and types.
            [b':', ..] => (at + 1, if writing == Writing::Bare && closed != at { Writing::Prose } else { writing }),
            [b'=', ..] => (at + 1, writing),
            [b'>', ..] if is_element => (at + 1, Writing::Bare),
            // `PASSWORD('…')`, `set_password("…")`.
            [b'(', b'"' | b'\'', ..] => (at + 1, writing),
            [b'-', ..] if before.ends_with(b"${") => (at + 1, Writing::Bare),
            _ if is_option && closed == name.end => (at, Writing::Bare),
            // `"--password", "…"`, `define('DB_PASSWORD', '…')`
            [b',', ..] if closed > name.end => return self.second(at, name, before),
            // `aws configure set NAME VALUE`
            _ if before.ends_with(b"set ") && closed < at => (at, Writing::Bare),
            [b'i', b's', b' ', ..] => (at + 3, Writing::Prose),
            [b'w', b'a', b's', b' ', ..] | [b'i' | b'e', b's', b't', b' ', ..] => (at + 4, Writing::Prose),
            [b'l', b'a', b'u', b't', b'e', b't', b' ', ..] => (at + 7, Writing::Prose),
            [b'-', b' ', ..] if at > closed => (at + 2, Writing::Prose),
            [0xe2, 0x80 | 0x86, _, ..] if at > closed => (at + 3, Writing::Prose),
            // Of Redis's settings, which have no sign.
            _ if at > closed && &self.text[name.clone()] == "requirepass" && self.is_alone(name.start, at) => {
                (at, Writing::Bare)
            }
            // Here `pass` is a verb.
            _ if at > closed && PASS.contains(&&self.text[name.clone()]) => return None,
            [b'"' | b'\'' | b'`', ..] if at > closed => (at, Writing::Prose),
            _ if at > closed && promise == Promise::Password && writing == Writing::Prose => return self.bare_word(at),
            _ => return None,
        };
        // `name=value` without spaces, where it is no argument of a call.
        let is_pair =
            rest.starts_with(b"=") && closed == at - 1 && !matches!(before, [.., b'('] | [.., b',', b' '] | [.., b',']);
        let writing = if is_pair && writing == Writing::Prose { Writing::Bare } else { writing };
        self.literal(self.blanks(at), writing, is_given, before.last())
    }

    /// Whether the name at `start` begins its line, and one word at `at` ends it.
    fn is_alone(&self, start: usize, at: usize) -> bool {
        let before = self.text[self.start..start].trim_end_matches([' ', '\t']);
        let mut words = self.text[at..self.end].split_whitespace();
        (before.is_empty() || before.ends_with('\n')) && words.next().is_some() && words.next().is_none()
    }

    /// The string behind a string, where it is no other name in a list.
    fn second(&self, at: usize, name: &Range<usize>, before: &[u8]) -> Option<(Range<usize>, Writing)> {
        let open = self.blanks(at + 1);
        let (content, _) = quoted(self.text, open, self.end)?;
        let is_given = self.text[name.clone()].starts_with('-')
            || ["define(", "putenv(", "setenv(", "env("].iter().any(|call| {
                before
                    .strip_suffix(b"'")
                    .or(before.strip_suffix(b"\""))
                    .is_some_and(|before| before.ends_with(call.as_bytes()))
            });
        (is_given || !values::is_words(&self.text[content.clone()])).then_some((content, Writing::Literal))
    }

    /// In a sentence, right behind the name: only what no word is.
    fn bare_word(&self, at: usize) -> Option<(Range<usize>, Writing)> {
        let end = self.skip(at, |byte| !byte.is_ascii_whitespace());
        let word = self.text[at..end].trim_end_matches(['.', ',', ';', ':', ')', '!', '?', '"', '\'']);
        let classes = [
            word.contains(|c: char| c.is_ascii_digit()),
            word.contains(char::is_alphabetic),
            word.contains(['!', '@', '#', '$', '%', '&', '*', '+']),
        ];
        let is_one = word.len() >= 6
            && classes.iter().filter(|it| **it).count() >= 2
            && !word.contains(['(', '=', '[', '{', '/']);
        is_one.then_some((at..at + word.len(), Writing::Prose))
    }

    fn literal(
        &self,
        at: usize,
        writing: Writing,
        is_given: bool,
        before: Option<&u8>,
    ) -> Option<(Range<usize>, Writing)> {
        let at = self.blanks(at + http::scheme(&self.text[at..self.end]));
        let text = &self.text[at..self.end];
        // `<code>…</code>`
        let tag = text[..text.floor_char_boundary(16)]
            .find('>')
            .filter(|_| text.starts_with('<') && !text.starts_with("<redacted"));
        let at = at
            + tag.map_or(0, |end| if text[end + 1..].starts_with(|c: char| c.is_alphanumeric()) { end + 1 } else { 0 });
        let text = &self.text[at..self.end];
        // `\"…\"` in a string that holds JSON.
        if let Some(rest) = text.strip_prefix("\\\"") {
            return Some((at + 2..at + 2 + rest.find("\\\"").unwrap_or(rest.len()), Writing::Quoted));
        }
        let prefix = text.len() - text.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let is_prefix = prefix <= 2 && text[..prefix].chars().all(|c| "rbufRBUF$".contains(c));
        let of_string = if is_prefix { prefix } else { 0 };
        if text[of_string..].starts_with(['"', '\'', '`']) {
            let open = at + of_string;
            let quotes = self.skip(open, |byte| matches!(byte, b'"' | b'\'')) - open;
            // Three quotation marks, or two of reStructuredText.
            let first = match quotes {
                3.. => open + 2,
                _ if text[of_string..].starts_with("``") => open + 1,
                _ => open,
            };
            let (content, _) = quoted(self.text, first, self.end)?;
            let of_string = match writing {
                Writing::Bare => Writing::Quoted,
                Writing::Prose if is_given || text.starts_with('`') => Writing::Literal,
                writing => writing,
            };
            return Some((content, of_string));
        }
        // `SecretStr("…")`, `str = "…"`.
        let text = &text[..text.floor_char_boundary(MAX_BARE)];
        let word = text.len()
            - text.trim_start_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '[' | ']' | '|')).len();
        let behind = &text[word..];
        if behind.starts_with("(\"") || behind.starts_with("('") {
            let callee = text[..word].rsplit('.').next().unwrap_or_default();
            let is_wrapper = WRAPPERS.contains(&callee) || callee.starts_with(|c: char| c.is_uppercase());
            let (content, _) = quoted(self.text, at + word + 1, self.end)?;
            return is_wrapper.then_some((content, Writing::Literal));
        }
        let sign = self.blanks(at + word);
        let given = self.blanks(sign + 1);
        if word > 0 && self.byte(sign) == Some(b'=') && matches!(self.byte(given), Some(b'"' | b'\'')) {
            let (content, _) = quoted(self.text, given, self.end)?;
            return Some((content, writing));
        }
        let end = self.end_of_bare(at, before);
        let value = self.text[at..end].trim_end_matches(['.', ',', ';', '\\']);
        // A call or a subscript is code.
        let is_open = |open: char, close: char| value.contains(open) && !value.contains(close);
        let is_code = self.text[at + value.len()..self.end].starts_with(['(', '['])
            || is_open('(', ')')
            || is_open('[', ']')
            || value.starts_with('{');
        (!is_code && !value.is_empty()).then_some((at..at + value.len(), writing))
    }

    /// Where a value without quotation marks ends: at white space, at what closes what it stands in, before the next name.
    fn end_of_bare(&self, at: usize, before: Option<&u8>) -> usize {
        let in_query = matches!(before, Some(b'?' | b'&'));
        let end = self.text.floor_char_boundary(self.end.min(at + MAX_BARE));
        let mut next = at;
        while let Some(byte) = self.byte(next).filter(|_| next < end) {
            let ends = match byte {
                b' ' | b'\t' | b'"' | b'\'' | b'`' | b'<' | b'>' => true,
                b'\\' => matches!(self.byte(next + 1), Some(b'n' | b'r' | b't' | b'"')),
                b'&' | b'#' if in_query => true,
                b'&' | b',' | b';' | b'|' => self.is_before_name(next + 1),
                b')' | b']' | b'}' => self.byte(next + 1).is_none_or(|byte| !byte.is_ascii_alphanumeric()),
                _ => false,
            };
            if ends {
                break;
            }
            next += 1;
        }
        next
    }

    /// Whether a name with its sign follows, or nothing.
    fn is_before_name(&self, at: usize) -> bool {
        let end = self.skip(at, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')).min(at + 64);
        match self.byte(end) {
            Some(b'=' | b':') => end > at,
            Some(b' ' | b'"' | b'\'' | b'`' | b'&' | b'|') | None => end == at,
            _ => false,
        }
    }

    /// Of `user/password: bob/…` and `credentials: bob:…` only what is behind the user.
    fn part_of_pair(&self, name: &Range<usize>, promise: Promise, value: Range<usize>) -> (Promise, Range<usize>) {
        let before = self.text[self.start..name.start].trim_end();
        let is_second = ["/", ":", "&"].iter().any(|sign| {
            before.strip_suffix(sign).is_some_and(|rest| {
                ["user", "username", "login", "name", "id", "email", "User", "Username", "Login"]
                    .iter()
                    .any(|user| rest.trim_end().ends_with(user))
            })
        });
        let is_pair =
            is_second || matches!(promise, Promise::Token | Promise::Hint) && is_of_pair(&self.text[name.clone()]);
        let text = &self.text[value.clone()];
        match text.split_once([':', '/']) {
            Some((user, rest))
                if is_pair
                    && !user.is_empty()
                    && !is_date(user)
                    && rest.trim().len() >= 3
                    && !rest.starts_with('/') =>
            {
                (Promise::Password, value.end - rest.trim_start().len()..value.end)
            }
            Some(_) | None if is_pair => {
                // `bob / …`: the value goes on behind the sign.
                let at = self.blanks(value.end);
                match self.byte(at) {
                    Some(b'/' | b':') => {
                        let start = self.blanks(at + 1);
                        (Promise::Password, start..self.end_of_bare(start, None))
                    }
                    _ => (promise, value),
                }
            }
            _ => (promise, value),
        }
    }
}

/// `2026-01-13 00` of a date and a time.
fn is_date(text: &str) -> bool {
    text.len() >= 10 && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'T' | b' '))
}

/// Names whose value is a user and a password.
pub(super) fn is_of_pair(name: &str) -> bool {
    const PAIRS: &[&str] = &[
        "auth",
        "authentication",
        "login",
        "cred",
        "creds",
        "credential",
        "credentials",
        "account",
        "userpwd",
        "userpass",
        "user",
    ];
    crate::names::words(name).last().is_some_and(|word| PAIRS.contains(&&**word))
}

#[cfg(test)]
mod tests {
    use crate::grammar::Syntax;
    use crate::grammar::tests::check;

    #[test]
    fn names_and_values_on_a_line() {
        for text in [
            "the password is «hunter2».\n",
            "--password «hunter2» --all\n",
            "/x?api_key=«q8Zt3LmXv0RkJ7wP»\n",
            "user: bob, password: «hunter2»\n",
            "requirepass «letmein»\n",
            "The password is required.\n",
            "password := get()\n",
            "the last_login: 2012-01-13 00:14:00\n",
        ] {
            check(Syntax::Markup, text);
        }
    }
}

//! Cuts a text into the words that `o200k_base` encodes one by one.
//!
//! Its rule is a regular expression, of which the first alternative that fits decides:
//!
//! 1. letters, small ones after capitals, with at least one small one, a sign or space before them, and `'s` or the like after
//! 2. the same with at least one capital
//! 3. one to three digits
//! 4. signs, with a space before and line breaks and slashes after them
//! 5. white space up to the last line break in it
//! 6. white space, but not the last of it before something else
//! 7. white space

use std::sync::LazyLock;

use regex::Regex;

/// The first five alternatives; the others look at what follows.
static WORD: LazyLock<Regex> = LazyLock::new(|| {
    let word = concat!(
        r"\A(?:",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"|\p{N}{1,3}",
        r"| ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"|\s*[\r\n]+)",
    );
    // A constant, which the tests below use.
    Regex::new(word).expect("the expression is correct")
});

/// The words of `text`, which together are all of it.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_ascii = text.is_ascii();
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = if is_ascii { ascii_word(rest.as_bytes()) } else { word(rest) };
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

/// The end of the first word.
fn word(text: &str) -> usize {
    if let Some(found) = WORD.find(text) {
        return found.end();
    }
    let space = text.find(|c: char| !c.is_whitespace()).unwrap_or(text.len());
    let last = text[..space].chars().next_back().map_or(0, char::len_utf8);
    white_end(space, last, text.len())
}

/// The end of the white space that is a word, where all of it ends at `end`, the last of it is `last` bytes long, and the
/// text ends at `text`.
fn white_end(end: usize, last: usize, text: usize) -> usize {
    if end == text || end == last { end } else { end - last }
}

/// As [`word`], many times as fast, where every byte is a character.
fn ascii_word(text: &[u8]) -> usize {
    let run = |from: usize, is_in: fn(u8) -> bool| from + text[from..].iter().take_while(|&&byte| is_in(byte)).count();
    let (first, second) = (text[0], text.get(1).copied().unwrap_or(b'\n'));
    let has_prefix = !first.is_ascii_alphanumeric() && !is_break(first);
    if first.is_ascii_alphabetic() || has_prefix && second.is_ascii_alphabetic() {
        let letters = run(usize::from(has_prefix), |byte| byte.is_ascii_uppercase());
        let end = run(letters, |byte| byte.is_ascii_lowercase());
        return end + contraction(&text[end..]);
    }
    if first.is_ascii_digit() {
        return run(0, |byte| byte.is_ascii_digit()).min(3);
    }
    if is_sign(first) || first == b' ' && is_sign(second) {
        let end = run(1, is_sign);
        return run(end, |byte| is_break(byte) || byte == b'/');
    }
    let end = run(0, is_white);
    match text[..end].iter().rposition(|&byte| is_break(byte)) {
        Some(last) => last + 1,
        None => white_end(end, 1, text.len()),
    }
}

fn is_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

fn is_white(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

fn is_sign(byte: u8) -> bool {
    !is_white(byte) && !byte.is_ascii_alphanumeric()
}

/// The length of what a contraction adds.
fn contraction(text: &[u8]) -> usize {
    let small = |at: usize| text.get(at).map_or(0, u8::to_ascii_lowercase);
    match (text.first(), small(1), small(2)) {
        (Some(b'\''), b's' | b't' | b'm' | b'd', _) => 2,
        (Some(b'\''), b'r' | b'v', b'e') | (Some(b'\''), b'l', b'l') => 3,
        _ => 0,
    }
}

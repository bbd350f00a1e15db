//! How many tokens a text is.

use std::hash::BuildHasher;

use rustc_hash::{FxBuildHasher, FxHashMap};
use tiktoken_rs::o200k_base_singleton;

/// Bytes that are counted in one go. The tokenizer's regular expression may give up on megabytes of white space, and
/// its merging is quadratic in one long word; pieces of this size are safe.
const PIECE: usize = 16 * 1024;

/// The number of `o200k_base` tokens of `text`. Special tokens such as `<|endoftext|>` count as the plain text they are.
/// Exact as long as no line is longer than 16 KiB; such a line may count a token more per 16 KiB.
///
/// The first call builds the vocabulary, which takes a noticeable fraction of a second: see [`warm_up`].
pub fn count_tokens(text: &str) -> usize {
    pieces(text, PIECE).map(|piece| o200k_base_singleton().count_ordinary(piece)).sum()
}

/// Builds the vocabulary; worth a background thread at start.
pub fn warm_up() {
    count_tokens("");
}

/// Cuts `text` where no token can lie across: before a line with code on it. A token may hold several line breaks, but
/// the indentation of code always starts a new one (only a slash is drawn to the line break before it).
fn pieces(text: &str, size: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    let mut done = false;
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        if rest.len() <= size {
            done = true;
            return Some(rest);
        }
        // A character is at most four bytes, so a cut at one of them leaves no empty piece.
        let window = &rest[..rest.floor_char_boundary(size.max(4))];
        let cut = window.rmatch_indices('\n').map(|(at, _)| at + 1).find(|&at| {
            let line = rest[at..].trim_start_matches(|c: char| c.is_whitespace() && !matches!(c, '\r' | '\n'));
            line.starts_with(|c: char| !c.is_whitespace() && c != '/')
        });
        let (piece, after) = rest.split_at(cut.unwrap_or(window.len()));
        rest = after;
        Some(piece)
    })
}

/// Counts, and remembers within one request.
#[derive(Default)]
pub(crate) struct Counter {
    /// By the text's hash and length.
    counts: FxHashMap<(u64, usize), usize>,
}

impl Counter {
    pub(crate) fn count(&mut self, text: &str) -> usize {
        let key = (FxBuildHasher.hash_one(text), text.len());
        *self.counts.entry(key).or_insert_with(|| count_tokens(text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_counts() {
        assert_eq!(count_tokens(""), 0);
        assert_eq!(count_tokens("hello world"), 2);
        assert!(count_tokens("<|endoftext|>") > 1, "text of a file is never a special token");
    }

    #[test]
    fn enormous_lines_are_counted() {
        assert!(count_tokens(&" ".repeat(3_000_000)) > 100);
        assert!(count_tokens(&"aé😀".repeat(200_000)) > 100_000);
    }

    proptest! {
        #[test]
        fn pieces_count_as_the_whole(
            parts in prop::collection::vec(
                prop::sample::select(vec!["def f():", "x = [1,", "\n", "\n\n", "    ", "\t", "\r\n", "é", "#", "a /", "\u{c}"]),
                0..60,
            ),
            size in 4usize..40,
        ) {
            let text = parts.concat();
            prop_assert_eq!(pieces(&text, size).collect::<String>(), text.as_str());
            let has_long_line = text.split_inclusive('\n').any(|line| line.len() > size / 2);
            let has_long_gap = text.split(|c: char| !c.is_whitespace()).any(|gap| gap.len() > size / 2);
            if !has_long_line && !has_long_gap {
                let whole = o200k_base_singleton().count_ordinary(&text);
                let sum: usize = pieces(&text, size).map(|piece| o200k_base_singleton().count_ordinary(piece)).sum();
                prop_assert_eq!(sum, whole);
            }
        }
    }
}

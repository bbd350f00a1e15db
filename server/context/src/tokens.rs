//! How many tokens a text is.

mod layout;
mod split;
mod vocabulary;

use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::{FxBuildHasher, FxHashMap};

/// The number of `o200k_base` tokens of `text`. Special tokens such as `<|endoftext|>` count as the plain text they are.
pub fn count_tokens(text: &str) -> usize {
    lines(text).flat_map(split::words).map(|word| vocabulary::count(word.as_bytes())).sum()
}

/// Cuts `text` where no token can lie across: before lines with code on them. A token may hold several line breaks, but
/// the indentation of code always starts a new one (only a slash is drawn to the line break before it).
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let cut = rest.match_indices('\n').map(|(at, _)| at + 1).find(|&at| {
            let line = rest[at..].trim_start_matches(|c: char| c.is_whitespace() && !matches!(c, '\r' | '\n'));
            line.starts_with(|c: char| !c.is_whitespace() && c != '/')
        });
        let (line, after) = rest.split_at(cut.unwrap_or(rest.len()));
        rest = after;
        Some(line)
    })
}

/// Counts, and remembers by content what it counted; clones remember together. A workspace keeps one from index to index,
/// so that after an edit only what changed is counted.
#[derive(Clone, Default)]
pub(crate) struct Counter(Arc<Mutex<Counts>>);

/// By the text's hash and length.
type Counts = FxHashMap<(u64, usize), usize>;

/// More texts than this are those of many edits, most of them gone.
const MAX_COUNTS: usize = 200_000;

impl Counter {
    pub(crate) fn count(&self, text: &str) -> usize {
        let key = (FxBuildHasher.hash_one(text), text.len());
        // A map of numbers is never half-changed.
        let counts = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = counts().get(&key).copied();
        known.unwrap_or_else(|| {
            let count = count_tokens(text);
            let mut counts = counts();
            if counts.len() >= MAX_COUNTS {
                counts.clear();
            }
            counts.insert(key, count);
            count
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tiktoken_rs::o200k_base_singleton;

    use super::*;

    #[test]
    fn known_counts() {
        assert_eq!(count_tokens(""), 0);
        assert_eq!(count_tokens("hello world"), 2);
        assert!(count_tokens("<|endoftext|>") > 1, "text of a file is never a special token");
    }

    #[test]
    fn what_was_counted_is_remembered() {
        let counter = Counter::default();
        for text in ["a b", "a  b", "a b", ""] {
            assert_eq!(counter.clone().count(text), count_tokens(text));
        }
        assert_eq!(counter.0.lock().unwrap().len(), 3);
    }

    #[test]
    fn enormous_lines_are_counted() {
        assert!(count_tokens(&" ".repeat(3_000_000)) > 100);
        assert!(count_tokens(&"aé😀".repeat(200_000)) > 100_000);
        assert!(count_tokens(&"x".repeat(1_000_000)) > 1_000);
    }

    /// Real texts: this crate's, and those that the graph's specifications are.
    #[test]
    fn files_count_as_with_tiktoken() {
        let folders = ["src", "../graph/src", "../../fixtures/specs", "../../docs"];
        let mut files = 0;
        for folder in folders {
            for entry in std::fs::read_dir(folder).expect("the folder is there") {
                let Ok(text) = std::fs::read_to_string(entry.expect("it can be read").path()) else { continue };
                assert_eq!(count_tokens(&text), o200k_base_singleton().count_ordinary(&text));
                files += 1;
            }
        }
        assert!(files > 30);
    }

    const PARTS: &[&str] = &[
        "def f():",
        "x = [1,",
        "HTTPServer",
        "getURL",
        "I'll",
        "it's",
        "'",
        "'RE",
        "1234567",
        " 12",
        "\n",
        "\n\n",
        " ",
        "    ",
        "\t",
        "\r\n",
        "\r",
        "\u{b}",
        "\u{c}",
        "é",
        "ſ",
        "Ǆ",
        "ʰ",
        "日本",
        "e\u{301}",
        "٣",
        "½",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "#",
        "a /",
        "/",
        "//",
        "-->",
        "😀",
        "_",
        "\u{1c}",
        "\0",
        "antidisestablishment",
        "zqxjkv",
        "<|endoftext|>",
    ];

    proptest! {
        #[test]
        fn counts_are_those_of_tiktoken(parts in prop::collection::vec(prop::sample::select(PARTS), 0..40)) {
            let text = parts.concat();
            prop_assert_eq!(lines(&text).collect::<String>(), text.as_str());
            prop_assert_eq!(count_tokens(&text), o200k_base_singleton().count_ordinary(&text), "{:?}", text);
        }

        #[test]
        fn so_are_those_of_any_text(text in "(\\PC|\\s|[a-zA-Z0-9' /]){0,60}") {
            prop_assert_eq!(count_tokens(&text), o200k_base_singleton().count_ordinary(&text), "{:?}", text);
        }
    }
}

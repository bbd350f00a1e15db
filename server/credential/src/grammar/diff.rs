//! Unified diffs: each file's part is read by its own grammar. The signs in the first column disturb none of them.

use std::ops::Range;

use super::{Syntax, lines};

/// The parts of a diff; nothing where `text` is none.
pub(super) fn parts(text: &str, range: Range<usize>) -> Vec<(Range<usize>, Syntax)> {
    let mut parts: Vec<(Range<usize>, Syntax)> = Vec::new();
    let part = &text[range.clone()];
    if !(part.starts_with("diff --git ") || part.starts_with("--- ") || part.contains("\n+++ ")) {
        return parts;
    }
    let mut start = range.start;
    let mut syntax = Syntax::Markup;
    for line in lines(text, range.clone()) {
        let content = &text[line.clone()];
        let Some(path) = content.strip_prefix("+++ ").or(content.strip_prefix("--- ")) else { continue };
        let path = path.split('\t').next().unwrap_or(path).trim();
        if path == "/dev/null" {
            continue;
        }
        parts.push((start..line.start, syntax));
        (start, syntax) = (line.end, Syntax::of_path(path));
    }
    parts.push((start..range.end, syntax));
    parts.retain(|(range, _)| !range.is_empty());
    parts
}

//! Two texts → the edits between them.

use similar::{Algorithm, DiffTag, TextDiff};
use syntax::{TextEdit, TextRange, TextSize};

/// Edits of `old` that make `new`: whole lines are compared, and of lines that differ only what differs is replaced. In
/// the order of the text.
pub(crate) fn difference(old: &str, new: &str) -> Vec<TextEdit> {
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).diff_lines(old, new);
    let old_starts = line_starts(diff.old_slices());
    let new_starts = line_starts(diff.new_slices());
    let mut edits = Vec::new();
    // The lines that are done, and those before the change that is being gathered. The steps' own indices cannot be used:
    // those of insertions are wrong where the algorithm has moved them.
    let (mut old_line, mut new_line) = (0, 0);
    let (mut old_same, mut new_same) = (0, 0);
    let steps = diff.ops().iter().map(|op| (op.tag() == DiffTag::Equal, op.old_range().len(), op.new_range().len()));
    for (is_same, old_lines, new_lines) in steps.chain([(true, 0, 0)]) {
        if is_same && (old_same, new_same) != (old_line, new_line) {
            let replaced = &old[old_starts[old_same]..old_starts[old_line]];
            edits.push(trimmed(old_starts[old_same], replaced, &new[new_starts[new_same]..new_starts[new_line]]));
        }
        (old_line, new_line) = (old_line + old_lines, new_line + new_lines);
        if is_same {
            (old_same, new_same) = (old_line, new_line);
        }
    }
    edits
}

/// Replaces `old`, which begins at `start`, by `new`, without what both begin and end with.
fn trimmed(start: usize, old: &str, new: &str) -> TextEdit {
    let mut prefix: usize = old.chars().zip(new.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    // No editor likes an edit between `\r` and `\n`.
    if splits_line_break(old, prefix) || splits_line_break(new, prefix) {
        prefix -= 1;
    }
    let (old_rest, new_rest) = (&old[prefix..], &new[prefix..]);
    let backwards = old_rest.chars().rev().zip(new_rest.chars().rev());
    let mut suffix: usize = backwards.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    if splits_line_break(old_rest, old_rest.len() - suffix) || splits_line_break(new_rest, new_rest.len() - suffix) {
        suffix -= 1;
    }
    let range = TextRange::new(size(start + prefix), size(start + old.len() - suffix));
    TextEdit::replace(range, &new_rest[..new_rest.len() - suffix])
}

fn splits_line_break(text: &str, at: usize) -> bool {
    text[..at].ends_with('\r') && text[at..].starts_with('\n')
}

/// Where each line begins, and where the last one ends.
fn line_starts(lines: &[&str]) -> Vec<usize> {
    let ends = lines.iter().scan(0, |end, line| {
        *end += line.len();
        Some(*end)
    });
    std::iter::once(0).chain(ends).collect()
}

fn size(offset: usize) -> TextSize {
    // Texts are far smaller than 4 GiB (`syntax::MAX_FILE_BYTES`).
    TextSize::new(offset as u32)
}

#[cfg(test)]
mod tests {
    use syntax::apply_edits;

    use super::*;

    fn check(old: &str, new: &str, expected: &[(u32, u32, &str)]) {
        let edits = difference(old, new);
        assert_eq!(apply_edits(old, &edits).as_deref(), Ok(new));
        let found: Vec<(u32, u32, &str)> =
            edits.iter().map(|edit| (edit.range.start().into(), edit.range.end().into(), edit.text.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn only_what_differs_is_replaced() {
        check("a\nb\nc\n", "a\nb\nc\n", &[]);
        check("import os\nimport re\nx\n", "import re\nx\n", &[(0, 10, "")]);
        check("x = None == y\n", "x = None is y\n", &[(9, 11, "is")]);
        check("é = 1\nß\n", "é = 2\nß\n", &[(5, 6, "2")]);
        check("a", "a\n", &[(1, 1, "\n")]);
        check("a1\nb\nc1\n", "a2\nb\nc2\n", &[(1, 2, "2"), (6, 7, "2")]);
    }

    #[test]
    fn moved_lines() {
        let old = "import here\nfrom typing import List\nimport os\nimport requests\nimport abc\n\nclass Old: ...\n";
        let new =
            "import abc\nimport os\nfrom typing import List\n\nimport requests\n\nimport here\n\n\nclass Old: ...\n";
        let edits = difference(old, new);
        assert_eq!(apply_edits(old, &edits).as_deref(), Ok(new));
    }

    #[test]
    fn line_breaks_are_not_split() {
        check("a\r\nb\r\n", "a\nb\r\n", &[(1, 3, "\n")]);
        check("a\rb", "a\r\nb", &[(1, 2, "\r\n")]);
        check("a\r\n\r\nb\r\n", "a\r\nb\r\n", &[(3, 5, "")]);
    }
}

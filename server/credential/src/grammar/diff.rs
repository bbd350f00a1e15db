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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::tests::check;

    #[test]
    fn each_file_is_read_by_its_own_grammar() {
        let text = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n+x = 1\n--- /dev/null\n+++ b/y.yml\n@@ -0,0 +1 @@\n+a: b\n";
        let syntaxes: Vec<Syntax> = parts(text, 0..text.len()).into_iter().map(|(_, syntax)| syntax).collect();
        assert_eq!(syntaxes, [Syntax::Python, Syntax::Python, Syntax::Yaml]);
        assert!(parts("a: b\n", 0..5).is_empty());
        check(Syntax::Markup, "--- a/y.yml\n+++ b/y.yml\n@@ -1 +1 @@\n+password: «letmein»\n a: b\n");
    }
}

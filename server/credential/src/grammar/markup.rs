//! Markdown, reStructuredText and plain text: code blocks are read by what they hold, tables by their columns, and of the
//! rest the lines that are a name and a value.

use std::ops::Range;

use super::{Scan, Syntax, Writing, csv, diff, indentation, lines, netrc};
use crate::promises::{Promise, promise};

pub(super) fn scan(scan: &mut Scan, range: Range<usize>) {
    let text = scan.text;
    let parts = diff::parts(text, range.clone());
    if !parts.is_empty() {
        for (part, syntax) in parts {
            match syntax {
                Syntax::Markup | Syntax::Unknown => prose(scan, part),
                _ => scan.part(part, syntax),
            }
        }
        return;
    }
    prose(scan, range);
}

fn prose(scan: &mut Scan, range: Range<usize>) {
    let text = scan.text;
    let mut block = Block::None;
    let mut columns: Vec<&str> = Vec::new();
    let mut rows: Option<(u8, Vec<&str>)> = None;
    for line in lines(text, range.clone()) {
        scan.work += line.len();
        let content = &text[line.clone()];
        let trimmed = content.trim_start();
        let indent = content.len() - trimmed.len();
        match block {
            Block::Fenced { mark, syntax, start } => {
                if trimmed.starts_with(mark) && trimmed.trim_end().trim_matches(['`', '~']).is_empty() {
                    scan.part(start..line.start, syntax);
                    block = Block::None;
                }
                continue;
            }
            Block::Indented { syntax, start, depth } => {
                if trimmed.is_empty() || indent > depth {
                    continue;
                }
                scan.part(start..line.start, syntax);
                block = Block::None;
            }
            Block::None => {}
        }
        let next = (line.end + 1).min(range.end);
        if let Some(mark) = ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark)) {
            block =
                Block::Fenced { mark, syntax: Syntax::of_label(trimmed.trim_start_matches(['`', '~'])), start: next };
        } else if let Some(label) = directive(trimmed) {
            block = Block::Indented { syntax: Syntax::of_label(label), start: next, depth: indent };
        } else if trimmed.ends_with("::") && !trimmed.starts_with("..") {
            block = Block::Indented { syntax: Syntax::Unknown, start: next, depth: indent };
        } else if trimmed.starts_with('|') || columns_of_grid(trimmed) {
            table(scan, line, &mut columns);
        } else {
            columns.clear();
            if let Some((separator, names)) = &rows
                && csv::cells(text, line.clone(), *separator).count() == names.len()
            {
                csv::row(scan, line, *separator, names);
                continue;
            }
            rows = csv::header(text, line.clone());
            if netrc::is_entry(content) {
                netrc::scan(scan, line);
            } else {
                setting(scan, line);
            }
        }
    }
    match block {
        // Cut off.
        Block::Fenced { syntax, start, .. } | Block::Indented { syntax, start, .. } => {
            scan.part(start..range.end, syntax)
        }
        Block::None => {}
    }
}

enum Block {
    None,
    Fenced {
        mark: &'static str,
        syntax: Syntax,
        start: usize,
    },
    /// Up to a line that is indented no more than `depth`.
    Indented {
        syntax: Syntax,
        start: usize,
        depth: usize,
    },
}

/// `.. code-block:: yaml`
fn directive(line: &str) -> Option<&str> {
    let rest = line.strip_prefix(".. ")?;
    ["code-block::", "code::", "sourcecode::", "literalinclude::", "parsed-literal::", "highlight::"]
        .iter()
        .find_map(|name| rest.strip_prefix(name))
}

fn columns_of_grid(line: &str) -> bool {
    line.matches(" | ").count() >= 2
}

/// A row of a table: under a column that promises something, or behind a cell that does.
fn table<'t>(scan: &mut Scan<'t>, line: Range<usize>, columns: &mut Vec<&'t str>) {
    let text = scan.text;
    let cells: Vec<Range<usize>> = csv::cells(text, line, b'|').collect();
    let bare = |cell: &Range<usize>| text[cell.clone()].trim().trim_matches(['`', '*', '"', '\'']);
    if columns.is_empty() {
        *columns = cells.iter().map(bare).collect();
    }
    let mut before: Option<&str> = None;
    for (number, cell) in cells.iter().enumerate() {
        let value = bare(cell);
        let start = cell.start + text[cell.clone()].find(value).unwrap_or(0);
        let of_column = columns
            .get(number)
            .copied()
            .filter(|name| *name != value && promise(name).is_some_and(|promise| promise < Promise::Hint));
        let is_setting = |name: &&str| !name.contains(' ') || name.split(' ').count() <= 3;
        // Only what no word is: the other columns say what something is for.
        let writing = if text[cell.clone()].contains('`') { Writing::Quoted } else { Writing::Prose };
        if let Some(name) = of_column {
            scan.offer(name, start..start + value.len(), Writing::Bare);
        } else if let Some(name) = before.filter(is_setting) {
            scan.offer(name, start..start + value.len(), writing);
        }
        before = Some(value);
    }
}

/// A line that is a name and one word: `* **Password**: …`, `Passphrase = …`.
pub(super) fn setting(scan: &mut Scan, line: Range<usize>) {
    let text = scan.text;
    let content = &text[line.clone()];
    if content.len() > 512 || indentation(content) > 64 {
        return;
    }
    let trimmed = content.trim_start_matches([' ', '\t', '*', '-', '+', '>', '#', '$', '\u{2022}']);
    let Some(sign) = trimmed.find([':', '=', '\u{ff1a}']) else { return };
    let name = trimmed[..sign].trim_matches(['*', '_', '`', ' ', '"', '\'']);
    let behind = trimmed[sign..].trim_start_matches([':', '=', '>', '*', '_', ' ', '\t', '\u{ff1a}']);
    let value = behind.trim_end().trim_matches(['`', '*', '"', '\'']);
    // `from x import password: …` is none, nor is `:param password: …`.
    if name.split_whitespace().count() > 4
        || trimmed.starts_with(':')
        || value.is_empty()
        || value.contains(char::is_whitespace)
    {
        return;
    }
    if value.starts_with('{') || value.contains(['(', '[', '{']) && value.ends_with([')', ']', '}', ',', ':']) {
        return;
    }
    let start = line.end - behind.len() + behind.find(value).unwrap_or(0);
    let words: Vec<&str> = name.split_whitespace().collect();
    // `Password for the staging server: …`
    let word = || words.iter().copied().find(|word| promise(word).is_some());
    if let Some(name) = promise(name).map(|_| name).or_else(word) {
        scan.offer(name, start..start + value.len(), Writing::Bare);
    }
}

#[cfg(test)]
mod tests {
    use crate::grammar::Syntax;
    use crate::grammar::tests::check;

    #[test]
    fn blocks_tables_and_settings() {
        for text in [
            "# Set up\n\n```yaml\ndb:\n  password: «letmein»\n```\n",
            "See::\n\n    [db]\n    password = «hunter2»\n\nThen go on.\n",
            "| user | password |\n|---|---|\n| bob | «hunter2» |\n",
            "* **Password**: «hunter2»\n",
            "Users:\n\nuser,password\nbob,«letmein»\n\nEnd, of it.\n",
            "machine api.local login bob password «letmein»\n",
            "Words about a password, and about others.\nMore, and more.\n",
        ] {
            check(Syntax::Markup, text);
        }
    }
}

//! Statements that make users, and rows with a column for passwords.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{Scan, Writing, quoted};
use crate::promises::Promise;

pub(super) fn scan(scan: &mut Scan, range: Range<usize>) {
    static IDENTIFIED: LazyLock<Regex> = LazyLock::new(|| {
        // A constant that the tests compile.
        Regex::new(r#"(?i-u)\b(?:identified\s{1,9}(?:with\s{1,9}[!-~]{1,64}\s{1,9})?(?:by|as)(?:\s{1,9}password)?|(?:with|encrypted|set|role\s{1,9}[!-~]{1,64}|user\s{1,9}[!-~]{1,64})\s{1,9}password(?:\s{1,9}=)?)\s{1,9}["']"#).expect("a valid pattern")
    });
    static ROWS: LazyLock<Regex> = LazyLock::new(|| {
        // As above.
        Regex::new(r"(?i)(?-u:\b)insert\s{1,9}into\s{1,9}[!-~]{1,128}?\s{0,9}\(([^()]{1,512})\)\s{0,9}values\s{0,9}")
            .expect("a valid pattern")
    });
    let text = scan.text;
    let part = &text[range.clone()];
    for found in IDENTIFIED.find_iter(part) {
        if let Some((value, _)) = quoted(text, range.start + found.end() - 1, range.end) {
            scan.offer_as(Promise::Password, "password", value, Writing::Quoted);
        }
    }
    let mut read_up_to = range.start;
    for captures in ROWS.captures_iter(part) {
        let (Some(whole), Some(columns)) = (captures.get(0), captures.get(1)) else { continue };
        let columns: Vec<&str> =
            columns.as_str().split(',').map(|name| name.trim_matches([' ', '"', '`', '[', ']', '\n'])).collect();
        let start = range.start + whole.end();
        // A bracket that is not closed reaches over the statements behind it, each of which is read once more.
        let length = if start < read_up_to { MAX_ROWS / 16 } else { MAX_ROWS };
        let end = text.floor_char_boundary(range.end.min(start + length));
        read_up_to = read_up_to.max(rows(scan, start..end, &columns));
    }
}

/// Bytes that are read of the rows of one statement.
const MAX_ROWS: usize = 64 << 10;

/// The rows `(…), (…)` at the start of `range`. Returns where reading ended.
fn rows(scan: &mut Scan, range: Range<usize>, columns: &[&str]) -> usize {
    let text = scan.text;
    let (mut at, mut column, mut is_open) = (range.start, 0, false);
    while at < range.end {
        scan.work += 1;
        match text.as_bytes()[at] {
            b'(' => (is_open, column) = (true, 0),
            b')' => is_open = false,
            b',' => column += usize::from(is_open),
            b'\'' | b'"' if is_open => {
                let Some((value, end)) = quoted(text, at, range.end) else { return at };
                if let Some(name) = columns.get(column) {
                    scan.offer(name, value, Writing::Quoted);
                }
                at = end;
                continue;
            }
            byte if byte.is_ascii_whitespace() || is_open => {}
            // Whatever follows the rows.
            _ => return at,
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use crate::grammar::Syntax;
    use crate::grammar::tests::check;

    #[test]
    fn users_and_rows() {
        for text in [
            "CREATE USER bob IDENTIFIED BY '«hunter2»';\n",
            "ALTER ROLE bob WITH PASSWORD '«hunter2»';\n",
            "INSERT INTO users (name, password) VALUES ('bob', '«hunter2»'), ('eve', '«letmein»');\n",
            "SELECT password FROM users WHERE name = 'bob';\n",
        ] {
            check(Syntax::Markup, text);
        }
    }
}

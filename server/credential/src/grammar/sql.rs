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
        Regex::new(r"(?i)\binsert\s{1,9}into\s{1,9}[!-~]{1,128}?\s{0,9}\(([^()]{1,512})\)\s{0,9}values\s{0,9}")
            .expect("a valid pattern")
    });
    let text = scan.text;
    let part = &text[range.clone()];
    for found in IDENTIFIED.find_iter(part) {
        if let Some((value, _)) = quoted(text, range.start + found.end() - 1, range.end) {
            scan.offer_as(Promise::Password, "password", value, Writing::Quoted);
        }
    }
    for captures in ROWS.captures_iter(part) {
        let (Some(whole), Some(columns)) = (captures.get(0), captures.get(1)) else { continue };
        let columns: Vec<&str> =
            columns.as_str().split(',').map(|name| name.trim_matches([' ', '"', '`', '[', ']', '\n'])).collect();
        rows(scan, range.start + whole.end()..range.end, &columns);
    }
}

/// The rows `(…), (…)` at the start of `range`.
fn rows(scan: &mut Scan, range: Range<usize>, columns: &[&str]) {
    let text = scan.text;
    let (mut at, mut column, mut is_open) = (range.start, 0, false);
    while at < range.end {
        scan.work += 1;
        match text.as_bytes()[at] {
            b'(' => (is_open, column) = (true, 0),
            b')' => is_open = false,
            b',' => column += usize::from(is_open),
            b'\'' | b'"' if is_open => {
                let Some((value, end)) = quoted(text, at, range.end) else { return };
                if let Some(name) = columns.get(column) {
                    scan.offer(name, value, Writing::Quoted);
                }
                at = end;
                continue;
            }
            byte if byte.is_ascii_whitespace() || is_open => {}
            // Whatever follows the rows.
            _ => return,
        }
        at += 1;
    }
}

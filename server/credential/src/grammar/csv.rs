//! Tables: the first line names the columns.

use std::ops::Range;

use super::{Scan, Writing, json, lines};
use crate::promises::{Promise, promise};

pub(super) fn scan(scan: &mut Scan, range: Range<usize>) {
    let text = scan.text;
    let mut rows = lines(text, range).filter(|line| !text[line.clone()].trim().is_empty());
    let Some(header) = rows.next() else { return };
    let first = &text[header.clone()];
    let separator = [b'\t', b';', b'|', b',']
        .into_iter()
        .max_by_key(|&sign| first.bytes().filter(|&byte| byte == sign).count())
        .unwrap_or(b',');
    let names: Vec<&str> = cells(text, header.clone(), separator).map(|cell| text[cell].trim()).collect();
    // A table without names begins with its first row.
    row(scan, header, separator, &[]);
    for line in rows {
        row(scan, line, separator, &names);
    }
}

/// The separator and the columns, where a line of any text looks like the first of a table that holds secrets.
pub(super) fn header(text: &str, line: Range<usize>) -> Option<(u8, Vec<&str>)> {
    let content = &text[line.clone()];
    if content.len() > 512 {
        return None;
    }
    let separator = [b'\t', b';', b','].into_iter().find(|&sign| content.as_bytes().contains(&sign))?;
    let names: Vec<&str> = cells(text, line, separator).map(|cell| text[cell].trim_end()).collect();
    // In a sentence white space follows a comma.
    let is_name = |name: &&str| {
        name.starts_with(char::is_alphabetic)
            && name.len() <= 40
            && name.split(' ').count() <= 3
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' '))
    };
    let is_secret = names.iter().any(|name| promise(name).is_some_and(|promise| promise < Promise::Hint))
        || names.iter().any(|name| json::is_label(name)) && names.iter().any(|name| json::is_content(name));
    (names.len() >= 2 && is_secret && names.iter().all(is_name)).then_some((separator, names))
}

pub(super) fn row(scan: &mut Scan, line: Range<usize>, separator: u8, names: &[&str]) {
    let text = scan.text;
    scan.work += line.len();
    let mut before: Option<&str> = None;
    for (column, cell) in cells(text, line, separator).enumerate() {
        let of_column =
            names.get(column).copied().filter(|name| promise(name).is_some_and(|promise| promise < Promise::Hint));
        // Settings as rows: `DB_PASSWORD,…`.
        let name = of_column.or(before.take().filter(|name| !name.contains(' ')));
        if let Some(name) = name {
            scan.offer(name, cell.clone(), Writing::Quoted);
        }
        before = Some(text[cell].trim());
    }
}

/// The cells of a line, without quotation marks.
pub(super) fn cells(text: &str, line: Range<usize>, separator: u8) -> impl Iterator<Item = Range<usize>> + '_ {
    let bytes = &text.as_bytes()[..line.end];
    let mut at = Some(line.start);
    std::iter::from_fn(move || {
        let start = at?;
        let mut end = start;
        let mut is_quoted = false;
        while let Some(&byte) = bytes.get(end) {
            match byte {
                b'"' => is_quoted = !is_quoted,
                _ if byte == separator && !is_quoted => break,
                _ => {}
            }
            end += 1;
        }
        at = (end < line.end).then_some(end + 1);
        let is_quoted = end >= start + 2 && bytes[start] == b'"' && bytes[end - 1] == b'"';
        Some(if is_quoted { start + 1..end - 1 } else { start..end })
    })
}

#[cfg(test)]
mod tests {
    use crate::grammar::Syntax;
    use crate::grammar::tests::check;

    #[test]
    fn columns_and_rows_name_their_values() {
        for text in [
            "user,mail,password\nbob,b@x,«hunter2»\neve,e@x,«letmein»\n",
            "user;token\nbob;\"«q8Zt3LmXv0RkJ7wP»\"\n",
            "user\tpassword\nbob\t«hunter2»\n",
            "name,value\nHOST,a\nDB_PASSWORD,«hunter2»\n",
            "a,b\n1,2\n",
        ] {
            check(Syntax::Csv, text);
        }
    }
}

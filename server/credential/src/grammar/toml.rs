//! TOML: tables, keys, strings of several lines, inline tables and arrays.

use std::ops::Range;

use super::{Scan, Writing, json, lines};
use crate::promises::{Promise, promise};

pub(super) fn scan(scan: &mut Scan, range: Range<usize>) {
    let text = scan.text;
    let mut table: Option<&str> = None;
    let mut read_up_to = range.start;
    for line in lines(text, range.clone()) {
        if line.start < read_up_to {
            continue;
        }
        scan.work += line.len();
        let content = text[line.clone()].trim_start_matches([' ', '\t', '+', '-']).trim_end();
        let start = line.end - text[line.clone()].trim_start_matches([' ', '\t', '+', '-']).len();
        if content.starts_with('[') && content.ends_with(']') {
            let name = content.trim_matches(['[', ']', ' ', '"']);
            let last = name.rsplit('.').next().unwrap_or(name);
            table = promise(last).filter(|promise| *promise < Promise::Hint).map(|_| last);
            continue;
        }
        // What is commented out was one once.
        let bare = content.trim_start_matches(['#', ' ']);
        let start = start + (content.len() - bare.len());
        let Some(sign) = bare.find('=') else { continue };
        let name = bare[..sign].trim().trim_matches(['"', '\'']);
        let behind = start + sign + 1;
        let at = behind + (text[behind..line.end].len() - text[behind..line.end].trim_start().len());
        if name.contains(['(', '{', ',']) {
            continue;
        }
        read_up_to = self::value(scan, name, table, at, line.end, range.end).max(line.end);
    }
}

/// Reads what `name` is given. Returns where it ends.
pub(super) fn value<'t>(
    scan: &mut Scan<'t>,
    name: &'t str,
    collection: Option<&'t str>,
    at: usize,
    line_end: usize,
    end: usize,
) -> usize {
    let text = scan.text;
    let rest = &text[at.min(line_end)..line_end];
    let triple = ["\"\"\"", "'''"].into_iter().find(|mark| rest.starts_with(mark));
    let (value, writing, after) = if let Some(mark) = triple {
        let start = at + 3;
        let close = text[start..end].find(mark).map_or(end, |length| start + length);
        scan.work += close - start;
        (start..close, Writing::Quoted, (close + 3).min(end))
    } else if rest.starts_with(['{', '[']) {
        // Not further than a table of that kind goes on.
        let within = text.floor_char_boundary(end.min(at + (64 << 10)));
        let known = collection.filter(|collection| json::is_of_collection(collection, name)).unwrap_or(name);
        scan.work += line_end - at;
        return json::value(scan, at, within, Some(known));
    } else if let Some((content, after)) = super::quoted(text, at, line_end) {
        (content, Writing::Quoted, after)
    } else {
        let length = rest.find(" #").unwrap_or(rest.len());
        (at..at + length, Writing::Bare, line_end)
    };
    let name = if name.is_empty() { "" } else { name };
    if !scan.offer(name, value.clone(), writing)
        && let Some(collection) = collection.filter(|collection| json::is_of_collection(collection, name))
    {
        scan.offer(collection, value, writing);
    }
    after
}

#[cfg(test)]
mod tests {
    use crate::grammar::Syntax;
    use crate::grammar::tests::check;

    #[test]
    fn tables_keys_and_arrays() {
        for text in [
            "[db]\nhost = \"x\"\npassword = \"«hunter2»\"\n",
            "[passwords]\nbob = \"«hunter2»\"\n",
            "db = { user = \"bob\", password = \"«hunter2»\" }\n",
            "password = \"\"\"\n«hunter2»\n\"\"\"\n",
            "passwords = [\n  \"«hunter2»\",\n]\n",
            "pass_env = [\n  \"HOME\",\n  \"PIP_INDEX\",\n]\n",
            "# password = \"«hunter2»\"\n",
        ] {
            check(Syntax::Toml, text);
        }
    }
}

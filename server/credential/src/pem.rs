//! Private keys between their header and footer; where the text was cut, as far as the lines look like the inside of one.

use std::ops::Range;

/// What the header ends in; what it begins with is before it on the line.
const HEADERS: &[&str] = &["PRIVATE KEY-----", "PRIVATE KEY BLOCK-----"];

/// The keys in `text`, header and footer included. Each is read once.
pub(crate) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].find("-----BEGIN ") {
        let start = at + next;
        let line = &text[start..text.floor_char_boundary(start + 80)];
        let header = HEADERS.iter().find_map(|header| Some(line.find(header)? + header.len()));
        at = start + "-----BEGIN ".len();
        if let Some(header) = header.filter(|&end| !line[..end].contains('\n')) {
            let end = end_of_key(text, start + header);
            if end > start + header {
                found.push(start..end);
                at = end;
            }
        }
    }
    found
}

/// Behind the footer, or behind the last that can be of the key; `start` if nothing can.
fn end_of_key(text: &str, start: usize) -> usize {
    let (mut at, mut last, mut run) = (start, start, 0);
    let bytes = text.as_bytes();
    while let Some(&byte) = bytes.get(at) {
        if bytes[at..].starts_with(b"-----END ") {
            let footer = &text[at..text.floor_char_boundary(at + 80)];
            return match HEADERS.iter().find_map(|header| Some(footer.find(header)? + header.len())) {
                Some(length) if last > start => at + length,
                _ => last,
            };
        }
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=' => {
                // `\n` in a literal is no part of the key.
                let is_escape = at > start && bytes[at - 1] == b'\\';
                run = if is_escape { 0 } else { run + 1 };
                if run >= 16 {
                    last = at + 1;
                }
            }
            b'\n' | b'\r' | b'\t' | b' ' | b'\\' | b'"' | b'\'' | b',' | b':' | b'#' | b'-' | b'*' | b'|' | b'>' => {
                run = 0
            }
            _ => return last,
        }
        // What is no key for so long has ended.
        if at + 1 - last > 512 {
            return last;
        }
        at += 1;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_cut_off_and_only_mentioned() {
        let header = ["-----BEGIN ", "RSA PRIVATE KEY-----"].concat();
        let footer = ["-----END ", "RSA PRIVATE KEY-----"].concat();
        let line = "MIIEpAIBAAKCAQEA1c7+9z5Pad7OejecsQ0buhUJ";
        let whole = format!("{header}\n{line}\n{footer}");
        let text = format!("a\n{whole}\nb\n{whole}\n");
        assert_eq!(find(&text), [2..2 + whole.len(), 5 + whole.len()..5 + 2 * whole.len()]);
        let cut = format!("{header}\n{line}");
        assert_eq!(find(&format!("\n{cut}\ndef f(): ...\n")).first(), Some(&(1..1 + cut.len())));
        assert!(find(&format!("if line == '{header}':\n    pass\n")).is_empty());
    }
}

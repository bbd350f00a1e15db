//! JSON and what is written like it: JSON with comments, literals of JavaScript, flow collections of YAML, inline tables and
//! arrays of TOML.

use std::ops::Range;

use super::{Scan, Writing, quoted};
use crate::promises::{self, Promise, promise};

/// Names of the parts of an object that says what something is called and what its value is.
pub(super) const LABELS: &[&str] =
    &["name", "key", "id", "variable", "env", "field", "parameter", "label", "option", "setting", "header"];
pub(super) const CONTENTS: &[&str] =
    &["value", "default", "plain", "text", "data", "content", "raw", "plaintext", "secret_string"];

pub(super) fn is_label(name: &str) -> bool {
    LABELS.iter().any(|label| name.eq_ignore_ascii_case(label))
}

pub(super) fn is_content(name: &str) -> bool {
    CONTENTS.iter().any(|content| name.eq_ignore_ascii_case(content))
}

/// What of a collection is a secret because of the name that the collection has.
pub(super) fn is_of_collection(collection: &str, member: &str) -> bool {
    is_content(member)
        || promises::is_plural(collection)
            && !["name", "type", "kind", "description"].iter().any(|word| member.eq_ignore_ascii_case(word))
}

/// Collections in each other that are kept apart; what is deeper counts as in the last.
const MAX_NESTED: usize = 200;

#[derive(Default)]
struct Frame<'t> {
    is_object: bool,
    /// Of the collection, where it promises something.
    name: Option<&'t str>,
    key: Option<&'t str>,
    /// What `"name": …` and `"value": …` hold.
    label: Option<&'t str>,
    content: Option<Range<usize>>,
    /// The element before.
    before: Option<&'t str>,
}

pub(super) fn scan(scan: &mut Scan, range: Range<usize>) {
    let text = &scan.text[range.clone()];
    let is_manifest = ["\"kind\": \"Secret\"", "\"kind\":\"Secret\""].iter().any(|kind| text.contains(kind));
    scan.work += range.len();
    let mut at = range.start;
    while at < range.end {
        at = values(scan, at, range.end, None, is_manifest);
    }
}

/// Reads one value at `at`, which has `name`. Returns where it ends.
pub(super) fn value<'t>(scan: &mut Scan<'t>, at: usize, end: usize, name: Option<&'t str>) -> usize {
    let behind = values(scan, at, end, name, false);
    scan.work += behind - at;
    behind
}

/// `is_manifest` is whether what `data` and `stringData` hold are secrets of Kubernetes.
fn values<'t>(scan: &mut Scan<'t>, start: usize, end: usize, name: Option<&'t str>, is_manifest: bool) -> usize {
    let text = scan.text;
    let bytes = &text.as_bytes()[..end];
    let mut frames: Vec<Frame> = Vec::new();
    let mut deeper = 0_usize;
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        let begin = at;
        at += 1;
        match byte {
            b'{' | b'[' => {
                let above = frames.last().map_or(name, |frame| frame.key.or(frame.name));
                let is_of_manifest = is_manifest && matches!(above, Some("data" | "stringData"));
                let above = if is_of_manifest { Some("secrets") } else { above };
                let above = above
                    .filter(|name| promise(name).is_some_and(|it| it < Promise::Hint) || super::line::is_of_pair(name));
                if frames.len() >= MAX_NESTED {
                    deeper += 1;
                    continue;
                }
                frames.push(Frame { is_object: byte == b'{', name: above, ..Frame::default() });
            }
            b'}' | b']' if deeper > 0 => deeper -= 1,
            b'}' | b']' => {
                frames.pop();
                if let Some(frame) = frames.last_mut() {
                    frame.key = None;
                }
            }
            b',' | b'\n' => {
                if let Some(frame) = frames.last_mut().filter(|_| byte == b',') {
                    frame.key = None;
                }
            }
            b'/' if matches!(bytes.get(at), Some(b'/' | b'*')) => at = comment(text, begin, end),
            b'"' | b'\'' | b'`' => {
                let Some((content, behind)) = quoted(text, begin, end) else { break };
                at = behind;
                read(scan, &mut frames, content, at, end, Writing::Quoted, name);
            }
            _ if is_bare(byte) => {
                while bytes.get(at).is_some_and(|&byte| {
                    is_bare(byte) || byte == b' ' && frames.last().is_some_and(|frame| frame.key.is_some())
                }) {
                    at += 1;
                }
                read(scan, &mut frames, begin..at, at, end, Writing::Bare, name);
            }
            _ => {}
        }
        if frames.is_empty() && !byte.is_ascii_whitespace() {
            return at;
        }
    }
    end
}

fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'-' | b'.' | b'$' | b'!' | b'@' | b'%' | b'^' | b'*' | b'+' | b'/' | b'?' | b'~')
        || byte >= 0x80
}

fn comment(text: &str, at: usize, end: usize) -> usize {
    let rest = &text[at..end];
    let (length, closing) = if rest.starts_with("/*") { (rest.find("*/"), 2) } else { (rest.find('\n'), 1) };
    length.map_or(end, |length| at + length + closing)
}

/// What a string or a word is: a name, if a sign follows that gives it a value, else a value.
fn read<'t>(
    scan: &mut Scan<'t>,
    frames: &mut [Frame<'t>],
    content: Range<usize>,
    behind: usize,
    end: usize,
    writing: Writing,
    name: Option<&'t str>,
) {
    let text = scan.text;
    let Some(frame) = frames.last_mut() else {
        // A value alone.
        if let Some(name) = name {
            scan.offer(name, content, writing);
        }
        return;
    };
    let rest = text.as_bytes()[behind..end].iter().find(|byte| !matches!(byte, b' ' | b'\t'));
    if frame.is_object && frame.key.is_none() && matches!(rest, Some(b':' | b'=')) {
        frame.key = Some(text[content].trim());
        return;
    }
    let value = text[content.clone()].trim();
    let Some(key) = frame.key else {
        element(scan, frame, content, writing);
        frame.before = Some(value);
        return;
    };
    if is_label(key) && promise(value).is_some() {
        frame.label = Some(value);
    } else if is_content(key) {
        frame.content = Some(content.clone());
    }
    if let (Some(label), Some(content)) = (frame.label, frame.content.clone())
        && scan.offer(label, content, writing)
    {
        (frame.label, frame.content) = (None, None);
    }
    if !scan.offer(key, content.clone(), writing)
        && let Some(name) = frame.name.filter(|name| is_of_collection(name, key))
    {
        scan.offer(name, content, writing);
    }
}

/// An element of an array: `["--password", "…"]`, `"passwords": ["…"]`, `"auth": ["bob", "…"]`.
fn element(scan: &mut Scan, frame: &Frame, content: Range<usize>, writing: Writing) {
    if let Some(option) = frame.before.filter(|before| before.starts_with('-') && !before.contains('=')) {
        scan.offer(option, content.clone(), writing);
    }
    if let Some(name) = frame.name {
        if frame.before.is_some() && super::line::is_of_pair(name) {
            scan.offer_as(Promise::Password, name, content, writing);
        } else {
            scan.offer(name, content, writing);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::grammar::Syntax;
    use crate::grammar::tests::check;

    #[test]
    fn keys_labels_and_collections() {
        for text in [
            "{\"password\": \"«hunter2»\", \"user\": \"bob\"}",
            "{\"name\": \"DB_PASSWORD\", \"value\": \"«hunter2»\"}",
            "{\"passwords\": [\"«hunter2»\", \"«letmein»\"]}",
            "{\"auth\": {\"token\": \"«q8Zt3LmXv0RkJ7wP»\"}}",
            "{\"password\": \"«hunter2»",
            "{'a': 1, // c\n 'password': '«hunter2»'}",
            "{\"password\": null, \"password_hint\": \"a\"}",
        ] {
            check(Syntax::Json, text);
        }
    }
}

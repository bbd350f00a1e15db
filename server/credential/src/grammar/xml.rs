//! XML and HTML: elements and attributes. `<password>…</password>`, `<add key="DbPassword" value="…"/>`,
//! `<entry key="db.password">…</entry>`, `<key>Password</key><string>…</string>`.

use std::ops::Range;

use super::{Scan, Writing};
use crate::promises::promise;

/// Attributes that say what an element is about, and those that hold what is said.
const LABELS: &[&str] = &["name", "key", "id", "property", "param", "field", "variable"];
const CONTENTS: &[&str] = &["value", "default", "content", "text"];

pub(super) fn scan(scan: &mut Scan, range: Range<usize>) {
    let text = scan.text;
    // The innermost last.
    let mut open: Vec<Element> = Vec::new();
    // What the last `<key>` or `<name>` held: what comes next is its value.
    let mut label: Option<&str> = None;
    let mut at = range.start;
    while let Some(found) = text[at..range.end].find('<') {
        let start = at + found;
        let content = at..start;
        if let Some(Element { name, .. }) = open.last() {
            element(scan, name, content, &mut label);
        }
        let rest = &text[start..range.end];
        let special = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")]
            .into_iter()
            .find(|(begin, _)| rest.starts_with(begin));
        if let Some((begin, end)) = special {
            let length = rest.find(end).unwrap_or(rest.len());
            if begin == "<![CDATA["
                && let Some(Element { name, .. }) = open.last()
            {
                element(scan, name, start + begin.len().min(length)..start + length, &mut label);
            }
            at = (start + length + end.len()).min(range.end);
            continue;
        }
        let end = start + rest.find('>').map_or(rest.len(), |length| length + 1);
        scan.work += end - at;
        at = end;
        if let Some(closing) = rest.strip_prefix("</") {
            let name = closing.split(|c: char| c == '>' || c.is_whitespace()).next().unwrap_or_default();
            // HTML leaves elements open; what is closed is one of the last.
            if let Some(depth) = open.iter().rposition(|element| element.tag == name) {
                open.truncate(depth);
            }
            continue;
        }
        let element = tag(scan, start + 1..end);
        if !text[start..end].ends_with("/>") {
            open.push(element);
        }
        // What closes nothing, as in HTML, does not pile up.
        if open.len() > 256 {
            open.drain(..128);
        }
    }
}

struct Element<'t> {
    tag: &'t str,
    /// What its content is called: by a label such as `name="password"`, else by the tag without its namespace.
    name: &'t str,
}

/// What stands in an element.
fn element<'t>(scan: &mut Scan<'t>, name: &'t str, content: Range<usize>, label: &mut Option<&'t str>) {
    let text = scan.text[content.clone()].trim();
    if text.is_empty() {
        return;
    }
    if LABELS.iter().any(|word| name.eq_ignore_ascii_case(word)) {
        *label = Some(text);
    } else if !scan.offer(name, content.clone(), Writing::Bare)
        && let Some(label) = label.take()
    {
        scan.offer(label, content, Writing::Bare);
    }
}

/// Reads the attributes of a tag.
fn tag<'t>(scan: &mut Scan<'t>, range: Range<usize>) -> Element<'t> {
    let text = scan.text;
    let tag = &text[range.clone()];
    let length = tag.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).unwrap_or(tag.len());
    let (tag, mut label, mut value) = (&tag[..length], None, None);
    let own = tag.rsplit(':').next().unwrap_or(tag);
    let mut at = range.start + length;
    while let Some(sign) = text[at..range.end].find('=') {
        let before = text[at..at + sign].trim_end();
        let name =
            before.rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '/')).next().unwrap_or_default();
        let rest = text[at + sign + 1..range.end].trim_start();
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            at += sign + 1;
            continue;
        };
        let start = range.end - rest.len() + 1;
        let end = text[start..range.end].find(quote).map_or(range.end, |length| start + length);
        at = (end + 1).min(range.end);
        let local = name.rsplit(':').next().unwrap_or(name);
        if LABELS.iter().any(|word| local.eq_ignore_ascii_case(word)) {
            label = Some(&text[start..end]);
        } else if CONTENTS.iter().any(|word| local.eq_ignore_ascii_case(word)) {
            value = Some(start..end);
        }
        scan.offer(local, start..end, Writing::Quoted);
    }
    let label = label.filter(|label| promise(label).is_some());
    if let (Some(name), Some(value)) = (label.or(Some(own)), value) {
        scan.offer(name, value, Writing::Quoted);
    }
    Element { tag, name: label.unwrap_or(own) }
}

#[cfg(test)]
mod tests {
    use crate::grammar::Syntax;
    use crate::grammar::tests::check;

    #[test]
    fn elements_and_attributes() {
        for text in [
            "<db><user>bob</user><password>«hunter2»</password></db>",
            "<db user=\"bob\" password=\"«hunter2»\"/>",
            "<property name=\"db.password\" value=\"«hunter2»\"/>",
            "<password><![CDATA[«hunter2»]]></password>",
            "<password/><user>bob</user>",
        ] {
            check(Syntax::Xml, text);
        }
    }
}

//! YAML: block mappings and sequences by their indentation, block scalars, strings over several lines, flow collections,
//! and manifests of Kubernetes, whose `data` is secret because of their `kind`.

use std::ops::Range;

use super::{Scan, Writing, indentation, json, lines, quoted};
use crate::promises::{Promise, promise};

/// A mapping or sequence that is open.
struct Level<'t> {
    indent: usize,
    /// Of what is inside, where it promises something.
    name: Option<&'t str>,
    label: Option<&'t str>,
    content: Option<Range<usize>>,
    /// The scalar before in a sequence.
    before: Option<&'t str>,
}

pub(super) fn scan(scan: &mut Scan, range: Range<usize>) {
    let text = scan.text;
    let mut reader = Reader { levels: Vec::new(), end: range.end, is_manifest: false, data: None };
    let mut read_up_to = range.start;
    // A name that is given what is indented further than it: a block, a string, or a collection.
    let mut block: Option<(&str, usize, usize)> = None;
    for line in lines(text, range.clone()) {
        if line.start < read_up_to {
            continue;
        }
        scan.work += line.len();
        // The sign of a diff stands in the first column.
        let sign =
            usize::from(matches!(text.as_bytes().get(line.start), Some(b'+')) || text[line.clone()].starts_with("-  "));
        let content = &text[line.start + sign..line.end];
        let indent = indentation(content);
        if content.trim().is_empty() {
            continue;
        }
        if let Some((name, depth, start)) = block {
            if indent > depth {
                continue;
            }
            scan.offer(name, start..line.start, Writing::Quoted);
            block = None;
        }
        if content.starts_with("---") {
            reader = Reader { levels: Vec::new(), end: range.end, is_manifest: false, data: None };
            continue;
        }
        let (after, opened) = reader.line(scan, line.start + sign, line.end, indent);
        read_up_to = after;
        block = opened.map(|name| (name, indent, (line.end + 1).min(range.end)));
    }
    if let Some((name, _, start)) = block {
        scan.offer(name, start..range.end, Writing::Quoted);
    }
}

/// How far a line of YAML is indented, if its value goes on below it: a block, a sequence, a string that is not closed.
pub(super) fn opened(line: &str) -> Option<usize> {
    let content = line.trim_end();
    let is_open = content.ends_with([':', '|', '>', '\\']) || content.matches('"').count() % 2 == 1;
    is_open.then(|| indentation(line))
}

/// Whether a line that tells nothing by itself belongs to what a line of YAML above it has opened.
pub(super) fn goes_on(open: Option<usize>, line: &str) -> bool {
    let indent = indentation(line);
    open.is_some_and(|depth| indent > depth || indent == depth && line.trim_start().starts_with("- "))
}

struct Reader<'t> {
    levels: Vec<Level<'t>>,
    end: usize,
    /// After `kind: Secret`, and how far what holds its secrets is indented.
    is_manifest: bool,
    data: Option<usize>,
}

impl<'t> Reader<'t> {
    /// Reads a line. Returns where reading goes on, and the name of a block that begins behind it.
    fn line(&mut self, scan: &mut Scan<'t>, start: usize, end: usize, indent: usize) -> (usize, Option<&'t str>) {
        let text = scan.text;
        let (mut at, mut column) = (start + indent, indent);
        // What is commented out was a line once.
        let is_comment = text[at..end].starts_with('#');
        if is_comment {
            at = end - text[at..end].trim_start_matches(['#', ' ']).len();
        }
        if self.data.is_some_and(|depth| column <= depth) {
            self.data = None;
        }
        let mut is_item = false;
        while let Some(rest) = text[at..end].strip_prefix("- ") {
            let inner = rest.trim_start();
            if !is_comment {
                // Items may stand in the column of the key that they belong to.
                self.close(column + 1);
            }
            column += end - at - inner.len();
            at = end - inner.len();
            is_item = true;
        }
        if let Some((key, value)) = key(text, at, end) {
            let name = text[key].trim().trim_matches(['"', '\'', '?', ' ']);
            if is_comment {
                // Of a sentence the first word is no name.
                if !text[value.clone()].trim().contains(' ') {
                    scan.offer(name, value, Writing::Bare);
                }
                return (end, None);
            }
            self.close(column);
            return self.pair(scan, name, value, column);
        }
        if !is_comment && at < end {
            return (self.scalar(scan, at, end, column, is_item), None);
        }
        (end, None)
    }

    /// Closes what is indented further.
    fn close(&mut self, column: usize) {
        while self.levels.last().is_some_and(|level| level.indent > column) {
            self.levels.pop();
        }
    }

    fn level(&mut self, column: usize) -> &mut Level<'t> {
        let is_known = self.levels.last().is_some_and(|level| level.indent == column);
        if !is_known {
            let name = self.levels.last().and_then(|level| level.name);
            self.levels.push(Level { indent: column, name, label: None, content: None, before: None });
        }
        // One was just pushed, if there was none.
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    fn pair(
        &mut self,
        scan: &mut Scan<'t>,
        name: &'t str,
        value: Range<usize>,
        column: usize,
    ) -> (usize, Option<&'t str>) {
        let text = scan.text;
        let line_end = value.end;
        let value = untagged(text, value);
        let content = text[value.clone()].trim();
        self.is_manifest |= name == "kind" && content.trim_matches(['"', '\'']) == "Secret";
        let is_of_data = self.data.is_some_and(|depth| column > depth);
        let promised = promise(name).filter(|promise| *promise < Promise::Hint);
        let collection = self.level(column).name;
        if content.is_empty() || content.starts_with('#') {
            if self.is_manifest && matches!(name, "data" | "stringData") {
                self.data = Some(column);
            }
            // Its members are those that are indented further, or items at the same column.
            let inherited =
                promised.map(|_| name).or(collection.filter(|collection| json::is_of_collection(collection, name)));
            self.levels.push(Level { indent: column + 1, name: inherited, label: None, content: None, before: None });
            return (line_end, None);
        }
        let named = if is_of_data { Some("secret value") } else { promised.map(|_| name) };
        let named = named.or(collection.filter(|collection| json::is_of_collection(collection, name)));
        if content.starts_with(['|', '>'])
            && content[1..].trim_start_matches(['-', '+', '1', '2', '3', '4', '6', '8']).trim_start().split('#').next()
                == Some("")
        {
            // What else is in a block is read as lines, when its own turn comes.
            return (line_end, named);
        }
        if content.starts_with(['{', '[']) {
            let within = text.floor_char_boundary(self.end.min(value.start + (64 << 10)));
            return (json::value(scan, value.start, within, Some(named.unwrap_or(name))).max(line_end), None);
        }
        let (value, writing, after) = scalar_of(text, value, self.end);
        let after = after.max(line_end);
        if json::is_label(name) && promise(text[value.clone()].trim()).is_some() {
            let label = text[value.clone()].trim();
            let level = self.level(column);
            level.label = Some(label);
        } else if json::is_content(name) {
            self.level(column).content = Some(value.clone());
        }
        let level = self.level(column);
        if let (Some(label), Some(content)) = (level.label, level.content.clone())
            && scan.offer(label, content, writing)
        {
            let level = self.level(column);
            (level.label, level.content) = (None, None);
        }
        if !scan.offer(name, value.clone(), writing)
            && let Some(named) = named
        {
            let promise = if is_of_data { Promise::Password } else { promise(named).unwrap_or(Promise::Hint) };
            scan.offer_as(promise, named, value, writing);
        }
        (after, None)
    }

    /// A scalar alone: an item of a sequence, or what a key above was given on a line of its own.
    fn scalar(&mut self, scan: &mut Scan<'t>, at: usize, end: usize, column: usize, is_item: bool) -> usize {
        let text = scan.text;
        if text[at..end].starts_with(['{', '[']) {
            let name = self.levels.last().and_then(|level| level.name);
            let within = text.floor_char_boundary(self.end.min(at + (64 << 10)));
            return json::value(scan, at, within, Some(name.unwrap_or(""))).max(end);
        }
        let (value, writing, after) = scalar_of(text, untagged(text, at..end), self.end);
        let Some(level) = self.levels.last_mut().filter(|level| level.indent <= column) else { return after.max(end) };
        let item = text[value.clone()].trim();
        let before = level.before.replace(item);
        let name = level.name;
        if is_item && let Some(option) = before.filter(|before| before.starts_with('-') && !before.contains(['=', ' ']))
        {
            scan.offer(option, value, writing);
        } else if let Some(name) = name {
            match promise(name) {
                Some(_) if before.is_some() && super::line::is_of_pair(name) => {
                    scan.offer_as(Promise::Password, name, value, writing)
                }
                _ => scan.offer(name, value, writing),
            };
        }
        after.max(end)
    }
}

/// The key of a line and what follows its colon.
fn key(text: &str, at: usize, end: usize) -> Option<(Range<usize>, Range<usize>)> {
    let rest = &text[at..end];
    let (name, behind) = match quoted(text, at, end) {
        Some((content, behind)) if !rest.starts_with('`') => (content, behind),
        _ => {
            let colon = rest.match_indices(':').find(|(colon, _)| {
                let next = rest.as_bytes().get(colon + 1);
                next.is_none_or(|next| matches!(next, b' ' | b'\t' | b'\r'))
            });
            let (colon, _) = colon?;
            (at..at + colon, at + colon)
        }
    };
    let colon = text[behind..end].trim_start();
    if !colon.starts_with(':') || text[name.clone()].len() > 256 || text[name.clone()].contains('{') {
        return None;
    }
    let value = end - colon.len() + 1;
    Some((name, value..end))
}

/// Without an anchor and a tag before it.
fn untagged(text: &str, value: Range<usize>) -> Range<usize> {
    let mut rest = text[value.clone()].trim_start();
    while let Some((_, more)) = rest
        .split_once(' ')
        .filter(|(first, _)| first.starts_with(['&', '!']) && first.len() > 1 && !first.starts_with("!vault"))
    {
        rest = more.trim_start();
    }
    value.end - rest.len()..value.end
}

/// A scalar's content, how it is written, and where it ends: that of a string may be on a later line.
fn scalar_of(text: &str, value: Range<usize>, end: usize) -> (Range<usize>, Writing, usize) {
    let content = &text[value.clone()];
    if let Some(quote) = content.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let start = value.start + 1;
        let within = if content[1..].contains(quote) {
            value.end
        } else {
            text.floor_char_boundary(end.min(start + (16 << 10)))
        };
        let mut is_escaped = false;
        let closing = text[start..within].char_indices().find(|(_, c)| {
            let was_escaped = is_escaped;
            is_escaped = *c == '\\' && quote == '"' && !was_escaped;
            *c == quote && !was_escaped
        });
        return match closing {
            Some((length, _)) => (start..start + length, Writing::Quoted, start + length + 1),
            None => (start..value.end, Writing::Quoted, value.end),
        };
    }
    let length = content.find(" #").unwrap_or(content.len());
    (value.start..value.start + length, Writing::Bare, value.end)
}

#[cfg(test)]
mod tests {
    use crate::grammar::Syntax;
    use crate::grammar::tests::check;

    #[test]
    fn mappings_sequences_and_blocks() {
        for text in [
            "db:\n  host: x\n  password: «letmein»\n",
            "password:\n  «letmein»\n",
            "password: |\n  «hunter2»\nuser: bob\n",
            "passwords:\n  - «hunter2»\n  - «letmein»\n",
            "env:\n  - name: DB_PASSWORD\n    value: «hunter2»\n",
            "kind: Secret\ndata:\n  a: «aHVudGVyMg==»\n",
            "db: {user: bob, password: «hunter2»}\n",
            "command:\n  - serve\n  - --password\n  - «letmein»\n",
            "password: ${DB_PASSWORD}\n",
        ] {
            check(Syntax::Yaml, text);
        }
    }
}

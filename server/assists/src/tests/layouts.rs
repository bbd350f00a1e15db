//! What an action does must not depend on how a text is laid out: of a text with other line ends, tabs, form feeds or
//! characters beyond ASCII it makes just that layout of what it makes of the plain text.

use std::collections::BTreeMap;

use syntax::ast::token::TokenKind;

use super::*;

/// Another layout of the same program.
struct Layout {
    name: &'static str,
    /// What each part of a text becomes; parts are in order and without gaps.
    relay: fn(&str) -> Vec<(TextRange, String)>,
}

const LAYOUTS: &[Layout] = &[
    Layout { name: "CRLF", relay: |text| characters(text, |c, _| if c == '\n' { "\r\n".into() } else { c.into() }) },
    Layout { name: "byte order mark", relay: byte_order_mark },
    Layout { name: "form feeds", relay: form_feeds },
    Layout { name: "tabs", relay: tabs },
    Layout { name: "beyond ASCII", relay: beyond_ascii },
];

fn characters(text: &str, becomes: impl Fn(char, TextSize) -> String) -> Vec<(TextRange, String)> {
    let parts = text.char_indices().map(|(at, c)| {
        let start = TextSize::new(at as u32);
        (TextRange::at(start, TextSize::of(c)), becomes(c, start))
    });
    parts.collect()
}

fn byte_order_mark(text: &str) -> Vec<(TextRange, String)> {
    characters(text, |c, at| if at == TextSize::new(0) { format!("\u{feff}{c}") } else { c.into() })
}

/// Before classes.
fn form_feeds(text: &str) -> Vec<(TextRange, String)> {
    let parsed = parse(text);
    let classes = parsed.statements().iter().filter(|it| it.is_class_def_stmt());
    let starts: Vec<TextSize> = classes.map(Ranged::start).collect();
    let is_line_start = |at: TextSize| at == TextSize::new(0) || text[..at.to_usize()].ends_with('\n');
    characters(text, |c, at| match starts.contains(&at) && is_line_start(at) {
        true => format!("\u{c}{c}"),
        false => c.into(),
    })
}

/// Every four spaces of indentation become a tab, except inside of strings.
fn tabs(text: &str) -> Vec<(TextRange, String)> {
    let parsed = parse(text);
    let strings: Vec<TextRange> =
        parsed.tokens().iter().filter(|token| token.kind() == TokenKind::String).map(Ranged::range).collect();
    let mut parts = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = TextSize::new(at as u32);
        let is_text = strings.iter().any(|range| range.start() < start && start < range.end());
        let indentation = if is_text { 0 } else { line.len() - line.trim_start_matches(' ').len() };
        let mut column = 0;
        while column < line.len() {
            let length = if column + 4 <= indentation { 4 } else { char_at(line, column).len_utf8() };
            let range = TextRange::at(TextSize::new((at + column) as u32), TextSize::new(length as u32));
            parts.push((range, if column + 4 <= indentation { "\t".into() } else { text[range].to_owned() }));
            column += length;
        }
        at += line.len();
    }
    parts
}

fn char_at(text: &str, at: usize) -> char {
    text[at..].chars().next().unwrap()
}

/// Comments, and strings that are not names: what is not on a line of its own moves all that follows it.
fn beyond_ascii(text: &str) -> Vec<(TextRange, String)> {
    let parsed = parse(text);
    let tokens = parsed.tokens().iter().filter(|token| match token.kind() {
        TokenKind::Comment => true,
        TokenKind::String | TokenKind::FStringMiddle => text[token.range()].contains(' '),
        _ => false,
    });
    let ranges: Vec<TextRange> = tokens.map(Ranged::range).collect();
    characters(text, |c, at| match ranges.iter().any(|range| range.contains(at)) {
        true if c == ' ' => " 🧵e\u{301} ".into(),
        _ => c.into(),
    })
}

fn laid_out(layout: &Layout, text: &str) -> String {
    (layout.relay)(text).into_iter().map(|(_, new)| new).collect()
}

/// Where `range` is in the other layout.
fn moved(parts: &[(TextRange, String)], range: TextRange) -> TextRange {
    let at = |offset: TextSize| {
        let before = parts.iter().take_while(|(old, _)| old.end() <= offset);
        let length: usize = before.map(|(_, new)| new.len()).sum();
        // What is put before a character is not part of what begins with it.
        let next = parts.iter().find(|(old, _)| old.start() == offset);
        let added = next.map_or(0, |(_, new)| new.len() - new.trim_start_matches(['\u{feff}', '\u{c}']).len());
        TextSize::new((length + added) as u32)
    };
    TextRange::new(at(range.start()), at(range.end()))
}

/// By action: every file that it changes or makes.
type Results = BTreeMap<String, BTreeMap<PathBuf, String>>;

fn results(analysis: &Analysis, path: &Path, range: TextRange) -> Results {
    let mut results = Results::new();
    for action in actions(analysis, path, range, None) {
        let Edit::Ready(change) = action.edit else { continue };
        let files = change.edits.files.iter().map(|file| {
            let text = analysis.source(analysis.file(&file.path).unwrap()).text();
            (file.path.clone(), apply_edits(text, &file.edits).unwrap())
        });
        let created = change.created.iter().map(|file| (file.path.clone(), file.text.clone()));
        results.insert(format!("{}: {}", action.id, action.title), files.chain(created).collect());
    }
    results
}

#[test]
fn actions_keep_the_layout() {
    let plain: Vec<(PathBuf, String)> = files().into_iter().filter(|(path, _)| path != Path::new("/odd.py")).collect();
    let before = analysis(&plain);
    let mut wrong = Vec::new();
    for (number, layout) in LAYOUTS.iter().enumerate() {
        let other: Vec<(PathBuf, String)> =
            plain.iter().map(|(path, text)| (path.clone(), laid_out(layout, text))).collect();
        let after = analysis(&other);
        let mut compared = 0;
        // A text without indentation has no tabs to keep.
        for (path, text) in plain.iter().filter(|(_, text)| text.contains("\n    ")) {
            let parts = (layout.relay)(text);
            for range in selections(text).into_iter().skip(number).step_by(11) {
                let expected = results(&before, path, range);
                let found = results(&after, path, moved(&parts, range));
                for (action, files) in &expected {
                    compared += 1;
                    let Some(found) = found.get(action) else {
                        wrong.push(format!(
                            "{}: {action} is not offered in {} at {range:?}",
                            layout.name,
                            path.display()
                        ));
                        continue;
                    };
                    for (file, text) in files {
                        let text = laid_out(layout, text);
                        if found.get(file) != Some(&text) {
                            wrong.push(format!(
                                "{}: {action} in {} at {range:?}\n--- expected\n{text}\n--- found\n{}",
                                layout.name,
                                path.display(),
                                found.get(file).map_or("", String::as_str)
                            ));
                        }
                    }
                }
            }
        }
        assert!(compared > 50, "{}: only {compared} results were compared", layout.name);
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

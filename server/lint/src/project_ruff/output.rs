//! The JSON of `ruff check --output-format json`.

use std::borrow::Cow;

use serde::Deserialize;
use syntax::{Encoding, LineIndex, Position, TextEdit, TextRange, TextSize};

use crate::ruff::{INVALID_SYNTAX, rating, severity, usual_tag};
use crate::{Applicability, Document, Finding, Fix};

/// Fields that releases of ruff have added or dropped are optional.
#[derive(Deserialize)]
struct Item {
    code: Option<String>,
    name: Option<String>,
    message: String,
    url: Option<String>,
    location: Option<Place>,
    end_location: Option<Place>,
    fix: Option<ItemFix>,
}

/// One-based; columns count characters, without a byte order mark.
#[derive(Clone, Copy, Deserialize)]
struct Place {
    row: u32,
    column: u32,
}

#[derive(Deserialize)]
struct ItemFix {
    applicability: String,
    message: Option<String>,
    edits: Vec<ItemEdit>,
}

#[derive(Deserialize)]
struct ItemEdit {
    content: String,
    location: Place,
    end_location: Place,
}

/// The findings in `json`, which are about `document`, in the order of the text. What the parser says is left out; where it
/// says anything, ruff looks for no other syntax errors but those of a version, which cannot be told apart.
pub(super) fn findings(json: &[u8], document: &Document<'_>) -> Result<Vec<Finding>, serde_json::Error> {
    let items: Vec<Item> = serde_json::from_slice(json)?;
    let places = Places { text: document.text, lines: LineIndex::new(document.text) };
    let mut findings: Vec<Finding> = items.into_iter().filter_map(|item| finding(item, &places)).collect();
    if document.parsed.has_errors() {
        findings.retain(|finding| finding.code != INVALID_SYNTAX);
    }
    findings.sort_by_key(|finding| finding.range.start());
    Ok(findings)
}

fn finding(item: Item, places: &Places<'_>) -> Option<Finding> {
    // What older releases call the parser's errors.
    let code = item.code.filter(|code| code != "E999")?;
    let (severity, confidence) = match rating(&code, &item.message) {
        Some((severity, confidence)) => (severity, Some(confidence)),
        None => (severity(&code), None),
    };
    let fix = item.fix.map(|fix| Fix {
        title: fix.message.or_else(|| item.name.clone()).unwrap_or_else(|| code.clone()),
        applicability: match fix.applicability.as_str() {
            "safe" => Applicability::Safe,
            "unsafe" => Applicability::Unsafe,
            _ => Applicability::Display,
        },
        edits: fix.edits.into_iter().map(|edit| places.edit(edit)).collect(),
    });
    Some(Finding {
        range: places.range(item.location?, item.end_location?),
        name: Cow::Owned(item.name.unwrap_or_else(|| code.clone())),
        message: item.message,
        severity,
        confidence,
        tag: usual_tag(&code),
        fix,
        url: item.url.map(Cow::Owned),
        code: Cow::Owned(code),
    })
}

struct Places<'a> {
    text: &'a str,
    lines: LineIndex,
}

impl Places<'_> {
    fn offset(&self, place: Place) -> TextSize {
        let line = place.row.saturating_sub(1);
        let mark = u32::from(line == 0 && self.text.starts_with('\u{feff}'));
        let position = Position { line, column: place.column.saturating_sub(1) + mark };
        if line >= self.lines.line_count() {
            return TextSize::of(self.text);
        }
        // A fix may end behind the line break.
        let range = self.lines.line_range(line, self.text);
        let chars = self.text[range].chars().count() as u32;
        let beyond = position.column.saturating_sub(chars);
        let offset = self.lines.offset(position, self.text, Encoding::Utf32);
        (offset + TextSize::new(beyond)).min(TextSize::of(self.text))
    }

    fn range(&self, start: Place, end: Place) -> TextRange {
        let start = self.offset(start);
        TextRange::new(start, self.offset(end).max(start))
    }

    fn edit(&self, edit: ItemEdit) -> TextEdit {
        TextEdit::replace(self.range(edit.location, edit.end_location), edit.content)
    }
}

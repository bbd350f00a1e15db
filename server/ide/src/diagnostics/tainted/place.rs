//! Places that survive edits of other lines.

use graph::{Analysis, FileId, SymbolId};
use syntax::{TextRange, TextSize};

/// A part of a line, found by the definition around it and the line's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    within: SymbolId,
    /// Lines below the beginning of the definition.
    line: u32,
    /// The line's text, without indentation.
    text: String,
    /// Where the part is in it, in bytes.
    start: usize,
    end: usize,
}

impl Place {
    /// A range that spans lines is cut at the end of its first.
    pub fn new(analysis: &Analysis, file: FileId, range: TextRange) -> Self {
        let source = analysis.source(file);
        let within = analysis.enclosing(file, range.start());
        let line = source.lines().line(range.start());
        let first = source.lines().line(analysis.symbol(within).range.start());
        let whole = source.lines().line_range(line, source.text());
        let text = source.slice(whole).trim_end();
        let indentation = text.len() - text.trim_start().len();
        let place = |offset: TextSize| {
            let offset = usize::from(offset.max(whole.start()) - whole.start());
            offset.min(text.len()).saturating_sub(indentation)
        };
        let (start, end) = (place(range.start()), place(range.end()));
        Place { within, line: line.saturating_sub(first), text: text.trim_start().to_owned(), start, end }
    }

    /// The nearest line of the definition with the same text.
    pub fn find(&self, analysis: &Analysis) -> Option<(FileId, TextRange)> {
        if !analysis.contains(self.within) {
            return None;
        }
        let file = self.within.file;
        let source = analysis.source(file);
        let definition = analysis.symbol(self.within).range;
        let (first, last) = (source.lines().line(definition.start()), source.lines().line(definition.end()));
        let expected = first + self.line;
        let same = (first..=last).filter_map(|line| {
            let range = source.lines().line_range(line, source.text());
            let text = source.slice(range);
            let indentation = text.len() - text.trim_start().len();
            (text.trim() == self.text)
                .then(|| (line.abs_diff(expected), range.start() + TextSize::new(indentation as u32)))
        });
        let (_, start) = same.min()?;
        let place = |offset: usize| start + TextSize::new(offset as u32);
        Some((file, TextRange::new(place(self.start), place(self.end))))
    }
}

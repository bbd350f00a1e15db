//! The texts in which a symbol can be shown.

use graph::{FileId, SymbolId};
use serde::Serialize;
use syntax::{Source, TextRange, TextSize};

use crate::index::{Index, Unit};

/// How much of a symbol is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// All of its code.
    Body,
    /// The first lines of its code.
    Excerpt,
    /// Its header, or the first line of an assignment.
    Signature,
    /// The first line of a header that has more.
    Line,
    /// The header of something that a library defines.
    Library,
}

/// A text cut from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub form: Form,
    pub text: String,
    /// One-based, inclusive.
    pub start_line: u32,
    pub end_line: u32,
    /// Whether line `k` of the text is line `start_line + k` of the file, unchanged.
    pub exact: bool,
    /// The lines of the file, in order.
    parts: Vec<Lines>,
}

impl Shape {
    /// Whether all lines of `other`, of the same file, are among these.
    pub(crate) fn covers(&self, other: &Shape) -> bool {
        let shows = |part: &Lines| self.parts.iter().any(|own| own.first <= part.first && part.last <= own.last);
        other.parts.iter().all(shows)
    }
}

/// Code longer than this is cut to an excerpt: how a long function begins tells most of what can be told in its space.
const MAX_LINES: u32 = 40;
const EXCERPT_LINES: u32 = 30;
/// A header longer than this is cut.
const MAX_HEADER_LINES: u32 = 20;
/// Longer lines are data, not code.
const MAX_LINE_BYTES: usize = 2_000;
/// Definitions of one name that are shown: overloads, redefinitions, assignments to an attribute.
const MAX_DEFINITIONS: usize = 6;
const MAX_ASSIGNMENTS: usize = 2;

/// What stands for lines that were left out.
const ELLIPSIS: &str = "...";

/// Makes the texts for one target, none of whose own lines is ever part of them.
pub(crate) struct Forms<'a> {
    pub index: &'a Index,
    pub target_file: FileId,
    pub target: TextRange,
}

impl Forms<'_> {
    /// The header of each definition, with the decorators that change how it is used. `None` if a line is too
    /// long to be shown.
    pub(crate) fn signature(&self, unit: &Unit) -> Option<Shape> {
        let source = self.index.analysis.source(unit.symbols[0].file);
        let piece = |&symbol: &SymbolId| {
            let view = self.index.analysis.symbol(symbol);
            if unit.is_assigned() {
                return Lines::of(source, TextRange::empty(view.range.start()));
            }
            self.header_lines(source, symbol).at_most(MAX_HEADER_LINES)
        };
        shape(source, Form::Signature, self.definitions(unit).iter().map(piece).collect())
    }

    fn header_lines(&self, source: &Source, symbol: SymbolId) -> Lines {
        let view = self.index.analysis.symbol(symbol);
        let decorated = view.flags.is_property || view.flags.is_classmethod || view.flags.is_staticmethod;
        let start = if decorated { view.range.start() } else { view.header.start() };
        Lines::of(source, TextRange::new(start, view.header.end()))
    }

    /// The first line of each definition's header, after such decorators. `None` where that is the whole signature.
    pub(crate) fn line(&self, unit: &Unit, signature: &Shape) -> Option<Shape> {
        let source = self.index.analysis.source(unit.symbols[0].file);
        let piece = |&symbol: &SymbolId| {
            let signature = self.header_lines(source, symbol);
            let header = self.index.analysis.symbol(symbol).header;
            signature.at_most(source.lines().line(header.start()) - signature.first + 1)
        };
        let pieces = self.definitions(unit).iter().map(piece).collect();
        shape(source, Form::Line, pieces).filter(|line| !unit.is_assigned() && line.text.len() < signature.text.len())
    }

    /// All code of each definition, or its beginning. `None` for what surrounds the target.
    pub(crate) fn body(&self, unit: &Unit) -> Option<Shape> {
        let source = self.index.analysis.source(unit.symbols[0].file);
        let mut pieces = Vec::new();
        for symbol in self.definitions(unit) {
            let range = self.index.analysis.symbol(symbol).range;
            if symbol.file == self.target_file && range.intersect(self.target).is_some() {
                return None;
            }
            let lines = Lines::of(source, range);
            pieces.push(if lines.count() > MAX_LINES { lines.at_most(EXCERPT_LINES) } else { lines });
        }
        let form = if pieces.iter().any(|lines| lines.cut) { Form::Excerpt } else { Form::Body };
        shape(source, form, pieces)
    }

    /// The line before a member that tells which class it belongs to.
    pub(crate) fn class_line(&self, unit: &Unit) -> Option<String> {
        let view = self.index.analysis.symbol(self.index.units[unit.owner?].symbols[0]);
        let indentation = indentation(self.index.analysis.source(view.id.file), view.header.start());
        Some(format!("{indentation}class {}:", view.name))
    }

    /// Whether any definition lies outside the target.
    pub(crate) fn can_show(&self, unit: &Unit) -> bool {
        unit.symbols.iter().any(|&symbol| self.is_outside(symbol))
    }

    fn is_outside(&self, symbol: SymbolId) -> bool {
        symbol.file != self.target_file || !self.target.contains_range(self.index.analysis.symbol(symbol).range)
    }

    fn definitions(&self, unit: &Unit) -> Vec<SymbolId> {
        let most = if unit.is_assigned() { MAX_ASSIGNMENTS } else { MAX_DEFINITIONS };
        unit.symbols.iter().copied().filter(|&symbol| self.is_outside(symbol)).take(most).collect()
    }
}

/// The first line of the docstring as a line of its own, indented as in the file. `None` if the header's line shows it
/// already, or if it cannot stand between quotes as it is.
pub(crate) fn summary_line(index: &Index, unit: &Unit) -> Option<String> {
    let view = index.analysis.symbol(unit.symbols[0]);
    let start = view.docstring_range?.start();
    let line = view.docstring?.lines().next()?.trim();
    let is_plain = !line.is_empty() && !line.contains("\"\"\"") && !line.contains('\\') && !line.ends_with('"');
    let source = index.analysis.source(view.id.file);
    if !is_plain || line.len() > MAX_LINE_BYTES || source.line_number(start) == source.line_number(view.header.end()) {
        return None;
    }
    Some(format!("{}\"\"\"{line}\"\"\"", indentation(source, start)))
}

/// The lines that `range` touches.
pub(crate) fn whole_lines(source: &Source, range: TextRange) -> &str {
    let lines = source.lines();
    let first = lines.line_range(lines.line(range.start()), source.text());
    let last = lines.line_range(lines.line(range.end()), source.text());
    source.slice(TextRange::new(first.start(), last.end()))
}

/// The path by which people know a file: relative to the workspace folder that holds it, with `/`.
pub(crate) fn display_path(index: &Index, file: FileId) -> String {
    let path = index.analysis.path(file);
    let relative = index.analysis.roots().iter().filter_map(|root| path.strip_prefix(root).ok());
    // Of nested folders the innermost.
    let relative = relative.min_by_key(|path| path.components().count()).unwrap_or(path);
    relative.to_string_lossy().replace('\\', "/")
}

/// The white space that the line of `offset` begins with.
fn indentation(source: &Source, offset: TextSize) -> &str {
    let line = source.slice(source.lines().line_range(source.lines().line(offset), source.text()));
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Whole lines of a file, zero-based and inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lines {
    first: u32,
    last: u32,
    /// Whether lines after `last` were left out.
    cut: bool,
}

impl Lines {
    fn of(source: &Source, range: TextRange) -> Self {
        let lines = source.lines();
        Lines { first: lines.line(range.start()), last: lines.line(range.end()), cut: false }
    }

    fn count(self) -> u32 {
        self.last - self.first + 1
    }

    fn at_most(self, count: u32) -> Self {
        if self.count() <= count {
            return self;
        }
        Lines { last: self.first + count - 1, cut: true, ..self }
    }
}

/// `None` if a line is too long to be shown.
fn shape(source: &Source, form: Form, mut pieces: Vec<Lines>) -> Option<Shape> {
    pieces.sort_by_key(|lines| lines.first);
    pieces.dedup_by(|next, kept| next.first <= kept.last);
    let mut text = String::new();
    for lines in &pieces {
        for line in lines.first..=lines.last {
            let line = source.slice(source.lines().line_range(line, source.text()));
            if line.len() > MAX_LINE_BYTES {
                return None;
            }
            text.push_str(line);
            text.push('\n');
        }
        if lines.cut {
            let next = source.lines().line_range(lines.last + 1, source.text());
            text.push_str(indentation(source, next.start()));
            text.push_str(ELLIPSIS);
            text.push('\n');
        }
    }
    text.pop();
    let contiguous = pieces.windows(2).all(|pair| pair[0].last + 1 == pair[1].first);
    let exact = contiguous && !pieces.iter().any(|lines| lines.cut);
    let (first, last) = (pieces.first()?.first, pieces.last()?.last);
    Some(Shape { form, text, start_line: first + 1, end_line: last + 1, exact, parts: pieces })
}

//! Where the code that a model quotes stands.

use graph::{Analysis, SymbolId};
use syntax::{Source, TextRange, TextSize};

/// The place of `quote` in the code of `target`; of several the one nearest to `line`, counted from 1, else the first.
///
/// Models leave out indentation and blank lines, copy the numbers of lines, and space tokens as they like.
pub(super) fn find(analysis: &Analysis, target: SymbolId, quote: &str, line: Option<u32>) -> Option<TextRange> {
    let source = analysis.source(target.file);
    let (first, last) = super::lines(analysis, target);
    let quote: Vec<&str> = quote.lines().map(|line| without_number(line).trim()).filter(|it| !it.is_empty()).collect();
    let says_something = quote.iter().any(|line| line.contains(char::is_alphanumeric));
    if !says_something {
        return None;
    }
    let all: Vec<(u32, TextRange)> = (first..=last).map(|line| (line, content(source, line))).collect();
    let code: Vec<&(u32, TextRange)> = all.iter().filter(|(_, range)| !range.is_empty()).collect();
    let found =
        code.windows(quote.len()).filter_map(|window| Some((window[0].0, match_lines(source, window, &quote)?)));
    let distance = |at: u32| line.map_or(0, |line| at.abs_diff(line.saturating_sub(1)));
    found.min_by_key(|(at, _)| distance(*at)).map(|(_, range)| range)
}

fn match_lines(source: &Source, window: &[&(u32, TextRange)], quote: &[&str]) -> Option<TextRange> {
    let (&&(_, first), &&(_, last)) = (window.first()?, window.last()?);
    let (head, tail) = (quote.first()?, quote.last()?);
    if window.len() == 1 {
        return within(source.slice(first), head).map(|range| range + first.start());
    }
    let inner = window.iter().zip(quote).skip(1).take(quote.len() - 2);
    if !inner.into_iter().all(|(line, quoted)| is_same(source.slice(line.1), quoted)) {
        return None;
    }
    // A quotation may begin and end in the middle of a line.
    let start = within(source.slice(first), head).filter(|it| it.end() == first.len())?;
    let end = within(source.slice(last), tail).filter(|it| it.start() == TextSize::new(0))?;
    Some(TextRange::new(first.start() + start.start(), last.start() + end.end()))
}

/// Where `quote` stands in `line`, as whole words.
fn within(line: &str, quote: &str) -> Option<TextRange> {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let cuts_no_word = |at: usize| {
        let (before, after) = (line[..at].chars().next_back(), line[at + quote.len()..].chars().next());
        !(is_word(before) && is_word(quote.chars().next()) || is_word(after) && is_word(quote.chars().next_back()))
    };
    let exact = line.match_indices(quote).map(|(at, _)| at).find(|&at| cuts_no_word(at));
    // A line is no longer than a text, whose offsets fit.
    let range = |at: usize, length: usize| TextRange::at(TextSize::new(at as u32), TextSize::new(length as u32));
    match exact {
        Some(at) => Some(range(at, quote.len())),
        None => is_same(line, quote).then(|| range(0, line.len())),
    }
}

/// Whether two lines differ in their spaces at most.
fn is_same(line: &str, quote: &str) -> bool {
    let dense = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    dense(line) == dense(quote)
}

/// The line, counted from 0, without indentation and what is behind its last character that is no space.
fn content(source: &Source, line: u32) -> TextRange {
    let range = source.lines().line_range(line, source.text());
    let text = source.slice(range);
    let trimmed = text.trim();
    let start = range.start() + TextSize::of(&text[..text.len() - text.trim_start().len()]);
    TextRange::at(start, TextSize::of(trimmed))
}

/// Without the `12 | ` that the prompt puts before a line.
fn without_number(line: &str) -> &str {
    let rest = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
    match rest.trim_start().strip_prefix('|') {
        Some(code) if rest.len() < line.trim_start().len() => code,
        _ => line,
    }
}

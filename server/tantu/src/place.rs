//! `FILE:LINE` and `FILE:START-END` on the command line.

use std::path::PathBuf;
use std::str::FromStr;

use syntax::{Source, TextSize};

/// A file and perhaps a line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    /// 1-based.
    pub(crate) line: Option<u32>,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.rsplit_once(':') {
            Some((file, line)) if !file.is_empty() && !line.is_empty() && line.chars().all(|c| c.is_ascii_digit()) => {
                match line.parse() {
                    Ok(line) if line > 0 => Ok(Place { file: file.into(), line: Some(line) }),
                    _ => Err(format!("lines are counted from 1, and {line} is none")),
                }
            }
            _ if text.is_empty() => Err("the name of a file is missing".to_owned()),
            _ => Ok(Place { file: text.into(), line: None }),
        }
    }
}

/// A file and perhaps a line or some lines of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lines {
    /// With the first line.
    pub(crate) place: Place,
    /// The last line, 1-based, where there are several.
    pub(crate) last: Option<u32>,
}

impl FromStr for Lines {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        let range = text.rsplit_once('-').filter(|(before, last)| {
            is_number(last) && before.rsplit_once(':').is_some_and(|(file, first)| !file.is_empty() && is_number(first))
        });
        let Some((before, last)) = range else { return Ok(Lines { place: text.parse()?, last: None }) };
        let place: Place = before.parse()?;
        match last.parse() {
            Ok(last) if place.line.is_some_and(|first| first <= last) => Ok(Lines { place, last: Some(last) }),
            _ => Err(format!("the last line, {last}, must not be before the first")),
        }
    }
}

/// The first character of the 1-based `line` that is no space.
///
/// # Errors
/// When the text has fewer lines.
pub(crate) fn start_of_line(source: &Source, line: u32) -> anyhow::Result<TextSize> {
    let lines = source.lines();
    anyhow::ensure!(line <= lines.line_count(), "there is no line {line}, only {}", lines.line_count());
    let range = lines.line_range(line - 1, source.text());
    let text = source.slice(range);
    let indent = text.len() - text.trim_start().len();
    // A line is no longer than a text, whose offsets fit.
    Ok(range.start() + TextSize::new(indent as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Result<(String, Option<u32>), String> {
        text.parse().map(|place: Place| (place.file.display().to_string(), place.line))
    }

    #[test]
    fn a_line_is_what_follows_the_last_colon() {
        assert_eq!(place("a.py:12"), Ok(("a.py".to_owned(), Some(12))));
        assert_eq!(place("a.py"), Ok(("a.py".to_owned(), None)));
        assert_eq!(place("C:/a.py"), Ok(("C:/a.py".to_owned(), None)));
        assert!(place("a.py:0").is_err());
        assert!(place("").is_err());
    }

    #[test]
    fn several_lines_have_a_first_and_a_last() {
        let lines = |text: &str| {
            let lines = text.parse::<Lines>()?;
            Ok::<_, String>((lines.place.file.display().to_string(), lines.place.line, lines.last))
        };
        assert_eq!(lines("a.py:3-12"), Ok(("a.py".to_owned(), Some(3), Some(12))));
        assert_eq!(lines("a.py:3"), Ok(("a.py".to_owned(), Some(3), None)));
        assert_eq!(lines("my-3.py"), Ok(("my-3.py".to_owned(), None, None)));
        assert_eq!(lines("dir-3/a-4"), Ok(("dir-3/a-4".to_owned(), None, None)));
        assert!(lines("a.py:4-3").is_err());
        assert!(lines("a.py:0-3").is_err());
    }

    #[test]
    fn a_line_starts_behind_its_indentation() {
        let source = Source::new("a\n    b\n");
        assert_eq!(start_of_line(&source, 2).unwrap(), TextSize::new(6));
        assert!(start_of_line(&source, 9).is_err());
    }
}

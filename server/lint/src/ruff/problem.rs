//! What is wrong with a configuration file, as data.

use std::path::{Path, PathBuf};

use syntax::{TextRange, TextSize};

/// Why a configuration file could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationProblem {
    /// The file to blame.
    pub path: PathBuf,
    /// Byte offsets in that file; its first line when the place is not known.
    pub range: TextRange,
    /// The one-based line of `range`.
    pub line: u32,
    /// One line for a person.
    pub message: String,
}

impl ConfigurationProblem {
    /// From the `causes` of an error, outermost first, that came while the settings in `path` were read.
    pub(super) fn new<'a>(path: &Path, causes: impl Iterator<Item = &'a (dyn std::error::Error + 'static)>) -> Self {
        let causes: Vec<_> = causes.collect();
        let texts: Vec<String> = causes.iter().map(ToString::to_string).collect();
        let path = texts.iter().find_map(|text| file_to_blame(text)).unwrap_or_else(|| path.to_owned());
        let content = disk::read_configuration(&path).unwrap_or_default();
        let toml = causes.iter().find_map(|cause| cause.downcast_ref::<toml::de::Error>());
        let message = match toml {
            Some(error) => error.message().to_owned(),
            None => texts.last().cloned().unwrap_or_default(),
        };
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        // Of a field that it does not know, the parser knows only the table.
        let span = toml.and_then(toml::de::Error::span).filter(|_| !message.starts_with("unknown field"));
        let range = span.or_else(|| quoted(&message, &content));
        let range = range.filter(|range| content.get(range.clone()).is_some()).unwrap_or(0..0);
        let line = content[..range.start].matches('\n').count() as u32 + 1;
        let range = if range.is_empty() { line_around(range.start, &content) } else { range };
        let range = TextRange::new(TextSize::new(range.start as u32), TextSize::new(range.end as u32));
        ConfigurationProblem { path, range, line, message }
    }

    /// Something unexpected that came while the settings in `path` were read.
    pub(super) fn other(path: &Path, message: String) -> Self {
        ConfigurationProblem { path: path.to_owned(), range: TextRange::default(), line: 1, message }
    }
}

/// The file in a cause such as `Failed to parse /p/ruff.toml`, or `Unknown rule selector … from `/p/ruff.toml``.
fn file_to_blame(cause: &str) -> Option<PathBuf> {
    let named = cause.strip_prefix("Failed to parse ").or_else(|| cause.strip_prefix("Failed to read "));
    let named = named.or_else(|| cause.rsplit_once(" from `")?.1.split('`').next())?;
    let path = Path::new(named);
    path.is_absolute().then(|| path.to_owned())
}

/// Where the word that `message` is about stands in `content`, if possible in quotes: its first in backquotes, or the
/// first of its list.
fn quoted(message: &str, content: &str) -> Option<std::ops::Range<usize>> {
    let word = message.split('`').nth(1).or_else(|| message.split(" - ").nth(1)).filter(|word| !word.is_empty())?;
    let spellings = [format!("\"{word}\""), format!("'{word}'"), word.to_owned()];
    spellings.iter().find_map(|spelling| content.find(spelling).map(|start| start..start + spelling.len()))
}

/// The line around `offset`, without its line break.
fn line_around(offset: usize, content: &str) -> std::ops::Range<usize> {
    let start = content[..offset].rfind('\n').map_or(0, |before| before + 1);
    let length = content[start..].find(['\r', '\n']).unwrap_or(content.len() - start);
    start..start + length
}

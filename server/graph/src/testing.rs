//! Graphs from fixtures.

use std::path::{Path, PathBuf};

use fixture::Fixture;
use syntax::{TextRange, TextSize};

use crate::{Analysis, AnalysisHost, Change, FileId};

pub(crate) fn host(text: &str) -> AnalysisHost {
    let mut host = AnalysisHost::new(vec![PathBuf::from("/")]);
    let mut change = Change::default();
    for file in Fixture::parse(text).files {
        change.set(file.path, file.text);
    }
    host.apply(change);
    host
}

/// The graph, and the place of `$0`.
pub(crate) fn at_cursor(text: &str) -> (Analysis, FileId, TextSize) {
    let fixture = Fixture::parse(text);
    let cursor = fixture.cursor();
    let analysis = host(text).analysis();
    let file = analysis.file(Path::new(&fixture.files[cursor.file].path)).unwrap();
    (analysis, file, TextSize::new(cursor.offset as u32))
}

/// The ranges that a fixture marks with `$1`, sorted.
pub(crate) fn marked(text: &str, analysis: &Analysis) -> Vec<(FileId, TextRange)> {
    let fixture = Fixture::parse(text);
    let mut ranges: Vec<_> = fixture
        .ranges(1)
        .into_iter()
        .map(|(file, start, end)| {
            let file = analysis.file(Path::new(&fixture.files[file].path)).unwrap();
            (file, TextRange::new(TextSize::new(start as u32), TextSize::new(end as u32)))
        })
        .collect();
    ranges.sort_by_key(|(file, range)| (analysis.path(*file).to_path_buf(), range.start()));
    ranges
}

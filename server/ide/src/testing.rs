//! Workspaces from fixture texts, and places drawn as carets, for the tests of every feature.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fixture::Fixture;
use graph::{Analysis, AnalysisHost, Change, FileId, SymbolId};
use syntax::{Parsed, TextRange, TextSize, parse};

/// An analysis of the files of a fixture; its only root is `/`.
pub(crate) struct Workspace {
    pub analysis: Analysis,
    fixture: Fixture,
}

impl Workspace {
    pub fn new(text: &str) -> Self {
        let fixture = Fixture::parse(text);
        let mut change = Change::default();
        for file in &fixture.files {
            change.set(PathBuf::from(&file.path), Arc::from(file.text.as_str()));
        }
        let mut host = AnalysisHost::new(vec![PathBuf::from("/")]);
        host.apply(change);
        Workspace { analysis: host.analysis(), fixture }
    }

    /// With what an assist is offered for at the cursor, if it is.
    pub fn with_target(
        text: &str,
        offered: fn(&Analysis, &Parsed, FileId, TextRange) -> Option<SymbolId>,
    ) -> (Self, Option<SymbolId>) {
        let workspace = Workspace::new(text);
        let (file, offset) = workspace.cursor();
        let parsed = parse(workspace.analysis.source(file).text());
        let target = offered(&workspace.analysis, &parsed, file, TextRange::empty(offset));
        (workspace, target)
    }

    #[track_caller]
    pub fn file(&self, path: &str) -> FileId {
        self.analysis.file(Path::new(path)).expect("the fixture has this file")
    }

    /// All files, Python or not.
    pub fn texts(&self) -> impl Iterator<Item = (PathBuf, Arc<str>)> + '_ {
        self.fixture.files.iter().map(|file| (PathBuf::from(&file.path), Arc::from(file.text.as_str())))
    }

    /// The place of `$0`.
    pub fn cursor(&self) -> (FileId, TextSize) {
        let cursor = self.fixture.cursor();
        (self.file(&self.fixture.files[cursor.file].path), TextSize::new(cursor.offset as u32))
    }

    /// The range `$1…$1`, or else the place of `$0`.
    pub fn selection(&self) -> (FileId, TextRange) {
        match self.fixture.ranges(1).as_slice() {
            [(file, start, end)] => {
                let range = TextRange::new(TextSize::new(*start as u32), TextSize::new(*end as u32));
                (self.file(&self.fixture.files[*file].path), range)
            }
            _ => {
                let (file, cursor) = self.cursor();
                (file, TextRange::empty(cursor))
            }
        }
    }

    /// The file of `$0`, or the first file.
    pub fn first_file(&self) -> FileId {
        self.file(&self.fixture.files[0].path)
    }

    /// The only symbol called `qualified`, such as `pkg.mod.Class.f`.
    #[track_caller]
    pub fn symbol(&self, qualified: &str) -> SymbolId {
        match self.analysis.find(qualified).as_slice() {
            [symbol] => *symbol,
            found => panic!("{} symbols are called {qualified}", found.len()),
        }
    }

    /// `/pkg/mod.py:3`, the line, and carets under `range`.
    pub fn draw(&self, file: FileId, range: TextRange) -> String {
        let source = self.analysis.source(file);
        let line = source.lines().line(range.start());
        let line_range = source.lines().line_range(line, source.text());
        let before = source.slice(TextRange::new(line_range.start(), range.start())).chars().count();
        let marked = source.slice(range.intersect(line_range).unwrap_or(range)).chars().count().max(1);
        let path = self.analysis.path(file).display();
        let text = source.slice(line_range);
        format!("{path}:{}\n    {text}\n    {}{}\n", line + 1, " ".repeat(before), "^".repeat(marked))
    }
}

//! The protocol's types → ours.

use std::path::{Path, PathBuf};

use syntax::{ContentChange, Encoding, Position, Source, TextRange, TextSize};
use tower_lsp_server::ls_types as lsp;

/// The path of a document. A document that is no file (`untitled:`, a notebook cell) gets its whole URI as a relative
/// path, which no file can have, since those of files are absolute.
pub(crate) fn path(uri: &lsp::Uri) -> PathBuf {
    let is_file = uri.scheme().as_str().eq_ignore_ascii_case("file");
    match uri.to_file_path().filter(|path| is_file && path.is_absolute()) {
        Some(path) => path.into_owned(),
        None => PathBuf::from(uri.as_str()),
    }
}

/// The workspace folders; none when a single file was opened.
#[expect(deprecated, reason = "older editors know no other way to name the folder")]
pub(crate) fn roots(params: &lsp::InitializeParams) -> Vec<PathBuf> {
    if let Some(given) = params.workspace_folders.as_deref().filter(|it| !it.is_empty()) {
        return folders(given);
    }
    let root = params.root_uri.as_ref().map(path).or(params.root_path.as_ref().map(PathBuf::from));
    root.into_iter().filter(|root| root.is_absolute()).collect()
}

/// Those of the folders that are on a disk.
pub(crate) fn folders(folders: &[lsp::WorkspaceFolder]) -> Vec<PathBuf> {
    folders.iter().map(|folder| path(&folder.uri)).filter(|path| path.is_absolute()).collect()
}

/// Whether a document is ours; editors may send us others.
/// Whether `path` is that of a notebook, or of a cell in one: cells have the notebook's path.
pub(crate) fn is_notebook(path: &Path) -> bool {
    path.extension().is_some_and(|it| it == "ipynb")
}

pub(crate) fn is_python(path: &Path, language_id: &str) -> bool {
    language_id == "python" || path.extension().is_some_and(|it| it == "py" || it == "pyi")
}

pub(crate) fn position(position: lsp::Position) -> Position {
    Position { line: position.line, column: position.character }
}

pub(crate) fn offset(source: &Source, at: lsp::Position, encoding: Encoding) -> TextSize {
    source.offset(position(at), encoding)
}

pub(crate) fn range(source: &Source, range: lsp::Range, encoding: Encoding) -> TextRange {
    let start = offset(source, range.start, encoding);
    // A range that ends before it starts is an editor's mistake; an empty one does the least harm.
    TextRange::new(start, offset(source, range.end, encoding).max(start))
}

pub(crate) fn content_changes(changes: Vec<lsp::TextDocumentContentChangeEvent>) -> Vec<ContentChange> {
    let one = |change: lsp::TextDocumentContentChangeEvent| ContentChange {
        range: change.range.map(|range| (position(range.start), position(range.end))),
        text: change.text,
    };
    changes.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn path_of(uri: &str) -> PathBuf {
        path(&lsp::Uri::from_str(uri).unwrap())
    }

    #[test]
    fn uris_are_decoded_however_they_were_spelled() {
        assert_eq!(path_of("file:///a%20b/%C3%A9.py"), Path::new("/a b/é.py"));
        assert_eq!(path_of("file:///a/b%2Bc.py"), path_of("file:///a/b+c.py"));
        assert_eq!(path_of("untitled:Untitled-1"), Path::new("untitled:Untitled-1"));
    }

    #[test]
    fn a_reversed_range_is_empty() {
        let source = Source::new("a😀b");
        let at = |character| lsp::Position { line: 0, character };
        let reversed = lsp::Range { start: at(3), end: at(1) };
        assert_eq!(range(&source, reversed, Encoding::Utf16), TextRange::empty(TextSize::new(5)));
    }
}

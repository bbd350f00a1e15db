//! What a request reads: one instant of the writer's state.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use graph::{Analysis, AnalysisHost, FileId};
use syntax::{TextRange, TextSize};
use tower_lsp_server::ls_types as lsp;

use crate::capabilities::Editor;
use crate::lints::Lints;
use crate::persistence::Persistence;
use crate::review::Reviews;
use crate::runs::Runs;
use crate::settings::{ConfigFile, Settings};
use crate::survey::Survey;
use crate::{from_proto, to_proto};

/// Immutable and cheap to clone; holds no lock. Open documents have the text that the editor shows.
#[derive(Clone)]
pub(crate) struct Snapshot {
    /// Grows with every change that no edit caused; then the editor has no reason to ask again by itself.
    pub(crate) generation: u64,
    pub(crate) editor: Arc<Editor>,
    pub(crate) documents: Arc<HashMap<PathBuf, OpenDocument>>,
    pub(crate) analysis: Analysis,
    /// What `analysis` is an instant of. Whoever wants to try a change clones it.
    pub(crate) host: AnalysisHost,
    /// A model is configured, so that there can be proposals.
    pub(crate) proposes: bool,
    pub(crate) settings: Arc<Settings>,
    pub(crate) config_files: Arc<Vec<ConfigFile>>,
    pub(crate) lints: Arc<Lints>,
    pub(crate) runs: Arc<Runs>,
    pub(crate) reviews: Arc<Reviews>,
    /// What earlier sessions have learned; there may be none.
    pub(crate) database: Option<Arc<Persistence>>,
    /// What the last look at the whole workspace found; of the same index.
    pub(crate) survey: Arc<Survey>,
    /// Part of the workspace is not known yet.
    pub(crate) indexing: bool,
}

/// A document as the editor knows it.
#[derive(Clone)]
pub(crate) struct OpenDocument {
    /// As the editor spells it.
    pub(crate) uri: lsp::Uri,
    pub(crate) version: i32,
    /// The text when the document was opened, or last saved.
    pub(crate) saved: Arc<str>,
}

impl Snapshot {
    pub(crate) fn version(&self, path: &Path) -> Option<i32> {
        self.documents.get(path).map(|document| document.version)
    }

    /// The text of a file that is known.
    pub(crate) fn text(&self, path: &Path) -> Option<Arc<str>> {
        let file = self.analysis.file(path)?;
        Some(self.analysis.source(file).text().clone())
    }

    pub(crate) fn file(&self, uri: &lsp::Uri) -> Option<FileId> {
        self.analysis.file(&from_proto::path(uri))
    }

    /// The place that `position` means; `None` in a file that is not known.
    pub(crate) fn place(&self, position: &lsp::TextDocumentPositionParams) -> Option<(FileId, TextSize)> {
        let file = self.file(&position.text_document.uri)?;
        let source = self.analysis.source(file);
        Some((file, from_proto::offset(source, position.position, self.editor.encoding)))
    }

    /// The file's URI, as the editor spells it where it has the file open.
    pub(crate) fn uri(&self, file: FileId) -> Option<lsp::Uri> {
        let path = self.analysis.path(file);
        match self.documents.get(path) {
            Some(document) => Some(document.uri.clone()),
            None => to_proto::uri(path),
        }
    }

    pub(crate) fn range(&self, file: FileId, range: TextRange) -> lsp::Range {
        to_proto::range(self.analysis.source(file), range, self.editor.encoding)
    }

    pub(crate) fn location(&self, file: FileId, range: TextRange) -> Option<lsp::Location> {
        Some(lsp::Location { uri: self.uri(file)?, range: self.range(file, range) })
    }
}

//! What a request reads: one instant of the writer's state.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use syntax::Source;
use tower_lsp_server::ls_types as lsp;

use crate::capabilities::Editor;

/// Immutable and cheap to clone; holds no lock.
#[derive(Clone, Default)]
pub(crate) struct Snapshot {
    /// Grows with every change of any kind.
    pub(crate) revision: u64,
    /// Grows with every change that no edit caused; then the editor has no reason to ask again by itself.
    pub(crate) generation: u64,
    pub(crate) editor: Arc<Editor>,
    pub(crate) documents: Arc<HashMap<PathBuf, OpenDocument>>,
}

/// A document as the editor shows it.
#[derive(Clone)]
pub(crate) struct OpenDocument {
    /// As the editor spells it.
    pub(crate) uri: lsp::Uri,
    pub(crate) version: i32,
    pub(crate) source: Source,
}

impl Snapshot {
    pub(crate) fn version(&self, path: &Path) -> Option<i32> {
        self.documents.get(path).map(|document| document.version)
    }
}

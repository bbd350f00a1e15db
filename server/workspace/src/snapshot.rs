//! What a request reads: one snapshot of the writer's state.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use graph::{Analysis, AnalysisHost, Timings};

use crate::diagnostics::WorkspaceDiagnostics;
use crate::lints::Lints;
use crate::persistence::Persistence;
use crate::results::Results;
use crate::reviews::Reviews;
use crate::settings::{ConfigFile, Settings};

/// Immutable and cheap to clone; holds no lock. Open documents have the text that the editor shows.
#[derive(Clone)]
pub struct Snapshot {
    /// Grows with every change that no edit caused; then the editor has no reason to ask again by itself.
    pub generation: u64,
    pub documents: Arc<HashMap<PathBuf, OpenDocument>>,
    pub analysis: Analysis,
    /// What `analysis` is a snapshot of. Whoever wants to try a change clones it.
    pub host: AnalysisHost,
    pub settings: Arc<Settings>,
    pub config_files: Arc<Vec<ConfigFile>>,
    pub lints: Arc<Lints>,
    pub results: Arc<Results>,
    pub reviews: Arc<Reviews>,
    /// What earlier sessions have learned; there may be none.
    pub database: Option<Arc<Persistence>>,
    /// What the last look at the whole workspace found; of the same index.
    pub workspace_diagnostics: Arc<WorkspaceDiagnostics>,
    /// Part of the workspace is not known yet.
    pub indexing: bool,
    /// What the edits took that this state has and the one before it had not.
    pub applied: Option<Applied>,
}

/// When edits were applied.
#[derive(Clone, Copy)]
pub struct Applied {
    pub begun: Instant,
    pub ended: Instant,
    pub timings: Timings,
}

/// A document that is open in an editor.
#[derive(Clone)]
pub struct OpenDocument {
    pub version: i32,
    /// The text when the document was opened, or last saved.
    pub saved: Arc<str>,
}

impl Snapshot {
    pub fn version(&self, path: &Path) -> Option<i32> {
        self.documents.get(path).map(|document| document.version)
    }

    /// The text of a file that is known.
    pub fn text(&self, path: &Path) -> Option<Arc<str>> {
        let file = self.analysis.file(path)?;
        Some(self.analysis.source(file).text().clone())
    }
}

//! Reading a workspace for one command.

use std::path::{Path, PathBuf};

use anyhow::Context;
use graph::{Analysis, AnalysisHost, FileId};

use crate::output;

/// A folder with its graph.
pub(crate) struct Workspace {
    /// Absolute.
    pub(crate) root: PathBuf,
    pub(crate) host: AnalysisHost,
    pub(crate) analysis: Analysis,
}

impl Workspace {
    /// Reads all of the folder `root`. What cannot be read is named on standard error.
    ///
    /// # Errors
    /// When `root` is no folder.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let root = std::path::absolute(root)?;
        let metadata = std::fs::metadata(&root).with_context(|| format!("cannot open {}", root.display()))?;
        anyhow::ensure!(metadata.is_dir(), "{} is not a folder", root.display());
        let discovery = graph::discover(&root);
        let bar = output::progress(discovery.files.len() as u64, "reading");
        let (change, skipped) = graph::load(&discovery.files, &|done| bar.set_position(done as u64));
        bar.finish_and_clear();
        for skipped in discovery.skipped.iter().chain(&skipped) {
            eprintln!("skipped: {} {}", skipped.path.display(), skipped.reason);
        }
        let mut host = AnalysisHost::new(vec![root.clone()]);
        host.apply(change);
        Ok(Workspace { root, analysis: host.analysis(), host })
    }

    /// The file at `path`.
    ///
    /// # Errors
    /// When it does not exist, is no Python, or is not part of the workspace.
    pub(crate) fn file(&self, path: &Path) -> anyhow::Result<FileId> {
        let path = std::path::absolute(path)?;
        if let Some(file) = self.analysis.file(&path) {
            return Ok(file);
        }
        let name = path.display();
        std::fs::metadata(&path).with_context(|| format!("cannot open {name}"))?;
        anyhow::ensure!(graph::is_python(&path), "{name} is not a Python file");
        anyhow::bail!("{name} is not part of the workspace {}, or ignored by .gitignore", self.root.display())
    }

    /// The path as it is reported: relative to the current folder where that is possible.
    pub(crate) fn shown(&self, file: FileId) -> String {
        let path = self.analysis.path(file);
        let here = std::env::current_dir().ok();
        let relative = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
        relative.unwrap_or(path).display().to_string()
    }
}

/// The workspace that `path` belongs to: the nearest folder above it with a `pyproject.toml` or a `.git`, else its own.
///
/// # Errors
/// When the current folder is gone.
pub(crate) fn root_of(path: &Path) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let folder = if path.is_dir() { &path } else { path.parent().unwrap_or(&path) };
    let is_root = |folder: &&Path| folder.join("pyproject.toml").exists() || folder.join(".git").exists();
    Ok(folder.ancestors().find(is_root).unwrap_or(folder).to_path_buf())
}

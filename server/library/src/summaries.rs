//! Summaries of libraries on disk, for all workspaces: what one has parsed no other need parse.
//!
//! A file for each, named after the digest of what it depends on. Whoever reads while another writes finds all or nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use graph::Digest;

/// Shorter texts are parsed sooner than a file is opened and read.
pub(crate) const MIN_TEXT: usize = 8 << 10;

/// Larger files are not ours.
const MAX_BYTES: u64 = 64 << 20;

/// More than this is not kept: somewhat over a thousand modules.
const MAX_TOTAL: u64 = 256 << 20;

#[derive(Debug)]
pub(crate) struct Summaries {
    folder: PathBuf,
    /// How many bytes were written since the folder was last looked through.
    written: AtomicU64,
}

/// The folder is looked through after so many bytes.
const LOOK_AFTER: u64 = 16 << 20;

impl Summaries {
    pub(crate) fn new(cache: &Path) -> Self {
        Summaries { folder: cache.join("libraries"), written: AtomicU64::new(0) }
    }

    pub(crate) fn read(&self, digest: &Digest) -> Option<Vec<u8>> {
        disk::read_bytes(&self.path(digest), MAX_BYTES).ok()
    }

    /// What cannot be written is parsed again the next time.
    pub(crate) fn write(&self, digest: &Digest, bytes: &[u8]) {
        let path = self.path(digest);
        if let Err(error) = crate::places::write(&path, bytes) {
            tracing::debug!("{}: {error}", path.display());
            return;
        }
        let length = bytes.len() as u64;
        if self.written.fetch_add(length, Ordering::Relaxed) + length >= LOOK_AFTER {
            self.written.store(0, Ordering::Relaxed);
            self.forget_oldest();
        }
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let name: String = digest.as_bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(name)
    }

    /// Removes what was written first, until half of what may be there is left.
    fn forget_oldest(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut files: Vec<_> = entries
            .filter_map(|entry| {
                let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        let mut total: u64 = files.iter().map(|(_, length, _)| length).sum();
        if total <= MAX_TOTAL {
            return;
        }
        files.sort();
        for (_, length, path) in files {
            if total <= MAX_TOTAL / 2 {
                return;
            }
            if fs::remove_file(&path).is_ok() {
                total -= length;
            }
        }
    }
}

//! Why the sandbox does not work on this machine.

use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "the sandbox's Python is not built: there is no {}; run `cargo xtask guest` in tantu's sources, or reinstall tantu",
        path.display()
    )]
    GuestMissing { path: PathBuf },
    #[error("TANTU_GUEST is {}, which cannot be read: {source}", path.display())]
    GuestUnreadable { path: PathBuf, source: io::Error },
    #[error("there is no cache directory: set XDG_CACHE_HOME or HOME")]
    NoCache,
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot compile the sandbox's Python for this machine: {0}")]
    Compile(wasmtime::Error),
    #[error("cannot load the sandbox's Python: {0}; `tantu sandbox clear` removes what was prepared")]
    Load(wasmtime::Error),
    /// The request asks for what the sandbox does not give. Becomes an outcome, not a failure of the sandbox.
    #[error("{0}")]
    Refused(String),
}

/// Says what was being done to which file when an operation failed.
pub(crate) trait IoContext<T> {
    fn while_(self, action: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn while_(self, action: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::Io { action, path: path.to_owned(), source })
    }
}

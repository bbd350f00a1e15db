//! What *enter* is told: the program, and all that it may do.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A program and its confinement. Paths are absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Nothing is started without it: the confinement is only tried.
    pub program: Option<PathBuf>,
    pub arguments: Vec<String>,
    /// The working directory.
    pub folder: PathBuf,
    /// All of the environment.
    pub environment: Vec<(String, String)>,
    /// What may be read and executed, files or folders; what does not exist is passed over.
    pub read: Vec<PathBuf>,
    /// The private folder, which may be written in.
    pub write: PathBuf,
    /// Others that may.
    #[serde(default)]
    pub also_write: Vec<PathBuf>,
    /// In `write`: what is mounted over `/dev/shm`.
    pub shared_memory: PathBuf,
    /// Bytes of private memory of one process.
    pub data: u64,
    /// Bytes in a file.
    pub file: u64,
    /// Seconds of processor time of one process.
    pub cpu: u64,
    /// Processes of this user, where the kernel counts them for this one alone.
    pub processes: u64,
    /// Do without namespaces even if they are granted, as most containers have it.
    #[serde(default)]
    pub without_namespaces: bool,
}

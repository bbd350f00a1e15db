//! What a workspace says of itself beside its code.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use graph::Libraries;

/// Entry points and surroundings of a workspace. What is not known is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Project {
    /// What installing the project makes programs of: `package.module:function`.
    pub scripts: Vec<String>,
    /// Others install and import it: what is public may be used by anybody.
    pub is_library: bool,
    /// `None` when there is no environment to look at.
    pub packages: Option<Packages>,
    /// What can be imported from elsewhere; `None` where that is not to be judged.
    pub libraries: Option<KnownLibraries>,
    /// The files that name the distributions which the project needs.
    pub requirements: Vec<RequirementFile>,
}

/// A `requirements.txt` or a `pyproject.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequirementFile {
    /// Absolute.
    pub path: PathBuf,
    pub text: Arc<str>,
}

impl RequirementFile {
    pub fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }
}

/// The libraries of a workspace. Two are equal if they are the same.
#[derive(Clone, Debug)]
pub struct KnownLibraries(pub Arc<dyn Libraries>);

impl PartialEq for KnownLibraries {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for KnownLibraries {}

/// What is installed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packages {
    /// The folders that were looked at.
    pub places: Vec<PathBuf>,
    /// Names that can be imported.
    pub names: BTreeSet<String>,
}

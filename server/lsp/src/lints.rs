//! Linters, and what they found in the documents that are open.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use graph::{Analysis, FileId};
use ide::SharedLinter;
use lint::{Advisories, ConfigurationProblem, Document, Finding, Linter, ProjectRuff, Ruff, Secrets};

use crate::advisories::{self, VulnerableFile};
use crate::settings::Settings;

/// Nobody waits longer for findings.
const PROJECT_RUFF_LIMIT: Duration = Duration::from_secs(10);

/// Which ruff looks at files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RuffChoice {
    /// None: another server does.
    Off,
    /// The one that is linked into this process.
    #[default]
    Bundled,
    /// The executable of the project's environment.
    Project,
}

/// One choice of linters. Another choice, or other settings on disk, is another value, which knows no findings yet.
pub struct Lints {
    choice: RuffChoice,
    ruff: Arc<Ruff>,
    project: ProjectLinter,
    advisories: Option<Arc<KeptAdvisories>>,
    /// What was found in which text.
    found: Mutex<HashMap<PathBuf, (Arc<str>, Arc<Vec<Finding>>)>>,
}

impl Lints {
    /// For a workspace with the folders `roots`.
    pub fn new(choice: RuffChoice, roots: &[PathBuf]) -> Self {
        let project = ProjectLinter::new(roots);
        Lints { choice, ruff: Arc::default(), project, advisories: None, found: Mutex::default() }
    }

    /// The same for other settings, without what was found so far. Advisories are read again when their folder is another.
    pub(crate) fn renewed(&self, settings: &Settings, roots: &[PathBuf]) -> Self {
        let kept = self.advisories.clone().filter(|it| Some(&it.folder) == settings.advisories.as_ref());
        let new =
            || settings.advisories.clone().map(|folder| Arc::new(KeptAdvisories { folder, read: OnceLock::new() }));
        let advisories = kept.or_else(new);
        Lints { ruff: self.ruff.clone(), advisories, ..Lints::new(settings.ruff, roots) }
    }

    /// Pins of vulnerable versions in the workspace's folders. The first time, this reads the advisories, which may be many.
    pub(crate) fn vulnerable(&self, roots: &[PathBuf]) -> Vec<VulnerableFile> {
        let Some(kept) = &self.advisories else { return Vec::new() };
        let advisories = kept.read.get_or_init(|| {
            let (advisories, problems) = lint::read_advisories(&kept.folder);
            for problem in problems {
                tracing::warn!("advisories: {} {}", problem.path.display(), problem.message);
            }
            advisories
        });
        roots.iter().flat_map(|root| advisories::vulnerable(root, advisories)).collect()
    }

    /// The linter that can fix whole files.
    pub fn ruff(&self) -> Option<&Ruff> {
        (self.choice == RuffChoice::Bundled).then_some(&*self.ruff)
    }

    /// What there is to find in a file.
    pub fn find(&self, analysis: &Analysis, file: FileId) -> Vec<Finding> {
        let ruff: Option<&SharedLinter> = match self.choice {
            RuffChoice::Off => None,
            RuffChoice::Bundled => Some(&*self.ruff),
            RuffChoice::Project => Some(&self.project),
        };
        let linters: Vec<&SharedLinter> = ruff.into_iter().chain([&Secrets as &SharedLinter]).collect();
        ide::lint_findings(analysis, &linters, file)
    }

    /// The same for an open document, which is asked about again and again.
    pub(crate) fn of_document(&self, analysis: &Analysis, file: FileId) -> Arc<Vec<Finding>> {
        let (path, text) = (analysis.path(file), analysis.source(file).text());
        let known = |(of, found): &(Arc<str>, Arc<Vec<Finding>>)| Arc::ptr_eq(of, text).then(|| found.clone());
        if let Some(found) = self.found().get(path).and_then(known) {
            return found;
        }
        let found = Arc::new(self.find(analysis, file));
        self.found().insert(path.to_path_buf(), (text.clone(), found.clone()));
        found
    }

    /// Forgets what was found in documents that are no longer open.
    pub(crate) fn retain(&self, is_open: impl Fn(&Path) -> bool) {
        self.found().retain(|path, _| is_open(path));
    }

    /// What is wrong with the linter's settings for `paths`, each file once.
    pub fn problems<'a>(&self, paths: impl Iterator<Item = &'a Path>) -> Vec<ConfigurationProblem> {
        let Some(ruff) = self.ruff() else { return Vec::new() };
        let mut problems: Vec<ConfigurationProblem> = paths.filter_map(|path| ruff.problem(path)).collect();
        problems.sort_by(|a, b| (&a.path, a.range.start()).cmp(&(&b.path, b.range.start())));
        problems.dedup();
        problems
    }

    fn found(&self) -> MutexGuard<'_, HashMap<PathBuf, (Arc<str>, Arc<Vec<Finding>>)>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Lints {
    fn default() -> Self {
        Lints::new(RuffChoice::default(), &[])
    }
}

/// A folder of advisories, and what is in it.
struct KeptAdvisories {
    folder: PathBuf,
    read: OnceLock<Advisories>,
}

/// The executables of the workspace's folders.
struct ProjectLinter(Vec<(PathBuf, ProjectRuff)>);

impl ProjectLinter {
    fn new(roots: &[PathBuf]) -> Self {
        let of = |root: &PathBuf| (root.clone(), project_ruff(root));
        ProjectLinter(roots.iter().map(of).collect())
    }
}

impl Linter for ProjectLinter {
    fn lint(&self, document: &Document<'_>) -> Vec<Finding> {
        let around = self.0.iter().filter(|(root, _)| document.path.starts_with(root));
        let nearest = around.max_by_key(|(root, _)| root.as_os_str().len());
        nearest.map(|(_, ruff)| ruff.lint(document)).unwrap_or_default()
    }
}

/// The `ruff` of the folder's virtual environment, else that on the search path.
pub fn project_ruff(root: &Path) -> ProjectRuff {
    let name = format!("ruff{}", std::env::consts::EXE_SUFFIX);
    let scripts = if cfg!(windows) { "Scripts" } else { "bin" };
    let environments = std::env::var_os("VIRTUAL_ENV").map(PathBuf::from).into_iter();
    let environments = [".venv", "venv"].map(|it| root.join(it)).into_iter().chain(environments);
    let own = environments.map(|it| it.join(scripts).join(&name)).find(|path| path.is_file());
    ProjectRuff::new(own.unwrap_or_else(|| name.into()), root, PROJECT_RUFF_LIMIT)
}

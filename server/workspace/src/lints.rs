//! Linters, and what they found in the documents that are open.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use graph::{Analysis, FileId, SharedTree};
use ide::SharedLinter;
use lint::{Advisories, ConfigurationProblem, Document, Finding, Gate, Linter, ProjectRuff, Ruff, Secrets, Weaknesses};

use crate::advisories;
use crate::config_findings::FoundIn;
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
    /// By open document.
    found: Mutex<HashMap<PathBuf, Found>>,
}

/// What was found in a text, once somebody has looked.
#[derive(Clone)]
struct Found {
    text: Arc<str>,
    findings: Arc<OnceLock<Arc<Vec<Finding>>>>,
}

impl Lints {
    /// For a workspace with the folders `roots`.
    pub fn new(choice: RuffChoice, roots: &[PathBuf]) -> Self {
        let project = ProjectLinter::new(roots);
        Lints { choice, ruff: Arc::default(), project, advisories: None, found: Mutex::default() }
    }

    /// The same for other settings, without what was found so far. Advisories are read again when their folder is another.
    pub fn renewed(&self, settings: &Settings, roots: &[PathBuf]) -> Self {
        let kept = self.advisories.clone().filter(|it| Some(&it.folder) == settings.advisories.as_ref());
        let new =
            || settings.advisories.clone().map(|folder| Arc::new(KeptAdvisories { folder, read: OnceLock::new() }));
        let advisories = kept.or_else(new);
        Lints { ruff: self.ruff.clone(), advisories, ..Lints::new(settings.ruff, roots) }
    }

    /// Pins of vulnerable versions in the workspace's folders. The first time, this reads the advisories, which may be many.
    pub fn vulnerable(&self, roots: &[PathBuf]) -> Vec<FoundIn> {
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

    /// The linters that no choice switches off, for what a candidate edit must not bring.
    pub fn gate(&self) -> Gate<'_> {
        Gate(&self.ruff)
    }

    /// The linters of this choice.
    pub fn linters(&self) -> Vec<&SharedLinter> {
        let ruff: Option<&SharedLinter> = match self.choice {
            RuffChoice::Off => None,
            RuffChoice::Bundled => Some(&*self.ruff),
            RuffChoice::Project => Some(&self.project),
        };
        ruff.into_iter().chain([&Secrets as &SharedLinter, &Weaknesses]).collect()
    }

    /// What there is to find in a file.
    pub fn find(&self, analysis: &Analysis, file: FileId) -> Vec<Finding> {
        ide::lint_findings(analysis, &self.linters(), file)
    }

    /// The same for an open document, which is asked about again and again. Waits for who is looking already.
    pub fn of_document(&self, analysis: &Analysis, file: FileId) -> Arc<Vec<Finding>> {
        let found = self.place(analysis.path(file), analysis.source(file).text());
        found.get_or_init(|| Arc::new(self.find(analysis, file))).clone()
    }

    /// Looks into a text before the graph knows it.
    fn look_ahead(&self, path: &Path, tree: &SharedTree) {
        self.place(path, tree.text()).get_or_init(|| Arc::new(ide::lint_ahead(path, tree, &self.linters())));
    }

    /// Where the findings in `text` go.
    fn place(&self, path: &Path, text: &Arc<str>) -> Arc<OnceLock<Arc<Vec<Finding>>>> {
        let mut found = self.found();
        match found.get(path) {
            Some(known) if Arc::ptr_eq(&known.text, text) => known.findings.clone(),
            _ => {
                let new = Found { text: text.clone(), findings: Arc::default() };
                found.insert(path.to_path_buf(), new.clone());
                new.findings
            }
        }
    }

    /// Forgets what was found in documents that are no longer open.
    pub fn retain(&self, is_open: impl Fn(&Path) -> bool) {
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

    fn found(&self) -> MutexGuard<'_, HashMap<PathBuf, Found>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Lints {
    fn default() -> Self {
        Lints::new(RuffChoice::default(), &[])
    }
}

/// A text to look into.
pub struct Ahead {
    pub lints: Arc<Lints>,
    pub path: PathBuf,
    pub tree: SharedTree,
}

/// Starts the thread that looks into edited texts while the writer brings the graph up to date. What is superseded is skipped.
///
/// # Errors
/// When no thread can be started.
pub fn start() -> std::io::Result<Sender<Ahead>> {
    let (sender, receiver) = channel::<Ahead>();
    // Looking needs a deep stack, and a thread for each text would give its memory back to the system each time.
    syntax::spawn_deep("lint", move || {
        while let Ok(first) = receiver.recv() {
            let mut newest = HashMap::from([(first.path.clone(), first)]);
            newest.extend(receiver.try_iter().map(|ahead| (ahead.path.clone(), ahead)));
            for Ahead { lints, path, tree } in newest.into_values() {
                // A defect of ours; who asks for the findings looks again, and fails alone.
                let _ = catch_unwind(AssertUnwindSafe(|| lints.look_ahead(&path, &tree)));
            }
        }
    })?;
    Ok(sender)
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

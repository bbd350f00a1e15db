//! Which settings apply to a file, remembered by folder.

use std::collections::HashMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use ruff_linter::UnresolvedRuleSelector;
use ruff_linter::settings::types::{PerFileIgnore, PythonVersion};
use ruff_workspace::Settings;
use ruff_workspace::configuration::{Configuration, LintConfiguration, RuleSelection};
use ruff_workspace::pyproject::{find_fallback_target_version, settings_toml};
use ruff_workspace::resolver::{
    ConfigurationOrigin, ConfigurationTransformer, resolve_configuration, resolve_root_settings,
};

use super::ConfigurationProblem;

/// Files that may hold settings, in the order in which ruff looks for them.
const NAMES: [&str; 3] = [".ruff.toml", "ruff.toml", "pyproject.toml"];

/// What is on where nobody has said anything: what is almost always a mistake, and what is dangerous.
const DEFAULT_RULES: [&str; 6] = ["F", "E4", "E7", "E9", "B", "S"];

/// Tests, where `assert` is what one writes.
const TESTS: [&str; 5] = ["**/tests/**", "**/test/**", "**/test_*.py", "**/*_test.py", "**/conftest.py"];

/// The settings of all folders that were asked for.
#[derive(Debug)]
pub(super) struct SettingsCache {
    user: Option<PathBuf>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    folders: HashMap<PathBuf, Arc<Folder>>,
    /// Folders share what comes from one file, or from none in one project.
    configured: HashMap<Origin, Arc<Configured>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Origin {
    File(PathBuf),
    /// The user's own file, and the folder of the project.
    User(PathBuf, PathBuf),
    /// The folder of a project without settings.
    Nothing(PathBuf),
}

/// The settings for the files in one folder.
#[derive(Debug)]
pub(super) struct Folder {
    pub settings: Arc<Settings>,
    /// Why these are the default settings.
    pub problem: Option<ConfigurationProblem>,
    configured: Arc<Configured>,
    /// The files that were looked for.
    seen: Seen,
}

#[derive(Debug)]
struct Configured {
    settings: Arc<Settings>,
    problem: Option<ConfigurationProblem>,
    /// The files that were read.
    seen: Seen,
}

/// What files were like when they were looked at; `None` for files that were not there.
#[derive(Debug, Default)]
struct Seen(Vec<(PathBuf, Option<Stamp>)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
}

impl Seen {
    fn look(&mut self, path: PathBuf) {
        let stamp = stamp(&path);
        self.0.push((path, stamp));
    }

    fn is_unchanged(&self) -> bool {
        self.0.iter().all(|(path, before)| stamp(path) == *before)
    }

    fn contains(&self, path: &Path) -> bool {
        self.0.iter().any(|(seen, _)| seen == path)
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some(Stamp { modified: metadata.modified().ok(), bytes: metadata.len() })
}

impl SettingsCache {
    pub(super) fn new(user: Option<PathBuf>) -> Self {
        SettingsCache { user, known: Mutex::default() }
    }

    /// What applies to the file at `path`. Asks the file system whether it is what it was.
    pub(super) fn folder(&self, path: &Path) -> Arc<Folder> {
        let directory = path.parent().unwrap_or(path);
        let known = self.known().folders.get(directory).cloned();
        if let Some(folder) = known
            && folder.seen.is_unchanged()
            && folder.configured.seen.is_unchanged()
        {
            return folder;
        }
        let folder = Arc::new(self.discover(directory));
        self.known().folders.insert(directory.to_owned(), Arc::clone(&folder));
        folder
    }

    pub(super) fn forget(&self, path: &Path) -> bool {
        let mut known = self.known();
        let before = known.folders.len();
        known.folders.retain(|_, folder| !folder.seen.contains(path) && !folder.configured.seen.contains(path));
        known.configured.retain(|_, configured| !configured.seen.contains(path));
        known.folders.len() < before
    }

    pub(super) fn problems(&self) -> Vec<ConfigurationProblem> {
        let known = self.known();
        // What was mended since nobody complains about.
        let folders = known.folders.values().filter(|folder| folder.problem.is_some() && folder.seen.is_unchanged());
        let mut problems: Vec<ConfigurationProblem> = folders.filter_map(|folder| folder.problem.clone()).collect();
        problems.sort_by(|one, other| (&one.path, &one.message).cmp(&(&other.path, &other.message)));
        problems.dedup();
        problems
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn discover(&self, directory: &Path) -> Folder {
        let mut seen = Seen::default();
        let root = project(directory);
        let found = nearest_file(directory, &mut seen).and_then(|file| {
            let origin = match (file, &self.user) {
                (Some(file), _) => Origin::File(file),
                (None, Some(user)) => Origin::User(user.clone(), root.clone()),
                (None, None) => Origin::Nothing(root.clone()),
            };
            let configured = self.configured(origin);
            match &configured.problem {
                None => Ok(configured),
                Some(problem) => {
                    seen.0.extend(configured.seen.0.iter().cloned());
                    Err(problem.clone())
                }
            }
        });
        let (configured, problem) = match found {
            Ok(configured) => (configured, None),
            Err(problem) => (self.configured(Origin::Nothing(root)), Some(problem)),
        };
        Folder { settings: Arc::clone(&configured.settings), problem, configured, seen }
    }

    fn configured(&self, origin: Origin) -> Arc<Configured> {
        let known = self.known().configured.get(&origin).cloned();
        if let Some(configured) = known
            && configured.seen.is_unchanged()
        {
            return configured;
        }
        let configured = Arc::new(configure(&origin));
        self.known().configured.insert(origin, Arc::clone(&configured));
        configured
    }
}

/// The file with settings that is nearest to the files in `directory`; notes where it was looked for.
fn nearest_file(directory: &Path, seen: &mut Seen) -> Result<Option<PathBuf>, ConfigurationProblem> {
    for ancestor in directory.ancestors() {
        NAMES.iter().for_each(|name| seen.look(ancestor.join(name)));
        // The only one of them that is read to see whether it counts.
        let read = ancestor.join("pyproject.toml");
        check_readable(&read)?;
        let found = guarded(&read, || {
            settings_toml(ancestor).map_err(|error| ConfigurationProblem::new(&read, error.chain()))
        })?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn configure(origin: &Origin) -> Configured {
    let mut seen = Seen::default();
    let resolved = match origin {
        Origin::File(path) => {
            look_at_chain(path, &mut seen).and_then(|()| resolve(path, &Unchanged, ConfigurationOrigin::Ancestor))
        }
        Origin::User(path, root) => {
            root.ancestors().for_each(|ancestor| seen.look(ancestor.join("pyproject.toml")));
            look_at_chain(path, &mut seen)
                .and_then(|()| resolve(path, &TargetVersionOf(root), ConfigurationOrigin::UserSettings))
        }
        Origin::Nothing(root) => {
            root.ancestors().for_each(|ancestor| seen.look(ancestor.join("pyproject.toml")));
            default_settings(root)
        }
    };
    match resolved {
        Ok(settings) => Configured { settings: Arc::new(settings), problem: None, seen },
        Err(problem) => {
            if !seen.contains(&problem.path) {
                seen.look(problem.path.clone());
            }
            Configured { settings: Arc::default(), problem: Some(problem), seen }
        }
    }
}

/// Notes `path` and the files that it extends, and makes sure that ruff will come to the end of each. What cannot be
/// understood ends the chain; ruff says what is wrong with it.
fn look_at_chain(path: &Path, seen: &mut Seen) -> Result<(), ConfigurationProblem> {
    let mut next = Some(path.to_owned());
    while let Some(path) = next.take() {
        if seen.contains(&path) {
            break;
        }
        seen.look(path.clone());
        check_readable(&path)?;
        // Of a chain, the first file's word on what to extend is kept.
        let configuration = guarded(&path, || {
            resolve_configuration(&path, &Unchanged, ConfigurationOrigin::Ancestor)
                .map_err(|error| ConfigurationProblem::new(&path, error.chain()))
        });
        let Ok(Configuration { extend: Some(extend), .. }) = configuration else { break };
        next = path.parent().map(|folder| ruff_linter::fs::normalize_path_to(&extend, folder));
    }
    Ok(())
}

/// Ruff would wait for a FIFO, and read a device for ever.
fn check_readable(path: &Path) -> Result<(), ConfigurationProblem> {
    disk::is_readable_configuration(path).map_err(|error| ConfigurationProblem::other(path, error.to_string()))
}

/// The Python that the project asks for, as far as its files can be read.
fn target_version(root: &Path) -> Option<PythonVersion> {
    let mut files = root.ancestors().map(|ancestor| ancestor.join("pyproject.toml"));
    if files.any(|file| check_readable(&file).is_err()) {
        return None;
    }
    find_fallback_target_version(root)
}

fn resolve(
    path: &Path,
    transformer: &dyn ConfigurationTransformer,
    origin: ConfigurationOrigin,
) -> Result<Settings, ConfigurationProblem> {
    guarded(path, || {
        resolve_root_settings(path, transformer, origin).map_err(|error| ConfigurationProblem::new(path, error.chain()))
    })
}

fn default_settings(root: &Path) -> Result<Settings, ConfigurationProblem> {
    let select = DEFAULT_RULES.map(UnresolvedRuleSelector::cli).to_vec();
    let in_tests =
        |pattern: &str| PerFileIgnore::new(pattern.to_owned(), vec![UnresolvedRuleSelector::cli("S101")], Some(root));
    guarded(root, || {
        let configuration = Configuration {
            target_version: target_version(root).map(Into::into),
            lint: LintConfiguration {
                rule_selections: vec![RuleSelection { select: Some(select), ..RuleSelection::default() }],
                per_file_ignores: Some(TESTS.map(in_tests).into()),
                ..LintConfiguration::default()
            },
            ..Configuration::default()
        };
        configuration.into_settings(root).map_err(|error| ConfigurationProblem::new(root, error.chain()))
    })
}

/// What `work` gives, or that it panicked.
fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T, ConfigurationProblem>) -> Result<T, ConfigurationProblem> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(ConfigurationProblem::other(path, "these settings cannot be understood".to_owned())))
}

/// The folder of the project that `directory` is in: the nearest with a sign of one, else `directory`.
fn project(directory: &Path) -> PathBuf {
    let signs = ["pyproject.toml", "setup.cfg", "setup.py", ".git"];
    let is_project = |folder: &&Path| signs.iter().any(|sign| folder.join(sign).exists());
    directory.ancestors().find(is_project).unwrap_or(directory).to_owned()
}

struct Unchanged;

impl ConfigurationTransformer for Unchanged {
    fn transform(&self, configuration: Configuration) -> Configuration {
        configuration
    }
}

/// The Python that a project asks for goes before the one in the user's settings.
struct TargetVersionOf<'a>(&'a Path);

impl ConfigurationTransformer for TargetVersionOf<'_> {
    fn transform(&self, mut configuration: Configuration) -> Configuration {
        if let Some(version) = target_version(self.0) {
            configuration.target_version = Some(version.into());
        }
        configuration
    }
}

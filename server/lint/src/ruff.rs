//! Ruff's rules, by ruff's own linter linked into this process.
//!
//! No process is started and nothing is parsed twice. The rules are those of one release of ruff ([`Ruff::VERSION`]); a
//! project that needs another one runs its own (`ProjectRuff`).

mod bandit;
mod check;
mod problem;
mod report;
mod settings;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ruff_linter::settings::LinterSettings;
use ruff_workspace::Settings;
use ruff_workspace::resolver::{match_any_exclusion, match_any_inclusion};

pub(crate) use self::bandit::rating;
pub(crate) use self::check::{Checked, NotChecked, Suppress};
pub use self::problem::ConfigurationProblem;
pub(crate) use self::report::{finding, is_about_unnecessary_code, severity};
use self::settings::SettingsCache;
use crate::{Document, Finding, Linter, is_lintable};

/// The linter, with the settings of the projects that it has seen.
///
/// Settings are ruff's: those of the nearest `.ruff.toml`, `ruff.toml` or `pyproject.toml` with a table `tool.ruff`, else
/// those of the user. Where there are none, pyflakes, the errors of pycodestyle, bugbear and bandit are on, and `assert`
/// is no finding in tests.
///
/// What the settings exclude is not linted, whether or not they say `force-exclude`: nobody names the files here.
#[derive(Debug)]
pub struct Ruff {
    settings: SettingsCache,
    /// Files in which a rule panicked: said once.
    broken: Mutex<HashSet<PathBuf>>,
}

impl Default for Ruff {
    fn default() -> Self {
        Ruff::new()
    }
}

impl Ruff {
    /// The release of ruff whose rules these are.
    pub const VERSION: &'static str = ruff_linter::VERSION;

    /// With the user's own settings where a project has none, as the `ruff` command does it.
    pub fn new() -> Self {
        Ruff::with_user_settings(ruff_workspace::pyproject::find_user_settings_toml())
    }

    /// With the settings in the file `user` where a project has none.
    pub fn with_user_settings(user: Option<PathBuf>) -> Self {
        Ruff { settings: SettingsCache::new(user), broken: Mutex::default() }
    }

    /// Forgets the settings that came from `path`, or that a new file at `path` would change. True when there were any:
    /// then what was found before may be stale.
    ///
    /// Not needed for right answers, every [`Linter::lint`] looks whether the files are still the same. It says when to
    /// lint again.
    pub fn forget(&self, path: &Path) -> bool {
        self.settings.forget(path)
    }

    /// What is wrong with the settings for the file at `path`; then the default settings apply to it.
    pub fn problem(&self, path: &Path) -> Option<ConfigurationProblem> {
        self.settings.folder(path).problem.clone()
    }

    /// What is wrong with the settings of the files that were linted so far, each file once, by path.
    pub fn problems(&self) -> Vec<ConfigurationProblem> {
        self.settings.problems()
    }

    /// The settings for `document`; `None` when it is not to be linted.
    pub(crate) fn settings(&self, document: &Document<'_>) -> Option<Arc<Settings>> {
        if !is_lintable(document.path) {
            return None;
        }
        let settings = Arc::clone(&self.settings.folder(document.path).settings);
        is_included(document.path, &settings).then_some(settings)
    }

    /// What ruff says about `text`, the text of `document` or one that is to replace it. Nothing after a panic.
    pub(crate) fn check(
        &self,
        document: &Document<'_>,
        text: &str,
        settings: &LinterSettings,
        suppress: Suppress,
    ) -> Option<Checked> {
        let parsed = (text == document.text).then_some(document.parsed);
        match check::check(document.path, text, parsed, settings, suppress) {
            Ok(checked) => Some(checked),
            Err(reason) => {
                self.report_once(document.path, &reason);
                None
            }
        }
    }

    fn report_once(&self, path: &Path, reason: &NotChecked) {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        if broken.insert(path.to_owned()) {
            tracing::warn!("{} is not linted: {reason}", path.display());
        }
    }
}

fn is_included(path: &Path, settings: &Settings) -> bool {
    let files = &settings.file_resolver;
    if match_any_exclusion(path, files, Some(&settings.linter.exclude), None).is_some() {
        return false;
    }
    // A script without an ending is included by whoever opened it as Python.
    path.extension().is_none() || match_any_inclusion(path, files).is_some()
}

impl Linter for Ruff {
    fn lint(&self, document: &Document<'_>) -> Vec<Finding> {
        let Some(settings) = self.settings(document) else { return Vec::new() };
        let Some(checked) = self.check(document, document.text, &settings.linter, Suppress::No) else {
            return Vec::new();
        };
        let mut findings: Vec<Finding> = checked.diagnostics.iter().filter_map(finding).collect();
        findings.sort_by_key(|finding| finding.range.start());
        findings
    }
}

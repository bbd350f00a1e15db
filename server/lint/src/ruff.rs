//! Ruff's rules, by ruff's own linter linked into this process.
//!
//! No process is started and nothing is parsed twice. The rules are those of one release of ruff ([`Ruff::VERSION`]); a
//! project that needs another one runs its own (`ProjectRuff`).

mod bandit;
mod bounds;
mod check;
mod problem;
mod report;
mod settings;
mod versions;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ruff_diagnostics::Edit;
use ruff_linter::settings::LinterSettings;
use ruff_linter::settings::flags::Noqa;
use ruff_workspace::Settings;
use ruff_workspace::resolver::{match_any_exclusion, match_any_inclusion};
use syntax::TextRange;

pub(crate) use self::bandit::rating;
pub(crate) use self::check::Checked;
use self::check::NotChecked;
pub use self::problem::ConfigurationProblem;
pub use self::report::INVALID_SYNTAX;
pub(crate) use self::report::{finding, severity, usual_tag};
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
        let settings = self.settings_of(document.path);
        is_included(document.path, &settings).then_some(settings)
    }

    /// The settings for the file at `path`, whether or not it is to be linted.
    pub(crate) fn settings_of(&self, path: &Path) -> Arc<Settings> {
        Arc::clone(&self.settings.folder(path).settings)
    }

    /// What ruff says about `text`, the text of `document` or one that is to replace it. Nothing after a panic.
    pub(crate) fn check(
        &self,
        document: &Document<'_>,
        text: &str,
        settings: &LinterSettings,
        comments: Noqa,
    ) -> Option<Checked> {
        let parsed = (text == document.text).then_some(document.parsed);
        self.or_report(document.path, check::check(document.path, text, parsed, settings, comments))
    }

    /// What ruff says about `document` with these settings, in the order of the text.
    pub(crate) fn findings(&self, document: &Document<'_>, settings: &LinterSettings, comments: Noqa) -> Vec<Finding> {
        let Some(checked) = self.check(document, document.text, settings, comments) else { return Vec::new() };
        let mut findings: Vec<Finding> = checked.diagnostics.iter().filter_map(finding).collect();
        findings.sort_by_key(|finding| finding.range.start());
        findings
    }

    /// The edit that silences the rule `code` at `range`; it may write more of the line anew than it must.
    pub(crate) fn suppression(&self, document: &Document<'_>, code: &str, range: TextRange) -> Option<Edit> {
        let settings = self.settings(document)?;
        self.or_report(document.path, check::suppression(document, &settings.linter, code, range))?
    }

    /// Says once for each file why it is not looked at.
    fn or_report<T>(&self, path: &Path, result: Result<T, NotChecked>) -> Option<T> {
        result
            .map_err(|reason| {
                let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
                if broken.insert(path.to_owned()) {
                    tracing::warn!("{} is not linted: {reason}", path.display());
                }
            })
            .ok()
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
        self.findings(document, &settings.linter, Noqa::Enabled)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use syntax::parse;
    use tempfile::TempDir;

    use super::*;
    use crate::stack::on_deep_stack;
    use crate::{Confidence, Severity, Tag};

    /// A folder with `files`; a `.git` keeps whatever is above it out.
    fn project(files: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        files.iter().for_each(|(name, text)| write(&folder, name, text));
        folder
    }

    fn write(folder: &TempDir, name: &str, text: &str) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn findings(ruff: &Ruff, folder: &TempDir, name: &str, text: &str) -> Vec<Finding> {
        ruff.lint(&Document { path: &folder.path().join(name), text, parsed: &parse(text) })
    }

    fn codes(ruff: &Ruff, folder: &TempDir, name: &str, text: &str) -> Vec<String> {
        findings(ruff, folder, name, text).iter().map(|finding| finding.code.to_string()).collect()
    }

    const TEXT: &str = "import os\n\n\ndef f(a=[]):\n    assert a\n    return eval(b)\n";

    #[test]
    fn without_settings_mistakes_and_dangers_are_found() {
        let folder = project(&[]);
        let ruff = Ruff::with_user_settings(None);
        assert_eq!(codes(&ruff, &folder, "a.py", TEXT), ["F401", "B006", "S101", "S307", "F821"]);
        for test in ["tests/helpers.py", "test_a.py", "pkg/a_test.py", "conftest.py"] {
            assert_eq!(codes(&ruff, &folder, test, TEXT), ["F401", "B006", "S307", "F821"], "{test}");
        }
        assert_eq!(codes(&ruff, &folder, ".venv/lib/a.py", TEXT), [""; 0]);
        assert_eq!(codes(&ruff, &folder, "a.ipynb", TEXT), [""; 0]);
        assert_eq!(ruff.problems(), []);
    }

    #[test]
    fn findings_say_how_grave_they_are() {
        let folder = project(&[]);
        let found = findings(&Ruff::with_user_settings(None), &folder, "a.py", TEXT);
        let [import, mutable, assert, eval, name] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(
            (import.name.as_ref(), import.severity, import.tag),
            ("unused-import", Severity::Warning, Some(Tag::Unnecessary))
        );
        assert_eq!(import.message, "`os` imported but unused");
        assert_eq!(import.url.as_deref(), Some("https://docs.astral.sh/ruff/rules/unused-import"));
        assert_eq!(import.fix.as_ref().unwrap().title, "Remove unused import: `os`");
        assert_eq!((mutable.severity, mutable.confidence), (Severity::Warning, None));
        assert_eq!((assert.severity, assert.confidence), (Severity::Information, Some(Confidence::High)));
        assert_eq!((eval.severity, eval.confidence), (Severity::Warning, Some(Confidence::High)));
        assert_eq!((name.severity, &TEXT[name.range]), (Severity::Error, "b"));
    }

    #[test]
    fn settings_that_change_are_read_again() {
        let folder = project(&[("ruff.toml", "[lint]\nselect = [\"F\"]\n")]);
        let ruff = Ruff::with_user_settings(None);
        assert_eq!(codes(&ruff, &folder, "pkg/a.py", TEXT), ["F401", "F821"]);
        // Of another length: the time of a file may be too coarse for a test.
        write(&folder, "ruff.toml", "[lint]\nselect = [\"F821\"]\n");
        assert_eq!(codes(&ruff, &folder, "pkg/a.py", TEXT), ["F821"]);
        write(&folder, "pkg/.ruff.toml", "extend = \"../base.toml\"\n");
        write(&folder, "base.toml", "[lint]\nselect = [\"B\"]\n");
        assert_eq!(codes(&ruff, &folder, "pkg/a.py", TEXT), ["B006"]);
        write(&folder, "base.toml", "[lint]\nselect = [\"S307\"]\n");
        assert_eq!(codes(&ruff, &folder, "pkg/a.py", TEXT), ["S307"]);
        assert!(ruff.forget(&folder.path().join("base.toml")));
        assert!(!ruff.forget(&folder.path().join("base.toml")));
        assert!(!ruff.forget(&folder.path().join("README.md")));
        assert_eq!(codes(&ruff, &folder, "pkg/a.py", TEXT), ["S307"]);
        fs::remove_file(folder.path().join("pkg/.ruff.toml")).unwrap();
        assert_eq!(codes(&ruff, &folder, "pkg/a.py", TEXT), ["F821"]);
        fs::remove_file(folder.path().join("ruff.toml")).unwrap();
        assert_eq!(codes(&ruff, &folder, "pkg/a.py", TEXT).len(), 5);
    }

    #[test]
    fn the_python_that_a_project_needs_counts_without_settings_too() {
        let project_table = |version: &str| format!("[project]\nname = \"p\"\nrequires-python = \"{version}\"\n");
        let folder = project(&[("pyproject.toml", &project_table(">=3.8"))]);
        let ruff = Ruff::with_user_settings(Some(folder.path().join("user.toml")));
        write(&folder, "user.toml", "[lint]\nselect = [\"UP\"]\n");
        let text = "from typing import List\n\nx: List[int] = []\n";
        assert_eq!(codes(&ruff, &folder, "a.py", text), [""; 0]);
        write(&folder, "pyproject.toml", &project_table(">=3.12"));
        assert_eq!(codes(&ruff, &folder, "a.py", text), ["UP035", "UP006"]);
    }

    #[test]
    fn invalid_settings_are_data_and_the_defaults_apply() {
        for (name, text, line, marked, message) in [
            ("ruff.toml", "line-length = 80\n[lint\n", 2, "[lint", "unclosed table"),
            ("ruff.toml", "[lint]\nselect = [\"F\", \"F9999\"]\n", 2, "\"F9999\"", "Unknown rule selector `F9999`"),
            ("ruff.toml", "[lint]\nselect = [\"ANN101\", \"PD901\"]\n", 2, "\"ANN101\"", "have been removed"),
            ("pyproject.toml", "[tool.ruff]\nline-lenght = 8\n", 2, "line-lenght", "unknown field `line-lenght`"),
            ("pyproject.toml", "[project\n", 1, "[project", "unclosed table"),
            (".ruff.toml", "line-length = \"x\"\n", 1, "\"x\"", "invalid type: string \"x\""),
            ("ruff.toml", "required-version = \">=99\"\n", 1, "\">=99\"", "Required version `>=99` does not match"),
            ("ruff.toml", "extend = \"nowhere.toml\"\n", 1, "", "No such file or directory"),
        ] {
            let folder = project(&[(name, text)]);
            let ruff = Ruff::with_user_settings(None);
            assert_eq!(codes(&ruff, &folder, "pkg/a.py", TEXT).len(), 5, "{text}");
            let problem = ruff.problem(&folder.path().join("pkg/a.py")).unwrap();
            assert!(problem.message.contains(message), "{problem:?}");
            let blamed = if message.starts_with("No such") { "nowhere.toml" } else { name };
            assert_eq!(problem.path, folder.path().join(blamed));
            assert_eq!(
                (problem.line, text.get(problem.range.start().to_usize()..problem.range.end().to_usize())),
                (line, Some(marked)),
                "{problem:?}"
            );
            assert_eq!(ruff.problems(), [problem]);
            // Mended, also where an extended file was missing.
            write(&folder, "nowhere.toml", "line-length = 80\n");
            if blamed == name {
                write(
                    &folder,
                    name,
                    "[tool.ruff]\n".strip_prefix(if name == "pyproject.toml" { "" } else { "[tool.ruff]\n" }).unwrap(),
                );
            }
            assert_eq!(ruff.problems(), []);
            assert_eq!(ruff.problem(&folder.path().join("pkg/a.py")), None);
        }
    }

    #[test]
    fn a_text_that_was_parsed_in_part_is_parsed_again() {
        let folder = project(&[("ruff.toml", "[lint]\nselect = [\"E\", \"W\"]\n")]);
        let text = "import os, sys\nx = {'a': \n\n\ndef f():\n    \"\"\"open\n    return  1 \n";
        assert!(parse(text).verbatim().is_none());
        // In the tree of the rest, E401 would be found too, which ruff does not look for in what does not parse.
        assert_eq!(codes(&Ruff::with_user_settings(None), &folder, "a.py", text), ["W291", "W291"]);
    }

    #[test]
    fn no_nesting_is_too_deep() {
        let folder = project(&[("ruff.toml", "[lint]\nselect = [\"ALL\"]\n")]);
        let ruff = Ruff::with_user_settings(None);
        let texts = [1_900, 100_000].map(|depth| {
            [
                format!("x = {}1\n", "1+".repeat(depth)),
                format!("x = {}1{}\n", "f(".repeat(depth), ")".repeat(depth)),
                format!("x = {}1{}\n", "[".repeat(depth), "]".repeat(depth)),
                format!("x = {}y\n", "not ".repeat(depth)),
                format!("x{}\n", ".y".repeat(depth)),
                format!("x = {}1\n", "lambda: ".repeat(depth)),
                format!("x = {}\n", "1 if a else ".repeat(depth) + "1"),
            ]
        });
        let text: String = (0..900).map(|depth| format!("{}if a:\n", " ".repeat(depth))).collect();
        let text = format!("{text}{}pass\n", " ".repeat(900));
        // The tree of the test is dropped by the test.
        let lint =
            || texts.iter().flatten().chain([&text]).map(|text| findings(&ruff, &folder, "a.py", text).len()).max();
        assert!(on_deep_stack(lint).unwrap().is_some());
    }
}

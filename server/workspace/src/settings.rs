//! What the user has chosen. The editor's settings come before those of the workspace, which are in `[tool.tantu]` of
//! `pyproject.toml` or in `tantu.toml`; what nobody chose has a default.
//!
//! Nothing that costs money or runs code can be chosen here: models are configured in the user's own file only.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sandbox::Limits;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::advisories::PIN_FILES;
use crate::lints::RuffChoice;
use crate::project;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Answer definition, implementation, references, highlights, renames and symbols. Switched off where another server
    /// does.
    pub navigation: bool,
    pub code_lens: bool,
    pub diagnostics: Diagnostics,
    pub ruff: RuffChoice,
    /// The folder with advisories, if the user keeps one.
    pub advisories: Option<PathBuf>,
    /// Offer to run in the project's own interpreter what the sandbox cannot run.
    pub native: bool,
    /// Of runs in the sandbox.
    pub limits: Limits,
    /// Globs of files that a model may always see.
    pub include: Arc<Vec<String>>,
    /// What the workspace says beside its settings.
    pub project: Arc<ide::Project>,
}

/// Where findings are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Diagnostics {
    Off,
    OpenFilesOnly,
    Workspace,
}

/// Choices of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    navigation: Option<bool>,
    code_lens: Option<bool>,
    diagnostics: Option<Diagnostics>,
    lint: Option<bool>,
    /// Only the editor's settings choose the project's own linter: it is a program that the workspace may have brought.
    project_ruff: Option<bool>,
    /// Only the editor's settings name folders outside of the workspace.
    advisories: Option<PathBuf>,
    /// Only the editor's settings open the sandbox.
    native: Option<bool>,
    limits: LimitChoices,
    /// Only files of the workspace can be named.
    pub include: Option<Vec<String>>,
    project: Option<Arc<ide::Project>>,
}

/// Limits of the sandbox, which only the editor's settings change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct LimitChoices {
    /// Seconds.
    wall: Option<u64>,
    /// MiB.
    memory: Option<u64>,
    /// KiB.
    output: Option<u64>,
}

impl LimitChoices {
    fn limits(&self) -> Limits {
        let default = Limits::default();
        let limits = Limits {
            wall: self.wall.map_or(default.wall, Duration::from_secs),
            memory: self.memory.map_or(default.memory, |it| it.saturating_mul(1 << 20)),
            output: self.output.map_or(default.output, |it| it.saturating_mul(1 << 10)),
            ..default
        };
        limits.clamped()
    }
}

impl Settings {
    /// The first layer that chose wins.
    pub fn new(layers: [&Layer; 2]) -> Self {
        let chosen = |field: fn(&Layer) -> Option<bool>| layers.into_iter().find_map(field).unwrap_or(true);
        Settings {
            navigation: chosen(|layer| layer.navigation),
            code_lens: chosen(|layer| layer.code_lens),
            diagnostics: layers.into_iter().find_map(|it| it.diagnostics).unwrap_or(Diagnostics::OpenFilesOnly),
            ruff: match (chosen(|layer| layer.lint), layers.into_iter().find_map(|it| it.project_ruff)) {
                (false, _) => RuffChoice::Off,
                (true, Some(true)) => RuffChoice::Project,
                (true, _) => RuffChoice::Bundled,
            },
            advisories: layers.into_iter().find_map(|it| it.advisories.clone()),
            native: layers.into_iter().find_map(|it| it.native).unwrap_or(false),
            limits: layers[0].limits.limits(),
            include: Arc::new(layers.into_iter().find_map(|it| it.include.clone()).unwrap_or_default()),
            project: layers.into_iter().find_map(|it| it.project.clone()).unwrap_or_default(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings::new([&Layer::default(), &Layer::default()])
    }
}

impl Layer {
    /// A file of the workspace is not trusted.
    ///
    /// # Errors
    /// When there is no such setting or the value does not fit; in words for the user.
    fn set(&mut self, key: &str, value: &Value, is_trusted: bool) -> Result<(), String> {
        let flag = || value.as_bool().map(Some).ok_or_else(|| format!("`{key}` must be true or false"));
        match key {
            "navigation" => self.navigation = flag()?,
            "codeLens" => self.code_lens = flag()?,
            "lint.enable" => self.lint = flag()?,
            // Whoever looks for the environment reads it: `lint::Environment`.
            "python" if is_trusted => return Err("`python` is chosen in the workspace's own settings".to_owned()),
            "python" if value.is_string() => {}
            "python" => return Err("`python` must be the path of an interpreter or of an environment".to_owned()),
            "lint.ruff" | "lint.advisories" if !is_trusted => {
                return Err(format!(
                    "only the editor's settings choose `{key}`, for what it names is not the workspace's"
                ));
            }
            _ if key.starts_with("sandbox.") && !is_trusted => {
                return Err(format!(
                    "only the editor's settings choose `{key}`: a workspace does not open its own sandbox"
                ));
            }
            "sandbox.native" => {
                self.native = Some(match value.as_str() {
                    Some("off") => false,
                    Some("ask") => true,
                    _ => return Err("`sandbox.native` must be \"off\" or \"ask\"".to_owned()),
                });
            }
            "sandbox.limits.wall" => self.limits.wall = Some(number(key, value)?),
            "sandbox.limits.memory" => self.limits.memory = Some(number(key, value)?),
            "sandbox.limits.output" => self.limits.output = Some(number(key, value)?),
            "lint.advisories" => match value.as_str().map(PathBuf::from).filter(|path| path.is_absolute()) {
                Some(path) => self.advisories = Some(path),
                None => return Err("`lint.advisories` must be the absolute path of a folder".to_owned()),
            },
            "lint.ruff" => {
                self.project_ruff = Some(match value.as_str() {
                    Some("bundled") => false,
                    Some("project") => true,
                    _ => return Err("`lint.ruff` must be \"bundled\" or \"project\"".to_owned()),
                });
            }
            "context.include" => self.include = Some(globs(key, value)?),
            "diagnostics.mode" => {
                self.diagnostics = Some(match value.as_str() {
                    Some("off") => Diagnostics::Off,
                    Some("openFilesOnly") => Diagnostics::OpenFilesOnly,
                    Some("workspace") => Diagnostics::Workspace,
                    _ => {
                        let modes = "\"off\", \"openFilesOnly\" or \"workspace\"";
                        return Err(format!("`diagnostics.mode` must be {modes}"));
                    }
                });
            }
            _ => {
                return Err(format!(
                    "there is no setting `{key}`; there are `navigation`, `codeLens`, `diagnostics.mode`, \
                     `lint.enable`, `lint.ruff`, `lint.advisories`, `python`, `sandbox.native`, `sandbox.limits.wall` \
                     (seconds), `sandbox.limits.memory` (MiB), `sandbox.limits.output` (KiB), `context.include`"
                ));
            }
        }
        Ok(())
    }

    /// What the editor says under `tantu`, and what of it makes no sense.
    pub fn of_editor(value: &Value) -> (Self, Vec<String>) {
        let mut layer = Layer::default();
        let mut problems = Vec::new();
        layer.take(String::new(), value, &mut problems);
        (layer, problems)
    }

    fn take(&mut self, key: String, value: &Value, problems: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                    self.take(key, value, problems);
                }
            }
            // Editors send null for what was not chosen.
            Value::Null => {}
            value => problems.extend(self.set(&key, value, true).err()),
        }
    }

    /// What the file `text`, a `pyproject.toml` or a `tantu.toml`, says.
    fn of_file(text: &str, is_pyproject: bool) -> (Self, Vec<Problem>) {
        let mut layer = Layer::default();
        let mut problems = Vec::new();
        let (root, errors) = DeTable::parse_recoverable(text);
        // A broken pyproject.toml is the business of the tools that own it.
        if !is_pyproject {
            problems.extend(
                errors.iter().map(|error| Problem {
                    range: error.span().unwrap_or_default(),
                    message: error.message().to_owned(),
                }),
            );
        }
        let root = root.into_inner();
        let table =
            if is_pyproject { section(&root, "tool").and_then(|tool| section(tool, "tantu")) } else { Some(&root) };
        if let Some(table) = table {
            layer.take_table("", table, &mut problems);
        }
        (layer, problems)
    }

    fn take_table(&mut self, prefix: &str, table: &DeTable<'_>, problems: &mut Vec<Problem>) {
        for (name, value) in table {
            let key =
                if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
            let plain = match value.get_ref() {
                DeValue::Table(inner) => {
                    self.take_table(&key, inner, problems);
                    continue;
                }
                DeValue::Boolean(flag) => Value::Bool(*flag),
                DeValue::String(text) => Value::String(text.to_string()),
                DeValue::Array(items) => {
                    let texts = items.iter().map(|item| item.get_ref().as_str().map_or(Value::Null, Value::from));
                    Value::Array(texts.collect())
                }
                // No setting is of another type; that it does not fit is said with the key.
                _ => Value::Null,
            };
            if let Err(message) = self.set(&key, &plain, false) {
                problems.push(Problem { range: name.span(), message });
            }
        }
    }
}

fn globs(key: &str, value: &Value) -> Result<Vec<String>, String> {
    let wrong = || format!("`{key}` must be a list of globs such as \"docs/*.csv\", seen from the workspace folder");
    let texts: Option<Vec<String>> =
        value.as_array().and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
    let texts = texts.ok_or_else(wrong)?;
    texts.iter().try_for_each(|glob| graph::check_glob(glob)).map_err(|error| format!("`{key}`: {error}"))?;
    Ok(texts)
}

fn number(key: &str, value: &Value) -> Result<u64, String> {
    value.as_u64().filter(|it| *it > 0).ok_or_else(|| format!("`{key}` must be a whole number above 0"))
}

fn section<'a, 'i>(table: &'a DeTable<'i>, name: &str) -> Option<&'a DeTable<'i>> {
    table.get(name).and_then(|value| Spanned::get_ref(value).as_table())
}

/// Something in a configuration file that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Bytes.
    pub range: Range<usize>,
    pub message: String,
}

/// A configuration file and what is wrong in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    pub path: PathBuf,
    pub text: String,
    pub problems: Vec<Problem>,
}

/// Files with settings of ours or of a linter.
pub const CONFIG_FILES: [&str; 4] = ["pyproject.toml", "tantu.toml", "ruff.toml", ".ruff.toml"];

/// Whether `path` is a file with settings, or names what the project needs.
pub fn is_config(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| CONFIG_FILES.contains(&name) || PIN_FILES.contains(&name))
}

/// What the workspace folder `root` chooses, and the files that say so. `tantu.toml` comes before `pyproject.toml`.
pub fn read(root: &Path) -> (Layer, Vec<ConfigFile>) {
    let mut layers = Vec::new();
    let mut files = Vec::new();
    for name in ["tantu.toml", "pyproject.toml"] {
        let path = root.join(name);
        if let Ok(text) = syntax::read_source(&path) {
            let (layer, problems) = Layer::of_file(&text, name == "pyproject.toml");
            layers.push(layer);
            files.push(ConfigFile { path, text, problems });
        }
    }
    let chosen = |field: fn(&Layer) -> Option<bool>| layers.iter().find_map(field);
    let layer = Layer {
        navigation: chosen(|layer| layer.navigation),
        code_lens: chosen(|layer| layer.code_lens),
        diagnostics: layers.iter().find_map(|layer| layer.diagnostics),
        lint: chosen(|layer| layer.lint),
        project_ruff: None,
        advisories: None,
        native: None,
        limits: LimitChoices::default(),
        include: layers.iter().find_map(|layer| layer.include.clone()),
        project: Some(Arc::new(project::read(root))),
    };
    (layer, files)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_workspace_names_its_environment() {
        let (_, problems) = Layer::of_file("[tool.tantu]\npython = '.env/bin/python'\n", true);
        assert_eq!(problems, []);
        let (_, problems) = Layer::of_file("python = true\n", false);
        assert_eq!(problems[0].message, "`python` must be the path of an interpreter or of an environment");
        assert_eq!(Layer::of_editor(&json!({ "python": "/usr/bin/python3" })).1.len(), 1);
    }

    #[test]
    fn files_to_include_are_globs() {
        let (layer, problems) = Layer::of_file("[tool.tantu]\ncontext.include = ['docs/*.csv', 'notes.txt']\n", true);
        assert_eq!(problems, []);
        let (editor, _) = Layer::of_editor(&json!({ "context": { "include": ["a.csv"] } }));
        assert_eq!(Settings::new([&Layer::default(), &layer]).include.as_slice(), ["docs/*.csv", "notes.txt"]);
        assert_eq!(Settings::new([&editor, &layer]).include.as_slice(), ["a.csv"]);
        for wrong in ["'a'", "[1]", "['a{']", "true"] {
            let (layer, problems) = Layer::of_file(&format!("context.include = {wrong}\n"), false);
            assert_eq!((layer.include, problems.len()), (None, 1), "{wrong}");
        }
    }

    #[test]
    fn the_editor_comes_before_the_workspace() {
        let (editor, problems) = Layer::of_editor(&json!({ "codeLens": false, "diagnostics": { "mode": null } }));
        assert_eq!(problems, [""; 0]);
        let (file, problems) = Layer::of_file("[tool.tantu]\ncodeLens = true\ndiagnostics.mode = \"off\"\n", true);
        assert_eq!(problems, []);
        let settings = Settings::new([&editor, &file]);
        assert_eq!(
            settings,
            Settings {
                navigation: true,
                code_lens: false,
                diagnostics: Diagnostics::Off,
                ruff: RuffChoice::Bundled,
                advisories: None,
                native: false,
                limits: Limits::default(),
                include: Arc::default(),
                project: Arc::default()
            }
        );
    }

    #[test]
    fn only_the_editor_opens_the_sandbox() {
        let sandbox = json!({ "sandbox": { "native": "ask", "limits": { "wall": 60, "memory": 1, "output": 64 } } });
        let (editor, problems) = Layer::of_editor(&sandbox);
        assert_eq!(problems, [""; 0]);
        let (file, problems) =
            Layer::of_file("[tool.tantu]\nsandbox.native = \"ask\"\nsandbox.limits.wall = 9\n", true);
        assert_eq!(problems.len(), 2, "{problems:?}");
        let settings = Settings::new([&editor, &file]);
        let Limits { wall, memory, output, .. } = settings.limits;
        assert_eq!((settings.native, wall.as_secs(), memory >> 20, output >> 10), (true, 60, 64, 64));
        let settings = Settings::new([&Layer::default(), &file]);
        assert_eq!((settings.native, settings.limits), (false, Limits::default()));
        let (_, problems) = Layer::of_editor(&json!({ "sandbox": { "native": true, "limits": { "wall": -1 } } }));
        assert_eq!(problems.len(), 2, "{problems:?}");
    }

    #[test]
    fn what_is_not_understood_is_reported_where_it_stands() {
        let text = "[tool.tantu]\nlint.enabel = false\nnavigation = 3\n";
        let (layer, problems) = Layer::of_file(text, true);
        assert_eq!(layer, Layer::default());
        let found: Vec<_> = problems.iter().map(|problem| &text[problem.range.clone()]).collect();
        assert_eq!(found, ["enabel", "navigation"]);
        assert!(problems[0].message.contains("lint.enabel"), "{}", problems[0].message);
    }

    #[test]
    fn a_file_that_is_no_toml_is_a_problem_of_ours_only_if_it_is_ours() {
        assert_eq!(Layer::of_file("[tool\n", true).1, []);
        assert!(!Layer::of_file("navigation = \n", false).1.is_empty());
    }

    #[test]
    fn mistakes_in_the_editors_settings_are_named() {
        let (_, problems) = Layer::of_editor(&json!({ "codeLense": true, "diagnostics": { "mode": "some" } }));
        assert!(problems[0].contains("codeLense") && problems[1].contains("diagnostics.mode"), "{problems:?}");
    }
}

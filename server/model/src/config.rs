//! The user's own settings: which models there are and which of them may propose edits.
//!
//! They are read from the user's configuration folder and never from a workspace: a project that was just cloned must not
//! choose where source code is sent.

mod build;
mod inspect;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use self::build::build;
pub use self::inspect::{Presence, inspect, local_ollama};
use crate::{Error, Timeouts};

/// The content of `config.toml`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// By the name that the user gives them.
    pub models: BTreeMap<String, ModelConfig>,
    pub propose: ProposeConfig,
}

/// `[propose]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ProposeConfig {
    /// Names from `[models]` in the order in which they are asked. None: actions that need a model are off.
    pub models: Vec<String>,
    /// How often one model may try, from 1 to 10.
    pub max_attempts: u32,
}

impl Default for ProposeConfig {
    fn default() -> Self {
        ProposeConfig { models: Vec::new(), max_attempts: 3 }
    }
}

/// `[models.NAME]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModelConfig {
    pub provider: Provider,
    /// Where the API begins, e.g. `http://127.0.0.1:8080/v1`. Only `openai-compatible` has no default.
    pub base_url: Option<String>,
    /// What the server calls the model.
    pub model: Option<String>,
    /// The environment variable that holds the key, which itself is never in a file. `openai`, `anthropic` and
    /// `huggingface` have a usual one: `OPENAI_API_KEY`, `ANTHROPIC_API_KEY` and `HF_TOKEN`.
    pub api_key_env: Option<String>,
    pub max_output_tokens: Option<u32>,
    /// From 0 to 2, with `anthropic` to 1; the server's own default if absent.
    pub temperature: Option<f64>,
    /// For `ollama`: tokens of prompt and answer together. As many as are needed if absent.
    pub num_ctx: Option<u32>,
    /// For `ollama`: how long the model stays in memory after an answer, in seconds.
    #[serde(default, deserialize_with = "crate::http::some_seconds")]
    pub keep_alive: Option<std::time::Duration>,
    #[serde(default)]
    pub timeouts: Timeouts,
    /// For `recorded`: the file of replies, relative to the settings' file.
    pub replies: Option<PathBuf>,
    /// The file that this was read from.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    Anthropic,
    #[serde(rename = "openai")]
    OpenAi,
    #[serde(rename = "huggingface")]
    HuggingFace,
    Ollama,
    #[serde(rename = "openai-compatible")]
    OpenAiCompatible,
    Recorded,
}

impl Provider {
    fn base_url(self) -> Option<&'static str> {
        match self {
            Provider::OpenAi => Some("https://api.openai.com/v1"),
            Provider::HuggingFace => Some("https://router.huggingface.co/v1"),
            Provider::Anthropic => Some("https://api.anthropic.com/v1"),
            Provider::Ollama => Some("http://127.0.0.1:11434"),
            Provider::OpenAiCompatible | Provider::Recorded => None,
        }
    }

    /// The variable in which people keep the key of this provider, where it needs one.
    fn api_key_env(self) -> Option<&'static str> {
        match self {
            Provider::OpenAi => Some("OPENAI_API_KEY"),
            Provider::Anthropic => Some("ANTHROPIC_API_KEY"),
            Provider::HuggingFace => Some("HF_TOKEN"),
            _ => None,
        }
    }
}

/// Where the settings are: `$XDG_CONFIG_HOME/tantu/config.toml`, or below `~/.config`. `None` without a home.
pub fn default_path() -> Option<PathBuf> {
    let configured = env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        // The XDG specification: a relative path is invalid and to be ignored.
        .filter(|path| path.is_absolute());
    let folder = configured.or_else(|| Some(env::home_dir()?.join(".config")))?;
    Some(folder.join("tantu").join("config.toml"))
}

/// Reads the settings. A file that does not exist means that there are none: no model.
///
/// # Errors
///
/// [`Error::Settings`] with file, line and key, for anything that is not understood.
pub fn load(path: &Path) -> Result<Settings, Error> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Settings::default()),
        Err(error) => return Err(wrong(Some(path), "the file", format!("cannot be read: {error}"))),
    };
    let mut settings: Settings = toml::from_str(&text).map_err(|error| unreadable(path, &text, error))?;
    for model in settings.models.values_mut() {
        model.file = Some(path.to_owned());
    }
    if let Some(unknown) = settings.propose.models.iter().find(|name| !settings.models.contains_key(*name)) {
        let known: Vec<&str> = settings.models.keys().map(String::as_str).collect();
        let message = match known.as_slice() {
            [] => format!("there is no model `{unknown}`; describe it in a section [models.{unknown}]"),
            known => format!("there is no model `{unknown}`, only {}", known.join(", ")),
        };
        return Err(wrong(Some(path), "propose.models", message));
    }
    if !(1..=10).contains(&settings.propose.max_attempts) {
        return Err(wrong(Some(path), "propose.max-attempts", "must be from 1 to 10"));
    }
    Ok(settings)
}

fn wrong(file: Option<&Path>, key: &str, message: impl Into<String>) -> Error {
    Error::Settings { file: file.map(Path::to_owned), line: None, key: key.to_owned(), message: message.into() }
}

/// The parser's own message shows the line, in which somebody may have written a key. So only its parts are used.
fn unreadable(path: &Path, text: &str, mut error: toml::de::Error) -> Error {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map(|before| 1 + before.matches('\n').count());
    let message = error.message().trim_end().to_owned();
    // Without its input the error prints the message and the path of the key.
    error.set_input(None);
    let shown = error.to_string();
    let key = shown.rsplit_once("in `").and_then(|(_, key)| key.trim_end().strip_suffix('`')).unwrap_or("settings");
    Error::Settings { file: Some(path.to_owned()), line, key: key.to_owned(), message }
}

#[cfg(test)]
mod tests;

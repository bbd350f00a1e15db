//! The user's own settings: which models there are and which of them may propose edits.
//!
//! They are read from the user's configuration folder and never from a workspace: a project that was just cloned must not
//! choose where source code is sent.

mod build;
mod inspect;
mod sections;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use self::build::build;
pub(crate) use self::build::{built, served};
pub use self::inspect::{Presence, inspect, local_ollama};
pub use self::sections::{
    Audit, Cache, Confined, ContextConfig, Limits, Memory, Privacy, ProposeConfig, Sandbox, Types, Wide,
};
use crate::{Error, Price, Timeouts};

/// The content of `config.toml`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// By the name that the user gives them.
    pub models: BTreeMap<String, ModelConfig>,
    pub propose: ProposeConfig,
    pub context: ContextConfig,
    pub limits: Limits,
    pub privacy: Privacy,
    pub audit: Audit,
    pub cache: Cache,
    pub memory: Memory,
    pub sandbox: Sandbox,
    /// The file that this was read from.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

impl Settings {
    /// What to say about a name that no model has.
    pub(crate) fn no_model(&self, key: &str, unknown: &str) -> Error {
        let known: Vec<&str> = self.models.keys().map(String::as_str).collect();
        let message = match known.as_slice() {
            [] => format!("there is no model `{unknown}`; describe it in a section [models.{unknown}]"),
            known => format!("there is no model `{unknown}`, only {}", known.join(", ")),
        };
        wrong(self.file.as_deref(), key, message)
    }

    pub(crate) fn wrong_model(&self, name: &str, key: &str, message: &str) -> Error {
        wrong(self.file.as_deref(), &format!("models.{name}.{key}"), message)
    }
}

/// `[models.NAME]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModelConfig {
    pub provider: Provider,
    /// Where the API begins, e.g. `http://127.0.0.1:8080`, with or without `/v1`. Only `openai-compatible` has no default.
    pub base_url: Option<String>,
    /// What the server calls the model.
    pub model: Option<String>,
    /// The environment variable that holds the key, which itself is never in a file. `openai`, `anthropic` and
    /// `huggingface` have a usual one: `OPENAI_API_KEY`, `ANTHROPIC_API_KEY` and `HF_TOKEN`.
    pub api_key_env: Option<String>,
    /// Whether the key is in the keyring of the operating system, where `tantu model login` puts it.
    #[serde(default)]
    pub keyring: bool,
    /// In US dollars for a million tokens. Servers on this machine cost nothing without it.
    pub price: Option<Price>,
    pub requests_per_minute: Option<u32>,
    pub max_output_tokens: Option<u32>,
    /// From 0 to 2; the server's own default if absent. `anthropic` has none.
    pub temperature: Option<f64>,
    /// Whether the model has a role for the system; that of its family if absent.
    pub system_role: Option<bool>,
    /// What it is told besides the rules of each question, such as `/no_think`.
    pub system_prompt: Option<String>,
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

impl ModelConfig {
    /// Where the API begins, as the settings or the provider have it; `None` where that is said nowhere.
    pub fn base(&self) -> Option<&str> {
        self.base_url.as_deref().or(self.provider.base_url())
    }
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
    /// As it is written in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Anthropic => "anthropic",
            Provider::OpenAi => "openai",
            Provider::HuggingFace => "huggingface",
            Provider::Ollama => "ollama",
            Provider::OpenAiCompatible => "openai-compatible",
            Provider::Recorded => "recorded",
        }
    }

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
            Provider::Ollama | Provider::OpenAiCompatible | Provider::Recorded => None,
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

/// Where the journal of models is: `$XDG_STATE_HOME/tantu/models.sqlite`, or below `~/.local/state`. `None` without a home.
pub fn journal_path() -> Option<PathBuf> {
    let configured = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = configured.or_else(|| Some(env::home_dir()?.join(".local/state")))?;
    Some(folder.join("tantu").join("models.sqlite"))
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
    settings.file = Some(path.to_owned());
    for model in settings.models.values_mut() {
        model.file = Some(path.to_owned());
    }
    for (key, names) in settings.propose.lists() {
        if let Some(unknown) = names.iter().find(|name| !settings.models.contains_key(*name)) {
            return Err(settings.no_model(&key, unknown));
        }
        if names.is_empty() && key != "propose.models" {
            return Err(wrong(Some(path), &key, "names no model; remove it for those of propose.models"));
        }
    }
    if let Some(unknown) = settings.context.embeddings.as_ref().filter(|name| !settings.models.contains_key(*name)) {
        return Err(settings.no_model("context.embeddings", unknown));
    }
    for (name, model) in &settings.models {
        let is_price = |price: Price| [price.input, price.output].iter().all(|number| (0.0..=1e6).contains(number));
        if !model.price.is_none_or(is_price) {
            return Err(settings.wrong_model(name, "price", "must be US dollars for a million tokens, from 0 on"));
        }
        if model.requests_per_minute == Some(0) {
            return Err(settings.wrong_model(
                name,
                "requests-per-minute",
                "must be at least 1; remove it for no limit",
            ));
        }
        if model.keyring && model.api_key_env.is_some() {
            return Err(settings.wrong_model(
                name,
                "keyring",
                "and api-key-env are two places for one key; remove one",
            ));
        }
    }
    if (settings.propose.types == Types::Project) == settings.propose.types_command.is_empty() {
        let message = "goes with types = \"project\", and names a program and its arguments";
        return Err(wrong(Some(path), "propose.types-command", message));
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

//! The user's own settings: which models there are and which of them may propose edits.
//!
//! They are read from the user's configuration folder and never from a workspace: a project that was just cloned must not
//! choose where source code is sent.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::Url;
use serde::Deserialize;

use crate::http::{Endpoint, Key};
use crate::provider::openai::OpenAi;
use crate::redact::has_secret;
use crate::{Backoff, Error, LanguageModel, Recorded, Retry, Timeouts};

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
    /// The environment variable that holds the key, which itself is never in a file. `openai` and `huggingface` have a
    /// usual one, `OPENAI_API_KEY` and `HF_TOKEN`.
    pub api_key_env: Option<String>,
    pub max_output_tokens: Option<u32>,
    /// From 0 to 2; the server's own default if absent.
    pub temperature: Option<f64>,
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
            Provider::Ollama => Some("http://127.0.0.1:11434/v1"),
            Provider::Anthropic | Provider::OpenAiCompatible | Provider::Recorded => None,
        }
    }

    /// The variable in which people keep the key of this provider, where it needs one.
    fn api_key_env(self) -> Option<&'static str> {
        match self {
            Provider::OpenAi => Some("OPENAI_API_KEY"),
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

/// Makes the model that `[models.NAME]` describes. No connection is made yet.
///
/// # Errors
///
/// [`Error::Settings`] with the key that is wrong or missing, or the environment variable that is not set.
pub fn build(name: &str, config: &ModelConfig) -> Result<Arc<dyn LanguageModel>, Error> {
    build_with(name, config, |variable| env::var(variable).ok())
}

fn build_with(
    name: &str,
    config: &ModelConfig,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Arc<dyn LanguageModel>, Error> {
    let described = Described { name, config };
    match config.provider {
        Provider::Anthropic => Err(described.wrong(
            "provider",
            "anthropic is not supported yet; use openai-compatible with a server that offers its models",
        )),
        Provider::Recorded => Ok(Arc::new(described.recorded()?)),
        _ => Ok(Arc::new(Retry::new(described.openai(variable)?, Backoff::default()))),
    }
}

struct Described<'a> {
    name: &'a str,
    config: &'a ModelConfig,
}

impl Described<'_> {
    fn recorded(&self) -> Result<Recorded, Error> {
        let config = self.config;
        let misplaced = [
            ("base-url", config.base_url.is_some()),
            ("model", config.model.is_some()),
            ("api-key-env", config.api_key_env.is_some()),
            ("max-output-tokens", config.max_output_tokens.is_some()),
            ("temperature", config.temperature.is_some()),
        ];
        if let Some((key, _)) = misplaced.iter().find(|(_, is_set)| *is_set) {
            return Err(self.wrong(key, "means nothing for recorded replies; remove it"));
        }
        let Some(replies) = &config.replies else {
            return Err(self.wrong("replies", "is missing: name the JSON file of recorded replies"));
        };
        let folder = config.file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        Recorded::read(self.name, &folder.join(replies)).map_err(|message| self.wrong("replies", message))
    }

    fn openai(&self, variable: impl Fn(&str) -> Option<String>) -> Result<OpenAi, Error> {
        let config = self.config;
        if config.replies.is_some() {
            return Err(self.wrong("replies", "is only for provider = \"recorded\"; remove it"));
        }
        let Some(model) = config.model.clone().filter(|model| !model.is_empty()) else {
            return Err(self.wrong("model", "is missing: give the name that the server has for the model"));
        };
        if config.max_output_tokens == Some(0) {
            return Err(self.wrong("max-output-tokens", "must be at least 1; remove it for no limit"));
        }
        if config.temperature.is_some_and(|temperature| !(0.0..=2.0).contains(&temperature)) {
            return Err(self.wrong("temperature", "must be from 0 to 2"));
        }
        let url = self.url()?;
        let endpoint = Endpoint::new(url, self.key(variable)?, config.timeouts)
            .map_err(|cause| self.wrong("base-url", format!("needs TLS, which cannot be set up: {cause}")))?;
        let field = match config.provider {
            Provider::OpenAi => "max_completion_tokens",
            _ => "max_tokens",
        };
        Ok(OpenAi {
            name: self.name.to_owned(),
            endpoint,
            model,
            max_tokens: config.max_output_tokens.map(|limit| (field, limit)),
            temperature: config.temperature,
        })
    }

    fn url(&self) -> Result<Url, Error> {
        let text = self.config.base_url.as_deref().or(self.config.provider.base_url());
        let Some(text) = text else {
            return Err(
                self.wrong("base-url", "is missing: say where the server's API begins, e.g. http://127.0.0.1:8080/v1")
            );
        };
        let mut url = Url::parse(text).map_err(|error| self.wrong("base-url", format!("is not a URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(self.wrong("base-url", "must begin with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(self.wrong(
                "base-url",
                "must not hold a name or password; put the key into a variable and name it in api-key-env",
            ));
        }
        // Every http and https URL has a path; were there one without, it would be sent as it is.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["chat", "completions"]);
        }
        Ok(url)
    }

    fn key(&self, variable: impl Fn(&str) -> Option<String>) -> Result<Option<Key>, Error> {
        // A server that the user named instead of the provider's own gets a key only if that is said, too.
        let usual = match self.config.base_url {
            Some(_) => None,
            None => self.config.provider.api_key_env(),
        };
        let Some(name) = self.config.api_key_env.as_deref().or(usual) else {
            return Ok(None);
        };
        // What stands here by mistake may be the key itself, so it is not repeated.
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if name.is_empty() || !is_name || has_secret(name) {
            return Err(self.wrong("api-key-env", "must be the name of an environment variable, not the key"));
        }
        let Some(text) = variable(name) else {
            return Err(
                self.wrong("api-key-env", format!("the environment variable {name} is not set; put the key into it"))
            );
        };
        match Key::new(&text) {
            Some(key) => Ok(Some(key)),
            None => {
                Err(self
                    .wrong("api-key-env", format!("the environment variable {name} is empty or holds more than a key")))
            }
        }
    }

    fn wrong(&self, key: &str, message: impl Into<String>) -> Error {
        wrong(self.config.file.as_deref(), &format!("models.{}.{key}", self.name), message)
    }
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
mod tests {
    use super::*;
    use crate::testing::{Server, Step, stream};
    use crate::{Prompt, Request, collect};

    fn load_text(text: &str) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        let place = format!("{}/", folder.path().display());
        load(&path).map_err(|error| error.to_string().replace(&place, ""))
    }

    fn build_text(section: &str, variables: &[(&str, &str)]) -> Result<Arc<dyn LanguageModel>, String> {
        let settings = load_text(&format!("[models.m]\n{section}"))?;
        let mut config = settings.models["m"].clone();
        config.file = Some("config.toml".into());
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
        build_with("m", &config, variable).map_err(|error| error.to_string())
    }

    #[test]
    fn a_full_file() {
        let settings = load_text(
            r#"
            [models.local]
            provider = "openai-compatible"
            base-url = "http://127.0.0.1:8080/v1"
            model = "some-name"
            api-key-env = "LOCAL_KEY"
            max-output-tokens = 2048
            temperature = 0.2
            timeouts = { connect = 0.5, total = 60 }
            [models.cloud]
            provider = "huggingface"
            model = "a/b"
            [propose]
            models = ["local", "cloud"]
            "#,
        )
        .unwrap();
        assert_eq!(settings.propose, ProposeConfig { models: vec!["local".into(), "cloud".into()], max_attempts: 3 });
        let local = &settings.models["local"];
        assert_eq!(local.provider, Provider::OpenAiCompatible);
        assert_eq!(local.timeouts.connect.as_millis(), 500);
        assert_eq!(local.timeouts.stalled, Timeouts::default().stalled);
        assert_eq!(settings.models["cloud"].max_output_tokens, None);
    }

    #[test]
    fn no_file_means_no_models() {
        assert_eq!(load(Path::new("/nowhere/config.toml")), Ok(Settings::default()));
    }

    #[test]
    fn mistakes_name_file_line_and_key() {
        for (text, expected) in [
            (
                "[models.m]\nprovider = \"ollama\"\nbase_url = \"x\"",
                "config.toml:3: models.m: unknown field `base_url`, expected one of",
            ),
            (
                "[models.m]\nprovider = \"gpt\"",
                "config.toml:2: models.m.provider: unknown variant `gpt`, expected one of `anthropic`",
            ),
            ("[models.m]\nmodel = \"x\"", "config.toml:1: models.m: missing field `provider`"),
            (
                "[models.m]\nprovider = \"ollama\"\ntemperature = \"hot\"",
                "config.toml:3: models.m.temperature: invalid type: string \"hot\", expected f64",
            ),
            (
                "[models.m]\nprovider = \"ollama\"\n[models.m.timeouts]\ntotal = -1",
                "config.toml:4: models.m.timeouts.total: -1 is not a number of seconds",
            ),
            ("[model]\n", "config.toml:1: settings: unknown field `model`, expected `models` or `propose`"),
            ("[models.m]\nprovider = ", "config.toml:2: settings: "),
            (
                "[propose]\nmodels = [\"m\"]",
                "config.toml: propose.models: there is no model `m`; describe it in a section [models.m]",
            ),
            ("[propose]\nmax-attempts = 0", "config.toml: propose.max-attempts: must be from 1 to 10"),
        ] {
            let error = load_text(text).unwrap_err();
            assert!(error.starts_with(expected), "{text}\n{error}");
        }
    }

    #[test]
    fn a_key_written_into_the_file_is_not_repeated() {
        let key = ["sk-ant", "-api03-0123456789abcdef"].concat();
        for line in [format!("api-key = \"{key}\""), format!("api-key-env = \"{key}\""), format!("api-key-env = {key}")]
        {
            let error = build_text(&format!("provider = \"openai\"\nmodel = \"x\"\n{line}"), &[]).err().unwrap();
            assert!(error.contains("config.toml") && !error.contains("0123456789"), "{error}");
        }
    }

    #[test]
    fn models_that_can_be_built() {
        for (section, variables) in [
            ("provider = \"ollama\"\nmodel = \"x\"", &[][..]),
            ("provider = \"openai\"\nmodel = \"x\"", &[("OPENAI_API_KEY", "k")]),
            ("provider = \"huggingface\"\nmodel = \"x\"", &[("HF_TOKEN", "k\n")]),
            ("provider = \"openai\"\nmodel = \"x\"\nbase-url = \"http://h/v1\"", &[]),
            (
                "provider = \"openai-compatible\"\nmodel = \"x\"\nbase-url = \"http://h:1/v1/\"\napi-key-env = \"K\"",
                &[("K", "k")],
            ),
        ] {
            assert_eq!(build_text(section, variables).unwrap().name(), "m");
        }
    }

    #[tokio::test]
    async fn what_is_built_asks_as_configured() {
        let answer = r#"{"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}"#;
        for (provider, field) in [("openai", "max_completion_tokens"), ("ollama", "max_tokens")] {
            let mut server = Server::start(vec![vec![Step::Send(stream(&[answer, "[DONE]"]))]]).await;
            let section = format!(
                "provider = \"{provider}\"\nmodel = \"x\"\nbase-url = \"{}/v1\"\napi-key-env = \"K\"\nmax-output-tokens = 9",
                server.url
            );
            let model = build_text(&section, &[("K", "secret-key")]).unwrap();
            let (request, _) = Request::redacted(Prompt { user: "greet".into(), ..Prompt::default() });
            assert_eq!(collect(&*model, request, |_| {}).await.unwrap().text, "hi");
            let sent = server.request().await;
            assert!(sent.starts_with("POST /v1/chat/completions "), "{sent}");
            assert!(sent.contains("authorization: Bearer secret-key"), "{sent}");
            let body: serde_json::Value = serde_json::from_str(sent.split_once("\r\n\r\n").unwrap().1).unwrap();
            assert_eq!((&body[field], &body["temperature"]), (&9.into(), &serde_json::Value::Null));
        }
    }

    #[test]
    fn the_path_is_added_to_the_base() {
        for (base, expected) in [
            ("http://h/v1", "http://h/v1/chat/completions"),
            ("http://h/v1/", "http://h/v1/chat/completions"),
            ("http://h", "http://h/chat/completions"),
            ("https://h/openai?api-version=1", "https://h/openai/chat/completions?api-version=1"),
        ] {
            let text = format!("[models.m]\nprovider = \"ollama\"\nbase-url = \"{base}\"");
            let settings = load_text(&text).unwrap();
            let url = Described { name: "m", config: &settings.models["m"] }.url().unwrap();
            assert_eq!(url.as_str(), expected);
        }
    }

    #[test]
    fn models_that_cannot() {
        let compatible = "provider = \"openai-compatible\"\nmodel = \"x\"\n";
        for (section, expected) in [
            ("provider = \"anthropic\"".to_owned(), "provider: anthropic is not supported yet"),
            ("provider = \"ollama\"".to_owned(), "model: is missing"),
            (compatible.to_owned(), "base-url: is missing"),
            (format!("{compatible}base-url = \"localhost\""), "base-url: is not a URL"),
            (format!("{compatible}base-url = \"ftp://h\""), "base-url: must begin with http"),
            (format!("{compatible}base-url = \"http://u:p@h\""), "base-url: must not hold a name or password"),
            (format!("{compatible}base-url = \"http://h\"\ntemperature = 3"), "temperature: must be from 0 to 2"),
            (
                format!("{compatible}base-url = \"http://h\"\nmax-output-tokens = 0"),
                "max-output-tokens: must be at least 1",
            ),
            (format!("{compatible}base-url = \"http://h\"\nreplies = \"r\""), "replies: is only for"),
            (
                "provider = \"openai\"\nmodel = \"x\"".to_owned(),
                "api-key-env: the environment variable OPENAI_API_KEY is not set",
            ),
            (
                "provider = \"openai\"\nmodel = \"x\"\napi-key-env = \"BAD\"".to_owned(),
                "api-key-env: the environment variable BAD is empty or holds more",
            ),
            ("provider = \"recorded\"".to_owned(), "replies: is missing"),
            ("provider = \"recorded\"\nmodel = \"x\"".to_owned(), "model: means nothing for recorded replies"),
            ("provider = \"recorded\"\nreplies = \"no.json\"".to_owned(), "replies: cannot read no.json"),
        ] {
            let error = build_text(&section, &[("BAD", "two words")]).err().unwrap();
            assert!(error.starts_with(&format!("config.toml: models.m.{expected}")), "{section}\n{error}");
        }
    }
}

//! From a section of the settings to a model.

use std::env;
use std::path::Path;
use std::sync::{Arc, Mutex};

use reqwest::Url;

use super::{ModelConfig, Provider, wrong};
use crate::http::{Endpoint, Key};
use crate::keyring::Keyring;
use crate::layer::template::{Template, Templated};
use crate::provider::anthropic::Anthropic;
use crate::provider::ollama::{KEEP_ALIVE, Ollama};
use crate::provider::openai::OpenAi;
use crate::redact::has_secret;
use crate::{Backoff, Error, LanguageModel, Recorded, Retry};

/// Makes the model that `[models.NAME]` describes, without the layers of [`crate::connect`]. No connection is made yet.
///
/// # Errors
///
/// [`Error::Settings`] with the key that is wrong or missing, or the environment variable that is not set.
pub fn build(name: &str, config: &ModelConfig) -> Result<Arc<dyn LanguageModel>, Error> {
    built(name, config).map(|(model, _)| model)
}

/// The same, and the server that it asks: scheme, host and port.
pub(crate) fn built(name: &str, config: &ModelConfig) -> Result<(Arc<dyn LanguageModel>, Option<String>), Error> {
    build_with(name, config, |variable| env::var(variable).ok())
}

/// The server's name for a model, and where the server is; nothing of what it can do.
pub(crate) fn served(name: &str, config: &ModelConfig) -> Result<(String, Endpoint), Error> {
    Described { name, config }.served(|variable| env::var(variable).ok())
}

pub(super) fn build_with(
    name: &str,
    config: &ModelConfig,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<(Arc<dyn LanguageModel>, Option<String>), Error> {
    let described = Described { name, config };
    // Every provider is named: a new one is an error of the compiler until it is decided what it speaks.
    let speaks = match config.provider {
        Provider::Recorded => return Ok((Arc::new(described.recorded()?), None)),
        Provider::Anthropic => Speaks::Anthropic,
        Provider::Ollama => Speaks::Ollama,
        Provider::OpenAi => Speaks::OpenAi { field: "max_completion_tokens" },
        Provider::HuggingFace | Provider::OpenAiCompatible => Speaks::OpenAi { field: "max_tokens" },
    };
    let (model, endpoint) = described.served(variable)?;
    let server = Some(endpoint.server());
    let (name, max_tokens, temperature) = (name.to_owned(), config.max_output_tokens, config.temperature);
    let model = match speaks {
        Speaks::Anthropic => retried(Anthropic::new(&name, endpoint, model, max_tokens), config),
        Speaks::Ollama => retried(
            Ollama {
                name,
                endpoint,
                model,
                max_tokens,
                temperature,
                context: config.num_ctx,
                keep_alive: config.keep_alive.unwrap_or(KEEP_ALIVE),
            },
            config,
        ),
        Speaks::OpenAi { field } => {
            let max_tokens = max_tokens.map(|limit| (field, limit));
            retried(OpenAi { name, endpoint, model, max_tokens, temperature, quirks: Mutex::default() }, config)
        }
    };
    Ok((model, server))
}

/// The protocol of a provider.
enum Speaks {
    Anthropic,
    Ollama,
    OpenAi {
        /// What the limit of an answer is called.
        field: &'static str,
    },
}

fn retried(model: impl LanguageModel + 'static, config: &ModelConfig) -> Arc<dyn LanguageModel> {
    let model = Retry::new(model, Backoff::default());
    Arc::new(Templated { model, template: Template::of(config) })
}

/// Where the API begins below a server, from the path of `base-url`: people leave `/v1` out or write it as their provider's own
/// clients have it. The only place that knows. A path that ends with two slashes is meant as it is.
fn base_path(provider: Provider, path: &str) -> String {
    if let Some(path) = path.strip_suffix("//") {
        return path.to_owned();
    }
    let path = path.trim_end_matches('/');
    let (before, has_version) = path.strip_suffix("/v1").map_or((path, false), |before| (before, true));
    let takes_version = match provider {
        // Its own protocol is beside the one of OpenAI, which many settings name.
        Provider::Ollama => false,
        // Its clients are told a base without the version, also where a server has it below a path.
        Provider::Anthropic => true,
        // What is below a path has a version of its own, or none: `/openai`, `/api/v3`.
        Provider::OpenAi | Provider::HuggingFace | Provider::OpenAiCompatible | Provider::Recorded => {
            has_version || path.is_empty()
        }
    };
    if takes_version { format!("{before}/v1") } else { before.to_owned() }
}

pub(super) struct Described<'a> {
    pub(super) name: &'a str,
    pub(super) config: &'a ModelConfig,
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
            ("system-role", config.system_role.is_some()),
            ("system-prompt", config.system_prompt.is_some()),
            ("keyring", config.keyring),
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

    /// The server's name for the model, and where the server is.
    pub(super) fn served(&self, variable: impl Fn(&str) -> Option<String>) -> Result<(String, Endpoint), Error> {
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
        if config.temperature.is_some() && config.provider == Provider::Anthropic {
            return Err(self.wrong("temperature", "is no longer part of Anthropic's protocol; remove it"));
        }
        if config.temperature.is_some_and(|temperature| !(0.0..=2.0).contains(&temperature)) {
            return Err(self.wrong("temperature", "must be from 0 to 2"));
        }
        // What is sent goes through redaction, which this does not.
        if config.system_prompt.as_deref().is_some_and(has_secret) {
            return Err(self.wrong("system-prompt", "looks like it holds a secret, which is never sent"));
        }
        if config.num_ctx.is_some_and(|tokens| tokens < 512) {
            return Err(self.wrong("num-ctx", "must be at least 512; remove it for as many as are needed"));
        }
        for (key, is_set) in [("num-ctx", config.num_ctx.is_some()), ("keep-alive", config.keep_alive.is_some())] {
            if is_set && config.provider != Provider::Ollama {
                return Err(self.wrong(key, "is only for provider = \"ollama\"; remove it"));
            }
        }
        Ok((model, self.endpoint(variable)?))
    }

    fn endpoint(&self, variable: impl Fn(&str) -> Option<String>) -> Result<Endpoint, Error> {
        Endpoint::new(self.url()?, self.key(variable)?, self.config.timeouts)
            .map_err(|cause| self.wrong("base-url", format!("needs TLS, which cannot be set up: {cause}")))
    }

    fn url(&self) -> Result<Url, Error> {
        let text = self.config.base();
        let Some(text) = text else {
            return Err(
                self.wrong("base-url", "is missing: say where the server's API begins, e.g. http://127.0.0.1:8080")
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
        let path = base_path(self.config.provider, url.path());
        url.set_path(&path);
        Ok(url)
    }

    fn key_in_keyring(&self) -> Result<Option<Key>, Error> {
        let Some(keyring) = Keyring::of_system() else {
            return Err(self.wrong(
                "keyring",
                "is not known on this system; put the key into a variable and name it in api-key-env",
            ));
        };
        let found = keyring.get(self.name).map_err(|message| self.wrong("keyring", message))?;
        match found.as_deref().map(Key::new) {
            Some(Some(key)) => Ok(Some(key)),
            Some(None) => Err(self.wrong("keyring", "holds something that is no key")),
            None => {
                Err(self.wrong("keyring", format!("has no key for it; `tantu model login {}` asks for it", self.name)))
            }
        }
    }

    fn key(&self, variable: impl Fn(&str) -> Option<String>) -> Result<Option<Key>, Error> {
        if self.config.keyring {
            return self.key_in_keyring();
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_the_same_with_and_without_the_version() {
        use Provider::{Anthropic, HuggingFace, Ollama, OpenAi, OpenAiCompatible};
        for (provider, paths, expected) in [
            (Anthropic, &["/", "/v1", "/v1/"][..], "/v1"),
            (Anthropic, &["/proxy", "/proxy/", "/proxy/v1"], "/proxy/v1"),
            (OpenAi, &["/", "/v1", "/v1/"], "/v1"),
            (HuggingFace, &["/", "/v1"], "/v1"),
            (OpenAiCompatible, &["/", "/v1", "/v1/"], "/v1"),
            (OpenAiCompatible, &["/openai", "/openai/"], "/openai"),
            (OpenAiCompatible, &["/openai/v1"], "/openai/v1"),
            (OpenAiCompatible, &["/api/v3"], "/api/v3"),
            (OpenAiCompatible, &["//"], ""),
            (Ollama, &["/", "/v1", "/v1/"], ""),
            (Ollama, &["/proxy", "/proxy/v1"], "/proxy"),
            (Anthropic, &["/proxy//"], "/proxy"),
        ] {
            for path in paths {
                assert_eq!(base_path(provider, path), expected, "{provider:?}, {path}");
            }
        }
    }
}

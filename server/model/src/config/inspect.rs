//! What a server says about its models, without asking any of them anything.

use std::env;
use std::time::Duration;

use serde_json::Value;

use super::build::Described;
use super::{ModelConfig, Provider, wrong};
use crate::http::Endpoint;
use crate::provider::{anthropic, ollama};
use crate::{Error, Pulled, Timeouts};

/// What a server said when it was asked for its models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// It has the model. `loaded`: whether it is in memory, where the server says so.
    There { loaded: Option<bool> },
    /// It does not list the model, only these.
    Missing { others: Vec<String> },
    /// Recorded replies: there is no server.
    Recorded,
}

/// Asks the server of `[models.NAME]` whether it has that model. Nothing is generated, and nothing is paid for.
///
/// # Errors
/// [`Error::Settings`] as [`super::build`], and whatever can go wrong with a request.
pub async fn inspect(name: &str, config: &ModelConfig) -> Result<Presence, Error> {
    if config.provider == Provider::Recorded {
        super::build(name, config)?;
        return Ok(Presence::Recorded);
    }
    let described = Described { name, config };
    let (model, endpoint) = described.served(|variable| env::var(variable).ok())?;
    if config.provider == Provider::Ollama {
        let all = ollama::pulled(&endpoint).await?;
        return Ok(match all.iter().find(|pulled| ollama::is_named(&pulled.name, &model)) {
            Some(pulled) => Presence::There { loaded: Some(pulled.loaded) },
            None => Presence::Missing { others: all.into_iter().map(|pulled| pulled.name).collect() },
        });
    }
    let endpoint = if config.provider == Provider::Anthropic { anthropic::with_version(endpoint) } else { endpoint };
    let others = names(&endpoint.get(&["models"]).await?);
    // Hugging Face's router takes `NAME:PROVIDER` and lists names.
    let bare = model.split_once(':').map_or(model.as_str(), |(bare, _)| bare);
    match others.iter().any(|other| *other == model || (config.provider == Provider::HuggingFace && other == bare)) {
        true => Ok(Presence::There { loaded: None }),
        false => Ok(Presence::Missing { others }),
    }
}

/// The names in `{"data": [{"id": …}]}`, which all servers but Ollama have in common.
fn names(listing: &Value) -> Vec<String> {
    let entries = listing["data"].as_array().into_iter().flatten();
    entries.filter_map(|entry| Some(entry["id"].as_str()?.to_owned())).collect()
}

/// The models of an Ollama on this machine, at its usual place; `None` where nobody answers within a moment. It is asked
/// for its list and nothing else: whether it is used is for the user's settings.
pub async fn local_ollama() -> Option<Vec<Pulled>> {
    ollama_at(Provider::Ollama.base_url()?).await
}

async fn ollama_at(base: &str) -> Option<Vec<Pulled>> {
    const MOMENT: Duration = Duration::from_millis(500);
    let timeouts = Timeouts { connect: MOMENT, first_token: MOMENT, stalled: MOMENT, total: MOMENT };
    let base = base.parse().map_err(|_| wrong(None, "base-url", "is not a URL")).ok()?;
    let endpoint = Endpoint::new(base, None, timeouts).ok()?;
    ollama::pulled(&endpoint).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Server, Step, response};

    fn json(text: &str) -> Vec<Step> {
        vec![Step::Send(response("200 OK", &["content-type: application/json"], text))]
    }

    fn config(provider: &str, model: &str, base: &str) -> ModelConfig {
        toml::from_str(&format!("provider = \"{provider}\"\nmodel = \"{model}\"\nbase-url = \"{base}\"")).unwrap()
    }

    #[tokio::test]
    async fn models_are_looked_up_where_each_provider_lists_them() {
        let listing = || json(r#"{"object":"list","data":[{"id":"a/b"},{"id":"c"}]}"#);
        for (provider, model, path, expected) in [
            ("openai-compatible", "c", "/v1/models", Presence::There { loaded: None }),
            ("anthropic", "c", "/v1/models", Presence::There { loaded: None }),
            ("huggingface", "a/b:fast", "/v1/models", Presence::There { loaded: None }),
            ("openai", "d", "/v1/models", Presence::Missing { others: vec!["a/b".into(), "c".into()] }),
        ] {
            let mut server = Server::start(vec![listing()]).await;
            let config = config(provider, model, &format!("{}/v1", server.url));
            assert_eq!(inspect("m", &config).await, Ok(expected), "{provider}");
            let sent = server.request().await;
            assert!(sent.starts_with(&format!("GET {path} ")), "{sent}");
            assert_eq!(sent.contains("anthropic-version"), provider == "anthropic");
        }
    }

    #[tokio::test]
    async fn ollama_says_what_is_pulled() {
        let tags = r#"{"models":[{"name":"qwen3:8b","size":5}]}"#;
        for (model, expected) in [
            ("qwen3:8b", Presence::There { loaded: Some(false) }),
            ("phi", Presence::Missing { others: vec!["qwen3:8b".into()] }),
        ] {
            let server = Server::start(vec![json(tags), json(r#"{"models":[]}"#)]).await;
            assert_eq!(inspect("m", &config("ollama", model, &server.url)).await, Ok(expected));
        }
        let server = Server::start(vec![json(tags), json(r#"{"models":[]}"#)]).await;
        assert_eq!(ollama_at(&server.url).await.unwrap().len(), 1);
        assert_eq!(ollama_at("http://127.0.0.1:9").await, None);
    }
}

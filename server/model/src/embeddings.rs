//! Texts → vectors, by a provider's endpoint: OpenAI's `/embeddings`, which most servers speak, and Ollama's `/api/embed`.
//!
//! A question for vectors is a [`Request`] as any other. So nothing is sent that was not redacted, and the layers around a
//! model count it, bound what it costs, and leave a server alone that fails.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::{StreamExt, iter};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::{Provider, Settings, served};
use crate::http::Endpoint;
use crate::provider::stream::malformed;
use crate::stack::surrounded;
use crate::{Backoff, Delta, Deltas, Error, LanguageModel, Prompt, Request, Retry, State, StopReason, Usage, collect};

/// How many texts one question may hold.
pub const BATCH: usize = 64;

/// Longer texts are cut: models for vectors read some thousands of tokens.
const MAX_BYTES: usize = 6_000;

/// Stands between the texts of one request ("unit separator"), and in none of them.
const SEPARATOR: char = '\u{1f}';

/// A model that says what texts mean.
pub struct Embeddings {
    model: Arc<dyn LanguageModel>,
    /// Tells vectors of this model from those of others.
    identity: [u8; 32],
}

impl Embeddings {
    /// The model that `[context] embeddings` names; `None` where it names none.
    ///
    /// # Errors
    /// [`Error::Settings`] when the model cannot be built, or makes no vectors.
    pub fn connect(settings: &Settings, state: &Arc<State>) -> Result<Option<Embeddings>, Error> {
        let Some(name) = &settings.context.embeddings else { return Ok(None) };
        let key = "context.embeddings";
        let config = settings.models.get(name).ok_or_else(|| settings.no_model(key, name))?;
        let path: &'static [&'static str] = match config.provider {
            Provider::Anthropic | Provider::Recorded => {
                let message = "makes no vectors, and context.embeddings names it; name another model there";
                return Err(settings.wrong_model(name, "provider", message));
            }
            Provider::Ollama => &["api", "embed"],
            _ => &["embeddings"],
        };
        let (model, endpoint) = served(name, config)?;
        let server = endpoint.server();
        let identity = *blake3::hash(format!("{}\0{server}\0{model}", config.provider.name()).as_bytes()).as_bytes();
        let embedder = Embedder { name: name.clone(), endpoint, model, path };
        // What comes back is no text that could be long.
        let config = crate::config::ModelConfig { max_output_tokens: Some(0), ..config.clone() };
        let asked: Arc<dyn LanguageModel> = Arc::new(Retry::new(embedder, Backoff::default()));
        let model = surrounded(settings, name, &config, state, (asked, Some(server)))?;
        Ok(Some(Embeddings { model, identity }))
    }

    /// The name that the user gave the model.
    pub fn name(&self) -> &str {
        self.model.name()
    }

    /// What the vector of a text can be kept under: another text or another model has another key.
    pub fn key(&self, text: &str) -> [u8; 32] {
        *blake3::keyed_hash(&self.identity, text.as_bytes()).as_bytes()
    }

    /// A vector of length 1 for each of at most [`BATCH`] texts. What looks like a secret in them is not sent.
    ///
    /// # Errors
    /// When there is no answer, or one that is not what was asked for.
    pub async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        let separated: Vec<String> = texts
            .iter()
            .map(|text| text[..text.floor_char_boundary(MAX_BYTES)].replace(SEPARATOR, " "))
            // Servers refuse what is empty.
            .map(|text| if text.trim().is_empty() { "-".to_owned() } else { text })
            .collect();
        let user = separated.join(&SEPARATOR.to_string());
        let (request, _) = Request::redacted(Prompt { user, ..Prompt::default() });
        let reply = collect(&*self.model, request.for_purpose("embeddings"), |_| {}).await?;
        let vectors: Vec<Vec<f32>> =
            serde_json::from_str(&reply.text).map_err(|error| malformed(&format!("it holds no vectors, {error}")))?;
        if vectors.len() != texts.len() {
            return Err(malformed(&format!("it holds {} vectors for {} texts", vectors.len(), texts.len())));
        }
        Ok(vectors.into_iter().map(unit).collect())
    }
}

/// The same direction with length 1; nothing has no direction.
fn unit(vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    if length > 0.0 && length.is_finite() { vector.iter().map(|number| number / length).collect() } else { Vec::new() }
}

/// A server that makes vectors; its answer is their numbers as JSON.
struct Embedder {
    name: String,
    endpoint: Endpoint,
    /// What the server calls the model.
    model: String,
    path: &'static [&'static str],
}

/// Both protocols' answers.
#[derive(Deserialize)]
struct Answer {
    /// OpenAI's.
    #[serde(default)]
    data: Vec<Entry>,
    usage: Option<Counted>,
    /// Ollama's.
    #[serde(default)]
    embeddings: Vec<Vec<f32>>,
    prompt_eval_count: Option<u64>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    index: usize,
    embedding: Vec<f32>,
}

#[derive(Deserialize)]
struct Counted {
    prompt_tokens: u64,
}

impl Embedder {
    async fn ask(&self, request: &Request) -> Result<Vec<Delta>, Error> {
        let texts: Vec<&str> = request.user().split(SEPARATOR).collect();
        let body = json!({ "model": self.model, "input": texts });
        let json: Value = match self.endpoint.ask(self.path, &body).await {
            Err(Error::Status { code: 404, .. }) if self.path == ["api", "embed"] => {
                return Err(Error::NotPulled { model: self.model.clone() });
            }
            answer => answer?,
        };
        let answer: Answer =
            serde_json::from_value(json).map_err(|error| malformed(&format!("it holds no vectors, {error}")))?;
        let mut entries = answer.data;
        entries.sort_by_key(|entry| entry.index);
        let vectors: Vec<Vec<f32>> =
            entries.into_iter().map(|entry| entry.embedding).chain(answer.embeddings).collect();
        let input = answer.prompt_eval_count.or(answer.usage.map(|usage| usage.prompt_tokens));
        let text = serde_json::to_string(&vectors).map_err(|error| malformed(&error.to_string()))?;
        let usage = input.map(|input| Usage { input, output: 0 });
        Ok(vec![Delta::Text(text), Delta::Stop { reason: StopReason::End, usage }])
    }
}

impl LanguageModel for Embedder {
    fn name(&self) -> &str {
        &self.name
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Deltas, Error>> {
        Box::pin(async move { Ok(iter(self.ask(&request).await?.into_iter().map(Ok)).boxed()) })
    }
}

#[cfg(test)]
mod tests {
    use store::Journal;

    use super::*;
    use crate::config;
    use crate::testing::Server;
    use crate::testing::Step::Send;
    use crate::testing::response;

    fn settings(text: &str) -> Result<Settings, Error> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, text).unwrap();
        config::load(&file)
    }

    fn of(provider: &str, url: &str) -> Settings {
        let text = format!(
            "[models.m]\nprovider = \"{provider}\"\nmodel = \"small\"\nbase-url = \"{url}\"\nprice = {{ input = 2.0, \
             output = 0.0 }}\n[context]\nembeddings = \"m\""
        );
        settings(&text).unwrap()
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[tokio::test]
    async fn both_protocols_make_vectors_and_nothing_is_sent_that_looks_like_a_secret() {
        let key = format!("AKIA{}", "ABCDEFGHIJKLMN12");
        let openai =
            r#"{"data":[{"index":1,"embedding":[0,2]},{"index":0,"embedding":[3,4]}],"usage":{"prompt_tokens":7}}"#;
        let ollama = r#"{"embeddings":[[3,4],[0,2]],"prompt_eval_count":7}"#;
        for (provider, path, answer) in
            [("openai-compatible", "/v1/embeddings", openai), ("ollama", "/api/embed", ollama)]
        {
            let mut server = Server::start(vec![vec![Send(response("200 OK", &[], answer))]]).await;
            let folder = tempfile::tempdir().unwrap();
            let journal = Arc::new(Journal::open(&folder.path().join("models.sqlite")).unwrap());
            let state = State::new(Some(journal.clone()));
            let settings = of(provider, &format!("{}/v1", server.url));
            let embeddings = Embeddings::connect(&settings, &state).unwrap().unwrap();
            let vectors = embeddings.embed(&texts(&[&format!("a = '{key}'"), "b\u{1f}c"])).await.unwrap();
            assert_eq!(vectors, [vec![0.6, 0.8], vec![0.0, 1.0]]);
            let sent = server.request().await;
            assert!(sent.starts_with(&format!("POST {path} ")), "{sent}");
            assert!(sent.contains(r#""input":["a = '<redacted:aws-key:1>'","b c"]"#), "{sent}");
            let calls = journal.calls(0, 9).unwrap();
            assert_eq!((calls[0].assist.as_str(), calls[0].input, calls[0].cost), ("embeddings", 7, Some(14)));
        }
    }

    #[tokio::test]
    async fn an_answer_that_was_not_asked_for_is_an_error() {
        for answer in ["{}", "[]", r#"{"data":[{"embedding":[1]},{"embedding":[2]}]}"#, r#"{"embeddings":[["x"]]}"#] {
            let server = Server::start(vec![vec![Send(response("200 OK", &[], answer))]]).await;
            let settings = of("openai-compatible", &server.url);
            let embeddings = Embeddings::connect(&settings, &State::new(None)).unwrap().unwrap();
            let error = embeddings.embed(&texts(&["one"])).await.unwrap_err();
            assert!(matches!(error, Error::Malformed { .. }), "{answer}: {error}");
        }
    }

    #[test]
    fn only_a_model_that_the_settings_name_makes_vectors() {
        let connect = |text: &str| Embeddings::connect(&settings(text)?, &State::new(None)).map(|it| it.is_some());
        assert_eq!(connect(""), Ok(false), "off unless somebody wants it");
        let unknown = connect("[context]\nembeddings = \"m\"").unwrap_err().to_string();
        assert!(unknown.contains("context.embeddings"), "{unknown}");
        let text = "[models.m]\nprovider = \"anthropic\"\nmodel = \"x\"\n[context]\nembeddings = \"m\"";
        let wrong = connect(text).unwrap_err().to_string();
        assert!(wrong.contains("models.m.provider") && wrong.contains("no vectors"), "{wrong}");
        let embeddings = |model: &str| {
            let text = format!("[models.m]\nprovider = \"ollama\"\nmodel = \"{model}\"\n[context]\nembeddings = \"m\"");
            Embeddings::connect(&settings(&text).unwrap(), &State::new(None)).unwrap().unwrap()
        };
        assert_eq!(embeddings("a").key("text"), embeddings("a").key("text"));
        assert_ne!(embeddings("a").key("text"), embeddings("b").key("text"));
        assert_ne!(embeddings("a").key("text"), embeddings("a").key("other"));
    }
}

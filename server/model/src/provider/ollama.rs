//! Ollama's own protocol. It also speaks OpenAI's, but that one can say neither how much context is needed nor how long a
//! model should stay in memory, and cuts a long prompt off without a word.

mod wire;

use std::time::Duration;

use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use super::stream::{deltas, malformed};
use crate::http::Endpoint;
use crate::{Deltas, Error, LanguageModel, Request};

pub(crate) use self::wire::Lines;

/// How long a model stays in memory after an answer, where the settings do not say it: the next attempt or question often
/// comes within minutes, and loading takes longer than answering.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(10 * 60);

/// Context is given in steps: another length makes Ollama load the model again.
const CONTEXT_STEPS: &[u32] = &[8192, 16_384, 32_768, 65_536, 131_072];

/// Bytes of source code in a token are more than this, in every tokenizer that is in use.
const BYTES_PER_TOKEN: usize = 3;

/// What an answer takes where its length is not limited.
const ANSWER: u32 = 2048;

pub(crate) struct Ollama {
    /// The name that the user gave it.
    pub(crate) name: String,
    pub(crate) endpoint: Endpoint,
    /// What the server calls it, e.g. `qwen3:8b`.
    pub(crate) model: String,
    pub(crate) max_tokens: Option<u32>,
    pub(crate) temperature: Option<f64>,
    /// Tokens of prompt and answer together; as many as are needed if absent.
    pub(crate) context: Option<u32>,
    pub(crate) keep_alive: Duration,
}

impl Ollama {
    fn body(&self, request: &Request) -> Value {
        let mut messages = Vec::new();
        if !request.system().is_empty() {
            messages.push(json!({"role": "system", "content": request.system()}));
        }
        messages.push(json!({"role": "user", "content": request.user()}));
        let mut options = json!({ "num_ctx": self.context_for(request) });
        if let Some(limit) = self.max_tokens {
            options["num_predict"] = limit.into();
        }
        if let Some(temperature) = self.temperature {
            options["temperature"] = temperature.into();
        }
        let mut body = json!({
            "model": self.model,
            "messages": messages,
            "stream": true,
            "keep_alive": format!("{}s", self.keep_alive.as_secs()),
            "options": options,
        });
        if let Some(form) = request.form() {
            body["format"] = form.schema.clone();
        }
        body
    }

    /// Enough context for the prompt and an answer: what is beyond it, Ollama cuts off at the beginning.
    fn context_for(&self, request: &Request) -> u32 {
        let prompt = (request.system().len() + request.user().len()) / BYTES_PER_TOKEN;
        let needed = u32::try_from(prompt).unwrap_or(u32::MAX).saturating_add(self.max_tokens.unwrap_or(ANSWER));
        let step = || CONTEXT_STEPS.iter().copied().find(|&step| step >= needed).unwrap_or(needed);
        self.context.unwrap_or_else(step)
    }
}

impl LanguageModel for Ollama {
    fn name(&self) -> &str {
        &self.name
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Deltas, Error>> {
        Box::pin(async move {
            match self.endpoint.post(&["api", "chat"], &self.body(&request)).await {
                Ok(body) => Ok(deltas::<Lines>(body)),
                Err(Error::Status { code: 404, .. }) => Err(Error::NotPulled { model: self.model.clone() }),
                Err(error) => Err(error),
            }
        })
    }
}

/// A model that an Ollama server has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// E.g. `qwen3:8b`.
    pub name: String,
    /// On disk, in bytes.
    pub size: u64,
    /// Whether it is in memory now.
    pub loaded: bool,
}

#[derive(Deserialize)]
struct Listing {
    models: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    #[serde(default)]
    size: u64,
}

/// The models that the server has pulled, and which of them are loaded.
pub(crate) async fn pulled(endpoint: &Endpoint) -> Result<Vec<Pulled>, Error> {
    let list = async |path: &str| {
        let json = endpoint.get(&["api", path]).await?;
        serde_json::from_value::<Listing>(json).map_err(|error| malformed(&format!("it lists no models, {error}")))
    };
    let (all, running) = (list("tags").await?, list("ps").await?);
    let is_loaded = |name: &str| running.models.iter().any(|entry| entry.name == name);
    let pulled = |Entry { name, size }: Entry| Pulled { loaded: is_loaded(&name), name, size };
    Ok(all.models.into_iter().map(pulled).collect())
}

/// Whether `name`, as the settings have it, is the model `pulled`: without a tag the latest is meant.
pub(crate) fn is_named(pulled: &str, name: &str) -> bool {
    pulled == name || pulled.strip_suffix(":latest") == Some(name)
}

/// Bodies of responses, good and bad.
#[cfg(test)]
pub(crate) fn fixtures() -> Vec<String> {
    vec![
        tests::HELLO.to_owned(),
        tests::HELLO.trim_end().replace('\n', "\r\n"),
        tests::HELLO.lines().take(2).collect::<Vec<_>>().join("\n"),
        "{\"message\":{\"content\":\"half\"},\"done\":false}\n{\"error\":\"out of memory\"}\n".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Server;
    use crate::testing::Step::{self, Hang, Send};
    use crate::testing::response;
    use crate::{Prompt, Reply, StopReason, Timeouts, Usage, collect};

    pub(super) const HELLO: &str = r#"{"model":"x","created_at":"2025-01-01T00:00:00Z","message":{"role":"assistant","content":"","thinking":"hm"},"done":false}
{"model":"x","message":{"role":"assistant","content":"gr\u00fc\u00df "},"done":false}
{"model":"x","message":{"role":"assistant","content":"dich 🐍"},"done":false}
{"model":"x","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":1,"prompt_eval_count":12,"eval_count":5}
"#;

    fn model(url: &str) -> Ollama {
        let endpoint = Endpoint::new(url.parse().unwrap(), None, Timeouts::default()).unwrap();
        Ollama {
            name: "local".into(),
            endpoint,
            model: "qwen3:8b".into(),
            max_tokens: Some(64),
            temperature: None,
            context: None,
            keep_alive: KEEP_ALIVE,
        }
    }

    fn request(user: &str) -> Request {
        Request::redacted(Prompt { system: "be brief".into(), user: user.into() }).0
    }

    async fn ask(script: Vec<Step>) -> Result<Reply, Error> {
        let server = Server::start(vec![script]).await;
        collect(&model(&server.url), request("greet"), |_| {}).await
    }

    fn body(lines: &str) -> Vec<Step> {
        vec![Send(response("200 OK", &["content-type: application/x-ndjson"], lines))]
    }

    #[tokio::test]
    async fn what_is_sent_and_said() {
        let mut server = Server::start(vec![body(HELLO).into_iter().chain([Hang]).collect()]).await;
        let reply = collect(&model(&server.url), request("greet"), |_| {}).await;
        let usage = Some(Usage { input: 12, output: 5 });
        assert_eq!(reply, Ok(Reply { text: "grüß dich 🐍".into(), reason: StopReason::End, usage, cost: None }));
        let sent = server.request().await;
        assert!(sent.starts_with("POST /api/chat HTTP/1.1\r\n"), "{sent}");
        assert_eq!(
            serde_json::from_str::<Value>(sent.split_once("\r\n\r\n").unwrap().1).unwrap(),
            json!({
                "model": "qwen3:8b",
                "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "greet"}],
                "stream": true,
                "keep_alive": "600s",
                "options": {"num_ctx": 8192, "num_predict": 64},
            })
        );
    }

    #[test]
    fn the_form_of_the_answer_is_sent() {
        let schema = json!({"type": "object"});
        let body = model("http://127.0.0.1:1").body(&request("list").in_form("findings", schema.clone()));
        assert_eq!(body["format"], schema);
    }

    #[test]
    fn context_grows_with_the_prompt() {
        let mut model = model("http://127.0.0.1:1");
        assert_eq!(model.context_for(&request(&"x = 1\n".repeat(4000))), 8192);
        assert_eq!(model.context_for(&request(&"x = 1\n".repeat(5000))), 16_384);
        model.context = Some(4096);
        assert_eq!(model.context_for(&request(&"x = 1\n".repeat(5000))), 4096);
    }

    #[tokio::test]
    async fn reasons_to_stop_and_failures() {
        let done = |reason: &str| body(&format!("{{\"message\":{{\"content\":\"x\"}},\"done\":true{reason}}}"));
        assert_eq!(ask(done(r#","done_reason":"length""#)).await.unwrap().reason, StopReason::Length);
        assert_eq!(ask(done("")).await.unwrap().reason, StopReason::End);
        assert_eq!(ask(done(r#","done_reason":"load""#)).await.unwrap().reason, StopReason::Other("load".into()));
        let failed = body("{\"message\":{\"content\":\"x\"}}\n{\"error\":\"out of memory\"}\n");
        assert_eq!(ask(failed).await, Err(Error::Reported { message: "out of memory".into() }));
        let missing = vec![Send(response("404 x", &[], r#"{"error":"model 'qwen3:8b' not found"}"#))];
        let error = ask(missing).await.unwrap_err();
        assert!(error.to_string().contains("ollama pull qwen3:8b"), "{error}");
        let cut = ask(body("{\"message\":{\"content\":\"x\"},\"done\":false}\n")).await;
        assert!(matches!(cut, Err(Error::Interrupted { .. })), "{cut:?}");
    }

    #[tokio::test]
    async fn what_is_pulled_and_loaded() {
        let json = |text: &str| vec![Send(response("200 OK", &["content-type: application/json"], text))];
        let server = Server::start(vec![
            json(r#"{"models":[{"name":"qwen3:8b","size":5000},{"name":"phi:latest","size":1}]}"#),
            json(r#"{"models":[{"name":"qwen3:8b"}]}"#),
        ])
        .await;
        let found = pulled(&model(&server.url).endpoint).await.unwrap();
        let expected = [("qwen3:8b", 5000, true), ("phi:latest", 1, false)];
        assert_eq!(found, expected.map(|(name, size, loaded)| Pulled { name: name.into(), size, loaded }));
        assert!(is_named("phi:latest", "phi") && !is_named("phi:latest", "ph"));
    }
}

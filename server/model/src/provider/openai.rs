//! Chat Completions, the protocol of OpenAI that most other servers speak too: Hugging Face's router, vLLM, SGLang,
//! llama.cpp, LM Studio.
//!
//! They differ in what they refuse. A request that is turned down because of a field that could be absent is sent again
//! without it, and what a server does not take is remembered for the next request.

mod wire;

use std::sync::{Mutex, PoisonError};

use futures::future::BoxFuture;
use serde_json::{Value, json};

pub(crate) use self::wire::Chat;
use super::stream::deltas;
use crate::http::Endpoint;
use crate::{Deltas, Error, LanguageModel, Request};

pub(crate) struct OpenAi {
    /// The name that the user gave it.
    pub(crate) name: String,
    pub(crate) endpoint: Endpoint,
    /// What the server calls it.
    pub(crate) model: String,
    /// The limit on output tokens and the field that carries it: OpenAI renamed it, most others did not follow.
    pub(crate) max_tokens: Option<(&'static str, u32)>,
    pub(crate) temperature: Option<f64>,
    /// What the server has turned down so far.
    pub(crate) quirks: Mutex<Quirks>,
}

/// What a server does not take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Quirks {
    no_stream_options: bool,
    other_limit: bool,
    no_temperature: bool,
    no_system: bool,
    /// The schema of an answer; that it has to be JSON is taken.
    no_schema: bool,
    /// Neither.
    no_format: bool,
}

impl Quirks {
    /// What the refusal `message` says that has not been known; `None` where it says nothing of that kind.
    fn learn(self, message: &str) -> Option<Quirks> {
        let message = message.to_ascii_lowercase();
        let mut learnt = self;
        if message.contains("stream_options") {
            learnt.no_stream_options = true;
        } else if message.contains("max_tokens") || message.contains("max_completion_tokens") {
            // Only where the name is what is wrong, not the number.
            let is_name = ["unsupported", "not supported", "unknown", "unrecognized", "extra", "instead"];
            learnt.other_limit = is_name.iter().any(|word| message.contains(word));
        } else if ["response_format", "json_schema", "json_object"].iter().any(|field| message.contains(field)) {
            (learnt.no_schema, learnt.no_format) = (true, self.no_schema);
        } else if message.contains("temperature") {
            learnt.no_temperature = true;
        } else if message.contains("system role") || message.contains("roles must alternate") {
            learnt.no_system = true;
        }
        (learnt != self).then_some(learnt)
    }
}

impl OpenAi {
    fn body(&self, request: &Request, quirks: Quirks) -> Value {
        let system = request.system();
        let messages = match (system.is_empty(), quirks.no_system) {
            (true, _) => json!([{"role": "user", "content": request.user()}]),
            (false, true) => json!([{"role": "user", "content": format!("{system}\n\n{}", request.user())}]),
            (false, false) => {
                json!([{"role": "system", "content": system}, {"role": "user", "content": request.user()}])
            }
        };
        let mut body = json!({ "model": self.model, "messages": messages, "stream": true });
        if !quirks.no_stream_options {
            body["stream_options"] = json!({"include_usage": true});
        }
        if let Some((field, limit)) = self.max_tokens {
            let other = if field == "max_tokens" { "max_completion_tokens" } else { "max_tokens" };
            body[if quirks.other_limit { other } else { field }] = limit.into();
        }
        if let Some(form) = request.form().filter(|_| !quirks.no_format) {
            let schema = json!({"name": form.name, "schema": form.schema, "strict": true});
            body["response_format"] = match quirks.no_schema {
                true => json!({"type": "json_object"}),
                false => json!({"type": "json_schema", "json_schema": schema}),
            };
        }
        if let Some(temperature) = self.temperature.filter(|_| !quirks.no_temperature) {
            body["temperature"] = temperature.into();
        }
        body
    }

    fn quirks(&self) -> Quirks {
        *self.quirks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LanguageModel for OpenAi {
    fn name(&self) -> &str {
        &self.name
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Deltas, Error>> {
        Box::pin(async move {
            loop {
                let quirks = self.quirks();
                let error = match self.endpoint.post(&["chat", "completions"], &self.body(&request, quirks)).await {
                    Ok(body) => return Ok(deltas::<Chat>(body)),
                    Err(error) => error,
                };
                // Each round learns something, and there are six things to learn.
                let learnt = match &error {
                    Error::Status { code: 400 | 422 | 500, message, .. } => quirks.learn(message),
                    _ => None,
                };
                let Some(learnt) = learnt else { return Err(error) };
                tracing::info!(model = self.name, %error, "asking again in the way that this server wants");
                *self.quirks.lock().unwrap_or_else(PoisonError::into_inner) = learnt;
            }
        })
    }
}

/// Bodies of responses, good and bad.
#[cfg(test)]
pub(crate) fn fixtures() -> Vec<String> {
    let events = |events: &[&str]| events.iter().map(|event| format!("data: {event}\n\n")).collect::<String>();
    vec![
        events(tests::HELLO),
        events(tests::HELLO).replace("\n\n", "\r\n\r\n"),
        events(&[tests::TEXT]),
        events(&[tests::TEXT, r#"{"error":{"message":"upstream","code":502}}"#]),
        r#" {"choices":[{"message":{"content":"grüß dich 🐍"},"finish_reason":"stop"}]}"#.to_owned(),
    ]
}

#[cfg(test)]
mod tests;

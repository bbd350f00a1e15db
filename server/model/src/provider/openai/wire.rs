//! What an event of a Chat Completions stream says.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::http::{error_message, shorten};
use crate::provider::stream::{Answer, Dialect, parse};
use crate::{Error, StopReason, Usage};

/// Chat Completions, streamed or in one piece.
#[derive(Default)]
pub(crate) struct Chat;

/// A chunk of a stream, or a whole answer.
#[derive(Deserialize)]
struct Completion {
    /// `error` where a server of the vLLM family reports one beside the standard way.
    object: Option<String>,
    choices: Option<Vec<Choice>>,
    usage: Option<Counted>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    /// In a stream.
    delta: Option<Message>,
    /// In a whole answer.
    message: Option<Message>,
    finish_reason: Option<String>,
}

#[derive(Deserialize, Default)]
struct Message {
    content: Option<Content>,
    refusal: Option<String>,
    /// What a reasoning model thinks is not part of the answer, but a sign of life. It has two names, and some servers use
    /// both at once.
    reasoning: Option<IgnoredAny>,
    reasoning_content: Option<IgnoredAny>,
}

/// Text, or a list of parts as Mistral's models have it, of which only those of type `text` count.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct Counted {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

impl Dialect for Chat {
    fn read(&mut self, json: &[u8], answer: &mut Answer) -> Result<bool, Error> {
        let completion: Completion = parse(json)?;
        if let Some(error) = completion.error {
            return Err(reported(&error));
        }
        if completion.object.as_deref() == Some("error") {
            return Err(reported(&parse(json)?));
        }
        if let Some(Counted { prompt_tokens: Some(input), completion_tokens: Some(output) }) = completion.usage {
            answer.count(Usage { input, output });
        }
        let Some(choice) = completion.choices.unwrap_or_default().into_iter().next() else {
            return Ok(false);
        };
        let message = choice.delta.or(choice.message).unwrap_or_default();
        let text = match message.content {
            None => String::new(),
            Some(Content::Text(text)) => text,
            Some(Content::Parts(parts)) => parts.into_iter().map(|part| part.text).collect(),
        };
        let thinks = message.reasoning.is_some() || message.reasoning_content.is_some();
        let spoke = answer.text(text)?;
        let refused = answer.refusal(&message.refusal.unwrap_or_default())?;
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
            answer.finish(stop_reason(&reason));
        }
        Ok(thinks || spoke || refused)
    }
}

/// The names in use: OpenAI's own, then those of servers that pass on another vendor's.
fn stop_reason(name: &str) -> StopReason {
    match name {
        "stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence" => StopReason::End,
        "length" | "max_tokens" | "model_length" => StopReason::Length,
        "content_filter" | "content-filter" | "safety" | "recitation" => StopReason::Filtered,
        "refusal" => StopReason::Refused(String::new()),
        "tool_calls" | "function_call" | "tool_use" => StopReason::ToolCall,
        other => StopReason::Other(shorten(other)),
    }
}

fn reported(error: &Value) -> Error {
    let message = error_message(error);
    let code = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    match code.filter(|code| (400..600).contains(code)) {
        Some(code) => Error::Status { code, message, retry_after: None },
        None => Error::Reported { message },
    }
}

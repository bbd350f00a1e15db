//! What an event of a Messages stream says.

use serde::Deserialize;
use serde_json::Value;

use crate::http::{error_message, shorten};
use crate::provider::stream::{Answer, Dialect, parse};
use crate::{Error, StopReason, Usage};

/// Messages, streamed or in one piece.
#[derive(Default)]
pub(crate) struct Messages;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Message,
    },
    /// A whole answer is the same object as the one that a stream begins with.
    Message(Message),
    ContentBlockStart {
        content_block: Block,
    },
    ContentBlockDelta {
        delta: Block,
    },
    MessageDelta {
        delta: Ending,
        usage: Option<Counted>,
    },
    MessageStop,
    Error {
        error: Value,
    },
    /// `ping`, `content_block_stop`, and whatever may be added: the protocol asks to skip what is unknown.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Vec<Block>,
    #[serde(flatten)]
    ending: Ending,
    usage: Option<Counted>,
}

/// A block of content, or the next piece of one.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        text: String,
    },
    TextDelta {
        text: String,
    },
    /// Thinking is a sign of life and no part of the answer; tools were not offered.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Ending {
    stop_reason: Option<String>,
    /// Why the model declined; absent from many answers.
    stop_details: Option<Value>,
}

#[derive(Deserialize)]
struct Counted {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

impl Dialect for Messages {
    fn read(&mut self, json: &[u8], answer: &mut Answer) -> Result<bool, Error> {
        match parse(json)? {
            Event::MessageStart { message } | Event::Message(message) => {
                let mut spoke = false;
                for block in message.content {
                    spoke |= say(block, answer)?;
                }
                count(message.usage, answer);
                finish(message.ending, answer);
                Ok(spoke)
            }
            Event::ContentBlockStart { content_block: block } | Event::ContentBlockDelta { delta: block } => {
                let thinks = matches!(block, Block::Other);
                Ok(say(block, answer)? || thinks)
            }
            Event::MessageDelta { delta, usage } => {
                count(usage, answer);
                finish(delta, answer);
                Ok(false)
            }
            Event::MessageStop => {
                answer.stop();
                Ok(false)
            }
            Event::Error { error } => Err(reported(&error)),
            Event::Other => Ok(false),
        }
    }
}

fn say(block: Block, answer: &mut Answer) -> Result<bool, Error> {
    match block {
        Block::Text { text } | Block::TextDelta { text } => answer.text(text),
        Block::Other => Ok(false),
    }
}

/// Counts grow: the last ones are those of the whole answer. Input comes once, at the beginning, from some servers.
fn count(usage: Option<Counted>, answer: &mut Answer) {
    let Some(usage) = usage else { return };
    let before = answer.counted().unwrap_or(Usage { input: 0, output: 0 });
    let cached = usage.cache_creation_input_tokens.unwrap_or(0) + usage.cache_read_input_tokens.unwrap_or(0);
    let input = usage.input_tokens.map_or(before.input, |input| input + cached);
    answer.count(Usage { input, output: usage.output_tokens.unwrap_or(before.output) });
}

fn finish(ending: Ending, answer: &mut Answer) {
    let Some(reason) = ending.stop_reason else { return };
    let explanation = || {
        let details = ending.stop_details.as_ref()?;
        details.get("explanation").and_then(Value::as_str)
    };
    answer.finish(match reason.as_str() {
        "end_turn" | "stop_sequence" => StopReason::End,
        "max_tokens" => StopReason::Length,
        "model_context_window_exceeded" => StopReason::ContextFull,
        "refusal" => StopReason::Refused(shorten(explanation().unwrap_or_default())),
        "tool_use" => StopReason::ToolCall,
        other => StopReason::Other(shorten(other)),
    });
}

/// An error inside a stream has a type in place of a status; the documentation says which belongs to which.
fn reported(error: &Value) -> Error {
    let message = error_message(error);
    let code = match error.get("type").and_then(Value::as_str).unwrap_or_default() {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "api_error" => 500,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => return Error::Reported { message },
    };
    Error::Status { code, message, retry_after: None }
}

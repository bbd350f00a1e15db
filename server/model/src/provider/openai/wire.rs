//! The bytes of an answer → deltas, without IO.

use std::collections::VecDeque;
use std::mem;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::http::{error_message, shorten};
use crate::sse;
use crate::{Delta, Error, StopReason, Usage};

/// The most text that one answer may have, and the most that one event may have, in bytes. A model that writes for us
/// writes functions and files.
const TEXT_LIMIT: usize = 1 << 20;
/// The same for an answer in one piece, whose text is escaped.
const BODY_LIMIT: usize = 4 * TEXT_LIMIT;

/// Turns the bytes of an answer into deltas. Messages of errors are the server's own words, as long as they may be.
///
/// What the body is decides how it is read, not its content type: there are servers that mislabel events, and servers that
/// answer in one piece although a stream was asked for.
#[derive(Default)]
pub(super) struct Decoder {
    shape: Shape,
    ready: VecDeque<Delta>,
    /// Bytes of text so far.
    received: usize,
    finish: Option<StopReason>,
    refusal: String,
    usage: Option<Usage>,
    over: bool,
}

#[derive(Default)]
enum Shape {
    /// No more than white space has come yet.
    #[default]
    Unknown,
    Events {
        parser: sse::Parser,
        any: bool,
    },
    Whole(Vec<u8>),
}

/// A chunk of a stream, or a whole answer.
#[derive(Deserialize)]
struct Completion {
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
    content: Option<String>,
    refusal: Option<String>,
    /// What a reasoning model thinks is not part of the answer, but a sign of life. It has two names, and some servers use
    /// both at once.
    reasoning: Option<IgnoredAny>,
    reasoning_content: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Counted {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

impl Decoder {
    pub(super) fn next_delta(&mut self) -> Option<Delta> {
        self.ready.pop_front()
    }

    /// Whether the model has said why it stopped, so that only token counts can follow.
    pub(super) fn has_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Whether the last delta is, or was, ready.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Takes the next bytes; tells whether they held a part of the answer.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Result<bool, Error> {
        if let Shape::Unknown = self.shape {
            let blank = |byte: &u8| byte.is_ascii_whitespace() || b"\xef\xbb\xbf".contains(byte);
            let Some(start) = bytes.iter().position(|byte| !blank(byte)) else {
                return Ok(false);
            };
            bytes = &bytes[start..];
            self.shape = match bytes[0] {
                b'{' | b'[' => Shape::Whole(Vec::new()),
                b'<' => {
                    return Err(malformed("it is a web page; does base-url end where the API begins, usually in /v1?"));
                }
                _ => Shape::Events { parser: sse::Parser::default(), any: false },
            };
        }
        match &mut self.shape {
            Shape::Unknown => Ok(false),
            Shape::Whole(body) if body.len() + bytes.len() > BODY_LIMIT => Err(Error::TooLarge { limit: BODY_LIMIT }),
            Shape::Whole(body) => {
                body.extend_from_slice(bytes);
                Ok(true)
            }
            Shape::Events { parser, any } => {
                let mut events = Vec::new();
                parser
                    .feed(bytes, TEXT_LIMIT, |event| events.push(event))
                    .map_err(|_| Error::TooLarge { limit: TEXT_LIMIT })?;
                *any |= !events.is_empty();
                let mut progressed = false;
                for event in events {
                    progressed |= self.event(&event)?;
                }
                Ok(progressed)
            }
        }
    }

    /// Takes the end of the body.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        match mem::take(&mut self.shape) {
            Shape::Whole(body) => {
                self.completion(&body)?;
                if self.finish.is_none() && self.received == 0 {
                    return Err(malformed("it is JSON without an answer"));
                }
                self.stop();
            }
            _ if self.over || self.finish.is_some() => self.stop(),
            Shape::Events { any: false, .. } => {
                return Err(malformed("it holds neither events nor JSON; is base-url an OpenAI-compatible API?"));
            }
            _ => {
                return Err(Error::Interrupted {
                    cause: "the connection was closed before the model had finished".into(),
                });
            }
        }
        Ok(())
    }

    fn event(&mut self, data: &str) -> Result<bool, Error> {
        if self.over {
            Ok(false)
        } else if data.trim() == "[DONE]" {
            // An answer without a reason to stop, but with this mark, is one that its server holds for complete.
            self.stop();
            Ok(false)
        } else {
            self.completion(data.as_bytes())
        }
    }

    fn completion(&mut self, json: &[u8]) -> Result<bool, Error> {
        let completion: Completion =
            serde_json::from_slice(json).map_err(|error| malformed(&format!("unexpected JSON, {error}")))?;
        if let Some(error) = completion.error {
            return Err(reported(&error));
        }
        if let Some(Counted { prompt_tokens: Some(input), completion_tokens: Some(output) }) = completion.usage {
            self.usage = Some(Usage { input, output });
        }
        let Some(choice) = completion.choices.unwrap_or_default().into_iter().next() else {
            return Ok(false);
        };
        let message = choice.delta.or(choice.message).unwrap_or_default();
        let text = message.content.unwrap_or_default();
        let refusal = message.refusal.unwrap_or_default();
        let thinks = message.reasoning.is_some() || message.reasoning_content.is_some();
        let progressed = thinks || !text.is_empty() || !refusal.is_empty();
        self.received += text.len() + refusal.len();
        if self.received > TEXT_LIMIT {
            return Err(Error::TooLarge { limit: TEXT_LIMIT });
        }
        self.refusal.push_str(&refusal);
        if !text.is_empty() {
            self.ready.push_back(Delta::Text(text));
        }
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
            self.finish = Some(stop_reason(&reason));
        }
        Ok(progressed)
    }

    fn stop(&mut self) {
        if mem::replace(&mut self.over, true) {
            return;
        }
        let reason = match self.finish.take() {
            Some(StopReason::End) | None if !self.refusal.is_empty() => {
                StopReason::Refused(mem::take(&mut self.refusal))
            }
            Some(reason) => reason,
            None => StopReason::End,
        };
        self.ready.push_back(Delta::Stop { reason, usage: self.usage });
    }
}

/// The names in use: OpenAI's own, then those of servers that pass on another vendor's.
fn stop_reason(name: &str) -> StopReason {
    match name {
        "stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence" => StopReason::End,
        "length" | "max_tokens" | "model_length" => StopReason::Length,
        "content_filter" => StopReason::Refused("stopped by the provider's content filter".into()),
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

fn malformed(message: &str) -> Error {
    Error::Malformed { message: message.to_owned() }
}

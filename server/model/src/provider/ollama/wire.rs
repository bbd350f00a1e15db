//! What a line of an Ollama chat says.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::http::shorten;
use crate::provider::stream::{Answer, Dialect, parse};
use crate::{Error, StopReason, Usage};

/// `/api/chat`, a JSON value a line.
#[derive(Default)]
pub(crate) struct Lines;

#[derive(Deserialize)]
struct Line {
    message: Option<Message>,
    #[serde(default)]
    done: bool,
    done_reason: Option<String>,
    /// Absent where the prompt was still in the server's cache.
    prompt_eval_count: Option<u64>,
    eval_count: Option<u64>,
    error: Option<String>,
}

#[derive(Deserialize, Default)]
struct Message {
    #[serde(default)]
    content: String,
    /// No part of the answer, but a sign of life.
    thinking: Option<IgnoredAny>,
}

impl Dialect for Lines {
    const LINES: bool = true;

    fn read(&mut self, json: &[u8], answer: &mut Answer) -> Result<bool, Error> {
        let line: Line = parse(json)?;
        if let Some(message) = line.error {
            return Err(Error::Reported { message });
        }
        let message = line.message.unwrap_or_default();
        let thinks = message.thinking.is_some();
        let spoke = answer.text(message.content)?;
        if let Line { prompt_eval_count: Some(input), eval_count: Some(output), .. } = line {
            answer.count(Usage { input, output });
        }
        if line.done {
            answer.finish(match line.done_reason.as_deref() {
                None | Some("stop" | "") => StopReason::End,
                Some("length") => StopReason::Length,
                Some(other) => StopReason::Other(shorten(other)),
            });
            answer.stop();
        }
        Ok(spoke || thinks)
    }
}

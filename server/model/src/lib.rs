//! This crate turns a prompt into the answer of a language model: one trait, [`LanguageModel`], and the providers behind it.
//!
//! A [`Request`] can only be made through redaction, so what looks like a secret never leaves the machine. An answer arrives
//! as a stream of [`Delta`]s that ends with exactly one [`Delta::Stop`] or with an [`Error`]; dropping the stream, or the
//! future that reads it, closes the connection. Models are described by the user's own settings ([`config`]).
//!
//! Deliberately absent: what to ask (prompts are the caller's), what Python is (code is only cut out of an answer, never
//! parsed), and anything that is remembered between requests.

mod answer;
pub mod config;
mod deny;
mod error;
mod http;
mod provider;
mod redact;
mod request;
mod retry;
mod sse;
#[cfg(test)]
mod testing;

use futures::TryStreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

pub use crate::answer::{Code, NoCode, python_code};
pub use crate::deny::is_denied;
pub use crate::error::{Error, Stage};
pub use crate::http::Timeouts;
pub use crate::provider::ollama::Pulled;
pub use crate::provider::recorded::{Recorded, RecordedReply};
pub use crate::redact::Redactions;
pub use crate::request::{Prompt, Request};
pub use crate::retry::{Backoff, Retry};

/// The pieces of one answer, in order. After a [`Delta::Stop`] or an error nothing follows.
pub type Deltas = BoxStream<'static, Result<Delta, Error>>;

/// Something that answers a prompt: a server, or a file of recorded replies.
pub trait LanguageModel: Send + Sync {
    /// What to call the model in front of a person, e.g. `local`.
    fn name(&self) -> &str;

    /// Asks for an answer. The future resolves when the model has accepted the request; dropping it, or the stream that it
    /// yields, abandons the request and closes its connection.
    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Deltas, Error>>;
}

/// One piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delta {
    /// The next piece of text, never empty.
    Text(String),
    /// The answer is over.
    Stop { reason: StopReason, usage: Option<Usage> },
}

/// Why an answer is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// The model had said everything.
    End,
    /// The limit on output tokens was reached: the text is cut off.
    Length,
    /// Prompt and text together fill what the model can hold: the text is cut off.
    ContextFull,
    /// The model declined; its explanation, which can be empty.
    Refused(String),
    /// The provider's filter cut the text off, whatever the model wanted to say.
    Filtered,
    /// The model wants to call a tool, although it was given none.
    ToolCall,
    /// A reason that this crate does not know, as the server put it. The text may be cut off.
    Other(String),
}

/// The tokens that the provider counted. Never estimated: a provider that does not count yields no `Usage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub input: u64,
    pub output: u64,
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub text: String,
    pub reason: StopReason,
    pub usage: Option<Usage>,
}

/// Asks `model` and reads its answer to the end. `progress` is called with the whole text so far, each time it has grown.
///
/// Dropping the future cancels the request.
pub async fn collect(
    model: &dyn LanguageModel,
    request: Request,
    mut progress: impl FnMut(&str),
) -> Result<Reply, Error> {
    let mut deltas = model.generate(request).await?;
    let mut text = String::new();
    while let Some(delta) = deltas.try_next().await? {
        match delta {
            Delta::Text(piece) => {
                text.push_str(&piece);
                progress(&text);
            }
            Delta::Stop { reason, usage } => {
                return Ok(Reply { text, reason, usage });
            }
        }
    }
    Err(Error::Interrupted { cause: "the answer has no end".into() })
}

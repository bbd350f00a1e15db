//! This crate turns a prompt into the answer of a language model: one trait, [`LanguageModel`], and the providers behind it.
//!
//! A [`Request`] can only be made through redaction, so what looks like a secret never leaves the machine. An answer arrives
//! as a stream of [`Delta`]s that ends with exactly one [`Delta::Stop`] or with an [`Error`]; dropping the stream, or the
//! future that reads it, closes the connection. Models are described by the user's own settings ([`config`]).
//!
//! [`connect`] puts layers around the providers: failures, costs and repeated questions are their business, and what has
//! to be remembered for that is in a [`store::Journal`] and in [`State`].
//!
//! Deliberately absent: what to ask (prompts are the caller's), and what Python is (code is only cut out of an answer, never
//! parsed).

mod answer;
pub mod config;
mod deny;
mod embeddings;
mod error;
mod http;
mod instruction;
mod keyring;
mod layer;
mod provider;
mod redact;
mod request;
mod retry;
mod sse;
mod stack;
mod structured;
#[cfg(test)]
mod testing;

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

pub use crate::answer::{Code, NoCode, json_code, python_code};
pub use crate::deny::{Denied, is_denied};
pub use crate::embeddings::{BATCH, Embeddings};
pub use crate::error::{Error, Stage};
pub use crate::http::Timeouts;
pub use crate::instruction::{BadInstruction, check_instruction};
pub use crate::keyring::Keyring;
pub use crate::layer::State;
pub use crate::layer::account::{Price, dollars};
pub use crate::layer::breaker::{Health, ServerState};
pub use crate::provider::ollama::Pulled;
pub use crate::provider::recorded::{Recorded, RecordedReply};
pub use crate::redact::Redactions;
pub use crate::request::{Prompt, Request};
pub use crate::retry::{Backoff, Retry};
pub use crate::stack::{connect, needs_consent};
pub use crate::structured::{Items, NoItems, json_items};

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

impl<M: LanguageModel + ?Sized> LanguageModel for Arc<M> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Deltas, Error>> {
        (**self).generate(request)
    }
}

/// One piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delta {
    /// An answer begins, or begins anew: text before it is void. Providers do without; whoever asks several models says
    /// whose answer it is.
    Begin {
        model: Arc<str>,
        /// How old the answer is, if it was given to the same question before.
        cached: Option<Duration>,
    },
    /// Something that the person who waits should know, and no part of the answer.
    Note(String),
    /// The next piece of text, never empty.
    Text(String),
    /// What the answer costs, in millionths of a US dollar; absent where that is not known.
    Cost(u64),
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
    /// In millionths of a US dollar, where that is known.
    pub cost: Option<u64>,
}

/// What happens while an answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// See [`Delta::Begin`].
    Begin { model: &'a str, cached: Option<Duration> },
    /// See [`Delta::Note`].
    Note(&'a str),
    /// The whole text so far, which has grown.
    Text(&'a str),
}

/// Asks `model` and reads its answer to the end.
///
/// Dropping the future cancels the request.
pub async fn collect(
    model: &dyn LanguageModel,
    request: Request,
    mut progress: impl FnMut(Progress<'_>),
) -> Result<Reply, Error> {
    let mut deltas = model.generate(request).await?;
    let mut text = String::new();
    let mut cost = None;
    while let Some(delta) = deltas.try_next().await? {
        match delta {
            Delta::Begin { model, cached } => {
                text.clear();
                progress(Progress::Begin { model: &model, cached });
            }
            Delta::Note(note) => progress(Progress::Note(&note)),
            Delta::Text(piece) => {
                text.push_str(&piece);
                progress(Progress::Text(&text));
            }
            Delta::Cost(micros) => cost = Some(micros),
            Delta::Stop { reason, usage } => {
                return Ok(Reply { text, reason, usage, cost });
            }
        }
    }
    Err(Error::Interrupted { cause: "the answer has no end".into() })
}

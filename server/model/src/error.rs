//! What can go wrong between a prompt and its answer.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Why there is no answer. No variant ever holds a key or a part of the prompt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No connection: refused, unknown host, or failed TLS.
    #[error("cannot connect to {server} ({cause}): is it running, and is base-url right?")]
    Connect { server: String, cause: String },

    /// A limit of [`crate::Timeouts`] was reached.
    #[error("gave up after {limit:?} {stage}; the limit is in the model's `timeouts`")]
    Timeout { stage: Stage, limit: Duration },

    /// The server answered with an HTTP error, or reported one inside its answer.
    #[error("the server answered {code}: {message}{}", remedy(*.code))]
    Status {
        code: u16,
        /// The server's explanation in one line, shortened.
        message: String,
        /// How long the server asks to be left alone.
        retry_after: Option<Duration>,
    },

    /// The server reported an error inside its answer, without a status.
    #[error("the server gave up: {message}")]
    Reported { message: String },

    /// The answer is not what the protocol says.
    #[error("cannot understand the server's answer: {message}")]
    Malformed { message: String },

    /// The answer is larger than anything a model writes for us.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge { limit: usize },

    /// The answer was cut off before its end.
    #[error("the answer was cut off: {cause}")]
    Interrupted { cause: String },

    /// The server points elsewhere. Not followed: a prompt goes only to the server that the user named.
    #[error("the server redirects to {to}, which was not followed; if that is right, set base-url to it")]
    Redirected { to: String },

    /// The server failed several times in a row and is left alone for a while.
    #[error("{server} is not asked for another {} s, because it failed repeatedly: {error}", retry_in.as_secs().max(1))]
    Unavailable {
        server: String,
        /// The last failure.
        error: String,
        retry_in: Duration,
    },

    /// The user's own limit on requests.
    #[error("more than {per_minute} requests in a minute; the next one can be sent in {} s", retry_in.as_secs().max(1))]
    TooManyRequests { per_minute: usize, retry_in: Duration },

    /// A cap in the user's settings.
    #[error("{model} is not asked: {what} is the most that [limits] in config.toml allows")]
    OverBudget {
        model: String,
        /// Ends in what has a cap and the cap.
        what: String,
    },

    /// What was spent so far cannot be read, so no cap can be held.
    #[error("the journal of costs cannot be read: {message}")]
    Journal { message: String },

    /// Ollama does not have the model on disk.
    #[error("the server has not pulled the model {model}; run `ollama pull {model}`")]
    NotPulled { model: String },

    /// No recorded reply is left that matches the prompt.
    #[error("{} has no recorded reply left for this prompt ({left} left for others)", file.display())]
    NotRecorded { file: PathBuf, left: usize },

    /// The user's settings are wrong. `key` is dotted, e.g. `models.local.base-url`.
    #[error("{}{key}: {message}", place(.file, .line))]
    Settings {
        file: Option<PathBuf>,
        /// Counted from 1.
        line: Option<usize>,
        key: String,
        /// What is wrong and what to do about it.
        message: String,
    },
}

/// What was being waited for when the time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Connect,
    FirstToken,
    Stalled,
    Total,
}

impl Error {
    /// One word for a list.
    pub fn kind(&self) -> &'static str {
        match self {
            Error::Connect { .. } => "connect",
            Error::Timeout { .. } => "timeout",
            Error::Status { .. } => "status",
            Error::Reported { .. } => "reported",
            Error::Malformed { .. } => "malformed",
            Error::TooLarge { .. } => "too-large",
            Error::Interrupted { .. } => "interrupted",
            Error::Redirected { .. } => "redirected",
            Error::Unavailable { .. } => "unavailable",
            Error::TooManyRequests { .. } => "too-many-requests",
            Error::OverBudget { .. } => "over-budget",
            Error::Journal { .. } => "journal",
            Error::NotPulled { .. } => "not-pulled",
            Error::NotRecorded { .. } => "not-recorded",
            Error::Settings { .. } => "settings",
        }
    }

    /// Whether the same request may well succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Connect { .. } => true,
            Error::Timeout { stage, .. } => *stage == Stage::Connect,
            Error::Status { code, .. } => matches!(code, 408 | 429 | 500..=599),
            _ => false,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Connect => "of connecting",
            Stage::FirstToken => "of waiting for the first token",
            Stage::Stalled => "of silence within the answer",
            Stage::Total => "of waiting for the whole answer",
        })
    }
}

fn remedy(code: u16) -> &'static str {
    match code {
        401 | 403 => " (is the key, from the keyring or the variable that api-key-env names, valid for this server?)",
        402 => " (the account has no credit left)",
        404 => " (are base-url and model right?)",
        429 => " (too many requests, or the quota is used up)",
        529 => " (it is overloaded; try again later)",
        _ => "",
    }
}

fn place(file: &Option<PathBuf>, line: &Option<usize>) -> String {
    match (file, line) {
        (Some(file), Some(line)) => format!("{}:{line}: ", file.display()),
        (Some(file), None) => format!("{}: ", file.display()),
        (None, _) => String::new(),
    }
}

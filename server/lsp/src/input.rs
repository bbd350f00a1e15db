//! Asking the user for a line of text, which standard LSP has no way to do.
//!
//! An editor that can says so in its capabilities: `{ "experimental": { "tantu": { "input": true } } }`. It is sent the request
//! `tantu/input` with `{ "prompt": "…" }`, and answers `{ "text": "…" }`, or without a text when the user has none.

use serde::{Deserialize, Serialize};
use tower_lsp_server::Client;
use tower_lsp_server::ls_types::request::Request;

enum Input {}

impl Request for Input {
    type Params = Question;
    type Result = Answer;
    const METHOD: &'static str = "tantu/input";
}

#[derive(Serialize, Deserialize)]
struct Question {
    prompt: String,
}

#[derive(Default, Serialize, Deserialize)]
struct Answer {
    #[serde(default)]
    text: Option<String>,
}

/// What the user answers to `prompt`; `None` if that is nothing.
pub(crate) async fn ask(client: &Client, prompt: String) -> Option<String> {
    ask_any(client, prompt).await.filter(|text| !text.is_empty())
}

/// The same where an empty text is an answer; `None` if the user has turned away.
pub(crate) async fn ask_any(client: &Client, prompt: String) -> Option<String> {
    let answer = client.send_request::<Input>(Question { prompt }).await.unwrap_or_default();
    answer.text.map(|text| text.trim().to_owned())
}

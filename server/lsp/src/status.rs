//! Telling the editor which models' servers fail, for a line of status.
//!
//! An editor that shows it says so in its capabilities: `{ "experimental": { "tantu": { "status": true } } }`. Whenever a
//! server begins to fail, is left alone, or works again, it is sent the notification `tantu/status` with all that fail at
//! present: `{ "servers": [{ "server": "https://…", "failures": 3, "state": "failing|resting|probing", "error": "…",
//! "retryIn": 60 }] }`. `retryIn` is there while a server is left alone, in seconds; nobody says when they have passed.

use model::{Health, ServerState};
use serde::{Deserialize, Serialize};
use tower_lsp_server::Client;
use tower_lsp_server::ls_types::notification::Notification;

use crate::effects::models;
use crate::lifetime::Lifetime;

enum Status {}

impl Notification for Status {
    type Params = Servers;
    const METHOD: &'static str = "tantu/status";
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Servers {
    servers: Vec<Server>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Server {
    server: String,
    failures: u32,
    state: String,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_in: Option<u64>,
}

impl From<ServerState> for Server {
    fn from(known: ServerState) -> Self {
        let ServerState { server, failures, error, health } = known;
        let (state, retry_in) = match health {
            Health::Failing => ("failing", None),
            Health::Resting { retry_in } => ("resting", Some(retry_in.as_secs().max(1))),
            Health::Probing => ("probing", None),
        };
        Server { server, failures, state: state.to_owned(), error, retry_in }
    }
}

/// Tells of every change until the session is over.
pub(crate) async fn run(client: Client, lifetime: Lifetime) {
    let mut changes = models().changes();
    let told = async {
        while changes.changed().await.is_ok() {
            let servers = models().failing().into_iter().map(Server::from).collect();
            client.send_notification::<Status>(Servers { servers }).await;
        }
    };
    tokio::select! {
        () = told => {}
        () = lifetime.ended() => {}
    }
}

//! Telling the editor what the server knows and has at hand, for a line of status.
//!
//! An editor that shows it says so in its capabilities: `{ "experimental": { "tantu": { "status": true } } }`. When something
//! has changed, but not more than once a second, it is sent the notification `tantu/status`:
//!
//! - `revision` grows with every change of the graph; `files` are in it; `indexing` and `settling` say that the first index is
//!   not complete, and that values are being followed.
//! - `busy` are the titles of what is under way, as its progress has them.
//! - `models` are the names of those that are asked, in this order.
//! - `servers` are those of models that fail: `{ "server": "https://…", "failures": 3, "state": "failing|resting|probing",
//!   "error": "…", "retryIn": 60 }`. `retryIn` is there while a server is left alone, in seconds; nobody says when they have
//!   passed.
//! - `sandbox` is `unknown` at first, then `prepared`, `unprepared` (the first run prepares it) or `unavailable`.
//! - `text` says all this to people, in a few lines.

use std::path::Path;
use std::time::Duration;

use model::{Health, ServerState};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tower_lsp_server::Client;
use tower_lsp_server::ls_types::notification::Notification;

use crate::lifetime::Lifetime;
use crate::progress::Running;
use crate::snapshot::Channel;
use crate::snapshot::{Latest, Snapshot};
use crate::{SandboxState, Services};
use assistant::client::models;

/// Nobody reads faster.
const PAUSE: Duration = Duration::from_secs(1);

enum StatusNotification {}

impl Notification for StatusNotification {
    type Params = Status;
    const METHOD: &'static str = "tantu/status";
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Status {
    revision: u64,
    files: usize,
    indexing: bool,
    settling: bool,
    busy: Vec<String>,
    models: Vec<String>,
    servers: Vec<Server>,
    sandbox: Sandbox,
    text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Server {
    server: String,
    failures: u32,
    state: String,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_in: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Sandbox {
    Unknown,
    Prepared,
    Unprepared,
    Unavailable,
}

impl From<ServerState> for Server {
    fn from(known: ServerState) -> Self {
        let ServerState { server, failures, error, health } = known;
        let (state, retry_in) = match health {
            Health::Failing => ("failing", None),
            Health::CircuitOpen { retry_in } => ("resting", Some(retry_in.as_secs().max(1))),
            Health::Probing => ("probing", None),
        };
        Server { server, failures, state: state.to_owned(), error, retry_in }
    }
}

impl Status {
    fn new(
        snapshot: &Snapshot,
        busy: Vec<String>,
        models: Vec<String>,
        servers: Vec<Server>,
        sandbox: Option<&SandboxState>,
    ) -> Self {
        let analysis = &snapshot.analysis;
        let (revision, files) = (analysis.revision(), analysis.files().count());
        let (sandbox, of_sandbox) = match sandbox {
            None => (Sandbox::Unknown, None),
            Some(SandboxState::Prepared) => (Sandbox::Prepared, Some("sandbox prepared".to_owned())),
            Some(SandboxState::Unprepared) => {
                (Sandbox::Unprepared, Some("the first run prepares the sandbox, which takes a moment".to_owned()))
            }
            Some(SandboxState::Unavailable(reason)) => (Sandbox::Unavailable, Some(format!("no sandbox: {reason}"))),
        };
        let mut lines: Vec<String> = busy.iter().map(|title| format!("{title}…")).collect();
        lines.push(format!(
            "{files} {}{}, revision {revision}",
            if files == 1 { "file" } else { "files" },
            if snapshot.indexing { " so far" } else { "" },
        ));
        lines.push(if models.is_empty() { "no model".to_owned() } else { format!("models: {}", models.join(", ")) });
        lines.extend(servers.iter().map(|it| {
            let next = it.retry_in.map_or(String::new(), |seconds| format!("; not asked for {seconds} s"));
            format!("{} fails: {}{next}", it.server, it.error)
        }));
        lines.extend(of_sandbox);
        let (indexing, settling) = (snapshot.indexing, analysis.is_flow_outdated());
        Status { revision, files, indexing, settling, busy, models, servers, sandbox, text: lines.join("\n") }
    }
}

/// Tells of every change until the session is over.
pub(crate) async fn run(
    client: Client,
    services: Services,
    mailbox: Channel,
    mut latest: Latest,
    mut jobs: watch::Receiver<Running>,
    lifetime: Lifetime,
) {
    let telling = async {
        // The writer has begun with the index before it answers.
        let _ = mailbox.snapshot().await;
        drop(mailbox);
        let mut servers = models().changes();
        let mut sandbox = None;
        // The run after which the sandbox was looked at.
        let mut looked_after = None;
        let mut told = None;
        loop {
            let snapshot = latest.see();
            servers.mark_unchanged();
            let busy = jobs.borrow_and_update().values().map(|(title, _)| title.clone()).collect();
            // Looking takes a moment, which the index needs itself. Only runs prepare a sandbox.
            let after = Some(snapshot.results.last_ended());
            let may_differ = matches!(sandbox, None | Some(SandboxState::Unprepared)) && looked_after != after;
            if may_differ && !snapshot.indexing {
                looked_after = after;
                // A panic has been reported on standard error.
                sandbox = tokio::task::spawn_blocking(services.sandbox).await.ok();
            }
            let names = proposing(services.settings.as_deref());
            let failing = models().failing().into_iter().map(Server::from).collect();
            let status = Status::new(&snapshot, busy, names, failing, sandbox.as_ref());
            drop(snapshot);
            if told.as_ref() != Some(&status) {
                client.send_notification::<StatusNotification>(status.clone()).await;
                told = Some(status);
            }
            tokio::time::sleep(PAUSE).await;
            tokio::select! {
                changed = latest.changed() => if changed.is_err() { break },
                changed = jobs.changed() => if changed.is_err() { break },
                changed = servers.changed() => if changed.is_err() { break },
            }
        }
    };
    tokio::select! {
        () = telling => {}
        () = lifetime.ended() => {}
    }
}

/// The models that are asked, in this order. The user's settings may change while a session lasts.
fn proposing(settings: Option<&Path>) -> Vec<String> {
    let settings = settings.and_then(|path| model::config::load(path).ok());
    settings.map(|it| it.propose.models).unwrap_or_default()
}

//! This crate is the language server: it speaks the Language Server Protocol, owns the documents and the graph's
//! writer, and answers requests from immutable snapshots.
//!
//! It is the only crate that knows the protocol's types; `from_proto` and `to_proto` are the only conversions.
//! Deliberately absent: features (those are in `ide`, and return plain data) and everything that is slow inside a
//! request: models and the sandbox work in the background and report by progress.

mod announce;
mod arrival;
mod capabilities;
mod capability_patch;
mod commands;
mod comparison;
mod configured;
mod consent;
mod consult;
mod framing;
mod from_proto;
mod handlers;
mod input;
mod lifetime;
mod preview;
mod progress;
mod proposals;
mod query;
mod questions;
mod resume;
mod running;
mod session;
mod setup;
mod snapshot;
mod snippets;
mod status;
#[cfg(test)]
mod tests;
mod to_proto;
mod trace;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use runs::confined::Both;
use sandbox::Runner;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_lsp_server::{LspService, Server};
use validate::TypeChecker;

use crate::arrival::InOrder;
use crate::capability_patch::CapabilityPatch;
use crate::configured::Configured;
use crate::framing::{Refusing, WellFormed};
use crate::lifetime::{Lifetime, UntilClosed};
use crate::running::Permission;
use crate::session::Session;
use crate::snapshot::{Channel, Latest, Peer};
use crate::trace::Traced;
use assistant::contexts::Contexts;
use workspace::mailbox::{Mailbox, WeakMailbox};
use workspace::writer::Writer;

/// How many messages are handled at once. The transport queues what is beyond it, cancellations included, so this is
/// far above what an editor has open at any time.
const CONCURRENCY: usize = 256;

/// How long answers that are still being computed may take after the editor is gone.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(200);

/// What the server works with, besides the editor.
#[derive(Clone)]
pub struct Services {
    pub runner: Arc<dyn Runner>,
    /// Runs in the project's own interpreter, confined by the kernel; absent on systems where nothing does that.
    pub confined: Option<Arc<dyn Runner>>,
    pub types: Arc<dyn TypeChecker>,
    /// The file with the user's settings, which need not exist.
    pub settings: Option<PathBuf>,
    /// The folder for databases, which need not exist; without one nothing is kept.
    pub cache: Option<PathBuf>,
    /// Looks whether the sandbox is prepared; may take a second.
    pub sandbox: fn() -> SandboxState,
    /// Lets agents ask about the workspace folders that the editor has opened, as long as what it gives is kept.
    pub agents: Option<Agents>,
}

/// See [`Services::agents`].
pub type Agents = Arc<dyn Fn(WeakMailbox, &[PathBuf]) -> Box<dyn Send + Sync> + Send + Sync>;

/// Whether something can be run at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SandboxState {
    Prepared,
    /// The first run prepares it.
    Unprepared,
    /// The reason, for people.
    Unavailable(String),
}

impl Services {
    fn permission(&self) -> Permission {
        Permission { settings: self.settings.clone(), cache: self.cache.clone() }
    }

    /// What checks proposals. What a model wrote runs confined only where the user's own settings say so.
    fn runner_of_proposals(&self) -> Arc<dyn Runner> {
        let Some(confined) = &self.confined else { return self.runner.clone() };
        let settings = self.settings.clone();
        let is_allowed = move || {
            let settings = settings.as_deref().and_then(|path| model::config::load(path).ok());
            settings.is_some_and(|it| it.sandbox.confines(model::config::Confined::Proposals))
        };
        Arc::new(Both::new(self.runner.clone(), confined.clone(), is_allowed))
    }
}

/// Serves one editor on standard input and output until it leaves. Returns whether it left in an orderly way, that is
/// by `shutdown` before `exit`.
///
/// # Errors
/// When the threads that the server needs cannot be started.
pub fn serve_stdio(services: Services) -> anyhow::Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(32)
        .enable_all()
        .build()
        .context("cannot start the server's threads")?;
    let orderly = runtime.block_on(serve(tokio::io::stdin(), tokio::io::stdout(), services));
    // A read from standard input cannot be interrupted; waiting for it would keep the process after `exit`.
    runtime.shutdown_background();
    orderly
}

/// Serves one editor on the given streams; see [`serve_stdio`].
///
/// # Errors
/// As [`serve_stdio`].
pub async fn serve(input: impl AsyncRead + Unpin, output: impl AsyncWrite, services: Services) -> anyhow::Result<bool> {
    let lifetime = Lifetime::default();
    let (mailbox, events) = Mailbox::new();
    let contexts = Arc::new(Contexts::configured(services.settings.as_deref()));
    let latest = Writer::start(
        mailbox.downgrade(),
        events,
        services.cache.clone(),
        Arc::new(assistant::contexts::observe(&contexts)?),
    )
    .context("cannot start the server's threads")?;
    let peer = Arc::new(Peer::new(Configured::by(services.settings.clone())));
    let (mailbox, latest) = (Channel::new(mailbox, peer.clone()), Latest::new(latest, peer));
    let session = |client| Session::new(client, mailbox, latest, services, contexts, lifetime.clone());
    let (service, socket) =
        LspService::build(session).custom_method("window/workDoneProgress/cancel", Session::cancel_progress).finish();
    let input = WellFormed::new(UntilClosed::new(input, lifetime.clone()));
    let transport = Server::new(input, output, socket).concurrency_level(CONCURRENCY);
    tokio::select! {
        () = transport.serve(InOrder(Traced(Refusing(CapabilityPatch::new(service))))) => {}
        () = async { lifetime.ended().await; tokio::time::sleep(SHUTDOWN_GRACE).await } => {}
    }
    Ok(lifetime.was_shut_down())
}

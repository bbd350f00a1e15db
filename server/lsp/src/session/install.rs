//! `tantu.install`: runs the project's own tool, after a person has seen the command and said yes.

use tokio::sync::mpsc;
use tower_lsp_server::Client;
use tower_lsp_server::jsonrpc::Result;
use tower_lsp_server::ls_types::{LSPAny, MessageType};

use super::Session;
use crate::commands::Install;
use crate::handlers::install::{self, Installation};
use crate::progress::{Jobs, Kind};
use crate::query;
use crate::questions::Questions;
use crate::snapshot::Channel;

const INSTALL: &str = "Install";
const LEAVE: &str = "Leave";

struct Task {
    installation: Installation,
    distribution: String,
    client: Client,
    questions: Questions,
    mailbox: Channel,
    jobs: Jobs,
}

impl Session {
    pub(super) async fn install(&self, params: Install) -> Result<Option<LSPAny>> {
        let wanted = params.clone();
        let installation = self.read(move |query| install::installation(query, &wanted)).await?;
        let task = Task {
            installation,
            distribution: params.distribution,
            client: self.client.clone(),
            questions: self.questions.clone(),
            mailbox: self.mailbox.clone(),
            jobs: self.jobs.clone(),
        };
        tokio::spawn(task.work());
        Ok(None)
    }
}

impl Task {
    async fn work(self) {
        let Installation { folder, installer } = &self.installation;
        let (command, distribution) = (installer.command(), self.distribution.clone());
        // An index gives names to whoever asks first, and one that is nearly right may be somebody's trap.
        let text = format!(
            "Run `{command}` in {}? It downloads `{distribution}` and may run code of it. Nobody has checked that this is the \
             package which the import means.",
            folder.display()
        );
        let answer = self.questions.ask(MessageType::WARNING, text, [INSTALL, LEAVE]).await;
        if answer.as_deref() != Some(INSTALL) {
            return;
        }
        let editor = self.mailbox.peer.editor();
        let job = self.jobs.start(&format!("Installing {distribution}"), editor.progress, Kind::Cancellable);
        let (sender, mut lines) = mpsc::unbounded_channel();
        let client = self.client.clone();
        let logged = tokio::spawn(async move {
            while let Some(line) = lines.recv().await {
                client.log_message(MessageType::LOG, line).await;
            }
        });
        let say = |line: &str| {
            let line = terminal::escaped(line).into_owned();
            job.say(line.clone());
            // The other end is there as long as this one.
            let _ = sender.send(line);
        };
        let done = runs::install(installer, folder, job.cancelled(), say).await;
        drop((job, sender));
        // What is said last comes after all that the program said.
        let _ = logged.await;
        if let Err(problem) = done {
            return self.client.show_message(MessageType::ERROR, format!("tantu: `{command}`: {problem}")).await;
        }
        if !installer.declares && editor.applies_edits {
            self.declare(distribution).await;
        }
        self.client.show_message(MessageType::INFO, format!("tantu: `{command}`: done")).await;
    }

    /// Writes down that the project needs it.
    async fn declare(&self, distribution: String) {
        let Ok(snapshot) = self.mailbox.snapshot().await else { return };
        let edit = query::answer(snapshot, move |query| Ok(install::declaration(query, &distribution))).await;
        if let Ok(Some(edit)) = edit {
            // The editor says itself what it could not do.
            let _ = self.client.apply_edit(edit).await;
        }
    }
}

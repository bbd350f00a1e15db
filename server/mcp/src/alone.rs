//! A workspace of one's own, for when no editor serves one: read from disk, and watched.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use workspace::mailbox::{Event, Mailbox};
use workspace::progress::Progress;
use workspace::writer::Writer;

use crate::{Services, Source, Toolbox};

/// The toolbox, and what keeps its workspace alive.
pub(crate) struct Alone {
    pub toolbox: Arc<Toolbox>,
    _mailbox: Mailbox,
}

impl Alone {
    /// Begins to read the workspace folder `root`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn start(root: PathBuf, services: Services) -> anyhow::Result<Self> {
        let (mailbox, events) = Mailbox::new();
        Writer::start(mailbox.downgrade(), events, services.cache.clone(), Arc::new(()))
            .context("cannot start the workspace's threads")?;
        mailbox.send(Event::Initialize { roots: vec![root.clone()], watch: true });
        mailbox.send(Event::Index(Box::new(Nobody)));
        let toolbox = Arc::new(Toolbox::new(root, Source::new(mailbox.downgrade()), services, false));
        Ok(Alone { toolbox, _mailbox: mailbox })
    }
}

/// Whoever asks while the index is built is told by the answer.
struct Nobody;

impl Progress for Nobody {
    fn say(&self, _: &str) {}

    fn advance(&self, _: usize, _: usize) {}
}

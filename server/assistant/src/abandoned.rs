//! Proposals that an earlier process left in the middle. Only one process at a time gets each of them.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use propose::Proposal;
use store::{Kept, Step};

use crate::client::{ago, models};
use crate::runner::owner;

/// A proposal that can go on.
pub struct Abandoned {
    pub id: i64,
    pub title: String,
    pub proposal: Proposal,
    kept: Kept,
}

/// Those of the folders `roots`, which are this process's from now on. What another version has written and this one cannot read
/// is closed. Blocks while the journal is read.
pub fn adopt(roots: &[PathBuf]) -> Vec<Abandoned> {
    let Some((journal, owner)) = models().journal().and_then(|journal| Some((journal, owner(journal)?))) else {
        return Vec::new();
    };
    let found: Result<Vec<_>, _> = roots.iter().map(|root| journal.adopt_proposals(owner, root)).collect();
    let found = found.inspect_err(|error| tracing::warn!("proposals cannot be looked up: {error}"));
    let read = |kept: Kept| match serde_json::from_str(&kept.body) {
        Ok(proposal) => Some(Abandoned { id: kept.id, title: kept.title.clone(), proposal, kept }),
        Err(_) => {
            close(&kept, "unreadable");
            None
        }
    };
    found.unwrap_or_default().into_iter().flatten().filter_map(read).collect()
}

impl Abandoned {
    /// What a person is asked.
    pub fn question(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let ago = ago(now.saturating_sub(Duration::from_secs(self.kept.at.cast_unsigned())));
        let Kept { title, state, .. } = &self.kept;
        format!("tantu was interrupted {ago}: {title} ({state}). No answer that was paid for is lost.")
    }

    /// Nobody wants it any more. Blocks while that is written.
    pub fn discard(&self) {
        close(&self.kept, "cancelled");
    }
}

fn close(kept: &Kept, state: &str) {
    let step = Step { title: &kept.title, state, is_over: true, body: &kept.body };
    let written = models().journal().map(|journal| journal.continue_proposal(kept.id, step));
    if let Some(Err(error)) = written {
        tracing::warn!("a proposal is not closed: {error}");
    }
}

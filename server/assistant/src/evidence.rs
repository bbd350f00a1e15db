//! What was checked of proposals, long after they are over.

use std::path::PathBuf;

use propose::{Proposal, Summary};
use serde::Serialize;
use store::Kept;
use validate::Evidence;

use crate::client::models;

/// A proposal as the journal has it.
#[derive(Clone, Debug, Serialize)]
pub struct Card {
    pub id: i64,
    /// When it was last worked on, in seconds since 1970.
    pub at: i64,
    pub title: String,
    /// In kebab case, such as `applied`.
    pub state: String,
    /// Absent while it is worked on.
    pub summary: Option<Summary>,
    /// Absent as long as no answer could be checked.
    pub evidence: Option<Evidence>,
    pub markdown: String,
}

/// The proposal with this number, else the latest one in one of the folders; `None` if there is none.
pub fn card(roots: &[PathBuf], id: Option<i64>) -> Option<Card> {
    let journal = models().journal()?;
    let found = match id {
        Some(id) => journal.proposal(id),
        None => roots.iter().try_fold(None, |latest: Option<Kept>, root| {
            let newer = journal.proposals(root, 1)?.pop();
            Ok(newer.into_iter().chain(latest).max_by_key(|it| it.id))
        }),
    };
    let kept = found.inspect_err(|error| tracing::warn!("proposals cannot be looked up: {error}")).ok()??;
    Some(Card::of(kept))
}

/// The proposal with this number, if there is one that this version can read.
pub fn proposal(id: i64) -> Option<Proposal> {
    let kept = models().journal()?.proposal(id);
    let kept = kept.inspect_err(|error| tracing::warn!("proposals cannot be looked up: {error}")).ok()??;
    serde_json::from_str(&kept.body).ok()
}

/// The latest proposals in a folder, the latest first.
pub fn latest(root: &std::path::Path, limit: u32) -> Vec<Card> {
    let found = models().journal().map(|journal| journal.proposals(root, limit));
    let found = found.transpose().inspect_err(|error| tracing::warn!("proposals cannot be looked up: {error}"));
    found.ok().flatten().unwrap_or_default().into_iter().map(Card::of).collect()
}

impl Card {
    fn of(kept: Kept) -> Card {
        let Kept { id, at, title, state, body, .. } = kept;
        // What another version wrote may mean nothing to this one.
        let proposal: Option<Proposal> = serde_json::from_str(&body).ok();
        let summary = proposal.as_ref().and_then(Proposal::summary);
        let evidence = proposal.as_ref().and_then(Proposal::evidence).cloned();
        let mut markdown = match &evidence {
            Some(evidence) => evidence.markdown(),
            None => format!("# {title}\n\nNo answer could be checked.\n"),
        };
        let message = summary.as_ref().and_then(|it| it.message.as_deref());
        let message = message.map_or(String::new(), |message| format!(": {}", message.replace('\n', " ")));
        markdown.push_str(&format!("\n## Proposal {id}\n\n{state}{message}\n"));
        Card { id, at, title, state, summary, evidence, markdown }
    }
}

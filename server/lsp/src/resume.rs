//! Proposals that an earlier session left in the middle: offered again, one after the other.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use propose::Proposal;
use store::{Kept, Step};
use tokio::task::spawn_blocking;
use tower_lsp_server::ls_types as lsp;

use crate::proposals::Desk;
use crate::questions::Questions;
use crate::snapshot::Latest;
use assistant::client::{ago, models};
use assistant::runner::owner;

const RESUME: &str = "Resume";
const DISCARD: &str = "Discard";

/// Asks about each as soon as the workspace is known. One that is neither resumed nor discarded is asked about next time.
pub(crate) async fn run(questions: Questions, mut latest: Latest, desks: impl Fn(&str) -> Desk + Send + Sync) {
    let known = latest.wait_for(|state| !state.indexing && state.analysis.files().next().is_some()).await;
    let Some(roots) = known.map(|snapshot| snapshot.analysis.roots().to_vec()) else { return };
    let abandoned = spawn_blocking(move || {
        let journal = models().journal()?;
        let owner = owner(journal)?;
        let found = roots.iter().map(|root| journal.adopt_proposals(owner, root));
        let found = found.collect::<Result<Vec<_>, _>>();
        found.inspect_err(|error| tracing::warn!("proposals cannot be looked up: {error}")).ok()
    });
    for kept in abandoned.await.ok().flatten().unwrap_or_default().into_iter().flatten() {
        let Ok(proposal) = serde_json::from_str::<Proposal>(&kept.body) else {
            close(kept, "unreadable").await;
            continue;
        };
        let answer = questions.ask(lsp::MessageType::INFO, question(&kept), [RESUME, DISCARD]).await;
        match answer.as_deref() {
            Some(RESUME) => drop(tokio::spawn(desks(&kept.title).resume(kept.id, proposal))),
            Some(_) => close(kept, "cancelled").await,
            None => {}
        }
    }
}

fn question(kept: &Kept) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let ago = ago(now.saturating_sub(Duration::from_secs(kept.at.cast_unsigned())));
    format!("tantu was interrupted {ago}: {} ({}). No answer that was paid for is lost.", kept.title, kept.state)
}

async fn close(kept: Kept, state: &'static str) {
    let written = spawn_blocking(move || {
        let step = Step { title: &kept.title, state, is_over: true, body: &kept.body };
        models().journal().map(|journal| journal.continue_proposal(kept.id, step))
    });
    if let Ok(Some(Err(error))) = written.await {
        tracing::warn!("a proposal is not closed: {error}");
    }
}

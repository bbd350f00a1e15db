//! Proposals that an earlier session left in the middle: offered again, one after the other.

use assistant::abandoned::adopt;
use tokio::task::spawn_blocking;
use tower_lsp_server::ls_types as lsp;

use crate::proposals::ProposalSession;
use crate::questions::Questions;
use crate::snapshot::Latest;

const RESUME: &str = "Resume";
const DISCARD: &str = "Discard";

/// Asks about each as soon as the workspace is known. One that is neither resumed nor discarded is asked about next time.
pub(crate) async fn run(
    questions: Questions,
    mut latest: Latest,
    proposal_sessions: impl Fn(&str) -> ProposalSession + Send + Sync,
) {
    let known = latest.wait_for(|state| !state.indexing && state.analysis.files().next().is_some()).await;
    let Some(roots) = known.map(|snapshot| snapshot.analysis.roots().to_vec()) else { return };
    // A panic has been reported on standard error.
    let Ok(abandoned) = spawn_blocking(move || adopt(&roots)).await else { return };
    for it in abandoned {
        let answer = questions.ask(lsp::MessageType::INFO, it.question(), [RESUME, DISCARD]).await;
        match answer.as_deref() {
            Some(RESUME) => drop(tokio::spawn(proposal_sessions(&it.title).resume(it.id, it.proposal))),
            Some(_) => _ = spawn_blocking(move || it.discard()).await,
            None => {}
        }
    }
}

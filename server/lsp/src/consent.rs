//! Asking a person before a question to a model that may cost more than `ask-above` in the user's settings.

use std::sync::Arc;

use futures::future::BoxFuture;
use tower_lsp_server::Client;
use tower_lsp_server::ls_types as lsp;

use crate::effects::models;

/// Says whether what may cost so much, in millionths of a US dollar, is wanted.
pub type Consent = Arc<dyn Fn(u64) -> BoxFuture<'static, bool> + Send + Sync>;

const ASK: &str = "Ask";
const LEAVE: &str = "Do not ask";

/// That of whoever uses the editor. One that closes the question says no.
pub(crate) fn of_editor(client: Client) -> Consent {
    Arc::new(move |cost| {
        let client = client.clone();
        Box::pin(async move {
            let actions = [ASK, LEAVE]
                .map(|title| lsp::MessageActionItem { title: title.to_owned(), properties: Default::default() });
            let question = question(cost);
            let answer = client.show_message_request(lsp::MessageType::WARNING, question, Some(actions.into())).await;
            answer.ok().flatten().is_some_and(|action| action.title == ASK)
        })
    })
}

/// With what is spent today, where that is known.
fn question(cost: u64) -> String {
    let day = 24 * 60 * 60;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let midnight = i64::try_from(now / day * day).unwrap_or_default();
    let spent = models().journal().and_then(|journal| journal.spent(midnight).ok());
    let spent = spent.map_or(String::new(), |spent| format!(" {} are spent today.", model::dollars(spent.cost)));
    format!("tantu: this question to a model may cost {}.{spent} Ask it?", model::dollars(cost))
}

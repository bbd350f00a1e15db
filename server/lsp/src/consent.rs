//! Asking a person before a question to a model that may cost more than `ask-above` in the user's settings.

use std::sync::Arc;

use assistant::consent::{Consent, question};
use tower_lsp_server::ls_types as lsp;

use crate::questions::Questions;

const ASK: &str = "Ask";
const LEAVE: &str = "Do not ask";

/// That of whoever uses the editor. One that closes the question says no.
pub(crate) fn of_editor(questions: Questions) -> Consent {
    Arc::new(move |cost| {
        let questions = questions.clone();
        Box::pin(async move {
            let answer = questions.ask(lsp::MessageType::WARNING, question(cost), [ASK, LEAVE]).await;
            answer.is_some_and(|answer| answer == ASK)
        })
    })
}

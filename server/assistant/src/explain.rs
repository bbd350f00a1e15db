//! Explanations: what the graph knows of a definition, and a model's words for it.

use std::sync::Arc;

use assists::explain::{self, Facts};
use graph::{Analysis, SymbolId};
use model::Prompt;
use tokio::task::spawn_blocking;

use crate::client::{Answer, ModelClient, Question, Say};
use crate::contexts::Contexts;
use crate::executor::BUDGET;

/// What is said where no model is configured.
pub fn without_model(reason: &str) -> String {
    format!("\n---\n\nThis is what the graph knows. For an explanation in words: {reason}.\n")
}

/// What stands before a model's words.
pub fn introduction(model: &str) -> String {
    format!("\n---\n\n*What follows was written by {model} and is not verified.*\n\n")
}

/// Has a model put into words what `target` does. `heard` is told the whole text so far.
///
/// # Errors
/// When nobody answers; the message is for the user.
pub async fn explain(
    client: &Arc<ModelClient>,
    analysis: Analysis,
    contexts: &Arc<Contexts>,
    (target, facts): (SymbolId, Facts),
    say: Say<'_>,
    heard: impl FnMut(&str) + Send,
) -> Result<Answer, String> {
    client.check_allowed(&analysis, analysis.path(target.file))?;
    say("choosing what the model has to see".to_owned());
    let contexts = contexts.clone();
    let prepared = spawn_blocking(move || {
        let context = contexts.context(&analysis, target, BUDGET, None);
        let asked = explain::ask(&analysis, target, &context, &facts);
        (asked, analysis.callers(target).len())
    });
    let (asked, callers) = prepared.await.map_err(|error| error.to_string())?;
    let prompt = Prompt { system: asked.system, user: asked.user };
    client.consult(Question { purpose: explain::NAME, callers, passed_over: 0, prompt, form: None }, say, heard).await
}

//! Prose that is found by what it means, where the user's settings name a model for that.

use lsp::meanings::Meanings;

/// What the user's settings choose; `None` where they choose nothing, or are wrong, which is said.
pub(crate) fn meanings() -> Option<Meanings> {
    let configured = Meanings::configured(model::config::default_path().as_deref());
    configured.unwrap_or_else(|problem| {
        report(Err(problem));
        None
    })
}

/// Says on standard error what went wrong.
pub(crate) fn report(result: Result<(), String>) {
    if let Err(problem) = result {
        crate::output::warn(format!("prose is found by its words alone: {problem}"));
    }
}

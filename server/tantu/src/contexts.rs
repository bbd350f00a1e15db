//! What models are shown, chosen for one command as for an editor.

use std::sync::Arc;

use assistant::contexts::Contexts;

use crate::output::warn;
use crate::workspace::Workspace;

/// Where contexts of `workspace` come from: its prose, the files that its settings include, what the user's settings say. What
/// means the same is made known first, which asks the model that is named for that.
pub(crate) fn contexts(workspace: &mut Workspace) -> Arc<Contexts> {
    let contexts = Contexts::configured(model::config::default_path().as_deref());
    if let (Some(embeddings), Some(documents)) = (contexts.embeddings(), workspace.documents())
        && let Err(problem) = embeddings.renew(&documents, &workspace.analysis)
    {
        warn(format!("prose is found by its words alone: {problem}"));
    }
    contexts.set_prose(workspace.documents());
    contexts.set_libraries(workspace.settings().project.libraries.as_ref().map(|known| known.0.clone()));
    contexts.include(Arc::new(assistant::include::globs_of(&workspace.root)));
    Arc::new(contexts)
}

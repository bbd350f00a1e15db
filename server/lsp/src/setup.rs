//! What is agreed with the editor after `initialize`: notifications it sends only on request, and its settings.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use tower_lsp_server::Client;
use tower_lsp_server::ls_types as lsp;

use crate::capabilities::Editor;
use crate::snapshot::Channel;
use workspace::advisories::PIN_FILES;
use workspace::mailbox::Event;
use workspace::settings::{CONFIG_FILES, Layer};

/// Registers what the editor can register, then asks for its settings.
pub(crate) async fn run(client: Client, editor: Arc<Editor>, mailbox: Channel) {
    let mut registrations = Vec::new();
    if editor.watches_files {
        let globs = ["*.py", "*.pyi"].into_iter().chain(CONFIG_FILES).chain(PIN_FILES);
        let watchers: Vec<Value> = globs.map(|glob| json!({ "globPattern": format!("**/{glob}") })).collect();
        registrations.push(registration("workspace/didChangeWatchedFiles", json!({ "watchers": watchers })));
    }
    if editor.announces_configuration {
        registrations.push(registration("workspace/didChangeConfiguration", json!({ "section": "tantu" })));
    }
    if !registrations.is_empty()
        && let Err(error) = client.register_capability(registrations).await
    {
        tracing::warn!("the editor does not report changes on disk or of its settings: {error}");
    }
    configuration(client, editor, mailbox).await;
}

/// Tells the user what is wrong with the settings.
pub(crate) async fn warn(client: Client, settings: Option<PathBuf>) {
    if let Some(Err(error)) = settings.as_deref().map(model::config::load) {
        client.show_message(lsp::MessageType::ERROR, format!("tantu: {error}")).await;
    }
}

fn registration(method: &str, options: Value) -> lsp::Registration {
    lsp::Registration { id: format!("tantu:{method}"), method: method.to_owned(), register_options: Some(options) }
}

/// Asks for the editor's settings, if it answers such questions.
pub(crate) async fn configuration(client: Client, editor: Arc<Editor>, mailbox: Channel) {
    if !editor.configuration {
        return;
    }
    let item = lsp::ConfigurationItem { scope_uri: None, section: Some("tantu".to_owned()) };
    match client.configuration(vec![item]).await {
        Ok(values) => {
            let Some(settings) = values.first().filter(|it| it.is_object()) else { return };
            let (layer, problems) = Layer::of_editor(settings);
            mailbox.send(Event::EditorSettings(layer));
            problems.iter().for_each(|problem| tracing::warn!("the editor's settings: {problem}"));
        }
        Err(error) => tracing::warn!("the editor does not tell its settings: {error}"),
    }
}

//! What `package.json` of the VS Code client says about settings, compared with what the server takes.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use tests::client::Client;
use tests::workspace::Workspace;

/// Settings of the client, which the server does not know.
const OF_CLIENT: [&str; 2] = ["server.path", "trace.server"];
/// What a workspace chooses in its own file, and an editor not.
const OF_WORKSPACE: &str = "python";

/// The server's settings that VS Code offers, without their prefix.
fn offered() -> Map<String, Value> {
    let path = tests::repository().join("editors/vscode/package.json");
    let manifest: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("it is there")).expect("JSON");
    let properties = manifest["contributes"]["configuration"]["properties"].as_object().expect("an object");
    let plain =
        properties.iter().map(|(key, it)| (key.strip_prefix("tantu.").expect("a prefix").to_owned(), it.clone()));
    plain.filter(|(key, _)| !OF_CLIENT.contains(&key.as_str())).collect()
}

#[test]
fn vs_code_offers_the_settings_that_there_are() {
    let workspace = Workspace::of("#- /tantu.toml\nno-such-setting = true\n");
    let editor = Client::start(&workspace).indexed();
    let unknown = editor.diagnostic("tantu.toml", "the list of settings", |item| item["code"] == "unknown-setting");
    let message = unknown["message"].as_str().expect("text");
    let (_, list) = message.split_once("there are").unwrap_or_else(|| panic!("a list in {message}"));
    let there_are: BTreeSet<&str> = list.split('`').skip(1).step_by(2).filter(|name| *name != OF_WORKSPACE).collect();
    let offered = offered();
    assert_eq!(offered.keys().map(String::as_str).collect::<BTreeSet<_>>(), there_are);
}

#[test]
fn the_server_takes_every_value_that_vs_code_offers() {
    let offered = offered();
    let choices = |property: &Value| property["enum"].as_array().map_or(1, Vec::len);
    let rounds = offered.values().map(choices).max().expect("there are settings");
    for round in 0..rounds {
        let value = |property: &Value| match &property["enum"] {
            Value::Array(values) => values[round % values.len()].clone(),
            _ => property["default"].clone(),
        };
        // An empty path is the client's way to say that nothing was chosen; it is never sent.
        let chosen = offered.iter().map(|(key, it)| (key.clone(), value(it))).filter(|(_, value)| value != "");
        assert_eq!(complaints(Value::Object(chosen.collect())), "");
    }
    // If nobody told of wrong values, the above would prove nothing.
    assert!(complaints(json!({ "lint.ruff": "none" })).contains("lint.ruff"));
}

/// What the server says of these settings.
fn complaints(settings: Value) -> String {
    let workspace = Workspace::of("#- /a.py\nx = 1\n");
    let errors = Client::builder(&workspace).initialization_options(settings).start().finished();
    errors.lines().filter(|line| line.contains("the editor's settings")).collect()
}

//! Findings in files that nobody has opened.

use std::path::Path;

use serde_json::{Value, json};

use super::Client;
use crate::to_proto;

/// Two files, one of which calls the other with too few arguments, and one that nothing uses.
fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.py"), "def f(x): ...\n").unwrap();
    std::fs::write(folder.path().join("b.py"), "from a import f\nf()\n").unwrap();
    std::fs::write(folder.path().join("c.py"), "def lonely(): ...\n").unwrap();
    folder
}

fn uri(path: &Path) -> Value {
    json!(to_proto::uri(path).unwrap())
}

async fn start(folder: &Path, mode: &str, text: Value, workspace: Value) -> Client {
    let folders = json!([{ "uri": uri(folder), "name": "w" }]);
    let mut workspace = workspace;
    workspace["didChangeWatchedFiles"] = json!({ "dynamicRegistration": true });
    let params = json!({
        "capabilities": { "workspace": workspace, "textDocument": text, "window": { "workDoneProgress": true } },
        "workspaceFolders": folders,
        "initializationOptions": { "diagnostics": { "mode": mode } },
    });
    Client::initialize(params, None).await
}

/// Changes a file on disk, as another program does.
async fn write(client: &mut Client, path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    let changes = json!([{ "uri": uri(path), "type": 2 }]);
    client.tell("workspace/didChangeWatchedFiles", json!({ "changes": changes })).await;
}

/// Waits until something is pushed about a file; its codes.
async fn pushed(client: &mut Client, path: &Path) -> Vec<String> {
    let uri = uri(path);
    let is_it = |it: &Value| it["method"] == "textDocument/publishDiagnostics" && it["params"]["uri"] == uri;
    loop {
        if let Some(at) = client.notifications.iter().position(is_it) {
            let found = client.notifications.remove(at);
            return codes(&found["params"]["diagnostics"]);
        }
        client.receive().await;
    }
}

fn codes(diagnostics: &Value) -> Vec<String> {
    diagnostics.as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn workspace_diagnostics_are_pushed_and_taken_back() {
    let folder = workspace();
    let path = |name: &str| folder.path().join(name);
    let mut client = start(
        folder.path(),
        "workspace",
        json!({ "publishDiagnostics": { "tagSupport": { "valueSet": [1] } } }),
        json!({}),
    )
    .await;
    assert_eq!(pushed(&mut client, &path("b.py")).await, ["incompatible-call"]);
    assert_eq!(pushed(&mut client, &path("c.py")).await, ["unused"]);
    write(&mut client, &path("a.py"), "def f(): ...\n").await;
    assert_eq!(pushed(&mut client, &path("b.py")).await, [""; 0]);
    assert!(client.leave().await);
}

/// The reports of an answer, by the end of the path: what kind, and which codes.
fn reports(answer: &Value) -> Vec<(String, String, Vec<String>)> {
    let items = answer["items"].as_array().unwrap().iter();
    let mut reports: Vec<_> = items
        .map(|it| {
            let name = it["uri"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            let found = if it["items"].is_null() { Vec::new() } else { codes(&it["items"]) };
            (name, it["kind"].as_str().unwrap().to_owned(), found)
        })
        .collect();
    reports.sort();
    reports
}

#[tokio::test]
async fn only_what_changed_is_sent_to_an_editor_that_pulls() {
    let folder = workspace();
    let text = json!({ "diagnostic": {} });
    let refresh = json!({ "diagnostics": { "refreshSupport": true } });
    let mut client = start(folder.path(), "workspace", text, refresh).await;
    let mut known = json!([]);
    let full = |name: &str, codes: &[&str]| {
        (name.to_owned(), "full".to_owned(), codes.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
    };
    let expected = [full("b.py", &["incompatible-call"]), full("c.py", &["unused"])];
    loop {
        client.asked("workspace/diagnostic/refresh").await;
        let answer = client.ask("workspace/diagnostic", json!({ "previousResultIds": known })).await;
        if reports(&answer) == expected {
            let ids = answer["items"].as_array().unwrap().iter();
            known = ids.map(|it| json!({ "uri": it["uri"], "value": it["resultId"] })).collect();
            break;
        }
    }
    let answer = client.ask("workspace/diagnostic", json!({ "previousResultIds": known })).await;
    let kinds: Vec<String> = reports(&answer).into_iter().map(|(_, kind, _)| kind).collect();
    assert_eq!(kinds, ["unchanged", "unchanged"]);
    write(&mut client, &folder.path().join("a.py"), "def f(): ...\n").await;
    loop {
        client.asked("workspace/diagnostic/refresh").await;
        let answer = client.ask("workspace/diagnostic", json!({ "previousResultIds": known })).await;
        let found = reports(&answer);
        if found.contains(&full("b.py", &[])) {
            assert_eq!(found[1].1, "unchanged");
            break;
        }
    }
    assert!(client.leave().await);
}

#[tokio::test]
async fn an_editor_that_pulls_is_told_when_an_edit_concerns_another_document() {
    let folder = workspace();
    let text = json!({ "diagnostic": {} });
    let refresh = json!({ "diagnostics": { "refreshSupport": true } });
    let mut client = start(folder.path(), "openFilesOnly", text, refresh).await;
    let document = |name: &str| json!({ "uri": uri(&folder.path().join(name)) });
    for name in ["a.py", "b.py"] {
        let mut opened = document(name);
        opened["languageId"] = json!("python");
        opened["version"] = json!(0);
        opened["text"] = json!(std::fs::read_to_string(folder.path().join(name)).unwrap());
        client.tell("textDocument/didOpen", json!({ "textDocument": opened })).await;
    }
    let mut edited = document("a.py");
    for (version, text, expected) in
        [(1, "def f(): ...\n", vec![]), (2, "def f(a, b): ...\n", vec!["incompatible-call"])]
    {
        edited["version"] = json!(version);
        let changes = json!([{ "text": text }]);
        client.tell("textDocument/didChange", json!({ "textDocument": edited, "contentChanges": changes })).await;
        loop {
            client.asked("workspace/diagnostic/refresh").await;
            let report = client.ask("textDocument/diagnostic", json!({ "textDocument": document("b.py") })).await;
            if codes(&report["items"]) == expected {
                break;
            }
        }
    }
    assert!(client.leave().await);
}

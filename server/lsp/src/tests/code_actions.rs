//! Code actions that need no model, over the wire.

use super::*;

/// An editor that resolves edits, pins them to versions and shows what is not possible.
fn capable() -> Value {
    json!({
        "textDocument": { "codeAction": {
            "codeActionLiteralSupport": { "codeActionKind": { "valueSet": [] } },
            "dataSupport": true,
            "disabledSupport": true,
            "resolveSupport": { "properties": ["edit"] },
        } },
        "workspace": {
            "applyEdit": true,
            "workspaceEdit": { "documentChanges": true, "resourceOperations": ["create"] },
        },
    })
}

fn asked(start: (u32, u32), end: (u32, u32), only: Option<&str>) -> Value {
    let position = |(line, character): (u32, u32)| json!({ "line": line, "character": character });
    let mut context = json!({ "diagnostics": [] });
    if let Some(only) = only {
        context["only"] = json!([only]);
    }
    json!({ "textDocument": { "uri": URI }, "range": { "start": position(start), "end": position(end) }, "context": context })
}

fn titled<'a>(actions: &'a Value, title: &str) -> &'a Value {
    let all = actions.as_array().unwrap();
    all.iter()
        .find(|action| action["title"].as_str().unwrap().starts_with(title))
        .unwrap_or_else(|| panic!("{actions}"))
}

const TEXT: &str = "def f(a, unused):\n    return a\nf(1, 2)\n";

#[tokio::test]
async fn an_action_is_resolved_to_an_edit_of_the_version_it_was_offered_for() {
    let mut client = Client::start(capable()).await;
    client.open(TEXT).await;
    let actions = client.ask("textDocument/codeAction", asked((0, 10), (0, 10), None)).await;
    let action = titled(&actions, "Remove unused parameter").clone();
    assert!(action["edit"].is_null() && action["kind"] == "refactor.rewrite", "{action}");
    let resolved = client.ask("codeAction/resolve", action.clone()).await;
    let change = &resolved["edit"]["documentChanges"][0];
    assert_eq!(change["textDocument"], json!({ "uri": URI, "version": 0 }));
    assert_eq!(change["edits"].as_array().unwrap().len(), 2, "{resolved}");
    // After an edit the offer is void.
    client.replace(1, &format!("\n{TEXT}")).await;
    let id = client.request("codeAction/resolve", action).await;
    assert_eq!(client.answer(id).await["error"]["code"], -32801);
}

#[tokio::test]
async fn what_is_not_possible_says_why_where_it_is_asked_for() {
    let mut client = Client::start(capable()).await;
    client.open("a and b.c\n").await;
    let place = |only| asked((0, 6), (0, 9), only);
    let refused = client.ask("textDocument/codeAction", place(Some("refactor.extract"))).await;
    let reason = titled(&refused, "Extract variable")["disabled"]["reason"].clone();
    assert_eq!(reason, "it is not evaluated every time");
    let silent = client.ask("textDocument/codeAction", place(None)).await;
    assert!(!silent.to_string().contains("Extract variable"), "{silent}");
    // An editor that names all kinds whenever it asks.
    let mut all = place(None);
    all["context"]["only"] = json!(["", "refactor", "refactor.extract", "source", "source.organizeImports"]);
    assert_eq!(client.ask("textDocument/codeAction", all).await, silent, "as one that names none");
}

#[tokio::test]
async fn a_question_about_a_whole_line_is_one_about_what_is_wrong_in_it() {
    let mut client = Client::start(capable()).await;
    client.open("def f():\n    return Decimal(1)\n").await;
    let diagnostic = json!({
        "range": { "start": { "line": 1, "character": 11 }, "end": { "line": 1, "character": 18 } },
        "code": "undefined-name",
        "message": "",
    });
    let mut line = asked((1, 0), (1, 21), None);
    line["context"]["diagnostics"] = json!([diagnostic]);
    let actions = client.ask("textDocument/codeAction", line).await;
    let action = titled(&actions, "Import `Decimal` from `decimal`").clone();
    assert_eq!(action["diagnostics"][0]["code"], "undefined-name");
    let resolved = client.ask("codeAction/resolve", action).await;
    let text = &resolved["edit"]["documentChanges"][0]["edits"][0]["newText"];
    assert!(text.as_str().is_some_and(|it| it.starts_with("from decimal import Decimal")), "{resolved}");
    // What is meant for the whole line is still there, each once.
    let titles: Vec<&str> = actions.as_array().unwrap().iter().map(|it| it["title"].as_str().unwrap()).collect();
    assert!(titles.contains(&"Extract function `extracted`"), "{titles:?}");
    assert!(titles.iter().enumerate().all(|(nth, title)| !titles[..nth].contains(title)), "{titles:?}");
}

#[tokio::test]
async fn an_edited_signature_has_its_callers_updated_until_it_is_saved() {
    let mut client = Client::start(json!({})).await;
    client.open("def f(a): ...\nf(a=1)\n").await;
    client.replace(1, "def f(b): ...\nf(a=1)\n").await;
    let place = || asked((0, 6), (0, 6), Some("quickfix"));
    let actions = client.ask("textDocument/codeAction", place()).await;
    // This editor cannot wait for edits, nor pin them to versions.
    let edit = &titled(&actions, "Update 1 caller of `f`")["edit"]["changes"][URI][0];
    assert_eq!(edit["newText"], "b=1", "{actions}");
    client.tell("textDocument/didSave", document()).await;
    assert!(client.ask("textDocument/codeAction", place()).await.is_null());
}

#[tokio::test]
async fn a_command_changes_a_signature() {
    let mut client = Client::start(capable()).await;
    client.open(TEXT).await;
    let mut argument = at(0, 4);
    argument =
        json!({ "uri": URI, "position": argument["position"], "steps": [{ "step": "remove", "name": "unused" }] });
    let command = |argument: &Value| json!({ "command": "tantu.changeSignature", "arguments": [argument] });
    assert!(client.ask("workspace/executeCommand", command(&argument)).await.is_null());
    let edit = client.asked("workspace/applyEdit").await;
    assert_eq!(edit["edit"]["documentChanges"][0]["edits"].as_array().unwrap().len(), 2, "{edit}");

    argument["steps"][0]["name"] = json!("a");
    let id = client.request("workspace/executeCommand", command(&argument)).await;
    let message = client.answer(id).await["error"]["message"].to_string();
    assert!(message.contains("`a` is used"), "{message}");
    argument["steps"][0]["step"] = json!("fly");
    let id = client.request("workspace/executeCommand", command(&argument)).await;
    assert_eq!(client.answer(id).await["error"]["code"], -32602);
}

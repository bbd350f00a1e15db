//! Workspaces and files as they turn up although they should not. Nothing may crash, and what is whole stays known.

use std::io::{BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tests::client::Client;
use tests::wire;
use tests::workspace::{Home, Workspace};

#[test]
fn an_empty_workspace() {
    let workspace = Workspace::empty();
    let editor = Client::start(&workspace);
    editor.open_text("first.py", "def begin(): ...\n");
    assert!(editor.hover("first.py", "def be$0gin").contains("begin"));
}

#[test]
fn an_empty_file() {
    let workspace = Workspace::of("#- /empty.py\n");
    let editor = Client::start(&workspace);
    editor.open("empty.py");
    assert_eq!(editor.lens_titles("empty.py"), [""; 0]);
    assert_eq!(editor.diagnostics("empty.py"), [0; 0]);
}

#[test]
fn a_file_without_a_folder() {
    let workspace = Workspace::of("#- /alone.py\ndef one(): ...\n\n\none()\n");
    let editor = Client::builder(&workspace).without_folder().start();
    editor.open("alone.py");
    assert_eq!(editor.references("alone.py", "def on$0e"), ["alone.py:1:one", "alone.py:4:one"]);
}

#[test]
fn a_document_that_is_not_a_file() {
    let workspace = Workspace::empty();
    let editor = Client::start(&workspace);
    let item =
        json!({ "uri": "untitled:Untitled-1", "languageId": "python", "version": 1, "text": "def draft(): ...\n" });
    editor.notify("textDocument/didOpen", json!({ "textDocument": item }));
    let document = json!({ "uri": "untitled:Untitled-1" });
    let at = json!({ "textDocument": document, "position": { "line": 0, "character": 5 } });
    let hover = editor.request("textDocument/hover", at);
    assert!(hover.to_string().contains("draft"), "{hover}");
}

#[test]
fn a_file_that_is_deleted_while_it_is_open_and_after() {
    let workspace = Workspace::of("#- /lib.py\ndef used(): ...\n#- /app.py\nfrom lib import used\n\nused()\n");
    let editor = Client::start(&workspace);
    editor.open("app.py");
    editor.open("lib.py");
    workspace.remove("lib.py");
    editor.file_event("lib.py", 3);
    // Still open: the buffer counts.
    assert!(editor.hover("app.py", "\nus$0ed()").contains("def used"));
    editor.close("lib.py");
    assert_eq!(editor.definition("app.py", "\nus$0ed()"), [""; 0]);
}

#[test]
fn a_document_that_was_never_opened() {
    let workspace = Workspace::empty();
    let editor = Client::start(&workspace);
    let at =
        json!({ "textDocument": { "uri": workspace.uri("nowhere.py") }, "position": { "line": 9, "character": 9 } });
    // Null or an error, as the server likes; but an answer, and the server lives on.
    let _ = editor.try_request("textDocument/hover", at);
    editor.open_text("here.py", "def here(): ...\n");
    assert!(editor.hover("here.py", "def he$0re").contains("here"));
}

#[test]
fn a_position_outside_the_text() {
    let workspace = Workspace::of("#- /short.py\nx = 1\n");
    let editor = Client::start(&workspace);
    editor.open("short.py");
    for (line, character) in [(0, 5000), (7, 0), (u32::MAX >> 1, u32::MAX >> 1)] {
        let position = json!({ "line": line, "character": character });
        let at = json!({ "textDocument": { "uri": editor.uri("short.py") }, "position": position });
        let _ = editor.try_request("textDocument/hover", at.clone());
        let _ = editor.try_request("textDocument/definition", at);
    }
    assert!(!editor.hover("short.py", "$0x = 1").is_empty());
}

#[test]
fn files_as_bad_as_real_ones() {
    let workspace = Workspace::fixture("broken");
    workspace.write("user.py", "from half_typed import *\nfrom cycle import hen\n");
    let editor = Client::start(&workspace);
    editor.open("user.py");
    editor.wait_for("the end of the index", |session| {
        session.progress.iter().find(|(_, value)| value["kind"] == "end").map(drop)
    });
    editor.open("bom_crlf.py");
    editor.open("cycle/hen.py");
    assert!(!editor.hover("user.py", "import he$0n").is_empty());
    editor.diagnostics("bom_crlf.py");
}

#[test]
fn half_typed_code_keeps_its_definitions() {
    let whole = "\
def first(a):
    return a


def second(b):
    return first(b)


def third(c):
    return second(c)
";
    let workspace = Workspace::empty();
    workspace.write("typing_now.py", whole);
    let editor = Client::start(&workspace);
    editor.open("typing_now.py");
    for half in [
        "    x = second(\n",
        "    for\n",
        "    if a ==\n",
        "    s = \"unclosed\n",
        "    \"\"\"unclosed\n",
        "    [1, 2\n",
    ] {
        editor.insert("typing_now.py", "def first(a):\n$0", half);
        let params = json!({ "textDocument": { "uri": editor.uri("typing_now.py") } });
        let symbols = editor.request("textDocument/documentSymbol", params).to_string();
        for name in ["first", "second", "third"] {
            assert!(symbols.contains(&format!("\"{name}\"")), "{name} was lost after {half:?}: {symbols}");
        }
        assert_eq!(editor.definition("typing_now.py", "return sec$0ond"), ["typing_now.py:6:second"], "after {half:?}");
        editor.replace("typing_now.py", half, "");
    }
    assert_eq!(editor.text("typing_now.py"), whole);
}

#[test]
fn a_setting_that_does_not_exist_is_reported_where_it_stands() {
    let workspace = Workspace::of("#- /pyproject.toml\n[tool.tantu]\nlint.enabel = false\n#- /a.py\n");
    let editor = Client::start(&workspace);
    editor.open("a.py");
    let wrong =
        editor.diagnostic("pyproject.toml", "the unknown key", |item| item["message"].to_string().contains("enabel"));
    assert_eq!(wrong["range"]["start"]["line"], 1);
}

#[test]
fn a_user_file_that_is_no_toml_is_reported_with_its_place() {
    let workspace = Workspace::of("#- /a.py\ndef works(): ...\n");
    let home = Home::new();
    home.configure("[models.local]\nprovider = \n");
    let editor = Client::builder(&workspace).home(&home).start();
    let message = editor.message("config.toml");
    assert!(message.text.contains('2'), "which line? {}", message.text);
    editor.open("a.py");
    assert!(editor.hover("a.py", "def wo$0rks").contains("works"));
}

/// The answers of a real server to these bytes and to a request for hover after them, which is the request 9.
fn answers(header: &str, body: &[u8]) -> Vec<Value> {
    let (home, workspace) = (Home::new(), Workspace::of("#- /a.py\ndef works(): ...\n"));
    let mut server = Command::new(tests::server_binary())
        .args(["lsp", "--stdio"])
        .current_dir(workspace.root())
        .env_clear()
        .envs(home.environment())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = server.stdin.take().unwrap();
    let mut output = BufReader::new(server.stdout.take().unwrap());
    let folder = format!("file://{}", workspace.root().display());
    let folders = json!([{ "uri": folder, "name": "w" }]);
    let mut send = |message: Value| wire::write_message(&mut input, &message).unwrap();
    let initialize = json!({ "processId": null, "workspaceFolders": folders, "capabilities": {} });
    send(json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initialize }));
    send(json!({ "jsonrpc": "2.0", "method": "initialized", "params": {} }));
    // What is open is known before the workspace is indexed.
    let uri = format!("{folder}/a.py");
    let document = json!({ "uri": uri, "languageId": "python", "version": 1, "text": "def works(): ...\n" });
    send(json!({ "jsonrpc": "2.0", "method": "textDocument/didOpen", "params": { "textDocument": document } }));
    input.write_all(header.as_bytes()).unwrap();
    input.write_all(body).unwrap();
    let mut send = |message: Value| wire::write_message(&mut input, &message).unwrap();
    let at = json!({ "textDocument": { "uri": uri }, "position": { "line": 0, "character": 5 } });
    send(json!({ "jsonrpc": "2.0", "id": 9, "method": "textDocument/hover", "params": at }));
    let mut answers = Vec::new();
    while let Some(message) = wire::read_message(&mut output).unwrap() {
        if message["id"] == 10 {
            break;
        }
        if message["id"] == 9 {
            send(json!({ "jsonrpc": "2.0", "id": 10, "method": "shutdown" }));
        }
        if message["method"].is_null() && message["id"] != 1 {
            answers.push(message);
        }
    }
    wire::write_message(&mut input, &json!({ "jsonrpc": "2.0", "method": "exit" })).unwrap();
    assert!(server.wait().unwrap().success(), "the session ends properly");
    answers
}

#[test]
fn a_message_that_cannot_be_decoded_costs_that_message() {
    const PARSE_ERROR: i64 = -32700;
    const INVALID_REQUEST: i64 = -32600;
    let hover = r#"{"jsonrpc":"2.0","id":5,"method":"textDocument/hover","params":"#;
    for (body, id, code) in [
        ("{\"jsonrpc\":\"2.0\",".as_bytes().to_vec(), Value::Null, PARSE_ERROR),
        (b"\xff\xfe{}".to_vec(), Value::Null, PARSE_ERROR),
        (b"17".to_vec(), Value::Null, INVALID_REQUEST),
        (b"{}".to_vec(), Value::Null, INVALID_REQUEST),
        (format!("{hover}17}}").into_bytes(), json!(5), INVALID_REQUEST),
        (format!("{hover}\"x\"}}").into_bytes(), json!(5), INVALID_REQUEST),
        ("[".repeat(100_000).into_bytes(), Value::Null, PARSE_ERROR),
    ] {
        let said = answers(&format!("content-LENGTH:{}\r\n\r\n", body.len()), &body);
        let shown = String::from_utf8_lossy(&body[..body.len().min(100)]).into_owned();
        assert_eq!(said.len(), 2, "{shown}: {said:?}");
        let of = |id: &Value| said.iter().find(|it| it["id"] == *id).unwrap_or_else(|| panic!("{shown}: {said:?}"));
        assert_eq!(of(&id)["error"]["code"], code, "{shown}");
        assert!(of(&json!(9))["result"].to_string().contains("works"), "{shown}: {said:?}");
    }
    // A text with half a character in it is a text all the same.
    let text = r#"{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"untitled:a","languageId":"python","version":1,"text":"x = '\ud800'"}}}"#;
    let said = answers(&format!("Content-Length: {}\r\n\r\n", text.len()), text.as_bytes());
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn very_many_files() {
    let workspace = Workspace::of("#- /first.py\nfrom m19999 import x\n\ndef begin(): return x\n");
    for number in 0..20_000 {
        workspace.write(&format!("m{number}.py"), "x=1\n");
    }
    let editor = Client::start(&workspace).indexed();
    editor.open("first.py");
    assert!(editor.hover("first.py", "def be$0gin").contains("begin"));
    assert_eq!(editor.definition("first.py", "return x$0"), ["m19999.py:1:x"]);
}

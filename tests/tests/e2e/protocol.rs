//! The protocol: start and end, encodings, synchronisation, freshness, cancellation, progress, and each feature once.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tests::buffer::Encoding;
use tests::client::Client;
use tests::workspace::Workspace;

const CANCELLED: i64 = -32800;
const CONTENT_MODIFIED: i64 = -32801;

fn two_modules() -> Workspace {
    Workspace::of(
        r#"
#- /prices.py
def total(prices):
    """Adds up."""
    return sum(prices)


class Basket:
    def __init__(self):
        self.prices = []

    def sum(self):
        return total(self.prices)
#- /report.py
from prices import Basket, total


def report(basket: Basket):
    return f"{basket.sum()} of {total([1, 2])}"
"#,
    )
}

#[test]
fn says_what_it_can_do() {
    let workspace = two_modules();
    let editor = Client::start(&workspace);
    let able = &editor.server["capabilities"];
    assert_eq!(editor.server["serverInfo"]["name"], "tantu");
    assert_eq!(able["textDocumentSync"]["change"], 2, "incremental: {able}");
    assert_eq!(able["textDocumentSync"]["openClose"], true);
    for provider in [
        "callHierarchyProvider",
        "codeActionProvider",
        "codeLensProvider",
        "definitionProvider",
        "documentHighlightProvider",
        "documentSymbolProvider",
        "hoverProvider",
        "implementationProvider",
        "referencesProvider",
        "renameProvider",
        "typeHierarchyProvider",
        "workspaceSymbolProvider",
    ] {
        assert!(!matches!(able[provider], Value::Null | Value::Bool(false)), "no {provider}: {able}");
    }
    assert!(able["completionProvider"].is_null(), "completion is left to others");
    let commands = able["executeCommandProvider"]["commands"].as_array().expect("commands");
    for command in ["tantu.run", "tantu.propose"] {
        assert!(commands.contains(&json!(command)), "no {command} in {commands:?}");
    }
}

#[test]
fn speaks_the_encoding_that_the_editor_wants() {
    let workspace = Workspace::of(
        r#"
#- /threads.py
def spin(wool):
    return wool


def weave(x):
    return f"🧵é{spin(x)}"
"#,
    );
    for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
        let editor = Client::builder(&workspace).encodings(&[encoding]).start();
        let negotiated = Encoding::negotiated(&editor.server["capabilities"]);
        assert_eq!(negotiated, encoding);
        editor.open("threads.py");
        assert_eq!(editor.definition("threads.py", "{sp$0in(x)}"), ["threads.py:1:spin"]);
        assert_eq!(editor.references("threads.py", "def sp$0in"), ["threads.py:1:spin", "threads.py:6:spin"]);
        // An edit behind the wide characters has to land where the editor means it.
        editor.replace("threads.py", "spin(x)}", "weave(x)}");
        assert_eq!(editor.definition("threads.py", "{we$0ave(x)}"), ["threads.py:5:weave"]);
    }
}

#[test]
fn falls_back_to_utf_16() {
    let workspace = two_modules();
    let editor = Client::builder(&workspace).capability("/general", json!({})).start();
    assert_eq!(Encoding::negotiated(&editor.server["capabilities"]), Encoding::Utf16);
}

#[test]
fn edits_add_up_to_the_text_that_the_editor_has() {
    let workspace = two_modules();
    let editor = Client::start(&workspace);
    editor.open("prices.py");
    editor.insert("prices.py", "$0def total", "# préface 🧵\r\n\r\n");
    editor.replace("prices.py", "class Basket:\n", "class Cart:\r\n    \"\"\"ßasket\"\"\"\n");
    editor.replace("prices.py", "\"\"\"Adds up.\"\"\"\n    ", "");
    editor.insert("prices.py", "return total(self.prices)\n$0", "\n    def clear(self):\n        self.prices = []\n");
    editor.replace("prices.py", "(prices):\n", "(prices, *, tax=0):\n");
    let symbols = |editor: &Client, file: &str| {
        editor.request("textDocument/documentSymbol", json!({ "textDocument": { "uri": editor.uri(file) } }))
    };
    let edited = symbols(&editor, "prices.py");

    let text = editor.text("prices.py");
    let fresh_workspace = two_modules();
    let fresh = Client::start(&fresh_workspace);
    fresh.open_text("prices.py", &text);
    assert_eq!(edited, symbols(&fresh, "prices.py"));
    assert!(edited.to_string().contains("clear"), "{edited}");
}

#[test]
fn a_whole_text_replaces_the_buffer() {
    let workspace = two_modules();
    let editor = Client::start(&workspace);
    editor.open("prices.py");
    editor.set_text("prices.py", "def discount(rate): ...\n");
    assert!(editor.hover("prices.py", "def disc$0ount").contains("rate"));
}

#[test]
fn hover_is_about_the_text_just_typed() {
    let workspace = two_modules();
    let editor = Client::start(&workspace);
    editor.open("prices.py");
    let mut parameter = "prices".to_owned();
    for round in 0..30 {
        let next = format!("prices_{round}");
        editor.replace("prices.py", &format!("def total({parameter}):"), &format!("def total({next}):"));
        let hover = editor.hover("prices.py", "def to$0tal");
        assert!(hover.contains(&next), "after {round} edits: {hover}");
        parameter = next;
    }
}

#[test]
fn an_answer_is_never_older_than_the_edit_before_its_request() {
    let workspace = two_modules();
    let editor = Client::start(&workspace);
    editor.open("prices.py");
    // Sent without waiting, so that requests and edits overlap inside the server.
    let mut asked = Vec::new();
    let mut name = "total".to_owned();
    for round in 0..40 {
        let next = format!("total_{round}");
        editor.replace("prices.py", &format!("def {name}("), &format!("def {next}("));
        let params = json!({ "textDocument": { "uri": editor.uri("prices.py") } });
        asked.push((round, editor.send_request("textDocument/documentSymbol", params)));
        name = next;
    }
    for (round, id) in asked {
        match editor.answer(id) {
            Ok(symbols) => {
                let name = symbols[0]["name"].as_str().unwrap_or_default().to_owned();
                let answered: u32 = name.trim_start_matches("total_").parse().expect("one of the names");
                assert!(answered >= round, "asked after edit {round}, answered for edit {answered}");
            }
            Err(error) => assert_eq!(error["code"], CONTENT_MODIFIED, "{error}"),
        }
    }
}

#[test]
fn diagnostics_carry_their_version_and_never_go_back() {
    let workspace = two_modules();
    let editor = Client::start(&workspace);
    editor.open("report.py");
    for round in 0..20 {
        editor.insert("report.py", "$0def report", &format!("x{round} = nowhere_{round}\n"));
    }
    let last = editor.diagnostics("report.py");
    assert!(last.iter().any(|item| item["message"].to_string().contains("nowhere_19")), "{last:?}");
    let uri = editor.uri("report.py");
    let session = editor.session();
    let versions: Vec<_> = session.publications.iter().filter(|(of, _)| *of == uri).map(|(_, p)| p.version).collect();
    assert!(versions.iter().all(Option::is_some), "{versions:?}");
    assert!(versions.is_sorted(), "{versions:?}");
}

#[test]
fn a_diagnostic_goes_when_its_cause_goes() {
    let workspace = two_modules();
    let editor = Client::start(&workspace).indexed();
    editor.open("report.py");
    editor.replace("report.py", "total([1, 2])", "totl([1, 2])");
    let wrong = editor.diagnostic("report.py", "the unknown name", |item| item["message"].to_string().contains("totl"));
    assert_eq!(wrong["range"]["start"]["line"], 4);
    assert!(wrong["source"].is_string(), "{wrong}");
    editor.replace("report.py", "totl(", "total(");
    let left = editor.diagnostics("report.py");
    assert!(!left.iter().any(|item| item["message"].to_string().contains("totl")), "{left:?}");
}

#[test]
fn a_change_in_one_file_shows_in_another() {
    let workspace = two_modules();
    let editor = Client::start(&workspace).indexed();
    editor.open("prices.py");
    editor.open("report.py");
    editor.replace("prices.py", "def total(prices):", "def sum_up(prices):");
    // The import in the other buffer leads nowhere now, although nobody touched it.
    editor.diagnostic("report.py", "the import that broke", |item| item["message"].to_string().contains("total"));
}

#[test]
fn an_editor_that_pulls_diagnostics_gets_them_when_it_asks() {
    let workspace = two_modules();
    let editor = Client::builder(&workspace)
        .capability("/textDocument/diagnostic", json!({}))
        .capability("/workspace/diagnostics", json!({ "refreshSupport": true }))
        .start();
    editor.open("report.py");
    editor.replace("report.py", "total([1, 2])", "totl([1, 2])");
    let params = json!({ "textDocument": { "uri": editor.uri("report.py") } });
    let report = editor.request("textDocument/diagnostic", params);
    assert!(report["items"].to_string().contains("totl"), "{report}");
    assert!(editor.session().publications.is_empty(), "an editor that pulls must not be pushed to as well");
}

#[test]
fn a_cancelled_request_is_answered_once_and_the_server_goes_on() {
    let workspace = Workspace::fixture("shop");
    let editor = Client::start(&workspace);
    editor.open("shop/money.py");
    let ids: Vec<_> = (0..50)
        .map(|_| {
            let mut params = editor.at("shop/money.py", "class Mon$0ey:");
            params["context"] = json!({ "includeDeclaration": true });
            let id = editor.send_request("textDocument/references", params);
            editor.cancel(id);
            id
        })
        .collect();
    for id in ids {
        if let Err(error) = editor.answer(id) {
            assert_eq!(error["code"], CANCELLED, "{error}");
        }
    }
    assert!(editor.hover("shop/money.py", "class Mon$0ey:").contains("Money"));
}

#[test]
fn the_first_index_reports_its_progress() {
    let workspace = Workspace::fixture("shop");
    let editor = Client::start(&workspace).indexed();
    let session = editor.session();
    let token = session.progress[0].0.clone();
    let of_index = session.progress.iter().filter(|(of, _)| *of == token);
    let kinds: Vec<_> = of_index.map(|(_, value)| value["kind"].as_str().unwrap_or_default()).collect();
    assert_eq!((kinds.first(), kinds.last()), (Some(&"begin"), Some(&"end")), "{kinds:?}");
    assert!(kinds[1..kinds.len() - 1].iter().all(|kind| *kind == "report"), "{kinds:?}");
}

#[test]
fn an_editor_without_progress_is_served_too() {
    let workspace = two_modules();
    // That no progress is sent is part of every session's check.
    let editor = Client::builder(&workspace).capability("/window/workDoneProgress", json!(false)).start();
    editor.open("prices.py");
    assert!(editor.hover("prices.py", "def to$0tal").contains("total"));
}

#[test]
fn changes_on_disk_are_followed() {
    let workspace = two_modules();
    let editor = Client::start(&workspace).indexed();
    editor.open("prices.py");
    let watched = editor.wait_for("watchers for Python files", |session| {
        session.registrations.iter().find(|one| one["method"] == "workspace/didChangeWatchedFiles").cloned()
    });
    assert!(watched["registerOptions"].to_string().contains("py"), "{watched}");
    let before = editor.references("prices.py", "def to$0tal");

    workspace.write("late.py", "from prices import total\n\nprint(total([3]))\n");
    editor.file_event("late.py", 1);
    let mut with_late = [&before[..], &["late.py:1:total".to_owned(), "late.py:3:total".to_owned()]].concat();
    with_late.sort();
    assert_eq!(editor.references("prices.py", "def to$0tal"), with_late);

    workspace.write("late.py", "from prices import total\n");
    editor.file_event("late.py", 2);
    assert_eq!(editor.references("prices.py", "def to$0tal").len(), before.len() + 1);

    workspace.remove("late.py");
    editor.file_event("late.py", 3);
    assert_eq!(editor.references("prices.py", "def to$0tal"), before);
}

#[test]
fn a_buffer_counts_more_than_its_file() {
    let workspace = two_modules();
    let editor = Client::start(&workspace).indexed();
    editor.open("prices.py");
    editor.open("report.py");
    editor.replace("report.py", "{total([1, 2])}", "nothing");
    assert!(!editor.references("prices.py", "def to$0tal").iter().any(|place| place.starts_with("report.py:5")));
    // The file on disk changes beneath the buffer; the buffer still counts.
    workspace.write("report.py", "from prices import total\n\n\n\n\ntotal([])\n");
    editor.file_event("report.py", 2);
    assert!(!editor.references("prices.py", "def to$0tal").iter().any(|place| place.starts_with("report.py:6")));
    // Closed without saving: now the file counts.
    editor.close("report.py");
    assert!(editor.references("prices.py", "def to$0tal").contains(&"report.py:6:total".to_owned()));
}

#[test]
fn definition_and_references_cross_files() {
    let workspace = two_modules();
    let editor = Client::start(&workspace).indexed();
    editor.open("report.py");
    assert_eq!(editor.definition("report.py", "{to$0tal("), ["prices.py:1:total"]);
    assert_eq!(editor.definition("report.py", "basket.su$0m()"), ["prices.py:10:sum"]);
    assert_eq!(
        editor.references("report.py", "{to$0tal("),
        ["prices.py:11:total", "prices.py:1:total", "report.py:1:total", "report.py:5:total"]
    );
}

#[test]
fn call_hierarchy_goes_both_ways() {
    let workspace = two_modules();
    let editor = Client::start(&workspace).indexed();
    editor.open("prices.py");
    let items = editor.request("textDocument/prepareCallHierarchy", editor.at("prices.py", "def to$0tal"));
    assert_eq!(items[0]["name"], "total");
    let incoming = editor.request("callHierarchy/incomingCalls", json!({ "item": items[0] }));
    let callers: Vec<_> = incoming.as_array().expect("calls").iter().map(|call| &call["from"]["name"]).collect();
    assert_eq!(callers, ["sum", "report"]);

    let items = editor.request("textDocument/prepareCallHierarchy", editor.at("prices.py", "def su$0m"));
    let outgoing = editor.request("callHierarchy/outgoingCalls", json!({ "item": items[0] }));
    let callees: Vec<_> = outgoing.as_array().expect("calls").iter().map(|call| &call["to"]["name"]).collect();
    assert_eq!(callees, ["total"]);
}

#[test]
fn symbols_are_nested() {
    let workspace = two_modules();
    let editor = Client::start(&workspace);
    editor.open("prices.py");
    let params = json!({ "textDocument": { "uri": editor.uri("prices.py") } });
    let symbols = editor.request("textDocument/documentSymbol", params);
    let symbols = symbols.as_array().expect("symbols");
    let names: Vec<_> = symbols.iter().map(|symbol| &symbol["name"]).collect();
    assert_eq!(names, ["total", "Basket"]);
    let methods: Vec<_> = symbols[1]["children"].as_array().expect("children").iter().map(|s| &s["name"]).collect();
    assert!(methods.contains(&&json!("__init__")) && methods.contains(&&json!("sum")), "{methods:?}");
}

#[test]
fn code_lenses_count_callers_and_can_be_switched_off() {
    let workspace = two_modules();
    let editor = Client::start(&workspace).indexed();
    editor.open("prices.py");
    let titles = editor.lens_titles("prices.py");
    assert!(titles.contains(&"1: 2 callers".to_owned()), "{titles:?}");
    assert!(titles.contains(&"10: 1 caller".to_owned()), "{titles:?}");

    let silent = json!({ "tantu": { "codeLens": false } });
    let editor = Client::builder(&workspace).initialization_options(silent["tantu"].clone()).settings(silent).start();
    editor.open("prices.py");
    assert_eq!(editor.lens_titles("prices.py"), [""; 0]);
}

#[test]
fn a_command_that_does_not_exist_is_an_error_and_no_more() {
    let workspace = two_modules();
    let editor = Client::start(&workspace);
    for params in [
        json!({ "command": "tantu.unheardOf", "arguments": [] }),
        json!({ "command": "tantu.run", "arguments": ["not an object"] }),
        json!({ "command": "tantu.propose", "arguments": [{ "assist": "write-poetry", "uri": "file:///nowhere.py",
                                                            "position": { "line": 0, "character": 0 } }] }),
    ] {
        let error = editor.try_request("workspace/executeCommand", params).expect_err("it is no command of ours");
        assert_eq!(error["code"], -32602, "{error}");
    }
    editor.open("prices.py");
    assert!(editor.hover("prices.py", "def to$0tal").contains("total"));
}

#[test]
fn goes_when_the_editor_crashes() {
    let workspace = two_modules();
    let editor = Client::start(&workspace);
    editor.open("prices.py");
    editor.crash();
}

#[test]
fn goes_when_the_process_that_it_serves_goes() {
    let workspace = two_modules();
    let mut parent = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().expect("sleep starts");
    let editor = Client::builder(&workspace).parent(parent.id()).start();
    editor.open("prices.py");
    parent.kill().expect("it is ours");
    parent.wait().expect("it is ours");
    // Our end of its input stays open: the server has to notice by itself.
    editor.wait_for_exit();
}

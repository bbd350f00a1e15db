//! The same in real VS Code, with our extension. The scripts are in `vscode/`.

use std::path::Path;

use serde_json::Value;
use tests::model_server::{ModelServer, Reply};
use tests::wire::{Direction, Record};
use tests::workspace::{Home, Workspace};

fn run(script: &str, workspace: &Workspace, home: &Home) -> Vec<Record> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/vscode");
    tests::vscode::run(&scripts.join(script), Path::new(env!("CARGO_BIN_EXE_tee-lsp")), workspace, home)
}

fn sent_by_the_editor<'a>(session: &'a [Record], method: &str) -> Vec<&'a Value> {
    let sent = session.iter().filter(|record| record.direction == Direction::ToServer);
    sent.map(|record| &record.message).filter(|message| message["method"] == method).collect()
}

/// The sample shop, with a file that a linter has something to say about, a test that fails and one that does not end.
fn shop() -> Workspace {
    let workspace = Workspace::fixture("shop");
    workspace.write("scratch.py", "import os\nimport sys\n\nprint(sys.argv)\n");
    workspace.write("tests/test_endless.py", "def test_never_ends():\n    while True:\n        pass\n");
    workspace.write("tests/test_scratch.py", "def test_fails():\n    total = 1\n    assert total == 2\n");
    workspace
}

#[test]
fn inside_the_editor_through_its_own_interface() {
    let workspace = shop();
    let session = run("inside.mjs", &workspace, &Home::new());
    assert_eq!(sent_by_the_editor(&session, "exit").len(), 2, "both sessions ended properly");
    let stops = sent_by_the_editor(&session, "window/workDoneProgress/cancel");
    assert_eq!(stops.len(), 1, "the stop button ends the run: {stops:?}");
}

#[test]
fn in_the_window_from_a_squiggle_to_an_applied_proposal() {
    let workspace = shop();
    let path = tests::repository().join("fixtures/replies/best_discount.json");
    let replies: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("a fixture")).expect("JSON");
    let model = ModelServer::start([Reply::Text(replies[1]["reply"].as_str().expect("text").to_owned())]);
    let home = Home::with_model(&model.base_url());
    let before = workspace.read("shop/discounts.py");
    let session = run("window.mjs", &workspace, &home);
    assert_eq!(model.asked().len(), 1);
    assert!(model.asked()[0].prompt().contains("prefer plain loops"), "the instruction goes to the model");
    assert_eq!(workspace.read("scratch.py"), "import sys\n\nprint(sys.argv)\n");
    assert_eq!(workspace.read("shop/discounts.py"), before, "one undo brings everything back");
    assert_eq!(sent_by_the_editor(&session, "exit").len(), 1, "the session ended properly");
}

#[test]
fn the_editor_s_own_agents_are_offered_the_tools() {
    let workspace = shop();
    run("agents.mjs", &workspace, &Home::new());
}

#[test]
fn the_test_explorer_shows_what_tests_execute() {
    run("coverage.mjs", &Workspace::fixture("shop"), &Home::new());
}

//! Linters' findings and fixes in open documents, and the settings they follow.

use serde_json::{Value, json};
use tests::client::Client;
use tests::workspace::Workspace;

fn codes(items: &[Value]) -> Vec<String> {
    let mut codes: Vec<String> =
        items.iter().map(|item| item["code"].as_str().unwrap_or_default().to_owned()).collect();
    codes.sort();
    codes
}

fn untidy() -> Workspace {
    Workspace::of(
        r#"
#- /untidy.py
import re, os
import json
import hashlib

x = f""


def digest(text, seen=[]):
    assert text
    return hashlib.md5(text + missing)
"#,
    )
}

#[test]
fn findings_come_and_go_while_typing() {
    let workspace = untidy();
    let editor = Client::start(&workspace).indexed();
    editor.open("untidy.py");
    let found = editor.diagnostics("untidy.py");
    // What the graph knows as well is said once.
    assert_eq!(codes(&found), ["B006", "E401", "F401", "F401", "F401", "F541", "S101", "S324", "undefined-name"]);
    let weak = found.iter().find(|item| item["code"] == "S324").expect("md5 is weak");
    assert_eq!((&weak["severity"], &weak["source"]), (&json!(1), &json!("tantu")));
    assert!(weak["message"].to_string().contains("(high confidence)"), "{weak}");
    assert!(weak["codeDescription"]["href"].to_string().contains("docs.astral.sh"), "{weak}");
    let unused = found.iter().find(|item| item["code"] == "F401").expect("json is not used");
    assert_eq!(unused["tags"], json!([1]));

    editor.replace("untidy.py", "import json\n", "");
    editor.replace("untidy.py", "assert text\n", "assert text  # noqa: S101\n");
    editor.replace("untidy.py", "seen=[]", "seen=[]  # tantu: ignore[B006]\n");
    let found = editor.diagnostics("untidy.py");
    assert_eq!(codes(&found), ["E401", "F401", "F401", "F541", "S324", "undefined-name"]);
}

#[test]
fn fixes_are_offered_one_by_one_by_rule_and_for_the_file() {
    let workspace = untidy();
    let editor = Client::start(&workspace).indexed();
    editor.open("untidy.py");
    let found = editor.diagnostics("untidy.py");
    let offered = editor.actions_for("untidy.py", "json", Some("quickfix"));
    let titles: Vec<&str> = offered.iter().map(|it| it["title"].as_str().unwrap_or_default()).collect();
    assert_eq!(
        titles,
        [
            "Remove unused import: `json` (F401)",
            "Fix all F401 in this file",
            "Silence unused-import here: `# noqa: F401`"
        ]
    );
    let about_json = found.iter().find(|item| item["message"].to_string().contains("`json`")).expect("a finding");
    assert_eq!(offered[0]["diagnostics"], json!([about_json]));
    assert_eq!(offered[0]["isPreferred"], true);
    editor.act("untidy.py", "json", "Silence unused-import");
    assert!(editor.text("untidy.py").contains("import json  # noqa: F401\n"), "{}", editor.text("untidy.py"));
    editor.act("untidy.py", "re, os", "Fix all F401");
    assert!(editor.text("untidy.py").starts_with("import json  # noqa: F401\nimport hashlib\n"));

    // As editors ask when a file is saved.
    for (kind, expected) in
        [("source.fixAll", "x = \"\"\n"), ("source.organizeImports.tantu", "import hashlib\nimport json")]
    {
        let offered = editor.actions_for("untidy.py", "json", Some(kind));
        assert_eq!(offered.len(), 1, "{kind}: {offered:?}");
        let resolved = editor.request("codeAction/resolve", offered[0].clone());
        editor.apply(&resolved["edit"]).expect("it applies");
        assert!(editor.text("untidy.py").contains(expected), "{kind}: {}", editor.text("untidy.py"));
    }
    // Saved once more, there is nothing to do, and that is no error.
    for kind in ["source.fixAll", "source.organizeImports"] {
        for action in editor.actions_for("untidy.py", "json", Some(kind)) {
            assert_eq!(editor.request("codeAction/resolve", action)["edit"], json!({}), "{kind}");
        }
    }
}

#[test]
fn a_finding_is_silenced_with_a_reason() {
    let workspace = untidy();
    let editor = Client::start(&workspace).indexed();
    editor.open("untidy.py");
    let mut argument = editor.at("untidy.py", "hashlib.m$0d5");
    argument["reason"] = json!("not for security");
    editor.execute(&json!({ "command": "tantu.silence", "arguments": [argument] }));
    let silenced = "md5(text + missing)  # noqa: S324 not for security\n";
    assert!(editor.text("untidy.py").ends_with(silenced), "{}", editor.text("untidy.py"));
    let params = json!({ "command": "tantu.silence", "arguments": [argument] });
    editor.diagnostics("untidy.py");
    let refused = editor.try_request("workspace/executeCommand", params).expect_err("there is no finding any longer");
    assert!(refused["message"].to_string().contains("no linter finds anything here"), "{refused}");
}

#[test]
fn the_projects_settings_are_followed_when_they_change() {
    let workspace = untidy();
    workspace.write("pyproject.toml", "[tool.ruff.lint]\nselect = [\"F541\"]\n");
    let editor = Client::start(&workspace).indexed();
    editor.open("untidy.py");
    assert_eq!(codes(&editor.diagnostics("untidy.py")), ["F541", "undefined-name"]);

    workspace.write("ruff.toml", "[lint]\nselect = [\"E401\", \"NONE123\"]\n");
    editor.file_event("ruff.toml", 1);
    let problem = editor.diagnostic("ruff.toml", "the unknown rule", |item| item["severity"] == 1);
    assert!(problem["message"].to_string().contains("NONE123"), "{problem}");
    assert_eq!(problem["range"]["start"], json!({ "line": 1, "character": 18 }));
    editor.diagnostic("untidy.py", "the default rules", |item| item["code"] == "S324");

    workspace.write("ruff.toml", "[lint]\nselect = [\"E401\"]\n");
    editor.file_event("ruff.toml", 2);
    editor.wait_for("the problem is gone", |session| {
        let of_file = session.diagnostics.iter().find(|(uri, _)| uri.ends_with("ruff.toml"));
        of_file.is_some_and(|(_, it)| it.items.is_empty()).then_some(())
    });
    let uri = editor.uri("untidy.py");
    editor.wait_for("only the rule that was asked for", |session| {
        (codes(&session.diagnostics.get(&uri)?.items) == ["E401", "undefined-name"]).then_some(())
    });
}

#[test]
fn another_server_may_lint() {
    let workspace = untidy();
    workspace.write("keys.py", "import os\n\nGITHUB_TOKEN = \"ghp_\" \"x\"\nPASSWORD = \"Kf8-vq2LmTz9\"\n");
    let settings = json!({ "lint": { "enable": false } });
    let editor = Client::builder(&workspace).initialization_options(settings).start().indexed();
    editor.open("untidy.py");
    editor.open("keys.py");
    assert_eq!(codes(&editor.diagnostics("untidy.py")), ["undefined-name"]);
    let found = editor.diagnostics("keys.py");
    assert_eq!(codes(&found), ["secret"]);
    assert!(!found[0].to_string().contains("Kf8"), "the value is not repeated: {}", found[0]);
    assert!(editor.actions_for("untidy.py", "json", Some("source")).iter().all(|it| it["title"] != "Organize imports"));
}

#[test]
fn a_workspace_file_does_not_choose_a_program_to_run() {
    let workspace = untidy();
    workspace.write("tantu.toml", "[lint]\nruff = \"project\"\n");
    let editor = Client::start(&workspace).indexed();
    editor.open("untidy.py");
    let refused = editor.diagnostic("tantu.toml", "the setting is refused", |item| item["code"] == "unknown-setting");
    assert!(refused["message"].to_string().contains("only the editor's settings"), "{refused}");
    assert!(codes(&editor.diagnostics("untidy.py")).contains(&"S324".to_owned()), "the one inside is used");
}

#[test]
fn a_missing_package_can_be_added_to_the_requirements() {
    let workspace = Workspace::of("#- /a.py\nimport yaml\n\nprint(yaml)\n");
    workspace.write("requirements.txt", "attrs==23.1\nrequests>=2\n");
    workspace.write(".venv/pyvenv.cfg", "home = /usr/bin\n");
    workspace.write(".venv/lib/python3.11/site-packages/attrs/__init__.py", "");
    let editor = Client::start(&workspace).indexed();
    editor.open("a.py");
    let missing = editor.diagnostic("a.py", "the package", |item| item["code"] == "unknown-module");
    assert!(missing["message"].to_string().contains("`PyYAML` brings it"), "{missing}");
    editor.act("a.py", "import yaml", "Add `PyYAML` to requirements.txt");
    assert_eq!(editor.text("requirements.txt"), "attrs==23.1\nPyYAML\nrequests>=2\n");
}

#[test]
fn pins_of_vulnerable_versions_are_reported_where_they_are() {
    let workspace = Workspace::of("#- /a.py\nx = 1\n");
    workspace.write("requirements.txt", "sound==1.0\nholey==1.5\n");
    let advisories = Workspace::of("");
    advisories.write(
        "PYSEC-1-1.json",
        r#"{ "id": "PYSEC-1-1", "summary": "A hole.", "affected": [{
            "package": { "ecosystem": "PyPI", "name": "holey" },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "2.0" }] }]
        }] }"#,
    );
    let settings = json!({ "lint": { "advisories": advisories.path("") } });
    let editor = Client::builder(&workspace).initialization_options(settings).start().indexed();
    editor.open("a.py");
    let found = editor.diagnostic("requirements.txt", "the vulnerable version", |_| true);
    assert!(found["message"].to_string().contains("PYSEC-1-1"), "{found}");
    assert_eq!(found["range"]["start"]["line"], 1);
    // Another version.
    workspace.write("requirements.txt", "sound==1.0\nholey==2.0\n");
    editor.file_event("requirements.txt", 2);
    editor.wait_for("nothing is left to report", |session| {
        let of_file = session.diagnostics.iter().find(|(uri, _)| uri.ends_with("requirements.txt"));
        of_file.is_some_and(|(_, it)| it.items.is_empty()).then_some(())
    });
}

#[test]
fn notebooks_are_passed_over_and_that_is_said_once() {
    let workspace = Workspace::of("#- /a.py\nx = 1\n");
    let editor = Client::start(&workspace).indexed();
    for cell in ["book.ipynb", "other.ipynb"] {
        editor.open_text(cell, "import os\n");
    }
    editor.open("a.py");
    editor.diagnostics("a.py");
    let said = editor.session().log.iter().filter(|it| it.message["method"] == "window/logMessage").count();
    assert_eq!(said, 1);
    assert!(!editor.session().diagnostics.keys().any(|uri| uri.ends_with(".ipynb")));
}

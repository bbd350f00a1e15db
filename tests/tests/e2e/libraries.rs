//! What editors are told of the standard library and of installed packages.

use serde_json::json;
use tests::client::Client;

use tests::workspace::{Home, Workspace};

const SITE: &str = ".venv/lib/python3.11/site-packages";

/// A workspace with an environment in which `parcel` is installed.
fn with_environment(text: &str) -> Workspace {
    let workspace = Workspace::of(&format!("#- /a.py\n{text}"));
    workspace.write(".venv/pyvenv.cfg", "home = /usr/bin\nversion = 3.11.4\n");
    workspace.write(
        &format!("{SITE}/parcel/__init__.py"),
        "class Parcel:\n    \"\"\"What is sent.\"\"\"\n\n    def send(self, to, *, by=None):\n        \"\"\"Sends it.\"\"\"\n\ndef pack(things): ...\n",
    );
    workspace.write(&format!("{SITE}/parcel-2.1.dist-info/METADATA"), "Name: parcel\nVersion: 2.1\n");
    workspace.write(&format!("{SITE}/typed/__init__.py"), "import x\n\n\ndef f(a): return a\n");
    workspace.write(&format!("{SITE}/typed-stubs/__init__.pyi"), "def f(a: int) -> int: ...\n");
    workspace
}

const USES: &str = "\
import json
import parcel
from parcel import Parcel
import typed


def main(it: Parcel):
    it.send('me', by=1)
    parcel.pack([])
    json.dumps({})
    typed.f(1)
";

#[test]
fn hovers_say_what_libraries_offer() {
    let workspace = with_environment(USES);
    let editor = Client::start(&workspace).indexed();
    editor.open("a.py");
    let hover = |at: &str| editor.request("textDocument/hover", editor.at("a.py", at))["contents"]["value"].to_string();
    let send = hover("it.se$0nd");
    assert!(
        send.contains("def send(self, to, *, by=None)") && send.contains("method of `Parcel`, parcel 2.1"),
        "{send}"
    );
    assert!(send.contains("parcel/\\\\_\\\\_init\\\\_\\\\_.py:4") && send.contains("Sends it."), "{send}");
    let dumps = hover("json.du$0mps");
    assert!(dumps.contains("function of `json`, standard library") && dumps.contains("sort_keys: bool"), "{dumps}");
    let f = hover("typed.f$0(1)");
    assert!(f.contains("def f(a: int) -> int") && f.contains(".py:4"), "the stub speaks, the source is shown: {f}");
}

#[test]
fn definitions_lead_to_sources_and_declarations_to_stubs() {
    let workspace = with_environment(USES);
    let home = Home::new();
    let editor = Client::builder(&workspace).home(&home).start().indexed();
    editor.open("a.py");
    let place = |method: &str, at: &str| {
        let found = editor.request(method, editor.at("a.py", at));
        let uri = found[0].get("targetUri").or(found[0].get("uri")).and_then(|uri| uri.as_str()).unwrap_or_default();
        let range = found[0].get("targetSelectionRange").or(found[0].get("range")).cloned().unwrap_or_default();
        let end = uri.rsplit('/').take(2).collect::<Vec<_>>();
        format!("{}/{}:{}", end.last().unwrap_or(&""), end[0], range["start"]["line"])
    };
    assert_eq!(place("textDocument/definition", "it.se$0nd"), "parcel/__init__.py:3");
    assert_eq!(place("textDocument/definition", "parcel.pa$0ck"), "parcel/__init__.py:6");
    assert_eq!(place("textDocument/definition", "typed.f$0(1)"), "typed/__init__.py:3");
    assert_eq!(place("textDocument/declaration", "typed.f$0(1)"), "typed-stubs/__init__.pyi:0");
    // No source says how built-ins are made: the stub is written where it can be looked at.
    editor.insert("a.py", "    typed.f(1)$0", "\n    print(1)");
    let print = place("textDocument/definition", "pri$0nt(1)");
    assert!(print.starts_with("stdlib/builtins.pyi:"), "{print}");
    assert!(place("textDocument/typeDefinition", "i$0t.send").ends_with("parcel/__init__.py:0"));
    // Of the workspace's own names a declaration is the definition.
    assert!(place("textDocument/declaration", "def ma$0in").ends_with("a.py:6"));
}

#[test]
fn signatures_while_a_call_is_typed() {
    let workspace = with_environment(USES);
    let signatures = "/textDocument/signatureHelp";
    let offsets = json!({ "signatureInformation": { "parameterInformation": { "labelOffsetSupport": true } } });
    let editor = Client::builder(&workspace).capability(signatures, offsets).start().indexed();
    editor.open("a.py");
    let help = |at: &str| {
        let found = editor.request("textDocument/signatureHelp", editor.at("a.py", at));
        let active = &found["signatures"][found["activeSignature"].as_u64().unwrap_or_default() as usize];
        let range = &active["parameters"][active["activeParameter"].as_u64().unwrap_or_default() as usize]["label"];
        format!("{} {range} {}", active["label"], active["documentation"])
    };
    assert_eq!(help("it.send($0'me'"), r#""send(to, *, by=None)" [5,7] "Sends it.""#);
    assert_eq!(help("by=$01"), r#""send(to, *, by=None)" [12,19] "Sends it.""#);
    editor.insert("a.py", "    typed.f(1)$0", "\n    json.dumps({}, )\n    main(");
    let dumps = help("json.dumps({}, $0");
    assert!(dumps.starts_with("\"dumps(obj: Any, *, skipkeys: bool = False") && dumps.contains("Serialize"), "{dumps}");
    assert_eq!(help("    main($0"), r#""main(it: Parcel)" [5,15] null"#);
}

#[test]
fn what_is_deprecated_is_struck_through() {
    let workspace = with_environment("from parcel import Parcel\nimport old\nold.f()\n");
    let stub = "from warnings import deprecated\n@deprecated('use `g`')\ndef f() -> None: ...\n";
    workspace.write(&format!("{SITE}/old.pyi"), stub);
    let editor = Client::start(&workspace).indexed();
    editor.open("a.py");
    let found = editor.diagnostic("a.py", "deprecated", |item| item["code"] == "deprecated");
    let expected = json!(["`f` is deprecated: use `g`", 4, [2]]);
    assert_eq!(json!([found["message"], found["severity"], found["tags"]]), expected);
    let hover = editor.request("textDocument/hover", editor.at("a.py", "old.f$0()"));
    assert!(hover.to_string().contains("@deprecated("), "{hover}");
}

#[test]
#[cfg(unix)]
fn a_package_that_is_missing_is_installed_after_a_yes() {
    use std::os::unix::fs::PermissionsExt;

    let workspace = with_environment("import late\nlate.f(1)\n");
    workspace.write("requirements.txt", "attrs\nzope.event\n");
    // What the environment's Python would do, without a network.
    let python = workspace.root().join(".venv/bin/python");
    let script =
        format!("#!/bin/sh\necho \"Collecting $4\"\n[ -e refuse ] && exit 1\necho 'def f(): ...' > {SITE}/late.py\n");
    workspace.write(".venv/bin/python", &script);
    std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
    workspace.write("refuse", "");
    let editor = Client::start(&workspace).indexed();
    editor.open("a.py");
    let install = || {
        let actions = editor.actions("a.py", "import la$0te").into_iter();
        let action = actions.into_iter().find(|it| it["title"].to_string().contains("Install `late`")).unwrap();
        let title = action["title"].to_string();
        assert!(title.contains(".venv/bin/python -m pip install late"), "{title}");
        editor.execute(&action["command"]);
        let question = editor.question();
        assert!(question.text.contains("-m pip install late` in ") && question.text.contains("Nobody has checked"));
    };
    let log = || editor.session().log.iter().any(|it| format!("{it:?}").contains("Collecting late"));
    install();
    editor.choose("Leave");
    install();
    assert!(!log(), "nothing runs before a yes");
    editor.choose("Install");
    editor.message("pip install late`: exit status: 1: Collecting late");
    assert_eq!(workspace.read("requirements.txt"), "attrs\nzope.event\n");
    std::fs::remove_file(workspace.root().join("refuse")).unwrap();
    install();
    editor.choose("Install");
    editor.message("pip install late`: done");
    assert!(log());
    // It is declared, and what the file says is looked at again.
    assert_eq!(editor.text("requirements.txt"), "attrs\nlate\nzope.event\n");
    editor.diagnostic("a.py", "incompatible-call", |item| item["code"] == "incompatible-call");
}

#[test]
fn a_script_that_lists_what_it_needs_runs_with_that() {
    let script = "# /// script\n# dependencies = [\"numpy\"]\n# ///\nimport json\nimport numpy\nimport parcel\nparcel.unpack()\njson.dump_all()\n";
    let workspace = with_environment(script);
    workspace.write("b.py", "import numpy\n");
    let editor = Client::start(&workspace).indexed();
    editor.open("a.py");
    editor.diagnostic("a.py", "missing-member", |item| item["message"] == "`json` has no `dump_all`");
    let others = editor.session().diagnostics[&editor.uri("a.py")].items.clone();
    assert!(others.iter().all(|it| it["code"] != "unknown-module" && !it.to_string().contains("unpack")), "{others:?}");
    editor.open("b.py");
    editor.diagnostic("b.py", "unknown-module", |item| item["code"] == "unknown-module");
}

#[test]
fn another_server_may_speak_of_libraries() {
    let workspace = with_environment(USES);
    let editor = Client::builder(&workspace).initialization_options(json!({ "navigation": false })).start().indexed();
    editor.open("a.py");
    let hover = editor.request("textDocument/hover", editor.at("a.py", "it.se$0nd"));
    assert!(!hover.to_string().contains("Sends it."), "{hover}");
    for method in ["definition", "declaration", "typeDefinition", "signatureHelp"] {
        let answer = editor.request(&format!("textDocument/{method}"), editor.at("a.py", "it.send($0'me'"));
        assert!(answer.is_null(), "{method}: {answer}");
    }
}

#[test]
fn what_libraries_do_not_offer_is_found_while_typing_and_after_installing() {
    let workspace =
        with_environment("import json\nfrom parcel import Parcel\nParcel().send()\nimport late\nlate.f(1)\n");
    let editor = Client::start(&workspace).indexed();
    editor.open("a.py");
    let said = |code: &'static str| {
        let found = editor.diagnostic("a.py", code, |item| item["code"] == code);
        found["message"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(said("incompatible-call"), "this call does not fit `Parcel.send`: missing argument `to`");
    assert!(said("unknown-module").contains("no module `late`"));
    editor.replace("a.py", "send()", "send('me')\njson.dump_all({})");
    assert_eq!(said("missing-member"), "`json` has no `dump_all`");
    // Nobody tells the server what is installed.
    workspace.write(&format!("{SITE}/late.py"), "def f(): ...\n");
    assert_eq!(said("incompatible-call"), "this call does not fit `f`: too many arguments: 1 given, at most 0 taken");
}

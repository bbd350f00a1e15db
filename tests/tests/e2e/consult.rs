//! What a model says without editing, in an editor: reviews whose findings are diagnostics, explanations, commit messages.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tests::client::Client;
use tests::model_server::{ModelServer, Reply};
use tests::workspace::{Home, Workspace, model_settings};

const FILE: &str = "shop.py";

const TEXT: &str = "\
#- /shop.py
from money import rate


def mean(prices):
    total = sum(prices)
    return total / len(prices)


def tax(price):
    return rate(price)
#- /money.py
def rate(price): ...
";

fn reply(findings: &[(u32, &str, &str)]) -> Reply {
    let finding = |(line, code, message): &(u32, &str, &str)| json!({ "line": line, "code": code, "severity": "error", "message": message, "replacement": "0" });
    let all: Vec<Value> = findings.iter().map(finding).collect();
    Reply::Text(json!({ "findings": all }).to_string())
}

fn of_model(diagnostic: &Value) -> bool {
    diagnostic["source"] == "tantu-model"
}

/// The action with this title at a place; the editor sends what it shows there.
fn action(editor: &Client, place: &str, title: &str) -> Value {
    let actions = editor.actions_for(FILE, place, None);
    let found = actions.iter().find(|action| action["title"] == title);
    found.unwrap_or_else(|| panic!("{title} is not among {actions:?}")).clone()
}

/// The path of the latest document that the editor was asked to show.
fn shown(editor: &Client, part: &str) -> PathBuf {
    editor.wait_for(part, |session| {
        let mut uris = session.shown_documents.iter().filter_map(|shown| shown["uri"].as_str());
        uris.rfind(|uri| uri.contains(part)).and_then(tests::workspace::uri_path)
    })
}

#[test]
fn findings_are_shown_until_the_code_changes_or_they_are_dismissed() {
    let zero = (6, "total / len(prices)", "An empty list divides by zero.");
    let refuted = (6, "sum(prices)", "`sum` is not defined.");
    let model = ModelServer::start([reply(&[zero, refuted]), reply(&[zero])]);
    let (workspace, home) = (Workspace::of(TEXT), Home::with_model(&model.base_url()));
    let editor = Client::builder(&workspace).home(&home).start();
    editor.open(FILE);
    let review = action(&editor, "total / len", "Review `mean` (preview)");
    assert!(editor.execute(&review["command"]).is_null());
    let told = editor.message("on `shop.mean`").text;
    assert!(told.contains("local on `shop.mean`: 1 finding; 1 dropped, contradicting the graph"), "{told}");
    let asked = model.asked().remove(0);
    assert_eq!(asked.body["response_format"]["json_schema"]["name"], "findings", "{}", asked.body);
    assert!(asked.prompt().contains("   6 |     return total / len(prices)"), "{}", asked.prompt());

    let found = editor.diagnostic(FILE, "the finding", of_model);
    assert_eq!(found["range"]["start"], json!({ "line": 5, "character": 11 }));
    assert_eq!(found["range"]["end"], json!({ "line": 5, "character": 30 }));
    // Nobody has proven it.
    assert_eq!((&found["severity"], &found["code"]), (&json!(2), &json!("review")));
    assert_eq!(found["message"], "An empty list divides by zero. (local, not verified)");

    // Code around it does not matter, its own does.
    editor.replace(FILE, "from money", "import os\nfrom money");
    let moved =
        editor.diagnostic(FILE, "the finding one line below", |it| of_model(it) && it["range"]["start"]["line"] == 6);
    assert_eq!(moved["message"], found["message"]);
    editor.replace(FILE, "sum(prices)", "sum(prices, 0)");
    assert!(!editor.diagnostics(FILE).iter().any(of_model));
    editor.replace(FILE, "sum(prices, 0)", "sum(prices)");
    editor.diagnostic(FILE, "the finding of the same code", of_model);

    let fix = action(&editor, "total / len", "Fix review with a model (preview)");
    let instruction = fix["command"]["arguments"][0]["instruction"].as_str().unwrap_or_default();
    assert!(instruction.contains("divides by zero") && instruction.contains("The reviewer suggests: 0"), "{fix}");
    let dismiss = action(&editor, "total / len", "Dismiss this finding");
    editor.execute(&dismiss["command"]);
    editor.wait_for("no finding of the model", |session| {
        let (_, latest) = session.publications.iter().rfind(|(uri, _)| uri.ends_with(FILE))?;
        (!latest.items.iter().any(of_model)).then_some(())
    });
    // Another session of the same user does not hear it again.
    drop(editor);
    let editor = Client::builder(&workspace).home(&home).start();
    editor.open(FILE);
    let review = action(&editor, "total / len", "Review `mean` (preview)");
    editor.execute(&review["command"]);
    let told = editor.message("on `shop.mean`").text;
    assert!(told.contains("nothing found; 1 dropped, dismissed before"), "{told}");
    assert!(model.asked()[1].prompt().contains("- An empty list divides by zero."));
    assert!(!editor.diagnostics(FILE).iter().any(of_model));
}

#[test]
fn an_explanation_has_facts_at_once_and_words_later() {
    let words = "It computes the mean of `prices`.";
    let model = ModelServer::start([Reply::Text(words.to_owned())]);
    let (workspace, home) = (Workspace::of(TEXT), Home::with_model(&model.base_url()));
    let editor = Client::builder(&workspace).home(&home).start();
    editor.open(FILE);
    let explain = action(&editor, "total / len", "Explain `mean`");
    let facts = editor.execute(&explain["command"]);
    assert_eq!(facts["symbol"], "shop.mean");
    assert!(facts["markdown"].as_str().is_some_and(|text| text.contains("## Called by")), "{facts}");
    let path = shown(&editor, "shop.mean.explanation.md");
    editor.wait_for("the words", |session| {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let is_all = text.contains(words) && text.contains("written by local and is not verified");
        (is_all && session.shown_documents.len() == 2).then_some(())
    });
}

#[test]
fn without_a_model_there_are_facts_and_a_hint() {
    let (workspace, home) = (Workspace::of(TEXT), Home::new());
    let editor = Client::builder(&workspace).home(&home).start();
    editor.open(FILE);
    assert!(!editor.actions(FILE, "total / $0len").iter().any(|it| it["title"] == "Review `mean` (preview)"));
    let explain = action(&editor, "total / len", "Explain `mean`");
    editor.execute(&explain["command"]);
    let text = std::fs::read_to_string(shown(&editor, "shop.mean.explanation.md")).expect("it was shown");
    assert!(text.contains("# `shop.mean`") && text.contains("no model is configured"), "{text}");
    let uri = editor.uri(FILE);
    editor.execute(&json!({ "command": "tantu.review", "arguments": [{ "uri": uri }] }));
    editor.message("no model is configured");
}

#[test]
fn a_commit_message_is_shown_and_nothing_is_committed() {
    let message = "feat(shop): round taxes";
    let model = ModelServer::start([Reply::Text("Round taxes".to_owned()), Reply::Text(message.to_owned())]);
    let (workspace, home) = (Workspace::of(TEXT), Home::with_model(&model.base_url()));
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C").arg(workspace.root()).args(["-c", "user.name=a", "-c", "user.email=a@b.c"]).args(arguments);
        let output = git.output().expect("git is there");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "feat: begin"]);
    let editor = Client::builder(&workspace).home(&home).start();
    editor.open(FILE);
    let command = json!({ "command": "tantu.commitMessage", "arguments": [{ "uri": editor.uri(FILE) }] });
    editor.execute(&command);
    editor.message("nothing is staged");
    workspace.write(FILE, editor.text(FILE).replace("rate(price)", "round(rate(price))"));
    git(&["add", "--all"]);
    editor.execute(&command);
    let text = std::fs::read_to_string(shown(&editor, "commit-message.txt")).expect("it was shown");
    assert_eq!(text, format!("{message}\n"));
    let asked = model.asked();
    assert!(asked[0].prompt().contains("changed function `shop.tax`: no callers"), "{}", asked[0].prompt());
    assert!(asked[1].prompt().contains("is not of the form"), "{}", asked[1].prompt());
    assert_eq!(git(&["log", "--format=%s"]), "feat: begin\n");
}

#[test]
fn an_editor_that_wants_to_know_is_told_which_server_fails() {
    let home = Home::with_model(&ModelServer::nobody());
    let workspace = Workspace::of(TEXT);
    let status = json!({ "tantu": { "status": true } });
    let editor = Client::builder(&workspace).home(&home).capability("/experimental", status).start();
    editor.open(FILE);
    let review = action(&editor, "total / len", "Review `mean` (preview)");
    editor.execute(&review["command"]);
    editor.message("is not reviewed: cannot connect to");
    // One question fails three times in a row, because it is asked again twice.
    let told = editor.wait_for("a server that rests", |session| {
        let all = session.log.iter().filter(|record| record.message["method"] == "tantu/status");
        all.map(|record| record.message["params"]["servers"][0].clone())
            .find(|it| it["state"] == "resting" || it["state"] == "failing")
    });
    assert!(told["error"].as_str().is_some_and(|error| error.contains("cannot connect")), "{told}");
    assert!(told["failures"].as_u64() >= Some(1), "{told}");
}

#[test]
fn what_may_cost_much_is_asked_for_first() {
    let model = ModelServer::start([reply(&[])]);
    let home = Home::new();
    let price = "price = { input = 100.0, output = 100.0 }\n";
    home.configure(&format!("{}{price}[limits]\nask-above = 0.01\n", model_settings(&model.base_url())));
    let workspace = Workspace::of(TEXT);
    let editor = Client::builder(&workspace).home(&home).start();
    editor.open(FILE);
    let review = action(&editor, "total / len", "Review `mean` (preview)");
    editor.execute(&review["command"]);
    let question = editor.question();
    assert!(question.text.contains("may cost $0.") && question.text.contains("$0.00 are spent today"), "{question:?}");
    editor.choose("Do not ask");
    editor.message("`shop.mean` is not reviewed: it may cost $0.");
    assert_eq!(model.asked().len(), 0);
    editor.execute(&review["command"]);
    editor.question();
    editor.choose("Ask");
    editor.message("on `shop.mean`: nothing found");
    assert_eq!(model.asked().len(), 1);
    // A proposal is a question as well.
    let docstring = action(&editor, "total / len", "Write docstring (preview)");
    editor.execute(&docstring["command"]);
    assert!(editor.question().text.contains("may cost $0."));
    editor.dismiss();
    assert_eq!(model.asked().len(), 1);
}

//! Proposals that outlive their session: interrupted ones are resumed and paid for once, what was checked can be looked up,
//! and a mistake that was made once is told to the next model.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::client::Client;
use tests::model_server::{ModelServer, Reply};
use tests::workspace::{Home, Workspace, model_settings};

use crate::proposal::good_code;

const FILE: &str = "shop/discounts.py";
const STUB: &str = "raise NotImplementedError";

fn good() -> Reply {
    Reply::Text(good_code())
}

fn session(workspace: &Workspace, home: &Home) -> Client {
    let editor = Client::builder(workspace).home(home).start();
    editor.open(FILE);
    editor
}

fn implement(editor: &Client) {
    let actions = editor.actions(FILE, "raise Not$0ImplementedError");
    let action =
        actions.iter().find(|action| action["title"] == "Implement function (preview)").expect("it is offered");
    editor.execute(&action["command"]);
}

#[track_caller]
fn wait_for_progress(editor: &Client, part: &str) {
    editor.wait_for(part, |session| {
        let said = |value: &Value| value["message"].as_str().is_some_and(|text| text.contains(part));
        session.progress.iter().any(|(_, value)| said(value)).then_some(())
    });
}

/// What the server says of the latest proposal, as soon as it has reached a state. Who has applied it, for one, compares the
/// buffer before saying so.
#[track_caller]
fn wait_for_state(editor: &Client, state: &str) -> Value {
    let end = Instant::now() + tests::PATIENCE;
    loop {
        let card = editor.execute(&json!({ "command": "tantu.evidence", "arguments": [{ "show": true }] }));
        if card["state"] == state {
            return card;
        }
        assert!(Instant::now() < end, "waited in vain for {state}: {card}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The server is killed in `state`, when `reached` returns; another one goes on and applies the answer. The model is asked so
/// often in all.
#[track_caller]
fn check_resumed(
    workspace: Workspace,
    script: Vec<Reply>,
    state: &str,
    reached: impl Fn(&Client, &ModelServer),
    asked: usize,
) {
    let model = ModelServer::start(script);
    let home = Home::with_model(&model.base_url());
    let editor = session(&workspace, &home).indexed();
    implement(&editor);
    reached(&editor, &model);
    editor.kill();

    let editor = session(&workspace, &home);
    let question = editor.question();
    assert!(question.text.contains("was interrupted"), "{question:?}");
    assert!(question.text.contains(&format!("({state})")), "{question:?}");
    editor.choose("Resume");
    let question = editor.question();
    assert!(question.text.contains("Passed"), "{question:?}");
    editor.choose("Apply");
    editor.wait_for("the edit", |session| session.edits.first().cloned()).expect("it fits the buffer");
    assert!(!editor.text(FILE).contains(STUB));
    assert_eq!(model.asked().len(), asked);
    wait_for_state(&editor, "applied");
    assert_eq!(editor.finished().matches("panicked").count(), 0);

    // Nothing is left to be asked about.
    let editor = session(&workspace, &home).indexed();
    editor.hover(FILE, "def best_$0discount(");
    assert!(editor.session().open_questions.is_empty());
}

#[test]
fn killed_while_the_model_thinks() {
    let thinks = |_: &Client, model: &ModelServer| drop(model.wait_until_asked(1));
    check_resumed(Workspace::fixture("shop"), vec![Reply::Hang, good()], "generating", thinks, 2);
}

#[test]
fn killed_while_tests_run() {
    let workspace = Workspace::fixture("shop");
    let slow = "import time\nfrom shop.discounts import best_discount\n\n\ndef test_slow():\n    best_discount\n    time.sleep(3)\n";
    workspace.write("tests/test_slow.py", slow);
    let runs = |editor: &Client, _: &ModelServer| wait_for_progress(editor, "running tests");
    check_resumed(workspace, vec![good()], "testing", runs, 1);
}

#[test]
fn killed_while_the_person_thinks() {
    let asks = |editor: &Client, _: &ModelServer| drop(editor.question());
    check_resumed(Workspace::fixture("shop"), vec![good()], "reviewing", asks, 1);
}

/// A workspace in which everything about `best_discount` takes its time: thousands call it.
fn crowded() -> Workspace {
    let workspace = Workspace::fixture("shop");
    let caller = |n: usize| format!("def caller_{n}(cart: Cart):\n    return best_discount(cart, [])\n\n\n");
    let callers: String = (0..2_000).map(caller).collect();
    let imports = "from shop.cart import Cart\nfrom shop.discounts import best_discount\n\n\n";
    workspace.write("shop/many.py", format!("{imports}{callers}"));
    workspace
}

#[test]
fn killed_while_the_context_is_chosen() {
    let chooses = |editor: &Client, _: &ModelServer| wait_for_progress(editor, "choosing what the model has to see");
    check_resumed(crowded(), vec![good()], "assembling", chooses, 1);
}

#[test]
fn killed_while_the_answer_is_checked() {
    let checks = |editor: &Client, _: &ModelServer| wait_for_progress(editor, "checking the reply");
    check_resumed(crowded(), vec![good()], "checking", checks, 1);
}

#[test]
fn killed_while_the_editor_applies_it() {
    let applies = |editor: &Client, _: &ModelServer| {
        editor.session().holds_edits = true;
        editor.question();
        editor.choose("Apply");
        editor.wait_for("the edit", |session| {
            session.log.iter().any(|it| it.message["method"] == "workspace/applyEdit").then_some(())
        });
    };
    check_resumed(Workspace::fixture("shop"), vec![good()], "applying", applies, 1);
}

#[test]
fn killed_between_two_attempts() {
    let wrong = good_code().replace("off > most", "off > the_most");
    let script = vec![Reply::Text(wrong), Reply::Hang, good()];
    let thinks = |_: &Client, model: &ModelServer| drop(model.wait_until_asked(2));
    check_resumed(Workspace::fixture("shop"), script, "generating", thinks, 3);
}

#[test]
fn what_is_not_resumed_is_asked_about_until_it_is_discarded() {
    let (workspace, model) = (Workspace::fixture("shop"), ModelServer::start([good()]));
    let home = Home::with_model(&model.base_url());
    let editor = session(&workspace, &home);
    implement(&editor);
    editor.question();
    // Another server, at the same time: the first one is alive and works on it.
    let other = session(&workspace, &home).indexed();
    other.hover(FILE, "def best_$0discount(");
    assert!(other.session().open_questions.is_empty());
    drop(other);
    editor.kill();
    for answer in [None, Some("Discard")] {
        let editor = session(&workspace, &home);
        assert!(editor.question().text.contains("was interrupted"));
        match answer {
            Some(title) => {
                editor.choose(title);
                wait_for_state(&editor, "cancelled");
            }
            None => editor.dismiss(),
        }
        editor.kill();
    }
    let editor = session(&workspace, &home).indexed();
    editor.hover(FILE, "def best_$0discount(");
    assert!(editor.session().open_questions.is_empty());
}

fn tantu(workspace: &Workspace, home: &Home, arguments: &[&str]) -> String {
    let mut command = Command::new(tests::server_binary());
    command.args(arguments).current_dir(workspace.root()).env_clear().envs(home.environment());
    let output = command.output().expect("it can be started");
    let said = String::from_utf8(output.stdout).expect("it writes UTF-8");
    assert!(!said.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
fn what_was_checked_can_be_looked_up_in_the_editor_and_in_a_terminal() {
    let (workspace, model) = (Workspace::fixture("shop"), ModelServer::start([good()]));
    let home = Home::with_model(&model.base_url());
    let editor = session(&workspace, &home);
    assert_eq!(editor.execute(&json!({ "command": "tantu.evidence", "arguments": [{}] })), Value::Null);
    implement(&editor);
    editor.question();
    editor.choose("Apply");
    editor.wait_for("the edit", |session| session.edits.first().cloned()).expect("it fits the buffer");
    let card = wait_for_state(&editor, "applied");
    assert!(card["markdown"].as_str().is_some_and(|text| text.contains("## Checks")), "{card}");
    assert!(!editor.session().shown_documents.is_empty());
    let id = card["id"].to_string();
    let listed = tantu(&workspace, &home, &["evidence"]);
    assert!(listed.contains("applied") && listed.contains("best_discount"), "{listed}");
    let printed = tantu(&workspace, &home, &["evidence", &id]);
    assert!(printed.contains("## Checks") && printed.contains("applied"), "{printed}");
    let json: Value =
        serde_json::from_str(&tantu(&workspace, &home, &["evidence", &id, "--format", "json"])).expect("JSON");
    assert_eq!(json["summary"]["status"], "ready");

    // It can be kept, with the tests that reach it.
    tantu(&workspace, &home, &["snippets", "keep", "best", "--proposal", &id]);
    let kept = tantu(&workspace, &home, &["snippets", "show", "best"]);
    assert!(kept.starts_with(&format!("# best, from proposal {id}\ndef best_discount(")), "{kept}");
    assert!(kept.contains("# Tests\n# tests/") && kept.contains("best_discount("), "{kept}");
}

#[test]
fn a_mistake_that_was_made_once_is_told_and_one_that_was_complained_of_is_caught() {
    let wrong = Reply::Text(good_code().replace("off > most", "off > the_most"));
    let prints = good_code().replace("    return best", "    print(best)\n    return best");
    assert!(prints.contains("print(best)"), "the reply has another shape than this test expects: {prints}");
    // The same answer to the same complaint would be the last question that is put to this model.
    let again = prints.replace("print(best)", "print(most)");
    let script = [wrong, good(), Reply::Text(prints), Reply::Text(again), good()];
    let (workspace, model) = (Workspace::fixture("shop"), ModelServer::start(script));
    let home = Home::with_model(&model.base_url());
    let input = json!({ "tantu": { "input": true } });
    let editor = Client::builder(&workspace).home(&home).capability("/experimental", input).start();
    editor.open(FILE);
    implement(&editor);
    editor.question();
    assert_eq!(model.asked().len(), 2);
    // The person wants it to be different, and gets what was not wanted.
    editor.session().texts.push_back("do not use `print`".to_owned());
    editor.choose("Adjust");
    editor.question();
    let asked = model.asked();
    // The answers that print were refused before the person saw them.
    assert_eq!(asked.len(), 5, "{:?}", asked.last().map(|it| it.prompt()));
    assert!(asked[4].prompt().contains("`print` is not wanted here"), "{}", asked[4].prompt());
    editor.choose("Discard");

    let listed = tantu(&workspace, &home, &["memory", "list"]);
    assert!(listed.contains("the_most") && listed.contains("do not use `print`"), "{listed}");
    drop(editor);
    // The next session: the first prompt tells of it.
    let editor = session(&workspace, &home);
    implement(&editor);
    let asked = model.wait_until_asked(6);
    assert!(asked[5].prompt().contains("the_most"), "{}", asked[5].prompt());
    let off = tantu(&workspace, &home, &["memory", "off"]);
    assert!(off.contains("not remembered"), "{off}");
    assert!(tantu(&workspace, &home, &["memory", "forget", "--all"]).contains("forgotten"));
    assert!(tantu(&workspace, &home, &["memory", "list"]).contains("no mistake"));
}

#[test]
fn a_model_that_is_free_looks_over_its_first_answer_if_it_is_to() {
    let wrong = Reply::Text(good_code().replace("off > most", "off > the_most"));
    let (workspace, model) = (Workspace::fixture("shop"), ModelServer::start([wrong, good()]));
    let home = Home::new();
    home.configure(&model_settings(&model.base_url()).replace("[propose]\n", "[propose]\nreflect-below = 0\n"));
    let editor = session(&workspace, &home);
    implement(&editor);
    assert!(editor.question().text.contains("Passed"));
    let asked = model.asked();
    let second = asked.last().expect("it was asked").prompt();
    assert!(asked.len() == 2 && second.contains("Look over your answer") && second.contains("the_most"), "{second}");
    assert!(!second.contains("What is wrong"), "nobody had checked it: {second}");
    editor.choose("Discard");
}

#[test]
fn code_is_kept_by_name_and_put_into_a_text() {
    let workspace = Workspace::of("#- /a.py\nclass A:\n    def f(self):\n        return 1\n\n    x = 2\n");
    let home = Home::new();
    let editor = Client::builder(&workspace).home(&home).start().indexed();
    editor.open("a.py");
    let uri = editor.uri("a.py");
    let execute = |argument: Value| editor.execute(&json!({ "command": "tantu.snippets", "arguments": [argument] }));
    let lines = |from: u32, to: u32| json!({ "start": { "line": from, "character": 0 }, "end": { "line": to, "character": 0 } });
    execute(json!({ "action": "keep", "uri": uri, "name": "one", "range": lines(1, 3) }));
    let listed = execute(json!({ "action": "list", "uri": uri }));
    assert_eq!(listed[0]["code"], "def f(self):\n    return 1\n", "{listed}");
    assert_eq!((&listed[0]["origin"], &listed[0]["lines"]), (&json!("a.py:2"), &json!(2)));
    execute(json!({ "action": "insert", "uri": uri, "name": "one", "range": lines(4, 4) }));
    let expected = "class A:\n    def f(self):\n        return 1\n\n    def f(self):\n        return 1\n    x = 2\n";
    editor.wait_for("the edit", |session| session.edits.first().cloned()).expect("it fits the buffer");
    assert_eq!(editor.text("a.py"), expected);

    assert!(tantu(&workspace, &home, &["snippets", "list"]).contains("a.py:2"));
    assert!(tantu(&workspace, &home, &["snippets", "show", "one"]).ends_with("def f(self):\n    return 1\n"));
    assert!(tantu(&workspace, &home, &["snippets", "insert", "one", "a.py:3"]).contains("before line 3"));
    assert!(
        workspace
            .read("a.py")
            .contains("    def f(self):\n        def f(self):\n            return 1\n        return 1\n")
    );
    execute(json!({ "action": "delete", "uri": uri, "name": "one" }));
    assert!(tantu(&workspace, &home, &["snippets", "list"]).contains("no such snippets"));
}

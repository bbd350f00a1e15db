//! A model's change: asked for with a code action, checked, shown, and applied only after a person's yes.
//!
//! The workspace is `fixtures/workspaces/shop`, whose `best_discount` is not written yet; the replies are those of
//! `fixtures/replies/best_discount.json`, the first of which calls a method that does not exist.

use serde_json::{Value, json};
use tests::client::{Client, Question};
use tests::model_server::{ModelServer, Reply};
use tests::workspace::{Home, Workspace, model_settings};

const FILE: &str = "shop/discounts.py";
const STUB: &str = "    raise NotImplementedError\n";

/// The recorded replies: first the one with the hallucinated name, then the good one.
fn recorded() -> [Reply; 2] {
    let path = tests::repository().join("fixtures/replies/best_discount.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let replies: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    [0, 1].map(|at| Reply::Text(replies[at]["reply"].as_str().expect("a reply is text").to_owned()))
}

fn good() -> Reply {
    let [_, good] = recorded();
    good
}

/// The good reply as code.
pub(crate) fn good_code() -> String {
    let Reply::Text(text) = good() else { unreachable!("recorded replies are texts") };
    text
}

/// A session with a model, in the file whose function is to be written.
struct World {
    editor: Client,
    model: ModelServer,
    workspace: Workspace,
    _home: Home,
}

impl World {
    fn with(script: impl IntoIterator<Item = Reply>) -> World {
        World::in_workspace(Workspace::fixture("shop"), script)
    }

    fn in_workspace(workspace: Workspace, script: impl IntoIterator<Item = Reply>) -> World {
        let model = ModelServer::start(script);
        let home = Home::with_model(&model.base_url());
        World::open(workspace, model, home)
    }

    fn open(workspace: Workspace, model: ModelServer, home: Home) -> World {
        let editor = Client::builder(&workspace).home(&home).start();
        editor.open(FILE);
        World { editor, model, workspace, _home: home }
    }

    /// Takes the code action on the stub. The command is answered at once; the work goes on in the background.
    #[track_caller]
    fn implement(&self) {
        let actions = self.editor.actions(FILE, "raise Not$0ImplementedError");
        let action = actions.iter().find(|action| action["title"] == "Implement function (preview)");
        let action = action.unwrap_or_else(|| panic!("not offered among {actions:?}"));
        assert!(action["edit"].is_null(), "a model's action must not carry an edit: {action}");
        assert_eq!(action["command"]["command"], "tantu.propose");
        self.editor.execute(&action["command"]);
    }

    /// Waits for the question about a proposal that passed its checks.
    #[track_caller]
    fn proposal(&self) -> Question {
        let question = self.editor.question();
        for action in ["Apply", "Show diff", "Why", "Discard"] {
            assert!(question.actions.iter().any(|title| title == action), "no {action}: {question:?}");
        }
        question
    }

    #[track_caller]
    fn assert_untouched(&self) {
        assert_eq!(self.editor.text(FILE), self.workspace.read(FILE));
        assert!(self.editor.session().edits.is_empty());
    }

    /// Waits until the background work has ended: its progress, which began after that of the index, has an end.
    #[track_caller]
    fn wait_for_the_end(&self) {
        let token = self.progress_token();
        self.editor.wait_for("the end of the proposal", |session| {
            session.progress.iter().find(|(of, value)| *of == token && value["kind"] == "end").map(drop)
        });
    }

    /// The token of the proposal's progress: one that can be cancelled.
    #[track_caller]
    fn progress_token(&self) -> Value {
        self.editor.wait_for("progress that can be cancelled", |session| {
            let began =
                session.progress.iter().find(|(_, value)| value["kind"] == "begin" && value["cancellable"] == true);
            began.map(|(token, _)| token.clone())
        })
    }
}

#[test]
fn proposal_is_applied_after_a_yes() {
    let world = World::with([good()]);
    world.implement();
    let question = world.proposal();
    assert!(question.text.contains("best_discount"), "{}", question.text);
    world.assert_untouched();

    world.editor.choose("Apply");
    world.editor.wait_for("the edit", |session| session.edits.first().cloned()).expect("it fits the buffer");
    world.wait_for_the_end();
    let text = world.editor.text(FILE);
    let (before, _) = text.split_once("def best_discount").expect("the function is still there");
    assert!(world.workspace.read(FILE).starts_with(before), "only the function may change");
    assert!(text.contains("if off > most:") && !text.contains(STUB), "{text}");
    assert_eq!(world.editor.session().documents.len(), 1, "no other file is touched");
    assert_eq!(world.workspace.read(FILE).matches(STUB).count(), 1, "saving is the person's business");
    assert_eq!(world.model.asked().len(), 1);
}

#[test]
fn proposal_with_an_undefined_name_is_asked_for_again() {
    let world = World::with(recorded());
    world.implement();
    world.proposal();
    let asked = world.model.asked();
    assert_eq!(asked.len(), 2);
    assert!(!asked[0].prompt().contains("total_amount"));
    assert!(asked[1].prompt().contains("total_amount"), "the second prompt has to say what was wrong");
    world.editor.choose("Apply");
    world.editor.wait_for("the edit", |session| session.edits.first().cloned()).expect("it fits the buffer");
    assert!(!world.editor.text(FILE).contains("total_amount"));
}

#[test]
fn proposal_is_not_offered_when_no_attempt_passes() {
    let [wrong, _] = recorded();
    let world = World::with([wrong.clone(), wrong]);
    world.implement();
    let message = world.editor.message("total_amount");
    assert!(message.kind <= 2, "{message:?}");
    // The same answer to the same findings would lead to the same question.
    assert_eq!(world.model.asked().len(), 2);
    world.wait_for_the_end();
    world.assert_untouched();
}

#[test]
fn shows_its_diff_and_its_reasons_and_asks_again() {
    let world = World::with([good()]);
    world.implement();
    let first = world.proposal();
    world.editor.choose("Show diff");
    world.editor.wait_for("a document with the diff", |session| session.shown_documents.first().cloned());
    let second = world.proposal();
    assert_eq!(first.actions, second.actions);
    world.editor.choose("Why");
    world.editor.wait_for("the evidence", |session| session.shown_documents.get(1).cloned());
    world.proposal();
    world.assert_untouched();
    world.editor.choose("Discard");
    world.wait_for_the_end();
    world.assert_untouched();
}

#[test]
fn proposal_is_adjusted_as_the_person_wants_it() {
    let workspace = Workspace::fixture("shop");
    let model = ModelServer::start([good(), good()]);
    let home = Home::with_model(&model.base_url());
    let input = json!({ "tantu": { "input": true } });
    let editor = Client::builder(&workspace).home(&home).capability("/experimental", input).start();
    editor.open(FILE);
    let world = World { editor, model, workspace, _home: home };
    world.implement();
    assert!(world.proposal().actions.iter().any(|title| title == "Adjust"));
    // Who has nothing to say after all is asked again.
    world.editor.choose("Adjust");
    world.proposal();
    world.editor.session().texts.push_back("use max() with a key".to_owned());
    world.editor.choose("Adjust");
    world.editor.wait_for("the second question to the model", |_| (world.model.asked().len() == 2).then_some(()));
    let prompt = world.model.asked()[1].prompt().to_owned();
    assert!(prompt.contains("use max() with a key") && prompt.contains("passed the checks"), "{prompt}");
    world.proposal();
    world.editor.choose("Apply");
    world.editor.wait_for("the edit", |session| session.edits.first().cloned()).expect("it fits the buffer");
    world.wait_for_the_end();
}

#[test]
fn proposal_is_dropped_when_discarded_or_dismissed() {
    let world = World::with([good()]);
    world.implement();
    world.proposal();
    world.editor.choose("Discard");
    world.wait_for_the_end();
    world.assert_untouched();

    let world = World::with([good()]);
    world.implement();
    world.proposal();
    world.editor.dismiss();
    world.wait_for_the_end();
    world.assert_untouched();
}

#[test]
fn proposal_is_refused_when_its_place_has_changed() {
    let world = World::with([good()]);
    world.implement();
    world.proposal();
    world.editor.replace(FILE, STUB, "    return next(iter(discounts), None)\n");
    let typed = world.editor.text(FILE);
    world.editor.choose("Apply");
    world.editor.message("changed");
    world.wait_for_the_end();
    assert_eq!(world.editor.text(FILE), typed);
}

#[test]
fn never_lands_in_the_wrong_place_when_lines_above_it_have_moved() {
    let world = World::with([good()]);
    world.implement();
    world.proposal();
    world.editor.insert(FILE, "$0class Discount(ABC)", "# one 🧵\n# two\n\n\n");
    let typed = world.editor.text(FILE);
    world.editor.choose("Apply");
    world.wait_for_the_end();
    let text = world.editor.text(FILE);
    let (before, after) = text.split_once("def best_discount").expect("the function is still there");
    assert!(typed.starts_with(before), "{text}");
    assert!(after.contains("if off > most:") && !after.contains(STUB), "{text}");
    assert_eq!(world.model.asked().len(), 1);
}

/// The model does this; the person is told `why`, is asked nothing, and finds the buffer as it was.
fn check_failure(what: &str, script: Vec<Reply>, why: &str) {
    let model = ModelServer::start(script);
    let home = Home::new();
    home.configure(&format!("{}timeouts = {{ first-token = 1.5 }}\n", model_settings(&model.base_url())));
    let world = World::open(Workspace::fixture("shop"), model, home);
    world.implement();
    world.wait_for_the_end();
    let said: Vec<_> = world.editor.session().messages.iter().map(|message| message.text.clone()).collect();
    assert!(said.iter().any(|text| text.contains(why)), "a model that {what}: {said:?}");
    world.assert_untouched();
    assert!(world.editor.session().open_questions.is_empty(), "a model that {what}");
}

#[test]
fn leaves_the_buffer_alone_when_the_model_refuses() {
    check_failure("refuses the key", vec![Reply::Refuse(401, "no such key".to_owned())], "no such key");
    check_failure("is overloaded", vec![Reply::Refuse(503, "too busy".to_owned()); 9], "too busy");
}

#[test]
fn leaves_the_buffer_alone_when_the_model_says_nothing_that_helps() {
    check_failure("answers nonsense", vec![Reply::Nonsense; 9], "cannot understand");
    check_failure("has no code", vec![Reply::Text("I am sorry, I cannot help with that.".to_owned()); 9], "code");
}

#[test]
fn leaves_the_buffer_alone_when_the_model_breaks_off_or_hangs() {
    let Reply::Text(whole) = good() else { unreachable!("recorded replies are texts") };
    check_failure("breaks off", vec![Reply::CutOff(whole); 9], "cut off");
    check_failure("hangs", vec![Reply::Hang; 9], "gave up");
}

#[test]
fn says_so_when_nobody_listens() {
    let workspace = Workspace::fixture("shop");
    let home = Home::with_model(&ModelServer::nobody());
    let editor = Client::builder(&workspace).home(&home).start();
    editor.open(FILE);
    let at = editor.at(FILE, "raise Not$0ImplementedError");
    let argument = json!({ "assist": "implement-function", "uri": editor.uri(FILE), "position": at["position"] });
    editor.execute(&json!({ "command": "tantu.propose", "arguments": [argument] }));
    editor.message("127.0.0.1");
    assert_eq!(editor.text(FILE), workspace.read(FILE));
}

#[test]
fn can_be_cancelled_while_the_model_thinks() {
    let world = World::with([Reply::Hang, good()]);
    world.implement();
    world.model.wait_until_asked(1);
    let token = world.progress_token();
    world.editor.notify("window/workDoneProgress/cancel", json!({ "token": token }));
    world.model.wait_until_abandoned();
    world.wait_for_the_end();
    world.assert_untouched();
    assert_eq!(world.model.asked().len(), 1, "cancelled is not failed: no second attempt");
}

#[test]
fn does_not_keep_the_editor_waiting() {
    let world = World::with([Reply::Hang]);
    world.implement();
    world.model.wait_until_asked(1);
    // While the model hangs, everything else goes on.
    world.editor.replace(FILE, "class FixedOff(", "class Fixed(");
    assert!(world.editor.hover(FILE, "class Fix$0ed(").contains("Fixed"));
    let token = world.progress_token();
    world.editor.notify("window/workDoneProgress/cancel", json!({ "token": token }));
    world.wait_for_the_end();
}

#[test]
fn sends_no_secrets() {
    let workspace = Workspace::fixture("shop");
    let secret = ["sk", "live", "4eC39HqLyjWDarjtT1zdp7dcXyZ0"].join("_");
    workspace.write(".env", format!("PAYMENT_KEY={secret}\n"));
    let text = workspace.read(FILE).replace(STUB, &format!("    key = \"{secret}\"\n{STUB}"));
    workspace.write(FILE, text);
    let world = World::in_workspace(workspace, [good()]);
    world.implement();
    let asked = world.model.wait_until_asked(1);
    assert!(asked[0].prompt().contains("best_discount"));
    assert!(!asked[0].body.to_string().contains(&secret));
    world.proposal();
    world.editor.choose("Discard");
    world.wait_for_the_end();
}

#[test]
fn cannot_be_switched_on_by_a_file_of_the_workspace() {
    let model = ModelServer::start([good()]);
    let workspace = Workspace::fixture("shop");
    workspace.write("tantu.toml", model_settings(&model.base_url()));
    let editor = Client::start(&workspace);
    editor.open(FILE);
    let at = editor.at(FILE, "raise Not$0ImplementedError");
    let argument = json!({ "assist": "implement-function", "uri": editor.uri(FILE), "position": at["position"] });
    editor.execute(&json!({ "command": "tantu.propose", "arguments": [argument] }));
    assert!(editor.question().text.contains("config.toml"));
    assert!(model.asked().is_empty());
}

#[test]
fn an_editor_that_compares_is_sent_the_texts() {
    let (workspace, model) = (Workspace::fixture("shop"), ModelServer::start([good()]));
    let home = Home::with_model(&model.base_url());
    let compares = json!({ "tantu": { "diff": true } });
    let editor = Client::builder(&workspace).home(&home).capability("/experimental", compares).start();
    editor.open(FILE);
    let world = World { editor, model, workspace, _home: home };
    world.implement();
    world.proposal();
    world.editor.choose("Show diff");
    let shown = world.editor.wait_for("both texts", |session| {
        let mut all = session.log.iter().map(|record| &record.message);
        all.find(|message| message["method"] == "tantu/diff").map(|message| message["params"].clone())
    });
    let files = shown["files"].as_array().expect("a list");
    assert_eq!((files.len(), &files[0]["uri"]), (1, &json!(world.editor.uri(FILE))));
    let text = files[0]["text"].as_str().expect("a text");
    assert!(text.contains("if off > most:") && !text.contains(STUB), "{text}");
    assert_eq!(world.editor.session().shown_documents.len(), 0);
    // What has moved since cannot be shown like that.
    world.proposal();
    world.editor.replace(FILE, "The kinds of discount", "All kinds of discount");
    world.editor.choose("Show diff");
    world.editor.wait_for("the diff as a document", |session| session.shown_documents.first().cloned());
    world.proposal();
    world.editor.dismiss();
}

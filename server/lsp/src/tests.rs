//! Whole sessions, with an editor in memory.

mod workspace_diagnostics;

use std::collections::{HashMap, VecDeque};
use std::path::Path;

use sandbox::fake::{Fake, passing};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::task::JoinHandle;

use super::*;

mod code_actions;
mod runs;

/// An editor in memory: it speaks the protocol with [`serve`], which knows no difference.
struct Client {
    input: DuplexStream,
    output: BufReader<DuplexStream>,
    server: JoinHandle<anyhow::Result<bool>>,
    next_id: i64,
    answers: HashMap<i64, Value>,
    notifications: Vec<Value>,
    /// Requests of the server's, and the answers to its questions, which are otherwise dismissed.
    requests: Vec<Value>,
    choices: VecDeque<&'static str>,
    /// A text that the document gets right before such an answer.
    edit_before_answer: Option<String>,
    /// It knows no such questions.
    cannot_ask: bool,
}

/// Nothing has a wrong type.
fn untyped() -> Arc<dyn TypeChecker> {
    Arc::new(validate::FakeTypeChecker(|_: &validate::TypeQuestion| Ok(validate::TypeAnswer::default())))
}

fn framed(message: &Value) -> String {
    let body = message.to_string();
    format!("Content-Length: {}\r\n\r\n{body}", body.len())
}

const URI: &str = "file:///w/a.py";

impl Client {
    async fn start(capabilities: Value) -> Self {
        Client::initialize(json!({ "capabilities": capabilities }), None).await
    }

    /// With a workspace folder, whose index is complete on return.
    async fn in_folder(folder: &Path) -> Self {
        let folder = to_proto::uri(folder).unwrap();
        let folders = json!([{ "uri": folder, "name": "w" }]);
        let watches = json!({ "didChangeWatchedFiles": { "dynamicRegistration": true } });
        let capabilities = json!({ "workspace": watches, "window": { "workDoneProgress": true } });
        let params = json!({ "capabilities": capabilities, "workspaceFolders": folders });
        let mut client = Client::initialize(params, None).await;
        client.wait_for_index().await;
        client
    }

    async fn initialize(params: Value, settings: Option<PathBuf>) -> Self {
        Client::with_cache(params, settings, None).await
    }

    async fn with_cache(params: Value, settings: Option<PathBuf>, cache: Option<PathBuf>) -> Self {
        let sandbox = || SandboxState::Prepared;
        let runner = Fake::new(|request| Ok(passing(request)));
        let services = Services {
            runner: Arc::new(runner),
            confined: None,
            types: untyped(),
            settings,
            cache,
            sandbox,
            agents: None,
        };
        Client::with_services(params, services).await
    }

    async fn with_services(params: Value, services: Services) -> Self {
        let (input, server_input) = tokio::io::duplex(1 << 20);
        let (server_output, output) = tokio::io::duplex(1 << 20);
        let server = tokio::spawn(serve(server_input, server_output, services));
        let mut client = Client {
            input,
            output: BufReader::new(output),
            server,
            next_id: 0,
            answers: HashMap::new(),
            notifications: Vec::new(),
            requests: Vec::new(),
            choices: VecDeque::new(),
            edit_before_answer: None,
            cannot_ask: false,
        };
        client.ask("initialize", params).await;
        client.tell("initialized", json!({})).await;
        client
    }

    async fn send(&mut self, message: Value) {
        self.input.write_all(framed(&message).as_bytes()).await.unwrap();
    }

    async fn tell(&mut self, method: &str, params: Value) {
        self.send(json!({ "jsonrpc": "2.0", "method": method, "params": params })).await;
    }

    /// Sends a request without waiting for its answer.
    async fn request(&mut self, method: &str, params: Value) -> i64 {
        self.next_id += 1;
        self.send(json!({ "jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params })).await;
        self.next_id
    }

    /// Takes in one message, for which the server has long enough.
    async fn receive(&mut self) {
        let message = tokio::time::timeout(Duration::from_secs(30), self.message());
        let message = message.await.unwrap_or_else(|_| panic!("silence after {:?}", self.notifications));
        match message["id"].as_i64() {
            Some(id) if message["method"].is_null() => drop(self.answers.insert(id, message)),
            Some(id) => {
                let is_question = message["method"] == "window/showMessageRequest";
                let edit = self.edit_before_answer.take_if(|_| is_question);
                let result = match message["method"].as_str() {
                    Some("window/showMessageRequest") => {
                        self.choices.pop_front().map_or(Value::Null, |title| json!({ "title": title }))
                    }
                    Some("workspace/applyEdit") => json!({ "applied": true }),
                    _ => Value::Null,
                };
                self.requests.push(message);
                let answer = match is_question && self.cannot_ask {
                    true => json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": "what?" } }),
                    false => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
                };
                let answer = framed(&answer);
                let edit = edit.map(|text| {
                    framed(&json!({
                        "jsonrpc": "2.0",
                        "method": "textDocument/didChange",
                        "params": {
                            "textDocument": { "uri": URI, "version": 1 },
                            "contentChanges": [{ "text": text }],
                        },
                    }))
                });
                // In one piece, so that the server finds both at once.
                let both = edit.unwrap_or_default() + &answer;
                self.input.write_all(both.as_bytes()).await.unwrap();
            }
            None => self.notifications.push(message),
        }
    }

    async fn message(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).await.unwrap(), 0, "the server has gone");
            match line.trim().split_once(": ") {
                Some((_, value)) => length = value.parse().unwrap(),
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    async fn answer(&mut self, id: i64) -> Value {
        while !self.answers.contains_key(&id) {
            self.receive().await;
        }
        self.answers.remove(&id).unwrap()
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params).await;
        self.answer(id).await["result"].take()
    }

    async fn open(&mut self, text: &str) {
        let document = json!({ "uri": URI, "languageId": "python", "version": 0, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document })).await;
    }

    async fn replace(&mut self, version: i32, text: &str) {
        let document = json!({ "uri": URI, "version": version });
        let params = json!({ "textDocument": document, "contentChanges": [{ "text": text }] });
        self.tell("textDocument/didChange", params).await;
    }

    /// Waits for the end of some progress, which is that of the index if nothing else was begun.
    async fn wait_for_index(&mut self) {
        let is_end = |message: &Value| message["params"]["value"]["kind"] == "end";
        while !self.notifications.iter().any(is_end) {
            self.receive().await;
        }
        self.notifications.clear();
    }

    /// Waits for a request of the server's.
    async fn asked(&mut self, method: &str) -> Value {
        loop {
            if let Some(found) = self.requests.iter().position(|request| request["method"] == method) {
                return self.requests.remove(found)["params"].take();
            }
            self.receive().await;
        }
    }

    /// The command of the first lens that runs something.
    async fn run_lens(&mut self) -> Value {
        let lenses = self.ask("textDocument/codeLens", document()).await;
        let runs = lenses.as_array().unwrap().iter().find(|lens| lens["command"]["command"] == "tantu.run");
        runs.unwrap()["command"].clone()
    }

    async fn leave(mut self) -> bool {
        self.ask("shutdown", Value::Null).await;
        self.tell("exit", Value::Null).await;
        self.server.await.unwrap().unwrap()
    }
}

fn at(line: u32, character: u32) -> Value {
    json!({ "textDocument": { "uri": URI }, "position": { "line": line, "character": character } })
}

fn document() -> Value {
    json!({ "textDocument": { "uri": URI } })
}

#[tokio::test]
async fn every_hover_is_about_the_edit_before_it() {
    let mut client = Client::start(json!({})).await;
    client.open("def f(): pass\n").await;
    let mut asked = Vec::new();
    // All on their way before the first answer is read.
    for version in 1..=500 {
        client.replace(version, &format!("def f{version}(): pass\n")).await;
        if version % 25 == 0 {
            asked.push((version, client.request("textDocument/hover", at(0, 5)).await));
        }
    }
    for (version, id) in asked {
        let answer = client.answer(id).await.to_string();
        assert!(answer.contains(&format!("def f{version}(")), "after edit {version}: {answer}");
    }
    let last = client.ask("textDocument/hover", at(0, 5)).await.to_string();
    assert!(last.contains("def f500("), "{last}");
    assert!(client.leave().await);
}

#[tokio::test]
async fn incremental_edits_count_in_the_agreed_encoding() {
    for (encoding, column) in [("utf-8", 11), ("utf-16", 8), ("utf-32", 7)] {
        let mut client = Client::start(json!({ "general": { "positionEncodings": [encoding] } })).await;
        client.open("x = '😀é'; def f(): pass\n").await;
        // Replaces `; ` behind the string by a line break.
        let position = |character: u32| json!({ "line": 0, "character": character });
        let range = json!({ "start": position(column + 1), "end": position(column + 3) });
        let document = json!({ "uri": URI, "version": 1 });
        let change = json!({ "textDocument": document, "contentChanges": [{ "range": range, "text": "\n" }] });
        client.tell("textDocument/didChange", change).await;
        let hover = client.ask("textDocument/hover", at(1, 4)).await.to_string();
        assert!(hover.contains("def f()"), "{encoding}: {hover}");
    }
}

#[tokio::test]
async fn a_cancelled_request_is_answered_as_such_and_the_next_one_works() {
    let mut client = Client::start(json!({})).await;
    client.open("def f(): pass\n").await;
    let mut cancelled = 0;
    for version in 1..=50 {
        client.replace(version, "def f(): pass\n").await;
        let id = client.request("textDocument/hover", at(0, 5)).await;
        client.tell("$/cancelRequest", json!({ "id": id })).await;
        let answer = client.answer(id).await;
        if answer["error"]["code"] == -32800 {
            cancelled += 1;
        } else {
            assert!(answer["result"].is_object(), "{answer}");
        }
    }
    // Both messages are there at once, so that some of the answers come too late.
    assert!(cancelled > 0);
    assert!(client.ask("textDocument/hover", at(0, 5)).await.is_object());
}

#[tokio::test]
async fn diagnostics_are_pushed_with_the_version_they_are_about() {
    let mut client = Client::start(json!({})).await;
    client.open("x = (\n").await;
    client.replace(1, "x = 1\n").await;
    client.replace(2, "x = nowhere\n").await;
    let of_version = |messages: &[Value], version: i32| {
        let published = messages.iter().filter(|message| message["method"] == "textDocument/publishDiagnostics");
        published.map(|message| message["params"].clone()).find(|params| params["version"] == version)
    };
    let last = loop {
        if let Some(last) = of_version(&client.notifications, 2) {
            break last;
        }
        client.receive().await;
    };
    assert!(last["diagnostics"].to_string().contains("nowhere"), "{last}");
    let versions: Vec<_> =
        client.notifications.iter().filter_map(|message| message["params"]["version"].as_i64()).collect();
    assert!(versions.is_sorted(), "{versions:?}");
}

#[tokio::test]
async fn an_editor_that_pulls_gets_nothing_pushed() {
    let mut client = Client::start(json!({
        "textDocument": { "diagnostic": {} },
        "workspace": { "diagnostics": { "refreshSupport": true } },
    }))
    .await;
    client.open("x = nowhere\n").await;
    let report = client.ask("textDocument/diagnostic", document()).await;
    assert!(report["items"].to_string().contains("nowhere"), "{report}");
    client.ask("textDocument/documentSymbol", document()).await;
    let pushed = client.notifications.iter().any(|it| it["method"] == "textDocument/publishDiagnostics");
    assert!(!pushed, "{:?}", client.notifications);
}

#[tokio::test]
async fn a_run_shows_in_its_lens_until_the_code_changes() {
    let mut client = Client::start(json!({})).await;
    let text = "def f():\n    '''>>> f()\n    '''\n";
    client.open(text).await;
    let lens = client.run_lens().await;
    assert_eq!(lens["title"], "▶ doctest");
    client.ask("workspace/executeCommand", lens).await;
    while client.run_lens().await["title"] != "✓ 2 passed · 0 ms" {
        tokio::task::yield_now().await;
    }
    client.replace(1, &format!("# A remark.\n{text}\n")).await;
    assert_eq!(client.run_lens().await["title"], "✓ 2 passed · 0 ms");
    client.replace(2, &text.replace(">>> f()", ">>> f(); f()")).await;
    assert_eq!(client.run_lens().await["title"], "✓ 2 passed · 0 ms · outdated");
}

#[tokio::test]
async fn an_editor_that_just_goes_was_not_orderly() {
    let client = Client::start(json!({})).await;
    let Client { input, server, .. } = client;
    drop(input);
    assert!(!server.await.unwrap().unwrap());
}

/// The files that refer to the name at the beginning of `file`, each as often as it does.
async fn references(client: &mut Client, file: &Path) -> Vec<String> {
    let position = json!({ "line": 0, "character": 4 });
    let document = json!({ "uri": to_proto::uri(file) });
    let context = json!({ "includeDeclaration": false });
    let params = json!({ "textDocument": document, "position": position, "context": context });
    let found = client.ask("textDocument/references", params).await;
    let name = |place: &Value| place["uri"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
    found.as_array().unwrap().iter().map(name).collect()
}

fn touched(path: &Path) -> Value {
    json!({ "changes": [{ "uri": to_proto::uri(path), "type": 2 }] })
}

#[tokio::test]
async fn an_answer_knows_every_change_on_disk_that_was_reported_before() {
    let folder = tempfile::tempdir().unwrap();
    let (lib, user) = (folder.path().join("lib.py"), folder.path().join("pkg/user.py"));
    std::fs::write(&lib, "def f(): pass\n").unwrap();
    let mut client = Client::in_folder(folder.path()).await;
    assert_eq!(references(&mut client, &lib).await, [""; 0]);

    std::fs::create_dir(folder.path().join("pkg")).unwrap();
    std::fs::write(&user, "from lib import f\nf()\n").unwrap();
    client.tell("workspace/didChangeWatchedFiles", touched(&user)).await;
    assert_eq!(references(&mut client, &lib).await, ["user.py", "user.py"]);

    // All that is heard of a folder that was removed may be its own name.
    std::fs::remove_dir_all(folder.path().join("pkg")).unwrap();
    client.tell("workspace/didChangeWatchedFiles", touched(&folder.path().join("pkg"))).await;
    assert_eq!(references(&mut client, &lib).await, [""; 0]);
}

#[tokio::test]
async fn an_edit_does_not_overtake_a_question_that_waits_for_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.py");
    std::fs::write(&file, "def first(): pass\n").unwrap();
    let mut client = Client::in_folder(folder.path()).await;
    let uri = to_proto::uri(&file);
    let document = json!({ "uri": uri, "languageId": "python", "version": 1, "text": "def second(): pass\n" });
    client.tell("textDocument/didOpen", json!({ "textDocument": document })).await;
    let position = json!({ "textDocument": { "uri": uri }, "position": { "line": 0, "character": 5 } });
    for version in 2..40 {
        client.tell("workspace/didChangeWatchedFiles", touched(&file)).await;
        let asked = client.request("textDocument/hover", position.clone()).await;
        let change = json!({ "text": format!("def version{version}(): pass\n") });
        let document = json!({ "uri": uri, "version": version });
        let edit = json!({ "textDocument": document, "contentChanges": [change] });
        client.tell("textDocument/didChange", edit).await;
        let hover = client.answer(asked).await.to_string();
        let before = if version == 2 { "second".to_owned() } else { format!("version{}", version - 1) };
        assert!(hover.contains(&format!("def {before}(")), "asked before edit {version}: {hover}");
    }
}

#[tokio::test]
async fn folders_come_and_go() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(one.path().join("lib.py"), "def f(): pass\n").unwrap();
    std::fs::write(two.path().join("user.py"), "from lib import f\n").unwrap();
    let mut client = Client::in_folder(one.path()).await;
    let named = |folder: &Path| json!([{ "uri": to_proto::uri(folder), "name": "w" }]);
    for (added, removed, expected) in
        [(named(two.path()), json!([]), vec!["user.py"]), (json!([]), named(two.path()), vec![])]
    {
        let event = json!({ "added": added, "removed": removed });
        client.tell("workspace/didChangeWorkspaceFolders", json!({ "event": event })).await;
        client.wait_for_index().await;
        assert_eq!(references(&mut client, &one.path().join("lib.py")).await, expected);
    }
}

#[tokio::test]
async fn the_next_session_starts_with_what_the_last_one_kept() {
    let (cache, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = folder.path().canonicalize().unwrap();
    let (lib, user) = (root.join("lib.py"), root.join("user.py"));
    std::fs::write(&lib, "def f(): pass\n").unwrap();
    std::fs::write(&user, "import lib\nlib.f()\n").unwrap();
    let params = json!({
        "capabilities": { "window": { "workDoneProgress": true } },
        "workspaceFolders": [{ "uri": to_proto::uri(&root), "name": "w" }],
    });
    let database = || workspace::persistence::Persistence::open(cache.path(), std::slice::from_ref(&root)).unwrap();
    let known = || {
        let (mut change, _) = graph::load(&[lib.clone(), user.clone()], &|_| ());
        database().restore(&mut change)
    };
    for expected in [vec!["user.py"], vec!["user.py", "user.py"]] {
        let cache = Some(cache.path().to_path_buf());
        let mut client = Client::with_cache(params.clone(), None, cache).await;
        client.wait_for_index().await;
        assert_eq!(references(&mut client, &lib).await, expected);
        while known() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // What is saved while the server runs is kept as well.
        std::fs::write(&user, "import lib\nlib.f()\nlib.f()\n").unwrap();
        client.tell("workspace/didChangeWatchedFiles", touched(&user)).await;
        while known() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(client.leave().await);
    }
    // A file that is none of ours in the database's place costs time, and nothing else.
    let path = database().path().to_path_buf();
    std::fs::write(&path, "no database").unwrap();
    let mut client = Client::with_cache(params, None, Some(cache.path().to_path_buf())).await;
    client.wait_for_index().await;
    assert_eq!(references(&mut client, &lib).await, ["user.py", "user.py"]);
}

/// An editor that shows everything a proposal needs.
fn able() -> Value {
    json!({
        "window": { "workDoneProgress": true },
        "workspace": { "applyEdit": true, "workspaceEdit": { "documentChanges": true } },
    })
}

/// The user's settings with a model that gives this reply.
fn recorded(folder: &Path, reply: &str) -> PathBuf {
    std::fs::write(folder.join("replies.json"), json!([{ "reply": reply }]).to_string()).unwrap();
    let file = folder.join("config.toml");
    let settings = "\
        [models.tape]\nprovider = \"recorded\"\nreplies = \"replies.json\"\n\
        [propose]\nmodels = [\"tape\"]\nmax-attempts = 1\n";
    std::fs::write(&file, settings).unwrap();
    file
}

const STUB: &str = "def double(x):\n    \"\"\"Twice x.\"\"\"\n    raise NotImplementedError\n";
const REPLY: &str = "```python\ndef double(x):\n    return 2 * x\n```\nConfidence: 0.9\n";

/// Opens the stub, takes the code action on it, and returns the session.
async fn proposing(choices: &[&'static str]) -> (Client, tempfile::TempDir) {
    proposing_while_editing(choices, None).await
}

/// The same; the document gets the text `edit` right before the proposal is answered.
async fn proposing_while_editing(choices: &[&'static str], edit: Option<String>) -> (Client, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut client = Client::initialize(json!({ "capabilities": able() }), Some(recorded(folder.path(), REPLY))).await;
    client.choices.extend(choices);
    client.edit_before_answer = edit;
    propose(&mut client).await;
    (client, folder)
}

/// The question what can be done where the stub is to be written.
fn at_stub() -> Value {
    let range = json!({ "start": { "line": 2, "character": 6 }, "end": { "line": 2, "character": 6 } });
    json!({ "textDocument": { "uri": URI }, "range": range, "context": { "diagnostics": [] } })
}

async fn propose(client: &mut Client) {
    client.open(STUB).await;
    let actions = client.ask("textDocument/codeAction", at_stub()).await;
    assert!(actions[0]["edit"].is_null(), "{actions}");
    let resolved = client.ask("codeAction/resolve", actions[0].clone()).await;
    assert_eq!(resolved, actions[0]);
    assert!(client.ask("workspace/executeCommand", actions[0]["command"].clone()).await.is_null());
}

#[tokio::test]
async fn an_approved_proposal_is_applied_to_the_version_that_was_checked() {
    let (mut client, _folder) = proposing(&["Apply"]).await;
    let question = client.asked("window/showMessageRequest").await;
    assert!(question["message"].as_str().unwrap().contains("double"), "{question}");
    let edit = client.asked("workspace/applyEdit").await;
    let change = &edit["edit"]["documentChanges"][0];
    assert_eq!(change["textDocument"], json!({ "uri": URI, "version": 0 }));
    assert!(change["edits"].to_string().contains("return 2 * x"), "{edit}");
}

#[tokio::test]
async fn a_yes_does_not_overtake_the_edit_before_it() {
    for _ in 0..20 {
        let edit = STUB.replace("raise NotImplementedError", "return x + x");
        let (mut client, _folder) = proposing_while_editing(&["Apply"], Some(edit)).await;
        client.asked("window/showMessageRequest").await;
        let is_refusal = |message: &Value| message["method"] == "window/showMessage";
        let refusal = loop {
            if let Some(refusal) = client.notifications.iter().find(|message| is_refusal(message)) {
                break refusal["params"]["message"].to_string();
            }
            client.receive().await;
        };
        assert!(refusal.contains("has changed"), "{refusal}");
        assert!(!client.requests.iter().any(|request| request["method"] == "workspace/applyEdit"));
    }
}

#[tokio::test]
async fn a_dismissed_proposal_changes_nothing() {
    let (mut client, _folder) = proposing(&[]).await;
    client.asked("window/showMessageRequest").await;
    let is_end = |message: &Value| message["params"]["value"]["kind"] == "end";
    while client.notifications.iter().filter(|message| is_end(message)).count() < 2 {
        client.receive().await;
    }
    assert!(!client.requests.iter().any(|request| request["method"] == "workspace/applyEdit"));
}

#[tokio::test]
async fn an_editor_that_cannot_ask_has_the_answers_among_its_code_actions() {
    let folder = tempfile::tempdir().unwrap();
    let mut client = Client::initialize(json!({ "capabilities": able() }), Some(recorded(folder.path(), REPLY))).await;
    client.cannot_ask = true;
    propose(&mut client).await;
    for (answer, said) in [("Show diff", "Answer by a code action: "), ("Apply", "+    return 2 * x")] {
        let is_said = |it: &Value| it["params"]["message"].as_str().is_some_and(|it| it.contains(said));
        while !client.notifications.iter().any(is_said) {
            client.receive().await;
        }
        // Whoever has looked is asked again in a moment.
        let title = format!("Implement function `a.double`: {answer}");
        let action = loop {
            let actions = client.ask("textDocument/codeAction", at_stub()).await;
            if let Some(action) = actions.as_array().unwrap().iter().find(|it| it["title"] == *title) {
                break action.clone();
            }
        };
        assert!(client.ask("workspace/executeCommand", action["command"].clone()).await.is_null());
    }
    let edit = client.asked("workspace/applyEdit").await;
    assert!(edit.to_string().contains("return 2 * x"), "{edit}");
    let actions = client.ask("textDocument/codeAction", at_stub()).await;
    assert!(!actions.to_string().contains("Discard"), "{actions}");
    let asked = client.requests.iter().filter(|it| it["method"] == "window/showMessageRequest").count();
    assert_eq!(asked, 1, "it is not tried again");
}

#[tokio::test]
async fn without_a_model_nothing_is_offered_that_needs_one() {
    let mut client = Client::start(able()).await;
    client.open(STUB).await;
    let offered = client.ask("textDocument/codeAction", at_stub()).await;
    let titles: Vec<&str> = offered.as_array().unwrap().iter().filter_map(|it| it["title"].as_str()).collect();
    // What the graph knows needs no model.
    assert_eq!(titles, ["Explain `double`"]);
}

#[tokio::test]
async fn without_a_model_a_page_says_how_to_add_one() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("config.toml");
    let mut client = Client::initialize(json!({ "capabilities": able() }), Some(settings.clone())).await;
    client.choices.extend(["How to add a model"]);
    client.open(STUB).await;
    let argument = json!({ "assist": "implement-function", "uri": URI, "position": { "line": 2, "character": 6 } });
    let params = json!({ "command": "tantu.propose", "arguments": [argument] });
    assert!(client.ask("workspace/executeCommand", params).await.is_null());
    let question = client.asked("window/showMessageRequest").await;
    assert!(question["message"].as_str().unwrap().contains(settings.to_str().unwrap()), "{question}");
    // This editor opens no documents.
    let is_page =
        |it: &Value| it["params"]["message"].as_str().is_some_and(|it| it.starts_with("# How to add a model"));
    while !client.notifications.iter().any(is_page) {
        client.receive().await;
    }
}

#[tokio::test]
async fn a_finding_that_no_rule_can_mend_is_offered_to_the_model() {
    const TEXT: &str = "def f(a):\n    exec(a)\n    return eval(a)\n";
    let folder = tempfile::tempdir().unwrap();
    let reply = "```python\ndef f(a):\n    return a.run()\n```\nConfidence: 0.9\n";
    let params = json!({ "capabilities": able() });
    let mut client = Client::initialize(params, Some(recorded(folder.path(), reply))).await;
    client.choices.extend(["Apply"]);
    client.open(TEXT).await;
    let report = client.ask("textDocument/diagnostic", document()).await;
    let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 3, "character": 0 } });
    let context = json!({ "diagnostics": report["items"], "only": ["quickfix"] });
    let at = |line: u32| json!({ "start": { "line": line, "character": 4 }, "end": { "line": line, "character": 4 } });
    let mut offered = Vec::new();
    for range in [range, at(1), at(2)] {
        let params = json!({ "textDocument": { "uri": URI }, "range": range, "context": context });
        let actions = client.ask("textDocument/codeAction", params).await;
        let all = actions.as_array().cloned().unwrap_or_default();
        offered.push(
            all.into_iter().filter(|it| it["title"].as_str().unwrap().contains("with a model")).collect::<Vec<_>>(),
        );
    }
    // `eval` has a fix of its own.
    assert!(offered[2].is_empty(), "{offered:?}");
    let [action] = &offered[1][..] else { panic!("{offered:?}") };
    assert_eq!(action["title"], "Fix S102 with a model (preview)");
    client.ask("workspace/executeCommand", action["command"].clone()).await;
    let edit = client.asked("workspace/applyEdit").await;
    assert!(edit.to_string().contains("a.run()"), "{edit}");
}

/// Classes, a function and a call of it.
const NAMES: &str = "class A: ...\nclass B(A): ...\ndef f(x):\n    return x\nf(x=B())\n";

#[tokio::test]
async fn names_are_highlighted_found_and_renamed() {
    let mut client = Client::start(json!({
        "textDocument": { "rename": { "prepareSupport": true } },
        "workspace": { "workspaceEdit": {
            "documentChanges": true,
            "resourceOperations": ["rename"],
            "changeAnnotationSupport": {},
        } },
    }))
    .await;
    client.open(NAMES).await;
    let highlights = client.ask("textDocument/documentHighlight", at(2, 6)).await;
    let kinds: Vec<_> = highlights.as_array().unwrap().iter().map(|it| it["kind"].clone()).collect();
    assert_eq!(kinds, [3, 2, 3]);
    let found = client.ask("textDocument/implementation", at(0, 6)).await;
    assert_eq!(found[0]["range"]["start"], json!({ "line": 1, "character": 6 }));
    let symbols = client.ask("workspace/symbol", json!({ "query": "b" })).await;
    assert_eq!((&symbols[0]["name"], &symbols[0]["containerName"]), (&json!("B"), &json!("a")));

    let item = client.ask("textDocument/prepareTypeHierarchy", at(1, 6)).await[0].take();
    assert_eq!(item["name"], "B");
    let bases = client.ask("typeHierarchy/supertypes", json!({ "item": item })).await;
    assert_eq!(bases[0]["name"], "A");
    let subclasses = client.ask("typeHierarchy/subtypes", json!({ "item": bases[0] })).await;
    assert_eq!(subclasses[0]["name"], "B");

    let start = client.ask("textDocument/prepareRename", at(2, 6)).await;
    assert_eq!(start["placeholder"], "x");
    let mut params = at(2, 6);
    params["newName"] = json!("value");
    let edit = client.ask("textDocument/rename", params.clone()).await;
    let change = &edit["documentChanges"][0];
    assert_eq!(change["textDocument"], json!({ "uri": URI, "version": 0 }));
    let lines: Vec<_> = change["edits"].as_array().unwrap().iter().map(|it| &it["range"]["start"]["line"]).collect();
    assert_eq!(lines, [2, 3, 4]);

    params["newName"] = json!("not a name");
    let id = client.request("textDocument/rename", params.clone()).await;
    let refused = client.answer(id).await;
    assert_eq!(refused["error"]["code"], -32803, "{refused}");

    // What is not certain is put to the user.
    client.replace(1, "class A:\n    def m(self): ...\ndef f(x): x.m()\n").await;
    let mut params = at(1, 8);
    params["newName"] = json!("n");
    let edit = client.ask("textDocument/rename", params).await;
    let annotation = edit["documentChanges"][0]["edits"][1]["annotationId"].as_str().unwrap();
    assert_eq!(edit["changeAnnotations"][annotation]["needsConfirmation"], true);
}

#[tokio::test]
async fn renamed_files_keep_their_imports() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old.py"), folder.path().join("new.py"));
    let main = folder.path().join("main.py");
    std::fs::write(&old, "x = 1\n").unwrap();
    std::fs::write(&main, "from old import x\n").unwrap();
    let mut client = Client::in_folder(folder.path()).await;
    let files = json!([{ "oldUri": to_proto::uri(&old), "newUri": to_proto::uri(&new) }]);
    let edit = client.ask("workspace/willRenameFiles", json!({ "files": files })).await;
    let edits = &edit["changes"][to_proto::uri(&main).unwrap().as_str()];
    assert_eq!(edits[0]["newText"], "new", "{edit}");
}

#[tokio::test]
async fn an_editor_that_reports_only_its_own_files_is_not_asked_to_watch() {
    for (name, watches) in [("helix", false), ("other", true)] {
        let watching = json!({ "didChangeWatchedFiles": { "dynamicRegistration": true } });
        let capabilities = json!({ "workspace": watching, "window": { "workDoneProgress": true } });
        let params = json!({ "capabilities": capabilities, "clientInfo": { "name": name } });
        let mut client = Client::initialize(params, None).await;
        client.wait_for_index().await;
        client.open("x = 1\n").await;
        client.ask("textDocument/hover", at(0, 0)).await;
        if watches {
            client.asked("client/registerCapability").await;
        }
        assert!(!client.requests.iter().any(|it| it["method"] == "client/registerCapability"), "{name}");
    }
}

#[tokio::test]
async fn settings_may_come_in_a_table_with_our_name() {
    let options = json!({ "tantu": { "navigation": false } });
    let mut client = Client::initialize(json!({ "capabilities": {}, "initializationOptions": options }), None).await;
    client.open(NAMES).await;
    assert!(client.ask("textDocument/definition", at(3, 11)).await.is_null());
}

#[tokio::test]
async fn without_navigation_the_rest_stays() {
    let options = json!({ "navigation": false });
    let params = json!({ "capabilities": {}, "initializationOptions": options });
    let mut client = Client::initialize(params, None).await;
    client.open(NAMES).await;
    let mut rename = at(2, 6);
    rename["newName"] = json!("value");
    let mut references = at(2, 6);
    references["context"] = json!({ "includeDeclaration": true });
    for (method, params) in [
        ("textDocument/definition", at(3, 11)),
        ("textDocument/implementation", at(0, 6)),
        ("textDocument/references", references),
        ("textDocument/documentHighlight", at(2, 6)),
        ("textDocument/prepareRename", at(2, 6)),
        ("textDocument/rename", rename),
        ("textDocument/documentSymbol", document()),
        ("workspace/symbol", json!({ "query": "b" })),
    ] {
        assert!(client.ask(method, params).await.is_null(), "{method}");
    }
    for (method, params) in [
        ("textDocument/hover", at(2, 4)),
        ("textDocument/codeLens", document()),
        ("textDocument/prepareCallHierarchy", at(2, 4)),
        ("textDocument/prepareTypeHierarchy", at(0, 6)),
    ] {
        assert!(!client.ask(method, params).await.is_null(), "{method}");
    }
}

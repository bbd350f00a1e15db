//! What an editor knows of a session, and how it answers what the server asks of it.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::mpsc::Sender;

use serde_json::{Value, json};

use crate::buffer::{Buffer, Encoding};
use crate::wire::{Direction, Record};
use crate::workspace::uri_path;

/// The newest diagnostics of a document.
#[derive(Clone, Debug)]
pub struct Published {
    /// The document version they were computed on; `None` when the server did not say.
    pub version: Option<i64>,
    pub items: Vec<Value>,
}

/// A `window/showMessage`.
#[derive(Clone, Debug)]
pub struct Message {
    /// The protocol's number: 1 error, 2 warning, 3 info.
    pub kind: i64,
    pub text: String,
}

/// A `window/showMessageRequest`.
#[derive(Clone, Debug)]
pub struct Question {
    pub text: String,
    /// Titles of the answers it offers.
    pub actions: Vec<String>,
    id: Value,
}

/// Everything that was said in a session, as far as a test may ask.
pub struct Session {
    /// All messages of both directions.
    pub log: Vec<Record>,
    /// By URI.
    pub diagnostics: BTreeMap<String, Published>,
    /// All publications in order: what an editor has ever shown.
    pub publications: Vec<(String, Published)>,
    pub messages: Vec<Message>,
    /// Progress values with their token, in order.
    pub progress: Vec<(Value, Value)>,
    /// Questions that the person has not answered yet.
    pub open_questions: VecDeque<Question>,
    /// Parameters of all `window/showDocument`.
    pub shown_documents: Vec<Value>,
    /// Parameters of all `client/registerCapability` registrations.
    pub registrations: Vec<Value>,
    /// `workspace/applyEdit` is neither done nor answered, as by an editor that hangs.
    pub holds_edits: bool,
    /// How each `workspace/applyEdit` ended; `Err` says why it was refused.
    pub edits: Vec<Result<(), String>>,
    /// Open documents by URI.
    pub documents: BTreeMap<String, Buffer>,
    /// Settings by dotted section, for `workspace/configuration`.
    pub settings: Value,
    /// The server closed its output.
    pub ended: bool,
    pub(super) encoding: Encoding,
    /// The server wants to know which files were renamed.
    pub(super) hears_of_renames: bool,
    pub(super) waiting: HashSet<i64>,
    pub(super) answers: HashMap<i64, Result<Value, Value>>,
    choices: VecDeque<Option<String>>,
    /// What the person will answer when asked for a text.
    pub texts: VecDeque<String>,
    outbox: Option<Sender<Value>>,
}

impl Session {
    pub(super) fn new(outbox: Sender<Value>, settings: Value) -> Session {
        Session {
            log: Vec::new(),
            diagnostics: BTreeMap::new(),
            publications: Vec::new(),
            messages: Vec::new(),
            progress: Vec::new(),
            open_questions: VecDeque::new(),
            shown_documents: Vec::new(),
            registrations: Vec::new(),
            holds_edits: false,
            edits: Vec::new(),
            documents: BTreeMap::new(),
            settings,
            ended: false,
            encoding: Encoding::Utf16,
            hears_of_renames: false,
            waiting: HashSet::new(),
            answers: HashMap::new(),
            choices: VecDeque::new(),
            texts: VecDeque::new(),
            outbox: Some(outbox),
        }
    }

    /// Sends and logs a message. Messages to a server that has gone are dropped: its end shows elsewhere.
    pub(super) fn send(&mut self, mut message: Value) {
        message["jsonrpc"] = json!("2.0");
        self.log.push(Record { direction: Direction::ToServer, message: message.clone() });
        if let Some(outbox) = &self.outbox {
            let _ = outbox.send(message);
        }
    }

    pub(super) fn notify(&mut self, method: &str, params: Value) {
        self.send(json!({ "method": method, "params": params }));
    }

    /// Closes the server's input.
    pub(super) fn hang_up(&mut self) {
        self.outbox = None;
    }

    /// Answers the oldest open question, or else the next one that will be asked. `None` dismisses it.
    pub(super) fn choose(&mut self, title: Option<&str>) {
        self.choices.push_back(title.map(str::to_owned));
        self.answer_questions();
    }

    pub(super) fn receive(&mut self, message: Value) {
        self.log.push(Record { direction: Direction::ToEditor, message: message.clone() });
        let params = &message["params"];
        match (message["method"].as_str(), message.get("id")) {
            (Some("window/showMessageRequest"), Some(id)) => {
                let titles = params["actions"].as_array().into_iter().flatten();
                self.open_questions.push_back(Question {
                    text: text_of(&params["message"]),
                    actions: titles.map(|action| text_of(&action["title"])).collect(),
                    id: id.clone(),
                });
                self.answer_questions();
            }
            (Some("workspace/applyEdit"), Some(_)) if self.holds_edits => {}
            (Some(method), Some(id)) => {
                let reply = match self.answer(method, params) {
                    Some(result) => json!({ "id": id, "result": result }),
                    None => json!({ "id": id, "error": { "code": -32601, "message": "method not found" } }),
                };
                self.send(reply);
            }
            (Some(method), None) => self.note(method, params),
            (None, Some(id)) => {
                let Some(id) = id.as_i64().filter(|id| self.waiting.remove(id)) else { return };
                let answer = match message.get("error") {
                    Some(error) => Err(error.clone()),
                    None => Ok(message["result"].clone()),
                };
                self.answers.insert(id, answer);
            }
            // The conformance check reports it.
            (None, None) => {}
        }
    }

    fn note(&mut self, method: &str, params: &Value) {
        match method {
            "textDocument/publishDiagnostics" => {
                let items = params["diagnostics"].as_array().cloned().unwrap_or_default();
                let published = Published { version: params["version"].as_i64(), items };
                let uri = text_of(&params["uri"]);
                self.publications.push((uri.clone(), published.clone()));
                self.diagnostics.insert(uri, published);
            }
            "window/showMessage" => {
                let kind = params["type"].as_i64().unwrap_or_default();
                self.messages.push(Message { kind, text: text_of(&params["message"]) });
            }
            "$/progress" => self.progress.push((params["token"].clone(), params["value"].clone())),
            _ => {}
        }
    }

    /// The editor's answer to a request; `None` for one it does not know.
    fn answer(&mut self, method: &str, params: &Value) -> Option<Value> {
        let result = match method {
            "workspace/configuration" => {
                let items = params["items"].as_array().into_iter().flatten();
                items.map(|item| self.setting(item["section"].as_str().unwrap_or_default())).collect()
            }
            "client/registerCapability" => {
                self.registrations.extend(params["registrations"].as_array().into_iter().flatten().cloned());
                Value::Null
            }
            "window/showDocument" => {
                self.shown_documents.push(params.clone());
                json!({ "success": true })
            }
            "workspace/applyEdit" => {
                let outcome = self.apply(&params["edit"]);
                self.edits.push(outcome.clone());
                match outcome {
                    Ok(()) => json!({ "applied": true }),
                    Err(reason) => json!({ "applied": false, "failureReason": reason }),
                }
            }
            "tantu/input" => json!({ "text": self.texts.pop_front() }),
            "window/workDoneProgress/create" | "client/unregisterCapability" | "tantu/diff" => Value::Null,
            "workspace/codeLens/refresh" | "workspace/diagnostic/refresh" => Value::Null,
            _ => return None,
        };
        Some(result)
    }

    fn setting(&self, section: &str) -> Value {
        let mut names = section.split('.').filter(|name| !name.is_empty());
        names.try_fold(&self.settings, |value, name| value.get(name)).cloned().unwrap_or(Value::Null)
    }

    fn answer_questions(&mut self) {
        while !self.open_questions.is_empty()
            && let Some(choice) = self.choices.pop_front()
            && let Some(question) = self.open_questions.pop_front()
        {
            // A title that is not offered would be a mistake of the test; it then sees the error that the server gets.
            let reply = match choice {
                Some(title) if !question.actions.contains(&title) => {
                    let message = format!("{title:?} is not among {:?}", question.actions);
                    json!({ "id": question.id, "error": { "code": -32803, "message": message } })
                }
                Some(title) => json!({ "id": question.id, "result": { "title": title } }),
                None => json!({ "id": question.id, "result": null }),
            };
            self.send(reply);
        }
    }

    /// Applies a workspace edit as a careful editor does: all versions are checked before the first change.
    pub(super) fn apply(&mut self, edit: &Value) -> Result<(), String> {
        let mut changes = edit["documentChanges"].as_array().cloned().unwrap_or_default();
        for (uri, edits) in edit["changes"].as_object().into_iter().flatten() {
            changes.push(json!({ "textDocument": { "uri": uri, "version": null }, "edits": edits }));
        }
        for change in &changes {
            let document = &change["textDocument"];
            let Some(version) = document["version"].as_i64() else { continue };
            let held = self.documents.get(document["uri"].as_str().unwrap_or_default()).map(|buffer| buffer.version);
            if held != Some(version) {
                return Err(format!("the edit is for version {version}, the buffer is at {held:?}"));
            }
        }
        for change in &changes {
            match change["kind"].as_str() {
                Some(operation) => self.file_operation(operation, change)?,
                None => self.edit_document(change)?,
            }
        }
        Ok(())
    }

    /// Does it on disk, and says what an editor says. Open documents go with their file, edits included. Watchers are for
    /// Python files: of a folder they see nothing.
    fn file_operation(&mut self, operation: &str, change: &Value) -> Result<(), String> {
        file_operation(operation, change)?;
        let kinds = match operation {
            "create" => &[("uri", 1)][..],
            "delete" => &[("uri", 3)],
            _ => &[("oldUri", 3), ("newUri", 1)],
        };
        let events = kinds.iter().map(|(name, kind)| json!({ "uri": change[name], "type": kind }));
        let seen: Vec<_> = events.filter(|it| text_of(&it["uri"]).ends_with(".py")).collect();
        if operation == "rename" {
            self.follow(&text_of(&change["oldUri"]), &text_of(&change["newUri"]));
        }
        if !seen.is_empty() {
            self.notify("workspace/didChangeWatchedFiles", json!({ "changes": seen }));
        }
        if operation == "rename" && self.hears_of_renames {
            let file = json!({ "oldUri": change["oldUri"], "newUri": change["newUri"] });
            self.notify("workspace/didRenameFiles", json!({ "files": [file] }));
        }
        Ok(())
    }

    /// Opens the documents of a file or folder again where it has gone.
    fn follow(&mut self, old: &str, new: &str) {
        let rest = |uri: &String| uri.strip_prefix(old).filter(|it| it.is_empty() || it.starts_with('/')).map(str::len);
        let moved: Vec<_> = self.documents.keys().filter_map(|uri| Some((uri.clone(), rest(uri)?))).collect();
        for (uri, rest) in moved {
            let Some(buffer) = self.documents.remove(&uri) else { continue };
            self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
            self.open(&format!("{new}{}", &uri[uri.len() - rest..]), &buffer.text);
        }
    }

    fn edit_document(&mut self, change: &Value) -> Result<(), String> {
        let uri = text_of(&change["textDocument"]["uri"]);
        let edits = change["edits"].as_array().cloned().unwrap_or_default();
        if !self.documents.contains_key(&uri) {
            let path = uri_path(&uri).ok_or_else(|| format!("not a file: {uri}"))?;
            let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            self.open(&uri, &text);
        }
        let Some(buffer) = self.documents.get_mut(&uri) else { return Err(format!("cannot open {uri}")) };
        buffer.apply(&edits)?;
        buffer.version += 1;
        let document = json!({ "uri": uri, "version": buffer.version });
        let whole = json!([{ "text": buffer.text }]);
        self.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": whole }));
        Ok(())
    }

    pub(super) fn open(&mut self, uri: &str, text: &str) {
        let buffer = Buffer::new(text, self.encoding);
        let language = if uri.ends_with(".py") { "python" } else { "plaintext" };
        let item = json!({ "uri": uri, "languageId": language, "version": buffer.version, "text": text });
        self.documents.insert(uri.to_owned(), buffer);
        self.notify("textDocument/didOpen", json!({ "textDocument": item }));
    }
}

fn file_operation(operation: &str, change: &Value) -> Result<(), String> {
    let path = |name: &str| {
        let uri = change[name].as_str().unwrap_or_default();
        uri_path(uri).ok_or_else(|| format!("not a file: {uri:?}"))
    };
    let done = match operation {
        "create" => {
            let path = path("uri")?;
            let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
            folder.and_then(|()| std::fs::File::create_new(path)).map(drop)
        }
        "rename" => std::fs::rename(path("oldUri")?, path("newUri")?),
        "delete" => std::fs::remove_file(path("uri")?),
        _ => return Err(format!("unknown operation {operation}")),
    };
    done.map_err(|e| format!("{operation}: {e}"))
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};

    const URI: &str = "file:///a.py";

    fn session() -> (Session, Receiver<Value>) {
        let (outbox, sent) = channel();
        let mut session = Session::new(outbox, json!({ "tantu": { "codeLens": false } }));
        session.open(URI, "one two\n");
        sent.recv().unwrap();
        (session, sent)
    }

    fn edit(version: Option<i64>) -> Value {
        let at = |character| json!({ "line": 0, "character": character });
        let edits = json!([{ "range": { "start": at(0), "end": at(3) }, "newText": "1" }]);
        let change = json!({ "textDocument": { "uri": URI, "version": version }, "edits": edits });
        json!({ "id": 1, "method": "workspace/applyEdit", "params": { "edit": { "documentChanges": [change] } } })
    }

    #[test]
    fn an_edit_is_applied_and_the_server_hears_of_it_before_the_answer() {
        let (mut session, sent) = session();
        session.receive(edit(Some(1)));
        assert_eq!(session.documents[URI].text, "1 two\n");
        let change = sent.recv().unwrap();
        assert_eq!(
            (&change["method"], &change["params"]["textDocument"]["version"]),
            (&json!("textDocument/didChange"), &json!(2))
        );
        assert_eq!(sent.recv().unwrap()["result"], json!({ "applied": true }));
    }

    #[test]
    fn an_edit_for_another_version_is_refused() {
        let (mut session, sent) = session();
        session.receive(edit(Some(7)));
        assert_eq!(session.documents[URI].text, "one two\n");
        assert_eq!(sent.recv().unwrap()["result"]["applied"], json!(false));
        assert!(session.edits[0].is_err());
    }

    #[test]
    fn a_question_waits_for_the_person() {
        let (mut session, sent) = session();
        let actions = json!([{ "title": "Apply" }, { "title": "Discard" }]);
        let ask = json!({ "id": 4, "method": "window/showMessageRequest",
                          "params": { "type": 3, "message": "Ready", "actions": actions } });
        session.receive(ask.clone());
        assert!(sent.try_recv().is_err());
        session.choose(Some("Apply"));
        assert_eq!(sent.recv().unwrap()["result"], json!({ "title": "Apply" }));
        session.choose(None);
        session.receive(ask);
        assert_eq!(sent.recv().unwrap()["result"], Value::Null);
    }

    #[test]
    fn settings_are_looked_up_by_section() {
        let (mut session, sent) = session();
        let items = json!([{ "section": "tantu" }, { "section": "tantu.codeLens" }, { "section": "other" }]);
        session.receive(json!({ "id": 2, "method": "workspace/configuration", "params": { "items": items } }));
        assert_eq!(sent.recv().unwrap()["result"], json!([{ "codeLens": false }, false, null]));
    }

    #[test]
    fn what_the_editor_does_not_know_is_an_error() {
        let (mut session, sent) = session();
        session.receive(json!({ "id": 3, "method": "tantu/ask", "params": {} }));
        assert_eq!(sent.recv().unwrap()["error"]["code"], json!(-32601));
    }
}

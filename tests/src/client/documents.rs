//! What a person does in an editor: open, type, save, point at something and ask.
//!
//! Files are given relative to the workspace, places as a piece of text with `$0` in it (see [`Buffer::find`]).

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Client, Published};
use crate::buffer::Buffer;
use crate::workspace::{file_uri, uri_path};

impl Client {
    /// The URI of a file.
    pub fn uri(&self, file: &str) -> String {
        file_uri(&self.root.join(file))
    }

    fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    /// Opens a file with its text on disk.
    pub fn open(&self, file: &str) {
        let path = self.path(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        self.open_text(file, &text);
    }

    /// Opens a document that has this text and need not be on disk.
    pub fn open_text(&self, file: &str, text: &str) {
        let uri = self.uri(file);
        self.session().open(&uri, text);
    }

    /// The open buffer.
    ///
    /// # Panics
    /// When the file is not open.
    #[track_caller]
    pub fn buffer(&self, file: &str) -> Buffer {
        let buffer = self.session().documents.get(&self.uri(file)).cloned();
        buffer.unwrap_or_else(|| panic!("{file} is not open"))
    }

    /// The text of the open buffer.
    #[track_caller]
    pub fn text(&self, file: &str) -> String {
        self.buffer(file).text
    }

    /// Replaces `old`, which must occur once, by an incremental change.
    #[track_caller]
    pub fn replace(&self, file: &str, old: &str, new: &str) {
        let start = self.buffer(file).find(old);
        self.change(file, start..start + old.len(), new);
    }

    /// Types `text` at a place.
    #[track_caller]
    pub fn insert(&self, file: &str, place: &str, text: &str) {
        let at = self.buffer(file).find(place);
        self.change(file, at..at, text);
    }

    fn change(&self, file: &str, range: std::ops::Range<usize>, new: &str) {
        let uri = self.uri(file);
        let mut session = self.session();
        let buffer = session.documents.get_mut(&uri).expect("the caller found a place in it");
        let range_before = buffer.range(range.clone());
        buffer.text.replace_range(range, new);
        buffer.version += 1;
        let document = json!({ "uri": uri, "version": buffer.version });
        let changes = json!([{ "range": range_before, "text": new }]);
        session.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
    }

    /// Replaces the whole text by a change without a range.
    ///
    /// # Panics
    /// When the file is not open.
    #[track_caller]
    pub fn set_text(&self, file: &str, text: &str) {
        let uri = self.uri(file);
        let mut session = self.session();
        let buffer = session.documents.get_mut(&uri).unwrap_or_else(|| panic!("{file} is not open"));
        text.clone_into(&mut buffer.text);
        buffer.version += 1;
        let document = json!({ "uri": uri, "version": buffer.version });
        let changes = json!([{ "text": text }]);
        session.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
    }

    /// Writes the buffer to disk and says so.
    #[track_caller]
    pub fn save(&self, file: &str) {
        let path = self.path(file);
        std::fs::write(&path, self.text(file)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        self.notify("textDocument/didSave", json!({ "textDocument": { "uri": self.uri(file) } }));
    }

    /// Closes the document.
    pub fn close(&self, file: &str) {
        let uri = self.uri(file);
        let mut session = self.session();
        session.documents.remove(&uri);
        session.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    }

    /// Tells of a change on disk: 1 created, 2 changed, 3 deleted.
    pub fn file_event(&self, file: &str, kind: u8) {
        let changes = json!([{ "uri": self.uri(file), "type": kind }]);
        self.notify("workspace/didChangeWatchedFiles", json!({ "changes": changes }));
    }

    /// `TextDocumentPositionParams` of a place in an open file.
    #[track_caller]
    pub fn at(&self, file: &str, place: &str) -> Value {
        let buffer = self.buffer(file);
        let position = buffer.position(buffer.find(place));
        json!({ "textDocument": { "uri": self.uri(file) }, "position": position })
    }

    /// The text of the hover at a place; empty when there is none.
    #[track_caller]
    pub fn hover(&self, file: &str, place: &str) -> String {
        let hover = self.request("textDocument/hover", self.at(file, place));
        hover["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }

    /// Where the symbol at a place is defined, as [`Client::places`] writes it.
    #[track_caller]
    pub fn definition(&self, file: &str, place: &str) -> Vec<String> {
        let found = self.request("textDocument/definition", self.at(file, place));
        self.places(&found)
    }

    /// References to the symbol at a place, its declaration included, as [`Client::places`] writes them.
    #[track_caller]
    pub fn references(&self, file: &str, place: &str) -> Vec<String> {
        let mut params = self.at(file, place);
        params["context"] = json!({ "includeDeclaration": true });
        let found = self.request("textDocument/references", params);
        self.places(&found)
    }

    /// Locations as `file:line:text in the range`, lines from 1, sorted. A range in the wrong encoding shows as wrong
    /// text.
    #[track_caller]
    pub fn places(&self, locations: &Value) -> Vec<String> {
        let locations = match locations {
            Value::Array(locations) => locations.as_slice(),
            Value::Null => &[],
            single => std::slice::from_ref(single),
        };
        let mut places: Vec<_> = locations.iter().map(|location| self.place(location)).collect();
        places.sort();
        places
    }

    #[track_caller]
    fn place(&self, location: &Value) -> String {
        let uri = location["uri"].as_str().expect("a location has a URI");
        let path = uri_path(uri).unwrap_or_else(|| panic!("not a file: {uri}"));
        let session = self.session();
        let buffer = session.documents.get(uri).cloned().unwrap_or_else(|| {
            let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            Buffer::new(&text, session.encoding)
        });
        let offset = |end: &str| buffer.offset(&location["range"][end]).unwrap_or_else(|e| panic!("{location}: {e}"));
        let line = location["range"]["start"]["line"].as_u64().unwrap_or_default() + 1;
        let file = path.strip_prefix(&self.root).unwrap_or(&path).display();
        format!("{file}:{line}:{}", &buffer.text[offset("start")..offset("end")])
    }

    /// The code lenses of a file, resolved as an editor does before it shows them.
    #[track_caller]
    pub fn lenses(&self, file: &str) -> Vec<Value> {
        let lenses = self.request("textDocument/codeLens", json!({ "textDocument": { "uri": self.uri(file) } }));
        let lenses = lenses.as_array().cloned().unwrap_or_default();
        let resolved = lenses.into_iter().map(|lens| match lens["command"].is_null() {
            true => self.request("codeLens/resolve", lens),
            false => lens,
        });
        resolved.collect()
    }

    /// The code lenses of a file as `line: title`, lines from 1.
    #[track_caller]
    pub fn lens_titles(&self, file: &str) -> Vec<String> {
        let titles = self.lenses(file).into_iter().map(|lens| {
            let line = lens["range"]["start"]["line"].as_u64().unwrap_or_default() + 1;
            format!("{line}: {}", lens["command"]["title"].as_str().unwrap_or_default())
        });
        titles.collect()
    }

    /// The code actions at a place.
    #[track_caller]
    pub fn actions(&self, file: &str, place: &str) -> Vec<Value> {
        let position = self.at(file, place)["position"].take();
        let range = json!({ "start": position, "end": position });
        let params = json!({
            "textDocument": { "uri": self.uri(file) },
            "range": range,
            "context": { "diagnostics": [], "triggerKind": 1 },
        });
        self.request("textDocument/codeAction", params).as_array().cloned().unwrap_or_default()
    }

    /// Executes a `Command` as it came with a lens or an action.
    #[track_caller]
    pub fn execute(&self, command: &Value) -> Value {
        let params = json!({ "command": command["command"], "arguments": command["arguments"] });
        self.request("workspace/executeCommand", params)
    }

    /// Waits for diagnostics of the buffer's present version.
    #[track_caller]
    pub fn diagnostics(&self, file: &str) -> Vec<Value> {
        let (uri, version) = (self.uri(file), self.buffer(file).version);
        self.wait_for(&format!("diagnostics of {file} at version {version}"), |session| {
            let published: &Published = session.diagnostics.get(&uri)?;
            (published.version == Some(version)).then(|| published.items.clone())
        })
    }

    /// Waits until a diagnostic of the file satisfies `wanted`.
    #[track_caller]
    pub fn diagnostic(&self, file: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let uri = self.uri(file);
        self.wait_for(&format!("a diagnostic of {file}: {what}"), |session| {
            session.diagnostics.get(&uri)?.items.iter().find(|item| wanted(item)).cloned()
        })
    }
}

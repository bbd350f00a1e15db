//! What a person lets the server change: names, code actions, imports of files that move.

use std::ops::Range;

use serde_json::{Value, json};

use super::Client;

impl Client {
    /// Applies an edit as an editor does: all of it, or nothing where a version is not that of the buffer.
    ///
    /// # Errors
    /// Why it was refused.
    pub fn apply(&self, edit: &Value) -> Result<(), String> {
        self.session().apply(edit)
    }

    /// The edit that gives what is at a place another name, after asking whether it can have one.
    ///
    /// # Errors
    /// What the server says instead.
    #[track_caller]
    pub fn rename_edit(&self, file: &str, place: &str, name: &str) -> Result<Value, String> {
        let said = |error: Value| error["message"].as_str().unwrap_or_default().to_owned();
        let mut params = self.at(file, place);
        self.try_request("textDocument/prepareRename", params.clone()).map_err(said)?;
        params["newName"] = json!(name);
        self.try_request("textDocument/rename", params).map_err(said)
    }

    /// Gives what is at a place another name.
    ///
    /// # Panics
    /// When the server refuses, or the edit does not fit the buffers.
    #[track_caller]
    pub fn rename(&self, file: &str, place: &str, name: &str) {
        let edit = self.rename_edit(file, place, name).unwrap_or_else(|e| panic!("{place} to {name}: {e}"));
        self.apply(&edit).unwrap_or_else(|e| panic!("{place} to {name}: {e}"));
    }

    /// The code actions for `selected`, a text that occurs once, with what is known to be wrong there. With `only`, those
    /// of that kind, also those that are not possible.
    #[track_caller]
    pub fn actions_for(&self, file: &str, selected: &str, only: Option<&str>) -> Vec<Value> {
        let buffer = self.buffer(file);
        let start = buffer.find(selected);
        self.actions_in(file, start..start + selected.len(), only)
    }

    /// The same for a range of bytes.
    fn actions_in(&self, file: &str, selected: Range<usize>, only: Option<&str>) -> Vec<Value> {
        let range = self.buffer(file).range(selected);
        let uri = self.uri(file);
        let before = |a: &Value, b: &Value| {
            let place = |it: &Value| (it["line"].as_u64(), it["character"].as_u64());
            place(a) <= place(b)
        };
        let touches =
            |it: &&Value| before(&it["range"]["start"], &range["end"]) && before(&range["start"], &it["range"]["end"]);
        let known = self.session().diagnostics.get(&uri).map(|it| it.items.clone()).unwrap_or_default();
        let diagnostics: Vec<_> = known.iter().filter(touches).collect();
        let mut context = json!({ "diagnostics": diagnostics, "triggerKind": 1 });
        if let Some(only) = only {
            context["only"] = json!([only]);
        }
        let params = json!({ "textDocument": { "uri": uri }, "range": range, "context": context });
        self.request("textDocument/codeAction", params).as_array().cloned().unwrap_or_default()
    }

    /// Takes the code action for `selected` whose title begins with `title`: resolves it and applies its edit.
    ///
    /// # Panics
    /// When it is not offered, or its edit does not fit the buffers.
    #[track_caller]
    pub fn act(&self, file: &str, selected: &str, title: &str) {
        let start = self.buffer(file).find(selected);
        self.act_in(file, start..start + selected.len(), title);
    }

    /// The same for a range of bytes.
    ///
    /// # Panics
    /// As [`Client::act`].
    #[track_caller]
    pub fn act_in(&self, file: &str, selected: Range<usize>, title: &str) {
        let offered = self.actions_in(file, selected.clone(), None);
        let action = offered.iter().find(|it| it["title"].as_str().is_some_and(|it| it.starts_with(title)));
        let mut action = action.unwrap_or_else(|| panic!("no {title:?} for {selected:?}: {offered:?}")).clone();
        if action["edit"].is_null() {
            action = self.request("codeAction/resolve", action);
        }
        self.apply(&action["edit"]).unwrap_or_else(|e| panic!("{title}: {e}"));
    }

    /// Moves a file or a folder as an editor does: imports first.
    ///
    /// # Panics
    /// When the edit does not fit the buffers.
    #[track_caller]
    pub fn move_file(&self, old: &str, new: &str) {
        let (old_uri, new_uri) = (self.uri(old), self.uri(new));
        let files = json!([{ "oldUri": old_uri, "newUri": new_uri }]);
        let edit = self.request("workspace/willRenameFiles", json!({ "files": files }));
        self.apply(&edit).unwrap_or_else(|e| panic!("{old} to {new}: {e}"));
        let moved = json!({ "documentChanges": [{ "kind": "rename", "oldUri": old_uri, "newUri": new_uri }] });
        self.apply(&moved).unwrap_or_else(|e| panic!("{old} to {new}: {e}"));
    }
}

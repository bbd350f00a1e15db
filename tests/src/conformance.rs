//! Checks what a server sent against Microsoft's meta model of the protocol (`fixtures/lsp/metaModel.json`).
//!
//! Stricter than any editor: missing, ill-typed *and* unknown fields, values outside an enumeration, answers nobody
//! waits for, and requests that the editor never said it supports. Most editors ignore such mistakes; the one that does
//! not is the one whose user sees a crash.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

use crate::wire::{Direction, Record};

/// Requests of our own, and what an editor declares that knows them.
const OWN_REQUESTS: [(&str, &str); 2] =
    [("tantu/input", "experimental.tantu.input"), ("tantu/diff", "experimental.tantu.diff")];

/// Notifications of our own, and what an editor declares that knows them.
const OWN_NOTIFICATIONS: [(&str, &str); 4] = [
    ("tantu/coverage", "experimental.tantu.coverage"),
    ("tantu/status", "experimental.tantu.status"),
    ("tantu/tests", "experimental.tantu.tests"),
    ("tantu/run", "experimental.tantu.tests"),
];

/// Everything wrong with the server's side of a session; empty for a conforming one.
pub fn violations(log: &[Record]) -> Vec<String> {
    let mut session = Session::default();
    log.iter().flat_map(|record| session.check(record)).collect()
}

/// Panics with all violations of a session, if there are any.
///
/// # Panics
/// As said.
#[track_caller]
pub fn assert_conforming(log: &[Record]) {
    let found = violations(log);
    assert!(found.is_empty(), "the server broke the protocol:\n  {}", found.join("\n  "));
}

/// What must be remembered of a session to judge its next message.
#[derive(Default)]
struct Session {
    /// Methods of the editor's requests that have no answer yet, by id.
    asked: HashMap<String, String>,
    /// What the editor declared in `initialize`.
    capabilities: Value,
    /// Tokens of progress that the server may report.
    progress: HashSet<String>,
}

impl Session {
    fn check(&mut self, record: &Record) -> Vec<String> {
        match record.direction {
            Direction::ToServer => {
                self.remember(&record.message);
                Vec::new()
            }
            Direction::ToEditor => self.judge(&record.message),
        }
    }

    fn remember(&mut self, message: &Value) {
        let Some(method) = message["method"].as_str() else { return };
        if let Some(id) = message.get("id") {
            self.asked.insert(id.to_string(), method.to_owned());
        }
        if method == "initialize" {
            self.capabilities = message["params"]["capabilities"].clone();
        }
        if let Some(token) = message["params"].get("workDoneToken") {
            self.progress.insert(token.to_string());
        }
    }

    fn judge(&mut self, message: &Value) -> Vec<String> {
        let mut found = Vec::new();
        if message["jsonrpc"] != "2.0" {
            found.push(format!("not JSON-RPC 2.0: {}", short(message)));
        }
        let checker = match (message["method"].as_str(), message.get("id")) {
            (Some(method), Some(_)) => self.judge_request(method, &message["params"], &mut found),
            (Some(method), None) => self.judge_notification(method, &message["params"], &mut found),
            (None, Some(id)) => self.judge_response(id, message),
            (None, None) => vec![format!("neither request, notification nor response: {}", short(message))],
        };
        found.extend(checker);
        found
    }

    fn judge_request(&mut self, method: &str, params: &Value, found: &mut Vec<String>) -> Vec<String> {
        if self.is_own(&OWN_REQUESTS, method) {
            return Vec::new();
        }
        let Some(definition) = MetaModel::get().requests.get(method).filter(|d| d.message_direction.is_to_editor())
        else {
            return vec![format!("a server cannot request {method}")];
        };
        if let Some(missing) = self.undeclared(method, definition.client_capability.as_deref()) {
            found.push(format!("{method} was sent, but the editor did not declare {missing}"));
        }
        match method {
            "window/workDoneProgress/create" => {
                self.progress.insert(params["token"].to_string());
            }
            "client/registerCapability" => {
                let registrations = params["registrations"].as_array().into_iter().flatten();
                found.extend(registrations.flat_map(|registration| self.judge_registration(registration)));
            }
            "workspace/applyEdit" => found.extend(self.judge_edit(&params["edit"])),
            _ => {}
        }
        MetaModel::get().check_params(method, definition, params)
    }

    /// Whether it is one of ours, and the editor has said that it knows it.
    fn is_own(&self, ours: &[(&str, &str)], method: &str) -> bool {
        let known = ours.iter().find(|(name, _)| *name == method);
        known.is_some_and(|(_, flag)| self.declared(flag) == Some(&Value::Bool(true)))
    }

    fn judge_registration(&self, registration: &Value) -> Vec<String> {
        let model = MetaModel::get();
        let method = registration["method"].as_str().unwrap_or_default();
        let Some(definition) = model.requests.get(method).or_else(|| model.notifications.get(method)) else {
            return vec![format!("registered a method that does not exist: {method}")];
        };
        let mut found = Vec::new();
        if let Some(capability) = &definition.client_capability {
            let flag = format!("{capability}.dynamicRegistration");
            if self.declared(&flag) != Some(&Value::Bool(true)) {
                found.push(format!("registered {method}, but the editor did not declare {flag}"));
            }
        }
        if let (Some(options), Some(given)) = (&definition.registration_options, registration.get("registerOptions")) {
            found.extend(model.explain(options, given, &format!("registration of {method}")));
        }
        found
    }

    fn judge_notification(&mut self, method: &str, params: &Value, found: &mut Vec<String>) -> Vec<String> {
        if self.is_own(&OWN_NOTIFICATIONS, method) {
            return Vec::new();
        }
        let model = MetaModel::get();
        let Some(definition) = model.notifications.get(method).filter(|d| d.message_direction.is_to_editor()) else {
            return vec![format!("a server cannot notify {method}")];
        };
        if method == "$/progress" {
            found.extend(self.judge_progress(params));
        }
        model.check_params(method, definition, params)
    }

    /// What the meta model does not say of a `WorkspaceEdit`: only what the editor can do, and no annotation without a
    /// description.
    fn judge_edit(&self, edit: &Value) -> Vec<String> {
        let mut found = Vec::new();
        let able = |name: &str| self.declared(&format!("workspace.workspaceEdit.{name}")).unwrap_or(&Value::Null);
        let operations = able("resourceOperations").as_array().cloned().unwrap_or_default();
        let changes: Vec<_> = edit["documentChanges"].as_array().into_iter().flatten().collect();
        // Some versions of Neovim declare only the latter, and understand both.
        if !changes.is_empty() && able("documentChanges") != &Value::Bool(true) && operations.is_empty() {
            found.push("the editor did not declare documentChanges".to_owned());
        }
        let kinds = changes.iter().filter_map(|change| change.get("kind"));
        let unable = kinds.filter(|kind| !operations.contains(kind));
        found.extend(unable.map(|kind| format!("the editor did not declare the file operation {kind}")));
        let edits = changes.iter().flat_map(|change| change["edits"].as_array().into_iter().flatten());
        let annotations = edits.chain(changes.iter().copied()).filter_map(|it| it["annotationId"].as_str());
        for annotation in annotations {
            if able("changeAnnotationSupport").is_null() {
                found.push("the editor did not declare changeAnnotationSupport".to_owned());
            }
            if edit["changeAnnotations"][annotation].is_null() {
                found.push(format!("the annotation {annotation:?} is not described"));
            }
        }
        found
    }

    /// The meta model leaves a progress value open; the specification does not.
    fn judge_progress(&self, params: &Value) -> Vec<String> {
        let token = params["token"].to_string();
        if !self.progress.contains(&token) {
            return vec![format!("progress with a token that neither side made: {token}")];
        }
        let structure = match params["value"]["kind"].as_str() {
            Some("begin") => "WorkDoneProgressBegin",
            Some("report") => "WorkDoneProgressReport",
            Some("end") => "WorkDoneProgressEnd",
            _ => return vec![format!("progress of an unknown kind: {}", short(&params["value"]))],
        };
        let kind = Type::Reference { name: structure.to_owned() };
        MetaModel::get().explain(&kind, &params["value"], "$/progress.value")
    }

    fn judge_response(&mut self, id: &Value, message: &Value) -> Vec<String> {
        let Some(method) = self.asked.remove(&id.to_string()) else {
            return vec![format!("an answer that nobody waits for: id {id}")];
        };
        let model = MetaModel::get();
        let result = model.requests.get(&method).and_then(|definition| definition.result.as_ref());
        match (message.get("result"), message.get("error"), result) {
            (None, Some(error), _) => match (error["code"].as_i64(), error["message"].as_str()) {
                (Some(_), Some(_)) => Vec::new(),
                _ => vec![format!("{method}: an error needs a code and a message: {}", short(error))],
            },
            (Some(result), None, Some(expected)) => {
                let edits = match method.as_str() {
                    "textDocument/rename" | "workspace/willRenameFiles" => vec![result],
                    "codeAction/resolve" => vec![&result["edit"]],
                    "textDocument/codeAction" => {
                        result.as_array().into_iter().flatten().map(|it| &it["edit"]).collect()
                    }
                    _ => Vec::new(),
                };
                let mut found = model.explain(expected, result, &format!("result of {method}"));
                found.extend(edits.into_iter().flat_map(|edit| self.judge_edit(edit)));
                found
            }
            // A method of our own making, which the meta model cannot know.
            (Some(_), None, None) => Vec::new(),
            _ => vec![format!("{method}: an answer is either a result or an error: {}", short(message))],
        }
    }

    /// The capability that an editor had to declare before it may be sent this request, if it did not.
    fn undeclared<'a>(&self, method: &str, capability: Option<&'a str>) -> Option<&'a str> {
        let capability = match method {
            // Every editor has these; the capability only describes details.
            "window/showMessageRequest" => return None,
            "workspace/codeLens/refresh" => "workspace.codeLens.refreshSupport",
            _ => capability?,
        };
        match self.declared(capability) {
            None | Some(Value::Null | Value::Bool(false)) => Some(capability),
            Some(_) => None,
        }
    }

    fn declared(&self, capability: &str) -> Option<&Value> {
        capability.split('.').try_fold(&self.capabilities, |value, name| value.get(name))
    }
}

#[derive(Deserialize)]
#[serde(from = "Document")]
struct MetaModel {
    requests: HashMap<String, Method>,
    notifications: HashMap<String, Method>,
    structures: HashMap<String, Structure>,
    enumerations: HashMap<String, Enumeration>,
    aliases: HashMap<String, Type>,
}

/// The meta model as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    requests: Vec<Method>,
    notifications: Vec<Method>,
    structures: Vec<Structure>,
    enumerations: Vec<Enumeration>,
    type_aliases: Vec<Alias>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Method {
    method: String,
    params: Option<Type>,
    result: Option<Type>,
    message_direction: MessageDirection,
    client_capability: Option<String>,
    registration_options: Option<Type>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum MessageDirection {
    ClientToServer,
    ServerToClient,
    Both,
}

impl MessageDirection {
    fn is_to_editor(&self) -> bool {
        !matches!(self, MessageDirection::ClientToServer)
    }
}

#[derive(Deserialize)]
struct Structure {
    name: String,
    properties: Vec<Property>,
    #[serde(default)]
    extends: Vec<Type>,
    #[serde(default)]
    mixins: Vec<Type>,
}

#[derive(Deserialize)]
struct Property {
    name: String,
    #[serde(rename = "type")]
    kind: Type,
    #[serde(default)]
    optional: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Enumeration {
    name: String,
    #[serde(rename = "type")]
    kind: Type,
    values: Vec<EnumerationValue>,
    #[serde(default)]
    supports_custom_values: bool,
}

#[derive(Deserialize)]
struct EnumerationValue {
    value: Value,
}

#[derive(Deserialize)]
struct Alias {
    name: String,
    #[serde(rename = "type")]
    kind: Type,
}

#[derive(Deserialize)]
struct Literal {
    properties: Vec<Property>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum Type {
    Base { name: String },
    Reference { name: String },
    Array { element: Box<Type> },
    Map { value: Box<Type> },
    Tuple { items: Vec<Type> },
    Or { items: Vec<Type> },
    And { items: Vec<Type> },
    Literal { value: Literal },
    StringLiteral { value: String },
}

impl From<Document> for MetaModel {
    fn from(document: Document) -> MetaModel {
        MetaModel {
            requests: document.requests.into_iter().map(|d| (d.method.clone(), d)).collect(),
            notifications: document.notifications.into_iter().map(|d| (d.method.clone(), d)).collect(),
            structures: document.structures.into_iter().map(|d| (d.name.clone(), d)).collect(),
            enumerations: document.enumerations.into_iter().map(|d| (d.name.clone(), d)).collect(),
            aliases: document.type_aliases.into_iter().map(|d| (d.name, d.kind)).collect(),
        }
    }
}

/// A mismatch and the path to it; the longer path of two is the better explanation.
struct Mismatch {
    path: String,
    what: String,
}

impl MetaModel {
    fn get() -> &'static MetaModel {
        static MODEL: OnceLock<MetaModel> = OnceLock::new();
        MODEL.get_or_init(|| {
            let path = crate::repository().join("fixtures/lsp/metaModel.json");
            let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
        })
    }

    fn check_params(&self, method: &str, definition: &Method, params: &Value) -> Vec<String> {
        match &definition.params {
            Some(kind) => self.explain(kind, params, method),
            None if params.is_null() => Vec::new(),
            None => vec![format!("{method} has no parameters, got {}", short(params))],
        }
    }

    fn explain(&self, kind: &Type, value: &Value, path: &str) -> Vec<String> {
        self.check(kind, value, path).into_iter().map(|m| format!("{}: {}", m.path, m.what)).collect()
    }

    fn check(&self, kind: &Type, value: &Value, path: &str) -> Vec<Mismatch> {
        match kind {
            Type::Base { name } => expect(is_base(name, value), name, value, path),
            Type::StringLiteral { value: literal } => expect(value == literal.as_str(), literal, value, path),
            Type::Reference { name } => self.check_reference(name, value, path),
            Type::Literal { value: literal } => check_object(self, literal.properties.iter(), value, path, "literal"),
            Type::And { items } => {
                let parts = items.iter().flat_map(|item| self.properties(item));
                check_object(self, parts, value, path, "intersection")
            }
            Type::Or { items } => self.check_alternatives(items, value, path),
            Type::Array { element } => match value.as_array() {
                Some(values) => {
                    let checked = values.iter().enumerate();
                    checked.flat_map(|(at, value)| self.check(element, value, &format!("{path}[{at}]"))).collect()
                }
                None => expect(false, "array", value, path),
            },
            Type::Tuple { items } => match value.as_array().filter(|values| values.len() == items.len()) {
                Some(values) => {
                    let checked = items.iter().zip(values).enumerate();
                    checked.flat_map(|(at, (item, value))| self.check(item, value, &format!("{path}[{at}]"))).collect()
                }
                None => expect(false, "tuple", value, path),
            },
            Type::Map { value: element } => match value.as_object() {
                Some(entries) => {
                    let checked = entries.iter();
                    checked.flat_map(|(key, value)| self.check(element, value, &format!("{path}.{key}"))).collect()
                }
                None => expect(false, "map", value, path),
            },
        }
    }

    fn check_reference(&self, name: &str, value: &Value, path: &str) -> Vec<Mismatch> {
        match name {
            "LSPAny" => return Vec::new(),
            "LSPObject" => return expect(value.is_object(), name, value, path),
            "LSPArray" => return expect(value.is_array(), name, value, path),
            _ => {}
        }
        if let Some(alias) = self.aliases.get(name) {
            return self.check(alias, value, path);
        }
        if let Some(enumeration) = self.enumerations.get(name) {
            let mismatches = self.check(&enumeration.kind, value, path);
            let listed = enumeration.values.iter().any(|entry| entry.value == *value);
            return match mismatches.is_empty() {
                true => expect(listed || enumeration.supports_custom_values, name, value, path),
                false => mismatches,
            };
        }
        let structure = Type::Reference { name: name.to_owned() };
        check_object(self, self.properties(&structure), value, path, name)
    }

    /// Of several alternatives that all fail, the one explains best that got deepest, then the one with the fewest
    /// complaints.
    fn check_alternatives(&self, items: &[Type], value: &Value, path: &str) -> Vec<Mismatch> {
        let mut attempts: Vec<_> = items.iter().map(|item| self.check(item, value, path)).collect();
        attempts.sort_by_key(|attempt| {
            let depth = attempt.first().map_or(usize::MAX, |mismatch| mismatch.path.len());
            (std::cmp::Reverse(depth), attempt.len())
        });
        attempts.into_iter().next().unwrap_or_default()
    }

    /// All properties of a structure; those it inherits come first, so that its own replace them.
    fn properties(&self, kind: &Type) -> Vec<&Property> {
        let Type::Reference { name } = kind else { return Vec::new() };
        let structure = self.structures.get(name).unwrap_or_else(|| panic!("the meta model does not define {name}"));
        let inherited = structure.extends.iter().chain(&structure.mixins).flat_map(|base| self.properties(base));
        inherited.chain(&structure.properties).collect()
    }
}

fn check_object<'a>(
    model: &MetaModel,
    properties: impl IntoIterator<Item = &'a Property>,
    value: &Value,
    path: &str,
    name: &str,
) -> Vec<Mismatch> {
    let Some(fields) = value.as_object() else { return expect(false, name, value, path) };
    let properties: HashMap<&str, &Property> = properties.into_iter().map(|p| (p.name.as_str(), p)).collect();
    let mut required: Vec<_> = properties.values().filter(|p| !p.optional && !fields.contains_key(&p.name)).collect();
    required.sort_by_key(|property| &property.name);
    let mut found: Vec<_> = required
        .into_iter()
        .map(|property| Mismatch { path: path.to_owned(), what: format!("{name} lacks `{}`", property.name) })
        .collect();
    for (field, value) in fields {
        match properties.get(field.as_str()) {
            Some(property) => found.extend(model.check(&property.kind, value, &format!("{path}.{field}"))),
            None => found.push(Mismatch { path: path.to_owned(), what: format!("{name} has no `{field}`") }),
        }
    }
    found
}

fn expect(holds: bool, what: &str, value: &Value, path: &str) -> Vec<Mismatch> {
    match holds {
        true => Vec::new(),
        false => vec![Mismatch { path: path.to_owned(), what: format!("expected {what}, got {}", short(value)) }],
    }
}

fn is_base(name: &str, value: &Value) -> bool {
    match name {
        "string" | "URI" | "DocumentUri" | "RegExp" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
        "uinteger" => value.as_u64().is_some_and(|n| n <= i32::MAX as u64),
        "decimal" => value.is_number(),
        _ => panic!("the meta model has an unknown base type: {name}"),
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A session in which the editor declared `capabilities` and asked `method` as request 7.
    fn session(capabilities: Value, method: &str, replies: &[Value]) -> Vec<String> {
        let sent = |message| Record { direction: Direction::ToServer, message };
        let mut log = vec![
            sent(json!({ "id": 1, "method": "initialize", "params": { "capabilities": capabilities } })),
            sent(json!({ "id": 7, "method": method, "params": {} })),
        ];
        let received = replies.iter().cloned();
        log.extend(received.map(|message| Record { direction: Direction::ToEditor, message }));
        violations(&log)
    }

    fn answer(method: &str, result: Value) -> Vec<String> {
        session(json!({}), method, &[json!({ "jsonrpc": "2.0", "id": 7, "result": result })])
    }

    fn notice(method: &str, params: Value) -> Value {
        json!({ "jsonrpc": "2.0", "method": method, "params": params })
    }

    fn ask(method: &str, params: Value) -> Value {
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
    }

    fn says(found: &[String], what: &str) {
        assert!(found.len() == 1 && found[0].contains(what), "expected {what:?} alone, found {found:?}");
    }

    fn range() -> Value {
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 4 } })
    }

    #[test]
    fn good_answers_pass() {
        assert_eq!(answer("textDocument/hover", Value::Null), [""; 0]);
        let hover = json!({ "contents": { "kind": "markdown", "value": "x" }, "range": range() });
        assert_eq!(answer("textDocument/hover", hover), [""; 0]);
        let command = json!({ "title": "Run", "command": "tantu.run", "arguments": [{ "uri": "file:///a.py" }] });
        let actions = json!([{ "title": "Run", "kind": "refactor.rewrite", "command": command }]);
        assert_eq!(answer("textDocument/codeAction", actions), [""; 0]);
        let symbols = json!([{ "name": "f", "kind": 12, "range": range(), "selectionRange": range(), "children": [] }]);
        assert_eq!(answer("textDocument/documentSymbol", symbols), [""; 0]);
    }

    #[test]
    fn a_missing_field_is_found() {
        let found = answer("textDocument/definition", json!({ "uri": "file:///a.py" }));
        says(&found, "Location lacks `range`");
    }

    #[test]
    fn an_unknown_field_is_found() {
        let found = answer("textDocument/hover", json!({ "contents": "x", "colour": "red" }));
        says(&found, "Hover has no `colour`");
    }

    #[test]
    fn an_ill_typed_field_is_found_deep_inside() {
        let mut wrong = range();
        wrong["end"]["line"] = json!(-1);
        let found = answer("textDocument/references", json!([{ "uri": "file:///a.py", "range": wrong }]));
        says(&found, "result of textDocument/references[0].range.end.line: expected uinteger, got -1");
    }

    #[test]
    fn a_value_outside_an_enumeration_is_found() {
        let symbols = json!([{ "name": "f", "kind": 99, "range": range(), "selectionRange": range() }]);
        says(&answer("textDocument/documentSymbol", symbols), "expected SymbolKind, got 99");
    }

    #[test]
    fn an_answer_to_no_question_and_a_second_answer_are_found() {
        let reply = json!({ "jsonrpc": "2.0", "id": 7, "result": null });
        let found = session(json!({}), "textDocument/hover", &[reply.clone(), reply]);
        says(&found, "nobody waits for: id 7");
        let stray = json!({ "jsonrpc": "2.0", "id": 8, "result": null });
        says(&session(json!({}), "textDocument/hover", &[stray]), "nobody waits for: id 8");
    }

    #[test]
    fn a_broken_envelope_is_found() {
        let both = json!({ "jsonrpc": "2.0", "id": 7, "result": null, "error": { "code": 1, "message": "" } });
        says(&session(json!({}), "textDocument/hover", &[both]), "either a result or an error");
        let old = json!({ "id": 7, "result": null });
        says(&session(json!({}), "textDocument/hover", &[old]), "not JSON-RPC 2.0");
        let wordless = json!({ "jsonrpc": "2.0", "id": 7, "error": { "code": 1 } });
        says(&session(json!({}), "textDocument/hover", &[wordless]), "needs a code and a message");
    }

    #[test]
    fn methods_of_our_own_and_of_the_other_side_are_found() {
        let own = notice("tantu/evidence", json!({}));
        says(&session(json!({}), "textDocument/hover", &[own]), "cannot notify tantu/evidence");
        let other = ask("textDocument/hover", json!({}));
        says(&session(json!({}), "textDocument/hover", &[other]), "cannot request textDocument/hover");
    }

    #[test]
    fn what_the_editor_did_not_declare_must_not_be_used() {
        let edit = ask("workspace/applyEdit", json!({ "edit": {} }));
        let declared = json!({ "workspace": { "applyEdit": true } });
        assert_eq!(session(declared, "textDocument/hover", std::slice::from_ref(&edit)), [""; 0]);
        says(&session(json!({}), "textDocument/hover", &[edit]), "did not declare workspace.applyEdit");

        let refresh = json!({ "jsonrpc": "2.0", "id": 1, "method": "workspace/codeLens/refresh" });
        let declared = json!({ "workspace": { "codeLens": { "refreshSupport": true } } });
        assert_eq!(session(declared, "textDocument/hover", std::slice::from_ref(&refresh)), [""; 0]);
        let declared = json!({ "workspace": { "codeLens": {} } });
        says(&session(declared, "textDocument/hover", &[refresh]), "did not declare workspace.codeLens.refreshSupport");
    }

    #[test]
    fn edits_do_only_what_the_editor_can() {
        let edit = |id: &str| {
            let edits = json!([{ "range": range(), "newText": "x", "annotationId": id }]);
            let document = json!({ "uri": "file:///a.py", "version": null });
            let moved = json!({ "kind": "rename", "oldUri": "file:///a.py", "newUri": "file:///b.py" });
            let result = json!({ "documentChanges": [{ "textDocument": document, "edits": edits }, moved],
                                 "changeAnnotations": { "sure": { "label": "x" } } });
            json!({ "jsonrpc": "2.0", "id": 7, "result": result })
        };
        let declared = |operations: &[&str], annotations: Value| {
            let edit = json!({ "documentChanges": true, "resourceOperations": operations,
                               "changeAnnotationSupport": annotations });
            json!({ "workspace": { "workspaceEdit": edit } })
        };
        let judged = |able, id| session(able, "textDocument/rename", &[edit(id)]);
        assert_eq!(judged(declared(&["rename"], json!({})), "sure"), [""; 0]);
        says(&judged(declared(&["create"], json!({})), "sure"), "the file operation \"rename\"");
        says(&judged(declared(&["rename"], Value::Null), "sure"), "did not declare changeAnnotationSupport");
        says(&judged(declared(&["rename"], json!({})), "doubt"), "\"doubt\" is not described");
    }

    #[test]
    fn registrations_are_checked_with_their_options() {
        let register = |options| {
            let watch = "workspace/didChangeWatchedFiles";
            let registration = json!({ "id": "w", "method": watch, "registerOptions": options });
            json!({ "jsonrpc": "2.0", "id": 1, "method": "client/registerCapability",
                    "params": { "registrations": [registration] } })
        };
        let declared = || json!({ "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } });
        let good = register(json!({ "watchers": [{ "globPattern": "**/*.py" }] }));
        assert_eq!(session(declared(), "textDocument/hover", std::slice::from_ref(&good)), [""; 0]);
        says(&session(json!({}), "textDocument/hover", &[good]), "didChangeWatchedFiles.dynamicRegistration");
        says(&session(declared(), "textDocument/hover", &[register(json!({}))]), "lacks `watchers`");
    }

    #[test]
    fn progress_needs_a_known_token_and_a_known_shape() {
        let report = |token: &str, value: Value| notice("$/progress", json!({ "token": token, "value": value }));
        let create = || ask("window/workDoneProgress/create", json!({ "token": "t" }));
        let declared = || json!({ "window": { "workDoneProgress": true } });
        let begin = json!({ "kind": "begin", "title": "Indexing" });
        let good = [create(), report("t", begin.clone()), report("t", json!({ "kind": "end" }))];
        assert_eq!(session(declared(), "textDocument/hover", &good), [""; 0]);
        says(&session(declared(), "textDocument/hover", &[report("u", begin)]), "a token that neither side made");
        let untitled = [create(), report("t", json!({ "kind": "begin" }))];
        says(&session(declared(), "textDocument/hover", &untitled), "WorkDoneProgressBegin lacks `title`");
    }
}

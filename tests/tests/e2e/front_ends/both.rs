//! One workspace with both front ends: the server in an editor, and the command line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tests::client::{Client, Session};
use tests::workspace::{Home, Workspace, uri_path};

/// A call graph as pairs of qualified names, from the caller to the callee.
pub(super) type Edges = BTreeSet<(String, String)>;

/// An editor's session and a terminal beside it. They are those of different users with the same settings, so that neither
/// reads what the other has kept.
pub(super) struct Both {
    pub(super) editor: Client,
    pub(super) workspace: Workspace,
    terminal: Home,
    editors: Home,
}

/// A definition as an editor's outline has it.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub(super) file: String,
    /// Counted from 1: of its name.
    pub(super) line: u64,
    pub(super) name: String,
    is_class: bool,
}

/// What a command wrote, and its exit status.
pub(super) struct Said {
    pub(super) status: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Said {
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}:\n{}\n{}", self.stdout, self.stderr))
    }
}

impl Both {
    /// Both in `workspace`, without settings of the user's.
    pub(super) fn in_workspace(workspace: Workspace) -> Both {
        Both::configured(workspace, "")
    }

    /// Both in `workspace`, with `toml` as the user's settings.
    pub(super) fn configured(workspace: Workspace, toml: &str) -> Both {
        let [terminal, editors] = [Home::new(), Home::new()];
        for home in [&terminal, &editors] {
            home.configure(toml);
        }
        let settings = json!({ "tantu": { "diagnostics": { "mode": "workspace" } } });
        let editor = Client::builder(&workspace)
            .home(&editors)
            .capability("/experimental", json!({ "tantu": { "status": true, "tests": true } }))
            .initialization_options(settings["tantu"].clone())
            .settings(settings)
            .start()
            .indexed();
        let both = Both { editor, workspace, terminal, editors };
        both.settle();
        both
    }

    /// Waits until the server says that it knows all files and where values flow.
    #[track_caller]
    pub(super) fn settle(&self) {
        self.editor.wait_for("a server that has settled", |session| {
            let status = told(session, "tantu/status").last()?;
            let is_settled = status["indexing"] == false && status["settling"] == false;
            (is_settled && status["busy"] == json!([])).then_some(())
        });
    }

    /// Runs `tantu` in the workspace's folder.
    pub(super) fn tantu(&self, arguments: &[&str]) -> Said {
        self.tantu_in(self.workspace.root(), arguments)
    }

    /// Runs `tantu` in `folder`.
    pub(super) fn tantu_in(&self, folder: &Path, arguments: &[&str]) -> Said {
        tantu(&self.terminal, folder, arguments)
    }

    /// Runs `tantu` in the workspace's folder, as the user whose editor it is.
    pub(super) fn tantu_beside_the_editor(&self, arguments: &[&str]) -> Said {
        tantu(&self.editors, self.workspace.root(), arguments)
    }

    /// What `tantu` prints as JSON.
    #[track_caller]
    pub(super) fn json(&self, arguments: &[&str]) -> Value {
        let said = self.tantu(&[arguments, &["--format", "json"]].concat());
        assert!(said.status < 2, "{arguments:?}: {}", said.stderr);
        said.json()
    }

    /// The Python files of the workspace that an editor can open, sorted.
    pub(super) fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        python_files(self.workspace.root(), &mut found);
        let relative =
            |path: &PathBuf| path.strip_prefix(self.workspace.root()).expect("it was found there").to_owned();
        let mut files: Vec<String> = found.iter().map(|path| relative(path).display().to_string()).collect();
        files.sort();
        files
    }

    /// The path of a file of the workspace as the command line in the workspace's folder writes it.
    pub(super) fn relative(&self, uri: &Value) -> String {
        let path = uri_path(uri.as_str().expect("a URI is text")).expect("it names a file");
        path.strip_prefix(self.workspace.root()).unwrap_or(&path).display().to_string()
    }

    /// All functions, methods and classes of the workspace.
    pub(super) fn definitions(&self) -> Vec<Definition> {
        let mut found = Vec::new();
        for file in self.files() {
            let document = json!({ "textDocument": { "uri": self.editor.uri(&file) } });
            let symbols = self.editor.request("textDocument/documentSymbol", document);
            outline(&file, &symbols, &mut found);
        }
        found
    }

    /// The place of a definition as an editor says it: the first character of its line that is no space.
    pub(super) fn at(&self, definition: &Definition) -> Value {
        let text = self.workspace.read(&definition.file);
        let line = text.lines().nth(definition.line as usize - 1).expect("the line exists");
        let indent = line.len() - line.trim_start().len();
        let position = json!({ "line": definition.line - 1, "character": indent });
        json!({ "textDocument": { "uri": self.editor.uri(&definition.file) }, "position": position })
    }

    /// The item of the call hierarchy that a definition begins; `None` where there is none.
    pub(super) fn item(&self, definition: &Definition) -> Option<Value> {
        let items = self.editor.request("textDocument/prepareCallHierarchy", self.at(definition));
        items.get(0).cloned()
    }

    /// The answer to a command of the server's with one argument.
    #[track_caller]
    pub(super) fn execute(&self, command: &str, argument: Value) -> Value {
        self.editor.execute(&json!({ "command": command, "arguments": [argument] }))
    }

    /// Waits for a notification of this method that is as `is_meant` says, and returns its parameters.
    #[track_caller]
    pub(super) fn told(&self, method: &str, is_meant: impl Fn(&Value) -> bool) -> Value {
        self.editor.wait_for(method, |session| told(session, method).find(|params| is_meant(params)).cloned())
    }

    /// What the server shows now, by file.
    pub(super) fn shown_findings(&self, session: &Session) -> BTreeMap<String, Vec<Value>> {
        let mut found = BTreeMap::new();
        for (uri, published) in &session.diagnostics {
            let file = self.relative(&json!(uri));
            if !published.items.is_empty() {
                let items = published.items.iter().map(|item| self.as_finding(item)).collect();
                found.insert(file, sorted(items));
            }
        }
        found
    }

    /// A diagnostic in the words of the command line.
    fn as_finding(&self, item: &Value) -> Value {
        let severity =
            ["error", "warning", "information", "hint"][item["severity"].as_u64().expect("it has one") as usize - 1];
        let related = item["relatedInformation"].as_array().cloned().unwrap_or_default();
        let related = related.iter().map(|it| {
            let location = &it["location"];
            json!({ "path": self.relative(&location["uri"]), "range": location["range"], "message": it["message"] })
        });
        json!({
            "range": item["range"],
            "code": item["code"],
            "source": item["source"],
            "severity": severity,
            "message": item["message"],
            "related": related.collect::<Vec<_>>(),
        })
    }

    /// What `tantu check` reports, by file.
    pub(super) fn printed_findings(&self) -> BTreeMap<String, Vec<Value>> {
        let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for mut finding in self.json(&["check"]).as_array().cloned().expect("a list") {
            let fields = finding.as_object_mut().expect("an object");
            let path = fields.remove("path").expect("it has a path");
            // An editor has no field for it, so the server puts it into the message.
            if let Some(confidence) = fields.remove("confidence") {
                let message = fields["message"].as_str().expect("a text");
                let whole = format!("{message} ({} confidence)", confidence.as_str().expect("a word"));
                fields.insert("message".to_owned(), json!(whole));
            }
            found.entry(path.as_str().expect("a text").to_owned()).or_default().push(finding);
        }
        found.into_iter().map(|(path, findings)| (path, sorted(findings))).collect()
    }
}

impl Definition {
    /// As the command line takes it.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    pub(super) fn is_class(&self) -> bool {
        self.is_class
    }
}

/// Runs `tantu` in `folder` as the user of `home`.
fn tantu(home: &Home, folder: &Path, arguments: &[&str]) -> Said {
    let mut command = Command::new(tests::server_binary());
    command.args(arguments).current_dir(folder).env_clear().envs(home.environment());
    let output = command.output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it writes UTF-8");
    let status = output.status.code().expect("it was not killed");
    Said { status, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The parameters of all notifications of `method`, in order.
fn told<'a>(session: &'a Session, method: &'a str) -> impl DoubleEndedIterator<Item = &'a Value> {
    let all = session.log.iter().map(|record| &record.message);
    all.filter(move |message| message["method"] == method).map(|message| &message["params"])
}

/// The qualified name of an item of the call hierarchy, and how sure the call is.
pub(super) fn item_name(item: &Value) -> (String, String) {
    let [name, detail] = ["name", "detail"].map(|field| item[field].as_str().expect("it has one"));
    let (container, confidence) = match detail.strip_suffix(')').and_then(|detail| detail.rsplit_once(" (")) {
        Some(parts) => parts,
        None => (detail, "exact"),
    };
    let name = if container.is_empty() { name.to_owned() } else { format!("{container}.{name}") };
    (name, confidence.to_owned())
}

/// `{"from": ["to"]}` as pairs.
pub(super) fn edges(adjacency: &Value) -> Edges {
    let lists = adjacency.as_object().expect("an object").iter();
    let pairs = lists.flat_map(|(from, to)| {
        let to = to.as_array().expect("a list").iter();
        to.map(|to| (from.clone(), to.as_str().expect("a name").to_owned()))
    });
    pairs.collect()
}

/// The arrows of a drawing.
pub(super) fn drawn(svg: &str) -> Edges {
    let titles = svg.split("<title>").skip(1).filter_map(|rest| rest.split("</title>").next());
    let edges = titles.filter_map(|title| title.split_once(" → "));
    let plain = |name: &str| name.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    edges.map(|(from, to)| (plain(from), plain(to))).collect()
}

pub(super) fn sorted(mut values: Vec<Value>) -> Vec<Value> {
    values.sort_by_key(Value::to_string);
    values
}

fn outline(file: &str, symbols: &Value, found: &mut Vec<Definition>) {
    for symbol in symbols.as_array().into_iter().flatten() {
        // The protocol's numbers: a class is 5; methods, properties, constructors and functions can be called as well.
        let kind = symbol["kind"].as_u64().expect("a symbol has a kind");
        if [5, 6, 7, 9, 12].contains(&kind) {
            let line = symbol["selectionRange"]["start"]["line"].as_u64().expect("it has a place") + 1;
            let name = symbol["name"].as_str().expect("it has a name").to_owned();
            found.push(Definition { file: file.to_owned(), line, name, is_class: kind == 5 });
        }
        outline(file, &symbol["children"], found);
    }
}

fn python_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is ours") {
        let path = entry.expect("the folder is ours").path();
        if path.is_dir() {
            python_files(&path, found);
        } else if path.extension().is_some_and(|it| it == "py") && std::fs::read_to_string(&path).is_ok() {
            found.push(path);
        }
    }
}

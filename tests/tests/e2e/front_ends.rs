//! The same question has the same answer from every front end: what the server says in an editor is what `tantu` prints.
//!
//! The workspaces are fixtures, and a real package, Flask, of which every so many definitions are asked about.
//!
//! What is not compared, because there the answers differ:
//! - an editor without a folder: the server knows the open files alone, `tantu` takes the project around a file;
//! - drawings of more than 100 definitions in one direction, at which `tantu.graph` stops, and numbers of tests so large that
//!   a lens says `3+ tests`, where `tantu impact` goes on;
//! - what the editor's own settings choose (ruff of the project, advisories, limits), which the command line does not read.

mod both;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use both::{Both, Definition, Edges, drawn, edges, item_name, sorted};
use serde_json::{Value, json};
use tests::workspace::Workspace;

/// What is only found by following values (callbacks in a dict), a call that does not fit, a cycle, what nothing uses, what is
/// dangerous, and text that is longer in UTF-8 than in UTF-16.
const CALLBACKS: &str = r#"
#- /pyproject.toml
[project]
name = "callbacks"
version = "1"
#- /app/__init__.py
#- /app/handlers.py
import os
import subprocess


def on_open(path):
    return "🧵" + path


def on_close(path, *, force=False):
    return path if force else None


def on_shell(path):
    return subprocess.run("ls " + path, shell=True)


def lonely():
    return 1
#- /app/dispatch.py
from app.handlers import on_close, on_open, on_shell

HANDLERS = {"open": on_open, "close": on_close}


def register(name, handler):
    HANDLERS[name] = handler


register("shell", on_shell)
register("twice", lambda path: on_open(path) + on_open(path))


def dispatch(name, path):
    handler = HANDLERS[name]
    return handler(path)


def main(arguments):
    return [dispatch(name, arguments) for name in HANDLERS]


def broken():
    return on_open("🧵", "one too many"), undefined_name
#- /app/left.py
import app.right


def far(path):
    return app.right.Door(path)
#- /app/right.py
import app.left


class Door:
    def __init__(self, path):
        self.path = path

    @property
    def is_open(self):
        return bool(self.path)

    def open(self):
        return dispatch_later("open", app.left.far(self.path).path)


def dispatch_later(name, path):
    from app.dispatch import dispatch

    return dispatch(name, path)
#- /tests/test_dispatch.py
from app.dispatch import dispatch
from app.handlers import on_close
from app.right import Door


def test_open():
    assert dispatch("open", "a") == "🧵a"


def test_close():
    assert on_close("a", force=True) == "a"


def test_door():
    assert Door("a").is_open
"#;

fn workspaces() -> [(&'static str, Workspace); 5] {
    let fixture = |name| (name, Workspace::fixture(name));
    let callbacks = ("callbacks", Workspace::of(CALLBACKS));
    [fixture("shop"), fixture("ledger"), fixture("broken"), callbacks, fixture("real/flask")]
}

/// All of few definitions, and of many some that lie apart: each is a command of its own.
fn sample(definitions: &[Definition]) -> impl Iterator<Item = &Definition> {
    const ENOUGH: usize = 80;
    definitions.iter().step_by(definitions.len() / ENOUGH + 1)
}

/// Findings of the server come later than the graph: those about the whole workspace when nobody types. So they are waited for.
#[track_caller]
fn assert_same_findings(both: &Both, what: &str) {
    let printed = both.printed_findings();
    let end = std::time::Instant::now() + tests::PATIENCE;
    loop {
        let shown = both.shown_findings(&both.editor.session());
        if shown == printed {
            return;
        }
        if std::time::Instant::now() > end {
            let differs = |file: &&String| shown.get(*file) != printed.get(*file);
            for file in shown.keys().chain(printed.keys()).filter(differs).collect::<BTreeSet<_>>() {
                let (shown, printed) = (shown.get(file), printed.get(file));
                let [shown, printed] = [shown, printed].map(|it| it.cloned().unwrap_or_default());
                let only = |these: &[Value], those: &[Value]| {
                    these.iter().filter(|it| !those.contains(it)).map(Value::to_string).collect::<Vec<_>>().join("\n")
                };
                eprintln!("{file}, only in the editor:\n{}", only(&shown, &printed));
                eprintln!("{file}, only printed:\n{}", only(&printed, &shown));
            }
            panic!("findings of {what} differ");
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn findings_are_the_same() {
    for (name, workspace) in workspaces() {
        let both = Both::in_workspace(workspace);
        // Of files that nobody has opened, as a look at the whole workspace finds them.
        assert_same_findings(&both, name);
        for file in both.files() {
            both.editor.open(&file);
        }
        for file in both.files() {
            both.editor.diagnostics(&file);
        }
        // Of open documents.
        assert_same_findings(&both, &format!("{name}, opened"));
        let printed = both.printed_findings();
        assert!(!printed.is_empty(), "{name} has findings");
        if name == "callbacks" {
            let codes: BTreeSet<_> = printed.values().flatten().filter_map(|it| it["code"].as_str()).collect();
            let expected = ["incompatible-call", "import-cycle", "unused", "F401", "undefined-name"];
            assert!(expected.iter().all(|code| codes.contains(code)), "{codes:?}");
        }
    }
}

/// Who calls a definition, as the call hierarchy says it: name, path, lines and confidence, sorted.
fn incoming(both: &Both, item: &Value) -> Vec<Value> {
    let calls = both.editor.request("callHierarchy/incomingCalls", json!({ "item": item }));
    let callers = calls.as_array().into_iter().flatten().map(|call| {
        let (symbol, confidence) = item_name(&call["from"]);
        let ranges = call["fromRanges"].as_array().expect("ranges").iter();
        let lines = ranges.map(|range| range["start"]["line"].as_u64().expect("a line") + 1);
        let path = both.relative(&call["from"]["uri"]);
        json!({ "symbol": symbol, "path": path, "lines": lines.collect::<Vec<_>>(), "confidence": confidence })
    });
    sorted(callers.collect())
}

/// The callers that `tantu impact` prints, in the same form; `root` is what the paths begin with.
fn printed_callers(impact: &Value, root: &str) -> Vec<Value> {
    let callers = impact["callers"].as_array().expect("a list").iter().map(|caller| {
        let path = caller["path"].as_str().expect("a text");
        let path = path.strip_prefix(root).unwrap_or_else(|| panic!("{path} is not below {root}"));
        let (symbol, lines, confidence) = (&caller["symbol"], &caller["lines"], &caller["confidence"]);
        json!({ "symbol": symbol, "path": path, "lines": lines, "confidence": confidence })
    });
    sorted(callers.collect())
}

/// How many callers and tests a lens tells of: `breaks 1 of 2 callers · 3 tests`. Lenses of properties and fixtures count
/// uses, and lenses of tests run them.
fn told_by_lens(title: &str) -> Option<(usize, usize)> {
    let number = |text: &str| if text == "no" { Some(0) } else { text.parse::<usize>().ok() };
    let mut parts = title.split(" · ");
    let callers = parts.next()?.strip_suffix("s").unwrap_or(title.split(" · ").next()?).strip_suffix(" caller")?;
    let callers = number(callers.rsplit(' ').next()?)?;
    let tests = parts.find_map(|part| part.strip_suffix(" tests").or(part.strip_suffix(" test")));
    Some((callers, tests.map_or(Some(0), number)?))
}

#[test]
fn callers_and_tests_are_the_same() {
    for (name, workspace) in workspaces() {
        let both = Both::in_workspace(workspace);
        let mut compared = 0;
        let mut counted = 0;
        let mut lenses: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for definition in sample(&both.definitions()) {
            let place = definition.place();
            let impact = both.json(&["impact", &place]);
            let item = both.item(definition).unwrap_or_else(|| panic!("{name}: no call hierarchy at {place}"));
            assert_eq!(item_name(&item).0, impact["symbol"], "{name}: {place}");
            assert_eq!(incoming(&both, &item), printed_callers(&impact, ""), "{name}: {place}");
            compared += 1;
            let titles =
                lenses.entry(definition.file.clone()).or_insert_with(|| both.editor.lens_titles(&definition.file));
            let mine = titles.iter().filter_map(|title| title.strip_prefix(&format!("{}: ", definition.line)));
            let Some(told) = mine.filter_map(told_by_lens).next() else { continue };
            let tests = impact["tests"].as_array().expect("a list").len();
            assert_eq!(told, (impact["callers"].as_array().expect("a list").len(), tests), "{name}: {place}");
            counted += 1;
        }
        assert!(compared > 5 && counted > 3, "{name}: {compared} definitions, {counted} lenses");
    }
}

/// The calls that the call hierarchy knows of an item, in the direction of `method`; the other one is at `end`.
fn hierarchy(both: &Both, item: &Value, method: &str, end: &str) -> Edges {
    let own = item_name(item).0;
    let calls = both.editor.request(method, json!({ "item": item }));
    let others = calls.as_array().into_iter().flatten().map(|call| item_name(&call[end]).0);
    others.map(|other| if end == "from" { (other, own.clone()) } else { (own.clone(), other) }).collect()
}

#[test]
fn the_call_graph_is_the_same() {
    for (name, workspace) in workspaces() {
        let both = Both::in_workspace(workspace);
        let definitions = both.definitions();
        let graph = edges(&both.json(&["graph"]));
        assert!(!graph.is_empty(), "{name} has calls");
        let items: Vec<Value> = definitions.iter().filter_map(|it| both.item(it)).collect();
        let names: BTreeSet<String> = items.iter().map(|item| item_name(item).0).collect();
        let all = |method: &str, end: &str| -> Edges {
            items.iter().flat_map(|item| hierarchy(&both, item, method, end)).collect()
        };
        // What a definition calls, in so many words.
        let written: Edges = graph.iter().filter(|(from, _)| names.contains(from)).cloned().collect();
        assert_eq!(all("callHierarchy/outgoingCalls", "to"), written, "{name}");
        // The call hierarchy begins neither in a module nor in a lambda, so what they call is seen from its other end. Callers
        // are more than that: properties, operators and constructors run without being called in so many words, and are in
        // no graph. They are compared with `tantu impact`.
        let called: Edges = graph.iter().filter(|(_, to)| names.contains(to)).cloned().collect();
        let incoming = all("callHierarchy/incomingCalls", "from");
        let missing: Vec<_> = called.difference(&incoming).collect();
        assert!(missing.is_empty(), "{name}: {missing:?}");

        // `callgraph` names constructors where the others name classes: both are what is called. The rest is the same.
        let classes = definitions.iter().filter(|it| it.is_class()).filter_map(|it| both.item(it));
        let classes: BTreeSet<String> = classes.map(|item| item_name(&item).0).collect();
        let is_constructed = |to: &str| classes.contains(to) || to.ends_with(".__init__");
        let plain = |all: &Edges| all.iter().filter(|(_, to)| !is_constructed(to)).cloned().collect::<Edges>();
        let calls = edges(&both.tantu(&["callgraph", "."]).json());
        assert_eq!(plain(&calls), plain(&graph), "{name}");
        for (from, to) in calls.iter().filter(|(_, to)| to.ends_with(".__init__")) {
            let constructs = graph.iter().any(|(caller, callee)| caller == from && is_constructed(callee));
            assert!(constructs, "{name}: {from} → {to}");
        }

        for definition in sample(&definitions) {
            let mut argument = both.at(definition);
            argument["depth"] = json!(2);
            let drawing = both.execute("tantu.graph", argument);
            let svg = drawing["svg"].as_str().unwrap_or_else(|| panic!("{name}: no drawing of {definition:?}"));
            let around = both.json(&["graph", "--around", &definition.place()]);
            assert_eq!(drawn(svg), edges(&around), "{name}: {definition:?}");
        }
    }
}

/// What a model is shown: tokens, symbol, place and reasons of each item, as `tantu.context` writes it.
fn rows(context: &Value) -> Vec<String> {
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    let items = context["items"].as_array().expect("a list").iter().map(|item| {
        let reasons = item["reason"].as_array().expect("a list").iter().filter_map(Value::as_str);
        let reasons = cell(&reasons.collect::<Vec<_>>().join("; "));
        let [symbol, path] = ["symbol", "path"].map(|field| item[field].as_str().expect("a text"));
        format!("{} | `{symbol}` | {} | {reasons}", item["tokens"], cell(&format!("{path}:{}", item["start_line"])))
    });
    items.collect()
}

/// The same from the document that the server writes. Of the form of an item, which JSON names otherwise, the text tells.
fn explained_rows(markdown: &str) -> Vec<String> {
    let table = markdown.split("\n| tokens | what | symbol | where | why |\n").nth(1).unwrap_or_default();
    let table = table.split("\n\n").next().unwrap_or_default().lines().skip(1);
    let rows = table.map(|row| {
        let row = row.trim_start_matches("| ").trim_end_matches(" |");
        let (tokens, rest) = row.split_once(" | ").expect("a row has cells");
        let (_form, rest) = rest.split_once(" | ").expect("a row has cells");
        format!("{tokens} | {rest}")
    });
    rows.collect()
}

#[track_caller]
fn assert_same_context(both: &Both, definition: &Definition, budget: Option<usize>) -> Value {
    let place = definition.place();
    let mut argument = both.at(definition);
    let mut arguments = vec!["context".to_owned(), place.clone()];
    if let Some(budget) = budget {
        argument["budget"] = json!(budget);
        arguments.extend(["--budget".to_owned(), budget.to_string()]);
    }
    let explained = both.execute("tantu.context", argument);
    let context = both.json(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let markdown = explained["markdown"].as_str().expect("a document");
    assert_eq!(explained_rows(markdown), rows(&context), "{place}");
    assert_eq!((&explained["symbol"], &explained["tokens"]), (&context["target"], &context["tokens"]), "{place}");
    let lists = ["items", "documents"].map(|field| context[field].as_array().expect("a list").clone());
    for shown in lists.concat() {
        let text = shown["text"].as_str().expect("a text").trim_end();
        assert!(markdown.contains(text), "{place}: {shown} is not in\n{markdown}");
    }
    let passages = markdown.split("\n| tokens | document | where | why |\n").nth(1).unwrap_or_default();
    let passages = passages.split("\n\n").next().unwrap_or_default().lines().skip(1).count();
    assert_eq!(passages, lists[1].len(), "{place}");
    context
}

#[test]
fn what_a_model_is_shown_is_the_same() {
    for (name, workspace) in workspaces() {
        let both = Both::in_workspace(workspace);
        let mut shown = 0;
        // Some of them: the ranker is fitted to the workspace anew for each command.
        let definitions = both.definitions();
        for definition in definitions.iter().step_by(definitions.len() / 5 + 1) {
            // What neither is told is the same too: how much there is room for.
            for budget in [None, Some(0), Some(150)] {
                let context = assert_same_context(&both, definition, budget);
                shown += context["items"].as_array().expect("a list").len();
            }
        }
        assert!(shown > 0, "{name}: nothing was shown");
    }
}

/// A function that needs what must not be sent.
const INTERNAL: &str = "
#- /pyproject.toml
#- /internal/__init__.py
#- /internal/prices.py
class Secret:
    amount: int
#- /money.py
class Money:
    cents: int
#- /cart.py
from internal.prices import Secret
from money import Money


def total(secret: Secret) -> Money:
    ...
";

#[test]
fn what_is_never_sent_is_shown_by_neither() {
    let seen = |toml: &str| {
        let both = Both::configured(Workspace::of(INTERNAL), toml);
        let total = both.definitions().into_iter().find(|it| it.name == "total").expect("it is there");
        let context = assert_same_context(&both, &total, Some(2_000));
        let items = context["items"].as_array().expect("a list").iter();
        items.map(|item| item["symbol"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    let all = seen("");
    assert!(all.iter().any(|it| it == "internal.prices.Secret"), "{all:?}");
    let some = seen("[privacy]\ndeny = [\"internal/\"]\n");
    assert!(!some.iter().any(|it| it.starts_with("internal")), "{some:?}");
    assert!(some.iter().any(|it| it == "money.Money"), "{some:?}");
}

#[test]
fn linters_that_the_project_switches_off_say_nothing() {
    let found = |settings: &str| {
        let text = CALLBACKS.replace("version = \"1\"\n", &format!("version = \"1\"\n{settings}"));
        let both = Both::in_workspace(Workspace::of(&text));
        for file in both.files() {
            both.editor.open(&file);
            both.editor.diagnostics(&file);
        }
        assert_same_findings(&both, settings);
        let codes = both.printed_findings().into_values().flatten();
        codes.map(|it| it["code"].as_str().expect("a code").to_owned()).collect::<BTreeSet<_>>()
    };
    assert!(found("").contains("F401"));
    let without = found("[tool.tantu]\nlint.enable = false\n");
    assert!(!without.iter().any(|code| code.starts_with('F')), "{without:?}");
    assert!(without.contains("incompatible-call"), "{without:?}");
}

#[test]
fn what_is_wrong_in_settings_is_the_same() {
    let text = CALLBACKS.replace("version = \"1\"\n", "version = \"1\"\n[tool.tantu]\nlint.enabel = false\n");
    let text = format!("{text}#- /tantu.toml\nlints = 1\n#- /ruff.toml\n\nline-length = \"🧵\"\n");
    let both = Both::in_workspace(Workspace::of(&text));
    for file in both.files() {
        both.editor.open(&file);
    }
    assert_same_findings(&both, "settings");
    let printed = both.printed_findings();
    let codes = ["pyproject.toml", "tantu.toml", "ruff.toml"].map(|file| {
        let of_file = printed.get(file).unwrap_or_else(|| panic!("nothing in {file}: {:?}", printed.keys()));
        of_file[0]["code"].as_str().expect("a code").to_owned()
    });
    assert_eq!(codes, ["unknown-setting", "unknown-setting", "invalid-ruff-settings"]);
}

#[test]
fn what_is_called_through_a_dict_has_callers() {
    let both = Both::in_workspace(Workspace::of(CALLBACKS));
    let expected = |handler: &str| ("app.dispatch.dispatch".to_owned(), format!("app.handlers.{handler}"));
    let graph = edges(&both.json(&["graph"]));
    let calls = edges(&both.tantu(&["callgraph", "."]).json());
    for definition in both.definitions().iter().filter(|it| ["on_open", "on_close", "on_shell"].contains(&&*it.name)) {
        let edge = expected(&definition.name);
        assert!(graph.contains(&edge) && calls.contains(&edge), "{edge:?}");
        let impact = both.json(&["impact", &definition.place()]);
        let item = both.item(definition).expect("a function");
        for callers in [printed_callers(&impact, ""), incoming(&both, &item)] {
            assert!(callers.iter().any(|it| it["symbol"] == "app.dispatch.dispatch"), "{callers:?}");
        }
    }
}

#[test]
fn a_project_is_found_by_its_marker_from_anywhere() {
    let workspace = Workspace::empty();
    let both = Both::in_workspace(Workspace::fixture("shop"));
    let (root, parent) = (both.workspace.root(), both.workspace.root().parent().expect("a temporary folder"));
    let own = root.file_name().expect("it has a name").to_string_lossy().into_owned();
    let inside = both.tantu(&["impact", "shop/discounts.py:122", "--format", "json"]);
    let outside = both.tantu_in(parent, &["impact", &format!("{own}/shop/discounts.py:122"), "--format", "json"]);
    let far = both.tantu_in(
        workspace.root(),
        &["impact", &format!("{}:122", root.join("shop/discounts.py").display()), "--format", "json"],
    );
    let best = both.definitions().into_iter().find(|it| it.name == "best_discount").expect("it is there");
    assert_eq!(best.line, 122);
    let expected = incoming(&both, &both.item(&best).expect("a function"));
    assert!(expected.len() > 1);
    for (said, begin) in [(inside, String::new()), (outside, format!("{own}/")), (far, format!("{}/", root.display()))]
    {
        assert_eq!((said.status, &*said.stderr), (0, ""));
        assert_eq!(printed_callers(&said.json(), &begin), expected);
    }
}

/// Settings with a model that gives recorded replies.
fn recorded(replies: &std::path::Path) -> String {
    format!("[models.r]\nprovider = \"recorded\"\nreplies = \"{}\"\n[propose]\nmodels = [\"r\"]\n", replies.display())
}

/// Has the editor ask for a proposal, waits until it is over or a person is asked, and returns its card.
fn card(both: &Both, assist: &str, file: &str, line: u64) -> Value {
    let position = json!({ "line": line - 1, "character": 0 });
    let uri = both.editor.uri(file);
    both.execute("tantu.propose", json!({ "assist": assist, "uri": uri, "position": position }));
    let end = std::time::Instant::now() + tests::PATIENCE;
    loop {
        let card = both.execute("tantu.evidence", json!({}));
        if !card["summary"].is_null() {
            return card;
        }
        let said: Vec<_> = both.editor.session().messages.iter().map(|it| it.text.clone()).collect();
        assert!(std::time::Instant::now() < end, "no proposal: {card} {said:?}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// Both propose the same, and both say the same of what was checked. Returns the summary.
fn assert_same_proposal(both: &Both, assist: &str, file: &str, line: u64) -> Value {
    both.editor.open(file);
    let card = card(both, assist, file, line);
    let said = both.tantu(&["propose", assist, &format!("{file}:{line}"), "--format", "json"]);
    let mut printed = said.json();
    let id = printed.as_object_mut().expect("an object").remove("id").expect("it is in the journal");
    assert_eq!(printed, card["summary"], "{assist} {file}:{line}");
    // What is kept of it is printed beside the editor as the server tells it, and is the same for both.
    let id_of_editor = card["id"].to_string();
    assert_eq!(both.tantu_beside_the_editor(&["evidence", &id_of_editor, "--format", "json"]).json(), card);
    let kept = both.json(&["evidence", &id.to_string()]);
    assert_eq!((&kept["summary"], &kept["title"]), (&card["summary"], &card["title"]));
    printed
}

#[test]
fn proposals_are_the_same() {
    let replies = tests::repository().join("fixtures/replies/best_discount.json");
    let both = Both::configured(Workspace::fixture("shop"), &recorded(&replies));
    let ready = assert_same_proposal(&both, "implement-function", "shop/discounts.py", 122);
    assert_eq!((&ready["status"], &ready["attempts"]), (&json!("ready"), &json!(2)), "{ready}");
    assert!(ready["diff"].as_str().is_some_and(|diff| diff.contains("+        if off > most:")), "{ready}");
    both.editor.dismiss();

    // No attempt passes.
    let folder = Workspace::empty();
    let wrong = "```python\ndef fee(amount):\n    return nowhere(amount)\n```\n";
    folder.write("replies.json", json!([{ "reply": wrong }, { "reply": wrong }, { "reply": wrong }]).to_string());
    let workspace = Workspace::of(
        "
#- /pyproject.toml
#- /fees.py
def fee(amount):
    raise NotImplementedError
#- /test_fees.py
from fees import fee


def test_fee():
    assert fee(1) == 1
",
    );
    let both = Both::configured(workspace, &recorded(&folder.path("replies.json")));
    let failed = assert_same_proposal(&both, "implement-function", "fees.py", 1);
    assert_eq!(failed["status"], "escalated", "{failed}");
    assert!(failed["findings"].as_array().is_some_and(|it| !it.is_empty()), "{failed}");
}

#[test]
fn what_nothing_marks_is_the_folder_around_the_package() {
    let folder = Workspace::empty();
    let good = "```python\ndef price(amount):\n    return amount * 2\n```\n";
    folder.write("replies.json", json!([{ "reply": good }]).to_string());
    let workspace = Workspace::of(
        "
#- /pk/__init__.py
#- /pk/core.py
def price(amount):
    raise NotImplementedError
#- /test_core.py
from pk.core import price


def test_price():
    assert price(1) == 2
",
    );
    let both = Both::configured(workspace, &recorded(&folder.path("replies.json")));
    let ready = assert_same_proposal(&both, "implement-function", "pk/core.py", 1);
    assert_eq!((&ready["status"], &ready["checks"]["tests"]), (&json!("ready"), &json!("passed")), "{ready}");

    // From elsewhere the same folder is taken, and that is said.
    let root = both.workspace.root();
    let taken = root.display().to_string();
    let own = root.file_name().expect("it has a name").to_string_lossy().into_owned();
    let parent = root.parent().expect("a temporary folder");
    for (folder, place) in
        [(root.join("pk"), "core.py:1".to_owned()), (parent.to_owned(), format!("{own}/pk/core.py:1"))]
    {
        let said = both.tantu_in(&folder, &["propose", "implement-function", &place, "--format", "json"]);
        assert!(said.stderr.contains("marks the workspace") && said.stderr.contains(&taken), "{}", said.stderr);
        assert_eq!((&said.json()["diff"], &said.json()["checks"]), (&ready["diff"], &ready["checks"]));
    }
}

#[test]
fn affected_tests_are_the_same_in_the_same_order() {
    let workspace = Workspace::of(CALLBACKS);
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C").arg(workspace.root()).args(["-c", "user.name=a", "-c", "user.email=a@b.c"]).args(arguments);
        let output = git.output().expect("git is there");
        assert!(output.status.success(), "{output:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "a"]);
    let text = workspace.read("app/handlers.py");
    workspace
        .write("app/handlers.py", text.replace("\"🧵\" + path", "\"🧵\" + path + \"\"").replace("else None", "else 0"));
    let both = Both::in_workspace(workspace);
    let listed = both.json(&["test", "--affected", "--list"]);
    let expected: Vec<_> = listed["targets"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(expected.len() > 1, "{listed}");
    both.execute("tantu.runAffectedTests", json!({ "uri": both.editor.uri("app/handlers.py") }));
    let ended = both.told("tantu/run", |params| params["state"] == "ended");
    let tests = ended["tests"].as_array().expect("a list").iter().map(|test| {
        let target = test["target"].as_str().expect("a test has a name");
        format!("{}::{}", both.relative(&test["uri"]), target.replace('.', "::"))
    });
    assert_eq!(tests.collect::<Vec<_>>(), expected);
}

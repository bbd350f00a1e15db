//! Where things are: class hierarchies, implementations, symbols of the workspace, highlights.

use serde_json::{Value, json};
use tests::client::Client;
use tests::workspace::Workspace;

fn shapes() -> Workspace {
    Workspace::of(
        r#"
#- /base.py
from abc import ABC, abstractmethod


class Shape(ABC):
    @abstractmethod
    def area(self): ...


class Named:
    name = "🧵"
#- /round.py
from base import Named, Shape


class Circle(Shape, Named):
    def area(self):
        radius = 2
        radius += 1
        return radius * radius
#- /square.py
import base


class Square(base.Shape):
    def area(self):
        return 4
"#,
    )
}

fn names(items: &Value) -> Vec<&str> {
    items.as_array().into_iter().flatten().map(|item| item["name"].as_str().unwrap_or_default()).collect()
}

#[test]
fn type_hierarchy_goes_both_ways() {
    let workspace = shapes();
    let editor = Client::start(&workspace).indexed();
    editor.open("round.py");
    let items = editor.request("textDocument/prepareTypeHierarchy", editor.at("round.py", "(Sha$0pe, "));
    assert_eq!(names(&items), ["Shape"]);
    assert_eq!(
        editor.places(&json!([{ "uri": items[0]["uri"], "range": items[0]["selectionRange"] }])),
        ["base.py:4:Shape"]
    );
    let below = editor.request("typeHierarchy/subtypes", json!({ "item": items[0] }));
    assert_eq!(names(&below), ["Circle", "Square"]);
    let above = editor.request("typeHierarchy/supertypes", json!({ "item": below[0] }));
    assert_eq!(names(&above)[..2], ["Shape", "Named"], "{above}");
    // The item is found again after its text has moved.
    editor.insert("round.py", "$0class Circle", "\n\n");
    let above = editor.request("typeHierarchy/supertypes", json!({ "item": below[0] }));
    assert_eq!(names(&above)[..2], ["Shape", "Named"], "{above}");
}

#[test]
fn implementations_are_found_from_what_they_implement() {
    let workspace = shapes();
    let editor = Client::start(&workspace).indexed();
    editor.open("base.py");
    let found = |place| editor.places(&editor.request("textDocument/implementation", editor.at("base.py", place)));
    assert_eq!(found("def ar$0ea"), ["round.py:5:area", "square.py:5:area"]);
    assert_eq!(found("class Sha$0pe"), ["round.py:4:Circle", "square.py:4:Square"]);
}

#[test]
fn symbols_of_the_workspace_are_found_by_parts_of_their_names() {
    let workspace = shapes();
    let editor = Client::start(&workspace).indexed();
    let search = |query: &str| {
        let found = editor.request("workspace/symbol", json!({ "query": query }));
        let places: Vec<_> = found.as_array().into_iter().flatten().map(|it| it["location"].clone()).collect();
        editor.places(&Value::Array(places))
    };
    assert_eq!(search("circ"), ["round.py:4:Circle"]);
    assert_eq!(search("area"), ["base.py:6:area", "round.py:5:area", "square.py:5:area"]);
    assert_eq!(search("nothing like this"), [""; 0]);
    // Buffers count.
    editor.open("square.py");
    editor.replace("square.py", "class Square", "class Circlet");
    assert_eq!(search("circ"), ["round.py:4:Circle", "square.py:4:Circlet"]);
    assert_eq!(search("Square"), [""; 0]);
}

#[test]
fn highlights_tell_reading_from_writing() {
    let workspace = shapes();
    let editor = Client::start(&workspace).indexed();
    editor.open("round.py");
    let found = editor.request("textDocument/documentHighlight", editor.at("round.py", "return rad$0ius"));
    let uri = editor.uri("round.py");
    let mut places: Vec<_> = found
        .as_array()
        .expect("highlights")
        .iter()
        .map(|it| format!("{} {}", editor.places(&json!({ "uri": uri, "range": it["range"] }))[0], it["kind"]))
        .collect();
    places.sort();
    assert_eq!(places, ["round.py:6:radius 3", "round.py:7:radius 3", "round.py:8:radius 2", "round.py:8:radius 2"],);
}

#[test]
fn navigation_is_left_to_another_server_where_it_is_switched_off() {
    let workspace = shapes();
    let settings = json!({ "tantu": { "navigation": false } });
    let editor = Client::builder(&workspace)
        .initialization_options(settings["tantu"].clone())
        .settings(settings)
        .start()
        .indexed();
    editor.open("round.py");
    let at = || editor.at("round.py", "(Sha$0pe, ");
    let mut references = at();
    references["context"] = json!({ "includeDeclaration": true });
    let mut rename = at();
    rename["newName"] = json!("Form");
    let document = json!({ "textDocument": { "uri": editor.uri("round.py") } });
    let moved = json!({ "files": [{ "oldUri": editor.uri("base.py"), "newUri": editor.uri("bases.py") }] });
    for (method, params) in [
        ("textDocument/definition", at()),
        ("textDocument/implementation", at()),
        ("textDocument/references", references),
        ("textDocument/documentHighlight", at()),
        ("textDocument/documentSymbol", document.clone()),
        ("textDocument/prepareRename", at()),
        ("textDocument/rename", rename),
        ("workspace/symbol", json!({ "query": "Shape" })),
        ("workspace/willRenameFiles", moved),
    ] {
        assert_eq!(editor.request(method, params), Value::Null, "{method}");
    }
    // What no other server does stays.
    assert!(editor.hover("round.py", "(Sha$0pe, ").contains("Shape"));
    assert_eq!(names(&editor.request("textDocument/prepareTypeHierarchy", at())), ["Shape"]);
    assert!(!editor.lens_titles("round.py").is_empty());
}

#[test]
fn a_picture_of_what_is_around_a_definition() {
    let workspace = shapes();
    workspace.write("total.py", "from square import Square\n\n\ndef total():\n    return Square().area()\n");
    let editor = Client::start(&workspace).indexed();
    editor.open("square.py");
    let mut argument = editor.at("square.py", "def are$0a");
    argument["show"] = json!(true);
    let drawing = editor.execute(&json!({ "command": "tantu.graph", "arguments": [argument] }));
    assert_eq!(drawing["symbol"], "square.Square.area");
    let svg = drawing["svg"].as_str().expect("a drawing");
    assert!(svg.starts_with("<svg") && svg.contains("<title>total.total → square.Square.area</title>"), "{svg}");
    // The picture is opened outside of the editor.
    let shown = editor.session().shown_documents.last().cloned().expect("a picture");
    assert_eq!(shown["external"], true);
    let path = tests::workspace::uri_path(shown["uri"].as_str().expect("a URI")).expect("a file");
    assert_eq!(std::fs::read_to_string(path).expect("it is there"), svg);

    let nothing = editor.at("square.py", "return $04");
    assert_eq!(editor.execute(&json!({ "command": "tantu.graph", "arguments": [nothing] })), Value::Null);
    // An editor that opens nothing is told what else it can do.
    let other = Client::builder(&workspace).capability("/window/showDocument/support", json!(false)).start().indexed();
    other.open("square.py");
    let params = json!({ "command": "tantu.graph", "arguments": [argument] });
    let refused = other.try_request("workspace/executeCommand", params).expect_err("it cannot");
    assert!(refused["message"].as_str().is_some_and(|it| it.contains("tantu graph --around")), "{refused}");
}

#[test]
fn what_a_model_would_be_shown_is_explained() {
    let workspace = Workspace::of(
        r#"
#- /money.py
class Money:
    cents: int
#- /secrets/prices.py
from money import Money
def price() -> Money: ...
#- /cart.py
from money import Money
from secrets.prices import price

def total() -> Money:
    ...
"#,
    );
    let editor = Client::builder(&workspace).start().indexed();
    editor.open("cart.py");
    let mut argument = editor.at("cart.py", "def $0total");
    let explained = editor.execute(&json!({ "command": "tantu.context", "arguments": [argument] }));
    assert_eq!(explained["symbol"], "cart.total");
    let text = explained["markdown"].as_str().expect("a document");
    assert!(text.starts_with("# Context of `cart.total`") && text.contains("`money.Money` | money.py:1 |"), "{text}");
    assert!(
        text.contains("of 8192 tokens") && !text.contains("def price"),
        "what may hold secrets is not sent: {text}"
    );

    argument["budget"] = json!(0);
    argument["show"] = json!(true);
    let explained = editor.execute(&json!({ "command": "tantu.context", "arguments": [argument] }));
    let shown = editor.session().shown_documents.last().cloned().expect("a document");
    let path = tests::workspace::uri_path(shown["uri"].as_str().expect("a URI")).expect("a file");
    let text = std::fs::read_to_string(path).expect("it is there");
    assert_eq!(explained["markdown"], text);
    assert!(text.contains("0 of 0 tokens") && text.contains("- `money.Money` (money.py)"), "{text}");
}

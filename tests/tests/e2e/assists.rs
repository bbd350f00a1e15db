//! Assists whose edit a model writes: offered as a code action, checked, and applied after a yes, each with a recorded reply.

use serde_json::json;
use tests::client::Client;
use tests::model_server::{ModelServer, Reply};
use tests::workspace::{Home, Workspace};

/// A session with an editor that can ask for a text, in a file.
struct World {
    editor: Client,
    model: ModelServer,
    workspace: Workspace,
    file: &'static str,
    _home: Home,
}

impl World {
    fn with(workspace: &str, file: &'static str, replies: &[&str]) -> World {
        let workspace = Workspace::of(workspace);
        let model = ModelServer::start(replies.iter().map(|reply| match reply.starts_with("```") {
            true => Reply::Text((*reply).to_owned()),
            false => Reply::code(reply),
        }));
        let home = Home::with_model(&model.base_url());
        let input = json!({ "tantu": { "input": true } });
        let editor = Client::builder(&workspace).home(&home).capability("/experimental", input).start().indexed();
        editor.open(file);
        World { editor, model, workspace, file, _home: home }
    }

    /// Takes the action of this title at a place. It is only a command.
    #[track_caller]
    fn take(&self, place: &str, title: &str) {
        let actions = self.editor.actions(self.file, place);
        let action = actions.iter().find(|action| action["title"] == title);
        let action = action.unwrap_or_else(|| panic!("no {title} among {actions:?}"));
        assert!(action["edit"].is_null(), "a model's action must not carry an edit: {action}");
        assert_eq!(action["command"]["command"], "tantu.propose");
        self.editor.execute(&action["command"]);
    }

    /// Says yes to the proposal, whose question is the answer.
    #[track_caller]
    fn apply(&self) -> String {
        let question = self.editor.question();
        assert!(self.editor.session().edits.is_empty(), "nothing is applied before a yes");
        self.editor.choose("Apply");
        let edit = self.editor.wait_for("the edit", |session| session.edits.first().cloned());
        edit.unwrap_or_else(|why| panic!("{why}: {}", question.text));
        question.text
    }
}

const BASKET: &str = "\
#- /basket.py
def total(items):
    \"\"\"The sum of what is not free.\"\"\"
    result = 0
    for item in items:
        if item > 0:
            result = result + item
    return result
#- /test_basket.py
from basket import total


def test_total():
    assert total([1, -2, 3]) == 4
";

#[test]
fn a_preset_rewrites_the_body() {
    let world =
        World::with(BASKET, "basket.py", &["def total(items):\n    return sum(item for item in items if item > 0)\n"]);
    world.take("for item in $0items", "Refactor: simplify (preview)");
    let asked = world.apply();
    assert!(asked.contains("tests"), "{asked}");
    let text = world.editor.text("basket.py");
    assert!(text.ends_with("not free.\"\"\"\n    return sum(item for item in items if item > 0)\n"), "{text}");
    assert!(world.model.asked()[0].prompt().contains("Make it simpler"));
}

#[test]
fn types_are_added_to_the_header() {
    let reply = "from collections.abc import Iterable\n\ndef total(items: Iterable[int]) -> int:\n    ...\n";
    let world = World::with(BASKET, "basket.py", &[reply]);
    world.take("def to$0tal", "Refactor: add types (preview)");
    world.apply();
    let text = world.editor.text("basket.py");
    assert!(text.starts_with("from collections.abc import Iterable\n"), "{text}");
    assert!(text.contains("def total(items: Iterable[int]) -> int:\n    \"\"\"The sum"), "{text}");
    assert!(text.contains("result = result + item"), "{text}");
}

#[test]
fn functions_are_extracted() {
    let lines: String = (0..15).map(|n| format!("    count += {n}\n")).collect();
    let long = format!("#- /a.py\ndef f(count):\n{lines}    return count\n");
    let reply = "def _added(count):\n    \"\"\"Adds.\"\"\"\n    return count + sum(range(15))\n\ndef f(count):\n    return _added(count)\n";
    let world = World::with(&long, "a.py", &[reply]);
    world.take("count += $07", "Refactor: extract functions (preview)");
    world.apply();
    let expected = "def _added(count):\n    \"\"\"Adds.\"\"\"\n    return count + sum(range(15))\n\n\ndef f(count):\n    return _added(count)\n";
    assert_eq!(world.editor.text("a.py"), expected);
}

#[test]
fn callers_of_what_becomes_async_await_it() {
    let workspace = "\
#- /net.py
import time

def fetch(host):
    time.sleep(1)
    return [host]
#- /main.py
from net import fetch

async def main():
    return fetch('a')[0]
";
    let reply = "import asyncio\n\nasync def fetch(host):\n    await asyncio.sleep(1)\n    return [host]\n";
    let world = World::with(workspace, "net.py", &[reply]);
    world.take("time.sl$0eep", "Refactor: make async (preview)");
    world.apply();
    assert!(world.editor.text("net.py").contains("async def fetch(host):\n    await asyncio.sleep(1)"));
    assert!(world.editor.text("main.py").contains("return (await fetch('a'))[0]"));
}

#[test]
fn a_comment_below_the_last_statement_is_followed() {
    let world = World::with(
        "#- /a.py\ndef f():\n    return 1\n    # tantu: return two\n",
        "a.py",
        &["def f():\n    return 2\n"],
    );
    world.take("# tantu: ret$0urn", "Do what the comment asks for (preview)");
    world.apply();
    assert_eq!(world.editor.text("a.py"), "def f():\n    return 2\n");
}

const UNTESTED: &str = "\
#- /shop/__init__.py
#- /shop/money.py
def half(amount: int) -> int:
    \"\"\"Half of an amount, rounded up.\"\"\"
    return amount // 2
#- /tests/test_other.py
";

fn test_of(amount: u32, expected: u32) -> String {
    format!("from shop.money import half\n\n\ndef test_half():\n    assert half({amount}) == {expected}\n")
}

#[test]
fn tests_are_written_and_run() {
    let world = World::with(UNTESTED, "shop/money.py", &[&test_of(4, 2)]);
    world.take("def ha$0lf", "Write tests (preview)");
    let asked = world.apply();
    assert!(asked.contains("Makes tests/test_money.py."), "{asked}");
    let tests = asked.split("Passed: ").nth(1).and_then(|passed| passed.split('.').next());
    assert!(tests.is_some_and(|passed| passed.ends_with("tests")), "{asked}");
    assert_eq!(world.editor.text("tests/test_money.py"), test_of(4, 2));
    // The editor makes the file; saving is the person's business.
    assert_eq!(world.workspace.read("tests/test_money.py"), "");
}

#[test]
fn a_test_that_fails_is_a_suspected_bug_and_is_never_weakened() {
    // What the docstring says, then less of it, then the same again.
    let weak = test_of(3, 2).replace("half(3) == 2", "half(3)");
    let world = World::with(UNTESTED, "shop/money.py", &[&test_of(3, 2), &weak, &test_of(3, 2)]);
    world.take("def ha$0lf", "Write tests (preview)");
    let message = world.editor.message("suspected-bug");
    assert!(message.text.contains("`test_half`: assert 1 == 2"), "{}", message.text);
    let asked = world.model.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked[1].prompt().contains("the test is wrong, or it has found a bug"), "{}", asked[1].prompt());
    assert!(asked[2].prompt().contains("no longer asserts `half(3) == 2`"), "{}", asked[2].prompt());
    assert!(world.editor.session().edits.is_empty());
}

#[test]
fn what_a_corrected_test_first_expected_is_told() {
    let world = World::with(UNTESTED, "shop/money.py", &[&test_of(3, 2), &test_of(3, 1)]);
    world.take("def ha$0lf", "Write tests (preview)");
    let asked = world.apply();
    assert!(asked.contains("first expected `half(3)` to be `2`"), "{asked}");
}

#[test]
fn calls_that_do_not_fit_are_updated_in_several_files() {
    let workspace = "\
#- /shapes.py
def area(width):
    return width * width
#- /rooms.py
from shapes import area

def size(room):
    return area(room.width)
#- /main.py
import shapes

print(shapes.area(2))
";
    let reply =
        "# place 1\nprint(shapes.area(2, 2))\n# place 2\nheight = room.height\nreturn area(room.width, height)\n";
    let world = World::with(workspace, "shapes.py", &[reply]);
    // Not saved.
    world.editor.replace(
        "shapes.py",
        "def area(width):\n    return width * width",
        "def area(width, height):\n    return width * height",
    );
    world.take("def ar$0ea", "Update the calls that do not fit (preview)");
    let asked = world.apply();
    assert!(asked.contains("Update 2 calls of `shapes.area`"), "{asked}");
    assert!(world.editor.text("main.py").ends_with("print(shapes.area(2, 2))\n"));
    assert!(world.editor.text("rooms.py").ends_with("    height = room.height\n    return area(room.width, height)\n"));
    assert!(world.model.asked()[0].prompt().contains("rooms.py:4: missing argument `height`"));
}

#[test]
fn a_function_is_made_like_another() {
    let workspace = "\
#- /users.py
def load(path):
    with open(path) as file:
        return file.readlines()
#- /orders.py
def load_orders(path):
    return open(path).readlines()
";
    let reply = "def load_orders(path):\n    with open(path) as file:\n        return file.readlines()\n";
    let world = World::with(workspace, "orders.py", &[reply]);
    world.editor.session().texts.push_back("like users.load".to_owned());
    world.take("return op$0en", "Make this like another function (preview)");
    let asked = world.apply();
    assert!(asked.contains("Make `orders.load_orders` like `users.load`"), "{asked}");
    assert_eq!(world.editor.text("orders.py"), reply);
    assert!(world.model.asked()[0].prompt().contains("def load(path):"));
}

#[test]
fn a_module_is_written_like_another_one() {
    let workspace = "#- /users.py\nimport logging\n\nlog = logging.getLogger(__name__)\n\n\ndef load(path):\n    log.info(path)\n#- /orders.py\nimport json\n\n\ndef read(text):\n    print(text)\n    return json.loads(text)  # Strict.\n";
    let lost = "import json\n\n\ndef parse(text):\n    return json.loads(text)\n";
    let good = "import json\nimport logging\n\nlog = logging.getLogger(__name__)\n\n\ndef read(text):\n    log.info(text)\n    return json.loads(text)  # Strict.\n";
    let world = World::with(workspace, "orders.py", &[lost, good]);
    world.editor.session().texts.push_back("like users: it logs".to_owned());
    world.take("import $0json", "Make this module like another one (preview)");
    let asked = world.apply();
    assert!(asked.contains("Make module `orders` like `users`"), "{asked}");
    assert_eq!(world.editor.text("orders.py"), good);
    let asked = world.model.asked();
    assert!(asked[0].prompt().contains("log = logging.getLogger(__name__)"));
    assert!(asked[1].prompt().contains("`read` is gone"), "{}", asked[1].prompt());
}

#[test]
fn what_asks_a_model_is_marked_where_the_editor_knows_the_mark() {
    let workspace = Workspace::of(BASKET);
    let home = Home::with_model(&ModelServer::nobody());
    let actions = |tags: serde_json::Value| {
        let support = json!({ "valueSet": tags });
        let builder = Client::builder(&workspace).home(&home);
        let editor = builder.capability("/textDocument/codeAction/tagSupport", support).start().indexed();
        editor.open("basket.py");
        editor.actions("basket.py", "for item in $0items")
    };
    let marked = actions(json!([1]));
    let is_marked = |action: &serde_json::Value| action["tags"] == json!([1]);
    let (by_model, others): (Vec<_>, Vec<_>) = marked.iter().partition(|it| is_marked(it));
    let is_preview = |action: &&serde_json::Value| action["title"].as_str().is_some_and(|it| it.ends_with("(preview)"));
    assert!(by_model.len() > 2 && by_model.iter().all(is_preview), "{by_model:?}");
    assert!(!others.is_empty() && !others.iter().any(is_preview), "{others:?}");
    assert!(!actions(json!([2])).iter().any(is_marked));
}

#[test]
fn who_has_nothing_to_say_is_not_asked_again() {
    let world = World::with(BASKET, "basket.py", &[]);
    world.take("for item in $0items", "Make this like another function (preview)");
    world.editor.wait_for("the question for a text", |session| {
        session.log.iter().any(|record| record.message["method"] == "tantu/input").then_some(())
    });
    assert!(world.model.asked().is_empty());
    assert!(world.editor.session().open_questions.is_empty());
}

/// A blueprint as a model sends it.
fn blueprint(files: &[(&str, &str)]) -> String {
    let files: Vec<_> = files.iter().map(|(path, content)| json!({ "path": path, "content": content })).collect();
    format!("```json\n{}\n```\nConfidence: 0.8\n", json!({ "files": files }))
}

#[test]
fn a_package_is_generated_from_a_description() {
    let module = "\"\"\"Rates.\"\"\"\n\n\ndef convert(amount: float, rate: float) -> float:\n    \"\"\"An amount at a rate.\"\"\"\n    return amount * rate\n";
    let test = "from rates import convert\n\n\ndef test_convert():\n    assert convert(2, 3) == 6\n";
    let readme = "# Rates\n";
    let files = [("rates/__init__.py", module), ("tests/test_rates.py", test), ("rates/README.md", readme)];
    let outside = blueprint(&[("../rates.py", module), ("tests/test_rates.py", test)]);
    let world = World::with("#- /main.py\n\nx = 1\n", "main.py", &[&outside, &blueprint(&files)]);
    world.editor.session().texts.push_back("a converter of currencies".to_owned());
    world.take("$0\nx = 1", "Generate a module from a description (preview)");
    let asked = world.apply();
    assert!(asked.contains("Makes rates/__init__.py, tests/test_rates.py, rates/README.md."), "{asked}");
    for (path, text) in files {
        assert_eq!(world.editor.text(path), text);
    }
    let prompts = world.model.asked();
    assert!(prompts[0].prompt().contains("a converter of currencies"));
    assert!(prompts[1].prompt().contains("`../rates.py` is no plain relative path"), "{}", prompts[1].prompt());
}

#[test]
fn what_has_to_be_told_is_only_offered_where_one_can_be_asked() {
    let workspace = Workspace::of(BASKET);
    let model = ModelServer::start([]);
    let home = Home::with_model(&model.base_url());
    let editor = Client::builder(&workspace).home(&home).start().indexed();
    editor.open("basket.py");
    let actions = editor.actions("basket.py", "for item in $0items");
    let titles: Vec<&str> = actions.iter().filter_map(|action| action["title"].as_str()).collect();
    assert!(titles.contains(&"Refactor: simplify (preview)"), "{titles:?}");
    editor.replace("basket.py", "def total", "# tantu: a converter of currencies\n\n\ndef total");
    let actions = editor.actions("basket.py", "# tantu: $0a converter");
    let generate = actions.iter().find(|action| action["title"] == "Generate a module from a description (preview)");
    let argument = &generate.expect("a comment describes it")["command"]["arguments"][0];
    assert_eq!(argument["instruction"], "a converter of currencies");
    let told = ["Refactor: as you describe (preview)", "Make this like another function (preview)"];
    assert!(told.iter().all(|title| !titles.contains(title)), "{titles:?}");
}

/// Two calls in two files do not fit.
const SHAPES: &str = "\
#- /shapes.py
def area(width, height):
    return width * height
#- /rooms.py
from shapes import area

def size(room):
    return area(room.width)
#- /main.py
import shapes

print(shapes.area(2))
";

#[test]
fn the_part_that_passes_is_offered_without_the_rest() {
    let reply = "# place 1\nprint(shapes.area(2, 2))\n# place 2\nreturn area(room.width, the_height)\n";
    let world = World::with(SHAPES, "shapes.py", &[reply, reply, reply]);
    world.take("def ar$0ea", "Update the calls that do not fit (preview)");
    let asked = world.apply();
    assert!(asked.contains("a part was left out") && asked.contains("`the_height`"), "{asked}");
    assert!(world.editor.text("main.py").ends_with("print(shapes.area(2, 2))\n"));
    assert_eq!(world.workspace.read("rooms.py").matches("area(room.width)").count(), 1);
    assert_eq!(world.editor.session().edits.len(), 1);
}

#[test]
fn parts_are_chosen_one_by_one() {
    let reply = "# place 1\nprint(shapes.area(2, 2))\n# place 2\nreturn area(room.width, room.height)\n";
    let world = World::with(SHAPES, "shapes.py", &[reply]);
    world.take("def ar$0ea", "Update the calls that do not fit (preview)");
    let question = world.editor.question();
    assert!(
        !question.actions.iter().any(|it| it == "Apply confident parts"),
        "nothing speaks against any: {question:?}"
    );
    world.editor.choose("Choose parts");
    for answer in ["Leave out", "Keep"] {
        let question = world.editor.question();
        assert!(question.text.contains(if answer == "Keep" { "rooms.py: size" } else { "main.py" }), "{question:?}");
        world.editor.choose(answer);
    }
    world.apply();
    assert!(world.editor.text("rooms.py").ends_with("return area(room.width, room.height)\n"));
    assert!(world.workspace.read("main.py").contains("area(2)"));
    assert_eq!(world.editor.session().edits.len(), 1);
}

#[test]
fn a_refactoring_that_answers_otherwise_is_refused_without_any_test() {
    let workspace = "#- /basket.py\ndef total(items: list[int]) -> int:\n    result = 0\n    for item in items:\n        if item > 0:\n            result = result + item\n    return result\n";
    let other = "def total(items):\n    return sum(items)\n";
    let same = "def total(items):\n    return sum(item for item in items if item > 0)\n";
    let world = World::with(workspace, "basket.py", &[other, same]);
    world.take("for item in $0items", "Refactor: simplify (preview)");
    world.apply();
    let asked = world.model.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[1].prompt().contains("other-behaviour"), "{}", asked[1].prompt());
    assert!(world.editor.text("basket.py").ends_with("return sum(item for item in items if item > 0)\n"));
}

#[test]
fn the_code_under_a_failing_test_is_fixed() {
    let broken = BASKET.replace("if item > 0", "if item > 1");
    let world =
        World::with(&broken, "basket.py", &["def total(items):\n    return sum(item for item in items if item > 0)\n"]);
    let uri = world.editor.uri("test_basket.py");
    world.editor.open("test_basket.py");
    let run =
        json!({ "command": "tantu.run", "arguments": [{ "uri": uri, "kind": "pytest", "target": "test_total" }] });
    world.editor.execute(&run);
    let is_failure = |finding: &serde_json::Value| finding["code"] == "test-failed";
    let failure = world.editor.diagnostic("test_basket.py", "the failure", is_failure);
    let params =
        json!({ "textDocument": { "uri": uri }, "range": failure["range"], "context": { "diagnostics": [failure] } });
    let actions = world.editor.request("textDocument/codeAction", params);
    let actions = actions.as_array().expect("a list");
    let action = actions.iter().find(|action| action["title"] == "Fix `total` with a model (preview)");
    world.editor.execute(&action.unwrap_or_else(|| panic!("not offered among {actions:?}"))["command"]);
    world.apply();
    assert!(world.model.asked()[0].prompt().contains("`test_basket.test_total` fails: "), "the failure is told");
    assert!(world.editor.text("basket.py").ends_with("if item > 0)\n"));
}

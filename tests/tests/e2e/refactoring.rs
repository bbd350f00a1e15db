//! Renames, moved files and code actions: the buffers afterwards are what a person would have typed.

use serde_json::json;
use tests::buffer::Encoding;
use tests::client::Client;
use tests::workspace::Workspace;

fn three_modules() -> Workspace {
    Workspace::of(
        r#"
#- /prices.py
def total(prices, rate=1):
    """Adds up."""
    return sum(prices) * rate
#- /report.py
from prices import total as add_up


def report():
    return f"🧵 {add_up(prices=[1, 2], rate=2)}"
#- /cart.py
import prices


class Cart:
    def sum(self, rate):
        return prices.total([3], rate=rate)
"#,
    )
}

#[test]
fn a_rename_reaches_aliases_and_keyword_arguments_in_other_files() {
    let workspace = three_modules();
    let editor = Client::start(&workspace).indexed();
    editor.open("prices.py");
    editor.open("report.py");
    // Not on disk yet: what counts is the buffer.
    editor.insert("report.py", "$0def report", "x = 1\n");
    editor.rename("prices.py", "def to$0tal", "sum_up");
    editor.rename("prices.py", "(prices, ra$0te=1)", "factor");
    assert_eq!(
        editor.text("prices.py"),
        "def sum_up(prices, factor=1):\n    \"\"\"Adds up.\"\"\"\n    return sum(prices) * factor\n"
    );
    assert_eq!(
        editor.text("report.py"),
        "from prices import sum_up as add_up\n\n\nx = 1\ndef report():\n    return f\"🧵 {add_up(prices=[1, 2], factor=2)}\"\n"
    );
    assert_eq!(
        editor.text("cart.py"),
        "import prices\n\n\nclass Cart:\n    def sum(self, rate):\n        return prices.sum_up([3], factor=rate)\n"
    );
    // The alias is a name of its own.
    editor.rename("report.py", "{add$0_up(", "tally");
    assert!(editor.text("report.py").contains("import sum_up as tally\n"), "{}", editor.text("report.py"));
    assert!(editor.text("report.py").contains("{tally("), "{}", editor.text("report.py"));
    assert!(editor.text("prices.py").contains("def sum_up"));
    assert_eq!(
        editor.references("prices.py", "def sum$0_up"),
        ["cart.py:6:sum_up", "prices.py:1:sum_up", "report.py:1:sum_up", "report.py:1:tally", "report.py:6:tally"]
    );
}

#[test]
fn a_rename_for_a_text_that_has_changed_changes_nothing() {
    let workspace = three_modules();
    let editor = Client::start(&workspace).indexed();
    editor.open("prices.py");
    editor.open("report.py");
    let edit = editor.rename_edit("prices.py", "def to$0tal", "sum_up").expect("it can be renamed");
    editor.insert("report.py", "$0def report", "x = 1\n");
    assert!(editor.apply(&edit).is_err());
    assert!(editor.text("prices.py").starts_with("def total"));
}

#[test]
fn a_rename_that_is_not_certain_is_refused_with_the_place() {
    let workspace = three_modules();
    workspace.write("other.py", "from prices import total\n\n\ndef sum_up(cart):\n    return total(cart.items)\n");
    let editor = Client::start(&workspace).indexed();
    editor.open("prices.py");
    editor.open("cart.py");
    let refused = editor.rename_edit("prices.py", "def to$0tal", "sum_up").expect_err("the name is taken in other.py");
    assert!(refused.contains("`sum_up`") && refused.contains("other.py:4"), "{refused}");
    let refused = editor.rename_edit("prices.py", "def to$0tal", "yield").expect_err("it is a keyword");
    assert!(refused.contains("`yield`"), "{refused}");
    let refused = editor.rename_edit("prices.py", "return su$0m(", "add").expect_err("it is Python's");
    assert!(refused.contains("`sum`"), "{refused}");

    editor.replace("prices.py", "return sum(prices) * rate", "return sum(prices * rate");
    let refused = editor.rename_edit("prices.py", "def to$0tal", "tally").expect_err("a syntax error may hide uses");
    assert!(refused.contains("prices.py:") && refused.contains("a syntax error may hide"), "{refused}");
}

#[test]
fn an_editor_that_can_ask_is_given_what_is_not_certain_to_confirm() {
    let workspace = Workspace::of(
        r#"
#- /cart.py
class Cart:
    def items(self):
        return []


def show(cart, anything):
    return [Cart().items(), anything.items()]
"#,
    );
    let editor = Client::builder(&workspace)
        .capability("/workspace/workspaceEdit/changeAnnotationSupport", json!({ "groupsOnLabel": true }))
        .start()
        .indexed();
    editor.open("cart.py");
    let edit = editor.rename_edit("cart.py", "def it$0ems", "parts").expect("it can be asked about");
    let annotations = edit["changeAnnotations"].as_object().expect("doubts");
    assert_eq!(annotations.len(), 1, "{edit}");
    let annotation = annotations.values().next().expect("one");
    assert_eq!(annotation["needsConfirmation"], true);
    assert!(annotation["description"].as_str().is_some_and(|it| it.starts_with("cart.py:7:")), "{annotation}");
    // With a yes to it.
    editor.apply(&edit).expect("it fits the buffer");
    assert!(editor.text("cart.py").contains("[Cart().parts(), anything.parts()]"), "{}", editor.text("cart.py"));

    let silent = Client::start(&workspace).indexed();
    silent.open("cart.py");
    let refused = silent.rename_edit("cart.py", "def it$0ems", "parts").expect_err("nobody can be asked");
    assert!(refused.contains("cart.py:7:"), "{refused}");
}

#[test]
fn a_module_is_renamed_with_its_file() {
    let workspace = three_modules();
    let editor = Client::start(&workspace).indexed();
    editor.open("report.py");
    editor.open("prices.py");
    editor.insert("prices.py", "$0def total", "# unsaved\n");
    editor.rename("report.py", "from pri$0ces", "sums");
    assert!(editor.text("report.py").starts_with("from sums import total as add_up\n"));
    assert!(editor.text("cart.py").contains("import sums\n") && editor.text("cart.py").contains("sums.total("));
    assert!(editor.text("sums.py").starts_with("# unsaved\ndef total"));
    assert!(workspace.path("sums.py").is_file() && !workspace.path("prices.py").exists());
    assert_eq!(editor.definition("report.py", "{add$0_up("), ["sums.py:2:total"]);
}

#[test]
fn imports_follow_a_package_that_moves() {
    let workspace = Workspace::of(
        r#"
#- /shop/__init__.py
#- /shop/money/__init__.py
from .coins import Coin
#- /shop/money/coins.py
from ..cart import Cart


class Coin:
    cart: Cart
#- /shop/cart.py
class Cart:
    pass
#- /main.py
import shop.money.coins
from shop.money import Coin as Piece

print(shop.money.coins.Coin, Piece)
"#,
    );
    let editor = Client::start(&workspace).indexed();
    editor.open("main.py");
    editor.open("shop/money/coins.py");
    editor.move_file("shop/money", "bank");
    assert_eq!(
        editor.text("main.py"),
        "import bank.coins\nfrom bank import Coin as Piece\n\nprint(bank.coins.Coin, Piece)\n"
    );
    assert!(
        editor.text("bank/coins.py").starts_with("from shop.cart import Cart\n"),
        "{}",
        editor.text("bank/coins.py")
    );
    assert_eq!(editor.definition("main.py", "Pi$0ece)"), ["bank/coins.py:4:Coin"]);
    assert_eq!(editor.definition("bank/coins.py", "import Ca$0rt"), ["shop/cart.py:1:Cart"]);
    assert_eq!(
        editor.references("bank/coins.py", "class Co$0in"),
        [
            "bank/__init__.py:1:Coin",
            "bank/coins.py:4:Coin",
            "main.py:2:Coin",
            "main.py:2:Piece",
            "main.py:4:Coin",
            "main.py:4:Piece"
        ]
    );
}

#[test]
fn code_actions_are_resolved_and_applied() {
    let workspace = three_modules();
    let editor = Client::start(&workspace).indexed();
    editor.open("cart.py");
    editor.act("cart.py", "prices.total([3], rate=rate)", "Extract function");
    assert_eq!(
        editor.text("cart.py"),
        "import prices\n\n\nclass Cart:\n    def sum(self, rate):\n        return extracted(rate)\n\n\n\
         def extracted(rate):\n    return prices.total([3], rate=rate)\n"
    );

    editor.open("report.py");
    editor.insert("report.py", "$0def report", "carts = [Cart()]\n\n\n");
    let wrong = editor.diagnostic("report.py", "the unknown name", |item| item["message"].to_string().contains("Cart"));
    let offered = editor.actions_for("report.py", "Cart", Some("quickfix"));
    let import = offered.iter().find(|it| it["title"] == "Import `Cart` from `cart`").expect("an import");
    assert_eq!((&import["isPreferred"], &import["diagnostics"]), (&json!(true), &json!([wrong])), "{import}");
    editor.act("report.py", "Cart", "Import `Cart` from `cart`");
    assert!(editor.text("report.py").contains("from cart import Cart\n"), "{}", editor.text("report.py"));
    let left = editor.diagnostics("report.py");
    assert!(!left.iter().any(|item| item["message"].to_string().contains("Cart")), "{left:?}");
    assert_eq!(editor.definition("report.py", "[Ca$0rt()]"), ["cart.py:4:Cart"]);

    // What is not possible is shown to who asks for this kind, with the reason.
    editor.insert("report.py", "$0def report", "x = carts and carts.pop\n\n\n");
    let refused = editor.actions_for("report.py", "carts.pop", Some("refactor.extract"));
    let refused = refused.iter().find(|it| it["title"].to_string().contains("variable")).expect("it is shown");
    assert_eq!(refused["disabled"]["reason"], "it is not evaluated every time");
    assert!(refused["edit"].is_null() && refused["data"].is_null(), "{refused}");
}

#[test]
fn edits_land_where_they_should_in_every_encoding() {
    // A byte order mark, CRLF, tabs, form feeds, characters of one to four bytes, combining ones and pairs of surrogates.
    let prices = "\u{feff}\"\"\"🧵 e\u{301}.\"\"\"\r\n\u{c}\r\ndef total(prices, rate=1, *, 注='🧵'):  # é🧵\r\n\
                  \treturn sum(prices) * rate, '🧵', 注\r\n";
    let report = "from prices import total as add_up\r\n\r\n\u{c}\r\ndef report(ré):\r\n\
                  \tif ré:\r\n\t\tprint('🧵e\u{301}', add_up([ré], 注='🧵'), '🧵', add_up([1], 2)) ; print('🧵')\r\n\
                  \treturn f'🧵{ré}🧵{ré + 1}', '🧵'\r\n";
    for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
        let workspace = Workspace::of("");
        workspace.write("prices.py", prices);
        workspace.write("report.py", report);
        let editor = Client::builder(&workspace).encodings(&[encoding]).start().indexed();
        editor.open("prices.py");
        editor.open("report.py");
        editor.act("report.py", "add_up([1], 2)", "Extract function `extracted`");
        editor.act("report.py", "ré + 1", "Extract variable");
        editor.rename("report.py", "report(r$0é)", "ü");
        editor.rename("prices.py", "*, $0注", "note");
        editor.replace("prices.py", "rate=1, *, note='🧵'", "rate, 倍, *, note='🧵'");
        editor.act("prices.py", "total", "Update 1 of 2 callers of `total`");
        assert_eq!(
            editor.text("prices.py"),
            "\u{feff}\"\"\"🧵 e\u{301}.\"\"\"\r\n\u{c}\r\ndef total(prices, rate, 倍, *, note='🧵'):  # é🧵\r\n\
             \treturn sum(prices) * rate, '🧵', note\r\n"
        );
        assert_eq!(
            editor.text("report.py"),
            "from prices import total as add_up\r\n\r\n\u{c}\r\ndef report(ü):\r\n\
             \tif ü:\r\n\t\tprint('🧵e\u{301}', add_up([ü], note='🧵'), '🧵', extracted()) ; print('🧵')\r\n\
             \tvalue = ü + 1\r\n\treturn f'🧵{ü}🧵{value}', '🧵'\r\n\r\n\r\n\
             def extracted():\r\n\treturn add_up([1], 2, ...)\r\n"
        );
    }
}

#[test]
fn a_definition_moves_to_a_file_that_is_made_for_it() {
    let workspace = three_modules();
    workspace
        .write("tests/test_prices.py", "from prices import total\n\n\ndef test_total():\n    assert total([]) == 0\n");
    let editor = Client::start(&workspace).indexed();
    editor.open("prices.py");
    editor.open("report.py");
    editor.act("prices.py", "total", "Move `total` to new module");
    assert_eq!(editor.text("prices.py").trim(), "");
    assert!(workspace.path("total.py").is_file());
    assert_eq!(
        editor.text("total.py"),
        "def total(prices, rate=1):\n    \"\"\"Adds up.\"\"\"\n    return sum(prices) * rate\n"
    );
    assert!(
        editor.text("report.py").starts_with("from total import total as add_up\n"),
        "{}",
        editor.text("report.py")
    );
    assert!(editor.text("cart.py").starts_with("from total import total\n"), "{}", editor.text("cart.py"));
    assert!(editor.text("cart.py").contains("return total([3], rate=rate)"), "{}", editor.text("cart.py"));
    assert_eq!(
        editor.references("total.py", "def to$0tal"),
        [
            "cart.py:1:total",
            "cart.py:8:total",
            "report.py:1:add_up",
            "report.py:1:total",
            "report.py:5:add_up",
            "tests/test_prices.py:1:total",
            "tests/test_prices.py:5:total",
            "total.py:1:total"
        ]
    );
    let workspace = three_modules();
    let silent = Client::builder(&workspace)
        .capability("/workspace/workspaceEdit/resourceOperations", json!([]))
        .start()
        .indexed();
    silent.open("prices.py");
    let offered = silent.actions_for("prices.py", "total", None);
    let refusals = offered.into_iter().filter(|it| it["title"].to_string().contains("new module")).map(|it| {
        let error = silent.try_request("codeAction/resolve", it).expect_err("this editor makes no files");
        error["message"].as_str().unwrap_or_default().to_owned()
    });
    assert_eq!(refusals.collect::<Vec<_>>(), ["this editor lets no server make files"]);
}

#[test]
fn callers_follow_a_signature_that_was_edited() {
    let workspace = three_modules();
    let editor = Client::start(&workspace).indexed();
    for file in ["prices.py", "report.py", "cart.py"] {
        editor.open(file);
    }
    editor.replace("prices.py", "def total(prices, rate=1):", "def total(prices, factor=1):");
    editor.replace("prices.py", "* rate", "* factor");
    for file in ["report.py", "cart.py"] {
        editor.diagnostic(file, "the call that no longer fits", |item| item["code"] == "incompatible-call");
    }
    editor.act("prices.py", "total", "Update 2 callers of `total`");
    assert!(editor.text("report.py").contains("add_up(prices=[1, 2], factor=2)"), "{}", editor.text("report.py"));
    assert!(editor.text("cart.py").contains("prices.total([3], factor=rate)"), "{}", editor.text("cart.py"));
    for file in ["report.py", "cart.py"] {
        assert_eq!(editor.diagnostics(file), [json!(null); 0]);
    }
    // Saved, the signature is what callers are written against.
    editor.save("prices.py");
    let offered = editor.actions_for("prices.py", "total", Some("quickfix"));
    assert!(!offered.iter().any(|it| it["title"].to_string().contains("Update")), "{offered:?}");
}

#[test]
fn a_command_changes_a_signature_and_its_callers() {
    let workspace = three_modules();
    let editor = Client::start(&workspace).indexed();
    editor.open("prices.py");
    editor.open("report.py");
    let position = editor.at("prices.py", "def to$0tal")["position"].take();
    let mut argument = json!({ "uri": editor.uri("prices.py"), "position": position,
                               "steps": [{ "step": "rename", "name": "rate", "to": "factor" }] });
    let command = |argument: &serde_json::Value| json!({ "command": "tantu.changeSignature", "arguments": [argument] });
    editor.execute(&command(&argument));
    assert_eq!(editor.session().edits, [Ok(())]);
    assert!(editor.text("prices.py").contains("def total(prices, factor=1):"), "{}", editor.text("prices.py"));
    assert!(editor.text("prices.py").contains("* factor"), "{}", editor.text("prices.py"));
    assert!(editor.text("report.py").contains("add_up(prices=[1, 2], factor=2)"), "{}", editor.text("report.py"));
    assert!(editor.text("cart.py").contains("prices.total([3], factor=rate)"), "{}", editor.text("cart.py"));

    argument["steps"] = json!([{ "step": "remove", "name": "prices" }]);
    let params = command(&argument);
    let refused = editor.try_request("workspace/executeCommand", params).expect_err("the parameter is used");
    assert!(refused["message"].to_string().contains("`prices` is used"), "{refused}");
    assert_eq!(editor.session().edits.len(), 1);
}

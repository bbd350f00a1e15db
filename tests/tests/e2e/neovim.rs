//! The same in real Neovim, through its own handlers and our plugin. The scripts are in `neovim/`.

use std::path::Path;

use serde_json::Value;
use tests::model_server::{ModelServer, Reply};
use tests::wire::{Direction, Record};
use tests::workspace::{Home, Workspace};

fn run(script: &str, workspace: &Workspace, home: &Home) -> Vec<Record> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/neovim");
    tests::neovim::run(&scripts.join(script), Path::new(env!("CARGO_BIN_EXE_tee-lsp")), workspace, home)
}

fn sent_by_the_editor<'a>(session: &'a [Record], method: &str) -> Vec<&'a Value> {
    let sent = session.iter().filter(|record| record.direction == Direction::ToServer);
    sent.map(|record| &record.message).filter(|message| message["method"] == method).collect()
}

#[test]
fn with_the_plugin_from_hover_to_an_applied_proposal() {
    let workspace = Workspace::fixture("shop");
    let path = tests::repository().join("fixtures/replies/best_discount.json");
    let replies: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("a fixture")).expect("JSON");
    let reply = Reply::Text(replies[1]["reply"].as_str().expect("text").to_owned());
    let model = ModelServer::start([reply.clone(), reply]);
    let home = Home::with_model(&model.base_url());
    let session = run("plugin.lua", &workspace, &home);
    assert_eq!(model.asked().len(), 2);
    assert!(model.asked()[1].prompt().contains("say it in fewer words"), "so does what should be different");
    assert!(model.asked()[0].prompt().contains("prefer plain loops"), "the instruction goes to the model");
    assert_eq!(sent_by_the_editor(&session, "exit").len(), 1, "the session ended properly");
}

#[test]
fn neovim_without_the_plugin() {
    let workspace = Workspace::fixture("shop");
    let session = run("bare.lua", &workspace, &Home::new());
    assert!(!sent_by_the_editor(&session, "textDocument/codeLens").is_empty());
}

#[test]
fn names_hierarchies_symbols_and_code_actions() {
    let workspace = Workspace::of(
        r#"
#- /prices.py
def total(prices, rate=1):
    return sum(prices) * rate
#- /report.py
from cart import Cart
from prices import total as add_up

class FastCart(Cart):
    def sum(self, rate):
        return rate

def report():
    return f"🧵 {add_up(prices=[1, 2], rate=2)}"
#- /cart.py
import prices


class Cart:
    def sum(self, rate):
        return prices.total([3], rate=rate)
"#,
    );
    let session = run("refactoring.lua", &workspace, &Home::new());
    assert_eq!(workspace.read("prices.py"), "def total(prices, rate=1):\n    return sum(prices) * rate\n");
    for method in ["textDocument/prepareRename", "codeAction/resolve", "typeHierarchy/subtypes"] {
        assert!(!sent_by_the_editor(&session, method).is_empty(), "{method}");
    }
}

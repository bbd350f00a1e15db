//! How long a proposal takes from the command to the question, with a model that answers at once: the context, the checks, and
//! the tests. Checking alone takes less.
//!
//! ```console
//! $ cargo build --release && TANTU_BIN=target/release/tantu cargo run -p tests --example proposal_timing 30
//! ```
//!
//! The workspace is `fixtures/workspaces/shop` with two more functions: one that no test reaches, one with three tests. The
//! first proposal of each is left out: it starts the sandbox and reads the linter's settings.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::client::Client;
use tests::model_server::{ModelServer, Reply};
use tests::workspace::{Home, Workspace, model_settings};

const FILE: &str = "shop/rounding.py";

const MODULE: &str = "\
from shop.money import Money


def untested(price: Money) -> Money:
    \"\"\"Twice the price.\"\"\"
    raise NotImplementedError


def tested(price: Money) -> Money:
    \"\"\"Three times the price.\"\"\"
    raise NotImplementedError
";

const TESTS: &str = "\
from shop.money import Money
from shop.rounding import tested


def test_nothing():
    assert tested(Money.zero()) == Money.zero()


def test_one():
    assert tested(Money.of(1)) == Money.of(3)


def test_half():
    assert tested(Money.of(\"0.50\")) == Money.of(\"1.50\")
";

fn main() {
    let rounds = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(20);
    let workspace = Workspace::fixture("shop");
    workspace.write(FILE, MODULE);
    workspace.write("tests/test_rounding.py", TESTS);
    for (name, code) in [("untested", "    return price + price\n"), ("tested", "    return price * 3\n")] {
        let reply = format!("def {name}(price: Money) -> Money:\n{code}");
        let model = ModelServer::start((0..=rounds).map(|_| Reply::code(&reply)));
        let home = Home::new();
        home.configure(&format!("{}[cache]\nhours = 0\n[memory]\nenable = false\n", model_settings(&model.base_url())));
        let editor = Client::builder(&workspace).home(&home).start().indexed();
        editor.open(FILE);
        let mut times: Vec<Duration> = (0..=rounds).map(|_| ask(&editor, name)).skip(1).collect();
        times.sort();
        let millis = |at: usize| times[at].as_secs_f64() * 1e3;
        println!(
            "{name}: p50 {:.0} ms, {:.0} to {:.0} ms, {rounds} proposals",
            millis(times.len() / 2),
            millis(0),
            millis(times.len() - 1)
        );
    }
}

/// From the command to the question.
fn ask(editor: &Client, name: &str) -> Duration {
    let seen = editor.session().progress.len();
    let position = editor.at(FILE, &format!("def {name}$0("))["position"].take();
    let argument = json!({ "assist": "implement-function", "uri": editor.uri(FILE), "position": position });
    let began = Instant::now();
    editor.execute(&json!({ "command": "tantu.propose", "arguments": [argument] }));
    let question = editor.question();
    let took = began.elapsed();
    assert!(question.actions.iter().any(|title| title == "Apply"), "{question:?}");
    editor.choose("Discard");
    editor.wait_for("the end", |session| {
        session.progress[seen..].iter().any(|(_, value)| value["kind"] == "end").then_some(())
    });
    took
}

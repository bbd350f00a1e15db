//! What a person sees of tantu, printed: a real server, driven over stdio as an editor drives it, in a copy of the sample
//! shop. The model's replies are recorded, and say so; everything else happens while it is printed. Fails when a step does.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::client::Client;
use tests::workspace::{Home, Workspace};

const FUNCTION: &str = "shop/discounts.py";
const PATIENCE: Duration = Duration::from_secs(600);

fn main() {
    let workspace = Workspace::fixture("shop");
    let home = Home::new();
    let replies = tests::repository().join("fixtures/replies/best_discount.json");
    home.configure(&format!(
        "[models.demo]\nprovider = \"recorded\"\nreplies = {:?}\n\n[propose]\nmodels = [\"demo\"]\n",
        replies.display().to_string()
    ));
    let start = Instant::now();
    let editor = Client::builder(&workspace).home(&home).start();

    title("Hover: `Cart.subtotal` in shop/cart.py");
    editor.open("shop/cart.py");
    wait_for_index(&editor);
    println!("{}", links_as_text(&editor.hover("shop/cart.py", "def sub$0total(self)"), &workspace));

    title("Lenses in shop/cart.py");
    print_lenses(&editor, "shop/cart.py");

    title("Diagnostics in shop/repository.py");
    editor.open("shop/repository.py");
    for diagnostic in editor.diagnostics("shop/repository.py") {
        let line = diagnostic["range"]["start"]["line"].as_u64().unwrap_or_default() + 1;
        println!("{line:>5}  {} [{}]", text(&diagnostic["message"]), text(&diagnostic["code"]));
    }

    title("▶ run of tests/test_cart.py::TestCart in the sandbox");
    editor.open("tests/test_cart.py");
    run(&editor, "tests/test_cart.py", "TestCart");
    print_lenses(&editor, "tests/test_cart.py");

    title("Implement function: `best_discount` in shop/discounts.py (recorded model)");
    editor.open(FUNCTION);
    let actions = editor.actions(FUNCTION, "raise Not$0ImplementedError");
    let action = actions.iter().find(|action| text(&action["title"]).starts_with("Implement function"));
    let action = action.unwrap_or_else(|| panic!("the action is not offered: {actions:?}"));
    println!("code action: {}", text(&action["title"]));
    editor.execute(&action["command"]);
    let question = editor.question();
    println!("the server asks: {}\n  {}", question.text, question.actions.join(" · "));
    show(&editor, "Why", 0);
    show(&editor, "Show diff", 1);
    editor.question();
    println!("\nanswer: Apply");
    editor.choose("Apply");
    let edit = editor.wait_for("the edit", |session| session.edits.first().cloned());
    edit.expect("the edit fits the buffer");
    println!("applied to the buffer; nothing was written to disk");

    title("▶ run of its tests, on the buffer that was never saved");
    editor.open("tests/test_best_discount.py");
    println!("{}", run_any(&editor, "tests/test_best_discount.py"));
    println!("\n{:.1} s from the server's start to here.", start.elapsed().as_secs_f64());
}

fn title(text: &str) {
    println!("\n━━━ {text}\n");
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn wait_for_index(editor: &Client) {
    editor.wait_for("the index", |session| session.progress.iter().find(|(_, value)| value["kind"] == "end").map(drop));
}

fn print_lenses(editor: &Client, file: &str) {
    let source = editor.text(file);
    let lines: Vec<&str> = source.lines().collect();
    for lens in editor.lenses(file) {
        let line = lens["range"]["start"]["line"].as_u64().unwrap_or_default() as usize;
        let code = lines.get(line).map_or("", |line| line.trim());
        println!("{:>5}  {:<28} {code}", line + 1, text(&lens["command"]["title"]));
    }
}

/// A terminal shows no links: their text is enough.
fn links_as_text(markdown: &str, workspace: &Workspace) -> String {
    let mut out = String::new();
    let mut rest = markdown;
    while let Some((before, after)) = rest.split_once("](") {
        let Some((target, after)) = after.split_once(')') else { break };
        match before.rsplit_once('[') {
            Some((before, label)) if target.starts_with("file:") => out.extend([before, label]),
            _ => out.extend([before, "](", target, ")"]),
        }
        rest = after;
    }
    out.push_str(rest);
    out.replace(&format!("{}/", workspace.root().display()), "")
}

/// Takes a lens of `▶ run` and waits for the result, which has to be good.
fn run(editor: &Client, file: &str, target: &str) {
    let lens = run_lens(editor, file, |lens| lens["command"]["arguments"][0]["target"] == json!(target));
    let lens = lens.unwrap_or_else(|| panic!("nothing runs {target}"));
    editor.execute(&lens["command"]);
    wait_for_result(editor, file);
}

/// Takes the first lens of `▶ run`, and says what came of it.
fn run_any(editor: &Client, file: &str) -> String {
    let lens = run_lens(editor, file, |_| true).unwrap_or_else(|| panic!("nothing to run in {file}"));
    editor.execute(&lens["command"]);
    wait_for_result(editor, file)
}

fn run_lens(editor: &Client, file: &str, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
    let lenses = editor.lenses(file).into_iter();
    lenses.filter(|lens| lens["command"]["command"] == "tantu.run").find(|lens| wanted(lens))
}

fn wait_for_result(editor: &Client, file: &str) -> String {
    let end = Instant::now() + PATIENCE;
    loop {
        let titles = editor.lens_titles(file);
        if let Some(title) = titles.iter().find(|title| title.contains('✓')) {
            return title.clone();
        }
        assert!(!titles.iter().any(|title| title.contains('✗')), "it did not pass: {titles:?}");
        assert!(Instant::now() < end, "no result came");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Answers the open question with an action that shows a document, and prints that.
fn show(editor: &Client, action: &str, nth: usize) {
    editor.question();
    println!("\nanswer: {action}\n");
    editor.choose(action);
    let shown = editor.wait_for("a document", |session| session.shown_documents.get(nth).cloned());
    let path = text(&shown["uri"]).trim_start_matches("file://").to_owned();
    match std::fs::read_to_string(&path) {
        Ok(text) => println!("{}", text.trim_end()),
        Err(error) => println!("{path}: {error}"),
    }
}

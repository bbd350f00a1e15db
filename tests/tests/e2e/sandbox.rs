//! One key runs what is under the cursor: in the sandbox, on the text in the buffer, with the result where the code is.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::client::Client;
use tests::workspace::{Home, Workspace};

/// The first run on a machine compiles the sandbox.
const PATIENCE: Duration = Duration::from_secs(300);

fn workspace() -> Workspace {
    Workspace::of(
        r#"
#- /prices.py
def total(prices):
    """Adds up.

    >>> total([1, 2])
    3
    """
    return sum(prices)


def net(prices):
    """Without tax.

    >>> net([1, 2])
    99
    """
    return total(prices)
#- /test_prices.py
from prices import total


def test_adds_up():
    assert total([1, 2, 3]) == 6


def test_is_wrong():
    expected = 7
    assert total([1, 2, 3]) == expected
#- /script.py
print("before")

if __name__ == "__main__":
    print("made by the script")
    raise SystemExit(3)
"#,
    )
}

/// The lens that runs `target`, a name in the module; `None` is the module itself.
#[track_caller]
fn run_lens(editor: &Client, file: &str, target: Option<&str>) -> Value {
    let lenses = editor.lenses(file);
    let runs = |lens: &&Value| {
        lens["command"]["command"] == "tantu.run" && lens["command"]["arguments"][0]["target"].as_str() == target
    };
    lenses.iter().find(runs).cloned().unwrap_or_else(|| panic!("no lens runs {target:?}: {lenses:?}"))
}

/// Runs `target` through its lens and returns the lens' title when the run is over.
#[track_caller]
fn run(editor: &Client, file: &str, target: Option<&str>) -> String {
    let before = run_lens(editor, file, target);
    editor.execute(&before["command"]);
    let end = Instant::now() + PATIENCE;
    loop {
        let title = run_lens(editor, file, target)["command"]["title"].as_str().unwrap_or_default().to_owned();
        if title.starts_with(['✓', '✗']) && title != before["command"]["title"] {
            return title;
        }
        assert!(Instant::now() < end, "{target:?} of {file} never got a result; its lens says {title:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn every_runnable_thing_has_a_lens() {
    let workspace = workspace();
    let editor = Client::start(&workspace);
    for file in ["prices.py", "test_prices.py", "script.py"] {
        editor.open(file);
    }
    let check = |file: &str, line: u64, kind: &str, target: Option<&str>| {
        let lens = run_lens(&editor, file, target);
        assert_eq!(lens["range"]["start"]["line"], line - 1, "{lens}");
        let expected = json!([{ "uri": editor.uri(file), "kind": kind, "target": target }]);
        assert_eq!(lens["command"]["arguments"], expected);
        let title = lens["command"]["title"].as_str().unwrap_or_default();
        assert!(title.starts_with('▶'), "{title}");
    };
    check("test_prices.py", 4, "pytest", Some("test_adds_up"));
    check("test_prices.py", 1, "pytest", None);
    check("prices.py", 1, "doctest", Some("total"));
    check("script.py", 3, "main", None);
}

#[test]
fn a_test_that_passes() {
    let workspace = workspace();
    let editor = Client::start(&workspace);
    editor.open("test_prices.py");
    let title = run(&editor, "test_prices.py", Some("test_adds_up"));
    assert!(title.starts_with("✓ 1 passed · ") && title.ends_with(" ms"), "{title}");
}

#[test]
fn a_test_that_fails_becomes_a_diagnostic_on_its_line_until_it_passes() {
    let workspace = workspace();
    let editor = Client::start(&workspace);
    editor.open("test_prices.py");
    assert_eq!(run(&editor, "test_prices.py", Some("test_is_wrong")), "✗ 1 failed");
    let failed = editor.diagnostic("test_prices.py", "the failed assertion", |item| {
        item["range"]["start"]["line"] == 9 && item["severity"] == 1
    });
    assert!(failed["message"].to_string().contains('7'), "{failed}");
    // Corrected in the buffer, not on disk: the buffer is what runs.
    editor.replace("test_prices.py", "expected = 7", "expected = 6");
    let title = run(&editor, "test_prices.py", Some("test_is_wrong"));
    assert!(title.starts_with("✓ 1 passed"), "{title}");
    let uri = editor.uri("test_prices.py");
    editor.wait_for("the diagnostic to go", |session| {
        let items = &session.diagnostics.get(&uri)?.items;
        (!items.iter().any(|item| item["range"]["start"]["line"] == 9)).then_some(())
    });
}

#[test]
fn an_unsaved_module_is_what_its_tests_see() {
    let workspace = workspace();
    let editor = Client::start(&workspace);
    editor.open("prices.py");
    editor.open("test_prices.py");
    editor.replace("prices.py", "return sum(prices)", "return 7");
    assert_eq!(run(&editor, "test_prices.py", Some("test_adds_up")), "✗ 1 failed");
}

#[test]
fn doctests() {
    let workspace = workspace();
    let editor = Client::start(&workspace);
    editor.open("prices.py");
    let title = run(&editor, "prices.py", Some("total"));
    assert!(title.starts_with("✓ 1 passed"), "{title}");
    assert_eq!(run(&editor, "prices.py", Some("net")), "✗ 1 failed");
    let failed = editor.diagnostic("prices.py", "the failed example", |item| item["range"]["start"]["line"] == 12);
    assert!(failed["message"].to_string().contains("99"), "{failed}");
}

#[test]
fn script_is_run() {
    let workspace = workspace();
    let editor = Client::start(&workspace);
    editor.open("script.py");
    assert!(run(&editor, "script.py", None).starts_with('✗'), "it exits with 3");
    editor.replace("script.py", "raise SystemExit(3)", "print('done')");
    assert!(run(&editor, "script.py", None).starts_with('✓'));
}

#[test]
fn what_runs_can_neither_change_the_workspace_nor_see_the_environment() {
    let workspace = Workspace::of(
        r#"
#- /test_escape.py
import os
import socket

import pytest


def test_cannot_escape():
    # Into a copy, which nobody else sees.
    open(os.path.join(os.path.dirname(__file__), "written.txt"), "w").close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    assert "PATH" not in os.environ
    assert os.listdir(os.path.expanduser("~")) == []
    assert not os.path.exists("/etc/passwd")
"#,
    );
    let editor = Client::start(&workspace);
    editor.open("test_escape.py");
    let title = run(&editor, "test_escape.py", Some("test_cannot_escape"));
    assert!(title.starts_with("✓ 1 passed"), "{title}: {:?}", editor.session().diagnostics);
    assert!(!workspace.path("written.txt").exists());
}

#[test]
fn a_run_that_never_ends_is_ended_and_the_next_one_runs() {
    let workspace = Workspace::of(
        r#"
#- /test_endless.py
def test_endless():
    while True:
        pass


def test_short():
    pass
"#,
    );
    let editor = Client::start(&workspace);
    editor.open("test_endless.py");
    let title = run(&editor, "test_endless.py", Some("test_endless"));
    assert!(title.starts_with('✗'), "{title}");
    let title = run(&editor, "test_endless.py", Some("test_short"));
    assert!(title.starts_with("✓ 1 passed"), "{title}");
}

#[test]
fn an_editor_that_lists_tests_needs_no_lenses() {
    let workspace = workspace();
    let lists = json!({ "tantu": { "tests": true, "coverage": true } });
    let options = json!({ "codeLens": false });
    let editor = Client::builder(&workspace).capability("/experimental", lists).initialization_options(options).start();
    let told = |what: &str, is_meant: &dyn Fn(&Value) -> bool| {
        let end = Instant::now() + PATIENCE;
        loop {
            let session = editor.session();
            let all = session.log.iter().filter(|record| record.message["method"] == what);
            let found = all.map(|record| &record.message["params"]).find(|params| is_meant(params)).cloned();
            drop(session);
            if let Some(found) = found {
                return found;
            }
            assert!(Instant::now() < end, "no {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    // Nothing is open.
    let uri = editor.uri("test_prices.py");
    let listed = told("tantu/tests", &|it| it["uri"] == uri.as_str());
    let wrong = listed["tests"].as_array().and_then(|tests| tests.iter().find(|it| it["target"] == "test_is_wrong"));
    let wrong = wrong.unwrap_or_else(|| panic!("{listed}"));
    assert_eq!(wrong["range"]["start"]["line"], 7);
    let run = json!({ "uri": uri, "kind": "pytest", "target": null, "coverage": true });
    editor.execute(&json!({ "command": "tantu.run", "arguments": [run] }));
    let ended = told("tantu/run", &|it| it["state"] == "ended");
    let tests = ended["tests"].as_array().expect("a list");
    assert_eq!((tests.len(), &tests[0]["outcome"], &tests[1]["outcome"]), (2, &json!("passed"), &json!("failed")));
    let message = &tests[1]["messages"][0];
    assert!(message["message"].as_str().is_some_and(|text| text.contains('7')), "{ended}");
    assert_eq!((&message["location"]["uri"], &message["location"]["range"]["start"]["line"]), (&json!(uri), &json!(9)));
    let covered = told("tantu/coverage", &|it| it["token"] == ended["token"]);
    let prices = json!({ "uri": editor.uri("prices.py"), "statements": [0, 6, 9, 15], "missed": [15] });
    assert_eq!(covered["files"], json!([prices]));
}

/// Its output, and what it was started with, which ends with it.
struct Watching {
    process: std::process::Child,
    said: std::sync::Arc<std::sync::Mutex<String>>,
}

impl Watching {
    fn start(workspace: &Workspace, home: &Home, arguments: &[&str]) -> Watching {
        use std::io::Read as _;
        let mut command = std::process::Command::new(tests::server_binary());
        command.args(arguments).current_dir(workspace.root()).env_clear().envs(home.environment());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
        let mut process = command.spawn().expect("it starts");
        let mut output = process.stdout.take().expect("it is piped");
        let said = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
        let heard = said.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                heard.lock().expect("nobody panics with it").push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Watching { process, said }
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let said = self.said.lock().expect("nobody panics with it").clone();
            if said.contains(text) {
                return self.said.lock().expect("nobody panics with it").clear();
            }
            assert!(Instant::now() < end, "no {text} in {said}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // A panic here would hide the one that ended the test.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn tests_run_again_whenever_a_file_has_changed() {
    let workspace = Workspace::of(
        "#- /pyproject.toml\n#- /m.py\ndef f():\n    return 1\n#- /test_m.py\nfrom m import f\n\ndef test_f():\n    assert f() == 1\n",
    );
    let home = Home::new();
    let watching = Watching::start(&workspace, &home, &["test", "--watch", "test_m.py", "--junit", "results.xml"]);
    watching.wait_for("passed: 1 passed");
    assert!(workspace.read("results.xml").contains("<testcase classname=\"test_m\" name=\"test_f\""));
    workspace.write("m.py", "def f():\n    return 2\n");
    watching.wait_for("failed: 1 failed");
    // What does not end is ended by the next change.
    workspace.write("m.py", "def f():\n    while True:\n        pass\n");
    std::thread::sleep(Duration::from_secs(1));
    workspace.write("m.py", "def f():\n    return 1\n");
    watching.wait_for("passed: 1 passed");
}

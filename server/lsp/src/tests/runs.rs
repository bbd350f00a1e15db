//! What a run is made of, and what the user is asked before it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use sandbox::fake::Fake;
use sandbox::{Action, Outcome, Status};
use serde_json::{Value, json};

use super::{Client, to_proto};
use crate::Services;

struct World {
    folder: tempfile::TempDir,
    runner: Arc<Fake>,
    client: Client,
}

impl World {
    async fn new(files: &[(&str, &str)], settings: Value) -> Self {
        Self::open(written(files), settings).await
    }

    async fn open(folder: tempfile::TempDir, settings: Value) -> Self {
        let runner = Arc::new(Fake::new(|_| Ok(Outcome { passed: 2, ..Outcome::without_run(Status::Passed, "") })));
        let folders = json!([{ "uri": to_proto::uri(folder.path()).unwrap(), "name": "w" }]);
        let params = json!({
            "capabilities": { "window": { "workDoneProgress": true } },
            "workspaceFolders": folders,
            "initializationOptions": settings,
        });
        let services = Services { runner: runner.clone(), settings: None, cache: None };
        let mut client = Client::with_services(params, services).await;
        client.wait_for_index().await;
        World { folder, runner, client }
    }

    fn uri(&self, name: &str) -> Value {
        json!(to_proto::uri(&self.folder.path().join(name)).unwrap())
    }

    async fn execute(&mut self, command: &str, argument: Value) {
        self.client.ask("workspace/executeCommand", json!({ "command": command, "arguments": [argument] })).await;
    }

    /// Waits until the log ends a run.
    async fn report(&mut self) -> String {
        loop {
            let logs = self.client.notifications.iter().filter(|it| it["method"] == "window/logMessage");
            let mut texts = logs.filter_map(|it| it["params"]["message"].as_str());
            if let Some(text) = texts.rfind(|text| text.contains(": ✓") || text.contains(": ○")) {
                return text.to_owned();
            }
            self.client.receive().await;
        }
    }

    /// Waits for a message to the user.
    async fn told(&mut self) -> String {
        loop {
            let is_told = |it: &Value| it["method"] == "window/showMessage";
            if let Some(found) = self.client.notifications.iter().position(is_told) {
                return self.client.notifications.remove(found)["params"]["message"].as_str().unwrap().to_owned();
            }
            self.client.receive().await;
        }
    }

    fn actions(&self) -> Vec<Action> {
        self.runner.requests().into_iter().map(|request| request.action).collect()
    }
}

fn written(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn git(folder: &Path, arguments: &[&str]) {
    let author = ["-c", "user.name=a", "-c", "user.email=a@b.c"];
    let output = Command::new("git").arg("-C").arg(folder).args(author).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn a_selection_is_run_as_it_stands_in_its_lines() {
    let text = "def f():\n    x = 1\n    print(x)\n";
    let mut world = World::new(&[("a.py", text)], Value::Null).await;
    let range = json!({ "start": { "line": 1, "character": 6 }, "end": { "line": 2, "character": 12 } });
    let params = json!({
        "textDocument": { "uri": world.uri("a.py") },
        "range": range,
        "context": { "diagnostics": [], "only": ["tantu.run"] },
    });
    let offered = world.client.ask("textDocument/codeAction", params).await;
    let command = offered[0]["command"].clone();
    assert_eq!(command["title"], "Run the selection in the sandbox", "{offered}");
    world.client.ask("workspace/executeCommand", command).await;
    world.report().await;
    let code = Action::Code { text: "    x = 1\n    print(x)".into(), filename: "a.py".into(), first_line: 2 };
    assert_eq!(world.actions(), [code]);
}

#[tokio::test]
async fn the_cells_of_a_file_share_a_session_until_it_is_reset() {
    let mut world = World::new(&[("sub/a.py", "# %%\nx = 1\n# %%\nprint(x)\n")], Value::Null).await;
    let uri = world.uri("sub/a.py");
    world.execute("tantu.run", json!({ "uri": uri, "kind": "cell", "target": "2" })).await;
    world.report().await;
    let cell = Action::Cell {
        session: "sub/a.py".into(),
        text: "# %%\nprint(x)\n".into(),
        filename: "sub/a.py".into(),
        first_line: 3,
    };
    assert_eq!(world.actions(), [cell]);
    world.execute("tantu.resetCells", json!({ "uri": uri })).await;
    assert_eq!(world.runner.resets(), ["sub/a.py"]);
}

#[tokio::test]
async fn the_tests_that_reach_an_uncommitted_change_are_run() {
    let folder = written(&[
        ("a.py", "def one(): return 1\ndef two(): return 2\n"),
        ("test_a.py", "from a import one, two\ndef test_one(): one()\ndef test_two(): two()\n"),
    ]);
    git(folder.path(), &["init", "--quiet"]);
    git(folder.path(), &["add", "--all"]);
    git(folder.path(), &["commit", "--quiet", "--message", "first"]);
    fs::write(folder.path().join("a.py"), "def one(): return 1\ndef two(): return 3\n").unwrap();
    let mut world = World::open(folder, Value::Null).await;
    let uri = world.uri("a.py");
    // Of the only folder.
    world.client.ask("workspace/executeCommand", json!({ "command": "tantu.runAffectedTests" })).await;
    let report = world.report().await;
    assert!(report.starts_with("1 affected test: ✓"), "{report}");
    // This editor shows no lenses.
    let told = world.told().await;
    assert!(told.starts_with("✓ 2 passed"), "{told}");
    assert_eq!(world.actions(), [Action::Pytest { targets: vec!["test_a.py::test_two".into()] }]);
    // All is green now, and nothing has changed since.
    world.execute("tantu.runAffectedTests", json!({ "uri": uri })).await;
    assert_eq!(world.told().await, "no test reaches what has changed since the last green run");
}

/// A test that needs an extension module.
fn compiled() -> Vec<(&'static str, &'static str)> {
    vec![
        ("stats.py", "import numpy\n"),
        ("test_stats.py", "import stats\ndef test_mean(): pass\n"),
        (".venv/pyvenv.cfg", "version = 3.12.0\n"),
        (".venv/lib/python3.12/site-packages/numpy/__init__.py", "from . import _core\n"),
        (".venv/lib/python3.12/site-packages/numpy/_core.cpython-312-x86_64-linux-gnu.so", ""),
    ]
}

#[tokio::test]
async fn what_cannot_run_is_known_before_anything_runs() {
    let mut world = World::new(&compiled(), Value::Null).await;
    let uri = world.uri("test_stats.py");
    world.execute("tantu.run", json!({ "uri": uri, "kind": "pytest", "target": "test_mean" })).await;
    let report = world.report().await;
    assert!(report.contains("not runnable here: needs numpy (C extension), imported by stats.py:1"), "{report}");
    assert_eq!(world.actions(), []);
}

#[cfg(unix)]
#[tokio::test]
async fn outside_of_the_sandbox_only_after_a_yes_to_the_command() {
    use std::os::unix::fs::PermissionsExt;
    for (choice, expected) in [("Run outside of the sandbox", "✓ 1 passed"), ("Leave it", "○ not runnable here")] {
        let mut files = compiled();
        files.push((".venv/bin/python", "#!/bin/sh\necho \"$@\" > ran\necho '1 passed in 0.01s'\n"));
        let folder = written(&files);
        let python = folder.path().join(".venv/bin/python");
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
        let mut world = World::open(folder, json!({ "sandbox": { "native": "ask" } })).await;
        world.client.choices.push_back(choice);
        let uri = world.uri("test_stats.py");
        world.execute("tantu.run", json!({ "uri": uri, "kind": "pytest", "target": "test_mean" })).await;
        let asked = world.client.asked("window/showMessageRequest").await;
        let message = asked["message"].as_str().unwrap();
        assert!(message.contains("numpy") && message.contains(".venv/bin/python -m pytest"), "{message}");
        while !world.report().await.contains(expected) {
            world.client.receive().await;
        }
        let ran = fs::read_to_string(world.folder.path().join("ran")).unwrap_or_default();
        let arguments = if choice == "Leave it" { "" } else { "-m pytest -q --tb=short test_stats.py::test_mean\n" };
        assert_eq!(ran, arguments);
        assert_eq!(world.actions(), []);
    }
}

//! What a run is made of, and what the user is asked before it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use sandbox::fake::Fake;
use sandbox::{Action, Failure, Outcome, Place, Status, TestResult, Verdict};
use serde_json::{Value, json};

use super::{Client, to_proto};
use crate::tests::untyped;
use crate::{SandboxState, Services};

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
        let runner = Fake::new(|_| Ok(Outcome { passed: 2, ..Outcome::without_run(Status::Passed, "") }));
        Self::with(folder, settings, Value::Null, runner).await
    }

    async fn with(folder: tempfile::TempDir, settings: Value, experimental: Value, runner: Fake) -> Self {
        Self::with_confined(folder, settings, experimental, runner, None).await
    }

    async fn with_confined(
        folder: tempfile::TempDir,
        settings: Value,
        experimental: Value,
        runner: Fake,
        confined: Option<Arc<dyn sandbox::Runner>>,
    ) -> Self {
        let runner = Arc::new(runner);
        let folders = json!([{ "uri": to_proto::uri(folder.path()).unwrap(), "name": "w" }]);
        let params = json!({
            "capabilities": { "window": { "workDoneProgress": true }, "experimental": experimental },
            "workspaceFolders": folders,
            "initializationOptions": settings,
        });
        let services = Services {
            runner: runner.clone(),
            types: untyped(),
            settings: None,
            cache: confined.as_ref().map(|_| folder.path().join("cache")),
            confined,
            sandbox: || SandboxState::Prepared,
        };
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
    async fn message(&mut self) -> String {
        loop {
            let is_told = |it: &Value| it["method"] == "window/showMessage";
            if let Some(found) = self.client.notifications.iter().position(is_told) {
                return self.client.notifications.remove(found)["params"]["message"].as_str().unwrap().to_owned();
            }
            self.client.receive().await;
        }
    }

    /// Waits for a notification about which `is_meant` is true, and returns its parameters.
    async fn told(&mut self, method: &str, is_meant: impl Fn(&Value) -> bool) -> Value {
        loop {
            let all = self.client.notifications.iter().filter(|it| it["method"] == method);
            if let Some(found) = all.map(|it| &it["params"]).find(|params| is_meant(params)) {
                return found.clone();
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
    let told = world.message().await;
    assert!(told.starts_with("✓ 2 passed"), "{told}");
    assert_eq!(world.actions(), [Action::Pytest { targets: vec!["test_a.py::test_two".into()] }]);
    // All is green now, and nothing has changed since.
    world.execute("tantu.runAffectedTests", json!({ "uri": uri })).await;
    assert_eq!(world.message().await, "no definition has changed since all tests passed");
}

#[tokio::test]
async fn outside_of_git_all_tests_are_run() {
    let files = [("a.py", "def one(): return 1\n"), ("test_a.py", "from a import one\ndef test_one(): one()\n")];
    let mut world = World::new(&files, Value::Null).await;
    world.execute("tantu.runAffectedTests", json!({ "uri": world.uri("a.py") })).await;
    let report = world.report().await;
    assert!(report.starts_with("1 test, for outside of git nothing says what has changed: ✓"), "{report}");
    assert_eq!(world.actions(), [Action::Pytest { targets: vec!["test_a.py".into()] }]);
}

#[tokio::test]
async fn of_many_files_of_tests_those_that_can_be_run_are_run() {
    let files = [
        ("a.py", "def one(): return 1\n"),
        ("test_a.py", "from a import one\ndef test_one(): one()\n"),
        ("test_b.py", "import nowhere_to_be_found\nfrom a import one\ndef test_two(): one()\n"),
    ];
    let mut world = World::new(&files, Value::Null).await;
    world.execute("tantu.runAffectedTests", json!({ "uri": world.uri("a.py") })).await;
    let report = world.report().await;
    assert!(report.starts_with("2 tests"), "{report}");
    let expected = "\nleft out: test_b.py:1: not runnable here: needs nowhere_to_be_found";
    assert!(report.contains(expected), "{report}");
    let told = world.message().await;
    assert!(told.ends_with(", 1 file of tests not runnable here"), "{told}");
    assert_eq!(world.actions(), [Action::Pytest { targets: vec!["test_a.py".into()] }]);
}

const ONE: &str = "def one():\n    '''>>> one()\n    2'''\n    return 1\n";

const TESTS: &str = "\
from a import one

class TestA:
    def test_one(self):
        assert one() == 1

def test_two(n):
    assert one() == n
";

/// An editor that lists tests, and what its runs come to.
async fn listing(outcome: impl Fn() -> Outcome + Send + Sync + 'static) -> World {
    let folder = written(&[("a.py", ONE), ("test_a.py", TESTS)]);
    let experimental = json!({ "tantu": { "tests": true, "status": true } });
    // Without lenses.
    World::with(folder, json!({ "codeLens": false }), experimental, Fake::new(move |_| Ok(outcome()))).await
}

fn result(name: &str, line: u32, verdict: Verdict, message: Option<&str>) -> TestResult {
    let (id, path) = (format!("test_a.py::{name}"), "test_a.py".to_owned());
    TestResult { id, path, line, verdict, returned: true, millis: 3, message: message.map(str::to_owned) }
}

#[tokio::test]
async fn tests_are_listed_without_lenses_and_again_when_they_change() {
    let mut world = listing(|| Outcome::without_run(Status::Passed, "")).await;
    let uri = world.uri("test_a.py");
    let listed = world.told("tantu/tests", |it| it["uri"] == uri).await;
    let tests: Vec<_> = listed["tests"].as_array().unwrap().iter().map(|it| (&it["kind"], &it["target"])).collect();
    let expected = [Value::Null, json!("TestA"), json!("TestA.test_one"), json!("test_two")];
    let kind = json!("pytest");
    assert_eq!(tests, expected.iter().map(|target| (&kind, target)).collect::<Vec<_>>());
    assert_eq!(listed["tests"][2]["range"]["start"], json!({ "line": 3, "character": 8 }));
    let doctests = world.uri("a.py");
    let listed = world.told("tantu/tests", |it| it["uri"] == doctests).await;
    assert_eq!((&listed["tests"][0]["kind"], &listed["tests"][0]["target"]), (&json!("doctest"), &json!("one")));
    let document = json!({ "uri": uri, "languageId": "python", "version": 0, "text": "x = 1\n" });
    world.client.tell("textDocument/didOpen", json!({ "textDocument": document })).await;
    world.told("tantu/tests", |it| it["uri"] == uri && it["tests"] == json!([])).await;
}

#[tokio::test]
async fn a_run_is_told_with_every_test_and_where_it_failed() {
    let mut world = listing(|| Outcome {
        passed: 2,
        failed: 1,
        tests: vec![
            result("TestA::test_one", 4, Verdict::Passed, None),
            result("test_two[1]", 7, Verdict::Passed, None),
            result("test_two[2]", 7, Verdict::Failed, Some("assert 1 == 2")),
        ],
        failures: vec![Failure {
            related: vec![Place { path: "a.py".to_owned(), line: 4, text: "return 1".to_owned() }],
            ..Failure::new("test_a.py", 8, "assert 1 == 2")
        }],
        ..Outcome::without_run(Status::Failed, "")
    })
    .await;
    let uri = world.uri("test_a.py");
    world.execute("tantu.run", json!({ "uri": uri, "kind": "pytest", "target": null })).await;
    let began = world.told("tantu/run", |it| it["state"] == "began").await;
    assert_eq!((&began["uri"], &began["kind"], &began["target"]), (&uri, &json!("pytest"), &Value::Null));
    let ended = world.told("tantu/run", |it| it["state"] == "ended").await;
    assert_eq!(began["token"], ended["token"]);
    let place = |uri: &Value, line: u32, from: u32, to: u32| {
        let at = |character: u32| json!({ "line": line, "character": character });
        json!({ "uri": uri, "range": { "start": at(from), "end": at(to) } })
    };
    let expected = json!([
        { "uri": uri, "kind": "pytest", "target": "TestA.test_one", "outcome": "passed", "millis": 3, "messages": [] },
        { "uri": uri, "kind": "pytest", "target": "test_two", "outcome": "failed", "millis": 6, "messages": [{
            "message": "assert 1 == 2\n    a.py:4: return 1",
            "location": place(&uri, 7, 4, 21),
        }] },
    ]);
    assert_eq!(ended["tests"], expected);
    let wrote = world.told("tantu/run", |it| it["state"] == "wrote").await;
    assert!(wrote["text"].as_str().unwrap().contains("✗ 1 failed, 2 passed"), "{wrote}");
    // An edit that all of them reach, in a file that they do not stand in.
    let other = world.uri("a.py");
    let document = json!({ "uri": other, "languageId": "python", "version": 0, "text": ONE });
    world.client.tell("textDocument/didOpen", json!({ "textDocument": document })).await;
    let changes = json!([{ "text": ONE.replace("return 1", "return 2") }]);
    let change = json!({ "textDocument": { "uri": other, "version": 1 }, "contentChanges": changes });
    world.client.tell("textDocument/didChange", change).await;
    let outdated = |it: &Value| -> Vec<Value> {
        let tests = it["tests"].as_array().unwrap().iter();
        tests.filter(|test| test["outdated"] == true).map(|test| test["target"].clone()).collect()
    };
    let listed = world.told("tantu/tests", |it| it["uri"] == uri && !outdated(it).is_empty()).await;
    assert_eq!(outdated(&listed), ["TestA.test_one", "test_two"]);
}

#[tokio::test]
async fn a_failure_elsewhere_belongs_to_the_test_that_says_the_same_or_to_the_run() {
    let mut world = listing(|| Outcome {
        failed: 1,
        tests: vec![
            result("test_two", 7, Verdict::Failed, Some("boom")),
            result("TestA::test_one", 4, Verdict::Skipped, None),
        ],
        failures: vec![Failure::new("a.py", 4, "boom"), Failure::new("a.py", 1, "and the rest")],
        ..Outcome::without_run(Status::Failed, "")
    })
    .await;
    let uri = world.uri("test_a.py");
    world.execute("tantu.run", json!({ "uri": uri, "kind": "pytest", "target": null })).await;
    let ended = world.told("tantu/run", |it| it["state"] == "ended").await;
    let said: Vec<_> = ended["tests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (&it["target"], &it["outcome"], &it["messages"][0]["message"]))
        .collect();
    let (two, one) = (json!("test_two"), json!("TestA.test_one"));
    let [failed, skipped, boom, rest] = ["failed", "skipped", "boom", "and the rest"].map(|it| json!(it));
    assert_eq!(said, [(&two, &failed, &boom), (&one, &skipped, &skipped), (&Value::Null, &failed, &rest)]);
}

#[tokio::test]
async fn what_is_about_no_single_test_is_said_of_what_was_run() {
    for (status, outcome) in
        [(Status::Passed, "passed"), (Status::Timeout, "errored"), (Status::NotRunnable, "skipped")]
    {
        let mut world = listing(move || Outcome { millis: 9, ..Outcome::without_run(status, "") }).await;
        let uri = world.uri("a.py");
        world.execute("tantu.run", json!({ "uri": uri, "kind": "doctest", "target": "one" })).await;
        let ended = world.told("tantu/run", |it| it["state"] == "ended").await;
        let test = &ended["tests"][0];
        assert_eq!((&test["target"], &test["outcome"]), (&json!("one"), &json!(outcome)), "{ended}");
        assert_eq!(test["messages"].as_array().unwrap().is_empty(), status == Status::Passed, "{ended}");
    }
}

#[tokio::test]
async fn a_run_is_cancelled_by_its_token() {
    let folder = written(&[("test_a.py", "def test_long(): pass\n")]);
    let experimental = json!({ "tantu": { "tests": true, "status": true } });
    let mut world = World::with(folder, Value::Null, experimental, Fake::endless()).await;
    let uri = world.uri("test_a.py");
    world.execute("tantu.run", json!({ "uri": uri, "kind": "pytest", "target": null })).await;
    let began = world.told("tantu/run", |it| it["state"] == "began").await;
    world.told("tantu/status", |it| it["busy"] == json!(["Running"])).await;
    world.client.tell("window/workDoneProgress/cancel", json!({ "token": began["token"] })).await;
    let ended = world.told("tantu/run", |it| it["state"] == "ended").await;
    assert_eq!((&ended["token"], &ended["tests"]), (&began["token"], &json!([])));
}

#[tokio::test]
async fn one_command_runs_what_is_selected_or_around_the_cursor() {
    let mut world = World::new(&[("a.py", "import b\n"), ("test_a.py", TESTS)], Value::Null).await;
    let range = |from: u32, to: u32| {
        let at = |line: u32| json!({ "line": line, "character": 4 });
        json!({ "start": at(from), "end": at(to) })
    };
    let uri = world.uri("test_a.py");
    world.execute("tantu.runHere", json!({ "uri": uri, "range": range(4, 4) })).await;
    world.report().await;
    world.client.notifications.clear();
    world.execute("tantu.runHere", json!({ "uri": uri, "range": range(0, 2) })).await;
    world.report().await;
    let [Action::Pytest { targets }, Action::Code { first_line: 1, .. }] = &world.actions()[..] else {
        panic!("{:?}", world.actions())
    };
    assert_eq!(*targets, ["test_a.py::TestA::test_one"]);
    let uri = world.uri("a.py");
    world.execute("tantu.runHere", json!({ "uri": uri, "range": range(0, 0) })).await;
    world.told("window/showMessage", |it| it["message"] == "tantu: there is nothing to run at the cursor").await;
}

#[tokio::test]
async fn an_editor_that_shows_it_is_told_the_status_when_it_changes() {
    let mut world = listing(|| Outcome::without_run(Status::Passed, "")).await;
    let status = world.told("tantu/status", |it| it["busy"] == json!([]) && it["sandbox"] == "prepared").await;
    assert_eq!((&status["files"], &status["models"], &status["servers"]), (&json!(2), &json!([]), &json!([])));
    let revision = status["revision"].as_u64().unwrap();
    let text = status["text"].as_str().unwrap();
    assert_eq!(text, format!("2 files, revision {revision}\nno model\nsandbox prepared"));
    let document = json!({ "uri": world.uri("b.py"), "languageId": "python", "version": 0, "text": "x = 1\n" });
    world.client.tell("textDocument/didOpen", json!({ "textDocument": document })).await;
    let status = world.told("tantu/status", |it| it["files"] == 3).await;
    assert!(status["revision"].as_u64() > Some(revision), "{status}");
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

#[tokio::test]
async fn what_the_sandbox_cannot_run_runs_confined_after_one_yes() {
    for (choice, expected) in
        [("Run confined", "✓ 3 passed, confined"), ("Never in this folder", "○ not runnable here")]
    {
        let sandbox = Fake::new(|_| Ok(Outcome::without_run(Status::NotRunnable, "needs numpy")));
        let confined = Arc::new(Fake::new(|request| {
            assert!(matches!(request.action, Action::Pytest { .. }), "{request:?}");
            let tests =
                (0..3).map(|number| result(&format!("test_mean[{number}]"), 2, Verdict::Passed, None)).collect();
            Ok(Outcome { passed: 3, tests, ..Outcome::without_run(Status::Passed, "") })
        }));
        let folder = written(&compiled());
        let mut world = World::with_confined(folder, Value::Null, Value::Null, sandbox, Some(confined.clone())).await;
        world.client.choices.push_back(choice);
        let uri = world.uri("test_stats.py");
        let argument = json!({ "uri": uri, "kind": "pytest", "target": "test_mean" });
        world.execute("tantu.run", argument.clone()).await;
        let asked = world.client.asked("window/showMessageRequest").await;
        assert!(asked["message"].as_str().unwrap().contains("confined by the kernel"), "{asked}");
        while !world.report().await.contains(expected) {
            world.client.receive().await;
        }
        // Nobody is asked again: there is no other answer to give.
        world.execute("tantu.run", argument).await;
        let runs = if choice == "Run confined" { 2 } else { 0 };
        while confined.requests().len() < runs {
            world.client.receive().await;
        }
        assert_eq!(confined.requests().len(), runs);
    }
}

//! `tantu propose` with recorded replies: each assist that edits, from the command line.

use serde_json::{Value, json};

use super::Project;

/// What is proposed when the model gives these replies, one after the other.
#[track_caller]
fn propose(files: &[(&str, &str)], replies: &[&str], arguments: &[&str]) -> Value {
    let project = Project::new(files);
    let folder = project.cache.path().join("config/tantu");
    std::fs::create_dir_all(&folder).unwrap();
    let settings = "[models.r]\nprovider = \"recorded\"\nreplies = \"r.json\"\n[propose]\nmodels = [\"r\"]\n";
    std::fs::write(folder.join("config.toml"), settings).unwrap();
    let fenced = |reply: &&str| match reply.starts_with('{') {
        true => format!("```json\n{reply}\n```\n"),
        false => format!("```python\n{reply}\n```\n"),
    };
    let replies: Vec<Value> = replies.iter().map(|reply| json!({ "reply": fenced(reply) })).collect();
    std::fs::write(folder.join("r.json"), json!(replies).to_string()).unwrap();
    let all: Vec<&str> = ["propose"].iter().chain(arguments).chain(&["--format", "json"]).copied().collect();
    let (_, stdout, stderr) = project.tantu(&all);
    serde_json::from_str(&stdout).unwrap_or_else(|_| json!({ "error": stderr }))
}

const LOOP: &str = "\
def total(items):
    result = 0
    for item in items:
        result = result + item
    return result
";

#[test]
fn presets_go_by_their_names() {
    let files = [("a.py", LOOP), ("test_a.py", "from a import total\ndef test_total(): assert total([1, 2]) == 3\n")];
    let reply = ["def total(items):\n    return sum(items)\n"];
    let by_name = propose(&files, &reply, &["simplify", "a.py:3"]);
    assert_eq!((&by_name["status"], &by_name["checks"]["tests"]), (&json!("ready"), &json!("passed")), "{by_name}");
    for other in [
        &["refactor", "a.py:3", "--preset", "simplify"][..],
        &["refactor", "a.py:3", "-i", "use sum()"],
        &["refactor-function", "a.py:3"],
    ] {
        assert_eq!(propose(&files, &reply, other)["diff"], by_name["diff"], "{other:?}");
    }
    let wrong = propose(&files, &reply, &["write-tests", "a.py:3", "--preset", "simplify"]);
    assert!(wrong["error"].as_str().unwrap().contains("--preset is for refactor"), "{wrong}");
    let unknown = propose(&files, &reply, &["refactor", "a.py:3", "--preset", "beautify"]);
    assert!(unknown["error"].as_str().unwrap().contains("reduce-complexity"), "{unknown}");
    let senseless = propose(&files, &reply, &["make-async", "a.py:3"]);
    assert!(senseless["error"].as_str().unwrap().contains("make-async makes no sense here"), "{senseless}");
}

#[test]
fn types_that_callers_contradict_are_still_types_and_names_must_exist() {
    let files = [("a.py", LOOP)];
    let wrong = "def total(items: Iterable[int]) -> int: ...\n";
    let right = "from collections.abc import Iterable\ndef total(items: Iterable[int]) -> int: ...\n";
    let summary = propose(&files, &[wrong, right], &["add-types", "a.py:1"]);
    assert_eq!((&summary["status"], &summary["attempts"]), (&json!("ready"), &json!(2)), "{summary}");
    assert!(summary["diff"].as_str().unwrap().contains("+def total(items: Iterable[int]) -> int:"), "{summary}");
}

#[test]
fn tests_that_are_written_are_run() {
    let files = [("a.py", LOOP)];
    let good = "from a import total\n\ndef test_total():\n    assert total([1, 2]) == 3\n";
    let summary = propose(&files, &[good], &["write-tests", "a.py:1"]);
    assert_eq!((&summary["status"], &summary["checks"]["tests"]), (&json!("ready"), &json!("passed")), "{summary}");
    assert!(summary["diff"].as_str().unwrap().contains("+++ b/tests/test_a.py"), "{summary}");
    let failing = good.replace("== 3", "== 4");
    let summary = propose(&files, &[failing.as_str(); 3], &["write-tests", "a.py:1"]);
    assert_eq!(summary["status"], "escalated", "{summary}");
    assert_eq!(summary["findings"][0]["code"], "suspected-bug", "{summary}");
    // An exception is no assertion.
    let broken = good.replace("total([1, 2])", "total(1)");
    let summary = propose(&files, &[broken.as_str(); 3], &["write-tests", "a.py:1"]);
    assert_eq!(summary["findings"][0]["code"], "test-failed", "{summary}");
}

#[test]
fn calls_are_updated_until_all_fit() {
    let files = [("a.py", "def area(w, h):\n    return w * h\n"), ("b.py", "import a\nprint(a.area(1))\n")];
    let replies = ["# place 1\nprint(a.area(1, 2, 3))\n", "# place 1\nprint(a.area(1, 2))\n"];
    let summary = propose(&files, &replies, &["update-callers", "a.py:1"]);
    assert_eq!((&summary["status"], &summary["attempts"]), (&json!("ready"), &json!(2)), "{summary}");
    assert!(summary["diff"].as_str().unwrap().contains("+print(a.area(1, 2))"), "{summary}");
}

#[test]
fn what_is_wanted_has_to_be_said() {
    let files = [("a.py", LOOP), ("b.py", "def f(items):\n    return sum(items)\n")];
    let reply = ["def total(items):\n    return sum(items)\n"];
    let silent = propose(&files, &reply, &["port-like", "a.py:1"]);
    assert!(silent["error"].as_str().unwrap().contains("by -i TEXT"), "{silent}");
    let unknown = propose(&files, &reply, &["port-like", "a.py:1", "-i", "like b.g"]);
    assert_eq!(unknown["status"], "failed", "{unknown}");
    let summary = propose(&files, &reply, &["port-like", "a.py:1", "-i", "like b.f"]);
    assert_eq!(summary["status"], "ready", "{summary}");
}

#[test]
fn a_blueprint_is_new_files_inside_of_the_workspace() {
    let files = [("a.py", "\"\"\"A.\"\"\"\n"), ("notes.md", "# Notes\n")];
    let of = |path: &str| {
        let test = json!({ "path": "test_new.py", "content": "from new import one\n\ndef test_one():\n    assert one() == 1\n" });
        let module = json!({ "path": "new.py", "content": "def one():\n    return 1\n" });
        json!({ "files": [module, test, { "path": path, "content": "# New\n" }] }).to_string()
    };
    let arguments = ["generate-module", "a.py:1", "-i", "a module that knows one"];
    // That file is not in the graph, but on disk.
    let summary = propose(&files, &[&of("notes.md"), &of("new.md")], &arguments);
    assert_eq!((&summary["status"], &summary["attempts"]), (&json!("ready"), &json!(2)), "{summary}");
    assert_eq!(summary["checks"]["tests"], "passed", "{summary}");
    // A comment describes it just as well.
    let files = [("a.py", "# tantu: a module that knows one\n"), ("notes.md", "")];
    let by_comment = propose(&files, &[&of("new.md")], &["generate-module", "a.py:1"]);
    assert_eq!(by_comment["diff"], summary["diff"], "{by_comment}");
    let diff = summary["diff"].as_str().unwrap();
    assert!(["new.py", "test_new.py", "new.md"].iter().all(|path| diff.contains(&format!("+++ b/{path}"))), "{diff}");
}

const STUB: &str = "def total(items):\n    \"\"\"The sum.\"\"\"\n    ...\n\n\nLIMIT = 3\n";

#[test]
fn an_environment_that_is_broken_without_the_edit_is_not_the_edits_fault() {
    let old = ".venv/lib/python3.9/site-packages/oldtools/__init__.py";
    let tests = "from a import total\ndef test_total(): assert total([1, 2]) == 3\n";
    let right = ["def total(items):\n    return sum(items)\n"];
    let configured = format!("import a\nassert a.LIMIT == 4, 'configured elsewhere'\n{tests}");
    let using = format!("import oldtools\n{tests}");
    let environment = |version: &str| (".venv/pyvenv.cfg", format!("home = /usr/bin\nversion = {version}\n"));
    let worlds = [
        ("an empty environment", vec![environment("3.12"), ("test_a.py", tests.to_owned())]),
        (
            "packages of an older Python",
            vec![
                environment("3.9"),
                (old, "import pkgutil\nfinder = pkgutil.ImpImporter\n".to_owned()),
                ("test_a.py", using),
            ],
        ),
        (
            "a broken conftest",
            vec![("conftest.py", "raise RuntimeError('no database')\n".to_owned()), ("test_a.py", tests.to_owned())],
        ),
        ("a file of tests that cannot be imported", vec![("test_a.py", configured)]),
    ];
    for (name, files) in worlds {
        let others = files.iter().map(|(path, text)| (*path, text.as_str()));
        let files: Vec<(&str, &str)> = [("a.py", STUB)].into_iter().chain(others).collect();
        let done = propose(&files, &right, &["implement-function", "a.py:1"]);
        assert_eq!(done["status"], "ready", "{name}: {done}");
        let result = done["checks"]["tests"].as_str().unwrap();
        let is_run = name == "an empty environment";
        assert!(if is_run { result == "passed" } else { result.starts_with("not-run: ") }, "{name}: {result}");
        let confidence = done["confidence"].as_f64().unwrap();
        assert_eq!(confidence >= 0.8, is_run, "{name}: {done}");
    }
}

#[test]
fn what_is_left_of_an_answer_is_no_answer() {
    let reply = json!({ "files": [
        { "path": "good.py", "content": "def one() -> int:\n    return 1\n" },
        { "path": "test_good.py", "content": "import good\n\n\ndef test_one():\n    assert good.one() == 1\n" },
        { "path": "bad.py", "content": "import good\n\n\ndef two() -> int:\n    return good.nothing() + 1\n" },
    ] });
    let reply = reply.to_string();
    let arguments = ["generate-module", "a.py:1", "-i", "modules that know numbers", "--apply"];
    let done = propose(&[("a.py", "\"\"\"A.\"\"\"\n")], &[&reply, &reply, &reply], &arguments);
    assert_eq!(done["status"], "partial", "{done}");
    assert!(done["findings"][0]["message"].as_str().unwrap().contains("nothing"), "{done}");
    let diff = done["diff"].as_str().unwrap();
    assert!(diff.contains("good.py") && !diff.contains("bad.py"), "{diff}");
}

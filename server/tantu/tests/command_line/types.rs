//! Proposals that bring about type errors.

use serde_json::{Value, json};

use super::Project;

/// What comes of one recorded reply about the function in the first line of `a.py`.
#[track_caller]
fn propose(project: &Project, setting: &str, reply: &str) -> Value {
    let folder = project.cache.path().join("config/tantu");
    std::fs::create_dir_all(&folder).unwrap();
    let settings = format!(
        "[models.r]\nprovider = \"recorded\"\nreplies = \"r.json\"\n[propose]\nmodels = [\"r\"]\nmax-attempts = 1\n{setting}\n"
    );
    std::fs::write(folder.join("config.toml"), settings).unwrap();
    let replies = json!([{ "reply": format!("```python\n{reply}\n```\n") }]);
    std::fs::write(folder.join("r.json"), replies.to_string()).unwrap();
    let (_, stdout, stderr) = project.tantu(&["propose", "implement-function", "a.py:1", "--format", "json"]);
    serde_json::from_str(&stdout).unwrap_or_else(|_| json!({ "error": stderr }))
}

const TODO: &str = "def f() -> int:\n    \"\"\"Forty.\"\"\"\n    raise NotImplementedError\n";
const WRONG: &str = "def f() -> int:\n    \"\"\"Forty.\"\"\"\n    return \"forty\"\n";

#[test]
fn a_wrong_result_is_refused_unless_the_users_own_settings_say_otherwise() {
    let project = Project::new(&[("a.py", TODO)]);
    let refused = propose(&project, "", WRONG);
    assert_eq!((&refused["status"], &refused["checks"]["types"]), (&json!("escalated"), &json!("failed")), "{refused}");
    let finding = &refused["findings"][0];
    let said = (&finding["stage"], &finding["code"], &finding["path"], &finding["line"]);
    assert_eq!(said, (&json!("types"), &json!("invalid-return-type"), &json!("a.py"), &json!(3)), "{refused}");

    let good = propose(&project, "", &WRONG.replace("\"forty\"", "40"));
    assert_eq!((&good["status"], &good["checks"]["types"]), (&json!("ready"), &json!("passed")), "{good}");

    // A workspace has no say in it.
    project.write("tantu.toml", "[propose]\ntypes = \"off\"\n");
    project.write("pyproject.toml", "[tool.tantu.propose]\ntypes = \"off\"\n[tool.ty.rules]\nall = \"ignore\"\n");
    assert_eq!(propose(&project, "", WRONG)["checks"]["types"], "failed");

    let off = propose(&project, "types = \"off\"", WRONG);
    let why = "not-run: switched off by `types` in [propose] of your settings";
    assert_eq!((&off["status"], &off["checks"]["types"]), (&json!("ready"), &json!(why)), "{off}");
    let (_, doctor, _) = project.tantu(&["doctor"]);
    assert!(doctor.contains("\ntypes        ty ") && doctor.contains(" inside; proposals: off\n"), "{doctor}");
}

#[test]
fn what_the_environment_has_is_known() {
    let project = Project::new(&[
        ("a.py", &format!("{TODO}\nimport lib\n")),
        (".venv/pyvenv.cfg", "version = 3.12.1\n"),
        (".venv/lib/python3.12/site-packages/lib/__init__.py", "def there(number: int) -> int: return number\n"),
        (".venv/lib/python3.12/site-packages/lib/py.typed", ""),
    ]);
    let of = |call: &str| propose(&project, "", &WRONG.replace("\"forty\"", call));
    let good = of("lib.there(number=40)");
    assert_eq!(good["checks"]["types"], "passed", "{good}");
    // Graph and type checker see it each by itself; one place is said once, in the graph's words.
    for (call, rule) in [("lib.gone(40)", "missing-member"), ("lib.there(value=40)", "incompatible-call")] {
        let refused = of(call);
        let checks = &refused["checks"];
        assert_eq!((&checks["graph"], &checks["types"]), (&json!("failed"), &json!("failed")), "{refused}");
        let codes: Vec<&Value> = refused["findings"].as_array().unwrap().iter().map(|it| &it["code"]).collect();
        assert_eq!(codes, [&json!(rule)], "{refused}");
    }
}

#[test]
fn a_checker_that_crashes_has_passed_nothing() {
    // Deeper than any stack.
    let deep = format!("x = {}1\n", "-".repeat(1_000_000));
    let project = Project::new(&[("a.py", &format!("{TODO}\nfrom deep import x\nx\n")), ("deep.py", &deep)]);
    let card = propose(&project, "", WRONG);
    let why = card["checks"]["types"].as_str().unwrap_or_default();
    assert!(why.starts_with("not-run: the type checker ended unexpectedly"), "{card}");
    assert_eq!(card["status"], "ready", "{card}");
    let (_, told, _) = project.tantu(&["evidence", &card["id"].to_string()]);
    assert!(told.contains("- types: the type checker ended unexpectedly"), "{told}");
}

#[test]
#[cfg(unix)]
fn the_users_own_checker_takes_its_place() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::new(&[("a.py", TODO)]);
    let program = project.cache.path().join("mypy");
    let told = r#"{"file": "a.py", "line": 3, "column": 4, "message": "Bad", "code": "bad", "severity": "error"}"#;
    std::fs::write(&program, format!("#!/bin/sh\ngrep -q forty a.py && echo '{told}'\nexit 1\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let setting = |program: &str| format!("types = \"project\"\ntypes-command = [\"{program}\"]");
    let own = setting(&program.display().to_string());
    let refused = propose(&project, &own, WRONG);
    assert_eq!(
        (&refused["checks"]["types"], &refused["findings"][0]["code"]),
        (&json!("failed"), &json!("bad")),
        "{refused}"
    );
    assert_eq!(propose(&project, &own, &WRONG.replace("\"forty\"", "40"))["checks"]["types"], "passed");
    let (_, doctor, _) = project.tantu(&["doctor"]);
    assert!(doctor.contains(&format!("proposals: {}\n", program.display())), "{doctor}");

    // What lies in the workspace is not run, whoever names it.
    project.write("mypy", "#!/bin/sh\nexit 0\n");
    let card = propose(&project, &setting("./mypy"), WRONG);
    let why = card["checks"]["types"].as_str().unwrap_or_default();
    assert!(why.starts_with("not-run: `./mypy` may be a workspace's"), "{card}");
}

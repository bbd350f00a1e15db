//! What a workspace holds, a model answers or a test prints cannot act on the terminal on which it is shown.

use serde_json::json;

use super::Project;

/// Writes to the clipboard, sets the title, clears the screen, in the control characters of seven and of eight bits; returns
/// to the start of the line, and turns the direction of writing.
const ATTACK: &str = "\x1b]52;c;cm0gLXJm\x07\x1b]0;owned\x07\x1b[2J\u{9b}2J\rnothing\u{202e}";

/// The same as Python writes it.
const WRITTEN: &str = r"\x1b]52;c;cm0gLXJm\x07\x1b]0;owned\x07\x1b[2J\x9b2J\rnothing\u202e";

/// A workspace in which everything is an attack, and a model whose answers are.
fn hostile() -> (Project, String) {
    let file = format!("shop{ATTACK}.py");
    let module = format!(
        "import os\n\n\ndef total(price):\n    '''Adds {ATTACK}.\n\n    >>> print('{WRITTEN}')\n    fine\n    '''\n    print('{WRITTEN}')\n    \
         return eval('1', {{'''{ATTACK}''': price}})\n\n\ntotal(1, 2, 3)\n"
    );
    let tests = format!(
        "import shop\n\ndef test_fails():\n    print('{WRITTEN}')\n    assert shop.total(1) == '{WRITTEN}', '{WRITTEN}'\n"
    );
    let broken = format!("def f(:\n    '{ATTACK}'\n");
    let project = Project::new(&[
        ("shop.py", &module),
        (&file, &module),
        ("test_shop.py", &tests),
        (&format!("broken{ATTACK}.py"), &broken),
        ("pyproject.toml", "[tool.ruff]\nselect = [\"\\u001b]0;owned\\u0007\"]\n"),
    ]);
    let folder = project.cache.path().join("config/tantu");
    std::fs::create_dir_all(&folder).unwrap();
    let settings = "[models.r]\nprovider = \"recorded\"\nreplies = \"r.json\"\n[propose]\nmodels = [\"r\"]\n";
    std::fs::write(folder.join("config.toml"), settings).unwrap();
    let findings = json!({ "findings": [{
        "line": 11, "code": format!("return eval('1', {{'''{ATTACK}''': price}})"), "severity": "error",
        "message": format!("Wrong {ATTACK}"), "replacement": ATTACK,
    }] });
    let replies = [
        ("The code to review", format!("```json\n{findings}\n```\n")),
        ("staged", format!("Add {ATTACK}\n")),
        ("", format!("```python\ndef total(price):\n    '''Sums {ATTACK}.'''\n    return '{ATTACK}'\n```\n")),
    ];
    let replies: Vec<_> = replies.iter().map(|(to, reply)| json!({ "match": to, "reply": reply })).collect();
    std::fs::write(folder.join("r.json"), json!(replies).to_string()).unwrap();
    (project, file)
}

#[test]
fn nothing_shown_acts_on_the_terminal() {
    let (project, file) = hostile();
    project.commit();
    project.write("shop.py", &format!("{}# {ATTACK}\n", project.read("shop.py")));
    project.git(&["add", "--all"]);
    let [line, in_hostile, pair] = ["shop.py:5".to_owned(), format!("{file}:5"), format!("{file}:5-11")];
    // The number of those that show something of the attack; a command that shows nothing of it proves nothing.
    let mut shown = 0;
    for arguments in [
        &["index"][..],
        &["check"],
        &["check", "--since", "HEAD"],
        &["impact", &in_hostile],
        &["context", &in_hostile],
        &["context", &in_hostile, "--explain"],
        &["callgraph"],
        &["run", &line],
        &["run", &in_hostile],
        &["test"],
        &["test", "--affected", "--list"],
        &["propose", "docstring", &in_hostile],
        &["evidence"],
        &["memory", "list"],
        &["snippets", "keep", ATTACK, &pair],
        &["snippets", "list"],
        &["snippets", "delete", ATTACK],
        &["snippets", "delete", ATTACK],
        &["review", &in_hostile],
        &["explain", &in_hostile],
        &["commit-message"],
        &["model", "check", ATTACK],
        &["audit", "--prompts"],
        &["usage"],
        &["doctor"],
        &["check", &format!("missing{ATTACK}.py")],
        &["no-such-command"],
    ] {
        let (_, stdout, stderr) = project.tantu_with(arguments, &[("TANTU_LOG", "debug")]);
        for text in [&stdout, &stderr] {
            let acts = |it: char| it.is_control() && it != '\n' && it != '\t' || it == '\u{202e}';
            let acting = text.lines().find(|line| line.contains(acts));
            assert_eq!(acting, None, "tantu {arguments:?}");
            shown += usize::from(text.contains("\\u{1b}"));
        }
    }
    assert!(shown >= 14, "only {shown} showed something of the attack");
}

#[test]
fn programs_are_told_exactly() {
    let (project, file) = hostile();
    project.write("says.py", &format!("print('{WRITTEN}')\n"));
    let (_, stdout, _) = project.tantu(&["run", "says.py:1-1", "--format", "json"]);
    let outcome: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert!(outcome["stdout"].as_str().unwrap().starts_with(ATTACK), "{outcome}");
    project.tantu(&["snippets", "keep", "total", &format!("{file}:5-11")]);
    let (_, code, _) = project.tantu(&["snippets", "show", "total"]);
    assert!(code.contains(ATTACK), "{code}");
}

//! `tantu gate`: changes that arrive as patches, from git and from hooks of agents, and what is no change at all.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tests::workspace::{Home, Workspace};

/// Runs `tantu gate` with `input`; the exit status and what it printed.
pub(crate) fn gate(workspace: &Workspace, home: &Home, arguments: &[&str], input: &str) -> (i32, String) {
    run(workspace, home, &[&["gate"], arguments].concat(), input)
}

fn run(workspace: &Workspace, home: &Home, arguments: &[&str], input: &str) -> (i32, String) {
    let mut process = Command::new(tests::server_binary())
        .args(arguments)
        .current_dir(workspace.root())
        .env_clear()
        .envs(home.environment())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let (mut stdin, input) = (process.stdin.take().expect("a pipe"), input.to_owned());
    let writing = std::thread::spawn(move || {
        // It need not read all of it.
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = process.wait_with_output().expect("the program ends");
    writing.join().expect("writing does not panic");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), said)
}

/// A patch of one line of `text`.
pub(crate) fn diff(path: &str, old: &str, new: &str, text: &str) -> String {
    let (number, line) = text.lines().enumerate().find(|(_, line)| line.contains(old)).expect("the line is there");
    format!("--- a/{path}\n+++ b/{path}\n@@ -{0} +{0} @@\n-{line}\n+{1}\n", number + 1, line.replace(old, new))
}

pub(crate) fn git(workspace: &Workspace, arguments: &[&str]) -> String {
    let author = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"];
    let output = Command::new("git").args(author).args(arguments).current_dir(workspace.root()).output().expect("git");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn committed() -> (Workspace, Home) {
    let workspace = Workspace::fixture("shop");
    git(&workspace, &["init", "--quiet"]);
    git(&workspace, &["add", "--all"]);
    git(&workspace, &["commit", "--quiet", "--message", "first"]);
    (workspace, Home::new())
}

#[test]
fn what_git_has_is_judged_staged_and_since_a_revision() {
    let (workspace, home) = committed();
    assert_eq!(gate(&workspace, &home, &["--staged"], "").0, 0);
    let text = workspace.read("shop/cart.py");
    workspace.write("shop/cart.py", text.replace("def subtotal(self)", "def subtotal(self, tax)"));
    // Nothing of it is staged.
    let (status, said) = gate(&workspace, &home, &["--staged"], "");
    assert!(status == 0 && said.contains("nothing to judge"), "{said}");
    let (status, said) = gate(&workspace, &home, &["--since", "HEAD"], "");
    assert!(status == 1 && said.contains("shop/pricing.py:18"), "{status}: {said}");
    let (status, _) = gate(&workspace, &home, &["--since", "HEAD", "--level", "warn"], "");
    assert_eq!(status, 0);
    git(&workspace, &["add", "--all"]);
    // What is staged counts, whatever the disk has since.
    workspace.write("shop/cart.py", &text);
    let (status, said) = gate(&workspace, &home, &["--staged", "--format", "json"], "");
    let verdict: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert_eq!((status, &verdict["outcome"]), (1, &json!("refused")), "{said}");
    assert!(verdict["not_checked"].to_string().contains("on disk it is not what is staged"), "{said}");
    let (status, said) = gate(&workspace, &home, &["--since", "nowhere"], "");
    assert!(status == 2 && said.contains("nowhere"), "{said}");
    // The same patch by way of git and standard input.
    git(&workspace, &["reset", "--quiet", "--hard"]);
    let patch = diff("shop/cart.py", "def subtotal(self)", "def subtotal(self, tax)", &text);
    let (status, by_patch) = gate(&workspace, &home, &[], &patch);
    assert!(status == 1 && by_patch.contains("shop/pricing.py:18"), "{by_patch}");
    assert_eq!(git(&workspace, &["status", "--porcelain"]), "", "nothing on disk changes");
}

#[test]
fn failing_tests_are_told_and_run_isolated() {
    let (workspace, home) = committed();
    let text = workspace.read("shop/cart.py");
    let line = text.lines().find(|line| line.contains("return not self._lines")).expect("a line");
    let (status, said) =
        gate(&workspace, &home, &[], &diff("shop/cart.py", line.trim(), "return bool(self._lines)", &text));
    assert!(status == 1 && said.contains("[tests: "), "{said}");
    let (status, said) =
        gate(&workspace, &home, &[], &diff("shop/cart.py", line.trim(), "return len(self._lines) == 0", &text));
    assert!(status == 0 && said.contains("passed, 0 failed"), "{said}");
}

#[test]
fn what_is_no_change_gets_a_reason_and_a_status() {
    let (workspace, home) = committed();
    for (input, reason) in [
        ("hello\n", "a patch names its files"),
        ("--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -1,9 +1,9 @@\n x\n", "are missing"),
        ("--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -1 +1 @@\n-no such line\n+x\n", "does not apply"),
        ("--- a/../x.py\n+++ b/../x.py\n@@ -1 +1 @@\n-a\n+b\n", "leads out of the workspace"),
        ("--- /etc/hosts\n+++ /etc/hosts\n@@ -1 +1 @@\n-a\n+b\n", "outside of the workspace"),
    ] {
        let (status, said) = gate(&workspace, &home, &[], input);
        assert!(status == 2 && said.contains(reason) && said.starts_with("not judged"), "{status}: {said}");
    }
    let (status, said) = gate(
        &workspace,
        &home,
        &[],
        "diff --git a/x.png b/x.png\nindex 1..2 100644\nBinary files a/x.png and b/x.png differ\ndiff --git a/sub b/sub\nindex 1..2 160000\n--- a/sub\n+++ b/sub\n@@ -1 +1 @@\n-Subproject commit 1\n+Subproject commit 2\n",
    );
    assert!(status == 0 && said.contains("x.png: it is binary") && said.contains("sub: it is a submodule"), "{said}");
    // Malformed hooks let the agent work, and say so.
    for input in ["", "{", "[]", r#"{"hook_event_name":"Stop","tool_name":"x"}"#] {
        let (status, said) = gate(&workspace, &home, &["--hook"], input);
        assert!(status == 0 && said.contains("was not judged"), "{status}: {said}");
    }
    let no_git = Workspace::of("#- /pyproject.toml\n#- /a.py\nx = 1\n");
    let (status, said) = gate(&no_git, &home, &["--since", "HEAD"], "");
    assert!(status == 2 && said.contains("is in no repository of git"), "{said}");
    let (status, said) = gate(&no_git, &home, &[], "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x = 1\n+x = y\n");
    assert!(status == 1 && said.contains("`y` is not defined"), "{said}");
}

#[test]
fn ends_of_lines_and_large_patches_are_taken() {
    let home = Home::new();
    let workspace = Workspace::of("#- /pyproject.toml\n#- /b.py\nfrom a import f\n\nprint(f(1))\n");
    workspace.write("a.py", "def f(x):\r\n    return x\r\n");
    for end in ["\n", "\r\n"] {
        let patch = format!(
            "--- a/a.py{end}+++ b/a.py{end}@@ -1,2 +1,2 @@{end}-def f(x):{end}+def f(x, y):{end}     return x{end}"
        );
        let (status, said) = gate(&workspace, &home, &["--no-tests"], &patch);
        assert!(status == 1 && said.contains("b.py:3: missing argument `y`"), "{said}");
    }
    let lines: String = (0..50_000).map(|number| format!("+VALUE_{number} = {number}\n")).collect();
    let patch = format!("--- /dev/null\n+++ b/values.py\n@@ -0,0 +1,50000 @@\n{lines}");
    let (status, said) = gate(&workspace, &home, &["--no-tests", "--limit", "300"], &patch);
    assert!(status == 0 && said.starts_with("passed"), "{status}: {said}");
    let (status, said) = gate(&workspace, &home, &["--limit", "0.001"], &patch);
    assert!(status == 2 && said.starts_with("not finished"), "{status}: {said}");
}

#[test]
fn a_write_that_has_happened_is_judged_beside_what_was_there() {
    let (workspace, home) = committed();
    let text = workspace.read("shop/cart.py");
    workspace.write("shop/cart.py", text.replace("def subtotal(self)", "def subtotal(self, tax)"));
    let path = workspace.path("shop/cart.py");
    let edit =
        json!({ "file_path": path, "old_string": "def subtotal(self)", "new_string": "def subtotal(self, tax)" });
    let after = |tool: &str, input: &Value, response: &Value| {
        let said = json!({ "hook_event_name": "PostToolUse", "cwd": workspace.root(), "tool_name": tool,
            "tool_input": input, "tool_response": response });
        let (status, said) = gate(&workspace, &home, &["--hook", "--no-tests"], &said.to_string());
        assert_eq!(status, 0);
        serde_json::from_str::<Value>(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    };
    let codex = json!({ "command": "*** Begin Patch\n*** Update File: shop/cart.py\n@@\n-    def subtotal(self) -> Money:\n+    def subtotal(self, tax) -> Money:\n*** End Patch\n" });
    for answer in [
        after("Edit", &edit, &Value::Null),
        after("Write", &json!({ "file_path": path, "content": "" }), &json!({ "originalFile": text })),
        after("apply_patch", &codex, &Value::Null),
    ] {
        assert_eq!(answer["decision"], "block", "{answer}");
        assert!(answer["reason"].as_str().is_some_and(|it| it.contains("shop/pricing.py:18")), "{answer}");
    }
    workspace.write("shop/cart.py", &text);
    workspace.write("shop/fresh.py", "from shop.cart import Card\n");
    let fresh = json!({ "file_path": workspace.path("shop/fresh.py"), "content": "" });
    let answer = after("Write", &fresh, &json!({ "type": "create" }));
    assert!(answer["reason"].as_str().is_some_and(|it| it.contains("shop/fresh.py:1")), "{answer}");
    workspace.remove("shop/fresh.py");
    let before = json!({ "hook_event_name": "PreToolUse", "cwd": workspace.root(), "tool_name": "apply_patch", "tool_input": codex });
    let (_, said) = gate(&workspace, &home, &["--hook", "--no-tests"], &before.to_string());
    // What breaks elsewhere can be mended only after this write.
    assert!(said.contains("additionalContext") && said.contains("shop/pricing.py:18"), "{said}");
    let write = json!({ "file_path": path, "content": "def f(:\n" });
    let before =
        json!({ "hook_event_name": "PreToolUse", "cwd": workspace.root(), "tool_name": "Write", "tool_input": write });
    let (_, said) = gate(&workspace, &home, &["--hook"], &before.to_string());
    assert!(said.contains("\"permissionDecision\":\"deny\""), "{said}");
}

#[test]
fn files_that_move_and_go_are_missed_where_they_were() {
    let (workspace, home) = committed();
    git(&workspace, &["mv", "shop/money.py", "shop/cash.py"]);
    for arguments in [["--staged", "--no-tests"].as_slice(), &["--since", "HEAD", "--no-tests"]] {
        let (status, said) = gate(&workspace, &home, arguments, "");
        assert!(status == 1 && said.contains("`from shop.money import"), "{status}: {said}");
        // What was wrong in it before is no fault of the move.
        assert!(!said.contains("shop/cash.py:"), "{said}");
    }
    // With those that import it, nothing is worse.
    for folder in ["shop", "tests"] {
        for entry in std::fs::read_dir(workspace.path(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                let text = std::fs::read_to_string(&path).expect("a text");
                std::fs::write(&path, text.replace("shop.money", "shop.cash")).expect("it is writable");
            }
        }
    }
    let (status, said) = gate(&workspace, &home, &["--since", "HEAD", "--no-tests"], "");
    assert!(status == 0, "{status}: {said}");
    git(&workspace, &["reset", "--quiet", "--hard"]);
    workspace.remove("shop/money.py");
    let (status, said) = gate(&workspace, &home, &["--since", "HEAD", "--no-tests"], "");
    assert!(status == 1 && said.contains("`from shop.money import"), "{status}: {said}");
    let patch = git(&workspace, &["diff"]);
    git(&workspace, &["reset", "--quiet", "--hard"]);
    assert_eq!(gate(&workspace, &home, &["--no-tests"], &patch), (status, said), "the same as a patch");
}

//! The same as programs of others see it: the official client and conformance checks of the Model Context Protocol, Claude Code,
//! pre-commit, validators of what CI systems read, and an agent beside a real Neovim.
//!
//! They need what `cargo xtask setup --e2e` installs. Without that they fail, and `cargo xtask test` leaves them out.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use tests::agent::Agent;
use tests::client::Client;
use tests::workspace::{Home, Workspace};

use super::gate::{committed, git};
use super::integrations::{ALL, run, tantu};

/// A program of the virtual environment for agents.
fn tool(name: &str) -> PathBuf {
    needed(tests::agents().join("bin").join(name))
}

fn needed(path: PathBuf) -> PathBuf {
    assert!(path.is_file(), "no {}: run `cargo xtask setup --e2e`", path.display());
    path
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/programs").join(name)
}

/// Has the official client drive everything in the shop, and returns what it reports.
#[track_caller]
fn official(mode: &str, workspace: &Workspace, home: &Home, expected: &str) -> Value {
    let python = tool("python");
    let mut command = Command::new(python);
    command.arg(script("client.py")).args([mode, &tests::server_binary().display().to_string(), expected]);
    command.current_dir(workspace.root()).env_clear().envs(home.environment());
    let Output { stdout, stderr, status } = command.output().expect("python starts");
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    serde_json::from_slice(&stdout).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&stdout)))
}

#[test]
fn official_client_drives_all_tools_alone_and_attached() {
    let (workspace, home) = (Workspace::fixture("shop"), Home::new());
    for (mode, protocol) in [("legacy", "2025-11-25"), ("auto", "2026-07-28")] {
        let report = official(mode, &workspace, &home, "def subtotal(self) -> Money:");
        assert_eq!((&report["protocol"], &report["attached"]), (&json!(protocol), &json!(false)), "{report}");
        assert!(report["instructions"].as_str().is_some_and(|it| it.contains("`tests`")), "{report}");
    }
    let editor = Client::builder(&workspace).home(&home).start().indexed();
    editor.open("shop/cart.py");
    editor.replace(
        "shop/cart.py",
        "    def subtotal(self) -> Money:\n",
        "    def subtotal(self) -> Money:  # unsaved\n",
    );
    for (mode, protocol) in [("legacy", "2025-11-25"), ("2026-07-28", "2026-07-28")] {
        // The patch is against what the editor has: a line of it has changed.
        let script = "def subtotal(self) -> Money:  # unsaved";
        let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| official(mode, &workspace, &home, script)));
        let said = said.expect_err("the patch is of the text on disk");
        let said = said.downcast_ref::<String>().expect("a message");
        assert!(said.contains("hunk 1 does not apply") && said.contains("# unsaved"), "{said}");
        editor.replace("shop/cart.py", "  # unsaved", "");
        editor.replace("shop/cart.py", "class Cart:\n", "# unsaved\nclass Cart:\n");
        let report = official(mode, &workspace, &home, "def subtotal(self) -> Money:");
        assert_eq!((&report["protocol"], &report["attached"]), (&json!(protocol), &json!(true)), "{report}");
        editor.replace("shop/cart.py", "# unsaved\nclass Cart:\n", "class Cart:\n");
        editor.replace(
            "shop/cart.py",
            "    def subtotal(self) -> Money:\n",
            "    def subtotal(self) -> Money:  # unsaved\n",
        );
    }
}

#[test]
fn an_unsaved_buffer_of_neovim_is_seen() {
    let (workspace, home) = (Workspace::fixture("shop"), Home::new());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/neovim/unsaved.lua");
    std::thread::scope(|scope| {
        let neovim = scope.spawn(|| {
            tests::neovim::run(&script, Path::new(env!("CARGO_BIN_EXE_tee-lsp")), &workspace, &home);
        });
        // It has a graph of its own until the editor's server is there.
        let mut agent = Agent::start(workspace.root(), &home);
        let end = std::time::Instant::now() + tests::PATIENCE;
        let said = loop {
            let said = agent.call("explore", &json!({ "query": "typed_in_neovim" }));
            if said.structured["found"][0]["name"] == "shop.cart.typed_in_neovim" || std::time::Instant::now() > end {
                break said;
            }
            std::thread::sleep(std::time::Duration::from_millis(300));
        };
        workspace.write("seen", "");
        neovim.join().expect("the editor's session is in order");
        assert_eq!(said.structured["attached"], true, "{}", said.text);
        assert!(said.text.contains("return cart.subtotal()"), "{}", said.text);
        // The editor is gone, and with it what was not saved.
        let said = agent.call("explore", &json!({ "query": "typed_in_neovim" }));
        assert_eq!(said.structured["attached"], false, "{}", said.text);
        assert!(said.structured["found"] == json!([]), "{}", said.text);
    });
}

/// A bridge from HTTP to `tantu mcp`, which ends with this.
struct Bridge(Child);

impl Bridge {
    fn start(workspace: &Workspace, home: &Home) -> (Bridge, String) {
        let mut command = Command::new(tool("python"));
        command.arg(script("bridge.py")).arg(tests::server_binary()).current_dir(workspace.root());
        command.env_clear().envs(home.environment()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut bridge = Bridge(command.spawn().expect("python starts"));
        let mut port = String::new();
        let said = bridge.0.stdout.take().expect("it is piped");
        BufReader::new(said).read_line(&mut port).expect("a port");
        (bridge, format!("http://127.0.0.1:{}/mcp", port.trim()))
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // A panic here would hide the one that ended the test.
        let _ = self.0.wait();
    }
}

/// The others ask for the tools of the suite's own example server, for prompts and for logging, which there are none of here, or are
/// about HTTP itself.
#[test]
fn conformance_checks_of_the_protocol_pass() {
    let (workspace, home) = (Workspace::fixture("shop"), Home::new());
    let (_bridge, url) = Bridge::start(&workspace, &home);
    let node = needed(tests::vscode::node());
    let suite = tests::programs().join("@modelcontextprotocol/conformance/dist/index.js");
    let suite = needed(suite).display().to_string();
    for scenario in ["server-initialize", "ping", "tools-list", "resources-list"] {
        let arguments = [&suite, "server", "--url", &url, "--scenario", scenario];
        let (status, said) = run(&node, &arguments, workspace.root(), &home);
        assert!(status == 0 && said.contains("Passed: 1/1, 0 failed, 0 warnings"), "{scenario}: {said}");
    }
}

#[test]
fn claude_code_takes_the_plugin_and_reaches_the_tools() {
    let (workspace, home) = (Workspace::fixture("shop"), Home::new());
    let claude = needed(tests::programs().join("@anthropic-ai/claude-code-linux-x64/claude"));
    let plugin = tests::repository().join("editors/claude-code").display().to_string();
    let (status, said) = run(&claude, &["plugin", "validate", "--strict", &plugin], workspace.root(), &home);
    assert!(status == 0, "{said}");
    for provided in ["\"tantu gate --hook\"", "mcpServers: tantu", "lspServers: tantu"] {
        assert!(said.contains(provided), "{provided}: {said}");
    }
    let (status, said) = run(&claude, &["--plugin-dir", &plugin, "mcp", "list"], workspace.root(), &home);
    assert!(status == 0 && said.contains("plugin:tantu:tantu: tantu mcp - ") && said.contains("Connected"), "{said}");
    // What `tantu init` writes is found, too; a person has to approve of it.
    assert_eq!(tantu(&["init", "--for", "claude-code"], &workspace, &home).0, 0);
    let (_, said) = run(&claude, &["mcp", "list"], workspace.root(), &home);
    assert!(said.contains("tantu: tantu mcp - ") && said.contains("Pending approval"), "{said}");
}

#[test]
fn pre_commit_runs_the_gate_in_a_real_repository() {
    let (workspace, home) = committed();
    assert_eq!(tantu(&["init", "--for", "pre-commit"], &workspace, &home).0, 0);
    git(&workspace, &["add", "--all"]);
    let text = workspace.read("shop/cart.py");
    workspace.write("shop/cart.py", text.replace("def subtotal(self)", "def subtotal(self, tax)"));
    git(&workspace, &["add", "--all"]);
    let (status, said) = run(&tool("pre-commit"), &["run"], workspace.root(), &home);
    assert!(status == 1 && said.contains("Failed") && said.contains("shop/pricing.py:18"), "{status}: {said}");
    workspace.write("shop/cart.py", text.replace("return not self._lines", "return len(self._lines) == 0"));
    git(&workspace, &["add", "--all"]);
    let (status, said) = run(&tool("pre-commit"), &["run"], workspace.root(), &home);
    assert!(status == 0 && said.contains("Passed"), "{status}: {said}");
    // The definition that this repository gives to others.
    let hooks = Workspace::empty();
    hooks
        .write(".pre-commit-hooks.yaml", fs::read(tests::repository().join(".pre-commit-hooks.yaml")).expect("a file"));
    git(&hooks, &["init", "--quiet"]);
    git(&hooks, &["add", "--all"]);
    git(&hooks, &["commit", "--quiet", "--message", "hooks"]);
    let from = hooks.root().display().to_string();
    let (status, said) = run(&tool("pre-commit"), &["try-repo", &from, "tantu-gate"], workspace.root(), &home);
    assert!(status == 0 && said.contains("Passed"), "{status}: {said}");
}

#[test]
fn what_init_writes_is_understood_by_those_who_read_it() {
    let (workspace, home) = committed();
    assert_eq!(tantu(&[&["init"], &ALL[..]].concat(), &workspace, &home).0, 0);
    let check = tool("check-jsonschema");
    for (schema, file) in [
        ("vendor.github-workflows", ".github/workflows/tantu.yml"),
        ("vendor.gitlab-ci", ".gitlab/tantu.gitlab-ci.yml"),
        ("vendor.gitlab-ci", ".gitlab-ci.yml"),
    ] {
        let (status, said) = run(&check, &["--builtin-schema", schema, file], workspace.root(), &home);
        assert_eq!(status, 0, "{file}: {said}");
    }
    let action = tests::repository().join("action.yml").display().to_string();
    let (status, said) = run(&check, &["--builtin-schema", "vendor.github-actions", &action], workspace.root(), &home);
    assert_eq!(status, 0, "{said}");
    assert_eq!(run(&tool("pre-commit"), &["validate-config"], workspace.root(), &home).0, 0);
    let script =
        "import tomllib; print(tomllib.load(open('.codex/config.toml', 'rb'))['mcp_servers']['tantu']['args'])";
    assert_eq!(run(&tool("python"), &["-c", script], workspace.root(), &home).1.trim(), "['mcp']");
}

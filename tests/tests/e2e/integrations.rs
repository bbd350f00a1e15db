//! What `tantu init` writes, as git, CI systems and agents take it; the plugin for Claude Code; reviews in the formats of CI.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tests::client::Client;
use tests::workspace::{Home, Workspace};

use super::gate::{committed, diff, git};

/// Runs a program with `tantu` on its path.
pub(super) fn run(program: &Path, arguments: &[&str], folder: &Path, home: &Home) -> (i32, String) {
    let own = tests::server_binary();
    let folders = [own.parent().expect("a folder"), Path::new("/usr/bin"), Path::new("/bin")];
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(folders.iter().map(|it| it.to_path_buf()).chain(std::env::split_paths(&others)));
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env_clear().envs(home.environment());
    command.env("PATH", path.expect("a search path")).env("GIT_CONFIG_GLOBAL", "/dev/null");
    let Output { status, stdout, stderr } = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.code().unwrap_or(-1), said)
}

pub(super) fn tantu(arguments: &[&str], workspace: &Workspace, home: &Home) -> (i32, String) {
    run(&tests::server_binary(), arguments, workspace.root(), home)
}

/// All that `tantu init` can write.
pub(super) const ALL: [&str; 12] = [
    "--for",
    "claude-code",
    "--for",
    "codex",
    "--for",
    "pre-commit",
    "--for",
    "github",
    "--for",
    "gitlab",
    "--for",
    "vscode",
];

#[test]
fn init_writes_what_is_missing_and_overwrites_nothing() {
    let (workspace, home) = committed();
    let arguments = [&["init"], &ALL[..]].concat();
    let (status, shown) = tantu(&[&arguments[..], &["--dry-run"]].concat(), &workspace, &home);
    assert!(
        status == 0 && shown.contains("+      \"command\": \"tantu\",") && shown.contains("Nothing was written"),
        "{shown}"
    );
    assert_eq!(git(&workspace, &["status", "--porcelain"]), "");
    workspace.write(".mcp.json", r#"{"mcpServers": {"other": {"command": "x"}}}"#);
    workspace.write(".github/workflows/tantu.yml", "name: mine\n");
    let (status, shown) = tantu(&arguments, &workspace, &home);
    assert!(status == 1 && shown.contains("tantu.yml: left as it is"), "{shown}");
    assert_eq!(workspace.read(".github/workflows/tantu.yml"), "name: mine\n");
    let tools: Value = serde_json::from_str(&workspace.read(".mcp.json")).expect("JSON");
    assert_eq!(tools["mcpServers"]["other"]["command"], "x");
    assert_eq!(tools["mcpServers"]["tantu"]["args"], json!(["mcp"]));
    workspace.remove(".github/workflows/tantu.yml");
    assert_eq!(tantu(&arguments, &workspace, &home).0, 0);
    let (status, shown) = tantu(&arguments, &workspace, &home);
    assert_eq!((status, shown.matches("there already").count()), (0, 9), "{shown}");
}

#[test]
fn the_plugin_for_claude_code_is_what_it_takes() {
    let folder = tests::repository().join("editors/claude-code");
    let read = |name: &str| -> Value {
        let text = fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let manifest = read(".claude-plugin/plugin.json");
    let known = ["name", "version", "description", "author", "homepage", "repository", "license", "keywords"];
    assert!(manifest.as_object().is_some_and(|it| it.keys().all(|name| known.contains(&name.as_str()))), "{manifest}");
    assert_eq!(manifest["name"], "tantu");
    let (_, version) = tantu(&["--version"], &Workspace::empty(), &Home::new());
    assert_eq!(format!("tantu {}", manifest["version"].as_str().expect("a version")), version.trim());
    let lsp = &read(".lsp.json")["tantu"];
    assert_eq!((&lsp["command"], &lsp["args"]), (&json!("tantu"), &json!(["lsp"])));
    assert_eq!(lsp["extensionToLanguage"], json!({ ".py": "python", ".pyi": "python" }));
    // What a project gets without the plugin.
    let (workspace, home) = (Workspace::of("#- /pyproject.toml\n"), Home::new());
    assert_eq!(tantu(&["init", "--for", "claude-code"], &workspace, &home).0, 0);
    let written = |name: &str| serde_json::from_str::<Value>(&workspace.read(name)).expect("JSON");
    assert_eq!(read(".mcp.json"), written(".mcp.json"));
    assert_eq!(read("hooks/hooks.json"), written(".claude/settings.json"));
    let hook = &read("hooks/hooks.json")["hooks"]["PostToolUse"][0];
    assert!(hook["matcher"].as_str().is_some_and(|it| it.split('|').any(|tool| tool == "Edit")), "{hook}");
    assert_eq!(hook["hooks"][0]["type"], "command");
    let command = hook["hooks"][0]["command"].as_str().expect("a command").replace("tantu ", "");
    let (status, said) = tantu(&command.split(' ').collect::<Vec<_>>(), &workspace, &home);
    assert!(status == 0 && said.contains("was not judged"), "{said}");
}

#[test]
fn the_nine_operations_of_claude_code_are_answered() {
    let workspace = Workspace::fixture("shop");
    let editor = Client::start(&workspace).indexed();
    editor.open("shop/cart.py");
    let at = || editor.at("shop/cart.py", "    def sub$0total(");
    let item = editor.request("textDocument/prepareCallHierarchy", at());
    let mut references = at();
    references["context"] = json!({ "includeDeclaration": true });
    let document = json!({ "textDocument": { "uri": editor.uri("shop/cart.py") } });
    for (method, params) in [
        ("textDocument/definition", at()),
        ("textDocument/references", references),
        ("textDocument/hover", at()),
        ("textDocument/documentSymbol", document),
        ("workspace/symbol", json!({ "query": "subtotal" })),
        ("textDocument/implementation", editor.at("shop/cart.py", "    def sub$0total(")),
        ("textDocument/prepareCallHierarchy", at()),
        ("callHierarchy/incomingCalls", json!({ "item": item[0] })),
        ("callHierarchy/outgoingCalls", json!({ "item": item[0] })),
    ] {
        let answer = editor.request(method, params);
        let is_answered = answer.as_array().map_or(answer.is_object(), |it| !it.is_empty());
        assert!(is_answered, "{method}: {answer}");
    }
}

#[test]
fn a_review_says_what_a_change_does_in_each_format() {
    let (workspace, home) = committed();
    let text = workspace.read("shop/cart.py");
    workspace.write("shop/cart.py", text.replace("def subtotal(self)", "def subtotal(self, tax)"));
    let project = workspace.read("pyproject.toml");
    workspace.write("pyproject.toml", project.replace("dependencies = []", "dependencies = [\"requests>=2\"]"));
    let review = |arguments: &[&str]| tantu(&[&["review", "--since", "HEAD"], arguments].concat(), &workspace, &home);
    let (status, page) = review(&["--format", "markdown"]);
    assert_eq!(status, 1, "{page}");
    for part in [
        "<!-- tantu review -->\n**tantu** ✗ refused · 2 files · 7 problems",
        "| shop/pricing.py:18 | missing argument `tax`;",
        "- `shop.cart.Cart.subtotal` shop/cart.py:53: 7 callers,",
        "- `requests>=2 (pyproject.toml)`",
    ] {
        assert!(page.contains(part), "no {part:?} in\n{page}");
    }
    assert!(page.lines().count() < 60, "{page}");
    let (_, printed) = review(&["--format", "json"]);
    let printed: Value = serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
    assert_eq!((&printed["verdict"]["outcome"], &printed["since"]), (&json!("refused"), &json!("HEAD")));
    let (_, lines) = review(&["--format", "github"]);
    assert!(
        lines.contains("::error file=shop/pricing.py,line=18,title=tantu incompatible-call::missing argument"),
        "{lines}"
    );
    let (_, sarif) = review(&["--format", "sarif"]);
    let sarif: Value = serde_json::from_str(&sarif).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"].as_array().map(Vec::len), Some(7), "{sarif}");
    // What is mended, with its tests, in files.
    git(&workspace, &["add", "--all"]);
    git(&workspace, &["commit", "--quiet", "--message", "broken"]);
    workspace.write("shop/cart.py", text.replace("return not self._lines", "return len(self._lines) == 0"));
    let (status, said) =
        review(&["--format", "markdown", "--output", "r.md", "--sarif", "r.sarif", "--junit", "r.xml"]);
    assert_eq!((status, said.as_str()), (0, ""));
    let page = workspace.read("r.md");
    assert!(page.contains("**Fits again**") && page.contains("✓ passed") && page.contains("0 failed"), "{page}");
    let script = "import sys, xml.etree.ElementTree as t\ns = t.parse('r.xml').getroot()[0]\nprint(s.get('failures'), int(s.get('tests')) > 10, s[0].get('classname'))";
    let (_, junit) = run(Path::new("python3"), &["-c", script], workspace.root(), &home);
    assert!(junit.starts_with("0 True tests.test_"), "{junit}");
}

#[test]
fn a_shallow_clone_is_reviewed_and_says_what_is_missing() {
    let (workspace, home) = committed();
    let text = workspace.read("shop/cart.py");
    workspace.write("shop/cart.py", text.replace("return not self._lines", "return len(self._lines) == 0"));
    git(&workspace, &["commit", "--quiet", "--all", "--message", "second"]);
    let clone = Workspace::empty();
    let from = format!("file://{}", workspace.root().display());
    git(&clone, &["clone", "--quiet", "--depth", "1", &from, "shop"]);
    let folder = clone.path("shop");
    let (status, said) = run(&tests::server_binary(), &["review", "--since", "HEAD"], &folder, &home);
    assert!(status == 0 && said.contains("nothing to judge"), "{said}");
    let (status, said) = run(&tests::server_binary(), &["review", "--since", "HEAD~1"], &folder, &home);
    assert!(status == 2 && said.contains("this clone is shallow") && said.contains("git fetch --depth"), "{said}");
}

/// Puts what was printed between the marks of a page, or compares it with what is there.
#[track_caller]
fn transcript(page: &str, name: &str, text: &str) {
    let path = tests::repository().join("docs").join(page);
    let manual = fs::read_to_string(&path).expect("the manual");
    let (begin, end) = (format!("<!-- transcript {name} -->\n````text\n"), "````\n<!-- end -->");
    let (before, rest) = manual.split_once(&begin).unwrap_or_else(|| panic!("docs/{page} has no {begin}"));
    let (written, after) = rest.split_once(end).expect("a transcript ends");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, format!("{before}{begin}{text}{end}{after}")).expect("the manual is writable");
    } else {
        assert!(written == text, "docs/{page}, {name}: run this test with UPDATE_EXPECT=1; now it is\n{text}");
    }
}

/// What is said when the machine has time for all checks.
fn unhurried(mut say: impl FnMut() -> String) -> String {
    let all = (0..10).map(|_| say());
    let said = all.into_iter().find(|it| !it.contains("there was no time"));
    said.expect("the type checker is done within its time")
}

#[test]
fn the_transcripts_of_the_manual_are_what_is_said() {
    let (workspace, home) = committed();
    let text = workspace.read("shop/cart.py");
    let patch = diff("shop/cart.py", "def subtotal(self) -> Money:", "def subtotal(self, tax) -> Money:", &text);
    let mut agent = tests::agent::Agent::start(workspace.root(), &home);
    // Values are followed beside everything else.
    let explored = (0..200).map(|_| agent.call("explore", &json!({ "query": "best_discount", "budget": 700 })));
    let explored = explored.into_iter().find(|it| it.structured["complete"] == true).expect("it is complete soon");
    let revision = explored.structured["revision"].to_string();
    transcript("agents.md", "explore", &explored.text.replacen(&format!("Revision {revision}"), "Revision 3", 1));
    transcript("agents.md", "check", &unhurried(|| agent.call("check", &json!({ "patch": patch })).text));
    let tests = agent.call("tests", &json!({ "patch": patch, "most": 3 }));
    transcript("agents.md", "tests", &tests.text);
    let gated = unhurried(|| {
        let (status, gated) = super::gate::gate(&workspace, &home, &[], &patch);
        format!("$ git diff | tantu gate\n{gated}$ echo $?\n{status}\n")
    });
    transcript("ci.md", "gate", &gated);
    workspace.write("shop/cart.py", text.replace("def subtotal(self)", "def subtotal(self, tax)"));
    let review = ["review", "--since", "HEAD", "--format", "markdown"];
    transcript("ci.md", "review", &unhurried(|| tantu(&review, &workspace, &home).1));
}

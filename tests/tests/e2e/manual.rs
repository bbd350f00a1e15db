//! The manual says what is: its examples run, and its lists are those of the program.
//!
//! `UPDATE_EXPECT=1` writes anew what can be generated.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::process::Command;

use serde_json::Value;
use tests::client::Client;
use tests::workspace::{Home, Workspace};

/// Compares a page with what it should be, or makes it so.
#[track_caller]
fn expect_page(name: &str, text: &str) {
    let path = tests::repository().join("docs").join(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, text).expect("the manual is writable");
    }
    let page = fs::read_to_string(&path).unwrap_or_default();
    let differs = page.lines().zip(text.lines()).find(|(page, text)| page != text);
    assert!(page == text, "docs/{name} is not up to date: run this test with UPDATE_EXPECT=1; {differs:?}");
}

/// What an example shows.
struct Example {
    /// Their texts by name.
    files: BTreeMap<String, String>,
    /// The file with something underlined.
    file: String,
    /// That, in bytes.
    selected: Range<usize>,
}

/// A file without a heading is `example.py`. The comment that underlines is in none of them.
fn read(example: &str) -> Example {
    let mut files = BTreeMap::new();
    let mut file = "example.py".to_owned();
    let mut selected = None;
    for line in example.lines() {
        let text: &mut String = match line.strip_prefix("# ").filter(|name| name.ends_with(".py")) {
            Some(name) => {
                name.clone_into(&mut file);
                files.entry(file.clone()).or_default();
                continue;
            }
            None => files.entry(file.clone()).or_default(),
        };
        let carets = line.trim_start_matches(['#', ' ']);
        if !carets.is_empty() && carets.chars().all(|it| it == '^') {
            let above = text.trim_end_matches('\n').rfind('\n').map_or(0, |end| end + 1);
            let start = above + line.len() - carets.len();
            selected = Some((file.clone(), start..above + line.len()));
        } else {
            text.push_str(line);
            text.push('\n');
        }
    }
    let (file, selected) = selected.expect("something is underlined");
    Example { files, file, selected }
}

/// What becomes of an example when the action is taken whose title begins with `title`.
#[track_caller]
fn after(example: &str, title: &str) -> String {
    let Example { files, file, selected } = read(example);
    let workspace = Workspace::empty();
    files.iter().for_each(|(name, text)| workspace.write(name, text));
    let editor = Client::start(&workspace).indexed();
    editor.open(&file);
    editor.diagnostics(&file);
    editor.act_in(&file, selected, title);
    let mut made = String::new();
    for (uri, buffer) in &editor.session().documents {
        let path = tests::workspace::uri_path(uri).expect("only files are opened");
        let name = path.strip_prefix(workspace.root()).expect("they are in the workspace").display().to_string();
        if files.get(&name) != Some(&buffer.text) {
            let heading = if files.len() > 1 { format!("# {name}\n") } else { String::new() };
            made.push_str(&format!("{heading}{}", buffer.text));
        }
    }
    made
}

#[test]
fn code_actions_do_what_the_manual_shows() {
    let page = fs::read_to_string(tests::repository().join("docs/assists.md")).expect("the manual");
    let mut made = String::new();
    let mut title = String::new();
    let mut example = None;
    let mut examples = 0;
    for (index, part) in page.split("```python\n").enumerate() {
        let (code, prose) = if index == 0 { ("", part) } else { part.split_once("```").expect("fences are closed") };
        if index > 0 {
            let code = match example.take() {
                Some(before) => after(before, &title),
                None => code.to_owned(),
            };
            made.push_str(&format!("```python\n{code}```"));
        }
        made.push_str(prose);
        if code.lines().any(|line| line.ends_with('^')) {
            example = Some(code);
            examples += 1;
        } else if let Some((_, name)) = prose.rsplit_once("### ").and_then(|(_, it)| it.split_once("\n\n*")) {
            // Titles are in italics, and names in them in code.
            name.split('*').next().unwrap_or_default().clone_into(&mut title);
        }
    }
    assert!(examples > 10, "{examples} examples");
    expect_page("assists.md", &made);
}

#[test]
fn settings_of_models_are_understood() {
    let mut examples = 0;
    for name in ["add-a-model.md", "models.md"] {
        let page = fs::read_to_string(tests::repository().join("docs").join(name)).expect("the manual");
        let blocks = page.split("```toml\n").skip(1).filter_map(|it| it.split_once("```"));
        for (example, _) in blocks.filter(|(example, _)| example.contains("[models.")) {
            let home = Home::new();
            home.configure(example);
            let list = Command::new(tests::server_binary()).args(["model", "list"]).envs(home.environment()).output();
            let list = list.expect("the binary starts");
            let said = String::from_utf8_lossy(&list.stderr);
            assert!(list.status.success(), "{name}:\n{example}\n{said}");
            examples += 1;
        }
    }
    assert!(examples >= 4, "{examples} examples");
}

#[test]
fn every_assist_of_a_model_is_in_the_manual() {
    let propose = ["propose", "no-such-assist", "a.py:1"];
    let run = Command::new(tests::server_binary()).args(propose).output().expect("the binary starts");
    let message = String::from_utf8(run.stderr).expect("UTF-8");
    let (_, list) = message.split_once("possible values: ").unwrap_or_else(|| panic!("a list in {message}"));
    let names: Vec<&str> = list.split(']').next().unwrap_or_default().split(", ").collect();
    assert!(names.contains(&"implement-function"), "{message}");
    let page = fs::read_to_string(tests::repository().join("docs/assists.md")).expect("the manual");
    for name in names {
        assert!(page.contains(&format!("| `{name}`")), "{name} is not in docs/assists.md");
    }
}

#[test]
fn the_command_line_is_as_the_manual_says() {
    let mut page = "# The command line\n\nThis page is what `tantu --help` and its like print.\n".to_owned();
    describe(&[], &mut page);
    expect_page("cli.md", &page);
}

/// Writes the help of a command, then that of its subcommands.
fn describe(command: &[&str], page: &mut String) {
    let run = Command::new(tests::server_binary()).args(command).arg("--help").env("COLUMNS", "100").output();
    let help = String::from_utf8(run.expect("the binary starts").stdout).expect("UTF-8");
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    let name = ["tantu"].iter().chain(command).copied().collect::<Vec<_>>().join(" ");
    page.push_str(&format!("\n## `{name}`\n\n```text\n{}\n```\n", lines.join("\n").trim_end()));
    let (_, commands) = help.split_once("\nCommands:\n").unwrap_or_default();
    for line in commands.lines().take_while(|line| line.starts_with("  ")) {
        let name = line.split_whitespace().next().unwrap_or_default();
        if name != "help" && line.starts_with("  ") && !line.starts_with("   ") {
            describe(&[command, &[name]].concat(), page);
        }
    }
}

#[test]
fn every_command_is_in_the_manual() {
    let workspace = Workspace::of("#- /a.py\n");
    let editor = Client::start(&workspace);
    let commands = &editor.server["capabilities"]["executeCommandProvider"]["commands"];
    let page = fs::read_to_string(tests::repository().join("docs/editors.md")).expect("the manual");
    let commands: Vec<&str> = commands.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(commands.contains(&"tantu.propose"), "{commands:?}");
    for command in commands {
        assert!(page.contains(&format!("| `{command}` |")), "{command} is not in docs/editors.md");
    }
}

const SETTINGS: &str = "# Settings

The editor's settings, under `tantu`, come before those of the workspace, which are in `[tool.tantu]` of `pyproject.toml` or in
`tantu.toml`; what nobody chose has its default. An unknown key is a finding on the file. Models are configured [in a file of your
own](models.md), never here.

```toml
[tool.tantu]
python = \".venv\"
diagnostics.mode = \"workspace\"
context.include = [\"docs/*.csv\"]
```

What may be chosen only by the editor is marked: a workspace does not choose programs, folders outside of it, or limits of the
sandbox.

| setting | values | default | |
|---|---|---|---|
";

#[test]
fn every_setting_is_in_the_manual() {
    let path = tests::repository().join("editors/vscode/package.json");
    let manifest: Value = serde_json::from_str(&fs::read_to_string(path).expect("it is there")).expect("JSON");
    let properties = manifest["contributes"]["configuration"]["properties"].as_object().expect("an object");
    let mut page = SETTINGS.to_owned();
    for (key, setting) in properties {
        let key = key.trim_start_matches("tantu.");
        let values = match setting["enum"].as_array() {
            Some(values) => values.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", "),
            None => setting["type"].as_str().expect("a type").to_owned(),
        };
        let whose = match (key, setting["scope"].as_str()) {
            ("server.path" | "trace.server", _) => " VS Code only.",
            (_, Some("machine")) => " The editor's settings only.",
            _ => "",
        };
        let text = setting["markdownDescription"].as_str().expect("a description");
        page.push_str(&format!("| `{key}` | {values} | `{}` | {text}{whose} |\n", setting["default"]));
    }
    page.push_str("| `python` | string | none | The interpreter or the environment of the project, seen from the workspace folder; else `VIRTUAL_ENV`, else `.venv`. The workspace's own settings only. |\n");
    expect_page("settings.md", &page);
}

#[test]
fn every_specification_of_the_graph_is_in_the_manual() {
    let names = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(tests::repository().join(folder)).expect("the folder is there");
        let names = entries.map(|entry| entry.expect("it can be read").file_name().into_string());
        let mut names: Vec<String> = names.map(|name| name.expect("its names are text")).collect();
        names.sort();
        names
    };
    let specifications = names("fixtures/specs");
    assert!(!specifications.is_empty());
    for name in &specifications {
        expect_page(&format!("specs/{name}"), &format!("{{{{#include ../../fixtures/specs/{name}}}}}\n"));
    }
    assert_eq!(names("docs/specs"), specifications);
    let contents = fs::read_to_string(tests::repository().join("docs/SUMMARY.md")).expect("the contents are there");
    for name in &specifications {
        let text = fs::read_to_string(tests::repository().join("fixtures/specs").join(name)).expect("it is a text");
        let title = text.lines().next().and_then(|line| line.strip_prefix("# ")).expect("it begins with its title");
        assert!(contents.contains(&format!("  - [{title}](specs/{name})\n")), "{name} is not in docs/SUMMARY.md");
    }
}

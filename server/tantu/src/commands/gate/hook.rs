//! The hooks of agents: what Claude Code and Codex say before and after they write a file, and how they want to be answered.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gate::{Changed, Changes, Kind, Level, Obstacle, Outcome, TextNow, Verdict, WholeFile};
use serde::Deserialize;
use serde_json::{Value, json};

/// What an agent says.
#[derive(Debug, Deserialize)]
struct Input {
    #[serde(default)]
    cwd: Option<PathBuf>,
    hook_event_name: String,
    tool_name: String,
    #[serde(default)]
    tool_input: Value,
    #[serde(default)]
    tool_response: Value,
}

/// An agent's write.
#[derive(Debug)]
pub(super) struct Hook {
    folder: PathBuf,
    event: Event,
    write: Write,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Before,
    After,
}

#[derive(Debug)]
enum Write {
    /// A file with all of its text.
    Whole {
        path: PathBuf,
        text: String,
        original: Option<String>,
        /// The agent says that it was not there.
        is_new: bool,
    },
    /// Replacements in a file, one after the other.
    Edits {
        path: PathBuf,
        edits: Vec<Edit>,
        original: Option<String>,
    },
    Patch(String),
    /// A tool that writes no file that is looked at here.
    Nothing,
}

#[derive(Clone, Debug, Deserialize)]
struct Edit {
    old_string: String,
    new_string: String,
    #[serde(default)]
    replace_all: bool,
}

impl Hook {
    /// Reads what the hook was given.
    ///
    /// # Errors
    /// With the reason, when it is not what one of the agents says.
    pub(super) fn read(input: &[u8]) -> Result<Self, String> {
        let input: Input = serde_json::from_slice(input)
            .map_err(|error| format!("{error}; it is read from standard input, as Claude Code and Codex write it"))?;
        let event = match input.hook_event_name.as_str() {
            "PreToolUse" => Event::Before,
            "PostToolUse" => Event::After,
            other => return Err(format!("the event `{other}` is not one of PreToolUse and PostToolUse")),
        };
        let folder = input.cwd.unwrap_or_else(|| PathBuf::from("."));
        let original = input.tool_response.get("originalFile").and_then(Value::as_str).map(str::to_owned);
        let is_new = input.tool_response.get("type").and_then(Value::as_str) == Some("create");
        let text = |name: &str| input.tool_input.get(name).and_then(Value::as_str).map(str::to_owned);
        let path = text("file_path").map(|path| folder.join(path));
        let write = match (input.tool_name.as_str(), path) {
            ("Write", Some(path)) => {
                Write::Whole { path, text: text("content").ok_or("Write without `content`")?, original, is_new }
            }
            ("Edit" | "MultiEdit", Some(path)) => {
                let several = input.tool_input.get("edits").cloned();
                let several = several.unwrap_or_else(|| json!([input.tool_input]));
                let edits = serde_json::from_value(several).map_err(|error| format!("the edits: {error}"))?;
                Write::Edits { path, edits, original }
            }
            ("Write" | "Edit" | "MultiEdit", None) => return Err(format!("{} without `file_path`", input.tool_name)),
            ("apply_patch", _) => {
                let patch = text("command").or_else(|| text("input")).or_else(|| text("patch"));
                Write::Patch(patch.ok_or("apply_patch without `command`")?)
            }
            _ => Write::Nothing,
        };
        Ok(Hook { folder, event, write })
    }

    /// A folder of the workspace.
    pub(super) fn folder(&self) -> &Path {
        match &self.write {
            Write::Whole { path, .. } | Write::Edits { path, .. } => {
                path.ancestors().skip(1).find(|folder| folder.is_dir()).unwrap_or(&self.folder)
            }
            _ => &self.folder,
        }
    }

    /// Whether there is anything to judge: other files than Python's are none of a gate's that reads the whole workspace each time.
    pub(super) fn changes_python(&self) -> bool {
        match &self.write {
            Write::Whole { path, .. } | Write::Edits { path, .. } => graph::is_python(path),
            Write::Patch(patch) => patch.contains(".py"),
            Write::Nothing => false,
        }
    }

    /// The change: before the write beside what is there, after it beside what was.
    pub(super) fn changes(&self, root: &Path, folders: &[PathBuf], now: TextNow<'_>) -> Changes {
        let real = |path: &Path| match (path.parent().map(Path::canonicalize), path.file_name()) {
            (Some(Ok(folder)), Some(name)) => folder.join(name),
            _ => path.to_path_buf(),
        };
        match &self.write {
            Write::Nothing => Changes::default(),
            Write::Whole { path, text, original, is_new } => {
                let path = real(path);
                match self.event {
                    Event::Before => {
                        Changes::of_files(vec![WholeFile { path, text: Some(text.clone()) }], folders, now)
                    }
                    Event::After if *is_new => match now(&path) {
                        Ok(after) => {
                            let file = Changed { path, before: None, after, renamed_from: None };
                            Changes { files: vec![file], ..Changes::default() }
                        }
                        Err(reason) => obstacle(&path, reason),
                    },
                    Event::After => after(root, path, original.clone(), None, now),
                }
            }
            Write::Edits { path, edits, original } => {
                let path = real(path);
                match self.event {
                    Event::Before => match now(&path).and_then(|text| edited(text.as_deref(), edits)) {
                        Ok(text) => Changes::of_files(vec![WholeFile { path, text: Some(text) }], folders, now),
                        Err(reason) => obstacle(&path, reason),
                    },
                    Event::After => after(root, path, original.clone(), Some(edits), now),
                }
            }
            Write::Patch(patch) => {
                let mut folders = folders.to_vec();
                // Codex names files from where it works.
                if let Ok(here) = self.folder.canonicalize()
                    && !folders.contains(&here)
                {
                    folders.insert(1.min(folders.len()), here);
                }
                match (gate::parse(patch), self.event) {
                    (Ok(files), Event::Before) => Changes::of_patch(&files, &folders, now),
                    (Ok(files), Event::After) => {
                        // What was there is not told; git's last commit is what comes nearest.
                        let named = files.iter().flat_map(|file| [&file.old, &file.new]).flatten();
                        let paths: Vec<PathBuf> =
                            named.flat_map(|name| folders.iter().map(move |folder| folder.join(name))).collect();
                        let is_text = files.iter().all(|file| matches!(file.kind, Kind::Text(_)));
                        since_commit(root, |path| is_text && paths.iter().any(|it| it == path))
                    }
                    (Err(malformed), _) => obstacle(Path::new("the patch"), malformed.to_string()),
                }
            }
        }
    }

    /// The answer for standard output; nothing where the agent may go on and has nothing to learn. Before a write only what is wrong
    /// in its own files keeps it back: the others can be mended only after it, and are told.
    pub(super) fn answer(&self, verdict: &Verdict, level: Level) -> Option<Value> {
        let text = format!("tantu: {}", verdict.text().trim_end());
        let is_bad = matches!(verdict.outcome, Outcome::Refused);
        let is_open = matches!(verdict.outcome, Outcome::NotFinished | Outcome::Unusable);
        let is_own = self.event == Event::After || verdict.findings.iter().any(|it| self.names(&it.path));
        match (self.event, is_bad && is_own && level == Level::Block) {
            (Event::Before, true) => Some(json!({ "hookSpecificOutput": {
                "hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": text } })),
            (Event::After, true) => Some(json!({ "decision": "block", "reason": text })),
            (event, false) if is_bad || is_open => {
                let name = if event == Event::Before { "PreToolUse" } else { "PostToolUse" };
                Some(json!({ "hookSpecificOutput": { "hookEventName": name, "additionalContext": text } }))
            }
            _ => None,
        }
    }
}

impl Hook {
    /// Whether the write is of the file that a finding names.
    fn names(&self, finding: &str) -> bool {
        match &self.write {
            Write::Whole { path, .. } | Write::Edits { path, .. } => path.ends_with(finding),
            Write::Patch(patch) => patch.contains(finding),
            Write::Nothing => false,
        }
    }
}

fn obstacle(path: &Path, reason: String) -> Changes {
    let obstacle = Obstacle { path: path.display().to_string(), reason };
    Changes { obstacles: vec![obstacle], ..Changes::default() }
}

/// The text after the replacements.
fn edited(text: Option<&str>, edits: &[Edit]) -> Result<String, String> {
    let mut text = text.unwrap_or_default().to_owned();
    for edit in edits {
        text = match (edit.old_string.is_empty(), text.contains(&edit.old_string)) {
            // How a file is made.
            (true, _) if text.is_empty() => edit.new_string.clone(),
            (false, true) if edit.replace_all => text.replace(&edit.old_string, &edit.new_string),
            (false, true) => text.replacen(&edit.old_string, &edit.new_string, 1),
            _ => return Err("the text that it replaces is not there".to_owned()),
        };
    }
    Ok(text)
}

/// A file that has been written: beside what the agent says was there, else beside what its edits undone give, else beside the last
/// commit.
fn after(root: &Path, path: PathBuf, original: Option<String>, edits: Option<&[Edit]>, now: TextNow<'_>) -> Changes {
    let after = match now(&path) {
        Ok(after) => after,
        Err(reason) => return obstacle(&path, reason),
    };
    let undone = || {
        let back = |edit: &Edit| Edit {
            old_string: edit.new_string.clone(),
            new_string: edit.old_string.clone(),
            replace_all: edit.replace_all,
        };
        let backwards: Vec<Edit> = edits?.iter().rev().map(back).collect();
        // What was taken out altogether cannot be put back without knowing where.
        if backwards.iter().any(|edit| edit.old_string.is_empty()) {
            return None;
        }
        edited(after.as_deref(), &backwards).ok()
    };
    match original.or_else(undone) {
        Some(before) => {
            let mut changes = Changes::default();
            changes.files.push(Changed { path, before: Some(Arc::from(before)), after, renamed_from: None });
            changes
        }
        None => since_commit(root, |other| *other == path),
    }
}

/// What is on disk of some files, beside the last commit; outside of git, that is said.
fn since_commit(root: &Path, is_meant: impl Fn(&Path) -> bool) -> Changes {
    match Changes::since(root, "HEAD", &[]) {
        Ok(mut changes) => {
            changes.files.retain(|file| is_meant(&file.path));
            changes.left_out.clear();
            changes
        }
        Err(error) => obstacle(root, format!("what was there before is not known: {error:#}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(event: &str, tool: &str, input: &Value, response: &Value) -> Hook {
        let said = json!({ "session_id": "x", "cwd": "/w", "hook_event_name": event, "tool_name": tool,
            "tool_input": input, "tool_response": response });
        Hook::read(said.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn what_is_no_hook_gets_a_reason() {
        let refused = |said: Value| Hook::read(said.to_string().as_bytes()).unwrap_err();
        assert!(refused(json!([])).contains("Claude Code"));
        assert!(refused(json!({ "hook_event_name": "Stop", "tool_name": "Write" })).contains("`Stop`"));
        assert!(
            refused(json!({ "hook_event_name": "PreToolUse", "tool_name": "Write", "tool_input": {} }))
                .contains("without `file_path`")
        );
        let other = hook("PreToolUse", "Bash", &json!({ "command": "ls a.py" }), &Value::Null);
        assert!(!other.changes_python());
        assert!(
            !hook("PreToolUse", "Write", &json!({ "file_path": "a.md", "content": "" }), &Value::Null).changes_python()
        );
    }

    #[test]
    fn edits_are_made_and_undone() {
        let edits = json!({ "file_path": "/w/a.py", "edits": [
            { "old_string": "1", "new_string": "2" }, { "old_string": "2", "new_string": "3", "replace_all": true }] });
        let Hook { write: Write::Edits { edits, .. }, .. } = hook("PreToolUse", "MultiEdit", &edits, &Value::Null)
        else {
            panic!("these are edits")
        };
        assert_eq!(edited(Some("x = 1\ny = 2\n"), &edits).unwrap(), "x = 3\ny = 3\n");
        assert!(edited(Some("x\n"), &edits).unwrap_err().contains("not there"));
        let one = [Edit { old_string: "1".into(), new_string: "2".into(), replace_all: false }];
        let now: TextNow<'_> = &|_| Ok(Some(Arc::from("x = 2\n")));
        let changes = after(Path::new("/w"), "/w/a.py".into(), None, Some(&one), now);
        assert_eq!(changes.files[0].before.as_deref(), Some("x = 1\n"));
        let told = after(Path::new("/w"), "/w/a.py".into(), Some("y\n".into()), Some(&one), now);
        assert_eq!(told.files[0].before.as_deref(), Some("y\n"));
    }

    #[test]
    fn answers_are_those_that_agents_expect() {
        let found = |path: &str| validate::Finding {
            stage: validate::Stage::Graph,
            code: "undefined-name".to_owned(),
            message: "`x` is not defined".to_owned(),
            path: path.to_owned(),
            line: 1,
        };
        let of = |path| Verdict { outcome: Outcome::Refused, findings: vec![found(path)], ..Verdict::malformed("x") };
        let (refused, elsewhere) = (of("a.py"), of("b.py"));
        let write = json!({ "file_path": "/w/a.py", "content": "" });
        let before = hook("PreToolUse", "Write", &write, &Value::Null);
        let answer = before.answer(&refused, Level::Block).unwrap();
        assert_eq!(answer["hookSpecificOutput"]["permissionDecision"], "deny");
        let told = before.answer(&refused, Level::Warn).unwrap();
        assert!(
            told["hookSpecificOutput"]["additionalContext"].is_string()
                && told["hookSpecificOutput"]["permissionDecision"].is_null()
        );
        let told = before.answer(&elsewhere, Level::Block).unwrap();
        assert!(told["hookSpecificOutput"]["permissionDecision"].is_null(), "{told}");
        let after = hook("PostToolUse", "Write", &write, &Value::Null);
        assert_eq!(after.answer(&elsewhere, Level::Block).unwrap()["decision"], "block");
        assert_eq!(after.answer(&refused, Level::Block).unwrap()["decision"], "block");
        let passed = Verdict { outcome: Outcome::Passed, ..Verdict::malformed("x") };
        assert_eq!(after.answer(&passed, Level::Block), None);
    }
}

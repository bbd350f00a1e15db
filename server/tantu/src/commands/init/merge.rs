//! How a piece of configuration gets into a file that is there already.

use super::ordered::Json;

/// What becomes of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Merged {
    /// It has all of it.
    Same,
    Text(String),
    /// It is left alone; with the reason.
    Not(&'static str),
}

/// The file is written only where there is none.
pub(super) fn whole(now: &str, text: &str) -> Merged {
    if now == text { Merged::Same } else { Merged::Not("it is there and says something else") }
}

/// JSON: members that are missing are added to objects, and objects to lists; nothing that is there changes.
pub(super) fn json(now: &str, text: &str) -> Merged {
    let Ok(before) = serde_json::from_str::<Json>(now) else {
        return Merged::Not("it is no JSON without comments");
    };
    // What is written here is well-formed.
    let Ok(piece) = serde_json::from_str::<Json>(text) else { return Merged::Not("this piece is no JSON") };
    let mut after = before.clone();
    if let Err(why) = add(&mut after, &piece) {
        return Merged::Not(why);
    }
    if after == before {
        return Merged::Same;
    }
    let mut merged = serde_json::to_string_pretty(&after).unwrap_or_default();
    merged.push('\n');
    Merged::Text(merged)
}

fn add(to: &mut Json, piece: &Json) -> Result<(), &'static str> {
    match (to, piece) {
        (Json::Object(to), Json::Object(piece)) => {
            piece.iter().try_for_each(|(name, value)| match to.iter_mut().find(|(known, _)| known == name) {
                Some((_, there)) => add(there, value),
                None => {
                    to.push((name.clone(), value.clone()));
                    Ok(())
                }
            })
        }
        (Json::Array(to), Json::Array(piece)) => {
            // An entry of ours, however somebody has changed it since, is there.
            let is_ours = |it: &Json| serde_json::to_string(it).is_ok_and(|it| it.contains("tantu "));
            // A list of words is one choice, such as the arguments of a program.
            for item in piece.iter().filter(|item| matches!(item, Json::Object(_))) {
                let is_there = to.contains(item) || is_ours(item) && to.iter().any(is_ours);
                if !is_there {
                    to.push(item.clone());
                }
            }
            Ok(())
        }
        // A person's own choice, such as another path to the program.
        (Json::Plain(_), Json::Plain(_)) => Ok(()),
        _ => Err("it has something of another kind in that place"),
    }
}

/// TOML: a table that is not there is put at the end.
pub(super) fn toml_table(now: &str, text: &str) -> Merged {
    let heading = text.lines().find(|line| line.starts_with('[')).unwrap_or_default();
    if now.lines().any(|line| line.trim() == heading) {
        return Merged::Same;
    }
    let parent = heading.trim_matches(['[', ']']).split('.').next().unwrap_or_default().to_owned();
    // Such as `mcp_servers = { … }`, to which no table can be added below.
    let is_inline =
        |line: &str| line.trim_start().strip_prefix(&parent).is_some_and(|rest| rest.trim_start().starts_with('='));
    if now.lines().any(is_inline) {
        return Merged::Not("it has that table in one line");
    }
    Merged::Text(format!("{}\n{text}", ended(now)))
}

/// The list `repos` of pre-commit: an entry is put at its end, if nothing else comes after it.
pub(super) fn pre_commit(now: &str, text: &str) -> Merged {
    if now.contains("tantu-gate") {
        return Merged::Same;
    }
    let entry = text.strip_prefix("repos:\n").unwrap_or(text);
    let mut lines = now.lines().skip_while(|line| line.trim_end() != "repos:").skip(1);
    let Some(first) = lines.find(|line| line.trim_start().starts_with("- ")) else {
        return Merged::Not("it has no list `repos:` with an entry in each line");
    };
    let indent = first.len() - first.trim_start().len();
    let is_inside = |line: &str| {
        let own = line.len() - line.trim_start().len();
        line.trim().is_empty()
            || line.trim_start().starts_with('#')
            || own > indent
            || own == indent && line.trim_start().starts_with("- ")
    };
    if !lines.all(is_inside) {
        return Merged::Not("something comes after `repos:`");
    }
    let entry: String = entry
        .lines()
        .map(|line| format!("{}{}\n", " ".repeat(indent), line.strip_prefix("  ").unwrap_or(line)))
        .collect();
    Merged::Text(format!("{}{entry}", ended(now)))
}

/// The text with an end of its last line.
fn ended(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(merged: Merged) -> String {
        match merged {
            Merged::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn json_gets_what_is_missing_and_keeps_its_order() {
        let piece = r#"{"mcpServers": {"tantu": {"command": "tantu", "args": ["mcp"]}}}"#;
        let now = r#"{"z": 1, "mcpServers": {"other": {"command": "x"}}, "a": 2}"#;
        let merged = text(json(now, piece));
        let names: Vec<usize> =
            ["\"z\"", "other", "tantu", "\"a\""].iter().map(|it| merged.find(it).unwrap()).collect();
        assert!(names.is_sorted(), "{merged}");
        assert_eq!(json(&merged, piece), Merged::Same);
        let own = merged.replace("\"command\": \"tantu\"", "\"command\": \"/opt/tantu\"");
        assert_eq!(json(&own, piece), Merged::Same);
        assert!(matches!(json("{ // mine\n}", piece), Merged::Not(_)));
        assert!(matches!(json(r#"{"mcpServers": []}"#, piece), Merged::Not(_)));
    }

    #[test]
    fn hooks_are_added_once() {
        let piece = r#"{"hooks": {"PostToolUse": [{"matcher": "Write", "hooks": [{"type": "command", "command": "tantu gate --hook"}]}]}}"#;
        let now = r#"{"hooks": {"PostToolUse": [{"matcher": "Bash", "hooks": []}]}}"#;
        let merged = text(json(now, piece));
        assert!(merged.contains("Bash") && merged.contains("tantu gate"), "{merged}");
        let changed = merged.replace("tantu gate --hook", "tantu gate --hook --level warn");
        assert_eq!(json(&changed, piece), Merged::Same);
    }

    #[test]
    fn toml_and_yaml_get_a_piece_at_their_end() {
        let piece = "[mcp_servers.tantu]\ncommand = \"tantu\"\n";
        assert_eq!(text(toml_table("model = \"x\"", piece)), format!("model = \"x\"\n\n{piece}"));
        assert_eq!(toml_table(piece, piece), Merged::Same);
        assert!(matches!(toml_table("mcp_servers = {}\n", piece), Merged::Not(_)));
        let piece = "repos:\n  - repo: local\n    hooks:\n      - id: tantu-gate\n";
        let now = "# mine\nrepos:\n- repo: https://x\n  hooks:\n  - id: y\n";
        assert_eq!(text(pre_commit(now, piece)), format!("{now}- repo: local\n  hooks:\n    - id: tantu-gate\n"));
        assert!(matches!(pre_commit(&format!("{now}ci:\n  x: 1\n"), piece), Merged::Not(_)));
        assert!(matches!(pre_commit("repos: []\n", piece), Merged::Not(_)));
    }
}

//! Reads `fixtures/proposals/*.md`.
//!
//! A file is one kind of answer; its first heading names it. Each `## ` begins a task: a list of what is asked for, and below
//! it, to the end of the section, what the model says, word for word.

use std::fs;
use std::path::Path;

/// Something asked of a model, and its recorded reply.
#[derive(Clone, Debug)]
pub struct Task {
    /// The heading of its file.
    pub kind: String,
    /// Its place among all.
    pub number: usize,
    pub title: String,
    pub assist: String,
    /// The name of a folder of `fixtures/workspaces`.
    pub workspace: String,
    pub file: String,
    /// A piece of the file's text with `$0` in it.
    pub place: String,
    pub instruction: Option<String>,
    /// The code of the finding that is to be fixed.
    pub fixes_code: Option<String>,
    pub expected: Expected,
    /// What is in the file, where it is not what is on disk.
    pub text: Option<String>,
    pub reply: String,
}

/// What has to come of a reply. Findings are written `stage/code`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The person is asked, and has no question to answer.
    Ready,
    /// The person is asked, and has to answer this question first.
    Questioned(String),
    /// The person is not asked, because of this finding among others.
    Caught(String),
    /// Nothing finds what is wrong, and the person is asked.
    Missed,
    /// The person is asked about the parts that have nothing to do with this finding.
    LeftOut(String),
}

/// Stand in for what looks so much like a secret that services refuse files with it.
const SECRETS: [(&str, &[&str]); 4] = [
    ("@STRIPE", &["sk", "_live_", "4eC39HqLyjWDarjtT1zdp7dcXyZ0"]),
    ("@GITHUB", &["gh", "p_", "q7Rk2VxZp9LmT4wYb8NcD3fGh6JsA1eKu5Xt"]),
    ("@PRIVATE", &["PRIVATE", " ", "KEY"]),
    ("@PASSWORD", &["v9", "Kq", "2xTz7LmR4w"]),
];

/// All recorded tasks.
pub fn tasks() -> Vec<Task> {
    let folder = tests::repository().join("fixtures/proposals");
    let files = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = files.map(|file| file.expect("it can be listed").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|it| it == "md") && !path.ends_with("README.md"));
    paths.sort();
    let mut tasks: Vec<Task> = paths.iter().flat_map(|path| read(path)).collect();
    tasks.iter_mut().enumerate().for_each(|(number, task)| task.number = number);
    tasks
}

fn read(path: &Path) -> Vec<Task> {
    let mut text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    for (name, pieces) in SECRETS {
        text = text.replace(name, &pieces.concat());
    }
    let mut sections = text.split("\n## ");
    let heading = sections.next().and_then(|head| head.lines().next()).unwrap_or_default();
    let kind = heading.strip_prefix("# ").unwrap_or_else(|| panic!("{}: no heading", path.display()));
    sections.map(|section| task(kind, section)).collect()
}

fn task(kind: &str, section: &str) -> Task {
    let (title, rest) = section.split_once("\n\n").unwrap_or((section, ""));
    let (list, reply) = rest.split_once("\n\n").unwrap_or((rest, ""));
    let get = |key: &str| {
        let line = list.lines().find_map(|line| line.strip_prefix("- ")?.strip_prefix(key)?.strip_prefix(": "));
        line.map(str::to_owned)
    };
    let need = |key: &str| get(key).unwrap_or_else(|| panic!("{kind}: {title}: no {key}"));
    let at = need("at");
    let (file, place) = at.split_once(' ').unwrap_or_else(|| panic!("{kind}: {title}: no place"));
    let expected = match need("expect").split_once(": ") {
        None if need("expect") == "missed" => Expected::Missed,
        None => Expected::Ready,
        Some(("caught", code)) => Expected::Caught(code.to_owned()),
        Some(("asked", code)) => Expected::Questioned(code.to_owned()),
        Some(("left out", code)) => Expected::LeftOut(code.to_owned()),
        Some((other, _)) => panic!("{kind}: {title}: {other} is not known"),
    };
    Task {
        kind: kind.to_owned(),
        number: 0,
        title: title.to_owned(),
        assist: need("assist"),
        workspace: get("workspace").unwrap_or_else(|| "ledger".to_owned()),
        file: file.to_owned(),
        place: place.trim_matches('`').to_owned(),
        instruction: get("instruction"),
        fixes_code: get("fixes"),
        expected,
        text: None,
        reply: reply.to_owned(),
    }
}

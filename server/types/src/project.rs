//! The user's own type checker in place of the one inside.
//!
//! It knows files on disk alone, so it runs in a folder of its own that looks like the workspace: links to what is there, and
//! copies of what is edited, unsaved or asked about. What it writes there goes with the folder.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::compare::{self, Found};
use crate::protocol::{Answer, Question, Severity, TypeError};

/// How long it may take, each for the texts with the change and without it.
const LIMIT: Duration = Duration::from_secs(120);
/// Bytes of output that are read.
const MOST_OUTPUT: u64 = 64 << 20;
/// Of the user's environment, what programs are found and their caches are kept by.
const INHERITED: [&str; 8] =
    ["HOME", "LANG", "PATH", "SYSTEMROOT", "TMPDIR", "USERPROFILE", "VIRTUAL_ENV", "XDG_CACHE_HOME"];
/// Folders that are of no use to a checker, or that it would write into.
const PASSED_OVER: [&str; 5] = [".git", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__"];

/// A checker as the user's settings name it.
pub struct Project {
    command: Vec<String>,
    kind: Kind,
    limit: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Mypy,
    Pyrefly,
    Pyright,
    Ty,
}

/// An error as a checker tells it: file, line and column from 1 on, rule, message and how grave it is.
type Told = (PathBuf, usize, usize, String, String, Severity);

impl Project {
    /// A program and its arguments, such as `/usr/bin/mypy --strict`.
    ///
    /// # Errors
    /// When it is none that is understood, or one that a workspace would choose; in words for people.
    pub fn new(command: &[String]) -> Result<Self, String> {
        let program = command.first().ok_or("`types-command` in [propose] names no program")?;
        if !Path::new(program).is_absolute() && program.contains(['/', '\\']) {
            return Err(format!(
                "`{program}` may be a workspace's: give an absolute path, or a name that is found by PATH"
            ));
        }
        let kind = command.iter().find_map(|word| match Path::new(word).file_stem()?.to_str()? {
            "mypy" => Some(Kind::Mypy),
            "pyrefly" => Some(Kind::Pyrefly),
            "pyright" | "basedpyright" => Some(Kind::Pyright),
            "ty" => Some(Kind::Ty),
            _ => None,
        });
        let kind = kind.ok_or_else(|| format!("`{program}` is neither ty nor pyright, mypy or pyrefly"))?;
        Ok(Project { command: command.to_vec(), kind, limit: LIMIT })
    }

    /// As [`crate::Worker::ask`], but all files are looked at, and what it calls an error is one.
    ///
    /// # Errors
    /// When nothing was looked at, in words for people.
    pub fn ask(&self, question: &Question) -> Result<Answer, String> {
        let edited: Vec<_> = question.edited.iter().map(|it| (&it.path, it.before.as_ref(), Some(&it.after))).collect();
        let after = self.look(question, &edited.iter().map(|(path, _, after)| (*path, *after)).collect::<Vec<_>>())?;
        let before = match after.is_empty() {
            true => Vec::new(),
            false => {
                self.look(question, &edited.iter().map(|(path, before, _)| (*path, *before)).collect::<Vec<_>>())?
            }
        };
        let paths = paths(question);
        let errors = compare::new(&before, after).into_iter().map(|it| TypeError {
            path: paths[it.file].clone(),
            range: it.range,
            rule: it.rule,
            message: it.message,
            severity: it.severity,
        });
        Ok(Answer { errors: errors.collect(), looked_at: paths.len() as u32, ..Answer::default() })
    }

    /// What is wrong with the files of the question where the edited ones have these texts.
    fn look(&self, question: &Question, edited: &[(&PathBuf, Option<&String>)]) -> Result<Vec<Found>, String> {
        // Not hidden, as they are by default: some checkers look at nothing in a hidden folder, and find nothing.
        let folder = tempfile::Builder::new()
            .prefix("tantu-types-")
            .tempdir()
            .map_err(|error| format!("no folder can be made: {error}"))?;
        // Checkers name files by what links lead to.
        let place = folder.path().canonicalize().map_err(|error| error.to_string())?;
        let mut texts: BTreeMap<PathBuf, Option<String>> = BTreeMap::new();
        for user in &question.users {
            texts.insert(
                user.clone(),
                disk::read_bytes(user, crate::files::MAX_FILE).ok().and_then(|it| String::from_utf8(it).ok()),
            );
        }
        texts.extend(question.unsaved.iter().map(|(path, text)| (path.clone(), Some(text.clone()))));
        texts.extend(edited.iter().map(|(path, text)| ((*path).clone(), text.cloned())));
        let inside = |path: &Path| path.strip_prefix(&question.root).ok().map(Path::to_path_buf);
        let overlay = texts.iter().filter_map(|(path, text)| Some((inside(path)?, text.as_deref()))).collect();
        mirror(&question.root, &place, &overlay)
            .map_err(|error| format!("the workspace cannot be laid out: {error}"))?;
        let paths = paths(question);
        let names: Vec<PathBuf> =
            paths.iter().filter(|path| texts[**path].is_some()).filter_map(|path| inside(path)).collect();
        let output = self.run(&place, &names)?;
        let told = read(self.kind, &output).ok_or("what the type checker says is not understood")?;
        let found = told.into_iter().filter_map(|(path, line, column, rule, message, severity)| {
            let path = question.root.join(path.strip_prefix(&place).unwrap_or(&path));
            let file = paths.iter().position(|known| **known == path)?;
            let text = texts[paths[file]].as_deref()?;
            let (start, line_text) = line_of(text, line)?;
            let from = line_text.char_indices().nth(column.saturating_sub(1)).map_or(0, |(at, _)| at);
            Some(Found {
                file,
                range: ((start + from) as u32, (start + line_text.trim_end().len().max(from)) as u32),
                rule,
                message,
                severity,
                text: line_text.split_whitespace().collect::<Vec<_>>().join(" "),
                definition: definition_around(text, line).to_owned(),
            })
        });
        Ok(found.collect())
    }

    fn run(&self, place: &Path, names: &[PathBuf]) -> Result<String, String> {
        let format: &[&str] = match self.kind {
            Kind::Mypy => &["--output=json"],
            Kind::Pyrefly => &["--output-format=json", "--summary=none"],
            Kind::Pyright => &["--outputjson"],
            Kind::Ty => &["--output-format=concise"],
        };
        let program = &self.command[0];
        let mut command = Command::new(program);
        command.args(&self.command[1..]).args(format).args(names).current_dir(place).env_clear();
        command.envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|error| format!("`{program}` cannot be started: {error}"))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let listen = |pipe: Box<dyn Read + Send>| {
            thread::spawn(move || {
                let mut text = Vec::new();
                // What breaks off is looked at as far as it goes; what is too much is understood by nobody.
                let _ = pipe.take(MOST_OUTPUT).read_to_end(&mut text);
                String::from_utf8_lossy(&text).into_owned()
            })
        };
        let output = stdout.map(|it| listen(Box::new(it)));
        let words = stderr.map(|it| listen(Box::new(it)));
        let begin = Instant::now();
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if begin.elapsed() < self.limit => thread::sleep(Duration::from_millis(10)),
                other => {
                    #[cfg(unix)]
                    if let Some(group) = rustix::process::Pid::from_raw(child.id() as i32) {
                        // What it has started goes with it.
                        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
                    }
                    let _ = child.kill();
                    let _ = child.wait();
                    let why = format!("`{program}` took longer than {} s", self.limit.as_secs_f32());
                    return Err(other.err().map_or(why, |error| error.to_string()));
                }
            }
        };
        let text =
            |thread: Option<thread::JoinHandle<String>>| thread.and_then(|it| it.join().ok()).unwrap_or_default();
        let (output, words) = (text(output), text(words));
        match status.code() {
            Some(0 | 1) => Ok(output),
            _ => Err(format!("`{program}` failed ({status}): {}", words.trim().lines().last().unwrap_or_default())),
        }
    }
}

fn paths(question: &Question) -> Vec<&PathBuf> {
    question.edited.iter().map(|it| &it.path).chain(&question.users).collect()
}

/// Makes `to` look like `from`, with these texts in it; `None` where there is to be no file.
fn mirror(from: &Path, to: &Path, overlay: &BTreeMap<PathBuf, Option<&str>>) -> std::io::Result<()> {
    let mut inner: BTreeMap<PathBuf, BTreeMap<PathBuf, Option<&str>>> = BTreeMap::new();
    for (path, text) in overlay {
        let mut parts = path.components();
        let Some(first) = parts.next() else { continue };
        inner.entry(PathBuf::from(first.as_os_str())).or_default().insert(parts.as_path().to_path_buf(), *text);
    }
    // A new folder has nothing yet.
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !inner.contains_key(Path::new(&name)) && !PASSED_OVER.iter().any(|it| name == *it) {
            link(&entry.path(), &to.join(&name))?;
        }
    }
    for (name, below) in inner {
        match below.get(Path::new("")) {
            Some(Some(text)) => std::fs::write(to.join(&name), text)?,
            Some(None) => {}
            None => {
                std::fs::create_dir(to.join(&name))?;
                mirror(&from.join(&name), &to.join(&name), &below)?;
            }
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> std::io::Result<()> {
    Err(std::io::Error::other("without links, as on this system, only the checker inside can be used"))
}

/// What a checker says; `None` if it is not understood.
fn read(kind: Kind, output: &str) -> Option<Vec<Told>> {
    let word = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let number = |value: &Value| value.as_u64().unwrap_or_default() as usize;
    let told = |value: &Value, [path, rule, message]: [&str; 3], [line, column]: [usize; 2]| {
        let severity = match value["severity"].as_str() {
            Some("error") | None => Severity::Error,
            Some("warning" | "warn") => Severity::Warning,
            Some(_) => return None,
        };
        Some((PathBuf::from(word(value, path)), line, column, word(value, rule), word(value, message), severity))
    };
    match kind {
        Kind::Mypy => {
            let lines = output.lines().filter(|line| line.starts_with('{'));
            let values: Vec<Value> = lines.map(|line| serde_json::from_str(line).ok()).collect::<Option<_>>()?;
            let of =
                |it: &Value| told(it, ["file", "code", "message"], [number(&it["line"]), number(&it["column"]) + 1]);
            Some(values.iter().filter_map(of).collect())
        }
        Kind::Pyrefly => {
            let value: Value = serde_json::from_str(output).ok()?;
            let of =
                |it: &Value| told(it, ["path", "name", "description"], [number(&it["line"]), number(&it["column"])]);
            Some(value["errors"].as_array()?.iter().filter_map(of).collect())
        }
        Kind::Pyright => {
            let value: Value = serde_json::from_str(output).ok()?;
            let of = |it: &Value| {
                let start = &it["range"]["start"];
                told(it, ["file", "rule", "message"], [number(&start["line"]) + 1, number(&start["character"]) + 1])
            };
            Some(value["generalDiagnostics"].as_array()?.iter().filter_map(of).collect())
        }
        Kind::Ty => Some(output.lines().filter_map(concise).collect()),
    }
}

/// `path:line:column: error[rule] message`
fn concise(line: &str) -> Option<Told> {
    let (place, rest) = line.split_once(": ")?;
    let mut parts = place.rsplitn(3, ':');
    let (column, row, path) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
    let (head, message) = rest.split_once("] ")?;
    let (severity, rule) = head.split_once('[')?;
    let severity = match severity {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        _ => return None,
    };
    Some((PathBuf::from(path), row, column, rule.to_owned(), message.to_owned(), severity))
}

/// Where the line with a number from 1 on begins, and its text.
fn line_of(text: &str, number: usize) -> Option<(usize, &str)> {
    let mut start = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if index + 1 == number {
            return Some((start, line));
        }
        start += line.len();
    }
    None
}

/// The line that begins the innermost definition around a line, as far as indentation tells.
fn definition_around(text: &str, number: usize) -> &str {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<&str> = text.lines().take(number).collect();
    let Some(own) = lines.last().map(|line| depth(line)) else { return "" };
    let is_definition = |line: &&&str| {
        depth(line) < own && ["def ", "async def ", "class "].iter().any(|word| line.trim_start().starts_with(word))
    };
    lines.iter().rev().skip(1).find(is_definition).map_or("", |line| line.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Edited;

    #[test]
    fn what_checkers_say_is_read() {
        let one = |kind, output: &str| {
            let told = read(kind, output).unwrap();
            let [(path, line, column, rule, message, severity)] = &*told else { panic!("{told:?}") };
            format!("{}:{line}:{column} {rule} {message} {severity:?}", path.display())
        };
        let mypy = r#"{"file": "pkg/a.py", "line": 2, "column": 11, "message": "Bad", "hint": null, "code": "return-value", "severity": "error"}
{"file": "pkg/a.py", "line": 3, "column": 0, "message": "See", "hint": null, "code": null, "severity": "note"}"#;
        assert_eq!(one(Kind::Mypy, mypy), "pkg/a.py:2:12 return-value Bad Error");
        let pyright = r#"{"generalDiagnostics": [{"file": "/m/a.py", "severity": "warning", "message": "Bad", "rule": "reportX", "range": {"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 9}}}]}"#;
        assert_eq!(one(Kind::Pyright, pyright), "/m/a.py:2:5 reportX Bad Warning");
        let pyrefly = r#"{"errors": [{"line": 2, "column": 5, "stop_line": 2, "stop_column": 9, "path": "a.py", "code": -2, "name": "bad-return", "description": "Bad", "severity": "error"}]}"#;
        assert_eq!(one(Kind::Pyrefly, pyrefly), "a.py:2:5 bad-return Bad Error");
        let ty = "a.py:2:12: error[invalid-return-type] Bad: `x`\nFound 1 diagnostic\n";
        assert_eq!(one(Kind::Ty, ty), "a.py:2:12 invalid-return-type Bad: `x` Error");
        assert_eq!(read(Kind::Pyright, "nonsense"), None);
    }

    #[test]
    fn only_known_checkers_are_run_and_none_of_a_workspace() {
        let of =
            |words: &[&str]| Project::new(&words.iter().map(ToString::to_string).collect::<Vec<_>>()).map(|it| it.kind);
        assert_eq!(of(&["/opt/venv/bin/mypy", "--strict"]), Ok(Kind::Mypy));
        assert_eq!(of(&["uv", "run", "--no-project", "pyright"]), Ok(Kind::Pyright));
        for refused in [&[][..], &["rm", "-r"], &[".venv/bin/mypy"], &["../mypy"]] {
            assert!(of(refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn a_definition_is_found_by_indentation() {
        let text = "class A:\n    def f(self):\n        x = 1\n\n        y = 2\nz = 3\n";
        assert_eq!(
            [3, 5, 2, 6].map(|line| definition_around(text, line)),
            ["def f(self):", "def f(self):", "class A:", ""]
        );
    }

    /// A checker that finds fault with every line that says `bad`, as mypy would.
    #[cfg(unix)]
    const GREP: &str = r#"#!/bin/sh
case "$*" in *slow*) sleep 1000;; esac
for file in "$@"; do case $file in *crash.py) echo "out of luck" >&2; exit 2;; -*) ;; *)
  grep -n bad "$file" /dev/null | sed 's/^\([^:]*\):\([0-9]*\):.*/{"file": "\1", "line": \2, "column": 0, "message": "Bad", "code": "bad", "severity": "error"}/'
;; esac; done
exit 1
"#;

    #[cfg(unix)]
    /// A file, and the range of an error in it.
    type Place = (PathBuf, (u32, u32));

    fn ask(path: &str, before: &str, after: &str, limit: Duration) -> Result<Vec<Place>, String> {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("w");
        for (path, text) in
            [("pkg/a.py", before), ("pkg/b.py", "import a\nbad\n"), ("other/c.py", "bad\n"), (".git/x", "")]
        {
            std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            std::fs::write(root.join(path), text).unwrap();
        }
        let program = folder.path().join("mypy");
        std::fs::write(&program, GREP).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let edited = Edited {
            before: (path == "pkg/a.py").then(|| before.to_owned()),
            after: after.to_owned(),
            path: root.join(path),
        };
        let question = Question {
            users: vec![root.join("pkg/b.py"), root.join("other/c.py")],
            unsaved: vec![(root.join("other/c.py"), "bad\nbad\n".to_owned())],
            edited: vec![edited],
            root: root.clone(),
            ..Question::default()
        };
        let checker = Project { limit, ..Project::new(&[program.to_str().unwrap().to_owned()]).unwrap() };
        let answer = checker.ask(&question);
        assert_eq!(std::fs::read_to_string(root.join("pkg/a.py")).unwrap(), before, "nothing is written");
        answer.map(|it| {
            it.errors.into_iter().map(|it| (it.path.strip_prefix(&root).unwrap().to_owned(), it.range)).collect()
        })
    }

    #[test]
    #[cfg(unix)]
    fn what_is_new_is_told_of_the_texts_that_are_not_on_disk() {
        let found = ask("pkg/a.py", "x\nbad\n", "bad\nx\n  bad too\n", LIMIT).unwrap();
        assert_eq!(found, [("pkg/a.py".into(), (6, 15))]);
        assert_eq!(ask("new/folder/n.py", "x\n", "bad new\n", LIMIT).unwrap(), [("new/folder/n.py".into(), (0, 7))]);
    }

    #[test]
    #[cfg(unix)]
    fn a_checker_that_fails_or_does_not_end_has_looked_at_nothing() {
        let error = ask("pkg/crash.py", "x\n", "x\n", LIMIT).unwrap_err();
        assert!(error.contains("failed") && error.contains("out of luck"), "{error}");
        let error = ask("pkg/slow.py", "x\n", "x\n", Duration::from_millis(300)).unwrap_err();
        assert!(error.contains("took longer"), "{error}");
    }
}

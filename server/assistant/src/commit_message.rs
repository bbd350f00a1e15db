//! The message for what is staged in git, which is asked only when somebody wants one.

use std::path::Path;
use std::sync::Arc;

use assists::commit_message;
use graph::{AnalysisHost, Change};
use ide::Earlier;
use model::Prompt;
use tokio::task::spawn_blocking;

use crate::client::{ModelClient, Question, Say, Spent};

/// How often a model may answer with something else than a message.
const ATTEMPTS: usize = 3;

/// Earlier commits of which the first line is shown.
const SUBJECTS: usize = 10;

/// What is staged.
#[derive(Debug)]
pub struct Staged {
    diff: String,
    /// Python files that differ, with their texts in the last commit.
    before: Vec<Earlier>,
    /// The same with their staged texts.
    now: Vec<Earlier>,
    subjects: Vec<String>,
}

/// A message for what is staged.
pub struct Message {
    pub text: String,
    /// What is wrong with it, after all attempts.
    pub problems: Vec<String>,
    pub model: String,
    pub spent: Spent,
}

/// What is staged in the repository around `folder`. The changes of files that `admits` refuses are left out, but for their
/// names.
///
/// # Errors
/// When there is no repository, it cannot be read, or nothing is staged; the message is for the user.
pub fn staged(folder: &Path, admits: impl Fn(&Path) -> bool) -> anyhow::Result<Staged> {
    let (files, subjects, root) = repository::read(folder, |repository| {
        Ok((repository.staged()?, repository.subjects(SUBJECTS), repository.root().to_owned()))
    })?;
    anyhow::ensure!(!files.is_empty(), "nothing is staged in {}; `git add` stages changes", root.display());
    let (shown, kept): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| admits(&file.path));
    let mut diff: String = shown.iter().map(repository::Staged::diff).collect();
    for file in kept {
        diff.push_str(&format!("changed, and not shown here: {}\n", file.name));
    }
    let python: Vec<_> = shown.into_iter().filter(|file| graph::is_python(&file.path)).collect();
    let text = |content: &Option<Vec<u8>>| -> Option<Arc<str>> { syntax::decode(content.clone()?).ok().map(Arc::from) };
    let before = python.iter().map(|file| (file.path.clone(), text(&file.before))).collect();
    let now = python.iter().map(|file| (file.path.clone(), text(&file.now))).collect();
    Ok(Staged { before, now, diff, subjects })
}

/// Has a model write the message for `staged`. `host` is the workspace, whose files on disk may be newer.
///
/// # Errors
/// When nobody answers; the message is for the user. A message that does not pass the checks is none.
pub async fn write(
    client: &ModelClient,
    staged: Staged,
    mut host: AnalysisHost,
    say: Say<'_>,
) -> Result<Message, String> {
    say("looking at what is staged".to_owned());
    let prepared = spawn_blocking(move || {
        let mut change = Change::default();
        for (path, text) in staged.now {
            match text {
                Some(text) => change.set(path, text),
                None => change.remove(path),
            }
        }
        host.apply(change);
        let facts = commit_message::facts(&host.analysis(), &staged.before);
        commit_message::ask(&staged.diff, &facts, &staged.subjects)
    });
    let asked = prepared.await.map_err(|error| error.to_string())?;
    let mut spent = Spent::default();
    let mut last: Option<Message> = None;
    for _ in 0..ATTEMPTS {
        let again = last.as_ref().map_or_else(String::new, again);
        let prompt = Prompt { system: asked.system.clone(), user: format!("{}{again}", asked.user) };
        let question = Question { purpose: commit_message::NAME, callers: 0, passed_over: 0, prompt, form: None };
        let answer = client.consult(question, say, |_| {}).await?;
        spent += answer.spent;
        let text = commit_message::message(&answer.text);
        let mut problems = commit_message::problems(&text, &asked.user);
        if !answer.complete {
            problems.push("it is cut off; a shorter one is needed".to_owned());
        }
        let is_good = problems.is_empty();
        if !is_good {
            answer.forget();
        }
        last = Some(Message { text, problems, model: answer.model, spent });
        if is_good {
            break;
        }
    }
    last.ok_or_else(|| "nobody was asked".to_owned())
}

/// What a second attempt is told.
fn again(last: &Message) -> String {
    let problems: String = last.problems.iter().map(|problem| format!("- {problem}\n")).collect();
    let fence = assists::Fence::around([last.text.as_str(), &problems].into_iter());
    let (answer, wrong) =
        (fence.quote("Your last answer", &last.text), fence.quote("What is wrong with it", &problems));
    format!("\n{answer}\n{wrong}\n{}\nAnswer again without these problems.\n", fence.rule())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_staged_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let error = |admits: bool| staged(&root, |_| admits).unwrap_err().to_string();
        assert!(error(true).contains("in no repository of git"), "{}", error(true));
        let git = |arguments: &[&str]| {
            let author = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-C"];
            let status = std::process::Command::new("git").args(author).arg(&root).args(arguments).status().unwrap();
            assert!(status.success());
        };
        git(&["init", "--quiet"]);
        assert!(error(true).contains("nothing is staged"), "{}", error(true));
        let write = |name: &str, text: &str| std::fs::write(root.join(name), text).unwrap();
        write("a.py", "x = 1\n");
        write(".env", "KEY=1\n");
        git(&["add", "--all"]);
        write("a.py", "x = 2\n");
        let admits = |path: &Path| !path.ends_with(".env");
        let first = staged(&root, admits).unwrap();
        assert!(first.diff.contains("+x = 1") && first.diff.ends_with("not shown here: .env\n"), "{}", first.diff);
        assert!(!first.diff.contains("KEY") && first.subjects.is_empty());
        assert_eq!(first.before, [(root.join("a.py"), None)]);
        assert_eq!(first.now, [(root.join("a.py"), Some(Arc::from("x = 1\n")))]);
        git(&["commit", "--quiet", "--message", "first"]);
        git(&["rm", "--quiet", "--force", "a.py"]);
        let second = staged(&root, admits).unwrap();
        assert_eq!(second.subjects, ["first"]);
        assert_eq!((second.before[0].1.as_deref(), second.now[0].1.as_deref()), (Some("x = 1\n"), None));
    }
}

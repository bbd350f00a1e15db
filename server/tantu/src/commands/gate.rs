//! `tantu gate`

mod hook;

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ::gate::{Behaviour, Changes, Checkers, Level, MAX_PATCH_BYTES, Options, Outcome, State, Verdict, judge};
use ::workspace::lints::Lints;
use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};

use self::hook::Hook;
use crate::Status;
use crate::output::{Format, note, print, print_exactly, print_json, spinner, warn};
use crate::sandboxed::worker;
use crate::type_checker::type_checker;
use crate::workspace::{Workspace, root_of};

#[derive(Args)]
#[group(id = "what", multiple = false)]
pub(crate) struct What {
    /// Judge what is staged in git
    #[arg(long)]
    staged: bool,
    /// Judge what is on disk beside this revision of git, such as HEAD or main
    #[arg(long, value_name = "REV")]
    since: Option<String>,
    /// Judge what an agent is about to write or has written: read the JSON of its hook (Claude Code, Codex) from standard input,
    /// answer as it expects, and end with 0
    #[arg(long)]
    hook: bool,
}

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    what: What,
    /// What becomes of a change that is refused
    #[arg(long, value_enum, default_value_t = Consequence::Block)]
    level: Consequence,
    /// Stop after so many seconds and say what is not finished; the default is 60, and 20 in a hook
    #[arg(long, value_name = "SECONDS")]
    limit: Option<f32>,
    /// Run no tests
    #[arg(long)]
    no_tests: bool,
    /// What the change is for: code that does what these words speak of, such as using the network, is no surprise
    #[arg(long, value_name = "TEXT")]
    asked: Option<String>,
    /// Functions are to answer as before: they are run beside what they were, on generated inputs, and other answers refused
    #[arg(long)]
    refactoring: bool,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Consequence {
    /// It is told; the exit status is 0
    Warn,
    /// It is told; the exit status is 1, and an agent is kept from writing
    Block,
}

impl From<Consequence> for Level {
    fn from(level: Consequence) -> Level {
        match level {
            Consequence::Warn => Level::Warn,
            Consequence::Block => Level::Block,
        }
    }
}

/// How long a change may be looked at.
const LIMIT: Duration = Duration::from_secs(60);

/// The same while an agent waits: most of them give a hook a minute.
const HOOK_LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let limit = match arguments.limit {
        Some(seconds) => Duration::try_from_secs_f32(seconds).context("--limit takes seconds, such as 30 or 2.5")?,
        None if arguments.what.hook => HOOK_LIMIT,
        None => LIMIT,
    };
    let behaviour = if arguments.refactoring { Behaviour::Preserve } else { Behaviour::Unknown };
    let asked = arguments.asked.clone().unwrap_or_default();
    let options = Options { tests: !arguments.no_tests, behaviour, limit, asked };
    if arguments.what.hook {
        return of_hook(&options, arguments.level);
    }
    let input = if arguments.what.staged || arguments.what.since.is_some() { None } else { Some(patch()?) };
    let workspace = Workspace::read(&root_of(Path::new("."))?)?;
    let verdict = match (&input, &arguments.what.since) {
        (Some(patch), _) => match ::gate::parse(patch) {
            Ok(files) => {
                let changes = Changes::of_patch(&files, &folders(&workspace.root), &text_now(&workspace));
                verdict(&workspace, changes, &options)?
            }
            Err(malformed) => Verdict::malformed(&malformed.to_string()),
        },
        (None, Some(revision)) => verdict(&workspace, Changes::since(&workspace.root, revision, &[])?, &options)?,
        (None, None) => verdict(&workspace, Changes::staged(&workspace.root)?, &options)?,
    };
    match arguments.format {
        Format::Json => print_json(&verdict)?,
        Format::Human => print(verdict.text())?,
    }
    Ok(status(&verdict, arguments.level.into()))
}

/// How the command ends with this verdict.
fn status(verdict: &Verdict, level: Level) -> Status {
    match (verdict.outcome, level) {
        (Outcome::Passed | Outcome::Asked, _) | (Outcome::Refused | Outcome::NotFinished, Level::Warn) => Status::Fine,
        (Outcome::Refused, Level::Block) => Status::Findings,
        (Outcome::NotFinished, Level::Block) | (Outcome::Unusable, _) => Status::Failure,
    }
}

/// The patch on standard input.
fn patch() -> anyhow::Result<String> {
    let stdin = std::io::stdin();
    ensure!(
        !stdin.is_terminal(),
        "there is no patch on standard input: `git diff | tantu gate`, or say what to judge with --staged, --since REV or --hook"
    );
    let mut bytes = Vec::new();
    // One more than what is read, so that what is longer is seen to be.
    stdin.lock().take(MAX_PATCH_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    // Lines of a file that is no UTF-8 are only compared: what stands for them is in no file, and the patch does not apply.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The folders that the names in a patch may be relative to: the workspace's, and the repository's, from which git names files.
pub(crate) fn folders(root: &Path) -> Vec<PathBuf> {
    let repository = root.ancestors().skip(1).find(|folder| folder.join(".git").exists());
    let has_own = root.join(".git").exists();
    std::iter::once(root).chain(repository.filter(|_| !has_own)).map(Path::to_path_buf).collect()
}

/// The texts of files as the workspace has them, and of those that it does not know as they are on disk.
pub(crate) fn text_now(workspace: &Workspace) -> impl Fn(&Path) -> Result<Option<Arc<str>>, String> {
    let analysis = workspace.analysis.clone();
    move |path| match analysis.file(path) {
        Some(file) => Ok(Some(analysis.source(file).text().clone())),
        None if path.is_file() => {
            syntax::read_source(path).map(|text| Some(Arc::from(text))).map_err(|error| error.to_string())
        }
        None => Ok(None),
    }
}

/// The workspace as the gate takes it.
pub(crate) fn checked_state(workspace: &Workspace) -> State {
    let settings = workspace.settings();
    State {
        root: workspace.root.clone(),
        host: workspace.host.clone(),
        unsaved: Vec::new(),
        lints: Arc::new(Lints::new(settings.ruff, std::slice::from_ref(&workspace.root))),
        project: settings.project.clone(),
    }
}

/// Judges `changes` of the workspace, with a sign of life on a terminal.
///
/// # Errors
/// When what checks cannot be started.
pub(crate) fn verdict(workspace: &Workspace, changes: Changes, options: &Options) -> anyhow::Result<Verdict> {
    let state = checked_state(workspace);
    let checkers = Checkers { runner: Arc::new(worker()?), types: Arc::new(type_checker()?) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let bar = spinner("checking");
    let verdict = runtime.block_on(judge(state, changes, &checkers, options, &|what| note(&bar, &what)));
    bar.finish_and_clear();
    // A check that is not finished is not waited for.
    runtime.shutdown_background();
    Ok(verdict)
}

fn of_hook(options: &Options, level: Consequence) -> anyhow::Result<Status> {
    let mut input = Vec::new();
    std::io::stdin().lock().take(MAX_PATCH_BYTES as u64 + 1).read_to_end(&mut input)?;
    // An agent must not be kept from working by what has nothing to do with it: what cannot be read is told, and lets pass.
    let hook = match Hook::read(&input) {
        Ok(hook) => hook,
        Err(reason) => {
            warn(format!("tantu: the hook's input was not judged: {reason}"));
            return Ok(Status::Fine);
        }
    };
    let judged = match hook.changes_python() {
        true => judged(&hook, options),
        false => return Ok(Status::Fine),
    };
    match judged {
        Ok(verdict) => {
            if let Some(answer) = hook.answer(&verdict, level.into()) {
                print_exactly(&format!("{answer}\n"))?;
            }
        }
        Err(error) => warn(format!("tantu: not judged: {error:#}")),
    }
    Ok(Status::Fine)
}

fn judged(hook: &Hook, options: &Options) -> anyhow::Result<Verdict> {
    let workspace = Workspace::read(&root_of(hook.folder())?)?;
    let changes = hook.changes(&workspace.root, &folders(&workspace.root), &text_now(&workspace));
    verdict(&workspace, changes, options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_decide_what_becomes_of_a_verdict() {
        let of = |outcome, level| {
            let verdict = Verdict { outcome, ..Verdict::malformed("x") };
            match status(&verdict, level) {
                Status::Fine => 0,
                Status::Findings => 1,
                Status::Failure => 2,
            }
        };
        let outcomes = [Outcome::Passed, Outcome::Asked, Outcome::Refused, Outcome::NotFinished, Outcome::Unusable];
        assert_eq!(outcomes.map(|it| of(it, Level::Block)), [0, 0, 1, 2, 2]);
        assert_eq!(outcomes.map(|it| of(it, Level::Warn)), [0, 0, 0, 0, 2]);
    }

    #[test]
    fn names_may_be_relative_to_the_repository() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("deep/inside")).unwrap();
        std::fs::create_dir(root.join(".git")).unwrap();
        let inside = root.join("deep/inside");
        assert_eq!(folders(&inside), [inside.clone(), root.clone()]);
        assert_eq!(folders(&root), std::slice::from_ref(&root));
    }
}

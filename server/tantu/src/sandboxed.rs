//! Running code in the sandbox for a command, and what its packages are.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use graph::{Analysis, FileId};
use ide::Needs;
use lint::{Availability, Environment};
use model::config::Confined;
use runs::confined::Both;
use sandbox::{Event, Outcome, Request, Runner, Worker};

/// A sandbox worker, which is this program again.
///
/// # Errors
/// When this program's own file cannot be found.
pub(crate) fn worker() -> anyhow::Result<Worker> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    Ok(Worker::new(program, ["sandbox-worker"]))
}

/// A worker that runs in the project's own interpreter, confined.
///
/// # Errors
/// When this program's own file cannot be found.
pub(crate) fn confined_worker() -> anyhow::Result<Worker> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    Ok(Worker::new(program, [confined::WORKER]))
}

/// Whether the user's own settings let `what` run confined. Settings that make no sense allow nothing; `tantu doctor` says what is
/// wrong.
pub(crate) fn may_run_confined(what: Confined) -> bool {
    let settings = model::config::default_path().and_then(|path| model::config::load(&path).ok());
    settings.is_some_and(|settings| settings.sandbox.confines(what))
}

/// What checks proposals: a sandbox, and the project's own interpreter where the user's settings let that run them.
///
/// # Errors
/// When this program's own file cannot be found.
pub(crate) fn runner_of_proposals() -> anyhow::Result<Arc<dyn Runner>> {
    let is_allowed = || may_run_confined(Confined::Proposals);
    Ok(Arc::new(Both::new(Arc::new(worker()?), Arc::new(confined_worker()?), is_allowed)))
}

/// Runs one request in a worker of its own.
///
/// # Errors
/// When the sandbox does not work; what the code does is no error.
pub(crate) fn perform(request: Request, on_event: &(dyn Fn(Event) + Send + Sync)) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(worker()?.run(request, on_event))?)
}

/// The environment of the folder `root`, as its settings or the shell choose it.
pub(crate) fn environment(root: &Path) -> Environment {
    Environment::find(root, None)
}

/// What `files` import from the environment.
pub(crate) fn needs(analysis: &Analysis, environment: &Environment, files: &[FileId]) -> Needs {
    ide::needs(analysis, files, |package| environment.availability(package))
}

/// Where packages are looked for, when some are missing because there is no such place.
pub(crate) fn remedy(environment: &Environment, needs: &Needs) -> Option<&'static str> {
    let is_missing = needs.obstacles.iter().any(|it| it.reason == Availability::NotInstalled);
    (is_missing && environment.folder.is_none()).then_some(
        "no Python environment was found: activate one, make .venv, or name one in pyproject.toml ([tool.tantu] python = PATH)",
    )
}

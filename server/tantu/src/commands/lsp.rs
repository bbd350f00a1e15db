//! `tantu lsp`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::lsp::{Agents, SandboxState, Services};
#[cfg(unix)]
use ::mcp::Listening;
use ::mcp::{Source, Toolbox};
use ::workspace::persistence::default_directory;
use clap::Args;
use serde_json::Value;

use crate::Status;
use crate::sandboxed::{confined_worker, worker};
use crate::type_checker::type_checker;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Accepted because many editors pass it; there is no other way to talk
    #[arg(long)]
    stdio: bool,
    /// Write what each request took to FILE, one line for each: its stages, then how long it was worked on (`time.busy`) and waited for
    /// other threads (`time.idle`)
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
}

pub(crate) fn run(_: &Arguments) -> anyhow::Result<Status> {
    let orderly = ::lsp::serve_stdio(Services {
        runner: Arc::new(worker()?),
        confined: if cfg!(target_os = "linux") { Some(Arc::new(confined_worker()?)) } else { None },
        types: Arc::new(type_checker()?),
        settings: model::config::default_path(),
        cache: default_directory(),
        sandbox,
        agents: Some(agents()?),
    })?;
    // The protocol wants 1 from a server that was not told to shut down before.
    Ok(if orderly { Status::Fine } else { Status::Findings })
}

/// Opens a socket for each workspace folder, by which `tantu mcp` asks this server. Without one, agents have a graph of their own.
fn agents() -> anyhow::Result<Agents> {
    let services = super::mcp::services()?;
    Ok(Arc::new(move |mailbox, roots| {
        let opened: Vec<_> = roots
            .iter()
            .filter_map(|root| {
                // As `tantu mcp` names it.
                let root = root.canonicalize().ok()?;
                let toolbox = Toolbox::new(root.clone(), Source::new(mailbox.clone()), services.clone(), true);
                open(&root, Arc::new(toolbox))
            })
            .collect();
        Box::new(opened)
    }))
}

#[cfg(unix)]
fn open(root: &Path, toolbox: Arc<Toolbox>) -> Option<Listening> {
    let opened = ::mcp::listen(root, toolbox);
    opened.inspect_err(|error| tracing::warn!("agents cannot ask this server: {error}")).ok()
}

#[cfg(not(unix))]
fn open(_: &Path, _: Arc<Toolbox>) -> Option<()> {
    None
}

/// Asks another process, for whoever looks reads a hundred megabytes, and this one is to stay small.
fn sandbox() -> SandboxState {
    let asked = std::env::current_exe().and_then(|program| {
        let arguments = ["sandbox", "status", "--format", "json"];
        std::process::Command::new(program).args(arguments).stdin(std::process::Stdio::null()).output()
    });
    let answer = asked.map_err(|error| error.to_string()).and_then(|output| {
        serde_json::from_slice::<Value>(&output.stdout)
            .map_err(|_| String::from_utf8_lossy(&output.stderr).trim().to_owned())
    });
    match answer {
        Ok(status) if status["prepared"].is_string() => SandboxState::Prepared,
        Ok(status) => match status["problem"].as_str() {
            Some(problem) => SandboxState::Unavailable(problem.to_owned()),
            None => SandboxState::Unprepared,
        },
        Err(reason) => SandboxState::Unavailable(reason),
    }
}

//! `tantu lsp`

use std::sync::Arc;

use ::lsp::Services;
use ::lsp::persistence::default_directory;
use clap::Args;

use crate::Status;
use crate::sandboxed::worker;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Accepted because many editors pass it; there is no other way to talk
    #[arg(long)]
    stdio: bool,
}

pub(crate) fn run(_: &Arguments) -> anyhow::Result<Status> {
    let orderly = ::lsp::serve_stdio(Services {
        runner: Arc::new(worker()?),
        settings: model::config::default_path(),
        cache: default_directory(),
    })?;
    // The protocol wants 1 from a server that was not told to shut down before.
    Ok(if orderly { Status::Fine } else { Status::Findings })
}

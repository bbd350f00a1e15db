//! `tantu lsp`

use std::process::ExitCode;

use clap::Args;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Accepted because many editors pass it; there is no other way to talk
    #[arg(long)]
    stdio: bool,
}

pub(crate) fn run(_: &Arguments) -> anyhow::Result<ExitCode> {
    let orderly = lsp::serve_stdio()?;
    Ok(if orderly { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

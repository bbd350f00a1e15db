//! Prepares a machine. What is there already is kept, so calling it again is cheap.

use anyhow::Result;

use crate::{code_server, emacs, guest, neovim, sdks};

#[derive(clap::Args)]
pub struct Args {
    /// Also install the Neovim and the VS Code that the editor tests drive, into the user's cache directory, and Chromium,
    /// Emacs, and the SDKs that models are judged by
    #[arg(long)]
    e2e: bool,
}

/// Builds and installs what is missing, one line for each thing.
pub fn run(args: &Args) -> Result<()> {
    guest::ensure()?;
    if args.e2e {
        neovim::ensure()?;
        emacs::ensure()?;
        code_server::ensure()?;
        sdks::ensure()?;
    }
    Ok(())
}

//! `tantu fix --traceback FILE|- [FOLDER]`

use std::path::{Path, PathBuf};

use anyhow::{Context, Error};
use clap::Args;

use super::propose::{self, Wanted};
use crate::Status;
use crate::workspace::{Workspace, root_of};

#[derive(Args)]
pub(crate) struct Arguments {
    /// A file that holds a traceback as Python prints it, among other text; - for standard input
    #[arg(long, value_name = "FILE")]
    traceback: PathBuf,
    /// A file or folder of the workspace that is meant
    #[arg(default_value = ".", value_name = "PATH")]
    path: PathBuf,
    #[command(flatten)]
    wanted: Wanted,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let text = match arguments.traceback == Path::new("-") {
        true => std::io::read_to_string(std::io::stdin()).context("standard input")?,
        false => {
            let path = &arguments.traceback;
            syntax::read_source(path).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?.to_string()
        }
    };
    let workspace = Workspace::read(&root_of(&arguments.path)?)?;
    let task = assistant::traceback::task(&workspace.analysis, &text).map_err(Error::msg)?;
    propose::conduct(workspace, task, &arguments.wanted)
}

//! `tantu sandbox prepare|status|clear`

use clap::{Args, Subcommand};
use sandbox_wasi::CacheStatus;
use serde_json::{Value, json};

use crate::Status;
use crate::output::{Format, print, print_json, spinner};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
    #[arg(long, value_enum, default_value_t = Format::Human, global = true)]
    format: Format,
}

#[derive(Subcommand)]
enum What {
    /// Compile Python for this machine, so that the first run need not
    Prepare,
    /// Say what is there
    Status,
    /// Remove all that the sandbox has put into the cache
    Clear,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let (text, value) = match arguments.what {
        What::Prepare => {
            let spinner = spinner("preparing the Python sandbox, once on this machine");
            let prepared = sandbox_wasi::prepare(&|_| ());
            spinner.finish_and_clear();
            let file = prepared?;
            (format!("prepared: {}\n", file.display()), json!({ "prepared": file }))
        }
        What::Status => {
            let status = sandbox_wasi::status()?;
            (human(&status), to_json(&status))
        }
        What::Clear => {
            let bytes = sandbox_wasi::clear()?;
            (format!("removed {} MB\n", bytes / 1_000_000), json!({ "removed": bytes }))
        }
    };
    match arguments.format {
        Format::Json => print_json(&value)?,
        Format::Human => print(&text)?,
    }
    Ok(Status::Fine)
}

pub(crate) fn human(status: &CacheStatus) -> String {
    let guest = match &status.guest {
        Ok(file) => file.display().to_string(),
        Err(reason) => format!("missing: {reason}"),
    };
    let prepared = match &status.prepared {
        Some(file) => file.display().to_string(),
        None => "no; the first run does it, or `tantu sandbox prepare`".to_owned(),
    };
    format!(
        "python       {guest}\nprepared     {prepared}\ncache        {} ({} MB, {} workspaces)\n",
        status.directory.display(),
        status.bytes / 1_000_000,
        status.workspaces
    )
}

pub(crate) fn to_json(status: &CacheStatus) -> Value {
    json!({
        "python": status.guest.as_ref().ok(),
        "problem": status.guest.as_ref().err(),
        "prepared": status.prepared,
        "cache": status.directory,
        "bytes": status.bytes,
        "workspaces": status.workspaces,
    })
}

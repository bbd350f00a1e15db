//! `tantu commit-message`

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use assistant::client::ModelClient;
use assistant::commit_message::{staged, write};
use clap::Args;
use serde_json::json;

use crate::Status;
use crate::output::{Format, note, print, print_json, spinner, warn};
use crate::workspace::{Workspace, existing, root_of};

#[derive(Args)]
pub(crate) struct Arguments {
    /// A folder of the repository
    #[arg(default_value = ".")]
    folder: PathBuf,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Prints the message and nothing else, so that `git commit --file -` can read it. Nothing is committed.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let folder = existing(&arguments.folder)?;
    let settings = model::config::default_path();
    let configured = ModelClient::configured(settings.as_deref()).map_err(anyhow::Error::msg)?;
    let workspace = Workspace::read(&root_of(&folder)?)?;
    let analysis = &workspace.analysis;
    let admits = |path: &std::path::Path| match &configured {
        Some(client) => client.check_allowed(analysis, path).is_ok(),
        None => true,
    };
    // That nothing is staged is said first, whatever else is missing.
    let staged = staged(&folder, admits)?;
    let client = Arc::new(configured.with_context(|| ModelClient::none(settings.as_deref()))?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let bar = spinner("looking at what is staged");
    let say = |what: String| note(&bar, &what);
    let written = runtime.block_on(write(&client, staged, workspace.host.clone(), &say));
    bar.finish_and_clear();
    runtime.shutdown_background();
    let message = written.map_err(anyhow::Error::msg)?;
    match arguments.format {
        Format::Json => print_json(&json!({
            "message": message.text,
            "problems": message.problems,
            "model": message.model,
            "usage": message.spent,
        }))?,
        Format::Human => print(format!("{}\n", message.text))?,
    }
    for problem in &message.problems {
        warn(format!("wrong with it: {problem}"));
    }
    Ok(if message.problems.is_empty() { Status::Fine } else { Status::Findings })
}

//! `tantu sandbox prepare|status|clear`

use std::path::Path;
use std::time::Instant;

use ::sandbox::Event;
use clap::{Args, Subcommand};
use sandbox_wasi::{CacheStatus, Cleared};
use serde_json::{Value, json};

use crate::Status;
use crate::output::{Format, counted, preparing, print, print_json, spinner};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
    #[arg(long, value_enum, default_value_t = Format::Human, global = true)]
    format: Format,
}

#[derive(Subcommand)]
enum What {
    /// Compile Python for this machine now, so that the first run need not wait for it
    Prepare,
    /// Say where Python for the sandbox is, whether it is prepared, and what the cache takes
    Status,
    /// Remove all that the sandbox has put into the cache: compiled Python, and copies of workspaces that are not in use
    Clear,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let (text, value) = match arguments.what {
        What::Prepare => prepare()?,
        What::Status => {
            let status = sandbox_wasi::status()?;
            (human(&status), to_json(&status))
        }
        What::Clear => {
            let Cleared { bytes, left } = sandbox_wasi::clear()?;
            let mut text = format!("removed {} MB; the next run prepares the sandbox again\n", megabytes(bytes));
            for path in &left {
                text.push_str(&format!("cannot remove {}: remove it by other means\n", path.display()));
            }
            (text, json!({ "removed": bytes, "left": left }))
        }
    };
    match arguments.format {
        Format::Json => print_json(&value)?,
        Format::Human => print(&text)?,
    }
    Ok(Status::Fine)
}

/// Says also how long it took, unless nothing was to be done.
fn prepare() -> anyhow::Result<(String, Value)> {
    let is_fresh = sandbox_wasi::status()?.prepared.is_none();
    let start = Instant::now();
    let spinner = spinner("looking for the Python sandbox");
    let prepared = sandbox_wasi::prepare(&|event| {
        if let Event::Preparing { done, total } = event {
            spinner.set_message(preparing(done, total));
        }
    });
    spinner.finish_and_clear();
    let (file, took) = (prepared?, start.elapsed());
    let bytes = size(&file);
    let how = if is_fresh { format!("prepared in {:.1} s", took.as_secs_f32()) } else { "already prepared".to_owned() };
    let text = format!("{how}: {} ({} MB)\n", file.display(), megabytes(bytes));
    let millis = is_fresh.then_some(took.as_millis() as u64);
    Ok((text, json!({ "prepared": file, "bytes": bytes, "millis": millis })))
}

fn size(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |metadata| metadata.len())
}

fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}

pub(crate) fn human(status: &CacheStatus) -> String {
    let guest = match &status.guest {
        Ok(file) => format!("{} ({} MB)", file.display(), megabytes(size(file))),
        Err(reason) => format!("missing: {reason}"),
    };
    let prepared = match &status.prepared {
        Some(file) => format!("{} ({} MB)", file.display(), megabytes(size(file))),
        None if status.guest.is_err() => "no".to_owned(),
        None => "no; the first run compiles Python for this machine, once, in about half a minute; \
                 `tantu sandbox prepare` does it now"
            .to_owned(),
    };
    format!(
        "python       {guest}\nprepared     {prepared}\ncache        {} ({} MB, copies of {})\n",
        status.directory.display(),
        megabytes(status.bytes),
        counted(status.workspaces, "workspace")
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

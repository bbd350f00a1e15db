//! `tantu memory list|show|export|forget|on|off`

use std::path::Path;

use anyhow::{Context, bail};
use assistant::client::models;
use clap::{Args, Subcommand};
use model::config;
use serde_json::{Value, json};
use store::{Journal, KnownMistake};

use crate::Status;
use crate::output::{Format, counted, print, print_json, table};
use crate::time::utc;
use crate::workspace::root_of;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
    #[arg(long, value_enum, default_value_t = Format::Human, global = true)]
    format: Format,
}

#[derive(Subcommand)]
enum What {
    /// List the mistakes of models in this workspace, the most frequent first
    List,
    /// Print all that is known of one mistake
    Show { id: i64 },
    /// Print all of them as JSON
    Export,
    /// Forget one mistake, or with --all every one of this workspace
    Forget {
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<i64>,
        #[arg(long)]
        all: bool,
    },
    /// Remember mistakes from now on, and tell models of them; that is the default
    On,
    /// Neither remember mistakes nor tell models of them; what is known stays until it is forgotten
    Off,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let workspace = root_of(std::path::Path::new("."))?.to_string_lossy().into_owned();
    let journal =
        || models().journal().context("there is no journal: there is no home directory, or it cannot be written");
    let (text, value) = match &arguments.what {
        What::List => list(journal()?, &workspace)?,
        What::Show { id } => show(journal()?, &workspace, *id)?,
        What::Export => {
            let all: Vec<Value> = journal()?.mistakes(&workspace)?.iter().map(to_json).collect();
            (format!("{}\n", serde_json::to_string_pretty(&all)?), Value::from(all))
        }
        What::Forget { id, .. } => match journal()?.forget_mistakes(&workspace, *id)? {
            0 if id.is_some() => bail!("there is no such mistake; `tantu memory list` lists them"),
            gone => (format!("{} forgotten\n", counted(gone, "mistake")), json!({ "forgotten": gone })),
        },
        What::On => switch(true)?,
        What::Off => switch(false)?,
    };
    match arguments.format {
        Format::Json => print_json(&value)?,
        Format::Human => print(&text)?,
    }
    Ok(Status::Fine)
}

type Said = (String, Value);

fn list(journal: &Journal, workspace: &str) -> anyhow::Result<Said> {
    let known = journal.mistakes(workspace)?;
    let value = Value::from(known.iter().map(to_json).collect::<Vec<_>>());
    if known.is_empty() {
        return Ok(("no mistake is known in this workspace\n".to_owned(), value));
    }
    let header = ["id", "times", "told", "last seen", "kind", "what"].map(str::to_owned);
    let rows = known.iter().map(|it| {
        let put_aside = if it.is_archived { " (put aside)" } else { "" };
        let text = it.mistake.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let category = it.mistake.category.clone();
        [
            it.id.to_string(),
            it.frequency.to_string(),
            it.hits.to_string(),
            utc(it.last_seen),
            category,
            text + put_aside,
        ]
    });
    Ok((table(&std::iter::once(header).chain(rows).collect::<Vec<_>>(), 0..3), value))
}

fn show(journal: &Journal, workspace: &str, id: i64) -> anyhow::Result<Said> {
    let known = journal.mistakes(workspace)?;
    let found = known.iter().find(|it| it.id == id);
    let it = found.with_context(|| format!("there is no mistake {id}; `tantu memory list` lists them"))?;
    let mut text = format!("{}\n\nkind        {} ({})\n", it.mistake.text, it.mistake.category, it.mistake.severity);
    text.push_str(&format!("made        {}, last by {}\n", counted(it.frequency as usize, "time"), it.mistake.model));
    text.push_str(&format!("first seen  {}\nlast seen   {}\n", utc(it.first_seen), utc(it.last_seen)));
    text.push_str(&format!("told        {}\n", counted(it.hits as usize, "time")));
    if let Some(name) = &it.mistake.forbidden {
        text.push_str(&format!("searched    an answer that uses {name} is not shown\n"));
    }
    if !it.mistake.snippet.is_empty() {
        text.push_str(&format!("\n{}\n", it.mistake.snippet));
    }
    Ok((text, to_json(it)))
}

fn to_json(it: &KnownMistake) -> Value {
    json!({
        "id": it.id,
        "category": it.mistake.category,
        "severity": it.mistake.severity,
        "text": it.mistake.text,
        "snippet": it.mistake.snippet,
        "model": it.mistake.model,
        "forbidden": it.mistake.forbidden,
        "frequency": it.frequency,
        "hits": it.hits,
        "first_seen": it.first_seen,
        "last_seen": it.last_seen,
        "archived": it.is_archived,
    })
}

/// Writes `[memory] enable` into the user's settings; every other line stays as it is.
fn switch(on: bool) -> anyhow::Result<Said> {
    let path = config::default_path().context("there is no home directory to look for config.toml in")?;
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    if config::load(&path)?.memory.enable != on {
        write(&path, &with_memory(&before, on))?;
        if config::load(&path).map(|settings| settings.memory.enable) != Ok(on) {
            write(&path, &before)?;
            bail!(
                "{}: write `enable = {on}` below `[memory]` yourself; it is spelt in a way not known here",
                path.display()
            );
        }
    }
    let text = if on { "mistakes are remembered" } else { "mistakes are not remembered" };
    Ok((format!("{text}\n"), json!({ "enabled": on })))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    std::fs::write(path, text).with_context(|| path.display().to_string())
}

fn with_memory(text: &str, on: bool) -> String {
    let setting = format!("enable = {on}\n");
    let mut out = String::new();
    let (mut inside, mut written) = (false, false);
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        if bare.starts_with('[') {
            inside = bare == "[memory]";
        }
        if inside && bare.strip_prefix("enable").is_some_and(|rest| rest.trim_start().starts_with('=')) {
            continue;
        }
        out.push_str(line);
        if inside && bare == "[memory]" {
            if !line.ends_with('\n') {
                out.push('\n');
            }
            out.push_str(&setting);
            written = true;
        }
    }
    if !written {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&format!("[memory]\n{setting}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switching_memory_changes_one_setting() {
        for (before, after) in [
            ("", "[memory]\nenable = false\n"),
            ("# mine\n[cache]\nhours = 1", "# mine\n[cache]\nhours = 1\n[memory]\nenable = false\n"),
            ("[memory] \nenable=true # yes\n[audit]\n", "[memory] \nenable = false\n[audit]\n"),
            ("[memory]", "[memory]\nenable = false\n"),
        ] {
            assert_eq!(with_memory(before, false), after);
        }
    }
}

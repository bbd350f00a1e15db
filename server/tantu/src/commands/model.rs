//! `tantu model list|check|login`

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use ::model::config::{self, ModelConfig, Presence, Settings};
use ::model::{Keyring, Pulled};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::Status;
use crate::output::{Format, print, print_json, warn};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
    #[arg(long, value_enum, default_value_t = Format::Human, global = true)]
    format: Format,
}

#[derive(Subcommand)]
enum What {
    /// List the models of your settings, and those of an Ollama on this machine
    List,
    /// Ask a model's server whether it has the model; nothing is generated
    Check {
        /// The name of the model in config.toml
        name: String,
    },
    /// Put a model's key, read from standard input, into the keyring of the operating system
    Login {
        /// The name of the model in config.toml
        name: String,
    },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let path = config::default_path().context("there is no home directory to look for config.toml in")?;
    let settings = config::load(&path)?;
    let (status, text, value) = match &arguments.what {
        What::List => list(&settings, &path)?,
        What::Check { name } => check(name, described(&settings, name)?)?,
        What::Login { name } => login(name, described(&settings, name)?)?,
    };
    match arguments.format {
        Format::Json => print_json(&value)?,
        Format::Human => print(&text)?,
    }
    Ok(status)
}

type Said = (Status, String, Value);

fn described<'a>(settings: &'a Settings, name: &str) -> anyhow::Result<&'a ModelConfig> {
    settings.models.get(name).with_context(|| {
        let known: Vec<&str> = settings.models.keys().map(String::as_str).collect();
        format!("config.toml describes no model `{name}`; it has: {}", known.join(", "))
    })
}

fn list(settings: &Settings, path: &Path) -> anyhow::Result<Said> {
    let local = runtime()?.block_on(config::local_ollama()).unwrap_or_default();
    let is_used = |pulled: &&Pulled| settings.models.values().any(|config| config.model.as_ref() == Some(&pulled.name));
    let offered: Vec<&Pulled> = local.iter().filter(|pulled| !is_used(pulled)).collect();
    let mut text = String::new();
    for (name, config) in &settings.models {
        let problem = config::build(name, config).err().map(|error| format!("  {error}\n"));
        text += &format!("{}\n{}", line(name, config), problem.unwrap_or_default());
    }
    if settings.models.is_empty() {
        text += &format!("no model is described in {}\n", path.display());
    }
    text += &match settings.propose.models.as_slice() {
        [] => "no model is asked: `models` in [propose] names none\n".to_owned(),
        names => format!("asked in this order: {}\n", names.join(", ")),
    };
    if let Some(first) = offered.first() {
        let names: Vec<&str> = offered.iter().map(|pulled| pulled.name.as_str()).collect();
        text += &format!(
            "Ollama runs on this machine and has {}. To use it, write this to {}:\n\n[models.local]\nprovider = \
             \"ollama\"\nmodel = \"{}\"\n\n[propose]\nmodels = [\"local\"]\n",
            names.join(", "),
            path.display(),
            first.name
        );
    }
    let models: Vec<Value> = settings
        .models
        .iter()
        .map(|(name, config)| {
            json!({
                "name": name,
                "provider": config.provider.name(),
                "model": config.model,
                "base_url": config.base(),
                "problem": config::build(name, config).err().map(|error| error.to_string()),
            })
        })
        .collect();
    let ollama: Vec<Value> =
        local.iter().map(|it| json!({ "name": it.name, "size": it.size, "loaded": it.loaded })).collect();
    Ok((Status::Fine, text, json!({ "models": models, "propose": settings.propose.models, "ollama": ollama })))
}

fn line(name: &str, config: &ModelConfig) -> String {
    let what = config.model.as_deref().unwrap_or("recorded replies");
    let place = config.base().map(|base| format!(" at {base}")).unwrap_or_default();
    let price = config.price.map(|price| format!(", ${} + ${} for a million tokens", price.input, price.output));
    format!("{name}: {what}, {}{place}{}", config.provider.name(), price.unwrap_or_default())
}

fn check(name: &str, config: &ModelConfig) -> anyhow::Result<Said> {
    let presence = runtime()?.block_on(config::inspect(name, config))?;
    let model = config.model.as_deref().unwrap_or_default();
    let (is_there, text) = match &presence {
        Presence::Recorded => (true, format!("{name}: the recorded replies can be read\n")),
        Presence::There { loaded: None } => (true, format!("{name}: the server has {model}\n")),
        Presence::There { loaded: Some(true) } => (true, format!("{name}: the server has {model}, and it is loaded\n")),
        Presence::There { loaded: Some(false) } => {
            (true, format!("{name}: the server has {model}; the first question loads it\n"))
        }
        Presence::Missing { others } => {
            const SHOWN: usize = 10;
            let shown: Vec<&str> = others.iter().take(SHOWN).map(String::as_str).collect();
            let more = if others.len() > SHOWN { ", …" } else { "" };
            (false, format!("{name}: the server does not list {model}; it has: {}{more}\n", shown.join(", ")))
        }
    };
    let others = if let Presence::Missing { others } = presence { others } else { Vec::new() };
    let value = json!({ "name": name, "model": config.model, "found": is_there, "others": others });
    Ok((if is_there { Status::Fine } else { Status::Findings }, text, value))
}

fn login(name: &str, config: &ModelConfig) -> anyhow::Result<Said> {
    let keyring = Keyring::of_system().context("no keyring is known on this system; use api-key-env")?;
    let key = read_key(name)?;
    keyring.set(name, key.trim()).map_err(|message| anyhow::anyhow!(message))?;
    let missing = if config.keyring { String::new() } else { format!("; write `keyring = true` to [models.{name}]") };
    let text = format!("the key of {name} is in the keyring{missing}\n");
    Ok((Status::Fine, text, json!({ "name": name, "stored": true })))
}

/// A line from standard input, which a terminal does not show.
fn read_key(name: &str) -> anyhow::Result<String> {
    let stdin = std::io::stdin();
    let is_terminal = stdin.is_terminal();
    let echo = |mode: &str| {
        // Without it the key is shown, which only the person at the terminal sees.
        let _ = Command::new("stty").arg(mode).stdout(Stdio::null()).stderr(Stdio::null()).status();
    };
    if is_terminal {
        let mut stderr = std::io::stderr().lock();
        write!(stderr, "key of {}: ", terminal::escaped(name))?;
        stderr.flush()?;
        echo("-echo");
    }
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    if is_terminal {
        echo("echo");
        warn("");
    }
    read.context("the key cannot be read")?;
    if line.trim().is_empty() {
        bail!("no key was given");
    }
    Ok(line)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

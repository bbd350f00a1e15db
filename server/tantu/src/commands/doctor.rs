//! `tantu doctor`

use std::path::PathBuf;

use clap::Args;
use lint::Ruff;
use serde_json::{Value, json};

use super::sandbox;
use crate::Status;
use crate::output::{Format, print, print_json};

#[derive(Args)]
pub(crate) struct Arguments {
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let path = model::config::default_path();
    let settings = path.as_deref().map(model::config::load);
    let sandbox_status = sandbox_wasi::status();
    let project_ruff = lsp::lints::project_ruff(&std::env::current_dir()?).version();
    let broken = matches!(settings, Some(Err(_))) || sandbox_status.as_ref().map_or(true, |it| it.guest.is_err());
    match arguments.format {
        Format::Json => print_json(&json!({
            "version": env!("CARGO_PKG_VERSION"),
            "ruff": { "bundled": Ruff::VERSION, "project": project_ruff.as_ref().ok() },
            "settings": settings_json(path.as_ref(), settings.as_ref()),
            "sandbox": match &sandbox_status {
                Ok(status) => sandbox::to_json(status),
                Err(error) => json!({ "problem": error.to_string() }),
            },
        }))?,
        Format::Human => {
            let sandbox_text = match &sandbox_status {
                Ok(status) => sandbox::human(status),
                Err(error) => format!("sandbox      {error}\n"),
            };
            let settings_text = settings_human(path.as_ref(), settings.as_ref());
            let project = project_ruff.unwrap_or_else(|_| "none".to_owned());
            let ruff = format!("ruff         {} inside; the project's own: {project}\n", Ruff::VERSION);
            print(&format!("tantu        {}\n{ruff}{settings_text}{sandbox_text}", env!("CARGO_PKG_VERSION")))?;
        }
    }
    Ok(if broken { Status::Findings } else { Status::Fine })
}

type Loaded<'a> = Option<&'a Result<model::config::Settings, model::Error>>;

fn settings_json(path: Option<&PathBuf>, settings: Loaded) -> Value {
    match settings {
        Some(Ok(settings)) => json!({
            "path": path,
            "exists": path.is_some_and(|path| path.exists()),
            "models": settings.models.keys().collect::<Vec<_>>(),
            "propose": settings.propose.models,
        }),
        Some(Err(error)) => json!({ "path": path, "exists": true, "problem": error.to_string() }),
        None => Value::Null,
    }
}

fn settings_human(path: Option<&PathBuf>, settings: Loaded) -> String {
    let (Some(path), Some(settings)) = (path, settings) else {
        return "settings     nowhere: neither XDG_CONFIG_HOME nor HOME is set\n".to_owned();
    };
    let name = path.display();
    match settings {
        Err(error) => format!("settings     {error}\n"),
        Ok(_) if !path.exists() => format!("settings     none; they would be in {name}\nmodels       none\n"),
        Ok(settings) => {
            let models: Vec<&str> = settings.models.keys().map(String::as_str).collect();
            let models = if models.is_empty() { "none".to_owned() } else { models.join(", ") };
            let propose = match settings.propose.models.as_slice() {
                [] => "off: `models` in [propose] names none".to_owned(),
                names => names.join(", then "),
            };
            format!("settings     {name}\nmodels       {models}\nproposals    {propose}\n")
        }
    }
}

//! `tantu doctor`

use std::path::PathBuf;

use assistant::client::models;
use clap::Args;
use lint::Ruff;
use model::config::Types;
use serde_json::{Value, json};
use store::FailingServer;

use super::sandbox;
use crate::Status;
use crate::output::{Format, print, print_json};
use crate::time::now;

#[derive(Args)]
pub(crate) struct Arguments {
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let path = model::config::default_path();
    let settings = path.as_deref().map(model::config::load);
    let sandbox_status = sandbox_wasi::status();
    let project_ruff = ::workspace::lints::project_ruff(&std::env::current_dir()?).version();
    let failing = failing();
    let protections = ::confined::probe(&std::env::current_exe()?);
    let broken = matches!(settings, Some(Err(_))) || sandbox_status.as_ref().map_or(true, |it| it.guest.is_err());
    match arguments.format {
        Format::Json => print_json(&json!({
            "version": env!("CARGO_PKG_VERSION"),
            "ruff": { "bundled": Ruff::VERSION, "project": project_ruff.as_ref().ok() },
            "types": { "ty": types::TY_VERSION, "used": checker(settings.as_ref()) },
            "settings": settings_json(path.as_ref(), settings.as_ref()),
            "failing_servers": failing.iter().map(failing_json).collect::<Vec<_>>(),
            "sandbox": match &sandbox_status {
                Ok(status) => sandbox::to_json(status),
                Err(error) => json!({ "problem": error.to_string() }),
            },
            "confined": match &protections {
                Ok(protections) => json!({ "protections": protections, "lack": protections.lack() }),
                Err(error) => json!({ "lack": error.to_string() }),
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
            let types =
                format!("types        ty {} inside; proposals: {}\n", types::TY_VERSION, checker(settings.as_ref()));
            let servers: String = failing.iter().map(failing_human).collect();
            let confined = match &protections {
                Ok(protections) => protections.lines().join("\n             "),
                Err(error) => error.to_string(),
            };
            let version = env!("CARGO_PKG_VERSION");
            print(format!(
                "tantu        {version}\n{ruff}{types}{settings_text}{servers}{sandbox_text}confined     {confined}\n"
            ))?;
        }
    }
    Ok(if broken { Status::Findings } else { Status::Fine })
}

/// The servers of models that failed when they were last asked, by any process.
fn failing() -> Vec<FailingServer> {
    models().journal().and_then(|journal| journal.failing().ok()).unwrap_or_default()
}

/// Seconds until a server is asked again; `None` if it may be asked now.
fn retry_in(failing: &FailingServer) -> Option<i64> {
    failing.open_until.map(|until| until - now()).filter(|left| *left > 0)
}

fn failing_json(failing: &FailingServer) -> Value {
    json!({
        "server": failing.server,
        "failures": failing.failures,
        "state": if retry_in(failing).is_some() { "open" } else if failing.open_until.is_some() { "half-open" } else { "closed" },
        "retry_in": retry_in(failing),
        "error": failing.error,
        "at": crate::time::utc(failing.at),
    })
}

fn failing_human(failing: &FailingServer) -> String {
    let FailingServer { server, failures, error, .. } = failing;
    let next = match (retry_in(failing), failing.open_until) {
        (Some(left), _) => format!("not asked for another {left} s"),
        (None, Some(_)) => "the next question tries it again".to_owned(),
        (None, None) => "still asked".to_owned(),
    };
    let failures = crate::output::counted(*failures as usize, "failure");
    format!("server       {server}: {failures} in a row, {next}; the last: {error}\n")
}

/// What looks for type errors in proposals.
fn checker(settings: Loaded) -> String {
    match settings {
        Some(Ok(settings)) => match settings.propose.types {
            Types::BuiltIn => "built-in".to_owned(),
            Types::Project => settings.propose.types_command.join(" "),
            Types::Off => "off".to_owned(),
        },
        _ => "built-in".to_owned(),
    }
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

/// A model's name, and what keeps it from being asked.
fn described(name: &str, config: &model::config::ModelConfig) -> String {
    match model::config::build(name, config) {
        Ok(_) => name.to_owned(),
        Err(error) => format!("{name}: {error}"),
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
            let models: Vec<String> = settings.models.iter().map(|(name, config)| described(name, config)).collect();
            let models = if models.is_empty() { "none".to_owned() } else { models.join("\n             ") };
            let propose = match settings.propose.models.as_slice() {
                [] => "off: `models` in [propose] names none".to_owned(),
                names => names.join(", then "),
            };
            format!("settings     {name}\nmodels       {models}\nproposals    {propose}\n")
        }
    }
}

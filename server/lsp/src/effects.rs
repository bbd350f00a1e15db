//! Performs what a [proposal](propose::Proposal) wants done and neither an editor nor a person is needed for: making
//! the prompt, asking a model, checking its reply, running tests.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use context::Options;
use graph::{Analysis, AnalysisHost, SymbolId};
use lint::Environment;
use model::{LanguageModel, Prompt, Request};
use propose::{Event, Limits, Task};
use sandbox::Runner;
use tokio::task::{JoinError, spawn_blocking};
use validate::{Candidate, Scope};

use crate::contexts::Contexts;
use crate::lints::Lints;

/// How many tokens of context a model is shown, room for instructions and answer included. Models that people run on
/// their own machines often take no more.
pub(crate) const BUDGET: usize = 8192;

/// The workspace at one instant, unsaved texts included.
pub struct State {
    pub host: AnalysisHost,
    /// What is not on disk.
    pub unsaved: Vec<(PathBuf, Arc<str>)>,
    /// With the settings that they have read so far.
    pub lints: Arc<Lints>,
    pub contexts: Arc<Contexts>,
}

/// Told, in a few words, what is being done.
pub type Say<'a> = &'a (dyn Fn(String) + Send + Sync);

/// Models and a sandbox.
pub struct Tools {
    models: Vec<Arc<dyn LanguageModel>>,
    runner: Arc<dyn Runner>,
}

impl Tools {
    /// The models that the user's settings in `file` name, in the order in which they are asked, and how often.
    ///
    /// # Errors
    /// When the settings are wrong or name no model; the message is for the user, and names the file.
    pub fn configured(file: Option<&Path>, runner: Arc<dyn Runner>) -> Result<(Self, Limits), String> {
        let Some(file) = file else {
            return Err("no model is configured, and there is no home directory to look for config.toml in".to_owned());
        };
        let settings = model::config::load(file).map_err(|error| error.to_string())?;
        let names = &settings.propose.models;
        if names.is_empty() {
            let name = file.display();
            return Err(format!("no model is configured: describe one in {name}, and name it in [propose] there"));
        }
        // `load` has made sure that each name is that of a model.
        let models = names.iter().filter_map(|name| Some((name, settings.models.get(name)?)));
        let models: Result<Vec<_>, _> = models.map(|(name, config)| model::config::build(name, config)).collect();
        let limits = Limits { max_attempts: settings.propose.max_attempts };
        Ok((Tools { models: models.map_err(|error| error.to_string())?, runner }, limits))
    }

    /// Makes the prompt.
    pub async fn assemble(&self, task: Task, state: State) -> Event {
        spawn_blocking(move || assemble(&task, &state)).await.unwrap_or_else(broken)
    }

    /// Asks the first model; if it does not answer, the next one.
    pub async fn generate(&self, prompt: Prompt, say: Say<'_>) -> Event {
        let (request, redactions) = Request::redacted(prompt);
        let mut failure = None;
        for model in &self.models {
            let name = model.name().to_owned();
            say(format!("asking {name}"));
            let progress = |text: &str| say(format!("{name} is answering, {} lines so far", text.lines().count()));
            match model::collect(model.as_ref(), request.clone(), progress).await {
                Ok(mut reply) => {
                    reply.text = redactions.restore(&reply.text);
                    return Event::Replied { model: name, reply };
                }
                Err(error) => {
                    tracing::info!(model = name, %error, "no answer");
                    failure = Some(Event::ModelFailed { model: name, error });
                }
            }
        }
        // There is at least one model, or there would be no tools.
        failure.unwrap_or(Event::Cancelled)
    }

    /// Makes an edit of the reply's code and checks it.
    pub async fn check(&self, task: Task, title: String, code: String, state: State) -> Event {
        spawn_blocking(move || check(&task, title, &code, &state)).await.unwrap_or_else(broken)
    }

    /// Runs `requests` one after the other.
    pub async fn test(&self, requests: Vec<sandbox::Request>, state: State, say: Say<'_>) -> Event {
        let mut outcomes = Vec::new();
        let total = requests.len();
        for (number, mut request) in requests.into_iter().enumerate() {
            say(format!("running tests, {} of {total}", number + 1));
            add_unsaved(&mut request, &state.unsaved);
            request.site = Environment::find(&request.root, None).sites;
            let on_event = |event| {
                if let sandbox::Event::Preparing { .. } = event {
                    say("preparing the Python sandbox, once on this machine".to_owned());
                }
            };
            outcomes.push(self.runner.run(request, &on_event).await.map_err(|error| error.to_string()));
        }
        Event::Tested(outcomes)
    }
}

/// A panic is a defect of ours, and has been reported.
fn broken(error: JoinError) -> Event {
    tracing::error!("a proposal was given up: {error}");
    Event::Cancelled
}

/// The target as it is now. That it moved does not matter; that it is gone does.
fn target(task: &Task, analysis: &Analysis) -> Option<SymbolId> {
    let file = analysis.file(&task.path)?;
    analysis.find(&task.symbol).into_iter().find(|symbol| symbol.file == file)
}

fn assemble(task: &Task, state: &State) -> Event {
    let analysis = state.host.analysis();
    if model::is_denied(&relative(&task.path, &analysis)) {
        return Event::NotAssembled(format!("{} may hold secrets and is never sent", task.path.display()));
    }
    let Some(target) = target(task, &analysis) else {
        return Event::NotAssembled(format!("`{}` is not there any longer", task.symbol));
    };
    let mut context = state.contexts.index(&analysis).context(target, BUDGET, &Options::default());
    context.items.retain(|item| !model::is_denied(Path::new(&item.path)));
    match ide::assists::ask(task.assist, &analysis, target, &context, task.instruction.as_deref()) {
        Some(ask) => Event::Assembled(ask),
        None => Event::NotAssembled(format!("{} makes no sense for `{}`", task.assist, task.symbol)),
    }
}

fn relative(path: &Path, analysis: &Analysis) -> PathBuf {
    let inside = analysis.roots().iter().find_map(|root| path.strip_prefix(root).ok());
    inside.unwrap_or(path).to_path_buf()
}

fn check(task: &Task, title: String, code: &str, state: &State) -> Event {
    let analysis = state.host.analysis();
    let Some(target) = target(task, &analysis) else { return Event::Refused(ide::assists::Refusal::NoTarget) };
    let Some(scope) = ide::assists::scope(task.assist, &analysis, target) else {
        return Event::Refused(ide::assists::Refusal::NoTarget);
    };
    match ide::assists::accept(task.assist, &analysis, target, code) {
        Err(refusal) => Event::Refused(refusal),
        Ok(change) => {
            let scope = Scope { path: scope.path, ranges: vec![scope.range], imports: true };
            let candidate = Candidate { title, change, scope, mends: task.mends.clone() };
            let checked = state.lints.inspect(|inspection| validate::check(&state.host, candidate, inspection));
            Event::Checked(Box::new(checked))
        }
    }
}

/// The tests see what the person sees: the texts in the editor, except where the proposal has its own.
fn add_unsaved(request: &mut sandbox::Request, unsaved: &[(PathBuf, Arc<str>)]) {
    for (path, text) in unsaved {
        if let Ok(inside) = path.strip_prefix(&request.root)
            && !request.overlay.iter().any(|(known, _)| known == inside)
        {
            request.overlay.push((inside.to_path_buf(), text.to_string()));
        }
    }
}

#[cfg(test)]
mod tests {
    use sandbox::Action;

    use super::*;

    #[test]
    fn a_proposals_own_text_comes_before_the_editors() {
        let mut request = sandbox::Request {
            overlay: vec![("a.py".into(), "proposed".to_owned())],
            ..sandbox::Request::new("/w", Action::Script { path: "a.py".into() })
        };
        let unsaved = [("/w/a.py", "typed"), ("/w/b.py", "typed"), ("/elsewhere/c.py", "typed")];
        add_unsaved(&mut request, &unsaved.map(|(path, text)| (path.into(), text.into())));
        let overlay: Vec<_> = request.overlay.iter().map(|(path, text)| (path.to_str().unwrap(), &**text)).collect();
        assert_eq!(overlay, [("a.py", "proposed"), ("b.py", "typed")]);
    }

    #[test]
    fn a_reply_is_linted_and_searched_for_ways_into_dangerous_calls() {
        let text = "import os\n\n\ndef run(command):\n    os.system(command)\n\n\ndef ask():\n    \"\"\"Asks.\"\"\"\n    raise NotImplementedError\n";
        let mut host = AnalysisHost::new(vec!["/".into()]);
        let mut change = graph::Change::default();
        change.set("/shell.py", text);
        host.apply(change);
        let lints = Arc::new(Lints::new(crate::lints::RuffChoice::Off, &["/".into()]));
        let state = State { host, unsaved: Vec::new(), lints, contexts: Arc::default() };
        let task = Task {
            assist: ide::assists::AssistId::ImplementFunction,
            path: "/shell.py".into(),
            symbol: "shell.ask".to_owned(),
            instruction: None,
            mends: None,
        };
        let code = "def ask():\n    \"\"\"Asks.\"\"\"\n    eval('1')\n    run(input())\n";
        let Event::Checked(checked) = check(&task, String::new(), code, &state) else { panic!("it is an edit") };
        let codes: Vec<&str> = checked.findings().iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, ["S307", "tainted-call"], "{:?}", checked.findings());
    }

    #[test]
    fn without_a_model_the_user_is_told_where_to_describe_one() {
        let runner = || Arc::new(sandbox::fake::Fake::new(|_| unreachable!("nothing is run")));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        let Err(message) = Tools::configured(Some(&file), runner()) else { panic!("there is no model") };
        assert!(message.contains(file.to_str().unwrap()), "{message}");
        std::fs::write(&file, "[models.local]\nprovider = \n").unwrap();
        let Err(message) = Tools::configured(Some(&file), runner()) else { panic!("the file is broken") };
        assert!(message.contains("config.toml:2"), "{message}");
    }
}

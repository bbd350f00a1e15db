//! Performs what a [proposal](propose::Proposal) wants done and neither an editor nor a person is needed for: making
//! the prompt, asking a model, checking its reply, running tests.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assists::{AssistId, Refusal};
use disk::Obstacle;
use graph::{Analysis, AnalysisHost, SymbolId};
use lint::Environment;
use model::config::{ProposeConfig, Types};
use model::{Denied, Prompt};
use propose::{Event, Limits, Task};
use sandbox::Runner;
use store::Journal;
use tokio::task::{JoinError, spawn_blocking};
use validate::{Behaviour, Candidate, Inspection, PastMistake, Scope, TypeAnswer, TypeChecker, TypeQuestion, Typing};
use workspace::lints::Lints;

use crate::client::{Answered, ModelClient, NotAnswered, Question, Say, growing_lines, is_denied, models};
use crate::contexts::Contexts;
use crate::edits;
use crate::memory;

/// How many tokens of context a model is shown, room for instructions and answer included. Models that people run on
/// their own machines often take no more.
pub const BUDGET: usize = 8192;

/// The workspace at one moment, unsaved texts included.
pub struct State {
    pub host: AnalysisHost,
    /// What is not on disk.
    pub unsaved: Vec<(PathBuf, Arc<str>)>,
    /// With the settings that they have read so far.
    pub lints: Arc<Lints>,
    pub contexts: Arc<Contexts>,
    /// What the workspace says of itself.
    pub project: Arc<ide::Project>,
    /// Of runs in the sandbox.
    pub limits: sandbox::Limits,
}

/// What a proposal is worked on with: models and a sandbox.
pub struct Executor {
    client: ModelClient,
    runner: Arc<dyn Runner>,
    types: Arc<dyn TypeChecker>,
    /// Who calls the target, in number, as far as has been counted: what many depend on may be for another model.
    callers: AtomicUsize,
    /// The hash of the latest prompt.
    asked: Mutex<Option<String>>,
}

impl Executor {
    /// `types` is asked unless the user's settings say otherwise.
    pub fn new(client: ModelClient, runner: Arc<dyn Runner>, types: Arc<dyn TypeChecker>) -> Self {
        let types = match client.settings().propose.types {
            Types::BuiltIn | Types::Project => types,
            Types::Off => Arc::new(Off),
        };
        Executor { client, runner, types, callers: AtomicUsize::new(0), asked: Mutex::default() }
    }

    /// How often models are asked.
    pub fn limits(&self) -> Limits {
        let ProposeConfig { max_attempts, reflect_below, .. } = self.client.settings().propose;
        Limits { max_attempts, reflect_below }
    }

    /// Whether mistakes are remembered.
    pub fn remembers(&self) -> bool {
        self.client.settings().memory.enable
    }

    /// Where mistakes are remembered; `None` when they are not.
    fn memory(&self) -> Option<Arc<Journal>> {
        models().journal().filter(|_| self.remembers()).cloned()
    }

    /// Makes the prompt, which tells of mistakes that were made before.
    pub async fn assemble(&self, task: Task, state: State) -> Event {
        let (denied, memory) = (self.client.denied().clone(), self.memory());
        let assembled = spawn_blocking(move || {
            let (mut event, callers) = assemble(&task, &state, &denied);
            if let (Event::Assembled(ask), Some(journal)) = (&mut event, memory) {
                let workspace = memory::workspace(&state.host.analysis(), &task.path);
                let embeddings = state.contexts.embeddings();
                let mistakes = memory::told(&journal, &workspace, &ask.user, embeddings.as_deref());
                ask.user.push_str(&memory::section(&ask.user, &mistakes));
                ask.shown.extend(mistakes.iter().map(|it| format!("an earlier mistake: {}", it.mistake.text)));
            }
            (event, callers)
        })
        .await;
        match assembled {
            Ok((event, callers)) => {
                self.callers.store(callers, Ordering::Relaxed);
                event
            }
            Err(error) => broken(error),
        }
    }

    /// Asks the first model that is for this after the `passed_over` ones; if it does not answer, the next one.
    pub async fn generate(&self, assist: AssistId, prompt: Prompt, passed_over: usize, say: Say<'_>) -> Event {
        // Whoever asks again could not use the answer before.
        self.forget_answer();
        let callers = self.callers.load(Ordering::Relaxed);
        let question = Question { purpose: assist.name(), callers, passed_over, prompt, form: None };
        let mut lines = growing_lines();
        let heard = |model: &str, text: &str| say(format!("{model} is answering, {} lines so far", lines(text)));
        match self.client.ask(question, say, heard).await {
            Ok(Answered { model, reply, hash }) => {
                *self.asked() = Some(hash);
                Event::Replied { model, reply }
            }
            Err(NotAnswered::NoOtherModel) => Event::NoOtherModel,
            Err(NotAnswered::NotWanted(_)) => Event::Cancelled,
            Err(NotAnswered::Failed { model, error }) => Event::ModelFailed { model, error },
        }
    }

    /// The latest answer was of no use: it is not given again to the same question.
    pub fn forget_answer(&self) {
        if let Some(hash) = self.asked().take() {
            models().forget(&hash);
        }
    }

    fn asked(&self) -> MutexGuard<'_, Option<String>> {
        // A hash is there or not.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an edit of the reply's code and checks it.
    pub async fn check(
        &self,
        task: Task,
        title: String,
        code: String,
        parts: Option<Vec<String>>,
        state: State,
    ) -> Event {
        let (memory, types) = (self.memory(), self.types.clone());
        let command = self.client.settings().propose.types_command.clone();
        let work = move || {
            let workspace = memory::workspace(&state.host.analysis(), &task.path);
            let past = memory.map(|journal| memory::past(&journal, &workspace)).unwrap_or_default();
            check(&task, title, &code, parts.as_deref(), (&past, &*types, &command), &state)
        };
        spawn_blocking(work).await.unwrap_or_else(broken)
    }

    /// Runs `requests` one after the other.
    pub async fn test(&self, requests: Vec<sandbox::Request>, state: State, say: Say<'_>) -> Event {
        let runner = &*self.runner;
        let outcomes = gate::runs::perform(runner, requests, &state.unsaved, state.limits, None, say).await;
        Event::Tested(outcomes)
    }
}

/// What the user's settings have switched off.
struct Off;

impl TypeChecker for Off {
    fn compare(&self, _: &TypeQuestion) -> Result<TypeAnswer, String> {
        Err("switched off by `types` in [propose] of your settings".to_owned())
    }
}

/// A panic is a bug, and has been reported.
fn broken(error: JoinError) -> Event {
    tracing::error!("a proposal was given up: {error}");
    Event::Cancelled
}

/// The target as it is now. That it moved does not matter; that it is gone does.
fn target(task: &Task, analysis: &Analysis) -> Option<SymbolId> {
    let file = analysis.file(&task.path)?;
    analysis.find(&task.symbol).into_iter().find(|symbol| symbol.file == file)
}

/// The prompt, and how many call the target.
fn assemble(task: &Task, state: &State, denied: &Denied) -> (Event, usize) {
    let analysis = state.host.analysis();
    let not = |reason: String| (Event::NotAssembled(reason), 0);
    // What tells a finding is the program's own.
    if let Some(instruction) = task.instruction.as_deref().filter(|_| task.fixes_code.is_none())
        && let Err(problem) = model::check_instruction(instruction)
    {
        return not(problem.to_string());
    }
    if is_denied(denied, &analysis, &task.path) {
        return not(format!(
            "{} may hold secrets, or is left out by .gitignore or your settings, and is never sent",
            task.path.display()
        ));
    }
    let Some(target) = target(task, &analysis) else {
        return not(format!("`{}` is not there any longer", task.symbol));
    };
    let instruction = task.instruction.as_deref();
    let context = state.contexts.context(&analysis, target, BUDGET, instruction);
    match assists::ask(task.assist, &analysis, target, &context, instruction) {
        Ok(ask) => {
            let denied_quote = ask.quotes.iter().find(|path| is_denied(denied, &analysis, path));
            match denied_quote {
                Some(path) => not(format!("{} would have to be shown, and is never sent", path.display())),
                None => (Event::Assembled(ask), analysis.callers(target).len()),
            }
        }
        Err(reason) => not(format!("`{}`: {reason}", task.symbol)),
    }
}

fn check(
    task: &Task,
    title: String,
    code: &str,
    parts: Option<&[String]>,
    (past, types, command): (&[PastMistake], &dyn TypeChecker, &[String]),
    state: &State,
) -> Event {
    let analysis = state.host.analysis();
    let Some(target) = target(task, &analysis) else { return Event::Refused(Refusal::NoTarget) };
    let Some(scope) = assists::scope(task.assist, &analysis, target) else {
        return Event::Refused(Refusal::NoTarget);
    };
    let behaviour = behaviour(task);
    match assists::accept(task.assist, &analysis, target, code) {
        Err(refusal) => Event::Refused(refusal),
        Ok(change) => {
            if let Some(obstacle) = edits::obstacle(&change, &analysis) {
                let (code, message) = match obstacle {
                    Obstacle::Exists(message) => ("file-exists", message),
                    Obstacle::Unwritable(message) => ("unwritable-path", message),
                };
                return Event::Refused(Refusal::Unfit { code, message });
            }
            let added = assists::added_imports(&change, code);
            let scope = Scope { places: scope.places, folder: scope.folder, imports: true };
            let tested = task.assist.writes_tests().then(|| (task.path.clone(), analysis.symbol(target).range));
            let mut candidate = Candidate {
                title,
                change,
                scope,
                fixes_code: task.fixes_code.clone(),
                behaviour,
                tested,
                removed: Vec::new(),
            };
            if let Some(parts) = parts {
                candidate.restrict(&analysis, parts);
            }
            let asked = task.instruction.as_deref().unwrap_or_default();
            let (mut linters, gate) = (state.lints.linters(), state.lints.gate());
            linters.push(&gate);
            let root = analysis.root_of(&task.path).unwrap_or(&task.path);
            let environment = Environment::find(root, None);
            let types = Typing { checker: types, command, environment: &environment, unsaved: &state.unsaved };
            let inspection = Inspection {
                linters: &linters,
                tainted: Some(&ide::tainted_calls),
                types: Some(types),
                project: Some(&state.project),
                past,
                asked,
            };
            let mut checked = validate::check(&state.host, candidate, &inspection);
            for import in added {
                checked.tell(format!("`{import}` was added: the answer uses it and does not import it"));
            }
            Event::Checked(Box::new(checked))
        }
    }
}

fn behaviour(task: &Task) -> Behaviour {
    match task.assist.behaviour() {
        assists::Behaviour::Any => Behaviour::Any,
        assists::Behaviour::ReportChanges => Behaviour::ReportChanges,
        assists::Behaviour::Preserve if task.instruction.is_some() => Behaviour::ReportChanges,
        assists::Behaviour::Preserve => Behaviour::Preserve,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_linted_and_searched_for_ways_into_dangerous_calls() {
        let text = "import os\n\n\ndef run(command):\n    os.system(command)\n\n\ndef ask():\n    \"\"\"Asks.\"\"\"\n    raise NotImplementedError\n";
        let mut host = AnalysisHost::new(vec!["/".into()]);
        let mut change = graph::Change::default();
        change.set("/shell.py", text);
        host.apply(change);
        let lints = Arc::new(Lints::new(workspace::lints::RuffChoice::Off, &["/".into()]));
        let state = State {
            host,
            unsaved: Vec::new(),
            lints,
            contexts: Arc::default(),
            project: Arc::default(),
            limits: sandbox::Limits::default(),
        };
        let task = Task {
            assist: assists::AssistId::ImplementFunction,
            path: "/shell.py".into(),
            symbol: "shell.ask".to_owned(),
            instruction: None,
            fixes_code: None,
        };
        let types = validate::FakeTypeChecker(|_: &TypeQuestion| Ok(TypeAnswer::default()));
        let code = "def ask():\n    \"\"\"Asks.\"\"\"\n    eval('1')\n    run(input())\n";
        let Event::Checked(checked) = check(&task, String::new(), code, None, (&[], &types, &[]), &state) else {
            panic!("it is an edit")
        };
        let codes: Vec<&str> = checked.findings().iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, ["S307", "tainted-call"], "{:?}", checked.findings());
    }
}

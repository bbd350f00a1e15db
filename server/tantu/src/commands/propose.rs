//! `tantu propose ASSIST FILE:LINE`

use std::path::Path;
use std::sync::Arc;

use ::propose::State::Applied;
use ::propose::{Event, Proposal, Severity, Summary, Task};
use ::workspace::lints::Lints;
use anyhow::{Context, bail};
use assistant::client::ModelClient;
use assistant::contexts::Contexts;
use assistant::executor::{Executor, State};
use assistant::runner::{ProposalHost, ProposalRunner};
use assists::{AssistId, Occasion};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use graph::{AnalysisHost, FileId};
use indicatif::ProgressBar;
use serde::Serialize;
use syntax::TextRange;
use terminal::{Shown, Style};
use validate::{CheckResult, Evidence, Validated};

use crate::Status;
use crate::contexts::contexts;
use crate::output::{Format, for_stdout, note, print, print_exactly, print_json, spinner};
use crate::place::{Place, start_of_line};
use crate::sandboxed::runner_of_proposals;
use crate::type_checker::type_checker;
use crate::workspace::{Workspace, root_of};

#[derive(Args)]
pub(crate) struct Arguments {
    /// What to do
    #[arg(value_parser = assists(AssistId::all()))]
    assist: AssistId,
    /// The place to do it at, such as shop/discounts.py:58
    #[arg(value_name = "FILE:LINE")]
    place: Place,
    /// What you want besides
    #[arg(short, long, value_name = "TEXT")]
    instruction: Option<String>,
    /// The way to refactor, such as simplify; with refactor only
    #[arg(long, value_name = "NAME", value_parser = assists(AssistId::all().filter(|id| id.is_preset())))]
    preset: Option<AssistId>,
    #[command(flatten)]
    wanted: Wanted,
}

/// What becomes of a proposal.
#[derive(Args)]
pub(crate) struct Wanted {
    /// Write the change to the files if every check that could run passed and none asks a person
    #[arg(long)]
    apply: bool,
    /// Print nothing but the diff
    #[arg(long, conflicts_with = "format")]
    diff: bool,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let workspace = Workspace::read(&root_of(&arguments.place.file)?)?;
    let task = task(&workspace, arguments)?;
    conduct(workspace, task, &arguments.wanted)
}

/// Without `--apply` the diff is printed, for a person or a program to judge.
pub(crate) fn conduct(mut workspace: Workspace, task: Task, wanted: &Wanted) -> anyhow::Result<Status> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let bar = spinner("choosing what the model has to see");
    let contexts = contexts(&mut workspace);
    let done = runtime.block_on(perform(task, &workspace, contexts, &bar, wanted.apply));
    bar.finish_and_clear();
    // What the worker thread was asked for last is not waited for.
    runtime.shutdown_background();
    let (proposal, id) = done?;
    let summary = proposal.summary().context("the proposal did not come to an end")?;
    let is_applied = matches!(proposal.state(), Applied);
    let is_held_back = wanted.apply && !is_applied;
    match (wanted.format, wanted.diff) {
        (Format::Json, _) => print_json(&Printed { id, summary: &summary })?,
        (Format::Human, true) => print_exactly(&summary.diff)?,
        (Format::Human, false) => print(human(&summary, id, is_applied, is_held_back))?,
    }
    Ok(match summary.status {
        ::propose::Status::Ready if is_held_back => Status::Findings,
        ::propose::Status::Ready => Status::Fine,
        ::propose::Status::Partial | ::propose::Status::Escalated => Status::Findings,
        ::propose::Status::Failed | ::propose::Status::Cancelled => Status::Failure,
    })
}

#[derive(Serialize)]
struct Printed<'a> {
    /// For `tantu evidence`.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    #[serde(flatten)]
    summary: &'a Summary,
}

/// Takes the names of these assists, and says in the help what they do.
fn assists(of: impl IntoIterator<Item = AssistId>) -> impl TypedValueParser<Value = AssistId> {
    let title = |id: AssistId| id.title().trim_end_matches(" (preview)");
    let values = of.into_iter().map(|id| PossibleValue::new(id.name()).aliases(id.alias()).help(title(id)));
    PossibleValuesParser::new(values.collect::<Vec<_>>()).try_map(|name| name.parse::<AssistId>())
}

fn task(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<Task> {
    let Arguments { assist, place, instruction, preset, .. } = arguments;
    if preset.is_some() && *assist != AssistId::RefactorFunction {
        bail!("--preset is for refactor, not for {assist}");
    }
    let assist = preset.as_ref().unwrap_or(assist);
    let name = place.file.display();
    let analysis = &workspace.analysis;
    let file = workspace.file(&place.file)?;
    let line = place.line.with_context(|| format!("which line of {name}? Write {name}:LINE"))?;
    let offset = start_of_line(analysis.source(file), line).with_context(|| name.to_string())?;
    let offers = assists::offered(analysis, file, TextRange::empty(offset));
    let offer = offers.into_iter().find(|offer| offer.id == *assist);
    let offer = offer.with_context(|| format!("{name}:{line}: {assist} makes no sense here"))?;
    let instruction = &instruction.clone().or(offer.instruction);
    if assist.occasion() == Occasion::FailingTest && instruction.is_none() {
        bail!("{assist} has to be told how the test fails, by -i TEXT");
    }
    if assist.needs_instruction() && instruction.is_none() {
        let question = assist.prompt().unwrap_or_default();
        bail!("{assist} has to be told what you want, by -i TEXT: {question}");
    }
    let (instruction, fixes_code) = match assist.occasion() {
        Occasion::Finding => {
            let (finding, code) = finding_at(workspace, file, line)
                .with_context(|| format!("{name}:{line}: there is no finding here; `tantu check` lists them"))?;
            let wanted = instruction.iter().map(|wanted| format!("\n{wanted}"));
            (Some(finding + &wanted.collect::<String>()), Some(code))
        }
        _ => (instruction.clone(), None),
    };
    Ok(Task {
        assist: *assist,
        path: analysis.path(file).to_path_buf(),
        symbol: analysis.symbol(offer.symbol).qualified_name(),
        instruction,
        fixes_code,
    })
}

/// What the first finding on a line (counted from 1) says, and its code.
fn finding_at(workspace: &Workspace, file: FileId, line: u32) -> Option<(String, String)> {
    let found = super::check::findings(workspace, &[file]);
    let on_line = found.into_iter().find(|finding| finding.line() == line)?;
    Some((format!("{}, line {line} of the file: {}", on_line.code, on_line.message), on_line.code))
}

/// Works on `task` until a person would be asked. With `apply` the answer is yes.
async fn perform(
    task: Task,
    workspace: &Workspace,
    contexts: Arc<Contexts>,
    bar: &ProgressBar,
    apply: bool,
) -> anyhow::Result<(Proposal, Option<i64>)> {
    let settings = model::config::default_path();
    let client = ModelClient::required(settings.as_deref()).map_err(anyhow::Error::msg)?;
    let executor = Executor::new(client, runner_of_proposals()?, Arc::new(type_checker()?));
    let chosen = workspace.settings();
    let host = &workspace.host;
    let lints = Arc::new(Lints::new(chosen.ruff, host.analysis().roots()));
    let terminal = Terminal { host, lints, contexts, project: chosen.project.clone(), bar, apply };
    Ok(ProposalRunner::new(Proposal::new(task, executor.limits())).drive(&executor, &terminal).await)
}

struct Terminal<'a> {
    host: &'a AnalysisHost,
    lints: Arc<Lints>,
    contexts: Arc<Contexts>,
    project: Arc<ide::Project>,
    bar: &'a ProgressBar,
    apply: bool,
}

impl ProposalHost for Terminal<'_> {
    async fn state(&self) -> Option<State> {
        let (lints, contexts) = (self.lints.clone(), self.contexts.clone());
        Some(State {
            host: self.host.clone(),
            unsaved: Vec::new(),
            lints,
            contexts,
            project: self.project.clone(),
            limits: sandbox::Limits::default(),
        })
    }

    fn say(&self, what: String) {
        note(self.bar, &what);
    }

    async fn review(&self, evidence: &Evidence) -> Option<Event> {
        // A yes that was given before answers nothing that a check asks.
        let asks = evidence.checks.iter().any(|(_, result)| matches!(result, CheckResult::Asked(_)));
        // What is left of an answer is not what was asked for.
        let is_whole = evidence.left_out.is_empty();
        (self.apply && is_whole && !asks).then_some(Event::Approved)
    }

    async fn apply(&self, validated: &Validated) -> Option<Event> {
        // What cannot be read is not what was checked.
        let text = |path: &Path| {
            let text = syntax::read_source(path).ok()?;
            Some(Arc::from(text.as_str()))
        };
        Some(match validated.change(text) {
            Err(moved) => Event::Moved(moved),
            Ok(change) => match assistant::edits::write(change, self.host.analysis().roots()) {
                Ok(()) => Event::Applied,
                Err(error) => Event::NotApplied(format!("{error:#}")),
            },
        })
    }

    /// The summary says it all.
    async fn report(&self, _: Severity, _: String) {}

    async fn cancelled(&self) {
        std::future::pending().await
    }
}

fn human(summary: &Summary, id: Option<i64>, applied: bool, held_back: bool) -> Shown {
    let mut text = for_stdout();
    text.push(&summary.diff);
    for finding in &summary.findings {
        text.push(&format!("{finding}\n"));
    }
    for warning in &summary.warnings {
        text.push(&format!("warning: {warning}\n"));
    }
    for (stage, result) in &summary.checks {
        text.push(&format!("{}: {result}\n", stage.title()));
    }
    if let Some(message) = &summary.message {
        text.push(&format!("{message}\n"));
    }
    let (style, verdict) = match summary.status {
        ::propose::Status::Ready if applied => (Style::Green, "applied: every check that could run passed"),
        ::propose::Status::Ready if held_back => {
            (Style::Yellow, "not applied: a check asks what only a person can answer; the diff is above")
        }
        ::propose::Status::Ready => (Style::Green, "ready: every check that could run passed"),
        ::propose::Status::Partial => {
            (Style::Yellow, "partial: not applied; what is in the diff passed every check that could run")
        }
        ::propose::Status::Escalated => (Style::Red, "for you to judge: no attempt passed"),
        ::propose::Status::Failed => (Style::Red, "failed"),
        ::propose::Status::Cancelled => (Style::Red, "cancelled"),
    };
    let confidence = summary.confidence.map_or(String::new(), |score| format!(", confidence {score:.2}"));
    let model = summary.model.as_deref().map_or(String::new(), |model| format!(", by {model}"));
    text.push_styled(style, verdict);
    text.push(&format!("{confidence}{model}\n"));
    if let Some(id) = id {
        text.push(&format!("`tantu evidence {id}` says what was checked\n"));
    }
    text
}

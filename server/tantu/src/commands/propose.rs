//! `tantu propose ASSIST FILE:LINE`

use std::collections::VecDeque;
use std::sync::Arc;

use ::lsp::contexts::Contexts;
use ::lsp::effects::{State, Tools};
use ::lsp::lints::{Lints, RuffChoice};
use ::propose::{Effect, Event, Proposal, Summary, Task};
use anyhow::Context;
use clap::Args;
use graph::{AnalysisHost, FileId};
use ide::assists::AssistId;
use indicatif::ProgressBar;
use syntax::TextRange;

use crate::Status;
use crate::output::{Format, GREEN, RED, print, print_json, spinner, styled};
use crate::place::{Place, start_of_line};
use crate::sandboxed::worker;
use crate::workspace::{Workspace, existing, root_of};

#[derive(Args)]
pub(crate) struct Arguments {
    /// What to do, such as implement-function
    assist: AssistId,
    /// The place to do it at, such as shop/discounts.py:58
    #[arg(value_name = "FILE:LINE")]
    place: Place,
    /// What you want besides
    #[arg(short, long, value_name = "TEXT")]
    instruction: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Nothing is applied: the diff is printed, for a person or a program to judge.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let workspace = Workspace::read(&root_of(&existing(&arguments.place.file)?))?;
    let task = task(&workspace, arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let bar = spinner("choosing what the model has to see");
    let proposal = runtime.block_on(perform(task, &workspace.host, &bar));
    bar.finish_and_clear();
    // What the worker thread was asked for last is not waited for.
    runtime.shutdown_background();
    let summary = proposal?.summary().context("the proposal did not come to an end")?;
    match arguments.format {
        Format::Json => print_json(&summary)?,
        Format::Human => print(&human(&summary))?,
    }
    Ok(match summary.status {
        ::propose::Status::Ready => Status::Fine,
        ::propose::Status::Escalated => Status::Findings,
        ::propose::Status::Failed | ::propose::Status::Cancelled => Status::Failure,
    })
}

fn task(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<Task> {
    let Arguments { assist, place, instruction, .. } = arguments;
    let name = place.file.display();
    let analysis = &workspace.analysis;
    let file = workspace.file(&place.file)?;
    let line = place.line.with_context(|| format!("which line of {name}? Write {name}:LINE"))?;
    let offset = start_of_line(analysis.source(file), line).with_context(|| name.to_string())?;
    let offers = ide::assists::offered(analysis, file, TextRange::empty(offset));
    let offer = offers.into_iter().find(|offer| offer.id == *assist);
    let offer = offer.with_context(|| format!("{name}:{line}: {assist} makes no sense here"))?;
    let (instruction, mends) = match assist {
        AssistId::FixDiagnostic => {
            let (finding, code) = finding_at(workspace, file, line)
                .with_context(|| format!("{name}:{line}: there is no finding here; `tantu check` lists them"))?;
            let wanted = instruction.iter().map(|wanted| format!("\n{wanted}"));
            (Some(finding + &wanted.collect::<String>()), Some(code))
        }
        AssistId::FollowComment
        | AssistId::ImplementFunction
        | AssistId::RefactorFunction
        | AssistId::WriteDocstring => (instruction.clone(), None),
    };
    Ok(Task {
        assist: *assist,
        path: analysis.path(file).to_path_buf(),
        symbol: analysis.symbol(offer.symbol).qualified_name(),
        instruction,
        mends,
    })
}

/// What the first finding on a line (counted from 1) says, and its code.
fn finding_at(workspace: &Workspace, file: FileId, line: u32) -> Option<(String, String)> {
    let found = super::check::findings(workspace, &[file]);
    let on_line = found.into_iter().find(|finding| finding.line() == line)?;
    Some((format!("{}, line {line} of the file: {}", on_line.code, on_line.message), on_line.code))
}

/// Works on `task` until a person would be asked.
async fn perform(task: Task, host: &AnalysisHost, bar: &ProgressBar) -> anyhow::Result<Proposal> {
    let settings = model::config::default_path();
    let (tools, limits) =
        Tools::configured(settings.as_deref(), Arc::new(worker()?)).map_err(|message| anyhow::anyhow!(message))?;
    let say = |what: String| bar.set_message(what);
    let lints = Arc::new(Lints::new(RuffChoice::Bundled, host.analysis().roots()));
    let contexts = Arc::<Contexts>::default();
    let state = || State { host: host.clone(), unsaved: Vec::new(), lints: lints.clone(), contexts: contexts.clone() };
    let (mut proposal, effects) = Proposal::new(task.clone(), limits);
    let mut effects = VecDeque::from(effects);
    while let Some(effect) = effects.pop_front() {
        let event: Event = match effect {
            Effect::Assemble => tools.assemble(task.clone(), state()).await,
            Effect::Generate(prompt) => tools.generate(task.assist, prompt, &say).await,
            Effect::Check { title, code } => tools.check(task.clone(), title, code, state()).await,
            Effect::Test(requests) => tools.test(requests, state(), &say).await,
            // The summary says it all.
            Effect::Review(_) | Effect::Apply(_) | Effect::Report { .. } => continue,
        };
        let (next, more) = proposal.step(event);
        proposal = next;
        effects.extend(more);
    }
    Ok(proposal)
}

fn human(summary: &Summary) -> String {
    let stdout = std::io::stdout();
    let mut text = summary.diff.clone();
    for finding in &summary.findings {
        text.push_str(&format!("{finding}\n"));
    }
    for warning in &summary.warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    for (stage, result) in &summary.checks {
        text.push_str(&format!("{}: {result}\n", stage.title()));
    }
    if let Some(message) = &summary.message {
        text.push_str(&format!("{message}\n"));
    }
    let (style, verdict) = match summary.status {
        ::propose::Status::Ready => (GREEN, "ready: every check that could run passed"),
        ::propose::Status::Escalated => (RED, "for you to judge: no attempt passed"),
        ::propose::Status::Failed => (RED, "failed"),
        ::propose::Status::Cancelled => (RED, "cancelled"),
    };
    let confidence = summary.confidence.map_or(String::new(), |score| format!(", confidence {score:.2}"));
    let model = summary.model.as_deref().map_or(String::new(), |model| format!(", by {model}"));
    text.push_str(&format!("{}{confidence}{model}\n", styled(&stdout, style, verdict)));
    text
}

//! `tantu review`: what a model finds in a piece of code, and, without one, what a change does.

mod change;
mod markdown;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use ::workspace::lints::Lints;
use ::workspace::revision;
use anyhow::{Context, ensure};
use assistant::client::{ModelClient, Spent};
use assistant::contexts::Contexts;
use assistant::review::{Outcome, Reviewed, review, summary};
use assists::review as ask;
use clap::{Args, ValueEnum};
use graph::SymbolId;
use indicatif::ProgressBar;
use model::dollars;
use serde::Serialize;
use syntax::Encoding;
use terminal::{Shown, Style};

use crate::Status;
use crate::contexts::contexts;
use crate::output::{for_stdout, note, print, print_json, spinner};
use crate::place::{Place, start_of_line};
use crate::workspace::{Workspace, root_of};

#[derive(Args)]
pub(crate) struct Arguments {
    /// A file, or with a line the function or class there, such as shop/cart.py:12; a model looks for defects in it
    #[arg(value_name = "FILE[:LINE]", required_unless_present = "since")]
    place: Option<Place>,
    /// Review what has changed since this revision of git, such as HEAD or main, without a model: what it breaks and fixes, what it
    /// touches, what its tests say. With FILE or --model, have a model look for defects in what has changed
    #[arg(long, value_name = "REV")]
    since: Option<String>,
    /// With --since: have a model look for defects, too, and mark what it says as its opinion
    #[arg(long, requires = "since")]
    model: bool,
    /// In JSON, lines and characters are counted from 0, characters in UTF-16 code units, as editors do; in that of a change lines are
    /// counted from 1
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    #[command(flatten)]
    files: Files,
    /// With --since: stop after so many seconds and say what is not finished
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0)]
    limit: f32,
    /// With --since: run no tests
    #[arg(long)]
    no_tests: bool,
}

/// Files that are written besides.
#[derive(Args)]
pub(crate) struct Files {
    /// With --since: write the review to this file and not to standard output
    #[arg(long, value_name = "FILE", requires = "since")]
    output: Option<PathBuf>,
    /// With --since: write the findings to this file in SARIF as well
    #[arg(long, value_name = "FILE", requires = "since")]
    sarif: Option<PathBuf>,
    /// With --since: write the results of the tests to this file in JUnit's XML
    #[arg(long, value_name = "FILE", requires = "since")]
    junit: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For reading
    Human,
    /// For programs; stable
    Json,
    /// For a comment on a pull request; it begins with a line that finds it again. Of a change
    Markdown,
    /// SARIF 2.1.0, which code hosts show beside the code. Of a change
    Sarif,
    /// Annotations, as lines that GitHub's runners read. Of a change
    Github,
}

#[derive(Serialize)]
struct Report {
    findings: Vec<Finding>,
    dropped: Vec<Dropped>,
    /// Claims that are not of the form that was asked for.
    malformed: usize,
    /// What was not reviewed, and why.
    failed: Vec<Failed>,
    models: Vec<String>,
    usage: Spent,
}

#[derive(Serialize)]
struct Finding {
    path: String,
    range: Range,
    symbol: String,
    severity: &'static str,
    message: String,
    replacement: Option<String>,
}

#[derive(Serialize)]
struct Range {
    start: Position,
    end: Position,
}

#[derive(Serialize)]
struct Position {
    line: u32,
    character: u32,
}

#[derive(Serialize)]
struct Dropped {
    symbol: String,
    message: String,
    why: String,
}

#[derive(Serialize)]
struct Failed {
    symbol: String,
    why: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let here = PathBuf::from(".");
    let around = arguments.place.as_ref().map_or(&here, |place| &place.file);
    let mut workspace = Workspace::read(&root_of(around)?)?;
    if let Some(since) = arguments.since.as_deref().filter(|_| arguments.place.is_none()) {
        let review = change::Review::of(&workspace, since, arguments)?;
        let opinion = match arguments.model {
            true => Some(opinion(&mut workspace, arguments)?),
            false => None,
        };
        review.write(opinion.as_ref(), arguments)?;
        return Ok(review.status());
    }
    let of_code = matches!(arguments.format, Format::Human | Format::Json);
    ensure!(of_code, "this format is for a change: --since REV, without FILE");
    let (report, text) = opinion(&mut workspace, arguments)?;
    match arguments.format {
        Format::Json => print_json(&report)?,
        _ => print(text)?,
    }
    Ok(match (report.failed.is_empty(), report.findings.is_empty()) {
        (false, _) => Status::Failure,
        (true, false) => Status::Findings,
        (true, true) => Status::Fine,
    })
}

/// What a model finds.
fn opinion(workspace: &mut Workspace, arguments: &Arguments) -> anyhow::Result<(Report, Shown)> {
    let targets = targets(workspace, arguments)?;
    let settings = model::config::default_path();
    let configured = ModelClient::configured(settings.as_deref()).map_err(anyhow::Error::msg)?;
    let client = Arc::new(configured.with_context(|| ModelClient::none(settings.as_deref()))?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let contexts = contexts(workspace);
    let bar = spinner("choosing what the model has to see");
    let outcomes = runtime.block_on(perform(workspace, &client, contexts, &targets, &bar));
    bar.finish_and_clear();
    runtime.shutdown_background();
    Ok(report(workspace, outcomes))
}

fn targets(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<Vec<SymbolId>> {
    let analysis = &workspace.analysis;
    let file = arguments.place.as_ref().map(|place| workspace.file(&place.file)).transpose()?;
    if let Some(since) = &arguments.since {
        ensure!(arguments.place.as_ref().is_none_or(|it| it.line.is_none()), "--since is for files, not for a line");
        let before = revision::earlier(&workspace.root, since)?;
        let ide::Changes { symbols, modules, .. } = ide::changes(analysis, &before);
        let modules = modules.into_iter().map(|file| analysis.module(file));
        let mut targets = ask::changed_parts(analysis, &modules.chain(symbols).collect::<Vec<_>>());
        targets.retain(|target| file.is_none_or(|file| target.file == file));
        return Ok(targets);
    }
    let (Some(file), Some(place)) = (file, &arguments.place) else { return Ok(Vec::new()) };
    let Some(line) = place.line else { return Ok(ask::parts(analysis, file)) };
    let name = place.file.display().to_string();
    let offset = start_of_line(analysis.source(file), line).map_err(|error| error.context(name.clone()))?;
    let target = ask::target(analysis, file, offset);
    Ok(vec![target.with_context(|| format!("{name}:{line}: there is no function or class here"))?])
}

type Answered = (SymbolId, Result<Outcome, String>);

/// One after the other, until nobody answers.
async fn perform(
    workspace: &Workspace,
    client: &Arc<ModelClient>,
    contexts: Arc<Contexts>,
    targets: &[SymbolId],
    bar: &ProgressBar,
) -> Vec<Answered> {
    let settings = workspace.settings();
    let of = Reviewed {
        analysis: workspace.analysis.clone(),
        contexts,
        lints: Arc::new(Lints::new(settings.ruff, std::slice::from_ref(&workspace.root))),
        project: settings.project.clone(),
    };
    let mut outcomes = Vec::new();
    for &target in targets {
        let name = workspace.analysis.symbol(target).qualified_name();
        let say = |what: String| note(bar, &format!("{name}: {what}"));
        let outcome = review(client, of.clone(), target, &say).await;
        let is_over = outcome.is_err();
        outcomes.push((target, outcome));
        if is_over {
            break;
        }
    }
    outcomes
}

fn report(workspace: &Workspace, outcomes: Vec<Answered>) -> (Report, Shown) {
    let analysis = &workspace.analysis;
    let mut report = Report {
        findings: Vec::new(),
        dropped: Vec::new(),
        malformed: 0,
        failed: Vec::new(),
        models: Vec::new(),
        usage: Spent::default(),
    };
    let mut text = for_stdout();
    for (target, outcome) in outcomes {
        let symbol = analysis.symbol(target).qualified_name();
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(why) => {
                text.push(&format!("{symbol}: "));
                text.push_styled(Style::Red, "not reviewed");
                text.push(&format!(": {why}\n"));
                report.failed.push(Failed { symbol, why });
                continue;
            }
        };
        report.usage += outcome.spent;
        report.malformed += outcome.malformed;
        for found in &outcome.review.findings {
            let finding = finding(workspace, found);
            human(workspace, &finding, found, &mut text);
            report.findings.push(finding);
        }
        let cut = if outcome.complete { "" } else { "; the answer was cut off" };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{symbol}: {}{cut}, by {}", summary(&outcome.review), outcome.model);
        let dropped = outcome.review.dropped.into_iter();
        report.dropped.extend(dropped.map(|it| Dropped {
            symbol: symbol.clone(),
            message: it.message,
            why: it.why.to_string(),
        }));
        if !report.models.contains(&outcome.model) {
            report.models.push(outcome.model);
        }
    }
    if let Some(cost) = report.usage.cost.filter(|&cost| cost > 0) {
        let _ = writeln!(text, "it cost {}", dollars(cost));
    }
    if text.as_str().is_empty() {
        text.push("there is nothing to review\n");
    }
    (report, text)
}

fn finding(workspace: &Workspace, found: &ask::Finding) -> Finding {
    let analysis = &workspace.analysis;
    let source = analysis.source(found.symbol.file);
    let position = |offset| {
        let syntax::Position { line, column } = source.position(offset, Encoding::Utf16);
        Position { line, character: column }
    };
    Finding {
        path: workspace.shown(found.symbol.file),
        range: Range { start: position(found.range.start()), end: position(found.range.end()) },
        symbol: analysis.symbol(found.symbol).qualified_name(),
        severity: match found.severity {
            ide::Severity::Error => "error",
            ide::Severity::Warning => "warning",
            ide::Severity::Information => "information",
            ide::Severity::Hint => "hint",
        },
        message: found.message.clone(),
        replacement: found.replacement.clone(),
    }
}

fn human(workspace: &Workspace, finding: &Finding, found: &ask::Finding, text: &mut Shown) {
    let source = workspace.analysis.source(found.symbol.file);
    let style = if finding.severity == "error" { Style::Red } else { Style::Yellow };
    let place = format!("{}:{}:{}", finding.path, finding.range.start.line + 1, finding.range.start.character + 1);
    text.push_styled(Style::Bold, &place);
    text.push(": ");
    text.push_styled(style, finding.severity);
    text.push(&format!(": {}\n", finding.message));
    let mut quote = |mark: &str, code: &str| {
        code.lines().for_each(|line| text.push(&format!("  {mark} {line}\n")));
    };
    quote(if finding.replacement.is_some() { "-" } else { "|" }, source.slice(found.range));
    quote("+", finding.replacement.as_deref().unwrap_or_default());
}

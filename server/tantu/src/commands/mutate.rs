//! `tantu mutate SYMBOL|FILE:LINE`

use std::path::Path;
use std::time::Duration;

use ::sandbox::{Action, Limits, Outcome, Request, Runner, Status as Ended, Verdict};
use anyhow::Context;
use clap::Args;
use graph::{SymbolId, SymbolKind};
use serde::Serialize;
use syntax::apply_edits;
use terminal::{Shown, Style};
use validate::{Mutant, mutants};

use super::impact;
use crate::Status;
use crate::output::{Format, counted, for_stdout, print, print_json, progress};
use crate::sandboxed::{environment, needs, worker};
use crate::workspace::Workspace;

/// Definitions that are looked at on the way to the tests.
const EFFORT: ide::Effort = ide::Effort::thorough(100_000);

/// What a mutant may take beside what the tests took with the code as it is: it may well never end.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Args)]
pub(crate) struct Arguments {
    /// A line of a function or class, such as shop/cart.py:12, or a name in the current folder, such as shop.cart:Cart.add
    #[arg(value_name = "SYMBOL|FILE:LINE")]
    target: String,
    /// So many mutants at most; those that change most come first
    #[arg(long, value_name = "COUNT", default_value_t = 40)]
    limit: usize,
    /// So many tests at most, the nearest first
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    tests: usize,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// How good the tests of a definition are.
#[derive(Serialize)]
struct Score {
    symbol: String,
    path: String,
    /// Tests that reach it and pass.
    tests: usize,
    /// Tests that were left aside, because they fail, are skipped or cannot be run as it is.
    left_out: Vec<String>,
    mutants: usize,
    killed: usize,
    survivors: Vec<Survivor>,
}

/// A mutant that no test has noticed.
#[derive(Serialize)]
struct Survivor {
    /// 1-based.
    line: u32,
    /// In a few words: "`<` became `<=`".
    change: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let (workspace, symbol) = impact::target(&arguments.target)?;
    let analysis = &workspace.analysis;
    let view = analysis.symbol(symbol);
    let name = view.qualified_name();
    let is_code = matches!(view.kind, SymbolKind::Function | SymbolKind::Method | SymbolKind::Class);
    anyhow::ensure!(is_code, "{name} is no function and no class");
    let path = workspace.shown(symbol.file);
    let text = analysis.source(symbol.file).text().to_string();
    let found = mutants(&text, view.range, arguments.limit);
    anyhow::ensure!(!found.is_empty(), "{path}: there is nothing in {name} to make mutants of");
    let (request, all) = tests(&workspace, symbol, arguments.tests)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let worker = worker()?;
    let perform = |request: Request| runtime.block_on(worker.run(request, &|_| {}));
    let before = perform(request.clone())?;
    let passed = passed(&before);
    anyhow::ensure!(!passed.is_empty(), "{}", nothing_passed(&name, &before));
    let left_out: Vec<String> = all.into_iter().filter(|id| !passed.contains(id)).collect();
    let wall = Duration::from_millis(before.millis) * 2 + PATIENCE;
    let limits = Limits { wall, ..Limits::default() }.clamped();
    let request = Request { action: Action::Pytest { targets: passed.clone() }, limits, ..request };
    let relative = analysis.path(symbol.file).strip_prefix(&workspace.root)?.to_path_buf();
    let bar = progress(found.len() as u64, "mutants");
    let mut survivors = Vec::new();
    for mutant in &found {
        let outcome = perform(with_mutant(&request, &relative, &text, mutant)?)?;
        if outcome.outcome == Ended::Passed {
            survivors.push(Survivor { line: mutant.line, change: mutant.what.clone() });
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    survivors.sort_by_key(|it| it.line);
    let (mutants, killed) = (found.len(), found.len() - survivors.len());
    let score = Score { symbol: name, path, tests: passed.len(), left_out, mutants, killed, survivors };
    match arguments.format {
        Format::Json => print_json(&score)?,
        Format::Human => print(human(&score))?,
    }
    Ok(if score.survivors.is_empty() { Status::Fine } else { Status::Findings })
}

/// The nearest tests that reach `symbol`, as a run, and their names.
fn tests(workspace: &Workspace, symbol: SymbolId, most: usize) -> anyhow::Result<(Request, Vec<String>)> {
    let analysis = &workspace.analysis;
    let name = analysis.symbol(symbol).qualified_name();
    let mut tests = ide::tests_reaching(analysis, symbol, EFFORT).tests;
    tests.retain(|test| analysis.path(test.file).starts_with(&workspace.root));
    anyhow::ensure!(!tests.is_empty(), "no test is known to reach {name}: `tantu impact` says who calls it");
    tests.truncate(most.max(1));
    // As the suite has them: tests may rest on what those before them have left.
    tests.sort_by_key(|test| (analysis.path(test.file), analysis.symbol(*test).range.start()));
    let ids: Vec<String> = tests.iter().map(|&test| ide::node_id(analysis, &workspace.root, test)).collect();
    let mut files: Vec<_> = tests.iter().map(|test| test.file).collect();
    files.dedup();
    let environment = environment(&workspace.root);
    let needs = needs(analysis, &environment, &files);
    if let Some(message) = needs.message(analysis) {
        anyhow::bail!("the tests of {name} are not runnable here: {message}");
    }
    let action = Action::Pytest { targets: ids.clone() };
    let packages = needs.packages.into_iter().collect();
    let limits = Limits { wall: Duration::from_secs(10 + ids.len() as u64), ..Limits::default() }.clamped();
    Ok((Request { site: environment.sites, packages, limits, ..Request::new(&workspace.root, action) }, ids))
}

/// The tests that passed, each once whatever values it was run with.
fn passed(outcome: &Outcome) -> Vec<String> {
    let name = |id: &str| id.split('[').next().unwrap_or(id).to_owned();
    let is_passed = |id: &str| outcome.tests.iter().all(|it| name(&it.id) != id || it.verdict == Verdict::Passed);
    let mut names: Vec<String> = outcome.tests.iter().map(|it| name(&it.id)).filter(|id| is_passed(id)).collect();
    names.dedup();
    names
}

fn nothing_passed(name: &str, outcome: &Outcome) -> String {
    let why = outcome.failures.first().map(|it| format!(": {}:{}: {}", it.path, it.line, it.message));
    format!("none of the tests that reach {name} passes as it is{}", why.unwrap_or_default())
}

fn with_mutant(request: &Request, path: &Path, text: &str, mutant: &Mutant) -> anyhow::Result<Request> {
    let text = apply_edits(text, std::slice::from_ref(&mutant.edit)).ok().context("a mutant is an edit of the text")?;
    Ok(Request { overlay: vec![(path.to_owned(), text)], ..request.clone() })
}

fn human(score: &Score) -> Shown {
    let mut out = for_stdout();
    for survivor in &score.survivors {
        out.push(&format!("{}:{}: no test notices that {}\n", score.path, survivor.line, survivor.change));
    }
    for id in &score.left_out {
        out.push(&format!("{id}: left aside, it does not pass as it is\n"));
    }
    let style = if score.survivors.is_empty() { Style::Green } else { Style::Red };
    out.push_styled(style, &format!("{} of {} killed", score.killed, counted(score.mutants, "mutant")));
    out.push(&format!(" by {} of {}\n", counted(score.tests, "test"), score.symbol));
    out
}

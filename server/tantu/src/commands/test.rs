//! `tantu test [PATHS]`

mod continuous;
mod coverage;
mod progress;
mod report;
mod selection;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use ::sandbox::{Action, Coverage, Limits, Outcome, Request};
use anyhow::Context;
use clap::Args;
use ide::node_id;
use lint::Environment;
use model::config::Confined;
use runs::selection::{runnability, told_apart};

use self::report::{NotRunnable, Report};
use self::selection::Selection;
use crate::output::{Format, print, print_json, warn};
use crate::sandboxed::{environment, may_run_confined, needs, remedy};
use crate::workspace::Workspace;
use crate::{Status, junit};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Files, folders, or names of tests as pytest writes them, such as tests/test_cart.py::TestCart::test_total; all tests of
    /// the current folder if there are none
    paths: Vec<String>,
    /// Only the tests that reach what has changed since they last all passed, or, where they never did, since the last commit.
    /// The likeliest to fail run first. What changed is found by definition: comments and formatting affect nothing
    #[arg(long)]
    affected: bool,
    /// With --affected: what has changed since this revision of git, such as HEAD or main
    #[arg(long, value_name = "REV", requires = "affected")]
    since: Option<String>,
    /// Run what the sandbox cannot run, or says to fail, in the project's own interpreter, confined by the kernel (Linux). The
    /// default with `confined = "tests"` in [sandbox] of config.toml
    #[arg(long)]
    confined: bool,
    /// Run nothing and say what would run; with --affected also why: from the test to what changed
    #[arg(long)]
    list: bool,
    /// Go on: run the affected tests whenever a file of the workspace has changed, and stop those that run. Ends with Ctrl-C
    #[arg(long, conflicts_with = "list")]
    watch: bool,
    #[command(flatten)]
    coverage: coverage::Wanted,
    /// Write the results to FILE in the format of JUnit, which CI servers read
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    if arguments.watch {
        return continuous::run(arguments);
    }
    let (mut workspace, mut selection) = selection::of(arguments)?;
    let may_confine = arguments.confined || may_run_confined(Confined::Tests);
    let all_chosen = (selection.targets.clone(), selection.files.clone());
    let environment = environment(&workspace.root);
    let all = needs(&workspace.analysis, &environment, &selection.files);
    let not_runnable = take_not_runnable(&workspace, &mut selection, &environment);
    // What is left for the confined runner is announced by its outcome.
    let (not_runnable, only_confined) = match may_confine && !arguments.list {
        true => {
            (selection.targets, selection.files) = all_chosen;
            let id = |file| node_id(&workspace.analysis, &workspace.root, workspace.analysis.module(file));
            let mut only_confined: Vec<String> = not_runnable.iter().map(|it| id(it.file)).collect();
            let availability = |module: &str| environment.availability(module);
            let differing = told_apart(&workspace.analysis, &selection.files, availability);
            only_confined.extend(differing.into_iter().map(id));
            (Vec::new(), only_confined)
        }
        false => (not_runnable, Vec::new()),
    };
    let mut report = Report::new(&workspace, &selection, not_runnable);
    if arguments.format == Format::Human {
        print(report.announcement(arguments.list))?;
    }
    if !arguments.list && !selection.targets.is_empty() {
        let measured = match arguments.coverage.is_any() {
            true => runs::coverage::measured(&workspace.analysis, &workspace.root),
            false => Vec::new(),
        };
        let request = Request {
            watched: measured.iter().map(|(_, path)| path.into()).collect(),
            whole_files: true,
            writable: true,
            site: environment.sites.clone(),
            packages: all.packages.into_iter().collect(),
            limits: limits(selection.tests),
            ..Request::new(&workspace.root, Action::Pytest { targets: selection.targets.clone() })
        };
        let confined = may_confine.then_some(only_confined);
        let mut outcome = watch::perform(request, &selection, confined)?;
        remember(&mut workspace, &selection, &report, &outcome);
        if arguments.coverage.is_any() {
            let files = runs::coverage::of(&workspace.analysis, &measured, &outcome.lines);
            arguments.coverage.write(&files)?;
            report.coverage = Some(files);
        }
        if let Some(path) = &arguments.junit {
            let results: Vec<_> = gate::test_results(&outcome).collect();
            std::fs::write(path, junit::xml(&results)).with_context(|| path.display().to_string())?;
        }
        // For us, not for whoever reads the report.
        outcome.coverage = Coverage::default();
        outcome.lines.clear();
        report.outcome = Some(outcome);
    }
    match arguments.format {
        Format::Json => print_json(&report.json())?,
        Format::Human => {
            let shown = report.coverage.as_ref().filter(|_| arguments.coverage.is_shown());
            shown.map(|files| print(coverage::human(files))).transpose()?;
            print(report.conclusion(arguments.list))?;
        }
    }
    let passed = report.outcome.as_ref().is_none_or(|it| it.outcome == ::sandbox::Status::Passed);
    let is_fine = arguments.list || (passed && report.not_runnable.is_empty());
    Ok(if is_fine { Status::Fine } else { Status::Findings })
}

/// Takes the files out of the selection that need what the sandbox does not have.
fn take_not_runnable(workspace: &Workspace, selection: &mut Selection, environment: &Environment) -> Vec<NotRunnable> {
    let analysis = &workspace.analysis;
    let found = runnability(&selection.files, |files| needs(analysis, environment, files));
    let advice = found.left_out.iter().find_map(|(_, needs)| remedy(environment, needs));
    advice.into_iter().for_each(warn);
    selection.keep(analysis, &workspace.root, &found.runnable);
    let not_runnable = found.left_out.into_iter().map(|(file, needs)| {
        let reason = needs.message(analysis).unwrap_or_default();
        NotRunnable { path: workspace.shown(file), reason, file }
    });
    not_runnable.collect()
}

/// Long enough for all tests, were each a slow one. Of many, some have parameters or are made by a plugin, which nobody has counted;
/// a run in which no test ends any more is stopped long before.
fn limits(tests: usize) -> Limits {
    let limits = Limits::default();
    let each = if tests < 5 { 1 } else { 20 };
    Limits { wall: limits.wall + Duration::from_secs(each * tests as u64), ..limits }.clamped()
}

/// Keeps what failed, and that nothing did. Without a database the next run has less to go by.
fn remember(workspace: &mut Workspace, selection: &Selection, report: &Report, outcome: &Outcome) {
    let all_passed = outcome.outcome == ::sandbox::Status::Passed && report.not_runnable.is_empty();
    let result = runs::affected::remember(&workspace.state(), outcome, all_passed && selection.is_decisive);
    let Some(persistence) = &workspace.persistence else { return };
    if let Err(error) = result {
        warn(format!("not kept for the next time in {}: {error}", persistence.path().display()));
    }
}

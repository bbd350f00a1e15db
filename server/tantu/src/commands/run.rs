//! `tantu run FILE[:LINE[-LINE]]`

mod target;

use ::sandbox::{Action, Event, Failure, Outcome, Request};
use clap::Args;
use graph::FileId;
use ide::Needs;
use runs::plan::slashed;
use terminal::{Shown, Style};

use crate::Status;
use crate::output::{Format, for_stdout, preparing, print, print_json, spinner, warn};
use crate::place::Lines;
use crate::sandboxed::{environment, needs, perform, remedy};
use crate::workspace::Workspace;

#[derive(Args)]
pub(crate) struct Arguments {
    /// With a line: the test, doctest, cell or `__main__` there. With two, as in a.py:3-12: these lines. Without: the file's
    /// tests if it has any, else the file as a script
    #[arg(value_name = "FILE[:LINE[-LINE]]")]
    lines: Lines,
    /// A cell (`# %%`) without those above it
    #[arg(long)]
    only: bool,
    /// Call the function at the line with 200 inputs made from its type hints and its doctest: what it raises, and whether it
    /// answers twice alike
    #[arg(long)]
    smoke: bool,
    /// As --smoke, and compare with the function at this revision of git, such as HEAD: answers, exceptions, output and
    /// what is done to the arguments
    #[arg(long, value_name = "REV")]
    against: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let path = &arguments.lines.place.file;
    let workspace = Workspace::of_imports(path)?;
    let file = workspace.file(path)?;
    let action = target::action(&workspace, file, arguments)?;
    let environment = environment(&workspace.root);
    let needs = needs(&workspace.analysis, &environment, &[file]);
    // Some lines of a file may do without what others import.
    let is_all_needed = !matches!(action, Action::Code { .. });
    let outcome = match needs.message(&workspace.analysis).filter(|_| is_all_needed) {
        Some(message) => {
            remedy(&environment, &needs).into_iter().for_each(warn);
            not_runnable(&workspace, &needs, &message)
        }
        None => {
            let packages = needs.packages.into_iter().collect();
            let request = Request { site: environment.sites, packages, ..Request::new(workspace.root, action) };
            let bar = spinner("running");
            let on_event = |event| match event {
                Event::Preparing { done, total } => bar.set_message(preparing(done, total)),
                Event::Running => bar.set_message("running"),
                Event::Output { .. } | Event::Test(_) => {}
            };
            let outcome = perform(request, &on_event);
            bar.finish_and_clear();
            outcome?
        }
    };
    match arguments.format {
        Format::Json => print_json(&outcome)?,
        Format::Human => print(human(&outcome))?,
    }
    let passed = outcome.outcome == ::sandbox::Status::Passed;
    Ok(if passed { Status::Fine } else { Status::Findings })
}

/// What is said instead of a run that must fail.
fn not_runnable(workspace: &Workspace, needs: &Needs, message: &str) -> Outcome {
    let analysis = &workspace.analysis;
    let inside = |file: FileId| {
        let path = analysis.path(file);
        slashed(path.strip_prefix(&workspace.root).unwrap_or(path))
    };
    let failures = needs.obstacles.iter().map(|obstacle| {
        let line = analysis.source(obstacle.file).line_number(obstacle.range.start());
        Failure::new(inside(obstacle.file), line, obstacle.to_string())
    });
    let reason = format!("not runnable here: {message}");
    let outcome = Outcome::without_run(::sandbox::Status::NotRunnable, reason);
    Outcome { failures: failures.collect(), ..outcome }
}

fn human(outcome: &Outcome) -> Shown {
    let mut text = for_stdout();
    text.push(&outcome.stdout);
    text.push(&outcome.stderr);
    if !text.as_str().is_empty() && !text.as_str().ends_with('\n') {
        text.push("\n");
    }
    for failure in &outcome.failures {
        text.push(&format!("{}:{}: {}\n", failure.path, failure.line, failure.message));
    }
    let style = if outcome.outcome == ::sandbox::Status::Passed { Style::Green } else { Style::Red };
    let counts = match (outcome.passed, outcome.failed) {
        (0, 0) => String::new(),
        (passed, failed) => format!(", {passed} passed, {failed} failed"),
    };
    text.push_styled(style, &outcome.outcome.to_string());
    text.push(&format!("{counts} ({} ms)\n", outcome.millis));
    text
}

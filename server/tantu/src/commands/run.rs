//! `tantu run FILE[:LINE[-LINE]]`

use std::path::Path;

use ::sandbox::{Action, Event, Outcome, Request, Runner, Worker};
use anyhow::Context;
use clap::Args;
use graph::FileId;
use ide::{Runnable, RunnableKind};
use syntax::TextRange;

use crate::Status;
use crate::output::{Format, GREEN, RED, print, print_json, spinner, styled};
use crate::place::{Lines, start_of_line};
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
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let path = &arguments.lines.place.file;
    let workspace = Workspace::of_file(path)?;
    let file = workspace.file(path)?;
    let action = action(&workspace, file, arguments)?;
    let outcome = perform(Request::new(workspace.root, action))?;
    match arguments.format {
        Format::Json => print_json(&outcome)?,
        Format::Human => print(&human(&outcome))?,
    }
    let passed = outcome.outcome == ::sandbox::Status::Passed;
    Ok(if passed { Status::Fine } else { Status::Findings })
}

/// A sandbox worker, which is this program again.
pub(crate) fn worker() -> anyhow::Result<Worker> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    Ok(Worker::new(program, ["sandbox-worker"]))
}

fn perform(request: Request) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bar = spinner("running");
    let on_event = |event| match event {
        Event::Preparing { .. } => bar.set_message("preparing the Python sandbox, once on this machine"),
        Event::Running => bar.set_message("running"),
        Event::Output { .. } | Event::Test(_) => {}
    };
    let outcome = runtime.block_on(worker()?.run(request, &on_event));
    bar.finish_and_clear();
    Ok(outcome?)
}

fn action(workspace: &Workspace, file: FileId, arguments: &Arguments) -> anyhow::Result<Action> {
    let Arguments { lines: Lines { place, last }, only, .. } = arguments;
    let analysis = &workspace.analysis;
    let path = analysis.path(file);
    let path = path.strip_prefix(&workspace.root).unwrap_or(path).to_path_buf();
    let Some(line) = place.line else {
        let is_whole = |it: &Runnable| it.kind == RunnableKind::Pytest && it.target.is_none();
        let has_tests = ide::runnables(analysis, file).iter().any(is_whole);
        return Ok(if has_tests { Action::Pytest { targets: vec![slashed(&path)] } } else { Action::Script { path } });
    };
    let name = place.file.display();
    let source = analysis.source(file);
    let offset = start_of_line(source, line).with_context(|| name.to_string())?;
    let code = |range: TextRange| {
        let (text, first_line) = (source.slice(range).to_owned(), source.line_number(range.start()));
        Action::Code { text, filename: slashed(&path), first_line }
    };
    if let Some(last) = last {
        start_of_line(source, *last).with_context(|| name.to_string())?;
        let lines = source.lines();
        let [first, last] = [line, *last].map(|line| lines.line_range(line - 1, source.text()));
        return Ok(code(first.cover(last)));
    }
    let runnable = ide::runnable_at(analysis, file, offset)
        .with_context(|| format!("{name}:{line}: there is no test, doctest, cell or `__main__` here"))?;
    Ok(match runnable.kind {
        RunnableKind::Main => Action::Script { path },
        RunnableKind::Doctest => Action::Doctest { path, name: runnable.target },
        RunnableKind::Cell if *only => code(runnable.range),
        // What the cell uses was made by those above it.
        RunnableKind::Cell => code(TextRange::up_to(runnable.range.end())),
        RunnableKind::Pytest => {
            let names = runnable.target.iter().flat_map(|target| target.split('.'));
            Action::Pytest { targets: vec![names.fold(slashed(&path), |id, name| format!("{id}::{name}"))] }
        }
    })
}

fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

fn human(outcome: &Outcome) -> String {
    let stdout = std::io::stdout();
    let mut text = outcome.stdout.clone();
    text.push_str(&outcome.stderr);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for failure in &outcome.failures {
        text.push_str(&format!("{}:{}: {}\n", failure.path, failure.line, failure.message));
    }
    let style = if outcome.outcome == ::sandbox::Status::Passed { GREEN } else { RED };
    let verdict = styled(&stdout, style, &outcome.outcome.to_string());
    let counts = match (outcome.passed, outcome.failed) {
        (0, 0) => String::new(),
        (passed, failed) => format!(", {passed} passed, {failed} failed"),
    };
    text.push_str(&format!("{verdict}{counts} ({} ms)\n", outcome.millis));
    text
}

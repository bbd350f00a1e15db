//! This crate is the `tantu` program: it reads the command line and hands over to one module per subcommand.
//!
//! Deliberately absent: whatever could be useful to another program; that is in the crates below.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what is shown goes through `output`, which shows escapes as text"
)]

mod commands;
mod contexts;
mod junit;
mod output;
mod place;
mod sandboxed;
mod time;
mod type_checker;
mod workspace;

use std::fs::File;
use std::io;
use std::process::ExitCode;
use std::sync::Mutex;

use clap::{Parser, Subcommand};
use terminal::Style;
use tracing::Subscriber;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer, fmt, prelude::*};

use crate::commands::{
    audit, callgraph, check, commit_message, context, doctor, evidence, explain, fix, gate, graph, impact, index, init,
    lsp, mcp, memory, model, mutate, propose, review, run, sandbox, snippets, test, usage,
};

/// A graph is millions of small pieces, and every keystroke makes and drops some ten thousand.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A language server for Python that knows what depends on what.
///
/// Exit status: 0 all is well, 1 there are findings or failures in the code, 2 the command could not be carried out.
/// What happens inside is logged on standard error at the level that TANTU_LOG names.
///
/// The workspace of a command is the nearest folder above what it names with a pyproject.toml, tantu.toml, setup.py, setup.cfg
/// or .git; else the folder around the package, and standard error says which.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve an editor on standard input and output
    Lsp(lsp::Arguments),
    /// Serve an agent on standard input and output, by the Model Context Protocol
    ///
    /// Three tools that change nothing: `explore` (what is called so, its source, callers, callees, tests), `check` (the verdict on a
    /// change) and `tests` (those that a change reaches, run isolated). Where an editor's `tantu lsp` has the same workspace open,
    /// it answers, and its unsaved texts are seen; else the files on disk are read and watched.
    Mcp(mcp::Arguments),
    /// Write what agents, git or a CI need to use tantu here: what is missing is added, and nothing is overwritten
    ///
    /// Exit status: 0 everything is there, 1 something has to be added by hand, which is shown, 2 a file could not be written.
    Init(init::Arguments),
    /// Build the graph of a folder and report its size
    Index(index::Arguments),
    /// Report what is certainly wrong
    Check(check::Arguments),
    /// Judge a change that nobody has checked: a patch on standard input, what is staged, or what an agent writes
    ///
    /// The checks are those of proposals: what does not parse, does not resolve or no longer fits its callers, new type errors,
    /// secrets, insecure constructs, failing tests that reach the change. Only what the change makes worse counts, and what was
    /// not looked at is named. Tests run in the sandbox, and nothing on disk changes.
    ///
    /// Exit status: 0 it may pass (with --level warn also where it would be refused), 1 it is refused, 2 it could not be judged, or
    /// the time limit came first.
    Gate(gate::Arguments),
    /// Say who calls a definition, whose calls break, and which tests notice
    Impact(impact::Arguments),
    /// Say how good the tests of a definition are: change it in small ways and see whether they notice
    ///
    /// Each mutant is the code with one change: a comparison turned round, a number one larger, a statement less. The tests that
    /// reach the definition are run with each of them in the sandbox. Mutants that no test notices are listed with their lines;
    /// write a test that fails for them. Nothing on disk changes.
    Mutate(mutate::Arguments),
    /// Print what a model should see to write a function
    Context(context::Arguments),
    /// Print who calls whom
    Callgraph(callgraph::Arguments),
    /// Draw who calls whom, or which module imports which
    Graph(graph::Arguments),
    /// Run a script, a test, a doctest, a cell or some lines in the sandbox
    ///
    /// Code runs without network, processes, threads and compiled packages, and cannot write to the workspace. Packages come
    /// from the project's environment: `python` in [tool.tantu] or tantu.toml, VIRTUAL_ENV, or .venv; they are only read.
    ///
    /// Exit status: 0 it passed, 1 it failed or could not be run here, 2 the command could not be carried out.
    Run(run::Arguments),
    /// Run tests in the sandbox, all of them or those that a change affects
    ///
    /// Tests run without network, processes, threads and compiled packages, and cannot write to the workspace. Which of them
    /// are not runnable there, and why, is said before anything runs. Packages come from the project's environment: `python` in
    /// [tool.tantu] or tantu.toml, VIRTUAL_ENV, or .venv; they are only read.
    ///
    /// Exit status: 0 every test passed, 1 a test failed or could not be run here, 2 the command could not be carried out.
    Test(test::Arguments),
    /// Have a model write something, check it, and print the diff
    ///
    /// Exit status: 0 every check that could run passed, 1 it is for you to judge or only a part of it passed, 2 it failed.
    Propose(propose::Arguments),
    /// Have a model mend what a traceback has come from, check it, and print the diff
    ///
    /// The innermost function of the workspace in the traceback is mended; its files may lie elsewhere there. Exit status as for
    /// propose.
    Fix(fix::Arguments),
    /// Print what was checked of a proposal, or list the latest ones
    Evidence(evidence::Arguments),
    /// List, show or forget what models did wrong in this workspace, or switch that off
    Memory(memory::Arguments),
    /// Keep code by name, find it again, print or insert it
    Snippets(snippets::Arguments),
    /// Review a change without a model, or have a model look for defects that no rule finds
    ///
    /// With --since, what has changed is judged as by `tantu gate`, and what it touches is told. What a model finds is its opinion: a
    /// finding that quotes no code of what was reviewed, or that contradicts the graph, is dropped and counted.
    ///
    /// Exit status: 0 nothing was found, 1 something was, 2 the review could not be made or was not finished.
    Review(review::Arguments),
    /// Say what a definition does and how it is tied in
    Explain(explain::Arguments),
    /// Have a model write the message for what is staged in git
    CommitMessage(commit_message::Arguments),
    /// Prepare, inspect or remove the sandbox
    Sandbox(sandbox::Arguments),
    /// List the models of your settings, ask a server for one, or keep a key
    Model(model::Arguments),
    /// Sum up what models were used for and what that cost
    Usage(usage::Arguments),
    /// List every question to a model: when, for what, how it ended
    Audit(audit::Arguments),
    /// Report the state of the installation
    Doctor(doctor::Arguments),
    /// Serve the sandbox; started by the other commands
    #[command(hide = true)]
    SandboxWorker,
    /// Look for type errors; started by the other commands
    #[command(hide = true)]
    TypesWorker,
    /// Serve what runs confined; started by the other commands
    #[command(hide = true)]
    ConfinedWorker {
        #[arg(long)]
        warden: bool,
    },
    /// Become an interpreter that is confined; started by the one above
    #[command(hide = true)]
    ConfinedEnter,
}

/// What is logged unless somebody wants otherwise. That an agent no longer wants an answer is nothing to be warned of.
const LOGGED: &str = "warn,rmcp=error";

/// How a command ended, for scripts.
enum Status {
    Fine,
    /// The work was done, and there is something to report.
    Findings,
    /// The work could not be done, which has been reported.
    Failure,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    let filter = EnvFilter::try_from_env("TANTU_LOG").unwrap_or_else(|_| EnvFilter::new(LOGGED));
    let log = fmt::layer().with_writer(|| output::Log).with_ansi(false).with_filter(filter);
    match traced(&cli.command) {
        Ok(trace) => tracing_subscriber::registry().with(log).with(trace).init(),
        Err(error) => {
            output::warn(format!("cannot write a trace: {error}"));
            return ExitCode::from(2);
        }
    }
    if let Some(path) = ::model::config::journal_path() {
        assistant::client::keep_journal(path);
    }
    let result = match cli.command {
        Command::Lsp(arguments) => lsp::run(&arguments),
        Command::Mcp(arguments) => mcp::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Index(arguments) => index::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Gate(arguments) => gate::run(&arguments),
        Command::Impact(arguments) => impact::run(&arguments),
        Command::Mutate(arguments) => mutate::run(&arguments),
        Command::Context(arguments) => context::run(&arguments),
        Command::Callgraph(arguments) => callgraph::run(&arguments),
        Command::Graph(arguments) => graph::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Propose(arguments) => propose::run(&arguments),
        Command::Fix(arguments) => fix::run(&arguments),
        Command::Evidence(arguments) => evidence::run(&arguments),
        Command::Memory(arguments) => memory::run(&arguments),
        Command::Snippets(arguments) => snippets::run(&arguments),
        Command::Review(arguments) => review::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::CommitMessage(arguments) => commit_message::run(&arguments),
        Command::Sandbox(arguments) => sandbox::run(&arguments),
        Command::Model(arguments) => model::run(&arguments),
        Command::Usage(arguments) => usage::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::SandboxWorker => sandbox_wasi::worker_main(),
        Command::TypesWorker => types::worker_main(),
        Command::ConfinedWorker { warden } => ::confined::worker_main(warden),
        Command::ConfinedEnter => ::confined::enter_main(),
    };
    match result {
        Ok(Status::Fine) => ExitCode::SUCCESS,
        Ok(Status::Findings) => ExitCode::from(1),
        Ok(Status::Failure) => ExitCode::from(2),
        Err(error) => {
            let mut text = output::for_stderr();
            text.push_styled(Style::Red, "error");
            text.push(&format!(": {error:#}"));
            output::warn(text);
            ExitCode::from(2)
        }
    }
}

/// Writes what the language server's requests take, where that is wanted.
fn traced<S: Subscriber + for<'a> LookupSpan<'a>>(command: &Command) -> io::Result<Option<impl Layer<S> + use<S>>> {
    let Command::Lsp(lsp::Arguments { trace: Some(path), .. }) = command else { return Ok(None) };
    let lines = fmt::layer().with_span_events(FmtSpan::CLOSE).with_ansi(false).with_level(false).with_target(false);
    let lines = lines.with_writer(Mutex::new(File::create(path)?));
    Ok(Some(lines.with_filter(filter_fn(|metadata| metadata.target() == "lsp::trace"))))
}

/// Says what is wrong with the command line, or the help that was asked for.
fn refused(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    if !error.use_stderr() || terminal::escaped(&text) == text {
        // In clap's own colours.
        error.exit();
    }
    output::warn(text);
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}

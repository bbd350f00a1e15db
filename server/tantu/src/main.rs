//! This crate is the `tantu` program: it reads the command line and hands over to one module per subcommand.
//!
//! Deliberately absent: everything that could be useful to another program; that is in the crates below.

mod lsp_command;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// A language server for Python that knows what depends on what.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve an editor on standard input and output
    Lsp(lsp_command::Arguments),
}

/// Findings were reported.
#[allow(dead_code)]
const FINDINGS: u8 = 1;
/// The command line was wrong, or the work could not be done.
const FAILURE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_env("TANTU_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let result = match cli.command {
        Command::Lsp(arguments) => lsp_command::run(&arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(FAILURE)
    })
}

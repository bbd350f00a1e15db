//! This crate is the repository's own tooling, called as `cargo xtask …`: it prepares a machine, runs the tests as
//! continuous integration does, and checks the rules of the house that no compiler knows.
//!
//! It links none of our crates, so that it compiles in seconds and works while they do not build.

use std::process::ExitCode;

use clap::Parser;

mod apt;
mod bench;
mod cache;
mod ci;
mod code_server;
mod demo;
mod dist;
mod emacs;
mod fuzz;
mod guest;
mod neovim;
mod process;
mod sdks;
mod setup;
mod test;
mod tidy;
mod vscode;

/// The repository's own tooling.
///
/// A fresh checkout needs `setup`, then `test`. `ci` is everything that continuous integration checks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
enum Command {
    /// Prepare this machine: build what the tests need and is not there yet
    ///
    /// Needs python3 with venv and pip. What is there already is kept, so calling it again is cheap. Everything goes into
    /// the user's cache directory.
    Setup(setup::Args),
    /// Build the sandbox's Python guest if it is missing or out of date
    Guest(guest::Args),
    /// Run the tests
    ///
    /// Uses cargo-nextest where it is installed, else cargo's own runner. Options of ours come first; the rest goes to the
    /// runner: `cargo xtask test -p graph`, `cargo xtask test --e2e vscode`.
    Test(test::Args),
    /// Run all that continuous integration runs, stopping at the first failure
    ///
    /// Formatting, the rules of the house, clippy, the VS Code client, setup, doctests, the demo and all tests, those in
    /// editors too. Prints what each step took; the last line is the test runner's summary, or names the step that failed.
    Ci,
    /// Check the rules of the house: arrows between crates, file lengths, names, words, links between documents
    ///
    /// Reads every file that git tracks or would track, and prints a line `path:line: what, remedy` for each place.
    Tidy,
    /// Measure: every benchmark there is, and the time to index a folder
    ///
    /// Prints what it measured and never fails because something was slow.
    Bench(bench::Args),
    /// Mutate real files and build graphs of them: nothing may panic, hang or take all memory
    ///
    /// Prints the rate, and for each failure the case's number and the folder with its files.
    Fuzz(fuzz::Args),
    /// Show the server at work on a copy of the sample shop
    Demo,
    /// Make the wheel and the VSIX for this platform, and try them and `cargo install` out in clean environments
    ///
    /// Needs python3 with venv and pip, a package index, and Node. Packages go to `dist` in cargo's target directory.
    Dist,
}

fn main() -> ExitCode {
    let outcome = match Command::parse() {
        Command::Setup(args) => setup::run(&args),
        Command::Guest(args) => guest::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Ci => ci::run(),
        Command::Tidy => tidy::run(),
        Command::Bench(args) => bench::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Demo => demo::run(),
        Command::Dist => dist::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

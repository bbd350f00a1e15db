//! Runs the tests with cargo-nextest where it is installed, else with cargo itself.

use anyhow::Result;

use crate::{code_server, emacs, guest, neovim, process, sdks, vscode};

/// Modules of the `tests` crate that need what `cargo xtask setup --e2e` installs, or that take minutes.
const E2E_TESTS: [&str; 7] =
    ["emacs", "neovim", "programs", "proposal_tasks::environments", "proposal_tasks::real", "providers", "vscode"];

#[derive(clap::Args)]
pub struct Args {
    /// Also run the tests that take minutes, or need a real Neovim, Emacs, VS Code, or the official SDKs of models, installing those first
    #[arg(long)]
    e2e: bool,
    /// Passed on to the test runner, for instance `-p graph` or part of a test's name
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "RUNNER ARGS")]
    runner_args: Vec<String>,
}

/// Builds what the tests need and runs them; the runner's summary is the last thing printed.
pub fn run(args: &Args) -> Result<()> {
    guest::ensure()?;
    let editor = if args.e2e { Some(neovim::ensure()?) } else { None };
    if args.e2e {
        emacs::ensure()?;
        code_server::ensure()?;
        sdks::ensure()?;
        vscode::package()?;
    }
    let packages = chosen_packages(&args.runner_args);
    if packages.is_empty() || packages.contains(&"tests") {
        // These tests start the server as a process of its own, which cargo does not know.
        // The sandbox is compiled once per machine; done here, no test has to wait for it.
        let prepare = ["run", "--package", "tantu", "--", "sandbox", "prepare"];
        process::run(&mut process::cargo(&prepare))?;
    }

    let line =
        if has_nextest() { nextest_line(args.e2e, &args.runner_args) } else { cargo_line(args.e2e, &args.runner_args) };
    let mut runner = process::cargo(&[]);
    runner.args(line);
    if let Some(editor) = editor {
        runner.env(neovim::VARIABLE, editor);
    }
    process::run(&mut runner)
}

/// Runs every test there is, as continuous integration does.
pub fn run_all() -> Result<()> {
    run(&Args { e2e: true, runner_args: Vec::new() })
}

pub fn has_nextest() -> bool {
    process::succeeds(&mut process::cargo(&["nextest", "--version"]))
}

fn nextest_line(e2e: bool, args: &[String]) -> Vec<String> {
    let mut line = vec!["nextest".to_owned(), "run".to_owned()];
    line.extend(whole_workspace(args));
    // A filter of the user's own stands alone: nextest would run the union of the two.
    let filtered = args.iter().any(|arg| arg.starts_with("-E") || arg.starts_with("--filter"));
    if !e2e && !filtered {
        line.extend(["-E".to_owned(), format!("not (package(tests) and test(/^({})/))", E2E_TESTS.join("|"))]);
    }
    line.extend_from_slice(args);
    line
}

fn cargo_line(e2e: bool, args: &[String]) -> Vec<String> {
    let mut line = vec!["test".to_owned()];
    line.extend(whole_workspace(args));
    line.extend_from_slice(args);
    if !e2e {
        if !args.iter().any(|arg| arg == "--") {
            line.push("--".to_owned());
        }
        line.extend(E2E_TESTS.iter().flat_map(|name| ["--skip".to_owned(), format!("{name}::")]));
    }
    line
}

/// `--workspace`, unless the arguments choose packages themselves: cargo would let the workspace win.
fn whole_workspace(args: &[String]) -> Option<String> {
    chosen_packages(args).is_empty().then(|| "--workspace".to_owned())
}

/// What `-p NAME`, `-pNAME`, `--package NAME` and `--package=NAME` name.
fn chosen_packages(args: &[String]) -> Vec<&str> {
    let mut packages = Vec::new();
    let mut args = args.iter().map(String::as_str).take_while(|arg| *arg != "--");
    while let Some(arg) = args.next() {
        if matches!(arg, "-p" | "--package") {
            packages.extend(args.next());
        } else if let Some(name) = arg.strip_prefix("--package=").or_else(|| arg.strip_prefix("-p")) {
            packages.push(name);
        }
    }
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nextest(e2e: bool, args: &[&str]) -> String {
        nextest_line(e2e, &args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>()).join(" ")
    }

    fn cargo(e2e: bool, args: &[&str]) -> String {
        cargo_line(e2e, &args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>()).join(" ")
    }

    #[test]
    fn leaves_editors_out_unless_asked() {
        assert_eq!(
            nextest(false, &[]),
            "nextest run --workspace -E not (package(tests) and test(/^(emacs|neovim|programs|proposal_tasks::environments|proposal_tasks::real|providers|vscode)/))"
        );
        assert_eq!(nextest(true, &[]), "nextest run --workspace");
        assert_eq!(
            cargo(false, &[]),
            "test --workspace -- --skip emacs:: --skip neovim:: --skip programs:: --skip proposal_tasks::environments:: --skip proposal_tasks::real:: --skip providers:: --skip vscode::"
        );
        assert_eq!(cargo(true, &[]), "test --workspace");
    }

    #[test]
    fn a_chosen_package_replaces_the_workspace() {
        assert_eq!(nextest(true, &["-p", "graph"]), "nextest run -p graph");
        assert_eq!(cargo(true, &["--package=graph", "links"]), "test --package=graph links");
    }

    #[test]
    fn understands_every_spelling_of_a_package() {
        let args =
            ["-p", "graph", "-pide", "--package", "lsp", "--package=tests", "name", "--", "-p", "x"].map(str::to_owned);
        assert_eq!(chosen_packages(&args), ["graph", "ide", "lsp", "tests"]);
    }

    #[test]
    fn own_filters_and_flags_are_kept() {
        assert_eq!(nextest(false, &["-E", "test(x)"]), "nextest run --workspace -E test(x)");
        assert_eq!(
            cargo(false, &["--", "--nocapture"]),
            "test --workspace -- --nocapture --skip emacs:: --skip neovim:: --skip programs:: --skip proposal_tasks::environments:: --skip proposal_tasks::real:: --skip providers:: --skip vscode::"
        );
    }
}

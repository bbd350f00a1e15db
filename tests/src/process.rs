//! Editors as child processes: they end in time, or are ended with all that they have started.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs a command to its end, and returns what it printed.
///
/// # Errors
/// When it fails or does not end within `limit`; the message holds what it printed.
///
/// # Panics
/// When it cannot be started.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("output.txt");
    let file = fs::File::create(&output).expect("a fresh folder is writable");
    let mut process = command
        .stdin(Stdio::null())
        .stdout(file.try_clone().expect("a file can be shared"))
        .stderr(file)
        .process_group(0)
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", command.get_program().display()));
    let end = Instant::now() + limit;
    let status = loop {
        match process.try_wait().expect("the process is ours") {
            Some(status) => break Some(status),
            None if Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
            None => break None,
        }
    };
    // What it has left behind goes too. Mostly there is nothing, and whether this works changes nothing about a failure.
    let group = format!("-{}", process.id());
    let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    if status.is_none() {
        let _ = process.wait();
    }
    let said = fs::read_to_string(&output).unwrap_or_default();
    if status.is_some_and(|status| status.success()) {
        return Ok(said);
    }
    let how = status.map_or_else(|| format!("did not end within {limit:?}"), |status| format!("ended with {status}"));
    Err(format!("{how}:\n{said}"))
}

/// A program in `folder` that starts the server through `tee`, which writes to `log`: editors take a path more often than a
/// command line.
///
/// # Panics
/// When `folder` cannot be written to.
pub(crate) fn server_through(tee: &Path, log: &Path, folder: &Path) -> PathBuf {
    let path = folder.join("tantu");
    let quoted = [tee, log, &crate::server_binary()].map(|path| format!("'{}'", path.display()));
    // Only the language server has messages to look at.
    let script =
        format!("#!/bin/sh\n[ \"$1\" = lsp ] && exec {} \"$@\"\nexec {} \"$@\"\n", quoted.join(" "), quoted[2]);
    fs::write(&path, script).expect("a fresh folder is writable");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(30);

    #[test]
    fn failures_tell_what_was_printed() {
        assert_eq!(run(Command::new("echo").arg("x"), SOON), Ok("x\n".to_owned()));
        let error = run(Command::new("sh").args(["-c", "echo so far; exit 3"]), SOON).unwrap_err();
        assert!(error.contains("3") && error.ends_with("so far\n"), "{error}");
    }

    #[test]
    fn what_does_not_end_is_ended_with_its_children() {
        let script = "sleep 1000 & echo $!; wait";
        let error = run(Command::new("sh").args(["-c", script]), Duration::from_millis(300)).unwrap_err();
        let child = error.lines().last().expect("the child's number").to_owned();
        let end = Instant::now() + SOON;
        while std::path::Path::new("/proc").join(&child).join("exe").exists() {
            assert!(Instant::now() < end, "{child} is still there");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

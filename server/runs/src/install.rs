//! Running what installs a package. Only after a "yes" to the very command.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use lint::Installer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A resolver that has not come to an end by then waits for somebody.
const WALL: Duration = Duration::from_mins(15);

/// The longest line that is passed on, in bytes; what is longer comes as several.
const MAX_LINE: u64 = 2_000;

/// Runs the installer in `folder`; `say` hears every line that it writes, as it comes.
///
/// # Errors
/// What went wrong, with the last line that the program wrote. It is ended when the user cancels.
pub async fn install(
    installer: &Installer,
    folder: &Path,
    cancelled: &CancellationToken,
    mut say: impl FnMut(&str) + Send,
) -> Result<(), String> {
    let spawned = tokio::process::Command::new(&installer.program)
        .args(&installer.arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child = spawned.map_err(|error| format!("it cannot be started: {error}"))?;
    let (sender, mut lines) = mpsc::channel(64);
    tokio::spawn(pass_on(child.stdout.take(), sender.clone()));
    tokio::spawn(pass_on(child.stderr.take(), sender));
    let mut last = String::new();
    let listen = async {
        while let Some(line) = lines.recv().await {
            say(&line);
            last = line;
        }
        child.wait().await
    };
    tokio::select! {
        ended = tokio::time::timeout(WALL, listen) => match ended {
            Err(_) => Err(format!("it did not end within {} minutes", WALL.as_secs() / 60)),
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(format!("{status}: {last}")),
        },
        () = cancelled.cancelled() => Err("cancelled".to_owned()),
    }
}

/// Sends each line that is not empty.
async fn pass_on(stream: Option<impl AsyncRead + Unpin>, lines: mpsc::Sender<String>) {
    let Some(stream) = stream else { return };
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        line.clear();
        if !text.is_empty() && lines.send(text).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(script: &str, cancelled: &CancellationToken) -> (Result<(), String>, Vec<String>) {
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        let installer = Installer { program: "/bin/sh".into(), arguments, declares: false };
        let mut said = Vec::new();
        let result = install(&installer, Path::new("/"), cancelled, |line: &str| said.push(line.to_owned())).await;
        (result, said)
    }

    #[tokio::test]
    async fn lines_as_they_come_and_how_it_ended() {
        let token = CancellationToken::new();
        let (result, said) = run("echo one; echo; echo two >&2", &token).await;
        assert_eq!((result, said.len()), (Ok(()), 2));
        let (result, _) = run("echo no such package >&2; exit 3", &token).await;
        assert_eq!(result, Err("exit status: 3: no such package".to_owned()));
        let (_, said) = run("head -c 5000 /dev/zero | tr '\\0' x", &token).await;
        assert_eq!(said.iter().map(String::len).collect::<Vec<_>>(), [2000, 2000, 1000]);
    }

    #[tokio::test]
    async fn one_that_waits_can_be_cancelled() {
        let token = CancellationToken::new();
        let (cancel, cancelled) = (token.clone(), run("echo begun; sleep 600", &token));
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            cancel.cancel();
        });
        assert_eq!(cancelled.await.0, Err("cancelled".to_owned()));
    }

    #[tokio::test]
    async fn a_tool_that_is_not_there() {
        let installer = Installer { program: "no-such-tool".into(), arguments: Vec::new(), declares: true };
        let result = install(&installer, Path::new("/"), &CancellationToken::new(), |_: &str| {}).await;
        assert!(result.unwrap_err().starts_with("it cannot be started: "));
    }
}

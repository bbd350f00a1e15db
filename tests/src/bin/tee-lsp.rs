//! `tee-lsp LOG COMMAND…` runs a language server on stdio and appends every message of both directions to LOG, one JSON
//! object per line. Put before the server's command in any editor, it makes a session with that editor checkable.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Write, stdin, stdout};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use tests::wire::{Direction, Record, read_message, write_message};

fn main() -> Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let usage = "usage: tee-lsp LOG COMMAND…";
    let (log, command) = (arguments.next().context(usage)?, arguments.next().context(usage)?);
    let log = OpenOptions::new().create(true).append(true).open(&log).with_context(|| format!("opening {log:?}"))?;
    let log = Arc::new(Mutex::new(log));
    let mut server = Command::new(&command)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {command:?}"))?;
    let (to_server, from_server) = (server.stdin.take(), server.stdout.take());
    let (to_server, from_server) = (to_server.context("no stdin")?, from_server.context("no stdout")?);
    std::thread::spawn({
        let log = Arc::clone(&log);
        // When the editor goes, this drops the server's input, and so the server goes too.
        move || pump(stdin(), to_server, &log, Direction::ToServer)
    });
    pump(from_server, stdout(), &log, Direction::ToEditor)?;
    let status = server.wait()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Logs before it forwards, so that no answer can stand in the log before its question.
fn pump(from: impl Read, mut to: impl Write, log: &Mutex<File>, direction: Direction) -> Result<()> {
    let mut from = BufReader::new(from);
    while let Some(message) = read_message(&mut from)? {
        let line = Record { direction, message: message.clone() }.to_line();
        {
            let mut log = log.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            log.write_all(format!("{line}\n").as_bytes())?;
        }
        write_message(&mut to, &message)?;
    }
    Ok(())
}

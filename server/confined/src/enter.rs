//! Gives up the rights of this process, step by step and for good, and becomes the interpreter.
//!
//! The process has one thread and nothing in memory but what it was told on standard input, which is a socket to the warden.
//! Whatever it cannot give up it reports before it would start anything, and without the full set it starts nothing.

mod files;
mod filter;
mod namespaces;
mod resources;

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Signal, getpid, set_parent_process_death_signal, setsid};
use rustix::stdio::stdin;
use serde::{Deserialize, Serialize};

use crate::{Error, Protections, Spec};

/// Bytes of a specification.
const MAX_SPEC: u32 = 16 << 20;

/// What is said before the interpreter starts, in one line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Entered {
    Granted(Protections),
    /// The interpreter was not started.
    Failed(String),
}

/// Reads a specification on standard input, confines this process to it and becomes the program. Returns never.
pub fn enter_main() -> ! {
    let status = match enter() {
        Ok(()) => 0,
        Err(reason) => {
            let _ = tell(&Entered::Failed(reason));
            126
        }
    };
    std::process::exit(status)
}

fn enter() -> Result<(), String> {
    let spec = read_spec().map_err(|error| format!("no specification: {error}"))?;
    let words = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
    // The warden may have died since.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| words("parent death signal")(error.into()))?;
    // Fails for who leads a group already; then it has the group of whoever started it, which must not be killed.
    setsid().map_err(|error| words("a session of its own")(error.into()))?;

    let mut granted = Protections::default();
    if spec.without_namespaces {
        granted.notes.push("namespaces were not asked for".to_owned());
    } else {
        namespaces::enter(&spec, &mut granted);
    }
    resources::limit(&spec).map_err(words("limits"))?;
    granted.no_capabilities = resources::drop_capabilities(&mut granted.notes);
    files::restrict(&spec, &mut granted);
    granted.system_calls = filter::install(&granted, getpid()).map_err(|error| granted.notes.push(error)).is_ok();

    let lack = granted.lack();
    tell(&Entered::Granted(granted)).map_err(words("the warden does not listen"))?;
    let Some(program) = &spec.program else { return Ok(()) };
    if let Some(lack) = lack {
        return Err(lack);
    }
    // What an editor has left open must not be read here.
    close_fds::CloseFdsBuilder::new().cloexecfrom(3);
    let error = Command::new(program)
        .args(&spec.arguments)
        .current_dir(&spec.folder)
        .env_clear()
        .envs(spec.environment.iter().map(|(name, value)| (name, value)))
        .exec();
    Err(format!("cannot start {}: {error}", program.display()))
}

/// No byte more than the specification, for the rest is the interpreter's.
fn read_spec() -> io::Result<Spec> {
    let mut length = [0; 4];
    read_exactly(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > MAX_SPEC {
        return Err(io::Error::other("too long"));
    }
    let mut bytes = vec![0; length as usize];
    read_exactly(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes)?)
}

fn read_exactly(mut bytes: &mut [u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::read(stdin(), &mut *bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => bytes = &mut bytes[count..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn tell(entered: &Entered) -> io::Result<()> {
    let mut line = serde_json::to_vec(entered)?;
    line.push(b'\n');
    let mut rest = &line[..];
    while !rest.is_empty() {
        rest = &rest[rustix::io::write(stdin(), rest)?..];
    }
    Ok(())
}

/// Which protections this machine grants: confines a process that does nothing. `program` is this program's file.
///
/// # Errors
/// When the process cannot be started or does not answer.
pub fn probe(program: &Path) -> Result<Protections, Error> {
    let folder = tempfile::tempdir().map_err(Error::io("make a private folder"))?;
    let spec = Spec {
        write: folder.path().to_owned(),
        shared_memory: folder.path().to_owned(),
        folder: "/".into(),
        processes: 64,
        data: 1 << 30,
        file: 1 << 20,
        cpu: 10,
        ..Spec::default()
    };
    let (ours, theirs) = UnixStream::pair().map_err(Error::io("make a socket"))?;
    let mut child = Command::new(program)
        .arg(crate::ENTER)
        .env_clear()
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(Error::io("start the process that is confined"))?;
    send_spec(&ours, &spec).map_err(Error::io("tell what to confine"))?;
    let mut text = String::new();
    let read = (&ours).take(1 << 20).read_to_string(&mut text);
    let _ = child.wait();
    read.map_err(Error::io("read what was granted"))?;
    match serde_json::from_str(text.lines().next().unwrap_or_default()) {
        Ok(Entered::Granted(protections)) => Ok(protections),
        Ok(Entered::Failed(reason)) => Err(Error::NotConfined(reason)),
        Err(error) => Err(Error::NotConfined(format!("the process that is confined said nothing: {error}"))),
    }
}

/// The counterpart of what *enter* reads.
pub(crate) fn send_spec(mut to: &UnixStream, spec: &Spec) -> io::Result<()> {
    let bytes = serde_json::to_vec(spec)?;
    send_part(&mut to, &bytes)
}

/// Length and bytes.
pub(crate) fn send_part(to: &mut &UnixStream, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(bytes)
}

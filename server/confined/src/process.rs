//! Starts a program confined, watches over it, and ends it with all that it has started.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use sandbox::Stream;

use crate::enter::{Entered, send_part, send_spec};
use crate::{ENTER, Error, Protections, Spec};

/// How often it is looked at what the processes have taken together.
const LOOK: Duration = Duration::from_millis(250);
/// At every so many looks also at large folders.
const RARELY: u32 = 8;
/// Processes at a time, and files and folders that they may have made.
const MAX_PROCESSES: usize = 256;
const MAX_ENTRIES: usize = 50_000;
/// Bytes of one line of the channel.
const MAX_LINE: u64 = 4 << 20;

/// What to run, and how much of everything it may take.
pub struct Confinement<'a> {
    /// This program's file, which has the subcommand [`ENTER`].
    pub program: &'a Path,
    pub spec: &'a Spec,
    /// What the program finds on its standard input, which it shares with nobody, after its length in four bytes.
    pub told: &'a [u8],
    pub wall: Duration,
    /// Bytes of each stream.
    pub output: u64,
    /// Bytes of private memory of all processes.
    pub memory: u64,
    /// Bytes that may be written into the private folder.
    pub disk: u64,
    /// Bytes and entries that are in the other folders that may be written in.
    pub before: (u64, usize),
    /// The group that runs, so that whoever ends this process can end it too ([`end_group`]).
    pub group: &'a Mutex<Option<Pid>>,
}

/// How the program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Exited(i32),
    Signaled(i32),
    Timeout,
    /// More output than allowed.
    Output,
    Memory,
    /// More written than allowed.
    Disk,
    Processes,
    /// It was not started.
    NotStarted(String),
}

/// What came of it.
#[derive(Debug)]
pub struct Ended {
    pub end: End,
    pub granted: Protections,
    pub stdout: String,
    pub stderr: String,
    pub millis: u64,
}

/// What happens meanwhile.
pub(crate) enum Happened<'a> {
    Output(Stream, String),
    /// A line of the channel.
    Line(&'a [u8]),
}

/// A confined program that waits to be told what to do. It ends with this, if it was never told.
pub(crate) struct Started {
    process: Option<(Child, UnixStream)>,
    group: Pid,
}

impl Started {
    /// Starts what `spec` says, confined. The thread that does this has to live as long as the program.
    ///
    /// # Errors
    /// When *enter* cannot be started; what it cannot do it says when it is watched.
    pub(crate) fn new(program: &Path, spec: &Spec) -> Result<Self, Error> {
        let (ours, theirs) = UnixStream::pair().map_err(Error::io("make a socket"))?;
        let child = Command::new(program)
            .arg(ENTER)
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Error::io("start the process that is confined"))?;
        // Who does not read has ended, which is noticed in another way.
        let _ = send_spec(&ours, spec);
        Ok(Started { group: pid(&child), process: Some((child, ours)) })
    }

    fn taken(mut self) -> Option<(Child, UnixStream)> {
        self.process.take()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some((mut child, _)) = self.process.take() {
            end_group(self.group);
            let _ = child.wait();
            reap(self.group);
        }
    }
}

enum Told {
    Output(Stream, Vec<u8>),
    Line(Vec<u8>),
    Exited,
}

impl Confinement<'_> {
    /// Runs the program to its end, and waits until nothing of it is left.
    ///
    /// # Errors
    /// When *enter* cannot be started.
    pub fn run(&self) -> Result<Ended, Error> {
        self.watch(Started::new(self.program, self.spec)?, &mut |_| {})
    }

    /// Tells a program that has been started what it is to do, and runs it to its end. What it has done before, it has done
    /// without having been told anything.
    pub(crate) fn watch(&self, program: Started, on_event: &mut dyn FnMut(Happened<'_>)) -> Result<Ended, Error> {
        let started = Instant::now();
        let group = program.group;
        *self.group.lock().unwrap_or_else(PoisonError::into_inner) = Some(group);
        let Some((mut child, ours)) = program.taken() else { return Err(Error::Refused("it has ended".to_owned())) };
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (sender, inbox) = mpsc::channel();
        let mut ended = Ended {
            end: End::NotStarted("it ended before it began".to_owned()),
            granted: Protections::default(),
            stdout: String::new(),
            stderr: String::new(),
            millis: 0,
        };
        thread::scope(|scope| {
            let exits = sender.clone();
            scope.spawn(move || {
                // Keeps the process as it is: as long as it was not waited for, its number is nobody else's.
                let _ = retry(|| waitid(WaitId::Pid(group), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT));
                let _ = exits.send(Told::Exited);
            });
            if let Some(stdout) = stdout {
                let sender = sender.clone();
                scope.spawn(move || read_stream(stdout, Stream::Stdout, &sender));
            }
            if let Some(stderr) = stderr {
                let sender = sender.clone();
                scope.spawn(move || read_stream(stderr, Stream::Stderr, &sender));
            }
            let channel = ours.try_clone();
            scope.spawn(move || {
                if let Ok(channel) = channel {
                    read_lines(channel, &sender);
                }
            });
            // Who does not read has ended, which is noticed in another way.
            let _ = send_part(&mut &ours, self.told);
            let stopped = self.follow(&inbox, started, group, &mut ended, on_event);
            end_group(group);
            let status = child.wait();
            *self.group.lock().unwrap_or_else(PoisonError::into_inner) = None;
            reap(group);
            // Whatever was written before the end is still to be read; every writer has ended.
            let _ = ours.shutdown(std::net::Shutdown::Write);
            while let Ok(told) = inbox.recv_timeout(Duration::from_secs(2)) {
                self.take(told, &mut ended, on_event);
            }
            let _ = ours.shutdown(std::net::Shutdown::Both);
            let never_started = matches!(&ended.end, End::NotStarted(_));
            if let Some(end) = stopped {
                ended.end = end;
            } else if let Ok(status) = status
                && !(never_started && status.code() == Some(126))
            {
                ended.end = match status.code() {
                    Some(code) => End::Exited(code),
                    None => End::Signaled(status.signal().unwrap_or_default()),
                };
            }
        });
        ended.millis = started.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        Ok(ended)
    }

    /// Until the program has ended by itself, or has to be ended.
    fn follow(
        &self,
        inbox: &mpsc::Receiver<Told>,
        started: Instant,
        group: Pid,
        ended: &mut Ended,
        on_event: &mut dyn FnMut(Happened<'_>),
    ) -> Option<End> {
        let mut looked = started;
        let mut looks = 0_u32;
        loop {
            let now = Instant::now();
            let left = self.wall.saturating_sub(now - started);
            if left.is_zero() {
                return Some(End::Timeout);
            }
            if now - looked >= LOOK {
                looked = now;
                looks += 1;
                if let Some(end) = self.exceeded(group, looks.is_multiple_of(RARELY)) {
                    return Some(end);
                }
            }
            match inbox.recv_timeout(left.min(LOOK)) {
                Ok(Told::Exited) => return None,
                Ok(told) => {
                    if let Some(end) = self.take(told, ended, on_event) {
                        return Some(end);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    fn take(&self, told: Told, ended: &mut Ended, on_event: &mut dyn FnMut(Happened<'_>)) -> Option<End> {
        match told {
            Told::Exited => None,
            Told::Line(line) => {
                // The first word is *enter*'s; from the second on it is the program's.
                if ended.granted == Protections::default() {
                    match serde_json::from_slice(&line) {
                        Ok(Entered::Granted(granted)) => ended.granted = granted,
                        Ok(Entered::Failed(reason)) => ended.end = End::NotStarted(reason),
                        Err(error) => ended.end = End::NotStarted(error.to_string()),
                    }
                } else if let Ok(Entered::Failed(reason)) = serde_json::from_slice(&line) {
                    ended.end = End::NotStarted(reason);
                } else {
                    on_event(Happened::Line(&line));
                }
                None
            }
            Told::Output(stream, bytes) => {
                let kept = match stream {
                    Stream::Stdout => &mut ended.stdout,
                    Stream::Stderr => &mut ended.stderr,
                };
                let text = String::from_utf8_lossy(&bytes);
                let left = usize::try_from(self.output).unwrap_or(usize::MAX).saturating_sub(kept.len());
                let text = &text[..text.floor_char_boundary(left)];
                kept.push_str(text);
                if !text.is_empty() {
                    on_event(Happened::Output(stream, text.to_owned()));
                }
                (bytes.len() > left).then_some(End::Output)
            }
        }
    }

    /// What all processes have taken together. None of them can leave the group.
    fn exceeded(&self, group: Pid, everywhere: bool) -> Option<End> {
        let (processes, memory) = taken(group);
        if processes > MAX_PROCESSES {
            return Some(End::Processes);
        }
        if memory > self.memory {
            return Some(End::Memory);
        }
        let (bytes, entries) = self.before;
        let others = if everywhere { &self.spec.also_write[..] } else { &[] };
        let is_full = is_fuller(&self.spec.write, self.disk, MAX_ENTRIES)
            || others.iter().any(|it| is_fuller(it, bytes + self.disk, entries + MAX_ENTRIES));
        is_full.then_some(End::Disk)
    }
}

/// Ends all processes of a group, at once and for good: nobody can leave it, and who is being ended starts nobody.
pub(crate) fn end_group(group: Pid) {
    // Before it has a group of its own, it is alone.
    let _ = kill_process(group, Signal::KILL);
    let _ = kill_process_group(group, Signal::KILL);
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// Takes leave of processes of the group whose parents have ended, so that their numbers are free again. They are ours, see
/// `worker::warden`.
fn reap(group: Pid) {
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        match waitid(WaitId::Pgid(Some(group)), WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) => thread::sleep(Duration::from_millis(1)),
            // There is none.
            Err(_) => return,
        }
    }
}

fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    loop {
        match call() {
            Err(rustix::io::Errno::INTR) => {}
            result => return result,
        }
    }
}

fn read_stream(mut from: impl Read, stream: Stream, sender: &mpsc::Sender<Told>) {
    let mut bytes = vec![0; 64 << 10];
    let mut rest = Vec::new();
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        rest.extend_from_slice(&bytes[..length]);
        // A character may come in two parts.
        let whole = match std::str::from_utf8(&rest) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => rest.len(),
        };
        let whole: Vec<u8> = rest.drain(..whole).collect();
        if sender.send(Told::Output(stream, whole)).is_err() {
            return;
        }
    }
    let _ = sender.send(Told::Output(stream, rest));
}

fn read_lines(from: UnixStream, sender: &mpsc::Sender<Told>) {
    let mut from = BufReader::new(from);
    loop {
        let mut line = Vec::new();
        match (&mut from).take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(1..) if line.ends_with(b"\n") => {
                if sender.send(Told::Line(line)).is_err() {
                    return;
                }
            }
            _ => return,
        }
    }
}

/// How many processes the group has, and how many bytes of private memory.
fn taken(group: Pid) -> (usize, u64) {
    let group = group.as_raw_nonzero().to_string();
    let page = rustix::param::page_size() as u64;
    let Ok(entries) = fs::read_dir("/proc") else { return (0, 0) };
    let (mut processes, mut memory) = (0, 0);
    for entry in entries.flatten() {
        if !entry.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit) {
            continue;
        }
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // The name in parentheses may contain anything.
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        if rest.split(' ').nth(2) != Some(&group) {
            continue;
        }
        processes += 1;
        let sizes = fs::read_to_string(entry.path().join("statm")).unwrap_or_default();
        let mut sizes = sizes.split(' ').skip(1).map(|it| it.parse::<u64>().unwrap_or(0));
        let (resident, shared) = (sizes.next().unwrap_or(0), sizes.next().unwrap_or(0));
        memory += resident.saturating_sub(shared) * page;
    }
    (processes, memory)
}

/// Whether a folder takes more than `bytes`, or has more than so many files and folders in it.
fn is_fuller(folder: &Path, bytes: u64, most: usize) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (mut taken, mut entries) = (0, 0);
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let inside = match fs::read_dir(&folder) {
            Ok(inside) => inside,
            // So deep that no path leads there: to hide something.
            Err(error) if error.kind() == io::ErrorKind::InvalidFilename => return true,
            Err(_) => continue,
        };
        for entry in inside.flatten() {
            entries += 1;
            let Ok(metadata) = entry.metadata() else { continue };
            taken += metadata.blocks() * 512;
            if taken > bytes || entries > most {
                return true;
            }
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    false
}

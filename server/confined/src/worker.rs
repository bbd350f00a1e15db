//! The worker process: answers the sandbox's protocol on standard input and output, by way of the warden, its child.
//!
//! A client kills its worker when a run is cancelled. The worker does nothing but wait for the warden, which has inherited the
//! client's pipes: when these close, whoever has died, the warden ends what runs, removes what it has left, and ends.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead, Read, Write};
use std::path::PathBuf;
use std::process::{self, Command as Program};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, getpid, set_child_subreaper};
use sandbox::Event;
use sandbox::protocol::{Command, MAX_LINE, Message, VERSION};

use crate::process::end_group;
use crate::run::Runs;

/// What tells a warden from a worker.
const WARDEN: &str = "--warden";

/// What is running, for whoever ends the process.
static GROUP: Mutex<Option<Pid>> = Mutex::new(None);

/// Speaks the `sandbox` crate's protocol on standard input and output, until the input ends: by way of a warden, for which it
/// starts this program again with `--warden` after its own arguments, or as that one.
pub fn worker_main(is_warden: bool) -> ! {
    if is_warden {
        warden();
    }
    let start = || {
        let arguments: Vec<OsString> = env::args_os().skip(1).collect();
        Program::new(env::current_exe()?).args(arguments).arg(WARDEN).status()
    };
    match start() {
        Ok(status) => process::exit(status.code().unwrap_or(1)),
        Err(error) => {
            eprintln!("cannot start the warden: {error}");
            process::exit(1)
        }
    }
}

fn warden() -> ! {
    // Processes whose parents have ended become ours, so that none is lost.
    if let Err(error) = set_child_subreaper(Some(getpid())) {
        eprintln!("cannot be told of orphaned processes: {error}");
        process::exit(1);
    }
    send(&Message::Hello { version: VERSION });
    let (commands, inbox) = mpsc::channel();
    thread::spawn(move || {
        read(io::stdin().lock(), &commands);
        drop(commands);
        // What runs ends, and with it what the other thread waits for.
        if let Some(group) = *GROUP.lock().unwrap_or_else(PoisonError::into_inner) {
            end_group(group);
        }
        // Should it be in the midst of copying a large workspace.
        thread::sleep(Duration::from_secs(20));
        process::exit(0);
    });
    let mut runs = None;
    for command in inbox {
        let answer = answer(&mut runs, command);
        send(&answer);
        // While nobody waits for it.
        if let Some(runs) = &mut runs {
            runs.prepare_next();
        }
    }
    if let Some(runs) = runs {
        Runs::close(runs);
    }
    process::exit(0)
}

/// Passes commands on until the input ends, or makes no sense.
fn read(mut input: impl BufRead, commands: &mpsc::Sender<Command>) {
    loop {
        let mut line = Vec::new();
        match input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        match serde_json::from_slice(&line) {
            Ok(command) => {
                if commands.send(command).is_err() {
                    return;
                }
            }
            Err(error) => {
                eprintln!("cannot understand a command: {error}");
                return;
            }
        }
    }
}

fn answer(runs: &mut Option<Runs<'static>>, command: Command) -> Message {
    let on_event = |event| match event {
        Event::Preparing { done, total } => send(&Message::Preparing { done, total }),
        Event::Running => send(&Message::Running),
        Event::Output { stream, text } => send(&Message::Output { stream, text }),
        Event::Test(result) => send(&Message::Test { result }),
    };
    match command {
        Command::Prepare => Message::Prepared,
        Command::Reset { .. } => Message::Reset,
        Command::Run(request) => {
            let loaded = match runs {
                Some(loaded) => loaded,
                None => match load() {
                    Ok(loaded) => runs.insert(loaded),
                    Err(reason) => return Message::Unavailable { reason },
                },
            };
            match loaded.run(&request, &on_event) {
                Ok(outcome) => Message::Done(Box::new(outcome)),
                Err(error) => Message::Unavailable { reason: error.to_string() },
            }
        }
    }
}

fn load() -> Result<Runs<'static>, String> {
    let program = env::current_exe().map_err(|error| format!("cannot find this program's own file: {error}"))?;
    let cache = cache().ok_or("there is no cache directory: neither XDG_CACHE_HOME nor HOME is set")?;
    Runs::new(program, &cache, &GROUP).map_err(|error| error.to_string())
}

/// Where private folders are made: beside the sandbox's.
fn cache() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|it| it.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(cache.join("tantu/confined"))
}

/// Writes one message. Nobody may be left to read it: then the input ends as well.
fn send(message: &Message) {
    let write = || {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        let mut output = io::stdout().lock();
        output.write_all(&line)?;
        output.flush()
    };
    if let Err(error) = write() {
        eprintln!("nobody reads the answers: {error}");
    }
}

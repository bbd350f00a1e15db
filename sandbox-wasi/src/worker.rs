//! The worker process: answers the commands on standard input until it ends.

use std::io::{self, BufRead, Read, Write};
use std::process;
use std::sync::mpsc;
use std::thread;

use sandbox::Event;
use sandbox::protocol::{Command, MAX_LINE, Message, VERSION};

use crate::host::Host;
use crate::limits;

/// Speaks the `sandbox` crate's protocol on standard input and output. Does not return: the process ends when its input
/// does, whatever it is doing then, so that it never outlives its client.
pub fn worker_main() -> ! {
    // Sandboxes and systems that allow no limits have their own.
    if let Err(error) = limits::restrict() {
        eprintln!("cannot limit this process: {error}");
    }
    send(&Message::Hello { version: VERSION });
    let (commands, inbox) = mpsc::channel();
    thread::spawn(move || {
        let status = read(io::stdin().lock(), &commands);
        process::exit(status);
    });
    let mut host = None;
    for command in inbox {
        send(&answer(&mut host, command));
    }
    // The reader has ended and is about to exit.
    process::exit(0)
}

/// Passes commands on until the input ends. Returns the exit status.
fn read(mut input: impl BufRead, commands: &mpsc::Sender<Command>) -> i32 {
    loop {
        let mut line = Vec::new();
        match input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) => return 0,
            Ok(_) => {}
            Err(error) => {
                eprintln!("cannot read a command: {error}");
                return 1;
            }
        }
        match serde_json::from_slice(&line) {
            Ok(command) => {
                if commands.send(command).is_err() {
                    return 0;
                }
            }
            Err(error) => {
                eprintln!("cannot understand a command: {error}");
                return 1;
            }
        }
    }
}

fn answer(host: &mut Option<Host>, command: Command) -> Message {
    let on_event = |event| match event {
        Event::Preparing { done, total } => send(&Message::Preparing { done, total }),
        Event::Running => send(&Message::Running),
        Event::Output { stream, text } => send(&Message::Output { stream, text }),
        Event::Test(result) => send(&Message::Test { result }),
    };
    let loaded = match host {
        Some(host) => host,
        None => match Host::load(&on_event) {
            Ok(loaded) => host.insert(loaded),
            Err(error) => return Message::Unavailable { reason: error.to_string() },
        },
    };
    match command {
        Command::Prepare => Message::Prepared,
        Command::Reset { session } => {
            loaded.reset(&session);
            Message::Reset
        }
        Command::Run(request) => {
            if let Err(error) = limits::allow_cpu(request.limits.clamped().wall) {
                eprintln!("cannot limit this process: {error}");
            }
            match loaded.run(&request, &on_event) {
                Ok(outcome) => Message::Done(Box::new(outcome)),
                Err(error) => Message::Unavailable { reason: error.to_string() },
            }
        }
    }
}

/// Writes one message. Without a reader there is nothing left to do.
fn send(message: &Message) {
    let write = || {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        let mut output = io::stdout().lock();
        output.write_all(&line)?;
        output.flush()
    };
    if write().is_err() {
        process::exit(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_to_the_end_of_the_input() {
        let (sender, receiver) = mpsc::channel();
        let input = b"{\"command\":\"prepare\"}\n{\"command\":\"prepare\"}\n";
        assert_eq!(read(&input[..], &sender), 0);
        drop(sender);
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [Command::Prepare, Command::Prepare]);
    }

    #[test]
    fn nonsense_ends_the_worker() {
        let (sender, _receiver) = mpsc::channel();
        assert_eq!(read(&b"nonsense\n"[..], &sender), 1);
    }
}

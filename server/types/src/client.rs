//! The worker process, seen from the client.

use std::ffi::OsString;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::protocol::{Answer, Question, Reply, VERSION, read, write};

/// How long an answer, or the start of the process, may take.
const LIMIT: Duration = Duration::from_secs(15);

/// What Windows needs to start a program. Nothing else of the user's environment reaches the process.
const INHERITED: [&str; 1] = ["SYSTEMROOT"];

/// Asks a process of its own, which the first question starts, and which is killed when it does not answer in time and
/// replaced by the next question. It leaves by itself after a minute without one, and never outlives the `Worker`.
pub struct Worker {
    program: PathBuf,
    arguments: Vec<OsString>,
    limit: Duration,
    slot: Mutex<Option<Process>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot start the type checker `{program}`: {source}")]
    Start { program: String, source: std::io::Error },
    #[error(
        "the type checker speaks version {found} of the protocol, this program version {VERSION}: restart the program"
    )]
    Version { found: u32 },
    #[error("the type checker ended unexpectedly ({status}){}{stderr}", if stderr.is_empty() { "" } else { ": " })]
    Crashed {
        status: String,
        /// Its last words.
        stderr: String,
    },
    #[error("the type checker took longer than {} s", after.as_secs_f32())]
    Timeout { after: Duration },
    #[error("the type checker's answer makes no sense: {0}")]
    Protocol(String),
    /// In the worker's words.
    #[error("{0}")]
    Failed(String),
}

impl Worker {
    /// A worker that is started as `program arguments…` and is [`crate::worker_main`] then.
    pub fn new(program: impl Into<PathBuf>, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Worker { program: program.into(), arguments, limit: LIMIT, slot: Mutex::default() }
    }

    /// Waits for the answer, after those to other questions.
    ///
    /// # Errors
    /// When there is none: nothing was looked at then.
    pub fn ask(&self, question: &Question) -> Result<Answer, Error> {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        // Out of the slot, so that whatever ends this function early kills the process.
        let known = slot.take().filter(|process| process.status().is_none());
        let was_known = known.is_some();
        let mut process = match known {
            Some(process) => process,
            None => self.start()?,
        };
        let answer = match process.ask(question, self.limit) {
            // It may have left in the moment in which it was asked.
            Err(Error::Crashed { .. }) if was_known && process.has_left() => {
                process = self.start()?;
                process.ask(question, self.limit)
            }
            other => other,
        };
        if matches!(answer, Ok(_) | Err(Error::Failed(_))) {
            *slot = Some(process);
        }
        answer
    }

    fn start(&self) -> Result<Process, Error> {
        let process = Process::start(&self.program, &self.arguments)?;
        match process.receive(self.limit)? {
            Reply::Hello { version: VERSION } => Ok(process),
            Reply::Hello { version } => Err(Error::Version { found: version }),
            other => Err(Error::Protocol(format!("{other:?} came before a greeting"))),
        }
    }
}

/// A running worker. Dropping it kills the process.
struct Process {
    child: Arc<Mutex<Child>>,
    /// What a thread writes, for the process may not read.
    questions: Sender<Question>,
    replies: Receiver<std::io::Result<Option<Reply>>>,
    last_words: Arc<Mutex<Vec<u8>>>,
}

impl Process {
    fn start(program: &PathBuf, arguments: &[OsString]) -> Result<Self, Error> {
        let error = |source| Error::Start { program: program.display().to_string(), source };
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(error)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let ((questions, inbox), (outbox, replies)) = (channel(), channel());
        let last_words = Arc::default();
        let words = Arc::clone(&last_words);
        let process = Process { child: Arc::new(Mutex::new(child)), questions, replies, last_words };
        let child = Arc::clone(&process.child);
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(error(std::io::Error::other("its pipes are missing")));
        };
        let thread = |name: &str| thread::Builder::new().name(format!("types {name}"));
        thread("questions").spawn(move || pass_on(stdin, &inbox)).map_err(error)?;
        thread("words").spawn(move || listen(stderr, &words)).map_err(error)?;
        thread("answers").spawn(move || hear(stdout, &outbox, &child)).map_err(error)?;
        Ok(process)
    }

    fn ask(&self, question: &Question, limit: Duration) -> Result<Answer, Error> {
        if self.questions.send(question.clone()).is_err() {
            return Err(self.crashed());
        }
        match self.receive(limit)? {
            Reply::Answer(answer) => Ok(answer),
            Reply::Failed(reason) => Err(Error::Failed(reason)),
            other => Err(Error::Protocol(format!("{other:?} came instead of an answer"))),
        }
    }

    fn receive(&self, limit: Duration) -> Result<Reply, Error> {
        match self.replies.recv_timeout(limit) {
            Ok(Ok(Some(reply))) => Ok(reply),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
                Err(Error::Protocol(error.to_string()))
            }
            Ok(_) | Err(RecvTimeoutError::Disconnected) => Err(self.crashed()),
            Err(RecvTimeoutError::Timeout) => Err(Error::Timeout { after: limit }),
        }
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn status(&self) -> Option<std::process::ExitStatus> {
        // Nothing is known of what cannot be asked: it is replaced.
        self.child().try_wait().unwrap_or_default()
    }

    /// Whether it has ended, and not because something was wrong.
    fn has_left(&self) -> bool {
        soon(|| self.status()).is_some_and(|status| status.success())
    }

    /// What to say of a process whose pipes are closed.
    fn crashed(&self) -> Error {
        let status = soon(|| self.status()).map_or("it closed its output".to_owned(), |status| status.to_string());
        // The thread that listens lets go of them once it has heard the end.
        soon(|| (Arc::strong_count(&self.last_words) == 1).then_some(()));
        let words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        Error::Crashed { status, stderr: String::from_utf8_lossy(&words).trim().to_owned() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = self.child();
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Asks again for a second, for what is about to end.
fn soon<T>(ask: impl Fn() -> Option<T>) -> Option<T> {
    (0..100).find_map(|_| {
        let answer = ask();
        if answer.is_none() {
            thread::sleep(Duration::from_millis(10));
        }
        answer
    })
}

fn pass_on(mut stdin: ChildStdin, questions: &Receiver<Question>) {
    while let Ok(question) = questions.recv() {
        if write(&mut stdin, &question).is_err() {
            return;
        }
    }
}

/// Passes replies on, and sees to it that nothing is left of a process that leaves while nobody asks.
fn hear(mut stdout: ChildStdout, replies: &Sender<std::io::Result<Option<Reply>>>, child: &Mutex<Child>) {
    loop {
        let reply = read(&mut stdout);
        let is_over = !matches!(reply, Ok(Some(_)));
        if replies.send(reply).is_err() || is_over {
            break;
        }
    }
    soon(|| child.lock().unwrap_or_else(PoisonError::into_inner).try_wait().unwrap_or_default());
}

/// Keeps the last words.
fn listen(mut stderr: ChildStderr, words: &Mutex<Vec<u8>>) {
    const KEPT: usize = 2000;
    let mut chunk = [0; 1024];
    while let Ok(length @ 1..) = stderr.read(&mut chunk) {
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.extend(&chunk[..length]);
        let surplus = words.len().saturating_sub(KEPT);
        words.drain(..surplus);
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    /// A worker in Python whose answer to a question is its body; `say` sends bytes as a frame, `done` an answer that has
    /// looked at as many files as it is told.
    fn scripted(body: &str) -> Worker {
        let script = format!(
            r#"
import os, struct, sys, time
def say(*message):
    sys.stdout.buffer.write(struct.pack("<I", len(message)) + bytes(message))
    sys.stdout.flush()
def done(number):
    say(1, 0, number, 0, 0)
def question():
    length = sys.stdin.buffer.read(4)
    if not length: sys.exit()
    return sys.stdin.buffer.read(struct.unpack("<I", length)[0])
say(0, {VERSION})
first = True
while True:
    asked = question()
    {}
    first = False
"#,
            body.replace('\n', "\n    ")
        );
        Worker::new("python3", ["-c", &script])
    }

    fn ask(worker: &Worker) -> Result<u32, Error> {
        worker.ask(&Question::default()).map(|answer| answer.looked_at)
    }

    #[test]
    fn one_process_answers_one_question_after_another() {
        let worker = scripted("done(1 if first else 2)");
        assert_eq!((ask(&worker).unwrap(), ask(&worker).unwrap()), (1, 2));
    }

    #[test]
    fn a_worker_that_does_not_answer_is_killed_and_replaced() {
        let mut worker = scripted("b'slow' in asked and time.sleep(1000)\ndone(1 if first else 2)");
        assert_eq!(ask(&worker).unwrap(), 1);
        worker.limit = Duration::from_millis(300);
        let slow = Question { root: "/slow".into(), ..Question::default() };
        assert!(matches!(worker.ask(&slow), Err(Error::Timeout { .. })));
        worker.limit = LIMIT;
        assert_eq!(ask(&worker).unwrap(), 1);
    }

    #[test]
    fn a_worker_that_does_not_read_is_given_up() {
        let mut worker = Worker::new(
            "python3",
            [
                "-c",
                "import sys, time; sys.stdout.buffer.write(bytes([2, 0, 0, 0, 0, 1])); sys.stdout.flush(); time.sleep(1000)",
            ],
        );
        worker.limit = Duration::from_secs(3);
        let long = Question { unsaved: vec![("/a.py".into(), "x".repeat(1 << 20))], ..Question::default() };
        assert!(matches!(worker.ask(&long), Err(Error::Timeout { .. })));
    }

    #[test]
    fn a_crash_is_told_with_the_last_words_and_survived() {
        let worker = scripted("if b'crash' in asked: sys.exit('out of luck')\ndone(1)");
        let crash = Question { root: "/crash".into(), ..Question::default() };
        for _ in 0..2 {
            let error = worker.ask(&crash).unwrap_err();
            assert!(matches!(&error, Error::Crashed { stderr, .. } if stderr == "out of luck"), "{error}");
            assert_eq!(ask(&worker).unwrap(), 1);
        }
    }

    #[test]
    fn a_worker_that_was_killed_is_told_or_replaced() {
        let worker = scripted("if b'kill' in asked: os.kill(os.getpid(), 9)\ndone(1)");
        let kill = Question { root: "/kill".into(), ..Question::default() };
        let error = worker.ask(&kill).unwrap_err().to_string();
        assert!(error.contains("signal: 9"), "{error}");
        assert_eq!(ask(&worker).unwrap(), 1);
        let mut slot = worker.slot.lock().unwrap();
        slot.as_mut().unwrap().child().kill().unwrap();
        slot.as_mut().unwrap().child().wait().unwrap();
        drop(slot);
        assert_eq!(ask(&worker).unwrap(), 1);
    }

    #[test]
    fn one_that_leaves_when_it_is_asked_is_replaced() {
        let worker = scripted("if not first: sys.exit()\ndone(1)");
        assert_eq!((ask(&worker).unwrap(), ask(&worker).unwrap()), (1, 1));
        assert!(ask(&scripted("sys.exit()")).is_err());
    }

    #[test]
    fn what_the_worker_cannot_do_is_told_and_its_process_kept() {
        // "no" in postcard.
        let worker = scripted("say(2, 2, 110, 111) if first else done(7)");
        assert_eq!(ask(&worker).unwrap_err().to_string(), "no");
        assert_eq!(ask(&worker).unwrap(), 7);
    }

    #[test]
    fn nonsense_other_versions_and_missing_programs_are_errors() {
        assert!(matches!(ask(&scripted("say(9, 9)")), Err(Error::Protocol(_))));
        assert!(matches!(ask(&scripted("say(0, 1)")), Err(Error::Protocol(_))));
        let other = Worker::new("sh", ["-c", r"printf '\002\000\000\000\000\011'; cat"]);
        assert!(matches!(ask(&other), Err(Error::Version { found: 9 })));
        let error = ask(&Worker::new("/no/such/program", [""; 0])).unwrap_err();
        assert!(error.to_string().contains("/no/such/program"), "{error}");
    }

    #[test]
    fn no_process_outlives_the_worker_and_none_sees_the_environment() {
        // Cargo sets it for every test process.
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        let worker = scripted("done(len([name for name in os.environ if name.startswith('CARGO')]))");
        assert_eq!(ask(&worker).unwrap(), 0);
        let child = Arc::clone(&worker.slot.lock().unwrap().as_ref().unwrap().child);
        drop(worker);
        assert!(child.lock().unwrap().try_wait().unwrap().is_some());
    }
}

//! The worker process, seen from the client.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command as Program};
use tokio::sync::Mutex;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::protocol::{Command, MAX_LINE, Message, VERSION};
use crate::{BoxFuture, Error, Event, OnEvent, Outcome, Request, Runner, Status};

/// Without a sign of life for so long before the code has started, the worker is given up. Generous, because copying a
/// large workspace for the first time is silent.
const SILENCE: Duration = Duration::from_secs(60);

/// What the worker gets on top of the wall-clock limit to stop the code by itself and to answer.
const GRACE: Duration = Duration::from_secs(5);

/// The only environment variables that the worker inherits: it runs code that nobody has read, so what else the user's
/// environment holds, such as keys, does not even reach its process.
const INHERITED: [&str; 11] = [
    "HOME",
    "LOCALAPPDATA",
    "PATH",
    "RUST_BACKTRACE",
    "SYSTEMROOT",
    "TANTU_GUEST",
    "TEMP",
    "TMP",
    "TMPDIR",
    "USERPROFILE",
    "XDG_CACHE_HOME",
];

/// Runs requests, one at a time, in a process of its own. The process is started by the first request, is killed when it
/// does not answer in time or when the request is cancelled (its future dropped), and is replaced by the next request.
/// After five idle minutes it is dismissed. It never outlives the `Worker`.
pub struct Worker {
    program: PathBuf,
    arguments: Vec<OsString>,
    timing: Timing,
    slot: Arc<Mutex<Slot>>,
}

/// How long things may take; differs only in tests.
#[derive(Clone, Copy)]
struct Timing {
    silence: Duration,
    grace: Duration,
    idle: Duration,
}

#[derive(Default)]
struct Slot {
    process: Option<Process>,
    dismissal: Option<AbortHandle>,
}

impl Worker {
    /// A worker that is started as `program arguments…` and then speaks the [protocol](crate::protocol).
    pub fn new(program: impl Into<PathBuf>, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            timing: Timing { silence: SILENCE, grace: GRACE, idle: Duration::from_secs(300) },
            slot: Arc::default(),
        }
    }

    /// Sends a command and returns its last answer. The process is out of the slot meanwhile, so that whatever ends
    /// this function early (an error, a dropped future) also drops the process, which kills it.
    async fn exchange(&self, command: &Command, on_event: OnEvent<'_>) -> Result<Message, Error> {
        let mut slot = self.slot.lock().await;
        if let Some(dismissal) = slot.dismissal.take() {
            dismissal.abort();
        }
        let mut process = match slot.process.take() {
            Some(mut process) => {
                if !process.is_alive() {
                    process = self.start().await?;
                }
                process
            }
            None => self.start().await?,
        };
        let silence = self.timing.silence;
        let sent = timeout(silence, process.send(command)).await;
        sent.map_err(|_| Error::Unresponsive { after: silence })??;
        let mut deadline: Option<(Instant, Duration)> = None;
        let answer = loop {
            // What the code writes is no sign that its time is not up.
            let until = deadline.map_or_else(|| Instant::now() + silence, |(until, _)| until);
            let Ok(message) = timeout_at(until, process.receive()).await else {
                return match deadline {
                    // The code has started, and not even the worker could stop it.
                    Some((_, after)) => Ok(Message::Done(Box::new(Outcome::without_run(
                        Status::Timeout,
                        format_args!("tantu: stopped after {:.1} s, together with the worker", after.as_secs_f32()),
                    )))),
                    None => Err(Error::Unresponsive { after: silence }),
                };
            };
            match message? {
                Message::Preparing { done, total } => on_event(Event::Preparing { done, total }),
                Message::Output { stream, text } => on_event(Event::Output { stream, text }),
                Message::Test { result } => on_event(Event::Test(result)),
                Message::Running => {
                    on_event(Event::Running);
                    if let Command::Run(request) = command {
                        let after = request.limits.clamped().wall + self.timing.grace;
                        deadline = Some((Instant::now() + after, after));
                    }
                }
                answer => break answer,
            }
        };
        slot.process = Some(process);
        slot.dismissal = Some(self.dismiss_when_idle());
        Ok(answer)
    }

    async fn start(&self) -> Result<Process, Error> {
        let mut process = Process::start(&self.program, &self.arguments)?;
        let silence = self.timing.silence;
        match timeout(silence, process.receive()).await.map_err(|_| Error::Unresponsive { after: silence })?? {
            Message::Hello { version: VERSION } => Ok(process),
            Message::Hello { version } => Err(Error::Version { found: version, expected: VERSION }),
            other => Err(Error::Protocol(format!("{other:?} came before a greeting"))),
        }
    }

    fn dismiss_when_idle(&self) -> AbortHandle {
        let slot = Arc::downgrade(&self.slot);
        let idle = self.timing.idle;
        let dismissal = tokio::spawn(async move {
            sleep(idle).await;
            if let Some(slot) = slot.upgrade() {
                slot.lock().await.process = None;
            }
        });
        dismissal.abort_handle()
    }
}

impl Runner for Worker {
    fn prepare<'a>(&'a self, on_event: OnEvent<'a>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            match self.exchange(&Command::Prepare, on_event).await? {
                Message::Prepared => Ok(()),
                Message::Unavailable { reason } => Err(Error::Unavailable(reason)),
                other => Err(Error::Protocol(format!("{other:?} came instead of the end of the preparation"))),
            }
        })
    }

    fn run<'a>(&'a self, request: Request, on_event: OnEvent<'a>) -> BoxFuture<'a, Result<Outcome, Error>> {
        Box::pin(async move {
            match self.exchange(&Command::Run(Box::new(request)), on_event).await? {
                Message::Done(outcome) => Ok(outcome.with_errors_named()),
                Message::Unavailable { reason } => Err(Error::Unavailable(reason)),
                other => Err(Error::Protocol(format!("{other:?} came instead of an outcome"))),
            }
        })
    }

    fn reset<'a>(&'a self, session: String) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            // Without a process there is no session.
            if self.slot.lock().await.process.is_none() {
                return Ok(());
            }
            match self.exchange(&Command::Reset { session }, &|_| {}).await? {
                Message::Reset => Ok(()),
                Message::Unavailable { reason } => Err(Error::Unavailable(reason)),
                other => Err(Error::Protocol(format!("{other:?} came instead of the end of the session"))),
            }
        })
    }
}

/// A running worker. Dropping it kills the process.
struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    last_words: Arc<SyncMutex<VecDeque<String>>>,
    listener: JoinHandle<()>,
}

impl Process {
    fn start(program: &PathBuf, arguments: &[OsString]) -> Result<Self, Error> {
        let error = |source| Error::Start { program: program.display().to_string(), source };
        let mut child = Program::new(program)
            .args(arguments)
            .env_clear()
            .envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(error)?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(error(std::io::Error::other("its pipes are missing")));
        };
        let last_words = Arc::default();
        let listener = tokio::spawn(listen(stderr, Arc::clone(&last_words)));
        Ok(Self { child, stdin, stdout: BufReader::new(stdout), last_words, listener })
    }

    fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    async fn send(&mut self, command: &Command) -> Result<(), Error> {
        let mut line = serde_json::to_vec(command).map_err(|error| Error::Protocol(error.to_string()))?;
        line.push(b'\n');
        if self.stdin.write_all(&line).await.is_err() {
            return Err(self.crashed().await);
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<Message, Error> {
        let mut line = Vec::new();
        match (&mut self.stdout).take(MAX_LINE).read_until(b'\n', &mut line).await {
            Ok(length) if length > 0 && line.ends_with(b"\n") => {
                serde_json::from_slice(&line).map_err(|error| Error::Protocol(error.to_string()))
            }
            Ok(length) if length as u64 == MAX_LINE => Err(Error::Protocol("a line without an end".into())),
            _ => Err(self.crashed().await),
        }
    }

    /// What to say of a process whose pipes are closed.
    async fn crashed(&mut self) -> Error {
        // It may have closed its output and live on, or have left a child that holds its standard error.
        let brief = Duration::from_secs(1);
        let status = match timeout(brief, self.child.wait()).await {
            Ok(Ok(status)) => status.to_string(),
            _ => "it closed its output".into(),
        };
        let _ = timeout(brief, &mut self.listener).await;
        let words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        Error::Crashed { status, stderr: words.iter().map(String::as_str).collect::<Vec<_>>().join("\n") }
    }
}

/// Logs the worker's standard error and keeps the last lines of it.
async fn listen(stderr: ChildStderr, last_words: Arc<SyncMutex<VecDeque<String>>>) {
    const LINES: usize = 20;
    const LINE: u64 = 4096;
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    while matches!((&mut stderr).take(LINE).read_until(b'\n', &mut line).await, Ok(length) if length > 0) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        tracing::debug!(target: "sandbox_worker", "{text}");
        let mut words = last_words.lock().unwrap_or_else(PoisonError::into_inner);
        if words.len() == LINES {
            words.pop_front();
        }
        words.push_back(text);
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Limits, Stream, TestResult, Verdict};

    /// A worker in Python whose answer to a run is its body; `say` prints a message, `pid` tells processes apart.
    fn scripted(body: &str) -> Worker {
        let script = format!(
            r#"
import json, os, sys, time
def say(message, **fields):
    print(json.dumps({{"message": message, **fields}}), flush=True)
def done(outcome="passed", **fields):
    say("done", outcome=outcome, passed=0, failed=0, exit=0, stdout=str(os.getpid()), stderr="", failures=[], millis=0, **fields)
say("hello", version={VERSION})
for line in sys.stdin:
    command = json.loads(line)
    {}
"#,
            body.replace('\n', "\n    ")
        );
        Worker::new("python3", ["-c", &script])
    }

    fn request() -> Request {
        let limits = Limits { wall: Duration::from_millis(200), ..Limits::default() };
        Request { limits, ..Request::new("/ws", Action::Script { path: "a.py".into() }) }
    }

    async fn run(worker: &Worker) -> Result<Outcome, Error> {
        worker.run(request(), &|_| {}).await
    }

    /// Whether the process still runs (not as a zombie).
    fn lives(pid: &str) -> bool {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    async fn wait_for_death(pid: &str) {
        for _ in 0..500 {
            if !lives(pid) {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("process {pid} lives on");
    }

    #[tokio::test]
    async fn one_process_answers_one_request_after_another() {
        let worker = scripted("say('running')\ndone()");
        let first = run(&worker).await.unwrap();
        let second = run(&worker).await.unwrap();
        assert_eq!(first.outcome, Status::Passed);
        assert_eq!(first.stdout, second.stdout);
    }

    #[tokio::test]
    async fn events_are_passed_on() {
        let worker = scripted(
            "say('preparing', done=1, total=3)
say('running')
say('output', stream='stderr', text='careful')
say('test', result=dict(id='a.py::b', path='a.py', line=1, verdict='skipped', millis=0, message=None))
done()",
        );
        let events = SyncMutex::new(Vec::new());
        worker.run(request(), &|event| events.lock().unwrap().push(event)).await.unwrap();
        let test = TestResult {
            id: "a.py::b".into(),
            path: "a.py".into(),
            line: 1,
            verdict: Verdict::Skipped,
            returned: false,
            millis: 0,
            message: None,
        };
        let expected = [
            Event::Preparing { done: 1, total: 3 },
            Event::Running,
            Event::Output { stream: Stream::Stderr, text: "careful".into() },
            Event::Test(test),
        ];
        assert_eq!(events.into_inner().unwrap(), expected);
    }

    #[tokio::test]
    async fn a_session_is_reset_in_the_process_that_has_it() {
        let worker = scripted("say('reset') if command['command'] == 'reset' else done()");
        // Not worth starting a process.
        worker.reset("notebook.py".into()).await.unwrap();
        assert!(worker.slot.lock().await.process.is_none());
        let before = run(&worker).await.unwrap();
        worker.reset("notebook.py".into()).await.unwrap();
        assert_eq!(run(&worker).await.unwrap().stdout, before.stdout);
    }

    #[tokio::test]
    async fn a_worker_that_does_not_answer_is_replaced() {
        let mut worker = scripted("say('running')\ntime.sleep(1000 if command['root'] == '/hang' else 0)\ndone()");
        worker.timing.grace = Duration::from_millis(100);
        let before = run(&worker).await.unwrap();
        let hanging = Request { root: "/hang".into(), ..request() };
        assert_eq!(worker.run(hanging, &|_| {}).await.unwrap().outcome, Status::Timeout);
        let after = run(&worker).await.unwrap();
        assert_ne!(before.stdout, after.stdout);
        wait_for_death(&before.stdout).await;
    }

    #[tokio::test]
    async fn a_worker_that_goes_on_talking_is_replaced() {
        let mut worker = scripted(
            "say('running')\nwhile True:\n    say('output', stream='stdout', text='more')\n    time.sleep(0.02)",
        );
        worker.timing.grace = Duration::from_millis(100);
        assert_eq!(run(&worker).await.unwrap().outcome, Status::Timeout);
    }

    #[tokio::test]
    async fn silence_before_the_run_is_an_error() {
        let mut worker = scripted("time.sleep(1000)");
        worker.timing.silence = Duration::from_secs(3);
        assert!(matches!(run(&worker).await, Err(Error::Unresponsive { .. })));
    }

    #[tokio::test]
    async fn a_dropped_future_kills_the_process_and_the_next_run_gets_another() {
        let worker = scripted("say('running')\ntime.sleep(1000 if command['root'] == '/hang' else 0)\ndone()");
        let before = run(&worker).await.unwrap();
        let hanging = Request { root: "/hang".into(), ..request() };
        assert!(timeout(Duration::from_millis(100), worker.run(hanging, &|_| {})).await.is_err());
        wait_for_death(&before.stdout).await;
        assert_ne!(run(&worker).await.unwrap().stdout, before.stdout);
    }

    #[tokio::test]
    async fn a_crash_is_reported_with_the_last_words_and_survived() {
        let worker = scripted("if command['root'] == '/crash': sys.exit('out of luck')\nsay('running')\ndone()");
        let crash = Request { root: "/crash".into(), ..request() };
        let error = worker.run(crash, &|_| {}).await.unwrap_err();
        assert!(matches!(&error, Error::Crashed { stderr, .. } if stderr == "out of luck"), "{error}");
        assert_eq!(run(&worker).await.unwrap().outcome, Status::Passed);
    }

    #[tokio::test]
    async fn a_process_that_died_while_idle_is_replaced() {
        let worker = scripted("done()\nsys.exit()");
        let first = run(&worker).await.unwrap();
        wait_for_death(&first.stdout).await;
        assert_ne!(run(&worker).await.unwrap().stdout, first.stdout);
    }

    #[tokio::test]
    async fn an_idle_process_is_dismissed() {
        let mut worker = scripted("done()");
        worker.timing.idle = Duration::from_millis(50);
        let first = run(&worker).await.unwrap();
        wait_for_death(&first.stdout).await;
        assert_eq!(run(&worker).await.unwrap().outcome, Status::Passed);
    }

    #[tokio::test]
    async fn no_process_outlives_the_worker() {
        let worker = scripted("done()");
        let pid = run(&worker).await.unwrap().stdout;
        assert!(lives(&pid));
        drop(worker);
        wait_for_death(&pid).await;
    }

    #[tokio::test]
    async fn another_version_is_refused() {
        let worker = Worker::new("sh", ["-c", r#"echo '{"message":"hello","version":999}'; cat"#]);
        assert!(matches!(run(&worker).await, Err(Error::Version { found: 999, expected: VERSION })));
    }

    #[tokio::test]
    async fn nonsense_is_an_error() {
        let worker = Worker::new("sh", ["-c", "echo 'not json'; cat"]);
        assert!(matches!(run(&worker).await, Err(Error::Protocol(_))));
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let error = run(&Worker::new("/no/such/program", [""; 0])).await.unwrap_err();
        assert!(error.to_string().contains("/no/such/program"), "{error}");
    }

    #[tokio::test]
    async fn the_environment_of_the_worker_holds_no_keys() {
        // Cargo sets these for every test process.
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        let worker = scripted("done(outcome='error' if 'CARGO_MANIFEST_DIR' in os.environ else 'passed')");
        assert_eq!(run(&worker).await.unwrap().outcome, Status::Passed);
    }
}

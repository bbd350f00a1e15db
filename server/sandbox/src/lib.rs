//! This crate is the client side of the Python sandbox: what to run and within which limits, what came of it, and a
//! handle on the worker process that does the running.
//!
//! Deliberately absent: WebAssembly, Python and the file system. The other end of the [`protocol`] lives in
//! `sandbox-wasi`; the process is started with a command line that the caller knows.

pub mod fake;
pub mod protocol;
mod worker;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use worker::Worker;

/// One run. The workspace is seen as it lies on disk, with `overlay` in front of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The workspace folder. A filtered copy of it is what the code can read; nothing in it can be changed. Pure Python
    /// packages of a virtual environment that lies in it can be imported.
    pub root: PathBuf,
    /// Unsaved or proposed texts by path relative to `root`. They shadow what is on disk, and may be new files.
    pub overlay: Vec<(PathBuf, String)>,
    pub action: Action,
    pub limits: Limits,
}

/// What to run. Paths are relative to the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A file as `__main__`.
    Script { path: PathBuf },
    /// A selection or a cell as `__main__`; the value of a last expression is printed.
    Code {
        text: String,
        /// The file it was taken from; need not exist.
        filename: String,
        /// 1-based line of the text in that file.
        first_line: u32,
    },
    /// The doctests of a module or a text file.
    Doctest {
        path: PathBuf,
        /// Only those of the object with this qualified name in the module (`Class.method`) and of what it contains.
        name: Option<String>,
    },
    /// Tests by pytest node id (`tests/test_a.py::TestB::test_c`, a file, or a folder). Also runs unittest's cases.
    Pytest { targets: Vec<String> },
}

/// When a run is stopped. Values outside the stated ranges are brought into them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Time from the start of the interpreter, 100 ms to 10 minutes. The wait for the worker is not counted.
    pub wall: Duration,
    /// Bytes of memory, 64 MiB to 1 GiB. The interpreter itself takes about 50 MiB of it.
    pub memory: u64,
    /// Bytes of standard output, and as many of standard error, 1 KiB to 16 MiB.
    pub output: u64,
    /// Bytes of stack, 2 MiB to 16 MiB. Python's own recursion limit is usually met first.
    pub stack: u64,
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

impl Default for Limits {
    fn default() -> Self {
        Self { wall: Duration::from_secs(10), memory: 256 * MIB, output: MIB, stack: 8 * MIB }
    }
}

impl Limits {
    /// The same limits, brought into the ranges that the sandbox supports.
    #[must_use]
    pub fn clamped(self) -> Self {
        Self {
            wall: self.wall.clamp(Duration::from_millis(100), Duration::from_secs(600)),
            memory: self.memory.clamp(64 * MIB, 1024 * MIB),
            output: self.output.clamp(KIB, 16 * MIB),
            stack: self.stack.clamp(2 * MIB, 16 * MIB),
        }
    }
}

/// What came of a run. Its JSON is the documented output of `tantu run --format json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub outcome: Status,
    /// Tests, or examples of a doctest.
    pub passed: u32,
    /// Tests, or examples, that ran and failed. What could not be run here is in neither count.
    pub failed: u32,
    /// The exit status that the run would have had as a process; absent when it was stopped.
    pub exit: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// Failures, and what could not be run and why, in the order in which they were met.
    pub failures: Vec<Failure>,
    /// Time from the start of the interpreter.
    pub millis: u64,
}

impl Outcome {
    /// An outcome of a run that never began, or was lost: nothing counted, `reason` on standard error.
    #[must_use]
    pub fn without_run(outcome: Status, reason: impl fmt::Display) -> Self {
        Self {
            outcome,
            passed: 0,
            failed: 0,
            exit: None,
            stdout: String::new(),
            stderr: format!("{reason}\n"),
            failures: Vec::new(),
            millis: 0,
        }
    }
}

/// The verdict on a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Every test passed; a script ended with status 0.
    Passed,
    /// A test failed; a script raised or ended with another status.
    Failed,
    /// It could not be run: a syntax error, a failing import, no such test, an interpreter that broke down.
    Error,
    /// Stopped at [`Limits::wall`].
    Timeout,
    /// Stopped at [`Limits::memory`].
    Memory,
    /// Stopped at [`Limits::output`], or having filled `/tmp`.
    Output,
    /// It needs what the sandbox denies (network, processes, threads, files outside the workspace, writing in it), or
    /// the request itself does. Says nothing about the code's correctness.
    Refused,
    /// It needs a package that is not installed, or that is compiled. Says nothing about the code's correctness.
    NotRunnable,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Memory => "memory",
            Self::Output => "output",
            Self::Refused => "refused",
            Self::NotRunnable => "not-runnable",
        })
    }
}

/// Something to show at a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Relative to the workspace, with forward slashes.
    pub path: String,
    /// 1-based.
    pub line: u32,
    pub message: String,
}

/// What happens between a request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The interpreter is being compiled for this machine, which is done once. Counted in steps; the second takes nearly
    /// all of the time, and is repeated every second as a sign of life.
    Preparing { done: u32, total: u32 },
    /// The code has started. It starts again when it turned out to need a package that the workspace's environment has.
    Running,
}

/// Receives events while a future of a [`Runner`] is polled.
pub type OnEvent<'a> = &'a (dyn Fn(Event) + Send + Sync);

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that runs Python. Dropping a future cancels what it does, and leaves the runner usable.
pub trait Runner: Send + Sync {
    /// Makes the first run as fast as the others.
    fn prepare<'a>(&'a self, on_event: OnEvent<'a>) -> BoxFuture<'a, Result<(), Error>>;

    /// Runs one request. Several at a time wait for each other.
    ///
    /// # Errors
    /// When the sandbox itself does not work. Whatever the code does is an [`Outcome`].
    fn run<'a>(&'a self, request: Request, on_event: OnEvent<'a>) -> BoxFuture<'a, Result<Outcome, Error>>;
}

/// Why the sandbox does not work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot start the sandbox worker `{program}`: {source}")]
    Start { program: String, source: std::io::Error },
    #[error(
        "the sandbox worker speaks version {found} of the protocol, this program version {expected}: restart the program"
    )]
    Version { found: u32, expected: u32 },
    #[error("the sandbox worker ended unexpectedly ({status}){}{stderr}", if stderr.is_empty() { "" } else { ": " })]
    Crashed {
        status: String,
        /// Its last words.
        stderr: String,
    },
    #[error("the sandbox worker has not answered for {} s", after.as_secs())]
    Unresponsive { after: Duration },
    #[error("the sandbox worker's answer makes no sense: {0}")]
    Protocol(String),
    /// In the worker's words, with the remedy.
    #[error("{0}")]
    Unavailable(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcome_has_the_documented_json() {
        let outcome = Outcome {
            outcome: Status::NotRunnable,
            passed: 4,
            failed: 1,
            exit: Some(1),
            stdout: "out".into(),
            stderr: "err".into(),
            failures: vec![Failure { path: "tests/test_a.py".into(), line: 3, message: "needs numpy".into() }],
            millis: 12,
        };
        assert_eq!(
            serde_json::to_string(&outcome).unwrap(),
            r#"{"outcome":"not-runnable","passed":4,"failed":1,"exit":1,"stdout":"out","stderr":"err","failures":[{"path":"tests/test_a.py","line":3,"message":"needs numpy"}],"millis":12}"#
        );
    }

    #[test]
    fn a_status_is_written_as_in_json() {
        for status in [
            Status::Passed,
            Status::Failed,
            Status::Error,
            Status::Timeout,
            Status::Memory,
            Status::Output,
            Status::Refused,
            Status::NotRunnable,
        ] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.to_string());
        }
    }

    #[test]
    fn limits_are_brought_into_range_and_may_be_partial() {
        let limits: Limits = serde_json::from_str(r#"{"memory": 1, "output": 99999999999}"#).unwrap();
        let clamped = limits.clamped();
        assert_eq!((clamped.memory, clamped.output), (64 * MIB, 16 * MIB));
        assert_eq!((clamped.wall, clamped.stack), (Limits::default().wall, Limits::default().stack));
        assert_eq!(Limits::default().clamped(), Limits::default());
    }
}

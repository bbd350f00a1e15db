//! This crate is the client side of the Python sandbox: what to run and within which limits, what came of it, and a
//! handle on the worker process that does the running.
//!
//! Deliberately absent: WebAssembly, Python and the file system. The other end of the [`protocol`] lives in
//! `sandbox-wasi`; the process is started with a command line that the caller knows.

mod batches;
mod coverage;
pub mod fake;
mod outcome;
pub mod protocol;
mod request;
mod worker;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use batches::run_likeliest_first;
pub use coverage::{Coverage, Covered, Function, Lines};
pub use outcome::{Compared, Failure, Law, Outcome, Place, Raised, Session, Status, TestResult, Verdict, Weight};
pub use request::{Action, Limits, Request};
pub use worker::Worker;

/// What happens between a request and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The interpreter is being compiled for this machine, which is done once. Counted in steps; the second takes nearly
    /// all of the time, and is repeated every second as a sign of life.
    Preparing { done: u32, total: u32 },
    /// The code has started. It starts again, and what it has told before does not count, when it turned out to need a
    /// package that the project's environment has.
    Running,
    /// What the code has written since it was last told, at most every 50 ms. Together it is what the outcome holds.
    Output { stream: Stream, text: String },
    /// A test has ended.
    Test(TestResult),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    Stdout,
    Stderr,
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

    /// Forgets the state of this session of cells, in every workspace. That there is none is no error.
    ///
    /// # Errors
    /// When the sandbox itself does not work.
    fn reset<'a>(&'a self, session: String) -> BoxFuture<'a, Result<(), Error>>;
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

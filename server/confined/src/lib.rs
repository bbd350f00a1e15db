//! This crate runs the project's own interpreter in a process that the kernel confines: what the sandbox cannot run, because
//! it is compiled or needs an operating system, runs here with nothing but its environment, a private copy of the workspace,
//! and a private folder to write in. Linux only; elsewhere it says so.
//!
//! Deliberately absent: who chooses to run something here (`runs` and the front ends do), WebAssembly, and trust in what
//! the code says about itself: it shares an interpreter with what reports on it, which `docs/security.md` explains.
//!
//! Three processes of the same program stand between a client and the code: the *worker* answers the client in the sandbox's
//! protocol and may be killed at any time; its child, the *warden*, prepares a run, watches over it and ends all that it has
//! started, also when the worker has died; and *enter* gives up its own rights for good and becomes the interpreter.

mod protections;
mod spec;

#[cfg(target_os = "linux")]
mod channel;
#[cfg(target_os = "linux")]
mod enter;
#[cfg(target_os = "linux")]
mod interpreter;
#[cfg(target_os = "linux")]
mod judge;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod remove;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod stage;
#[cfg(target_os = "linux")]
mod worker;

#[cfg(target_os = "linux")]
pub use enter::{enter_main, probe};
#[cfg(target_os = "linux")]
pub use process::{Confinement, End, Ended};
pub use protections::Protections;
pub use spec::Spec;
#[cfg(target_os = "linux")]
pub use worker::worker_main;

/// The hidden subcommand that becomes the interpreter.
pub const ENTER: &str = "confined-enter";
/// The hidden subcommand that speaks the sandbox's protocol.
pub const WORKER: &str = "confined-worker";

/// Why nothing can run confined here.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("not confined: {0}")]
    NotConfined(String),
    #[error("cannot {what}: {source}")]
    Io { what: String, source: std::io::Error },
    /// The request itself asks for what is not done; in words for the user.
    #[error("{0}")]
    Refused(String),
}

impl Error {
    #[cfg(target_os = "linux")]
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Error::Io { what, source }
    }
}

/// On other systems than Linux.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn probe(_program: &std::path::Path) -> Result<Protections, Error> {
    Err(Error::NotConfined("not supported on this system; it needs Linux".to_owned()))
}

/// On other systems than Linux: says so and ends.
#[cfg(not(target_os = "linux"))]
pub fn worker_main(_is_warden: bool) -> ! {
    eprintln!("running confined is not supported on this system; it needs Linux");
    std::process::exit(2)
}

/// On other systems than Linux: says so and ends.
#[cfg(not(target_os = "linux"))]
pub fn enter_main() -> ! {
    worker_main(false)
}

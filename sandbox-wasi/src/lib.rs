//! This crate runs Python in WebAssembly: it is the process at the other end of the `sandbox` crate's protocol.
//!
//! A [`Host`] stages a workspace, gives the guest (CPython with pytest, built from `guest/`) a fresh instance for every
//! run, and stops it at its limits. Deliberately absent: network, environment, threads and processes for the guest, any
//! file but the staged copies, and every other user of wasmtime in this workspace.
//!
//! A run can harm nothing and see nothing, but what it reports is the word of an interpreter that it controls: code that
//! wants to lie about its own tests can.

mod cache;
mod error;
mod guest;
mod host;
mod limits;
mod prepare;
mod remove;
mod stage;
mod worker;

pub use cache::{CacheStatus, Cleared, clear, status};
pub use error::Error;
pub use host::Host;
pub use prepare::prepare;
pub use worker::worker_main;

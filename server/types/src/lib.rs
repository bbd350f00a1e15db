//! This crate says which type errors a change brings about: it is the only one that knows ty, which it runs in a process of its
//! own ([`worker_main`]), and the handle on that process ([`Worker`]).
//!
//! Deliberately absent: the graph, and what an error means for a proposal. Nothing is written or run, and no file is read but
//! those of the workspace and its environment. What could not be looked at is an error, never an answer.

mod checker;
mod client;
mod compare;
mod database;
mod doubt;
mod files;
mod process;
mod project;
mod protocol;

/// The version of ty's crates, as the workspace's manifest pins it.
pub const TY_VERSION: &str = "0.0.10";

pub use client::{Error, Worker};
pub use process::worker_main;
pub use project::Project;
pub use protocol::{Answer, Edited, Question, Severity, TypeError};

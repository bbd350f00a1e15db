//! This crate plans runs of tests, doctests, cells and scripts, chooses the tests that a change reaches, and remembers what came
//! of them, for every front end.
//!
//! Deliberately absent: the sandbox itself (`sandbox`), who is told of a run and how, and results that are still true
//! (`workspace::results`).

pub mod affected;
pub mod confined;
pub mod coverage;
pub mod environments;
pub mod history;
mod install;
pub mod native;
pub mod plan;
pub mod selection;
pub mod wording;

pub use install::install;

//! This crate judges changes that nobody has checked yet, whoever made them: a patch, whole files, what is staged, or what is on
//! disk beside a revision. All front ends ask the one function, [`judge`], and say its [`Verdict`] in the same words.
//!
//! The checks are those of proposals (`validate`): only what a change makes worse counts against it, and what was not looked at is
//! named. Deliberately absent: what a verdict is good for (exit statuses, protocols, comments), models, and any change on disk.

mod changes;
mod impact;
mod judge;
mod patch;
pub mod runs;
mod verdict;

pub use changes::{Changed, Changes, Obstacle, TextNow, WholeFile};
pub use judge::{Checkers, Options, State, judge, test_results};
pub use patch::{FilePatch, Hunk, Kind, Line, MAX_PATCH_BYTES, Malformed, parse};
pub use validate::Behaviour;

pub use impact::{Fixed, Impact, Touched, impact};
pub use verdict::{Level, Outcome, TestResult, Tests, Verdict};

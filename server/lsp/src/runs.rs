//! Running tests, doctests, cells and scripts in the sandbox: background jobs. What came of them is kept in
//! [`workspace::results`].

mod environments;
mod listing;
mod native;
mod perform;
mod report;
mod wording;

pub(crate) use environments::Environments;
pub(crate) use listing::run as list_tests;
pub(crate) use perform::{Perform, session_of};

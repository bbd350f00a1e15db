//! Running tests, doctests, cells and scripts in the background, and telling the editor of it.

mod coverage;
mod listing;
mod perform;
mod permission;
mod report;

pub(crate) use listing::run as list_tests;
pub(crate) use perform::Perform;
pub(crate) use permission::Permission;

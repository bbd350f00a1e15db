//! This crate finds what is wrong in one text, and how to mend it: ruff's rules, secrets, advisories.
//!
//! A [`Finding`] is plain data with offsets into the text; every [`Fix`] is a set of edits of that text. Deliberately absent:
//! anything that looks at a second Python file (that is `graph` and `ide`), and the editor protocol (that is `lsp`). This is
//! the only crate that links ruff's linter, whose interface changes with every release.

mod finding;

pub use finding::{Applicability, Confidence, Finding, Fix, Severity, Tag};

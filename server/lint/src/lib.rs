//! This crate finds what is wrong in one text, and how to mend it: ruff's rules, secrets, weaknesses, advisories.
//!
//! A [`Finding`] is plain data with offsets into the text; every [`Fix`] is a set of edits of that text. Deliberately absent:
//! anything that looks at a second Python file (that is `graph` and `ide`), and the editor protocol (that is `lsp`). This is
//! the only crate that links ruff's linter, whose interface changes with every release.

mod advisories;
mod by_value;
mod consent;
mod dangers;
mod difference;
mod distributions;
mod environment;
mod finding;
mod fixes;
mod gate;
mod introduced;
mod linter;
mod project_ruff;
mod ruff;
mod rule_help;
mod secrets;
mod security;
mod stack;
mod suppress;
mod weaknesses;

pub use advisories::{Advisories, Include, Pin, Problem, includes, pins, read_advisories};
pub use by_value::is_false_alarm;
pub use dangers::{Danger, DangerKind, Input, Policy};
pub use distributions::{Installer, add_requirement, distribution_of, normalize, requires};
pub use environment::{Availability, Environment};
pub use finding::{Applicability, Confidence, Finding, Fix, Severity, Tag};
pub use gate::{Gate, is_compile_error};
pub use introduced::{Identity, introduced};
pub use linter::{Document, Linter, is_lintable};
pub use project_ruff::{Error as ProjectRuffError, ProjectRuff};
pub use ruff::{ConfigurationProblem, INVALID_SYNTAX, Ruff};
pub use rule_help::{RuleHelp, explain};
pub use secrets::{Secrets, secret_in_prose, secrets};
pub use security::fixes as security_fixes;
pub use weaknesses::Weaknesses;

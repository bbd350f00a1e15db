//! This crate decides whether a proposed edit may be shown: it turns a [`Candidate`] into [`Evidence`], and into a
//! [`Validated`] change if every check that could run passed.
//!
//! The candidate is applied to a throw-away copy of the dependency graph and looked at by the linters that the caller gives
//! ([`Inspection`]), and only what it makes worse counts against it. Tests run elsewhere: [`Checked::tests`] says what to run, [`Checked::record_outcomes`] takes what came of it.
//!
//! Nothing else can make a [`Validated`], and nothing else should reach an editor: its constructor is private, and it
//! cannot be read back from storage. Deliberately absent: models and prompts, waiting, and any change of the real graph.

mod candidate;
mod check;
mod confidence;
mod evidence;
mod finding;
mod mutants;
mod parts;
mod validated;

pub use candidate::{Behaviour, Candidate, Scope};
pub use check::{
    Checked, FakeTypeChecker, Gravity, Inspection, PastMistake, TEST_CONFIGURATION, TaintedCall, TypeAnswer,
    TypeChecker, TypeError, TypeQuestion, Typing, Verdict, check,
};
pub use confidence::{Confidence, Factor, Level};
pub use evidence::{Callers, Evidence, Examined, Origin, TestRun, Texts};
pub use finding::{CheckResult, Finding, Stage};
pub use mutants::{Mutant, mutants};
pub use parts::Part;
pub use validated::{EditFingerprint, Moved, Validated};

// What a candidate is made of and what its tests are, for whoever carries them from one step to the next.
pub use graph::{AnalysisHost, Change};
pub use sandbox::{Action, Outcome, Request};
pub use syntax::{FileEdit, SourceChange, TextEdit, TextRange, TextSize};

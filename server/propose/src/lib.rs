//! This crate is the loop that turns a model's replies into a change that a person may apply: a state machine that is
//! told what happened ([`Event`]) and says what to do next ([`Effect`]).
//!
//! ```text
//! Assembling → Generating → Checking → Testing → Reviewing → Applying → Applied
//!                   ↑___________|__________|  ↖_______|____________|  ↘ Rejected / Failed
//!                    with all findings so far    other parts, or other text around it
//!                    ↘ Escalated / Failed / Cancelled
//! ```
//!
//! A candidate is scored in the step from checks and tests to the review, or to the next attempt. What reaches
//! [`Effect::Apply`] is a [`validate::Validated`], which only the checks can make; a candidate of which no attempt passed
//! is shown, and cannot be applied.
//!
//! Deliberately absent: waiting, networks, clocks, editors. Whoever performs the effects has those.

mod events;
mod lesson;
mod proposal;
mod reply;
mod retry;
mod summary;

pub use events::{Effect, Event, Limits, Severity, State, Task};
pub use lesson::Lesson;
pub use proposal::Proposal;
pub use summary::{Spent, Status, Summary};

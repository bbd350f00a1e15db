//! What can happen to a proposal, what is to be done next, and where it stands.

use std::path::PathBuf;

use assists::{Ask, AssistId, Refusal};
use model::{Prompt, Reply};
use serde::{Deserialize, Serialize};
use validate::{Checked, Evidence, Moved, Outcome, Request, Validated};

use crate::Lesson;

/// What somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub assist: AssistId,
    /// The file, absolute.
    pub path: PathBuf,
    /// The qualified name of what it is for, such as `shop.cart.Cart.total`.
    pub symbol: String,
    /// What the person wants besides; of a finding that is to be mended, what it says.
    pub instruction: Option<String>,
    /// The code of the finding that is to be mended.
    #[serde(default, rename = "fixesCode")]
    pub fixes_code: Option<String>,
}

/// When to give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Replies of one model that are paid for, one at least; then it is the next model's turn.
    pub max_attempts: u32,
    /// The first answer is looked over by its own author before it is checked, if it cost no more than this, in millionths of
    /// a US dollar.
    #[serde(default)]
    pub reflect_below: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_attempts: 3, reflect_below: None }
    }
}

/// What happened.
pub enum Event {
    /// The prompt is ready.
    Assembled(Ask),
    /// There is nothing to ask, or nobody; the reason is shown as it is.
    NotAssembled(String),
    /// A model answered. Redacted secrets are back in the text.
    Replied {
        model: String,
        reply: Reply,
    },
    ModelFailed {
        model: String,
        error: model::Error,
    },
    /// All models were asked as often as it is allowed.
    NoOtherModel,
    /// The reply's code cannot become an edit.
    Refused(Refusal),
    Checked(Box<Checked>),
    /// What came of the requests, in their order; an error says why the sandbox could not run one.
    Tested(Vec<Result<Outcome, String>>),
    /// The person says yes, or no.
    Approved,
    Discarded,
    /// The person wants it to be different, and says how.
    Adjusted(String),
    /// The person wants only the parts with these names.
    Selected(Vec<String>),
    Applied,
    /// The text was not the one that was checked. Nothing was applied.
    Moved(Moved),
    /// The editor did not take the change; with its reason.
    NotApplied(String),
    /// The person cancelled it.
    Cancelled,
}

/// What to do next. The answer is an [`Event`], except for [`Effect::Report`] and [`Effect::Learn`], which have none.
pub enum Effect {
    /// Make the prompt of [`Proposal::task`] from the newest text.
    Assemble,
    /// Ask a model. The first `passed_over` of those that are for this were asked often enough.
    Generate { prompt: Prompt, passed_over: usize },
    /// Make an edit from the code, for the newest text, and check it; of the edit, these parts alone.
    Check { title: String, code: String, parts: Option<Vec<String>> },
    /// Run these in the sandbox.
    Test(Vec<Request>),
    /// Show the evidence to the person and ask.
    Review(Box<Evidence>),
    /// Put it into the editor, if the text is still the one that was checked.
    Apply(Validated),
    /// Tell the person.
    Report { severity: Severity, message: String },
    /// Remember what was wrong.
    Learn(Vec<Lesson>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

/// Where a proposal stands.
#[derive(Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    Assembling,
    Generating,
    Checking,
    Testing {
        #[serde(skip)]
        checked: Option<Box<Checked>>,
    },
    Reviewing {
        /// Absent after the proposal was stored: what may be applied is not for a file to say, so it is checked again.
        #[serde(skip)]
        validated: Option<Validated>,
    },
    Applying,
    Applied,
    Rejected,
    /// No attempt passed, but there is code to look at.
    Escalated {
        reason: String,
    },
    Failed {
        reason: String,
    },
    Cancelled,
}

impl State {
    /// In kebab case.
    pub fn name(&self) -> &'static str {
        match self {
            State::Assembling => "assembling",
            State::Generating => "generating",
            State::Checking => "checking",
            State::Testing { .. } => "testing",
            State::Reviewing { .. } => "reviewing",
            State::Applying => "applying",
            State::Applied => "applied",
            State::Rejected => "rejected",
            State::Escalated { .. } => "escalated",
            State::Failed { .. } => "failed",
            State::Cancelled => "cancelled",
        }
    }

    pub(crate) fn is_final(&self) -> bool {
        match self {
            State::Assembling
            | State::Generating
            | State::Checking
            | State::Testing { .. }
            | State::Reviewing { .. }
            | State::Applying => false,
            State::Applied | State::Rejected | State::Escalated { .. } | State::Failed { .. } | State::Cancelled => {
                true
            }
        }
    }
}

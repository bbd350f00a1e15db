//! What `tantu propose --format json` prints.

use std::collections::BTreeMap;

use model::Reply;
use serde::Serialize;
use validate::{CheckResult, Finding, Stage};

use crate::{Proposal, State};

/// How a proposal ended, as far as whoever asked for it is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Every check that could run passed.
    Ready,
    /// As [`Status::Ready`], of a part of what was asked for: the rest of the answer did not pass.
    Partial,
    /// There is code, and it is for a person to look at: no attempt passed.
    Escalated,
    Failed,
    /// By the person, before or after it was ready.
    Cancelled,
}

/// Tokens, as the provider counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, serde::Deserialize)]
pub struct Spent {
    pub input: u64,
    pub output: u64,
    /// In US dollars, where the price is known.
    pub cost: Option<f64>,
}

impl Spent {
    pub(crate) fn add(&mut self, reply: &Reply) {
        if let Some(usage) = reply.usage {
            self.input += usage.input;
            self.output += usage.output;
        }
        if let Some(micros) = reply.cost {
            self.cost = Some(self.cost.unwrap_or(0.0) + micros as f64 / 1e6);
        }
    }
}

/// A proposal in short.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    pub status: Status,
    pub confidence: Option<f64>,
    pub attempts: u32,
    pub model: Option<String>,
    /// Of all attempts, each once; none when the proposal is ready as a whole.
    pub findings: Vec<Finding>,
    /// What linters find that is new and keeps nothing back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Finding>,
    pub checks: BTreeMap<Stage, CheckResult>,
    pub diff: String,
    pub usage: Spent,
    /// Why it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Proposal {
    /// The proposal in short; `None` while it is being worked on.
    pub fn summary(&self) -> Option<Summary> {
        let left_out = self.evidence().map(|evidence| evidence.left_out.len()).unwrap_or_default();
        let (status, message) = match self.state() {
            State::Assembling | State::Generating | State::Checking | State::Testing { .. } => return None,
            State::Reviewing { .. } | State::Applying | State::Applied if left_out > 0 => {
                (Status::Partial, Some("a part of the answer did not pass the checks, and was left out".to_owned()))
            }
            State::Reviewing { .. } | State::Applying | State::Applied => (Status::Ready, None),
            State::Escalated { reason } => (Status::Escalated, Some(reason.clone())),
            State::Failed { reason } => (Status::Failed, Some(reason.clone())),
            State::Rejected | State::Cancelled => (Status::Cancelled, None),
        };
        let evidence = self.evidence();
        Some(Summary {
            status,
            confidence: evidence.and_then(|evidence| evidence.confidence.score),
            attempts: self.attempts(),
            model: self.model().map(str::to_owned),
            findings: if status == Status::Ready { Vec::new() } else { self.findings() },
            warnings: evidence.map(|evidence| evidence.warnings.clone()).unwrap_or_default(),
            checks: evidence.map(|evidence| evidence.checks.clone()).unwrap_or_default(),
            diff: evidence.map(|evidence| evidence.diff.clone()).unwrap_or_default(),
            usage: self.spent(),
            message,
        })
    }
}

//! Whether a mistake in what a candidate wrote would be noticed: it is broken on purpose, in a few places, and what passed is
//! run again. A check that passes with a broken answer as well has said little of the answer.

use std::collections::BTreeSet;
use std::path::PathBuf;

use sandbox::{Action, Outcome, Request, Status, Verdict};
use syntax::TextRange;

use super::Comparison;
use super::executed::Executed;
use super::laws;
use super::trial::with_mutant;
use crate::mutants::{Mutant, spread_mutants};

/// Mutants of one candidate. They tell whether a check looks, not how good a suite is.
const MOST: usize = 6;

/// Inputs that both versions of a function are given with a mutant.
const INPUTS: u32 = 60;

/// What passed, to be run with mutants.
pub(super) struct Mutation {
    /// As it was run with the candidate; of tests, those that executed the edit.
    request: Request,
    /// The edited file that the mutants are of, relative to the request's folder, and its text.
    path: PathBuf,
    text: String,
    name: String,
    mutants: Vec<Mutant>,
    /// Where laws were tried and nothing else has passed, how many held.
    laws: Option<usize>,
}

impl Mutation {
    /// None where nothing passed that executed the edit, or there is nothing to break.
    pub fn new(
        comparison: &Comparison,
        requests: &[Request],
        outcomes: &[Result<Outcome, String>],
    ) -> Option<Mutation> {
        let runs =
            requests.iter().zip(outcomes).filter_map(|(request, outcome)| Some((request, outcome.as_ref().ok()?)));
        // Tests say what is right; examples say less, and the text before only what it was.
        let rank = |request: &Request| match request.action {
            Action::Pytest { .. } => 0,
            Action::Doctest { .. } => 1,
            Action::Generated { against: Some(_), .. } => 2,
            _ => 3,
        };
        let mut able: Vec<(Request, &Outcome)> =
            runs.filter_map(|(request, outcome)| Some((telling(comparison, request, outcome)?, outcome))).collect();
        able.sort_by_key(|(request, _)| rank(request));
        let (request, outcome) = able.into_iter().next()?;
        let laws = laws::is_of_laws(&request.action).then(|| laws::kept(outcome));
        let after = &comparison.after;
        let of_file = comparison.files.iter().filter_map(|edited| {
            let path = edited.path.strip_prefix(&request.root).ok()?.to_owned();
            let written: Vec<TextRange> = edited.written().collect();
            let file = after.file(&edited.path)?;
            let functions =
                comparison.edited_functions().filter(|id| id.file == file && !after.symbol(*id).flags.is_test);
            let mut mutants = Vec::new();
            let mut name = None;
            for function in functions {
                let view = after.symbol(function);
                name.get_or_insert_with(|| view.local_name());
                mutants.extend(spread_mutants(&edited.after, view.range, &written, MOST - mutants.len().min(MOST)));
            }
            mutants.truncate(MOST);
            Some(Mutation {
                request: request.clone(),
                path,
                text: edited.after.to_string(),
                name: name?,
                mutants,
                laws,
            })
        });
        { of_file }.find(|it| !it.mutants.is_empty())
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn requests(&self) -> Vec<Request> {
        let all = self.mutants.iter();
        all.filter_map(|mutant| with_mutant(&self.request, &self.path, &self.text, mutant)).collect()
    }

    /// How many of how many mutants were noticed.
    ///
    /// # Errors
    /// When none was run; with the reason.
    pub fn noticed(&self, outcomes: &[Result<Outcome, String>]) -> Result<(u32, u32), String> {
        let says_nothing = |status| matches!(status, Status::NotRunnable | Status::Refused);
        let met = outcomes.iter().flatten().filter(|outcome| !says_nothing(outcome.outcome));
        let met: Vec<&Outcome> = met.collect();
        let is_noticed = |outcome: &Outcome| match self.laws {
            Some(kept) => laws::kept(outcome) < kept,
            None => outcome.outcome != Status::Passed,
        };
        let noticed = met.iter().filter(|outcome| is_noticed(outcome)).count();
        if met.is_empty() {
            let why = outcomes.iter().find_map(|outcome| outcome.as_ref().err());
            return Err(why.cloned().unwrap_or_else(|| "mutants were not run".to_owned()));
        }
        Ok((noticed as u32, met.len() as u32))
    }
}

/// The request again, with what of it passed and executed the edit.
fn telling(comparison: &Comparison, request: &Request, outcome: &Outcome) -> Option<Request> {
    let has_passed = matches!(outcome.outcome, Status::Passed | Status::NotRunnable) && outcome.passed > 0;
    if !has_passed && !laws::is_of_laws(&request.action) {
        return None;
    }
    let action = match &request.action {
        Action::Pytest { .. } => {
            let executed = Executed::of(comparison, request, outcome);
            let passed = outcome.tests.iter().filter(|it| it.verdict == Verdict::Passed && executed.by(&it.id));
            let passed = passed.map(|it| it.id.split('[').next().unwrap_or(&it.id).to_owned());
            let passed: BTreeSet<String> = passed.collect();
            if passed.is_empty() {
                return None;
            }
            Action::Pytest { targets: passed.into_iter().collect() }
        }
        Action::Generated { against: None, .. } if laws::kept(outcome) == 0 => return None,
        Action::Generated { against: Some(_), .. } if outcome.compared.is_none_or(|it| it.says_little()) => {
            return None;
        }
        Action::Generated { path, function, seed, against, tests, calls, .. } => Action::Generated {
            path: path.clone(),
            function: function.clone(),
            inputs: INPUTS,
            seed: *seed,
            against: against.clone(),
            tests: tests.clone(),
            calls: calls.clone(),
        },
        action => action.clone(),
    };
    Some(Request { action, watched: Vec::new(), ..request.clone() })
}

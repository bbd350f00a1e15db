//! What is run for a candidate, one set after the other, and what comes of it: the tests; further ones where these do not come to
//! the edit; those that were no plain success on the text before the edit; then mutants, of what its new tests test or of what it wrote.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sandbox::{Action, Outcome, Request, Status};

use super::executed::{ChangedLines, Executed};
use super::expected::Expected;
use super::mutation::Mutation;
use super::trial::Trial;
use super::{Checked, baseline, outcomes, tests_stage};
use crate::{Behaviour, Finding, Stage};

/// What is being run after the tests.
pub(super) enum Pending {
    /// Further tests, because what passed has not come to the edit; with what came of the nearest.
    Further(Vec<Result<Outcome, String>>),
    WithoutEdit(WithoutEdit),
    /// What has to hold of what was written anew; with what came of the tests, and what was found beside them.
    Laws(Vec<Result<Outcome, String>>, BTreeMap<usize, Vec<Finding>>),
    /// The candidate's own tests, with mutants of what they test.
    Trial(Trial),
    /// The tests that passed, with mutants of what the candidate wrote.
    Mutation(Mutation),
}

/// Tests of which some are no plain success.
pub(super) struct WithoutEdit {
    outcomes: Vec<Result<Outcome, String>>,
    /// Their requests, by their index, as they are to be run without the edit.
    again: Vec<(usize, Request)>,
}

impl Checked {
    /// What is to be run in the sandbox; nothing when a check failed, or when there is nothing to run. The requests hold
    /// the edited texts only: unsaved texts of other files are the caller's to add.
    pub fn tests(&self) -> &[Request] {
        &self.tests.requests
    }

    /// What is to be run next, after [`Checked::tests`]: the runs that were no plain success, without the edit, for what
    /// failed before is not its fault, and what ran before has to run with any edit; then tests with mutants, for what
    /// passes whatever the code does says nothing. Nothing once all is known.
    pub fn more_tests(&self) -> Vec<Request> {
        match &self.pending {
            Some(Pending::Further(_)) => self.tests.further.iter().map(|(request, _)| request.clone()).collect(),
            Some(Pending::WithoutEdit(it)) => it.again.iter().map(|(_, request)| request.clone()).collect(),
            Some(Pending::Laws(..)) => self.tests.laws.clone(),
            Some(Pending::Trial(trial)) => trial.requests(),
            Some(Pending::Mutation(mutation)) => mutation.requests(),
            None => Vec::new(),
        }
    }

    /// Takes what came of [`Checked::tests`], in their order, and after that of [`Checked::more_tests`]. An error says why the
    /// sandbox could not run one; missing ones count as not run.
    pub fn record_outcomes(&mut self, outcomes: Vec<Result<Outcome, String>>) {
        match self.pending.take() {
            Some(Pending::WithoutEdit(it)) => self.judge_beside(it, outcomes),
            Some(Pending::Laws(tests, evaded)) => self.record_laws(tests, outcomes, evaded),
            Some(Pending::Trial(trial)) => self.record_trial(trial, &outcomes),
            Some(Pending::Mutation(mutation)) => {
                let name = mutation.name().to_owned();
                match mutation.noticed(&outcomes) {
                    Ok((noticed, of)) => (self.examined.noticed, self.examined.mutants) = (noticed, of),
                    Err(why) => self.unchecked.push(format!("whether a mistake in `{name}` would be noticed: {why}")),
                }
            }
            Some(Pending::Further(nearest)) => self.record_further(nearest, outcomes),
            None if self.tests.further.is_some() && self.has_missed_the_edit(&outcomes) => {
                self.pending = Some(Pending::Further(outcomes));
            }
            None => self.record_first(outcomes),
        }
    }

    /// Whether all tests passed, and none of them has executed anything of the edit.
    fn has_missed_the_edit(&self, outcomes: &[Result<Outcome, String>]) -> bool {
        let runs = self.tests.requests.iter().zip(outcomes);
        let mut tests = runs.filter(|(request, _)| matches!(request.action, Action::Pytest { .. })).peekable();
        let missed = |(request, outcome): (&Request, &Result<Outcome, String>)| {
            outcome.as_ref().is_ok_and(|outcome| {
                let executed = || Executed::of(&self.comparison, request, outcome).by_passed(outcome, outcome.passed);
                outcome.outcome == Status::Passed && executed() == 0
            })
        };
        tests.peek().is_some() && tests.all(missed)
    }

    /// Takes what came of the further tests. They are many: that they need too long says nothing of the edit.
    fn record_further(&mut self, mut nearest: Vec<Result<Outcome, String>>, outcomes: Vec<Result<Outcome, String>>) {
        let is_stopped = |it: &Outcome| matches!(it.outcome, Status::Timeout | Status::Memory | Status::Output);
        let outcome = outcomes.into_iter().next();
        match (self.tests.further.take(), outcome) {
            (Some((request, expected)), Some(Ok(outcome))) if !is_stopped(&outcome) => {
                nearest.resize(self.tests.requests.len(), Err("was not run".to_owned()));
                self.tests.requests.push(request);
                self.tests.expected.push(expected);
                nearest.push(Ok(outcome));
            }
            _ => self.unchecked.push("tests further away than the nearest were not run to their end".to_owned()),
        }
        self.record_first(nearest);
    }

    fn record_first(&mut self, outcomes: Vec<Result<Outcome, String>>) {
        let again = tests_stage::without_edit(&self.comparison, &self.tests, &outcomes);
        if again.is_empty() {
            self.try_laws(outcomes, BTreeMap::new());
        } else {
            self.pending = Some(Pending::WithoutEdit(WithoutEdit { outcomes, again }));
        }
    }

    /// Judges runs with the edit by those without.
    fn judge_beside(&mut self, runs: WithoutEdit, without: Vec<Result<Outcome, String>>) {
        let WithoutEdit { mut outcomes, again } = runs;
        let mut evaded = BTreeMap::new();
        for ((index, _), before) in again.into_iter().zip(without) {
            let (request, expected) = (&self.tests.requests[index], &self.tests.expected[index]);
            if let (Ok(after), Ok(before)) = (&outcomes[index], &before) {
                evaded.insert(index, baseline::evaded(&self.comparison, request, expected, after, before));
            }
            let behaviour = self.candidate.behaviour;
            outcomes::ignore_preexisting(&self.comparison, request, behaviour, &mut outcomes[index], &before);
        }
        self.try_laws(outcomes, evaded);
    }

    /// Tries laws before all of it is judged, unless it is refused anyway.
    fn try_laws(&mut self, outcomes: Vec<Result<Outcome, String>>, evaded: BTreeMap<usize, Vec<Finding>>) {
        let is_refused = outcomes.iter().flatten().any(|it| it.outcome == Status::Failed)
            || evaded.values().any(|found| !found.is_empty());
        if self.tests.laws.is_empty() || is_refused {
            self.judge(outcomes, evaded);
        } else {
            self.pending = Some(Pending::Laws(outcomes, evaded));
        }
    }

    fn record_laws(
        &mut self,
        mut tests: Vec<Result<Outcome, String>>,
        laws: Vec<Result<Outcome, String>>,
        evaded: BTreeMap<usize, Vec<Finding>>,
    ) {
        tests.resize(self.tests.requests.len(), Err("was not run".to_owned()));
        for (request, outcome) in std::mem::take(&mut self.tests.laws).into_iter().zip(laws) {
            self.tests.requests.push(request);
            self.tests.expected.push(Expected::default());
            tests.push(outcome);
        }
        self.judge(tests, evaded);
    }

    /// `evaded`: what the runs leave untold, by the index of the request.
    fn judge(&mut self, outcomes: Vec<Result<Outcome, String>>, evaded: BTreeMap<usize, Vec<Finding>>) {
        let lines = ChangedLines::of(&self.comparison, &self.tests.requests, &outcomes);
        (self.examined.lines, self.examined.executed) = (lines.all, lines.executed());
        let next = self.next(&outcomes);
        let tolerant = self.candidate.behaviour != Behaviour::Preserve;
        let (result, recorded) =
            outcomes::record_outcomes(&self.comparison, &self.tests.requests, outcomes, evaded, tolerant);
        self.results.insert(Stage::Tests, result);
        let findings = recorded.findings.into_iter().map(|finding| outcomes::suspected(&self.comparison, finding));
        self.findings.extend(findings);
        self.warnings.extend(recorded.warnings);
        self.laws = recorded.laws;
        self.is_unusual = !recorded.questions.is_empty();
        self.ask(Stage::Tests, recorded.questions);
        self.unchecked.extend(recorded.unchecked);
        self.unchecked.extend(lines.unexecuted());
        self.runs = recorded.runs;
        match next.filter(|_| self.findings.is_empty()) {
            Some(Pending::Trial(trial)) if trial.requests().is_empty() => self.record_trial(trial, &[]),
            Some(next) => self.pending = Some(next),
            None if self.candidate.tested.is_some() && self.findings.is_empty() => {
                self.unchecked.push("whether the new tests can fail: mutants were not run".to_owned());
            }
            None => {}
        }
    }

    /// What is run once nothing is wrong with the tests.
    fn next(&self, outcomes: &[Result<Outcome, String>]) -> Option<Pending> {
        if self.candidate.tested.is_some() {
            let trial = Trial::new(&self.comparison, &self.candidate, &self.tests, outcomes);
            return trial.map(Pending::Trial);
        }
        Mutation::new(&self.comparison, &self.tests.requests, outcomes).map(Pending::Mutation)
    }

    fn record_trial(&mut self, trial: Trial, outcomes: &[Result<Outcome, String>]) {
        match trial.record_outcomes(outcomes) {
            ControlFlow::Continue(trial) => self.pending = Some(Pending::Trial(trial)),
            ControlFlow::Break(said) => {
                self.unchecked.extend(said.unchecked);
                self.runs.extend(said.run);
                if !said.findings.is_empty() {
                    self.conclude(Stage::Tests, said.findings);
                }
            }
        }
    }
}

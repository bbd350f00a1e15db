//! What follows from the checks: the person is asked, the model is asked again, or it ends.

use validate::{Checked, Finding, Origin, Request, Validated};

use super::{Having, MAX_REPLIES, Proposal, Step, Suspected};
use crate::Lesson;
use crate::events::{Effect, Severity, State};

impl Proposal {
    /// Has a candidate run, or goes on if there is nothing to run.
    pub(super) fn test(mut self, checked: Box<Checked>, requests: Vec<Request>) -> Step {
        if requests.is_empty() {
            return self.score(*checked);
        }
        self.state = State::Testing { checked: Some(checked) };
        (self, vec![Effect::Test(requests)])
    }

    /// Draws the conclusion from all checks: show it, try again, or leave it to the person.
    pub(super) fn score(mut self, checked: Checked) -> Step {
        let origin = Origin {
            model: self.answer.model.clone().unwrap_or_default(),
            attempts: self.attempts.count,
            input_tokens: self.spent.input,
            output_tokens: self.spent.output,
            cost: self.spent.cost,
            context: self.asked.as_ref().map(|asked| asked.shown.clone()).unwrap_or_default(),
        };
        let lessons = checked.findings().iter().filter_map(|it| Lesson::of(it, checked.line_of(it)));
        let lessons: Vec<Lesson> = lessons.collect();
        let mut verdict = checked.finish(Some(origin), self.answer.statement);
        verdict.evidence.unchecked.extend(self.answer.expects.iter().cloned());
        let approved = self.person.approved.take();
        if verdict.evidence.diff.is_empty() {
            return self.fail("it would change nothing: the text is as it should be".to_owned());
        }
        if self.attempts.last_failure.is_some() {
            let left_out = self.findings.latest.iter().map(|finding| format!("a part was left out: {finding}"));
            verdict.evidence.unchecked.splice(0..0, left_out);
            verdict.evidence.left_out.clone_from(&self.findings.latest);
        }
        let findings = verdict.evidence.findings.clone();
        let suspected = findings.iter().filter(|finding| finding.code == "suspected-bug");
        let failures: Vec<String> = suspected.map(|finding| finding.message.clone()).collect();
        if let Some(code) = self.answer.code.clone().filter(|_| !failures.is_empty()) {
            self.answer.suspected = Some(Suspected { code, failures });
        }
        let is_other =
            |validated: &Validated| approved.as_ref().is_some_and(|approved| *approved != validated.fingerprint());
        if verdict.validated.as_ref().is_some_and(is_other) {
            let why = "the text has changed since you said yes, and so has the edit".to_owned();
            verdict.evidence.unchecked.insert(0, why);
        }
        match (verdict.validated, approved) {
            // What was approved is still the same, only elsewhere.
            (Some(validated), Some(approved)) if validated.fingerprint() == approved => {
                self.evidence = Some(verdict.evidence);
                self.person.approved = Some(approved);
                self.apply(validated)
            }
            (Some(validated), _) => {
                self.evidence = Some(verdict.evidence.clone());
                self.state = State::Reviewing { validated: Some(validated) };
                (self, vec![Effect::Review(Box::new(verdict.evidence))])
            }
            (None, Some(_)) => {
                let first = findings.first().map(ToString::to_string).unwrap_or_default();
                self.fail(format!("the text has changed since you said yes, and the edit fails a check now: {first}"))
            }
            (None, None) if self.attempts.last_failure.is_some() => self.leave_to_the_person(),
            (None, None) if self.person.parts.take().is_some() => {
                let first = findings.first().map(ToString::to_string).unwrap_or_default();
                let message = format!("these parts do not pass the checks without the others: {first}");
                let (proposal, mut effects) = self.check_again();
                effects.insert(0, Effect::Report { severity: Severity::Warning, message });
                (proposal, effects)
            }
            (None, None) => {
                self.evidence = Some(verdict.evidence);
                self.retry(findings).having(lessons)
            }
        }
    }

    pub(super) fn retry(mut self, findings: Vec<Finding>) -> Step {
        for finding in findings {
            if !self.findings.latest.iter().any(|known| known.repeats(&finding)) {
                self.findings.latest.push(finding);
            }
        }
        let of_all = self.attempts.count - self.attempts.before_adjustment;
        if of_all - self.attempts.of_others < self.limits.max_attempts.max(1) {
            return self.generate();
        }
        self.pass_over()
    }

    /// The next model is asked, if there may be another reply.
    pub(super) fn pass_over(mut self) -> Step {
        let of_all = self.attempts.count - self.attempts.before_adjustment;
        if of_all >= MAX_REPLIES {
            return self.exhausted();
        }
        self.attempts.of_others = of_all;
        self.attempts.passed_over += 1;
        self.generate()
    }

    /// No model has found an answer that passes. Parts of the last one may.
    pub(super) fn exhausted(mut self) -> Step {
        let tried =
            if self.attempts.count == 1 { "1 attempt".to_owned() } else { format!("{} attempts", self.attempts.count) };
        let first: Vec<String> = self.findings.latest.iter().take(3).map(ToString::to_string).collect();
        self.attempts.last_failure = Some(format!("{tried} did not pass the checks: {}", first.join("; ")));
        let parts = self.evidence.as_ref().map(|evidence| evidence.parts.as_slice()).unwrap_or_default();
        let good: Vec<String> = parts.iter().filter(|it| it.is_confident).map(|it| it.name.clone()).collect();
        // Without the tests that did not pass, nothing would tell that the rest is wrong.
        let drops_tests = parts.iter().any(|it| it.is_test && !it.is_confident);
        if good.is_empty() || good.len() == parts.len() || drops_tests || self.answer.code.is_none() {
            return self.leave_to_the_person();
        }
        self.person.parts = Some(good);
        self.check_again()
    }

    fn leave_to_the_person(self) -> Step {
        let reason = self.attempts.last_failure.clone().unwrap_or_default();
        self.give_up(reason)
    }

    /// There will be no further attempt. If there is code at all, the person may look at it.
    pub(super) fn give_up(mut self, reason: String) -> Step {
        if self.evidence.is_none() {
            return self.fail(reason);
        }
        let message = format!("{}: {reason}. Nothing was applied.", self.title().unwrap_or_default());
        self.state = State::Escalated { reason };
        (self, vec![Effect::Report { severity: Severity::Warning, message }])
    }

    pub(super) fn fail(mut self, reason: String) -> Step {
        let message = match self.title() {
            Some(title) => format!("{title}: {reason}"),
            None => reason.clone(),
        };
        self.state = State::Failed { reason };
        (self, vec![Effect::Report { severity: Severity::Error, message }])
    }
}

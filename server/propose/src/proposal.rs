//! The state machine.

mod conclusion;

use assists::{Ask, Refusal, Retest, retest};
use model::{Prompt, Reply};
use serde::{Deserialize, Serialize};
use validate::{EditFingerprint, Evidence, Finding, Moved, Stage, Validated};

use crate::events::{Effect, Event, Limits, State, Task};
use crate::retry::Answers;
use crate::{Lesson, Spent, reply, retry};

/// How often one proposal can be adjusted.
const MAX_ADJUSTMENTS: usize = 10;
/// How many replies are paid for from one adjustment by the person to the next, by all models together.
const MAX_REPLIES: u32 = 10;
/// How often an approved change is checked again because something else moved.
const MAX_REBASES: u32 = 3;

/// One request for a change, from the question to its end. Can be stored at any time, and resumed.
#[derive(Serialize, Deserialize)]
pub struct Proposal {
    task: Task,
    limits: Limits,
    state: State,
    asked: Option<Asked>,
    /// The prompt of the first attempt. It is made anew after the proposal was stored: it holds code, which may be another by
    /// then.
    #[serde(skip)]
    prompt: Option<Prompt>,
    /// The last question, and how many models were passed over when it was put.
    #[serde(skip)]
    put: Option<(usize, String)>,
    #[serde(flatten)]
    attempts: Attempts,
    #[serde(flatten)]
    answer: Answer,
    #[serde(flatten)]
    findings: Findings,
    #[serde(flatten)]
    person: Person,
    spent: Spent,
    /// About the latest candidate that could be checked.
    evidence: Option<Evidence>,
}

/// How often models were asked, and which.
#[derive(Default, Serialize, Deserialize)]
struct Attempts {
    /// Replies so far.
    #[serde(rename = "attempts")]
    count: u32,
    /// The attempts before the last adjustment,
    #[serde(default, rename = "attempts_before")]
    before_adjustment: u32,
    /// and since then those before the current model was asked.
    #[serde(default, rename = "attempts_of_others")]
    of_others: u32,
    /// Models that have had all their attempts since the last adjustment.
    #[serde(default)]
    passed_over: usize,
    /// Why the last of them did not do.
    #[serde(default)]
    last_failure: Option<String>,
    /// Whether the model is looking over its first answer.
    #[serde(default)]
    is_reflecting: bool,
}

/// The latest answer.
#[derive(Default, Serialize, Deserialize)]
struct Answer {
    model: Option<String>,
    /// The code of the latest reply that had any, and the model's own opinion of it.
    code: Option<String>,
    statement: Option<f64>,
    /// What its tests expect that those before did not, a line for each.
    #[serde(default)]
    expects: Vec<String>,
    /// Tests of an earlier answer that failed, and may have found a bug.
    #[serde(default)]
    suspected: Option<Suspected>,
}

/// What was wrong with the replies.
#[derive(Default, Serialize, Deserialize)]
struct Findings {
    /// With the latest one.
    latest: Vec<Finding>,
    /// With the ones before, each once.
    earlier: Vec<Finding>,
}

impl Findings {
    /// Each once, in the order in which it was found.
    fn all(&self) -> Vec<Finding> {
        let new = self.latest.iter().filter(|finding| !self.earlier.iter().any(|known| known.repeats(finding)));
        self.earlier.iter().chain(new).cloned().collect()
    }

    /// Another reply comes.
    fn turn(&mut self) {
        self.earlier = self.all();
        self.latest.clear();
    }
}

/// What the person said.
#[derive(Default, Serialize, Deserialize)]
struct Person {
    /// What was to be different, in the order in which it was said.
    #[serde(default)]
    adjustments: Vec<String>,
    /// The parts that are wanted; all of them if there is no choice.
    #[serde(default)]
    parts: Option<Vec<String>>,
    /// What there was a yes to, while it is checked again.
    #[serde(default)]
    approved: Option<Vec<EditFingerprint>>,
    /// How often it was, because something else had moved.
    #[serde(default)]
    rebases: u32,
}

/// An answer whose own tests failed at an assertion.
#[derive(Serialize, Deserialize)]
struct Suspected {
    code: String,
    /// What failed, with the tests' names.
    failures: Vec<String>,
}

/// What the first attempt was asked for.
#[derive(Serialize, Deserialize)]
struct Asked {
    title: String,
    shown: Vec<String>,
}

type Step = (Proposal, Vec<Effect>);

/// Something to learn besides.
trait Having {
    fn having(self, lessons: impl IntoIterator<Item = Lesson>) -> Self;
}

impl Having for Step {
    fn having(mut self, lessons: impl IntoIterator<Item = Lesson>) -> Self {
        let lessons: Vec<Lesson> = lessons.into_iter().collect();
        if !lessons.is_empty() {
            // First, so that it is known to whatever is done next.
            self.1.insert(0, Effect::Learn(lessons));
        }
        self
    }
}

impl Proposal {
    pub fn new(task: Task, limits: Limits) -> Step {
        let proposal = Proposal {
            task,
            limits,
            state: State::Assembling,
            asked: None,
            prompt: None,
            put: None,
            attempts: Attempts::default(),
            answer: Answer::default(),
            findings: Findings::default(),
            person: Person::default(),
            spent: Spent::default(),
            evidence: None,
        };
        (proposal, vec![Effect::Assemble])
    }

    /// Goes on after being stored. A reply that was paid for is used; it is checked again, because the text may be another.
    pub fn resume(mut self) -> Step {
        match (&self.state, &self.answer.code) {
            (State::Assembling, _) => (self, vec![Effect::Assemble]),
            (State::Generating, _) => self.generate(),
            (State::Checking | State::Testing { .. } | State::Reviewing { .. } | State::Applying, Some(code)) => {
                let code = code.clone();
                self.findings.latest.clear();
                // Whether it was applied nobody knows, so the person is asked again.
                self.person.approved = None;
                self.check(code)
            }
            _ => (self, Vec::new()),
        }
    }

    /// Takes an event. One that does not fit the state is late, and is ignored.
    pub fn step(mut self, event: Event) -> Step {
        match (std::mem::replace(&mut self.state, State::Cancelled), event) {
            (state, _) if state.is_final() => {
                self.state = state;
                (self, Vec::new())
            }
            // The state is `Cancelled` already.
            (_, Event::Cancelled) => (self, Vec::new()),
            (State::Assembling, Event::Assembled(ask)) => {
                let Ask { title, system, user, shown, .. } = ask;
                self.asked = Some(Asked { title, shown });
                self.prompt = Some(Prompt { system, user });
                self.generate()
            }
            (State::Assembling, Event::NotAssembled(reason)) => self.fail(reason),
            (State::Generating, Event::Replied { reply, .. }) if self.attempts.is_reflecting => {
                self.reflected(Some(&reply))
            }
            (State::Generating, Event::ModelFailed { .. } | Event::NoOtherModel) if self.attempts.is_reflecting => {
                self.reflected(None)
            }
            (State::Generating, Event::Replied { model, reply }) => self.replied(model, &reply),
            (State::Generating, Event::ModelFailed { model, error }) => {
                let reason = format!("model `{model}`: {error}");
                self.answer.model = Some(model);
                self.give_up(reason)
            }
            (State::Generating, Event::NoOtherModel) => self.exhausted(),
            (State::Checking, Event::Refused(refusal)) if self.person.approved.is_some() => {
                self.fail(format!("the text has changed since you said yes, and the answer does not fit it: {refusal}"))
            }
            // No other reply would help.
            (State::Checking, Event::Refused(refusal @ Refusal::NoTarget)) => self.fail(refusal.to_string()),
            (State::Checking, Event::Refused(refusal)) => {
                let finding = self.reply_finding(refusal.code(), refusal.to_string());
                self.retry(vec![finding])
            }
            (State::Checking, Event::Checked(checked)) => {
                let tests = checked.tests();
                let requests = if tests.is_empty() { checked.more_tests() } else { tests.to_vec() };
                self.test(checked, requests)
            }
            (State::Testing { checked: Some(mut checked) }, Event::Tested(outcomes)) => {
                checked.record_outcomes(outcomes);
                let again = checked.more_tests();
                self.test(checked, again)
            }
            (State::Reviewing { validated: Some(validated) }, Event::Approved) => {
                self.person.approved = Some(validated.fingerprint());
                self.apply(validated)
            }
            (State::Reviewing { .. }, Event::Selected(parts)) => {
                self.person.parts = Some(parts);
                self.check_again()
            }
            (State::Reviewing { .. }, Event::Adjusted(_)) if self.person.adjustments.len() == MAX_ADJUSTMENTS => {
                self.give_up(format!("it was adjusted {MAX_ADJUSTMENTS} times; ask again with all that you want"))
            }
            (State::Reviewing { .. }, Event::Adjusted(adjustment)) => {
                let lesson = Lesson::of_adjustment(&adjustment);
                self.person.adjustments.push(adjustment);
                // What was wrong is the person's to say now.
                self.answer.suspected = None;
                (self.attempts.before_adjustment, self.attempts.of_others) = (self.attempts.count, 0);
                (self.attempts.passed_over, self.attempts.last_failure, self.person.parts) = (0, None, None);
                self.findings.turn();
                self.generate().having([lesson])
            }
            (State::Reviewing { .. }, Event::Discarded) => {
                self.state = State::Rejected;
                let lesson = self.evidence.as_ref().map(Lesson::of_rejection);
                (self, Vec::new()).having(lesson)
            }
            (State::Applying, Event::Applied) => {
                self.state = State::Applied;
                (self, Vec::new())
            }
            (State::Applying, Event::Moved(_)) if self.person.rebases < MAX_REBASES => {
                self.person.rebases += 1;
                self.check_again()
            }
            (State::Applying, Event::Moved(Moved { path })) => {
                self.fail(format!("{} keeps changing, so nothing was applied; ask again", path.display()))
            }
            (State::Applying, Event::NotApplied(reason)) => self.fail(format!("the editor did not apply it: {reason}")),
            (state, _) => {
                self.state = state;
                (self, Vec::new())
            }
        }
    }

    fn generate(mut self) -> Step {
        let Some(first) = &self.prompt else {
            self.state = State::Assembling;
            return (self, vec![Effect::Assemble]);
        };
        let (Findings { latest, earlier }, adjustments) = (&self.findings, &self.person.adjustments);
        let user = match &self.answer.code {
            Some(code) if self.attempts.is_reflecting => retry::reflection(&first.user, code),
            _ if latest.is_empty() && adjustments.is_empty() => first.user.clone(),
            _ => {
                retry::prompt(&first.user, &Answers { code: self.answer.code.as_deref(), latest, earlier, adjustments })
            }
        };
        let prompt = Prompt { system: first.system.clone(), user };
        let passed_over = self.attempts.passed_over;
        if self.put.as_ref().is_some_and(|(of, question)| *of == passed_over && *question == prompt.user) {
            // The model has given the same answer to what was wrong with it, and would do so again.
            return self.pass_over();
        }
        self.put = Some((passed_over, prompt.user.clone()));
        self.state = State::Generating;
        (self, vec![Effect::Generate { prompt, passed_over }])
    }

    fn replied(mut self, model: String, reply: &Reply) -> Step {
        self.attempts.count += 1;
        self.answer.model = Some(model);
        self.spent.add(reply);
        self.findings.turn();
        self.answer.code = None;
        match reply::read(reply, self.task.assist.answer(), &self.file_name()) {
            Ok((code, statement)) => {
                self.answer.statement = statement;
                self.answer.code = Some(code.clone());
                let retest = self.answer.suspected.as_ref().map(|before| retest(&before.code, &before.failures, &code));
                let Retest { weakened, changed } = retest.unwrap_or_default();
                self.answer.expects = changed;
                match weakened {
                    Some(refusal) => {
                        let finding = self.reply_finding(refusal.code(), refusal.to_string());
                        self.retry(vec![finding])
                    }
                    None if self.is_to_reflect(reply) => {
                        self.attempts.is_reflecting = true;
                        self.generate()
                    }
                    None => self.check(code),
                }
            }
            Err(finding) => self.retry(vec![finding]),
        }
    }

    fn is_to_reflect(&self, reply: &Reply) -> bool {
        let is_cheap = self.limits.reflect_below.zip(reply.cost).is_some_and(|(limit, cost)| cost <= limit);
        self.attempts.count == 1 && is_cheap
    }

    /// The model has looked over its answer. If that gave none, what it said before stands.
    fn reflected(mut self, reply: Option<&Reply>) -> Step {
        self.attempts.is_reflecting = false;
        if let Some(reply) = reply {
            self.spent.add(reply);
            if let Ok((code, statement)) = reply::read(reply, self.task.assist.answer(), &self.file_name()) {
                (self.answer.code, self.answer.statement) = (Some(code), statement);
            }
        }
        self.check_again()
    }

    fn check(mut self, code: String) -> Step {
        self.state = State::Checking;
        let title = self.title().unwrap_or_default().to_owned();
        let parts = self.person.parts.clone();
        (self, vec![Effect::Check { title, code, parts }])
    }

    /// Checks the code that was checked before: other parts of it are wanted, or the text around it is another.
    fn check_again(self) -> Step {
        match self.answer.code.clone() {
            Some(code) => self.check(code),
            None => self.fail("there is nothing to check".to_owned()),
        }
    }

    fn apply(mut self, validated: Validated) -> Step {
        self.state = State::Applying;
        (self, vec![Effect::Apply(validated)])
    }

    fn reply_finding(&self, code: &str, message: String) -> Finding {
        Finding { stage: Stage::Reply, code: code.to_owned(), message, path: self.file_name(), line: 0 }
    }

    fn file_name(&self) -> String {
        self.task.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub fn task(&self) -> &Task {
        &self.task
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether nothing will happen any more.
    pub fn is_over(&self) -> bool {
        self.state.is_final()
    }

    /// What it is for, in a few words; known once the prompt is.
    pub fn title(&self) -> Option<&str> {
        self.asked.as_ref().map(|asked| asked.title.as_str())
    }

    /// Replies that came so far.
    pub fn attempts(&self) -> u32 {
        self.attempts.count
    }

    /// The code of the latest reply that had any.
    pub fn code(&self) -> Option<&str> {
        self.answer.code.as_deref()
    }

    /// The model that answered last.
    pub fn model(&self) -> Option<&str> {
        self.answer.model.as_deref()
    }

    pub fn spent(&self) -> Spent {
        self.spent
    }

    /// What is known about the latest candidate that could be checked.
    pub fn evidence(&self) -> Option<&Evidence> {
        self.evidence.as_ref()
    }

    /// What was wrong with the replies so far, each once, in the order in which it was found.
    pub fn findings(&self) -> Vec<Finding> {
        self.findings.all()
    }
}

#[cfg(test)]
mod tests;

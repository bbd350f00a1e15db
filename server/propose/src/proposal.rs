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
const MAX_WISHES: usize = 10;
/// How many replies are paid for from one wish to the next, by all models together.
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
    attempts: u32,
    /// Whether the model is looking over its first answer.
    #[serde(default)]
    is_reflecting: bool,
    /// Models that have had all their attempts since the last wish.
    #[serde(default)]
    passed_over: usize,
    /// Why the last of them did not do.
    #[serde(default)]
    last_failure: Option<String>,
    /// What the person wanted to be different, in the order in which it was said.
    #[serde(default)]
    wishes: Vec<String>,
    /// The attempts before the last wish, and before the current model was asked.
    #[serde(default)]
    attempts_before: u32,
    #[serde(default)]
    attempts_of_others: u32,
    /// The parts that are wanted; all of them if there is no choice.
    #[serde(default)]
    parts: Option<Vec<String>>,
    /// What the person has said yes to, while it is checked again.
    #[serde(default)]
    approved: Option<Vec<EditFingerprint>>,
    #[serde(default)]
    rebases: u32,
    model: Option<String>,
    spent: Spent,
    /// The code of the latest reply that had any, and the model's own opinion of it.
    code: Option<String>,
    statement: Option<f64>,
    /// What is wrong with the latest reply.
    latest: Vec<Finding>,
    /// What was wrong with the ones before, each once.
    earlier: Vec<Finding>,
    /// About the latest candidate that could be checked.
    evidence: Option<Evidence>,
    /// Tests of an earlier answer that failed, and may have found a bug.
    #[serde(default)]
    suspected: Option<Suspected>,
    /// What the tests of the latest answer expect that those before did not, a line for each.
    #[serde(default)]
    expects: Vec<String>,
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
            attempts: 0,
            is_reflecting: false,
            passed_over: 0,
            last_failure: None,
            wishes: Vec::new(),
            attempts_before: 0,
            attempts_of_others: 0,
            parts: None,
            approved: None,
            rebases: 0,
            model: None,
            spent: Spent::default(),
            code: None,
            statement: None,
            latest: Vec::new(),
            earlier: Vec::new(),
            evidence: None,
            suspected: None,
            expects: Vec::new(),
        };
        (proposal, vec![Effect::Assemble])
    }

    /// Goes on after being stored. A reply that was paid for is used; it is checked again, because the text may be another.
    pub fn resume(mut self) -> Step {
        match (&self.state, &self.code) {
            (State::Assembling, _) => (self, vec![Effect::Assemble]),
            (State::Generating, _) => self.generate(),
            (State::Checking | State::Testing { .. } | State::Reviewing { .. } | State::Applying, Some(code)) => {
                let code = code.clone();
                self.latest.clear();
                // Whether it was applied nobody knows, so the person is asked again.
                self.approved = None;
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
            (State::Generating, Event::Replied { reply, .. }) if self.is_reflecting => self.reflected(Some(&reply)),
            (State::Generating, Event::ModelFailed { .. } | Event::NoOtherModel) if self.is_reflecting => {
                self.reflected(None)
            }
            (State::Generating, Event::Replied { model, reply }) => self.replied(model, &reply),
            (State::Generating, Event::ModelFailed { model, error }) => {
                let reason = format!("model `{model}`: {error}");
                self.model = Some(model);
                self.give_up(reason)
            }
            (State::Generating, Event::NoOtherModel) => self.exhausted(),
            (State::Checking, Event::Refused(refusal)) if self.approved.is_some() => {
                self.fail(format!("the text has changed since you said yes, and the answer does not fit it: {refusal}"))
            }
            // No other reply would help.
            (State::Checking, Event::Refused(refusal @ Refusal::NoTarget)) => self.fail(refusal.to_string()),
            (State::Checking, Event::Refused(refusal)) => {
                let finding = self.reply_finding(refusal.code(), refusal.to_string());
                self.retry(vec![finding])
            }
            (State::Checking, Event::Checked(checked)) if checked.tests().is_empty() => self.score(*checked),
            (State::Checking, Event::Checked(checked)) => {
                let requests = checked.tests().to_vec();
                self.state = State::Testing { checked: Some(checked) };
                (self, vec![Effect::Test(requests)])
            }
            (State::Testing { checked: Some(mut checked) }, Event::Tested(outcomes)) => {
                checked.record_outcomes(outcomes);
                match checked.more_tests() {
                    again if again.is_empty() => self.score(*checked),
                    again => {
                        self.state = State::Testing { checked: Some(checked) };
                        (self, vec![Effect::Test(again)])
                    }
                }
            }
            (State::Reviewing { validated: Some(validated) }, Event::Approved) => {
                self.approved = Some(validated.fingerprint());
                self.apply(validated)
            }
            (State::Reviewing { .. }, Event::Selected(parts)) => {
                self.parts = Some(parts);
                self.check_again()
            }
            (State::Reviewing { .. }, Event::Adjusted(_)) if self.wishes.len() == MAX_WISHES => {
                self.give_up(format!("it was adjusted {MAX_WISHES} times; ask again with all that you want"))
            }
            (State::Reviewing { .. }, Event::Adjusted(wish)) => {
                let lesson = Lesson::of_wish(&wish);
                self.wishes.push(wish);
                // What was wrong is the person's to say now.
                self.suspected = None;
                (self.attempts_before, self.attempts_of_others) = (self.attempts, 0);
                (self.passed_over, self.last_failure, self.parts) = (0, None, None);
                self.earlier = self.findings();
                self.latest.clear();
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
            (State::Applying, Event::Moved(_)) if self.rebases < MAX_REBASES => {
                self.rebases += 1;
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
        let Proposal { code, latest, earlier, wishes, .. } = &self;
        let user = match code {
            Some(code) if self.is_reflecting => retry::reflection(&first.user, code),
            _ if latest.is_empty() && wishes.is_empty() => first.user.clone(),
            _ => retry::prompt(&first.user, &Answers { code: code.as_deref(), latest, earlier, wishes }),
        };
        let prompt = Prompt { system: first.system.clone(), user };
        let passed_over = self.passed_over;
        self.state = State::Generating;
        (self, vec![Effect::Generate { prompt, passed_over }])
    }

    fn replied(mut self, model: String, reply: &Reply) -> Step {
        self.attempts += 1;
        self.model = Some(model);
        self.spent.add(reply);
        self.earlier = self.findings();
        self.latest.clear();
        self.code = None;
        match reply::read(reply, self.task.assist.answer(), &self.file_name()) {
            Ok((code, statement)) => {
                self.statement = statement;
                self.code = Some(code.clone());
                let retest = self.suspected.as_ref().map(|before| retest(&before.code, &before.failures, &code));
                let Retest { weakened, changed } = retest.unwrap_or_default();
                self.expects = changed;
                match weakened {
                    Some(refusal) => {
                        let finding = self.reply_finding(refusal.code(), refusal.to_string());
                        self.retry(vec![finding])
                    }
                    None if self.is_to_reflect(reply) => {
                        self.is_reflecting = true;
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
        self.attempts == 1 && is_cheap
    }

    /// The model has looked over its answer. If that gave none, what it said before stands.
    fn reflected(mut self, reply: Option<&Reply>) -> Step {
        self.is_reflecting = false;
        if let Some(reply) = reply {
            self.spent.add(reply);
            if let Ok((code, statement)) = reply::read(reply, self.task.assist.answer(), &self.file_name()) {
                (self.code, self.statement) = (Some(code), statement);
            }
        }
        self.check_again()
    }

    fn check(mut self, code: String) -> Step {
        self.state = State::Checking;
        let title = self.title().unwrap_or_default().to_owned();
        let parts = self.parts.clone();
        (self, vec![Effect::Check { title, code, parts }])
    }

    /// Checks the code that was checked before: other parts of it are wanted, or the text around it is another.
    fn check_again(self) -> Step {
        match self.code.clone() {
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
        self.attempts
    }

    /// The code of the latest reply that had any.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The model that answered last.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
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
        let mut all = self.earlier.clone();
        let new = self.latest.iter().filter(|finding| !self.earlier.iter().any(|known| known.repeats(finding)));
        all.extend(new.cloned());
        all
    }
}

#[cfg(test)]
mod tests;

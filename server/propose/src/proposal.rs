//! The state machine.

use std::path::PathBuf;

use ide::assists::{Ask, AssistId, Refusal};
use model::{Prompt, Reply};
use serde::{Deserialize, Serialize};
use validate::{Checked, Evidence, Finding, Moved, Origin, Outcome, Request, Stage, Validated};

use crate::retry::Answers;
use crate::{Spent, reply, retry};

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
    #[serde(default)]
    pub mends: Option<String>,
}

/// How often one proposal can be adjusted.
const MAX_WISHES: usize = 10;

/// When to give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Replies that are paid for, one at least.
    pub max_attempts: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_attempts: 3 }
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
    Applied,
    /// The text was not the one that was checked. Nothing was applied.
    Moved(Moved),
    /// The editor did not take the change; with its reason.
    NotApplied(String),
    /// The person has enough of waiting.
    Cancelled,
}

/// What to do next. The answer is an [`Event`], except for [`Effect::Report`], which has none.
pub enum Effect {
    /// Make the prompt of [`Proposal::task`] from the newest text.
    Assemble,
    /// Ask a model.
    Generate(Prompt),
    /// Make an edit from the code, for the newest text, and check it.
    Check { title: String, code: String },
    /// Run these in the sandbox.
    Test(Vec<Request>),
    /// Show the evidence to the person and ask.
    Review(Box<Evidence>),
    /// Put it into the editor, if the text is still the one that was checked.
    Apply(Validated),
    /// Tell the person.
    Report { severity: Severity, message: String },
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

/// One request for a change, from the question to its end. Can be stored at any time, and resumed.
#[derive(Serialize, Deserialize)]
pub struct Proposal {
    task: Task,
    limits: Limits,
    state: State,
    asked: Option<Asked>,
    attempts: u32,
    /// What the person wanted to be different, in the order in which it was said.
    #[serde(default)]
    wishes: Vec<String>,
    /// The attempts before the last wish.
    #[serde(default)]
    attempts_before: u32,
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
}

/// The prompt of the first attempt.
#[derive(Serialize, Deserialize)]
struct Asked {
    title: String,
    system: String,
    user: String,
    shown: Vec<String>,
}

type Step = (Proposal, Vec<Effect>);

impl Proposal {
    pub fn new(task: Task, limits: Limits) -> Step {
        let proposal = Proposal {
            task,
            limits,
            state: State::Assembling,
            asked: None,
            attempts: 0,
            wishes: Vec::new(),
            attempts_before: 0,
            model: None,
            spent: Spent::default(),
            code: None,
            statement: None,
            latest: Vec::new(),
            earlier: Vec::new(),
            evidence: None,
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
                self.asked = Some(Asked { title, system, user, shown });
                self.generate()
            }
            (State::Assembling, Event::NotAssembled(reason)) => self.fail(reason),
            (State::Generating, Event::Replied { model, reply }) => self.replied(model, &reply),
            (State::Generating, Event::ModelFailed { model, error }) => {
                let reason = format!("model `{model}`: {error}");
                self.model = Some(model);
                self.give_up(reason)
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
                checked.absorb(outcomes);
                self.score(*checked)
            }
            (State::Reviewing { validated: Some(validated) }, Event::Approved) => {
                self.state = State::Applying;
                (self, vec![Effect::Apply(validated)])
            }
            (State::Reviewing { .. }, Event::Adjusted(_)) if self.wishes.len() == MAX_WISHES => {
                self.give_up(format!("it was adjusted {MAX_WISHES} times; ask again with all that you want"))
            }
            (State::Reviewing { .. }, Event::Adjusted(wish)) => {
                self.wishes.push(wish);
                self.attempts_before = self.attempts;
                self.earlier = self.findings();
                self.latest.clear();
                self.generate()
            }
            (State::Reviewing { .. }, Event::Discarded) => {
                self.state = State::Rejected;
                (self, Vec::new())
            }
            (State::Applying, Event::Applied) => {
                self.state = State::Applied;
                (self, Vec::new())
            }
            (State::Applying, Event::Moved(Moved { path })) => self.fail(format!(
                "{} has changed since the proposal was checked, so nothing was applied; ask again",
                path.display()
            )),
            (State::Applying, Event::NotApplied(reason)) => self.fail(format!("the editor did not apply it: {reason}")),
            (state, _) => {
                self.state = state;
                (self, Vec::new())
            }
        }
    }

    fn generate(mut self) -> Step {
        let Some(asked) = &self.asked else { return self.fail("there is no prompt".to_owned()) };
        let user = match self.latest.is_empty() && self.wishes.is_empty() {
            true => asked.user.clone(),
            false => {
                let Proposal { code, latest, earlier, wishes, .. } = &self;
                retry::prompt(&asked.user, &Answers { code: code.as_deref(), latest, earlier, wishes })
            }
        };
        let prompt = Prompt { system: asked.system.clone(), user };
        self.state = State::Generating;
        (self, vec![Effect::Generate(prompt)])
    }

    fn replied(mut self, model: String, reply: &Reply) -> Step {
        self.attempts += 1;
        self.model = Some(model);
        if let Some(usage) = reply.usage {
            self.spent.input += usage.input;
            self.spent.output += usage.output;
        }
        if let Some(micros) = reply.cost {
            self.spent.cost = Some(self.spent.cost.unwrap_or(0.0) + micros as f64 / 1e6);
        }
        self.earlier = self.findings();
        self.latest.clear();
        self.code = None;
        match reply::read(reply, &self.file_name()) {
            Ok((code, statement)) => {
                self.statement = statement;
                self.code = Some(code.clone());
                self.check(code)
            }
            Err(finding) => self.retry(vec![finding]),
        }
    }

    fn check(mut self, code: String) -> Step {
        self.state = State::Checking;
        let title = self.title().unwrap_or_default().to_owned();
        (self, vec![Effect::Check { title, code }])
    }

    /// Draws the conclusion from all checks: show it, try again, or leave it to the person.
    fn score(mut self, checked: Checked) -> Step {
        let origin = Origin {
            model: self.model.clone().unwrap_or_default(),
            attempts: self.attempts,
            input_tokens: self.spent.input,
            output_tokens: self.spent.output,
            cost: self.spent.cost,
            context: self.asked.as_ref().map(|asked| asked.shown.clone()).unwrap_or_default(),
        };
        let verdict = checked.finish(Some(origin), self.statement);
        let findings = verdict.evidence.findings.clone();
        self.evidence = Some(verdict.evidence.clone());
        match verdict.validated {
            Some(validated) => {
                self.state = State::Reviewing { validated: Some(validated) };
                (self, vec![Effect::Review(Box::new(verdict.evidence))])
            }
            None => self.retry(findings),
        }
    }

    fn retry(mut self, findings: Vec<Finding>) -> Step {
        for finding in findings {
            if !self.latest.iter().any(|known| known.repeats(&finding)) {
                self.latest.push(finding);
            }
        }
        if self.attempts - self.attempts_before < self.limits.max_attempts.max(1) {
            return self.generate();
        }
        let tried = if self.attempts == 1 { "1 attempt".to_owned() } else { format!("{} attempts", self.attempts) };
        let first: Vec<String> = self.latest.iter().take(3).map(ToString::to_string).collect();
        self.give_up(format!("{tried} did not pass the checks: {}", first.join("; ")))
    }

    /// There will be no further attempt. If there is code at all, the person may look at it.
    fn give_up(mut self, reason: String) -> Step {
        if self.evidence.is_none() {
            return self.fail(reason);
        }
        let message = format!("{}: {reason}. Nothing was applied.", self.title().unwrap_or_default());
        self.state = State::Escalated { reason };
        (self, vec![Effect::Report { severity: Severity::Warning, message }])
    }

    fn fail(mut self, reason: String) -> Step {
        let message = match self.title() {
            Some(title) => format!("{title}: {reason}"),
            None => reason.clone(),
        };
        self.state = State::Failed { reason };
        (self, vec![Effect::Report { severity: Severity::Error, message }])
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

impl State {
    fn is_final(&self) -> bool {
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use ide::assists;
    use model::{Error, StopReason, Usage};
    use validate::{AnalysisHost, Candidate, Change, Inspection, Scope};

    use super::*;
    use crate::Status;

    const FILE: &str = "/shop.py";
    const TEXT: &str = "def double(x):\n    \"\"\"Twice x.\"\"\"\n    raise NotImplementedError\n";
    const TESTS: (&str, &str) = ("/test_shop.py", "import shop\ndef test_double(): assert shop.double(2) == 4\n");

    const GOOD: &str = "```python\ndef double(x):\n    return 2 * x\n```\nConfidence: 0.9\n";
    const UNDEFINED: &str = "```python\ndef double(x):\n    return twice(x)\n```\n";
    const PROSE: &str = "I am sorry, I cannot do that.";

    /// A proposal, and what performs its effects but for the model, the sandbox and the person.
    struct Desk {
        host: AnalysisHost,
        proposal: Proposal,
    }

    /// Before the first reply of a model; the prompt was asked for.
    fn desk(files: &[(&str, &str)]) -> Desk {
        let mut host = AnalysisHost::new(vec![PathBuf::from("/")]);
        let mut change = Change::default();
        change.set(FILE, TEXT);
        files.iter().for_each(|&(path, text)| change.set(path, text));
        host.apply(change);
        let symbol = "shop.double".to_owned();
        let task = Task {
            assist: AssistId::ImplementFunction,
            path: PathBuf::from(FILE),
            symbol,
            instruction: None,
            mends: None,
        };
        let (proposal, effects) = Proposal::new(task, Limits::default());
        assert_eq!(draw(&effects), ["assemble"]);
        let mut desk = Desk { host, proposal };
        let ask = desk.ask();
        assert_eq!(desk.tell(Event::Assembled(ask)), ["generate: Write double."]);
        desk
    }

    /// One line for each effect.
    fn draw(effects: &[Effect]) -> Vec<String> {
        let line = |effect: &Effect| match effect {
            Effect::Assemble => "assemble".to_owned(),
            Effect::Generate(prompt) => format!("generate: {}", prompt.user),
            Effect::Check { code, .. } => format!("check: {code}"),
            Effect::Test(requests) => format!("test {}", requests.len()),
            Effect::Review(evidence) => format!("review {}", evidence.title),
            Effect::Apply(_) => "apply".to_owned(),
            Effect::Report { severity, message } => format!("{severity:?}: {message}"),
        };
        effects.iter().map(line).collect()
    }

    impl Desk {
        fn ask(&self) -> Ask {
            let analysis = self.host.analysis();
            let target = analysis.find("shop.double")[0];
            Ask {
                title: "Implement `double`".to_owned(),
                system: "Rules.".to_owned(),
                user: "Write double.".to_owned(),
                scope: assists::scope(AssistId::ImplementFunction, &analysis, target).expect("a stub"),
                shown: vec!["nothing".to_owned()],
            }
        }

        fn step(&mut self, event: Event) -> Vec<Effect> {
            let nothing = Proposal::new(self.proposal.task.clone(), self.proposal.limits).0;
            let (proposal, effects) = std::mem::replace(&mut self.proposal, nothing).step(event);
            self.proposal = proposal;
            effects
        }

        fn tell(&mut self, event: Event) -> Vec<String> {
            draw(&self.step(event))
        }

        /// A model's reply and, if it comes to that, the checks of its code.
        fn reply(&mut self, text: &str) -> Vec<String> {
            let reply = Reply {
                text: text.to_owned(),
                reason: StopReason::End,
                usage: Some(Usage { input: 100, output: 10 }),
                cost: None,
            };
            let effects = self.step(Event::Replied { model: "local".to_owned(), reply });
            match effects.as_slice() {
                [Effect::Check { title, code }] => self.tell(self.checked(title, code)),
                _ => draw(&effects),
            }
        }

        fn checked(&self, title: &str, code: &str) -> Event {
            let analysis = self.host.analysis();
            let target = analysis.find("shop.double")[0];
            let id = AssistId::ImplementFunction;
            let scope = assists::scope(id, &analysis, target).expect("a function");
            match assists::accept(id, &analysis, target, code) {
                Err(refusal) => Event::Refused(refusal),
                Ok(change) => {
                    let scope = Scope { path: scope.path, ranges: vec![scope.range], imports: true };
                    let candidate = Candidate { title: title.to_owned(), change, scope, mends: None };
                    Event::Checked(Box::new(validate::check(&self.host, candidate, &Inspection::default())))
                }
            }
        }

        #[track_caller]
        fn status(&self) -> Status {
            self.proposal.summary().expect("it is over or ready").status
        }

        /// Through the store and back.
        fn restart(&mut self) -> Vec<String> {
            let json = serde_json::to_string(&self.proposal).expect("plain data");
            let stored: Proposal = serde_json::from_str(&json).expect("its own JSON");
            let (proposal, effects) = stored.resume();
            self.proposal = proposal;
            draw(&effects)
        }
    }

    fn passed() -> Event {
        let outcome = r#"{"outcome": "passed", "passed": 1, "failed": 0, "exit": 0, "stdout": "", "stderr": "",
                          "failures": [], "millis": 3}"#;
        Event::Tested(vec![Ok(serde_json::from_str(outcome).expect("an outcome"))])
    }

    fn failed() -> Event {
        let outcome = r#"{"outcome": "failed", "passed": 0, "failed": 1, "exit": 1, "stdout": "", "stderr": "",
                          "failures": [{"path": "test_shop.py", "line": 2, "message": "assert 2 == 4"}], "millis": 3}"#;
        Event::Tested(vec![Ok(serde_json::from_str(outcome).expect("an outcome"))])
    }

    fn broken_model() -> Event {
        Event::ModelFailed { model: "local".to_owned(), error: Error::Reported { message: "overloaded".to_owned() } }
    }

    #[test]
    fn from_question_to_edit() {
        let mut desk = desk(&[TESTS]);
        assert_eq!(desk.reply(GOOD), ["test 1"]);
        assert_eq!(desk.proposal.summary(), None);
        assert_eq!(desk.tell(passed()), ["review Implement `double`"]);
        let json = serde_json::to_value(desk.proposal.summary()).expect("plain data");
        assert_eq!(json["status"], "ready");
        assert_eq!(json["checks"]["tests"], "passed");
        assert_eq!(json["usage"], serde_json::json!({ "input": 100, "output": 10, "cost": null }));
        assert_eq!((&json["attempts"], &json["model"]), (&1.into(), &"local".into()));
        assert!(json["confidence"].as_f64().is_some_and(|confidence| confidence > 0.9), "{json}");
        assert!(json["diff"].as_str().is_some_and(|diff| diff.contains("+    return 2 * x")), "{json}");
        assert_eq!(json["findings"], serde_json::json!([]));

        let effects = desk.step(Event::Approved);
        let [Effect::Apply(validated)] = effects.as_slice() else { panic!("{:?}", draw(&effects)) };
        let change = validated.change(|_| Some(TEXT.into())).expect("the text is the same");
        assert_eq!(change.files[0].edits[0].text, "return 2 * x");
        assert!(desk.tell(Event::Applied).is_empty());
        assert!(desk.proposal.is_over() && desk.status() == Status::Ready);
    }

    #[test]
    fn without_tests_the_review_comes_at_once() {
        let mut desk = desk(&[]);
        assert_eq!(desk.reply(GOOD), ["review Implement `double`"]);
        let evidence = desk.proposal.evidence().expect("it was checked");
        let origin = evidence.origin.as_ref().expect("a model wrote it");
        assert_eq!((origin.model.as_str(), origin.attempts, origin.output_tokens), ("local", 1, 10));
        assert_eq!(origin.context, ["nothing"]);
        assert!(desk.tell(Event::Discarded).is_empty());
        assert_eq!(desk.status(), Status::Cancelled);
    }

    #[test]
    fn a_wish_starts_a_round_of_its_own() {
        let mut desk = desk(&[]);
        assert_eq!(desk.reply(GOOD), ["review Implement `double`"]);
        let asked = desk.tell(Event::Adjusted("without *".to_owned()));
        assert!(asked[0].contains("which passed the checks") && asked[0].contains("- without *\n"), "{asked:?}");
        // A round has as many attempts as the first one.
        for _ in 1..Limits::default().max_attempts {
            let asked = desk.reply(UNDEFINED);
            assert!(asked[0].contains("`twice` is not defined") && asked[0].contains("- without *"), "{asked:?}");
        }
        assert_eq!(desk.reply(GOOD), ["review Implement `double`"]);
        let asked = desk.tell(Event::Adjusted("shorter".to_owned()));
        assert!(asked[0].contains("- without *\n- shorter\n"), "{asked:?}");
        assert_eq!(desk.reply(GOOD), ["review Implement `double`"]);
        assert_eq!(desk.proposal.summary().expect("ready").attempts, 5);
    }

    #[test]
    fn wishes_come_to_an_end() {
        let mut desk = desk(&[]);
        assert_eq!(desk.reply(GOOD), ["review Implement `double`"]);
        for _ in 0..MAX_WISHES {
            desk.tell(Event::Adjusted("again".to_owned()));
            assert_eq!(desk.reply(GOOD), ["review Implement `double`"]);
        }
        let said = desk.tell(Event::Adjusted("again".to_owned()));
        assert!(said[0].contains("it was adjusted 10 times"), "{said:?}");
        assert_eq!(desk.status(), Status::Escalated);
    }

    #[test]
    fn a_bad_reply_is_asked_for_again_with_what_is_wrong() {
        let mut desk = desk(&[TESTS]);
        let asked = desk.reply(UNDEFINED);
        let [prompt] = asked.as_slice() else { panic!("{asked:?}") };
        assert!(prompt.starts_with("generate: Write double."), "{prompt}");
        assert!(prompt.contains("return twice(x)") && prompt.contains("`twice` is not defined"), "{prompt}");

        let asked = desk.reply("```python\ndef triple(x):\n    return 3 * x\n```\n");
        assert!(asked[0].contains("does not define `double`"), "{asked:?}");
        assert!(asked[0].contains("`twice` is not defined"), "earlier findings stay: {asked:?}");

        assert_eq!(desk.reply(GOOD), ["test 1"]);
        assert_eq!(desk.tell(passed()), ["review Implement `double`"]);
        let summary = desk.proposal.summary().expect("ready");
        assert_eq!((summary.attempts, summary.usage.input), (3, 300));
        assert!(summary.findings.is_empty());
    }

    #[test]
    fn failing_tests_are_findings() {
        let mut desk = desk(&[TESTS]);
        assert_eq!(desk.reply(GOOD), ["test 1"]);
        let asked = desk.tell(failed());
        assert!(asked[0].contains("assert 2 == 4"), "{asked:?}");
    }

    #[test]
    fn when_no_attempt_passes_a_person_may_look_at_the_code() {
        let mut desk = desk(&[]);
        desk.reply(UNDEFINED);
        desk.reply(UNDEFINED);
        let told = desk.reply(UNDEFINED);
        assert_eq!(
            told,
            ["Warning: Implement `double`: 3 attempts did not pass the checks: \
              shop.py:3: `twice` is not defined [graph: undefined-name]. Nothing was applied."]
        );
        let summary = desk.proposal.summary().expect("over");
        assert_eq!((summary.status, summary.attempts), (Status::Escalated, 3));
        assert_eq!(summary.findings.len(), 1, "the same finding is told once: {:?}", summary.findings);
        assert!(summary.diff.contains("twice"));
        assert!(desk.proposal.is_over());
        assert!(desk.tell(Event::Approved).is_empty(), "what did not pass cannot be applied");
        assert_eq!(desk.status(), Status::Escalated);
    }

    #[test]
    fn without_any_code_there_is_nothing_to_look_at() {
        let mut desk = desk(&[]);
        let asked = desk.reply(PROSE);
        assert!(asked[0].contains("no Python code"), "{asked:?}");
        desk.reply(PROSE);
        let told = desk.reply(PROSE);
        assert!(told[0].starts_with("Error: ") && told[0].contains("no Python code"), "{told:?}");
        assert_eq!(desk.status(), Status::Failed);
    }

    #[test]
    fn findings_of_all_attempts_are_told_once() {
        let mut desk = desk(&[]);
        desk.reply("```python\ndef double(x):\n\n    a(x); b(x)\n```");
        let asked = desk.reply("```python\ndef double(x):\n    b(x); b(x); c(x)\n```");
        for name in ["a", "b", "c"] {
            assert_eq!(asked[0].matches(&format!("`{name}` is not defined")).count(), 1, "{name}: {asked:?}");
        }
        let names: Vec<String> = desk.proposal.findings().into_iter().map(|finding| finding.message).collect();
        assert_eq!(names, ["`a` is not defined", "`b` is not defined", "`c` is not defined"]);
    }

    #[test]
    fn a_model_that_fails() {
        let mut first = desk(&[]);
        assert_eq!(
            first.tell(broken_model()),
            ["Error: Implement `double`: model `local`: the server gave up: overloaded"]
        );
        assert_eq!((first.status(), first.proposal.attempts()), (Status::Failed, 0));

        let mut second = desk(&[]);
        second.reply(UNDEFINED);
        let told = second.tell(broken_model());
        assert!(told[0].starts_with("Warning: ") && told[0].contains("overloaded"), "{told:?}");
        assert_eq!((second.status(), second.proposal.attempts()), (Status::Escalated, 1));
    }

    #[test]
    fn nothing_to_ask() {
        let task = desk(&[]).proposal.task.clone();
        let (proposal, _) = Proposal::new(task, Limits::default());
        let (proposal, effects) = proposal.step(Event::NotAssembled("no model is configured".to_owned()));
        assert_eq!(draw(&effects), ["Error: no model is configured"]);
        assert_eq!(proposal.summary().and_then(|summary| summary.message).as_deref(), Some("no model is configured"));
    }

    #[test]
    fn a_target_that_is_gone_is_not_asked_for_again() {
        let mut desk = desk(&[]);
        let effects = desk.step(Event::Replied {
            model: "local".to_owned(),
            reply: Reply { text: GOOD.to_owned(), reason: StopReason::End, usage: None, cost: None },
        });
        assert!(matches!(effects.as_slice(), [Effect::Check { .. }]));
        let told = desk.tell(Event::Refused(Refusal::NoTarget));
        assert!(told[0].contains("not there any longer"), "{told:?}");
        assert_eq!(desk.status(), Status::Failed);
    }

    /// Brings a new proposal into each state that is not final.
    fn in_every_state() -> Vec<(&'static str, Desk)> {
        let to_check = |desk: &mut Desk| {
            let reply = Reply { text: GOOD.to_owned(), reason: StopReason::End, usage: None, cost: None };
            desk.step(Event::Replied { model: "local".to_owned(), reply })
        };
        let mut assembling = desk(&[]);
        assembling.proposal = Proposal::new(assembling.proposal.task.clone(), Limits::default()).0;
        let generating = desk(&[]);
        let mut checking = desk(&[]);
        to_check(&mut checking);
        let mut testing = desk(&[TESTS]);
        testing.reply(GOOD);
        let mut reviewing = desk(&[]);
        reviewing.reply(GOOD);
        let mut applying = desk(&[]);
        applying.reply(GOOD);
        applying.step(Event::Approved);
        vec![
            ("assembling", assembling),
            ("generating", generating),
            ("checking", checking),
            ("testing", testing),
            ("reviewing", reviewing),
            ("applying", applying),
        ]
    }

    #[test]
    fn can_be_cancelled_in_every_state() {
        for (state, mut desk) in in_every_state() {
            assert!(!desk.proposal.is_over(), "{state}");
            assert!(desk.tell(Event::Cancelled).is_empty(), "{state}");
            assert_eq!(desk.status(), Status::Cancelled, "{state}");
            // What was under way comes too late.
            for late in [passed(), Event::Approved, Event::Applied, broken_model()] {
                assert!(desk.tell(late).is_empty(), "{state}");
            }
            assert!(desk.reply(GOOD).is_empty(), "{state}");
            assert_eq!(desk.status(), Status::Cancelled, "{state}");
        }
    }

    #[test]
    fn events_that_do_not_fit_are_ignored() {
        for (state, mut desk) in in_every_state() {
            let fits = |event: &Event| {
                matches!(
                    (state, event),
                    ("testing", Event::Tested(_))
                        | ("reviewing", Event::Approved | Event::Discarded)
                        | ("applying", Event::Applied)
                        | ("generating", Event::ModelFailed { .. })
                        | ("checking", Event::Refused(_))
                )
            };
            let before = serde_json::to_value(&desk.proposal).expect("plain data");
            let refused = Event::Refused(Refusal::StillStub);
            for event in [passed(), Event::Approved, Event::Discarded, Event::Applied, broken_model(), refused] {
                if !fits(&event) {
                    assert!(desk.tell(event).is_empty(), "{state}");
                    assert_eq!(serde_json::to_value(&desk.proposal).expect("plain data"), before, "{state}");
                }
            }
        }
    }

    #[test]
    fn an_edit_for_a_text_that_has_moved_is_not_applied() {
        let mut desk = desk(&[]);
        desk.reply(GOOD);
        let effects = desk.step(Event::Approved);
        let [Effect::Apply(validated)] = effects.as_slice() else { panic!("{:?}", draw(&effects)) };
        let typed: Arc<str> = format!("# new line\n{TEXT}").into();
        let moved = validated.change(|_| Some(typed.clone())).expect_err("the text is another");
        let told = desk.tell(Event::Moved(moved));
        assert!(told[0].contains("/shop.py has changed"), "{told:?}");
        assert_eq!(desk.status(), Status::Failed);
    }

    #[test]
    fn a_restart_pays_for_nothing_twice_and_trusts_no_stored_verdict() {
        for (state, mut desk) in in_every_state() {
            let effects = desk.restart();
            match state {
                "assembling" => assert_eq!(effects, ["assemble"]),
                "generating" => assert_eq!(effects, ["generate: Write double."]),
                _ => assert_eq!(effects, ["check: def double(x):\n    return 2 * x\n"], "{state}"),
            }
        }
        let mut desk = desk(&[]);
        desk.reply(UNDEFINED);
        let effects = desk.restart();
        assert!(effects[0].starts_with("generate: ") && effects[0].contains("`twice` is not defined"), "{effects:?}");
        desk.tell(Event::Cancelled);
        assert!(desk.restart().is_empty());
        assert_eq!(desk.status(), Status::Cancelled);
    }

    /// The Python files of `fixtures/workspaces/shop`, and the replies that the demonstration plays.
    fn shop() -> (AnalysisHost, Vec<String>) {
        fn add(folder: &Path, change: &mut Change) {
            for entry in std::fs::read_dir(folder).expect("the fixture is there") {
                let path = entry.expect("a readable folder").path();
                if path.is_dir() {
                    add(&path, change);
                } else if path.extension().is_some_and(|extension| extension == "py") {
                    let text = std::fs::read_to_string(&path).expect("a readable file");
                    change.set(path, text);
                }
            }
        }
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
        let root = fixtures.join("workspaces/shop");
        let mut change = Change::default();
        add(&root, &mut change);
        let mut host = AnalysisHost::new(vec![root]);
        host.apply(change);
        let replies = std::fs::read_to_string(fixtures.join("replies/best_discount.json")).expect("a readable file");
        let replies: Vec<serde_json::Value> = serde_json::from_str(&replies).expect("a list of replies");
        (host, replies.iter().map(|reply| reply["reply"].as_str().expect("a text").to_owned()).collect())
    }

    #[test]
    fn the_recorded_replies_are_a_bad_one_and_a_good_one() {
        let (host, replies) = shop();
        let analysis = host.analysis();
        let target = analysis.find("shop.discounts.best_discount")[0];
        let id = AssistId::ImplementFunction;
        let check = |reply: &str| {
            let code = model::python_code(reply).expect("code").text;
            let scope = assists::scope(id, &analysis, target).expect("a stub");
            let change = assists::accept(id, &analysis, target, &code).expect("the function");
            let scope = Scope { path: scope.path, ranges: vec![scope.range], imports: true };
            validate::check(
                &host,
                Candidate { title: String::new(), change, scope, mends: None },
                &Inspection::default(),
            )
        };
        let [bad, good] = [&replies[0], &replies[1]].map(|reply| check(reply));
        let findings: Vec<String> = bad.findings().iter().map(|finding| finding.to_string()).collect();
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].contains("`Cart` has no member `total_amount`; it has `subtotal"), "{findings:?}");
        assert!(bad.tests().is_empty());

        assert_eq!(good.findings(), []);
        assert_eq!(good.tests().len(), 2, "its doctest and the tests that reach it: {:?}", good.tests());
        let verdict = good.finish(None, None);
        assert!(verdict.validated.is_some());
        assert_eq!(verdict.evidence.callers.broken, 0);
        assert!(verdict.evidence.callers.exact >= 9, "{:?}", verdict.evidence.callers);
    }
}

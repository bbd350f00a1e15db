//! The state machine, told what happens by hand.

use std::path::{Path, PathBuf};

use assists::{self, AssistId};
use model::{Error, StopReason, Usage};
use validate::{AnalysisHost, Behaviour, Candidate, Change, Inspection, Scope};

use super::*;
use crate::Status;

const FILE: &str = "/shop.py";
const TEXT: &str = "def double(x):\n    \"\"\"Twice x.\"\"\"\n    raise NotImplementedError\n";
const TESTS: (&str, &str) = ("/test_shop.py", "import shop\ndef test_double(): assert shop.double(2) == 4\n");

const GOOD: &str = "```python\ndef double(x):\n    return 2 * x\n```\nConfidence: 0.9\n";
const UNDEFINED: &str = "```python\ndef double(x):\n    return twice(x)\n```\n";
const PROSE: &str = "I am sorry, I cannot do that.";

/// A proposal, and what performs its effects but for the model, the sandbox and the person.
struct World {
    host: AnalysisHost,
    proposal: Proposal,
    /// How many there are to ask.
    models: usize,
    learnt: Vec<Lesson>,
    /// What a reply costs, in millionths of a US dollar.
    cost: Option<u64>,
}

/// Before the first reply of a model; the prompt was asked for.
fn world(files: &[(&str, &str)]) -> World {
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
        fixes_code: None,
    };
    let (proposal, effects) = Proposal::new(task, Limits::default());
    assert_eq!(draw(&effects), ["assemble"]);
    let mut world = World { host, proposal, models: 1, learnt: Vec::new(), cost: None };
    let ask = world.ask();
    assert_eq!(world.tell(Event::Assembled(ask)), ["generate: Write double."]);
    world
}

/// One line for each effect.
fn draw(effects: &[Effect]) -> Vec<String> {
    let line = |effect: &Effect| match effect {
        Effect::Assemble => "assemble".to_owned(),
        Effect::Generate { prompt, .. } => format!("generate: {}", prompt.user),
        Effect::Check { code, .. } => format!("check: {code}"),
        Effect::Learn(lessons) => format!("learn {}", lessons.len()),
        Effect::Test(requests) => format!("test {}", requests.len()),
        Effect::Review(evidence) => format!("review {}", evidence.title),
        Effect::Apply(_) => "apply".to_owned(),
        Effect::Report { severity, message } => format!("{severity:?}: {message}"),
    };
    effects.iter().map(line).collect()
}

fn is_of_laws(request: &validate::Request) -> bool {
    matches!(request.action, validate::Action::Generated { against: None, .. })
}

impl World {
    fn ask(&self) -> Ask {
        Ask {
            title: "Implement `double`".to_owned(),
            system: "Rules.".to_owned(),
            user: "Write double.".to_owned(),
            shown: vec!["nothing".to_owned()],
            quotes: Vec::new(),
        }
    }

    fn step(&mut self, event: Event) -> Vec<Effect> {
        let nothing = Proposal::new(self.proposal.task.clone(), self.proposal.limits).0;
        let (proposal, effects) = std::mem::replace(&mut self.proposal, nothing).step(event);
        self.proposal = proposal;
        let mut rest = Vec::new();
        for effect in effects {
            match effect {
                Effect::Learn(lessons) => self.learnt.extend(lessons),
                Effect::Generate { passed_over, .. } if passed_over == self.models => {
                    rest.extend(self.step(Event::NoOtherModel));
                }
                Effect::Check { title, code, parts: Some(parts) } => {
                    let event = self.checked(&title, &code, Some(&parts));
                    rest.extend(self.step(event));
                }
                // There is no sandbox that could try what has to hold of any function.
                Effect::Test(requests) if requests.iter().all(is_of_laws) => {
                    rest.extend(self.step(Event::Tested(Vec::new())));
                }
                effect => rest.push(effect),
            }
        }
        rest
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
            cost: self.cost,
        };
        let effects = self.step(Event::Replied { model: "local".to_owned(), reply });
        match effects.as_slice() {
            [Effect::Check { title, code, parts: None }] => self.tell(self.checked(title, code, None)),
            _ => draw(&effects),
        }
    }

    fn checked(&self, title: &str, code: &str, parts: Option<&[String]>) -> Event {
        let analysis = self.host.analysis();
        let target = analysis.find("shop.double")[0];
        let id = AssistId::ImplementFunction;
        let Some(scope) = assists::scope(id, &analysis, target) else { return Event::Refused(Refusal::NoTarget) };
        match assists::accept(id, &analysis, target, code) {
            Err(refusal) => Event::Refused(refusal),
            Ok(change) => {
                let scope = Scope { places: scope.places, folder: scope.folder, imports: true };
                let mut candidate = Candidate {
                    title: title.to_owned(),
                    change,
                    scope,
                    fixes_code: None,
                    behaviour: Behaviour::Any,
                    tested: None,
                    removed: Vec::new(),
                };
                if let Some(parts) = parts {
                    candidate.restrict(&analysis, parts);
                }
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
                      "failures": [], "tests": [{"id": "test_shop.py::test_double", "path": "test_shop.py", "line": 2,
                      "verdict": "passed", "returned": true, "millis": 1, "message": null}], "millis": 3}"#;
    Event::Tested(vec![Ok(serde_json::from_str(outcome).expect("an outcome"))])
}

/// What comes of the tests with each of so many mistakes made on purpose.
fn noticed(mutants: usize) -> Event {
    let Event::Tested(outcomes) = failed() else { panic!("a run") };
    Event::Tested(outcomes.into_iter().cycle().take(mutants).collect())
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
fn proposal_goes_from_question_to_edit() {
    let mut world = world(&[TESTS]);
    assert_eq!(world.reply(GOOD), ["test 1"]);
    assert_eq!(world.proposal.summary(), None);
    assert_eq!(world.tell(passed()), ["test 5"], "with mistakes made on purpose");
    assert_eq!(world.tell(noticed(5)), ["review Implement `double`"]);
    let json = serde_json::to_value(world.proposal.summary()).expect("plain data");
    assert_eq!(json["status"], "ready");
    assert_eq!(json["checks"]["tests"], "passed");
    assert_eq!(json["usage"], serde_json::json!({ "input": 100, "output": 10, "cost": null }));
    assert_eq!((&json["attempts"], &json["model"]), (&1.into(), &"local".into()));
    assert!(json["confidence"].as_f64().is_some_and(|confidence| confidence > 0.75), "{json}");
    assert!(json["diff"].as_str().is_some_and(|diff| diff.contains("+    return 2 * x")), "{json}");
    assert_eq!(json["findings"], serde_json::json!([]));

    let effects = world.step(Event::Approved);
    let [Effect::Apply(validated)] = effects.as_slice() else { panic!("{:?}", draw(&effects)) };
    let change = validated.change(|_| Some(TEXT.into())).expect("the text is the same");
    assert_eq!(change.files[0].edits[0].text, "return 2 * x");
    assert!(world.tell(Event::Applied).is_empty());
    assert!(world.proposal.is_over() && world.status() == Status::Ready);
}

#[test]
fn without_tests_the_review_comes_at_once() {
    let mut world = world(&[]);
    assert_eq!(world.reply(GOOD), ["review Implement `double`"]);
    let evidence = world.proposal.evidence().expect("it was checked");
    let origin = evidence.origin.as_ref().expect("a model wrote it");
    assert_eq!((origin.model.as_str(), origin.attempts, origin.output_tokens), ("local", 1, 10));
    assert_eq!(origin.context, ["nothing"]);
    assert!(world.tell(Event::Discarded).is_empty());
    assert_eq!(world.status(), Status::Cancelled);
}

#[test]
fn tests_that_failed_may_not_assert_less() {
    let mut world = world(&[]);
    let test = |line: &str| format!("```python\ndef test_a():\n    {line}\n```\n");
    let code = "def test_a():\n    assert double(2) == 4\n".to_owned();
    world.proposal.answer.suspected = Some(Suspected { code, failures: vec!["`test_a`: assert 5 == 4".to_owned()] });
    let asked = world.reply(&test("assert double(2)"));
    assert!(asked[0].contains("no longer asserts `double(2) == 4`"), "{asked:?}");
    // It is compared with the tests that failed, not with the answer in between.
    let asked = world.reply(&test("assert double(2) > 3"));
    assert!(asked[0].contains("no longer asserts `double(2) == 4`"), "{asked:?}");
    world.reply(&test("assert double(2) == 5"));
    assert_eq!(world.proposal.answer.expects.len(), 1, "{:?}", world.proposal.answer.expects);
}

#[test]
fn a_wish_starts_a_round_of_its_own() {
    let mut world = world(&[]);
    assert_eq!(world.reply(GOOD), ["review Implement `double`"]);
    let asked = world.tell(Event::Adjusted("without *".to_owned()));
    assert!(asked[0].contains("which passed the checks") && asked[0].contains("- without *\n"), "{asked:?}");
    // A round has as many attempts as the first one.
    for name in ["twice", "doubled"] {
        let asked = world.reply(&UNDEFINED.replace("twice", name));
        assert!(
            asked[0].contains(&format!("`{name}` is not defined")) && asked[0].contains("- without *"),
            "{asked:?}"
        );
    }
    assert_eq!(world.reply(GOOD), ["review Implement `double`"]);
    let asked = world.tell(Event::Adjusted("shorter".to_owned()));
    assert!(asked[0].contains("- without *\n- shorter\n"), "{asked:?}");
    assert_eq!(world.reply(GOOD), ["review Implement `double`"]);
    assert_eq!(world.proposal.summary().expect("ready").attempts, 5);
}

#[test]
fn wishes_come_to_an_end() {
    let mut world = world(&[]);
    assert_eq!(world.reply(GOOD), ["review Implement `double`"]);
    for _ in 0..MAX_ADJUSTMENTS {
        world.tell(Event::Adjusted("again".to_owned()));
        assert_eq!(world.reply(GOOD), ["review Implement `double`"]);
    }
    let said = world.tell(Event::Adjusted("again".to_owned()));
    assert!(said[0].contains("it was adjusted 10 times"), "{said:?}");
    assert_eq!(world.status(), Status::Escalated);
}

#[test]
fn a_bad_reply_is_asked_for_again_with_what_is_wrong() {
    let mut world = world(&[TESTS]);
    let asked = world.reply(UNDEFINED);
    let [prompt] = asked.as_slice() else { panic!("{asked:?}") };
    assert!(prompt.starts_with("generate: Write double."), "{prompt}");
    assert!(prompt.contains("return twice(x)") && prompt.contains("`twice` is not defined"), "{prompt}");

    let asked = world.reply("```python\ndef triple(x):\n    return 3 * x\n```\n");
    assert!(asked[0].contains("does not define `double`"), "{asked:?}");
    assert!(asked[0].contains("`twice` is not defined"), "earlier findings stay: {asked:?}");

    assert_eq!(world.reply(GOOD), ["test 1"]);
    assert_eq!(world.tell(passed()), ["test 5"]);
    assert_eq!(world.tell(noticed(5)), ["review Implement `double`"]);
    let summary = world.proposal.summary().expect("ready");
    assert_eq!((summary.attempts, summary.usage.input), (3, 300));
    assert!(summary.findings.is_empty());
}

#[test]
fn failing_tests_are_findings() {
    let mut world = world(&[TESTS]);
    assert_eq!(world.reply(GOOD), ["test 1"]);
    assert_eq!(world.tell(failed()), ["test 1"], "without the edit");
    let asked = world.tell(passed());
    assert!(asked[0].contains("assert 2 == 4"), "{asked:?}");
}

#[test]
fn when_no_attempt_passes_a_person_may_look_at_the_code() {
    let mut world = world(&[]);
    world.reply(UNDEFINED);
    let told = world.reply(UNDEFINED);
    assert_eq!(
        told,
        ["Warning: Implement `double`: 2 attempts did not pass the checks: \
          shop.py:3: `twice` is not defined [graph: undefined-name]. Nothing was applied."]
    );
    let summary = world.proposal.summary().expect("over");
    assert_eq!((summary.status, summary.attempts), (Status::Escalated, 2));
    assert_eq!(summary.findings.len(), 1, "the same finding is told once: {:?}", summary.findings);
    assert!(summary.diff.contains("twice"));
    assert!(world.proposal.is_over());
    assert!(world.tell(Event::Approved).is_empty(), "what did not pass cannot be applied");
    assert_eq!(world.status(), Status::Escalated);
}

#[test]
fn without_any_code_there_is_nothing_to_look_at() {
    let mut world = world(&[]);
    let asked = world.reply(PROSE);
    assert!(asked[0].contains("no Python code"), "{asked:?}");
    let told = world.reply(PROSE);
    assert!(told[0].starts_with("Error: ") && told[0].contains("no Python code"), "{told:?}");
    assert_eq!(world.status(), Status::Failed);
}

#[test]
fn findings_of_all_attempts_are_told_once() {
    let mut world = world(&[]);
    world.reply("```python\ndef double(x):\n\n    a(x); b(x)\n```");
    let asked = world.reply("```python\ndef double(x):\n    b(x); b(x); c(x)\n```");
    for name in ["a", "b", "c"] {
        assert_eq!(asked[0].matches(&format!("`{name}` is not defined")).count(), 1, "{name}: {asked:?}");
    }
    let names: Vec<String> = world.proposal.findings().into_iter().map(|finding| finding.message).collect();
    assert_eq!(names, ["`a` is not defined", "`b` is not defined", "`c` is not defined"]);
}

#[test]
fn a_model_that_fails() {
    let mut first = world(&[]);
    assert_eq!(
        first.tell(broken_model()),
        ["Error: Implement `double`: model `local`: the server gave up: overloaded"]
    );
    assert_eq!((first.status(), first.proposal.attempts()), (Status::Failed, 0));

    let mut second = world(&[]);
    second.reply(UNDEFINED);
    let told = second.tell(broken_model());
    assert!(told[0].starts_with("Warning: ") && told[0].contains("overloaded"), "{told:?}");
    assert_eq!((second.status(), second.proposal.attempts()), (Status::Escalated, 1));
}

#[test]
fn proposal_without_a_model_fails() {
    let task = world(&[]).proposal.task.clone();
    let (proposal, _) = Proposal::new(task, Limits::default());
    let (proposal, effects) = proposal.step(Event::NotAssembled("no model is configured".to_owned()));
    assert_eq!(draw(&effects), ["Error: no model is configured"]);
    assert_eq!(proposal.summary().and_then(|summary| summary.message).as_deref(), Some("no model is configured"));
}

#[test]
fn a_target_that_is_gone_is_not_asked_for_again() {
    let mut world = world(&[]);
    let effects = world.step(Event::Replied {
        model: "local".to_owned(),
        reply: Reply { text: GOOD.to_owned(), reason: StopReason::End, usage: None, cost: None },
    });
    assert!(matches!(effects.as_slice(), [Effect::Check { .. }]));
    let told = world.tell(Event::Refused(Refusal::NoTarget));
    assert!(told[0].contains("not there any longer"), "{told:?}");
    assert_eq!(world.status(), Status::Failed);
}

/// Brings a new proposal into each state that is not final.
fn in_every_state() -> Vec<(&'static str, World)> {
    let to_check = |world: &mut World| {
        let reply = Reply { text: GOOD.to_owned(), reason: StopReason::End, usage: None, cost: None };
        world.step(Event::Replied { model: "local".to_owned(), reply })
    };
    let mut assembling = world(&[]);
    assembling.proposal = Proposal::new(assembling.proposal.task.clone(), Limits::default()).0;
    let generating = world(&[]);
    let mut checking = world(&[]);
    to_check(&mut checking);
    let mut testing = world(&[TESTS]);
    testing.reply(GOOD);
    let mut reviewing = world(&[]);
    reviewing.reply(GOOD);
    let mut applying = world(&[]);
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
    for (state, mut world) in in_every_state() {
        assert!(!world.proposal.is_over(), "{state}");
        assert!(world.tell(Event::Cancelled).is_empty(), "{state}");
        assert_eq!(world.status(), Status::Cancelled, "{state}");
        // What was under way comes too late.
        for late in [passed(), Event::Approved, Event::Applied, broken_model()] {
            assert!(world.tell(late).is_empty(), "{state}");
        }
        assert!(world.reply(GOOD).is_empty(), "{state}");
        assert_eq!(world.status(), Status::Cancelled, "{state}");
    }
}

/// Proposals that an earlier version stored are resumed by the next one.
#[test]
fn stored_form_has_all_fields_at_its_top_and_may_lack_later_ones() {
    let mut world = world(&[TESTS]);
    world.reply(GOOD);
    let mut json = serde_json::to_value(&world.proposal).expect("plain data");
    let fields = json.as_object_mut().expect("an object");
    for required in ["attempts", "model", "code", "statement", "latest", "earlier", "evidence", "spent"] {
        assert!(fields.contains_key(required), "{required}");
    }
    let later = ["adjustments", "parts", "approved", "rebases", "passed_over", "last_failure", "suspected", "expects"];
    for field in later.into_iter().chain(["attempts_before", "attempts_of_others", "is_reflecting"]) {
        assert!(fields.remove(field).is_some(), "{field}");
    }
    let stored: Proposal = serde_json::from_value(json).expect("what was stored before there were these fields");
    assert_eq!((stored.attempts(), stored.code()), (1, world.proposal.code()));
    assert!(stored.code().is_some());
}

#[test]
fn events_that_do_not_fit_are_ignored() {
    for (state, mut world) in in_every_state() {
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
        let before = serde_json::to_value(&world.proposal).expect("plain data");
        let refused = Event::Refused(Refusal::StillStub);
        for event in [passed(), Event::Approved, Event::Discarded, Event::Applied, broken_model(), refused] {
            if !fits(&event) {
                assert!(world.tell(event).is_empty(), "{state}");
                assert_eq!(serde_json::to_value(&world.proposal).expect("plain data"), before, "{state}");
            }
        }
    }
}

/// Somebody types `text` before the edit arrives.
fn superseded(world: &mut World, text: &str) -> Vec<Effect> {
    let mut change = Change::default();
    change.set(FILE, text);
    world.host.apply(change);
    let effects = world.step(Event::Moved(Moved { path: FILE.into() }));
    let [Effect::Check { title, code, parts: None }] = effects.as_slice() else { return effects };
    let event = world.checked(title, code, None);
    world.step(event)
}

#[test]
fn what_was_approved_follows_the_text_that_moved() {
    let mut world = world(&[]);
    world.reply(GOOD);
    let effects = world.step(Event::Approved);
    let [Effect::Apply(validated)] = effects.as_slice() else { panic!("{:?}", draw(&effects)) };
    let typed = format!("# new line\n{TEXT}");
    validated.change(|_| Some(typed.as_str().into())).expect_err("the text is another");
    let effects = superseded(&mut world, &typed);
    let [Effect::Apply(validated)] = effects.as_slice() else { panic!("{:?}", draw(&effects)) };
    validated.change(|_| Some(typed.as_str().into())).expect("it was checked for this text");
    assert!(world.tell(Event::Applied).is_empty());
}

#[test]
fn what_was_approved_is_asked_about_again_when_it_has_become_another_edit() {
    let mut world = world(&[]);
    world.reply(GOOD);
    world.step(Event::Approved);
    let effects = superseded(&mut world, &TEXT.replace("raise NotImplementedError", "pass"));
    assert_eq!(draw(&effects), ["review Implement `double`"]);
}

#[test]
fn an_edit_does_not_run_after_the_text_for_ever() {
    let mut world = world(&[]);
    world.reply(GOOD);
    world.step(Event::Approved);
    for at in 0..MAX_REBASES {
        let effects = superseded(&mut world, &format!("{}{TEXT}", "# new\n".repeat(at as usize + 1)));
        assert!(matches!(effects.as_slice(), [Effect::Apply(_)]), "{:?}", draw(&effects));
    }
    let told = draw(&superseded(&mut world, &format!("x = 1\n{TEXT}")));
    assert!(told[0].contains("/shop.py keeps changing"), "{told:?}");
    assert_eq!(world.status(), Status::Failed);
}

#[test]
fn the_next_model_is_asked_when_one_has_had_its_attempts() {
    let mut world = world(&[]);
    world.models = 2;
    for answer in [UNDEFINED, PROSE, UNDEFINED] {
        assert_eq!(world.proposal.attempts.passed_over, 0);
        world.reply(answer);
    }
    assert!(matches!(world.proposal.state(), State::Generating));
    assert_eq!(world.proposal.attempts.passed_over, 1);
    assert_eq!(world.reply(GOOD), ["review Implement `double`"]);
    assert_eq!(world.learnt.iter().map(|it| it.category.as_str()).collect::<Vec<_>>(), ["undefined-name"; 2]);
    assert_eq!(world.learnt[0].snippet, "return twice(x)");
}

#[test]
fn however_many_models_there_are_replies_come_to_an_end() {
    let mut world = world(&[]);
    world.models = 100;
    let mut replies = 0;
    while !world.proposal.is_over() {
        world.reply(UNDEFINED);
        replies += 1;
    }
    assert!(replies >= MAX_REPLIES && replies < MAX_REPLIES + Limits::default().max_attempts, "{replies}");
    assert_eq!(world.status(), Status::Escalated);
}

#[test]
fn what_the_person_says_is_learnt() {
    let mut world = world(&[]);
    world.reply(GOOD);
    world.tell(Event::Adjusted("without `sum`".to_owned()));
    world.reply(GOOD);
    world.tell(Event::Discarded);
    let learnt: Vec<_> = world.learnt.iter().map(|it| (it.category.as_str(), it.forbidden.as_deref())).collect();
    assert_eq!(learnt, [("adjusted", Some("sum")), ("rejected", None)]);
    assert_eq!(world.learnt[1].snippet, "    return 2 * x");
}

#[test]
fn what_is_approved_and_done_by_hand_meanwhile_is_not_done_again() {
    let mut world = world(&[]);
    world.reply(GOOD);
    world.step(Event::Approved);
    let told = draw(&superseded(&mut world, "def double(x):\n    return 2 * x\n"));
    assert!(told[0].contains("the text has changed since you said yes"), "{told:?}");
    assert_eq!(world.status(), Status::Failed);
}

#[test]
fn a_change_of_nothing_is_no_proposal() {
    let mut world = world(&[]);
    world.reply(GOOD);
    let told = world.tell(Event::Selected(vec!["other.py".to_owned()]));
    assert!(told[0].contains("it would change nothing"), "{told:?}");
    assert_eq!(world.status(), Status::Failed);
}

#[test]
fn a_restart_pays_for_nothing_twice_and_trusts_no_stored_verdict() {
    for (state, mut world) in in_every_state() {
        let effects = world.restart();
        match state {
            "assembling" => assert_eq!(effects, ["assemble"]),
            // The prompt holds code, and is not stored.
            "generating" => assert_eq!(effects, ["assemble"]),
            _ => assert_eq!(effects, ["check: def double(x):\n    return 2 * x\n"], "{state}"),
        }
    }
    let mut world = world(&[]);
    world.reply(UNDEFINED);
    assert_eq!(world.restart(), ["assemble"]);
    let effects = world.tell(Event::Assembled(world.ask()));
    assert!(effects[0].starts_with("generate: ") && effects[0].contains("`twice` is not defined"), "{effects:?}");
    world.tell(Event::Cancelled);
    assert!(world.restart().is_empty());
    assert_eq!(world.status(), Status::Cancelled);
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
        let scope = Scope { places: scope.places, folder: scope.folder, imports: true };
        validate::check(
            &host,
            Candidate {
                title: String::new(),
                change,
                scope,
                fixes_code: None,
                behaviour: Behaviour::Any,
                tested: None,
                removed: Vec::new(),
            },
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

/// A proposal whose first answer is looked over if it cost no more than `limit`, and what came of `first`, which cost `cost`.
fn reflecting(first: &str, limit: Option<u64>, cost: Option<u64>) -> (World, Vec<String>) {
    let mut world = world(&[]);
    world.proposal.limits.reflect_below = limit;
    world.cost = cost;
    let effects = world.reply(first);
    (world, effects)
}

#[test]
fn a_cheap_model_looks_over_its_first_answer() {
    let (mut world, effects) = reflecting(UNDEFINED, Some(10), Some(10));
    assert!(effects[0].starts_with("generate: Write double.") && effects[0].contains("twice(x)"), "{effects:?}");
    assert!(effects[0].contains("Look over your answer"), "{effects:?}");
    assert_eq!(world.reply(GOOD), ["review Implement `double`"]);
    let (spent, attempts) = (world.proposal.spent(), world.proposal.attempts());
    assert_eq!((spent.output, spent.cost, attempts), (20, Some(2e-5), 1));
    // Only the first: what is wrong now was found by a check.
    let (mut world, _) = reflecting(UNDEFINED, Some(10), Some(10));
    let effects = world.reply(UNDEFINED);
    assert!(effects[0].contains("What is wrong with your last answer"), "{effects:?}");
    assert_eq!(world.reply(GOOD), ["review Implement `double`"]);
}

#[test]
fn a_dear_one_does_not_and_one_that_says_nothing_new_is_taken_at_its_first_word() {
    for (limit, cost) in [(Some(10), Some(11)), (Some(10), None), (None, Some(0))] {
        assert_eq!(reflecting(GOOD, limit, cost).1, ["review Implement `double`"], "{limit:?} {cost:?}");
    }
    let (mut world, _) = reflecting(GOOD, Some(0), Some(0));
    assert_eq!(world.reply(PROSE), ["review Implement `double`"]);
    let (mut world, _) = reflecting(GOOD, Some(0), Some(0));
    assert_eq!(world.tell(broken_model()), ["check: def double(x):\n    return 2 * x\n"]);
}

#[test]
fn a_look_that_was_interrupted_is_taken_again() {
    let (mut world, _) = reflecting(GOOD, Some(0), Some(0));
    assert_eq!(world.restart(), ["assemble"]);
    let ask = world.ask();
    let effects = world.tell(Event::Assembled(ask));
    assert!(effects[0].contains("Look over your answer") && effects[0].contains("return 2 * x"), "{effects:?}");
    assert_eq!(world.reply(GOOD), ["review Implement `double`"]);
}

#[test]
fn a_question_is_not_put_to_a_model_twice() {
    let mut world = world(&[]);
    world.models = 2;
    world.reply(UNDEFINED);
    assert_eq!(world.proposal.attempts.passed_over, 0);
    // The same answer would lead to the same question.
    assert!(world.reply(UNDEFINED)[0].starts_with("generate: "));
    assert_eq!((world.proposal.attempts.passed_over, world.proposal.attempts()), (1, 2));
}

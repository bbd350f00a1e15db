//! The table of recorded proposals: each section of `fixtures/proposals/*.md` is a task with a reply, run through the real
//! server and the real sandbox. What is wrong with a reply has to be found before a person is asked; a good one must not be
//! refused. `docs/proposals.md` has the table that comes of it; `UPDATE_EXPECT=1` writes it anew.

mod as_patch;
mod environments;
mod real;
mod recorded;

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;

use serde_json::{Value, json};
use tests::client::Client;
use tests::model_server::{ModelServer, Reply};
use tests::workspace::{Home, Workspace, model_settings};

use recorded::{Expected, Task};

/// Sessions at the same time: one waits for the sandbox while the other computes.
const SESSIONS: usize = 2;

/// Where the table stands in `docs/proposals.md`.
const FENCES: [&str; 2] = ["<!-- written by the test proposal_tasks -->\n", "<!-- end -->\n"];

/// A session in a workspace. The person answers nothing but "Discard".
struct World {
    editor: Client,
    home: Home,
    latest: i64,
    /// The answer that was checked last, as a patch.
    patch: String,
}

impl World {
    fn new(workspace: &Workspace) -> World {
        let home = Home::new();
        // What does not end is stopped soon.
        let settings = json!({ "tantu": { "sandbox": { "limits": { "wall": 8 } } } });
        let editor = Client::builder(workspace).home(&home).settings(settings).start().indexed();
        World { editor, home, latest: 0, patch: String::new() }
    }

    /// What came of a reply.
    fn run(&mut self, task: &Task) -> Came {
        let model = ModelServer::start([Reply::Text(task.reply.clone())]);
        let settings = model_settings(&model.base_url()).replace("[propose]\n", "[propose]\nmax-attempts = 1\n");
        self.patch.clear();
        self.home.configure(&format!("{settings}\n[cache]\nhours = 0\n\n[memory]\nenable = false\n"));
        if !self.editor.session().documents.contains_key(&self.editor.uri(&task.file)) {
            self.editor.open(&task.file);
        }
        if let Some(text) = task.text.as_ref().filter(|text| **text != self.editor.text(&task.file)) {
            self.editor.set_text(&task.file, text);
        }
        let position = self.editor.at(&task.file, &task.place)["position"].take();
        let argument = json!({
            "assist": task.assist,
            "uri": self.editor.uri(&task.file),
            "position": position,
            "instruction": task.instruction,
            "fixesCode": task.fixes_code,
        });
        let ended = self.ended();
        let command = json!({ "command": "tantu.propose", "arguments": [argument] });
        if let Err(error) = self.editor.try_request("workspace/executeCommand", command) {
            return Came::Nothing(error.to_string());
        }
        let asked = self.editor.wait_for(&format!("an end of {}", task.title), |session| {
            let is_over = count(&session.progress) > ended;
            let is_asked = !session.open_questions.is_empty();
            (is_over || is_asked).then_some(is_asked)
        });
        let card = self.editor.execute(&json!({ "command": "tantu.evidence", "arguments": [{}] }));
        if asked {
            self.editor.choose("Discard");
            self.editor.wait_for("the end", |session| (count(&session.progress) > ended).then_some(()));
        }
        let id = card["id"].as_i64().unwrap_or_default();
        if std::mem::replace(&mut self.latest, id) >= id {
            return Came::Nothing(format!("no proposal was made: {:?}", self.editor.session().messages.last()));
        }
        assert!(self.editor.session().edits.is_empty(), "nothing is applied");
        keep(task, &card);
        card["evidence"]["diff"].as_str().unwrap_or_default().clone_into(&mut self.patch);
        Came::of(&card, asked)
    }

    fn ended(&self) -> usize {
        count(&self.editor.session().progress)
    }
}

/// How many proposals have ended: their progress can be cancelled.
fn count(progress: &[(Value, Value)]) -> usize {
    let began = |token: &Value| {
        progress.iter().any(|(of, value)| of == token && value["kind"] == "begin" && value["cancellable"] == true)
    };
    progress.iter().filter(|(token, value)| value["kind"] == "end" && began(token)).count()
}

/// What came of a reply.
enum Came {
    /// The person was asked about all of it, with this confidence and these questions.
    Asked(f64, Vec<String>),
    /// The person was asked about the rest, and told what was wrong with what was left out.
    LeftOut(Vec<String>),
    /// Nobody was asked.
    Caught(Vec<String>),
    /// The task itself is of no use; with the reason.
    Nothing(String),
}

impl Came {
    fn of(card: &Value, asked: bool) -> Came {
        let summary = &card["summary"];
        let strings = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let left_out: Vec<String> = strings(&card["evidence"]["unchecked"])
            .into_iter()
            .filter(|open| open.starts_with("a part was left out: "))
            .collect();
        let findings = |value: &Value| -> Vec<(String, String)> {
            let word = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
            let line = |it: &Value| format!("{} [{}: {}]", word(it, "message"), word(it, "stage"), word(it, "code"));
            value.as_array().into_iter().flatten().map(|it| (word(it, "stage"), line(it))).collect()
        };
        match (asked, summary["status"].as_str()) {
            (true, Some("ready")) if left_out.is_empty() => {
                let evidence = &card["evidence"];
                let has_questions =
                    |stage: &str| evidence["checks"][stage].as_str().is_some_and(|it| it.starts_with("asked: "));
                let warnings = findings(&evidence["warnings"]).into_iter();
                let questions = warnings.filter(|(stage, _)| has_questions(stage)).map(|(_, line)| line).collect();
                let score = evidence["confidence"]["score"].as_f64().expect("a card has a confidence");
                Came::Asked(score, questions)
            }
            (true, Some("partial")) if !left_out.is_empty() => Came::LeftOut(left_out),
            (false, Some("escalated" | "failed")) => {
                let found: Vec<String> = findings(&summary["findings"]).into_iter().map(|(_, line)| line).collect();
                match found.is_empty() {
                    true => Came::Nothing(summary["message"].to_string()),
                    false => Came::Caught(found),
                }
            }
            _ => Came::Nothing(card.to_string()),
        }
    }

    /// For who has to find out why it is not what was expected.
    fn describe(&self) -> String {
        match self {
            Came::Asked(score, questions) if questions.is_empty() => {
                format!("the person was asked, confidence {score:.2}")
            }
            Came::Asked(score, questions) => {
                format!("the person was asked, confidence {score:.2}, and to answer {questions:?}")
            }
            Came::LeftOut(found) => format!("the person was asked about a part: {found:?}"),
            Came::Caught(found) => format!("nobody was asked: {found:?}"),
            Came::Nothing(why) => format!("nothing could be checked: {why}"),
        }
    }

    /// Whether it is what was expected.
    fn is(&self, expected: &Expected) -> bool {
        let has = |found: &[String], code: &str| {
            let (stage, code) = code.split_once('/').unwrap_or((code, ""));
            found.iter().any(|it| it.ends_with(&format!("[{stage}: {code}]")))
        };
        match (self, expected) {
            (Came::Asked(_, questions), Expected::Ready) => questions.is_empty(),
            (Came::Asked(..), Expected::Missed) => true,
            (Came::Caught(found), Expected::Caught(code))
            | (Came::Asked(_, found), Expected::Questioned(code))
            | (Came::LeftOut(found), Expected::LeftOut(code)) => has(found, code),
            _ => false,
        }
    }
}

/// Runs the tasks of one workspace in one session.
fn run<'t>(workspace: &str, tasks: impl Iterator<Item = &'t Task>) -> Vec<(&'t Task, Came)> {
    let workspace = Workspace::fixture(workspace);
    let mut world = World::new(&workspace);
    let run = |task: &'t Task| {
        let came = world.run(task);
        log(task, &came);
        (task, came)
    };
    tasks.map(run).collect()
}

/// Adds a line to the file `$TANTU_PROPOSALS_LOG`, if it is set: for who looks for the causes behind a table.
fn log(task: &Task, came: &Came) {
    let Some(path) = std::env::var_os("TANTU_PROPOSALS_LOG") else { return };
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path).expect("the log is writable");
    let Task { workspace, title, kind, expected, .. } = task;
    writeln!(file, "{workspace}\t{title}\t{kind}\t{expected:?}\t{}", came.describe()).expect("the log is writable");
}

/// Adds the card to the file `$TANTU_PROPOSALS_CARDS`, if it is set, as a line of JSON: for who fits the confidence.
fn keep(task: &Task, card: &Value) {
    let Some(path) = std::env::var_os("TANTU_PROPOSALS_CARDS") else { return };
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path).expect("the file is writable");
    let expected = format!("{:?}", task.expected);
    let line = json!({ "task": task.title, "workspace": task.workspace, "kind": task.kind, "expected": expected,
        "status": card["summary"]["status"], "evidence": card["evidence"] });
    writeln!(file, "{line}").expect("the file is writable");
}

/// What came of each task, in their order.
fn run_all(tasks: &[Task]) -> Vec<(&Task, Came)> {
    let mut shares: Vec<(String, Vec<&Task>)> = Vec::new();
    for (index, task) in tasks.iter().enumerate() {
        let share = (task.workspace.clone(), index % SESSIONS);
        let name = format!("{}{}", share.0, share.1);
        match shares.iter_mut().find(|(known, _)| *known == name) {
            Some((_, share)) => share.push(task),
            None => shares.push((name, vec![task])),
        }
    }
    let (shares, outcomes) = (Mutex::new(shares), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..SESSIONS {
            scope.spawn(|| {
                loop {
                    let Some((_, share)) = shares.lock().expect("no session panics with it").pop() else { return };
                    let came = run(&share[0].workspace, share.iter().copied());
                    outcomes.lock().expect("no session panics with it").extend(came);
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().expect("no session panics with it");
    outcomes.sort_by_key(|(task, _)| task.number);
    outcomes
}

#[test]
fn what_is_wrong_is_caught_before_anybody_is_asked_and_what_is_good_is_not_refused() {
    let tasks = recorded::tasks();
    let outcomes = run_all(&tasks);
    let wrong: Vec<String> = outcomes
        .iter()
        .filter(|(task, came)| !came.is(&task.expected))
        .map(|(task, came)| {
            format!("{}: {}\n  expected {:?}\n  {}", task.kind, task.title, task.expected, came.describe())
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), outcomes.len(), wrong.join("\n"));
    expect_table(FENCES, &table(&outcomes));
}

/// What came of the answers of each kind.
fn table(outcomes: &[(&Task, Came)]) -> String {
    let mut kinds: Vec<&str> = outcomes.iter().map(|(task, _)| task.kind.as_str()).collect();
    kinds.dedup();
    let mut table =
        "| kind | answers | caught | asked about | missed | false alarms |\n|---|---|---|---|---|---|\n".to_owned();
    let mut sums = [0; 5];
    let mut row = |name: &str, counts: [usize; 5]| {
        let [all, caught, questioned, missed, alarms] = counts;
        table.push_str(&format!("| {name} | {all} | {caught} | {questioned} | {missed} | {alarms} |\n"));
    };
    for kind in kinds {
        let mut counts = [0; 5];
        for (task, came) in outcomes.iter().filter(|(task, _)| task.kind == kind) {
            let column = match (&task.expected, came) {
                (Expected::Ready, Came::Asked(_, questions)) if questions.is_empty() => None,
                (Expected::Ready, _) => Some(4),
                (Expected::Questioned(_), Came::Asked(_, questions)) if !questions.is_empty() => Some(2),
                (_, Came::Asked(..)) => Some(3),
                _ => Some(1),
            };
            counts[0] += 1;
            column.into_iter().for_each(|column| counts[column] += 1);
        }
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        row(kind, counts);
    }
    row("all", sums);
    table
}

/// The manual, in three: what is before the table between `fences`, the table, what is after it.
fn manual(fences: [&str; 2]) -> [String; 3] {
    let page = fs::read_to_string(page()).expect("the manual");
    let parts = page.split_once(fences[0]).and_then(|(before, rest)| Some((before, rest.split_once(fences[1])?)));
    let (before, (written, after)) = parts.expect("the page has a place for it");
    [before, written, after].map(str::to_owned)
}

fn page() -> PathBuf {
    tests::repository().join("docs/proposals.md")
}

/// Whether the table of the manual is to be written anew; then it was.
fn is_updated(fences: [&str; 2], table: &str) -> bool {
    let is_updated = std::env::var_os("UPDATE_EXPECT").is_some();
    if is_updated {
        let [before, _, after] = manual(fences);
        let page_text = format!("{before}{}{table}{}{after}", fences[0], fences[1]);
        fs::write(page(), page_text).expect("the manual is writable");
    }
    is_updated
}

/// Compares the table with that of the manual, or writes it there.
#[track_caller]
fn expect_table(fences: [&str; 2], table: &str) {
    if is_updated(fences, table) {
        return;
    }
    let [_, written, _] = manual(fences);
    assert!(
        written == table,
        "docs/proposals.md is not up to date: run this test with UPDATE_EXPECT=1; now it is\n{table}"
    );
}

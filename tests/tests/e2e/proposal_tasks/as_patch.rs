//! The same answers as they would come from an agent: as patches, which the gate judges without knowing what was asked for where.

use std::collections::BTreeMap;

use serde_json::json;
use tests::agent::Agent;
use tests::workspace::Workspace;

use super::recorded::{Expected, Task, tasks};
use super::{World, expect_table, log};

/// Where the table stands in `docs/proposals.md`.
const FENCES: [&str; 2] = ["<!-- written by the test as_patch -->\n", "<!-- end of as_patch -->\n"];

/// What only the shape of a model's answer tells, or what a person alone can answer; each with how many of the answers it concerns.
/// Nothing else with a defect may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Excluded {
    /// The answer holds no edit: there is nothing to write, and no patch comes of it.
    NoPatch,
    /// It edits more than was asked for. A patch has no place that it was to stay in.
    OutsideOfWhatWasAsked,
    /// A finding that has to go is still there, as it was before; tests notice no mistake in what they were asked to test: what the task
    /// promises, no patch says.
    AgainstTheTask,
    /// The tests fail in the same way as before, which is no worse.
    NotWorse,
    /// What was wrong was left out of the answer, and the patch is the rest.
    LeftOut,
    /// Whether it is wrong is a question to a person, as for a proposal.
    Asked,
    /// Nothing finds it in proposals either.
    Missed,
}

impl Excluded {
    /// For the manual.
    fn title(self) -> &'static str {
        match self {
            Excluded::NoPatch => "no edit in the answer, so that no patch comes of it",
            Excluded::OutsideOfWhatWasAsked => "wrong only because something else was asked for",
            Excluded::AgainstTheTask => {
                "wrong only by what the task promises: a finding is still there, a written test tests nothing"
            }
            Excluded::NotWorse => "tests fail in the same way as before",
            Excluded::LeftOut => "what was wrong was left out before, the patch is the rest",
            Excluded::Asked => "a question to a person, as for a proposal",
            Excluded::Missed => "found by nothing, as for a proposal",
        }
    }
}

/// Why a wrong answer may pass as a patch; `None` where it has to be refused.
fn excluded(task: &Task, said: &str) -> Option<Excluded> {
    let code = match &task.expected {
        Expected::Caught(code) => code.as_str(),
        Expected::LeftOut(_) => return Some(Excluded::LeftOut),
        Expected::Questioned(_) => return Some(Excluded::Asked),
        Expected::Missed => return Some(Excluded::Missed),
        Expected::Ready => return None,
    };
    let (stage, code) = code.split_once('/').unwrap_or((code, ""));
    match (stage, code) {
        ("scope", "outside-edit" | "other-file" | "new-definition" | "lost-definition" | "test-configuration") => {
            Some(Excluded::OutsideOfWhatWasAsked)
        }
        ("tests", "vacuous-test") => Some(Excluded::AgainstTheTask),
        ("tests", "test-failed") if said.contains("failed without the edit too") => Some(Excluded::NotWorse),
        _ if task.fixes_code.as_deref() == Some(code) => Some(Excluded::AgainstTheTask),
        _ => None,
    }
}

/// How many wrong answers may pass, and why. What changes here is a change of what the gate finds.
const EXCLUDED: [(Excluded, usize); 6] = [
    (Excluded::NoPatch, 15),
    (Excluded::OutsideOfWhatWasAsked, 0),
    (Excluded::AgainstTheTask, 3),
    (Excluded::NotWorse, 2),
    (Excluded::LeftOut, 2),
    (Excluded::Asked, 7),
];

/// Refactorings, which have to keep what a function answers.
const REFACTORINGS: [&str; 5] = ["simplify", "extract", "improve-names", "reduce-complexity", "add-types"];

#[test]
fn the_gate_refuses_what_is_wrong_and_lets_pass_what_is_good() {
    let tasks = tasks();
    let mut workspaces: Vec<&str> = tasks.iter().map(|task| task.workspace.as_str()).collect();
    workspaces.sort_unstable();
    workspaces.dedup();
    let (mut wrong, mut counts, mut judged) = (Vec::new(), BTreeMap::new(), [0, 0]);
    for name in workspaces {
        let workspace = Workspace::fixture(name);
        let mut world = World::new(&workspace);
        let mut agent = Agent::start(workspace.root(), &world.home);
        for task in tasks.iter().filter(|task| task.workspace == name) {
            let came = world.run(task);
            log(task, &came);
            if world.patch.is_empty() {
                assert!(task.expected != Expected::Ready, "{}: {}", task.title, came.describe());
                *counts.entry(Excluded::NoPatch).or_insert(0) += 1;
                continue;
            }
            let asked = format!("{} {}", task.assist, task.instruction.as_deref().unwrap_or_default());
            let refactoring = REFACTORINGS.contains(&task.assist.as_str())
                || task.assist == "refactor-function" && task.instruction.is_none();
            let said = agent.call(
                "check",
                &json!({ "patch": world.patch, "asked": asked, "refactoring": refactoring, "limit_seconds": 60 }),
            );
            assert!(said.structured["outcome"].is_string(), "{}", said.text);
            let is_refused = said.structured["outcome"] == "refused";
            let is_good = task.expected == Expected::Ready;
            if let Some(why) = excluded(task, &said.text).filter(|_| !is_refused) {
                *counts.entry(why).or_insert(0) += 1;
                continue;
            }
            judged[usize::from(is_good)] += 1;
            let passes = matches!(said.structured["outcome"].as_str(), Some("passed" | "asked"));
            if (is_good && !passes) || (!is_good && !is_refused) {
                let what = if is_good { "good" } else { "wrong" };
                wrong.push(format!("{what}: {}: {} ({:?})\n{}", task.kind, task.title, task.expected, said.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {judged:?}; excluded {counts:?}:\n{}", wrong.len(), wrong.join("\n"));
    let expected: BTreeMap<Excluded, usize> = EXCLUDED.into_iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(counts, expected, "refused {} wrong ones, let pass {} good ones", judged[0], judged[1]);
    let mut table = "| answers as patches | |\n|---|---|\n".to_owned();
    table.push_str(&format!("| good, pass | {} |\n| with a defect, refused | {} |\n", judged[1], judged[0]));
    counts.iter().for_each(|(why, count)| table.push_str(&format!("| {} | {count} |\n", why.title())));
    expect_table(FENCES, &table);
}

//! What a model says without editing: reviews, explanations, commit messages.

use serde_json::{Value, json};

use super::Project;

const SHOP: &str = "\
from money import rate


def mean(prices):
    total = sum(prices)
    return total / len(prices)


def tax(price):
    return rate(price)
";

const APP: &str = "from shop import mean\n\n\ndef report(prices):\n    return mean(prices)\n";

fn shop() -> Project {
    Project::new(&[("shop.py", SHOP), ("money.py", "def rate(price): ...\n"), ("app.py", APP)])
}

/// The user's settings name a model that gives these replies, each to a prompt that has the text before it.
fn replies(project: &Project, replies: &[(&str, &str)]) {
    let folder = project.cache.path().join("config/tantu");
    std::fs::create_dir_all(&folder).unwrap();
    let settings = "[models.r]\nprovider = \"recorded\"\nreplies = \"r.json\"\n[propose]\nmodels = [\"r\"]\n";
    std::fs::write(folder.join("config.toml"), settings).unwrap();
    let replies: Vec<Value> = replies.iter().map(|(to, reply)| json!({ "match": to, "reply": reply })).collect();
    std::fs::write(folder.join("r.json"), json!(replies).to_string()).unwrap();
}

fn finding(line: u32, code: &str, message: &str) -> Value {
    json!({ "line": line, "code": code, "severity": "error", "message": message, "replacement": null })
}

fn findings(findings: &[Value]) -> String {
    format!("I found this:\n```json\n{}\n```\n", json!({ "findings": findings }))
}

fn json_of(project: &Project, arguments: &[&str]) -> (i32, Value) {
    let (status, stdout, stderr) = project.tantu(arguments);
    (status, serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}")))
}

#[test]
fn a_review_keeps_what_stands_and_counts_what_does_not() {
    let project = shop();
    let all = findings(&[
        finding(6, "total / len(prices)", "An empty list divides by zero."),
        finding(10, "rate(price)", "`rate` is not defined."),
        finding(10, "rate(price)", "`rate` is called with too many arguments."),
        finding(2, "import sys", "`sys` is unused."),
        json!("nonsense"),
    ]);
    replies(&project, &[("The code to review", &all)]);
    let (status, report) = json_of(&project, &["review", "shop.py", "--format", "json"]);
    let found = &report["findings"][0];
    assert_eq!((status, report["findings"].as_array().unwrap().len()), (1, 1), "{report}");
    assert_eq!((&found["path"], &found["symbol"]), (&json!("shop.py"), &json!("shop.mean")));
    assert_eq!(found["range"]["start"], json!({ "line": 5, "character": 11 }));
    assert_eq!(found["range"]["end"], json!({ "line": 5, "character": 30 }));
    let why: Vec<&str> = report["dropped"].as_array().unwrap().iter().map(|it| it["why"].as_str().unwrap()).collect();
    let expected = [
        "`rate` is defined: money.py:1",
        "the arguments fit `def rate(price)`",
        "it quotes no code of what was reviewed",
    ];
    assert_eq!((why, &report["malformed"]), (expected.to_vec(), &json!(1)));
    assert_eq!(report["models"], json!(["r (recorded)"]));
}

#[test]
fn a_review_for_reading() {
    let project = shop();
    let mut one = finding(6, "total / len(prices)", "An empty list divides by zero.");
    one["replacement"] = json!("total / len(prices) if prices else 0");
    replies(&project, &[("   4 | def mean", &findings(&[one]))]);
    let (status, stdout, stderr) = project.tantu(&["review", "shop.py:5"]);
    let expected = "\
shop.py:6:12: error: An empty list divides by zero.
  - total / len(prices)
  + total / len(prices) if prices else 0
shop.mean: 1 finding, by r (recorded)
";
    assert_eq!((status, stdout.as_str()), (1, expected), "{stderr}");
    // Nobody is there to answer a second time.
    let (status, stdout, _) = project.tantu(&["review", "shop.py:10"]);
    assert!(status == 2 && stdout.contains("shop.tax: not reviewed: "), "{stdout}");
    let (status, _, stderr) = project.tantu(&["review", "shop.py:1"]);
    assert!(status == 2 && stderr.contains("no function or class here"), "{stderr}");
}

#[test]
fn an_answer_that_cannot_be_read_is_asked_for_again() {
    let project = shop();
    replies(&project, &[("cannot be read", "never"), ("could not be read", &findings(&[])), ("", "All is well.")]);
    let (status, stdout, stderr) = project.tantu(&["review", "shop.py:5"]);
    assert_eq!((status, stdout.as_str()), (0, "shop.mean: nothing found, by r (recorded)\n"), "{stderr}");
}

#[test]
fn what_has_changed_is_reviewed() {
    let project = shop();
    project.commit();
    let none = findings(&[]);
    replies(&project, &[("mean(prices)", &none), ("def other", &none)]);
    let review = ["review", "--since", "HEAD", "--model", "--no-tests"];
    assert!(project.tantu(&review).1.ends_with("a model's opinion:\nthere is nothing to review\n"));
    project.write("shop.py", &SHOP.replace("return total / len", "return total // len"));
    let (status, stdout, stderr) = project.tantu(&review);
    assert!(
        status == 0 && stdout.ends_with("opinion:\nshop.mean: nothing found, by r (recorded)\n"),
        "{stdout}{stderr}"
    );
    // Without being told to, no model is asked.
    let (_, stdout, _) = project.tantu(&["review", "--since", "HEAD", "--no-tests"]);
    assert!(stdout.starts_with("passed: ") && !stdout.contains("opinion"), "{stdout}");
}

#[test]
fn a_file_that_may_hold_secrets_is_not_reviewed() {
    let project = Project::new(&[("secrets/keys.py", "def key(): return 1\n")]);
    replies(&project, &[("", &findings(&[]))]);
    let (status, stdout, _) = project.tantu(&["review", "secrets/keys.py"]);
    assert!(status == 2 && stdout.contains("is never sent"), "{stdout}");
}

#[test]
fn an_explanation_begins_with_facts_and_needs_no_model() {
    let project = shop();
    let (status, stdout, stderr) = project.tantu(&["explain", "shop.py:5"]);
    assert_eq!(status, 0, "{stderr}");
    assert!(stdout.starts_with("# `shop.mean`\n") && stdout.contains("[`app.report`]("), "{stdout}");
    assert!(stdout.contains("no model is configured: describe one in"), "{stdout}");
    let (_, only) = json_of(&project, &["explain", "shop.py:5", "--facts", "--format", "json"]);
    assert_eq!((&only["symbol"], &only["explanation"]), (&json!("shop.mean"), &Value::Null));

    replies(&project, &[("What is known for certain", "It computes the *mean* of `prices`.")]);
    let (_, report) = json_of(&project, &["explain", "shop.py:5", "--format", "json"]);
    assert_eq!(report["explanation"], "It computes the *mean* of `prices`.");
    let (status, stdout, _) = project.tantu(&["explain", "shop.py:5"]);
    assert_eq!(status, 0);
    let words = "*What follows was written by a model and is not verified.*\n\nIt computes the *mean* of `prices`.";
    assert!(stdout.contains(words), "{stdout}");
}

#[test]
fn a_commit_message_is_checked() {
    let project = shop();
    let (status, _, stderr) = project.tantu(&["commit-message"]);
    assert!(status == 2 && stderr.contains("no repository of git"), "{stderr}");
    project.commit();
    let (status, _, stderr) = project.tantu(&["commit-message"]);
    assert!(status == 2 && stderr.contains("nothing is staged"), "{stderr}");
    project.write("shop.py", &SHOP.replace("def mean(prices):", "def mean(prices, default=0):"));
    project.git(&["add", "--all"]);
    let (status, _, stderr) = project.tantu(&["commit-message"]);
    assert!(status == 2 && stderr.contains("no model is configured"), "{stderr}");

    let good = "feat(shop): let `mean` take a default\n\nNobody has to call it differently.";
    replies(&project, &[("is not of the form", good), ("changed function `shop.mean`: 1 caller", "Let mean take it")]);
    let (status, stdout, stderr) = project.tantu(&["commit-message"]);
    assert_eq!((status, stdout), (0, format!("{good}\n")), "{stderr}");

    replies(&project, &[("", "Let it"), ("", "Let it"), ("", "Let it")]);
    let (status, report) = json_of(&project, &["commit-message", "--format", "json"]);
    assert_eq!((status, &report["message"]), (1, &json!("Let it")), "{report}");
    assert_eq!(report["problems"].as_array().unwrap().len(), 1);
}

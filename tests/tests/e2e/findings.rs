//! What the graph finds wrong, in open files and in all the others, and how editors come to know.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::client::{Client, Session};
use tests::wire::Record;
use tests::workspace::Workspace;

/// Two callers of `total`, a cycle of imports, and a function that nothing uses.
fn callers() -> Workspace {
    Workspace::of(
        r#"
#- /prices.py
def total(prices):
    return sum(prices)
#- /report.py
from prices import total


def report():
    return f"🧵 {total([1, 2])}"


print(report())
#- /cart.py
from prices import total


def both(prices):
    return total(prices=prices)


print(both([]))
#- /lonely.py
def lonely():
    return 1
#- /left.py
import right

x = right
#- /right.py
import left

x = left
"#,
    )
}

fn in_workspace_mode(workspace: &Workspace) -> tests::client::Builder<'_> {
    let settings = json!({ "tantu": { "diagnostics": { "mode": "workspace" } } });
    Client::builder(workspace).initialization_options(settings["tantu"].clone()).settings(settings)
}

fn codes(items: &Value) -> Vec<&str> {
    items.as_array().into_iter().flatten().map(|item| item["code"].as_str().unwrap_or_default()).collect()
}

#[test]
fn an_edit_shows_at_once_whom_it_breaks() {
    let workspace = callers();
    let editor = Client::start(&workspace).indexed();
    editor.open("prices.py");
    editor.open("report.py");
    assert!(editor.lens_titles("prices.py").contains(&"1: 2 callers".to_owned()));

    editor.replace("prices.py", "def total(prices):", "def total(items):");
    assert!(
        editor.lens_titles("prices.py").contains(&"1: breaks 1 of 2 callers".to_owned()),
        "{:?}",
        editor.lens_titles("prices.py")
    );
    editor.replace("prices.py", "(items):", "(items, rate):");
    assert!(editor.lens_titles("prices.py").contains(&"1: breaks 2 of 2 callers".to_owned()));
    let broken =
        editor.diagnostic("report.py", "the call that no longer fits", |item| item["code"] == "incompatible-call");
    let uri = editor.uri("report.py");
    assert_eq!(editor.places(&json!({ "uri": uri, "range": broken["range"] })), ["report.py:5:total"]);
    assert!(broken["message"].to_string().contains("missing argument `rate`"), "{broken}");
    let related = &broken["relatedInformation"];
    assert_eq!(editor.places(&related[0]["location"]), ["prices.py:1:total"]);
    assert_eq!(related[0]["message"], "`def total(items, rate)`");

    editor.replace("prices.py", "(items, rate):", "(prices):");
    assert!(editor.lens_titles("prices.py").contains(&"1: 2 callers".to_owned()));
    editor.wait_for("the call to fit again", |session| session.diagnostics.get(&uri)?.items.is_empty().then_some(()));
}

#[test]
fn lenses_are_asked_for_again_when_another_document_calls() {
    let workspace = callers();
    let editor = Client::start(&workspace).indexed();
    editor.open("prices.py");
    editor.open("report.py");
    let told = |session: &Session| {
        let refresh = |it: &&Record| it.message["method"] == "workspace/codeLens/refresh";
        session.log.iter().filter(refresh).count()
    };
    for (before, after, title) in [
        ("print(report())", "print(report(), total([]))", "1: 3 callers"),
        ("total([]))", "total())", "1: breaks 1 of 3 callers"),
        ("total())", "total([]))", "1: 3 callers"),
    ] {
        // An editor looks again only when it is told to.
        let mut seen = told(&editor.session());
        editor.replace("report.py", before, after);
        loop {
            seen = editor.wait_for(title, |session| Some(told(session)).filter(|&now| now > seen));
            if editor.lens_titles("prices.py").contains(&title.to_owned()) {
                break;
            }
        }
    }
}

#[test]
fn a_lens_shows_where_the_callers_are() {
    let workspace = callers();
    let editor = Client::start(&workspace).indexed();
    editor.open("prices.py");
    let lenses = editor.lenses("prices.py");
    let lens = lenses.iter().find(|lens| lens["command"]["title"] == "2 callers").expect("a lens");
    let callers = editor.execute(&lens["command"]);
    assert_eq!(editor.places(&callers), ["cart.py:5:total", "report.py:5:total"]);
}

#[test]
fn files_that_nobody_opened_are_reported_where_that_is_wanted() {
    let workspace = callers();
    let editor = in_workspace_mode(&workspace).start().indexed();
    for (file, code) in [("lonely.py", "unused"), ("left.py", "import-cycle")] {
        let found = editor.diagnostic(file, code, |item| item["code"] == code);
        if code == "unused" {
            assert_eq!(found["tags"], json!([1]), "it is faded: {found}");
        }
    }
    // An edit in a buffer breaks a call in a file that is not open.
    editor.open("prices.py");
    editor.replace("prices.py", "def total(prices):", "def total(items):");
    editor.diagnostic("cart.py", "the call that no longer fits", |item| item["code"] == "incompatible-call");
    editor.replace("prices.py", "def total(items):", "def total(prices):");
    let uri = editor.uri("cart.py");
    editor.wait_for("the call to fit again", |session| session.diagnostics.get(&uri)?.items.is_empty().then_some(()));
    // Opened and closed, a file keeps what is wrong in it.
    editor.open("lonely.py");
    assert_eq!(codes(&json!(editor.diagnostics("lonely.py"))), ["unused"]);
    editor.close("lonely.py");
    let uri = editor.uri("lonely.py");
    editor.wait_for("the findings of the file without a version", |session| {
        let published = session.diagnostics.get(&uri)?;
        (published.version.is_none() && codes(&json!(published.items)) == ["unused"]).then_some(())
    });
}

#[test]
fn nothing_is_reported_of_files_that_nobody_opened_by_default() {
    let workspace = callers();
    let editor = Client::start(&workspace).indexed();
    editor.open("lonely.py");
    editor.diagnostic("lonely.py", "what nothing uses", |item| item["code"] == "unused");
    let session = editor.session();
    let told: Vec<_> = session.publications.iter().map(|(uri, _)| uri.rsplit('/').next().unwrap_or_default()).collect();
    assert!(told.iter().all(|file| *file == "lonely.py"), "{told:?}");
}

#[test]
fn an_editor_that_pulls_gets_the_whole_workspace() {
    let workspace = callers();
    let editor = in_workspace_mode(&workspace)
        .capability("/textDocument/diagnostic", json!({}))
        .capability("/workspace/diagnostics", json!({ "refreshSupport": true }))
        .start()
        .indexed();
    let refreshes = || {
        let is_refresh = |it: &Record| it.message["method"] == "workspace/diagnostic/refresh";
        editor.session().log.iter().filter(|it| is_refresh(it)).count()
    };
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut shown: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut pull_until = |what: &str, file: &str, expected: &[&str]| loop {
        let before = refreshes();
        let ids: Vec<_> = known.iter().map(|(uri, id)| json!({ "uri": uri, "value": id })).collect();
        let answer = editor.request("workspace/diagnostic", json!({ "previousResultIds": ids }));
        for report in answer["items"].as_array().expect("reports") {
            let uri = report["uri"].as_str().expect("a URI").to_owned();
            known.insert(uri.clone(), report["resultId"].as_str().expect("an id").to_owned());
            if report["kind"] == "full" {
                shown.insert(uri, codes(&report["items"]).into_iter().map(str::to_owned).collect());
            }
        }
        let now = shown.get(&editor.uri(file)).cloned().unwrap_or_default();
        if now == expected {
            break;
        }
        editor.wait_for(what, |session| {
            let is_refresh = |it: &&Record| it.message["method"] == "workspace/diagnostic/refresh";
            (session.log.iter().filter(is_refresh).count() > before).then_some(())
        });
    };
    pull_until("the unused function", "lonely.py", &["unused"]);
    pull_until("the cycle", "left.py", &["import-cycle"]);
    editor.open("prices.py");
    editor.replace("prices.py", "def total(prices):", "def total(items):");
    pull_until("the call that no longer fits", "cart.py", &["incompatible-call"]);
    editor.replace("prices.py", "def total(items):", "def total(prices):");
    pull_until("the call to fit again", "cart.py", &[]);
    assert!(editor.session().publications.is_empty(), "an editor that pulls must not be pushed to as well");
}

#[test]
fn a_comment_silences_a_finding() {
    let workspace = callers();
    let editor = Client::start(&workspace).indexed();
    editor.open("lonely.py");
    editor.diagnostic("lonely.py", "what nothing uses", |item| item["code"] == "unused");
    editor.replace("lonely.py", "def lonely():", "def lonely():  # tantu: ignore[unused]");
    let uri = editor.uri("lonely.py");
    editor.wait_for("no findings", |session| session.diagnostics.get(&uri)?.items.is_empty().then_some(()));
}

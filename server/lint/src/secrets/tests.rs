//! Labelled cases, and a look at real packages.
//!
//! A case is a paragraph. `#- path` says where the text stands, `#= name` what must be found. All values are invented; the
//! sign `§` inside them is taken out here, so that scanners of hosting services leave the files alone.

use std::path::PathBuf;

use super::*;

fn found(path: &str, text: &str) -> Vec<Finding> {
    secrets(Path::new(path), text, &syntax::parse(text))
}

struct Case {
    path: String,
    expected: Option<String>,
    text: String,
}

fn cases(file: &str) -> Vec<Case> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/lint/secrets").join(file);
    let text = std::fs::read_to_string(path).unwrap().replace('§', "");
    let mut cases: Vec<Case> = Vec::new();
    let mut continues = false;
    for paragraph in text.trim_end().split("\n\n") {
        // A blank line inside a long string is no end of a case.
        if continues && let Some(last) = cases.last_mut() {
            last.text.push_str("\n\n");
            last.text.push_str(paragraph);
        } else {
            let mut lines = paragraph.lines().peekable();
            let expected = lines.next_if(|line| line.starts_with("#= ")).map(|line| line[3..].to_owned());
            let path = lines.next_if(|line| line.starts_with("#- ")).map_or("pkg/module.py", |line| &line[3..]);
            let text = lines.collect::<Vec<_>>().join("\n");
            cases.push(Case { path: path.to_owned(), expected, text });
        }
        continues = cases.last().is_some_and(|case| case.text.matches("\"\"\"").count() % 2 == 1);
    }
    cases
}

#[test]
fn precision_and_recall_on_labelled_cases() {
    let (positive, negative) = (cases("positive.txt"), cases("negative.txt"));
    let mut wrong = Vec::new();
    for case in &positive {
        let names: Vec<String> = found(&case.path, &case.text).iter().map(|finding| finding.name.to_string()).collect();
        if !names.contains(case.expected.as_ref().unwrap()) {
            wrong.push(format!("missed: {names:?} in {}", case.text));
        }
    }
    let missed = wrong.len();
    for case in &negative {
        for finding in found(&case.path, &case.text) {
            wrong.push(format!("false alarm {}: {}", finding.name, case.text));
        }
    }
    let alarms = wrong.len() - missed;
    let hits = positive.len() - missed;
    let precision = hits as f64 / (hits + alarms) as f64;
    let recall = hits as f64 / positive.len() as f64;
    println!("{} positive, {} negative: precision {precision:.3}, recall {recall:.3}", positive.len(), negative.len());
    assert_eq!((positive.len(), negative.len(), missed, alarms), (POSITIVE, NEGATIVE, 0, 0), "{}", wrong.join("\n"));
}

const POSITIVE: usize = 95;
const NEGATIVE: usize = 180;

/// What the redactor of `model` is tested with.
#[test]
fn the_list_of_values_is_of_what_is_found() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/lint/secrets");
    let values = std::fs::read_to_string(folder.join("values.txt")).unwrap().replace('§', "");
    assert_eq!(values.lines().count(), POSITIVE);
    for (case, values) in cases("positive.txt").iter().zip(values.lines()) {
        let found = found(&case.path, &case.text);
        for value in values.split(' ') {
            assert!(found.iter().any(|finding| case.text[finding.range].contains(value)), "{value}: {}", case.text);
        }
    }
}

#[test]
fn every_case_parses() {
    for case in cases("positive.txt").iter().chain(&cases("negative.txt")) {
        let errors = syntax::parse(&case.text).errors();
        assert!(errors.is_empty(), "{errors:?}\n{}", case.text);
    }
}

#[test]
fn no_message_repeats_a_value() {
    for case in cases("positive.txt") {
        for finding in found(&case.path, &case.text) {
            let value = &case.text[finding.range];
            assert!(!finding.message.contains(value), "{}", finding.message);
        }
    }
}

#[test]
fn the_range_is_the_content_of_the_literal() {
    let text = "connect(password=r'hunter2', x=1)\n# é\np = {'token': 'k2v9x1q0' 'z7w1m4t8y3u6'}\n";
    let found = found("a.py", text);
    let marked: Vec<&str> = found.iter().map(|finding| &text[finding.range]).collect();
    assert_eq!(marked, ["hunter2", "k2v9x1q0' 'z7w1m4t8y3u6"]);
    assert_eq!(
        found[0].message,
        "This looks like a password (7 characters). Whoever reads the source can use it; keep it outside."
    );
    assert_eq!((found[0].severity, found[0].confidence), (Severity::Warning, Some(Confidence::Medium)));
}

#[test]
fn in_a_comment_only_the_token_is_marked() {
    let text = ["# use gh", "p_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8 here\n"].concat();
    let found = found("a.py", &text);
    assert_eq!(&text[found[0].range][..4], "ghp_");
    assert_eq!(found[0].range.len().to_u32(), 40);
}

#[test]
fn broken_text_is_searched_too() {
    let found = found("a.py", "def f(:\n    password = 'hunter2'\n");
    assert_eq!(found.len(), 1);
}

#[test]
fn deep_nesting_does_not_end_the_process() {
    for (open, inner, close) in
        [("[", "1", "]"), ("f(", "1", ")"), ("{'password': ", "'hunter2'", "}"), ("", "1", " + 'a'")]
    {
        let text = format!("x = {}{inner}{}\n", open.repeat(20_000), close.repeat(20_000));
        // Dropping the tree takes as much stack as walking it.
        crate::stack::on_deep_stack(|| found("a.py", &text)).unwrap();
    }
}

#[test]
fn a_comment_can_say_that_it_is_meant() {
    for comment in
        ["# nosec", "# noqa", "# noqa: S105", "# pragma: allowlist secret", "#gitleaks:allow", "# noqa: E501, secret"]
    {
        assert_eq!(found("a.py", &format!("password = 'hunter2'  {comment}\n")), [], "{comment}");
        assert_eq!(found("a.py", &format!("password = 'hunter2'\nx = 1  {comment}\n")).len(), 1, "{comment}");
    }
    assert_eq!(found("a.py", "password = 'hunter2'  # noqa: E501\n").len(), 1);
}

#[test]
fn only_sure_tokens_are_secrets_in_prose() {
    let token = ["gh", "p_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"].concat();
    let found = secret_in_prose(&format!("# Set up\n\nUse `{token}`.\n")).expect("it is there");
    assert_eq!((found.range.start().to_u32(), found.range.len().to_u32()), (15, 40));
    assert_eq!(secret_in_prose("password = hunter2, and ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"), None);
}

#[test]
fn tests_and_documentation_by_their_path() {
    for path in [
        "/p/tests/unit/api/data.py",
        "/p/pkg/conftest.py",
        "/p/test_x.py",
        "docs/conf.py",
        "/p/x_tests.py",
        "/p/Test/a.py",
    ] {
        assert!(is_test_or_documentation(Path::new(path)), "{path}");
    }
    for path in
        ["/p/pkg/contest.py", "/home/u/test/work/project/src/pkg/a.py", "/p/latest/a.py", "a.py", "/p/testing_tools.py"]
    {
        assert!(!is_test_or_documentation(Path::new(path)), "{path}");
    }
}

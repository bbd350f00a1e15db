//! The samples in `fixtures/lint/ruff`, and what the `ruff` command of the same release says about them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lint::{Applicability, Document, Finding, INVALID_SYNTAX, Linter, Ruff};
use ruff_python_ast::PySourceType;
use ruff_python_parser::ParseError;
use serde_json::Value;
use syntax::{TextSize, apply_edits, parse};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/lint/ruff").canonicalize().unwrap()
}

/// The folders of `fixtures/lint/ruff`.
fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = fs::read_dir(samples()).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.is_dir());
    cases.sort();
    assert!(cases.len() >= 8);
    cases
}

/// Python files below `folder`, by path.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "py" || ending == "pyi") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn with_document<T>(path: &Path, text: &str, look: impl FnOnce(&Document<'_>) -> T) -> T {
    look(&Document { path, text, parsed: &parse(text) })
}

fn lint(ruff: &Ruff, path: &Path, text: &str) -> Vec<Finding> {
    with_document(path, text, |document| ruff.lint(document))
}

/// Row and column as ruff counts them: from one, in characters, without a byte order mark.
fn place(text: &str, offset: TextSize) -> (u32, u32) {
    let index = ruff_source_file::LineIndex::from_source_text(text);
    let place = index.line_column(offset, text);
    (place.line.get() as u32, place.column.get() as u32)
}

fn written(place: &Value) -> (u32, u32) {
    (place["row"].as_u64().unwrap() as u32, place["column"].as_u64().unwrap() as u32)
}

/// Everything that ruff's JSON says about a finding.
fn describe(finding: &Finding, text: &str) -> String {
    let fix = finding.fix.as_ref().map(|fix| {
        let edits = fix
            .edits
            .iter()
            .map(|edit| (place(text, edit.range.start()), place(text, edit.range.end()), edit.text.clone()));
        let applicability = match fix.applicability {
            Applicability::Safe => "safe",
            Applicability::Unsafe => "unsafe",
            Applicability::Display => "displayonly",
        };
        (applicability.to_owned(), fix.title.clone(), edits.collect::<Vec<_>>())
    });
    let range = (place(text, finding.range.start()), place(text, finding.range.end()));
    format!("{} {} {range:?} {:?} {:?} {fix:?}", finding.code, finding.name, finding.message, finding.url)
}

fn described(item: &Value) -> String {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let fix = item["fix"].as_object().map(|fix| {
        let edits =
            fix["edits"].as_array().unwrap().iter().map(|edit| {
                (written(&edit["location"]), written(&edit["end_location"]), text(&edit["content"]).unwrap())
            });
        let title = text(&fix["message"]).unwrap();
        (text(&fix["applicability"]).unwrap(), title, edits.collect::<Vec<_>>())
    });
    let range = (written(&item["location"]), written(&item["end_location"]));
    format!(
        "{} {} {range:?} {:?} {:?} {fix:?}",
        item["code"].as_str().unwrap(),
        item["name"].as_str().unwrap(),
        item["message"].as_str().unwrap(),
        text(&item["url"]),
    )
}

/// Whether a finding is what everybody sees who parses the text, and no linter's business.
fn is_of_parser(item: &Value, text: &str) -> bool {
    let parsed = ruff_python_parser::parse_unchecked_source(text, PySourceType::Python);
    let errors = parsed.errors().iter();
    let said = |error: &ParseError| (place(text, error.location.start()), error.error.to_string());
    let item_said = (written(&item["location"]), item["message"].as_str().unwrap().to_owned());
    item["code"] == INVALID_SYNTAX && errors.map(said).any(|said| said == item_said)
}

#[test]
fn findings_are_those_of_the_command() {
    let mut compared = 0;
    for case in cases() {
        let ruff = Ruff::with_user_settings(None);
        let expected: Vec<Value> = serde_json::from_slice(&fs::read(case.join("expected.json")).unwrap()).unwrap();
        // The command names files as seen from the folder that it runs in.
        let root = format!("{}/", case.display());
        for path in files(&case) {
            let name = path.strip_prefix(&case).unwrap().to_str().unwrap().replace('\\', "/");
            let text = fs::read_to_string(&path).unwrap();
            let found: Vec<String> =
                lint(&ruff, &path, &text).iter().map(|finding| describe(finding, &text).replace(&root, "")).collect();
            let wanted: Vec<String> = expected
                .iter()
                .filter(|item| item["filename"] == name.as_str() && !is_of_parser(item, &text))
                .map(described)
                .collect();
            assert_eq!(found, wanted, "{}", path.display());
            compared += found.len();
        }
        assert_eq!(ruff.problems(), []);
    }
    assert!(compared > 230, "{compared}");
}

#[test]
fn fixes_are_those_of_the_command() {
    let ruff = Ruff::with_user_settings(None);
    let mut fixed = 0;
    for case in cases() {
        let expected: BTreeMap<String, BTreeMap<String, String>> =
            serde_json::from_slice(&fs::read(case.join("fixed.json")).unwrap()).unwrap();
        for path in files(&case) {
            let name = path.strip_prefix(&case).unwrap().to_str().unwrap().replace('\\', "/");
            let text = fs::read_to_string(&path).unwrap();
            let check = |kind: &str, edits: Vec<syntax::TextEdit>| {
                let expected = expected.get(&name).and_then(|outputs| outputs.get(kind)).unwrap_or(&text);
                assert_eq!(&apply_edits(&text, &edits).unwrap(), expected, "{kind} fixes of {}", path.display());
                usize::from(!edits.is_empty())
            };
            with_document(&path, &text, |document| {
                fixed += check("safe", ruff.fix_all(document, Applicability::Safe, None));
                fixed += check("unsafe", ruff.fix_all(document, Applicability::Unsafe, None));
                fixed += check("imports", ruff.organize_imports(document));
            });
        }
    }
    assert!(fixed > 30, "{fixed}");
}

#[test]
fn a_comment_silences_one_finding() {
    let ruff = Ruff::with_user_settings(None);
    let mut silenced = 0;
    for path in cases().iter().flat_map(|case| files(case)) {
        let text = fs::read_to_string(&path).unwrap();
        let before = lint(&ruff, &path, &text);
        for finding in &before {
            let edits = with_document(&path, &text, |document| ruff.noqa(document, finding, Some("it is meant")));
            let commented = apply_edits(&text, &edits).unwrap();
            let after = lint(&ruff, &path, &commented);
            let count = |findings: &[Finding], text: &str| {
                let line = place(text, finding.range.start()).0;
                findings
                    .iter()
                    .filter(|other| other.code == finding.code && place(text, other.range.start()).0 == line)
                    .count()
            };
            // A comment about code is one only where code is; these stand in for lines that have none.
            if edits.is_empty() || count(&after, &commented) >= count(&before, &text) {
                println!("{}: {} stays", path.display(), describe(finding, &text));
                continue;
            }
            assert!(commented.contains("it is meant"));
            silenced += 1;
        }
    }
    assert!(silenced > 150, "{silenced}");
}

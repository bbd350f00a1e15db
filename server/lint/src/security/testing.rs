//! How fixes are tested: `$0` twice marks the range of the finding.

use std::path::Path;

use syntax::{TextRange, TextSize, apply_edits, parse};

use super::fixes;
use crate::Document;

/// The texts after each fix; every one must parse.
fn results(path: &str, code: &str, before: &str) -> Vec<String> {
    let mut parts = before.split("$0");
    let (Some(head), Some(marked), Some(tail), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        panic!("two marks: {before}");
    };
    let text = [head, marked, tail].concat();
    let range = TextRange::at(TextSize::of(head), TextSize::of(marked));
    let parsed = parse(&text);
    assert!(!parsed.has_errors(), "{text}");
    let document = Document { path: Path::new(path), text: &text, parsed: &parsed };
    let apply = |fix: crate::Fix| {
        assert!(fix.edits.is_sorted_by_key(|edit| edit.range.start()), "{fix:?}");
        let after = apply_edits(&text, &fix.edits).unwrap();
        assert!(!parse(&after).has_errors(), "{after}");
        after
    };
    fixes(&document, code, range).into_iter().map(apply).collect()
}

/// The first fix makes `after` of `before`.
#[track_caller]
pub(super) fn check(code: &str, before: &str, after: &str) {
    let results = results("pkg/module.py", code, before);
    assert_eq!(results.first().map(String::as_str), Some(after), "{results:#?}");
}

/// There is no fix.
#[track_caller]
pub(super) fn refused(code: &str, before: &str) {
    refused_in("pkg/module.py", code, before);
}

#[track_caller]
pub(super) fn refused_in(path: &str, code: &str, before: &str) {
    let results = results(path, code, before);
    assert!(results.is_empty(), "{results:#?}");
}

/// All fixes, in the order in which they are offered.
#[track_caller]
pub(super) fn check_all(code: &str, before: &str, after: &[&str]) {
    assert_eq!(results("pkg/module.py", code, before), after);
}

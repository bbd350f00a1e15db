//! What a candidate writes that the workspace has already, under whatever name.

use std::collections::BTreeSet;

use graph::{Analysis, SymbolId};
use ide::{Duplicate, known_already};

use super::Comparison;
use crate::{Finding, Stage};

/// One for each function that is the same as one that was there.
pub(super) fn findings(comparison: &Comparison) -> Vec<Finding> {
    let (before, after) = (&comparison.before, &comparison.after);
    let mut found = Vec::new();
    for edited in comparison.files.iter().filter(|edited| !graph::is_test_file(&edited.path)) {
        let Some(file) = after.file(&edited.path) else { continue };
        let was_there = |other: SymbolId| {
            let path = after.path(other.file);
            let edited = comparison.files.iter().find(|edited| edited.path == path);
            edited.is_none_or(|edited| !edited.wrote(after.symbol(other).range))
        };
        let new = known_already(after, file, |range| edited.wrote(range), was_there);
        if new.is_empty() {
            continue;
        }
        let old = before.file(&edited.path);
        let old = old.map_or_else(Vec::new, |old| known_already(before, old, |_| true, |_| true));
        let old: BTreeSet<(String, String)> = old.iter().map(|it| names(before, it)).collect();
        for it in new.iter().filter(|it| !old.contains(&names(after, it))) {
            let (name, other) = names(after, it);
            let message = format!("this exists already: `{other}` does the same as `{name}`");
            found.push(comparison.finding(
                Stage::Graph,
                "duplicate",
                message,
                file,
                after.symbol(it.symbol).name_range,
            ));
        }
    }
    found
}

fn names(analysis: &Analysis, it: &Duplicate) -> (String, String) {
    (analysis.symbol(it.symbol).local_name(), analysis.symbol(it.other).qualified_name())
}

#[cfg(test)]
mod tests {
    use syntax::TextEdit;

    use super::super::tests::{candidate, load};
    use super::super::{Inspection, check};

    /// What is told of `new` in the place `$1…$1`.
    #[track_caller]
    fn verify(text: &str, new: &str, expected: &[&str]) {
        let (host, path, range) = load(text);
        let candidate = candidate(&path, range, vec![TextEdit::replace(range, new)]);
        let checked = check(&host, candidate, &Inspection::default());
        let told: Vec<&str> = checked.warnings().iter().map(|it| it.message.as_str()).collect();
        assert_eq!(told, expected, "{:?}", checked.findings());
    }

    const TEXT: &str = "\
#- /money.py
import math

def round_up(value):
    return math.ceil(value * 100) / 100
#- /cart.py
import math

def price(amount):
    $1raise NotImplementedError$1

def other(amount):
    return math.ceil(amount * 100) / 100
";

    #[test]
    fn what_is_there_is_named() {
        verify(
            TEXT,
            "return math.ceil(amount * 100) / 100",
            &["this exists already: `cart.other` does the same as `price`"],
        );
        let elsewhere = TEXT.replace("math.ceil(amount", "math.floor(amount");
        verify(
            &elsewhere,
            "return math.ceil(amount * 100) / 100",
            &["this exists already: `money.round_up` does the same as `price`"],
        );
        verify(&elsewhere, "return math.ceil(amount * 10) / 100", &[]);
    }

    #[test]
    fn what_was_the_same_before_is_nobodys_fault() {
        let text = TEXT.replace("$1raise NotImplementedError$1", "$1return math.ceil(amount * 100) / 100$1");
        verify(&text, "return math.ceil(amount * 100)  / 100", &[]);
    }
}

//! Every edited file parses, or is no worse than before. What parses and no compiler takes is found by linters.

use syntax::{on_deep_stack, parse};

use super::Comparison;
use crate::{Finding, Stage};

pub(super) fn findings(comparison: &Comparison) -> Vec<Finding> {
    let mut found = Vec::new();
    for edited in &comparison.files {
        let Some(file) = comparison.after.file(&edited.path) else { continue };
        let errors = |text: &str| on_deep_stack(|| parse(text).errors()).unwrap_or_default();
        let mut old = errors(&edited.before);
        for error in errors(&edited.after) {
            // An error that was there before is not the candidate's, wherever it has moved.
            if !edited.wrote(error.range)
                && let Some(known) = old.iter().position(|known| known.message == error.message)
            {
                old.swap_remove(known);
                continue;
            }
            found.push(comparison.finding(Stage::Syntax, "syntax-error", error.message, file, error.range));
        }
    }
    found
}

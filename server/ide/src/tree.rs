//! The tree of a file, for the few questions that the graph does not answer.

use graph::{Analysis, FileId};
use syntax::{Parsed, on_deep_stack, parse};

/// What `look` makes of the tree of `text`. `None` when the system gives no thread to look with.
pub fn with_tree<T: Send>(text: &str, look: impl FnOnce(&Parsed) -> T + Send) -> Option<T> {
    on_deep_stack(|| look(&parse(text)))
}

/// The same for the text of `file`, which need not be parsed again while somebody is editing it.
pub fn with_tree_of<T: Send>(analysis: &Analysis, file: FileId, look: impl FnOnce(&Parsed) -> T + Send) -> Option<T> {
    match analysis.tree(file) {
        Some(tree) => on_deep_stack(|| look(&tree)),
        None => with_tree(analysis.source(file).text(), look),
    }
}

#[cfg(test)]
mod tests {
    use syntax::ast::visitor::Visitor;

    use super::*;

    #[test]
    fn no_nesting_is_too_deep() {
        struct Walk;
        impl Visitor<'_> for Walk {}
        for text in
            [format!("x = {}1", "1+".repeat(100_000)), format!("x = {}1{}", "f(".repeat(100_000), ")".repeat(100_000))]
        {
            assert_eq!(with_tree(&text, |parsed| Walk.visit_body(parsed.statements())), Some(()));
        }
    }
}

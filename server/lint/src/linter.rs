//! What every linter is given and gives back.

use std::path::Path;

use ruff_python_ast::{PySourceType, SourceType};

use crate::Finding;

/// A text to look at.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// Absolute. Decides which settings apply and whether the text is a stub; need not exist.
    pub path: &'a Path,
    pub text: &'a str,
    /// What the parser made of `text`.
    pub parsed: &'a syntax::Parsed,
}

/// Something that finds what is wrong in one text.
pub trait Linter {
    /// In the order of the text. What the parser says is not among them: whoever parsed the text has that.
    fn lint(&self, document: &Document<'_>) -> Vec<Finding>;
}

/// Whether the file at `path` holds Python that can be linted as one text. Notebooks are JSON, and are not.
pub fn is_lintable(path: &Path) -> bool {
    matches!(SourceType::from(path), SourceType::Python(PySourceType::Python | PySourceType::Stub))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notebooks_are_not_linted() {
        for (path, expected) in [
            ("/p/a.py", true),
            ("/p/a.pyi", true),
            ("/p/a.pyw", true),
            ("/p/script", true),
            ("/p/a.ipynb", false),
            ("/p/pyproject.toml", false),
        ] {
            assert_eq!(is_lintable(Path::new(path)), expected, "{path}");
        }
    }
}

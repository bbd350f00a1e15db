//! The Python parser.

use ruff_python_ast::{Expr, ModModule, PySourceType, Stmt, StringLiteral};
use ruff_text_size::{Ranged, TextRange};

/// A mistake in the syntax of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    pub message: String,
    pub range: TextRange,
}

/// The tree of a text, and what was wrong with it. There always is a tree: the parser recovers.
#[derive(Debug)]
pub struct Parsed {
    module: ruff_python_parser::Parsed<ModModule>,
}

/// Parses `text`; never fails.
pub fn parse(text: &str) -> Parsed {
    Parsed { module: ruff_python_parser::parse_unchecked_source(text, PySourceType::Python) }
}

/// The expression written in the string `literal`, as in `x: "Order"`, with offsets in `text`. `None` when it is not one.
pub fn parse_annotation(text: &str, literal: &StringLiteral) -> Option<Expr> {
    let parsed = ruff_python_parser::parse_string_annotation(text, literal).ok()?;
    Some(parsed.into_expr())
}

impl Parsed {
    pub fn statements(&self) -> &[Stmt] {
        self.module.suite()
    }

    pub fn module(&self) -> &ModModule {
        self.module.syntax()
    }

    pub fn tokens(&self) -> &ruff_python_ast::token::Tokens {
        self.module.tokens()
    }

    pub fn has_errors(&self) -> bool {
        !self.module.errors().is_empty()
    }

    pub fn errors(&self) -> Vec<SyntaxError> {
        let errors = self.module.errors().iter();
        errors.map(|error| SyntaxError { message: error.error.to_string(), range: error.range() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_typed_code_keeps_what_follows() {
        let parsed = parse("def f(a, b:\n    pass\n\ndef g():\n    return foo(1,\n\nclass C:\n    pass\n");
        assert!(parsed.has_errors());
        assert!(parsed.statements().iter().any(|s| matches!(s, Stmt::ClassDef(c) if c.name.as_str() == "C")));
    }

    #[test]
    fn errors_say_where() {
        let parsed = parse("x = \n");
        assert_eq!(parsed.errors().len(), 1);
    }
}

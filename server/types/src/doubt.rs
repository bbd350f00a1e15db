//! What a checker calls an error and may be none.
//!
//! It infers types where nobody has written any, and what was inferred is often narrower than what was meant: an attribute that
//! begins as `None`, a dictionary that is filled later, a class whose members come from elsewhere. Code that works, of which there
//! is much, is not refused for that. What contradicts a library, a signature or a hint is.

use ruff_db::files::{File, FilePath};
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};
use ty_python_semantic::types::{Type, TypeDefinition};
use ty_python_semantic::{Db as _, HasType, SemanticModel};

use crate::database::Database;

/// An error, as the checker tells it.
pub(crate) struct Claim<'a> {
    pub file: File,
    pub range: TextRange,
    pub rule: &'a str,
    pub message: &'a str,
    /// The lines that it is about.
    pub lines: &'a str,
    /// The file's statements.
    pub suite: &'a [Stmt],
    /// The innermost statement around it.
    pub stmt: Option<&'a Stmt>,
}

/// Rules that find fault with what cannot work or contradicts a signature or a hint.
const CERTAIN: [&str; 20] = [
    "call-abstract-method",
    "cyclic-class-definition",
    "duplicate-base",
    "inconsistent-mro",
    "index-out-of-bounds",
    "invalid-key",
    "invalid-legacy-type-variable",
    "invalid-named-tuple",
    "invalid-newtype",
    "invalid-paramspec",
    "invalid-return-type",
    "missing-argument",
    "missing-typed-dict-key",
    "no-matching-overload",
    "parameter-already-assigned",
    "positional-only-parameter-as-kwarg",
    "too-many-positional-arguments",
    "unknown-argument",
    "unresolved-import",
    "zero-stepsize-in-slice",
];
/// Rules that do so where the type that they speak of is a single one.
const CERTAIN_OF_ONE: [&str; 8] = [
    "call-non-callable",
    "invalid-argument-type",
    "invalid-await",
    "invalid-context-manager",
    "invalid-exception-caught",
    "not-iterable",
    "not-subscriptable",
    "unsupported-operator",
];

/// Why an error may be none; `None` where nothing speaks for that.
pub(crate) fn doubt(db: &Database, claim: &Claim<'_>) -> Option<&'static str> {
    let Claim { rule, message, .. } = *claim;
    match rule {
        _ if SILENCING.iter().any(|comment| claim.lines.contains(comment)) => Some("a comment wants it ignored"),
        _ if is_guessed(claim.suite, claim.range) => Some("what a lambda is given is guessed"),
        "invalid-argument-type" if is_spread(claim.suite, claim.range) => {
            Some("how many are spread there is not known")
        }
        "unresolved-attribute" => of_attribute(db, claim),
        "unresolved-reference" => Some("which names there are is for the graph to say"),
        "invalid-assignment" if matches!(claim.stmt, Some(Stmt::AnnAssign(_))) => None,
        _ if CERTAIN.contains(&rule) || CERTAIN_OF_ONE.contains(&rule) && is_one(message) => None,
        _ if CERTAIN_OF_ONE.contains(&rule) => Some("the type is inferred, and may be narrower than what is meant"),
        _ => Some("what works is against this rule, too"),
    }
}

/// Whether a message speaks of a single type, against one that somebody has written down.
fn is_one(message: &str) -> bool {
    let (expected, found) = message.rsplit_once("found `").unwrap_or(("", message));
    let is_wide = |text: &str| ["<class", "(", "Self@", "Unknown"].iter().any(|it| text.contains(it));
    let is_several = found.contains(['|', '&']) || found.starts_with("object`");
    !is_wide(expected) && !is_wide(found) && !is_several
}

fn of_attribute(db: &Database, claim: &Claim<'_>) -> Option<&'static str> {
    let Claim { message, .. } = *claim;
    if message.starts_with("Unresolved attribute") {
        return Some("attributes may be made anywhere");
    }
    if message.contains(" is not defined on ") {
        let is_optional = message.contains(" is not defined on `None` in union") && !message.contains("Unknown");
        return (!is_optional).then_some("what has it is among what it may be");
    }
    if message.contains("`(") || message.contains("Self@") {
        return Some("the type is inferred, and may be narrower than what is meant");
    }
    let model = SemanticModel::new(db, db.program_file(claim.file));
    let receiver = receiver(claim.suite, claim.range).and_then(|expr| expr.inferred_type(&model));
    let is_own = receiver.is_some_and(|receiver| is_own(db, &model, receiver));
    is_own.then_some("which members the workspace's own classes have is for the graph to say")
}

/// Whether what a type is comes from the workspace.
fn is_own<'db>(db: &'db Database, model: &SemanticModel<'db>, receiver: Type<'db>) -> bool {
    let file = match receiver.definition(db, &model.program_environment()) {
        Some(TypeDefinition::Module(module)) => module.file(db),
        Some(TypeDefinition::StaticClass(it) | TypeDefinition::DynamicClass(it) | TypeDefinition::Function(it)) => {
            Some(it.file(db))
        }
        _ => None,
    };
    file.is_some_and(|file| matches!(file.path(db), FilePath::System(path) if db.files.is_own(path)))
}

/// Whether `range` is a list of arguments, `*fields`: which of them gets to which parameter, the length says, and of a list nobody
/// knows it.
fn is_spread(suite: &[Stmt], range: TextRange) -> bool {
    struct Look {
        range: TextRange,
        is_found: bool,
    }
    impl<'a> Visitor<'a> for Look {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            if stmt.range().contains_range(self.range) {
                walk_stmt(self, stmt);
            }
        }

        fn visit_expr(&mut self, expr: &'a Expr) {
            if let Expr::Starred(starred) = expr {
                self.is_found |= starred.range == self.range || starred.value.range() == self.range;
            }
            walk_expr(self, expr);
        }
    }
    let mut look = Look { range, is_found: false };
    look.visit_body(suite);
    look.is_found
}

/// What is before the dot of the attribute at `range`.
fn receiver(suite: &[Stmt], range: TextRange) -> Option<&Expr> {
    struct Look<'a> {
        range: TextRange,
        found: Option<&'a Expr>,
    }
    impl<'a> Visitor<'a> for Look<'a> {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            if stmt.range().contains_range(self.range) {
                walk_stmt(self, stmt);
            }
        }

        fn visit_expr(&mut self, expr: &'a Expr) {
            match expr {
                Expr::Attribute(attribute) if attribute.range == self.range => self.found = Some(&attribute.value),
                _ if expr.range().contains_range(self.range) => walk_expr(self, expr),
                _ => {}
            }
        }
    }
    let mut look = Look { range, found: None };
    look.visit_body(suite);
    look.found
}

/// Whether `range` mentions a parameter of a lambda around it. Their types are inferred from where the lambda goes, and from
/// what is expected of the call around it, which may have nothing to do with them: `max(items, key=lambda it: it.size,
/// default=None)` where `None` is allowed.
fn is_guessed(suite: &[Stmt], range: TextRange) -> bool {
    struct Look<'a> {
        range: TextRange,
        parameters: Vec<&'a str>,
        is_found: bool,
    }
    impl<'a> Visitor<'a> for Look<'a> {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            if stmt.range().contains_range(self.range) {
                walk_stmt(self, stmt);
            }
        }

        fn visit_expr(&mut self, expr: &'a Expr) {
            match expr {
                Expr::Name(name) => {
                    self.is_found |=
                        self.range.contains_range(name.range) && self.parameters.contains(&name.id.as_str());
                }
                Expr::Lambda(lambda) if lambda.range.contains_range(self.range) => {
                    let outer = self.parameters.len();
                    let parameters = lambda.parameters.iter().flat_map(|it| it.iter());
                    self.parameters.extend(parameters.map(|it| it.name().as_str()));
                    walk_expr(self, expr);
                    self.parameters.truncate(outer);
                }
                _ if expr.range().intersect(self.range).is_some() => walk_expr(self, expr),
                _ => {}
            }
        }
    }
    let mut look = Look { range, parameters: Vec::new(), is_found: false };
    look.visit_body(suite);
    look.is_found
}

/// As [`crate::files`] leaves them.
const SILENCING: [&str; 6] =
    ["type: ignore", "type:ignore", "ty. ignore", "ty.ignore", "pyright: ignore", "mypy: ignore"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_speaks_of_one_type_or_of_several() {
        for one in [
            "Argument to function `f` is incorrect: Expected `int`, found `Literal[\"x\"]`",
            "Argument to function `open` is incorrect: Expected `str | PathLike[str]`, found `float`",
            "Operator `*` is not supported between objects of type `int` and `CoroutineType[Any, Any, Decimal]`",
        ] {
            assert!(is_one(one), "{one}");
        }
        for several in [
            "Argument to function `f` is incorrect: Expected `str`, found `(str & ~AlwaysFalsy) | bytes`",
            "Argument to function `len` is incorrect: Expected `Sized`, found `object`",
            "Argument to bound method `update` is incorrect: Expected `<class 'dict'>`, found `int`",
            "Object of type `(...) -> int` is not iterable",
        ] {
            assert!(!is_one(several), "{several}");
        }
    }
}

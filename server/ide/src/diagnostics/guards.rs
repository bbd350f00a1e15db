//! Where a program is prepared for a name or a module that is missing.

use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{ExceptHandler, Expr, Stmt, StmtTry, StmtWith};
use syntax::{Ranged, TextRange};

use super::Code;
use super::code::Guarded;

/// What a bare `except:` catches; not a name.
const ANYTHING: &str = "";

/// The parts of a text that survive a missing module or name, or that run only under some versions of Python.
pub(super) struct Guards<'a> {
    text: &'a str,
    imports: Vec<TextRange>,
    names: Vec<TextRange>,
    members: Vec<TextRange>,
    calls: Vec<TextRange>,
}

impl<'a> Guards<'a> {
    pub fn of(text: &'a str, statements: &[Stmt]) -> Self {
        let mut guards =
            Guards { text, imports: Vec::new(), names: Vec::new(), members: Vec::new(), calls: Vec::new() };
        guards.visit_body(statements);
        guards
    }

    /// Whether the program is prepared for what `code` says of the place.
    pub fn survive(&self, code: Code, place: TextRange) -> bool {
        let guarded = match code.guarded() {
            Guarded::Imports => &self.imports,
            Guarded::Names => &self.names,
            Guarded::Members => &self.members,
            Guarded::Calls => &self.calls,
            Guarded::Never => return false,
        };
        guarded.iter().any(|range| range.contains_range(place))
    }

    fn add(&mut self, body: &[Stmt], caught: &[&str]) {
        let (Some(first), Some(last)) = (body.first(), body.last()) else { return };
        let range = TextRange::new(first.start(), last.end());
        let catches = |names: &[&str]| caught.iter().any(|caught| names.contains(caught));
        if catches(&["ImportError", "ModuleNotFoundError", "Exception", "BaseException", ANYTHING]) {
            self.imports.push(range);
        }
        // `except Exception` around a long body is about what the body does, not about a name in it.
        if catches(&["NameError", ANYTHING]) {
            self.names.push(range);
        }
        if catches(&["AttributeError", ANYTHING]) {
            self.members.push(range);
        }
        if catches(&["TypeError", ANYTHING]) {
            self.calls.push(range);
        }
    }

    fn add_if(&mut self, test: &Expr, whole: TextRange) {
        let test = &self.text[test.range()];
        if ["version_info", "PY2", "PY3"].iter().any(|version| test.contains(version)) {
            for guarded in [&mut self.imports, &mut self.names, &mut self.members, &mut self.calls] {
                guarded.push(whole);
            }
        } else if test.contains("find_spec") {
            self.imports.push(whole);
        } else if test.contains("hasattr") {
            self.members.push(whole);
        }
    }
}

impl<'a> Visitor<'a> for Guards<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Try(guard) => self.add(&guard.body, &caught(guard)),
            Stmt::With(block) => self.add(&block.body, &expected(block)),
            Stmt::If(branch) => self.add_if(&branch.test, branch.range()),
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::If(branch) = expression {
            self.add_if(&branch.test, branch.range());
        }
        walk_expr(self, expression);
    }
}

/// The exceptions the handlers name.
fn caught(guard: &StmtTry) -> Vec<&str> {
    let mut names = Vec::new();
    for ExceptHandler::ExceptHandler(handler) in &guard.handlers {
        match handler.type_.as_deref() {
            None => names.push(ANYTHING),
            Some(Expr::Tuple(types)) => names.extend(types.elts.iter().filter_map(last_name)),
            Some(one) => names.extend(last_name(one)),
        }
    }
    names
}

/// The exceptions that `with suppress(…)`, `pytest.raises(…)` and `self.assertRaises(…)` name.
fn expected(block: &StmtWith) -> Vec<&str> {
    let mut names = Vec::new();
    for item in &block.items {
        if let Expr::Call(call) = &item.context_expr
            && matches!(last_name(&call.func), Some("suppress" | "raises" | "assertRaises" | "assertRaisesRegex"))
        {
            names.extend(call.arguments.args.iter().filter_map(last_name));
        }
    }
    names
}

/// `c` of `c` and of `a.b.c`.
fn last_name(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Name(name) => Some(name.id.as_str()),
        Expr::Attribute(attribute) => Some(attribute.attr.as_str()),
        _ => None,
    }
}

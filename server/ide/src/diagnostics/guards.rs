//! Where a program is prepared for a name or a module that is missing.

use syntax::ast::statement_visitor::{StatementVisitor, walk_stmt};
use syntax::ast::{ExceptHandler, Expr, Stmt, StmtTry, StmtWith};
use syntax::{Ranged, TextRange};

use super::{Code, Diagnostic};

/// The bodies of `try` statements and `with suppress(…)` blocks, by what they survive.
#[derive(Default)]
pub(super) struct Guards {
    imports: Vec<TextRange>,
    names: Vec<TextRange>,
}

impl Guards {
    pub fn of(statements: &[Stmt]) -> Self {
        let mut guards = Guards::default();
        guards.visit_body(statements);
        guards
    }

    /// Whether the program handles what `diagnostic` complains about.
    pub fn expect(&self, diagnostic: &Diagnostic) -> bool {
        let ranges = match diagnostic.code {
            Code::UnresolvedImport => &self.imports,
            Code::UndefinedName => &self.names,
            Code::SyntaxError => return false,
        };
        ranges.iter().any(|range| range.contains_range(diagnostic.range))
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
    }
}

impl<'a> StatementVisitor<'a> for Guards {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Try(guard) => self.add(&guard.body, &caught(guard)),
            Stmt::With(block) => self.add(&block.body, &suppressed(block)),
            _ => {}
        }
        walk_stmt(self, statement);
    }
}

/// What a bare `except:` catches; not a name.
const ANYTHING: &str = "";

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

fn suppressed(block: &StmtWith) -> Vec<&str> {
    let mut names = Vec::new();
    for item in &block.items {
        if let Expr::Call(call) = &item.context_expr
            && last_name(&call.func) == Some("suppress")
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

//! Where in the tree something stands, and what runs before it.

use syntax::ast::find_node::covering_node;
use syntax::ast::helpers::any_over_expr;
use syntax::ast::token::{TokenKind, parentheses_iterator};
use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{AnyNodeRef, ExceptHandler, Expr, ExprRef, Stmt, StmtFunctionDef};
use syntax::{Parsed, Ranged, TextRange, TextSize};

use super::layout::{after_comment, line_start, own_line_indent};

/// A statement as one of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub body: &'a [Stmt],
    pub index: usize,
}

impl<'a> Step<'a> {
    pub fn stmt(&self) -> &'a Stmt {
        &self.body[self.index]
    }
}

/// The blocks directly in a statement, in source order.
pub(super) fn child_bodies(stmt: &Stmt) -> Vec<&[Stmt]> {
    match stmt {
        Stmt::FunctionDef(it) => vec![&it.body[..]],
        Stmt::ClassDef(it) => vec![&it.body[..]],
        Stmt::For(it) => vec![&it.body[..], &it.orelse[..]],
        Stmt::While(it) => vec![&it.body[..], &it.orelse[..]],
        Stmt::With(it) => vec![&it.body[..]],
        Stmt::If(it) => {
            std::iter::once(&it.body[..]).chain(it.elif_else_clauses.iter().map(|clause| &clause.body[..])).collect()
        }
        Stmt::Match(it) => it.cases.iter().map(|case| &case.body[..]).collect(),
        Stmt::Try(it) => {
            let handlers = it.handlers.iter().map(|ExceptHandler::ExceptHandler(handler)| &handler.body[..]);
            std::iter::once(&it.body[..]).chain(handlers).chain([&it.orelse[..], &it.finalbody[..]]).collect()
        }
        _ => Vec::new(),
    }
}

/// The statements around `range`, the outermost first.
pub(super) fn steps(body: &[Stmt], range: TextRange) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut body = Some(body);
    while let Some(current) = body {
        let Some(index) = current.iter().position(|stmt| stmt.range().contains_range(range)) else { break };
        let step = Step { body: current, index };
        steps.push(step);
        body =
            child_bodies(step.stmt()).into_iter().find(|child| span(child).is_some_and(|it| it.contains_range(range)));
    }
    steps
}

/// From the first statement to the last.
pub(super) fn span(body: &[Stmt]) -> Option<TextRange> {
    Some(TextRange::new(body.first()?.start(), body.last()?.end()))
}

/// The innermost function whose body holds `range`, and the class that the function is directly in.
pub(super) fn function_around(body: &[Stmt], range: TextRange) -> Option<(&StmtFunctionDef, Option<&Stmt>)> {
    let steps = steps(body, range);
    let holds = |function: &StmtFunctionDef| span(&function.body).is_some_and(|span| span.contains_range(range));
    let at = steps.iter().rposition(|step| step.stmt().as_function_def_stmt().is_some_and(holds))?;
    let class = at.checked_sub(1).map(|before| steps[before].stmt()).filter(|stmt| stmt.is_class_def_stmt());
    Some((steps[at].stmt().as_function_def_stmt()?, class))
}

/// The nodes around `range`, the outermost first.
pub(super) fn nodes(parsed: &Parsed, range: TextRange) -> Vec<AnyNodeRef<'_>> {
    let root = AnyNodeRef::from(parsed.module());
    if !root.range().contains_range(range) {
        return Vec::new();
    }
    let covering = covering_node(root, range);
    let mut nodes: Vec<AnyNodeRef<'_>> = covering.ancestors().collect();
    nodes.reverse();
    nodes
}

/// `range` without the white space at its ends.
pub(super) fn trimmed(text: &str, range: TextRange) -> TextRange {
    let part = &text[range];
    let start = range.start() + TextSize::of(&part[..part.len() - part.trim_start().len()]);
    TextRange::at(start, TextSize::of(part.trim()))
}

/// The expressions around `range`, the outermost first.
pub(super) fn expressions(parsed: &Parsed, range: TextRange) -> Vec<&Expr> {
    struct Around<'a> {
        range: TextRange,
        found: Vec<&'a Expr>,
    }
    impl<'a> Visitor<'a> for Around<'a> {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            if stmt.range().contains_range(self.range) {
                walk_stmt(self, stmt);
            }
        }
        fn visit_expr(&mut self, expr: &'a Expr) {
            if expr.range().contains_range(self.range) {
                self.found.push(expr);
                walk_expr(self, expr);
            }
        }
    }
    let mut around = Around { range, found: Vec::new() };
    around.visit_body(parsed.statements());
    around.found
}

/// The expression that is exactly `range`, which may include its parentheses.
pub(super) fn expression_at<'a>(parsed: &'a Parsed, text: &str, range: TextRange) -> Option<&'a Expr> {
    let mut range = trimmed(text, range);
    loop {
        let expr = expressions(parsed, range).pop()?;
        if expr.range() == range {
            return Some(expr);
        }
        let inner = text[range].strip_prefix('(')?.strip_suffix(')')?;
        range = trimmed(text, TextRange::at(range.start() + TextSize::new(1), TextSize::of(inner)));
    }
}

/// `expr` with the parentheses around it.
pub(super) fn with_parentheses(parsed: &Parsed, expr: &Expr) -> TextRange {
    let range = expr.range();
    let around = nodes(parsed, range);
    let parent = around.iter().rev().find(|node| node.range() != range || node.as_expr_ref().is_none()).copied();
    parentheses_iterator(ExprRef::from(expr), parent, parsed.tokens()).last().unwrap_or(range)
}

/// The lines of `range`, the last line's end included.
pub(super) fn whole_lines(text: &str, range: TextRange) -> TextRange {
    let start = line_start(text, range.start());
    let rest = &text[range.end().to_usize()..];
    let end = match rest.find(['\r', '\n']) {
        Some(at) if rest[at..].starts_with("\r\n") => at + 2,
        Some(at) => at + 1,
        None => rest.len(),
    };
    TextRange::new(start, range.end() + TextSize::new(end as u32))
}

/// Whether the statements of `range` have their lines for themselves, comments aside.
pub(super) fn stands_alone(text: &str, range: TextRange) -> bool {
    let rest = &text[after_comment(text, range.end()).to_usize()..];
    own_line_indent(text, range.start()).is_some() && (rest.is_empty() || rest.starts_with(['\r', '\n']))
}

/// Where the comments that belong to the statement at `start` begin: on the lines directly above it.
pub(super) fn comments_above(text: &str, start: TextSize) -> TextSize {
    let mut at = line_start(text, start);
    loop {
        let before = text[..at.to_usize()].trim_end_matches('\n').len();
        let before = text[..before].trim_end_matches('\r').len();
        if at.to_usize() == 0 || text[before..at.to_usize()].matches('\n').count() > 1 {
            return at;
        }
        let line = line_start(text, TextSize::new(before as u32));
        if !text[line.to_usize()..before].trim_start().starts_with('#') || line == at {
            return at;
        }
        at = line;
    }
}

/// Whether evaluating `expr` may change something. Operators, attributes and items are taken to only compute.
pub(super) fn acts(expr: &Expr) -> bool {
    any_over_expr(expr, |part| {
        matches!(
            part,
            Expr::Call(_) | Expr::Await(_) | Expr::Yield(_) | Expr::YieldFrom(_) | Expr::Named(_) | Expr::Generator(_)
        )
    })
}

/// Whether `expr` reads what an action may change.
fn reads(expr: &Expr) -> bool {
    any_over_expr(expr, |part| matches!(part, Expr::Attribute(_) | Expr::Subscript(_)))
}

/// Whether `target`, an expression in the statement `stmt` itself and not in a block of it, is evaluated exactly once
/// when the statement begins, so that it may as well be evaluated before.
///
/// # Errors
/// The reason for a person.
pub(super) fn evaluated_first(parsed: &Parsed, stmt: &Stmt, target: &Expr) -> Result<(), String> {
    let range = target.range();
    let around = nodes(parsed, range);
    let in_block = child_bodies(stmt).into_iter().any(|body| span(body).is_some_and(|span| span.contains_range(range)));
    if in_block {
        return Err("it may be evaluated at another time, or again".to_owned());
    }
    let inside = |part: TextRange| part.contains_range(range);
    let outside = |node: &&AnyNodeRef<'_>| !(node.range() == range && node.as_expr_ref().is_some());
    let within = around.iter().skip_while(|node| !(node.range() == stmt.range() && node.is_statement()));
    for node in within.take_while(outside) {
        let sometimes = match node {
            AnyNodeRef::ExprBoolOp(it) => !inside(it.values[0].range()),
            AnyNodeRef::ExprIf(it) => !inside(it.test.range()),
            AnyNodeRef::ExprCompare(it) => {
                !inside(it.left.range()) && !it.comparators.first().is_some_and(|first| inside(first.range()))
            }
            AnyNodeRef::StmtAssert(it) => !inside(it.test.range()),
            AnyNodeRef::ElifElseClause(_) | AnyNodeRef::ExceptHandlerExceptHandler(_) | AnyNodeRef::MatchCase(_) => {
                true
            }
            AnyNodeRef::StmtWith(it) => !it.items.first().is_some_and(|first| inside(first.context_expr.range())),
            _ => false,
        };
        if sometimes {
            return Err("it is not evaluated every time".to_owned());
        }
        let again = match node {
            AnyNodeRef::ExprLambda(_) | AnyNodeRef::StmtWhile(_) => true,
            AnyNodeRef::ExprListComp(it) => !inside(it.generators[0].iter.range()),
            AnyNodeRef::ExprSetComp(it) => !inside(it.generators[0].iter.range()),
            AnyNodeRef::ExprDictComp(it) => !inside(it.generators[0].iter.range()),
            AnyNodeRef::ExprGenerator(it) => !inside(it.generators[0].iter.range()),
            _ => false,
        };
        if again {
            return Err("it may be evaluated at another time, or again".to_owned());
        }
        let annotation = match node {
            AnyNodeRef::StmtAnnAssign(it) => inside(it.annotation.range()),
            AnyNodeRef::StmtFunctionDef(it) => it.returns.as_ref().is_some_and(|it| inside(it.range())),
            AnyNodeRef::Parameter(it) => it.annotation.as_ref().is_some_and(|it| inside(it.range())),
            AnyNodeRef::StmtTypeAlias(_) | AnyNodeRef::TypeParams(_) => true,
            _ => false,
        };
        if annotation {
            return Err("it is part of an annotation".to_owned());
        }
    }
    let mut before = Before { target: range, acts: false, reads: false };
    before.visit_stmt(stmt);
    if before.acts && !is_constant(target) || before.reads && acts(target) {
        return Err("something else is evaluated before it".to_owned());
    }
    Ok(())
}

pub(super) fn is_constant(expr: &Expr) -> bool {
    syntax::ast::helpers::is_constant(expr)
}

/// What a statement evaluates before `target`.
struct Before {
    target: TextRange,
    acts: bool,
    reads: bool,
}

impl<'a> Visitor<'a> for Before {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            // Targets come after the value.
            Stmt::Assign(it) => self.visit_expr(&it.value),
            Stmt::AnnAssign(it) => it.value.iter().for_each(|value| self.visit_expr(value)),
            _ => walk_stmt(self, stmt),
        }
    }

    fn visit_body(&mut self, _: &'a [Stmt]) {}

    fn visit_expr(&mut self, expr: &'a Expr) {
        let holds = expr.range().contains_range(self.target);
        match expr {
            _ if expr.end() <= self.target.start() => {
                self.acts |= acts(expr);
                self.reads |= reads(expr);
            }
            _ if !holds => {}
            Expr::If(it) => self.visit_expr(&it.test),
            Expr::ListComp(it) => self.visit_expr(&it.generators[0].iter),
            Expr::SetComp(it) => self.visit_expr(&it.generators[0].iter),
            Expr::DictComp(it) => self.visit_expr(&it.generators[0].iter),
            Expr::Generator(it) => self.visit_expr(&it.generators[0].iter),
            // Which method is called is hardly ever changed by an argument.
            Expr::Call(it) if it.arguments.range.contains_range(self.target) => {
                self.acts |= acts(&it.func);
                self.visit_arguments(&it.arguments);
            }
            _ if expr.range() == self.target => {}
            _ => walk_expr(self, expr),
        }
    }
}

/// An identifier that occurs nowhere in the file, or if so only as an attribute: `base`, or `base` with a number.
pub(super) fn free_name(parsed: &Parsed, text: &str, base: &str, attributes_count: bool) -> String {
    let taken = |name: &str| {
        let mut after_dot = false;
        parsed.tokens().iter().any(|token| {
            let counts = attributes_count || !after_dot;
            after_dot = token.kind() == TokenKind::Dot;
            let is_word = token.kind() == TokenKind::Name || token.kind().is_keyword();
            counts && is_word && &text[token.range()] == name
        })
    };
    let mut name = base.to_owned();
    let mut number = 1;
    while taken(&name) {
        number += 1;
        name = format!("{base}{number}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_belong_to_what_they_touch() {
        let text = "# licence\n\n# about f\n# more\ndef f(): ...\n";
        let at = comments_above(text, TextSize::new(text.find("def").unwrap() as u32));
        assert!(text[at.to_usize()..].starts_with("# about f"));
        let text = "x = 1\r\n# about f\r\ndef f(): ...\r\n";
        let at = comments_above(text, TextSize::new(text.find("def").unwrap() as u32));
        assert!(text[at.to_usize()..].starts_with("# about f"));
        assert_eq!(comments_above("def f(): ...\n", TextSize::new(0)), TextSize::new(0));
    }
}

//! Small changes of code that a good test notices.
//!
//! A mutant is the text with one such change: a comparison turned round, a number one larger, a function that does nothing.
//! Code that keeps passing its tests whatever is changed in it has tests that say nothing. The mutants of a text are always the
//! same, those that change most come first, and each of them parses.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use syntax::ast::helpers::is_docstring_stmt;
use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{BoolOp, CmpOp, Expr, Number, Operator, Stmt, StmtFunctionDef, UnaryOp};
use syntax::{Ranged, TextEdit, TextRange, TextSize, apply_edits, parse};

/// A text with one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    pub edit: TextEdit,
    /// 1-based, of the change.
    pub line: u32,
    /// In a few words: "`<` became `<=`".
    pub what: String,
}

/// The first `most` mutants of the functions that begin inside `range` of `text`. None if there is nothing to change.
pub fn mutants(text: &str, range: TextRange, most: usize) -> Vec<Mutant> {
    let parsed = parse(text);
    if parsed.has_errors() {
        return Vec::new();
    }
    let mut search = Search { text, range, inside: 0, found: Vec::new() };
    search.visit_body(parsed.statements());
    let mut found = search.found;
    // What comes early in the text comes first among those of a kind.
    found.sort_by_key(|(rank, mutant)| (*rank, mutant.edit.range.start()));
    let parses = |mutant: &Mutant| {
        apply_edits(text, std::slice::from_ref(&mutant.edit)).is_ok_and(|text| !parse(&text).has_errors())
    };
    found.into_iter().map(|(_, mutant)| mutant).filter(parses).take(most).collect()
}

/// At most `most` mutants of the function at `range` whose change lies in what was `written`, of as many kinds and lines as there
/// are: a check that looks anywhere notices a function that does nothing, so these come last.
pub(crate) fn spread_mutants(text: &str, range: TextRange, written: &[TextRange], most: usize) -> Vec<Mutant> {
    let parsed = parse(text);
    if parsed.has_errors() {
        return Vec::new();
    }
    let mut search = Search { text, range, inside: 0, found: Vec::new() };
    search.visit_body(parsed.statements());
    let mut found = search.found;
    let is_written = |it: &Mutant| written.iter().any(|range| range.contains_range(it.edit.range));
    let mut seen = BTreeSet::new();
    found.sort_by_key(|(rank, mutant)| (*rank, mutant.edit.range.start()));
    found.retain(|(_, mutant)| {
        let edit = &mutant.edit;
        is_written(mutant) && seen.insert((edit.range.start(), edit.range.end(), edit.text.clone()))
    });
    // By turns: how many of its kind come before it decides.
    let mut of_kind = BTreeMap::<Rank, usize>::new();
    let mut lines = BTreeMap::<u32, usize>::new();
    let mut turns: Vec<_> = found
        .into_iter()
        .map(|(rank, mutant)| {
            let kind = of_kind.entry(rank).or_default();
            let line = lines.entry(mutant.line).or_default();
            let turn = (rank == Rank::Body, *kind + *line, rank);
            (*kind, *line) = (*kind + 1, *line + 1);
            (turn, mutant)
        })
        .collect();
    turns.sort_by_key(|(turn, _)| *turn);
    let parses = |mutant: &Mutant| {
        apply_edits(text, std::slice::from_ref(&mutant.edit)).is_ok_and(|text| !parse(&text).has_errors())
    };
    turns.into_iter().map(|(_, mutant)| mutant).filter(parses).take(most).collect()
}

/// What is changed most comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Body,
    Condition,
    Return,
    Operator,
    Statement,
    Constant,
}

struct Search<'t> {
    text: &'t str,
    range: TextRange,
    /// How many functions of the range are around.
    inside: u32,
    found: Vec<(Rank, Mutant)>,
}

impl Search<'_> {
    fn written(&self, node: &impl Ranged) -> &str {
        &self.text[node.range()]
    }

    fn add(&mut self, rank: Rank, range: TextRange, new: impl Into<String>, what: impl Into<String>) {
        let line = self.text[..range.start().to_usize()].matches('\n').count() as u32 + 1;
        let mutant = Mutant { edit: TextEdit::replace(range, new), line, what: what.into() };
        self.found.push((rank, mutant));
    }

    /// The function with another body: it does nothing and answers with nothing, or with something that is equal to nothing.
    fn body(&mut self, function: &StmtFunctionDef) {
        let is_docstring = function.body.first().is_some_and(is_docstring_stmt);
        let statements = &function.body[usize::from(is_docstring)..];
        let (Some(first), Some(last)) = (statements.first(), statements.last()) else { return };
        let range = TextRange::new(first.start(), last.end());
        let name = function.name.as_str();
        let is_generator = yields(&function.body);
        let empty = if is_generator { "if False: yield" } else { "return None" };
        if self.text[range].trim() != empty && self.text[range].trim() != "pass" {
            self.add(Rank::Body, range, empty, format!("`{name}` does nothing"));
        }
        // A constructor answers with nothing anyway.
        if !is_generator && name != "__init__" {
            self.add(Rank::Body, range, "return object()", format!("`{name}` returns any object"));
        }
    }

    fn negate(&mut self, condition: &Expr) {
        let new = format!("(not ({}))", self.written(condition));
        self.add(Rank::Condition, condition.range(), new, "a condition is turned round");
    }

    /// Replaces the operator that is written between two operands.
    fn operator(&mut self, left: TextSize, right: TextSize, old: &str, new: &str) {
        let between = &self.text[left.to_usize()..right.to_usize()];
        let Some(at) = between.find(old) else { return };
        let range = TextRange::at(left + TextSize::new(at as u32), TextSize::of(old));
        self.add(Rank::Operator, range, new, format!("`{old}` became `{new}`"));
    }
}

impl<'a> Visitor<'a> for Search<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        if let Stmt::FunctionDef(function) = stmt {
            let is_meant = self.inside > 0 || self.range.contains(function.name.start());
            if !is_meant {
                return walk_stmt(self, stmt);
            }
            if self.inside == 0 {
                self.body(function);
            }
            self.inside += 1;
            let defaults = function.parameters.iter_non_variadic_params().filter_map(|it| it.default.as_deref());
            defaults.for_each(|default| self.visit_expr(default));
            let is_docstring = function.body.first().is_some_and(is_docstring_stmt);
            self.visit_body(&function.body[usize::from(is_docstring)..]);
            self.inside -= 1;
            return;
        }
        if self.inside == 0 {
            return walk_stmt(self, stmt);
        }
        match stmt {
            Stmt::Return(it) => {
                if let Some(value) = it.value.as_deref().filter(|value| !value.is_none_literal_expr()) {
                    self.add(Rank::Return, value.range(), "None", format!("`{}` became `None`", self.written(value)));
                }
            }
            Stmt::If(it) => self.negate(&it.test),
            Stmt::While(it) => self.negate(&it.test),
            Stmt::Raise(_) | Stmt::Delete(_) => {
                self.add(Rank::Statement, stmt.range(), "pass", format!("`{}` is gone", self.written(stmt)));
            }
            Stmt::Expr(it) if it.value.is_call_expr() => {
                self.add(Rank::Statement, stmt.range(), "pass", format!("`{}` is gone", self.written(stmt)));
            }
            Stmt::AugAssign(it) => {
                let (old, new) = (it.op.as_str(), other(it.op).as_str());
                self.operator(it.target.end(), it.value.start(), &format!("{old}="), &format!("{new}="));
            }
            // An annotation is no value.
            Stmt::AnnAssign(it) => {
                it.value.iter().for_each(|value| self.visit_expr(value));
                return;
            }
            _ => {}
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if self.inside == 0 {
            return walk_expr(self, expr);
        }
        match expr {
            Expr::Compare(it) => {
                let operands: Vec<&Expr> = std::iter::once(&*it.left).chain(&it.comparators).collect();
                for (op, pair) in it.ops.iter().zip(operands.windows(2)) {
                    self.operator(pair[0].end(), pair[1].start(), op.as_str(), opposite(*op));
                }
            }
            Expr::BoolOp(it) => {
                let (old, new) = match it.op {
                    BoolOp::And => ("and", "or"),
                    BoolOp::Or => ("or", "and"),
                };
                it.values.windows(2).for_each(|pair| self.operator(pair[0].end(), pair[1].start(), old, new));
            }
            Expr::BinOp(it) => {
                self.operator(it.left.end(), it.right.start(), it.op.as_str(), other(it.op).as_str());
            }
            Expr::UnaryOp(it) if it.op == UnaryOp::Not => {
                let new = format!("bool({})", self.written(&*it.operand));
                self.add(Rank::Condition, it.range(), new, "a `not` is gone");
            }
            Expr::UnaryOp(it) if it.op == UnaryOp::USub => {
                let new = format!("({})", self.written(&*it.operand));
                self.add(Rank::Operator, it.range(), new, "a sign is gone");
            }
            Expr::If(it) => self.negate(&it.test),
            Expr::BooleanLiteral(it) => {
                let (old, new) = if it.value { ("True", "False") } else { ("False", "True") };
                self.add(Rank::Constant, it.range(), new, format!("`{old}` became `{new}`"));
            }
            Expr::NumberLiteral(it) if !matches!(it.value, Number::Complex { .. }) => {
                let old = self.written(it).to_owned();
                let new = match &it.value {
                    Number::Int(value) => {
                        value.as_i64().and_then(|value| value.checked_add(1)).map(|it| it.to_string())
                    }
                    _ => Some(format!("({old} + 1)")),
                };
                if let Some(new) = new {
                    self.add(Rank::Constant, it.range(), new.clone(), format!("`{old}` became `{new}`"));
                }
            }
            Expr::StringLiteral(it) => {
                let new = if it.value.is_empty() { "'x'" } else { "''" };
                self.add(Rank::Constant, it.range(), new, format!("{} became {new}", self.written(it)));
            }
            // Quotes inside of quotes: what is in it is a text to the reader.
            Expr::FString(_) | Expr::TString(_) => return,
            _ => {}
        }
        walk_expr(self, expr);
    }
}

/// Whether a body yields, other than in functions of its own.
fn yields(body: &[Stmt]) -> bool {
    struct Yields(ControlFlow<()>);
    impl<'a> Visitor<'a> for Yields {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            if !matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) {
                walk_stmt(self, stmt);
            }
        }
        fn visit_expr(&mut self, expr: &'a Expr) {
            match expr {
                Expr::Yield(_) | Expr::YieldFrom(_) => self.0 = ControlFlow::Break(()),
                Expr::Lambda(_) => {}
                _ => walk_expr(self, expr),
            }
        }
    }
    let mut search = Yields(ControlFlow::Continue(()));
    search.visit_body(body);
    search.0.is_break()
}

fn opposite(op: CmpOp) -> &'static str {
    match op {
        CmpOp::Eq => "!=",
        CmpOp::NotEq => "==",
        CmpOp::Lt => "<=",
        CmpOp::LtE => "<",
        CmpOp::Gt => ">=",
        CmpOp::GtE => ">",
        CmpOp::Is => "is not",
        CmpOp::IsNot => "is",
        CmpOp::In => "not in",
        CmpOp::NotIn => "in",
    }
}

fn other(op: Operator) -> Operator {
    match op {
        Operator::Add => Operator::Sub,
        Operator::Sub => Operator::Add,
        Operator::Mult | Operator::MatMult => Operator::Add,
        Operator::Div | Operator::FloorDiv | Operator::Pow => Operator::Mult,
        Operator::Mod => Operator::FloorDiv,
        Operator::LShift => Operator::RShift,
        Operator::RShift => Operator::LShift,
        Operator::BitOr | Operator::BitXor => Operator::BitAnd,
        Operator::BitAnd => Operator::BitOr,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of the lines that are changed, in their order.
    fn lines(text: &str) -> Vec<String> {
        let whole = TextRange::up_to(TextSize::of(text));
        let line = |mutant: Mutant| {
            let after = apply_edits(text, &[mutant.edit]).unwrap();
            let changed = after.lines().zip(text.lines()).find(|(new, old)| new != old).map(|(new, _)| new);
            changed.unwrap_or("(lines are gone)").trim().to_owned()
        };
        mutants(text, whole, 100).into_iter().map(line).collect()
    }

    #[test]
    fn each_kind_of_change_the_largest_first() {
        let text = "\
def f(a, b=1):
    '''Say 3.'''
    if a < b and a:
        raise ValueError(a)
    a += 2
    log(a)
    return -a * b
";
        assert_eq!(
            lines(text),
            [
                "return None",
                "return object()",
                "if (not (a < b and a)):",
                "return None",
                "if a <= b and a:",
                "if a < b or a:",
                "a -= 2",
                "return (a) * b",
                "return -a + b",
                "pass",
                "pass",
                "def f(a, b=2):",
                "a += 3",
            ]
        );
    }

    #[test]
    fn comparisons_and_constants() {
        let of = |expression: &str| lines(&format!("def f(a, b):\n    x = {expression}\n"))[2..].to_vec();
        assert_eq!(of("a is not b"), ["x = a is b"]);
        assert_eq!(of("a not  in b"), [] as [&str; 0]);
        assert_eq!(of("0 <= a == b"), ["x = 0 < a == b", "x = 0 <= a != b", "x = 1 <= a == b"]);
        assert_eq!(of("not a"), ["x = bool(a)"]);
        assert_eq!(of("'text' + ''"), ["x = 'text' - ''", "x = '' + ''", "x = 'text' + 'x'"]);
        assert_eq!(
            of("1.5 if a else True"),
            ["x = 1.5 if (not (a)) else True", "x = (1.5 + 1) if a else True", "x = 1.5 if a else False"]
        );
        assert_eq!(of("f'{a + 1}'"), [] as [&str; 0]);
        assert_eq!(of("1j"), [] as [&str; 0]);
    }

    #[test]
    fn only_functions_inside_the_range_change() {
        let text = "LIMIT = 1\ndef f():\n    return 1\nclass C:\n    limit = 2\n    def __init__(self):\n        self.a = 1\n    def g(self):\n        yield 1\n";
        let all =
            |range: TextRange| mutants(text, range, 100).into_iter().map(|it| (it.line, it.what)).collect::<Vec<_>>();
        let class = text.find("class").unwrap() as u32;
        let found = all(TextRange::new(TextSize::new(class), TextSize::of(text)));
        let expected =
            [(7, "`__init__` does nothing"), (9, "`g` does nothing"), (7, "`1` became `2`"), (9, "`1` became `2`")];
        assert_eq!(found, expected.map(|(line, what)| (line, what.to_owned())));
        assert_eq!(all(TextRange::empty(TextSize::new(0))), []);
        assert_eq!(mutants(text, TextRange::up_to(TextSize::of(text)), 2).len(), 2);
        assert_eq!(mutants("def f(:\n", TextRange::up_to(TextSize::new(8)), 2), []);
    }
}

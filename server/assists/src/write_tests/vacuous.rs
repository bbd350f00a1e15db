//! Tests that cannot fail, as far as their text tells.
//!
//! What only running them with changed code tells, the checks of a proposal find.

use syntax::Ranged;
use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{BoolOp, CmpOp, ExceptHandler, Expr, Stmt, StmtFunctionDef, StmtTry, UnaryOp};

use super::super::reply::dotted;

/// Exceptions by which a failed assertion is caught.
const CATCHING: [&str; 3] = ["AssertionError", "BaseException", "Exception"];

/// Why a test cannot fail, to be read after its name; nothing if it may.
pub(super) fn reason(test: &StmtFunctionDef, text: &str) -> Option<String> {
    let mut search = Search { text, conditions: 0, is_sure: false, conditional: 0, found: None };
    search.visit_body(&test.body);
    let only_perhaps = (search.conditional > 0 && !search.is_sure)
        .then(|| "asserts only under a condition; assert whatever happens".to_owned());
    search.found.or(only_perhaps)
}

struct Search<'t> {
    text: &'t str,
    /// How many conditions are around.
    conditions: u32,
    /// Something is asserted under none.
    is_sure: bool,
    /// What is asserted under one.
    conditional: u32,
    found: Option<String>,
}

impl Search<'_> {
    fn written(&self, node: &impl Ranged) -> &str {
        &self.text[node.range()]
    }

    fn asserted(&mut self) {
        match self.conditions {
            0 => self.is_sure = true,
            _ => self.conditional += 1,
        }
    }

    /// Whether an expression is true whatever the code does.
    fn always(&self, expr: &Expr) -> bool {
        match expr {
            Expr::BooleanLiteral(it) => it.value,
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::BytesLiteral(_) => !self.never(expr),
            Expr::Tuple(it) => !it.elts.is_empty(),
            Expr::List(it) => !it.elts.is_empty(),
            Expr::Set(_) | Expr::Lambda(_) | Expr::Generator(_) | Expr::EllipsisLiteral(_) => true,
            Expr::Dict(it) => !it.items.is_empty(),
            Expr::BoolOp(it) if it.op == BoolOp::Or => it.values.iter().any(|value| self.always(value)),
            Expr::BoolOp(it) => it.values.iter().all(|value| self.always(value)),
            Expr::UnaryOp(it) if it.op == UnaryOp::Not => self.never(&it.operand),
            Expr::Named(it) => self.always(&it.value),
            Expr::If(it) => self.always(&it.body) && self.always(&it.orelse),
            Expr::Compare(it) => {
                let [op] = &*it.ops else { return false };
                let words = |it: &Expr| self.written(it).split_whitespace().collect::<String>();
                let (left, right) = (&*it.left, &it.comparators[0]);
                let is_equal = matches!(op, CmpOp::Eq | CmpOp::Is | CmpOp::LtE | CmpOp::GtE);
                is_equal && words(left) == words(right) || left.is_literal_expr() && right.is_literal_expr()
            }
            Expr::Call(it) => {
                let is_object = |it: &Expr| matches!(it, Expr::Name(name) if name.id.as_str() == "object");
                dotted(&it.func) == "isinstance" && it.arguments.args.get(1).is_some_and(is_object)
            }
            _ => false,
        }
    }

    /// Whether an expression is false whatever the code does.
    fn never(&self, expr: &Expr) -> bool {
        match expr {
            Expr::NoneLiteral(_) => true,
            Expr::BooleanLiteral(it) => !it.value,
            Expr::NumberLiteral(it) => matches!(self.written(it), "0" | "0.0"),
            Expr::StringLiteral(it) => it.value.is_empty(),
            Expr::BytesLiteral(it) => it.value.is_empty(),
            Expr::Tuple(it) => it.elts.is_empty(),
            Expr::List(it) => it.elts.is_empty(),
            Expr::Dict(it) => it.items.is_empty(),
            Expr::UnaryOp(it) if it.op == UnaryOp::Not => self.always(&it.operand),
            _ => false,
        }
    }
}

impl<'a> Visitor<'a> for Search<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Assert(it) => {
                self.asserted();
                if self.always(&it.test) {
                    let why = format!("holds whatever the code does: `assert {}`", self.written(&*it.test));
                    self.found.get_or_insert(why);
                }
            }
            Stmt::Try(it) if catches(it) && has_assertion(&it.body) => {
                self.found.get_or_insert("catches what its own assertions raise".to_owned());
            }
            Stmt::With(it) => {
                let is_net = |expr: &Expr| {
                    let Expr::Call(call) = expr else { return false };
                    let name = dotted(&call.func);
                    let is_it = matches!(name.rsplit('.').next(), Some("suppress" | "raises" | "assertRaises"));
                    is_it && call.arguments.args.iter().any(catches_assertions)
                };
                if it.items.iter().any(|item| is_net(&item.context_expr)) && has_assertion(&it.body) {
                    self.found.get_or_insert("catches what its own assertions raise".to_owned());
                }
            }
            // A nested function is not sure to be called.
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => return,
            _ => {}
        }
        let is_condition = matches!(stmt, Stmt::If(_) | Stmt::While(_) | Stmt::Match(_));
        self.conditions += u32::from(is_condition);
        walk_stmt(self, stmt);
        self.conditions -= u32::from(is_condition);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr
            && is_assertion(&dotted(&call.func))
        {
            self.asserted();
        }
        walk_expr(self, expr);
    }
}

/// Whether a call of this name is an assertion.
fn is_assertion(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    matches!(last, "raises" | "warns" | "fail") || last.starts_with("assert")
}

fn has_assertion(body: &[Stmt]) -> bool {
    struct Has(bool);
    impl<'a> Visitor<'a> for Has {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            self.0 |= stmt.is_assert_stmt();
            walk_stmt(self, stmt);
        }
        fn visit_expr(&mut self, expr: &'a Expr) {
            self.0 |= matches!(expr, Expr::Call(call) if is_assertion(&dotted(&call.func)));
            walk_expr(self, expr);
        }
    }
    let mut has = Has(false);
    has.visit_body(body);
    has.0
}

/// Whether a handler goes on after a failed assertion.
fn catches(it: &StmtTry) -> bool {
    it.handlers.iter().any(|handler| {
        let ExceptHandler::ExceptHandler(handler) = handler;
        let goes_on = !handler.body.iter().any(|stmt| stmt.is_raise_stmt()) && !has_assertion(&handler.body);
        goes_on && handler.type_.as_deref().is_none_or(catches_assertions)
    })
}

fn catches_assertions(caught: &Expr) -> bool {
    match caught {
        Expr::Tuple(it) => it.elts.iter().any(catches_assertions),
        _ => dotted(caught).rsplit('.').next().is_some_and(|name| CATCHING.contains(&name)),
    }
}

/// What puts something else in place of the function or class `name`, which is to be tested: as it is written.
pub(super) fn replaced<'t>(body: &[Stmt], name: &str, text: &'t str) -> Option<&'t str> {
    struct Replaced<'a, 't> {
        name: &'a str,
        text: &'t str,
        found: Option<&'t str>,
    }
    impl<'a> Visitor<'a> for Replaced<'_, '_> {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            if let Stmt::Assign(it) = stmt
                && it.targets.iter().any(|it| matches!(it, Expr::Attribute(it) if it.attr.as_str() == self.name))
            {
                self.found.get_or_insert(&self.text[it.range()]);
            }
            walk_stmt(self, stmt);
        }
        fn visit_expr(&mut self, expr: &'a Expr) {
            if let Expr::Call(call) = expr {
                let function = dotted(&call.func);
                let patches = function.rsplit('.').take(2).any(|part| matches!(part, "patch" | "setattr" | "delattr"));
                let is_named = |it: &Expr| match it {
                    Expr::StringLiteral(it) => it.value.to_str().rsplit('.').next() == Some(self.name),
                    _ => false,
                };
                if patches && call.arguments.args.iter().any(is_named) {
                    self.found.get_or_insert(&self.text[call.range()]);
                }
            }
            walk_expr(self, expr);
        }
    }
    let defines = |stmt: &Stmt| match stmt {
        Stmt::FunctionDef(it) => it.name.as_str() == name,
        Stmt::ClassDef(it) => it.name.as_str() == name,
        _ => false,
    };
    if body.iter().any(defines) {
        return text.lines().find(|line| line.contains(name));
    }
    let mut search = Replaced { name, text, found: None };
    search.visit_body(body);
    search.found
}

#[cfg(test)]
mod tests {
    use syntax::parse;

    use super::*;

    fn of(body: &str) -> Option<String> {
        let text = format!("def test_a(x):\n    {}\n", body.replace('\n', "\n    "));
        let parsed = parse(&text);
        assert!(!parsed.has_errors(), "{text}");
        let Stmt::FunctionDef(test) = &parsed.statements()[0] else { unreachable!() };
        reason(test, &text)
    }

    #[test]
    fn what_holds_whatever_the_code_does() {
        for body in [
            "assert x == x",
            "assert x.a is x . a",
            "assert f(x) == f(x)",
            "assert x == 1 or True",
            "assert True",
            "assert (x == 1, 'a message')",
            "assert [x == 1]",
            "assert 'x == 1'",
            "assert not None",
            "assert not (not 1)",
            "assert 1 < 2",
            "assert (y := 1)",
            "assert lambda: x == 1",
            "assert (x == y for y in [])",
            "assert isinstance(x, object)",
            "assert x == 1\nassert x == 2 or 1",
            "try:\n    assert x == 1\nexcept AssertionError:\n    pass",
            "try:\n    assert x == 1\nexcept:\n    pass",
            "try:\n    assert x == 1\nexcept (ValueError, Exception) as error:\n    print(error)",
            "with contextlib.suppress(AssertionError):\n    assert x == 1",
            "with pytest.raises(AssertionError):\n    assert x == 1",
            "if x:\n    assert x == 1",
            "while x:\n    assert x == 1",
            "match x:\n    case 1: assert x == 1",
            "if x == 2:\n    with pytest.raises(ValueError):\n        f()",
        ] {
            assert!(of(body).is_some(), "{body}");
        }
    }

    #[test]
    fn what_may_fail() {
        for body in [
            "assert x == 1",
            "assert f(x) == f(y)",
            "assert x",
            "assert not x",
            "assert x < x",
            "assert x == 1 or x == 2",
            "assert x == 1 and True",
            "with pytest.raises(ValueError):\n    f()",
            "with pytest.raises(Exception):\n    f()",
            "try:\n    f()\nexcept ValueError:\n    assert x\nassert y",
            "try:\n    f()\nexcept Exception:\n    pass\nassert x",
            "try:\n    assert x\nexcept AssertionError:\n    raise",
            "try:\n    assert x\nexcept AssertionError:\n    pytest.fail('x')",
            "for a, b in [(1, 2)]:\n    assert f(a) == b",
            "if x:\n    y = 1\nassert y == 1",
            "assert (1, x) == (1, 2)",
        ] {
            assert_eq!(of(body), None, "{body}");
        }
    }

    #[test]
    fn what_is_tested_must_not_be_replaced() {
        let of = |text: &str| replaced(parse(text).statements(), "total", text).map(str::to_owned);
        for text in [
            "def test_a(monkeypatch):\n    monkeypatch.setattr(cart, 'total', lambda: 3)\n",
            "def test_a(monkeypatch):\n    monkeypatch.setattr('shop.cart.total', lambda: 3)\n",
            "@mock.patch('shop.cart.total', return_value=3)\ndef test_a(it): pass\n",
            "def test_a():\n    with patch.object(Cart, 'total'): pass\n",
            "def test_a():\n    cart.total = lambda: 3\n",
            "def total(): return 3\ndef test_a(): assert total() == 3\n",
        ] {
            assert!(of(text).is_some(), "{text}");
        }
        for text in [
            "def test_a(monkeypatch):\n    monkeypatch.setattr(cart, 'rate', 3)\n    total = cart.total()\n",
            "@mock.patch('shop.rates.fetch')\ndef test_a(it): assert total() == 3\n",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}

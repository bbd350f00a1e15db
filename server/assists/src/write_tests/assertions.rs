//! What tests assert, and whether later ones assert less.

use rustc_hash::FxHashMap;
use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{Expr, Stmt, StmtFunctionDef, StmtWith};
use syntax::{Ranged, parse};

use super::super::Refusal;
use super::super::reply::{Function, dotted, functions};

/// The tests in `body`.
pub(super) fn tests(body: &[Stmt]) -> Vec<Function<'_>> {
    let is_test = |it: &Function<'_>| {
        let is_nested = it.path.len() > 1 + usize::from(it.class.is_some());
        !is_nested && it.node.name.as_str().starts_with("test")
    };
    functions(body).into_iter().filter(is_test).collect()
}

/// One assertion of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Assertion {
    /// `==`, `assert`, `raises`, `assertEqual`; `case` for one of the values that a test is run with.
    kind: String,
    /// What it is about, as written but for white space.
    subject: String,
    /// The other side, where there is one.
    expected: String,
    /// Nothing around it keeps it from being reached, or from failing.
    is_sure: bool,
}

impl Assertion {
    /// Whether this asserts no less than `other`, what is expected aside.
    fn is_as_strong_as(&self, other: &Assertion) -> bool {
        self.kind == other.kind && self.subject == other.subject && (self.is_sure || !other.is_sure)
    }
}

/// Whether a test asserts anything.
pub(super) fn asserts(test: &StmtFunctionDef, text: &str) -> bool {
    assertions(test, text).iter().any(|it| it.kind != "case")
}

fn assertions(test: &StmtFunctionDef, text: &str) -> Vec<Assertion> {
    let mut search = Search { text, doubts: 0, found: Vec::new() };
    test.decorator_list.iter().for_each(|decorator| search.cases(&decorator.expression));
    search.visit_body(&test.body);
    search.found
}

struct Search<'t> {
    text: &'t str,
    /// How many conditions, loops and handlers are around.
    doubts: u32,
    found: Vec<Assertion>,
}

impl Search<'_> {
    fn written(&self, node: &impl Ranged) -> String {
        self.text[node.range()].split_whitespace().collect()
    }

    fn add(&mut self, kind: impl Into<String>, subject: String, expected: String) {
        self.found.push(Assertion { kind: kind.into(), subject, expected, is_sure: self.doubts == 0 });
    }

    /// What an `assert` asserts.
    fn truth(&mut self, test: &Expr) {
        match test {
            Expr::Compare(compare) if compare.ops.len() == 1 => {
                let kind = compare.ops[0].as_str();
                let (left, right) = (self.written(&*compare.left), self.written(&compare.comparators[0]));
                self.add(kind, left, right);
            }
            // All of them hold.
            Expr::BoolOp(both) if both.op.as_str() == "and" => both.values.iter().for_each(|it| self.truth(it)),
            _ => {
                let subject = self.written(test);
                self.add("assert", subject, String::new());
            }
        }
    }

    /// The values of `@pytest.mark.parametrize`: what is expected comes last, as people write it.
    fn cases(&mut self, decorator: &Expr) {
        let Expr::Call(call) = decorator else { return };
        let rows = match call.arguments.args.get(1) {
            Some(Expr::List(list)) => &list.elts,
            Some(Expr::Tuple(tuple)) => &tuple.elts,
            _ => return,
        };
        if !dotted(&call.func).ends_with("parametrize") {
            return;
        }
        for row in rows {
            let (subject, expected) = match row {
                Expr::Tuple(tuple) if tuple.elts.len() > 1 => {
                    let texts: Vec<String> = tuple.elts.iter().map(|value| self.written(value)).collect();
                    (texts[..texts.len() - 1].join(","), texts[texts.len() - 1].clone())
                }
                _ => (self.written(row), String::new()),
            };
            self.add("case", subject, expected);
        }
    }
}

impl<'a> Visitor<'a> for Search<'_> {
    fn visit_body(&mut self, body: &'a [Stmt]) {
        for stmt in body {
            self.visit_stmt(stmt);
            // What follows is not reached.
            if matches!(stmt, Stmt::Return(_) | Stmt::Raise(_)) {
                break;
            }
        }
    }

    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        let swallows = |with: &StmtWith| {
            let names = with.items.iter().map(|item| dotted(&item.context_expr));
            names.into_iter().any(|name| matches!(name.rsplit('.').next(), Some("raises" | "suppress")))
        };
        let is_doubt = match stmt {
            Stmt::If(_) | Stmt::For(_) | Stmt::While(_) | Stmt::Try(_) | Stmt::Match(_) => true,
            Stmt::With(with) => swallows(with),
            _ => false,
        };
        match stmt {
            Stmt::Assert(assert) => self.truth(&assert.test),
            // A nested function is not sure to be called.
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            Stmt::With(with) => {
                with.items.iter().for_each(|item| self.visit_expr(&item.context_expr));
                self.doubts += u32::from(is_doubt);
                self.visit_body(&with.body);
                self.doubts -= u32::from(is_doubt);
            }
            _ => {
                self.doubts += u32::from(is_doubt);
                walk_stmt(self, stmt);
                self.doubts -= u32::from(is_doubt);
            }
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr {
            let name = dotted(&call.func);
            let last = name.rsplit('.').next().unwrap_or_default();
            if matches!(last, "raises" | "warns" | "fail") || last.starts_with("assert") {
                let argument = |at: usize| call.arguments.args.get(at).map(|it| self.written(it)).unwrap_or_default();
                let (subject, expected) = (argument(0), argument(1));
                self.add(last, subject, expected);
            }
        }
        walk_expr(self, expr);
    }
}

/// What later tests make of those that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retest {
    /// They assert less.
    pub weakened: Option<Refusal>,
    /// They expect something else, a line for each; a person should know.
    pub changed: Vec<String>,
}

/// Compares an answer with an earlier one, some of whose tests failed at an assertion: `failures` say so, with a test's name in
/// backticks each. A failed test stays, and goes on to assert all that it did; only what it expects may be another.
pub fn retest(earlier: &str, failures: &[String], later: &str) -> Retest {
    let (before, after) = (parse(earlier), parse(later));
    let after: FxHashMap<String, &StmtFunctionDef> =
        tests(after.statements()).into_iter().map(|it| (it.path.join("."), it.node)).collect();
    let mut retest = Retest::default();
    let weakened = |message: String| Some(Refusal::Unfit { code: "weakened-test", message });
    for test in tests(before.statements()) {
        let name = test.path.join(".");
        if !failures.iter().any(|failure| failure.contains(&format!("`{name}`"))) {
            continue;
        }
        let Some(now) = after.get(&name) else {
            let message =
                format!("`{name}`, which failed, is gone; keep it, and correct it only if what it expects is wrong");
            retest.weakened = weakened(message);
            return retest;
        };
        let now = assertions(now, later);
        for old in assertions(test.node, earlier) {
            let same: Vec<&Assertion> = now.iter().filter(|new| new.is_as_strong_as(&old)).collect();
            if same.is_empty() {
                let what = [old.subject.as_str(), &old.kind, &old.expected].join(" ");
                retest.weakened = weakened(format!("`{name}`, which failed, no longer asserts `{}`", what.trim()));
                return retest;
            }
            if !same.iter().any(|new| new.expected == old.expected) {
                let Assertion { subject, expected, .. } = &old;
                let now = &same[0].expected;
                retest.changed.push(format!(
                    "which is right: `{name}` first expected `{subject}` to be `{expected}`, which failed; now it expects `{now}`"
                ));
            }
        }
    }
    retest
}

#[cfg(test)]
mod cases {
    use super::*;

    const FIRST: &str = "\
def test_sum():
    assert add(1, 2) == 3
    assert add(0, 0) == 0

def test_other():
    with pytest.raises(ValueError):
        add(None, 1)
";

    fn code(later: &str) -> &'static str {
        let failures = ["`test_sum`: assert 4 == 3".to_owned()];
        retest(FIRST, &failures, later).weakened.map_or("fine", |refusal| refusal.code())
    }

    #[test]
    fn a_test_that_failed_may_not_assert_less() {
        assert_eq!(code(FIRST), "fine");
        assert_eq!(code("def test_other(): assert True\n"), "weakened-test");
        assert_eq!(code(&FIRST.replace("    assert add(1, 2) == 3\n", "")), "weakened-test");
        assert_eq!(code(&FIRST.replace("add(1, 2) == 3", "add(1, 2) != 3")), "weakened-test");
        assert_eq!(code(&FIRST.replace("add(1, 2) == 3", "add(1, 2) in (3, 4)")), "weakened-test");
        assert_eq!(code(&FIRST.replace("add(1, 2) == 3", "add(1, 2)")), "weakened-test");
        // Nor may anything keep it from failing.
        assert_eq!(code(&FIRST.replace("    assert add(1,", "    if False: assert add(1,")), "weakened-test");
        assert_eq!(code(&FIRST.replace("    assert add(1,", "    return\n    assert add(1,")), "weakened-test");
        let swallowed = "    with pytest.raises(AssertionError):\n        assert add(1,";
        assert_eq!(code(&FIRST.replace("    assert add(1,", swallowed)), "weakened-test");
        // The other one did not fail.
        assert_eq!(code(&FIRST.replace("test_other", "test_another")), "fine");
        assert_eq!(code(&FIRST.replace("add(1, 2) == 3", "add(1,  2) == 3 and add(2, 2) == 4")), "fine");
    }

    #[test]
    fn what_is_expected_may_change_and_is_told() {
        let failures = ["`test_sum`: assert 4 == 3".to_owned()];
        let later = FIRST.replace("add(1, 2) == 3", "add(1, 2) == 4");
        let Retest { weakened, changed } = retest(FIRST, &failures, &later);
        assert_eq!(weakened, None);
        assert_eq!(
            changed,
            ["which is right: `test_sum` first expected `add(1,2)` to be `3`, which failed; now it expects `4`"]
        );
    }

    #[test]
    fn cases_of_a_test_may_not_get_fewer() {
        let first = "@pytest.mark.parametrize('a, b', [(1, 2), (3, 4)])\ndef test_a(a, b):\n    assert f(a) == b\n";
        let failures = ["`test_a`: assert 5 == 4".to_owned()];
        let code = |later: &str| retest(first, &failures, later).weakened.map(|refusal| refusal.code());
        assert_eq!(code(first), None);
        assert_eq!(code(&first.replace(", (3, 4)", "")), Some("weakened-test"));
        assert_eq!(code(&first.replace("(3, 4)", "(3, 5)")), None);
    }
}

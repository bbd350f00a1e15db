//! `random` can be predicted from what it gave before; `secrets` cannot.

use ruff_python_ast::AnyNodeRef;
use syntax::ast::{Expr, ExprCall, Number};
use syntax::{Ranged, TextEdit};

use super::site::{Site, fix, is_plain};
use crate::{Applicability, Fix};

pub(super) fn secrets(site: &Site) -> Option<Fix> {
    let (call, name) = site.call_of(|name| name.starts_with("random."))?;
    let function = name.strip_prefix("random.")?;
    if !is_plain(&call.arguments) {
        return None;
    }
    // What is replaced, and what stands before and after the name of the module instead.
    let (range, before, after) = match function {
        "choice" => (call.func.range(), "", ".choice".to_owned()),
        "getrandbits" => (call.func.range(), "", ".randbits".to_owned()),
        // The generator of the operating system has all other methods.
        "choices" | "sample" | "shuffle" | "random" | "uniform" => {
            (call.func.range(), "", format!(".SystemRandom().{function}"))
        }
        "randint" | "randrange" => {
            let (below, start) = bounds(site, call, function)?;
            match start {
                Some(start) if is_operand(site, call) => (call.range(), "(", format!(".randbelow({below}) + {start})")),
                Some(start) => (call.range(), "", format!(".randbelow({below}) + {start}")),
                None => (call.range(), "", format!(".randbelow({below})")),
            }
        }
        _ => return None,
    };
    if range == call.range() && site.has_comment(range) {
        return None;
    }
    let edits: Vec<TextEdit> = site.with_import("secrets", range, |module| format!("{before}{module}{after}"))?;
    fix("Draw from `secrets`", Applicability::Unsafe, edits)
}

/// Whether an operator next to the call would take a part of what replaces it.
fn is_operand(site: &Site, call: &ExprCall) -> bool {
    let is_it = |side: &Expr| side.range() == call.range();
    site.ancestors().iter().any(|node| match node {
        AnyNodeRef::ExprBinOp(operation) => is_it(&operation.left) || is_it(&operation.right),
        AnyNodeRef::ExprUnaryOp(operation) => is_it(&operation.operand),
        AnyNodeRef::ExprAttribute(attribute) => is_it(&attribute.value),
        AnyNodeRef::ExprSubscript(subscript) => is_it(&subscript.value),
        AnyNodeRef::ExprAwait(_) => true,
        _ => false,
    })
}

/// How many numbers there are, and the first one where it is not zero.
fn bounds(site: &Site, call: &ExprCall, function: &str) -> Option<(String, Option<String>)> {
    if !call.arguments.keywords.is_empty() {
        return None;
    }
    let includes_end = i64::from(function == "randint");
    match &*call.arguments.args {
        [end] if includes_end == 0 => simple(end).then(|| (site.text(end.range()).to_owned(), None)),
        [start, end] if simple(start) && simple(end) => {
            let (first, last) = (site.text(start.range()), site.text(end.range()));
            match (integer(start), integer(end)) {
                (Some(low), Some(high)) => {
                    let count = high.checked_sub(low)?.checked_add(includes_end)?;
                    (count > 0).then(|| (count.to_string(), (low != 0).then(|| first.to_owned())))
                }
                (Some(0), None) => {
                    Some((if includes_end == 1 { format!("{last} + 1") } else { last.to_owned() }, None))
                }
                _ => {
                    let below =
                        if includes_end == 1 { format!("{last} - {first} + 1") } else { format!("{last} - {first}") };
                    Some((below, Some(first.to_owned())))
                }
            }
        }
        _ => None,
    }
}

/// May stand beside an operator as it is.
fn simple(expr: &Expr) -> bool {
    matches!(expr, Expr::Name(_)) || integer(expr).is_some()
}

fn integer(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::NumberLiteral(number) => match &number.value {
            Number::Int(value) => value.as_i64(),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::security::testing::{check, refused};

    fn body(before: &str, after: &str) {
        check(
            "S311",
            &format!("import random\nimport secrets\n{before}\n"),
            &format!("import random\nimport secrets\n{after}\n"),
        );
    }

    #[test]
    fn ranges_are_kept() {
        body("x = $0random.randint(0, 9)$0", "x = secrets.randbelow(10)");
        body("x = $0random.randint(1, 6)$0", "x = secrets.randbelow(6) + 1");
        body("x = $0random.randint(1, 6)$0 * 2", "x = (secrets.randbelow(6) + 1) * 2");
        body("x = f($0random.randint(a, b)$0)", "x = f(secrets.randbelow(b - a + 1) + a)");
        body("x = $0random.randrange(n)$0", "x = secrets.randbelow(n)");
        body("x = $0random.randrange(5, 10)$0", "x = secrets.randbelow(5) + 5");
        body("x = $0random.getrandbits(64)$0", "x = secrets.randbits(64)");
    }

    #[test]
    fn tokens() {
        body(
            "t = ''.join($0random.choice(letters)$0 for _ in range(32))",
            "t = ''.join(secrets.choice(letters) for _ in range(32))",
        );
        body("t = $0random.choices(letters, k=8)$0", "t = secrets.SystemRandom().choices(letters, k=8)");
        check(
            "S311",
            "from random import choice\nx = $0choice(a)$0\n",
            "import secrets\nfrom random import choice\nx = secrets.choice(a)\n",
        );
        check(
            "S311",
            "import random as r\nx = $0r.choice(a)$0\n",
            "import secrets\nimport random as r\nx = secrets.choice(a)\n",
        );
    }

    #[test]
    fn what_is_unclear_is_left() {
        refused("S311", "import random\nx = $0random.randrange(0, 10, 2)$0\n");
        refused("S311", "import random\nx = $0random.randint(f(), 2)$0\n");
        refused("S311", "import random\nx = $0random.randint(9, 2)$0\n");
        refused("S311", "import random\nx = $0random.seed(1)$0\n");
        refused("S311", "import random\nsecrets = load()\nx = $0random.choice(a)$0\n");
        refused("S311", "import random\nx = $0random.randint(  # dice\n    1, 6)$0\n");
    }
}

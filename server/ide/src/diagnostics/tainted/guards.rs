//! Tests after which a value is what the program expects.

use graph::Name;
use syntax::ast::{BoolOp, CmpOp, Expr, ExprCall, Stmt, UnaryOp};

/// Tests deeper than this in `and`, `or` and `not` are not looked into.
const MAX_DEPTH: u32 = 20;

/// The names whose values are checked where `test` holds, or where it does not hold.
pub(super) fn sure(test: &Expr, holds: bool) -> Vec<Name> {
    let mut names = Vec::new();
    collect(test, holds, MAX_DEPTH, &mut names);
    names
}

fn collect(test: &Expr, holds: bool, depth: u32, names: &mut Vec<Name>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match test {
        Expr::UnaryOp(it) if it.op == UnaryOp::Not => collect(&it.operand, !holds, depth, names),
        // Of `a and b` both hold; where it does not, one may.
        Expr::BoolOp(it) if holds == (it.op == BoolOp::And) => {
            it.values.iter().for_each(|value| collect(value, holds, depth, names));
        }
        // `if name and name not in NAMES: return`: an empty name is harmless.
        Expr::BoolOp(it) => {
            let mut parts = it.values.iter().map(|value| {
                let mut found = Vec::new();
                collect(value, holds, depth, &mut found);
                (value, found)
            });
            let found: Vec<(&Expr, Vec<Name>)> = parts.by_ref().collect();
            let checked: Vec<Name> = found.iter().flat_map(|(_, names)| names.iter().copied()).collect();
            let is_about = |(value, found): &(&Expr, Vec<Name>), name: Name| {
                found.contains(&name) || matches!(value, Expr::Name(it) if it.id == name.as_str())
            };
            names.extend(checked.into_iter().filter(|&name| found.iter().all(|part| is_about(part, name))));
        }
        Expr::Compare(it) => {
            let [comparator] = &*it.comparators else { return };
            let Some(op) = it.ops.first() else { return };
            let says_so = match op {
                CmpOp::In | CmpOp::Eq => holds,
                CmpOp::NotIn | CmpOp::NotEq => !holds,
                _ => return,
            };
            // `".." in path`: where it does not hold, somebody has thought of it.
            let is_search =
                matches!(it.left.as_ref(), Expr::StringLiteral(_)) && matches!(op, CmpOp::In | CmpOp::NotIn);
            match (is_search, says_so) {
                (true, false) => names.extend(subject(comparator)),
                (false, true) if !is_nothing(comparator) => names.extend(subject(&it.left)),
                _ => {}
            }
        }
        Expr::Call(call) => {
            let asked = asked(call);
            if let (Some(name), true) = (asked, holds || is_alarm(call)) {
                names.push(name);
            }
        }
        _ => {}
    }
}

/// `None` and empty texts say nothing about other values.
fn is_nothing(value: &Expr) -> bool {
    match value {
        Expr::NoneLiteral(_) => true,
        Expr::StringLiteral(text) => text.value.is_empty(),
        _ => false,
    }
}

/// The name that an expression is about: `name`, `name.lower()`, `os.path.splitext(name)[1]`.
fn subject(expression: &Expr) -> Option<Name> {
    match expression {
        Expr::Name(name) => Some(Name::new(&name.id)),
        Expr::Call(call) => match &*call.func {
            Expr::Attribute(method) if call.arguments.is_empty() => subject(&method.value),
            _ => None,
        },
        _ => None,
    }
}

/// The name that a call asks about, as `name.isdigit()`, `is_safe(name)` and `PATTERN.fullmatch(name)` do.
fn asked(call: &ExprCall) -> Option<Name> {
    let (receiver, function) = match &*call.func {
        Expr::Name(name) => (None, name.id.as_str()),
        Expr::Attribute(method) => (subject(&method.value), method.attr.as_str()),
        _ => return None,
    };
    let own = ["isdigit", "isalnum", "isalpha", "isdecimal", "isnumeric", "isidentifier", "startswith", "endswith"];
    if own.contains(&function) {
        return receiver.filter(|_| function != "endswith");
    }
    let says_nothing = [
        "isinstance",
        "hasattr",
        "len",
        "exists",
        "isfile",
        "isdir",
        "is_file",
        "is_dir",
        "bool",
        "any",
        "callable",
        "get",
        "issubclass",
        "print",
        "getattr",
        "str",
        "open",
        "islink",
    ];
    if says_nothing.contains(&function) {
        return None;
    }
    let mut arguments = call.arguments.args.iter();
    // `re.match(PATTERN, name)`, `path.is_relative_to(base)`
    arguments.find_map(subject).or(receiver.filter(|_| function == "is_relative_to"))
}

/// The names that a statement checks, as `validate_name(name)` does, which raises.
pub(super) fn checked(call: &ExprCall) -> Vec<Name> {
    let function = match &*call.func {
        Expr::Name(name) => name.id.to_lowercase(),
        Expr::Attribute(method) => method.attr.to_lowercase(),
        _ => return Vec::new(),
    };
    let checks = ["validate", "check", "ensure", "verify", "assert", "require"];
    if !checks.iter().any(|word| function.contains(word)) {
        return Vec::new();
    }
    call.arguments.args.iter().filter_map(subject).collect()
}

/// `path.startswith("/")`, `os.path.isabs(path)`: where it does not hold, somebody has thought of it.
fn is_alarm(call: &ExprCall) -> bool {
    let Expr::Attribute(method) = &*call.func else { return false };
    matches!(method.attr.as_str(), "startswith" | "isabs" | "is_absolute" | "search")
}

/// Whether what follows is not reached from the end of `body`.
pub(super) fn leaves(body: &[Stmt]) -> bool {
    ends(body) || matches!(body.last(), Some(Stmt::Continue(_) | Stmt::Break(_)))
}

/// Whether the function is over at the end of `body`.
pub(super) fn ends(body: &[Stmt]) -> bool {
    match body.last() {
        Some(Stmt::Return(_) | Stmt::Raise(_)) => true,
        Some(Stmt::Expr(it)) => match &*it.value {
            Expr::Call(call) => match &*call.func {
                Expr::Name(name) => matches!(name.id.as_str(), "abort" | "exit" | "quit" | "fail"),
                Expr::Attribute(it) => matches!(it.attr.as_str(), "abort" | "exit" | "_exit" | "fail"),
                _ => false,
            },
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnostics::tainted::tests::{check, handler};

    #[test]
    fn tests_that_leave() {
        check(&handler("import os\nif data not in ('a', 'b'):\n    return 'no'\nos.system(data)"));
        check(&handler("import os\nif data not in NAMES:\n    abort(404)\nos.system(data)"));
        check(&handler("import os\nif data != 'a' and data != 'b':\n    raise ValueError\nos.system(data)"));
        check(&handler("import os\nif not data or not data.isalnum():\n    return\nos.system(data)"));
        check(&handler("import os\nif not is_allowed(data): return\nos.system(data)"));
        check(&handler("import re, os\nif not re.fullmatch('[a-z]+', data): return\nos.system(data)"));
        check(&handler("if '..' in data or data.startswith('/'):\n    return\nopen(data)"));
        check(&handler("path = '/data/' + data\nif not path.startswith('/data/'):\n    return\nopen(path)"));
        check(&handler("import os\nassert data in NAMES\nos.system(data)"));
        check(&handler("import os\nvalidate_name(data)\nos.system(data)"));
        check(&handler("import os\nif data in NAMES:\n    pass\nelse:\n    return\nos.system(data)"));
    }

    #[test]
    fn tests_around() {
        check(&handler("import os\nif data in NAMES:\n    os.system(data)\nos.system(data)  #! high"));
        check(&handler("import os\nif data == 'ls':\n    os.system(data)"));
        check(&handler("import os\nos.system(data if data in NAMES else 'ls')"));
        check(&handler("import os\n[os.system(x) for x in data.split() if x in NAMES]"));
        check(&handler("import os\nif data not in NAMES:\n    pass\nelif data:\n    os.system(data)"));
    }

    #[test]
    fn tests_that_say_nothing() {
        check(&handler("import os\nif not data:\n    return\nos.system(data)  #! high"));
        check(&handler("import os\nif data is None or data == '':\n    return\nos.system(data)  #! high"));
        check(&handler("import os\nif data == 'quit':\n    return\nos.system(data)  #! high"));
        check(&handler("import os\nif len(data) > 9:\n    return\nos.system(data)  #! high"));
        check(&handler("import os\nif not isinstance(data, str):\n    return\nos.system(data)  #! high"));
        check(&handler("import os\nif data not in NAMES:\n    print('odd')\nos.system(data)  #! high"));
        check(&handler("import os\nif other not in NAMES:\n    return\nos.system(data)  #! high"));
        check(&handler("import os\nif data in NAMES or other:\n    os.system(data)  #! high"));
        check(&handler("import os\nif other and data not in NAMES:\n    return\nos.system(data)  #! high"));
        check(&handler("import os\nif not os.path.exists(data):\n    return\nopen(data)  #! high"));
    }
}

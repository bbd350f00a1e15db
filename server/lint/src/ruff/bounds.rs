//! What is not linted, because ruff would take too much stack or memory for it.

use std::fmt;

use ruff_python_ast::visitor::source_order::{SourceOrderVisitor, TraversalSignal};
use ruff_python_ast::{AnyNodeRef, ExprContext, ModModule};
use rustc_hash::FxHashMap;

/// Code that nests deeper is not linted: rules walk trees recursively, with much larger frames than the parser.
const MAX_DEPTH: usize = 2_000;

/// Where a name is bound anew, ruff copies the list of all the places that have read it. The number of copies is what may
/// grow with the square of a text, and this many take a tenth of a gigabyte.
const MAX_COPIES: usize = 25_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    Depth,
    /// Too deep even to be parsed.
    Nesting,
    Rebinding,
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Excess::Depth => write!(f, "its code is nested deeper than {MAX_DEPTH} levels"),
            Excess::Nesting => f.write_str("its code is nested deeper than Python accepts"),
            Excess::Rebinding => f.write_str("it binds a name anew and reads it thousands of times; split the file"),
        }
    }
}

pub(super) fn excess(module: &ModModule) -> Option<Excess> {
    let mut bounds = Bounds { depth: 0, copies: 0, scopes: vec![FxHashMap::default()], excess: None };
    bounds.visit_body(&module.body);
    bounds.excess
}

struct Bounds<'a> {
    depth: usize,
    copies: usize,
    /// For each name that a scope binds how often it was read; the module first.
    scopes: Vec<FxHashMap<&'a str, usize>>,
    excess: Option<Excess>,
}

impl<'a> Bounds<'a> {
    fn bind(&mut self, name: &'a str) {
        let Some(scope) = self.scopes.last_mut() else { return };
        self.copies += *scope.entry(name).or_default();
        if self.copies > MAX_COPIES {
            self.excess = Some(Excess::Rebinding);
        }
    }

    fn read(&mut self, name: &str) {
        if let Some(reads) = self.scopes.iter_mut().rev().find_map(|scope| scope.get_mut(name)) {
            *reads += 1;
        }
    }
}

impl<'a> SourceOrderVisitor<'a> for Bounds<'a> {
    fn enter_node(&mut self, node: AnyNodeRef<'a>) -> TraversalSignal {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.excess = Some(Excess::Depth);
        }
        match node {
            AnyNodeRef::StmtFunctionDef(function) => {
                self.bind(&function.name);
                self.scopes.push(FxHashMap::default());
            }
            AnyNodeRef::StmtClassDef(class) => {
                self.bind(&class.name);
                self.scopes.push(FxHashMap::default());
            }
            AnyNodeRef::ExprName(name) if name.ctx == ExprContext::Load => self.read(&name.id),
            AnyNodeRef::ExprName(name) => self.bind(&name.id),
            _ => {}
        }
        if self.excess.is_some() { TraversalSignal::Skip } else { TraversalSignal::Traverse }
    }

    fn leave_node(&mut self, node: AnyNodeRef<'a>) {
        self.depth -= 1;
        if matches!(node, AnyNodeRef::StmtFunctionDef(_) | AnyNodeRef::StmtClassDef(_)) {
            self.scopes.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use syntax::parse;

    use super::*;

    fn found(text: &str) -> Option<Excess> {
        excess(parse(text).module())
    }

    #[test]
    fn only_what_grows_with_the_square_is_too_much() {
        assert_eq!(found(&"x = x\n".repeat(4_000)), None);
        assert_eq!(found(&"x = x\n".repeat(8_000)), Some(Excess::Rebinding));
        assert_eq!(found(&format!("if x: x = 1\n{}", "elif x: x = 1\n".repeat(8_000))), Some(Excess::Rebinding));
        assert_eq!(
            found(&format!("def f():\n{}", "    try: x = x\n    except E: x = x\n".repeat(8_000))),
            Some(Excess::Rebinding)
        );
        // Often bound and often read, but not both, or not in one scope.
        assert_eq!(found(&"x = 1\n".repeat(50_000)), None);
        assert_eq!(found(&format!("x = 1\n{}", "y(x)\n".repeat(50_000))), None);
        assert_eq!(found(&"def f(x):\n    x = x + 1\n    y = x\n    return y\n".repeat(10_000)), None);
        assert_eq!(found(&(0..20_000).map(|n| format!("x{n} = x{n}\n")).collect::<String>()), None);
    }
}

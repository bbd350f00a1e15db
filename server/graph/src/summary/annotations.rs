//! Annotations: what they say about values.

use syntax::Ranged;
use syntax::ast::{self, Expr as Ast};

use super::build::Builder;
use super::{Expr, ExprIndex, Occurs};
use crate::Name;

impl Builder<'_> {
    /// What an annotation says about a value. Names are looked up late, as `from __future__ import annotations` does.
    pub fn annotation(&mut self, annotation: &Ast) -> ExprIndex {
        if self.too_deep() {
            return self.unknown();
        }
        self.depth += 1;
        let index = self.annotation_inner(annotation);
        self.depth -= 1;
        index
    }

    fn annotation_inner(&mut self, annotation: &Ast) -> ExprIndex {
        match annotation {
            Ast::StringLiteral(string) => {
                let literal = string.as_single_part_string();
                match literal.and_then(|literal| syntax::parse_annotation(self.text, literal)) {
                    Some(parsed) => self.annotation(&parsed),
                    None => self.unknown(),
                }
            }
            Ast::BinOp(union) => {
                let parts = vec![self.annotation(&union.left), self.annotation(&union.right)];
                self.union(parts)
            }
            Ast::NoneLiteral(_) => self.builtin("None"),
            Ast::Subscript(subscript) => self.generic(subscript),
            Ast::Name(name) if name.id.as_str() == "Self" => {
                self.late_name(name);
                match self.current_class() {
                    Some(class) => self.push(Expr::SelfInstance(class)),
                    None => self.unknown(),
                }
            }
            other => {
                let class = self.type_expression(other);
                self.push(Expr::InstanceOf(class))
            }
        }
    }

    fn late_name(&mut self, name: &ast::ExprName) -> ExprIndex {
        let index = self.push(Expr::Free { scope: self.scope, name: Name::new(&name.id) });
        self.occurs(name.range(), Occurs::Load(index));
        index
    }

    fn type_expression(&mut self, expression: &Ast) -> ExprIndex {
        match expression {
            Ast::Name(name) => self.late_name(name),
            Ast::Attribute(attribute) => {
                let value = self.type_expression(&attribute.value);
                let index = self.push(Expr::Attribute { value, name: Name::new(&attribute.attr) });
                self.occurs(attribute.attr.range(), Occurs::Load(index));
                index
            }
            other => self.expr(other),
        }
    }

    fn generic(&mut self, subscript: &ast::ExprSubscript) -> ExprIndex {
        let head = match &*subscript.value {
            Ast::Name(name) => name.id.as_str(),
            Ast::Attribute(attribute) => attribute.attr.as_str(),
            _ => "",
        };
        let class = self.type_expression(&subscript.value);
        if head == "Literal" {
            return self.unknown();
        }
        let arguments = match &*subscript.slice {
            Ast::Tuple(tuple) => &tuple.elts[..],
            other => std::slice::from_ref(other),
        };
        if head == "Annotated" {
            arguments.iter().skip(1).for_each(|argument| self.visit(argument));
            // `Annotated[()]` has none.
            return arguments.first().map_or(class, |argument| self.annotation(argument));
        }
        let mut parts: Vec<ExprIndex> = arguments
            .iter()
            .map(|argument| match argument {
                Ast::EllipsisLiteral(_) => self.unknown(),
                Ast::List(list) => {
                    list.elts.iter().for_each(|element| {
                        self.annotation(element);
                    });
                    self.unknown()
                }
                argument => self.annotation(argument),
            })
            .collect();
        let first = parts.first().copied();
        match (head, first) {
            ("Optional" | "Final" | "ClassVar" | "Required" | "NotRequired" | "TypeGuard", Some(first)) => first,
            ("Union", Some(_)) => self.union(parts),
            (
                "list" | "List" | "Sequence" | "MutableSequence" | "Iterable" | "Iterator" | "set" | "Set"
                | "frozenset" | "FrozenSet" | "AbstractSet" | "Collection" | "Generator" | "AsyncIterator"
                | "AsyncIterable" | "AsyncGenerator" | "deque" | "Deque" | "Reversible",
                Some(first),
            ) => self.push(Expr::Sequence(first)),
            ("tuple" | "Tuple", Some(first)) => {
                if matches!(arguments.get(1), Some(Ast::EllipsisLiteral(_))) {
                    self.push(Expr::Sequence(first))
                } else {
                    self.push(Expr::Tuple(parts.into()))
                }
            }
            (
                "dict" | "Dict" | "Mapping" | "MutableMapping" | "defaultdict" | "DefaultDict" | "OrderedDict",
                Some(_),
            ) => match parts.pop() {
                Some(value) => self.push(Expr::Mapping(value)),
                None => self.unknown(),
            },
            ("type" | "Type", Some(first)) => self.push(Expr::ClassOf(first)),
            ("Awaitable" | "Coroutine", Some(_)) => parts.pop().unwrap_or(class),
            ("Callable", _) => match parts.pop() {
                Some(result) => self.push(Expr::Returning(result)),
                None => self.unknown(),
            },
            _ => self.push(Expr::InstanceOf(class)),
        }
    }
}

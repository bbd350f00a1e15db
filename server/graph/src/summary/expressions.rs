//! Expressions: what they mean symbolically.

use syntax::ast::{self, Expr as Ast};
use syntax::{Ranged, TextRange};

use super::build::Builder;
use super::narrowing::Condition;
use super::{Expr, ExprIndex, ImpliedKind, Key, Occurs, fold, text};
use crate::Name;

/// Elements of a list whose places are kept.
const MAX_ELEMENTS: usize = 16;

/// Entries of a dictionary whose keys are kept.
const MAX_ITEMS: usize = 64;

impl Builder<'_> {
    /// Records what is in `expression` and says what it means.
    pub fn expr(&mut self, expression: &Ast) -> ExprIndex {
        if self.too_deep() {
            return self.unknown();
        }
        self.depth += 1;
        let index = self.expr_inner(expression);
        self.depth -= 1;
        index
    }

    /// Records what is in `expression`, whatever it means.
    pub fn visit(&mut self, expression: &Ast) {
        self.expr(expression);
    }

    fn expr_inner(&mut self, expression: &Ast) -> ExprIndex {
        match expression {
            Ast::Name(name) => self.name(name),
            Ast::Attribute(attribute) => {
                let value = self.expr(&attribute.value);
                let name = Name::new(&attribute.attr);
                let expr = match name.as_str() {
                    "__class__" => Expr::ClassOf(value),
                    _ => Expr::Attribute { value, name },
                };
                let index = self.push(expr);
                self.occurs(attribute.attr.range(), Occurs::Load(index));
                if name.as_str() == "exceptions"
                    && let Some(exceptions) = self.exceptions_of(value)
                {
                    return exceptions;
                }
                // `del` has to see the place itself.
                match attribute.ctx.is_del() {
                    true => index,
                    false => self.known_place(expression).unwrap_or_else(|| self.recently(expression, index)),
                }
            }
            Ast::Call(call) => self.call_expr(expression, call),
            Ast::Lambda(lambda) => self.lambda(lambda),
            Ast::If(conditional) => {
                let Condition { when_true, when_false, .. } = self.condition(&conditional.test);
                let then = self.narrowed(&when_true, |builder| builder.expr(&conditional.body));
                let otherwise = self.narrowed(&when_false, |builder| builder.expr(&conditional.orelse));
                self.union(vec![then, otherwise])
            }
            Ast::BoolOp(operation) => self.bool_operation(operation, false).value,
            Ast::Named(named) => {
                let value = self.expr(&named.value);
                self.assign_walrus(&named.target, value);
                value
            }
            Ast::Await(awaited) => {
                let value = self.expr(&awaited.value);
                self.forget_recent();
                let result = self.push(Expr::Awaited(value));
                self.implied(result, awaited.range(), ImpliedKind::Iteration);
                result
            }
            Ast::List(list) if list.elts.len() <= MAX_ELEMENTS && !list.elts.iter().any(Ast::is_starred_expr) => {
                let parts: Box<[_]> = list.elts.iter().map(|element| self.expr(element)).collect();
                self.push(Expr::List(parts.into()))
            }
            Ast::List(ast::ExprList { elts, .. }) | Ast::Set(ast::ExprSet { elts, .. }) => self.sequence(elts),
            Ast::Tuple(tuple) => {
                if tuple.elts.iter().any(Ast::is_starred_expr) {
                    return self.sequence(&tuple.elts);
                }
                let (first, rest) = self.first_elements(&tuple.elts);
                let parts: Vec<_> = first.iter().map(|element| self.expr(element)).collect();
                rest.iter().for_each(|element| self.visit(element));
                self.push(Expr::Tuple(parts.into()))
            }
            Ast::Dict(dict) => {
                let mut items = Vec::new();
                for item in &dict.items {
                    let entry = match &item.key {
                        Some(key) => (self.key(key), self.expr(&item.value)),
                        None => {
                            let other = self.expr(&item.value);
                            (Key::Any, self.push(Expr::Item { value: other, key: Key::Any }))
                        }
                    };
                    items.push(entry);
                }
                // Large tables are data; a few entries show what kind of values they hold.
                items.truncate(MAX_ITEMS);
                self.push(Expr::Dict(items.into()))
            }
            Ast::ListComp(ast::ExprListComp { elt, generators, .. })
            | Ast::SetComp(ast::ExprSetComp { elt, generators, .. })
            | Ast::Generator(ast::ExprGenerator { elt, generators, .. }) => {
                let element = self.comprehension(generators, |builder| builder.expr(elt));
                self.push(Expr::Sequence(element))
            }
            Ast::DictComp(comprehension) => {
                let value = self.comprehension(&comprehension.generators, |builder| {
                    if let Some(key) = &comprehension.key {
                        builder.expr(key);
                    }
                    builder.expr(&comprehension.value)
                });
                self.push(Expr::Mapping(value))
            }
            Ast::Subscript(subscript) => {
                let item = self.subscript(subscript);
                if let Some(folded) = self.folded(expression) {
                    return folded;
                }
                self.known_place(expression).unwrap_or_else(|| self.recently(expression, item))
            }
            Ast::Starred(starred) => {
                let value = self.expr(&starred.value);
                self.iterated(value, starred.value.range())
            }
            Ast::Yield(yielded) => {
                let value = match &yielded.value {
                    Some(value) => self.expr(value),
                    None => self.unknown(),
                };
                self.yields(value);
                self.forget_recent();
                self.push(Expr::Sent(self.symbol))
            }
            Ast::YieldFrom(yielded) => {
                let value = self.expr(&yielded.value);
                let element = self.push(Expr::Element(value));
                self.implied(element, yielded.value.range(), ImpliedKind::Iteration);
                self.yields(element);
                self.forget_recent();
                self.push(Expr::Final(value))
            }
            Ast::StringLiteral(literal) => match text::short_text(literal) {
                Some(text) => self.push(Expr::Constant(Key::Text(Name::new(text)))),
                None => self.folded(expression).unwrap_or_else(|| self.builtin("str")),
            },
            Ast::FString(string) => {
                for element in string.value.elements() {
                    self.interpolation(element);
                }
                if let Some(folded) = self.folded(expression) {
                    return folded;
                }
                self.format(text::f_string_ends(string))
            }
            Ast::TString(string) => {
                for element in string.value.elements() {
                    self.interpolation(element);
                }
                self.unknown()
            }
            Ast::BytesLiteral(_) => self.builtin("bytes"),
            Ast::NumberLiteral(literal) => match text::small_number(literal) {
                Some(number) => self.push(Expr::Constant(Key::Index(number))),
                None => self.builtin("int"),
            },
            Ast::BooleanLiteral(_) => self.builtin("bool"),
            Ast::NoneLiteral(_) => self.builtin("None"),
            Ast::BinOp(operation) => {
                let left = self.expr(&operation.left);
                let right = self.expr(&operation.right);
                if let Some(folded) = self.folded(expression) {
                    return folded;
                }
                if let Some(ends) = text::concatenation_ends(operation) {
                    return self.format(Some(ends));
                }
                let method = Name::new(text::operator_method(operation.op));
                let value = self.push(Expr::Binary { method, left, right });
                let range = TextRange::new(operation.left.end(), operation.right.start());
                self.implied(value, range, ImpliedKind::Operator);
                value
            }
            Ast::UnaryOp(operation) if operation.op == ast::UnaryOp::Not => self.condition(expression).value,
            Ast::UnaryOp(operation) => {
                let value = self.expr(&operation.operand);
                let negated = match (operation.op, self.summary.expr(value)) {
                    (ast::UnaryOp::USub, Expr::Constant(Key::Index(number))) => Some(-number),
                    _ => None,
                };
                if let Some(number) = negated {
                    return self.push(Expr::Constant(Key::Index(number)));
                }
                let method = match operation.op {
                    ast::UnaryOp::UAdd => "__pos__",
                    ast::UnaryOp::Invert => "__invert__",
                    _ => "__neg__",
                };
                let value = self.push(Expr::Unary { method: Name::new(method), value });
                self.implied(value, operation.range(), ImpliedKind::Operator);
                value
            }
            Ast::Compare(comparison) => {
                let mut left = (self.expr(&comparison.left), comparison.left.end());
                for (operator, comparator) in comparison.ops.iter().zip(&comparison.comparators) {
                    let right = self.expr(comparator);
                    let range = TextRange::new(left.1, comparator.start());
                    let operands = match operator {
                        ast::CmpOp::In | ast::CmpOp::NotIn => (right, left.0),
                        _ => (left.0, right),
                    };
                    if let Some(method) = text::comparison_method(*operator) {
                        let method = Name::new(method);
                        let value = self.push(Expr::Binary { method, left: operands.0, right: operands.1 });
                        self.implied(value, range, ImpliedKind::Operator);
                    }
                    left = (right, comparator.end());
                }
                self.builtin("bool")
            }
            Ast::Slice(slice) => {
                let parts = [&slice.lower, &slice.upper, &slice.step];
                parts.into_iter().flatten().for_each(|value| self.visit(value));
                self.unknown()
            }
            Ast::EllipsisLiteral(_) | Ast::IpyEscapeCommand(_) => self.unknown(),
        }
    }

    /// A text that is put together from constants and may be a key.
    pub fn folded(&mut self, expression: &Ast) -> Option<ExprIndex> {
        let text = fold::folded(expression).filter(|text| text::is_key(text))?;
        Some(self.push(Expr::Constant(Key::Text(Name::new(&text)))))
    }

    pub fn builtin(&mut self, name: &str) -> ExprIndex {
        self.push(Expr::Builtin(Name::new(name)))
    }

    fn interpolation(&mut self, element: &ast::InterpolatedStringElement) {
        let ast::InterpolatedStringElement::Interpolation(interpolation) = element else { return };
        let value = self.expr(&interpolation.expression);
        self.implied(value, interpolation.expression.range(), ImpliedKind::Format);
        if let Some(spec) = &interpolation.format_spec {
            spec.elements.iter().for_each(|element| self.interpolation(element));
        }
    }

    fn sequence(&mut self, elements: &[Ast]) -> ExprIndex {
        let parts: Vec<_> = elements.iter().map(|element| self.expr(element)).collect();
        let element = self.union(parts);
        self.push(Expr::Sequence(element))
    }

    fn subscript(&mut self, subscript: &ast::ExprSubscript) -> ExprIndex {
        let value = self.expr(&subscript.value);
        let key = self.key(&subscript.slice);
        let item = self.item(&subscript.slice, value, key);
        self.implied(item, subscript.slice.range(), ImpliedKind::Operator);
        item
    }

    /// `value[slice]`
    pub fn item(&mut self, slice: &Ast, value: ExprIndex, key: Key) -> ExprIndex {
        match slice {
            Ast::Slice(slice) => {
                let ends = text::slice_ends(slice);
                self.push(Expr::Slice { value, ends })
            }
            _ => self.push(Expr::Item { value, key }),
        }
    }

    pub fn format(&mut self, ends: Option<(&str, &str)>) -> ExprIndex {
        match ends {
            Some((prefix, suffix)) => self.push(Expr::Format { prefix: Name::new(prefix), suffix: Name::new(suffix) }),
            None => self.builtin("str"),
        }
    }

    pub fn iterated(&mut self, value: ExprIndex, range: TextRange) -> ExprIndex {
        let element = self.push(Expr::Element(value));
        self.implied(element, range, ImpliedKind::Iteration);
        element
    }
}

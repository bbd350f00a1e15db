//! Expressions.

use graph::Name;
use syntax::ast::{Arguments, BoolOp, Comprehension, Expr, ExprCall, FStringPart, InterpolatedStringElement, Operator};
use syntax::{Ranged, TextRange};

use super::super::code::{Binding, Call, Node, NodeIndex};
use super::super::guards;
use super::Lowering;

/// Deeper expressions are not looked into: code that people write does not nest so.
const MAX_DEPTH: u32 = 100;

/// Longer texts are kept up to here, in bytes: the beginning of a URL or a statement says what it is.
const MAX_LITERAL: usize = 200;

impl Lowering {
    pub(super) fn all<'e>(&mut self, expressions: impl IntoIterator<Item = &'e Expr>) -> Vec<NodeIndex> {
        expressions.into_iter().map(|expression| self.expression(expression)).collect()
    }

    pub(super) fn expression(&mut self, expression: &Expr) -> NodeIndex {
        self.depth += 1;
        let node = if self.depth > MAX_DEPTH { Node::Plain } else { self.node(expression) };
        self.depth -= 1;
        let is_call = matches!(node, Node::Call(_));
        let index = self.add(node, expression.range());
        if let (true, Node::Call(call)) = (is_call, self.code.node(index)) {
            let token = call.token;
            self.code.calls.insert(token, (self.function, index));
        }
        index
    }

    fn node(&mut self, expression: &Expr) -> Node {
        match expression {
            Expr::BoolOp(it) => {
                let values = it.values.iter();
                // `a and b` is `b`, or something false.
                let skipped = if it.op == BoolOp::And { it.values.len().saturating_sub(1) } else { 0 };
                let nodes = self.all(values);
                Node::Choice(nodes[skipped..].to_vec())
            }
            Expr::Named(it) => {
                let value = self.expression(&it.value);
                self.assign(&it.target, value, it.range.end(), false);
                Node::Choice(vec![value])
            }
            Expr::BinOp(it) => {
                let sides = match (&*it.right, it.op) {
                    // Each value of `"… %s … %s" % (a, b)` goes straight into the text.
                    (Expr::Tuple(values), Operator::Mod) => self.all(std::iter::once(&*it.left).chain(&values.elts)),
                    _ => self.all([&*it.left, &*it.right]),
                };
                match it.op {
                    Operator::Add | Operator::Div => Node::Text(sides),
                    // Only a text is formatted, and what is formatted into it does not come first.
                    Operator::Mod | Operator::BitOr => Node::Text(sides),
                    _ => Node::Plain,
                }
            }
            Expr::UnaryOp(it) => {
                self.expression(&it.operand);
                Node::Plain
            }
            Expr::Lambda(it) => {
                let plain = self.add(Node::Plain, it.range);
                let params = it.parameters.iter().flat_map(|parameters| parameters.iter());
                for name in params.map(|param| Name::new(param.name())) {
                    self.scoped(name, plain, it.range);
                }
                self.expression(&it.body);
                Node::Plain
            }
            Expr::If(it) => {
                self.expression(&it.test);
                for (branch, holds) in [(&it.body, true), (&it.orelse, false)] {
                    let sure = guards::sure(&it.test, holds);
                    self.here().guards.extend(sure.into_iter().map(|name| (name, branch.range())));
                }
                Node::Choice(self.all([&*it.body, &*it.orelse]))
            }
            Expr::Dict(it) => Node::Container(self.all(it.items.iter().map(|item| &item.value))),
            Expr::Set(it) => Node::Container(self.all(&it.elts)),
            Expr::List(it) => Node::Container(self.all(&it.elts)),
            Expr::Tuple(it) => Node::Container(self.all(&it.elts)),
            Expr::ListComp(it) => self.comprehension(&it.generators, &it.elt, it.range),
            Expr::SetComp(it) => self.comprehension(&it.generators, &it.elt, it.range),
            Expr::Generator(it) => self.comprehension(&it.generators, &it.elt, it.range),
            Expr::DictComp(it) => self.comprehension(&it.generators, &it.value, it.range),
            Expr::Await(it) => Node::Choice(vec![self.expression(&it.value)]),
            Expr::Yield(it) => {
                if let Some(value) = it.value.as_deref().map(|value| self.expression(value)) {
                    self.here().returns.push(value);
                }
                Node::Plain
            }
            Expr::YieldFrom(it) => {
                let value = self.expression(&it.value);
                self.here().returns.push(value);
                Node::Plain
            }
            Expr::Compare(it) => {
                self.expression(&it.left);
                self.all(&it.comparators);
                Node::Plain
            }
            Expr::Call(it) => self.call(it),
            Expr::FString(it) => {
                let mut parts = Vec::new();
                for part in &it.value {
                    match part {
                        FStringPart::Literal(text) => parts.push(self.add(literal(&text.value), text.range)),
                        FStringPart::FString(text) => {
                            parts.extend(text.elements.iter().map(|element| self.part(element)));
                        }
                    }
                }
                Node::Text(parts)
            }
            Expr::StringLiteral(it) => literal(it.value.to_str()),
            Expr::BytesLiteral(_) => Node::Literal("".into()),
            Expr::BooleanLiteral(it) => Node::Flag(it.value),
            Expr::Attribute(it) => {
                let value = self.expression(&it.value);
                Node::Attribute { value, name: Name::new(&it.attr) }
            }
            Expr::Subscript(it) => {
                self.expression(&it.slice);
                Node::Item(self.expression(&it.value))
            }
            Expr::Starred(it) => Node::Starred(self.expression(&it.value)),
            Expr::Name(it) => Node::Name(Name::new(&it.id)),
            Expr::Slice(it) => {
                self.all([&it.lower, &it.upper, &it.step].into_iter().filter_map(|part| part.as_deref()));
                Node::Plain
            }
            Expr::TString(_)
            | Expr::NumberLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_)
            | Expr::IpyEscapeCommand(_) => Node::Plain,
        }
    }

    fn part(&mut self, element: &InterpolatedStringElement) -> NodeIndex {
        match element {
            InterpolatedStringElement::Literal(it) => self.add(literal(&it.value), it.range),
            InterpolatedStringElement::Interpolation(it) => {
                let value = self.expression(&it.expression);
                // `{price:.2f}` is a number.
                let spec = it.format_spec.iter().flat_map(|spec| &spec.elements);
                let is_number = spec
                    .filter_map(|part| part.as_literal())
                    .any(|part| part.value.ends_with(['d', 'f', 'x', 'X', 'g', 'e', '%', 'b', 'o', 'n']));
                if is_number { self.add(Node::Plain, it.range) } else { value }
            }
        }
    }

    fn scoped(&mut self, name: Name, value: NodeIndex, scope: TextRange) {
        let binding = Binding { value, after: scope.start(), block: scope, scope: Some(scope), is_addition: false };
        self.here().bindings.entry(name).or_default().push(binding);
    }

    fn comprehension(&mut self, generators: &[Comprehension], element: &Expr, range: TextRange) -> Node {
        for generator in generators {
            let values = self.expression(&generator.iter);
            let value = self.add(Node::Element(values), generator.iter.range());
            // The names of the first iterable are those around; the others' may be bound here.
            let mut targets = vec![&generator.target];
            while let Some(target) = targets.pop() {
                match target {
                    Expr::Name(name) => self.scoped(Name::new(&name.id), value, range),
                    Expr::Tuple(it) => targets.extend(&it.elts),
                    Expr::List(it) => targets.extend(&it.elts),
                    Expr::Starred(it) => targets.push(&it.value),
                    _ => {}
                }
            }
            for test in &generator.ifs {
                self.expression(test);
                let sure = guards::sure(test, true);
                self.here().guards.extend(sure.into_iter().map(|name| (name, range)));
            }
        }
        Node::Container(vec![self.expression(element)])
    }

    fn call(&mut self, call: &ExprCall) -> Node {
        let callee = self.expression(&call.func);
        let token = match &*call.func {
            Expr::Attribute(attribute) => attribute.attr.range,
            other => other.range(),
        };
        let Arguments { args, keywords, .. } = &call.arguments;
        let positional = self.all(args);
        let keywords = keywords
            .iter()
            .map(|keyword| (keyword.arg.as_ref().map(|name| Name::new(name)), self.expression(&keyword.value)))
            .collect();
        Node::Call(Box::new(Call { callee, token, positional, keywords }))
    }
}

fn literal(text: &str) -> Node {
    let end = (0..=MAX_LITERAL.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    Node::Literal(text[..end.unwrap_or_default()].into())
}

//! What a text says at the places where the graph has found something.

use std::collections::HashMap;

use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{self, Expr, ExprCall, Stmt};
use syntax::{Parsed, Ranged, TextRange};

/// Calls by their callee's name token, and names that are only compared or written as a type.
pub(super) struct Places<'a> {
    calls: HashMap<TextRange, &'a ExprCall>,
    inert: Vec<TextRange>,
    /// Attributes, with the range of the name.
    pub attributes: Vec<(&'a str, TextRange)>,
    pub strings: Vec<&'a ast::StringLiteral>,
}

impl<'a> Places<'a> {
    pub fn new(parsed: &'a Parsed) -> Self {
        let mut places =
            Places { calls: HashMap::new(), inert: Vec::new(), attributes: Vec::new(), strings: Vec::new() };
        places.visit_body(&parsed.module().body);
        places
    }

    /// The call whose callee's name is at `range`.
    pub fn call(&self, range: TextRange) -> Option<&'a ExprCall> {
        self.calls.get(&range).copied()
    }

    /// Whether what stands at `range` is neither called nor kept there: an annotation, the class of an `isinstance`.
    pub fn is_inert(&self, range: TextRange) -> bool {
        self.inert.iter().any(|inert| inert.contains_range(range))
    }
}

impl<'a> Visitor<'a> for Places<'a> {
    fn visit_annotation(&mut self, annotation: &'a Expr) {
        let calls = self.calls.len();
        walk_expr(self, annotation);
        if self.calls.len() == calls && !annotation.is_call_expr() {
            self.inert.push(annotation.range());
        }
    }

    fn visit_string_literal(&mut self, literal: &'a ast::StringLiteral) {
        self.strings.push(literal);
    }

    fn visit_except_handler(&mut self, handler: &'a ast::ExceptHandler) {
        let ast::ExceptHandler::ExceptHandler(it) = handler;
        self.inert.extend(it.type_.as_deref().map(Ranged::range));
        ast::visitor::walk_except_handler(self, handler);
    }

    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        if let Stmt::Raise(raise) = stmt {
            self.inert.extend(raise.exc.as_deref().filter(|it| !it.is_call_expr()).map(Ranged::range));
        }
        walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Call(call) => {
                let name = match &*call.func {
                    Expr::Attribute(attribute) => attribute.attr.range(),
                    other => other.range(),
                };
                self.calls.insert(name, call);
                if let Expr::Name(name) = &*call.func
                    && matches!(name.id.as_str(), "isinstance" | "issubclass" | "hasattr" | "callable")
                {
                    self.inert.push(call.arguments.range());
                }
                // `sys.modules.get(…)`: the graph follows what is taken out.
                if let Expr::Attribute(method) = &*call.func
                    && matches!(method.attr.as_str(), "get" | "pop" | "setdefault" | "keys")
                {
                    self.inert.extend(name_of(&method.value));
                }
            }
            Expr::Subscript(subscript) => self.inert.extend(name_of(&subscript.value)),
            Expr::Compare(comparison) => {
                let operands = std::iter::once(&*comparison.left).chain(&comparison.comparators);
                self.inert.extend(operands.filter_map(name_of));
            }
            Expr::Attribute(attribute) => self.attributes.push((attribute.attr.as_str(), attribute.attr.range())),
            _ => {}
        }
        walk_expr(self, expr);
    }
}

/// The range of a name or an attribute; what else there is may hold others.
fn name_of(expr: &Expr) -> Option<TextRange> {
    (expr.is_name_expr() || expr.is_attribute_expr()).then(|| expr.range())
}

/// What the mode of an opened file says about writing; `None` where the text does not tell.
pub(super) fn writes(call: &ExprCall) -> Option<bool> {
    let is_mode = |text: &str| text.len() <= 4 && text.chars().all(|c| "rwaxbtU+".contains(c));
    let mode = match call.arguments.find_keyword("mode") {
        Some(keyword) => Some(&keyword.value),
        // A path's own `open` takes the mode first.
        None => {
            let first = call.arguments.args.first().filter(|it| {
                call.func.is_attribute_expr()
                    && it.as_string_literal_expr().is_some_and(|it| is_mode(it.value.to_str()))
            });
            first.or_else(|| call.arguments.args.get(1))
        }
    };
    match mode {
        None => Some(false),
        Some(Expr::StringLiteral(mode)) => Some(mode.value.to_str().contains(['w', 'a', 'x', '+'])),
        Some(_) => None,
    }
}

/// Anything but a literal `False` may be true.
pub(super) fn has_shell(call: &ExprCall) -> bool {
    let shell = call.arguments.find_keyword("shell");
    shell.is_some_and(|keyword| !matches!(&keyword.value, Expr::BooleanLiteral(literal) if !literal.value))
}

/// Whether a document is read by a loader that makes plain data only.
pub(super) fn has_safe_loader(call: &ExprCall, text: &str) -> bool {
    let loader = call.arguments.find_argument_value("Loader", 1);
    loader.is_some_and(|loader| {
        let loader = &text[loader.range()];
        loader.contains("Safe") || loader.contains("BaseLoader")
    })
}

//! The strings of a text with the names that they are given to.

use std::borrow::Cow;

use credential::names::{LOOKUPS, WRAPPERS};
use credential::values::HOLE;
use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{self, CmpOp, Expr, ExprCall, FStringPart, InterpolatedStringElement, Stmt};
use syntax::{Parsed, Ranged, TextRange};

/// A string, bytes or f-string of a text.
pub(super) struct Literal<'a> {
    /// Decoded, implicit concatenation joined, with [`HOLE`] for each interpolated expression.
    pub value: Cow<'a, str>,
    /// From after the first quote to before the last.
    pub content: TextRange,
    /// What it is assigned to, passed as, compared with or the default of.
    pub name: Option<Cow<'a, str>>,
    /// The call or dictionary also names a user, a host or a database.
    pub beside_user: bool,
    pub is_docstring: bool,
}

pub(super) fn literals(parsed: &Parsed) -> Vec<Literal<'_>> {
    let mut collector = Collector { found: Vec::new(), context: Context::default() };
    collector.body(parsed.statements());
    collector.found
}

/// What is known about the next expression.
#[derive(Clone, Default)]
struct Context<'a> {
    name: Option<Cow<'a, str>>,
    beside_user: bool,
    is_docstring: bool,
}

struct Collector<'a> {
    found: Vec<Literal<'a>>,
    context: Context<'a>,
}

/// Methods whose result stands for the string they are called on.
const CONVERSIONS: &[&str] = &["encode", "decode", "strip"];

impl<'a> Collector<'a> {
    fn body(&mut self, body: &'a [Stmt]) {
        if let Some(Stmt::Expr(first)) = body.first()
            && matches!(*first.value, Expr::StringLiteral(_))
        {
            self.given(&first.value, Context { is_docstring: true, ..Context::default() });
            self.visit_body(&body[1..]);
        } else {
            self.visit_body(body);
        }
    }

    /// Visits `value` as something that gets the name of `context`.
    fn given(&mut self, value: &'a Expr, context: Context<'a>) {
        match value {
            Expr::StringLiteral(_) | Expr::BytesLiteral(_) | Expr::FString(_) => {
                let before = std::mem::replace(&mut self.context, context);
                self.visit_expr(value);
                self.context = before;
            }
            Expr::BoolOp(operation) => {
                for value in &operation.values {
                    self.given(value, context.clone());
                }
            }
            Expr::If(conditional) => {
                self.visit_expr(&conditional.test);
                self.given(&conditional.body, context.clone());
                self.given(&conditional.orelse, context);
            }
            Expr::Named(named) => self.given(&named.value, context),
            Expr::Call(call) if let Some(wrapped) = wrapped(call) => {
                self.given(wrapped, context);
                for other in call.arguments.args.iter().filter(|argument| !std::ptr::eq(*argument, wrapped)) {
                    self.visit_expr(other);
                }
            }
            _ => self.visit_expr(value),
        }
    }

    fn named(&mut self, name: Option<Cow<'a, str>>, value: &'a Expr, beside_user: bool) {
        self.given(value, Context { name, beside_user, is_docstring: false });
    }

    fn assigned(&mut self, target: &'a Expr, value: &'a Expr) {
        let (Some(targets), Some(values)) = (elements(target), elements(value)) else {
            return self.named(name_of(target), value, false);
        };
        let beside_user = targets.iter().filter_map(name_of).any(|name| is_user(&name));
        for (index, value) in values.iter().enumerate() {
            let name = if targets.len() == values.len() { name_of(&targets[index]) } else { None };
            self.named(name, value, beside_user);
        }
    }

    fn call(&mut self, call: &'a ExprCall) {
        self.visit_expr(&call.func);
        let function = match &*call.func {
            Expr::Name(name) => name.id.as_str(),
            Expr::Attribute(attribute) => attribute.attr.as_str(),
            _ => "",
        };
        let keywords = &call.arguments.keywords;
        let beside_user =
            keywords.iter().any(|keyword| keyword.arg.as_ref().is_some_and(|name| is_user(name.as_str())));
        let arguments = &call.arguments.args;
        // `getenv("NAME", default)`, and `setattr(object, "name", value)`.
        let first = usize::from(function == "setattr");
        let key = arguments.get(first).and_then(string).filter(|_| LOOKUPS.contains(&function));
        for (index, argument) in arguments.iter().enumerate() {
            match key {
                Some(key) if index == first + 1 => self.named(Some(Cow::Borrowed(key)), argument, false),
                _ => self.visit_expr(argument),
            }
        }
        for keyword in keywords {
            let name = keyword.arg.as_ref().map(|name| name.as_str());
            let name = if name == Some("default") && key.is_some() { key } else { name };
            self.named(name.map(Cow::Borrowed), &keyword.value, beside_user);
        }
    }

    fn push(&mut self, value: Cow<'a, str>, content: TextRange) {
        let Context { name, beside_user, is_docstring } = std::mem::take(&mut self.context);
        self.found.push(Literal { value, content, name, beside_user, is_docstring });
    }
}

impl<'a> Visitor<'a> for Collector<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Assign(assign) => {
                for target in &assign.targets {
                    if !target.is_name_expr() {
                        self.visit_expr(target);
                    }
                }
                // A chain of targets has one value; the last name is as good as any.
                if let Some(target) = assign.targets.last() {
                    self.assigned(target, &assign.value);
                }
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    self.named(name_of(&assign.target), value, false);
                }
            }
            Stmt::FunctionDef(function) => {
                for decorator in &function.decorator_list {
                    self.visit_expr(&decorator.expression);
                }
                self.visit_parameters(&function.parameters);
                self.body(&function.body);
            }
            Stmt::ClassDef(class) => {
                for decorator in &class.decorator_list {
                    self.visit_expr(&decorator.expression);
                }
                if let Some(arguments) = &class.arguments {
                    self.visit_arguments(arguments);
                }
                self.body(&class.body);
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_parameters(&mut self, parameters: &'a ast::Parameters) {
        let beside_user = parameters.iter().any(|parameter| is_user(parameter.name().as_str()));
        for parameter in parameters.iter_non_variadic_params() {
            if let Some(default) = parameter.default() {
                self.named(Some(Cow::Borrowed(parameter.parameter.name.as_str())), default, beside_user);
            }
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::StringLiteral(literal) => {
                let (Some(first), Some(last)) = (literal.value.iter().next(), literal.value.iter().last()) else {
                    return;
                };
                let content = TextRange::new(first.content_range().start(), last.content_range().end());
                self.push(Cow::Borrowed(literal.value.to_str()), content);
            }
            Expr::BytesLiteral(literal) => {
                let (Some(first), Some(last)) = (literal.value.iter().next(), literal.value.iter().last()) else {
                    return;
                };
                let content = TextRange::new(first.content_range().start(), last.content_range().end());
                let bytes: Vec<u8> = literal.value.bytes().collect();
                self.push(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()), content);
            }
            Expr::FString(literal) => {
                self.push(Cow::Owned(joined(literal)), inner_range(literal));
                walk_interpolations(self, literal);
            }
            Expr::Call(call) => {
                self.context = Context::default();
                self.call(call);
            }
            Expr::Named(named) => self.named(name_of(&named.target), &named.value, false),
            Expr::Dict(dict) => {
                let keys = || dict.iter_keys().flatten();
                let beside_user = keys().filter_map(key_name).any(|name| is_user(&name));
                for item in &dict.items {
                    if let Some(key) = &item.key {
                        self.context = Context::default();
                        self.visit_expr(key);
                    }
                    self.named(item.key.as_ref().and_then(key_name), &item.value, beside_user);
                }
            }
            Expr::Compare(compare) if matches!(*compare.ops, [CmpOp::Eq | CmpOp::NotEq]) => {
                let (left, right) = (&*compare.left, &compare.comparators[0]);
                self.named(name_of(right), left, false);
                self.named(name_of(left), right, false);
            }
            _ => {
                self.context = Context::default();
                walk_expr(self, expr);
            }
        }
    }
}

/// Expressions inside an f-string are visited, the literal parts are not: they belong to the whole.
fn walk_interpolations<'a>(collector: &mut Collector<'a>, literal: &'a ast::ExprFString) {
    for element in literal.value.elements() {
        if let InterpolatedStringElement::Interpolation(interpolation) = element {
            collector.context = Context::default();
            collector.visit_expr(&interpolation.expression);
        }
    }
}

fn joined(literal: &ast::ExprFString) -> String {
    let mut value = String::new();
    for part in literal.value.iter() {
        match part {
            FStringPart::Literal(part) => value.push_str(part.as_str()),
            FStringPart::FString(part) => {
                for element in &part.elements {
                    match element {
                        InterpolatedStringElement::Literal(text) => value.push_str(&text.value),
                        InterpolatedStringElement::Interpolation(_) => value.push(HOLE),
                    }
                }
            }
        }
    }
    value
}

/// From the first to the last element, which is the content where there is one part.
fn inner_range(literal: &ast::ExprFString) -> TextRange {
    let content = |part: &FStringPart| match part {
        FStringPart::Literal(part) => Some(part.content_range()),
        FStringPart::FString(part) => match (part.elements.first(), part.elements.last()) {
            (Some(first), Some(last)) => Some(TextRange::new(first.start(), last.end())),
            _ => None,
        },
    };
    let ranges: Vec<TextRange> = literal.value.iter().filter_map(content).collect();
    match (ranges.first(), ranges.last()) {
        (Some(first), Some(last)) => TextRange::new(first.start(), last.end()),
        _ => literal.range(),
    }
}

fn wrapped(call: &ExprCall) -> Option<&Expr> {
    let is_text = |expr: &Expr| matches!(expr, Expr::StringLiteral(_) | Expr::BytesLiteral(_) | Expr::FString(_));
    match &*call.func {
        Expr::Attribute(attribute) if is_text(&attribute.value) => {
            CONVERSIONS.contains(&attribute.attr.as_str()).then_some(&*attribute.value)
        }
        Expr::Name(name) if WRAPPERS.contains(&name.id.as_str()) => call.arguments.args.first(),
        Expr::Attribute(attribute) if WRAPPERS.contains(&attribute.attr.as_str()) => call.arguments.args.first(),
        _ => None,
    }
}

fn elements(expr: &Expr) -> Option<&[Expr]> {
    match expr {
        Expr::Tuple(tuple) => Some(&tuple.elts),
        Expr::List(list) => Some(&list.elts),
        _ => None,
    }
}

fn string(expr: &Expr) -> Option<&str> {
    expr.as_string_literal_expr().map(|literal| literal.value.to_str())
}

/// The name of a target: a variable, an attribute, a key.
fn name_of(expr: &Expr) -> Option<Cow<'_, str>> {
    match expr {
        Expr::Name(name) => Some(Cow::Borrowed(name.id.as_str())),
        Expr::Attribute(attribute) => Some(Cow::Borrowed(attribute.attr.as_str())),
        Expr::Subscript(subscript) => string(&subscript.slice).map(Cow::Borrowed),
        Expr::Call(call) => match (&*call.func, call.arguments.args.first()) {
            // `request.args.get("password") == "…"`.
            (Expr::Attribute(attribute), Some(key)) if attribute.attr.as_str() == "get" => {
                string(key).map(Cow::Borrowed)
            }
            _ => None,
        },
        _ => None,
    }
}

fn key_name(expr: &Expr) -> Option<Cow<'_, str>> {
    match expr {
        Expr::StringLiteral(literal) => Some(Cow::Borrowed(literal.value.to_str())),
        Expr::BytesLiteral(literal) => {
            let bytes: Vec<u8> = literal.value.bytes().collect();
            String::from_utf8(bytes).ok().map(Cow::Owned)
        }
        _ => name_of(expr),
    }
}

fn is_user(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let last = name.rsplit(['_', '-']).next().unwrap_or_default();
    matches!(
        last,
        "user" | "username" | "host" | "hostname" | "login" | "email" | "dbname" | "database" | "dsn" | "uid"
    )
}

//! What is read off a definition's text: docstrings, stubs, complexity.

use syntax::ast::{self, Expr, Stmt};
use syntax::{Ranged, TextRange};

use super::Docstring;

pub(super) fn docstring(body: &[Stmt]) -> Option<Box<Docstring>> {
    let string = leading_string(body)?;
    Some(Box::new(Docstring { range: string.range(), text: clean_doc(string.value.to_str()).into() }))
}

fn leading_string(body: &[Stmt]) -> Option<&ast::ExprStringLiteral> {
    body.first()?.as_expr_stmt()?.value.as_string_literal_expr()
}

/// As `inspect.cleandoc`: the common indentation of all lines but the first goes, and blank lines around.
pub(super) fn clean_doc(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let indent = lines.iter().skip(1).filter(|line| !line.trim().is_empty());
    let indent = indent.map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let mut cleaned: Vec<&str> = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        cleaned.push(if index == 0 { line.trim() } else { line.get(indent..).unwrap_or("").trim_end() });
    }
    cleaned.join("\n").trim_matches('\n').to_owned()
}

/// Whether a body does nothing yet.
pub(super) fn is_stub(body: &[Stmt]) -> bool {
    let body = match leading_string(body) {
        Some(_) => &body[1..],
        None => body,
    };
    body.iter().all(|statement| match statement {
        Stmt::Pass(_) => true,
        Stmt::Expr(statement) => matches!(&*statement.value, Expr::EllipsisLiteral(_)),
        Stmt::Raise(raise) => raise.exc.as_deref().is_some_and(is_not_implemented),
        _ => false,
    })
}

fn is_not_implemented(exception: &Expr) -> bool {
    let exception = match exception {
        Expr::Call(call) => &*call.func,
        other => other,
    };
    matches!(exception, Expr::Name(name) if name.id.as_str() == "NotImplementedError")
}

/// The last part of a decorator's dotted name: `cached_property` in `@functools.cached_property`.
pub(super) fn decorator_name(expression: &Expr) -> &str {
    match expression {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        Expr::Call(call) => decorator_name(&call.func),
        _ => "",
    }
}

/// The name token of what is called.
pub(super) fn callee_range(callee: &Expr) -> TextRange {
    match callee {
        Expr::Attribute(attribute) => attribute.attr.range(),
        other => other.range(),
    }
}

/// Decorators that leave the function as it is and only say something about it.
pub(super) fn is_marker(decorator: &Expr) -> bool {
    !decorator.is_call_expr()
        && matches!(
            decorator_name(decorator),
            "staticmethod"
                | "classmethod"
                | "property"
                | "cached_property"
                | "abstractproperty"
                | "abstractmethod"
                | "setter"
                | "getter"
                | "deleter"
                | "overload"
                | "override"
                | "final"
        )
}

/// From `def`, `class` or `async` to the colon.
pub(super) fn header(start: TextRange, body: &[Stmt], text: &str) -> TextRange {
    let end = body.first().map_or(start.end(), |first| first.start().min(start.end()));
    let before = text[TextRange::new(start.start(), end)].trim_end();
    // Comments between the colon and the body are not part of the header.
    let colon = header_colon(before).unwrap_or(before.len());
    TextRange::at(start.start(), syntax::TextSize::new(colon as u32))
}

/// The end of the colon that closes a header: the first one outside brackets and strings.
fn header_colon(text: &str) -> Option<usize> {
    let mut depth = 0i32;
    let mut quote = None;
    let mut in_comment = false;
    let bytes = text.as_bytes();
    for (index, &byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            (_, b'\n') if in_comment => in_comment = false,
            _ if in_comment => {}
            (None, b'#') => in_comment = true,
            (None, b'\'' | b'"') => quote = Some(byte),
            (Some(open), _) if byte == open && bytes[index - 1] != b'\\' => quote = None,
            (Some(_), _) => {}
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth -= 1,
            (None, b':') if depth == 0 => return Some(index + 1),
            _ => {}
        }
    }
    None
}

/// Marks the ends of a range of several nodes.
pub(super) fn span<T: Ranged>(nodes: &[T]) -> Option<TextRange> {
    Some(TextRange::new(nodes.first()?.start(), nodes.last()?.end()))
}

/// Whether a context manager of this name ends some exceptions, so that its body may be left early.
pub(super) fn swallows(manager: &Expr) -> bool {
    let name = decorator_name(manager);
    matches!(name, "suppress" | "raises" | "ignored") || name.starts_with("assertRaises")
}

/// `Name = Union[A, B]`, `Name = list[A]`
pub(super) fn is_type_alias(value: &Expr) -> bool {
    let Expr::Subscript(subscript) = value else { return false };
    let is_type = matches!(
        decorator_name(&subscript.value),
        "Union"
            | "Optional"
            | "Callable"
            | "Annotated"
            | "List"
            | "Dict"
            | "Tuple"
            | "Set"
            | "Type"
            | "Sequence"
            | "Iterable"
            | "Iterator"
            | "Mapping"
            | "list"
            | "dict"
            | "tuple"
            | "set"
            | "type"
    );
    is_type && !subscript.value.is_call_expr()
}

/// `while True`, `while 1`
pub(super) fn is_always_true(condition: &Expr) -> bool {
    match condition {
        Expr::BooleanLiteral(literal) => literal.value,
        Expr::NumberLiteral(literal) => small_number(literal).is_some_and(|number| number != 0),
        _ => false,
    }
}

/// Calls of built-ins that give a truth value or a number: what decides is no object with a method of its own.
pub(super) fn is_plain_test(call: &ast::ExprCall) -> bool {
    let name = call.func.as_name_expr().map_or("", |name| name.id.as_str());
    matches!(name, "all" | "any" | "bool" | "callable" | "hasattr" | "isinstance" | "issubclass" | "len")
}

/// Longer texts are no names or keys.
const MAX_KEY: usize = 48;

/// A text that may be a key of a dictionary or the name of an attribute.
pub(super) fn short_text(literal: &ast::ExprStringLiteral) -> Option<&str> {
    let text = literal.as_single_part_string()?.as_str();
    is_key(text).then_some(text)
}

/// Whether a text is short and plain enough for a key or a name.
pub(super) fn is_key(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b':');
    text.len() <= MAX_KEY && text.bytes().all(is_plain)
}

pub(super) fn small_number(literal: &ast::ExprNumberLiteral) -> Option<i32> {
    match &literal.value {
        ast::Number::Int(int) => int.as_u64().and_then(|number| i32::try_from(number).ok()),
        _ => None,
    }
}

/// The names in `namedtuple("Point", "x y")`.
pub(super) fn field_names(names: &Expr) -> Option<Vec<&str>> {
    let text = names.as_string_literal_expr()?.as_single_part_string()?.as_str();
    Some(text.split(|c: char| c == ',' || c.is_whitespace()).filter(|name| !name.is_empty()).collect())
}

/// The constant ends of a slice, counted from the start.
pub(super) fn slice_ends(slice: &ast::ExprSlice) -> Option<(u16, Option<u16>)> {
    let end = |end: &Expr| u16::try_from(small_number(end.as_number_literal_expr()?)?).ok();
    if slice.step.is_some() {
        return None;
    }
    let from = slice.lower.as_deref().map_or(Some(0), end)?;
    let to = slice.upper.as_deref().map(end);
    match to {
        Some(None) => None,
        to => Some((from, to.flatten())),
    }
}

/// The fixed beginning and end of `f"visit_{x}"`.
pub(super) fn f_string_ends(string: &ast::ExprFString) -> Option<(&str, &str)> {
    let [ast::FStringPart::FString(part)] = string.value.as_slice() else { return None };
    let literal = |element: &'_ ast::InterpolatedStringElement| match element {
        ast::InterpolatedStringElement::Literal(literal) => literal.value.len(),
        ast::InterpolatedStringElement::Interpolation(_) => 0,
    };
    let (first, last) = (part.elements.first()?, part.elements.last()?);
    if literal(first) + literal(last) == 0 {
        return None;
    }
    let text = |element: &'_ ast::InterpolatedStringElement| element.as_literal().is_some();
    let prefix = if text(first) { &*first.as_literal()?.value } else { "" };
    let suffix = if part.elements.len() > 1 && text(last) { &*last.as_literal()?.value } else { "" };
    name_ends(prefix, suffix)
}

/// `"visit_" + name`, `name + "_test"`, `"visit_%s" % name`.
pub(super) fn concatenation_ends(operation: &ast::ExprBinOp) -> Option<(&str, &str)> {
    let text = |expression: &'_ Expr| expression.is_string_literal_expr();
    match operation.op {
        ast::Operator::Add if text(&operation.left) != text(&operation.right) => {
            let prefix = operation.left.as_string_literal_expr().map_or("", |literal| literal.value.to_str());
            let suffix = operation.right.as_string_literal_expr().map_or("", |literal| literal.value.to_str());
            name_ends(prefix, suffix)
        }
        ast::Operator::Mod => {
            let (prefix, suffix) = operation.left.as_string_literal_expr()?.value.to_str().split_once("%s")?;
            name_ends(prefix, suffix)
        }
        _ => None,
    }
}

/// `"visit_{}".format(name)`
pub(super) fn format_ends(call: &ast::ExprCall) -> Option<(&str, &str)> {
    let attribute = call.func.as_attribute_expr().filter(|attribute| attribute.attr.as_str() == "format")?;
    let template = attribute.value.as_string_literal_expr()?.value.to_str();
    let (prefix, rest) = template.split_once('{')?;
    name_ends(prefix, rest.split_once('}')?.1)
}

/// Ends that can be those of an attribute's name; a few characters at least, or anything would match.
fn name_ends<'a>(prefix: &'a str, suffix: &'a str) -> Option<(&'a str, &'a str)> {
    let is_name = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_name(prefix) && is_name(suffix) && (3..=MAX_KEY).contains(&(prefix.len() + suffix.len())))
        .then_some((prefix, suffix))
}

/// The special method behind a binary operator.
pub(super) fn operator_method(operator: ast::Operator) -> &'static str {
    match operator {
        ast::Operator::Add => "__add__",
        ast::Operator::Sub => "__sub__",
        ast::Operator::Mult => "__mul__",
        ast::Operator::MatMult => "__matmul__",
        ast::Operator::Div => "__truediv__",
        ast::Operator::Mod => "__mod__",
        ast::Operator::Pow => "__pow__",
        ast::Operator::LShift => "__lshift__",
        ast::Operator::RShift => "__rshift__",
        ast::Operator::BitOr => "__or__",
        ast::Operator::BitXor => "__xor__",
        ast::Operator::BitAnd => "__and__",
        ast::Operator::FloorDiv => "__floordiv__",
    }
}

pub(super) fn comparison_method(operator: ast::CmpOp) -> Option<&'static str> {
    Some(match operator {
        ast::CmpOp::Eq => "__eq__",
        ast::CmpOp::NotEq => "__ne__",
        ast::CmpOp::Lt => "__lt__",
        ast::CmpOp::LtE => "__le__",
        ast::CmpOp::Gt => "__gt__",
        ast::CmpOp::GtE => "__ge__",
        ast::CmpOp::In | ast::CmpOp::NotIn => "__contains__",
        ast::CmpOp::Is | ast::CmpOp::IsNot => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_is_cleaned() {
        assert_eq!(clean_doc("One.\n\n    Two.\n      Three.\n    "), "One.\n\nTwo.\n  Three.");
        assert_eq!(clean_doc("\n    Only.\n"), "Only.");
    }

    #[test]
    fn stubs_are_told_from_code() {
        let stub = |text: &str| is_stub(syntax::parse(text).statements());
        assert!(stub("'''Doc.'''\n..."));
        assert!(stub("raise NotImplementedError('later')"));
        assert!(stub("pass"));
        assert!(!stub("return 1"));
        assert!(!stub("raise ValueError"));
    }

    #[test]
    fn headers_end_at_their_colon() {
        for (text, header_text) in [
            ("def f(a: int = {1: 2}[1]) -> str: return ':'", "def f(a: int = {1: 2}[1]) -> str:"),
            ("def f(\n    a, # why: not\n    b=':',\n):\n    pass", "def f(\n    a, # why: not\n    b=':',\n):"),
            ("class C:  # note\n    pass", "class C:"),
        ] {
            let parsed = syntax::parse(text);
            let (range, body) = match &parsed.statements()[0] {
                Stmt::FunctionDef(function) => (function.range(), &function.body[..]),
                Stmt::ClassDef(class) => (class.range(), &class.body[..]),
                _ => unreachable!(),
            };
            assert_eq!(&text[header(range, body, text)], header_text);
        }
    }
}

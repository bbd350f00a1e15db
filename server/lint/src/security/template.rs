//! A text that is put together from literals and values, however it is written: as an f-string, with `+`, `%` or `format`.

use syntax::Ranged;
use syntax::ast::{ConversionFlag, Expr, ExprCall, FStringPart, InterpolatedStringElement, Operator};

use super::site::{Site, is_plain};

/// A piece of the text.
pub(super) enum Part<'a> {
    /// As the program sees it, without escapes.
    Text(String),
    Value(&'a Expr),
}

/// The pieces of what `expr` puts together; a single value where it puts nothing together. `None` where a value is written in a
/// form of its own: `{x:>10}`, `%5d`.
pub(super) fn parts<'a>(expr: &'a Expr) -> Option<Vec<Part<'a>>> {
    let mut parts = Vec::new();
    collect(expr, &mut parts)?;
    let mut joined: Vec<Part<'a>> = Vec::new();
    for part in parts {
        match (joined.last_mut(), part) {
            (Some(Part::Text(before)), Part::Text(text)) => before.push_str(&text),
            (_, part) => joined.push(part),
        }
    }
    Some(joined)
}

/// Whether there is a value, and something around it.
pub(super) fn is_mixed(parts: &[Part<'_>]) -> bool {
    let texts = parts.iter().filter(|part| matches!(part, Part::Text(_))).count();
    texts > 0 && texts < parts.len()
}

fn collect<'a>(expr: &'a Expr, into: &mut Vec<Part<'a>>) -> Option<()> {
    match expr {
        Expr::StringLiteral(literal) => into.push(Part::Text(literal.value.to_str().to_owned())),
        Expr::FString(literal) => {
            for part in literal.value.iter() {
                match part {
                    FStringPart::Literal(text) => into.push(Part::Text(text.value.to_string())),
                    FStringPart::FString(part) => {
                        for element in &part.elements {
                            into.push(element_of(element)?);
                        }
                    }
                }
            }
        }
        Expr::BinOp(operation) if operation.op == Operator::Add => {
            collect(&operation.left, into)?;
            collect(&operation.right, into)?;
        }
        Expr::BinOp(operation) if operation.op == Operator::Mod && operation.left.is_string_literal_expr() => {
            let values = match &*operation.right {
                Expr::Tuple(tuple) => tuple.elts.iter().collect(),
                Expr::Dict(_) => return None,
                single => vec![single],
            };
            filled(operation.left.as_string_literal_expr()?.value.to_str(), percent, &values, into)?;
        }
        Expr::Call(call) => match template_of(call) {
            Some(template) if is_plain(&call.arguments) && call.arguments.keywords.is_empty() => {
                filled(template, brace, &call.arguments.args.iter().collect::<Vec<_>>(), into)?;
            }
            Some(_) => return None,
            None => into.push(Part::Value(expr)),
        },
        other => into.push(Part::Value(other)),
    }
    Some(())
}

fn element_of(element: &InterpolatedStringElement) -> Option<Part<'_>> {
    match element {
        InterpolatedStringElement::Literal(text) => Some(Part::Text(text.value.to_string())),
        InterpolatedStringElement::Interpolation(hole) => {
            let is_plain =
                hole.conversion == ConversionFlag::None && hole.format_spec.is_none() && hole.debug_text.is_none();
            is_plain.then_some(Part::Value(&hole.expression))
        }
    }
}

/// The template of `"…".format(…)`.
fn template_of(call: &ExprCall) -> Option<&str> {
    let function = call.func.as_attribute_expr().filter(|function| function.attr.as_str() == "format")?;
    Some(function.value.as_string_literal_expr()?.value.to_str())
}

/// What stands at the beginning of a template's rest: a character twice, which means one, or the next value.
enum Mark {
    Doubled,
    Next,
}

fn percent(rest: &str) -> Option<Option<Mark>> {
    match rest.strip_prefix('%') {
        None => Some(None),
        Some(rest) if rest.starts_with('%') => Some(Some(Mark::Doubled)),
        Some(rest) => rest.starts_with(['s', 'd']).then_some(Some(Mark::Next)),
    }
}

fn brace(rest: &str) -> Option<Option<Mark>> {
    match rest {
        rest if rest.starts_with("{{") || rest.starts_with("}}") => Some(Some(Mark::Doubled)),
        rest if rest.starts_with("{}") => Some(Some(Mark::Next)),
        rest => (!rest.starts_with(['{', '}'])).then_some(None),
    }
}

/// The pieces of a template, in which every mark is two bytes long and each value is used once.
fn filled<'a>(
    template: &str,
    mark: impl Fn(&str) -> Option<Option<Mark>>,
    values: &[&'a Expr],
    into: &mut Vec<Part<'a>>,
) -> Option<()> {
    let mut values = values.iter();
    let mut text = String::new();
    let mut rest = template;
    while let Some(first) = rest.chars().next() {
        let length = match mark(rest)? {
            None => {
                text.push(first);
                first.len_utf8()
            }
            Some(Mark::Doubled) => {
                text.push(first);
                2
            }
            Some(Mark::Next) => {
                into.push(Part::Text(std::mem::take(&mut text)));
                into.push(Part::Value(values.next()?));
                2
            }
        };
        rest = &rest[length..];
    }
    into.push(Part::Text(text));
    values.next().is_none().then_some(())
}

/// A value as it may stand somewhere else on a line of its own.
pub(super) fn source<'a>(site: &Site<'a>, value: &Expr) -> Option<&'a str> {
    let text = site.text(value.range());
    let is_movable = !text.contains(['\n', '\r']) && !site.has_comment(value.range());
    (is_movable && !value.is_starred_expr() && !value.is_named_expr() && !value.is_generator_expr()).then_some(text)
}

/// The quotes in which a text is written, to write another like it.
pub(super) fn quote_of(site: &Site, expr: &Expr) -> char {
    site.text(expr.range()).chars().find(|c| matches!(c, '"' | '\'')).unwrap_or('"')
}

/// A literal for a text without anything that needs an escape, in these quotes where that works.
pub(super) fn literal(text: &str, quote: char) -> Option<String> {
    if text.contains(|c: char| c == '\\' || c.is_control()) {
        return None;
    }
    [quote, '"', '\''].into_iter().find(|quote| !text.contains(*quote)).map(|quote| format!("{quote}{text}{quote}"))
}

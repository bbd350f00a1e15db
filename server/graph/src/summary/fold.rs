//! Texts that are put together from constants where they stand: `"ev" + "al"`, `"".join(["ev", "al"])`, `"lave"[::-1]`.

use syntax::ast::{self, Expr, Operator};

use super::text::small_number;

/// Expressions that are looked at for one text. What takes more is no name.
const MAX_EXPRESSIONS: u32 = 48;

/// Longer texts are no names; none of the steps makes one that is much longer.
const MAX_LENGTH: usize = 256;

/// The text that an expression is sure to be, as far as its own constants tell.
pub(super) fn folded(expression: &Expr) -> Option<String> {
    Fold { left: MAX_EXPRESSIONS }.text(expression)
}

struct Fold {
    left: u32,
}

impl Fold {
    fn text(&mut self, expression: &Expr) -> Option<String> {
        self.left = self.left.checked_sub(1)?;
        let text = match expression {
            Expr::StringLiteral(literal) => literal.value.to_str().to_owned(),
            Expr::BytesLiteral(literal) => {
                let bytes: Vec<u8> = literal.value.bytes().collect();
                String::from_utf8(bytes).ok()?
            }
            Expr::FString(string) => self.format(string)?,
            Expr::BinOp(operation) => self.operation(operation)?,
            Expr::Subscript(subscript) => self.part(subscript)?,
            Expr::Call(call) => self.call(call)?,
            Expr::Named(named) => self.text(&named.value)?,
            _ => return None,
        };
        (text.len() <= MAX_LENGTH).then_some(text)
    }

    fn texts(&mut self, expressions: &[Expr]) -> Option<Vec<String>> {
        expressions.iter().map(|expression| self.text(expression)).collect()
    }

    fn format(&mut self, string: &ast::ExprFString) -> Option<String> {
        let mut text = String::new();
        for part in string.value.iter() {
            match part {
                ast::FStringPart::Literal(literal) => text.push_str(literal.as_str()),
                ast::FStringPart::FString(part) => {
                    for element in part.elements.iter() {
                        match element {
                            ast::InterpolatedStringElement::Literal(literal) => text.push_str(&literal.value),
                            ast::InterpolatedStringElement::Interpolation(it) if it.format_spec.is_none() => {
                                text.push_str(&self.text(&it.expression)?);
                            }
                            ast::InterpolatedStringElement::Interpolation(_) => return None,
                        }
                    }
                }
            }
        }
        Some(text)
    }

    fn operation(&mut self, operation: &ast::ExprBinOp) -> Option<String> {
        let left = self.text(&operation.left)?;
        match operation.op {
            Operator::Add => Some(left + &self.text(&operation.right)?),
            Operator::Mult => {
                Some(left.repeat(number(&operation.right).filter(|times| (0..=8).contains(times))? as usize))
            }
            Operator::Mod => {
                let values = match &*operation.right {
                    Expr::Tuple(tuple) => self.texts(&tuple.elts)?,
                    value => vec![self.text(value)?],
                };
                let mut parts = left.split("%s");
                let mut text = parts.next()?.to_owned();
                for value in &values {
                    text.push_str(value);
                    text.push_str(parts.next()?);
                }
                (parts.next().is_none() && !text.contains('%')).then_some(text)
            }
            _ => None,
        }
    }

    fn part(&mut self, subscript: &ast::ExprSubscript) -> Option<String> {
        let text: Vec<char> = self.text(&subscript.value)?.chars().collect();
        let Expr::Slice(slice) = &*subscript.slice else {
            let at = number(&subscript.slice)?;
            let at = if at < 0 { at.checked_add(i32::try_from(text.len()).ok()?)? } else { at };
            return text.get(usize::try_from(at).ok()?).map(char::to_string);
        };
        let end = |end: &Option<Box<Expr>>| match end {
            None => Some(None),
            Some(end) => number(end).map(Some),
        };
        let step = end(&slice.step)?.unwrap_or(1);
        let length = i32::try_from(text.len()).ok()?;
        let (first, last) = if step > 0 { (0, length) } else { (length - 1, -1) };
        let bounded = |end: Option<i32>, default: i32| match end {
            None => default,
            Some(end) if end < 0 => (end + length).max(if step > 0 { 0 } else { -1 }),
            Some(end) => end.min(if step > 0 { length } else { length - 1 }),
        };
        let (from, to) = (bounded(end(&slice.lower)?, first), bounded(end(&slice.upper)?, last));
        let size = usize::try_from(step.unsigned_abs()).ok().filter(|size| *size > 0)?;
        let taken = |range: &mut dyn Iterator<Item = i32>| {
            range.step_by(size).filter_map(|at| text.get(usize::try_from(at).ok()?)).collect()
        };
        Some(if step > 0 { taken(&mut (from..to)) } else { taken(&mut (to + 1..from + 1).rev()) })
    }

    fn call(&mut self, call: &ast::ExprCall) -> Option<String> {
        if !call.arguments.keywords.is_empty() {
            return None;
        }
        let arguments = &call.arguments.args;
        let attribute = match &*call.func {
            Expr::Name(name) => {
                return match (name.id.as_str(), &**arguments) {
                    ("chr", [code]) => char::from_u32(u32::try_from(number(code)?).ok()?).map(String::from),
                    ("str", [value]) => self.text(value),
                    ("bytes", [Expr::List(list)]) => self.codes(&list.elts),
                    ("bytes", [Expr::Tuple(tuple)]) => self.codes(&tuple.elts),
                    _ => None,
                };
            }
            Expr::Attribute(attribute) => attribute,
            _ => return None,
        };
        if let (Expr::Name(owner), "fromhex", [text]) = (&*attribute.value, attribute.attr.as_str(), &**arguments) {
            return (owner.id.as_str() == "bytes").then(|| unhex(&self.text(text)?))?;
        }
        let value = self.text(&attribute.value)?;
        match (attribute.attr.as_str(), &**arguments) {
            ("join", [Expr::List(list)]) => Some(self.texts(&list.elts)?.join(&value)),
            ("join", [Expr::Tuple(tuple)]) => Some(self.texts(&tuple.elts)?.join(&value)),
            ("join", [Expr::Call(reversed)]) if is_call_of(reversed, "reversed") => {
                let text = self.text(reversed.arguments.args.first()?)?;
                let parts: Vec<String> = text.chars().rev().map(String::from).collect();
                Some(parts.join(&value))
            }
            ("join", [text]) => Some(self.text(text)?.chars().map(String::from).collect::<Vec<_>>().join(&value)),
            ("replace", [from, to]) => {
                let (from, to) = (self.text(from)?, self.text(to)?);
                (!from.is_empty()).then(|| value.replace(&from, &to))
            }
            ("format", values) => {
                let values = self.texts(values)?;
                let mut text = value;
                for value in &values {
                    text = text.replacen("{}", value, 1);
                }
                (!text.contains(['{', '}'])).then_some(text)
            }
            ("lower" | "casefold", []) => Some(value.to_lowercase()),
            ("upper", []) => Some(value.to_uppercase()),
            ("swapcase", []) => {
                let swapped = |c: char| {
                    if c.is_lowercase() { c.to_uppercase().collect() } else { c.to_lowercase().collect::<String>() }
                };
                Some(value.chars().map(swapped).collect())
            }
            ("strip", []) => Some(value.trim().to_owned()),
            ("removeprefix", [prefix]) => {
                let prefix = self.text(prefix)?;
                Some(value.strip_prefix(&prefix).unwrap_or(&value).to_owned())
            }
            ("removesuffix", [suffix]) => {
                let suffix = self.text(suffix)?;
                Some(value.strip_suffix(&suffix).unwrap_or(&value).to_owned())
            }
            ("encode" | "decode", [] | [Expr::StringLiteral(_)]) if is_plain_encoding(arguments) => Some(value),
            _ => None,
        }
    }

    fn codes(&mut self, codes: &[Expr]) -> Option<String> {
        let code = |code: &Expr| u8::try_from(number(code)?).ok().filter(u8::is_ascii).map(char::from);
        codes.iter().take(MAX_LENGTH).map(code).collect()
    }
}

fn is_call_of(call: &ast::ExprCall, name: &str) -> bool {
    call.func.as_name_expr().is_some_and(|callee| callee.id.as_str() == name)
}

/// `"…".encode("rot13")` is another text.
fn is_plain_encoding(arguments: &[Expr]) -> bool {
    arguments.iter().all(|encoding| {
        let name = encoding.as_string_literal_expr().map(|literal| literal.value.to_str().to_lowercase());
        name.is_some_and(|name| matches!(name.as_str(), "utf-8" | "utf8" | "ascii" | "latin-1" | "latin1"))
    })
}

fn unhex(text: &str) -> Option<String> {
    let digits: Option<Vec<u32>> = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect();
    let digits = digits?;
    let bytes = digits.chunks(2).map(|pair| match *pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()
}

fn number(expression: &Expr) -> Option<i32> {
    match expression {
        Expr::NumberLiteral(literal) => small_number(literal),
        Expr::UnaryOp(operation) if operation.op == ast::UnaryOp::USub => number(&operation.operand)?.checked_neg(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use syntax::ast::Stmt;

    use super::*;

    fn fold(text: &str) -> Option<String> {
        let parsed = syntax::parse(text);
        let [Stmt::Expr(statement)] = parsed.statements() else { panic!("{text}") };
        folded(&statement.value)
    }

    #[test]
    fn constants_are_put_together() {
        for text in [
            "'ev' 'al'",
            "'ev' + 'al'",
            "'e' + 'v' + ('a' + 'l')",
            "''.join(['ev', 'al'])",
            "''.join(('e', 'v', 'a', 'l'))",
            "''.join(reversed('lave'))",
            "'lave'[::-1]",
            "'xevalx'[1:-1]",
            "'exvxaxlx'[::2]",
            "f'{\"ev\"}al'",
            "f'ev' 'al'",
            "'e%sl' % 'va'",
            "'%s%s' % ('ev', 'al')",
            "'{}al'.format('ev')",
            "'ewal'.replace('w', 'v')",
            "'EVAL'.lower()",
            "chr(101) + chr(118) + 'al'",
            "b'eval'.decode()",
            "bytes([101, 118, 97, 108]).decode('ascii')",
            "bytes.fromhex('6576 616c').decode()",
            "'eval2'.removesuffix('2')",
            "'ab'[0].replace('a', 'e') + 'val'",
        ] {
            assert_eq!(fold(text).as_deref(), Some("eval"), "{text}");
        }
    }

    #[test]
    fn what_is_not_constant_is_not_guessed() {
        for text in [
            "x + 'al'",
            "f'{x}al'",
            "'{}{}'.format('ev')",
            "'%d' % 'x'",
            "'%s%s' % 'a'",
            "'eval'.encode('rot13')",
            "'a'.join(x)",
            "'a'[7]",
            "'a' * 1000000",
            "chr(-1)",
            "bytes.fromhex('6')",
            "'abc'[::0]",
        ] {
            assert_eq!(fold(text), None, "{text}");
        }
        let long = vec!["'a'"; 100].join(" + ");
        assert_eq!(fold(&long), None);
    }
}

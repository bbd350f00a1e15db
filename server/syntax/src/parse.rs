//! The Python parser.

use ruff_python_ast::{Expr, ModModule, PySourceType, PythonVersion, Stmt, StringLiteral};
use ruff_python_parser::{
    InterpolatedStringErrorType, LexicalErrorType, Mode, ParseError, ParseErrorType, ParseOptions,
};
use ruff_text_size::{Ranged, TextLen, TextRange, TextSize};

use crate::{nesting, salvage};

/// A mistake in the syntax of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    pub message: String,
    pub range: TextRange,
}

/// The tree of a text, and what was wrong with it. There always is a tree: the parser recovers.
#[derive(Debug)]
pub struct Parsed {
    module: ruff_python_parser::Parsed<ModModule>,
    /// What was wrong before parts of the text were taken out.
    unclosed: Vec<SyntaxError>,
    /// No part of the text was taken out.
    is_whole: bool,
}

/// Syntax of every Python is parsed. What this one, and only some later one, would not understand is noted beside the tree:
/// in `unsupported_syntax_errors` of [`Parsed::verbatim`].
pub const OLDEST: PythonVersion = PythonVersion::PY38;

/// Unclosed strings that are taken out of one text; a text with more of them is not half-typed but something else.
const MAX_UNCLOSED: usize = 4;

/// The same for parts that hide definitions.
const MAX_OBSTACLES: usize = 8;

/// Parses `text`; never fails.
///
/// A string that is just being typed has no end and swallows all that follows. Then the text is parsed without the line
/// on which the string begins, so that the definitions below it are not lost; and without what hides other definitions
/// from the parser. Offsets stay those of `text`.
///
/// What is nested deeper than any Python accepts is taken out before.
pub fn parse(text: &str) -> Parsed {
    let mut left_out = Vec::new();
    let mut patched = String::new();
    for (range, excess) in nesting::excesses(text) {
        if patched.is_empty() {
            text.clone_into(&mut patched);
        }
        stand_in(&mut patched, range);
        left_out.push(SyntaxError { message: excess.message(), range });
    }
    let mut module = parse_module(if patched.is_empty() { text } else { &patched });
    let mut unclosed = Vec::new();
    while let Some(error) = unclosed_string(&module, if patched.is_empty() { text } else { &patched })
        && unclosed.len() < MAX_UNCLOSED
    {
        if patched.is_empty() {
            text.clone_into(&mut patched);
        }
        let start = error.range.start();
        let length = text[start.to_usize()..].find(['\r', '\n']);
        let end = length.map_or(text.text_len(), |length| start + TextSize::new(length as u32));
        blank(&mut patched, TextRange::new(start, end));
        unclosed.push(error);
        module = parse_module(&patched);
    }
    for _ in 0..MAX_OBSTACLES {
        let seen = if patched.is_empty() { text } else { &patched };
        let obstacle = if module.errors().is_empty() { None } else { salvage::obstacle(&module, seen) };
        let Some(obstacle) = obstacle else { break };
        unclosed.extend(module.errors().iter().filter(|error| error.range().start() <= obstacle.end()).map(describe));
        if patched.is_empty() {
            text.clone_into(&mut patched);
        }
        blank(&mut patched, obstacle);
        module = parse_module(&patched);
    }
    unclosed.dedup_by(|one, other| one.range == other.range);
    unclosed.extend(left_out);
    Parsed { module, unclosed, is_whole: patched.is_empty() }
}

/// Parses some lines of `text`, which may be indented, as a text of their own with the offsets that they have in `text`. Statements that are
/// indented stand in an `if` without meaning. `None` where they have mistakes, or have to be read together with what is around them.
pub fn parse_part(text: &str, lines: TextRange) -> Option<Parsed> {
    const AROUND: &str = "if 1:\n";
    let (start, part) = (lines.start().to_usize(), &text[lines]);
    if nesting::is_excessive_however_small(part) {
        return None;
    }
    let around = if part.starts_with([' ', '\t']) { AROUND } else { "" };
    let comment = start.checked_sub(around.len())?;
    let mut padded = String::with_capacity(lines.end().to_usize());
    if let Some(length) = comment.checked_sub(1) {
        padded.push_str(&"#".repeat(length));
        padded.push('\n');
    }
    padded.push_str(around);
    padded.push_str(part);
    let module = parse_module(&padded);
    module.errors().is_empty().then_some(Parsed { module, unclosed: Vec::new(), is_whole: false })
}

fn parse_module(text: &str) -> ruff_python_parser::Parsed<ModModule> {
    let options = ParseOptions::from(PySourceType::Python).with_target_version(OLDEST);
    let parsed = ruff_python_parser::parse_unchecked(text, options).try_into_module();
    // Options from a source type ask for a module, and that is what the parser makes of them.
    parsed.expect("a module")
}

/// Spaces instead of a part of the text; its lines stay.
fn blank(text: &mut String, range: TextRange) {
    let blanked: String =
        text[range].bytes().map(|byte| if matches!(byte, b'\r' | b'\n') { char::from(byte) } else { ' ' }).collect();
    text.replace_range(range.start().to_usize()..range.end().to_usize(), &blanked);
}

/// A triple-quoted string without an end; the range begins with its quotes.
fn unclosed_string(module: &ruff_python_parser::Parsed<ModModule>, text: &str) -> Option<SyntaxError> {
    let is_unclosed = |error: &&ParseError| match &error.error {
        // One that ends with its line swallows nothing.
        ParseErrorType::Lexical(LexicalErrorType::UnclosedStringError) => text[error.range()].contains('\n'),
        ParseErrorType::FStringError(error)
        | ParseErrorType::TStringError(error)
        | ParseErrorType::Lexical(LexicalErrorType::FStringError(error) | LexicalErrorType::TStringError(error)) => {
            matches!(error, InterpolatedStringErrorType::UnterminatedTripleQuotedString)
        }
        _ => false,
    };
    let error = module.errors().iter().find(is_unclosed)?;
    // Of an f-string only the last part is reported.
    let before = &text[..error.end().to_usize()];
    let quotes = ["\"\"\"", "'''"].iter().filter_map(|quotes| before.rfind(quotes)).max();
    let start = quotes.map_or(error.start(), |start| TextSize::new(start as u32).min(error.end()));
    Some(SyntaxError { message: error.error.to_string(), range: TextRange::new(start, error.end()) })
}

fn describe(error: &ParseError) -> SyntaxError {
    SyntaxError { message: error.error.to_string(), range: error.range() }
}

/// Whether parts of a text are left out of what is parsed, because no Python accepts code that is nested so deep. Other parsers
/// should not be given it.
pub fn nests_too_deep(text: &str) -> bool {
    nesting::is_excessive(text, Mode::Module)
}

/// Whether a text is so large that it is looked at for code that is nested too deep. Parts of texts of which only one is are not
/// understood alike.
pub fn is_checked_for_depth(text: &str) -> bool {
    nesting::is_looked_into(text)
}

/// A statement that does nothing instead of those in `range`, which begins with a line.
fn stand_in(text: &mut String, range: TextRange) {
    let indent = text[range].len() - text[range].trim_start_matches([' ', '\t', '\u{c}']).len();
    let start = range.start() + TextSize::new(indent as u32);
    blank(text, TextRange::new(start, range.end()));
    if text[TextRange::new(start, range.end())].starts_with(' ') {
        text.replace_range(start.to_usize()..=start.to_usize(), "0");
    }
}

/// The expression written in the string `literal`, as in `x: "Order"`, with offsets in `text`. `None` when it is not one.
pub fn parse_annotation(text: &str, literal: &StringLiteral) -> Option<Expr> {
    if nesting::is_excessive(&literal.value, Mode::ParenthesizedExpression) {
        return None;
    }
    let parsed = ruff_python_parser::parse_string_annotation(text, literal).ok()?;
    Some(parsed.into_expr())
}

impl Parsed {
    pub fn statements(&self) -> &[Stmt] {
        self.module.suite()
    }

    pub fn module(&self) -> &ModModule {
        self.module.syntax()
    }

    pub fn tokens(&self) -> &ruff_python_ast::token::Tokens {
        self.module.tokens()
    }

    /// The parser's own result, for those who want all of it. `None` when parts of the text were taken out before it was
    /// parsed: then the tree and its tokens are not those of the text.
    pub fn verbatim(&self) -> Option<&ruff_python_parser::Parsed<ModModule>> {
        self.is_whole.then_some(&self.module)
    }

    pub fn has_errors(&self) -> bool {
        !self.unclosed.is_empty() || !self.module.errors().is_empty()
    }

    /// In the order of the text.
    pub fn errors(&self) -> Vec<SyntaxError> {
        let mut errors: Vec<SyntaxError> = self.module.errors().iter().map(describe).collect();
        errors.extend(self.unclosed.iter().cloned());
        errors.sort_by_key(|error| error.range.start());
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_typed_code_keeps_what_follows() {
        let parsed = parse("def f(a, b:\n    pass\n\ndef g():\n    return foo(1,\n\nclass C:\n    pass\n");
        assert!(parsed.has_errors());
        assert!(parsed.statements().iter().any(|s| matches!(s, Stmt::ClassDef(c) if c.name.as_str() == "C")));
    }

    #[test]
    fn an_unclosed_string_swallows_nothing() {
        for string in ["\"\"\"open", "x = '''", "x = f\"\"\"{a} b", "x = b\"\"\"😀", "print(r'''open)"] {
            let text = format!("def f():\n    {string}\n\n\nclass C:\n    def m(self):\n        return 1\n");
            let parsed = parse(&text);
            assert!(parsed.has_errors());
            let class = parsed.statements().iter().find_map(|statement| match statement {
                Stmt::ClassDef(class) => Some(class),
                _ => None,
            });
            let class = class.unwrap_or_else(|| panic!("{string} swallowed the class"));
            assert_eq!(&text[class.name.range()], "C");
        }
    }

    #[test]
    fn an_open_bracket_swallows_no_definition() {
        for open in ["x = {'a': ", "x = {'é': [1, 2,", "return {**a,", "f(a, lambda: {"] {
            let text = format!(
                "def before(): ...\n{open}\n\n@deco\ndef f(a):\n    return a\n\nclass C:\n    def m(self): ...\n"
            );
            let parsed = parse(&text);
            assert!(parsed.has_errors(), "{open}");
            let names: Vec<&str> = parsed
                .statements()
                .iter()
                .filter_map(|statement| match statement {
                    Stmt::FunctionDef(function) => Some(&text[function.name.range()]),
                    Stmt::ClassDef(class) => Some(&text[class.name.range()]),
                    _ => None,
                })
                .collect();
            assert_eq!(names, ["before", "f", "C"], "{open}");
        }
        // What only looks like a definition is none.
        let parsed = parse("x = (\n\"\"\"\ndef f(): ...\n\"\"\"\n");
        assert!(parsed.has_errors());
        assert!(!parsed.statements().iter().any(Stmt::is_function_def_stmt));
    }

    #[test]
    fn only_a_whole_text_has_the_parsers_own_result() {
        assert!(parse("x = 1\n").verbatim().is_some());
        assert!(parse("x = \n").verbatim().is_some());
        assert!(parse("def f():\n    \"\"\"open\n\n\nclass C: ...\n").verbatim().is_none());
        assert!(parse("x = {'a': \n\ndef f(): ...\n").verbatim().is_none());
    }

    #[test]
    fn a_part_stands_where_it_stands() {
        let text = "import os\n\nclass C:\n    def m(self):\n        return é.x\n\nx = 1\n";
        let start = text.find("    def").unwrap();
        let part =
            |end: usize| parse_part(text, TextRange::new(TextSize::new(start as u32), TextSize::new(end as u32)));
        let parsed = part(text.find("x = 1").unwrap()).unwrap();
        let [Stmt::If(around)] = parsed.statements() else { panic!("{:?}", parsed.statements()) };
        let [Stmt::FunctionDef(function)] = &around.body[..] else { panic!("{:?}", around.body) };
        assert_eq!(&text[function.name.range()], "m");
        assert!(text[function.range()].ends_with("return é.x"));
        assert_eq!(part(text.len()).unwrap().statements().len(), 2, "the last line is not part of the block");
        assert!(part(text.find(".x").unwrap() + 1).is_none(), "nothing follows the dot");
    }

    #[test]
    fn errors_say_where() {
        let parsed = parse("x = \n");
        assert_eq!(parsed.errors().len(), 1);
    }
}

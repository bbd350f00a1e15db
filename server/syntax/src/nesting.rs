//! Code that is nested deeper than any Python accepts, found before it is parsed: the parser and whoever walks its tree
//! are recursive, and each level costs them stack and memory, those of f-strings a look at all that is inside as well.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::Mode;
use ruff_python_parser::lexer::{self, Lexer};
use ruff_text_size::{TextRange, TextSize};

/// Brackets in each other, those in f-strings too. CPython's tokenizer refuses more (`MAXLEVEL`).
const MAX_BRACKETS: usize = 200;

/// Operators, calls, attributes and the like in each other. CPython's compiler gives up at some thousands, how many depends
/// on its version.
const MAX_CHAIN: usize = 10_000;

/// What a text must have more of to be looked at: below, no nesting takes stack, memory or time worth mentioning, and
/// nearly all files that people write are below.
const HARMLESS_BRACKETS: usize = 2_000;
const HARMLESS_BYTES: usize = 64 << 10;

/// Statements that are taken out of one text one by one; what follows the last is taken out as a whole.
const MAX_CUTS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    Brackets,
    Chain,
}

impl Excess {
    pub fn message(self) -> String {
        match self {
            Excess::Brackets => format!(
                "more than {MAX_BRACKETS} brackets in each other, which Python refuses; give the inner parts statements of \
                 their own"
            ),
            Excess::Chain => format!(
                "an expression of more than {MAX_CHAIN} parts in each other, which Python refuses; split it into several \
                 statements"
            ),
        }
    }
}

/// What to leave out so that the rest can be parsed, in the order of the text: from the beginning of a statement's first line
/// to the end of the line that goes too far. Nothing in code that a Python runs, and nothing in small texts.
pub(super) fn excesses(text: &str) -> Vec<(TextRange, Excess)> {
    let mut found = Vec::new();
    let mut from = 0;
    while is_excessive(&text[from..], Mode::Module)
        && let Some((excess, statement)) = Scan::new(&text[from..], Mode::Module).excess()
    {
        let rest = &text[from..];
        // The lexer does not tell where its tokens are. What it says of the first lines holds for all that follow.
        let ends: Vec<usize> = rest.match_indices(['\n', '\r']).map(|(at, _)| at + 1).chain([rest.len()]).collect();
        let line = |is_reached: &dyn Fn(&str) -> bool| ends.partition_point(|&end| !is_reached(&rest[..end]));
        let first = line(&|lines| Scan::new(lines, Mode::Module).begun() >= statement);
        let last = line(&|lines| is_excessive(lines, Mode::Module));
        let start = first.checked_sub(1).map_or(0, |before| ends[before]);
        let is_last = found.len() + 1 == MAX_CUTS;
        let end = if is_last { rest.len() } else { ends.get(last).copied().unwrap_or(rest.len()) };
        found.push((TextRange::at(TextSize::new((from + start) as u32), TextSize::new((end - start) as u32)), excess));
        from += end;
    }
    found
}

/// Whether a text on its own is too deep to be parsed.
pub(super) fn is_excessive(text: &str, mode: Mode) -> bool {
    is_looked_into(text) && Scan::new(text, mode).excess().is_some()
}

/// Whether a text is so large that it may be too deep.
pub(super) fn is_looked_into(text: &str) -> bool {
    let brackets = || text.bytes().filter(|byte| matches!(byte, b'(' | b'[' | b'{')).count();
    text.len() > HARMLESS_BYTES || brackets() > HARMLESS_BRACKETS
}

/// Whether a part of a text is too deep, also where the text is so small that nobody would look.
pub(super) fn is_excessive_however_small(part: &str) -> bool {
    Scan::new(part, Mode::Module).excess().is_some()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Statement,
    /// With the token that ends it.
    Bracket(TokenKind),
    /// Of a lambda.
    Parameters,
    Body,
}

/// What one pair of brackets, or a lambda, is made of so far.
struct Level {
    kind: Kind,
    /// Parts in each other of the element that is being read.
    parts: usize,
    /// Parts that all further elements may be in: what is yielded has commas of its own.
    yields: usize,
}

/// Goes through the tokens with an upper bound of how many nodes of the tree lie in each other: each operator counts until
/// its element of a list, or its statement, is over.
struct Scan<'a> {
    lexer: Lexer<'a>,
    /// The statement first.
    levels: Vec<Level>,
    brackets: usize,
    /// The sum over all levels.
    parts: usize,
    is_fresh: bool,
    /// Lines of code that have begun.
    statements: usize,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str, mode: Mode) -> Self {
        let levels = vec![Level { kind: Kind::Statement, parts: 0, yields: 0 }];
        let lexer = lexer::lex(text, mode);
        Scan { lexer, levels, brackets: 0, parts: 0, is_fresh: true, statements: 0 }
    }

    /// The first excess, with the number of the statement that it is in, from 1.
    fn excess(mut self) -> Option<(Excess, usize)> {
        while self.advance() {
            if self.brackets > MAX_BRACKETS {
                return Some((Excess::Brackets, self.statements));
            }
            if self.parts > MAX_CHAIN {
                return Some((Excess::Chain, self.statements));
            }
        }
        None
    }

    /// How many lines of code begin in the text.
    fn begun(mut self) -> usize {
        while self.advance() {}
        self.statements
    }

    /// Takes one token; `false` at the end of the text.
    fn advance(&mut self) -> bool {
        let token = self.lexer.next_token();
        match token {
            TokenKind::EndOfFile => return false,
            TokenKind::NonLogicalNewline | TokenKind::Comment | TokenKind::Indent | TokenKind::Dedent => return true,
            TokenKind::Newline => {
                // The parser looks for the colon of a lambda in the next lines too.
                let open = self.levels.iter().rposition(|level| level.kind == Kind::Parameters);
                self.leave(open.map_or(1, |index| index + 1));
                self.end_element();
                if open.is_none() {
                    self.parts = 0;
                    self.levels[0].yields = 0;
                }
                self.is_fresh = true;
                return true;
            }
            _ => {}
        }
        self.statements += usize::from(std::mem::take(&mut self.is_fresh));
        match token {
            TokenKind::Lpar => self.enter(TokenKind::Rpar),
            TokenKind::Lsqb => self.enter(TokenKind::Rsqb),
            TokenKind::Lbrace => self.enter(TokenKind::Rbrace),
            TokenKind::FStringStart => self.enter(TokenKind::FStringEnd),
            TokenKind::TStringStart => self.enter(TokenKind::TStringEnd),
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace | TokenKind::FStringEnd | TokenKind::TStringEnd => {
                let innermost = self.levels.iter().rposition(|level| matches!(level.kind, Kind::Bracket(_)));
                // The parser passes over one that does not fit and stays where it is.
                if let Some(index) = innermost
                    && self.levels[index].kind == Kind::Bracket(token)
                {
                    self.leave(index);
                }
            }
            TokenKind::Comma => self.end_element(),
            TokenKind::Semi if self.levels.iter().all(|level| matches!(level.kind, Kind::Statement | Kind::Body)) => {
                self.end_element();
            }
            TokenKind::Lambda => {
                self.add_part();
                self.levels.push(Level { kind: Kind::Parameters, parts: 0, yields: 0 });
            }
            TokenKind::Colon => {
                let around = self.levels.iter().rposition(|level| level.kind != Kind::Body);
                if let Some(index) = around
                    && self.levels[index].kind == Kind::Parameters
                {
                    self.leave(index + 1);
                    self.levels[index].kind = Kind::Body;
                }
            }
            // Chains of `and`, of `or` and of comparisons are one node each.
            TokenKind::Dot | TokenKind::ColonEqual | TokenKind::Not | TokenKind::Await | TokenKind::If => {
                self.add_part()
            }
            TokenKind::Yield => {
                self.parts += 1;
                if let Some(level) = self.levels.last_mut() {
                    level.yields += 1;
                }
            }
            token if token.is_arithmetic() || token.is_bitwise_or_shift() => self.add_part(),
            _ => {}
        }
        true
    }

    fn add_part(&mut self) {
        self.parts += 1;
        if let Some(level) = self.levels.last_mut() {
            level.parts += 1;
        }
    }

    fn enter(&mut self, end: TokenKind) {
        self.add_part();
        self.levels.push(Level { kind: Kind::Bracket(end), parts: 0, yields: 0 });
        self.brackets += usize::from(matches!(end, TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace));
    }

    /// Ends all levels but the outer `count`.
    fn leave(&mut self, count: usize) {
        for level in self.levels.drain(count..) {
            self.parts -= level.parts + level.yields;
            let is_bracket = matches!(level.kind, Kind::Bracket(TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace));
            self.brackets -= usize::from(is_bracket);
        }
    }

    /// What follows is beside what came before, and not in it.
    fn end_element(&mut self) {
        let around = self.levels.iter().rposition(|level| level.kind != Kind::Body).unwrap_or(0);
        self.leave(around + 1);
        let level = &mut self.levels[around];
        self.parts -= std::mem::take(&mut level.parts);
    }
}

#[cfg(test)]
mod tests {
    use ruff_python_ast::AnyNodeRef;
    use ruff_python_ast::visitor::source_order::{SourceOrderVisitor, TraversalSignal};

    use super::*;
    use crate::{on_deep_stack, parse};

    /// The most nodes of the tree of `text` in each other.
    fn depth(text: &str) -> usize {
        #[derive(Default)]
        struct Depth {
            now: usize,
            most: usize,
        }
        impl<'a> SourceOrderVisitor<'a> for Depth {
            fn enter_node(&mut self, _: AnyNodeRef<'a>) -> TraversalSignal {
                self.now += 1;
                self.most = self.most.max(self.now);
                TraversalSignal::Traverse
            }
            fn leave_node(&mut self, _: AnyNodeRef<'a>) {
                self.now -= 1;
            }
        }
        let mut depth = Depth::default();
        depth.visit_body(parse(text).statements());
        depth.most
    }

    fn nested(open: &str, inner: &str, close: &str, levels: usize) -> String {
        format!("x = {}{inner}{}\n", open.repeat(levels), close.repeat(levels))
    }

    #[test]
    fn what_python_accepts_is_left_alone() {
        for (open, close) in [("(", ")"), ("[", "]"), ("f(", ")"), ("{1: ", "}"), ("f'{", "}'")] {
            let text = nested(open, "1", close, MAX_BRACKETS).repeat(100);
            assert_eq!(excesses(&text), [], "{open}");
        }
        for part in ["1 + ", "-", "lambda: ", "not ", "1 if 1 else "] {
            assert_eq!(excesses(&nested(part, "1", "", 3_000).repeat(100)), [], "{part}");
        }
        // Beside each other, not in each other.
        for many in ["(a.b(c), -1), ", "lambda a, b=c.d: a + b, ", "{a: b.c + d[e]}, ", "f'{a.b(c)}', ", "a.b: c.d, "] {
            assert_eq!(excesses(&format!("x = [{}]\n", many.repeat(20_000))), [], "{many}");
            assert_eq!(excesses(&format!("f({})\n", many.repeat(20_000))), [], "{many}");
        }
        assert_eq!(excesses(&"x = a.b(c) + d[e]\n".repeat(20_000)), []);
        assert_eq!(excesses(&"x = a.b(c) + d[e]; ".repeat(20_000)), []);
        assert_eq!(excesses(&format!("x = {}\n", "'((((((((((((((((' ".repeat(2_000))), []);
    }

    #[test]
    fn too_much_is_taken_out_with_its_statement() {
        for (open, close) in
            [("(", ")"), ("[\n", "]\n"), ("f(", ")"), ("{1: ", "}"), ("f'{", "}'"), ("f'{x:{", "}}'"), ("(", "")]
        {
            let deep = nested(open, "1", close, HARMLESS_BRACKETS + 1);
            let text = format!("def f():\n    é = 1\n    {deep}    return 1\n\n\ndef g(): ...\n");
            let found = excesses(&text);
            assert!(
                matches!(found[..], [(range, Excess::Brackets)] if text[range].starts_with("    x = ")),
                "{open}: {found:?}"
            );
            let parsed = parse(&text);
            let errors = parsed.errors();
            assert_eq!(errors[0].message, Excess::Brackets.message());
            assert_eq!(errors.len() == 1, close != "]\n", "{open}: {errors:?}");
            let defined = parsed.statements().iter().filter(|it| it.is_function_def_stmt()).count();
            assert_eq!(defined, 2, "{open}");
            assert!(parsed.verbatim().is_none());
        }
        for part in ["1 + ", "-", "lambda: ", "not ", "1 if 1 else ", "lambda a, b: ", "lambda a=lambda b: b, c: "] {
            let text = format!("before = 1\n{}after = 2\n", nested(part, "1", "", HARMLESS_BYTES + 1));
            assert!(matches!(excesses(&text)[..], [(_, Excess::Chain)]), "{part}");
            assert_eq!(parse(&text).statements().len(), 3, "{part}");
        }
        for part in [".b", "()", "[0]", " + 1", " or not 1"] {
            assert!(
                matches!(excesses(&format!("x = a{}\n", part.repeat(HARMLESS_BYTES + 1)))[..], [(_, Excess::Chain)]),
                "{part}"
            );
        }
    }

    #[test]
    fn the_number_of_cuts_is_bounded() {
        let text = nested("(", "1", ")", MAX_BRACKETS + 1).repeat(1_000);
        let found = excesses(&text);
        assert_eq!(found.len(), MAX_CUTS);
        assert_eq!(found.last().unwrap().0.end().to_usize(), text.len());
        assert_eq!(parse(&text).errors().len(), MAX_CUTS);
    }

    /// What the bound is worth depends on it being one, in broken code too.
    #[test]
    fn no_tree_is_deeper_than_what_was_counted() {
        let pieces = [
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "f'{",
            "}'",
            "'",
            "x",
            "1",
            ".",
            "+ ",
            "-",
            "**",
            "~",
            "lambda ",
            ": ",
            ",",
            "not ",
            "if ",
            "else ",
            "await ",
            "=",
            ":=",
            " for x in ",
            "async ",
            "or ",
            "* ",
            "yield ",
            "\n",
            ";",
            "\\\n",
            "match ",
            "case ",
            "def f",
            "class C",
            "    ",
            "@",
            "with ",
            " as ",
            "!r",
            "#",
            "t\"{",
            "}\"",
            "|",
            "->",
            "import ",
            "del ",
            "< ",
            "is ",
        ];
        let mut state = 1_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut deepest = 0;
        for _ in 0..3_000 {
            // Few pieces many times nest deep; the same ones all over do not.
            let few: Vec<&str> = (0..1 + next(5)).map(|_| pieces[next(pieces.len())]).collect();
            let text: String = (0..1_000).map(|_| few[next(few.len())]).collect();
            let cyclic = few.concat().repeat(400);
            for text in [text, cyclic] {
                let found = on_deep_stack(|| depth(&text)).unwrap();
                deepest = deepest.max(found);
                assert!(found <= 40 + 4 * bound(&text), "{found} levels, {} counted: {:.200}", bound(&text), text);
            }
        }
        assert!(deepest > MAX_BRACKETS, "{deepest}");
    }

    /// The most parts that are counted at any place of what is parsed of `text`.
    fn bound(text: &str) -> usize {
        let mut scan = Scan::new(text, Mode::Module);
        let mut most = 0;
        while scan.advance() {
            most = most.max(scan.parts);
        }
        most
    }
}

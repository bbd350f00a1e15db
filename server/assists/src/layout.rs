//! Indentation and line ends: moving code into a text that has its own habits.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use syntax::ast::StmtFunctionDef;
use syntax::ast::token::{TokenKind, Tokens};
use syntax::{LineIndex, Parsed, Ranged, TextRange, TextSize};

/// How the body of a function is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// The white space before each line of the body.
    pub base: String,
    /// What one more level adds.
    pub unit: String,
    pub newline: &'static str,
}

impl Layout {
    /// The layout of the body of `function`, as it is or, where the body stands on the line of `def`, as it would be.
    pub fn of(function: &StmtFunctionDef, parsed: &Parsed, text: &str) -> Layout {
        let own = indent_at(text, function.name.start());
        let body = function.body.first().and_then(|first| own_line_indent(text, first.start()));
        let unit = match body.and_then(|body| body.strip_prefix(own)) {
            Some(unit) if !unit.is_empty() => unit,
            _ => unit(parsed, text),
        };
        let base = body.map_or_else(|| format!("{own}{unit}"), str::to_owned);
        Layout { base, unit: unit.to_owned(), newline: newline(text) }
    }
}

/// How the first line of `text` ends.
pub(super) fn newline(text: &str) -> &'static str {
    match text.find(['\r', '\n']).map(|at| &text[at..]) {
        Some(end) if end.starts_with("\r\n") => "\r\n",
        Some(end) if end.starts_with('\r') => "\r",
        _ => "\n",
    }
}

/// The indentation of the line of `offset`. Python begins to count after a form feed.
pub(super) fn indent_at(text: &str, offset: TextSize) -> &str {
    let start = line_start(text, offset);
    let line = &text[start.to_usize()..];
    let indent = &line[..line.len() - line.trim_start_matches([' ', '\t', '\u{c}']).len()];
    indent.rsplit('\u{c}').next().unwrap_or_default()
}

/// The same, if there is nothing else before `offset`.
pub(super) fn own_line_indent(text: &str, offset: TextSize) -> Option<&str> {
    let start = line_start(text, offset).to_usize();
    let before = &text[start..offset.to_usize()];
    before.chars().all(|c| matches!(c, ' ' | '\t' | '\u{c}')).then_some(before)
}

/// Where the line of `offset` begins; a byte order mark is no part of a line.
pub(super) fn line_start(text: &str, offset: TextSize) -> TextSize {
    let before = &text[..offset.to_usize()];
    let first = if before.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    TextSize::new(before.rfind(['\r', '\n']).map_or(first, |at| at + 1) as u32)
}

/// The end of the line of `offset`, if only a comment stands between; else `offset`.
pub(super) fn after_comment(text: &str, offset: TextSize) -> TextSize {
    let rest = &text[offset.to_usize()..];
    let rest = &rest[..rest.find(['\r', '\n']).unwrap_or(rest.len())];
    let is_comment = rest.trim_start().starts_with('#') || rest.trim().is_empty();
    if is_comment { offset + TextSize::of(rest) } else { offset }
}

/// One level of the file's indentation.
pub(super) fn unit<'a>(parsed: &Parsed, text: &'a str) -> &'a str {
    let indent = parsed.tokens().iter().find(|token| token.kind() == TokenKind::Indent);
    indent.map_or("    ", |indent| indent_at(text, indent.end()))
}

/// The lines of `range` in the layout `to`. The first line gets its indentation too; there is no line end after the last.
///
/// Lines that begin inside a string are left as they are: their white space is part of the value.
pub(super) fn reindent(text: &str, tokens: &Tokens, range: TextRange, to: &Layout) -> String {
    let lines = LineIndex::new(text);
    let levels = Levels::of(text, tokens, &lines);
    let first = tokens.iter().find(|token| range.contains_range(token.range()) && !is_trivia(token.kind()));
    let base = first.and_then(|first| levels.at(lines.line(first.start()))).map_or(0, |level| level.depth);
    let mut out = String::new();
    for number in lines.line(range.start())..=lines.line(range.end()) {
        let whole = lines.line_range(number, text);
        if !out.is_empty() {
            out.push_str(to.newline);
        }
        // The first line may begin, and the last one end, in the middle.
        let Some(part) = whole.intersect(range) else { continue };
        let line = &text[part];
        if levels.verbatim.contains(&number) {
            out.push_str(line);
        } else if !line.trim().is_empty() {
            let (depth, extra) = levels.at(number).map_or((base, ""), |level| (level.depth, &*level.extra));
            out.push_str(&to.base);
            out.push_str(&to.unit.repeat(depth.saturating_sub(base)));
            out.push_str(extra);
            out.push_str(line.trim_start_matches([' ', '\t', '\u{c}']));
        }
    }
    out
}

/// Whether a token is no part of a statement.
fn is_trivia(kind: TokenKind) -> bool {
    kind.is_any_newline() || matches!(kind, TokenKind::Comment | TokenKind::Indent | TokenKind::Dedent)
}

/// Where a line stands: how many blocks it is in, and what moves it further, as continued lines are.
struct Level<'a> {
    depth: usize,
    extra: Cow<'a, str>,
}

/// The levels of the lines that begin with a token.
#[derive(Default)]
struct Levels<'a> {
    lines: HashMap<u32, Level<'a>>,
    /// Lines that begin inside a string.
    verbatim: HashSet<u32>,
}

impl<'a> Levels<'a> {
    fn at(&self, line: u32) -> Option<&Level<'a>> {
        self.lines.get(&line)
    }

    fn of(text: &'a str, tokens: &Tokens, lines: &LineIndex) -> Levels<'a> {
        let mut levels = Levels::default();
        // The columns of the blocks around, the module's 0 first; and what they were at the statement before.
        let mut blocks = vec![0];
        let mut before = vec![0];
        // The indentation of the statement that is being read.
        let mut statement = None;
        let mut comments: Vec<u32> = Vec::new();
        // The first lines of the f-strings that are open.
        let mut strings = Vec::new();
        for token in tokens {
            let line = lines.line(token.start());
            match token.kind() {
                TokenKind::Indent => blocks.push(columns(&text[token.range()])),
                TokenKind::Dedent => {
                    blocks.pop();
                }
                TokenKind::Newline => {
                    statement = None;
                    before.clone_from(&blocks);
                }
                TokenKind::NonLogicalNewline | TokenKind::EndOfFile => {}
                TokenKind::Comment if statement.is_none() => comments.push(line),
                kind => {
                    let indent = indent_at(text, token.start());
                    if statement.is_none() {
                        levels.add_comments(text, lines, std::mem::take(&mut comments), &before, &blocks);
                    }
                    let extra = further(indent, statement.get_or_insert(indent));
                    levels.lines.entry(line).or_insert(Level { depth: blocks.len() - 1, extra });
                    let first = match kind {
                        TokenKind::String => Some(line),
                        TokenKind::FStringStart | TokenKind::TStringStart => {
                            strings.push(line);
                            None
                        }
                        TokenKind::FStringEnd | TokenKind::TStringEnd => strings.pop(),
                        _ => None,
                    };
                    if let Some(first) = first {
                        levels.verbatim.extend(first + 1..=lines.line(token.end()));
                    }
                }
            }
        }
        levels.add_comments(text, lines, comments, &before, &blocks);
        levels
    }

    /// A comment on a line of its own belongs to what follows if it stands in the same column, else to the block before
    /// it that it is not left of.
    fn add_comments(
        &mut self,
        text: &'a str,
        lines: &LineIndex,
        comments: Vec<u32>,
        before: &[usize],
        after: &[usize],
    ) {
        for line in comments {
            let column = columns(indent_at(text, lines.line_range(line, text).start()));
            let level = if after.last() == Some(&column) {
                Level { depth: after.len() - 1, extra: Cow::Borrowed("") }
            } else {
                let depth = before.iter().rposition(|&block| block <= column).unwrap_or(0);
                Level { depth, extra: Cow::Owned(" ".repeat(column - before[depth])) }
            };
            self.lines.insert(line, level);
        }
    }
}

/// What `indent` has beyond `base`, as it is written where one begins with the other.
fn further<'a>(indent: &'a str, base: &str) -> Cow<'a, str> {
    match indent.strip_prefix(base) {
        Some(rest) => Cow::Borrowed(rest),
        None => Cow::Owned(" ".repeat(columns(indent).saturating_sub(columns(base)))),
    }
}

/// The width of white space as Python counts it: a tab goes to the next multiple of eight.
fn columns(indent: &str) -> usize {
    indent.chars().fold(0, |column, c| match c {
        '\t' => column / 8 * 8 + 8,
        ' ' => column + 1,
        _ => column,
    })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use syntax::ast::Stmt;
    use syntax::ast::comparable::ComparableStmt;

    use super::*;

    /// Moves the body of the only function of `text`.
    fn check(text: &str, base: &str, unit: &str, newline: &'static str, expected: Expect) {
        let parsed = syntax::parse(text);
        let function = parsed.statements()[0].as_function_def_stmt().expect("a function");
        let first = text.find('\n').map_or(0, |at| at + 1);
        let range = TextRange::new(TextSize::new(first as u32), function.body.last().unwrap().end());
        let layout = Layout { base: base.into(), unit: unit.into(), newline };
        let moved = reindent(text, parsed.tokens(), range, &layout);
        let function_again = format!("def f():{newline}{moved}{newline}");
        expected.assert_eq(&function_again.replace('\t', "→").replace('\r', "␍"));

        // Whatever the layout, the code must stay the same.
        let again = syntax::parse(&function_again.replace(newline, "\n"));
        assert!(!again.has_errors(), "{:?}", again.errors());
        let body = &again.statements()[0].as_function_def_stmt().expect("a function").body;
        let comparable = |body: &[Stmt]| format!("{:?}", body.iter().map(ComparableStmt::from).collect::<Vec<_>>());
        assert_eq!(comparable(body), comparable(&function.body));
    }

    #[test]
    fn blocks_become_the_files_own_indentation() {
        let text = "def f():\n    for x in y:\n        if x:\n            return x\n\n    return None\n";
        check(
            text,
            "\t\t",
            "\t",
            "\r\n",
            expect![[r#"
                def f():␍
                →→for x in y:␍
                →→→if x:␍
                →→→→return x␍
                ␍
                →→return None␍
            "#]],
        );
        check(
            text,
            "  ",
            "  ",
            "\n",
            expect![[r#"
                def f():
                  for x in y:
                    if x:
                      return x

                  return None
            "#]],
        );
    }

    #[test]
    fn strings_keep_their_lines() {
        let text =
            "def f():\n        a = \"\"\"one\n  two\n\"\"\"; b = 1\n        return f\"\"\"\n{a\n   + b}\n  \"\"\"\n";
        check(
            text,
            "    ",
            "    ",
            "\n",
            expect![[r#"
                def f():
                    a = """one
                  two
                """; b = 1
                    return f"""
                {a
                   + b}
                  """
            "#]],
        );
    }

    #[test]
    fn continued_lines_keep_their_distance() {
        let text = "def f():\n  if x:\n    return g(a,\n             b) + \\\n      c\n";
        check(
            text,
            "\t",
            "\t",
            "\n",
            expect![[r#"
                def f():
                →if x:
                →→return g(a,
                →→         b) + \
                →→  c
            "#]],
        );
    }

    #[test]
    fn comments_stay_with_their_block() {
        let text = "def f():\n# left\n  # first\n  if x:\n    # inside\n    g()\n    # still inside\n  # outside\n  else:\n    h()\n  # last\n  return 1\n";
        check(
            text,
            "    ",
            "    ",
            "\n",
            expect![[r#"
                def f():
                    # left
                    # first
                    if x:
                        # inside
                        g()
                        # still inside
                    # outside
                    else:
                        h()
                    # last
                    return 1
            "#]],
        );
    }
}

//! Write docstring: has a model describe a function that has no docstring.
//!
//! ```python
//! def area(width, height):      # ← offered here and inside
//!     return width * height
//! ```
//!
//! Of the reply only the docstring is taken, whatever else it says.

use context::Context;
use graph::{Analysis, FileId, SymbolId};
use syntax::{FileEdit, Parsed, Ranged, SourceChange, TextEdit, TextRange, parse};

use super::function_body;
use super::layout::{Layout, after_comment, own_line_indent};
use super::question::Question;
use super::reply::{Function, Parts, Reply, functions};
use super::{Ask, Assist, AssistId, Refusal, Scope};

pub(super) const ASSIST: Assist = Assist {
    id: AssistId::WriteDocstring,
    name: "write-docstring",
    title: "Write docstring (preview)",
    offered,
    scope,
    ask,
    accept,
    ..Assist::PLAIN
};

fn offered(analysis: &Analysis, parsed: &Parsed, file: FileId, range: TextRange) -> Option<SymbolId> {
    let symbol = function_body::around(analysis, file, range)?;
    let source = analysis.source(file);
    find(analysis, symbol, parsed, source.text()).map(|_| symbol)
}

/// The function in the tree that the graph calls `symbol`, if it has no docstring and its body has lines of its own.
fn find<'a>(analysis: &Analysis, symbol: SymbolId, parsed: &'a Parsed, text: &str) -> Option<Function<'a>> {
    let function = function_body::find(analysis, symbol, parsed)?;
    let parts = Parts::of(function.node, parsed);
    let first = parts.rest.first()?;
    (parts.docstring.is_none() && own_line_indent(text, first.start()).is_some()).then_some(function)
}

/// The end of the header's line, comment included.
fn place(function: &Function<'_>, parsed: &Parsed, text: &str) -> TextRange {
    TextRange::empty(after_comment(text, Parts::of(function.node, parsed).colon))
}

fn scope(analysis: &Analysis, target: SymbolId) -> Option<Scope> {
    let text = analysis.source(target.file).text();
    let parsed = parse(text);
    let function = find(analysis, target, &parsed, text)?;
    let range = place(&function, &parsed, text);
    Some(Scope::of(analysis, target.file, range))
}

fn ask(analysis: &Analysis, target: SymbolId, context: &Context, instruction: Option<&str>) -> Option<Ask> {
    let view = analysis.symbol(target);
    let question = Question {
        title: format!("Write the docstring of `{}`", view.qualified_name()),
        system: SYSTEM,
        code: "The function to describe",
        instruction: "What the person who asks wants of it",
        request: format!("Write the docstring of the function `{}`.", view.local_name()),
    };
    Some(question.ask(context, instruction))
}

const SYSTEM: &str = "\
You write the docstring of one Python function of an existing program. Answer with one ```python block that holds the \
function's header and the docstring, then one line `Confidence: N`, where N from 0 to 1 is how sure you are that it is right.

Rules:
- Say what the function does for its caller, not how. Begin with one sentence in one line.
- Describe parameters, result and exceptions where their names do not say it all, in the style of the docstrings that are shown.
- Claim nothing that the code does not do. Examples must be true.
- ";

fn accept(analysis: &Analysis, target: SymbolId, code: &str) -> Result<SourceChange, Refusal> {
    let text = analysis.source(target.file).text();
    let parsed = parse(text);
    let function = find(analysis, target, &parsed, text).ok_or(Refusal::NoTarget)?;
    let reply = Reply::parse(code)?;
    let docstring = docstring(&reply, &function).ok_or(Refusal::NoDocstring)?;
    let layout = Layout::of(function.node, &parsed, text);
    let written = format!("{}{}", layout.newline, indented(docstring, &layout));
    let edit = TextEdit::insert(place(&function, &parsed, text).start(), written);
    let path = analysis.path(target.file).to_owned();
    Ok(SourceChange { files: vec![FileEdit { path, edits: vec![edit] }] })
}

/// The docstring of the function that is meant, or a string that is all of the reply.
fn docstring<'a>(reply: &'a Reply, function: &Function<'_>) -> Option<&'a str> {
    let all = functions(reply.parsed().statements());
    let named = all.iter().filter(|it| it.path.last() == function.path.last());
    // Out of its class, the function may stand by itself.
    let meant =
        named.max_by_key(|it| it.path.iter().rev().zip(function.path.iter().rev()).take_while(|(a, b)| a == b).count());
    let range = match meant {
        Some(meant) => Parts::of(meant.node, reply.parsed()).docstring?,
        None => match reply.parsed().statements() {
            [statement] if statement.as_expr_stmt()?.value.is_string_literal_expr() => statement.range(),
            _ => return None,
        },
    };
    let docstring = &reply.text()[range];
    // One string in three quotes; anything else is joined, or no docstring's form.
    let is_plain =
        |quotes: &str| docstring.trim_start_matches(['r', 'R']).starts_with(quotes) && docstring.ends_with(quotes);
    (is_plain("\"\"\"") || is_plain("'''")).then_some(docstring)
}

/// The lines of a docstring with the indentation of the function's body, and further in what they had beyond the others.
fn indented(docstring: &str, layout: &Layout) -> String {
    let mut lines = docstring.lines();
    let first = lines.next().unwrap_or_default().trim_end();
    let rest: Vec<&str> = lines.map(str::trim_end).collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let common = rest.iter().filter(|line| !line.is_empty()).map(|line| indent(line)).min().unwrap_or(0);
    let mut text = format!("{}{first}", layout.base);
    for line in rest {
        text.push_str(layout.newline);
        if !line.is_empty() {
            text.push_str(&layout.base);
            text.push_str(&line[common..]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use context::{Options, context};
    use expect_test::{Expect, expect};
    use syntax::apply_edits;

    use super::*;
    use fixture::Workspace;

    fn target(text: &str) -> (Workspace, Option<SymbolId>) {
        Workspace::with_target(text, offered)
    }

    #[track_caller]
    fn check(text: &str, reply: &str, expected: Expect) {
        let (workspace, target) = target(text);
        let (analysis, target) = (&workspace.analysis, target.expect("it is offered"));
        expected.assert_eq(&match accept(analysis, target, reply) {
            Err(refusal) => format!("{}: {refusal}\n", refusal.code()),
            Ok(change) => {
                let edits = &change.files[0].edits;
                let scope = scope(analysis, target).expect("it is offered");
                assert!(edits.iter().all(|edit| scope.places[0].1.contains_range(edit.range)));
                let after = apply_edits(analysis.source(target.file).text(), edits).unwrap();
                assert!(!parse(&after).has_errors(), "{after}");
                after
            }
        });
    }

    #[test]
    fn offered_where_there_is_none() {
        let is_offered = |text: &str| target(text).1.is_some();
        assert!(is_offered("def f(a):\n    return a$0\n"));
        assert!(is_offered("class C:\n    def f$0(self):\n        pass\n"));
        assert!(!is_offered("def f(a):\n    'Doc.'\n    return a$0\n"));
        assert!(!is_offered("def f(a): return a$0\n"));
        assert!(!is_offered("class C:$0\n    pass\n"));
    }

    #[test]
    fn nothing_but_the_docstring_is_taken() {
        check(
            "class C:\n    def f(self, a):  # why\n        # how\n        return a$0\n",
            "class C:\n    def f(self, b):\n        \"\"\"Says a.\n\n        >>> C().f(1)\n        1\n            further in\n        \"\"\"\n        return b\n",
            expect![[r#"
                class C:
                    def f(self, a):  # why
                        """Says a.

                        >>> C().f(1)
                        1
                            further in
                        """
                        # how
                        return a
            "#]],
        );
        check(
            "def f(a):\n\treturn a$0\n",
            "def f(a):\n    r'''One line.'''\n",
            expect![[r#"
                def f(a):
                	r'''One line.'''
                	return a
            "#]],
        );
        check(
            "def f(a):\n    return a$0\n",
            "\"\"\"All of the reply.\n\nAnd more.\n\"\"\"\n",
            expect![[r#"
                def f(a):
                    """All of the reply.

                    And more.
                    """
                    return a
            "#]],
        );
    }

    #[test]
    fn a_reply_without_a_docstring_is_refused() {
        let text = "def f(a):\n    return a$0\n";
        let refused = || {
            expect![[r#"
                no-docstring: the code has no docstring in three quotes for the function
            "#]]
        };
        check(text, "def f(a):\n    return a\n", refused());
        check(text, "def g(a):\n    \"\"\"Doc.\"\"\"\n", refused());
        check(text, "def f(a):\n    'Doc.'\n", refused());
        check(text, "def f(a):\n    \"\"\"A.\"\"\" \"\"\"B.\"\"\" 'C'\n", refused());
    }

    #[test]
    fn the_prompt_shows_the_function() {
        let (workspace, target) = target("def f(a):\n    return a$0\n");
        let target = target.unwrap();
        let seen = context(&workspace.analysis, target, 1000, &Options::default());
        let asked = ask(&workspace.analysis, target, &seen, None).unwrap();
        assert_eq!(asked.title, "Write the docstring of `main.f`");
        assert!(asked.user.contains("return a"), "{}", asked.user);
    }
}

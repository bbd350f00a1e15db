//! Follow the comment: has a model do in a function what a comment in it asks for.
//!
//! ```python
//! def load(path):
//!     # tantu: retry three times when the file is locked        ← offered here
//!     return open(path).read()
//! ```
//!
//! What the comments ask for is given as the instruction. The body is replaced, and the comments go, those on lines of their
//! own below the last statement too.

use context::Context;
use graph::{Analysis, FileId, SymbolId};
use syntax::ast::StmtFunctionDef;
use syntax::{Parsed, Ranged, SourceChange, TextEdit, TextRange, TextSize, parse};

use super::function_body;
use super::layout::{after_comment, indent_at, newline, own_line_indent};
use super::question::Question;
use super::reply::{Function, functions};
use super::{Ask, Assist, AssistId, Refusal, Scope, port_like};

pub(super) const ASSIST: Assist = Assist {
    id: AssistId::FollowComment,
    name: "follow-comment",
    title: "Do what the comment asks for (preview)",
    offered,
    scope,
    ask,
    accept,
    alias: Some("implement-comment"),
    ..Assist::PLAIN
};

/// How a comment begins that asks for something.
const MARK: &str = "tantu:";

fn offered(analysis: &Analysis, parsed: &Parsed, file: FileId, range: TextRange) -> Option<SymbolId> {
    let source = analysis.source(file);
    let lines = source.lines();
    let line = lines.line_range(lines.line(range.start()), source.text());
    // Most lines have none, which is seen without a look at the tree.
    source.slice(line).contains(MARK).then_some(())?;
    let comments = comments(source.text(), parsed);
    comments.into_iter().find(|(comment, _)| line.contains_range(*comment))?;
    if let Some(symbol) = function_above(analysis, file, parsed, line) {
        return Some(symbol);
    }
    // A comment behind the last statement is no part of the function's range, the statement is.
    let code = line.start() + TextSize::of(indent_at(source.text(), line.start()));
    let symbol = function_body::around(analysis, file, TextRange::empty(code))?;
    find(analysis, symbol, parsed).map(|_| symbol)
}

/// The innermost function that the comment on a line of its own belongs to, below whose last statement it stands.
fn function_above(analysis: &Analysis, file: FileId, parsed: &Parsed, line: TextRange) -> Option<SymbolId> {
    let text = analysis.source(file).text();
    let all = functions(parsed.statements());
    let above = all.iter().filter(|function| below(text, function.node).contains_range(line));
    let name = above.max_by_key(|function| function.path.len())?.node.name.range;
    let symbol = analysis.symbols(file).into_iter().find(|symbol| analysis.symbol(*symbol).name_range == name)?;
    function_body::around(analysis, file, name).filter(|around| *around == symbol)
}

/// From the end of a function to the end of the last line below it that holds nothing but a comment and is indented more than
/// its `def`.
fn below(text: &str, function: &StmtFunctionDef) -> TextRange {
    let start = after_comment(text, function.end());
    let width = indent_at(text, function.name.start()).len();
    let (mut at, mut end) = (start, start);
    for line in text[start.to_usize()..].split_inclusive('\n') {
        let is_first = at == start;
        at += TextSize::of(line);
        let code = line.trim_start_matches([' ', '\t', '\u{c}']);
        if code.starts_with('#') && line.len() - code.len() > width {
            end = at;
        } else if !code.trim().is_empty() && !is_first {
            break;
        }
    }
    TextRange::new(start, end)
}

/// What a comment with the mark asks for.
pub(super) fn asked(comment: &str) -> Option<&str> {
    comment.trim_start_matches('#').trim_start().strip_prefix(MARK).map(str::trim)
}

/// The comments that ask for something, with what they ask for.
fn comments<'a>(text: &'a str, parsed: &Parsed) -> Vec<(TextRange, &'a str)> {
    let asks = |range: TextRange| asked(&text[range]).filter(|wanted| !wanted.is_empty()).map(|wanted| (range, wanted));
    parsed.tokens().iter().filter(|token| token.kind().is_comment()).filter_map(|token| asks(token.range())).collect()
}

/// What is asked for in the function, a line for each comment.
fn wanted(analysis: &Analysis, target: SymbolId) -> Option<String> {
    let source = analysis.source(target.file);
    let parsed = parse(source.text());
    let function = find(analysis, target, &parsed)?;
    let range = function.node.range;
    let range = TextRange::new(range.start(), below(source.text(), function.node).end());
    let inside = comments(source.text(), &parsed).into_iter().filter(|(comment, _)| range.contains_range(*comment));
    Some(inside.map(|(_, wanted)| wanted).collect::<Vec<_>>().join("\n")).filter(|wanted| !wanted.is_empty())
}

fn find<'a>(analysis: &Analysis, symbol: SymbolId, parsed: &'a Parsed) -> Option<Function<'a>> {
    function_body::find(analysis, symbol, parsed)
}

fn scope(analysis: &Analysis, target: SymbolId) -> Option<Scope> {
    let mut scope = function_body::scope(analysis, target, find)?;
    let source = analysis.source(target.file);
    let function = find(analysis, target, &parse(source.text())).map(|function| below(source.text(), function.node));
    scope.places.extend(function.filter(|range| !range.is_empty()).map(|range| (scope.places[0].0.clone(), range)));
    Some(scope)
}

fn ask(analysis: &Analysis, target: SymbolId, context: &Context, instruction: Option<&str>) -> Option<Ask> {
    let wanted = wanted(analysis, target)?;
    let wanted = [Some(wanted.as_str()), instruction].into_iter().flatten().collect::<Vec<_>>().join("\n");
    let view = analysis.symbol(target);
    let question = Question {
        title: format!("Follow the comment in `{}`", view.qualified_name()),
        system: SYSTEM,
        code: "The function with the comment",
        instruction: "What the comment asks for",
        request: format!("Write the function `{}` so that it does what the comment asks for.", view.local_name()),
    };
    // "Like that one" is better understood when that one is there to see.
    let names_another = wanted.split_whitespace().any(|word| word.eq_ignore_ascii_case("like"));
    let another = names_another.then(|| port_like::model(analysis, target, &wanted)).flatten();
    Some(question.ask_with(context, Some(&wanted), another.into_iter().map(|(_, quoted)| quoted).collect()))
}

const SYSTEM: &str = "\
You change one Python function of an existing program as a comment in it asks. Answer with one ```python block that holds \
the whole function, then one line `Confidence: N`, where N from 0 to 1 is how sure you are that it is right.

Rules:
- Do what the comment asks for and leave everything else as it is. Leave the comment itself out.
- Keep the decorators, the signature and the docstring as they are.
- Use only names that are shown, that the function's file imports or defines, or that come from Python's standard \
library. Do not guess names of attributes or parameters.
- If the body needs another import, put it above the function in the same block.
- Write nothing else: no other functions, no usage, no placeholders, no explanations.
- ";

fn accept(analysis: &Analysis, target: SymbolId, code: &str) -> Result<SourceChange, Refusal> {
    let mut change = function_body::accept(analysis, target, code, find)?;
    let source = analysis.source(target.file);
    let (text, parsed) = (source.text(), parse(source.text()));
    let function = find(analysis, target, &parsed).ok_or(Refusal::NoTarget)?;
    // Other comments above the first statement and below the last one stay, as everywhere; these are done.
    let place = TextRange::new(function.node.range.start(), below(text, function.node).end());
    for file in &mut change.files {
        for (comment, _) in comments(text, &parsed) {
            let is_replaced = file.edits.iter().any(|edit| edit.range.contains_range(comment));
            if place.contains_range(comment) && !is_replaced {
                let lines = source.lines();
                let line = lines.line_range(lines.line(comment.start()), text);
                let is_alone = own_line_indent(text, comment.start()).is_some();
                let next = (line.end() + TextSize::of(newline(text))).min(TextSize::of(&**text));
                let range = if is_alone { TextRange::new(line.start(), next) } else { comment };
                file.edits.push(TextEdit::replace(range, ""));
            }
        }
        file.edits.sort_by_key(|edit| edit.range.start());
    }
    Ok(change)
}

#[cfg(test)]
mod tests {
    use context::{Options, context};
    use syntax::apply_edits;

    use super::*;
    use fixture::Workspace;

    fn target(text: &str) -> (Workspace, Option<SymbolId>) {
        Workspace::with_target(text, offered)
    }

    #[test]
    fn offered_on_comments_that_ask() {
        let is_offered = |text: &str| target(text).1.is_some();
        assert!(is_offered("def f():\n    # tantu: return two$0\n    return 1\n"));
        assert!(is_offered("def f():\n    return$0 1  # tantu: return two\n"));
        assert!(is_offered("def f():\n    ...  #tantu: re$0turn two\n"));
        assert!(!is_offered("def f():\n    # tantu: return two\n    return 1$0\n"));
        assert!(!is_offered("def f():\n    # tantu:$0\n    return 1\n"));
        assert!(!is_offered("def f():\n    return '# tantu: x'$0\n"));
        assert!(!is_offered("# tantu: write a function$0\nx = 1\n"));
        assert!(is_offered("def f():\n    return 1\n\n    # tantu: return two$0\nx = 1\n"));
        assert!(is_offered("def f():\n    return 1\n    # tantu: return two$0"));
        assert!(!is_offered("def f():\n    return 1\n# tantu: return two$0\n"));
        assert!(!is_offered("def f():\n    return 1\nx = 1\n    # tantu: return two$0\n"));
    }

    #[test]
    fn the_comments_are_the_instruction_and_go() {
        let (workspace, target) =
            target("def f():\n    # tantu: return two$0\n    x = 1  # tantu: without x\n    return x\n");
        let (analysis, target) = (&workspace.analysis, target.unwrap());
        let seen = context(analysis, target, 1000, &Options::default());
        let asked = ask(analysis, target, &seen, Some("now")).unwrap();
        assert!(asked.user.contains("return two\nwithout x\nnow"), "{}", asked.user);
        let change = accept(analysis, target, "def f():\n    return 2\n").unwrap();
        let after = apply_edits(analysis.source(target.file).text(), &change.files[0].edits).unwrap();
        assert_eq!(after, "def f():\n    return 2\n");
    }

    #[test]
    fn what_is_to_be_alike_is_shown() {
        let (workspace, target) =
            target("def one():\n    return 1\ndef f():\n    # tantu: like main.one$0\n    return 2\n");
        let (analysis, target) = (&workspace.analysis, target.unwrap());
        let seen = context(analysis, target, 1000, &Options::default());
        let asked = ask(analysis, target, &seen, None).unwrap();
        assert!(asked.user.contains("The code that it is to be like"), "{}", asked.user);
    }

    #[test]
    fn comments_below_the_last_statement_belong_to_the_innermost_function() {
        let text =
            "def f():\n    def g():\n        return 1\n    return g\n\n    # why\n    # tantu: call g$0\n\nx = f\n";
        let (workspace, found) = target(text);
        let (analysis, f) = (&workspace.analysis, found.unwrap());
        assert_eq!(analysis.symbol(f).name, "f");
        let change = accept(analysis, f, "def f():\n    def g():\n        return 1\n    return g()\n").unwrap();
        let places = scope(analysis, f).unwrap().places;
        let edits = &change.files[0].edits;
        assert!(edits.iter().all(|edit| places.iter().any(|(_, range)| range.contains_range(edit.range))), "{edits:?}");
        let after = apply_edits(analysis.source(f.file).text(), edits).unwrap();
        assert_eq!(after, "def f():\n    def g():\n        return 1\n    return g()\n\n    # why\n\nx = f\n");

        let (workspace, found) =
            target("def f():\n    def g():\n        return 1\n        # tantu: two$0\n    # other\n");
        assert_eq!(workspace.analysis.symbol(found.unwrap()).name, "g");
    }
}

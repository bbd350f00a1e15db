//! Update callers with a model: the calls that do not fit a function any longer, and that no rule can mend.
//!
//! ```python
//! def area(width, height):      # was `def area(size):`; ← offered here while calls do not fit
//!     return width * height
//!
//! print(area(room.size))        # what is the height? The code around may tell
//! ```
//!
//! What is plain to rewrite is `update_callers`' business, which needs no model. Here the statement around each call is
//! written anew; of compound statements only the expression in their head.

use context::Context;
use graph::{Analysis, FileId, SymbolId};
use rustc_hash::FxHashSet;
use syntax::ast::{AnyNodeRef, Stmt};
use syntax::{FileEdit, Parsed, Ranged, SourceChange, TextEdit, TextRange, parse};

use super::call_sites::{Trees, place};
use super::layout::{Layout, indent_at, newline, reindent, unit};
use super::place::{child_bodies, nodes, stands_alone, with_parentheses};
use super::question::{Question, Quoted};
use super::reply::Reply;
use super::{Ask, Assist, AssistId, Refusal, Scope, function_body};

pub(super) const ASSIST: Assist = Assist {
    id: AssistId::UpdateCallers,
    name: "update-callers",
    title: "Update the calls that do not fit (preview)",
    offered,
    scope,
    ask,
    accept,
    is_beside: true,
    ..Assist::PLAIN
};

/// Places that one proposal rewrites. The others stay as they are until it is asked for again.
const MAX_PLACES: usize = 20;

/// The lines around a place that are shown, above and below each.
const AROUND: usize = 15;

/// What is written anew.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    file: FileId,
    /// A statement, or an expression in the head of one.
    range: TextRange,
    is_statement: bool,
    /// Why the call does not fit.
    message: String,
}

fn offered(analysis: &Analysis, _: &Parsed, file: FileId, range: TextRange) -> Option<SymbolId> {
    let symbol = function_body::around(analysis, file, range)?;
    let view = analysis.symbol(symbol);
    let is_meant = view.header.contains_range(range) && !view.is_retained();
    (is_meant && analysis.incompatible_callers(symbol).broken > 0).then_some(symbol)
}

/// The places of calls that do not fit `target`, by path and offset.
fn places(analysis: &Analysis, target: SymbolId) -> Vec<Place> {
    let sites: Vec<_> = analysis.callers(target).into_iter().flat_map(|call| call.sites).collect();
    let mut files: Vec<FileId> = sites.iter().map(|site| site.file).collect();
    files.sort_by_key(|&file| analysis.path(file));
    files.dedup();
    let mut trees = Trees::default();
    let mut seen = FxHashSet::default();
    let mut places = Vec::new();
    for file in files {
        let incompatible = analysis.incompatible_calls(file).into_iter();
        for incompatibility in
            incompatible.filter(|it| sites.iter().any(|site| (site.file, site.range) == (file, it.range)))
        {
            let Some((range, is_statement)) = around(trees.get(analysis, file), incompatibility.range) else {
                continue;
            };
            if seen.insert((file, range)) {
                places.push(Place { file, range, is_statement, message: incompatibility.message });
            }
        }
    }
    places.truncate(MAX_PLACES);
    places
}

/// The innermost statement around a call and that it is one, or the expression of a compound statement's head.
fn around(parsed: &Parsed, call: TextRange) -> Option<(TextRange, bool)> {
    let mut expr = None;
    for node in nodes(parsed, call).into_iter().rev() {
        if let Some(found) = node.as_expr_ref() {
            expr = Some(found.range());
        }
        if node.is_statement() {
            let is_compound = matches!(
                node,
                AnyNodeRef::StmtFunctionDef(_)
                    | AnyNodeRef::StmtClassDef(_)
                    | AnyNodeRef::StmtFor(_)
                    | AnyNodeRef::StmtWhile(_)
                    | AnyNodeRef::StmtIf(_)
                    | AnyNodeRef::StmtWith(_)
                    | AnyNodeRef::StmtMatch(_)
                    | AnyNodeRef::StmtTry(_)
            );
            return if is_compound { Some((expr?, false)) } else { Some((node.range(), true)) };
        }
    }
    None
}

fn scope(analysis: &Analysis, target: SymbolId) -> Option<Scope> {
    let places = places(analysis, target);
    let places: Vec<_> = places.into_iter().map(|it| (analysis.path(it.file).to_owned(), it.range)).collect();
    (!places.is_empty()).then_some(Scope { places, folder: None })
}

fn ask(analysis: &Analysis, target: SymbolId, context: &Context, instruction: Option<&str>) -> Option<Ask> {
    let view = analysis.symbol(target);
    let places = places(analysis, target);
    let count = places.len();
    let more = places.into_iter().enumerate().map(|(number, it)| quoted(analysis, number + 1, &it)).collect();
    let question = Question {
        title: format!("Update {count} calls of `{}`", view.qualified_name()),
        system: SYSTEM,
        code: "The function as it is now",
        instruction: "What the person who asks wants of it",
        request: format!("Write the {count} places anew, so that their calls fit `{}`.", view.signature()),
    };
    Some(question.ask_with(context, instruction, more))
}

fn quoted(analysis: &Analysis, number: usize, it: &Place) -> Quoted {
    let source = analysis.source(it.file);
    let lines = source.lines();
    let first = lines.line(it.range.start()) as usize;
    let last = lines.line(it.range.end()) as usize;
    let (from, count) = (first.saturating_sub(AROUND), last - first + 1);
    let around: Vec<&str> = source.text().lines().skip(from).take(first - from + count + AROUND).collect();
    let what = if it.is_statement { "The statement" } else { "The expression" };
    let text = format!(
        "{}: {}\n\n{}\n\n{what} to write anew:\n{}",
        place(analysis, it.file, it.range),
        it.message,
        around.join("\n"),
        source.slice(it.range),
    );
    Quoted { label: format!("Place {number}"), text, path: analysis.path(it.file).to_owned() }
}

const SYSTEM: &str = "\
A Python function has got other parameters, and some of its calls do not fit it any longer. You write the places with these \
calls anew. Answer with one ```python block, then one line `Confidence: N`, where N from 0 to 1 is how sure you are that it is \
right. In the block stands for each place, in their order, a line `# place N` with its number and, below it, what takes the \
place of its statement, or of its expression.

Rules:
- Change only what the call needs: other arguments, and statements before it that make them. Everything else in the statement \
stays as it is.
- A statement may become several. An expression stays one expression.
- Find out what a new argument must be from the code around and from the function. Where nothing tells, use what means the same \
as before; never a placeholder.
- Use only names that are visible at the place or built in. Do not guess names of attributes or parameters.
- Write nothing else: no imports, no definitions, no explanations.
- ";

fn unfit(code: &'static str, message: String) -> Refusal {
    Refusal::Unfit { code, message }
}

fn accept(analysis: &Analysis, target: SymbolId, code: &str) -> Result<SourceChange, Refusal> {
    let places = places(analysis, target);
    if places.is_empty() {
        return Err(Refusal::NoTarget);
    }
    let parts = parts(code)?;
    let mut change = SourceChange { files: Vec::new() };
    for (at, wanted) in places.iter().enumerate() {
        let number = at + 1;
        let Some((_, part)) = parts.iter().find(|(of, _)| *of == number) else {
            let message =
                format!("there is nothing for place {number}; each place needs a line `# place N` and its code");
            return Err(unfit("missing-place", message));
        };
        let edit = TextEdit::replace(wanted.range, rewritten(analysis, wanted, number, part)?);
        let path = analysis.path(wanted.file);
        match change.files.iter_mut().find(|file| file.path == path) {
            Some(file) => file.edits.push(edit),
            None => change.files.push(FileEdit { path: path.to_owned(), edits: vec![edit] }),
        }
    }
    if let Some((other, _)) = parts.iter().find(|(of, _)| *of == 0 || *of > places.len()) {
        return Err(unfit("unknown-place", format!("there is no place {other}")));
    }
    change.files.iter_mut().for_each(|file| file.edits.sort_by_key(|edit| edit.range.start()));
    Ok(change)
}

/// The code behind each `# place N`.
fn parts(code: &str) -> Result<Vec<(usize, String)>, Refusal> {
    let mut parts: Vec<(usize, String)> = Vec::new();
    for line in code.lines() {
        let comment = line.trim().strip_prefix('#').map(|rest| rest.trim().to_lowercase());
        let number = comment.as_deref().and_then(|it| it.strip_prefix("place")).and_then(|it| {
            let digits: String = it.trim_start().chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<usize>().ok()
        });
        if let Some(number) = number {
            if parts.iter().any(|(of, _)| *of == number) {
                return Err(unfit("unknown-place", format!("place {number} is there twice")));
            }
            parts.push((number, String::new()));
        } else if let Some((_, part)) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        } else if !line.trim().is_empty() {
            return Err(unfit("missing-place", "code stands before the first line `# place N`".to_owned()));
        }
    }
    Ok(parts)
}

/// What takes the place of `wanted`.
fn rewritten(analysis: &Analysis, wanted: &Place, number: usize, part: &str) -> Result<String, Refusal> {
    let text = analysis.source(wanted.file).text();
    let parsed = parse(text);
    let reply = Reply::parse(part)?;
    let statements = reply.statements();
    let bad = |what: &str| Err(unfit("no-such-place", format!("place {number} {what}")));
    let Some((first, last)) = statements.first().zip(statements.last()) else { return bad("is empty") };
    if !wanted.is_statement {
        let [Stmt::Expr(only)] = statements else { return bad("is an expression, and has to stay one") };
        let range = with_parentheses(reply.parsed(), &only.value);
        let written = reply.text()[range].to_owned();
        // Line breaks are only good inside of brackets, which are not looked for.
        return if written.contains('\n') { bad("has to stay on one line") } else { Ok(written) };
    }
    if statements
        .iter()
        .any(|it| matches!(it, Stmt::FunctionDef(_) | Stmt::ClassDef(_) | Stmt::Import(_) | Stmt::ImportFrom(_)))
    {
        return bad("may have no imports and no definitions");
    }
    let range = TextRange::new(first.start(), last.end());
    if !stands_alone(text, wanted.range)
        && (statements.len() > 1 || !child_bodies(first).is_empty() || reply.text()[range].contains('\n'))
    {
        return bad("shares its line with others, so that it has to stay one simple statement on one line");
    }
    let base = indent_at(text, wanted.range.start()).to_owned();
    let layout = Layout { base, unit: unit(&parsed, text).to_owned(), newline: newline(text) };
    let moved = reindent(reply.text(), reply.parsed().tokens(), range, &layout);
    Ok(moved.strip_prefix(layout.base.as_str()).unwrap_or(&moved).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use context::{Options, context};
    use expect_test::{Expect, expect};
    use syntax::apply_edits;

    use super::*;
    use fixture::Workspace;

    const TEXT: &str = "\
#- /shop.py
def area(width, height)$0:
    return width * height
#- /a.py
from shop import area

class Room:
    def size(self):
        if area(self.x) > 3:
            x = 1; y = area(2)
        total = area(
            self.x)  # all
        return total + area(1, 2)
#- /b.py
import shop
print(shop.area())
";

    #[test]
    fn offered_while_calls_do_not_fit() {
        assert!(Workspace::with_target(TEXT, offered).1.is_some());
        assert!(Workspace::with_target("def f($0a): ...\nf(1)\n", offered).1.is_none());
        assert!(Workspace::with_target("def f($0a): ...\n", offered).1.is_none());
        assert!(Workspace::with_target("def f(a):\n    $0return a\nf()\n", offered).1.is_none());
    }

    #[track_caller]
    fn check(reply: &str, expected: Expect) {
        let (workspace, target) = Workspace::with_target(TEXT, offered);
        let (analysis, target) = (&workspace.analysis, target.expect("it is offered"));
        expected.assert_eq(&match accept(analysis, target, reply) {
            Err(refusal) => format!("{}: {refusal}\n", refusal.code()),
            Ok(change) => {
                let scope = scope(analysis, target).expect("it is offered");
                let after = change.files.iter().map(|file| {
                    for edit in &file.edits {
                        assert!(scope.places.contains(&(file.path.clone(), edit.range)), "{edit:?}");
                    }
                    let id = workspace.file(&file.path.to_string_lossy());
                    let after = apply_edits(analysis.source(id).text(), &file.edits).expect("they fit");
                    assert!(!parse(&after).has_errors(), "{after}");
                    format!("#- {}\n{after}", file.path.display())
                });
                after.collect()
            }
        });
    }

    #[test]
    fn each_place_is_written_anew() {
        check(
            "# place 1\narea(self.x, self.y) > 3\n# Place 2:\ny = area(2, 1)\n# place 3\nheight = self.y\nif height:\n  height += 1\ntotal = area(\n    self.x, height)\n\n# place 4\nprint(shop.area(0, 0))\n",
            expect![[r#"
                #- /a.py
                from shop import area

                class Room:
                    def size(self):
                        if area(self.x, self.y) > 3:
                            x = 1; y = area(2, 1)
                        height = self.y
                        if height:
                            height += 1
                        total = area(
                            self.x, height)  # all
                        return total + area(1, 2)
                #- /b.py
                import shop
                print(shop.area(0, 0))
            "#]],
        );
    }

    #[test]
    fn replies_that_do_not_fit_the_places_are_refused() {
        let rest = "# place 3\ntotal = area(1, 2)\n# place 4\nprint(1)\n";
        check(
            &format!("# place 1\narea(1, 2) > 3\n{rest}"),
            expect![[r#"
                missing-place: there is nothing for place 2; each place needs a line `# place N` and its code
            "#]],
        );
        check(
            &format!("# place 1\nx = 1\n# place 2\ny = area(2, 1)\n{rest}"),
            expect![[r#"
                no-such-place: place 1 is an expression, and has to stay one
            "#]],
        );
        check(
            &format!("# place 1\narea(1, 2) > 3\n# place 2\nz = 1\ny = area(2, z)\n{rest}"),
            expect![[r#"
                no-such-place: place 2 shares its line with others, so that it has to stay one simple statement on one line
            "#]],
        );
        check(
            "area(1, 2)\n",
            expect![[r#"
            missing-place: code stands before the first line `# place N`
        "#]],
        );
    }

    #[test]
    fn the_prompt_shows_the_places() {
        let (workspace, target) = Workspace::with_target(TEXT, offered);
        let target = target.unwrap();
        let seen = context(&workspace.analysis, target, 1000, &Options::default());
        let asked = ask(&workspace.analysis, target, &seen, None).unwrap();
        assert_eq!(asked.title, "Update 4 calls of `shop.area`");
        assert!(asked.user.contains("a.py:5: missing argument `height`"), "{}", asked.user);
        assert!(asked.user.contains("The statement to write anew:\nprint(shop.area())"), "{}", asked.user);
    }
}

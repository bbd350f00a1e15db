//! Add types: has a model annotate the parameters and the result of a function where they have no annotation.
//!
//! ```python
//! def scale(point, factor=2):       # becomes `def scale(point: Point, factor: float = 2) -> Point:`
//!     return Point(point.x * factor, point.y * factor)
//! ```
//!
//! Of the reply only annotations that are missing are taken. What is annotated already stays, and so do names, order and
//! defaults of parameters; so callers keep what they call.

use context::Context;
use graph::{Analysis, FileId, SymbolId};
use syntax::ast::Stmt;
use syntax::{FileEdit, Parsed, Ranged, SourceChange, TextEdit, TextRange, TextSize, parse};

use super::call_sites::receiver;
use super::function_body;
use super::imports::{self, Destination};
use super::question::Question;
use super::reply::{Function, Parts, Reply, functions};
use super::{Ask, Assist, AssistId, Behaviour, Refusal, Scope};

pub(super) const ASSIST: Assist = Assist {
    id: AssistId::AddTypes,
    name: "add-types",
    title: "Refactor: add types (preview)",
    offered,
    scope,
    ask,
    accept,
    behaviour: Behaviour::Preserve,
    is_preset: true,
    ..Assist::PLAIN
};

fn offered(analysis: &Analysis, parsed: &Parsed, file: FileId, range: TextRange) -> Option<SymbolId> {
    let symbol = function_body::around(analysis, file, range)?;
    find(analysis, symbol, parsed).map(|_| symbol)
}

/// The function in the tree that the graph calls `symbol`, if an annotation is missing.
fn find<'a>(analysis: &Analysis, symbol: SymbolId, parsed: &'a Parsed) -> Option<Function<'a>> {
    let function = function_body::find(analysis, symbol, parsed)?;
    let mut params = function.node.parameters.iter().skip(receiver(analysis, symbol));
    (function.node.returns.is_none() || params.any(|it| it.annotation().is_none())).then_some(function)
}

/// From the name to the colon.
fn header(function: &Function<'_>, parsed: &Parsed) -> TextRange {
    TextRange::new(function.node.name.range.end(), Parts::of(function.node, parsed).colon)
}

fn scope(analysis: &Analysis, target: SymbolId) -> Option<Scope> {
    let parsed = parse(analysis.source(target.file).text());
    let function = find(analysis, target, &parsed)?;
    Some(Scope::of(analysis, target.file, header(&function, &parsed)))
}

fn ask(analysis: &Analysis, target: SymbolId, context: &Context, instruction: Option<&str>) -> Option<Ask> {
    let view = analysis.symbol(target);
    let question = Question {
        title: format!("Add types to `{}`", view.qualified_name()),
        system: SYSTEM,
        code: "The function to annotate",
        instruction: "What the person who asks wants of it",
        request: format!("Annotate the parameters and the result of `{}`.", view.local_name()),
    };
    Some(question.ask(context, instruction))
}

const SYSTEM: &str = "\
You add type annotations to the header of one Python function of an existing program. Answer with one ```python block that \
holds the function's header with `...` as its body, then one line `Confidence: N`, where N from 0 to 1 is how sure you are that \
it is right.

Rules:
- Annotate every parameter that has no annotation, and the result. Keep names, order and defaults of the parameters.
- Say what the callers pass and the body needs, no more and no less; `Any` only where nothing else is true.
- Write types as Python 3.10 and later do: `list[int]`, `str | None`.
- Use only types that are shown, that the function's file imports or defines, or that come from Python's standard library.
- If a type needs another import, put it above the function in the same block.
- ";

fn accept(analysis: &Analysis, target: SymbolId, code: &str) -> Result<SourceChange, Refusal> {
    let text = analysis.source(target.file).text();
    let parsed = parse(text);
    let function = find(analysis, target, &parsed).ok_or(Refusal::NoTarget)?;
    let reply = Reply::parse(code)?;
    let all = functions(reply.statements());
    let Some(given) = all.iter().find(|it| it.path.last() == function.path.last()) else {
        let found = all.iter().map(|it| it.path.join(".")).take(8).collect();
        return Err(Refusal::NoSuchFunction { name: function.path.join("."), found });
    };
    let mut edits = Vec::new();
    let mut types = Vec::new();
    let mut annotation = |range: TextRange| {
        let written = reply.text()[range].split_whitespace().collect::<Vec<_>>().join(" ");
        types.push(format!("_: {written}\n"));
        written
    };
    for parameter in function.node.parameters.iter().skip(receiver(analysis, target)) {
        let same = given.node.parameters.iter().find(|it| it.name().as_str() == parameter.name().as_str());
        let Some(found) = same.and_then(|it| it.annotation()).filter(|_| parameter.annotation().is_none()) else {
            continue;
        };
        let (name, written) = (parameter.name().range, annotation(found.range()));
        edits.push(match parameter.default() {
            Some(default) => TextEdit::replace(
                TextRange::new(name.end(), equals_end(text, name.end(), default.start())),
                format!(": {written} = "),
            ),
            None => TextEdit::insert(name.end(), format!(": {written}")),
        });
    }
    if let (None, Some(found)) = (&function.node.returns, &given.node.returns) {
        edits.push(TextEdit::insert(function.node.parameters.end(), format!(" -> {}", annotation(found.range()))));
    }
    if edits.is_empty() {
        let message = "the code annotates nothing that had no annotation".to_owned();
        return Err(Refusal::Unfit { code: "no-types", message });
    }
    let types = parse(&types.concat());
    let statements: Vec<&Stmt> =
        reply.statements().iter().filter(|it| it.is_import_stmt() || it.is_import_from_stmt()).collect();
    let missing = imports::missing(&statements, types.statements(), &Destination::of(analysis, target.file, &parsed));
    if let Some(taken) = missing.local.first() {
        return Err(Refusal::Unfit {
            code: "name-taken",
            message: format!("`{taken}` would hide a name that the file uses for something else"),
        });
    }
    if !missing.global.is_empty() {
        edits.push(imports::insertion(text, &parsed, &missing.global));
    }
    edits.sort_by_key(|edit| edit.range.start());
    let path = analysis.path(target.file).to_owned();
    Ok(SourceChange { files: vec![FileEdit { path, edits }] })
}

/// Where a default begins, parentheses around it included: behind `=` and white space.
fn equals_end(text: &str, from: TextSize, default: TextSize) -> TextSize {
    let between = &text[TextRange::new(from, default)];
    let Some(equals) = between.find('=') else { return default };
    let rest = &between[equals + 1..];
    let space = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    from + TextSize::new((equals + 1 + space) as u32)
}

#[cfg(test)]
mod tests {
    use context::{Options, context};
    use expect_test::{Expect, expect};
    use syntax::apply_edits;

    use super::*;
    use fixture::Workspace;

    #[track_caller]
    fn check(text: &str, reply: &str, expected: Expect) {
        let (workspace, target) = Workspace::with_target(text, offered);
        let (analysis, target) = (&workspace.analysis, target.expect("it is offered"));
        expected.assert_eq(&match accept(analysis, target, reply) {
            Err(refusal) => format!("{}: {refusal}\n", refusal.code()),
            Ok(change) => {
                let after = apply_edits(analysis.source(target.file).text(), &change.files[0].edits).expect("they fit");
                assert!(!parse(&after).has_errors(), "{after}");
                after
            }
        });
    }

    #[test]
    fn offered_where_an_annotation_is_missing() {
        let is_offered = |text: &str| Workspace::with_target(text, offered).1.is_some();
        assert!(is_offered("def f(a) -> int:\n    return a$0\n"));
        assert!(is_offered("def f(a: int):\n    return a$0\n"));
        assert!(!is_offered("def f(a: int) -> int:\n    return a$0\n"));
        assert!(!is_offered("class C:\n    def f(self, a: int) -> int:\n        return a$0\n"));
        assert!(is_offered("class C:\n    @staticmethod\n    def f(a) -> int:\n        return a$0\n"));
    }

    #[test]
    fn only_missing_annotations_are_taken() {
        check(
            "import os\n\nclass C:\n    def f(self, a, b=1, *args, c: int = 3, d = (2), **kw):  # why\n        return a$0\n",
            "from collections.abc import Sequence\nimport json\nclass C:\n    def f(self, a: Sequence[\n        int], b: int = 5, *args: str, c: float = 4, d: int=2, **kw: object) -> None: ...\n",
            expect![[r#"
                import os
                from collections.abc import Sequence

                class C:
                    def f(self, a: Sequence[ int], b: int = 1, *args: str, c: int = 3, d: int = (2), **kw: object) -> None:  # why
                        return a
            "#]],
        );
        check(
            "def f(a) -> int:\n    return a$0\n",
            "def f(a, b: int) -> str: ...\n",
            expect![[r#"
                no-types: the code annotates nothing that had no annotation
            "#]],
        );
        check(
            "def f(a):\n    return a$0\n",
            "def g(a: int): ...\n",
            expect![[r#"
                no-such-function: the code does not define `f`, only g
            "#]],
        );
    }

    #[test]
    fn the_prompt_shows_the_function() {
        let (workspace, target) = Workspace::with_target("def f(a):\n    return a$0\n", offered);
        let target = target.unwrap();
        let seen = context(&workspace.analysis, target, 1000, &Options::default());
        let asked = ask(&workspace.analysis, target, &seen, None).unwrap();
        assert_eq!(asked.title, "Add types to `main.f`");
        assert!(asked.user.contains("return a"), "{}", asked.user);
    }
}

//! Make async: has a model turn a function that blocks into one that awaits.
//!
//! ```python
//! def fetch(host):
//!     time.sleep(1)         # ← offered in functions that block and that no other code than `async` functions calls
//! ```
//!
//! `def` becomes `async def`, the body is replaced, and every call gets its `await`. Where a call cannot get one, because it
//! stands outside of `async` functions or the function is handed on as a value, the assist is not offered.

use context::Context;
use graph::{Analysis, Confidence, FileId, SymbolId};
use syntax::ast::token::TokenKind;
use syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use syntax::ast::{AnyNodeRef, Expr, Stmt, StmtFunctionDef};
use syntax::{FileEdit, Parsed, Ranged, SourceChange, TextEdit, TextRange, TextSize, parse};

use super::call_sites::{Called, Trees, calls, doubt, find_call};
use super::place::nodes;
use super::question::Question;
use super::reply::{Reply, functions};
use super::{Ask, Assist, AssistId, Refusal, Scope, function_body, refactor_function};

pub(super) const ASSIST: Assist = Assist {
    id: AssistId::MakeAsync,
    name: "make-async",
    title: "Refactor: make async (preview)",
    offered,
    scope,
    ask,
    accept,
    is_preset: true,
    ..Assist::PLAIN
};

/// What blocks while it waits: functions, and modules whose functions do.
const BLOCKING: [&str; 14] = [
    "time.sleep",
    "requests",
    "httpx",
    "urllib.request",
    "urllib3",
    "subprocess",
    "socket",
    "http.client",
    "sqlite3",
    "psycopg2",
    "pymysql",
    "redis",
    "smtplib",
    "select",
];

fn offered(analysis: &Analysis, parsed: &Parsed, file: FileId, range: TextRange) -> Option<SymbolId> {
    let symbol = function_body::around(analysis, file, range)?;
    let flags = analysis.symbol(symbol).flags;
    let name = analysis.symbol(symbol).name;
    let is_plain = !(flags.is_async || flags.is_generator || flags.is_property || flags.is_abstract || flags.is_test);
    if !is_plain || flags.is_decorated || name.starts_with("__") {
        return None;
    }
    let blocks = |name: &str| {
        BLOCKING.iter().any(|it| name.strip_prefix(it).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    };
    analysis.external_calls(symbol).iter().any(|(_, name)| blocks(name)).then_some(())?;
    refactor_function::find(analysis, symbol, parsed)?;
    let overrides = !analysis.overridden(symbol).is_empty() || !analysis.overriding(symbol).is_empty();
    (!overrides && sites(analysis, symbol).is_some()).then_some(symbol)
}

/// The calls from outside that get an `await`; `None` if something uses the function in another way.
fn sites(analysis: &Analysis, target: SymbolId) -> Option<Vec<Called>> {
    let body = analysis.symbol(target).range;
    let inside = |file: FileId, range: TextRange| file == target.file && body.contains_range(range);
    let called: Vec<Called> =
        calls(analysis, &[target]).into_iter().filter(|it| !inside(it.site.file, it.site.range)).collect();
    let is_plain = |called: &Called| {
        let around = analysis.symbol(analysis.enclosing(called.site.file, called.site.range.start()));
        around.flags.is_async
            && called.site.confidence != Confidence::Possible
            && doubt(analysis, called, &[target]).is_none()
    };
    let mut trees = Trees::default();
    let others = analysis.references(target).into_iter().filter(|it| !inside(it.file, it.range));
    for site in others {
        let is_called = called.iter().any(|it| (it.site.file, it.site.range) == (site.file, site.range));
        let parsed = trees.get(analysis, site.file);
        if !is_called && !is_import(parsed, site.range) {
            return None;
        }
    }
    called.iter().all(is_plain).then_some(called)
}

fn is_import(parsed: &Parsed, range: TextRange) -> bool {
    nodes(parsed, range).iter().any(|node| matches!(node, AnyNodeRef::StmtImport(_) | AnyNodeRef::StmtImportFrom(_)))
}

/// The word `def`.
fn keyword(function: &StmtFunctionDef, parsed: &Parsed) -> Option<TextSize> {
    let before = TextRange::new(function.start(), function.name.start());
    let mut tokens = parsed.tokens().iter().filter(|token| before.contains_range(token.range()));
    tokens.rfind(|token| token.kind() == TokenKind::Def).map(|token| token.start())
}

fn scope(analysis: &Analysis, target: SymbolId) -> Option<Scope> {
    let mut scope = function_body::scope(analysis, target, refactor_function::find)?;
    let path = scope.places[0].0.clone();
    let parsed = parse(analysis.source(target.file).text());
    let function = refactor_function::find(analysis, target, &parsed)?;
    scope.places.push((path, TextRange::empty(keyword(function.node, &parsed)?)));
    let mut trees = Trees::default();
    for called in sites(analysis, target)? {
        let call = find_call(trees.get(analysis, called.site.file), called.site.range)?;
        scope.places.push((analysis.path(called.site.file).to_owned(), call.range()));
    }
    Some(scope)
}

fn ask(analysis: &Analysis, target: SymbolId, context: &Context, instruction: Option<&str>) -> Option<Ask> {
    let view = analysis.symbol(target);
    let question = Question {
        title: format!("Make `{}` async", view.qualified_name()),
        system: SYSTEM,
        code: "The function that blocks",
        instruction: "What the person who asks wants of it",
        request: format!("Write the function `{}` as `async def`. Its callers will await it.", view.local_name()),
    };
    Some(question.ask(context, instruction))
}

const SYSTEM: &str = "\
You turn one Python function of an existing program that blocks into one that awaits. Answer with one ```python block that \
holds the whole function, then one line `Confidence: N`, where N from 0 to 1 is how sure you are that it is right.

Rules:
- The function is an `async def` with the same name, parameters, docstring and result, and awaits what took its time.
- Use what is asynchronous in the program or in Python's standard library, or else `await asyncio.to_thread(...)`.
- Otherwise it must do what it did: the same results, the same exceptions, the same order of effects.
- Use only names that are shown, that the function's file imports or defines, or that come from Python's standard \
library. Do not guess names of attributes or parameters.
- If the body needs another import, put it above the function in the same block.
- Write nothing else: no other functions, no usage, no placeholders, no explanations.
- ";

fn accept(analysis: &Analysis, target: SymbolId, code: &str) -> Result<SourceChange, Refusal> {
    let reply = Reply::parse(code)?;
    let mut change = function_body::written(analysis, target, code, refactor_function::find, true)?;
    let name = analysis.symbol(target).name;
    let all = functions(reply.statements());
    let given = all.iter().find(|it| it.node.name.as_str() == name);
    if !given.is_some_and(|it| it.node.is_async && awaits(&it.node.body)) {
        let message = format!("the code has no `async def {name}` that awaits something");
        return Err(Refusal::Unfit { code: "not-async", message });
    }
    let parsed = parse(analysis.source(target.file).text());
    let function = refactor_function::find(analysis, target, &parsed).ok_or(Refusal::NoTarget)?;
    let keyword = keyword(function.node, &parsed).ok_or(Refusal::NoTarget)?;
    let mut trees = Trees::default();
    let mut edits = vec![(target.file, TextEdit::insert(keyword, "async "))];
    for called in sites(analysis, target).ok_or(Refusal::NoTarget)? {
        let parsed = trees.get(analysis, called.site.file);
        let call = find_call(parsed, called.site.range).ok_or(Refusal::NoTarget)?;
        let is_tight = nodes(parsed, call.range()).iter().any(|node| binds_tighter(*node, call.range()));
        edits.push((called.site.file, TextEdit::insert(call.start(), if is_tight { "(await " } else { "await " })));
        if is_tight {
            edits.push((called.site.file, TextEdit::insert(call.end(), ")")));
        }
    }
    for (file, edit) in edits {
        let path = analysis.path(file);
        match change.files.iter_mut().find(|known| known.path == path) {
            Some(known) => known.edits.push(edit),
            None => change.files.push(FileEdit { path: path.to_owned(), edits: vec![edit] }),
        }
    }
    change.files.iter_mut().for_each(|file| file.edits.sort_by_key(|edit| edit.range.start()));
    Ok(change)
}

/// Whether `node` takes the call at `range` as an operand that binds tighter than `await`.
fn binds_tighter(node: AnyNodeRef<'_>, range: TextRange) -> bool {
    match node {
        AnyNodeRef::ExprAttribute(it) => it.value.range() == range,
        AnyNodeRef::ExprSubscript(it) => it.value.range() == range,
        AnyNodeRef::ExprCall(it) => it.func.range() == range,
        _ => false,
    }
}

/// Whether something is awaited in `body` itself.
fn awaits(body: &[Stmt]) -> bool {
    struct Search(bool);
    impl Visitor<'_> for Search {
        fn visit_stmt(&mut self, stmt: &Stmt) {
            match stmt {
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
                Stmt::For(it) if it.is_async => self.0 = true,
                Stmt::With(it) if it.is_async => self.0 = true,
                _ => walk_stmt(self, stmt),
            }
        }
        fn visit_expr(&mut self, expr: &Expr) {
            match expr {
                Expr::Await(_) => self.0 = true,
                Expr::Lambda(_) => {}
                _ => walk_expr(self, expr),
            }
        }
    }
    let mut search = Search(false);
    search.visit_body(body);
    search.0
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use syntax::apply_edits;

    use super::*;
    use fixture::Workspace;

    const TEXT: &str = "\
#- /net.py
import time

def fetch(host):
    \"\"\"Waits.\"\"\"
    time.sleep(1)$0
    return [host]
#- /main.py
from net import fetch

async def main():
    first = fetch('a')[0]
    return fetch('b') + [fetch('c')]
";

    fn is_offered(text: &str) -> bool {
        Workspace::with_target(text, offered).1.is_some()
    }

    #[test]
    fn offered_where_every_caller_can_await() {
        assert!(is_offered(TEXT));
        assert!(!is_offered(&TEXT.replace("async def main", "def main")));
        assert!(!is_offered(&TEXT.replace("time.sleep(1)", "print(1)")));
        assert!(!is_offered(&TEXT.replace("[fetch('c')]", "list(map(fetch, 'c'))")));
        assert!(!is_offered(&TEXT.replace("def fetch", "async def fetch")));
    }

    #[track_caller]
    fn check(reply: &str, expected: Expect) {
        let (workspace, target) = Workspace::with_target(TEXT, offered);
        let (analysis, target) = (&workspace.analysis, target.expect("it is offered"));
        expected.assert_eq(&match accept(analysis, target, reply) {
            Err(refusal) => format!("{}: {refusal}\n", refusal.code()),
            Ok(change) => {
                let after = change.files.iter().map(|file| {
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
    fn callers_await() {
        check(
            "import asyncio\n\nasync def fetch(host):\n    await asyncio.sleep(1)\n    return [host]\n",
            expect![[r#"
                #- /net.py
                import time
                import asyncio

                async def fetch(host):
                    """Waits."""
                    await asyncio.sleep(1)
                    return [host]
                #- /main.py
                from net import fetch

                async def main():
                    first = (await fetch('a'))[0]
                    return await fetch('b') + [await fetch('c')]
            "#]],
        );
    }

    #[test]
    fn a_reply_that_does_not_await_is_refused() {
        let refused = || {
            expect![[r#"
                not-async: the code has no `async def fetch` that awaits something
            "#]]
        };
        check("def fetch(host):\n    time.sleep(1)\n    return [host]\n", refused());
        check("async def fetch(host):\n    time.sleep(1)\n    return [host]\n", refused());
    }
}

//! Write tests: has a model write tests for a function, a method or a class.
//!
//! ```python
//! def total(items):      # ← offered here and inside; the tests go to `tests/test_cart.py`
//!     return sum(item.price for item in items)
//! ```
//!
//! A test that cannot fail is refused. They go to the end of the test file that imports the module, or into a new one where the project has its tests. A test that
//! fails may be wrong, or the code: of answers that follow, none may assert less ([`retest`]).

mod assertions;
mod home;
mod vacuous;

use context::Context;
use graph::{Analysis, FileId, SymbolId, SymbolKind, is_test_file};
use syntax::ast::helpers::is_docstring_stmt;
use syntax::ast::visitor::{Visitor, walk_decorator, walk_expr};
use syntax::ast::{Decorator, Expr, Stmt};
use syntax::{FileEdit, Parsed, Ranged, SourceChange, TextEdit, TextRange, TextSize, parse};

pub use self::assertions::{Retest, retest};
use self::assertions::{asserts, tests};
use self::home::Home;
use super::imports::{self, Destination};
use super::layout::newline;
use super::place::comments_above;
use super::question::{Question, Quoted};
use super::reply::{Reply, dotted};
use super::{Ask, Assist, AssistId, Refusal, Scope};

pub(super) const ASSIST: Assist = Assist {
    id: AssistId::WriteTests,
    name: "write-tests",
    title: "Write tests (preview)",
    offered,
    scope,
    ask,
    accept,
    writes_tests: true,
    ..Assist::PLAIN
};

/// The lines of a test file that are shown, for its style.
const SHOWN: usize = 80;

fn offered(analysis: &Analysis, _: &Parsed, file: FileId, range: TextRange) -> Option<SymbolId> {
    let path = analysis.path(file);
    if is_test_file(path) || path.extension().is_some_and(|extension| extension == "pyi") {
        return None;
    }
    let is_function = |id: SymbolId| analysis.symbol(id).kind.is_function();
    let mut symbol = analysis.enclosing(file, range.start());
    // What is inside a function is tested through it.
    while let Some(parent) = analysis.symbol(symbol).parent.filter(|parent| is_function(symbol) && is_function(*parent))
    {
        symbol = parent;
    }
    let view = analysis.symbol(symbol);
    let is_meant = match view.kind {
        SymbolKind::Function | SymbolKind::Method => !view.flags.is_stub && !view.flags.is_overload,
        SymbolKind::Class => view.header.contains_range(range),
        _ => false,
    };
    (is_meant && !view.is_retained() && view.range.contains_range(range)).then_some(symbol)
}

fn scope(analysis: &Analysis, target: SymbolId) -> Option<Scope> {
    let home = Home::of(analysis, target)?;
    let end = home.file.map_or(TextSize::new(0), |file| TextSize::of(&**analysis.source(file).text()));
    Some(Scope { places: vec![(home.path, TextRange::empty(end))], folder: None })
}

fn ask(analysis: &Analysis, target: SymbolId, context: &Context, instruction: Option<&str>) -> Option<Ask> {
    let home = Home::of(analysis, target)?;
    let view = analysis.symbol(target);
    let (name, module) = (view.local_name(), analysis.module_name(target.file));
    let top = name.split('.').next().unwrap_or(&name);
    let mut more = Vec::new();
    if let Some(file) = home.file {
        let lines = analysis.source(file).text().lines().take(SHOWN);
        let text = lines.collect::<Vec<_>>().join("\n");
        more.push(Quoted {
            label: "The beginning of the file that the tests go into".to_owned(),
            text,
            path: home.path,
        });
    }
    let question = Question {
        title: format!("Write tests for `{}`", view.qualified_name()),
        system: SYSTEM,
        code: "The code to test",
        instruction: "What the person who asks wants of it",
        request: format!("Write tests for `{name}`; import it by `from {module} import {top}`."),
    };
    Some(question.ask_with(context, instruction, more))
}

const SYSTEM: &str = "\
You write pytest tests for one function or class of an existing Python program. Answer with one ```python block that holds \
import statements and tests, then one line `Confidence: N`, where N from 0 to 1 is how sure you are that they are right.

Rules:
- Test what the docstring, the names, the types and the callers promise, not what the code happens to do. Where the code \
breaks that promise, a failing test is right.
- Each test is a function `test_...` whose name says what must hold, and asserts something; a few lines each, no loops, no \
conditions. A test that still passes when the code is changed is refused.
- Cover the usual case, the edges, and the exceptions that are promised.
- No skipped and no expectedly failing tests, no network, no sleeping, no files outside of `tmp_path`; mocks only where \
nothing else helps.
- Use only names that are shown, that you import, or that come from Python's standard library or pytest. Do not guess names of \
attributes or parameters.
- Do not repeat tests that are there, nor their names. Write nothing else.
- If a test failed: correct what it expects only if the promise says so. Never make it assert less, and never drop it.
- ";

fn unfit(code: &'static str, message: String) -> Refusal {
    Refusal::Unfit { code, message }
}

fn accept(analysis: &Analysis, target: SymbolId, code: &str) -> Result<SourceChange, Refusal> {
    let home = Home::of(analysis, target).ok_or(Refusal::NoTarget)?;
    let reply = Reply::parse(code)?;
    judge(analysis, target, &reply)?;
    let edits = match home.file {
        None => vec![TextEdit::insert(TextSize::new(0), reply.text().trim().to_owned() + "\n")],
        Some(file) => appended(analysis, file, &reply)?,
    };
    Ok(SourceChange { files: vec![FileEdit { path: home.path, edits }] })
}

/// Whether these are tests of `target` that can fail.
fn judge(analysis: &Analysis, target: SymbolId, reply: &Reply) -> Result<(), Refusal> {
    let all = tests(reply.statements());
    if all.is_empty() {
        return Err(unfit("no-tests", "the code has no function whose name begins with `test_`".to_owned()));
    }
    if let Some(name) = excuse(reply.statements()) {
        return Err(unfit("skipped-test", format!("`{name}` keeps tests from being run, or from failing")));
    }
    for test in &all {
        let name = test.path.join(".");
        if !asserts(test.node, reply.text()) {
            return Err(unfit("no-assertion", format!("`{name}` asserts nothing")));
        }
        if let Some(why) = vacuous::reason(test.node, reply.text()) {
            return Err(unfit("vacuous-test", format!("`{name}` {why}")));
        }
    }
    let view = analysis.symbol(target);
    let wanted = match view.name {
        "__init__" => view.parent.map_or(view.name, |class| analysis.symbol(class).name),
        name => name,
    };
    // Special methods are called by operators.
    if !wanted.starts_with("__") && !mentions(reply.statements(), wanted) {
        return Err(unfit("off-target", format!("no test uses `{wanted}`")));
    }
    if let Some(what) = vacuous::replaced(reply.statements(), wanted, reply.text()) {
        return Err(unfit("replaced-target", format!("`{what}` takes the place of `{wanted}`, which is to be tested")));
    }
    Ok(())
}

/// What skips tests or expects them to fail: `pytest.mark.xfail`, `pytest.skip`, `unittest.skipIf` and the like.
fn excuse(body: &[Stmt]) -> Option<String> {
    struct Search(Option<String>);
    impl Visitor<'_> for Search {
        fn visit_decorator(&mut self, decorator: &Decorator) {
            // It may have been imported by its name alone.
            let name = dotted(&decorator.expression);
            if is_excuse(&name) {
                self.0.get_or_insert(name);
            }
            walk_decorator(self, decorator);
        }
        fn visit_expr(&mut self, expr: &Expr) {
            let name = if expr.is_attribute_expr() { dotted(expr) } else { String::new() };
            if is_excuse(&name)
                && ["pytest.", "unittest.", "self.", "mark."].iter().any(|start| name.starts_with(start))
            {
                self.0.get_or_insert(name);
            }
            walk_expr(self, expr);
        }
    }
    let mut search = Search(None);
    search.visit_body(body);
    search.0
}

fn is_excuse(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    last.starts_with("skip") || matches!(&*last, "xfail" | "expectedfailure" | "importorskip")
}

fn mentions(body: &[Stmt], name: &str) -> bool {
    struct Search<'a>(&'a str, bool);
    impl Visitor<'_> for Search<'_> {
        fn visit_expr(&mut self, expr: &Expr) {
            self.1 |= match expr {
                Expr::Name(it) => it.id.as_str() == self.0,
                Expr::Attribute(it) => it.attr.as_str() == self.0,
                _ => false,
            };
            walk_expr(self, expr);
        }
    }
    let mut search = Search(name, false);
    search.visit_body(body);
    search.1
}

/// The edits that add the tests of `reply` to a file that is there.
fn appended(analysis: &Analysis, file: FileId, reply: &Reply) -> Result<Vec<TextEdit>, Refusal> {
    let text = analysis.source(file).text();
    let parsed = parse(text);
    let newline = newline(text);
    let is_import = |stmt: &&Stmt| matches!(stmt, Stmt::Import(_) | Stmt::ImportFrom(_));
    let (imported, rest): (Vec<&Stmt>, Vec<&Stmt>) = reply.statements().iter().partition(is_import);
    let rest: Vec<Stmt> = rest.into_iter().filter(|stmt| !is_docstring_stmt(stmt)).cloned().collect();
    let known: Vec<&str> =
        analysis.children(analysis.module(file)).into_iter().map(|child| analysis.symbol(child).name).collect();
    let mut added = String::new();
    let mut is_definition = true;
    for stmt in &rest {
        let name = match stmt {
            Stmt::FunctionDef(it) => Some(it.name.as_str()),
            Stmt::ClassDef(it) => Some(it.name.as_str()),
            _ => None,
        };
        if let Some(name) = name.filter(|name| known.contains(name)) {
            let message =
                format!("`{name}` is in the test file already; leave it out, or give what is new another name");
            return Err(unfit("name-taken", message));
        }
        added.push_str(&newline.repeat(if name.is_some() || is_definition { 3 } else { 1 }));
        is_definition = name.is_some();
        let range = TextRange::new(comments_above(reply.text(), stmt.start()), stmt.end());
        let lines: Vec<&str> = reply.text()[range].lines().collect();
        added.push_str(&lines.join(newline));
    }
    let missing = imports::missing(&imported, &rest, &Destination::of(analysis, file, &parsed));
    if let Some(taken) = missing.local.first() {
        return Err(unfit(
            "name-taken",
            format!("`{taken}` would hide a name that the test file uses for something else"),
        ));
    }
    let kept = text.trim_end_matches(['\r', '\n', ' ', '\t']);
    // Empty lines at the end are some of those that are wanted before the first test.
    let there = text[kept.len()..].matches('\n').count();
    let first = added.trim_start_matches(['\r', '\n']);
    let wanted = (added.len() - first.len()) / newline.len();
    let gap = newline.repeat(if kept.is_empty() { 0 } else { wanted.saturating_sub(there) });
    let mut edits = vec![TextEdit::insert(TextSize::of(&**text), format!("{gap}{first}{newline}"))];
    if !missing.global.is_empty() {
        edits.insert(0, imports::insertion(text, &parsed, &missing.global));
    }
    Ok(edits)
}

#[cfg(test)]
#[path = "write_tests/tests.rs"]
mod cases;

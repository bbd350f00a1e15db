//! Explain: what a definition does and how it is tied in.
//!
//! What the graph knows comes first and needs no model: what is called, who calls, what is raised, which tests notice. A
//! model may put that into words; it is shown the same facts and told to add none about other code.

use context::Context;
use graph::{Analysis, Call, Confidence, FileId, SymbolId, SymbolKind};
use syntax::ast::helpers::map_callable;
use syntax::ast::statement_visitor::{StatementVisitor, walk_body, walk_stmt};
use syntax::ast::{ExceptHandler, Expr, Stmt, StmtTry};
use syntax::{Parsed, Ranged, TextRange};

use super::Inquiry;
use super::question::Question;
use super::reply::dotted;
use ide::page::{Line, Page};
use ide::tree::with_tree_of;
use ide::wording::{count, place, uri};
use ide::{Effort, tests_reaching, with_descendants};

/// What it is called in settings and in lists of questions.
pub const NAME: &str = "explain";

/// Longer lists are cut.
const SHOWN: usize = 20;

/// How many definitions the walk to the tests may look at.
const EFFORT: Effort = Effort::thorough(20_000);

/// What the graph knows of a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The qualified name.
    pub symbol: String,
    /// With links.
    pub markdown: String,
    pub plain: String,
}

/// The definition around `offset`, else the module.
pub fn target(analysis: &Analysis, file: FileId, offset: syntax::TextSize) -> SymbolId {
    super::review::target(analysis, file, offset).unwrap_or(analysis.module(file))
}

/// What the graph knows of `id`. The same graph gives the same bytes.
pub fn facts(analysis: &Analysis, id: SymbolId) -> Facts {
    let view = analysis.symbol(id);
    let mut page = Page::default();
    page.heading("# ", &Line::default().code(&view.qualified_name()));
    if view.kind != SymbolKind::Module {
        page.code(&view.signature());
    }
    let start = view.name_range.start();
    page.paragraph(&Line::default().link(&place(analysis, id.file, start), &uri(analysis, id.file, start)));
    if let Some(docstring) = view.docstring {
        let paragraph: Vec<&str> = docstring.trim().lines().take_while(|line| !line.trim().is_empty()).collect();
        page.paragraph(&Line::default().prose(&paragraph.join(" ")));
    }
    if matches!(view.kind, SymbolKind::Class | SymbolKind::Module) {
        members(analysis, id, &mut page);
    }
    relatives(analysis, id, &mut page);
    calls(analysis, id, &mut page);
    callers(analysis, id, &mut page);
    raises(analysis, id, &mut page);
    tests(analysis, id, &mut page);
    let (markdown, plain) = page.into_texts();
    Facts { symbol: view.qualified_name(), markdown, plain }
}

/// What to ask a model about `target`.
pub fn ask(analysis: &Analysis, target: SymbolId, context: &Context, facts: &Facts) -> Inquiry {
    let name = analysis.symbol(target).qualified_name();
    let question = Question {
        title: format!("Explain `{name}`"),
        system: SYSTEM,
        code: "The code to explain",
        instruction: "What is known for certain",
        request: format!("Explain `{name}`."),
    };
    question.inquire(context, Some(&facts.plain))
}

const SYSTEM: &str = "\
You explain code of an existing Python program to somebody who has to change it. Answer in Markdown, at most 300 words, \
without headings and without repeating the code.

Rules:
- Begin with what the code is for, in one sentence. Then how it gets there, step by step, and what is easily overlooked: \
assumptions about the input, side effects, the order of things, what happens when something fails.
- Say of other code only what is shown or listed as certain. Where something cannot be known from that, say so.
- Names in `backticks`.
- ";

fn link(analysis: &Analysis, id: SymbolId) -> Line {
    let view = analysis.symbol(id);
    let start = view.name_range.start();
    let line = Line::default().code_link(&view.qualified_name(), &uri(analysis, id.file, start)).text(" ");
    line.link(&place(analysis, id.file, start), &uri(analysis, id.file, start))
}

fn section(page: &mut Page, title: &str, lines: Vec<Line>) {
    if lines.is_empty() {
        return;
    }
    page.heading("## ", &Line::default().text(title));
    let number = lines.len();
    lines.iter().take(SHOWN).for_each(|line| page.item(line));
    if number > SHOWN {
        page.item(&Line::default().text(&format!("and {} more", number - SHOWN)));
    }
}

fn members(analysis: &Analysis, id: SymbolId, page: &mut Page) {
    let is_code = |id: &SymbolId| {
        let kind = analysis.symbol(*id).kind;
        matches!(kind, SymbolKind::Function | SymbolKind::Method | SymbolKind::Class)
    };
    let members = analysis.children(id).into_iter().filter(is_code).map(|child| {
        let view = analysis.symbol(child);
        let first = view.docstring.and_then(|docstring| docstring.trim().lines().next());
        let line = Line::default().code_link(view.name, &uri(analysis, child.file, view.name_range.start()));
        first.map_or(line.clone(), |first| line.text(": ").prose(first))
    });
    section(page, "Defines", members.collect());
}

fn relatives(analysis: &Analysis, id: SymbolId, page: &mut Page) {
    let all = match analysis.symbol(id).kind {
        SymbolKind::Class => [("inherits", analysis.bases(id)), ("inherited by", analysis.subclasses(id))],
        SymbolKind::Method => [("overrides", analysis.overridden(id)), ("overridden by", analysis.overriding(id))],
        _ => return,
    };
    let lines = all.into_iter().flat_map(|(what, ids)| {
        let line = move |id: SymbolId| Line::default().text(what).text(" ").append(link(analysis, id));
        ids.into_iter().map(line)
    });
    section(page, "Related", lines.collect());
}

/// What is called inside: in the workspace, outside, and what nobody can follow.
fn calls(analysis: &Analysis, id: SymbolId, page: &mut Page) {
    let source = analysis.source(id.file);
    let inside: Vec<SymbolId> =
        with_descendants(analysis, id).into_iter().filter(|&it| analysis.symbol(it).body.is_some()).collect();
    let mut lines: Vec<(TextRange, Line)> = Vec::new();
    let mut outside: Vec<(TextRange, String)> = Vec::new();
    for &caller in &inside {
        for Call { other, sites, confidence } in analysis.callees(caller) {
            let Some(first) = sites.first() else { continue };
            let numbers: Vec<String> =
                sites.iter().map(|site| source.line_number(site.range.start()).to_string()).collect();
            let what = if numbers.len() == 1 { "line" } else { "lines" };
            let line = link(analysis, other).text(&format!(", in {what} {}", numbers.join(", ")));
            let line = if confidence == Confidence::Possible { line.text(" (possible)") } else { line };
            lines.push((first.range, line));
        }
        outside.extend(analysis.external_calls(caller));
        for (range, reason) in analysis.unresolved_calls(caller) {
            let line = Line::default()
                .code(source.slice(range))
                .text(&format!(", in line {}: nobody can follow it ({reason})", source.line_number(range.start())));
            lines.push((range, line));
        }
    }
    lines.sort_by_key(|(range, _)| range.start());
    let mut lines: Vec<Line> = lines.into_iter().map(|(_, line)| line).collect();
    outside.sort_by_key(|(range, _)| range.start());
    let mut names: Vec<String> = Vec::new();
    outside.into_iter().for_each(|(_, name)| {
        if !names.contains(&name) {
            names.push(name);
        }
    });
    if !names.is_empty() {
        let all = names.iter().enumerate();
        let line = all.fold(Line::default().text("outside the workspace: "), |line, (index, name)| {
            line.separated(index == 0).code(name)
        });
        lines.push(line);
    }
    section(page, "Calls", lines);
}

fn callers(analysis: &Analysis, id: SymbolId, page: &mut Page) {
    let calls = analysis.callers(id);
    let (tests, code): (Vec<Call>, Vec<Call>) =
        calls.into_iter().partition(|call| analysis.symbol(call.other).flags.is_test);
    let line = |call: Call| {
        let line = link(analysis, call.other);
        let at = call.sites.first().map(|site| (site.file, site.range.start()));
        let line = at.map_or(line.clone(), |(file, at)| {
            line.text(", called at ").link(&place(analysis, file, at), &uri(analysis, file, at))
        });
        if call.confidence == Confidence::Possible { line.text(" (possible)") } else { line }
    };
    let is_called = !tests.is_empty() || !code.is_empty();
    if analysis.symbol(id).kind == SymbolKind::Module {
        let importers = analysis.importers(id.file).into_iter().map(|file| link(analysis, analysis.module(file)));
        return section(page, "Imported by", importers.collect());
    }
    section(page, "Called by", code.into_iter().chain(tests).map(line).collect());
    if !is_called {
        section(page, "Called by", vec![Line::default().text("no caller was found")]);
    }
}

fn tests(analysis: &Analysis, id: SymbolId, page: &mut Page) {
    if analysis.symbol(id).flags.is_test {
        return;
    }
    let reach = tests_reaching(analysis, id, EFFORT);
    let lines = reach.tests.iter().map(|&test| {
        let between = reach.path(test).len().saturating_sub(2);
        let line = link(analysis, test);
        if between == 0 { line } else { line.text(&format!(", through {}", count(between, "other function"))) }
    });
    let lines: Vec<Line> = lines.collect();
    let none = || vec![Line::default().text(if reach.complete { "none" } else { "none was found" })];
    section(page, "Tests that reach it", if lines.is_empty() { none() } else { lines });
}

/// The exceptions that the code raises itself, and those of functions that it calls and does not catch around the call.
fn raises(analysis: &Analysis, id: SymbolId, page: &mut Page) {
    if analysis.symbol(id).kind == SymbolKind::Module {
        return;
    }
    let own = raised(analysis, id);
    let line = |file: FileId, (name, range): &(String, TextRange)| {
        let at = place(analysis, file, range.start());
        Line::default().code(name).text(" ").link(&at, &uri(analysis, file, range.start()))
    };
    let mut lines: Vec<Line> = own.found.iter().map(|it| line(id.file, it)).collect();
    let mut seen: Vec<String> = own.found.iter().map(|(name, _)| name.clone()).collect();
    for call in analysis.callees(id) {
        let is_sure = call.confidence != Confidence::Possible && call.other != id;
        let is_free = |site: &graph::CallSite| !own.tries.iter().any(|range| range.contains_range(site.range));
        let is_function = matches!(analysis.symbol(call.other).kind, SymbolKind::Function | SymbolKind::Method);
        if !is_sure || !is_function || !call.sites.iter().any(is_free) {
            continue;
        }
        for raised in raised(analysis, call.other).found {
            if !seen.contains(&raised.0) {
                let through = Line::default().text(", through ").code(&analysis.symbol(call.other).local_name());
                lines.push(line(call.other.file, &raised).append(through));
                seen.push(raised.0);
            }
        }
    }
    section(page, "Raises", lines);
}

/// What a definition raises with `raise`, as far as it is not caught there.
#[derive(Default)]
struct Raised {
    found: Vec<(String, TextRange)>,
    /// Bodies of `try` with handlers.
    tries: Vec<TextRange>,
}

fn raised(analysis: &Analysis, id: SymbolId) -> Raised {
    let range = analysis.symbol(id).range;
    let look = |parsed: &Parsed| {
        let mut search = Search { range, caught: Vec::new(), raised: Raised::default(), is_inside: false };
        walk_body(&mut search, parsed.statements());
        search.raised
    };
    with_tree_of(analysis, id.file, look).unwrap_or_default()
}

struct Search {
    range: TextRange,
    /// Names that handlers around the place catch; `None` catches all.
    caught: Vec<Option<String>>,
    raised: Raised,
    is_inside: bool,
}

impl Search {
    fn visit_try(&mut self, it: &StmtTry) {
        let known = self.caught.len();
        for ExceptHandler::ExceptHandler(handler) in &it.handlers {
            let types: Vec<&Expr> = match handler.type_.as_deref() {
                None => Vec::new(),
                Some(Expr::Tuple(tuple)) => tuple.elts.iter().collect(),
                Some(one) => vec![one],
            };
            let all = types.is_empty();
            self.caught.extend(types.into_iter().map(|it| Some(dotted(it))));
            self.caught.extend(all.then_some(None));
        }
        if let (Some(first), Some(last)) = (it.body.first(), it.body.last())
            && !it.handlers.is_empty()
        {
            self.raised.tries.push(TextRange::new(first.start(), last.end()));
        }
        walk_body(self, &it.body);
        self.caught.truncate(known);
        for ExceptHandler::ExceptHandler(handler) in &it.handlers {
            walk_body(self, &handler.body);
        }
        walk_body(self, &it.orelse);
        walk_body(self, &it.finalbody);
    }

    fn catches(&self, name: &str) -> bool {
        self.caught.iter().any(|caught| match caught.as_deref() {
            None | Some("Exception" | "BaseException") => true,
            Some(caught) => caught == name,
        })
    }
}

impl StatementVisitor<'_> for Search {
    fn visit_stmt(&mut self, stmt: &Stmt) {
        if !self.is_inside {
            // What is asked about may stand in any definition or block.
            self.is_inside = stmt.range() == self.range;
            if self.is_inside || stmt.range().contains_range(self.range) {
                walk_stmt(self, stmt);
            }
            self.is_inside &= stmt.range() != self.range;
            return;
        }
        match stmt {
            // Another function raises that, if anybody calls it.
            Stmt::FunctionDef(_) => {}
            Stmt::Try(it) => self.visit_try(it),
            Stmt::Raise(raise) => {
                let name = raise.exc.as_deref().map(|raised| dotted(map_callable(raised))).unwrap_or_default();
                let last = name.rsplit('.').next().unwrap_or_default();
                let is_new = !self.raised.found.iter().any(|(known, _)| *known == name);
                if last.starts_with(|c: char| c.is_uppercase()) && is_new && !self.catches(&name) {
                    self.raised.found.push((name, stmt.range()));
                }
            }
            _ => walk_stmt(self, stmt),
        }
    }
}

#[cfg(test)]
mod tests {
    use context::{Options, context};
    use expect_test::{Expect, expect};

    use super::*;
    use fixture::Workspace;

    const TEXT: &str = "\
#- /shop.py
from money import rate


class Cart:
    \"\"\"What is bought.\"\"\"

    def total(self, prices):
        \"\"\"The sum.

        More.
        \"\"\"
        if not prices:
            raise ValueError('nothing')
        try:
            first = rate(prices[0])
            raise KeyError(first)
        except KeyError:
            raise errors.Odd from None
        def inner():
            raise TypeError
        return$0 sum(rate(price) for price in prices) + self.unknown()


def pay(cart: Cart):
    return cart.total([1])
#- /money.py
def rate(price):
    if price < 0:
        raise LookupError(price)
    return price
#- /test_shop.py
from shop import Cart, pay

def test_total():
    assert Cart().total([1])

def test_pay():
    assert pay(Cart())
";

    #[track_caller]
    fn check(text: &str, expected: Expect) {
        let workspace = Workspace::new(text);
        let (file, offset) = workspace.cursor();
        let id = target(&workspace.analysis, file, offset);
        expected.assert_eq(&facts(&workspace.analysis, id).plain);
    }

    #[test]
    fn explanation_of_a_method() {
        check(
            TEXT,
            expect![[r#"
            shop.Cart.total

            def total(self, prices)

            shop.py:7

            The sum.

            Calls

            - money.rate money.py:1, in lines 15, 21
            - unknown, in line 21: nobody can follow it (the receiver's type is known, but not this member of it)
            - outside the workspace: ValueError, KeyError, sum

            Called by

            - shop.pay shop.py:24, called at shop.py:25
            - test_shop.test_total test_shop.py:3, called at test_shop.py:4

            Raises

            - ValueError shop.py:13
            - errors.Odd shop.py:18
            - LookupError money.py:3, through rate

            Tests that reach it

            - test_shop.test_total test_shop.py:3
            - test_shop.test_pay test_shop.py:6, through 1 other function
        "#]],
        );
    }

    #[test]
    fn a_class_and_a_module() {
        check(
            &TEXT.replace("$0", "").replace("class Cart:", "class$0 Cart:"),
            expect![[r#"
            shop.Cart

            class Cart

            shop.py:4

            What is bought.

            Defines

            - total: The sum.

            Calls

            - money.rate money.py:1, in lines 15, 21
            - unknown, in line 21: nobody can follow it (the receiver's type is known, but not this member of it)
            - outside the workspace: ValueError, KeyError, sum

            Called by

            - test_shop.test_total test_shop.py:3, called at test_shop.py:4
            - test_shop.test_pay test_shop.py:6, called at test_shop.py:7

            Tests that reach it

            - test_shop.test_total test_shop.py:3
            - test_shop.test_pay test_shop.py:6
        "#]],
        );
        check(
            &TEXT.replace("$0", "").replace("from money", "$0from money"),
            expect![[r#"
            shop

            shop.py:1

            Defines

            - Cart: What is bought.
            - pay

            Calls

            - money.rate money.py:1, in lines 15, 21
            - unknown, in line 21: nobody can follow it (the receiver's type is known, but not this member of it)
            - shop.Cart.total shop.py:7, in line 25
            - outside the workspace: ValueError, KeyError, sum

            Imported by

            - test_shop test_shop.py:1

            Tests that reach it

            - test_shop.test_total test_shop.py:3
            - test_shop.test_pay test_shop.py:6
        "#]],
        );
    }

    #[test]
    fn links_lead_to_definitions() {
        let workspace = Workspace::new(TEXT);
        let (file, offset) = workspace.cursor();
        let id = target(&workspace.analysis, file, offset);
        let markdown = facts(&workspace.analysis, id).markdown;
        assert!(markdown.starts_with("# `shop.Cart.total`\n"), "{markdown}");
        assert!(
            markdown.contains("[`money.rate`](file:///money.py#L1) [money.py:1](file:///money.py#L1)"),
            "{markdown}"
        );
    }

    #[test]
    fn a_model_is_shown_the_facts() {
        let workspace = Workspace::new(TEXT);
        let (file, offset) = workspace.cursor();
        let analysis = &workspace.analysis;
        let id = target(analysis, file, offset);
        let seen = context(analysis, id, 1000, &Options::default());
        let facts = facts(analysis, id);
        let asked = ask(analysis, id, &seen, &facts);
        assert_eq!(asked.title, "Explain `shop.Cart.total`");
        assert!(asked.user.contains("through rate") && asked.user.contains("raise ValueError"), "{}", asked.user);
    }
}

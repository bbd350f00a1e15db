//! What is known about a definition of the workspace.

use graph::{Analysis, Call, Confidence, FileId, Symbol, SymbolId, SymbolKind, Unresolved};
use rustc_hash::FxHashSet;
use syntax::{Source, TextRange, TextSize};

use super::page::{Line, Page};
use super::{SHOWN, first_line};
use crate::fixtures::{Requests, is_fixture};
use crate::impact::{Effort, Reach, runs_unseen, tests_reaching, with_descendants};
use crate::wording::{count, place, uri};

/// How many definitions the walk to the tests may look at: a few milliseconds.
const EFFORT: Effort = Effort::quick(2000);

/// How many unresolved calls are shown.
const UNRESOLVED_SHOWN: usize = 3;

type Point = (FileId, TextSize);

/// Writes all that is known about `id`; lists begin with what is nearest to `here`.
pub(super) fn describe(analysis: &Analysis, here: Point, id: SymbolId, page: &mut Page) {
    let symbol = analysis.symbol(id);
    page.code(&code(analysis, &symbol));
    page.paragraph(&origin(analysis, &symbol));
    if let Some(paragraph) = symbol.docstring.and_then(first_paragraph) {
        page.paragraph(&Line::default().prose(&paragraph));
    }
    match symbol.kind {
        SymbolKind::Module => importers(analysis, here, id.file, page),
        SymbolKind::Class => {
            relatives(analysis, "inherits ", &analysis.bases(id), page);
            relatives(analysis, "inherited by ", &analysis.subclasses(id), page);
        }
        SymbolKind::Function | SymbolKind::Method | SymbolKind::Lambda => {
            relatives(analysis, "overrides ", &analysis.overridden(id), page);
            relatives(analysis, "overridden by ", &analysis.overriding(id), page);
        }
        SymbolKind::Variable | SymbolKind::Attribute => {
            types(analysis, id.file, symbol.name_range.start(), page);
            uses(analysis, here, id, page);
            touched(analysis, &tests_reaching(analysis, id, EFFORT), page);
            return;
        }
    }
    if is_fixture(analysis, &symbol) {
        requests(analysis, id, page);
    } else if symbol.flags.is_property {
        uses(analysis, here, id, page);
    } else if runs_unseen(&symbol) && analysis.callers(id).is_empty() {
        page.item(&Line::default().text("run by operators and protocols; where is not known"));
    } else if symbol.kind != SymbolKind::Module && !symbol.flags.is_test {
        callers(analysis, here, id, page);
    }
    if !symbol.flags.is_test {
        touched(analysis, &tests_reaching(analysis, id, EFFORT), page);
    }
    if symbol.kind != SymbolKind::Module {
        calls(analysis, id, page);
    }
}

/// `Cart.add`, leading to its definition.
pub(super) fn link(line: Line, analysis: &Analysis, id: SymbolId) -> Line {
    let symbol = analysis.symbol(id);
    let name = match symbol.kind {
        SymbolKind::Module => symbol.qualified_name(),
        _ => symbol.local_name(),
    };
    line.code_link(&name, &uri(analysis, id.file, symbol.name_range.start()))
}

/// Which classes of the workspace the value of a name may have.
pub(super) fn types(analysis: &Analysis, file: FileId, offset: TextSize, page: &mut Page) {
    let (own, held) = analysis.types_at(file, offset);
    relatives(analysis, "of type ", &own, page);
    relatives(analysis, "holds or returns ", &held, page);
}

pub(crate) fn code(analysis: &Analysis, symbol: &Symbol<'_>) -> String {
    match symbol.kind {
        SymbolKind::Module => format!("import {}", analysis.module_name(symbol.id.file)),
        SymbolKind::Variable | SymbolKind::Attribute => first_line(analysis.source(symbol.id.file).slice(symbol.range)),
        SymbolKind::Class => {
            let children = analysis.children(symbol.id);
            let init = children.iter().map(|&child| analysis.symbol(child)).find(|child| child.name == "__init__");
            let init = init.map(|init| format!(":\n    {}", init.signature())).unwrap_or_default();
            format!("{}{init}", symbol.signature().trim_end_matches(':'))
        }
        SymbolKind::Function | SymbolKind::Method | SymbolKind::Lambda => symbol.signature(),
    }
}

/// "class method of `Cart`, shop/cart.py:12".
fn origin(analysis: &Analysis, symbol: &Symbol<'_>) -> Line {
    let mut line = Line::default().text(kind(analysis, symbol));
    if let Some(parent) = symbol.parent {
        let parent = analysis.symbol(parent);
        let name = if parent.kind == SymbolKind::Module { parent.qualified_name() } else { parent.local_name() };
        line = line.text(" of ").code(&name);
    }
    let (file, start) = (symbol.id.file, symbol.name_range.start());
    line.text(", ").link(&place(analysis, file, start), &uri(analysis, file, start))
}

/// "class method".
pub(crate) fn kind(analysis: &Analysis, symbol: &Symbol<'_>) -> &'static str {
    let flags = &symbol.flags;
    match symbol.kind {
        SymbolKind::Module => "module",
        SymbolKind::Class if flags.is_test => "tests",
        SymbolKind::Class => "class",
        SymbolKind::Function | SymbolKind::Method if flags.is_test => "test",
        SymbolKind::Function | SymbolKind::Method if is_fixture(analysis, symbol) => "fixture",
        SymbolKind::Function | SymbolKind::Method if flags.is_property => "property",
        SymbolKind::Method if flags.is_classmethod => "class method",
        SymbolKind::Method if flags.is_staticmethod => "static method",
        SymbolKind::Method if flags.is_abstract => "abstract method",
        SymbolKind::Method => "method",
        SymbolKind::Function => "function",
        SymbolKind::Lambda => "lambda",
        SymbolKind::Variable => "variable",
        SymbolKind::Attribute => "attribute",
    }
}

/// The paragraph as one line; nothing when the text begins with an example.
pub(crate) fn first_paragraph(docstring: &str) -> Option<String> {
    let lines = docstring.lines().skip_while(|line| line.trim().is_empty());
    let lines: Vec<&str> = lines.take_while(|line| !line.trim().is_empty()).map(str::trim).collect();
    (!lines.is_empty() && !lines[0].starts_with(">>>")).then(|| lines.join(" "))
}

fn relatives(analysis: &Analysis, what: &str, relatives: &[SymbolId], page: &mut Page) {
    if relatives.is_empty() {
        return;
    }
    let mut line = Line::default().text(what);
    for (index, &relative) in relatives.iter().take(SHOWN).enumerate() {
        line = link(line.separated(index == 0), analysis, relative);
    }
    page.item(&and_more(line, relatives.len()));
}

fn and_more(line: Line, number: usize) -> Line {
    if number > SHOWN { line.text(&format!(" and {} more", number - SHOWN)) } else { line }
}

fn callers(analysis: &Analysis, here: Point, id: SymbolId, page: &mut Page) {
    let mut callers = analysis.callers(id);
    if callers.is_empty() {
        // Handing a function over is not calling it, but it does not look unused either.
        let named = analysis.references(id).len();
        let found = if named == 0 { String::new() } else { format!("; named at {}", count(named, "place")) };
        page.item(&Line::default().text(&format!("no caller found{found}")));
        return;
    }
    let site = |call: &Call| call.sites.first().map(|site| (site.file, site.range.start()));
    callers.sort_by_cached_key(|call| {
        let at = site(call).unwrap_or((call.other.file, TextSize::new(0)));
        (analysis.symbol(call.other).flags.is_test, distance(analysis, here, at))
    });
    page.item(&Line::default().text(&count(callers.len(), "caller")));
    for call in callers.iter().take(SHOWN) {
        let mut line = link(Line::default(), analysis, call.other);
        if let Some((file, offset)) = site(call) {
            line = line.text(" ").link(&place(analysis, file, offset), &uri(analysis, file, offset));
        }
        page.detail(&if call.confidence == Confidence::Possible { line.text(" (possible)") } else { line });
    }
    rest(callers.len(), page);
}

/// Who pytest calls a fixture for.
fn requests(analysis: &Analysis, id: SymbolId, page: &mut Page) {
    let users = Requests::of(analysis).of_fixture(analysis, id);
    page.item(&Line::default().text(&count(users.len(), "user")));
    definitions(analysis, &users, page);
}

fn definitions(analysis: &Analysis, symbols: &[SymbolId], page: &mut Page) {
    for &symbol in symbols.iter().take(SHOWN) {
        let start = analysis.symbol(symbol).name_range.start();
        let line = link(Line::default(), analysis, symbol).text(" ");
        page.detail(&line.link(&place(analysis, symbol.file, start), &uri(analysis, symbol.file, start)));
    }
    rest(symbols.len(), page);
}

fn rest(number: usize, page: &mut Page) {
    if number > SHOWN {
        page.detail(&Line::default().text(&format!("and {} more", number - SHOWN)));
    }
}

/// The same file first, then by the folders between, then by distance in the text.
fn distance(analysis: &Analysis, from: Point, to: Point) -> (usize, u32) {
    let (a, b) = (analysis.path(from.0), analysis.path(to.0));
    let shared = a.components().zip(b.components()).take_while(|(a, b)| a == b).count();
    let steps = a.components().count() + b.components().count() - 2 * shared;
    let bytes = if from.0 == to.0 { u32::from(from.1).abs_diff(to.1.into()) } else { to.1.into() };
    (steps, bytes)
}

fn importers(analysis: &Analysis, here: Point, file: FileId, page: &mut Page) {
    let mut importers = analysis.importers(file);
    importers.sort_by_cached_key(|&importer| distance(analysis, here, (importer, TextSize::new(0))));
    if importers.is_empty() {
        page.item(&Line::default().text("no module of the workspace imports it"));
        return;
    }
    page.item(&Line::default().text(&format!("imported by {}", count(importers.len(), "module"))));
    for &importer in importers.iter().take(SHOWN) {
        page.detail(&link(Line::default(), analysis, analysis.module(importer)));
    }
    rest(importers.len(), page);
}

fn uses(analysis: &Analysis, here: Point, id: SymbolId, page: &mut Page) {
    let mut sites = analysis.references(id);
    let writes = sites.iter().filter(|site| site.write).count();
    let reads = sites.len() - writes;
    let words = match (reads, writes) {
        (0, 0) => "no use found".to_owned(),
        (_, 0) => format!("read at {}", count(reads, "place")),
        (_, _) => format!("read at {}, written again at {}", count(reads, "place"), count(writes, "place")),
    };
    page.item(&Line::default().text(&words));
    sites.sort_by_cached_key(|site| distance(analysis, here, (site.file, site.range.start())));
    for site in sites.iter().take(SHOWN) {
        let start = site.range.start();
        let line = link(Line::default(), analysis, site.within).text(" ");
        page.detail(&line.link(&place(analysis, site.file, start), &uri(analysis, site.file, start)));
    }
    rest(sites.len(), page);
}

/// "changing this touches 14 functions in 6 modules; 3 tests reach it".
fn touched(analysis: &Analysis, reach: &Reach, page: &mut Page) {
    let modules = count(reach.modules, "module");
    let touched = match (reach.functions, reach.modules) {
        (0, 0) => String::new(),
        (0, _) => format!("changing this touches the statements of {modules}; "),
        (functions, _) => {
            format!("changing this touches {}{} in {modules}; ", reach.at_least(), count(functions, "function"))
        }
    };
    let tests = match reach.tests.len() {
        0 if reach.complete => "no test reaches it".to_owned(),
        0 => "no test was found that reaches it".to_owned(),
        1 if reach.complete => "1 test reaches it".to_owned(),
        tests => format!("{}{} reach it", reach.at_least(), count(tests, "test")),
    };
    page.item(&Line::default().text(&format!("{touched}{tests}")));
    definitions(analysis, &reach.tests, page);
}

/// What is called inside, and which of these calls nobody can follow.
fn calls(analysis: &Analysis, id: SymbolId, page: &mut Page) {
    let mut callees: Vec<SymbolId> = Vec::new();
    let mut external = FxHashSet::default();
    let mut unresolved: Vec<(TextRange, Unresolved)> = Vec::new();
    let mut sites = 0;
    let inside = with_descendants(analysis, id).into_iter();
    for inside in inside.filter(|&inside| analysis.symbol(inside).body.is_some()) {
        for call in analysis.callees(inside) {
            sites += call.sites.len();
            if !callees.contains(&call.other) {
                callees.push(call.other);
            }
        }
        for (_, name) in analysis.external_calls(inside) {
            sites += 1;
            external.insert(name);
        }
        unresolved.extend(analysis.unresolved_calls(inside));
    }
    if !callees.is_empty() {
        relatives(analysis, "calls ", &callees, page);
    }
    if !external.is_empty() {
        let functions = count(external.len(), "function");
        page.item(&Line::default().text(&format!("calls {functions} outside the workspace")));
    }
    if !unresolved.is_empty() {
        page.item(&not_resolved(analysis, id.file, &unresolved, sites + unresolved.len()));
    }
}

fn not_resolved(analysis: &Analysis, file: FileId, calls: &[(TextRange, Unresolved)], sites: usize) -> Line {
    let source = analysis.source(file);
    let mut line = Line::default().text(&match (calls.len(), sites) {
        (1, 1) => "the only call inside is not resolved: ".to_owned(),
        (1, _) => format!("1 of {sites} calls inside is not resolved: "),
        (number, _) => format!("{number} of {sites} calls inside are not resolved: "),
    });
    for (index, (range, reason)) in calls.iter().take(UNRESOLVED_SHOWN).enumerate() {
        let number = format!("line {}", source.line_number(range.start()));
        line = line.separated(index == 0).code(&callee(source, *range)).text(" in ");
        line = line.link(&number, &uri(analysis, file, range.start())).text(&format!(" ({reason})"));
    }
    line.text(if calls.len() > UNRESOLVED_SHOWN { ", …" } else { "" })
}

/// `rates.of` for the token `of`; what stands before a call or a subscript is left out: `….of`.
fn callee(source: &Source, name: TextRange) -> String {
    let before = source.slice(TextRange::up_to(name.start()));
    let receiver = before.trim_end_matches(|c: char| c == '.' || c == '_' || c.is_alphanumeric());
    let receiver = &before[receiver.len()..];
    let dots = if receiver.starts_with('.') { "…" } else { "" };
    format!("{dots}{receiver}{}", first_line(source.slice(name)))
}

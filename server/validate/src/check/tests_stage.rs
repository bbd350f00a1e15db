//! Doctests of what was edited, and the tests that reach it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use graph::{Analysis, FileId, SymbolId, SymbolKind};
use sandbox::{Action, Outcome, Request};

use super::expected::{Expected, Test, examples};
use super::{Comparison, baseline};
use crate::Behaviour;

/// Tests that are run for one candidate. The nearest come first; a suite belongs to CI.
const MAX_TESTS: usize = 20;

/// Functions with doctests that are run for one candidate.
const MAX_DOCTESTS: usize = 10;

/// Definitions that are looked at on the way from the edit to tests.
const MAX_VISITED: usize = 5_000;

#[derive(Debug, Default)]
pub(super) struct Plan {
    pub requests: Vec<Request>,
    /// What each of them has to tell of.
    pub expected: Vec<Expected>,
    /// What there was no room for.
    pub left_out: Option<String>,
}

/// Functions whose old and new version are run side by side.
const MAX_COMPARED: usize = 3;

/// Inputs that they are both given.
const INPUTS: u32 = 200;

/// Tests that are run with the old version of one function, to be called with what they call it.
const MAX_RECORDED: usize = 10;

pub(super) fn plan(comparison: &Comparison, behaviour: Behaviour) -> Plan {
    let (before, after) = (&comparison.before, &comparison.after);
    let mut plan = Plan::default();
    let roots: BTreeSet<&Path> = after.roots().iter().map(PathBuf::as_path).collect();
    let (tests, mut complete) = affected_tests(comparison);
    let with_doctest = |&symbol: &SymbolId| after.symbol(symbol).flags.has_doctest;
    let doctests: Vec<SymbolId> = comparison.edited_functions().filter(with_doctest).collect();
    for root in roots {
        let overlay = comparison.files.iter().filter_map(|edited| {
            let path = edited.path.strip_prefix(root).ok()?;
            Some((path.to_owned(), edited.after.to_string()))
        });
        let overlay: Vec<(PathBuf, String)> = overlay.collect();
        let request = |action| Request { overlay: overlay.clone(), ..Request::new(root, action) };
        let mut add = |action, expected| {
            plan.requests.push(request(action));
            plan.expected.push(expected);
        };
        let here = doctests.iter().filter_map(|symbol| Some((symbol, relative(after, root, *symbol)?)));
        for (&symbol, path) in here.take(MAX_DOCTESTS) {
            let examples = examples(after, symbol).max(comparison.earlier(symbol).map_or(0, |it| examples(before, it)));
            let name = Some(after.symbol(symbol).local_name());
            add(Action::Doctest { path: path.to_owned(), name }, Expected { examples, ..Expected::default() });
        }
        if behaviour != Behaviour::Any {
            compared(comparison, root).take(MAX_COMPARED).for_each(|action| add(action, Expected::default()));
        }
        let all: Vec<(SymbolId, String)> = node_ids(after, root, &tests).collect();
        complete &= all.len() <= MAX_TESTS;
        let run = all.into_iter().take(MAX_TESTS).map(|(symbol, id)| Test::new(comparison, symbol, id));
        let tests: Vec<Test> = run.collect();
        if !tests.is_empty() {
            let targets = tests.iter().map(|test| test.id.clone()).collect();
            add(Action::Pytest { targets }, Expected { tests, ..Expected::default() });
        }
    }
    if doctests.len() > MAX_DOCTESTS || !complete {
        plan.left_out = Some(format!("more tests than the nearest {MAX_TESTS} that reach the edit"));
    }
    plan
}

/// The tests that reach the edit, nearest first, and whether that is all. First come those that reached it before and do
/// not any longer, as far as anybody can tell: an edit must not choose the tests that it is run with.
fn affected_tests(comparison: &Comparison) -> (Vec<SymbolId>, bool) {
    let (before, after) = (&comparison.before, &comparison.after);
    let (now, is_all) = tests_reaching(after, comparison.edited_functions());
    let (then, was_all) = tests_reaching(before, comparison.functions_before());
    let known: BTreeSet<SymbolId> = now.iter().copied().collect();
    let lost = then.into_iter().filter_map(|test| same(before, test, after)).filter(|test| !known.contains(test));
    (lost.chain(now.iter().copied()).collect(), is_all && was_all)
}

/// The symbol of the same name in the same file of another state of the workspace.
pub(super) fn same(from: &Analysis, symbol: SymbolId, to: &Analysis) -> Option<SymbolId> {
    let file = to.file(from.path(symbol.file))?;
    to.find(&from.symbol(symbol).qualified_name()).into_iter().find(|it| it.file == file)
}

/// The edited functions of `root` that were there before, to be run beside what they were.
fn compared<'a>(comparison: &'a Comparison, root: &'a Path) -> impl Iterator<Item = Action> + 'a {
    let after = &comparison.after;
    comparison.edited_functions().filter_map(move |symbol| {
        let edited = comparison.edited(after.path(symbol.file))?;
        let was_there = comparison.earlier(symbol).is_some();
        let path = edited.path.strip_prefix(root).ok().filter(|_| after.root_of(&edited.path) == Some(root))?;
        was_there.then(|| Action::Generated {
            path: path.to_owned(),
            function: after.symbol(symbol).local_name(),
            inputs: INPUTS,
            seed: 0,
            against: Some(edited.before.to_string()),
            tests: called_by(comparison, root, symbol),
        })
    })
}

/// The tests to be called with what they call a function with.
fn called_by(comparison: &Comparison, root: &Path, symbol: SymbolId) -> Vec<String> {
    let (tests, _) = tests_reaching(&comparison.after, [symbol].into_iter());
    node_ids(&comparison.after, root, &tests).take(MAX_RECORDED).map(|(_, id)| id).collect()
}

/// The tests of `root`, and how pytest names them.
fn node_ids<'a>(
    analysis: &'a Analysis,
    root: &'a Path,
    tests: &'a [SymbolId],
) -> impl Iterator<Item = (SymbolId, String)> + 'a {
    tests.iter().filter_map(move |&test| {
        let path = relative(analysis, root, test)?;
        Some((test, node_id(path, &analysis.symbol(test).local_name())))
    })
}

/// The path of a symbol's file in its root, if that is `root`.
fn relative<'a>(analysis: &'a Analysis, root: &Path, symbol: SymbolId) -> Option<&'a Path> {
    let path = analysis.path(symbol.file);
    (analysis.root_of(path) == Some(root)).then(|| path.strip_prefix(root).ok()).flatten()
}

/// The requests whose outcome says little by itself, by their index, for the texts before the edit.
pub(super) fn without_edit(
    comparison: &Comparison,
    plan: &Plan,
    outcomes: &[Result<Outcome, String>],
    behaviour: Behaviour,
) -> Vec<(usize, Request)> {
    // What is to become right may well have failed before; only what is to stay as it is may go on failing.
    let is_forgiving = behaviour != Behaviour::Any;
    let all = plan.requests.iter().zip(&plan.expected).zip(outcomes).enumerate();
    let open = all.filter(|(_, ((request, expected), outcome))| {
        outcome.as_ref().is_ok_and(|outcome| !baseline::is_conclusive(request, expected, outcome, is_forgiving))
    });
    open.map(|(index, ((request, _), _))| {
        let there = comparison.files.iter().filter(|edited| comparison.before.file(&edited.path).is_some());
        let overlay = there.filter_map(|edited| {
            Some((edited.path.strip_prefix(&request.root).ok()?.to_owned(), edited.before.to_string()))
        });
        (index, Request { overlay: overlay.collect(), ..request.clone() })
    })
    .collect()
}

/// How pytest names a test.
fn node_id(path: &Path, local_name: &str) -> String {
    let path = path.to_string_lossy().replace('\\', "/");
    format!("{path}::{}", local_name.replace('.', "::"))
}

/// Test functions and methods that reach one of `symbols` through calls, nearest first, and whether that is all.
fn tests_reaching(analysis: &Analysis, symbols: impl Iterator<Item = SymbolId>) -> (Vec<SymbolId>, bool) {
    let mut tests = Vec::new();
    let mut queue: VecDeque<SymbolId> = symbols.collect();
    let mut seen: BTreeSet<SymbolId> = queue.iter().copied().collect();
    let mut by_fixture = None;
    while let Some(at) = queue.pop_front() {
        if seen.len() > MAX_VISITED {
            return (tests, false);
        }
        let symbol = analysis.symbol(at);
        let is_test = symbol.flags.is_test && matches!(symbol.kind, SymbolKind::Function | SymbolKind::Method);
        if is_test {
            tests.push(at);
        }
        if symbol.kind == SymbolKind::Method {
            let named = by_fixture.get_or_insert_with(|| calls_of_fixtures(analysis)).get(symbol.name);
            queue.extend(named.into_iter().flatten().copied().filter(|test| seen.insert(*test)));
        }
        let mut users: Vec<SymbolId> = analysis.callers(at).into_iter().map(|call| call.other).collect();
        // A function inside another, a lambda above all, is called through a value that starts its way out there.
        let is_function = |symbol: &SymbolId| analysis.symbol(*symbol).kind.is_function();
        users.extend(symbol.parent.filter(|parent| symbol.kind.is_function() && is_function(parent)));
        queue.extend(users.into_iter().filter(|user| seen.insert(*user)));
    }
    (tests, true)
}

/// The tests that call something of this name on one of their parameters, which pytest fills in: what a fixture gives,
/// nothing in the test says. A test too many is run sooner than one too few.
fn calls_of_fixtures(analysis: &Analysis) -> BTreeMap<String, Vec<SymbolId>> {
    let mut found: BTreeMap<String, Vec<SymbolId>> = BTreeMap::new();
    for file in analysis.files().filter(|&file| graph::is_test_file(analysis.path(file))) {
        for (range, _) in analysis.open_calls(file).into_iter().filter(|(_, outside)| outside.is_none()) {
            let Some((receiver, name)) = receiver(analysis, file, range.start().to_usize(), range.end().to_usize())
            else {
                continue;
            };
            let id = analysis.enclosing(file, range.start());
            let test = analysis.symbol(id);
            if test.flags.is_test && test.params.iter().any(|param| param.name.as_str() == receiver) {
                found.entry(name.to_owned()).or_default().push(id);
            }
        }
    }
    found
}

/// `a` and `b` of a call `a.b(…)`, by the place of `b`.
fn receiver(analysis: &Analysis, file: FileId, start: usize, end: usize) -> Option<(&str, &str)> {
    let text = analysis.source(file).text();
    let before = text[..start].strip_suffix('.')?;
    let at = before.rfind(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(0, |at| at + 1);
    let at = before.ceil_char_boundary(at);
    Some((&before[at..], &text[start..end]))
}

#[cfg(test)]
mod tests {
    use syntax::TextEdit;

    use super::super::tests::{candidate, judge, load};
    use super::*;
    use crate::Candidate;

    #[test]
    fn what_is_compared_is_called_as_the_nearest_tests_call_it() {
        let tests: Vec<String> = (0..12).map(|n| format!("def test_{n}(): mid()")).collect();
        let text = format!(
            "#- /a.py\ndef f():\n    $1return 1$1\ndef mid(): return f()\n#- /test_a.py\nfrom a import f, mid\n{}\ndef test_near(): f()\n",
            tests.join("\n")
        );
        let (host, path, range) = load(&text);
        let edits = vec![TextEdit::replace(range, "return 2 - 1")];
        let kept = Candidate { behaviour: Behaviour::Preserve, ..candidate(&path, range, edits) };
        let checked = judge(&host, kept);
        let [Request { action: Action::Generated { function, tests, .. }, .. }, _] = checked.tests() else {
            panic!("a comparison and tests")
        };
        assert_eq!((function.as_str(), tests[0].as_str(), tests.len()), ("f", "test_a.py::test_near", MAX_RECORDED));
    }

    #[test]
    fn tests_reach_methods_by_way_of_fixtures() {
        let text = "\
#- /book.py
class Book:
    def total(self):
        $1...$1
    def half(self):
        return self.total() / 2
#- /test_book.py
def test_total(book): assert book.total() == 0
def test_half(book): assert book.half() == 0
def test_other(book): assert book.other() == 0
def test_global(): assert unknown.total() == 0
def helper(book): return book.total()
";
        let (host, path, range) = load(text);
        let checked = judge(&host, candidate(&path, range, vec![TextEdit::replace(range, "return 0")]));
        let [Request { action: Action::Pytest { targets }, .. }] = checked.tests() else { panic!("one run") };
        assert_eq!(targets, &["test_book.py::test_total", "test_book.py::test_half"]);
    }
}

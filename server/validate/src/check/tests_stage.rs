//! Doctests of what was edited, and the tests that reach it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use graph::{Analysis, FileId, SymbolId, SymbolKind};
use ide::{Affected, AffectedTest, TestRecord};
use sandbox::{Action, Outcome, Request};

use super::expected::{Expected, Test, examples};
use super::{Comparison, baseline, laws};
use crate::Behaviour;

/// Tests that are run for one candidate. The nearest come first; a suite belongs to CI.
const MAX_TESTS: usize = 20;

/// Tests that are run after these where none of them has executed anything of the edit.
const MAX_FURTHER: usize = 40;

/// Functions with doctests that are run for one candidate.
const MAX_DOCTESTS: usize = 10;

/// Definitions that are looked at on the way from the edit to tests.
const EFFORT: ide::Effort = ide::Effort::thorough(5_000);

#[derive(Debug, Default)]
pub(super) struct Plan {
    pub requests: Vec<Request>,
    /// What each of them has to tell of.
    pub expected: Vec<Expected>,
    /// The next tests, for where the nearest turn out not to come to the edit: a way that might be taken need not be.
    pub further: Option<(Request, Expected)>,
    /// What is written anew, on generated inputs.
    pub laws: Vec<Request>,
    /// What there was no room for, and what is not known to reach the edit.
    pub left_out: Vec<String>,
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
    let reaching = Reaching::of(comparison);
    let mut left_out = false;
    let with_doctest = |&symbol: &SymbolId| after.symbol(symbol).flags.has_doctest;
    let doctests: Vec<SymbolId> = comparison.edited_functions().filter(with_doctest).collect();
    for root in roots {
        let overlay = comparison.files.iter().filter_map(|edited| {
            let path = edited.path.strip_prefix(root).ok()?;
            Some((path.to_owned(), edited.after.to_string()))
        });
        let overlay: Vec<(PathBuf, String)> = overlay.collect();
        let watched: Vec<PathBuf> = overlay.iter().map(|(path, _)| path.clone()).collect();
        let request =
            |action| Request { overlay: overlay.clone(), watched: watched.clone(), ..Request::new(root, action) };
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
        if behaviour.is_compared() {
            compared(comparison, root).take(MAX_COMPARED).for_each(|action| add(action, Expected::default()));
        }
        plan.laws.extend(laws::actions(comparison, behaviour, root).map(request));
        let mut chosen: Vec<&(SymbolId, String)> =
            reaching.tests.iter().filter(|(test, _)| after.root_of(after.path(test.file)) == Some(root)).collect();
        left_out |= chosen.len() > MAX_TESTS;
        let mut next = chosen.split_off(chosen.len().min(MAX_TESTS));
        next.truncate(MAX_FURTHER);
        let together = |mut chosen: Vec<&(SymbolId, String)>| {
            // As the suite has them: tests may rest on what those before them have left.
            chosen.sort_by_key(|(test, _)| (after.path(test.file), after.symbol(*test).range.start()));
            let tests = chosen.into_iter().map(|(symbol, id)| Test::new(comparison, *symbol, id.clone()));
            let tests: Vec<Test> = tests.collect();
            let targets = tests.iter().map(|test| test.id.clone()).collect();
            (Action::Pytest { targets }, Expected { tests, ..Expected::default() })
        };
        if !chosen.is_empty() {
            let (action, expected) = together(chosen);
            add(action, expected);
        }
        if !next.is_empty() && plan.further.is_none() {
            let (action, expected) = together(next);
            plan.further = Some((request(action), expected));
        }
    }
    if doctests.len() > MAX_DOCTESTS || left_out {
        plan.left_out.push(format!("more tests than the nearest {MAX_TESTS} that reach the edit"));
    }
    if !reaching.is_all {
        plan.left_out.push("other tests may reach the edit: not every way to it can be followed".to_owned());
    }
    if !reaching.by_calls && !reaching.tests.is_empty() {
        let why = "no test is known to call what was edited: those that load its module were taken";
        plan.left_out.push(why.to_owned());
    }
    plan
}

/// The tests that may notice the edit, nearest first, with pytest's names for them.
struct Reaching {
    tests: Vec<(SymbolId, String)>,
    /// Whether every way to them was followed to its end.
    is_all: bool,
    /// Whether they call what was edited, as far as anybody can tell; otherwise they only load its module.
    by_calls: bool,
}

impl Reaching {
    /// Those that any change of the workspace is checked with ([`ide::affected`]). First come those that reached the edit before
    /// and do not any longer: an edit must not choose the tests that it is run with.
    fn of(comparison: &Comparison) -> Self {
        let (before, after) = (&comparison.before, &comparison.after);
        let was = comparison.files.iter().map(|it| (it.path.clone(), before.file(&it.path).map(|_| it.before.clone())));
        let is = comparison.files.iter().map(|it| (it.path.clone(), Some(it.after.clone())));
        let now = affected(after, was.collect());
        let then = affected(before, is.collect());
        let known: Vec<(SymbolId, String)> = of_calls(after, &now).map(|it| (it.test, node_id(after, it))).collect();
        let ids: BTreeSet<&str> = known.iter().map(|(_, id)| id.as_str()).collect();
        let lost = of_calls(before, &then).map(|it| (it.test, node_id(before, it)));
        let lost = lost.filter(|(_, id)| !ids.contains(id.as_str()));
        let mut tests: Vec<(SymbolId, String)> =
            lost.filter_map(|(test, id)| Some((same(before, test, after)?, id))).collect();
        tests.extend(known);
        let by_calls = !tests.is_empty();
        if !by_calls {
            let modules: Vec<FileId> = comparison.files.iter().filter_map(|it| after.file(&it.path)).collect();
            let loading = ide::tests_loading(after, &modules).into_iter();
            tests.extend(loading.filter_map(|test| {
                let root = after.root_of(after.path(test.file))?;
                Some((test, ide::node_id(after, root, test)))
            }));
        }
        Reaching { tests, is_all: now.is_followed && then.is_followed, by_calls }
    }
}

fn affected(analysis: &Analysis, other: Vec<ide::Earlier>) -> Affected {
    ide::affected(analysis, &other, |_| |_| TestRecord::default(), EFFORT)
}

/// Those that reach the change by calls; the others load a module whose statements have changed.
fn of_calls<'a>(analysis: &'a Analysis, affected: &'a Affected) -> impl Iterator<Item = &'a AffectedTest> {
    let loads =
        |test: &&AffectedTest| test.via.get(1).is_some_and(|&next| analysis.symbol(next).kind == SymbolKind::Module);
    affected.tests.iter().filter(move |test| !loads(test))
}

/// pytest's name for a test: of an inherited one, in the class that inherits it.
fn node_id(analysis: &Analysis, test: &AffectedTest) -> String {
    let root = analysis.root_of(analysis.path(test.test.file)).unwrap_or(Path::new(""));
    let id = ide::node_id(analysis, root, test.test);
    let is_class = analysis.symbol(test.test).kind == SymbolKind::Class;
    let inherited = test.via.iter().find(|&&id| is_class && analysis.symbol(id).kind.is_function());
    inherited.map_or(id.clone(), |&method| format!("{id}::{}", analysis.symbol(method).name))
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
            calls: Vec::new(),
        })
    })
}

/// The tests whose calls of a function are recorded.
fn called_by(comparison: &Comparison, root: &Path, symbol: SymbolId) -> Vec<String> {
    let after = &comparison.after;
    let tests = ide::tests_reaching(after, symbol, EFFORT).tests.into_iter();
    let here = tests.filter(|test| after.root_of(after.path(test.file)) == Some(root));
    here.take(MAX_RECORDED).map(|test| ide::node_id(after, root, test)).collect()
}

/// The path of a symbol's file in its root, if that is `root`.
fn relative<'a>(analysis: &'a Analysis, root: &Path, symbol: SymbolId) -> Option<&'a Path> {
    let path = analysis.path(symbol.file);
    (analysis.root_of(path) == Some(root)).then(|| path.strip_prefix(root).ok()).flatten()
}

/// Whether a request is for tests of the file at `path`.
fn is_target(request: &Request, path: &Path) -> bool {
    let Action::Pytest { targets } = &request.action else { return false };
    let file = |target: &str| request.root.join(target.split("::").next().unwrap_or_default());
    targets.iter().any(|target| file(target) == path)
}

/// The requests whose outcome says little by itself, by their index, for the texts before the edit.
pub(super) fn without_edit(
    comparison: &Comparison,
    plan: &Plan,
    outcomes: &[Result<Outcome, String>],
) -> Vec<(usize, Request)> {
    let all = plan.requests.iter().zip(&plan.expected).zip(outcomes).enumerate();
    let open = all.filter(|(_, ((request, expected), outcome))| {
        outcome.as_ref().is_ok_and(|outcome| !baseline::is_conclusive(request, expected, outcome))
    });
    open.map(|(index, ((request, _), _))| {
        // An empty file stands in for new tests: what comes before them may fail by itself, as a `conftest.py` does.
        let is_there = |path: &Path| comparison.before.file(path).is_some() || is_target(request, path);
        let there = comparison.files.iter().filter(|edited| is_there(&edited.path));
        let overlay = there.filter_map(|edited| {
            Some((edited.path.strip_prefix(&request.root).ok()?.to_owned(), edited.before.to_string()))
        });
        (index, Request { overlay: overlay.collect(), watched: Vec::new(), ..request.clone() })
    })
    .collect()
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

    fn targets(text: &str, new: &str) -> (Vec<String>, Vec<String>) {
        let (host, path, range) = load(text);
        let checked = judge(&host, candidate(&path, range, vec![TextEdit::replace(range, new)]));
        let targets = checked.tests().iter().flat_map(|request| match &request.action {
            Action::Pytest { targets } => targets.clone(),
            _ => Vec::new(),
        });
        let targets = targets.collect();
        (targets, checked.finish(None, None).evidence.unchecked)
    }

    const BOOK: &str = "\
#- /book.py
class Book:
    def total(self):
        $1...$1
    def half(self):
        return self.total() / 2
";

    #[test]
    fn tests_reach_methods_by_way_of_fixtures_and_run_in_the_order_of_their_file() {
        let text = format!(
            "{BOOK}#- /conftest.py
import pytest, library
@pytest.fixture
def book(): return library.load('book')
#- /library.py
import book
def load(name): return getattr(book, name.title())()
#- /test_book.py
def test_half(book): assert book.half() == 0
def test_total(book): assert book.total() == 0
def test_other(book): assert book.other() == 0
"
        );
        assert_eq!(targets(&text, "return 0").0, ["test_book.py::test_half", "test_book.py::test_total"]);
    }

    #[test]
    fn inherited_tests_are_named_in_the_class_that_inherits_them() {
        let text = format!(
            "{BOOK}#- /test_book.py
from book import Book
class Base:
    def test_total(self): assert Book().total() == 0
class TestBook(Base): pass
"
        );
        assert_eq!(targets(&text, "return 0").0, ["test_book.py::TestBook::test_total"]);
    }

    #[test]
    fn where_no_test_calls_the_edit_those_that_load_its_module_are_taken() {
        let text = format!(
            "{BOOK}LIMIT = 1
#- /test_book.py
import book
def test_limit(): assert book.LIMIT == 1
#- /test_other.py
def test_other(): assert True
"
        );
        let (found, unchecked) = targets(&text, "return 0");
        assert_eq!(found, ["test_book.py::test_limit"]);
        assert!(unchecked.iter().any(|it| it.contains("those that load its module were taken")), "{unchecked:?}");
    }

    #[test]
    fn where_the_nearest_tests_do_not_come_to_the_edit_the_next_are_run() {
        let far: Vec<String> = (0..30).map(|n| format!("def test_{n}(): mid()\n")).collect();
        let text = format!(
            "#- /a.py\ndef f():\n    $1...$1\ndef mid(): return f()\n#- /test_a.py\nfrom a import f, mid\n{}",
            far.concat()
        );
        let (host, path, range) = load(&text);
        let mut checked = judge(&host, candidate(&path, range, vec![TextEdit::replace(range, "return 1")]));
        let run = |request: &Request, executed: &[u32]| {
            let Action::Pytest { targets } = &request.action else { panic!("{request:?}") };
            let tests = targets.iter().map(|id| sandbox::TestResult {
                id: id.clone(),
                path: "test_a.py".into(),
                line: 2,
                verdict: sandbox::Verdict::Passed,
                returned: true,
                millis: 1,
                message: None,
            });
            let covered = targets.iter().map(|id| sandbox::Covered { test: id.clone(), functions: executed.to_vec() });
            let function = sandbox::Function { path: "a.py".into(), name: "f".into() };
            let coverage =
                sandbox::Coverage { functions: vec![function], tests: covered.collect(), loaded: Vec::new() };
            let (tests, passed) = (tests.collect(), targets.len() as u32);
            Ok(Outcome { tests, passed, coverage, ..Outcome::without_run(sandbox::Status::Passed, "") })
        };
        let nearest = checked.tests()[0].clone();
        checked.record_outcomes(vec![run(&nearest, &[])]);
        let [further] = &checked.more_tests()[..] else { panic!("further tests") };
        let Action::Pytest { targets } = &further.action else { panic!("{further:?}") };
        assert_eq!(targets.len(), 10);
        checked.record_outcomes(vec![run(further, &[0])]);
        let evidence = checked.finish(None, None).evidence;
        assert_eq!(evidence.tests.iter().map(|run| (run.passed, run.telling)).collect::<Vec<_>>(), [(20, 0), (10, 10)]);
    }
}

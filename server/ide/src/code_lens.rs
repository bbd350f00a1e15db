//! Lenses above definitions: who calls them, and what can be run.
//!
//! Listing is cheap and asks the graph nothing; the title of a lens is computed when an editor shows it.

use graph::{Analysis, FileId, SymbolId, SymbolKind};
use syntax::TextRange;
use syntax::ast::Stmt;

use crate::collection::is_collected;
use crate::fixtures::{Requests, is_fixture};
use crate::impact::{Effort, runs_unseen, tests_reaching};
use crate::runnables::{Runnable, runnables};
use crate::tree::with_tree;
use crate::wording::count;

/// How many definitions a title may look at. Scrolling resolves dozens of lenses at once.
const EFFORT: Effort = Effort::quick(500);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lens {
    /// The name of what the lens belongs to.
    pub range: TextRange,
    pub kind: LensKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LensKind {
    /// Its title is [`callers_title`].
    Callers(SymbolId),
    /// Its title is [`RunnableKind::title`](crate::RunnableKind::title).
    Run(Runnable),
}

/// The lenses of `file` in source order. Neither tests nor the methods behind operators have a callers' lens: what calls
/// them stands nowhere in the text.
pub fn code_lenses(analysis: &Analysis, file: FileId) -> Vec<Lens> {
    let mut lenses = Vec::new();
    for symbol in analysis.symbols(file) {
        let view = analysis.symbol(symbol);
        let can_be_called = matches!(view.kind, SymbolKind::Class | SymbolKind::Function | SymbolKind::Method);
        if can_be_called && !is_collected(analysis, &view) && !runs_unseen(&view) {
            lenses.push(Lens { range: view.name_range, kind: LensKind::Callers(symbol) });
        }
    }
    let runs = runnables(analysis, file).into_iter();
    lenses.extend(runs.map(|runnable| Lens { range: runnable.name_range, kind: LensKind::Run(runnable) }));
    lenses.sort_by_key(|lens| lens.range.start());
    lenses
}

/// "7 callers · 3 tests", "1 caller", "no callers"; "3+ tests" when there may be more. A fixture has users, and a property
/// uses. While a signature does not fit who calls it: "breaks 4 of 11 callers"; so it does where the definition had another
/// name in `saved`, the text of its file as others know it, and they still use that. In the end what a method overrides.
pub fn callers_title(analysis: &Analysis, symbol: SymbolId, saved: Option<&str>) -> String {
    let view = analysis.symbol(symbol);
    let callers = if is_fixture(analysis, &view) {
        count(Requests::of(analysis).of_fixture(analysis, symbol).len(), "user")
    } else if view.flags.is_property {
        count(analysis.references(symbol).len(), "use")
    } else {
        let incompatible = analysis.incompatible_callers(symbol);
        let renamed = saved.and_then(|saved| renamed_from(analysis, symbol, saved));
        let lost = match (renamed, view.parent) {
            (Some(name), Some(owner)) => analysis.users_of_gone(owner, &name).len(),
            _ => 0,
        };
        match incompatible.broken + lost {
            0 => count(incompatible.all, "caller"),
            broken => format!("breaks {broken} of {}", count(incompatible.all + lost, "caller")),
        }
    };
    let reach = tests_reaching(analysis, symbol, EFFORT);
    let mut title = match reach.tests.len() {
        0 => callers,
        tests if reach.complete => format!("{callers} · {}", count(tests, "test")),
        tests => format!("{callers} · {tests}+ tests"),
    };
    // That a class is made in a way of its own goes without saying.
    let overridden = if view.name == "__init__" { Vec::new() } else { analysis.overridden(symbol) };
    if let Some(&overridden) = overridden.first() {
        title.push_str(&format!(" · overrides {}", analysis.symbol(overridden).local_name()));
    }
    title
}

/// The name that a definition had in the text `saved`: where as many names are gone from its class or module as there are
/// new ones, they are taken to be the same in order.
pub fn renamed_from(analysis: &Analysis, symbol: SymbolId, saved: &str) -> Option<String> {
    let view = analysis.symbol(symbol);
    let owner = view.parent?;
    // Nothing is parsed unless the name is new.
    if analysis.source(symbol.file).text().as_ref() == saved || is_defined(saved, view.name) {
        return None;
    }
    let path = analysis.symbol(owner).local_name();
    let before = with_tree(saved, |parsed| definitions(parsed.statements(), &path)).flatten()?;
    let is_definition = |kind| matches!(kind, SymbolKind::Class | SymbolKind::Function | SymbolKind::Method);
    let children = analysis.children(owner).into_iter().map(|id| analysis.symbol(id));
    let now: Vec<&str> = children.filter(|child| is_definition(child.kind)).map(|child| child.name).collect();
    let gone: Vec<&String> = before.iter().filter(|name| !now.contains(&name.as_str())).collect();
    let new: Vec<&&str> = now.iter().filter(|name| !before.iter().any(|it| it == **name)).collect();
    let at = new.iter().position(|name| **name == view.name)?;
    (gone.len() == new.len()).then(|| gone[at].clone())
}

/// Whether `text` has a definition called `name`, wherever.
fn is_defined(text: &str, name: &str) -> bool {
    ["def ", "class "].iter().any(|keyword| {
        let header = format!("{keyword}{name}");
        let mut found = text.match_indices(&header).map(|(at, it)| &text[at + it.len()..]);
        found.any(|rest| rest.starts_with(['(', ':', '[', ' ']))
    })
}

/// The names of what is defined in the class `path`, in the module if it is empty. `None` when there is no such class.
fn definitions(mut body: &[Stmt], path: &str) -> Option<Vec<String>> {
    for class in path.split('.').filter(|part| !part.is_empty()) {
        body = body.iter().find_map(|statement| match statement {
            Stmt::ClassDef(it) if it.name.as_str() == class => Some(&*it.body),
            _ => None,
        })?;
    }
    let names = body.iter().filter_map(|statement| match statement {
        Stmt::FunctionDef(it) => Some(it.name.to_string()),
        Stmt::ClassDef(it) => Some(it.name.to_string()),
        _ => None,
    });
    Some(names.collect())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use fixture::Workspace;

    fn check(text: &str, expected: Expect) {
        let workspace = Workspace::new(text);
        let file = workspace.first_file();
        let mut out = String::new();
        for lens in code_lenses(&workspace.analysis, file) {
            let source = workspace.analysis.source(file);
            let title = match &lens.kind {
                LensKind::Callers(symbol) => callers_title(&workspace.analysis, *symbol, None),
                LensKind::Run(runnable) => runnable.kind.title().to_owned(),
            };
            let line = source.line_number(lens.range.start());
            out.push_str(&format!("{line} {}: {title}\n", source.slice(lens.range)));
        }
        expected.assert_eq(&out);
    }

    #[test]
    fn callers_and_tests() {
        let text = "\
#- /cart.py
class Cart:
    def add(self): return self.check()
    def check(self): pass
    def __len__(self): return self.size
    @property
    def size(self): return 1
def unused(): pass
def used(): return Cart().add()
#- /test_cart.py
from cart import Cart, used
def test_add(): Cart().add()
def test_used(): used()
";
        check(
            text,
            expect![[r#"
                1 Cart: 2 callers · 2 tests
                2 add: 2 callers · 2 tests
                3 check: 1 caller · 2 tests
                6 size: 1 use
                7 unused: no callers
                8 used: 1 caller · 1 test
            "#]],
        );
    }

    #[test]
    fn what_is_overridden_is_named() {
        let text = "\
class A:
    def __init__(self): pass
    def f(self): pass
class B(A): pass
class C(B):
    def __init__(self): pass
    def f(self): pass
";
        check(
            text,
            expect![[r#"
                1 A: no callers
                2 __init__: no callers
                3 f: no callers
                4 B: no callers
                5 C: no callers
                6 __init__: no callers
                7 f: no callers · overrides A.f
            "#]],
        );
    }

    #[test]
    fn tests_are_run_and_not_counted() {
        check(
            "#- /test_a.py\nclass TestA:\n    def test_b(self): pass\ndef helper(): pass\n",
            expect![[r#"
            1 : ▶ run
            1 TestA: ▶ run
            2 test_b: ▶ run
            3 helper: no callers
        "#]],
        );
    }

    #[test]
    fn fixtures_have_users() {
        let text = "\
#- /conftest.py
import pytest
@pytest.fixture
def cart(): pass
@pytest.fixture
def full(cart): pass
#- /test_a.py
def test_b(full): pass
";
        check(
            text,
            expect![[r#"
            3 cart: 1 user · 1 test
            5 full: 1 user · 1 test
        "#]],
        );
    }

    #[test]
    fn more_tests_than_were_looked_at() {
        let mut text = String::from("#- /a.py\ndef f0(): pass\n");
        for n in 1..600 {
            text.push_str(&format!("def f{n}(): f{}()\n", n - 1));
        }
        text.push_str("#- /test_a.py\nfrom a import f3, f599\ndef test_near(): f3()\ndef test_far(): f599()\n");
        let workspace = Workspace::new(&text);
        assert_eq!(callers_title(&workspace.analysis, workspace.symbol("a.f0"), None), "1 caller · 1+ tests");
    }

    #[test]
    fn callers_that_break() {
        let text = "\
#- /cart.py
def total(parts, *, rate): ...
class Cart:
    def __init__(self, owner): ...
    def add(self, item): ...
#- /a.py
from cart import Cart, total
def one(): total([])
def two(): return total([], rate=2), total([], 2)
def three(): total([], rate=1)
def make(): return Cart()
def use(cart: Cart): cart.add()
";
        check(
            text,
            expect![[r#"
            1 total: breaks 2 of 3 callers
            2 Cart: breaks 1 of 1 caller
            3 __init__: breaks 1 of 1 caller
            4 add: breaks 1 of 1 caller
        "#]],
        );
    }

    #[test]
    fn a_new_name_breaks_who_uses_the_old_one() {
        let text = "\
#- /cart.py
def sum_up(parts): ...
class Cart:
    def put(self, item): ...
    def size(self): ...
#- /a.py
from cart import Cart, total
def one(): total([])
def two(): return total([])
def use(cart: Cart): cart.add(1), cart.size()
";
        let saved = "def total(parts): ...\nclass Cart:\n    def add(self, item): ...\n    def size(self): ...\n";
        let workspace = Workspace::new(text);
        let title = |name: &str| callers_title(&workspace.analysis, workspace.symbol(name), Some(saved));
        assert_eq!(title("cart.sum_up"), "breaks 2 of 2 callers");
        assert_eq!(title("cart.Cart.put"), "breaks 1 of 1 caller");
        assert_eq!(title("cart.Cart.size"), "1 caller");
    }
}

//! The verdict on whole candidates.

use std::path::PathBuf;
use std::sync::Arc;

use expect_test::{Expect, expect};
use fixture::Fixture;
use lint::{Gate, Ruff};
use sandbox::{Action, Failure, Outcome, Status};
use syntax::{FileEdit, SourceChange, TextEdit, TextSize};

use super::*;
use crate::{Behaviour, Level, Scope};

/// What is to be run again, without the edit.
pub(crate) fn without_edit(checked: &Checked) -> Vec<sandbox::Request> {
    if matches!(checked.pending, Some(Pending::WithoutEdit(_))) { checked.more_tests() } else { Vec::new() }
}

/// A workspace, and where its `$1…$1` is: the place that may be edited.
pub(crate) fn load(text: &str) -> (AnalysisHost, PathBuf, TextRange) {
    let fixture = Fixture::parse(text);
    let mut change = Change::default();
    for file in &fixture.files {
        change.set(PathBuf::from(&file.path), Arc::from(file.text.as_str()));
    }
    let mut host = AnalysisHost::new(vec![PathBuf::from("/")]);
    host.apply(change);
    let (file, start, end) = fixture.ranges(1)[0];
    let range = TextRange::new(TextSize::new(start as u32), TextSize::new(end as u32));
    (host, PathBuf::from(&fixture.files[file].path), range)
}

pub(crate) fn candidate(path: &Path, range: TextRange, edits: Vec<TextEdit>) -> Candidate {
    Candidate {
        title: "Edit".to_owned(),
        change: SourceChange { files: vec![FileEdit { path: path.to_owned(), edits }] },
        scope: Scope { places: vec![(path.to_owned(), range)], folder: None, imports: true },
        fixes_code: None,
        behaviour: Behaviour::Any,
        tested: None,
        removed: Vec::new(),
    }
}

/// Puts `new` into the place `$1…$1`.
fn replaced(text: &str, new: &str) -> Checked {
    let (host, path, range) = load(text);
    judge(&host, candidate(&path, range, vec![TextEdit::replace(range, new)]))
}

/// With the gate alone.
pub(crate) fn judge(host: &AnalysisHost, candidate: Candidate) -> Checked {
    let ruff = Ruff::with_user_settings(None);
    without_laws(check(host, candidate, &Inspection { linters: &[&Gate(&ruff)], ..Inspection::default() }))
}

/// Where there is no test, what has to hold of any function is not tried either.
pub(crate) fn without_laws(mut checked: Checked) -> Checked {
    if checked.tests().is_empty() && !checked.more_tests().is_empty() {
        checked.record_outcomes(Vec::new());
    }
    checked
}

pub(crate) fn draw(checked: &Checked) -> String {
    let mut out: String = checked.findings().iter().map(|finding| format!("{finding}\n")).collect();
    for (stage, result) in &checked.results {
        if *result != CheckResult::Passed {
            out.push_str(&format!("{stage} {result}\n"));
        }
    }
    checked.tests().iter().for_each(|request| out.push_str(&format!("run {:?}\n", request.action)));
    checked.unchecked.iter().for_each(|open| out.push_str(&format!("open: {open}\n")));
    out
}

#[track_caller]
fn verify(text: &str, new: &str, expected: Expect) {
    expected.assert_eq(&draw(&replaced(text, new)));
}

const SHOP: &str = "\
#- /shop/__init__.py
#- /shop/cart.py
class Cart:
    def __init__(self): self.lines = []
    def subtotal(self): return sum(self.lines)
    def is_empty(self): return not self.lines
    def add(self, line, times=1): self.lines.append(line * times)
#- /shop/price.py
from shop.cart import Cart

broken_before = undefined_before

def price(cart: Cart, rate):
    $1...$1

def quote():
    return price(Cart(), 2)
#- /tests/test_price.py
from shop.price import price, quote
def test_price(): assert price(None, 1) == 0
def test_quote(): assert quote() == 0
def test_other(): assert True
";

#[test]
fn a_good_candidate_goes_on_to_the_tests() {
    verify(
        SHOP,
        "return cart.subtotal() * rate",
        expect![[r#"
            run Pytest { targets: ["tests/test_price.py::test_price", "tests/test_price.py::test_quote"] }
        "#]],
    );
}

#[test]
fn what_does_not_parse_is_not_judged_further() {
    verify(
        SHOP,
        "return cart.(",
        expect![[r#"
                shop/price.py:6: Expected an identifier [syntax: syntax-error]
                shop/price.py:6: Expected `)`, found newline [syntax: syntax-error]
                syntax failed
                scope not-run: it does not parse
                graph not-run: it does not parse
                lint not-run: it does not parse
                security not-run: it does not parse
                tests not-run: it does not parse
            "#]],
    );
    verify(
        SHOP,
        "await cart",
        expect![[r#"
                shop/price.py:6: `await` should be used within an async function [syntax: PLE1142]
                syntax failed
                scope not-run: it does not parse
                graph not-run: it does not parse
                lint not-run: it does not parse
                security not-run: it does not parse
                tests not-run: it does not parse
            "#]],
    );
    verify(
        "$1x = 1$1\n",
        "return 1; yield",
        expect![[r#"
                main.py:1: `return` statement outside of a function/method [syntax: F706]
                main.py:1: `yield` statement outside of a function [syntax: F704]
                syntax failed
                scope not-run: it does not parse
                graph not-run: it does not parse
                lint not-run: it does not parse
                security not-run: it does not parse
                tests not-run: it does not parse
            "#]],
    );
}

#[test]
fn names_members_and_calls_of_the_new_code() {
    verify(
        SHOP,
        "return cart.total_amount() + missing",
        expect![[r#"
            shop/price.py:6: `missing` is not defined [graph: undefined-name]
            shop/price.py:6: `Cart` has no member `total_amount`; it has `subtotal`, `is_empty`, `lines`, `add` [graph: missing-member]
            graph failed
            tests not-run: an earlier check failed
            open: 1 call in the new code whose target is not known
        "#]],
    );
    verify(
        SHOP,
        "cart.add(); cart.add(1, 2, 3); cart.add(line=1, twice=2); cart.add(1, times=2)",
        expect![[r#"
            shop/price.py:6: missing argument `line`; `shop.cart.Cart.add` is `def add(self, line, times=1)` [graph: incompatible-call]
            shop/price.py:6: too many arguments: 3 given, at most 2 taken; `shop.cart.Cart.add` is `def add(self, line, times=1)` [graph: incompatible-call]
            shop/price.py:6: unknown argument `twice`; `shop.cart.Cart.add` is `def add(self, line, times=1)` [graph: incompatible-call]
            graph failed
            tests not-run: an earlier check failed
        "#]],
    );
    verify(
        SHOP,
        "import nunpy, json; from shop.cart import Card; import shop.cards; return nunpy, json",
        expect![[r#"
            shop/price.py:6: `import nunpy`: `nunpy` is not in the standard library, not installed or declared for this project, and not used anywhere else in it [graph: unknown-module]
            shop/price.py:6: `from shop.cart import Card` finds nothing [graph: unresolved-import]
            shop/price.py:6: `import shop.cards` finds nothing [graph: unresolved-import]
            graph failed
            tests not-run: an earlier check failed
        "#]],
    );
    verify(
        SHOP,
        "try:\n        import fast\n    except ImportError:\n        fast = None\n    return fast",
        expect![[r#"
            run Pytest { targets: ["tests/test_price.py::test_price", "tests/test_price.py::test_quote"] }
        "#]],
    );
}

#[test]
fn only_what_is_new_counts() {
    let (host, path, range) = load(SHOP);
    let moved = TextEdit::insert(TextSize::new(0), "import json\n");
    let new = TextEdit::replace(range, "return json.dumps(cart.subtotal())");
    let checked = judge(&host, candidate(&path, range, vec![moved, new]));
    assert_eq!(checked.findings(), []);
}

#[test]
fn what_the_workspace_does_elsewhere_is_allowed() {
    let text = "\
#- /style.py
class Style: pass
def paint(style: Style, name):
    setattr(style, name, 1)
#- /a.py
from style import Style
def f(style: Style): return style.ERROR
def g(style: Style):
    $1return style.BOLD$1
";
    verify(
        text,
        "return style.ERROR",
        expect![[r#"
            tests not-run: no test or doctest reaches the edit
            open: behaviour: no test or doctest reaches the edit
        "#]],
    );
    verify(
        text,
        "return style.BOLD",
        expect![[r#"
            a.py:4: `Style` has no member `BOLD` [graph: missing-member]
            graph failed
            tests not-run: an earlier check failed
        "#]],
    );
}

#[test]
fn callers_elsewhere_are_checked_too() {
    let text = "\
#- /a.py
$1def f(x): return x$1
class C:
    def m(self): return 1
#- /b.py
import a
def g(): return a.f(1)
def h(): return a.f(1)
#- /c.py
from b import g
from a import f
print(g(), f(2))
";
    verify(
        text,
        "def f(x, y): return x",
        expect![[r#"
            b.py:2: missing argument `y`; `a.f` is `def f(x, y)` [graph: incompatible-call]
            b.py:3: missing argument `y`; `a.f` is `def f(x, y)` [graph: incompatible-call]
            c.py:3: missing argument `y`; `a.f` is `def f(x, y)` [graph: incompatible-call]
            graph failed
            tests not-run: an earlier check failed
        "#]],
    );
    verify(
        text,
        "def renamed(x): return x",
        expect![[r#"
            a.py: `f` is gone [scope: lost-definition]
            a.py: `renamed` is new, and was not asked for [scope: new-definition]
            b.py:2: `a` has no member `f`; it has `C`, `renamed` [graph: missing-member]
            b.py:3: `a` has no member `f`; it has `C`, `renamed` [graph: missing-member]
            c.py:2: `from a import f` finds nothing [graph: unresolved-import]
            scope failed
            graph failed
            tests not-run: an earlier check failed
        "#]],
    );
    verify(
        text,
        "def f(x, y=1): return x",
        expect![[r#"
            tests not-run: no test or doctest reaches the edit
            open: behaviour: no test or doctest reaches the edit
        "#]],
    );
}

#[test]
fn a_known_package_may_be_imported_again() {
    let text = "#- /a.py\nimport numpy\n#- /b.py\ndef f():\n    $1pass$1\n";
    verify(
        text,
        "import numpy.linalg; import numpie",
        expect![[r#"
            b.py:2: `import numpie`: `numpie` is not in the standard library, not installed or declared for this project, and not used anywhere else in it [graph: unknown-module]
            graph failed
            tests not-run: an earlier check failed
        "#]],
    );
}

#[test]
fn import_cycles() {
    let text = "#- /a.py\ndef f():\n    return 1\n$1x = 1$1\n#- /b.py\nimport c\n#- /c.py\nfrom a import f\n";
    verify(
        text,
        "import b",
        expect![[r#"
            a.py:3: this import closes a cycle: a → b → c → a [graph: import-cycle]
            graph failed
            tests not-run: an earlier check failed
        "#]],
    );
    verify(
        text,
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import b",
        expect![[r#"
            tests not-run: no test or doctest reaches the edit
            open: behaviour: no test or doctest reaches the edit
        "#]],
    );
    verify(
        text,
        "def g():\n    import b",
        expect![[r#"
            tests not-run: no test or doctest reaches the edit
            open: behaviour: no test or doctest reaches the edit
        "#]],
    );
}

#[test]
fn edits_stay_inside_their_scope() {
    let text = "def f():\n    $1pass$1\n\ndef g():\n    return f()\n";
    let (host, path, range) = load(text);
    let elsewhere = TextRange::new(TextSize::new(23), TextSize::new(24));
    assert_eq!(&text.replace("$1", "")[elsewhere], "g");
    let draw_edits = |edits: Vec<TextEdit>| draw(&judge(&host, candidate(&path, range, edits)));
    expect![[r#"
            main.py:4: this place was not to be edited [scope: outside-edit]
            main.py: `g` is gone [scope: lost-definition]
            main.py: `h` is new, and was not asked for [scope: new-definition]
            scope failed
            tests not-run: an earlier check failed
        "#]]
    .assert_eq(&draw_edits(vec![TextEdit::replace(elsewhere, "h")]));
    expect![[r#"
            tests not-run: no test or doctest reaches the edit
            open: behaviour: no test or doctest reaches the edit
        "#]]
    .assert_eq(&draw_edits(vec![TextEdit::insert(TextSize::new(0), "import os\n")]));
    expect![[r#"
            main.py:1: this place was not to be edited [scope: outside-edit]
            main.py: `x` is new, and was not asked for [scope: new-definition]
            scope failed
            tests not-run: an earlier check failed
        "#]]
    .assert_eq(&draw_edits(vec![TextEdit::insert(TextSize::new(0), "import os; x = 1\n")]));
    expect![[r#"
            main.py: `evil` is new, and was not asked for [scope: new-definition]
            scope failed
            tests not-run: an earlier check failed
        "#]]
    .assert_eq(&draw_edits(vec![TextEdit::replace(range, "pass\n\ndef evil():\n    pass")]));
    expect![[r#"
            main.py: the edits do not fit the text at byte 13 [syntax: misplaced-edit]
            syntax failed
            scope not-run: it does not parse
            graph not-run: it does not parse
            lint not-run: it does not parse
            security not-run: it does not parse
            tests not-run: it does not parse
        "#]]
    .assert_eq(&draw_edits(vec![TextEdit::replace(range, "pass"), TextEdit::replace(range, "x")]));
    let other = Candidate {
        scope: Scope { places: vec![(PathBuf::from("/other.py"), range)], folder: None, imports: true },
        ..candidate(&path, range, vec![TextEdit::replace(range, "return 1")])
    };
    expect![[r#"
            main.py: this file was not to be edited [scope: other-file]
            scope failed
            tests not-run: an earlier check failed
        "#]]
    .assert_eq(&draw(&judge(&host, other)));
}

#[test]
fn insecure_calls_that_are_new() {
    let text = "import os, subprocess as sp\nfrom pickle import loads\ndef f(x):\n    $1eval(x)$1\n";
    let new =
        "eval(x)\n    eval(x)\n    os.system(x)\n    loads(x)\n    sp.run(x, shell=True)\n    sp.run(x, shell=False)";
    verify(
        text,
        new,
        expect![[r#"
                main.py:5: Use of possibly insecure function; consider using `ast.literal_eval` [security: S307]
                main.py:6: Starting a process with a shell, possible injection detected [security: S605]
                main.py:7: `pickle` and modules that wrap it can be unsafe when used to deserialize untrusted data, possible security issue [security: S301]
                main.py:8: `subprocess` call with `shell=True` identified, security issue [security: S602]
                main.py:8: `subprocess.run` starts another program, and neither the function's name, the first sentence of its docstring nor the person who asks speaks of that [security: unasked-program]
                security failed
                tests not-run: an earlier check failed
            "#]],
    );
    verify(
        "def eval(x): return x\ndef f(x):\n    $1pass$1\n",
        "return eval(x)",
        expect![[r#"
            tests not-run: no test or doctest reaches the edit
            open: behaviour: no test or doctest reaches the edit
        "#]],
    );
}

#[test]
fn doctests_and_the_tests_that_reach_the_edit() {
    let text = "\
#- /shop/price.py
def price(x):
    '''
    >>> price(1)
    2
    '''
    $1...$1
class Quote:
    def total(self): return price(1)
#- /tests/test_price.py
from shop.price import Quote
class TestQuote:
    def test_total(self): assert Quote().total() == 2
";
    let checked = replaced(text, "return x + 1");
    let requests: Vec<_> = checked.tests().iter().map(|request| &request.action).collect();
    expect![[r#"
            [
                Doctest {
                    path: "shop/price.py",
                    name: Some(
                        "price",
                    ),
                },
                Pytest {
                    targets: [
                        "tests/test_price.py::TestQuote::test_total",
                    ],
                },
            ]
        "#]]
    .assert_debug_eq(&requests);
    let overlay = &checked.tests()[0].overlay;
    assert_eq!(overlay[0].0, Path::new("shop/price.py"));
    assert!(overlay[0].1.contains("return x + 1"));
}

pub(crate) fn outcome(
    status: Status,
    passed: u32,
    failed: u32,
    failures: &[(&str, u32, &str)],
) -> Result<Outcome, String> {
    let failures = failures.iter().map(|&(path, line, message)| Failure::new(path, line, message)).collect();
    Ok(Outcome { passed, failed, failures, ..Outcome::without_run(status, "why on stderr") })
}

/// The verdict on a good candidate whose only test run came out like this.
fn judged(result: Result<Outcome, String>) -> Verdict {
    let mut checked = replaced(SHOP, "return cart.subtotal() * rate");
    let [request] = checked.tests() else { panic!("one request: {:?}", checked.tests()) };
    assert!(matches!(request.action, Action::Pytest { .. }));
    checked.record_outcomes(vec![result]);
    checked.finish(None, None)
}

#[test]
fn tests_decide() {
    let passed = judged(outcome(Status::Passed, 2, 0, &[]));
    assert!(passed.validated.is_some());
    assert_eq!(passed.evidence.checks[&Stage::Tests], CheckResult::Passed);
    assert_eq!(passed.evidence.unchecked, [] as [&str; 0]);

    let failed = judged(outcome(Status::Failed, 1, 1, &[("tests/test_price.py", 2, "assert 1 == 0")]));
    assert!(failed.validated.is_none());
    assert_eq!(
        failed.evidence.findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["tests/test_price.py:2: assert 1 == 0 [tests: test-failed]"]
    );

    let stopped = judged(outcome(Status::Timeout, 0, 0, &[]));
    assert!(stopped.validated.is_none());
    assert_eq!(stopped.evidence.confidence.level(), Level::Low);
}

#[test]
fn what_cannot_run_is_said_and_is_no_failure() {
    for (result, why) in [
        (outcome(Status::NotRunnable, 0, 0, &[("tests/test_price.py", 1, "needs numpy")]), "needs numpy"),
        (Err("no sandbox".to_owned()), "no sandbox"),
    ] {
        let verdict = judged(result);
        assert!(verdict.validated.is_some(), "{why}");
        let CheckResult::NotRun(said) = &verdict.evidence.checks[&Stage::Tests] else { panic!("{why}") };
        assert!(said.contains(why), "{said}");
        assert!(verdict.evidence.unchecked.iter().any(|open| open.contains(why)), "{:?}", verdict.evidence);
    }
}

#[test]
fn without_tests_behaviour_is_unchecked() {
    let verdict = replaced("def f():\n    $1pass$1\n", "return 1").finish(None, Some(0.9));
    assert!(verdict.validated.is_some());
    assert_eq!(verdict.evidence.unchecked, ["behaviour: no test or doctest reaches the edit"]);
}

#[test]
fn a_change_is_only_for_the_text_that_was_checked() {
    let text = "def f():\n    $1pass$1\n";
    let validated = replaced(text, "return 1").finish(None, None).validated.expect("it is fine");
    let current: Arc<str> = text.replace("$1", "").into();
    assert!(validated.change(|_| Some(current.clone())).is_ok());
    let moved = validated.change(|_| Some("x = 1\n".into())).expect_err("the text is another");
    assert_eq!(moved.path, Path::new("/main.py"));
    assert!(validated.change(|_| None).is_err());
}

#[test]
fn the_card_for_people_and_for_tools() {
    let mut checked = replaced(SHOP, "return cart.subtotal() * rate");
    checked.record_outcomes(vec![outcome(Status::Passed, 2, 0, &[])]);
    let origin = Origin {
        model: "local".to_owned(),
        attempts: 2,
        input_tokens: 1000,
        output_tokens: 50,
        cost: None,
        context: vec!["code of `shop.cart.Cart`, 40 tokens".to_owned()],
    };
    let evidence = checked.finish(Some(origin), Some(0.75)).evidence;
    expect![[r#"
        # Edit

        **Confidence 0.60 (medium)**: tests or compared inputs 1.00 × 1.50, examples 0.00 × 0.50, the model's own statement 0.75 × 0.40; not measured: laws that held, mistakes made on purpose that are noticed, changed lines that were executed, likeness to past mistakes

        ## Checks

        | check | result |
        |---|---|
        | It parses | passed |
        | It changes only what was asked for | passed |
        | Names, imports and calls resolve, callers still fit | passed |
        | Linters find no new error | passed |
        | No insecure construct is new | passed |
        | Tests and doctests pass | passed |

        ## Callers

        - 2 of 2 known call sites still fit (2 exact, 0 inferred)

        ## Tests

        - 2 tests: passed (2 passed, 0 failed, 0 ms)

        ## Origin

        - model `local`, attempt 2
        - 1000 tokens in, 50 tokens out, cost not known
        - it was shown:
          - code of `shop.cart.Cart`, 40 tokens

        ## Diff

        ```diff
        --- a/shop/price.py
        +++ b/shop/price.py
        @@ -3,7 +3,7 @@
         broken_before = undefined_before
        ␠
         def price(cart: Cart, rate):
        -    ...
        +    return cart.subtotal() * rate
        ␠
         def quote():
             return price(Cart(), 2)
        ```
    "#]].assert_eq(&evidence.markdown().replace("\n \n", "\n␠\n"));
    let json = serde_json::to_string(&evidence).expect("plain data");
    let read: Evidence = serde_json::from_str(&json).expect("its own JSON");
    assert_eq!(Evidence { texts: evidence.texts.clone(), ..read }, evidence);
    assert!(json.contains(r#""checks":{"syntax":"passed""#), "{json}");
}

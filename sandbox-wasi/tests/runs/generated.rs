//! Functions on generated inputs, alone and side by side with an older version.

use sandbox::{Action, Outcome, Status};

use crate::check;
use crate::support::Workspace;

const FUNCTIONS: &str = r#"
import dataclasses
import enum
import random
import typing


def clamp(value: int, low: int = 0, high: int = 10) -> int:
    return max(low, min(value, high))


def first(items: list[int]) -> int:
    return items[0]


def root(value: float) -> float:
    """The square root.

    Raises:
        ValueError: if it is negative.
    """
    import math
    return math.sqrt(value)


def parse(text: str) -> int:
    if not text.isdigit():
        raise ValueError("no digits")
    return int(text)


def loose(a, b):
    return a + b


def vague(items: list[typing.Any]) -> int:
    return sum(items)


def count_down(n: int) -> int:
    while n != 0:
        n -= 1
    return n


def roll(sides: int) -> float:
    return random.random()


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@dataclasses.dataclass
class Point:
    x: int
    y: int | None = None
    colour: Colour = Colour.RED

    def scaled(self, factor: int) -> "Point":
        return Point(self.x * factor, self.y, self.colour)

    @staticmethod
    def origin(colour: Colour) -> "Point":
        return Point(0, 0, colour)


def shift(points: dict[str, list[Point]], mode: typing.Literal["a", "b"]) -> list[int]:
    return [point.x + point.y for many in points.values() for point in many]


def connect(callback: typing.Callable[[int], str], n: int) -> str:
    return callback(n)


def listen(port: int) -> None:
    import socket
    socket.create_connection(("localhost", port))


def load(name: str) -> object:
    import numpy
    return numpy.load(name)


def numbers(n: int) -> typing.Iterator[int]:
    yield from range(n)


async def later(n: int) -> int:
    return n


def documented(a, b):
    """
    >>> documented([1, 2], b="x")
    2
    """
    return len(a) + len(b)
"#;

fn generated(function: &str, against: Option<&str>) -> Action {
    let against = against.map(str::to_owned);
    Action::Generated {
        path: "pkg/shapes.py".into(),
        function: function.into(),
        inputs: 200,
        seed: 7,
        against,
        tests: vec![],
        calls: vec![],
    }
}

fn ws(text: &str) -> Workspace {
    Workspace::new([("pkg/__init__.py", ""), ("pkg/shapes.py", text)])
}

fn try_(function: &str) -> Outcome {
    ws(FUNCTIONS).run(generated(function, None))
}

/// `exception count call`, with a `~` if that is no failure.
fn raised(outcome: &Outcome) -> Vec<String> {
    let mark = |expected| if expected { "~" } else { "" };
    outcome.raised.iter().map(|it| format!("{}{} {}", mark(it.expected), it.exception, it.call)).collect()
}

#[test]
fn a_function_without_faults_passes_on_every_input() {
    for function in ["clamp", "Point.scaled", "Point.origin", "numbers", "later", "documented"] {
        let outcome = try_(function);
        assert_eq!((outcome.outcome, outcome.failed), (Status::Passed, 0), "{function}: {outcome:#?}");
        let few = function == "Point.origin";
        assert!(if few { outcome.passed == 2 } else { outcome.passed >= 100 }, "{function}: {outcome:#?}");
    }
}

#[test]
fn what_a_function_raises_is_shown_with_the_smallest_input() {
    let outcome = try_("first");
    assert_eq!(raised(&outcome), ["IndexError first([])"]);
    check(&outcome, &format!("failed {} 1\npkg/shapes.py:12: IndexError: list index out of range", outcome.passed));
    let failure = &outcome.failures[0];
    assert!(failure.message.contains("on first([]), the smallest of 1 of 200 inputs"), "{failure:?}");
    assert_eq!((failure.related[0].line, failure.related[0].text.as_str()), (13, "return items[0]"));
    assert!(outcome.stdout.starts_with("first: 200 inputs\n"), "{}", outcome.stdout);

    let outcome = try_("shift");
    assert_eq!(outcome.raised[0].exception, "TypeError", "{outcome:#?}");
    assert!(outcome.raised[0].call.contains("y=None"), "{outcome:#?}");
}

#[test]
fn rejections_are_no_failures() {
    let outcome = try_("root");
    assert_eq!(raised(&outcome), ["~ValueError root(-1.0)"]);
    assert_eq!((outcome.outcome, outcome.failed), (Status::Passed, 0));
    let outcome = try_("parse");
    assert!(outcome.raised.iter().any(|it| it.expected && it.exception == "ValueError"), "{outcome:#?}");
    for function in ["loose", "vague"] {
        let outcome = try_(function);
        let exception = outcome.raised[0].exception.as_str();
        assert_eq!((outcome.outcome, exception), (Status::Passed, "TypeError"), "{outcome:#?}");
    }
}

#[test]
fn a_call_that_does_not_end_is_a_failure_like_others() {
    let outcome = try_("count_down");
    assert_eq!((outcome.outcome, outcome.raised[0].call.as_str()), (Status::Failed, "count_down(-1)"), "{outcome:#?}");
    assert!(outcome.failures[0].message.contains("runs for more than 0.5 s"), "{outcome:#?}");
    assert_eq!(outcome.raised[0].count, 3, "{outcome:#?}");
}

#[test]
fn answers_that_differ_are_told() {
    let outcome = try_("roll");
    assert_eq!((outcome.outcome, outcome.passed), (Status::Failed, 0));
    let message = &outcome.failures[0].message;
    assert!(message.starts_with("answers the same input differently: roll(0) returns 0."), "{message}");
}

#[test]
fn what_cannot_be_generated_is_named() {
    let outcome = try_("connect");
    check(
        &outcome,
        "not-runnable 0 0\npkg/shapes.py:73: cannot generate inputs for parameter `callback`: Callable[[int], str]",
    );
    assert_eq!(try_("nowhere").failures[0].message, "there is no nowhere in pkg.shapes");
    assert_eq!(try_("Point").outcome, Status::Error);
}

#[test]
fn what_the_sandbox_denies_says_nothing_about_the_function() {
    assert_eq!(try_("listen").outcome, Status::Refused);
    let outcome = try_("load");
    assert_eq!((outcome.outcome, outcome.failures[0].message.as_str()), (Status::NotRunnable, "needs numpy"));
}

#[test]
fn names_that_only_type_checkers_import_are_understood() {
    let ws = Workspace::new([
        ("pkg/__init__.py", ""),
        ("pkg/kinds.py", "import dataclasses\n@dataclasses.dataclass\nclass Kind:\n    n: int\n"),
        (
            "pkg/shapes.py",
            "from __future__ import annotations\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from collections.abc import Sequence\n    from .kinds import Kind\n\ndef f(kinds: Sequence[Kind]) -> int:\n    return kinds[0].n\n",
        ),
    ]);
    let outcome = ws.run(generated("f", None));
    assert_eq!(raised(&outcome), ["IndexError f([])"], "{outcome:#?}");
}

#[test]
fn objects_that_cannot_be_made_are_not_blamed_on_the_function() {
    let text = "class Never:\n    def __init__(self, n: int):\n        raise ValueError(n)\n\nclass Picky:\n    def __init__(self, n: int):\n        if n < 0:\n            raise ValueError(n)\n        self.n = n\n\nclass Bare:\n    name: str\n    def show(self) -> str:\n        return self.name\n\ndef f(it: Picky) -> int:\n    return it.n\n\ndef g(it: Never) -> None: pass\n";
    let ws = ws(text);
    let outcome = ws.run(generated("f", None));
    assert_eq!((outcome.outcome, outcome.raised.len()), (Status::Passed, 0), "{outcome:#?}");
    let message = |function| ws.run(generated(function, None)).failures[0].message.clone();
    assert!(message("g").contains("their classes reject whatever is tried"), "{}", message("g"));
    assert!(message("Bare.show").contains("parameter `self`: pkg.shapes.Bare"), "{}", message("Bare.show"));
}

#[test]
fn the_same_seed_makes_the_same_inputs() {
    let text = "def show(a: str, b: list[int]) -> None:\n    print(repr(a), b)\n    raise KeyError(a, *b)\n";
    let run = |seed| {
        let action = Action::Generated {
            path: "pkg/shapes.py".into(),
            function: "show".into(),
            inputs: 30,
            seed,
            against: Some(text.replace("KeyError(a, *b)", "ValueError(a)")),
            tests: vec![],
            calls: vec![],
        };
        ws(text).run(action).failures[0].message.clone()
    };
    assert_eq!(run(1), run(1));
}

#[track_caller]
fn compare(before: &str, after: &str) -> Outcome {
    ws(after).run(generated("f", Some(before)))
}

#[test]
fn versions_that_do_the_same_pass() {
    for (before, after) in [
        ("def f(n: int) -> int:\n    return n + n\n", "def f(n: int) -> int:\n    return 2 * n\n"),
        ("def f(x: float):\n    return [x, -x]\n", "def f(x: float):\n    return [x, 0 - x]\n"),
        (
            "import random\ndef f(n: int):\n    return random.random()\n",
            "from random import random\ndef f(n: int):\n    return random()\n",
        ),
        (
            "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: float\ndef f(p: P) -> P:\n    return P(p.x)\n",
            "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: float\ndef f(p: P) -> P:\n    return p\n",
        ),
        (
            "class T:\n    __slots__ = ('n',)\n    def __init__(self, n: int): self.n = n\n    def __eq__(self, other): return isinstance(other, T) and self.n == other.n\n    def __hash__(self): return 1\n    def __repr__(self): return f'<T @ {id(self)}>'\ndef f(t: T) -> set[T]:\n    return {t}\n",
            "class T:\n    __slots__ = ('n',)\n    def __init__(self, n: int): self.n = n\n    def __eq__(self, other): return isinstance(other, T) and self.n == other.n\n    def __hash__(self): return 1\n    def __repr__(self): return f'<T @ {id(self)}>'\ndef f(t: T) -> set[T]:\n    return {T(t.n)}\n",
        ),
    ] {
        let outcome = compare(before, after);
        assert_eq!((outcome.outcome, outcome.failed), (Status::Passed, 0), "{outcome:#?}");
        assert!(outcome.passed >= 100, "{outcome:#?}");
    }
}

#[test]
fn the_smallest_difference_is_shown_at_the_function() {
    for (before, after, expected) in [
        ("    return n > 0\n", "    return n >= 0\n", "f(0) returns True, formerly False"),
        ("    return 1 // n\n", "    return 1 // n if n else 0\n", "f(0) returns 0, formerly raised ZeroDivisionError"),
        (
            "    return n\n",
            "    if n == 3: raise KeyError(n)\n    return n\n",
            "f(3) raises KeyError: 3, formerly returned 3",
        ),
        ("    print(n)\n", "    print(n + 1)\n", "f(0) prints '1\\n', formerly '0\\n'"),
    ] {
        let [before, after] = [before, after].map(|body| format!("\ndef f(n: int):\n{body}"));
        let outcome = compare(&before, &after);
        let failure = &outcome.failures[0];
        assert_eq!((outcome.outcome, failure.line), (Status::Failed, 2), "{outcome:#?}");
        assert!(failure.message.starts_with(expected), "{failure:#?}");
        assert!(outcome.stdout.contains(expected), "{}", outcome.stdout);
    }
    let outcome = compare(
        "def f(items: list[int]):\n    return sorted(items)\n",
        "def f(items: list[int]):\n    items.sort()\n    return items\n",
    );
    let message = &outcome.failures[0].message;
    assert!(
        message.contains("leaves `items` as [0, 1], formerly as [1, 0]") || message.contains("leaves `items`"),
        "{message}"
    );
    assert!(!message.contains("returns"), "{message}");
}

#[test]
fn versions_that_cannot_be_compared_say_why() {
    let message = |before, after| {
        let outcome = compare(before, after);
        (outcome.outcome, outcome.failures[0].message.clone())
    };
    let f = "def f(n: int):\n    return n\n";
    let (status, text) = message("def g(): pass\n", f);
    assert_eq!(status, Status::Error);
    assert!(text.starts_with("there is nothing to compare with"), "{text}");
    let (status, text) = message("def f(n: int, m: int):\n    return n\n", f);
    assert_eq!((status, text.as_str()), (Status::NotRunnable, "cannot compare: f takes other arguments than before"));
    let clock = "import time\ndef f(n: int):\n    return time.perf_counter()\n";
    let (status, text) = message(clock, clock);
    assert_eq!((status, text.as_str()), (Status::NotRunnable, "cannot compare: f never does the same twice"));
}

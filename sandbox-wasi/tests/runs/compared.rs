//! Two versions of a function side by side, where it takes objects that hold something, or what tests call it with.

use sandbox::{Action, Outcome, Status};

use crate::support::Workspace;

const STOCK: &str = r#"
import collections
import dataclasses
import threading
import typing


@dataclasses.dataclass
class Item:
    name: str
    tags: list[str] = dataclasses.field(default_factory=list)


class Node:
    def __init__(self, name: str) -> None:
        self.name = name
        self.children: list["Node"] = []
        self.parent: "Node | None" = None

    def add(self, child: "Node") -> "Node":
        child.parent = self
        self.children.append(child)
        return child

    def names(self) -> list[str]:
        return [self.name] + [name for child in self.children for name in child.names()]


class Queue:
    def __init__(self, size: int = 3) -> None:
        self._items: collections.deque[int] = collections.deque()
        self._lock = threading.Lock()
        self._seen = collections.defaultdict(lambda: 0)
        self.size = size

    def push(self, item: int) -> bool:
        if len(self._items) >= self.size:
            return False
        self._seen[item] += 1
        self._items.append(item)
        return True

    def latest(self, count: int) -> list[int]:
        return list(self._items)[-count:] if count > 0 else []

    def forever(self) -> None:
        print("never seen")
        while True:
            pass


class Board:
    def __init__(self) -> None:
        self.lines: list[int] = []
        self.by_name: dict[str, Item] = {}

    def total(self) -> int:
        return sum(self.lines)

    def find(self, name: str) -> Item:
        return self.by_name[name]


class Source(typing.Protocol):
    def get(self, key: str) -> int: ...


def fetch(keys: dict[str, int], source: Source, *more: int, **named: int) -> int:
    total = sum(more) + sum(named.values())
    for key, count in keys.items():
        total += count * source.get(key)
    return total


def by_tag(items: list[Item]) -> dict[str, int]:
    found = {}
    for item in items:
        for tag in item.tags:
            found[tag] = found.get(tag, 0) + 1
    return found


def label(code: str) -> str:
    return "new year" if code == "2024-01-01" else "day"
"#;

const TESTS: &str = r#"
import os
import threading
import time
import pytest
from pkg.stock import Queue, fetch, label

class Fake:
    def get(self, key):
        return len(key)

@pytest.fixture
def queue():
    queue = Queue(2)
    queue.push(1)
    return queue

def test_fetch():
    os.environ["LEFT"] = "behind"
    assert fetch({"a": 1, "bb": 2}, Fake(), 3, b=4) == 12
    assert fetch({"a": 1, "bb": 2}, Fake(), 3, b=4) == 12
    fetch({}, threading.Lock())

@pytest.mark.parametrize("code", ["2024-01-01", "2024-01-02"])
def test_label(code):
    time.sleep(30)
    assert label(code) == "no matter what"

def test_queue(queue):
    assert queue.latest(1) == [1]

def test_slow():
    label("slow")
    while True:
        pass
"#;

fn ws(after: &str) -> Workspace {
    Workspace::new([("pkg/__init__.py", ""), ("pkg/stock.py", after), ("tests/test_stock.py", TESTS)])
}

/// Replaces one piece of the text by another, and compares a function of both, with what tests call it with.
#[track_caller]
fn compare(function: &str, tests: &[&str], [from, to]: [&str; 2]) -> Outcome {
    assert!(STOCK.contains(from), "{from}");
    ws(&STOCK.replace(from, to)).run(Action::Generated {
        path: "pkg/stock.py".into(),
        function: function.into(),
        inputs: 200,
        seed: 0,
        against: Some(STOCK.to_owned()),
        tests: tests.iter().map(|test| format!("tests/test_stock.py::{test}")).collect(),
        calls: vec![],
    })
}

#[test]
fn what_only_a_filled_object_shows_is_a_difference() {
    for (function, change, expected) in [
        ("Node.names", ["in self.children for", "in self.children[:2] for"], ".names() returns ["),
        ("Node.add", ["self.children.append(child)", "self.children = [child]"], "after add(Node(name=''))).add(Node("),
        ("Queue.latest", ["[-count:]", "[-count:count]"], ").latest("),
        ("Queue.push", [">= self.size", "> self.size"], "returns True, formerly False"),
        ("Queue.push", ["self._seen[item] += 1", "self._seen[item] = 1"], "leaves `self._seen` as "),
        // Nothing in the class fills these, but their annotations say what they are for.
        ("Board.total", ["sum(self.lines)", "sum(self.lines[1:])"], "(Board() with lines=[1]).total() returns 0"),
        ("Board.find", ["self.by_name[name]", "self.by_name.pop(name)"], "leaves `self.by_name` as {}, formerly as {"),
    ] {
        let outcome = compare(function, &[], change);
        let message = &outcome.failures[0].message;
        assert!(outcome.outcome == Status::Failed && message.contains(expected), "{function}: {message}");
        assert!(!outcome.stdout.contains("never seen") && !outcome.stdout.contains(" at 0x"), "{}", outcome.stdout);
    }
}

#[test]
fn objects_that_are_filled_are_no_difference_in_themselves() {
    let add = "names = [self.name]\n        for child in self.children:\n            names += child.names()\n";
    for (function, change) in [
        (
            "Node.names",
            [
                "return [self.name] + [name for child in self.children for name in child.names()]",
                &format!("{add}        return names"),
            ],
        ),
        ("Node.add", ["self.children.append(child)", "self.children += [child]"]),
        ("Queue.latest", ["list(self._items)[-count:]", "[*self._items][-count:]"]),
        ("Queue.push", ["self._items.append(item)", "self._items.extend([item])"]),
        ("Board.total", ["sum(self.lines)", "sum(line for line in self.lines)"]),
    ] {
        let outcome = compare(function, &[], change);
        assert_eq!((outcome.outcome, outcome.failed), (Status::Passed, 0), "{function}: {outcome:#?}");
        assert_eq!(inputs(&outcome), Some((outcome.passed, 0)));
        assert!(outcome.passed >= 100, "{function}: {outcome:#?}");
    }
}

/// How many were generated and recorded.
fn inputs(outcome: &Outcome) -> Option<(u32, u32)> {
    outcome.compared.map(|it| (it.generated, it.recorded))
}

#[test]
fn the_order_in_a_dictionary_is_part_of_an_answer() {
    let outcome = compare("by_tag", &[], ["return found", "return dict(sorted(found.items()))"]);
    assert_eq!(outcome.outcome, Status::Failed, "{outcome:#?}");
    let outcome = compare("by_tag", &[], ["found.get(tag, 0) + 1", "1 + found.get(tag, 0)"]);
    assert_eq!(outcome.outcome, Status::Passed, "{outcome:#?}");
}

#[test]
fn what_tests_call_a_function_with_is_an_input() {
    let change = ["return \"new year\" if code == \"2024-01-01\" else \"day\"", "return \"day\""];
    assert_eq!(compare("label", &[], change).outcome, Status::Passed, "it is nothing that is guessed");
    let outcome = compare("label", &["test_label"], change);
    let message = &outcome.failures[0].message;
    assert!(message.starts_with("label('2024-01-01') returns 'day', formerly 'new year'"), "{message}");
    assert!(message.ends_with("a difference in 200 generated and 2 recorded inputs"), "{message}");
    assert_eq!(inputs(&outcome), Some((200, 2)));
    // What the tests say, and how they end, is of no account.
    assert!(outcome.tests.is_empty() && outcome.failures.len() == 1, "{outcome:#?}");

    let outcome = compare("Queue.latest", &["test_queue"], ["[-count:]", "[-count:None]"]);
    assert_eq!(outcome.outcome, Status::Passed, "{outcome:#?}");
    assert_eq!(outcome.compared.unwrap().recorded, 0, "a lock cannot be copied");
}

#[test]
fn inputs_that_cannot_be_generated_may_be_recorded() {
    let keep = ["total = sum(more)", "total = 0 + sum(more)"];
    assert_eq!(compare("fetch", &[], keep).outcome, Status::NotRunnable);
    let outcome = compare("fetch", &["test_fetch"], keep);
    assert_eq!(inputs(&outcome), Some((0, 1)), "{outcome:#?}");
    assert_eq!((outcome.outcome, outcome.failures.len()), (Status::Passed, 0), "{outcome:#?}");
    assert!(outcome.stdout.ends_with("fetch: no difference in 1 recorded input\n"), "{}", outcome.stdout);

    let outcome = compare("fetch", &["test_fetch"], ["    return total", "    keys.clear()\n    return total"]);
    let message = &outcome.failures[0].message;
    assert!(
        message.starts_with("fetch({'a': 1, 'bb': 2}, <test_stock.Fake object>, 3, b=4) leaves `keys`"),
        "{message}"
    );
}

#[test]
fn tests_that_cannot_run_or_do_not_end_are_no_failure() {
    for (tests, recorded) in [(&["test_none"][..], 0), (&["test_slow", "test_label"], 1)] {
        let outcome = compare("label", tests, ["if code == \"2024-01-01\"", "if \"2024-01-01\" == code"]);
        assert_eq!((outcome.outcome, outcome.failures.len()), (Status::Passed, 0), "{outcome:#?}");
        assert_eq!(inputs(&outcome), Some((200, recorded)), "{outcome:#?}");
    }
}

//! Tests of a person may write into a copy of the workspace; others may not.

use std::fs;

use sandbox::{Action, Request, Status};

use crate::support::{Workspace, run};

const TESTS: &str = "\
import os
import sqlite3

def test_writes():
    assert not os.path.exists('made')
    os.mkdir('made')
    assert open('mod.py').read() == 'old'
    with open('mod.py', 'w') as file:
        file.write('new')

def test_keeps_a_database():
    with sqlite3.connect('here.db') as database:
        database.execute('create table t (x)')
        assert database.execute('select count(*) from t').fetchone() == (0,)
";

fn workspace() -> Workspace {
    Workspace::new([("test_a.py", TESTS), ("mod.py", "old")])
}

fn tests() -> Action {
    Action::Pytest { targets: Vec::new() }
}

#[test]
fn what_they_have_changed_is_made_anew() {
    let ws = workspace();
    for _ in 0..2 {
        let outcome = run(&Request { writable: true, ..ws.request(tests()) });
        assert_eq!((outcome.outcome, outcome.passed), (Status::Passed, 2), "{outcome:#?}");
    }
    assert_eq!(fs::read_to_string(ws.path().join("mod.py")).unwrap(), "old");
    assert!(!ws.path().join("made").exists());
    assert_ne!(ws.run(tests()).outcome, Status::Passed);
}

#[test]
fn there_is_an_end_to_what_they_can_write() {
    let ws = Workspace::new([(
        "test_a.py",
        "def test_floods():\n    with open('large', 'wb') as file:\n        for _ in range(200):\n            file.write(bytes(1 << 20))\n",
    )]);
    let outcome = run(&Request { writable: true, ..ws.request(tests()) });
    assert!(!matches!(outcome.outcome, Status::Passed), "{outcome:#?}");
    assert!(
        outcome.stderr.contains("64 MiB") || outcome.failures.iter().any(|it| it.message.contains("64 MiB")),
        "{outcome:#?}"
    );
}

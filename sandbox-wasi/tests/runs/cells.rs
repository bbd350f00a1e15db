//! Cells of a file share what they make, until somebody or something ends that.

use std::fs;
use std::time::Duration;

use sandbox::{Action, Limits, Outcome, Request, Session, Status};

use crate::support::{Workspace, host, run, script};
use crate::{check, code};

fn cell_of(session: &str, text: &str, first_line: u32) -> Action {
    Action::Cell { session: session.into(), text: text.into(), filename: "notebook.py".into(), first_line }
}

fn cell(text: &str, first_line: u32) -> Action {
    cell_of("notebook.py", text, first_line)
}

fn reset(session: &str) {
    host().reset(session);
}

#[track_caller]
fn said(outcome: &Outcome, session: Session, stdout: &str) {
    assert_eq!((outcome.session, outcome.stdout.as_str()), (Some(session), stdout), "{outcome:#?}");
}

#[test]
fn cells_see_what_earlier_ones_have_left() {
    let ws = Workspace::new([("lib.py", "VALUE = 'lib'\n")]);
    let first = ws.run(cell("import lib\nx = 20\ndef double(n):\n    return n * two\n", 1));
    said(&first, Session::New, "");
    said(&ws.run(cell("two = 2\nopen('/tmp/kept', 'w').write('kept') and None\n", 7)), Session::Continued, "");
    said(&ws.run(cell("double(x) + 2\n", 10)), Session::Continued, "42\n");
    said(&ws.run(cell("lib.VALUE + open('/tmp/kept').read()\n", 12)), Session::Continued, "'libkept'\n");
    // Nobody else sees it.
    assert_eq!(ws.run(code("x\n", 1)).outcome, Status::Failed);
    said(&ws.run(cell_of("other.py", "'x' in globals()\n", 1)), Session::New, "False\n");
}

#[test]
fn a_cell_that_raises_keeps_the_state_and_names_lines_of_every_cell() {
    let ws = Workspace::new([]);
    ws.run(cell("def half(n):\n    return n / 0\n", 3));
    let outcome = ws.run(cell("y = 1\nhalf(y)\n", 8));
    said(&outcome, Session::Continued, "");
    check(&outcome, "failed 0 0\nnotebook.py:4: ZeroDivisionError: division by zero");
    let lines: Vec<_> = outcome.failures[0].related.iter().map(|it| (it.line, it.text.as_str())).collect();
    assert_eq!(lines, [(9, "half(y)"), (4, "return n / 0")]);
    assert!(outcome.stderr.contains("line 9, in <module>\n    half(y)"), "{}", outcome.stderr);
    said(&ws.run(cell("y\n", 11)), Session::Continued, "1\n");
    let outcome = ws.run(cell("import sys; sys.exit(3)\n", 12));
    assert_eq!((outcome.exit, outcome.session), (Some(3), Some(Session::Continued)));
    said(&ws.run(cell("y\n", 11)), Session::Continued, "1\n");
}

#[test]
fn a_session_can_be_reset() {
    let ws = Workspace::new([]);
    ws.run(cell("x = 1\n", 1));
    reset("another");
    said(&ws.run(cell("x\n", 2)), Session::Continued, "1\n");
    reset("notebook.py");
    said(&ws.run(cell("'x' in globals()\n", 2)), Session::New, "False\n");
}

#[test]
fn a_stopped_cell_takes_the_state_along_and_says_so() {
    let ws = Workspace::new([]);
    let limits = Limits { wall: Duration::from_millis(500), ..Limits::default() };
    for (text, status) in [
        ("print('before')\nwhile True: pass\n", Status::Timeout),
        ("import os\nprint('before')\nos._exit(0)\n", Status::Passed),
        ("import os\nprint('before')\nos.abort()\n", Status::Error),
    ] {
        said(&ws.run(cell("x = 1\n", 1)), Session::New, "");
        let outcome = run(&Request { limits, ..ws.request(cell(text, 2)) });
        assert_eq!(outcome.outcome, status, "{outcome:#?}");
        said(&outcome, Session::Lost, "before\n");
        assert!(outcome.stderr.contains("what earlier cells have left is gone"), "{outcome:#?}");
        said(&ws.run(cell("'x' in globals()\n", 2)), Session::New, "False\n");
        reset("notebook.py");
    }
}

#[test]
fn memory_is_limited_over_the_whole_session_and_output_and_time_for_each_cell() {
    let ws = Workspace::new([]);
    let limits = Limits { wall: Duration::from_secs(5), memory: 128 << 20, output: 2048, ..Limits::default() };
    let cell = |text: &str| run(&Request { limits, ..ws.request(cell(text, 1)) });
    for _ in 0..4 {
        assert_eq!(cell("kept = globals().setdefault('kept', [])\nprint('x' * 1500)\n").outcome, Status::Passed);
    }
    let outcomes: Vec<_> = (0..8).map(|_| cell("kept.append(bytes(20 << 20)) or len(kept)\n").outcome).collect();
    assert_eq!(outcomes[..2], [Status::Passed; 2]);
    assert_eq!(outcomes[7], Status::Memory);
    said(&cell("kept.clear()\n'here'\n"), Session::Continued, "'here'\n");
}

#[test]
fn only_the_last_few_sessions_are_kept() {
    let ws = Workspace::new([]);
    for name in ["a", "b", "c", "d", "e"] {
        said(&ws.run(cell_of(name, "x = 1\n", 1)), Session::New, "");
    }
    said(&ws.run(cell_of("e", "x\n", 1)), Session::Continued, "1\n");
    said(&ws.run(cell_of("a", "'x' in globals()\n", 1)), Session::New, "False\n");
    for name in ["a", "b", "c", "d", "e"] {
        reset(name);
    }
}

#[test]
fn cells_and_runs_see_files_that_have_changed_meanwhile() {
    let ws = Workspace::new([("old.py", "VALUE = 1\n")]);
    said(&ws.run(cell("import old\nopen('old.py').read()\n", 1)), Session::New, "'VALUE = 1\\n'\n");
    fs::write(ws.path().join("old.py"), "VALUE = 'newer'\n").unwrap();
    fs::write(ws.path().join("new.py"), "VALUE = 'new'\n").unwrap();
    fs::write(ws.path().join("main.py"), "import old\nprint(old.VALUE)\n").unwrap();
    assert_eq!(ws.run(script("main.py")).stdout, "newer\n");
    let text = "import new, importlib\nprint(old.VALUE, importlib.reload(old).VALUE, new.VALUE)\n";
    said(&ws.run(cell(text, 1)), Session::Continued, "1 newer new\n");
}

#[test]
fn a_cell_fetches_packages_without_being_run_twice() {
    let site = ".venv/lib/python3.14/site-packages";
    let ws = Workspace::new([
        (format!("{site}/first.py").as_str(), "VALUE = 1\n"),
        (&format!("{site}/second/__init__.py"), "import third\nVALUE = third.VALUE\n"),
        (&format!("{site}/third.py"), "VALUE = 3\n"),
    ]);
    said(&ws.run(cell("ran = 1\nimport first\n", 1)), Session::New, "");
    let text = "ran += 1\nimport second\nprint(ran, first.VALUE, second.VALUE)\n";
    said(&ws.run(cell(text, 4)), Session::Continued, "2 1 3\n");
}

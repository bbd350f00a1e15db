//! `tantu run`

use crate::Project;

const PASSED: &str = "passed, 1 passed, 0 failed (N ms)\n";

/// Whether the test, the doctest or the example at a line runs, and how many there are.
#[track_caller]
fn passes(project: &Project, place: &str, count: usize) {
    let (status, stdout, stderr) = project.tantu(&["run", place]);
    assert!(stdout.ends_with(&PASSED.replace("1 passed", &format!("{count} passed"))), "{place}: {stdout}{stderr}");
    assert_eq!(status, 0);
}

#[test]
fn every_kind_of_test_is_run_from_its_line() {
    let project = Project::new(&[
        (
            "test_kinds.py",
            "\
import unittest, pytest, asyncio

@pytest.fixture
def cart(tmp_path, monkeypatch):
    monkeypatch.setenv('A', 'b')
    return [str(tmp_path)]

@pytest.mark.parametrize('n', [1, 2, 3])
def test_many(n, cart):
    assert n and cart

class TestCart:
    def test_one(self, capsys):
        print('x')
        assert capsys.readouterr().out == 'x\\n'
    def test_two(self): pass

class Base(unittest.TestCase): pass

class More(Base):
    def setUp(self): self.n = 1
    def test_more(self): self.assertEqual(self.n, 1)

def test_async():
    asyncio.run(asyncio.sleep(0))
",
        ),
        (
            "lib.py",
            "def half(n):\n    '''\n    >>> half(4)\n    2\n    '''\n    return n // 2\n\ndef other():\n    '''>>> 1\n    2'''\n",
        ),
    ]);
    passes(&project, "test_kinds.py:9", 3);
    passes(&project, "test_kinds.py:13", 1);
    passes(&project, "test_kinds.py:12", 2);
    passes(&project, "test_kinds.py:22", 1);
    passes(&project, "test_kinds.py:20", 1);
    passes(&project, "test_kinds.py:24", 1);
    passes(&project, "test_kinds.py", 7);
    passes(&project, "lib.py:3", 1);
    let (status, stdout, _) = project.tantu(&["run", "lib.py:8"]);
    assert!(stdout.contains("0 passed, 1 failed"), "{stdout}");
    assert_eq!(status, 1);
}

#[test]
fn cells_and_lines() {
    let project = Project::new(&[("notes.py", "import math\n\n# %% one\nx = 4\nprint('one')\n# %%\nmath.sqrt(x)\n")]);
    project.says(&["run", "notes.py:7"], "one\n2.0\npassed (N ms)\n", 0);
    project.says(&["run", "notes.py:4"], "one\npassed (N ms)\n", 0);
    project.says(&["run", "notes.py:4", "--only"], "one\npassed (N ms)\n", 0);
    let (status, stdout, _) = project.tantu(&["run", "notes.py:7", "--only"]);
    assert!(stdout.contains("notes.py:7: NameError: name 'math' is not defined"), "{stdout}");
    assert_eq!(status, 1);
    project.says(&["run", "notes.py:4-5"], "one\npassed (N ms)\n", 0);
    let (status, _, stderr) = project.tantu(&["run", "notes.py:4-50"]);
    assert!(stderr.contains("there is no line 50"), "{stderr}");
    assert_eq!(status, 2);
}

#[test]
fn what_cannot_be_imported_is_said_before_anything_runs() {
    let site = ".venv/lib/python3.14/site-packages";
    let numpy = format!("{site}/numpy/__init__.py");
    let core = format!("{site}/numpy/core.cpython-314-x86_64-linux-gnu.so");
    let pure = format!("{site}/pure.py");
    let project = Project::new(&[
        (".venv/pyvenv.cfg", "home = /usr/bin\n"),
        (&numpy, "from . import core\n"),
        (&core, ""),
        (&pure, "def one(): return 1\n"),
        ("shop/stats.py", "'''Statistics.'''\nimport numpy as np\n"),
        ("test_stats.py", "print('never')\nfrom shop import stats\ndef test_a(): pass\n"),
        ("test_pure.py", "import pure\ndef test_a(): assert pure.one() == 1\n"),
        ("test_lost.py", "import lost\ndef test_a(): pass\n"),
    ]);
    project.says(
        &["run", "test_stats.py:3"],
        "not runnable here: needs numpy (C extension), imported by shop/stats.py:2\n\
         shop/stats.py:2: needs numpy (C extension)\nnot-runnable (N ms)\n",
        1,
    );
    passes(&project, "test_pure.py:2", 1);
    let (status, stdout, stderr) = project.tantu(&["run", "test_lost.py", "--format", "json"]);
    assert!(stdout.contains("needs lost (not installed), imported by test_lost.py:1"), "{stdout}{stderr}");
    assert_eq!(status, 1);
}

#[test]
fn the_workspace_names_the_environment_that_is_read() {
    let site = "tools/env/lib/python3.12/site-packages";
    let pure = format!("{site}/pure.py");
    let files = [
        ("tools/env/pyvenv.cfg", "home = /usr/bin\n"),
        (&pure, "def one(): return 1\n"),
        ("test_pure.py", "import pure\ndef test_a(): assert pure.one() == 1\n"),
    ];
    let project = Project::new(&files);
    let (_, stdout, stderr) = project.tantu(&["run", "test_pure.py"]);
    assert!(stdout.contains("needs pure (not installed)"), "{stdout}");
    assert!(stderr.contains("[tool.tantu] python"), "{stderr}");
    project.write("pyproject.toml", "[tool.tantu]\npython = 'tools/env'\n");
    passes(&project, "test_pure.py", 1);
}

#[test]
fn a_function_on_inputs_that_are_made_up() {
    let text = "import math\n\ndef half(n: int) -> int:\n    return n // 2\n\n\ndef first(items: list[int]) -> int:\n    return items[0]\n";
    let project = Project::new(&[("shop/lib.py", text)]);
    project.says(&["run", "shop/lib.py:4", "--smoke"], "half: 200 inputs\npassed, 200 passed, 0 failed (N ms)\n", 0);
    let (status, stdout, _) = project.tantu(&["run", "shop/lib.py:7", "--smoke", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(value["raised"][0]["exception"], "IndexError");
    assert_eq!((status, &value["failures"][0]["line"]), (1, &7.into()));
    project.commit();
    project.says(
        &["run", "shop/lib.py:3", "--against", "HEAD"],
        "half: no difference in 200 generated inputs\npassed, 200 passed, 0 failed (N ms)\n",
        0,
    );
    project.write("shop/lib.py", &text.replace("n // 2", "math.trunc(n / 2)"));
    let (status, stdout, _) = project.tantu(&["run", "shop/lib.py:3", "--against", "HEAD"]);
    assert!(stdout.contains("shop/lib.py:3: half(-1) returns 0, formerly -1"), "{stdout}");
    assert_eq!(status, 1);
    let (status, _, stderr) = project.tantu(&["run", "shop/lib.py:1", "--smoke"]);
    assert!(stderr.contains("shop/lib.py:1: there is no function here"), "{stderr}");
    assert_eq!(status, 2);
    let (status, _, stderr) = project.tantu(&["run", "shop/lib.py", "--against", "HEAD"]);
    assert!(stderr.contains("which function of shop/lib.py?"), "{stderr}");
    assert_eq!(status, 2);
}

#[test]
fn what_the_standard_library_lacks_is_known() {
    let text = "\
import importlib, sys

for name in sorted(sys.stdlib_module_names - {'antigravity', 'idlelib', 'this', 'turtledemo'}):
    if not name.startswith('_'):
        try:
            importlib.import_module(name)
        except ImportError:
            print('absent', name)
";
    let project = Project::new(&[("a.py", text)]);
    let (status, stdout, stderr) = project.tantu(&["run", "a.py"]);
    assert_eq!(status, 0, "{stderr}");
    let absent: Vec<&str> = stdout.lines().filter_map(|line| line.strip_prefix("absent ")).collect();
    assert!(absent.contains(&"curses"), "{stdout}");
    for name in &absent {
        project.write("b.py", &format!("import {name}\n"));
        let (_, stdout, _) = project.tantu(&["run", "b.py"]);
        assert!(stdout.contains(&format!("needs {name} (not in the sandbox)")), "{name}: {stdout}");
    }
    // And nothing else is said to be absent.
    let environment = lint::Environment::default();
    let is_said = |name: &&str| matches!(environment.availability(name), lint::Availability::NeedsSystem { .. });
    for name in ["asyncio", "dbm", "multiprocessing", "socket", "sqlite3", "subprocess", "threading", "zlib"] {
        assert!(!is_said(&name), "{name}");
    }
}

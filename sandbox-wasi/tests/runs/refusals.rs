//! What code asks for that the sandbox has not: modules that stand in, and failures that are no failures.

use super::*;

#[test]
fn modules_that_need_an_operating_system_import_and_refuse() {
    let ws = Workspace::new([(
        "test_a.py",
        "import bz2, ctypes, fcntl, lzma, mmap, multiprocessing.synchronize, pty, pwd, grp, readline, resource, ssl, syslog, termios, tty
import os, pathlib, shutil

class Pair(ctypes.Structure):
    _fields_ = [('both', ctypes.c_int * 2)]

def test_is_imported():
    assert ssl.PROTOCOL_TLS_CLIENT and issubclass(ssl.SSLError, OSError) and termios.ECHO == 8
    assert pwd.getpwuid(os.getuid()).pw_dir == os.path.expanduser('~') == str(pathlib.Path.home())
    assert os.listdir(os.path.expanduser('~')) == [] and grp.getgrgid(os.getgid()).gr_gid == 0

def test_bz2(): bz2.compress(b'a')
def test_lzma(): lzma.decompress(b'a')
def test_ssl(): ssl.create_default_context().wrap_bio(None, None)
def test_ctypes(): Pair()
def test_fcntl(): fcntl.flock(1, fcntl.LOCK_EX)
def test_caught():
    try:
        mmap.mmap(-1, 10)
    except OSError:
        raise SystemExit(3)
def test_context(): assert ssl.create_default_context().verify_mode == ssl.CERT_REQUIRED
import zoneinfo
def test_zones(): assert 'Europe/Berlin' in zoneinfo.available_timezones()
def test_own_mistake(): assert ssl.OP_ALL == 0
",
    )]);
    let outcome = ws.run(pytest(&["test_a.py"]));
    let expected = "failed 3 1
test_a.py:12: needs bz2 (not in the sandbox)
test_a.py:13: needs lzma (not in the sandbox)
test_a.py:14: needs ssl (not in the sandbox)
test_a.py:15: needs ctypes (not in the sandbox)
test_a.py:16: needs fcntl (not in the sandbox)
test_a.py:21: needs mmap (not in the sandbox), which became SystemExit: 3";
    let (without_last, last) = summary(&outcome).rsplit_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert_eq!(without_last, expected, "{outcome:#?}");
    assert!(last.starts_with("test_a.py:25: assert"), "{last}");
}

#[test]
fn what_fails_after_a_refusal_is_not_runnable_whatever_it_became() {
    let ws = Workspace::new([(
        "test_a.py",
        "import os, subprocess, threading

def quietly(f):
    try:
        f()
    except Exception:
        return 1
    return 0

def test_thread(): assert quietly(lambda: threading.Thread(target=print).start()) == 0
def test_process(): assert quietly(lambda: subprocess.run(['ls'])) == 0
def test_written(): assert quietly(lambda: open('made', 'w')) == 0
def test_made(): assert quietly(lambda: os.mkdir('made')) == 0
def test_mode():
    open('/tmp/a', 'w').close()
    os.chmod('/tmp/a', 0o600)
    assert os.stat('/tmp/a').st_mode & 0o777 == 0o600
def test_got_on(): assert quietly(lambda: threading.Thread(target=print).start()) == 1
def test_next_one(): assert 1 == 2
",
    )]);
    let outcome = ws.run(pytest(&["test_a.py"]));
    let of = |id: &str| outcome.tests.iter().find(|it| it.id.ends_with(id)).map(|it| it.verdict).unwrap();
    for refused in ["thread", "process", "written", "made", "mode"] {
        assert_eq!(of(refused), sandbox::Verdict::NotRunnable, "{refused}: {outcome:#?}");
    }
    // What it could do without counts, and so does a failure of the next test.
    assert_eq!((of("got_on"), of("next_one")), (sandbox::Verdict::Passed, sandbox::Verdict::Failed), "{outcome:#?}");
    assert!(outcome.failures[0].message.starts_with("not allowed in the sandbox: threads, which became"));
}

#[test]
fn what_a_test_without_threads_has_left_fails_no_other() {
    let ws = Workspace::new([
        ("pytest.ini", "[pytest]\nfilterwarnings = error\n"),
        (
            "test_a.py",
            "import gc, sys, threading\n\nasync def work(): pass\n\ndef test_first():\n    kept.append(work())\n    threading.Thread(target=print).start()\n\nkept = []\n\ndef test_second():\n    kept.clear()\n    gc.collect()\n\ndef test_bottom():\n    frame = sys._getframe()\n    while frame.f_globals['__name__'] != '__main__':\n        frame = frame.f_back\n",
        ),
    ]);
    check(
        &ws.run(pytest(&["test_a.py"])),
        "refused 2 0\ntest_a.py:7: not allowed in the sandbox: RuntimeError: can't start new thread",
    );
}

/// A distribution with a module, in the environment of the workspace.
fn install(ws: &Workspace, name: &str, version: &str, files: &[(&str, &str)]) {
    let site = ws.path().join(".venv/lib/python3.14/site-packages");
    let info = format!("{name}-{version}.dist-info/METADATA");
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    for (path, text) in [(info.as_str(), metadata.as_str())].iter().chain(files) {
        let path = site.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn plugins_of_the_environment_are_loaded_as_pytest_does() {
    let ws = Workspace::new([
        (
            "pyproject.toml",
            "[tool.pytest.ini_options]\naddopts = '--greet -n auto --strict-markers -W error'\nhello = 'x'\n",
        ),
        ("test_a.py", "def test_it(greeting): assert greeting == 'hello'\n"),
        ("test_b.py", "import pytest\n@pytest.mark.greeted\ndef test_it(): pass\n"),
    ]);
    let plugin = "import pytest
def pytest_addoption(parser):
    parser.addoption('--greet', action='store_true')
    parser.addini('hello', '')
def pytest_configure(config):
    config.addinivalue_line('markers', 'greeted: is greeted')
@pytest.fixture
def greeting(request): return 'hello' if request.config.getoption('--greet') else 'no'
";
    install(
        &ws,
        "pytest_hello",
        "1.0",
        &[
            ("pytest_hello.py", plugin),
            ("pytest_hello-1.0.dist-info/entry_points.txt", "[pytest11]\nhello = pytest_hello\n"),
        ],
    );
    // One that is of no use here, and one that cannot be loaded.
    install(
        &ws,
        "pytest_xdist",
        "1.0",
        &[
            ("xdist/__init__.py", "import execnet_is_absent\n"),
            ("pytest_xdist-1.0.dist-info/entry_points.txt", "[pytest11]\nxdist = xdist\n"),
        ],
    );
    install(
        &ws,
        "pytest_fast",
        "1.0",
        &[
            ("pytest_fast/__init__.py", "from . import _speed\n"),
            ("pytest_fast/_speed.cpython-314.so", ""),
            ("pytest_fast-1.0.dist-info/entry_points.txt", "[pytest11]\nfast = pytest_fast\n"),
        ],
    );
    let outcome = ws.run(pytest(&["test_a.py", "test_b.py"]));
    check(&outcome, "passed 2 0");
    assert!(outcome.stderr.contains("tantu: without pytest's options -n auto"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("fast cannot be loaded"), "{}", outcome.stderr);
}

#[test]
fn a_django_project_is_set_up_as_its_own_runner_does() {
    let ws = Workspace::new([
        ("manage.py", "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"),
        ("shop/settings.py", ""),
        (
            "test_a.py",
            "import django, os\nassert django.done == ['setup', 'environment']\ndef test_it():\n    assert django.done[2:] == ['databases'] and os.environ['DJANGO_SETTINGS_MODULE'] == 'shop.settings'\n",
        ),
    ]);
    // As much of Django as a runner has.
    let utils = "import django
class Runner:
    def __init__(self, **options): pass
    def setup_test_environment(self): django.done.append('environment')
    def setup_databases(self): return django.done.append('databases') or ['a']
    def teardown_databases(self, made): assert made == ['a']
    def teardown_test_environment(self): print('torn down')
def get_runner(settings): return Runner
";
    install(
        &ws,
        "django",
        "6.0",
        &[
            ("django/__init__.py", "done = []\ndef setup(): done.append('setup')\n"),
            ("django/conf.py", "settings = None\n"),
            ("django/test/__init__.py", ""),
            ("django/test/utils.py", utils),
        ],
    );
    let outcome = ws.run(pytest(&["test_a.py"]));
    check(&outcome, "passed 1 0");
    assert!(outcome.stdout.contains("torn down"), "{outcome:#?}");
}

#[test]
fn a_compiled_package_is_the_reason_whatever_its_importer_makes_of_it() {
    let ws = Workspace::new([(
        "test_a.py",
        "import os\nfrom unittest import mock\n\ndef test_caught():\n    try:\n        import fast\n    except Exception:\n        raise SystemExit(1)\n\ndef test_mocked():\n    with mock.patch('os.kill'):\n        pass\n\ndef test_imported():\n    from os import kill\n",
    )]);
    install(
        &ws,
        "fast",
        "1.0",
        &[("fast/__init__.py", "from ._speed import it\n"), ("fast/_speed.cpython-314.so", "")],
    );
    let expected = "not-runnable 0 0\ntest_a.py:8: needs fast (not in the sandbox), which became SystemExit: 1";
    let told = summary(&ws.run(pytest(&["test_a.py"])));
    assert!(told.replace("refused 0 0", "not-runnable 0 0").starts_with(expected), "{told}");
    assert!(told.contains("test_a.py:11: not allowed in the sandbox: AttributeError"), "{told}");
    assert!(told.contains("test_a.py:15: not allowed in the sandbox: ImportError"), "{told}");
}

#[test]
fn a_package_that_does_not_know_the_platform_cannot_be_imported() {
    let ws = Workspace::new([
        ("test_a.py", "import threefold\ndef test_it(): pass\n"),
        ("test_b.py", "try:\n    import threefold\nexcept ImportError:\n    pass\ndef test_it(): pass\n"),
    ]);
    install(
        &ws,
        "threefold",
        "1.0",
        &[("threefold/__init__.py", "raise NotImplementedError('unsupported platform')\n")],
    );
    let expected =
        "not-runnable 1 0\ntest_a.py:1: needs threefold, which cannot be imported in the sandbox: unsupported platform";
    check(&ws.run(pytest(&["test_a.py", "test_b.py"])), expected);
}

#[test]
fn a_misspelled_setting_is_the_projects_mistake_where_no_plugin_is_missing() {
    let ws = Workspace::new([
        ("pyproject.toml", "[tool.pytest.ini_options]\naddopts = '--strict-config'\ntest_paths = 'tests'\n"),
        ("test_a.py", "def test_it(): pass\n"),
    ]);
    // Without an environment nobody knows which plugins there are.
    check(&ws.run(pytest(&["test_a.py"])), "passed 1 0");
    install(&ws, "pytest", "9.2.0", &[("pytest/__init__.py", "")]);
    let outcome = ws.run(pytest(&["test_a.py"]));
    assert_eq!(outcome.outcome, Status::Error, "{outcome:#?}");
    assert!(format!("{outcome:?}").contains("test_paths"), "{outcome:#?}");
}

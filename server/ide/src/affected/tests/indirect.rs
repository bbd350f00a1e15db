//! What reaches tests without a call by its name: computed names, values, imports, files, libraries.

use expect_test::expect;

use super::check_edit;

#[test]
fn methods_are_called_by_computed_names() {
    check_edit(
        "\
#- /walk.py
class Checker:
    def visit_call(self, node): return 1
    def leave_call(self, node): return 1

class Walker:
    def walk(self, checker, kind):
        return getattr(checker, 'visit_' + kind)(kind)
#- /test_walk.py
from walk import Checker, Walker

def test_walk(): assert Walker().walk(Checker(), 'call') == 1
",
        "visit_call(self, node): return 1",
        "visit_call(self, node): return 2",
        expect![[r#"
            changed: Checker.visit_call
            by name: test_walk → Walker.walk → Checker.visit_call
        "#]],
    );
}

#[test]
fn an_import_affects_only_who_takes_the_name_from_there() {
    check_edit(
        "\
#- /a.py
from typing import Any
def f(x: Any): return 1
def g(): return 1
#- /b.py
from typing import Any
from a import g
#- /test_a.py
from a import f
def test_f(): f(1)
#- /test_b.py
from typing import Any
from a import g
import b
def test_g(): g()
",
        "from typing import Any\ndef",
        "from typing_extensions import Any\ndef",
        expect![[r#"
            changed: f
            test_f → f
        "#]],
    );
}

#[test]
fn overloads_stand_for_what_is_run() {
    check_edit(
        "\
#- /a.py
from typing import overload
class A:
    @overload
    def __init__(self, n: int): ...
    @overload
    def __init__(self, n: str): ...
    def __init__(self, n): self.n = 1
#- /test_a.py
from a import A
def test_a(): A(1)
",
        "self.n = 1",
        "self.n = 2",
        expect![[r#"
            changed: A.__init__
            test_a → A.__init__
        "#]],
    );
}

#[test]
fn what_an_import_runs_concerns_those_who_use_what_comes_of_it() {
    let text = "\
#- /shop.py
def price(n): return n
def tax(n): return n
PRICES = {'a': price}
OTHERS = {'b': tax}
if PRICES:
    OTHERS['c'] = tax
def of(name): return PRICES[name](1)
def other(name): return OTHERS[name](1)
#- /test_shop.py
import shop
def test_of(): assert shop.of('a') == 1
def test_other(): assert shop.other('b') == 1
def test_nothing(): pass
";
    check_edit(
        text,
        "def price(n): return n",
        "def price(n): return n + 1",
        expect![[r#"
            changed: price
            test_of → of → PRICES → price
            test_other → other → OTHERS → PRICES → price
        "#]],
    );
    check_edit(
        text,
        "def tax(n): return n",
        "def tax(n): return n + 1",
        expect![[r#"
            changed: tax
            test_other → other → OTHERS → tax
        "#]],
    );
}

#[test]
fn functions_that_one_decorator_wraps_are_kept_apart() {
    let text = "\
#- /shop.py
import functools
def logged(function):
    @functools.wraps(function)
    def wrapper(*args): return function(*args)
    return wrapper
@logged
def price(n): return n
@logged
def tax(n): return -n
#- /test_shop.py
from shop import price, tax
def test_price(): assert price(1) == 1
def test_tax(): assert tax(1) == -1
";
    check_edit(
        text,
        "return -n",
        "return n",
        expect![[r#"
            changed: tax
            test_tax → tax
        "#]],
    );
    check_edit(
        text,
        "return wrapper",
        "return function",
        expect![[r#"
            changed: logged
            test_price → price → logged
            test_tax → tax → logged
        "#]],
    );
}

#[test]
fn a_docstring_is_no_code_where_nothing_reads_it() {
    let text = "\
#- /shop.py
import click
def price(n):
    '''Of one.'''
    return n
@click.command()
def main():
    '''The help.'''
#- /test_shop.py
import shop
def test_price(): shop.price(1)
def test_main(): shop.main()
";
    check_edit(
        text,
        "Of one.",
        "Of a single one.",
        expect![[r#"
        changed: 
    "#]],
    );
    check_edit(
        text,
        "Of one.",
        ">>> price(1)\n    1\n    ",
        expect![[r#"
        changed: price
        test_price → price
    "#]],
    );
    check_edit(
        text,
        "The help.",
        "Help.",
        expect![[r#"
        changed: main
        test_main → main
    "#]],
    );
}

#[test]
fn of_files_that_nothing_imports_those_tests_are_taken_that_speak_of_them() {
    let text = "\
#- /tests/samples/empty.py
def empty(): return 1
#- /tests/test_samples.py
from pathlib import Path
SAMPLES = Path(__file__).parent / 'samples'
def test_samples(): assert SAMPLES.exists()
#- /tests/test_other.py
def test_other(): assert True
";
    check_edit(
        text,
        "return 1",
        "return 2",
        expect![[r#"
            changed: empty
            by file name: test_samples → tests.test_samples
            no test is known to reach: empty
        "#]],
    );
}

#[test]
fn a_method_is_called_by_name_only_by_who_may_have_an_object() {
    let text = "\
#- /grid.py
class Grid:
    def spread(self, function): return function(1)
def plot(): return Grid()
#- /test_grid.py
import grid, frames
def test_plot(make): make(grid.plot).spread(print)
def test_frame(): frames.read().spread(print)
#- /test_plugin.py
import grid, frames
def test_all(): frames.load('grid').register().spread(print)
";
    check_edit(
        text,
        "return function(1)",
        "return function(2)",
        expect![[r#"
            changed: Grid.spread
            by name: test_plot → Grid.spread
        "#]],
    );
}

#[test]
fn plugins_are_made_by_who_loads_them_by_name() {
    let text = "\
#- /checks/names.py
class Names:
    def visit_name(self, node): return node
def register(linter): linter.add(Names())
#- /checks/__init__.py
#- /linter.py
import os
from astroid import modutils
class Linter:
    def __init__(self): self.checks = []
    def add(self, check): self.checks.append(check)
    def load(self, folder):
        for name in os.listdir(folder):
            module = modutils.load_module_from_file(name)
            if hasattr(module, 'register'):
                module.register(self)
class Walker:
    def walk(self, checks, kind):
        for check in checks:
            getattr(check, 'visit_' + kind)(kind)
#- /test_linter.py
from linter import Linter, Walker
def test_all():
    linter = Linter()
    linter.load('checks')
    Walker().walk(linter.checks, 'name')
def test_walker(): Walker().walk([], 'name')
";
    check_edit(
        text,
        "return node",
        "return None",
        expect![[r#"
            changed: Names.visit_name
            by name: test_all → Walker.walk → Names.visit_name
        "#]],
    );
}

#[test]
fn what_a_library_calls_back_is_run_by_who_hands_it_over() {
    let text = "\
#- /options.py
import argparse
class Listing(argparse.Action):
    def __call__(self, parser, namespace, values, option=None): print(1)
def parse(words):
    parser = argparse.ArgumentParser()
    parser.add_argument('--list', action=Listing)
    return parser.parse_args(words)
#- /test_options.py
import options
def test_list(): options.parse(['--list'])
def test_other(): pass
";
    check_edit(
        text,
        "print(1)",
        "print(2)",
        expect![[r#"
            changed: Listing.__call__
            by name: test_list → parse → Listing.__call__
        "#]],
    );
}

#[test]
fn any_function_of_a_module_may_be_looked_for_in_it() {
    let text = "\
#- /models/angle.py
def physical(x): return x
#- /models/__init__.py
#- /system.py
from models import angle
def of(name):
    function = getattr(angle, name)
    return function(1)
#- /test_system.py
import system
def test_of(): assert system.of('physical') == 1
def test_other(): pass
";
    check_edit(
        text,
        "return x",
        "return 2 * x",
        expect![[r#"
            changed: physical
            by name: test_of → of → physical
        "#]],
    );
}

#[test]
fn objects_come_of_classes_that_are_looked_for_by_computed_names() {
    check_edit(
        "\
#- /shapes.py
class Disc:
    def area(self): return 1
#- /draw.py
import shapes
def make(kind): return getattr(shapes, kind.title())()
#- /test_draw.py
from draw import make
def test_area(): assert make('disc').area() == 1
def test_other(): assert make('disc').edge() == 1
",
        "area(self): return 1",
        "area(self): return 2",
        expect![[r#"
            changed: Disc.area
            by name: test_area → Disc.area
        "#]],
    );
}

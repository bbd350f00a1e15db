//! Paths through functions, classes and modules. What is dangerous, where data comes in and what makes it harmless is
//! tested where it is written.

use expect_test::expect;

use super::*;
use crate::diagnostics::workspace;
use fixture::Workspace;

/// The findings are those of the lines that end in `#! CONFIDENCE`.
#[track_caller]
pub(super) fn check(text: &str) {
    let workspace = Workspace::new(text);
    let analysis = &workspace.analysis;
    let mut expected = Vec::new();
    for file in analysis.files() {
        for (line, text) in analysis.source(file).text().lines().enumerate() {
            let marks = text.split_once("#!").map_or("", |(_, marks)| marks).split_whitespace();
            expected.extend(marks.map(|mark| format!("{}:{} {mark}", analysis.path(file).display(), line + 1)));
        }
    }
    let found = tainted(analysis).into_iter().filter_map(|(file, tainted)| {
        let found = tainted.diagnose(analysis)?;
        let line = analysis.source(file).lines().line(found.range.start());
        let (_, confidence) = found.message.rsplit_once("(confidence: ")?;
        Some(format!("{}:{} {}", analysis.path(file).display(), line + 1, confidence.trim_end_matches(')')))
    });
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

/// A handler that has `data` from outside, with `body` in it; its first line is the sixth.
pub(super) fn handler(body: &str) -> String {
    let body: String = body.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "from flask import Flask, request\napp = Flask(__name__)\n\n@app.route('/')\ndef index():\n    data = request.args['x']\n{body}"
    )
}

#[test]
fn tainted_call_is_reported_with_its_whole_path() {
    let text = "\
#- /app.py
from flask import Flask, request
from store import find
app = Flask(__name__)
@app.route('/user')
def user():
    name = request.args.get('name')
    return find(name.strip())
#- /store.py
import sqlite3
db = sqlite3.connect('users')
def find(name):
    return query(f\"SELECT * FROM users WHERE name = '{name}'\", limit=1)
def query(sql, limit):
    return db.execute(sql).fetchmany(limit)
";
    workspace::tests::check(
        text,
        expect![[r#"
        /store.py:6
                return db.execute(sql).fetchmany(limit)
                          ^^^^^^^
            tainted-call Error: `db.execute` runs SQL that data from outside is part of: `request.args` (confidence: high)
                /app.py:6 data comes in: `request.args`
                /app.py:7 passed to `find` as `name`
                /store.py:4 passed to `query` as `sql`
    "#]],
    );
}

#[test]
fn through_modules_keywords_and_methods() {
    check(
        "\
#- /views.py
from flask import Blueprint, request
import jobs
bp = Blueprint('views', __name__)
@bp.route('/a')
def a():
    jobs.start('now', command=request.form['c'])
@bp.route('/b')
def b():
    jobs.Runner(request.form['c']).go()
@bp.route('/c')
def c():
    jobs.Runner.run(jobs.Runner(''), request.form['c'])
@bp.route('/d')
def d():
    jobs.start(request.form['when'], command='ls')
#- /jobs.py
import os
def start(when, *, command, retry=1):
    print(when)
    os.system(command)  #! high
class Runner:
    def __init__(self, command):
        self.command = command
    def go(self):
        os.system(self.command)  #! medium
    def run(self, other):
        os.popen(other)  #! high
    def other(self):
        os.popen(self.nothing)
",
    );
}

#[test]
fn recursion_and_cycles_end() {
    check(
        "\
#- /a.py
import os
from flask import request
from b import pong
def ping(x, n):
    if n:
        return ping(x, n - 1)
    os.system(x)  #! high
    pong(x)
def idle(x):
    os.system(x)
    idle(x)
#- /b.py
from flask import Flask, request
import a
app = Flask(__name__)
def pong(y):
    a.ping(y, 1)
@app.route('/')
def index():
    pong(request.args['x'])
",
    );
}

#[test]
fn what_functions_return() {
    check(
        "\
#- /a.py
import os
from flask import Flask, request
from b import wanted, same, fixed, number
app = Flask(__name__)
@app.get('/')
def index():
    os.system(wanted())  #! high
    os.system(same(request.args['x']))  #! high
    os.system(same('ls'))
    os.system(fixed(request.args['x']))
    os.system(number(request.args['x']))
#- /b.py
from flask import request
def wanted():
    return request.args.get('y')
def same(x):
    return x.lower()
def fixed(x):
    return 'ls'
def number(x):
    return int(x)
",
    );
}

#[test]
fn surer_and_shorter_paths_win() {
    let text = "\
#- /main.py
import os, sys
from flask import Flask, request
app = Flask(__name__)
def run(x):
    os.system(x)
def between(x):
    run(x)
@app.get('/')
def index():
    between(request.args['a'])
    run(request.args['b'])
run(sys.argv[1])
";
    workspace::tests::check(
        text,
        expect![[r#"
        /main.py:5
                os.system(x)
                   ^^^^^^
            tainted-call Error: `os.system` hands data from outside to a shell: `request.args` (confidence: high)
                /main.py:11 data comes in: `request.args`
                /main.py:11 passed to `run` as `x`
    "#]],
    );
}

#[test]
fn arguments_that_are_not_told_apart() {
    check(
        "\
#- /main.py
import os
from flask import Flask, request
app = Flask(__name__)
def run(first, second='ls', *rest, **others):
    os.system(second)  #! low
    os.popen(rest[0])  #! medium
    os.popen(others['a'])  #! medium
def named(*, command, other):
    os.system(command)  #! low
    os.system(other)
def forward(**options):
    named(**options)
@app.get('/')
def index():
    run(*request.args.getlist('x'))
@app.get('/')
def more():
    run('', 'ls', request.args['x'], a=request.args['y'])
    forward(command=request.args['x'], other='ls')
",
    );
}

#[test]
fn a_way_of_guesses_is_none() {
    check(
        "\
#- /main.py
import os
class A:
    def run(self, x):
        os.system(x)  #! low
class B:
    def run(self, x): ...
def once(x, kind):
    (A() if kind else B()).run(x)
once(input(), True)
class C:
    def run(self, x):
        os.popen(x)
def twice(*rest):
    (C() if rest else B()).run(*rest)
twice(input())
",
    );
}

#[test]
fn names_that_get_other_values() {
    check(&handler(
        "\
import os
os.system(data)  #! high
other = data
data = 'ls'
os.system(data)
os.system(other)  #! high
if other:
    data = other
os.system(data)  #! high
for data in ['a', 'b']:
    os.system(data)
command = 'ls '
command += other
os.system(command)  #! high
command = int(command)
os.system(command)
while other:
    os.system(last)  #! high
    last = other",
    ));
}

#[test]
fn branches_that_all_give_other_values() {
    check(&handler("import os\nif a:\n    data = 'x'\nelif b:\n    return\nelse:\n    data = 'y'\nos.system(data)"));
    check(&handler("import os\nif a:\n    data = 'x'\nelif b:\n    data = 'y'\nos.system(data)  #! high"));
    check(&handler("import os\ntry:\n    data = int(data)\nexcept ValueError:\n    return\nos.system(data)"));
    check(&handler("import os\ntry:\n    data = int(data)\nexcept ValueError:\n    data = 0\nos.system(data)"));
    check(&handler("import os\ntry:\n    data = int(data)\nexcept ValueError:\n    pass\nos.system(data)  #! high"));
    check(&handler("import os\nwith x:\n    data = int(data)\nos.system(data)"));
    check(&handler("import os\nx = 'a'\nif a:\n    x = data\n    return x\nos.system(x)"));
    check(&handler("import os\nx = 'a'\nif a:\n    x = data\n    x = int(x)\nos.system(x)"));
    check(&handler("import os\nx = 'a'\nif a:\n    x = data\nos.system(x)  #! high"));
    check(&handler(
        "import os\nx = 'a'\nfor i in y:\n    os.system(x)  #! high\n    if i:\n        x = data\n        continue\n    x = 'b'",
    ));
}

#[test]
fn values_in_values() {
    check(&handler(
        "\
import os
os.system(f'ls {data}')  #! high
os.system('ls %s' % data)  #! high
os.system('ls %s %d' % (data, 1))  #! high
os.system('ls %s' % (1,))
os.system('ls {}'.format(data))  #! high
os.system(' '.join(['ls', data]))  #! medium
os.system({'a': data}['a'])  #! medium
os.system([x for x in data.split()][0])  #! medium
os.system(data if data else 'ls')  #! high
a, b = data, 'ls'
os.system(a)  #! high
os.system(b)
parts = []
parts.append(data)
os.system(parts[0])  #! medium
if (again := data):
    os.system(again)  #! high
os.system(NAMES[data])
os.system(NAMES.get(data))
os.system(f'ls {len(data)} {data == 1} {float(data):.2f}')
os.system(lookup(data))
run = lambda data: os.system(data)
def nested():
    os.system(data)  #! high",
    ));
}

#[test]
fn tests_are_left_out() {
    check(
        "\
#- /tests/app.py
import os
os.system(input())
#- /test_app.py
import os
os.system(input())
#- /conftest.py
from run import run
run(input())
#- /run.py
import os
def run(x):
    os.system(x)
",
    );
}

#[test]
fn what_does_not_parse_is_left_out() {
    check("#- /broken.py\nimport os\nos.system(input())\ndef f(:\n#- /main.py\nimport broken\nbroken.f(input())\n");
}

#[test]
fn silenced() {
    let text = "\
import os
os.system(input())  # tantu: ignore[tainted-call]
eval(input())  # tantu: ignore
os.popen(input())  # tantu: ignore[unused]
";
    workspace::tests::check(
        text,
        expect![[r#"
        /main.py:4
            os.popen(input())  # tantu: ignore[unused]
               ^^^^^
            tainted-call Warning: `os.popen` hands data from outside to a shell: what is typed (confidence: medium)
                /main.py:4 data comes in: what is typed
    "#]],
    );
}

#[test]
fn tainted_calls_follow_edits() {
    let before = Workspace::new("import os\ndef f(x):\n    os.system(x)\n    os.popen(x)\nf(input())\n");
    let found = tainted(&before.analysis);
    assert_eq!(found.len(), 2);
    let after =
        Workspace::new("import os\n# moved\ndef f(x):\n    y = x\n    os.system(x)\n    os.popen('ls')\nf(input())\n");
    let found: Vec<_> = found.iter().filter_map(|(_, tainted)| tainted.diagnose(&after.analysis)).collect();
    let [found] = &found[..] else { panic!("{found:?}") };
    let slice = |file, range| after.analysis.source(file).slice(range).to_owned();
    assert_eq!(slice(after.first_file(), found.range), "system");
    let hops: Vec<_> = found.related.iter().map(|it| slice(it.file, it.range)).collect();
    assert_eq!(hops, ["input()", "input()"]);
}

#[test]
fn nothing_is_too_deep_or_too_wide() {
    let deep = format!("import os\nx = input(){}\nos.system(x)\n", " + 'a'".repeat(20_000));
    assert_eq!(tainted(&Workspace::new(&deep).analysis).len(), 0);
    let calls = format!("import os\nos.system({}input(){})\n", "str(".repeat(20_000), ")".repeat(20_000));
    assert_eq!(tainted(&Workspace::new(&calls).analysis).len(), 0);
    let chain: String = (0..20).map(|i| format!("def f{i}(x): f{}(x)\n", i + 1)).collect();
    let long = format!("import os\n{chain}def f20(x): os.system(x)\nf0(input())\nf15(input())\n");
    assert_eq!(tainted(&Workspace::new(&long).analysis).len(), 1);
    let names: String = (1..3000).map(|i| format!("x{i} = x{}\n", i - 1)).collect();
    let wide = format!("import os\nx0 = input()\n{names}os.system(x2999)\n");
    assert_eq!(tainted(&Workspace::new(&wide).analysis).len(), 0);
}

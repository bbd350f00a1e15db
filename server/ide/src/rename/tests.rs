use std::path::Path;

use fixture::Fixture;
use proptest::prelude::*;
use syntax::{Document, Encoding, Source, apply_edits};

use super::*;
use fixture::Workspace;

/// The files of the fixture afterwards.
fn after(workspace: &Workspace, renamed: &Rename) -> Vec<(String, String)> {
    let analysis = &workspace.analysis;
    let files = analysis.files().map(|file| {
        let edits: Vec<TextEdit> =
            renamed.edits.iter().filter(|edit| edit.file == file).map(|edit| edit.edit.clone()).collect();
        let text = apply_edits(analysis.source(file).text(), &edits).expect("no edits overlap");
        (analysis.path(file).display().to_string(), text)
    });
    files.collect()
}

/// What is at the cursor is called `new` in the fixture `text`, which becomes `expected`.
#[track_caller]
fn check(text: &str, expected: &str) {
    let workspace = Workspace::new(text);
    let (file, offset) = workspace.cursor();
    let renamed = rename(&workspace.analysis, file, offset, "new", false).unwrap();
    let mut expected: Vec<_> = Fixture::parse(expected).files.into_iter().map(|file| (file.path, file.text)).collect();
    expected.sort();
    assert_eq!(after(&workspace, &renamed), expected);
}

/// It cannot be called `name`, and the reason says `reason`.
#[track_caller]
fn check_refused(text: &str, name: &str, reason: &str) {
    let workspace = Workspace::new(text);
    let (file, offset) = workspace.cursor();
    let refused = rename(&workspace.analysis, file, offset, name, false).unwrap_err();
    assert!(refused.contains(reason), "{refused}");
}

#[test]
fn locals_closures_and_comprehensions() {
    check(
        "def f(n):\n    x$0 = 1\n    if n:\n        x += 2\n    def g():\n        nonlocal x\n        x = 3\n        return x\n    return [x for y in x], [x for x in n], lambda: x\nx = 4\n",
        "def f(n):\n    new = 1\n    if n:\n        new += 2\n    def g():\n        nonlocal new\n        new = 3\n        return new\n    return [new for y in new], [x for x in n], lambda: new\nx = 4\n",
    );
    check("def f(x):\n    return [x$0 for x in x]\n", "def f(x):\n    return [new for new in x]\n");
    check(
        "def f(a):\n    try: ...\n    except E as x$0: print(x)\n    with a as b: b\n",
        "def f(a):\n    try: ...\n    except E as new: print(new)\n    with a as b: b\n",
    );
    check(
        "def f(a):\n    while y := a: print(y$0)\n    match a:\n        case [1, y]: y\n",
        "def f(a):\n    while new := a: print(new)\n    match a:\n        case [1, new]: new\n",
    );
    check("def f():\n    def x(): x()\n    x$0()\n", "def f():\n    def new(): new()\n    new()\n");
    check("def f():\n    import json as j\n    j$0.dumps\n", "def f():\n    import json as new\n    new.dumps\n");
    check("def f[T](x: T) -> 'T$0': ...\n", "def f[new](x: new) -> 'new': ...\n");
    check("def f():\n    x = 1\n    del x$0\n    x = 2\n", "def f():\n    new = 1\n    del new\n    new = 2\n");
}

#[test]
fn variables_of_modules() {
    check(
        "#- /a.py\n__all__ = ['x', \"y\"]\nx$0 = 1\ndef f():\n    global x\n    x = 2\ndef g(x): return x\nprint(f'{x}')\n#- /b.py\nfrom a import *\nprint(x)\n#- /c.py\nimport a as m\nm.x\n",
        "#- /a.py\n__all__ = ['new', \"y\"]\nnew = 1\ndef f():\n    global new\n    new = 2\ndef g(x): return x\nprint(f'{new}')\n#- /b.py\nfrom a import *\nprint(new)\n#- /c.py\nimport a as m\nm.new\n",
    );
}

#[test]
fn functions_and_their_imports() {
    check(
        "#- /pkg/__init__.py\nfrom .m import f\n__all__ = ['f']\n#- /pkg/m.py\ndef f$0(): return f\n#- /main.py\nfrom pkg import f\nfrom pkg.m import f as g\nimport pkg.m\nf(), g(), pkg.m.f(), pkg.f()\n#- /other.py\ndef f(): ...\nf()\n",
        "#- /pkg/__init__.py\nfrom .m import new\n__all__ = ['new']\n#- /pkg/m.py\ndef new(): return new\n#- /main.py\nfrom pkg import new\nfrom pkg.m import new as g\nimport pkg.m\nnew(), g(), pkg.m.new(), pkg.new()\n#- /other.py\ndef f(): ...\nf()\n",
    );
    // From a use of what is imported.
    check(
        "#- /a.py\ndef f(): ...\n#- /b.py\nfrom a import f\nf$0()\n",
        "#- /a.py\ndef new(): ...\n#- /b.py\nfrom a import new\nnew()\n",
    );
    // An alias is a name of its own, also where it is imported again.
    check(
        "#- /a.py\ndef f(): ...\n#- /b.py\nfrom a import f as g\ng$0()\n#- /c.py\nfrom b import g\ng()\n",
        "#- /a.py\ndef f(): ...\n#- /b.py\nfrom a import f as new\nnew()\n#- /c.py\nfrom b import new\nnew()\n",
    );
    check(
        "#- /a.py\ndef f$0(): ...\n#- /b.py\nfrom a import f as g\n#- /c.py\nfrom b import g as f\nf()\n",
        "#- /a.py\ndef new(): ...\n#- /b.py\nfrom a import new as g\n#- /c.py\nfrom b import g as f\nf()\n",
    );
}

#[test]
fn a_name_with_several_origins() {
    check(
        "#- /fast.py\ndef f$0(): ...\n#- /main.py\ntry:\n    from fast import f\nexcept ImportError:\n    from json import f\nf()\n",
        "#- /fast.py\ndef new(): ...\n#- /main.py\ntry:\n    from fast import new\nexcept ImportError:\n    from json import f as new\nnew()\n",
    );
    check(
        "#- /fast.py\ndef f(): ...\n#- /main.py\ntry:\n    from fast import f\nexcept ImportError:\n    f = None\nf$0()\n",
        "#- /fast.py\ndef f(): ...\n#- /main.py\ntry:\n    from fast import f as new\nexcept ImportError:\n    new = None\nnew()\n",
    );
    check(
        "if 1:\n    def f(): ...\nelse:\n    def f(): ...\nf$0()\n",
        "if 1:\n    def new(): ...\nelse:\n    def new(): ...\nnew()\n",
    );
}

#[test]
fn classes() {
    check(
        "#- /a.py\nclass A$0:\n    def clone(self) -> 'A': return A()\n#- /b.py\nimport a\nfrom a import A\nfrom typing import cast\nclass B(A): ...\nx: a.A = cast('A', A())\ndef f(x: 'list[A]'):\n    match x:\n        case A(): ...\n    raise A\n",
        "#- /a.py\nclass new:\n    def clone(self) -> 'new': return new()\n#- /b.py\nimport a\nfrom a import new\nfrom typing import cast\nclass B(new): ...\nx: a.new = cast('new', new())\ndef f(x: 'list[new]'):\n    match x:\n        case new(): ...\n    raise new\n",
    );
}

#[test]
fn parameters_and_the_arguments_for_them() {
    check(
        "def f(a, *, size$0=1):\n    return size, g(size=size)\ndef g(**kw): ...\nf(1, size=2)\ng(size=3)\n",
        "def f(a, *, new=1):\n    return new, g(size=new)\ndef g(**kw): ...\nf(1, new=2)\ng(size=3)\n",
    );
    check(
        "#- /a.py\nclass A:\n    def __init__(self, size$0): self.size = size\n#- /b.py\nfrom a import A as B\nB(size=1)\n",
        "#- /a.py\nclass A:\n    def __init__(self, new): self.size = new\n#- /b.py\nfrom a import A as B\nB(new=1)\n",
    );
    // From the argument, and for all that override the method.
    check(
        "class A:\n    def m(self, x): return x\nclass B(A):\n    def m(self, x): return x\ndef f(a: A, b: B):\n    a.m(x$0=1)\n    b.m(x=2)\n",
        "class A:\n    def m(self, new): return new\nclass B(A):\n    def m(self, new): return new\ndef f(a: A, b: B):\n    a.m(new=1)\n    b.m(new=2)\n",
    );
    check(
        "from functools import partial\ndef f(x$0): ...\npartial(f, x=1)\n",
        "from functools import partial\ndef f(new): ...\npartial(f, new=1)\n",
    );
    check("class A:\n    def m(self$0): return self.x\n", "class A:\n    def m(new): return new.x\n");
    check("f = lambda x$0, y: x + y\n", "f = lambda new, y: new + y\n");
}

#[test]
fn attributes_and_methods() {
    check(
        "class A:\n    x: int = 1\n    __slots__ = ('x', 'y')\n    def __init__(self, x):\n        self.x$0 = x\n        self.y = self.x\nclass B:\n    x = 1\ndef f(a: A, b: B): return a.x, b.x\nA(1).x\nA.x\n",
        "class A:\n    new: int = 1\n    __slots__ = ('new', 'y')\n    def __init__(self, x):\n        self.new = x\n        self.y = self.new\nclass B:\n    x = 1\ndef f(a: A, b: B): return a.new, b.x\nA(1).new\nA.new\n",
    );
    check(
        "class A:\n    @property\n    def x$0(self): ...\n    @x.setter\n    def x(self, value): ...\nA().x = A().x\n",
        "class A:\n    @property\n    def new(self): ...\n    @new.setter\n    def new(self, value): ...\nA().new = A().new\n",
    );
    check(
        "from dataclasses import dataclass, replace\n@dataclass\nclass P:\n    x$0: int\np = P(x=1)\nreplace(p, x=2)\nmatch p:\n    case P(x=y): y\n",
        "from dataclasses import dataclass, replace\n@dataclass\nclass P:\n    new: int\np = P(new=1)\nreplace(p, new=2)\nmatch p:\n    case P(new=y): y\n",
    );
    check(
        "class A:\n    def __m$0(self): self.__m()\nclass B:\n    def f(self, x): x.__m\n",
        "class A:\n    def new(self): self.new()\nclass B:\n    def f(self, x): x.__m\n",
    );
}

#[test]
fn methods_that_override_each_other() {
    check(
        "#- /a.py\nclass A:\n    def m(self): ...\n#- /b.py\nfrom a import A\nclass B(A):\n    def m$0(self):\n        super().m()\nclass C(A): ...\nclass D(C):\n    def m(self): self.m()\nclass Other:\n    def m(self): ...\nA().m(), C().m(), Other().m()\n",
        "#- /a.py\nclass A:\n    def new(self): ...\n#- /b.py\nfrom a import A\nclass B(A):\n    def new(self):\n        super().new()\nclass C(A): ...\nclass D(C):\n    def new(self): self.new()\nclass Other:\n    def m(self): ...\nA().new(), C().new(), Other().m()\n",
    );
    // What a common subclass would find instead belongs to it.
    check(
        "class A:\n    def m$0(self): ...\nclass B:\n    def m(self): ...\nclass C(A, B): ...\nC().m()\n",
        "class A:\n    def new(self): ...\nclass B:\n    def new(self): ...\nclass C(A, B): ...\nC().new()\n",
    );
}

#[test]
fn stubs_follow() {
    check(
        "#- /a.py\nclass A:\n    def m$0(self): ...\n#- /a.pyi\nclass A:\n    def m(self) -> int: ...\n    x: int\n",
        "#- /a.py\nclass A:\n    def new(self): ...\n#- /a.pyi\nclass A:\n    def new(self) -> int: ...\n    x: int\n",
    );
}

#[test]
fn what_others_rely_on_without_naming_it() {
    let text =
        "from typing import Protocol\nclass P(Protocol):\n    def m(self): ...\nclass A:\n    def m(self): return 1\n";
    check_refused(
        &text.replace("m(self): return", "m$0(self): return"),
        "new",
        "main.py:2: `P` is a protocol that asks",
    );
    check_refused(
        &text.replacen("m(self): ...", "m$0(self): ...", 1),
        "new",
        "main.py:4: `A` conforms to the protocol",
    );
    check_refused(
        "from typing import TypedDict\nclass T(TypedDict):\n    x$0: int\ndef f(t: T): t['x']\n",
        "new",
        "keys are texts",
    );
    check_refused(
        "from django.db import models\nclass M(models.Model):\n    x$0 = 1\nM.objects.filter(x=1)\nM().x\n",
        "new",
        "main.py:4: what is called here is not known",
    );
}

#[test]
fn texts_that_name_it() {
    check(
        "#- /pkg/a.py\nclass A:\n    def m$0(self): ...\na = A()\ngetattr(a, 'm')\n#- /pkg/test.py\nfrom unittest.mock import patch\n@patch(\"pkg.a.A.m\")\ndef f(): ...\n",
        "#- /pkg/a.py\nclass A:\n    def new(self): ...\na = A()\ngetattr(a, 'new')\n#- /pkg/test.py\nfrom unittest.mock import patch\n@patch(\"pkg.a.A.new\")\ndef f(): ...\n",
    );
    check_refused(
        "class A:\n    def m$0(self): ...\ndef f(x): getattr(x, 'm')\n",
        "new",
        "main.py:3: a text that may name it",
    );
    check_refused("#- /pkg/a.py\ndef f$0(): ...\nx = 'pkg.a.f'\n", "new", "pkg/a.py:2: a text");
}

#[test]
fn a_module_that_its_package_imports() {
    let text = "#- /pkg/__init__.py\nfrom . import m\nm$0.x\n#- /pkg/m.py\nx = 1\n#- /main.py\nimport pkg.m\npkg.x\n";
    for text in [text.to_owned(), text.replace("m$0.x", "m.x").replace("pkg.x", "pkg$0.x")] {
        let workspace = Workspace::new(&text);
        let (file, offset) = workspace.cursor();
        let renamed = rename(&workspace.analysis, file, offset, "new", false).unwrap();
        let (old, _) = renamed.moved.unwrap();
        assert_eq!(old, PathBuf::from(if text.contains("m$0") { "/pkg/m.py" } else { "/pkg" }));
    }
}

#[test]
fn modules_and_packages() {
    let text = "#- /pkg/__init__.py\n#- /pkg/m.py\nx = 1\n#- /main.py\nimport pkg.m$0\nfrom pkg import m\nfrom pkg.m import x\npkg.m.x, m.x\n";
    let workspace = Workspace::new(text);
    let (file, offset) = workspace.cursor();
    let renamed = rename(&workspace.analysis, file, offset, "new", false).unwrap();
    assert_eq!(renamed.moved, Some((PathBuf::from("/pkg/m.py"), PathBuf::from("/pkg/new.py"))));
    let files = after(&workspace, &renamed);
    let main = files.iter().find(|(path, _)| path == "/main.py").unwrap();
    assert_eq!(main.1, "import pkg.new\nfrom pkg import new\nfrom pkg.new import x\npkg.new.x, new.x\n");

    let workspace = Workspace::new(&text.replace("pkg.m$0", "pk$0g.m"));
    let (file, offset) = workspace.cursor();
    let start = prepare_rename(&workspace.analysis, file, offset).unwrap().unwrap();
    assert_eq!((start.name.as_str(), workspace.analysis.source(file).slice(start.range)), ("pkg", "pkg"));
    let renamed = rename(&workspace.analysis, file, offset, "new", false).unwrap();
    assert_eq!(renamed.moved, Some((PathBuf::from("/pkg"), PathBuf::from("/new"))));
    let main = after(&workspace, &renamed).into_iter().find(|(path, _)| path == "/main.py").unwrap();
    assert_eq!(main.1, "import new.m\nfrom new import m\nfrom new.m import x\nnew.m.x, m.x\n");
    assert!(rename(&workspace.analysis, file, offset, "main", false).unwrap_err().contains("main.py"));
}

#[test]
fn what_is_not_certain_is_refused_or_asked() {
    let text =
        "class A:\n    def m$0(self): ...\nclass B:\n    def m(self): ...\ndef f(x, y: A | B):\n    x.m()\n    y.m()\n";
    check_refused(text, "new", "main.py:6: what has this attribute is not known (and one more place)");
    let workspace = Workspace::new(text);
    let (file, offset) = workspace.cursor();
    let renamed = rename(&workspace.analysis, file, offset, "new", true).unwrap();
    let doubts: Vec<_> = renamed.edits.iter().map(|edit| edit.doubt.as_deref()).collect();
    let expected = ["main.py:6: what has this attribute is not known", "main.py:7: it may be something else as well"];
    assert_eq!(doubts, [None, Some(expected[0]), Some(expected[1])]);

    check_refused(
        "class A: ...\nclass B(A):\n    def m$0(self): ...\ndef f(a: A): a.m()\n",
        "new",
        "main.py:4: a subclass has it",
    );
    check_refused("def f(x$0): ...\ndef g(**kw): f(**kw)\n", "new", "main.py:2: `**` may pass it here");
    check_refused("class A:\n    def m(self, x$0): ...\ndef f(a): a.m(x=1)\n", "new", "main.py:3: what is called here");
    check_refused(
        "from django.views import View\nclass V(View):\n    def get$0(self): ...\n",
        "new",
        "`django.views.View` is not in the workspace and may use it",
    );
}

#[test]
fn computed_names_and_broken_files_are_doubtful() {
    let text = "class A:\n    def go(self, x): getattr(self, f'do_{x}')()\n    def do_it$0(self): ...\n    def other(self): ...\n";
    check_refused(text, "new", "main.py:2: a name is put together");
    check(
        "class A:\n    def go(self, x): getattr(self, 'do_' + x)()\n    def other$0(self): ...\n",
        "class A:\n    def go(self, x): getattr(self, 'do_' + x)()\n    def new(self): ...\n",
    );
    check_refused("x$0 = 1\ny = (\n", "new", "a syntax error may hide uses");
}

#[test]
fn names_that_collide_are_refused() {
    check_refused("def f(x$0, y): ...\n", "y", "`y` is taken: main.py:1");
    check_refused("x$0 = 1\ndef f(y): return x\n", "y", "`y` would mean something else: main.py:2");
    check_refused("y = 1\ndef f(x$0): return y\n", "y", "would change: main.py:2");
    check_refused("def f(x$0): return len(x)\n", "len", "would change: main.py:1");
    check_refused(
        "class A:\n    def m(self): ...\nclass B(A):\n    def n$0(self): ...\n",
        "m",
        "`m` is taken: main.py:2",
    );
    check_refused("#- /a.py\ndef f$0(): ...\n#- /b.py\nfrom a import f\ng = 1\n", "g", "`g` is taken: b.py:2");
    check_refused("x$0 = 1\ndef f(): return [x for y in [1]]\n", "y", "`y`");
}

#[test]
fn what_is_no_name_of_ours_is_refused() {
    check_refused("x$0 = 1\n", "class", "`class` is a keyword");
    check_refused("x$0 = 1\n", "2x", "no name in Python");
    check_refused("x$0 = 1\n", "a.b", "no name in Python");
    check_refused("import os\nos$0.getcwd()\n", "new", "outside the workspace (`os`)");
    check_refused("from os import getcwd\ngetcwd$0()\n", "new", "(`os.getcwd`)");
    check_refused("len$0([])\n", "new", "(`builtins.len`)");
    check_refused("def f(x): x.name$0\n", "new", "not known what `name` is");
    check_refused("class A:\n    def __init__$0(self): ...\n", "new", "a meaning of its own");
    let workspace = Workspace::new("x = 1 $0 + 2\n");
    let (file, offset) = workspace.cursor();
    assert_eq!(prepare_rename(&workspace.analysis, file, offset), Ok(None));
    assert!(KEYWORDS.is_sorted());
}

/// Things that make places in a text hard to count.
fn noise() -> impl Strategy<Value = String> {
    let parts = vec!["é", "e\u{301}", "😀", "👩‍👩‍👧", "\t", "\u{2028}", "ß", "日本"];
    prop::collection::vec(prop::sample::select(parts), 0..5).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever stands around the names, the edits land on them in every encoding: the text afterwards is the one that would
    /// have been written with the other name.
    #[test]
    fn edits_land_where_the_names_are(
        noise in prop::collection::vec(noise(), 6),
        line_end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        bom in prop::sample::select(vec!["", "\u{feff}"]),
        feed in prop::sample::select(vec!["", "\u{c}"]),
        names in prop::sample::select(vec![("size", "ny😀".replace('😀', "é")), ("größe", "n".to_owned()), ("名前", "kvòt".to_owned())]),
    ) {
        let (old, new) = names;
        let written = |name: &str| {
            let [a, b, c, d, e, f] = [0, 1, 2, 3, 4, 5].map(|nth: usize| noise[nth].as_str());
            let lines = [
                format!("{bom}a = '{a}'; {name} = '{b}'; print({name}, '{c}', {name}) # {name}"),
                format!("{feed}def f(x='{d}', *, {name}='{e}'):"),
                format!("\tglobal g; g = ('{f}', {name}, f'{a}{{{name}}}{b}{{{name}!r}}')"),
                format!("\treturn [({name}, '{c}') for y in {name}]"),
                format!("print('{d}', {name}); f('{e}', {name}={name})"),
                String::new(),
            ];
            lines.join(line_end)
        };
        // The module's variable is one thing, the parameter another.
        let text = written(old);
        let mut host = graph::AnalysisHost::new(vec![PathBuf::from("/")]);
        let mut change = graph::Change::default();
        change.set("/main.py", text.as_str());
        host.apply(change);
        let analysis = host.analysis();
        let file = analysis.file(Path::new("/main.py")).unwrap();
        let first = text.find(&format!("{old} =")).unwrap();
        let second = text.find(&format!("{old}='")).unwrap();
        let mut edits = Vec::new();
        for place in [first, second] {
            let offset = TextSize::new(u32::try_from(place).unwrap());
            let renamed = rename(&analysis, file, offset, &new, false).unwrap();
            edits.extend(renamed.edits.into_iter().map(|edit| edit.edit));
        }
        let expected = written(&new).replace(&format!("# {new}"), &format!("# {old}"));
        prop_assert_eq!(&apply_edits(&text, &edits).unwrap(), &expected);
        // As an editor does it: the last one first, each by line and column.
        let source = Source::new(text.as_str());
        edits.sort_by_key(|edit| std::cmp::Reverse(edit.range.start()));
        for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
            let mut document = Document::new(&text, 0);
            for edit in &edits {
                let at = |offset| source.position(offset, encoding);
                let range = Some((at(edit.range.start()), at(edit.range.end())));
                document.apply(&[syntax::ContentChange { range, text: edit.text.clone() }], 1, encoding);
            }
            prop_assert_eq!(&*document.text(), expected.as_str());
        }
    }
}

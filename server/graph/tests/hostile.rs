//! Code that nobody wrote by hand, and what is hardly code: it must neither crash, hang nor take all memory.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use graph::{Analysis, AnalysisHost, Change, FileId};
use syntax::TextSize;

/// A test that takes longer hangs for a person.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that takes more resident memory is one that the system kills.
const MEMORY: u64 = 3 << 30;

/// Ends the process with a message when it is not dropped in time; a thread that hangs cannot be stopped otherwise.
struct Watchdog {
    _alive: Sender<()>,
}

impl Watchdog {
    fn new() -> Self {
        let (alive, dropped) = channel::<()>();
        let name = std::thread::current().name().unwrap_or("a test").to_owned();
        std::thread::spawn(move || {
            let start = Instant::now();
            while let Err(RecvTimeoutError::Timeout) = dropped.recv_timeout(Duration::from_millis(100)) {
                let memory = resident().unwrap_or(0);
                if start.elapsed() > PATIENCE || memory > MEMORY {
                    eprintln!("{name}: stopped after {:?} with {} MB", start.elapsed(), memory / 1_000_000);
                    std::process::abort();
                }
            }
        });
        Watchdog { _alive: alive }
    }
}

/// Bytes, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

fn load(files: impl IntoIterator<Item = (String, String)>) -> AnalysisHost {
    let mut change = Change::default();
    files.into_iter().for_each(|(path, text)| change.set(format!("/w/{path}"), text));
    let mut host = AnalysisHost::new(vec![PathBuf::from("/w")]);
    host.apply(change);
    host
}

/// What an editor asks about a file while somebody reads it.
fn ask(analysis: &Analysis, file: FileId) {
    let length = analysis.source(file).text().len();
    for offset in (0..=length).step_by(length / 40 + 1) {
        let offset = TextSize::new(offset as u32);
        analysis.targets(file, offset);
        analysis.types_at(file, offset);
        analysis.local_references(file, offset);
        analysis.enclosing(file, offset);
    }
    let symbols = analysis.symbols(file);
    for &symbol in symbols.iter().step_by(symbols.len() / 20 + 1) {
        analysis.callers(symbol);
        analysis.callees(symbol);
        analysis.references(symbol);
        analysis.ancestors(symbol);
        analysis.members(symbol);
        analysis.symbol(symbol).signature();
    }
    analysis.caller_counts(file);
    analysis.undefined_names(file);
    analysis.missing_members(file);
    analysis.incompatible_calls(file);
    analysis.imports(file);
}

/// Loads one file, asks, edits it and asks again.
fn survive(text: &str) -> Analysis {
    let start = Instant::now();
    let mut host = load([("a.py".to_owned(), text.to_owned())]);
    let path = Path::new("/w/a.py");
    let file = host.analysis().file(path).unwrap();
    let loaded = start.elapsed();
    ask(&host.analysis(), file);
    let asked = start.elapsed() - loaded;
    let mut change = Change::default();
    change.set(path, format!("{text}\nadded = 1\n"));
    host.apply(change);
    host.apply_flow(host.analysis().solve_flow());
    ask(&host.analysis(), file);
    let shown: String = text.chars().take(30).collect();
    println!("{shown:?} × {}: load {loaded:?}, ask {asked:?}, in all {:?}", text.len(), start.elapsed());
    host.analysis()
}

fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    format!("x = {}{inner}{}\n", open.repeat(depth), close.repeat(depth))
}

fn indented(head: &str, depth: usize) -> String {
    let mut text = String::new();
    for level in 0..depth {
        writeln!(text, "{}{head}", " ".repeat(level)).unwrap();
    }
    writeln!(text, "{}pass", " ".repeat(depth)).unwrap();
    text
}

#[test]
fn functions_that_pass_on_more_than_they_were_given() {
    let _watchdog = Watchdog::new();
    survive("def f(*args, **kwargs):\n    return f(1, *args, **kwargs)\nf(f)\n");
    survive("def f(*args):\n    return g(*args, f)\ndef g(a, *args):\n    return f(a, g, *args)\nf()\n");
    survive("def f(*args):\n    return f([args], *args[1:])\nf(1, 2, f)\n");
}

#[test]
fn nested_expressions() {
    let _watchdog = Watchdog::new();
    for depth in [200, 20_000] {
        survive(&nested("(", "1", ")", depth));
        survive(&nested("[", "1", "]", depth));
        survive(&nested("{1: ", "1", "}", depth));
        survive(&nested("f(", "1", ")", depth));
        survive(&nested("a[", "1", "]", depth));
        survive(&nested("lambda: ", "1", "", depth));
        survive(&nested("not ", "1", "", depth));
        survive(&nested("-", "1", "", depth));
        survive(&nested("await ", "1", "", depth));
        survive(&nested("1 if 1 else ", "1", "", depth));
        survive(&nested("(y := ", "1", ")", depth));
        survive(&nested("[y for y in ", "z", "]", depth));
        survive(&nested("(*", "z", ",)", depth));
        survive(&nested("(", "y", ",)", depth).replace("x = ", "x = 1; ").replace("\n", " = x\n"));
    }
}

#[test]
fn chains_of_expressions() {
    let _watchdog = Watchdog::new();
    for length in [200, 20_000] {
        survive(&format!("x = a{}\n", ".b".repeat(length)));
        survive(&format!("x = a{}\n", "()".repeat(length)));
        survive(&format!("x = a{}\n", "[0]".repeat(length)));
        survive(&format!("x = a{}\n", ".b()".repeat(length)));
        survive(&format!("x = {}1\n", "1 + ".repeat(length)));
        survive(&format!("x = {}1\n", "2 ** ".repeat(length)));
        survive(&format!("x = {}1\n", "y and ".repeat(length)));
        survive(&format!("x = {}1\n", "1 < ".repeat(length)));
        survive(&format!("{}1\n", "x = ".repeat(length)));
        survive(&format!("{}def f(): ...\n", "@d\n".repeat(length)));
        survive(&format!("x: {}int\n", "int | ".repeat(length)));
        survive(&format!("from {} import y\n", ["a"].repeat(length).join(".")));
        survive(&format!("from {} import y\n", ".".repeat(length)));
        survive(&format!("del {}\n", "x, ".repeat(length)));
    }
}

#[test]
fn nested_annotations() {
    let _watchdog = Watchdog::new();
    for depth in [200, 5000] {
        survive(&format!("x: {}int{}\n", "list[".repeat(depth), "]".repeat(depth)));
        survive(&format!("def f(x: {}int{}): ...\n", "Callable[[".repeat(depth), "], int]".repeat(depth)));
        survive(&format!("x: \"{}int{}\"\n", "list[".repeat(depth), "]".repeat(depth)));
    }
    survive("from typing import *\nx: Annotated[()]\ny: Annotated\nz: Union[()]\nw: Optional[()]\nv: list[()] = []\n");
}

#[test]
fn nested_strings() {
    let _watchdog = Watchdog::new();
    for depth in [50, 5000] {
        survive(&nested("f'{", "1", "}'", depth));
        survive(&nested("f'''{x:{", "1", "}}'''", depth));
        survive(&nested("t'{", "1", "}'", depth));
    }
    survive(&format!("x = {}\n", "'a' ".repeat(100_000)));
    survive(&format!("x = {}\n", "f'{a}' ".repeat(20_000)));
}

#[test]
fn nested_statements() {
    let _watchdog = Watchdog::new();
    // The text grows with the square of the depth.
    for head in [
        "if x:",
        "while x:",
        "for x in y:",
        "with x as y:",
        "def f(x):",
        "class C:",
        "class C(C):",
        "async def f(x=f):",
        "try:",
        "match x:",
    ] {
        for depth in [30, 95, 250] {
            survive(&indented(head, depth));
        }
    }
    let tries = |depth| -> String {
        let mut text = String::new();
        for level in 0..depth {
            writeln!(text, "{}try:", " ".repeat(level)).unwrap();
        }
        for level in (0..=depth).rev() {
            writeln!(text, "{}x = f(x)", " ".repeat(level)).unwrap();
            if level > 0 {
                writeln!(text, "{}except E as e:\n{}x = e", " ".repeat(level - 1), " ".repeat(level)).unwrap();
            }
        }
        text
    };
    survive(&tries(60));
    survive(&tries(200));
    survive(&format!("if x: x = 1\n{}else: x = 2\n", "elif x: x = f(x)\n".repeat(4_000)));
}

#[test]
fn large_files() {
    let _watchdog = Watchdog::new();
    let mut dict = String::from("TABLE = {\n");
    for number in 0..120_000 {
        writeln!(dict, "    'key{number}': ({number}, 'value', None, [1, 2]),").unwrap();
    }
    dict.push_str("}\n");
    assert!(dict.len() > 5_000_000);
    survive(&dict);
}

#[test]
fn many_functions() {
    let _watchdog = Watchdog::new();
    survive(
        &(0..100_000).map(|number| format!("def f{number}(a, b=1): return f{}(b)\n", number / 2)).collect::<String>(),
    );
}

#[test]
fn many_classes_and_variables() {
    let _watchdog = Watchdog::new();
    survive(
        &(0..20_000).map(|n| format!("class C{n}:\n    def m(self): self.x = C{}().m()\n", n / 2)).collect::<String>(),
    );
    survive(&(0..50_000).map(|number| format!("x{number} = x{}\n", number / 2)).collect::<String>());
    survive(&(0..20_000).map(|number| format!("x{number} = x{}\n", number - number.min(1))).collect::<String>());
}

/// Each branch, loop and comprehension works on a flow of its own: the work grows with the square of their number.
#[test]
fn many_branches_over_many_names() {
    let _watchdog = Watchdog::new();
    let many = |text: fn(usize) -> String| (0..2_000).map(text).collect::<String>();
    survive(&many(|n| format!("if x:\n    y{n} = 1\nelse:\n    y{n} = 2\n")));
    survive(&many(|n| format!("for i{n} in x:\n    y{n} = i{n}\n")));
    survive(&many(|n| format!("y{n} = [i for i in x]\n")));
    survive(&many(|n| format!("try:\n    y{n} = 1\nexcept E as e:\n    y{n} = 2\n")));
    survive(&many(|n| format!("with x as y{n}: pass\n")));
    survive(&many(|n| format!("if x:\n    y = {n}\n")));
    survive(&many(|n| format!("y{n} = lambda a{n}: a{n}\n")));
    survive(&many(|n| format!("global y{n}\ndel y{n}\n")));
    // What reaches a place is not listed at each of the places that it reaches.
    survive(&"if x: x = f(x)\n".repeat(20_000));
    survive(&format!("if x: x = 1\n{}", "elif x: x = x\n".repeat(20_000)));
    survive(&format!("def f():\n{}", "    try: x = x\n    except x: x = x\n".repeat(10_000)));
    survive(&format!("def f():\n{}", many(|n| format!("    if x:\n        y = {n}\n    z = y\n"))));
    survive(&format!("while x:\n{}", many(|n| format!("    y{n} = y{n}\n    if y{n}: continue\n"))));
}

#[test]
fn long_lines_end() {
    let _watchdog = Watchdog::new();
    survive(&format!("x = [{}]\n", "a.b(c), ".repeat(200_000)));
    survive(&"x = 1; ".repeat(100_000));
    survive(&format!("# {}", "x".repeat(5_000_000)));
    survive(&format!("x = '{}'", "\\n".repeat(2_000_000)));
    survive(&format!("f({})\n", (0..50_000).map(|n| format!("a{n}=b{n}, ")).collect::<String>()));
    survive(&format!("def f({}): ...\n", (0..20_000).map(|n| format!("a{n}=b, ")).collect::<String>()));
    survive(&format!("{} = x\n", (0..20_000).map(|n| format!("a{n}")).collect::<Vec<_>>().join(", ")));
    survive(&format!("{}= x\n", (0..20_000).map(|n| format!("a{n} = ")).collect::<String>().trim_end_matches("= ")));
    survive(&"x".repeat(2_000_000));
}

fn survive_files(count: usize, text: impl Fn(usize) -> String) -> AnalysisHost {
    let start = Instant::now();
    let host = load((0..count).map(|number| (format!("m{number}.py"), text(number))));
    let loaded = start.elapsed();
    let analysis = host.analysis();
    let files: Vec<FileId> = analysis.files().collect();
    files.iter().step_by(count / 10 + 1).for_each(|&file| ask(&analysis, file));
    let mut edited = host.clone();
    for number in [0, count / 2] {
        let mut change = Change::default();
        change.set(format!("/w/m{number}.py"), format!("{}\nadded = 1\n", text(number)));
        edited.apply(change);
    }
    edited.apply_flow(edited.analysis().solve_flow());
    println!("{count} files: load {loaded:?}, in all {:?}", start.elapsed());
    host
}

#[test]
fn many_files_that_import_each_other() {
    let _watchdog = Watchdog::new();
    let host = survive_files(10_000, |n| {
        format!("import m{}\nfrom m{} import f as g\ndef f(): return g()\n", (n * 7 + 1) % 10_000, (n + 1) % 10_000)
    });
    assert_eq!(host.analysis().stats().exact_edges, 10_000);
}

#[test]
fn cycles_of_star_imports() {
    let _watchdog = Watchdog::new();
    survive_files(100, |n| {
        format!("from m{} import *\nx{n} = x{}\ndef f{n}(): return f{}()\n", (n + 1) % 100, n / 2, n / 2)
    });
    // Everybody from everybody: the number of ways from one to another has no bound.
    let stars: String = (0..20).map(|n| format!("from m{n} import *\n")).collect();
    survive_files(20, |n| format!("{stars}x{n} = missing\ndef f{n}(): return f{}()\n", (n * 7) % 20));
}

#[test]
fn functions_that_return_each_other() {
    let _watchdog = Watchdog::new();
    survive(&(0..2000).map(|n| format!("def f{n}(): return f{}()\n", (n + 1) % 2000)).collect::<String>());
    survive(
        &(0..300).map(|n| format!("def f{n}(): return f{}() or f{}\n", (n + 1) % 300, n * 7 % 300)).collect::<String>(),
    );
    survive(
        &(0..300)
            .map(|n| format!("def f{n}(): return [f{}(), f{}()]\n", (n + 1) % 300, n * 7 % 300))
            .collect::<String>(),
    );
    survive_files(200, |n| {
        format!("import m{0}, m{1}\ndef f(): return m{0}.f() or m{1}.f() or f\n", (n + 1) % 200, n * 7 % 200)
    });
}

#[test]
fn deep_and_wide_hierarchies() {
    let _watchdog = Watchdog::new();
    let chain: String = (0..500)
        .map(|n| format!("class C{}(C{n}):\n    def m(self): return self.m() or super().m()\n", n + 1))
        .collect();
    survive(&format!("class C0: ...\n{chain}C500().m().m()\n"));
    // More than are looked through: what is far away is unknown, and not missing.
    let long: String =
        (0..2_000).map(|n| format!("class C{}(C{n}):\n    def m{n}(self): return self.top()\n", n + 1)).collect();
    let analysis = survive(&format!("class C0:\n    def top(self): ...\n{long}C2000().top()\nC2000().nowhere()\n"));
    assert!(analysis.missing_members(analysis.files().next().unwrap()).is_empty());
    // As many as a file holds: nothing recurses along them.
    let endless: String = (0..20_000).map(|n| format!("class C{}(C{n}): ...\n", n + 1)).collect();
    survive(&format!("class C0: ...\n{endless}C20000().m()\n"));
    let bases: String = (0..500).map(|n| format!("class B{n}:\n    def m{n}(self): ...\n")).collect();
    let names = (0..500).map(|n| format!("B{n}")).collect::<Vec<_>>().join(", ");
    survive(&format!("{bases}class C({names}): ...\nC().m499()\n"));
    // In each step both classes have both of the step before: the number of ways to the top doubles.
    let diamonds: String =
        (0..40).map(|n| format!("class A{0}(A{n}, B{n}): ...\nclass B{0}(A{n}, B{n}): ...\n", n + 1)).collect();
    survive(&format!("class A0: ...\nclass B0: ...\n{diamonds}A40().m()\n"));
    let ring: String =
        (0..100).map(|n| format!("class R{n}(R{}):\n    def m(self): self.m()\n", (n + 1) % 100)).collect();
    survive(&ring);
}

#[test]
fn definitions_in_terms_of_themselves() {
    let _watchdog = Watchdog::new();
    survive("x = x\nx = [x]\nx = (x, x)\nx = {x: x}\nx = x.x\nx = x()\nx = x[x]\nx += x\nx: x = x\n");
    survive("while x:\n    x = [x, x]\n    x = (x, x)\n    x = {1: x}\n    x = lambda: x\n");
    survive("def f(x=f): return f(f)(f)\nclass C(C): C = C\nclass D(D.D): D = D.D\nx = C.C.C().C()\n");
    survive(
        "class C:\n    def __getattr__(self, n): return self.x\n    def m(self): self.a = self.a.b; self.b = self.b.a\n",
    );
    survive("class C:\n    def m(self): self.x = [self.x, self]; return self.m().x\nC().m().x[0].m()\n");
    survive("import a\na.a = a\nfrom a import *\nfrom a import a\nfrom . import a\n__all__ = __all__ + a.__all__\n");
    survive(&"def f(): return f\n".repeat(1000));
    survive(&"class f(f):\n    def m(self): ...\n".repeat(1000));
    survive(&"x = x\n".repeat(1000));
    survive(&"x = [x]\n".repeat(1000));
    survive(&"    def f(self): return self.f()\n".repeat(1000).replacen("    def", "class C:\n    def", 1));
    survive(&"    @overload\n    def f(self): ...\n".repeat(1000).replacen("    @", "class C:\n    @", 1));
    survive(&(0..1000).map(|n| format!("        self.x = self.x.y{n}\n")).collect::<String>().replacen(
        "        ",
        "class C:\n    def m(self):\n        ",
        1,
    ));
}

/// Each of these was a place in the flow of values that begot others like it.
#[test]
fn values_that_hold_themselves() {
    let texts = [
        "errors = (OSError,)\nerrors += errors\ncaught = [errors]\ncaught.append(caught)\n\
         class E(Exception): ...\ncaught.append(E)\n\
         def f():\n    try: pass\n    except caught as e: e.x()\n",
        "class M(type):\n    def __iter__(cls): return cls\n    def __next__(cls): return cls\n\
         class C(metaclass=M): ...\nfor x in C:\n    for y in x: y()\n",
        "class A:\n    def __await__(self): return self\nasync def f():\n    x = await A()\n    await x\n    x.y()\n",
        "from functools import partial\nf = print\nfor _ in range(3): f = partial(map, f)\nlist(f([f]))\n",
        "from functools import reduce\nr = reduce\nr = lambda *a: reduce(r, a, r)\nr(r, r)\n",
        "d = {}\nd[d] = d\nd.update(d)\nd.update(d.items())\nfor k, v in d.items(): d.update([(k, v), v])\n",
    ];
    for text in texts {
        assert!(!survive(text).is_flow_cut(), "{text}");
    }
}

#[test]
fn bytes_that_are_hardly_text() {
    let _watchdog = Watchdog::new();
    for bytes in [
        &b"\x7fELF\x02\x01\x01\0\0"[..],
        b"\xff\xfex\0=\0",
        b"x = '\xed\xa0\x80'\n",
        b"x = '\xff\xff'\n",
        b"\0",
        b"x = 1\0\n",
    ] {
        assert!(syntax::decode(bytes.to_vec()).is_err());
    }
    for text in [
        "",
        "\u{feff}",
        "\u{feff}\u{feff}x = 1\n",
        "x = 1\0y = 2\n\0",
        "\0\0\0",
        "x = 1\ry = x\rdef f():\r    return y\r",
        "x = 1\r\ny = 2\n\rz = 3\r\n\r\r\n\n",
        "if x:\r    y = 1\r\n\tz = 2\n",
        "x = '\\ud800'\ny = '\\udfff\\ud800'\nz = '\\N{nope}'\n",
        "x = '",
        "x = \"\"\"",
        "x = '''a\nb\n\"\"\"",
        "x = f'{",
        "x = f'{y!",
        "x = f'''{\n'''",
        "x = rb'\\",
        "\\",
        "x = \\\n",
        "x = (\\\n\\\n",
        "\t \u{c}\u{b}\u{a0}x\u{2028}= 1\u{85}",
        "𝕏 = ℌ = ﬁ = e\u{301}\nprint(X, H, fi)\n",
        "def f(:\nclass :\nimport .\nfrom import\nfrom . import\nimport a.\nfrom a. import (b,\n",
        "@\n@f\nasync\nawait\nlambda\nlambda:\nfor\nin\nx.\nx.1\nx[\nf(**\n",
        "class C(, ,): def\nmatch x:\n    case\n    case [*a, *b]: ...\n    case {**r, 1: 2}: ...\n    case C(a=1, 2): ...\n",
        "type X[T: (X, X) = X] = X[X]\ndef f[T, *Ts, **P](x: T.T): ...\nclass C[C](C): ...\n",
        "x: 'x: int'\ny: '('\nz: 'a' 'b'\nw: f'{x}'\nv: '\\x41'\nu: '''\n list[\n int]'''\n",
        "del\ndel (x, [y, (z)]), *w\nglobal\nnonlocal x\nreturn\nyield\nbreak\n",
        "__all__ = 1\n__all__ += ['x']\n__all__.append(y)\n__all__: list = [*a, 'b']\n",
        "%timeit x\n!ls\n?x\nx = %time y\n$\n`\u{0}`\n",
    ] {
        survive(text);
        survive(&text.repeat(500));
        // Cut at every place, as while typing.
        for (end, _) in text.char_indices().skip(1) {
            let host = load([("a.py".to_owned(), text[..end].to_owned())]);
            let analysis = host.analysis();
            ask(&analysis, analysis.file(Path::new("/w/a.py")).unwrap());
        }
    }
}

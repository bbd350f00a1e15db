//! What a file, a package and a keystroke cost. The corpus is Python's own library.

use std::path::{Path, PathBuf};
use std::process::Command;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use graph::{AnalysisHost, Change};

fn library() -> PathBuf {
    let output = Command::new("python3").args(["-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"]).output();
    let output = output.expect("python3 is needed for its library, which serves as a corpus");
    PathBuf::from(String::from_utf8(output.stdout).expect("the path is UTF-8").trim())
}

fn package(name: &str) -> (PathBuf, Change) {
    let root = library();
    let found = graph::discover(&root.join(name));
    let (change, _) = graph::load(&found.files, &|_| ());
    assert!(!change.files.is_empty(), "{name} was not found in {}", root.display());
    (root, change)
}

fn load(root: &Path, change: Change) -> AnalysisHost {
    let mut host = AnalysisHost::new(vec![root.to_path_buf()]);
    host.apply(change);
    host
}

/// Parsing, summarising and linking one file of 2,700 lines alone.
fn summary(criterion: &mut Criterion) {
    let path = library().join("argparse.py");
    let text = syntax::read_source(&path).expect("argparse is part of the library");
    let mut group = criterion.benchmark_group("summary");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("argparse", |bencher| {
        bencher.iter(|| {
            let mut change = Change::default();
            change.set(&path, text.as_str());
            load(Path::new("/"), change)
        });
    });
    group.finish();
}

/// Code that nobody writes by hand, in two sizes: what has twice the size must cost hardly more than twice as much, or be cut.
fn growth(criterion: &mut Criterion) {
    type Shape = (&'static str, usize, fn(usize) -> String);
    let shapes: [Shape; 7] = [
        ("brackets", 100_000, |n| format!("x = {}1{}\n", "(".repeat(n), ")".repeat(n))),
        ("f-strings", 20_000, |n| format!("x = {}1{}\n", "f'{".repeat(n), "}'".repeat(n))),
        ("operators", 100_000, |n| format!("x = {}1\n", "1 + ".repeat(n))),
        ("classes", 1_000, |n| {
            let chain = |n: usize| format!("class C{}(C{n}):\n    def m{n}(self): return self.m()\n", n + 1);
            format!("class C0:\n    def m(self): ...\n{}", (0..n).map(chain).collect::<String>())
        }),
        ("rebinding", 10_000, |n| "if x: x = f(x)\n".repeat(n)),
        ("branches", 5_000, branching),
        ("definitions", 10_000, |n| (0..n).map(|n| format!("def f{n}(): return unknown{n}\n")).collect()),
    ];
    let mut group = criterion.benchmark_group("growth");
    group.sample_size(10);
    for (name, count, shape) in shapes {
        for count in [count, 2 * count] {
            let text = shape(count);
            group.bench_function(format!("{name}/{count}"), |bencher| {
                bencher.iter(|| {
                    let mut change = Change::default();
                    change.set("/hostile.py", text.as_str());
                    let host = load(Path::new("/"), change);
                    let analysis = host.analysis();
                    let symbols: Vec<_> = analysis.files().flat_map(|file| analysis.symbols(file)).collect();
                    (analysis.usages(&symbols), host)
                });
            });
        }
    }
    let mut files = |count: usize| {
        group.bench_function(format!("files/{count}"), |bencher| {
            bencher.iter(|| {
                let mut change = Change::default();
                (0..count).for_each(|number| change.set(format!("/m{number}.py"), "x=1\n"));
                load(Path::new("/"), change)
            });
        });
    };
    files(10_000);
    files(20_000);
    group.finish();
}

/// A function that binds a name of its own in each of its branches.
fn branching(branches: usize) -> String {
    let mut text = "def run(kind):\n".to_owned();
    for branch in 0..branches {
        text.push_str(&format!("    if kind == {branch}:\n        name_{branch} = {branch}\n"));
    }
    text
}

/// A whole package from its texts.
fn link(criterion: &mut Criterion) {
    let (root, change) = package("asyncio");
    criterion.bench_function("link/asyncio", |bencher| {
        bencher.iter_batched(|| change.clone(), |change| load(&root, change), BatchSize::SmallInput);
    });
}

/// One keystroke in a large file, with all of the package around it loaded: inside a function, which concerns no other
/// file, and in a name that others look up.
fn edit(criterion: &mut Criterion) {
    let (root, change) = package("unittest");
    let host = load(&root, change);
    let path = root.join("unittest/mock.py");
    let text = syntax::read_source(&path).expect("mock is part of the library");
    for (name, what) in [("body", "_spec_class = None"), ("name", "def patch(")] {
        let at = text.find(what).expect("mock is as it was") + what.len() - 1;
        let edited = [format!("{}x{}", &text[..at], &text[at..]), text.clone()];
        let mut host = host.clone();
        let mut turn = 0;
        criterion.bench_function(&format!("edit/{name}"), |bencher| {
            bencher.iter(|| {
                let mut change = Change::default();
                change.set(&path, edited[turn % 2].as_str());
                turn += 1;
                host.apply(change);
                host.analysis()
            });
        });
    }
}

criterion_group!(benches, summary, growth, link, edit);
criterion_main!(benches);

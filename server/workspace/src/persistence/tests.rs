//! Warm graphs are cold graphs.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use graph::AnalysisHost;

use super::*;

/// Everything that linking decides, as text.
fn dump(analysis: &Analysis) -> String {
    let mut out = String::new();
    for file in analysis.files() {
        let _ = writeln!(out, "{} {:?}", analysis.path(file).display(), analysis.syntax_errors(file));
        for import in analysis.imports(file) {
            let _ = writeln!(out, "  {import:?}");
        }
        for id in analysis.symbols(file) {
            let symbol = analysis.symbol(id);
            let facts = (symbol.kind, symbol.range, symbol.docstring, symbol.params, symbol.flags, symbol.complexity);
            let _ = writeln!(out, "  {} {} {facts:?}", symbol.qualified_name(), symbol.signature());
            let _ = writeln!(out, "    {:?}", (analysis.bases(id), analysis.callees(id), analysis.callers(id)));
            let _ = writeln!(out, "    {:?}", (analysis.external_calls(id), analysis.unresolved_calls(id)));
            let _ = writeln!(out, "    {:?}", analysis.references(id));
        }
        let _ = writeln!(out, "  {:?}", (analysis.undefined_names(file), analysis.missing_members(file)));
        for edge in analysis.edges(file) {
            let _ = writeln!(out, "  {edge:?}");
        }
    }
    out
}

/// The graph of the files below `root`, and how many of them were known.
fn graph(root: &Path, persistence: Option<&Persistence>) -> (AnalysisHost, usize) {
    let (mut change, _) = graph::load(&graph::discover(root).files, &|_| ());
    let known = persistence.map_or(0, |persistence| persistence.restore(&mut change));
    let mut host = AnalysisHost::new(vec![root.to_path_buf()]);
    host.apply(change);
    (host, known)
}

fn assert_equal(actual: &Analysis, expected: &Analysis) {
    assert_equal_dumps(&dump(actual), &dump(expected));
}

fn assert_equal_dumps(actual: &str, expected: &str) {
    let differing = actual.lines().zip(expected.lines()).find(|(a, b)| a != b);
    assert!(actual == expected, "first difference {differing:#?}");
}

fn keep(persistence: &Persistence, analysis: &Analysis) {
    let files: Vec<FileId> = analysis.files().collect();
    persistence.keep_summaries(analysis, &files).unwrap();
    persistence.keep_rows(analysis, &files).unwrap();
    persistence.prune().unwrap();
}

fn open(cache: &Path, root: &Path) -> Persistence {
    Persistence::open(cache, &[root.to_path_buf()]).unwrap()
}

/// Answers of the database as one column of text.
fn sql(persistence: &Persistence, query: &str) -> Vec<String> {
    let connection = rusqlite::Connection::open(persistence.path()).unwrap();
    let mut statement = connection.prepare(query).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn stdlib() -> PathBuf {
    let output = Command::new("python3").args(["-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"]).output();
    let output = output.expect("python3 is needed for its library, which serves as a corpus");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// Started as a process of its own by the test below.
#[test]
#[ignore = "does nothing by itself"]
fn dumps_as_another_process() {
    let path = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let (Some(cache), Some(root), Some(to)) = (path("DUMP_CACHE"), path("DUMP_ROOT"), path("DUMP_TO")) else { return };
    let (warm, known) = graph(&root, Some(&open(&cache, &root)));
    assert_eq!(known, warm.analysis().stats().files);
    fs::write(to, dump(&warm.analysis())).unwrap();
}

#[test]
fn a_warm_graph_equals_the_cold_one() {
    let cache = tempfile::tempdir().unwrap();
    for package in ["asyncio", "email", "unittest"] {
        let root = stdlib().join(package);
        let (cold, known) = graph(&root, Some(&open(cache.path(), &root)));
        let files = cold.analysis().stats().files;
        assert!(known == 0 && files > 3, "{known} of {files} in {}", root.display());
        keep(&open(cache.path(), &root), &cold.analysis());
        let (mut warm, known) = graph(&root, Some(&open(cache.path(), &root)));
        assert_eq!(known, files);
        assert_equal(&warm.analysis(), &cold.analysis());
        // A process that never saw these names is what a start is.
        let dumped = cache.path().join("dumped");
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "persistence::tests::dumps_as_another_process", "--ignored"]);
        command.env("DUMP_CACHE", cache.path()).env("DUMP_ROOT", &root).env("DUMP_TO", &dumped);
        assert!(command.stdout(std::process::Stdio::null()).status().unwrap().success());
        assert_equal_dumps(&fs::read_to_string(&dumped).unwrap(), &dump(&cold.analysis()));
        // What comes from the database is as good a start for edits.
        let edit = || {
            let file = cold.analysis().files().last().unwrap();
            let mut change = Change::default();
            change.set(cold.analysis().path(file), "class Only:\n    def f(self): return (\n");
            change
        };
        let mut edited = cold.clone();
        edited.apply(edit());
        warm.apply(edit());
        assert_equal(&warm.analysis(), &edited.analysis());
    }
}

#[test]
fn files_that_changed_are_read_anew() {
    let (cache, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = folder.path();
    fs::write(root.join("a.py"), "def f(): ...\n").unwrap();
    fs::write(root.join("b.py"), "import a\ndef g(): a.f()\n").unwrap();
    keep(&open(cache.path(), root), &graph(root, None).0.analysis());
    fs::write(root.join("a.py"), "x = 1\n\ndef f(y): ...\n").unwrap();
    // The same text, but pytest would look at it.
    fs::rename(root.join("b.py"), root.join("test_b.py")).unwrap();
    let (warm, known) = graph(root, Some(&open(cache.path(), root)));
    assert_eq!(known, 0);
    assert_equal(&warm.analysis(), &graph(root, None).0.analysis());
    keep(&open(cache.path(), root), &warm.analysis());
    assert_eq!(graph(root, Some(&open(cache.path(), root))).1, 2);
}

#[test]
fn the_database_answers_sql() {
    let (cache, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = folder.path();
    fs::write(root.join("a.py"), "class Base: ...\nclass C(Base):\n    def f(self): ...\n").unwrap();
    fs::write(root.join("b.py"), "import a\n\ndef g():\n    a.C().f()\n").unwrap();
    let persistence = open(cache.path(), root);
    let (mut host, _) = graph(root, None);
    keep(&persistence, &host.analysis());
    let edges =
        "SELECT s.qualified_name || ' ' || e.kind || ' ' || t.qualified_name || ' ' || e.confidence || ' ' || e.line
        FROM edges e JOIN nodes s ON s.id = e.source JOIN nodes t ON t.id = e.target";
    let expected =
        ["a.C inherits a.Base exact 2", "b import a exact 1", "b.g constructor a.C exact 4", "b.g call a.C.f exact 4"];
    assert_eq!(BTreeSet::from_iter(sql(&persistence, edges)), BTreeSet::from(expected.map(str::to_owned)));
    let nodes =
        "SELECT kind || ' ' || qualified_name || ' ' || line FROM nodes WHERE module = 'a' ORDER BY line, kind DESC";
    assert_eq!(sql(&persistence, nodes), ["module a 1", "class a.Base 1", "class a.C 2", "method a.C.f 3"]);

    // Edges of files that were not edited follow.
    let mut change = Change::default();
    change.set(root.join("a.py"), "\nclass C:\n    def h(self): ...\n");
    let before = host.analysis();
    host.apply(change);
    persistence.keep_rows(&host.analysis(), &host.analysis().changed_since(&before)).unwrap();
    let expected = ["b import a exact 1", "b.g constructor a.C exact 4"];
    assert_eq!(BTreeSet::from_iter(sql(&persistence, edges)), BTreeSet::from(expected.map(str::to_owned)));
    let mut change = Change::default();
    change.remove(root.join("b.py"));
    host.apply(change);
    persistence.keep_rows(&host.analysis(), &[]).unwrap();
    assert_eq!(sql(&persistence, "SELECT kind FROM edges"), [] as [&str; 0]);
}

#[test]
fn nothing_depends_on_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("a.py"), "def f(): ...\n").unwrap();
    // A file where the folder should be.
    assert!(Persistence::open(&root.join("a.py"), &[root.to_path_buf()]).is_none());

    // Blobs that are no summaries.
    let cache = tempfile::tempdir().unwrap();
    let (cold, _) = graph(root, None);
    let persistence = open(cache.path(), root);
    keep(&persistence, &cold.analysis());
    let connection = rusqlite::Connection::open(persistence.path()).unwrap();
    connection.execute("UPDATE summaries SET data = x'0badf00d'", []).unwrap();
    let (warm, known) = graph(root, Some(&persistence));
    assert_eq!(known, 0);
    assert_equal(&warm.analysis(), &cold.analysis());
    // They are mended by whoever computes them again.
    keep(&open(cache.path(), root), &warm.analysis());
    assert_eq!(graph(root, Some(&open(cache.path(), root))).1, 1);
}

#[test]
fn each_workspace_has_a_database_of_its_own() {
    let cache = tempfile::tempdir().unwrap();
    let path = |roots: &[&str]| {
        let roots: Vec<PathBuf> = roots.iter().map(PathBuf::from).collect();
        Persistence::open(cache.path(), &roots).unwrap().path().to_path_buf()
    };
    assert_eq!(path(&["/a", "/b"]), path(&["/b", "/a"]));
    assert_ne!(path(&["/a", "/b"]), path(&["/a"]));
}

#[test]
fn the_thread_writes_the_last_of_what_it_is_told() {
    let (cache, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = folder.path();
    let persistence = Arc::new(open(cache.path(), root));
    let persisting = start(Arc::new(())).unwrap();
    persisting.send(Persist::Workspace(Some(persistence.clone()))).unwrap();
    for name in ["first", "last"] {
        fs::write(root.join("a.py"), format!("def {name}(): ...\n")).unwrap();
        persisting.send(Persist::Graph(graph(root, None).0.analysis())).unwrap();
    }
    let names = "SELECT qualified_name FROM nodes WHERE kind = 'function'";
    while sql(&persistence, names) != ["a.last"] {
        std::thread::sleep(Duration::from_millis(20));
    }
    while graph(root, Some(&persistence)).1 != 1 {
        std::thread::sleep(Duration::from_millis(20));
    }
}
